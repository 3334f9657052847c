"""The integration on stand-ins with the interface of pytorch-CycleGAN-and-pix2pix."""

from __future__ import annotations

import argparse
import json
import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
import torch

from ffl_plugin import FFLError, focal_frequency_loss
from ffl_plugin.integrations import pix2pix as ffl
from ffl_plugin.integrations._monitor import gradient_norm

ON = ["--ffl-weight=2"]


def parse(arguments: list[str], is_train: bool = True) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="train.py")
    parser.add_argument("--crop_size", type=int, default=64)
    parser.add_argument("--preprocess", default="resize_and_crop")
    parser.add_argument("--continue_train", action="store_true")
    parser.add_argument("--epoch_count", type=int, default=1)
    ffl.add_options(parser, is_train)
    parser.parse_known_args(arguments)  # as upstream does, to learn which model it is
    return parser.parse_args(arguments)


class Model:
    """The parts of upstream's model that the integration touches."""

    def __init__(self, folder: Path, arguments: Sequence[str] = (), is_train: bool = True) -> None:
        self.opt = parse(list(arguments), is_train)
        self.opt.isTrain = is_train
        self.opt.checkpoints_dir = str(folder)
        self.opt.name = "facades"
        self.loss_names = ["G_GAN", "G_L1"]
        ffl.setup(self)
        optimizer = torch.optim.SGD([torch.zeros(1)], lr=1.0)
        self.schedulers = [torch.optim.lr_scheduler.StepLR(optimizer, 1000)]

    def step(self, seed: int = 0) -> Model:
        generator = torch.Generator().manual_seed(seed)
        self.fake_B = (torch.rand(2, 3, 8, 8, generator=generator) * 2 - 1).requires_grad_()
        self.real_B = torch.rand(2, 3, 8, 8, generator=generator) * 2 - 1
        self.loss_G_L1 = (self.fake_B - self.real_B).abs().mean()
        self.loss_G = ffl.add_term(self, self.loss_G_L1, self.fake_B, self.real_B)
        return self


class ModelOfAFork(Model):
    """Its options have other names for the checkpoints, and no --epoch_count."""

    def __init__(self, folder: Path, arguments: Sequence[str] = ()) -> None:
        self.opt = parse(list(arguments))
        self.opt.log_dir = str(folder)
        del self.opt.epoch_count
        self.loss_names = ["G_GAN", "G_L1"]
        ffl.setup(self)


def record(folder: Path) -> list[dict[str, Any]]:
    path = folder / "facades" / "ffl_opt.jsonl"
    return [json.loads(line) for line in path.read_text().splitlines()]


