"""The feature networks: their published weights and their builders."""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from typing import Optional

from torch import nn

from ffl_plugin.metrics import weights as files
from ffl_plugin.metrics.alexnet import AlexNetFeatures
from ffl_plugin.metrics.clip import ClipImages
from ffl_plugin.metrics.dinov2 import DinoV2
from ffl_plugin.metrics.feature_choice import ALEXNET, CLIP, DINOV2, INCEPTION, NETWORKS, FeatureChoice
from ffl_plugin.metrics.inception import Inception
from ffl_plugin.metrics.progress import Progress
from ffl_plugin.metrics.weights import Release, Weights, WeightsMissing

RELEASES: dict[str, Release] = {
    INCEPTION: files.INCEPTION,
    DINOV2: files.DINOV2,
    CLIP: files.CLIP,
    ALEXNET: files.ALEXNET_FEATURES,
}
_BUILDERS: dict[str, Callable[[Weights], nn.Module]] = {
    INCEPTION: Inception,
    DINOV2: DinoV2,
    CLIP: ClipImages,
    ALEXNET: AlexNetFeatures,
}


def build_network(network: str, weights: Weights) -> nn.Module:
    """Build a network, a key of ``NETWORKS``, on the CPU; it maps prepared images to rows of features.

    Raises:
        FFLError: the weights do not fit, or a package is missing.
    """
    return _BUILDERS[network](weights)


def find_network_weights(
    choice: FeatureChoice, *, may_download: bool = True, progress: Optional[Progress] = None
) -> Weights:
    """Find the weights of the chosen network; arguments and errors are those of ``find_weights``."""
    release = RELEASES[choice.network]
    return files.find_weights(choice.weights, release=release, may_download=may_download, progress=progress)


def try_network(choice: FeatureChoice) -> None:
    """Build the chosen network once, to detect errors before hours of training.

    Missing weights are not an error: other metrics are measured without them. Nothing is downloaded.

    Raises:
        FFLError: the file does not fit the network, or a package is missing.
    """
    with contextlib.suppress(WeightsMissing):
        build_network(choice.network, find_network_weights(choice, may_download=False))


def unpublished(choice: FeatureChoice, weights: Weights) -> tuple[str, ...]:
    """Return a remark on weights that are not the published file."""
    if weights.published:
        return ()
    name = NETWORKS[choice.network]
    return (
        f"{weights.path} (SHA-256 {weights.sha256[:8]}) is not the published {name} file: "
        "its numbers compare only with others from this file.",
    )
