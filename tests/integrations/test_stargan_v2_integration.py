"""What StarGAN v2 has of its own: two generator steps an iteration, and a record that knows iterations."""

from __future__ import annotations

import argparse
import json
from pathlib import Path

import pytest
import torch

from ffl_plugin.integrations import stargan_v2
from ffl_plugin.loss import focal_frequency_loss


def options(folder: Path, *flags: str) -> argparse.Namespace:
    parser = argparse.ArgumentParser()
    parser.add_argument("--mode", default="train")
    parser.add_argument("--img_size", type=int, default=8)
    parser.add_argument("--resume_iter", type=int, default=0)
    parser.add_argument("--checkpoint_dir", default=str(folder))
    stargan_v2.add_options(parser)
    args = parser.parse_args(flags)
    stargan_v2.setup(args)
    return args


def batches(seed: int = 0) -> tuple[torch.Tensor, torch.Tensor]:
    generator = torch.Generator().manual_seed(seed)
    rec, real = (torch.rand(2, 3, 8, 8, generator=generator) * 2 - 1 for _ in range(2))
    return rec.requires_grad_(), real.requires_grad_()


def step(args: argparse.Namespace, style: str) -> torch.Tensor:
    rec, real = batches()
    loss = stargan_v2.add_term(args, (rec - real).abs().mean(), rec, real, style)
    loss.backward()
    return loss


def test_each_image_is_compared_with_the_one_it_comes_from(tmp_path: Path) -> None:
    rec, real = batches()
    args = options(tmp_path, "--ffl-weight=2")
    term = stargan_v2.add_term(args, torch.zeros(()), rec, real, "ref")
    torch.testing.assert_close(term, 2 * focal_frequency_loss(rec, real))
    term.backward()
    assert real.grad is None  # the R1 penalty left requires_grad set
    assert stargan_v2.losses(args) == {"G/ref_ffl": pytest.approx(term.item())}


def test_off_and_outside_a_training_nothing_is_added(tmp_path: Path) -> None:
    for flags in ([], ["--ffl-weight=1", "--mode=sample"]):
        args = options(tmp_path / "none", *flags)
        loss = torch.zeros(())
        assert stargan_v2.add_term(args, loss, *batches(), "ref") is loss
        assert stargan_v2.losses(args) == {}
    assert not (tmp_path / "none").exists()


def test_the_schedule_counts_iterations_and_not_steps(tmp_path: Path) -> None:
    args = options(tmp_path, "--ffl-weight=1", "--ffl-start=3", "--resume_iter=1")
    found = []
    for _ in range(3):
        for style in ("latent", "ref"):
            stargan_v2.add_term(args, torch.zeros(()), *batches(), style)
        found.append([value > 0 for value in stargan_v2.losses(args).values()])
    assert found == [[False, False], [False, False], [True, True]]


@pytest.mark.parametrize(("resumed", "goes_on"), [(2, False), (3, True), (9, True)])
def test_a_resumed_training_goes_on_at_the_weight_that_was_found_by_then(
    tmp_path: Path, resumed: int, goes_on: bool
) -> None:
    args = options(tmp_path, "--ffl-share=0.1", "--ffl-share-steps=2")
    for _ in range(3):
        step(args, "latent")
        step(args, "ref")
    entries = [json.loads(line) for line in (tmp_path / "ffl_opt.jsonl").read_text().splitlines()]
    [(iteration, weight)] = [(entry["iteration"], entry["weight"]) for entry in entries if "weight" in entry]
    assert iteration == 3
    again = options(tmp_path, "--ffl-share=0.1", "--ffl-share-steps=2", f"--resume_iter={resumed}")
    step(again, "latent")
    expected = weight * focal_frequency_loss(*batches()).item() if goes_on else 0.0
    assert stargan_v2.losses(again)["G/latent_ffl"] == pytest.approx(expected)


def test_resuming_with_other_settings_is_warned_of(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    options(tmp_path, "--ffl-weight=1")
    assert capsys.readouterr().err == ""
    options(tmp_path, "--resume_iter=10")
    assert "--resume_iter changes --ffl-weight from 1.0 to 0.0" in capsys.readouterr().err


def test_patches_that_do_not_fill_the_image_are_the_parsers_own_error(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as ended:
        options(tmp_path, "--ffl-weight=1", "--ffl-patch-factor=3")
    assert ended.value.code == 2
    assert "--ffl-patch-factor 3" in capsys.readouterr().err


def test_the_monitor_reports_both_steps(tmp_path: Path) -> None:
    args = options(tmp_path, "--ffl-weight=1", "--ffl-monitor=1")
    for style in ("latent", "ref"):
        step(args, style)
    found = stargan_v2.losses(args)
    for style in ("latent", "ref"):
        assert found[f"G/{style}_grad_rest"] == pytest.approx(1.0)  # of the mean absolute error
        assert found[f"G/{style}_grad_ffl"] > 0
