"""The judgement of a training step and of a dry run, from gradients and options made up here."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
from forks import launch, step
from forks.entries import Entry


def result(weight: float, **change: Any) -> dict[str, Any]:
    """A step whose own gradient is 1 and that of FFL 2, at a gain of 4."""
    gradient = torch.tensor([1.0, 1.0], dtype=torch.float64) + 4 * weight * torch.tensor([2.0, -2.0])
    reports = {"Loss/G/loss": torch.ones(()), **({"Loss/G/ffl": torch.ones(())} if weight else {})}
    expected = {"0.weight": torch.tensor([2.0, -2.0])} if weight else {}
    return {
        "gradients": {"0.weight": gradient},
        "reports": reports,
        "expected": expected,
        "gain": 4.0,
        **change,
    }


def steps(**change: Any) -> list[dict[str, Any]]:
    """The four steps of a patched tree; ``change`` replaces those it names."""
    usual = {"silent": result(0), "zero": result(0), "one": result(1), "two": result(2)}
    return list({**usual, **change}.values())


def scaled(factor: float) -> dict[str, torch.Tensor]:
    return {"0.weight": torch.tensor([2.0, -2.0]) * factor}


@pytest.mark.parametrize(
    ("found", "outcome", "text"),
    [
        (steps(), "right", "weight 0 bitwise, linear, = gain × ∇FFL to 0e+00; stand-ins for timm"),
        (
            steps(zero=result(1e-12)),
            "wrong",
            "at weight 0 the gradient is not bitwise that of the unpatched step",
        ),
        (steps(silent=result(0, reports={})), "wrong", "without a flag the step reports other names"),
        (steps(one=result(1, reports={})), "wrong", "also reports [], not ['Loss/G/ffl']"),
        (steps(one=result(0, reports=result(1)["reports"])), "wrong", "FFL does not reach the generator"),
        (steps(two=result(2.1)), "wrong", "weight 2 does not give twice the difference of weight 1"),
        (steps(one=result(1, expected=scaled(0.5))), "wrong", "is not the gradient of FFL of the two images"),
        (steps(one=result(1, expected=scaled(4))), "right", "= ∇FFL"),
    ],
)
def test_judgement_of_a_step(found: list[Any], outcome: str, text: str) -> None:
    check = step.compare(result(0), found, {"Loss/G/ffl"}, ["timm"])
    assert check.outcome == outcome
    assert text in check.text


@pytest.mark.parametrize(
    ("unpatched", "outcome"),
    [((0, 0), "wrong"), ((0, 1), "not run")],
    ids=["the same twice", "other every time"],
)
def test_a_step_that_is_never_the_same_twice_is_not_judged(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, unpatched: tuple[int, int], outcome: str
) -> None:
    """Some repositories read memory that nothing has written."""
    answers = iter([result(unpatched[0]), None, result(unpatched[1])])

    def run_step(*_: Any) -> dict[str, Any]:
        one = next(answers)
        return {"steps": steps(zero=result(5)) if one is None else [one], "stand_ins": []}

    monkeypatch.setattr(step, "run_step", run_step)
    entry = Entry("owner/name", "0" * 40, "stylegan2-ada", "applies", "as upstream")
    check = step.check_step(entry, "stylegan2_ada", tmp_path, tmp_path, [], tmp_path)
    assert check.outcome == outcome


def options(weight: float = 0, **change: Any) -> dict[str, Any]:
    """Training options as a launcher prints them."""
    loss: dict[str, Any] = {"r1_gamma": 1.0, **({"ffl_options": {"weight": weight}} if weight else {})}
    return {"loss_kwargs": loss, "run_dir": f"runs/00000-auto1{'-ffl1' if weight else ''}", **change}


@pytest.mark.parametrize(
    ("found", "outcome", "text"),
    [
        ([options(), options(), options(1)], "right", "the flag arrives"),
        (
            [options(num_gpus=2), options(), options(1)],
            "wrong",
            "without a flag the training options are not",
        ),
        ([options(), options(1), options(1)], "wrong", "at weight 0 the training options are not"),
        ([options(), options(), options(2)], "wrong", "does not reach the arguments of the loss"),
        ([options(), options(), options(1, batch=8)], "wrong", "changes other training options"),
        ([options(), options(), options(1, run_dir="runs/0")], "right", "in a run named without it"),
    ],
)
def test_judgement_of_a_dry_run(found: list[Any], outcome: str, text: str) -> None:
    check = launch.compare(options(), found, [])
    assert check.outcome == outcome
    assert text in check.text
