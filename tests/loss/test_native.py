"""The loops in C: the same numbers as torch's operations, and no harm where they cannot be had."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from random_cases import random_cases
from torch import Tensor

from ffl_plugin import focal_frequency_loss, fused, mkl, native
from ffl_plugin.distance import Weighting

needs_compiler = pytest.mark.skipif(
    native.loops() is None, reason="the loops need a C compiler, install cc or gcc; and a torch with MKL"
)


@pytest.fixture
def forget() -> Iterator[None]:
    """Let the next call look for the library again, and the test after this one too."""
    native.loops.cache_clear()
    yield
    native.loops.cache_clear()


def images(*shape: int, seed: int = 0, **options: Any) -> Tensor:
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed), **options)


def losses_and_gradients(pred: Tensor, target: Tensor, **options: Any) -> list[Tensor]:
    pred, target = pred.detach().requires_grad_(), target.detach().requires_grad_()
    loss = focal_frequency_loss(pred, target, **options)
    return [loss.detach(), *torch.autograd.grad(loss.sum(), (pred, target))]


def by_the_equation(
    pred: Tensor, target: Tensor, spectrum: str = "image", batch_matrix: bool = False, reduction: str = "mean"
) -> list[Tensor]:
    """Return the same from plain operations, in double precision."""
    pred, target = pred.double().requires_grad_(), target.double().requires_grad_()
    weighting = Weighting(batch_matrix=batch_matrix)
    loss = fused.plain_distance(pred, target, weighting, spectrum == "batch", reduction == "mean")
    return [loss.detach(), *torch.autograd.grad(loss.sum(), (pred, target))]


def assert_as_the_equation_says(pred: Tensor, target: Tensor, **options: Any) -> None:
    assert native.loops_for(pred, target) is not None
    for one, other in zip(
        losses_and_gradients(pred, target, **options), by_the_equation(pred, target, **options)
    ):
        scale = other.abs().max().clamp_min(1e-30)
        torch.testing.assert_close(one.double() / scale, other / scale, rtol=0, atol=3e-6)


@needs_compiler
@random_cases(60)
@given(
    shape=st.tuples(st.integers(1, 5), st.integers(1, 4), st.integers(1, 40), st.integers(1, 70)),
    count=st.integers(1, 5),
    block=st.sampled_from([1, 100, 5000, 2**17]),
    spectrum=st.sampled_from(["image", "batch"]),
    batch_matrix=st.booleans(),
    scale=st.sampled_from([1e-3, 1.0, 255.0]),
    seed=st.integers(0, 2**20),
)
def test_random_shapes(
    shape: tuple[int, ...], count: int, block: int, spectrum: str, batch_matrix: bool, scale: float, seed: int
) -> None:
    """Odd and even sizes, single rows and columns, blocks of a plane and of all, unequal batches."""
    pred = scale * images(*shape, seed=seed)
    target = scale * images(count if spectrum == "batch" else shape[0], *shape[1:], seed=seed + 1)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(fused, "CPU_BLOCK", block)
        assert_as_the_equation_says(pred, target, spectrum=spectrum, batch_matrix=batch_matrix)


@needs_compiler
@pytest.mark.parametrize("spectrum", ["image", "batch"])
@pytest.mark.parametrize("threads", [1, 2])
def test_images_large_enough_for_threads(spectrum: str, threads: int) -> None:
    before = torch.get_num_threads()
    torch.set_num_threads(threads)
    try:
        assert_as_the_equation_says(images(3, 3, 256, 192), images(3, 3, 256, 192, seed=1), spectrum=spectrum)
    finally:
        torch.set_num_threads(before)


@needs_compiler
@pytest.mark.parametrize("shape", [(5, 3, 33, 47), (3, 3, 256, 192)], ids=str)
def test_the_number_of_threads_changes_no_bit(shape: tuple[int, ...]) -> None:
    before, found = torch.get_num_threads(), []
    for threads in (1, 2, 3, 7):
        torch.set_num_threads(threads)
        found.append(losses_and_gradients(images(*shape), images(*shape, seed=1), spectrum="batch"))
    torch.set_num_threads(before)
    for other in found[1:]:
        assert all(map(torch.equal, found[0], other))


@needs_compiler
def test_a_loss_per_image() -> None:
    assert_as_the_equation_says(images(3, 2, 8, 9), images(3, 2, 8, 9, seed=1), reduction="none")


@needs_compiler
@pytest.mark.parametrize("spectrum", ["image", "batch"])
@pytest.mark.parametrize("factor", [1.0, 3.0, 0.0])
def test_a_loss_that_is_scaled(factor: float, spectrum: str) -> None:
    """Only where the factor is 1 is the gradient taken as it is."""
    pred, target = images(2, 3, 8, 9).requires_grad_(), images(2, 3, 8, 9, seed=1)
    loss = focal_frequency_loss(pred, target, spectrum=spectrum)
    _, expected, _ = losses_and_gradients(pred, target, spectrum=spectrum)
    torch.testing.assert_close(torch.autograd.grad(loss * factor, pred)[0], expected * factor)


@needs_compiler
@pytest.mark.parametrize("spectrum", ["image", "batch"])
def test_identical_images(spectrum: str) -> None:
    pred = images(2, 3, 8, 8)
    loss, by_pred, by_target = losses_and_gradients(pred, pred.clone(), spectrum=spectrum)
    assert loss == 0
    assert not by_pred.any()
    assert not by_target.any()


@needs_compiler
@pytest.mark.parametrize("bad", [float("nan"), float("inf")])
@pytest.mark.parametrize("spectrum", ["image", "batch"])
def test_what_is_not_finite_stays_visible(bad: float, spectrum: str) -> None:
    pred = images(2, 3, 8, 8)
    pred[1, 2, 3, 4] = bad
    loss, by_pred, _ = losses_and_gradients(pred, images(2, 3, 8, 8, seed=1), spectrum=spectrum)
    assert loss.isnan()
    assert by_pred[1, 2].isnan().all()


LAYOUTS = {"contiguous": torch.contiguous_format, "channels_last": torch.channels_last}


@needs_compiler
@pytest.mark.parametrize("spectrum", ["image", "batch"])
@pytest.mark.parametrize("batch_matrix", [False, True])
@pytest.mark.parametrize("channels", [1, 2, 3, 4, 5])
@pytest.mark.parametrize(
    "layouts",
    [("channels_last",) * 2, ("channels_last", "contiguous"), ("contiguous", "channels_last")],
    ids="-".join,
)
def test_layouts(layouts: tuple[str, str], channels: int, batch_matrix: bool, spectrum: str) -> None:
    pred, target = (
        images(3, channels, 7, 10, seed=seed).contiguous(memory_format=LAYOUTS[layout])
        for seed, layout in enumerate(layouts)
    )
    assert_as_the_equation_says(pred, target, spectrum=spectrum, batch_matrix=batch_matrix)
    _, gradient, _ = losses_and_gradients(pred, target, spectrum=spectrum)
    assert gradient[:1].is_contiguous(memory_format=LAYOUTS[layouts[0]])


@needs_compiler
def test_memory_with_gaps_takes_torch() -> None:
    """Three of four channels, every other image: torch's operations."""
    pred, target = images(6, 4, 8, 8)[::2, :3], images(3, 3, 8, 8, seed=1)
    assert native.loops_for(pred, target) is None
    found = losses_and_gradients(pred, target)
    expected = losses_and_gradients(pred.contiguous(), target)
    for one, other in zip(found, expected):
        torch.testing.assert_close(one, other)


