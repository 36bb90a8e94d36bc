"""JSON text into plain Python data, and pointers into that data back into byte ranges.

The text is read by the standard library at its full speed; no position is computed until a finding needs one. What real
ARM templates hold beside strict JSON is tolerated: a byte-order mark, comments, trailing commas, raw newlines and tabs
in strings. It is blanked, byte for byte, in a copy, so that every offset in the copy is one in the file.
"""

from __future__ import annotations

import json
import re
from array import array
from bisect import bisect_left
from collections.abc import Iterator
from typing import Any, Generic, NamedTuple, NoReturn, Protocol, TypeVar

from bklint.errors import InputError, LimitError
from bklint.source import BOM, Place, Source, Span

MAX_DEPTH = 256
"""Deepest nesting of objects and arrays that is read."""

MAX_DIGITS = 4300
"""Python's own limit for reading a whole number (https://docs.python.org/3/library/stdtypes.html#int-max-str-digits)."""

Pointer = tuple[str | int, ...]
"""The way from the root of a document to a value: member names and 0-based item numbers."""


Entry = TypeVar("Entry")


class Slot(NamedTuple):
    """Where a value stands, in byte offsets; `key_start` is -1 for a value without a key (the root, an item).

    The header of a value is its key, else what opens it: `start` to `head_end`. `node` identifies the container for
    the document that the slot belongs to.
    """

    start: int
    end: int
    key_start: int
    key_end: int
    head_end: int
    node: int

    def span(self, part: str) -> Span:
        """The byte range of a part; without a key, `key` is the header and `member` the value."""
        if part == "value":
            return Span(self.start, self.end)
        if self.key_start < 0:
            return Span(self.start, self.end if part == "member" else self.head_end)
        return Span(self.key_start, self.end if part == "member" else self.key_end)


class Tree(Protocol):
    """A document whose values can be found by pointer: JSON here, YAML in `bklint.syntax.yaml`."""

    @property
    def source(self) -> Source:
        """The text."""
        ...

    def root(self) -> Slot:
        """The slot of the whole value."""
        ...

    def child(self, slot: Slot, step: str | int) -> Slot | None:
        """The slot of a member or item of the container in `slot`; None where there is none."""
        ...


class JsonPlace(NamedTuple):
    """A pointer into a document that becomes a byte range only when asked for."""

    document: Tree
    pointer: Pointer
    part: str = "value"

    def locate(self) -> Place:
        """The byte range. A pointer to what does not exist gives the header of the nearest ancestor that does."""
        slot, part = self.document.root(), self.part
        for step in self.pointer:
            child = self.document.child(slot, step)
            if child is None:
                part = "header"
                break
            slot = child
        return Place(self.document.source, *slot.span(part))


class _Entry(NamedTuple):
    """Byte offsets of one member of an object."""

    key_start: int
    key_end: int
    start: int
    end: int


class Members(Generic[Entry]):
    """The members of one object by name; of several with the same name the last counts, as in the data."""

    __slots__ = ("_exact", "_folded")

    def __init__(self, exact: dict[Any, Entry]) -> None:
        self._exact = exact
        self._folded: dict[str, Entry] | None = None

    def find(self, name: str | int) -> Entry | None:
        """The member of that name, else the last whose name differs in case only."""
        found = self._exact.get(name)
        if found is None and isinstance(name, str):
            if self._folded is None:
                self._folded = {key.lower(): entry for key, entry in self._exact.items() if isinstance(key, str)}
            found = self._folded.get(name.lower())
        return found


