"""torch.compile, torch.export and the transforms of torch.func see through the loss."""

from __future__ import annotations

import functools
import os
import shutil
import tempfile
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor
from torch.autograd import forward_ad
from torch.fx.experimental.proxy_tensor import make_fx

from ffl_plugin.loss import FocalFrequencyLoss, focal_frequency_loss

# There is_complex() ends the graph, complex numbers have no code, and torch.export is not there.
needs_a_newer_compiler = pytest.mark.skipif(
    not hasattr(torch, "compiler"), reason="torch 2.0 cannot compile complex numbers"
)


# torch puts a folder with a blank in its name into the compiler's command as it is.
compiles = shutil.which(os.environ.get("CXX", "g++")) is not None and " " not in tempfile.gettempdir()


def images(*shape: int) -> tuple[Tensor, Tensor]:
    generator = torch.Generator().manual_seed(0)
    pred, target = (torch.randn(shape, dtype=torch.float64, generator=generator) for _ in range(2))
    return pred.requires_grad_(), target


@needs_a_newer_compiler
@pytest.mark.parametrize(
    "options",
    [
        {},
        {"spectrum": "batch"},
        {"spectrum": "batch-amplitude"},
        {"spectrum": "batch-log-power"},
        {"patch_factor": 2, "log_matrix": True, "batch_matrix": True, "alpha": 2.0},
    ],
    ids=str,
)
@pytest.mark.filterwarnings("ignore:Guards may run slower on Python 3.13.0:RuntimeWarning")
def test_one_graph(options: dict[str, object]) -> None:
    """``aot_eager`` traces the forward and the backward pass as inductor does, and takes no compiler."""
    pred, target = images(2, 3, 4, 6)
    loss = FocalFrequencyLoss(**options)
    compiled = torch.compile(loss, fullgraph=True, backend="aot_eager")
    values = compiled(pred, target), loss(pred, target)
    torch.testing.assert_close(*values)
    torch.testing.assert_close(*(torch.autograd.grad(value, pred)[0] for value in values))


# Every option, patches of three spectra of the four, and a size of the batch that changes. Each takes the
# compiler seconds, so they are few.
COMPILED: dict[str, list[dict[str, Any]]] = {
    "static": [
        {"spectrum": "image", "patch_factor": 2, "alpha": 2.0, "log_matrix": True, "batch_matrix": True},
        {"spectrum": "image", "patch_factor": 2, "matrix": torch.linspace(0, 1, 12).view(2, 6)},
        {"spectrum": "batch", "patch_factor": 2},
        {"spectrum": "batch-log-power", "patch_factor": 2},
    ],
    "dynamic": [{"spectrum": "image", "patch_factor": 2}],
}


