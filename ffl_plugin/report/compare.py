"""Did it help? Measure what can be measured on both sides of a training, and say so with its uncertainty."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Callable, Optional, Union

from ffl_plugin import __version__
from ffl_plugin.cache import cache_folder
from ffl_plugin.errors import FFLError
from ffl_plugin.report.environment import describe_environment
from ffl_plugin.report.findings import Findings
from ffl_plugin.report.from_features import measure_features
from ffl_plugin.report.from_images import compare_images
from ffl_plugin.report.from_labels import compare_label_maps
from ffl_plugin.report.from_logs import compare_logs
from ffl_plugin.report.gather import (
    PathLike,
    check_alike,
    check_distinct,
    images_of,
    open_real,
    open_training,
)
from ffl_plugin.report.model import Comparison, Training
from ffl_plugin.report.training_options import is_about_the_loss, option_differences
from ffl_plugin.report.verdict import reach_verdict

if TYPE_CHECKING:
    from ffl_plugin.metrics import ImageSource
    from ffl_plugin.metrics.progress import Progress

SAMPLES = 50_000  # images of a network: what the field measures FID on

Paths = Union[PathLike, Sequence[PathLike]]


def compare(
    *,
    real: Optional[PathLike] = None,
    before: Paths,
    after: Paths,
    pairs: Optional[bool] = None,
    inception: Optional[PathLike] = None,
    lpips: Optional[PathLike] = None,
    download: bool = True,
    protocol: str = "pytorch-fid",
    metrics: Sequence[str] = ("fid",),
    clone: Optional[PathLike] = None,
    samples: int = SAMPLES,
    classes: Optional[int] = None,
    ignored: int = 255,
    command: str = "",
    progress: Optional[Progress] = None,
) -> Comparison:
    """Compare trainings before and after a change.

    Args:
        real: folder or zip of real images; may be left out for result folders of pix2pix, which hold
            their own, and for run folders, of which only the logs are read.
        before, after: one or several trainings each: folders or zips of generated images, result folders,
            or StyleGAN run folders.
        pairs: True insists that every image has a real one of its name, False compares sets only, None
            decides by the names.
        inception: weights for FID; None takes ``$FFL_INCEPTION``, else those downloaded before.
        lpips: AlexNet's weights for LPIPS of pairs; None takes ``$FFL_LPIPS``, else those downloaded before.
        download: whether weights may be downloaded if they are not here.
        protocol: a name in ``ffl_plugin.metrics.PROTOCOLS``.
        metrics: of features: any of fid, kid, is (Inception Score), pr (precision and recall).
        clone: the StyleGAN2-ADA or StyleGAN3 repository whose code samples a ``network-snapshot-*.pkl``.
        samples: how many images of each network; the same seeds for all.
        classes: says that the images are label maps of so many classes: mIoU and pixel accuracy are compared.
        ignored: the true class that stands for "unknown" in label maps.
        command: the command line, for the report.
        progress: called as ``progress(done, total, what)``.

    Returns:
        Rows, verdict, curves and pictures; what could not be measured is told in ``missing`` and ``notes``.

    Raises:
        FFLError: a path, an image or a weights file cannot be used; one sentence names it.
    """
    paths = {"before": _several(before, "before"), "after": _several(after, "after")}
    check_distinct([*paths["before"], *paths["after"]])
    sample = None if clone is None else _sampler(Path(clone), samples, progress)
    sides = {side: [open_training(path, "fake", sample) for path in listed] for side, listed in paths.items()}
    check_alike(*sides.values())
    reality = None
    if sides["before"][0].source is None and not sides["before"][0].holds_features:
        findings = compare_logs(*sides.values())
        if real is not None:
            unused = (
                f"{real} was not used: of run folders only the logs are compared; give images or networks."
            )
            findings = replace(findings, notes=(*findings.notes, unused))
    elif classes is not None:
        if real is None:
            raise FFLError("label maps are compared with the true ones; give those with --real")
        reality = open_real(real, *sides.values())
        findings = compare_label_maps(
            Path(real), *sides.values(), classes=classes, ignored=ignored, progress=progress
        )
    else:
        reality = open_real(real, *sides.values())
        features = measure_features(
            reality, *sides.values(), metrics=metrics, protocol=protocol, inception=inception,
            download=download, progress=progress,
        )  # fmt: skip
        if any(opened.holds_features for opened in (reality, *sides["before"], *sides["after"])):
            without = Findings(
                notes=("Files of features hold no images: there are no spectra and no pairs.",)
            )
        else:
            without = compare_images(
                images_of(reality), *sides.values(), pairs_with=_path(real), pairs=pairs, lpips=lpips,
                download=download, progress=progress,
            )  # fmt: skip
        findings = without.after(features)
    described = [tuple(opened.describe(progress) for opened in side) for side in sides.values()]
    described_real = None if reality is None else reality.describe(progress)
    differences = option_differences(*([training.options for training in side] for side in described))
    return Comparison(
        version=__version__,
        verdict=reach_verdict(
            findings.rows, [*findings.caveats, *_copies(described_real, *described), *_unfair(differences)]
        ),
        rows=findings.rows,
        real=described_real,
        before=described[0],
        after=described[1],
        paired=findings.paired,
        profiles=findings.profiles,
        changed=findings.changed,
        option_differences=differences,
        missing=findings.missing,
        notes=(
            *findings.notes,
            *(note for side in sides.values() for opened in side for note in opened.log.notes),
        ),
        command=command,
        environment=describe_environment(),
        pictures=findings.pictures,
    )


def _sampler(clone: Path, count: int, progress: Optional[Progress]) -> Callable[[Path], ImageSource]:
    from ffl_plugin.metrics import sample_generator

    return partial(sample_generator, clone=clone, count=count, cache=cache_folder(), progress=progress)


def _several(paths: Paths, side: str) -> list[PathLike]:
    listed = [paths] if isinstance(paths, (str, os.PathLike)) else list(paths)
    if not listed:
        raise FFLError(f"there is nothing to compare as {side}; give at least one path")
    return listed


def _path(path: Optional[PathLike]) -> Optional[Path]:
    return None if path is None else Path(path)


def _copies(real: Optional[Training], before: Sequence[Training], after: Sequence[Training]) -> list[str]:
    """The caveat that one set of images was given under two names, if it was."""
    for training in (*before, *after):
        if real is not None and training.digest is not None and training.digest == real.digest:
            return [
                f"{training.path} holds the same images as the real ones of {real.path}; were "
                "the two meant to be one?"
            ]
    seen: dict[str, Training] = {}
    for training in (*before, *after):
        if training.digest is not None and training.digest in seen:
            return [
                f"{seen[training.digest].path} and {training.path} hold the same images, so they are one "
                "training counted twice."
            ]
        seen[training.digest or training.path] = training
    return []


def _unfair(differences: dict[str, tuple[object, object]]) -> list[str]:
    """The caveat that more than the loss changed, if it did."""
    others = [name for name in differences if not is_about_the_loss(name)]
    if not others:
        return []
    shown = ", ".join(others[:4]) + (" and others" if len(others) > 4 else "")
    return [
        f"The trainings differ in more than the loss and the seed ({shown}), so the change may not be the "
        "loss's."
    ]