def test_a_fork_without_checkpoints_dir_trains_without_a_record(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    silent = ModelOfAFork(tmp_path).step()
    assert silent.loss_G is silent.loss_G_L1
    assert capsys.readouterr().err == ""
    assert ModelOfAFork(tmp_path, ON).step().loss_G_FFL > 0
    assert "checkpoints_dir" in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []


def test_a_subclass_with_a_backward_pass_of_its_own_does_not_train_without_the_term(tmp_path: Path) -> None:
    model = Model(tmp_path, ON)  # nothing has called `add_term` when the first losses are printed
    with pytest.raises(FFLError, match=r"Model in .*test_pix2pix_integration trains without the FFL term"):
        float(model.loss_G_FFL)
    assert model.step().loss_G_FFL.item() > 0


def test_off_returns_the_very_loss_and_leaves_no_trace(tmp_path: Path) -> None:
    model = Model(tmp_path).step()
    assert model.loss_G is model.loss_G_L1
    assert model.loss_names == ["G_GAN", "G_L1"]
    assert not hasattr(model, "loss_G_FFL")
    assert list(tmp_path.iterdir()) == []


def test_on_adds_the_weighted_loss_and_prints_it(tmp_path: Path) -> None:
    model = Model(tmp_path, ON).step()
    expected = 2 * focal_frequency_loss(model.fake_B, model.real_B, spectrum="batch")
    torch.testing.assert_close(model.loss_G_FFL, expected)
    torch.testing.assert_close(model.loss_G, model.loss_G_L1 + expected)
    assert model.loss_names == ["G_GAN", "G_L1", "G_FFL"]


def test_the_monitor_prints_the_gradients_at_the_generated_image(tmp_path: Path) -> None:
    model = Model(tmp_path, [*ON, "--ffl-monitor"])
    assert model.loss_names == ["G_GAN", "G_L1", "G_FFL", "grad_FFL", "grad_GAN", "grad_rest"]
    assert math.isnan(model.loss_grad_FFL)
    images = model.step().fake_B
    losses = model.loss_G_L1, model.loss_G_FFL
    absolute, frequency = (torch.autograd.grad(loss, images, retain_graph=True)[0] for loss in losses)
    model.loss_G.backward()
    monitored = images.grad
    torch.testing.assert_close(model.loss_grad_FFL, gradient_norm(frequency))
    torch.testing.assert_close(model.loss_grad_rest, gradient_norm(absolute))
    assert math.isnan(model.loss_grad_GAN)  # these stand-ins have no adversarial loss
    model = Model(tmp_path, ON).step()
    model.loss_G.backward()
    assert torch.equal(monitored, model.fake_B.grad)


def test_the_monitor_prints_the_adversarial_gradient_where_there_is_one(tmp_path: Path) -> None:
    model = Model(tmp_path, [*ON, "--ffl-monitor=1"]).step()
    model.loss_G_GAN = 7 * model.fake_B.abs().mean()
    ffl.add_term(model, model.loss_G_L1 + model.loss_G_GAN, model.fake_B, model.real_B)
    assert float(model.loss_grad_GAN) == pytest.approx(7, rel=1e-5)


def test_without_the_monitor_there_is_nothing_more_to_print(tmp_path: Path) -> None:
    assert not [name for name in vars(Model(tmp_path, ON).step()) if "grad" in name]


def test_a_test_gets_no_flags_and_no_term(tmp_path: Path) -> None:
    model = Model(tmp_path, is_train=False)
    assert not any(name.startswith("ffl") for name in vars(model.opt))
    assert model.ffl_term is None and model.loss_names == ["G_GAN", "G_L1"]


@pytest.mark.parametrize("spelling", ["--ffl-patch-factor", "--ffl_patch_factor"])
def test_both_spellings(spelling: str) -> None:
    assert parse([spelling, "2"]).ffl_patch_factor == 2


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ([], False),
        (["--ffl_log_matrix"], True),
        (["--ffl-log-matrix=1"], True),
        (["--ffl-log-matrix=no"], False),
    ],
    ids=str,
)
def test_switches_take_a_value_or_none(given: list[str], expected: bool) -> None:
    assert parse(given).ffl_log_matrix is expected


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--ffl-weight", "-1"], "--ffl-weight takes a finite number >= 0, not -1.0"),
        (["--ffl-weight", "nan"], "--ffl-weight takes a finite number >= 0, not nan"),
        (["--ffl_weight=inf"], "--ffl-weight takes a finite number >= 0, not inf"),
        (["--ffl-weight=much"], "invalid float value: 'much'"),
        (["--ffl-weight=1", "--ffl-patch-factor=0"], "--ffl-patch-factor takes an integer >= 1"),
        (["--ffl-weight=1", "--ffl-patch-factor=3"], "--ffl-patch-factor 3 does not divide images of 64x64"),
        (["--ffl-weight=1", "--ffl-patch-factor=4", "--crop_size=66"], "does not divide images of 66x66"),
        (["--ffl-spectrum=imge"], "invalid choice: 'imge'"),
        (["--ffl-log-matrix=perhaps"], "'perhaps'"),
    ],
    ids=lambda value: value[-1] if isinstance(value, list) else "",
)
def test_what_cannot_train_is_argparses_own_error(
    arguments: list[str], message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as ended:
        parse(arguments)
    assert ended.value.code == 2
    error = capsys.readouterr().err
    assert error.startswith("usage: train.py") and message in error


def test_uncropped_images_show_at_the_first_step_that_the_patches_do_not_fill_them(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    model = Model(tmp_path, ["--ffl-weight=1", "--ffl-patch-factor=3", "--preprocess=none"])
    with pytest.raises(SystemExit) as ended:
        model.step()
    assert ended.value.code == 2
    assert "error: --ffl-patch-factor 3 does not divide images of 8x8" in capsys.readouterr().err


def test_a_subclass_that_never_reads_our_options_trains_without_the_term(tmp_path: Path) -> None:
    model = Model(tmp_path)
    del model.ffl_term
    for name in [name for name in vars(model.opt) if name.startswith("ffl")]:
        delattr(model.opt, name)
    model.step()
    assert model.loss_G is model.loss_G_L1


def test_a_subclass_whose_constructor_never_came_to_setup_still_gets_the_term(tmp_path: Path) -> None:
    model = Model(tmp_path, ON)
    model.loss_names = ["G_GAN", "G_L1"]
    del model.ffl_term
    model.step()
    assert model.loss_G is not model.loss_G_L1 and "G_FFL" in model.loss_names


def test_flags_without_a_weight_are_warned_of(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    Model(tmp_path, ["--ffl-alpha=2"])
    assert "--ffl-alpha without effect" in capsys.readouterr().err


def test_every_start_goes_on_record(tmp_path: Path) -> None:
    Model(tmp_path, ON)
    Model(tmp_path, [*ON, "--continue_train"])
    Model(tmp_path)
    starts = record(tmp_path)
    assert [start["settings"]["weight"] for start in starts] == [2.0, 2.0, 0.0]
    assert [start["continued"] for start in starts] == [False, True, False]
    assert all(start["time"] and start["ffl_plugin"] for start in starts)


@pytest.mark.parametrize(
    ("before", "after", "warning"),
    [
        (ON, ON, None),
        (ON, [*ON, "--ffl-monitor=5"], None),
        ([], [], None),
        (["--ffl-alpha=2"], ["--ffl-alpha=3"], "without effect"),
        (ON, [], "--continue_train changes --ffl-weight from 2.0 to 0.0"),
        (ON, ["--ffl-weight=3"], "--continue_train changes --ffl-weight from 2.0 to 3.0"),
        (ON, [*ON, "--ffl-alpha=2"], "--continue_train changes --ffl-alpha from 1.0 to 2.0"),
        ([], ON, "--continue_train changes --ffl-weight from 0.0 to 2.0"),
    ],
    ids=str,
)
def test_continuing_with_other_settings_is_warned_of(
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    before: list[str],
    after: list[str],
    warning: str | None,
) -> None:
    Model(tmp_path, before)
    capsys.readouterr()
    Model(tmp_path, [*after, "--continue_train"])
    lines = capsys.readouterr().err.splitlines()
    assert len(lines) == (warning is not None)
    assert warning is None or warning in lines[0]


SHARED = ["--ffl-share=0.5", "--ffl-share-steps=2"]


def train_with_backward(model: Model, steps: int, start: int = 0) -> list[float]:
    """Train some steps; what was added to the loss in each."""
    added = []
    for seed in range(start, start + steps):
        model.step(seed).loss_G.backward()
        added.append(float(model.loss_G_FFL.detach()))
    return added


def test_a_share_is_found_recorded_and_gone_on_with(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    model = Model(tmp_path, SHARED)
    assert [value > 0 for value in train_with_backward(model, 4)] == [False, False, True, True]
    said = capsys.readouterr().out
    [entry] = [entry for entry in record(tmp_path) if "weight" in entry]
    assert entry["share"] == 0.5 and f"--ffl-share 0.5: weight {entry['weight']} from here on" in said
    whole = focal_frequency_loss(model.fake_B, model.real_B, spectrum="batch")
    torch.testing.assert_close(model.loss_G_FFL, entry["weight"] * whole)

    resumed = Model(tmp_path, [*SHARED, "--continue_train"])
    assert (
        capsys.readouterr().out == f"--ffl-share 0.5 continues at weight {entry['weight']}, found before.\n"
    )
    resumed.step(3)
    torch.testing.assert_close(resumed.loss_G_FFL, model.loss_G_FFL)


@pytest.mark.parametrize(
    "arguments",
    [
        SHARED,
        ["--ffl-share=0.4", "--ffl-share-steps=2", "--continue_train"],
        [*SHARED, "--ffl-variant=dct", "--continue_train"],
    ],
    ids=["from the beginning", "another share", "another loss"],
)
def test_what_is_not_the_same_training_calibrates_again(tmp_path: Path, arguments: list[str]) -> None:
    train_with_backward(Model(tmp_path, SHARED), 3)
    assert train_with_backward(Model(tmp_path, arguments), 2) == [0, 0]


def test_a_weight_found_for_another_loss_in_between_is_not_taken(tmp_path: Path) -> None:
    """The record has one weight for each loss; the last one is not of the loss that continues."""
    train_with_backward(Model(tmp_path, SHARED), 3)
    train_with_backward(Model(tmp_path, [*SHARED, "--ffl-alpha=2", "--continue_train"]), 3)
    assert train_with_backward(Model(tmp_path, [*SHARED, "--continue_train"]), 2) == [0, 0]


def test_a_calibration_that_was_interrupted_begins_again(tmp_path: Path) -> None:
    train_with_backward(Model(tmp_path, SHARED), 2)
    model = Model(tmp_path, [*SHARED, "--continue_train"])
    assert [value > 0 for value in train_with_backward(model, 3)] == [False, False, True]


def test_a_weight_beside_a_share_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        parse(["--ffl-share=0.1", "--ffl-weight=1"])
    assert "--ffl-weight and --ffl-share" in capsys.readouterr().err


def test_a_damaged_record_is_kept_and_training_goes_on(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    Model(tmp_path, ON)
    path = tmp_path / "facades" / "ffl_opt.jsonl"
    whole = path.read_text()
    path.write_text(whole + whole[:20])  # the second line cut short, as by a full disk
    Model(tmp_path, ["--continue_train"])
    error = capsys.readouterr().err
    assert "line 2 of" in error and "--ffl-weight from 2.0 to 0.0" in error
    lines = path.read_text().splitlines()
    assert lines[:2] == [whole.strip(), whole[:20]]
    assert json.loads(lines[2])["settings"]["weight"] == 0.0


def test_a_record_that_cannot_be_written_does_not_stop_the_training(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "facades").write_text("a file where the folder should be")
    assert Model(tmp_path, ON).ffl_term is not None
    assert "cannot write" in capsys.readouterr().err


def test_only_the_first_process_writes_and_warns(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    Model(tmp_path, ON)
    monkeypatch.setenv("RANK", "1")
    model = Model(tmp_path, ["--ffl-weight=3", "--continue_train"])
    assert model.ffl_term is not None and len(record(tmp_path)) == 1
    assert capsys.readouterr().err == ""


SCHEDULE = [*ON, "--ffl-start=1", "--ffl-ramp=2"]
SHARES = [0, 0.25, 0.75, 1, 1]  # of epochs 1 to 5, each counted by its middle


def train_epochs(model: Model, count: int, steps_first: bool = False) -> list[float]:
    """Train as upstream does, stepping the learning rate after each epoch or before it; the shares seen."""
    shares = []
    for _ in range(count):
        if steps_first:
            model.schedulers[0].step()
        for seed in range(2):
            whole = 2 * focal_frequency_loss(*batches(seed), spectrum="batch")
            shares.append(float(model.step(seed).loss_G_FFL.detach() / whole))
        if not steps_first:
            model.schedulers[0].step()
    assert shares[::2] == pytest.approx(shares[1::2])
    return shares[::2]


def batches(seed: int) -> list[torch.Tensor]:
    generator = torch.Generator().manual_seed(seed)
    return [torch.rand(2, 3, 8, 8, generator=generator) * 2 - 1 for _ in range(2)]


@pytest.mark.parametrize("steps_first", [False, True])
@pytest.mark.filterwarnings("ignore:Detected call of `lr_scheduler.step")
def test_the_schedule_counts_epochs_by_the_learning_rate(tmp_path: Path, steps_first: bool) -> None:
    assert train_epochs(Model(tmp_path, SCHEDULE), 5, steps_first) == pytest.approx(SHARES)


@pytest.mark.filterwarnings("ignore:Detected call of `lr_scheduler.step")
@pytest.mark.parametrize(
    ("flags", "expected"),
    [
        (["--continue_train"], SHARES[2:]),  # the record tells that two epochs are over
        (["--continue_train", "--epoch_count=2"], SHARES[1:]),
        ([], SHARES),
    ],
    ids=str,
)
def test_the_schedule_goes_on_where_the_training_was(
    tmp_path: Path, flags: list[str], expected: list[float]
) -> None:
    model = Model(tmp_path, SCHEDULE)
    train_epochs(model, 3)  # the third is not over as far as anyone knows
    shares = train_epochs(Model(tmp_path, [*SCHEDULE, *flags]), len(expected))
    assert shares == pytest.approx(expected)


@pytest.mark.filterwarnings("ignore:Detected call of `lr_scheduler.step")
def test_the_schedule_of_a_fork_without_epoch_count_begins_at_the_first_epoch(tmp_path: Path) -> None:
    model = ModelOfAFork(tmp_path, SCHEDULE)
    optimizer = torch.optim.SGD([torch.zeros(1)], lr=1.0)
    model.schedulers = [torch.optim.lr_scheduler.StepLR(optimizer, 1000)]
    assert train_epochs(model, 5) == pytest.approx(SHARES)


def test_a_schedule_without_anything_to_count_by_is_refused(tmp_path: Path) -> None:
    model = Model(tmp_path, SCHEDULE)
    del model.schedulers
    with pytest.raises(FFLError, match="learning rate schedule"):
        model.step()


def test_without_a_schedule_nothing_is_counted(tmp_path: Path) -> None:
    model = Model(tmp_path, ON)
    del model.schedulers
    model.step()
    assert len(record(tmp_path)) == 1
