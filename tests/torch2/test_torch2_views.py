"""The views of torch, numpy and scipy that a mended clone imports, and what they leave alone."""

from __future__ import annotations

import copy
import subprocess
import sys
from pathlib import Path

import numpy
import pytest
import torch

from ffl_plugin.integrations import torch2
from ffl_plugin.integrations._square_root import square_root


def test_a_sampler_may_still_hand_its_data_set_to_the_base_class() -> None:
    class InfiniteSampler(torch2.torch.utils.data.Sampler):  # type: ignore[misc, name-defined]
        def __init__(self, dataset: list[str]) -> None:
            super().__init__(dataset)
            self.dataset = dataset

        def __iter__(self) -> object:
            return iter([1, 0])

    sampler = InfiniteSampler(["a", "b"])
    assert isinstance(sampler, torch.utils.data.Sampler)
    loader = torch.utils.data.DataLoader(sampler.dataset, sampler=sampler, batch_size=2)  # type: ignore[arg-type]
    assert list(loader) == [["b", "a"]]


class TestWithoutCuda:
    @pytest.fixture
    def view(self, monkeypatch: pytest.MonkeyPatch) -> object:
        monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
        return torch2._torch_of_this_machine()

    def test_cuda_devices_are_the_cpu(self, view: object) -> None:
        assert view.device("cuda", 0) == view.device("cuda") == torch.device("cpu")  # type: ignore[attr-defined]
        assert view.device("meta") == torch.device("meta")  # type: ignore[attr-defined]

    def test_pinning_gives_the_tensor_itself(self, view: object) -> None:
        labels = view.from_numpy(numpy.arange(3.0))  # type: ignore[attr-defined]
        pinned = labels.pin_memory()
        assert type(pinned) is torch.Tensor
        assert pinned.data_ptr() == labels.data_ptr()
        assert type(labels + 1) is torch.Tensor
        assert all(type(part) is torch.Tensor for part in labels.split(2))

    def test_events_measure_time(self, view: object, monkeypatch: pytest.MonkeyPatch) -> None:
        start, end = (view.cuda.Event(enable_timing=True) for _ in range(2))  # type: ignore[attr-defined]
        with pytest.raises(RuntimeError, match="must be recorded"):
            start.elapsed_time(end)
        clock = iter([3.0, 3.25])
        monkeypatch.setattr("time.perf_counter", lambda: next(clock))
        assert start.cuda_event == 0
        start.record(view.cuda.current_stream("cpu"))  # type: ignore[attr-defined]
        assert start.cuda_event != 0
        end.record()
        end.synchronize()
        assert start.elapsed_time(end) == 250

    def test_there_is_no_gpu_memory_to_report(self, view: object) -> None:
        cuda = view.cuda  # type: ignore[attr-defined]
        cuda.reset_peak_memory_stats()
        assert cuda.max_memory_allocated(torch.device("cpu")) == cuda.max_memory_reserved() == 0

    def test_half_precision_distances_are_computed_in_single(self, view: object) -> None:
        a, b = torch.randn(4, 3).half(), torch.randn(5, 3).half()
        distances = view.cdist(a, b)  # type: ignore[attr-defined]
        assert distances.dtype is torch.float16
        assert torch.equal(distances, torch.cdist(a.float(), b.float()).half())
        assert torch.equal(view.cdist(a.float(), b.float()), torch.cdist(a.float(), b.float()))  # type: ignore[attr-defined]

    def test_everything_else_is_torch(self, view: object) -> None:
        assert view.Tensor is torch.Tensor  # type: ignore[attr-defined]
        assert view.nn.functional is torch.nn.functional  # type: ignore[attr-defined]
        assert view.cuda.is_available() is False  # type: ignore[attr-defined]
        assert "zeros_like" in dir(view)

    def test_torch_itself_is_not_touched(self, view: object) -> None:
        assert torch.device("cuda", 0).type == "cuda"
        assert torch.nn.parallel.DistributedDataParallel.__module__.startswith("torch.")
        assert type(torch.from_numpy(numpy.zeros(1))) is torch.Tensor

    def test_full_precision_unless_the_user_said_otherwise(self, view: object) -> None:
        assert torch2.fp32_without_cuda(None) is True
        assert torch2.fp32_without_cuda(False) is False
        assert torch2.fp32_without_cuda(True) is True


