"""The losses of a study of ``ffl-patch reproduce`` over its epochs: a figure from its ``result.json``.

    python benchmarks/training_curves.py FIGURE.png OUT/result.json TERM

TERM is a term of the objective, such as ``MSE``. A line is the mean over the seeds of a method, the band its
lowest and highest seed. Prints the mean of the last epoch, and the change over the last tenth of the epochs.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any


def main() -> None:
    """Draw the figure and print the table."""
    from matplotlib.figure import Figure

    runs: list[dict[str, Any]] = json.loads(Path(sys.argv[2]).read_text(encoding="utf-8"))["runs"]
    term = sys.argv[3]
    figure = Figure(figsize=(6.0, 3.2), layout="constrained")
    axis = figure.subplots()
    for method in dict.fromkeys(run["method"] for run in runs):
        curves = [[epoch[term] for epoch in run["history"]] for run in runs if run["method"] == method]
        means = [sum(values) / len(values) for values in zip(*curves)]
        epochs = range(1, len(means) + 1)
        axis.plot(epochs, means, label=method)
        lowest, highest = ([limit(values) for values in zip(*curves)] for limit in (min, max))
        axis.fill_between(epochs, lowest, highest, alpha=0.2)
        earlier = means[-1 - max(1, len(means) // 10)]
        print(f"{method}: {means[-1]:.4f}, {(means[-1] / earlier - 1) * 100:+.1f} % in the last tenth")
    axis.set(xlabel="epoch", ylabel=term, yscale="log")
    axis.legend(fontsize=8)
    figure.savefig(sys.argv[1], dpi=110)


if __name__ == "__main__":
    main()
