"""How closely the weights that ``--ffl-share`` finds with several seeds agree, over the steps measured.

    python benchmarks/share_length.py record NORMS.json -- [OPTION ...] CLONE [OPTION ...]
    python benchmarks/share_length.py table NORMS.json NORMS.json ...

``record`` passes what follows ``--`` to ``python -m ffl_plugin.reproduce.narrow_stylegan2``; the clone is a
patched StyleGAN2-ADA, and its options include ``--ffl-share``. It trains at weight 0 and writes, for each
generator step, the gradient norms at the generated images: of FFL with each average, and of all other losses.
``table`` reads one such file per seed and prints the weights at share 0.1 that calibrations of several
lengths find.
"""

from __future__ import annotations

import json
import sys
from contextlib import redirect_stderr, redirect_stdout
from io import StringIO
from pathlib import Path
from statistics import median
from typing import Any, Optional

import torch
from torch import Tensor

from ffl_plugin.integrations import _stylegan, _term
from ffl_plugin.integrations._monitor import GradientNorms, gradient_norm, watch
from ffl_plugin.integrations._settings import Settings
from ffl_plugin.integrations._share import Calibration
from ffl_plugin.loss import focal_frequency_loss
from ffl_plugin.reproduce import narrow_stylegan2

AVERAGES = ("batch", "batch-amplitude", "batch-log-power", "image")
LENGTHS = (200, 300, 400, 500, 1000, 1500)
SHARE = 0.1
AFTER = 100  # steps in which a weight found is judged
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


def find_weight(steps: Steps, average: str, length: int) -> Optional[tuple[float, int]]:
    """Return the weight that a calibration finds, and after how many steps; None if there are too few."""
    calibration = Calibration(Settings(share=SHARE, share_steps=length))
    for position, step in enumerate(steps):
        with redirect_stdout(StringIO()), redirect_stderr(StringIO()):
            calibration.step(None, position)
        if calibration.weight is not None:
            return calibration.weight, position
        calibration._measured[None].append(torch.tensor([step[average], step["rest"]]))
    return None


def weight_of(steps: Steps, average: str) -> float:
    """Return the weight at which FFL has its share over these steps."""
    return SHARE * median(step["rest"] for step in steps) / median(step[average] for step in steps)


def print_table(seeds: list[Steps]) -> None:
    """Print, per average and length, the weights found, and the share that each gives afterwards."""
    for average in AVERAGES:
        print(average)
        for length in LENGTHS:
            results = [find_weight(steps, average, length) for steps in seeds]
            weights = [result[0] for result in results if result]
            shares = [
                result[0] / weight_of(steps[result[1] : result[1] + AFTER], average)
                for steps, result in zip(seeds, results)
                if result and len(steps) >= result[1] + AFTER
            ]
            if len(shares) > 1:
                accurate = sum(2 / 3 <= share <= 4 / 3 for share in shares)
                print(
                    f"  {length:4d} steps: {len(weights)} weights, {min(weights):.3g} to {max(weights):.3g} "
                    f"(ratio {max(weights) / min(weights):.2f}); share in the next {AFTER} steps over that "
                    f"asked for: {min(shares):.2f} to {max(shares):.2f}, "
                    f"{accurate} of {len(shares)} within a third"
                )


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
