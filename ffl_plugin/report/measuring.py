"""How to measure: the choices that every kind of comparison is given."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Optional, Union

if TYPE_CHECKING:
    from ffl_plugin.metrics.progress import Progress

SAMPLES = 50_000  # images of a network: what the field measures FID on


@dataclass(frozen=True)
class Measuring:
    """The choices of one comparison; the attributes are explained at ``compare``."""

    pairs: Optional[bool] = None
    inception: Optional[Union[str, os.PathLike[str]]] = None
    lpips: Optional[Union[str, os.PathLike[str]]] = None
    download: bool = True
    protocol: str = "pytorch-fid"
    metrics: Sequence[str] = ("fid",)
    clone: Optional[Union[str, os.PathLike[str]]] = None
    samples: int = SAMPLES
    classes: Optional[int] = None
    ignored: int = 255
    resize: Optional[str] = None
    paired_seeds: bool = False
    progress: Optional[Progress] = None
