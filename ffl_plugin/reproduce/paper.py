"""The paper's own numbers: Tables 1 to 8 of Jiang et al., ICCV 2021, as data.

A table maps (data set, method) to scores in the order of its metrics.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Optional


@dataclass(frozen=True)
class Table:
    """One table of the paper."""

    number: str
    caption: str
    metrics: tuple[str, ...]
    rows: dict[tuple[str, str], tuple[float, ...]]

    def score(self, dataset: str, method: str, metric: str) -> Optional[float]:
        """Return one number, or None."""
        return dict(zip(self.metrics, self.rows.get((dataset, method), ()))).get(metric)

    def to_json(self) -> list[dict[str, Any]]:
        """Return a JSON object per row."""
        return [
            {"table": self.number, "data": data, "method": method, **dict(zip(self.metrics, row))}
            for (data, method), row in self.rows.items()
        ]


RECONSTRUCTION = ("psnr", "ssim", "lpips", "fid", "lfd")
SYNTHESIS = ("fid", "is")
SAMPLES = ("sample fid", "sample is")  # of a model that also reconstructs
SEGMENTATION = ("miou", "accuracy", "fid")

VANILLA_AE = Table(
    "1",
    "vanilla AE image reconstruction",
    RECONSTRUCTION,
    {
        ("DTD", "baseline"): (20.133, 0.407, 0.414, 246.870, 14.764),
        ("DTD", "FFL"): (20.151, 0.400, 0.404, 240.373, 14.760),
        ("CelebA", "baseline"): (20.044, 0.568, 0.237, 97.035, 14.785),
        ("CelebA", "FFL"): (21.703, 0.642, 0.199, 83.801, 14.403),
    },
)

VAE_RECONSTRUCTION = Table(
    "2",
    "VAE image reconstruction",
    RECONSTRUCTION,
    {
        ("CelebA", "baseline"): (19.961, 0.606, 0.217, 69.900, 14.804),
        ("CelebA", "FFL"): (22.954, 0.723, 0.143, 49.689, 14.115),
        ("CelebA-HQ", "baseline"): (21.310, 0.616, 0.367, 71.081, 17.266),
        ("CelebA-HQ", "FFL"): (22.253, 0.637, 0.344, 59.470, 17.049),
    },
)

VAE_SYNTHESIS = Table(
    "3",
    "VAE unconditional image synthesis",
    SAMPLES,
    {
        ("CelebA", "baseline"): (80.116, 1.873),
        ("CelebA", "FFL"): (71.050, 2.010),
        ("CelebA-HQ", "baseline"): (93.778, 2.057),
        ("CelebA-HQ", "FFL"): (84.472, 2.060),
    },
)

PIX2PIX = Table(
    "4",
    "pix2pix image-to-image translation",
    SYNTHESIS,
    {
        ("CMP Facades", "baseline"): (128.492, 1.571),
        ("CMP Facades", "FFL"): (123.773, 1.738),
        ("edges → shoes", "baseline"): (80.279, 2.674),
        ("edges → shoes", "FFL"): (74.359, 2.804),
    },
)

SPADE = Table(
    "5",
    "SPADE semantic image synthesis",
    SEGMENTATION,
    {
        ("Cityscapes", "baseline"): (62.3, 81.9, 71.8),
        ("Cityscapes", "FFL"): (64.2, 82.5, 59.5),
        ("ADE20K", "baseline"): (38.5, 79.9, 33.9),
        ("ADE20K", "FFL"): (42.9, 82.4, 33.7),
    },
)

STYLEGAN2 = Table(
    "6",
    "StyleGAN2 unconditional image synthesis",
    SYNTHESIS,
    {("CelebA-HQ", "baseline"): (5.696, 3.383), ("CelebA-HQ", "FFL"): (4.972, 3.432)},
)

# Without the columns of pix2pix, which no command shows.
LOSSES = Table(
    "7",
    "relevant losses, on the VAE",
    RECONSTRUCTION + SAMPLES,
    {
        ("CelebA", "baseline"): (19.961, 0.606, 0.217, 69.900, 14.804, 80.116, 1.873),
        ("CelebA", "perceptual"): (20.964, 0.658, 0.143, 62.795, 14.573, 78.825, 1.788),
        ("CelebA", "spectral regularization"): (19.974, 0.607, 0.218, 69.118, 14.796, 78.079, 1.898),
        ("CelebA", "FFL (DCT)"): (22.677, 0.711, 0.150, 51.536, 14.179, 71.827, 1.932),
        ("CelebA", "FFL"): (22.954, 0.723, 0.143, 49.689, 14.115, 71.050, 2.010),
    },
)

ABLATION = Table(
    "8",
    "ablation studies, vanilla AE on CelebA",
    RECONSTRUCTION,
    {
        ("CelebA", "baseline"): (20.044, 0.568, 0.237, 97.035, 14.785),
        ("CelebA", "FFL"): (21.703, 0.642, 0.199, 83.801, 14.403),
        ("CelebA", "w/o frequency"): (18.200, 0.470, 0.265, 123.833, 15.210),
        ("CelebA", "w/o phase"): (13.273, 0.380, 0.407, 233.170, 16.344),
        ("CelebA", "w/o amplitude"): (15.640, 0.359, 0.539, 323.528, 15.799),
        ("CelebA", "w/o focal"): (20.163, 0.574, 0.234, 94.497, 14.758),
    },
)
