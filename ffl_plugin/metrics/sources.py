"""Ordered sets of images, read one at a time from folders and zip archives."""

from __future__ import annotations

import functools
import os
import zipfile
import zlib
from collections.abc import Iterable, Sequence
from pathlib import Path, PurePosixPath

from ffl_plugin.errors import FFLError
from ffl_plugin.metrics.decode import EXTENSIONS, Pixels, decode

# Formats of images that are not read here. GIF has 256 colours, the others need decoders of their own.
UNREAD = frozenset({".apng", ".avif", ".exr", ".gif", ".heic", ".heif", ".jfif", ".jp2", ".jxl", ".tga"})

# An archive member that declares a larger size is a mistake or an attack.
_LARGEST_MEMBER = 512 * 2**20


class SizesDiffer(FFLError):
    """Images of one size are required, but sizes differ."""


class ImageSource:
    """A finite, ordered set of images.

    ``names`` are relative paths with ``/``, sorted, so that the order is the same on every machine. ``path``
    is the user's path, ``notes`` are remarks for the reader of the numbers, and ``preparation`` describes how
    they were resized. Subclasses define ``read_bytes``; only the names are kept in memory.
    """

    notes: tuple[str, ...] = ()
    preparation: str = ""

    def __init__(self, path: Path, names: Iterable[str]) -> None:
        """Store the path and the names, in the given order."""
        self.path = path
        self.names = tuple(names)

    def __len__(self) -> int:
        """Return the number of images."""
        return len(self.names)

    def __repr__(self) -> str:
        """Show the class, the path and the number of images."""
        return f"{type(self).__name__}({str(self.path)!r}, {len(self)} images)"

    def read_bytes(self, index: int) -> bytes:
        """Return the encoded bytes of one image; raises ``FFLError`` naming the file if it cannot be read."""
        raise NotImplementedError

    @functools.cached_property
    def first(self) -> bytes:
        """The encoded bytes of the first image, which has the size of all: read once."""
        return self.read_bytes(0)

    def describe(self, index: int) -> str:
        """Name one image in a message."""
        return str(self.path / self.names[index])

    def read(self, index: int) -> Pixels:
        """Decode one image to uint8 RGB (H, W, 3)."""
        return decode(self.read_bytes(index), self.describe(index))

    def subset(self, indices: Sequence[int]) -> ImageSource:
        """Return the images at ``indices``, in that order, as a new source."""
        return _Subset(self, indices)


class FolderSource(ImageSource):
    """Files below a folder."""

    def read_bytes(self, index: int) -> bytes:
        """Read one file."""
        try:
            return (self.path / self.names[index]).read_bytes()
        except OSError as error:
            raise FFLError(
                f"{self.describe(index)} cannot be read ({error.strerror or error}); make it readable or "
                "remove it from the set"
            ) from None


class ZipSource(ImageSource):
    """Members of a zip archive, read without extracting, such as StyleGAN2-ADA's data sets."""

    def __init__(self, path: Path, archive: zipfile.ZipFile, names: Iterable[str]) -> None:
        """Store the open archive; several threads may read from it."""
        super().__init__(path, names)
        self._archive = archive

    def describe(self, index: int) -> str:
        """Name the archive and the member."""
        return f"{self.path}: {self.names[index]}"

    def read_bytes(self, index: int) -> bytes:
        """Read one member; its checksum is verified."""
        try:
            member = self._archive.getinfo(self.names[index])
            if member.file_size > _LARGEST_MEMBER:
                raise FFLError(
                    f"{self.describe(index)} unpacks to {member.file_size:,} bytes, which no image needs; "
                    "remove it from the archive"
                )
            return self._archive.read(member)
        except RuntimeError:
            raise FFLError(
                f"{self.describe(index)} is encrypted; recreate the archive without a password"
            ) from None
        except (zipfile.BadZipFile, zlib.error, EOFError, OSError, NotImplementedError) as error:
            raise FFLError(f"{self.describe(index)} is damaged ({error}); recreate the archive") from None


