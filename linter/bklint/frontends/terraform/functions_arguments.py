"""What a function reads from its arguments: values → plain Python data, or the reason why it cannot.

A function of `functions_*.py` takes its arguments as they are. It reads them with the functions below, which raise
`UndecidedError` at what is unknown and `FailedError` at what Terraform refuses; `bklint.frontends.terraform.functions` turns both
into values. A function that knows part of its result in spite of an unknown argument does not read that argument so.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import NamedTuple, TypeAlias

from bklint.files import Entry
from bklint.frontends.terraform.extent import passed
from bklint.frontends.terraform.scalars import MOST_BITS, known_text, parse_bool, parse_number, string_parts
from bklint.frontends.terraform.shapes import Bag, interned, plain, settled
from bklint.frontends.terraform.types import unify
from bklint.model.value import (
    ABSENT,
    MISSING,
    Data,
    Hop,
    ListData,
    ObjectData,
    Reason,
    Text,
    Unknown,
    Value,
    first_unknown,
    text,
    type_of,
)
from bklint.records import replace
from bklint.source import Locator


class CallContext(NamedTuple):
    """Where a call stands and what it may read.

    `place` is the call's own. `read` gives the bytes of a file by its path as the scan displays it, and `entries` lists
    a directory; both raise InputError. `root_dir` is a path of the same kind.
    """

    place: Locator
    read: Callable[[str], bytes]
    root_dir: str
    entries: Callable[[str], tuple[Entry, ...]] | None = None


Args: TypeAlias = tuple[Value, ...]
Result: TypeAlias = Value | Data


class Function(NamedTuple):
    """A function: how it is computed, how many arguments it takes (`most` None: any number), the type of its result.

    The type is None where a result may have any type or be null.
    """

    compute: Callable[[Args, CallContext], Result]
    least: int
    most: int | None
    result: str | None = None


class FailedError(Exception):
    """Terraform ends with this error."""


class UndecidedError(Exception):
    """The result depends on this unknown."""

    def __init__(self, why: Unknown) -> None:
        super().__init__(why.cause)
        self.why = why


def string(value: Value) -> str:
    """A string, converted if need be."""
    known = known_text(value)
    if known is None:
        raise _no(value, "string")
    return known


def parts(value: Value) -> tuple[str | Unknown, ...]:
    """A string, known or in parts."""
    found = string_parts(value)
    if found is None or any(isinstance(part, Unknown) and part.type in ("list", "object") for part in found):
        raise _no(value, "string")
    for part in found:
        if isinstance(part, Unknown) and part.is_error:
            raise UndecidedError(part)
    return found


def number(value: Value) -> int | float:
    """A number, converted if need be."""
    data = value.data
    if isinstance(data, str):
        parsed = parse_number(data)
        if parsed is None:
            raise FailedError("a number is required, not a string that holds none")
        return parsed
    if isinstance(data, bool) or not isinstance(data, (int, float)):
        raise _no(value, "number")
    if isinstance(data, int) and data.bit_length() > MOST_BITS:
        raise UndecidedError(passed("", "a number of thousands of digits", value.place))
    return data


def integer(value: Value) -> int:
    """A whole number."""
    found = number(value)
    if isinstance(found, float) and not found.is_integer():
        raise FailedError("a whole number is required")
    return int(found)


def boolean(value: Value) -> bool:
    """A bool, converted if need be."""
    data = value.data
    parsed = parse_bool(data) if isinstance(data, str) else data
    if isinstance(parsed, bool):
        return parsed
    raise _no(value, "bool")


def collection(value: Value) -> ListData | ObjectData:
    """A list, set, map or object."""
    if isinstance(value.data, (ListData, ObjectData)):
        return value.data
    raise _no(value, "collection")


def sequence(value: Value, sets: bool = True) -> ListData:
    """A list, tuple or (if `sets`) set, with whatever is unknown in it."""
    data = value.data
    if isinstance(data, ListData) and (sets or not (isinstance(data, Bag) and data.is_set)):
        return data
    if isinstance(data, ListData):
        raise FailedError("a list is required, not a set")
    raise _no(value, "list")


def whole(value: Value, sets: bool = True) -> tuple[Value, ...]:
    """The items of a list whose number and order are certain."""
    data = sequence(value, sets)
    if data.rest is not None:
        raise UndecidedError(data.rest)
    if not settled(data):
        raise undecided(value)
    return data.items


def mapping(value: Value) -> ObjectData:
    """A map or object, with whatever is unknown in it."""
    if isinstance(value.data, ObjectData):
        return value.data
    raise _no(value, "map")


def nonnull(value: Value) -> Value:
    """The value, which must not be null."""
    if is_null(value):
        raise FailedError("an argument must not be null")
    return value


def is_null(value: Value) -> bool:
    """Whether a value is certain to be null."""
    return value.data is None or value.data is MISSING or value.data is ABSENT


def undecided(*values: Value) -> UndecidedError:
    """The exception for the first unknown in these values."""
    for value in values:
        why = first_unknown(value)
        if why is not None:
            return UndecidedError(why)
    return UndecidedError(Unknown(Reason.UNSUPPORTED, "a function"))


def _no(value: Value, kind: str) -> Exception:
    """What to raise for a value that cannot be read as one of that kind."""
    data = value.data
    if is_null(value):
        return FailedError("an argument must not be null")
    if isinstance(data, Text):
        return (
            UndecidedError(data.unknowns[0])
            if kind in ("string", "number", "bool")
            else FailedError(f"a {kind} is required")
        )
    if not isinstance(data, Unknown):
        return FailedError(f"a {kind} is required, not a {type_of(value) or 'value of another type'}")
    if data.type is not None and not _possible(data.type, kind):
        return FailedError(f"a {kind} is required, not a {data.type}")
    return UndecidedError(data)


def _possible(known: str, kind: str) -> bool:
    if kind == "collection":
        return known in ("list", "object")
    if kind in ("list", "map"):
        return known == ("object" if kind == "map" else kind)
    return known in ("string", kind) or (kind == "string" and known in ("number", "bool"))


def renamed(part: Unknown, *name: object) -> Unknown:
    """An unknown string after a function was applied to it: the same cause, another identity."""
    key = None if part.key is None else interned((*name, part.key))
    return Unknown(part.reason, part.cause, part.place, type="string", nonnull=True, nonempty=part.nonempty, key=key)


def mapped(value: Value, change: Callable[[str], str], name: str) -> str | Text:
    """A function of single characters, applied to a string: to its literal parts, and to the unknown ones by name."""
    return text(tuple([change(part) if isinstance(part, str) else renamed(part, name) for part in parts(value)]))


def some(why: Unknown, **known: object) -> Unknown:
    """An unknown result, with what is known about it."""
    return replace(plain(why), **known)  # type: ignore[arg-type]


def unified(items: Iterable[Value], rest: Unknown | None = None) -> tuple[Value, ...]:
    """Elements of one type."""
    found = unify(tuple(items), rest)
    if found is None:
        raise FailedError("all elements must have one type")
    return found


def derived(data: Data, operand: Value, name: str, context: CallContext) -> Value:
    """A part of a computed result that comes of one operand."""
    hop = Hop("function", f"{name}()", operand.place, operand.hops) if operand.hops is not None else None
    return Value(data, context.place, hop)


def encoded(data: Result, original: Value, name: str, place: Locator) -> Value:
    """The text that an encoding function makes of a value, which stays with it as its only piece (see `embedded.py`)."""
    before = original.hops
    hop = Hop("function", f"{name}()", original.place if before is not None else place, before)
    made = data if not isinstance(data, Value) else data.data
    return Value(made, place, hop, pieces=(original,))
