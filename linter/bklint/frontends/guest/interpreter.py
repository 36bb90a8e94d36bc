"""Statements of scripts → calls, variables, lists, loops and functions followed.

One interpreter for the three kinds of script. What a script sets is followed; what is set under a condition, what comes
out of a command, and parameters of the script are unknown, and say so. The body of a loop over known words is taken once
for each, that of a function where it is called. Nothing is run.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from bklint.frontends.guest.calls import WRAPPERS, Arg, Call, program
from bklint.frontends.guest.held import Held, listed, member, with_member
from bklint.frontends.guest.outputs import output
from bklint.frontends.guest.record import Recorder
from bklint.frontends.guest.text import marked
from bklint.model.value import Reason
from bklint.records import replace
from bklint.syntax.words import Loop, Ref, Script, Statement, Word

MAX_ROUNDS = 64
"""Most rounds of one loop that are taken."""

MAX_LOOPS = 8
"""Deepest nesting of loops whose rounds are taken."""

MAX_REPEATED = 20_000
"""Most statements that loops and functions repeat, over all of a script."""

MAX_CALLS = 8
"""Deepest nesting of calls of a script's own functions."""

MAX_TEXT = 1 << 16
"""Longest text that variables make of one word, in characters: `a=$a$a` doubles it each time."""

MAX_ITEMS = 2000
"""Most members of a list that is followed."""

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
_READS = frozenset({"read", "mapfile", "readarray", "getopts"})
"""Commands of a shell that set the variables they name."""


