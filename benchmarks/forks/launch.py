"""The launcher's dry run, unpatched and patched: do the flags reach the loss, and nothing else?"""

from __future__ import annotations

import io
import zipfile
from pathlib import Path
from typing import Any

from PIL import Image

from forks.entries import Entry
from forks.worker import Check, beside, run_worker


def check_launch(entry: Entry, unpatched: Path, patched: Path, files: list[str], scratch: Path) -> Check:
    """Compare the training options that are printed.

    They must be the same without a flag and at weight 0, and only FFL's more at weight 1.
    """
    launcher = next((name for name in files if "click" in (patched / name).read_text(encoding="utf-8")), None)
    if launcher is None:
        return Check("not run", "no click launcher")
    job = {
        "module": Path(launcher).stem,
        "arguments": {
            "--outdir": str(scratch / "runs"),
            "--data": str(small_dataset(scratch / "images.zip")),
            "--gpus": "1",
            "--batch": "4",
            "--gamma": "1",
            "--preset": "FFHQ-64",
            "--cfg": "auto" if entry.target == "stylegan2-ada" else "stylegan2",
            **entry.step.get("launch", {}),
        },
    }
    folder = Path(launcher).parent
    before = run_worker(
        "worker_launcher.py", {**job, "root": str(unpatched / folder), "weights": [None]}, scratch
    )
    if isinstance(before, str):
        return Check("not run", f"the unpatched launcher does not run here: {before}")
    after = run_worker(
        "worker_launcher.py", {**job, "root": str(patched / folder), "weights": [None, 0, 1]}, scratch
    )
    if isinstance(after, str):
        return Check("wrong", f"the patched launcher does not run: {after}")
    return compare(before["steps"][0]["options"], [s["options"] for s in after["steps"]], before["stand_ins"])


def compare(plain: Any, options: list[Any], stand_ins: list[str]) -> Check:
    """Judge the options without, at weight 0 and at weight 1 against those of the unpatched launcher."""
    silent, zero, one = options
    for name, found in (("without a flag", silent), ("at weight 0", zero)):
        if found != plain:
            return Check("wrong", f"{name} the training options are not those of the unpatched launcher")
    settings = one["loss_kwargs"].pop("ffl_options", None)
    if not settings or settings["weight"] != 1:
        return Check("wrong", "--ffl-weight=1 does not reach the arguments of the loss")
    if without_folder(one) != without_folder(plain):
        return Check("wrong", "--ffl-weight=1 changes other training options")
    name = "" if "ffl1" in one.get("run_dir", "ffl1") else ", in a run named without it"
    return Check("right", f"the flag arrives{name}{beside(stand_ins)}")


def without_folder(options: dict[str, Any]) -> dict[str, Any]:
    """Training options less the name of the run."""
    return {name: value for name, value in options.items() if name != "run_dir"}


def small_dataset(path: Path) -> Path:
    """A zip of eight images of 256 × 256 pixels, as the family's datasets are."""
    with zipfile.ZipFile(path, "w") as archive:
        for number in range(8):
            data = io.BytesIO()
            Image.new("RGB", (256, 256), (20 * number, 40, 60)).save(data, "PNG")
            archive.writestr(f"00000/img{number:08d}.png", data.getvalue())
    return path
