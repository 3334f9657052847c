"""Networks that the paper measures and compares with, whose weights torchvision publishes.

Nothing is downloaded here: a file is used where torch's cache has it, and else a sentence says how to get it.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path
from typing import Optional

import torch


@dataclass(frozen=True)
class TorchvisionWeights:
    """A file of torchvision's; the end of its name is the beginning of its SHA-256."""

    file: str

    @property
    def url(self) -> str:
        """Where torchvision publishes it."""
        return f"https://download.pytorch.org/models/{self.file}"

    @property
    def path(self) -> Path:
        """Where torch keeps it; it need not be there."""
        return Path(torch.hub.get_dir()) / "checkpoints" / self.file

    def missing(self, what: str) -> Optional[str]:
        """Say in one sentence why ``what`` cannot be had, or None if it can."""
        if not self.path.is_file():
            return f"{what} was left out: it needs {self.file}; save {self.url} as {self.path}."
        if not _sha256(self.path).startswith(self.path.stem.rpartition("-")[2]):
            return f"{what} was left out: {self.path} is damaged; download {self.url} again."
        return None


VGG16 = TorchvisionWeights("vgg16-397923af.pth")
VGG19 = TorchvisionWeights("vgg19-dcbb9e9d.pth")


def _sha256(path: Path) -> str:
    digest = hashlib.sha256()
    with path.open("rb") as file:
        for block in iter(lambda: file.read(1 << 20), b""):
            digest.update(block)
    return digest.hexdigest()
