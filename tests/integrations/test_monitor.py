"""--ffl-monitor: what it measures, and that it changes nothing."""

from __future__ import annotations

import sys
import types
from collections.abc import Callable
from pathlib import Path

import pytest
import ranks
import torch
from torch import Tensor, distributed, nn

from ffl_plugin import focal_frequency_loss
from ffl_plugin.integrations import stylegan2_ada
from ffl_plugin.integrations._monitor import Report, gradient_norm
from ffl_plugin.integrations._settings import Settings
from ffl_plugin.integrations._term import FrequencyTerm


def networks() -> tuple[nn.Sequential, nn.Sequential]:
    """A generator (N, 4) -> (N, 3, 8, 8), and a discriminator of its images."""
    torch.manual_seed(0)
    generator = nn.Sequential(nn.Linear(4, 192), nn.Tanh(), nn.Unflatten(1, (3, 8, 8)))
    return generator, nn.Sequential(nn.Flatten(), nn.Linear(192, 1), nn.Softplus())


def batch(seed: int, count: int = 4) -> tuple[Tensor, Tensor]:
    drawn = torch.Generator().manual_seed(seed)
    return torch.randn(count, 4, generator=drawn), torch.rand(count, 3, 8, 8, generator=drawn) * 2 - 1


def monitored(
    fake: Tensor,
    real: Tensor,
    report: Report,
    weight: float = 1.0,
    interval: int = 1,
    adversarial: Tensor | None = None,
) -> Tensor:
    settings = Settings(weight=weight, monitor=interval)
    return FrequencyTerm(settings)(fake, real, report=report, adversarial=adversarial)


def test_the_pulls_are_those_of_separate_gradients() -> None:
    generator, discriminator = networks()
    z, real = batch(1)
    found = {}
    fake = generator(z)
    ours = monitored(fake, real, found.__setitem__, weight=50.0)
    rest = discriminator(fake).mean()
    expected = {
        name: gradient_norm(torch.autograd.grad(loss, fake, retain_graph=True)[0])
        for name, loss in (("FFL", 50 * focal_frequency_loss(fake, real)), ("rest", rest))
    }
    assert found == {}  # no backward pass but that of the loss counts
    (rest + ours).backward()
    assert list(found) == ["FFL", "rest"]
    for name in expected:
        assert found[name] > 0
        torch.testing.assert_close(found[name], expected[name], rtol=1e-5, atol=0)


def test_the_pull_of_an_absolute_error_is_its_weight_whatever_the_size() -> None:
    for shape in ((1, 3, 8, 8), (5, 3, 16, 32)):
        images = torch.rand(shape).requires_grad_()
        [gradient] = torch.autograd.grad(100 * (images - 2).abs().mean(), images)
        torch.testing.assert_close(gradient_norm(gradient), torch.tensor(100.0), rtol=1e-5, atol=0)


def test_the_pull_of_a_gradient_in_half_precision_is_taken_in_single() -> None:
    gradient = torch.full((100, 100), 1000.0)
    torch.testing.assert_close(
        gradient_norm(gradient.half()), torch.tensor(1e7), rtol=1e-5, atol=0
    )  # in half, √n times it is infinite


def test_an_adversarial_loss_is_told_apart_from_the_rest() -> None:
    generator, discriminator = networks()
    z, real = batch(1)
    fake = generator(z)
    adversarial, absolute = discriminator(fake).mean(), 100 * (fake - real).abs().mean()
    [gradient] = torch.autograd.grad(adversarial, fake, retain_graph=True)
    [both] = torch.autograd.grad(adversarial + absolute, fake, retain_graph=True)
    found = {}
    ours = monitored(fake, real, found.__setitem__, adversarial=adversarial)
    (adversarial + absolute + ours).backward()
    torch.testing.assert_close(found["GAN"], gradient_norm(gradient))
    torch.testing.assert_close(found["rest"], gradient_norm(both), rtol=1e-5, atol=0)


@pytest.mark.parametrize("adversarial", [torch.ones(()), torch.ones((), requires_grad=True)], ids=str)
def test_an_adversarial_loss_of_other_images_stops_nothing(adversarial: Tensor) -> None:
    found = {}
    z, real = batch(1)
    monitored(networks()[0](z), real, found.__setitem__, adversarial=adversarial).backward()
    assert list(found) == ["FFL", "rest"]


def test_a_loss_that_is_not_acting_yet_pulls_with_0() -> None:
    generator, discriminator = networks()
    found = {}
    z, real = batch(1)
    fake = generator(z)
    term = FrequencyTerm(Settings(weight=1.0, monitor=1, start=5.0))
    (discriminator(fake).mean() + term(fake, real, 4.0, found.__setitem__)).backward()
    assert found["FFL"] == 0 and found["rest"] > 0


