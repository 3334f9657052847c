"""``--ffl-share``: calibrates the weight from gradient norms.

With weight w, the gradient of the loss at the generated images has norm w ‖g‖, where g is the gradient of the
unweighted loss, and that of all other generator losses ‖r‖. A share s requires w ‖g‖ = s ‖r‖. Over the second
half of a calibration, in which the loss has weight 0,

    w = s · median ‖r‖ / median ‖g‖,

after which w is fixed. Norms are those of `_monitor.gradient_norm`; medians are over all steps and processes.
A calibration continues until two successive estimates agree: early in a training, or while the generated
images lack some frequencies, g may change by orders of magnitude within a hundred steps.
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

from ffl_plugin.as_text import shortest
from ffl_plugin.integrations import _process
from ffl_plugin.integrations._monitor import Observer, gradient_norm
from ffl_plugin.integrations._settings import Settings

AGREEMENT = 1.25  # largest ratio of two successive estimates that agree
LONGEST = 5  # times ``share_steps``, after which a calibration ends even if they do not
FEWEST = 10  # steps per estimate: those of fewer steps vary too much to be compared
DIGITS = 4  # significant digits of a calibrated weight: short to type, and exact in a float32 log
LOCK = threading.Lock()  # DataParallel's replicas are threads


def ignore(weight: float) -> None:
    """Record nothing."""


@dataclass
class Calibration:
    """The weight of a training with ``--ffl-share``, and the measurements behind it.

    Args:
        settings: with a share above 0.
        weight: the weight found by an earlier part of the same training, or None.
        found: called with each weight found, in every process.
    """

    settings: Settings
    weight: Optional[float] = None
    found: Callable[[float], None] = ignore
    _measured: dict[Hashable, deque[Tensor]] = field(default_factory=dict)
    _since: Optional[float] = None  # position from which the current weight applies
    _added: int = 0  # steps of the calibration beyond ``share_steps``

    def __post_init__(self) -> None:
        """Announce the weight with which a resumed training continues."""
        if self.weight is not None:
            _process.echo(f"{self._flag} continues at weight {shortest(self.weight)}, found before")

    def step(self, name: Hashable, position: float) -> tuple[float, bool]:
        """Return the weight of a step, and whether to measure in it.

        Args:
            name: distinguishes the images of a step that generates several.
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
            weight = self._find()
            if weight is None:
                return self.weight or 0.0, True
            self.weight, self._since, self._added = weight, position, 0
            self._measured.clear()
            self.found(weight)
            return weight, False

    def measure(self, name: Hashable, images: Tensor, loss: Callable[[Tensor], Tensor]) -> Observer:
        """Return an observer that takes one measurement in a step's backward pass.

        The gradient of the unweighted ``loss`` at ``images`` needs no pass through the generator. It is
        computed in float32, since without a scaler it may underflow in half precision.
        """
        detached = images.detach().to(torch.promote_types(images.dtype, torch.float32)).requires_grad_()
        [gradient] = torch.autograd.grad(loss(detached), detached)
        ffl, measured = gradient_norm(gradient), self._measured[name]
        return lambda norms: measured.append(torch.stack([ffl * norms.factor, norms.rest]))

    def _find(self) -> Optional[float]:
        """Return the weight, equal in every process; 0 if the gradients define none, None to continue."""
        steps, share = self.settings.share_steps, self.settings.share
        part = steps // 4
        # The first steps of an untrained generator are not representative.
        local = [
            torch.cat([norms, norms.new_tensor([step >= steps - part])])
            for measured in self._measured.values()
            for step, norms in enumerate(measured)
            if step >= steps // 2
        ]
        rows = _process.gather_rows(torch.stack([row.to(local[0].device) for row in local])).tolist()
        weight, sentence = find(share, [norms for *norms, _ in rows])
        settled = True
        if weight > 0 and part >= FEWEST:
            estimates = [find(share, [norms for *norms, late in rows if late == last])[0] for last in (0, 1)]
            settled = max(estimates) <= AGREEMENT * min(estimates)
            if not settled:
                if self._added + part <= (LONGEST - 1) * steps:
                    self._prolong(part)
                    return None
                sentence += (
                    f"; after {self._added + steps} steps it still varies: the last two estimates are "
                    f"{shortest(estimates[0])} and {shortest(estimates[1])}; raise "
                    "--ffl-share-steps, or pass --ffl-weight"
                )
        (_process.echo if weight > 0 and settled else _process.warn)(f"{self._flag}: {sentence}")
        return weight

    def _prolong(self, steps: int) -> None:
        """Replace the oldest measurements by those of as many further steps."""
        self._added += steps
        for measured in self._measured.values():
            for _ in range(min(steps, len(measured))):
                measured.popleft()

    @property
    def _flag(self) -> str:
        return f"--ffl-share {shortest(self.settings.share)}"


def find(share: float, norms: Sequence[Sequence[float]]) -> tuple[float, str]:
    """Return the weight that gives FFL its share, rounded to `DIGITS`, or 0, and a sentence about it.

    Args:
        share: target gradient norm of FFL as a multiple of the rest's.
        norms: per step, the gradient norms of FFL at weight 1 and of the rest. Up to half of the steps may be
            non-finite and are skipped, as a gradient scaler skips them.
    """
    count = len(norms)
    finite = [pair for pair in norms if all(map(math.isfinite, pair))]
    if 2 * len(finite) <= count:
        ffl, rest = (sum(not math.isfinite(value) for value in column) for column in zip(*norms))
        return 0.0, (
            f"the gradient at the generated images was not finite in {ffl} of {count} steps for FFL, and in "
            f"{rest} for everything else, so the training continues at weight 0"
        )
    ffl, rest = map(median, zip(*finite))
    seen = (
        f"over {count} steps the median gradient at the generated images was {ffl:.4g} for FFL at weight 1, "
        f"and {rest:.4g} for everything else"
    )
    weight = rounded(share * rest / ffl) if ffl > 0 else 0.0
    if not 0 < weight < math.inf:
        return 0.0, f"{seen}, which defines no weight, so the training continues at weight 0"
    return weight, f"weight {shortest(weight)} from here on; {seen}"


def rounded(weight: float) -> float:
    """Return the weight with `DIGITS` significant digits."""
    return float(f"{weight:.{DIGITS}g}")
