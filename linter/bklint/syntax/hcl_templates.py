"""Templates of HCL, quoted and heredoc → Literal or Template.

The grammar drops white space at the edges of literal text, so literals are rebuilt from the bytes between the other
parts. Trimming (`~`) and the indentation of `<<-` follow HashiCorp's parser, which works on a flat row of parts, a
heredoc's text cut into lines, before `%{if}` and `%{for}` are nested
(https://github.com/hashicorp/hcl/blob/main/hclsyntax/parser_template.go).
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NoReturn

from bklint.syntax.hcl_grammar import LIMIT, Refused
from bklint.syntax.node import Expr, Literal, Template, TemplateFor, TemplateIf

if TYPE_CHECKING:
    from tree_sitter import Node as Tree

    from bklint.syntax.hcl_expressions import Expressions

_ESCAPE = re.compile(r'\\(?:([nrt"\\])|u([0-9a-fA-F]{4})|U([0-9a-fA-F]{8})|(.?))|(\$\$\{|%%\{)', re.DOTALL)
_CHARACTERS = {"n": "\n", "r": "\r", "t": "\t", '"': '"', "\\": "\\"}
_UNESCAPED = re.compile(rb"(?<!\$)\$\{|(?<!%)%\{")


class _Text:
    """A piece of literal text while white space is still being trimmed off it."""

    __slots__ = ("end", "start", "value")

    def __init__(self, value: str, start: int, end: int) -> None:
        self.value = value
        self.start = start
        self.end = end


class _Mark:
    """An interpolation, or the opening, middle or end of a directive; `kind` is the node's kind."""

    __slots__ = ("end", "kind", "node", "start", "trims_left", "trims_right")

    def __init__(self, node: Tree, data: bytes) -> None:
        self.node = node
        self.kind = node.kind_id
        self.start = node.start_byte
        self.end = node.end_byte
        self.trims_left = data[self.start + 2 : self.start + 3] == b"~"
        self.trims_right = data[self.end - 2 : self.end - 1] == b"~"


_Part = _Text | _Mark


def lower(reader: Expressions, node: Tree, depth: int) -> Expr:
    """A `quoted_template` or `heredoc_template` node. Raises Refused."""
    if reader.data.startswith(b"<<", node.start_byte):
        return _heredoc(reader, node, depth)
    start, end = node.start_byte, node.end_byte
    parts = _flatten(reader, node.children[1:-1], start + 1, end - 1, heredoc=False)
    _trim(parts)
    return _joined(reader, parts, start, end, depth, heredoc=False)


def _heredoc(reader: Expressions, node: Tree, depth: int) -> Expr:
    data = reader.data
    kids = node.children
    opening, marker, closing = kids[0], kids[1], kids[-1]
    start = data.index(b"\n", marker.end_byte) + 1
    end = max(start, data.rfind(b"\n", 0, closing.start_byte) + 1)
    parts = _flatten(reader, kids[2:-1], start, end, heredoc=True)
    _trim(parts)
    if opening.end_byte - opening.start_byte == 3:
        _outdent(parts)
    return _joined(reader, parts, start, end, depth, heredoc=True)


def quoted_text(data: bytes, start: int, end: int) -> str:
    """The text between two quotes that holds no interpolation. Raises Refused for line ends and unknown escapes."""
    text = data[start:end].decode("utf-8", "replace")
    if "\n" in text:
        stop = data.index(b"\n", start)
        raise Refused("a quoted string cannot hold a line end; a closing quote seems to be missing", start - 1, stop)
    if "\\" not in text and "{" not in text:
        return text
    return _ESCAPE.sub(lambda match: _unescaped(match, start), text)


def _unescaped(match: re.Match[str], start: int) -> str:
    if match[1]:
        return _CHARACTERS[match[1]]
    if match[5]:
        return match[5][1:]
    code = match[2] or match[3]
    if code is None:
        _refuse_escape(match, start)
    number = int(code, 16)
    if number >= 0x110000 or 0xD800 <= number < 0xE000:
        _refuse_escape(match, start)
    return chr(number)


def _refuse_escape(match: re.Match[str], start: int) -> NoReturn:
    at = start + len(match.string[: match.start()].encode())
    raise Refused(f"`{match[0]}` is not an escape sequence", at, at + len(match[0].encode()))


def _heredoc_text(data: bytes, start: int, end: int) -> list[_Part]:
    """The lines of a stretch of heredoc text. Only `$${` and `%%{` are escapes there."""
    raw = data[start:end]
    if _UNESCAPED.search(raw):
        raise Refused(None, start, end)  # the grammar took `${` for text, behind a line that starts with the end marker
    parts: list[_Part] = []
    for line in raw.split(b"\n"):
        stop = min(start + len(line) + 1, end)
        if stop > start:
            text = data[start:stop].decode("utf-8", "replace")
            parts.append(_Text(text.replace("$${", "${").replace("%%{", "%{"), start, stop))
        start = stop
    return parts


