"""Metrics on features of DINOv2, CLIP and AlexNet: names, values beside torch-fidelity's, what is refused."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from ffl_plugin.errors import FFLError
from ffl_plugin.metrics.cmmd import GAUSSIAN, SIGMA, cmmd
from ffl_plugin.metrics.distribution import kid, precision_recall
from ffl_plugin.metrics.feature_choice import FeatureChoice, choose_features
from ffl_plugin.metrics.feature_evaluation import measure_features
from ffl_plugin.metrics.features import Features
from ffl_plugin.metrics.frechet import Statistics
from ffl_plugin.metrics.measurement import fid, fid_limit
from ffl_plugin.metrics.protocols import find_protocol
from ffl_plugin.metrics.sides import Sides
from ffl_plugin.metrics.torchvision_operators import import_torchvision
from ffl_plugin.metrics.uncertainty import ENOUGH_FOR_KID, compare_cmmd, compare_features, kernel_distances
from ffl_plugin.metrics.uncertainty.u_statistic import within
from ffl_plugin.metrics.weights import Weights
from ffl_plugin.report.verdict import deciding_row

WEIGHTS = Weights(Path("none"), "abcdef01" * 8, False)
DIMENSIONS = 24


def made(network: str, seed: int, count: int = 60, shift: float = 0.0) -> Features:
    random = np.random.default_rng(seed)
    rows = (random.normal(size=(count, DIMENSIONS)) + 1 + shift).astype(np.float32)
    names = tuple(map(str, range(count)))
    return Features(names, find_protocol(network), WEIGHTS, (rows[:37], rows[37:]))


def plain_cmmd(real: Any, fake: Any) -> float:
    """The paper's equations, one pair of images at a time."""
    x, y = ([row / np.sqrt(np.sum(row**2)) for row in side.astype(np.float64)] for side in (real, fake))

    def mean(some: Any, others: Any) -> float:
        return float(np.mean([np.exp(-np.sum((a - b) ** 2) / (2 * 10**2)) for a in some for b in others]))

    return 1000 * (mean(x, x) + mean(y, y) - 2 * mean(x, y))


@pytest.mark.parametrize("counts", [(40, 40), (23, 50), (2, 3)])
def test_cmmd_is_what_its_equations_say(counts: tuple[int, int]) -> None:
    real, fake = made("clip", 1, counts[0]), made("clip", 2, counts[1], shift=0.3)
    found, unbiased = cmmd(real, fake)
    assert found.value == pytest.approx(plain_cmmd(real.pool(), fake.pool()), rel=1e-9)
    assert found.value > 0.1
    assert found.metric == "CMMD" and found.basis.weights == "abcdef01"
    assert unbiased.metric == "CMMD, unbiased" and unbiased.value < found.value
    assert cmmd(real, real)[0].value == pytest.approx(0, abs=1e-9)


@pytest.mark.parametrize(
    ("measure", "network", "fewest"), [(cmmd, "clip", 2), (kid, "dinov2", 2), (precision_recall, "dinov2", 4)]
)
def test_too_few_images_of_either_side_are_refused(measure: Any, network: str, fewest: int) -> None:
    few, enough = made(network, 1, fewest - 1), made(network, 2, fewest)
    for sides in ((few, enough), (enough, few)):
        with pytest.raises(FFLError, match=" on each side"):
            measure(*sides)
    measure(enough, made(network, 3, fewest))


@pytest.mark.parametrize("metric", ["kid", "cmmd", "pr", "a new one"])
@pytest.mark.parametrize("side", ["real", "generated"])
def test_statistics_alone_are_refused_with_their_side(metric: str, side: str) -> None:
    """A metric that they do not give would be left out without a word."""
    sets = {"real": made("clip", 1), "generated": made("clip", 2)}
    alone = {**sets, side: Statistics.of(sets[side].pool())}
    choice = FeatureChoice("clip", None, "clip", ("fid", metric))
    with pytest.raises(FFLError, match=f"^the {side} images .* statistics alone, from which {metric} "):
        measure_features(alone["real"], alone["generated"], choice)


