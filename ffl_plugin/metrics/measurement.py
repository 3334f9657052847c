"""FID with its basis: protocol, numbers of images, and weights."""

from __future__ import annotations

import zlib
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Optional, Union
from zipfile import BadZipFile

import numpy as np
import numpy.typing as npt

from ffl_plugin.errors import FFLError
from ffl_plugin.metrics.basis import UNKNOWN, Basis
from ffl_plugin.metrics.feature_choice import INCEPTION, metric_on
from ffl_plugin.metrics.features import Features
from ffl_plugin.metrics.frechet import (
    Statistics,
    frechet_distance,
    frechet_from_statistics,
    frechet_to_statistics,
)
from ffl_plugin.metrics.metric import FID, FID_LIMIT
from ffl_plugin.metrics.protocols import Protocol
from ffl_plugin.metrics.uncertainty import fewest_for_limit, frechet_limit

FeatureSet = Union[Features, Statistics]


@dataclass(frozen=True)
class Measurement:
    """A number with everything required to compare it.

    Attributes:
        metric: name, such as "FID".
        value: the number.
        better: "lower" or "higher"; empty for a ratio, of which 1 is ideal.
        basis: protocol, numbers of images and weights.
        spread: standard error (KID), or standard deviation over the splits (Inception Score).
    """

    metric: str
    value: float
    better: str
    basis: Basis
    spread: Optional[float] = None

    def as_json(self) -> dict[str, Any]:
        """Return JSON values; non-finite numbers become None."""
        values = {"value": self.value, "spread": self.spread}
        numbers = {k: v if v is not None and np.isfinite(v) else None for k, v in values.items()}
        return {**numbers, "better": self.better, "conditions": str(self.basis)}


def fid(real: FeatureSet, fake: FeatureSet, *, network: Optional[str] = None) -> Measurement:
    """Return the Fréchet Inception Distance (Heusel et al. 2017) between features or stored statistics.

    On another network's features it is named after that network: FD-DINOv2 (Stein et al. 2023). ``network``
    is needed for two files of statistics, which do not contain it.

    Raises ``FFLError`` if the two sets have different protocols or weights.
    """
    refuse_different_conditions(real, fake)
    name = metric_on(FID, network or network_of(real, fake)).name
    return Measurement(name, _distance(real, fake), "lower", basis_of(real, fake, covariance=True))


def fid_limit(real: FeatureSet, fake: FeatureSet, *, network: Optional[str] = None) -> Optional[Measurement]:
    """Return FID with the bias of few images mostly removed (``frechet_limit``); None with too few images.

    Raises ``FFLError`` as in ``fid``.
    """
    refuse_different_conditions(real, fake)
    if min(_count(side) or 0 for side in (real, fake)) < fewest_for_limit(_dimensions(real)):
        return None
    value = frechet_limit(*(statistics(side, ddof=1) for side in (fake, real)))
    name = metric_on(FID_LIMIT, network or network_of(real, fake)).name
    return Measurement(name, value, FID_LIMIT.direction, basis_of(real, fake))


def network_of(*sides: FeatureSet) -> str:
    """Return the network of the features, a key of ``NETWORKS``; Inception if unknown."""
    return next((side.protocol.network for side in sides if isinstance(side, Features)), INCEPTION)


def _dimensions(side: FeatureSet) -> int:
    return len(side.mean) if isinstance(side, Statistics) else side.dimensions


def _distance(a: FeatureSet, b: FeatureSet) -> float:
    few_a, few_b = (isinstance(side, Features) and len(side) <= side.dimensions for side in (a, b))
    if isinstance(a, Features) and isinstance(b, Features) and few_a and few_b:
        return frechet_distance(a.pool(), b.pool(), ddof=a.protocol.ddof)
    if isinstance(a, Features) and few_a:
        return frechet_to_statistics(a.pool(), statistics(b), ddof=a.protocol.ddof)
    if isinstance(b, Features) and few_b:
        return frechet_to_statistics(b.pool(), statistics(a), ddof=b.protocol.ddof)
    return frechet_from_statistics(statistics(a), statistics(b))


def statistics(side: FeatureSet, *, ddof: Optional[int] = None) -> Statistics:
    """Return mean and covariance in constant memory; ``ddof`` is by default the protocol's."""
    if isinstance(side, Statistics):
        return side
    blocks = (block[:, : side.protocol.dimensions] for block in side.blocks())
    return Statistics.of_blocks(blocks, ddof=side.protocol.ddof if ddof is None else ddof)


