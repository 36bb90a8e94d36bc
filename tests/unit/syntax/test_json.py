"""What `bklint.syntax.json` reads, refuses and locates."""

from __future__ import annotations

import json
import random
import time
from collections.abc import Iterator
from typing import Any

import pytest

from bklint.errors import InputError, LimitError
from bklint.source import Source
from bklint.syntax.json import MAX_DEPTH, Document, Pointer, embedded, parse


def read(text: str | bytes) -> Document:
    return parse(Source("f.json", text if isinstance(text, bytes) else text.encode()))


def refusal(text: str) -> InputError | None:
    """The error that a text is refused with."""
    try:
        read(text)
    except InputError as error:
        return error
    return None


def pointers(data: Any) -> Iterator[tuple[Pointer, Any]]:
    """Every pointer into some data, with what it points at."""
    stack: list[tuple[Pointer, Any]] = [((), data)]
    while stack:
        pointer, value = stack.pop()
        yield pointer, value
        if isinstance(value, dict):
            stack.extend(((*pointer, key), inner) for key, inner in value.items())
        elif isinstance(value, list):
            stack.extend(((*pointer, index), inner) for index, inner in enumerate(value))


# text, data, relaxed
READ = [
    ("{}", {}, False),
    (' [1, 2.5, -3e2, true, false, null, ""] \r\n', [1, 2.5, -300.0, True, False, None, ""], False),
    ('"é😀\\u00e9\\ud83d\\ude00"', "é😀é😀", False),
    ("0", 0, False),
    ('\ufeff{"a": 1}', {"a": 1}, False),
    ('\ufeff// c\n{"a": 1}', {"a": 1}, True),
    ('{"a": 1, "A": 2, "a": 3}', {"a": 3, "A": 2}, False),
    ("1" * 4300, int("1" * 4300), False),
    ("[1,]", [1], True),
    ('{"a": [1, 2 , ] , }', {"a": [1, 2]}, True),
    ('["a,]", "b",\r\n]', ["a,]", "b"], True),
    ('["\\",]",]', ['",]'], True),
    ("// é\n{} // x", {}, True),
    ("/* é */ {/**/} /* // */", {}, True),
    ('{"u": "http://x//y", /* "k": 1, */ "v": "/*"}', {"u": "http://x//y", "v": "/*"}, True),
    ('["a\\"//",// "\r1,\r/*,*/]', ['a"//', 1], True),
    ('["a\nb\tc\r\nd"]', ["a\nb\tc\r\nd"], True),
    ('["\\ud800", "\\udc00\\ud800x", "\\\\ud800"]', ["\ufffd", "\ufffd\ufffdx", "\\ud800"], False),
    ('{"\\uD83D": 1, "\\ud83d\\ude00": "\\ud83d\\ud83d\\ude00"}', {"\ufffd": 1, "😀": "\ufffd😀"}, False),
    ('["\\uD800",]', ["\ufffd"], True),
    ("[" * MAX_DEPTH + "]" * MAX_DEPTH, json.loads("[" * MAX_DEPTH + "]" * MAX_DEPTH), False),
]


@pytest.mark.parametrize(("text", "data", "relaxed"), READ)
def test_read(text: str, data: Any, relaxed: bool) -> None:
    document = read(text)
    assert (document.data, document.relaxed) == (data, relaxed)
    json.dumps(document.data, ensure_ascii=False).encode()


