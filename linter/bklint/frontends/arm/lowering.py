"""What one world shares while it is lowered: budgets, the documents that were read, and what there is to say.

Budgets keep a hostile template from using more than its share: depth of evaluation in Python frames, steps, instances
of loops, deployments. Each is noted once when it runs out, and what lies beyond it is unknown.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from bklint import limits
from bklint.errors import InputError
from bklint.files import Reader
from bklint.frontends import Options
from bklint.model.inventory import Note, Split, World
from bklint.model.value import Unknown
from bklint.source import Locator, Source
from bklint.syntax.json import Document, parse

if TYPE_CHECKING:
    from bklint.frontends.arm.deployments import Children

MAX_FRAMES = 520
"""Deepest evaluation, in Python frames; Python itself stops at 1,000, of which callers have used some."""


class Lowering:
    """The state of lowering one root in one context. `finder` is set by whoever lowers."""

    finder: Children

    def __init__(self, world: World, reader: Reader, options: Options, assume: Mapping[str, object]) -> None:
        self.world = world
        self.reader = reader
        self.options = options
        self.assume = assume
        self.frames = 0
        self.steps = 0
        self.instances = self.most_instances = limits.value("template_instances")
        self.deployments = self.most_deployments = limits.value("deployments")
        self._most_steps = limits.value("template_steps")
        """Most calls, accesses and members of collections that are looked at for the world."""
        self._documents: dict[str, Document | None] = {}
        self._noted: set[str] = set()

    def close(self) -> None:
        """Let go of the deployments (see `World.close`)."""
        del self.finder

    def enter(self, frames: int) -> bool:
        """Take frames of the depth budget and one step; False where either is used up, and then nothing is to be left."""
        self.steps += 1
        if self.steps > self._most_steps and not self.spend(0):
            return False
        if self.frames + frames > MAX_FRAMES:
            limits.hit("", "expressions nested too deep")
            return False
        self.frames += frames
        return True

    def spend(self, steps: int) -> bool:
        """Take steps; False when they are used up."""
        self.steps += steps
        if self.steps > self._most_steps:
            what = f"more than {self._most_steps} steps of evaluation; the rest is left undecided"
            self.note("limit", f"{what} ({limits.told('template_steps')})", None)
            return False
        return True

    def leave(self, frames: int) -> None:
        """Give frames back."""
        self.frames -= frames

    def take_instances(self, wanted: int, name: str, place: Locator | None) -> int:
        """As many instances of a loop as the budget still has, noting when it has fewer."""
        granted = min(wanted, self.instances)
        self.instances -= granted
        if granted < wanted:
            what = f"more than {self.most_instances} instances of loops; loop {name!r} is cut"
            self.note("limit", f"{what} ({limits.told('template_instances')})", place)
        return granted

    def cut(self, name: str, place: Locator | None) -> None:
        """Note that a loop has more instances than are looked at."""
        what = f"loop {name!r} has more than {limits.value('instances')} instances; the rest is not checked"
        self.note("limit", f"{what} ({limits.told('instances')})", place)

    def input(self, found: Unknown) -> None:
        """List an input without a value that has few possible ones, so that the engine may try each."""
        choices = tuple(choice.data for choice in found.domain)
        self.world.inputs.setdefault(found.cause, Split(found.cause, choices))

    def note(self, kind: str, message: str, place: Locator | None, *, strict: bool = True) -> None:
        """Say something once."""
        if message not in self._noted:
            self._noted.add(message)
            self.world.notes.append(Note(kind, message, place, strict))

    def document(self, path: str) -> Document | None:
        """The document of a linked file, read once; None where it cannot be read."""
        if path not in self._documents:
            try:
                self._documents[path] = parse(Source.of(path, self.reader.read(path)))
            except InputError as error:
                self._documents[path] = None
                self.note("linked template", f"{path}: {error.message}", None)
        return self._documents[path]

    @property
    def read_files(self) -> tuple[str, ...]:
        """The linked files that were read."""
        return tuple(path for path, document in self._documents.items() if document is not None)
