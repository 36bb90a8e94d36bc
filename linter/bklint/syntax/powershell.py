"""PowerShell scripts into a flat list of statements, by a scanner of our own.

The grammar available for PowerShell has errors on a third of real files, on the very commands that matter
(`Stop-Service VSS,MSDTC`), so one pass over the text finds what is needed: comments, strings, blocks, statement ends,
and the words of each command in argument mode. The scanner has no grammar to violate: whatever it reads it goes on
behind, once over each character, so it never fails and takes linear time.
"""

from __future__ import annotations

import re

from bklint.records import dataclass, field
from bklint.syntax.words import (
    MAX_STATEMENTS,
    Loop,
    Parameter,
    Redirect,
    Ref,
    Script,
    Statement,
    Word,
    bounded,
    joined,
    utf8_text,
    whole,
)

MAX_DEPTH = 256
"""Deepest nesting of brackets that is read."""

MAX_INNER = 4096
"""Most characters of a bracket that are looked at to see whether it holds literals."""

MAX_ITEMS = 1000
"""Most members of a list of words that are kept."""

MAX_BRANCHES = 16
"""Most conditions around a statement that are told apart."""

MAX_TABLES = 3
"""Deepest nesting of hash tables whose entries are read: each level is passed over once more."""

_SPACE = re.compile(r"(?:[ \t\r\f\v\xa0]|`\r?\n)+")
_COMMENT = re.compile(r"<#.*?(?:#>|\Z)|#[^\n]*", re.DOTALL)
_HERE = re.compile(r"@(?P<quote>['\"])[ \t]*\r?\n(?P<body>.*?)(?:\r?\n(?P=quote)@|\Z)", re.DOTALL)
_SINGLE = re.compile(r"'((?:[^']|'')*)'?")
_DOUBLE = re.compile(r"\"((?:[^\"`]|`.|\"\")*)\"?", re.DOTALL)
_VARIABLE = re.compile(
    r"[$@](?:\{(?P<braced>[^}]*)\}|(?P<name>(?:[A-Za-z]+:)?[A-Za-z_0-9]+|[?^$_]))(?P<rest>(?:\.[A-Za-z_][A-Za-z_0-9]*|\[[^\]\n]*\])*)"
)
_BARE = re.compile(r"(?:[^\s'\"`$;|&(){},<>@]|`.|@(?![({'\"A-Za-z_]))+", re.DOTALL)
_REDIRECT = re.compile(r"(?P<stream>[0-9*])?(?P<operator>>>?)(?:&[0-9])?")
_PIECES = re.compile(r"`(.)|\"\"|(\$\()|" + _VARIABLE.pattern.replace("[$@]", r"\$") + r"|([^`\"$]+|[$\"])", re.DOTALL)

_CONDITIONS = frozenset({"if", "elseif", "else", "switch", "while", "for", "until", "catch", "trap", "foreach"})
_PLAIN_BLOCKS = frozenset({"try", "finally", "do", "begin", "process", "end", "configuration", "node", "class"})
_FUNCTIONS = frozenset({"function", "filter", "workflow"})
_PREFIXES = frozenset({"return", "throw", "exit", ".", "&", "!"})
_ESCAPES = {"n": "\n", "t": "\t", "r": "\r", "0": "\0", "\n": ""}
_EACH = frozenset({"foreach-object", "%", "foreach"})
_WHERE = frozenset({"where-object", "?", "where"})


def parse(data: bytes) -> Script:
    """The statements of a script, spans in the bytes given. Raises LimitError for a script that is too long."""
    bounded(data, "a script")
    scanner = _Scanner(data.decode("latin-1"))
    scanner.run()
    scanner.script.statements.sort(key=lambda statement: statement.start)
    return whole(scanner.script)


