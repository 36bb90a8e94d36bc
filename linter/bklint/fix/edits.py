"""Edits of bytes: what is replaced by what, applied together or not at all.

An edit is a half-open byte range of one source and its new bytes. Edits of one file are given in its offsets before any
of them; two insertions at one offset stand in the order in which they were made.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import pairwise
from typing import NamedTuple

from bklint.source import BOM, Place, Source


class RefusedError(Exception):
    """A fix is not applied; the message says why, in words that follow "not applied:"."""


class Edit(NamedTuple):
    """The bytes from `start` to `end` become `new`."""

    source: Source
    start: int
    end: int
    new: bytes

    @property
    def name(self) -> str:
        """The file, as displayed."""
        return self.source.name

    @property
    def old(self) -> bytes:
        """The bytes that are replaced."""
        return self.source.data[self.start : self.end]


def replacing(place: Place, new: str) -> Edit:
    """The edit that puts a text in the place of another one."""
    return Edit(place.source, place.start, place.end, new.encode("utf-8"))


def inserting(source: Source, at: int, new: str) -> Edit:
    """The edit that puts a text in front of a byte."""
    return Edit(source, at, at, new.encode("utf-8"))


def united(edits: Iterable[Edit]) -> tuple[Edit, ...]:
    """Edits of any files in order, equal ones once. Raises RefusedError where two of them overlap."""
    found: dict[tuple[str, int, int, bytes], Edit] = {}
    for edit in edits:
        found.setdefault((edit.name, edit.start, edit.end, edit.new), edit)
    ordered = sorted(found.values(), key=lambda edit: (edit.name, edit.start, edit.end))
    for before, after in pairwise(ordered):
        if before.name == after.name and after.start < before.end:
            raise RefusedError(f"two changes overlap in {before.name}")
    return tuple(ordered)


def applied(data: bytes, edits: Sequence[Edit]) -> bytes:
    """The bytes after edits of one file, which are in order and do not overlap."""
    parts, at = [], 0
    for edit in edits:
        parts += [data[at : edit.start], edit.new]
        at = edit.end
    return b"".join((*parts, data[at:]))


# -- lines -----------------------------------------------------------------------------------------------------------


def line_start(data: bytes, at: int) -> int:
    """The offset at which the line of a byte starts."""
    return data.rfind(b"\n", 0, at) + 1


def line_end(data: bytes, at: int) -> int:
    """The offset after the line end of the line of a byte."""
    found = data.find(b"\n", at)
    return len(data) if found < 0 else found + 1


def indentation(data: bytes, at: int) -> str:
    """The blanks that the line of a byte starts with."""
    start = line_start(data, at)
    line = data[start : line_end(data, at)].removeprefix(BOM)
    return line[: len(line) - len(line.lstrip(b" \t"))].decode("ascii")


def newline(data: bytes, at: int) -> str:
    """How the line of a byte ends, or the one before it where it is the last."""
    end = data.find(b"\n", at)
    end = end if end >= 0 else data.rfind(b"\n", 0, at)
    return "\r\n" if end > 0 and data[end - 1 : end] == b"\r" else "\n"


def starts_line(data: bytes, at: int) -> bool:
    """Whether nothing but blanks stands before a byte on its line."""
    return not data[line_start(data, at) : at].removeprefix(BOM).strip(b" \t")


def ends_line(data: bytes, at: int) -> bool:
    """Whether nothing but blanks stands behind an offset on its line."""
    return not data[at : line_end(data, at)].strip()


def without_lines(source: Source, start: int, end: int, comments: tuple[bytes, ...]) -> Edit:
    """The edit that removes a text that fills its lines, with a comment that stands above it and belongs to nothing
    else, and one of two blank lines that would meet. A text that shares its lines is removed alone."""
    data = source.data
    if not (starts_line(data, start) and ends_line(data, end)):
        return Edit(source, start, end, b"")
    last = line_end(data, end)
    first = max(_with_comment(data, line_start(data, start), last, comments), _text_start(data))
    blank_before = first == _text_start(data) or not data[line_start(data, first - 1) : first].strip()
    opened = first > 0 and data[:first].rstrip().endswith((b"{", b"["))
    blank_after = last < len(data) and not data[last : line_end(data, last)].strip()
    if blank_after and (blank_before or opened):
        last = line_end(data, last)
    elif blank_before and first > _text_start(data) and (last == len(data) or data[last:].lstrip()[:1] in (b"}", b"]")):
        first = line_start(data, first - 1)
    return Edit(source, first, last, b"")


def _text_start(data: bytes) -> int:
    """The offset after the byte-order mark."""
    return len(BOM) if data.startswith(BOM) else 0


def _with_comment(data: bytes, first: int, last: int, comments: tuple[bytes, ...]) -> int:
    """Where the paragraph of a text starts: comment lines above it belong to it where it is all that follows them."""
    following = data[last : line_end(data, last)].strip()
    if following and not following.startswith((b"}", b"]")):
        return first
    at = first
    while at > 0:
        above = line_start(data, at - 1)
        if not data[above:at].strip().startswith(comments):
            break
        at = above
    return at
