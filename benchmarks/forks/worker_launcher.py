"""The dry run of a click launcher, once per given weight: the training options that it prints.

A job is a JSON object on standard input: ``root`` (the folder of the launcher), ``module`` (its name),
``weights``, ``arguments`` (options and their values; a launcher that lacks an option is not given it),
``results``.
"""

from __future__ import annotations

import contextlib
import importlib
import io
import json
from typing import Any, Optional

import worker_common


def main() -> None:
    """Run the job."""
    job = worker_common.begin()

    def run() -> list[dict[str, Any]]:
        launcher = importlib.import_module(job["module"])
        return [dry_run(launcher.main, job["arguments"], weight) for weight in job["weights"]]

    worker_common.finish(job, *worker_common.with_stand_ins(run))


def value(parameter: Any, usual: str) -> str:
    """The usual value of an option; of a choice that lacks it, the first."""
    choices = getattr(parameter.type, "choices", [usual])
    return str(usual if usual in choices else choices[0])


def dry_run(command: Any, arguments: dict[str, str], weight: Optional[float]) -> dict[str, Any]:
    """Call the command as its shell does; the JSON it prints as training options, and its ``--help``."""
    known = {name: parameter for parameter in command.params for name in parameter.opts}
    line = [
        part for name in arguments if name in known for part in (name, value(known[name], arguments[name]))
    ]
    if weight is not None:
        line += ["--ffl-weight", str(weight)]
    printed = io.StringIO()
    with contextlib.redirect_stdout(printed):
        command.main([*line, "--dry-run"], prog_name="train.py", standalone_mode=False)
    text = printed.getvalue()
    start = text.index("{", text.index("Training options:"))
    options, _ = json.JSONDecoder().raw_decode(text[start:])
    return {"options": options, "printed": text}


if __name__ == "__main__":
    worker_common.run(main)