@dataclass(slots=True)
class _Open:
    """A statement that is being read."""

    start: int = -1
    words: list[Word] = field(default_factory=list)
    keyword: str = ""
    target: str = ""
    appends: bool = False
    called: bool = False
    comma: bool = False
    source: Statement | None = None
    conditional: bool = False
    loop: Loop | None = None
    redirect: str = ""
    redirects: list[Redirect] = field(default_factory=list)
    touching: bool = False
    """Whether the last word ended just here, so that what follows without a blank belongs to it."""
    members: tuple[Statement, ...] | None = None
    many: bool = False
    """Whether it begins with the type of an array, `[string[]]`."""
    truth: bool | None = None
    """Whether the condition of an `if` or `while` always holds, or never does."""


@dataclass(slots=True)
class _Frame:
    """A block or bracket around what is being read, and the statement it interrupts."""

    closer: str
    outer: _Open
    start: int
    conditional: bool
    function: str
    loops: tuple[Loop, ...]
    tested: bool
    joins: bool
    """Whether the bracket follows a word without a blank: the arguments of a method."""
    desired: _Desired
    array: bool = False
    """Whether it is `@(`."""
    direct: list[Statement] = field(default_factory=list)
    """The statements right inside."""
    computes: bool = False
    """Whether there is an `if` or a loop right inside."""
    branch: tuple[int, ...] = ()
    dead: bool = False


@dataclass(slots=True)
class _Desired:
    """Where one is in a configuration for DSC: `members` collects the settings of the resource whose block it is, and
    `muted` says that what stands there is not run (a value made of blocks, the script that only tests)."""

    inside: bool = False
    members: list[Statement] | None = None
    muted: bool = False


