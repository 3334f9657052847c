"""Walk through each supported upstream as a user would, and write what ran to docs/compatibility.md.

    python benchmarks/journeys.py CLONES --images flowers.zip --python PYTHON --write docs/compatibility.md

CLONES holds clones under the names that `git clone` gives them. Each journey is README's: a fresh clone,
`detect`, `doctor`, `apply` (StyleGAN with `--with torch2`), training without the flag and with it, resuming,
the upstream's other scripts, `compare`, `revert`, and a clean `git status`. PYTHON is the environment that
trains: a torch, what the upstreams import, and ffl-plugin with its metrics. What is made smaller, and what
stands in for downloads, is in `journey_driver.py`. Steps are reported as they end; their output is kept below
--work. Exit code 1 if any fails.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
from dataclasses import dataclass, field
from pathlib import Path

from journey_data import write_data
from journey_steps import JOURNEYS, Journey

HERE = Path(__file__).resolve().parent
ALWAYS = ("apply", "status", "clean")  # also where a journey is resumed: the steps between need the patch
SECTION = "\n## Journeys\n"
BEGIN, END = "<!-- journeys: begin -->", "<!-- journeys: end -->"
HEAD = "| journey | commit | torch | steps that ran | did not |\n| --- | --- | --- | --- | --- |"


@dataclass
class Walk:
    """What became of a journey: the steps that ran and those that did not, with their last words."""

    journey: Journey
    torch: str
    ran: list[str] = field(default_factory=list)
    failed: dict[str, str] = field(default_factory=dict)


def main() -> int:
    """Walk, print, and write the table."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("clones", type=Path)
    parser.add_argument(
        "--images", type=Path, required=True, help="a folder or zip of photographs, at least 64"
    )
    parser.add_argument("--python", default=sys.executable, help="of the environment that trains")
    parser.add_argument("--only", nargs="*", default=[journey.name for journey in JOURNEYS])
    parser.add_argument(
        "--work", type=Path, help="where data, runs and outputs go [default: a temporary folder]"
    )
    parser.add_argument("--resume", action="store_true", help="repeat only what has not run below --work")
    parser.add_argument("--write", type=Path, help="a page whose table of journeys gains these rows")
    arguments = parser.parse_args()
    work = (arguments.work or Path(tempfile.mkdtemp(prefix="journeys-"))).resolve()
    work.mkdir(parents=True, exist_ok=True)
    data = write_data(arguments.images, work / "data")
    walks = [
        walk(journey, arguments.clones.resolve(), arguments.python, work, data, arguments.resume)
        for journey in JOURNEYS
        if journey.name in arguments.only
    ]
    if arguments.write:
        write_rows(walks, arguments.write)
    return 1 if any(each.failed for each in walks) else 0


