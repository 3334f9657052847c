"""Random weights for the FID Inception network: the real ones are too large to ship."""

from __future__ import annotations

from pathlib import Path

import torch
from torch import nn

from ffl_plugin.metrics.inception import CLASSES, FEATURES, inception_blocks


def save_random_weights(path: Path) -> Path:
    """Seeded, with batch normalisation statistics that matter and features that differ between images."""
    torch.manual_seed(0)
    trunk = nn.Sequential(inception_blocks())
    for module in trunk.modules():
        if isinstance(module, nn.Conv2d):
            nn.init.kaiming_normal_(module.weight, nonlinearity="relu")
        if isinstance(module, nn.BatchNorm2d):
            nn.init.normal_(module.running_mean, 0, 0.1)
            nn.init.uniform_(module.running_var, 0.5, 1.5)
            nn.init.uniform_(module.weight, 0.5, 1.5)
            nn.init.normal_(module.bias, 0, 0.1)
    classes = nn.Linear(FEATURES, CLASSES)
    state = {**trunk.state_dict(), "fc.weight": classes.weight.detach(), "fc.bias": classes.bias.detach()}
    path.parent.mkdir(parents=True, exist_ok=True)
    torch.save(state, path)
    return path
