from __future__ import annotations

import torch

from ffl_plugin.reproduce import perceptual


def test_equal_images_have_no_perceptual_loss_and_the_network_stays_fixed():
    torch.manual_seed(0)
    loss = perceptual.PerceptualLoss(perceptual.vgg16_features())
    image = torch.rand(1, 3, 32, 32) * 2 - 1
    assert loss(image, image).item() == 0
    pred = (image * 0.5).requires_grad_()
    loss(pred, image).backward()
    assert pred.grad.abs().max() > 0
    assert all(parameter.grad is None for parameter in loss.features.parameters())


def test_features_have_torchvisions_names_and_shapes():
    state = perceptual.vgg16_features().state_dict()
    assert list(state)[:2] == ["0.weight", "0.bias"]
    assert state["21.weight"].shape == (512, 512, 3, 3)  # conv4_3
    assert perceptual.TAPS[-1] == 22  # its ReLU
