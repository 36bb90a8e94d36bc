"""Terraform's sets, maps and partly known lists as the model's `ListData` and `ObjectData`.

The model has one kind of list and one kind of object. What Terraform distinguishes further is kept in subclasses, which
everything behind the front-end takes for what they are derived from.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable
from functools import cmp_to_key
from weakref import WeakValueDictionary

from bklint.frontends.terraform.scalars import number_string
from bklint.model.value import ListData, ObjectData, Text, Unknown, Value, first_unknown, type_of
from bklint.records import dataclass


@dataclass(frozen=True, slots=True)
class Bag(ListData):
    """A set, or a list of which only the first `ordered` items are certain to be where they stand.

    `is_set` is Terraform's type. `merging`: two items may turn out to be one, when what is unknown in them is known.
    """

    ordered: int = 0
    is_set: bool = False
    merging: bool = False


@dataclass(frozen=True, slots=True)
class MapData(ObjectData):
    """A map: unlike in an object, all members are of one type."""


def plain(why: Unknown) -> Unknown:
    """The same reason and cause, with nothing known of the value."""
    return Unknown(why.reason, why.cause, why.place)


class Key:
    """A symbolic identity made of others; equal ones are one object, so comparing and hashing take one step.

    Identities share their parts: after sixty steps that each use the one before twice, one would be 2^60 parts written out.
    """

    __slots__ = ("__weakref__", "content")

    def __init__(self, content: Hashable) -> None:
        self.content = content

    def __repr__(self) -> str:
        return f"Key({id(self):x})"

    def __reduce__(self) -> tuple[Callable[[Hashable], Key], tuple[Hashable]]:
        return interned, (self.content,)


_KEYS: WeakValueDictionary[Hashable, Key] = WeakValueDictionary()

_MOST_IN_KEY = 2000
"""Most values inside a value that has a symbolic identity."""


def interned(content: Hashable) -> Key:
    """The identity of that content."""
    found = _KEYS.get(content)
    if found is None:
        found = _KEYS[content] = Key(content)
    return found


def key_of(value: Value) -> Hashable:
    """The symbolic identity of a value, equal for values that are certain to be equal; None where it has none."""
    return _key_of(value, [_MOST_IN_KEY])


def _key_of(value: Value, left: list[int]) -> Hashable:
    """See `key_of`; `left` is how many values may still be looked at."""
    data = value.data
    if isinstance(data, Unknown):
        return data.key
    left[0] -= 1
    if left[0] < 0:
        return None
    if isinstance(data, Text):
        parts = tuple([part if isinstance(part, str) else ("unknown", part.key) for part in data.parts])
        return None if ("unknown", None) in parts else parts
    if isinstance(data, ListData):
        if data.rest is not None or len(data.items) > left[0]:
            return None
        items = tuple([_key_of(item, left) for item in data.items])
        return None if None in items else ("list", items)
    if isinstance(data, ObjectData):
        if data.rest is not None or len(data.fields) > left[0]:
            return None
        fields = tuple([(name, _key_of(data.fields[name], left)) for name in sorted(data.fields)])
        return None if any(key is None for _, key in fields) else ("object", fields)
    return (type_of(value) or "null", data)


def is_set(data: ListData) -> bool:
    """Whether a list is Terraform's set, which has no order and no index."""
    return isinstance(data, Bag) and data.is_set


def settled(data: ListData) -> bool:
    """Whether the order of the items is certain."""
    return not isinstance(data, Bag) or (data.ordered >= len(data.items) and data.rest is None)


def certain(data: ListData) -> int:
    """How many of the first items are certain to be where they stand."""
    return data.ordered if isinstance(data, Bag) else len(data.items)


def bag_of(items: Iterable[Value], rest: Unknown | None, ordered: int = 0, merging: bool = False) -> ListData:
    """A list of which only the first `ordered` items are certain to be where they stand."""
    members = tuple(items)
    if ordered >= len(members) and not merging:
        return ListData(members, rest)
    return Bag(members, rest, min(ordered, len(members)), merging=merging)


def without_repeats(items: Iterable[Value]) -> list[Value]:
    """The items without those that are certain to equal one before them."""
    kept: list[Value] = []
    keys: set[Hashable] = set()
    for item in items:
        key = key_of(item)
        if key is None or key not in keys:
            kept.append(item)
            keys.add(key)
    return kept


def make_set(items: Iterable[Value], rest: Unknown | None = None) -> Bag:
    """The set of these items: no two equal, in Terraform's order, those that are not known behind the others."""
    single = without_repeats(items)
    known = [item for item in single if first_unknown(item) is None]
    vague = [item for item in single if first_unknown(item) is not None]
    known.sort(key=cmp_to_key(_compare))
    members = (*known, *vague)
    exact = rest is None and (not vague or len(members) == 1)
    return Bag(members, rest, ordered=len(members) if exact else 0, is_set=True, merging=not exact)


def distinct_at_least(data: ListData) -> int:
    """The fewest members a set of these items can have."""
    known = [item for item in data.items if first_unknown(item) is None]
    return max(len(known), 1 if data.items else 0)


def _compare(left: Value, right: Value) -> int:
    """The order of set elements: https://github.com/zclconf/go-cty/blob/main/cty/set_internals.go."""
    a, b = left.data, right.data
    if a is None or b is None:
        return (a is None) - (b is None)
    kind = type_of(left)
    if kind == type_of(right) and kind in ("string", "number", "bool"):
        x, y = (a.encode(), b.encode()) if isinstance(a, str) and isinstance(b, str) else (a, b)
        return (x > y) - (x < y)  # type: ignore[operator]
    x, y = _hashed(left).encode(), _hashed(right).encode()
    return (x > y) - (x < y)


def _hashed(value: Value) -> str:
    data = value.data
    if isinstance(data, bool):
        return "T" if data else "F"
    if isinstance(data, (int, float)):
        return number_string(data)
    if isinstance(data, str):
        return '"' + data.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n") + '"'
    if isinstance(data, ListData):
        return "<" + "".join(_hashed(item) + ";" for item in data.items) + ">"
    if isinstance(data, ObjectData):
        return "<" + "".join(_hashed(data.fields[name]) + ";" for name in sorted(data.fields)) + ">"
    return "~"
