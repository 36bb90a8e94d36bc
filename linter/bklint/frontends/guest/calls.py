"""A call: one run of a program in a script, with its arguments, and what it is given as input."""

from __future__ import annotations

import re

from bklint.frontends.guest.record import Recorder
from bklint.records import dataclass, field
from bklint.syntax.words import Statement


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
    whose output does, and `piped` the objects of that output, None for a call that no pipeline leads to."""

    name: str
    args: tuple[Arg, ...]
    start: int
    end: int
    conditional: bool
    out: Recorder
    statement: Statement
    given: tuple[Arg, ...] = ()
    before: Call | None = None
    piped: tuple[str, ...] | None = None
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


WRAPPERS = frozenset(
    {"sudo", "env", "nohup", "time", "nice", "ionice", "exec", "command", "builtin", "stdbuf", "timeout", "retry", "doas", "call",
     "start", "then", "do", "else", "chroot", "xargs", "!", "setsid", "echo_and_run"}
)  # fmt: skip
"""Programs that run the command that their arguments are."""


def program(name: str) -> str:
    """The name of a program in lower case, without directory and `.exe`."""
    bare = re.split(r"[\\/]", name)[-1] if not name.startswith("[") else name
    return re.sub(r"\.(?:exe|cmd|bat)\Z", "", bare.casefold())
