"""What a sweep is to train, and what it has: a folder of trials, each with its own state on disk.

Layout of a sweep's folder::

    sweep.json                          the plan: command, weights, seeds
    trainings/weight-1-seed-0/
        trial.json                      state: running, done or failed, with exit code, times and commands
        log.txt                         everything the commands printed, of all attempts
        out/                            what {out} stands for in the command
        interrupted-1/                  the out/ of an attempt that did not end well
    report/                             what was gathered
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, Optional

from ffl_plugin.errors import FFLError
from ffl_plugin.files import atomic_write
from ffl_plugin.formatting import shortest

PLAN = "sweep.json"
STATE = "trial.json"
WEIGHT, SHARE = "weight", "share"
# Trainings of a weight are paired by seed from so many on: with fewer, the degrees of freedom that pairs lose
# widen the interval by more than pairing narrows it (docs/coverage.md).
FEWEST_PAIRED = 4
DONE, FAILED, RUNNING, PENDING = "done", "failed", "running", "pending"


@dataclass(frozen=True)
class Plan:
    """What to train.

    Attributes:
        command: the training command; ``{weight}`` or ``{share}``, ``{seed}`` and ``{out}`` stand for each
            trial's own.
        then: commands to run after each training, with the same placeholders, such as a test script.
        folder: where the commands run: the clone.
        weights: increasing, 0 first: every other weight is compared with it; shares where ``option`` says so.
        seeds: of each weight.
        option: what the weights are for: ``weight`` for ``--ffl-weight``, ``share`` for ``--ffl-share``.
    """

    command: tuple[str, ...]
    then: tuple[tuple[str, ...], ...]
    folder: str
    weights: tuple[float, ...]
    seeds: tuple[int, ...]
    option: str = WEIGHT

    def __post_init__(self) -> None:
        """Refuse a plan that cannot be told apart afterwards."""
        if not self.command:
            raise FFLError(
                "there is no command to train with; give it after --, as in: -- python train.py ..."
            )
        if not any("{out}" in word for words in (self.command, *self.then) for word in words):
            raise FFLError(
                "the command does not say where each training writes; put {out} into it, such as "
                "--outdir={out} for StyleGAN or --checkpoints_dir {out}/checkpoints for pix2pix"
            )

    def commands(self, trial: Trial) -> list[list[str]]:
        """The commands of one trial, in order, with every placeholder filled in.

        ``--ffl-weight`` or ``--ffl-share`` is added to a training command that does not place it itself.
        """
        place = f"{{{self.option}}}"
        training = list(self.command)
        if not any(place in word for word in training):
            training.append(f"--ffl-{self.option}={place}")
        values = {place: shortest(trial.weight), "{seed}": str(trial.seed), "{out}": str(trial.out)}
        return [[_filled(word, values) for word in words] for words in (training, *self.then)]

    @property
    def seeded(self) -> bool:
        """Whether the seed reaches the training; if not, trainings of one weight differ by chance alone."""
        return any("{seed}" in word for word in self.command)


def _filled(word: str, values: dict[str, str]) -> str:
    for name, value in values.items():
        word = word.replace(name, value)
    return word


@dataclass(frozen=True)
class Trial:
    """One training of a sweep: its weight and seed, and its folder."""

    weight: float
    seed: int
    folder: Path
    option: str = WEIGHT

    @property
    def out(self) -> Path:
        """What ``{out}`` stands for."""
        return self.folder / "out"

    @property
    def log(self) -> Path:
        """Everything its commands printed."""
        return self.folder / "log.txt"

    def state(self) -> str:
        """``pending``, ``running``, ``done`` or ``failed``, as the trial's record says."""
        state = read_json(self.folder / STATE).get("state")
        return state if state in (DONE, FAILED, RUNNING) else PENDING

    def record(self, **fields: Any) -> None:
        """Write the trial's record, whole or not at all."""
        write_json(self.folder / STATE, {self.option: self.weight, "seed": self.seed, **fields})

    def __str__(self) -> str:
        """Name the trial in a message."""
        return f"{self.option} {shortest(self.weight)}, seed {self.seed}"


def trials(plan: Plan, sweep: Path) -> list[Trial]:
    """All trials in the order they run: seed by seed, so that a sweep cut short already compares weights."""
    return [
        Trial(
            weight, seed, sweep / "trainings" / f"{plan.option}-{shortest(weight)}-seed-{seed}", plan.option
        )
        for seed in plan.seeds
        for weight in plan.weights
    ]


def open_sweep(sweep: Path, plan: Plan) -> Plan:
    """Start a sweep in a new or empty folder, or go on with the one that is there.

    A sweep that goes on may have more weights and seeds; those it already has are kept.

    Raises:
        FFLError: the folder holds something else, or a sweep of another command.
    """
    if sweep.exists() and not sweep.is_dir():
        raise FFLError(f"{sweep} is a file; give --out the name of a folder")
    known = read_plan(sweep)
    if known is None:
        if sweep.is_dir() and any(sweep.iterdir()):
            raise FFLError(f"{sweep} holds files of something else; give --out a new or empty folder")
    elif known.option != plan.option:
        raise FFLError(
            f"{sweep} holds a sweep over {known.option}s; give --out a new folder, or --{known.option}s"
        )
    elif (known.command, known.then, known.folder) != (plan.command, plan.then, plan.folder):
        raise FFLError(
            f"{sweep} holds a sweep of another command or clone (see its {PLAN}); give --out a new "
            "folder, or the same command"
        )
    else:
        weights, seeds = {*known.weights, *plan.weights}, {*known.seeds, *plan.seeds}
        plan = replace(plan, weights=tuple(sorted(weights)), seeds=tuple(sorted(seeds)))
    try:
        sweep.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise FFLError(
            f"{sweep} cannot be written: {error.strerror or error}; give --out another folder"
        ) from None
    write_json(sweep / PLAN, asdict(plan))
    return plan


def read_plan(sweep: Path) -> Optional[Plan]:
    """The plan of a sweep's folder; None where there is none that can be read."""
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
    """Numbers separated by commas, none negative or twice, in increasing order.

    Raises:
        FFLError: something else.
    """
    try:
        numbers: Sequence[Any] = [kind(part) for part in text.split(",")]
    except ValueError:
        raise FFLError(f"{what} takes numbers separated by commas, such as 0,1, not {text!r}") from None
    if any(not 0 <= number < float("inf") for number in numbers):
        raise FFLError(f"{what} takes finite numbers that are not negative, not {text!r}")
    return tuple(sorted(set(numbers)))


def read_json(path: Path) -> dict[str, Any]:
    """A JSON object; empty where there is none or it cannot be read."""
    try:
        fields = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError):
        return {}
    return fields if isinstance(fields, dict) else {}


def write_json(path: Path, fields: dict[str, Any]) -> None:
    """Write a JSON object whole or not at all.

    Raises:
        FFLError: the disk refuses.
    """
    try:
        atomic_write(path, json.dumps(fields, indent=1).encode())
    except OSError as error:
        raise FFLError(
            f"{path} cannot be written: {error.strerror or error}; make room or give --out another folder, "
            "and run the same command again"
        ) from None