class Document:
    """One JSON text: `data` as `json.loads` gives it, and the places of its values.

    `relaxed` tells that strict JSON it is not: comments, trailing commas or raw control characters had to be tolerated.
    """

    __slots__ = ("_brackets", "_clean", "_comments", "_containers", "_duplicates", "data", "relaxed", "source")

    def __init__(self, source: Source, data: Any, clean: bytes, relaxed: bool) -> None:
        self.source = source
        self.data = data
        self.relaxed = relaxed
        self._clean = clean
        self._brackets: tuple[array[int], array[int]] | None = None
        self._containers: dict[int, Members[_Entry] | list[Span]] = {}
        self._comments: tuple[Span, ...] | None = None
        self._duplicates: tuple[Place, ...] | None = None

    def __repr__(self) -> str:
        return f"Document({self.source.name!r})"

    def place(self, pointer: Pointer, part: str = "value") -> JsonPlace:
        """The place of a value or of a part of it: value, key, member (key to value) or header. Costs nothing yet."""
        return JsonPlace(self, pointer, part)

    @property
    def comments(self) -> tuple[Span, ...]:
        """The byte ranges of the comments, `//` or `/*` included, the line end excluded."""
        if self._comments is None:
            self._comments = tuple(_comments(self.source.data)) if self.relaxed else ()
        return self._comments

    @property
    def duplicates(self) -> tuple[Place, ...]:
        """The keys that do not count, because the same object has the key again further on."""
        if self._duplicates is None:
            self._duplicates = tuple(self._overruled()) if _has_duplicates(self._clean) else ()
        return self._duplicates

    def root(self) -> Slot:
        """See Tree."""
        start = _past(_SPACE, self._clean, 0)
        return self._slot(start, self._end(start), -1, -1)

    def child(self, slot: Slot, step: str | int) -> Slot | None:
        """See Tree. Names match exactly first, then without regard to case."""
        container = self._container(slot.node)
        if isinstance(container, Members):
            entry = container.find(step)
            return None if entry is None else self._slot(entry.start, entry.end, entry.key_start, entry.key_end)
        if container is not None and isinstance(step, int) and 0 <= step < len(container):
            return self._slot(*container[step], -1, -1)
        return None

    def _slot(self, start: int, end: int, key_start: int, key_end: int) -> Slot:
        head_end = start + 1 if self._clean[start] in _OPENERS else end
        return Slot(start, end, key_start, key_end, head_end, start)

    def _container(self, start: int) -> Members[_Entry] | list[Span] | None:
        """What the bracket at `start` holds. Each container is read once, and its inner containers are passed over."""
        found = self._containers.get(start)
        if found is None and self._clean[start] in _OPENERS:
            if self._clean[start] == _BRACE:
                found = Members(dict(self._entries(start)))
            else:
                found = list(self._items(start))
            self._containers[start] = found
        return found

    def _entries(self, start: int) -> Iterator[tuple[str, _Entry]]:
        clean, at = self._clean, start + 1
        while True:
            at = _past(_SEPARATOR, clean, at)
            if clean[at] != _QUOTE:
                return
            key_end = _string_end(clean, at)
            value = _past(_COLON, clean, key_end)
            end = self._end(value)
            yield _key(clean[at:key_end]), _Entry(at, key_end, value, end)
            at = end

    def _items(self, start: int) -> Iterator[Span]:
        clean, at = self._clean, start + 1
        while True:
            at = _past(_SEPARATOR, clean, at)
            if clean[at] in _CLOSERS:
                return
            end = self._end(at)
            yield Span(at, end)
            at = end

    def _end(self, start: int) -> int:
        """The byte after the value that starts at `start`."""
        first = self._clean[start]
        if first == _QUOTE:
            return _string_end(self._clean, start)
        if first in _OPENERS:
            if self._brackets is None:
                self._brackets = _pairs(self._clean)
            opens, ends = self._brackets
            return ends[bisect_left(opens, start)]
        return _past(_WORD, self._clean, start)

    def _overruled(self) -> Iterator[Place]:
        for start in _outside(self._clean, _TO_BRACE):
            last: dict[str, _Entry] = {}
            for key, entry in self._entries(start):
                before = last.get(key)
                if before is not None:
                    yield Place(self.source, before.key_start, before.key_end)
                last[key] = entry


def parse(source: Source) -> Document:
    """The document of a JSON text. Raises InputError at the byte where it cannot be read, LimitError where too deep."""
    clean = _without_lone_surrogates(_without_mark(source.data))
    relaxed = False
    try:
        data = _STRICT.decode(_text(clean))
    except (ValueError, RecursionError):
        relaxed = True
        clean = _relax(clean)
        data = _decode_relaxed(clean)
    if clean.count(b"{") + clean.count(b"[") > MAX_DEPTH and _deep(data):
        _refuse(clean, LimitError(_TOO_DEEP))
    return Document(source, data, clean, relaxed)


