"""More than 8 bits a channel are refused by the file's own declaration, whatever the format."""

from __future__ import annotations

import io
import struct
import zlib
from pathlib import Path
from typing import Callable

import numpy as np
import numpy.typing as npt
import pytest
from pictures import picture
from PIL import Image

from ffl_plugin.errors import FFLError
from ffl_plugin.metrics import open_images
from ffl_plugin.metrics.decode import decode, decode_labels, image_size

tifffile = pytest.importorskip("tifffile")  # comes with scikit-image

DEEP = picture(3).astype(np.uint16) * 257 + 7
OPAQUE = np.full_like(DEEP[..., :1], 65535)


def tiff(pixels: npt.NDArray[np.generic], **options: object) -> bytes:
    stream = io.BytesIO()
    tifffile.imwrite(stream, pixels, **options)
    return stream.getvalue()


def pnm(magic: str, pixels: npt.NDArray[np.generic], maximum: int, comment: str = "") -> bytes:
    height, width = pixels.shape[:2]
    kind = ">u2" if maximum > 255 else "u1"
    return f"{magic}\n{comment}{width} {height}\n{maximum}\n".encode() + pixels.astype(kind).tobytes()


def plain_ppm(pixels: npt.NDArray[np.generic], maximum: int) -> bytes:
    height, width = pixels.shape[:2]
    return f"P3 {width} {height} {maximum}\n{' '.join(map(str, pixels.ravel()))}\n".encode()


def png(pixels: npt.NDArray[np.uint16], colour_type: int) -> bytes:
    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    height, width = pixels.shape[:2]
    header = struct.pack(">IIBBBBB", width, height, 16, colour_type, 0, 0, 0)
    rows = b"".join(b"\0" + row.astype(">u2").tobytes() for row in pixels)
    chunks = chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")
    return b"\x89PNG\r\n\x1a\n" + chunks


def deep_jpeg() -> bytes:
    """A JPEG whose frame declares 12 bits, as medical ones do."""
    stream = io.BytesIO()
    Image.fromarray(picture(1)).save(stream, "JPEG", comment=b"\xff\xc0\x00\x11\x08 in a comment")
    data = bytearray(stream.getvalue())
    data[data.rindex(b"\xff\xc0") + 4] = 12
    return bytes(data)


def deep_bmp() -> bytes:
    stream = io.BytesIO()
    Image.fromarray(picture(1)).save(stream, "BMP")
    data = bytearray(stream.getvalue())
    data[28:30] = struct.pack("<H", 64)
    return bytes(data)


