"""Speed of FID beside pytorch-fid and torch-fidelity, on the same images, weights and cores, in one run.

    python benchmarks/metrics.py [--images 96] [--rounds 3] [--json]

The weights are random (speed does not depend on them); the images, 256x256 PNG, are written to a temporary
folder, and decoding is timed with the network. Rounds go from one tool to the next, so that a busy machine
slows all; medians of the rounds are shown. "Overlap" replaces the network by one that waits as long as a
chunk takes to decode and resize, as a fast accelerator would: together they should take little more than
either.
Takes about five minutes on two quiet cores.
"""

from __future__ import annotations

import argparse
import json
import statistics
import sys
import tempfile
import time
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any, Optional

import numpy as np
import torch
from PIL import Image

from ffl_plugin.metrics import PROTOCOLS, Extractor, find_weights, frechet_distance, open_images
from ffl_plugin.metrics.features import CHUNK
from ffl_plugin.metrics.torchvision_operators import import_torchvision

sys.path.insert(0, str(Path(__file__).parents[1] / "tests" / "metrics"))
from pictures import picture, save
from weights_file import save_random_weights


def medians(tools: dict[str, Callable[[], object]], rounds: int) -> dict[str, float]:
    """Median seconds of each tool, one after another in every round."""
    times: dict[str, list[float]] = {name: [] for name in tools}
    for _ in range(rounds):
        for name, tool in tools.items():
            begun = time.perf_counter()
            tool()
            times[name].append(time.perf_counter() - begun)
    return {name: statistics.median(values) for name, values in times.items()}


def feature_tools(folder: Path, weights_path: Path) -> dict[str, Callable[[], object]]:
    """The three tools on one folder: decode, resize, network."""
    import_torchvision()
    from pytorch_fid import fid_score, inception
    from torch_fidelity.feature_extractor_inceptionv3 import FeatureExtractorInceptionV3

    files = sorted(folder.iterdir())
    extractor = Extractor(find_weights(weights_path), device="cpu")
    extractor.extract(open_images(folder).subset([0]), PROTOCOLS["pytorch-fid"])  # builds the network
    state = torch.load(weights_path, weights_only=True)
    inception.load_state_dict_from_url = lambda *_, **__: state
    peer = inception.InceptionV3([3]).eval()
    fid_score.tqdm = lambda items: items
    fidelity = FeatureExtractorInceptionV3("peer", ["2048"], feature_extractor_weights_path=str(weights_path))

    @torch.inference_mode()
    def torch_fidelity() -> None:
        for start in range(0, len(files), 32):
            images = [np.asarray(Image.open(path).convert("RGB")) for path in files[start : start + 32]]
            fidelity(torch.from_numpy(np.stack(images)).permute(0, 3, 1, 2))

    return {
        "ffl-plugin pytorch-fid": lambda: extractor.extract(open_images(folder), PROTOCOLS["pytorch-fid"]),
        "ffl-plugin stylegan2-ada": lambda: extractor.extract(
            open_images(folder), PROTOCOLS["stylegan2-ada"]
        ),
        "pytorch-fid": lambda: fid_score.get_activations(files, peer, batch_size=32, num_workers=1),
        "torch-fidelity": torch_fidelity,
    }


def frechet_tools(count: int) -> dict[str, Callable[[], object]]:
    """The distance of two sets of ``count`` features of 2048 dimensions, from features to number."""
    import_torchvision()
    from pytorch_fid.fid_score import calculate_frechet_distance

    random = np.random.default_rng(0)
    mixing = random.normal(size=(2048, 2048)) * np.arange(1, 2049) ** -0.5
    a, b = (np.maximum(random.normal(size=(count, 2048)) @ mixing, 0) for _ in range(2))

    def square_root() -> None:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            moments = [(x.mean(0), np.cov(x, rowvar=False)) for x in (a, b)]
            calculate_frechet_distance(*moments[0], *moments[1])

    return {"ffl-plugin": lambda: frechet_distance(a, b), "sqrtm (pytorch-fid)": square_root}


class Waiting(Extractor):
    """A network that keeps the processor free: it only takes its time."""

    pause = 0.0

    def _run(self, images: torch.Tensor) -> Any:
        time.sleep(self.pause)
        return np.zeros((len(images), 1), np.float32)


def overlap(folder: Path, weights_path: Path) -> dict[str, float]:
    """Seconds of preparing images, of a network that waits, and of both."""
    source = open_images(folder)
    source = source.subset([index % len(source) for index in range(6 * CHUNK)])
    extractor = Waiting(find_weights(weights_path), device="cpu")
    times = []
    for _ in range(2):
        begun = time.perf_counter()
        extractor.extract(source, PROTOCOLS["pytorch-fid"])
        times.append(time.perf_counter() - begun)
        extractor.pause = times[0] / 6
    return {"together": times[1], "decode and resize": times[0], "network": 6 * extractor.pause}


def main() -> None:
    """Time everything; print a table on standard error and, if asked, one JSON object."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--images", type=int, default=96)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--json", action="store_true")
    arguments = parser.parse_args()
    seconds: dict[str, dict[str, float]] = {}
    with tempfile.TemporaryDirectory() as folder:
        weights = save_random_weights(Path(folder) / "random.pth")
        images = Path(folder) / "images"
        for index in range(arguments.images):
            save(images / f"{index:04d}.png", picture(index, 256, 256))
        seconds["features"] = medians(feature_tools(images, weights), arguments.rounds)
        seconds["overlap"] = overlap(images, weights)
    show("features", seconds["features"], arguments.images)
    show("overlap", seconds["overlap"], None)
    for count in (500, 6000):
        what = f"Fréchet distance, n={count}"
        seconds[what] = medians(frechet_tools(count), arguments.rounds)
        show(what, seconds[what], None)
    if arguments.json:
        print(json.dumps({"threads": torch.get_num_threads(), "seconds": seconds}))


def show(what: str, seconds: dict[str, float], images: Optional[int]) -> None:
    """Print one line per tool on standard error, as soon as it is measured."""
    ours = next(iter(seconds.values()))
    for name, median in seconds.items():
        rate = f"{images / median:7.2f} images/s" if images else ""
        line = f"{what:<26} {name:<26} {median:9.3f} s {rate:<18} {median / ours:6.2f}x ours"
        print(line, file=sys.stderr, flush=True)


if __name__ == "__main__":
    main()
