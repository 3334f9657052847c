"""Projected GAN and StyleGAN-XL: StyleGAN3's launcher, and their own loss with the same phases."""

from __future__ import annotations

from ffl_plugin.patches._checks import no_frequency_loss_of_its_own
from ffl_plugin.patches._stylegan import launcher_file, loss_file, tensor_checks
from ffl_plugin.patching.recipe import Import, Recipe, Version

IMPORT = Import("from ffl_plugin.integrations import projected_gan as ffl")

RECIPE = Recipe(
    name="projected-gan",
    upstream="autonomousvision/projected-gan",
    summary="Projected GAN and StyleGAN-XL, and their forks",
    train="python train.py --outdir=runs --cfg=fastgan --data=images.zip --gpus=8 --batch=64 --ffl-weight=1",
    files=(
        launcher_file(IMPORT, "ProjectedGANLoss", "--batch"),
        loss_file(IMPORT, "ProjectedGANLoss", tensor_checks("ProjectedGANLoss")),
    ),
    checks=(no_frequency_loss_of_its_own,),
    versions=(
        Version(
            "e1c246b",
            (
                ("train.py", "ebe403d75cd24053bcf253511a79d1606a55e1e6"),
                ("training/loss.py", "3074381d8f0463856b9381c81bcbb885f15f700f"),
            ),
        ),
    ),
)
