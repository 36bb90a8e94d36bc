"""Values that know where they were written, how they came to their place of use, and what is not known about them.

A `Value` is data plus provenance. Its data is one of

* a scalar `str | int | float | bool`, or `None` for a null that is written;
* `Text`: a string of which only parts are known;
* `ListData`, `ObjectData`: collections of values; either may be *open*, with known items and an unknown rest;
* `Unknown`: exists, but cannot be read statically; with the reason and what is known all the same;
* `MISSING`: no such property, even after defaults; `ABSENT`: belongs to something with zero instances.

Missing, null and unknown are three different things and never collapse into each other.

The one fact a reader would not guess: an `Unknown` may have a `key`. Two unknowns with equal keys are the same value
(two uses of one variable, two `uniqueString()` calls with equal arguments), so symbolic names and ids can be compared.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterator, Mapping
from enum import Enum
from typing import NamedTuple, TypeAlias

from bklint.records import dataclass, field, replace
from bklint.source import Locator, Place

MAX_DOMAIN = 16
"""Most alternatives an unknown is kept as; above, only bounds and type survive."""


class Reason(str, Enum):
    """Why a value is unknown. The text is what `--undecided` and `--statistics` print."""

    INPUT = "input without a value"
    PLACEHOLDER = "placeholder that a pipeline fills in"
    COMPUTED = "known only after deployment"
    DATA = "read from Azure at deployment"
    OUTPUT = "output of a command"
    SECURE = "secret"
    CONDITION = "condition not decided"
    COUNT = "number of instances not decided"
    UNSUPPORTED = "not evaluated by bklint"
    MODULE = "module not available"
    FILE = "file not available"
    SYNTAX = "syntax error"
    ERROR = "expression is in error"
    LIMIT = "limit reached"
    SCOPE = "depends on where it is deployed"
    OPEN = "may be declared elsewhere"


@dataclass(frozen=True, slots=True)
class Unknown:
    """What is known about a value that cannot be read.

    `cause` names the root in the user's words (`var.zone`, `parameter 'size'`, `function timeadd()`), `place` where that
    root stands. `type` is one of string, number, bool, list, object or None. `low`/`high` bound a number. `domain`
    holds the alternatives when there are at most MAX_DOMAIN of them. `key` is the symbolic identity (see the module).
    """

    reason: Reason
    cause: str = ""
    place: Locator | None = None
    type: str | None = None
    nonnull: bool = False
    nonempty: bool = False
    low: float | None = None
    high: float | None = None
    domain: tuple[Value, ...] = ()
    key: Hashable = None

    @property
    def is_error(self) -> bool:
        """Whether evaluation is certain to fail, which `try()` and `can()` see."""
        return self.reason is Reason.ERROR


@dataclass(frozen=True, slots=True)
class Text:
    """A string of literal and unknown parts, in order; adjacent literals are joined, and at least one part is unknown."""

    parts: tuple[str | Unknown, ...]

    @property
    def prefix(self) -> str:
        """The literal text it is certain to start with."""
        return self.parts[0] if isinstance(self.parts[0], str) else ""

    @property
    def suffix(self) -> str:
        """The literal text it is certain to end with."""
        return self.parts[-1] if isinstance(self.parts[-1], str) else ""

    @property
    def unknowns(self) -> tuple[Unknown, ...]:
        """The parts that are not known."""
        return tuple(part for part in self.parts if isinstance(part, Unknown))


@dataclass(frozen=True, slots=True)
class ListData:
    """A list; `rest` says why more items may follow, None when it is complete."""

    items: tuple[Value, ...] = ()
    rest: Unknown | None = None


@dataclass(frozen=True, slots=True)
class ObjectData:
    """An object or map; `rest` says why more members may exist. `keys` are the places of the members' names."""

    fields: Mapping[str, Value] = field(default_factory=dict)
    rest: Unknown | None = None
    keys: Mapping[str, Locator] = field(default_factory=dict)

    def find(self, name: str) -> Value | None:
        """The member of that name: exact first, then ignoring case, as ARM does."""
        found = self.fields.get(name)
        if found is not None:
            return found
        folded = name.casefold()
        for key, value in self.fields.items():
            if key.casefold() == folded:
                return value
        return None


