"""How far FID, its extrapolation over subsets, and bias-reduced FID are from the FID of very many images.

    python benchmarks/fid_limit.py [--images 16000] [--repetitions 20] [--json]

Features are those of a trained network: AlexNet's last convolution, averaged over places (256 dimensions), of
drawn faces, drawn faces that are blurred, and drawn faces with noise. Disjoint parts of each set are measured
against parts of the reals, and held against bias-reduced FID of all images, whose bias is negligible. The
peer is FID∞ of Chong and Forsyth 2020: FID of 15 growing subsets, and a line through them over 1/N to 0.
AlexNet's weights are those of LPIPS: FFL_LPIPS, or torchvision's file in torch's cache.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import numpy as np
import torch
from scipy.ndimage import gaussian_filter
from tqdm import tqdm

from ffl_plugin.metrics import find_lpips
from ffl_plugin.metrics.frechet import Statistics, frechet_distance
from ffl_plugin.metrics.uncertainty import frechet_limit
from ffl_plugin.reproduce.synthetic import draw

Array = Any
SIZE = 64  # pixels
PER_DIMENSION = (1.25, 1.5, 2, 4, 8)
GENERATORS: dict[str, Callable[[np.random.Generator, Array], Array]] = {
    "blurred": lambda random, image: gaussian_filter(image, (0, 0.8, 0.8)),
    "noisy": lambda random, image: image + random.normal(0, 8, image.shape),
}


def features(network: Any, seed: int, count: int, change: Callable[[Array], Array]) -> Array:
    """Features (count, 256) of drawn faces."""
    rows = []
    for first in tqdm(range(0, count, 100), desc=f"faces of seed {seed}", file=sys.stderr):
        images = draw("faces", min(100, count - first), SIZE, seed=seed, first=first)
        changed = np.stack([np.clip(change(image.astype(np.float64)), 0, 255) for image in images])
        batch = torch.from_numpy(changed).float() / 127.5 - 1
        with torch.inference_mode():
            rows.append(network.net.forward(network.scaling_layer(batch))[-1].mean(dim=(2, 3)).numpy())
    return np.concatenate(rows).astype(np.float64)


def extrapolated(fake: Array, real: Array) -> float:
    """FID∞ of Chong and Forsyth: 15 subsets from a third of the images on, and a line in 1/N."""
    random = np.random.default_rng(0)
    sizes = np.linspace(len(fake) // 3, len(fake), 15).astype(int)
    values = [
        frechet_distance(*(rows[random.choice(len(rows), size, replace=False)] for rows in (fake, real)))
        for size in sizes
    ]
    return float(np.polyfit(1 / sizes, values, 1)[1])


def bias_reduced(fake: Array, real: Array) -> float:
    """FID for infinitely many images, of ours."""
    return frechet_limit(Statistics.of(fake), Statistics.of(real))


METHODS: dict[str, Callable[[Array, Array], float]] = {
    "FID": frechet_distance,
    "extrapolated": extrapolated,
    "bias-reduced": bias_reduced,
}


def measure(name: str, fake: Array, real: Array, repetitions: int) -> Iterator[dict[str, Any]]:
    """Yield mean and standard deviation of every method at every number of images."""
    truth = bias_reduced(fake, real)
    for ratio in PER_DIMENSION:
        count = int(ratio * fake.shape[1])
        parts = min(repetitions, len(fake) // count)
        if parts < 2:
            return
        for method, distance in METHODS.items():
            values = [distance(fake[i * count :][:count], real[i * count :][:count]) for i in range(parts)]
            yield {
                "generator": name, "n/d": ratio, "n": count, "parts": parts, "truth": truth,
                "method": method, "mean": float(np.mean(values)), "sd": float(np.std(values, ddof=1)),
            }  # fmt: skip


def main() -> None:
    """Print a Markdown table as it grows, or one JSON object at the end."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--images", type=int, default=8_000)
    parser.add_argument("--repetitions", type=int, default=20)
    parser.add_argument("--json", action="store_true")
    arguments = parser.parse_args()
    lpips, missing = find_lpips(may_download=False)
    if lpips is None:
        sys.exit(missing[0])
    network = lpips._network
    random = np.random.default_rng(0)
    real = features(network, 0, arguments.images, lambda image: image)
    table = sys.stderr if arguments.json else sys.stdout
    rows = []
    print("| generator | n/d | n | all images | " + " | ".join(METHODS) + " |", file=table)
    print("|---|---|---|---|" + "---|" * len(METHODS), file=table)
    for seed, (name, change) in enumerate(GENERATORS.items(), 1):
        fake = features(network, seed, arguments.images, partial(change, random))
        found = list(measure(name, fake, real, arguments.repetitions))
        rows += found
        for start in range(0, len(found), len(METHODS)):
            one = found[start]
            numbers = [f"{row['mean']:.2f} ± {row['sd']:.2f}" for row in found[start : start + len(METHODS)]]
            cells = [name, f"{one['n/d']:g}", f"{one['n']:,}", f"{one['truth']:.2f}", *numbers]
            print(f"| {' | '.join(cells)} |", file=table, flush=True)
    if arguments.json:
        print(json.dumps({"settings": vars(arguments), "rows": rows}))


if __name__ == "__main__":
    main()
