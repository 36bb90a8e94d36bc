"""tree-sitter nodes of HCL expressions → the nodes of `syntax/node.py`.

The tree that comes in holds no error: an expression with one is never lowered (see `hcl.py`). Most expressions of real
files are a plain string, a number or a dotted name; those are read from the text with one regular expression, because
asking tree-sitter for their child nodes would cost more than everything else here together.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import lru_cache
from typing import TYPE_CHECKING

from bklint.syntax import hcl_templates
from bklint.syntax.hcl_grammar import LIMIT, Grammar, Refused
from bklint.syntax.node import (
    Binary,
    Call,
    Conditional,
    Expr,
    ForExpr,
    GetAttr,
    Index,
    Literal,
    Name,
    Node,
    ObjectExpr,
    Splat,
    SplatItem,
    Template,
    TupleExpr,
    Unary,
)

if TYPE_CHECKING:
    from tree_sitter import Node as Tree

_DOTTED = rb"[A-Za-z_][\w-]*(?:\.[A-Za-z_][\w-]*){0,32}"
_PLAIN = rb'[^"\\$%\r\n]*'
_SIMPLE = re.compile(
    rb'"(%b)"|(%b)|(\d{1,15})|"((?:%b\$\{ *%b *\}){1,32}%b)"' % (_PLAIN, _DOTTED, _PLAIN, _DOTTED, _PLAIN)
)
_INTERPOLATED = re.compile(rb"\$\{ *(%b) *\}|[^$]+" % _DOTTED)
_ITEM = re.compile(rb'(?:([A-Za-z_][\w-]*)|"([^"\\$%\r\n]*)")[ \t]*[=:](?![=>])[ \t]*')
_LEGACY = re.compile(rb"\.\d")
_NUMBER = re.compile(r"\d+(\.\d+)?([eE][+-]?\d+)?", re.ASCII)
_KEYWORDS: dict[str, bool | None] = {"true": True, "false": False, "null": None}


_OPEN = ("expression", "operation", "binary_operation", "unary_operation", "conditional", "get_attr", "splat")
"""Kinds whose parts stand in no bracket of their own."""


class Comment(Node):
    """A comment; `text` holds its marker (`#`, `//` or `/* … */`) but no line end."""

    __slots__ = ("text",)

    def __init__(self, text: str, start: int, end: int) -> None:
        super().__init__(start, end)
        self.text = text


class Expressions:
    """Lowers expressions of one file and collects the comments it meets. Depths count up from the top of the file."""

    def __init__(self, data: bytes, grammar: Grammar) -> None:
        self.data = data
        self.grammar = grammar
        self.comments: list[Comment] = []
        self._open, self._terms = _kinds(grammar)

    def children(self, node: Tree) -> list[Tree]:
        """The children of a node without its comments, which are collected."""
        found = node.children
        comment = self.grammar.comment
        kept = [child for child in found if child.kind_id != comment]
        if len(kept) < len(found):
            for child in found:
                if child.kind_id == comment:
                    self.comment(child)
        return kept

    def comment(self, node: Tree) -> None:
        """Collect one comment."""
        text = self.data[node.start_byte : node.end_byte].rstrip(b"\r")
        self.comments.append(Comment(text.decode("utf-8", "replace"), node.start_byte, node.start_byte + len(text)))

    def text(self, node: Tree) -> str:
        """The text of a node."""
        return self.data[node.start_byte : node.end_byte].decode("utf-8", "replace")

    def expression(self, node: Tree, depth: int) -> Expr:
        """The expression of an `expression` node. Raises Refused."""
        start, end = node.start_byte, node.end_byte
        simple = self.simple(start, end)
        if simple is not None:
            return simple
        kids = self.children(node)
        if len(kids) > 1 or depth >= LIMIT:
            return self._term(kids, start, end, depth)
        return self._terms[kids[0].kind_id](self, kids[0], depth + 1)

    def value(self, node: Tree, depth: int) -> Expr:
        """The expression of an attribute or an object item, which ends with its line unless a bracket is open."""
        self._check_lines(node)
        return self.expression(node, depth)

    def _check_lines(self, node: Tree) -> None:
        """Refuse a line end outside brackets. To the grammar it is a blank: `a = b` would run on into `[c]` below."""
        if self.data.find(b"\n", node.start_byte, node.end_byte) < 0:
            return
        stack = [node]
        while stack:
            kids = stack.pop().children
            bracketed = False
            last = kids[0].start_byte
            for kid in kids:
                if not bracketed and self.data.find(b"\n", last, kid.start_byte) >= 0:
                    raise Refused(
                        "expected a line end, not more of the value above", kid.start_byte, kid.start_byte + 1
                    )
                bracketed = bracketed or kid.kind_id == self.grammar.paren
                if not bracketed and kid.kind_id in self._open:
                    stack.append(kid)
                bracketed = bracketed and self.data[kid.start_byte : kid.end_byte] != b")"
                last = kid.end_byte

    def simple(self, start: int, end: int) -> Expr | None:
        """A plain string, an integer, a dotted name or a string with such names; None where the range is neither."""
        match = _SIMPLE.fullmatch(self.data, start, end)
        if match is None:
            return None
        kind = match.lastindex
        if kind == 1:
            return Literal(match[1].decode(), start, end)
        if kind == 3:
            return Literal(int(match[3]), start, end)
        if kind == 2:
            return _dotted(match[2].decode(), start, end)
        parts = [_part(part) for part in _INTERPOLATED.finditer(self.data, start + 1, end - 1)]
        return Template(tuple(parts), False, start, end)

    def _term(self, kids: list[Tree], start: int, end: int, depth: int) -> Expr:
        """What a row of sibling nodes says: one term, which may be in parentheses, and the steps behind it."""
        if depth >= LIMIT:
            raise Refused(f"nested more than {LIMIT} levels deep; bklint does not read this", start, start + 1)
        first = kids[0]
        if first.kind_id == self.grammar.paren:
            inner, steps = self.expression(kids[1], depth + 1), kids[3:]
        else:
            inner, steps = self._terms[first.kind_id](self, first, depth + 1), kids[1:]
        return self._steps(inner, start, steps, depth) if steps else inner

    def _steps(self, target: Expr, start: int, steps: list[Tree], depth: int) -> Expr:
        """`target` followed by `.name`, `[key]`, `.0`, `.*` and `[*]`."""
        grammar = self.grammar
        for number, step in enumerate(steps, 1):
            depth += 1
            if depth >= LIMIT:
                raise Refused(f"more than {LIMIT} steps behind each other; bklint does not read this", start, start + 1)
            end = step.end_byte
            if step.kind_id == grammar.get_attr:
                target = GetAttr(target, self.text(self.children(step)[-1]), start, end)
            elif step.kind_id == grammar.index:
                target = Index(target, self._key(step.children[0], depth), start, end)
            else:
                return self._splat(target, start, self.children(step)[0], steps[number:], depth)
        return target

    def _key(self, node: Tree, depth: int) -> Expr:
        """The key of `[key]`, or of the legacy `.0`."""
        kids = self.children(node)
        if node.kind_id == self.grammar.new_index:
            return self.expression(kids[1], depth + 1)
        if _LEGACY.match(self.data, node.end_byte):
            raise Refused("two legacy indexes behind each other; write `[…][…]`", node.start_byte, node.end_byte)
        return self._number(kids[0].end_byte, node.end_byte)

    def _splat(self, target: Expr, start: int, node: Tree, rest: list[Tree], depth: int) -> Expr:
        """A splat and all steps behind it. `[*]` takes them all; `.*` takes `.name` and `.0` up to the first `[…]`."""
        kids = self.children(node)
        marker, own = kids[0], kids[1:]
        item: Expr = SplatItem(marker.start_byte, marker.end_byte)
        if node.kind_id == self.grammar.full_splat:
            each = self._steps(item, item.start, own + rest, depth)
            return Splat(target, each, True, start, each.end)
        taken = 0
        while taken < len(own) and not self._bracket(own[taken]):
            taken += 1
        each = self._steps(item, item.start, own[:taken], depth)
        return self._steps(Splat(target, each, False, start, each.end), start, own[taken:] + rest, depth + taken)

    def _bracket(self, step: Tree) -> bool:
        return step.kind_id == self.grammar.index and step.children[0].kind_id == self.grammar.new_index

    def _literal(self, node: Tree, depth: int) -> Expr:
        start, end = node.start_byte, node.end_byte
        first = self.data[start : start + 1]
        if first == b'"':
            return Literal(hcl_templates.quoted_text(self.data, start + 1, end - 1), start, end)
        if first.isdigit():
            return self._number(start, end)
        return Literal(_KEYWORDS[self.text(node)], start, end)

    def _number(self, start: int, end: int) -> Expr:
        """A number. HCL has one type for all of them, so `1.0` is the whole number 1."""
        text = self.data[start:end].strip().decode()
        if not _NUMBER.fullmatch(text):
            raise Refused(f"`{text[:40]}` is not a number", start, end)
        if len(text) > 300:
            raise Refused(None, start, end)  # HCL's numbers have no end, floats have
        value = float(text) if "." in text or "e" in text.lower() else int(text)
        if isinstance(value, float) and value.is_integer():
            value = int(value)
        if value in (float("inf"), float("-inf")):
            raise Refused(None, start, end)
        return Literal(value, start, end)

    def _name(self, node: Tree, depth: int) -> Expr:
        return Name(self.text(node), node.start_byte, node.end_byte)

    def _template(self, node: Tree, depth: int) -> Expr:
        return hcl_templates.lower(self, node.children[0], depth + 2)  # it takes three times the stack of a tuple

    def _collection(self, node: Tree, depth: int) -> Expr:
        """A tuple or an object. Loops, not comprehensions: each level of nesting shall take two frames of the stack."""
        node = self.children(node)[0]
        start, end = node.start_byte, node.end_byte
        kids = self.children(node)
        if node.kind_id != self.grammar.object:
            items: list[Expr] = []
            for kid in kids:
                if kid.kind_id == self.grammar.expression:
                    items.append(self.expression(kid, depth))
            return TupleExpr(tuple(items), start, end)
        members: list[tuple[Expr, Expr]] = []
        for kid in self._members(kids):
            key, value = self._item(kid, depth)
            members.append((key, value if isinstance(value, Expr) else self.expression(value, depth)))
        return ObjectExpr(tuple(members), start, end)

    def _members(self, kids: list[Tree]) -> list[Tree]:
        """The items of an object, which are told apart by commas or line ends."""
        members: list[Tree] = []
        last = -1
        for kid in kids:
            if kid.kind_id != self.grammar.object_elem:
                last = -1
                continue
            at = kid.start_byte
            if last >= 0 and self.data.find(b"\n", last, at) < 0:
                raise Refused("expected a line end or a comma before this", at, at + 1)
            last = kid.end_byte
            members.append(kid)
        return members

    def _item(self, node: Tree, depth: int) -> tuple[Expr, Expr | Tree]:
        """One `key = value` of an object. Longer values are left to the caller, to spare the stack."""
        start, end = node.start_byte, node.end_byte
        match = _ITEM.match(self.data, start, end)
        if match is None:
            kids = self.children(node)
            if self.data.find(b"\n", kids[0].end_byte, kids[2].start_byte) >= 0:
                raise Refused("key, `=` and the start of the value must stand on one line", start, kids[0].end_byte)
            self._check_lines(kids[2])
            return self._object_key(kids[0], depth), kids[2]
        group = match.lastindex or 1
        quote = group - 1
        key = Literal(match[group].decode(), start, match.end(group) + quote)
        value = self.simple(match.end(), end)
        if value is not None:
            return key, value
        kids = self.children(node)
        if self.data.find(b"\n", match.end(), kids[2].start_byte) >= 0:
            raise Refused("key, `=` and the start of the value must stand on one line", start, key.end)
        self._check_lines(kids[2])
        return key, kids[2]

    def _object_key(self, node: Tree, depth: int) -> Expr:
        """A key that the fast path does not read. `true`, `null` and other words are text there, not values."""
        start, end = node.start_byte, node.end_byte
        kids = self.children(node)
        key = self._term(kids, start, end, depth)
        if isinstance(key, Name) and kids[0].kind_id != self.grammar.paren:
            return Literal(key.name, start, end)
        if isinstance(key, Literal) and (key.value is None or isinstance(key.value, bool)):
            return Literal(str(key.value).lower().replace("none", "null"), start, end)
        return key

    def _call(self, node: Tree, depth: int) -> Expr:
        kids = self.children(node)
        args: list[Expr] = []
        expand = False
        if kids[2].kind_id == self.grammar.function_arguments:
            given = self.children(kids[2])
            for kid in given:
                if kid.kind_id == self.grammar.expression:
                    args.append(self.expression(kid, depth))
            expand = given[-1].kind_id == self.grammar.ellipsis
        return Call(self.text(kids[0]), tuple(args), expand, node.start_byte, node.end_byte)

    def _for(self, node: Tree, depth: int) -> Expr:
        """`[for …]` and `{for …}`; the parts stand in a fixed order, so they are told apart by kind and count."""
        grammar = self.grammar
        kids = self.children(self.children(node)[0])
        intro = self.children(kids[1])
        names = [self.text(kid) for kid in intro if kid.kind_id == grammar.identifier]
        parts = [kid for kid in (*intro, *kids) if kid.kind_id == grammar.expression]
        condition = next((kid for kid in kids if kid.kind_id == grammar.for_cond), None)
        collection = self.expression(parts[0], depth)
        value = self.expression(parts[-1], depth)
        return ForExpr(
            names[0] if len(names) > 1 else None,
            names[-1],
            collection,
            self.expression(parts[1], depth) if len(parts) > 2 else None,
            value,
            self.expression(self.children(condition)[1], depth) if condition else None,
            any(kid.kind_id == grammar.ellipsis for kid in kids),
            node.start_byte,
            node.end_byte,
        )

    def _operation(self, node: Tree, depth: int) -> Expr:
        start, end = node.start_byte, node.end_byte
        kids = self.children(node.children[0])
        operators = self.grammar.operators
        at = next((i for i, kid in enumerate(kids) if i and kid.kind_id in operators), 0)
        if not at:
            return Unary(self.text(kids[0]), self._term(kids[1:], kids[1].start_byte, end, depth), start, end)
        left = self._term(kids[:at], start, kids[at].start_byte, depth)
        right = self._term(kids[at + 1 :], kids[at + 1].start_byte, end, depth)
        return Binary(operators[kids[at].kind_id], left, right, start, end)

    def _conditional(self, node: Tree, depth: int) -> Expr:
        """A conditional, or a chain of them.

        The grammar reads `a ? b : c ? d : e` as `(a ? b : c) ? d : e`; HCL means `a ? b : (c ? d : e)`. So the row of
        tests and results is collected from the left spine and folded from the right.
        """
        end = node.end_byte
        branches: list[tuple[Tree, Tree]] = []
        while True:
            test, _, then, _, otherwise = self.children(node)
            branches.append((then, otherwise))
            inner = self.children(test)
            if inner[0].kind_id != self.grammar.conditional:
                break
            node = inner[0]
        depth += len(branches)
        if depth >= LIMIT:
            raise Refused(f"more than {LIMIT} conditionals behind each other; bklint does not read this", end - 1, end)
        heads = [*(otherwise for _, otherwise in branches), test]
        result = self.expression(heads[0], depth)
        for (then, _), head in zip(branches, heads[1:], strict=True):
            result = Conditional(
                self.expression(head, depth), self.expression(then, depth), result, head.start_byte, end
            )
        return result


def _part(match: re.Match[bytes]) -> Expr:
    """A piece of a string that holds only text and dotted names."""
    if match[1] is None:
        return Literal(match[0].decode(), match.start(), match.end())
    return _dotted(match[1].decode(), match.start(1), match.end(1))


def _dotted(text: str, start: int, end: int) -> Expr:
    """A name, or names with dots between."""
    head, dot, rest = text.partition(".")
    if not dot:
        return Literal(_KEYWORDS[text], start, end) if text in _KEYWORDS else Name(text, start, end)
    at = start + len(head)
    target: Expr = Name(head, start, at)
    for name in rest.split("."):
        at += len(name) + 1
        target = GetAttr(target, name, start, at)
    return target


@lru_cache(maxsize=1)
def _kinds(grammar: Grammar) -> tuple[frozenset[int], dict[int, Callable[[Expressions, Tree, int], Expr]]]:
    """The kinds whose parts stand in no bracket of their own, and what lowers each kind of term. The same for all files;
    bound to one reader, the methods would keep it, and the file's text, in a cycle."""
    kind = grammar.kind
    terms: dict[int, Callable[[Expressions, Tree, int], Expr]] = {
        kind("literal_value"): Expressions._literal,
        kind("template_expr"): Expressions._template,
        kind("collection_value"): Expressions._collection,
        kind("variable_expr"): Expressions._name,
        kind("function_call"): Expressions._call,
        kind("for_expr"): Expressions._for,
        kind("operation"): Expressions._operation,
        grammar.conditional: Expressions._conditional,
        grammar.expression: Expressions.expression,
    }
    return frozenset({kind(name) for name in _OPEN}), terms
