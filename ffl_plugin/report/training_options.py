"""Recorded options of trainings, and their differences between two sides.

A comparison shows the effect of the loss only if nothing else changed, so the page lists every differing
option, and the verdict mentions any besides the loss and the seed.
"""

from __future__ import annotations

import contextlib
import json
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from ffl_plugin.errors import FFLError

# `{:>25}: {:<30}` of pix2pix, CycleGAN and SPADE, followed by the default if it differs.
OPTION_LINE = re.compile(r"^\s*(\w+): (.*?)\s*(?:\t\[default: .*\])?$")

# Output locations, which do not affect training.
PLACES = {"name", "run_dir", "checkpoints_dir", "results_dir", "log_dir", "tf_log", "timestamp", "desc"}
SEEDS = {"seed", "random_seed"}


def read_training_options(folder: Path) -> dict[str, Any]:
    """Read options by name from ``training_options.json`` (StyleGAN) or ``train_opt.txt`` (pix2pix family).

    Nested options have dotted names, such as ``loss_kwargs.r1_gamma``. Empty without a readable record, which
    a comparison does not need.
    """
    options: dict[str, Any] = {}
    with contextlib.suppress(OSError, ValueError, RecursionError):
        _flatten(json.loads((folder / "training_options.json").read_text(encoding="utf-8")), "", options)
    for name in ("train_opt.txt", "opt.txt"):
        found = _options_in(folder / name)
        options.update(found)
        if found:
            break
    return options


def training_folders(path: Path) -> list[Path]:
    """Return candidate folders of the training of ``results/NAME[/test_latest[/images[/fake_B]]]``.

    By the upstreams' defaults this is ``checkpoints/NAME`` beside ``results``.
    """
    names = (path.absolute(), *list(path.absolute().parents)[:3])
    return [name.parent.parent / "checkpoints" / name.name for name in names]


def read_record(path: Path) -> tuple[dict[str, Any], Path]:
    """Read the options of the test, or else the training, that produced results of the pix2pix family.

    Args:
        path: a result folder, or a folder in it.

    Returns:
        Options by name, and the file that contains them; no options if there is no record.

    Raises:
        FFLError: the only record is a pickle, which is not opened because it can run code.
    """
    from ffl_plugin.metrics.results import find_results

    results = find_results(path)
    test = path if results is None else results.folder.parent
    phase = test.name.rpartition("_")[0] or "test"
    for folder in (path, *training_folders(path)):
        for name in (f"{phase}_opt.txt", "opt.txt", "train_opt.txt"):
            options = _options_in(folder / name)
            if options:
                return options, folder / name
        if (folder / "opt.pkl").is_file():
            raise FFLError(
                f"{folder / 'opt.pkl'} is a pickle, which can run code and is not opened, and there is no "
                "opt.txt beside it; pass --resize WIDTHxHEIGHT"
            )
    return {}, path


def _options_in(path: Path) -> dict[str, Any]:
    try:
        text = path.read_text(encoding="utf-8", errors="replace")
    except OSError:
        return {}
    return {match[1]: match[2] for match in map(OPTION_LINE.match, text.splitlines()) if match}


def _flatten(value: Any, name: str, options: dict[str, Any]) -> None:
    if isinstance(value, dict):
        for key, item in value.items():
            _flatten(item, f"{name}.{key}" if name else str(key), options)
    elif name:
        options[name] = value


def option_differences(
    before: Sequence[Mapping[str, Any]], after: Sequence[Mapping[str, Any]]
) -> dict[str, tuple[Any, Any]]:
    """Return options that differ between the sides, except output locations: name → (before, after).

    The value of a side is the common value of its trainings, else the list of their values. Empty if one side
    has no record.
    """
    recorded_before, recorded_after = [o for o in before if o], [o for o in after if o]
    if not recorded_before or not recorded_after:
        return {}
    names = sorted({name for options in (*recorded_before, *recorded_after) for name in options})
    differences = {}
    for name in names:
        values = _shared(recorded_before, name), _shared(recorded_after, name)
        if values[0] != values[1] and name.rpartition(".")[2] not in PLACES:
            differences[name] = values
    return differences


def _shared(side: Sequence[Mapping[str, Any]], name: str) -> Any:
    values = [options.get(name) for options in side]
    return values[0] if all(value == values[0] for value in values) else values


def is_about_the_loss(name: str) -> bool:
    """Return whether an option sets the focal frequency loss or the seed."""
    return "ffl" in name.lower() or name.rpartition(".")[2] in SEEDS
