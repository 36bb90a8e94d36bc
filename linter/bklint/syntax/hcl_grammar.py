"""The tree-sitter grammar of HCL: loaded on first use, and the only place that knows how its node kinds are called.

Node kinds are compared as numbers, which the grammar hands out; names would cost a string for each look.
"""

from __future__ import annotations

import time
from functools import lru_cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tree_sitter import Language, Tree

BINARY = ("*", "/", "%", "+", "-", ">", ">=", "<", "<=", "==", "!=", "&&", "||")
ERROR = 65535
"""The kind of a tree-sitter ERROR node, the same in every grammar."""
LIMIT = 256
"""Levels of nesting that are read. A level is one node of ours, so `a.b.c` counts as two and `[[1]]` as two."""
_SMALL = 32 * 1024
_CHUNK = 64 * 1024


class Refused(Exception):  # noqa: N818 - it is a decision, not a fault of the program
    """An expression that the grammar lets through and Terraform does not, or that is nested too deep.

    `message` is None where Terraform would read the expression and only we cannot.
    """

    def __init__(self, message: str | None, start: int, end: int) -> None:
        super().__init__(message)
        self.message = message
        self.start = start
        self.end = end


class Grammar:
    """A parser and the numbers of the node kinds that the reader tells apart."""

    def __init__(self, language: Language) -> None:
        from tree_sitter import Parser

        self._parser = Parser(language)
        self._language = language
        self._kinds: dict[tuple[str, bool], int] = {}
        self.body = self.kind("body")
        self.attribute = self.kind("attribute")
        self.block = self.kind("block")
        self.comment = self.kind("comment")
        self.object = self.kind("object")
        self.object_elem = self.kind("object_elem")
        self.expression = self.kind("expression")
        self.identifier = self.kind("identifier")
        self.string_lit = self.kind("string_lit")
        self.block_start = self.kind("block_start")
        self.block_end = self.kind("block_end")
        self.paren = self.kind("(", named=False)
        self.ellipsis = self.kind("ellipsis")
        self.for_cond = self.kind("for_cond")
        self.function_arguments = self.kind("function_arguments")
        self.conditional = self.kind("conditional")
        self.get_attr = self.kind("get_attr")
        self.index = self.kind("index")
        self.new_index = self.kind("new_index")
        self.full_splat = self.kind("full_splat")
        self.template_interpolation = self.kind("template_interpolation")
        self.template_literal = self.kind("template_literal")
        self.template_directive = self.kind("template_directive")
        self.template_for = self.kind("template_for")
        self.template_if = self.kind("template_if")
        self.template_if_intro = self.kind("template_if_intro")
        self.template_else_intro = self.kind("template_else_intro")
        self.template_if_end = self.kind("template_if_end")
        self.template_for_start = self.kind("template_for_start")
        self.template_for_end = self.kind("template_for_end")
        self.operators = {self.kind(text, named=False): text for text in BINARY}

    def kind(self, name: str, *, named: bool = True) -> int:
        """The number of a node kind. A name that the grammar lacks is a bug, found by the first parse."""
        found = self._kinds.get((name, named))
        if found is None:
            number = self._language.id_for_node_kind(name, named)
            if number is None:
                raise LookupError(f"the HCL grammar has no node kind {name!r}")
            found = self._kinds[name, named] = number
        return found

    def parse(self, data: bytes) -> Tree | None:
        """The syntax tree of a whole file; None where that would take minutes.

        Recovery from thousands of errors takes tree-sitter quadratic time, so a large file gets a budget, some twenty
        times what an intact one needs.
        """
        if len(data) <= _SMALL:
            return self._parser.parse(data)
        end = time.process_time() + 1 + len(data) / 250_000
        try:
            return self._parser.parse(
                lambda offset, _: data[offset : offset + _CHUNK],
                progress_callback=lambda _offset, _broken: time.process_time() > end,
            )
        except ValueError:
            self._parser.reset()
            return None


@lru_cache(maxsize=1)
def grammar() -> Grammar:
    """The one grammar; importing tree-sitter costs milliseconds, so this waits until a file needs it."""
    import tree_sitter_hcl
    from tree_sitter import Language

    return Grammar(Language(tree_sitter_hcl.language()))
