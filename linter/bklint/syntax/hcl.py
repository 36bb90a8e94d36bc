"""HCL text (`.tf`, `.tofu`, `.tfvars`) → Body, with the syntax errors of the file.

tree-sitter reads on behind an error and guesses what was meant. Its guesses give attributes the values of their
neighbours, so everything near an error is marked `damaged`: its value counts as unknown, and what a damaged body does
not hold counts as unknown, not as missing. tree-sitter's nodes never leave this package's `hcl_*` modules.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NamedTuple

from bklint import limits
from bklint.source import Source
from bklint.syntax import hcl_damage, hcl_templates
from bklint.syntax.hcl_expressions import Comment, Expressions
from bklint.syntax.hcl_grammar import LIMIT, Refused, grammar
from bklint.syntax.node import Attribute, Bad, Block, Body, Expr, Problem

if TYPE_CHECKING:
    from tree_sitter import Node as Tree

__all__ = ["Comment", "File", "parse", "parse_expression", "parse_json"]

_ATTRIBUTE = re.compile(rb"([A-Za-z_][\w-]*)[ \t]*=[ \t]*")
_HEADER = re.compile(rb'([A-Za-z_][\w-]*)((?:[ \t]+(?:"[^"\\$%{}\r\n]*"|[A-Za-z_][\w-]*))*)[ \t]*\{')
_LABEL = re.compile(rb'"([^"]*)"|([^\s"]+)')


class File(NamedTuple):
    """A file as read. `problems` are its syntax errors, in order; an intact file has none."""

    body: Body
    problems: tuple[Problem, ...]
    comments: tuple[Comment, ...]


def parse(source: Source) -> File:
    """Read native HCL syntax. Raises nothing: what cannot be read becomes a problem."""
    return _parse(source, 0)


def _parse(source: Source, depth: int) -> File:
    data = source.data
    most = limits.value("terraform_bytes")  # the grammar takes up to 200 bytes of memory for each
    if len(data) > most:
        told = (
            f"is {len(data)} bytes; bklint reads Terraform files up to {most} bytes ({limits.told('terraform_bytes')})"
        )
        problem = Problem(told, 0, 0)
        return File(Body({}, (), True, 0, len(data)), (problem,), ())
    tree = grammar().parse(data)
    if tree is not None and tree.root_node.has_error:
        mended = hcl_damage.mended(data)
        tree = tree if mended == data else grammar().parse(mended)
    if tree is None:
        problem = Problem("too many syntax errors to read this file", 0, 0)
        return File(Body({}, (), True, 0, len(data)), (problem,), ())
    reader = _Reader(data, doubtful=tree.root_node.has_error)
    body = reader.file(tree.root_node, depth)
    if reader.lifted and not reader.doubtful:
        reader = _Reader(data, doubtful=True)
        body = reader.file(tree.root_node, depth)
    problems: tuple[Problem, ...] = ()
    if reader.broken or reader.problems:
        problems = hcl_damage.report(source, tree.root_node if reader.broken else None, reader.problems)
    comments = {comment.start: comment for comment in reader.expressions.comments}
    return File(body, problems, tuple([comments[start] for start in sorted(comments)]))


def parse_expression(source: Source, start: int = 0, end: int | None = None) -> Expr:
    """The expression that a byte range of a source holds, with spans in that source; Bad where it holds none."""
    return _parse_expression(source, start, len(source.data) if end is None else end, 0)


def _parse_expression(source: Source, start: int, end: int, depth: int) -> Expr:
    prefix = b"_="
    data = prefix + source.data[start:end] + b"\n"
    file = _parse(Source(source.name, data), depth)
    only = file.body.attributes.get("_")
    if only is None or file.problems or only.damaged or len(file.body.attributes) > 1 or file.body.blocks:
        return Bad(start, end)
    shift = start - len(prefix)
    hcl_damage.move(only.expr, lambda at: at + shift)
    return only.expr


def parse_json(source: Source) -> File:
    """Read Terraform's JSON syntax (`.tf.json`, `.tfvars.json`) into the same nodes. Raises nothing either."""
    from bklint.syntax import hcl_json

    body, problems = hcl_json.parse(source, _parse_expression)
    return File(body, problems, ())


