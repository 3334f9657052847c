"""Which image files lost detail when they were saved."""

from __future__ import annotations

import io

import pytest
from pictures import picture
from PIL import Image, ImageCms

from ffl_plugin.metrics.compression import lossy_format

PROFILE = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()


@pytest.mark.parametrize(
    ("form", "options", "expected"),
    [
        ("PNG", {}, None),
        ("BMP", {}, None),
        ("TIFF", {}, None),
        ("JPEG", {"quality": 100}, "JPEG"),
        ("WEBP", {"quality": 100}, "WebP"),
        ("WEBP", {"icc_profile": PROFILE}, "WebP"),
        ("WEBP", {"icc_profile": b"odd"}, "WebP"),  # followed by a byte of padding
        ("WEBP", {"lossless": True}, None),
        ("WEBP", {"lossless": True, "icc_profile": PROFILE}, None),
    ],
)
def test_lossy_formats_are_told_from_lossless_ones(
    form: str, options: dict[str, int | bytes], expected: str | None
) -> None:
    stream = io.BytesIO()
    Image.fromarray(picture(0, 16, 16)).save(stream, form, **options)
    assert lossy_format(stream.getvalue()) == expected


def test_data_cut_off_is_of_no_lossy_format() -> None:
    assert lossy_format(b"RIFF\x10\0\0\0WEBP") is None
    assert lossy_format(b"") is None
