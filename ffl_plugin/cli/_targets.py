"""What the patching commands share: the target, the clone and the way they speak of them."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Callable, NamedTuple, Optional, TypeVar

import click

from ffl_plugin.patches import all_recipes
from ffl_plugin.patches._default_model import trained_by_default
from ffl_plugin.patches._elsewhere import what_to_do
from ffl_plugin.patches._training import find_launcher, is_below_another
from ffl_plugin.patching import Clone, PatchError, Recipe, Status, status
from ffl_plugin.patching.detect import detect, nearest_family
from ffl_plugin.patching.errors import command_line, english
from ffl_plugin.patching.report import patched_by
from ffl_plugin.patching.search import Ambiguous, Relative

Function = TypeVar("Function", bound=Callable[..., None])


def target_and_repository(function: Function) -> Function:
    """Give a command the arguments ``[TARGET] [REPO]``, as ``first`` and ``second``: each may stand alone."""
    function = click.argument("second", metavar="[REPO]", required=False)(function)
    return click.argument("first", metavar="[TARGET]", required=False)(function)


def read_arguments(first: Optional[str], second: Optional[str]) -> tuple[Optional[Recipe], Path]:
    """Return the recipe, if one was named, and the folder of the clone: the current one by default.

    Raises:
        click.UsageError: two arguments, of which the first is no target.
    """
    if first is None:
        return None, Path()
    if second is None and first not in all_recipes():
        return None, Path(first)
    return recipe_named(first), Path(second or ".")


def recipe_named(name: str) -> Recipe:
    """Return a recipe by its target's name.

    Raises:
        click.UsageError: there is none.
    """
    recipes = all_recipes()
    if name not in recipes:
        raise click.UsageError(f"there is no target {name!r}; the targets are {', '.join(recipes)}.")
    return recipes[name]


def supplement_named(name: str, recipe: Recipe) -> Recipe:
    """Return the recipe of that name that goes with a target: ``torch2`` is another one for each of them.

    Raises:
        click.UsageError: there is none.
    """
    fitting = [other for other in all_recipes().values() if other.supplements == recipe.name]
    for other in fitting:
        if other.name in (name, f"{name}-{recipe.name}"):
            return other
    known = f"there is {english([other.name for other in fitting])}" if fitting else "nothing goes with it"
    raise click.UsageError(f"no {name!r} goes with {recipe.name}; {known}.")


def applied(recipe: Optional[Recipe], clone: Clone) -> list[Status]:
    """Return the status of the named recipe, or of every recipe of which something is in the clone."""
    recipes = list(all_recipes().values())
    chosen = [recipe] if recipe is not None else patched_by(recipes, clone)
    return [status(candidate, clone, recipes) for candidate in chosen]


def the_applied_recipes(recipe: Optional[Recipe], clone: Clone) -> list[Recipe]:
    """Return the named recipe, or all of which something is in the clone, supplements last."""
    found = [recipe] if recipe is not None else patched_by(list(all_recipes().values()), clone)
    return sorted(found, key=lambda each: each.supplements is not None)


def the_applied_recipe(recipe: Optional[Recipe], clone: Clone) -> Optional[Recipe]:
    """Return the named recipe, or the one that is applied, or None if none is.

    Raises:
        PatchError: several are.
    """
    names = the_applied_recipes(recipe, clone)
    if len(names) > 1:
        several, root = english([entry.name for entry in names]), clone.root.resolve()
        raise PatchError(f"{several} are applied in {root}", next_step="name the one you mean")
    return names[0] if names else None


class Chosen(NamedTuple):
    """The recipe that a command takes where none is named.

    Args:
        recipe: the recipe.
        notes: what the user should know of the choice.
    """

    recipe: Recipe
    notes: tuple[str, ...]


def the_fitting_recipe(clone: Clone) -> Chosen:
    """Return the only recipe that applies to a clone; of several, that of the model it trains by default.

    Raises:
        PatchError: none does; several do, and nothing tells which is trained; or the only one is for a copy
            of its upstream below another repository.
    """
    fits = detect(all_recipes().values(), clone)
    applying = [fit.recipe for fit in fits if fit.problem is None]
    several = [fit for fit in fits if isinstance(fit.problem, Ambiguous)]
    if len(applying) == 1 and not several:
        if said := copy_below(applying[0], clone):
            raise PatchError(said, next_step="give that folder if it is what you train")
        return Chosen(applying[0], ())
    if applying and several:
        found = [
            f"{fit.recipe.name} ({fit.because})" for fit in fits if fit.problem is None or fit in several
        ]
        raise PatchError(
            f"{clone.root.resolve()} has more than one repository: {english(found)}",
            next_step="give the folder of the one you train",
        )
    if applying and (default := trained_by_default(applying, clone)):
        recipe, (file, model) = default
        others = english([other.name for other in applying if other is not recipe])
        note = (
            f"{file}: --model is {model} by default, so {recipe.name} is taken; "
            f"what fits as well, and is not patched: {others}"
        )
        return Chosen(recipe, (note,))
    if applying:
        names = english([recipe.name for recipe in applying])
        raise PatchError(f"{clone.root.resolve()} fits {names}", next_step="name the one you train")
    problems = {str(fit.problem): fit.problem for fit in fits}  # a file that cannot be parsed is one problem
    if len(problems) == 1 and fits[0].problem is not None:
        raise fits[0].problem
    if fits and all(isinstance(fit.problem, Relative) for fit in fits):
        reasons = "; ".join(
            fit.problem.place + fit.problem.problem for fit in fits if fit.problem is not None
        )
        raise PatchError(f"no recipe applies to {clone.root.resolve()}: {reasons}")
    if fits:
        why = f"`{command_line('detect', clone.root)}` says why not"
        raise PatchError(f"no recipe applies to {clone.root.resolve()}", next_step=why)
    raise of_no_family(clone)


def copy_below(recipe: Recipe, clone: Clone) -> Optional[str]:
    """Return what to say of a recipe that fits a copy of its upstream below another repository; else None."""
    launcher = find_launcher(recipe, clone)
    if not is_below_another(launcher, clone):
        return None
    return (
        f"{clone.root.resolve()} trains with a train.py of its own, which {recipe.name} does not fit; "
        f"{launcher.folder} has a copy of {recipe.upstream}"
    )


def of_no_family(clone: Clone) -> PatchError:
    """Return the refusal for a clone that no recipe fits: what it is, or what it is nearest to."""
    said = what_to_do(clone, all_recipes().values())
    if not said and (near := nearest_family(all_recipes().values(), clone)) is not None:
        said = [near]
    problem = "; ".join([f"{clone.root.resolve()} is of no family that can be patched", *said])
    return PatchError(problem, next_step="`ffl-patch list` shows those that can be")


def show(notes: Sequence[str]) -> None:
    """Print the notes of a plan or a status on standard error."""
    for note in notes:
        click.echo(f"Note: {note}.", err=True)