class Interpreter:
    """Turns the statements of one script into calls."""

    def __init__(self, script: Script, out: Recorder, family: str) -> None:
        self._script = script
        self._out = out
        self._family = family
        self._scopes: list[dict[str, Held]] = [{}]
        self._given: list[tuple[Held, ...]] = []
        """The arguments of the shell functions that are being taken."""
        self._active: list[str] = []
        self._under = False
        """Whether a function is being taken that is called under a condition only."""
        self._path: tuple[int, ...] = ()
        self._branch: tuple[int, ...] = ()
        """The conditions around the call of the function that is being taken, and those around the statement."""
        self._calls: dict[int, Call] = {}
        self._values: dict[int, Held] = {}
        self._at_exit: list[tuple[Call, Arg]] = []
        self._marks: dict[tuple[str, int, int, Reason], str] = {}
        self._seen: set[tuple[object, ...]] = set()
        self._repeating = 0
        self._broken: set[int] = set()
        """Loops that `break` may have ended."""
        self._left = MAX_REPEATED
        self._called = self._called_functions()
        self._bodies = self._function_bodies()
        self._ends = self._pipeline_ends()

    def _fold(self, name: str) -> str:
        return name if self._family == "shell" else name.casefold()

    def _called_functions(self) -> set[str]:
        names = {self._fold(name) for name in self._script.functions}
        found: set[str] = set()
        for statement in self._script.statements:
            words = [self._fold(word.literal or "") for word in statement.words[:2]]
            found.update({*words[:1], *(words[1:] if words[:1] == ["trap"] else ())} & names)
        return found

    def _function_bodies(self) -> dict[str, list[Statement]]:
        found: dict[str, list[Statement]] = {name: [] for name in self._called}
        for statement in self._script.statements:
            if self._fold(statement.function) in found:
                found[self._fold(statement.function)].append(statement)
        return found

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
        """Every call of the script, in the order in which they run. Functions that nothing calls stand where they are
        written."""
        top = [each for each in self._script.statements if self._fold(each.function) not in self._bodies]
        end = next((index for index, each in enumerate(top) if self._ends_here(each)), len(top))
        yield from self._block(top[:end], 0)
        for call, handler in self._at_exit:
            yield from self._handled(call, handler)

    def _ends_here(self, statement: Statement) -> bool:
        """Whether a shell script is certain to end: `exit` at the beginning of a line, so in no subshell."""
        if self._family != "shell" or not statement.words or statement.words[0].literal != "exit":
            return False
        alone = not (statement.conditional or statement.loops or statement.function or statement.source)
        return alone and self._out.text.data[max(statement.start - 1, 0) : statement.start] in (b"\n", b"")

    def _handled(self, call: Call, handler: Arg) -> Iterator[Call]:
        """What `trap … EXIT` runs at the end."""
        if self._fold(handler.text) in self._bodies:
            yield from self._function(self._fold(handler.text), call, ())
        else:
            yield replace(call, name="eval", args=(handler,))

    def _conditional(self, statement: Statement) -> bool:
        uncalled = statement.function != "" and self._fold(statement.function) not in self._called
        return statement.conditional or uncalled or self._under

    # -- blocks --------------------------------------------------------------------------------------------------------

    def _block(self, statements: Sequence[Statement], depth: int) -> Iterator[Call]:
        """The calls of statements; those in one loop, `depth` loops deep, are neighbours."""
        at = 0
        while at < len(statements):
            loops = statements[at].loops
            if len(loops) <= depth or depth >= MAX_LOOPS:
                yield from self._take(statements[at])
                at += 1
                continue
            loop, begin = loops[depth], at
            while at < len(statements) and len(statements[at].loops) > depth and statements[at].loops[depth] is loop:
                at += 1
            yield from self._repeat(loop, statements[begin:at], depth)

    def _repeat(self, loop: Loop, statements: Sequence[Statement], depth: int) -> Iterator[Call]:
        """The calls of all rounds of a loop."""
        choices = self._choices(loop, statements[0])
        cut = 1 + self._left // len(statements)
        if len(choices) > min(MAX_ROUNDS, cut):
            rest = self._unread(f"${loop.variable}", statements[0].start, statements[0].end, Reason.LIMIT)
            choices = [*choices[: min(MAX_ROUNDS, cut) - 1], Held(rest)]
        self._left -= len(statements) * (len(choices) - 1)
        key = self._key(loop.variable)
        before = self._scopes[-1].get(key)
        self._repeating += 1
        for chosen in choices:
            self._scopes[-1][key] = chosen
            yield from self._block(statements, depth + 1)
            if id(loop) in self._broken:
                break
        self._broken.discard(id(loop))
        self._repeating -= 1
        if key == "_":
            self._scopes[-1].pop(key, None)
            if before is not None:
                self._scopes[-1][key] = before

    def _choices(self, loop: Loop, first: Statement) -> list[Held]:
        """What the variable of a loop is in its rounds."""
        if loop.source is not None:
            return list(self._output(loop.source).each)
        if loop.items is None:
            text = self._unread(loop.text or f"${loop.variable}", first.start, first.end, Reason.OUTPUT)
            return [Held(text, origin=loop.text.casefold())]
        found: list[Held] = []
        for item in loop.items:
            found += self._spread(item, self._held(item))
        return found

    def _spread(self, word: Word, held: Held) -> list[Held]:
        """The words that a word becomes in a list: members, and in a shell what an unquoted variable is split into."""
        if held.items is not None:
            return [each for item in held.items for each in self._spread(word, item)]
        if self._family == "powershell" or word.quoted or not self._splits(word):
            return [held]
        parts = re.split(r"[\s,;=]+" if self._family == "batch" else r"\s+", held.text.strip())
        return [held._replace(text=part) for part in parts if part]

    def _splits(self, word: Word) -> bool:
        return any(isinstance(part, Ref) for part in word.parts)

    def _take(self, statement: Statement) -> Iterator[Call]:
        self._branch = (*self._path, *statement.branch)
        self._out.branch = "".join(f"{each}/" for each in self._branch)
        if statement.members is not None:
            yield self._desired(statement, statement.members)
        elif statement.words:
            yield from self._run(statement)
        self._assign(statement)

    # -- variables -----------------------------------------------------------------------------------------------------

    def _get(self, key: str) -> Held | None:
        """What a variable holds where the script is."""
        for scope in reversed(self._scopes):
            if key in scope:
                held = scope[key]
                if held.branch == self._branch[: len(held.branch)]:
                    return held
                return Held(held.unsure, origin=held.origin)
        return None

    def _assign(self, statement: Statement) -> None:
        for name, word in statement.assigned:
            base = re.split(r"[.\[]", name, maxsplit=1)[0]
            steps = name[len(base) :]
            key = self._key(base)
            scope = self._scopes[0 if re.match(r"(?:script|global):", name, re.I) else -1]
            value = self._assigned(statement, name, word)
            before = self._get(key)
            if statement.tested and self._family == "powershell":  # `for ($i = 0; …; $i++)`
                value = Held(
                    self._unread(self._name(statement, base), statement.start, statement.end, Reason.UNSUPPORTED)
                )
            if steps:
                changed = None if before is None else with_member(before, self._fold(steps), value)
                unsure = changed is None or self._conditional(statement)
                value = self._unsure(statement, base, before) if unsure or changed is None else changed
            elif statement.appends:
                value = self._appended(statement, name, before, value)
            elif self._conditional(statement) and (before is None or before[:3] != value[:3]):
                other = self._unsure(statement, base, value)
                value = value._replace(branch=self._branch, unsure=other.text) if self._branch else other
            scope[key] = value

    def _unsure(self, statement: Statement, name: str, value: Held | None) -> Held:
        text = self._unread(self._name(statement, name), statement.start, statement.end, Reason.CONDITION)
        return Held(text, origin=(value.origin if value is not None else "") or self._raw(statement))

    def _assigned(self, statement: Statement, name: str, word: Word | None) -> Held:
        """The value that a statement gives a variable."""
        if word is not None:
            held = self._held(word)
            return held if held.origin or not marked(held.text) else held._replace(origin=self._raw(statement))
        if id(statement) in self._values and id(statement) not in self._ends:
            return self._values[id(statement)]
        call = self._calls.get(id(statement)) if statement.words else None
        if call is not None and id(statement) not in self._ends:
            found = output(call)
            if found is not None:
                return listed(tuple(found), self._raw(statement))
        text = self._unread(self._name(statement, name), statement.start, statement.end, Reason.OUTPUT)
        return Held(text, origin=self._raw(statement))

    def _appended(self, statement: Statement, name: str, before: Held | None, value: Held) -> Held:
        """The value of a variable that another one was added to."""
        if before is None:
            before = Held(self._unread(f"${name}", statement.start, statement.end, Reason.INPUT))
        if self._conditional(statement):
            value = self._unsure(statement, name, value)
        if before.items is not None:
            items = (*before.items, *value.each)
            return listed(items) if len(items) <= MAX_ITEMS else self._limited(statement, name)
        if value.items is not None and self._family != "powershell":
            return listed((before, *value.items))
        text = before.text + value.text
        return Held(text, origin=value.origin) if len(text) <= MAX_TEXT else self._limited(statement, name)

    def _name(self, statement: Statement, name: str) -> str:
        """A variable as it is written where it is set."""
        written = self._out.text.source.text(statement.start, statement.end)
        match = re.search(rf"\b{re.escape(name)}\b", written[:MAX_RAW], re.I)
        return f"${name if match is None else match[0]}"

    def _limited(self, statement: Statement, name: str) -> Held:
        return Held(self._unread(f"${name}", statement.start, statement.end, Reason.LIMIT))

    def _key(self, name: str) -> str:
        return self._fold(re.sub(r"^(?:script|global|local|private|using|variable):", "", name, flags=re.I))

    def _raw(self, statement: Statement) -> str:
        """The command that a variable takes its value from, with the pipeline behind it, in lower case."""
        end = max(statement.end, min(self._ends.get(id(statement), 0), statement.end + MAX_RAW))
        return self._out.text.source.text(statement.start, end).casefold()

    def _unread(self, cause: str, start: int, end: int, reason: Reason) -> str:
        key = (cause, start, end, reason)
        if key not in self._marks:
            self._marks[key] = self._out.text.unknowns.unread(cause, self._out.text.place(start, end), reason)
        return self._marks[key]

    # -- words ---------------------------------------------------------------------------------------------------------

    def _held(self, word: Word) -> Held:
        """What a word stands for."""
        if word.members is not None:
            return self._table(word, word.members)
        if word.many or word.items:
            found: list[Held] = []
            for item in word.items:
                held = self._held(item)
                found += self._spread(item, held) if self._family == "shell" else held.each
            return listed(tuple(found[:MAX_ITEMS]))
        if len(word.parts) == 1 and isinstance(word.parts[0], Ref):
            return self._reference(word.parts[0], word)
        text, origin = "", ""
        for part in word.parts:
            if isinstance(part, str):
                text += part
                continue
            held = self._reference(part, word)
            text += held.text
            origin = held.origin or origin
            if len(text) > MAX_TEXT:
                return Held(self._unread("a text that grows without end", word.start, word.end, Reason.LIMIT))
        return Held(text, origin=origin)

    def _table(self, word: Word, members: tuple[Statement, ...]) -> Held:
        found: dict[str, Held] = {}
        for entry in members:
            setting = setting_of(entry)
            if setting is not None:
                found[setting[0]] = self._held(setting[1])
            elif entry.words and (entry.words[0].literal or ""):
                name = (entry.words[0].literal or "").casefold()
                found[name] = Held(self._unread(f"{name} = …", entry.start, entry.end, Reason.UNSUPPORTED))
        text = self._unread("a hash table", word.start, word.end, Reason.UNSUPPORTED)
        return Held(text, None, found, self._out.text.source.text(word.start, word.end)[:MAX_RAW].casefold())

    def _reference(self, ref: Ref, word: Word) -> Held:
        key = self._key(ref.name)
        if self._family != "shell":
            if key in ("true", "false", "null"):
                return Held(f"${key}")
            known = _ENVIRONMENT.get(key.removeprefix("env:")) if key.startswith("env:") else None
            if known is not None:
                return Held(known)
        elif re.fullmatch(r"\d+|[@*]", key):
            return self._argument(key, ref, word)
        joined = _JOIN.fullmatch(ref.text) if not ref.name and self._family == "powershell" else None
        if joined is not None:
            head, tail = (self._operand(joined[part], word) for part in ("head", "tail"))
            return Held(head.text.rstrip("\\") + "\\" + tail.text.lstrip("\\"), origin=head.origin or tail.origin)
        added = _ADDED.fullmatch(ref.text) if not ref.name and self._family == "powershell" else None
        if added is not None:
            return _sum([self._operand(each[0], word) for each in _OPERAND.finditer(added[1])])
        base = re.split(r"[.\[]", key, maxsplit=1)[0]
        held = self._get(key) or self._get(base) if ref.name else None
        steps = key[len(base) :] if held is not None and self._get(key) is not held else ""
        if "[$" in steps:  # `$table[$key]`
            steps = _INDEX.sub(self._index, steps)
        if self._family == "shell" and not steps and held is not None and held.items:
            return held.items[0]
        found = held if not steps or held is None else member(held, steps)
        if found is not None:
            return found
        origin = (held.origin if held is not None else "") or ref.text.casefold()
        return Held(self._unread(ref.text, word.start, word.end, self._why(ref, held)), origin=origin)

    def _operand(self, written: str, word: Word) -> Held:
        """A literal or a variable as it is written in an expression."""
        if written.startswith("$"):
            return self._reference(Ref(written[1:].casefold(), written), word)
        return Held(written.strip("'\""))

    def _index(self, match: re.Match[str]) -> str:
        held = self._get(self._key(match[1]))
        if held is None or marked(held.text) or "'" in held.text:
            return match[0]
        return f"[{held.text}]" if re.fullmatch(r"-?\d+", held.text) else f"['{held.text.casefold()}']"

    def _why(self, ref: Ref, held: Held | None) -> Reason:
        """Why the value of a reference is not known."""
        if held is not None:
            first = self._out.text.unknowns.first(held.text)
            return first.reason if first is not None else Reason.UNSUPPORTED
        if ref.name:
            return Reason.INPUT
        return Reason.OUTPUT if _RUNS.match(ref.text) else Reason.UNSUPPORTED

    def _argument(self, key: str, ref: Ref, word: Word) -> Held:
        """`$1`, `$@`: of the function that is being taken, else of the script."""
        if self._given and key in ("@", "*"):
            return listed(self._given[-1])
        if self._given and key != "0":
            given = self._given[-1]
            return given[int(key) - 1] if int(key) <= len(given) else Held("")
        return Held(self._unread(ref.text, word.start, word.end, Reason.INPUT), origin=ref.text)

    def _args(self, word: Word) -> list[Arg]:
        """The arguments that a word makes."""
        held = self._held(word)
        if self._family == "shell":
            if held.items is not None or self._split_here(word, held):
                parts = self._spread(word, held)
                own = held.items is not None and word.quoted
                return [Arg(part.text, word.start, word.end, own, (), part.origin) for part in parts]
        elif (
            word.parts and isinstance(word.parts[0], Ref) and word.parts[0].text.startswith("@") and word.parts[0].name
        ):
            return self._splatted(held, word)
        text = held.text
        if word.items and not word.many:  # a program gets `a,b` as it is written, a cmdlet gets a list:
            text = ",".join(held.texts)  # https://github.com/PowerShell/PowerShell/issues/11646
        return [Arg(text, word.start, word.end, word.quoted, held.texts, held.origin, word.content)]

    def _split_here(self, word: Word, held: Held) -> bool:
        """Whether an unquoted variable of a shell is split into words."""
        at_variable = self._out.text.data[word.start : word.start + 1] == b"$"
        return not word.quoted and at_variable and " " in held.text and "\\" not in held.text

    def _splatted(self, held: Held, word: Word) -> list[Arg]:
        """`@params`: the entries of a table as named parameters, or the members of a list."""
        if held.table is None and held.items is None:
            return [Arg(held.text, word.start, word.end, False, (), "splat")]
        found: list[Arg] = []
        for name, value in (held.table or {}).items():
            found += [
                Arg(f"-{name}", word.start, word.end),
                Arg(value.text, word.start, word.end, True, value.texts, value.origin),
            ]
        return found + [
            Arg(item.text, word.start, word.end, True, item.texts, item.origin) for item in held.items or ()
        ]

    # -- commands ------------------------------------------------------------------------------------------------------

    def _run(self, statement: Statement) -> Iterator[Call]:
        args = [arg for word in statement.words for arg in self._args(word)]
        if not args:
            return
        call = self._call(args, statement)
        self._calls[id(statement)] = call
        if len(statement.words) == 1 and call.name == "":
            self._values[id(statement)] = self._held(statement.words[0])
        elif self._family == "powershell" and call.name == "" and _is_sum([arg.text for arg in args]):
            self._values[id(statement)] = _sum([self._held(word) for word in statement.words[::2]])
        elif self._family == "powershell" and len(args) == 3 and args[1].low in ("-split", "-csplit", "-isplit"):
            separator = args[2].text.replace("\\s*", "")
            if separator in (",", ";", "|", " ", "\n") and not marked(args[0].text):
                parts = args[0].text.split(separator)
                self._values[id(statement)] = listed(tuple(Held(part.strip(), origin=args[0].origin) for part in parts))
        name = self._fold(args[0].text)
        own = name in self._bodies and call.name not in WRAPPERS
        if not self._repeating or self._is_new(call):
            yield call
        if own:
            yield from self._function(name, call, args[1:])
        self._forget(call, statement)

    def _is_new(self, call: Call) -> bool:
        """Whether a statement that is repeated does something else than before."""
        key = (
            id(call.statement), call.name, call.conditional, call.piped, tuple((arg.text, arg.items) for arg in call.args),
            tuple(arg.text for arg in call.given),
        )  # fmt: skip
        if key in self._seen:
            return False
        self._seen.add(key)
        return True

    def _forget(self, call: Call, statement: Statement) -> None:
        """Forget the variables that `read` and its like set, and what a round is for that `continue` may have ended."""
        if call.name == "trap" and self._family == "shell" and {"EXIT", "0"} & {arg.text for arg in call.args[1:]}:
            self._at_exit.append((call, call.args[0]))
        elif (stepped := self._stepped(statement)) is not None:
            text = self._unread(stepped.text, call.start, call.end, Reason.UNSUPPORTED)
            self._scopes[-1][self._key(stepped.name)] = Held(text)
        elif call.name in _READS and self._family == "shell":
            for arg in call.args:
                if re.fullmatch(r"[A-Za-z_]\w*", arg.text):
                    self._scopes[-1][arg.text] = Held(self._unread(f"${arg.text}", call.start, call.end, Reason.OUTPUT))
        elif call.name in ("continue", "break") and statement.loops:
            loop = statement.loops[-1]
            text = self._unread(f"${loop.variable}", call.start, call.end, Reason.CONDITION)
            if self._key(loop.variable) in self._scopes[-1]:
                self._scopes[-1][self._key(loop.variable)] = Held(text)
            if call.name == "break":
                self._broken.add(id(loop))

    def _stepped(self, statement: Statement) -> Ref | None:
        """The variable of `$i++`."""
        parts = statement.words[0].parts if len(statement.words) == 1 and self._family == "powershell" else ()
        first = parts[0] if len(parts) == 2 and parts[1] in ("++", "--") else None
        return first if isinstance(first, Ref) else None

    def _function(self, name: str, call: Call, args: Sequence[Arg]) -> Iterator[Call]:
        """The calls of a function's body, where it is called."""
        body = self._bodies[name]
        if name in self._active or len(self._active) >= MAX_CALLS or self._left < len(body):
            return
        self._left -= len(body)
        under, path = self._under, self._path
        self._under, self._path = under or call.conditional, self._branch
        self._active.append(name)
        self._repeating += 1
        if self._family == "shell":
            self._given.append(tuple(Held(arg.text, origin=arg.origin) for arg in args))
        else:
            self._scopes.append(self._bound(name, call))
        yield from self._block(body, 0)
        if self._family == "shell":
            self._given.pop()
        else:
            self._scopes.pop()
        self._repeating -= 1
        self._active.pop()
        self._under, self._path = under, path
        self._branch = (*path, *call.statement.branch)

    def _bound(self, name: str, call: Call) -> dict[str, Held]:
        """The parameters of a function as a call gives them."""
        found: dict[str, Held] = {}
        rest = list(call.positional)
        for parameter in self._script.parameters.get(name, ()):
            arg = call.parameter(parameter.name)
            if arg is None and rest:
                arg = rest.pop(0)
            if arg is not None:
                items = tuple(Held(text, origin=arg.origin) for text in arg.items)
                found[parameter.name] = listed(items, arg.origin) if items else Held(arg.text, origin=arg.origin)
            elif parameter.default is not None:
                found[parameter.name] = self._held(parameter.default)
            else:
                text = self._unread(f"${parameter.name}", call.start, call.end, Reason.INPUT)
                found[parameter.name] = Held(text)
        return found

    def _desired(self, statement: Statement, members: tuple[Statement, ...]) -> Call:
        """A resource of a configuration for DSC as a call whose parameters are its settings."""
        found: dict[str, Arg] = {}
        for each in members:
            setting = setting_of(each)
            if setting is not None:
                arg = self._args(setting[1])[0]
                found.setdefault(setting[0], replace(arg, start=each.start, end=each.end))
        name = f"dsc {statement.words[0].literal or ''}".casefold()
        conditional = self._conditional(statement) or any(each.conditional for each in members)
        return Call(name, (), statement.start, statement.end, conditional, self._out, statement, _parameters=found)

    def _call(self, args: Sequence[Arg], statement: Statement) -> Call:
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
            tuple(self._input(statement, before)),
            before,
            self._piped(statement),
        )

    def _piped(self, statement: Statement) -> tuple[str, ...] | None:
        if statement.source is None or self._family != "powershell":
            return None
        return tuple(each.text for each in self._output(statement.source).each)

    def _output(self, statement: Statement) -> Held:
        """The objects that a statement of PowerShell puts into the pipeline."""
        if id(statement) in self._values:
            return self._values[id(statement)]
        call = self._calls.get(id(statement))
        found = output(call) if call is not None else None
        if found is not None:
            return listed(tuple(found))
        cause = f"the output of {call.name if call is not None and call.name else 'an expression'}"
        return Held(self._unread(cause, statement.start, statement.end, Reason.OUTPUT), origin=self._raw(statement))

    def _input(self, statement: Statement, before: Call | None) -> Iterator[Arg]:
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
            held = self._get(match[1] or match[2])
            if held is not None:
                return held.items[0].text if held.items else held.text
            return self._unread(match[0], start, end, Reason.INPUT)

        return _IN_BODY.sub(replaced, raw)


