"""Conditions, compiled: the plain data of a `condition`, `when` or `where` becomes a closure that answers true, false
or unknown, with the unknowns that cause it.

The one fact a reader would not guess: a resource that may not be created at all counts as created for a policy on a
resource that is created under the same condition.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from bklint.model.inventory import Related
from bklint.model.path import Selection
from bklint.model.relations import related
from bklint.model.resource import Resource
from bklint.model.value import Reason, Unknown, Value, same_unknown
from bklint.model.verdict import TRUE, Truth, all_of, any_of, negate, truth
from bklint.policy.model import Env, Get, Subject, Test
from bklint.policy.names import Names, Pointer, PolicyError, one_of, targets_of
from bklint.policy.operators import OPERATORS, Operator, unknowns
from bklint.policy.subjects import Scope, constant, operand, parameter, steps_of, subject
from bklint.records import replace

SUBJECTS = ("field", "fact", "param", "value", "count")
GROUPS = ("allOf", "anyOf", "not")
SHAPE = "a condition is allOf, anyOf, not, exists with a resource, or one subject with one operator"

Find = Callable[[Resource, Env], Related]


def condition(data: Any, scope: Scope, at: Pointer) -> Test:
    """The test of a condition. Raises PolicyError."""
    if not isinstance(data, Mapping) or not data:
        raise PolicyError(SHAPE, at)
    for key in data:
        if key not in (*GROUPS, *SUBJECTS, *OPERATORS):
            raise PolicyError(
                f"unknown word {key!r}{one_of(str(key), (*GROUPS, *SUBJECTS, *OPERATORS))}", (*at, key), "key"
            )
    if len(data) == 1:
        key, value = next(iter(data.items()))
        if key in GROUPS:
            return _group(key, value, scope, (*at, key))
        if key == "exists" and isinstance(value, Mapping):
            return _exists(value, scope, (*at, key))
    return _leaf(data, scope, at)


def _group(key: str, data: Any, scope: Scope, at: Pointer) -> Test:
    if key == "not":
        inner = condition(data, scope, at)
        return lambda resource, env: negate(inner(resource, env))
    if not isinstance(data, list) or not data:
        raise PolicyError(f"{key} is a list of conditions", at)
    tests = [condition(item, scope, (*at, index)) for index, item in enumerate(data)]
    fold = all_of if key == "allOf" else any_of
    return lambda resource, env: fold(test(resource, env) for test in tests)


# -- leaves ------------------------------------------------------------------------------------------------------------


def _leaf(data: Mapping[str, Any], scope: Scope, at: Pointer) -> Test:
    subjects = [key for key in data if key in SUBJECTS]
    operators = [key for key in data if key in OPERATORS]
    if len(subjects) != 1 or len(operators) != 1 or len(data) != 2:
        raise PolicyError(f"{SHAPE}; here are {', '.join(map(str, data))}", at)
    name = operators[0]
    told = _subject(subjects[0], data[subjects[0]], scope, (*at, subjects[0]))
    compared = _operand(name, data[name], scope, (*at, name))
    return _test(told, OPERATORS[name], compared)


def _test(told: Subject, operator: Operator, compared: Get) -> Test:
    answer = operator.test

    def single(resource: Resource, env: Env) -> Truth:
        value, other = told.get(resource, env), compared(resource, env)
        return _answered(answer(value, other), value, other, told.label)

    def any_item(resource: Resource, env: Env) -> Truth:
        selection, other = told.select(resource, env), compared(resource, env)
        found = any_of(_answered(answer(value, other), value, other, told.label) for value in selection.values)
        return found if selection.rest is None else _opened(found, selection.rest)

    return any_item if told.many else single


def _answered(answer: bool | None, value: Value, other: Value, label: str) -> Truth:
    if answer is not None:
        return truth(answer)
    causes = (*unknowns(value), *unknowns(other))
    return Truth(None, causes or (Unknown(Reason.UNSUPPORTED, label, value.place),))


def _opened(found: Truth, rest: Unknown) -> Truth:
    """A disjunction to which unseen members may be added."""
    return found if found.value is True else Truth(None, (*found.causes, rest))


def _subject(kind: str, data: Any, scope: Scope, at: Pointer) -> Subject:
    if kind == "count":
        return _of(_count(data, scope, at), "count")
    if kind == "param":
        return _of(parameter(str(data), scope.names, at), str(data))
    if kind == "value":
        return _of(operand(data, scope, at), "value")
    if not isinstance(data, str):
        raise PolicyError(f"{kind} is a {'path' if kind == 'field' else 'name'}", at)
    return subject(kind, data, scope, at)


def _of(get: Get, label: str) -> Subject:
    return Subject(label, False, lambda resource, env: Selection([get(resource, env)], None), get)


def _operand(name: str, data: Any, scope: Scope, at: Pointer) -> Get:
    shape = OPERATORS[name].operand
    reference = isinstance(data, Mapping)
    if shape == "flag":
        if not isinstance(data, bool):
            raise PolicyError(f"{name} takes true or false", at)
        flag = constant(data)
        return lambda _resource, _env: flag
    if shape == "number" and not reference and (isinstance(data, bool) or not isinstance(data, (int, float))):
        raise PolicyError(f"{name} takes a number", at)
    if shape == "text" and not reference and not isinstance(data, str):
        raise PolicyError(f"{name} takes a text", at)
    if shape == "list" and not reference and not (isinstance(data, list) and data):
        raise PolicyError(f"{name} takes a list", at)
    if shape == "value" and isinstance(data, list):
        raise PolicyError(f"{name} takes one value, not a list", at)
    return operand(data, scope, at)


# -- resources ---------------------------------------------------------------------------------------------------------


def _exists(data: Mapping[str, Any], scope: Scope, at: Pointer) -> Test:
    _only(data, ("resource", "where"), at)
    find, where = _resources(data, scope, at)

    def some(resource: Resource, env: Env) -> Truth:
        found = find(resource, env)
        answer = any_of(_meeting(found, where, env))
        return answer if found.open is None else _opened(answer, found.open)

    return some


def _only(data: Any, allowed: tuple[str, ...], at: Pointer) -> None:
    if not isinstance(data, Mapping):
        raise PolicyError(f"expected {', '.join(allowed)}", at)
    for key in data:
        if key not in allowed:
            raise PolicyError(f"unknown word {key!r}{one_of(str(key), allowed)}", (*at, key), "key")


def _meeting(found: Related, where: Test | None, env: Env) -> Iterator[Truth]:
    """For each resource, whether it exists and meets `where`."""
    inner = env if not env.items else env._replace(items=())
    for item in found.items:
        yield _meets(item, where, inner)


def _meets(item: Resource, where: Test | None, env: Env) -> Truth:
    why = item.conditional
    created = TRUE if why is None or same_unknown(why, env.target.conditional) else Truth(None, (why,))
    return created if where is None else all_of((where(item, env), created))


def _resources(data: Mapping[str, Any], scope: Scope, at: Pointer) -> tuple[Find, Test | None]:
    """How to find the resources that `resource:` speaks of, and the test of `where:` on them."""
    text = data.get("resource")
    if not isinstance(text, str):
        raise PolicyError("expected resource: a type, or a path of relations", at)
    find, types = _everywhere(text) if "/" in text else _along(text, scope, (*at, "resource"))
    if "where" not in data:
        return find, None
    return find, condition(data["where"], Scope(scope.names, types), (*at, "where"))


def _everywhere(type_: str) -> tuple[Find, tuple[str, ...]]:
    """Every other resource of a type in the world; that there is none is concluded only of a complete one."""
    outside = Unknown(Reason.OPEN, f"{type_} declared outside of what is scanned")

    def find(resource: Resource, _: Env) -> Related:
        world = resource.world
        items = tuple(item for item in world.of(type_) if item is not resource)
        return Related(items, world.open or (None if world.complete else outside))

    return find, (type_,)


def _along(text: str, scope: Scope, at: Pointer) -> tuple[Find, tuple[str, ...]]:
    types, names = scope.types, text.split(".")
    for name in names:
        types = scope.names.follow(types, name, at)
    known = scope.names

    def find(resource: Resource, _: Env) -> Related:
        current: tuple[Resource, ...] = (resource,)
        rest: Unknown | None = None
        for name in names:
            links = [_related(each, name, known) for each in current]
            current = tuple(dict.fromkeys(item for link in links for item in link.items))
            rest = rest or next((link.open for link in links if link.open is not None), None)
        return Related(current, rest)

    return find, types


def _related(resource: Resource, name: str, names: Names) -> Related:
    """One step of a relation path. A child whose parent was not found has one all the same."""
    if name != "parent" and not targets_of(resource.type, name, names.types):
        return Related(())
    found = related(resource, name)
    if name == "parent" and not found.items and resource.type.count("/") > 1:
        return Related((), Unknown(Reason.OPEN, f"the parent of {resource.address}", resource.body.place))
    return found


# -- counts ------------------------------------------------------------------------------------------------------------


def _count(data: Any, scope: Scope, at: Pointer) -> Get:
    _only(data, ("field", "fact", "resource", "where"), at)
    kinds = [key for key in ("field", "fact", "resource") if key in data]
    if len(kinds) != 1:
        raise PolicyError("count takes one of field, fact, resource", at)
    if kinds[0] != "resource":
        return _count_items(kinds[0], data, scope, at)
    find, where = _resources(data, scope, at)

    def number(resource: Resource, env: Env) -> Value:
        found = find(resource, env)
        return _counted(list(_meeting(found, where, env)), found.open, resource.body)

    return number


def _count_items(kind: str, data: Mapping[str, Any], scope: Scope, at: Pointer) -> Get:
    told = _subject(kind, data[kind], scope, (*at, kind))
    if not told.many:
        raise PolicyError("count takes a path with [*]", (*at, kind))
    if "where" not in data:
        where: Test = lambda _resource, _env: TRUE  # noqa: E731 - a constant test
    else:
        inner = scope._replace(items=(*scope.items, (kind, steps_of(data[kind], at))))
        where = condition(data["where"], inner, (*at, "where"))

    def number(resource: Resource, env: Env) -> Value:
        found = told.select(resource, env)
        tests = [where(resource, env._replace(items=(*env.items, item))) for item in found.values]
        return _counted(tests, found.rest, resource.body)

    return number


def _counted(answers: list[Truth], rest: Unknown | None, near: Value) -> Value:
    """A number: known when every answer is and there are no unseen items, else between bounds."""
    sure = sum(answer.value is True for answer in answers)
    maybe = [answer for answer in answers if answer.value is None]
    if rest is None and not maybe:
        return Value(sure, near.place)
    causes = sorted(
        (cause for answer in maybe for cause in answer.causes), key=lambda cause: cause.reason is not Reason.INPUT
    )
    why = rest or next(iter(causes), Unknown(Reason.UNSUPPORTED, "count", near.place))
    high = None if rest is not None else float(sure + len(maybe))
    known = replace(why, type="number", nonnull=True, nonempty=True, low=float(sure), high=high, domain=(), key=None)
    return Value(known, near.place)
