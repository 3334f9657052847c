"""The user's input: plain images, or the results of an upstream's ``test.py``, fakes beside reals."""

from __future__ import annotations

import math
import os
import re
import zipfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Optional, Union

from ffl_plugin.errors import FFLError
from ffl_plugin.metrics.layouts import TEST, Layout, pictures_by_label, refuse_mixed, without_label
from ffl_plugin.metrics.names import same_ignoring_case, same_on_any_machine
from ffl_plugin.metrics.sources import FolderSource, ImageSource, open_folder, open_zip

WEB = "web"  # where upstreams save pictures during training
_EPOCH = re.compile(r"epoch\d+(_iter\d+)?$")

PathLike = Union[str, "os.PathLike[str]"]


@dataclass(frozen=True)
class ImagePairs:
    """Fakes and their targets, in the same order; ``names`` are shared by both."""

    names: tuple[str, ...]
    fake: ImageSource
    real: ImageSource

    def __len__(self) -> int:
        """Return the number of pairs."""
        return len(self.names)


@dataclass(frozen=True)
class Results:
    """The pictures of one test.

    Attributes:
        folder: their folder.
        layout: the upstream's layout.
        pictures: label -> name of the image -> file below ``folder``.
        notes: which of several tests was chosen.
    """

    folder: Path
    layout: Layout
    pictures: Mapping[str, Mapping[str, str]]
    notes: tuple[str, ...] = ()

    def source(self, role: str) -> FolderSource:
        """Open the generated images ("fake") or the real images of the same domain ("real").

        Raises ``FFLError`` if there are no real images.
        """
        labels = self.layout.generated if role == "fake" else self.layout.real
        present = [label for label in labels if self.pictures.get(label)]
        if not present:
            raise FFLError(
                f"{self.folder} contains no real images of the generated domain ({self.layout.upstream}); "
                "pass the folder of the real ones"
            )
        chosen = present if self.layout.samples and role == "fake" else present[:1]
        files = sorted(file for label in chosen for file in self.pictures[label].values())
        if not self.layout.folders:
            return _with_notes(FolderSource(self.folder, files), self.notes)
        (label,) = chosen
        names = [file[len(label) + 1 :] for file in files]
        return _with_notes(FolderSource(self.folder / label, names), self.notes)

    def pairs(self) -> ImagePairs:
        """Pair generated images with their targets.

        Raises ``FFLError`` if they have none, or naming the first image without a partner.
        """
        answers = {fake: real for fake, real in self.layout.answers.items() if self.pictures.get(fake)}
        if not answers:
            reason = (
                "which have no targets"
                if self.layout.real
                else "without their targets; pass the folder of the real images too"
            )
            raise FFLError(f"{self.folder} contains images of {self.layout.upstream}, {reason}")
        sides: tuple[dict[str, str], dict[str, str]] = ({}, {})
        for fake, real in answers.items():
            # Several kinds of fakes may share image names.
            key = "{}" if len(answers) == 1 else f"{{}}{self.layout.distinguish(fake)}"
            sides[0].update({key.format(name): file for name, file in self.pictures[fake].items()})
            sides[1].update({key.format(name): file for name, file in self.pictures.get(real, {}).items()})
        fakes, reals = (FolderSource(self.folder, side.values()) for side in sides)
        return _match(_with_notes(fakes, self.notes), list(sides[0]), reals, list(sides[1]))


def open_images(path: PathLike, *, role: Optional[str] = None) -> ImageSource:
    """Open a folder (recursively), a zip archive, or one side of a result folder.

    ``role`` ("real" or "fake") selects the side of a result folder: the folder of the pictures, the folder of
    a test, or the ``results/NAME`` above it, of which the newest test is used, as the source's ``notes`` say.
    Plain folders and archives need no role.

    Raises ``FFLError`` naming the path if it is missing, empty, not images, or a mixture.
    """
    given = Path(path)
    if given.is_file():
        if zipfile.is_zipfile(given) or given.suffix.lower() == ".zip":
            archive = open_zip(given)
            refuse_mixed(given, archive.names)
            return archive
        raise FFLError(f"{given} is a file, not a set of images; pass a folder or a zip archive")
    if not given.is_dir():
        raise FFLError(f"{given} does not exist; pass a folder or a zip archive of images")
    results = find_results(given)
    if results is None:
        _refuse_training_run(given)
        source = open_folder(given)
        refuse_mixed(given, source.names)
        return source
    if role is None:
        raise FFLError(f"{given} is a result folder, which contains fakes and reals; specify the role")
    return results.source(role)


