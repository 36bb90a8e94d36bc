"""A new resource beside one that is a list item of its own: a security rule that is declared apart from its group.

What says which group it is in is copied from the one beside it, word for word; so is what it depends on. A resource that
is made in a loop, or only on a condition, has no sibling: how often it would be made cannot be said.
"""

from __future__ import annotations

import re
from typing import Any

from bklint.fix import json_text, literals
from bklint.fix.edits import Edit, RefusedError, indentation, inserting, line_start, newline, starts_line
from bklint.fix.items import arguments
from bklint.fix.repository import directory_of, mentions
from bklint.fix.request import Request
from bklint.frontends.terraform.mapping import TypeMapping, mapping_of
from bklint.model.resource import Resource
from bklint.source import Source
from bklint.syntax.json import Document, Pointer
from bklint.syntax.node import Block

_COPIED = ("provider", "depends_on")
_REFUSED = ("count", "for_each")


def resource_before(request: Request, beside: Resource, source: Source, block: Block) -> Edit:
    """The edit that declares an item in front of the resource block that `beside` is. Raises RefusedError."""
    mapped = mapping_of(beside.source_type)
    name = str(request.value["name"])
    label = re.sub(r"\W", "_", name)
    if mapped is None or mapped.kind != "child" or len(block.labels) != 2:
        raise RefusedError(f"a {beside.source_type} beside it is not written")
    inner = block.body
    made = [each for each in _REFUSED if each in inner.attributes]
    if made or any(each.type not in ("timeouts", "lifecycle") for each in inner.blocks):
        raise RefusedError("the rule is made in a loop: how the new one is made is to be decided")
    header = rf'"?{re.escape(block.labels[0])}"?\s+"?{re.escape(label)}"?'
    if mentions(directory_of(source), header, request.reader):
        raise RefusedError(f"there is a {block.labels[0]}.{label} already")
    if not starts_line(source.data, block.start):
        raise RefusedError("the block shares its line with others")
    data = source.data
    indent, end = indentation(data, block.start), newline(data, block.start)
    ordered = sorted(inner.attributes.values(), key=lambda each: each.start)
    unit = indentation(data, ordered[0].start).removeprefix(indent) or "  "
    copied = {mapped.arg_group, mapped.arg_parent, *mapped.arg_parents, *_COPIED}
    pairs = _arguments(mapped, beside.source_type, request.value)
    for each in ordered:
        if each.name in copied:
            pairs.append((each.name, data[each.expr.start : each.expr.end].decode("utf-8", "replace")))
    width = max(len(argument) for argument, _ in pairs)
    rows = [f"{indent}{unit}{argument:{width}} = {text}" for argument, text in pairs]
    opening = f'{indent}resource "{block.labels[0]}" "{label}" {{'
    return inserting(
        source, _above(data, block.start), "".join(f"{row}{end}" for row in (opening, *rows, f"{indent}}}", ""))
    )


def _above(data: bytes, at: int) -> int:
    """The start of the line of a block, or of the comment above it."""
    found = line_start(data, at)
    while found > 0 and data[line_start(data, found - 1) : found].strip().startswith((b"#", b"//")):
        found = line_start(data, found - 1)
    return found


def _arguments(mapped: TypeMapping, type_: str, item: dict[str, Any]) -> list[tuple[str, str]]:
    rest = {key: inner for key, inner in item.items() if key != "name"}
    return [(mapped.arg_name, literals.hcl(item["name"])), *arguments(mapped.rows, rest, type_)]


def resource_beside(request: Request, beside: Resource, document: Document, pointer: Pointer) -> list[Edit]:
    """The edits that declare an item behind the others of the list that a template declares `beside` in."""
    node = json_text.node_at(document, pointer)
    if not isinstance(node, dict) or not pointer or not isinstance(pointer[-1], int):
        raise RefusedError("it is not an item of a list of resources")
    if "copy" in node or "condition" in node:
        raise RefusedError("the rule is made in a loop or on a condition: how the new one is made is to be decided")
    own = str(beside.name.data)
    written, count = str(node.get("name")), str(node.get("name")).count(own)
    ends = re.search(rf"(?:\A|/|'){re.escape(own)}(?:'\s*\)\s*\]|)\Z", written)
    if ends is None or count != 1:
        raise RefusedError("the name of the rule is computed")
    kept = {key: node[key] for key in ("type", "apiVersion", "scope") if key in node}
    name = written.replace(own, str(request.value["name"]))
    rest = {key: literals.expression_safe(value) for key, value in request.value.items() if key != "name"}
    depends = {"dependsOn": node["dependsOn"]} if "dependsOn" in node else {}
    return json_text.item(document, pointer[:-1], {**kept, "name": name, **depends, **rest})
