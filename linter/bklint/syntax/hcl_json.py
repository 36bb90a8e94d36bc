"""Terraform's JSON syntax (`.tf.json`, `.tfvars.json`) → the nodes of `syntax/node.py`.

JSON does not tell a nested block from an argument whose value is an object. Terraform asks the schema; here only the
schemas of Terraform itself are known. So the body of a resource holds its nested blocks as attributes with objects (or
tuples of objects) as values, and what reads them knows better. See
https://developer.hashicorp.com/terraform/language/syntax/json and https://github.com/hashicorp/hcl/blob/main/json/spec.md.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from enum import Enum, auto
from typing import Any

from bklint.errors import InputError
from bklint.source import Source
from bklint.syntax import hcl_damage, json
from bklint.syntax.hcl_grammar import LIMIT
from bklint.syntax.json import Document, Slot
from bklint.syntax.node import Attribute, Bad, Block, Body, Expr, Literal, ObjectExpr, Problem, Template, TupleExpr

ReadExpression = Callable[[Source, int, int, int], Expr]
"""Reads native HCL: source, start, end, and the depth at which it stands."""

_TOP = {"resource": 2, "data": 2, "ephemeral": 2, "module": 1, "variable": 1, "output": 1, "provider": 1, "check": 1}
_TOP |= {"locals": 0, "terraform": 0, "moved": 0, "import": 0, "removed": 0}
_RESOURCE = {"lifecycle": 0, "connection": 0, "provisioner": 1, "dynamic": 1}
_BLOCKS: dict[str, dict[str, int]] = {
    "resource": _RESOURCE,
    "data": _RESOURCE,
    "ephemeral": _RESOURCE,
    "dynamic": {"content": 0},
    "content": {"dynamic": 1},
    "provisioner": {"connection": 0},
    "lifecycle": {"precondition": 0, "postcondition": 0},
    "variable": {"validation": 0},
    "output": {"precondition": 0},
    "terraform": {"required_providers": 0, "backend": 1, "cloud": 0, "provider_meta": 1},
    "cloud": {"workspaces": 0},
    "check": {"data": 2, "assert": 0},
    "removed": {"lifecycle": 0, "provisioner": 1},
}
"""Labels of the blocks that may stand in a block, by the outer block's type."""


class _Strings(Enum):
    """What the strings of a value are."""

    TEMPLATES = auto()
    TEXT = auto()
    REFERENCES = auto()


_ARGUMENTS: dict[tuple[str, str], _Strings] = {
    ("variable", "default"): _Strings.TEXT,
    ("variable", "type"): _Strings.REFERENCES,
    ("module", "providers"): _Strings.REFERENCES,
    ("lifecycle", "ignore_changes"): _Strings.REFERENCES,
    ("lifecycle", "replace_triggered_by"): _Strings.REFERENCES,
    ("dynamic", "iterator"): _Strings.REFERENCES,
    ("moved", "from"): _Strings.REFERENCES,
    ("moved", "to"): _Strings.REFERENCES,
    ("removed", "from"): _Strings.REFERENCES,
    ("import", "to"): _Strings.REFERENCES,
}
_META = frozenset({"depends_on", "provider"})
"""Arguments whose strings are references, in each block that has them."""

_COMMENT = "//"
_ESCAPED = re.compile(rb"\\u[0-9a-fA-F]{4}(?:\\u[dD][c-fC-F][0-9a-fA-F]{2})?|\\.|[^\\]+", re.DOTALL)
_MARKER = "BKLINT"


def parse(source: Source, read: ReadExpression) -> tuple[Body, tuple[Problem, ...]]:
    """The body of a file, and what is wrong with it. A name that ends in `.tfvars.json` makes all strings mere text."""
    try:
        document = json.parse(source)
    except InputError as error:
        at = error.offset or 0
        size = len(source.data)
        return Body({}, (), True, 0, size), (Problem(error.message, at, min(at + 1, size)),)
    reader = _Reader(document, read)
    body = reader.file(source.name.endswith(".tfvars.json"))
    return body, tuple(sorted(reader.problems, key=lambda problem: problem.start)[: hcl_damage.MAX_PROBLEMS])