class _Marker(Enum):
    MISSING = "missing"
    ABSENT = "not created"


MISSING = _Marker.MISSING
ABSENT = _Marker.ABSENT

Scalar: TypeAlias = str | int | float | bool | None
Data: TypeAlias = Scalar | Text | ListData | ObjectData | Unknown | _Marker


class Hop(NamedTuple):
    """One place a value came through, newest first; `before` is the next older one.

    `kind` is one of: use, variable, tfvars, module argument, local, loop, output, function, condition, parameter,
    parameter file, deployment, default. `label` names it (`var.size`, `module.app.size`).
    """

    kind: str
    label: str
    place: Locator | None
    before: Hop | None


class Ident(NamedTuple):
    """An attribute of a declared resource, whose value may be unknown while the resource is not: `(address, "id")`."""

    address: str
    attribute: str


class Value(NamedTuple):
    """Data, where the text that decides it stands (`place`: the leaf literal, or the header of a block), the `hops` it
    came through, the resource attribute it is (`ident`), and for a composed string the values it is made of."""

    data: Data
    place: Locator | None = None
    hops: Hop | None = None
    ident: Ident | None = None
    pieces: tuple[Value, ...] = ()

    def via(self, kind: str, label: str, place: Locator | None) -> Value:
        """The same value, one hop further."""
        return self._replace(hops=Hop(kind, label, place, self.hops))

    @property
    def trail(self) -> Iterator[Hop]:
        """The hops, newest first."""
        hop = self.hops
        while hop is not None:
            yield hop
            hop = hop.before

    @property
    def used_at(self) -> Locator | None:
        """The place of use: that of the newest `use` hop, else the value's own."""
        for hop in self.trail:
            if hop.kind in ("use", "default"):
                return hop.place
        return self.place

    @property
    def is_default(self) -> bool:
        """Whether a row of the defaults table made it, not the user."""
        return self.hops is not None and self.hops.kind == "default"

    @property
    def known(self) -> bool:
        """Whether the data is a scalar or null (collections are looked into member by member)."""
        return self.data is None or isinstance(self.data, (str, int, float, bool))

    @property
    def unknown(self) -> Unknown | None:
        """The unknown behind this value when it is not known as a whole; the first one of a partly known string."""
        if isinstance(self.data, Unknown):
            return self.data
        if isinstance(self.data, Text):
            return self.data.unknowns[0]
        return None

    @property
    def exists(self) -> bool | None:
        """Whether there is a value that is not null; None where that is not known."""
        if self.data is MISSING or self.data is ABSENT or self.data is None:
            return False
        if isinstance(self.data, Unknown):
            return True if self.data.nonnull else None
        return True


def unknown(reason: Reason, cause: str = "", place: Locator | None = None, **known: object) -> Value:
    """A value that is unknown; `known` are further fields of Unknown."""
    return Value(Unknown(reason, cause, place, **known), place)  # type: ignore[arg-type]


def missing(place: Locator | None) -> Value:
    """No such property; `place` is the header of the nearest written ancestor."""
    return Value(MISSING, place)


def text(parts: tuple[str | Unknown, ...]) -> str | Text:
    """The string of these parts, adjacent literals joined: a plain `str` when all are known."""
    joined: list[str | Unknown] = []
    for part in parts:
        if isinstance(part, str) and joined and isinstance(joined[-1], str):
            joined[-1] += part
        elif part != "":
            joined.append(part)
    if not joined:
        return ""
    if len(joined) == 1 and isinstance(joined[0], str):
        return joined[0]
    return Text(tuple(joined))


