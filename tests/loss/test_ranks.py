"""Several processes with parts of a batch do what one process does with the whole batch.

`FFL_PROCESSES=4 pytest tests/loss/test_ranks.py` takes four in place of two.
"""

from __future__ import annotations

import os
from pathlib import Path

import pytest
import ranks
import torch
import torch.distributed
from torch import Tensor, nn

from ffl_plugin.loss import focal_frequency_loss

PROCESSES = int(os.environ.get("FFL_PROCESSES", 2))
SPECTRA = ("batch", "batch-amplitude", "batch-log-power")
SPLITS = {"even": [3] * PROCESSES, "uneven": [1, 5, 2, 4][:PROCESSES]}


class Generator(nn.Module):
    """A gain and an offset per channel: enough for gradients that depend on every image."""

    def __init__(self) -> None:
        super().__init__()
        self.gain = nn.Parameter(torch.linspace(0.5, 1.5, 3, dtype=torch.float64).view(3, 1, 1))
        self.offset = nn.Parameter(torch.zeros(3, 1, 1, dtype=torch.float64))

    def forward(self, noise: Tensor) -> Tensor:
        return self.gain * noise + self.offset


def batches(count: int) -> tuple[Tensor, Tensor]:
    draw = torch.Generator().manual_seed(0)
    noise, real = torch.randn(2, count, 3, 6, 8, dtype=torch.float64, generator=draw)
    return noise, real


def step(generator: nn.Module, noise: Tensor, real: Tensor, spectrum: str, sync: bool) -> dict[str, Tensor]:
    loss = focal_frequency_loss(generator(noise), real, spectrum=spectrum, batch_matrix=True, sync=sync)
    loss.backward()
    return {
        "loss": loss.detach(),
        **{name[-4:]: weight.grad for name, weight in generator.named_parameters()},
    }


def work(rank: int, folder: Path) -> None:
    torch.set_num_threads(1)
    ranks.meet(folder, rank, PROCESSES)
    results = {}
    for name, split in SPLITS.items():
        noise, real = (images.split(split)[rank] for images in batches(sum(split)))
        for spectrum in SPECTRA:
            generator = nn.parallel.DistributedDataParallel(Generator())
            results[name, spectrum] = step(generator, noise, real, spectrum, sync=True)
    torch.save(results, folder / f"{rank}.pt")
    torch.distributed.destroy_process_group()


@pytest.fixture(scope="module")
def results(tmp_path_factory: pytest.TempPathFactory) -> list[dict[tuple[str, str], dict[str, Tensor]]]:
    folder = tmp_path_factory.mktemp("ranks")
    ranks.spawn(work, folder, processes=PROCESSES)
    return [torch.load(folder / f"{rank}.pt") for rank in range(PROCESSES)]


@pytest.mark.parametrize("split", SPLITS)
@pytest.mark.parametrize("spectrum", SPECTRA)
def test_as_one_process_with_the_whole_batch(
    results: list[dict[tuple[str, str], dict[str, Tensor]]], split: str, spectrum: str
) -> None:
    expected = step(Generator(), *batches(sum(SPLITS[split])), spectrum, sync=False)
    for rank in results:
        torch.testing.assert_close(rank[split, spectrum], expected)


@pytest.mark.parametrize("spectrum", SPECTRA)
def test_without_processes_sync_changes_nothing(spectrum: str) -> None:
    noise, real = batches(3)
    torch.testing.assert_close(
        step(Generator(), noise, real, spectrum, sync=True),
        step(Generator(), noise, real, spectrum, sync=False),
    )
