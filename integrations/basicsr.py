"""FFL for trainers with a registry of losses, such as BasicSR and its forks; no patch is needed.

    python -m ffl_plugin.integrations.basicsr basicsr/train.py -opt options.yml

runs the trainer's own script with ``FocalFrequencyLoss`` registered, which the options then name as the
``type`` of a loss. A custom script calls `register` before it builds its losses.

Images are in [0, 1] there, not [-1, 1], so the loss is four times smaller at the same ``loss_weight``.
"""

from __future__ import annotations

import argparse
import importlib
import logging
import runpy
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Optional

from torch import Tensor

from ffl_plugin import loss
from ffl_plugin.errors import FFLError

REGISTRY = "basicsr.utils.registry"


class FocalFrequencyLoss(loss.FocalFrequencyLoss):
    """The loss under the name that a registry expects.

    Args:
        loss_weight: factor of the loss.
        beside: options of another registered loss to add, since models such as ``SRModel`` accept only one
            pixel loss: ``{type: L1Loss, loss_weight: 1.0}``.
        options: those of `ffl_plugin.FocalFrequencyLoss`.

    Raises:
        ValueError: an option is out of range.
        FFLError: ``beside`` is not a registered loss.
    """

    def __init__(
        self, loss_weight: float = 1.0, beside: Optional[Mapping[str, Any]] = None, **options: Any
    ) -> None:
        super().__init__(loss_weight=loss_weight, **options)
        self.beside = None if beside is None else _build(beside)

    def forward(self, pred: Tensor, target: Tensor, matrix: Optional[Tensor] = None, **others: Any) -> Tensor:
        """Return the loss of two batches (N, C, H, W), plus that of ``beside``."""
        value: Tensor = super().forward(pred, target, matrix, **others)
        return value if self.beside is None else value + self.beside(pred, target, **others)


def register(registry: str = REGISTRY) -> bool:
    """Register the loss in a module's ``LOSS_REGISTRY`` unless the name is taken; return whether it was.

    Raises:
        FFLError: the module cannot be imported.
    """
    losses = _registry(registry)
    if "FocalFrequencyLoss" in losses:
        logging.getLogger("basicsr").warning(
            "the trainer registers its own FocalFrequencyLoss, which is used instead of ffl-plugin's"
        )
        return False
    losses.register(FocalFrequencyLoss)
    return True


def _registry(name: str) -> Any:
    try:
        return importlib.import_module(name).LOSS_REGISTRY
    except (ImportError, AttributeError) as error:
        raise FFLError(
            f"{name} has no LOSS_REGISTRY ({error}); run this in the trainer's environment and folder"
        ) from None


def _build(options: Mapping[str, Any]) -> Any:
    given = dict(options)
    kind = given.pop("type", None)
    losses = _registry(REGISTRY)
    if kind not in losses:
        raise FFLError(
            f"beside: {kind!r} is not a registered loss; available: {', '.join(sorted(losses.keys()))}"
        )
    return losses.get(kind)(**given)


def main() -> None:
    """Register the loss, then run a script as ``__main__``."""
    parser = argparse.ArgumentParser(
        prog="python -m ffl_plugin.integrations.basicsr", description=main.__doc__
    )
    parser.add_argument("script", metavar="SCRIPT", type=Path, help="such as basicsr/train.py")
    parser.add_argument("rest", metavar="...", nargs=argparse.REMAINDER, help="arguments of the script")
    arguments = parser.parse_args()
    if not arguments.script.is_file():
        parser.error(f"{arguments.script} is not a file")
    sys.path[:0] = [str(arguments.script.resolve().parent), str(Path.cwd())]
    try:
        register()
    except FFLError as error:
        parser.error(str(error))
    sys.argv = [str(arguments.script), *arguments.rest]
    runpy.run_path(str(arguments.script), run_name="__main__")


if __name__ == "__main__":
    main()
