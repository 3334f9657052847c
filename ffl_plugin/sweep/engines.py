"""Where the trainings of a sweep run: on this machine, or on a cluster that the user already has.

An engine is a module with one function::

    start(sweep: Path, settings: Mapping[str, int | str]) -> Engine

which refuses what cannot work before anything is written, and returns what runs the trials.
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

# Name -> the module, imported when it is chosen.
ENGINES = {"here": "ffl_plugin.sweep.run", "slurm": "ffl_plugin.sweep.slurm", "ray": "ffl_plugin.sweep.ray"}


class Engine(Protocol):
    """Runs the trials that are not done, waits for all of them, and tells what happens, line by line."""

    def run(self, plan: Plan, trials: Sequence[Trial], tell: Callable[[str], None]) -> None:
        """Run them; raises ``FFLError`` when interrupted, and then goes on where it was when run again."""


def start_engine(name: str, sweep: Path, settings: Settings) -> Engine:
    """Get an engine of `ENGINES` ready.

    Args:
        name: a key of `ENGINES`.
        sweep: the folder of the sweep; nothing is written to it yet.
        settings: the engine's own parameters.

    Raises:
        FFLError: the engine is not installed or not to be had here, or does not know a parameter.
    """
    engine: Engine = importlib.import_module(ENGINES[name]).start(sweep, settings)
    return engine


def fail(trial: Trial, why: str) -> str:
    """Record that a trial's job ended without its success, and say so in its log; return that in words.

    Such a job may have been killed before it could write anything itself.
    """
    trial.folder.mkdir(parents=True, exist_ok=True)
    with trial.log.open("a", encoding="utf-8") as log:
        log.write(f"{why}\n")
    trial.record(**{**read_json(trial.folder / STATE), "state": FAILED, "why": why})
    return f"{FAILED} ({why})"


def parse_settings(texts: Sequence[str]) -> Settings:
    """``NAME=VALUE`` of the command line; whole numbers become numbers.

    Raises:
        FFLError: a text is something else.
    """
    settings: dict[str, Union[int, str]] = {}
    for text in texts:
        name, equals, value = text.partition("=")
        if not equals or not name:
            raise FFLError(f"--engine-set takes NAME=VALUE, such as timeout_min=600, not {text!r}")
        settings[name] = int(value) if value.lstrip("-").isdigit() else value
    return settings
