"""How often the interval of a difference holds the truth, and how often its verdict is wrong: a simulation.

    python benchmarks/coverage.py [--dimensions 64] [--repetitions 400] [--metrics fid,kid,…] [--json FILE]
    python benchmarks/coverage.py --paired-seeds --metrics fid,kid,pairs
    python benchmarks/coverage.py --jackknife --repetitions 100

Features are drawn, correlated and rectified as a network's are, or pictures whose spectrum falls as that of
photographs; ``SCENARIOS`` says what the two generators do to them. Fakes of one row come of one seed
("pairs") or not ("apart"). The truth of bias-reduced FID and KID is their change with very many images, that
of all other metrics the mean change at that number. With several trainings a side, the features of each are
1 + spread·ξ times as large, with ξ normal, and the truth is that of the mean training. A verdict is wrong if
it says the opposite of the truth, of FID and of spectra that with very many images, or, in scenario "same",
anything but "no evidence".

With --jackknife, every estimator stands beside a plain delete-a-group jackknife of the same draws, with one
training a side. With --paired-seeds, training i of both sides has one seed, and ξ of the two is correlated or
not; the same draws are compared paired by seed and as independent. One thread per process is fastest:
OMP_NUM_THREADS=1.
"""

from __future__ import annotations

import argparse
import itertools
import json
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Optional

import numpy as np
from coverage_jackknife import jackknifed
from coverage_tables import (
    CORRELATIONS,
    JACKKNIFE,
    OWN,
    SEEDS,
    SPREADS,
    Row,
    beside_jackknife,
    seed_tables,
    summary,
    tables,
)
from coverage_world import SCENARIOS, World, compared

from ffl_plugin.metrics.uncertainty import NO_EVIDENCE, Difference

RATIOS = {  # images per dimension
    "fid": (0.5, 1, 1.25, 1.5, 2, 4),
    "kid": (0.5, 1, 4),
    "is": (2, 8),
    "pr": (1, 4),
    "pairs": (0.25, 1),
    "spectra": (0.5, 2),
}
SEVERAL = {"fid": 1.5, "kid": 1.5, "is": 2, "pr": 1, "pairs": 0.25, "spectra": 0.5}  # with several trainings
FOR_ANY_NUMBER = ("fid_limit", "kid")  # metrics whose interval is for infinitely many images
LINE = (
    "{metric}, {estimator}, {scenario}, {fakes}, n = {n/d:g} d, {trainings} trainings, spread {spread:g}: "
    "coverage {coverage:.3f}, decided {decided:.2f}, wrong {wrong:.3f}, half-width {half_width:.3g}, "
    "deviation {deviation:.3g}"
)


def settings(metric: str, scenario: str) -> Iterator[tuple[float, int, float]]:
    """Yield images per dimension, trainings a side, and the spread between them."""
    for ratio in RATIOS[metric]:
        yield ratio, 1, 0.0
    if scenario in ("same", "more variety"):
        for trainings in (2, 3):
            for spread in SPREADS:
                yield SEVERAL[metric], trainings, spread


def simulate(metric: str, scenario: str, arguments: argparse.Namespace) -> Iterator[Row]:
    """Yield what was found for each setting, with fakes in pairs and apart."""
    world = World(scenario, arguments.dimensions, arguments.decay, pictures=metric == "spectra")
    # Beside the jackknife, an interval is to hold the mean of the draws, which is what both estimate.
    truths = {spread: {} if arguments.jackknife else world.truth(metric, spread) for spread in SPREADS}
    for ratio, trainings, spread in settings(metric, scenario):
        if arguments.jackknife and trainings > 1:
            continue
        for paired in (True, False):
            if metric == "pairs" and not paired:
                continue
            random = np.random.default_rng(2)
            draws: dict[str, list[list[Difference]]] = {OWN: []}
            if arguments.jackknife:
                draws[JACKKNIFE] = []
            for _ in range(arguments.repetitions):
                sizes = (1 + spread * random.normal(size=(2, trainings))).tolist()
                draw = world.draw(random, int(ratio * arguments.dimensions), paired, sizes)
                draws[OWN].append(compared(metric, draw, paired))
                if arguments.jackknife:
                    draws[JACKKNIFE].append(jackknifed(metric, draw))
            for estimator, found in ((name, one) for name, several in draws.items() for one in zip(*several)):
                limit = truths[spread].get("fid_limit" if metric == "fid" else found[0].metric)
                setting = {"scenario": scenario, "n/d": ratio, "trainings": trainings, "spread": spread}
                fakes = "pairs" if paired else "apart"
                yield {
                    **setting,
                    "fakes": fakes,
                    "estimator": estimator,
                    **_summed_up(found, limit, scenario),
                }


