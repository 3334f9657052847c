"""Two processes, as `train.py --gpus=2` starts them, on the CPU."""

from __future__ import annotations

from pathlib import Path

import pytest
import ranks
import torch

from ffl_plugin.integrations.torch2 import torch as view


class _Noisy(torch.nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.linear = torch.nn.Linear(2, 1)
        self.register_buffer("noise", torch.randn(4))

    def forward(self, pictures: torch.Tensor) -> torch.Tensor:
        return self.linear(pictures)  # type: ignore[no-any-return]


def _process(rank: int, folder: str) -> None:
    torch.manual_seed(rank)
    device = view.device("cuda", rank)
    view.distributed.init_process_group("nccl", init_method=f"file://{folder}/group", rank=rank, world_size=2)
    module = _Noisy().to(device)
    wrapped = view.nn.parallel.DistributedDataParallel(module, device_ids=[device], broadcast_buffers=False)
    wrapped(torch.full((1, 2), float(rank))).sum().backward()
    state = {
        "noise": module.noise,
        "weight": module.linear.weight.detach(),
        "gradient": module.linear.weight.grad,
    }
    torch.save(state, f"{folder}/{rank}.pt")
    torch.distributed.destroy_process_group()


@pytest.mark.skipif(torch.cuda.is_available(), reason="with CUDA the view leaves processes and devices alone")
def test_processes_start_equal_and_average_their_gradients(tmp_path: Path) -> None:
    ranks.spawn(_process, str(tmp_path))
    first, second = (torch.load(tmp_path / f"{rank}.pt", weights_only=True) for rank in range(2))
    assert torch.equal(first["noise"], second["noise"])
    assert torch.equal(first["weight"], second["weight"])
    assert torch.equal(first["gradient"], second["gradient"])
    assert torch.equal(first["gradient"], torch.full((1, 2), 0.5))
