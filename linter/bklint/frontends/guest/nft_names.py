"""Definitions and named sets of nftables → the addresses, ranges and ports that they stand for.

`define NAME = …` is a text, `set NAME { … elements = { … } }` a set of a table; rules refer to them as `$NAME` and
`@NAME`. What another file defines (`include`), what is defined anew, and sets that rules fill while they run are not known.
https://wiki.nftables.org/wiki-nftables/index.php/Scripting, https://wiki.nftables.org/wiki-nftables/index.php/Sets
"""

from __future__ import annotations

import re

MAX_DEPTH = 8
"""Most definitions that refer to each other in a row."""

MAX_WORDS = 5000
"""Most elements of a set that are read."""

_COMMENT = re.compile(r"#[^\n]*")
_DEFINE = re.compile(
    r"^\ufeff?[ \t]*(?P<verb>define|redefine|undefine)[ \t]+(?P<name>\w+)[ \t]*(?:=[ \t]*(?P<value>\{[^}]*\}|[^\n;]*))?",
    re.M,
)
_SET = re.compile(
    r"\bset[ \t]+(?:(?:ip6?|inet|arp|bridge|netdev)[ \t]+\w+[ \t]+|\w+[ \t]+)?(?P<name>[\w-]+)[ \t]*"
    r"\{(?P<body>(?:[^{}]|\{[^{}]*\})*)\}"
)
_ELEMENTS = re.compile(r"\belements[ \t]*=[ \t]*\{([^{}]*)\}")
_ADDED = re.compile(
    r"\b(?P<verb>add|delete)[ \t]+element[ \t]+(?:(?:ip6?|inet|arp|bridge|netdev)[ \t]+)?\w+[ \t]+(?P<name>[\w-]+)[ \t]*"
    r"\{(?P<body>[^{}]*)\}"
)
_FILLED = re.compile(r"\b(?:add|update|delete)[ \t]+@(?P<name>[\w-]+)")


class Names:
    """What the names in a text stand for; None for what is not known."""

    def __init__(self) -> None:
        self._found: dict[str, tuple[str, ...] | None] = {}

    def read(self, text: str) -> None:
        """Take the definitions and sets of a text, in addition to those known so far."""
        plain = _COMMENT.sub("", text)
        for match in _DEFINE.finditer(plain):
            name = f"${match['name']}"
            known = match["verb"] == "define" and name not in self._found and match["value"] is not None
            self._found[name] = _words(match["value"]) if known else None
        for match in _SET.finditer(plain):
            name, elements = f"@{match['name']}", _ELEMENTS.search(match["body"])
            runs = re.search(r"\bflags\b[^;\n]*\b(?:dynamic|timeout)\b", match["body"])
            twice = name in self._found
            self._found[name] = None if runs or twice or elements is None else _words(elements[1])
        for match in _ADDED.finditer(plain):
            name = f"@{match['name']}"
            before = self._found.get(name) or ()
            self._found[name] = (*before, *_words(match["body"])) if match["verb"] == "add" else None
        for match in _FILLED.finditer(plain):
            self._found[f"@{match['name']}"] = None

    def resolve(self, words: list[str]) -> list[str]:
        """The words with names replaced by what they stand for; a name that is not known stays."""
        return self._resolved(words, 0)

    def _resolved(self, words: list[str], depth: int) -> list[str]:
        found: list[str] = []
        for word in words:
            known = self._found.get(word) if word[:1] in "$@" and depth < MAX_DEPTH else None
            found += [word] if known is None else self._resolved(list(known), depth + 1)
            if len(found) > MAX_WORDS:
                return [*found[:MAX_WORDS], "$more"]
        return found


def _words(text: str) -> tuple[str, ...]:
    """The elements of a set, without what is said of them (`timeout 1h`, `counter`, `comment "…"`)."""
    found = [
        part.split()[0] if part.split() else "" for part in text.strip().strip("{}").replace(" - ", "-").split(",")
    ]
    return tuple(word.strip("\"'") for word in found if word)
