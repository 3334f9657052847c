"""The perceptual loss of Johnson et al., ECCV 2016, on VGG16: PL in Table 7."""

from __future__ import annotations

from torch import Tensor, nn

from ffl_plugin.metrics.devices import find_device
from ffl_plugin.metrics.normalised import IMAGENET
from ffl_plugin.metrics.torchvision_operators import import_torchvision
from ffl_plugin.metrics.weights import Release, Weights, load_torchvision
from ffl_plugin.reproduce.network_files import Network

PERCEPTUAL_LOSS = Network(
    Release(
        network="VGG16",
        url="https://download.pytorch.org/models/vgg16-397923af.pth",
        sha256="397923af",
        variable="FFL_VGG16",
    ),
    "The perceptual loss",
)
TAPS = (3, 8, 15, 22)  # indices of relu1_2, relu2_2, relu3_3 and relu4_3 in torchvision's VGG16


def vgg16_features() -> nn.Sequential:
    """Build VGG16 (Simonyan and Zisserman, ICLR 2015) up to relu4_3: (N, 3, H, W) -> (N, 512, H/8, W/8)."""
    import_torchvision()
    from torchvision.models import vgg

    features: nn.Sequential = vgg.make_layers(vgg.cfgs["D"])[: TAPS[-1] + 1]
    return features


class PerceptualLoss(nn.Module):
    """Sum over four layers of VGG16 of the mean squared difference of their features.

    ``pred`` and ``target`` are (N, 3, H, W) in [-1, 1]. No gradient flows into the network or the target.
    """

    def __init__(self, features: nn.Sequential) -> None:
        """Wrap the network of ``vgg16_features``, with weights loaded."""
        super().__init__()
        self.features = features.requires_grad_(False).eval()

    def forward(self, pred: Tensor, target: Tensor) -> Tensor:
        """Compare two batches of images."""
        from torchvision.transforms.functional import normalize

        loss = pred.new_zeros(())
        x, y = (normalize((images + 1) / 2, *IMAGENET) for images in (pred, target.detach()))
        for index, layer in enumerate(self.features):
            x, y = layer(x), layer(y)
            if index in TAPS:
                loss = loss + nn.functional.mse_loss(x, y)
        return loss


def load_perceptual_loss(weights: Weights) -> PerceptualLoss:
    """Build the loss with torchvision's weights, on the training device.

    Only ``features.0`` to ``features.21`` are read from the file; raises FFLError if one is missing or has
    another shape.
    """
    features = vgg16_features()
    load_torchvision(features, weights, PERCEPTUAL_LOSS.release, "features.{}".format)
    return PerceptualLoss(features).to(find_device())
