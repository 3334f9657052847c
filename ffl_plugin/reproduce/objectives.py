"""The objectives of the experiments: named, weighted terms of a model's output, whose sum is the loss."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Callable, Literal

import torch
from torch import Tensor, nn
from torch.nn.functional import mse_loss

ImageLoss = Callable[[Tensor, Tensor], Tensor]  # (prediction, target), both (N, 3, H, W) -> scalar


@dataclass(frozen=True)
class Reconstruction:
    """``mse_weight`` · MSE plus further image losses, each with its weight.

    The images are in [-1, 1]. The authors' vanilla AE uses MSE 1 and FFL 100.
    """

    mse_weight: float = 1.0
    extra: Mapping[str, tuple[float, ImageLoss]] = field(default_factory=dict)

    def __call__(self, model: nn.Module, images: Tensor) -> dict[str, Tensor]:
        """Run the model and return its weighted terms."""
        return self.terms(model(images), images)

    def terms(self, reconstruction: Tensor, images: Tensor) -> dict[str, Tensor]:
        """Return the weighted terms of a reconstruction."""
        terms = {"MSE": self.mse_weight * mse_loss(reconstruction, images)} if self.mse_weight else {}
        for name, (weight, loss) in self.extra.items():
            terms[name] = weight * loss(reconstruction, images)
        return terms


Balance = Literal["kl-as-is", "kl-in-ratio", "mse-scaled"]


@dataclass(frozen=True)
class EvidenceLowerBound:
    """The VAE's loss: a reconstruction objective plus ``kl_weight`` · KL(q(z|x) ‖ N(0, I)) per dimension.

    Adding a term to the reconstruction reduces the relative weight of the KL divergence, which by itself
    sharpens a VAE. ``balance`` separates the two effects. With r = (MSE + extra terms) / MSE, detached:

    - ``kl-as-is``: MSE + extra + KL. The usual choice; the relative weight of the KL falls by r.
    - ``kl-in-ratio``: MSE + extra + r · KL. Keeps the baseline's ratio of KL to reconstruction.
    - ``mse-scaled``: r · MSE + KL. The control: the magnitude of the extra terms without their direction.
    """

    reconstruction: Reconstruction
    kl_weight: float
    balance: Balance = "kl-as-is"

    def __call__(self, model: nn.Module, images: Tensor) -> dict[str, Tensor]:
        """Run the VAE and return its weighted terms."""
        output = model(images)
        terms = self.reconstruction.terms(output.reconstruction, images)
        kl = self.kl_weight * kl_divergence(output.mean, output.log_variance)
        ratio = (torch.stack(list(terms.values())).sum() / terms["MSE"]).detach()
        if self.balance == "mse-scaled":
            return {"MSE": ratio * terms["MSE"], "KL": kl}
        return {**terms, "KL": ratio * kl if self.balance == "kl-in-ratio" else kl}


def kl_divergence(mean: Tensor, log_variance: Tensor) -> Tensor:
    """KL(N(mean, exp(log_variance)) ‖ N(0, I)) per latent dimension, mean over the (N, latent) elements."""
    return 0.5 * (mean**2 + log_variance.exp() - 1 - log_variance).mean()