# text with ^ where the error is, message
REFUSED = [
    ("^", "there is no value: the text is empty"),
    ("^ \n", "there is no value: the text is empty"),
    ('{"a": 1^ "b": 2}', "expected ',' or '}' after this member"),
    ('{"é": "😀"^\n "b": 2}', "expected ',' or '}' after this member"),
    ('{"a": {"b": 1}^]}', "expected ',' or '}' after this member"),
    ("[1^ 2]", "expected ',' or ']' after this item"),
    ("[1^}", "expected ',' or ']' after this item"),
    ("[1^: 2]", "expected ',' or ']' after this item"),
    ('{"a"^ 1}', "expected ':' after this name"),
    ('{"a"^, "b": 1}', "expected ':' after this name"),
    ('{"a"^}', "expected ':' after this name"),
    ('{"a": ^}', "expected a value"),
    ('{"a": ^, "b": 1}', "expected a value"),
    ("[^, 1]", "expected a value"),
    ("[1, ^, 2]", "expected a value"),
    ("[^,]", "expected a value"),
    ("{^,}", "expected the name of a member in double quotes"),
    ("{^a: 1}", "expected the name of a member in double quotes"),
    ("{^1: 1}", "expected the name of a member in double quotes"),
    ('{"a": 1,^,}', "expected the name of a member in double quotes"),
    ("[^secret]", "expected a value"),
    ("^}", "expected a value"),
    ("{^'a': 1}", "text takes double quotes, not single ones"),
    ("[^'a']", "text takes double quotes, not single ones"),
    ("{}^ {}", "expected the end of the text after this value"),
    ("1^,", "expected the end of the text after this value"),
    ("{}^}", "expected the end of the text after this value"),
    ("[^NaN]", "NaN is not a value of JSON"),
    ("[1, ^-Infinity]", "-Infinity is not a value of JSON"),
    ("[^True]", "True is not a value of JSON; write true"),
    ("[^None]", "None is not a value of JSON; write null"),
    ("[^01]", "this is not a number of JSON"),
    ("[^.5, 1]", "this is not a number of JSON"),
    ("[^+5]", "this is not a number of JSON"),
    ("[^1.]", "this is not a number of JSON"),
    ("[^0x1F]", "this is not a number of JSON"),
    ('{"a": ^{"b": [1, 2]', "this '{' is not closed"),
    ("^[1,", "this '[' is not closed"),
    ('{"a": ^"b}', "this string is not closed"),
    ('["a", ^"b\\"]', "this string is not closed"),
    ('["a", ^"', "this string is not closed"),
    ('["a", ^"\\', "this string is not closed"),
    ('{"a": ^"b,\n "c": 1}', "this string runs over the end of its line, and what follows it does not fit"),
    ('["é^\\x"]', "invalid escape in this string: a backslash is written \\\\"),
    ('["\\\\", "C:^\\Users"]', "invalid escape in this string: a backslash is written \\\\"),
    ('["^\\u12g4"]', "invalid escape in this string: a backslash is written \\\\"),
    ("{} ^/* x", "this comment is not closed"),
    ("[1, ^/* x]", "this comment is not closed"),
    ("// é\n[1^ 2]", "expected ',' or ']' after this item"),
    ("\ufeff[1^ 2]", "expected ',' or ']' after this item"),
    ("[1, ^/]", "expected a value"),
    ("[1, ^\x0c2]", "expected a value"),
    ("[^\xa01]", "expected a value"),
    ("[^" + "1" * 4301 + "]", "this number has more than 4300 digits"),
    ("[" * MAX_DEPTH + "^[" + "]" * (MAX_DEPTH + 1), "nested deeper than 256 levels"),
    ("[" * MAX_DEPTH + "^" + "[" * 100_000, "nested deeper than 256 levels"),
    ('{"a":' * MAX_DEPTH + '^{"a":' * 5000 + "1", "nested deeper than 256 levels"),
    ("/**/" + "[" * MAX_DEPTH + "^[1,]" + "]" * MAX_DEPTH, "nested deeper than 256 levels"),
]


@pytest.mark.parametrize(("marked", "message"), REFUSED, ids=[marked[:30] for marked, _ in REFUSED])
def test_refused(marked: str, message: str) -> None:
    with pytest.raises(InputError) as caught:
        read(marked.replace("^", ""))
    assert (caught.value.message, caught.value.offset) == (message, len(marked.partition("^")[0].encode()))
    assert isinstance(caught.value, LimitError) == ("deeper" in message or "digits" in message)


def test_bytes_that_are_no_text_are_refused() -> None:
    with pytest.raises(InputError, match="not valid UTF-8: byte 0xff") as caught:
        read(b'["\xff"]')
    assert caught.value.offset == 2


def test_every_refusal_names_a_place() -> None:
    """Whatever is cut out of a text, an error of the standard library's is worded by the diagnosis."""
    text = '{"a": [1, -2.5e3, {"b\\n": "x\\u00e9"}], /* c */ "d": {"e": true,}, // f\n "g": null}'
    choose = random.Random(3)
    for _ in range(3000):
        at = choose.randrange(len(text))
        damaged = text[:at] + choose.choice('{}[],:"\\/ x1') * choose.randrange(2) + text[at + choose.randrange(3) :]
        error = refusal(damaged)
        if error is not None:
            assert error.offset is not None
            assert 0 <= error.offset <= len(damaged)
            assert "expecting" not in error.message
            assert "delimiter" not in error.message


