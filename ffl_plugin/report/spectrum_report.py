"""Report on spectra of image sets and single images: text, JSON, CSV and pictures."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Optional

from ffl_plugin.cache import cache_folder
from ffl_plugin.errors import FFLError
from ffl_plugin.report import formatting
from ffl_plugin.report.model import plain

if TYPE_CHECKING:
    from ffl_plugin.metrics import ImageSource, SpectralStatistics
    from ffl_plugin.metrics.progress import Progress


@dataclass(frozen=True)
class Spectra:
    """Measured spectra, the real ones first if given.

    Attributes:
        paths: paths as given, in order.
        statistics: measured statistics of each.
        real: whether the first is the reference for the others.
        notes: remarks on how the images were found.
    """

    paths: tuple[str, ...]
    statistics: tuple[SpectralStatistics, ...]
    real: bool
    notes: tuple[str, ...] = ()

    def to_json(self) -> dict[str, Any]:
        """Return JSON values: profiles in dB over cycles per pixel, and distances from the real set."""
        return {"spectra": [self._one(index) for index in range(len(self.paths))]}

    def _one(self, index: int) -> dict[str, Any]:
        from ffl_plugin.metrics import spectral_distances

        statistics = self.statistics[index]
        fields = {
            "path": self.paths[index],
            "real": self.real and index == 0,
            "images": statistics.count,
            "height": statistics.size[0],
            "width": statistics.size[1],
            "high_band_energy": statistics.high_band_energy,
            "frequencies": statistics.frequencies.tolist(),
            "profile_db": statistics.profile.tolist(),
        }
        if self.real and index:
            distances = spectral_distances(statistics, self.statistics[0])
            fields["from_real"] = {
                "profile_distance_db": distances.profile_distance,
                "high_band_energy_ratio": distances.high_band_energy_ratio,
                "mean_spectrum_distance": distances.mean_spectrum_distance,
                "bands_db": [{"low": low, "high": high, "distance": db} for low, high, db in distances.bands],
            }
        whole: dict[str, Any] = plain(fields)
        return whole

    def to_csv(self) -> str:
        """Return one line per path and frequency: ``path,cycles_per_pixel,decibels``."""
        text = io.StringIO()
        writer = csv.writer(text, lineterminator="\n")
        writer.writerow(("path", "cycles_per_pixel", "decibels"))
        for path, statistics in zip(self.paths, self.statistics):
            for frequency, decibels in zip(statistics.frequencies, statistics.profile):
                writer.writerow((path, repr(float(frequency)), repr(float(decibels))))
        return text.getvalue()

    def to_text(self) -> str:
        """Return one paragraph per path."""
        lines = []
        for one in self.to_json()["spectra"]:
            counted = formatting.count(one["images"], "image")
            size = f"{one['width']}x{one['height']}"
            lines += [f"{one['path']}{' (real)' if one['real'] else ''}: {counted}, {size}"]
            lines += [f"  energy at 0.25 cycles per pixel and above: {one['high_band_energy']:.3%}"]
            if "from_real" in one:
                far = one["from_real"]
                distance = formatting.decibels(far["profile_distance_db"])
                lines += [f"  radial log-power distance from real: {distance}"]
                lines += [f"  high-band energy over real: {formatting.number(far['high_band_energy_ratio'])}"]
                bands = ", ".join(
                    f"{b['low']:.2f}-{b['high']:.2f}: {b['distance'] or 0:.1f}" for b in far["bands_db"]
                )
                lines += [f"  distance by band, dB: {bands}"]
        return "".join(formatting.readable(line) + "\n" for line in lines)


def measure(paths: Sequence[Path], real: Optional[Path], progress: Optional[Progress] = None) -> Spectra:
    """Measure sets or single image files.

    Raises:
        FFLError: a path contains no images or images of several sizes, or a size differs from that of
            ``real``.
    """
    from ffl_plugin.metrics import measure_spectra

    everything = [*([] if real is None else [real]), *paths]
    statistics = []
    notes: list[str] = []
    for path in everything:
        source = open_any(path, "real" if path is real else "fake")
        notes += source.notes
        cache = cache_folder() / "spectra"
        statistics.append(measure_spectra(source, cache=cache, progress=progress))
        if real is not None and statistics[-1].size != statistics[0].size:
            sizes = " and ".join(f"{s.size[1]}x{s.size[0]}" for s in (statistics[0], statistics[-1]))
            raise FFLError(f"{real} and {path} differ in image size ({sizes}); resize one of them")
    return Spectra(
        tuple(map(str, everything)), tuple(statistics), real is not None, tuple(dict.fromkeys(notes))
    )


def open_any(path: Path, role: str) -> ImageSource:
    """Open a set, or a single image file as a set of one.

    Raises ``FFLError`` for an image in a format that is not read, and as ``open_images``.
    """
    from ffl_plugin.metrics import open_images
    from ffl_plugin.metrics.decode import EXTENSIONS
    from ffl_plugin.metrics.sources import UNREAD, FolderSource

    if path.is_file() and path.suffix.lower() in EXTENSIONS:
        return FolderSource(path.parent, [path.name])
    if path.is_file() and path.suffix.lower() in UNREAD:
        raise FFLError(f"{path} is in a format that is not read; convert it to PNG")
    return open_images(path, role=role)


def _names(spectra: Spectra) -> list[str]:
    """Return the shortest distinct endings of the paths, with the real one marked."""
    parts = [Path(path).parts for path in spectra.paths]
    length = 1
    while len({part[-length:] for part in parts}) < len(set(parts)):
        length += 1
    names = [formatting.readable(Path(*part[-length:])) for part in parts]
    return [f"{names[0]} (real)", *names[1:]] if spectra.real else names


def spectra_png(spectra: Spectra) -> bytes:
    """Draw the averaged log spectra in a common grey scale above their radial profiles."""
    import matplotlib
    from matplotlib.figure import Figure

    from ffl_plugin.report.overview import FREQUENCY, STYLE
    from ffl_plugin.report.pictures import spectrum_limits

    low, high = spectrum_limits([statistics.log_spectrum for statistics in spectra.statistics])
    count = len(spectra.paths)
    with matplotlib.rc_context(STYLE):
        figure = Figure(figsize=(max(2.4 * count, 5.0), 5.6), layout="constrained", dpi=120)
        grid = figure.add_gridspec(2, count)
        profiles = figure.add_subplot(grid[1, :])
        for index, (name, statistics) in enumerate(zip(_names(spectra), spectra.statistics)):
            axis = figure.add_subplot(grid[0, index])
            axis.imshow(statistics.log_spectrum, cmap="gray", vmin=low, vmax=high)
            axis.set_title(formatting.wrapped(name, 28))
            axis.axis("off")
            style: Any = {"color": "black", "linewidth": 2.4} if spectra.real and index == 0 else {}
            profiles.plot(statistics.frequencies, statistics.profile, label=name, **style)
        profiles.set_xlabel(FREQUENCY)
        profiles.set_ylabel("log power (dB)")
        profiles.legend(frameon=False)
        profiles.spines[["top", "right"]].set_visible(False)
        data = io.BytesIO()
        figure.savefig(data, format="png")
    return data.getvalue()
