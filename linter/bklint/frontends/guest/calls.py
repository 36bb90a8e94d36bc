"""Statements of scripts → calls: the program, its arguments with variables followed, and what it is given as input.

One interpreter for the three kinds of script. Variables that a script sets are followed; those set under a condition,
and parameters, are unknown. A loop over literal words makes one call for each. Nothing is run.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from itertools import product

from bklint.frontends.guest.record import Recorder
from bklint.frontends.guest.text import marked
from bklint.model.value import Reason
from bklint.records import dataclass, field, replace
from bklint.syntax.words import Loop, Ref, Script, Statement, Word

MAX_ROUNDS = 64
"""Most calls that loops make of one statement."""

MAX_TEXT = 1 << 16
"""Longest text that variables make of one word, in characters: `a=$a$a` doubles it each time."""

MAX_RAW = 1 << 12
"""Most bytes that are looked at of the pipeline behind a command that a variable takes its value from."""

_ENVIRONMENT = {
    "systemroot": r"C:\Windows",
    "windir": r"C:\Windows",
    "systemdrive": "C:",
    "programdata": r"C:\ProgramData",
    "allusersprofile": r"C:\ProgramData",
    "programfiles": r"C:\Program Files",
    "public": r"C:\Users\Public",
}


@dataclass(frozen=True, slots=True)
class Arg:
    """An argument: its text (marks where it is not known), its bytes, the members of a list, and for a variable the
    command that its value came from, in lower case."""

    text: str
    start: int
    end: int
    quoted: bool = False
    items: tuple[str, ...] = ()
    origin: str = ""
    content: int = -1

    @property
    def all(self) -> tuple[str, ...]:
        """The members of a list, or the one text."""
        return self.items or (self.text,)

    @property
    def low(self) -> str:
        """The text in lower case."""
        return self.text.casefold()


@dataclass(slots=True)
class Call:
    """One run of a program. `given` is text that reaches its input, with the bytes where it stands; `before` the call
    whose output does."""

    name: str
    args: tuple[Arg, ...]
    start: int
    end: int
    conditional: bool
    out: Recorder
    statement: Statement
    given: tuple[Arg, ...] = ()
    before: Call | None = None
    _parameters: dict[str, Arg] | None = field(default=None)
    _positional: tuple[Arg, ...] = ()

    @property
    def words(self) -> list[str]:
        """The arguments in lower case."""
        return [arg.low for arg in self.args]

    @property
    def line(self) -> str:
        """The whole command in lower case."""
        return " ".join((self.name, *self.words))

    def after(self, option: str) -> Arg | None:
        """The argument behind an option."""
        for index, arg in enumerate(self.args[:-1]):
            if arg.low == option:
                return self.args[index + 1]
        return None

    def record(self, kind: str, **fields: object) -> None:
        """Add a guest resource at this call."""
        self.out.add(kind, self.start, self.end, self.conditional, **fields)  # type: ignore[arg-type]

    # -- PowerShell ----------------------------------------------------------------------------------------------------

    def parameter(self, *names: str) -> Arg | None:
        """The argument of a cmdlet's parameter; any unambiguous beginning of its name does. A switch is `$true`."""
        self._bind()
        assert self._parameters is not None
        for name in names:
            for given, arg in self._parameters.items():
                if name.casefold() == given or (len(given) >= 2 and name.casefold().startswith(given)):
                    return arg
        return None

    @property
    def positional(self) -> tuple[Arg, ...]:
        """The arguments of a cmdlet that no parameter name precedes."""
        self._bind()
        return self._positional

    def _bind(self) -> None:
        if self._parameters is not None:
            return
        found: dict[str, Arg] = {}
        rest: list[Arg] = []
        pending = ""
        for arg in self.args:
            match = None if arg.quoted else _PARAMETER.match(arg.text)
            if match:
                if pending:
                    found.setdefault(pending, Arg("$true", arg.start, arg.start))
                pending = match[1].casefold()
                if match[2] is not None:
                    found[pending] = Arg(match[3], arg.start, arg.end, True, (), arg.origin)
                    pending = "" if match[3] else pending
            elif pending:
                if pending in _SWITCHES:
                    found[pending] = Arg("$true", arg.start, arg.start)
                    rest.append(arg)
                else:
                    found[pending] = arg
                pending = ""
            else:
                rest.append(arg)
        if pending:
            found.setdefault(pending, Arg("$true", self.end, self.end))
        self._parameters, self._positional = found, tuple(rest)


_PARAMETER = re.compile(r"[-\u2013]([A-Za-z][A-Za-z0-9]*)(:(.*))?\Z", re.DOTALL)
_SWITCHES = frozenset(
    {"force", "passthru", "confirm", "whatif", "verbose", "append", "nonewline", "wait", "norestart", "online", "remove",
     "skiphardwaretest", "usedspaceonly", "recoverypasswordprotector", "tpmprotector", "asjob", "noprofile", "nologo"}
)  # fmt: skip


