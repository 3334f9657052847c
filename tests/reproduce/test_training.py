from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from ffl_plugin.errors import FFLError
from ffl_plugin.reproduce import synthetic
from ffl_plugin.reproduce.models import ConvolutionalVAE
from ffl_plugin.reproduce.objectives import EvidenceLowerBound, Reconstruction
from ffl_plugin.reproduce.training import History, Objective, Schedule, epoch_batches, train

IMAGES = synthetic.draw("faces", 12, 16)
OBJECTIVE = EvidenceLowerBound(Reconstruction(), 0.01)


def silent(done: int, total: int, what: str) -> None:
    pass


def trained(
    checkpoint: Path, epochs: int, seed: int = 0, objective: Objective = OBJECTIVE
) -> tuple[History, torch.Tensor]:
    torch.manual_seed(7)
    model = ConvolutionalVAE(16, latent=4, width=4)
    history = train(
        model, objective, IMAGES, Schedule(epochs, 4), seed=seed, checkpoint=checkpoint, progress=silent
    )
    return history, torch.cat([p.detach().flatten() for p in model.parameters()])


def test_the_same_seed_gives_the_same_numbers(tmp_path: Path) -> None:
    first, again, other = (trained(tmp_path / f"{i}.pt", 3, seed) for i, seed in enumerate((0, 0, 1)))
    assert first[0] == again[0]
    assert torch.equal(first[1], again[1])
    assert not torch.equal(first[1], other[1])


def test_a_resumed_training_ends_where_an_unbroken_one_does(tmp_path: Path) -> None:
    unbroken = trained(tmp_path / "unbroken.pt", 5)
    trained(tmp_path / "broken.pt", 2)
    torch.manual_seed(99)  # whatever state the second process starts in
    resumed = trained(tmp_path / "broken.pt", 5)
    assert resumed[0] == unbroken[0]
    assert torch.equal(resumed[1], unbroken[1])


@pytest.mark.parametrize("content", [b"", b"no checkpoint", "cut"], ids=["empty", "text", "cut"])
def test_a_damaged_checkpoint_is_told_in_one_sentence(tmp_path: Path, content: bytes | str) -> None:
    checkpoint = tmp_path / "c.pt"
    trained(checkpoint, 1)
    whole = checkpoint.read_bytes()
    checkpoint.write_bytes(content if isinstance(content, bytes) else whole[: len(whole) // 2])
    with pytest.raises(FFLError, match=r"c\.pt is damaged; delete it"):
        trained(checkpoint, 2)
    checkpoint.unlink()
    assert len(trained(checkpoint, 2)[0]) == 2


def test_training_lowers_the_loss_and_leaves_the_random_state_alone(tmp_path: Path) -> None:
    torch.manual_seed(7)
    before = torch.get_rng_state()
    model = torch.nn.Conv2d(3, 3, 1)
    torch.set_rng_state(before)
    history = train(
        model,
        Reconstruction(),
        IMAGES,
        Schedule(20, 4, 0.02),
        seed=0,
        checkpoint=tmp_path / "c.pt",
        progress=silent,
    )
    assert torch.equal(torch.get_rng_state(), before)
    assert history[-1]["MSE"] < history[0]["MSE"] / 2


def test_an_epoch_sees_each_image_once_in_an_order_of_its_own() -> None:
    first, second = (torch.cat(epoch_batches(12, 4, 0, epoch)) for epoch in (0, 1))
    assert sorted(first.tolist()) == list(range(12))
    assert first.tolist() != second.tolist()
    assert [len(batch) for batch in epoch_batches(11, 4, 0, 0)] == [4, 4]


def test_a_loss_that_is_not_finite_stops_the_training(tmp_path: Path) -> None:
    def broken(model: torch.nn.Module, images: torch.Tensor) -> dict[str, torch.Tensor]:
        return {"MSE": torch.nn.functional.mse_loss(model(images).reconstruction, images) * np.nan}

    with pytest.raises(FFLError, match="diverged in epoch 1"):
        trained(tmp_path / "c.pt", 1, objective=broken)