@needs_compiler
def test_many_sizes_one_after_another() -> None:
    """More than are prepared at a time, so that the first are discarded and prepared anew."""
    for side in (*range(4, 44), *range(4, 44)):
        assert_as_the_equation_says(images(1, 1, side, 5), images(1, 1, side, 5, seed=1))


@needs_compiler
@pytest.mark.usefixtures("forget")
def test_torch_without_mkl(monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture) -> None:
    monkeypatch.setattr(mkl, "FUNCTIONS", ("NoSuchFunction",))
    with caplog.at_level("INFO", logger="ffl_plugin.native"):
        assert native.loops() is None
    assert "this torch has no MKL" in caplog.text


@needs_compiler
def test_memory_that_holds_the_opposite_takes_torch() -> None:
    """torch negates lazily: here the memory of one pixel holds 4."""
    pred = torch.tensor([[[[3 + 4j]]]]).conj().imag
    target = torch.zeros(1, 1, 1, 1)
    assert pred.is_neg() and pred.is_contiguous() and native.loops_for(pred, target) is None
    _, by_pred, _ = losses_and_gradients(pred, target, spectrum="batch")
    assert by_pred.item() == -8


@needs_compiler
def test_scratch_memory_is_beside_the_images() -> None:
    """torch.set_default_device sends every torch.empty elsewhere; C would write to an address of a GPU."""
    code = (
        "import torch; from ffl_plugin import focal_frequency_loss\n"
        "pred, target = torch.randn(2, 3, 8, 8, requires_grad=True), torch.randn(2, 3, 8, 8)\n"
        "torch.set_default_device('meta')\n"
        "focal_frequency_loss(pred, target).backward()"
    )
    assert subprocess.run([sys.executable, "-c", code]).returncode == 0