DOCUMENT = """\ufeff{ // é
  "name": "é😀", "list": [ 1, [], {"x": -2.5e1} , "s,]" ,],
  "Deep": {"a\\u0062": {"C": null, "esc\\"aped": true}},
  "name2": "a\\\\", "list2":[], "n": 10}"""

# pointer, part, text of the place
PLACES: list[tuple[Pointer, str, str]] = [
    (("name",), "value", '"é😀"'),
    (("name",), "key", '"name"'),
    (("name",), "header", '"name"'),
    (("name",), "member", '"name": "é😀"'),
    (("list", 0), "value", "1"),
    (("list", 0), "key", "1"),
    (("list", 0), "member", "1"),
    (("list", 1), "value", "[]"),
    (("list", 1), "header", "["),
    (("list", 2), "value", '{"x": -2.5e1}'),
    (("list", 2), "header", "{"),
    (("list", 2), "member", '{"x": -2.5e1}'),
    (("list", 2, "x"), "value", "-2.5e1"),
    (("list", 3), "value", '"s,]"'),
    (("list",), "header", '"list"'),
    (("Deep", "ab"), "key", '"a\\u0062"'),
    (("Deep", "ab", "C"), "value", "null"),
    (("Deep", "ab", 'esc"aped'), "member", '"esc\\"aped": true'),
    (("name2",), "value", '"a\\\\"'),
    (("n",), "value", "10"),
    ((), "header", "{"),
    ((), "key", "{"),
    # names without regard to case
    (("DEEP", "AB", "c"), "value", "null"),
    (("NAME",), "key", '"name"'),
    # what does not exist: the header of the nearest ancestor
    (("nope",), "value", "{"),
    (("nope", "deeper", 3), "member", "{"),
    (("list", 4), "value", '"list"'),
    (("list", -1), "value", '"list"'),
    (("list", "0"), "value", '"list"'),
    (("list", 2, "y"), "value", "{"),
    (("Deep", "ab", "C", "d"), "value", '"C"'),
    (("Deep", 0), "value", '"Deep"'),
    (("name", 0), "key", '"name"'),
]


@pytest.mark.parametrize(("pointer", "part", "text"), PLACES)
def test_place(pointer: Pointer, part: str, text: str) -> None:
    assert read(DOCUMENT).place(pointer, part).locate().text == text


def test_place_of_the_root() -> None:
    document = read(DOCUMENT)
    place = document.place(()).locate()
    assert (place.start, place.end) == (3, len(document.source.data))
    assert document.place((), "member").locate() == place
    assert document.place(("list", 2, "x")).locate().position == (2, 40)


@pytest.mark.parametrize("text", ["7", ' "é" ', "\ufeffnull", "[ ]"])
def test_place_in_a_text_of_one_value(text: str) -> None:
    document = read(text)
    assert document.place(()).locate().text == text.strip("\ufeff ")
    assert document.place(("x", 0)).locate().start == len(text.encode()) - len(text.lstrip("\ufeff ").encode())


def test_of_a_repeated_key_the_last_counts() -> None:
    document = read('{"k": 1, "K": 2, "o": {"x": 1, "x": [], "x": 3}, "k": 4}')
    for pointer, value in pointers(document.data):
        assert json.loads(document.place(pointer).locate().text) == value
    assert document.place(("k",), "member").locate().text == '"k": 4'
    assert [(place.start, place.text) for place in document.duplicates] == [(1, '"k"'), (23, '"x"'), (31, '"x"')]


@pytest.mark.parametrize("text", ["{}", '{"a": {"a": 1}, "A": [{"a": 1}, {"a": 1}]}', '"{a}"', '{"a": "{"}'])
def test_no_duplicates(text: str) -> None:
    assert read(text).duplicates == ()


def test_comments() -> None:
    document = read('// é\r\n{"a//": "/*", /* x\n */ "b": 1, // "\n}// end')
    assert [document.source.text(*span) for span in document.comments] == ["// é", "/* x\n */", '// "', "// end"]
    assert read('["// none"]').comments == ()
    assert read('["// none",]').comments == ()


def test_embedded() -> None:
    document = embedded('{"é": [1,]}')
    assert document.data == {"é": [1]}
    assert (document.source.name, document.source.fixable) == ("<embedded>", False)
    assert document.place(("é", 0)).locate().text == "1"
    assert embedded('"\ud800"').data == "?"


# -- generated documents ------------------------------------------------------