def test_cmmd_does_not_depend_on_the_length_of_embeddings() -> None:
    real, fake = made("clip", 1), made("clip", 2, shift=0.3)
    longer = Features(fake.names, fake.protocol, WEIGHTS, (fake.pool() * np.float32(7),))
    assert cmmd(real, longer)[0].value == pytest.approx(cmmd(real, fake)[0].value, rel=1e-5)


def test_the_gaussian_kernel_without_equal_pairs_is_torch_fidelitys() -> None:
    import_torchvision()
    from torch_fidelity.metric_kid import kid_features_to_metric

    real, fake = (made("clip", seed).pool().astype(np.float64) for seed in (1, 2))
    unit = [torch.from_numpy(rows / np.linalg.norm(rows, axis=1, keepdims=True)) for rows in (fake, real)]
    theirs = kid_features_to_metric(
        *unit, kid_kernel="rbf", kid_kernel_rbf_sigma=SIGMA, kid_subsets=1, kid_subset_size=60, verbose=False
    )
    ours = kernel_distances(real, [fake], kernel=GAUSSIAN).values[0]
    assert ours == pytest.approx(theirs["kernel_inception_distance_mean"], rel=1e-9)


def test_what_a_pair_of_an_image_with_itself_adds() -> None:
    rows = made("clip", 1, 30).pool()
    moments = within([rows], kernel=GAUSSIAN)
    assert moments.whole[0] == pytest.approx((29 * moments.means[0] + 1) / 30, rel=1e-12)


def test_the_error_of_cmmd_is_how_far_it_moves_with_other_images() -> None:
    drawn = [cmmd(made("clip", 2 * s), made("clip", 2 * s + 1, shift=0.5))[1] for s in range(60)]
    spread = np.std([one.value for one in drawn])
    errors = np.sqrt(np.mean([(one.spread or 0) ** 2 for one in drawn]))
    assert 0.7 < errors / spread < 1.4


def test_the_interval_of_cmmd_holds_the_change() -> None:
    """Of very many images, in about 95 of 100 draws: pairs that share their noise, and reals."""
    random = np.random.default_rng(0)

    def drawn(count: int) -> tuple[Any, Sides[Any]]:
        real, noise = (random.normal(size=(count, DIMENSIONS)) + 1 for _ in range(2))
        return real, Sides([noise + 0.4], [1.1 * noise + 0.3])

    _, large = compare_cmmd(*drawn(4000))
    held = 0
    for _ in range(100):
        _, found = compare_cmmd(*drawn(48), paired=True)
        assert found.low is not None and found.high is not None
        held += found.low <= large.delta <= found.high
    assert 90 <= held <= 99


@pytest.mark.parametrize(
    ("network", "names"),
    [
        ("dinov2", ("FD-DINOv2", "KD-DINOv2", "Precision-DINOv2", "Recall-DINOv2")),
        ("clip", ("FD-CLIP", "KD-CLIP", "Precision-CLIP", "Recall-CLIP")),
        ("alexnet", ("FD-AlexNet", "KD-AlexNet", "Precision-AlexNet", "Recall-AlexNet")),
    ],
)
def test_distances_are_those_of_torch_fidelity_under_the_networks_name(
    network: str, names: tuple[str, ...]
) -> None:
    import_torchvision()
    from torch_fidelity import metric_fid, metric_kid, metric_prc

    real, fake = made(network, 1), made(network, 2, shift=0.4)
    found = [fid(real, fake), kid(real, fake), *precision_recall(real, fake)]
    tensors = [torch.from_numpy(side.pool()).double() for side in (fake, real)]
    statistics = [metric_fid.fid_features_to_statistics(rows) for rows in tensors]
    shares = metric_prc.prc_features_to_metric(
        *tensors, prc_neighborhood=3, prc_batch_size=100, verbose=False
    )
    theirs = [
        metric_fid.fid_statistics_to_metric(*statistics, verbose=False)["frechet_inception_distance"],
        metric_kid.kid_features_to_metric(*tensors, kid_subsets=1, kid_subset_size=60, verbose=False)[
            "kernel_inception_distance_mean"
        ],
        shares["precision"],
        shares["recall"],
    ]
    assert [one.value for one in found] == pytest.approx(theirs, rel=1e-6)
    assert tuple(one.metric for one in found) == names
    limit = fid_limit(real, fake)
    assert limit is not None and limit.metric == f"{names[0]}, bias-reduced"
    assert all(one.basis.weights == "abcdef01" and one.basis.protocol == network for one in (*found, limit))


