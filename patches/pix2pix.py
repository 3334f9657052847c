"""pix2pix in pytorch-CycleGAN-and-pix2pix: compares the generated image with its target."""

from __future__ import annotations

from ffl_plugin.patches._checks import no_frequency_loss_of_its_own
from ffl_plugin.patches._pix2pix import api_of_2017, model_file
from ffl_plugin.patching.recipe import Import, Other, Recipe, Version

PATH = "models/pix2pix_model.py"

RECIPE = Recipe(
    name="pix2pix",
    upstream="junyanz/pytorch-CycleGAN-and-pix2pix",
    summary="pix2pix in pytorch-CycleGAN-and-pix2pix, and its forks",
    train="python train.py --dataroot datasets/facades --name facades_ffl --model pix2pix --ffl-weight 1",
    files=(
        model_file(
            PATH,
            "Pix2PixModel",
            Import("from ffl_plugin.integrations import pix2pix as ffl"),
            "self.loss_G = ffl.add_term(self, self.loss_G, self.fake_B, self.real_B)",
        ),
    ),
    checks=(no_frequency_loss_of_its_own,),
    versions=(
        Version("2a7afba", ((PATH, "d4753e1130c20508f9cc3b19b82c2e6908da0ec4"),)),
        Version("c3268ed", ((PATH, "86a2b15826438f15966bf73fa631c9748d91e207"),)),
        Version("f13aab8", ((PATH, "939eb887ee371a2685e71e17bffded7ae8c08b34"),)),
    ),
    others=(
        api_of_2017("Pix2PixModel"),
        Other(
            ("Pix2PixModel.compute_generator_loss",),
            because="Pix2PixModel has SPADE's API (losses in a dict, options in files of their own)",
        ),
    ),
)
