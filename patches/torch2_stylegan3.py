"""StyleGAN3, written for torch 1.9, on current torch, numpy, scipy and Python, with or without CUDA.

Each edit is an import that rebinds a library, or one further line; `ffl_plugin.integrations.torch2`
explains them. The networks are not edited, because every snapshot contains their source.
"""

from __future__ import annotations

from ffl_plugin.patches._torch2 import Views, script, stylegan3_files
from ffl_plugin.patching.recipe import Recipe, Version

VIEWS = Views("torch2_stylegan3")
FLOAT_BETAS = (VIEWS.name("float_betas"), "float_betas")

IMAGES = script(VIEWS, "gen_images.py", "generate_images")
FIRST_REVISION = (
    *stylegan3_files(VIEWS, FLOAT_BETAS),
    IMAGES,
    script(VIEWS, "gen_video.py", "gen_interp_video"),
)

RECIPE = Recipe(
    name="torch2-stylegan3",
    companion_of="stylegan3",
    upstream="NVlabs/stylegan3",
    summary="StyleGAN3 on today's PyTorch, also without CUDA",
    train="python train.py --outdir=runs --cfg=stylegan3-t --data=images.zip --gpus=1 --batch=32 --gamma=8",
    files=(
        *stylegan3_files(VIEWS, FLOAT_BETAS),
        IMAGES,
        script(VIEWS, "gen_video.py", "gen_interp_video", "imageio"),
        script(VIEWS, "avg_spectra.py", "stream_source_images"),
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
                ("avg_spectra.py", "a53a7b3b7be5345477e82b154eb535f75da59b78"),
            ),
        ),
    ),
    earlier=(FIRST_REVISION,),
)
