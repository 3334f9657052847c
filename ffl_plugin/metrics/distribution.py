"""Other metrics of the same features, equal to torch-fidelity's with explicit settings.

Its functions are called for one split at a time, which shows progress and bounds memory.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any, Optional

import numpy as np
import numpy.typing as npt
import torch

from ffl_plugin.errors import FFLError
from ffl_plugin.metrics.feature_choice import INCEPTION, NETWORKS, metric_on
from ffl_plugin.metrics.features import Features
from ffl_plugin.metrics.frechet import Array, refuse_not_finite
from ffl_plugin.metrics.measurement import Measurement, basis_of, refuse_different_conditions
from ffl_plugin.metrics.metric import KID, PRECISION, RECALL
from ffl_plugin.metrics.neighbourhoods import precision_and_recall
from ffl_plugin.metrics.optional import require
from ffl_plugin.metrics.progress import Progress
from ffl_plugin.metrics.torchvision_operators import import_torchvision
from ffl_plugin.metrics.uncertainty import kernel_distances

SEED = 2020  # torch-fidelity's default
KID_SETTINGS = "all pairs"
IS_SPLITS = 10
NEIGHBOURS = 3
SCORE_SETTINGS = f"{IS_SPLITS} splits, seed {SEED}"


def kid(real: Features, fake: Features, *, progress: Optional[Progress] = None) -> Measurement:
    """Kernel Inception Distance (Bińkowski et al. 2018): unbiased, so valid for small sets; may be negative.

    Cubic kernel over all pairs of images: the mean over all subsets, of which torch-fidelity and clean-fid
    draw some. ``spread`` is the standard error of the U-statistic, including the choice of real images.
    """
    refuse_different_conditions(real, fake)
    if min(len(real), len(fake)) < 2:
        raise FFLError("KID needs at least 2 images on each side")
    found = kernel_distances(real.pool(), [fake.pool()], progress=progress)
    basis = replace(basis_of(real, fake), settings=(KID_SETTINGS,))
    name = metric_on(KID, real.protocol.network).name
    return Measurement(name, found.values[0], KID.direction, basis, found.sampling(np.ones(1)))


def inception_score(fake: Features, *, progress: Optional[Progress] = None) -> Measurement:
    """Inception Score (Salimans et al. 2016), the mean over 10 shuffled splits."""
    if len(fake) < IS_SPLITS:
        raise FFLError(f"the Inception Score needs at least {IS_SPLITS} images, not {len(fake)}")
    value, spread = inception_score_of(fake.logits(), progress=progress)
    basis = replace(basis_of(None, fake), settings=(SCORE_SETTINGS,))
    return Measurement("IS", value, "higher", basis, spread)


def inception_score_of(
    logits: npt.NDArray[Any], *, progress: Optional[Progress] = None
) -> tuple[float, float]:
    """Return the Inception Score of logits (N, C): mean and standard deviation over the splits."""
    score = _fidelity("metric_isc").isc_features_to_metric
    scores = []
    for chosen in _splits(len(logits)):
        scores.append(score(_tensor(logits[chosen]), splits=1, shuffle=False)["inception_score_mean"])
        if progress is not None:
            progress(len(scores), IS_SPLITS, "Inception Score")
    return float(np.mean(scores)), float(np.std(scores))


def inception_score_influence(logits: npt.NDArray[Any]) -> Array:
    """Return the influence of every image on ``inception_score`` of logits (N, C): (N,).

    The score of a split is exp of the mean of KL(p(y|x) ‖ p(y)), and the derivative of that mean with respect
    to the weight of an image is its KL minus the mean: the change of p(y) adds the same to all.
    """
    influence = np.empty(len(logits))
    for chosen in _splits(len(logits)):
        log_p = torch.from_numpy(logits[chosen]).double().log_softmax(dim=1)
        kl = (log_p.exp() * (log_p - log_p.exp().mean(dim=0).log())).sum(dim=1)
        # A split's share of the images, and its weight in the mean score, 1/IS_SPLITS, cancel.
        influence[chosen] = (kl.mean().exp() * (kl - kl.mean())).numpy()
    return influence


def _splits(count: int) -> list[npt.NDArray[np.int64]]:
    """Return the images of every split, shuffled as in torch-fidelity."""
    order = np.random.RandomState(SEED).permutation(count)
    edges = [split * count // IS_SPLITS for split in range(IS_SPLITS + 1)]
    return [order[first:last] for first, last in zip(edges, edges[1:])]


def precision_recall(
    real: Features, fake: Features, *, progress: Optional[Progress] = None
) -> tuple[Measurement, Measurement]:
    """Improved precision and recall (Kynkäänniemi et al. 2019) with 3 neighbours.

    StyleGAN2-ADA's ``pr50k3_full`` uses VGG features, so its numbers are not comparable.
    """
    refuse_different_conditions(real, fake)
    if min(len(real), len(fake)) <= NEIGHBOURS:
        raise FFLError(f"precision and recall need more than {NEIGHBOURS} images on each side")
    sides = (_tensor(side.pool()).numpy() for side in (real, fake))
    (precision, recall), _ = precision_and_recall(*sides, neighbours=NEIGHBOURS, progress=progress)
    network = real.protocol.network
    settings = (f"{NEIGHBOURS} neighbours, {NETWORKS[network]} features",)
    basis = replace(basis_of(real, fake), settings=settings)
    names = [metric_on(metric, network).name for metric in (PRECISION, RECALL)]
    if network == INCEPTION:
        names = [name.lower() for name in names]  # unchanged since 0.1, for programs that parse them
    return (
        Measurement(names[0], float(precision), "higher", basis),
        Measurement(names[1], float(recall), "higher", basis),
    )


def _tensor(rows: npt.NDArray[Any]) -> torch.Tensor:
    for start in range(0, len(rows), 1024):  # a block at a time, to bound the memory
        refuse_not_finite(rows[start : start + 1024])
    return torch.from_numpy(rows)


def _fidelity(module: str) -> Any:
    import_torchvision()
    return require(f"torch_fidelity.{module}", "This metric")
