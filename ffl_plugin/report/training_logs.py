"""What a training wrote about itself, as curves: the logs of StyleGAN and of pix2pix, and of their relatives.

Logs are what a killed process left behind: a line that cannot be read is skipped and counted in a note, and
so is every line that is left out for another reason.
"""

from __future__ import annotations

from pathlib import Path
from typing import Optional

from ffl_plugin.report.curves import Curve as Curve
from ffl_plugin.report.curves import TrainingLog as TrainingLog
from ffl_plugin.report.curves import merged
from ffl_plugin.report.loss_log import read_loss_log
from ffl_plugin.report.stylegan_logs import read_metrics, read_stats
from ffl_plugin.report.training_options import training_folders

METRICS, STATS, LOSSES = "metric-*.jsonl", "stats.jsonl", "loss_log.txt"


def read_training_log(folder: Path) -> TrainingLog:
    """Read every known log in one folder; an empty log where there is none.

    Args:
        folder: a StyleGAN run folder, or a ``checkpoints/NAME`` folder of pix2pix, CycleGAN or SPADE.
    """
    stats = folder / STATS
    logs = [read_metrics(path, stats) for path in sorted(folder.glob(METRICS))]
    if stats.is_file():
        logs.append(read_stats(stats))
    if (folder / LOSSES).is_file():
        logs.append(read_loss_log(folder / LOSSES))
    return merged(logs)


def find_training_folder(path: Path) -> Optional[Path]:
    """The folder that holds the logs of the training behind ``path``, or None.

    It is ``path`` itself, or, for results of pix2pix and its relatives, ``checkpoints/NAME``.
    """
    return next((folder for folder in (path, *training_folders(path)) if has_logs(folder)), None)


def has_logs(folder: Path) -> bool:
    """Whether a folder holds a log that `read_training_log` knows."""
    return folder.is_dir() and any(next(folder.glob(name), None) for name in (METRICS, STATS, LOSSES))
