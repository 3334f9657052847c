"""Backends that run the trainings of a sweep: this machine, or an existing cluster.

An engine is a module with one function::

    start(sweep: Path, settings: Mapping[str, int | str]) -> Engine

which rejects invalid settings before anything is written, and returns the object that runs the trials.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Protocol, Union

from ffl_plugin.errors import FFLError
from ffl_plugin.sweep.plan import FAILED, STATE, read_json

if TYPE_CHECKING:
    from ffl_plugin.sweep.plan import Plan, Trial

Settings = Mapping[str, Union[int, str]]

# Name -> module, imported on demand.
ENGINES = {"here": "ffl_plugin.sweep.run", "slurm": "ffl_plugin.sweep.slurm", "ray": "ffl_plugin.sweep.ray"}


class Engine(Protocol):
    """Runs all trials that are not done and waits for them, echoing progress line by line."""

    def run(self, plan: Plan, trials: Sequence[Trial], echo: Callable[[str], None]) -> None:
        """Run the trials; raises ``FFLError`` if interrupted, and continues from there when run again."""


def start_engine(name: str, sweep: Path, settings: Settings) -> Engine:
    """Import and start an engine of `ENGINES`.

    Args:
        name: a key of `ENGINES`.
        sweep: the folder of the sweep; not written to yet.
        settings: the engine's own parameters.

    Raises:
        FFLError: the engine is not installed or not available here, or a parameter is unknown.
    """
    engine: Engine = importlib.import_module(ENGINES[name]).start(sweep, settings)
    return engine


def fail(trial: Trial, why: str) -> str:
    """Record that a trial's job failed, and append the reason to its log; return a description.

    For jobs that may have been killed before they could write anything.
    """
    trial.folder.mkdir(parents=True, exist_ok=True)
    with trial.log.open("a", encoding="utf-8") as log:
        log.write(f"{why}\n")
    trial.record(**{**read_json(trial.folder / STATE), "state": FAILED, "why": why})
    return f"{FAILED} ({why})"


def parse_settings(texts: Sequence[str]) -> Settings:
    """Parse ``NAME=VALUE`` from the command line; integers are converted.

    Raises:
        FFLError: a text has another form.
    """
    settings: dict[str, Union[int, str]] = {}
    for text in texts:
        name, equals, value = text.partition("=")
        if not equals or not name:
            raise FFLError(f"--engine-set takes NAME=VALUE, such as timeout_min=600, not {text!r}")
        settings[name] = int(value) if value.lstrip("-").isdigit() else value
    return settings
