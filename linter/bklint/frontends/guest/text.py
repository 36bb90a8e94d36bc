"""Text that runs or is read inside a machine: its bytes, and for each byte its place in the file a person edits.

A text is a file as it is, or composed of the pieces of a value (a heredoc with interpolations), or part of another text
(a script in a cloud-config). What is not known of it stands in it as a *mark*, a numbered word of private-use
characters that no grammar gives a meaning, so that the commands around it still parse.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Callable, Sequence
from itertools import pairwise
from typing import TYPE_CHECKING, NamedTuple

from bklint.model.value import Reason, Unknown, Value, parts_of, text
from bklint.source import Locator, Place, Source

if TYPE_CHECKING:
    from bklint.frontends.terraform.alignment import Runs

_OPEN, _CLOSE = "\ue000", "\ue002"
_MARK = re.compile(f"{_OPEN}(\\d+){_CLOSE}")
_RESERVED = re.compile(f"[{_OPEN}{_CLOSE}]")

MAX_NESTING = 8
"""Deepest nesting of texts in texts (a command in a script in a cloud-config in a MIME part)."""


def align(place: Place, written: str) -> Runs | None:
    """How a text runs along the bytes of its place; imported when there is one, since it is of another front-end."""
    from bklint.frontends.terraform import alignment

    return alignment.align(place, written)


class Unknowns:
    """What the marks in a text and in all texts within it stand for."""

    def __init__(self) -> None:
        self._known: list[Unknown] = []

    def mark(self, why: Unknown) -> str:
        """A word that stands for something not known."""
        self._known.append(why)
        return f"{_OPEN}{len(self._known) - 1}{_CLOSE}"

    def unread(self, cause: str, place: Locator | None, reason: Reason = Reason.UNSUPPORTED) -> str:
        """A word that stands for an expression of a script that is not evaluated."""
        return self.mark(Unknown(reason, cause, place))

    def first(self, written: str) -> Unknown | None:
        """What the first mark in a text stands for."""
        match = _MARK.search(written)
        return None if match is None else self._get(match)

    def value(self, written: str, place: Locator | None) -> Value:
        """A text with marks as a value."""
        parts: list[str | Unknown] = []
        at = 0
        for match in _MARK.finditer(written):
            parts += [written[at : match.start()], self._get(match)]
            at = match.end()
        parts.append(written[at:])
        kept = [part for part in parts if part != ""]
        if len(kept) == 1 and isinstance(kept[0], Unknown):
            return Value(kept[0], place)
        return Value(text(tuple(parts)), place)

    def _get(self, match: re.Match[str]) -> Unknown:
        number = int(match[1])
        return self._known[number] if number < len(self._known) else Unknown(Reason.UNSUPPORTED, "unknown text")


def marked(written: str) -> bool:
    """Whether a text has a part that is not known."""
    return _OPEN in written


class _Piece(NamedTuple):
    """A stretch of the text in bytes; `runs` says where it stands, `whole` the place of all of it. `own`: it came
    through nothing (a variable, a function) before it became a part of the text."""

    start: int
    end: int
    runs: Runs | None
    whole: Place | None
    own: bool = True


class GuestText:
    """A text to be parsed. `name` tells its kind where content does not (the path it is written to), `depth` how many
    texts it is in."""

    __slots__ = ("_outer", "_parent", "_pieces", "_starts", "_stretches", "depth", "name", "source", "unknowns")

    def __init__(
        self,
        source: Source,
        unknowns: Unknowns,
        pieces: Sequence[_Piece] = (),
        outer: Place | None = None,
        parent: GuestText | None = None,
    ) -> None:
        self.source = source
        self.unknowns = unknowns
        self.name = source.name
        self.depth: int = 0 if parent is None else parent.depth + 1
        self._pieces = pieces
        self._starts = [piece.start for piece in pieces]
        self._stretches: list[_Stretch | None] | None = None
        self._outer = outer
        self._parent = parent

    @property
    def data(self) -> bytes:
        """The bytes that are parsed."""
        return self.source.data

    def place(self, start: int, end: int) -> Place:
        """Where a byte range of the text stands."""
        if not self._pieces:
            found = Place(self.source, start, end)
            return found if self._outer is None else self._outer
        first = max(bisect_right(self._starts, start) - 1, 0)
        last = max(bisect_right(self._starts, max(end - 1, start)) - 1, 0)
        exact = self._exact(first, last, start, end)
        if exact is not None:
            return exact
        whole = self._pieces[first].whole if first == last else self._outer or self._pieces[first].whole
        return whole if whole is not None else self._outer or Place(self.source, start, end)

    def _exact(self, first: int, last: int, start: int, end: int) -> Place | None:
        head, tail = self._stretch(first), self._stretch(last)
        if head is None or tail is None or head.source is not tail.source:
            return None
        begin, finish = head.begin(start), tail.finish(end)
        if begin > finish:
            return None
        if self._parent is not None:
            return self._parent.place(begin, finish)
        return Place(head.source, begin, finish)

    def _stretch(self, number: int) -> _Stretch | None:
        """Where a piece stands in the text that a person edits: its letters, or the `${…}` that it comes from."""
        if self._stretches is None:
            self._stretches = _stretches(self._pieces)
        return self._stretches[number]


class _Stretch(NamedTuple):
    """A piece in a source: its letters as `runs` has them from the byte `at` of the text on, or a range as a whole."""

    source: Source
    at: int
    runs: Runs | None
    start: int = 0
    end: int = 0

    def begin(self, offset: int) -> int:
        """The byte of the source at which an offset of the text stands."""
        return self.runs.offset(offset - self.at) if self.runs is not None else self.start

    def finish(self, offset: int) -> int:
        """The byte of the source behind the one that an offset of the text is behind."""
        return self.runs.offset(offset - self.at, True) if self.runs is not None else self.end


def _stretches(pieces: Sequence[_Piece]) -> list[_Stretch | None]:
    """What is interpolated is written elsewhere, or nowhere; it stands at the `${…}` between its neighbours.

    Which pieces are the template's own: those in the source that has most of them, in the order of the text.
    """
    found: list[_Stretch | None] = [
        _Stretch(piece.runs.source, piece.start, piece.runs) if piece.runs is not None else None for piece in pieces
    ]
    if len(pieces) < 2:
        return found
    sizes: dict[str, int] = {}
    for piece in pieces:
        if piece.runs is not None and piece.own:
            sizes[piece.runs.source.name] = sizes.get(piece.runs.source.name, 0) + piece.end - piece.start
    main = max(sizes, key=lambda name: sizes[name], default="")
    own = [number for number, piece in enumerate(pieces) if _is_own(piece, main)]
    for before, after in pairwise([*own, len(pieces)]):
        stretch = found[before]
        if stretch is None or after == before + 1:
            continue
        opened = _OPENED.match(stretch.source.data, stretch.finish(pieces[before].end))
        if opened is None:
            continue
        start, following = opened.start(1), found[after] if after < len(pieces) else None
        end = following.begin(pieces[after].start) if following is not None else _closed(opened)
        if end > start:
            found[before + 1 : after] = [_Stretch(stretch.source, 0, None, start, end)] * (after - before - 1)
    return found


def _is_own(piece: _Piece, main: str) -> bool:
    return piece.own and piece.runs is not None and piece.runs.source.name == main


_OPENED = re.compile(rb"[ \t]*(\$?\$\{|%?%\{)")
_BRACES = re.compile(rb"[{}]")


def _closed(opened: re.Match[bytes]) -> int:
    """The end of a `${…}`, braces counted; its start where it has none."""
    depth = 0
    for match in _BRACES.finditer(opened.string, opened.start(1)):
        depth += 1 if match[0] == b"{" else -1
        if depth == 0:
            return match.end()
    return opened.start(1)


def of_file(source: Source) -> GuestText:
    """The text of a file."""
    return GuestText(source, Unknowns())


def within(outer: GuestText, start: int, end: int, written: str, name: str = "") -> GuestText:
    """A text that is written in a byte range of another one, maybe with escapes or indentation."""
    raw = written.encode("utf-8", "replace")
    source = Source(name or outer.name, raw, fixable=False)
    runs = align(Place(outer.source, start, end), written) or _block(outer.source, start, end, written)
    if runs is None:
        made = GuestText(source, outer.unknowns, (), outer.place(start, end), outer)
    else:
        made = GuestText(source, outer.unknowns, [_Piece(0, len(raw), runs, None)], outer.place(start, end), outer)
    return made


def _block(source: Source, start: int, end: int, written: str) -> Runs | None:
    """A block scalar of YAML: its header line goes, and the indentation of the others."""
    data = source.data
    if data[start : start + 1] not in (b"|", b">"):
        return None
    line = data.find(b"\n", start, end)
    if line < 0:
        return None
    trimmed = written.rstrip("\n")
    return align(Place(source, line + 1, end), trimmed) or align(Place(source, line + 1, end), written)


def of_value(
    value: Value, name: str, at: Locator | None = None, hides: Callable[[Value], bool] = lambda _: False
) -> GuestText | None:
    """The text a string value holds; None for what is no string or wholly unknown. `at` is the attribute that has it,
    where the value was taken out of another one. `hides` tells the pieces that are read as texts of their own."""
    if value.unknown is not None and isinstance(value.data, Unknown) and not value.pieces:
        return None
    pieces_of = leaves(value)
    if pieces_of is None:
        return None
    unknowns = Unknowns()
    attribute = at or value.used_at
    outer = attribute.locate() if attribute is not None else None
    region = value.place.locate() if value.place is not None else None
    written: list[str] = []
    pieces: list[_Piece] = []
    size = 0
    for leaf in pieces_of:
        for part in (_HIDDEN,) if hides(leaf) else parts_of(leaf) or ():
            known = isinstance(part, str)
            piece = _RESERVED.sub("???", part) if isinstance(part, str) else unknowns.mark(part)
            length = len(piece.encode("utf-8", "replace"))
            whole = leaf.place.locate() if leaf.place is not None else None
            runs = align(whole, leaf.data) if known and whole is not None and isinstance(leaf.data, str) else None
            pieces.append(_Piece(size, size + length, runs, whole, not leaf.hops and _inside(whole, region)))
            written.append(piece)
            size += length
    if not any(not marked(piece) and piece.strip() for piece in written):
        return None
    source = Source(name, "".join(written).encode("utf-8", "replace"), fixable=False)
    return GuestText(source, unknowns, pieces, outer)


_HIDDEN = Unknown(Reason.UNSUPPORTED, "an encoded text")


def _inside(place: Place | None, region: Place | None) -> bool:
    """Whether a piece is not known to stand outside of the expression that it is a part of the value of."""
    if place is None or region is None or place.source.name != region.source.name:
        return True
    return region.start <= place.start and place.end <= region.end


def leaves(value: Value) -> list[Value] | None:
    """The pieces a string is composed of, in order; None for what is no string."""
    found: list[Value] = []
    pending = [value]
    while pending:
        piece = pending.pop()
        parts = parts_of(piece)
        if parts is None:
            return None
        inner = [parts_of(part) for part in piece.pieces]
        if piece.pieces and None not in inner:
            joined = text(tuple([part for parts_ in inner for part in parts_ or ()]))
            if joined == text(parts):
                pending.extend(reversed(piece.pieces))
                continue
        found.append(piece)
    return found
