"""Changed files as a unified diff, with a line above each that says what was done and what it changes of security.

Lines before `---` are no part of a patch, so `git apply` and `patch` pass over them. Secrets are masked as everywhere; a
hunk with a masked line does not apply, and `--fix` makes the change all the same.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from difflib import unified_diff

from bklint.reporters import mask

BOM = "\ufeff"


def file_diff(name: str, before: bytes, after: bytes, headings: Sequence[str]) -> str:
    """The diff of one file."""
    shown = mask.escaped(name)
    lines = unified_diff(_lines(before), _lines(after), shown, shown)
    return "".join((*(f"# {mask.escaped(line)}\n" for line in headings), *_printed(lines)))


def _lines(data: bytes) -> list[str]:
    """The lines with their ends; only a line feed ends a line, as for `diff`."""
    return re.findall(r"[^\n]*\n|[^\n]+", data.decode("utf-8", "replace"))


def _printed(lines: Iterator[str]) -> Iterator[str]:
    for line in lines:
        text = line.rstrip("\r\n")
        end = line[len(text) :]
        if line.startswith(("---", "+++", "@@")):
            yield text + "\n"
            continue
        sign, text = text[:1], text[1:]
        mark = BOM if text.startswith(BOM) else ""
        yield f"{sign}{mark}{_safe(text.removeprefix(BOM))}{end}"
        if not end:
            yield "\n\\ No newline at end of file\n"


def _safe(line: str) -> str:
    """A line without secrets and control characters."""
    for start, end in reversed(mask.ranges(line)):
        line = line[:start] + mask.HIDDEN + line[end:]
    return mask.escaped(line, keep="\t")
