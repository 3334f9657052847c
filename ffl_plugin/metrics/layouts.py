"""Layouts of the upstreams' test results: several pictures per image, each with a label.

pix2pix, CycleGAN, BicycleGAN, pix2pixHD    NAME_LABEL.png
CUT, SPADE                                  LABEL/NAME.png
"""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import Optional

from ffl_plugin.errors import FFLError
from ffl_plugin.metrics.sources import open_folder

Pictures = dict[str, dict[str, str]]  # label -> name of the image -> file


@dataclass(frozen=True)
class Layout:
    """The layout of one upstream's results.

    Attributes:
        upstream: its name, for messages.
        signs: labels that identify it; all must be present.
        generated: labels of generated images; the first that is present is used.
        real: labels of the real images of the same domain; empty if there are none.
        answers: label of a generated image -> label of its target; empty if there are none.
        folders: whether a label is a folder (LABEL/NAME.png), not a suffix (NAME_LABEL.png).
        samples: whether all labels in ``generated`` are used, as several samples per input.
    """

    upstream: str
    signs: tuple[str, ...]
    generated: tuple[str, ...]
    real: tuple[str, ...] = ()
    answers: Mapping[str, str] = field(default_factory=dict)
    folders: bool = False
    samples: bool = False

    @property
    def labels(self) -> tuple[str, ...]:
        """All labels of the layout."""
        return (*self.signs, *self.generated, *self.real, *self.answers, *self.answers.values())

    def distinguish(self, label: str) -> str:
        """Return a suffix that distinguishes images of one label from those of another with equal names."""
        return f"_{label}" if self.samples else label[-2:]


_SAMPLES = tuple(f"random_sample{number:02d}" for number in range(1, 100))

_RECONSTRUCTED = {"rec_A": "real_A", "rec_B": "real_B"}

# The first layout whose signs are present is used.
LAYOUTS = (
    Layout("SPADE", ("synthesized_image",), ("synthesized_image",), folders=True),
    *(
        Layout("CycleGAN", (sign,), ("fake_B", "fake_A"), ("real_B", "real_A"), _RECONSTRUCTED, folders)
        for folders in (True, False)
        for sign in ("rec_A", "rec_B")
    ),
    # Its images have no counterpart in the other domain, although test.py gives them the same names.
    Layout("CUT", ("real_A", "fake_B"), ("fake_B",), ("real_B",), folders=True),
    Layout("CUT", ("real_B", "fake_B"), ("fake_B",), ("real_B",), folders=True),
    Layout("pix2pixHD", ("synthesized_image",), ("synthesized_image",)),
    Layout(
        "colorization", ("fake_B_rgb",), ("fake_B_rgb",), ("real_B_rgb",), {"fake_B_rgb": "real_B_rgb"}
    ),
    Layout("pix2pix", ("fake_B",), ("fake_B",), ("real_B",), {"fake_B": "real_B"}),
    Layout("CycleGAN", ("fake_A",), ("fake_A",), ("real_A",)),
    # `--model test` maps one domain to the other; there are no real images of the latter.
    Layout("--model test", ("real", "fake"), ("fake",)),
    Layout(
        "BicycleGAN", (_SAMPLES[0],), _SAMPLES, ("ground truth",),
        dict.fromkeys(_SAMPLES, "ground truth"), samples=True,
    ),
    Layout(
        "BicycleGAN", ("encoded", "ground truth"), ("encoded",), ("ground truth",),
        {"encoded": "ground truth"},
    ),
)  # fmt: skip

_LABELS = {
    folders: sorted(
        {label for layout in LAYOUTS if layout.folders == folders for label in layout.labels},
        key=len,
        reverse=True,
    )
    for folders in (False, True)
}
_PAIRED = ("fake_B_rgb", "real_B_rgb", "fake_B", "fake_A", "real_B", "real_A", "synthesized_image", "fake")

# Words in a label that mark pictures as not generated.
_NOT_GENERATED = {
    "real", "input", "inputs", "target", "targets", "gt", "groundtruth", "truth", "label", "labels", "source",
    "reference", "condition", "rec", "idt",
}  # fmt: skip
# results/NAME/PHASE_EPOCH[_iterN], the folder of one test in pix2pix, CycleGAN, CUT and SPADE.
TEST = re.compile(r"(?P<phase>.+)_(?P<epoch>latest|\d+)(?:_iter(?P<iterations>\d+))?$")


