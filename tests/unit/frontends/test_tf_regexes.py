"""Regular expressions: random patterns against Python's `re`, what RE2 reads differently, and the limit of work."""

from __future__ import annotations

import random
import re
import warnings

import pytest

from bklint.frontends.terraform.regexes import RefusedError, UnsupportedError, compiled

ATOMS = [
    "a",
    "b",
    ".",
    "[ab]",
    "[^a]",
    "(a)",
    "(b|a)",
    "(?:ab)",
    "(a*)",
    r"\d",
    "1",
    "^",
    "$",
    r"\b",
    "(a|ab)",
    "(?i:A)",
]
OPERATORS = ["", "", "", "*", "+", "?", "*?", "+?", "??", "{2}", "{1,2}", "{0,2}?", "{2,}"]


def random_pattern(numbers: random.Random) -> str:
    pattern = "".join(numbers.choice(ATOMS) + numbers.choice(OPERATORS) for _ in range(numbers.randint(1, 4)))
    return pattern + "|" + numbers.choice(ATOMS) if numbers.random() < 0.2 else pattern


def test_random_patterns_agree_with_python() -> None:
    numbers = random.Random(7)
    compared = 0
    for _ in range(4000):
        pattern = random_pattern(numbers)
        text = "".join(numbers.choice("aab1A\n") for _ in range(numbers.randint(0, 7)))
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                theirs = re.compile(pattern.replace("$", r"\Z"), re.ASCII)
            ours = compiled(pattern)
        except (re.error, RefusedError):
            continue
        expected, found = theirs.search(text), ours.search(text)
        assert (None if found is None else (found.start, found.end)) == (None if expected is None else expected.span())
        compared += 1
    assert compared > 2000


@pytest.mark.parametrize(
    ("pattern", "text", "expected"),
    [
        (r"\d+", "a12", "12"),
        (r"\d", "٣", None),
        (r"\s", "\v", None),
        (r"^a$", "a\n", None),
        (r"(?m)^a$", "b\na\n", "a"),
        (r"(?s)a.b", "a\nb", "a\nb"),
        (r"a.b", "a\nb", None),
        (r"(?i)É", "é", "é"),
        (r"x(?i)A|b", "xB", "B"),
        (r"(?i)x|B", "b", "b"),
        (r"a(?-i:b)", "ab", "ab"),
        (r"(?U)a+", "aaa", "a"),
        (r"(?U)a+?", "aaa", "aaa"),
        (r"[[:digit:][:upper:]_]+", "a1_B", "1_B"),
        (r"[[:^alpha:]]", "ab1", "1"),
        (r"[^[:alpha:]]+", "ab12", "12"),
        (r"[\d.-]+", "v1.2-3", "1.2-3"),
        (r"[]a]+", "b]a", "]a"),
        (r"[a-]+", "b-a", "-a"),
        (r"[\x41-\x{43}]+", "ABCD", "ABC"),
        (r"\Q.*\E+", "a.**", ".**"),
        (r"a{,2}", "a{,2}", "a{,2}"),
        (r"a{x}", "a{x}", "a{x}"),
        (r"\pN+", "a12", "12"),
        (r"\p{Lu}\P{Lu}", "aBc", "Bc"),
        (r"\p{^Lu}+", "ABc", "c"),
        (r"(?P<a>x)(?<b>y)", "xy", "xy"),
        (r"\07\011", "\a\t", "\a\t"),
        (r"\12+", "a\n\n", "\n\n"),
        ("(?i)[a-z]", "ſ", "ſ"),
        (r"(a|b)*?c", "abc", "abc"),
        (r"(?:a*)*", "aa", "aa"),
        (r"(?:a|ab)(?:c|bcd)", "abcd", "abcd"),
        ("", "x", ""),
    ],
)
def test_re2(pattern: str, text: str, expected: str | None) -> None:
    found = compiled(pattern).search(text)
    assert (None if found is None else text[found.start : found.end]) == expected


@pytest.mark.parametrize(
    "pattern",
    ["(", ")", "[a", "a**", "a++", "*a", "(?=a)", "(?!a)", "(?<=a)", r"\1", r"\h", "[b-a]", "a{3,2}", "a{2000}",
     "[[:nope:]]", r"\x{110000}", "a{2}{3}"],
)  # fmt: skip
def test_refused(pattern: str) -> None:
    with pytest.raises(RefusedError):
        compiled(pattern)


@pytest.mark.parametrize("pattern", [r"\p{Klingon}", "(" * 200 + ")" * 200, "((a{1000}){1000}){9}"])
def test_unsupported(pattern: str) -> None:
    with pytest.raises(UnsupportedError):
        compiled(pattern)


def test_what_takes_exponential_time_elsewhere() -> None:
    assert compiled("(a+)+$").search("a" * 2000 + "b") is None
    assert compiled("(a|aa)*c").search("a" * 2000) is None


@pytest.mark.parametrize(("pattern", "text"), [("a*b|a", "a" * 3000), ("(a?){500}b", "a" * 3000)])
def test_the_limit_of_work(pattern: str, text: str) -> None:
    with pytest.raises(UnsupportedError):
        list(compiled(pattern).all(text))


@pytest.mark.parametrize(
    ("pattern", "text", "expected"),
    [
        ("a*", "baac", ["", "aa", ""]),
        ("", "ab", ["", "", ""]),
        ("a|", "ab", ["a", ""]),
        ("[a-z]+", "1ab2cd", ["ab", "cd"]),
        ("^a", "aa", ["a"]),
        (r"\b", "ab", ["", ""]),
    ],
)
def test_all(pattern: str, text: str, expected: list[str]) -> None:
    assert [text[found.start : found.end] for found in compiled(pattern).all(text)] == expected


def test_groups() -> None:
    found = compiled("(a)|(b)(c)?").search("b")
    assert found is not None
    assert found.groups == (None, (0, 1), None)
    assert compiled("(?P<x>a)(b)").names == ("x", "")
