"""pix2pixHD on current Python; it still needs CUDA, to which its model moves everything."""

from __future__ import annotations

from ffl_plugin.patches._checks import requires
from ffl_plugin.patching.recipe import File, Import, Recipe, Version

TRAIN = File(
    path="train.py",
    defines=(),
    edits=(Import("from ffl_plugin.integrations.torch2_pix2pixhd import fractions", rebinds=True),),
    checks=(
        requires("", ("fractions.gcd(...)",), because="does not call fractions.gcd, so it needs no patch"),
    ),
)

RECIPE = Recipe(
    name="torch2-pix2pixhd",
    companion_of="pix2pixhd",
    upstream="NVIDIA/pix2pixHD",
    summary="pix2pixHD on Python 3.9 and later (with CUDA, which its model takes for granted)",
    train="python train.py --name label2city",
    files=(TRAIN,),
    versions=(Version("14b3b3c", ((TRAIN.path, "acedac25b64d4eeedb6482aa4e3c7b5fa82a249a"),)),),
)
