"""Source documents and places in them.

A span is a half-open **byte** range in the UTF-8 bytes of the document. Lines and columns are computed only when asked
for: both 1-based, columns in code points (what SARIF calls `unicodeCodePoints`). A byte-order mark and CRLF stay in
the bytes and count as any other byte in spans; the byte-order mark counts no column. UTF-16 input (what Windows
PowerShell's `>` writes) is transcoded once, and such a source is not `fixable`.
"""

from __future__ import annotations

from bisect import bisect_right
from itertools import accumulate
from typing import NamedTuple, Protocol

from bklint.errors import InputError

BOM = b"\xef\xbb\xbf"

_BLOCK = 4096
_CONTINUATION = bytes(range(0x80, 0xC0))


def _trailing(data: bytes) -> int:
    """How many bytes begin no code point."""
    return len(data) - len(data.translate(None, _CONTINUATION))


class Position(NamedTuple):
    """Line and column, both 1-based; the column counts code points."""

    line: int
    column: int


class Span(NamedTuple):
    """A half-open byte range."""

    start: int
    end: int


def utf8(data: bytes) -> bytes:
    """The start of a text that may be UTF-16 with a byte-order mark, as UTF-8."""
    if data.startswith((b"\xff\xfe", b"\xfe\xff")):
        return data.decode("utf-16", "ignore").encode("utf-8", "ignore")
    return data


class Source:
    """One input document: its display name (a `/`-separated path), its UTF-8 bytes and a line index made on demand."""

    __slots__ = ("_counts", "_lines", "data", "fixable", "name")

    def __init__(self, name: str, data: bytes, *, fixable: bool = True) -> None:
        self.name = name
        self.data = data
        self.fixable = fixable
        self._lines: list[int] | None = None
        self._counts: list[int] | None = None

    @classmethod
    def of(cls, name: str, raw: bytes) -> Source:
        """The document of the bytes `raw`. Raises InputError at the first that is no UTF-8 (or UTF-16 with mark)."""
        for mark, codec in ((b"\xff\xfe", "utf-16-le"), (b"\xfe\xff", "utf-16-be")):
            if raw.startswith(mark):
                try:
                    return cls(name, raw[2:].decode(codec).encode("utf-8"), fixable=False)
                except UnicodeDecodeError as error:
                    raise InputError(f"not valid UTF-16: {error.reason}", error.start + len(mark)) from error
        try:
            raw.decode("utf-8")
        except UnicodeDecodeError as error:
            raise InputError(f"not valid UTF-8: byte 0x{raw[error.start]:02x}", error.start) from error
        return cls(name, raw)

    def __repr__(self) -> str:
        return f"Source({self.name!r})"

    @property
    def link(self) -> str:
        """The web page that shows it, of a resource read from Azure; empty for a document."""
        return ""

    def member(self, offset: int) -> str:
        """The property path of what starts at a byte offset, of a resource read from Azure; empty for a document."""
        return ""

    @property
    def lines(self) -> list[int]:
        """Byte offsets at which the lines start."""
        if self._lines is None:
            starts, at = [0], self.data.find(b"\n")
            while at >= 0:
                starts.append(at + 1)
                at = self.data.find(b"\n", at + 1)
            self._lines = starts
        return self._lines

    def position(self, offset: int) -> Position:
        """Line and column of a byte offset. An offset past the end is the end."""
        offset = max(0, min(offset, len(self.data)))
        while 0 < offset < len(self.data) and self.data[offset] & 0xC0 == 0x80:
            offset -= 1
        line = bisect_right(self.lines, offset)
        start = self.lines[line - 1]
        if start == 0 and self.data.startswith(BOM):
            start = min(offset, len(BOM))
        return Position(line, self._code_points(start, offset) + 1)

    def _code_points(self, start: int, end: int) -> int:
        """How many code points begin in a byte range. A 40 MB plan on one line must not be decoded for each finding."""
        if end - start <= _BLOCK:
            return end - start - _trailing(self.data[start:end])
        return end - start - (self._trailing_before(end) - self._trailing_before(start))

    def _trailing_before(self, offset: int) -> int:
        """How many bytes before `offset` begin no code point; counted once for the blocks of the document."""
        if self._counts is None:
            blocks = range(0, 0 if self.data.isascii() else len(self.data), _BLOCK)
            self._counts = list(accumulate((_trailing(self.data[at : at + _BLOCK]) for at in blocks), initial=0))
        if len(self._counts) == 1:
            return 0
        block = offset // _BLOCK
        return self._counts[block] + _trailing(self.data[block * _BLOCK : offset])

    def line_text(self, line: int) -> str:
        """The text of a 1-based line, without its line end and byte-order mark."""
        start = self.lines[line - 1]
        end = self.lines[line] if line < len(self.lines) else len(self.data)
        return self.data[start:end].removeprefix(BOM if start == 0 else b"").decode("utf-8", "replace").rstrip("\r\n")

    def text(self, start: int, end: int) -> str:
        """The text of a byte range."""
        return self.data[start:end].decode("utf-8", "replace")


class Place(NamedTuple):
    """A byte range of a source: what a finding points at."""

    source: Source
    start: int
    end: int

    @classmethod
    def at(cls, source: Source, offset: int) -> Place:
        """The byte at an offset, as a parser names the place of an error. Behind the end, where the text ends too early,
        the place is the end."""
        start = min(offset, len(source.data))
        return cls(source, start, min(start + 1, len(source.data)))

    def locate(self) -> Place:
        """Itself; see `Locator`."""
        return self

    @property
    def text(self) -> str:
        """The text at this place."""
        return self.source.text(self.start, self.end)

    @property
    def position(self) -> Position:
        """Line and column where the place starts."""
        return self.source.position(self.start)

    @property
    def end_position(self) -> Position:
        """Line and column just after the place."""
        return self.source.position(self.end)


class Locator(Protocol):
    """Something that knows its place: a `Place`, or a pointer into JSON that is looked up only when asked."""

    def locate(self) -> Place:
        """The place. May parse the document again; raises nothing."""
        ...
