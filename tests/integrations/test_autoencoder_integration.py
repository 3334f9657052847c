"""Autoencoders: the term follows the reduction of the loss, and its weight goes into the checkpoint."""

from __future__ import annotations

import sys
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest
import torch

from ffl_plugin.errors import FFLError
from ffl_plugin.integrations._monitor import gradient_norm
from ffl_plugin.integrations.autoencoder import ReconstructionTerm, SettingsError, loss_with_ffl
from ffl_plugin.loss import focal_frequency_loss


def images() -> tuple[torch.Tensor, torch.Tensor]:
    generator = torch.Generator().manual_seed(0)
    made, inputs = (torch.rand(2, 3, 8, 8, generator=generator) * 2 - 1 for _ in range(2))
    return made.requires_grad_(), inputs


@pytest.mark.parametrize("summed", [False, True])
def test_the_term_is_reduced_as_the_loss_is(summed: bool) -> None:
    """Beside a mean of squares, FFL with alpha 0 is that mean again; beside a sum, that sum."""
    made, inputs = images()
    squares = (made - inputs).square()
    own = squares.sum() / len(squares) if summed else squares.mean()
    term = ReconstructionTerm({"weight": 1, "alpha": 0})
    torch.testing.assert_close(term(own, made, inputs, summed=summed), 2 * own)


def test_off_is_the_very_loss() -> None:
    loss = torch.tensor(1.0)
    for options in (None, {}, {"weight": 0}, {"weight": 0, "alpha": 2}):
        term = ReconstructionTerm(options)
        assert term(loss, *images()) is loss
        assert term.log("train") == {} and not term.state_dict()


def test_the_log_has_the_term_and_what_a_monitor_finds() -> None:
    made, inputs = images()
    term = ReconstructionTerm({"weight": 3, "monitor": 1})
    term(made.square().mean(), made, inputs).backward()
    log = term.log("val")
    torch.testing.assert_close(log["val/ffl_loss"], 3 * focal_frequency_loss(made, inputs).detach())
    assert log["val/grad_ffl"] > 0 and log["val/grad_rest"] > 0


@pytest.mark.parametrize("summed", [False, True])
def test_a_share_is_one_whatever_the_reduction(summed: bool) -> None:
    made, inputs = images()
    term = ReconstructionTerm({"share": 0.5, "share_steps": 4, "monitor": 1})
    for _ in range(6):
        squares = (made - inputs).square()
        own = squares.sum() / len(squares) if summed else squares.mean()
        term(own, made, inputs, summed=summed).backward()
    log = term.log("train")
    torch.testing.assert_close(
        log["train/grad_ffl"] / log["train/grad_rest"], torch.tensor(0.5), rtol=1e-2, atol=0
    )


def test_a_found_weight_goes_into_the_checkpoint_and_is_not_asked_for() -> None:
    made, inputs = images()
    options = {"share": 0.5, "share_steps": 2}
    term = torch.nn.Sequential(ReconstructionTerm(options))
    assert not term.state_dict()
    for _ in range(4):
        term[0](made.square().mean(), made, inputs).backward()
    state = term.state_dict()
    assert list(state) == ["0.weight", "0.share", "0.settings"]
    again = torch.nn.Sequential(ReconstructionTerm(options))
    again.load_state_dict(state)
    torch.testing.assert_close(dict(again.state_dict()), dict(state))
    again.load_state_dict({})  # a checkpoint from before
    torch.nn.Sequential(ReconstructionTerm()).load_state_dict(state)  # and one that goes on without
    given = torch.nn.Sequential(ReconstructionTerm({"weight": 3}))
    given.load_state_dict(state)  # and one that goes on with a weight of the user's
    torch.testing.assert_close(
        given[0](torch.tensor(0.0), made, inputs), 3 * focal_frequency_loss(made, inputs)
    )


def test_the_weight_of_another_share_is_not_taken(capsys: pytest.CaptureFixture[str]) -> None:
    state = {"weight": torch.tensor(7.0), "share": torch.tensor(0.1, dtype=torch.float64)}
    term = ReconstructionTerm({"share": 0.2, "share_steps": 2})
    term.load_state_dict(state)
    printed = capsys.readouterr()
    assert (printed.out, printed.err) == (
        "",
        "Warning: the checkpoint was trained with share 0.1, "
        "so the weight of share 0.2 is calibrated anew.\n",
    )
    assert not term.state_dict()
    del state["share"]  # as of versions that did not save it
    term.load_state_dict(state)
    assert float(term.state_dict()["weight"]) == 7.0
    assert capsys.readouterr().out == "--ffl-share 0.2 continues at weight 7, found before.\n"


