"""JSON texts inside templates: what `string()` writes and `json()` reads, with parts that are not known.

An unknown inside a JSON text is carried through `json()` as a mark of private-use characters, so that
`json(concat('{"name": "', parameters('n'), '"}'))` is an object with a known member of unknown text.
"""

from __future__ import annotations

import json
import re
from typing import Any

from bklint.errors import InputError
from bklint.frontends.arm.operands import FunctionError, Parts, UndecidedError, composed, limit
from bklint.model.value import (
    ABSENT,
    MISSING,
    ListData,
    ObjectData,
    Text,
    Unknown,
    Value,
    number_text,
    text,
)
from bklint.source import Locator
from bklint.syntax.json import embedded

MAX_DEPTH = 64
"""Deepest nesting that `string()` writes and `json()` reads."""
_OPEN, _CLOSE = "\ue0f0", "\ue0f1"
_MARK = re.compile(f"{_OPEN}(\\d+){_CLOSE}")
_SINGLE = re.compile(r"\"(?:[^\"\\]|\\.)*\"|'((?:[^'\\]|\\.)*)'", re.DOTALL)


def plain(value: Value) -> str:
    """A known value as compact JSON. Raises UndecidedError where something in it is unknown."""
    made = text(written(value))
    if isinstance(made, Text):
        raise UndecidedError(made.unknowns[0])
    return made


def written(value: Value, depth: int = 0) -> Parts:
    """A value as compact JSON, as `string()` writes an object or array. Raises UndecidedError where its members are not known."""
    if depth > MAX_DEPTH:
        limit("an object")
    data = value.data
    if isinstance(data, ListData):
        return _joined([written(item, depth + 1) for item in data.items], data.rest, "[", "]")
    if isinstance(data, ObjectData):
        members: list[Parts] = [
            (json.dumps(name, ensure_ascii=False) + ":", *written(data.fields[name], depth + 1)) for name in data.fields
        ]
        return _joined(members, data.rest, "{", "}")
    if isinstance(data, Text):
        return ('"', *(_escaped(part) if isinstance(part, str) else part for part in data.parts), '"')
    if isinstance(data, Unknown):
        return ('"', data, '"') if data.type == "string" else (data,)
    if data is MISSING or data is ABSENT:
        return ("null",)
    if isinstance(data, float):
        return (number_text(data),)
    return (json.dumps(data, ensure_ascii=False),)


def _joined(rows: list[Parts], rest: Unknown | None, opening: str, closing: str) -> Parts:
    if rest is not None:
        raise UndecidedError(rest)
    found: list[str | Unknown] = [opening]
    for index, row in enumerate(rows):
        if index:
            found.append(",")
        found.extend(row)
    return (*found, closing)


def _escaped(part: str) -> str:
    return json.dumps(part, ensure_ascii=False)[1:-1]


def read(parts: Parts, place: Locator | None) -> Value:
    """The value of a JSON text; everything in it stands at `place`. Raises FunctionError for what is no JSON, and
    UndecidedError where an unknown stands outside a quoted text."""
    marks: list[Unknown] = []
    pieces = []
    for part in parts:
        if isinstance(part, str):
            pieces.append(part)
        else:
            pieces.append(f"{_OPEN}{len(marks)}{_CLOSE}")
            marks.append(part)
    try:
        data = _loaded("".join(pieces))
    except ValueError as error:
        if marks:
            raise UndecidedError(marks[0]) from error
        raise FunctionError("the text is no JSON") from error
    except RecursionError:
        limit("a JSON text")
    return _value(data, marks, place, 0)


def _loaded(found: str) -> Any:
    """Newtonsoft's reader, which Azure uses, accepts comments, trailing commas and single quotes too."""
    try:
        return json.loads(found, strict=False)
    except ValueError:
        pass
    try:
        return embedded(found).data
    except InputError:
        return json.loads(_SINGLE.sub(_double_quoted, found), strict=False)


def _double_quoted(match: re.Match[str]) -> str:
    if match[1] is None:
        return match[0]
    return '"' + match[1].replace("\\'", "'").replace('"', '\\"') + '"'


def _value(data: Any, marks: list[Unknown], place: Locator | None, depth: int) -> Value:
    if depth > MAX_DEPTH:
        limit("a JSON text")
    if isinstance(data, dict):
        if marks and any(_OPEN in key for key in data):
            raise UndecidedError(marks[0])
        return Value(ObjectData({key: _value(item, marks, place, depth + 1) for key, item in data.items()}), place)
    if isinstance(data, list):
        return Value(ListData(tuple([_value(item, marks, place, depth + 1) for item in data])), place)
    if isinstance(data, str) and marks:
        pieces = _MARK.split(data)
        found: list[str | Unknown] = [marks[int(piece)] if at % 2 else piece for at, piece in enumerate(pieces)]
        return Value(composed(tuple(part for part in found if part != "")), place)
    return Value(data, place)