class _Reader:
    """Lowers one JSON document. Data and slots go hand in hand: a slot says where the value beside it stands."""

    def __init__(self, document: Document, read: ReadExpression) -> None:
        self.document = document
        self.source = document.source
        self.read = read
        self.problems: list[Problem] = []

    def file(self, values: bool) -> Body:
        """The body of the file; of `values` only, where it sets variables."""
        attributes: dict[str, Attribute] = {}
        blocks: list[Block] = []
        for data, slot in self._objects(self.document.data, self.document.root()):
            inner = self._body(data, slot, "", {} if values else _TOP, _Strings.TEXT if values else None, 0)
            attributes.update(inner.attributes)
            blocks += inner.blocks
        damaged = bool(self.problems) or bool(self.document.duplicates)
        return Body(attributes, tuple(blocks), damaged, 0, len(self.source.data))

    def _objects(self, data: Any, slot: Slot) -> Iterator[tuple[dict[str, Any], Slot]]:
        """The objects that may each be a block: the value itself, or the items of an array. `null` stands for none."""
        if isinstance(data, dict):
            yield data, slot
        elif isinstance(data, list):
            for number, item in enumerate(data):
                inner = self.document.child(slot, number)
                if inner is not None:
                    yield from self._objects(item, inner)
        elif data is not None:
            self._problem("expected an object, or an array of objects", slot)

    def _members(self, data: dict[str, Any], slot: Slot) -> Iterator[tuple[str, Any, Slot]]:
        for key, value in data.items():
            inner = self.document.child(slot, key)
            if inner is not None:
                yield key, value, inner

    def _body(
        self, data: dict[str, Any], slot: Slot, type_: str, nested: dict[str, int], strings: _Strings | None, depth: int
    ) -> Body:
        attributes: dict[str, Attribute] = {}
        blocks: list[Block] = []
        known = len(self.problems)
        for key, value, at in self._members(data, slot):
            if key in nested:
                blocks += self._blocks(key, (), nested[key], value, at, at, depth + 1)
            elif key != _COMMENT or strings is _Strings.TEXT:
                expr = self._value(value, at, strings or _strings(type_, key), depth + 1)
                attributes[key] = Attribute(key, expr, at.key_end, False, at.key_start, at.end)
        damaged = len(self.problems) > known
        return Body(attributes, tuple(blocks), damaged, slot.start + 1, slot.end - 1)

    def _blocks(
        self, type_: str, labels: tuple[str, ...], missing: int, data: Any, slot: Slot, head: Slot, depth: int
    ) -> Iterator[Block]:
        """The blocks of one type. Labels are the keys of as many objects around each body."""
        for item, at in self._objects(data, slot):
            if missing:
                for label, value, inner in self._members(item, at):
                    if label != _COMMENT:
                        yield from self._blocks(type_, (*labels, label), missing - 1, value, inner, inner, depth + 1)
                continue
            keyed = head if at is slot else at
            start, header_end = (keyed.key_start, keyed.key_end) if keyed.key_start >= 0 else (at.start, at.head_end)
            body = self._body(item, at, type_, _BLOCKS.get(type_, {}), None, depth)
            yield Block(type_, labels, body, header_end, False, start, at.end)

    def _value(self, data: Any, slot: Slot, strings: _Strings, depth: int) -> Expr:
        start, end = slot.start, slot.end
        if depth >= LIMIT:
            self._problem(f"nested more than {LIMIT} levels deep; bklint does not read this", slot)
            return Bad(start, end)
        if isinstance(data, str):
            return self._string(data, start, end, strings, depth)
        if isinstance(data, dict):
            return self._object(data, slot, strings, depth)
        if isinstance(data, list):
            items: list[Expr] = []
            for number, item in enumerate(data):
                at = self.document.child(slot, number)
                if at is not None:
                    items.append(self._value(item, at, strings, depth + 1))
            return TupleExpr(tuple(items), start, end)
        if isinstance(data, float) and data.is_integer():
            data = int(data)  # HCL has one type for all numbers: 1.0 is the whole number 1
        return Literal(data, start, end)

    def _object(self, data: dict[str, Any], slot: Slot, strings: _Strings, depth: int) -> Expr:
        """An object. Its keys are templates where its values are; a `//` key is a comment, as it is in a block."""
        items: list[tuple[Expr, Expr]] = []
        keys = _Strings.TEMPLATES if strings is _Strings.TEMPLATES else _Strings.TEXT
        for key, value, at in self._members(data, slot):
            if key != _COMMENT or strings is _Strings.TEXT:
                name = self._string(key, at.key_start, at.key_end, keys, depth)
                items.append((name, self._value(value, at, strings, depth + 1)))
        return ObjectExpr(tuple(items), slot.start, slot.end)

    def _string(self, text: str, start: int, end: int, strings: _Strings, depth: int) -> Expr:
        template = "${" in text or "%{" in text
        if strings is _Strings.TEXT or (strings is _Strings.TEMPLATES and not template):
            return Literal(text, start, end)
        if template and b"\\" not in self.source.data[start:end]:
            expr = self.read(self.source, start, end, depth)  # without escapes, both syntaxes quote alike
        elif template:
            expr = self._bare(text, start, end, depth)
        else:
            expr = self._embedded(text, "", "", start, end, depth)
        if isinstance(expr, Bad):
            what = "template" if template else "reference"
            self.problems.append(Problem(f"the text is not a valid {what}", start, end))
            return Bad(start, end)
        return expr

    def _bare(self, text: str, start: int, end: int, depth: int) -> Expr:
        """A template that JSON escapes: as a heredoc, which has no escapes of its own, less its last line end."""
        marker = _MARKER
        while marker in text:
            marker += "_"
        expr = self._embedded(text, f"<<{marker}\n", f"\n{marker}", start, end, depth)
        if isinstance(expr, Literal) and isinstance(expr.value, str):
            return Literal(expr.value.removesuffix("\n"), start, end)
        if not isinstance(expr, Template):
            return expr
        parts = expr.parts
        last = parts[-1]
        if isinstance(last, Literal) and isinstance(last.value, str):
            value = last.value.removesuffix("\n")
            parts = (*parts[:-1], Literal(value, last.start, min(last.end, end - 1))) if value else parts[:-1]
        return Template(parts, False, start, end)

    def _embedded(self, text: str, before: str, after: str, start: int, end: int, depth: int) -> Expr:
        """HCL inside a JSON string, with spans in the JSON text."""
        data = (before + text + after).encode()
        expr = self.read(Source(self.source.name, data), 0, len(data), depth)
        raw = self.source.data[start + 1 : end - 1]
        offsets = _offsets(raw)
        last = len(offsets) - 1
        shift = len(before)
        hcl_damage.move(expr, lambda at: start + 1 + offsets[max(0, min(at - shift, last))])
        return expr

    def _problem(self, message: str, slot: Slot) -> None:
        self.problems.append(Problem(message, slot.start, slot.head_end))


def _strings(type_: str, name: str) -> _Strings:
    """What the strings of an argument are, in a block of a type."""
    if name in _META:
        return _Strings.REFERENCES
    return _ARGUMENTS.get((type_, name), _Strings.TEMPLATES)


def _offsets(raw: bytes) -> list[int]:
    """For each byte of a JSON string's value, and its end: where that byte is in the string's text."""
    offsets: list[int] = []
    for match in _ESCAPED.finditer(raw):
        start, end = match.span()
        if raw[start] != 0x5C:
            offsets += range(start, end)
        else:
            offsets += [start] * _width(match[0])
    offsets.append(len(raw))
    return offsets


def _width(escape: bytes) -> int:
    """The UTF-8 bytes that an escape sequence stands for."""
    if escape[1:2] != b"u":
        return 1
    if len(escape) > 6:
        return 4
    return len(chr(int(escape[2:6], 16)).encode("utf-8", "replace"))
