"""How often the interval of a difference holds the truth, and how often its verdict is wrong: a simulation.

    python benchmarks/coverage.py [--dimensions 64] [--repetitions 200] [--metrics fid,kid,is,pr] [--json]

Features are drawn, correlated and rectified as a network's are; ``SCENARIOS`` says what the two generators
do to them. Fakes of one row come of one seed ("pairs") or not ("apart"). The truth of FID∞ and KID is their
change with 200,000 and 10,000 images; FID, IS, precision and recall depend on the number of images, and their
truth is the mean change at that number. A verdict is wrong if it says the opposite of the truth (of FID, the
truth of FID∞), or, in the scenario "same", anything but "no evidence". One thread per process is fastest:
OMP_NUM_THREADS=1.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from ffl_plugin.metrics.difference import NO_EVIDENCE, Difference
from ffl_plugin.metrics.distribution_difference import (
    compare_inception_score,
    compare_kid,
    compare_precision_recall,
)
from ffl_plugin.metrics.fid_difference import compare_fid
from ffl_plugin.metrics.frechet import frechet_distance
from ffl_plugin.metrics.kernel_distance import between, kernel_distance, within

Array = Any
CLASSES = 10
RATIOS = {"fid": (0.5, 1, 1.25, 1.5, 2, 4), "kid": (0.5, 1, 4), "is": (2, 8), "pr": (1, 4)}
TITLES = {
    "fid": "FID",
    "fid_limit": "FID∞",
    "kid": "KID",
    "is": "Inception Score",
    "precision": "Precision",
    "recall": "Recall",
}

# What a generator makes of latent z and noise e, both (n, d); ``f`` mixes and rectifies.
Generator = Callable[[Callable[[Array], Array], Array, Array], Array]
SCENARIOS: dict[str, tuple[Generator, Generator]] = {
    "same": (lambda f, z, e: f(0.85 * z) + 0.1 * e, lambda f, z, e: f(0.85 * z) + 0.1 * e),
    "more variety": (lambda f, z, e: f(0.8 * z) + 0.15 * e, lambda f, z, e: f(0.9 * z) + 0.1 * e),
    "collapse mended": (lambda f, z, e: f(0.3 * z), lambda f, z, e: f(0.9 * z)),
    "variety for a shift": (lambda f, z, e: f(0.75 * z), lambda f, z, e: f(z) + 0.15),
    "less noise": (lambda f, z, e: f(z) + 0.5 * e, lambda f, z, e: f(z) + 0.2 * e),
}


class World:
    """Draws reals and the fakes of one scenario."""

    def __init__(self, scenario: str, dimensions: int, decay: float) -> None:
        """``decay`` is the exponent of the spectrum of standard deviations."""
        rotation = np.linalg.qr(np.random.default_rng(5).normal(size=(dimensions, dimensions)))[0]
        mixing = rotation * np.arange(1, dimensions + 1)[:, None] ** -decay
        self._mixing = mixing * np.sqrt(dimensions / np.sum(mixing**2))
        self._dimensions = dimensions
        self._generators = SCENARIOS[scenario]

    def draw(self, random: np.random.Generator, count: int, paired: bool) -> tuple[Array, Array, Array]:
        """Return reals, before and after, each (count, d)."""
        latents = [random.normal(size=(count, self._dimensions)) for _ in range(3)]
        noises = random.normal(size=(2, count, self._dimensions))
        before = self._generators[0](self._rectified, latents[0], noises[0])
        after = self._generators[1](self._rectified, latents[0 if paired else 1], noises[1])
        return self._rectified(latents[2]), before, after

    def _rectified(self, z: Array) -> Array:
        return np.maximum(z @ self._mixing + 0.3, 0)


def truth(metric: str, world: World) -> float:
    """The change of FID or KID with very many images."""
    random = np.random.default_rng(1)
    if metric == "fid":
        real, before, after = world.draw(random, 200_000, paired=True)
        return frechet_distance(after, real) - frechet_distance(before, real)
    real, before, after = world.draw(random, 10_000, paired=True)
    reals, *inner = (within([rows]).means[0] for rows in (real, before, after))
    across = between([before, after], real, (1.0, 1.0)).means
    values = [kernel_distance(own, reals, other) for own, other in zip(inner, across)]
    return values[1] - values[0]


def logits(rows: Array) -> Array:
    """Class logits of features, (n, 10)."""
    weights = np.random.default_rng(9).normal(size=(rows.shape[1], CLASSES))
    return (rows @ weights / np.sqrt(rows.shape[1]) * 2).astype(np.float32)


def compared(metric: str, drawn: tuple[Array, Array, Array], paired: bool) -> list[Difference]:
    """Compare one draw."""
    real, before, after = drawn
    if metric == "fid":
        return compare_fid(real, [before], [after], paired=paired)
    if metric == "kid":
        return [compare_kid(real, [before], [after], paired=paired)]
    if metric == "is":
        return [compare_inception_score([logits(before)], [logits(after)], paired=paired)]
    return list(compare_precision_recall(*(side if side is real else [side] for side in drawn)))


def simulate(metric: str, scenario: str, arguments: argparse.Namespace) -> Iterator[dict[str, Any]]:
    """Yield a row for each number of images, paired or not."""
    world = World(scenario, arguments.dimensions, arguments.decay)
    known = truth(metric, world) if metric in ("fid", "kid") else None
    for ratio in RATIOS[metric]:
        count = int(ratio * arguments.dimensions)
        for paired in (True, False):
            random = np.random.default_rng(2)
            draws = [
                compared(metric, world.draw(random, count, paired), paired)
                for _ in range(arguments.repetitions)
            ]
            for found in zip(*draws):
                at_this_number = float(np.mean([one.delta for one in found]))
                change = known if found[0].metric in ("fid_limit", "kid") else at_this_number
                direction = at_this_number if known is None else known
                yield {
                    "metric": found[0].metric, "scenario": scenario, "n/d": ratio, "n": count,
                    "fakes": "pairs" if paired else "apart", "truth": change,
                    "coverage": float(np.mean([one.low <= change <= one.high for one in found])),
                    "wrong": float(np.mean([_wrong(one, direction, scenario) for one in found])),
                    "decided": float(np.mean([one.verdict != NO_EVIDENCE for one in found])),
                }  # fmt: skip


def _wrong(found: Difference, change: float, scenario: str) -> bool:
    if scenario == "same":
        return found.verdict != NO_EVIDENCE
    better = (change < 0) == (found.better == "lower")
    return found.verdict == ("worse" if better else "improved")


def main() -> None:
    """Simulate everything; print a Markdown table as it grows, or one JSON object at the end."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--dimensions", type=int, default=64)
    parser.add_argument("--decay", type=float, default=0.5)
    parser.add_argument("--repetitions", type=int, default=200)
    parser.add_argument("--metrics", default="fid,kid,is,pr")
    parser.add_argument("--scenarios", default=",".join(SCENARIOS))
    parser.add_argument("--json", action="store_true")
    arguments = parser.parse_args()
    rows = []
    table = sys.stderr if arguments.json else sys.stdout
    print("| metric | scenario | fakes | n/d | coverage | decided | wrong |", file=table)
    print("|---|---|---|---|---|---|---|", file=table)
    for metric in arguments.metrics.split(","):
        for scenario in arguments.scenarios.split(","):
            for row in simulate(metric, scenario, arguments):
                rows.append(row)
                print(
                    f"| {TITLES[row['metric']]} | {scenario} | {row['fakes']} | {row['n/d']:g} "
                    f"| {row['coverage']:.3f} | {row['decided']:.2f} | {row['wrong']:.3f} |",
                    file=table,
                    flush=True,
                )
    if arguments.json:
        print(json.dumps({"settings": vars(arguments), "rows": rows}))


if __name__ == "__main__":
    main()
