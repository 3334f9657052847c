"""FFL for pytorch-CycleGAN-and-pix2pix's ``cycle_gan_model.py``.

CycleGAN has no pairs of generated and real images, so the cycle reconstructions are compared with their
source images.
"""

from __future__ import annotations

from typing import Any

from torch import Tensor

from ffl_plugin.integrations import _opt
from ffl_plugin.integrations._paired import PairedModel
from ffl_plugin.integrations._settings import Settings, Upstream

UPSTREAM = Upstream(Settings(spectrum="image"), unit="epochs")


add_options = PairedModel(UPSTREAM).add_options


def setup(model: Any) -> None:
    """Read ``model.opt``; when FFL is on, make the model print its two terms as ``FFL_A`` and ``FFL_B``.

    With ``--ffl-monitor``, it also prints gradient norms at the reconstructions: FFL's as ``grad_FFL_A`` and
    ``grad_FFL_B``, the cycle losses' as ``grad_rest_A`` and ``grad_rest_B``; adversarial losses do not reach
    them. The settings are recorded beside ``train_opt.txt``; a warning says if ``--continue_train`` changes
    them.
    """
    _opt.setup(model, UPSTREAM, ("FFL_A", "FFL_B"), ("FFL_A", "rest_A", "FFL_B", "rest_B"))


def add_terms(
    model: Any, loss: Tensor, rec_a: Tensor, real_a: Tensor, rec_b: Tensor, real_b: Tensor
) -> Tensor:
    """Return ``loss`` plus the weighted terms of both domains; ``loss`` itself when off.

    Reconstructions and real images are batches (N, C, H, W) in [-1, 1]. The terms are stored as
    ``model.loss_FFL_A`` and ``model.loss_FFL_B``, where the upstream looks for losses to print.
    """
    if not hasattr(model, "ffl_term"):  # a subclass whose constructor did not call `setup`
        setup(model)
    if model.ffl_term is None:
        return loss
    term = model.ffl_term
    model.loss_FFL_A = term(model, rec_a, real_a, _opt.as_losses(model, "_A"), name="A")
    model.loss_FFL_B = term(model, rec_b, real_b, _opt.as_losses(model, "_B"), name="B")
    total: Tensor = loss + model.loss_FFL_A + model.loss_FFL_B
    return total
