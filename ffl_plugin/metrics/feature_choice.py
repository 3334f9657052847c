"""The choice of a feature network and metrics, and the names of the numbers.

FID, KID and the Inception Score are defined on Inception. The same distances on another network's features
are named after it: FD-DINOv2 (Stein et al. 2023), KD-DINOv2, Precision-DINOv2. CMMD (Jayasumana et al. 2024)
is defined on CLIP.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Optional, Union

from ffl_plugin.errors import FFLError
from ffl_plugin.metrics.metric import FID, FID_LIMIT, KID, PRECISION, RECALL, Metric

INCEPTION, DINOV2, CLIP, ALEXNET = "inception", "dinov2", "clip", "alexnet"
# Option value -> display name.
NETWORKS = {INCEPTION: "Inception", DINOV2: "DINOv2", CLIP: "CLIP", ALEXNET: "AlexNet"}

# Value of --metrics -> the only network that defines it, if any.
ONLY_OF = {"fid": "", "kid": "", "cmmd": CLIP, "is": INCEPTION, "pr": ""}
# Key and name on the features of a network other than Inception.
_ELSEWHERE = {
    FID: ("fd_{}", "FD-{}"),
    FID_LIMIT: ("fd_{}_limit", "FD-{}, bias-reduced"),
    KID: ("kd_{}", "KD-{}"),
    PRECISION: ("precision_{}", "Precision-{}"),
    RECALL: ("recall_{}", "Recall-{}"),
}
DEFAULT_PROTOCOL = "pytorch-fid"  # the protocol of the focal frequency loss paper

PathLike = Union[str, "os.PathLike[str]"]


@dataclass(frozen=True)
class FeatureChoice:
    """A network and the metrics to measure on its features.

    Attributes:
        network: a key of ``NETWORKS``.
        weights: the weights file; None finds or downloads the published one.
        protocol: FID protocol, a name in ``ffl_plugin.metrics.PROTOCOLS``; the network's key for other
            networks.
        metrics: any of ``ONLY_OF``.
    """

    network: str
    weights: Optional[Path]
    protocol: str
    metrics: tuple[str, ...]


def choose_features(
    features: str = INCEPTION,
    weights: Optional[PathLike] = None,
    *,
    inception: Optional[PathLike] = None,
    protocol: Optional[str] = None,
    metrics: Optional[Sequence[str]] = None,
) -> FeatureChoice:
    """Combine the user's options.

    Args:
        features: a key of ``NETWORKS``.
        weights: weights file of the network.
        inception: weights file of Inception, an alternative to ``weights``.
        protocol: FID protocol; None is ``DEFAULT_PROTOCOL``.
        metrics: metrics to measure; None is CMMD for CLIP, and the Fréchet distance for the others. Names of
            other metrics are ignored.

    Raises:
        FFLError: the options conflict.
    """
    network = features
    if network not in NETWORKS:
        raise FFLError(f"{network!r} is not a feature network; choose from {', '.join(NETWORKS)}")
    if network != INCEPTION and inception is not None:
        raise FFLError(
            f"--inception passes Inception weights, but --features {network} selects {NETWORKS[network]}; "
            "pass its file with --feature-weights"
        )
    if inception is not None and weights is not None:
        raise FFLError(f"{inception} and {weights} are both passed as Inception weights; pass one of them")
    if network != INCEPTION and protocol is not None:
        raise FFLError(
            f"--protocol {protocol} is a FID protocol, for Inception; omit it with --features {network}"
        )
    chosen = tuple(metrics) if metrics is not None else ("cmmd" if network == CLIP else "fid",)
    for metric in chosen:
        only = ONLY_OF.get(metric)
        if only and only != network:
            name = {"is": "the Inception Score", "cmmd": "CMMD"}.get(metric, metric)
            raise FFLError(
                f"{name} is defined on {NETWORKS[only]} only; remove {metric!r} from --metrics, or pass "
                f"--features {only}"
            )
    named = inception if weights is None else weights
    return FeatureChoice(
        network,
        None if named is None else Path(named),
        (protocol or DEFAULT_PROTOCOL) if network == INCEPTION else network,
        tuple(metric for metric in chosen if metric in ONLY_OF),
    )


def metric_on(metric: Metric, network: str) -> Metric:
    """Return a metric with its name on a network's features.

    >>> metric_on(FID, "dinov2").name, metric_on(FID, "inception").name
    ('FD-DINOv2', 'FID')
    """
    if network == INCEPTION or metric not in _ELSEWHERE:
        return metric
    key, name = _ELSEWHERE[metric]
    return replace(metric, key=key.format(network), name=name.format(NETWORKS[network]))
