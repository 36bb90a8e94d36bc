"""The text of a literal against the bytes it is written as → where each byte of the text stands.

A quoted string has escapes, a `<<-` heredoc loses its indentation; between these the two run in step.
"""

from __future__ import annotations

import re
from bisect import bisect_right

from bklint.source import Place, Source

_ESCAPE = re.compile(rb'\\(?:([nrt"\\])|u([0-9a-fA-F]{4})|U([0-9a-fA-F]{8}))')
_CHARACTERS = {b"n": b"\n", b"r": b"\r", b"t": b"\t", b'"': b'"', b"\\": b"\\"}
_DOUBLED = (b"$${", b"%%{")


class Runs:
    """The stretches in which a text and its source run in step: each begins at a pair of offsets."""

    __slots__ = ("_sources", "_texts", "source")

    def __init__(self, source: Source, pairs: list[tuple[int, int]]) -> None:
        self.source = source
        self._texts = [pair[0] for pair in pairs]
        self._sources = [pair[1] for pair in pairs]

    def offset(self, at: int, end: bool = False) -> int:
        """The offset in the source of a byte of the text; with `end`, just after the byte before it."""
        if end and at > 0:
            return self.offset(at - 1) + 1
        run = max(bisect_right(self._texts, at) - 1, 0)
        return self._sources[run] + at - self._texts[run]


def align(place: Place, written: str) -> Runs | None:
    """How a text runs along the bytes of its place; None where it is not written there."""
    raw, wanted = place.source.data[place.start : place.end], written.encode("utf-8", "replace")
    if raw == wanted:
        return Runs(place.source, [(0, place.start)])
    pairs = _pairs(raw, wanted, False) or _pairs(raw, wanted, True)
    shift = place.start
    if pairs is None and len(raw) > 1 and raw[:1] == raw[-1:] == b'"':
        pairs, shift = _pairs(raw[1:-1], wanted, True), place.start + 1
    return None if pairs is None else Runs(place.source, [(a, b + shift) for a, b in pairs])


def _pairs(raw: bytes, wanted: bytes, quoted: bool) -> list[tuple[int, int]] | None:
    """The beginnings of the runs, or None where the two differ in more than escapes and indentation."""
    pairs: list[tuple[int, int]] = [(0, 0)]
    at = text_at = 0
    margin = not quoted
    while at < len(raw):
        step = _escaped(raw, at, quoted)
        if step is not None:
            size, made = step
            if not wanted.startswith(made, text_at):
                return None
            pairs += [(text_at, at), (text_at + len(made), at + size)]
            at, text_at = at + size, text_at + len(made)
        elif raw[at : at + 1] == wanted[text_at : text_at + 1]:
            margin = not quoted and (raw[at] == 10 or (margin and raw[at] in b" \t"))
            at, text_at = at + 1, text_at + 1
        elif (margin and raw[at] in b" \t") or (not quoted and raw[at] == 13):
            at += 1
            pairs.append((text_at, at))
        else:
            return None
    return pairs if text_at == len(wanted) else None


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
