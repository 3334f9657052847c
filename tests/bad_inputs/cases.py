"""The table: a kind of bad input, the command it is given to, and what the answer must say.

Each entry makes its files in a folder of its own and returns the arguments of ``ffl-patch``.
"""

from __future__ import annotations

import pickle
from pathlib import Path
from typing import Any, Callable

import makers as make
import numpy as np
import torch

Make = Callable[[Path], Any]


def compare(**bad: Make) -> Callable[[Path], list[Any]]:
    """``compare`` of good sets, but for those given; ``out`` and other options as well."""

    def arguments(folder: Path) -> list[Any]:
        paths = {
            **make.good(folder),
            "out": folder / "report",
            **{side: at(folder) for side, at in bad.items()},
        }
        words = [part for side, path in paths.items() for part in (f"--{side}", path) if path is not None]
        return ["compare", *words, "--no-download"]

    return arguments


def image(data: Callable[[Path], bytes]) -> Callable[[Path], list[Any]]:
    """``compare`` with one bad image among good ones."""
    return compare(after=lambda folder: make.set_with(folder / "bad", data(folder)))


def archive(members: dict[str, bytes]) -> Callable[[Path], list[Any]]:
    """``compare`` with a zip of these members."""
    return compare(after=lambda folder: make.zip_of(folder / "set.zip", members))


def fid(at: Make, *more: Any) -> Callable[[Path], list[Any]]:
    """``fid`` of good features against a bad set of them."""

    def arguments(folder: Path) -> list[Any]:
        return ["fid", make.npz(folder / "real.npz", features=make.features()), at(folder), *more]

    return arguments


def arrays(**named: Any) -> Callable[[Path], list[Any]]:
    """``fid`` with these arrays in its file."""
    return fid(lambda folder: make.npz(folder / "fake.npz", **named))


def network(content: Callable[[Path], Path]) -> Callable[[Path], list[Any]]:
    """``fid`` of images with a bad weights file."""

    def arguments(folder: Path) -> list[Any]:
        sets = make.good(folder)
        return ["fid", sets["real"], sets["after"], "--device", "cpu", "--inception", content(folder)]

    return arguments


def sweep(*words: str) -> Callable[[Path], list[Any]]:
    return lambda folder: ["sweep", "--out", folder / "sweep", *words]


def written(path: Path, data: bytes) -> Path:
    path.write_bytes(data)
    return path


def linked(path: Path, target: Path) -> Path:
    path.symlink_to(target)
    return path


def loop(folder: Path) -> Path:
    linked(folder / "one", folder / "other")
    return linked(folder / "other", folder / "one")


def unpicklable(folder: Path) -> Path:
    objects = np.empty(1, dtype=object)
    objects[0] = make.Payload(folder / "executed")
    return make.npz(folder / "fake.npz", features=objects)


def cut(path: Path, share: float = 0.5) -> Path:
    data = path.read_bytes()
    path.write_bytes(data[: int(len(data) * share)])
    return path


def spectrum_of(data: bytes) -> Callable[[Path], list[Any]]:
    return lambda folder: ["spectrum", written(folder / "one.png", data), "--out", folder / "spectra"]


def foreign(folder: Path) -> Path:
    (folder / "mine").mkdir()
    (folder / "mine" / "report.html").write_text("my own page")
    return folder / "mine"


NAN = make.features()
NAN[2, 5] = np.nan
INFINITE = make.features()
INFINITE[0, 0] = np.inf
MEAN, COVARIANCE = np.zeros(2048), np.eye(2048)

