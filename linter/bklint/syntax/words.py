"""The words and statements that a script is made of, for shell, PowerShell and cmd scripts alike.

A script becomes a flat list of statements in the order they are written. What encloses a statement stays on it: the
function it belongs to, the loops around it, and whether it runs only under a condition. Nothing is expanded here.
"""

from __future__ import annotations

from typing import NamedTuple

from bklint import limits
from bklint.errors import LimitError
from bklint.records import dataclass, field

MAX_STATEMENTS = 50_000
"""Most statements of one script."""


class Ref(NamedTuple):
    """A part of a word that is not literal: a variable by its name, or, without a name, an expression. `default` is
    what stands for it where it has no value (`${x:-y}`)."""

    name: str
    text: str
    default: str | None = None


class Word(NamedTuple):
    """One word with its quotes removed. `items` are the members of a list (PowerShell's `a, b`) or the words that braces
    make of one (`{a,b}` in a shell); `quoted` says that the word began with a quote or is an expression, so that it is
    no option, no operator and no command. `many`: an array, also one without members. `members`: the entries of a hash
    table, statements of the words `Name = 'x'`."""

    parts: tuple[str | Ref, ...]
    start: int
    end: int
    quoted: bool = False
    items: tuple[Word, ...] = ()
    content: int = -1
    """Where the text of a quoted word begins that stands in the script letter by letter; -1 for others."""
    many: bool = False
    members: tuple[Statement, ...] | None = None

    @property
    def literal(self) -> str | None:
        """The text of a word without references."""
        if not self.parts:
            return ""
        return self.parts[0] if len(self.parts) == 1 and isinstance(self.parts[0], str) else None


class Body(NamedTuple):
    """Text that a statement is given as input: a here-document. `expands` says that references in it are replaced."""

    start: int
    end: int
    expands: bool
    strip_tabs: bool = False


class Redirect(NamedTuple):
    """Where the output of a statement goes."""

    target: Word
    append: bool


class Loop(NamedTuple):
    """A loop over words, with references as they are written; None where they are the output of something, which `text`
    tells, or of the statement `source` in the pipeline."""

    variable: str
    items: tuple[Word, ...] | None
    text: str = ""
    source: Statement | None = None


class Parameter(NamedTuple):
    """A parameter of a function, and what it is where a call does not give it."""

    name: str
    default: Word | None = None


@dataclass(slots=True, eq=False)
class Statement:
    """A command, or assignments without one (then `words` is empty).

    `assigned` are the variables that it sets; None stands for a value that is not a word (the output of a command).
    `source` is the statement whose output is its input, in a pipeline. `tested` marks the condition of an `if`.
    """

    words: tuple[Word, ...]
    start: int
    end: int
    conditional: bool = False
    function: str = ""
    loops: tuple[Loop, ...] = ()
    assigned: tuple[tuple[str, Word | None], ...] = ()
    bodies: tuple[Body, ...] = ()
    redirects: tuple[Redirect, ...] = ()
    source: Statement | None = None
    appends: bool = False
    """An assignment that adds to the value (`+=`)."""
    tested: bool = False
    members: tuple[Statement, ...] | None = None
    """The settings in the block of a resource, in a configuration for PowerShell's DSC: `Name = 'x'` is a statement of
    these three words."""
    branch: tuple[int, ...] = ()
    """The conditions around a conditional statement, outermost first, each by a number of its own: what is set under a
    condition is known to what stands under the same one."""


@dataclass(slots=True)
class Script:
    """The statements of a script; `gaps` counts the places that could not be read, `functions` the names it defines,
    `parameters` has those of functions that name them."""

    statements: list[Statement] = field(default_factory=list)
    functions: set[str] = field(default_factory=set)
    parameters: dict[str, tuple[Parameter, ...]] = field(default_factory=dict)
    gaps: int = 0


def utf8_text(raw: str) -> str:
    """Text of the bytes that a scanner reads as Latin-1, one character for each byte."""
    return raw.encode("latin-1").decode("utf-8", "replace")


def joined(parts: list[str | Ref]) -> tuple[str | Ref, ...]:
    """Parts with adjacent literals joined and empty ones left out."""
    found: list[str | Ref] = []
    for part in parts:
        if part == "":
            continue
        if isinstance(part, str) and found and isinstance(found[-1], str):
            found[-1] += part
        else:
            found.append(part)
    return tuple(found)


def bounded(data: bytes, what: str) -> bytes:
    """A text that a machine runs or reads. Raises LimitError where it is longer than the limit of such texts."""
    most = limits.value("script_bytes")
    if len(data) > most:
        told = (
            f"{what} of {len(data)} bytes; bklint reads such texts up to {most} bytes ({limits.told('script_bytes')})"
        )
        raise LimitError(told, limit="script_bytes")
    return data


def whole(script: Script) -> Script:
    """A script as read, noting that it was cut where it has as many statements as are read."""
    if len(script.statements) >= MAX_STATEMENTS:
        script.gaps += 1
        limits.hit("", f"a script of {MAX_STATEMENTS} statements or more, of which the rest is not looked at")
    return script
