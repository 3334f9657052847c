from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from ffl_plugin.errors import FFLError
from ffl_plugin.metrics import frechet_distance
from ffl_plugin.metrics.feature_difference import compare_features
from ffl_plugin.metrics.features import Features
from ffl_plugin.metrics.fid_difference import compare_fid
from ffl_plugin.metrics.inception import FEATURES
from ffl_plugin.metrics.influence import frechet_influence
from ffl_plugin.metrics.protocols import PROTOCOLS
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


def coverage(count: int, paired: bool, repetitions: int = 150) -> float:
    random = np.random.default_rng(1)
    real, before, after = draw(random, 100_000)
    truth = frechet_distance(after, real) - frechet_distance(before, real)
    assert truth < -0.05
    covered = 0
    for _ in range(repetitions):
        real, before, after = draw(random, count)
        if not paired:
            after = draw(random, count)[2]
        found = compare_fid(real, [before], [after], paired=paired)
        covered += found.low <= truth <= found.high
    return covered / repetitions


@pytest.mark.parametrize("paired", [True, False])
def test_the_interval_covers_the_truth(paired: bool) -> None:
    """0.95 is promised; 150 draws tell it from 0.88 and from 0.99."""
    assert 0.90 <= coverage(250, paired) <= 0.985


def test_pairs_make_the_interval_narrower() -> None:
    real, before, after = draw(np.random.default_rng(2), 400)
    widths = [
        (found.high or 0) - (found.low or 0)
        for found in (compare_fid(real, [before], [after], paired=p) for p in (True, False))
    ]
    assert widths[0] < 0.9 * widths[1]


def test_verdicts_in_words() -> None:
    real, before, after = draw(np.random.default_rng(3), 2000)
    improved = compare_fid(real, [before], [after], paired=True)
    assert improved.verdict == "improved"
    assert improved.delta == pytest.approx(improved.after - improved.before)
    assert compare_fid(real, [after], [before], paired=True).verdict == "worse"
    _, again, _ = draw(np.random.default_rng(4), 2000)
    assert compare_fid(real, [before], [again]).verdict == "no evidence"


def test_several_trainings_show_their_spread_apart() -> None:
    random = np.random.default_rng(6)
    real = draw(random, 500)[0]
    trainings = [draw(random, 500)[1] * scale for scale in (0.9, 1.0, 1.1, 1.2)]
    found = compare_fid(real, trainings[:2], trainings[2:])
    single = compare_fid(real, trainings[:1], trainings[2:3])
    assert found.training_spread is not None
    assert found.sampling is not None
    assert found.training_spread > 0
    assert single.training_spread is None
    assert (found.high or 0) - (found.low or 0) > (single.high or 0) - (single.low or 0)


def test_the_bias_of_few_images_widens_the_interval() -> None:
    """Before is contracted: the bias of its FID is smaller, which flatters it at small N."""
    random = np.random.default_rng(7)
    z = random.normal(size=(10, DIMENSIONS))
    real = activations(random.normal(size=(10, DIMENSIONS)))
    found = compare_fid(real, [activations(0.3 * z)], [activations(0.9 * z)], paired=True)
    assert (found.low or 0) < found.delta - 3 * (found.sampling or 0)  # Student's alone reaches to 2.26
    assert "with infinitely many" in found.note


def made(rows: np.ndarray, name: str = "image") -> Features:
    wide = np.zeros((len(rows), FEATURES), np.float32)
    wide[:, :DIMENSIONS] = rows
    names = tuple(f"{name} {index}" for index in range(len(rows)))
    return Features(names, PROTOCOLS["pytorch-fid"], Weights(Path("none"), "0" * 64, False), (wide,))


def test_features_carry_their_conditions_and_pair_by_name() -> None:
    real, before, after = draw(np.random.default_rng(8), 60)
    (found,) = compare_features(made(real), [made(before)], [made(after)])
    assert found.metric == "fid"
    assert found.label.startswith("FID (pytorch-fid: bilinear")
    assert "N = 60 real, 60 generated; weights 00000000" in found.label
    assert found.note.startswith("Too few images for FID to decide: 60 are fewer than its 2,048 dimensions")
    assert not found.decides
    (other,) = compare_features(made(real), [made(before)], [made(after, name="other")])
    assert (other.sampling or 0) > (found.sampling or 0)
    assert found.sampling == pytest.approx(
        compare_fid(real, [before], [after], paired=True).sampling, rel=1e-4
    )


def test_unfit_features_are_refused() -> None:
    real, before, after = draw(np.random.default_rng(9), 60)
    with pytest.raises(FFLError, match="at least 4 images"):
        compare_features(made(real), [made(before[:3])], [made(after)])
