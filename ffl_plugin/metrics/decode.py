"""Decoding of images to 8-bit RGB, refusing what an 8-bit protocol does not define."""

from __future__ import annotations

import io
import threading
import warnings

import numpy as np
import numpy.typing as npt
from PIL import Image, UnidentifiedImageError

from ffl_plugin.errors import FFLError
from ffl_plugin.metrics.depth import declared_bits, netpbm_maximum

Pixels = npt.NDArray[np.uint8]

# The extensions that pytorch-fid lists, all decoded by Pillow.
EXTENSIONS = frozenset({".bmp", ".jpeg", ".jpg", ".pgm", ".png", ".ppm", ".tif", ".tiff", ".webp"})
# Pillow detects formats by content, and would pass PostScript named .png to Ghostscript, which executes it.
_FORMATS = ("BMP", "JPEG", "PNG", "PPM", "TIFF", "WEBP")

# Warning filters are global to the process: only one thread at a time may change them.
_WARNING_FILTERS = threading.Lock()

_EIGHT_BIT_MODES = frozenset({"1", "L", "LA", "P", "PA", "RGB", "RGBA", "RGBX", "CMYK", "YCbCr"})

_TIFF_KIND = 254  # NewSubfileType
_TIFF_REDUCED_OR_MASK = 0b101


def refuse_transparency(data: bytes, where: str) -> None:
    """Raise ``FFLError`` if an image's header declares an alpha channel."""
    with _opened(data, where) as image:
        if image.mode in ("LA", "PA", "RGBA") or "transparency" in image.info:
            raise FFLError(
                f"{where} has transparency, which StyleGAN2-ADA's data sets do not allow; flatten it to RGB, "
                "or use the protocol pytorch-fid or clean, which drop it"
            )


def decode(data: bytes, where: str) -> Pixels:
    """Decode one image to uint8 RGB (H, W, 3); grey becomes three equal channels, palettes their colours.

    Transparency is dropped, as pytorch-fid and clean-fid do. Of orientation tags only a TIFF's is applied, by
    Pillow itself, as in those. ``where`` names the file in messages.

    Raises ``FFLError`` for unreadable images, several in one file, and more than 8 bits per channel.
    """
    with _opened(data, where) as image:
        image.info.pop("transparency", None)  # Pillow would warn that it is dropped
        try:
            return np.array(image.convert("RGB"))
        except (OSError, SyntaxError, ValueError, EOFError) as error:
            raise FFLError(
                f"{where} is damaged ({_reason(error)}); recreate it or remove it from the set"
            ) from None


def decode_labels(data: bytes, where: str) -> npt.NDArray[np.int64]:
    """Decode a label map, one class index per pixel, to int64 (H, W); palettes give their indices."""
    maximum = netpbm_maximum(data)
    if maximum not in (None, 255, 65535):
        # Pillow rescales such values to the whole range, which would change the classes.
        raise FFLError(f"{where} declares {maximum} as its largest value; save the label map as PNG")
    with _opened(data, where, sixteen_bits=True) as image:
        if image.mode not in ("1", "L", "P", "I", "I;16", "I;16B"):
            raise FFLError(
                f"{where} is a colour image ({image.mode}), not a label map; save one class index per pixel"
            )
        try:
            return np.asarray(image).astype(np.int64)
        except (OSError, SyntaxError, ValueError, EOFError) as error:
            raise FFLError(f"{where} is damaged ({_reason(error)}); recreate it") from None


def image_size(data: bytes, where: str) -> tuple[int, int]:
    """Return (height, width) of what ``decode`` gives: from the header, but of a TIFF from its pixels."""
    with _opened(data, where) as image:
        if image.format != "TIFF":  # Pillow 10 turns a TIFF by its orientation only with the pixels
            return image.height, image.width
    height, width, _ = decode(data, where).shape
    return height, width


def _opened(data: bytes, where: str, *, sixteen_bits: bool = False) -> Image.Image:
    if not data:
        raise FFLError(f"{where} is an empty file; recreate it or remove it from the set")
    try:
        with _WARNING_FILTERS, warnings.catch_warnings():
            warnings.simplefilter("ignore", UserWarning)  # damaged tags: relevant damage fails on decoding
            # Pillow only warns between one and two times its limit; here both are errors.
            warnings.simplefilter("error", Image.DecompressionBombWarning)
            bits = None if sixteen_bits else declared_bits(data)
            if bits is not None and bits > 8:
                raise _too_deep(where, f"{bits} bits per channel")
            image = Image.open(io.BytesIO(data), formats=_FORMATS)
            several = _has_several(image)
    except (Image.DecompressionBombWarning, Image.DecompressionBombError):
        raise FFLError(
            f"{where} declares more pixels than Pillow decodes safely; remove it from the set"
        ) from None
    except UnidentifiedImageError:
        raise FFLError(
            f"{where} is not an image in a supported format ({', '.join(_FORMATS)}); "
            "convert it to 8-bit PNG or remove it from the set"
        ) from None
    except (OSError, SyntaxError, ValueError, EOFError) as error:
        raise FFLError(
            f"{where} cannot be read as an image ({_reason(error)}); remove it from the set"
        ) from None
    if not sixteen_bits and image.mode not in _EIGHT_BIT_MODES:
        raise _too_deep(
            where,
            "16 bits per channel"
            if image.mode.startswith("I;16")
            else f"pixels of Pillow's type {image.mode}",
        )
    if several:
        raise FFLError(
            f"{where} contains several images (frames or pages), of which only the first would count; "
            "save each as a file of its own"
        )
    return image


def _has_several(image: Image.Image) -> bool:
    """Whether a file is an animation or has several pages.

    Thumbnails and masks in a TIFF do not count, nor does the second picture that cameras add to a JPEG (MPO).
    """
    if image.format != "TIFF":
        return image.format in ("PNG", "WEBP") and getattr(image, "n_frames", 1) > 1
    try:
        image.seek(1)
        while image.tag_v2.get(_TIFF_KIND, 0) & _TIFF_REDUCED_OR_MASK:  # type: ignore[attr-defined]
            image.seek(image.tell() + 1)
        return True
    except Exception:  # no further page, or damage that does not reach the first
        return False
    finally:
        image.seek(0)


def _too_deep(where: str, depth: str) -> FFLError:
    return FFLError(f"{where} has {depth}, but these metrics are defined on 8 bits; convert it to 8-bit RGB")


def _reason(error: Exception) -> str:
    return str(error).rstrip(".") or type(error).__name__