REFUSED: dict[str, tuple[Callable[[], bytes], int]] = {
    "TIFF RGB": (lambda: tiff(DEEP, photometric="rgb"), 16),
    "TIFF RGB, big-endian": (lambda: tiff(DEEP, photometric="rgb", byteorder=">"), 16),
    "TIFF RGB, deflated": (lambda: tiff(DEEP, photometric="rgb", compression="zlib"), 16),
    "TIFF RGB, planar": (
        lambda: tiff(np.moveaxis(DEEP, -1, 0), photometric="rgb", planarconfig="separate"),
        16,
    ),
    "BigTIFF RGB": (lambda: tiff(DEEP, photometric="rgb", bigtiff=True), 16),
    "TIFF RGBA": (
        lambda: tiff(np.concatenate([DEEP, OPAQUE], -1), photometric="rgb", extrasamples=["unassalpha"]),
        16,
    ),
    "TIFF CMYK": (lambda: tiff(np.concatenate([DEEP, OPAQUE // 4], -1), photometric="separated"), 16),
    "TIFF grey": (lambda: tiff(DEEP[..., 0], photometric="minisblack"), 16),
    "TIFF float RGB": (lambda: tiff(DEEP.astype(np.float32), photometric="rgb"), 32),
    "TIFF half RGB": (lambda: tiff(DEEP.astype(np.float16), photometric="rgb"), 16),
    "TIFF double grey": (lambda: tiff(DEEP[..., 0].astype(np.float64)), 64),
    "PPM": (lambda: pnm("P6", DEEP, 65535), 16),
    "PPM of 10 bits, with a comment": (lambda: pnm("P6", DEEP // 64, 1023, "# 4 4 255\n"), 10),
    "PPM in digits": (lambda: plain_ppm(DEEP, 65535), 16),
    "PGM": (lambda: pnm("P5", DEEP[..., 0], 65535), 16),
    "PGM of 12 bits": (lambda: pnm("P5", DEEP[..., 0] // 16, 4095), 12),
    "PNG grey": (lambda: png(DEEP[..., :1], 0), 16),
    "PNG RGB": (lambda: png(DEEP, 2), 16),
    "PNG grey with alpha": (lambda: png(np.concatenate([DEEP[..., :1], OPAQUE], -1), 4), 16),
    "PNG RGBA": (lambda: png(np.concatenate([DEEP, OPAQUE], -1), 6), 16),
    "JPEG of 12 bits": (deep_jpeg, 12),
    "BMP of 64 bits a pixel": (deep_bmp, 16),
}


@pytest.mark.parametrize("kind", REFUSED)
def test_deep_images_are_refused(tmp_path: Path, kind: str) -> None:
    make, bits = REFUSED[kind]
    path = tmp_path / "deep.png"  # whatever the name
    path.write_bytes(make())
    source = open_images(tmp_path)
    for read in (lambda: source.read(0), lambda: image_size(source.read_bytes(0), source.describe(0))):
        with pytest.raises(FFLError) as caught:
            read()
        assert str(caught.value).startswith(f"{path} has {bits} bits per channel")


OTHER_FORMATS = {
    "AVIF": lambda: saved("AVIF"),
    "JPEG 2000": lambda: saved("JPEG2000"),
    "SGI": lambda: saved("SGI"),
    "PAM": lambda: b"P7\nWIDTH 1\nHEIGHT 1\nDEPTH 3\nMAXVAL 65535\nTUPLTYPE RGB\nENDHDR\n" + bytes(range(6)),
    "PFM": lambda: b"PF\n1 1\n-1.0\n" + np.ones(3, "<f4").tobytes(),
}


def saved(kind: str) -> bytes:
    stream = io.BytesIO()
    try:
        Image.fromarray(picture(1)).save(stream, kind)
    except (KeyError, OSError):
        pytest.skip(f"this Pillow does not write {kind}")
    return stream.getvalue()


@pytest.mark.parametrize("kind", OTHER_FORMATS)
def test_formats_whose_depth_is_not_known_are_refused_whatever_their_depth(kind: str) -> None:
    with pytest.raises(FFLError, match=r"^a\.png is not an image in a supported format"):
        decode(OTHER_FORMATS[kind](), "a.png")


ACCEPTED = {
    "TIFF": lambda: tiff(picture(3), photometric="rgb"),
    "BigTIFF": lambda: tiff(picture(3), photometric="rgb", bigtiff=True),
    "PPM": lambda: pnm("P6", picture(3), 255, "# 65535\n"),
}


@pytest.mark.parametrize("kind", ACCEPTED)
def test_eight_bits_are_read_as_they_are(kind: str) -> None:
    assert np.array_equal(decode(ACCEPTED[kind](), "a"), picture(3))
    assert image_size(ACCEPTED[kind](), "a") == (24, 32)


def test_a_damaged_tag_leaves_the_sentence_to_the_decoder() -> None:
    data = tiff(picture(3), photometric="rgb")
    with pytest.raises(FFLError, match=r"damaged|cannot be read|not an image"):
        decode(data[:60], "a.tif")


def test_label_maps_may_be_deep_and_are_not_rescaled() -> None:
    classes = np.arange(24 * 32).reshape(24, 32) % 300
    for data in (pnm("P5", classes, 65535), tiff(classes.astype(np.uint16))):
        assert np.array_equal(decode_labels(data, "a"), classes)
    assert np.array_equal(decode_labels(pnm("P5", classes % 19, 255), "a"), classes % 19)
    with pytest.raises(FFLError, match=r"^a\.pgm declares 18 as its largest value; save .* as PNG"):
        decode_labels(pnm("P5", classes % 19, 18), "a.pgm")
