"""JSON, YAML and base64 in Terraform strings: the values in them, and where these stand."""

from __future__ import annotations

from typing import Any

import pytest

from bklint.files import MemoryReader
from bklint.frontends.terraform.alignment import align
from bklint.frontends.terraform.embedded import decode_base64, decode_json, decode_yaml
from bklint.frontends.terraform.embedded_text import encoded_by
from bklint.frontends.terraform.evaluate import Evaluator, Scope
from bklint.frontends.terraform.functions import CallContext
from bklint.model.value import Hop, Ident, ListData, ObjectData, Reason, Text, Unknown, Value, unknown
from bklint.source import Place, Source
from bklint.syntax import hcl
from terraform_record import ERROR, value_of

U = Unknown(Reason.INPUT, "var.u", key="u")
FILES = MemoryReader({"settings.json": '{"port": 443, "hosts": ["a"]}'})


class Names:
    """No names but loop variables."""

    def lookup(self, space: str, name: str, place: Place) -> Value | None:
        return None

    def data(self, type_: str, name: str, place: Place) -> Value:
        return unknown(Reason.ERROR, "none", place)

    def attribute(self, value: Value, name: str, place: Place) -> Value | None:
        return None

    def element(self, value: Value, key: Value, place: Place) -> Value | None:
        return None

    def call_context(self, place: Place) -> CallContext:
        return CallContext(place, FILES.read, ".", FILES.list)


def evaluated(written: str, **variables: Any) -> Value:
    """An expression in which variables are known by name alone."""
    source = Source("main.tf", written.encode())
    frames = {
        name: value
        if isinstance(value, Value)
        else Value(value)
        if isinstance(value, Unknown)
        else variable(name, value)
        for name, value in variables.items()
    }
    return Evaluator().evaluate(hcl.parse_expression(source), Scope(Names(), source, frames))


def variable(name: str, data: Any) -> Value:
    """A value from a variable: its place is in another file."""
    place = Place(Source("variables.tf", repr(data).encode()), 0, len(repr(data)))
    return value_of(data)._replace(place=place, hops=Hop("variable", f"var.{name}", place, None))


def at(value: Value, *path: str | int) -> Value:
    """A member, which must be there."""
    for name in path:
        data = value.data
        if isinstance(data, ObjectData):
            value = data.fields[str(name)]
        else:
            assert isinstance(data, ListData)
            value = data.items[int(name)]
    return value


def shape(value: Value) -> Any:
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


def written_at(value: Value) -> str:
    """The name of the file a value stands in, and its text there."""
    assert value.place is not None
    place = value.place.locate()
    return f"{place.source.name}: {place.text}"


# -- what encoding functions made --------------------------------------------------------------------------------------


def test_jsonencode_is_undone() -> None:
    value = evaluated('jsonencode({ b = 1, a = ["x", null], v = size })', size=64)
    assert value.data == '{"a":["x",null],"b":1,"v":64}'
    assert encoded_by(value) == "jsonencode"
    found = decode_json(value)
    assert shape(found) == {"b": 1, "a": ["x", None], "v": 64}
    assert written_at(at(found, "a", 0)) == 'main.tf: "x"'
    assert written_at(at(found, "v")) == "variables.tf: 64"
    assert shape(evaluated("jsondecode(jsonencode({ a = 1 }))")) == {"a": 1}
    assert shape(evaluated("yamldecode(yamlencode({ a = size }))", size=U)) == {"a": "?"}


def test_unknown_members_survive() -> None:
    value = evaluated('jsonencode({ a = size, b = "x-${size}" })', size=U)
    assert shape(value) == '{"a":?,"b":"x-?"}'
    found = decode_json(value)
    assert at(found, "a").data == U
    assert shape(at(found, "b")) == "x-?"


def test_hops_after_encoding_do_not_hide_it() -> None:
    place = Place(Source("main.tf", b"local.x"), 0, 7)
    value = evaluated("jsonencode({ a = 1 })").via("local", "local.settings", place)
    assert shape(decode_json(value)) == {"a": 1}


