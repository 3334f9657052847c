"""What one kind of source yields, before it becomes a `Comparison`."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

from ffl_plugin.metrics.difference import Difference
from ffl_plugin.report.model import ChangedImage, Pictures, RadialProfile


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
        """These findings with the rows and remarks of others before them, and their changed images if any."""
        both = replace(self.pictures, changed=first.pictures.changed or self.pictures.changed)
        return replace(
            self,
            changed=first.changed or self.changed,
            pictures=both,
            rows=(*first.rows, *self.rows),
            missing=(*first.missing, *self.missing),
            notes=(*first.notes, *self.notes),
        )