class _Scanner:
    """Reads a text, or the entries of a hash table in it (`level` says in how many it is)."""

    def __init__(self, text: str, at: int = 0, size: int = -1, level: int = 0) -> None:
        self.text = text
        self.at = at
        self.size = len(text) if size < 0 else size
        self.level = level
        self.script = Script()
        self.frames: list[_Frame] = []
        self.now = _Open()
        self.conditional = False
        self.function = ""
        self.loops: tuple[Loop, ...] = ()
        self.tested = False
        self.desired = _Desired()
        self.branch: tuple[int, ...] = ()
        self.dead = False
        """Whether what is read is never run: `if ($false) { … }`."""
        self.before: bool | None = None
        """Whether the branch before an `else` is certain to be taken, or not to be."""

    def run(self) -> None:
        text, size = self.text, self.size
        if self.at == 0 and text.startswith("\xef\xbb\xbf"):
            self.at = 3
        while self.at < size and len(self.script.statements) < MAX_STATEMENTS:
            match = _SPACE.match(text, self.at)
            if match:
                self.at = match.end()
                self.now.touching = False
                continue
            character = text[self.at]
            if (character == "#" and not self.now.touching) or text.startswith("<#", self.at):
                match = _COMMENT.match(text, self.at)
                self.at = match.end() if match else self.at + 1
            elif not self._special(character):
                self._read_word()
        while self.frames:
            self.script.gaps += 1
            self._close(size)
        self._finish(size)

    # -- separators and brackets ---------------------------------------------------------------------------------------

    def _special(self, character: str) -> bool:
        """Take a character that is no part of a word."""
        here = self.at
        if character in "\n;":
            self.at += 1
            if character == ";" or not (self.now.comma or (self.now.source is not None and not self.now.words)):
                self._end(here)
        elif character in "|&" and not (character == "&" and not self._has_words()):
            self._operator(here, character)
        elif character == "&":
            self.at += 1
            self.now.called = True
            self._begin(here)
        elif character == ",":
            self.at += 1
            self.now.comma = True
            self.now.touching = False
        elif character in "({" or (
            character in "@$" and self.text[here + 1 : here + 2] in ("(", "{") and not self._braced()
        ):
            self._opened(here, character)
        elif character in ")}":
            self.at += 1
            if any(frame.closer == character for frame in self.frames[-3:]):
                while self.frames[-1].closer != character:
                    self._close(here)
                self._close(here)
            else:
                self.script.gaps += 1
                self._end(here)
        elif character in "<>" or (character in "0123456789*" and not self.now.touching and _stream(self.text, here)):
            match = _REDIRECT.match(self.text, here)
            self.at = match.end() if match else here + 1
            if match and "&" not in match[0] and match["stream"] in (None, "1"):
                self.now.redirect = match["operator"]
            elif match and "&" not in match[0]:
                self.now.redirect = "drop"
            self.now.touching = False
        else:
            return False
        return True

    def _braced(self) -> bool:
        """Whether `${` opens a variable's name here."""
        return self.text.startswith("${", self.at)

    def _has_words(self) -> bool:
        return bool(self.now.words or self.now.keyword)

    def _operator(self, here: int, character: str) -> None:
        double = self.text.startswith(character * 2, here)
        self.at += 2 if double else 1
        conditional = self.now.conditional
        statement = self._finish(here)
        self.now = _Open(conditional=conditional or (double and character == "|"))
        if not double and character == "|":
            self.now.source = statement or Statement((), here, here)

    def _opened(self, here: int, character: str) -> None:
        width = 2 if character in "@$" else 1
        bracket = self.text[here + width - 1]
        if character == "@" and bracket == "{":
            self.at = self._skipped(here + 2, "}")
            members = self._entries(here + 2, self.at - 1)
            self._word(Word((Ref("", self.text[here : self.at]),), here, self.at, members=members))
            return
        if bracket == "(" and self.now.keyword in (*_FUNCTIONS, "param"):
            self.at = self._skipped(here + width, ")")
            self._declares(self.text[here + width : self.at - 1])
            self.now = _Open() if self.now.keyword == "param" else self.now
            return
        self.at += width
        if len(self.frames) >= MAX_DEPTH:
            self.script.gaps += 1
            return
        self._begin(here)
        touching = self.now.touching and character == "("
        frame = _Frame(
            ")" if bracket == "(" else "}",
            self.now,
            here,
            self.conditional,
            self.function,
            self.loops,
            self.tested,
            touching,
            self.desired,
            character == "@",
            branch=self.branch,
            dead=self.dead,
        )
        self.frames.append(frame)
        self._enter(bracket)
        self.now = _Open()

    def _enter(self, bracket: str) -> None:
        """What holds inside a bracket, by the statement it belongs to."""
        now = self.now
        if now.conditional:
            self._maybe()
        if bracket == "(":
            self.tested = self.tested or now.keyword in _CONDITIONS
            return
        self._desire()
        name = (now.words[0].literal or "").casefold() if now.words else ""
        if self._in_switch():
            self._maybe()
        if now.keyword in _CONDITIONS and now.loop is None:
            self._branch(now)
        elif now.keyword in _FUNCTIONS and now.words:
            self.function = now.words[0].literal or "?"
            self.script.functions.add(self.function)
        elif name in _EACH:
            self.loops = (*self.loops, Loop("_", None, "$_", now.source))
        elif name in _WHERE:
            self.tested = True
        elif (each := self._each_of()) is not None:
            self.loops = (*self.loops, Loop("_", (each,)))
        if now.loop is not None:
            self.loops = (*self.loops, now.loop)

    def _branch(self, now: _Open) -> None:
        """Enter what runs under a condition."""
        truth = now.truth if now.keyword in ("if", "elseif", "while") else None
        if now.keyword in ("else", "elseif") and self.before is not None:
            truth = False if self.before else True if now.keyword == "else" else truth
        if truth is None or (truth and now.keyword == "elseif"):
            self._maybe()
        self.dead = self.dead or truth is False

    def _in_switch(self) -> bool:
        """Whether a block that is entered is that of a value in a `switch`."""
        outer = self.frames[-2] if len(self.frames) > 1 else None
        return outer is not None and outer.closer == "}" and outer.outer.keyword == "switch"

    def _maybe(self) -> None:
        self.conditional = True
        if len(self.branch) < MAX_BRANCHES:
            self.branch = (*self.branch, self.frames[-1].start)

    def _each_of(self) -> Word | None:
        """The collection whose method `ForEach` a block is given to, with or without round brackets."""
        outer = self.frames[-2] if len(self.frames) > 1 else None
        words = self.now.words or (outer.outer.words if outer is not None and outer.joins else [])
        last = words[-1] if words else None
        if last is None or not last.parts:
            return None
        part = last.parts[-1]
        if isinstance(part, str):
            return words[-2] if part.casefold() == ".foreach" and len(words) > 1 else None
        if len(last.parts) > 1 or not part.name.endswith(".foreach"):
            return None
        return last._replace(parts=(Ref(part.name[: -len(".foreach")], part.text[: -len(".foreach")]),))

    def _entries(self, start: int, end: int) -> tuple[Statement, ...] | None:
        """The entries of a hash table."""
        if self.level >= MAX_TABLES:
            return None
        inner, found = _Scanner(self.text, start, max(start, end), self.level + 1), list[Statement]()
        inner.desired = _Desired(True, found)
        inner.run()
        return tuple(found)

    def _declares(self, text: str) -> None:
        """Note the parameters of a function, which stand behind its name or in a block `param`."""
        name = self.now.words[0].literal if self.now.keyword in _FUNCTIONS and self.now.words else self.function
        if name:
            self.script.parameters[name.casefold()] = _parameters(text)

    def _desire(self) -> None:
        """Enter a block of a configuration for DSC: of a resource, or of a setting of one."""
        now, outer = self.now, self.desired
        if now.keyword == "configuration":
            self.desired = _Desired(True)
        elif outer.members is not None:
            runs = _setting(now.words[0]) == "setscript" if now.words else False
            self.desired = _Desired(outer.inside, None, outer.muted or not runs)
        elif outer.inside and not outer.muted and now.words and not now.keyword and not now.target:
            self.desired = _Desired(True, [])

    def _close(self, end: int) -> None:
        self._finish(end)
        frame = self.frames.pop()
        if frame.closer == "}" and self.desired is not frame.desired and self.desired.members is not None:
            frame.outer.members = tuple(self.desired.members)
        self.desired = frame.desired
        self.now = frame.outer
        self.conditional, self.function, self.loops = frame.conditional, frame.function, frame.loops
        self.tested, self.branch, self.dead = frame.tested, frame.branch, frame.dead
        after = min(end + 1, len(self.text))
        if frame.closer == ")" and self.now.keyword == "foreach" and not self.now.words:
            self.now.loop = self._loop(frame, end)
        elif self.now.keyword and frame.closer == ")":
            self.now.truth = _TRUTH.get(self.text[frame.start + 1 : min(end, frame.start + 40)].strip().casefold())
        elif self.now.keyword and frame.closer == "}":
            chained = self.now.keyword == "if" or (self.now.keyword == "elseif" and self.before is False)
            self.before = self.now.truth if chained else self.before if self.now.keyword == "elseif" else None
            self.now = _Open()
            if self.frames:
                self.frames[-1].computes = True
        elif not self.now.keyword:
            self._bracketed(frame, end, after)

    def _bracketed(self, frame: _Frame, end: int, after: int) -> None:
        """A finished bracket as a word of the statement around it."""
        items = self._values(frame, end) if frame.closer == ")" else None
        if frame.joins and self.now.words:
            name = self.now.words[-1].literal or ""
            if not (frame.direct or frame.computes or name):
                return  # `$x.GetEnumerator()`
            if "::" in name or name.startswith(".") or len(self.now.words) == 1:
                inner = utf8_text(self.text[frame.start + 1 : min(end, frame.start + MAX_INNER)])
                self.now.words.extend(items or (Word((Ref("", inner),), frame.start, after),))
            return
        if items is None or not (items or frame.array):
            self._word(self._unread(frame.start, after)._replace(quoted=False))
            return
        items = tuple(item._replace(start=frame.start, end=after, quoted=True) for item in items)
        if frame.array:
            first = items[0] if items else Word((), frame.start, after, True)
            self._word(first._replace(items=items, many=True, members=None))
        else:
            self._word(items[0] if len(items) == 1 else items[0]._replace(items=items, members=None))

    def _values(self, frame: _Frame, end: int) -> tuple[Word, ...] | None:
        """The words of a bracket that holds values; None for one that computes. What runs or computes in an array is
        a member, or several, that are not known."""
        found: list[Word] = []
        for each in frame.direct:
            word = each.words[0] if len(each.words) == 1 else None
            if word is not None and each.source is None and not each.redirects and not _is_command(word):
                found += word.items if word.items or word.many else (word,)
            elif each.source is not None and found:
                found[-1:] = [self._unread(each.start, each.end)]
            elif frame.array and not each.assigned:
                found.append(self._unread(each.start, each.end))
            elif not frame.array:
                return None
        if frame.computes:
            found.append(self._unread(frame.start, min(end + 1, len(self.text))))
        return tuple(found) if len(found) <= MAX_ITEMS and (frame.array or not frame.computes) else None

    def _unread(self, start: int, end: int) -> Word:
        written = utf8_text(self.text[start : min(end, start + MAX_INNER)])
        return Word((Ref("", written),), start, end, True)

    def _loop(self, frame: _Frame, end: int) -> Loop:
        """The loop of `foreach ($x in 'a', 'b')`."""
        words = tuple(word for each in frame.direct for word in each.words)
        first = words[0].parts[0] if words and words[0].parts else None
        if not isinstance(first, Ref) or len(words) < 3 or (words[1].literal or "").casefold() != "in":
            return Loop("", None)
        written = utf8_text(self.text[words[2].start : min(end, words[2].start + MAX_INNER)])
        piped = any(each.source is not None for each in frame.direct)
        known = len(words) == 3 and not piped and not _is_command(words[2])
        return Loop(first.name, words[2:] if known else None, written)

    def _skipped(self, at: int, closer: str) -> int:
        """The offset behind the bracket that is open at `at`; strings and comments are passed over."""
        depth, opener = 1, "(" if closer == ")" else "{"
        for match in _SKIP.finditer(self.text, at, self.size):
            depth += (match[0] == opener) - (match[0] == closer)
            if depth == 0:
                return match.end()
        return self.size

    # -- statements ----------------------------------------------------------------------------------------------------

    def _begin(self, at: int) -> None:
        if self.now.start < 0:
            self.now.start = at

    def _end(self, at: int) -> None:
        """A line or statement ends, unless the body of a condition is still to come."""
        if self.now.keyword in _CONDITIONS | _PLAIN_BLOCKS | _FUNCTIONS | {"param"} and self.text[at : at + 1] == "\n":
            self.now.touching = False
            return
        if self.desired.inside and self.now.words and self.now.members is None:
            block = _BLOCK.match(self.text, at)
            if block is not None:  # the block of a resource, on a line of its own
                self.at, self.now.touching = block.end() - 1, False
                return
        self._finish(at)

    def _finish(self, end: int) -> Statement | None:
        now, self.now = self.now, _Open()
        if now.keyword or not (now.words or now.target):
            return None
        words = tuple(now.words)
        if words and (now.called or (words[0].parts and isinstance(words[0].parts[0], Ref))):
            words = (words[0]._replace(quoted=not now.called), *words[1:])  # `$x` runs nothing, `& $x` does
        assigned: tuple[tuple[str, Word | None], ...] = ()
        if now.target:
            single = len(words) == 1 and (words[0].quoted or words[0].literal is None or _number(words[0]))
            if single and now.many and not words[0].many:
                words = (words[0]._replace(items=words[0].items or words[:1], many=True),)
            assigned = ((now.target, words[0] if single else None),)
            words = () if single else words
        while end > now.start and self.text[end - 1] in " \t\r\n":
            end -= 1
        statement = Statement(
            words,
            max(now.start, 0),
            end,
            self.conditional or now.conditional,
            self.function,
            self.loops,
            assigned,
            redirects=tuple(now.redirects),
            source=now.source,
            appends=now.appends,
            tested=self.tested,
            members=now.members,
            branch=self.branch,
        )
        self.before = None
        if self.frames:
            self.frames[-1].direct.append(statement)
        if self.desired.members is not None:
            self.desired.members.append(statement)
        elif not (self.desired.muted or self.dead):
            self.script.statements.append(statement)
        return statement

    # -- words ---------------------------------------------------------------------------------------------------------

    def _read_word(self) -> None:
        here = self.at
        match = _HERE.match(self.text, here)
        if match:
            self.at = match.end()
            body = match["body"]
            parts = joined([utf8_text(body)]) if match["quote"] == "'" else _expanded(body)
            self._word(Word(parts, here, self.at, True, (), match.start("body")))
            return
        if self.now.comma or (self.now.target and not self._has_words()):
            if self._cast():
                return
        elif not self._has_words() and self._leading():
            return
        if self._assignment():
            return
        self._word(self._composed())

    def _leading(self) -> bool:
        """Keywords, call operators and casts at the beginning of a statement."""
        match = _HEAD.match(self.text, self.at)
        if match is None:
            return False
        name = match["name"].casefold() if match["name"] else ""
        if match["cast"]:
            return self._cast()
        if self.level and self.desired.members is not None:  # the name of an entry
            return False
        if name in _PREFIXES or match["dot"]:
            self._begin(self.at)
            self.now.called = self.now.called or bool(match["dot"])
            self.at = match.end("dot") if match["dot"] else match.end("name")
            return True
        piped = self.now.source is not None
        if name in _CONDITIONS | _PLAIN_BLOCKS | _FUNCTIONS | {"param"} and not piped and not match["method"]:
            self._begin(self.at)
            self.now.keyword = name
            self.at = match.end("name")
            return True
        return False

    def _cast(self) -> bool:
        """`[string[]]` in front of an expression."""
        match = _HEAD.match(self.text, self.at)
        if match is None or not match["cast"]:
            return False
        self._begin(self.at)
        self.now.many = self.now.many or _ARRAY.search(match["cast"]) is not None
        self.at = match.end("cast")
        return True

    def _assignment(self) -> bool:
        """`$x = …`: what follows is a statement whose value the variable takes."""
        if self.now.words or self.now.keyword or self.now.target:
            return False
        match = _ASSIGNMENT.match(self.text, self.at)
        if match is None:
            return False
        self._begin(self.at)
        self.now.target = ((match["name"] or match["braced"] or "") + match["rest"]).casefold()
        self.now.appends = match["operator"] != "="
        self.at = match.end()
        return True

    def _composed(self) -> Word:
        """One word of bare text, strings and variables without blanks between them."""
        start, text = self.at, self.text
        parts: list[str | Ref] = []
        quoted, content = text[start] in "'\"", -1
        while self.at < len(text):
            character, here = text[self.at], self.at
            if character == "'":
                match = _SINGLE.match(text, here)
                assert match is not None
                parts.append(utf8_text(match[1].replace("''", "'")))
                content = match.start(1) if here == start and "''" not in match[1] else -1
            elif quoted and here > start and not self.now.words and _MEMBER.match(text, here):
                return self._unread(start, here)  # `'a,b'.Split(',')`
            elif character == '"':
                match = _DOUBLE.match(text, here)
                assert match is not None
                parts += _expanded(match[1])
                content = match.start(1) if here == start and "`" not in match[1] and '""' not in match[1] else -1
            elif character in "$@" and (match := _VARIABLE.match(text, here)):
                parts.append(
                    Ref((match["braced"] or match["name"] or "").casefold() + match["rest"].casefold(), match[0])
                )
            elif match := _BARE.match(text, here):
                parts.append(utf8_text(re.sub(r"`(.)", r"\1", match[0], flags=re.DOTALL)))
            else:
                break
            self.at = match.end()
        if self.at == start:
            self.at += 1
            parts.append(utf8_text(text[start : self.at]))
        return Word(joined(parts), start, self.at, quoted, (), content)

    def _word(self, word: Word) -> None:
        now = self.now
        self._begin(word.start)
        now.touching = True
        if now.redirect:
            if now.redirect != "drop":
                now.redirects.append(Redirect(word, now.redirect == ">>"))
            now.redirect = ""
        elif now.comma and now.words and len(now.words[-1].items) >= MAX_ITEMS:
            pass
        elif now.comma and now.words:
            last = now.words[-1]
            now.words[-1] = last._replace(items=(*(last.items or (last,)), word), end=word.end)
        else:
            now.words.append(word)
        now.comma = False


