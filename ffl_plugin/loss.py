"""Focal Frequency Loss: Jiang, Dai, Wu and Loy, ICCV 2021, https://arxiv.org/abs/2012.12821.

With F the unitary two-dimensional DFT of each channel and D = F(pred) - F(target),

    FFL = mean over n, c, u, v of  w |D|²,       w = |D|^alpha / max |D|^alpha,         (paper: eq. 9 and 10)

and no gradient flows through the weights w. The DFT is linear, so D = F(pred - target): a single transform of
one real difference.
"""

from __future__ import annotations

from typing import Any, Optional

import torch
from torch import Tensor, nn

from ffl_plugin import whole_spectra
from ffl_plugin.arguments import SPECTRA, check_images, check_options, half_weights, number, whole_number
from ffl_plugin.averages import STATISTICS, averaged_distance, mean_images_of_all_ranks
from ffl_plugin.distance import Weighting
from ffl_plugin.fused import FusedDistance, plain_distance
from ffl_plugin.tracing import is_traced

__all__ = ["SPECTRA", "FocalFrequencyLoss", "focal_frequency_loss"]


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
        target: real images of the same shape; for averaged batches their number may differ.
        alpha: exponent of the weights, >= 0. 0 weights all frequencies equally: the mean squared error.
        patch_factor: transform ``patch_factor``² patches of each image instead of the whole image.
        spectrum: what D compares. With F_n the spectrum of image n of a batch:

            - ``"image"``: F of each image and of its target (the paper on pix2pix and SPADE);
            - ``"batch"``: mean over n of F_n, with phases (the paper on StyleGAN2); by linearity the spectra
              of the two mean images;
            - ``"batch-amplitude"``: mean over n of |F_n|;
            - ``"batch-log-power"``: mean over n of ln(|F_n|² + ε), where ε = (2/255)²/12 is the power that
              rounding to 8 bits leaves at every frequency of an image in [-1, 1].

            The last two are this package's: ``"batch"`` also rewards low-variance generators (docs/loss.md).
        log_matrix: use log(1 + |D|^alpha) as the weight.
        batch_matrix: divide by one maximum over the whole batch instead of one per image, patch and channel.
        matrix: weights in [0, 1] that replace |D|^alpha / max, of shape (H, W), (C, H, W), (N, C, H, W) or
            (N, P, C, h, w) with P = patch_factor² patches of h x w; N, P and C may be 1 to broadcast. With
            patches, H x W is the size of a patch, and N of a four-axis matrix must be 1. For averaged
            batches N is 1.
        reduction: ``"mean"``, a scalar; or ``"none"``, one loss per image, (N,).
        sync: average over the batches of all ``torch.distributed`` processes. The loss is then the same in
            every process, and gradients averaged over processes, as by DistributedDataParallel, equal those
            of one process with the whole batch, however unevenly it is split.

    Returns:
        The loss, in float32 (float64 if an input is float64). Half precision is computed in float32, and its
        gradient is returned in the input's dtype. Identical images give 0 and a gradient of 0.

    Raises:
        ValueError: incompatible shapes or options; the message names them.
        TypeError: images that are not tensors.
    """
    alpha, patch_factor = number(alpha), whole_number(patch_factor)
    check_options(alpha, spectrum, reduction, sync)
    check_images(pred, target, patch_factor, spectrum)
    count = pred.shape[0] if spectrum == "image" else 1
    weights = None if matrix is None else half_weights(matrix, count, pred, patch_factor)
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
    """``loss_weight`` times :func:`focal_frequency_loss`; accepts the official package's arguments.

    Every option is an attribute that may be changed later. A subclass may override :meth:`tensor2freq` and
    :meth:`loss_formulation`; the loss is then computed through them, over whole spectra.

    Args:
        loss_weight: factor of the loss; a tensor or a parameter gets its gradient.
        alpha, patch_factor, log_matrix, batch_matrix, reduction, sync: as in :func:`focal_frequency_loss`.
        ave_spectrum: the official name of ``spectrum="batch"``.
        spectrum: which spectra are compared; by default ``"batch"`` if ``ave_spectrum``, else ``"image"``.

    Raises:
        ValueError: an option is out of range, or ``ave_spectrum=True`` is combined with another ``spectrum``.
    """

    # For subclasses whose constructor sets the official attributes without calling this one.
    spectrum: str = "image"
    reduction: str = "mean"
    sync: bool = False

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
        whole_number(patch_factor)
        check_options(number(alpha), self.spectrum, reduction, sync)

    @property
    def ave_spectrum(self) -> bool:
        """Whether ``spectrum`` is ``"batch"``. Setting it chooses between that and ``"image"``."""
        return self.spectrum == "batch"

    @ave_spectrum.setter
    def ave_spectrum(self, average: bool) -> None:
        self.spectrum = "batch" if average else "image"

    def tensor2freq(self, x: Tensor) -> Tensor:
        """Return whole spectra of patches: (N, C, H, W) -> (N, P, C, h, w, 2), real and imaginary parts."""
        return whole_spectra.spectra_of(x, whole_number(self.patch_factor))

    def loss_formulation(
        self, recon_freq: Tensor, real_freq: Tensor, matrix: Optional[Tensor] = None
    ) -> Tensor:
        """Return the unweighted loss of two results of :meth:`tensor2freq`: a scalar.

        ``matrix``, weights in place of |D|^alpha / max, broadcasts to (N, P, C, h, w).
        """
        weighting = Weighting(
            number(self.alpha), log_matrix=self.log_matrix, batch_matrix=self.batch_matrix, matrix=matrix
        )
        return whole_spectra.distance_of(recon_freq, real_freq, weighting)

    def forward(
        self, pred: Tensor, target: Tensor, matrix: Optional[Tensor] = None, **ignored: Any
    ) -> Tensor:
        """Return the weighted loss: (N, C, H, W) twice -> a scalar, or (N,) with ``reduction="none"``.

        Raises:
            TypeError: an unknown argument that is not None. (BasicSR passes ``weight=None``; the official
                package ignores unknown arguments.)
        """
        for name, value in ignored.items():
            if value is not None:
                raise TypeError(
                    f"unknown argument {name!r}, which the official package would ignore: remove it, or pass "
                    "frequency weights as matrix"
                )
        if self._is_overridden():
            return self._of_subclass(pred, target, matrix) * self.loss_weight
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
        is_one = not isinstance(self.loss_weight, Tensor) and self.loss_weight == 1
        return loss if is_one else loss * self.loss_weight

    def _is_overridden(self) -> bool:
        """Whether a subclass or an instance attribute overrides a step of the official package."""
        # Compared on the class: in torch.compile, getattr with a default finds no __func__ of a bound method.
        steps = type(self).tensor2freq, type(self).loss_formulation
        return steps != _STEPS or "tensor2freq" in self.__dict__ or "loss_formulation" in self.__dict__

    def _of_subclass(self, pred: Tensor, target: Tensor, matrix: Optional[Tensor]) -> Tensor:
        """Return the loss by the official steps, which may be overridden."""
        if self.spectrum not in ("image", "batch") or self.reduction != "mean" or self.sync:
            raise ValueError(
                "a subclass that overrides tensor2freq or loss_formulation supports official options only, "
                f"not spectrum={self.spectrum!r}, reduction={self.reduction!r}, sync={self.sync}"
            )
        spectra = self.tensor2freq(pred), self.tensor2freq(target)
        if self.ave_spectrum:
            spectra = spectra[0].mean(0, keepdim=True), spectra[1].mean(0, keepdim=True)
        return self.loss_formulation(*spectra, matrix)

    def extra_repr(self) -> str:
        """List every option."""
        return (
            f"loss_weight={self.loss_weight}, alpha={self.alpha}, patch_factor={self.patch_factor}, "
            f"spectrum={self.spectrum!r}, log_matrix={self.log_matrix}, batch_matrix={self.batch_matrix}, "
            f"reduction={self.reduction!r}, sync={self.sync}"
        )


_STEPS = (FocalFrequencyLoss.tensor2freq, FocalFrequencyLoss.loss_formulation)
