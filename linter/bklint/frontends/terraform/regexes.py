"""Regular expressions as Terraform reads them (RE2), matched in time linear in the text.

Python's `re` differs in what it accepts and takes exponential time on some patterns, and both pattern and text come
from the scanned repository. So a pattern is parsed here and run as a Pike machine: all ways to match are followed at
once, the preferred one first, which finds what RE2's leftmost-first search finds.

Syntax: https://github.com/google/re2/wiki/Syntax. Method: https://swtch.com/~rsc/regexp/regexp2.html.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Iterator
from functools import lru_cache
from typing import NamedTuple

MAX_PROGRAM = 4000
"""Most instructions of one pattern; counted repetitions are written out."""

MAX_STEPS = 3_000_000
"""Most instruction-characters of one search, about a second."""

_COUNTED = re.compile(r"\{(\d+)(?:(,)(\d*))?\}")
_FLAGS = re.compile(r"\?([imsU]*)(?:-([imsU]+))?([:)])")
_NAMED = re.compile(r"\?P?<([A-Za-z0-9_]+)>")
_POSIX = re.compile(r"\[:(\^?)(\w+):\]")
_PROPERTY = re.compile(r"[pP](?:(\w)|\{(\^?)(\w+)\})")
_HEX = re.compile(r"x(?:([0-9A-Fa-f]{2})|\{([0-9A-Fa-f]+)\})")
_PLAIN_ESCAPES = {"a": "\a", "f": "\f", "t": "\t", "n": "\n", "r": "\r", "v": "\v"}
_DIGITS, _WORD, _BLANK = "0-9", "0-9A-Za-z_", "\t\n\f\r "

Test = Callable[[str], bool]


class UnsupportedError(Exception):
    """The pattern may be right, but is not read here."""


class RefusedError(Exception):
    """RE2 refuses the pattern."""


class _Step(NamedTuple):
    """An instruction: `kind` is char, split, jump, save, assert or match."""

    kind: str
    test: Test | None = None
    to: int = 0
    other: int = 0
    name: str = ""


class Found(NamedTuple):
    """A match: its range, and the range of each group; a group that took no part is None."""

    start: int
    end: int
    groups: tuple[tuple[int, int] | None, ...]


class Pattern(NamedTuple):
    """A compiled pattern. `names` has an entry for each group, empty for an unnamed one.

    `single` matches one character where the pattern is just a class of characters; `many` tells that it is repeated.
    """

    program: tuple[_Step, ...]
    names: tuple[str, ...]
    single: Test | None
    many: bool

    def search(self, text: str, start: int = 0) -> Found | None:
        """The leftmost match from `start` on. Raises UnsupportedError where that takes too long."""
        if (len(text) - start + 1) * len(self.program) > MAX_STEPS:
            raise UnsupportedError("a text too long for its pattern")
        slots = _run(self.program, text, start, 2 + 2 * len(self.names))
        if slots is None:
            return None
        pairs = [_pair(slots, n) for n in range(len(self.names) + 1)]
        whole = pairs[0]
        assert whole is not None
        return Found(whole[0], whole[1], tuple(pairs[1:]))

    def all(self, text: str) -> Iterator[Found]:
        """All matches that do not overlap. An empty one does not follow directly on another."""
        at, last = 0, -1
        while at <= len(text):
            found = self.search(text, at)
            if found is None:
                return
            if found.start != found.end or found.start != last:
                yield found
            last = found.end
            at = found.end + 1 if found.end == found.start else found.end


def _pair(slots: tuple[int, ...], number: int) -> tuple[int, int] | None:
    start, end = slots[2 * number], slots[2 * number + 1]
    return None if start < 0 or end < 0 else (start, end)


# -- matching ----------------------------------------------------------------------------------------------------------

_Threads = list[tuple[int, tuple[int, ...]]]


def _run(program: tuple[_Step, ...], text: str, start: int, slots: int) -> tuple[int, ...] | None:
    current: _Threads = []
    seen: set[int] = set()
    matched: tuple[int, ...] | None = None
    blank = (-1,) * slots
    for at in range(start, len(text) + 1):
        if matched is None:
            _follow(program, current, seen, 0, blank, text, at)
        if not current:
            if matched is not None:
                break
            seen = set()
            continue
        following: _Threads = []
        reached: set[int] = set()
        for pc, caps in current:
            step = program[pc]
            if step.kind == "match":
                matched = caps
                break
            if at < len(text) and step.test is not None and step.test(text[at]):
                _follow(program, following, reached, pc + 1, caps, text, at + 1)
        current, seen = following, reached
    return matched


def _follow(
    program: tuple[_Step, ...], threads: _Threads, seen: set[int], pc: int, caps: tuple[int, ...], text: str, at: int
) -> None:
    """Add the instruction at `pc`, and those reached from it without a character, in order of preference."""
    pending = [(pc, caps)]
    while pending:
        pc, caps = pending.pop()
        if pc in seen:
            continue
        seen.add(pc)
        step = program[pc]
        if step.kind == "jump":
            pending.append((step.to, caps))
        elif step.kind == "split":
            pending += [(step.other, caps), (step.to, caps)]
        elif step.kind == "save":
            pending.append((pc + 1, (*caps[: step.to], at, *caps[step.to + 1 :])))
        elif step.kind == "assert":
            if _holds(step.name, text, at):
                pending.append((pc + 1, caps))
        else:
            threads.append((pc, caps))


def _holds(name: str, text: str, at: int) -> bool:
    if name == "start":
        return at == 0
    if name == "end":
        return at == len(text)
    if name == "line start":
        return at == 0 or text[at - 1] == "\n"
    if name == "line end":
        return at == len(text) or text[at] == "\n"
    border = _is_word(text, at - 1) != _is_word(text, at)
    return border == (name == "border")


def _is_word(text: str, at: int) -> bool:
    return 0 <= at < len(text) and (text[at] == "_" or (text[at].isascii() and text[at].isalnum()))


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
        return any(positive.has(one) for one in {character, character.lower(), character.upper()}) != self.negated


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


class _Code(NamedTuple):
    """A piece of program: its addresses are relative to its own beginning. `single` is its only class, if any."""

    steps: tuple[_Step, ...]
    single: Test | None = None
    many: bool = False


def _moved(step: _Step, by: int) -> _Step:
    return step._replace(to=step.to + by, other=step.other + by) if step.kind in ("split", "jump") else step


def _chain(codes: list[_Code]) -> _Code:
    steps: list[_Step] = []
    for code in codes:
        steps += [_moved(step, len(steps)) for step in code.steps]
        if len(steps) > MAX_PROGRAM:
            raise UnsupportedError("a pattern with too many repetitions")
    return codes[0] if len(codes) == 1 else _Code(tuple(steps))


def _either(codes: list[_Code]) -> _Code:
    if len(codes) == 1:
        return codes[0]
    first, rest = codes[0], _either(codes[1:])
    size = len(first.steps)
    return _chain(
        [
            _Code((_Step("split", to=1, other=size + 2),)),
            first,
            _Code((_Step("jump", to=len(rest.steps) + 1),)),
            rest,
        ]
    )


def _optional(code: _Code, lazy: bool) -> _Code:
    end = len(code.steps) + 1
    split = _Step("split", to=end, other=1) if lazy else _Step("split", to=1, other=end)
    return _chain([_Code((split,)), code])


def _star(code: _Code, lazy: bool) -> _Code:
    looped = _chain([code, _Code((_Step("jump", to=-1),))])
    back = _Code((*looped.steps[:-1], _Step("jump", to=-1)))
    return _optional(back, lazy)


def _repeated(code: _Code, least: int, most: int | None, lazy: bool) -> _Code:
    if least > 1000 or (most or 0) > 1000 or (most is not None and most < least):
        raise RefusedError("invalid repeat count")
    if most is None and least == 1:
        split = _Step("split", to=1, other=-len(code.steps)) if lazy else _Step("split", to=-len(code.steps), other=1)
        return _Code((*code.steps, _moved(split, len(code.steps))), code.single, True)
    done = [code] * least
    if most is None:
        return _chain([*done, _star(code, lazy)])
    tail: _Code | None = None
    for _ in range(most - least):
        tail = _optional(code if tail is None else _chain([code, tail]), lazy)
    made = [*done, *([] if tail is None else [tail])]
    return _chain(made) if made else _Code(())


class _Parser:
    """Reads one pattern."""

    def __init__(self, pattern: str) -> None:
        self.pattern = pattern
        self.at = 0
        self.names: list[str] = []
        self.flags: frozenset[str] = frozenset()

    def peek(self) -> str:
        return self.pattern[self.at : self.at + 1]

    def take(self) -> str:
        character = self.peek()
        self.at += 1
        return character

    def alternatives(self, depth: int = 0) -> _Code:
        """Up to the end of the group."""
        if depth > 100:
            raise UnsupportedError("a pattern nested too deeply")
        found: list[_Code] = []
        sequence: list[_Code] = []
        while self.peek() not in ("", ")"):
            if self.peek() == "|":
                self.take()
                found.append(_chain(sequence) if sequence else _Code(()))
                sequence = []
            else:
                atom = self.atom(depth)
                if atom is not None:
                    sequence.append(self.quantified(atom))
        found.append(_chain(sequence) if sequence else _Code(()))
        return _either(found)

    def quantified(self, code: _Code) -> _Code:
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

    def atom(self, depth: int) -> _Code | None:
        character = self.take()
        if character == "(":
            return self.group(depth)
        if character in ("*", "+", "?"):
            raise RefusedError("missing argument to repetition operator")
        if character == "[":
            return self.tested(self.bracket())
        if character == ".":
            everything = "s" in self.flags
            return _Code((_Step("char", lambda one: everything or one != "\n"),), lambda one: everything or one != "\n")
        if character == "^":
            return _Code((_Step("assert", name="line start" if "m" in self.flags else "start"),))
        if character == "$":
            return _Code((_Step("assert", name="line end" if "m" in self.flags else "end"),))
        if character == "\\":
            return self.escape()
        return self.tested(_class_of(character))

    def tested(self, known: _Class) -> _Code:
        test = known.folded if "i" in self.flags else known.has
        return _Code((_Step("char", test),), test)

    def group(self, depth: int) -> _Code | None:
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
        return _chain([_Code((_Step("save", to=2 * number),)), code, _Code((_Step("save", to=2 * number + 1),))])

    def escape(self) -> _Code:
        letter = self.peek()
        if letter in ("b", "B", "A", "z") and letter:
            self.take()
            name = {"b": "border", "B": "no border", "A": "start", "z": "end"}[letter]
            return _Code((_Step("assert", name=name),))
        if letter == "Q":
            end = self.pattern.find("\\E", self.at)
            quoted = self.pattern[self.at + 1 : end if end >= 0 else None]
            self.at = end + 2 if end >= 0 else len(self.pattern)
            return _chain([self.tested(_class_of(one)) for one in quoted] or [_Code(())])
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
        letter = self.take()
        if letter in _PERL:
            return _PERL[letter]
        if letter in _PLAIN_ESCAPES:
            return _class_of(_PLAIN_ESCAPES[letter])
        if letter == "0":
            octal = re.compile("[0-7]{0,2}").match(self.pattern, self.at)
            assert octal is not None
            self.at = octal.end()
            return _class_of(chr(int("0" + octal[0], 8)))
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


@lru_cache(maxsize=256)
def compiled(pattern: str) -> Pattern:
    """The pattern ready to match. Raises RefusedError (RE2 refuses it) or UnsupportedError."""
    parser = _Parser(pattern)
    body = parser.alternatives()
    if parser.at < len(pattern):
        raise RefusedError("unexpected )")
    named = [name for name in parser.names if name]
    if len(set(named)) < len(named):
        raise RefusedError("duplicate capture group name")
    edges = (_Code((_Step("save", to=0),)), _Code((_Step("save", to=1),)), _Code((_Step("match"),)))
    program = _chain([edges[0], body, *edges[1:]])
    return Pattern(program.steps, tuple(parser.names), body.single if not parser.names else None, body.many)
