"""Items of a list into nested blocks: an object in ARM vocabulary becomes the block that its mapping row stands for."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from bklint.fix import literals
from bklint.fix.edits import Edit, RefusedError, indentation, inserting, line_start, newline, starts_line
from bklint.frontends.terraform.mapping import Row
from bklint.model import path as paths
from bklint.source import Source
from bklint.syntax.node import Block


def put_before(source: Source, block: Block, row: Row, item: Mapping[str, Any]) -> Edit:
    """The edit that puts an item of the same list in front of a nested block and the comment above it."""
    data = source.data
    if not starts_line(data, block.start):
        raise RefusedError("the block shares its line with others")
    indent, end = indentation(data, block.start), newline(data, block.start)
    at = line_start(data, block.start)
    while at > 0 and data[line_start(data, at - 1) : at].strip().startswith((b"#", b"//")):
        at = line_start(data, at - 1)
    pairs = list(arguments(row.rows, item, row.arg))
    width = max(len(name) for name, _ in pairs)
    inner = indent + "  "
    rows = [f"{indent}{row.arg} {{", *(f"{inner}{name:{width}} = {text}" for name, text in pairs), f"{indent}}}", ""]
    return inserting(source, at, "".join(line + end for line in rows))


def arguments(rows: Iterable[Row], item: Mapping[str, Any], owner: str) -> Iterator[tuple[str, str]]:
    """Names and texts of the arguments of a block, in the order of the item. Raises RefusedError for what has no argument
    in the block, whose name is `owner`."""
    known = {row.path: row for row in rows if row.convert == "same" and not row.readonly}
    for path, value in _leaves(item, ()):
        if path not in known:
            raise RefusedError(f"{owner} has no argument for {'.'.join(map(str, path))}")
        yield known[path].arg, literals.hcl(value)


def _leaves(item: Mapping[str, Any], path: tuple[paths.Step, ...]) -> Iterator[tuple[tuple[paths.Step, ...], Any]]:
    """The values of an object that are no objects, each with its path."""
    for name, value in item.items():
        if isinstance(value, Mapping):
            yield from _leaves(value, (*path, name))
        else:
            yield (*path, name), value
