"""LlamaGen's tokenizer: iterations, what is logged, what a checkpoint keeps, half precision, processes."""

from __future__ import annotations

import argparse
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import ranks
import torch

from ffl_plugin.integrations import llamagen as ffl
from ffl_plugin.integrations._term import FirstStepError
from ffl_plugin.loss import focal_frequency_loss

OLD = pytest.mark.skipif(not hasattr(torch.amp, "GradScaler"), reason="this torch has no float16 on CPUs")


def parsed(*flags: str) -> argparse.Namespace:
    parser = argparse.ArgumentParser()
    parser.add_argument("--image-size", type=int, default=8)
    parser.add_argument("--vq-ckpt", default="checkpoints/0010000.pt")
    parser.add_argument("--finetune", action="store_true")
    ffl.add_options(parser)
    return parser.parse_args(flags)


class VQLoss(torch.nn.Module):
    """The patched loss, with lines for its log."""

    def __init__(self, *flags: str, args: argparse.Namespace | None = None) -> None:
        super().__init__()
        self.scale = torch.nn.Parameter(torch.ones(()))
        self.lines: list[str] = []
        self.args = args or parsed(*flags)
        ffl.setup(self, self.args)

    def forward(self, inputs: torch.Tensor, made: torch.Tensor, step: int = 1, log_every: int = 1) -> Any:
        loss = self.scale * (made - inputs).square().mean()
        logger = SimpleNamespace(info=self.lines.append)
        return ffl.add_term(self, loss, made, inputs, step, logger, log_every)


def images(seed: int = 0) -> tuple[torch.Tensor, torch.Tensor]:
    generator = torch.Generator().manual_seed(seed)
    made, inputs = (torch.rand(4, 3, 8, 8, generator=generator) * 2 - 1 for _ in range(2))
    return made.requires_grad_(), inputs


def plain(made: torch.Tensor, inputs: torch.Tensor) -> torch.Tensor:
    return (made - inputs).square().mean()


@pytest.mark.parametrize("flags", [(), ("--ffl-weight=0",)])
def test_off_is_the_very_loss_and_logs_nothing(flags: tuple[str, ...]) -> None:
    loss = torch.tensor(1.0)
    vq_loss = VQLoss(*flags)
    assert ffl.add_term(vq_loss, loss, *images(), 1, None, 1) is loss
    assert ffl.add_term(torch.nn.Identity(), loss, *images(), 1, None, 1) is loss  # of no such training
    vq_loss(*reversed(images()))
    assert vq_loss.lines == []


@pytest.mark.parametrize(("step", "part"), [(10, 0.0), (11, 0.0), (16, 0.5), (21, 1.0)])
def test_the_schedule_counts_iterations(step: int, part: float) -> None:
    """Upstream counts its steps from 1: after 10 iterations comes step 11."""
    made, inputs = images()
    value = VQLoss("--ffl-weight=2", "--ffl-start=10", "--ffl-ramp=10")(inputs, made, step)
    torch.testing.assert_close(value, plain(made, inputs) + part * 2 * focal_frequency_loss(made, inputs))


def test_the_log_has_the_term_the_gradients_and_the_weight_in_upstreams_steps() -> None:
    vq_loss = VQLoss("--ffl-share=0.5", "--ffl-share-steps=2", "--ffl-monitor=1")
    for step in range(1, 7):
        made, inputs = images(step)
        vq_loss(inputs, made, step, log_every=3).backward()
    first, second = vq_loss.lines
    assert first.startswith("(FFL) ffl_loss: ") and "grad_FFL: " in first and "grad_rest: " in first
    assert second.endswith(f", weight: {vq_loss.args.ffl_found:g}") and vq_loss.args.ffl_found > 0


def checkpoint(*flags: str, **more: Any) -> dict[str, Any]:
    args = parsed(*flags)
    vars(args).update(more)
    return {"args": args}


SHARE = "--ffl-share=0.1"


