"""The integrations on stand-ins with the interfaces of CycleGAN and SPADE."""

from __future__ import annotations

import argparse
from types import SimpleNamespace

import pytest
import torch

from ffl_plugin import focal_frequency_loss
from ffl_plugin.integrations import cyclegan, spade


def batch(seed):
    return torch.rand(2, 3, 8, 8, generator=torch.Generator().manual_seed(seed)) * 2 - 1


def options(tmp_path, add, arguments=()):
    parser = argparse.ArgumentParser()
    add(parser)
    return argparse.Namespace(
        **vars(parser.parse_args(list(arguments))), isTrain=True, checkpoints_dir=str(tmp_path), name="run"
    )


def cyclegan_model(tmp_path, *arguments):
    opt = options(tmp_path, cyclegan.add_options, arguments)
    model = SimpleNamespace(opt=opt, loss_names=["G_A", "G_B"])
    cyclegan.setup(model)
    return model


def test_cyclegan_compares_what_came_back_with_what_left(tmp_path):
    model = cyclegan_model(tmp_path, "--ffl-weight=2")
    rec_a, real_a, rec_b, real_b = map(batch, range(4))
    total = cyclegan.add_terms(model, torch.tensor(5.0), rec_a, real_a, rec_b, real_b)
    torch.testing.assert_close(model.loss_FFL_A, 2 * focal_frequency_loss(rec_a, real_a))
    torch.testing.assert_close(model.loss_FFL_B, 2 * focal_frequency_loss(rec_b, real_b))
    torch.testing.assert_close(total, 5 + model.loss_FFL_A + model.loss_FFL_B)
    assert model.loss_names == ["G_A", "G_B", "FFL_A", "FFL_B"]


def test_cyclegan_off_returns_the_very_loss(tmp_path):
    model = cyclegan_model(tmp_path)
    loss = torch.tensor(5.0)
    assert cyclegan.add_terms(model, loss, *map(batch, range(4))) is loss
    assert model.loss_names == ["G_A", "G_B"]


def test_a_cyclegan_test_gets_no_flags():
    parser = argparse.ArgumentParser()
    cyclegan.add_options(parser, is_train=False)
    assert vars(parser.parse_args([])) == {}


class SpadeModel(torch.nn.Module):
    def __init__(self, opt):
        super().__init__()
        self.opt = opt
        spade.setup(self)

    def forward(self, fake, real):
        losses = {"GAN": fake.mean()}
        spade.add_term(self, losses, fake, real)
        return losses


def test_spade_compares_each_image_with_its_own_target(tmp_path):
    model = SpadeModel(options(tmp_path, spade.add_options, ["--ffl-weight=2"]))
    losses = model(batch(0), batch(1))
    torch.testing.assert_close(losses["FFL"], 2 * focal_frequency_loss(batch(0), batch(1), spectrum="image"))
    assert model.state_dict() == {}  # nothing of ours in upstream's checkpoints


def test_spade_off_adds_nothing(tmp_path):
    assert list(SpadeModel(options(tmp_path, spade.add_options))(batch(0), batch(1))) == ["GAN"]


@pytest.mark.parametrize("flag", ["--ffl-start=1", "--ffl-ramp=1"])
def test_spade_cannot_count_epochs_and_has_no_schedule(tmp_path, flag, capsys):
    with pytest.raises(SystemExit):
        options(tmp_path, spade.add_options, [flag])
    assert "unrecognized arguments" in capsys.readouterr().err


def test_a_size_that_spade_crops_to_is_checked_while_parsing(capsys):
    parser = argparse.ArgumentParser()
    parser.add_argument("--preprocess_mode", default="scale_width_and_crop")
    parser.add_argument("--crop_size", type=int, default=256)
    spade.add_options(parser)
    with pytest.raises(SystemExit):
        parser.parse_args(["--ffl-weight=1", "--ffl-patch-factor=3"])
    assert "does not divide images of 256x256" in capsys.readouterr().err
