from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from report_material import write_run, write_set

from ffl_plugin.report import Comparison, MeasurementSettings, compare


@pytest.fixture(autouse=True, scope="session")
def own_cache(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """No test reads or writes the user's cache, nor the weights that the user has."""
    with pytest.MonkeyPatch.context() as context:
        context.setenv("FFL_CACHE", str(tmp_path_factory.mktemp("cache")))
        context.setenv("TORCH_HOME", str(tmp_path_factory.mktemp("torch")))
        context.delenv("FFL_INCEPTION", raising=False)
        context.delenv("FFL_LPIPS", raising=False)
        yield


@pytest.fixture(scope="session")
def sets(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """``real``, ``before`` (blurred) and ``after`` (less so), by the same names."""
    root = tmp_path_factory.mktemp("sets")
    for name, radius in (("real", 0), ("before", 2.0), ("after", 1.0)):
        write_set(root / name, radius)
    return root


@pytest.fixture(scope="session")
def comparison(sets: Path) -> Comparison:
    return compare(
        real=sets / "real",
        before=sets / "before",
        after=sets / "after",
        command="ffl-patch compare",
        settings=MeasurementSettings(download=False),
    )


@pytest.fixture(scope="session")
def comparison_of_runs(tmp_path_factory: pytest.TempPathFactory) -> Comparison:
    """Three runs a side, with long names of metrics and small numbers."""
    runs = tmp_path_factory.mktemp("runs")
    sides = {
        side: [
            write_run(runs / f"{side}-{seed}", {0: 300, 200: fid + seed}, weight, seed, more=True)
            for seed in range(3)
        ]
        for side, weight, fid in (("before", 0.0, 20), ("after", 1.0, 12))
    }
    return compare(**sides, command="ffl-patch compare")


@pytest.fixture(scope="session")
def sweep_page(tmp_path_factory: pytest.TempPathFactory) -> str:
    """The page of a sweep over two weights and two seeds, one training of which failed."""
    from ffl_plugin.sweep.gather import gather
    from ffl_plugin.sweep.plan import Plan, trials
    from ffl_plugin.sweep.sweep_page import to_html

    sweep = tmp_path_factory.mktemp("sweep")
    plan = Plan(("python", "train.py", "--outdir={out}"), (), str(sweep), (0.0, 0.5, 10.0), (0, 1))
    everything = trials(plan, sweep)
    for trial in everything:
        trial.folder.mkdir(parents=True)
        fid = 50 - 10 * trial.weight + trial.seed
        write_run(trial.out / "00000-faces", {0: 300, 200: fid}, trial.weight, trial.seed)
        trial.record(state="failed" if trial.weight == 10 else "done", seconds=100.0)
    return to_html(gather(plan, everything, sweep, settings=MeasurementSettings(download=False)))
