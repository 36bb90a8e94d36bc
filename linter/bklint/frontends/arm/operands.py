"""What functions ask of their operands: a text, a number, a list, each of which may be unknown or of the wrong type.

A function that cannot go on raises `UndecidedError` with the unknown that is in its way, or `FunctionError` with the
reason why the deployment would fail here. Both end in the caller, which makes an unknown value of them; neither leaves
the package.
"""

from __future__ import annotations

from collections.abc import Hashable
from typing import NoReturn

from bklint.model.compare import number_of
from bklint.model.path import joined
from bklint.model.value import (
    MISSING,
    ListData,
    ObjectData,
    Reason,
    Text,
    Unknown,
    Value,
    first_unknown,
    parts_of,
    text,
)
from bklint.records import replace
from bklint.source import Locator

MAX_TEXT = 1 << 20
"""Longest string that is composed, in characters. A template is at most 4 MB
(https://learn.microsoft.com/azure/azure-resource-manager/templates/best-practices)."""
MAX_PARTS = 4096
"""Most parts of a string of which some are unknown."""
MAX_ITEMS = 100_000
"""Longest list that is made."""
MAX_KEY = 40
"""Most parts that a symbolic identity is made of."""

Parts = tuple["str | Unknown", ...]


class UndecidedError(Exception):
    """A function cannot go on, because an operand is not known."""

    def __init__(self, unknown: Unknown) -> None:
        super().__init__(unknown.cause)
        self.unknown = unknown


class FunctionError(Exception):
    """The deployment would fail in this function."""

    def __init__(self, message: str, reason: Reason = Reason.ERROR) -> None:
        super().__init__(message)
        self.message = message
        self.reason = reason


def limit(what: str) -> NoReturn:
    """Raises for a result that is larger than bklint makes."""
    raise FunctionError(f"{what} larger than bklint evaluates", Reason.LIMIT)


def stuck(value: Value) -> NoReturn:
    """Raises for the unknown in a value."""
    why = first_unknown(value)
    assert why is not None
    raise UndecidedError(why)


def kind(value: Value) -> str:
    """The type of a value as an error message names it."""
    data = value.data
    if data is None or data is MISSING:
        return "null"
    if isinstance(data, bool):
        return "a bool"
    if isinstance(data, (int, float)):
        return "a number"
    if isinstance(data, ListData):
        return "an array"
    return "an object" if isinstance(data, ObjectData) else "a string"


def require_known(value: Value) -> Value:
    """The value, if it is no unknown as a whole (a string or collection may be partly known)."""
    if isinstance(value.data, Unknown):
        raise UndecidedError(value.data)
    return value


def string(value: Value) -> str:
    """A text that is known; numbers and bools as ARM writes them into strings."""
    parts = parts_of(value)
    if parts is None:
        raise FunctionError(f"expected a string, got {kind(value)}")
    if len(parts) == 1 and isinstance(parts[0], str):
        return parts[0]
    if isinstance(value.data, str):
        return value.data
    stuck(value)


def parts(value: Value) -> Parts:
    """A text of which parts may be unknown."""
    found = parts_of(value)
    if found is None:
        raise FunctionError(f"expected a string, got {kind(value)}")
    return found


def integer(value: Value) -> int:
    """A whole number; a string that spells one counts, as ARM reads it."""
    if value.unknown is not None:
        stuck(value)
    number = number_of(value.data)
    if number is None:
        raise FunctionError(f"expected a number, got {kind(value)}")
    return int(value.data) if isinstance(value.data, int) else int(number)


def truth(value: Value) -> bool:
    """A bool; `"true"` and `"false"` count as they do in a `condition`."""
    if isinstance(value.data, bool):
        return value.data
    if value.unknown is not None:
        stuck(value)
    if isinstance(value.data, str) and value.data.lower() in ("true", "false"):
        return value.data.lower() == "true"
    if isinstance(value.data, (int, float)):
        return value.data != 0
    raise FunctionError(f"expected a bool, got {kind(value)}")


def array(value: Value) -> ListData:
    """A list; it may be open and its items unknown."""
    data = require_known(value).data
    if not isinstance(data, ListData):
        raise FunctionError(f"expected an array, got {kind(value)}")
    return data


def whole_array(value: Value) -> tuple[Value, ...]:
    """The items of a list that is not open."""
    data = array(value)
    if data.rest is not None:
        raise UndecidedError(data.rest)
    return data.items


def mapping(value: Value) -> ObjectData:
    """An object; it may be open."""
    data = require_known(value).data
    if not isinstance(data, ObjectData):
        raise FunctionError(f"expected an object, got {kind(value)}")
    return data


def whole_mapping(value: Value) -> ObjectData:
    """An object that is not open."""
    data = mapping(value)
    if data.rest is not None:
        raise UndecidedError(data.rest)
    return data


def composed(found: Parts) -> str | Text | Unknown:
    """Parts as data. A single unknown part is that unknown, known to be a string."""
    if sum(len(part) for part in found if isinstance(part, str)) > MAX_TEXT:
        limit("a string")
    data = joined(_flat(found)) if found else ""
    if isinstance(data, Text) and len(data.parts) > MAX_PARTS:
        limit("a string")
    if isinstance(data, Unknown) and data.type != "string":
        return replace(data, type="string", domain=() if data.type else data.domain)
    return data


def _flat(found: Parts) -> Parts:
    data = text(found)
    return data.parts if isinstance(data, Text) else (data,)


def items_limited(items: tuple[Value, ...]) -> tuple[Value, ...]:
    """The items, unless there are too many."""
    if len(items) > MAX_ITEMS:
        limit("an array")
    return items


def key_of(value: Value) -> Hashable:
    """The symbolic identity of a value; None for what has none."""
    found = _keys(value, MAX_KEY)
    return None if found is None else tuple(found)


def _keys(value: Value, budget: int) -> list[Hashable] | None:
    """The identity of a value as a flat row; texts ignoring case."""
    if budget <= 0:
        return None
    data = value.data
    row: list[Hashable] = []
    pieces: tuple[object, ...]
    if isinstance(data, Text):
        pieces = data.parts
    elif isinstance(data, ListData):
        pieces = (data.rest,) if data.rest is not None else data.items
    elif isinstance(data, ObjectData):
        return None
    else:
        pieces = (data,)
    for piece in pieces:
        if isinstance(piece, Value):
            inner = _keys(piece, budget - len(row) - 1)
            if inner is None:
                return None
            row.extend(inner)
        elif isinstance(piece, Unknown):
            if piece.key is None:
                return None
            row.append(("unknown", piece.key))
        else:
            row.append(piece.casefold() if isinstance(piece, str) else (type(piece).__name__, str(piece)))
        if len(row) > budget:
            return None
    return row


def derived(name: str, operands: tuple[Value, ...], why: Unknown, type_: str | None) -> Unknown:
    """The unknown result of a function of operands of which one is unknown; equal operands give equal results."""
    keys = [key_of(operand) for operand in operands]
    key = None if None in keys or len(str(keys)) > 2000 else (name, *keys)
    return Unknown(why.reason, why.cause, why.place, type=type_, nonnull=type_ is not None, key=key)


def atom(name: str, operands: tuple[Value, ...], place: Locator | None, cause: str = "") -> Unknown:
    """A string that Azure computes from its operands, the same for equal ones: `uniqueString()`, `guid()`."""
    key = [key_of(operand) for operand in operands]
    return Unknown(
        Reason.COMPUTED,
        cause or f"{name}()",
        place,
        type="string",
        nonnull=True,
        nonempty=True,
        key=None if None in key else (name.lower(), *key),
    )
