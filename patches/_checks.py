"""Checks of a recipe: required and forbidden code in a file.

A check is a function of the unpatched file and its clone that raises `PatchError` with a sentence for the
user. The functions here create checks from patterns; other modules check the flow of a loss, launchers and
networks.
"""

from __future__ import annotations

import ast
import itertools
import re
from collections.abc import Sequence
from typing import Optional

from ffl_plugin.patches._flow import stored
from ffl_plugin.patches._helpers import helpers_of
from ffl_plugin.patching import Clone, PatchError, Source, pattern
from ffl_plugin.patching.clone import Definition, classes_above
from ffl_plugin.patching.errors import lines_text
from ffl_plugin.patching.locate import find_block, find_statement
from ffl_plugin.patching.recipe import Anchor, Check
from ffl_plugin.patching.source import WITH, find_definition, find_function
from ffl_plugin.patching.trace import Mention, identifiers

_WORDS = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+")
_OF_COMPANIONS = re.compile(r"ffl_plugin\.integrations(\.(torch2|removed_modules).*)?")
_NAME_LIKE = re.compile(r"[-.\w]{1,60}")
_WITHOUT_GRADIENT = (
    "torch.no_grad(...)",
    "torch.no_grad",
    "torch.inference_mode(...)",
    "torch.set_grad_enabled(False)",
)


def requires(scope: str, patterns: Sequence[str], because: str, given: Optional[str] = None) -> Check:
    """Refuse unless one of the patterns occurs in a function or class.

    Args:
        scope: qualified name, or ``""`` for the whole file.
        patterns: alternatives.
        because: the sentence for the user if none occurs: what this code lacks, and the consequence.
        given: a pattern without which nothing is required.
    """

    def check(source: Source, clone: Clone) -> None:
        root = _scope(source, scope)
        asked = given is None or occurrences((given,), root)
        if asked and not occurrences(patterns, root):
            raise PatchError(because, file=source.name, line=getattr(root, "lineno", None))

    return check


def forbids(
    scope: str,
    patterns: Sequence[str],
    because: str,
    outside: Optional[str] = None,
    above: Optional[Anchor] = None,
    unless: Sequence[str] = (),
) -> Check:
    """Refuse if one of the patterns occurs in a function or class.

    Args:
        scope: qualified name, or ``""`` for the whole file.
        patterns: any of them.
        because: the sentence for the user if one occurs.
        outside: a method in the scope that may contain them, as may methods used by it alone.
        above: the statement of the function below which they may occur.
        unless: patterns of allowed occurrences.
    """

    def check(source: Source, clone: Clone) -> None:
        allowed: set[ast.AST] = set()
        if outside is not None:
            function = find_function(source, outside)
            for part in (function, *helpers_of(source, function, clone)):
                allowed.update(ast.walk(part))
        root = _scope(source, scope)
        allowed.update(occurrences(unless, root))
        end = None if above is None else source.start_of(find_statement(source, scope, above))
        for node in occurrences(patterns, root):
            if node not in allowed and (end is None or source.start_of(node) < end):
                raise PatchError(
                    f"{because} (`{source.first_line_of(node)}`)", file=source.name, line=node.lineno
                )

    return check


def unchanged(function: str, name: str, since: Anchor, until: Sequence[str]) -> Check:
    """Refuse if a variable is rebound between two statements of a function.

    Args:
        function: qualified name.
        name: the variable.
        since: the statement that binds it.
        until: patterns of its first use in the same branch; without a match nothing is checked.
    """

    def check(source: Source, clone: Clone) -> None:
        block = find_block(source, function, since)
        start = source.end_of(find_statement(source, function, since))
        uses = [source.start_of(node) for statement in block for node in occurrences(until, statement)]
        end = next((use for use in uses if use > start), start)
        for node in (node for statement in block for node in ast.walk(statement)):
            bound = isinstance(node, ast.Name) and node.id == name and isinstance(node.ctx, ast.Store)
            if bound and start < source.start_of(node) < end:
                line = source.start_of(node)[0]
                raise PatchError(f"{name} is rebound before it is used", file=source.name, line=line)

    return check


