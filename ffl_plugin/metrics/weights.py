"""The weights of the FID Inception network: given or downloaded, verified, loaded without running code."""

from __future__ import annotations

import hashlib
import os
import pickle
from dataclasses import dataclass
from pathlib import Path
from typing import Optional

import requests
import torch

from ffl_plugin.cache import cache_folder
from ffl_plugin.errors import FFLError
from ffl_plugin.metrics.progress import Progress

_ATTEMPTS = 4
_TIMEOUT = (10.0, 60.0)  # seconds to connect, and between two pieces
_PIECE = 2**16  # bytes; of a broken connection, the piece that was under way is lost


class WeightsMissing(FFLError):
    """The weights are not here and cannot be downloaded; the sentence says how to get them."""


@dataclass(frozen=True)
class Release:
    """A published file: where it is, and what it must be."""

    url: str
    size: int
    sha256: str

    @property
    def name(self) -> str:
        """File name, the last part of the address."""
        return self.url.rpartition("/")[2]


# TensorFlow's inception-2015-12-05 in PyTorch: pytorch-fid's file, and torch-fidelity's is the same.
INCEPTION = Release(
    url="https://github.com/mseitzer/pytorch-fid/releases/download/fid_weights/"
    "pt_inception-2015-12-05-6726825d.pth",
    size=95_628_359,
    sha256="6726825d0af5f729cebd5821db510b11b1cfad8faad88a03f1befd49fb9129b2",
)


@dataclass(frozen=True)
class Weights:
    """A weights file and the hash of its bytes; ``published`` tells whether it is the field's own file."""

    path: Path
    sha256: str
    published: bool


def find_weights(
    path: Optional[Path] = None, *, release: Release = INCEPTION, progress: Optional[Progress] = None
) -> Weights:
    """Find the weights: ``path``, else ``$FFL_INCEPTION``, else the cached download, else download them.

    A file that the user names is taken as it is, with ``published`` telling whether it is the released one; a
    download must have the released size and SHA-256.

    Raises ``WeightsMissing`` when they cannot be had and ``FFLError`` for a named file that cannot be read.
    """
    chosen = path or (Path(os.environ["FFL_INCEPTION"]) if os.environ.get("FFL_INCEPTION") else None)
    if chosen is not None:
        if not chosen.is_file():
            raise FFLError(f"{chosen} does not exist; give the file {release.name}, from {release.url}")
        digest = _sha256(chosen)
        return Weights(chosen, digest, digest == release.sha256)
    cached = cache_folder() / release.name
    if not (cached.is_file() and cached.stat().st_size == release.size and _sha256(cached) == release.sha256):
        download(release, cached, progress=progress)
    return Weights(cached, release.sha256, True)


def download(release: Release, target: Path, *, progress: Optional[Progress] = None) -> None:
    """Download a release to ``target``, going on where an earlier attempt stopped, and verify it.

    Raises ``WeightsMissing`` when the server cannot be reached and when the bytes are not the released ones.
    The partial file of a broken connection is kept, that of a wrong hash is not.
    """
    part = target.with_name(f"{target.name}.part")
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        for attempt in range(_ATTEMPTS):
            try:
                _fetch(release, part, progress)
                break
            except (requests.ConnectionError, requests.Timeout, requests.exceptions.ChunkedEncodingError):
                if attempt == _ATTEMPTS - 1:
                    raise
        size, digest = part.stat().st_size, _sha256(part)
        if (size, digest) != (release.size, release.sha256):
            part.unlink()
            raise WeightsMissing(
                f"{release.url} gave {size:,} bytes with SHA-256 {digest[:8]}, not the released "
                f"{release.size:,} with {release.sha256[:8]}; {_how_to(release)}"
            )
        part.replace(target)
    except requests.RequestException as error:
        reason = error.response.reason if error.response is not None else type(error).__name__
        raise WeightsMissing(
            f"the Inception weights cannot be downloaded ({reason}); {_how_to(release)}"
        ) from None
    except OSError as error:
        raise FFLError(
            f"{target} cannot be written ({error.strerror or error}); make room there, "
            "or set FFL_CACHE to another folder"
        ) from None


def load_state(weights: Weights) -> dict[str, torch.Tensor]:
    """Read the tensors by name, refusing anything in the file that is not a tensor or plain data.

    Raises ``FFLError`` for a file that is truncated, is no weights file, or would run code.
    """
    try:
        state = torch.load(weights.path, map_location="cpu", weights_only=True)
    except (pickle.UnpicklingError, RuntimeError, EOFError, OSError, ValueError, KeyError, AttributeError):
        raise FFLError(
            f"{weights.path} is not a complete file of PyTorch weights (truncated, TorchScript, or more than "
            f"tensors); {_how_to(INCEPTION)}"
        ) from None
    if not isinstance(state, dict) or not all(isinstance(value, torch.Tensor) for value in state.values()):
        raise FFLError(f"{weights.path} holds no tensors by name; {_how_to(INCEPTION)}")
    return state


def _how_to(release: Release) -> str:
    return (
        f"download {release.url} elsewhere and give it with --inception PATH or the environment variable "
        "FFL_INCEPTION"
    )


def _fetch(release: Release, part: Path, progress: Optional[Progress]) -> None:
    """Append what is missing to the partial file."""
    have = part.stat().st_size if part.is_file() else 0
    if have == release.size:
        return
    headers = {"Range": f"bytes={have}-"} if 0 < have < release.size else {}
    with requests.get(release.url, headers=headers, stream=True, timeout=_TIMEOUT) as response:
        response.raise_for_status()
        # A server that ignores Range answers 200 with the whole file.
        resumed = response.status_code == requests.codes.partial_content
        done = have if resumed else 0
        with part.open("ab" if resumed else "wb") as file:
            for piece in response.iter_content(_PIECE):
                file.write(piece)
                done += len(piece)
                if progress is not None:
                    progress(done, release.size, "Inception weights")


def _sha256(path: Path) -> str:
    digest = hashlib.sha256()
    try:
        with path.open("rb") as file:
            while piece := file.read(_PIECE):
                digest.update(piece)
    except OSError as error:
        raise FFLError(f"{path} cannot be read: {error.strerror or error}") from None
    return digest.hexdigest()
