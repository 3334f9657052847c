"""CUT: compares identity images, which the generator should not change, with their originals."""

from __future__ import annotations

from dataclasses import replace

from ffl_plugin.patches._checks import binds, no_frequency_loss_of_its_own
from ffl_plugin.patches._pix2pix import model_file
from ffl_plugin.patching.recipe import Import, Recipe, Version

PATH = "models/cut_model.py"

MODEL = model_file(
    PATH,
    "CUTModel",
    Import("from ffl_plugin.integrations import cut as ffl"),
    "self.loss_G = ffl.add_term(self, self.loss_G)",
    method="compute_G_loss",
)
# The term reads both in the integration, where a missing one would end the first step.
IMAGES = (
    binds("CUTModel", "self.real", "the images from which the identity images are generated"),
    binds("CUTModel", "self.idt_B", "the identity images, which the term compares"),
)

RECIPE = Recipe(
    name="cut",
    upstream="taesungp/contrastive-unpaired-translation",
    summary="CUT (contrastive unpaired translation), and its forks",
    train="python train.py --dataroot datasets/grumpifycat --name cat_ffl --CUT_mode CUT --ffl-weight 1",
    files=(replace(MODEL, checks=(*MODEL.checks, *IMAGES)),),
    checks=(no_frequency_loss_of_its_own,),
    versions=(Version("b3ac297", ((PATH, "61e7f559d36e7c83c921c050c5b8351b3d9ebaf2"),)),),
)
