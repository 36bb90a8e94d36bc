"""Items into lists and members into objects, and out of them: HCL and JSON differ only in what separates them.

A new item is written as the last one is: on a line of its own with the same indentation, or behind it on its line.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import NamedTuple

from bklint.fix.edits import Edit, ends_line, indentation, inserting, line_end, newline, starts_line, without_lines
from bklint.source import Source, Span

_BLANK = re.compile(rb"[ \t\r\n]*")
JSON_COMMENTS = (b"//",)
HCL_COMMENTS = (b"#", b"//")


class Bracketed(NamedTuple):
    """A bracketed text: `start` and `end` of the whole, and its items. `lines`: a line end may separate items (HCL
    objects)."""

    source: Source
    start: int
    end: int
    items: Sequence[Span]
    lines: bool = False

    @property
    def own_lines(self) -> bool:
        """Whether its items stand on lines of their own."""
        data = self.source.data
        if not self.items:
            return b"\n" in data[self.start : self.end]
        return starts_line(data, self.items[-1].start)

    @property
    def indent(self) -> str:
        """The indentation of its items."""
        data = self.source.data
        if self.items and self.own_lines:
            return indentation(data, self.items[-1].start)
        return indentation(data, self.start) + "  "


def put_in(into: Bracketed, new: Sequence[str], padded: bool = False) -> list[Edit]:
    """Add texts behind the last item. `padded`: blanks stand inside brackets on one line, as in HCL objects."""
    source, data = into.source, into.source.data
    end = newline(data, into.start)
    if not into.items:
        return [_first(into, new, end, padded)]
    last = into.items[-1].end
    after = _BLANK.match(data, last)
    at = after.end() if after is not None else last
    trailing = data[at : at + 1] == b","
    if not into.own_lines:
        return [inserting(source, last, "".join(f", {text}" for text in new))]
    comma = "" if into.lines and not trailing else ","
    rows = [f"{end}{into.indent}{text}" for text in new]
    if trailing:
        stop = len(data[: line_end(data, at)].rstrip(b"\r\n"))
        return [inserting(source, stop, "".join(row + "," for row in rows))]
    body = comma.join(rows)
    if ends_line(data, last):
        return [inserting(source, last, comma + body)]
    stop = len(data[: line_end(data, last)].rstrip(b"\r\n"))
    edits = [inserting(source, stop, body)]
    return [inserting(source, last, comma), *edits] if comma else edits


def _first(into: Bracketed, new: Sequence[str], end: str, padded: bool) -> Edit:
    """The edit that fills an empty pair of brackets."""
    source, inner = into.source, Span(into.start + 1, into.end - 1)
    if b"\n" in source.data[inner.start : inner.end]:
        separator = "" if into.lines else ","
        rows = f"{separator}{end}".join(into.indent + text for text in new)
        at = line_end(source.data, inner.start)
        return inserting(source, at, rows + end)
    blank = " " if padded else ""
    return Edit(source, *inner, f"{blank}{', '.join(new)}{blank}".encode())


def take_out(out_of: Bracketed, number: int, comments: tuple[bytes, ...]) -> list[Edit]:
    """Remove one item with the comma that separates it."""
    source, data, items = out_of.source, out_of.source.data, out_of.items
    item = items[number]
    if (
        len(items) == 1
        and not data[out_of.start + 1 : item.start].strip()
        and not _rest(out_of, item).strip(b" \t\r\n,")
    ):
        return [Edit(source, out_of.start + 1, out_of.end - 1, b"")]
    after = _BLANK.match(data, item.end)
    at = after.end() if after is not None else item.end
    if data[at : at + 1] == b",":
        if starts_line(data, item.start):
            return [without_lines(source, item.start, at + 1, comments)]
        following = items[number + 1].start if number + 1 < len(items) else at + 1
        return [Edit(source, item.start, following, b"")]
    if number == 0:
        return [without_lines(source, item.start, item.end, comments)]
    before = items[number - 1].end
    gap = data[before : item.start]
    if not gap.strip(b" \t\r\n,"):
        return [Edit(source, before, item.end, b"")]
    comma = before + gap.find(b",")
    return [Edit(source, comma, comma + 1, b""), without_lines(source, item.start, item.end, comments)]


def _rest(of: Bracketed, item: Span) -> bytes:
    return of.source.data[item.end : of.end - 1]
