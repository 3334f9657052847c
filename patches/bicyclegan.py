"""BicycleGAN: compares the image generated from a target's code with that target."""

from __future__ import annotations

from ffl_plugin.patches._checks import no_frequency_loss_of_its_own
from ffl_plugin.patches._pix2pix import model_file
from ffl_plugin.patching.recipe import Import, Recipe, Version

PATH = "models/bicycle_gan_model.py"

RECIPE = Recipe(
    name="bicyclegan",
    upstream="junyanz/BicycleGAN",
    summary="BicycleGAN, and its forks",
    train="python train.py --dataroot datasets/facades --name facades_ffl --model bicycle_gan --ffl-weight 1",
    files=(
        model_file(
            PATH,
            "BiCycleGANModel",
            Import("from ffl_plugin.integrations import bicyclegan as ffl"),
            "self.loss_G = ffl.add_term(self, self.loss_G, self.fake_B_encoded, self.real_B_encoded)",
            method="backward_EG",
        ),
    ),
    checks=(no_frequency_loss_of_its_own,),
    versions=(Version("40b9d52", ((PATH, "6bc4066ce36ff782ca39a8f4b53faa6706d4768c"),)),),
)
