"""EG3D: StyleGAN3's launcher and phases, with images in dicts; the full-resolution ones are compared."""

from __future__ import annotations

from ffl_plugin.patches._checks import no_frequency_loss_of_its_own, requires
from ffl_plugin.patches._stylegan import launcher_file, loss_file
from ffl_plugin.patching.recipe import Import, Recipe, Version

IMPORT = Import("from ffl_plugin.integrations import eg3d as ffl")
PHASES = "StyleGAN2Loss.accumulate_gradients"

RECIPE = Recipe(
    name="eg3d",
    upstream="NVlabs/eg3d",
    summary="EG3D, and its forks",
    train="python train.py --outdir=runs --cfg=ffhq --data=images.zip --gpus=8 --batch=32 --gamma=1 "
    "--gen_pose_cond=True --ffl-weight=1",
    files=(
        launcher_file(IMPORT, "StyleGAN2Loss", "--gamma"),
        loss_file(
            IMPORT,
            "StyleGAN2Loss",
            (
                requires(
                    PHASES,
                    (
                        "real_img = {'image': real_img, 'image_raw': ..., **...}",
                        "real_img = dict(..., image=real_img, image_raw=...)",
                    ),
                    because="real_img is not made a dict of 'image' and 'image_raw'",
                ),
            ),
            term="loss_Gffl = self.ffl(gen_img['image'], real_img['image'])",
        ),
    ),
    checks=(no_frequency_loss_of_its_own,),
    versions=(
        Version(
            "7cf1fd1",
            (
                ("train.py", "7201e0aef2b982d1af94a0783288aea25dacc5eb"),
                ("training/loss.py", "b2c637a6f81bb8d458449c355831c733fcb0cacd"),
            ),
        ),
    ),
)