@pytest.mark.parametrize(
    ("written", "function"),
    [
        ('base64encode("x-${u}")', "base64encode"),
        ('base64gzip("x-${u}")', "base64gzip"),
        ('textencodebase64("x-${u}", "UTF-16LE")', "textencodebase64"),
    ],
)
def test_base64_is_undone(written: str, function: str) -> None:
    value = evaluated(written, u=U)
    assert encoded_by(value) == function
    assert shape(decode_base64(value)) == "x-?"


def test_base64_of_a_file() -> None:
    found = decode_base64(evaluated('filebase64("settings.json")'))
    assert written_at(found) == 'settings.json: {"port": 443, "hosts": ["a"]}'


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (Value("aGVsbG8="), "hello"),
        (Value("!"), ERROR),
        (Value("/w=="), ERROR),
        (Value(U), "?string"),
        (Value(Text(("aGVs", U))), "?string"),
        (Value(None), ERROR),
    ],
)
def test_base64(value: Value, expected: Any) -> None:
    assert shape(decode_base64(value)) == expected


# -- literals ----------------------------------------------------------------------------------------------------------

LITERALS = [
    # expression, path, text at its place
    (r'"{\"a\": {\"b\": 5}}"', ("a", "b"), "5"),
    (r'"{\"a\": {\"b\": 5}}"', ("a",), r"{\"b\": 5}"),
    (r'"{\"é\": [\"ü\", true]}"', ("é", 0), r"\"ü\""),
    (r'"{\"é\": [\"ü\", true]}"', ("é", 1), "true"),
    ('"[1, 22]"', (1,), "22"),
    ('"5"', (), "5"),
    ('<<EOT\n{\n  "a": [1, {"b": "x"}]\n}\nEOT\n', ("a", 1, "b"), '"x"'),
    ('<<-EOT\n    {\n      "a": [1, {"b": "x"}]\n    }\n    EOT\n', ("a", 1, "b"), '"x"'),
    ('<<-EOT\n    {\n      "a": 15\n    }\n    EOT\n', ("a",), "15"),
    ('<<EOT\r\n{\r\n  "a": 15\r\n}\r\nEOT\r\n', ("a",), "15"),
    ('<<EOT\n{"a": "$${x}", "b": 7}\nEOT\n', ("b",), "7"),
]


@pytest.mark.parametrize(("written", "path", "expected"), LITERALS)
def test_places_in_literals(written: str, path: tuple[str | int, ...], expected: str) -> None:
    assert written_at(at(decode_json(evaluated(written)), *path)) == f"main.tf: {expected}"


def test_places_of_names() -> None:
    data = decode_json(evaluated('<<EOT\n{"port": 5}\nEOT\n')).data
    assert isinstance(data, ObjectData)
    assert data.keys["port"].locate().text == '"port"'


def test_a_file_is_the_place_of_its_settings() -> None:
    found = evaluated('jsondecode(file("settings.json"))')
    assert written_at(at(found, "port")) == "settings.json: 443"
    assert written_at(at(found, "hosts", 0)) == 'settings.json: "a"'


def test_text_that_was_changed_has_the_place_of_the_change() -> None:
    found = evaluated('jsondecode(lower("{\\"A\\": 5}"))')
    assert written_at(at(found, "a")) == 'main.tf: lower("{\\"A\\": 5}")'


# -- templates ---------------------------------------------------------------------------------------------------------

