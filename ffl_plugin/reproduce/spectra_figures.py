"""Figures 1 and 9: spectra of real images and of the models' outputs, with and without FFL.

Figure 1 shows single images with their spectra; Figure 9 spectra averaged over a mini-batch. Both use the
trainings of the experiments vanilla-ae and vae with seed 0, stored under OUT and resumed from there.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np

from ffl_plugin import metrics
from ffl_plugin.metrics.progress import Progress
from ffl_plugin.reproduce import Options, Result
from ffl_plugin.reproduce.autoencoder import VANILLA_AE
from ffl_plugin.reproduce.image_grids import Picture, image_grid, log_amplitude, read_images
from ffl_plugin.reproduce.study import Outcome, held_out_folder, run_folder, run_study
from ffl_plugin.reproduce.tables import LEGEND, numbers, sections
from ffl_plugin.reproduce.vae import VAE

METHODS = ("baseline", "FFL")
SCORES = ("profile", "high", "mean spectrum", "sample profile", "sample high", "sample mean spectrum")
NOTE = (
    "`profile` is the distance of the radial log-power profiles, `high band` the share of energy at 0.25 "
    "cycles per pixel and above relative to the real images, `mean spectrum` the mean squared distance "
    "between the spectra of the mean images. The paper has no numbers with these figures."
)


def spectra(options: Options, progress: Progress) -> Result:
    """Run missing trainings, write the figure and return the distances between the spectra."""
    autoencoder, variational = (
        run_study(study, replace(options, out=options.out / study.name, methods=METHODS), progress)
        for study in (VANILLA_AE, VAE)
    )
    shown = ((autoencoder, "images"), (variational, "images"), (variational, "samples"))
    rows = [row for each, kind in shown for row in _rows(each, options.out / each.study.name, kind)]
    captions = [
        f"{name}{what}" for name in ("real", *METHODS) for what in ("", "\nspectrum", "\nmean spectrum")
    ]
    image_grid(rows, options.out / "figure.png", captions=captions, cell=1.0)
    outcomes = (autoencoder, variational)
    tables = [part for outcome in outcomes for part in sections(outcome, SCORES)]
    paragraphs = ["# spectra: Figures 1 and 9", *tables, LEGEND, NOTE]
    return Result(paragraphs, {outcome.study.name: numbers(outcome) for outcome in outcomes})


def _rows(outcome: Outcome, out: Path, kind: str) -> list[tuple[str, list[Picture]]]:
    """Return a row per data set; for real, baseline and FFL: an image, its spectrum and the mean spectrum."""
    rows = []
    for data in dict.fromkeys(run.data for run in outcome.runs):
        pictures: list[Picture] = []
        for folder in (
            held_out_folder(out, data),
            *(run_folder(out, data, name, 0) / kind for name in METHODS),
        ):
            first = read_images(folder, 1)[0]
            measured = metrics.measure_spectra(metrics.open_images(folder))
            pictures += [first, log_amplitude(first), _decibels(measured.log_spectrum)]
        rows.append((f"{outcome.study.name}\n{data}" + ("\nsamples" if kind == "samples" else ""), pictures))
    return rows


def _decibels(log_spectrum: Picture) -> Picture:
    """Map a spectrum in dB onto [0, 1]: -10 to 70 dB."""
    shown: Picture = np.clip((log_spectrum.astype(np.float64) + 10) / 80, 0, 1)
    return shown
