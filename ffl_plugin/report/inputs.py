"""The inputs of a comparison, both sides together: settings, opened trainings, and pairs of images."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Optional, Union

from ffl_plugin.cache import cache_folder
from ffl_plugin.errors import FFLError
from ffl_plugin.metrics.feature_choice import FeatureChoice, choose_features
from ffl_plugin.metrics.sides import Sides
from ffl_plugin.report.model import FEATURES, IMAGES, LABELS, LOGS
from ffl_plugin.report.opening import Opened, PathLike, Sampler, open_real, open_training
from ffl_plugin.report.preparing import check_sizes, prepare_reals

if TYPE_CHECKING:
    from ffl_plugin.metrics import ImagePairs, ImageSource
    from ffl_plugin.metrics.progress import Progress

Paths = Union[PathLike, Sequence[PathLike]]
SAMPLES = 50_000  # images per network, the usual number for FID


@dataclass(frozen=True)
class MeasurementSettings:
    """Settings of one comparison.

    Attributes:
        pairs: True requires a real image of the same name for every image, False compares sets only, None
            decides by the names.
        features: the feature network, its weights, and the metrics on its features.
        lpips: AlexNet weights for LPIPS of pairs; None uses ``$FFL_LPIPS``, else an earlier download.
        download: whether missing weights may be downloaded.
        clone: the StyleGAN2-ADA or StyleGAN3 repository whose code samples a ``network-snapshot-*.pkl``.
        samples: number of images per network, with the same seeds for all.
        classes: number of classes if the images are label maps: mIoU and pixel accuracy are compared.
        ignored: the true class "unknown" in label maps.
        resize: ``WIDTHxHEIGHT`` to which real images are resized; None resizes them by the record of the
            first training if their size differs from that of the generated images.
        paired_seeds: whether training i before and training i after have the same seed, so that changes are
            computed per seed.
        progress: called as ``progress(done, total, what)``.
    """

    pairs: Optional[bool] = None
    features: FeatureChoice = field(default_factory=choose_features)
    lpips: Optional[Path] = None
    download: bool = True
    clone: Optional[PathLike] = None
    samples: int = SAMPLES
    classes: Optional[int] = None
    ignored: int = 255
    resize: Optional[str] = None
    paired_seeds: bool = False
    progress: Optional[Progress] = None


DEFAULTS = MeasurementSettings()


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


def open_inputs(
    real: Optional[PathLike], before: Paths, after: Paths, settings: MeasurementSettings
) -> Inputs:
    """Open the inputs of a comparison, and pair images by name if possible.

    Raises:
        FFLError: a path cannot be opened, is passed twice, or is of another kind than the others.
    """
    paths = Sides(_several(before, "before"), _several(after, "after"), settings.paired_seeds)
    _check_distinct(paths)
    sampler = _sampler(settings)
    trainings = paths.map(lambda path: open_training(path, sampler))
    _check_alike(trainings)
    _check_pairs_of_seeds(trainings)
    images = settings.classes is None and all(opened.kind == IMAGES for opened in trainings)
    if settings.resize is not None and (real is None or not images or Path(real).suffix.lower() == ".npz"):
        raise FFLError("--resize applies only to --real images compared with generated images; omit it")
    if trainings.before[0].kind == LOGS:
        unused = f"{real} was not used: only the logs of run folders are compared; pass images or networks."
        return Inputs(LOGS, trainings, notes=() if real is None else (unused,))
    if settings.classes is not None and real is None:
        raise FFLError("label maps are compared with the true ones; pass those with --real")
    reals = open_real(_path_of_reals(real, trainings))
    if settings.classes is None and any(opened.kind == FEATURES for opened in (reals, *trainings)):
        return Inputs(FEATURES, trainings, reals)
    kind = IMAGES if settings.classes is None else LABELS
    cannot = ""
    if real is not None and kind == IMAGES:
        reals, cannot = prepare_reals(reals, trainings.before[0], settings.resize)
    wanted = True if kind == LABELS else settings.pairs
    pairs, why_not = _pair_up(trainings, None if real is None else reals.images, wanted)
    if pairs is not None and kind == IMAGES:
        for found in pairs:
            check_sizes(found, cannot)
    return Inputs(kind, trainings, reals, pairs, notes=() if why_not is None else (why_not,))


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


def _sampler(settings: MeasurementSettings) -> Optional[Sampler]:
    from ffl_plugin.metrics import sample_generator

    if settings.clone is None:
        return None
    clone, cache = Path(settings.clone), cache_folder()
    return partial(
        sample_generator, clone=clone, count=settings.samples, cache=cache, progress=settings.progress
    )


def _path_of_reals(real: Optional[PathLike], trainings: Sides[Opened]) -> Path:
    """Return the real images given, else the result folder of the first training, which contains them."""
    from ffl_plugin.metrics import is_result_folder

    if real is not None:
        return Path(real)
    for opened in trainings:
        if not is_result_folder(opened.path):
            raise FFLError(f"{opened.path} contains no real images; pass them with --real")
    return trainings.before[0].path


def _check_alike(trainings: Sides[Opened]) -> None:
    """Refuse to compare images with logs."""
    runs = [opened for opened in trainings if opened.kind == LOGS]
    others = [opened for opened in trainings if opened.kind != LOGS]
    if runs and others:
        raise FFLError(
            f"{runs[0].path} is a training run, of which only logs are read, and {others[0].path} is not; "
            "pass two runs, or two sets of images"
        )


def _check_pairs_of_seeds(trainings: Sides[Opened]) -> None:
    """Refuse a single pair, whose interval is that of independent trainings, and different recorded seeds."""
    if not trainings.paired_seeds:
        return
    if len(trainings.before) == 1:
        raise FFLError(
            "one training per side has no seeds to pair; pass several on both sides, or omit --paired-seeds"
        )
    for before, after in zip(trainings.before, trainings.after):
        seeds = [opened.recorded_seed() for opened in (before, after)]
        if None not in seeds and seeds[0] != seeds[1]:
            raise FFLError(
                f"{before.path} has seed {seeds[0]} and {after.path} has seed {seeds[1]}, so they are no "
                "pair; pass both sides in the same order of seeds, or omit --paired-seeds"
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
