"""The protocols' resizes to Inception's 299×299, for batches of 8-bit images on any device.

All accept uint8 (B, H, W, 3) of any size from 1×1 and return float32 (B, 3, 299, 299) in about [−1, 1].
They compute in place: a fresh megabyte for each step of an image costs more than the step.
"""

from __future__ import annotations

import numpy as np
import torch
import torch.nn.functional as F
from PIL import Image
from torch import Tensor

SIDE = 299  # pixels


def tensorflow_bilinear(images: Tensor) -> Tensor:
    """Resize as in TensorFlow 1: samples at i·H/299, no half-pixel centres, no antialiasing."""
    values = _interpolated_rows(images.float())
    # Transposed, so that the strided axis is interpolated; the reverse order is as fast.
    values = _interpolated_rows(values.transpose(1, 2).contiguous())
    return values.permute(0, 3, 2, 1).sub_(128).div_(128)


def _interpolated_rows(values: Tensor) -> Tensor:
    """(B, H, W, 3) -> (B, 299, W, 3)."""
    height = values.shape[1]
    scale = torch.tensor(height / SIDE, dtype=torch.float32, device=values.device)
    places = torch.arange(SIDE, dtype=torch.float32, device=values.device) * scale
    low = places.long()
    above = values.index_select(1, low)
    below = values.index_select(1, (low + 1).clamp_max(height - 1))
    return above.lerp_(below, (places - low).view(-1, 1, 1))


def pytorch_bilinear(images: Tensor) -> Tensor:
    """Resize as in pytorch-fid: half-pixel centres, no antialiasing, from [0, 1] to [−1, 1]."""
    channels = images.permute(0, 3, 1, 2).float().div_(255)
    return F.interpolate(channels, size=(SIDE, SIDE), mode="bilinear", align_corners=False).mul_(2).sub_(1)


def pillow_bicubic(images: Tensor) -> Tensor:
    """Resize as in clean-fid (Parmar et al. 2022): Pillow's antialiased bicubic on unrounded floats.

    CPU only.
    """
    planes = images.permute(0, 3, 1, 2).reshape(-1, *images.shape[1:3]).numpy().astype(np.float32)
    resized = np.empty((len(planes), SIDE, SIDE), np.float32)
    for plane, place in zip(planes, resized):
        place[:] = np.asarray(Image.fromarray(plane).resize((SIDE, SIDE), Image.Resampling.BICUBIC))
    values = torch.from_numpy(resized).clamp_(0, 255).sub_(128).div_(128)
    return values.view(len(images), 3, SIDE, SIDE)