def simulate_seeds(metric: str, arguments: argparse.Namespace) -> Iterator[Row]:
    """Yield what was found with trainings that are paired by seed, and with the same as independent."""
    scenario = "more variety"
    world = World(scenario, arguments.dimensions, arguments.decay, pictures=metric == "spectra")
    count = int(SEVERAL[metric] * arguments.dimensions)
    truths = {spread: world.truth(metric, spread) for spread in SPREADS[1:]}
    for spread, correlation, trainings in itertools.product(SPREADS[1:], CORRELATIONS, SEEDS):
        random = np.random.default_rng(2)
        draws: dict[bool, list[list[Difference]]] = {True: [], False: []}
        for _ in range(arguments.repetitions):
            own, common = random.normal(size=(2, trainings)), random.normal(size=trainings)
            effects = np.sqrt(correlation) * common + np.sqrt(1 - correlation) * own
            draw = world.draw(random, count, True, (1 + spread * effects).tolist())
            for paired_seeds, found in draws.items():
                found.append(compared(metric, draw, True, paired_seeds))
        for paired_seeds, several in draws.items():
            for of_metric in zip(*several):
                limit = truths[spread].get("fid_limit" if metric == "fid" else of_metric[0].metric)
                setting = {"scenario": scenario, "n/d": SEVERAL[metric], "trainings": trainings}
                seeds = {"spread": spread, "correlation": correlation, "paired_seeds": paired_seeds}
                found_here = _summed_up(of_metric, limit, scenario)
                yield {**setting, **seeds, "fakes": "pairs", "estimator": OWN, **found_here}


def _summed_up(found: Sequence[Difference], limit: Optional[float], scenario: str) -> Row:
    """How the intervals of many draws fared; ``limit`` is the change with very many images, where known."""
    at_this_number = float(np.mean([one.delta for one in found]))
    known = at_this_number if limit is None else limit
    change = known if found[0].metric in FOR_ANY_NUMBER else at_this_number
    return {
        "metric": found[0].metric,
        "truth": change,
        "coverage": float(np.mean([one.low <= change <= one.high for one in found])),
        "wrong": float(np.mean([_wrong(one, known, scenario) for one in found])),
        "decided": float(np.mean([one.verdict != NO_EVIDENCE for one in found])),
        "half_width": float(np.mean([(one.high - one.low) / 2 for one in found])),
        "deviation": float(np.std([one.delta for one in found])),
    }


def _wrong(found: Difference, change: float, scenario: str) -> bool:
    if scenario == "same":
        return found.verdict != NO_EVIDENCE
    better = (change < 0) == (found.direction == "lower")
    return found.verdict == ("worse" if better else "improved")


def main() -> None:
    """Simulate everything; print a line for each setting on stderr, and the tables at the end."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--dimensions", type=int, default=64)
    parser.add_argument("--decay", type=float, default=0.5)
    parser.add_argument("--repetitions", type=int, default=400)
    parser.add_argument("--metrics", default=",".join(RATIOS))
    parser.add_argument("--scenarios", default=",".join(SCENARIOS))
    parser.add_argument(
        "--paired-seeds", action="store_true", help="trainings paired by seed, beside independent"
    )
    parser.add_argument(
        "--jackknife", action="store_true", help="hold a plain jackknife beside each estimator"
    )
    parser.add_argument("--json", type=Path, metavar="FILE", help="where to keep the rows")
    parser.add_argument("--from-json", type=Path, nargs="+", metavar="FILE", help="print the tables of these")
    arguments = parser.parse_args()
    rows: list[Row] = [row for file in arguments.from_json or [] for row in json.loads(file.read_text())]
    for metric in [] if arguments.from_json else arguments.metrics.split(","):
        studies = (
            [simulate_seeds(metric, arguments)]
            if arguments.paired_seeds
            else [simulate(metric, scenario, arguments) for scenario in arguments.scenarios.split(",")]
        )
        for row in itertools.chain(*studies):
            rows.append(row)
            print(LINE.format_map(row), file=sys.stderr, flush=True)
            if arguments.json:
                arguments.json.write_text(json.dumps(rows))
    if arguments.paired_seeds:
        lines = list(seed_tables(rows))
    elif arguments.jackknife:
        lines = list(beside_jackknife(rows))
    else:
        lines = [*summary(rows), *tables(rows)]
    print("\n".join(lines))


if __name__ == "__main__":
    main()
