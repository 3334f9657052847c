"""The metrics: key, name, unit, and which direction is better."""

from __future__ import annotations

from dataclasses import dataclass

LOWER, HIGHER, NEITHER = "lower", "higher", ""


@dataclass(frozen=True)
class Metric:
    """A metric.

    Attributes:
        key: name in options and JSON, such as ``fid`` or ``psnr``.
        name: display name, such as ``FID``.
        direction: which is better, ``lower`` or ``higher``; empty if neither.
        unit: unit, such as ``dB``; empty for dimensionless numbers.
    """

    key: str
    name: str
    direction: str = LOWER
    unit: str = ""


FID, FID_LIMIT = Metric("fid", "FID"), Metric("fid_limit", "FID, bias-reduced")
KID = Metric("kid", "KID")
CMMD, CMMD_UNBIASED = Metric("cmmd", "CMMD"), Metric("cmmd_unbiased", "CMMD, unbiased")
INCEPTION_SCORE = Metric("is", "Inception Score", HIGHER)
PRECISION, RECALL = Metric("precision", "Precision", HIGHER), Metric("recall", "Recall", HIGHER)
PAIR_METRICS = {
    metric.key: metric
    for metric in (
        Metric("psnr", "PSNR", HIGHER, "dB"),
        Metric("ssim", "SSIM", HIGHER),
        Metric("lpips", "LPIPS"),
        Metric("lfd", "LFD"),
        Metric("mse", "MSE"),
    )
}
