"""--ffl-share: the weight that a calibration finds."""

from __future__ import annotations

import copy
import math
import statistics
from pathlib import Path
from typing import Any

import pytest
import ranks
import torch
from torch import Tensor, distributed, nn

from ffl_plugin import focal_frequency_loss
from ffl_plugin.integrations import _share
from ffl_plugin.integrations._monitor import gradient_norm
from ffl_plugin.integrations._settings import Settings
from ffl_plugin.integrations._term import FrequencyTerm

STEPS = 5
SETTLED = STEPS // 2  # the medians are over the steps after these


def images(seed: int, count: int = 2) -> Tensor:
    return torch.rand(count, 3, 8, 8, generator=torch.Generator().manual_seed(seed)) * 2 - 1


class Training:
    """A generator trained by an absolute error besides FFL, computed before the term or after it.

    Args:
        later: whether upstream computes its own losses after the term, as StyleGAN does.
        scale: what the whole loss is multiplied by before its backward pass, as a gradient scaler does.
        dtype: of the generated images.
    """

    def __init__(
        self,
        settings: Settings,
        scale: float = 1.0,
        later: bool = False,
        dtype: torch.dtype = torch.float32,
        **term: Any,
    ) -> None:
        torch.manual_seed(0)
        self.generator = nn.Sequential(nn.Linear(4, 192), nn.Tanh(), nn.Unflatten(1, (3, 8, 8)))
        self.optimizer = torch.optim.SGD(self.generator.parameters(), lr=0.1)
        self.found: list[float] = []
        self.term = FrequencyTerm(settings, found=self.found.append, **term)
        self.scale, self.later, self.dtype = scale, later, dtype
        self.norms: list[tuple[float, float]] = []  # of FFL at weight 1, and of the rest
        self.terms: list[float] = []

    def step(self, seed: int, rounds: int = 1, position: float = 0.0, report: Any = None) -> None:
        self.optimizer.zero_grad()
        for part in range(rounds):
            real = images(1000 + seed * rounds + part)
            latent = torch.randn(2, 4, generator=torch.Generator().manual_seed(seed * rounds + part))
            fake = self.generator(latent).to(self.dtype)
            early = self.term(fake, real, position, report) if self.later else None
            rest = (1 + seed % 3) * (fake.float() - 0.3).abs().mean()
            self._note(fake, real, rest)
            term = self.term(fake, real, position, report) if early is None else early
            ((rest + term) / rounds * self.scale).backward()
            self.terms.append(float(term.detach()))
        for parameter in self.generator.parameters():
            assert parameter.grad is not None
            parameter.grad /= self.scale
        self.optimizer.step()

    def _note(self, fake: Tensor, real: Tensor, rest: Tensor) -> None:
        separate = fake.detach().float().requires_grad_()
        [ours] = torch.autograd.grad(focal_frequency_loss(separate, real), separate)
        [others] = torch.autograd.grad(rest, fake, retain_graph=True)
        self.norms.append((float(gradient_norm(ours)), float(gradient_norm(others))))

    def run(self, steps: int, **how: Any) -> Training:
        for seed in range(steps):
            self.step(seed, **how)
        return self

    def weights(self) -> list[Tensor]:
        return [parameter.detach() for parameter in self.generator.parameters()]


def expected(share: float, norms: list[tuple[float, float]]) -> float:
    ours, rest = (statistics.median(column) for column in zip(*norms))
    return share * rest / ours


def shared(**settings: Any) -> Settings:
    return Settings(share=0.2, share_steps=STEPS, **settings)


@pytest.mark.parametrize("later", [False, True])
def test_during_the_calibration_the_training_is_bitwise_that_of_weight_0(later: bool) -> None:
    plain, training = Training(Settings(), later=later), Training(shared(), later=later)
    for seed in range(STEPS):
        plain.step(seed)
        training.step(seed)
        assert all(torch.equal(*pair) for pair in zip(plain.weights(), training.weights()))
    assert training.terms == [0] * STEPS and training.found == []
    plain.step(STEPS)
    training.step(STEPS)
    assert not all(torch.equal(*pair) for pair in zip(plain.weights(), training.weights()))


@pytest.mark.parametrize("later", [False, True])
def test_the_weight_is_the_share_of_the_medians_and_stays(later: bool) -> None:
    training = Training(shared(), later=later).run(3 * STEPS)
    [weight] = training.found
    assert weight == pytest.approx(expected(0.2, training.norms[SETTLED:STEPS]), rel=1e-3)
    assert weight == float(f"{weight:.4g}") == training.term.weight
    assert all(value > 0 for value in training.terms[STEPS:])


