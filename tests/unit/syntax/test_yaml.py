"""What `bklint.syntax.yaml` reads, refuses and locates."""

from __future__ import annotations

import json
import random
import subprocess
import sys
import time
from typing import Any

import pytest
import yaml

from bklint.errors import InputError, LimitError
from bklint.source import Source
from bklint.syntax.json import MAX_DEPTH, Pointer
from bklint.syntax.yaml import YamlDocument, load_data, load_first, load_rest, parse, split_documents


def read(text: str) -> YamlDocument:
    (document,) = parse(Source("f.yaml", text.encode()))
    return document


# text, data: both `parse` and `load_data`
READ: list[tuple[str, Any]] = [
    ("a: 1", {"a": 1}),
    ("\ufeffa: é", {"a": "é"}),
    ("- a\r\n- [b, {c: d}]\r\n", ["a", ["b", {"c": "d"}]]),
    ("x", "x"),
    ("--- # c\nx\n...\n", "x"),
    (
        "[yes, Off, true, ~, null, 010, 0x1F, 1_000, 1.5, .inf, 1:30]",
        [True, False, True, None, None, 8, 31, 1000, 1.5, float("inf"), 90],
    ),
    ("on: [push]\n2: x\n~: y\n1.5: z", {True: ["push"], 2: "x", None: "y", 1.5: "z"}),
    ("a:\nb:\n  - \n  -", {"a": None, "b": [None, None]}),
    (
        "a: 'it''s'\nb: \"\\u00e9\\t\"\nc: |\n  x\n   y\n\nd: >-\n  x\n  y",
        {"a": "it's", "b": "é\t", "c": "x\n y\n", "d": "x y"},
    ),
    ("date: 2020-11-05\ntime: 2020-11-05T10:00:00Z", {"date": "2020-11-05", "time": "2020-11-05T10:00:00Z"}),
    ("a: 1\nb: 2\na: 3", {"a": 3, "b": 2}),
    ("=: =", {"=": "="}),
    ("a: <<", {"a": "<<"}),
    ("a: 0b_\nb: 1e5", {"a": "0b_", "b": "1e5"}),
    # tags
    ("!!str 5", "5"),
    ("!!int '5'", 5),
    ("!!float 5", 5.0),
    ("!!bool 'yes'", True),
    ("!!null ''", None),
    ("[!!int x, !!bool x, !!float '', !!binary aGk=, !!timestamp 2020-01-01]", ["x", "x", "", "aGk=", "2020-01-01"]),
    (
        "a: !Sub '${x}'\nb: !GetAtt 5\nc: !reference [a, b]\nd: !map {x: 1}",
        {"a": "${x}", "b": "5", "c": ["a", "b"], "d": {"x": 1}},
    ),
    ("!!set {a, b}", {"a": None, "b": None}),
    # anchors and merge keys
    ("a: &x [1, 2]\nb: *x\nc: &y z\n*y : 1", {"a": [1, 2], "b": [1, 2], "c": "z", "z": 1}),
    ("a: &x 1\nb: &x 2\nc: *x", {"a": 1, "b": 2, "c": 2}),
    ("a: &x {k: 1, l: 2}\nb:\n  k: 3\n  <<: *x", {"a": {"k": 1, "l": 2}, "b": {"k": 3, "l": 2}}),
    ("- &x {k: 1}\n- &y {k: 2, m: 3}\n- {<<: [*x, *y], n: 4}", [{"k": 1}, {"k": 2, "m": 3}, {"k": 1, "m": 3, "n": 4}]),
    ("- &x {k: 1}\n- &y {<<: *x, l: 2}\n- <<: *y", [{"k": 1}, {"k": 1, "l": 2}, {"k": 1, "l": 2}]),
    ("<<: {k: 1}\n'<<': 2", {"k": 1, "<<": 2}),
    ("<<: 5\n", {"<<": 5}),
    ("<<: [1]\n", {"<<": [1]}),
    # collections as keys become their text
    ("{{ name }}: 1", {"{{ name }}": 1}),
    ("? [a, b]\n: 1", {"[a, b]": 1}),
    ("[" * MAX_DEPTH + "]" * MAX_DEPTH, json.loads("[" * MAX_DEPTH + "]" * MAX_DEPTH)),
    ("a: " + "1" * 5000, {"a": "1" * 5000}),
    ("a: " + "1:" * 3000 + "1", {"a": "1:" * 3000 + "1"}),
]


