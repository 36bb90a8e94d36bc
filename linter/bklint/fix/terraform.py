"""Requests into edits of Terraform: an argument, a member of `jsonencode({…})`, a nested or top-level block.

What stands around the text to change tells which row of the mapping applies, so a value that came through a variable
file or out of a patch resource is written in the words of the argument it is used in.
"""

from __future__ import annotations

import re
from typing import Any

from bklint.fix import body, grants, literals, siblings
from bklint.fix.edits import Edit, RefusedError, replacing, without_lines
from bklint.fix.embedded import put_json, text_in_string
from bklint.fix.items import put_before
from bklint.fix.origins import sole_leaf
from bklint.fix.repository import directory_of, mentions
from bklint.fix.request import Request, Ways, check_item, spot
from bklint.fix.sequences import HCL_COMMENTS, Bracketed, put_in
from bklint.fix.tree import Way, is_exactly, parsed, way_to
from bklint.frontends.terraform.embedded_text import EmbeddedPlace
from bklint.frontends.terraform.mapping import Row, mapping_of
from bklint.model import path as paths
from bklint.model.resource import Resource
from bklint.model.value import ListData, Value, step
from bklint.source import Place, Source, Span
from bklint.syntax.node import Block, Expr, Literal, ObjectExpr, Template, TupleExpr


def ways(request: Request) -> Ways:
    """How a request can be done. Raises RefusedError."""
    if request.op == "remove":
        return _remove(request)
    if request.op == "append":
        return _append(request)
    if request.op == "insertItem" and request.field == "properties.accessPolicies":
        return grants.ways(request)
    if request.op == "insertItem":
        return _item(request)
    if request.op == "set":
        value = request.present
        if value.exists is False or value.is_default:
            return _insert(request)
        return _set(request, value)
    raise RefusedError("this kind of change is not made in Terraform")


def _way(place: Place) -> Way:
    return way_to(parsed(place.source).body, place.start, place.end)


# -- set -----------------------------------------------------------------------------------------------------------


def _set(request: Request, value: Value) -> Ways:
    if value.unknown is not None or value.used_at is None or value.place is None:
        raise RefusedError("the value is not known")
    used, leaf = value.used_at.locate(), value.place.locate()
    way = _way(used)
    row = row_of(way)
    raw = inverted(row, request.value)
    edits: tuple[Edit, ...] = ()
    why = ""
    try:
        edits = (replacing(used, _written(way, used, raw)),)
    except RefusedError as refused:
        why = str(refused)
    if spot(leaf) == spot(used):
        return Ways(use=edits, use_spot=spot(used), why=why)
    found = sole_leaf(value, inverted(row, value.data), request.reader)
    if found is None:
        return Ways(use=edits, use_spot=spot(used), why=why)
    new = literals.in_kind(raw, found.text)
    text = literals.as_json(new) if found.source.name.endswith(".json") else literals.hcl(new)
    return Ways((replacing(found, text),), spot(found), edits, spot(used), why)


def _written(way: Way, used: Place, value: Any) -> str:
    """The text of a value at a place: an expression, or a value of the JSON in a string."""
    if used.source.name.endswith(".json"):
        return literals.as_json(literals.in_kind(value, used.text))
    if isinstance(way.last, (Literal, Template)) and not is_exactly(way.last, used.start, used.end):
        return text_in_string(used.source, way.last, literals.as_json(literals.in_kind(value, used.text)))
    if isinstance(way.last, Expr) and is_exactly(way.last, used.start, used.end):
        literal = isinstance(way.last, Literal)
        return literals.hcl(literals.in_kind(value, used.text) if literal else value)
    raise RefusedError("the value is not written as one expression")


def row_of(way: Way) -> Row:
    """The mapping row of the argument around a place. Raises RefusedError where nothing says how it is written."""
    blocks, attribute = way.blocks, way.attribute
    if attribute is None or not blocks or blocks[0].type != "resource" or len(blocks[0].labels) != 2:
        raise RefusedError("the value is not an argument of a resource")
    kind = blocks[0].labels[0]
    if kind.startswith("azapi_") and attribute.name == "body":
        return Row("body", (), "json")
    mapped = mapping_of(kind)
    rows = mapped.rows if mapped is not None else ()
    for name in way.arguments:
        rows = next((row.rows for row in rows if row.arg == name and row.convert in ("block", "blocks")), ())
    found = next((row for row in rows if row.arg == attribute.name), None)
    if found is None or found.readonly:
        raise RefusedError(f"{attribute.name} of {kind} cannot be written back")
    return found


