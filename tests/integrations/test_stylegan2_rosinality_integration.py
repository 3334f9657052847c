"""rosinality's StyleGAN2: iterations as kimg, photographs that need a gradient, what a checkpoint keeps."""

from __future__ import annotations

import argparse
import sys
from types import SimpleNamespace
from typing import Any

import pytest
import torch

from ffl_plugin.integrations import stylegan2_rosinality as ffl
from ffl_plugin.loss import focal_frequency_loss


def parsed(*flags: str) -> argparse.Namespace:
    parser = argparse.ArgumentParser()
    parser.add_argument("--size", type=int, default=8)
    parser.add_argument("--ckpt", default="checkpoint/010000.pt")
    ffl.add_options(parser)
    return parser.parse_args(flags)


def images() -> tuple[torch.Tensor, torch.Tensor]:
    generator = torch.Generator().manual_seed(0)
    fake, real = (torch.rand(4, 3, 8, 8, generator=generator) * 2 - 1 for _ in range(2))
    return fake.requires_grad_(), real


def test_photographs_that_r1_looked_at_get_no_gradient() -> None:
    fake, real = images()
    real.requires_grad = True
    term = ffl.GeneratorTerm(parsed("--ffl-weight=3"))(fake, real, 0)
    assert term is not None
    torch.testing.assert_close(term, 3 * focal_frequency_loss(fake, real.detach(), spectrum="batch"))
    term.backward()
    assert real.grad is None and fake.grad is not None


@pytest.mark.parametrize("flags", [(), ("--ffl-weight=0",)])
def test_off_is_none_and_shows_nothing(flags: tuple[str, ...]) -> None:
    term = ffl.GeneratorTerm(parsed(*flags))
    assert term(*images(), 0) is None
    term.show({}, None)


@pytest.mark.parametrize("iteration, part", [(249, 0.0), (250, 0.0), (375, 0.5), (500, 1.0)])
def test_iterations_count_as_kimg(iteration: int, part: float) -> None:
    """The start at 1 kimg is iteration 250 of 4 images, also where a checkpoint goes on."""
    fake, real = images()
    term = ffl.GeneratorTerm(parsed("--ffl-weight=2", "--ffl-start=1", "--ffl-ramp=1"))(fake, real, iteration)
    assert term is not None
    torch.testing.assert_close(term, part * 2 * focal_frequency_loss(fake, real, spectrum="batch"))


class Bar:
    def __init__(self) -> None:
        self.shown: dict[str, float] = {}

    def set_postfix(self, values: dict[str, float], refresh: bool) -> None:
        self.shown.update(values)


def test_bar_and_wandb_show_the_term_the_pulls_and_the_weight(monkeypatch: pytest.MonkeyPatch) -> None:
    logged: list[tuple[dict[str, float], bool]] = []
    wandb = SimpleNamespace(run="run", log=lambda values, commit: logged.append((values, commit)))
    monkeypatch.setitem(sys.modules, "wandb", wandb)
    args = parsed("--ffl-share=0.5", "--ffl-share-steps=2", "--ffl-monitor=1")
    generator, bar = ffl.GeneratorTerm(args), Bar()
    for iteration in range(3):
        fake, real = images()
        term = generator(fake, real, iteration)
        assert term is not None
        (term + fake.square().mean()).backward()
        generator.show({"ffl": term}, bar)
    assert set(bar.shown) == {"FFL", "Gradient FFL", "Gradient rest", "FFL weight"}
    assert bar.shown["FFL weight"] == args.ffl_found > 0
    assert bar.shown["Gradient FFL"] == pytest.approx(0.5 * bar.shown["Gradient rest"], rel=1e-2)
    assert logged[-1] == (bar.shown, False)  # upstream's own call ends the step


def checkpoint(*flags: str, **more: Any) -> dict[str, Any]:
    args = parsed(*flags)
    vars(args).update(more)
    return {"args": args}


@pytest.mark.parametrize(
    ("flags", "kept", "found", "warning"),
    [
        (["--ffl-share=0.1"], checkpoint("--ffl-share=0.1", ffl_found=7.0), 7.0, ""),
        (["--ffl-share=0.1"], checkpoint("--ffl-share=0.1"), None, ""),  # saved before it was found
        (["--ffl-share=0.2"], checkpoint("--ffl-share=0.1", ffl_found=7.0), None, "from 0.1 to 0.2"),
        (["--ffl-share=0.1", "--ffl-spectrum=image"], checkpoint("--ffl-share=0.1", ffl_found=7.0), None,
         "calibrated anew"),
        (["--ffl-weight=2"], checkpoint("--ffl-weight=2"), None, ""),
        (["--ffl-weight=2"], checkpoint("--ffl-weight=3"), None, "--ffl-weight from 3.0 to 2.0"),
        ([], checkpoint("--ffl-weight=3"), None, "--ffl-weight from 3.0 to 0"),
        (["--ffl-weight=2"], {"args": argparse.Namespace(size=8)}, None, "--ffl-weight from 0.0 to 2.0"),
        (["--ffl-share=0.1"], {}, None, "contains no options"),
        (["--ffl-weight=2"], {}, None, ""),
    ],
)  # fmt: skip
def test_a_checkpoint_goes_on_as_it_was_trained_or_says_what_changes(
    flags: list[str],
    kept: dict[str, Any],
    found: float | None,
    warning: str,
    capsys: pytest.CaptureFixture[str],
) -> None:
    args = parsed(*flags)
    ffl.resume(args, kept)
    said = capsys.readouterr().err
    assert warning in said and bool(warning) == bool(said)
    assert getattr(args, "ffl_found", None) == found
    ffl.GeneratorTerm(args)
    assert (str(found) in capsys.readouterr().out) == (found is not None)


def test_a_patch_factor_that_does_not_divide_the_images_ends_the_parser() -> None:
    with pytest.raises(SystemExit):
        parsed("--ffl-weight=1", "--ffl-patch-factor=3")
