from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from ffl_plugin.errors import FFLError
from ffl_plugin.metrics import difference, feature_difference, fid_difference, frechet_distance, measurement
from ffl_plugin.metrics import frechet_limit as frechet_limit_module
from ffl_plugin.metrics.difference import Difference, compare_values
from ffl_plugin.metrics.feature_difference import compare_features
from ffl_plugin.metrics.features import Features
from ffl_plugin.metrics.fid_difference import compare_fid
from ffl_plugin.metrics.frechet import Statistics
from ffl_plugin.metrics.frechet_limit import frechet_limit, limit_of_root
from ffl_plugin.metrics.inception import FEATURES
from ffl_plugin.metrics.influence import Coupling, frechet_influence
from ffl_plugin.metrics.measurement import fid_limit
from ffl_plugin.metrics.protocols import PROTOCOLS
from ffl_plugin.metrics.sides import Sides
from ffl_plugin.metrics.weights import Weights

DIMENSIONS = 12
MIXING = np.random.default_rng(5).normal(size=(DIMENSIONS, DIMENSIONS)) * np.arange(1, DIMENSIONS + 1) ** -0.5


def activations(z: np.ndarray) -> np.ndarray:
    """Correlated and rectified, as a network's features are."""
    return np.maximum(z @ MIXING + 0.3, 0)


