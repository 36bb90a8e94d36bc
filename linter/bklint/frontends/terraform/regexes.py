"""Regular expressions as Terraform reads them (RE2), matched in time linear in the text.

Python's `re` differs in what it accepts and takes exponential time on some patterns, and both pattern and text come
from the scanned repository. So a pattern is parsed here and run as a Pike machine: all ways to match are followed at
once, the preferred one first, which finds what RE2's leftmost-first search finds.

Syntax: https://github.com/google/re2/wiki/Syntax. Method: https://swtch.com/~rsc/regexp/regexp2.html.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache
from typing import NamedTuple

from bklint import limits
from bklint.frontends.terraform.regex_syntax import (
    Code,
    Parser,
    RefusedError,
    Step,
    Test,
    UnsupportedError,
    chain,
)

__all__ = ["Found", "Pattern", "RefusedError", "UnsupportedError", "compiled", "every", "search"]


_TEXTS = 10
"""How often the steps over one text a root has for all of its texts, each taken as its length."""


class Found(NamedTuple):
    """A match: its range, and the range of each group; a group that took no part is None."""

    start: int
    end: int
    groups: tuple[tuple[int, int] | None, ...]


class Pattern(NamedTuple):
    """A compiled pattern. `names` has an entry for each group, empty for an unnamed one.

    `single` matches one character where the pattern is just a class of characters; `many` tells that it is repeated.
    """

    program: tuple[Step, ...]
    names: tuple[str, ...]
    single: Test | None
    many: bool
    written: str = ""
    """The pattern as it was given."""

    def search(self, text: str, steps: int = 0) -> Found | None:
        """The leftmost match. Raises UnsupportedError where that takes more steps (0: than the limit)."""
        return self._search(text, 0, steps or limits.value("regex_steps"))[0]

    def _search(self, text: str, start: int, steps: int) -> tuple[Found | None, int]:
        """The leftmost match from `start` on, and how many of the allowed `steps` are left."""
        slots, left = _run(self.program, text, start, steps, 2 + 2 * len(self.names))
        if slots is None:
            return None, left
        pairs = [_pair(slots, n) for n in range(len(self.names) + 1)]
        whole = pairs[0]
        assert whole is not None
        return Found(whole[0], whole[1], tuple(pairs[1:])), left

    def all(self, text: str, steps: int = 0) -> Iterator[Found]:
        """All matches that do not overlap. An empty one does not follow directly on another."""
        at, last, steps = 0, -1, steps or limits.value("regex_steps")
        while at <= len(text):
            found, steps = self._search(text, at, steps)
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


def _run(
    program: tuple[Step, ...], text: str, start: int, steps: int, slots: int
) -> tuple[tuple[int, ...] | None, int]:
    """The slots of the leftmost match, and how many of the allowed steps are left. Raises UnsupportedError for none."""
    current: _Threads = []
    seen: set[int] = set()
    length = len(text)
    matched: tuple[int, ...] | None = None
    blank = (-1,) * slots
    for at in range(start, length + 1):
        steps -= 1 + len(seen)
        if steps < 0:
            limits.spend("regex_steps", _TEXTS * limits.value("regex_steps") // 4)  # a failure is not remembered
            limits.hit("regex_steps", "a regular expression takes too many steps")
            raise UnsupportedError("a text too long for its pattern")
        if matched is None:
            _follow(program, current, seen, 0, blank, text, at)
        if not current:
            if matched is not None:
                return matched, steps
            seen = set()
            continue
        following: _Threads = []
        reached: set[int] = set()
        for pc, caps in current:
            test = program[pc].test
            if test is None:  # only a character and the match make a thread
                matched = caps
                break
            if at < length and test(text[at]):
                _follow(program, following, reached, pc + 1, caps, text, at + 1)
        current, seen = following, reached
    return matched, steps


def _follow(
    program: tuple[Step, ...], threads: _Threads, seen: set[int], pc: int, caps: tuple[int, ...], text: str, at: int
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


def search(pattern: str, text: str) -> Found | None:
    """The leftmost match. A module called in many places asks the same question of the same text again and again."""
    _spent(len(text))
    return _search(pattern, text, limits.value("regex_steps"))


def every(pattern: str, text: str) -> tuple[Found, ...]:
    """All matches; see `Pattern.all`."""
    _spent(len(text))
    return _every(pattern, text, limits.value("regex_steps"))


def _spent(steps: int) -> None:
    """Take steps from those of the root. Raises UnsupportedError where they are used up."""
    if not limits.spend("regex_steps", steps, _TEXTS):
        limits.hit("regex_steps", "regular expressions take too many steps")
        raise UnsupportedError("texts too many and too long for their patterns")


@lru_cache(maxsize=8192)
def _search(pattern: str, text: str, steps: int) -> Found | None:
    return compiled(pattern).search(text, steps)


@lru_cache(maxsize=8192)
def _every(pattern: str, text: str, steps: int) -> tuple[Found, ...]:
    return tuple(compiled(pattern).all(text, steps))


@lru_cache(maxsize=256)
def compiled(pattern: str) -> Pattern:
    """The pattern ready to match. Raises RefusedError (RE2 refuses it) or UnsupportedError."""
    parser = Parser(pattern)
    body = parser.alternatives()
    if parser.at < len(parser.pattern):
        raise RefusedError("unexpected )")
    edges = (Code((Step("save", to=0),)), Code((Step("save", to=1),)), Code((Step("match"),)))
    program = chain([edges[0], body, *edges[1:]])
    return Pattern(program.steps, tuple(parser.names), body.single if not parser.names else None, body.many, pattern)
