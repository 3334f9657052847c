"""``--ffl-share``: a weight that a calibration finds, in place of one that is given.

With weight w the loss pulls at the generated images with w ‖g‖, where g is the gradient of the unweighted
loss there, and everything else that trains the generator with ‖r‖. A share s asks for w ‖g‖ = s ‖r‖. Over the
later half of a calibration, in which the loss has weight 0,

    w = s · median ‖r‖ / median ‖g‖,

after which w is fixed. Norms are those of `_monitor.pull`; the medians are over the steps of all processes.
"""

from __future__ import annotations

import math
import threading
from collections import deque
from collections.abc import Hashable, Sequence
from dataclasses import dataclass, field
from statistics import median
from typing import Callable, Optional

import torch
from torch import Tensor

from ffl_plugin.formatting import shortest
from ffl_plugin.integrations import _process
from ffl_plugin.integrations._monitor import Observer, pull
from ffl_plugin.integrations._settings import Settings

DIGITS = 4  # of a weight that was found: it can be typed, and a log in single precision tells it exactly
LOCK = threading.Lock()  # DataParallel's replicas are threads


def ignore(weight: float) -> None:
    """Record nothing."""


@dataclass
class Calibration:
    """The weight of a training with ``--ffl-share``, and the measurements it is made from.

    Args:
        settings: with a share above 0.
        weight: the weight that an earlier part of the same training found; None where it is to be found.
        found: called with each weight found, in every process.
    """

    settings: Settings
    weight: Optional[float] = None
    found: Callable[[float], None] = ignore
    _measured: dict[Hashable, deque[Tensor]] = field(default_factory=dict)
    _since: Optional[float] = None  # position at which the present weight began

    def __post_init__(self) -> None:
        """Say which weight a resumed training goes on with."""
        if self.weight is not None:
            _process.say(f"{self._flag} goes on at weight {shortest(self.weight)}, found before")

    def step(self, name: Hashable, position: float) -> tuple[float, bool]:
        """Return the weight of a step, and whether the step is one to measure.

        Args:
            name: tells apart the images of a step that generates several.
            position: of the step, in the unit of ``--ffl-start``.
        """
        with LOCK:
            if self._since is None and self.weight is not None:
                self._since = position
            if self._since is not None and not 0 < self.settings.share_every <= position - self._since:
                return self.weight or 0.0, False
            steps = self.settings.share_steps
            measured = self._measured.setdefault(name, deque(maxlen=steps))
            if len(measured) < steps or position < self.settings.start:
                return self.weight or 0.0, True
            self.weight, self._since = self._find(), position
            self._measured.clear()
            self.found(self.weight)
            return self.weight, False

    def measure(self, name: Hashable, images: Tensor, loss: Callable[[Tensor], Tensor]) -> Observer:
        """Return what takes a measurement from the backward pass of a step.

        The gradient of the unweighted ``loss`` at ``images`` needs no pass through the generator. It is taken
        in float32, since without a scaler it may be too small for half precision.
        """
        detached = images.detach().to(torch.promote_types(images.dtype, torch.float32)).requires_grad_()
        [gradient] = torch.autograd.grad(loss(detached), detached)
        ours, measured = pull(gradient), self._measured[name]
        return lambda pulls: measured.append(torch.stack([ours * pulls.factor.abs(), pulls.rest]))

    def _find(self) -> float:
        """The weight, the same in every process; 0 where the gradients give none."""
        # The first steps of an untrained generator are like no later ones.
        settled = self.settings.share_steps // 2
        here = [pulls for measured in self._measured.values() for pulls in list(measured)[settled:]]
        together = torch.stack([pulls.to(here[0].device) for pulls in here])
        weight, sentence = find(self.settings.share, _process.of_all(together).tolist())
        (_process.say if weight > 0 else _process.warn)(f"{self._flag}: {sentence}")
        return weight

    @property
    def _flag(self) -> str:
        return f"--ffl-share {shortest(self.settings.share)}"


def find(share: float, pulls: Sequence[Sequence[float]]) -> tuple[float, str]:
    """Return the weight that gives FFL its share, rounded to `DIGITS`, or 0, and a sentence about it.

    Args:
        share: the pull of FFL as a multiple of the rest's.
        pulls: for each step, the pull of FFL with weight 1 and that of the rest. Steps that are not finite
            are left out, as a gradient scaler leaves them out, up to half of them.
    """
    count = len(pulls)
    finite = [pair for pair in pulls if all(map(math.isfinite, pair))]
    if 2 * len(finite) <= count:
        ours, rest = (sum(not math.isfinite(value) for value in column) for column in zip(*pulls))
        return 0.0, (
            f"the gradient at the generated images was not finite in {ours} of {count} steps for FFL, and in "
            f"{rest} for everything else, so the training goes on at weight 0"
        )
    ours, rest = map(median, zip(*finite))
    seen = (
        f"over {count} steps the median gradient at the generated images was {ours:.4g} for FFL at weight 1, "
        f"and {rest:.4g} for everything else"
    )
    weight = rounded(share * rest / ours) if ours > 0 else 0.0
    if not 0 < weight < math.inf:
        return 0.0, f"{seen}, which gives no weight, so the training goes on at weight 0"
    return weight, f"weight {shortest(weight)} from here on; {seen}"


def rounded(weight: float) -> float:
    """Return the weight with `DIGITS` significant digits."""
    return float(f"{weight:.{DIGITS}g}")
