"""TSIT: SPADE's form; in semantic image synthesis the style image is the target of the generated one."""

from __future__ import annotations

from ffl_plugin.patches._checks import no_frequency_loss_of_its_own
from ffl_plugin.patches._spade import losses_with, model_file, options_file
from ffl_plugin.patching import Clone
from ffl_plugin.patching.recipe import Import, Recipe, Version

IMPORT = Import("from ffl_plugin.integrations import tsit as ffl")
OPTIONS, MODEL = options_file(IMPORT), model_file(IMPORT, "fake_image", "style")


def _adapted(recipe: Recipe, clone: Clone) -> Recipe:
    losses_with("style", clone, recipe.name)
    return recipe


RECIPE = Recipe(
    name="tsit",
    upstream="EndlessSora/TSIT",
    summary="TSIT, and its forks",
    train="python train.py --name ade20k_ffl --task SIS --dataset_mode ade20k --croot datasets/ade20k "
    "--sroot datasets/ade20k --ffl-weight 1",
    files=(OPTIONS, MODEL),
    checks=(no_frequency_loss_of_its_own,),
    versions=(
        Version(
            "69c0f42",
            (
                (OPTIONS.path, "304fb5fa1ca0aac0e9a292de81b7005ef952bf15"),
                (MODEL.path, "7b68098eca9276a3df5b38f8d0ee107eaa1c4d83"),
            ),
        ),
    ),
    adapt=_adapted,
)
