"""Property paths in ARM vocabulary: `properties.storageProfile.dataDisks[*].diskSizeGB`, `a[0].b`.

Names compare ignoring case. `[*]` stands for every item of a list, so a path with it selects several values.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Literal, TypeAlias

from bklint.model.value import ABSENT, MISSING, ListData, ObjectData, Text, Unknown, Value, missing, step, text, walk

EACH: Literal["*"] = "*"
"""The step that stands for every item. Member names that are `*` do not occur in ARM."""

Step: TypeAlias = str | int

_STEP = re.compile(r"\.?([^.\[\]]+)|\[(\*|\d+|'[^']*')\]")


@lru_cache(maxsize=4096)
def parse(path: str) -> tuple[Step, ...]:
    """The steps of a path. `['a.b']` quotes a name that holds a dot. Raises ValueError for what is no path."""
    steps: list[Step] = []
    at = 0
    while at < len(path):
        match = _STEP.match(path, at)
        if match is None or (at == 0 and path.startswith(".")):
            raise ValueError(f"not a property path: {path!r}")
        name, index = match.groups()
        if name is not None:
            steps.append(name)
        elif index == "*":
            steps.append(EACH)
        else:
            steps.append(index[1:-1] if index.startswith("'") else int(index))
        at = match.end()
    return tuple(steps)


class Selection:
    """The values a path selects, and whether there may be more (`rest`, the unknown that hides them)."""

    __slots__ = ("rest", "values")

    def __init__(self, values: list[Value], rest: Unknown | None) -> None:
        self.values = values
        self.rest = rest


def select(value: Value, path: str | tuple[Step, ...]) -> Selection:
    """Every value at the path. A missing list selects nothing; an unknown one selects nothing and sets `rest`."""
    current, rest = [value], None
    for name in parse(path) if isinstance(path, str) else path:
        if name != EACH:
            current = [step(one, name) for one in current]
            continue
        spread: list[Value] = []
        for one in current:
            data = one.data
            if isinstance(data, ListData):
                spread.extend(data.items)
                rest = rest or data.rest
            elif isinstance(data, Unknown):
                rest = rest or data
            elif isinstance(data, ObjectData):
                spread.append(one)
        current = spread
    return Selection(current, rest)


def get(value: Value, path: str) -> Value:
    """The value at a path without `[*]`."""
    return walk(value, parse(path))


def joined(parts: tuple[str | Unknown, ...]) -> str | Text | Unknown:
    """Composed parts as data: a single unknown part stays that unknown."""
    return parts[0] if len(parts) == 1 else text(parts)


def put(value: Value, path: tuple[Step, ...], new: Value) -> Value:
    """The value with `new` at the path; objects on the way are made where missing. Unknown parents stay unknown."""
    if not path:
        return new
    name, data = path[0], value.data
    if isinstance(name, int):
        return _put_item(value, name, path[1:], new)
    if data is MISSING or data is None or data is ABSENT:
        data = ObjectData()
    if name == EACH or not isinstance(data, ObjectData):
        return value
    actual = next((key for key in data.fields if key.casefold() == name.casefold()), name)
    child = data.fields.get(actual, missing(new.place))
    fields = {**data.fields, actual: put(child, path[1:], new)}
    place = value.place if value.place is not None else new.place
    return value._replace(data=ObjectData(fields, data.rest, data.keys), place=place)


def _put_item(value: Value, index: int, path: tuple[Step, ...], new: Value) -> Value:
    """The list with `new` inside one of its items; one past the end adds an item."""
    data = value.data if isinstance(value.data, ListData) else ListData() if value.exists is False else None
    if data is None or index > len(data.items):
        return value
    item = data.items[index] if index < len(data.items) else missing(new.place)
    items = (*data.items[:index], put(item, path, new), *data.items[index + 1 :])
    return value._replace(data=ListData(items, data.rest), place=value.place if value.place is not None else new.place)


def without(value: Value, name: str) -> Value:
    """An object without one member."""
    if not isinstance(value.data, ObjectData):
        return value
    fields = {key: member for key, member in value.data.fields.items() if key.casefold() != name.casefold()}
    return value._replace(data=ObjectData(fields, value.data.rest, value.data.keys))


def merge(base: Value, patch: Value) -> Value:
    """A deep merge of two objects, as an ARM PATCH or `azapi_update_resource` does it: members of the patch win."""
    a, b = base.data, patch.data
    if not (isinstance(a, ObjectData) and isinstance(b, ObjectData)):
        return patch
    fields = dict(a.fields)
    for key, member in b.fields.items():
        actual = next((name for name in fields if name.casefold() == key.casefold()), key)
        fields[actual] = merge(fields[actual], member) if actual in fields else member
    return base._replace(data=ObjectData(fields, a.rest or b.rest, {**a.keys, **b.keys}))


def appended(value: Value, item: Value) -> Value:
    """A list with one more item; a missing list becomes one of a single item, an unknown one keeps its unknown rest."""
    data = value.data
    if isinstance(data, ListData):
        return value._replace(data=ListData((*data.items, item), data.rest))
    if isinstance(data, Unknown):
        return value._replace(data=ListData((item,), data))
    return Value(ListData((item,)), item.place)


def opened(value: Value, why: Unknown) -> Value:
    """The same objects, each with an unknown rest: what is not written in any of them may be there all the same."""
    if not isinstance(value.data, ObjectData):
        return value
    fields = {key: opened(member, why) for key, member in value.data.fields.items()}
    return value._replace(data=ObjectData(fields, value.data.rest or why, value.data.keys))
