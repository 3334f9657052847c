"""The software environment of a comparison, for reproduction."""

from __future__ import annotations

import os
import platform
from importlib import metadata

PACKAGES = (
    "ffl-plugin", "torch", "torchvision", "numpy", "scipy", "pillow", "scikit-image", "torch-fidelity",
    "lpips",
)  # fmt: skip


def describe_environment() -> dict[str, str]:
    """Return the versions of Python and of the packages that affect the numbers, or "not installed"."""
    environment = {
        "Python": platform.python_version(),
        "System": f"{platform.system()} {platform.machine()}, {os.cpu_count()} CPUs",
    }
    for name in PACKAGES:
        try:
            environment[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            environment[name] = "not installed"
    return environment
