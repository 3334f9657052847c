"""CycleGAN in pytorch-CycleGAN-and-pix2pix: compares cycle reconstructions with their sources."""

from __future__ import annotations

from ffl_plugin.patches._checks import no_frequency_loss_of_its_own
from ffl_plugin.patches._pix2pix import api_of_2017, model_file
from ffl_plugin.patching.recipe import Import, Recipe, Version

PATH = "models/cycle_gan_model.py"

RECIPE = Recipe(
    name="cyclegan",
    upstream="junyanz/pytorch-CycleGAN-and-pix2pix",
    summary="CycleGAN in pytorch-CycleGAN-and-pix2pix, and its forks",
    train="python train.py --dataroot datasets/maps --name maps_ffl --model cycle_gan --ffl-weight 1",
    files=(
        model_file(
            PATH,
            "CycleGANModel",
            Import("from ffl_plugin.integrations import cyclegan as ffl"),
            "self.loss_G = "
            "ffl.add_terms(self, self.loss_G, self.rec_A, self.real_A, self.rec_B, self.real_B)",
        ),
    ),
    checks=(no_frequency_loss_of_its_own,),
    versions=(
        Version("2a7afba", ((PATH, "9fa37b148c44bc08bd186a6bf1f15fa95ae745fc"),)),
        Version("c3268ed", ((PATH, "15bb72d8ddc4e7891b643578025037c34f047aec"),)),
        Version("f13aab8", ((PATH, "15bb72d8ddc4e7891b643578025037c34f047aec"),)),
    ),
    others=(api_of_2017("CycleGANModel"),),
)