TEMPLATES = [
    # expression, the values that are known, the shape of the result
    ('"{\\"a\\": \\"${x}\\"}"', {"x": "v"}, {"a": "v"}),
    ('"{\\"a\\": \\"${x}\\"}"', {"x": U}, {"a": "?string"}),
    ('"{\\"a\\": \\"p-${x}-s\\"}"', {"x": U}, {"a": "p-?-s"}),
    ('"{\\"a\\": ${x}}"', {"x": 5}, {"a": 5}),
    ('"{\\"a\\": ${x}}"', {"x": U}, {"a": "?"}),
    ('"{\\"a\\": ${x}}"', {"x": Value(Unknown(Reason.INPUT, "n", type="number"))}, {"a": "?number"}),
    ('"{\\"a\\": ${jsonencode(x)}}"', {"x": ["b"]}, {"a": ["b"]}),
    ('"{\\"a\\": ${jsonencode(x)}}"', {"x": U}, {"a": "?"}),
    ('"{\\"a\\": ${jsonencode([x, 1])}}"', {"x": U}, {"a": ["?", 1]}),
    ('"[1, ${x}, 2]"', {"x": U}, [1, 2, "…"]),
    ('"[1, ${jsonencode(x)}]"', {"x": U}, [1, "?"]),
    ('"[${join(",", x)}]"', {"x": [1, 2]}, [1, 2]),
    ('"{\\"${x}\\": 1, \\"b\\": 2}"', {"x": "a"}, {"a": 1, "b": 2}),
    ('"{\\"b\\": 2, \\"${x}\\": 1}"', {"x": U}, {"b": "?", "…": "…"}),
    ('"{\\"a\\": 1 ${x}}"', {"x": U}, "?"),
    ('"{\\"a\\": 1 ${x}}"', {"x": "?"}, ERROR),
    ('"%{ if x }{\\"a\\": 1}%{ else }{\\"a\\": 2}%{ endif }"', {"x": True}, {"a": 1}),
    ('"{%{ if true }\\"a\\": ${x}%{ endif }}"', {"x": 4}, {"a": 4}),
    ('"{\\"s\\": \\"${x}\\"}"', {"x": 5}, {"s": "5"}),
    ('"{\\"a\\": \\"\\\\\\"${x}\\"}"', {"x": U}, {"a": '"?'}),
    ('"${x}"', {"x": '{"a": 1}'}, {"a": 1}),
    ('" ${x}"', {"x": '{"a": 1}'}, {"a": 1}),
]


@pytest.mark.parametrize(("written", "known", "expected"), TEMPLATES, ids=lambda case: str(case)[:40])
def test_templates(written: str, known: dict[str, Any], expected: Any) -> None:
    assert shape(decode_json(evaluated(written, **known))) == expected


def test_provenance_in_templates() -> None:
    written = '<<EOT\n{"a": "${x}", "b": ${y}, "c": "lit", "d": "p-${x}", "e": ${jsonencode(z)}}\nEOT\n'
    found = decode_json(evaluated(written, x="v", y=7, z={"k": [3]}))
    assert shape(found) == {"a": "v", "b": 7, "c": "lit", "d": "p-v", "e": {"k": [3]}}
    assert written_at(at(found, "a")) == "variables.tf: 'v'"
    assert [hop.label for hop in at(found, "a").trail] == ["var.x"]
    assert written_at(at(found, "b")) == "variables.tf: 7"
    assert written_at(at(found, "c")) == 'main.tf: "lit"'
    assert written_at(at(found, "d")) == 'main.tf: "p-${x}"'
    assert [hop.label for hop in at(found, "d").trail] == ["template", "var.x"]
    assert found.data is not at(found, "e").data
    assert shape(at(found, "e", "k", 0)) == 3


def test_an_identity_survives_in_a_template() -> None:
    resource = Value(U, hops=None, ident=Ident("azurerm_key_vault.v", "id"))
    found = decode_json(evaluated('"{\\"vault\\": \\"${v}\\"}"', v=resource))
    assert at(found, "vault").ident == Ident("azurerm_key_vault.v", "id")


def test_unknown_text_with_alternatives() -> None:
    either = Unknown(Reason.CONDITION, "var.x", domain=(Value('"a": 1,'), Value("")))
    found = decode_json(evaluated('"{${x}\\"b\\": 2}"', x=either)).data
    assert isinstance(found, Unknown)
    assert [shape(choice) for choice in found.domain] == [{"a": 1, "b": 2}, {"b": 2}]
    quoted = Unknown(Reason.CONDITION, "var.x", type="string", domain=(Value("a"), Value("b")))
    inside = at(decode_json(evaluated('"{\\"b\\": \\"${x}\\"}"', x=quoted)), "b").data
    assert isinstance(inside, Unknown)
    assert len(inside.domain) == 2


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (Value(U), "?"),
        (Value(Unknown(Reason.INPUT, "x", domain=(Value("1"), Value("[]")))), "?"),
        (Value(unknown(Reason.ERROR, "x").data), ERROR),
        (Value(None), ERROR),
        (Value(ListData()), ERROR),
        (Value(5), 5),
        (Value(True), True),
        (Value(""), ERROR),
        (Value('{"a": 1, // no\n "b": 2}'), ERROR),
        (Value("[1,]"), ERROR),
        (Value("1e999"), "?"),
        (Value(Text(("{", U))), "?"),
        (Value('["\ue000"]'), ERROR),
        (Value("[" * 300 + "]" * 300), ERROR),
        (Value('{"a": 1, "a": 2}'), {"a": 2}),
    ],
    ids=lambda case: str(case)[:40],
)
def test_odd_texts(value: Value, expected: Any) -> None:
    assert shape(decode_json(value)) == expected


