"""A strict second reader of HCL, python-hcl2: it words the error of a broken file, and is a gate for edited files.

It is some ten times slower than the reader in `hcl.py`, so it is only asked about files that are known to be broken or
were changed. It never alone decides that a file is broken: it refuses some that Terraform reads.
"""

from __future__ import annotations

import os
import re
import sys
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bklint.errors import InputError
from bklint.source import BOM, Source
from bklint.syntax.node import Problem

if TYPE_CHECKING:
    from lark import Lark

MAX_BYTES = 512 * 1024
"""Largest text that is handed to python-hcl2, which reads about 300 kB in a second."""

_SLOW = re.compile(rb"\s{500}")
"""Blank stretches on which a pattern of python-hcl2's grammar takes quadratic time."""

_FAULTS = (ArithmeticError, AssertionError, AttributeError, LookupError, OSError, RuntimeError, TypeError, ValueError)
"""What python-hcl2 raises beside lark's own errors on text it did not foresee."""

_VALUES = frozenset({"INT_LITERAL", "DBLQUOTE", "LSQB"})
"""Where all of these are expected, a value is."""

_NAMES = {
    "COLON": "`:`",
    "COMMA": "`,`",
    "DBLQUOTE": '`"`',
    "EQ": "`=`",
    "FOR_OBJECT_ARROW": "`=>`",
    "IN": "`in`",
    "LBRACE": "`{`",
    "NAME": "a name",
    "NL_OR_COMMENT": "a line end",
    "RBRACE": "`}`",
    "RPAR": "`)`",
    "RSQB": "`]`",
    "$END": "the end of the file",
}
_WORD = re.compile(r"[\w-]+|\S")


def explain(source: Source) -> Problem | None:
    """What is wrong with a file, in one sentence; None where python-hcl2 sees no error or cannot say."""
    data = source.data.removeprefix(BOM)
    if len(data) > MAX_BYTES or _SLOW.search(data):
        return None
    text = data.decode("utf-8", "replace")
    try:
        error = _error(text)
    except _FAULTS:
        return None
    if error is None:
        return None
    message, start, end = error
    if not text[start : start + 1].isascii() and text[start].isalpha():
        return None  # python-hcl2 knows only ASCII names, HCL all of Unicode's
    at = len(source.data) - len(data)
    first = at + len(text[:start].encode())
    return Problem(message, first, first + len(text[start:end].encode()))


def loads(text: str) -> object:
    """The content of an HCL text as python-hcl2 gives it: a dict, without comments. Raises InputError: it refuses."""
    import hcl2
    from lark.exceptions import LarkError

    _parser()
    options = hcl2.SerializationOptions(with_comments=False)
    try:
        return hcl2.loads(text.removeprefix("\ufeff"), serialization_options=options)
    except (LarkError, *_FAULTS) as error:
        raise InputError(f"python-hcl2 refuses the text: {str(error).splitlines()[0]}") from error


def _error(text: str) -> tuple[str, int, int] | None:
    """The sentence and the code-point range of the first syntax error."""
    from lark.exceptions import LarkError, UnexpectedCharacters, UnexpectedToken

    try:
        _parser().parse(text + "\n")
    except UnexpectedToken as error:
        if error.token.type == "$END":
            at = len(text.rstrip())
            return _sentence("end of the file", error.expected), at, at
        return _unexpected(text, error.pos_in_stream or 0, error.expected)
    except UnexpectedCharacters as error:
        return _unexpected(text, error.pos_in_stream or 0, error.allowed or set())
    except LarkError:
        return None
    return None


def _unexpected(text: str, at: int, expected: set[str]) -> tuple[str, int, int]:
    """The error at a code-point index. Where a line end stood in the way of a value, the line end is named."""
    rest = text[at : at + 200]
    blank = len(rest) - len(rest.lstrip(" \t\r"))
    at += blank
    if rest[blank : blank + 1] == "\n":
        return _sentence("line end", expected), at, at
    word = _WORD.match(text, at)
    shown = word[0] if word else ""
    return _sentence(f"`{shown[:40]}`" if shown else "end of the file", expected), at, at + len(shown)


def _sentence(found: str, expected: set[str]) -> str:
    if expected >= _VALUES:
        return f"syntax error: unexpected {found}, expected a value"
    names = sorted(_NAMES[name] for name in expected if name in _NAMES)
    if not names or len(names) < len(expected) - 12 or len(names) > 4:
        return f"syntax error: unexpected {found}"
    one_of = f"{', '.join(names[:-1])} or {names[-1]}" if len(names) > 1 else names[0]
    return f"syntax error: unexpected {found}, expected {one_of}"


@lru_cache(maxsize=1)
def _parser() -> Lark:
    """python-hcl2's own parser. Building it takes more than a second, so it is kept in the user's cache folder.

    Left alone, python-hcl2 would write into site-packages.
    """
    import hcl2.parser

    hcl2.parser.PARSER_FILE = cache_file()
    parser: Any = hcl2.parser.parser()
    found: Lark = parser
    return found


def cache_file() -> Path:
    """Where the grammar is kept. Where no folder can be written, a path that cannot exist; lark then goes without."""
    try:
        folder = _cache_folder() / "bklint"
        folder.mkdir(parents=True, exist_ok=True)
        if os.access(folder, os.W_OK):
            return folder / "hcl2-grammar.bin"
    except (OSError, RuntimeError):
        pass  # no home directory, or one that is read-only
    return Path(os.devnull) / "hcl2-grammar.bin"


def _cache_folder() -> Path:
    if sys.platform == "win32":
        local = os.environ.get("LOCALAPPDATA")
        return Path(local) if local else Path.home() / "AppData" / "Local"
    given = os.environ.get("XDG_CACHE_HOME")
    return Path(given) if given and os.path.isabs(given) else Path.home() / ".cache"
