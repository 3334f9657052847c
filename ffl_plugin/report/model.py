"""The result of a comparison as frozen data, the source of JSON, table and page."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Optional

from ffl_plugin.metrics.sides import Sides
from ffl_plugin.metrics.uncertainty import IMPROVED, NO_EVIDENCE, WORSE, Difference
from ffl_plugin.report import formatting
from ffl_plugin.report.curves import Curve

# What is compared; images are compared as pairs or as sets.
IMAGES, PAIRS, SETS, LABELS, FEATURES, LOGS = "images", "pairs", "sets", "labels", "features", "logs"
OPENINGS = {IMPROVED: "Improved", NO_EVIDENCE: "No evidence of a change", WORSE: "Worse"}


@dataclass(frozen=True)
class Verdict:
    """The verdict of a comparison.

    Attributes:
        outcome: ``improved``, ``no evidence`` or ``worse``.
        metric: key of the deciding row; empty if nothing could be measured.
        statement: the numbers with difference and interval, or why there are none.
        caveats: limits: few images, one training per side, differing options besides the loss.
    """

    outcome: str
    metric: str
    statement: str
    caveats: tuple[str, ...] = ()

    @property
    def opening(self) -> str:
        """The outcome as a heading."""
        return OPENINGS[self.outcome]

    @property
    def sentence(self) -> str:
        """The verdict in one line."""
        return f"{self.opening}: {self.statement}"

    def to_json(self) -> dict[str, Any]:
        """Return JSON values, including the sentence."""
        fields = {field.name: getattr(self, field.name) for field in dataclasses.fields(self)}
        return {"sentence": self.sentence, **fields, "caveats": list(self.caveats)}


@dataclass(frozen=True)
class Training:
    """One training of one side: its images or logs, and its options.

    Attributes:
        path: the folder or zip as given.
        holds: ``images``, ``features`` or ``logs``.
        images: number of images compared; 0 for logs only.
        preparation: how the images were resized; empty if they were not.
        digest: SHA-256 over names and hashes of the images in order, or of the feature file; or None.
        logs: folder of its logs; None without logs.
        options: recorded options of the training, flattened to ``a.b`` names.
        curves: curves from its logs.
    """

    path: str
    holds: str
    images: int = 0
    preparation: str = ""
    digest: Optional[str] = None
    logs: Optional[str] = None
    options: dict[str, Any] = dataclasses.field(default_factory=dict)
    curves: tuple[Curve, ...] = ()

    @property
    def contents(self) -> str:
        """The data compared: ``64 images``, ``features`` or ``logs only``."""
        if self.holds == IMAGES:
            counted = formatting.count(self.images, "image")
            return f"{counted}, {self.preparation}" if self.preparation else counted
        return "features" if self.holds == FEATURES else "logs only"


@dataclass(frozen=True)
class ChangedImage:
    """An image pair whose score changed; ``change`` is after − before in ``metric``."""

    name: str
    metric: str
    before: float
    after: float
    change: float


@dataclass(frozen=True)
class RadialProfile:
    """The mean radial log-power profile of one set: decibels over cycles per pixel."""

    side: str
    frequencies: tuple[float, ...]
    decibels: tuple[float, ...]

    def minus(self, real: RadialProfile) -> list[float]:
        """Return the differences from the real set, in decibels."""
        return [here - there for here, there in zip(self.decibels, real.decibels)]


@dataclass(frozen=True)
class Sample:
    """Images at the same position of each set: one scene for pairs, otherwise the n-th image of each.

    Attributes:
        name: file name of the image (in the first set, if the sets are not paired).
        images: side → (H, W, 3) uint8.
        spectra: side → (H, W) log power in decibels, zero frequency in the middle.
    """

    name: str
    images: dict[str, Any]
    spectra: dict[str, Any]


@dataclass(frozen=True)
class Pictures:
    """The pictures of a report.

    Attributes:
        spectra: side → (H, W) averaged log power in decibels, zero frequency in the middle.
        samples: evenly spaced images of all sides.
        changed: images that changed most, in the order of ``Comparison.changed``.
    """

    spectra: dict[str, Any] = dataclasses.field(default_factory=dict)
    samples: tuple[Sample, ...] = ()
    changed: tuple[Sample, ...] = ()


@dataclass(frozen=True)
class Findings:
    """What one kind of input contributes to a ``Comparison``: rows, pictures and remarks.

    Attributes:
        kind: what was compared, as in ``Comparison``; empty for a part of it.
        missing: metrics that were not measured, each with the step that enables it.
        notes: remarks for the reader.
        caveats: limits of the verdict.
        digests: hashes of the real images and those of each training; None for a file.
    """

    kind: str = ""
    rows: tuple[Difference, ...] = ()
    profiles: tuple[RadialProfile, ...] = ()
    changed: tuple[ChangedImage, ...] = ()
    pictures: Pictures = dataclasses.field(default_factory=Pictures)
    missing: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    caveats: tuple[str, ...] = ()
    digests: tuple[Optional[str], ...] = ()

    def joined(self, other: Findings) -> Findings:
        """Join two findings, this one first.

        The changed images are those of this one if its first row can decide, or if the other has none.
        """
        own = bool(self.changed) and (self.rows[0].decides or not other.changed)
        chosen = self if own else other
        return Findings(
            kind=self.kind or other.kind,
            rows=(*self.rows, *other.rows),
            profiles=(*self.profiles, *other.profiles),
            changed=chosen.changed,
            pictures=Pictures(
                spectra={**self.pictures.spectra, **other.pictures.spectra},
                samples=(*self.pictures.samples, *other.pictures.samples),
                changed=chosen.pictures.changed,
            ),
            missing=(*self.missing, *other.missing),
            notes=(*self.notes, *other.notes),
            caveats=(*self.caveats, *other.caveats),
            digests=self.digests or other.digests,
        )


@dataclass(frozen=True)
class Comparison:
    """The result of a comparison.

    Attributes:
        kind: what was compared: ``pairs``, ``sets``, ``labels``, ``features`` or ``logs``.
        paired_seeds: whether trainings with the same seed were compared as pairs.
    """

    version: str
    kind: str
    verdict: Verdict
    rows: tuple[Difference, ...]
    real: Optional[Training]
    before: tuple[Training, ...]
    after: tuple[Training, ...]
    profiles: tuple[RadialProfile, ...]
    changed: tuple[ChangedImage, ...]
    option_differences: dict[str, tuple[Any, Any]]
    missing: tuple[str, ...]
    notes: tuple[str, ...]
    command: str
    environment: dict[str, str]
    paired_seeds: bool = False
    pictures: Pictures = dataclasses.field(default_factory=Pictures, repr=False, compare=False)

    @property
    def trainings(self) -> Sides[Training]:
        """The trainings of both sides."""
        return Sides(self.before, self.after, self.paired_seeds)

    @property
    def several(self) -> bool:
        """Whether a side has more than one training."""
        return max(self.trainings.counts) > 1

    @property
    def paired(self) -> bool:
        """Whether every image was compared with the real one of the same name."""
        return self.kind in (PAIRS, LABELS)

    def row(self, metric: str) -> Optional[Difference]:
        """Return the row of one metric, or None if it was not measured."""
        return next((row for row in self.rows if row.metric == metric), None)

    def to_json(self) -> dict[str, Any]:
        """Return JSON values, without pictures; non-finite numbers become None."""
        fields = (field.name for field in dataclasses.fields(self) if field.name != "pictures")
        return {
            **{name: plain(getattr(self, name)) for name in fields},
            "verdict": self.verdict.to_json(),
            "rows": [row_to_json(row) for row in self.rows],
            "paired": self.paired,
        }


def row_to_json(row: Difference) -> dict[str, Any]:
    """Return JSON values of one row, with its label and the direction under its earlier name, ``better``."""
    whole: dict[str, Any] = plain(row)
    return {"label": formatting.label(row), "better": row.direction, **whole}


def plain(value: Any) -> Any:
    """Convert dataclasses, tuples and mappings to JSON values; non-finite numbers become None."""
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {field.name: plain(getattr(value, field.name)) for field in dataclasses.fields(value)}
    if isinstance(value, Mapping):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [plain(item) for item in value]
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value
