"""Marks stand under the exact text, whatever the line holds."""

from __future__ import annotations

import pytest

from bklint.reporters.excerpt import Mark, display_width, excerpt
from bklint.reporters.paint import Paint
from bklint.source import Place, Source

LINES = {
    "plain": ('size = "5"\n', '"5"', ['1 | size = "5"', "  |        ^^^"]),
    "tab": ("\tsize\t= 5\n", "5", ["1 |     size    = 5", "  |               ^"]),
    "wide": ("# 日本 = 5\n", "5", ["1 | # 日本 = 5", "  |          ^"]),
    "wide mark": ("# 日本 = 5\n", "日本", ["1 | # 日本 = 5", "  |   ^^^^"]),
    "combining": ("e\u0301a = 5\n", "5", ["1 | e\u0301a = 5", "  |      ^"]),
    "emoji": ("😀 = 5\n", "5", ["1 | 😀 = 5", "  |      ^"]),
    "byte-order mark": ("\ufeffa = 5\n", "5", ["1 | a = 5", "  |     ^"]),
    "carriage return": ("a = 5\r\nb\r\n", "5", ["1 | a = 5", "  |     ^"]),
    "escape": ("a\x1b = 5\n", "5", ["1 | a\\x1b = 5", "  |         ^"]),
    "direction": ("a\u202e = 5\n", "5", ["1 | a\\u{202e} = 5", "  |             ^"]),
    "secret before": ('x(password="hunter2", 5)\n', "5", ['1 | x(password="***", 5)', "  |                   ^"]),
    "secret marked": ('password = "hunter2"\n', '"hunter2"', ['1 | password = "***"', "  |            ^^^^^"]),
    "several lines": ("a = [  \n  5\n]\n", "[  \n  5\n]", ["1 | a = [", "  |     ^"]),
    "end of line": ("a =\n", "\n", ["1 | a =", "  |    ^"]),
    "several digits": ("\n" * 99 + "a = 5\n", "5", ["100 | a = 5", "    |     ^"]),
}


@pytest.mark.parametrize("case", LINES)
def test_line(case: str) -> None:
    text, marked, expected = LINES[case]
    source = Source("x.tf", text.encode())
    start = source.data.index(marked.encode())
    place = Place(source, start, start + len(marked.encode()))
    lines = list(excerpt([Mark(place, primary=True)], Paint(False), 100))
    gutter = len(expected[0].partition(" ")[0])
    assert lines[1:] == [" " * gutter + " |", *expected, " " * gutter + " |"]


def test_long_line_is_windowed() -> None:
    text = '{"a": "' + "x" * 5000 + '", "size": 40000, "b": "' + "y" * 5000 + '"}'
    source = Source("x.json", text.encode())
    start = text.index("40000")
    far = text.index('"b"')
    marks = [Mark(Place(source, start, start + 5), primary=True), Mark(Place(source, 1, 4), "first"),
             Mark(Place(source, far, far + 3), "near")]  # fmt: skip
    lines = list(excerpt(marks, Paint(False), 60))
    assert all(display_width(line) <= 60 for line in lines)
    shown = [lines[n][lines[n + 1].index("^") :][:5] for n in range(len(lines) - 1) if "^" in lines[n + 1]]
    assert shown == ["40000"]
    assert any(line.endswith("--- first") for line in lines)
    assert any(line.endswith("--- near") for line in lines)


def test_minified_document_is_quick() -> None:
    source = Source("x.json", b'{"a": [' + b"1, " * 1_000_000 + b'"z"]}')
    place = Place(source, len(source.data) - 5, len(source.data) - 2)
    lines = list(excerpt([Mark(place, primary=True)], Paint(False), 80))
    assert lines[2].endswith('1, "z"]}')


def test_source_without_text() -> None:
    place = Place(Source("/subscriptions/x", b""), 0, 0)
    assert list(excerpt([Mark(place, primary=True)], Paint(False), 80)) == [" --> /subscriptions/x"]


def test_colours_do_not_change_the_text() -> None:
    import re

    source = Source("x.tf", b"a = 5\n")
    marks = [Mark(Place(source, 4, 5), "here", True)]
    plain = list(excerpt(marks, Paint(False), 80))
    coloured = list(excerpt(marks, Paint(True), 80))
    assert coloured != plain
    assert [re.sub(r"\x1b\[[\d;]*m", "", line) for line in coloured] == plain
