"""Suppressions as they are written in files: comments (`# bklint: ignore[BKP301] reason`) and ARM `metadata.bklint`.

A comment behind code means that line; one behind the header of a block means the block. A comment on a line of its own
means what follows it, or, as the first thing in a block, that block. In HCL and JSON the syntax tree says what that
is; in scripts it is the next line. Only files that hold the word `bklint` are looked into.
"""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import islice
from typing import TYPE_CHECKING, Any, NamedTuple

from bklint.checking import one_of
from bklint.errors import InputError
from bklint.records import dataclass
from bklint.source import BOM, Place, Source, Span
from bklint.syntax.node import Attribute, Body, Call, Expr, ObjectExpr, TupleExpr

if TYPE_CHECKING:
    from bklint.syntax.bicep import Declaration

MARK = b"bklint"
"""What a file must hold to be looked into."""

MAX_COMMENTS = 1000
"""Most suppressions of one file that are read; those beyond it have no effect."""

MAX_LINES = 20 * MAX_COMMENTS
"""Most lines of one file that are looked at for suppressions in scripts."""

MAX_STACKED = 50
"""Most lines of comments between a suppression and what it means."""

VERBS = ("ignore", "ignore-file")
HOW = "write `bklint: ignore[BKP301] reason`"

_DIRECTIVE = re.compile(
    r"^[ \t]*(?:#+|//+|/\*+|<#|\*|;+|::|rem\b)?[ \t]*(?P<all>bklint:[ \t]*(?P<verb>[\w-]*)[ \t]*"
    r"(?:\[(?P<ids>[^\]\r\n]*)\])?(?P<rest>[^\r\n]*))",
    re.MULTILINE | re.IGNORECASE,
)
_LINE_COMMENT = re.compile(rb"(?:(?<=\s)|^)(?:#|//|::|;|rem[ \t])[ \t]*bklint:[^\r\n]*", re.MULTILINE | re.IGNORECASE)
_COMMENT_LINE = re.compile(rb"[ \t]*(?:#|//|::|;|$)")
_UNTIL = re.compile(r"(?:^|[\s,;(])until[ \t]*=[ \t]*(?P<day>[^\s,;)]*)")


class Region(NamedTuple):
    """The text of a statement, member or item; `module` names the module that it calls."""

    start: int
    end: int
    module: str = ""


@dataclass(frozen=True, slots=True)
class Directive:
    """One suppression. It means the places in `scope` (None: in the whole file). `until` is the day as written;
    `mistake` says why it cannot be read."""

    place: Place
    ids: tuple[str, ...]
    reason: str
    until: str = ""
    scope: Span | None = None
    module: str = ""
    mistake: str = ""

    @property
    def path(self) -> str:
        """The file it stands in."""
        return self.place.source.name

    def means(self, place: Place) -> bool:
        """Whether a place is in its scope."""
        inside = self.scope is None or self.scope.start <= place.start < self.scope.end
        return place.source.name == self.path and inside


def directives(source: Source) -> list[Directive]:
    """The suppressions in a file, in order. Raises nothing: what cannot be parsed has none but line comments."""
    if MARK not in source.data:
        return []
    name = source.name.lower()
    try:
        if name.endswith((".json", ".jsonc")):
            return _json(source)
        if name.endswith((".tf", ".tofu", ".tfvars", ".hcl")):
            return _hcl(source)
        if name.endswith(".bicep"):
            return _bicep(source)
    except InputError:
        return []
    return list(_lines(source))


# -- what a comment says -------------------------------------------------------------------------------------------


def _read(source: Source, start: int, end: int, scope: Region | None) -> Iterator[Directive]:
    """The suppressions of the comment in a byte range."""
    text = source.text(start, end)
    for match in _DIRECTIVE.finditer(text):
        at = start + len(text[: match.start("all")].encode())
        place = Place(source, at, at + len(match["all"].rstrip().encode()))
        yield _directive(match, place, scope)


def _directive(match: re.Match[str], place: Place, scope: Region | None) -> Directive:
    verb, ids = match["verb"], tuple(filter(None, (id_.strip() for id_ in (match["ids"] or "").split(","))))
    rest = match["rest"].strip().removesuffix("*/").removesuffix("#>").strip()
    until = _UNTIL.search(rest)
    reason = _UNTIL.sub("", rest).strip(" \t-–—:,;()")
    whole = scope is None or verb.lower() == "ignore-file"
    return Directive(
        place=place,
        ids=ids,
        reason=reason,
        until=until["day"] if until is not None else "",
        scope=None if whole or scope is None else Span(scope.start, scope.end),
        module="" if whole or scope is None else scope.module,
        mistake=_mistake(verb, ids),
    )


