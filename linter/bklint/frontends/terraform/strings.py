"""Templates, member access and indexing: the parts of the language that take strings together and collections apart."""

from __future__ import annotations

from typing import overload

from bklint.frontends.terraform.extent import too_long
from bklint.frontends.terraform.scalars import known_text, string_parts
from bklint.frontends.terraform.shapes import Bag, is_set
from bklint.model.value import (
    ABSENT,
    MISSING,
    Hop,
    ListData,
    ObjectData,
    Reason,
    Unknown,
    Value,
    first_unknown,
    member_of,
    text,
    unknown,
)
from bklint.source import Place


def compose(pieces: list[Value], place: Place) -> Value:
    """The string a template makes of its pieces. Null and collections in a template are errors."""
    parts: list[str | Unknown] = []
    for piece in pieces:
        found = string_parts(piece)
        if found is None:
            error = f"{'null' if piece.data is None else 'a collection'} cannot be part of a string"
            return unknown(Reason.ERROR, error, piece.place or place)
        for part in found:
            if isinstance(part, Unknown) and part.is_error:
                return Value(part, place)
        parts.extend(found)
    passed = too_long(parts, place)
    if passed is not None:
        return Value(passed, place)
    varying = [piece for piece in pieces if piece.hops is not None]
    hops = Hop("function", "template", varying[0].place, varying[0].hops) if len(varying) == 1 else None
    kept = tuple([piece for piece in pieces if piece.data != ""])  # empty ones leave no trace, and could be many
    return Value(text(tuple(parts)), place, hops, pieces=kept)


def member(value: Value, name: str, place: Place) -> Value:
    """`value.name` of an object, exact in case."""
    data = value.data
    if isinstance(data, ObjectData):
        found = data.fields.get(name)
        if found is not None:
            return inherit(found, value)
        if data.rest is not None:
            return Value(_plain(data.rest), place)
        return unknown(Reason.ERROR, f"there is no attribute {name!r}", place)
    if isinstance(data, ListData) and name.isdigit():
        return index(value, Value(int(name)), place)
    if isinstance(data, Unknown):
        return value._replace(data=member_of(data, name), ident=None)
    what = "null" if data is None or data is MISSING or data is ABSENT else "a value that is no object"
    return unknown(Reason.ERROR, f"attribute {name!r} of {what}", place)


def inherit(member: Value, container: Value) -> Value:
    """A member with the trail of its container where it has none: it came the same way."""
    return member._replace(hops=container.hops) if member.hops is None and container.hops is not None else member


def index(value: Value, key: Value, place: Place) -> Value:
    """`value[key]` of a list or map."""
    data = value.data
    if isinstance(data, Unknown):
        name = key.data if isinstance(key.data, (str, int)) else "?"
        return value._replace(data=member_of(data, name), ident=None)
    if isinstance(data, ListData):
        return inherit(_item(data, key, place), value)
    if isinstance(data, ObjectData):
        wanted = known_text(key)
        if wanted is None:
            return Value(_plain(first_unknown(key)) or Unknown(Reason.ERROR, "a key must be a string", place), place)
        return member(value, wanted, place)
    return unknown(Reason.ERROR, "only a list or a map can be indexed", place)


def _item(data: ListData, key: Value, place: Place) -> Value:
    if is_set(data):
        return unknown(Reason.ERROR, "a set has no order and cannot be indexed", place)
    found = known_text(key)
    if found is None:
        return Value(_plain(first_unknown(key)) or Unknown(Reason.ERROR, "an index must be a number", place), place)
    if not found.isdigit():
        return unknown(Reason.ERROR, f"{found!r} is no index of a list", place)
    number = int(found)
    if isinstance(data, Bag) and number >= data.ordered:
        why = data.rest or next((first_unknown(item) for item in data.items if first_unknown(item) is not None), None)
        return Value(_plain(why) or Unknown(Reason.CONDITION, "the order of the list", place), place)
    if number < len(data.items):
        return data.items[number]
    if data.rest is not None:
        return Value(_plain(data.rest), place)
    return unknown(Reason.ERROR, f"index {number} of a list of {len(data.items)}", place)


@overload
def _plain(why: Unknown) -> Unknown: ...
@overload
def _plain(why: None) -> None: ...
def _plain(why: Unknown | None) -> Unknown | None:
    """The same cause with nothing known of the value."""
    return None if why is None else Unknown(why.reason, why.cause, why.place)