_HEAD = re.compile(
    r"(?P<cast>\[[A-Za-z][\w.\[\], ]*\](?!::))|(?P<dot>[.!&](?=[\s\"'$({]))|(?P<name>[A-Za-z][\w]*)(?P<method>[\w.:\\/-]*)"
)
_TRUTH = {
    "$true": True, "$false": False, "1": True, "0": False, "!$true": False, "-not $true": False, "!$false": True,
    "-not $false": True, "$null": False,
}  # fmt: skip
_MEMBER = re.compile(r"\.[A-Za-z]\w*\(")
_ARRAY = re.compile(r"\[\]|\barraylist\b|\blist\[", re.I)
_ASSIGNMENT = re.compile(
    r"\$(?:\{(?P<braced>[^}\n]*)\}|(?P<name>[\w:]+))(?P<rest>(?:\.\w+|\[[^\]\n]*\])*)[ \t]*(?P<operator>[-+*/%]?=)(?![=])[ \t]*"
)
_BLOCK = re.compile(r"\s*(?:#[^\n]*\n\s*)?\{")
_SKIP = re.compile(r"<#.*?#>|#[^\n]*|'(?:[^']|'')*'|\"(?:[^\"`]|`.|\"\")*\"|[(){}]", re.DOTALL)


def _setting(word: Word) -> str:
    """The name of a setting, `Name = …` or `Name=…`, in lower case."""
    first = word.parts[0] if word.parts else ""
    return first.partition("=")[0].casefold() if isinstance(first, str) else ""