def _mistake(verb: str, ids: tuple[str, ...]) -> str:
    if verb.lower() not in VERBS:
        return f"unknown word {verb!r}{one_of(verb, VERBS)}" if verb else HOW
    return "" if ids else f"it names no policy; {HOW}"


# -- what a comment means ------------------------------------------------------------------------------------------


def _placed(source: Source, comments: Sequence[Span], regions: Iterable[Region]) -> Iterator[Directive]:
    marked = [each for each in comments if MARK in source.data[each.start : each.end].lower()]
    layout = _Layout(source, comments, regions)
    for start, end in marked[:MAX_COMMENTS]:
        yield from _read(source, start, end, layout.scope(start, end))


class _Layout:
    """Which region a byte is in, and which one follows. Regions are nested or apart, so each has one parent."""

    def __init__(self, source: Source, comments: Sequence[Span], regions: Iterable[Region]) -> None:
        self.source = source
        self.comments = sorted(comments)
        self.regions = sorted(regions, key=lambda each: (each.start, -each.end))
        self.starts = [each.start for each in self.regions]
        self.parents: list[int] = []
        open_: list[int] = []
        for number, each in enumerate(self.regions):
            while open_ and self.regions[open_[-1]].end <= each.start:
                open_.pop()
            self.parents.append(open_[-1] if open_ else -1)
            open_.append(number)

    def scope(self, start: int, end: int) -> Region:
        """What a comment means."""
        line = self.source.data.rfind(b"\n", 0, start) + 1
        at = self._inner(start)
        inner = self.regions[at] if at >= 0 else None
        if self._code_before(line, start):
            opened = inner if inner is not None and inner.start >= line else None
            return opened or Region(line, _line_end(self.source, end))
        if inner is not None and not (at + 1 < len(self.starts) and self.starts[at + 1] < start):
            return inner
        after = bisect_left(self.starts, end)
        following = self.regions[after] if after < len(self.regions) else None
        if following is not None and (inner is None or following.end <= inner.end):
            return following
        return inner or Region(line, _line_end(self.source, _next_line(self.source, end)))

    def _inner(self, at: int) -> int:
        """The number of the innermost region around a byte; -1 for none."""
        number = bisect_left(self.starts, at) - 1
        while number >= 0 and self.regions[number].end <= at:
            number = self.parents[number]
        return number

    def _code_before(self, line: int, start: int) -> bool:
        """Whether there is more than blanks and comments before a comment on its line."""
        before = bytearray(self.source.data[line:start].replace(BOM, b" " * len(BOM)))
        for other in self.comments[bisect_left(self.comments, (line, 0)) : bisect_left(self.comments, (start, 0))]:
            before[other.start - line : other.end - line] = b" " * (other.end - other.start)
        return bool(before.strip())


def _line_end(source: Source, at: int) -> int:
    end = source.data.find(b"\n", at)
    return end if end >= 0 else len(source.data)


def _next_line(source: Source, end: int) -> int:
    """The start of the next line that holds code; `end` where there is none near."""
    at = source.data.find(b"\n", end) + 1
    for _ in range(MAX_STACKED):
        stop = _line_end(source, at)
        if not at or not _COMMENT_LINE.match(source.data, at, stop):
            break
        at = stop + 1 if stop < len(source.data) else 0
    return at or end


# -- dialects ------------------------------------------------------------------------------------------------------


def _lines(source: Source, known: Sequence[Span] = ()) -> Iterator[Directive]:
    """The suppressions of a script, or of scripts inside another file (then on lines of their own)."""
    for match in islice(_LINE_COMMENT.finditer(source.data), MAX_LINES):
        start, end = match.span()
        around = bisect_left(known, (start + 1, 0)) - 1
        if around >= 0 and start < known[around].end:
            continue
        line = source.data.rfind(b"\n", 0, start) + 1
        trailing = bool(source.data[line:start].strip())
        if trailing and known:
            continue
        stop = _line_end(source, end if trailing else _next_line(source, end))
        yield from _read(source, start, end, Region(line, stop))


def _hcl(source: Source) -> list[Directive]:
    from bklint.syntax import hcl

    file = hcl.parse(source)
    comments = [Span(each.start, each.end) for each in file.comments]
    found = [*_placed(source, comments, _statements(file.body)), *_lines(source, comments or (Span(0, 0),))]
    return sorted(found, key=lambda each: each.place.start)


