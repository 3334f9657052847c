"""The loss on a CPU in C, with MKL's transforms; compiled once, in about a second, if there is a compiler.

Optional: without a compiler, with ``FFL_NATIVE=0``, in a torch without MKL, and for all but dense float32
images on a CPU, torch operations compute the same in more passes. The library is cached under a hash of its
source, flags and compiler, and renamed into place, so concurrent processes need no lock.
"""

from __future__ import annotations

import ctypes
import functools
import hashlib
import logging
import os
import platform
import shlex
import shutil
import subprocess
import tempfile
from pathlib import Path
from typing import Any, Optional

import torch
from torch import Tensor

from ffl_plugin.cache import cache_folder
from ffl_plugin.errors import FFLError
from ffl_plugin.mkl import Transform, mkl_of_torch

SOURCE = Path(__file__).with_name("native.c")
FLAGS = ("-O3", "-std=gnu11", "-fno-math-errno", "-ffp-contract=fast", "-fopenmp", "-fPIC")
SECONDS = 60  # compiler timeout
WORTH_A_THREAD = 16384  # pixels per thread

logger = logging.getLogger(__name__)


class LoopsUnavailable(FFLError):
    """The native loops cannot be used; the message says why."""


class Loops:
    """The functions of ``native.c``, for float32 tensors accepted by :func:`loops_for`."""

    def __init__(self, library: ctypes.CDLL, mkl: Any) -> None:
        """Declare the functions of the library; raises AttributeError if one is missing."""
        pointer, size, integer = ctypes.c_void_p, ctypes.c_ssize_t, ctypes.c_int
        self._library, self._mkl = library, mkl
        library.make_transform.argtypes = [pointer, size, size, integer, integer, integer, pointer]
        library.make_transform.restype = ctypes.c_long
        library.discard_transform.argtypes = [pointer, pointer]
        library.discard_transform.restype = None
        library.scratch_floats.argtypes = [size] * 3
        library.scratch_floats.restype = size
        library.focal_distance.argtypes = [
            *[pointer] * 5, *[size] * 5, ctypes.c_float, *[pointer] * 6, integer, integer
        ]  # fmt: skip
        library.focal_distance.restype = ctypes.c_long
        library.mean_difference.argtypes = [pointer, size, pointer, size, pointer, size, integer]
        library.mean_difference.restype = None
        self._transforms = functools.lru_cache(maxsize=32)(self._prepare)

    def focal_distance(
        self, scale: float, pred: Tensor, target: Optional[Tensor] = None
    ) -> tuple[Tensor, Tensor, Tensor, Tensor, Tensor]:
        """Return ``scale`` F⁻¹(w D), D the spectra of pred - target (or of pred), and w = |D| / max |D|.

        Args:
            scale: a factor of the result.
            pred: (N, C, H, W), contiguous or channels_last.
            target: of the same shape, in either layout.

        Returns:
            scale F⁻¹(w D), in pred's layout; the means of w |D|², (N,), and their mean, (); per plane the
            sums of w |D|² and the maxima of |D|², both (N · C,).
        """
        images, depth, height, width = pred.shape
        layout = _layout_of(pred)
        interleaved = 1 if layout == torch.contiguous_format else depth
        groups = images * depth // interleaved
        outer, inner = _teams(groups, interleaved * height * width)
        forward, backward = self._transforms(height, width, interleaved > 1, inner)
        floats = outer * self._library.scratch_floats(interleaved, height, width)
        # new_empty and empty_like ignore torch.set_default_device.
        gradient, scratch = torch.empty_like(pred, memory_format=layout), pred.new_empty(floats)
        target = None if target is None else target.contiguous(memory_format=layout)
        energy, highest = pred.new_empty(images * depth), pred.new_empty(images * depth)
        distances, mean = pred.new_empty(images), pred.new_empty(())
        failed = self._library.focal_distance(
            self._mkl,
            forward.pointer,
            backward.pointer,
            pred.data_ptr(),
            None if target is None else target.data_ptr(),
            groups,
            interleaved,
            height,
            width,
            depth,
            scale,
            *(each.data_ptr() for each in (gradient, energy, highest, distances, mean, scratch)),
            outer,
            inner,
        )
        if failed:
            raise RuntimeError(f"MKL cannot transform planes of {height} x {width}: error {failed}")
        return gradient, distances, mean, energy, highest

    def mean_difference(self, pred: Tensor, target: Tensor) -> Tensor:
        """Return mean(pred) - mean(target): (N, C, H, W), (M, C, H, W) -> (1, C, H, W), in pred's layout."""
        layout = _layout_of(pred)
        target = target.contiguous(memory_format=layout)
        difference = torch.empty_like(pred[:1], memory_format=layout)
        self._library.mean_difference(
            pred.data_ptr(),
            pred.shape[0],
            target.data_ptr(),
            target.shape[0],
            difference.data_ptr(),
            difference.numel(),
            torch.get_num_threads(),
        )
        return difference

    def _prepare(
        self, height: int, width: int, interleaved: bool, threads: int
    ) -> tuple[Transform, Transform]:
        """Return the in-place transform of planes and its inverse; planning costs more than a transform."""
        prepare = functools.partial(Transform, self._library, self._mkl, (height, width), threads=threads)
        return prepare(inverse=False, in_place=True), prepare(inverse=True, in_place=interleaved)


