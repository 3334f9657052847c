"""Focal Frequency Loss: Jiang, Dai, Wu and Loy, ICCV 2021, https://arxiv.org/abs/2012.12821.

With F the unitary two-dimensional DFT of each channel and D = F(pred) - F(target),

    FFL = mean over n, c, u, v of  w |D|²,       w = |D|^alpha / max |D|^alpha,         (paper: eq. 9 and 10)

and no gradient flows through the weights w. The DFT is linear, so D = F(pred - target): one transform, of one
real difference.
"""

from __future__ import annotations

import math
from typing import Optional

import torch
from torch import Tensor, nn

from ffl_plugin.averages import STATISTICS, averaged_distance, mean_images_of_all_ranks
from ffl_plugin.distance import Weighting, at_least_single
from ffl_plugin.fused import FusedDistance, plain_distance
from ffl_plugin.spectrum import fold
from ffl_plugin.tracing import is_traced

SPECTRA = ("image", "batch", *STATISTICS)


def focal_frequency_loss(
    pred: Tensor,
    target: Tensor,
    *,
    alpha: float = 1.0,
    patch_factor: int = 1,
    spectrum: str = "image",
    log_matrix: bool = False,
    batch_matrix: bool = False,
    matrix: Optional[Tensor] = None,
    reduction: str = "mean",
    sync: bool = False,
) -> Tensor:
    """Return the focal frequency loss of ``pred`` against ``target``, equation (10) of the paper.

    Args:
        pred: generated images, (N, C, H, W), real, any range. The loss grows with the square of the range.
        target: real images of the same shape. Where batches are averaged their number may differ.
        alpha: exponent of the weights, >= 0. 0 weighs all frequencies alike: the mean squared error.
        patch_factor: transform ``patch_factor``² patches of each image instead of the whole image.
        spectrum: what D is the difference of. With F_n the spectrum of image n of a batch:

            - ``"image"``: F of each image and of its own target (the paper on pix2pix and SPADE);
            - ``"batch"``: mean over n of F_n, with phases (the paper on StyleGAN2); by linearity the spectra
              of the two mean images;
            - ``"batch-amplitude"``: mean over n of |F_n|;
            - ``"batch-log-power"``: mean over n of ln(|F_n|² + ε), where ε = (2/255)²/12 is the power that
              rounding to 8 bits leaves at every frequency of an image in [-1, 1].

            The last two are ours: ``"batch"`` also rewards generators of little variance (docs/loss.md).
        log_matrix: weigh by log(1 + |D|^alpha).
        batch_matrix: divide by one maximum over the whole batch, not one per image, patch and channel.
        matrix: weights to use in place of |D|^alpha / max, of shape (H, W), (C, H, W), (N, C, H, W) or
            (N, P, C, h, w) with P = patch_factor² patches of h x w; 1 broadcasts in the place of N, P and C.
            With patches, H x W is the size of a patch and four axes must start with 1. Where batches are
            averaged, N is 1. Meant for [0, 1].
        reduction: ``"mean"``, a scalar; or ``"none"``, one loss per image, (N,), whose mean is the scalar.
        sync: average over the batches of all processes of ``torch.distributed``. The loss is then the same
            in each, and gradients that are averaged over the processes, as DistributedDataParallel does,
            are those of one process with the whole batch, however unevenly it is split.

    Returns:
        The loss, in float32 (float64 if an input is float64): half precision is computed in float32, and its
        gradient comes back in the input's own precision. Identical images give 0, and a gradient of 0.

    Raises:
        ValueError: shapes or options that do not fit; the message gives them.
    """
    _check_options(alpha, patch_factor, spectrum, reduction, sync)
    _check_images(pred, target, patch_factor, spectrum)
    count = pred.shape[0] if spectrum == "image" else 1
    weights = None if matrix is None else _half_of(matrix, count, pred, patch_factor)
    weighting = Weighting(alpha, patch_factor, log_matrix, batch_matrix, weights)
    if spectrum in STATISTICS:
        return averaged_distance(pred, target, STATISTICS[spectrum], weighting, sync)
    averaged = spectrum == "batch"
    if averaged and sync:
        pred, target = mean_images_of_all_ranks(pred, target)
        averaged = False
    differentiated = torch.is_grad_enabled() and (pred.requires_grad or target.requires_grad)
    fused = differentiated and not is_traced(pred, target)
    distance: Tensor = (FusedDistance.apply if fused else plain_distance)(
        pred, target, weighting, averaged, reduction == "mean"
    )
    return distance


