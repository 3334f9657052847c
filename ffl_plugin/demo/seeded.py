"""The former place of :mod:`ffl_plugin.seeded`, for trainings that are under way."""

from __future__ import annotations

from ffl_plugin.seeded import main

if __name__ == "__main__":
    main()
