"""Settings of a comparison, passed to every kind of comparison."""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Optional, Union

from ffl_plugin.metrics.feature_choice import FeatureChoice, choose_features

if TYPE_CHECKING:
    from ffl_plugin.metrics.progress import Progress

SAMPLES = 50_000  # images per network, the usual number for FID


@dataclass(frozen=True)
class Measuring:
    """Settings of one comparison; see the arguments of ``compare``."""

    pairs: Optional[bool] = None
    features: FeatureChoice = field(default_factory=choose_features)
    lpips: Optional[Union[str, os.PathLike[str]]] = None
    download: bool = True
    clone: Optional[Union[str, os.PathLike[str]]] = None
    samples: int = SAMPLES
    classes: Optional[int] = None
    ignored: int = 255
    resize: Optional[str] = None
    paired_seeds: bool = False
    progress: Optional[Progress] = None
