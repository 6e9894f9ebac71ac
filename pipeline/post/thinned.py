"""A list that stays short however long it is added to."""

from __future__ import annotations

from typing import Generic, TypeVar

Item = TypeVar("Item")


class Thinned(Generic[Item]):
    """A list of bounded length: when it is full, every other item goes, and from then on only every other one comes."""

    def __init__(self, limit: int = 2000) -> None:
        self.items: list[Item] = []
        self._limit, self._stride, self._offered = limit, 1, 0

    def add(self, item: Item) -> None:
        """Take the item, unless it falls between those that are kept."""
        if self._offered % self._stride == 0:
            self.items.append(item)
        self._offered += 1
        if len(self.items) > self._limit:
            self.items, self._stride = self.items[::2], 2 * self._stride