@pytest.mark.parametrize(
    ("interval", "steps"), [(1, [0, 1, 2, 3, 4, 5, 6]), (3, [0, 3, 6]), (100, [0]), (0, [])], ids=str
)
def test_every_so_many_steps(interval: int, steps: list[int]) -> None:
    generator, _ = networks()
    term, seen = FrequencyTerm(Settings(weight=1.0, monitor=interval)), []
    for step in range(7):
        z, real = batch(step)
        term(generator(z), real, report=lambda whose, _, step=step: seen.append((step, whose))).backward()
    assert seen == [(step, whose) for step in steps for whose in ("FFL", "rest")]


def test_off_leaves_the_images_without_a_hook() -> None:
    z, real = batch(1)
    fake = networks()[0](z)
    monitored(fake, real, pytest.fail, interval=0).backward()
    assert not fake._backward_hooks


def test_a_step_without_gradients_is_not_watched() -> None:
    z, real = batch(1)
    with torch.no_grad():
        assert monitored(real.requires_grad_(), batch(2)[1], pytest.fail) > 0
    assert monitored(networks()[0](z).detach(), real, pytest.fail) > 0


def test_a_scaled_loss_scales_both() -> None:
    norms = []
    for scale in (1, 1024):
        generator, discriminator = networks()
        z, real = batch(1)
        found = {}
        fake = generator(z)
        ours = monitored(fake, real, found.__setitem__)
        ((discriminator(fake).mean() + ours) * scale).backward()
        norms.append(found["FFL"] / found["rest"])
    torch.testing.assert_close(*norms)


class Statistics(types.ModuleType):
    """Stands in for the clone's training_stats."""

    def __init__(self) -> None:
        super().__init__("torch_utils.training_stats")
        self.reported = []

    def report(self, name: str, value: Tensor) -> None:
        self.reported.append((name, value))


@pytest.fixture
def statistics(monkeypatch: pytest.MonkeyPatch) -> Statistics:
    module = Statistics()
    monkeypatch.setitem(sys.modules, "torch_utils", types.ModuleType("torch_utils"))
    monkeypatch.setitem(sys.modules, "torch_utils.training_stats", module)
    return module


def train(
    settings: dict[str, float],
    rounds: int = 2,
    steps: int = 4,
    wrap: Callable[[nn.Module], nn.Module] | None = None,
) -> list[Tensor]:
    """Train a generator as StyleGAN2 does, with rounds of accumulation; its parameters at the end."""
    generator, discriminator = networks()
    trained = wrap(generator) if wrap else generator
    optimizer = torch.optim.Adam(generator.parameters())
    term = stylegan2_ada.GeneratorTerm(settings)
    for step in range(steps):
        optimizer.zero_grad()
        for round_ in range(rounds):
            z, real = batch(step * rounds + round_)
            fake = trained(z)
            loss = discriminator(fake).squeeze(1)
            ours = term(fake, real)
            (loss + ours).mean().mul(1).backward()
        optimizer.step()
    return [parameter.detach() for parameter in generator.parameters()]


@pytest.mark.parametrize("schedule", [{}, {"start": 0.008, "ramp": 0.01}], ids=str)
def test_a_monitored_stylegan_trains_bitwise_as_one_that_is_not(
    statistics: Statistics, schedule: dict[str, float]
) -> None:
    settings = {"weight": 30.0, **schedule}
    plain = train(settings)
    assert statistics.reported == []
    monitored = train({**settings, "monitor": 3})
    assert all(torch.equal(*pair) for pair in zip(plain, monitored))
    names = [name for name, _ in statistics.reported]
    assert names == ["Gradient/ffl", "Gradient/rest"] * 3  # of 8 rounds
    assert all(value.shape == () and torch.isfinite(value) for _, value in statistics.reported)


def work(rank: int, folder: Path) -> None:
    torch.set_num_threads(1)
    ranks.meet(folder, rank)
    sys.modules["torch_utils"] = types.ModuleType("torch_utils")
    statistics = sys.modules["torch_utils.training_stats"] = Statistics()
    settings = {"weight": 30.0, "sync": True}
    plain = train(settings, wrap=nn.parallel.DistributedDataParallel)
    monitored = train({**settings, "monitor": 2}, wrap=nn.parallel.DistributedDataParallel)
    assert all(torch.equal(*pair) for pair in zip(plain, monitored))
    torch.save([name for name, _ in statistics.reported], folder / f"{rank}.pt")
    distributed.destroy_process_group()


def test_every_process_reports_the_same_names_and_trains_the_same(tmp_path: Path) -> None:
    ranks.spawn(work, tmp_path)
    first, second = (torch.load(tmp_path / f"{rank}.pt") for rank in range(2))
    assert first == second == ["Gradient/ffl", "Gradient/rest"] * 4
