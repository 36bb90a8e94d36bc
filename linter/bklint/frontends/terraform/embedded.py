"""Text that holds JSON, YAML or base64 → the values in it, each at its place in the configuration.

Three kinds of text are taken apart. What `jsonencode(x)` made gives `x` itself: an encoding function leaves its operand
as the only piece of its result. A literal (quoted, heredoc, or a file's content) is parsed, and its values are at the
byte ranges they have there. A template is parsed with a stand-in for each part that is not known, so the rest of it
stays readable; a value that is exactly one interpolation has that one's provenance.

The one fact a reader would not guess: an unknown interpolation outside quotes, in a JSON array, may stand for several
items or none, so it opens the array.
"""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Hashable, Iterator, Sequence
from itertools import product
from typing import Any

from bklint.errors import InputError
from bklint.frontends.terraform.embedded_text import (
    BARE,
    MARK,
    Composed,
    Document,
    EmbeddedPlace,
    Format,
    encoded_by,
    leaves_of,
)
from bklint.frontends.terraform.extent import passed
from bklint.frontends.terraform.remembered import MAX_TEXT, Remembered
from bklint.frontends.terraform.shapes import Bag, plain
from bklint.model.value import (
    MAX_DOMAIN,
    Hop,
    ListData,
    ObjectData,
    Reason,
    Text,
    Unknown,
    Value,
    join,
    text,
    unknown,
)
from bklint.records import replace
from bklint.source import Locator, Place, Source
from bklint.syntax import json as json_syntax
from bklint.syntax.json import Pointer

_CERTAINLY_TEXT = re.compile("[^0-9a-fA-FilLnNoOrRsStTuUxXyYzZ:.+~_ \ue000\ue001\ue002-]")
_MARKED_LINE = re.compile(rb"^[ \t]*\xee\x80[\x80\x81]", re.MULTILINE)  # _IN_STRING or _BARE
_PLAIN_START = frozenset("yYnN0123456789")
_TIMESTAMP = re.compile(
    r"(\d{4})-(\d\d?)-(\d\d?)(?:[Tt](\d\d?):(\d\d?):(\d\d?)(?:\.\d+)?(Z|[+-]\d\d:\d\d))?\Z", re.ASCII
)
_BASE64 = frozenset({"base64encode", "base64gzip", "textencodebase64"})


def decode_json(value: Value) -> Value:
    """The value a JSON text holds; Unknown(ERROR) where it holds none."""
    return value.pieces[0] if encoded_by(value) == "jsonencode" else _decode(value, _JSON)


def decode_yaml(value: Value) -> Value:
    """The value a YAML text of one document holds; Unknown(ERROR) where it holds none."""
    if encoded_by(value) in ("jsonencode", "yamlencode"):
        return value.pieces[0]
    return _decode(value, _YAML)


def decode_base64(value: Value) -> Value:
    """The text behind base64, of `base64encode`, `base64gzip` and `textencodebase64` too; its places are in that text."""
    if encoded_by(value) in _BASE64:
        return value.pieces[0]
    data = value.data
    if isinstance(data, Unknown):
        if data.domain:
            return join(tuple([decode_base64(choice) for choice in data.domain]), data)
        return value._replace(data=_decoded(data, "base64decode", "string"), ident=None)
    if isinstance(data, Text):
        return Value(_decoded(data.unknowns[0], "", "string"), value.place, value.hops)
    try:
        raw = base64.b64decode(data.encode() if isinstance(data, str) else b"?", validate=True)
        return Value(raw.decode("utf-8"), value.place, value.hops)
    except (binascii.Error, UnicodeError):
        return unknown(Reason.ERROR, "the text is no base64 of a string", value.place)


def _decoded(why: Unknown, name: str, type_: str | None = None) -> Unknown:
    """What an unknown text holds."""
    key = None if why.key is None or not name else (name, why.key)
    return replace(plain(why), type=type_, nonnull=type_ is not None, key=key)


# -- formats -----------------------------------------------------------------------------------------------------------


_BARE_TEXT = (None, None, ())
"""No hops, no identity, no pieces."""

