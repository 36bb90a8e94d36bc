"""Array functions, most of which take strings or objects too:
https://learn.microsoft.com/azure/azure-resource-manager/templates/template-functions-array

An open list has known items and an unknown rest. Every function here keeps the items whose index is certain.
"""

from __future__ import annotations

from bklint.frontends.arm.equality import holds
from bklint.frontends.arm.functions import MANY, Result, Values, pure
from bklint.frontends.arm.functions_strings import literal_prefix, literal_suffix
from bklint.frontends.arm.json_text import plain
from bklint.frontends.arm.operands import (
    FunctionError,
    UndecidedError,
    array,
    composed,
    integer,
    items_limited,
    kind,
    limit,
    parts,
    require_known,
    string,
    stuck,
)
from bklint.model.compare import disjunction
from bklint.model.value import ListData, ObjectData, Reason, Text, Unknown, Value, first_unknown

MAX_UNKNOWN_ITEMS = 500
"""Most items that are not wholly known and are compared one by one."""
MAX_RANGE = 10_000
"""Longest range: https://learn.microsoft.com/azure/azure-resource-manager/templates/template-functions-array#range"""
ATOM_LENGTHS = {"uniquestring": 13, "guid": 36, "newguid": 36}
"""Lengths of the texts that Azure computes, by the name that their key starts with."""


@pure("array", 1, 1, "list")
def array_(operands: Values) -> Result:
    """A value as a list of it; a list as itself."""
    value = require_known(operands[0])
    return value if isinstance(value.data, ListData) else ListData((value,))


@pure("createArray", 0, MANY, "list")
def create_array(operands: Values) -> Result:
    """A list of the operands."""
    return ListData(operands)


@pure("range", 2, 2, "list")
def range_(operands: Values) -> Result:
    """So many integers from a first one on."""
    start, count = integer(operands[0]), integer(operands[1])
    if count < 0:
        raise FunctionError("the count is negative")
    if count > MAX_RANGE:
        raise FunctionError(f"the count is more than {MAX_RANGE:,}")
    return ListData(tuple([Value(start + index, operands[0].place) for index in range(count)]))


@pure("contains", 2, 2, "bool")
def contains(operands: Values) -> Result:
    """Whether an array has an item, an object a member of that name (ignoring case), a string a text (minding case)."""
    container, item = operands
    data = require_known(container).data
    if isinstance(data, ListData):
        found = disjunction([holds(member, item) for member in data.items])
        return _decided(None if found is False and data.rest is not None else found, container, item)
    if isinstance(data, ObjectData):
        if data.find(string(item)) is not None:
            return True
        return _decided(None if data.rest is not None else False, container, item)
    wanted = string(item)
    if any(isinstance(part, str) and wanted in part for part in parts(container)):
        return True
    return _decided(None if isinstance(data, Text) else False, container, item)


def _decided(answer: bool | None, container: Value, item: Value) -> bool:
    if answer is None:
        data = container.data
        rest = data.rest if isinstance(data, (ListData, ObjectData)) else container.unknown
        if rest is not None:
            raise UndecidedError(rest)
        stuck(item if item.unknown is not None else container)
    return answer


@pure("empty", 1, 1, "bool")
def empty(operands: Values) -> Result:
    """Whether a string, array or object is empty; null is."""
    data = operands[0].data
    if data is None:
        return True
    if isinstance(data, Unknown):
        if data.nonempty:
            return False
        raise UndecidedError(data)
    if isinstance(data, Text):
        if any(part if isinstance(part, str) else part.nonempty for part in data.parts):
            return False
        raise UndecidedError(data.unknowns[0])
    if isinstance(data, ListData):
        return _empty(bool(data.items), data.rest)
    if isinstance(data, ObjectData):
        return _empty(bool(len(data.fields)), data.rest)
    if isinstance(data, str):
        return data == ""
    raise FunctionError(f"expected a string, an array or an object, got {kind(operands[0])}")


def _empty(some: bool, rest: Unknown | None) -> bool:
    if rest is not None and not some:
        raise UndecidedError(rest)
    return not some


@pure("length", 1, 1, "number")
def length(operands: Values) -> Result:
    """The number of characters, items or members."""
    data = operands[0].data
    if isinstance(data, str):
        return len(data.encode("utf-16-le", "surrogatepass")) // 2
    if isinstance(data, ListData):
        return len(data.items) if data.rest is None else _at_least(len(data.items), data.rest)
    if isinstance(data, ObjectData):
        return len(data.fields) if data.rest is None else _at_least(len(data.fields), data.rest)
    if isinstance(data, (Text, Unknown)):
        sizes = [_size(part) for part in parts(operands[0])]
        if None not in sizes:
            return sum(size for size in sizes if size is not None)
        why = operands[0].unknown
        assert why is not None
        return _at_least(sum(size or 0 for size in sizes), why)
    raise FunctionError(f"expected a string, an array or an object, got {kind(operands[0])}")


def _size(part: str | Unknown) -> int | None:
    if isinstance(part, str):
        return len(part)
    return ATOM_LENGTHS.get(str(part.key[0])) if isinstance(part.key, tuple) and part.key else None


def _at_least(size: int, why: Unknown) -> Unknown:
    least = max(size, 1) if why.nonempty else size
    key = None if why.key is None else ("length", why.key, size)
    return Unknown(why.reason, why.cause, why.place, "number", nonnull=True, low=least, key=key)


