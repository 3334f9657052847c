"""Fourier transforms of the Intel MKL bundled with torch, for the native loss.

Torch plans a transform anew at every call, which takes longer than a small transform itself.
"""

from __future__ import annotations

import ctypes
import os
from typing import Any

# As native.c declares them.
FUNCTIONS = (
    "DftiCreateDescriptor_s_md",
    "DftiSetValue",
    "DftiCommitDescriptor",
    "DftiComputeForward",
    "DftiComputeBackward",
    "DftiFreeDescriptor",
)


def mkl_of_torch() -> Any:
    """Return the addresses of the functions in torch's library, an array.

    Raises:
        LookupError: this torch is built without MKL, as on ARM, or does not export it.
    """
    try:
        library = ctypes.CDLL("libtorch_cpu.so", mode=os.RTLD_NOLOAD)  # already loaded
        functions = [ctypes.cast(getattr(library, name), ctypes.c_void_p).value for name in FUNCTIONS]
    except (OSError, AttributeError):
        raise LookupError("this torch has no MKL to transform with") from None
    return (ctypes.c_void_p * len(functions))(*functions)


class Transform:
    """A planned unitary real transform of planes of one size, or its inverse."""

    def __init__(
        self,
        library: ctypes.CDLL,
        mkl: Any,
        size: tuple[int, int],
        *,
        inverse: bool,
        in_place: bool,
        threads: int,
    ) -> None:
        """Plan the transform; raises RuntimeError if MKL cannot."""
        self.pointer, self._library, self._mkl = ctypes.c_void_p(), library, mkl
        failed = library.make_transform(mkl, *size, inverse, in_place, threads, ctypes.byref(self.pointer))
        if failed:
            raise RuntimeError(f"MKL cannot transform planes of {size}: error {failed}")

    def __del__(self) -> None:
        if self.pointer:
            self._library.discard_transform(self._mkl, self.pointer)
