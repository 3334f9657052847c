"""Small random weights in the form of the published files of DINOv2, CLIP and AlexNet."""

from __future__ import annotations

from pathlib import Path

import torch
from torch import Tensor

WIDTH, HEADS, DEPTH, PATCH, EMBEDDING = 128, 2, 2, 14, 24


def save_dinov2(path: Path) -> Path:
    """Of 518×518 pixels, as the published file is: 37×37 places."""
    draw = drawn(0)
    state = {
        "cls_token": draw(1, 1, WIDTH),
        "mask_token": draw(1, WIDTH),
        "pos_embed": draw(1, 1 + 37**2, WIDTH),
        "patch_embed.proj.weight": draw(WIDTH, 3, PATCH, PATCH),
        "patch_embed.proj.bias": draw(WIDTH),
        "norm.weight": draw(WIDTH) + 1,
        "norm.bias": draw(WIDTH),
    }
    for block in range(DEPTH):
        shapes = {
            "attn.qkv": (3 * WIDTH, WIDTH),
            "attn.proj": (WIDTH, WIDTH),
            "mlp.fc1": (4 * WIDTH, WIDTH),
            "mlp.fc2": (WIDTH, 4 * WIDTH),
        }
        for name, shape in shapes.items():
            state[f"blocks.{block}.{name}.weight"] = draw(*shape)
            state[f"blocks.{block}.{name}.bias"] = draw(shape[0])
        for name in ("norm1", "norm2"):
            state[f"blocks.{block}.{name}.weight"] = draw(WIDTH) + 1
            state[f"blocks.{block}.{name}.bias"] = draw(WIDTH)
        for name in ("ls1", "ls2"):
            state[f"blocks.{block}.{name}.gamma"] = draw(WIDTH) + 1
    return saved(path, state)


def clip_state(side: int = 336, patch: int = 56) -> dict[str, Tensor]:
    """Of half precision, as the published file is, with a part of the text encoder beside the images'."""
    draw = drawn(1)
    state = {
        "visual.class_embedding": draw(WIDTH),
        "visual.positional_embedding": draw(1 + (side // patch) ** 2, WIDTH),
        "visual.conv1.weight": draw(WIDTH, 3, patch, patch),
        "visual.proj": draw(WIDTH, EMBEDDING),
        "text_projection": draw(8, EMBEDDING),
        "positional_embedding": draw(77, 8),
        "ln_final.weight": draw(8),
    }
    for name in ("ln_pre", "ln_post"):
        state[f"visual.{name}.weight"], state[f"visual.{name}.bias"] = draw(WIDTH) + 1, draw(WIDTH)
    for block in range(DEPTH):
        place = f"visual.transformer.resblocks.{block}"
        state[f"{place}.attn.in_proj_weight"] = draw(3 * WIDTH, WIDTH)
        state[f"{place}.attn.in_proj_bias"] = draw(3 * WIDTH)
        for name, shape in {
            "attn.out_proj": (WIDTH, WIDTH),
            "mlp.c_fc": (4 * WIDTH, WIDTH),
            "mlp.c_proj": (WIDTH, 4 * WIDTH),
        }.items():
            state[f"{place}.{name}.weight"], state[f"{place}.{name}.bias"] = draw(*shape), draw(shape[0])
        for name in ("ln_1", "ln_2"):
            state[f"{place}.{name}.weight"], state[f"{place}.{name}.bias"] = draw(WIDTH) + 1, draw(WIDTH)
    return {name: tensor.half() for name, tensor in state.items()}


def save_clip(path: Path, side: int = 336) -> Path:
    return saved(path, clip_state(side))


def save_alexnet(path: Path) -> Path:
    """The convolutions alone, which is what LPIPS and the features need."""
    draw = drawn(2)
    shapes = {0: (64, 3, 11), 3: (192, 64, 5), 6: (384, 192, 3), 8: (256, 384, 3), 10: (256, 256, 3)}
    state = {}
    for place, (outputs, inputs, size) in shapes.items():
        scale = (2 / (inputs * size**2)) ** 0.5 / 0.1
        state[f"features.{place}.weight"] = draw(outputs, inputs, size, size) * scale
        state[f"features.{place}.bias"] = draw(outputs)
    return saved(path, state)


class drawn:
    """Normal numbers of a seed, with a standard deviation of 0.1."""

    def __init__(self, seed: int) -> None:
        self._random = torch.Generator().manual_seed(seed)

    def __call__(self, *shape: int) -> Tensor:
        return 0.1 * torch.randn(*shape, generator=self._random)


def saved(path: Path, state: dict[str, Tensor]) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    torch.save(state, path)
    return path
