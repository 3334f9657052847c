"""Figures 1 and 9: spectra of real images and of what the models make of them, with and without FFL.

Figure 1 shows single images with their spectra; Figure 9 spectra averaged over a mini-batch. Both are drawn
from trainings of the experiments vanilla-ae and vae, one seed each, kept under OUT and resumed from there.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from ffl_plugin import metrics
from ffl_plugin.metrics.progress import Progress
from ffl_plugin.reproduce import Options, Result, vae, vanilla_ae
from ffl_plugin.reproduce.figures import Picture, image_grid, log_amplitude, read_images
from ffl_plugin.reproduce.study import Study, run_study, slug

METHODS = ("baseline", "FFL")


def run(options: Options, progress: Progress) -> Result:
    """Train what is missing, write the figure and return the distances between the spectra."""
    lines = [
        "| model | images | profile dB ↓ | high band | mean spectrum ↓ |",
        "| --- | --- | --- | --- | --- |",
    ]
    found: list[dict[str, Any]] = []
    rows: list[tuple[str, list[Picture]]] = []
    for study, folder in ((vanilla_ae.STUDY, "images"), (vae.STUDY, "images"), (vae.STUDY, "samples")):
        for data, out in _train(study, options, progress):
            real = out / "test"
            folders = {"real": real, **{m: out / slug(m) / "seed-0" / folder for m in METHODS}}
            spectra = {
                name: metrics.measure_spectra(metrics.open_images(path)) for name, path in folders.items()
            }
            pictures: list[Picture] = []
            for name, path in folders.items():
                if folder == "images":
                    first = read_images(path, 1)[0]
                    pictures += [first, log_amplitude(first)]
                pictures.append(_decibels(spectra[name].log_spectrum))
            rows.append((f"{study.name}\n{data}" + ("\nsamples" if folder == "samples" else ""), pictures))
            for name in METHODS:
                distances = metrics.spectral_distances(spectra[name], spectra["real"])
                scores = {
                    "profile": distances.profile_distance,
                    "high": distances.high_band_energy_ratio,
                    "mean_spectrum": distances.mean_spectrum_distance,
                }
                cells = f"{scores['profile']:.2f} | {scores['high']:.3f} | {scores['mean_spectrum']:.1f}"
                lines.append(f"| {study.name} {name} | {data}, {folder} | {cells} |")
                found.append({"model": study.name, "method": name, "data": data, "images": folder, **scores})
    _figure(rows, options.out / "figure.png")
    return Result("\n".join(["# spectra: Figures 1 and 9", "", *lines, "", NOTE, ""]), {"results": found})


NOTE = (
    "One training each. `profile` is the distance of the radial log-power profiles, `high band` the share of "
    "energy at 0.25 cycles per pixel and above over that of the real images (1 is right), `mean spectrum` "
    "the mean square distance of the spectra of the mean images. The paper has no numbers with the figures."
)


def _train(study: Study, options: Options, progress: Progress) -> list[tuple[str, Path]]:
    """Run two methods and one seed of a study under OUT/STUDY; return its data and folders."""
    two = replace(study, methods={name: study.methods[name] for name in METHODS})
    out = options.out / study.name
    outcome = run_study(two, replace(options, out=out, seeds=1), progress)
    return [(data, out / slug(data)) for data in dict.fromkeys(run.data for run in outcome.runs)]


def _decibels(log_spectrum: Picture) -> Picture:
    """Map a spectrum in dB onto [0, 1]: -10 to 70 dB."""
    shown: Picture = np.clip((log_spectrum.astype(np.float64) + 10) / 80, 0, 1)
    return shown


def _figure(rows: list[tuple[str, list[Picture]]], path: Path) -> None:
    """Three pictures each for real, baseline and FFL: image, its spectrum, the mean spectrum of the set."""
    blank = np.full((2, 2, 3), 255, np.uint8)
    full = [
        (label, pictures if len(pictures) == 9 else [p for mean in pictures for p in (blank, blank, mean)])
        for label, pictures in rows
    ]
    captions = [
        f"{name}{what}" for name in ("real", *METHODS) for what in ("", "\nspectrum", "\nmean spectrum")
    ]
    image_grid(full, path, captions=captions, cell=1.0)
