"""Published networks that the experiments measure or train with.

Nothing is downloaded here: a file is used if an environment variable names it or a cache contains it;
otherwise a message says how to get it.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Optional

from ffl_plugin.metrics import weights
from ffl_plugin.metrics.weights import Release, Weights, WeightsMissing, find_weights


@dataclass(frozen=True)
class Network:
    """A published network, and the metric or loss that needs it."""

    release: Release
    use: str

    def find(self) -> Optional[Weights]:
        """Return the weights, or None if unavailable; raises FFLError if a named file does not exist."""
        try:
            return find_weights(release=self.release, may_download=False)
        except WeightsMissing:
            return None

    def remark(self) -> str:
        """Return a sentence about the file behind the numbers, or about what is omitted and how to get it."""
        found = self.find()
        if found is None:
            release = self.release
            return f"{self.use}: omitted, the {release.network} weights are not available; {release.how_to}."
        file = f"{self.use}: {self.release.network} from {found.path.name} (SHA-256 {found.sha256[:8]})"
        if found.published:
            return f"{file}, the published file."
        return f"{file}, not the published {self.release.name}: only comparable with numbers of this file."


def hashes(networks: tuple[Network, ...]) -> dict[str, Optional[str]]:
    """Return settings of a result: the SHA-256 of each network's file, None if unavailable."""
    found = {network.release.network: network.find() for network in networks}
    return {f"{name} weights": each.sha256 if each else None for name, each in found.items()}


# ``reproduce`` has no options for weights: they are found through environment variables.
LPIPS = Network(replace(weights.ALEXNET, option=None), "LPIPS")
FID_AND_IS = Network(replace(weights.INCEPTION, option=None), "FID (protocol pytorch-fid) and IS")