def basis_of(real: Optional[FeatureSet], fake: FeatureSet, *, covariance: bool = False) -> Basis:
    """Return the basis of a number of these two sets, or of the fakes alone.

    ``covariance`` is for FID, where the protocol also defines the divisor of the covariance.
    """
    sides = [side for side in (fake, real) if isinstance(side, Features)]
    hashes = [side.weights.sha256[:8] for side in sides if side.weights is not None]
    protocol = sides[0].protocol if sides else None
    return Basis(
        protocol=UNKNOWN if protocol is None else protocol.name,
        processing=() if protocol is None else (protocol.resize, *([protocol.covariance] * covariance)),
        counts={**({} if real is None else {"real": _count(real)}), "generated": _count(fake)},
        weights=hashes[0] if hashes else UNKNOWN,
    )


def refuse_different_conditions(real: FeatureSet, fake: FeatureSet) -> None:
    """Raise ``FFLError`` if two sets of features are not comparable."""
    if not (isinstance(real, Features) and isinstance(fake, Features)):
        return
    if real.protocol.name != fake.protocol.name:
        raise FFLError(
            f"features of the protocols {real.protocol.name} and {fake.protocol.name} are not comparable; "
            "extract both with one protocol"
        )
    if real.weights and fake.weights and real.weights.sha256 != fake.weights.sha256:
        raise FFLError(
            f"features of different weights are not comparable ({real.weights.sha256[:8]} and "
            f"{fake.weights.sha256[:8]}); extract both with one file"
        )


def load_feature_file(path: Path, protocol: Protocol) -> FeatureSet:
    """Load an ``.npz``: statistics of pytorch-fid or clean-fid (``mu``, ``sigma``), or features (N, d).

    The file does not contain its protocol, so the user passes it. No code in it is executed. Raises
    ``FFLError`` for anything else.
    """
    try:
        if not path.is_file():
            raise FFLError(f"{path} does not exist; pass an .npz of statistics or features, or images")
        with path.open("rb") as file, np.load(file, allow_pickle=False) as archive:
            arrays = {name: archive[name] for name in archive.files}
    except (BadZipFile, OSError, ValueError, EOFError, AttributeError, zlib.error) as error:
        raise FFLError(f"{path} is not a complete .npz of numbers ({error}); save it again") from None
    for name, array in arrays.items():
        if array.dtype.kind not in "fiu":
            raise FFLError(f"{path} contains {name} of type {array.dtype}, not real numbers; save it again")
        if not np.isfinite(array).all():
            raise FFLError(f"{path} contains NaN or infinite values in {name}; compute it again")
    if {"mu", "sigma"} <= arrays.keys():
        return _stored_statistics(path, arrays["mu"].astype(np.float64), arrays["sigma"].astype(np.float64))
    width = protocol.dimensions
    features = [array for array in arrays.values() if array.ndim == 2 and width in (None, array.shape[1])]
    if len(features) != 1:
        raise FFLError(
            f"{path} contains {', '.join(sorted(arrays)) or 'nothing'}, not mu and sigma or one array of "
            f"features (N, {width or 'd'})"
        )
    if len(features[0]) < 2:
        raise FFLError(
            f"{path} cannot be used: a covariance needs at least 2 features, not {len(features[0])}"
        )
    names = tuple(f"row {index}" for index in range(len(features[0])))
    return Features(names, protocol, None, (features[0].astype(np.float32),))


def _stored_statistics(path: Path, mean: npt.NDArray[Any], covariance: npt.NDArray[Any]) -> Statistics:
    if covariance.shape != (*mean.shape, *mean.shape) or mean.ndim != 1:
        raise FFLError(
            f"{path} cannot be used: mu and sigma must have shapes (d,) and (d, d), not {mean.shape} "
            f"and {covariance.shape}"
        )
    if (np.diag(covariance) < 0).any():
        raise FFLError(
            f"{path} contains a sigma with negative variances, which is not a covariance; compute it again"
        )
    return Statistics(mean, covariance)


def _count(side: FeatureSet) -> Optional[int]:
    """Return the number of images; None if a file does not contain it."""
    return side.count if isinstance(side, Statistics) else len(side)
