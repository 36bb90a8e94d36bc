"""Members of values: `value.name`, `value[0]`, and with a name or number that is not known.

A member keeps its own place. What is looked up in an unknown is unknown for the same reason.
"""

from __future__ import annotations

from bklint.frontends.arm.operands import key_of
from bklint.model.compare import equal
from bklint.model.value import (
    MISSING,
    ListData,
    ObjectData,
    Reason,
    Text,
    Unknown,
    Value,
    join,
    member_of,
    unknown,
)
from bklint.records import replace
from bklint.source import Locator


def member(value: Value, key: Value, safe: bool, place: Locator | None) -> Value:
    """`value[key]`; with `safe`, null where there is none."""
    data, name = value.data, key.data
    if isinstance(name, (Unknown, Text)):
        return _some_member(value, key, place)
    if not isinstance(name, (str, int)) or isinstance(name, bool):
        return unknown(Reason.ERROR, "a member is looked up by a name or a number", place)
    if isinstance(data, Unknown):
        return value._replace(data=_unknown_member(data, name, safe), ident=None, pieces=())
    found: Value | None = None
    if isinstance(data, ObjectData) and isinstance(name, str):
        found = data.find(name)
    elif isinstance(data, ListData) and isinstance(name, int) and not isinstance(name, bool):
        found = data.items[name] if 0 <= name < len(data.items) else None
    elif data is not None and data is not MISSING and not safe:
        return unknown(Reason.ERROR, f"{name!r} cannot be looked up in this value", place)
    if found is not None:
        return found
    rest = data.rest if isinstance(data, (ObjectData, ListData)) else None
    if rest is not None:
        return Value(_unknown_member(rest, name, safe), value.place or place, value.hops)
    if safe:
        return Value(None, place)
    what = f"there is no item {name}" if isinstance(name, int) else f"there is no property {name!r}"
    return unknown(Reason.ERROR, what, place)


def _unknown_member(data: Unknown, name: str | int, safe: bool) -> Unknown:
    """A member of an unknown. What a deployed resource is asked for is there, or the deployment would fail."""
    found = member_of(data, name)
    listed = data.reason is Reason.SECURE and isinstance(data.key, tuple) and str(data.key[0]).startswith("list")
    read = data.nonnull and data.reason in (Reason.DATA, Reason.FILE)
    deployed = data.reason is Reason.COMPUTED or read or listed
    computed = deployed and not safe and not found.domain
    return replace(found, nonnull=True) if computed else found


def _some_member(value: Value, key: Value, place: Locator | None) -> Value:
    """The member of a name or number that is not known: one of those there are."""
    why = key.unknown
    assert why is not None
    identity = key_of(key)
    if value.hops is None or value.place is None or identity is None:
        symbol = None
    else:
        symbol = ("member", value.place, identity)
    why = replace(why, type=None, nonnull=False, nonempty=False, low=None, high=None, domain=(), key=symbol)
    choices = _candidates(value, key)
    if not choices:
        hidden = value.data if isinstance(value.data, Unknown) else why
        return Value(Unknown(hidden.reason, hidden.cause, hidden.place, key=symbol), place)
    found = join(choices, why)
    if isinstance(found.data, Unknown):
        found = found._replace(data=replace(found.data, key=symbol))
    return found


def _candidates(value: Value, key: Value) -> tuple[Value, ...]:
    """The members that a name or number that is not known may mean; none where they cannot be listed."""
    data = value.data
    if isinstance(data, ListData) and data.rest is None:
        return data.items
    if isinstance(data, ObjectData) and data.rest is None:
        return tuple([data.fields[name] for name in data.fields if equal(Value(name), key) is not False])
    if isinstance(data, Unknown) and data.domain:
        found = [_candidates(choice, key) for choice in data.domain]
        return tuple([one for candidates in found for one in candidates]) if all(found) else ()
    return ()