def open_pairs(fake: PathLike, real: Union[PathLike, ImageSource, None] = None) -> ImagePairs:
    """Open fakes with their targets.

    With ``real=None`` both are from one result folder: ``NAME_fake_B.png`` with ``NAME_real_B.png``; for
    CycleGAN, whose fakes have no targets, ``NAME_rec_A.png`` with ``NAME_real_A.png`` and likewise B.
    With both given, images are matched by name without extension; reals without a fake are skipped.
    The reals may already be open.

    Raises ``FFLError`` naming the first image without a partner.
    """
    if real is None:
        results = find_results(Path(fake))
        if results is None:
            raise FFLError(
                f"{fake} contains no pairs of *_fake_B.png with *_real_B.png; "
                "pass the folder of the real images too"
            )
        return results.pairs()
    fakes = open_images(fake, role="fake")
    reals = real if isinstance(real, ImageSource) else open_images(real, role="real")
    return _match(fakes, _keys(fakes), reals, _keys(reals))


def is_result_folder(path: PathLike) -> bool:
    """Whether a path is a result folder of pix2pix, CycleGAN, CUT, SPADE, pix2pixHD or BicycleGAN."""
    try:
        return find_results(Path(path)) is not None
    except FFLError:
        return True  # several tests, which is reported when it is opened


def find_results(path: Path) -> Optional[Results]:
    """Find the pictures of one test: in the folder, in its ``images``, or in the newest test below it.

    Raises ``FFLError`` if there are several tests and none is the newest.
    """
    if not path.is_dir():
        return None
    for folder in (path, path / "images"):
        found = pictures_by_label(folder)
        if found is not None:
            results = Results(folder, *found)
            _refuse_pictures_of_training(results)
            return results
    tests = sorted(child for child in path.iterdir() if (child / "images").is_dir() and child.name != WEB)
    sorted_pictures = {test: pictures_by_label(test / "images") for test in tests}
    known = {test: pictures for test, pictures in sorted_pictures.items() if pictures is not None}
    if not known:
        return None
    newest = _newest(path, list(known))
    names = ", ".join(test.name for test in known if test != newest)
    notes = (f"{path}: using {newest.name}, the newest test there (others: {names}).",) if names else ()
    return Results(newest / "images", *known[newest], notes)


def _refuse_pictures_of_training(results: Results) -> None:
    """Refuse ``checkpoints/NAME/web``, which contains a few training images of every epoch."""
    names = [name for label in results.layout.generated for name in results.pictures.get(label, {})]
    if names and all(_EPOCH.match(name) for name in names):
        raise FFLError(
            f"{results.folder} contains training images of every epoch; run the clone's test.py, and pass "
            "the folder that it writes"
        )


def _newest(path: Path, tests: Sequence[Path]) -> Path:
    if len(tests) == 1:
        return tests[0]
    parsed = {test: TEST.match(test.name) for test in tests}
    phases = {match["phase"] if match else test.name for test, match in parsed.items()}
    # `_iterN` is a snapshot within an epoch, comparable only with others of its kind.
    kinds = {match is not None and match["iterations"] is not None for match in parsed.values()}
    epochs = {match["epoch"] for match in parsed.values() if match}
    if len(phases) > 1 or len(kinds) > 1 or (kinds == {True} and len(epochs) > 1):
        names = ", ".join(test.name for test in tests)
        raise FFLError(f"{path} contains several tests ({names}); pass the folder of the one to compare")

    def age(test: Path) -> float:
        match = parsed[test]
        number = (match["iterations"] or match["epoch"]) if match else "latest"
        return math.inf if number == "latest" else int(number)

    return max(tests, key=age)


def _with_notes(source: FolderSource, notes: tuple[str, ...]) -> FolderSource:
    source.notes = notes
    return source


def _keys(source: ImageSource) -> list[str]:
    """Name each image without extension and label, normalised across machines."""
    return [without_label(same_on_any_machine(name)) for name in source.names]


def _match(
    fakes: ImageSource, fake_keys: Sequence[str], reals: ImageSource, real_keys: Sequence[str]
) -> ImagePairs:
    for keys, source in ((fake_keys, fakes), (real_keys, reals)):
        if len(set(keys)) < len(keys):
            twice = next(key for key in keys if keys.count(key) > 1)
            raise FFLError(f"{source.path} contains several images named {twice}; keep one of them")
    position = {key: index for index, key in enumerate(real_keys)}
    for index, key in enumerate(fake_keys):
        if key not in position:
            other = same_ignoring_case(key, real_keys)
            near = "" if other is None else f" ({other} differs in case)"
            raise FFLError(
                f"{fakes.describe(index)} has no partner of the same name in {reals.path}{near}; "
                "every fake needs its real image"
            )
    return ImagePairs(tuple(fake_keys), fakes, reals.subset([position[key] for key in fake_keys]))


def _refuse_training_run(folder: Path) -> None:
    if (folder / "training_options.json").is_file() and any(folder.glob("network-snapshot*.pkl")):
        raise FFLError(
            f"{folder} is a StyleGAN training run, whose pictures are grids; "
            "pass images sampled from one of its network-snapshot-*.pkl"
        )
