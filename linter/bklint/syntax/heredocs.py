"""Here-documents of a shell script, found by a scan of our own, and the script without them.

The grammar of bash takes two on one line for a mistake, and a line that only begins with the delimiter for its end; then
its time grows with the square of the text. So the parser is given a text of the same length in which operators and
bodies are blanks.

One pass over the text keeps track of quotes, comments and substitutions. A here-document without a line that ends it is
left to the grammar.
"""

from __future__ import annotations

import re
from bisect import bisect_left
from typing import NamedTuple

MAX_DEPTH = 100
"""Deepest nesting of quotes and substitutions that is told apart."""


class Heredoc(NamedTuple):
    """A here-document: the bytes of its operator with the delimiter, those of its body, and the end of the line that
    ends it. `expands` says that references in it are replaced, `strip` that tabs in front of its lines are not a part."""

    start: int
    end: int
    body: int
    stop: int
    after: int
    expands: bool
    strip: bool


_CODE = re.compile(
    rb"\\.|'[^']*'?|(?P<double>\")|(?P<comment>(?:(?<=[\s;&|(])|\A)#[^\n]*)|(?P<arithmetic>\$?\(\([^\n]*?\)\))|(?P<here3><<<)"
    rb"|(?P<here><<(?P<dash>-?)[ \t]*"
    rb"(?:'(?P<single>[^'\n]+)'|\"(?P<quoted>[^\"\n]+)\"|(?P<slash>\\?)(?P<bare>[^\s<>|&;()'\"`$]+)))"
    rb"|(?P<open>\$\(|[<>]?\()|(?P<brace>\$\{)|(?P<close>\))|(?P<tick>`)|(?P<line>\n)",
    re.DOTALL,
)
_DOUBLE = re.compile(
    rb"\\.|(?P<arithmetic>\$\(\([^\n]*?\)\))|(?P<open>\$\()|(?P<brace>\$\{)|(?P<close>\")|(?P<tick>`)|(?P<line>\n)",
    re.DOTALL,
)
_BRACE = re.compile(
    rb"\\.|(?P<open>\$\()|(?P<brace>\$\{)|(?P<close>\})|(?P<double>\")|(?P<tick>`)|(?P<line>\n)", re.DOTALL
)
_KINDS = {b"(": _CODE, b"`": _CODE, b'"': _DOUBLE, b"{": _BRACE}


def find(data: bytes) -> list[Heredoc]:
    """The here-documents of a script, in the order of their operators."""
    if b"<<" not in data:
        return []
    lines = _Lines(data)
    found: list[Heredoc] = []
    pending: list[re.Match[bytes]] = []
    stack: list[bytes] = []
    at = 0
    while True:
        match = _KINDS[stack[-1] if stack else b"("].search(data, at)
        if match is None:
            return sorted(found)
        at = match.end()
        kind = match.lastgroup or ""
        if kind == "bare" or kind in ("single", "quoted", "here"):
            if not re.fullmatch(rb"\d+", match["bare"] or b""):
                pending.append(match)
        elif kind == "line":
            if pending:
                at = _bodies(lines, pending, at, found)
                pending = []
        elif kind == "close" or (kind == "tick" and stack and stack[-1] == b"`"):
            if stack:
                stack.pop()
        elif len(stack) < MAX_DEPTH:
            opened = {"double": b'"', "open": b"(", "brace": b"{", "tick": b"`"}.get(kind)
            if opened is not None:
                stack.append(opened)


class _Lines:
    """Where the lines of a text are that consist of a word."""

    def __init__(self, data: bytes) -> None:
        self.data = data
        self._at: dict[bytes, list[tuple[int, int]]] = {}
        at = 0
        for line in data.split(b"\n"):
            if len(line) < 200:
                word = line.rstrip(b"\r").lstrip(b"\t")
                self._at.setdefault(word, []).append((at, len(line)))
            at += len(line) + 1

    def ends(self, word: bytes, at: int, strip: bool) -> tuple[int, int] | None:
        """The first line from `at` on that ends a here-document: its start and end."""
        places = self._at.get(word, [])
        for start, size in places[bisect_left(places, (at, 0)) :]:
            if strip or self.data[start : start + 1] != b"\t":
                return start, start + size
        return None


def _bodies(lines: _Lines, pending: list[re.Match[bytes]], at: int, found: list[Heredoc]) -> int:
    """Take the bodies of the here-documents of a line, which begin at `at`; where the text goes on behind them."""
    for match in pending:
        strip = match["dash"] == b"-"
        ending = lines.ends(match["single"] or match["quoted"] or match["bare"], at, strip)
        if ending is None:
            continue
        expands = match["bare"] is not None and not match["slash"]
        found.append(Heredoc(match.start("here"), match.end("here"), at, ending[0], ending[1], expands, strip))
        at = min(ending[1] + 1, len(lines.data))
    return at


def blanked(data: bytes, found: list[Heredoc]) -> bytes:
    """The script without its here-documents, in as many bytes."""
    text = bytearray(data)
    for each in found:
        text[each.start : each.end] = b" " * (each.end - each.start)
        text[each.body : each.after] = _LETTERS.sub(b" ", data[each.body : each.after])
    return bytes(text)


_LETTERS = re.compile(rb"[^\n]")
