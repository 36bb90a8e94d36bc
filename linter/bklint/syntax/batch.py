"""Windows command scripts (`.cmd`, `.bat`, and command lines that Windows runs) into a flat list of statements.

cmd.exe has no grammar worth the name; what matters here are its separators, its quotes, `if` and `for`. A command in
the body of an `if`, or behind `||`, is conditional.
"""

from __future__ import annotations

import re

from bklint.syntax.words import (
    MAX_STATEMENTS,
    Loop,
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

_TOKENS = {
    inside: re.compile(
        r"(?P<space>(?:[ \t\r\f]|\^\r?\n)+)|(?P<line>\n)|(?P<operator>\|\||&&|[&|])|(?P<redirect>[0-9]?>>?(?:&[0-9])?|<)"
        rf"|(?P<word>(?:\"[^\"\n]*\"?|\^.|[^\s\"^&|<>{')' if inside else ''}])+|\^)",
        re.DOTALL,
    )
    for inside in (False, True)
}
"""The tokens outside and inside a block; only there a bracket ends a word."""

_PIECE = re.compile(
    r"\"(?P<quoted>[^\"]*)\"?|\^(?P<escaped>.)|(?P<variable>%%?~?\w+%?|%[^%\s]+%|![^!\s]+!)|(?P<plain>[^\"^%!]+|[%!^])",
    re.S,
)
_IF = re.compile(
    r"(?:/i\s+)?(?:not\s+)?(?:exist\s+(?:\"[^\"]*\"|\S+)|defined\s+\S+|errorlevel\s+\d+|(?:\"[^\"\n]*\"|[^\s=\"]+)\s*(?:==|\s(?:equ|neq|lss|leq|gtr|geq)\s)\s*(?:\"[^\"\n]*\"|[^\s(]+))",
    re.IGNORECASE,
)
_SAME = re.compile(r"(?P<not>not\s+)?\"?(?P<a>\w+)\"?\s*==\s*\"?(?P<b>\w+)\"?", re.IGNORECASE)
_FOR = re.compile(
    r"for\s+(?P<switch>/\w(?:\s+(?:\"[^\"]*\"|(?!%)\S+))?\s+)?%%?(?P<variable>\w)\s+in\s*"
    r"\((?P<items>(?:\"[^\"\n]*\"|'[^'\n]*'|[^)\"'])*)\)\s*do\b",
    re.IGNORECASE,
)
_COMMENT = re.compile(r"[ \t@]*(?:rem(?=[\s/]|$)|::)[^\n]*", re.IGNORECASE)
_LABEL = re.compile(r"[ \t]*:[^\n]*")
_SET = re.compile(
    r"set\s+(?:\"(?P<name>[^=\"\n]+)=(?P<value>[^\"\n]*)\"|(?P<bare>[^=\"\s/][^=\"\n]*)=(?P<text>[^\n&|]*))", re.I
)


def parse(data: bytes) -> Script:
    """The statements of a script, spans in the bytes given. Raises LimitError for a script that is too long."""
    bounded(data, "a script")
    scanner = _Scanner(data.decode("latin-1"))
    scanner.run()
    return whole(scanner.script)


class _Scanner:
    def __init__(self, text: str) -> None:
        self.text = text
        self.at = 3 if text.startswith("\xef\xbb\xbf") else 0
        self.script = Script()
        self.blocks: list[tuple[bool, tuple[Loop, ...], bool]] = []
        self.base: tuple[bool, tuple[Loop, ...], bool] = (False, (), False)
        """Whether a block is conditional, the loops around it, and whether it is never run."""
        self._reset(True)

    def _reset(self, line: bool) -> None:
        """Begin a statement; at a new line what an `if` without a block made conditional is over."""
        self.words: list[Word] = []
        self.redirects: list[Redirect] = []
        self.pending = ""
        self.start = -1
        if line:
            self.conditional, self.loops, self.dead = self.base
            self.source: Statement | None = None

    def run(self) -> None:
        fresh = True
        while self.at < len(self.text) and len(self.script.statements) < MAX_STATEMENTS:
            if fresh:
                skipped = _COMMENT.match(self.text, self.at) or _LABEL.match(self.text, self.at)
                if skipped:
                    self.at, fresh = skipped.end(), False
                    continue
            bracket = self.text[self.at]
            if (bracket == "(" and not self.words) or (bracket == ")" and self.blocks):
                self.at += 1
                fresh = self._operator(bracket)
                continue
            match = _TOKENS[bool(self.blocks)].match(self.text, self.at)
            if match is None:
                fresh = False
                self.at += 1
                continue
            if match["space"]:
                self.at = match.end()
                continue
            fresh = self._take(match)
        self._finish()

    def _take(self, match: re.Match[str]) -> bool:
        """Take a token; whether a statement may begin behind it."""
        here = self.at
        self.at = match.end()
        if match["line"]:
            self._finish()
            self._reset(True)
            return True
        if match["operator"]:
            return self._operator(match["operator"])
        if match["redirect"]:
            stream = match["redirect"]
            self.pending = "" if "&" in stream else ">>" if stream.endswith(">>") else ">"
            if stream[0] in "2<":
                self.pending = "drop" if "&" not in stream else ""
            return False
        if not self.words and self._keyword(here):
            return True
        self._word(match["word"], here)
        return False

    def _operator(self, operator: str) -> bool:
        statement = self._finish()
        if operator == "(":
            self.blocks.append(self.base)
            self.base = (self.conditional, self.loops, self.dead)
        elif operator == ")":
            self.base = self.blocks.pop() if self.blocks else (False, (), False)
            self._reset(True)
        self._reset(False)
        self.source = statement if operator == "|" else None
        if operator == "||":
            self.conditional = True
        return True

    def _keyword(self, here: int) -> bool:
        """`if`, `else` and `for` in front of a command."""
        while self.text[here : here + 1] == "@":
            here += 1
        word = re.compile(r"(if|else|for)\b", re.I).match(self.text, here)
        if word is None:
            return False
        name = word[1].casefold()
        if name == "for":
            match = _FOR.match(self.text, here)
            if match is None:
                return False
            at = match.start("items")
            items = () if match["switch"] else tuple(_item(each, at) for each in _ITEM.finditer(match["items"]))
            known = not match["switch"] and not re.search(r"[*?]", match["items"])
            written = utf8_text(match["items"].strip())
            self.loops = (*self.loops, Loop(match["variable"], items if known else None, written))
            self.at = match.end()
            return True
        self.conditional = True
        self.at = word.end()
        if name == "if":
            blank = re.compile(r"\s*").match(self.text, self.at)
            self.at = blank.end() if blank else self.at
            match = _IF.match(self.text, self.at)
            self.at = match.end() if match else self.at
            same = _SAME.fullmatch(match[0]) if match else None
            if same is not None:  # `if 1==0`, to leave something out
                self.dead = self.dead or (same["a"] == same["b"]) is bool(same["not"])
        return True

    def _word(self, raw: str, here: int) -> None:
        if self.start < 0:
            self.start = here
            set_ = _SET.match(self.text, here)
            if set_ and raw.casefold() == "set":
                name, value = set_["name"] or set_["bare"], set_["value"] if set_["name"] else set_["text"]
                self._assign(name, value or "", here, set_.end())
                return
        parts: list[str | Ref] = []
        stripped = raw[1:] if not self.words and raw.startswith("@") else raw
        for match in _PIECE.finditer(stripped):
            if match["quoted"] is not None:
                parts += _variables(match["quoted"])
            elif match["escaped"]:
                parts.append(utf8_text(match["escaped"]))
            elif match["variable"]:
                parts.append(_reference(match["variable"]))
            else:
                parts.append(utf8_text(match["plain"]))
        whole = stripped.startswith('"') and stripped.count('"') == 2 and stripped.endswith('"')
        content = here + len(raw) - len(stripped) + 1 if whole else -1
        word = Word(joined(parts), here, self.at, raw.startswith('"') and bool(self.words), (), content)
        if self.pending:
            if self.pending != "drop":
                self.redirects.append(Redirect(word, self.pending == ">>"))
            self.pending = ""
        else:
            self.words.append(word)

    def _assign(self, name: str, value: str, start: int, end: int) -> None:
        word = Word(joined(_variables(value.rstrip())), start, end, True)
        assigned = ((name.strip().casefold(), word),)
        if not self.dead:
            self.script.statements.append(Statement((), start, end, self.conditional, "", self.loops, assigned))
        self.at, self.start = end, -1

    def _finish(self) -> Statement | None:
        if not self.words:
            return None
        end = max(self.words[-1].end, self.redirects[-1].target.end if self.redirects else 0)
        statement = Statement(
            tuple(self.words), self.start, end, self.conditional, "", self.loops,
            redirects=tuple(self.redirects), source=self.source,
        )  # fmt: skip
        if not self.dead:
            self.script.statements.append(statement)
        return statement


_ITEM = re.compile(r"\"[^\"\n]*\"?|[^\s,;=\"]+")
"""A member of the list of `for`: blanks, commas, semicolons and equals signs part them."""


def _item(match: re.Match[str], at: int) -> Word:
    text = match[0].strip('"') if match[0].startswith('"') else match[0]
    return Word(joined(_variables(text)), at + match.start(), at + match.end(), match[0].startswith('"'))


def _variables(text: str) -> list[str | Ref]:
    """Text between quotes, in which variables are replaced and nothing else is special."""
    found: list[str | Ref] = []
    at = 0
    for match in re.finditer(r"%%?~?\w+%?|%[^%\s]+%|![^!\s]+!", text):
        found += [utf8_text(text[at : match.start()]), _reference(match[0])]
        at = match.end()
    return [*found, utf8_text(text[at:])]


def _reference(text: str) -> Ref:
    name = text.strip("%!~").casefold()
    known = ("systemroot", "windir", "systemdrive", "programdata", "programfiles", "allusersprofile")
    return Ref(("env:" if name in known else "") + name, text)
