"""The plan of a sweep and the state of its trials, kept on disk.

Layout of a sweep's folder::

    sweep.json                          the plan: command, weights, seeds
    trainings/weight-1-seed-0/
        trial.json                      state: running, done or failed, with exit code, times and commands
        log.txt                         output of the commands, of all attempts
        out/                            replaces {out} in the command
        interrupted-1/                  the out/ of an unfinished attempt
    report/                             the report
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, Optional

from ffl_plugin.as_text import json_text, shortest
from ffl_plugin.errors import FFLError
from ffl_plugin.files import atomic_write

PLAN = "sweep.json"
STATE = "trial.json"
WEIGHT, SHARE = "weight", "share"
# Trainings of a weight are paired by seed from so many on: with fewer, the degrees of freedom that pairs lose
# widen the interval by more than pairing narrows it (docs/coverage.md).
FEWEST_PAIRED = 4
DONE, FAILED, RUNNING, PENDING = "done", "failed", "running", "pending"


@dataclass(frozen=True)
class Plan:
    """The trainings of a sweep.

    Attributes:
        command: the training command, with ``{weight}`` or ``{share}``, ``{seed}`` and ``{out}`` as
            placeholders.
        then: commands to run after each training, with the same placeholders, such as a test script.
        folder: working directory of the commands: the clone.
        weights: in increasing order, starting with 0, the baseline; shares if ``option`` is ``share``.
        seeds: of each weight.
        option: ``weight`` for ``--ffl-weight``, ``share`` for ``--ffl-share``.
    """

    command: tuple[str, ...]
    then: tuple[tuple[str, ...], ...]
    folder: str
    weights: tuple[float, ...]
    seeds: tuple[int, ...]
    option: str = WEIGHT

    def __post_init__(self) -> None:
        """Reject a plan without a command or ``{out}``."""
        if not self.command:
            raise FFLError("there is no training command; pass it after --, as in: -- python train.py ...")
        if not any("{out}" in word for words in (self.command, *self.then) for word in words):
            raise FFLError(
                "the command does not define where each training writes; add {out}, such as "
                "--outdir={out} for StyleGAN or --checkpoints_dir {out}/checkpoints for pix2pix"
            )

    def commands(self, trial: Trial) -> list[list[str]]:
        """Return the commands of a trial, in order, with placeholders replaced.

        ``--ffl-weight`` or ``--ffl-share`` is appended if the training command does not use the placeholder.
        """
        place = f"{{{self.option}}}"
        training = list(self.command)
        if not any(place in word for word in training):
            training.append(f"--ffl-{self.option}={place}")
        return [[trial.fill(word) for word in words] for words in (training, *self.then)]

    @property
    def seeded(self) -> bool:
        """Whether the training uses the seed; if not, trainings of one weight differ only by chance."""
        return any("{seed}" in word for word in self.command)


@dataclass(frozen=True)
class Trial:
    """One training of a sweep: weight, seed and folder."""

    weight: float
    seed: int
    folder: Path
    option: str = WEIGHT

    @property
    def out(self) -> Path:
        """The replacement of ``{out}``."""
        return self.folder / "out"

    @property
    def log(self) -> Path:
        """The output of its commands."""
        return self.folder / "log.txt"

    def fill(self, text: str) -> str:
        """Replace the placeholders in a word of a command, or in a path."""
        text = text.replace(f"{{{self.option}}}", shortest(self.weight))
        return text.replace("{seed}", str(self.seed)).replace("{out}", str(self.out))

    def state(self) -> str:
        """``pending``, ``running``, ``done`` or ``failed``, from the trial's record."""
        state = read_json(self.folder / STATE).get("state")
        return state if state in (DONE, FAILED, RUNNING) else PENDING

    def record(self, **fields: Any) -> None:
        """Write the trial's record atomically."""
        write_json(self.folder / STATE, {self.option: self.weight, "seed": self.seed, **fields})

    def __str__(self) -> str:
        """The trial's name in messages."""
        return f"{self.option} {shortest(self.weight)}, seed {self.seed}"


def trials(plan: Plan, sweep: Path) -> list[Trial]:
    """Return all trials in order of execution: seed by seed, so that a partial sweep can be evaluated."""
    return [
        Trial(
            weight, seed, sweep / "trainings" / f"{plan.option}-{shortest(weight)}-seed-{seed}", plan.option
        )
        for seed in plan.seeds
        for weight in plan.weights
    ]


def open_sweep(sweep: Path, plan: Plan) -> Plan:
    """Start a sweep in a new or empty folder, or continue an existing one.

    A continued sweep may add weights and seeds; existing ones are kept.

    Raises:
        FFLError: the folder contains other files, or a sweep of another command.
    """
    if sweep.exists() and not sweep.is_dir():
        raise FFLError(f"{sweep} is a file; pass a folder with --out")
    known = read_plan(sweep)
    if known is None:
        if sweep.is_dir() and any(sweep.iterdir()):
            raise FFLError(f"{sweep} contains other files; pass a new or empty folder with --out")
    elif known.option != plan.option:
        raise FFLError(
            f"{sweep} contains a sweep over {known.option}s; pass a new --out folder, or --{known.option}s"
        )
    elif (known.command, known.then, known.folder) != (plan.command, plan.then, plan.folder):
        raise FFLError(
            f"{sweep} contains a sweep of another command or clone (see its {PLAN}); pass a new folder with "
            "--out, or the same command"
        )
    else:
        weights, seeds = {*known.weights, *plan.weights}, {*known.seeds, *plan.seeds}
        plan = replace(plan, weights=tuple(sorted(weights)), seeds=tuple(sorted(seeds)))
    try:
        sweep.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise FFLError(
            f"cannot write to {sweep}: {error.strerror or error}; pass another folder with --out"
        ) from None
    write_json(sweep / PLAN, asdict(plan))
    return plan


def read_plan(sweep: Path) -> Optional[Plan]:
    """Return the plan in a sweep's folder; None if it is missing or invalid."""
    fields = read_json(sweep / PLAN)
    try:
        return Plan(
            tuple(fields["command"]),
            tuple(map(tuple, fields["then"])),
            fields["folder"],
            tuple(fields["weights"]),
            tuple(fields["seeds"]),
            fields.get("option", WEIGHT),
        )
    except (KeyError, TypeError, FFLError):
        return None


def parse_numbers(text: str, kind: type, what: str) -> tuple[Any, ...]:
    """Parse comma-separated numbers; duplicates are removed and the result is sorted.

    Raises:
        FFLError: not a number, negative or infinite.
    """
    try:
        numbers: Sequence[Any] = [kind(part) for part in text.split(",")]
    except ValueError:
        raise FFLError(f"{what} takes numbers separated by commas, such as 0,1, not {text!r}") from None
    if any(not 0 <= number < float("inf") for number in numbers):
        raise FFLError(f"{what} takes finite numbers >= 0, not {text!r}")
    return tuple(sorted(set(numbers)))


def read_json(path: Path) -> dict[str, Any]:
    """Read a JSON object; empty if the file is missing or invalid."""
    try:
        fields = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError):
        return {}
    return fields if isinstance(fields, dict) else {}


def write_json(path: Path, fields: dict[str, Any]) -> None:
    """Write a JSON object atomically.

    Raises:
        FFLError: the disk fails.
    """
    try:
        atomic_write(path, json_text(fields, indent=1).encode())
    except OSError as error:
        raise FFLError(
            f"cannot write {path}: {error.strerror or error}; free space or pass another --out folder, and "
            "run the same command again"
        ) from None
