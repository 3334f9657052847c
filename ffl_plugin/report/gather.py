"""What the user pointed at: sets of images, or runs of which only logs are read; how images pair up."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Callable, Optional, Union

from ffl_plugin.errors import FFLError
from ffl_plugin.report.model import Training
from ffl_plugin.report.training_logs import TrainingLog, find_training_folder, read_training_log
from ffl_plugin.report.training_options import read_training_options

if TYPE_CHECKING:
    from ffl_plugin.metrics import ImagePairs, ImageSource
    from ffl_plugin.metrics.progress import Progress

NETWORK = ".pkl"
FEATURES = ".npz"

PathLike = Union[str, "os.PathLike[str]"]


@dataclass(frozen=True)
class Opened:
    """One training of one side, opened: its images if it has any, its logs if they were found.

    Attributes:
        path: as given.
        source: its images; None for a run folder, whose pictures are grids and snapshots, and for a file of
            features.
        logs: where its logs were read; None where there are none.
        log: what they hold.
    """

    path: Path
    source: Optional[ImageSource]
    logs: Optional[Path]
    log: TrainingLog

    @property
    def holds_features(self) -> bool:
        """Whether it is a file of features, without images."""
        return self.path.suffix.lower() == FEATURES

    def describe(self, progress: Optional[Progress] = None) -> Training:
        """Sum it up for the report; reads every image once for the digest."""
        return Training(
            path=str(self.path),
            images=len(self.source) if self.source is not None else 0,
            digest=self._digest(progress),
            logs=str(self.logs) if self.logs is not None else None,
            options=read_training_options(self.logs) if self.logs is not None else {},
            curves=self.log.curves,
        )

    def _digest(self, progress: Optional[Progress]) -> Optional[str]:
        if self.source is not None:
            return digest(self.source, progress)
        return hashlib.sha256(self.path.read_bytes()).hexdigest() if self.holds_features else None


def open_training(
    path: PathLike, role: str, sample: Optional[Callable[[Path], ImageSource]] = None
) -> Opened:
    """Open images (folder, zip, result folder), a file of features, a run folder, or a network to ``sample``.

    Raises:
        FFLError: there is nothing there that can be compared.
    """
    from ffl_plugin.metrics import open_images

    given = Path(path)
    if given.suffix.lower() == FEATURES:
        return Opened(given, None, None, TrainingLog())
    if given.suffix == NETWORK:
        if sample is None:
            raise FFLError(f"{given} is a network; give the clone that samples it with --clone")
        logs = find_training_folder(given.parent)
        return Opened(given, sample(given), logs, TrainingLog() if logs is None else read_training_log(logs))
    logs = find_training_folder(given)
    log = read_training_log(logs) if logs is not None else TrainingLog()
    if not is_run(given):
        return Opened(given, open_images(given, role=role), logs, log)
    if not log.curves:
        raise FFLError(
            f"{given} is a training run without a readable metric-*.jsonl, stats.jsonl or loss_log.txt; "
            "give a run that has measured something, or a folder of images it made"
        )
    return Opened(given, None, logs, log)


def open_real(real: Optional[PathLike], before: Sequence[Opened], after: Sequence[Opened]) -> Opened:
    """Open the real images: those given, else those that the result folder of the first training holds.

    Raises:
        FFLError: none were given and none are held.
    """
    from ffl_plugin.metrics import is_result_folder, open_images

    if real is None:
        for opened in (*before, *after):
            if not is_result_folder(opened.path):
                raise FFLError(f"{opened.path} holds no real images; give them with --real")
    path = before[0].path if real is None else Path(real)
    source = None if path.suffix.lower() == FEATURES else open_images(path, role="real")
    return Opened(path, source, None, TrainingLog())


def check_distinct(paths: Sequence[PathLike]) -> None:
    """Refuse a path given twice: two names of one training would pass for two trainings that agree.

    Raises:
        FFLError: a path is empty, or the same place as another.
    """
    places: dict[str, PathLike] = {}
    for path in paths:
        if not os.fspath(path):
            raise FFLError("a path is empty; give the folder or zip of each training")
        place = os.path.realpath(path)
        if place in places:
            same = "" if os.fspath(places[place]) == os.fspath(path) else f" (as {places[place]} too)"
            raise FFLError(f"{path} is given twice{same}; give every training once, on one side")
        places[place] = path


def images_of(opened: Opened) -> ImageSource:
    """The images of a training that has some."""
    if opened.source is None:
        raise FFLError(
            f"{opened.path} is a training run, of which only logs are read; give a folder of images"
        )
    return opened.source


def is_run(path: Path) -> bool:
    """Whether a folder is a training's own: it holds logs, options or snapshots; its pictures are no set."""
    if not path.is_dir():
        return False
    if find_training_folder(path) == path or (path / "training_options.json").is_file():
        return True
    return next(path.glob("network-snapshot-*.pkl"), None) is not None


def check_alike(before: Sequence[Opened], after: Sequence[Opened]) -> None:
    """Refuse to set images against logs.

    Raises:
        FFLError: one side holds images and the other only logs.
    """
    everything = [*before, *after]
    runs = [opened for opened in everything if opened.source is None and not opened.holds_features]
    if runs and len(runs) < len(everything):
        other = next(opened for opened in everything if opened not in runs)
        raise FFLError(
            f"{runs[0].path} is a training run, of which only logs are read, and {other.path} is not; "
            "give two runs, or two sets of images"
        )


def pair_up(
    fakes: Sequence[Opened], real: Optional[Path], wanted: Optional[bool]
) -> tuple[list[ImagePairs], Optional[str]]:
    """Pair every image with the real one it answers, for each training.

    Args:
        fakes: trainings with images.
        real: where the real images are; None for result folders that hold their own.
        wanted: True insists, False does not pair, None pairs if every name has its partner.

    Returns:
        One `ImagePairs` per training, all of the same names in the same order, or none at all and the reason.
    """
    from ffl_plugin.metrics import open_pairs

    network = next((opened.path for opened in fakes if opened.path.suffix == NETWORK), None)
    if network is not None and wanted:
        raise FFLError(f"{network} is a network, whose images answer no real ones; leave --pairs out")
    if wanted is False or network is not None:
        return [], None
    try:
        pairs = [open_pairs(opened.path, real) for opened in fakes]
        for opened, found in zip(fakes, pairs):
            if set(found.names) != set(pairs[0].names):
                odd = sorted(set(found.names) ^ set(pairs[0].names))[0]
                raise FFLError(
                    f"{opened.path} and {fakes[0].path} do not hold the same images ({odd} is in one only); "
                    "test all trainings on the same images"
                )
    except FFLError as error:
        if wanted:
            raise
        return [], f"Compared as sets, without PSNR, SSIM, LPIPS and LFD, which need pairs: {error}."
    return pairs, None


def digest(source: ImageSource, progress: Optional[Progress] = None) -> str:
    """SHA-256 over the names and encoded bytes of all images in order, as hexadecimal digits."""
    whole = hashlib.sha256()
    for index, name in enumerate(source.names):
        data = source.read_bytes(index)
        for part in (name.encode("utf-8", "surrogateescape"), data):
            whole.update(len(part).to_bytes(8, "big"))
            whole.update(part)
        if progress is not None:
            progress(index + 1, len(source), f"hash of {source.path.name}")
    return whole.hexdigest()
