"""pix2pixHD: the model returns its losses in the order of their names, and train.py adds the term."""

from __future__ import annotations

import argparse
import copy
import math
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import torch

from ffl_plugin.integrations import pix2pixhd
from ffl_plugin.loss import focal_frequency_loss


def model(folder: Path, *flags: str) -> Any:
    parser = argparse.ArgumentParser()
    pix2pixhd.add_options(parser)
    options = {**vars(parser.parse_args(list(flags))), "isTrain": True, "name": "run"}
    made = SimpleNamespace(
        opt=argparse.Namespace(**options, checkpoints_dir=str(folder)),
        loss_filter=lambda *losses: [each for each in losses if each is not None],
        loss_names=["G_GAN", "D_fake"],
    )
    pix2pixhd.setup(made)
    return made


def images() -> tuple[torch.Tensor, torch.Tensor]:
    generator = torch.Generator().manual_seed(0)
    fake, real = (torch.rand(2, 3, 8, 8, generator=generator) * 2 - 1 for _ in range(2))
    return fake.requires_grad_(), real


def losses_of(made: Any, fake: torch.Tensor, real: torch.Tensor) -> dict[str, torch.Tensor]:
    pix2pixhd.add_term(made, fake, real)
    losses = made.loss_filter(torch.tensor(1.0), None, torch.tensor(2.0))
    assert len(losses) == len(made.loss_names)
    return dict(zip(made.loss_names, losses))


def test_the_term_is_one_of_the_named_losses(tmp_path: Path) -> None:
    made = model(tmp_path, "--ffl-weight=3")
    fake, real = images()
    for _ in range(2):  # a filter that was made for one step is not wrapped again in the next
        losses = losses_of(made, fake, real)
        torch.testing.assert_close(losses["G_FFL"], 3 * focal_frequency_loss(fake, real))
    total = pix2pixhd.with_term(losses["G_GAN"], losses)
    torch.testing.assert_close(total, losses["G_GAN"] + losses["G_FFL"])


@pytest.mark.parametrize("flags", [(), ("--ffl-weight=0",)])
def test_off_changes_nothing(tmp_path: Path, flags: tuple[str, ...]) -> None:
    made = model(tmp_path, *flags)
    own = made.loss_filter
    losses = losses_of(made, *images())
    assert list(losses) == ["G_GAN", "D_fake"] and made.loss_filter is own
    assert pix2pixhd.with_term(losses["G_GAN"], losses) is losses["G_GAN"]


def test_a_replica_keeps_its_filter_to_itself(tmp_path: Path) -> None:
    """DataParallel copies the attributes of the model to a replica for each device."""
    made = model(tmp_path, "--ffl-weight=1")
    own = made.loss_filter
    losses_of(copy.copy(made), *images())
    assert made.loss_filter is own


def test_what_a_monitored_step_found_is_shown_in_the_next(tmp_path: Path) -> None:
    made = model(tmp_path, "--ffl-weight=1", "--ffl-monitor=1")
    fake, real = images()
    losses = losses_of(made, fake, real)
    assert math.isnan(losses["grad_FFL"]) and math.isnan(losses["grad_rest"])
    (losses["G_FFL"] + fake.mean()).backward()
    losses = losses_of(made, fake, real)
    assert losses["grad_FFL"] > 0 and losses["grad_rest"] > 0
