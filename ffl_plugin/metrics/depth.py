"""Bits per channel, as declared in an image file.

Pillow opens many deep images in an 8-bit mode and silently keeps their high bytes, so its mode is not enough.
The declaration is read from the file: PNG's IHDR, TIFF's BitsPerSample, the maximum value in Netpbm's header,
the sample precision in JPEG's frame header, the pixel size in BMP's.
"""

from __future__ import annotations

import io
import re
import struct
from typing import Callable, Optional

from PIL.TiffImagePlugin import BITSPERSAMPLE, ImageFileDirectory_v2

_BLANK = rb"(?:\s|#[^\r\n]*[\r\n])+"
_NETPBM = re.compile(rb"P\w+" + (_BLANK + rb"\d+") * 2 + _BLANK + rb"(\d+)")
# JPEG markers that start a frame: SOF0 to SOF15, except the three that define tables.
_START_OF_FRAME = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}
_JPEG_MARKERS_ALONE = frozenset({0x01, *range(0xD0, 0xD9)})  # markers without a length


def declared_bits(data: bytes) -> Optional[int]:
    """Return the maximum bits per channel of an encoded image; None if the format does not declare it.

    A damaged header gives None: decoding will report the damage.
    """
    for signature, bits in _FORMATS.items():
        if data.startswith(signature):
            try:
                return bits(data)
            except Exception:  # Pillow's tag reader may raise anything on damage
                return None
    return None


def netpbm_maximum(data: bytes) -> Optional[int]:
    """Return the value of white in a grey or colour Netpbm image (PGM, PPM); None for other formats."""
    if data[:2] not in (b"P2", b"P3", b"P5", b"P6"):
        return None
    header = _NETPBM.match(data)
    return int(header[1]) if header else None


def _png(data: bytes) -> int:
    return data[24]


def _tiff(data: bytes) -> int:
    big = data[2:4] in (b"\x2b\0", b"\0\x2b")  # BigTIFF
    directory = ImageFileDirectory_v2(data[: 16 if big else 8])
    stream = io.BytesIO(data)
    stream.seek(directory.next)
    directory.load(stream)
    return int(max(directory.get(BITSPERSAMPLE, (1,))))


def _netpbm(data: bytes) -> Optional[int]:
    maximum = netpbm_maximum(data)
    return None if maximum is None else maximum.bit_length()


def _jpeg(data: bytes) -> Optional[int]:
    position = 2
    while data[position] == 0xFF:
        marker = data[position + 1]
        if marker in _START_OF_FRAME:
            return data[position + 4]
        if marker == 0xFF:  # padding
            position += 1
        elif marker in _JPEG_MARKERS_ALONE:
            position += 2
        else:
            position += 2 + int(struct.unpack_from(">H", data, position + 2)[0])
    return None


def _bmp(data: bytes) -> int:
    (bits,) = struct.unpack_from("<H", data, 28)  # of a pixel
    return 16 if bits == 64 else 8


_FORMATS: dict[bytes, Callable[[bytes], Optional[int]]] = {
    b"\x89PNG\r\n\x1a\n": _png,
    b"II": _tiff,
    b"MM": _tiff,
    b"P": _netpbm,
    b"\xff\xd8\xff": _jpeg,
    b"BM": _bmp,
}
