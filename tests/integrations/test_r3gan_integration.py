"""What R3GAN has of its own: a loss for each image, and kimg that count on when a run is resumed."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import click
import pytest
import torch
from click.testing import CliRunner

from ffl_plugin.integrations import r3gan


@pytest.fixture
def reported(monkeypatch: pytest.MonkeyPatch) -> dict[str, torch.Tensor]:
    names: dict[str, torch.Tensor] = {}
    statistics = ModuleType("torch_utils.training_stats")
    statistics.report = lambda name, value: names.update({name: value})  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "torch_utils", ModuleType("torch_utils"))
    monkeypatch.setitem(sys.modules, "torch_utils.training_stats", statistics)
    return names


def test_the_term_is_in_the_mean_while_it_is_trained_with_and_not_in_what_is_reported(
    reported: dict[str, torch.Tensor],
) -> None:
    torch.manual_seed(0)
    fake, real, loss = torch.rand(4, 3, 8, 8), torch.rand(4, 3, 8, 8), torch.rand(4)
    term = r3gan.term({"weight": 3.0})
    assert term is not None
    trained = term.add_to(loss, fake, real)
    torch.testing.assert_close(trained.mean(), loss.mean() + reported["Loss/G/ffl"])
    assert float(reported["Loss/G/ffl"]) > 0
    assert term.take_from(trained) is loss
    assert term.take_from(trained) is trained  # nothing was added since


def test_it_is_none_when_off() -> None:
    assert r3gan.term(None) is None and r3gan.term({}) is None


def test_a_schedule_goes_on_at_the_kimg_of_the_snapshot(tmp_path: Path) -> None:
    found: dict[str, Any] = {}

    @click.command()
    @r3gan.options
    @click.option("--resume")
    def main(resume: str, ffl_options: dict[str, Any]) -> None:
        arguments: dict[str, Any] = {"loss_kwargs": {}}
        r3gan.configure(arguments, ffl_options, click.ClickException)
        found.update(arguments["loss_kwargs"]["ffl_options"])

    def resumed(kimg: int) -> dict[str, Any]:
        record = tmp_path / "training_options.json"
        record.write_text(json.dumps({"loss_kwargs": {"ffl_options": found}}))
        snapshot = tmp_path / f"network-snapshot-{kimg:09d}.pkl"
        CliRunner().invoke(
            main, ["--ffl-weight=1", "--ffl-ramp=200", f"--resume={snapshot}"], catch_exceptions=False
        )
        return dict(found["resumed"])

    assert resumed(40) == {"kimg": 40}
    assert resumed(100) == {"kimg": 100}  # of both runs: R3GAN's snapshots are named by all that was shown
