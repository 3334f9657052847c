"""Views of imageio for scripts that write films, which say early that imageio-ffmpeg is missing.

imageio takes any other plugin that is there for the missing one, so that the first frame ends in
``TiffWriter.write() got an unexpected keyword argument 'fps'``.
"""

from __future__ import annotations

import importlib.util
import sys
import types
from pathlib import Path
from typing import Any

from ffl_plugin.integrations._process import warn
from ffl_plugin.integrations._stand_in import StandIn

FILMS = (".mp4", ".avi", ".mov", ".mkv", ".webm")
MISSING = "imageio-ffmpeg is not installed, without which no film can be written: pip install imageio-ffmpeg"


def imageio_that_stops() -> types.ModuleType:
    """Return imageio; where it cannot write films, opening one ends the script in a sentence."""
    return _view(_stop)


def imageio_that_goes_without() -> types.ModuleType:
    """Return imageio; where it cannot write films, warn now, and let a script that writes one drop it.

    For scripts that have other results to save after the film.
    """
    if not _can_write_films():
        warn(f"{MISSING}. Everything else is saved")
    return _view(_NoFilm)


def _view(open_film: Any) -> types.ModuleType:
    import imageio

    if _can_write_films():
        return imageio

    def get_writer(uri: Any, *arguments: Any, **keywords: Any) -> Any:
        if Path(str(uri)).suffix.lower() in FILMS:
            return open_film()
        return imageio.get_writer(uri, *arguments, **keywords)

    return StandIn(imageio, get_writer=get_writer)


def _can_write_films() -> bool:
    return importlib.util.find_spec("imageio_ffmpeg") is not None


def _stop() -> None:
    sys.exit(f"Error: {MISSING}.")


class _NoFilm:
    """A writer that writes nothing."""

    def append_data(self, image: Any) -> None:
        """Drop a frame."""

    def close(self) -> None:
        """Do nothing."""