def test_the_next_step_pulls_with_the_share() -> None:
    seen: dict[str, float] = {}
    training = Training(shared(monitor=1)).run(STEPS, report=lambda *pair: None)
    training.step(1, report=lambda source, norm: seen.update({source: float(norm)}))
    middle = statistics.median(rest for _, rest in training.norms[SETTLED:STEPS])
    assert seen["FFL"] / middle == pytest.approx(0.2, rel=0.2)  # the loss itself changes little in a step
    assert training.found == Training(shared()).run(STEPS + 1).found  # the monitor changes nothing


def test_it_is_said_in_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    training = Training(shared()).run(3 * STEPS)
    [line] = capsys.readouterr().out.splitlines()
    assert line.startswith(
        f"--ffl-share 0.2: weight {training.found[0]} from here on; over {STEPS - SETTLED} steps"
    )


@pytest.mark.parametrize("scale", [2.0**-10, 2.0**12])
def test_a_scaled_loss_finds_the_same_weight(scale: float) -> None:
    """As under a gradient scaler, which multiplies what the backward pass brings, but not the loss alone."""
    assert Training(shared(), scale).run(STEPS + 1).found == Training(shared()).run(STEPS + 1).found


def test_images_in_half_precision_find_the_same_weight() -> None:
    [single] = Training(shared()).run(STEPS + 1).found
    [half] = Training(shared(), 2.0**10, dtype=torch.float16).run(STEPS + 1).found
    assert half == pytest.approx(single, rel=0.01)


def test_a_gradient_too_small_for_half_precision_finds_a_weight() -> None:
    term, found = FrequencyTerm(shared(), found=lambda weight: found.append(weight)), []
    for seed in range(STEPS + 1):
        fake = torch.rand(2, 3, 64, 64, generator=torch.Generator().manual_seed(seed)).half().requires_grad_()
        loss = fake.float().abs().mean() + term(fake, fake.detach().float() + 1e-4)
        (loss * 1024).backward()
    assert found[0] > 0


def weight_under_autocast(scaled: bool) -> float:
    """The weight that a training under autocast finds, with a gradient scaler or without."""
    torch.manual_seed(0)
    generator = nn.Sequential(nn.Linear(4, 192), nn.Tanh(), nn.Unflatten(1, (3, 8, 8)))
    optimizer = torch.optim.SGD(generator.parameters(), lr=0.1)
    scaler = torch.amp.GradScaler("cpu", enabled=scaled)
    found: list[float] = []
    term = FrequencyTerm(shared(), found=found.append)
    for seed in range(STEPS + 1):
        optimizer.zero_grad()
        latent = torch.randn(2, 4, generator=torch.Generator().manual_seed(seed))
        with torch.autocast("cpu", torch.bfloat16):
            fake = generator(latent)
            assert fake.dtype == torch.bfloat16
            loss = (fake - 0.3).abs().mean() + term(fake, images(1000 + seed))
        scaler.scale(loss).backward()
        scaler.step(optimizer)
        scaler.update()
    return found[0]


@pytest.mark.skipif(not hasattr(torch.amp, "GradScaler"), reason="this torch scales on GPUs alone")
def test_autocast_and_a_gradient_scaler_find_the_same_weight() -> None:
    assert weight_under_autocast(scaled=True) == weight_under_autocast(scaled=False)


@pytest.mark.parametrize("rounds", [2, 4])
def test_rounds_of_accumulation_find_the_weight_of_whole_batches(rounds: int) -> None:
    training = Training(Settings(share=0.2, share_steps=2 * rounds)).run(3, rounds=rounds)
    assert training.found == [pytest.approx(expected(0.2, training.norms[rounds : 2 * rounds]), rel=1e-3)]
    assert [value > 0 for value in training.terms] == [False] * 2 * rounds + [True] * rounds


def test_other_gradients_at_the_images_are_not_taken_for_those_of_the_training() -> None:
    """An adaptive weight, as taming-transformers has it, goes back through the images before the loss."""
    term, found = FrequencyTerm(shared(), found=lambda weight: found.append(weight)), []
    for seed in range(STEPS + 1):
        fake = images(seed).requires_grad_()
        rest = 3 * fake.abs().mean()
        total = rest + term(fake, images(seed + 50))
        torch.autograd.grad(100 * rest, fake, retain_graph=True)
        total.backward()
    assert found[0] == pytest.approx(expected(0.2, [note(seed) for seed in range(SETTLED, STEPS)]), rel=1e-3)


def note(seed: int) -> tuple[float, float]:
    fake = images(seed).requires_grad_()
    [ours] = torch.autograd.grad(focal_frequency_loss(fake, images(seed + 50)), fake)
    return float(gradient_norm(ours)), 3.0


