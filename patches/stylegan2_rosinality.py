"""StyleGAN2 by rosinality: one function trains both networks, and generates images for each alike."""

from __future__ import annotations

import ast
from typing import Optional

from ffl_plugin.patches._backward import loss_reaches_backward
from ffl_plugin.patches._checks import carries_gradient, no_frequency_loss_of_its_own, recalibrates
from ffl_plugin.patches._flow import calls, is_backward, mentions, place, stored
from ffl_plugin.patches._scaling import loss_is_scaled
from ffl_plugin.patches._volumes import no_volumes
from ffl_plugin.patching import Clone, PatchError, Source, pattern
from ffl_plugin.patching.locate import find_block, find_statement
from ffl_plugin.patching.recipe import File, Import, Last, Only, Recipe, Statement, Version
from ffl_plugin.patching.source import find_function

# The discriminator's step and the path length regularization share the loop; only the generator's own step
# binds g_loss.
STEP = "g_loss = ..."
BACKWARD = Only(("g_loss.backward(...)", "....scale(g_loss).backward()", "....backward(g_loss)"), branch=STEP)
# Before augmentation, like the photographs.
IMAGES_GENERATED = Last(
    ("fake_img = ...", "fake_img, ... = ..."),
    branch=STEP,
    unless=("fake_img = augment(...)", "fake_img, ... = augment(...)", "fake_img = DiffAugment(...)"),
    above=BACKWARD,
)
# After the entry of loss_dict, so that the displayed generator loss excludes FFL.
LOSS_COMPLETE = Last(("g_loss = ...", "g_loss += ...", "loss_dict['g'] = ..."), branch=STEP)

SUM = """\
if g_ffl is not None:
    loss_dict['ffl'] = g_ffl
    g_loss = g_loss + g_ffl"""


def generator_learns_from_the_images(source: Source, clone: Clone) -> None:
    """Refuse if the images above the generator's loss are not those that it is computed from."""
    images = find_statement(source, "train", IMAGES_GENERATED)
    loss = find_statement(source, "train", LOSS_COMPLETE)
    start, end = source.end_of(images), source.end_of(loss)
    inner = [node for statement in find_block(source, "train", LOSS_COMPLETE) for node in ast.walk(statement)]
    between = sorted(
        (node for node in inner if isinstance(node, ast.stmt) and start < source.start_of(node) < end),
        key=place,
    )
    for call in calls(between):
        if is_backward(call):
            raise PatchError(
                "fake_img is not bound between this backward pass and the generator's, so the generator does "
                "not learn from it",
                file=source.name,
                line=call.lineno,
            )
    made_of_them, mixed = {"fake_img"}, set[str]()
    for statement in between:
        if not isinstance(statement, (ast.Assign, ast.AugAssign)) or not mentions(statement, made_of_them):
            continue
        judged = any(mentions(call, mixed) for call in pattern.occurrences("discriminator(...)", statement))
        if judged:
            raise PatchError(
                "the discriminator judges a mixture of fake_img and real_img, not fake_img",
                file=source.name,
                line=statement.lineno,
            )
        names = {name for name, _ in stored(statement)}
        made_of_them |= names
        mixed |= names if mentions(statement, {"real_img", *mixed}) else set()
    if "g_loss" not in made_of_them:
        raise PatchError("g_loss is not made from fake_img", file=source.name, line=images.lineno)


def keeps_its_options(source: Source, clone: Clone) -> Optional[str]:
    """Remark if checkpoints do not contain the options, and with them the calibrated weight."""
    train = find_function(source, "train")
    saved = list(pattern.occurrences("torch.save(...)", train))
    if any(
        isinstance(node, ast.Constant) and node.value == "args" for call in saved for node in ast.walk(call)
    ):
        return None
    return recalibrates(source)


def augments_the_photographs(source: Source, clone: Clone) -> Optional[str]:
    """Remark if photographs are compared after augmentation, and generated images before it."""
    train = find_function(source, "train")
    for how in ("real_img = augment(...)", "real_img, ... = augment(...)", "real_img = DiffAugment(...)"):
        for node in pattern.occurrences(how, train):
            return (
                f"{source.name}:{node.lineno}: `{source.first_line_of(node)}` augments the images that the "
                "generated ones are compared with; train without it, or FFL teaches the generator to augment"
            )
    return None


TRAIN = File(
    path="train.py",
    defines=("train", "g_nonsaturating_loss"),
    edits=(
        Import("from ffl_plugin.integrations import stylegan2_rosinality as ffl"),
        Statement("train", "ffl_term = ffl.GeneratorTerm(args)", before=Only(("pbar = range(...)",))),
        Statement(
            "train",
            "g_ffl = ffl_term(fake_img, real_img, i)",
            after=IMAGES_GENERATED,
            comment="None unless --ffl-weight is given.",
        ),
        Statement("train", SUM, after=LOSS_COMPLETE),
        Statement(
            "train",
            "ffl_term.show(loss_reduced, pbar)",
            after=Only(("loss_reduced = reduce_loss_dict(loss_dict)",), branch=STEP),
        ),
        Statement("", "ffl.add_options(parser)", before=Only(("args = parser.parse_args()",))),
        Statement(
            "",
            "ffl.resume(args, ckpt)",
            after=Only(("ckpt = torch.load(...)",), branch="ckpt = torch.load(...)"),
        ),
    ),
    checks=(
        no_volumes,
        carries_gradient("train", "fake_img", IMAGES_GENERATED),
        generator_learns_from_the_images,
        loss_reaches_backward("train", LOSS_COMPLETE, "g_loss"),
    ),
    remarks=(loss_is_scaled("train", LOSS_COMPLETE, "g_loss"), keeps_its_options, augments_the_photographs),
)

RECIPE = Recipe(
    name="stylegan2-rosinality",
    upstream="rosinality/stylegan2-pytorch",
    summary="StyleGAN2 by rosinality, and its forks",
    train="python train.py faces.lmdb --ffl-weight 30",
    files=(TRAIN,),
    checks=(no_frequency_loss_of_its_own,),
    versions=(Version("bef283a", ((TRAIN.path, "be141b60212f2965bdd95790decab687be742386"),)),),
)
