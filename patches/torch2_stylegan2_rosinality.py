"""StyleGAN2 by rosinality, written for torch 1.7, on current torch and torchvision, with or without CUDA.

Each edit is an import that rebinds a library, or one further line;
`ffl_plugin.integrations.torch2_stylegan2_rosinality` explains them.
"""

from __future__ import annotations

from ffl_plugin.patches._torch2 import Views
from ffl_plugin.patching.recipe import File, Only, Recipe, Statement, Version

VIEWS = Views("torch2_stylegan2_rosinality")

_DEVICE = Statement("", "device = of_this_machine(device)", after=Only(("device = 'cuda'",)))
_SCRIPT = (VIEWS.of("torch"), VIEWS.of("utils"))

RECIPE = Recipe(
    name="torch2-stylegan2-rosinality",
    companion_of="stylegan2-rosinality",
    upstream="rosinality/stylegan2-pytorch",
    summary="StyleGAN2 by rosinality on today's PyTorch, also without CUDA",
    train="python train.py faces.lmdb",
    files=(
        File("op/fused_act.py", defines=("fused_leaky_relu",), edits=(VIEWS.of("load"),)),
        File("op/upfirdn2d.py", defines=("upfirdn2d", "upfirdn2d_native"), edits=(VIEWS.of("load"),)),
        File("non_leaking.py", defines=("GridSampleBackward",), edits=(VIEWS.of("torch"),), optional=True),
        File(
            "train.py",
            defines=("train", "g_nonsaturating_loss"),
            edits=(
                *_SCRIPT,
                VIEWS.of("nn"),
                VIEWS.name("of_this_machine, started_by_torchrun"),
                _DEVICE,
                Statement("", "started_by_torchrun(parser)", before=Only(("args = parser.parse_args()",))),
            ),
        ),
        File("generate.py", defines=("generate",), edits=(*_SCRIPT, VIEWS.name("of_this_machine"), _DEVICE)),
        File("closed_form_factorization.py", defines=(), edits=(VIEWS.of("torch"),), optional=True),
        File("apply_factor.py", defines=(), edits=_SCRIPT, optional=True),
    ),
    versions=(
        Version(
            "bef283a",
            (
                ("op/fused_act.py", "5d46e10d6cb35867dbc4871e1c576141f4fe2efe"),
                ("op/upfirdn2d.py", "67e0375efac0f1cadcda12e667b72c36369e9c88"),
                ("non_leaking.py", "19ad5f817d045b76c23c9707a66e2e36b150c15b"),
                ("train.py", "be141b60212f2965bdd95790decab687be742386"),
                ("generate.py", "cc15023bb089fd218eca34cd60e70738a9d26f10"),
                ("closed_form_factorization.py", "94fada53fd811904ad9ea7b1ca8b30faf3ddfe3c"),
                ("apply_factor.py", "1a66365fb643f86a0c794be80a94c38eb89dbf4b"),
            ),
        ),
    ),
)