@pytest.mark.parametrize(("text", "data"), READ, ids=[text[:30] for text, _ in READ])
def test_read(text: str, data: Any) -> None:
    assert read(text).data == data
    assert load_data(text) == data
    assert load_data(text.encode()) == data


def test_key_order_and_kinds_are_those_of_pyyaml() -> None:
    text = "- &a {z: 1, yes: 2}\n- {b: 1, <<: *a, c: 2}\n- {b: 0x10, c: [], d: ''}"
    expected = yaml.safe_load(text)
    for data in (read(text).data, load_data(text)):
        assert repr(data) == repr(expected)


def test_an_alias_is_no_copy() -> None:
    data = read("a: &x [1]\nb: *x").data
    assert data["a"] is data["b"]


@pytest.mark.parametrize(
    ("text", "data"),
    [
        ("", []),
        ("# c\n", []),
        ("---\n", [None]),
        ("a: 1\n---\nb: 2\n", [{"a": 1}, {"b": 2}]),
        ("---\na: &x 1\n--- # c\n- *y\n", None),
        ("a\n...\n---\nb\n---\n", ["a", "b", None]),
    ],
)
def test_documents(text: str, data: list[Any] | None) -> None:
    if data is None:
        with pytest.raises(InputError, match="no anchor"):
            parse(Source("f", text.encode()))
    else:
        assert [document.data for document in parse(Source("f", text.encode()))] == data


LAUGHS = "- &a [x, x, x, x, x, x, x, x, x, x]\n" + "".join(
    f"- &{new} [{', '.join(['*' + old] * 10)}]\n" for old, new in zip("abcdefgh", "bcdefghi", strict=True)
)
TALL = "- &a " + "[" * 250 + "]" * 250 + "\n- [[[[[[^*a]]]]]]\n"

# text with ^ where the error is, start of the message
REFUSED = [
    ("a: 1\nb\n^c: 2", "could not find expected ':' while scanning a simple key"),
    ("é: [1, 2\nb^: 3", "did not find expected ',' or ']' while parsing a flow sequence"),
    ("a: ^*nope", "this alias has no anchor"),
    ("é: &x [😀, ^*x]", "this alias is inside what it stands for"),
    ("&x a: &y {k: ^*y}", "this alias is inside what it stands for"),
    ("a:\n^\t- b", "found character that cannot start any token while scanning for the next token"),
    ("\ufeffé: ^\x01", "the character U+0001 is not allowed"),
    ('a: "\\u^d800"', "found invalid Unicode character escape code while parsing a quoted scalar"),
    ("[" * MAX_DEPTH + "^[]" + "]" * MAX_DEPTH, "nested deeper than 256 levels"),
    ("[" * MAX_DEPTH + "^" + "[" * 200_000, "nested deeper than 256 levels"),
    ("- " * MAX_DEPTH + "^" + "- " * 200_000, "nested deeper than 256 levels"),
    ("? " * MAX_DEPTH + "^" + "? " * 20_000, "nested deeper than 256 levels"),
    ('{"a":' * MAX_DEPTH + "^" + '{"a":' * 200_000, "nested deeper than 256 levels"),
    (TALL, "nested deeper than 256 levels, aliases expanded"),
]


@pytest.mark.parametrize(("marked", "message"), REFUSED, ids=[marked[:30] for marked, _ in REFUSED])
def test_refused(marked: str, message: str) -> None:
    text = marked.replace("^", "")
    for call in (read, load_data):
        with pytest.raises(InputError) as caught:
            call(text)
        assert caught.value.message.startswith(message)
        assert caught.value.offset == len(marked.partition("^")[0].encode())
        assert isinstance(caught.value, LimitError) == ("deeper" in message)


def test_aliases_are_counted_as_what_they_stand_for() -> None:
    for text in (LAUGHS, LAUGHS.replace("[x", "[{k: v}, x"), LAUGHS + "- <<: *i\n"):
        with pytest.raises(LimitError, match="more than 1000000 values, aliases expanded"):
            read(text)