def embedded(text: str) -> Document:
    """The document of a JSON text that is a string inside another file; its places are places in that string."""
    return parse(Source("<embedded>", text.encode("utf-8", "replace"), fixable=False))


# -- reading -------------------------------------------------------------------------------------------------------


def _no_constant(name: str) -> NoReturn:
    raise ValueError(name)


_TOO_DEEP = f"nested deeper than {MAX_DEPTH} levels"
_STRICT = json.JSONDecoder(parse_constant=_no_constant)
_RELAXED = json.JSONDecoder(parse_constant=_no_constant, strict=False)


def _text(clean: bytes) -> str:
    try:
        return clean.decode("utf-8")
    except UnicodeDecodeError as error:
        raise InputError(f"not valid UTF-8: byte 0x{clean[error.start]:02x}", error.start) from error


def _decode_relaxed(clean: bytes) -> Any:
    text = _text(clean)
    try:
        return _RELAXED.decode(text)
    except json.JSONDecodeError as error:
        _refuse(clean, InputError(error.msg.lower(), len(text[: error.pos].encode("utf-8"))))
    except RecursionError:
        _refuse(clean, LimitError(_TOO_DEEP))
    except ValueError as error:
        _refuse(clean, InputError(str(error).lower(), 0))


def _deep(data: Any) -> bool:
    """Whether containers are nested deeper than MAX_DEPTH. Level by level, so depth costs no stack."""
    level = [data] if isinstance(data, (dict, list)) else []
    for _ in range(MAX_DEPTH):
        level = [
            inner
            for outer in level
            for inner in (outer.values() if type(outer) is dict else outer)
            if type(inner) is dict or type(inner) is list
        ]
        if not level:
            return False
    return True


