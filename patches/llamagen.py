"""The image tokenizer of LlamaGen: the reconstruction against the image it comes from.

One class computes the losses of the generator and of the discriminator; a script's ``main`` creates it, and
``optimizer_idx`` says which of the two a step takes. Forks rename the script, or have several.
"""

from __future__ import annotations

import ast
from dataclasses import replace
from typing import Optional

from ffl_plugin.patches._backward import loss_reaches_backward
from ffl_plugin.patches._checks import forbids, no_frequency_loss_of_its_own, recalibrates, requires
from ffl_plugin.patches._scaling import loss_is_scaled
from ffl_plugin.patches._volumes import no_volumes
from ffl_plugin.patching import Clone, PatchError, Source, pattern
from ffl_plugin.patching.recipe import File, Import, Last, Only, Recipe, Statement, Version
from ffl_plugin.patching.source import find_function

IMPORT = Import("from ffl_plugin.integrations import llamagen as ffl")
LOSS_PATH, TRAIN_PATH = "tokenizer/tokenizer_image/vq_loss.py", "tokenizer/tokenizer_image/vq_train.py"
DEFINES = ("VQLoss.__init__", "VQLoss.forward", "VQLoss.calculate_adaptive_weight", "adopt_weight")

FORWARD = "VQLoss.forward"
LOSS_COMPLETE = Last(("loss = ...", "loss += ..."), branch="loss = ...")
TERM = "loss = ffl.add_term(self, loss, reconstructions, inputs, global_step, logger, log_every)"

MADE = ("vq_loss = VQLoss(...)", "vq_loss = VQLoss(...).to(...)", "vq_loss = VQLoss(...).cuda(...)")
LOADED = "checkpoint = torch.load(args.vq_ckpt, ...)"
GENERATED = "vq_loss(..., optimizer_idx=0)"
GENERATOR = Last(("loss_gen = ...", "loss_gen, ... = ..."), branch="....scale(loss_gen).backward(...)")


def loss_file(path: str) -> File:
    """Return the edits of a file with the loss."""
    return File(
        path=path,
        defines=DEFINES,
        edits=(IMPORT, Statement(FORWARD, TERM, after=LOSS_COMPLETE)),
        checks=(
            requires(
                FORWARD,
                (
                    "...(inputs, reconstructions)",
                    "...(inputs.contiguous(), reconstructions.contiguous())",
                    "...(reconstructions, inputs)",
                    "...(reconstructions.contiguous(), inputs.contiguous())",
                ),
                because=f"{FORWARD} does not compare inputs with reconstructions, so they may not be paired",
            ),
            forbids(
                FORWARD,
                ("... = reconstructions", "reconstructions.permute(...)"),
                because=f"{FORWARD} takes reconstructions that are not images (N, C, H, W)",
            ),
            loss_reaches_backward(FORWARD, LOSS_COMPLETE, "loss"),
        ),
    )


def train_file(path: str, options: str) -> File:
    """Return the edits of a script that trains.

    Args:
        path: the script.
        options: the function that adds its options; empty for the top level.
    """
    return File(
        path=path,
        defines=("main",),
        edits=(
            IMPORT,
            Statement("main", "ffl.setup(vq_loss, args)", after=Only(MADE)),
            Statement("main", "ffl.resume(args, checkpoint)", after=Only((LOADED,), branch=LOADED)),
            Statement(options, "ffl.add_options(parser)", after=Last(("parser.add_argument(...)",))),
        ),
        checks=(no_volumes, step_fits_loss, loss_reaches_backward("main", GENERATOR, "loss_gen")),
        remarks=(loss_is_scaled("main", GENERATOR, "loss_gen"), keeps_its_options),
    )