def test_equal_texts_decode_to_equal_unknowns() -> None:
    first, second = decode_json(Value(U)).data, decode_json(Value(U)).data
    assert isinstance(first, Unknown)
    assert isinstance(second, Unknown)
    assert first.key == second.key not in (None, "u")


# -- YAML --------------------------------------------------------------------------------------------------------------

YAML = [
    ("<<EOT\na: ${x}\nb: 5\nEOT\n", {"x": "v"}, {"a": "v", "b": 5}),
    ("<<EOT\na: ${x}\nb: 5\nEOT\n", {"x": 7}, {"a": 7, "b": 5}),
    ("<<EOT\na: ${x}\nb: 5\nEOT\n", {"x": U}, {"a": "?", "b": 5}),
    ('<<EOT\na: "${x}"\nb: 5\nEOT\n', {"x": U}, {"a": "?string", "b": 5}),
    ("<<EOT\na: vm-${x}\nEOT\n", {"x": U}, {"a": "vm-?"}),
    ("<<EOT\na: 1${x}\nEOT\n", {"x": U}, {"a": "?"}),
    ("<<EOT\n${x}\nb: 5\nEOT\n", {"x": U}, "?"),
    ("<<EOT\n- a\n- ${x}\nEOT\n", {"x": U}, ["a", "?"]),
    ("<<EOT\na: |\n  ${x}\n  y\nEOT\n", {"x": U}, {"a": "?\ny\n"}),
    ("yamlencode({ a = x })", {"x": U}, {"a": "?"}),
    ("jsonencode({ a = x })", {"x": U}, {"a": "?"}),
    ("<<EOT\na: [\nEOT\n", {}, ERROR),
    ("<<EOT\na: 1\n---\nb: 2\nEOT\n", {}, ERROR),
]


@pytest.mark.parametrize(("written", "known", "expected"), YAML, ids=lambda case: str(case)[:40])
def test_yaml(written: str, known: dict[str, Any], expected: Any) -> None:
    assert shape(decode_yaml(evaluated(written, **known))) == expected


def test_places_in_yaml() -> None:
    found = decode_yaml(evaluated("<<-EOT\n    a:\n      - b: 12\n      - ${x}\n    EOT\n", x="v"))
    assert written_at(at(found, "a", 0, "b")) == "main.tf: 12"
    assert written_at(at(found, "a", 1)) == "variables.tf: 'v'"


# -- alignment ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("raw", "text", "part", "expected"),
    [
        ("abc", "abc", "c", "c"),
        ('"a\\tb"', "a\tb", "b", "b"),
        ('"a\\u00e9b"', "aéb", "é", "\\u00e9"),
        ('"a\\U0001F600b"', "a😀b", "b", "b"),
        ("$${x} y", "${x} y", "y", "y"),
        ("  a\n    b\n", "a\n  b\n", "b", "b"),
        ("a\r\nb", "a\nb", "b", "b"),
        ("%%{if}", "%{if}", "if", "if"),
    ],
)
def test_alignment(raw: str, text: str, part: str, expected: str) -> None:
    source = Source("main.tf", raw.encode())
    runs = align(Place(source, 0, len(source.data)), text)
    assert runs is not None
    start = text.encode().index(part.encode())
    begin, end = runs.offset(start), runs.offset(start + len(part.encode()), end=True)
    assert source.text(begin, max(end, begin)).startswith(expected[:1])
    assert begin == raw.encode().rindex(expected.encode())


@pytest.mark.parametrize(("raw", "text"), [("lower(x)", "abc"), ("", "a"), ("a\\", "a"), ('"\\q"', "q"), ("ab", "a")])
def test_no_alignment(raw: str, text: str) -> None:
    source = Source("main.tf", raw.encode())
    assert align(Place(source, 0, len(source.data)), text) is None