def test_with_a_start_the_calibration_takes_the_steps_before_it() -> None:
    training = Training(shared(start=1.0))
    for seed in range(3 * STEPS):
        training.step(seed, position=seed / (2 * STEPS))
    assert training.found == [
        pytest.approx(expected(0.2, training.norms[STEPS + SETTLED : 2 * STEPS]), rel=1e-3)
    ]
    assert [value > 0 for value in training.terms] == [False] * 2 * STEPS + [True] * STEPS


def test_a_start_within_the_calibration_waits_for_its_end() -> None:
    training = Training(shared(start=1.0))
    for seed in range(STEPS + 1):
        training.step(seed, position=float(seed))
    assert [value > 0 for value in training.terms] == [False] * STEPS + [True]


def test_it_is_calibrated_again_every_so_often_while_the_loss_acts() -> None:
    training = Training(shared(share_every=10.0))
    for seed in range(25):
        training.step(seed, position=float(seed))
    # Found at 5; measured again from 15 on, and found at 20.
    assert len(training.found) == 2 and all(value > 0 for value in training.terms[STEPS:])
    for weight, begin in zip(training.found, (0, 15)):
        assert weight == pytest.approx(
            expected(0.2, training.norms[begin + SETTLED : begin + STEPS]), rel=1e-3
        )


class Estimates:
    """Steps whose gradient norms of FFL and of the rest are given, at a share of 1."""

    def __init__(self, **settings: Any) -> None:
        self.found: list[float] = []
        self.calibration = _share.Calibration(Settings(share=1.0, **settings), found=self.found.append)
        self.weights: list[float] = []

    def run(self, steps: int, ffl: float, rest: float = 1.0) -> Estimates:
        for _ in range(steps):
            weight, measures = self.calibration.step("", float(len(self.weights)))
            self.weights.append(weight)
            if measures:
                self.calibration._measured[""].append(torch.tensor([ffl, rest]))
        return self


def test_a_calibration_continues_until_its_estimates_agree(capsys: pytest.CaptureFixture[str]) -> None:
    """FFL's gradient falls a thousandfold after 150 of 200 steps, as that of log power was seen to."""
    training = Estimates(share_steps=200).run(150, ffl=1000.0).run(300, ffl=2.0)
    # The last hundred steps have the small gradient after 250 steps.
    assert training.found == [0.5]
    assert training.weights == [0.0] * 250 + [0.5] * 200
    assert "over 100 steps" in capsys.readouterr().out


def test_estimates_that_differ_by_less_than_the_limit_agree() -> None:
    training = Estimates(share_steps=40).run(30, ffl=1.0).run(11, ffl=_share.AGREEMENT - 0.01)
    assert len(training.found) == 1
    training = Estimates(share_steps=40).run(30, ffl=_share.AGREEMENT + 0.01).run(11, ffl=1.0)
    assert training.found == []


@pytest.mark.parametrize(("ffl", "agree"), [(1.6, False), (1.4, True)])
def test_an_estimate_is_of_one_quarter_exactly(ffl: float, agree: bool) -> None:
    """Half of the last quarter differs, so its median lies between; with a step more or less it does not."""
    training = Estimates(share_steps=40).run(35, ffl=1.0).run(6, ffl=ffl)
    assert (len(training.found) == 1) == agree


def test_a_calibration_whose_estimates_never_agree_ends_with_a_warning(
    capsys: pytest.CaptureFixture[str],
) -> None:
    training = Estimates(share_steps=40)
    for power in range(60):
        training.run(10, ffl=2.0 ** -(power % 7))
    assert training.weights.index(training.found[0]) == _share.LONGEST * 40
    printed = capsys.readouterr()
    assert printed.out == "" and f"after {_share.LONGEST * 40} steps it still varies" in printed.err


def test_a_weight_acts_until_its_recalibration_agrees() -> None:
    training = (
        Estimates(share_steps=40, share_every=100.0).run(140, ffl=1.0).run(30, ffl=4.0).run(10, ffl=1.0)
    )
    assert training.found == [1.0] and training.weights[-1] == 1.0
    training.run(21, ffl=1.0)
    assert training.found == [1.0, 1.0]


def test_a_recalibration_may_last_as_long_as_the_first() -> None:
    training = Estimates(share_steps=40, share_every=100.0)
    for power in range(60):
        training.run(10, ffl=2.0 ** -(power % 7))  # of which no two estimates agree
    first, second = training.found
    assert training.weights.index(first) == _share.LONGEST * 40
    assert training.weights.index(second) == _share.LONGEST * 40 + 100 + _share.LONGEST * 40


