"""What a user points at: plain images, or what an upstream's ``test.py`` wrote, fakes beside reals."""

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
from ffl_plugin.metrics.layouts import TEST, Layout, pictures_by_label, refuse_mixed
from ffl_plugin.metrics.names import same_but_for_case, same_on_any_machine
from ffl_plugin.metrics.sources import FolderSource, ImageSource, open_folder, open_zip

WEB = "web"  # where upstreams save pictures while they train, and what they call those
_EPOCH = re.compile(r"epoch\d+(_iter\d+)?$")

PathLike = Union[str, "os.PathLike[str]"]


@dataclass(frozen=True)
class ImagePairs:
    """Fakes and the reals they answer, in the same order; ``names`` are what the two share."""

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
        folder: where they lie.
        layout: which upstream wrote them.
        pictures: label -> name of the image -> file below ``folder``.
        notes: which of several tests this is.
    """

    folder: Path
    layout: Layout
    pictures: Mapping[str, Mapping[str, str]]
    notes: tuple[str, ...] = ()

    def source(self, role: str) -> FolderSource:
        """Open what was generated ("fake") or the real images of the same domain ("real").

        Raises ``FFLError`` when there are no real images.
        """
        labels = self.layout.generated if role == "fake" else self.layout.real
        there = [label for label in labels if self.pictures.get(label)]
        if not there:
            raise FFLError(
                f"{self.folder} holds no real images of what was generated ({self.layout.upstream}); "
                "give the folder of the real ones"
            )
        chosen = there if self.layout.takes_all(role) else there[:1]
        files = sorted(file for label in chosen for file in self.pictures[label].values())
        if not self.layout.folders:
            return _with_notes(FolderSource(self.folder, files), self.notes)
        (label,) = chosen
        names = [file[len(label) + 1 :] for file in files]
        return _with_notes(FolderSource(self.folder / label, names), self.notes)

    def pairs(self) -> ImagePairs:
        """Pair what was generated with the real images it answers.

        Raises ``FFLError`` where it answers none, and naming the first image without a partner.
        """
        answers = {fake: real for fake, real in self.layout.answers.items() if self.pictures.get(fake)}
        if not answers:
            way = (
                "which answer no real ones"
                if self.layout.real
                else "and not the real ones they answer; give the folder of the real images too"
            )
            raise FFLError(f"{self.folder} holds images of {self.layout.upstream}, {way}")
        sides: tuple[dict[str, str], dict[str, str]] = ({}, {})
        for fake, real in answers.items():
            # Several kinds of fakes may share the names of their images.
            key = "{}" if len(answers) == 1 else f"{{}}{self.layout.distinguish(fake)}"
            sides[0].update({key.format(name): file for name, file in self.pictures[fake].items()})
            sides[1].update({key.format(name): file for name, file in self.pictures.get(real, {}).items()})
        fakes, reals = (FolderSource(self.folder, side.values()) for side in sides)
        return _match(_with_notes(fakes, self.notes), list(sides[0]), reals, list(sides[1]))


def open_images(path: PathLike, *, role: Optional[str] = None) -> ImageSource:
    """Open a folder (with what is below it), a zip archive, or one side of a result folder.

    ``role`` ("real" or "fake") picks the side of a result folder: the folder of the pictures, the folder of a
    test, or the ``results/NAME`` above it, whose newest test is taken, which the source's ``notes`` then say.
    Plain folders and archives need none.

    Raises ``FFLError``, one sentence naming the path, for what is absent, empty, not images, or a mixture.
    """
    given = Path(path)
    if given.is_file():
        if zipfile.is_zipfile(given) or given.suffix.lower() == ".zip":
            archive = open_zip(given)
            refuse_mixed(given, archive.names)
            return archive
        raise FFLError(f"{given} is a file, not a set of images; give a folder or a zip archive")
    if not given.is_dir():
        raise FFLError(f"{given} does not exist; give a folder or a zip archive of images")
    results = find_results(given)
    if results is None:
        _refuse_training_run(given)
        source = open_folder(given)
        refuse_mixed(given, source.names)
        return source
    if role is None:
        raise FFLError(
            f"{given} is a result folder, which holds fakes and reals; say which of the two is wanted"
        )
    return results.source(role)


def open_pairs(fake: PathLike, real: Union[PathLike, ImageSource, None] = None) -> ImagePairs:
    """Open fakes with the reals they answer.

    With ``real=None`` both come from one result folder: ``NAME_fake_B.png`` with ``NAME_real_B.png``; for
    CycleGAN, whose fakes have no counterpart, ``NAME_rec_A.png`` with ``NAME_real_A.png`` and likewise B.
    With both given, images are matched by name without extension; reals that no fake answers are left out.
    The reals may be open already.

    Raises ``FFLError`` naming the first image without a partner.
    """
    if real is None:
        results = find_results(Path(fake))
        if results is None:
            raise FFLError(
                f"{fake} holds no pairs of *_fake_B.png with *_real_B.png; "
                "give the folder of the real images too"
            )
        return results.pairs()
    fakes = open_images(fake, role="fake")
    reals = real if isinstance(real, ImageSource) else open_images(real, role="real")
    return _match(fakes, _keys(fakes), reals, _keys(reals))


def is_result_folder(path: PathLike) -> bool:
    """Tell whether a path is a result folder of pix2pix, CycleGAN, CUT, SPADE, pix2pixHD or BicycleGAN."""
    try:
        return find_results(Path(path)) is not None
    except FFLError:
        return True  # of several tests, which is said when it is opened


def find_results(path: Path) -> Optional[Results]:
    """Find the pictures of one test: in the path itself, in its ``images``, or in the newest test below it.

    Raises ``FFLError`` when there are several tests of which none is the newest.
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
    tests = [test for test in tests if pictures_by_label(test / "images") is not None]
    if not tests:
        return None
    newest = _newest(path, tests)
    found = pictures_by_label(newest / "images")
    if found is None:
        return None
    names = ", ".join(test.name for test in tests if test != newest)
    notes = (f"{path}: {newest.name} is compared, the newest test there (beside {names}).",) if names else ()
    return Results(newest / "images", *found, notes)