def step_fits_loss(source: Source, clone: Clone) -> None:
    """Refuse a script that passes arguments which its loss does not accept, as one of another version."""
    name = _made_from(source, clone)
    if name is None:
        return
    arguments = find_function(clone.source(name), FORWARD).args
    accepted = [argument.arg for argument in arguments.args[1:]]
    by_name = [*accepted, *(argument.arg for argument in arguments.kwonlyargs)]
    calls = list(pattern.occurrences(GENERATED, find_function(source, "main")))
    if not calls:
        raise PatchError("main does not call vq_loss with optimizer_idx=0", file=source.name)
    for call in calls:
        if isinstance(call, ast.Call) and not any(isinstance(each, ast.Starred) for each in call.args):
            given = [*accepted[: len(call.args)], *(keyword.arg for keyword in call.keywords)]
            twice = next((each for each in given if given.count(each) > 1), None)
            unknown = next((each for each in given if each is not None and each not in by_name), None)
            if twice or unknown:  # too many positional arguments give optimizer_idx twice
                raise PatchError(
                    f"passes {twice or unknown} to vq_loss, which {FORWARD} of {name} does not accept there: "
                    "the two files are of different versions",
                    file=source.name,
                    line=call.lineno,
                )


def keeps_its_options(source: Source, clone: Clone) -> Optional[str]:
    """Remark if checkpoints do not contain the options, and with them the calibrated weight."""
    if any(isinstance(node, ast.Constant) and node.value == "args" for node in source.nodes):
        return None
    return recalibrates(source)


def _adapted(recipe: Recipe, clone: Clone) -> Recipe:
    """Return the recipe with a file for each loss in a clone, and for each script that trains with one."""
    losses = [name for name in clone.python_files if clone.defines(name, DEFINES)]
    if not losses:
        return recipe
    scripts = _scripts(clone, losses)
    if not scripts:
        raise PatchError(
            "no main of the clone imports this VQLoss, so no script trains with it and takes flags",
            file=losses[0],
        )
    trained = {loss for _, loss in scripts}
    return replace(
        recipe,
        files=(
            *(loss_file(name) for name in losses if name in trained),
            *(
                train_file(name, "parse_args" if clone.defines(name, ("parse_args",)) else "")
                for name, _ in scripts
            ),
        ),
    )


def _scripts(clone: Clone, losses: list[str]) -> list[tuple[str, str]]:
    """Return the scripts whose main makes one of the losses, or that could; and that loss."""
    found: dict[bool, list[tuple[str, str]]] = {True: [], False: []}
    for name in clone.python_files:
        if name in losses or b"VQLoss" not in clone.read(name) or not clone.defines(name, ("main",)):
            continue
        source = clone.source(name)
        loss = _made_from(source, clone)
        if loss is not None and loss in losses:
            main = find_function(source, "main")
            makes = any(True for each in MADE for _ in pattern.occurrences(each, main))
            found[makes].append((name, loss))
    return found[True] or found[False]


def _made_from(source: Source, clone: Clone) -> Optional[str]:
    """Return the file from which a script imports VQLoss."""
    for node in source.nodes:
        if isinstance(node, ast.ImportFrom) and any(alias.name == "VQLoss" for alias in node.names):
            return clone.module([*(node.module or "").split("."), "VQLoss"], source.name, node.level)
    return None


RECIPE = Recipe(
    name="llamagen",
    upstream="FoundationVision/LlamaGen",
    summary="The image tokenizer of LlamaGen, and its forks",
    train="bash scripts/tokenizer/train_vq.sh --cloud-save-path cloud --data-path imagenet/train "
    "--ffl-weight 1",
    files=(loss_file(LOSS_PATH), train_file(TRAIN_PATH, "")),
    checks=(no_frequency_loss_of_its_own,),
    versions=(
        Version(
            "ce98ec4",
            (
                (LOSS_PATH, "fe386de7fea05dc1ab86cc5da0e3393edfd678c4"),
                (TRAIN_PATH, "be893b2feca656fba2a889b74ef6abf66855f45f"),
            ),
        ),
    ),
    adapt=_adapted,
)
