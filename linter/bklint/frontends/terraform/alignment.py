"""The text of a literal against the bytes it is written as → where each byte of the text stands.

A quoted string has escapes, a `<<-` heredoc loses its indentation; between these the two run in step.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from typing import NamedTuple

from bklint.source import Place, Source

_ESCAPE = re.compile(rb'\\(?:([nrt"\\])|u([0-9a-fA-F]{4})|U([0-9a-fA-F]{8}))')
_CHARACTERS = {b"n": b"\n", b"r": b"\r", b"t": b"\t", b'"': b'"', b"\\": b"\\"}
_DOUBLED = (b"$${", b"%%{")


class _Run(NamedTuple):
    """A stretch that begins at these offsets; `size` is the length of the escape sequence that it is, else 0."""

    text: int
    source: int
    size: int = 0


class Runs:
    """The stretches in which a text and its source run in step."""

    __slots__ = ("_runs", "_texts", "source")

    def __init__(self, source: Source, runs: list[_Run]) -> None:
        self.source = source
        self._runs = runs
        self._texts = [run.text for run in runs]

    def offset(self, at: int, end: bool = False) -> int:
        """The offset in the source of a byte of the text; with `end`, just after the byte before it."""
        if end and at > 0:
            run = self._run(at - 1)
            return run.source + (run.size or at - run.text)
        run = self._run(at)
        return run.source + (0 if run.size else at - run.text)

    def _run(self, at: int) -> _Run:
        return self._runs[max(bisect_right(self._texts, at) - 1, 0)]


def align(place: Place, written: str) -> Runs | None:
    """How a text runs along the bytes of its place; None where it is not written there."""
    raw, wanted = place.source.data[place.start : place.end], written.encode("utf-8", "replace")
    if raw == wanted:
        return Runs(place.source, [_Run(0, place.start)])
    runs = _runs(raw, wanted, False) or _runs(raw, wanted, True)
    shift = place.start
    if runs is None and len(raw) > 1 and raw[:1] == raw[-1:] == b'"':
        runs, shift = _runs(raw[1:-1], wanted, True), place.start + 1
    return None if runs is None else Runs(place.source, [run._replace(source=run.source + shift) for run in runs])


def _runs(raw: bytes, wanted: bytes, quoted: bool) -> list[_Run] | None:
    """The runs, or None where the two differ in more than escapes and indentation."""
    runs = [_Run(0, 0)]
    at = text_at = 0
    margin = not quoted
    while at < len(raw):
        step = _escaped(raw, at, quoted)
        if step is not None:
            size, made = step
            if not wanted.startswith(made, text_at):
                return None
            runs += [_Run(text_at, at, size), _Run(text_at + len(made), at + size)]
            at, text_at = at + size, text_at + len(made)
        elif raw[at : at + 1] == wanted[text_at : text_at + 1]:
            margin = not quoted and (raw[at] == 10 or (margin and raw[at] in b" \t"))
            at, text_at = at + 1, text_at + 1
        elif (margin and raw[at] in b" \t") or (not quoted and raw[at] == 13):
            at += 1
            runs.append(_Run(text_at, at))
        else:
            return None
    return runs if text_at == len(wanted) else None


def _escaped(raw: bytes, at: int, quoted: bool) -> tuple[int, bytes] | None:
    """The length of an escape sequence and what it stands for."""
    if raw[at : at + 3] in _DOUBLED:
        return 3, raw[at + 1 : at + 3]
    if not quoted or raw[at] != 92:
        return None
    match = _ESCAPE.match(raw, at)
    if match is None:
        return None
    if match[1]:
        return len(match[0]), _CHARACTERS[match[1]]
    return len(match[0]), chr(int(match[2] or match[3], 16)).encode("utf-8", "replace")
