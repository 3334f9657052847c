"""A registry of losses: the loss by its name, beside another, and before the trainer's own script."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from types import ModuleType
from typing import Any, Callable

import pytest
import torch

from ffl_plugin.errors import FFLError
from ffl_plugin.integrations import basicsr
from ffl_plugin.loss import focal_frequency_loss

REGISTRY = """
class Registry:
    def __init__(self):
        self._losses = {}

    def register(self, kind):
        self._losses[kind.__name__] = kind

    def get(self, name):
        return self._losses[name]

    def keys(self):
        return self._losses.keys()

    def __contains__(self, name):
        return name in self._losses


LOSS_REGISTRY = Registry()
"""
SCRIPT = """
import sys
from basicsr.utils.registry import LOSS_REGISTRY
from torch import zeros, ones

loss = LOSS_REGISTRY.get("FocalFrequencyLoss")(loss_weight=2.0)
print(sys.argv[1:], float(loss(zeros(1, 3, 8, 8), ones(1, 3, 8, 8), weight=None)))
"""


class L1Loss(torch.nn.Module):
    def __init__(self, loss_weight: float = 1.0) -> None:
        super().__init__()
        self.loss_weight = loss_weight

    def forward(self, pred: Any, target: Any, weight: Any = None, **others: Any) -> Any:
        return self.loss_weight * (pred - target).abs().mean()


@pytest.fixture
def losses(monkeypatch: pytest.MonkeyPatch) -> Any:
    registry = ModuleType(basicsr.REGISTRY)
    exec(REGISTRY, vars(registry))
    for name in ("basicsr", "basicsr.utils"):
        monkeypatch.setitem(sys.modules, name, ModuleType(name))
    monkeypatch.setitem(sys.modules, basicsr.REGISTRY, registry)
    registry.LOSS_REGISTRY.register(L1Loss)
    return registry.LOSS_REGISTRY


def batches() -> tuple[torch.Tensor, torch.Tensor]:
    generator = torch.Generator().manual_seed(0)
    return torch.rand(2, 3, 8, 8, generator=generator), torch.rand(2, 3, 8, 8, generator=generator)


def test_the_registered_loss_is_the_loss(losses: Any) -> None:
    assert basicsr.register()
    made = losses.get("FocalFrequencyLoss")(loss_weight=3.0, alpha=2.0)
    pred, target = batches()
    torch.testing.assert_close(made(pred, target), 3 * focal_frequency_loss(pred, target, alpha=2.0))
    torch.testing.assert_close(made(pred, target, weight=None), made(pred, target))


def test_another_loss_beside_it(losses: Any) -> None:
    basicsr.register()
    made = losses.get("FocalFrequencyLoss")(beside={"type": "L1Loss", "loss_weight": 2.0})
    pred, target = batches()
    expected = focal_frequency_loss(pred, target) + 2 * (pred - target).abs().mean()
    torch.testing.assert_close(made(pred, target, weight=None), expected)
    with pytest.raises(FFLError, match=r"'L2Loss' .*FocalFrequencyLoss, L1Loss"):
        losses.get("FocalFrequencyLoss")(beside={"type": "L2Loss"})


def test_a_loss_of_the_trainer_s_own_stays(losses: Any) -> None:
    own = type("FocalFrequencyLoss", (), {})
    losses.register(own)
    assert not basicsr.register()
    assert losses.get("FocalFrequencyLoss") is own


@pytest.fixture
def trainer(tmp_path: Path) -> Callable[..., subprocess.CompletedProcess[str]]:
    package = tmp_path / "basicsr" / "utils"
    package.mkdir(parents=True)
    for folder in (package, package.parent):
        (folder / "__init__.py").touch()
    (package / "registry.py").write_text(REGISTRY, encoding="utf-8")
    (package.parent / "train.py").write_text(SCRIPT, encoding="utf-8")

    def run(*arguments: str, folder: Path = tmp_path) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-m", "ffl_plugin.integrations.basicsr", *arguments]
        return subprocess.run(command, cwd=folder, capture_output=True, text=True)

    return run


def test_a_script_finds_it_registered(trainer: Callable[..., subprocess.CompletedProcess[str]]) -> None:
    result = trainer("basicsr/train.py", "-opt", "x.yml")
    assert result.stdout == "['-opt', 'x.yml'] 2.0\n", result.stderr


@pytest.mark.parametrize("script", ["missing.py", "alone.py"])
def test_what_cannot_be_run_is_refused_in_a_sentence(
    trainer: Callable[..., subprocess.CompletedProcess[str]], tmp_path: Path, script: str
) -> None:
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    (elsewhere / "alone.py").touch()
    result = trainer(script, folder=elsewhere)
    assert result.returncode == 2 and "Traceback" not in result.stderr
    assert script in result.stderr or "LOSS_REGISTRY" in result.stderr
