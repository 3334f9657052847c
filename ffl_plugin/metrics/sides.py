"""The two sides of a comparison: what belongs to every training before a change, and to every one after."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Callable, Generic, TypeVar

T = TypeVar("T")
U = TypeVar("U")


@dataclass(frozen=True)
class Sides(Generic[T]):
    """One value for each training, by side: a path, its images, their features, a score.

    Iterating yields the values of all trainings, those before the change first.

    >>> scores = Sides([20.0, 22.0], [12.0])
    >>> scores.map(round)
    Sides(before=(20, 22), after=(12,))
    >>> scores.split(["first", "second", "third"]).after
    ('third',)
    """

    before: Sequence[T]
    after: Sequence[T]

    def __iter__(self) -> Iterator[T]:
        """Yield the values of all trainings, those before the change first."""
        yield from self.before
        yield from self.after

    def __len__(self) -> int:
        """Return the number of trainings of both sides."""
        return len(self.before) + len(self.after)

    @property
    def counts(self) -> tuple[int, int]:
        """The number of trainings of each side."""
        return len(self.before), len(self.after)

    def map(self, function: Callable[[T], U]) -> Sides[U]:
        """Apply a function to the value of every training."""
        return Sides(tuple(map(function, self.before)), tuple(map(function, self.after)))

    def split(self, values: Sequence[U]) -> Sides[U]:
        """Give other values, one for each training in the order of iteration, to their sides."""
        return Sides(tuple(values[: len(self.before)]), tuple(values[len(self.before) :]))

    def named(self) -> Iterator[tuple[str, T]]:
        """Yield every value with the name of its side, ``before`` or ``after``."""
        yield from (("before", value) for value in self.before)
        yield from (("after", value) for value in self.after)