@needs_compiler
@pytest.mark.parametrize("spectrum", ["image", "batch"])
@pytest.mark.parametrize(
    "options",
    [
        {"alpha": 0.0},
        {"alpha": 2.0},
        {"log_matrix": True},
        {"patch_factor": 2},
        {"matrix": images(8, 8).abs()},
    ],
    ids=lambda options: next(iter(options)),
)
def test_other_weights_take_torch(options: dict[str, Any], spectrum: str) -> None:
    """In double precision, which has no loops, the same call gives the same numbers."""
    pred, target = images(2, 3, 8, 8), images(2, 3, 8, 8, seed=1)
    found = losses_and_gradients(pred, target, spectrum=spectrum, **options)
    expected = losses_and_gradients(pred.double(), target.double(), spectrum=spectrum, **options)
    for one, other in zip(found, expected):
        torch.testing.assert_close(one.double(), other, rtol=1e-4, atol=1e-6)


@needs_compiler
@pytest.mark.usefixtures("forget")
def test_the_library_is_built_once(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("FFL_CACHE", str(tmp_path / "cache"))
    assert native.loops() is not None
    (library,) = (tmp_path / "cache").iterdir()
    built = library.stat().st_mtime_ns
    native.loops.cache_clear()
    assert native.loops() is not None
    assert [path.stat().st_mtime_ns for path in (tmp_path / "cache").iterdir()] == [built]


@needs_compiler
def test_processes_that_start_together_build_it_together(tmp_path: Path) -> None:
    code = "from ffl_plugin import native; assert native.loops() is not None"
    environment = {**os.environ, "FFL_CACHE": str(tmp_path)}
    started = [subprocess.Popen([sys.executable, "-c", code], env=environment) for _ in range(3)]
    assert [process.wait() for process in started] == [0, 0, 0]
    assert [path.suffix for path in tmp_path.iterdir()] == [".so"]


@needs_compiler
@pytest.mark.usefixtures("forget")
def test_a_kept_library_that_does_not_load_is_built_anew(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("FFL_CACHE", str(tmp_path))
    native.library_path().write_bytes(b"")  # as a machine that stopped in the middle may leave it
    assert native.loops() is not None
    assert native.library_path().stat().st_size > 0


def fail(tmp_path: Path, body: str) -> str:
    """Return the path of a compiler that does not work."""
    compiler = tmp_path / "cc with a space"
    compiler.write_text(f"#!/bin/sh\n{body}\n")
    compiler.chmod(0o755)
    return f"'{compiler}'"


def without_a_home(path: Path) -> Path:
    """What pathlib does for a user without HOME whom the system does not know."""
    raise RuntimeError("Could not determine home directory.")


@pytest.mark.usefixtures("forget")
@pytest.mark.parametrize(
    ("why", "reason"),
    [
        ("off", "FFL_NATIVE=0 switches them off"),
        ("no compiler", "C compiler"),
        ("no command", "CC=gcc '"),
        ("does not run", "no-such-compiler"),
        ("errors", "no space left"),
        ("makes nothing", "native.so does not load"),
        ("makes no library", "native.so does not load"),
        ("read-only", "File exists"),
        ("no home", "set FFL_CACHE"),
    ],
)
def test_without_the_loops(
    why: str, reason: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """Torch's operations give the same numbers; the log says why, and nothing is left behind."""
    cache = tmp_path / "cache"
    monkeypatch.setenv("FFL_CACHE", str(cache))
    if why == "off":
        monkeypatch.setenv("FFL_NATIVE", "0")
    elif why == "no compiler":
        monkeypatch.delenv("CC", raising=False)
        monkeypatch.setenv("PATH", "")
    elif why == "no command":
        monkeypatch.setenv("CC", "gcc '")
    elif why == "does not run":
        monkeypatch.setenv("CC", "no-such-compiler")
    elif why == "errors":
        monkeypatch.setenv("CC", fail(tmp_path, "echo no space left >&2; exit 1"))
    elif why == "makes nothing":
        monkeypatch.setenv("CC", fail(tmp_path, "exit 0"))
    elif why == "makes no library":
        echo = 'while [ $# -gt 1 ]; do [ "$1" = -o ] && echo text > "$2"; shift; done'
        monkeypatch.setenv("CC", fail(tmp_path, echo))
    elif why == "read-only":
        cache.write_text("a file where the folder should be")
    else:
        monkeypatch.delenv("FFL_CACHE")
        monkeypatch.delenv("XDG_CACHE_HOME", raising=False)
        monkeypatch.setattr(Path, "expanduser", without_a_home)
    with caplog.at_level("INFO", logger="ffl_plugin.native"):
        assert native.loops() is None
    assert reason in caplog.text
    pred, target = images(2, 3, 8, 9), images(2, 3, 8, 9, seed=1)
    for spectrum in ("image", "batch"):
        found = losses_and_gradients(pred, target, spectrum=spectrum)
        expected = by_the_equation(pred, target, spectrum=spectrum)
        for one, other in zip(found, expected):
            torch.testing.assert_close(one.double(), other, rtol=1e-4, atol=1e-6)
    assert not cache.is_dir() or not list(cache.iterdir())
