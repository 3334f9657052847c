"""StyleGAN2-ADA, written for torch 1.7, on current torch, numpy, scipy and Python, with or without CUDA.

Each edit is an import that rebinds a library, or one further line; `ffl_plugin.integrations.torch2` explains
them. networks.py and augment.py are not edited, because every snapshot contains their source.
"""

from __future__ import annotations

from ffl_plugin.patches._torch2 import Views
from ffl_plugin.patching.recipe import File, Import, Only, Recipe, Statement, Version

VIEWS = Views("torch2")

_MODULES = Import("import ffl_plugin.integrations.removed_modules")
_TORCH, _NUMPY, _IMAGEIO, _SCIPY = map(VIEWS.of, ("torch", "numpy as np", "imageio", "scipy"))

FILES = (
    File("dnnlib/__init__.py", defines=(), edits=(_MODULES,)),
    File("torch_utils/misc.py", defines=("InfiniteSampler",), edits=(_TORCH,)),
    File(
        "torch_utils/ops/upfirdn2d.py",
        defines=("_init", "upfirdn2d"),
        edits=(
            VIEWS.name("TRY_TO_BUILD_ONCE"),
            Statement("_init", "_inited |= TRY_TO_BUILD_ONCE", before=Only(("return _plugin is not None",))),
        ),
    ),
    File(
        "torch_utils/ops/grid_sample_gradfix.py",
        defines=("grid_sample",),
        edits=(
            Import("from ffl_plugin.integrations import torch2"),
            Statement(
                "grid_sample",
                "if enabled:\n    return torch2.grid_sample(input, grid)",
                before=Only(("if _should_use_custom_op(): ...",)),
            ),
        ),
    ),
    File(
        "training/training_loop.py",
        defines=("training_loop",),
        edits=(
            _TORCH,
            VIEWS.name("NEEDS_CONV2D_GRADFIX"),
            Statement(
                "training_loop",
                "conv2d_gradfix.enabled &= NEEDS_CONV2D_GRADFIX",
                after=Only(("conv2d_gradfix.enabled = True",)),
            ),
        ),
    ),
    File(
        "train.py",
        defines=("setup_training_loop_kwargs",),
        edits=(
            _TORCH,
            VIEWS.name("fp32_without_cuda"),
            Statement(
                "setup_training_loop_kwargs",
                "fp32 = fp32_without_cuda(fp32)",
                before=Only(("if fp32 is None: ...",)),
            ),
        ),
    ),
    File("metrics/metric_utils.py", defines=("MetricOptions",), edits=(_TORCH,)),
    File("metrics/frechet_inception_distance.py", defines=("compute_fid",), edits=(_SCIPY,)),
    File("metrics/perceptual_path_length.py", defines=("compute_ppl",), edits=(_NUMPY, _TORCH)),
    File("metrics/precision_recall.py", defines=("compute_pr",), edits=(_TORCH,)),
    File("calc_metrics.py", defines=("calc_metrics",), edits=(_TORCH,), optional=True),
    File("generate.py", defines=("generate_images",), edits=(_TORCH,), optional=True),
    File("style_mixing.py", defines=("generate_style_mix",), edits=(_TORCH,), optional=True),
)

FIRST_REVISION = (*FILES, File("projector.py", defines=("run_projection",), edits=(_TORCH,), optional=True))

RECIPE = Recipe(
    name="torch2",
    companion_of="stylegan2-ada",
    upstream="NVlabs/stylegan2-ada-pytorch",
    summary="StyleGAN2-ADA on today's PyTorch, also without CUDA",
    train="python train.py --outdir=runs --data=images.zip",
    files=(
        *FILES,
        File("projector.py", defines=("run_projection",), edits=(_IMAGEIO, _TORCH), optional=True),
    ),
    versions=(
        Version(
            "d72cc7d",
            (
                ("dnnlib/__init__.py", "2f08cf36f11f9b0fd94c1b7caeadf69b98375b04"),
                ("torch_utils/misc.py", "7829f4d9f168557ce8a9a6dec289aa964234cb8c"),
                ("torch_utils/ops/upfirdn2d.py", "ceeac2b9834e33b7c601c28bf27f32aa91c69256"),
                ("torch_utils/ops/grid_sample_gradfix.py", "ca6b3413ea72a734703c34382c023b84523601fd"),
                ("training/training_loop.py", "14836ad2e4efe35eaf9423f515d7615e309d997c"),
                ("train.py", "8d81b3f18e7ebae0b63dc68674c258c5c38bee71"),
                ("metrics/metric_utils.py", "16de1eae3ee79549412eff5313dcf26b5d7a4bb9"),
                ("metrics/frechet_inception_distance.py", "1d38ec731b33e6f4f20cd4601e58d7e5ce2eaaa3"),
                ("metrics/perceptual_path_length.py", "d070f45a04efed7e9492fddb85078be306753282"),
                ("metrics/precision_recall.py", "8200b7ef51963ae218e3b871de270a826bf10459"),
                ("calc_metrics.py", "03e828195a096f6f78da241b700c16f56327bdb8"),
                ("generate.py", "f7f961931e4e2947a74e29289b0e354d789d7bdc"),
                ("projector.py", "36041a08619a602304deb603a6769dbfed9437c8"),
                ("style_mixing.py", "c47bebbc44c0126b6fd00a55b8b487dc7b159653"),
            ),
        ),
    ),
    earlier=(FIRST_REVISION,),
)
