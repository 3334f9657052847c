"""A view of ``torch`` in which NVIDIA's training loops run without CUDA.

The loops hard-code the device ``cuda``, time phases with CUDA events, pin host memory and query GPU memory
statistics. None of this affects the computation, so each has a CPU counterpart here.
"""

from __future__ import annotations

import time
import types
from typing import Any, Optional

import torch

from ffl_plugin.integrations._stand_in import StandIn


def torch_without_cuda(**replacements: Any) -> types.ModuleType:
    """Return a view of ``torch`` for code that assumes CUDA.

    Args:
        replacements: further names to replace.
    """
    return StandIn(
        torch,
        device=_device,
        from_numpy=_from_numpy,
        cdist=_cdist,
        cuda=StandIn(
            torch.cuda,
            Event=Event,
            current_stream=_nothing,
            max_memory_allocated=_zero_bytes,
            max_memory_reserved=_zero_bytes,
            reset_peak_memory_stats=_nothing,
            set_device=_nothing,
        ),
        distributed=StandIn(torch.distributed, init_process_group=_init_process_group),
        **replacements,
    )


class Event:
    """The host clock with the interface of `torch.cuda.Event`: CPU work is done when its call returns."""

    def __init__(self, enable_timing: bool = False) -> None:
        self._seconds: Optional[float] = None

    @property
    def cuda_event(self) -> int:
        """The handle: 0 until the event is recorded, which is all that Projected GAN checks."""
        return 0 if self._seconds is None else id(self)

    def record(self, stream: object = None) -> None:
        """Store the time."""
        self._seconds = time.perf_counter()

    def synchronize(self) -> None:
        """Return at once: CPU calls are synchronous."""

    def elapsed_time(self, end: Event) -> float:
        """Return the milliseconds between two recorded events.

        Raises:
            RuntimeError: one of them was not recorded, as for `torch.cuda.Event`.
        """
        if self._seconds is None or end._seconds is None:
            raise RuntimeError("Both events must be recorded before calculating elapsed time.")
        return (end._seconds - self._seconds) * 1e3


class _Pageable(torch.Tensor):
    """A tensor whose ``pin_memory`` returns the tensor; all other operations give plain tensors."""

    __torch_function__ = torch._C._disabled_torch_function_impl  # type: ignore[assignment]

    def pin_memory(self, device: object = None) -> torch.Tensor:
        return self.as_subclass(torch.Tensor)


def _from_numpy(array: Any) -> torch.Tensor:
    return torch.from_numpy(array).as_subclass(_Pageable)


def _device(*arguments: Any, **keywords: Any) -> torch.device:
    device = torch.device(*arguments, **keywords)
    return torch.device("cpu") if device.type == "cuda" else device


def _cdist(x1: torch.Tensor, x2: torch.Tensor, *arguments: Any, **keywords: Any) -> torch.Tensor:
    """Compute half precision in float32: the CPU has no half-precision ``cdist``."""
    if x1.dtype is torch.float16:
        return torch.cdist(x1.float(), x2.float(), *arguments, **keywords).half()
    return torch.cdist(x1, x2, *arguments, **keywords)


def _init_process_group(backend: Optional[str] = None, **keywords: Any) -> None:
    torch.distributed.init_process_group(backend="gloo" if backend == "nccl" else backend, **keywords)


def _nothing(*arguments: object) -> None:
    """Do nothing."""


def _zero_bytes(*arguments: object) -> int:
    return 0