def _teams(groups: int, pixels: int) -> tuple[int, int]:
    """Return the number of threads over groups of planes, and within a plane; one of them is 1."""
    threads = torch.get_num_threads()
    if groups * pixels <= WORTH_A_THREAD:
        return 1, 1
    if groups >= 2 * threads or pixels <= WORTH_A_THREAD:
        return min(groups, threads), 1
    return 1, threads


def _layout_of(images: Tensor) -> torch.memory_format:
    """Return the memory format of (N, C, H, W) images; contiguous if both formats fit."""
    return torch.contiguous_format if images.is_contiguous() else torch.channels_last


def loops_for(*images: Tensor) -> Optional[Loops]:
    """Return the native loops if available for these images: float32, on the CPU, in a standard layout."""
    for image in images:
        plain = type(image) in (Tensor, torch.nn.Parameter) and image.device.type == "cpu"
        dense = image.is_contiguous(memory_format=_layout_of(image))
        if not (plain and dense and image.dtype == torch.float32) or image.is_neg():
            return None  # is_neg: the memory contains the negated values
    return loops()


@functools.cache
def loops() -> Optional[Loops]:
    """Return the native loops, compiled on first use, or None if unavailable; the log says why."""
    try:
        path = library_path()
        return cached_loops(path) or _built_loops(path)
    except LoopsUnavailable as reason:
        logger.info("native loops unavailable (%s); using torch operations", reason)
        return None


def library_path() -> Path:
    """Return the path of the cached library, which may not exist yet.

    Raises:
        LoopsUnavailable: they are switched off, or there is no compiler or no cache folder.
    """
    if os.environ.get("FFL_NATIVE") == "0":
        raise LoopsUnavailable("FFL_NATIVE=0 switches them off")
    made_of = b"\0".join([SOURCE.read_bytes(), *map(str.encode, (*FLAGS, *_compiler(), platform.platform()))])
    try:
        return cache_folder() / f"native-{hashlib.sha256(made_of).hexdigest()[:16]}.so"
    except FFLError as error:
        raise LoopsUnavailable(str(error)) from None


def cached_loops(path: Path) -> Optional[Loops]:
    """Return the loops of a cached library; None if it is missing or does not load."""
    try:
        return load_loops(path) if path.is_file() else None
    except LoopsUnavailable:
        return None


def load_loops(library: Path) -> Loops:
    """Load a library; raises LoopsUnavailable for a file that is not this library."""
    try:
        # Torch makes the symbols of its OpenMP runtime global; the library resolves them there.
        return Loops(ctypes.CDLL(str(library)), mkl_of_torch())
    except LookupError as error:
        raise LoopsUnavailable(str(error)) from None
    except (OSError, AttributeError) as error:
        raise LoopsUnavailable(f"{library.name} does not load: {error}") from None


def build_library(folder: Path) -> Path:
    """Compile the source in a folder and return the library; raises LoopsUnavailable on failure."""
    made, library = folder / "native.o", folder / "native.so"
    # Linked without -fopenmp, which would add a second OpenMP runtime whose threads compete with torch's.
    steps = ([*FLAGS, "-c", str(SOURCE), "-o", str(made)], ["-shared", str(made), "-o", str(library), "-lm"])
    for arguments in steps:
        command = [*_compiler(), *arguments]
        try:
            subprocess.run(command, check=True, capture_output=True, timeout=SECONDS)
        except subprocess.CalledProcessError as error:
            output = error.stderr.decode(errors="replace").strip().splitlines() or ["no error output"]
            raise LoopsUnavailable(f"{command[0]} failed: {output[0]}") from None
        except (OSError, subprocess.TimeoutExpired) as error:
            raise LoopsUnavailable(f"cannot run {command[0]}: {error}") from None
    return library


def _built_loops(path: Path) -> Loops:
    """Compile the library, move it to ``path`` and load it."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=path.parent, prefix=".native-") as folder:
            built = build_library(Path(folder))
            load_loops(built)  # so that a library that does not load is never cached
            built.replace(path)
    except OSError as error:
        raise LoopsUnavailable(f"cannot write {path.parent}: {error.strerror or error}") from None
    return load_loops(path)


def _compiler() -> list[str]:
    """Return the command of the C compiler, ``$CC`` first; raises LoopsUnavailable if there is none."""
    given = os.environ.get("CC", "")
    try:
        command = shlex.split(given)
    except ValueError as error:
        raise LoopsUnavailable(f"CC={given} is not a valid command: {error}") from None
    command = command or [found for found in map(shutil.which, ("cc", "gcc", "clang")) if found][:1]
    if not command:
        raise LoopsUnavailable("no C compiler found")
    return command