def _refuse_pictures_of_training(results: Results) -> None:
    """Refuse ``checkpoints/NAME/web``, which shows a few training images as they were at each epoch."""
    names = [name for label in results.layout.generated for name in results.pictures.get(label, {})]
    if names and all(_EPOCH.match(name) for name in names):
        raise FFLError(
            f"{results.folder} holds training images as they were at each epoch; run the clone's test.py, "
            "and give the folder that it writes"
        )


def _newest(path: Path, tests: Sequence[Path]) -> Path:
    if len(tests) == 1:
        return tests[0]
    parsed = [TEST.match(test.name) for test in tests]
    phases = {match["phase"] if match else test.name for match, test in zip(parsed, tests)}
    # `_iterN` names a snapshot within an epoch, which compares with others of its kind only.
    kinds = {match is not None and match["iterations"] is not None for match in parsed}
    epochs = {match["epoch"] for match in parsed if match}
    if len(phases) > 1 or len(kinds) > 1 or (kinds == {True} and len(epochs) > 1):
        names = ", ".join(test.name for test in tests)
        raise FFLError(f"{path} holds several tests ({names}); give the folder of the one to compare")

    def age(test: Path) -> float:
        match = TEST.match(test.name)
        number = (match["iterations"] or match["epoch"]) if match else "latest"
        return math.inf if number == "latest" else int(number)

    return max(tests, key=age)


def _with_notes(source: FolderSource, notes: tuple[str, ...]) -> FolderSource:
    source.notes = notes
    return source


def _keys(source: ImageSource) -> list[str]:
    """Name each image without extension and without the label of its side, as on any machine."""
    return [Layout.without_label(same_on_any_machine(name)) for name in source.names]


def _match(
    fakes: ImageSource, fake_keys: Sequence[str], reals: ImageSource, real_keys: Sequence[str]
) -> ImagePairs:
    for keys, source in ((fake_keys, fakes), (real_keys, reals)):
        if len(set(keys)) < len(keys):
            twice = next(key for key in keys if keys.count(key) > 1)
            raise FFLError(f"{source.path} holds several images named {twice}; keep one of them")
    position = {key: index for index, key in enumerate(real_keys)}
    for index, key in enumerate(fake_keys):
        if key not in position:
            other = same_but_for_case(key, real_keys)
            near = "" if other is None else f" ({other} differs in upper and lower case)"
            raise FFLError(
                f"{fakes.describe(index)} has no partner of the same name in {reals.path}{near}; "
                "every fake needs the real image that it answers"
            )
    return ImagePairs(tuple(fake_keys), fakes, reals.subset([position[key] for key in fake_keys]))


def _refuse_training_run(folder: Path) -> None:
    if (folder / "training_options.json").is_file() and any(folder.glob("network-snapshot*.pkl")):
        raise FFLError(
            f"{folder} is a StyleGAN training run, whose pictures are grids; "
            "give images sampled from one of its network-snapshot-*.pkl"
        )
