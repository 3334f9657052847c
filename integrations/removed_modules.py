"""Importing this provides what newer Pythons and setuptools took away, each only where it is missing.

``distutils.util.strtobool`` left with Python 3.12, ``pkg_resources.parse_version`` with setuptools 82.
NVIDIA's repositories need no more of either module.
"""

from __future__ import annotations

import importlib.util
import sys
import types

from torch.torch_version import TorchVersion

_TRUE = frozenset({"y", "yes", "t", "true", "on", "1"})
_FALSE = frozenset({"n", "no", "f", "false", "off", "0"})


def strtobool(value: str) -> int:
    """Return 1 for a word that means yes, 0 for one that means no.

    Raises:
        ValueError: it means neither.
    """
    word = value.lower()
    if word in _TRUE:
        return 1
    if word in _FALSE:
        return 0
    raise ValueError(f"invalid truth value {value!r}")


def provide() -> None:
    """Put a small module in the place of each one that cannot be found."""
    if _missing("distutils"):
        distutils, util = types.ModuleType("distutils"), types.ModuleType("distutils.util")
        distutils.util = util  # type: ignore[attr-defined]
        util.strtobool = strtobool  # type: ignore[attr-defined]
        sys.modules.update({"distutils": distutils, "distutils.util": util})
    if _missing("pkg_resources"):
        pkg_resources = types.ModuleType("pkg_resources")
        pkg_resources.parse_version = TorchVersion  # type: ignore[attr-defined]
        sys.modules["pkg_resources"] = pkg_resources


def _missing(name: str) -> bool:
    return name not in sys.modules and importlib.util.find_spec(name) is None


provide()