def every_caller_has(call: str, patterns: Sequence[str], because: str) -> Check:
    """Refuse unless every function of the clone that makes a call also contains one of the patterns.

    Args:
        call: the pattern of the call.
        patterns: alternatives.
        because: the sentence for the user if a caller contains none.
    """
    words = [word.encode() for word in pattern.strings(call)]

    def check(source: Source, clone: Clone) -> None:
        for name in clone.python_files:
            if not all(word in clone.read(name) for word in words):
                continue
            try:
                definitions = clone.source(name).definitions
            except PatchError:
                continue
            for function in itertools.chain.from_iterable(definitions.values()):
                if isinstance(function, ast.ClassDef) or occurrences(patterns, function):
                    continue
                for found in occurrences((call,), function)[:1]:
                    raise PatchError(because, file=name, line=found.lineno)

    return check


def carries_gradient(function: str, images: str, generated: Anchor) -> Check:
    """Refuse if images are generated without a gradient: the term would be added, and have no effect.

    Args:
        function: qualified name.
        images: the variable of the images.
        generated: the statement that binds them.
    """

    def check(source: Source, clone: Clone) -> None:
        statement = find_statement(source, function, generated)
        scope = find_function(source, function)
        managers = [
            item.context_expr
            for node in ast.walk(scope)
            if isinstance(node, WITH) and statement in ast.walk(node)
            for item in node.items
        ]
        for manager in (*scope.decorator_list, *managers):
            if any(pattern.matches(pattern.parse(each), manager) for each in _WITHOUT_GRADIENT):
                raise PatchError(
                    f"{images} is generated under {ast.unparse(manager)}, so FFL would not reach the "
                    "generator",
                    file=source.name,
                    line=statement.lineno,
                )

    return check


def binds(owner: str, attribute: str, because: str) -> Check:
    """Refuse unless a class or a base class binds an attribute that the integration reads.

    Args:
        owner: the class.
        attribute: ``"self.name"``.
        because: what the attribute is, to continue "CLASS does not bind self.name, ".
    """

    def check(source: Source, clone: Clone) -> None:
        node = find_definition(source, owner)
        bound = {
            name
            for definition in classes_above(Definition(source, node), clone)
            for name, _ in stored(definition.node)
        }
        if attribute not in bound:
            raise PatchError(
                f"{owner} does not bind {attribute}, {because}", file=source.name, line=node.lineno
            )

    return check


def no_frequency_loss_of_its_own(source: Source, clone: Clone) -> None:
    """Refuse a file that already has a Focal Frequency Loss, or uses its name.

    Imports of companion recipes are allowed: they add no loss.
    """
    found = {
        use
        for _, use in identifiers(source)
        if _names_ffl(use.text) and not _OF_COMPANIONS.fullmatch(use.text)
    }
    for node in source.nodes:
        text = node.value if isinstance(node, ast.Constant) else None
        if isinstance(node, ast.Constant) and isinstance(text, str) and _NAME_LIKE.fullmatch(text):
            found |= {Mention(node.lineno, repr(text))} if _names_ffl(text) else set()
    if found:
        uses = sorted(found)
        names = ", ".join(dict.fromkeys(use.text for use in uses))
        lines = lines_text(sorted({use.line for use in uses}))
        raise PatchError(
            f"already has a focal frequency loss of its own ({names}, {lines})",
            file=source.name,
            line=uses[0].line,
            next_step="remove it first, or keep using it",
        )


def _names_ffl(name: str) -> bool:
    words = [word.lower() for word in _WORDS.findall(name)]
    return "ffl" in words or ("focal" in words and any(word.startswith("freq") for word in words))


def _scope(source: Source, name: str) -> ast.AST:
    """Return the function or class of a qualified name, or the whole file for the empty name."""
    return find_definition(source, name) if name else source.tree


def occurrences(patterns: Sequence[str], root: ast.AST) -> list[pattern.Node]:
    """Return the nodes that any of the patterns matches, in source order."""
    found = [node for wanted in patterns for node in pattern.occurrences(wanted, root)]
    return sorted(found, key=lambda node: (node.lineno, node.col_offset))


def recalibrates(source: Source) -> str:
    """Return the remark on a script whose checkpoints do not contain the calibrated weight of a share."""
    return (
        f"{source.name}: its checkpoints do not contain args, so a training with --ffl-share that resumes "
        "from one recalibrates"
    )
