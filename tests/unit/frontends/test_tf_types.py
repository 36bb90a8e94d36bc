"""Type constraints: what a type expression is read as, and what values become under it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from bklint.frontends.terraform.evaluate import evaluate_text
from bklint.frontends.terraform.scalars import number_string, parse_number
from bklint.frontends.terraform.shapes import Bag, MapData, key_of, make_set, settled
from bklint.frontends.terraform.types import Type, convert, parse_type, unify
from bklint.model.value import (
    ABSENT,
    MISSING,
    Hop,
    Ident,
    ListData,
    ObjectData,
    Reason,
    Text,
    Unknown,
    Value,
    first_unknown,
)
from bklint.source import Place, Source
from bklint.syntax import hcl
from bklint.syntax.node import Expr
from terraform_record import ERROR, constant, value_of

U = Unknown(Reason.INPUT, "var.u", key="u")
REST = Unknown(Reason.COUNT, "var.count")


def typed(written: str) -> Type:
    return parse_type(hcl.parse_expression(Source("variables.tf", written.encode())))


def default(expr: Expr) -> Value:
    found = constant(expr)
    assert found is not None
    return found


def converted(value: Any, written: str, object_of: Callable[[Value], Value] | None = None) -> Value:
    return convert(value_of(value), typed(written), default, object_of)


def shape(value: Value) -> Any:
    """Plain data; an unknown is `?` with its type, an error ERROR, an open rest `…`."""
    data = value.data
    if isinstance(data, Unknown):
        return ERROR if data.is_error else f"?{data.type or ''}"
    if isinstance(data, Text):
        return "".join([part if isinstance(part, str) else "?" for part in data.parts])
    if isinstance(data, ListData):
        return [shape(item) for item in data.items] + (["…"] if data.rest else [])
    if isinstance(data, ObjectData):
        return {key: shape(item) for key, item in data.fields.items()} | ({"…": "…"} if data.rest else {})
    return data


@pytest.mark.parametrize(
    ("written", "kind"),
    [
        ("string", "string"),
        ("number", "number"),
        ("bool", "bool"),
        ("any", "any"),
        ('"string"', "string"),
        ("list", "list"),
        ('"map"', "map"),
        ("list(string)", "list"),
        ("set(any)", "set"),
        ("map(number)", "map"),
        ("tuple([string, number])", "tuple"),
        ("object({ a = string })", "object"),
        ("object({})", "object"),
        ("nonsense", "any"),
        ("nonsense(string)", "any"),
        ("[string]", "any"),
        ("5", "any"),
    ],
)
def test_parse(written: str, kind: str) -> None:
    assert typed(written).kind == kind


def test_parse_object() -> None:
    found = typed('object({ a = string, "b" = optional(number), c = optional(list(object({ d = bool })), []) })')
    members = dict(found.members)
    assert [name for name, _ in found.members] == ["a", "b", "c"]
    assert (members["a"].optional, members["b"].optional, members["c"].optional) == (False, True, True)
    assert members["b"].default is None
    assert members["c"].default is not None
    assert members["c"].type.element is not None
    assert members["c"].type.element.members[0][0] == "d"


CASES = [
    # value, type, what it becomes
    ("a", "string", "a"),
    (5, "string", "5"),
    (1.5, "string", "1.5"),
    (True, "string", "true"),
    ("5", "number", 5),
    ("5.0", "number", 5),
    ("5.5", "number", 5.5),
    ("1e3", "number", 1000),
    ("x", "number", ERROR),
    ("", "number", ERROR),
    (" 5", "number", ERROR),
    (True, "number", ERROR),
    (5, "bool", ERROR),
    ("true", "bool", True),
    ("false", "bool", False),
    ("1", "bool", True),
    ("0", "bool", False),
    ("True", "bool", ERROR),
    ([], "string", ERROR),
    ({}, "string", ERROR),
    ({}, "number", ERROR),
    (None, "string", None),
    (None, "list(string)", None),
    (None, "object({ a = string })", None),
    ("a", "any", "a"),
    ([1, "a"], "any", [1, "a"]),
    ([1, "a"], "list(any)", ["1", "a"]),
    ([1, True], "list(any)", ERROR),
    ([1, "a"], "list(string)", ["1", "a"]),
    (["1", 2], "list(number)", [1, 2]),
    (["x"], "list(number)", [ERROR]),
    ("a", "list(string)", ERROR),
    ({"a": 1}, "list(string)", ERROR),
    ([], "list(string)", []),
    ([[1], ["a"]], "list(list(string))", [["1"], ["a"]]),
    (["b", "a", "b"], "set(string)", ["a", "b"]),
    ([10, 9, 10], "set(number)", [9, 10]),
    ([10, 9], "set(string)", ["10", "9"]),
    ([True, False], "set(bool)", [False, True]),
    ([{"a": 2}, {"a": 1}], "set(object({ a = number }))", [{"a": 1}, {"a": 2}]),
    ({}, "set(string)", ERROR),
    ({"a": 1, "b": "x"}, "map(string)", {"a": "1", "b": "x"}),
    ({"a": 1, "b": "x"}, "map(any)", {"a": "1", "b": "x"}),
    ({"a": 1, "b": [1]}, "map(any)", ERROR),
    ({"a": "x"}, "map(number)", {"a": ERROR}),
    ([], "map(string)", ERROR),
    (["a", "5"], "tuple([string, number])", ["a", 5]),
    (["a"], "tuple([string, number])", ERROR),
    (["a", 5, 6], "tuple([string, number])", ERROR),
    ({"a": 1, "b": 2}, "object({ a = string })", {"a": "1"}),
    ({}, "object({ a = string })", ERROR),
    ({}, "object({ a = optional(string) })", {"a": None}),
    ({}, 'object({ a = optional(string, "x") })', {"a": "x"}),
    ({"a": None}, 'object({ a = optional(string, "x") })', {"a": "x"}),
    ({"a": "y"}, 'object({ a = optional(string, "x") })', {"a": "y"}),
    ({}, "object({ a = optional(string, 5) })", {"a": "5"}),
    ({"a": None}, "object({ a = string })", {"a": None}),
    ("x", "object({ a = string })", ERROR),
    ({}, 'object({ o = optional(object({ a = optional(string, "x") }), {}) })', {"o": {"a": "x"}}),
    ({"o": {}}, 'object({ o = optional(object({ a = optional(string, "x") }), {}) })', {"o": {"a": "x"}}),
    ({}, 'object({ o = optional(object({ a = optional(string, "x") })) })', {"o": None}),
    ([{}, {"s": 2}], "list(object({ s = optional(number, 1) }))", [{"s": 1}, {"s": 2}]),
    ({"k": {}}, "map(object({ s = optional(number, 1) }))", {"k": {"s": 1}}),
    ({"k": {"s": "7", "x": 1}}, "map(object({ s = optional(number, 1) }))", {"k": {"s": 7}}),
    ({"k": {"x": 1}}, "map(object({ s = number }))", {"k": ERROR}),
]


@pytest.mark.parametrize(("value", "written", "expected"), CASES, ids=lambda case: str(case)[:40])
def test_convert(value: Any, written: str, expected: Any) -> None:
    found = shape(converted(value, written))
    assert found == expected
    assert type(found) is type(expected)


TEXT = Value(Text(("a", U)))
UNKNOWN = [
    (Value(U), "string", "?string"),
    (Value(U), "list(string)", "?list"),
    (Value(U), "set(string)", "?list"),
    (Value(U), "map(string)", "?object"),
    (Value(U), "object({ a = string })", "?object"),
    (Value(U), "any", "?"),
    (Value(Unknown(Reason.INPUT, "x", type="number")), "string", "?string"),
    (Value(Unknown(Reason.INPUT, "x", type="list")), "string", ERROR),
    (Value(Unknown(Reason.INPUT, "x", type="bool")), "number", ERROR),
    (TEXT, "string", "a?"),
    (TEXT, "number", "?number"),
    (TEXT, "list(string)", ERROR),
    ([Value(U)], "list(number)", ["?number"]),
    (Value(ListData((Value("1"),), REST)), "list(number)", [1, "…"]),
    (["b", Value(U)], "set(string)", ["b", "?string"]),
    (Value(ObjectData({"a": Value(1)}, REST)), "map(string)", {"a": "1", "…": "…"}),
    (Value(ObjectData({"a": Value(1)}, REST)), "object({ a = string, b = number })", {"a": "1", "b": "?number"}),
    (Value(ObjectData({}, REST)), 'object({ a = optional(string, "x") })', {"a": "?string"}),
    ({"a": Value(U)}, 'object({ a = optional(string, "x") })', {"a": "?string"}),
    (Value(ListData((Value("1"),), REST)), "tuple([string, number])", ["1", "?number"]),
    (Value(MISSING), "string", None),
    (Value(ABSENT), "string", None),
]


@pytest.mark.parametrize(("value", "written", "expected"), UNKNOWN, ids=lambda case: str(case)[:40])
def test_convert_unknown(value: Any, written: str, expected: Any) -> None:
    assert shape(converted(value, written)) == expected


def test_a_converted_unknown_stays_the_same_value() -> None:
    data = converted(Value(U), "string").data
    assert isinstance(data, Unknown)
    assert (data.key, data.reason, data.cause) == ("u", Reason.INPUT, "var.u")


def test_a_member_that_may_be_null_may_be_its_default() -> None:
    object_ = converted({"a": Value(U)}, 'object({ a = optional(string, "x") })').data
    assert isinstance(object_, ObjectData)
    data = object_.fields["a"].data
    assert isinstance(data, Unknown)
    assert data.nonnull
    assert data.key not in ("u", None)


def test_alternatives_are_converted_one_by_one() -> None:
    either = Unknown(Reason.INPUT, "var.u", domain=(Value("1"), Value(None), Value("x")), key="u")
    data = converted(Value(either), "number").data
    assert isinstance(data, Unknown)
    assert [shape(choice) for choice in data.domain] == [1, None, ERROR]
    assert data.key == "u"


def test_the_place_of_a_value_survives_its_conversion() -> None:
    place = Place(Source("main.tf", b'"5"'), 0, 3)
    hop = Hop("variable", "var.size", place, None)
    assert converted(Value("5", place, hop), "number") == Value(5, place, hop)
    error = converted(Value("x", place, hop), "number")
    assert (error.place, error.hops) == (place, hop)


def test_a_resource_is_asked_for_its_object() -> None:
    resource = Value(U, ident=Ident("azurerm_subnet.a", ""))

    def object_of(value: Value) -> Value:
        assert value is resource
        return value_of({"id": "x", "name": 5, "other": []})

    found = converted(resource, "object({ id = string, name = string })", object_of)
    assert shape(found) == {"id": "x", "name": "5"}
    assert found.ident == Ident("azurerm_subnet.a", "")
    assert shape(converted(resource, "any", object_of)) == "?"
    attribute = Value(U, ident=Ident("azurerm_subnet.a", "id"))
    assert shape(converted(attribute, "object({ id = string })", object_of)) == "?object"


def test_kinds_of_collections() -> None:
    assert isinstance(converted({"a": 1}, "map(number)").data, MapData)
    found = converted(["b", "a"], "set(string)").data
    assert isinstance(found, Bag)
    assert (found.is_set, found.merging, settled(found)) == (True, False, True)
    vague = converted(["b", Value(U)], "set(string)").data
    assert isinstance(vague, Bag)
    assert (vague.is_set, vague.merging, settled(vague)) == (True, True, False)
    assert settled(make_set([Value(U)]))


@pytest.mark.parametrize(
    ("items", "expected"),
    [
        ([1, 2], [1, 2]),
        ([1, "a"], ["1", "a"]),
        ([True, "a"], ["true", "a"]),
        ([True, 1], None),
        ([1, []], None),
        ([{}, []], None),
        ([None, 1], [None, 1]),
        ([[1], ["a"]], [["1"], ["a"]]),
        ([[1, "a"], ["b", 2]], [["1", "a"], ["b", "2"]]),
        ([[1], [1, 2]], [[1], [1, 2]]),
        ([{"a": 1}, {"a": "x"}], [{"a": "1"}, {"a": "x"}]),
        ([{"a": 1}, {"b": "x"}], [{"a": "1"}, {"b": "x"}]),
        ([{"a": 1}, {"b": []}], None),
    ],
)
def test_unify(items: list[Any], expected: list[Any] | None) -> None:
    found = unify([value_of(item) for item in items])
    assert (None if found is None else [shape(item) for item in found]) == expected


def test_a_number_next_to_what_may_be_a_string() -> None:
    found = unify([Value(5), Value(U)])
    assert found is not None
    data = found[0].data
    assert isinstance(data, Unknown)
    assert [choice.data for choice in data.domain] == [5, "5"]
    assert unify([Value(5), Value(Unknown(Reason.INPUT, "x", type="number"))]) is not None


@pytest.mark.parametrize(
    ("number", "written"),
    [
        (5, "5"),
        (5.0, "5"),
        (1.5, "1.5"),
        (1e21, "1000000000000000000000"),
        (1e-7, "0.0000001"),
        (0.1 + 0.2, "0.3"),
        (-2, "-2"),
    ],
)
def test_number_string(number: float, written: str) -> None:
    assert number_string(number) == written


@pytest.mark.parametrize(
    ("expression", "result"),
    [
        ("tostring(0.1 + 0.2)", "0.3"),
        ('"v${0.1 + 0.2}"', "v0.3"),
        ('{ "0.3" = "found" }[0.1 + 0.2]', "found"),
        ('true ? 0.1 + 0.2 : "none"', "0.3"),
    ],
)
def test_numbers_become_the_same_string_everywhere(expression: str, result: object) -> None:
    assert evaluate_text(expression).data == result


@pytest.mark.parametrize(
    ("written", "number"),
    [
        ("1", 1),
        ("-1.50", -1.5),
        ("1e3", 1000),
        (".5", 0.5),
        ("5.", 5),
        ("0x10", None),
        ("1_0", None),
        ("", None),
        ("9" * 500, None),
    ],
)
def test_parse_number(written: str, number: float | None) -> None:
    assert parse_number(written) == number


def test_keys() -> None:
    assert key_of(Value(1)) != key_of(Value("1"))
    assert key_of(Value(True)) != key_of(Value(1))
    assert key_of(value_of(["a", Value(U)])) == key_of(value_of(["a", Value(U)]))
    assert key_of(Value(ListData((), REST))) is None
    assert key_of(value_of({"a": 1, "b": 2})) == key_of(value_of({"b": 2, "a": 1}))
    assert key_of(Value(REST)) is None
    assert first_unknown(Value(Text(("a", U)))) is U
