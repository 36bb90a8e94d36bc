"""Positions and encodings of `bklint.source`."""

from __future__ import annotations

import random

import pytest

from bklint.errors import InputError
from bklint.source import BOM, Place, Position, Source

# text, what the place starts at, line, column in code points
POSITIONS = [
    ("abc", "a", 1, 1),
    ("abc", "c", 1, 3),
    ("a\nbc", "c", 2, 2),
    ("a\r\nbc", "c", 2, 2),
    ("é = x", "x", 1, 5),
    ("😀😀x", "x", 1, 3),
    ("e\u0301x", "x", 1, 3),
    ("\tx", "x", 1, 2),
    ("\ufeffx", "x", 1, 1),
    ("\ufeffé\r\n😀 x", "x", 2, 3),
    ("a\n\ufeffx", "x", 2, 2),
    ("a\rx", "x", 1, 3),
    ("a\u2028x", "x", 1, 3),
    ("\n\n\nx", "x", 4, 1),
]


@pytest.mark.parametrize(("text", "at", "line", "column"), POSITIONS)
def test_position(text: str, at: str, line: int, column: int) -> None:
    data = text.encode()
    assert Source.of("f", data).position(data.index(at.encode())) == (line, column)


@pytest.mark.parametrize(
    ("text", "offset", "expected"),
    [
        ("", 0, (1, 1)),
        ("ab", -3, (1, 1)),
        ("ab", 99, (1, 3)),
        ("ab\n", 99, (2, 1)),
        ("é", 1, (1, 1)),  # inside a character: the character
        ("a😀b", 3, (1, 2)),
        ("\ufeffa", 0, (1, 1)),
        ("\ufeffa", 1, (1, 1)),
    ],
)
def test_position_at_the_edges(text: str, offset: int, expected: tuple[int, int]) -> None:
    assert Source.of("f", text.encode()).position(offset) == expected


@pytest.mark.parametrize("alphabet", ["ab", "aé😀", "é", "a\n😀"])
def test_position_on_long_lines_is_that_of_the_decoded_text(alphabet: str) -> None:
    choose = random.Random(7)
    text = "\ufeff" + "".join(choose.choices(alphabet, k=20_000))
    source = Source.of("f", text.encode())
    for index in choose.choices(range(1, len(text)), k=200):
        before = text[1:index]
        expected = Position(before.count("\n") + 1, index - 1 - (before.rfind("\n") + 1) + 1)
        assert source.position(len(text[:index].encode())) == expected


@pytest.mark.parametrize(
    ("raw", "text"),
    [
        ("é\r\n😀".encode("utf-16"), "é\r\n😀"),
        (b"\xff\xfe" + "{}\n".encode("utf-16-le"), "{}\n"),
        (b"\xfe\xff" + "é 😀".encode("utf-16-be"), "é 😀"),
        (b"\xff\xfe", ""),
    ],
)
def test_utf_16_is_transcoded_and_not_fixable(raw: bytes, text: str) -> None:
    source = Source.of("f", raw)
    assert (source.data, source.fixable) == (text.encode(), False)


@pytest.mark.parametrize("raw", [b"", b"abc", "é😀\x00".encode(), BOM + b"x\r\n"])
def test_utf_8_is_kept_as_it_is(raw: bytes) -> None:
    source = Source.of("f", raw)
    assert (source.data, source.fixable, source.name) == (raw, True, "f")


@pytest.mark.parametrize(
    ("raw", "message", "offset"),
    [
        (b"ab\xffc", "not valid UTF-8: byte 0xff", 2),
        (b"\xc3\xa9\xc3", "not valid UTF-8: byte 0xc3", 2),
        (b"a\xed\xa0\x80", "not valid UTF-8: byte 0xed", 1),
        (b"\xff\xfea\x00b", "not valid UTF-16: truncated data", 4),
        (b"\xff\xfea\x00\x00\xd8a\x00", "not valid UTF-16: illegal UTF-16 surrogate", 4),
    ],
)
def test_other_bytes_are_refused_at_the_first_wrong_one(raw: bytes, message: str, offset: int) -> None:
    with pytest.raises(InputError) as caught:
        Source.of("f", raw)
    assert (caught.value.message, caught.value.offset) == (message, offset)


@pytest.mark.parametrize(
    ("text", "lines"),
    [
        ("", [""]),
        ("a", ["a"]),
        ("a\n", ["a", ""]),
        ("a\r\nbé\n\nc", ["a", "bé", "", "c"]),
        ("\ufeffa\n\ufeffb", ["a", "\ufeffb"]),
    ],
)
def test_line_text(text: str, lines: list[str]) -> None:
    source = Source.of("f", text.encode())
    assert [source.line_text(number + 1) for number in range(len(source.lines))] == lines


def test_place() -> None:
    source = Source.of("f", "a = «é»\nb".encode())
    place = Place(source, 4, 10)
    assert place.locate() is place
    assert (place.text, place.position, place.end_position) == ("«é»", (1, 5), (1, 8))
    assert repr(source) == "Source('f')"


def test_text_inside_a_character_does_not_fail() -> None:
    assert Source.of("f", "é".encode()).text(1, 2) == "\ufffd"
