"""The term that a training step adds to its generator loss, and the checks on its first call."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Hashable, Mapping
from typing import Callable, Optional

import torch
from torch import Tensor

from ffl_plugin.errors import FFLError
from ffl_plugin.integrations import _process
from ffl_plugin.integrations._monitor import Observer, Report, report_adversarial, reporter, watch
from ffl_plugin.integrations._schedule import ramped
from ffl_plugin.integrations._settings import Settings
from ffl_plugin.integrations._share import Calibration, ignore
from ffl_plugin.integrations._variants import FOCAL, FUNCTIONS
from ffl_plugin.loss import focal_frequency_loss

# Training images are in [-1, 1]; a real image beyond this has another range.
PLAUSIBLE_MAGNITUDE = 1.5


class FirstStepError(FFLError, ValueError):
    """FFL cannot compare the images of the first step; the message gives their shapes."""


class FrequencyTerm:
    """The weighted loss between generated and real images in one training.

    The first call inspects the images, which synchronises with a GPU once; later calls synchronise only at
    the end of a calibration.

    Args:
        settings: of the training.
        weight: the weight that an earlier part of the training calibrated, or None.
        found: called with each calibrated weight, in every process, to record it.
        videos: whether videos (N, C, T, H, W) are accepted; their N·T frames are compared as images.
    """

    def __init__(
        self,
        settings: Settings,
        weight: Optional[float] = None,
        found: Callable[[float], None] = ignore,
        videos: bool = False,
    ) -> None:
        self.settings = settings
        self._videos = videos
        self._calibration = Calibration(settings, weight, found) if settings.share > 0 else None
        self._first = True
        self._steps: Counter[Hashable] = Counter()

    @property
    def weight(self) -> Optional[float]:
        """The full weight; None until a calibration has found it."""
        return self._calibration.weight if self._calibration else self.settings.weight

    def __call__(
        self,
        fake: Tensor,
        real: Tensor,
        position: float = 0.0,
        report: Optional[Report] = None,
        adversarial: Optional[Tensor] = None,
        name: Hashable = None,
    ) -> Tensor:
        """Weighted loss, a scalar, of two batches (N, C, H, W) in [-1, 1].

        Args:
            fake: generated images.
            real: images to compare with.
            position: amount trained before, in the unit of ``--ffl-start``.
            report: called in the backward pass of steps selected by ``--ffl-monitor``, including the first,
                with the gradient norms of "FFL", of all other losses ("rest"), and, if ``adversarial`` is
                given, of that part of the rest ("GAN").
            name: distinguishes the images of a step that generates several.

        Raises:
            FirstStepError: on the first call, when the batches are not two tensors of one such shape.
            SettingsError: on the first call, when the patch factor does not divide the images.
        """
        if self._first:
            check_images(fake, real, self.settings, self._videos)
            self._first = False
        weight, measures = self.settings.weight, False
        if self._calibration:
            weight, measures = self._calibration.step(name, position)
        weight *= ramped(position, self.settings)
        interval, step = self.settings.monitor, self._steps[name]
        self._steps[name] += 1
        observers: list[Observer] = []
        if fake.requires_grad and torch.is_grad_enabled():
            if report is not None and interval > 0 and step % interval == 0:
                report_adversarial(adversarial, fake, report)
                observers.append(reporter(report))
            if self._calibration and measures:
                observers.append(
                    self._calibration.measure(name, fake, lambda images: self._loss(images, real))
                )
        if not observers:
            return self._weighted(fake, real, weight)
        images, zero = watch(fake, observers)
        return self._weighted(images, real, weight) + zero

    def _weighted(self, fake: Tensor, real: Tensor, weight: float) -> Tensor:
        if weight == 0:
            return torch.zeros((), device=fake.device)
        return self._loss(fake, real) * weight

    def _loss(self, fake: Tensor, real: Tensor) -> Tensor:
        settings = self.settings
        # Flattened here, since a share measures the other losses' gradient at the batch that they compare.
        fake, real = _frames(fake), _frames(real)
        if settings.variant != FOCAL:
            return FUNCTIONS[settings.variant](fake, real)
        return focal_frequency_loss(
            fake,
            real,
            alpha=settings.alpha,
            patch_factor=settings.patch_factor,
            spectrum=settings.spectrum,
            log_matrix=settings.log_matrix,
            batch_matrix=settings.batch_matrix,
            sync=settings.sync,
        )


def _frames(images: Tensor) -> Tensor:
    """(N, C, T, H, W) -> (N·T, C, H, W); images as they are."""
    return images.transpose(1, 2).flatten(0, 1) if images.ndim == 5 else images


def check_images(fake: object, real: object, settings: Settings, videos: bool = False) -> None:
    """Refuse images that FFL cannot compare; warn if the real images are outside the usual range.

    Only the real images are checked for range: an untrained generator's output may be anywhere.
    """
    for role, images in (("generated", fake), ("real", real)):
        if isinstance(images, Mapping):
            keys = ", ".join(map(str, images))
            raise FirstStepError(
                f"FFL received the {role} images as a dict ({keys}) and cannot know which entry to compare; "
                "this repository is not supported: `ffl-patch revert` removes the patch"
            )
        if not isinstance(images, Tensor):
            raise FirstStepError(f"FFL received {type(images).__name__} as the {role} images, not a tensor")
        if images.ndim != 4 and not (videos and images.ndim == 5):
            shapes = "(N, C, H, W) or videos of shape (N, C, T, H, W)" if videos else "(N, C, H, W)"
            raise FirstStepError(
                f"FFL compares images of shape {shapes}, but the {role} images have the shape "
                f"{tuple(images.shape)}"
            )
    assert isinstance(fake, Tensor) and isinstance(real, Tensor)  # for the type checker: checked above
    if fake.shape != real.shape:
        raise FirstStepError(
            f"FFL compares images of equal shape, but the generated are {tuple(fake.shape)}, "
            f"the real {tuple(real.shape)}"
        )
    if real.numel() == 0:
        raise FirstStepError(
            f"FFL received empty batches of shape {tuple(real.shape)} as the images of the first step; check "
            "the data set and the batch size"
        )
    settings.check_image_size(*real.shape[-2:])
    if torch.is_grad_enabled() and not fake.requires_grad:
        _process.warn(
            "the generated images of the first step carry no gradient, so FFL has no effect there; if the "
            "generator trains in this step, they are detached before FFL receives them"
        )
    _check_range(real, settings)


def _check_range(real: Tensor, settings: Settings) -> None:
    """Warn if the range makes the weight mean something else than in [-1, 1], or images are not finite."""
    low, high = (bound.item() for bound in torch.aminmax(real.detach().float()))
    seen = f"the real images of the first step go from {low:.3g} to {high:.3g}, "
    if not math.isfinite(high - low):
        _process.warn(f"{seen}so FFL is not finite either")
    elif settings.share > 0 or (max(-low, high) <= PLAUSIBLE_MAGNITUDE and low < 0):
        return
    else:
        in_unit_range = low >= 0 and high <= 1
        usual, width = ("as images in [0, 1] do", 1.0) if in_unit_range else ("not from -1 to 1", high - low)
        _process.warn(
            f"{seen}{usual}; FFL grows with the square of the range, so it is {(width / 2) ** 2:.2g} times "
            "as large here as in [-1, 1] at the same --ffl-weight"
        )
