"""How an image file is compressed: lossy compression changes spectra, FID and the scores of pairs."""

from __future__ import annotations

from typing import Optional

_JPEG = b"\xff\xd8\xff"
_LOSSLESS_WEBP, _LOSSY_WEBP = b"VP8L", b"VP8 "


def lossy_format(data: bytes) -> Optional[str]:
    """Return the lossy format of an encoded image, "JPEG" or "WebP"; None if it is lossless or unknown."""
    if data.startswith(_JPEG):
        return "JPEG"
    if data[:4] == b"RIFF" and data[8:12] == b"WEBP":
        return "WebP" if _first_picture(data) == _LOSSY_WEBP else None
    return None


def _first_picture(data: bytes) -> bytes:
    """Return the type of the first WebP chunk with pixels, which others may precede, as a colour profile."""
    start = 12
    while start + 8 <= len(data):
        kind, size = data[start : start + 4], int.from_bytes(data[start + 4 : start + 8], "little")
        if kind in (_LOSSLESS_WEBP, _LOSSY_WEBP):
            return kind
        start += 8 + size + size % 2  # chunks have even lengths
    return b""
