from __future__ import annotations

from pathlib import Path

import pytest
import torch

from ffl_plugin.errors import FFLError
from ffl_plugin.metrics import find_weights
from ffl_plugin.metrics.torchvision_operators import import_torchvision
from ffl_plugin.metrics.weights import Weights
from ffl_plugin.reproduce import perceptual_loss
from ffl_plugin.reproduce.perceptual_loss import PERCEPTUAL_LOSS


def save(state: dict[str, torch.Tensor], path: Path) -> Weights:
    torch.save(state, path)
    return find_weights(path, release=PERCEPTUAL_LOSS.release)


def drawn_state() -> dict[str, torch.Tensor]:
    """Weights that keep the size of the features, so that every layer counts in the loss."""
    torch.manual_seed(0)
    features = perceptual_loss.vgg16_features()
    for layer in features:
        if isinstance(layer, torch.nn.Conv2d):
            torch.nn.init.kaiming_normal_(layer.weight, nonlinearity="relu")
    return {f"features.{name}": tensor for name, tensor in features.state_dict().items()}


def test_equal_images_have_no_perceptual_loss_and_the_network_stays_fixed() -> None:
    torch.manual_seed(0)
    loss = perceptual_loss.PerceptualLoss(perceptual_loss.vgg16_features())
    image = torch.rand(1, 3, 32, 32) * 2 - 1
    assert loss(image, image).item() == 0
    pred = (image * 0.5).requires_grad_()
    loss(pred, image).backward()
    assert pred.grad.abs().max() > 0
    assert all(parameter.grad is None for parameter in loss.features.parameters())


def test_features_are_torchvisions_at_the_layers_of_the_paper(tmp_path: Path) -> None:
    """Our loss by torchvision's own VGG16: relu1_2, 2_2, 3_3 and 4_3 after ImageNet's normalization."""
    import_torchvision()
    import torchvision
    from torchvision.transforms.functional import normalize

    loss = perceptual_loss.load_perceptual_loss(save(drawn_state(), tmp_path / "vgg16.pth")).cpu()
    theirs = torchvision.models.vgg16().features.eval()
    theirs.load_state_dict(loss.features.state_dict(), strict=False)
    pred, target = torch.rand(2, 2, 3, 32, 32) * 2 - 1
    expected = torch.zeros(())
    for end in (4, 9, 16, 23):
        x, y = (
            theirs[:end](normalize((images + 1) / 2, (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)))
            for images in (pred, target)
        )
        assert isinstance(theirs[end - 1], torch.nn.ReLU) and isinstance(theirs[end], torch.nn.MaxPool2d)
        expected += (x - y).square().mean()
    torch.testing.assert_close(loss(pred, target), expected)


@pytest.mark.parametrize("change", ["missing", "shape"])
def test_a_file_of_another_network_is_refused(tmp_path: Path, change: str) -> None:
    state = drawn_state()
    if change == "missing":
        del state["features.21.bias"]
    else:
        state["features.0.weight"] = torch.zeros(64, 3, 11, 11)
    other = save(state, tmp_path / "other.pth")
    with pytest.raises(
        FFLError, match=r"other\.pth is not torchvision's VGG16; use vgg16-397923af\.pth, from"
    ):
        perceptual_loss.load_perceptual_loss(other)