class Interpreter:
    """Turns the statements of one script into calls."""

    def __init__(self, script: Script, out: Recorder, family: str) -> None:
        self._script = script
        self._out = out
        self._family = family
        self._variables: dict[str, str] = {}
        self._lists: dict[str, tuple[str, ...]] = {}
        self._origins: dict[str, str] = {}
        self._calls: dict[int, Call] = {}
        self._called = self._called_functions()
        self._ends = self._pipeline_ends()

    def _called_functions(self) -> set[str]:
        names = {name.casefold() for name in self._script.functions}
        return {
            word
            for statement in self._script.statements
            if statement.words and (word := (statement.words[0].literal or "").casefold()) in names
        }

    def _pipeline_ends(self) -> dict[int, int]:
        """Where the pipeline ends that a statement begins."""
        first: dict[int, Statement] = {}
        ends: dict[int, int] = {}
        for statement in self._script.statements:
            if statement.source is not None:
                begun = first.setdefault(id(statement), first.get(id(statement.source), statement.source))
                ends[id(begun)] = max(ends.get(id(begun), 0), statement.end)
        return ends

    def calls(self) -> Iterator[Call]:
        """Every call of the script, in order."""
        for statement in self._script.statements:
            if statement.members is not None:
                yield from self._desired(statement, statement.members)
            elif statement.words:
                yield from self._run(statement)
            self._assign(statement)

    def _conditional(self, statement: Statement) -> bool:
        uncalled = statement.function != "" and statement.function.casefold() not in self._called
        return statement.conditional or uncalled

    # -- variables -----------------------------------------------------------------------------------------------------

    def _assign(self, statement: Statement) -> None:
        for name, word in statement.assigned:
            key = self._key(name)
            self._origins.pop(key, None)
            self._lists.pop(key, None)
            if word is None:
                self._variables.pop(key, None)
                self._origins[key] = self._raw(statement)
                continue
            arg = self._arg(word, {})
            text = arg.text
            if statement.appends:
                text = self._variables.get(key, self._unread(f"${name}", word)) + text
                if len(text) > MAX_TEXT:
                    text = self._unread(f"${name}", word, Reason.LIMIT)
            elif self._conditional(statement) and self._variables.get(key) != text:
                text = self._unread(f"${name}", word, Reason.CONDITION)
            self._variables[key] = text
            if arg.items and not self._conditional(statement):
                self._lists[key] = arg.items
            if arg.origin or marked(text):
                self._origins[key] = arg.origin or self._raw(statement)

    def _key(self, name: str) -> str:
        name = re.sub(r"^(?:script|global|local|private):", "", name, flags=re.I)
        return name if self._family == "shell" else name.casefold()

    def _raw(self, statement: Statement) -> str:
        """The command that a variable takes its value from, with the pipeline behind it, in lower case."""
        end = max(statement.end, min(self._ends.get(id(statement), 0), statement.end + MAX_RAW))
        return self._out.text.source.text(statement.start, end).casefold()

    def _unread(self, cause: str, word: Word, reason: Reason = Reason.UNSUPPORTED) -> str:
        return self._out.text.unknowns.unread(cause, self._out.text.place(word.start, word.end), reason)

    def _expand(self, word: Word, rounds: dict[str, str]) -> tuple[str, str]:
        """The text of a word, and where the last variable in it came from."""
        found, origin = "", ""
        for part in word.parts:
            if isinstance(part, str):
                found += part
                continue
            text, from_ = self._reference(part, word, rounds)
            found += text
            origin = from_ or origin
            if len(found) > MAX_TEXT:
                return self._unread("a text that grows without end", word, Reason.LIMIT), ""
        return found, origin

    def _reference(self, ref: Ref, word: Word, rounds: dict[str, str]) -> tuple[str, str]:
        key = self._key(ref.name)
        base = key.partition(".")[0].partition("[")[0]
        if self._family != "shell":
            if key in ("true", "false", "null"):
                return f"${key}", ""
            known = _ENVIRONMENT.get(key.removeprefix("env:")) if key.startswith("env:") else None
            if known is not None:
                return known, ""
        if ref.text.startswith("@") and ref.name:
            return self._unread(ref.text, word), "splat"
        if key in rounds:
            return rounds[key], ""
        if key in self._variables:
            return self._variables[key], self._origins.get(key, "")
        origin = self._origins.get(base, "") or ref.text.casefold()
        return self._unread(ref.text, word, Reason.UNSUPPORTED if not ref.name else Reason.INPUT), origin

    def _arg(self, word: Word, rounds: dict[str, str]) -> Arg:
        text, origin = self._expand(word._replace(items=()), rounds)
        items = tuple(self._expand(item, rounds)[0] for item in word.items)
        if not items and len(word.parts) == 1 and isinstance(word.parts[0], Ref):
            items = self._lists.get(self._key(word.parts[0].name), ())
        return Arg(text, word.start, word.end, word.quoted, items, origin, word.content)

    # -- commands ------------------------------------------------------------------------------------------------------

    def _run(self, statement: Statement) -> Iterator[Call]:
        for rounds in self._rounds(statement):
            args = self._split([self._arg(word, rounds) for word in statement.words])
            call = self._call(args, statement)
            if call is not None:
                self._calls[id(statement)] = call
                yield call

    def _desired(self, statement: Statement, members: tuple[Statement, ...]) -> Iterator[Call]:
        """A resource of a configuration for DSC as a call whose parameters are its settings."""
        for rounds in self._rounds(statement):
            found: dict[str, Arg] = {}
            for member in members:
                setting = _setting(member)
                if setting is not None:
                    arg = self._arg(setting[1], rounds)
                    found.setdefault(setting[0], replace(arg, start=member.start, end=member.end))
            name = f"dsc {statement.words[0].literal or ''}".casefold()
            conditional = self._conditional(statement) or any(member.conditional for member in members)
            yield Call(name, (), statement.start, statement.end, conditional, self._out, statement, _parameters=found)

    def _split(self, args: list[Arg]) -> list[Arg]:
        """An unquoted variable in a shell is split into words."""
        if self._family != "shell":
            return args
        found: list[Arg] = []
        for arg in args:
            if (
                not arg.quoted
                and " " in arg.text
                and "\\" not in arg.text
                and self._out.text.data[arg.start : arg.start + 1] == b"$"
            ):
                found += [Arg(text, arg.start, arg.end, False, (), arg.origin) for text in arg.text.split()]
            else:
                found.append(arg)
        return found

    def _rounds(self, statement: Statement) -> list[dict[str, str]]:
        words = [*statement.words, *(word for member in statement.members or () for word in member.words)]
        used = {
            self._key(part.name).partition(".")[0]
            for word in words
            for piece in (word, *word.items)
            for part in piece.parts
            if isinstance(part, Ref)
        }
        loops = [loop for loop in statement.loops if loop.items and self._key(loop.variable) in used]
        choices = [self._choices(loop) for loop in loops]
        found: list[dict[str, str]] = []
        for chosen in product(*choices):
            found.append(dict(chosen))
            if len(found) >= MAX_ROUNDS:
                break
        return found

    def _choices(self, loop: Loop) -> list[tuple[str, str]]:
        return [(self._key(loop.variable), self._expand(item, {})[0]) for item in loop.items or ()]

    def _call(self, args: Sequence[Arg], statement: Statement) -> Call | None:
        if (args[0].quoted and self._family != "shell") or marked(args[0].text):
            name = ""
        else:
            name = args[0].text
        before = self._calls.get(id(statement.source)) if statement.source is not None else None
        return Call(
            program(name),
            tuple(args[1:]) if name else tuple(args),
            statement.start,
            statement.end,
            self._conditional(statement),
            self._out,
            statement,
            tuple(self._given(statement, before)),
            before,
        )

    def _given(self, statement: Statement, before: Call | None) -> Iterator[Arg]:
        for body in statement.bodies:
            yield Arg(self._body(body.start, body.end, body.expands), body.start, body.end, True, content=body.start)
        if not statement.bodies and before is not None:
            if before.name in ("", "echo", "printf", "write-output"):
                yield from before.args
            elif before.name in ("cat", "tee", "sudo"):
                yield from before.given

    def _body(self, start: int, end: int, expands: bool) -> str:
        """The text of a here-document, variables followed where it expands."""
        raw = self._out.text.source.text(start, end)
        if not expands:
            return raw

        def replaced(match: re.Match[str]) -> str:
            name = match[1] or match[2]
            if name in self._variables:
                return self._variables[name]
            return self._out.text.unknowns.unread(match[0], self._out.text.place(start, end), Reason.INPUT)

        return _IN_BODY.sub(replaced, raw)


