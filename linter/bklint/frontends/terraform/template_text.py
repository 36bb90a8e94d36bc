"""The text of a template file (`templatefile`) as an expression, with places in that file.

HCL has no grammar for a bare template, so the text is read as the content of a heredoc, which has the same syntax and
resolves no escapes (https://developer.hashicorp.com/terraform/language/expressions/strings#string-templates).
"""

from __future__ import annotations

from typing import NamedTuple

from bklint.frontends.terraform.alignment import align
from bklint.frontends.terraform.remembered import Remembered
from bklint.source import Place, Source
from bklint.syntax import hcl, hcl_damage
from bklint.syntax.node import Bad, Expr, Literal, Template


class TemplateText(NamedTuple):
    """A template as an expression with places in `source`; `aligned` tells that this is where it is written."""

    expr: Expr
    source: Source
    aligned: bool


_TEMPLATES: Remembered[TemplateText] = Remembered()


def template(where: Place, written: str) -> TemplateText:
    """The expression that a text at a place is; Bad where it has a syntax error."""

    def read() -> TemplateText:
        source = Source(where.source.name, written.encode())
        expr = parse_template(source)
        runs = align(where, written)
        if runs is None or isinstance(expr, Bad):
            return TemplateText(expr, source, False)
        hcl_damage.move(expr, runs.offset)
        return TemplateText(expr, where.source, True)

    return _TEMPLATES.get((where, written), len(written), read)


def parse_template(source: Source) -> Expr:
    """The expression that a template file's text is; Bad where it has a syntax error."""
    marker = b"BKLINT_TEMPLATE"
    while marker in source.data:
        marker += b"_"
    ends = source.data.endswith(b"\n")
    opening = b"<<" + marker + b"\n"
    text = opening + source.data + (b"" if ends else b"\n") + marker + b"\n"
    expr = hcl.parse_expression(Source(source.name, text))
    if isinstance(expr, Bad):
        return expr
    hcl_damage.move(expr, lambda at: at - len(opening))
    return expr if ends else _without_last_line_end(expr)


def _without_last_line_end(expr: Expr) -> Expr:
    """The line end that closed the heredoc is not the file's."""
    if isinstance(expr, Literal) and isinstance(expr.value, str):
        return Literal(expr.value.removesuffix("\n"), expr.start, expr.end - 1)
    if isinstance(expr, Template) and isinstance(expr.parts[-1], Literal):
        last = _without_last_line_end(expr.parts[-1])
        kept = expr.parts[:-1] if isinstance(last, Literal) and last.value == "" else (*expr.parts[:-1], last)
        return Template(kept, expr.heredoc, expr.start, expr.end - 1)
    return expr
