"""The walks on docs/architecture.md are those that the code takes."""

from __future__ import annotations

import argparse
import re
import shutil
import sys
from collections.abc import Callable
from pathlib import Path
from types import FrameType, SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

from ffl_plugin.cli import main
from ffl_plugin.integrations import pix2pix
from ffl_plugin.integrations._opt import OptTerm
from ffl_plugin.integrations._settings import Settings
from ffl_plugin.integrations._term import FrequencyTerm
from ffl_plugin.metrics import Difference, Sides
from ffl_plugin.patching.clone import Clone
from ffl_plugin.report.inputs import Inputs
from ffl_plugin.report.model import Findings

ROOT = Path(__file__).parents[1]
PAGE = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8")
CARRIERS = {"cli", "metrics.sides", "report.model"}  # the entry point, and what only carries a value
ONCE = ("patches", "metrics.uncertainty")


def listed(walk: str) -> list[str]:
    """The modules of a walk on the page, as dotted names."""
    text = PAGE.split(f"**`{walk}`**")[1]
    steps = re.findall(
        r"^\d+\. `([\w/]+?)(?:\.py|/)`", text.split("\n\n**")[0].split("\n## ")[0], re.MULTILINE
    )
    return [step.replace("/", ".") for step in steps]


def called(run: Callable[[], object], carries: Callable[[Any], bool], last: str) -> list[str]:
    """The modules with a function that is called with the value, in order, until ``last`` is called."""
    found: dict[str, None] = {}
    done = False

    def look(frame: FrameType, event: str, argument: object) -> None:
        nonlocal done
        module = str(frame.f_globals.get("__name__"))
        if done or event != "call" or not module.startswith("ffl_plugin."):
            return
        code = frame.f_code
        names = code.co_varnames[: code.co_argcount + code.co_kwonlyargcount]
        if any(carries(frame.f_locals[name]) for name in names if name in frame.f_locals):
            module = module.removeprefix("ffl_plugin.")
            found[next((one for one in ONCE if module.startswith(f"{one}.")), module)] = None
        done = code.co_name == last

    before = sys.getprofile()
    sys.setprofile(look)
    try:
        run()
    finally:
        sys.setprofile(before)
    assert done
    return [module for module in found if module not in CARRIERS]


def command(*arguments: str) -> Callable[[], None]:
    def run() -> None:
        with pytest.raises(SystemExit) as ended:
            main([*arguments])
        assert ended.value.code == 0

    return run


def test_the_walk_of_a_repository(tmp_path: Path) -> None:
    clone = tmp_path / "clone"
    shutil.copytree(ROOT / "tests" / "fixtures" / "stylegan2-ada", clone)

    def carries(value: Any) -> bool:
        return isinstance(value, Clone) or (isinstance(value, (str, Path)) and str(value) == str(clone))

    found = called(command("apply", "stylegan2-ada", str(clone)), carries, "_clean_up")
    assert set(found) == set(listed("REPO"))


def test_the_walk_of_the_weight(tmp_path: Path) -> None:
    def carries(value: Any) -> bool:
        carriers = (argparse.Namespace, SimpleNamespace, Settings, FrequencyTerm, OptTerm)
        return isinstance(value, carriers) or (isinstance(value, list) and "--ffl-weight=2" in value)

    def run() -> None:
        parser = argparse.ArgumentParser()
        pix2pix.add_options(parser)
        model = SimpleNamespace(opt=parser.parse_args(["--ffl-weight=2"]), loss_names=["G_GAN"])
        vars(model.opt).update(isTrain=True, checkpoints_dir=str(tmp_path), name="facades")
        pix2pix.setup(model)
        fake, real = torch.rand(2, 1, 3, 8, 8, generator=torch.Generator().manual_seed(0)) * 2 - 1
        assert pix2pix.add_term(model, torch.zeros(()), fake, real) > 0

    found = called(run, carries, "focal_frequency_loss")
    assert set(found) == set(listed("--ffl-weight"))


@pytest.mark.parametrize("way", ["--pairs", "--sets"])
def test_the_walk_of_a_training(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, way: str) -> None:
    monkeypatch.setenv("FFL_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("TORCH_HOME", str(tmp_path / "torch"))
    random = np.random.default_rng(0)
    for side in ("real", "before", "after"):
        (tmp_path / side).mkdir()
        for index in range(4):
            pixels = random.integers(0, 256, (16, 16, 3), dtype=np.uint8)
            Image.fromarray(pixels).save(tmp_path / side / f"{index}.png")
    real, before, after = (str(tmp_path / side) for side in ("real", "before", "after"))

    def carries(value: Any) -> bool:
        if isinstance(value, (list, tuple)) and value:
            paths = (one for one in value if isinstance(one, str))
            return before in paths or all(isinstance(one, Difference) for one in value)
        return isinstance(value, (Sides, Inputs, Findings, Difference))

    run = command("compare", "--real", real, "--before", before, "--after", after, way, "--no-download")
    found = called(run, carries, "reach_verdict")
    assert len(found) <= 8
    expected = set(listed("--before")) - ({"report.samples"} if way == "--sets" else set())
    assert set(found) == expected