def test_the_measurements_of_all_images_of_a_step_are_dropped_together() -> None:
    found: list[float] = []
    calibration = _share.Calibration(Settings(share=1.0, share_steps=40), found=found.append)
    for step in range(51):
        for name in "AB":
            weight, measures = calibration.step(name, float(step))
            assert measures == (step < 50) and weight == (0.0 if measures else 1.0)
            if measures:
                ffl = 4.0 if step < 25 else 1.0
                calibration._measured[name].append(torch.tensor([ffl, 1.0]))
        assert len({len(measured) for measured in calibration._measured.values()}) <= 1
    assert found == [1.0]


def test_a_weight_found_before_acts_at_once(capsys: pytest.CaptureFixture[str]) -> None:
    training = Training(shared(), weight=31.62).run(2)
    assert training.found == [] and training.terms[0] > 0
    assert capsys.readouterr().out == "--ffl-share 0.2 continues at weight 31.62, found before.\n"


def test_several_images_a_step_find_one_weight() -> None:
    found: list[float] = []
    term = FrequencyTerm(shared(), found=found.append)
    norms = []
    for seed in range(STEPS + 1):
        for name, strength in (("A", 1.0), ("B", 5.0)):
            fake = images(seed).requires_grad_()
            (strength * fake.abs().mean() + term(fake, images(seed + 50), name=name)).backward()
            norms.append((note(seed)[0], strength))
    assert found == [pytest.approx(expected(0.2, norms[2 * SETTLED : 2 * STEPS]), rel=1e-3)]


@pytest.mark.parametrize(
    ("norms", "sentence"),
    [
        ([(0.0, 1.0)] * 3 + [(1.0, 1.0)], "was 0 for FFL at weight 1, and 1 for everything else"),
        ([(1.0, 0.0)] * 4, "was 1 for FFL at weight 1, and 0 for everything else"),
        ([(math.nan, 1.0)] * 2 + [(1.0, 1.0)] * 2, "not finite in 2 of 4 steps for FFL, and in 0 for"),
        ([(1.0, math.inf)] * 4, "not finite in 0 of 4 steps for FFL, and in 4 for"),
        ([(1e-300, 1e30)] * 4, "no weight"),
    ],
    ids=str,
)
def test_gradients_that_give_no_weight_are_described(norms: list[tuple[float, float]], sentence: str) -> None:
    weight, said = _share.find(0.1, norms)
    assert weight == 0 and sentence in said and said.endswith("the training continues at weight 0")


def test_steps_that_a_scaler_skips_are_left_out() -> None:
    weight, _ = _share.find(0.5, [(math.inf, math.inf), (2.0, 8.0), (2.0, 8.0), (math.nan, 1.0), (2.0, 8.0)])
    assert weight == 2


def test_without_a_weight_the_training_goes_on_at_0(capsys: pytest.CaptureFixture[str]) -> None:
    found: list[float] = []
    term = FrequencyTerm(shared(), found=found.append)
    for seed in range(2 * STEPS):
        fake = images(seed).requires_grad_()
        added = term(fake, fake.detach())
        (fake.abs().mean() + added).backward()
        assert added == 0
    assert found == [0.0]
    [warning] = capsys.readouterr().err.splitlines()
    assert warning.startswith("Warning: --ffl-share 0.2: over 3 steps the median gradient")


def test_images_at_which_nothing_else_pulls_give_no_weight(capsys: pytest.CaptureFixture[str]) -> None:
    training = Training(shared())
    for seed in range(STEPS):
        training.term(training.generator(torch.randn(2, 4)), images(seed)).backward()
    assert training.term(training.generator(torch.randn(2, 4)), images(0)) == 0
    assert training.found == [0.0]
    assert "and 0 for everything else" in capsys.readouterr().err


def test_a_term_can_be_copied_and_images_without_a_gradient_do_not_count() -> None:
    training = Training(shared()).run(STEPS - 1)
    with torch.no_grad():
        assert training.term(images(0), images(1)) == 0
    term = copy.deepcopy(training.term)
    training.step(STEPS)
    training.step(STEPS + 1)
    assert len(training.found) == 1 and term.weight is None


def work(rank: int, folder: Path) -> None:
    torch.set_num_threads(1)
    ranks.meet(folder, rank)
    training = Training(shared())
    for seed in range(STEPS + 1):
        training.step(seed + 100 * rank)
    torch.save((training.found, training.norms[SETTLED:STEPS]), folder / f"{rank}.pt")
    distributed.destroy_process_group()


def test_two_processes_find_one_weight(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    ranks.spawn(work, tmp_path)
    (first, norms), (second, others) = (torch.load(tmp_path / f"{rank}.pt") for rank in range(2))
    assert first == second == [pytest.approx(expected(0.2, norms + others), rel=1e-3)]
    assert norms != others
    assert capfd.readouterr().out.count("--ffl-share") == 1
