"""A user's clone with and without FFL, as a sweep: what pix2pix, spade and stylegan2 share.

The clone is copied and the copy patched; the user's is never touched. Under the output folder:

    OUT/clone          the patched copy
    OUT/sweep          the sweep over the weights 0 and --weight (``ffl_plugin.sweep.plan``), with its report
    OUT/settings.json  what was asked for, except weight and seeds: those extend the sweep
"""

from __future__ import annotations

import shutil
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Callable, Optional

from ffl_plugin.as_text import markdown, shortest
from ffl_plugin.demo.repositories import copy_repository
from ffl_plugin.errors import FFLError
from ffl_plugin.metrics.progress import Progress
from ffl_plugin.patches import all_recipes
from ffl_plugin.patching import plan_apply
from ffl_plugin.report import Comparison, MeasurementSettings, formatting
from ffl_plugin.reproduce import Options, Result, paper
from ffl_plugin.reproduce.scores import METRICS
from ffl_plugin.sweep.gather import gather
from ffl_plugin.sweep.outcomes import find_outcome
from ffl_plugin.sweep.plan import Plan, open_sweep, trials
from ffl_plugin.sweep.run import Here, only_one, refuse_failed
from ffl_plugin.sweep.sweep_page import write_sweep_report


@dataclass(frozen=True)
class Setup:
    """What the arguments of the clone's scripts depend on; ``epochs`` is None for the pipeline's own."""

    out: Path
    data: Path
    epochs: Optional[int]
    paper: bool

    @property
    def clone(self) -> Path:
        """The patched copy, in which the scripts run."""
        return self.out / "clone"


@dataclass(frozen=True)
class Pipeline:
    """How one upstream is trained and tested.

    Attributes:
        targets: what is patched.
        check: raises FFLError if the clone or the data lacks something.
        commands: the training and what follows it, each a script of the clone and its arguments, with the
            sweep's ``{out}``; ``--ffl-weight`` and seeded randomness are added.
        table: the paper's.
        results: what is compared, as in ``ffl-patch sweep --results``; None searches for it.
        real: from the results of the first training, the real images; None if they are in the results.
    """

    name: str
    targets: tuple[str, ...]
    check: Callable[[Path, Path], None]
    commands: Callable[[Setup], list[list[str]]]
    table: paper.Table
    notes: tuple[str, ...]
    results: Callable[[Setup], Optional[str]] = lambda setup: None
    real: Callable[[Setup, Path], Optional[Path]] = lambda setup, results: None


def run_pipeline(pipeline: Pipeline, options: Options, progress: Progress) -> Result:
    """Run the missing trainings and compare them."""
    if options.clone is None or options.data is None:
        raise FFLError(f"{pipeline.name} needs your clone and data set: --clone DIR and --data DIR.")
    pipeline.check(options.clone, options.data)
    settings = {
        "experiment": pipeline.name,
        "clone": str(options.clone.resolve()),
        "data": str(options.data.resolve()),
        "paper": options.paper,
        "epochs": options.epochs,
    }
    options.record(settings)
    setup = Setup(options.out.resolve(), options.data.resolve(), options.epochs, options.paper)
    _copy_and_patch(options.clone, setup.clone, pipeline.targets)
    comparison = _sweep(pipeline, setup, options, progress)
    data = {
        "paper": pipeline.table.to_json(),
        "comparison": comparison.to_json(),
        "settings": {**settings, "weight": options.weight},
        "notes": pipeline.notes,
    }
    return Result(_text(pipeline, comparison, options), data)


def _copy_and_patch(source: Path, copy: Path, targets: Sequence[str]) -> None:
    """Copy a clone without its data, runs and history unless it was copied before, and patch the copy."""
    if not copy.exists():
        unfinished = copy.with_name("clone.part")
        shutil.rmtree(unfinished, ignore_errors=True)
        copy_repository(source, unfinished)
        unfinished.replace(copy)
    for target in targets:
        plan_apply(all_recipes()[target], copy).write()


def _sweep(pipeline: Pipeline, setup: Setup, options: Options, progress: Progress) -> Comparison:
    """Run the sweep, write its report and ``OUT/figure.png``, and return the comparison of the weight."""
    seeded = (sys.executable, "-m", "ffl_plugin.seeded", "{seed}")
    training, *then = ((*seeded, *command) for command in pipeline.commands(setup))
    plan = Plan(
        command=training,
        then=tuple(then),
        folder=str(setup.clone),
        weights=(0.0, options.weight),
        seeds=tuple(range(options.seeds)),
    )
    sweep = setup.out / "sweep"
    plan = open_sweep(sweep, plan)
    everything = trials(plan, sweep)
    with only_one(sweep):
        Here().run(plan, everything, lambda line: print(line, file=sys.stderr))
        refuse_failed(everything)
        results = pipeline.results(setup)
        first = find_outcome(everything[0], results)
        report = gather(
            plan,
            everything,
            sweep,
            real=None if first is None else pipeline.real(setup, first),
            results=results,
            command=f"ffl-patch reproduce {pipeline.name}",
            settings=MeasurementSettings(download=False, progress=progress),
        )
        write_sweep_report(report, sweep / "report")
    (asked,) = (result for result in report.weights if result.weight == options.weight)
    if asked.comparison is None:
        raise FFLError(asked.why_not)
    overview = sweep / "report" / f"weight-{shortest(options.weight)}" / "overview.png"
    shutil.copyfile(overview, options.out / "figure.png")
    return asked.comparison


def _text(pipeline: Pipeline, comparison: Comparison, options: Options) -> list[str]:
    """Write the comparison as a Markdown table with a column for each data set of the paper."""
    table = pipeline.table
    data_sets = list(dict.fromkeys(data for data, _ in table.rows))
    header = ["metric", "without", "with FFL", "change", *(f"paper, {data}" for data in data_sets)]
    rows = []
    measured = {row.metric: row for row in comparison.rows}
    for metric in dict.fromkeys([*measured, *table.metrics]):
        row = measured.get(metric)
        cells = ["–", "–", "–"]
        if row is not None:
            change = f"{formatting.change(row)} [{formatting.interval(row)}], {row.verdict}"
            cells = [*formatting.values(row), change]
        label = METRICS[metric].label if row is None else formatting.label(row)
        rows.append([label, *cells, *(_paper_change(table, data, metric) for data in data_sets)])
    weight = shortest(options.weight)
    heading = f"# {pipeline.name}: Table {table.number} ({table.caption}), FFL weight {weight}"
    remarks = [*comparison.verdict.caveats, *comparison.missing, *comparison.notes, *pipeline.notes]
    return [heading, comparison.verdict.sentence, markdown(header, rows), *remarks]


def _paper_change(table: paper.Table, data: str, metric: str) -> str:
    before, after = (table.score(data, method, metric) for method in ("baseline", "FFL"))
    return "–" if before is None or after is None else f"{before:g} → {after:g}"
