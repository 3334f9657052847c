"""Which network's features are measured, by which metrics, and what the numbers are called.

FID, KID and the Inception Score are Inception's by name. The same distances on another network's features
carry that network's name: FD-DINOv2 (Stein et al. 2023), KD-DINOv2, Precision-DINOv2. CMMD (Jayasumana et
al. 2024) is CLIP's by name.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Optional, Union

from ffl_plugin.errors import FFLError
from ffl_plugin.metrics.difference import FID, FID_LIMIT, HIGHER, Metric

INCEPTION, DINOV2, CLIP, ALEXNET = "inception", "dinov2", "clip", "alexnet"
# As the user writes it -> as people write it.
NETWORKS = {INCEPTION: "Inception", DINOV2: "DINOv2", CLIP: "CLIP", ALEXNET: "AlexNet"}

KID = Metric("kid", "KID")
CMMD, CMMD_UNBIASED = Metric("cmmd", "CMMD"), Metric("cmmd_unbiased", "CMMD, unbiased")
INCEPTION_SCORE = Metric("is", "Inception Score", HIGHER)
PRECISION, RECALL = Metric("precision", "Precision", HIGHER), Metric("recall", "Recall", HIGHER)

# What --metrics takes, and the only network that it is of, where there is one.
ONLY_OF = {"fid": "", "kid": "", "cmmd": CLIP, "is": INCEPTION, "pr": ""}
# Key and name on features of a network other than Inception.
_ELSEWHERE = {
    FID: ("fd_{}", "FD-{}"),
    FID_LIMIT: ("fd_{}_limit", "FD-{}, bias-reduced"),
    KID: ("kd_{}", "KD-{}"),
    PRECISION: ("precision_{}", "Precision-{}"),
    RECALL: ("recall_{}", "Recall-{}"),
}
_PROTOCOL = "pytorch-fid"  # what the focal frequency loss paper's FIDs were computed with

PathLike = Union[str, "os.PathLike[str]"]


@dataclass(frozen=True)
class FeatureChoice:
    """A network and what is measured on its features.

    Attributes:
        network: a key of ``NETWORKS``.
        weights: the file that was named; None finds or downloads the published one.
        protocol: of FID, a name in ``ffl_plugin.metrics.PROTOCOLS``; of any other network its own key.
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
    """Take what the user asks for together.

    Args:
        features: a key of ``NETWORKS``.
        weights: its file.
        inception: Inception's file, another way to name it.
        protocol: of FID; None is pytorch-fid's.
        metrics: what to measure; None is CMMD of CLIP, and the Fréchet distance of the others. Names that are
            not of features are passed over.

    Raises:
        FFLError: the choices exclude each other.
    """
    network = features
    if network not in NETWORKS:
        raise FFLError(f"{network!r} is no network of features; choose from {', '.join(NETWORKS)}")
    if network != INCEPTION and inception is not None:
        raise FFLError(
            f"--inception gives Inception's weights, and --features {network} asks for {NETWORKS[network]}; "
            "give its file with --feature-weights"
        )
    if inception is not None and weights is not None:
        raise FFLError(f"{inception} and {weights} are both given as Inception's weights; give one of them")
    if network != INCEPTION and protocol is not None:
        raise FFLError(
            f"--protocol {protocol} is a protocol of FID, which is Inception's; leave it out with --features "
            f"{network}"
        )
    chosen = tuple(metrics) if metrics is not None else ("cmmd" if network == CLIP else "fid",)
    for metric in chosen:
        only = ONLY_OF.get(metric)
        if only and only != network:
            name = {"is": "the Inception Score", "cmmd": "CMMD"}[metric]
            raise FFLError(
                f"{name} is of {NETWORKS[only]} alone; leave {metric!r} out of --metrics, or give --features "
                f"{only}"
            )
    named = inception if weights is None else weights
    return FeatureChoice(
        network,
        None if named is None else Path(named),
        (protocol or _PROTOCOL) if network == INCEPTION else network,
        tuple(metric for metric in chosen if metric in ONLY_OF),
    )


def metric_on(metric: Metric, network: str) -> Metric:
    """A metric under the name that it has on a network's features.

    >>> metric_on(FID, "dinov2").name, metric_on(FID, "inception").name
    ('FD-DINOv2', 'FID')
    """
    if network == INCEPTION or metric not in _ELSEWHERE:
        return metric
    key, name = _ELSEWHERE[metric]
    return replace(metric, key=key.format(network), name=name.format(NETWORKS[network]))
