"""The integrations on stand-ins with the interfaces of CycleGAN and SPADE."""

from __future__ import annotations

import argparse
import copy
import statistics
from collections.abc import Callable, Sequence
from pathlib import Path
from types import SimpleNamespace

import pytest
import torch

from ffl_plugin import focal_frequency_loss
from ffl_plugin.integrations import cyclegan, spade
from ffl_plugin.integrations._monitor import gradient_norm


def batch(seed: int) -> torch.Tensor:
    return torch.rand(2, 3, 8, 8, generator=torch.Generator().manual_seed(seed)) * 2 - 1


def options(
    tmp_path: Path, add: Callable[[argparse.ArgumentParser], None], arguments: Sequence[str] = ()
) -> argparse.Namespace:
    parser = argparse.ArgumentParser()
    add(parser)
    return argparse.Namespace(
        **vars(parser.parse_args(list(arguments))), isTrain=True, checkpoints_dir=str(tmp_path), name="run"
    )


def cyclegan_model(tmp_path: Path, *arguments: str) -> SimpleNamespace:
    opt = options(tmp_path, cyclegan.add_options, arguments)
    model = SimpleNamespace(opt=opt, loss_names=["G_A", "G_B"])
    cyclegan.setup(model)
    return model


def test_cyclegan_compares_what_came_back_with_what_left(tmp_path: Path) -> None:
    model = cyclegan_model(tmp_path, "--ffl-weight=2")
    rec_a, real_a, rec_b, real_b = map(batch, range(4))
    total = cyclegan.add_terms(model, torch.tensor(5.0), rec_a, real_a, rec_b, real_b)
    torch.testing.assert_close(model.loss_FFL_A, 2 * focal_frequency_loss(rec_a, real_a))
    torch.testing.assert_close(model.loss_FFL_B, 2 * focal_frequency_loss(rec_b, real_b))
    torch.testing.assert_close(total, 5 + model.loss_FFL_A + model.loss_FFL_B)
    assert model.loss_names == ["G_A", "G_B", "FFL_A", "FFL_B"]


def test_cyclegan_finds_one_weight_for_both_domains(tmp_path: Path) -> None:
    model = cyclegan_model(tmp_path, "--ffl-share=0.5", "--ffl-share-steps=2")
    norms = []
    for step in range(3):
        rec_a, real_a, rec_b, real_b = (batch(10 * step + number) for number in range(4))
        rec_a, rec_b = rec_a.requires_grad_(), rec_b.requires_grad_()
        loss = 10 * (rec_a - real_a).abs().mean() + 20 * (rec_b - real_b).abs().mean()
        cyclegan.add_terms(model, loss, rec_a, real_a, rec_b, real_b).backward()
        for rec, real in ((rec_a, real_a), (rec_b, real_b)):
            [gradient] = torch.autograd.grad(focal_frequency_loss(rec, real), rec)
            norms.append(float(gradient_norm(gradient)))
        assert (float(model.loss_FFL_A.detach()) > 0) == (step == 2)
    # Half of what is measured has a gradient norm of 10, half of 20; the first of the two steps is left out.
    weight = 0.5 * 15 / statistics.median(norms[2:4])
    expected = weight * focal_frequency_loss(rec_b, real_b)
    torch.testing.assert_close(model.loss_FFL_B, expected, rtol=1e-3, atol=0)


def test_cyclegan_prints_the_gradients_of_both_domains(tmp_path: Path) -> None:
    model = cyclegan_model(tmp_path, "--ffl-weight=2", "--ffl-monitor=2")
    gradients = ["grad_FFL_A", "grad_rest_A", "grad_FFL_B", "grad_rest_B"]
    assert model.loss_names == ["G_A", "G_B", "FFL_A", "FFL_B", *gradients]
    rec_a, real_a, rec_b, real_b = map(batch, range(4))
    rec_a, rec_b = rec_a.requires_grad_(), rec_b.requires_grad_()
    loss = 10 * (rec_a - real_a).abs().mean() + 20 * (rec_b - real_b).abs().mean()
    cyclegan.add_terms(model, loss, rec_a, real_a, rec_b, real_b).backward()
    assert float(model.loss_grad_rest_A) == pytest.approx(10, rel=1e-4)
    assert float(model.loss_grad_rest_B) == pytest.approx(20, rel=1e-4)
    assert model.loss_grad_FFL_A > 0 and model.loss_grad_FFL_B > 0


