"""Patterns as RE2 reads them → programs for the machine of `regexes.py`.

https://github.com/google/re2/wiki/Syntax
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable
from typing import NamedTuple

MAX_PROGRAM = 4000
"""Most instructions of one pattern; counted repetitions are written out."""

_REMEMBERED = 1000
"""Most characters whose answer a class remembers."""

_COUNTED = re.compile(r"\{(\d+)(?:(,)(\d*))?\}")
_FLAGS = re.compile(r"\?([imsU]*)(?:-([imsU]+))?([:)])")
_NAMED = re.compile(r"\?P?<([A-Za-z0-9_]+)>")
_POSIX = re.compile(r"\[:(\^?)(\w+):\]")
_PROPERTY = re.compile(r"[pP](?:(\w)|\{(\^?)(\w+)\})")
_HEX = re.compile(r"x(?:([0-9A-Fa-f]{2})|\{([0-9A-Fa-f]+)\})")
_OCTAL = re.compile(r"0[0-7]{0,2}|[1-7][0-7]{1,2}")
_PLAIN_ESCAPES = {"a": "\a", "f": "\f", "t": "\t", "n": "\n", "r": "\r", "v": "\v"}
_DIGITS, _WORD, _BLANK = "0-9", "0-9A-Za-z_", "\t\n\f\r "

Test = Callable[[str], bool]


class UnsupportedError(Exception):
    """The pattern may be right, but is not read here."""


class RefusedError(Exception):
    """RE2 refuses the pattern."""


class Step(NamedTuple):
    """An instruction: `kind` is char, split, jump, save, assert or match."""

    kind: str
    test: Test | None = None
    to: int = 0
    other: int = 0
    name: str = ""


# -- characters --------------------------------------------------------------------------------------------------------


class _Class(NamedTuple):
    """A set of characters."""

    ranges: tuple[tuple[str, str], ...]
    tests: tuple[Test, ...] = ()
    negated: bool = False

    def has(self, character: str) -> bool:
        """Whether it holds the character."""
        inside = any(low <= character <= high for low, high in self.ranges) or any(t(character) for t in self.tests)
        return inside != self.negated

    def folded(self, character: str) -> bool:
        """The same ignoring case."""
        positive = self._replace(negated=False)
        lower, upper = character.lower(), character.upper()
        return any(map(positive.has, {character, lower, upper, upper.lower(), lower.upper()})) != self.negated


class _Remembered(dict[str, bool]):
    """The answers of a test, which is asked of the same few characters again and again."""

    def __init__(self, test: Test) -> None:
        super().__init__()
        self._test = test

    def __missing__(self, character: str) -> bool:
        answer = self._test(character)
        if len(self) < _REMEMBERED:
            self[character] = answer
        return answer


def _class(written: str, negated: bool = False) -> _Class:
    """The class of a text such as `0-9A-Z_`."""
    ranges, at = [], 0
    while at < len(written):
        wide = written[at + 1 : at + 2] == "-" and at + 2 < len(written)
        ranges.append((written[at], written[at + 2] if wide else written[at]))
        at += 3 if wide else 1
    return _Class(tuple(ranges), (), negated)


_PERL = {letter: _class(body) for letter, body in (("d", _DIGITS), ("w", _WORD), ("s", _BLANK))}
_PERL |= {letter.upper(): known._replace(negated=True) for letter, known in list(_PERL.items())}
_POSIX_CLASSES = {
    "alnum": "0-9A-Za-z",
    "alpha": "A-Za-z",
    "ascii": "\x00-\x7f",
    "blank": "\t ",
    "cntrl": "\x00-\x1f\x7f",
    "digit": "0-9",
    "graph": "!-~",
    "lower": "a-z",
    "print": " -~",
    "punct": "!-/:-@[-`{-~",
    "space": "\t\n\v\f\r ",
    "upper": "A-Z",
    "word": _WORD,
    "xdigit": "0-9A-Fa-f",
}
_CATEGORIES = frozenset("CLMNPSZ")


# -- parsing -----------------------------------------------------------------------------------------------------------


class Code(NamedTuple):
    """A piece of program: its addresses are relative to its own beginning. `single` is its only class, if any."""

    steps: tuple[Step, ...]
    single: Test | None = None
    many: bool = False


def _moved(step: Step, by: int) -> Step:
    return step._replace(to=step.to + by, other=step.other + by) if step.kind in ("split", "jump") else step


def chain(codes: list[Code]) -> Code:
    """Pieces of program one behind the other. Raises UnsupportedError where that is too much."""
    steps: list[Step] = []
    for code in codes:
        steps += [_moved(step, len(steps)) for step in code.steps]
        if len(steps) > MAX_PROGRAM:
            raise UnsupportedError("a pattern with too many repetitions")
    return codes[0] if len(codes) == 1 else Code(tuple(steps))


def _either(codes: list[Code]) -> Code:
    rest = codes[-1]
    for first in reversed(codes[:-1]):
        split = Code((Step("split", to=1, other=len(first.steps) + 2),))
        rest = chain([split, first, Code((Step("jump", to=len(rest.steps) + 1),)), rest])
    return rest


def _optional(code: Code, lazy: bool) -> Code:
    end = len(code.steps) + 1
    split = Step("split", to=end, other=1) if lazy else Step("split", to=1, other=end)
    return chain([Code((split,)), code])


def _plus(code: Code, lazy: bool) -> Code:
    size = len(code.steps)
    back = Step("split", to=size + 1, other=0) if lazy else Step("split", to=0, other=size + 1)
    return Code((*code.steps, back), code.single, True)


def _star(code: Code, lazy: bool) -> Code:
    if _nullable(code):
        return _optional(_plus(code, lazy), lazy)  # keeps the preferred way first: https://go.dev/issue/46123
    return _optional(Code((*code.steps, Step("jump", to=-1))), lazy)


def _nullable(code: Code) -> bool:
    """Whether it matches the empty text."""
    pending, seen = [0], set()
    while pending:
        at = pending.pop()
        if at == len(code.steps):
            return True
        if at in seen or code.steps[at].kind == "char":
            continue
        seen.add(at)
        step = code.steps[at]
        pending += [step.to, step.other] if step.kind == "split" else [step.to if step.kind == "jump" else at + 1]
    return False


def _repeated(code: Code, least: int, most: int | None, lazy: bool) -> Code:
    if least > 1000 or (most or 0) > 1000 or (most is not None and most < least):
        raise RefusedError("invalid repeat count")
    if most is None and least == 1:
        return _plus(code, lazy)
    done = [code] * least
    if most is None:
        return chain([*done, _star(code, lazy)])
    tail: Code | None = None
    for _ in range(most - least):
        tail = _optional(code if tail is None else chain([code, tail]), lazy)
    made = [*done, *([] if tail is None else [tail])]
    return chain(made) if made else Code(())


class Parser:
    """Reads one pattern."""

    def __init__(self, pattern: str) -> None:
        self.pattern = pattern
        self.at = 0
        self.names: list[str] = []
        self.flags: frozenset[str] = frozenset()

    def peek(self) -> str:
        """The next character; empty at the end."""
        return self.pattern[self.at : self.at + 1]

    def take(self) -> str:
        """The next character, taken."""
        character = self.peek()
        self.at += 1
        return character

    def alternatives(self, depth: int = 0) -> Code:
        """Up to the end of the group."""
        if depth > 100:
            raise UnsupportedError("a pattern nested too deeply")
        found: list[Code] = []
        sequence: list[Code] = []
        while self.peek() not in ("", ")"):
            if self.peek() == "|":
                self.take()
                found.append(chain(sequence) if sequence else Code(()))
                sequence = []
            else:
                atom = self.atom(depth)
                if atom is not None:
                    sequence.append(self.quantified(atom))
        found.append(chain(sequence) if sequence else Code(()))
        return _either(found)

    def quantified(self, code: Code) -> Code:
        """An atom with the repetition operator behind it, if any."""
        bounds = self.bounds()
        if bounds is None:
            return code
        lazy = self.peek() == "?"
        if lazy:
            self.take()
        if "U" in self.flags:
            lazy = not lazy
        if self.bounds() is not None:
            raise RefusedError("invalid nested repetition operator")
        return _repeated(code, *bounds, lazy)

    def bounds(self) -> tuple[int, int | None] | None:
        """A repetition operator, taken."""
        character = self.peek()
        if character in ("*", "+", "?") and character:
            self.take()
            return {"*": (0, None), "+": (1, None), "?": (0, 1)}[character]
        match = _COUNTED.match(self.pattern, self.at)
        if match is None:
            return None
        self.at = match.end()
        least = int(match[1])
        return least, least if match[2] is None else int(match[3]) if match[3] else None

    def atom(self, depth: int) -> Code | None:
        """A character, class, assertion or group; None for what only changes how the rest is read."""
        character = self.take()
        if character == "(":
            return self.group(depth)
        if character in ("*", "+", "?"):
            raise RefusedError("missing argument to repetition operator")
        if character == "[":
            return self.tested(self.bracket())
        if character == ".":
            everything = "s" in self.flags
            return Code((Step("char", lambda one: everything or one != "\n"),), lambda one: everything or one != "\n")
        if character == "^":
            return Code((Step("assert", name="line start" if "m" in self.flags else "start"),))
        if character == "$":
            return Code((Step("assert", name="line end" if "m" in self.flags else "end"),))
        if character == "\\":
            return self.escape()
        return self.tested(_class_of(character))

    def tested(self, known: _Class) -> Code:
        """One character of a class."""
        test = _Remembered(known.folded if "i" in self.flags else known.has).__getitem__
        return Code((Step("char", test),), test)

    def group(self, depth: int) -> Code | None:
        """What an opening parenthesis, taken, begins; None for flags up to the end of the group around it."""
        before = self.flags
        flags = _FLAGS.match(self.pattern, self.at)
        named = _NAMED.match(self.pattern, self.at)
        if flags:
            self.at = flags.end()
            self.flags = (before | set(flags[1])) - set(flags[2] or "")
            if flags[3] == ")":
                return None
            number = None
        else:
            if named:
                self.at = named.end()
            elif self.peek() == "?":
                raise RefusedError("invalid or unsupported Perl syntax")
            self.names.append(named[1] if named else "")
            number = len(self.names)
        code = self.alternatives(depth + 1)
        if self.take() != ")":
            raise RefusedError("missing closing )")
        self.flags = before
        if number is None:
            return code
        return chain([Code((Step("save", to=2 * number),)), code, Code((Step("save", to=2 * number + 1),))])

    def escape(self) -> Code | None:
        """What follows a backslash outside brackets; None for quoted text, which is put in its place with escapes."""
        letter = self.peek()
        if letter in ("b", "B", "A", "z") and letter:
            self.take()
            name = {"b": "border", "B": "no border", "A": "start", "z": "end"}[letter]
            return Code((Step("assert", name=name),))
        if letter == "Q":
            end = self.pattern.find("\\E", self.at)
            quoted = self.pattern[self.at + 1 : end if end >= 0 else None]
            rest = self.pattern[end + 2 :] if end >= 0 else ""
            self.pattern = self.pattern[: self.at - 1] + "".join([f"\\x{{{ord(one):x}}}" for one in quoted]) + rest
            self.at -= 1
            return None
        return self.tested(self.escaped())

    def escaped(self) -> _Class:
        """A class or character behind a backslash, in brackets or out of them."""
        match = _PROPERTY.match(self.pattern, self.at)
        if match:
            self.at = match.end()
            return _property(match[1] or match[3], (match[0][0] == "P") != bool(match[2]))
        match = _HEX.match(self.pattern, self.at)
        if match:
            self.at = match.end()
            code = int(match[1] or match[2], 16)
            if code > 0x10FFFF:
                raise RefusedError("invalid escape sequence")
            return _class_of(chr(code))
        match = _OCTAL.match(self.pattern, self.at)
        if match:
            self.at = match.end()
            return _class_of(chr(int(match[0], 8)))
        letter = self.take()
        if letter in _PERL:
            return _PERL[letter]
        if letter in _PLAIN_ESCAPES:
            return _class_of(_PLAIN_ESCAPES[letter])
        if not letter or (letter.isalnum() and letter.isascii()):
            raise RefusedError("invalid escape sequence")
        return _class_of(letter)

    def bracket(self) -> _Class:
        """A class in brackets, its opening one taken."""
        negated = self.peek() == "^"
        if negated:
            self.take()
        ranges: list[tuple[str, str]] = []
        tests: list[Test] = []
        first = True
        while first or self.peek() != "]":
            if not self.peek():
                raise RefusedError("missing closing ]")
            first = False
            posix = _POSIX.match(self.pattern, self.at)
            if posix:
                if posix[2] not in _POSIX_CLASSES:
                    raise RefusedError("invalid character class range")
                self.at = posix.end()
                tests.append(_class(_POSIX_CLASSES[posix[2]], bool(posix[1])).has)
                continue
            self.range_into(ranges, tests)
        self.take()
        return _Class(tuple(ranges), tuple(tests), negated)

    def range_into(self, ranges: list[tuple[str, str]], tests: list[Test]) -> None:
        """One member of a bracket: a character, a range or a class."""
        low = self.member()
        if len(low.ranges) != 1 or low.ranges[0][0] != low.ranges[0][1] or low.negated or low.tests:
            tests.append(low.has)
            return
        start = low.ranges[0][0]
        if self.peek() != "-" or self.pattern[self.at + 1 : self.at + 2] in ("]", ""):
            ranges.append((start, start))
            return
        self.take()
        high = self.member()
        if len(high.ranges) != 1 or high.negated or high.tests or high.ranges[0][0] < start:
            raise RefusedError("invalid character class range")
        ranges.append((start, high.ranges[0][0]))

    def member(self) -> _Class:
        """A character or class in brackets."""
        character = self.take()
        return self.escaped() if character == "\\" else _class_of(character)


def _class_of(character: str) -> _Class:
    return _Class(((character, character),))


def _property(name: str, negated: bool) -> _Class:
    """A Unicode category; scripts are only known by the names of their characters."""
    if name[0] in _CATEGORIES and len(name) <= 2:
        return _Class((), (lambda one: unicodedata.category(one).startswith(name),), negated)
    if name in ("Greek", "Latin", "Cyrillic", "Hebrew", "Arabic", "Hiragana", "Katakana", "Hangul", "Thai"):
        return _Class((), (lambda one: one.isalpha() and unicodedata.name(one, "").startswith(name.upper()),), negated)
    raise UnsupportedError(f"the character class {name}")
