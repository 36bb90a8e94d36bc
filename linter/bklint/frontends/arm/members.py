"""Objects whose members are evaluated when they are asked for, and values that take a hop on to what is inside them.

A big template has tens of thousands of expressions, of which policies read a few hundred. So an `ObjectData` made from
JSON holds a mapping that evaluates a member when it is looked up. Names are found ignoring case without evaluating the
other members.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable, Iterator, Mapping
from typing import Any, Protocol

from bklint import limits
from bklint.model.value import Hop, ListData, ObjectData, Reason, Unknown, Value
from bklint.source import Locator
from bklint.syntax.json import Document, JsonPlace, Pointer

MAX_CARRIED = 12
"""Most hops that a collection takes on to its members; a value's own hops are not limited by it."""
MAX_LISTS = 16
"""Deepest nesting of lists directly in lists that takes on a hop."""
MAX_TAKEN = 50_000
"""Most items of lists in lists that take on a hop; of lists beyond it only the list does."""
MAX_DEPTH = 256
"""Deepest value that a copy loop or function is given."""
MAX_NODES = 100_000
"""Most members of such a value, those of its members included."""
"""Largest value of a parameter, variable or output, in values; 4 MB of JSON holds fewer."""

STEPS_PER_NODE = 2


class Fields(Mapping[str, Value]):
    """Members by name, made when asked for. `names` are as written, in order."""

    __slots__ = ("_folded", "_made")

    def __init__(self) -> None:
        self._made: dict[str, Value] = {}
        self._folded: dict[str, str] | None = None

    @property
    @abstractmethod
    def names(self) -> Mapping[str, object]:
        """A mapping whose keys are the names."""

    @abstractmethod
    def make(self, name: str) -> Value:
        """The member of an existing name."""

    def __getitem__(self, name: str) -> Value:
        found = self._made.get(name)
        if found is None:
            if name not in self.names:
                raise KeyError(name)
            self._made[name] = _CYCLE
            found = self._made[name] = self.make(name)
        return found

    def __iter__(self) -> Iterator[str]:
        return iter(self.names)

    def __len__(self) -> int:
        return len(self.names)

    def __contains__(self, name: object) -> bool:
        return name in self.names

    def actual(self, name: str) -> str | None:
        """The name as written of a name in any case."""
        if name in self.names:
            return name
        if self._folded is None:
            self._folded = {written.casefold(): written for written in self.names}
        return self._folded.get(name.casefold())


_SELF = Unknown(Reason.ERROR, "an expression that refers to itself")
_CYCLE = Value(_SELF)


class LazyObject(ObjectData):
    """An object over `Fields`."""

    __slots__ = ()

    def find(self, name: str) -> Value | None:
        """See ObjectData; evaluates no other member."""
        fields = self.fields
        assert isinstance(fields, Fields)
        actual = fields.actual(name)
        return None if actual is None else fields[actual]


class Keys(Mapping[str, "JsonPlace"]):
    """The places of the members' names of a JSON object."""

    __slots__ = ("_document", "_names", "_pointer", "_renamed")

    def __init__(self, document: Document, pointer: Pointer, names: Mapping[str, object], renamed: bool) -> None:
        self._document = document
        self._pointer = pointer
        self._names = names
        self._renamed = renamed

    def __getitem__(self, name: str) -> JsonPlace:
        origin = self._names[name]
        key = origin if self._renamed and isinstance(origin, str) else name
        return self._document.place((*self._pointer, key), "key")

    def __iter__(self) -> Iterator[str]:
        return iter(self._names)

    def __len__(self) -> int:
        return len(self._names)


_Step = tuple[str, str, "Locator | None"]


class _Way:
    """Hops to take on: `steps` of kind, label and place, oldest first; `chain` is them as the hops of a value that had
    none, which most have."""

    __slots__ = ("_after", "chain", "steps")

    def __init__(self, steps: tuple[_Step, ...]) -> None:
        self.steps = steps
        self.chain = self.extend(None)
        self._after: dict[_Way, _Way] = {}

    def extend(self, hops: Hop | None) -> Hop | None:
        """The hops of a value that went this way."""
        for kind, label, place in self.steps:
            hops = Hop(kind, label, place, hops)
        return hops

    def after(self, way: _Way) -> _Way:
        """Another way and then this one; the same object for the same one, since all members of an object share it."""
        found = self._after.get(way)
        if found is None:
            found = self._after[way] = _Way((*way.steps, *self.steps)[-MAX_CARRIED:])
        return found


class _Carried(Fields):
    """The members of an object that came through places of its own: each takes the hops on."""

    __slots__ = ("base", "way")

    def __init__(self, base: ObjectData, way: _Way) -> None:
        super().__init__()
        self.base = base
        self.way = way

    @property
    def names(self) -> Mapping[str, object]:
        """See Fields."""
        fields = self.base.fields
        return fields.names if isinstance(fields, Fields) else fields

    def make(self, name: str) -> Value:
        """See Fields."""
        return _carried(self.base.fields[name], self.way, 0, [MAX_TAKEN])