# Kind -> (arguments, words of the answer).
REFUSED: dict[str, tuple[Callable[[Path], list[Any]], str]] = {
    # Sets
    "missing folder": (compare(after=lambda f: f / "nowhere"), "does not exist"),
    "empty path": (compare(after=lambda _: ""), "is empty"),
    "path too long": (compare(after=lambda _: "a" * 5000), "too long"),
    "empty folder": (compare(after=lambda f: (f / "empty").mkdir() or f / "empty"), "contains no images"),
    "a text file for a set": (compare(after=lambda f: written(f / "set.txt", b"a")), "not a set of images"),
    "broken link for a set": (compare(after=lambda f: linked(f / "gone", f / "nowhere")), "does not exist"),
    "loop of links for a set": (compare(after=loop), "does not exist"),
    "broken link among images": (
        compare(after=lambda f: linked(make.write_set(f / "bad") / "9.png", f / "nowhere").parent),
        "9.png cannot be read",
    ),
    "the same set on both sides": (compare(after=lambda f: f / "before"), "given twice"),
    "the same set under another name": (
        compare(after=lambda f: linked(f / "alias", f / "before")), "given twice",
    ),
    "images of another size": (
        compare(after=lambda f: make.write_set(f / "large", height=48)), "pairs need equal sizes",
    ),
    "names that do not pair": (
        lambda f: [*compare(after=lambda f: make.set_with(f / "odd", make.PNG, "z.png"))(f), "--pairs"],
        "no partner",
    ),
    "results without their reals": (
        compare(real=lambda _: None, after=lambda f: make.result_folder(f / "results", reals=False)),
        "no real images",
    ),
    "images against a run": (
        compare(after=lambda f: make.run_folder(f / "run", make.measured(5))), "pass two runs",
    ),
    # Images
    "text called .png": (image(lambda _: b"<html>not found</html>"), "is not an image"),
    "image of no bytes": (image(lambda _: b""), "is an empty file"),
    "half a PNG": (image(lambda _: make.PNG[: len(make.PNG) // 2]), "is damaged"),
    "half a JPEG": (image(lambda _: make.JPEG[: len(make.JPEG) // 2]), "is damaged"),
    "only a header": (image(lambda _: make.PNG[:33]), "1.png"),
    "image of 3.6 gigapixels": (image(lambda _: make.png_claiming(60000, 60000)), "more pixels than"),
    "image of no pixels": (image(lambda _: make.png_claiming(0, 0)), "1.png"),
    "comment that unpacks to 200 MB": (image(lambda _: make.png_with_text_bomb()), "1.png"),
    "PostScript called .png": (image(lambda f: make.postscript(f / "executed")), "is not an image"),
    "sixteen bits": (
        image(lambda _: make.encoded(np.zeros((24, 24), np.uint16))), "16 bits per channel",
    ),
    "floating point": (image(lambda _: make.encoded(np.zeros((24, 24), np.float32), "TIFF")), "32 bits"),
    "markup in a name": (
        compare(after=lambda f: make.set_with(f / "bad", b"text", "<script>.png")), "<script>",
    ),
    "control characters in a name": (
        compare(after=lambda f: make.set_with(f / "bad", b"text", "a\n\x1b[31mb.png")), r"a\n\x1b[31mb.png",
    ),
    "name that is not UTF-8": (
        compare(after=lambda f: make.set_with(f / "bad", b"text", "caf\udce9.png")), r"caf\udce9.png",
    ),
    "spectrum of text": (spectrum_of(b"text"), "one.png"),
    "spectrum of images of two sizes": (
        lambda f: ["spectrum", make.set_with(f / "set", make.encoded(make.pixels(0, 8, 8)))],
        "differ in size",
    ),
    # Archives
    "text called .zip": (compare(after=lambda f: written(f / "set.zip", b"text")), "not a complete zip"),
    "half a zip": (
        compare(after=lambda f: cut(make.zip_of(f / "set.zip", {"a.png": make.PNG}))), "not a complete zip",
    ),
    "zip without images": (archive({"readme.txt": b"a"}), "contains no images"),
    "zip with absolute names": (archive({"/tmp/a.png": make.PNG}), "outside itself"),
    "zip that climbs": (archive({"../../a.png": make.PNG}), "outside itself"),
    "zip that climbs as on Windows": (archive({"..\\..\\a.png": make.PNG}), "outside itself"),
    "zip with a drive": (archive({"C:\\a.png": make.PNG}), "outside itself"),
    "zip with a link": (compare(after=lambda f: make.zip_with_link(f / "set.zip")), "is not an image"),
    "encrypted zip": (compare(after=lambda f: make.encrypted_zip(f / "set.zip")), "is encrypted"),
    "damaged zip": (compare(after=lambda f: make.damaged_zip(f / "set.zip")), "is damaged"),
    "zip bomb": (compare(after=lambda f: make.zip_claiming(f / "set.zip", 2**31)), "unpacks to"),
    "zip that lies about sizes": (compare(after=lambda f: make.zip_claiming(f / "set.zip", 9)), "damaged"),
    # Features and statistics
    "features with NaN": (arrays(features=NAN), "NaN or infinite"),
    "features with infinity": (arrays(features=INFINITE), "NaN or infinite"),
    "features that are a pickle": (fid(unpicklable), "not a complete .npz of numbers"),
    "features of another width": (arrays(features=np.zeros((5, 100))), "features (N, 2048)"),
    "features of text": (arrays(features=np.full((5, 2048), "a")), "numbers"),
    "complex features": (arrays(features=np.full((5, 2048), 1j)), "numbers"),
    "features of no image": (arrays(features=np.zeros((0, 2048))), "at least 2 features"),
    "features of one image": (arrays(features=np.zeros((1, 2048))), "at least 2 features"),
    "no arrays": (arrays(), "contains nothing"),
    "statistics with NaN": (arrays(mu=MEAN * np.nan, sigma=COVARIANCE), "NaN or infinite values in mu"),
    "statistics of two widths": (arrays(mu=MEAN, sigma=np.eye(64)), "fake.npz"),
    "covariance that is none": (arrays(mu=MEAN, sigma=-COVARIANCE), "fake.npz"),
    "half an .npz": (
        fid(lambda f: cut(make.npz(f / "fake.npz", features=make.features()))), "not a complete .npz",
    ),
    "text called .npz": (fid(lambda f: written(f / "fake.npz", b"text")), "not a complete .npz"),
    "missing .npz": (fid(lambda f: f / "fake.npz"), "does not exist"),
    # Weights
    "missing weights": (network(lambda f: f / "w.pth"), "does not exist"),
    "half of the weights": (
        network(lambda f: cut(make.weights(f / "w.pth", {"a": torch.zeros(5000)}))), "not a complete file",
    ),
    "a web page for weights": (network(lambda f: written(f / "w.pth", b"<html>")), "not a complete file"),
    "weights that are a program": (
        network(lambda f: make.weights(f / "w.pth", {"a": make.Payload(f / "executed")})),
        "more than tensors",
    ),
    "a pickle for weights": (
        network(lambda f: written(f / "w.pth", pickle.dumps(make.Payload(f / "executed")))), "tensors",
    ),
    "weights of another network": (
        network(lambda f: make.weights(f / "w.pth", {"fc.weight": torch.zeros(2)})), "not the FID Inception",
    ),
    # Networks and machines
    "a network without its clone": (fid(lambda f: written(f / "n.pkl", b"")), "--clone"),
    "a clone that is none": (
        lambda f: [*fid(lambda f: written(f / "n.pkl", b""))(f), "--clone", f], "has no legacy.py",
    ),
    "unknown device": (
        lambda f: ["fid", make.good(f)["real"], f / "after", "--inception",
                   make.weights(f / "w.pth", {}), "--device", "abacus"], "not a device",
    ),
    # Runs
    "run without a metric": (
        compare(real=lambda _: None, before=lambda f: make.run_folder(f / "run"),
                after=lambda f: make.run_folder(f / "other", make.measured(5))),
        "without a readable metric",
    ),
    "run of half a line": (
        compare(real=lambda _: None, before=lambda f: make.run_folder(f / "run", make.measured(5)[:30]),
                after=lambda f: make.run_folder(f / "other", make.measured(5))),
        "without a readable metric",
    ),
    # Places to write
    "a file for the report": (compare(out=lambda f: written(f / "file", b"mine")), "is a file"),
    "a folder of someone's": (compare(out=foreign), "ffl-patch compare did not write"),
    "a report among the images": (compare(out=lambda f: f / "after" / "report"), "is inside"),
    "a report below a file": (
        compare(out=lambda f: written(f / "file", b"mine") / "report"), "cannot be written",
    ),
    "a loop of links for the report": (compare(out=loop), "broken link"),
    "a broken link for the report": (
        compare(out=lambda f: linked(f / "gone", f / "nowhere")), "broken link",
    ),
    # Sweeps
    "sweep without a command": (sweep(), "no training command"),
    "sweep whose reals are not there": (
        sweep("--real", "nowhere.zip", "--", "true", "{out}"), "nowhere.zip does not exist",
    ),
    "sweep that says not where": (sweep("--", "true"), "{out}"),
    "sweep of weight 0 alone": (sweep("--weights", "0", "--", "true", "{out}"), "no weight to compare"),
    "sweep of a negative weight": (sweep("--weights", "-1", "--", "true", "{out}"), ">= 0"),
    "sweep of no number": (sweep("--weights", "nan", "--", "true", "{out}"), ">= 0"),
    "sweep on an engine that is not there": (
        sweep("--engine", "slurm", "--", "true", "{out}"), "SLURM",
    ),
}  # fmt: skip

# Kind -> (arguments, words of the answer): wrong use of the command, told by exit code 2.
MISUSED: dict[str, tuple[Callable[[Path], list[Any]], str]] = {
    "unknown protocol": (lambda f: [*compare()(f), "--protocol", "best"], "best"),
    "unknown metric": (fid(lambda f: f / "x.npz", "--metrics", "magic"), "magic"),
    "unknown option": (lambda f: [*compare()(f), "--fast"], "--fast"),
    "unknown command": (lambda _: ["conquer"], "conquer"),
    "negative samples": (fid(lambda f: f / "x.npz", "--samples", "-3"), "-3"),
    "cut-off beyond the corner": (lambda f: ["spectrum", make.good(f)["real"], "--cutoff", "2"], "cutoff"),
    "nothing before": (lambda f: ["compare", "--after", make.good(f)["after"]], "--before"),
    "two formats at once": (lambda f: [*compare()(f), "--json", "--csv"], "mutually exclusive"),
}
