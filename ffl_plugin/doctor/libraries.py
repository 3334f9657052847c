"""Checks the libraries that upstreams and metrics need, and the Inception weights."""

from __future__ import annotations

import subprocess
import sys
from importlib import metadata
from pathlib import Path

from ffl_plugin.doctor import Finding
from ffl_plugin.errors import FFLError
from ffl_plugin.processes import last_line


def examine_libraries() -> list[Finding]:
    """Check numpy, scipy, torchvision and the weights for FID."""
    return [
        _installed("numpy", "pip install numpy"),
        _installed("scipy", "pip install 'ffl-plugin[metrics]'"),
        _torchvision(),
        _inception(),
    ]


def _installed(name: str, command: str) -> Finding:
    try:
        return Finding(name, metadata.version(name))
    except metadata.PackageNotFoundError:
        return Finding(name, "not installed", f"Install it: {command}")


def _torchvision() -> Finding:
    """Import torchvision in a subprocess, since a failed import leaves it half loaded."""
    try:
        version = metadata.version("torchvision")
    except metadata.PackageNotFoundError:
        return Finding(
            "torchvision", "not installed", "pix2pix needs it: install the version for this torch."
        )
    result = subprocess.run(
        [sys.executable, "-c", "import torchvision"],
        capture_output=True,
        text=True,
        cwd=Path(sys.executable).parent,
    )
    if result.returncode == 0:
        return Finding("torchvision", version)
    fix = "Install the build for this torch, from torch's own index; ffl-plugin's metrics do not need it."
    return Finding("torchvision", f"{version}, does not import: {last_line(result.stderr)}", fix)


def _inception() -> Finding:
    from ffl_plugin.metrics.weights import INCEPTION, WeightsMissing, find_weights

    name = "Inception weights"
    fix = f"FID downloads {INCEPTION.url}; without a network, copy it here and set FFL_INCEPTION."
    try:
        weights = find_weights(may_download=False)
    except WeightsMissing:
        return Finding(name, "not downloaded", fix)
    except FFLError as error:
        return Finding(name, str(error), fix)
    if not weights.published:
        return Finding(
            name, f"{weights.path}, not the released file", f"For comparable FID, download {INCEPTION.url}."
        )
    return Finding(name, str(weights.path))