def parts_of(value: Value) -> tuple[str | Unknown, ...] | None:
    """A value as the parts of a string; None for what is no scalar (collections, null, missing)."""
    data = value.data
    if isinstance(data, str):
        return (data,)
    if isinstance(data, Text):
        return data.parts
    if isinstance(data, Unknown):
        return (data,)
    if isinstance(data, bool):
        return ("true" if data else "false",)
    if isinstance(data, (int, float)):
        return (number_text(data),)
    return None


def number_text(number: int | float) -> str:
    """A number as Terraform and ARM write it into a string: no `.0`, no exponent for ordinary sizes."""
    if isinstance(number, float) and number.is_integer() and abs(number) < 1e21:
        return str(int(number))
    return repr(number)


def step(value: Value, name: str | int) -> Value:
    """The member `name` of an object (ignoring case) or item of a list. Unknown stays unknown, never missing."""
    data = value.data
    if isinstance(data, ObjectData) and isinstance(name, str):
        found = data.find(name)
        if found is not None:
            return found
        return Value(_unseen(data.rest), value.place) if data.rest is not None else missing(value.place)
    if isinstance(data, ListData) and isinstance(name, int):
        if (0 if data.rest is not None else -len(data.items)) <= name < len(data.items):
            return data.items[name]
        return Value(_unseen(data.rest), value.place) if data.rest is not None else missing(value.place)
    if isinstance(data, Unknown):
        return member_value(value, data, name)
    if data is ABSENT:
        return value
    return missing(value.place)


def member_value(value: Value, data: Unknown, name: str | int) -> Value:
    """The member of a value that is one of several: what these agree on, else an unknown with their members.

    Code chooses between whole objects (`if(condition, null(), configuration)`) which often agree on what matters. The
    place is that of the alternatives' first; the hops are the value's own, for there it is used.
    """
    choices = tuple(step(choice, name) for choice in data.domain)
    if choices and all(same(choices[0], other) for other in choices[1:]):
        return choices[0]._replace(hops=value.hops)
    place = choices[0].place if choices else value.place
    return Value(member_of(data, name), place, value.hops)


def _unseen(rest: Unknown) -> Unknown:
    """A member among an unknown rest: the same cause, and nothing that is known of the rest holds of it."""
    return Unknown(rest.reason, rest.cause, rest.place)


def member_of(data: Unknown, name: str | int) -> Unknown:
    """An unknown's member: the same cause, nothing known of its type; its alternatives' members where it has any.

    Where the alternatives may agree, ask `member_value`.
    """
    key = None if data.key is None else (data.key, name)
    if data.domain:
        return join_unknown(data, tuple(step(choice, name) for choice in data.domain), key)
    return Unknown(data.reason, data.cause, data.place, key=key)


def same_unknown(a: Unknown | None, b: Unknown | None) -> bool:
    """Whether two unknowns are certain to be the same one, so that what hangs on them happens together."""
    return a is not None and b is not None and (a is b or (a.key is not None and a.key == b.key))


def walk(value: Value, path: tuple[str | int, ...]) -> Value:
    """Follow a path of members. The place of a missing value is the nearest written ancestor's header."""
    for name in path:
        value = step(value, name)
    return value


def join(values: tuple[Value, ...], why: Unknown) -> Value:
    """One of several alternatives, not known which: their value where all agree, else an unknown with what they share.

    Objects are joined member by member when all alternatives are objects with the same members.
    """
    if not values:
        return Value(why, why.place)
    first = values[0]
    if all(same(first, other) for other in values[1:]):
        return first
    return Value(join_unknown(why, values, None), first.place, first.hops)


def same(left: Value, right: Value) -> bool:
    """Whether two values are certain to be equal data, with the same type; unknowns by their keys."""
    a, b = left.data, right.data
    if type(a) is str:
        return type(b) is str and a == b
    if isinstance(a, Unknown) and isinstance(b, Unknown):
        return a.key is not None and a.key == b.key
    if isinstance(a, ListData) and isinstance(b, ListData):
        return a.rest is b.rest is None and len(a.items) == len(b.items) and all(map(same, a.items, b.items))
    if isinstance(a, ObjectData) and isinstance(b, ObjectData):
        return (
            a.rest is b.rest is None
            and a.fields.keys() == b.fields.keys()
            and all(same(a.fields[key], b.fields[key]) for key in a.fields)
        )
    if isinstance(a, Text) and isinstance(b, Text):
        return len(a.parts) == len(b.parts) and all(map(_same_part, a.parts, b.parts))
    return type(a) is type(b) and not isinstance(a, (Unknown, Text, ListData, ObjectData)) and a == b


