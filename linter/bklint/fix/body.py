"""An argument into the body of a block: in a group of lines whose equals signs it fits, else in a paragraph of its own.

The lines of a group are what `terraform fmt` aligns together
(https://developer.hashicorp.com/terraform/language/style#code-formatting); a name that is longer than its group's would
move the others, so it is not put there.
"""

from __future__ import annotations

from bklint.fix.edits import (
    Edit,
    RefusedError,
    ends_line,
    indentation,
    inserting,
    line_end,
    line_start,
    newline,
    starts_line,
)
from bklint.source import Place, Source
from bklint.syntax.node import Attribute, Block


def put(source: Source, block: Block, name: str, text: str) -> tuple[Edit, ...]:
    """The edit that gives a block an argument. Raises RefusedError for a block on one line that holds something."""
    data, inner = source.data, block.body
    written = inner.attributes.get(name)
    if written is not None:
        return (Edit(source, written.expr.start, written.expr.end, text.encode()),)
    if not data[inner.start : inner.end].strip() and data[inner.start - 1 : inner.start] == b"{":
        return (_filled(source, block, f"{name} = {text}"),)
    header = line_end(data, inner.start)
    if header > inner.end:
        raise RefusedError("the block stands on one line")
    ordered = sorted(inner.attributes.values(), key=lambda each: each.start)
    indent = indentation(data, ordered[0].start) if ordered else indentation(data, block.start) + "  "
    end = newline(data, inner.start)
    fitting = [group for group in _groups(source, ordered) if len(name) <= _width(source, group)]
    first_block = min((each.start for each in inner.blocks), default=inner.end)
    fitting.sort(key=lambda group: (group[-1].start < first_block, group[-1].start))
    if fitting:
        group = fitting[-1]
        row = f"{indent}{name.ljust(_width(source, group))} = {text}{end}"
        return (inserting(source, line_end(data, group[-1].end), row),)
    row = f"{indent}{name} = {text}{end}"
    if not ordered:
        return (inserting(source, header, row + (end if data[header : inner.end].strip() else "")),)
    at = line_end(data, ordered[-1].end)
    if not ends_line(data, ordered[-1].end) and data[ordered[-1].end : at].lstrip()[:1] not in (b"#", b"/"):
        raise RefusedError("the block stands on one line")
    following = data[at : line_end(data, at)].strip()
    return (inserting(source, at, end + row + ("" if following in (b"", b"}") else end)),)


def _filled(source: Source, block: Block, row: str) -> Edit:
    """An empty pair of braces with an argument between them, on a line of its own."""
    data, inner = source.data, block.body
    own, end = indentation(data, block.start), newline(data, block.start)
    return Edit(source, inner.start - 1, inner.end + 1, f"{{{end}{own}  {row}{end}{own}}}".encode())


def _groups(source: Source, ordered: list[Attribute]) -> list[list[Attribute]]:
    """Attributes on successive lines, each on one line of its own, with their equals signs in one column."""
    groups: list[list[Attribute]] = []
    last = -2
    for each in ordered:
        line = Place(source, each.start, each.end)
        alone = starts_line(source.data, each.start) and line.position.line == line.end_position.line
        if not alone:
            last = -2
            continue
        if line.position.line == last + 1 and _width(source, groups[-1]) == _width(source, [each]):
            groups[-1].append(each)
        else:
            groups.append([each])
        last = line.position.line
    return groups


def _width(source: Source, group: list[Attribute]) -> int:
    """How many characters stand before the blank in front of the equals sign."""
    first = group[0]
    rest = source.data[line_start(source.data, first.start) : first.expr.start]
    sign = rest.rfind(b"=")
    return len(rest[:sign].decode("utf-8", "replace").lstrip()) - 1
