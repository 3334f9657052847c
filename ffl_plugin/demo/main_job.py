"""From a repository to a verdict: patch it, train it twice, compare."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Callable, Optional

from ffl_plugin.demo import repositories
from ffl_plugin.demo.runs import WITH, WITHOUT, Trainings
from ffl_plugin.demo.scenes import write_data_set
from ffl_plugin.formatting import shortest

if TYPE_CHECKING:
    from ffl_plugin.report import Comparison


def run(
    trainings: Trainings,
    clone: Optional[Path] = None,
    *,
    command: str = "",
    say: Callable[[str], None] = lambda sentence: None,
    on_epoch: Callable[[int, int], None] = lambda done, of: None,
) -> tuple[Comparison, Sequence[Path]]:
    """Do the whole demo in ``trainings.out``, which an earlier demo may have written.

    Args:
        trainings: where, how large, on which seed and with which weight.
        clone: a real clone, of which a copy is trained; None for the embedded repository.
        command: the command line, for the report.
        say: called with a sentence before each step.
        on_epoch: called as ``on_epoch(done, of)`` while training.

    Returns:
        The comparison of the training with FFL against the one without, and the files it was written to.

    Raises:
        FFLError: the folder or clone cannot be used, or a step failed; one sentence says which.
    """
    from ffl_plugin.patches import all_recipes
    from ffl_plugin.patching import plan_apply
    from ffl_plugin.report import compare, write_report

    out, repository, data, scale = trainings.out, trainings.repository, trainings.data, trainings.scale
    repositories.check_folder(out)
    if clone is not None:
        repositories.check_clone(clone)
    settings = {"weight": trainings.weight, "seed": trainings.seed, "scale": asdict(scale)}
    repositories.make_folder(out, settings)
    if clone is None:
        say(f"Unpacking the training repository to {repository}")
        repositories.unpack_repository(repository)
    else:
        say(f"Copying {clone} to {repository}; the clone itself stays as it is")
        repositories.copy_repository(clone, repository)
    say(f"Patching it, as `ffl-patch apply pix2pix {shlex.quote(str(repository))}` does")
    plan_apply(all_recipes()["pix2pix"], repository).write()
    say(f"Drawing {scale.train} pairs to train and {scale.test} to test in {data}")
    write_data_set(data, scale.size, scale.train, scale.test, trainings.seed)
    weight = shortest(trainings.weight)
    say(f"Training twice on seed {trainings.seed}: without FFL, and with --ffl-weight {weight}")
    trainings.train(on_epoch)
    say("Generating the test images with both")
    trainings.test()
    say("Comparing")
    comparison = compare(
        before=trainings.results(WITHOUT), after=trainings.results(WITH), download=False, command=command
    )
    return comparison, write_report(comparison, out / "report")
