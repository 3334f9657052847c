"""The losses of autoencoders with a discriminator, in taming-transformers and its forks.

The reconstruction is compared with its input. The term is added to the total loss, so the adaptive weight of
the discriminator is unchanged; it is summed over the pixels if the code sums its own losses.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import suppress
from copy import deepcopy
from dataclasses import replace
from typing import Optional

from ffl_plugin.patches._backward import loss_reaches_backward
from ffl_plugin.patches._checks import no_frequency_loss_of_its_own, requires
from ffl_plugin.patching import Clone, PatchError, Source, pattern
from ffl_plugin.patching.errors import english
from ffl_plugin.patching.recipe import (
    Check,
    Edit,
    File,
    Import,
    Last,
    Only,
    Param,
    Recipe,
    Statement,
    Version,
)
from ffl_plugin.patching.source import Function, find_definition, find_function

IMPORT = Import("from ffl_plugin.integrations import autoencoder as ffl")
CLASSES = ("VQLPIPSWithDiscriminator", "LPIPSWithDiscriminator", "GeneralLPIPSWithDiscriminator")
KIN = "LPIPSWithDiscriminator"  # in the names of their variants, which forks write beside them
PATH = "taming/modules/losses/vqperceptual.py"

GENERATOR = "loss = ..."  # the discriminator's is d_loss
LOSS_COMPLETE = Last(("loss = ...", "loss += ..."), branch=GENERATOR)
LOG_COMPLETE = Last(("log = ...", "log.update(...)"), branch=GENERATOR)
DISCRIMINATED, RETURNED = "self.discriminator(...)", "return loss, log"
SUMMED = ("torch.sum(...) / ....shape[0]", "....sum() / ....shape[0]")
AVERAGED = ("nll_loss = torch.mean(...)", "nll_loss = ....mean()")
CONFIGURED = re.compile(rb"^[^#\n]*?(\b[\w.]+\.(\w*WithDiscriminator\w*))", re.MULTILINE)


def loss_file(path: str, losses: Mapping[str, str]) -> File:
    """Return the edits of a file with losses.

    Args:
        path: the file.
        losses: for each class, source of an expression: whether its losses are summed over the pixels of an
            image.
    """
    return File(
        path=path,
        defines=tuple(f"{name}.{method}" for name in losses for method in ("__init__", "forward")),
        edits=(IMPORT, *(edit for name, summed in losses.items() for edit in _edits(name, summed))),
        checks=tuple(check for name in losses for check in _checks(f"{name}.forward")),
        remarks=(other_variants,),
    )


def _edits(name: str, summed: str) -> tuple[Edit, ...]:
    constructor, forward = f"{name}.__init__", f"{name}.forward"
    return (
        Param(constructor, "ffl_options=None"),
        Statement(
            constructor,
            "self.ffl = ffl.ReconstructionTerm(ffl_options)",
            after=Only(("self.disc_factor = ...",)),
        ),
        Statement(
            forward,
            f"loss = self.ffl(loss, reconstructions, inputs, summed={summed})",
            after=LOSS_COMPLETE,
        ),
        Statement(forward, "log.update(self.ffl.log(split))", after=LOG_COMPLETE),
    )


def _checks(forward: str) -> tuple[Check, ...]:
    return (
        requires(
            forward,
            (DISCRIMINATED,),
            because=f"{forward} does not call self.discriminator, so there may be no adversarial loss",
        ),
        requires(
            forward,
            (RETURNED,),
            because=f"{forward} does not return loss and log, which carry the term",
        ),
        loss_reaches_backward(forward, LOSS_COMPLETE, "loss"),
    )


def configured(losses: Collection[str]) -> Check:
    """Refuse losses none of which a configuration of the clone names, if configurations name others."""

    def check(source: Source, clone: Clone) -> None:
        others = []
        for name in clone.yaml_files:
            with suppress(PatchError):
                data = clone.read(name)
                for found in CONFIGURED.finditer(data):
                    if found[2].decode() in losses:
                        return
                    others.append((found[1].decode(), name, data.count(b"\n", 0, found.end()) + 1))
        if others:
            other, name, line = others[0]
            raise PatchError(
                f"trains with {other}, and no configuration with {source.name}, so the term would have no "
                "effect",
                file=name,
                line=line,
                next_step="call ReconstructionTerm in that loss, as docs/autoencoders.md shows",
            )

    return check


def other_variants(source: Source, clone: Clone) -> Optional[str]:
    """Name the losses of a file that look like the patched ones, but have another form."""
    others = [(node, name) for name, node in _variants(source) if not _has_the_form(source, name, node)]
    if not others:
        return None
    place, names = f"{source.name}:{others[0][0].lineno}", english([name for _, name in others])
    return (
        f"{place}: {names} {'have' if others[1:] else 'has'} another form, and no ffl_options: "
        "only the patched classes take them"
    )


def _adapted(recipe: Recipe, clone: Clone) -> Recipe:
    """Return the recipe with a file for each with losses in a clone; its configurations select one."""
    files = []
    for name in clone.python_files:
        losses = [each for each in CLASSES if clone.defines(name, (f"{each}.__init__", f"{each}.forward"))]
        if KIN.encode() in clone.read(name):
            with suppress(PatchError):
                source = clone.source(name)
                losses += [each for each, node in _variants(source) if _has_the_form(source, each, node)]
        if losses:
            files.append(loss_file(name, {each: _summed(clone, name, each) for each in losses}))
    if not files:
        return recipe
    check = configured({definition.partition(".")[0] for file in files for definition in file.defines})
    return replace(recipe, files=tuple(replace(file, checks=(*file.checks, check)) for file in files))


def _variants(source: Source) -> Iterator[tuple[str, ast.ClassDef]]:
    """Yield the classes of a file that have a name of their own beside `CLASSES`, with their losses."""
    for node in source.tree.body:
        named = isinstance(node, ast.ClassDef) and KIN in node.name and node.name not in CLASSES
        if isinstance(node, ast.ClassDef) and named and f"{node.name}.forward" in source.definitions:
            yield node.name, node


def _has_the_form(source: Source, name: str, node: ast.ClassDef) -> bool:
    """Whether a class computes its losses as `CLASSES` do; its name alone says little."""
    if f"{name}.__init__" not in source.definitions or _reduction([node]) is None:
        return False
    forward = find_function(source, f"{name}.forward")
    wanted = (DISCRIMINATED, RETURNED, GENERATOR)
    return (
        {"inputs", "reconstructions"} <= {argument.arg for argument in forward.args.args}
        and all(any(True for _ in pattern.occurrences(each, forward)) for each in wanted)
        and any(True for _ in pattern.occurrences("self.disc_factor = ...", node))
    )


def _summed(clone: Clone, name: str, loss: str) -> str:
    """Return source for whether a class sums its losses over pixels: a constant, or a branch's test."""
    source = clone.source(name)
    root = find_definition(source, loss)
    for method in (node for node in ast.walk(root) if isinstance(node, ast.FunctionDef)):
        for node in ast.walk(method):
            if isinstance(node, ast.If) and node.orelse:
                body, other = (_reduction(block) for block in (node.body, node.orelse))
                if body is not None and other is not None and body != other:
                    test = ast.unparse(
                        _in_forward(node.test, method, find_function(source, f"{loss}.forward"))
                    )
                    return test if body else f"not {test}"
    reduction = _reduction([root])
    if reduction is None:
        raise PatchError(
            f"{loss} neither averages nor sums its losses in a known way, so the term cannot do the same",
            file=name,
            line=root.lineno,
        )
    return str(reduction)


