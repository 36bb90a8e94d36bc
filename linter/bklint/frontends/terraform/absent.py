"""Blocks that create nothing: `count = 0`, an empty `for_each`, modules that are not called.

Their expressions are not evaluated, since none of them has a meaning without an instance; what is kept is which
properties are written, for statistics.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from typing import TYPE_CHECKING

from bklint.errors import InputError
from bklint.frontends.terraform import mapping as mappings
from bklint.frontends.terraform.module import ModuleFiles, Written, local_calls
from bklint.frontends.terraform.views import Blocks, View, makes
from bklint.model.inventory import World
from bklint.model.value import Unknown, Value
from bklint.source import Locator
from bklint.syntax.node import Body

if TYPE_CHECKING:
    from bklint.frontends.terraform.instance import ModuleInstance

MAX_NESTING = 30
"""Most modules that a declaration which creates nothing is followed through."""


class WrittenView(View):
    """A body of which it is only said what is written in it."""

    def __init__(self, body: Body, header: Locator | None) -> None:
        self.body = body
        self.header = header

    @property
    def open(self) -> Unknown | None:
        """See View."""
        return None

    def attribute(self, name: str) -> Value | None:
        """See View."""
        return Value(True, self.header) if name in self.body.attributes else None

    def attribute_place(self, name: str) -> Locator | None:
        """See View."""
        return self.header if name in self.body.attributes else None

    def blocks(self, name: str) -> Blocks:
        """See View."""
        found = [block.body for block in self.body.blocks if block.type == name]
        for block in self.body.blocks:
            if block.type == "dynamic" and makes(block, name):
                found.extend(inner.body for inner in block.body.blocks if inner.type == "content")
        return Blocks(tuple(WrittenView(body, self.header) for body in found))

    def names(self) -> set[str]:
        """See View."""
        return {*self.body.attributes, *(block.type for block in self.body.blocks)}


def note(module: ModuleInstance, world: World) -> None:
    """Let the world tell, when it is asked, what the module declares and certainly does not create."""
    world.absent.append(partial(_told, module))


def _told(module: ModuleInstance) -> Iterator[tuple[str, Value]]:
    for (type_, name), written in module.files.resources.items():
        if mappings.mapping_of(type_) is not None and _none(module, "resource", type_, name):
            yield from _written(type_, written)
    for name in module.files.modules:
        if _none(module, "module", "module", name):
            for files in _below(module, name):
                for (type_, _), written in files.resources.items():
                    yield from _written(type_, written)


def _none(module: ModuleInstance, mode: str, type_: str, name: str) -> bool:
    expansion = module.expansion(mode, type_, name)
    return not expansion.instances and expansion.open is None


def _written(type_: str, written: Written) -> Iterator[tuple[str, Value]]:
    mapped = mappings.mapping_of(type_)
    if mapped is not None and mapped.kind not in ("data", "patch", "item"):
        yield mapped.type, mappings.body(mapped, WrittenView(written.block.body, written.header), "")


def _below(module: ModuleInstance, name: str) -> Iterator[ModuleFiles]:
    """The directory that a module block calls, and those that it calls in turn, each once; local ones only."""
    called = dict(local_calls(module.files))
    pending = [called[name]] if name in called else []
    seen: set[str] = set()
    while pending and len(seen) < MAX_NESTING:
        directory = pending.pop()
        if directory in seen:
            continue
        seen.add(directory)
        try:
            files = module.tree.parse(directory)
        except InputError:
            continue
        yield files
        pending.extend(target for _, target in local_calls(files))
