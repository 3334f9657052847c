"""The two sides of a comparison: values of the trainings before and after a change."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Callable, Generic, TypeVar

from ffl_plugin.errors import FFLError

T = TypeVar("T")
U = TypeVar("U")


@dataclass(frozen=True)
class Sides(Generic[T]):
    """One value per training, by side: a path, images, features, a score.

    Iterating yields the values of all trainings, those before the change first.

    Attributes:
        before, after: the values of each side.
        paired_seeds: whether training i has the same seed on both sides, so that they are compared as a pair.

    Raises:
        FFLError: paired by seed with different numbers of trainings.

    >>> scores = Sides([20.0, 22.0], [12.0])
    >>> scores.map(round)
    Sides(before=(20, 22), after=(12,), paired_seeds=False)
    >>> scores.split(["first", "second", "third"]).after
    ('third',)
    """

    before: Sequence[T]
    after: Sequence[T]
    paired_seeds: bool = False

    def __post_init__(self) -> None:
        """Refuse pairing with different numbers of trainings."""
        before, after = self.counts
        if self.paired_seeds and before != after:
            raise FFLError(
                f"{before} trainings before and {after} after cannot be paired by seed; pass the same seeds "
                "on both sides, in the same order, or omit --paired-seeds"
            )

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
        before, after = (tuple(map(function, side)) for side in (self.before, self.after))
        return Sides(before, after, self.paired_seeds)

    def split(self, values: Sequence[U]) -> Sides[U]:
        """Split a sequence of values, one per training in iteration order, into sides."""
        count = len(self.before)
        return Sides(tuple(values[:count]), tuple(values[count:]), self.paired_seeds)

    def named(self) -> Iterator[tuple[str, T]]:
        """Yield every value with the name of its side, ``before`` or ``after``."""
        yield from (("before", value) for value in self.before)
        yield from (("after", value) for value in self.after)
