"""Train, test and compare a user's clone, with and without FFL: what pix2pix, spade and stylegan2 share.

The clone is copied and the copy patched; the user's is never touched. Under the output folder:

    OUT/clone                        the patched copy
    OUT/baseline-seed-0, ffl-seed-0  each training, with train.log, test.log and its results
    OUT/comparison/report.html       ``ffl-patch compare`` of all of them

A step that has finished is not repeated; a training that was cut off starts again.
"""

from __future__ import annotations

import shutil
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Callable, Optional

from ffl_plugin.demo.repositories import copy_repository
from ffl_plugin.errors import FFLError
from ffl_plugin.formatting import markdown, shortest
from ffl_plugin.metrics.progress import Progress
from ffl_plugin.patches import all_recipes
from ffl_plugin.patching import plan_apply
from ffl_plugin.report import Comparison, compare, formatting, write_report
from ffl_plugin.reproduce import Options, Result, paper
from ffl_plugin.reproduce.networks import Network, hashes
from ffl_plugin.reproduce.scores import METRICS
from ffl_plugin.reproduce.settings import keep_settings
from ffl_plugin.sweep.processes import call

MARKER = {True: "FFL", False: "baseline"}


@dataclass(frozen=True)
class Training:
    """One training: what the arguments of the clone's scripts depend on."""

    clone: Path
    data: Path
    folder: Path
    seed: int
    weight: float
    epochs: Optional[int]
    paper: bool

    def has_option(self, name: str) -> bool:
        """Whether the clone's version knows an option; old and new ones differ."""
        return any(f"{name}'" in text or f'{name}"' in text for text in _options_text(self.clone))


@dataclass(frozen=True)
class Pipeline:
    """How one upstream is trained and tested. Every command is the script and its arguments.

    ``check`` raises FFLError where clone or data lack something; ``train`` gets ``--ffl-weight`` added;
    ``results`` is what ``ffl-patch compare`` reads; ``real`` the real images, None where they are in the
    results; ``extra_targets`` are patched too; ``networks`` are those whose weights the training uses where
    they are here, and ``environment`` adds the variables by which the clone's scripts find them.
    """

    name: str
    target: str
    check: Callable[[Path, Path], None]
    train: Callable[[Training], list[str]]
    test: Callable[[Training], Optional[list[str]]]
    results: Callable[[Training], Path]
    real: Callable[[Training], Optional[Path]]
    table: paper.Table
    notes: tuple[str, ...]
    extra_targets: tuple[str, ...] = ()
    networks: tuple[Network, ...] = ()
    environment: Callable[[Training], dict[str, str]] = lambda training: {}


def run_pipeline(pipeline: Pipeline, options: Options, progress: Progress) -> Result:
    """Do what is missing and compare the trainings."""
    if options.clone is None or options.data is None:
        raise FFLError(f"{pipeline.name} needs your clone and data set: --clone DIR and --data DIR.")
    pipeline.check(options.clone, options.data)
    settings = {
        "experiment": pipeline.name,
        "clone": str(options.clone.resolve()),
        "data": str(options.data.resolve()),
        "paper": options.paper,
        "epochs": options.epochs,
        "weight": options.weight,
        **hashes(pipeline.networks),
    }
    keep_settings(options.out, settings)
    clone = patched_copy(options.clone, options.out / "clone", (pipeline.target, *pipeline.extra_targets))
    sides: dict[bool, list[Training]] = {False: [], True: []}
    steps = 0
    for seed in range(options.seeds):
        for with_ffl, trainings in sides.items():
            training = Training(
                clone=clone,
                data=options.data.resolve(),
                folder=(options.out / f"{MARKER[with_ffl].lower()}-seed-{seed}").resolve(),
                seed=seed,
                weight=options.weight if with_ffl else 0.0,
                epochs=options.epochs,
                paper=options.paper,
            )
            trainings.append(training)
            weight = ["--ffl-weight", shortest(training.weight)] if training.weight else []
            environment = pipeline.environment(training)
            _step(training, "train", [*pipeline.train(training), *weight], environment)
            test = pipeline.test(training)
            if test is not None:
                _step(training, "test", test, environment)
            steps += 1
            progress(steps, 2 * options.seeds, pipeline.name)
    comparison = compare(
        real=pipeline.real(sides[False][0]),
        before=[pipeline.results(training) for training in sides[False]],
        after=[pipeline.results(training) for training in sides[True]],
        command=f"ffl-patch reproduce {pipeline.name}",
        progress=progress,
    )
    report = options.out / "comparison"
    write_report(comparison, report)
    overview = report / "overview.png"
    if overview.exists():
        shutil.copyfile(overview, options.out / "figure.png")
    notes = [*pipeline.notes, *(network.remark() for network in pipeline.networks)]
    data = {
        "paper": _paper_rows(pipeline.table),
        "comparison": comparison.to_json(),
        "settings": settings,
        "notes": notes,
    }
    return Result(_text(pipeline, comparison, options, notes), data)