def inverted(row: Row, value: Any) -> Any:
    """The Terraform value for an ARM one. Raises RefusedError."""
    if row.convert == "not" and isinstance(value, bool):
        return not value
    if row.convert == "enum" and row.table is not None:
        words = [word for word, meant in row.table.items() if meant == value]
        if not words and value in row.table:
            return value
        if not words:
            raise RefusedError(f"{row.arg} has no word for {value}")
        return words[0] == "true" if words[0] in ("true", "false") else words[0]
    if row.convert in ("same", "json"):
        return value
    raise RefusedError(f"{row.arg} cannot be written back")


# -- missing -------------------------------------------------------------------------------------------------------


def _insert(request: Request) -> Ways:
    """Write what is missing: a member of an object, or an argument of a block."""
    resource = request.resource
    depth, value = _written_part(request)
    rest = request.path[depth:]
    if not all(isinstance(name, str) for name in rest):
        raise RefusedError("the list is not written")
    inside = _into_object(value, [str(name) for name in rest], request.value) if depth else None
    if inside is not None:
        return Ways(use=inside, use_spot=spot(value.place))
    if resource.derived or resource.block is None:
        raise RefusedError(f"{request.field} is not written")
    place = resource.block.locate()
    file = parsed(place.source)
    block = next((each for each in file.body.blocks if each.start == place.start), None)
    mapped = mapping_of(resource.source_type)
    if block is None or mapped is None or place.source.name.endswith(".json"):
        raise RefusedError(f"{request.field} is not written")
    names, row = _argument(mapped.rows, request.path, block)
    for name in names:
        block = _only(block, name)
    edits = body.put(place.source, block, row.arg, literals.hcl(inverted(row, request.value)))
    return Ways(use=edits, use_spot=(place.source.name, block.start, block.end))


def _written_part(request: Request) -> tuple[int, Value]:
    """How many steps of the path are written, and the value there."""
    value, depth = request.resource.body, 0
    for name in request.path:
        inner = step(value, name)
        if inner.exists is False or inner.is_default:
            break
        value, depth = inner, depth + 1
    return depth, value


def _into_object(value: Value, names: list[str], new: Any) -> tuple[Edit, ...] | None:
    """The edits that put a member into a written object; None where the value is no object of its own text."""
    if value.place is None or not names:
        return None
    for name in reversed(names[1:]):
        new = {name: new}
    if isinstance(value.place, EmbeddedPlace):
        return put_json(value.place, names[0], new)
    place = value.place.locate()
    node = _way(place).last
    if not isinstance(node, ObjectExpr) or not is_exactly(node, place.start, place.end):
        return None
    return tuple(_member(place.source, node, names[0], new))


def _member(source: Source, node: ObjectExpr, name: str, new: Any) -> list[Edit]:
    data = source.data
    items = [Span(key.start, value.end) for key, value in node.items]
    into = Bracketed(source, node.start, node.end, items, lines=True)
    sign, width, quoted = "=", 0, False
    if node.items:
        key, value = node.items[-1]
        between = data[key.end : value.start].decode("utf-8", "replace")
        sign = ":" if ":" in between else "="
        width = key.end - key.start + len(between) - len(between.lstrip()) - 1
        quoted = data[key.start : key.start + 1] == b'"'
    own = literals.hcl(name) if quoted else literals.hcl_key(name)
    multiple = into.own_lines and node.items
    ending = ("\r\n" if b"\r\n" in data[node.start : node.end] else "\n") if multiple else ""
    text = literals.hcl(new, into.indent, ending, quoted)
    gap = own.ljust(width) if multiple and "\n" not in text else own
    return put_in(into, [f"{gap} {sign} {text}" if sign == "=" else f"{own}: {text}"], padded=True)


def _argument(rows: tuple[Row, ...], path: tuple[paths.Step, ...], block: Block) -> tuple[list[str], Row]:
    """The nested blocks and the argument that stand for an ARM path. Raises RefusedError."""
    pending: list[tuple[list[str], tuple[Row, ...], tuple[paths.Step, ...]]] = [([], rows, path)]
    while pending:
        names, inner, rest = pending.pop(0)
        for row in inner:
            if row.convert == "block" and rest[: len(row.path)] == row.path and len(rest) > len(row.path):
                if names or any(each.type == row.arg for each in block.body.blocks):
                    pending.append(([*names, row.arg], row.rows, rest[len(row.path) :]))
            elif row.path == rest and not row.readonly and row.convert in ("same", "not", "enum"):
                return names, row
    raise RefusedError(f"no argument of {block.labels[0]} stands for {'.'.join(map(str, path))}")


