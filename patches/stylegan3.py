"""StyleGAN3: StyleGAN2-ADA's loss, with a launcher that stores its options in one object."""

from __future__ import annotations

from ffl_plugin.patches._checks import no_frequency_loss_of_its_own
from ffl_plugin.patches._stylegan import (
    LOSS_CLASS,
    launcher_file,
    loss_file,
    tensor_checks,
    with_class_of_launcher,
)
from ffl_plugin.patching.recipe import File, Import, Recipe, Version

IMPORT = Import("from ffl_plugin.integrations import stylegan3 as ffl")


def _files(loss: str) -> tuple[File, ...]:
    return launcher_file(IMPORT, loss, "--gamma"), loss_file(IMPORT, loss, tensor_checks(loss))


RECIPE = Recipe(
    name="stylegan3",
    upstream="NVlabs/stylegan3",
    summary="StyleGAN3 (and StyleGAN2) in NVlabs/stylegan3, and its forks",
    train="python train.py --outdir=runs --cfg=stylegan3-t --data=images.zip --gpus=8 --batch=32 "
    "--gamma=8 --ffl-weight=1",
    files=_files(LOSS_CLASS),
    checks=(no_frequency_loss_of_its_own,),
    versions=(
        Version(
            "c233a91",
            (
                ("train.py", "be883c95967630b76bc04b170c884836cf5688eb"),
                ("training/loss.py", "56748095c1fb409fedbf87b2375075440440f0b4"),
            ),
        ),
        Version(
            "8fb5177",
            (
                ("train.py", "7f055b300f7b03747bb237b2458c067dd6512379"),
                ("training/loss.py", "920d05945b7156727044db3ed80e7aa94322af7b"),
            ),
        ),
    ),
    adapt=with_class_of_launcher(_files),
)