def _has_duplicates(clean: bytes) -> bool:
    found = False

    def compare(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        nonlocal found
        made = dict(pairs)
        found = found or len(made) < len(pairs)
        return made

    json.JSONDecoder(object_pairs_hook=compare, strict=False).decode(clean.decode("utf-8"))
    return found


# -- the relaxed copy ----------------------------------------------------------------------------------------------

_SURROGATE = re.compile(
    rb"\\(?:u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}|(u[dD][89a-fA-F][0-9a-fA-F]{2})|.)", re.DOTALL
)
_TRAILING = re.compile(rb",[ \t\r\n]*[}\]]")
_LINE = re.compile(rb"[^\r\n]*")


def _without_mark(data: bytes) -> bytes:
    return b"   " + data[len(BOM) :] if data.startswith(BOM) else data


def _without_lone_surrogates(data: bytes) -> bytes:
    """Half a surrogate pair is legal JSON but no text: it could not be printed. U+FFFD takes as many bytes to write."""
    if b"\\ud" not in data and b"\\uD" not in data:
        return data
    return _SURROGATE.sub(lambda found: b"\\ufffd" if found[1] else found[0], data)


def _relax(data: bytes) -> bytes:
    """Blanks in place of comments and trailing commas, byte for byte."""
    clean = bytearray(data)
    for start, end in _comments(data):
        clean[start:end] = b" " * (end - start)
    if _TRAILING.search(clean):
        for at in _trailing_commas(bytes(clean)):
            clean[at] = _BLANK
    return bytes(clean)


def _comments(data: bytes) -> Iterator[Span]:
    """The comments. One that is not closed is none: the diagnosis speaks of it."""
    if b"//" not in data and b"/*" not in data:
        return
    at = 0
    while (at := _past(_TO_SLASH, data, at)) < len(data):
        two = data[at : at + 2]
        if data[at] == _QUOTE:
            at = _string_end(data, at)
        elif two == b"//":
            end = _past(_LINE, data, at)
            yield Span(at, end)
            at = end
        elif two == b"/*":
            end = data.find(b"*/", at + 2) + 2
            if end < 2:
                return
            yield Span(at, end)
            at = end
        else:
            at += 1


def _trailing_commas(data: bytes) -> Iterator[int]:
    """The commas between a value and a closing bracket; `[,]` has none."""
    for at in _outside(data, _TO_COMMA):
        if _TRAILING.match(data, at):
            before = at - 1
            while before >= 0 and data[before] in _BLANKS:
                before -= 1
            if before >= 0 and data[before] not in b"[{,:":
                yield at


# -- scanning ------------------------------------------------------------------------------------------------------

_QUOTE, _BRACE, _BLANK = b'"{ '
_OPENERS, _CLOSERS, _BLANKS = b"{[", b"}]", b" \t\r\n"

_SPACE = re.compile(rb"[ \t\r\n]*")
_SEPARATOR = re.compile(rb"[ \t\r\n,]*")
_COLON = re.compile(rb"[ \t\r\n]*:[ \t\r\n]*")
_WORD = re.compile(rb'[^ \t\r\n{}\[\],:"]*')
_STRING_RUN = re.compile(rb'[^"\\]*(?:\\.[^"\\]*){0,9999}', re.DOTALL)
_BACKSLASH = 0x5C


def _to(stops: bytes) -> re.Pattern[bytes]:
    """A pattern that passes over text and whole strings up to one of `stops`.

    Repetitions are bounded, because the regex engine keeps some 120 bytes for each one. At a bound, and at a string
    that is not closed, it stops at the quote.
    """
    plain = rb'[^"' + stops + rb"]*"
    return re.compile(plain + rb'(?:"[^"\\]*(?:\\.[^"\\]*){0,999}"' + plain + rb"){0,63}", re.DOTALL)


_TO_BRACKET, _TO_BRACE, _TO_SLASH, _TO_COMMA = _to(rb"{}\[\]"), _to(b"{"), _to(b"/"), _to(b",")


def _outside(data: bytes, to: re.Pattern[bytes]) -> Iterator[int]:
    """The offsets of the bytes that `to` stops at, except those inside strings."""
    at, end, match = 0, len(data), to.match
    while found := match(data, at):
        at = found.end()
        if at >= end:
            return
        if data[at] == _QUOTE:
            at = _string_end(data, at)
        else:
            yield at
            at += 1


def _string_end(data: bytes, start: int) -> int:
    """The byte after the string whose opening quote is at `start`; past the end of the data where it is not closed."""
    at = data.find(b'"', start + 1)
    if at > 0 and data[at - 1] != _BACKSLASH:
        return at + 1
    at = start + 1
    while True:
        at = _past(_STRING_RUN, data, at)
        if data[at : at + 1] == b'"':
            return at + 1
        if at + 1 >= len(data):
            return len(data) + 1


def _pairs(clean: bytes) -> tuple[array[int], array[int]]:
    """The offsets of the opening brackets, ascending, and for each the byte after its closing one."""
    opens, ends = array("q"), array("q")
    stack: list[int] = []
    for at in _outside(clean, _TO_BRACKET):
        if clean[at] in _OPENERS:
            stack.append(len(opens))
            opens.append(at)
            ends.append(at + 1)
        else:
            ends[stack.pop()] = at + 1
    return opens, ends


def _past(pattern: re.Pattern[bytes], data: bytes, at: int) -> int:
    """The offset after the match of a pattern that matches anywhere, if only nothing."""
    found = pattern.match(data, at)
    return found.end() if found else at


def _key(quoted: bytes) -> str:
    if b"\\" in quoted:
        return str(_RELAXED.decode(quoted.decode("utf-8")))
    return quoted[1:-1].decode("utf-8")


# -- wording an error ----------------------------------------------------------------------------------------------

_ESCAPE = re.compile(rb'\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4}|(.?))', re.DOTALL)
_NUMBER = re.compile(rb"-?(?:0|[1-9][0-9]*)(\.[0-9]+)?([eE][+-]?[0-9]+)?")
_NUMERIC = re.compile(rb"[+-]?\.?[0-9]")
_WORDS = (b"true", b"false", b"null")
_CONSTANTS = (b"NaN", b"Infinity", b"-Infinity")


def _refuse(clean: bytes, otherwise: InputError) -> NoReturn:
    """Raises what `_Diagnosis` finds; where it finds nothing, `otherwise`."""
    _Diagnosis(clean).run()
    raise otherwise


class _Diagnosis:
    """A second, slow reading of a text that the standard library refused: raises the InputError worded for people.

    No text of the file is quoted, because it may be a secret. `state` says what must come next.
    """

    def __init__(self, clean: bytes) -> None:
        self.clean = clean
        self.state = "value"
        self.open: list[int] = []
        self.before = 0
        self.string: Span | None = None

    def run(self) -> None:
        at = 0
        while (at := _past(_SPACE, self.clean, at)) < len(self.clean):
            at = self.before = self.token(at)
        self.finish()

    def token(self, at: int) -> int:
        """Takes the token at `at`; the byte after it."""
        first = self.clean[at]
        if first in _OPENERS:
            return self.opening(at)
        if first in _CLOSERS:
            return self.closing(at)
        if first == ord(","):
            if self.state != "next" or not self.open:
                self.unexpected(at)
            self.state = "name" if self.inside_object() else "value"
            return at + 1
        if first == ord(":"):
            if self.state != "colon":
                self.unexpected(at)
            self.state = "value"
            return at + 1
        return self.quoted(at) if first == _QUOTE else self.word(at)

    def opening(self, at: int) -> int:
        if self.state not in ("value", "first item"):
            self.unexpected(at)
        if len(self.open) >= MAX_DEPTH:
            raise LimitError(_TOO_DEEP, at)
        self.open.append(at)
        self.state = "first name" if self.clean[at] == _BRACE else "first item"
        return at + 1

    def closing(self, at: int) -> int:
        closes = "first name" if self.clean[at] == ord("}") else "first item"
        matches = bool(self.open) and self.inside_object() == (self.clean[at] == ord("}"))
        if not matches or self.state not in ("next", closes):
            self.unexpected(at)
        self.open.pop()
        self.state = "next"
        return at + 1

    def quoted(self, at: int) -> int:
        end = _string_end(self.clean, at)
        if self.state not in ("value", "first item", "name", "first name"):
            self.unexpected(at)
        if end > len(self.clean):
            raise InputError("this string is not closed", at)
        for found in _ESCAPE.finditer(self.clean, at, end):
            if found[1] is not None:
                raise InputError("invalid escape in this string: a backslash is written \\\\", found.start())
        self.string = Span(at, end)
        self.state = "colon" if "name" in self.state else "next"
        return end

    def word(self, at: int) -> int:
        end = max(_past(_WORD, self.clean, at), at + 1)
        word = self.clean[at:end]
        number = _NUMBER.fullmatch(word)
        if self.state not in ("value", "first item") or not (number or word in _WORDS):
            self.unexpected(at, word)
        if number and not number[1] and not number[2] and len(word) > MAX_DIGITS:
            raise LimitError(f"this number has more than {MAX_DIGITS} digits", at)
        self.state = "next"
        return end

    def inside_object(self) -> bool:
        return self.clean[self.open[-1]] == _BRACE

    def unexpected(self, at: int, word: bytes = b"") -> NoReturn:
        """Raises for a token that cannot stand here. What should have come before it is missed after the last token."""
        if word.startswith(b"/*"):
            raise InputError("this comment is not closed", at)
        if self.string and b"\n" in self.clean[slice(*self.string)]:
            message = "this string runs over the end of its line, and what follows it does not fit"
            raise InputError(message, self.string.start)
        if word.startswith(b"'"):
            raise InputError("text takes double quotes, not single ones", at)
        if self.state in ("value", "first item"):
            raise InputError(_wrong_value(word), at)
        if self.state in ("name", "first name"):
            raise InputError("expected the name of a member in double quotes", at)
        if self.state == "colon":
            raise InputError("expected ':' after this name", self.before)
        if not self.open:
            raise InputError("expected the end of the text after this value", self.before)
        where = "'}' after this member" if self.inside_object() else "']' after this item"
        raise InputError(f"expected ',' or {where}", self.before)

    def finish(self) -> None:
        """Raises where the text ends too early."""
        if self.open:
            bracket = chr(self.clean[self.open[-1]])
            raise InputError(f"this '{bracket}' is not closed", self.open[-1])
        if self.state == "value":
            raise InputError("there is no value: the text is empty", 0)


def _wrong_value(word: bytes) -> str:
    if word in _CONSTANTS:
        return f"{word.decode()} is not a value of JSON"
    if word.lower() in _WORDS or word == b"None":
        right = "null" if word == b"None" else word.lower().decode()
        return f"{word.decode()} is not a value of JSON; write {right}"
    if _NUMERIC.match(word):
        return "this is not a number of JSON"
    return "expected a value"