def _statements(body: Body) -> Iterator[Region]:
    for attribute in body.attributes.values():
        yield Region(attribute.start, attribute.end)
        yield from _members(attribute)
    for block in body.blocks:
        module = block.labels[0] if block.type == "module" and block.labels else ""
        yield Region(block.start, block.end, module)
        yield from _statements(block.body)


def _members(attribute: Attribute) -> Iterator[Region]:
    """The members and items of an attribute's value."""
    pending: list[Expr] = [attribute.expr]
    while pending:
        expr = pending.pop()
        if isinstance(expr, ObjectExpr):
            yield from (Region(key.start, value.end) for key, value in expr.items)
            pending.extend(value for _, value in expr.items)
        elif isinstance(expr, TupleExpr):
            yield from (Region(item.start, item.end) for item in expr.items)
            pending.extend(expr.items)
        elif isinstance(expr, Call):
            pending.extend(expr.args)


def _bicep(source: Source) -> list[Directive]:
    from bklint.syntax import bicep

    file = bicep.parse(source)
    regions = [region for one in file.declarations for region in _declared(one)]
    return list(_placed(source, file.comments, regions))


def _declared(one: Declaration) -> Iterator[Region]:
    """A declaration, its members and items, and the resources declared in it."""
    yield Region(one.start, one.end)
    pending = [one.value] if one.value is not None else []
    while pending:
        node = pending.pop()
        pending.extend(node.items)
        yield from (Region(item.start, item.end) for item in node.items if node.kind == "array")
        for member in node.members:
            yield Region(member.key.start, member.value.end)
            pending.append(member.value)
        for inner in node.nested:
            yield Region(inner.start, inner.end)
            pending.extend([inner.value] if inner.value is not None else [])


def _json(source: Source) -> list[Directive]:
    from bklint.syntax import json

    document = json.parse(source)
    comments = [each for each in document.comments if MARK in source.data[each.start : each.end].lower()]
    found = list(_metadata(document))
    if comments:
        regions = [Region(place.start, place.end) for place in _parts(document)]
        found += _placed(source, document.comments, regions)
    return sorted(found, key=lambda each: each.place.start)


def _walk(document: Any) -> Iterator[tuple[tuple[str | int, ...], Any]]:
    """Every pointer into a document with the data there."""
    pending: list[tuple[tuple[str | int, ...], Any]] = [((), document.data)]
    while pending:
        pointer, data = pending.pop()
        yield pointer, data
        inside: Iterable[tuple[Any, Any]] = ()
        if isinstance(data, dict):
            inside = data.items()
        elif isinstance(data, list):
            inside = enumerate(data)
        pending.extend(((*pointer, step), each) for step, each in inside)


def _parts(document: Any) -> Iterator[Place]:
    """The members and items of a JSON document."""
    for pointer, _ in _walk(document):
        if pointer:
            yield document.place(pointer, "member" if isinstance(pointer[-1], str) else "value").locate()


def _metadata(document: Any) -> Iterator[Directive]:
    """The suppressions in `metadata.bklint` of a template, a resource or anything else; they mean what holds them."""
    for pointer, data in _walk(document):
        if len(pointer) < 2 or pointer[-2:] != ("metadata", "bklint"):
            continue
        owner = document.place(pointer[:-2]).locate()
        scope = Region(owner.start, owner.end) if len(pointer) > 2 else None
        rows = data.get("ignore") if isinstance(data, Mapping) else None
        listed = rows if isinstance(rows, list) else [rows]
        for number, row in enumerate(listed):
            inside = (*pointer, "ignore", number) if isinstance(rows, list) else pointer
            yield _of_metadata(row, document.place(inside).locate(), scope)


_SHAPE = 'write {"ignore": [{"id": "BKP301", "reason": "…"}]}'


def _of_metadata(row: Any, place: Place, scope: Region | None) -> Directive:
    span = None if scope is None else Span(scope.start, scope.end)
    if not isinstance(row, Mapping):
        return Directive(place, (), "", scope=span, mistake=f"it cannot be read; {_SHAPE}")
    ids = row.get("id", ())
    extra = next((name for name in row if name not in ("id", "reason", "until")), None)
    mistake = f"unknown word {extra!r}{one_of(str(extra), ('id', 'reason', 'until'))}" if extra is not None else ""
    listed = tuple(map(str, ids)) if isinstance(ids, list) else (str(ids),) if ids else ()
    return Directive(
        place=place,
        ids=listed,
        reason=str(row.get("reason", "")).strip(),
        until=str(row.get("until", "")),
        scope=span,
        mistake=mistake or ("" if listed else f"it names no policy; {_SHAPE}"),
    )
