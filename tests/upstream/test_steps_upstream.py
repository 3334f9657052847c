"""A generator step of every family's real upstream, on the CPU, unpatched and patched: `pytest -m upstream`.

Each target's clone is named by a variable such as FFL_PROJECTED_GAN. The real loss or model takes a step with
tiny networks, judged as `benchmarks/compatibility.py` judges every fork: without a flag and at weight 0 the
gradient has the bits of the unpatched step; beyond, it is that plus the weight times the gradient of FFL of
the very images, computed apart.
"""

from __future__ import annotations

import shutil
import sys
from pathlib import Path

import pytest
from real_clone import CloneOf

from ffl_plugin.patches import all_recipes

BENCHMARKS = Path(__file__).parents[2] / "benchmarks"
sys.path.insert(0, str(BENCHMARKS))

from forks.entries import Entry, read_entries  # noqa: E402
from forks.step import check_step  # noqa: E402
from forks.trip import command, round_trip  # noqa: E402

pytestmark = [pytest.mark.upstream, pytest.mark.timeout(1800)]

VARIABLES = {
    "stylegan2-ada": "FFL_STYLEGAN2_ADA",
    "stylegan2-rosinality": "FFL_STYLEGAN2_ROSINALITY",
    "stylegan3": "FFL_STYLEGAN3",
    "projected-gan": "FFL_PROJECTED_GAN",
    "eg3d": "FFL_EG3D",
    "r3gan": "FFL_R3GAN",
    "pix2pix": "FFL_PIX2PIX",
    "cyclegan": "FFL_PIX2PIX",
    "spade": "FFL_SPADE",
    "stargan-v2": "FFL_STARGAN_V2",
    "cut": "FFL_CUT",
    "bicyclegan": "FFL_BICYCLEGAN",
    "tsit": "FFL_TSIT",
    "pix2pixhd": "FFL_PIX2PIXHD",
    "autoencoder": "FFL_AUTOENCODER",
    "llamagen": "FFL_LLAMAGEN",
}


def test_every_family_is_here() -> None:
    assert set(VARIABLES) == {name for name, recipe in all_recipes().items() if recipe.companion_of is None}


@pytest.mark.parametrize("target", VARIABLES)
def test_a_step_of_the_real_upstream(
    target: str, clone_of: CloneOf, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    unpatched = clone_of(target, VARIABLES[target]).folder
    trip = round_trip(target, unpatched)
    assert trip.outcome == "applied", trip.reason
    patched = shutil.copytree(unpatched, tmp_path / "patched", symlinks=True)
    command("apply", target, str(patched))
    check = check_step(entry_of(target), target.replace("-", "_"), unpatched, patched, trip.files, tmp_path)
    with capsys.disabled():
        print(f"\n{target}: {check.text}")
    assert check.outcome == "right", check.text


def entry_of(target: str) -> Entry:
    """The upstream as the benchmark lists it, with what its step needs."""
    upstream = all_recipes()[target].upstream
    entries = read_entries(BENCHMARKS / "compatibility.json")
    plain = Entry(upstream, "", target, "applies", "the upstream")
    return next((entry for entry in entries if (entry.repository, entry.target) == (upstream, target)), plain)
