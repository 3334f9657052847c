"""Training from an ``opt`` namespace, as the pix2pix family does it."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any, Optional

from torch import Tensor

from ffl_plugin.integrations import _process, _record
from ffl_plugin.integrations._settings import Settings, SettingsError, flags_without_effect
from ffl_plugin.integrations._term import FrequencyTerm


def begin(opt: Any, defaults: Settings) -> Optional[FrequencyTerm]:
    """Put the settings in ``opt`` on record and return the term they make; None when off, or in a test.

    Options that ``opt`` lacks, because a subclass adds its own without calling ours, keep their defaults.
    """
    if not opt.isTrain:
        return None
    settings = Settings.from_options(opt, defaults)
    idle = flags_without_effect(settings, defaults)
    if idle:
        _process.warn(idle)
    folder = Path(opt.checkpoints_dir) / opt.name
    _record.enter(folder, settings, continued=bool(getattr(opt, "continue_train", False)))
    return FrequencyTerm(settings) if settings.weight > 0 else None


def compare(term: FrequencyTerm, fake: Tensor, real: Tensor) -> Tensor:
    """Return ``term`` of two batches (N, C, H, W) in [-1, 1].

    Where only the first images tell that the patch factor does not divide them, end as argparse does.
    """
    try:
        return term(fake, real)
    except SettingsError as refusal:
        print(f"{Path(sys.argv[0]).name}: error: {refusal}", file=sys.stderr)
        sys.exit(2)
