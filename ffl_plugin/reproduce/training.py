"""The training loop shared by all models and objectives of the experiments."""

from __future__ import annotations

import math
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Callable

import torch
from torch import Tensor, nn

from ffl_plugin.errors import FFLError
from ffl_plugin.files import atomic_path
from ffl_plugin.metrics.progress import Progress
from ffl_plugin.reproduce.data import ImageArray, to_tensor

Objective = Callable[[nn.Module, Tensor], dict[str, Tensor]]
History = list[dict[str, float]]  # the mean of each weighted term, epoch by epoch

SAVE_EVERY = 20.0  # seconds between checkpoints: the most that an interruption loses


@dataclass(frozen=True)
class Schedule:
    """Length and learning rate of a training. The defaults are the authors' for the vanilla AE on CelebA."""

    epochs: int = 20
    batch_size: int = 128
    learning_rate: float = 1e-3


def train(
    model: nn.Module,
    objective: Objective,
    images: ImageArray,
    schedule: Schedule,
    *,
    seed: int,
    checkpoint: Path,
    progress: Progress,
) -> History:
    """Train ``model`` in place with Adam on (N, 3, H, W) uint8 images, minimising the sum of the terms.

    Order and noise of every epoch depend only on (seed, epoch), so a training resumed from ``checkpoint``
    ends with the same numbers as an uninterrupted one. The last incomplete batch of an epoch is dropped,
    unless it is the only one. Raises FFLError if the loss becomes non-finite or the checkpoint is damaged.
    """
    device = next(model.parameters()).device
    optimizer = torch.optim.Adam(model.parameters(), schedule.learning_rate, fused=True)
    history: History = []
    if checkpoint.exists():
        try:
            state = torch.load(checkpoint, map_location=device, weights_only=True)
            model.load_state_dict(state["model"])
            optimizer.load_state_dict(state["optimizer"])
            history = state["history"]
        except Exception:  # damaged bytes may do anything to torch's unpickler
            raise FFLError(f"{checkpoint} is damaged; delete it to start this training again.") from None

    batch_size = min(schedule.batch_size, len(images))
    saved = time.monotonic()
    model.train()
    for epoch in range(len(history), schedule.epochs):
        sums: dict[str, float] = {}
        batches = epoch_batches(len(images), batch_size, seed, epoch)
        with torch.random.fork_rng():
            torch.manual_seed(_mix(seed, epoch))
            for batch in batches:
                terms = objective(model, to_tensor(images[batch.numpy()]).to(device))
                optimizer.zero_grad()
                torch.autograd.backward(torch.stack(list(terms.values())).sum())
                optimizer.step()
                for name, term in terms.items():
                    sums[name] = sums.get(name, 0.0) + term.item() / len(batches)
        if not all(math.isfinite(value) for value in sums.values()):
            raise FFLError(
                f"The training diverged in epoch {epoch + 1} ({sums}); its checkpoint is {checkpoint}."
            )
        history.append(sums)
        progress(epoch + 1, schedule.epochs, "training")
        if epoch + 1 == schedule.epochs or time.monotonic() - saved > SAVE_EVERY:
            state = {"model": model.state_dict(), "optimizer": optimizer.state_dict(), "history": history}
            checkpoint.parent.mkdir(parents=True, exist_ok=True)
            with atomic_path(checkpoint) as unfinished:
                torch.save(state, unfinished)
            saved = time.monotonic()
    model.eval()
    return history


def epoch_batches(count: int, batch_size: int, seed: int, epoch: int) -> list[Tensor]:
    """Return the shuffled indices of one epoch, in batches of ``batch_size``."""
    order = torch.randperm(count, generator=torch.Generator().manual_seed(_mix(seed, epoch)))
    return [order[start : start + batch_size] for start in range(0, count - batch_size + 1, batch_size)]


def _mix(seed: int, epoch: int) -> int:
    """Combine two seeds into one, distinct for every pair of seed < 2^31 and epoch < 2^31."""
    return (seed << 31) + epoch + 1