class _Opened(Fields):
    """The members of an object of a deployed resource: objects inside may have more members than are written."""

    __slots__ = ("_base", "_rest")

    def __init__(self, base: ObjectData, rest: Unknown) -> None:
        super().__init__()
        self._base = base
        self._rest = rest

    @property
    def names(self) -> Mapping[str, object]:
        """See Fields."""
        fields = self._base.fields
        return fields.names if isinstance(fields, Fields) else fields

    def make(self, name: str) -> Value:
        """See Fields."""
        return opened(self._base.fields[name], self._rest)


def opened(value: Value, rest: Unknown, depth: int = 0) -> Value:
    """A value of which every object may have further members, hidden by `rest`; so is what is written null."""
    data = value.data
    if data is None:
        return Value(rest, value.place)
    if isinstance(data, ListData) and depth < MAX_LISTS:
        return value._replace(data=ListData(tuple([opened(item, rest, depth + 1) for item in data.items]), data.rest))
    if isinstance(data, ObjectData):
        return value._replace(data=LazyObject(_Opened(data, rest), data.rest or rest, data.keys))
    return value


def carried(value: Value, kind: str, label: str, place: Locator | None) -> Value:
    """A value one hop further, and everything inside it too, so that a member knows how it came to its place of use.
    What stands at that place itself did not come there."""
    return _carried(value, _Way(((kind, label, place),)), 0, [MAX_TAKEN])


def _carried(value: Value, way: _Way, depth: int, left: list[int]) -> Value:
    """See `carried`; `left` is how many items of lists may still take the hop."""
    data = value.data
    if isinstance(data, ListData) and depth < MAX_LISTS and len(data.items) <= left[0]:
        left[0] -= len(data.items)
        data = ListData(tuple([_carried(item, way, depth + 1, left) for item in data.items]), data.rest)
    elif isinstance(data, ObjectData) and data.fields:
        inner = data.fields
        made = _Carried(inner.base, way.after(inner.way)) if isinstance(inner, _Carried) else _Carried(data, way)
        data = LazyObject(made, data.rest, data.keys)
    elif value.hops is None and value.place == way.steps[-1][2]:
        return value
    hops = way.chain if value.hops is None else way.extend(value.hops)
    return Value(data, value.place, hops, value.ident, value.pieces)


class Budget(Protocol):
    """What is left of the work that may be done for a world."""

    def spend(self, steps: int) -> bool:
        """Take steps; False when there are no more."""
        ...


def flaw(value: Value, budget: Budget) -> Unknown | None:
    """Evaluate everything inside a value, and say why it cannot be used: deeper or larger than bklint evaluates, or part
    of itself. None where it is sound."""
    if not isinstance(value.data, (ListData, ObjectData)):
        return _SELF if value.data is _SELF else None
    pending, nodes = [(value, 0)], 0
    while pending:
        one, depth = pending.pop()
        data = one.data
        if data is _SELF:
            return _SELF
        nodes += 1
        if depth > MAX_DEPTH or nodes > MAX_NODES or not budget.spend(STEPS_PER_NODE):
            limits.hit("", "a value that is larger than bklint evaluates", value.place)
            return Unknown(Reason.LIMIT, "a value that is larger than bklint evaluates", value.place)
        if isinstance(data, ListData):
            pending.extend([(item, depth + 1) for item in data.items])
        elif isinstance(data, ObjectData):
            pending.extend([(member, depth + 1) for member in data.fields.values()])
    return None


def is_constant(node: Any) -> bool:
    """Whether JSON holds no expression, and so can be no part of itself; False also for what is large."""
    if isinstance(node, str):
        return node[:1] != "["
    pending, nodes = [node], 0
    while pending and nodes <= MAX_NODES:
        inner = pending.pop()
        if type(inner) is dict:
            if any(name[:1] == "[" or name.lower() == "copy" for name in inner):
                return False
            inner = list(inner.values())
        if type(inner) is list:
            nodes += len(inner)
            for item in inner:
                if type(item) is str:
                    if item[:1] == "[":
                        return False
                elif type(item) is dict or type(item) is list:
                    pending.append(item)
    return not pending


def transformed(value: Value, change: Callable[[Value], Value], depth: int = 0) -> Value:
    """A value with `change` made to every scalar inside it. What is nested deeper than 64 levels is changed as one."""
    data = value.data
    if depth < 64 and isinstance(data, ListData):
        items = tuple(transformed(item, change, depth + 1) for item in data.items)
        return value._replace(data=ListData(items, data.rest))
    if depth < 64 and isinstance(data, ObjectData):
        fields = {name: transformed(member, change, depth + 1) for name, member in data.fields.items()}
        return value._replace(data=ObjectData(fields, data.rest, data.keys))
    return change(value)
