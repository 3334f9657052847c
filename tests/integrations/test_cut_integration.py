"""CUT: the identity images against the images that they were made from."""

from __future__ import annotations

import argparse
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import torch

from ffl_plugin.integrations import cut
from ffl_plugin.loss import focal_frequency_loss


def parsed(folder: Path, *flags: str, nce_idt: bool = True) -> argparse.Namespace:
    parser = argparse.ArgumentParser()
    parser.add_argument("--nce_idt", type=bool, default=nce_idt)
    cut.add_options(parser)
    more = {"isTrain": True, "checkpoints_dir": str(folder), "name": "run"}
    return argparse.Namespace(**vars(parser.parse_args(list(flags))), **more)


def model(opt: argparse.Namespace) -> Any:
    images = torch.rand(4, 3, 8, 8, generator=torch.Generator().manual_seed(0)) * 2 - 1
    fake = (images * 0.5).requires_grad_()
    made = SimpleNamespace(opt=opt, loss_names=["G"], real=images, fake=fake, idt_B=fake[2:], schedulers=[1])
    cut.setup(made)
    return made


def test_identity_images_are_compared_with_what_they_were_made_from(tmp_path: Path) -> None:
    made = model(parsed(tmp_path, "--ffl-weight=3"))
    total = cut.add_term(made, torch.tensor(1.0))
    expected = 1 + 3 * focal_frequency_loss(made.fake[2:], made.real[2:])
    torch.testing.assert_close(total, expected)
    assert made.loss_names == ["G", "G_FFL"]
    total.backward()
    assert made.fake.grad[:2].abs().max() == 0  # a translated image has no target
    assert made.fake.grad[2:].abs().max() > 0


def test_off_is_the_very_loss(tmp_path: Path) -> None:
    loss = torch.tensor(1.0)
    made = model(parsed(tmp_path))
    assert cut.add_term(made, loss) is loss
    del made.idt_B  # FastCUT makes none
    assert cut.add_term(made, loss) is loss


@pytest.mark.parametrize("flag", ["--ffl-weight=1", "--ffl-share=0.1"])
def test_a_training_without_identity_images_is_refused(
    tmp_path: Path, flag: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as ended:
        parsed(tmp_path, flag, nce_idt=False)
    assert ended.value.code == 2
    assert "--nce_idt True" in capsys.readouterr().err
    assert parsed(tmp_path, nce_idt=False).ffl_weight == 0


@pytest.mark.parametrize(
    "flags", [("--ffl-weight=1",), ("--ffl-weight=1", "--ffl-start=1"), ("--ffl-share=0.1",)]
)
def test_the_gradient_that_sets_the_feature_network_up_has_no_term(
    tmp_path: Path, flags: tuple[str, ...]
) -> None:
    """Upstream takes it before there are learning rate schedules, and throws it away."""
    made = model(parsed(tmp_path, *flags))
    made.schedulers = []
    loss = torch.tensor(1.0)
    assert cut.add_term(made, loss) is loss
    made.schedulers = [SimpleNamespace(last_epoch=0)]
    assert cut.add_term(made, loss) is not loss
