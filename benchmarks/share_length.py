"""How closely the weights that ``--ffl-share`` finds with several seeds agree, over the steps measured.

    python benchmarks/share_length.py record NORMS.json -- [OPTION ...] CLONE [OPTION ...]
    python benchmarks/share_length.py table NORMS.json NORMS.json ...

``record`` passes what follows ``--`` to ``python -m ffl_plugin.reproduce.narrow_stylegan2``; the clone is a
patched StyleGAN2-ADA, and its options include ``--ffl-share``. It trains at weight 0 and writes, for each
generator step, the gradient norms at the generated images: of FFL with each average, and of all other losses.
``table`` reads one such file per seed and prints the weights at share 0.1 from the second half of the first N
steps.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from statistics import median
from typing import Any

import torch
from torch import Tensor

from ffl_plugin.integrations import _stylegan, _term
from ffl_plugin.integrations._monitor import GradientNorms, gradient_norm, watch
from ffl_plugin.loss import focal_frequency_loss
from ffl_plugin.reproduce import narrow_stylegan2

AVERAGES = ("batch", "batch-amplitude", "batch-log-power", "image")
LENGTHS = (200, 300, 400, 500, 600, 800, 1000, 1500, 2000, 2500, 3000, 3500)
SHARE = 0.1
SAVE_EVERY = 100  # steps

Steps = list[dict[str, float]]


def record(path: Path) -> None:
    """Replace the term of the trainings in this process by one that measures each step and adds 0."""
    steps: Steps = []

    class Recorder(_term.FrequencyTerm):
        def __call__(self, fake: Tensor, real: Tensor, *others: Any, **named: Any) -> Tensor:
            norms = {}
            for average in AVERAGES:
                detached = fake.detach().float().requires_grad_()
                loss = focal_frequency_loss(detached, real, spectrum=average)
                norms[average] = float(gradient_norm(*torch.autograd.grad(loss, detached)))

            def observe(found: GradientNorms) -> None:
                steps.append({**norms, "rest": float(found.rest)})
                if len(steps) % SAVE_EVERY == 0:
                    path.write_text(json.dumps(steps), encoding="utf-8")

            return watch(fake, [observe])[1]

    _stylegan.FrequencyTerm = Recorder  # type: ignore[misc]


def print_table(seeds: list[Steps]) -> None:
    """Print, per average and length, the weight of each seed and the ratio of the largest to the smallest."""
    for average in AVERAGES:
        print(average)
        for length in LENGTHS:
            halves = [steps[length // 2 : length] for steps in seeds if len(steps) >= length]
            if len(halves) > 1:
                weights = [
                    SHARE * median(step["rest"] for step in half) / median(step[average] for step in half)
                    for half in halves
                ]
                shown = "  ".join(f"{weight:.3g}" for weight in weights)
                print(f"  {length:4d} steps  {max(weights) / min(weights):5.2f}  {shown}")


def main() -> None:
    """Record a training, or print the table of several."""
    if sys.argv[1] == "table":
        print_table([json.loads(Path(name).read_text(encoding="utf-8")) for name in sys.argv[2:]])
    else:
        record(Path(sys.argv[2]))
        del sys.argv[1:4]
        narrow_stylegan2.main()


if __name__ == "__main__":
    main()