def _only(block: Block, name: str) -> Block:
    found = [each for each in block.body.blocks if each.type == name]
    if len(found) != 1:
        raise RefusedError(f"the block {name} is not written exactly once")
    return found[0]


# -- lists ---------------------------------------------------------------------------------------------------------


def _append(request: Request) -> Ways:
    value = request.present
    if isinstance(value.data, str):
        return _set(request._replace(value=value.data + str(request.value)), value)
    if not isinstance(value.data, ListData) or value.data.rest is not None or value.place is None:
        raise RefusedError(f"{request.field} is not a list that is written out")
    place = value.place.locate()
    if isinstance(value.place, EmbeddedPlace):
        return Ways(use=put_json(value.place, None, request.value), use_spot=spot(place))
    if place.source.name.endswith(".json"):
        raise RefusedError("a list in JSON syntax is not changed")
    way = _way(place)
    node = way.last
    if not isinstance(node, TupleExpr) or not is_exactly(node, place.start, place.end):
        raise RefusedError(f"{request.field} is not a list that is written out")
    if (
        value.used_at is not None
        and spot(value.used_at) != spot(place)
        and sole_leaf(value, None, request.reader) is None
    ):
        raise RefusedError("the list is used in other places too")
    items = [Span(item.start, item.end) for item in node.items]
    edits = put_in(Bracketed(place.source, node.start, node.end, items), [literals.hcl(request.value)])
    return Ways(use=tuple(edits), use_spot=spot(place))


def _item(request: Request) -> Ways:
    """A new block in front of the one that the request is about."""
    beside = check_item(request)
    if not beside.derived:
        return _sibling(request, beside)
    place = beside.body.place.locate() if beside.body.place is not None else None
    mapped = mapping_of(request.resource.source_type)
    row = next((row for row in mapped.rows if row.path == request.path), None) if mapped is not None else None
    if place is None or row is None or row.convert != "blocks" or place.source.name.endswith(".json"):
        raise RefusedError(f"{request.field} is not written as blocks")
    block = next((each for each in reversed(_way(place).blocks) if each.start == place.start), None)
    if block is None or block.type != row.arg:
        raise RefusedError("it is not written as a block of its own")
    edit = put_before(place.source, block, row, request.value)
    return Ways(use=(edit,), use_spot=(place.source.name, block.start, block.end))


def _sibling(request: Request, beside: Resource) -> Ways:
    """A new resource block in front of the one that the request is about."""
    place = beside.block.locate() if beside.block is not None else None
    if place is None or place.source.name.endswith(".json"):
        raise RefusedError("it is not written as a block")
    block = next((each for each in reversed(_way(place).blocks) if each.start == place.start), None)
    if block is None or block.type != "resource":
        raise RefusedError("it is not written as a block of its own")
    edit = siblings.resource_before(request, beside, place.source, block)
    return Ways(use=(edit,), use_spot=spot(beside.block))


# -- removal -------------------------------------------------------------------------------------------------------


def _remove(request: Request) -> Ways:
    resource = request.resource
    locator = resource.body.place if resource.derived else resource.block
    if request.field or locator is None:
        raise RefusedError("what is to be removed is not a block")
    place = locator.locate()
    if place.source.name.endswith(".json"):
        raise RefusedError("a block in JSON syntax is not removed")
    block = next((each for each in reversed(_way(place).blocks) if each.start == place.start), None)
    if block is None or block.type in ("dynamic", "content"):
        raise RefusedError("it is not written as a block of its own")
    if not resource.derived:
        _check_unused(place.source, block, request)
    edit = without_lines(place.source, block.start, block.end, HCL_COMMENTS)
    return Ways(use=(edit,), use_spot=spot(locator))


def _check_unused(source: Source, block: Block, request: Request) -> None:
    """Raises RefusedError where something refers to a resource, or another file changes it."""
    address = ".".join(block.labels)
    if mentions(directory_of(source), rf"(?<![\w.]){re.escape(address)}\b", request.reader):
        raise RefusedError(f"something refers to {address}")
    header = r"\s+".join(rf'"?{re.escape(word)}"?' for word in (block.type, *block.labels))
    if mentions(directory_of(source), header, request.reader) > 1:
        raise RefusedError(f"{address} is declared in more than one place")