def patched_copy(source: Path, copy: Path, targets: Sequence[str]) -> Path:
    """Copy a clone without its data, runs and history, apply the recipes of ``targets``; once."""
    if not copy.exists():
        unfinished = copy.with_name("clone.part")
        shutil.rmtree(unfinished, ignore_errors=True)
        copy.parent.mkdir(parents=True, exist_ok=True)
        copy_repository(source, unfinished)
        unfinished.replace(copy)
    for target in targets:
        plan_apply(all_recipes()[target], copy).write()
    return copy.resolve()


def _step(training: Training, step: str, command: list[str], environment: dict[str, str]) -> None:
    """Run a script in the clone unless it has finished before; its output goes to a log."""
    done = training.folder / f"{step}.done"
    if done.exists():
        return
    training.folder.mkdir(parents=True, exist_ok=True)
    log = training.folder / f"{step}.log"
    arguments = [sys.executable, "-m", "ffl_plugin.seeded", str(training.seed), *command]
    with log.open("wb") as output:
        code = call(arguments, str(training.clone), output, environment)
    if code != 0:
        last = next(
            (line for line in reversed(log.read_text(errors="replace").splitlines()) if line.strip()), ""
        )
        advice = "; install what the clone's requirements ask for" if "ModuleNotFoundError" in last else ""
        raise FFLError(
            f"{Path(command[0]).name} of {training.folder.name} failed ({last.strip()}){advice}; "
            f"all it said is in {log}."
        )
    done.touch()


def _options_text(clone: Path) -> list[str]:
    return [path.read_text(encoding="utf-8", errors="replace") for path in clone.glob("options/*.py")]


def _paper_rows(table: paper.Table) -> list[dict[str, object]]:
    return [
        {"data": data, "method": method, **dict(zip(table.metrics, row))}
        for (data, method), row in table.rows.items()
    ]


def _text(pipeline: Pipeline, comparison: Comparison, options: Options, notes: Sequence[str]) -> str:
    """Write the comparison as a Markdown table with a column for each data set of the paper."""
    table = pipeline.table
    data_sets = list(dict.fromkeys(data for data, _ in table.rows))
    header = ["metric", "without", "with FFL", "change", *(f"paper, {data}" for data in data_sets)]
    rows = []
    measured = {row.metric: row for row in comparison.rows}
    for metric in [*measured, *(metric for metric in table.metrics if metric not in measured)]:
        row = measured.get(metric)
        papers = (_paper_change(table, data, metric) for data in data_sets)
        if row is None:
            rows.append([METRICS[metric].label, "–", "–", "–", *papers])
        else:
            before, after = formatting.values(row)
            change = f"{formatting.change(row)} [{formatting.interval(row)}], {row.verdict}"
            rows.append([formatting.label(row), before, after, change, *papers])
    weight = shortest(options.weight)
    heading = f"# {pipeline.name}: Table {table.number} ({table.caption}), FFL weight {weight}"
    remarks = [*comparison.verdict.caveats, *comparison.missing, *comparison.notes, *notes]
    parts = [heading, comparison.verdict.sentence, markdown(header, rows), *remarks]
    return "\n\n".join(parts) + "\n"


def _paper_change(table: paper.Table, data: str, metric: str) -> str:
    before, after = (table.score(data, method, metric) for method in ("baseline", "FFL"))
    return "–" if before is None or after is None else f"{before:g} → {after:g}"
