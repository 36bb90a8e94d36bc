"""Compiled configurations for PowerShell's DSC (`.mof`) → calls of the resources in them.

A compiled configuration is a list of `instance of CLASS { Name = value; … };`. The class of a resource is
`MSFT_` or `DSC_` and its name (`MSFT_ServiceResource`, `DSC_Firewall`), and its properties are those of the resource:
https://learn.microsoft.com/powershell/dsc/reference/mof-resources, DMTF DSP0004 (MOF). UTF-16 is the usual encoding.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from bklint.frontends.guest import dsc
from bklint.frontends.guest.calls import Arg, Call
from bklint.frontends.guest.record import Recorder
from bklint.syntax.words import Statement, Word, bounded, utf8_text

_TOKENS = re.compile(
    r"/\*.*?(?:\*/|\Z)|//[^\n]*|(?P<string>\"(?:\\.|[^\"\\])*\"?)|(?P<mark>[{};=,])|(?P<word>[^\s{};=,\"]+)", re.DOTALL
)
_CLASS = re.compile(r"(?:msft|dsc)_x?(?P<name>\w+?)(?:resource)?\Z", re.I)
_NAMES = {"role": "windowsfeature", "xservice": "service"}
"""Resources whose class has another name."""


def file(out: Recorder) -> None:
    """A compiled configuration. Raises LimitError for one that is too long."""
    bounded(out.text.data, "a document of DSC")
    words: list[str] = []
    tokens = _TOKENS.finditer(out.text.data.decode("latin-1"))
    for match in tokens:
        if match["mark"] == "{" and [word.casefold() for word in words[:2]] == ["instance", "of"] and len(words) > 2:
            found: dict[str, Arg] = {}
            end = _properties(tokens, found)
            _resource(out, words[2], match.start(), end or match.end(), found)
            words = []
        elif match["mark"]:
            words = []
        elif match["word"]:
            words.append(match["word"])


def _properties(tokens: Iterator[re.Match[str]], found: dict[str, Arg]) -> int:
    """Read `Name = value;` up to the bracket that closes an instance; its end."""
    name, values, start, depth, last = "", list[str](), -1, 0, 0
    for match in tokens:
        last = match.end()
        if match["mark"] == "}" and depth == 0:
            return last
        if match["mark"] in ("{", "}"):
            depth += 1 if match["mark"] == "{" else -1
        elif match["mark"] == ";":
            if name and values:
                items = tuple(values) if len(values) > 1 else ()
                found.setdefault(name, Arg(values[0], start, match.start(), True, items))
            name, values, start = "", [], -1
        elif match["string"] or match["word"]:
            text = _text(match["string"]) if match["string"] else match["word"]
            if start < 0:
                name, start = text.casefold(), match.start()
            else:
                values.append(text)
    return last


def _text(written: str) -> str:
    inner = utf8_text(written[1:].removesuffix('"'))
    return re.sub(
        r"\\(.)", lambda match: {"n": "\n", "t": "\t", "r": "\r"}.get(match[1], match[1]), inner, flags=re.DOTALL
    )


def _resource(out: Recorder, class_: str, start: int, end: int, found: dict[str, Arg]) -> None:
    match = _CLASS.match(class_)
    if match is None:
        return
    name = match["name"].casefold()
    name = _NAMES.get(name, name)
    statement = Statement((Word((name,), start, end),), start, end)
    dsc.run(Call(f"dsc {name}", (), start, end, False, out, statement, _parameters=found))
