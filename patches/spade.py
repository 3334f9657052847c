"""SPADE: the image made from a label map, against the photograph that the map is of."""

from __future__ import annotations

import ast
from dataclasses import replace

from ffl_plugin.patches._backward import loss_reaches_backward
from ffl_plugin.patches._checks import (
    every_caller_has,
    forbids,
    no_frequency_loss_of_its_own,
    requires,
)
from ffl_plugin.patches._made_models import trains_the_model
from ffl_plugin.patches._pix2pix import no_jittor
from ffl_plugin.patching import Clone, PatchError, Source, pattern
from ffl_plugin.patching.recipe import File, Import, Only, Other, Recipe, Statement, Version
from ffl_plugin.patching.source import find_function

IMPORT = Import("from ffl_plugin.integrations import spade as ffl")

LOSSES = "Pix2PixModel.compute_generator_loss"
NAMES = (
    "fake_image, ... = self.generate_fake(...)",
    "fake_image = self.generate_fake(...)",
    "..., fake_image, ... = self.generate_fake(...)",
)

OPTIONS = File(
    path="options/train_options.py",
    holds=("TrainOptions.initialize",),
    edits=(
        IMPORT,
        Statement("TrainOptions.initialize", "ffl.add_options(parser)", before=Only(("return parser",))),
    ),
    checks=(no_jittor,),
)


def images_are_of_the_label_map(source: Source, clone: Clone) -> None:
    """Refuse where real_image is no target of the generated images, or these are not to be found.

    Models that follow a reference image generate in its style, not that of the label map's photograph.
    """
    function = find_function(source, LOSSES)
    for call in pattern.occurrences("self.generate_fake(...)", function):
        names = {node.id for node in ast.walk(call) if isinstance(node, ast.Name)}
        if reference := next((name for name in sorted(names) if name.startswith(("ref", "exemplar"))), None):
            raise PatchError(
                f"the images follow a reference image ({reference}), so real_image is not their target",
                file=source.name,
                line=call.lineno,
            )
    if not any(
        True
        for each in (*NAMES, "... = self.generate_fake(...)")
        for _ in pattern.occurrences(each, function)
    ):
        raise PatchError(
            f"{LOSSES} does not call self.generate_fake, so it is not known which images it trains",
            file=source.name,
            line=function.lineno,
        )


def _model(images: str, generated: Only) -> File:
    return File(
        path="models/pix2pix_model.py",
        holds=("Pix2PixModel.__init__", LOSSES),
        edits=(
            IMPORT,
            Statement("Pix2PixModel.__init__", "ffl.setup(self)", after=Only(("self.opt = opt",))),
            Statement(LOSSES, f"ffl.add_term(self, G_losses, {images}, real_image)", after=generated),
        ),
        checks=(
            no_jittor,
            images_are_of_the_label_map,
            requires(
                LOSSES,
                ("self.criterionGAN(...)",),
                because=f"{LOSSES} does not call self.criterionGAN, so there may be no adversarial loss",
            ),
            forbids(
                LOSSES,
                ("fake_image = fake_image[...]",),
                because="generate_fake returns more than one image, and which are compared is chosen later",
            ),
            forbids(
                "Pix2PixModel",
                ("G_losses = ...",),
                because="another function computes losses of the generator too, without the term",
                outside=LOSSES,
            ),
            every_caller_has(
                "...(..., mode='generator')",
                ("sum(....values())", "... = list(....values())"),
                because="does not sum up all losses of the generator, and would go without the term",
            ),
            trains_the_model(LOSSES, "...(..., mode='generator')", every=True),
            loss_reaches_backward(LOSSES, generated, "G_losses['FFL']"),
        ),
    )


MODEL = _model("fake_image", Only(NAMES))


def _adapted(recipe: Recipe, clone: Clone) -> Recipe:
    """Return the recipe for a clone, whose generate_fake may return a dict with a ``fake_image``."""
    for name in clone.python_files:
        if clone.defines(name, MODEL.holds):
            function = find_function(clone.source(name), LOSSES)
            if any(True for each in NAMES for _ in pattern.occurrences(each, function)):
                return recipe
            for node in pattern.occurrences("... = self.generate_fake(...)", function):
                target = node.targets[0] if isinstance(node, ast.Assign) else None
                if isinstance(target, ast.Name):
                    model = _model(
                        f"{target.id}['fake_image']", Only((f"{target.id} = self.generate_fake(...)",))
                    )
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