def test_with_cuda_only_the_sampler_and_ddp_differ(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    view = torch2._torch_of_this_machine()
    assert view.device is torch.device
    assert view.cuda is torch.cuda
    assert view.from_numpy is torch.from_numpy
    assert view.utils.data.DataLoader is torch.utils.data.DataLoader
    assert view.utils.data.Sampler is not torch.utils.data.Sampler
    assert issubclass(view.nn.parallel.DistributedDataParallel, torch.nn.parallel.DistributedDataParallel)
    assert torch2.fp32_without_cuda(None) is None


def test_adam_takes_the_betas() -> None:
    options = {"lr": 0.1, "betas": [0, 0.99]}
    other = copy.deepcopy(options)
    torch2.float_betas(options, other)
    assert options["betas"] == other["betas"] == [0.0, 0.99]
    torch.optim.Adam([torch.nn.Parameter(torch.zeros(1))], **options)  # type: ignore[arg-type]


def test_percentiles_by_their_old_keyword() -> None:
    values = numpy.array([0.0, 1.0, 5.0])
    assert torch2.numpy.percentile(values, 60, interpolation="lower") == 1.0
    assert torch2.numpy.percentile(values, 60, interpolation="higher") == 5.0
    assert torch2.numpy.percentile(values, 50) == numpy.percentile(values, 50)
    assert torch2.numpy.array is numpy.array


def test_sqrtm_still_tells_its_error() -> None:
    scipy = pytest.importorskip("scipy")
    matrix = numpy.array([[2.0, 1.0], [1.0, 2.0]])
    root, error = torch2.scipy.linalg.sqrtm(matrix, disp=False)
    numpy.testing.assert_allclose(root @ root, matrix)
    assert error < 1e-12
    numpy.testing.assert_array_equal(torch2.scipy.linalg.sqrtm(matrix), root)
    assert torch2.scipy.linalg.norm is scipy.linalg.norm
    assert torch2.scipy.fft is scipy.fft


class TestSquareRoot:
    @staticmethod
    def covariances(images: int, features: int) -> tuple[numpy.ndarray, numpy.ndarray, float]:
        """Two covariances, and the trace of their product's root, by the singular values of the factors."""
        random = numpy.random.default_rng(0)
        weights = 1 / numpy.arange(1, features + 1)
        first, second = (random.normal(size=(images, features)) * weights for _ in range(2))
        first, second = first - first.mean(0), second - second.mean(0)
        trace = numpy.linalg.svd(first @ second.T / (images - 1), compute_uv=False).sum()
        return numpy.cov(first.T), numpy.cov(second.T), float(trace)

    @pytest.mark.parametrize("version", ["1.11.2", "1.11.4", "1.12.0", "1.12.0+mkl"])
    def test_where_scipys_is_wrong_it_is_replaced(
        self, version: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        scipy = pytest.importorskip("scipy.linalg")
        monkeypatch.setattr(sys.modules["scipy"], "__version__", version)
        a, b, trace = self.covariances(images=40, features=120)
        root, error = torch2.scipy.linalg.sqrtm(a @ b, disp=False)
        assert error < 1e-9
        assert numpy.isrealobj(root) and numpy.abs(root).max() < 2
        assert abs(numpy.trace(root) - trace) < 1e-5
        assert not numpy.array_equal(root, scipy.sqrtm(a @ b))

    @pytest.mark.parametrize("version", ["1.10.1", "1.11.1", "1.13.0", "1.18.0.dev0"])
    def test_where_scipys_is_right_it_is_scipys(self, version: str, monkeypatch: pytest.MonkeyPatch) -> None:
        scipy = pytest.importorskip("scipy.linalg")
        monkeypatch.setattr(sys.modules["scipy"], "__version__", version)
        a, b, _ = self.covariances(images=40, features=20)
        numpy.testing.assert_array_equal(torch2.scipy.linalg.sqrtm(a @ b), scipy.sqrtm(a @ b))

    @pytest.mark.parametrize(
        ("images", "features", "error"),
        # Far below full rank it is more exact than the square root of rounding, 1e-8, which scipy's has.
        [(50, 20, 1e-9), (21, 20, 1e-6), (20, 20, 1e-6), (5, 30, 1e-11), (2, 8, 1e-11)],
    )
    def test_the_trace_is_that_of_the_factors(self, images: int, features: int, error: float) -> None:
        pytest.importorskip("scipy")
        a, b, trace = self.covariances(images, features)
        root = square_root(a @ b)
        numpy.testing.assert_allclose(root @ root, a @ b, atol=1e-9)
        assert abs(numpy.trace(root) - trace) < error

    def test_of_zeros_and_of_what_has_no_real_root(self) -> None:
        pytest.importorskip("scipy")
        assert not square_root(numpy.zeros((3, 3))).any()
        root = square_root(numpy.diag([-4.0, 1.0]))
        numpy.testing.assert_allclose(root, numpy.diag([2j, 1]), atol=1e-12)


def test_scipy_is_not_imported_before_it_is_needed(tmp_path: Path) -> None:
    code = "import sys, ffl_plugin.integrations.torch2; print('scipy' in sys.modules)"
    result = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=tmp_path
    )
    assert result.stdout.strip() == "False"