def draw(random: np.random.Generator, count: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Reals, and fakes of the same seeds: poorer and noisier before than after."""
    z = random.normal(size=(count, DIMENSIONS))
    noise = [random.normal(size=(count, DIMENSIONS)) for _ in range(2)]
    before = activations(0.8 * z) + 0.15 * noise[0]
    after = activations(0.9 * z) + 0.1 * noise[1]
    return activations(random.normal(size=(count, DIMENSIONS))), before, after


@pytest.mark.parametrize(("n", "m"), [(40, 60), (60, 40), (8, 60), (60, 8), (8, 9)])
@pytest.mark.parametrize("ddof", [0, 1])
def test_influence_is_the_derivative_in_the_weight_of_an_image(n: int, m: int, ddof: int) -> None:
    """Repeating the whole set k times but one image k + 1 times is a weight of 1 + 1/k on that image."""
    random = np.random.default_rng(0)
    a, b = (
        activations(random.normal(size=(n, DIMENSIONS))),
        activations(random.normal(size=(m, DIMENSIONS))) * 1.2,
    )
    of_a, of_b = frechet_influence(a, b, ddof=0)
    k = 1000

    def weighted(rows: np.ndarray, index: int) -> np.ndarray:
        """Plain points with the mean and covariance of the weighted ones."""
        weights = np.full(len(rows), float(k))
        weights[index] += 1
        weights /= weights.sum()
        mean = weights @ rows
        factor = np.sqrt(weights)[:, None] * (rows - mean)
        # ± each scaled row: mean 0, covariance factorᵀ·factor
        return np.concatenate([factor, -factor]) * np.sqrt(len(rows)) + mean

    for rows, other, influence, order in ((a, b, of_a, 1), (b, a, of_b, -1)):
        size = len(rows) * k + 1
        base = frechet_distance(a, b, ddof=0)
        for index in (0, len(rows) - 1):
            pair = (weighted(rows, index), other)[::order]
            change = (frechet_distance(*pair, ddof=0) - base) * size
            assert change == pytest.approx(influence[index], rel=2e-2, abs=2e-2)
    scaled = frechet_influence(a, b, ddof=ddof)
    assert [len(side) for side in scaled] == [n, m]
    assert np.mean(scaled[0]) == pytest.approx(0, abs=1e-9)


@pytest.mark.parametrize(("n", "m"), [(40, 60), (60, 40)])
def test_influence_on_the_limit_is_the_derivative_in_the_weights_of_images(n: int, m: int) -> None:
    """Counting even images a little more than odd ones changes the limit by what they differ in influence."""
    random = np.random.default_rng(0)
    a, b = activations(random.normal(size=(n, DIMENSIONS))), activations(random.normal(size=(m, DIMENSIONS)))
    of_a, of_b = Coupling(a, b * 1.2).influence_on_limit()
    more, less = (Coupling(a, b * 1.2, tilt=tilt).limit() for tilt in (1e-4, -1e-4))
    sides = [np.mean(influence * (-1.0) ** np.arange(len(influence))) for influence in (of_a, of_b)]
    assert min(map(abs, sides)) > 0.01
    # The bias of the means, trace/n, has no part in the influence.
    assert (more - less) / 2e-4 == pytest.approx(sum(sides), abs=2 * np.mean([np.std(a), np.std(b)]) / n)


def test_the_limit_is_the_distance_without_the_bias_of_few_images() -> None:
    """The plain distance of 60 images in 40 dimensions is five times the true one."""
    random = np.random.default_rng(1)
    mixing = random.normal(size=(40, 40)) * np.arange(1, 41) ** -0.5

    def sets(count: int) -> list[np.ndarray]:
        return [np.maximum(scale * random.normal(size=(count, 40)) @ mixing + 0.3, 0) for scale in (1, 0.8)]

    truth = frechet_distance(*sets(100_000))
    draws = [sets(60) for _ in range(60)]
    plain = np.mean([frechet_distance(*drawn) for drawn in draws])
    limits = [Coupling(*drawn).limit() for drawn in draws]
    error = np.std(limits) / np.sqrt(len(limits))
    assert plain > 4 * truth
    assert error < 0.04 * (plain - truth)  # the mean is known well enough to say
    assert np.mean(limits) == pytest.approx(truth, abs=0.15 * (plain - truth))
    many = sets(100_000)
    assert Coupling(*many).limit() == pytest.approx(frechet_distance(*many), rel=5e-3)


def test_the_limit_of_statistics_is_that_of_the_features(monkeypatch: pytest.MonkeyPatch) -> None:
    real, fake, _ = draw(np.random.default_rng(3), 60)
    limit = Coupling(fake, real[:50]).limit()
    assert frechet_limit(Statistics.of(fake), Statistics.of(real[:50])) == pytest.approx(limit, rel=1e-9)
    with pytest.raises(FFLError, match="at least 15 on each side"):
        frechet_limit(Statistics.of(fake), Statistics.of(real[:14]))
    assert fid_limit(made(real), made(fake)) is None  # of 2,048 dimensions
    monkeypatch.setattr(measurement, "fewest_for_limit", lambda dimensions: 60)
    monkeypatch.setattr(frechet_limit_module, "FEWEST_PER_DIMENSION", 0.01)
    found = fid_limit(made(real), made(fake))
    assert found is not None
    assert found.metric == "FID, bias-reduced"
    assert found.value == pytest.approx(Coupling(fake, real).limit(), rel=1e-5)
    assert found.basis.counts == {"real": 60, "generated": 60}
    assert fid_limit(made(real), Statistics.of(made(fake).pool())) is not None
    unknown = Statistics(np.zeros(FEATURES), np.eye(FEATURES))
    assert fid_limit(unknown, made(fake)) is None


def test_the_limit_takes_features_that_never_fire() -> None:
    random = np.random.default_rng(2)
    real, fake, _ = draw(random, 60)
    wider = [np.pad(rows, ((0, 0), (0, 5))) for rows in (fake, real)]
    assert Coupling(*wider).limit() == pytest.approx(Coupling(fake, real).limit(), rel=1e-9)


def test_of_infinitely_many_features_the_limit_is_the_distance_itself() -> None:
    eigenvalues = np.logspace(-8, 3, 50)
    derivatives = limit_of_root(eigenvalues, 10**14, 10**14)
    assert derivatives == pytest.approx(0.5 / np.sqrt(eigenvalues), rel=1e-9)
    assert 2 * eigenvalues @ derivatives == pytest.approx(np.sum(np.sqrt(eigenvalues)), rel=1e-9)


def test_the_limit_knows_the_eigenvalues_of_white_noise() -> None:
    """Of unit covariances in 100 dimensions the trace of the root is 100; of 150 samples it is 82."""
    random = np.random.default_rng(3)
    a, b = random.normal(size=(2, 150, 100))
    product = np.cov(a.T) @ np.cov(b.T)
    eigenvalues = np.sort(np.linalg.eigvals(product).real)
    assert np.sum(np.sqrt(eigenvalues)) < 85
    assert 2 * eigenvalues @ limit_of_root(eigenvalues, 150, 150) == pytest.approx(100, abs=1.5)


def coverage(metric: str, count: int, paired: bool, repetitions: int = 200) -> float:
    """Share of intervals that hold the change: of FID at that number of images, of its limit at any."""
    random = np.random.default_rng(1)
    found = []
    for _ in range(repetitions):
        real, before, after = draw(random, count)
        if not paired:
            after = draw(random, count)[2]
        rows = compare_fid(real, Sides([before], [after]), paired=paired)
        found.append(next(row for row in rows if row.metric == metric))
    truth = float(np.mean([row.delta for row in found]))
    if metric == "fid_limit":
        real, before, after = draw(random, 200_000)
        truth = frechet_distance(after, real) - frechet_distance(before, real)
        assert truth < -0.05
    return float(np.mean([row.low <= truth <= row.high for row in found]))


@pytest.mark.parametrize("paired", [True, False])
@pytest.mark.parametrize(
    ("metric", "count"), [("fid", 6), ("fid", 12), ("fid", 60), ("fid_limit", 18), ("fid_limit", 60)]
)
def test_the_interval_covers_the_truth(metric: str, count: int, paired: bool) -> None:
    """In 12 dimensions; 0.95 is promised."""
    assert 0.90 <= coverage(metric, count, paired) <= 0.98


@pytest.mark.parametrize("metric", ["fid", "fid_limit"])
def test_the_interval_covers_no_change_of_noise_alone(metric: str) -> None:
    """Two equal generators, as far from the reals as noise is: the second order is half of the variance."""
    random = np.random.default_rng(4)
    deltas = []
    for _ in range(200):
        real, before, after = random.normal(size=(3, 40, DIMENSIONS)) * np.array([1, 1.3, 1.3])[:, None, None]
        rows = compare_fid(real, Sides([before], [after]))
        deltas.append(next(row for row in rows if row.metric == metric))
    assert 0.90 <= np.mean([row.low <= 0 <= row.high for row in deltas]) <= 0.98
    errors = np.sqrt(np.mean([(row.sampling or 0) ** 2 for row in deltas]))
    assert 0.85 < errors / np.std([row.delta for row in deltas]) < 1.15


def test_what_a_tilted_image_does_to_its_own_influence_is_not_noise() -> None:
    """In many dimensions it is more than all that the others do to it, and much the same for every image."""
    random = np.random.default_rng(5)
    change = random.normal(size=9)
    itself = 100.0 * (-1.0) ** np.arange(9)
    assert fid_difference._balanced(change + itself) == pytest.approx(fid_difference._balanced(change))
    assert np.std(fid_difference._balanced(change)) == pytest.approx(np.std(change), rel=0.2)


def test_pairs_make_the_interval_narrower() -> None:
    real, before, after = draw(np.random.default_rng(2), 400)
    widths = [
        (found.high or 0) - (found.low or 0)
        for found in (compare_fid(real, Sides([before], [after]), paired=p)[1] for p in (True, False))
    ]
    assert widths[0] < 0.9 * widths[1]


def test_verdicts_in_words() -> None:
    real, before, after = draw(np.random.default_rng(3), 2000)
    improved, limit = compare_fid(real, Sides([before], [after]), paired=True)
    assert improved.verdict == limit.verdict == "improved"
    assert (improved.metric, limit.metric) == ("fid", "fid_limit")
    assert improved.delta == pytest.approx(improved.after - improved.before)
    assert [row.verdict for row in compare_fid(real, Sides([after], [before]), paired=True)] == ["worse"] * 2
    _, again, _ = draw(np.random.default_rng(4), 2000)
    assert [row.verdict for row in compare_fid(real, Sides([before], [again]))] == ["no evidence"] * 2


def test_several_trainings_show_their_spread_apart() -> None:
    random = np.random.default_rng(6)
    real = draw(random, 500)[0]
    trainings = [draw(random, 500)[1] * scale for scale in (0.9, 1.0, 1.1, 1.2)]
    found = compare_fid(real, Sides(trainings[:2], trainings[2:]))[1]
    single = compare_fid(real, Sides(trainings[:1], trainings[2:3]))[1]
    assert found.training_spread is not None
    assert found.sampling is not None
    assert found.training_spread > 0
    assert single.training_spread is None
    assert (found.high or 0) - (found.low or 0) > (single.high or 0) - (single.low or 0)


def made(rows: np.ndarray, name: str = "image") -> Features:
    wide = np.zeros((len(rows), FEATURES), np.float32)
    wide[:, :DIMENSIONS] = rows
    names = tuple(f"{name} {index}" for index in range(len(rows)))
    return Features(names, PROTOCOLS["pytorch-fid"], Weights(Path("none"), "0" * 64, False), (wide,))


def test_features_carry_their_conditions_and_pair_by_name() -> None:
    real, before, after = draw(np.random.default_rng(8), 60)
    (found,) = compare_features(made(real), Sides([made(before)], [made(after)]))
    assert found.metric == "fid"
    assert found.basis.protocol == "pytorch-fid"
    assert found.basis.counts == {"real": 60, "generated": 60}
    assert found.basis.weights == "00000000"
    assert found.note.startswith("Too few images for FID to decide: 60 are fewer than the 2,560")
    assert not found.decides
    (other,) = compare_features(made(real), Sides([made(before)], [made(after, name="other")]))
    assert (other.sampling or 0) > (found.sampling or 0)
    assert found.sampling == pytest.approx(
        compare_fid(real, Sides([before], [after]), paired=True)[0].sampling, rel=1e-4
    )


@pytest.mark.parametrize(
    ("change", "verdict"), [(-7.0, "improved"), (-5.0, "no evidence"), (5.0, "no evidence"), (7.0, "worse")]
)
def test_a_change_within_what_is_left_of_the_bias_is_no_evidence(
    monkeypatch: pytest.MonkeyPatch, change: float, verdict: str
) -> None:
    """20 are taken off before and 18 after, so 6 more may be left; the interval excludes 0."""

    def found(real: np.ndarray, trainings: Sides[np.ndarray], **options: object) -> list[Difference]:
        plain = compare_values(difference.FID, Sides([30.0], [28.0 + change]), sampling=lambda weights: 0.1)
        limit = Sides([10.0], [10.0 + change])
        return [plain, compare_values(difference.FID_LIMIT, limit, sampling=lambda weights: 0.1)]

    monkeypatch.setattr(feature_difference, "compare_fid", found)
    real, before, after = draw(np.random.default_rng(8), 60)
    _, limit = compare_features(made(real), Sides([made(before)], [made(after)]))
    assert limit.verdict == verdict
    assert limit.decides
    assert ("6 may remain" in limit.note) == (verdict == "no evidence")


def test_unfit_features_are_refused() -> None:
    real, before, after = draw(np.random.default_rng(9), 60)
    with pytest.raises(FFLError, match="at least 4 images"):
        compare_features(made(real), Sides([made(before[:3])], [made(after)]))
