"""Weights of published networks: located or downloaded, verified, and loaded without running code."""

from __future__ import annotations

import hashlib
import os
import warnings
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Callable, Optional

import requests
import torch
from torch import nn

from ffl_plugin.cache import cache_folder
from ffl_plugin.errors import FFLError
from ffl_plugin.metrics.progress import Progress

_ATTEMPTS = 4
_TIMEOUT = (10.0, 60.0)  # seconds to connect, and between two chunks
_PIECE = 2**16  # bytes; a broken connection loses at most one chunk


# What building a network from the tensors of another raises.
UNFIT = (KeyError, ValueError, IndexError, RuntimeError, AssertionError, ZeroDivisionError)


class WeightsMissing(FFLError):
    """The weights are neither available nor downloadable; the message explains how to get them."""


@dataclass(frozen=True)
class Release:
    """A published file: its address, hash, and ways to pass a copy.

    Attributes:
        network: name of the network in messages.
        url: address of the file.
        sha256: SHA-256 of the file, or the prefix that the publisher puts into its name.
        variable: environment variable with the path of a copy.
        option: command-line option with the path of a copy, if the command has one.
    """

    network: str
    url: str
    sha256: str
    variable: str
    option: Optional[str] = None

    @property
    def name(self) -> str:
        """The file name, from the address."""
        return self.url.rpartition("/")[2]

    @property
    def how_to(self) -> str:
        """Instructions if the download fails."""
        option = f", or with {self.option} PATH of compare, fid and sweep" if self.option else ""
        return (
            f"download {self.url} elsewhere and name it in the environment variable {self.variable}{option}"
        )


# TensorFlow's inception-2015-12-05 in PyTorch: pytorch-fid's file, identical to torch-fidelity's.
INCEPTION = Release(
    network="Inception",
    url="https://github.com/mseitzer/pytorch-fid/releases/download/fid_weights/"
    "pt_inception-2015-12-05-6726825d.pth",
    sha256="6726825d0af5f729cebd5821db510b11b1cfad8faad88a03f1befd49fb9129b2",
    variable="FFL_INCEPTION",
    option="--inception",
)
# The trunk of LPIPS; its linear layers come with the lpips package.
ALEXNET = Release(
    network="AlexNet",
    url="https://download.pytorch.org/models/alexnet-owt-7be5be79.pth",
    sha256="7be5be79",
    variable="FFL_LPIPS",
    option="--lpips",
)
# The same file for distances on its features.
ALEXNET_FEATURES = replace(ALEXNET, option="--feature-weights")
# The network of FD-DINOv2: ViT-L/14, without registers.
DINOV2 = Release(
    network="DINOv2",
    url="https://dl.fbaipublicfiles.com/dinov2/dinov2_vitl14/dinov2_vitl14_pretrain.pth",
    sha256="d5383ea8f4877b2472eb973e0fd72d557c7da5d3611bd527ceeb1d7162cbf428",
    variable="FFL_DINOV2",
    option="--feature-weights",
)
# The network of CMMD: ViT-L/14 for 336×336 pixels, by OpenAI.
CLIP = Release(
    network="CLIP",
    url="https://openaipublic.azureedge.net/clip/models/"
    "3035c92b350959924f9f00213499208652fc7ea050643e8b385c2dac08641f02/ViT-L-14-336px.pt",
    sha256="3035c92b350959924f9f00213499208652fc7ea050643e8b385c2dac08641f02",
    variable="FFL_CLIP",
    option="--feature-weights",
)


@dataclass(frozen=True)
class Weights:
    """A weights file with its hash; ``published`` is True for the released file."""

    path: Path
    sha256: str
    published: bool


def find_weights(
    path: Optional[Path] = None,
    *,
    release: Release = INCEPTION,
    may_download: bool = True,
    progress: Optional[Progress] = None,
) -> Weights:
    """Find the weights: ``path``, else the environment variable, else earlier downloads, else a download.

    Earlier downloads are those of this package, and those of pytorch-fid, lpips and torchvision in torch's
    folder; they must have the released SHA-256. A file passed by the user is accepted with any hash, and
    ``published`` is set accordingly.

    Raises ``WeightsMissing`` if they are not available, and ``FFLError`` for an unreadable file of the user.
    """
    named = os.environ.get(release.variable)
    chosen = path or (Path(named) if named else None)
    if chosen is not None:
        if not chosen.is_file():
            problem = "is not a file" if chosen.exists() else "does not exist"
            raise FFLError(f"{chosen} {problem}; pass the file {release.name}, from {release.url}")
        digest = _sha256(chosen)
        return Weights(chosen, digest, digest.startswith(release.sha256))
    own = cache_folder() / release.name
    for file in (own, Path(torch.hub.get_dir()) / "checkpoints" / release.name):
        if file.is_file() and (digest := _sha256(file)).startswith(release.sha256):
            return Weights(file, digest, True)
    if not may_download:
        raise WeightsMissing(f"the {release.network} weights are not available; {release.how_to}")
    return Weights(own, download(release, own, progress=progress), True)


