"""The paper's experiments: small models, one training loop, tables beside the paper's numbers.

An experiment is a function ``(options, progress) -> Result`` named as its command; most run a ``Study``.
"""

from __future__ import annotations

import importlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Callable, NamedTuple, Optional

from ffl_plugin.as_text import json_text
from ffl_plugin.errors import FFLError
from ffl_plugin.files import atomic_write

if TYPE_CHECKING:
    from ffl_plugin.metrics.progress import Progress


class Experiment(NamedTuple):
    """The module of an experiment's function, its summary and its command-line options."""

    module: str
    summary: str
    options: frozenset[str]


CLONE = frozenset({"clone", "data", "paper", "seeds", "epochs", "weight"})
TRAINING = frozenset({"data", "paper", "seeds", "images", "epochs"})
METHODS = TRAINING | {"methods"}
IMAGE = frozenset({"data"})

EXPERIMENTS = {
    "vanilla-ae": Experiment("autoencoder", "Table 1: the vanilla autoencoder", METHODS),
    "vae": Experiment("vae", "Tables 2 and 3: the VAE, and the role of the KL term", METHODS),
    "losses": Experiment("vae", "Table 7: FFL beside other losses, on the VAE", METHODS),
    "ablation": Experiment("autoencoder", "Table 8: FFL without each of its parts", METHODS),
    "wavelet": Experiment(
        "autoencoder", "FFL beside a wavelet loss of 2024, on the vanilla autoencoder", METHODS
    ),
    "pix2pix": Experiment("pix2pix", "Table 4: your clone of pix2pix, on your data set", CLONE),
    "spade": Experiment("spade", "Table 5: your clone of SPADE, on your data set", CLONE),
    "stylegan2": Experiment("stylegan2", "Table 6: your clone of StyleGAN2-ADA, on your data set", CLONE),
    "spectra": Experiment(
        "spectra_figures", "Figures 1 and 9: spectra of real and generated images", TRAINING
    ),
    "bandlimit": Experiment("single_image", "Figure 2: an image without some of its frequencies", IMAGE),
    "single-image": Experiment(
        "single_image", "Figure 3: amplitude only, phase only, both", IMAGE | {"epochs"}
    ),
}


@dataclass(frozen=True)
class Options:
    """The command-line options; None keeps the experiment's default."""

    out: Path
    data: Optional[Path] = None
    paper: bool = False
    seeds: int = 3
    images: Optional[int] = None
    epochs: Optional[int] = None
    clone: Optional[Path] = None
    weight: float = 1.0
    methods: tuple[str, ...] = ()

    def record(self, settings: dict[str, Any]) -> None:
        """Write the settings to the output folder, or refuse one with results of other settings."""
        path = self.out / "settings.json"
        if not path.exists():
            self.out.mkdir(parents=True, exist_ok=True)
            atomic_write(path, json_text(settings, indent=2).encode())
            return
        try:
            before = json.loads(path.read_text())
        except ValueError:
            raise FFLError(f"{path} is damaged; choose another --out, or delete {self.out}.") from None
        changed = [key for key in {**before, **settings} if before.get(key) != settings.get(key)]
        if changed:
            was = ", ".join(f"{key} {before.get(key)!r}, not {settings.get(key)!r}" for key in changed)
            raise FFLError(
                f"{self.out} contains results of other settings ({was}); choose another --out, or delete it."
            )


@dataclass(frozen=True)
class Result:
    """The result of an experiment: paragraphs of Markdown, and JSON values."""

    paragraphs: Sequence[str]
    data: dict[str, Any]

    @property
    def text(self) -> str:
        """The paragraphs as one page."""
        return "\n\n".join(self.paragraphs) + "\n"


def load(name: str) -> Callable[[Options, Progress], Result]:
    """Import an experiment by its name in ``EXPERIMENTS``."""
    module = importlib.import_module(f"{__name__}.{EXPERIMENTS[name].module}")
    run: Callable[[Options, Progress], Result] = getattr(module, name.replace("-", "_"))
    return run
