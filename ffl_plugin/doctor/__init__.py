"""Checks a machine and a clone for what training with FFL needs, and suggests fixes."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Optional


@dataclass(frozen=True)
class Finding:
    """The result of one check.

    Args:
        name: what was checked, such as ``"torch"``.
        found: its version, path or state, in a few words.
        fix: the suggested fix; None if there is no problem.
    """

    name: str
    found: str
    fix: Optional[str] = None


def examine(root: Optional[Path] = None) -> list[Finding]:
    """Examine the machine and a clone, by default the current folder if it is one; nothing is changed.

    Raises:
        ffl_plugin.errors.FFLError: the clone's folder does not exist.
    """
    from ffl_plugin.doctor.clone_state import examine_clone
    from ffl_plugin.doctor.libraries import examine_libraries
    from ffl_plugin.doctor.machine import examine_machine

    return [*examine_machine(), *examine_libraries(), *examine_clone(root)]
