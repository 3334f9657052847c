"""What one kind of source yields, before it becomes a `Comparison`."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

from ffl_plugin.metrics.difference import Difference
from ffl_plugin.report.model import ChangedImage, Pictures, RadialProfile

# Below this, the images chosen for the test matter more than the training.
ENOUGH_IMAGES = 50


@dataclass(frozen=True)
class Findings:
    """Rows and pictures of images, or of logs.

    Attributes:
        missing: metrics that could not be had, each with the step that gets them.
        notes: what a reader should know.
        caveats: what limits the verdict.
    """

    rows: tuple[Difference, ...] = ()
    paired: bool = False
    profiles: tuple[RadialProfile, ...] = ()
    changed: tuple[ChangedImage, ...] = ()
    pictures: Pictures = field(default_factory=Pictures)
    missing: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    caveats: tuple[str, ...] = ()

    def after(self, first: Findings) -> Findings:
        """These findings with the rows and remarks of others before them.

        The changed images are those of the others where their first row may decide, or where these have none.
        """
        theirs = bool(first.changed) and (first.rows[0].decides or not self.changed)
        return replace(
            self,
            changed=first.changed if theirs else self.changed,
            pictures=replace(self.pictures, changed=(first if theirs else self).pictures.changed),
            rows=(*first.rows, *self.rows),
            missing=(*first.missing, *self.missing),
            notes=(*first.notes, *self.notes),
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