def _same_part(a: str | Unknown, b: str | Unknown) -> bool:
    if isinstance(a, Unknown) and isinstance(b, Unknown):
        return a.key is not None and a.key == b.key
    return isinstance(a, str) and a == b


def join_unknown(why: Unknown, values: tuple[Value, ...], key: Hashable) -> Unknown:
    """What alternatives have in common, as an unknown with the reason and cause of `why`."""
    flat = _flatten(values)
    numbers = [_bounds(value) for value in flat]
    lows, highs = [low for low, _ in numbers], [high for _, high in numbers]
    return replace(
        why,
        type=_common_type(flat),
        nonnull=all(value.exists for value in flat),
        nonempty=all(_nonempty(value) for value in flat),
        low=None if None in lows else min(low for low in lows if low is not None),
        high=None if None in highs else max(high for high in highs if high is not None),
        domain=flat if 1 < len(flat) <= MAX_DOMAIN else (),
        key=key,
    )


def _flatten(values: tuple[Value, ...]) -> tuple[Value, ...]:
    flat: list[Value] = []
    texts: set[str] = set()
    for value in values:
        choices = value.data.domain if isinstance(value.data, Unknown) and value.data.domain else (value,)
        for choice in choices:
            if isinstance(choice.data, str):
                if choice.data in texts:
                    continue
                texts.add(choice.data)
            elif any(same(choice, other) for other in flat):
                continue
            flat.append(choice)
    return tuple(flat)


def type_of(value: Value) -> str | None:
    """string, number, bool, list, object, or None where it is not known or there is no value."""
    data = value.data
    if isinstance(data, Unknown):
        return data.type
    if isinstance(data, bool):
        return "bool"
    if isinstance(data, (int, float)):
        return "number"
    if isinstance(data, (str, Text)):
        return "string"
    if isinstance(data, ListData):
        return "list"
    return "object" if isinstance(data, ObjectData) else None


def _common_type(values: tuple[Value, ...]) -> str | None:
    types = {type_of(value) for value in values if value.data is not None}
    return types.pop() if len(types) == 1 else None


def _bounds(value: Value) -> tuple[float | None, float | None]:
    data = value.data
    if isinstance(data, Unknown):
        return data.low, data.high
    if isinstance(data, (int, float)) and not isinstance(data, bool):
        return data, data
    return None, None


def _nonempty(value: Value) -> bool:
    data = value.data
    if isinstance(data, Unknown):
        return data.nonempty
    if isinstance(data, str):
        return data != ""
    if isinstance(data, Text):
        return any(part if isinstance(part, str) else part.nonempty for part in data.parts)
    if isinstance(data, ListData):
        return bool(data.items)
    return isinstance(data, ObjectData) and bool(data.fields)


def leaf_place(value: Value) -> Place | None:
    """The byte range of the text that decides the value."""
    return None if value.place is None else value.place.locate()


def first_unknown(value: Value) -> Unknown | None:
    """The first unknown found in a value, looking into collections; None when all of it is known. Not recursive."""
    pending = [value]
    while pending:
        data = pending.pop().data
        if isinstance(data, Unknown):
            return data
        if isinstance(data, Text):
            return data.unknowns[0]
        if isinstance(data, ListData):
            if data.rest is not None:
                return data.rest
            pending.extend(reversed(data.items))
        elif isinstance(data, ObjectData):
            if data.rest is not None:
                return data.rest
            pending.extend(reversed(tuple(data.fields.values())))
    return None
