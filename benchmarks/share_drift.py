"""How the share of FFL drifts after its calibration: a figure from the logs of trainings with --ffl-monitor.

    python benchmarks/share_drift.py FIGURE.png LABEL=LOG LABEL=LOG ...

A LOG is ``loss_log.txt`` of pix2pix, or ``stats.jsonl`` of StyleGAN2. Prints the median share of every tenth
part of each training, as a multiple of what was asked for: of ``0.1`` where LABEL begins so.
"""

from __future__ import annotations

import json
import re
import sys
from pathlib import Path
from statistics import median

PRINTED = re.compile(r"epoch: (\d+), .*grad_FFL: ([\d.]+)[ ,].*grad_rest: ([\d.]+)")
PARTS = 10


def pulls(log: Path) -> list[tuple[float, float]]:
    """Position (epochs or kimg) and share, of every line in which FFL pulls."""
    found = []
    for line in log.read_text(encoding="utf-8").splitlines():
        if log.suffix == ".jsonl":
            tick = json.loads(line)
            whose = [tick.get(f"Gradient/{name}", {}).get("mean") for name in ("ffl", "rest")]
            place = tick["Progress/kimg"]["mean"]
        else:
            match = PRINTED.search(line)
            whose = [float(match[2]), float(match[3])] if match else [None, None]
            place = float(match[1]) if match else 0.0
        if whose[0] and whose[1]:
            found.append((place, whose[0] / whose[1]))
    return found


def main() -> None:
    """Draw the figure and print the table."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(6.0, 3.2), layout="constrained")
    axis = figure.subplots()
    for argument in sys.argv[2:]:
        label, _, name = argument.partition("=")
        asked, found = float(label.split()[0]), pulls(Path(name))
        size = max(1, len(found) // PARTS)
        parts = [found[start : start + size] for start in range(0, len(found), size)]
        shares = [median(share for _, share in part) / asked for part in parts]
        print(f"{label}: " + " ".join(f"{share:.2f}" for share in shares))
        end = found[-1][0]
        axis.plot([median(place for place, _ in part) / end for part in parts], shares, "o-", label=label)
    axis.axhline(1.0, color="black", linewidth=0.8)
    axis.set(xlabel="part of the training", ylabel="share / share asked for", ylim=(0, None))
    axis.legend(fontsize=8)
    figure.savefig(sys.argv[1], dpi=110)


if __name__ == "__main__":
    main()
