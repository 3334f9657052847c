"""What NVIDIA's training loops ask of CUDA, answered by a machine that has none.

The loops name the device ``cuda``, time their phases with CUDA events, pin host memory and ask for GPU memory
statistics. Nothing of that changes what is computed, so on a CPU each has a plain counterpart.
"""

from __future__ import annotations

import time
import types
from typing import Any, Optional

import torch

from ffl_plugin.integrations._stand_in import StandIn


def torch_without_cuda(**replacements: Any) -> types.ModuleType:
    """Return a view of ``torch`` for code that takes CUDA for granted.

    Args:
        replacements: further names the view replaces.
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
    """The host's clock in the shape of `torch.cuda.Event`: on a CPU, work has ended when its call returns."""

    def __init__(self, enable_timing: bool = False) -> None:
        self._seconds: Optional[float] = None

    @property
    def cuda_event(self) -> int:
        """The handle: 0 until the event is recorded, which is all that Projected GAN asks."""
        return 0 if self._seconds is None else id(self)

    def record(self, stream: object = None) -> None:
        """Remember the time."""
        self._seconds = time.perf_counter()

    def synchronize(self) -> None:
        """Return at once: nothing is under way."""

    def elapsed_time(self, end: Event) -> float:
        """Return the milliseconds between two recorded events.

        Raises:
            RuntimeError: one of them was never recorded, as `torch.cuda.Event` has it.
        """
        if self._seconds is None or end._seconds is None:
            raise RuntimeError("Both events must be recorded before calculating elapsed time.")
        return (end._seconds - self._seconds) * 1e3


class _Pageable(torch.Tensor):
    """A tensor whose ``pin_memory`` gives the tensor; any other operation gives plain tensors."""

    __torch_function__ = torch._C._disabled_torch_function_impl  # type: ignore[assignment]

    def pin_memory(self, device: object = None) -> torch.Tensor:
        return self.as_subclass(torch.Tensor)


def _from_numpy(array: Any) -> torch.Tensor:
    return torch.from_numpy(array).as_subclass(_Pageable)


def _device(*arguments: Any, **keywords: Any) -> torch.device:
    device = torch.device(*arguments, **keywords)
    return torch.device("cpu") if device.type == "cuda" else device


def _cdist(x1: torch.Tensor, x2: torch.Tensor, *arguments: Any, **keywords: Any) -> torch.Tensor:
    """Compute half precision in single: the CPU has no half-precision ``cdist``."""
    if x1.dtype is torch.float16:
        return torch.cdist(x1.float(), x2.float(), *arguments, **keywords).half()
    return torch.cdist(x1, x2, *arguments, **keywords)


def _init_process_group(backend: Optional[str] = None, **keywords: Any) -> None:
    torch.distributed.init_process_group(backend="gloo" if backend == "nccl" else backend, **keywords)


def _nothing(*arguments: object) -> None:
    """Do nothing."""


def _zero_bytes(*arguments: object) -> int:
    return 0
