"""Input preparation for DINOv2, CLIP and AlexNet: antialiased resizing by Pillow, then normalisation.

All map uint8 (B, H, W, 3), of any size from 1×1, to float32 (B, 3, side, side), on the CPU only. Resizing is
in 8 bits, with rounding, as in the papers' code: torchvision's ``Resize`` of a Pillow image for DINOv2
(dgm-eval), Pillow for CLIP (google-research/cmmd).
"""

from __future__ import annotations

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from ffl_plugin.metrics.decode import Pixels

# Mean and standard deviation of each channel, in [0, 1].
IMAGENET = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
_CLIP = (0.48145466, 0.4578275, 0.40821073), (0.26862954, 0.26130258, 0.27577711)


def normalised_imagenet(images: Tensor) -> Tensor:
    """Resize to 224×224, ignoring the aspect ratio, as in Stein et al. 2023."""
    return _normalised(images.numpy(), 224, *IMAGENET)


def normalised_clip(images: Tensor) -> Tensor:
    """Crop the central square and resize it to 336×336, as in Jayasumana et al. 2024."""
    _, height, width, _ = images.shape
    side = min(height, width)
    top, left = (height - side) // 2, (width - side) // 2
    return _normalised(images[:, top : top + side, left : left + side].numpy(), 336, *_CLIP)


def _normalised(images: Pixels, side: int, mean: tuple[float, ...], deviation: tuple[float, ...]) -> Tensor:
    resized = np.stack(
        [
            np.asarray(Image.fromarray(image).resize((side, side), Image.Resampling.BICUBIC))
            for image in images
        ]
    )
    values = torch.from_numpy(resized).permute(0, 3, 1, 2).float() / 255
    return (values - torch.tensor(mean).view(3, 1, 1)) / torch.tensor(deviation).view(3, 1, 1)