def walk(journey: Journey, clones: Path, python: str, work: Path, data: Path, resume: bool) -> Walk:
    """Take the steps of a journey in order; one that fails does not keep the next from being tried."""
    version = subprocess.check_output([python, "-c", "import torch; print(torch.__version__)"], text=True)
    result = Walk(journey, version.split("+")[0].strip())
    out = work / journey.name
    clone, record = out / "clone", out / "walk.json"
    ran = json.loads(record.read_text())["ran"] if resume and record.is_file() else []
    if not ran:
        fresh_clone(journey, clones, clone)
    environment = {
        **os.environ,
        "PYTHONDONTWRITEBYTECODE": "1",
        "DNNLIB_CACHE_DIR": str(out / "cache"),
        "FFL_CACHE": str(work / "ffl-cache"),
        "JOURNEY_IMAGES": str(journey.images),
        "WANDB_MODE": "offline",
    }
    for number, step in enumerate(journey.steps):
        if step.name in ran and step.name not in ALWAYS and not step.name.startswith("revert"):
            result.ran.append(step.name)
            continue
        places = {"out": str(out), "data": str(data), "clone": str(clone), **_runs(out)}
        words = [word.format(**places) for word in step.words]
        if step.tool == "script":
            base = clone / journey.folder
            words = [python, str(HERE / "journey_driver.py"), str(base), *words]
        elif step.tool == "ffl-patch":
            words = [python, "-c", "from ffl_plugin.cli import main; main()", *words]
        log = out / f"{number:02d}-{step.name.replace(' ', '-')}.log"
        with log.open("w", encoding="utf-8") as file:
            code = subprocess.run(
                words, cwd=clone, env=environment, stdout=file, stderr=subprocess.STDOUT
            ).returncode
        text = log.read_text(encoding="utf-8", errors="replace")
        failure = None
        if code != step.code:
            failure = (text.strip().splitlines() or [f"exit code {code}"])[-1]
        elif step.leaves and not list(out.glob(step.leaves)):
            failure = f"left no {step.leaves}"
        elif step.says and step.says not in text:
            failure = f"did not say {step.says!r}"
        elif step.is_silent and text.strip():
            failure = text.strip().splitlines()[0]
        if failure is None:
            result.ran.append(step.name)
        else:
            result.failed[step.name] = failure
        print(f"{journey.name:<16} {step.name:<28} {'ok' if failure is None else failure}", flush=True)
        record.write_text(json.dumps({"ran": result.ran, "failed": result.failed}, indent=2))
    return result


def fresh_clone(journey: Journey, clones: Path, place: Path) -> None:
    """Copy a clone as `git clone` would make it, into an empty folder."""
    shutil.rmtree(place.parent, ignore_errors=True)
    shutil.copytree(clones / journey.repository, place, symlinks=True)
    if journey.checkout:
        quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
        subprocess.run(["git", "checkout", "-f", journey.commit], cwd=place, check=True, **quiet)
    subprocess.run(["git", "clean", "-qfdx"], cwd=place, check=True)


def _runs(out: Path) -> dict[str, str]:
    """The run folders of the first two trainings, and the networks that were saved, for what comes after."""
    folders = [str(next(iter(sorted(out.glob(f"runs/0000{number}-*"))), "no-run")) for number in (0, 1)]
    networks = [str(next(iter(sorted(Path(run).glob("*.pkl"))), "no-network.pkl")) for run in folders]
    latest = [str(path) for path in sorted(out.glob("runs/*/network-snapshot*.pkl"))]
    places = dict(zip(("before", "after", "before_network", "after_network"), (*folders, *networks)))
    return {**places, "latest": latest[-1] if latest else "no-network.pkl"}


def write_rows(walks: list[Walk], page: Path) -> None:
    """Put the rows of these walks into the page's table, in place of those of the same journeys and torch."""
    text = page.read_text(encoding="utf-8")
    begin, end = text.index(BEGIN) + len(BEGIN), text.index(END)
    rows = {tuple(row.split(" | ")[:3]): row for row in text[begin:end].strip().splitlines()[2:]}
    rows.update({tuple(row.split(" | ")[:3]): row for row in map(row_of, walks)})
    order = [journey.name for journey in JOURNEYS]
    kept = sorted(rows.values(), key=lambda row: (order.index(row.split(" | ")[0][2:]), row))
    written = "\n".join([text[:begin], HEAD, *kept, text[end:]])
    page.write_text(written, encoding="utf-8")


def journeys(page: Path) -> str:
    """Return the page's section of journeys, which is its last; nothing if it has none."""
    text = page.read_text(encoding="utf-8") if page.is_file() else ""
    return text[text.index(SECTION) :] if SECTION in text else ""


def row_of(each: Walk) -> str:
    """One row of the table."""
    failed = "; ".join(f"{name}: {words}".replace("|", "/") for name, words in each.failed.items())
    commit = each.journey.commit
    return (
        f"| {each.journey.name} | `{commit}` | {each.torch} | {len(each.ran)} of {len(each.journey.steps)}: "
        f"{', '.join(each.ran)} | {failed} |"
    )


if __name__ == "__main__":
    sys.exit(main())
