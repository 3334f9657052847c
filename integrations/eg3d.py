"""FFL for EG3D: flags for ``train.py``, and the term for its loss, on full-resolution images."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Optional

from torch import Tensor

from ffl_plugin.integrations import _stylegan
from ffl_plugin.integrations._stylegan import configure, options

__all__ = ["GeneratorTerm", "configure", "options"]


class GeneratorTerm(_stylegan.GeneratorTerm):
    """The term of one ``StyleGAN2Loss``, between the ``image`` of two dicts of images."""

    def __call__(self, fake: Any, real: Any) -> Optional[Tensor]:
        """Weighted loss, a scalar, of the ``image`` (N, C, H, W) in [-1, 1] of two dicts; None when off.

        When off, nothing is read: a fork may then train on other images.
        """
        return super().__call__(_full_size(fake), _full_size(real))


def _full_size(images: Any) -> Any:
    return images.get("image", images) if isinstance(images, Mapping) else images
