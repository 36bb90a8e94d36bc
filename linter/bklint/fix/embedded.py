"""Edits of JSON that stands in a string of a configuration: a heredoc, or a quoted text with escapes.

The JSON is looked at in its own text, and each edit is carried over to the bytes that it is written as.
"""

from __future__ import annotations

from typing import Any

from bklint.fix import json_text, literals
from bklint.fix.edits import Edit, RefusedError
from bklint.fix.tree import parsed, way_to
from bklint.frontends.terraform.embedded_text import EmbeddedPlace
from bklint.source import Source
from bklint.syntax import json
from bklint.syntax.node import Literal, Node, Template


def text_in_string(source: Source, node: Node, text: str) -> str:
    """A text as it is written inside the string that `node` is."""
    if source.data[node.start : node.start + 1] == b'"':
        return literals.hcl_quoted(text)
    return text.replace("${", "$${").replace("%{", "%%{")


def put_json(place: EmbeddedPlace, name: str | None, value: Any) -> tuple[Edit, ...]:
    """Put a member into the object at a place, or an item into the list (`name` is None)."""
    document = place.inner.document
    if not isinstance(document, json.Document):
        raise RefusedError("the text is not JSON")
    if name is None:
        made = json_text.item(document, place.inner.pointer, value)
    else:
        made = json_text.member(document, place.inner.pointer, name, value)
    return tuple(_carried(place, edit) for edit in made)


def _carried(place: EmbeddedPlace, edit: Edit) -> Edit:
    """An edit of the JSON as one of the file. Raises RefusedError where the text is not written as it reads."""
    at = place.composed.place(edit.start - 1, edit.start)
    found = at.locate() if at is not None else None
    if found is None or edit.start != edit.end or found.text.encode() != edit.source.data[edit.start - 1 : edit.start]:
        raise RefusedError("the JSON is composed of parts")
    node = way_to(parsed(found.source).body, found.start, found.end).last
    if not isinstance(node, (Literal, Template)):
        raise RefusedError("the JSON is composed of parts")
    text = edit.new.decode()
    if "\n" in text:
        text = _indented(text, edit.source.data, found.source.data, edit.start, found.end)
    return Edit(found.source, found.end, found.end, text_in_string(found.source, node, text).encode())


def _indented(text: str, inner: bytes, outer: bytes, at: int, outer_at: int) -> str:
    """Lines with the margin that the heredoc has in the file, and its line ends."""
    first_inner = inner[inner.rfind(b"\n", 0, at) + 1 : at]
    first_outer = outer[outer.rfind(b"\n", 0, outer_at) + 1 : outer_at]
    if not first_outer.endswith(first_inner):
        raise RefusedError("the JSON is composed of parts")
    margin = first_outer[: len(first_outer) - len(first_inner)].decode()
    end = "\r\n" if outer[outer.find(b"\n", outer_at) - 1 :][:1] == b"\r" else "\n"
    return text.replace("\r\n", "\n").replace("\n", end + margin)
