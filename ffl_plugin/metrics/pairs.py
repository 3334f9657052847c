"""Metrics of an image against its target, with the formulas of the focal frequency loss paper's repository.

Images have values in [0, 255], any numeric type, and are computed in float64. Arrays are (H, W) or
(H, W, C); tensors (C, H, W); with a leading axis of N images the mean over images is returned, as the paper's
tables do. An axis of 1, 3 or 4 entries tells the channels where arrays come channels first.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any, Callable, Optional

import numpy as np
import numpy.typing as npt

from ffl_plugin.errors import FFLError
from ffl_plugin.metrics.optional import require
from ffl_plugin.metrics.progress import Progress
from ffl_plugin.metrics.results import ImagePairs

Image = npt.NDArray[np.float64]  # (H, W, C), [0, 255]

SSIM_WINDOW = 11  # pixels: 3.5 standard deviations of 1.5 to either side


def mse(pred: Any, target: Any) -> float:
    """Mean squared error on [0, 255]. Raises ``FFLError`` when the shapes differ."""
    return _mean_over_images(_mse, pred, target)


def psnr(pred: Any, target: Any) -> float:
    """Peak signal-to-noise ratio in dB, 20·log10(255/√MSE); infinite for equal images."""
    return _mean_over_images(_psnr, pred, target)


def ssim(pred: Any, target: Any) -> float:
    """Structural similarity (Wang et al. 2004): Gaussian window of 11×11, σ = 1.5, mean over channels.

    Raises ``FFLError`` for images smaller than the window.
    """
    return _mean_over_images(_ssim, pred, target)


def log_frequency_distance(pred: Any, target: Any) -> float:
    """Log frequency distance of the focal frequency loss paper, ln(mean |DFT(pred) − DFT(target)|² + 1).

    The DFT is not normalised, so by Parseval's theorem this is ln(H·W·MSE + 1): a function of the PSNR.
    """
    return _mean_over_images(_log_frequency_distance, pred, target)


def _mse(pred: Image, target: Image) -> float:
    return float(np.mean((pred - target) ** 2))


def _psnr(pred: Image, target: Image) -> float:
    error = _mse(pred, target)
    return 20.0 * math.log10(255.0 / math.sqrt(error)) if error > 0 else math.inf


def _ssim(pred: Image, target: Image) -> float:
    if min(pred.shape[:2]) < SSIM_WINDOW:
        raise FFLError(
            f"SSIM needs images of at least {SSIM_WINDOW}x{SSIM_WINDOW} pixels, not "
            f"{pred.shape[1]}x{pred.shape[0]}; measure PSNR, LFD and MSE of such images"
        )
    similarity = require("skimage.metrics", "SSIM").structural_similarity
    # These four settings make scikit-image the reference implementation of Wang et al.
    settings = {"gaussian_weights": True, "sigma": 1.5, "use_sample_covariance": False, "data_range": 255}
    return float(similarity(pred, target, channel_axis=-1, **settings))


def _log_frequency_distance(pred: Image, target: Image) -> float:
    return math.log(pred.shape[0] * pred.shape[1] * _mse(pred, target) + 1.0)


# Metric -> its function of one pair. The order is the paper's.
METRICS: dict[str, Callable[[Image, Image], float]] = {
    "psnr": _psnr,
    "ssim": _ssim,
    "lfd": _log_frequency_distance,
    "mse": _mse,
}
# Metric -> which direction is better; LPIPS needs a network, which the caller brings.
BETTER = {"psnr": "higher", "ssim": "higher", "lpips": "lower", "lfd": "lower", "mse": "lower"}


@dataclass(frozen=True)
class PairScores:
    """The scores of each pair: ``scores[metric]`` has one number per name."""

    names: tuple[str, ...]
    scores: dict[str, npt.NDArray[np.float64]]

    def mean(self, metric: str) -> float:
        """Mean over the pairs, the number that the paper's tables print."""
        return float(np.mean(self.scores[metric]))

    def without(self, names: Collection[str]) -> PairScores:
        """The scores of all pairs but those of some names."""
        kept = np.array([name not in names for name in self.names])
        scores = {metric: values[kept] for metric, values in self.scores.items()}
        return PairScores(tuple(name for name in self.names if name not in names), scores)


def measure_pairs(
    pairs: ImagePairs,
    *,
    metrics: Sequence[str] = tuple(METRICS),
    lpips: Optional[Callable[[Image, Image], float]] = None,
    progress: Optional[Progress] = None,
) -> PairScores:
    """Score every fake against its real.

    Args:
        pairs: images of one size per pair, 8-bit RGB.
        metrics: names in ``METRICS``.
        lpips: the distance scored as "lpips", such as ``Lpips(weights)``.
        progress: called as ``progress(done, total, what)``.

    Raises ``FFLError`` naming the pair when two images differ in size.
    """
    unknown = [metric for metric in metrics if metric not in METRICS]
    if unknown:
        raise FFLError(f"{unknown[0]!r} is not a metric of pairs; choose from {', '.join(METRICS)}")
    functions = {metric: METRICS[metric] for metric in metrics}
    if lpips is not None:
        functions["lpips"] = lpips
    scores = {metric: np.empty(len(pairs)) for metric in BETTER if metric in functions}
    for index in range(len(pairs)):
        fake: Any = pairs.fake.read(index)
        real: Any = pairs.real.read(index)
        if fake.shape != real.shape:
            raise FFLError(
                f"{pairs.fake.describe(index)} is {fake.shape[1]}x{fake.shape[0]} and its partner "
                f"{pairs.real.describe(index)} is {real.shape[1]}x{real.shape[0]}; pairs need equal sizes"
            )
        fake, real = fake.astype(np.float64), real.astype(np.float64)
        for metric in scores:
            scores[metric][index] = functions[metric](fake, real)
        if progress is not None:
            progress(index + 1, len(pairs), "pairs")
    return PairScores(pairs.names, scores)


def _mean_over_images(metric: Callable[[Image, Image], float], pred: Any, target: Any) -> float:
    pred_shape, target_shape = tuple(np.shape(pred)), tuple(np.shape(target))
    if pred_shape != target_shape:
        raise FFLError(f"the two images differ in shape: {pred_shape} and {target_shape}")
    values = [metric(p, t) for p, t in zip(_images(pred), _images(target))]
    return float(np.mean(values))


def _images(images: Any) -> list[Image]:
    """Split into images (H, W, C) in float64."""
    tensor = hasattr(images, "detach")
    array = np.asarray(images.detach().cpu() if tensor else images, dtype=np.float64)
    if array.ndim == 2:
        return [array[:, :, None]]
    if array.ndim not in (3, 4) or 0 in array.shape:
        raise FFLError(f"an image is (H, W), (H, W, C) or (C, H, W), or N of them, not {array.shape}")
    first, last = (array.shape[axis] in (1, 3, 4) for axis in (-3, -1))
    if first and (tensor or not last):
        array = np.moveaxis(array, -3, -1)
    return [array] if array.ndim == 3 else list(array)
