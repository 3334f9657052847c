"""Opening of one training: its images, features or logs."""

from __future__ import annotations

import hashlib
import os
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Callable, Optional, Union

from ffl_plugin.errors import FFLError
from ffl_plugin.report.curves import TrainingLog
from ffl_plugin.report.model import FEATURES, IMAGES, LOGS, Training
from ffl_plugin.report.training_logs import find_training_folder, read_training_log
from ffl_plugin.report.training_options import SEEDS, read_training_options

if TYPE_CHECKING:
    from ffl_plugin.metrics import ImageSource

PathLike = Union[str, "os.PathLike[str]"]
Sampler = Callable[[Path], "ImageSource"]


@dataclass(frozen=True)
class Opened:
    """An opened training, or the real images.

    Attributes:
        path: path as given.
        kind: ``images``, ``features`` or ``logs``: the data compared.
        source: its images, if it contains images.
        sampled: whether the images were sampled from a network, so that they have no real counterparts.
        logs: folder of its logs; None without logs.
        log: contents of the logs.
    """

    path: Path
    kind: str
    source: Optional[ImageSource] = None
    sampled: bool = False
    logs: Optional[Path] = None
    log: TrainingLog = field(default_factory=TrainingLog)

    @property
    def images(self) -> ImageSource:
        """Its images; raises ``FFLError`` for a training without images."""
        if self.source is None:
            raise FFLError(
                f"{self.path} is a training run, of which only logs are read; pass a folder of images"
            )
        return self.source

    def recorded_seed(self) -> Optional[str]:
        """Return the seed in its recorded options; None without a record."""
        options = {} if self.logs is None else read_training_options(self.logs)
        return next((str(value) for name, value in options.items() if name in SEEDS), None)

    def describe(self, digest: Optional[str]) -> Training:
        """Summarize it for the report, with the hash of its images or feature file."""
        if self.kind == FEATURES:
            digest = hashlib.sha256(self.path.read_bytes()).hexdigest()
        return Training(
            path=str(self.path),
            holds=self.kind,
            images=len(self.source) if self.source is not None else 0,
            preparation=self.source.preparation if self.source is not None else "",
            digest=digest,
            logs=str(self.logs) if self.logs is not None else None,
            options=read_training_options(self.logs) if self.logs is not None else {},
            curves=self.log.curves,
        )


def open_training(path: PathLike, sample: Optional[Sampler]) -> Opened:
    """Open images (folder, zip, result folder), a feature file, a run folder, or a network to sample."""
    from ffl_plugin.metrics import open_images

    given = Path(path)
    if given.suffix.lower() == ".npz":
        return Opened(given, FEATURES)
    sampled = given.suffix == ".pkl"
    if sampled and sample is None:
        raise FFLError(f"{given} is a network; pass the clone that samples it with --clone")
    logs = find_training_folder(given.parent if sampled else given)
    log = read_training_log(logs) if logs is not None else TrainingLog()
    if sampled and sample is not None:
        return Opened(given, IMAGES, sample(given), sampled, logs, log)
    if not is_run(given):
        return Opened(given, IMAGES, open_images(given, role="fake"), sampled, logs, log)
    if not (log.curves or log.gaps or log.impossible):
        raise FFLError(
            f"{given} is a training run without a readable metric-*.jsonl, stats.jsonl or loss_log.txt; "
            "pass a run with measurements, or a folder of its images"
        )
    return Opened(given, LOGS, None, sampled, logs, log)


def open_real(path: Path) -> Opened:
    """Open real images (folder, zip, result folder), or a file of their features."""
    from ffl_plugin.metrics import open_images

    if path.suffix.lower() == ".npz":
        return Opened(path, FEATURES)
    return Opened(path, IMAGES, open_images(path, role="real"))


def is_run(path: Path) -> bool:
    """Return whether a folder is a run folder, with logs, options or snapshots, and not a set of images."""
    if not path.is_dir():
        return False
    if find_training_folder(path) == path or (path / "training_options.json").is_file():
        return True
    return next(path.glob("network-snapshot*.pkl"), None) is not None