@pytest.mark.parametrize(
    ("options", "before"),
    [
        ({"spectrum": "batch"}, "spectrum image"),
        ({"variant": "dct"}, "variant focal"),
        ({"alpha": 2}, "alpha 1"),
    ],
    ids=str,
)
def test_the_weight_of_another_loss_is_not_taken(
    options: dict[str, Any], before: str, capsys: pytest.CaptureFixture[str]
) -> None:
    made, inputs = images()
    trained, share = ReconstructionTerm({"share": 0.2, "share_steps": 2}), {"share": 0.2, "share_steps": 3}
    for _ in range(3):
        trained(made.square().mean(), made, inputs).backward()
    capsys.readouterr()
    term = ReconstructionTerm({**share, **options})
    term.load_state_dict(trained.state_dict())
    assert f"trained with {before}, so the weight of share 0.2 is" in capsys.readouterr().err
    assert not term.state_dict()
    same = ReconstructionTerm(share)  # another length of the calibration
    same.load_state_dict(trained.state_dict())
    assert same.state_dict()["weight"] == trained.state_dict()["weight"]


@pytest.mark.parametrize(
    "options", [{"weight": -1}, {"weigth": 1}, {"weight": 1, "share": 0.1}, {"start": 1}]
)
def test_options_that_cannot_train_are_refused(options: dict[str, Any]) -> None:
    with pytest.raises(SettingsError):
        ReconstructionTerm(options)


def videos() -> tuple[torch.Tensor, torch.Tensor]:
    generator = torch.Generator().manual_seed(0)
    made, inputs = (torch.rand(2, 3, 5, 8, 8, generator=generator) * 2 - 1 for _ in range(2))
    return made.requires_grad_(), inputs


@pytest.mark.parametrize(
    "options",
    [{}, {"spectrum": "batch"}, {"patch_factor": 2, "batch_matrix": True}, {"variant": "stationary-wavelet"}],
)
def test_videos_are_compared_frame_by_frame(options: dict[str, Any]) -> None:
    made, inputs = videos()
    frames = [torch.cat([batch[n].transpose(0, 1) for n in range(2)]) for batch in (made, inputs)]
    assert frames[0].shape == (10, 3, 8, 8)
    nothing = torch.tensor(0.0)
    settings = {"weight": 2, **options}
    own, expected = (
        ReconstructionTerm(settings)(nothing, *batches)
        for batches in ((made, inputs), (frames[0], frames[1]))
    )
    torch.testing.assert_close(own, expected)
    (gradient,) = torch.autograd.grad(own, made)
    torch.testing.assert_close(gradient, *torch.autograd.grad(expected, made))


@pytest.mark.parametrize("summed", [False, True])
def test_beside_a_loss_per_frame_the_term_is_one_too(summed: bool) -> None:
    made, inputs = videos()
    squares = (made - inputs).square()
    own = squares.sum() / 10 if summed else squares.mean()
    term = ReconstructionTerm({"weight": 1, "alpha": 0})
    torch.testing.assert_close(term(own, made, inputs, summed=summed), 2 * own)


def test_a_share_and_a_monitor_of_videos() -> None:
    made, inputs = videos()
    term = ReconstructionTerm({"share": 0.5, "share_steps": 4, "monitor": 1})
    for _ in range(6):
        own = (made - inputs).square().mean()
        term(own, made, inputs).backward()
    (rest,) = torch.autograd.grad((made - inputs).square().mean(), made)
    log = term.log("train")
    torch.testing.assert_close(log["train/grad_rest"], gradient_norm(rest))
    torch.testing.assert_close(
        log["train/grad_ffl"] / gradient_norm(rest), torch.tensor(0.5), rtol=1e-2, atol=0
    )
    again = ReconstructionTerm({"share": 0.5})
    again.load_state_dict(term.state_dict())
    torch.testing.assert_close(again(torch.tensor(0.0), made, inputs), term(torch.tensor(0.0), made, inputs))


@pytest.mark.parametrize("shape", [(2, 8, 8), (2, 3, 2, 5, 8, 8)])
def test_other_shapes_are_refused_in_words(shape: tuple[int, ...]) -> None:
    with pytest.raises(FFLError, match=r"\(N, C, T, H, W\)"):
        ReconstructionTerm({"weight": 1})(torch.tensor(0.0), torch.zeros(shape), torch.zeros(shape))


def test_a_frame_is_not_cut_into_patches_that_do_not_fit() -> None:
    made, inputs = videos()
    with pytest.raises(SettingsError, match="8x8"):
        ReconstructionTerm({"weight": 1, "patch_factor": 5})(torch.tensor(0.0), made, inputs)