class FocalFrequencyLoss(nn.Module):
    """``loss_weight`` times :func:`focal_frequency_loss`; takes what the class of the official package takes.

    Args:
        loss_weight: factor of the loss.
        alpha, patch_factor, log_matrix, batch_matrix, reduction, sync: as in :func:`focal_frequency_loss`.
        ave_spectrum: the official name of ``spectrum="batch"``.
        spectrum: which spectra are compared; by default ``"batch"`` if ``ave_spectrum``, else ``"image"``.

    Raises:
        ValueError: an option out of its range, or ``ave_spectrum=True`` with another ``spectrum``.
    """

    def __init__(
        self,
        loss_weight: float = 1.0,
        alpha: float = 1.0,
        patch_factor: int = 1,
        ave_spectrum: bool = False,
        log_matrix: bool = False,
        batch_matrix: bool = False,
        *,
        spectrum: Optional[str] = None,
        reduction: str = "mean",
        sync: bool = False,
    ) -> None:
        super().__init__()
        if ave_spectrum and spectrum not in (None, "batch"):
            raise ValueError(
                f"ave_spectrum=True means spectrum='batch'; it contradicts spectrum={spectrum!r}"
            )
        self.loss_weight = loss_weight
        self.alpha = alpha
        self.patch_factor = patch_factor
        self.spectrum = spectrum or ("batch" if ave_spectrum else "image")
        self.log_matrix = log_matrix
        self.batch_matrix = batch_matrix
        self.reduction = reduction
        self.sync = sync
        _check_options(alpha, patch_factor, self.spectrum, reduction, sync)

    def forward(self, pred: Tensor, target: Tensor, matrix: Optional[Tensor] = None) -> Tensor:
        """Return the weighted loss: (N, C, H, W) twice -> a scalar, or (N,) with ``reduction="none"``."""
        loss = focal_frequency_loss(
            pred,
            target,
            alpha=self.alpha,
            patch_factor=self.patch_factor,
            spectrum=self.spectrum,
            log_matrix=self.log_matrix,
            batch_matrix=self.batch_matrix,
            matrix=matrix,
            reduction=self.reduction,
            sync=self.sync,
        )
        return loss if self.loss_weight == 1 else loss * self.loss_weight

    def extra_repr(self) -> str:
        """Show every option."""
        return (
            f"loss_weight={self.loss_weight}, alpha={self.alpha}, patch_factor={self.patch_factor}, "
            f"spectrum={self.spectrum!r}, log_matrix={self.log_matrix}, batch_matrix={self.batch_matrix}, "
            f"reduction={self.reduction!r}, sync={self.sync}"
        )


def _half_of(matrix: Tensor, count: int, images: Tensor, patch_factor: int) -> Tensor:
    """Return weights for the half spectra of ``count`` images cut into patches, or raise ValueError."""
    _, c, height, width = images.shape
    p, height, width = patch_factor**2, height // patch_factor, width // patch_factor
    aligned = matrix
    if matrix.dim() == 4 and (p == 1 or matrix.shape[0] == 1):
        aligned = matrix.unsqueeze(1)
    elif matrix.dim() in (2, 3):
        aligned = matrix.reshape((1,) * (5 - matrix.dim()) + matrix.shape)
    fits = (
        aligned.dim() == 5
        and aligned.shape[3:] == (height, width)
        and all(given in (1, wanted) for given, wanted in zip(aligned.shape, (count, p, c)))
    )
    if not fits:
        four_axes = f"({count if p == 1 else 1}, {c}, {height}, {width})"
        raise ValueError(
            f"matrix of shape {tuple(matrix.shape)} does not fit spectra of shape "
            f"{(count, p, c, height, width)} (N, P, C, h, w): give ({height}, {width}), "
            f"({c}, {height}, {width}), {four_axes} or that, with 1 to broadcast N, P or C"
        )
    half = fold(aligned.detach().to(images.device, at_least_single(images)))
    if p == 1:
        return half.squeeze(1)
    rows = patch_factor if half.shape[1] == p else 1
    return half.reshape(half.shape[0], rows, rows, *half.shape[2:])


def _check_options(alpha: float, patch_factor: int, spectrum: str, reduction: str, sync: bool) -> None:
    """Raise ValueError for an option out of its range."""
    if not 0 <= alpha < math.inf:
        raise ValueError(f"alpha must be a finite number >= 0, not {alpha}")
    if isinstance(patch_factor, bool) or not isinstance(patch_factor, int) or patch_factor < 1:
        raise ValueError(f"patch_factor must be a whole number >= 1, not {patch_factor!r}")
    if spectrum not in SPECTRA:
        raise ValueError(f"spectrum must be one of {', '.join(SPECTRA)}, not {spectrum!r}")
    if reduction not in ("mean", "none"):
        raise ValueError(f"reduction must be 'mean' or 'none', not {reduction!r}")
    if reduction == "none" and spectrum != "image":
        raise ValueError(
            f"reduction='none' is one loss per image; spectrum={spectrum!r} has one for the whole batch"
        )
    if sync and spectrum == "image":
        raise ValueError("sync=True averages over processes, and spectrum='image' averages nothing: drop one")


def _check_images(pred: Tensor, target: Tensor, patch_factor: int, spectrum: str) -> None:
    """Raise ValueError for images that cannot be compared."""
    shapes = f"pred {tuple(pred.shape)} and target {tuple(target.shape)}"
    if pred.dim() != 4 or target.dim() != 4:
        raise ValueError(f"{shapes} must both be (N, C, H, W)")
    if pred.shape[1:] != target.shape[1:] or (spectrum == "image" and pred.shape[0] != target.shape[0]):
        raise ValueError(f"{shapes} must have the same shape")
    if 0 in pred.shape or 0 in target.shape:
        raise ValueError(f"{shapes} must not be empty")
    if pred.shape[2] % patch_factor or pred.shape[3] % patch_factor:
        raise ValueError(f"patch_factor={patch_factor} must divide the height and width of {shapes}")
    if pred.is_complex() or target.is_complex():
        raise ValueError(f"pred and target must be real images, not {pred.dtype} and {target.dtype}")
    if pred.device != target.device:
        raise ValueError(f"pred is on {pred.device} and target on {target.device}; move one to the other")
