"""Projected GAN and StyleGAN-XL, written for torch 1.9, on current libraries, with or without CUDA.

Each edit is an import that rebinds a library, or one further line; `ffl_plugin.integrations.torch2`
explains them. The networks are not edited, because every snapshot contains their source.
"""

from __future__ import annotations

from ffl_plugin.patches._torch2 import Views, script, stylegan3_files
from ffl_plugin.patching.recipe import Recipe, Version

VIEWS = Views("torch2_projected_gan")

RECIPE = Recipe(
    name="torch2-projected-gan",
    companion_of="projected-gan",
    upstream="autonomousvision/projected-gan",
    summary="Projected GAN and StyleGAN-XL on today's PyTorch, also without CUDA",
    train="python train.py --outdir=runs --cfg=fastgan --data=images.zip --gpus=1 --batch=64",
    files=(
        *stylegan3_files(VIEWS),
        script(VIEWS, "gen_images.py", "generate_images"),
        script(VIEWS, "gen_video.py", "gen_interp_video", "imageio"),
    ),
    versions=(
        Version(
            "e1c246b",
            (
                ("dnnlib/__init__.py", "e7423bffe245d0ff3f32e8658aa67daae454e64e"),
                ("torch_utils/misc.py", "3173c4824788797af5b3d7a5b8d62b229c957156"),
                ("training/training_loop.py", "62a087afa1d29f4ac6f2bdddae26137a0da3ba86"),
                ("train.py", "ebe403d75cd24053bcf253511a79d1606a55e1e6"),
                ("metrics/metric_utils.py", "d7e3960b7cee3d49ee3c3b427a67201bb6b9c1d5"),
                ("metrics/frechet_inception_distance.py", "f99c828e8bde37d46b09c64217977fd485781460"),
                ("metrics/perceptual_path_length.py", "c68519fea298b076ef317b5ea75e22a77225baaf"),
                ("metrics/precision_recall.py", "120ef801ba488ae5288d14cbee49b566492b6695"),
                ("calc_metrics.py", "a8b832631a25f2e33049eb3661e999bb06532b41"),
                ("gen_images.py", "a6cab990e088817bfc4f49c54e0cb8382851c12c"),
                ("gen_video.py", "0eb6f3552bf9c83ae04709801fa0facce84f45d2"),
            ),
        ),
    ),
)
