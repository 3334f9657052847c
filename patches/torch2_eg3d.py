"""EG3D, written for torch 1.11, on current torch, numpy, scipy and Python, with or without CUDA.

Each edit is an import that rebinds a library, or one further line; `ffl_plugin.integrations.torch2`
explains them. The networks are not edited, because every snapshot contains their source.
"""

from __future__ import annotations

from ffl_plugin.patches._torch2 import Views, script, stylegan3_files
from ffl_plugin.patching.recipe import Recipe, Version

VIEWS = Views("torch2_eg3d")

RECIPE = Recipe(
    name="torch2-eg3d",
    companion_of="eg3d",
    upstream="NVlabs/eg3d",
    summary="EG3D on today's PyTorch, also without CUDA",
    train="python train.py --outdir=runs --cfg=ffhq --data=images.zip --gpus=1 --batch=4 --gamma=1 "
    "--gen_pose_cond=True",
    files=(
        *stylegan3_files(VIEWS),
        script(VIEWS, "gen_samples.py", "generate_images"),
        script(VIEWS, "gen_videos.py", "gen_interp_video", "imageio"),
    ),
    versions=(
        Version(
            "7cf1fd1",
            (
                ("dnnlib/__init__.py", "dd91ed142e955581e83948455fb71cd837215f61"),
                ("torch_utils/misc.py", "3c10e139c3b61bf67514725a39d4e220598c1ec3"),
                ("training/training_loop.py", "63526bd98e9343a25981f3cd67336d42ddbb2a15"),
                ("train.py", "7201e0aef2b982d1af94a0783288aea25dacc5eb"),
                ("metrics/metric_utils.py", "212cb7d38fabf6c7b60c55a0fa0a07560ac602b2"),
                ("metrics/frechet_inception_distance.py", "c2944eb21dbb88d2f383991ff88f557513b38168"),
                ("metrics/perceptual_path_length.py", "5e58dac3317733e2ace6d64ee1f97cafa0a38225"),
                ("metrics/precision_recall.py", "e33e85f64de81fa211135edaf3863c2fe851a6f4"),
                ("calc_metrics.py", "d401b22554e142a4146a0eb0fc952cc20742e3e7"),
                ("gen_samples.py", "fab4a22cc6f8e557542a0bb26ae0e8b8862c732c"),
                ("gen_videos.py", "de03d44c66f89999590979932792f6770c51fe69"),
            ),
        ),
    ),
)
