"""Where the values of a plan are written: the blocks of the configuration that the plan was made of.

A plan names resources by address and modules by their calls; the configuration at hand is followed the same way, one
directory after the other. It is only believed when it declares every resource that the plan's root module has.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from bklint.errors import InputError
from bklint.files import Reader, join
from bklint.frontends.terraform.module import ENDINGS, ModuleFiles, Written, local_calls, read_module
from bklint.frontends.terraform.views import makes
from bklint.model.resource import without_keys
from bklint.records import dataclass
from bklint.source import Place, Source
from bklint.syntax.node import Block, Body, Expr, Literal, ObjectExpr, TupleExpr

MAX_UP = 3
"""Most directories above the plan's that are looked into, each with those directly in it."""
MAX_DIRECTORIES = 200
"""Most directories that are searched for the configuration of a plan."""

Registry = Callable[[str], Mapping[str, str]]


@dataclass(frozen=True, slots=True)
class Spot:
    """What stands where a planned value comes from: an expression, the nested blocks of a type, or a body.

    `place` is the narrowest text known. Members and items that are not written one by one stand for the whole.
    """

    source: Source
    place: Place
    expr: Expr | None = None
    bodies: tuple[tuple[Body, Place], ...] = ()
    dynamic: bool = False
    over: tuple[tuple[Body, Source], ...] = ()
    """Bodies of override files, the first one strongest."""

    def member(self, name: str) -> Spot:
        """The member of an object, or the attribute or blocks of a body."""
        if isinstance(self.expr, ObjectExpr):
            for key, value in self.expr.items:
                if isinstance(key, Literal) and key.value == name:
                    return self._at(value)
        for body, source in self.over:
            found = _in(body, name, source)
            if found is not None:
                return found
        if len(self.bodies) == 1:
            return _in(self.bodies[0][0], name, self.source) or self
        return self

    def item(self, index: int) -> Spot:
        """The item of a list, or the nested block of that number."""
        if isinstance(self.expr, TupleExpr) and index < len(self.expr.items):
            return self._at(self.expr.items[index])
        if self.bodies:
            number = min(index, len(self.bodies) - 1) if self.dynamic else index
            if number < len(self.bodies):
                body, place = self.bodies[number]
                return Spot(self.source, place, bodies=((body, place),))
        return self

    def _at(self, expr: Expr) -> Spot:
        return Spot(self.source, Place(self.source, expr.start, expr.end), expr)


def _in(body: Body, name: str, source: Source) -> Spot | None:
    attribute = body.attributes.get(name)
    if attribute is not None:
        return Spot(source, Place(source, attribute.expr.start, attribute.expr.end), attribute.expr)
    found = [block for block in body.blocks if makes(block, name)]
    if not found:
        return None
    bodies = tuple((_content(block), Place(source, block.start, block.header_end)) for block in found)
    return Spot(source, bodies[0][1], bodies=bodies, dynamic=any(block.type == "dynamic" for block in found))


def _content(block: Block) -> Body:
    if block.type != "dynamic":
        return block.body
    return next((inner.body for inner in block.body.blocks if inner.type == "content"), block.body)


@dataclass(frozen=True, slots=True)
class Declaration:
    """The block that declares a resource."""

    written: Written

    @property
    def header(self) -> Place:
        """The text that names it."""
        return self.written.header

    @property
    def block(self) -> Place:
        """All of it."""
        return Place(self.written.source, self.written.block.start, self.written.block.end)

    @property
    def body(self) -> Spot:
        """What is written in it."""
        over = tuple((layer.block.body, layer.source) for layer in reversed(self.written.overrides))
        main = (self.written.block.body, self.header)
        return Spot(self.written.source, self.header, bodies=(main,), over=over)


class Configuration:
    """A root module on disk, by the addresses of its resources."""

    def __init__(self, files: ModuleFiles, read: Callable[[str], ModuleFiles], registry: Mapping[str, str]) -> None:
        self._files = files
        self._read = read
        self._registry = registry
        self._modules: dict[tuple[str, ...], ModuleFiles | None] = {(): files}

    def declaration(self, address: str, module: str) -> Declaration | None:
        """The declaration of a resource by its address and its module's (`module.app["a"].module.disk`)."""
        files = self._module(tuple(step.removeprefix("module.") for step in _calls(module)))
        own = without_keys(address)[len(without_keys(module)) :].lstrip(".").removeprefix("data.")
        type_, _, name = own.partition(".")
        written = files.resources.get((type_, name)) if files is not None else None
        return None if written is None else Declaration(written)

    def _module(self, names: tuple[str, ...]) -> ModuleFiles | None:
        if names not in self._modules:
            outer = self._module(names[:-1])
            directory = None
            if outer is not None:
                directory = dict(local_calls(outer)).get(names[-1]) or self._registry.get(".".join(names))
            self._modules[names] = None if directory is None else _read(self._read, directory)
        return self._modules[names]


def _calls(module: str) -> list[str]:
    return re.findall(r"module\.[^.\[]+", without_keys(module))


def _read(read: Callable[[str], ModuleFiles], directory: str) -> ModuleFiles | None:
    try:
        return read(directory)
    except InputError:
        return None


def find(path: str, plan: Mapping[str, Any], reader: Reader, registry: Registry) -> Configuration | None:
    """The configuration that the plan at `path` was made of.

    The nearest directory that declares what the root module of the plan declares: the plan's own or one above it, else the
    only such one directly inside one of these. Two that fit (one for each stage) are none.
    """
    resources, calls = _declared(plan)
    if not resources and not calls:
        return None

    def fitting(directories: Iterable[str]) -> list[ModuleFiles]:
        found = [files for each in directories if (files := _configured(each, reader)) is not None]
        return [each for each in found if resources <= each.resources.keys() and calls <= each.modules.keys()]

    directory = posixpath.dirname(path) or "."
    for _ in range(MAX_UP + 1):
        for candidates in ([directory], _inside(directory, reader)):
            found = fitting(candidates)
            if len(found) == 1:
                files = found[0]
                return Configuration(files, lambda name: read_module(name, reader), registry(files.directory))
            if found:
                return None
        if directory == ".." or directory.startswith("../") or join(directory, "..") == directory:
            return None
        directory = join(directory, "..")
    return None


def _declared(plan: Mapping[str, Any]) -> tuple[set[tuple[str, str]], set[str]]:
    """Type and name of the resources that the plan's root module declares, and the names of its module calls."""
    root = (plan.get("configuration") or {}).get("root_module") or {}
    resources = {
        (str(each.get("type")), str(each.get("name")))
        for each in root.get("resources") or ()
        if each.get("mode") == "managed"
    }
    return resources, set(root.get("module_calls") or ())


def _configured(directory: str, reader: Reader) -> ModuleFiles | None:
    try:
        names = [entry.name for entry in reader.list(directory) if not entry.directory]
    except InputError:
        return None
    if not any(name.endswith(ENDINGS) for name in names):
        return None
    return _read(lambda name: read_module(name, reader), directory)


def _inside(directory: str, reader: Reader) -> list[str]:
    try:
        entries = reader.list(directory)
    except InputError:
        return []
    names = [entry.name for entry in entries if entry.directory and not entry.name.startswith(".")]
    return [join(directory, name) for name in sorted(names)[:MAX_DIRECTORIES]]