def test_bytes_that_are_no_text_are_refused() -> None:
    for call in (load_data, lambda raw: parse(Source("f", raw))):
        with pytest.raises(InputError, match="not valid UTF-8: byte 0xff") as caught:
            call(b"a: \xff")
        assert caught.value.offset == 3


def test_load_data_takes_one_document() -> None:
    assert load_data("") is None
    assert load_data("# c\n") is None
    with pytest.raises(InputError, match="expected one document, found a second") as caught:
        load_data("a: 1\n---\nb: 2")
    assert caught.value.offset == 9


DOCUMENT = """\ufeff# é
é: "😀"   # c
list:
- 1
-   - nested
-   k: v
    l: w BLANKS

- &anchor {x: [é, 2], "y": 3}
Block: |
    text é

    more

Deep:
  alias: *anchor
  merged:
    <<: *anchor
    own:
  tagged: !Sub 'q'
  flow: [ a, {b: c} ]
1: int
last:
  - z
  # trailing
""".replace("BLANKS", "  ")

# pointer, part, text of the place
PLACES: list[tuple[Pointer, str, str]] = [
    (("é",), "value", '"😀"'),
    (("é",), "key", "é"),
    (("é",), "member", 'é: "😀"'),
    (("é",), "header", "é"),
    (("list", 0), "value", "1"),
    (("list", 1), "value", "- nested"),
    (("list", 1), "header", "-"),
    (("list", 1, 0), "value", "nested"),
    (("list", 2), "value", "k: v\n    l: w"),
    (("list", 2), "header", "k"),
    (("list", 2, "l"), "member", "l: w"),
    (("list", 3, "x"), "value", "[é, 2]"),
    (("list", 3, "x", 1), "value", "2"),
    (("list", 3, "y"), "key", '"y"'),
    (("list",), "key", "list"),
    (("Block",), "value", "|\n    text é\n\n    more"),
    (("Deep", "alias"), "value", "*anchor"),
    (("Deep", "alias", "x", 0), "value", "é"),
    (("Deep", "merged", "y"), "member", '"y": 3'),
    (("Deep", "merged", "own"), "value", ""),
    (("Deep", "merged", "own"), "member", "own:"),
    (("Deep", "merged"), "value", "<<: *anchor\n    own:"),
    (("Deep", "tagged"), "value", "!Sub 'q'"),
    (("Deep", "flow"), "value", "[ a, {b: c} ]"),
    (("Deep", "flow", 1), "header", "{"),
    (("DEEP", "FLOW", 1, "B"), "value", "c"),
    ((1,), "value", "int"),
    (("last",), "member", "last:\n  - z"),
    ((), "header", "é"),
    ((), "key", "é"),
    # what does not exist: the header of the nearest ancestor
    (("nope",), "value", "é"),
    (("list", 9), "value", "list"),
    (("list", -1), "value", "list"),
    (("list", "k"), "value", "list"),
    (("list", 2, "m", "n"), "member", "k"),
    (("é", "x"), "value", "é"),
]


@pytest.mark.parametrize(("pointer", "part", "text"), PLACES)
def test_place(pointer: Pointer, part: str, text: str) -> None:
    assert read(DOCUMENT).place(pointer, part).locate().text == text


def test_positions() -> None:
    document = read(DOCUMENT)
    assert document.place(("é",)).locate().position == (2, 4)
    assert document.place(("Deep", "merged", "own"), "key").locate().position == (19, 5)
    assert read(DOCUMENT.replace("\n", "\r\n")).place(("Deep", "merged", "own"), "key").locate().position == (19, 5)
    second = parse(Source("f", b"a: 1\n---\nb:\n  c: 2\n"))[1]
    assert second.place(("b", "c")).locate().position == (4, 6)


