from __future__ import annotations

import io
import json
import zipfile
from pathlib import Path
from typing import Callable

import numpy as np
import pytest
from pictures import picture, png, save
from PIL import Image, TiffImagePlugin

from ffl_plugin.errors import FFLError
from ffl_plugin.metrics import measure_spectra, open_images
from ffl_plugin.metrics.decode import decode, image_size

ORIENTATION = 274


def make_zip(path: Path, members: dict[str, bytes]) -> Path:
    with zipfile.ZipFile(path, "w") as archive:
        for name, data in members.items():
            archive.writestr(name, data)
    return path


def test_folder_is_read_nested_sorted_and_without_hidden_files(tmp_path: Path) -> None:
    for name in ("b/2.png", "a.png", "b/1.JPG", ".hidden/x.png", "._a.png", "notes.txt"):
        save(tmp_path / name, picture(1)) if name != "notes.txt" else (tmp_path / name).write_text("hi")
    source = open_images(tmp_path)
    assert source.names == ("a.png", "b/1.JPG", "b/2.png")
    assert len(source) == 3
    assert np.array_equal(source.read(2), picture(1))


def test_links_to_folders_are_followed_and_loops_end(tmp_path: Path) -> None:
    save(tmp_path / "elsewhere" / "a.png", picture(1))
    folder = tmp_path / "set"
    folder.mkdir()
    (folder / "linked").symlink_to(tmp_path / "elsewhere")
    (folder / "loop").symlink_to(folder)
    assert open_images(folder).names == ("linked/a.png",)


def test_stylegan_dataset_zip_is_read_without_extracting(tmp_path: Path) -> None:
    members = {f"00000/img{index:08d}.png": png(picture(index)) for index in (1, 0)}
    members["dataset.json"] = json.dumps({"labels": None}).encode()
    members["__MACOSX/00000/._img.png"] = b"resource fork"
    path = make_zip(tmp_path / "faces.zip", members)
    source = open_images(path)
    assert source.names == ("00000/img00000000.png", "00000/img00000001.png")
    assert np.array_equal(source.read(1), picture(1))
    assert source.describe(1) == f"{path}: 00000/img00000001.png"
    assert [entry.name for entry in tmp_path.iterdir()] == ["faces.zip"]


def test_subset_keeps_its_own_order(tmp_path: Path) -> None:
    for index in range(4):
        save(tmp_path / f"{index}.png", picture(index))
    subset = open_images(tmp_path).subset([3, 1])
    assert subset.names == ("3.png", "1.png")
    assert np.array_equal(subset.read(0), picture(3))


def encoded(image: Image.Image, kind: str, **options: object) -> bytes:
    stream = io.BytesIO()
    image.save(stream, kind, **options)
    return stream.getvalue()


RGB = Image.fromarray(picture(5))


def thumbnailed() -> bytes:
    """A TIFF whose second page is declared a reduced version of the first."""
    stream = io.BytesIO()
    with TiffImagePlugin.AppendingTiffWriter(stream, True) as writer:
        for image, kind in ((RGB, 0), (RGB.resize((16, 12)), 1)):
            image.save(writer, "TIFF", tiffinfo={254: kind})
            writer.newFrame()
    return stream.getvalue()


def several(kind: str) -> bytes:
    """Two images of one size in a file."""
    lossless = {"lossless": True} if kind == "WEBP" else {}
    other = Image.fromarray(picture(6))
    return encoded(RGB, kind, save_all=True, append_images=[other], **lossless)


GREY = RGB.convert("L")
ACCEPTED = {
    "grey": (encoded(GREY, "PNG"), np.asarray(GREY.convert("RGB"))),
    "palette": (encoded(RGB.quantize(8), "PNG"), np.asarray(RGB.quantize(8).convert("RGB"))),
    "transparent palette": (
        encoded(RGB.quantize(8), "PNG", transparency=bytes(range(8))),
        np.asarray(RGB.quantize(8).convert("RGB")),
    ),
    "transparent": (encoded(RGB.convert("RGBA"), "PNG"), picture(5)),
    "one-bit": (encoded(RGB.convert("1"), "PNG"), np.asarray(RGB.convert("1").convert("RGB"))),
    "webp": (encoded(RGB, "WEBP"), None),
    "jpeg": (encoded(RGB, "JPEG"), None),
    "cmyk jpeg": (encoded(RGB.convert("CMYK"), "JPEG"), None),
    "tiff": (encoded(RGB, "TIFF"), picture(5)),
    "tiff with a thumbnail": (thumbnailed(), picture(5)),
    "jpeg of a camera, with a second picture": (
        encoded(RGB, "MPO", save_all=True, append_images=[RGB.resize((8, 6))]),
        None,
    ),
}


