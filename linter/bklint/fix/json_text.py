"""Edits of JSON text: members and items in the manner of those that are there."""

from __future__ import annotations

from typing import Any

from bklint.fix import literals
from bklint.fix.edits import Edit, RefusedError, indentation, newline
from bklint.fix.sequences import JSON_COMMENTS, Bracketed, put_in, take_out
from bklint.source import Span
from bklint.syntax.json import Document, Pointer


def node_at(document: Document, pointer: Pointer) -> Any:
    """The data at a pointer. Raises RefusedError where there is none."""
    node = document.data
    for step in pointer:
        try:
            node = node[step]
        except (KeyError, IndexError, TypeError):
            raise RefusedError("the value is not written where it is read") from None
    return node


def _bracketed(document: Document, pointer: Pointer) -> Bracketed:
    """The container at a pointer and the ranges of its members, key included."""
    node = node_at(document, pointer)
    steps: list[Any] = list(node) if isinstance(node, dict) else list(range(len(node)))
    places = [document.place((*pointer, step), "member").locate() for step in steps]
    whole = document.place(pointer).locate()
    items = sorted(Span(place.start, place.end) for place in places)
    return Bracketed(document.source, whole.start, whole.end, items)


def member(document: Document, pointer: Pointer, name: str, value: Any) -> list[Edit]:
    """Put a member into the object at a pointer. Raises RefusedError where there is none."""
    node = node_at(document, pointer)
    if not isinstance(node, dict):
        raise RefusedError("the object is an expression")
    into = _bracketed(document, pointer)
    return put_in(into, [f"{literals.as_json(name)}{_colon(document, pointer, node)} {_text(into, value)}"])


def _colon(document: Document, pointer: Pointer, node: dict[str, Any]) -> str:
    """How the last member's name is set off: `:`, or ` :` as some write it."""
    if not node:
        return ":"
    last = next(reversed(node))
    key = document.place((*pointer, last), "key").locate()
    value = document.place((*pointer, last)).locate()
    return " :" if document.source.data[key.end : value.start].startswith(b" ") else ":"


def item(document: Document, pointer: Pointer, value: Any) -> list[Edit]:
    """Put an item into the list at a pointer. Raises RefusedError where there is none."""
    if not isinstance(node_at(document, pointer), list):
        raise RefusedError("the list is an expression")
    into = _bracketed(document, pointer)
    return put_in(into, [_text(into, value)])


def _text(into: Bracketed, value: Any) -> str:
    data = into.source.data
    if not into.own_lines:
        return literals.as_json(value)
    outer, inner = indentation(data, into.start), into.indent
    unit = inner.removeprefix(outer) if inner.startswith(outer) else "  "
    return literals.as_json(value, inner, newline(data, into.start), unit or "  ")


def without(document: Document, pointer: Pointer) -> list[Edit]:
    """Remove a member or an item."""
    out_of = _bracketed(document, pointer[:-1])
    place = document.place(pointer, "member").locate()
    number = next((n for n, span in enumerate(out_of.items) if span.start == place.start), None)
    if number is None:
        raise RefusedError("it is not written where it is read")
    return take_out(out_of, number, JSON_COMMENTS)
