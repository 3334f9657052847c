"""Views of imageio for scripts that write videos, with an early error if imageio-ffmpeg is missing.

imageio falls back to any installed plugin, so the first frame would fail with
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

VIDEO_SUFFIXES = (".mp4", ".avi", ".mov", ".mkv", ".webm")
MISSING = "imageio-ffmpeg is not installed, so videos cannot be written: pip install imageio-ffmpeg"


def imageio_or_exit() -> types.ModuleType:
    """Return imageio; if it cannot write videos, opening one exits with an error."""
    return _view(_stop)


def imageio_or_no_video() -> types.ModuleType:
    """Return imageio; if it cannot write videos, warn now and discard them.

    For scripts that save other results after the video.
    """
    if not _can_write_videos():
        warn(f"{MISSING}. Everything else is saved")
    return _view(_NoVideo)


def _view(open_video: Any) -> types.ModuleType:
    import imageio

    if _can_write_videos():
        return imageio

    def get_writer(uri: Any, *arguments: Any, **keywords: Any) -> Any:
        if Path(str(uri)).suffix.lower() in VIDEO_SUFFIXES:
            return open_video()
        return imageio.get_writer(uri, *arguments, **keywords)

    return StandIn(imageio, get_writer=get_writer)


def _can_write_videos() -> bool:
    return importlib.util.find_spec("imageio_ffmpeg") is not None


def _stop() -> None:
    sys.exit(f"Error: {MISSING}.")


class _NoVideo:
    """A writer that discards frames."""

    def append_data(self, image: Any) -> None:
        """Discard a frame."""

    def close(self) -> None:
        """Do nothing."""
