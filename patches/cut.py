"""CUT: compares identity images, which the generator should not change, with their originals."""

from __future__ import annotations

from ffl_plugin.patches._checks import no_frequency_loss_of_its_own
from ffl_plugin.patches._pix2pix import model_file
from ffl_plugin.patching.recipe import Import, Recipe, Version

PATH = "models/cut_model.py"

RECIPE = Recipe(
    name="cut",
    upstream="taesungp/contrastive-unpaired-translation",
    summary="CUT (contrastive unpaired translation), and its forks",
    train="python train.py --dataroot datasets/grumpifycat --name cat_ffl --CUT_mode CUT --ffl-weight 1",
    files=(
        model_file(
            PATH,
            "CUTModel",
            Import("from ffl_plugin.integrations import cut as ffl"),
            "self.loss_G = ffl.add_term(self, self.loss_G)",
            method="compute_G_loss",
        ),
    ),
    checks=(no_frequency_loss_of_its_own,),
    versions=(Version("b3ac297", ((PATH, "61e7f559d36e7c83c921c050c5b8351b3d9ebaf2"),)),),
)
