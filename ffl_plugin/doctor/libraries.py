"""The libraries that upstreams and measurements need, and the Inception weights."""

from __future__ import annotations

import subprocess
import sys
from importlib import metadata
from pathlib import Path

from ffl_plugin.doctor.finding import Finding
from ffl_plugin.errors import FFLError


def examine_libraries() -> list[Finding]:
    """Look at numpy, scipy, torchvision and the weights that FID needs."""
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
    """Import it in a process of its own, since a failing import leaves half a torchvision behind."""
    try:
        version = metadata.version("torchvision")
    except metadata.PackageNotFoundError:
        return Finding(
            "torchvision", "not installed", "pix2pix needs it: install the one that belongs to this torch."
        )
    result = subprocess.run(
        [sys.executable, "-c", "import torchvision"],
        capture_output=True,
        text=True,
        cwd=Path(sys.executable).parent,
    )
    if result.returncode == 0:
        return Finding("torchvision", version)
    reason = (result.stderr.strip().splitlines() or ["no reason given"])[-1]
    mend = "Install the one built for this torch, from torch's own index; ffl-plugin's metrics do without."
    return Finding("torchvision", f"{version}, does not import: {reason}", mend)


def _inception() -> Finding:
    from ffl_plugin.metrics.weights import INCEPTION, WeightsMissing, find_weights

    name = "Inception weights"
    mend = f"FID fetches {INCEPTION.url}; without network, get it elsewhere and set FFL_INCEPTION."
    try:
        weights = find_weights(may_download=False)
    except WeightsMissing:
        return Finding(name, "not downloaded", mend)
    except FFLError as error:
        return Finding(name, str(error), mend)
    if not weights.published:
        return Finding(
            name, f"{weights.path}, not the released file", f"For comparable FID get {INCEPTION.url} anew."
        )
    return Finding(name, str(weights.path))
