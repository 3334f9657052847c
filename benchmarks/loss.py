"""Time and memory of the loss, forward and backward, beside the official package in the same run.

    python benchmarks/loss.py [--threads 2] [--seconds 4] [--device cuda]

Contenders alternate round by round, so that whatever else the machine does meets all of them; times are
medians over the rounds. The gradient is asked for with torch.autograd.grad, as the backward pass of a
generator would receive it. Limits, in the same rounds: for ``image`` a real transform of one batch and its
inverse, ``rfft2`` and ``irfft2``; for ``batch`` one ``torch.sub(pred, target, out=...)``, two reads and a
write. ``plain`` is our loss without its loops in C, as where there is no compiler.

Memory is the peak of what torch allocates beyond the inputs and the gradient that is returned.

On a GPU each call is synchronized, a copy of the bytes of both inputs is timed as well, and it is checked
that the loss never makes the host wait (``set_sync_debug_mode("error")``) and that a CUDA graph captures it.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import statistics
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Callable

import torch
from focal_frequency_loss import FocalFrequencyLoss as Official
from torch import Tensor

from ffl_plugin import FocalFrequencyLoss, fused, native

SIZES = ((4, 256), (32, 256), (4, 1024), (8, 64), (64, 64))  # images, height and width; 3 channels
LEAST_ROUNDS = 5
TURN = 0.02  # seconds


def main() -> None:
    """Print one table per spectrum."""
    parser = argparse.ArgumentParser(description="time and memory of the loss beside the official package")
    parser.add_argument("--threads", type=int, default=2, help="of torch on a CPU [default: 2]")
    parser.add_argument("--seconds", type=float, default=4.0, help="per row, at least [default: 4]")
    parser.add_argument("--device", default="cuda" if torch.cuda.is_available() else "cpu")
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    device = torch.device(arguments.device)
    print(f"torch {torch.__version__}, {describe(device)}; medians in milliseconds, memory in MiB\n")
    for spectrum in ("image", "batch"):
        print_table(spectrum, device, arguments.seconds)
    if device.type == "cuda":
        for spectrum in ("image", "batch"):
            check_asynchronous(spectrum, device)


def print_table(spectrum: str, device: torch.device, seconds: float) -> None:
    """Print one row per size, and the geometric means of the ratios."""
    limit = "rfft2+irfft2" if spectrum == "image" else "sub(out=)"
    columns = ["N x H", "official", "ours", "ratio", "plain", "ratio", limit, "ours/limit"]
    columns += ["official MiB", "ours MiB", "share", *(["copy"] if device.type == "cuda" else [])]
    print(f"spectrum={spectrum!r}\n" + " ".join(f"{column:>{len(column) + 2}}" for column in columns))
    ratios: dict[str, list[float]] = {"ours": [], "plain": []}
    for images, side in SIZES:
        pred, target = (torch.randn(images, 3, side, side, device=device) for _ in range(2))
        pred.requires_grad_()
        official = training_step(Official(ave_spectrum=spectrum == "batch").to(device), pred, target)
        ours = training_step(FocalFrequencyLoss(spectrum=spectrum), pred, target)
        steps = {"official": official, "ours": ours, "plain": without_loops(ours)}
        steps["limit"] = limit_of(spectrum, pred.detach(), target)
        peak = {name: peak_memory(steps[name], device) / 2**20 for name in ("official", "ours")}
        if device.type == "cuda":
            steps["copy"] = lambda pred=pred, target=target: (pred.detach().clone(), target.clone())
        took = {
            name: 1e3 * statistics.median(times) for name, times in alternate(steps, device, seconds).items()
        }
        for name, found in ratios.items():
            found.append(took["official"] / took[name])
        values = [f"{images} x {side}", f"{took['official']:.2f}", f"{took['ours']:.2f}"]
        values += [f"{ratios['ours'][-1]:.1f}", f"{took['plain']:.2f}", f"{ratios['plain'][-1]:.1f}"]
        values += [f"{took['limit']:.2f}", f"{took['ours'] / took['limit']:.2f}"]
        values += [f"{peak['official']:.1f}", f"{peak['ours']:.2f}", f"{peak['ours'] / peak['official']:.3f}"]
        values += [f"{took['copy']:.2f}"] if device.type == "cuda" else []
        print(
            " ".join(f"{value:>{len(column) + 2}}" for column, value in zip(columns, values)),
            flush=True,
        )
    for name, found in ratios.items():
        print(f"geometric mean of the ratios, {name}: {statistics.geometric_mean(found):.1f}")
    print()


def without_loops(step: Callable[[], object]) -> Callable[[], object]:
    """Return the step as it is where the loops in C cannot be had."""

    def plain() -> object:
        fused.loops_for = lambda *images: None
        try:
            return step()
        finally:
            fused.loops_for = native.loops_for

    return plain


def training_step(loss: torch.nn.Module, pred: Tensor, target: Tensor) -> Callable[[], object]:
    """Return what a training step asks of a loss: its value, and its gradient by the generated images."""
    return lambda: torch.autograd.grad(loss(pred, target), pred)


def limit_of(spectrum: str, pred: Tensor, target: Tensor) -> Callable[[], object]:
    """Return the least that the loss must do: the transforms, or reading both batches."""
    if spectrum == "image":
        return lambda: torch.fft.irfft2(torch.fft.rfft2(pred, norm="ortho"), norm="ortho")
    difference = torch.empty_like(pred)
    return lambda: torch.sub(pred, target, out=difference)


def alternate(
    steps: dict[str, Callable[[], object]], device: torch.device, seconds: float
) -> dict[str, list[float]]:
    """Time all steps in turn, round by round; a turn repeats a short step until it takes TURN seconds."""
    times: dict[str, list[float]] = {name: [] for name in steps}
    repeats = {name: max(1, round(TURN / timed(step, 3, device))) for name, step in steps.items()}
    started = time.perf_counter()
    while time.perf_counter() - started < seconds or len(times["ours"]) < LEAST_ROUNDS:
        for name, step in steps.items():
            times[name].append(timed(step, repeats[name], device))
    return times


def timed(step: Callable[[], object], repeats: int, device: torch.device) -> float:
    """Return the seconds of one step, the mean of ``repeats``."""
    synchronize(device)
    before = time.perf_counter()
    for _ in range(repeats):
        step()
    synchronize(device)
    return (time.perf_counter() - before) / repeats


def peak_memory(step: Callable[[], object], device: torch.device) -> int:
    """Bytes at the peak of one step, beyond those still held by what it returns."""
    step()
    if device.type == "cuda":
        torch.cuda.reset_peak_memory_stats(device)
        result = step()
        peak = torch.cuda.max_memory_allocated(device) - torch.cuda.memory_allocated(device)
        del result
        return peak
    cpu = torch.profiler.ProfilerActivity.CPU
    with silent_errors(), torch.profiler.profile(activities=[cpu], profile_memory=True) as profile:
        result = step()
    del result
    records = [event for event in profile.profiler.kineto_results.events() if event.name() == "[memory]"]
    held = highest = 0
    for record in sorted(records, key=lambda event: event.start_ns()):
        held += record.nbytes()
        highest = max(highest, held)
    return highest - held


@contextlib.contextmanager
def silent_errors() -> Iterator[None]:
    """Send standard error nowhere: torch's profiler reports each start and stop there."""
    kept = os.dup(2)
    with Path(os.devnull).open("wb") as nowhere:
        os.dup2(nowhere.fileno(), 2)
    try:
        yield
    finally:
        os.dup2(kept, 2)
        os.close(kept)