@pytest.mark.parametrize(
    ("text", "first", "rest"),
    [
        ("a: 1\n---\nb: 2\n", "a: 1\n", "---\nb: 2\n"),
        ("a: 1\r\n---\r\nb: 2", "a: 1\r\n", "---\r\nb: 2"),
        ("# c\n\n---\na: 1\n--- # d\nb: 2", "# c\n\n---\na: 1\n", "--- # d\nb: 2"),
        ("%YAML 1.1\n---\na: 1\n", "%YAML 1.1\n---\na: 1\n", ""),
        ("a: |\n  ---\n  x\n---b: 1\n", "a: |\n  ---\n  x\n---b: 1\n", ""),
        ("---\n---\nb", "---\n", "---\nb"),
        ("a: 1\n---", "a: 1\n", "---"),
        ("a: 1\n---\nb\n---\nc", "a: 1\n", "---\nb\n---\nc"),
        ("\ufeff# c\n---\na: 1", "\ufeff# c\n---\na: 1", ""),
        ("", "", ""),
    ],
)
def test_split_documents(text: str, first: str, rest: str) -> None:
    assert split_documents(text) == (first, rest)


def test_halves_of_a_policy() -> None:
    text = "# é\nid: BKP401\n---\nwhy: |\n  text\n"
    for given in (text, text.encode()):
        assert load_first(given) == {"id": "BKP401"}
        assert load_rest(given) == {"why": "text\n"}
    assert load_rest("a: 1\n") is None
    assert load_first("a: 1\n---\n[broken") == {"a": 1}
    for broken, offset in (("é: 1\n---\nb: *x", 13), ("é: 1\n---\nb\n---\nc", 16)):
        with pytest.raises(InputError) as caught:
            load_rest(broken)
        assert caught.value.offset == offset


def test_generated_documents_are_read_and_located() -> None:
    choose = random.Random(5)

    def value(depth: int) -> Any:
        kind = choose.randrange(8 if depth else 5)
        word = "".join(choose.choices("ab é😀:#-\"'\n", k=choose.randrange(6)))
        if kind > 5:
            return [value(depth - 1) for _ in range(choose.randrange(4))]
        if kind > 4:
            return {f"k{index}{word}": value(depth - 1) for index in range(choose.randrange(4))}
        return [None, True, -7, 2.5, word][kind]

    for _ in range(150):
        data = value(4)
        text = yaml.safe_dump(
            data, allow_unicode=choose.random() < 0.5, default_flow_style=choose.choice([None, True, False])
        )
        document = read(text)
        assert document.data == data == load_data(text)
        stack: list[tuple[Pointer, Any]] = [((), data)]
        while stack:
            pointer, expected = stack.pop()
            place = document.place(pointer).locate()
            if not isinstance(expected, (dict, list)):
                assert yaml.safe_load(place.text) == expected
            elif isinstance(expected, dict):
                stack.extend(((*pointer, key), inner) for key, inner in expected.items())
                indent = " " * (place.position.column - 1)
                assert yaml.safe_load(indent + place.text) == expected
            else:
                stack.extend(((*pointer, index), inner) for index, inner in enumerate(expected))


@pytest.mark.parametrize(
    "text",
    [
        "- {a: 1, b: [x]}\n" * 5000,
        "a: |\n" + "  x\n" * 50_000,
        "a: '" + "\\n''" * 100_000 + "'",
        "---\n" * 20_000,
        "é: 1\n" * 20_000,
        "- &a x\n" + "- *a\n" * 20_000,
    ],
)
def test_large_texts_are_read_in_linear_time(text: str) -> None:
    start = time.process_time()
    for document in parse(Source("f", text.encode())):
        for step in range(len(document.data)) if isinstance(document.data, list) else ():
            document.place((step,)).locate()
    assert time.process_time() - start < 10


def test_without_libyaml(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr(yaml, "CSafeLoader")
    assert load_data(DOCUMENT) == read(DOCUMENT).data
    assert read(DOCUMENT).place(("Deep", "flow", 1, "b"), "member").locate().text == "b: c"
    with pytest.raises(InputError, match=r"the character U\+0001 is not allowed") as caught:
        read("é: \x01")
    assert caught.value.offset == 4


def test_yaml_is_imported_only_when_needed() -> None:
    code = "import sys, bklint.syntax.yaml; sys.exit('yaml' in sys.modules)"
    assert (
        subprocess.run([sys.executable, "-c", code], env={"PYTHONPATH": ":".join(sys.path)}, check=False).returncode
        == 0
    )
