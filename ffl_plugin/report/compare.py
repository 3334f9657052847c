"""Comparison of trainings: measure what is possible on both sides, with uncertainty, and reach a verdict."""

from __future__ import annotations

from dataclasses import replace
from typing import Callable, Optional

from ffl_plugin import __version__
from ffl_plugin.metrics.sides import Sides
from ffl_plugin.metrics.uncertainty import Difference
from ffl_plugin.report.environment import describe_environment
from ffl_plugin.report.from_features import compare_feature_files
from ffl_plugin.report.from_images import compare_images
from ffl_plugin.report.from_labels import compare_label_maps
from ffl_plugin.report.from_logs import compare_logs
from ffl_plugin.report.inputs import DEFAULTS, Inputs, MeasurementSettings, Paths, open_inputs
from ffl_plugin.report.log_remarks import divergence, remarks
from ffl_plugin.report.model import FEATURES, IMAGES, LABELS, LOGS, Comparison, Findings, Training
from ffl_plugin.report.opening import Opened, PathLike
from ffl_plugin.report.training_options import is_about_the_loss, option_differences
from ffl_plugin.report.verdict import reach_verdict

# Kind of input -> its comparison.
KINDS: dict[str, Callable[[Inputs, MeasurementSettings], Findings]] = {
    IMAGES: compare_images,
    LABELS: compare_label_maps,
    FEATURES: compare_feature_files,
    LOGS: compare_logs,
}

PAIRED = (
    "The trainings are paired by seed: the interval is for the changes between trainings with the same seed."
)
INDEPENDENT = "The trainings of both sides are treated as independent, not paired by seed."


def compare(
    *,
    real: Optional[PathLike] = None,
    before: Paths,
    after: Paths,
    settings: MeasurementSettings = DEFAULTS,
    command: str = "",
) -> Comparison:
    """Compare trainings before and after a change.

    Args:
        real: folder or zip of real images; optional for result folders of pix2pix, which contain them, and
            for run folders, of which only the logs are read.
        before, after: one or several trainings each: folders or zips of generated images, result folders,
            or StyleGAN run folders.
        settings: what is measured, and with which weights.
        command: the command line, for the report.

    Returns:
        Rows, verdict, curves and pictures; ``missing`` and ``notes`` list what could not be measured.

    Raises:
        FFLError: a path, an image or a weights file cannot be used; the message names it.
    """
    inputs = open_inputs(real, before, after, settings)
    return _comparison(inputs, KINDS[inputs.kind](inputs, settings), command)


def _comparison(inputs: Inputs, findings: Findings, command: str) -> Comparison:
    """Describe the trainings and reach the verdict."""
    digest, *others = findings.digests or [None] * (1 + len(inputs.trainings))
    reals = None if inputs.reals is None else inputs.reals.describe(digest)
    described = [opened.describe(other) for opened, other in zip(inputs.trainings, others)]
    trainings = inputs.trainings.split(described)
    options = trainings.map(lambda training: training.options)
    differences = option_differences(options.before, options.after)
    caveats = (
        *findings.caveats,
        *_copies(reals, trainings),
        *_lossy(inputs.trainings),
        *_unfair(differences),
    )
    diverged = [line for opened in inputs.trainings for line in divergence(opened.path, opened.log)]
    return Comparison(
        version=__version__,
        kind=findings.kind,
        verdict=reach_verdict(findings.rows, caveats, diverged),
        rows=tuple(_with_preparation(row, reals) for row in findings.rows),
        real=reals,
        before=tuple(trainings.before),
        after=tuple(trainings.after),
        paired_seeds=inputs.trainings.paired_seeds,
        profiles=findings.profiles,
        changed=findings.changed,
        option_differences=differences,
        missing=findings.missing,
        notes=(*findings.notes, *_notes(inputs), *(_seeds_compared(trainings) if findings.rows else ())),
        command=command,
        environment=describe_environment(),
        pictures=findings.pictures,
    )


def _with_preparation(row: Difference, reals: Optional[Training]) -> Difference:
    """Add the resizing of the real images to the basis of a row, if they were resized."""
    if reals is None or not reals.preparation:
        return row
    settings = (*row.basis.settings, f"real images {reals.preparation}")
    return replace(row, basis=replace(row.basis, settings=settings))


def _notes(inputs: Inputs) -> list[str]:
    """Return remarks on how the images and logs of each training were found and read."""
    found = [] if inputs.reals is None else [inputs.reals]
    sources = [opened.source for opened in (*found, *inputs.trainings) if opened.source is not None]
    notes = [note for source in sources for note in source.notes]
    notes += [note for opened in inputs.trainings for note in remarks(opened.path, opened.log)]
    return list(dict.fromkeys(notes))


def _seeds_compared(trainings: Sides[Training]) -> tuple[str, ...]:
    """Return a sentence on how several trainings per side were compared."""
    if max(trainings.counts) == 1:
        return ()
    return (PAIRED if trainings.paired_seeds else INDEPENDENT,)


def _copies(real: Optional[Training], trainings: Sides[Training]) -> list[str]:
    """Return a caveat if one set of images was passed under two names."""
    for training in trainings:
        if real is not None and training.digest is not None and training.digest == real.digest:
            return [
                f"{training.path} contains the same images as the real ones of {real.path}; is that intended?"
            ]
    seen: dict[str, Training] = {}
    for training in trainings:
        if training.digest is not None and training.digest in seen:
            return [
                f"{seen[training.digest].path} and {training.path} contain the same images, so they are one "
                "training counted twice."
            ]
        seen[training.digest or training.path] = training
    return []


def _lossy(trainings: Sides[Opened]) -> list[str]:
    """Return a caveat if the first image of a training was saved with loss."""
    from ffl_plugin.metrics.compression import lossy_format

    saved = [
        (opened.path, lossy_format(opened.source.first)) for opened in trainings if opened.source is not None
    ]
    formats = {form for _, form in saved}
    if formats <= {None}:
        return []
    if len(formats) == 1:
        return [
            f"The generated images are saved as {saved[0][1]}, whose compression alters high frequencies and "
            "colour; save them as PNG."
        ]
    (one, first), (other, second) = saved[0], next(found for found in saved if found[1] != saved[0][1])
    return [
        f"{one} is saved {_as(first)} and {other} {_as(second)}, and compression alone changes every metric; "
        "save both as PNG."
    ]


def _as(form: Optional[str]) -> str:
    return "without loss" if form is None else f"as {form}"


def _unfair(differences: dict[str, tuple[object, object]]) -> list[str]:
    """Return a caveat if more than the loss changed."""
    others = [name for name in differences if not is_about_the_loss(name)]
    if not others:
        return []
    shown = ", ".join(others[:4]) + (" and others" if len(others) > 4 else "")
    return [
        f"The trainings differ in more than the loss and the seed ({shown}), so the change may have another "
        "cause."
    ]