@pure("first", 1, 1)
def first(operands: Values) -> Result:
    """The first item or character; null of an empty array."""
    data = require_known(operands[0]).data
    if isinstance(data, ListData):
        return data.items[0] if data.items else _nothing(data)
    known = literal_prefix(operands[0])
    return known[0] if known or (isinstance(data, Text) and stuck(operands[0])) else ""


@pure("last", 1, 1)
def last(operands: Values) -> Result:
    """The last item or character; null of an empty array."""
    data = require_known(operands[0]).data
    if isinstance(data, ListData):
        return data.items[-1] if data.items and data.rest is None else _nothing(data)
    known = literal_suffix(operands[0])
    return known[-1] if known or (isinstance(data, Text) and stuck(operands[0])) else ""


def _nothing(data: ListData) -> Value:
    if data.rest is not None:
        raise UndecidedError(data.rest)
    return Value(None)


@pure("take", 2, 2)
def take(operands: Values) -> Result:
    """So many items or characters from the start."""
    size = max(integer(operands[1]), 0)
    data = require_known(operands[0]).data
    if isinstance(data, ListData):
        return ListData(data.items[:size], data.rest if size > len(data.items) else None)
    known = literal_prefix(operands[0])
    if isinstance(data, Text) and size > len(known):
        return _take_text(data, size)
    return known[:size]


def _take_text(data: Text, size: int) -> Result:
    """As many parts of a partly known text as are whole; the one that is cut, or of unknown length, ends what is known."""
    found: list[str | Unknown] = []
    for part in data.parts:
        width = _size(part)
        if width is None or width > size:
            if isinstance(part, str):
                return composed((*found, part[:size]))
            key = None if part.key is None else ("take", part.key, size)
            cut = Unknown(part.reason, part.cause, part.place, "string", nonnull=True, nonempty=part.nonempty, key=key)
            return composed((*found, cut))
        found.append(part)
        size -= width
        if size == 0:
            break
    return composed(tuple(found))


@pure("skip", 2, 2)
def skip(operands: Values) -> Result:
    """The items or characters after so many."""
    size = max(integer(operands[1]), 0)
    data = require_known(operands[0]).data
    if isinstance(data, ListData):
        return ListData(data.items[size:], data.rest)
    known = literal_prefix(operands[0])
    if isinstance(data, Text):
        return composed((known[size:], *data.parts[1:])) if size <= len(known) else stuck(operands[0])
    return known[size:]


@pure("indexOf", 2, 2, "number")
def index_of(operands: Values) -> Result:
    """The 0-based position of an item or text, -1 where there is none; texts ignoring case."""
    data = require_known(operands[0]).data
    if isinstance(data, ListData):
        return _position(data, operands[1], list(range(len(data.items))))
    wanted = string(operands[1]).casefold()
    at = literal_prefix(operands[0]).casefold().find(wanted)
    return stuck(operands[0]) if at < 0 and isinstance(data, Text) else at


@pure("lastIndexOf", 2, 2, "number")
def last_index_of(operands: Values) -> Result:
    """The last 0-based position of an item or text, -1 where there is none; texts ignoring case."""
    data = require_known(operands[0]).data
    if isinstance(data, ListData):
        return _position(data, operands[1], list(reversed(range(len(data.items)))))
    return string(operands[0]).casefold().rfind(string(operands[1]).casefold())


def _position(data: ListData, item: Value, order: list[int]) -> int:
    for index in order:
        answer = holds(data.items[index], item)
        if answer is None:
            stuck(item if item.unknown is not None else data.items[index])
        if answer:
            return index
    if data.rest is not None:
        raise UndecidedError(data.rest)
    return -1


@pure("flatten", 1, 1, "list")
def flatten(operands: Values) -> Result:
    """An array of arrays as one array."""
    found: list[Value] = []
    outer = array(operands[0])
    for item in outer.items:
        if isinstance(item.data, Unknown):
            return ListData(tuple(found), item.data)
        inner = array(item)
        found.extend(inner.items)
        if inner.rest is not None:
            return ListData(tuple(found), inner.rest)
    return ListData(items_limited(tuple(found)), outer.rest)


class Distinct:
    """Items met so far, for finding equal ones: known ones by their JSON, the others one by one."""

    def __init__(self, items: tuple[Value, ...] = ()) -> None:
        self._known: set[str] = set()
        self._others: list[Value] = []
        self.items: list[Value] = []
        for item in items:
            self.add(item)

    def add(self, item: Value) -> None:
        """Take an item, if it is a new one. Raises UndecidedError where that is not known."""
        if not self.has(item):
            self.items.append(item)
            text = _text(item)
            if text is None:
                self._others.append(item)
            else:
                self._known.add(text)

    def has(self, item: Value) -> bool:
        """Whether an equal item was met. Raises UndecidedError where that is not known."""
        text = _text(item)
        if text is not None and text in self._known:
            return True
        candidates = self._others if text is not None else self.items
        if len(candidates) > MAX_UNKNOWN_ITEMS:
            limit("an array")
        answer = disjunction([holds(other, item) for other in candidates])
        if answer is None:
            why = first_unknown(item) or next(filter(None, map(first_unknown, candidates)), None)
            raise UndecidedError(why or Unknown(Reason.UNSUPPORTED, "items that are partly known"))
        return answer


def _text(item: Value) -> str | None:
    """A known item as JSON; None for one that is not wholly known."""
    try:
        return plain(item)
    except UndecidedError:
        return None
