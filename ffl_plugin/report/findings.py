"""Partial results from one kind of source, which are assembled into a `Comparison`."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Optional

from ffl_plugin.metrics.uncertainty import Difference
from ffl_plugin.report.model import ChangedImage, Pictures, RadialProfile

# Below this, the choice of the test images matters more than the training.
ENOUGH_IMAGES = 50


@dataclass(frozen=True)
class Findings:
    """Rows and pictures from images, or from logs.

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
    pictures: Pictures = field(default_factory=Pictures)
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


def few_images(count: int) -> tuple[str, ...]:
    """Return the caveat that the images are too few to generalize, if they are."""
    if count >= ENOUGH_IMAGES:
        return ()
    images, they = ("1 image was", "it") if count == 1 else (f"{count} images were", "them")
    return (
        f"Only {images} compared: the result describes {they} and may not generalize; use "
        f"{ENOUGH_IMAGES} or more for pairs and spectra.",
    )