def download(release: Release, target: Path, *, progress: Optional[Progress] = None) -> str:
    """Download a release to ``target``, resuming an earlier attempt, and return its SHA-256.

    Raises ``WeightsMissing`` if the server cannot be reached or the file is not the released one. A partial
    file is kept after a broken connection, and deleted if its hash is wrong.
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
        digest = _sha256(part)
        if not digest.startswith(release.sha256):
            size = part.stat().st_size
            part.unlink()
            raise WeightsMissing(
                f"{release.url} returned {size:,} bytes with SHA-256 {digest[:8]}, not the released "
                f"{release.sha256[:8]}; {release.how_to}"
            )
        part.replace(target)
    except requests.RequestException as error:
        reason = error.response.reason if error.response is not None else type(error).__name__
        raise WeightsMissing(
            f"the {release.network} weights cannot be downloaded ({reason}); {release.how_to}"
        ) from None
    except OSError as error:
        raise FFLError(
            f"{target} cannot be written ({error.strerror or error}); free disk space there, "
            "or set FFL_CACHE to another folder"
        ) from None
    return digest


def load_state(weights: Weights, release: Release = INCEPTION) -> dict[str, torch.Tensor]:
    """Read tensors by name from a file that contains only tensors and plain data.

    Raises ``FFLError`` for a file that is truncated, is not a weights file, or would run code.
    """
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", UserWarning)  # about a pickle that torch then refuses
            state = torch.load(weights.path, map_location="cpu", weights_only=True)
    except Exception:  # the bytes of another file may do anything to torch's unpickler
        raise FFLError(
            f"{weights.path} is not a complete file of PyTorch weights (truncated, TorchScript, or more than "
            f"tensors); {release.how_to}"
        ) from None
    if not isinstance(state, dict) or not all(isinstance(value, torch.Tensor) for value in state.values()):
        raise FFLError(f"{weights.path} contains no named tensors; {release.how_to}")
    return state


def load_torchvision(
    network: nn.Module, weights: Weights, release: Release, rename: Callable[[str], str] = str
) -> None:
    """Load a part of a torchvision network; ``rename`` maps the names of its tensors to those of the file.

    Raises ``FFLError`` if a tensor is missing or has another shape.
    """
    state = load_state(weights, release)
    try:
        network.load_state_dict({name: state[rename(name)] for name in network.state_dict()})
    except (KeyError, RuntimeError):
        raise FFLError(
            f"{weights.path} is not torchvision's {release.network}; use {release.name}, from {release.url}"
        ) from None


def _fetch(release: Release, part: Path, progress: Optional[Progress]) -> None:
    """Append the missing bytes to the partial file."""
    have = part.stat().st_size if part.is_file() else 0
    headers = {"Range": f"bytes={have}-"} if have else {}
    with requests.get(release.url, headers=headers, stream=True, timeout=_TIMEOUT) as response:
        if have and response.status_code == requests.codes.requested_range_not_satisfiable:
            return  # complete; the hash is checked afterwards
        response.raise_for_status()
        # A server that ignores Range responds with 200 and the whole file.
        resumed = response.status_code == requests.codes.partial_content
        done = have if resumed else 0
        total = done + int(response.headers.get("Content-Length", 0))
        with part.open("ab" if resumed else "wb") as file:
            for piece in response.iter_content(_PIECE):
                file.write(piece)
                done += len(piece)
                if progress is not None:
                    progress(done, max(done, total), f"{release.network} weights")


def _sha256(path: Path) -> str:
    digest = hashlib.sha256()
    try:
        with path.open("rb") as file:
            while piece := file.read(_PIECE):
                digest.update(piece)
    except OSError as error:
        raise FFLError(f"{path} cannot be read: {error.strerror or error}") from None
    return digest.hexdigest()
