"""A module as it was, but for a few names."""

from __future__ import annotations

import types
from typing import Any


class StandIn(types.ModuleType):
    """A view of a module in which some names mean something else; the module itself stays as it is.

    Args:
        original: the module.
        replacements: what the view has instead, by name; everything else is looked up in the module.
    """

    def __init__(self, original: types.ModuleType, **replacements: Any) -> None:
        super().__init__(original.__name__, original.__doc__)
        self.__dict__.update(replacements)
        self._original = original

    def __getattr__(self, name: str) -> Any:
        """Look up in the module what the view does not replace."""
        return getattr(self._original, name)

    def __dir__(self) -> list[str]:
        """List the names of both."""
        return sorted({*dir(self._original), *self.__dict__})
