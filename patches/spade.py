"""SPADE: compares the image generated from a label map with the map's photograph."""

from __future__ import annotations

import ast
from dataclasses import replace

from ffl_plugin.patches._checks import no_frequency_loss_of_its_own, occurrences
from ffl_plugin.patches._spade import NAMES, losses_with, model_file, options_file
from ffl_plugin.patching import Clone, pattern
from ffl_plugin.patching.recipe import Import, Only, Other, Recipe, Version

IMPORT = Import("from ffl_plugin.integrations import spade as ffl")
OPTIONS, MODEL = options_file(IMPORT), model_file(IMPORT, "fake_image", "real_image")


def _adapted(recipe: Recipe, clone: Clone) -> Recipe:
    """Return the recipe for a clone, whose generate_fake may return a dict with a ``fake_image``."""
    if not clone.defining(MODEL.defines):
        return recipe  # known forks are identified by their definitions
    function = losses_with("real_image", clone, recipe.name)
    if occurrences(NAMES, function):
        return recipe
    for node in pattern.occurrences("... = self.generate_fake(...)", function):
        target = node.targets[0] if isinstance(node, ast.Assign) else None
        if isinstance(target, ast.Name):
            generated = Only((f"{target.id} = self.generate_fake(...)",))
            model = model_file(IMPORT, f"{target.id}['fake_image']", "real_image", generated)
            return replace(recipe, files=(OPTIONS, model))
    return recipe


RECIPE = Recipe(
    name="spade",
    upstream="NVlabs/SPADE",
    summary="SPADE (GauGAN), and its forks",
    train="python train.py --name coco_ffl --dataset_mode coco --dataroot datasets/coco_stuff --ffl-weight 1",
    files=(OPTIONS, MODEL),
    checks=(no_frequency_loss_of_its_own,),
    versions=(
        Version(
            "fecacc9",
            (
                (OPTIONS.path, "e620a0569c6dd732737e2bd400c1e516724a6df3"),
                (MODEL.path, "784cb15ae34c3370a322a84cf1e44e13bb536b7f"),
            ),
        ),
    ),
    others=(
        Other(
            ("Pix2PixModel.backward_G",),
            because="Pix2PixModel has the API of pytorch-CycleGAN-and-pix2pix (backward_G)",
        ),
    ),
    adapt=_adapted,
)
