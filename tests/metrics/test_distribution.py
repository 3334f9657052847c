from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from ffl_plugin.errors import FFLError
from ffl_plugin.metrics import neighbourhoods
from ffl_plugin.metrics.distribution import inception_score, kid, precision_recall
from ffl_plugin.metrics.feature_choice import INCEPTION, ONLY_OF, FeatureChoice
from ffl_plugin.metrics.feature_evaluation import measure_features
from ffl_plugin.metrics.features import Features
from ffl_plugin.metrics.inception import FEATURES
from ffl_plugin.metrics.protocols import PROTOCOLS, find_protocol
from ffl_plugin.metrics.sides import Sides
from ffl_plugin.metrics.torchvision_operators import import_torchvision
from ffl_plugin.metrics.uncertainty import compare_features
from ffl_plugin.metrics.weights import Weights
from ffl_plugin.report.from_features import _missing

FID = PROTOCOLS["pytorch-fid"]
WEIGHTS = Weights(Path("none"), "0" * 64, False)


def made(seed: int, count: int, shift: float = 0.0, classes: int = 5) -> Features:
    """Features in a few dimensions, and logits of a few classes."""
    random = np.random.default_rng(seed)
    rows = np.zeros((count, FEATURES + 1008), np.float32)
    rows[:, :8] = random.normal(size=(count, 8)) + shift
    rows[np.arange(count), FEATURES + np.arange(count) % classes] = 20
    return Features(tuple(map(str, range(count))), FID, WEIGHTS, (rows,))


def test_kid_is_the_unbiased_squared_mmd() -> None:
    """Bińkowski et al. 2018, with k(x, y) = (x·y/d + 1)³ on one subset of everything."""
    real, fake = made(1, 40), made(2, 40, shift=3)
    x, y = fake.pool().astype(np.float64), real.pool().astype(np.float64)
    k = {
        name: (a @ b.T / FEATURES + 1) ** 3
        for name, (a, b) in {"xx": (x, x), "yy": (y, y), "xy": (x, y)}.items()
    }
    n = 40
    within = [(k[name].sum() - np.trace(k[name])) / (n * (n - 1)) for name in ("xx", "yy")]
    expected = sum(within) - 2 * k["xy"].mean()
    found = kid(real, fake)
    assert found.value == pytest.approx(expected, rel=1e-4)
    assert found.value > 0
    assert found.basis.settings == ("all pairs",)


@pytest.mark.parametrize("shift", [0.2, 1])
def test_the_error_of_kid_is_how_far_it_moves_with_other_images(shift: float) -> None:
    """Of 48 images as of 200: what repeats one subset has no spread at all. Near to the reals, and far."""
    for count in (48, 200):
        drawn = [
            kid(made(2 * seed, count, shift=9), made(2 * seed + 1, count, shift=9 + shift))
            for seed in range(60)
        ]
        spread = np.std([one.value for one in drawn])
        errors = np.sqrt(np.mean([(one.spread or 0) ** 2 for one in drawn]))
        assert 0.7 < errors / spread < 1.4


def test_fid_and_compare_have_one_kid() -> None:
    real, fake, other = made(1, 60), made(2, 50, shift=1), made(3, 50, shift=2)
    (row,) = compare_features(real, Sides([fake], [other]), metrics=("kid",))
    alone = kid(real, fake).value, kid(real, other).value
    assert (row.before, row.after) == pytest.approx(alone, rel=1e-9)


@pytest.mark.parametrize("metric", ONLY_OF)
def test_every_metric_of_features_is_measured_by_fid_and_by_compare(metric: str) -> None:
    """A value of ``--metrics`` that one of them does not know would be left out without a word."""
    network = ONLY_OF[metric] or INCEPTION
    protocol = find_protocol("pytorch-fid" if network == INCEPTION else network)
    real, *fakes = (replace(made(seed, 100), protocol=protocol) for seed in range(3))
    choice = FeatureChoice(network, None, protocol.name, (metric,))
    assert measure_features(real, fakes[0], choice), "ffl-patch fid"
    assert compare_features(real, Sides(fakes[:1], fakes[1:]), metrics=(metric,)), "ffl-patch compare"
    if not ONLY_OF[metric]:
        on_dinov2 = [replace(one, protocol=find_protocol("dinov2")) for one in (real, *fakes)]
        elsewhere = FeatureChoice("dinov2", None, "dinov2", (metric,))
        named = [one.metric for one in measure_features(*on_dinov2[:2], elsewhere)]
        named += [
            row.name
            for row in compare_features(on_dinov2[0], Sides(on_dinov2[1:2], on_dinov2[2:]), metrics=(metric,))
        ]
        assert all("DINOv2" in name for name in named), f"{named}: _ELSEWHERE of feature_choice.py"
    assert "not measured" in _missing([metric], choice, "there are few images")


def test_kid_of_equal_distributions_is_about_zero() -> None:
    assert abs(kid(made(1, 200), made(2, 200)).value) < 1e-3


