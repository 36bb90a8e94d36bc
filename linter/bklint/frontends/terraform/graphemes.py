"""Text → the characters a reader sees, which is what Terraform's `length`, `substr` and `strrev` count.

An approximation of the extended grapheme clusters of https://unicode.org/reports/tr29/ with what the standard library
knows: marks, joiners, flags and line ends. ASCII text takes the short way.
"""

from __future__ import annotations

import unicodedata

_JOINER = "\u200d"


def clusters(text: str) -> list[str]:
    """The grapheme clusters of a text."""
    if text.isascii() and "\r" not in text:
        return list(text)
    found: list[str] = []
    for character in text:
        if found and _joins(found[-1], character):
            found[-1] += character
        else:
            found.append(character)
    return found


def _joins(before: str, character: str) -> bool:
    """Whether a character belongs to the cluster before it."""
    last = before[-1]
    if last == "\r" and character == "\n":
        return True
    if last in "\r\n" or character in "\r\n":
        return False
    if character == _JOINER or unicodedata.category(character) in ("Mn", "Me", "Mc") or _modifier(character):
        return True
    if last == _JOINER:
        return unicodedata.category(character) == "So"
    return _flag(character) and _flag(last) and len(before) % 2 == 1


def _modifier(character: str) -> bool:
    return "\U0001f3fb" <= character <= "\U0001f3ff"


def _flag(character: str) -> bool:
    return "\U0001f1e6" <= character <= "\U0001f1ff"
