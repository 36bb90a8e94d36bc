"""Functions: against the recorded Terraform core, with operands that are unknown in part, and their provenance."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest

from bklint.errors import InputError
from bklint.files import MemoryReader
from bklint.frontends.terraform.functions import CallContext, call, names
from bklint.frontends.terraform.shapes import Bag, MapData, make_set
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
    parts_of,
    text,
    type_of,
)
from bklint.source import Place, Source
from terraform_record import ERROR, UNDECIDED, Recorded, alike, literal_calls, plain, value_of

FILES: dict[str, str | bytes] = {
    "stack/init.sh": "#!/bin/sh\necho hi\n",
    "stack/settings.json": '{"size": 64, "zones": ["1"]}',
    "stack/sub/a.txt": "a",
    "stack/sub/deep/b.txt": "b",
    "stack/binary": b"\xff\xfe\x00",
}
READER = MemoryReader(FILES)
CALL = Place(Source("main.tf", b"call()"), 0, 6)
CONTEXT = CallContext(CALL, READER.read, "stack", READER.list)

U = Unknown(Reason.INPUT, "var.u", key="u")
STRING = replace(U, type="string", nonnull=True)
SOME = replace(STRING, nonempty=True)
NUMBER = Unknown(Reason.INPUT, "var.n", type="number", nonnull=True, low=10, high=20)
REST = Unknown(Reason.COUNT, "var.count")


def run(name: str, *args: Any) -> Value:
    """A call with plain data or values."""
    return call(name, tuple([value_of(arg) for arg in args]), CONTEXT)


def parts(*pieces: str | Unknown) -> Value:
    """A string in parts."""
    return Value(text(pieces))


def opened(*items: Any) -> Value:
    """An open list."""
    return Value(ListData(tuple([value_of(item) for item in items]), REST))


def shape(value: Value) -> Any:
    """A value as plain data in which `?` is an unknown, `…` an open rest, and `{}` after a bag its uncertain items."""
    data = value.data
    if isinstance(data, Unknown):
        return ERROR if data.is_error else "?"
    if isinstance(data, Text):
        return "".join([part if isinstance(part, str) else "?" for part in data.parts])
    if isinstance(data, ListData):
        return [shape(item) for item in data.items] + (["…"] if data.rest else [])
    if isinstance(data, ObjectData):
        return {key: shape(item) for key, item in data.fields.items()} | ({"…": "…"} if data.rest else {})
    return data


# -- the recorded core -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("one", "name", "args"), [case for case in literal_calls() if case[1] in names()], ids=lambda case: str(case)[:40]
)
def test_agrees_with_terraform(one: Recorded, name: str, args: tuple[Value, ...]) -> None:
    ours = plain(call(name, args, CONTEXT))
    assert ours == UNDECIDED or alike(ours, one.result)


def test_every_function_is_recorded() -> None:
    recorded = {name.removeprefix("core::") for _, name, _ in literal_calls()}
    elsewhere = {"file", "filebase64", "fileexists", "fileset", "filemd5", "filesha1", "filesha256", "filesha512"}
    elsewhere |= {"filebase64sha256", "filebase64sha512", "base64gzip", "bcrypt", "uuid", "rsadecrypt", "timestamp"}
    elsewhere |= {"plantimestamp", "issensitive", "list", "map"}
    assert names() - recorded == elsewhere


# -- operands that are unknown in part ---------------------------------------------------------------------------------

PARTLY = [
    # name, arguments, the shape of the result
    ("length", [U], "?"),
    ("length", [opened("a", "b")], "?"),
    ("length", [["a", Value(U)]], 2),
    ("length", [parts("ab", U)], "?"),
    ("length", [Value(replace(U, type="number"))], ERROR),
    ("lookup", [{"a": 1}, "a"], 1),
    ("lookup", [Value(ObjectData({"a": Value(1)}, REST)), "a", 2], 1),
    ("lookup", [Value(ObjectData({"a": Value(1)}, REST)), "b", 2], "?"),
    ("lookup", [Value(U), "b", 2], "?"),
    ("lookup", [{"a": 1, "b": 1}, Value(STRING), 1], 1),
    ("lookup", [Value(MapData({"a": Value("x")})), "b", 1], "1"),
    ("element", [opened("a", "b"), 1], "b"),
    ("element", [opened("a", "b"), 2], "?"),
    ("element", [["a", "a"], Value(NUMBER)], "a"),
    ("element", [Value(ListData((), REST)), 0], "?"),
    ("merge", [{"a": 1}, Value(U), {"b": 2}], {"a": "?", "b": 2, "…": "…"}),
    ("merge", [Value(U), {"a": 1}], {"a": 1, "…": "…"}),
    ("merge", [{"a": 1}, None], {"a": 1}),
    ("merge", [{"a": 1}, Value(replace(U, type="string"))], ERROR),
    ("concat", [["a"], Value(U), ["b"]], ["a", "b", "…"]),
    ("concat", [opened("a"), ["b"]], ["a", "b", "…"]),
    ("flatten", [[["a"], Value(U), "b"]], ["a", "b", "…"]),
    ("flatten", [[Value(STRING), ["b"]]], ["?", "b"]),
    ("flatten", [[Value(U, ident=Ident("azurerm_subnet.a", "id"))]], ["?"]),
    ("flatten", [opened(["a"])], ["a", "…"]),
    ("coalesce", [None, "", "a", Value(U)], "a"),
    ("coalesce", [Value(U), "a"], "?"),
    ("coalesce", [Value(SOME), "a"], "?"),
    ("coalesce", [parts("a", U), "b"], "a?"),
    ("coalesce", [Value(U), Value(U)], "?"),
    ("coalescelist", [Value(U), ["a"]], "?"),
    ("coalescelist", [[], ["a"], Value(U)], ["a"]),
    ("coalescelist", [opened("a"), ["b"]], ["a", "…"]),
    ("contains", [["a", Value(U)], "a"], True),
    ("contains", [["b", Value(U)], "a"], "?"),
    ("contains", [opened("a"), "a"], True),
    ("contains", [opened("b"), "a"], "?"),
    ("contains", [["b"], parts("a", U)], False),
    ("contains", [["ab"], parts("a", U)], "?"),
    ("anytrue", [[Value(U), True]], True),
    ("anytrue", [[Value(U), False]], "?"),
    ("alltrue", [[Value(U), False]], False),
    ("alltrue", [opened(True)], "?"),
    ("one", [opened()], "?"),
    ("one", [[Value(U)]], "?"),
    ("one", [opened("a", "b")], ERROR),
    ("keys", [Value(ObjectData({"b": Value(1)}, REST))], ["b", "…"]),
    ("values", [{"b": Value(U), "a": 1}], [1, "?"]),
    ("toset", [["b", Value(STRING), "a"]], ["a", "b", "?"]),
    ("tolist", [Value(U)], "?"),
    ("tomap", [{"a": Value(U)}], {"a": "?"}),
    ("tostring", [parts("a", U)], "a?"),
    ("tonumber", [parts("1", U)], "?"),
    ("compact", [["a", Value(U), "b"]], ["a", "b", "…"]),
    ("compact", [["a", Value(SOME)]], ["a", "?"]),
    ("distinct", [["a", "a", Value(U)]], ["a", "?"]),
    ("sort", [["b", Value(STRING)]], ["b", "?"]),
    ("reverse", [opened("a", "b")], ["b", "a", "…"]),
    ("slice", [opened("a", "b"), 0, 1], ["a"]),
    ("slice", [opened("a", "b"), 0, 3], "?"),
    ("setunion", [["b"], ["a", Value(STRING)]], ["a", "b", "?"]),
    ("setintersection", [["a", "b"], opened("a")], ["a", "…"]),
    ("setsubtract", [["a", "b"], ["a", Value(STRING)]], ["…"]),
    ("setproduct", [[], Value(U)], "?"),
    ("zipmap", [["a"], [Value(U)]], {"a": "?"}),
    ("index", [["a", Value(U), "b"], "a"], 0),
    ("index", [["a", Value(U), "b"], "b"], "?"),
    ("range", [Value(NUMBER)], "?"),
    ("sum", [[1, Value(NUMBER)]], "?"),
    ("lower", [parts("AB", U, "C")], "ab?c"),
    ("upper", [parts("ab", U)], "AB?"),
    ("title", [parts("a b", U)], "A B?"),
    ("trimspace", [parts("  a ", U, " b ")], "a ?? b".replace("??", "?")),
    ("trim", [parts("--a", U), "-"], "a?"),
    ("chomp", [parts("a", U, "\n")], "a?"),
    ("trimprefix", [parts("vm-a", U), "vm-"], "a?"),
    ("trimprefix", [parts("vm-a", U), "db-"], "vm-a?"),
    ("trimprefix", [parts("v", U), "vm-"], "?"),
    ("trimsuffix", [parts(U, ".txt"), ".txt"], "?"),
    ("trimsuffix", [parts("a", U, ".txt"), ".txt"], "a?"),
    ("startswith", [parts("vm-", U), "vm"], True),
    ("startswith", [parts("vm-", U), "db"], False),
    ("startswith", [parts("vm-", U), "vm-1"], "?"),
    ("endswith", [parts(U, "-vm"), "vm"], True),
    ("endswith", [parts(U, "-vm"), "db"], False),
    ("endswith", [Value(U), ""], True),
    ("strcontains", [parts(U, "-prod-", U), "prod"], True),
    ("strcontains", [parts("a", U), "prod"], "?"),
    ("join", ["-", ["a", Value(U), "b"]], "a-?-b"),
    ("join", ["-", opened("a", "b")], "a-b?"),
    ("join", [Value(U), ["a", "b"]], "a?b"),
    ("split", ["/", parts("/subscriptions/", U, "/x")], ["", "subscriptions", "…"]),
    ("split", ["/", Value(U)], ["…"]),
    ("replace", [parts("a.b", U, "c.d"), ".", "-"], "a-b?c-d"),
    ("replace", [parts("ab", U), "bc", "x"], "?"),
    ("replace", [parts("xy", U), "bc", "x"], "xy?"),
    ("replace", [parts("a_b", U), "/[^a-z]/", ""], "ab?"),
    ("replace", [parts("a__b", U), "/[^a-z]+/", ""], "ab?"),
    ("replace", [parts("a__b", U), "/[^a-z]+/", "-"], "?"),
    ("substr", [parts("abcdef", U), 0, 3], "abc"),
    ("substr", [parts("abc", U), 1, 9], "bc?"),
    ("strrev", [parts("ab", U)], "?"),
    ("indent", [2, parts("a\nb", U)], "a\n  b?"),
    ("format", ["%s-%s", "a", Value(U)], "a-?"),
    ("format", ["vm%03d", Value(U)], "vm?"),
    ("format", ["%v", [Value(U)]], "?"),
    ("format", [Value(U), 1], "?"),
    ("formatlist", ["%s-%s", ["a", Value(U)], "z"], ["a-z", "?-z"]),
    ("formatlist", ["%s", Value(U)], "?"),
    ("jsonencode", [{"a": Value(U), "b": parts("x", U)}], '{"a":?,"b":"x?"}'),
    ("jsonencode", [Value(ObjectData({"a": Value(1)}, REST))], "{?}"),
    ("jsonencode", [opened(1)], "[1?]"),
    ("base64encode", [parts("abcdefg", U)], "YWJjZGVm?"),
    ("md5", [Value(U)], "?"),
    ("regex", ["a", Value(U)], "?"),
    ("max", [Value(NUMBER), 4], "?"),
    ("basename", [parts(U, "/init.sh")], "init.sh"),
    ("cidrhost", [Value(U), 1], "?"),
    ("timeadd", [Value(U), "1h"], "?"),
    ("nosuch", [], ERROR),
    ("lower", [], ERROR),
    ("lower", ["a", "b"], ERROR),
    ("core::lower", ["A"], "a"),
    ("provider::azurerm::normalise_resource_id", ["x"], "?"),
    ("timestamp", [], "?"),
    ("plantimestamp", [], "?"),
    ("uuid", [], "?"),
    ("bcrypt", ["x"], "?"),
    ("rsadecrypt", ["x", "y"], "?"),
    ("base64gzip", ["x"], "?"),
    ("list", ["a", 1], ["a", "1"]),
    ("map", ["a", 1], {"a": 1}),
    ("issensitive", ["x"], "?"),
    ("nonsensitive", ["x"], "x"),
]


@pytest.mark.parametrize(("name", "args", "expected"), PARTLY, ids=lambda case: str(case)[:40])
def test_partly_unknown(name: str, args: list[Any], expected: Any) -> None:
    given = [Value(arg) if isinstance(arg, Unknown) else arg for arg in args]
    assert shape(run(name, *given)) == expected


BOUNDS = [
    ("length", [opened("a", "b")], 2, None),
    ("length", [opened(Value(STRING), Value(STRING))], 1, None),
    ("length", [Value(make_set([Value("a"), Value(STRING)]))], 1, 2),
    ("length", [Value(SOME)], 1, None),
    ("length", [parts("abc", U)], 3, None),
    ("max", [Value(NUMBER), 15], 15, 20),
    ("max", [Value(U), 15], 15, None),
    ("min", [Value(NUMBER), 15], 10, 15),
    ("min", [Value(U), 15], None, 15),
    ("ceil", [Value(NUMBER)], 10, 20),
    ("abs", [Value(U)], 0, None),
    ("sum", [[1, Value(NUMBER), 2]], 13, 23),
]


@pytest.mark.parametrize(("name", "args", "low", "high"), BOUNDS)
def test_bounds(name: str, args: list[Any], low: float | None, high: float | None) -> None:
    data = run(name, *args).data
    assert isinstance(data, Unknown)
    assert (data.low, data.high, data.type) == (low, high, "number")


# -- identity ----------------------------------------------------------------------------------------------------------


def key(value: Value) -> object:
    data = value.data
    unknown = data.unknowns[0] if isinstance(data, Text) else data
    assert isinstance(unknown, Unknown)
    return unknown.key


def test_equal_calls_are_one_value() -> None:
    assert key(run("md5", Value(U))) == key(run("md5", Value(U))) is not None
    assert key(run("md5", Value(U))) != key(run("sha1", Value(U)))
    assert key(run("lower", Value(U))) not in (key(run("upper", Value(U))), "u", None)
    assert key(run("lower", parts("A", U))) == key(run("lower", Value(U)))
    assert key(run("tostring", Value(U))) == "u"


def test_what_is_made_anew_equals_only_itself() -> None:
    first, second = run("uuid"), run("uuid")
    assert key(first) != key(second)
    assert key(run("lower", first)) == key(run("lower", first))
    assert key(run("plantimestamp")) == key(run("plantimestamp"))


def test_no_key_without_identity() -> None:
    assert key(run("md5", Value(REST))) is None


# -- alternatives ------------------------------------------------------------------------------------------------------


def either(*choices: Any, key: object = None) -> Value:
    domain = tuple([value_of(choice) for choice in choices])
    return Value(Unknown(Reason.INPUT, "var.x", domain=domain, key=key))


def alternatives(value: Value) -> list[Any]:
    data = value.data
    assert isinstance(data, Unknown)
    return [shape(choice) for choice in data.domain]


@pytest.mark.parametrize(
    ("name", "args", "expected"),
    [
        ("upper", [either("a", "b")], ["A", "B"]),
        ("format", ["%s-%s", either("a", "b"), either(1, 2)], ["a-1", "a-2", "b-1", "b-2"]),
        ("format", ["%s-%s", either("a", "b", key="k"), either("a", "b", key="k")], ["a-a", "b-b"]),
        ("lookup", [{"a": 1, "b": 2}, either("a", "b")], [1, 2]),
        ("lookup", [{"a": 1}, either("a", "b"), 5], [1, 5]),
        ("element", [["x", "y"], either(0, 1)], ["x", "y"]),
        ("coalesce", [either(None, "a"), "b"], ["b", "a"]),
        ("concat", [["a"], either([], ["b"])], [["a"], ["a", "b"]]),
        ("length", [either([], ["b"])], [0, 1]),
        ("merge", [{"a": 1}, either({}, {"a": 2})], [{"a": 1}, {"a": 2}]),
        ("lookup", [{"a": 1}, either("a", "b")], [1, ERROR]),
    ],
)
def test_alternatives(name: str, args: list[Any], expected: list[Any]) -> None:
    assert alternatives(run(name, *args)) == expected


def test_alternatives_that_agree_decide() -> None:
    assert run("length", either("ab", "cd")).data == 2
    assert shape(run("upper", either(["a"], {}))) == ERROR


def test_too_many_alternatives_are_not_tried() -> None:
    many = either(*range(9))
    assert shape(run("format", "%s%s", many, many)) == "??"


# -- provenance --------------------------------------------------------------------------------------------------------

VARIABLE = Place(Source("variables.tf", b'"Size"'), 0, 6)


def variable(data: Any) -> Value:
    """A value that came from a variable."""
    return value_of(data)._replace(place=VARIABLE, hops=Hop("variable", "var.size", VARIABLE, None))


@pytest.mark.parametrize(
    ("name", "args"),
    [
        ("lookup", [{"a": variable("x")}, "a"]),
        ("element", [[variable("x")], 3]),
        ("coalesce", [None, variable("x"), "b"]),
        ("one", [[variable("x")]]),
        ("max", [1, variable(5)]),
        ("tostring", [variable("x")]),
        ("sensitive", [variable("x")]),
        ("nonsensitive", [variable("x")]),
        ("trimprefix", [variable("x"), "y"]),
        ("coalescelist", [[], variable(["a"])]),
    ],
)
def test_what_is_selected_keeps_its_place(name: str, args: list[Any]) -> None:
    found = run(name, *args)
    assert found.place == VARIABLE
    assert found.hops == Hop("variable", "var.size", VARIABLE, None)


@pytest.mark.parametrize(
    ("name", "args", "member"),
    [
        ("merge", [{"b": 1}, {"a": variable("x")}], "a"),
        ("concat", [[variable("x")], ["y"]], 0),
        ("flatten", [[[variable("x")]]], 0),
        ("toset", [[variable("x")]], 0),
        ("values", [{"a": variable("x")}], 0),
        ("zipmap", [["a"], [variable("x")]], "a"),
        ("tomap", [{"a": variable("x")}], "a"),
        ("slice", [["a", variable("x")], 1, 2], 0),
        ("distinct", [[variable("x"), "x"]], 0),
    ],
)
def test_members_keep_their_places(name: str, args: list[Any], member: str | int) -> None:
    data = run(name, *args).data
    found = data.fields[member] if isinstance(data, ObjectData) else data.items[member]  # type: ignore[union-attr,index]
    assert found.place == VARIABLE


@pytest.mark.parametrize(
    ("name", "args"),
    [
        ("lower", [variable("Size")]),
        ("format", ["%s-x", variable("Size")]),
        ("join", ["-", ["a", variable("b")]]),
        ("length", [{"a": [variable("b")]}]),
        ("jsonencode", [variable({"a": 1})]),
        ("tonumber", [variable("12")]),
    ],
)
def test_what_is_computed_remembers_its_only_operand(name: str, args: list[Any]) -> None:
    found = run(name, *args)
    assert found.hops is not None
    if name != "tonumber":
        assert found.place == CALL
        assert found.hops == Hop("function", f"{name}()", VARIABLE, Hop("variable", "var.size", VARIABLE, None))


def test_two_operands_give_no_trail() -> None:
    found = run("format", "%s%s", variable("a"), variable("b"))
    assert (found.place, found.hops) == (CALL, None)


def test_a_name_of_a_map_has_the_place_of_its_key() -> None:
    place = Place(Source("main.tf", b"a"), 0, 1)
    found = run("keys", Value(ObjectData({"a": Value(1)}, None, {"a": place}))).data
    assert isinstance(found, ListData)
    assert found.items[0] == Value("a", place)


def test_an_error_in_an_argument_is_the_result() -> None:
    error = Value(Unknown(Reason.ERROR, "division by zero"))
    for name, args in (
        ("lower", [error]),
        ("join", ["-", [error]]),
        ("jsonencode", [[error]]),
        ("format", ["%s", error]),
    ):
        data = run(name, *args).data
        assert isinstance(data, Unknown)
        assert data.cause == "division by zero"


# -- files -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "args", "expected"),
    [
        ("file", ["init.sh"], "#!/bin/sh\necho hi\n"),
        ("file", ["./sub/../init.sh"], "#!/bin/sh\necho hi\n"),
        ("file", ["nope"], "?"),
        ("file", ["/etc/passwd"], "?"),
        ("file", ["~/.ssh/id_rsa.pub"], "?"),
        ("file", ["C:/x"], "?"),
        ("file", ["binary"], ERROR),
        ("file", [parts("a", U)], "?"),
        ("filebase64", ["sub/a.txt"], "YQ=="),
        ("filebase64", ["binary"], "//4A"),
        ("filemd5", ["sub/a.txt"], "0cc175b9c0f1b6a831c399e269772661"),
        ("filesha1", ["sub/a.txt"], "86f7e437faa5a7fce15d1ddcb9eaeaea377667b8"),
        ("filesha256", ["sub/a.txt"], "ca978112ca1bbdcafac231b39a23dc4da786eff8147c4e72b9807785afee48bb"),
        ("filebase64sha256", ["sub/a.txt"], "ypeBEsobvcr6wjGzmiPcTaeG7/gUfE5yuYB3ha/uSLs="),
        ("fileexists", ["init.sh"], True),
        ("fileexists", ["nope"], "?"),
        ("fileset", [".", "*.sh"], ["init.sh"]),
        ("fileset", ["sub", "**"], ["a.txt", "deep/b.txt"]),
        ("fileset", ["sub", "**/*.txt"], ["a.txt", "deep/b.txt"]),
        ("fileset", ["sub", "*/b.{txt,md}"], ["deep/b.txt"]),
        ("fileset", ["sub", "[ab].txt"], ["a.txt"]),
        ("fileset", ["sub", "?.md"], []),
        ("abspath", ["a"], "?"),
        ("pathexpand", ["~/a"], "?"),
        ("pathexpand", ["a"], "a"),
    ],
)
def test_files(name: str, args: list[Any], expected: Any) -> None:
    assert shape(run(name, *args)) == expected


def test_the_content_of_a_file_stands_in_the_file() -> None:
    found = run("jsondecode", run("file", "settings.json"))
    assert isinstance(found.data, ObjectData)
    place = found.data.fields["size"].place
    assert place is not None
    assert place.locate().source.name == "stack/settings.json"
    assert place.locate().text == "64"
    assert [hop.label for hop in run("file", "init.sh").trail] == ["file()"]


def test_no_listing_decides_nothing() -> None:
    def refuse(path: str) -> bytes:
        raise InputError("refused")

    context = CallContext(CALL, refuse, ".")
    assert shape(call("fileset", (Value("."), Value("*")), context)) == "?"
    assert shape(call("file", (Value("x"),), context)) == "?"


# -- soundness ---------------------------------------------------------------------------------------------------------

SAMPLES: list[Any] = [None, "", "a", "Ab", "x-1", "5", "true", 0, 3, 1.5, -1, True, [], ["a"], [1, 2], {}, {"a": "x"}]
COMPLETIONS = ["", "a", "B-", "x", "1", ".", "ab"]


def variants(args: tuple[Value, ...]) -> Iterator[tuple[tuple[Value, ...], list[tuple[Value, ...]]]]:
    """The arguments with one thing made unknown, and what they are for values of it."""
    for at, arg in enumerate(args):
        for made, concrete in _made_unknown(arg):
            yield _with(args, at, made), [_with(args, at, one) for one in concrete]


def _with(args: tuple[Value, ...], at: int, arg: Value) -> tuple[Value, ...]:
    return (*args[:at], arg, *args[at + 1 :])


def _made_unknown(arg: Value) -> Iterator[tuple[Value, list[Value]]]:
    data = arg.data
    yield Value(U), [arg, *[value_of(sample) for sample in SAMPLES]]
    if isinstance(data, str):
        half = len(data) // 2
        for before, after in ((data[:half], data[half:]), (data, ""), ("", data)):
            yield Value(text((before, U, after))), [Value(before + one + after) for one in COMPLETIONS]
    if isinstance(data, ListData):
        yield (
            Value(ListData(data.items, REST)),
            [Value(ListData((*data.items, *map(value_of, more)))) for more in ([], ["a"], [1, "b"], [None])],
        )
        for at in range(len(data.items)):
            yield (
                Value(ListData(_with(data.items, at, Value(U)))),
                [Value(ListData(_with(data.items, at, value_of(sample)))) for sample in SAMPLES],
            )
    if isinstance(data, ObjectData):
        yield (
            Value(ObjectData(data.fields, REST)),
            [
                Value(ObjectData({**data.fields, **{key: value_of(one) for key, one in more.items()}}))
                for more in ({}, {"zz": "x"}, {"A0": 1})
            ],
        )
        for name in data.fields:
            yield (
                Value(ObjectData({**data.fields, name: Value(U)})),
                [Value(ObjectData({**data.fields, name: value_of(sample)})) for sample in SAMPLES],
            )


def covers(known: Value, real: Value) -> bool:
    """Whether a partly known value leaves room for the real one."""
    data = known.data
    if isinstance(data, Unknown):
        return _covers_unknown(data, real)
    if isinstance(data, Text):
        written = parts_of(real)
        pattern = "".join(
            [re.escape(part) if isinstance(part, str) else ".+" if part.nonempty else ".*" for part in data.parts]
        )
        return written is not None and re.fullmatch(pattern, "".join(map(str, written)), re.DOTALL) is not None
    if isinstance(data, ListData):
        return isinstance(real.data, ListData) and _covers_list(data, real.data.items)
    if isinstance(data, ObjectData):
        if not isinstance(real.data, ObjectData) or (
            data.rest is None and data.fields.keys() != real.data.fields.keys()
        ):
            return False
        return all(
            key in real.data.fields and covers(value, real.data.fields[key]) for key, value in data.fields.items()
        )
    return alike(data, real.data)


def _covers_unknown(data: Unknown, real: Value) -> bool:
    if data.domain:
        return any(covers(choice, real) for choice in data.domain)
    if real.data is None:
        return not data.nonnull
    if data.type is not None and type_of(real) != data.type:
        return False
    if data.nonempty and (real.data == "" or (isinstance(real.data, ListData) and not real.data.items)):
        return False
    if isinstance(real.data, (int, float)) and not isinstance(real.data, bool):
        return (data.low is None or data.low <= real.data) and (data.high is None or real.data <= data.high)
    return not data.is_error


def _covers_list(data: ListData, items: tuple[Value, ...]) -> bool:
    ordered = data.ordered if isinstance(data, Bag) else len(data.items)
    merging = isinstance(data, Bag) and data.merging
    if data.rest is None and not merging and len(items) != len(data.items):
        return False
    if len(items) < ordered or not all(map(covers, data.items[:ordered], items)):
        return False
    return all(any(covers(item, real) for real in items) for item in data.items[ordered:])


SOUND = [case for case in literal_calls() if case[1] in names() and case[0].result != ERROR]


@pytest.mark.parametrize("name", sorted({name for _, name, _ in SOUND}))
def test_what_is_decided_holds_for_every_value(name: str) -> None:
    for _, _, args in [case for case in SOUND if case[1] == name]:
        for vague, concrete in variants(args):
            known = call(name, vague, CONTEXT)
            for some in concrete:
                real = call(name, some, CONTEXT)
                if first_unknown(real) is None:
                    assert covers(known, real), (name, vague, some, known, real)


# -- robustness --------------------------------------------------------------------------------------------------------

ODD: list[Any] = [
    None, "", "a", "%s", "%d", "%5.400f", "\u0301", "9" * 5000, 10**5000, -(10**400), 1e308, 1e-320, -1, 3, 2**63, True,
    [], ["a"], [1, "a"], [[1], [{}]], {}, {"a": 1}, {"": None}, "10.0.0.0/8", "1.2.3.4/33", "/(/", "/a/",
    "9999-12-31T23:59:59Z", "9999999999h", "\x00", "{", "[1,{", "a: [b", "(a*)*b", "UTF-16", Value(U), Value(MISSING),
    Value(ABSENT), opened("a"), parts("a", U), Value(ObjectData({"a": Value(1)}, REST)), either("a", 1, None),
]  # fmt: skip


@pytest.mark.parametrize("name", sorted(names()))
def test_nothing_is_raised(name: str) -> None:
    for first in ODD:
        assert isinstance(run(name, first), Value)
        for at, second in enumerate(ODD):
            assert isinstance(run(name, first, second, *[ODD[at - 1]] * (at % 3)), Value)
