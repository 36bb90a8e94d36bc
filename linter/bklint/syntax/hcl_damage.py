"""What a syntax error spoils in an HCL file, and how it is told.

Also the repairs that are made before a file is called broken: they help the grammar over text that Terraform reads
(`1e3`), or keep an error in one place (an unknown escape would swallow the rest of the file).
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import TYPE_CHECKING

from bklint.source import Source
from bklint.syntax.hcl_grammar import ERROR
from bklint.syntax.node import Body, Expr, Node, Problem

if TYPE_CHECKING:
    from tree_sitter import Node as Tree

MAX_PROBLEMS = 20
"""Problems that are reported of one file."""

_LABELS = {"resource": 2, "data": 2, "ephemeral": 2, "module": 1, "variable": 1, "output": 1, "provider": 1, "check": 1}
"""Labels of the block types for the top level only (https://developer.hashicorp.com/terraform/language)."""

_BARE = frozenset({"locals", "terraform", "moved", "import", "removed"})
"""Those without labels. Provider schemas have blocks of such names too, so they are lifted from broken files only."""

_NESTED = frozenset({("data", "check"), ("provider", "state_store")})
"""Those of them, with labels, that Terraform does allow inside another block."""

_EXPONENT = re.compile(rb"(?<![\w.-])\d+[eE][+-]?\d+\b")
_BRACKETED_KEY = re.compile(
    rb"(?<=[a-z0-9_-])(?:[ \t\r](?=[ \t\r]*(?:(?:#|//)[^\n]*)?\n\s*\([^\n]*\)[ \t]*[=:])|\n(?=\s*\([^\n]*\)[ \t]*[=:]))"
)
_BRACE = re.compile(rb"[{}]")
_BACKSLASH = re.compile(rb"\\(.)", re.DOTALL)
_KNOWN_ESCAPES = b'nrt"\\uU'


def mended(data: bytes) -> bytes:
    """A copy, byte for byte as long, for the grammar's eyes only.

    `1e3` becomes digits; a comma stands between a bare word and a key in brackets on the next line, which would be its
    arguments; unknown escapes become `'`, which is text inside a string and an error everywhere else.
    """
    data = _EXPONENT.sub(lambda match: b"1" * len(match[0]), data)
    data = _BRACKETED_KEY.sub(b",", data)
    return _BACKSLASH.sub(lambda match: match[0] if match[1] in _KNOWN_ESCAPES else b"'" * len(match[0]), data)


def on_top(type_: str) -> bool:
    """Whether a block type stands at the top level of Terraform files."""
    return type_ in _LABELS or type_ in _BARE


def belongs_on_top(type_: str, labels: int, parent: str, broken: bool) -> bool:
    """Whether a block inside a block of type `parent` must have come there by a missing brace."""
    if type_ in _BARE:
        return broken and labels == 0
    return _LABELS.get(type_) == labels and (type_, parent) not in _NESTED


def aligned(data: bytes, start: int, closing: Tree) -> bool:
    """Whether a block's closing brace stands under its first word, or both on one line.

    A brace that is missing inside makes the block end at its parent's brace; the indentation gives it away.
    """
    if closing.is_missing or data[closing.start_byte : closing.end_byte] != b"}":
        return False
    end = closing.start_byte
    if data.find(b"\n", start, end) < 0:
        return True
    line = data.rfind(b"\n", 0, start) + 1
    last = data.rfind(b"\n", 0, end) + 1
    return data[last:end] == data[line:start].removeprefix(b"\xef\xbb\xbf")


def spilled(data: bytes, block: Tree, attribute: int) -> bool:
    """Whether an error somewhere in a block may hold the end of one block and the start of another.

    Then what follows it may belong to that one. `attribute` is the node kind of attributes.
    """
    stack = [block]
    while stack:
        node = stack.pop()
        if node.kind_id in (ERROR, attribute):
            if _uneven(data, node.start_byte, node.end_byte):
                return True
        else:
            stack.extend(kid for kid in node.children if kid.has_error)
    return False


def _uneven(data: bytes, start: int, end: int) -> bool:
    """Whether text opens or closes a brace whose other half is not in it."""
    depth = 0
    for brace in _BRACE.findall(data, start, end):
        depth += 1 if brace == b"{" else -1
        if depth < 0:
            return True
    return depth != 0


def damage(body: Body) -> None:
    """Mark a body, its attributes and the blocks in it damaged."""
    body.damaged = True
    for attribute in body.attributes.values():
        attribute.damaged = True
    for block in body.blocks:
        damage(block.body)


def move(expr: Expr, to: Callable[[int], int]) -> None:
    """Give an expression and all in it the offsets that `to` makes of theirs."""
    stack: list[object] = [expr]
    while stack:
        item = stack.pop()
        if isinstance(item, tuple):
            stack.extend(item)
        elif isinstance(item, Node):
            item.start = to(item.start)
            item.end = to(item.end)
            for cls in type(item).__mro__:
                slots = getattr(cls, "__slots__", ())
                stack.extend(getattr(item, slot) for slot in slots if slot not in ("start", "end"))


def report(source: Source, root: Tree | None, found: list[Problem]) -> tuple[Problem, ...]:
    """The problems of a file, one for each place, by position. `root` is given where the tree has error nodes.

    Those nodes are guesses at where an error is, so they are told only where nothing better is known.
    """
    kept = list(found)
    if root is not None:
        from bklint.syntax import hcl_strict

        strict = hcl_strict.explain(source)
        if strict is not None:
            kept.append(strict)
        lines = {source.position(problem.start).line for problem in kept}
        for node in _errors(root):
            if strict is not None and node.is_missing and node.start_byte > strict.start:
                continue  # mostly the brace that an error further up has eaten
            guess = _worded(source, node)
            line = source.position(guess.start).line
            inside = strict is not None and guess.start <= strict.start <= guess.end
            if not inside and lines.isdisjoint((line - 1, line, line + 1)):
                lines.add(line)
                kept.append(guess)
    kept.sort(key=lambda problem: problem.start)
    return tuple(kept[:MAX_PROBLEMS])


def _errors(root: Tree) -> list[Tree]:
    """The error and missing nodes of a tree, outermost only."""
    found: list[Tree] = []
    stack = [root]
    while stack and len(found) < 10 * MAX_PROBLEMS:
        node = stack.pop()
        if node.kind_id == ERROR or node.is_missing:
            found.append(node)
        else:
            stack.extend(kid for kid in reversed(node.children) if kid.has_error)
    return found


def _worded(source: Source, node: Tree) -> Problem:
    start, end = node.start_byte, node.end_byte
    if node.is_missing:
        return Problem(f"syntax error: `{_shown(node.type)}` is missing", start, end)
    text = source.text(start, end).split("\n", 1)[0].strip()
    if not text:
        return Problem("syntax error", start, end)
    return Problem(f"syntax error: unexpected `{_shown(text)}`", start, end)


def _shown(text: str) -> str:
    names = {"quoted_template_end": '"', "block_end": "}", "heredoc_identifier": "end of the heredoc"}
    text = names.get(text, text)
    return text if len(text) <= 40 else text[:37] + "..."
