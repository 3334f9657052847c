"""How upstreams lay out what their ``test.py`` writes: several pictures of every image, each with a label.

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
    """What one upstream writes.

    Attributes:
        upstream: who writes it, for messages.
        signs: labels that tell it, all of which must be there.
        generated: labels of what the network made; the first that is there counts.
        real: labels of the real images of the same domain; empty where there are none.
        answers: label of a fake -> label of the real image it answers; empty where nothing does.
        folders: whether a label is a folder (LABEL/NAME.png), and not the end of a name (NAME_LABEL.png).
        samples: whether every label in ``generated`` counts, as several samples of one input.
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
        """All labels that count."""
        return (*self.signs, *self.generated, *self.real, *self.answers, *self.answers.values())

    def takes_all(self, role: str) -> bool:
        """Whether all labels of a role count, and not only the first that is there."""
        return self.samples and role == "fake"

    def distinguish(self, label: str) -> str:
        """What tells the images of one label from those of another that have the same names."""
        return f"_{label}" if self.samples else label[-2:]

    @staticmethod
    def without_label(name: str) -> str:
        """A name without the label that some upstream put at its end."""
        for label in _PAIRED:
            if name.endswith(f"_{label}"):
                return name[: -len(label) - 1]
        return name


_SAMPLES = tuple(f"random_sample{number:02d}" for number in range(1, 100))

_RECONSTRUCTED = {"rec_A": "real_A", "rec_B": "real_B"}

# The first whose signs are there is taken.
LAYOUTS = (
    Layout("SPADE", ("synthesized_image",), ("synthesized_image",), folders=True),
    *(
        Layout("CycleGAN", (sign,), ("fake_B", "fake_A"), ("real_B", "real_A"), _RECONSTRUCTED, folders)
        for folders in (True, False)
        for sign in ("rec_A", "rec_B")
    ),
    # Its images have no counterpart in the other domain, although test.py gives them the same name.
    Layout("CUT", ("real_A", "fake_B"), ("fake_B",), ("real_B",), folders=True),
    Layout("CUT", ("real_B", "fake_B"), ("fake_B",), ("real_B",), folders=True),
    Layout("pix2pixHD", ("synthesized_image",), ("synthesized_image",)),
    Layout(
        "colorization", ("fake_B_rgb",), ("fake_B_rgb",), ("real_B_rgb",), {"fake_B_rgb": "real_B_rgb"}
    ),
    Layout("pix2pix", ("fake_B",), ("fake_B",), ("real_B",), {"fake_B": "real_B"}),
    Layout("CycleGAN", ("fake_A",), ("fake_A",), ("real_A",)),
    # `--model test`: one domain goes in, the other comes out, and of that there are no real images.
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

# A word of a label that says that its pictures were not generated.
_NOT_GENERATED = {
    "real", "input", "inputs", "target", "targets", "gt", "groundtruth", "truth", "label", "labels", "source",
    "reference", "condition", "rec", "idt",
}  # fmt: skip
# results/NAME/PHASE_EPOCH[_iterN], as pix2pix, CycleGAN, CUT and SPADE name the folder of one test.
TEST = re.compile(r"(?P<phase>.+)_(?P<epoch>latest|\d+)(?:_iter(?P<iterations>\d+))?$")


def pictures_by_label(folder: Path) -> Optional[tuple[Layout, Pictures]]:
    """Tell which upstream wrote a folder of pictures, and sort them by label; None where none did."""
    if not folder.is_dir():
        return None
    entries = [entry.name for entry in folder.iterdir()]
    suffixed = {label for label in map(_label, entries) if label is not None}
    for layout in LAYOUTS:
        there = entries if layout.folders else suffixed
        if all(sign in there for sign in layout.signs):
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


def refuse_mixed(path: Path, names: Iterable[str]) -> None:
    """Refuse a folder of several tests, or of inputs beside what was generated in a layout unknown here.

    Raises ``FFLError`` naming the tests, or the kinds of pictures.
    """
    names = list(names)
    tests = sorted({test for test in map(_test_of, names) if test is not None})
    if len(tests) > 1 or any("/" in test for test in tests):
        shown = ", ".join(tests[:3]) + (", …" if len(tests) > 3 else "")
        raise FFLError(f"{path} holds the results of tests ({shown}); give the folder of one")
    for kinds in (_kinds_by_folder(names), *(_kinds_by_suffix(names, words) for words in (1, 2, 3))):
        if any(_NOT_GENERATED & set(re.split("[^a-z]+", kind.lower())) for kind in kinds):
            raise FFLError(
                f"{path} holds several pictures of each image ({', '.join(sorted(kinds)[:4])}); "
                "give a folder that holds one kind only"
            )


def _test_of(name: str) -> Optional[str]:
    """The folder of the test that a file belongs to: ``…/PHASE_EPOCH`` of ``…/PHASE_EPOCH/images/…``."""
    before, images, _ = f"/{name}".partition("/images/")
    return before[1:] if images and TEST.match(PurePosixPath(before).name) else None


def _kinds_by_folder(names: list[str]) -> set[str]:
    """Folders that hold images of the same names as another."""
    images: dict[str, set[str]] = defaultdict(set)
    for name in names:
        images[str(PurePosixPath(name).parent)].add(PurePosixPath(name).stem)
    alike = Counter(map(frozenset, images.values()))
    return {folder for folder, stems in images.items() if alike[frozenset(stems)] > 1}


def _kinds_by_suffix(names: list[str], words: int) -> set[str]:
    """The last words of the names, where every image has one of each kind."""
    pattern = re.compile(rf"(.*[^_\- ])[_\- ]+((?:[^_\- ]+[_\- ]+){{{words - 1}}}[^_\- ]*[A-Za-z][^_\- ]*)$")
    images: dict[str, set[str]] = defaultdict(set)
    for name in names:
        match = pattern.match(str(PurePosixPath(name).with_suffix("")))
        if match is None:
            return set()
        images[match[1]].add(match[2])
    kinds = set(map(frozenset, images.values()))
    return set(next(iter(kinds))) if len(kinds) == 1 and len(names) > len(images) else set()
