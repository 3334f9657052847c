"""Published networks that the experiments measure or train with.

Nothing is downloaded here: a file is used where an environment variable names it or a cache has it, and else
a sentence says how to get it.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Optional

from ffl_plugin.metrics import weights
from ffl_plugin.metrics.weights import Release, Weights, WeightsMissing, find_weights


@dataclass(frozen=True)
class Network:
    """A published network, and what is left out where its weights are not here."""

    release: Release
    use: str

    def find(self) -> Optional[Weights]:
        """Find the weights, None where they are not here; FFLError for a named file that does not exist."""
        try:
            return find_weights(release=self.release, may_download=False)
        except WeightsMissing:
            return None

    def remark(self) -> str:
        """Say which file the numbers come from, or what is left out and how to get it."""
        found = self.find()
        if found is None:
            release = self.release
            return f"{self.use}: left out, the {release.network} weights are not here; {release.how_to}."
        file = f"{self.use}: {self.release.network} from {found.path.name} (SHA-256 {found.sha256[:8]})"
        if found.published:
            return f"{file}, the published file."
        return f"{file}, not the published {self.release.name}: compares only with numbers of this file."


def hashes(networks: tuple[Network, ...]) -> dict[str, Optional[str]]:
    """Settings of a result: the SHA-256 of each network's file, None where it is not here."""
    found = {network.release.network: network.find() for network in networks}
    return {f"{name} weights": each.sha256 if each else None for name, each in found.items()}


# ``reproduce`` has no options for files of weights: environment variables name them.
LPIPS = Network(replace(weights.ALEXNET, option=None), "LPIPS")
FID_AND_IS = Network(replace(weights.INCEPTION, option=None), "FID (protocol pytorch-fid) and IS")
PERCEPTUAL_LOSS = Network(
    Release(
        network="VGG16",
        url="https://download.pytorch.org/models/vgg16-397923af.pth",
        sha256="397923af",
        variable="FFL_VGG16",
    ),
    "The perceptual loss",
)
SPADE_LOSS = Network(
    Release(
        network="VGG19",
        url="https://download.pytorch.org/models/vgg19-dcbb9e9d.pth",
        sha256="dcbb9e9d",
        variable="FFL_VGG19",
    ),
    "SPADE's VGG loss",
)
