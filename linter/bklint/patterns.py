"""Path patterns as in `.gitignore`: one syntax for what is ignored, excluded and referred to by path.

`*`, `?` and `[…]` stay within one name, `**` stands for any directories, a pattern with a slash that is not its last
character is anchored at the base, one that ends in a slash means directories, `!` takes back. Names are compared with
`fnmatch`'s regular expressions, which take linear time, and `**` backtracks to its last occurrence only: patterns come
out of scanned repositories. See https://git-scm.com/docs/gitignore
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from fnmatch import translate
from typing import NamedTuple

_PART = re.compile(r"\\(.)|\[[!^]?\]?[^]]*\]|.", re.DOTALL)
_TRAILING = re.compile(r"(?<!\\) +$")


class Pattern(NamedTuple):
    """One line. `names` are tests of one name each; None stands for `**`."""

    names: tuple[Callable[[str], object] | None, ...]
    negated: bool
    directory: bool
    last: str
    """What the last name of a path must match, as a regular expression."""

    def fits(self, path: Sequence[str], directory: bool) -> bool:
        """Whether the pattern means the path itself, given as its names."""
        if self.directory and not directory:
            return False
        at = name = 0
        star = mark = -1
        while name < len(path):
            test = self.names[at] if at < len(self.names) else _never
            if test is None:
                star, mark = at, name
                at += 1
            elif test(path[name]):
                at += 1
                name += 1
            elif star >= 0:
                mark += 1
                at, name = star + 1, mark
            else:
                return False
        return all(test is None for test in self.names[at:])


class Patterns:
    """Lines of one list, in order: the last one that fits decides."""

    def __init__(self, lines: Iterable[str]) -> None:
        self._patterns = [found for line in lines if (found := pattern(line)) is not None]
        self._may_fit = re.compile("|".join({found.last for found in self._patterns}) or r"\Z.").match

    def __bool__(self) -> bool:
        return bool(self._patterns)

    def decide(self, path: str, directory: bool) -> bool | None:
        """Whether the list means the path itself, relative to the base; None where it says nothing of it."""
        names = path.split("/")
        if not self._may_fit(names[-1]):
            return None
        for each in reversed(self._patterns):
            if each.fits(names, directory):
                return not each.negated
        return None

    def cover(self, path: str, directory: bool = False) -> bool:
        """Whether the list means the path or a directory above it."""
        names = path.split("/")
        above = ("/".join(names[:depth]) for depth in range(1, len(names)))
        return any(self.decide(each, True) for each in above) or bool(self.decide(path, directory))


def pattern(line: str) -> Pattern | None:
    """The pattern of a line; None for an empty one and a comment."""
    text = _TRAILING.sub("", line.rstrip("\r\n"))
    if not text or text.startswith("#"):
        return None
    negated = text.startswith("!")
    text = text[1:] if negated else text
    directory = text.endswith("/")
    text = text.rstrip("/") if directory else text
    if not text:
        return None
    names = text.removeprefix("/").split("/")
    if "/" not in text:
        names = ["**", text]
    elif names[-1] == "**":
        names.append("*")
    tests = tuple(None if name == "**" else re.compile(_expression(name)).match for name in names)
    return Pattern(tests, negated, directory, _expression(names[-1]))


def _never(_: str) -> object:
    return None


def _expression(name: str) -> str:
    """The regular expression of one name; a bracket that is not closed fits nothing."""
    if any(part[0] == "[" for part in _PART.finditer(name)):
        return r"\Z."
    return translate("".join(map(_translated, _PART.finditer(name))))


def _translated(part: re.Match[str]) -> str:
    """A piece of a name in the words of `fnmatch`."""
    if part[1] is not None:
        return f"[{part[1]}]" if part[1] in "*?[" else part[1]
    return "[!" + part[0][2:] if part[0].startswith("[^") else part[0]
