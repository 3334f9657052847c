"""A study: methods × data sets × seeds, each trained and scored once.

Everything is written under the output folder, a run in a folder of its own:

    OUT/settings.json                     what was asked for; other settings need another folder
    OUT/DATA/test/00000.png               the held-out images; test.complete marks that all are there
    OUT/DATA/METHOD/seed-0/images/…       their reconstructions (and samples/ where the model can draw)
    OUT/DATA/METHOD/seed-0/run.json       scores and losses: a run that has it is not repeated
    OUT/DATA/METHOD/seed-0/model.pt       its weights, with --paper
    OUT/result.json, table.md, figure.png
"""

from __future__ import annotations

import json
import platform
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any, Callable, Optional

import torch
from torch import nn

from ffl_plugin import __version__
from ffl_plugin.as_text import json_text
from ffl_plugin.errors import FFLError
from ffl_plugin.files import atomic_write
from ffl_plugin.metrics.progress import Progress
from ffl_plugin.reproduce import Options, paper
from ffl_plugin.reproduce.data import PAPER_DATA, Split, folder_split, paper_split, synthetic_split
from ffl_plugin.reproduce.network_files import FID_AND_IS, LPIPS, Network, hashes
from ffl_plugin.reproduce.scores import Scores, score, write_images
from ffl_plugin.reproduce.training import History, Objective, Schedule, train

# The default run takes minutes on a CPU. --paper has the whole data set and the defaults of ``Schedule``.
IMAGES, TEST_IMAGES, SIZE, BATCH_SIZE = 1024, 128, 64, 32


@dataclass(frozen=True)
class Study:
    """One experiment of the paper that trains models. Methods are named as in the paper's tables.

    ``model(size, paper)`` builds the network for size x size images. ``stand_ins`` maps
    each data set of the paper to the drawn set that takes its place in the reduced run, whose length is
    ``epochs``; ``networks`` are those that its losses and scores use if available.
    """

    name: str
    methods: Mapping[str, Objective]
    model: Callable[[int, bool], nn.Module]
    tables: tuple[paper.Table, ...]
    stand_ins: Mapping[str, Optional[str]]
    epochs: int
    notes: tuple[str, ...] = ()
    networks: tuple[Network, ...] = (LPIPS, FID_AND_IS)


@dataclass(frozen=True)
class Run:
    """One training: its scores on ``test_images`` images, its losses by epoch.

    ``paper_data`` names the data set whose rows of the paper stand beside it.
    """

    data: str
    paper_data: str
    test_images: int
    method: str
    seed: int
    scores: Scores = field(default_factory=dict)
    history: History = field(default_factory=list)


@dataclass(frozen=True)
class Outcome:
    """All runs of a study."""

    study: Study
    settings: dict[str, Any]
    runs: list[Run]

    @property
    def notes(self) -> tuple[str, ...]:
        """What a reader of the numbers must know, with the file of each network."""
        return (*self.study.notes, *(network.remark() for network in self.study.networks))


def run_study(study: Study, options: Options, progress: Progress) -> Outcome:
    """Train and score what is not there yet, and return everything."""
    study = _chosen(study, options.methods)
    settings = _settings(study, options)
    options.record(settings)
    schedule = Schedule(**settings["schedule"])
    runs: list[Run] = []
    for split, paper_data in _splits(study, options, settings, progress):
        real = held_out_folder(options.out, split.name)
        complete = real.with_suffix(".complete")
        if not complete.exists():
            write_images(split.test, real)
            complete.touch()
        for seed in range(options.seeds):
            for method in study.methods:
                run = Run(split.name, paper_data, len(split.test), method, seed)
                result = run_folder(options.out, split.name, method, seed) / "run.json"
                if not result.exists():
                    _train_and_score(study, run, split, schedule, options, progress)
                runs.append(replace(run, **_read(result)))
    return Outcome(study, settings, runs)


def _read(result: Path) -> dict[str, Any]:
    """Return ``scores`` and ``history`` of a run."""
    try:
        found = json.loads(result.read_bytes())
        scores, history = found["scores"], found["history"]
        numbers = [*scores.values(), *(number for epoch in history for number in epoch.values())]
        if all(isinstance(number, (int, float, type(None))) for number in numbers):
            return {"scores": scores, "history": history}
    except (OSError, ValueError, TypeError, KeyError, AttributeError):
        pass
    raise FFLError(f"{result} is damaged; delete it, and this run is trained again.")


