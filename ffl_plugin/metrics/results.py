"""What a user points at: plain images, or the result folder of a repository that keeps fakes beside reals."""

from __future__ import annotations

import os
import zipfile
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Optional, Union

from ffl_plugin.errors import FFLError
from ffl_plugin.metrics.sources import FolderSource, ImageSource, open_folder, open_zip

PathLike = Union[str, "os.PathLike[str]"]

# Suffixes that junyanz/pytorch-CycleGAN-and-pix2pix's test.py writes, in order of preference.
_SUFFIXES = {"fake": ("_fake_B", "_fake_A"), "real": ("_real_B", "_real_A")}
# NVlabs/SPADE's test.py writes one folder per picture kind.
_SPADE_FAKE = "synthesized_image"


@dataclass(frozen=True)
class ImagePairs:
    """Fakes and the reals they answer, in the same order; ``names`` are what the two share."""

    names: tuple[str, ...]
    fake: ImageSource
    real: ImageSource

    def __len__(self) -> int:
        """Return the number of pairs."""
        return len(self.names)


def open_images(path: PathLike, *, role: Optional[str] = None) -> ImageSource:
    """Open a folder (with what is below it), a zip archive, or one side of a result folder.

    ``role`` ("real" or "fake") picks the side of a result folder of pix2pix or CycleGAN (``*_fake_B.png``
    beside ``*_real_B.png``: the folder, its ``images``, or the ``results/NAME`` above) and of SPADE
    (``synthesized_image``); plain folders and archives need none.

    Raises ``FFLError``, one sentence naming the path, for what is absent, empty, or not images.
    """
    given = Path(path)
    if given.is_file():
        if zipfile.is_zipfile(given) or given.suffix.lower() == ".zip":
            return open_zip(given)
        raise FFLError(f"{given} is a file, not a set of images; give a folder or a zip archive")
    if not given.is_dir():
        raise FFLError(f"{given} does not exist; give a folder or a zip archive of images")
    folder = _result_images(given)
    if folder is None:
        _refuse_training_run(given)
        return open_folder(given)
    if (folder / _SPADE_FAKE).is_dir():
        if role == "real":
            raise FFLError(
                f"{given} is a SPADE result folder, which holds no real photographs; give their own folder"
            )
        return open_folder(folder / _SPADE_FAKE)
    if role is None:
        raise FFLError(
            f"{given} is a result folder, which holds fakes and reals; say which of the two is wanted"
        )
    return _side(folder, role)


def open_pairs(fake: PathLike, real: Optional[PathLike] = None) -> ImagePairs:
    """Open fakes with the reals they answer.

    With ``real=None`` both come from one result folder: ``NAME_fake_B.png`` with ``NAME_real_B.png``; for
    CycleGAN, whose fakes have no counterpart, ``NAME_rec_A.png`` with ``NAME_real_A.png`` and likewise B.
    With both given, images are matched by name without extension; reals that no fake answers are left out.

    Raises ``FFLError`` naming the first image without a partner.
    """
    folder = _result_images(Path(fake))
    if real is None:
        if folder is None or (folder / _SPADE_FAKE).is_dir():
            raise FFLError(
                f"{fake} holds no pairs of *_fake_B.png with *_real_B.png; "
                "give the folder of the real images too"
            )
        return _result_pairs(folder)
    fakes = open_images(fake, role="fake")
    reals = open_images(real, role="real")
    return _match(fakes, _keys(fakes), reals, _keys(reals))


def is_result_folder(path: PathLike) -> bool:
    """Tell whether a path is a result folder of pix2pix, CycleGAN or SPADE."""
    return _result_images(Path(path)) is not None


def _result_images(path: Path) -> Optional[Path]:
    """Find the folder of a result folder's pictures: itself, its ``images``, or the latest test below it."""
    candidates = [path, path / "images", path / "test_latest" / "images"]
    if path.is_dir():
        candidates += sorted(path.glob("test_*/images"))
    for candidate in candidates:
        if (candidate / _SPADE_FAKE).is_dir():
            return candidate
        if candidate.is_dir() and any(
            entry.stem.endswith(_SUFFIXES["fake"]) for entry in candidate.iterdir()
        ):
            return candidate
    return None


def _side(folder: Path, role: str) -> FolderSource:
    everything = open_folder(folder)
    for suffix in _SUFFIXES[role]:
        names = [name for name in everything.names if PurePosixPath(name).stem.endswith(suffix)]
        if names:
            return FolderSource(folder, names)
    raise FFLError(f"{folder} holds no *{_SUFFIXES[role][0]}.png; give the folder of the {role} images")


def _result_pairs(folder: Path) -> ImagePairs:
    everything = open_folder(folder)
    cyclegan = any(PurePosixPath(name).stem.endswith(("_rec_A", "_rec_B")) for name in everything.names)
    kinds = {"_rec_A": "_real_A", "_rec_B": "_real_B"} if cyclegan else {"_fake_B": "_real_B"}
    sides: tuple[dict[str, str], dict[str, str]] = ({}, {})
    for name in everything.names:
        stem = str(PurePosixPath(name).with_suffix(""))
        for fake_suffix, real_suffix in kinds.items():
            # A key tells the two domains of CycleGAN apart: they may share their names.
            for side, suffix in zip(sides, (fake_suffix, real_suffix)):
                if stem.endswith(suffix):
                    side[stem[: -len(suffix)] + (suffix[-2:] if cyclegan else "")] = name
    fakes, reals = (FolderSource(folder, side.values()) for side in sides)
    return _match(fakes, tuple(sides[0]), reals, tuple(sides[1]))


def _keys(source: ImageSource) -> tuple[str, ...]:
    """Name each image without extension and without the suffix of its side."""
    keys = []
    for name in source.names:
        stem = str(PurePosixPath(name).with_suffix(""))
        for suffix in (*_SUFFIXES["fake"], *_SUFFIXES["real"]):
            if stem.endswith(suffix):
                stem = stem[: -len(suffix)]
        keys.append(stem)
    return tuple(keys)


def _match(
    fakes: ImageSource, fake_keys: tuple[str, ...], reals: ImageSource, real_keys: tuple[str, ...]
) -> ImagePairs:
    for keys, source in ((fake_keys, fakes), (real_keys, reals)):
        if len(set(keys)) < len(keys):
            twice = next(key for key in keys if keys.count(key) > 1)
            raise FFLError(f"{source.path} holds several images named {twice}; keep one of them")
    position = {key: index for index, key in enumerate(real_keys)}
    for index, key in enumerate(fake_keys):
        if key not in position:
            raise FFLError(
                f"{fakes.describe(index)} has no partner of the same name in {reals.path}; "
                "every fake needs the real image that it answers"
            )
    return ImagePairs(fake_keys, fakes, reals.subset([position[key] for key in fake_keys]))


def _refuse_training_run(folder: Path) -> None:
    if (folder / "training_options.json").is_file() and any(folder.glob("network-snapshot-*.pkl")):
        raise FFLError(
            f"{folder} is a StyleGAN training run, whose pictures are grids; "
            "give images sampled from one of its network-snapshot-*.pkl"
        )
