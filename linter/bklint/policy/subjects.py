"""What a leaf speaks of, compiled: a path or the name of a fact becomes a function from a resource to values.

The one fact a reader would not guess: within a `count`, a path that begins with the counted one (`a[*].x` in a count of
`a[*]`) is read in the item at hand, as in Azure Policy; the compiler knows the items around a place as `Scope.items`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

from bklint.model import path as paths
from bklint.model.path import EACH, Selection, Step
from bklint.model.resource import Resource
from bklint.model.value import ABSENT, ListData, ObjectData, Unknown, Value, missing, step, walk
from bklint.policy.model import Env, Get, Subject
from bklint.policy.names import Names, Pointer, PolicyError

Steps = tuple[Step, ...]


class Scope(NamedTuple):
    """Where in a policy something stands: the types the resource at hand may have, and the counted items around it."""

    names: Names
    types: tuple[str, ...]
    items: tuple[tuple[str, Steps], ...] = ()


def steps_of(path: object, at: Pointer) -> Steps:
    """The steps of a path. Raises PolicyError."""
    try:
        found = paths.parse(str(path))
    except ValueError as error:
        raise PolicyError(str(error), at) from error
    if not found:
        raise PolicyError("a path is empty", at)
    return found


def subject(kind: str, path: object, scope: Scope, at: Pointer) -> Subject:
    """The subject `{kind: path}`; `kind` is field or fact."""
    steps = steps_of(path, at)
    if kind == "fact":
        scope.names.fact(steps, scope.types, at)
    else:
        scope.names.field(str(path), scope.types)
    base, rest = _base(kind, steps, scope)
    if EACH not in rest:
        return _single(str(path), base, rest)
    return _many(str(path), base, rest)


def _base(kind: str, steps: Steps, scope: Scope) -> tuple[Get, Steps]:
    """What a path starts from, and its remaining steps: an item at hand, a fact, or the resource's body."""
    for depth in range(len(scope.items) - 1, -1, -1):
        item_kind, prefix = scope.items[depth]
        if item_kind == kind and _folded(steps[: len(prefix)]) == _folded(prefix):
            return _item(depth), steps[len(prefix) :]
    if kind == "fact":
        return _fact(str(steps[0]), scope), steps[1:]
    if _folded(steps) == ("type",):
        return _type, ()
    return _body, steps


def _folded(steps: Steps) -> tuple[Step, ...]:
    return tuple(name.casefold() if isinstance(name, str) else name for name in steps)


def _item(depth: int) -> Get:
    return lambda _, env: env.items[depth]


def _body(resource: Resource, _: Env) -> Value:
    return resource.body


def _type(resource: Resource, _: Env) -> Value:
    return Value(resource.type, resource.body.place)


def _fact(name: str, scope: Scope) -> Get:
    """A fact; missing on types it is not defined on."""
    types = frozenset(type_.casefold() for type_ in scope.names.facts[name].types)

    def read(resource: Resource, env: Env) -> Value:
        if types and resource.type.casefold() not in types:
            return missing(resource.body.place)
        return env.read(name, resource)

    return read


def _single(label: str, base: Get, steps: Steps) -> Subject:
    def get(resource: Resource, env: Env) -> Value:
        return walk(base(resource, env), steps)

    def select(resource: Resource, env: Env) -> Selection:
        return Selection([get(resource, env)], None)

    return Subject(label, False, select, get)


def _many(label: str, base: Get, steps: Steps) -> Subject:
    def select(resource: Resource, env: Env) -> Selection:
        return spread(base(resource, env), steps)

    def get(resource: Resource, env: Env) -> Value:
        start = base(resource, env)
        found = spread(start, steps)
        written = next((value for value in found.values if value.exists is not False), None)
        if written is not None:
            return written
        if found.rest is not None:
            return Value(found.rest, start.place)
        return found.values[0] if found.values else missing(_nearest(start, steps))

    return Subject(label, True, select, get)


def _nearest(value: Value, steps: Steps) -> Any:
    """The place of the list that has no items, else of the nearest written ancestor."""
    return walk(value, steps[: steps.index(EACH)]).place


def spread(value: Value, steps: Steps) -> Selection:
    """Every value at the steps. Items with zero instances are left out; a missing list selects nothing."""
    current: list[Value] = [value]
    rest: Unknown | None = None
    for name in steps:
        if name != EACH:
            current = [step(one, name) for one in current]
            continue
        items: list[Value] = []
        for one in current:
            if isinstance(one.data, ListData):
                items.extend(item for item in one.data.items if item.data is not ABSENT)
                rest = rest or one.data.rest
            elif isinstance(one.data, Unknown):
                rest = rest or one.data
            elif isinstance(one.data, ObjectData):
                items.append(one)
        current = items
    return Selection(current, rest)


def constant(data: object) -> Value:
    """A literal of a policy as a value without a place."""
    if isinstance(data, (list, tuple)):
        return Value(ListData(tuple(constant(item) for item in data)))
    assert data is None or isinstance(data, (str, int, float, bool))
    return Value(data)


def operand(data: Any, scope: Scope, at: Pointer) -> Get:
    """A literal, a list of operands, or `{param: …}`, `{field: …}`, `{fact: …}` of the resource the policy judges."""
    if isinstance(data, Mapping):
        return _reference(data, scope, at)
    if isinstance(data, list):
        parts = [operand(item, scope, (*at, index)) for index, item in enumerate(data)]
        if not any(isinstance(item, Mapping) for item in data):
            return _always(constant(data))
        return lambda resource, env: Value(ListData(tuple(part(resource, env) for part in parts)))
    if not isinstance(data, (str, int, float, bool)):
        raise PolicyError("expected a text, a number, true or false, or {param: …}, {field: …}, {fact: …}", at)
    return _always(constant(data))


def _always(value: Value) -> Get:
    return lambda _resource, _env: value


def _reference(data: Mapping[str, Any], scope: Scope, at: Pointer) -> Get:
    if len(data) != 1 or next(iter(data)) not in ("param", "field", "fact"):
        raise PolicyError("expected one of {param: …}, {field: …}, {fact: …}", at)
    kind, name = next(iter(data.items()))
    if kind == "param":
        return parameter(str(name), scope.names, (*at, "param"))
    outer = Scope(scope.names, scope.names.targets)
    found = subject(kind, name, outer, (*at, kind))
    if found.many:
        raise PolicyError("an operand is one value; [*] selects several", (*at, kind))
    return lambda _, env: found.get(env.target, env)


def parameter(name: str, names: Names, at: Pointer) -> Get:
    """The value of a parameter."""
    names.parameter(name, at)
    return lambda _, env: env.parameters[name]
