"""Bicep text into its declarations and, of those that are asked for, the tree of their value, all with spans.

Declarations are found by one pass over the text that knows strings, comments and brackets, so that every symbol has its
line even in a damaged file. What stands in a declaration is parsed with tree-sitter only when it is asked for, one
declaration at a time: the grammar does not know the newest syntax (spreads, `import {a, b}`), loses its way behind it,
and takes more than linear time on damaged text. Nothing here raises; what cannot be read is not there.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cache
from time import monotonic
from typing import TYPE_CHECKING, NamedTuple

from bklint.source import BOM, Source, Span

if TYPE_CHECKING:
    from tree_sitter import Node as Syntax
    from tree_sitter import Parser

MAX_BYTES = 256 * 1024
"""Longest declaration whose inside is looked at; the longest public one met has 40 KiB."""
MAX_SECONDS = 2.0
"""Longest time that the declarations of one file are parsed."""
MAX_DEPTH = 96
"""Deepest nesting of brackets in a declaration whose inside is looked at."""

RESOURCE, MODULE = "resource", "module"
KINDS = ("resource", "module", "param", "var", "output", "type", "func")


class Node:
    """A value. `kind` is object, array, loop, if, choice (a ternary, `??`, or the arguments of a call: a member may
    come from any of `items`) or text (anything else). `body` is where the body of a loop or condition starts."""

    __slots__ = ("body", "end", "items", "kind", "members", "nested", "start")

    def __init__(self, kind: str, start: int, end: int) -> None:
        self.kind = kind
        self.start = start
        self.end = end
        self.body = start
        self.items: list[Node] = []
        self.members: list[Member] = []
        self.nested: list[Declaration] = []

    def __repr__(self) -> str:
        return f"Node({self.kind}, {self.start}, {self.end})"

    @property
    def span(self) -> Span:
        """Its bytes."""
        return Span(self.start, self.end)

    @property
    def head(self) -> Span:
        """The `[for … :` or `if (…)` before the body."""
        return Span(self.start, self.body)

    def member(self, name: str) -> Member | None:
        """The member of an object by its name: exact, else in another case."""
        found = [each for each in self.members if each.name.lower() == name.lower()]
        return next((each for each in found if each.name == name), found[0] if found else None)


class Member(NamedTuple):
    """A property. `name` is empty where it is computed, and `...` for a spread."""

    name: str
    key: Span
    value: Node


class Declaration:
    """A resource, module, parameter, variable, output, type or function; `start` is that of its decorators.

    `type` is the resource type without version, of a nested resource its whole type, or the path of a module.
    """

    __slots__ = ("_file", "_inside", "end", "existing", "header", "kind", "start", "symbol", "type")

    def __init__(self, kind: str, symbol: str, type_: str, existing: bool, header: Span, whole: Span) -> None:
        self.kind = kind
        self.symbol = symbol
        self.type = type_
        self.existing = existing
        self.header = header
        self.start, self.end = whole
        self._file: File | None = None
        self._inside: _Inside | None = None

    def __repr__(self) -> str:
        return f"Declaration({self.kind} {self.symbol})"

    @property
    def span(self) -> Span:
        """From the keyword to the end."""
        return Span(self.header.start, self.end)

    @property
    def value(self) -> Node | None:
        """What stands behind `=`, or as the default; None where there is nothing or it cannot be read."""
        return self._parsed().value

    @property
    def decorators(self) -> dict[str, Node]:
        """The first arguments of its decorators by name."""
        return self._parsed().decorators

    @property
    def nested(self) -> list[Declaration]:
        """The resources declared inside it."""
        found = body_of(self.value)
        return found.nested if found is not None else []

    def _parsed(self) -> _Inside:
        if self._inside is None:
            self._inside = self._file.inside(self) if self._file is not None else _Inside(None, {})
        return self._inside


class _Inside(NamedTuple):
    """What is parsed of a declaration."""

    value: Node | None
    decorators: dict[str, Node]


def body_of(node: Node | None) -> Node | None:
    """The value behind loops and conditions."""
    while node is not None and node.kind in ("loop", "if"):
        node = node.items[0] if node.items else None
    return node


class File:
    """One Bicep file. `seconds` is the time that its parsing may still take."""

    __slots__ = ("comments", "declarations", "seconds", "source")

    def __init__(self, source: Source, declarations: list[Declaration], comments: list[Span]) -> None:
        self.source = source
        self.declarations = declarations
        self.comments = comments
        self.seconds = MAX_SECONDS
        for each in declarations:
            each._file = self

    def find(self, kind: str, symbol: str) -> Declaration | None:
        """The declaration of a symbol; symbols are exact."""
        return next((each for each in self.declarations if each.kind == kind and each.symbol == symbol), None)

    def inside(self, one: Declaration) -> _Inside:
        """The parsed inside of a declaration of this file."""
        text = self.source.data[one.start : one.end]
        if len(text) > MAX_BYTES or self.seconds <= 0 or _depth(text) > MAX_DEPTH:
            return _Inside(None, {})
        began = monotonic()
        feed = _Feed(_known_syntax(text), began + self.seconds)
        tree = _parser().parse(feed.read)
        found = _Reader(self.source.data, one).read(tree.root_node) if tree is not None else _Inside(None, {})
        self.seconds -= monotonic() - began
        return found


class _Feed:
    """Gives a text to the parser in pieces, and ends it early when time is up."""

    def __init__(self, data: bytes, deadline: float) -> None:
        self._data = data
        self._deadline = deadline

    def read(self, offset: int, _: object) -> bytes:
        """The piece at an offset."""
        return b"" if monotonic() > self._deadline else self._data[offset : offset + 1024]


@cache
def _parser() -> Parser:
    import tree_sitter_bicep
    from tree_sitter import Language, Parser

    return Parser(Language(tree_sitter_bicep.language()))


# -- declarations --------------------------------------------------------------------------------------------------

_QUOTED = rb"'''.*?(?:'''|\Z)'*|'(?:[^'\\\r\n]|\\.)*'?"
_TOKEN = re.compile(
    rb"(?P<comment>//[^\r\n]*|/\*.*?(?:\*/|\Z))|(?P<string>" + _QUOTED + rb")|(?P<open>[{\[(])|(?P<close>[}\])])"
    rb"|(?P<line>(?:^|(?<=\xef\xbb\xbf))[ \t]*(?:(?P<at>@)|(?:resource|module|param|var|output|type|func"
    rb"|import|metadata|using|targetScope|assert|extension|provider)\b(?=[ \t'{]|$)))",
    re.DOTALL | re.MULTILINE,
)
_HEADER = re.compile(
    rb"(?P<kind>resource|module|param|var|output|type|func)[ \t]+(?P<symbol>\w+)"
    rb"(?:(?<!\w)|[ \t]+'(?P<type>[^'\r\n]*)'(?:[ \t]+(?P<existing>existing)\b)?)?"
)


def parse(source: Source) -> File:
    """The declarations of a Bicep file."""
    comments: list[Span] = []
    starts = list(_statements(source.data, comments))
    found = []
    for at, (start, keyword) in enumerate(starts):
        end = starts[at + 1][0] if at + 1 < len(starts) else len(source.data)
        match = _HEADER.match(source.data, keyword)
        if match is not None:
            found.append(_declaration(match, Span(start, _trimmed(source.data, keyword, end, comments)), ""))
    return File(source, found, comments)


def _statements(data: bytes, comments: list[Span]) -> Iterator[tuple[int, int]]:
    """Where statements start, decorators included, and their keywords. A keyword in the first column starts one even
    where brackets are open: somewhere before one is missing."""
    depth, decorated = 0, -1
    at = len(BOM) if data.startswith(BOM) else 0
    while (match := _TOKEN.search(data, at)) is not None:
        at = match.end()
        if match["comment"] is not None:
            comments.append(Span(*match.span()))
        elif match["open"] is not None:
            depth += 1
        elif match["close"] is not None:
            depth = max(0, depth - 1)
        elif match["line"] is not None:
            keyword = match.end() - len(match["line"].lstrip())
            if depth and keyword > match.start():
                continue
            depth = 0
            if match["at"] is not None:
                decorated = keyword if decorated < 0 else decorated
            else:
                yield (keyword if decorated < 0 else decorated), keyword
                decorated = -1


def _trimmed(data: bytes, start: int, end: int, comments: list[Span]) -> int:
    """The end of a statement without the blanks and comments behind it."""
    from bisect import bisect_left

    at = bisect_left(comments, Span(end, 0)) - 1
    while True:
        while end > start and data[end - 1] in b" \t\r\n":
            end -= 1
        if at < 0 or comments[at].end != end or comments[at].start <= start:
            return end
        end = comments[at].start
        at -= 1


def _declaration(match: re.Match[bytes], whole: Span, parent: str) -> Declaration:
    kind = match["kind"].decode()
    type_ = (match["type"] or b"").decode("utf-8", "replace")
    if kind == RESOURCE:
        type_ = type_.partition("@")[0].strip("/")
        type_ = f"{parent}/{type_}" if parent else type_
    header = Span(*match.span())
    return Declaration(kind, match["symbol"].decode("utf-8", "replace"), type_, bool(match["existing"]), header, whole)


def _depth(data: bytes) -> int:
    """The deepest nesting of brackets, those in strings included."""
    depth = most = 0
    for match in re.finditer(rb"[{\[(]|[}\])]", data):
        depth = depth + 1 if match[0] in (b"{", b"[", b"(") else max(0, depth - 1)
        most = max(most, depth)
    return most


# -- inside a declaration ------------------------------------------------------------------------------------------

_SPREAD = re.compile(rb"(?m)^([ \t]*)\.\.\.|(?<=[\w)\]])!(?=[.\[\s),])|\.\?(?=\w)|\[\?")
_ASIDE = frozenset({"comment", "diagnostic_comment"})
_CALLS = frozenset({"call_expression", "arguments", "parenthesized_expression"})


def _known_syntax(text: bytes) -> bytes:
    """The text with what the grammar does not know put otherwise, byte for byte: a spread as a member called `z`."""

    def other(match: re.Match[bytes]) -> bytes:
        found = match[0]
        if found.endswith(b"..."):
            return match[1] + b"z: "
        return b" " if found == b"!" else b" " + found[:1]

    return _SPREAD.sub(other, text)


class _Reader:
    """Syntax nodes of one declaration into nodes of our own, without recursion."""

    def __init__(self, data: bytes, one: Declaration) -> None:
        self._data = data
        self._at = one.start
        self._one = one
        self._pending: list[tuple[Syntax, Node, str]] = []

    def read(self, root: Syntax) -> _Inside:
        """The value and decorators of the declaration."""
        declared, decorators = self._declared(root)
        written = _behind(declared, b"=") if declared is not None else None
        value = self._node(written, self._one.type) if written is not None else None
        arguments = {name: self._node(argument, "") for name, argument in decorators}
        self._run()
        return _Inside(value, arguments)

    def _declared(self, root: Syntax) -> tuple[Syntax | None, list[tuple[str, Syntax]]]:
        """The syntax node of the declaration, and the first arguments of its decorators."""
        wanted = self._one.header.start - self._at
        decorators: list[tuple[str, Syntax]] = []
        pending = [root]
        while pending:
            node = pending.pop()
            if node.start_byte == wanted and node.type.endswith("_declaration"):
                return node, decorators
            if node.type == "decorator":
                decorators.extend(_argument(node))
            elif node.start_byte <= wanted:
                pending.extend(reversed(node.children))
        return None, decorators

    def _node(self, syntax: Syntax, type_: str) -> Node:
        """A node to be filled in; `type_` is that of the resource whose body it is."""
        kind = _kind(syntax)
        node = Node(kind, self._at + syntax.start_byte, self._at + syntax.end_byte)
        if kind != "text":
            self._pending.append((syntax, node, type_))
        return node

    def _run(self) -> None:
        while self._pending:
            syntax, node, type_ = self._pending.pop()
            if node.kind == "object":
                self._object(syntax, node, type_)
            elif node.kind in ("loop", "if"):
                self._guarded(syntax, node, type_)
            else:
                parts = (each for each in syntax.children if each.is_named and each.type not in _ASIDE)
                node.items = [self._node(each, "") for each in parts]

    def _guarded(self, syntax: Syntax, node: Node, type_: str) -> None:
        """A loop or condition: its body is the last value in it."""
        body = syntax.child_by_field_name("body")
        if body is None:
            body = next((each for each in reversed(syntax.children) if _kind(each) in ("object", "if")), None)
        if body is not None:
            node.body = self._at + body.start_byte
            node.items = [self._node(body, type_)]

    def _object(self, syntax: Syntax, node: Node, type_: str) -> None:
        pending = list(reversed(syntax.children))
        while pending:
            part = pending.pop()
            if part.type == "ERROR":
                pending.extend(reversed(part.children))
            elif part.type == "resource_declaration":
                node.nested.extend(self._nested(part, type_))
            elif part.type == "object_property" and part.children:
                if part.children[0].type == "resource_declaration":
                    node.nested.extend(self._nested(part.children[0], type_))
                else:
                    node.members.extend(self._member(part))

    def _member(self, syntax: Syntax) -> Iterator[Member]:
        written = _behind(syntax, b":")
        key = syntax.children[0]
        if written is not None:
            span = Span(self._at + key.start_byte, self._at + key.end_byte)
            yield Member(_name(self._data[span.start : span.end]), span, self._node(written, ""))

    def _nested(self, syntax: Syntax, parent: str) -> Iterator[Declaration]:
        match = _HEADER.match(self._data, self._at + syntax.start_byte)
        if match is not None:
            whole = Span(match.start(), self._at + syntax.end_byte)
            found = _declaration(match, whole, parent)
            written = _behind(syntax, b"=")
            found._inside = _Inside(self._node(written, found.type) if written is not None else None, {})
            yield found


def _kind(syntax: Syntax) -> str:
    """The kind of node that a syntax node becomes."""
    kind = syntax.type
    if kind in ("object", "array"):
        return kind
    if kind == "for_statement":
        return "loop"
    if kind == "if_statement":
        return "if"
    if kind == "ternary_expression" or kind in _CALLS:
        return "choice"
    coalesced = kind == "binary_expression" and any(each.type == "??" for each in syntax.children)
    return "choice" if coalesced else "text"


def _behind(syntax: Syntax, mark: bytes) -> Syntax | None:
    """The value behind `=` or `:`."""
    found = False
    for each in syntax.children:
        if found and each.is_named and each.type not in _ASIDE and each.type != "ERROR":
            return each
        found = found or each.type.encode() == mark
    return None


def _argument(decorator: Syntax) -> Iterator[tuple[str, Syntax]]:
    """The name and first argument of a decorator."""
    call = next((each for each in decorator.children if each.type == "call_expression"), None)
    if call is None or len(call.children) < 2 or call.children[0].text is None:
        return
    first = next((each for each in call.children[-1].children if each.is_named), None)
    if first is not None:
        yield call.children[0].text.decode("utf-8", "replace").rpartition(".")[2], first


def _name(key: bytes) -> str:
    """The name that a key stands for."""
    if key == b".":  # `...` is read as `z: `
        return "..."
    text = key.decode("utf-8", "replace")
    if not text.startswith("'"):
        return text
    return "" if "${" in text else re.sub(r"\\(.)", r"\1", text[1:-1])