ALPHABET = 'ab{}[],:/"\\*\n\t é😀\u2028\ufffd'


def value(choose: random.Random, depth: int) -> Any:
    """Some JSON value, at most `depth` containers deep."""
    kind = choose.randrange(9 if depth else 6)
    if kind > 6:
        return [value(choose, depth - 1) for _ in range(choose.randrange(5))]
    if kind > 5:
        return {word(choose): value(choose, depth - 1) for _ in range(choose.randrange(5))}
    return [None, True, -1, 10**20, 2.5e-7, word(choose)][kind]


def word(choose: random.Random) -> str:
    return "".join(choose.choices(ALPHABET, k=choose.randrange(8)))


def printed(choose: random.Random, data: Any, relaxed: bool) -> str:
    """A text that is read as `data`, with white space anywhere and, if `relaxed`, all that is tolerated."""

    def blank() -> str:
        kinds = ["", "", " ", "\r\n", "\t", "\n  "] + (['/* é," */', '// }é"\n', "/**/"] if relaxed else [])
        return choose.choice(kinds)

    def string(text: str) -> str:
        quoted = json.dumps(text, ensure_ascii=choose.random() < 0.5)
        return quoted.replace("\\n", "\n").replace("\\\n", "\\\\n") if relaxed and "\\\\" not in quoted else quoted

    def joined(parts: list[str]) -> str:
        return blank() + ",".join(parts) + ("," + blank() if parts and relaxed and choose.random() < 0.5 else "")

    def show(data: Any) -> str:
        if isinstance(data, dict):
            members = [blank() + string(k) + blank() + ":" + blank() + show(v) + blank() for k, v in data.items()]
            return "{" + joined(members) + "}"
        if isinstance(data, list):
            return "[" + joined([blank() + show(item) + blank() for item in data]) + "]"
        return string(data) if isinstance(data, str) else json.dumps(data)

    return choose.choice(["", "\ufeff"]) + blank() + show(data) + blank()


@pytest.mark.parametrize("relaxed", [False, True])
@pytest.mark.parametrize("seed", range(40))
def test_generated_documents_are_read_and_located(seed: int, relaxed: bool) -> None:
    choose = random.Random(seed)
    for _ in range(10):
        data = value(choose, 5)
        document = read(printed(choose, data, relaxed))
        assert document.data == data
        every = list(pointers(data))
        choose.shuffle(every)
        for pointer, expected in every:
            assert read(document.place(pointer).locate().text).data == expected
            if pointer and isinstance(pointer[-1], str):
                assert read(document.place(pointer, "key").locate().text).data == pointer[-1]
                assert read("{" + document.place(pointer, "member").locate().text + "}").data == {pointer[-1]: expected}


# -- cost -----------------------------------------------------------------------

HOSTILE = [
    '["' + '\\"' * 300_000,
    '"\\"' * 200_000,
    "/*" * 300_000,
    "/" * 600_000,
    "," * 600_000,
    "[" + "1," * 300_000 + ",]",
    "[" + " " * 600_000,
    "[1" + " ,".join([" " * 500] * 1000) + "]",
    '"a' * 300_001,
    "\\ud800" * 100_000,
    "[]" * 300_000,
    "}" * 600_000,
    "-" * 600_000,
    "1" * 600_000,
    "[1" + "e" * 600_000,
]


@pytest.mark.parametrize("text", HOSTILE, ids=[text[:10] for text in HOSTILE])
def test_hostile_texts_are_refused_in_linear_time(text: str) -> None:
    start = time.process_time()
    with pytest.raises(InputError):
        read(text)
    assert time.process_time() - start < 3


@pytest.mark.parametrize(
    "text",
    [
        '["' + '\\"' * 300_000 + '",]',
        '{"a": "' + '\\\\\\"[' * 100_000 + '", "b": 1}',
        "[" + '"a",' * 100_000 + "1]",
        "[" + '{"a": [1]},' * 30_000 + "1]",
        '{"' + '": 1, "'.join(map(str, range(50_000))) + '": 1}',
        '{"a": [' * 127 + "1" + ", {}]}" * 127,
    ],
    ids=["escapes", "brackets", "items", "objects", "members", "deep"],
)
def test_large_texts_are_located_in_linear_time(text: str) -> None:
    start = time.process_time()
    document = read(text)
    for pointer, _ in pointers(document.data):
        document.place(pointer).locate()
        document.place((*pointer, "NONE")).locate()
    assert time.process_time() - start < 15
