"""Time and memory of the loss, forward and backward, beside the official package in the same run.

    python benchmarks/loss.py [--threads 2] [--seconds 4] [--device cuda] [--only warm cold layouts variants]

Contenders alternate round by round, so that whatever else the machine does meets all of them; times are
medians over the rounds. The gradient is asked for with torch.autograd.grad, as the backward pass of a
generator would receive it.

``warm``: a step after a step. Limits, in the same rounds: for ``image`` a real transform of one batch and its
inverse, ``rfft2`` and ``irfft2``; for ``batch`` one ``torch.sub(pred, target, out=...)``, two reads and a
write. ``plain`` is our loss without its loops in C, as where there is no compiler. Memory is the peak of what
torch allocates beyond the inputs and the gradient that is returned.

``cold``: a step as training meets it, 256 MiB of other memory touched before each. ``floor`` is the least
that a loss can take there, in the same rounds: torch.autograd.grad of a function of one number.

``layouts``: our loss on contiguous and on channels_last images. ``variants``: each ``--ffl-variant`` beside
our loss.

On a GPU each call is synchronized, a copy of the bytes of both inputs is timed as well, and it is checked
that the loss never makes the host wait (``set_sync_debug_mode("error")``) and that a CUDA graph captures it.

With one thread times are of the processor, and what else the machine does counts less.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import statistics
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Callable, Optional

import torch
from focal_frequency_loss import FocalFrequencyLoss as Official
from torch import Tensor

from ffl_plugin import FocalFrequencyLoss, fused, native
from ffl_plugin.integrations._variants import FUNCTIONS

SIZES = ((4, 256), (32, 256), (4, 1024), (8, 64), (64, 64))  # images, height and width; 3 channels
LEAST_ROUNDS = 5
TURN = 0.02  # seconds
OTHER_MEMORY = 2**26  # floats that are touched before a cold step
SECTIONS = ("warm", "cold", "layouts", "variants")


def main() -> None:
    """Print the tables that were asked for."""
    parser = argparse.ArgumentParser(description="time and memory of the loss beside the official package")
    parser.add_argument("--threads", type=int, default=2, help="of torch on a CPU [default: 2]")
    parser.add_argument("--seconds", type=float, default=4.0, help="per row, at least [default: 4]")
    parser.add_argument("--device", default="cuda" if torch.cuda.is_available() else "cpu")
    parser.add_argument("--only", nargs="+", choices=SECTIONS, default=SECTIONS, help="[default: all tables]")
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    device, seconds = torch.device(arguments.device), arguments.seconds
    print(f"torch {torch.__version__}, {describe(device)}; medians in milliseconds, memory in MiB\n")
    for spectrum in ("image", "batch"):
        if "warm" in arguments.only:
            print_table(spectrum, device, seconds)
        if "cold" in arguments.only:
            print_cold(spectrum, device, seconds)
        if "layouts" in arguments.only:
            print_layouts(spectrum, device, seconds)
    if "variants" in arguments.only:
        print_variants(device, seconds)
    if device.type == "cuda":
        for spectrum in ("image", "batch"):
            check_asynchronous(spectrum, device)


def print_cold(spectrum: str, device: torch.device, seconds: float) -> None:
    """Print one row per size, other memory touched before each step, and the geometric mean of the ratios."""
    print(
        f"spectrum={spectrum!r}, cold\n{'N x H':>10} {'official':>10} {'ours':>8} {'ratio':>7} {'floor':>7}"
    )
    other, one = torch.zeros(OTHER_MEMORY, device=device), torch.ones((), device=device, requires_grad=True)
    ratios = []
    for images, side in SIZES:
        pred, target = images_of(images, side, device)
        steps = {
            "official": training_step(Official(ave_spectrum=spectrum == "batch").to(device), pred, target),
            "ours": training_step(FocalFrequencyLoss(spectrum=spectrum), pred, target),
            "floor": lambda: torch.autograd.grad(one * 2, one),
        }
        took = medians(alternate(steps, device, seconds, before=lambda: other.add_(1)))
        ratios.append(took["official"] / took["ours"])
        print(
            f"{f'{images} x {side}':>10} {took['official']:>10.2f} {took['ours']:>8.2f} {ratios[-1]:>7.1f} "
            f"{took['floor']:>7.2f}",
            flush=True,
        )
    print(f"geometric mean of the ratios: {statistics.geometric_mean(ratios):.1f}\n")


def print_layouts(spectrum: str, device: torch.device, seconds: float) -> None:
    """Print one row per size: contiguous images, and the same in channels_last."""
    print(f"spectrum={spectrum!r}\n{'N x H':>10} {'contiguous':>10} {'channels_last':>13} {'ratio':>7}")
    for images, side in SIZES:
        steps = {}
        for name, layout in (("contiguous", torch.contiguous_format), ("channels_last", torch.channels_last)):
            pred, target = (
                x.detach().contiguous(memory_format=layout) for x in images_of(images, side, device)
            )
            steps[name] = training_step(FocalFrequencyLoss(spectrum=spectrum), pred.requires_grad_(), target)
        took = medians(alternate(steps, device, seconds))
        ratio = took["channels_last"] / took["contiguous"]
        values = f"{took['contiguous']:>10.2f} {took['channels_last']:>13.2f} {ratio:>7.2f}"
        print(f"{f'{images} x {side}':>10} {values}", flush=True)
    print()


def print_variants(device: torch.device, seconds: float) -> None:
    """Print the time of every variant beside the focal frequency loss."""
    images, side = SIZES[0]
    pred, target = images_of(images, side, device)
    losses: dict[str, Callable[[Tensor, Tensor], Tensor]] = {"focal": FocalFrequencyLoss(), **FUNCTIONS}
    pred = pred.detach().clamp(-1, 1).requires_grad_()
    steps = {name: training_step(loss, pred, target.clamp(-1, 1)) for name, loss in losses.items()}
    took = medians(alternate(steps, device, seconds))
    print(f"variants, {images} x {side}\n{'variant':>24} {'ms':>8} {'times FFL':>10}")
    for name, milliseconds in took.items():
        print(f"{name:>24} {milliseconds:>8.2f} {milliseconds / took['focal']:>10.1f}")
    print()


def images_of(images: int, side: int, device: torch.device) -> tuple[Tensor, Tensor]:
    """Return generated images, which want a gradient, and targets, of three channels."""
    pred, target = (torch.randn(images, 3, side, side, device=device) for _ in range(2))
    return pred.requires_grad_(), target


def medians(times: dict[str, list[float]]) -> dict[str, float]:
    """Return the medians in milliseconds."""
    return {name: 1e3 * statistics.median(found) for name, found in times.items()}


def print_table(spectrum: str, device: torch.device, seconds: float) -> None:
    """Print one row per size, and the geometric means of the ratios."""
    limit = "rfft2+irfft2" if spectrum == "image" else "sub(out=)"
    columns = ["N x H", "official", "ours", "ratio", "plain", "ratio", limit, "ours/limit"]
    columns += ["official MiB", "ours MiB", "share", *(["copy"] if device.type == "cuda" else [])]
    print(f"spectrum={spectrum!r}\n" + " ".join(f"{column:>{len(column) + 2}}" for column in columns))
    ratios: dict[str, list[float]] = {"ours": [], "plain": []}
    for images, side in SIZES:
        pred, target = images_of(images, side, device)
        official = training_step(Official(ave_spectrum=spectrum == "batch").to(device), pred, target)
        ours = training_step(FocalFrequencyLoss(spectrum=spectrum), pred, target)
        steps = {"official": official, "ours": ours, "plain": without_loops(ours)}
        steps["limit"] = limit_of(spectrum, pred.detach(), target)
        peak = {name: peak_memory(steps[name], device) / 2**20 for name in ("official", "ours")}
        if device.type == "cuda":
            steps["copy"] = lambda pred=pred, target=target: (pred.detach().clone(), target.clone())
        took = medians(alternate(steps, device, seconds))
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


def training_step(
    loss: Callable[[Tensor, Tensor], Tensor], pred: Tensor, target: Tensor
) -> Callable[[], object]:
    """Return what a training step asks of a loss: its value, and its gradient by the generated images."""
    return lambda: torch.autograd.grad(loss(pred, target), pred)


def limit_of(spectrum: str, pred: Tensor, target: Tensor) -> Callable[[], object]:
    """Return the least that the loss must do: the transforms, or reading both batches."""
    if spectrum == "image":
        return lambda: torch.fft.irfft2(torch.fft.rfft2(pred, norm="ortho"), norm="ortho")
    difference = torch.empty_like(pred)
    return lambda: torch.sub(pred, target, out=difference)


def alternate(
    steps: dict[str, Callable[[], object]],
    device: torch.device,
    seconds: float,
    before: Optional[Callable[[], object]] = None,
) -> dict[str, list[float]]:
    """Time all steps in turn, round by round; a turn repeats a short step until it takes TURN seconds.

    With ``before``, which is called before each step and not timed, a turn is one step.
    """
    times: dict[str, list[float]] = {name: [] for name in steps}
    repeats = {name: max(1, round(TURN / timed(step, 3, device))) for name, step in steps.items()}
    started = time.perf_counter()
    while time.perf_counter() - started < seconds or min(map(len, times.values())) < LEAST_ROUNDS:
        for name, step in steps.items():
            if before:
                before()
            times[name].append(timed(step, 1 if before else repeats[name], device))
    return times


def timed(step: Callable[[], object], repeats: int, device: torch.device) -> float:
    """Return the seconds of one step, the mean of ``repeats``."""
    alone = device.type == "cpu" and torch.get_num_threads() == 1
    clock = time.thread_time if alone else time.perf_counter
    synchronize(device)
    started = clock()
    for _ in range(repeats):
        step()
    synchronize(device)
    return (clock() - started) / repeats


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
