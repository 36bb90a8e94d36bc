"""`jsonencode` and `jsondecode`: values → JSON text and back.

The text keeps the value it was made of (see `embedded.py`), so decoding it gives that value with all its places. What
is unknown in the value is an unknown part of the text.

https://developer.hashicorp.com/terraform/language/functions/jsonencode
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping

from bklint.frontends.terraform.embedded import decode_json
from bklint.frontends.terraform.extent import gathered
from bklint.frontends.terraform.functions_arguments import (
    Args,
    CallContext,
    Function,
    Result,
    UndecidedError,
    encoded,
    is_null,
    nonnull,
    renamed,
)
from bklint.frontends.terraform.scalars import number_string
from bklint.frontends.terraform.shapes import settled
from bklint.model.value import ListData, ObjectData, Text, Unknown, Value, first_unknown, text
from bklint.records import replace

_ESCAPED = {"<": "\\u003c", ">": "\\u003e", "&": "\\u0026", "\u2028": "\\u2028", "\u2029": "\\u2029"}
_TABLE = str.maketrans(_ESCAPED)


def json_text(value: Value) -> str:
    """The JSON text of a value that is known throughout."""
    return "".join([part for part in json_parts(value) if isinstance(part, str)])


def json_parts(value: Value) -> Iterator[str | Unknown]:
    """The JSON text of a value, object members in the order of their names."""
    data = value.data
    if isinstance(data, Unknown):
        if data.is_error:
            raise UndecidedError(data)
        yield replace(renamed(data, "json"), nonempty=True)
    elif isinstance(data, Text):
        yield '"'
        for part in data.parts:
            yield _quoted(part)[1:-1] if isinstance(part, str) else renamed(part, "json text")
        yield '"'
    elif isinstance(data, ListData):
        yield from _list_parts(data)
    elif isinstance(data, ObjectData):
        yield from _object_parts(data)
    else:
        yield _scalar(value)


def _scalar(value: Value) -> str:
    data = value.data
    if is_null(value):
        return "null"
    if isinstance(data, bool):
        return "true" if data else "false"
    return number_string(data) if isinstance(data, (int, float)) else _quoted(str(data))


def _quoted(written: str) -> str:
    return json.dumps(written, ensure_ascii=False).translate(_TABLE)


def _list_parts(data: ListData) -> Iterator[str | Unknown]:
    yield "["
    if settled(data):
        for number, item in enumerate(data.items):
            yield "," if number else ""
            yield from json_parts(item)
    else:
        yield from _hidden(data)
    if data.rest is not None and settled(data):
        yield renamed(data.rest, "json items")
    yield "]"


def _hidden(data: ListData) -> Iterator[Unknown]:
    """Items in no certain order: no text is."""
    why = data.rest or first_unknown(Value(data))
    if why is not None:
        yield Unknown(why.reason, why.cause, why.place, type="string", nonnull=True)


def _object_parts(data: ObjectData) -> Iterator[str | Unknown]:
    if data.rest is not None:
        yield "{"
        yield Unknown(data.rest.reason, data.rest.cause, data.rest.place, type="string", nonnull=True)
        yield "}"
        return
    yield "{"
    for number, name in enumerate(sorted(data.fields)):
        yield ("," if number else "") + _quoted(name) + ":"
        yield from json_parts(data.fields[name])
    yield "}"


def _jsonencode(args: Args, context: CallContext) -> Result:
    found = gathered(json_parts(args[0]), context.place)
    if isinstance(found, Unknown):
        raise UndecidedError(found)
    return encoded(text(found), args[0], "jsonencode", context.place)


def _jsondecode(args: Args, context: CallContext) -> Result:
    return decode_json(nonnull(args[0]))


TABLE: Mapping[str, Function] = {
    "jsondecode": Function(_jsondecode, 1, 1),
    "jsonencode": Function(_jsonencode, 1, 1, "string"),
}