def pictures_by_label(folder: Path) -> Optional[tuple[Layout, Pictures]]:
    """Identify the layout of a folder of pictures, and sort them by label; None if unknown."""
    if not folder.is_dir():
        return None
    entries = [entry.name for entry in folder.iterdir()]
    suffixed = {label for label in map(_label, entries) if label is not None}
    for layout in LAYOUTS:
        present = entries if layout.folders else suffixed
        if all(sign in present for sign in layout.signs):
            return layout, _by_folder(folder, layout) if layout.folders else _by_suffix(folder)
    return None


def _label(file: str) -> Optional[str]:
    stem = PurePosixPath(file).stem
    return next((label for label in _LABELS[False] if stem.endswith(f"_{label}")), None)


def _by_suffix(folder: Path) -> Pictures:
    pictures: Pictures = defaultdict(dict)
    for file in open_folder(folder).names:
        label = _label(file)
        if label is not None:
            pictures[label][str(PurePosixPath(file).with_suffix(""))[: -len(label) - 1]] = file
    return dict(pictures)


def _by_folder(folder: Path, layout: Layout) -> Pictures:
    return {
        label: {
            str(PurePosixPath(file).with_suffix("")): f"{label}/{file}"
            for file in open_folder(folder / label).names
        }
        for label in layout.labels
        if (folder / label).is_dir()
    }


def without_label(name: str) -> str:
    """Remove the label that some upstreams append to a name."""
    for label in _PAIRED:
        if name.endswith(f"_{label}"):
            return name[: -len(label) - 1]
    return name


def refuse_mixed(path: Path, names: Iterable[str]) -> None:
    """Refuse a folder of several tests, or of inputs beside generated images in an unknown layout.

    Raises ``FFLError`` naming the tests, or the kinds of pictures.
    """
    names = list(names)
    tests = sorted({test for test in map(_test_of, names) if test is not None})
    if len(tests) > 1 or any("/" in test for test in tests):
        shown = ", ".join(tests[:3]) + (", …" if len(tests) > 3 else "")
        raise FFLError(f"{path} contains the results of tests ({shown}); pass the folder of one")
    for kinds in (_kinds_by_folder(names), *(_kinds_by_suffix(names, words) for words in (1, 2, 3))):
        if any(_NOT_GENERATED & set(re.split("[^a-z]+", kind.lower())) for kind in kinds):
            raise FFLError(
                f"{path} contains several pictures of each image ({', '.join(sorted(kinds)[:4])}); "
                "pass a folder with one kind only"
            )


def _test_of(name: str) -> Optional[str]:
    """Return the test folder of a file: ``…/PHASE_EPOCH`` of ``…/PHASE_EPOCH/images/…``."""
    before, images, _ = f"/{name}".partition("/images/")
    return before[1:] if images and TEST.match(PurePosixPath(before).name) else None


def _kinds_by_folder(names: list[str]) -> set[str]:
    """Return folders that contain images with the same names as another."""
    images: dict[str, set[str]] = defaultdict(set)
    for name in names:
        images[str(PurePosixPath(name).parent)].add(PurePosixPath(name).stem)
    alike = Counter(map(frozenset, images.values()))
    return {folder for folder, stems in images.items() if alike[frozenset(stems)] > 1}


def _kinds_by_suffix(names: list[str], words: int) -> set[str]:
    """Return the last words of the names, if every image has one of each kind."""
    pattern = re.compile(rf"(.*[^_\- ])[_\- ]+((?:[^_\- ]+[_\- ]+){{{words - 1}}}[^_\- ]*[A-Za-z][^_\- ]*)$")
    images: dict[str, set[str]] = defaultdict(set)
    for name in names:
        match = pattern.match(str(PurePosixPath(name).with_suffix("")))
        if match is None:
            return set()
        images[match[1]].add(match[2])
    kinds = set(map(frozenset, images.values()))
    return set(next(iter(kinds))) if len(kinds) == 1 and len(names) > len(images) else set()
