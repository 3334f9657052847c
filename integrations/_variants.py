"""The losses that ``--ffl-variant`` can substitute for the focal frequency loss."""

from __future__ import annotations

from typing import Callable

from torch import Tensor

from ffl_plugin import variants

FOCAL = "focal"  # the focal frequency loss itself

FUNCTIONS: dict[str, Callable[[Tensor, Tensor], Tensor]] = {
    "without-frequency": variants.without_frequency,
    "without-phase": variants.without_phase,
    "without-amplitude": variants.without_amplitude,
    "without-focal": variants.without_focal,
    "dct": variants.dct_loss,
    "spectral-regularization": variants.spectral_regularization,
    "log-spectrum-l1": variants.log_spectrum_l1,
    "stationary-wavelet": variants.stationary_wavelet,
    "binned-spectral-power": variants.binned_spectral_power,
}
VARIANTS = (FOCAL, *FUNCTIONS)

# Losses that need only the distribution of real images, not a target per generated image.
UNPAIRED_VARIANTS = (FOCAL, "spectral-regularization")
