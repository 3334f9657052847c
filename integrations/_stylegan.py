"""Flags for NVIDIA's launchers and the term for their ``StyleGAN2Loss``.

The real images of a step are as many as the generated ones but unrelated to them, so the default spectrum is
``batch``, the average that the FFL paper uses for StyleGAN2. It averages over the images of one
``accumulate_gradients`` call: ``batch_gpu`` images of one process.
"""

from __future__ import annotations

import importlib
from collections.abc import Mapping
from functools import partial
from typing import Any, Optional

import torch
from torch import Tensor

from ffl_plugin.integrations import _click
from ffl_plugin.integrations._resume import WEIGHT, Entry
from ffl_plugin.integrations._schedule import ImageCounter
from ffl_plugin.integrations._settings import Settings, Upstream
from ffl_plugin.integrations._term import FrequencyTerm
from ffl_plugin.integrations._variants import UNPAIRED_VARIANTS

UPSTREAM = Upstream(Settings(spectrum="batch"), unit="kimg", variants=UNPAIRED_VARIANTS)

options = _click.options(UPSTREAM)
configure = partial(_click.configure, upstream=UPSTREAM)


class GeneratorTerm:
    """The term of one ``StyleGAN2Loss``, made from ``loss_kwargs.ffl_options``."""

    def __init__(self, ffl_options: Optional[Mapping[str, Any]] = None) -> None:
        entry = Entry.of(ffl_options or {})
        self._counter = ImageCounter(kimg=entry.kimg)
        self._settings = UPSTREAM.settings(entry.settings)
        self._term = FrequencyTerm(self._settings, entry.weight)

    def __call__(self, fake: Tensor, real: Tensor) -> Optional[Tensor]:
        """Weighted loss, a scalar, of two batches (N, C, H, W) in [-1, 1]; None when off."""
        if not self._settings.on:
            return None
        term = self._term(fake, real, self._counter.position_before(len(real)), _report_gradient)
        if self._settings.share > 0 and self._term.weight is not None:
            report(WEIGHT, torch.tensor(self._term.weight))
        return term


def _report_gradient(source: str, norm: Tensor) -> None:
    report(f"Gradient/{source.lower()}", norm)


def report(name: str, value: Tensor) -> None:
    """Report to the upstream's statistics, which average over steps and processes.

    They need the same names from every process: all processes monitor the same steps, including the first,
    and find a weight in the same step.
    """
    statistics = importlib.import_module("torch_utils.training_stats")  # of the training clone
    statistics.report(name, value)
