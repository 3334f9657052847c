"""A view of a module with some names replaced."""

from __future__ import annotations

import types
from typing import Any


class StandIn(types.ModuleType):
    """A view of a module in which some names are replaced; the module itself is unchanged.

    Args:
        original: the module.
        replacements: replaced names; all others resolve to the module's.
    """

    def __init__(self, original: types.ModuleType, **replacements: Any) -> None:
        super().__init__(original.__name__, original.__doc__)
        self.__dict__.update(replacements)
        self._original = original

    def __getattr__(self, name: str) -> Any:
        """Resolve other names in the original module."""
        return getattr(self._original, name)

    def __dir__(self) -> list[str]:
        """List the names of both."""
        return sorted({*dir(self._original), *self.__dict__})