@pytest.mark.parametrize(
    ("flags", "kept", "found", "warning"),
    [
        ([SHARE], checkpoint(SHARE, ffl_found=7.0), 7.0, ""),
        ([SHARE], checkpoint(SHARE), None, ""),  # saved before it was found
        (["--ffl-share=0.2"], checkpoint(SHARE, ffl_found=7.0), None, "from 0.1 to 0.2"),
        ([SHARE, "--ffl-alpha=2"], checkpoint(SHARE, ffl_found=7.0), None, "calibrated anew"),
        (["--ffl-weight=2"], checkpoint("--ffl-weight=2"), None, ""),
        (["--ffl-weight=2"], checkpoint("--ffl-weight=3"), None, "--ffl-weight from 3.0 to 2.0"),
        ([], checkpoint("--ffl-weight=3"), None, "--vq-ckpt changes --ffl-weight from 3.0 to 0"),
        (["--ffl-weight=2"], {"args": argparse.Namespace(image_size=8)}, None, "from 0.0 to 2.0"),
        ([SHARE], {}, None, "contains no options"),
        (["--ffl-weight=2"], {}, None, ""),
        ([SHARE, "--finetune"], checkpoint(SHARE, ffl_found=7.0), None, ""),  # another training
        (["--ffl-weight=2", "--finetune"], checkpoint("--ffl-weight=3"), None, ""),
    ],
)
def test_a_checkpoint_goes_on_as_it_was_trained_or_says_what_changes(
    flags: list[str],
    kept: dict[str, Any],
    found: float | None,
    warning: str,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """Upstream makes its loss before it reads the checkpoint."""
    args = parsed(*flags)
    vq_loss = VQLoss(args=args)
    ffl.resume(args, kept)
    said = capsys.readouterr().err
    assert warning in said and bool(warning) == bool(said)
    assert getattr(args, "ffl_found", None) == found
    made, inputs = images()
    value = vq_loss(inputs, made)
    if found is not None:
        assert f"at weight {found:g}" in capsys.readouterr().out
        torch.testing.assert_close(value, plain(made, inputs) + found * focal_frequency_loss(made, inputs))


@pytest.mark.parametrize("precision", [torch.bfloat16, pytest.param(torch.float16, marks=OLD)])
def test_under_autocast_the_term_is_that_of_single_precision(precision: torch.dtype) -> None:
    made, inputs = images()
    half = made.detach().to(precision).requires_grad_()
    with torch.autocast("cpu", precision):
        value = VQLoss("--ffl-weight=2")(inputs, half)
    single = half.detach().float().requires_grad_()
    expected = plain(single, inputs) + 2 * focal_frequency_loss(single, inputs)
    assert value.dtype == torch.float32
    torch.testing.assert_close(value, expected)
    value.backward()
    expected.backward()
    assert half.grad is not None and single.grad is not None
    torch.testing.assert_close(half.grad, single.grad.to(precision), rtol=1e-2, atol=1e-5)


def test_options_that_cannot_train_end_the_parser(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        parsed("--ffl-weight=1", "--ffl-patch-factor=3")
    assert "8x8" in capsys.readouterr().err


def test_flags_without_effect_are_named(capsys: pytest.CaptureFixture[str]) -> None:
    VQLoss("--ffl-alpha=2")
    assert "--ffl-alpha without effect" in capsys.readouterr().err


def test_volumes_are_refused_at_the_first_step() -> None:
    volumes = torch.rand(2, 3, 4, 8, 8)
    with pytest.raises(FirstStepError, match="2, 3, 4, 8, 8"):
        VQLoss("--ffl-weight=1")(volumes, volumes)


def work(rank: int, folder: Path) -> None:
    ranks.meet(folder, rank)
    vq_loss = VQLoss("--ffl-share=0.5", "--ffl-share-steps=2")
    parallel = torch.nn.parallel.DistributedDataParallel(vq_loss)
    decoder = torch.nn.parallel.DistributedDataParallel(torch.nn.Conv2d(3, 3, 1))
    for step in range(1, 5):
        _, inputs = images(10 * step + rank)
        parallel(inputs, decoder(inputs), step).backward()
    torch.save((vq_loss.args.ffl_found, vq_loss.scale.grad), folder / f"{rank}.pt")


def test_processes_find_one_weight_and_the_loss_stays_in_step(tmp_path: Path) -> None:
    ranks.spawn(work, tmp_path)
    (found, gradient), (other, its) = (torch.load(tmp_path / f"{rank}.pt") for rank in range(2))
    assert found == other > 0
    torch.testing.assert_close(gradient, its, rtol=0, atol=0)
