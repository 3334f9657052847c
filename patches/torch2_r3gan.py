"""R3GAN on current torch, numpy, scipy and Python, with or without CUDA.

Each edit is an import that rebinds a library, or one further line; `ffl_plugin.integrations.torch2`
explains them. The networks are not edited.
"""

from __future__ import annotations

from ffl_plugin.patches._torch2 import Views, script, stylegan3_files
from ffl_plugin.patching.recipe import Recipe, Version

VIEWS = Views("torch2_r3gan")

RECIPE = Recipe(
    name="torch2-r3gan",
    companion_of="r3gan",
    upstream="brownvc/R3GAN",
    summary="R3GAN on today's PyTorch, also without CUDA",
    train="python train.py --outdir=runs --data=images.zip --gpus=1 --batch=32 --preset=FFHQ-64",
    files=(
        *(file for file in stylegan3_files(VIEWS) if "perceptual_path_length" not in file.path),
        script(VIEWS, "gen_images.py", "generate_images"),
    ),
    versions=(
        Version(
            "19a7ddf",
            (
                ("dnnlib/__init__.py", "e7423bffe245d0ff3f32e8658aa67daae454e64e"),
                ("torch_utils/misc.py", "6a38183004273de9c7a4a6a57c7e144e8a86a672"),
                ("training/training_loop.py", "8747c4283320065ef2af3fdc76d5a52a43be59be"),
                ("train.py", "b611c98192622f4ab70fd04a00694088ed66a01e"),
                ("metrics/metric_utils.py", "211dc88050ddfc740a25b0336fd44743eaf540d7"),
                ("metrics/frechet_inception_distance.py", "7d5231cd70cf178ae3664a5974240b102ce3b0cf"),
                ("metrics/precision_recall.py", "120ef801ba488ae5288d14cbee49b566492b6695"),
                ("calc_metrics.py", "e3b3c2d4049ebfbad057ea3219e16ef72a162d7e"),
                ("gen_images.py", "96026e9d18782f946546757e9eeea04c8d9102bb"),
            ),
        ),
    ),
)