@pytest.mark.parametrize("kind", ACCEPTED)
def test_every_eight_bit_kind_becomes_rgb(tmp_path: Path, kind: str) -> None:
    data, expected = ACCEPTED[kind]
    (tmp_path / "a.png").write_bytes(data)
    pixels = open_images(tmp_path).read(0)
    assert pixels.shape == (24, 32, 3)
    assert pixels.dtype == np.uint8
    if expected is not None:
        assert np.array_equal(pixels, expected)


@pytest.mark.parametrize(
    ("kind", "expected"),
    [("PNG", picture(5)), ("TIFF", np.rot90(picture(5), -1))],
)
def test_only_a_tiff_is_turned_by_its_orientation(kind: str, expected: np.ndarray) -> None:
    exif = Image.Exif()
    exif[ORIENTATION] = 6
    data = encoded(RGB, kind, exif=exif)
    assert np.array_equal(decode(data, "a"), expected)
    assert image_size(data, "a") == expected.shape[:2]


def deep_grey() -> bytes:
    return encoded(Image.fromarray(picture(1)[:, :, 0].astype(np.uint16) * 257), "PNG")


def deep_rgb() -> bytes:
    """An RGB PNG that declares 16 bits: Pillow would silently keep the high bytes only."""
    data = bytearray(png(picture(1)))
    data[24] = 16
    return bytes(data)


def bomb() -> bytes:
    """A PNG whose header claims 60,000 by 60,000 pixels."""
    import struct
    import zlib

    header = struct.pack(">IIBBBBB", 60000, 60000, 8, 2, 0, 0, 0)
    chunk = b"IHDR" + header
    return (
        b"\x89PNG\r\n\x1a\n"
        + struct.pack(">I", 13)
        + chunk
        + struct.pack(">I", zlib.crc32(chunk))
        + png(picture(1))[33:]
    )


UNREADABLE = {
    "empty": (lambda: b"", "is an empty file"),
    "text": (lambda: b"<html>not found</html>", "is not an image"),
    "truncated": (lambda: png(picture(1))[:700], "is damaged"),
    "header only": (lambda: png(picture(1))[:40], "damaged|not an image"),
    "sixteen-bit grey": (deep_grey, "16 bits per channel"),
    "sixteen-bit RGB": (deep_rgb, "16 bits per channel"),
    "float TIFF": (
        lambda: encoded(Image.fromarray(np.zeros((9, 9), np.float32)), "TIFF"),
        "32 bits per channel",
    ),
    "decompression bomb": (bomb, "declares more pixels"),
    "pages": (lambda: several("TIFF"), "contains several images"),
    "an animated PNG": (lambda: several("PNG"), "contains several images"),
    "an animated WebP": (lambda: several("WEBP"), "contains several images"),
    "colours of a printer": (lambda: encoded(RGB.convert("LAB"), "TIFF"), "type LAB, but"),
}


@pytest.mark.parametrize("kind", UNREADABLE)
def test_unreadable_images_are_named_in_one_sentence(tmp_path: Path, kind: str) -> None:
    make, message = UNREADABLE[kind]
    save(tmp_path / "a.png", picture(0))
    (tmp_path / "b.png").write_bytes(make())
    source = open_images(tmp_path)
    with pytest.raises(FFLError, match=message) as caught:
        source.read(1)
    assert str(caught.value).startswith(str(tmp_path / "b.png"))
    assert "\n" not in str(caught.value)


def test_mixed_sizes_name_both_images(tmp_path: Path) -> None:
    save(tmp_path / "a.png", picture(0))
    save(tmp_path / "b.png", picture(0, height=20))
    with pytest.raises(FFLError, match=r"a\.png is 32x24 and .*b\.png is 32x20"):
        measure_spectra(open_images(tmp_path))


def missing(tmp_path: Path) -> Path:
    return tmp_path / "nowhere"


def empty_folder(tmp_path: Path) -> Path:
    return tmp_path


def single_image(tmp_path: Path) -> Path:
    return save(tmp_path / "a.png", picture(0))


def not_a_zip(tmp_path: Path) -> Path:
    path = tmp_path / "set.zip"
    path.write_bytes(b"not a zip")
    return path


def cut_zip(tmp_path: Path) -> Path:
    path = make_zip(tmp_path / "set.zip", {"a.png": png(picture(0))})
    path.write_bytes(path.read_bytes()[:-30])
    return path