def check_asynchronous(spectrum: str, device: torch.device) -> None:
    """Raise unless the loss leaves the host free, and a CUDA graph can capture it."""
    pred, target = (torch.randn(8, 3, 256, 256, device=device) for _ in range(2))
    pred.requires_grad_()
    step = training_step(FocalFrequencyLoss(spectrum=spectrum), pred, target)
    step()
    torch.cuda.set_sync_debug_mode("error")
    (expected,) = step()
    torch.cuda.set_sync_debug_mode("default")
    side_stream = torch.cuda.Stream()
    side_stream.wait_stream(torch.cuda.current_stream())
    with torch.cuda.stream(side_stream):
        step()
    torch.cuda.current_stream().wait_stream(side_stream)
    graph = torch.cuda.CUDAGraph()
    with torch.cuda.graph(graph):
        (captured,) = step()
    graph.replay()
    torch.testing.assert_close(captured, expected)
    print(f"spectrum={spectrum!r}: the host never waits, and a CUDA graph gives the same gradient")


def synchronize(device: torch.device) -> None:
    """Wait for the GPU, where there is one."""
    if device.type == "cuda":
        torch.cuda.synchronize(device)


def describe(device: torch.device) -> str:
    """Name the hardware."""
    if device.type == "cuda":
        return torch.cuda.get_device_name(device)
    return f"CPU with {torch.get_num_threads()} threads"


if __name__ == "__main__":
    main()
