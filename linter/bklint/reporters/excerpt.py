"""Places into source lines with marks under the exact text, as compilers print them.

Columns of the screen are not code points: a tab takes four, a wide character two, a combining one none, an invisible
one is shown as an escape, and a secret is shown as `***`. So a line is cut into cells first, one for each code point,
and marks are drawn by cells. Of a span over several lines the first line is shown.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import accumulate
from typing import NamedTuple
from unicodedata import category, east_asian_width

from bklint.reporters import mask
from bklint.reporters.paint import Paint
from bklint.source import Place, Source

TAB = 4
MARGIN = 24
"""Cells shown before a mark in a line that is too long to be shown whole."""

_SLICE = 2000
"""Code points on either side of a mark that are looked at: a whole minified template may be one line."""


class Mark(NamedTuple):
    """A place to show; the primary one is underlined with `^`, others with `-`."""

    place: Place
    label: str = ""
    primary: bool = False


class _Spot(NamedTuple):
    """A mark on its line: 1-based line, 0-based first and last (exclusive) code point."""

    mark: Mark
    line: int
    start: int
    end: int


def excerpt(marks: Sequence[Mark], paint: Paint, width: int) -> Iterator[str]:
    """The lines that show these marks: a block for each file, that of the first mark first."""
    spots = [_spot(mark) for mark in marks if mark.place.source.data]
    gutter = len(str(max((spot.line for spot in spots), default=0)))
    names = list(dict.fromkeys(mark.place.source.name for mark in marks))
    for name in names:
        first = next(mark for mark in marks if mark.place.source.name == name)
        arrow = "-->" if name == names[0] else ":::"
        yield f"{' ' * gutter}{paint(arrow, 'gutter')} {paint.file(location(first.place), name)}"
        inside = sorted((s for s in spots if s.mark.place.source.name == name), key=lambda s: s.line)
        yield from _block(inside, gutter, paint, width)


def location(place: Place) -> str:
    """`file:line:column`, the id and property of a resource read from Azure, or the name alone of a source without text."""
    name = mask.escaped(place.source.name)
    if place.source.link:
        return " ".join(filter(None, (name, mask.escaped(place.source.member(place.start)))))
    if not place.source.data:
        return name
    line, column = place.position
    return f"{name}:{line}:{column}"


def _spot(mark: Mark) -> _Spot:
    start, end = mark.place.position, mark.place.end_position
    first = start.column - 1
    if end.line == start.line:
        return _Spot(mark, start.line, first, max(end.column - 1, first + 1))
    whole = len(mark.place.source.line_text(start.line).rstrip())
    return _Spot(mark, start.line, first, max(whole, first + 1))


def _block(spots: list[_Spot], gutter: int, paint: Paint, width: int) -> Iterator[str]:
    if not spots:
        return
    bar = paint("|", "gutter")
    yield f"{' ' * gutter} {bar}"
    before = spots[0].line
    for line in dict.fromkeys(spot.line for spot in spots):
        if line > before + 1:
            yield paint("...", "gutter")
        live = bool(spots[0].mark.place.source.link)  # its text is no file, so its lines have no numbers
        number = " " * gutter if live else paint(f"{line:>{gutter}}", "gutter")
        pending = [spot for spot in spots if spot.line == line]
        while pending:
            shown, rows, pending = _line(pending, width - gutter - 3, paint)
            yield f"{number} {bar} {shown}".rstrip()
            yield from (f"{' ' * gutter} {bar} {row}" for row in rows)
        before = line
    yield f"{' ' * gutter} {bar}"


def _line(spots: list[_Spot], width: int, paint: Paint) -> tuple[str, list[str], list[_Spot]]:
    """A source line around the first mark, the rows of marks under it, and the marks that were out of sight."""
    first = min(spots, key=lambda spot: not spot.mark.primary)
    source = first.mark.place.source
    cells, base = _cells(source.line_text(first.line), first, source)
    edges = list(accumulate(map(display_width, cells), initial=0))
    low, high = _window(edges, first.start - base, width)
    dots = "…" if low or base else ""
    shown = dots + "".join(cells[low:high]) + ("…" if high < len(cells) else "")
    rows, hidden = [], []
    for spot in spots:
        start, end = spot.start - base, min(spot.end - base, high)
        if spot is not first and not low <= start < max(high, low + 1):
            hidden.append(spot)
            continue
        rows.append(_row(spot.mark, *_extent(edges, low, start, end), len(dots), paint))
    return shown, rows, hidden


def _extent(edges: list[int], low: int, start: int, end: int) -> tuple[int, int]:
    """First column and length of a mark, in columns of the screen from the start of the window."""
    last = len(edges) - 1
    left = edges[min(start, last)] - edges[low] + max(0, start - last)
    right = edges[min(max(end, start), last)] - edges[low]
    return left, max(1, right - left)


def _row(mark: Mark, left: int, length: int, dots: int, paint: Paint) -> str:
    sign = "^" if mark.primary else "-"
    text = sign * length + (f" {mark.label}" if mark.label else "")
    return " " * (left + dots) + paint(text, "primary" if mark.primary else "secondary")


def _cells(text: str, spot: _Spot, source: Source) -> tuple[list[str], int]:
    """What is shown for each code point of a line, or of its part around a mark, and where that part starts."""
    base = max(0, spot.start - _SLICE)
    part = text[base : spot.start + _SLICE].rstrip()
    cells = [_shown(character) for character in part]
    for at in mask.commands(part):
        cells[at] = mask.escape(part[at])
    for start, end in mask.line_ranges(source, spot.line, part):
        cells[start:end] = [mask.HIDDEN] + [""] * (end - start - 1)
    return cells, base


def _shown(character: str) -> str:
    if character == "\t":
        return " " * TAB
    return mask.escape(character) if mask.is_invisible(character) else character


def _window(edges: list[int], start: int, width: int) -> tuple[int, int]:
    """The range of cells to show: all where they fit, else `width` columns around the cell `start`."""
    cells = len(edges) - 1
    if edges[-1] <= width:
        return 0, cells
    from_column = max(0, min(edges[min(start, cells)] - MARGIN, edges[-1] - width + 2))
    low = next(index for index in range(cells + 1) if edges[index] >= from_column)
    high = next((index for index in range(low, cells) if edges[index + 1] - edges[low] > width - 2), cells)
    return low, high


def display_width(text: str) -> int:
    """How many columns of a screen a text without control characters takes."""
    if text.isascii():
        return len(text)
    return sum(0 if category(c) in ("Mn", "Me", "Cf") else 2 if east_asian_width(c) in "WF" else 1 for c in text)