_SETTING = re.compile(r"([A-Za-z]\w*)(?:=(.*))?\Z", re.DOTALL)


def _setting(member: Statement) -> tuple[str, Word] | None:
    """The name of a setting in lower case, and its value: `Name = 'x'`, also without blanks."""
    first = member.words[0] if member.words else None
    match = (
        _SETTING.match(first.parts[0])
        if first is not None and first.parts and isinstance(first.parts[0], str)
        else None
    )
    if first is None or match is None:
        return None
    if match[2] is None:
        rest = member.words[2:] if len(member.words) > 2 and member.words[1].literal == "=" else ()
        return (match[1].casefold(), rest[0]) if len(rest) == 1 else None
    if match[2] or len(first.parts) > 1:
        parts = (match[2], *first.parts[1:]) if match[2] else first.parts[1:]
        items = tuple(item if item.start != first.start else item._replace(parts=parts) for item in first.items)
        return match[1].casefold(), first._replace(parts=parts, items=items)
    return (match[1].casefold(), member.words[1]) if len(member.words) == 2 else None


_IN_BODY = re.compile(r"(?<!\\)\$(?:\{([A-Za-z_]\w*)\}|([A-Za-z_]\w*))")


def program(name: str) -> str:
    """The name of a program in lower case, without directory and `.exe`."""
    bare = re.split(r"[\\/]", name)[-1] if not name.startswith("[") else name
    return re.sub(r"\.(?:exe|cmd|bat)\Z", "", bare.casefold())
