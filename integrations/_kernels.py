"""The CUDA kernels of StyleGAN2, as rosinality calls them, from torch operations on any device.

They are called inside upstream's autograd functions, which define the derivatives.
"""

from __future__ import annotations

import types

from torch import Tensor
from torch.nn import functional


def fused_bias_act(
    input: Tensor, bias: Tensor, reference: Tensor, act: int, grad: int, alpha: float, scale: float
) -> Tensor:
    """Leaky ReLU (``act`` 3) of ``input + bias``, times ``scale``; or its derivative times ``input``.

    Args:
        input: (N, C, ...).
        bias: (C), or empty for none.
        reference: output whose sign selects the derivative for ``grad`` 1; empty for ``grad`` 0.
        act: always 3 in upstream.
        grad: order of the derivative, 0 or 1.
        alpha: slope for negative sums.
        scale: factor of the result.
    """
    if bias.numel():
        input = input + bias.view(1, -1, *[1] * (input.ndim - 2))
    if grad:
        return input * (reference > 0).to(input).mul_(1 - alpha).add_(alpha) * scale
    return functional.leaky_relu(input, alpha) * scale


def upfirdn2d(
    input: Tensor,
    kernel: Tensor,
    up_x: int,
    up_y: int,
    down_x: int,
    down_y: int,
    pad_x0: int,
    pad_x1: int,
    pad_y0: int,
    pad_y1: int,
) -> Tensor:
    """Upsample with zeros, pad (crop if negative), convolve with ``kernel`` and downsample by ``down``.

    Args:
        input: (M, H, W, 1).
        kernel: (h, w).
        up_x, up_y: factors along W and H.
        down_x, down_y: steps along W and H.
        pad_x0, pad_x1, pad_y0, pad_y1: zeros on the left and right, above and below.

    Returns:
        (M, H', W', 1).
    """
    images = input.permute(0, 3, 1, 2)
    count, _, height, width = images.shape
    sparse = images.new_zeros(count, 1, height * up_y, width * up_x)
    sparse[:, :, ::up_y, ::up_x] = images
    padded = functional.pad(sparse, [pad_x0, pad_x1, pad_y0, pad_y1])
    filtered = functional.conv2d(padded, kernel.flip([0, 1])[None, None].to(padded), stride=(down_y, down_x))
    return filtered.permute(0, 2, 3, 1)


KERNELS = {
    "fused": types.SimpleNamespace(fused_bias_act=fused_bias_act),
    "upfirdn2d": types.SimpleNamespace(upfirdn2d=upfirdn2d),
}
