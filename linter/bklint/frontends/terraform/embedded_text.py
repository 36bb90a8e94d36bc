"""A string that is composed of pieces → text that can be parsed, and the places of what is found in it.

Literal pieces stand in the text as they are. A piece that is not known is replaced by a numbered stand-in of characters
from Unicode's private use area, in quotes where it stands outside quotes.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple, Protocol

from bklint.frontends.terraform.alignment import Runs, align
from bklint.frontends.terraform.scalars import string_parts
from bklint.model.value import Reason, Unknown, Value, text
from bklint.source import Locator, Place, Source
from bklint.syntax.json import JsonPlace, Pointer

ENCODERS = frozenset({"jsonencode", "yamlencode", "base64encode", "base64gzip", "textencodebase64", "urlencode"})
IN_STRING, BARE, END = "\ue000", "\ue001", "\ue002"
MARK = re.compile(f"[{IN_STRING}{BARE}](\\d+){END}")
MARKS = re.compile(f"[{IN_STRING}{BARE}{END}]")
MAX_LEAVES = 20_000
"""Most pieces of a text whose places are told apart."""

_STRING_EDGE = re.compile(r'\\.|"', re.DOTALL)


class Document(Protocol):
    """A parsed text, as `bklint.syntax.json` and `bklint.syntax.yaml` give it."""

    data: Any

    def place(self, pointer: Pointer, part: str = "value") -> JsonPlace:
        """The place of a value or of a part of it in the text."""
        ...


class Format(NamedTuple):
    """How a text of that format is read, and how a part that is not known is written outside quotes."""

    name: str
    read: Callable[[str], Document]
    quote: str
    plain: Callable[[str], str | bool] | None = None


def encoded_by(value: Value) -> str | None:
    """The encoding function that made a string; its operand is the value's only piece."""
    if len(value.pieces) != 1:
        return None
    for hop in value.trail:
        if hop.kind == "function":
            name = hop.label.removesuffix("()")
            return name if name in ENCODERS else None
    return None


def leaves_of(value: Value) -> list[Value] | None:
    """The pieces a string is composed of, templates in templates opened; None for what is no string."""
    if string_parts(value) is None:
        return None
    if not value.pieces or encoded_by(value) is not None:
        return [value]
    found: list[Value] = []
    for piece in value.pieces:
        inner = leaves_of(piece)
        if inner is None or len(found) > MAX_LEAVES:
            return [value._replace(pieces=())]
        found += inner
    joined = text(tuple([part for leaf in found for part in string_parts(leaf) or ()]))
    return found if joined == value.data else [value._replace(pieces=())]


class _Part(NamedTuple):
    """A stretch of the composed text, in bytes, and the piece it came from."""

    start: int
    end: int
    piece: int


class Composed:
    """The text that is parsed: literal parts as they are, unknown ones as numbered stand-ins.

    `bare` holds the numbers of the pieces that are unknown outside quotes.
    """

    __slots__ = ("_runs", "_size", "_starts", "bare", "leaves", "outer", "parts", "reserved", "stands", "written")

    def __init__(self, leaves: Sequence[Value], form: Format, outer: Locator | None) -> None:
        self.leaves = leaves
        self.outer = outer
        self.parts: list[_Part] = []
        self.stands: list[tuple[Unknown, int]] = []
        self.bare: set[int] = set()
        self.reserved = False
        self._size = 0
        self._runs: dict[int, Runs | None] = {}
        done: list[str] = []
        quoted = False
        for number, leaf in enumerate(leaves):
            encoded = encoded_by(leaf)
            if encoded is not None and not quoted and encoded + form.name in _INVERSE:
                self._stand(done, Unknown(Reason.UNSUPPORTED), number, BARE, form.quote)
                continue
            for part in string_parts(leaf) or ():
                if isinstance(part, Unknown):
                    if not quoted:
                        self.bare.add(number)
                    self._stand(done, part, number, IN_STRING if quoted else BARE, "" if quoted else form.quote)
                else:
                    self._add(done, part, number)
                    self.reserved = self.reserved or MARKS.search(part) is not None
                    quoted = quoted ^ _opens(part) if form.quote else False
        self.written = "".join(done)
        self._starts = [part.start for part in self.parts]

    @property
    def first_unknown(self) -> Unknown | None:
        """The first part that is not known."""
        for leaf in self.leaves:
            if leaf.unknown is not None:
                return leaf.unknown
        return None

    def _add(self, done: list[str], written: str, number: int) -> None:
        done.append(written)
        size = len(written.encode("utf-8", "replace"))
        self.parts.append(_Part(self._size, self._size + size, number))
        self._size += size

    def _stand(self, done: list[str], why: Unknown, number: int, mark: str, quote: str) -> None:
        self._add(done, f"{quote}{mark}{len(self.stands)}{END}{quote}", number)
        self.stands.append((why, number))

    def within(self, start: int, end: int) -> list[_Part]:
        """The parts that a byte range of the text touches."""
        at = max(bisect_right(self._starts, start) - 1, 0)
        found = []
        while at < len(self.parts) and self.parts[at].start < max(end, start + 1):
            if self.parts[at].end > start:
                found.append(self.parts[at])
            at += 1
        return found

    def place(self, start: int, end: int) -> Locator | None:
        """Where a byte range of the text stands in the configuration."""
        parts = self.within(start, end)
        if not parts:
            return self.outer
        first, last = parts[0], parts[-1]
        begin, finish = self._exact(first, start, False), self._exact(last, end, True)
        if begin is not None and finish is not None and begin[0] is finish[0] and begin[1] <= finish[1]:
            place = Place(begin[0], begin[1], finish[1])
            if first is last or self._inside(place):
                return place
        return self.leaves[first.piece].place if first is last else self.outer

    def _exact(self, part: _Part, offset: int, end: bool) -> tuple[Source, int] | None:
        """The source and offset of a byte of the text, None where it does not stand there letter by letter."""
        runs = self._aligned(part.piece)
        return None if runs is None else (runs.source, runs.offset(offset - part.start, end))

    def _aligned(self, number: int) -> Runs | None:
        if number not in self._runs:
            leaf = self.leaves[number]
            written = leaf.data if isinstance(leaf.data, str) else None
            self._runs[number] = align(leaf.place.locate(), written) if leaf.place and written is not None else None
        return self._runs[number]

    def _inside(self, place: Place) -> bool:
        if self.outer is None:
            return False
        outer = self.outer.locate()
        return place.source is outer.source and outer.start <= place.start and place.end <= outer.end


_INVERSE = frozenset({"jsonencodejsondecode", "jsonencodeyamldecode", "yamlencodeyamldecode"})


def _opens(written: str) -> bool:
    """Whether a stretch of JSON ends on the other side of a quote than it began."""
    return sum(match[0] == '"' for match in _STRING_EDGE.finditer(written)) % 2 == 1


class EmbeddedPlace(NamedTuple):
    """The place of a value inside a text, found only when asked for."""

    inner: JsonPlace
    composed: Composed

    def locate(self) -> Place:
        """See Locator."""
        inner = self.inner.locate()
        found = self.composed.place(inner.start, inner.end)
        return inner if found is None else found.locate()