@needs_a_newer_compiler
@pytest.mark.skipif(
    not compiles, reason="torch finds no C++ compiler, or none that can write where it has it"
)
@pytest.mark.slow
@pytest.mark.timeout(900)
@pytest.mark.filterwarnings("ignore:Torchinductor does not support code generation for complex operators")
@pytest.mark.filterwarnings("ignore:`torch.jit.script_method` is deprecated:DeprecationWarning")
@pytest.mark.parametrize("sizes", COMPILED)
def test_compiled_code(sizes: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """The default backend, all cases in one graph: what it generates wrote beyond a buffer once (patches)."""
    # torch takes kept code for that of this processor, also where another's instructions were asked for.
    monkeypatch.setenv("TORCHINDUCTOR_CACHE_DIR", str(tmp_path))
    torch._dynamo.reset()
    dynamic, cases = sizes == "dynamic", COMPILED[sizes]

    def losses(pred: Tensor, target: Tensor) -> Tensor:
        return torch.stack([focal_frequency_loss(pred, target, **options) for options in cases])

    compiled = torch.compile(losses, fullgraph=True)
    for count in (3, 4) if dynamic else (3,):
        pred, target = (x.detach().float() for x in images(count, 3, 4, 12))
        if dynamic:  # and in another layout, from which the patches are cut
            pred = pred.contiguous(memory_format=torch.channels_last)
        pred.requires_grad_()
        if dynamic:
            torch._dynamo.mark_dynamic(pred, 0), torch._dynamo.mark_dynamic(target, 0)
        found, expected = compiled(pred, target), losses(pred, target)
        torch.testing.assert_close(found, expected, rtol=1e-4, atol=0)
        one_by_one = torch.linspace(1, 2, len(cases))  # a factor for each, so that each gradient counts
        gradients = [torch.autograd.grad(value @ one_by_one, pred)[0] for value in (found, expected)]
        torch.testing.assert_close(*gradients, rtol=1e-4, atol=1e-6)


@needs_a_newer_compiler
@pytest.mark.parametrize("spectrum", ["image", "batch-log-power"])
def test_export(spectrum: str) -> None:
    pred, target = images(2, 3, 4, 6)
    loss = FocalFrequencyLoss(spectrum=spectrum)
    exported = torch.export.export(loss, (pred.detach(), target)).module()
    torch.testing.assert_close(exported(pred.detach(), target), loss(pred, target).detach())


@pytest.mark.filterwarnings("ignore:.*torch.jit.* (is|are) deprecated:DeprecationWarning")
@pytest.mark.filterwarnings("ignore::torch.jit.TracerWarning")
@pytest.mark.parametrize("spectrum", ["image", "batch"])
@pytest.mark.parametrize("tracer", ["jit", "fx"])
def test_recorded_operations(tracer: str, spectrum: str) -> None:
    """What is recorded of one pair of images gives the loss and gradient of another."""
    loss = FocalFrequencyLoss(spectrum=spectrum)
    (pred, target), other = images(2, 3, 4, 6), images(2, 3, 4, 6)[0].detach().flip(0).requires_grad_()
    record = torch.jit.trace if tracer == "jit" else lambda function, inputs: make_fx(function)(*inputs)
    recorded = record(loss, (pred, target))
    values = recorded(other, target), loss(other, target)
    torch.testing.assert_close(*values)
    torch.testing.assert_close(*(torch.autograd.grad(value, other)[0] for value in values))


@pytest.mark.filterwarnings("ignore:.*torch.jit.* (is|are) deprecated:DeprecationWarning")
@pytest.mark.parametrize("spectrum", ["image", "batch", "batch-amplitude"])
def test_forward_mode(spectrum: str) -> None:
    """The derivative along a tangent, of images that also want a gradient."""
    pred, target = images(2, 3, 4, 6)
    tangent = images(2, 3, 4, 6)[1]
    (gradient,) = torch.autograd.grad(focal_frequency_loss(pred, target, spectrum=spectrum), pred)
    with forward_ad.dual_level():
        dual = forward_ad.make_dual(pred, tangent)
        loss = focal_frequency_loss(dual, target, spectrum=spectrum)
        derivative = forward_ad.unpack_dual(loss).tangent
    torch.testing.assert_close(derivative, (gradient * tangent).sum())


def test_vmap_and_grad() -> None:
    pred, target = images(5, 2, 3, 4, 6)
    loss = functools.partial(focal_frequency_loss, alpha=2.0)
    expected = torch.stack([loss(*pair) for pair in zip(pred, target)])
    torch.testing.assert_close(torch.vmap(loss)(pred, target), expected)
    (gradients,) = torch.autograd.grad(expected.sum(), pred)
    torch.testing.assert_close(torch.vmap(torch.func.grad(loss))(pred, target), gradients)


def test_gradients_of_all_images_at_once() -> None:
    """One backward pass under vmap: the loss of each image by all images."""
    pred, target = images(3, 2, 4, 5)
    loss = functools.partial(focal_frequency_loss, target=target, reduction="none")
    one_by_one, at_once = (torch.autograd.functional.jacobian(loss, pred, vectorize=v) for v in (False, True))
    torch.testing.assert_close(at_once, one_by_one)
    assert at_once[0, 0].any() and not at_once[0, 1].any()


@pytest.mark.parametrize("spectrum", ["image", "batch", "batch-amplitude"])
def test_functional_gradient(spectrum: str) -> None:
    pred, target = images(3, 2, 4, 5)
    loss = functools.partial(focal_frequency_loss, spectrum=spectrum)
    (expected,) = torch.autograd.grad(loss(pred, target), pred)
    torch.testing.assert_close(torch.func.grad(loss)(pred.detach(), target), expected)


def test_hessian_with_given_weights() -> None:
    """It is 2/n F⁻¹ w F, whatever the images."""
    pred, target = images(1, 1, 3, 4)
    matrix = torch.rand(3, 4, dtype=torch.float64, generator=torch.Generator().manual_seed(1))
    loss = functools.partial(focal_frequency_loss, target=target, matrix=matrix)
    hessian = torch.func.jacrev(torch.func.grad(loss))(pred.detach()).reshape(12, 12)
    basis = torch.eye(12, dtype=torch.float64).reshape(12, 3, 4)
    weighted = torch.fft.ifft2(matrix * torch.fft.fft2(basis)).real.reshape(12, 12)
    torch.testing.assert_close(hessian, (weighted + weighted.T) / 12)
