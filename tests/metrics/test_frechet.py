from __future__ import annotations

import inspect
import types
import warnings

import numpy as np
import pytest
import scipy.linalg
import torch

from ffl_plugin import metrics
from ffl_plugin.errors import FFLError
from ffl_plugin.metrics import Statistics, frechet_distance, frechet_from_statistics


def features(seed: int, count: int, dimensions: int = 24, shift: float = 0.0) -> np.ndarray:
    """Correlated, positive features, as a ReLU network's are: float32 (n, d)."""
    random = np.random.default_rng(seed)
    mixing = np.random.default_rng(99).normal(size=(dimensions, dimensions)) / dimensions**0.5
    return np.maximum(random.normal(size=(count, dimensions)) @ mixing + shift, 0).astype(np.float32)


def by_square_root(a: np.ndarray, b: np.ndarray, ddof: int = 1) -> float:
    """The definition, through scipy's matrix square root."""
    from scipy.linalg import sqrtm

    a, b = a.astype(np.float64), b.astype(np.float64)
    sigma_a, sigma_b = (np.cov(x, rowvar=False, ddof=ddof) for x in (a, b))
    root = sqrtm(sigma_a @ sigma_b)
    shift = a.mean(0) - b.mean(0)
    return float(shift @ shift + np.trace(sigma_a) + np.trace(sigma_b) - 2 * np.trace(root).real)


@pytest.mark.parametrize("ddof", [0, 1])
@pytest.mark.parametrize(("n", "m"), [(200, 300), (25, 400), (5000, 4100)])
def test_equals_the_matrix_square_root(n: int, m: int, ddof: int) -> None:
    a, b = features(1, n), features(2, m, shift=0.1)
    assert frechet_distance(a, b, ddof=ddof) == pytest.approx(by_square_root(a, b, ddof), rel=1e-6)


@pytest.mark.parametrize(("n", "m"), [(10, 12), (2, 2), (24, 24), (10, 400), (400, 10)])
def test_fewer_features_than_dimensions_equal_the_definition(n: int, m: int) -> None:
    """scipy's square root is unsound for singular products; that of a symmetric matrix is not."""
    a, b = features(1, n).astype(np.float64), features(2, m, shift=0.1).astype(np.float64)
    sigma_a, sigma_b = (np.cov(x, rowvar=False) for x in (a, b))
    values, vectors = np.linalg.eigh(sigma_a)
    root = vectors * np.sqrt(np.maximum(values, 0)) @ vectors.T
    trace = np.sqrt(np.maximum(np.linalg.eigvalsh(root @ sigma_b @ root), 0)).sum()
    shift = a.mean(0) - b.mean(0)
    expected = shift @ shift + np.trace(sigma_a) + np.trace(sigma_b) - 2 * trace
    assert frechet_distance(a, b) == pytest.approx(expected, abs=1e-5)


def test_needs_no_square_root_of_a_matrix(monkeypatch: pytest.MonkeyPatch) -> None:
    """scipy 1.18 took ``disp`` away from ``sqrtm``, which stops the packages that call it with that."""

    def gone(*_: object, **__: object) -> None:
        raise TypeError("sqrtm() got an unexpected keyword argument 'disp'")

    expected = by_square_root(features(1, 200), features(2, 300))
    monkeypatch.setattr("scipy.linalg.sqrtm", gone)
    assert frechet_distance(features(1, 200), features(2, 300)) == pytest.approx(expected, rel=1e-6)
    for n, m in ((10, 12), (10, 400), (400, 10)):
        assert frechet_distance(features(1, n), features(2, m, shift=0.1)) > 0.01


def test_known_gaussians() -> None:
    """Commuting covariances: d² = |μ_a − μ_b|² + Σ (σ_a − σ_b)²."""
    a = Statistics(np.array([0.0, 1.0]), np.diag([4.0, 9.0]), 100)
    b = Statistics(np.array([3.0, 1.0]), np.diag([1.0, 25.0]), 100)
    assert frechet_from_statistics(a, b) == pytest.approx(9 + 1 + 4, rel=1e-14)


@pytest.mark.parametrize("count", [2, 3, 23, 24, 25, 26, 60, 3000])
def test_a_set_is_at_distance_zero_from_itself(count: int) -> None:
    a = features(3, count) * 10
    assert frechet_distance(a, a) < 1e-8
    assert frechet_distance(a, a.copy()[::-1]) < 1e-8


