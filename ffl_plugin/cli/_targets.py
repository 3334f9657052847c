"""Shared by the patching commands: parsing of target and clone, and choice of recipe."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Callable, NamedTuple, Optional, TypeVar

import click

from ffl_plugin.patches import all_recipes
from ffl_plugin.patches._default_model import Default, trained_by_default
from ffl_plugin.patches._elsewhere import what_to_do, where_to_add_the_loss
from ffl_plugin.patches._training import find_launcher, is_below_another
from ffl_plugin.patching import Clone, PatchError, Recipe
from ffl_plugin.patching.detect import Fit, detect, nearest_family
from ffl_plugin.patching.errors import command_line, english
from ffl_plugin.patching.report import patched_by
from ffl_plugin.patching.search import Ambiguous, Relative

Function = TypeVar("Function", bound=Callable[..., None])


def target_and_repository(function: Function) -> Function:
    """Add the arguments ``[TARGET] [REPO]`` to a command, as ``first`` and ``second``, both optional."""
    function = click.argument("second", metavar="[REPO]", required=False)(function)
    return click.argument("first", metavar="[TARGET]", required=False)(function)


def read_arguments(first: Optional[str], second: Optional[str]) -> tuple[Optional[Recipe], Path]:
    """Return the named recipe, if any, and the folder of the clone, by default the current one.

    Raises:
        click.UsageError: two arguments, the first of which is not a target.
    """
    if first is None:
        return None, Path()
    if second is None and first not in all_recipes():
        return None, Path(first)
    return recipe_named(first), Path(second or ".")


def recipe_named(name: str) -> Recipe:
    """Return the recipe of a target.

    Raises:
        click.UsageError: unknown target.
    """
    recipes = all_recipes()
    if name not in recipes:
        raise click.UsageError(f"there is no target {name!r}; the targets are {', '.join(recipes)}.")
    return recipes[name]


def companion_named(name: str, recipe: Recipe) -> Recipe:
    """Return the companion recipe of that name, such as ``torch2``, for a target.

    Raises:
        click.UsageError: the target has no such companion.
    """
    fitting = [other for other in all_recipes().values() if other.companion_of == recipe.name]
    for other in fitting:
        if other.name in (name, f"{name}-{recipe.name}"):
            return other
    known = (
        f"available: {english([other.name for other in fitting])}" if fitting else "it has none; omit --with"
    )
    raise click.UsageError(f"{recipe.name} has no companion recipe {name!r}; {known}.")


def the_applied_recipes(recipe: Optional[Recipe], clone: Clone) -> list[Recipe]:
    """Return the named recipe, or all with anything in the clone, companions last."""
    found = [recipe] if recipe is not None else patched_by(list(all_recipes().values()), clone)
    return sorted(found, key=lambda each: each.companion_of is not None)


def the_applied_recipe(recipe: Optional[Recipe], clone: Clone) -> Optional[Recipe]:
    """Return the named recipe, or the applied one, or None.

    Raises:
        PatchError: several recipes are applied.
    """
    found = the_applied_recipes(recipe, clone)
    if len(found) > 1:
        several, root = english([each.name for each in found]), clone.root.resolve()
        raise PatchError(f"{several} are applied in {root}", next_step="name the one you mean")
    return found[0] if found else None


class Chosen(NamedTuple):
    """The recipe selected when none is named.

    Args:
        recipe: the recipe.
        notes: remarks on the choice for the user.
    """

    recipe: Recipe
    notes: tuple[str, ...]


def the_fitting_recipe(clone: Clone) -> Chosen:
    """Return the only recipe that applies to a clone; of several, that of its default model.

    Raises:
        PatchError: none applies; several do, and none is identified as the trained one; or the only one is
            for a copy of its upstream below another repository.
    """
    fits = detect(all_recipes().values(), clone)
    applying = [fit.recipe for fit in fits if fit.problem is None]
    several = [fit for fit in fits if isinstance(fit.problem, Ambiguous)]
    if len(applying) == 1 and not several:
        if said := copy_below(applying[0], clone):
            raise PatchError(said, next_step="give that folder if it is what you train")
        for fit in fits[1:]:
            if (theirs := _default_of(fit, applying[0], clone)) is not None and fit.problem is not None:
                raise PatchError(
                    f"{theirs.file}: --model defaults to {theirs.model}, which is not patched: "
                    f"{fit.problem.place}{fit.problem.problem}",
                    next_step=f"name {applying[0].name} if you train that",
                )
        return Chosen(applying[0], ())
    if applying and several:
        found = [
            f"{fit.recipe.name} ({fit.because})" for fit in fits if fit.problem is None or fit in several
        ]
        raise PatchError(
            f"{clone.root.resolve()} contains more than one repository: {english(found)}",
            next_step="pass the folder of the one you train",
        )
    if applying and (default := trained_by_default(applying, clone)):
        recipe, (file, model) = default
        others = english([other.name for other in applying if other is not recipe])
        note = (
            f"{file}: --model defaults to {model}, so {recipe.name} is selected; "
            f"other matching targets, not applied: {others}"
        )
        return Chosen(recipe, (note,))
    if applying:
        names = english([recipe.name for recipe in applying])
        raise PatchError(f"{clone.root.resolve()} fits {names}", next_step="name the one you train")
    problems = {str(fit.problem): fit.problem for fit in fits}  # one unparsable file is one problem
    if len(problems) == 1 and fits[0].problem is not None:
        raise fits[0].problem
    own = [fit.problem for fit in fits if fit.problem is not None and not isinstance(fit.problem, Relative)]
    if len(own) == 1 or (own and all(isinstance(problem, Ambiguous) for problem in own)):
        raise own[0]
    if fits and not own:
        reasons = "; ".join(
            fit.problem.place + fit.problem.problem for fit in fits if fit.problem is not None
        )
        raise PatchError(f"no recipe applies to {clone.root.resolve()}: {reasons}")
    if fits:
        why = f"`{command_line('detect', clone.root)}` shows why"
        raise PatchError(f"no recipe applies to {clone.root.resolve()}", next_step=why)
    raise of_no_family(clone)


def _default_of(fit: Fit, other: Recipe, clone: Clone) -> Optional[Default]:
    """Return the default of ``--model`` if it is the model of a recipe, and not of another one."""
    with suppress(PatchError):
        found = trained_by_default([fit.recipe, other], clone)
        return found[1] if found is not None and found[0] is fit.recipe else None
    return None


def copy_below(recipe: Recipe, clone: Clone) -> Optional[str]:
    """Return a sentence if a recipe matches a copy of its upstream inside another repository; else None."""
    launcher = find_launcher(recipe, clone)
    if not is_below_another(launcher, clone):
        return None
    return (
        f"{clone.root.resolve()} trains with its own train.py, which {recipe.name} does not match; "
        f"{launcher.folder} contains a copy of {recipe.upstream}"
    )


def of_no_family(clone: Clone) -> PatchError:
    """Return the refusal for a clone that matches no recipe: what it is, or its nearest family."""
    known = what_to_do(clone, all_recipes().values())
    steps = ["`ffl-patch list` shows the supported ones"]
    if not known:
        if (near := nearest_family(all_recipes().values(), clone)) is not None:
            known = [near]
        if (step := where_to_add_the_loss(clone)) is not None:
            steps.append(step)
    problem = "; ".join([f"{clone.root.resolve()} belongs to no supported family", *known])
    return PatchError(problem, next_step="; ".join(steps))


def show(notes: Sequence[str]) -> None:
    """Print the notes of a plan or a status on standard error."""
    for note in notes:
        click.echo(f"Note: {note}.", err=True)
