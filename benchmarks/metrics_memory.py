"""Memory of measuring, over the number of images: it should not grow with it. Linux only.

    python benchmarks/metrics_memory.py [--json] [--only pr --counts 10000 50000]

Each number of images has a process of its own, which measures the most anonymous memory (RssAnon) above what
its imports take; pages of mapped files are the system's to take back. "extract" goes from image files to
cached features with a stand-in for the network; "compare" goes from cached features to FID with its interval;
"kid", "is" and "pr" go from cached features to the numbers that `ffl-patch fid` prints.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path
from typing import Any

import numpy as np
import torch

from ffl_plugin.metrics import (
    Extractor,
    Features,
    Weights,
    inception_score,
    kid,
    open_images,
    precision_recall,
)
from ffl_plugin.metrics.features import CHUNK
from ffl_plugin.metrics.inception import CLASSES, FEATURES
from ffl_plugin.metrics.protocols import PROTOCOLS
from ffl_plugin.metrics.row_cache import StoredRows
from ffl_plugin.metrics.sides import Sides
from ffl_plugin.metrics.uncertainty import compare_features

sys.path.insert(0, str(Path(__file__).parents[1] / "tests" / "metrics"))
from pictures import picture, save

COUNTS = {
    "extract": (200, 2_000),
    "compare": (3_000, 9_000),
    "kid": (3_000, 9_000),
    "is": (3_000, 9_000),
    "pr": (3_000, 9_000),
}
SETS = {"compare": 3, "kid": 2, "is": 1, "pr": 2}  # of features that each reads
PROTOCOL = PROTOCOLS["pytorch-fid"]
WEIGHTS = Weights(Path("stand-in"), "0" * 64, False)


class StandIn(Extractor):
    """Gives features that depend on the image, without a network."""

    def __init__(self) -> None:
        super().__init__(WEIGHTS, device="cpu")

    def _run(self, images: torch.Tensor) -> Any:
        return images[:, :1, ::6, ::6].flatten(1).repeat(1, 2)[:, : FEATURES + CLASSES].numpy()


def extract(count: int, folder: Path) -> None:
    """From ``count`` image files to features."""
    StandIn().extract(open_images(folder / "images"), PROTOCOL, cache=folder / "cache")


def stored(what: str, count: int, folder: Path) -> list[Features]:
    """The sets of ``count`` cached features that were prepared."""
    paths = sorted(folder.glob("*.npz"))
    per_set = len(paths) // SETS[what]
    names = tuple(map(str, range(count)))
    left = [count - CHUNK * (number % per_set) for number in range(len(paths))]
    chunks = [StoredRows(path, np.arange(min(CHUNK, rest))) for path, rest in zip(paths, left)]
    return [
        Features(names, PROTOCOL, WEIGHTS, tuple(chunks[k * per_set : (k + 1) * per_set]))
        for k in range(SETS[what])
    ]


def compare(count: int, folder: Path) -> None:
    """From three sets of ``count`` cached features to FID before and after."""
    real, before, after = stored("compare", count, folder)
    compare_features(real, Sides([before], [after]))


def prepare(what: str, count: int, folder: Path) -> None:
    """Write what is read."""
    random = np.random.default_rng(0)
    if what == "extract":
        for index in range(count):
            save(folder / "images" / f"{index:05d}.png", picture(index, 32, 32))
        return
    for number in range(SETS[what] * -(-count // CHUNK)):
        left = count - CHUNK * (number % -(-count // CHUNK))
        rows = random.standard_normal((min(CHUNK, left), FEATURES + CLASSES), dtype=np.float32)
        np.savez(folder / f"{number:05d}.npz", rows=np.maximum(rows, 0))


def run(what: str, count: int, folder: Path) -> None:
    """Measure what was prepared."""
    if what == "extract":
        extract(count, folder)
    elif what == "compare":
        compare(count, folder)
    else:
        {"kid": kid, "is": inception_score, "pr": precision_recall}[what](*stored(what, count, folder))


def anonymous() -> float:
    """Anonymous memory of this process in MB."""
    lines = Path("/proc/self/status").read_text(encoding="utf-8").splitlines()
    return int(next(line for line in lines if line.startswith("RssAnon")).split()[1]) / 1024


def measure(what: str, count: int) -> dict[str, float]:
    """Run once and watch."""
    with tempfile.TemporaryDirectory() as name:
        prepare(what, count, Path(name))
        begun, started, peak, running = anonymous(), time.perf_counter(), [0.0], threading.Event()

        def watch() -> None:
            while not running.wait(0.02):
                peak[0] = max(peak[0], anonymous())

        watcher = threading.Thread(target=watch)
        watcher.start()
        run(what, count, Path(name))
        running.set()
        watcher.join()
    return {"images": count, "MB": peak[0] - begun, "seconds": time.perf_counter() - started}


def main() -> None:
    """Start a process for each number of images; print a line for each, and one JSON object if asked."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--only", choices=list(COUNTS))
    parser.add_argument("--counts", nargs="+", type=int, metavar="IMAGES")
    parser.add_argument("--one", nargs=2, metavar=("WHAT", "COUNT"), help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.one:
        print(json.dumps(measure(arguments.one[0], int(arguments.one[1]))))
        return
    results: dict[str, list[dict[str, float]]] = {}
    for what in [arguments.only] if arguments.only else COUNTS:
        for count in arguments.counts or COUNTS[what]:
            command = [sys.executable, __file__, "--one", what, str(count)]
            found = json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)
            results.setdefault(what, []).append(found)
            print(
                f"{what:<8} {count:>6,} images  {found['MB']:7.0f} MB  {found['seconds']:6.1f} s",
                file=sys.stderr,
                flush=True,
            )
    if arguments.json:
        print(json.dumps(results))


if __name__ == "__main__":
    main()
