"""The term a training step adds to its generator loss, and what is checked when the first one comes."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor

from ffl_plugin.errors import FFLError
from ffl_plugin.integrations import _process
from ffl_plugin.integrations._settings import Settings
from ffl_plugin.integrations._variants import FOCAL, FUNCTIONS
from ffl_plugin.loss import focal_frequency_loss

# Images are trained in [-1, 1]; a real image beyond this is in some other range.
PLAUSIBLE_MAGNITUDE = 1.5


class FirstStepError(FFLError, ValueError):
    """The images of the first step are not what FFL can compare; the sentence gives their shapes."""


class FrequencyTerm:
    """The weighted loss between generated and real images.

    The first call looks at the images, which on a GPU waits for it once; later calls wait for nothing.
    """

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self._first = True

    def __call__(self, fake: Tensor, real: Tensor, share: float = 1.0) -> Tensor:
        """Weighted loss, a scalar, of two batches (N, C, H, W) in [-1, 1]; ``share`` scales the weight.

        Raises:
            FirstStepError: on the first call, when the batches are not two tensors of one 4-D shape.
            SettingsError: on the first call, when the patch factor does not divide the images.
        """
        if self._first:
            check_images(fake, real, self.settings)
            self._first = False
        if share == 0:
            return torch.zeros((), device=fake.device)
        return self._loss(fake, real) * (self.settings.weight * share)

    def _loss(self, fake: Tensor, real: Tensor) -> Tensor:
        settings = self.settings
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


def check_images(fake: object, real: object, settings: Settings) -> None:
    """Refuse what FFL cannot compare, and warn of real images outside the usual range.

    Only the real images are judged by their range: an untrained generator's may be anywhere.
    """
    for role, images in (("generated", fake), ("real", real)):
        if isinstance(images, Mapping):
            keys = ", ".join(map(str, images))
            raise FirstStepError(
                f"FFL got the {role} images as a dict ({keys}), and cannot know which of them to compare; "
                "this repository is not supported, `ffl-patch revert` takes the patch out"
            )
        if not isinstance(images, Tensor):
            raise FirstStepError(f"FFL got {type(images).__name__} as the {role} images, not a tensor")
        if images.ndim != 4:
            raise FirstStepError(
                f"FFL compares images of shape (N, C, H, W), and the {role} images have the shape "
                f"{tuple(images.shape)}"
            )
    assert isinstance(fake, Tensor) and isinstance(real, Tensor)  # for the type checker: seen above
    if fake.shape != real.shape:
        raise FirstStepError(
            f"FFL compares images of equal shape, and the generated are {tuple(fake.shape)}, "
            f"the real {tuple(real.shape)}"
        )
    settings.check_image_size(*real.shape[2:])
    if torch.is_grad_enabled() and not fake.requires_grad:
        _process.warn(
            "the generated images of the first step carry no gradient, so FFL trains nothing there; if the "
            "generator trains in this step, they are detached from it before FFL gets them"
        )
    low, high = (bound.item() for bound in torch.aminmax(real.detach().float()))
    if not max(-low, high) <= PLAUSIBLE_MAGNITUDE:
        _process.warn(
            f"the real images go from {low:.3g} to {high:.3g}, not from -1 to 1; FFL grows with the square "
            "of the range, so --ffl-weight means something else here than in [-1, 1]"
        )