def _chosen(study: Study, names: Sequence[str]) -> Study:
    """Keep the baseline and the named methods; no names keep all."""
    unknown = [name for name in names if name not in study.methods]
    if unknown:
        raise FFLError(
            f"{study.name} has no method {unknown[0]}; choose --methods from {', '.join(study.methods)}."
        )
    baseline = next(iter(study.methods))
    kept = {name: of for name, of in study.methods.items() if not names or name in (baseline, *names)}
    return replace(study, methods=kept)


def held_out_folder(out: Path, data: str) -> Path:
    """Return where the held-out images of a data set lie."""
    return out / slug(data) / "test"


def run_folder(out: Path, data: str, method: str, seed: int) -> Path:
    """Return where a run writes, ``images`` and ``samples`` in it."""
    return out / slug(data) / slug(method) / f"seed-{seed}"


def slug(name: str) -> str:
    """Make a folder name of a method's or data set's name: "w/o focal" -> "w-o-focal"."""
    return re.sub(r"[^\w.]+", "-", name).strip("-").lower()


def _train_and_score(
    study: Study, run: Run, split: Split, schedule: Schedule, options: Options, progress: Progress
) -> None:
    """Do one run and write its run.json last, whole, so that its presence means that the run is done."""
    folder = run_folder(options.out, run.data, run.method, run.seed)
    device = "cuda" if torch.cuda.is_available() else "cpu"
    with torch.random.fork_rng():
        torch.manual_seed(run.seed)
        model = study.model(split.train.shape[-1], options.paper).to(device)
    checkpoint = folder / "checkpoint.pt"
    history = train(
        model,
        study.methods[run.method],
        split.train,
        schedule,
        seed=run.seed,
        checkpoint=checkpoint,
        progress=lambda done, total, _: progress(done, total, f"{run.data}, {run.method}, seed {run.seed}"),
    )
    scores = score(model, split, folder, held_out_folder(options.out, split.name), progress)
    if options.paper:
        torch.save(model.state_dict(), folder / "model.pt")
    atomic_write(folder / "run.json", json_text({"scores": scores, "history": history}).encode())
    checkpoint.unlink()


def _splits(
    study: Study, options: Options, settings: dict[str, Any], progress: Progress
) -> Iterator[tuple[Split, str]]:
    """Yield the data sets to train on, each with the data set of the paper whose numbers stand beside it."""
    cache = options.out / "data"
    if options.paper:
        places = ((name, PAPER_DATA[name]) for name in study.stand_ins)
        layouts = ", ".join(f"{layout.folder} ({name}, {layout.source})" for name, layout in places)
        if options.data is None:
            raise FFLError(f"--paper needs --data DIR, the folder with {layouts}.")
        found = [(paper_split(options.data, name, cache, progress), name) for name in study.stand_ins]
        if not any(split for split, _ in found):
            raise FFLError(f"{options.data} contains none of the data sets of {study.name}: {layouts}.")
        yield from ((split, name) for split, name in found if split)
        return
    sizes = settings["size"], settings["images"], settings["test_images"], cache, progress
    if options.data is not None:
        yield folder_split(options.data, *sizes), next(iter(study.stand_ins))
    else:
        for name, stand_in in study.stand_ins.items():
            if stand_in is not None:
                yield synthetic_split(stand_in, *sizes), name


def _settings(study: Study, options: Options) -> dict[str, Any]:
    """Everything that decides the numbers of a single run; the number of seeds does not."""
    schedule = Schedule() if options.paper else Schedule(study.epochs, BATCH_SIZE)
    if options.epochs is not None:
        schedule = replace(schedule, epochs=options.epochs)
    settings: dict[str, Any] = {
        "experiment": study.name,
        "paper": options.paper,
        "data": str(options.data.resolve()) if options.data else "drawn",
        "schedule": asdict(schedule),
        "torch": torch.__version__,
        "python": platform.python_version(),
        "threads": torch.get_num_threads(),
        "device": torch.cuda.get_device_name() if torch.cuda.is_available() else "cpu",
        "version": __version__,
        **hashes(study.networks),
    }
    if not options.paper:
        settings["size"] = SIZE
        settings["images"] = options.images or IMAGES
        settings["test_images"] = TEST_IMAGES
    return settings
