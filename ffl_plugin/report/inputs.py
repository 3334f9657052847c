"""Opening of the inputs of a comparison: images, features or logs of each training, and pairs of images."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Callable, Optional, Union

from ffl_plugin.cache import cache_folder
from ffl_plugin.errors import FFLError
from ffl_plugin.metrics.sides import Sides
from ffl_plugin.report.measuring import Measuring
from ffl_plugin.report.model import FEATURES, IMAGES, LABELS, LOGS, Training
from ffl_plugin.report.preparing import check_sizes, prepare_reals
from ffl_plugin.report.seeds import check_pairs_of_seeds
from ffl_plugin.report.training_logs import TrainingLog, find_training_folder, read_training_log
from ffl_plugin.report.training_options import read_training_options

if TYPE_CHECKING:
    from ffl_plugin.metrics import ImagePairs, ImageSource

PathLike = Union[str, "os.PathLike[str]"]
Paths = Union[PathLike, Sequence[PathLike]]
Sampler = Callable[[Path], "ImageSource"]


@dataclass(frozen=True)
class Opened:
    """An opened training, or the real images.

    Attributes:
        path: path as given.
        kind: ``images``, ``features`` or ``logs``: the data compared.
        source: its images, if it contains images.
        sampled: whether the images were sampled from a network, so that they have no real counterparts.
        logs: folder of its logs; None without logs.
        log: contents of the logs.
    """

    path: Path
    kind: str
    source: Optional[ImageSource] = None
    sampled: bool = False
    logs: Optional[Path] = None
    log: TrainingLog = field(default_factory=TrainingLog)

    @property
    def images(self) -> ImageSource:
        """Its images; raises ``FFLError`` for a training without images."""
        if self.source is None:
            raise FFLError(
                f"{self.path} is a training run, of which only logs are read; pass a folder of images"
            )
        return self.source

    def describe(self, digest: Optional[str]) -> Training:
        """Summarize it for the report, with the hash of its images or feature file."""
        if self.kind == FEATURES:
            digest = hashlib.sha256(self.path.read_bytes()).hexdigest()
        return Training(
            path=str(self.path),
            holds=self.kind,
            images=len(self.source) if self.source is not None else 0,
            preparation=self.source.preparation if self.source is not None else "",
            digest=digest,
            logs=str(self.logs) if self.logs is not None else None,
            options=read_training_options(self.logs) if self.logs is not None else {},
            curves=self.log.curves,
        )


@dataclass(frozen=True)
class Inputs:
    """The inputs of a comparison.

    Attributes:
        kind: kind of comparison: ``images``, ``labels``, ``features`` or ``logs``.
        trainings: trainings of each side.
        reals: the real images; None for logs.
        pairs: images of each training with the real ones of the same names; None for sets.
        notes: unused inputs, and why images were not paired.
    """

    kind: str
    trainings: Sides[Opened]
    reals: Optional[Opened] = None
    pairs: Optional[Sides[ImagePairs]] = None
    notes: tuple[str, ...] = ()

    @property
    def real(self) -> Opened:
        """The real images; raises ``FFLError`` if there are none, as for logs."""
        if self.reals is None:
            raise FFLError("there are no real images to compare with; pass them with --real")
        return self.reals

    @property
    def firsts(self) -> tuple[Opened, Opened]:
        """The first training of each side, whose pictures are shown."""
        return self.trainings.before[0], self.trainings.after[0]


def open_inputs(real: Optional[PathLike], before: Paths, after: Paths, how: Measuring) -> Inputs:
    """Open the inputs of a comparison, and pair images by name if possible.

    Raises:
        FFLError: a path cannot be opened, is passed twice, or is of another kind than the others.
    """
    paths = Sides(_several(before, "before"), _several(after, "after"), how.paired_seeds)
    _check_distinct(paths)
    sample = None if how.clone is None else _sampler(how)
    trainings = paths.map(lambda path: _open_training(path, sample))
    _check_alike(trainings)
    check_pairs_of_seeds(trainings.map(lambda opened: (opened.path, opened.logs)))
    images = how.classes is None and all(opened.kind == IMAGES for opened in trainings)
    if how.resize is not None and (real is None or not images or Path(real).suffix.lower() == ".npz"):
        raise FFLError("--resize applies only to --real images compared with generated images; omit it")
    if trainings.before[0].kind == LOGS:
        unused = f"{real} was not used: only the logs of run folders are compared; pass images or networks."
        return Inputs(LOGS, trainings, notes=() if real is None else (unused,))
    if how.classes is not None and real is None:
        raise FFLError("label maps are compared with the true ones; pass those with --real")
    reals = _open_real(real, trainings)
    if how.classes is None and any(opened.kind == FEATURES for opened in (reals, *trainings)):
        return Inputs(FEATURES, trainings, reals)
    kind = IMAGES if how.classes is None else LABELS
    cannot = ""
    if real is not None and kind == IMAGES:
        reals, cannot = prepare_reals(reals, trainings, how.resize)
    wanted = True if kind == LABELS else how.pairs
    pairs, why_not = _pair_up(trainings, None if real is None else reals.images, wanted)
    if pairs is not None and kind == IMAGES:
        check_sizes(pairs, cannot)
    return Inputs(kind, trainings, reals, pairs, notes=() if why_not is None else (why_not,))


def is_run(path: Path) -> bool:
    """Return whether a folder is a run folder, with logs, options or snapshots, and not a set of images."""
    if not path.is_dir():
        return False
    if find_training_folder(path) == path or (path / "training_options.json").is_file():
        return True
    return next(path.glob("network-snapshot*.pkl"), None) is not None


def _several(paths: Paths, side: str) -> list[PathLike]:
    listed = [paths] if isinstance(paths, (str, os.PathLike)) else list(paths)
    if not listed:
        raise FFLError(f"there is nothing to compare as {side}; pass at least one path")
    return listed


def _check_distinct(paths: Sides[PathLike]) -> None:
    """Refuse a path passed twice, which would count one training as two agreeing ones."""
    places: dict[str, PathLike] = {}
    for path in paths:
        if not os.fspath(path):
            raise FFLError("a path is empty; pass the folder or zip of each training")
        place = os.path.realpath(path)
        if place in places:
            same = "" if os.fspath(places[place]) == os.fspath(path) else f" (also as {places[place]})"
            raise FFLError(f"{path} is given twice{same}; pass every training once, on one side")
        places[place] = path


def _sampler(how: Measuring) -> Sampler:
    from ffl_plugin.metrics import sample_generator

    clone = Path(how.clone or "")
    return partial(
        sample_generator, clone=clone, count=how.samples, cache=cache_folder(), progress=how.progress
    )


def _open_training(path: PathLike, sample: Optional[Sampler]) -> Opened:
    """Open images (folder, zip, result folder), a feature file, a run folder, or a network to sample."""
    from ffl_plugin.metrics import open_images

    given = Path(path)
    if given.suffix.lower() == ".npz":
        return Opened(given, FEATURES)
    sampled = given.suffix == ".pkl"
    if sampled and sample is None:
        raise FFLError(f"{given} is a network; pass the clone that samples it with --clone")
    logs = find_training_folder(given.parent if sampled else given)
    log = read_training_log(logs) if logs is not None else TrainingLog()
    if sampled and sample is not None:
        return Opened(given, IMAGES, sample(given), sampled, logs, log)
    if not is_run(given):
        return Opened(given, IMAGES, open_images(given, role="fake"), sampled, logs, log)
    if not (log.curves or log.gaps or log.impossible):
        raise FFLError(
            f"{given} is a training run without a readable metric-*.jsonl, stats.jsonl or loss_log.txt; "
            "pass a run with measurements, or a folder of its images"
        )
    return Opened(given, LOGS, None, sampled, logs, log)


def _open_real(real: Optional[PathLike], trainings: Sides[Opened]) -> Opened:
    """Open the real images: those given, else those in the result folder of the first training."""
    from ffl_plugin.metrics import is_result_folder, open_images

    if real is None:
        for opened in trainings:
            if not is_result_folder(opened.path):
                raise FFLError(f"{opened.path} contains no real images; pass them with --real")
    path = trainings.before[0].path if real is None else Path(real)
    if path.suffix.lower() == ".npz":
        return Opened(path, FEATURES)
    return Opened(path, IMAGES, open_images(path, role="real"))


def _check_alike(trainings: Sides[Opened]) -> None:
    """Refuse to compare images with logs."""
    runs = [opened for opened in trainings if opened.kind == LOGS]
    others = [opened for opened in trainings if opened.kind != LOGS]
    if runs and others:
        raise FFLError(
            f"{runs[0].path} is a training run, of which only logs are read, and {others[0].path} is not; "
            "pass two runs, or two sets of images"
        )


def _pair_up(
    trainings: Sides[Opened], real: Optional[ImageSource], wanted: Optional[bool]
) -> tuple[Optional[Sides[ImagePairs]], Optional[str]]:
    """Pair every image with its real counterpart.

    Args:
        trainings: trainings with images.
        real: the real images; None for result folders, which contain them.
        wanted: True requires pairs, False does not pair, None pairs if every name has a partner.

    Returns:
        The pairs of each training, with equal names, or None and the reason if there is one.
    """
    from ffl_plugin.metrics import open_pairs

    network = next((opened.path for opened in trainings if opened.sampled), None)
    if network is not None and wanted:
        raise FFLError(f"{network} is a network, whose images have no real counterparts; omit --pairs")
    if wanted is False or network is not None:
        return None, None
    first = trainings.before[0].path
    try:
        pairs = trainings.map(lambda opened: open_pairs(opened.path, real))
        names = set(pairs.before[0].names)
        for opened, found in zip(trainings, pairs):
            if set(found.names) != names:
                odd = sorted(set(found.names) ^ names)[0]
                raise FFLError(
                    f"{opened.path} and {first} do not contain the same images ({odd} is in one only); "
                    "test all trainings on the same images"
                )
    except FFLError as error:
        if wanted:
            raise
        return None, f"Compared as sets, without PSNR, SSIM, LPIPS and LFD, which need pairs: {error}."
    return pairs, None
