"""The steps of the demo: patch a repository, train it twice, compare."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Callable, Optional

from ffl_plugin.as_text import shortest
from ffl_plugin.demo import repositories
from ffl_plugin.demo.runs import WITH, WITHOUT, Trainings
from ffl_plugin.demo.scenes import write_data_set

if TYPE_CHECKING:
    from ffl_plugin.report import Comparison


def run(
    trainings: Trainings,
    clone: Optional[Path] = None,
    *,
    command: str = "",
    echo: Callable[[str], None] = lambda sentence: None,
    on_epoch: Callable[[int, int], None] = lambda done, of: None,
) -> tuple[Comparison, Sequence[Path]]:
    """Run the whole demo in ``trainings.out``, which may contain an earlier demo.

    Args:
        trainings: folder, scale, seed and weight.
        clone: a real clone, a copy of which is trained; None for the embedded repository.
        command: the command line, for the report.
        echo: called with a message before each step.
        on_epoch: called as ``on_epoch(done, of)`` during training.

    Returns:
        The comparison of the trainings with and without FFL, and the report's files.

    Raises:
        FFLError: the folder or clone cannot be used, or a step failed; the message says which.
    """
    from ffl_plugin.patches import all_recipes
    from ffl_plugin.patching import plan_apply
    from ffl_plugin.report import MeasurementSettings, compare, write_report

    out, repository, data, scale = trainings.out, trainings.repository, trainings.data, trainings.scale
    repositories.FOLDER.check(out)
    if clone is not None:
        repositories.check_clone(clone)
    settings = {"weight": trainings.weight, "seed": trainings.seed, "scale": asdict(scale)}
    repositories.make_folder(out, settings)
    if clone is None:
        echo(f"Unpacking the training repository to {repository}")
        repositories.unpack_repository(repository)
    else:
        echo(f"Copying {clone} to {repository}; the clone is not changed")
        repositories.copy_repository(clone, repository)
    echo(f"Patching it, as with `ffl-patch apply pix2pix {shlex.quote(str(repository))}`")
    plan_apply(all_recipes()["pix2pix"], repository).write()
    echo(f"Drawing {scale.train} training and {scale.test} test pairs in {data}")
    write_data_set(data, scale.size, scale.train, scale.test, trainings.seed)
    weight = shortest(trainings.weight)
    echo(f"Training twice with seed {trainings.seed}: without FFL, and with --ffl-weight {weight}")
    trainings.train(on_epoch)
    echo("Generating the test images with both")
    trainings.test()
    echo("Comparing")
    comparison = compare(
        before=trainings.results(WITHOUT),
        after=trainings.results(WITH),
        settings=MeasurementSettings(download=False),
        command=command,
    )
    return comparison, write_report(comparison, out / "report")
