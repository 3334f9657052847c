"""StyleGAN3, written for torch 1.9, on today's torch, numpy, scipy and Python, with CUDA or without.

Each edit is an import of ours that rebinds a library, or a line more; `ffl_plugin.integrations.torch2` says
what each is for. Nothing goes into networks.py and augment.py, whose source is stored in every snapshot.
"""

from __future__ import annotations

from ffl_plugin.patching.recipe import File, Import, Only, Recipe, Statement, Version

_MODULES = Import("from ffl_plugin.integrations.torch2_stylegan3 import removed_modules")
_TORCH = Import("from ffl_plugin.integrations.torch2_stylegan3 import torch", rebinds=True)
_NUMPY = Import("from ffl_plugin.integrations.torch2_stylegan3 import numpy as np", rebinds=True)
_SCIPY = Import("from ffl_plugin.integrations.torch2_stylegan3 import scipy", rebinds=True)

RECIPE = Recipe(
    name="torch2-stylegan3",
    supplements="stylegan3",
    upstream="NVlabs/stylegan3",
    summary="StyleGAN3 on today's PyTorch, also without CUDA",
    train="python train.py --outdir=runs --cfg=stylegan3-t --data=images.zip --gpus=1 --batch=32 --gamma=8",
    files=(
        File("dnnlib/__init__.py", holds=(), edits=(_MODULES,)),
        File("torch_utils/misc.py", holds=("InfiniteSampler",), edits=(_TORCH,)),
        File(
            "training/training_loop.py",
            holds=("training_loop",),
            edits=(
                _TORCH,
                Import("from ffl_plugin.integrations.torch2_stylegan3 import float_betas"),
                Statement(
                    "training_loop", "float_betas(G_opt_kwargs, D_opt_kwargs)", before=Only(("phases = []",))
                ),
            ),
        ),
        File("train.py", holds=("launch_training",), edits=(_TORCH,)),
        File("metrics/metric_utils.py", holds=("MetricOptions",), edits=(_TORCH,)),
        File("metrics/frechet_inception_distance.py", holds=("compute_fid",), edits=(_SCIPY,)),
        File("metrics/perceptual_path_length.py", holds=("compute_ppl",), edits=(_NUMPY,)),
        File("metrics/precision_recall.py", holds=("compute_pr",), edits=(_TORCH,)),
        File("calc_metrics.py", holds=("calc_metrics",), edits=(_TORCH,), optional=True),
        File("gen_images.py", holds=("generate_images",), edits=(_TORCH,), optional=True),
        File("gen_video.py", holds=("gen_interp_video",), edits=(_TORCH,), optional=True),
    ),
    versions=(
        Version(
            "c233a91",
            (
                ("dnnlib/__init__.py", "e7423bffe245d0ff3f32e8658aa67daae454e64e"),
                ("torch_utils/misc.py", "335397dd1662d8f5bfd44e17899a00549867f4bc"),
                ("training/training_loop.py", "ddd0c15e226b0436048fee4469341e3fb653c71b"),
                ("train.py", "be883c95967630b76bc04b170c884836cf5688eb"),
                ("metrics/metric_utils.py", "af122b21b5a7874d63b79ee40c2cb36d4ab4e5a2"),
                ("metrics/frechet_inception_distance.py", "7d5231cd70cf178ae3664a5974240b102ce3b0cf"),
                ("metrics/perceptual_path_length.py", "c68519fea298b076ef317b5ea75e22a77225baaf"),
                ("metrics/precision_recall.py", "120ef801ba488ae5288d14cbee49b566492b6695"),
                ("calc_metrics.py", "52e1e9404dbaa8901352fc74475e6052e103f760"),
                ("gen_images.py", "66fdef44fd163d5207911a2b4fd7853aff73855c"),
                ("gen_video.py", "253360d24a0e56d2b7acf0a8410fa093acbc19ef"),
            ),
        ),
    ),
)
