"""The libraries that upstreams and measurements need, and the Inception weights."""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
from importlib import metadata
from pathlib import Path

from ffl_plugin.doctor.finding import Finding


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
    from ffl_plugin.cache import cache_folder
    from ffl_plugin.metrics.weights import INCEPTION

    name = "Inception weights"
    given = os.environ.get("FFL_INCEPTION")
    path = Path(given) if given else cache_folder() / INCEPTION.name
    if not path.is_file():
        found = f"{path} does not exist" if given else "not downloaded"
        return Finding(
            name,
            found,
            f"FID fetches {INCEPTION.url}; without network, get it elsewhere and set FFL_INCEPTION.",
        )
    if path.stat().st_size != INCEPTION.size or _sha256(path) != INCEPTION.sha256:
        return Finding(
            name, f"{path}, not the released file", f"For comparable FID get {INCEPTION.url} anew."
        )
    return Finding(name, str(path))


def _sha256(path: Path) -> str:
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while piece := file.read(2**20):
            digest.update(piece)
    return digest.hexdigest()
