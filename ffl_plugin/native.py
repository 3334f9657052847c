"""The loss's own loops over memory on a CPU, in C: built once, in a second, where there is a compiler.

Nothing depends on them. Without a compiler, with ``FFL_NATIVE=0``, and for all but contiguous float32 images
on a CPU, torch's operations do the same in more passes. The library is kept in the cache folder under a name
that says what it was made of, and gets there by a rename, so processes that start together need no lock.
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

SOURCE = Path(__file__).with_name("native.c")
FLAGS = ("-O3", "-std=gnu11", "-fno-math-errno", "-ffp-contract=fast", "-fopenmp", "-fPIC")
SECONDS = 60  # after which a compiler is given up

logger = logging.getLogger(__name__)


class LoopsMissing(FFLError):
    """The loops cannot be had; the message says why."""


class Loops:
    """The loops of ``native.c``, on float32 and complex64 tensors that :func:`loops_for` has looked at."""

    def __init__(self, library: ctypes.CDLL) -> None:
        """Declare the functions of the library; raises AttributeError if it lacks one."""
        pointer, size, integer = ctypes.c_void_p, ctypes.c_ssize_t, ctypes.c_int
        planes: list[Any] = [pointer, size, size, size]
        self._weigh, self._hartley, self._mean = library.weigh, library.hartley, library.mean_difference
        self._weigh.argtypes = [*planes, pointer, pointer, pointer, pointer, integer]
        self._hartley.argtypes = [*planes, pointer, integer]
        self._mean.argtypes = [pointer, size, pointer, size, pointer, size, integer]
        self._weigh.restype = self._hartley.restype = self._mean.restype = None

    def weigh(self, spectra: Tensor, weighted: Tensor, energy: Tensor, highest: Tensor) -> None:
        """Write the Hartley transforms of F⁻¹(w D), w = |D| / max |D| of each plane.

        Args:
            spectra: half spectra D, (planes, H, W//2 + 1), complex64.
            weighted: (planes, H, W), is written.
            energy: (planes,), gets the sums of w |D|² over the whole spectra.
            highest: (planes,), gets the maxima of |D|².
        """
        spectra = spectra.contiguous()  # torch promises no layout
        scratch = weighted.new_empty(
            weighted.shape[:2]
        )  # not on a default device of torch.set_default_device
        self._weigh(
            spectra.data_ptr(),
            *weighted.shape,
            weighted.data_ptr(),
            highest.data_ptr(),
            energy.data_ptr(),
            scratch.data_ptr(),
            torch.get_num_threads(),
        )

    def hartley(self, spectra: Tensor, transforms: Tensor) -> None:
        """Write Re F - Im F: half spectra F, (planes, H, W//2 + 1), complex64, -> (planes, H, W)."""
        spectra = spectra.contiguous()
        self._hartley(spectra.data_ptr(), *transforms.shape, transforms.data_ptr(), torch.get_num_threads())

    def mean_difference(self, pred: Tensor, target: Tensor, difference: Tensor) -> None:
        """Write the mean of pred, (N, ...), minus that of target, (M, ...), to difference, (...)."""
        self._mean(
            pred.data_ptr(),
            pred.shape[0],
            target.data_ptr(),
            target.shape[0],
            difference.data_ptr(),
            difference.numel(),
            torch.get_num_threads(),
        )


def loops_for(*images: Tensor) -> Optional[Loops]:
    """Return the loops if they can be had and take all these images: float32, contiguous, on the CPU."""
    for image in images:
        plain = type(image) in (Tensor, torch.nn.Parameter) and image.device.type == "cpu"
        as_it_lies = image.is_contiguous() and not image.is_neg()  # is_neg: the memory holds the opposite
        if not (plain and image.dtype == torch.float32 and as_it_lies):
            return None
    return loops()


@functools.cache
def loops() -> Optional[Loops]:
    """Return the loops, built if need be, or None where they cannot be had; the log says why."""
    try:
        path = library_path()
        return kept_loops(path) or _built_loops(path)
    except LoopsMissing as reason:
        logger.info("The loss's loops in C are not to be had (%s); torch's operations do the same.", reason)
        return None


def library_path() -> Path:
    """Return where the library is kept, which need not be there yet.

    Raises:
        LoopsMissing: they are switched off, or there is no compiler or no cache folder.
    """
    if os.environ.get("FFL_NATIVE") == "0":
        raise LoopsMissing("FFL_NATIVE=0 switches them off")
    made_of = b"\0".join([SOURCE.read_bytes(), *map(str.encode, (*FLAGS, *_compiler(), platform.platform()))])
    try:
        return cache_folder() / f"native-{hashlib.sha256(made_of).hexdigest()[:16]}.so"
    except FFLError as error:
        raise LoopsMissing(str(error)) from None


def kept_loops(path: Path) -> Optional[Loops]:
    """Return the loops of a library that was kept; None where there is none, or none that loads."""
    try:
        return load_loops(path) if path.is_file() else None
    except LoopsMissing:
        return None


def load_loops(library: Path) -> Loops:
    """Load a library; raises LoopsMissing for a file that is none of ours."""
    try:
        # Torch made its OpenMP runtime's symbols global; those that the library lacks are found there.
        return Loops(ctypes.CDLL(str(library)))
    except (OSError, AttributeError) as error:
        raise LoopsMissing(f"{library.name} does not load: {error}") from None


def build_library(folder: Path) -> Path:
    """Compile the source in a folder and return the library; raises LoopsMissing where that fails."""
    made, library = folder / "native.o", folder / "native.so"
    # Linked without -fopenmp, which would bring a second OpenMP runtime whose threads compete with torch's.
    steps = ([*FLAGS, "-c", str(SOURCE), "-o", str(made)], ["-shared", str(made), "-o", str(library), "-lm"])
    for arguments in steps:
        command = [*_compiler(), *arguments]
        try:
            subprocess.run(command, check=True, capture_output=True, timeout=SECONDS)
        except subprocess.CalledProcessError as error:
            said = error.stderr.decode(errors="replace").strip().splitlines() or ["it says nothing"]
            raise LoopsMissing(f"{command[0]} fails: {said[0]}") from None
        except (OSError, subprocess.TimeoutExpired) as error:
            raise LoopsMissing(f"{command[0]} does not run: {error}") from None
    return library


def _built_loops(path: Path) -> Loops:
    """Build the library, keep it at ``path`` and load it."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=path.parent, prefix=".native-") as folder:
            built = build_library(Path(folder))
            load_loops(built)  # before it gets its name, to keep none that cannot be loaded
            built.replace(path)
    except OSError as error:
        raise LoopsMissing(f"{path.parent} cannot be written: {error.strerror or error}") from None
    return load_loops(path)


def _compiler() -> list[str]:
    """Return the command of the C compiler, ``$CC`` first; raises LoopsMissing where there is none."""
    given = os.environ.get("CC", "")
    try:
        command = shlex.split(given)
    except ValueError as error:
        raise LoopsMissing(f"CC={given} is no command: {error}") from None
    command = command or [found for found in map(shutil.which, ("cc", "gcc", "clang")) if found][:1]
    if not command:
        raise LoopsMissing("there is no C compiler")
    return command
