"""Patch public forks of the supported repositories and write what happened to docs/compatibility.md.

    python benchmarks/compatibility.py CLONES --out docs/compatibility.md

Every clone of `benchmarks/compatibility.json` is copied, and on the copy: apply, parse each changed file,
apply again (no change), status, revert, and compare the bytes and modes of the whole tree. Where the
launcher's dry run works here, the flags must reach the arguments of the loss and change nothing else. Where
the generator's loss runs on a CPU with tiny networks, a training step is taken unpatched and patched: the
same bits at weight 0, and beyond it the gradient of FFL alone, times the weight. A clone that is not there
is named with the commands that fetch it. With `--keep FOLDER` an interrupted run goes on where it was, unless
any code has changed since. With `--merge` only entries run that the page of `--out` lacks, or has at another
commit, and those of `--only`; its other rows stay. Exit code 1 where anything is not as expected from
reading the code.
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Optional

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE))

from forks.entries import Entry, missing, read_entries  # noqa: E402
from forks.kept import Kept  # noqa: E402
from forks.launch import check_launch  # noqa: E402
from forks.step import FROM_OPTIONS, check_step  # noqa: E402
from forks.table import Row, page, read_rows, shown, what_is_left_out  # noqa: E402
from forks.trip import command, copy_clone, round_trip  # noqa: E402
from forks.twins import same_models  # noqa: E402
from forks.worker import Check  # noqa: E402
from journeys import journeys  # noqa: E402

sys.path[:] = [entry for entry in sys.path if entry != str(HERE)]  # `metrics` is a clone's


def main() -> int:
    """Run the list and write the page; 0 when all is as expected."""
    arguments = parse_arguments()
    entries, merged = read_entries(arguments.list), {}
    if arguments.merge:
        merged = read_rows(arguments.out.read_text(encoding="utf-8"), entries)
    wanted = [
        e
        for e in entries
        if arguments.only in f"{e.where} {e.target}" and (arguments.only or e.key not in merged)
    ]
    kept = Kept(arguments.keep)

    same = same_models(entries, arguments.clones) if arguments.one_step_per_file else {}

    def row_of(entry: Entry) -> Row:
        twin = same.get(entry.key)
        keep = kept if twin is None else Kept(None)
        return show(keep.row(entry, lambda: examine(entry, arguments.clones, not arguments.no_steps, twin)))

    with ThreadPoolExecutor(arguments.jobs) as pool:
        run = {entry.key: row for entry, row in zip(wanted, pool.map(row_of, wanted))}
    rows = list({**merged, **run}.values())
    header = (HERE / "compatibility-header.md").read_text(encoding="utf-8")
    left_out = what_is_left_out(arguments.no_steps, arguments.one_step_per_file)
    text = page(rows, f"{header}{left_out}")
    if arguments.out:
        arguments.out.write_text(f"{text}{journeys(arguments.out)}", encoding="utf-8")
    return 0 if not any(row.surprise for row in rows) else 1


def parse_arguments() -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("clones", type=Path, help="folder with a clone per repository, each named OWNER+NAME")
    parser.add_argument("--list", type=Path, default=HERE / "compatibility.json", help="the repositories")
    parser.add_argument("--out", type=Path, help="the page to write, docs/compatibility.md as a rule")
    parser.add_argument("--only", default="", help="only entries with this in `owner/name (folder/) target`")
    parser.add_argument("--merge", action="store_true", help="keep the rows of --out that are not run")
    parser.add_argument("--keep", type=Path, help="folder of what is done, to go on after an interruption")
    parser.add_argument("--no-steps", action="store_true", help="no training steps")
    parser.add_argument(
        "--one-step-per-file",
        action="store_true",
        help="no training step where a model's file is byte for byte that of an entry above",
    )
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1, help="how many at once")
    arguments = parser.parse_args()
    if arguments.merge and not (arguments.out and arguments.out.is_file()):
        parser.error("--merge needs --out with the page to keep")
    return arguments


def examine(entry: Entry, clones: Path, steps: bool, twin: Optional[Entry] = None) -> Row:
    """One entry, on temporary copies; ``twin`` has the same model, and its step is not repeated."""
    absent = missing(entry, clones)
    if absent:
        return Row(entry, None, absent)
    with tempfile.TemporaryDirectory() as name:
        scratch = Path(name)
        unpatched = copy_clone(clones / entry.clone_name, scratch / "clone") / entry.folder
        trip = round_trip(entry.target, unpatched)
        if trip.outcome != "applied" or not steps:
            return Row(entry, trip)
        if twin is not None:
            return Row(entry, trip, step=Check("not run", f"the model is byte for byte that of {twin.where}"))
        patched = copy_clone(clones / entry.clone_name, scratch / "patched") / entry.folder
        command("apply", entry.target, str(patched))
        launch = None
        if entry.target not in FROM_OPTIONS:
            launch = check_launch(entry, unpatched, patched, trip.files, scratch)
        integration = entry.target.replace("-", "_")
        step = check_step(entry, integration, unpatched, patched, trip.files, scratch)
        return Row(entry, trip, launch=launch, step=step)


def show(row: Row) -> Row:
    """Print how an entry ended."""
    outcome = "missing" if row.trip is None else row.trip.outcome
    reason = "" if row.trip is None else row.trip.reason
    checks = "; ".join(shown(check) for check in (row.launch, row.step) if check is not None)
    mark = "!!" if row.surprise else "  "
    print(
        f"{mark} {row.entry.where} {row.entry.target}: {outcome} | {reason or checks or row.surprise}",
        flush=True,
    )
    return row


if __name__ == "__main__":
    sys.exit(main())
