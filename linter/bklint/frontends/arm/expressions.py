"""Template expressions: the text inside the brackets of `[concat('a', parameters('b'))]` into a small tree.

The grammar is https://learn.microsoft.com/azure/azure-resource-manager/templates/template-expressions. What a reader
would not guess: property and index accesses are one `Access` with a row of steps, so that a long chain costs no depth,
and the parser keeps its own stack, so that a deep expression is a `LimitError` and never a crash.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import NamedTuple, TypeAlias

from bklint.errors import InputError, LimitError

MAX_DEPTH = 256
"""Deepest nesting of calls and indexes that is read."""

SOURCES = frozenset({"parameters", "variables", "lambdavariables", "reference", "references"})
"""Functions whose result is not decided by their arguments alone, so that a call of them is no constant."""


class Literal(NamedTuple):
    """A quoted string or a number."""

    value: str | int | float | bool | None

    @property
    def constant(self) -> bool:
        """Whether it is written in the expression itself."""
        return True


class Call(NamedTuple):
    """`name(arguments)`; the name in lower case, a user-defined function's with its namespace: `contoso.name`."""

    name: str
    arguments: tuple[Node, ...]
    constant: bool


class Step(NamedTuple):
    """`.name`, `[key]`, or one of them written safe: `.?name`, `[?key]`."""

    key: Node
    safe: bool


class Access(NamedTuple):
    """`target.a[0].b`."""

    target: Node
    steps: tuple[Step, ...]
    constant: bool


Node: TypeAlias = Literal | Call | Access


def is_expression(text: str) -> bool:
    """Whether a JSON string is an expression: in brackets, and the first one is not escaped as `[[`."""
    return text[:1] == "[" and text[-1:] == "]" and text[1:2] != "["


def unescaped(text: str) -> str:
    """A string that is no expression, as it is meant: `[[x]` is `[x]`."""
    return text[1:] if text.startswith("[[") else text


class Failure(NamedTuple):
    """What is wrong with an expression; `limit` where it is only too deep."""

    message: str
    limit: bool = False


@lru_cache(maxsize=32768)
def parsed(text: str) -> Node | Failure:
    """The tree of an expression with its outer brackets, or why there is none. Remembered by text."""
    try:
        return parse(text)
    except LimitError as error:
        return Failure(error.message, True)
    except InputError as error:
        return Failure(error.message)


def parse(text: str) -> Node:
    """The tree of an expression with its outer brackets. Raises InputError with the character, LimitError."""
    return _Parser(text[1:-1]).run()


_TOKEN = re.compile(
    r"\s*(?:('[^']*(?:''[^']*)*')|(-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?)|([^\W\d][\w$]*|\$[\w$]*)|(\.\?|\[\?|[().,\[\]])|\Z)"
)
_WORDS: dict[str, bool | None] = {"true": True, "false": False, "null": None}


class _Token(NamedTuple):
    kind: str
    text: str
    at: int


class _Open(NamedTuple):
    """A call or an index whose closing bracket has not come yet."""

    name: str
    arguments: list[Node]
    target: Node | None = None
    safe: bool = False


_KINDS = ("", "string", "number", "name", "mark")


def _tokens(text: str) -> list[_Token]:
    found: list[_Token] = []
    at, size, match_at = 0, len(text), _TOKEN.match
    while at < size:
        match = match_at(text, at)
        if match is None:
            raise InputError(f"unexpected {text[at : at + 10].strip()!r} in the expression", at)
        kind = match.lastindex
        if kind:
            at, end = match.span(kind)
            found.append(_Token(_KINDS[kind], text[at:end], at))
            at = end
        else:
            at = size
    found.append(_Token("end", "", size))
    return found


class _Parser:
    """Reads one expression with a stack of the brackets that are open."""

    def __init__(self, text: str) -> None:
        self.tokens = _tokens(text)
        self.at = 0
        self.open: list[_Open] = []

    def run(self) -> Node:
        while True:
            node = self.operand()
            while node is not None:
                token = self.take()
                if token.text in (".", ".?"):
                    name = self.take()
                    if name.kind != "name":
                        raise self.unexpected(name)
                    node = _access(node, Literal(name.text), token.text == ".?")
                elif token.text in ("[", "[?"):
                    self.push(_Open("", [], node, token.text == "[?"))
                    node = None
                elif token.kind == "end" and not self.open:
                    return node
                else:
                    node = self.close(token, node)

    def operand(self) -> Node | None:
        """A literal, or a call without arguments; None where a bracket was opened, after which an operand must come."""
        token = self.take()
        if token.kind == "string":
            return Literal(token.text[1:-1].replace("''", "'"))
        if token.kind == "number":
            return Literal(_number(token.text))
        if token.kind != "name":
            raise self.unexpected(token)
        name = token.text
        while self.peek().text == "." and self.tokens[self.at + 1].kind == "name":
            self.take()
            name += "." + self.take().text
        if self.peek().text != "(":
            if name.lower() in _WORDS:
                return Literal(_WORDS[name.lower()])
            raise InputError(f"{name!r} is neither a text in quotes nor a function call", token.at)
        self.take()
        if self.peek().text == ")":
            self.take()
            return _call(name, ())
        self.push(_Open(name, []))
        return None

    def close(self, token: _Token, node: Node) -> Node | None:
        """What a comma or a closing bracket after an operand makes of it."""
        if not self.open:
            raise self.unexpected(token)
        frame = self.open[-1]
        if token.text == "," and frame.target is None:
            frame.arguments.append(node)
            return None
        if token.text == ")" and frame.target is None:
            self.open.pop()
            return _call(frame.name, (*frame.arguments, node))
        if token.text == "]" and frame.target is not None:
            self.open.pop()
            return _access(frame.target, node, frame.safe)
        raise self.unexpected(token)

    def push(self, frame: _Open) -> None:
        if len(self.open) >= MAX_DEPTH:
            raise LimitError(f"the expression is nested deeper than {MAX_DEPTH} levels", self.peek().at)
        self.open.append(frame)

    def peek(self) -> _Token:
        return self.tokens[self.at]

    def take(self) -> _Token:
        token = self.tokens[self.at]
        if token.kind != "end":
            self.at += 1
        return token

    def unexpected(self, token: _Token) -> InputError:
        if token.kind == "end":
            return InputError("the expression ends too early", token.at)
        return InputError(f"unexpected {token.text[:20]!r} in the expression", token.at)


def _call(name: str, arguments: tuple[Node, ...]) -> Call:
    name = name.lower()
    source = name in SOURCES or "." in name or name.startswith("list")
    return Call(name, arguments, not source and all(argument.constant for argument in arguments))


def _access(target: Node, key: Node, safe: bool) -> Access:
    if isinstance(target, Access):
        return Access(target.target, (*target.steps, Step(key, safe)), target.constant)
    return Access(target, (Step(key, safe),), target.constant)


def _number(text: str) -> int | float:
    if len(text) > 400:
        raise LimitError("a number of more than 400 digits")
    return float(text) if any(mark in text for mark in ".eE") else int(text)