_DECODED: Remembered[Value] = Remembered(MAX_TEXT // 4)
_DOCUMENTS: Remembered[json_syntax.Document] = Remembered()


def _read_json(written: str) -> Document:
    document = _DOCUMENTS.get(written, len(written), lambda: json_syntax.embedded(written))
    if document.relaxed:
        raise InputError("comments, trailing commas and raw line ends in strings are not allowed")
    return document


def _read_yaml(written: str) -> Document:
    from bklint.syntax import yaml as yaml_syntax

    documents = yaml_syntax.parse(Source("<embedded>", written.encode("utf-8", "replace"), fixable=False))
    if len(documents) != 1:
        raise InputError(f"one document is required, not {len(documents)}")
    return documents[0]


_JSON = Format("jsondecode", _read_json, '"')


def _yaml_plain(written: str) -> str | bool:
    """What Terraform's YAML reader makes of some words without quotes that PyYAML's leaves as they are."""
    if written in ("y", "Y", "n", "N"):
        return written in ("y", "Y")
    match = _TIMESTAMP.match(written)
    if match is None:
        return written
    year, month, day, hour, minute, second, zone = match.groups()
    date = f"{year}-{int(month):02}-{int(day):02}"
    if hour is None:
        return date + "T00:00:00Z"
    return f"{date}T{int(hour):02}:{int(minute):02}:{int(second):02}{(zone or 'Z').upper()}"


_YAML = Format("yamldecode", _read_yaml, "", _yaml_plain)


# -- decoding ----------------------------------------------------------------------------------------------------------


def _decode(value: Value, form: Format) -> Value:
    data = value.data
    if isinstance(data, Unknown):
        if data.is_error:
            return value
        if data.domain:
            return join(tuple([_decode(choice, form) for choice in data.domain]), data)
        return value._replace(data=_decoded(data, form.name), ident=None)
    leaves = leaves_of(value)
    if leaves is None:
        return unknown(Reason.ERROR, f"{form.name}() needs a string", value.place)
    key = _plain_texts(value, leaves, form)
    if key is None:
        return _decode_leaves(value, leaves, form)
    length = sum(len(leaf.data) for leaf in leaves if isinstance(leaf.data, str))
    return _DECODED.get(key, length, lambda: _decode_leaves(value, leaves, form))


def _plain_texts(value: Value, leaves: Sequence[Value], form: Format) -> Hashable:
    """What the decoded value depends on, where that is but texts at their places; None where it is more."""
    if value.hops is not None or not all(isinstance(leaf.data, str) and leaf[2:] == _BARE_TEXT for leaf in leaves):
        return None
    return (form.name, value.place, tuple([(leaf.data, leaf.place) for leaf in leaves]))


def _decode_leaves(value: Value, leaves: Sequence[Value], form: Format) -> Value:
    """The value in a text of these pieces; bare pieces with alternatives are tried one by one."""
    composed = Composed(leaves, form, value.place)
    choices = [
        leaf.data.domain if isinstance(leaf.data, Unknown) and number in composed.bare and leaf.data.domain else (leaf,)
        for number, leaf in enumerate(leaves)
    ]
    count = 1
    for choice in choices:
        count *= len(choice)
    if not 1 < count <= MAX_DOMAIN:
        return _read(value, composed, form)
    why = next(leaf.data for leaf, choice in zip(leaves, choices, strict=True) if len(choice) > 1)
    assert isinstance(why, Unknown)
    return join(tuple([_read(value, Composed(some, form, value.place), form) for some in product(*choices)]), why)


def _read(value: Value, composed: Composed, form: Format) -> Value:
    try:
        if composed.reserved:
            raise InputError("characters that are reserved for private use")
        document = form.read(composed.written)
        return _Builder(composed, document, form).value(document.data, ())
    except InputError as error:
        why = composed.first_unknown
        if why is not None:
            return Value(plain(why), value.place, value.hops)
        return unknown(Reason.ERROR, f"{form.name}(): {error.message}", value.place)


# -- building ----------------------------------------------------------------------------------------------------------


class _Builder:
    """Parsed data into values."""

    __slots__ = ("composed", "document", "form", "simple")

    def __init__(self, composed: Composed, document: Document, form: Format) -> None:
        self.form = form
        self.composed = composed
        self.document = document
        self.simple = len(composed.leaves) == 1 and not composed.stands

    def value(self, data: Any, pointer: Pointer) -> Value:
        """The value of a part of the document."""
        if isinstance(data, dict):
            return self._object(data, pointer)
        if isinstance(data, list):
            return self._list(data, pointer)
        if isinstance(data, float):
            if data != data or data in (float("inf"), float("-inf")):
                place = self._place(pointer)
                return Value(passed("", "a number out of range", place), place)
            data = int(data) if data.is_integer() else data
        if (
            self.form.plain is not None
            and isinstance(data, str)
            and data[:1] in _PLAIN_START
            and self._is_plain(data, pointer)
        ):
            data = self.form.plain(data)
        if self.simple:
            leaf = self.composed.leaves[0]
            return Value(data, self._place(pointer), leaf.hops)
        return self._leaf(data, pointer)

    def _is_plain(self, data: str, pointer: Pointer) -> bool:
        return self.document.place(pointer).locate().text == data

    def _place(self, pointer: Pointer, part: str = "value") -> Locator | None:
        if self.composed.outer is None:
            return None
        return EmbeddedPlace(self.document.place(pointer, part), self.composed)

    def _object(self, data: dict[Any, Any], pointer: Pointer) -> Value:
        fields: dict[str, Value] = {}
        keys: dict[str, Locator] = {}
        rest: Unknown | None = None
        for key, inner in data.items():
            name = key if isinstance(key, str) else _key_text(key)
            mark = MARK.search(name)
            if mark is not None:
                rest = plain(self.composed.stands[int(mark[1])][0])
                continue
            fields[name] = self.value(inner, (*pointer, key))
            place = self._place((*pointer, key), "key")
            if place is not None:
                keys[name] = place
        if rest is not None:
            # A name that is not known may be that of any member written before it.
            fields = {name: Value(rest, value.place) for name, value in fields.items()}
        return Value(ObjectData(fields, rest, keys), self._place(pointer), self._hops())

    def _list(self, data: list[Any], pointer: Pointer) -> Value:
        items: list[Value] = []
        rest: Unknown | None = None
        ordered = 0
        for number, inner in enumerate(data):
            opened = self._opening(inner, (*pointer, number))
            if opened is not None:
                rest = rest or opened
                continue
            items.append(self.value(inner, (*pointer, number)))
            ordered += rest is None
        made = ListData(tuple(items), rest) if ordered == len(items) else Bag(tuple(items), rest, ordered)
        return Value(made, self._place(pointer), self._hops())

    def _opening(self, data: Any, pointer: Pointer) -> Unknown | None:
        """The unknown that may be any number of items, for a stand-in outside quotes in brackets."""
        match = MARK.fullmatch(data) if isinstance(data, str) else None
        if match is None or not data.startswith(BARE):
            return None
        why, number = self.composed.stands[int(match[1])]
        if self.form.plain is not None and self._is_item(pointer):
            return None
        if encoded_by(self.composed.leaves[number]) is not None or why.type in ("number", "bool"):
            return None
        return plain(why)

    def _is_item(self, pointer: Pointer) -> bool:
        """Whether a YAML value stands behind the dash of an item."""
        place = self.document.place(pointer).locate()
        return place.source.data[: place.start].rstrip().endswith(b"-")

    def _hops(self) -> Hop | None:
        return self.composed.leaves[0].hops if self.simple else None

    def _leaf(self, data: Any, pointer: Pointer) -> Value:
        """A scalar of a template."""
        match = MARK.fullmatch(data) if isinstance(data, str) else None
        if match is not None:
            if self.form.plain is not None:
                _check_inline(self.document.place(pointer).locate())
            return self._stood_for(data, *self.composed.stands[int(match[1])], pointer)
        inner = self.document.place(pointer).locate()
        quotes = inner.text.startswith(('"', "'"))
        if self.form.plain is not None and not inner.text.startswith(('"', "'", "|", ">")):
            _check_inline(inner)
        start, end = (inner.start + 1, inner.end - 1) if quotes else (inner.start, inner.end)
        touched = self.composed.within(start, end) if end > start else []
        if (len(touched) == 1 and not quotes) or (
            len(touched) == 1 and (touched[0].start, touched[0].end) == (start, end)
        ):
            leaf = self.composed.leaves[touched[0].piece]
            if leaf.hops is not None or leaf.ident is not None:
                return Value(data, leaf.place, leaf.hops, leaf.ident)
        varying = [self.composed.leaves[number] for number in {part.piece for part in touched}]
        varying = [leaf for leaf in varying if leaf.hops is not None]
        hops = Hop("function", "template", varying[0].place, varying[0].hops) if len(varying) == 1 else None
        parts = tuple(self._unmarked(data)) if isinstance(data, str) else ()
        if (
            self.form.plain is not None
            and not quotes
            and MARK.search(str(data))
            and not _CERTAINLY_TEXT.search(str(data))
        ):
            first = next(part for part in parts if isinstance(part, Unknown))
            return Value(plain(first), self._place(pointer), hops)
        return Value(text(parts) if isinstance(data, str) else data, self._place(pointer), hops)

    def _stood_for(self, data: str, why: Unknown, number: int, pointer: Pointer) -> Value:
        """The value a single stand-in is for."""
        leaf = self.composed.leaves[number]
        if (
            data.startswith(BARE)
            and encoded_by(leaf) is not None
            and why.reason is Reason.UNSUPPORTED
            and not why.cause
        ):
            return leaf.pieces[0]
        if not data.startswith(BARE) or self._is_quoted(pointer):
            known = why if why.type == "string" else replace(why, type="string", nonnull=True)
        else:
            known = why if why.type in ("number", "bool") else _decoded(why, "decoded")
        if isinstance(leaf.data, Unknown):
            return leaf._replace(data=known, pieces=())
        return Value(known, self._place(pointer), leaf.hops)

    def _is_quoted(self, pointer: Pointer) -> bool:
        """Whether a YAML scalar stands in quotes. In JSON the kind of the stand-in tells."""
        if isinstance(self.document, json_syntax.Document):
            return False
        inner = self.document.place(pointer).locate()
        return inner.text.startswith(('"', "'"))

    def _unmarked(self, data: str) -> Iterator[str | Unknown]:
        position = 0
        for match in MARK.finditer(data):
            yield data[position : match.start()]
            yield self.composed.stands[int(match[1])][0]
            position = match.end()
        yield data[position:]


def _check_inline(place: Place) -> None:
    """Raises InputError for an unknown part at the beginning of a line, which may be more than a part of a scalar."""
    data = place.source.data
    if _MARKED_LINE.search(data[data.rfind(b"\n", 0, place.start) + 1 : place.end]):
        raise InputError("an unknown part may be more than one value")


def _key_text(key: object) -> str:
    if isinstance(key, bool):
        return "true" if key else "false"
    return "null" if key is None else str(key)
