"""Figure 2: an image without some of its frequencies, and the FFL of each version."""

from __future__ import annotations

from typing import Any

import numpy as np

from ffl_plugin import metrics
from ffl_plugin.formatting import markdown
from ffl_plugin.loss import focal_frequency_loss
from ffl_plugin.metrics.progress import Progress
from ffl_plugin.report.band_limits import BandLimited, band_limited, band_limits_png
from ffl_plugin.reproduce import Options, Result
from ffl_plugin.reproduce.data import to_tensor
from ffl_plugin.reproduce.single_image import one_image

SIZE = 256


def bandlimit(options: Options, progress: Progress) -> Result:
    """Filter one image as in the paper, write the figure and return the table."""
    options.out.mkdir(parents=True, exist_ok=True)
    columns = band_limited(one_image(options, SIZE)[0].transpose(1, 2, 0))
    (options.out / "figure.png").write_bytes(band_limits_png(columns, "Figure 2"))
    original, *filtered = columns
    rows = []
    found: list[dict[str, Any]] = []
    for column in filtered:
        energy = _energy(column) / _energy(original)
        psnr = metrics.psnr(column.image, original.image)
        ffl = float(focal_frequency_loss(*(to_tensor(_batch(each)) for each in (column, original))))
        rows.append([column.title, f"{energy:.4f}", f"{psnr:.2f}", f"{ffl:.2g}"])
        found.append({"frequencies": column.title, "energy": energy, "psnr": psnr, "ffl": ffl})
        progress(len(found), len(filtered), "filtering")
    note = "The paper has no numbers with Figure 2. An image without its mean is mostly black."
    table = markdown(("frequencies", "energy kept", "PSNR ↑", "FFL"), rows)
    return Result(f"# bandlimit: Figure 2\n\n{table}\n\n{note}\n", {"results": found})


def _energy(column: BandLimited) -> float:
    """Sum the power over the remaining frequencies."""
    return float(np.sum(10 ** (column.spectrum / 10)))


def _batch(column: BandLimited) -> Any:
    """(H, W, 3) uint8 -> (1, 3, H, W) uint8."""
    return column.image.transpose(2, 0, 1)[None]