class _Reader:
    """Lowers one file's bodies.

    `broken`: its tree has error nodes, so every node is asked whether it holds one. `doubtful`: it is broken, or its
    braces balance only by accident; so every block's indentation is looked at.
    """

    def __init__(self, data: bytes, *, doubtful: bool) -> None:
        self.data = data
        self.doubtful = doubtful
        self.grammar = grammar()
        self.expressions = Expressions(data, self.grammar)
        self.broken = False
        self.problems: list[Problem] = []
        self.lifted: list[Block] = []

    def file(self, root: Tree, depth: int) -> Body:
        """The body of the whole file, with the blocks that belong to its top level behind those that stand there."""
        self.broken = root.has_error
        kids = [root] if root.is_error else root.children
        body = self._body(kids, 0, len(self.data), depth, self.broken, None)
        if self.lifted:
            body.blocks = (*body.blocks, *self.lifted)
        return body

    def _body(self, kids: list[Tree], start: int, end: int, depth: int, damaged: bool, parent: str | None) -> Body:
        """A body from the nodes between its braces, which hold one `body` node or, where it is empty, none."""
        attributes: dict[str, Attribute] = {}
        blocks: list[Block] = []
        members = self._members(kids)
        known = len(self.problems)
        grammar = self.grammar
        joined = frozenset() if self.broken else self._joined(members, start, end, parent)
        for number, node in enumerate(members):
            kind = node.kind_id
            if kind == grammar.attribute:
                near = number in joined
                if damaged:
                    near = any(member.has_error for member in members[max(0, number - 1) : number + 2])
                self._attribute(attributes, node, depth, near)
            elif kind == grammar.block:
                self._keep(blocks, self._block(node, depth, parent))
            elif kind == grammar.object and not self.broken:
                self._problem("expected attributes and blocks, not an object", node.start_byte, node.start_byte + 1)
            else:
                self._salvage(node, depth)
        return Body(attributes, tuple(blocks), damaged or len(self.problems) > known, start, end)

    def _joined(self, members: list[Tree], start: int, end: int, parent: str | None) -> frozenset[int]:
        """The members that are not alone on their lines, each a problem. To the grammar a line end is a blank.

        Only a block on one line may hold something, and that one attribute.
        """
        find = self.data.find
        inside = parent is not None
        if inside and len(members) == 1 and members[0].kind_id == self.grammar.attribute:
            only = members[0]
            if find(b"\n", start, only.start_byte) < 0 and find(b"\n", only.end_byte, end) < 0:
                return frozenset()
        found: list[int] = []
        last = start if inside else -1
        for number, node in enumerate(members):
            at = node.start_byte
            if last >= 0 and find(b"\n", last, at) < 0:
                self._problem("expected a line end before this", at, at + 1)
                found += [number - 1, number]
            last = node.end_byte
        if inside and members and find(b"\n", last, end) < 0:
            self._problem("expected a line end before this", end, end + 1)
            found.append(len(members) - 1)
        return frozenset(found)

    def _members(self, kids: list[Tree]) -> list[Tree]:
        """The attributes, blocks and error nodes of a body, in order, its comments collected."""
        grammar = self.grammar
        wanted = (grammar.attribute, grammar.block, grammar.object)
        members: list[Tree] = []
        for kid in kids:
            kind = kid.kind_id
            if kind in wanted:
                members.append(kid)
            elif kind == grammar.body:
                members += self._members(kid.children)
            elif kind == grammar.comment:
                self.expressions.comment(kid)
            elif self.broken and kid.has_error:
                members.append(kid)
        return members

    def _keep(self, blocks: list[Block], block: Block) -> None:
        (self.lifted if block.lifted else blocks).append(block)

    def _attribute(self, attributes: dict[str, Attribute], node: Tree, depth: int, damaged: bool) -> None:
        """Add one attribute. The first of several with one name stays, damaged: Terraform refuses the second."""
        start, end = node.start_byte, node.end_byte
        match = _ATTRIBUTE.match(self.data, start, end)
        if self.broken and node.has_error:
            self._salvage(node, depth)
            attribute = self._broken_attribute(node, start, end)
        elif match is None or (expr := self.expressions.simple(match.end(), end)) is None:
            attribute = self._slow_attribute(node, start, end, depth)
        else:
            attribute = Attribute(match[1].decode(), expr, match.end(1), False, start, end)
        first = attributes.setdefault(attribute.name, attribute)
        first.damaged = first.damaged or damaged or first is not attribute
        if first is not attribute and not self.broken:
            self._problem(f"the attribute {attribute.name!r} is defined twice in one body", start, attribute.name_end)

    def _slow_attribute(self, node: Tree, start: int, end: int, depth: int) -> Attribute:
        """An attribute whose value is more than a plain string, number or name."""
        kids = self.expressions.children(node)
        name, _, value = kids
        at = value.start_byte
        expr: Expr
        try:
            if b"\n" in self.data[name.end_byte : at]:
                raise Refused("name, `=` and the start of the value must stand on one line", start, name.end_byte)
            expr, damaged = self.expressions.value(value, depth), False
        except Refused as refused:
            expr, damaged = Bad(at, end), True
            if refused.message:
                self._problem(refused.message, refused.start, refused.end)
        return Attribute(self.expressions.text(name), expr, name.end_byte, damaged, start, end)

    def _broken_attribute(self, node: Tree, start: int, end: int) -> Attribute:
        """An attribute with an error somewhere inside; at least its first word tells its name."""
        name = node.children[0]
        return Attribute(self.expressions.text(name), Bad(name.end_byte, end), name.end_byte, True, start, end)

    def _block(self, node: Tree, depth: int, parent: str | None) -> Block:
        """A block. `parent` is the type of the block around it, `?` inside an error node, None at the top level."""
        start, end = node.start_byte, node.end_byte
        kids = node.children
        type_, labels, header_end, inner, certain = self._header(kids, start, end)
        closing = kids[-1]
        close = closing.start_byte if closing.kind_id == self.grammar.block_end else end
        broken = self.broken and node.has_error
        if depth >= LIMIT:
            self._problem(f"blocks nested more than {LIMIT} levels deep; bklint does not read this", start, start + 1)
            body = Body({}, (), True, inner, close)
        else:
            body = self._body(kids, inner, close, depth + 1, broken, type_)
        lifted = parent is not None and hcl_damage.belongs_on_top(type_, len(labels), parent, self.broken)
        if lifted and not self.broken:
            where = f"inside a `{parent}` block" if parent != "?" else "here"
            self._problem(
                f"a `{type_}` block cannot stand {where}; a closing brace seems to be missing", start, header_end
            )
        stray = self.broken and parent is None and not hcl_damage.on_top(type_)
        crooked = self.doubtful and not hcl_damage.aligned(self.data, start, closing)
        spilled = broken and parent is None and hcl_damage.spilled(self.data, node, self.grammar.attribute)
        if lifted or stray or crooked or spilled or not certain:
            hcl_damage.damage(body)
        return Block(type_, labels, body, header_end, lifted, start, end)

    def _header(self, kids: list[Tree], start: int, end: int) -> tuple[str, tuple[str, ...], int, int, bool]:
        """Type, labels, end of the header, start of the body, and whether the header is free of errors."""
        match = _HEADER.match(self.data, start, end)
        if match is not None and self.broken and not self._opens(kids, match.end() - 1):
            match = None
        if match is not None:
            labels = tuple([(one or two).decode() for one, two in _LABEL.findall(match[2])])
            return match[1].decode(), labels, match.end(2), match.end(), True
        words: list[str] = []
        certain = True
        header_end = inner = start
        for kid in kids:
            if kid.kind_id == self.grammar.block_start:
                inner = kid.end_byte
                break
            if kid.kind_id == self.grammar.comment:
                continue
            if kid.has_error:
                certain = False
            else:
                words.append(self._word(kid))
                header_end = kid.end_byte
        if certain and not self.broken and b"\n" in self.data[start:inner]:
            self._problem("the opening brace must stand on the line of the block's type and labels", start, header_end)
            certain = False
        return words[0] if words else "", tuple(words[1:]), header_end, inner, certain and bool(words)

    def _opens(self, kids: list[Tree], brace: int) -> bool:
        """Whether the grammar too sees the opening brace there, and not at the end of some error behind it."""
        return any(kid.start_byte == brace and kid.kind_id == self.grammar.block_start for kid in kids)

    def _word(self, node: Tree) -> str:
        """A block's type or label."""
        if node.kind_id != self.grammar.string_lit:
            return self.expressions.text(node)
        try:
            if b"${" in self.data[node.start_byte : node.end_byte]:
                raise Refused("a label cannot hold an interpolation", node.start_byte, node.end_byte)
            return hcl_templates.quoted_text(self.data, node.start_byte + 1, node.end_byte - 1)
        except Refused as refused:
            self._problem(refused.message or "not a label", refused.start, refused.end)
            return ""

    def _salvage(self, node: Tree, depth: int) -> None:
        """Find the blocks inside an error node, or inside an attribute with one, that belong to the top level."""
        stack = [node]
        while stack:
            for kid in stack.pop().children:
                if kid.kind_id == self.grammar.block:
                    block = self._block(kid, depth + 1, "?")
                    if block.lifted:
                        self.lifted.append(block)
                elif kid.kind_id == self.grammar.comment:
                    self.expressions.comment(kid)
                elif kid.child_count:
                    stack.append(kid)

    def _problem(self, message: str, start: int, end: int) -> None:
        self.problems.append(Problem(message, start, end))
