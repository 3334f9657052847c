"""Figures 2 and 3: one image without some of its frequencies, and from amplitudes, phases, or both."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import torch

from ffl_plugin import metrics, variants
from ffl_plugin.as_text import markdown
from ffl_plugin.loss import focal_frequency_loss
from ffl_plugin.metrics.progress import Progress
from ffl_plugin.report.band_limits import BandLimited, band_limited, band_limits_png
from ffl_plugin.report.model import plain
from ffl_plugin.report.spectrum_report import open_any
from ffl_plugin.reproduce import Options, Result, synthetic
from ffl_plugin.reproduce.data import ImageArray, centre_crop, to_tensor
from ffl_plugin.reproduce.image_grids import Picture, image_grid, log_amplitude
from ffl_plugin.reproduce.models import FreeImage
from ffl_plugin.reproduce.objectives import ImageLoss, Reconstruction
from ffl_plugin.reproduce.scores import reconstruct
from ffl_plugin.reproduce.study import slug
from ffl_plugin.reproduce.training import Schedule, train

SIZE = 128
BAND_LIMIT_SIZE = 256
LOSSES: dict[str, ImageLoss] = {
    "amplitude only": variants.without_phase,
    "phase only": variants.without_amplitude,
    "both (FFL)": focal_frequency_loss,
}
# With a single image, an epoch is a step.
SCHEDULE = Schedule(epochs=1500, batch_size=1, learning_rate=0.01)


def single_image(options: Options, progress: Progress) -> Result:
    """Optimise the pixels of an image from noise with each loss, write the figure and return the table."""
    schedule = replace(SCHEDULE, epochs=options.epochs or SCHEDULE.epochs)
    data = str(options.data.resolve()) if options.data else "drawn"
    options.record({"experiment": "single-image", "data": data, "steps": schedule.epochs})
    target = one_image(options, SIZE)
    images: list[ImageArray] = [target]
    rows = []
    found: list[dict[str, Any]] = []
    for name, loss in LOSSES.items():
        with torch.random.fork_rng():
            torch.manual_seed(0)
            model = FreeImage(SIZE)
        objective = Reconstruction(mse_weight=0, extra={name: (1.0, loss)})
        checkpoint = options.out / f"{slug(name)}.pt"
        history = train(model, objective, target, schedule, seed=0, checkpoint=checkpoint, progress=progress)
        image = reconstruct(model, target)
        images.append(image)
        psnr = plain(metrics.psnr(image[0], target[0]))
        ssim = metrics.ssim(image[0], target[0])
        lfd = metrics.log_frequency_distance(image[0], target[0])
        rows.append([name, "∞" if psnr is None else f"{psnr:.2f}", f"{ssim:.3f}", f"{lfd:.2f}"])
        losses = {"first_loss": history[0][name], "last_loss": history[-1][name]}
        found.append({"minimised": name, "psnr": psnr, "ssim": ssim, "lfd": lfd, **losses})
    pictures: list[Picture] = [image[0].transpose(1, 2, 0) for image in images]
    image_grid(
        [("image", pictures), ("log amplitude", [log_amplitude(picture) for picture in pictures])],
        options.out / "figure.png",
        captions=["original", *LOSSES],
        cell=1.5,
    )
    table = markdown(("minimised", "PSNR ↑", "SSIM ↑", "LFD ↓"), rows)
    note = (
        f"The pixels, initialised with noise, after {schedule.epochs} steps of Adam. The paper has no "
        "numbers with Figure 3: it shows irregular colours from the amplitudes, noise from the phases, the "
        "image from both."
    )
    values = {"steps": schedule.epochs, "results": found}
    return Result(["# single-image: Figure 3", table, note], values)


def bandlimit(options: Options, progress: Progress) -> Result:
    """Filter one image as in the paper, write the figure and return the table."""
    options.out.mkdir(parents=True, exist_ok=True)
    columns = band_limited(one_image(options, BAND_LIMIT_SIZE)[0].transpose(1, 2, 0))
    (options.out / "figure.png").write_bytes(band_limits_png(columns, "Figure 2"))
    original, *filtered = columns
    target = to_tensor(_batch(original))
    rows = []
    found: list[dict[str, Any]] = []
    for column in filtered:
        energy = _energy(column) / _energy(original)
        psnr = metrics.psnr(column.image, original.image)
        ffl = float(focal_frequency_loss(to_tensor(_batch(column)), target))
        rows.append([column.title, f"{energy:.4f}", f"{psnr:.2f}", f"{ffl:.2g}"])
        found.append({"frequencies": column.title, "energy": energy, "psnr": psnr, "ffl": ffl})
        progress(len(found), len(filtered), "filtering")
    note = "The paper has no numbers with Figure 2. An image without its mean is mostly black."
    table = markdown(("frequencies", "energy kept", "PSNR ↑", "FFL"), rows)
    return Result(["# bandlimit: Figure 2", table, note], {"results": found})


def _energy(column: BandLimited) -> float:
    """Sum the power over the remaining frequencies."""
    return float(np.sum(10 ** (column.spectrum / 10)))


def _batch(column: BandLimited) -> Any:
    """(H, W, 3) uint8 -> (1, 3, H, W) uint8."""
    return column.image.transpose(2, 0, 1)[None]


def one_image(options: Options, size: int) -> ImageArray:
    """Return (1, 3, size, size) uint8: the user's image, the first of a folder, or a drawn portrait."""
    if options.data is None:
        return synthetic.draw("faces", 1, size)
    return np.ascontiguousarray(centre_crop(open_any(options.data, "real").read(0), size))[None]
