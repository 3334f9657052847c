"""What one kind of source yields, before it becomes a `Comparison`."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Optional

from ffl_plugin.metrics.difference import Difference
from ffl_plugin.report.model import ChangedImage, Pictures, RadialProfile

# Below this, the images chosen for the test matter more than the training.
ENOUGH_IMAGES = 50


@dataclass(frozen=True)
class Findings:
    """Rows and pictures of images, or of logs.

    Attributes:
        kind: what was compared, as in ``Comparison``; empty for a part of it.
        missing: metrics that could not be had, each with the step that gets them.
        notes: what a reader should know.
        caveats: what limits the verdict.
        digests: hashes of the real images and those of each training; None of a file.
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
        """Both findings, these first.

        The changed images are these where the first row here may decide, or where the other has none.
        """
        ours = bool(self.changed) and (self.rows[0].decides or not other.changed)
        chosen = self if ours else other
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
    """The caveat that a handful of images stands for little, if it is a handful."""
    if count >= ENOUGH_IMAGES:
        return ()
    images, they = ("1 image was", "this one") if count == 1 else (f"{count} images were", "these")
    return (
        f"Only {images} compared: the answer is about {they}, and says little about others; take "
        f"{ENOUGH_IMAGES} or more for pairs and spectra, and 2,560 for FID.",
    )