def test_cyclegan_off_returns_the_very_loss(tmp_path: Path) -> None:
    model = cyclegan_model(tmp_path)
    loss = torch.tensor(5.0)
    assert cyclegan.add_terms(model, loss, *map(batch, range(4))) is loss
    assert model.loss_names == ["G_A", "G_B"]


def test_a_cyclegan_test_gets_no_flags() -> None:
    parser = argparse.ArgumentParser()
    cyclegan.add_options(parser, is_train=False)
    assert vars(parser.parse_args([])) == {}


class SpadeModel(torch.nn.Module):
    def __init__(self, opt: argparse.Namespace) -> None:
        super().__init__()
        self.opt = opt
        spade.setup(self)

    def forward(self, fake: torch.Tensor, real: torch.Tensor) -> dict[str, torch.Tensor]:
        losses = {"GAN": fake.mean()}
        spade.add_term(self, losses, fake, real)
        return losses


def test_spade_compares_each_image_with_its_own_target(tmp_path: Path) -> None:
    model = SpadeModel(options(tmp_path, spade.add_options, ["--ffl-weight=2"]))
    losses = model(batch(0), batch(1))
    torch.testing.assert_close(losses["FFL"], 2 * focal_frequency_loss(batch(0), batch(1), spectrum="image"))
    assert model.state_dict() == {}  # nothing of ours in upstream's checkpoints


def test_spade_prints_the_gradients_and_trains_as_without(tmp_path: Path) -> None:
    """As with DataParallel: replicas of a model, whose dicts must have the same keys in every step."""
    trained = []
    for flags in ([], ["--ffl-monitor=2"]):
        model = SpadeModel(options(tmp_path, spade.add_options, ["--ffl-weight=2", *flags]))
        replicas = [copy.copy(model), copy.copy(model)]
        printed = []
        for step in range(4):
            images = [batch(10 * step + number).requires_grad_() for number in range(2)]
            losses = [replica(fake, batch(5)) for replica, fake in zip(replicas, images)]
            assert list(losses[0]) == list(losses[1])
            printed.append(losses[0])
            sum(torch.stack([found[name] for found in losses]) for name in losses[0]).mean().backward()
            trained.append(torch.stack([fake.grad for fake in images]))
        gradients = [name for name in printed[-1] if name.startswith("grad_")]
        assert gradients == (["grad_FFL", "grad_rest"] if flags else [])
    assert list(printed[0]) == ["GAN", "FFL"]
    # GAN's gradient is 1 for the sum over the pixels of an image; the mean over replicas halves it.
    assert all(float(losses["grad_rest"]) == pytest.approx(0.5) for losses in printed[1:])
    assert not any(losses["grad_rest"].requires_grad for losses in printed[1:])
    assert all(torch.equal(*pair) for pair in zip(trained[:4], trained[4:]))


def test_spade_off_adds_nothing(tmp_path: Path) -> None:
    assert list(SpadeModel(options(tmp_path, spade.add_options))(batch(0), batch(1))) == ["GAN"]


@pytest.mark.parametrize("flag", ["--ffl-start=1", "--ffl-ramp=1"])
def test_spade_cannot_count_epochs_and_has_no_schedule(
    tmp_path: Path, flag: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit):
        options(tmp_path, spade.add_options, [flag])
    assert "unrecognized arguments" in capsys.readouterr().err


def test_a_size_that_spade_crops_to_is_checked_while_parsing(capsys: pytest.CaptureFixture[str]) -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--preprocess_mode", default="scale_width_and_crop")
    parser.add_argument("--crop_size", type=int, default=256)
    spade.add_options(parser)
    with pytest.raises(SystemExit):
        parser.parse_args(["--ffl-weight=1", "--ffl-patch-factor=3"])
    assert "does not divide images of 256x256" in capsys.readouterr().err