def _flatten(reader: Expressions, nodes: list[Tree], start: int, end: int, *, heredoc: bool) -> list[_Part]:
    """All parts in the order of the text, directives taken apart."""
    grammar, data = reader.grammar, reader.data
    opened = {grammar.template_directive, grammar.template_if, grammar.template_for}
    parts: list[_Part] = []
    stack = nodes[::-1]
    at = start
    while stack:
        node = stack.pop()
        kind = node.kind_id
        if kind in opened:
            stack.extend(reversed(node.children))
        elif kind != grammar.template_literal:
            mark = _Mark(node, data)
            if at < mark.start and data[mark.start - 1] == data[mark.start]:
                raise Refused(None, start, end)  # `$$${` is text, which the grammar does not know
            _add_text(parts, data, at, mark.start, heredoc)
            parts.append(mark)
            at = node.end_byte
    _add_text(parts, data, at, end, heredoc)
    return parts


def _add_text(parts: list[_Part], data: bytes, start: int, end: int, heredoc: bool) -> None:
    if end <= start:
        return
    if heredoc:
        parts.extend(_heredoc_text(data, start, end))
    else:
        parts.append(_Text(quoted_text(data, start, end), start, end))


def _trim(parts: list[_Part]) -> None:
    """`~`: white space off the one neighbouring piece, which in a heredoc is the rest of that line."""
    for number, part in enumerate(parts):
        if isinstance(part, _Text):
            continue
        before = parts[number - 1] if number else None
        after = parts[number + 1] if number + 1 < len(parts) else None
        if part.trims_left and isinstance(before, _Text):
            before.value = before.value.rstrip()
        if part.trims_right and isinstance(after, _Text):
            after.value = after.value.lstrip()


def _outdent(parts: list[_Part]) -> None:
    """`<<-`: take the smallest indentation of all lines that are not blank off each of them."""
    least: int | None = None
    leading: list[_Text] = []
    fresh = True
    for part in parts:
        if fresh:
            indent: int | None = 0
            if isinstance(part, _Text):
                indent = len(part.value) - len(part.value.lstrip())
                if indent == len(part.value) and part.value.endswith("\n"):
                    indent = None
                else:
                    leading.append(part)
            if indent is not None and (least is None or indent < least):
                least = indent
        fresh = isinstance(part, _Text) and part.value.endswith("\n")
    for text in leading:
        text.value = text.value[least or 0 :]


class _Open:
    """A directive whose end is still to come. `otherwise` is set once its `%{else}` was met."""

    def __init__(self, mark: _Mark) -> None:
        self.mark = mark
        self.parts: list[Expr] = []
        self.then: list[Expr] | None = None


def _joined(reader: Expressions, parts: list[_Part], start: int, end: int, depth: int, *, heredoc: bool) -> Expr:
    """Adjacent text joined, directives nested."""
    if all(isinstance(part, _Text) for part in parts):
        value = "".join([part.value for part in parts if isinstance(part, _Text)])
        return Literal(value, start, end)
    grammar = reader.grammar
    done: list[Expr] = []
    open_: list[_Open] = []
    for part in parts:
        target = open_[-1].parts if open_ else done
        if isinstance(part, _Text):
            _append_text(target, part)
        elif part.kind == grammar.template_interpolation:
            target.append(_interpolated(reader, part, depth + len(open_)))
        elif part.kind in (grammar.template_if_intro, grammar.template_for_start):
            if depth + len(open_) >= LIMIT:
                raise Refused(f"nested more than {LIMIT} levels deep; bklint does not read this", part.start, part.end)
            open_.append(_Open(part))
        elif part.kind == grammar.template_else_intro:
            open_[-1].then, open_[-1].parts = open_[-1].parts, []
        else:
            directive = open_.pop()
            target = open_[-1].parts if open_ else done
            target.append(_directive(reader, directive, part.end, depth + len(open_)))
    if len(done) == 1 < len(parts) and not isinstance(done[0], (TemplateIf, TemplateFor)):
        done.append(Literal("", end, end))  # text that was trimmed to nothing still makes the template a string
    return Template(tuple(done), heredoc, start, end)


def _append_text(target: list[Expr], text: _Text) -> None:
    last = target[-1] if target else None
    if isinstance(last, Literal) and isinstance(last.value, str) and last.end == text.start:
        target[-1] = Literal(last.value + text.value, last.start, text.end)
    elif text.value:
        target.append(Literal(text.value, text.start, text.end))


def _interpolated(reader: Expressions, mark: _Mark, depth: int) -> Expr:
    kind = reader.grammar.expression
    for kid in reader.children(mark.node):
        if kid.kind_id == kind:
            return reader.expression(kid, depth + 1)
    raise Refused("an interpolation `${…}` needs an expression", mark.start, mark.end)


def _directive(reader: Expressions, directive: _Open, end: int, depth: int) -> Expr:
    """`%{if …}` or `%{for …}` with everything up to its end."""
    grammar = reader.grammar
    intro = reader.children(directive.mark.node)
    head = next(reader.expression(kid, depth + 1) for kid in intro if kid.kind_id == grammar.expression)
    start, parts = directive.mark.start, tuple(directive.parts)
    if directive.mark.kind == grammar.template_for_start:
        names = [reader.text(kid) for kid in intro if kid.kind_id == grammar.identifier]
        return TemplateFor(names[0] if len(names) > 1 else None, names[-1], head, parts, start, end)
    if directive.then is None:
        return TemplateIf(head, parts, (), start, end)
    return TemplateIf(head, tuple(directive.then), parts, start, end)
