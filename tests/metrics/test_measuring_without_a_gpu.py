"""What measures on a GPU stays there, and the host reads no value: seen without one, by tensors without data.

Such a tensor has a shape and a device, and raises where its value is asked for. This takes a torch that is
built for CUDA, on any machine.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest
import torch
from torch import Tensor
from torch._subclasses.fake_tensor import FakeTensorMode

from ffl_plugin.integrations import _monitor
from ffl_plugin.integrations._settings import Settings
from ffl_plugin.integrations._term import FrequencyTerm
from ffl_plugin.metrics.inception import FEATURES, Inception
from ffl_plugin.metrics.pairs import METRICS, score_batch
from ffl_plugin.metrics.protocols import PROTOCOLS
from ffl_plugin.metrics.rings import Rings
from ffl_plugin.metrics.spectral_sums import SpectralSums
from ffl_plugin.metrics.weights import Weights

pytestmark = pytest.mark.skipif(not torch.backends.cuda.is_built(), reason="this torch is built without CUDA")


@pytest.fixture
def without_data() -> Iterator[None]:
    Rings.of(24, 31)  # kept for all: made of data
    with FakeTensorMode(allow_non_fake_inputs=True):
        yield


def pixels(*size: int) -> Tensor:
    return torch.empty(5, *size, 3, dtype=torch.uint8, device="cuda")


@pytest.mark.usefixtures("without_data")
@pytest.mark.parametrize("size", [(24, 31), (1, 1), (299, 299)], ids=str)
@pytest.mark.parametrize("name", [name for name, protocol in PROTOCOLS.items() if not protocol.on_host])
def test_resizes(name: str, size: tuple[int, int]) -> None:
    prepared = PROTOCOLS[name].prepare(pixels(*size))
    assert (prepared.shape, prepared.device.type) == ((5, 3, 299, 299), "cuda")
    assert prepared.dtype == torch.float32


@pytest.mark.usefixtures("without_data")
@pytest.mark.parametrize("count", [10, 1000])
def test_spectra(count: int) -> None:
    sums = SpectralSums((24, 31), count, device=torch.device("cuda"))
    measured = sums.measure(np.zeros((5, 24, 31, 3), np.uint8))
    assert measured.decibels.dtype == (torch.float32 if count == 1000 else torch.float64)
    sums.add(range(5), measured)
    results = [measured.decibels, measured.profiles, measured.high_energy, *sums.arrays.values()]
    assert {result.device.type for result in results} == {"cuda"}


@pytest.mark.usefixtures("without_data")
def test_pairs() -> None:
    scores = score_batch(pixels(24, 31).float(), pixels(24, 31).float(), METRICS)
    assert {(score.device.type, score.dtype) for score in scores.values()} == {("cuda", torch.float64)}


def test_features(random_weights: Weights) -> None:
    network = Inception(random_weights)
    with FakeTensorMode(allow_non_fake_inputs=True):
        there = {
            name: torch.empty(tensor.shape, device="cuda").to(memory_format=torch.channels_last)
            if tensor.ndim == 4
            else torch.empty(tensor.shape, device="cuda")
            for name, tensor in network.state_dict().items()
        }
        images = PROTOCOLS["pytorch-fid"].prepare(pixels(24, 31))
        rows = torch.func.functional_call(network, there, (images,))
    assert (rows.shape, rows.device.type) == ((5, FEATURES + 1008), "cuda")


@pytest.mark.usefixtures("without_data")
@pytest.mark.parametrize("spectrum", ["image", "batch", "batch-amplitude", "batch-log-power"])
def test_terms_of_integrations(spectrum: str) -> None:
    term = FrequencyTerm(Settings(weight=1.0, spectrum=spectrum))
    term._first = False  # the first step looks at the images, once
    fake = torch.empty(4, 3, 16, 16, device="cuda", requires_grad=True)
    assert term(fake, torch.empty(4, 3, 16, 16, device="cuda")).device.type == "cuda"


@pytest.mark.usefixtures("without_data")
def test_the_monitor() -> None:
    gradient = torch.empty(4, 3, 16, 16, device="cuda", dtype=torch.float16)
    assert (_monitor.gradient_norm(gradient).device.type, _monitor.gradient_norm(gradient).dtype) == (
        "cuda",
        torch.float32,
    )
