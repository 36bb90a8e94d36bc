"""Object functions: https://learn.microsoft.com/azure/azure-resource-manager/templates/template-functions-object

Names of members compare ignoring case. An object with an unknown rest may have any other member.
"""

from __future__ import annotations

from bklint.frontends.arm.access import member
from bklint.frontends.arm.equality import holds
from bklint.frontends.arm.functions import MANY, Result, Values, pure
from bklint.frontends.arm.functions_arrays import Distinct
from bklint.frontends.arm.operands import (
    FunctionError,
    UndecidedError,
    array,
    items_limited,
    kind,
    mapping,
    require_known,
    string,
    whole_array,
    whole_mapping,
)
from bklint.model.value import ListData, ObjectData, Reason, Unknown, Value, first_unknown

MAX_MERGE = 64
"""Deepest nesting of objects that `union` merges."""


@pure("createObject", 0, MANY, "object")
def create_object(operands: Values) -> Result:
    """An object of names and values in turn."""
    if len(operands) % 2:
        raise FunctionError("a name has no value")
    fields: dict[str, Value] = {}
    for at in range(0, len(operands), 2):
        fields[string(operands[at])] = operands[at + 1]
    return ObjectData(fields)


@pure("items", 1, 1, "list")
def items(operands: Values) -> Result:
    """The members as objects of `key` and `value`, ordered by name."""
    data = whole_mapping(operands[0])
    found = []
    for name in sorted(data.fields, key=str.casefold):
        value = data.fields[name]
        place = data.keys.get(name) or value.place
        found.append(Value(ObjectData({"key": Value(name, place), "value": value}), value.place, value.hops))
    return ListData(tuple(found))


@pure("objectKeys", 1, 1, "list")
def object_keys(operands: Values) -> Result:
    """The names of the members, ordered."""
    data = whole_mapping(operands[0])
    names = sorted(data.fields, key=str.casefold)
    return ListData(tuple([Value(name, data.keys.get(name)) for name in names]))


@pure("tryGet", 2, MANY)
def try_get(operands: Values) -> Result:
    """A member of a member; null where there is none."""
    value = operands[0]
    for key in operands[1:]:
        if value.data is None:
            break
        value = member(value, key, True, value.place)
    return value


@pure("union", 1, MANY)
def union(operands: Values) -> Result:
    """All items of arrays, each once; or objects merged deeply, where later members win."""
    first = next((operand for operand in operands if not isinstance(operand.data, Unknown)), operands[0])
    if isinstance(first.data, ListData):
        return _union_arrays(operands)
    merged = operands[0]
    for operand in operands[1:]:
        merged = _merged(merged, operand, 0)
    if isinstance(merged.data, Unknown):
        raise UndecidedError(merged.data)
    if not isinstance(merged.data, ObjectData):
        raise FunctionError(f"expected an array or an object, got {kind(merged)}")
    return merged.data


def _union_arrays(operands: Values) -> Result:
    found = Distinct()
    for operand in operands:
        if isinstance(operand.data, Unknown):
            return ListData(tuple(found.items), operand.data)
        data = array(operand)
        for item in data.items:
            try:
                found.add(item)
            except UndecidedError as error:
                return ListData(tuple(found.items), error.unknown)
        if data.rest is not None:
            return ListData(tuple(found.items), data.rest)
    return ListData(items_limited(tuple(found.items)))


def _merged(left: Value, right: Value, depth: int) -> Value:
    """Two objects as one; what is not two objects is the right one. An unknown on the right may overwrite any member."""
    a, b = left.data, right.data
    if isinstance(b, Unknown) and isinstance(a, ObjectData):
        return left._replace(data=ObjectData({}, b))
    if isinstance(a, Unknown) and isinstance(b, ObjectData):
        return right._replace(data=ObjectData(b.fields, b.rest or a, b.keys))
    if not (isinstance(a, ObjectData) and isinstance(b, ObjectData)) or depth > MAX_MERGE:
        return right
    names = {name.casefold(): name for name in a.fields}
    fields = dict(a.fields) if b.rest is None else {}
    for name in b.fields:
        actual = names.get(name.casefold(), name)
        fields[actual] = _merged(a.fields[actual], b.fields[name], depth + 1) if actual in a.fields else b.fields[name]
    return left._replace(data=ObjectData(fields, b.rest or a.rest, {**a.keys, **b.keys}))


@pure("shallowMerge", 1, 1, "object")
def shallow_merge(operands: Values) -> Result:
    """The objects of an array merged at their first level, where later members win."""
    fields: dict[str, Value] = {}
    names: dict[str, str] = {}
    rest: Unknown | None = None
    for item in whole_array(operands[0]):
        if isinstance(item.data, Unknown):
            fields, rest = {}, item.data
            continue
        data = mapping(item)
        if data.rest is not None:
            fields, rest = {}, data.rest
        for name in data.fields:
            fields[names.setdefault(name.casefold(), name)] = data.fields[name]
    return ObjectData(fields, rest)


@pure("intersection", 2, MANY)
def intersection(operands: Values) -> Result:
    """The items, or the equal members, that all operands have."""
    found = require_known(operands[0])
    for operand in operands[1:]:
        found = _common(found, require_known(operand))
    return found.data


def _common(left: Value, right: Value) -> Value:
    if isinstance(left.data, ListData):
        others = Distinct(whole_array(right))
        return left._replace(data=ListData(tuple(Distinct(tuple(filter(others.has, whole_array(left)))).items)))
    a, b = whole_mapping(left), whole_mapping(right)
    fields: dict[str, Value] = {}
    for name in a.fields:
        other = b.find(name)
        answer = False if other is None else holds(a.fields[name], other)
        if answer is None and other is not None:
            raise UndecidedError(first_unknown(a.fields[name]) or first_unknown(other) or Unknown(Reason.UNSUPPORTED))
        if answer:
            fields[name] = a.fields[name]
    return left._replace(data=ObjectData(fields))
