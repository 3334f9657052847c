"""A comparison says if compression, and not the training, may have changed the images."""

from __future__ import annotations

from pathlib import Path

import pytest
from report_material import write_set

from ffl_plugin.report import MeasurementSettings, compare


@pytest.mark.parametrize(
    ("before", "after", "told"),
    [
        ("png", "png", None),
        ("png", "jpg", "before is saved without loss and AFTER as JPEG, and compression alone changes"),
        ("webp", "jpg", "before is saved as WebP and AFTER as JPEG, and compression alone changes"),
        ("jpg", "jpg", "The generated images are saved as JPEG, whose compression alters high frequencies"),
    ],
)
def test_images_that_were_saved_with_loss(tmp_path: Path, before: str, after: str, told: str | None) -> None:
    real = write_set(tmp_path / "real", 0, name="{:02d}.jpg")
    sides = {
        name: write_set(tmp_path / name, radius, name="{:02d}." + form)
        for name, radius, form in (("before", 2, before), ("after", 1, after))
    }
    caveats = compare(**sides, real=real, settings=MeasurementSettings(download=False)).verdict.caveats
    found = [caveat for caveat in caveats if "compression" in caveat]
    if told is None:
        assert not found
    else:
        (caveat,) = found
        assert told.replace("AFTER", str(tmp_path / "after")) in caveat