class Likelihood(torch.nn.Module):
    """A loss of the form of latent-diffusion's."""

    def __init__(self, disc_start: int) -> None:
        super().__init__()
        self.logvar = torch.nn.Parameter(torch.zeros(()))

    def forward(self, inputs: Any, reconstructions: Any, optimizer_idx: int, split: str = "train") -> Any:
        loss = (inputs - reconstructions).square().sum() / len(inputs)
        return loss, {f"{split}/loss": loss.detach()}


class Other(torch.nn.Module):
    def forward(self, x: Any) -> Any:
        return x


@pytest.fixture
def package(monkeypatch: pytest.MonkeyPatch) -> None:
    module = ModuleType("some_losses")
    vars(module).update(Likelihood=Likelihood, Other=Other)
    monkeypatch.setitem(sys.modules, "some_losses", module)


def test_a_loss_by_its_name_without_a_patch(package: None) -> None:
    made, inputs = images()
    loss = loss_with_ffl("some_losses.Likelihood", {"weight": 2}, disc_start=5)
    plain = Likelihood(5)
    assert isinstance(loss, Likelihood) and loss.state_dict().keys() == plain.state_dict().keys()
    value, log = loss(inputs, made, optimizer_idx=0, split="val")
    own, own_log = plain(inputs, made, 0, split="val")
    torch.testing.assert_close(value, own + 2 * inputs[0].numel() * focal_frequency_loss(made, inputs))
    assert log.keys() == {*own_log, "val/ffl_loss"}
    assert loss(inputs, made, 1)[0] == own
    averaged, _ = loss_with_ffl("some_losses.Likelihood", {"weight": 2}, False, disc_start=5)(inputs, made, 0)
    torch.testing.assert_close(averaged, own + 2 * focal_frequency_loss(made, inputs))


def test_a_loss_that_sums_by_option_is_followed(package: None, monkeypatch: pytest.MonkeyPatch) -> None:
    """As LightningDiT's, whose ``pp_style`` averages, beside a ``logvar`` that it leaves unused."""
    made, inputs = images()
    own = Likelihood(5)(inputs, made, 0)[0]
    for averages, values in ((True, 1), (False, inputs[0].numel())):
        monkeypatch.setattr(Likelihood, "pp_style", averages, raising=False)
        value, _ = loss_with_ffl("some_losses.Likelihood", {"weight": 2}, disc_start=5)(inputs, made, 0)
        torch.testing.assert_close(value, own + 2 * values * focal_frequency_loss(made, inputs))


class Modes(torch.nn.Module):
    """A loss of the form of 1d-tokenizer's: a method per mode, and names without a split."""

    def __init__(self, config: Any) -> None:
        super().__init__()

    def forward(self, inputs: Any, reconstructions: Any, extra: Any, global_step: int, mode: str) -> Any:
        generates = mode == "generator"
        judged = torch.zeros(()), {"discriminator_loss": torch.zeros(())}
        half = reconstructions.half().float()
        return self._forward_generator(inputs, half, extra, global_step) if generates else judged

    def _forward_generator(self, inputs: Any, reconstructions: Any, extra: Any, global_step: int) -> Any:
        loss = (inputs - reconstructions).square().mean()
        return loss, {"total_loss": loss.detach()}


def test_a_loss_of_ones_own_as_documented(monkeypatch: pytest.MonkeyPatch) -> None:
    text = (Path(__file__).parents[2] / "docs" / "autoencoders.md").read_text(encoding="utf-8")
    module = ModuleType("modeling.modules")
    vars(module).update(ReconstructionLoss_Single_Stage=Modes)
    monkeypatch.setitem(sys.modules, "modeling", ModuleType("modeling"))
    monkeypatch.setitem(sys.modules, "modeling.modules", module)
    written: dict[str, Any] = {}
    exec(text.partition("```python\n")[2].partition("```")[0], written)

    def step(losses: dict[str, Any], mode: str = "generator") -> Any:
        made, inputs = images()
        loss, log = written["WithFFL"](SimpleNamespace(losses=losses))(inputs, made, {}, 1, mode)
        return loss, log, made, inputs

    own, log, made, inputs = step({})
    assert log.keys() == {"total_loss"}
    value, log, *_ = step({"ffl_options": {"weight": 2}})
    torch.testing.assert_close(value, own + 2 * focal_frequency_loss(made.half().float(), inputs))
    assert log.keys() == {"total_loss", "ffl_loss"}
    assert step({"ffl_options": {"weight": 2}}, "discriminator")[1].keys() == {"discriminator_loss"}


@pytest.mark.parametrize("name", ["some_losses.Missing", "nowhere.Loss", "Loss", "some_losses.Other"])
def test_a_loss_that_cannot_be_had_is_refused(package: None, name: str) -> None:
    with pytest.raises(FFLError, match=name):
        loss_with_ffl(name)