def test_a_comparison_has_the_same_names_and_numbers() -> None:
    real, before, after = made("dinov2", 1), made("dinov2", 2, shift=0.5), made("dinov2", 3, shift=0.2)
    rows = compare_features(real, Sides([before], [after]), metrics=("fid", "kid", "pr"))
    assert [(row.metric, row.name) for row in rows] == [
        ("fd_dinov2", "FD-DINOv2"),
        ("fd_dinov2_limit", "FD-DINOv2, bias-reduced"),
        ("kd_dinov2", "KD-DINOv2"),
        ("precision_dinov2", "Precision-DINOv2"),
        ("recall_dinov2", "Recall-DINOv2"),
    ]
    assert rows[0].after == pytest.approx(fid(real, after).value)
    assert rows[2].after == pytest.approx(kid(real, after).value)
    assert all(row.basis.weights == "abcdef01" and row.verdict for row in rows)


def test_a_comparison_on_clip_has_cmmd() -> None:
    real, before, after = made("clip", 1), made("clip", 2, shift=1.0), made("clip", 3, shift=0.1)
    rows = compare_features(real, Sides([before], [after]), metrics=("cmmd",))
    names = [("cmmd", "CMMD"), ("cmmd_unbiased", "CMMD, unbiased")]
    assert [(row.metric, row.name) for row in rows] == names
    assert [row.before for row in rows] == pytest.approx([one.value for one in cmmd(real, before)])
    assert all(row.verdict == "improved" and row.basis.weights == "abcdef01" for row in rows)
    assert deciding_row(rows) == rows[1]


@pytest.mark.parametrize("metric", ["cmmd", "kid"])
def test_few_images_keep_kernel_distances_from_deciding(metric: str) -> None:
    count = ENOUGH_FOR_KID
    for fewer in (0, 1):
        sides = [made("clip", seed, count - fewer) for seed in range(3)]
        rows = compare_features(sides[0], Sides([sides[1]], [sides[2]]), metrics=(metric,))
        assert {row.decides for row in rows} == {not fewer}


def test_a_frechet_distance_needs_images_for_its_own_dimensions() -> None:
    few, enough = (
        compare_features(
            made("alexnet", 1, count), Sides([made("alexnet", 2, count)], [made("alexnet", 3, count)])
        )
        for count in (29, 30)
    )
    assert [row.metric for row in few] == ["fd_alexnet"] and not few[0].decides
    assert "30 required for its 24 dimensions" in few[0].note and "FD-AlexNet" in few[0].note
    assert [row.metric for row in enough] == ["fd_alexnet", "fd_alexnet_limit"]


@pytest.mark.parametrize(
    ("options", "metrics"),
    [
        ({}, ("fid",)),
        ({"features": "dinov2"}, ("fid",)),
        ({"features": "clip"}, ("cmmd",)),
        ({"features": "clip", "metrics": ("kid", "pr", "spectra")}, ("kid", "pr")),
        ({"features": "alexnet", "metrics": ("pairs",)}, ()),
    ],
)
def test_what_is_measured_where_nothing_is_said(options: dict[str, Any], metrics: tuple[str, ...]) -> None:
    assert choose_features(**options).metrics == metrics


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"features": "dinov2", "metrics": ("is",)}, ("Inception Score", "remove 'is' from")),
        ({"metrics": ("fid", "cmmd")}, ("CMMD", "--features clip")),
        ({"features": "dinov2", "metrics": ("cmmd",)}, ("CMMD", "--features clip")),
        ({"features": "clip", "protocol": "clean"}, ("--protocol clean", "--features clip")),
        ({"features": "alexnet", "inception": "i.pth"}, ("--inception", "--feature-weights")),
        ({"weights": "a.pth", "inception": "i.pth"}, ("a.pth", "i.pth")),
        ({"features": "vgg"}, ("'vgg'", "alexnet")),
    ],
)
def test_choices_that_exclude_each_other_are_refused(options: dict[str, Any], words: tuple[str, ...]) -> None:
    with pytest.raises(FFLError) as refused:
        choose_features(**options)
    assert all(word in str(refused.value) for word in words)
    assert ". " not in str(refused.value)
