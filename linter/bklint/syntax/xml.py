"""XML into a small tree with byte ranges, by the expat of the standard library.

Entities and document types are refused, because a few lines of them expand to gigabytes and can name files. Names are
kept without their namespace: in the files that are read here, prefixes vary and never tell two elements apart.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from bklint.errors import InputError, LimitError
from bklint.syntax.words import bounded

MAX_DEPTH = 256
"""Deepest nesting of elements that is read."""


class Element:
    """An element: its local name, attributes by local name, children, the text directly in it, and its byte range.

    `inner_start` and `inner_end` are the range between its tags.
    """

    __slots__ = ("attributes", "children", "end", "inner_end", "inner_start", "name", "parent", "start", "text")

    def __init__(self, name: str, attributes: dict[str, str], start: int, parent: Element | None) -> None:
        self.name = name
        self.attributes = attributes
        self.children: list[Element] = []
        self.text = ""
        self.start = start
        self.end = self.inner_start = self.inner_end = start
        self.parent = parent

    def __repr__(self) -> str:
        return f"Element({self.name!r})"

    def walk(self) -> Iterator[Element]:
        """The element and all below it, in the order they are written."""
        pending = [self]
        while pending:
            element = pending.pop()
            yield element
            pending.extend(reversed(element.children))

    def find(self, name: str) -> Element | None:
        """The first element below of that name, ignoring case."""
        wanted = name.casefold()
        return next((each for each in self.walk() if each is not self and each.name.casefold() == wanted), None)

    def every(self, name: str) -> list[Element]:
        """All elements below of that name, ignoring case."""
        wanted = name.casefold()
        return [each for each in self.walk() if each is not self and each.name.casefold() == wanted]

    def get(self, name: str) -> str | None:
        """An attribute, ignoring case."""
        wanted = name.casefold()
        return next((value for key, value in self.attributes.items() if key.casefold() == wanted), None)


_TAG_END = re.compile(rb"(?:\"[^\"]*\"|'[^']*'|[^\"'>])*>")


def parse(data: bytes) -> Element:
    """The root element. Raises InputError for what is no XML, LimitError for what is too long or deep."""
    from xml.parsers import expat

    bounded(data, "an XML text")
    reader = _Reader(data, expat.ParserCreate("utf-8"))
    try:
        reader.parser.Parse(data, True)
    except expat.ExpatError as error:
        raise InputError(f"no XML: {expat.ErrorString(error.code)}", reader.parser.ErrorByteIndex) from error
    if reader.root is None:
        raise InputError("no XML: no element")
    return reader.root


class _Reader:
    def __init__(self, data: bytes, parser: object) -> None:
        from typing import Any, cast

        self.data = data
        self.parser: Any = cast(Any, parser)
        self.root: Element | None = None
        self.open: Element | None = None
        self.depth = 0
        self.parser.StartElementHandler = self.start
        self.parser.EndElementHandler = self.end
        self.parser.CharacterDataHandler = self.characters
        self.parser.StartDoctypeDeclHandler = self.doctype
        self.parser.buffer_text = True

    def start(self, name: str, attributes: dict[str, str]) -> None:
        self.depth += 1
        at = self.parser.CurrentByteIndex
        if self.depth > MAX_DEPTH:
            raise LimitError(f"elements nested deeper than {MAX_DEPTH} levels", at)
        local = {key.rpartition(":")[2]: value for key, value in attributes.items()}
        element = Element(name.rpartition(":")[2], local, at, self.open)
        tag = _TAG_END.match(self.data, at)
        element.inner_start = tag.end() if tag else at
        if self.open is None:
            self.root = self.root or element
        else:
            self.open.children.append(element)
        self.open = element

    def end(self, name: str) -> None:
        element = self.open
        assert element is not None
        self.depth -= 1
        at = self.parser.CurrentByteIndex
        if at <= element.start or self.data[element.inner_start - 2 : element.inner_start] == b"/>":  # `<a/>`
            element.end = element.inner_end = element.inner_start
        else:
            tag = _TAG_END.match(self.data, at)
            element.inner_end, element.end = at, tag.end() if tag else at
        self.open = element.parent

    def characters(self, text: str) -> None:
        if self.open is not None:
            self.open.text += text

    def doctype(self, *_: object) -> None:
        raise InputError("document types and entities are not read", self.parser.CurrentByteIndex)
