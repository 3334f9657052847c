"""Logs of trainings as curves, in the formats of StyleGAN, pix2pix and derived repositories.

Logs may be truncated by a killed process: an unreadable line is skipped and counted in a note, as is any
other skipped line.
"""

from __future__ import annotations

from pathlib import Path
from typing import Optional

from ffl_plugin.report.curves import TrainingLog, merged
from ffl_plugin.report.loss_log import read_loss_log
from ffl_plugin.report.stylegan_logs import read_metrics, read_stats
from ffl_plugin.report.training_options import training_folders

METRICS, STATS, LOSSES = "metric-*.jsonl", "stats.jsonl", "loss_log.txt"


def read_training_log(folder: Path) -> TrainingLog:
    """Read all known logs in one folder; the result is empty if there are none.

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
    """Return the folder with the logs of the training that produced ``path``, or None.

    It is ``path`` itself, or ``checkpoints/NAME`` for results of pix2pix and derived repositories.
    """
    return next((folder for folder in (path, *training_folders(path)) if has_logs(folder)), None)


def has_logs(folder: Path) -> bool:
    """Return whether a folder contains a log in a known format."""
    return folder.is_dir() and any(next(folder.glob(name), None) for name in (METRICS, STATS, LOSSES))
