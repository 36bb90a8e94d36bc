"""Configuration files of lines → entries with spans: `key=value` files, ini sections, registry files, tables of fields.

A line is what ends at a newline; where a format continues a line with a backslash, its reader says so. What a reader
cannot make sense of it passes over. All offsets are bytes.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NamedTuple

from bklint.source import BOM
from bklint.syntax.words import bounded


class Field(NamedTuple):
    """A piece of text and its byte range."""

    text: str
    start: int
    end: int


class Entry(NamedTuple):
    """`key = value` in a section (empty where the file has none). Its range is the whole line without blanks."""

    section: str
    key: Field
    value: Field
    closed: int = 0
    """Where the quotes around the value end."""

    @property
    def start(self) -> int:
        """Where the entry starts."""
        return self.key.start

    @property
    def end(self) -> int:
        """Where the entry ends."""
        return max(self.value.end, self.key.end, self.closed)


class Row(NamedTuple):
    """The fields of a line of a table."""

    fields: tuple[Field, ...]

    @property
    def start(self) -> int:
        """Where the first field starts."""
        return self.fields[0].start

    @property
    def end(self) -> int:
        """Where the last field ends."""
        return self.fields[-1].end


_LINE = re.compile(rb"[^\n]*\n|[^\n]+\Z")
_FIELD = re.compile(rb"\"[^\"]*\"|'[^']*'|[^\s\"']+(?:\"[^\"]*\"|'[^']*'|[^\s\"'])*|[\"']\S*")
_ENTRY = re.compile(rb"[ \t]*(?:export[ \t]+)?([^=\s#;\[][^=\n]*?)[ \t]*=[ \t]*([^\r\n]*?)[ \t\r]*\n?\Z")
_SECTION = re.compile(rb"[ \t]*\[([^\]\r\n]*)\]")


def _checked(data: bytes) -> bytes:
    return bounded(data, "a file")


def _field(data: bytes, start: int, end: int, quotes: bool = False) -> Field:
    """A stretch of text; with `quotes`, without the quotes around it."""
    if quotes and end - start >= 2 and data[start : start + 1] in (b'"', b"'") and data[end - 1] == data[start]:
        start, end = start + 1, end - 1
    return Field(data[start:end].decode("utf-8", "replace"), start, end)


def lines(data: bytes, comments: bytes = b"#", start: int = 0) -> Iterator[tuple[int, bytes]]:
    """Offset and text of each line that is not empty and begins with none of the comment characters."""
    _checked(data)
    start = max(start, len(BOM) if data.startswith(BOM) else 0)
    for match in _LINE.finditer(data, start):
        stripped = match[0].strip()
        if stripped and stripped[:1] not in [comments[i : i + 1] for i in range(len(comments))]:
            yield match.start(), match[0]


def entries(data: bytes, comments: bytes = b"#;", quotes: bool = True) -> list[Entry]:
    """The entries of a file with `key=value` lines and, maybe, `[section]` lines."""
    found: list[Entry] = []
    section = ""
    for offset, line in lines(data, comments):
        header = _SECTION.match(line)
        if header:
            section = header[1].decode("utf-8", "replace")
            continue
        match = _ENTRY.match(line)
        if match:
            key = _field(data, offset + match.start(1), offset + match.end(1))
            end = offset + match.end(2)
            found.append(Entry(section, key, _field(data, offset + match.start(2), end, quotes), end))
    return found


def rows(data: bytes, comments: bytes = b"#") -> list[Row]:
    """The lines of a file as fields between blanks; what follows a `#` behind a blank is a comment."""
    found: list[Row] = []
    for offset, line in lines(data, comments):
        fields: list[Field] = []
        for match in _FIELD.finditer(line):
            if match[0][:1] == b"#" and comments:
                break
            fields.append(_field(data, offset + match.start(), offset + match.end(), True))
        if fields:
            found.append(Row(tuple(fields)))
    return found


_NAME = re.compile(r"\"((?:[^\"\\]|\\.)*)\"|@")


def registry(data: bytes) -> list[Entry]:
    """The values of a registry file: the section is the key, `-` before it or as a value says that it is deleted.

    https://support.microsoft.com/topic/how-to-add-modify-or-delete-registry-subkeys-and-values-by-using-a-reg-file
    """
    found: list[Entry] = []
    section, going = "", False
    for offset, line in lines(data, b";"):
        text = line.decode("utf-8", "replace").strip()
        continued, going = going, (text.endswith("\\") and "=" in text) or (going and text.endswith("\\"))
        if continued:
            continue
        if text.startswith("["):
            section = text[1:].rpartition("]")[0] or text[1:]
            continue
        match = _NAME.match(text)
        if match is None or text[match.end() : match.end() + 1] != "=":
            continue
        name = (match[1] or "").replace("\\\\", "\\").replace('\\"', '"')
        begin = offset + line.index(text[:1].encode())
        value = text[match.end() + 1 :]
        start = begin + len(text[: match.end() + 1].encode())
        end = start + len(value.encode())
        found.append(Entry(section, Field(name, begin, begin + len(match[0].encode())), Field(value, start, end)))
    return found