def test_dead_and_collinear_features_are_no_trouble() -> None:
    a, b = features(1, 500), features(2, 500, shift=0.2)
    dead_a, dead_b = (np.concatenate([x, np.zeros((500, 5)), x[:, :3]], axis=1) for x in (a, b))
    assert frechet_distance(dead_a, dead_a) < 1e-8
    # Dimensions that never vary add nothing, so only the copies change the distance.
    copied = [np.concatenate([x, x[:, :3]], axis=1) for x in (a, b)]
    assert frechet_distance(dead_a, dead_b) == pytest.approx(frechet_distance(*copied), rel=1e-9)


def test_agrees_with_pytorch_fid_and_torch_fidelity_on_the_same_features() -> None:
    a, b = features(1, 900, 64), features(2, 1100, 64, shift=0.1)
    statistics = [(x.astype(np.float64).mean(0), np.cov(x.astype(np.float64), rowvar=False)) for x in (a, b)]
    from ffl_plugin.metrics.torchvision_operators import import_torchvision

    import_torchvision()
    from pytorch_fid.fid_score import calculate_frechet_distance
    from torch_fidelity.metric_fid import fid_statistics_to_metric

    ours = frechet_distance(a, b)
    if "disp" in inspect.signature(scipy.linalg.sqrtm).parameters:  # pytorch-fid stops without it
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DeprecationWarning)
            theirs = calculate_frechet_distance(*statistics[0], *statistics[1])
        assert ours == pytest.approx(theirs, rel=1e-6)
    named = [{"mu": mean, "sigma": covariance} for mean, covariance in statistics]
    assert ours == pytest.approx(
        fid_statistics_to_metric(*named, verbose=False)["frechet_inception_distance"], rel=1e-6
    )


def test_tensors_and_integers_are_features_too() -> None:
    a, b = features(1, 50), features(2, 50)
    assert frechet_distance(torch.from_numpy(a), torch.from_numpy(b)) == frechet_distance(a, b)
    assert frechet_distance(np.arange(12).reshape(6, 2), np.arange(12).reshape(6, 2)) < 1e-8


def test_statistics_are_taken_in_float64() -> None:
    """A large common offset drowns float32 statistics."""
    a, b = (features(s, 3000).astype(np.float64) + 4096 for s in (1, 2))
    assert frechet_distance(a, b) == pytest.approx(frechet_distance(a - 4096, b - 4096), rel=1e-8)


def spoiled(value: float, count: int) -> np.ndarray:
    a = features(1, count)
    a[1, 2] = value
    return a


REFUSED = {
    "dimensions": ((features(1, 9), features(1, 9, 8)), "differ in dimension"),
    "not a matrix": ((np.zeros(9), np.zeros(9)), r"shape \(n, d\), not float64 of shape \(9,\)"),
    "text": ((np.array([["a"]]), np.array([["b"]])), "features must be numbers"),
    "one feature": ((features(1, 1), features(2, 9)), "at least 2 features, not 1; pass more images"),
    "NaN in few": ((spoiled(np.nan, 9), features(2, 9)), "NaN or infinite"),
    "infinite in many": ((spoiled(np.inf, 90), features(2, 90)), "NaN or infinite"),
    "empty": ((np.zeros((0, 4)), np.zeros((0, 4))), "at least 2 features, not 0"),
}


@pytest.mark.parametrize("kind", REFUSED)
def test_unfit_features_are_refused(kind: str) -> None:
    sets, message = REFUSED[kind]
    with pytest.raises(FFLError, match=message):
        frechet_distance(*sets)


def test_unfit_statistics_are_refused() -> None:
    with pytest.raises(FFLError, match=r"not \(3,\) and \(2, 2\)"):
        Statistics(np.zeros(3), np.eye(2), 10)
    with pytest.raises(FFLError, match="NaN"):
        Statistics(np.zeros(2), np.full((2, 2), np.nan), 10)
    with pytest.raises(FFLError, match="dimension: 2 and 3"):
        frechet_from_statistics(Statistics(np.zeros(2), np.eye(2), 9), Statistics(np.zeros(3), np.eye(3), 9))
    with pytest.raises(FFLError, match="not 2"):
        frechet_distance(features(1, 9), features(2, 9), ddof=2)


def test_every_public_name_is_what_it_says() -> None:
    """A module of the same name would hide the function once it is imported."""
    for name in dir(metrics):
        value = getattr(metrics, name)
        assert not isinstance(value, types.ModuleType), name
    with pytest.raises(AttributeError, match="no attribute 'nonsense'"):
        metrics.nonsense  # noqa: B018