def test_inception_score_of_certain_and_even_classes_is_their_number() -> None:
    found = inception_score(made(1, 500, classes=5))
    assert found.value == pytest.approx(5, rel=0.05)
    assert inception_score(made(1, 500, classes=1)).value == pytest.approx(1, abs=1e-3)
    assert found.basis.protocol == "pytorch-fid"
    assert found.basis.counts == {"generated": 500}


def test_the_splits_are_torch_fidelitys() -> None:
    import_torchvision()
    from torch_fidelity.metric_isc import isc_features_to_metric

    random = np.random.default_rng(5)
    rows = np.concatenate([np.zeros((103, FEATURES)), random.normal(size=(103, 1008))], axis=1)
    made_up = Features(tuple(map(str, range(103))), FID, WEIGHTS, (rows.astype(np.float32),))
    theirs = isc_features_to_metric(
        torch.from_numpy(made_up.logits()), splits=10, shuffle=True, rng_seed=2020
    )
    found = inception_score(made_up)
    assert found.value == pytest.approx(theirs["inception_score_mean"], rel=1e-12)
    assert found.spread == pytest.approx(theirs["inception_score_std"], rel=1e-9)


def test_precision_and_recall_tell_quality_from_coverage() -> None:
    real, narrow = made(1, 200), made(2, 200)
    narrow.chunks[0][:, :8] *= 0.1
    precision, recall = precision_recall(real, narrow)
    assert precision.value > 0.9
    assert recall.value < 0.5
    far = [measurement.value for measurement in precision_recall(real, made(3, 200, shift=50))]
    assert far == [0, 0]


@pytest.mark.parametrize("metric", [kid, precision_recall])
def test_too_few_images_are_told(metric: object) -> None:
    with pytest.raises(FFLError, match=r"at least 2 images|more than 3 images"):
        metric(made(1, 1), made(2, 200))


def test_too_few_images_for_splits_are_told() -> None:
    with pytest.raises(FFLError, match="at least 10 images, not 9"):
        inception_score(made(1, 9))


def test_nan_features_are_refused() -> None:
    spoiled = made(1, 20)
    spoiled.chunks[0][3, 3] = np.nan
    for metric in (kid, precision_recall):
        with pytest.raises(FFLError, match="NaN"):
            metric(spoiled, made(2, 20))


def continuous(seed: int, count: int) -> Features:
    random = np.random.default_rng(seed)
    rows = np.zeros((count, FEATURES + 1008), np.float32)
    rows[:, :12] = random.normal(size=(count, 12)) + seed % 2
    rows[:, FEATURES:] = random.normal(size=(count, 1008))
    return Features(tuple(map(str, range(count))), FID, WEIGHTS, (rows,))


def test_kid_is_torch_fidelitys_on_a_subset_of_all() -> None:
    import_torchvision()
    from torch_fidelity.metric_kid import kid_features_to_metric

    real, fake = continuous(1, 70), continuous(2, 70)
    theirs = kid_features_to_metric(
        torch.from_numpy(fake.pool()), torch.from_numpy(real.pool()), kid_subsets=1, kid_subset_size=70,
        verbose=False,
    )  # fmt: skip
    expected = theirs["kernel_inception_distance_mean"]
    assert kid(real, fake).value == pytest.approx(expected, abs=1e-6)  # of kernels about 1 in float32


@pytest.mark.parametrize(("rows", "columns"), [(1024, 4096), (17, 23), (200, 2)])
def test_precision_and_recall_are_torch_fidelitys_in_blocks_of_any_size(
    monkeypatch: pytest.MonkeyPatch, rows: int, columns: int
) -> None:
    import_torchvision()
    from torch_fidelity.metric_prc import prc_features_to_metric

    monkeypatch.setattr(neighbourhoods, "_ROWS", rows)
    monkeypatch.setattr(neighbourhoods, "_COLUMNS", columns)
    real, fake = continuous(1, 130), continuous(2, 90)
    theirs = prc_features_to_metric(
        torch.from_numpy(fake.pool()), torch.from_numpy(real.pool()), prc_neighborhood=3,
        prc_batch_size=10_000, save_cpu_ram=False, verbose=False,
    )  # fmt: skip
    precision, recall = precision_recall(real, fake)
    assert 0.05 < precision.value < 0.95
    assert precision.value != recall.value
    assert precision.value == pytest.approx(theirs["precision"], abs=1e-7)
    assert recall.value == pytest.approx(theirs["recall"], abs=1e-7)


@pytest.mark.parametrize("metric", [kid, inception_score, precision_recall])
def test_progress_rises_to_its_end(metric: object, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(neighbourhoods, "_ROWS", 17)
    told: list[tuple[int, int, str]] = []
    sets = [continuous(2, 60)] if metric is inception_score else [continuous(1, 40), continuous(2, 60)]
    metric(*sets, progress=lambda *report: told.append(report))
    done, totals, names = zip(*told)
    assert len(set(totals)) == len(set(names)) == 1
    assert list(done) == sorted(set(done))
    assert len(told) >= 3
    assert done[-1] == totals[0]
