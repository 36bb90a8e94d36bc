"""Statements of scripts and lines of configurations: one put beside another, one taken away.

Only what stands alone on its lines is moved about: a statement that is part of another one (a pipeline, a condition on one
line, a text in quotes) is left to people. The one fact a reader would not guess: an entry of a YAML list counts as a line
of its own, so a command of `runcmd` is one too.
"""

from __future__ import annotations

import re

from bklint.fix.edits import (
    Edit,
    RefusedError,
    inserting,
    line_end,
    line_start,
    newline,
    replacing,
    without_lines,
)
from bklint.source import BOM, Place, Source

CARRIERS = (".tf", ".tofu", ".tfvars", ".json")
"""Files in which scripts stand inside of texts."""
COMMENTS = (b"#", b"::", b"rem ", b"REM ", b"//", b";")
_LEAD = re.compile(rb"[ \t]*(?:- )?\Z")
_REST = re.compile(rb"[ \t]*;?[ \t]*(?:[ \t]#.*)?\r?\n?\Z")
_OPENS = re.compile(rb"(?:\b(?:then|do|else)|[{(]|\)|;;)\s*\Z", re.IGNORECASE)
_CLOSES = re.compile(rb"\A\s*(?:fi\b|done\b|else\b|elif\b|esac\b|[})]|;;)", re.IGNORECASE)
_STATUS = re.compile(rb"\$\?|errorlevel|lastexitcode|\A\s*(?:\|\||&&)", re.IGNORECASE)
_BLOCK_SCALAR = re.compile(rb"[:-][ \t]+[|>][-+0-9]*\Z")
"""How YAML begins a text of several lines."""
_CONTINUES = (b"\\", b"|", b"&", b"^", b"`", b",")


def beside(place: Place, *texts: str, after: bool = True) -> Edit:
    """The edit that puts statements behind another one, or in front of it, on lines of their own. Raises RefusedError."""
    source, data = place.source, place.source.data
    lead = _alone(place)
    end = newline(data, place.start)
    text = f"{end}{lead}".join(texts)
    if not after and source.name.endswith(CARRIERS):  # in front of it, and yet inside of the text that it is in
        first = place.text[:1]
        return replacing(Place(source, place.start, place.start + len(first.encode())), f"{text}{end}{lead}{first}")
    if not after:
        return inserting(source, _start(data, place.start), f"{lead}{text}{end}")
    at = line_end(data, place.end)
    if data[at - 1 : at] != b"\n":
        return inserting(source, at, f"{end}{lead}{text}")
    return replacing(Place(source, at - 1, at), f"\n{lead}{text}{end}")


def without(place: Place) -> Edit:
    """The edit that takes a statement away, with the comment that belongs to it alone. Raises RefusedError."""
    source, data = place.source, place.source.data
    lead = _alone(place)
    before, after = _line_above(data, place.start), _line_below(data, place.end)
    if _STATUS.search(after):
        raise RefusedError("what follows asks how it ended")
    if _OPENS.search(before) and (not after.strip() or _CLOSES.match(after)):
        raise RefusedError("it is all that the block around it does")
    if source.name.endswith(CARRIERS) and b"<<" in before and re.fullmatch(rb"\s*\w+\s*", after):
        raise RefusedError("it is all that the script does")
    if lead.endswith("- ") and not any(line.startswith(lead.encode()) for line in (before, after)):
        raise RefusedError("it is the only entry of its list")
    return without_lines(
        source, place.start - 2 if lead.endswith("- ") else place.start, _end(data, place.end), COMMENTS
    )


def _alone(place: Place) -> str:
    """The blanks in front of a statement, and the dash of a list. Raises RefusedError where it shares its lines."""
    data = place.source.data
    lead, rest = data[_start(data, place.start) : place.start], data[place.end : line_end(data, place.end)]
    if not _LEAD.match(lead) or not _REST.match(rest):
        raise RefusedError("it shares its line with others")
    above, below = _line_above(data, place.start).rstrip(), _line_below(data, place.end).strip()
    if (above.endswith(_CONTINUES) and not _BLOCK_SCALAR.search(above)) or below.startswith((b"|", b"&")):
        raise RefusedError("it is a part of a longer statement")
    return lead.decode("ascii")


def _start(data: bytes, at: int) -> int:
    start = line_start(data, at)
    return start + len(BOM) if start == 0 and data.startswith(BOM) else start


def _end(data: bytes, at: int) -> int:
    """The end of a line without its line end: what stands behind a statement goes with it."""
    return at + len(data[at : line_end(data, at)].rstrip())


def _line_above(data: bytes, at: int) -> bytes:
    """The last line before a statement that is not blank and no comment."""
    for line in reversed(data[: line_start(data, at)].splitlines()):
        if line.strip() and not line.strip().startswith(COMMENTS):
            return line
    return b""


def _line_below(data: bytes, at: int) -> bytes:
    for line in data[line_end(data, at) :].splitlines():
        if line.strip() and not line.strip().startswith(COMMENTS):
            return line
    return b""


# -- items of lists ----------------------------------------------------------------------------------------------------


def without_item(source: Source, start: int, end: int) -> Edit:
    """The edit that takes an item out of a list of PowerShell: with the comma that sets it off, and with its line where
    it stands alone there. Raises RefusedError where it is no item of a list."""
    data = source.data
    after = re.compile(rb"[ \t]*,[ \t]*").match(data, end)
    first, rest = line_start(data, start), data[end : line_end(data, end)]
    own_line = not data[first:start].strip() and re.fullmatch(rb"[ \t]*,?[ \t]*(?:#.*)?\r?\n?", rest) is not None
    closes = data[line_end(data, end) :].lstrip()[:1] == b")"
    if own_line and (after is not None or not closes or not data[:start].rstrip().endswith(b",")):
        return Edit(source, first, line_end(data, end), b"")
    if after is not None:
        return Edit(source, start, after.end(), b"")
    before = re.search(rb",\s*\Z", data[:start])
    if before is None:
        raise RefusedError("it is no item of a list")
    return Edit(source, before.start(), end, b"")
