"""FFL for the loss files of taming-transformers and its forks.

The options are those of the loss class, in YAML: ``ffl_options: {weight: 1}`` below ``lossconfig.params``,
named as in `Settings`. Each reconstruction is compared with its input, so the default spectrum is ``image``.
A weight is relative to each code's own reconstruction loss: where that is summed over the values of an image,
so is the term.

To use it without a patch, name `loss_with_ffl` as the ``target`` of ``lossconfig``, or call a
`ReconstructionTerm` in a loss of your own.
"""

from __future__ import annotations

import importlib
import inspect
import json
from collections.abc import Mapping
from typing import Any, Optional

import torch
from torch import Tensor

from ffl_plugin.as_text import shortest
from ffl_plugin.errors import FFLError
from ffl_plugin.integrations import _process
from ffl_plugin.integrations._flags import SettingsError
from ffl_plugin.integrations._settings import Settings, Upstream
from ffl_plugin.integrations._term import FrequencyTerm

UPSTREAM = Upstream(Settings(spectrum="image"))


class ReconstructionTerm(torch.nn.Module):
    """The term of one loss, configured by its ``ffl_options``.

    With a share, it is saved in checkpoints with its weight, once that is found. Otherwise checkpoints
    neither contain nor need anything. A weight calibrated for another share or loss is not loaded.

    Raises:
        SettingsError: invalid options.
    """

    def __init__(self, ffl_options: Optional[Mapping[str, Any]] = None) -> None:
        super().__init__()
        self._settings = UPSTREAM.settings(dict(ffl_options or {}))
        self._term = FrequencyTerm(self._settings, videos=True)
        self._shown: dict[str, Tensor] = {}

    def forward(self, loss: Tensor, reconstructions: Tensor, inputs: Tensor, summed: bool = False) -> Tensor:
        """Return ``loss`` plus the weighted term of two batches (N, C, H, W) in [-1, 1]; itself when off.

        Videos (N, C, T, H, W) are compared frame by frame.

        Args:
            loss: the complete generator loss.
            reconstructions: output of the decoder.
            inputs: its targets.
            summed: whether ``loss`` sums over the values of an image, or of a frame, and averages over
                images only.
        """
        if not self._settings.on:
            return loss
        term = self._term(reconstructions, inputs, report=self._report)
        if summed:
            channels, (height, width) = inputs.shape[1], inputs.shape[-2:]
            term = term * (channels * height * width)
        self._shown["ffl_loss"] = term.detach()
        total: Tensor = loss + term
        return total

    def log(self, split: str = "") -> dict[str, Tensor]:
        """Return the entries to log: the term, and the last values of ``monitor``; empty when off.

        Their names begin with ``split`` and a slash, if it is given.
        """
        prefix = f"{split}/" if split else ""
        return {f"{prefix}{name}": value for name, value in self._shown.items()}

    def _report(self, source: str, norm: Tensor) -> None:
        self._shown[f"grad_{source.lower()}"] = norm

    def _save_to_state_dict(self, destination: Any, prefix: str, keep_vars: bool) -> None:
        weight = self._term.weight
        if self._settings.share > 0 and weight is not None:
            destination[f"{prefix}weight"] = torch.tensor(weight, dtype=torch.float64)
            destination[f"{prefix}share"] = torch.tensor(self._settings.share, dtype=torch.float64)
            settings = json.dumps(self._settings.to_json()).encode()
            destination[f"{prefix}settings"] = torch.tensor(list(settings), dtype=torch.uint8)

    def _load_from_state_dict(self, state_dict: Any, prefix: str, *_: Any) -> None:
        weight, share, settings = (
            state_dict.get(f"{prefix}{name}") for name in ("weight", "share", "settings")
        )
        if weight is None or self._settings.share == 0:
            return
        before = self._settings.to_json()  # where an earlier version saved nothing
        before |= {} if share is None else {"share": float(share)}
        before |= {} if settings is None else json.loads(bytes(settings.tolist()))
        changed = [f"{name} {_shown(before[name])}" for name in self._settings.invalidating_changes(before)]
        if changed:
            _process.warn(
                f"the checkpoint was trained with {', '.join(changed)}, so the weight of share "
                f"{shortest(self._settings.share)} is calibrated anew"
            )
        else:
            self._term = FrequencyTerm(self._settings, float(weight), videos=True)


def loss_with_ffl(
    loss: str, ffl_options: Optional[Mapping[str, Any]] = None, summed: Optional[bool] = None, **params: Any
) -> Any:
    """Return the loss of a class with FFL added, for configurations that name their loss as a ``target``.

    Args:
        loss: the class as named in the configuration, such as
            ``ldm.modules.losses.LPIPSWithDiscriminator``. Its ``forward`` takes ``inputs``,
            ``reconstructions`` and ``optimizer_idx``, and returns the loss and a dict to log.
        ffl_options: as for a patched loss.
        summed: whether it sums over the values of an image; by default if it has a ``logvar``, as the
            likelihoods of latent-diffusion and generative-models do, unless it has LightningDiT's
            ``pp_style`` on.
        params: arguments of the class.

    Raises:
        FFLError: the class cannot be found, or its ``forward`` has another signature.
        SettingsError: invalid options.
    """
    module, _, name = loss.rpartition(".")
    try:
        base: Any = getattr(importlib.import_module(module), name)
    except (ImportError, AttributeError, ValueError) as error:
        raise FFLError(f"{loss}: no such class ({error}); name it as in the configuration") from None
    signature = inspect.signature(base.forward)
    needed = [
        each for each in ("inputs", "reconstructions", "optimizer_idx") if each not in signature.parameters
    ]
    if needed:
        raise FFLError(f"{loss}.forward takes no {needed[0]}, so FFL cannot be added to it; patch it by hand")

    class WithFFL(base):  # type: ignore[misc]
        """The class, with the term added to its generator loss."""

        def forward(self, *arguments: Any, **keywords: Any) -> Any:
            given = signature.bind(self, *arguments, **keywords)
            given.apply_defaults()
            value, log = super().forward(*arguments, **keywords)
            if given.arguments["optimizer_idx"] == 0:
                images = given.arguments["reconstructions"], given.arguments["inputs"]
                value = self.ffl(value, *images, summed=_sums(self) if summed is None else summed)
                log = {**log, **self.ffl.log(given.arguments.get("split", "train"))}
            return value, log

    made = WithFFL(**params)
    made.ffl = ReconstructionTerm(ffl_options)
    return made


def _shown(value: Any) -> str:
    return shortest(value) if isinstance(value, float) else str(value)


def _sums(loss: Any) -> bool:
    return hasattr(loss, "logvar") and not getattr(loss, "pp_style", False)


__all__ = ["ReconstructionTerm", "SettingsError", "loss_with_ffl"]