def zip_without_images(tmp_path: Path) -> Path:
    return make_zip(tmp_path / "set.zip", {"readme.txt": b"hello"})


def other_formats(tmp_path: Path) -> Path:
    for name in ("1.gif", "2.AVIF", "3.avif", "readme.txt"):
        (tmp_path / name).write_bytes(b"")
    return tmp_path


def zip_of_other_formats(tmp_path: Path) -> Path:
    return make_zip(tmp_path / "set.zip", {"1.heic": b"", "readme.txt": b"hello"})


def climbing_zip(tmp_path: Path) -> Path:
    return make_zip(tmp_path / "set.zip", {"../../evil.png": png(picture(0))})


def absolute_zip(tmp_path: Path) -> Path:
    return make_zip(tmp_path / "set.zip", {"/etc/evil.png": png(picture(0))})


def windows_zip(tmp_path: Path) -> Path:
    return make_zip(tmp_path / "set.zip", {"C:\\evil.png": png(picture(0))})


def training_run(tmp_path: Path) -> Path:
    save(tmp_path / "fakes000000.png", picture(0))
    (tmp_path / "training_options.json").write_text("{}")
    (tmp_path / "network-snapshot-000000.pkl").write_bytes(b"")
    return tmp_path


def result_folder(tmp_path: Path) -> Path:
    save(tmp_path / "1_fake_B.png", picture(0))
    save(tmp_path / "1_real_B.png", picture(1))
    return tmp_path


REFUSED: dict[str, tuple[Callable[[Path], Path], str]] = {
    "missing": (missing, "does not exist"),
    "empty folder": (empty_folder, "contains no images"),
    "single image": (single_image, "is a file, not a set of images"),
    "not a zip": (not_a_zip, "is not a complete zip archive"),
    "cut zip": (cut_zip, "is not a complete zip archive"),
    "zip without images": (zip_without_images, "contains no images"),
    "other formats": (other_formats, r"3 images in formats that are not read \(AVIF, GIF\); convert them"),
    "zip of other formats": (zip_of_other_formats, r"1 image in formats that are not read \(HEIC\); convert"),
    "climbing zip": (climbing_zip, "has a member outside itself"),
    "absolute zip": (absolute_zip, "has a member outside itself"),
    "Windows zip": (windows_zip, "has a member outside itself"),
    "training run": (training_run, "is a StyleGAN training run"),
    "result folder without a role": (result_folder, "specify the role"),
}


@pytest.mark.parametrize("kind", REFUSED)
def test_what_is_no_set_of_images_is_refused_in_one_sentence(tmp_path: Path, kind: str) -> None:
    make, message = REFUSED[kind]
    path = make(tmp_path)
    before = sorted(tmp_path.rglob("*"))
    with pytest.raises(FFLError, match=message) as caught:
        open_images(path)
    assert str(path) in str(caught.value)
    assert "\n" not in str(caught.value)
    assert sorted(tmp_path.rglob("*")) == before


@pytest.mark.parametrize("kind", ["damaged", "encrypted", "huge"])
def test_members_that_cannot_be_read_are_named(tmp_path: Path, kind: str) -> None:
    path = make_zip(tmp_path / "set.zip", {"a.png": png(picture(0))})
    data = bytearray(path.read_bytes())
    directory = data.index(b"PK\x01\x02")
    if kind == "damaged":
        data[60] ^= 0xFF
    elif kind == "encrypted":
        data[6] |= 1
        data[directory + 8] |= 1
    else:
        data[directory + 24 : directory + 28] = (2**31).to_bytes(4, "little")
    path.write_bytes(data)
    source = open_images(path)
    with pytest.raises(FFLError, match={"huge": "unpacks to"}.get(kind, kind)) as caught:
        source.read(0)
    assert str(caught.value).startswith(f"{path}: a.png")


@pytest.mark.parametrize("archived", [False, True], ids=["folder", "zip"])
def test_images_in_formats_that_are_not_read_are_noted(tmp_path: Path, archived: bool) -> None:
    members = {"1.png": png(picture(0)), "2.jxl": b"", "3.jxl": b"", ".4.gif": b"", "readme.txt": b""}
    folder = tmp_path / "set"
    folder.mkdir()
    for name, data in members.items():
        (folder / name).write_bytes(data)
    source = open_images(make_zip(tmp_path / "set.zip", members) if archived else folder)
    assert source.names == ("1.png",)
    [note] = source.notes
    assert "2 images of 3 left out" in note and "(JXL)" in note and str(source.path) in note
