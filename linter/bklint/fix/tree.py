"""The syntax tree of an HCL file, looked at by byte range: what a place is inside of."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from bklint.source import Source
from bklint.syntax import hcl
from bklint.syntax.node import Attribute, Block, Body, Node


def parsed(source: Source) -> hcl.File:
    """The tree of a `.tf`, `.tfvars` or JSON configuration file."""
    return hcl.parse_json(source) if source.name.endswith(".json") else hcl.parse(source)


def children(node: Node) -> Iterator[Node]:
    """The nodes directly inside a node, in no order."""
    for owner in type(node).__mro__:
        for name in getattr(owner, "__slots__", ()):
            yield from _nodes(getattr(node, name))


def _nodes(value: object) -> Iterator[Node]:
    if isinstance(value, Node):
        yield value
    elif isinstance(value, dict):
        yield from (each for each in value.values() if isinstance(each, Node))
    elif isinstance(value, tuple):
        for each in value:
            yield from _nodes(each)


class Way(NamedTuple):
    """The nodes around a place, from the file's body inwards; the last one is the narrowest."""

    nodes: tuple[Node, ...]

    @property
    def blocks(self) -> list[Block]:
        """The blocks around it, outermost first."""
        return [node for node in self.nodes if isinstance(node, Block)]

    @property
    def attribute(self) -> Attribute | None:
        """The attribute that it is in."""
        return next((node for node in reversed(self.nodes) if isinstance(node, Attribute)), None)

    @property
    def last(self) -> Node:
        """The narrowest node around it."""
        return self.nodes[-1]

    @property
    def arguments(self) -> list[str]:
        """The names of the nested blocks around it; a dynamic block's own, not that of its content."""
        inner = self.blocks[1:]
        dynamic = {id(block.body) for block in inner if block.type == "dynamic"}
        names = [block.labels[0] if block.type == "dynamic" and block.labels else block.type for block in inner]
        return [
            name
            for number, name in enumerate(names)
            if not (number and name == "content" and id(inner[number - 1].body) in dynamic)
        ]


def way_to(body: Body, start: int, end: int) -> Way:
    """The nodes around a byte range."""
    found: list[Node] = [body]
    while True:
        inner = next((each for each in children(found[-1]) if each.start <= start and end <= each.end), None)
        if inner is None:
            return Way(tuple(found))
        found.append(inner)


def is_exactly(node: Node, start: int, end: int) -> bool:
    """Whether a node is that byte range."""
    return (node.start, node.end) == (start, end)