def _in_forward(test: ast.expr, method: ast.FunctionDef, forward: Function) -> ast.expr:
    """Return the test of a method with the arguments of its only call in ``forward``, or as it is."""
    names = [argument.arg for argument in method.args.args]
    calls = list(pattern.occurrences(f"self.{method.name}(...)", forward))
    if method is forward or len(calls) != 1 or not isinstance(calls[0], ast.Call):
        return test
    given = dict(zip(names[1:], calls[0].args))
    given.update({keyword.arg: keyword.value for keyword in calls[0].keywords if keyword.arg is not None})
    written: ast.expr = _Given(given).visit(deepcopy(test))
    return written


class _Given(ast.NodeTransformer):
    """Replaces names by what they are given."""

    def __init__(self, given: Mapping[str, ast.expr]) -> None:
        self.given = given

    def visit_Name(self, node: ast.Name) -> ast.expr:
        return self.given.get(node.id, node)


def _reduction(block: Sequence[ast.stmt]) -> Optional[bool]:
    """Whether code sums over the pixels (True) or averages (False); None if neither."""
    for wanted, summed in ((AVERAGED, False), (SUMMED, True)):
        if any(True for each in wanted for node in block for _ in pattern.occurrences(each, node)):
            return summed
    return None


RECIPE = Recipe(
    name="autoencoder",
    upstream="CompVis/taming-transformers",
    summary="Autoencoders of taming-transformers, latent-diffusion, generative-models, LightningDiT, and kin",
    train="python main.py --base configs/custom_vqgan.yaml -t True --gpus 0,  "
    "# with ffl_options: {weight: 1} below lossconfig.params",
    files=(loss_file(PATH, {CLASSES[0]: "False"}),),
    checks=(no_frequency_loss_of_its_own,),
    versions=(
        Version("3ba01b2", ((PATH, "c2febd445728479d4cd9aacdb2572cb1f1af04db"),)),
        Version(
            "a506df5",
            (
                ("ldm/modules/losses/contperceptual.py", "672c1e32a1389def02461c0781339681060c540e"),
                ("ldm/modules/losses/vqperceptual.py", "f69981769e4bd5462600458c4fcf26620f7e4306"),
            ),
            "CompVis/latent-diffusion",
        ),
        Version(
            "0ad7de9",
            (
                (
                    "sgm/modules/autoencoding/losses/discriminator_loss.py",
                    "09b6829267bf8e4d98c3f29abdc19e58dcbcbe64",
                ),
            ),
            "Stability-AI/generative-models",
        ),
        Version(
            "2725fed",
            (("vavae/ldm/modules/losses/contperceptual.py", "7bb7a078feab6c2fca7780a2739353539210aff7"),),
            "hustvl/LightningDiT",
        ),
        Version(
            "TencentARC/SEED-Voken b9a17ea",
            (
                ("src/IBQ/modules/losses/vqperceptual.py", "dac3f8a1d64640327eed45652d981fe4a5e44f7a"),
                (
                    "src/Open_MAGVIT2/modules/losses/vqperceptual.py",
                    "76c06eb9c5ddd8bced56d64a8cb41029dcc4c894",
                ),
                (
                    "src/Open_MAGVIT2/modules/losses/video_vqperceptual.py",
                    "f9d9823a5c49846fec78c71563edd6b3de9f0a4c",
                ),
            ),
        ),
    ),
    adapt=_adapted,
)
