"""The worlds of one root: each context once, and on demand with inputs set to one of their possible values.

The one fact a reader would not guess: how many such worlds are made is bounded by the resources in them, not by time,
so that a scan gives the same answer on every machine.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from bklint import limits
from bklint.errors import InputError
from bklint.model.inventory import Note, World

if TYPE_CHECKING:
    from bklint.frontends import Root

MAX_RESOURCES = 20_000
"""Most resources in all of them together."""

Assumed = tuple[tuple[str, object], ...]


class Worlds:
    """The worlds of one context of a root."""

    def __init__(self, root: Root, context: str, prepare: Callable[[World], None]) -> None:
        self._root = root
        self._context = context
        self._prepare = prepare
        self._made: dict[Assumed, World | None] = {}
        self._resources = 0
        self.notes: list[Note] = []
        self.base = self._make(())

    def _make(self, assumed: Assumed) -> World:
        world = self._root.lower(self._context, dict(assumed))
        self._prepare(world)
        return world

    def assuming(self, assumed: Assumed) -> World | None:
        """The world with these inputs; None where it cannot be made or there are too many."""
        assumed = tuple(sorted(assumed, key=repr))
        if assumed not in self._made:
            self._made[assumed] = self._another(assumed)
        return self._made[assumed]

    def _another(self, assumed: Assumed) -> World | None:
        if len(self._made) >= limits.value("input_combinations") or self._resources >= MAX_RESOURCES:
            self._say_full()
            return None
        try:
            world = self._make(assumed)
        except InputError:
            return None
        self._resources += len(world.resources)
        return world

    def _say_full(self) -> None:
        if not self.notes:
            message = (
                f"{self._root.path}: too many combinations of inputs; checks that depend on the others stay undecided "
                f"({limits.told('input_combinations')})"
            )
            self.notes.append(Note("limit", message, None, strict=False))
