"""EG3D: StyleGAN3's launcher and phases, with images in dicts; compares the full-resolution ones."""

from __future__ import annotations

from ffl_plugin.patches._checks import no_frequency_loss_of_its_own
from ffl_plugin.patches._stylegan import IMAGES_GENERATED, LOSS_CLASS, launcher_file, loss_file
from ffl_plugin.patching import Clone, PatchError, Source, pattern
from ffl_plugin.patching.locate import find_statement
from ffl_plugin.patching.recipe import Import, Only, Recipe, Version
from ffl_plugin.patching.source import find_function

IMPORT = Import("from ffl_plugin.integrations import eg3d as ffl")
PHASES = f"{LOSS_CLASS}.accumulate_gradients"
DICT_MADE = Only(
    (
        "real_img = {'image': real_img, 'image_raw': ..., **...}",
        "real_img = dict(..., image=real_img, image_raw=...)",
    )
)


def real_images_are_a_dict(source: Source, clone: Clone) -> None:
    """Refuse if real_img may not be a dict of ``image`` and ``image_raw`` when the generator trains."""
    generated = source.start_of(find_statement(source, PHASES, IMAGES_GENERATED))
    try:
        made = find_statement(source, PHASES, DICT_MADE)
    except PatchError:
        made = None
    if made is None or source.start_of(made) > generated:
        raise PatchError(
            "real_img is not made a dict of 'image' and 'image_raw', or not in every branch",
            file=source.name,
            line=find_function(source, PHASES).lineno,
        )
    for node in pattern.occurrences("real_img = ...", find_function(source, PHASES)):
        if source.end_of(made) < source.start_of(node) < generated:
            raise PatchError(
                "real_img is rebound after it was made a dict", file=source.name, line=node.lineno
            )


LAUNCHER = launcher_file(IMPORT, LOSS_CLASS, "--gamma")

RECIPE = Recipe(
    name="eg3d",
    upstream="NVlabs/eg3d",
    summary="EG3D, and its forks",
    train="python train.py --outdir=runs --cfg=ffhq --data=images.zip --gpus=8 --batch=32 --gamma=1 "
    "--gen_pose_cond=True --ffl-weight=1",
    files=(LAUNCHER, loss_file(IMPORT, LOSS_CLASS, (real_images_are_a_dict,))),
    earlier=(
        (
            LAUNCHER,
            loss_file(
                IMPORT, LOSS_CLASS, (), term="loss_Gffl = self.ffl(gen_img['image'], real_img['image'])"
            ),
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
