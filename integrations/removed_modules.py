"""On import, provide modules removed from newer Pythons and setuptools, each only if it is missing.

``distutils.util.strtobool`` was removed in Python 3.12, ``pkg_resources.parse_version`` in setuptools 82.
NVIDIA's repositories use nothing else of these modules.
"""

from __future__ import annotations

import importlib.util
import sys
import types

from torch.torch_version import TorchVersion

_TRUE = frozenset({"y", "yes", "t", "true", "on", "1"})
_FALSE = frozenset({"n", "no", "f", "false", "off", "0"})


def strtobool(value: str) -> int:
    """Return 1 for a truthy word, 0 for a falsy one.

    Raises:
        ValueError: it is neither.
    """
    word = value.lower()
    if word in _TRUE:
        return 1
    if word in _FALSE:
        return 0
    raise ValueError(f"invalid truth value {value!r}")


def provide() -> None:
    """Install a minimal replacement for each missing module."""
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