def _stream(text: str, at: int) -> bool:
    return text[at + 1 : at + 2] == ">"


def _number(word: Word) -> bool:
    return (
        word.literal is not None
        and re.fullmatch(r"-?\d+(?:\.\d+)?(?:[kmgt]b)?|0x[0-9a-f]+", word.literal, re.I) is not None
    )


def _expanded(body: str) -> tuple[str | Ref, ...]:
    """The parts of text in double quotes."""
    parts: list[str | Ref] = []
    at = 0
    while at < len(body):
        match = _PIECES.match(body, at)
        if match is None:
            break
        at = match.end()
        if match[1] is not None:
            parts.append(_ESCAPES.get(match[1], utf8_text(match[1])))
        elif match[0] == '""':
            parts.append('"')
        elif match[2]:
            at = _bracket_end(body, at)
            parts.append(Ref("", utf8_text(body[match.start() : at])))
        elif match["name"] or match["braced"]:
            end = match.start("rest")
            at = end
            parts.append(Ref((match["braced"] or match["name"] or "").casefold(), utf8_text(body[match.start() : end])))
        else:
            parts.append(utf8_text(match[0]))
    return joined(parts)


def _bracket_end(text: str, at: int) -> int:
    depth = 1
    while at < len(text) and depth:
        depth += (text[at] == "(") - (text[at] == ")")
        at += 1
    return at


def _is_command(word: Word) -> bool:
    """Whether a word that stands alone is run."""
    return not (word.quoted or word.literal is None or word.many or _number(word))


_PARAMETER = re.compile(
    r"#[^\n]*|'(?:[^']|'')*'|\"(?:[^\"`]|`.|\"\")*\"|(?P<open>[\[({])|(?P<close>[\])}])"
    r"|\$(?P<name>\w+)(?:\s*=\s*(?P<default>'[^']*'|\"[^\"$`]*\"))?",
    re.DOTALL,
)


def _parameters(text: str) -> tuple[Parameter, ...]:
    """The parameters that a block `param`, or the bracket behind a function's name, declares."""
    found: list[Parameter] = []
    depth = 0
    for match in _PARAMETER.finditer(text):
        depth += bool(match["open"]) - bool(match["close"])
        if match["name"] and depth == 0 and len(found) < MAX_ITEMS:
            default = match["default"]
            word = None if default is None else Word((utf8_text(default[1:-1]),), 0, 0, True)
            found.append(Parameter(match["name"].casefold(), word))
    return tuple(found)