def _is_sum(words: Sequence[str]) -> bool:
    return len(words) > 2 and len(words) % 2 == 1 and all(word == "+" for word in words[1::2])


def _sum(operands: Sequence[Held]) -> Held:
    """`+` of PowerShell: of a list a longer list, else a longer text."""
    first, *rest = operands
    if first.items is not None:
        return listed((*first.items, *(each for held in rest for each in held.each)))
    text = "".join(held.text for held in operands)
    return Held(text[:MAX_TEXT], origin=next((held.origin for held in operands if held.origin), ""))


_OPERAND = re.compile(r"'[^']*'|\"[^\"$`]*\"|\$\w+")
_ADDED = re.compile(rf"\(\s*((?:{_OPERAND.pattern})(?:\s*\+\s*(?:{_OPERAND.pattern}))+)\s*\)")
_INDEX = re.compile(r"\[\$(\w+)\]")
_JOIN = re.compile(
    r"\(\s*Join-Path\s+(?:-Path\s+)?(?P<head>'[^']*'|\"[^\"$]*\"|\$[\w:]+)\s+(?:-ChildPath\s+)?(?P<tail>'[^']*'|\"[^\"$]*\"|\$\w+|[\w\\]+)\s*\)",
    re.I,
)
_RUNS = re.compile(r"\$\([^(]|`|[<>]\(|@?\(\s*[A-Za-z]+-[A-Za-z]|@?\(\s*(?:gc|gsv|type|cat)\b", re.I)
"""An expression whose value is what a command prints."""

_SETTING = re.compile(r"([A-Za-z]\w*)(?:=(.*))?\Z", re.DOTALL)


def setting_of(member: Statement) -> tuple[str, Word] | None:
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
