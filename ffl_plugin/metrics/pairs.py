"""Metrics of an image against its target, with the formulas of the focal frequency loss paper's repository.

Images have values in [0, 255], any numeric type, and are computed in float64. Arrays are (H, W) or
(H, W, C); tensors (C, H, W); with a leading axis of N images the mean over images is returned, as in the
paper's tables. An axis of 1, 3 or 4 entries is taken as the channels if arrays are channels-first.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any, Callable

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from ffl_plugin.errors import FFLError
from ffl_plugin.metrics.metric import PAIR_METRICS
from ffl_plugin.metrics.similarity import SSIM_WINDOW, structural_similarity

Image = npt.NDArray[np.float64]  # (H, W, C), [0, 255]


def mse(pred: Any, target: Any) -> float:
    """Mean squared error on [0, 255]. Raises ``FFLError`` if the shapes differ."""
    return _mean_over_images("mse", pred, target)


def psnr(pred: Any, target: Any) -> float:
    """Peak signal-to-noise ratio in dB, 20·log10(255/√MSE); infinite for equal images."""
    return _mean_over_images("psnr", pred, target)


def ssim(pred: Any, target: Any) -> float:
    """Structural similarity (Wang et al. 2004): Gaussian window of 11×11, σ = 1.5, mean over channels.

    Raises ``FFLError`` for images smaller than the window.
    """
    return _mean_over_images("ssim", pred, target)


def log_frequency_distance(pred: Any, target: Any) -> float:
    """Log frequency distance of the focal frequency loss paper, ln(mean |DFT(pred) − DFT(target)|² + 1).

    The DFT is not normalised, so by Parseval's theorem this is ln(H·W·MSE + 1): a function of the PSNR.
    """
    return _mean_over_images("lfd", pred, target)


# In the order of the paper; those that need no network.
METRICS = tuple(key for key in PAIR_METRICS if key != "lpips")


@dataclass(frozen=True)
class PairScores:
    """The scores of each pair: ``scores[metric]`` has one number per name."""

    names: tuple[str, ...]
    scores: dict[str, npt.NDArray[np.float64]]

    def mean(self, metric: str) -> float:
        """Mean over the pairs, as printed in the paper's tables."""
        return float(np.mean(self.scores[metric]))

    def without(self, names: Collection[str]) -> PairScores:
        """Return the scores without the named pairs."""
        remaining = np.array([name not in names for name in self.names])
        scores = {metric: values[remaining] for metric, values in self.scores.items()}
        return PairScores(tuple(name for name in self.names if name not in names), scores)


def score_batch(pred: Tensor, target: Tensor, metrics: Sequence[str]) -> dict[str, Tensor]:
    """Score pairs of images (B, H, W, C), floating, [0, 255]: metric -> (B,), float64.

    Raises ``FFLError`` for SSIM of images smaller than its window.
    """
    _, height, width, channels = pred.shape
    # For 8-bit images every square is exact, and so is their sum in double precision.
    error = (pred - target).square_().sum((1, 2, 3), dtype=torch.float64) / (height * width * channels)
    scores: dict[str, Tensor] = {}
    for metric in metrics:
        if metric == "ssim":
            if min(height, width) < SSIM_WINDOW:
                raise FFLError(
                    f"SSIM needs images of at least {SSIM_WINDOW}x{SSIM_WINDOW} pixels, not "
                    f"{width}x{height}; measure PSNR, LFD and MSE of such images"
                )
            scores[metric] = structural_similarity(pred, target)
        else:
            scores[metric] = _OF_ERROR[metric](error, height * width)
    return scores


# Metric -> its function of the mean squared error and the number of pixels.
_OF_ERROR: dict[str, Callable[[Tensor, int], Tensor]] = {
    "psnr": lambda error, _: 20 * torch.log10(255 / error.sqrt()),
    "lfd": lambda error, pixels: torch.log(pixels * error + 1),
    "mse": lambda error, _: error,
}


def _mean_over_images(metric: str, pred: Any, target: Any) -> float:
    pred_shape, target_shape = tuple(np.shape(pred)), tuple(np.shape(target))
    if pred_shape != target_shape:
        raise FFLError(f"the two images differ in shape: {pred_shape} and {target_shape}")
    preds, targets = (torch.from_numpy(np.stack(_images(side))) for side in (pred, target))
    return float(score_batch(preds, targets, [metric])[metric].mean())


def _images(images: Any) -> list[Image]:
    """Split into images (H, W, C) in float64."""
    tensor = hasattr(images, "detach")
    array = np.asarray(images.detach().cpu() if tensor else images, dtype=np.float64)
    if array.ndim == 2:
        return [array[:, :, None]]
    if array.ndim not in (3, 4) or 0 in array.shape:
        raise FFLError(f"an image must be (H, W), (H, W, C) or (C, H, W), or N of them, not {array.shape}")
    first, last = (array.shape[axis] in (1, 3, 4) for axis in (-3, -1))
    if first and (tensor or not last):
        array = np.moveaxis(array, -3, -1)
    return [array] if array.ndim == 3 else list(array)
