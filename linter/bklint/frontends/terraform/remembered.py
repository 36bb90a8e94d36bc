"""Readings of texts that are read again and again: a module that is called in ten places renders its templates ten times.

What is remembered depends on nothing but its key, and all of it together is bounded by the length of the texts.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable
from typing import Generic, TypeVar

T = TypeVar("T")

MAX_TEXT = 4 * 1024 * 1024
"""Characters of text whose readings are remembered; the reading of a character takes some 20 bytes."""


class Remembered(Generic[T]):
    """Answers by key. When the texts behind them grow too long together, all are forgotten."""

    def __init__(self, most: int = MAX_TEXT) -> None:
        self._most = most
        self._length = 0
        self._known: dict[Hashable, T] = {}

    def get(self, key: Hashable, length: int, read: Callable[[], T]) -> T:
        """The answer for a key, from `read` where it is not known. What `read` raises is not remembered."""
        found = self._known.get(key)
        if found is not None:
            return found
        made = read()
        if self._length + length > self._most:
            self._known.clear()
            self._length = 0
        if length <= self._most:
            self._known[key] = made
            self._length += length
        return made
