from __future__ import annotations

import numpy as np
import pytest
from features_material import draw, made

from ffl_plugin.errors import FFLError
from ffl_plugin.metrics import frechet_distance, measurement
from ffl_plugin.metrics.frechet import Statistics
from ffl_plugin.metrics.inception import FEATURES
from ffl_plugin.metrics.measurement import fid_limit
from ffl_plugin.metrics.uncertainty import bias_reduction, frechet_limit
from ffl_plugin.metrics.uncertainty.bias_reduction import limit_of_root
from ffl_plugin.metrics.uncertainty.influence import Coupling


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
    monkeypatch.setattr(bias_reduction, "FEWEST_PER_DIMENSION", 0.01)
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