class _Subset(ImageSource):
    def __init__(self, parent: ImageSource, indices: Sequence[int]) -> None:
        super().__init__(parent.path, (parent.names[index] for index in indices))
        self.notes, self.preparation = parent.notes, parent.preparation
        self._parent = parent
        self._indices = tuple(indices)

    def describe(self, index: int) -> str:
        return self._parent.describe(self._indices[index])

    def read_bytes(self, index: int) -> bytes:
        return self._parent.read_bytes(self._indices[index])

    def read(self, index: int) -> Pixels:
        return self._parent.read(self._indices[index])


def open_folder(path: Path) -> FolderSource:
    """Open all images below a folder, except hidden files and folders, following links to folders once.

    Raises ``FFLError`` if there are none.
    """
    files_found: list[str] = []
    visited: set[str] = set()
    for folder, folders, files in os.walk(path, followlinks=True, onerror=_refuse_folder):
        real = os.path.realpath(folder)
        if real in visited:
            folders.clear()
            continue
        visited.add(real)
        folders[:] = [name for name in folders if not name.startswith(".")]
        relative = Path(folder).relative_to(path)
        files_found += [(relative / name).as_posix() for name in files if not name.startswith(".")]
    names, notes = _images(path, files_found)
    source = FolderSource(path, sorted(names))
    source.notes = notes
    return source


def open_zip(path: Path) -> ZipSource:
    """Open all images of a zip archive, except hidden ones and macOS's ``__MACOSX``.

    Raises ``FFLError`` if it is not a zip archive, contains no images, or has members outside itself.
    """
    try:
        archive = zipfile.ZipFile(path)
    except (zipfile.BadZipFile, EOFError, NotImplementedError):
        raise FFLError(f"{path} is not a complete zip archive; create or download it again") from None
    except OSError as error:
        raise FFLError(f"{path} cannot be read: {error.strerror or error}") from None
    visible = []
    for name in archive.namelist():
        parts = PurePosixPath(name.replace("\\", "/")).parts
        if ".." in parts or (parts and (parts[0] == "/" or parts[0].endswith(":"))):
            archive.close()
            raise FFLError(
                f"{path} has a member outside itself ({name!r}); recreate the archive relative to its folder"
            )
        hidden = any(part.startswith(".") or part == "__MACOSX" for part in parts)
        if not hidden:
            visible.append(name)
    try:
        names, notes = _images(path, visible)
    except FFLError:
        archive.close()
        raise
    if len(set(names)) < len(names):
        twice = next(name for name in names if names.count(name) > 1)
        archive.close()
        raise FFLError(f"{path} contains {twice} twice; recreate the archive")
    source = ZipSource(path, archive, sorted(names))
    source.notes = notes
    return source


def mixed_sizes(name_a: str, size_a: tuple[int, int], name_b: str, size_b: tuple[int, int]) -> SizesDiffer:
    """Return the error for two images of different (height, width)."""
    return SizesDiffer(
        f"the images differ in size: {name_a} is {size_a[1]}x{size_a[0]} and {name_b} is "
        f"{size_b[1]}x{size_b[0]}; resize them to one size first"
    )


def _images(path: Path, files: Iterable[str]) -> tuple[list[str], tuple[str, ...]]:
    """Return the images among files, and a note on images in formats that are not read.

    Raises ``FFLError`` if there are no images.
    """
    names, others = [], []
    for name in files:
        suffix = PurePosixPath(name).suffix.lower()
        if suffix in EXTENSIONS:
            names.append(name)
        elif suffix in UNREAD:
            others.append(name)
    kinds = ", ".join(sorted({PurePosixPath(name).suffix.lower()[1:].upper() for name in others}))
    if not names:
        known = ", ".join(sorted(extension[1:] for extension in EXTENSIONS))
        found = f", but {_count(len(others))} in formats that are not read ({kinds})" if others else ""
        step = "convert them to PNG" if others else "pass the folder or zip that does"
        raise FFLError(f"{path} contains no images ({known}){found}; {step}")
    note = (
        f"{path}: {_count(len(others))} of {len(names) + len(others)} left out, in formats that are not read "
        f"({kinds}); convert them to PNG to include them."
    )
    return names, (note,) if others else ()


def _count(number: int) -> str:
    return f"{number} image" if number == 1 else f"{number} images"


def _refuse_folder(error: OSError) -> None:
    raise FFLError(f"{error.filename} cannot be read: {error.strerror or error}")
