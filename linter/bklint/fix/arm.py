"""Requests into edits of ARM templates: a property, an item of a list, a resource or a rule.

Pointers, not spans, tell where a resource's properties are written, so what is missing can be put where it belongs.
"""

from __future__ import annotations

import re
from typing import Any

from bklint.fix import json_text, literals, siblings
from bklint.fix.edits import RefusedError, replacing
from bklint.fix.repository import check_editable
from bklint.fix.request import Request, Ways, check_item, spot
from bklint.model import path as paths
from bklint.model.resource import Resource
from bklint.model.value import ListData, Value
from bklint.source import Locator, Place
from bklint.syntax.json import Document, JsonPlace, Pointer

_REFERENCE = re.compile(r'"\[\s*(parameters|variables)\(\s*\'([^\']+)\'\s*\)\s*\]"\Z', re.IGNORECASE)


def ways(request: Request) -> Ways:
    """How a request can be done. Raises RefusedError."""
    if request.op == "remove":
        return _remove(request)
    if request.op == "append":
        return _append(request)
    if request.op == "insertItem" and request.field == "properties.accessPolicies":
        raise RefusedError("the object id of Azure Backup in the tenant is not known to a template")
    if request.op == "insertItem":
        beside = check_item(request)
        return _append(request) if beside.derived else _sibling(request, beside)
    if request.op == "set":
        value = request.present
        if value.exists is False or value.is_default:
            return _insert(request)
        return _set(request, value)
    raise RefusedError("this kind of change is not made in templates")


def _pointed(place: Locator | None) -> tuple[Document, Pointer]:
    """The document and pointer of a place. Raises RefusedError."""
    if isinstance(place, JsonPlace) and isinstance(place.document, Document):
        return place.document, place.pointer
    raise RefusedError("it is not written in the template")


def _declaration(resource: Resource) -> tuple[Document, Pointer]:
    """Where a resource, or the entry that an inline child is, is written."""
    return _pointed(resource.body.place if resource.derived else resource.block)


# -- set -----------------------------------------------------------------------------------------------------------


def _set(request: Request, value: Value) -> Ways:
    if value.unknown is not None or value.used_at is None or value.place is None:
        raise RefusedError("the value is not known")
    used, leaf = value.used_at.locate(), value.place.locate()
    new = literals.expression_safe(request.value)
    if spot(leaf) == spot(used):
        if isinstance(value.data, (str, bool, int, float)):
            new = literals.in_kind(new, "" if _is_expression(used) else used.text)
        return Ways(use=(replacing(used, literals.as_json(new)),), use_spot=spot(used))
    use = replacing(used, literals.as_json(new))
    if not _sole_leaf(request, value, leaf):
        return Ways(use=(use,), use_spot=spot(used))
    text = literals.as_json(literals.in_kind(new, leaf.text))
    return Ways((replacing(leaf, text),), spot(leaf), (use,), spot(used))


def _is_expression(place: Place) -> bool:
    return place.text.startswith('"[') and not place.text.startswith('"[[')


def _sole_leaf(request: Request, value: Value, leaf: Place) -> bool:
    """Whether a literal alone decides a value and decides nothing else."""
    try:
        check_editable(leaf.source, request.reader)
    except RefusedError:
        return False
    if _is_expression(leaf) or not _spells(leaf, value):
        return False
    used = value.used_at.locate() if value.used_at is not None else leaf
    text, source = used.text, used.source
    for hop in (hop for hop in value.trail if hop.kind != "use"):
        if hop.kind not in ("parameter", "parameter file", "variable") or hop.place is None:
            return False
        match = _REFERENCE.match(text)
        if match is None or _count(source.data, match[1], match[2]) != 1:
            return False
        document, pointer = _pointed(hop.place)
        if hop.kind == "parameter" and not _allowed(document, pointer, request.value):
            return False
        text = document.place(pointer).locate().text
    return True


def _spells(leaf: Place, value: Value) -> bool:
    return leaf.text.strip('"').casefold() == str(value.data).casefold()


def _count(data: bytes, function: str, name: str) -> int:
    return len(re.findall(rf"{function}\(\s*'{re.escape(name)}'\s*\)".encode(), data, re.IGNORECASE))


def _allowed(document: Document, pointer: Pointer, value: Any) -> bool:
    """Whether a parameter may have a value."""
    node = json_text.node_at(document, pointer)
    members = {key.lower(): member for key, member in node.items()} if isinstance(node, dict) else {}
    choices = members.get("allowedvalues")
    return choices is None or value in choices


# -- missing -------------------------------------------------------------------------------------------------------


def _insert(request: Request) -> Ways:
    document, pointer = _declaration(request.resource)
    node, rest = json_text.node_at(document, pointer), list(request.path)
    while rest:
        key = _key(node, rest[0])
        if key is None:
            break
        pointer, node = (*pointer, key), node[key]
        rest.pop(0)
    if not rest:
        place = document.place(pointer).locate()
        return Ways(use=(replacing(place, literals.as_json(request.value)),), use_spot=spot(place))
    if not isinstance(node, dict) or not all(isinstance(step, str) for step in rest) or _has_loop(node, rest[0]):
        raise RefusedError(f"{request.field} is not written as plain properties")
    new = literals.expression_safe(request.value)
    for step in reversed(rest[1:]):
        new = {step: new}
    edits = json_text.member(document, pointer, str(rest[0]), new)
    return Ways(use=tuple(edits), use_spot=spot(document.place(pointer, "header")))


def _key(node: Any, step: paths.Step) -> Any:
    """The member or item of that name; names compare ignoring case."""
    if isinstance(node, list) and isinstance(step, int) and step < len(node):
        return step
    if not isinstance(node, dict):
        return None
    return next((key for key in node if key.casefold() == str(step).casefold()), None)


def _has_loop(node: dict[str, Any], name: paths.Step) -> bool:
    """Whether a property loop may make the member."""
    loops = node.get("copy")
    return isinstance(loops, list) and any(isinstance(each, dict) and each.get("name") == name for each in loops)


def _append(request: Request) -> Ways:
    value = request.present
    if isinstance(value.data, str):
        return _set(request._replace(value=value.data + str(request.value)), value)
    if not isinstance(value.data, ListData) or value.data.rest is not None:
        raise RefusedError(f"{request.field} is not a list that is written out")
    if value.used_at is not None and spot(value.used_at) != spot(value.place):
        raise RefusedError("the list is written elsewhere and may be used elsewhere too")
    document, pointer = _pointed(value.place)
    edits = json_text.item(document, pointer, literals.expression_safe(request.value))
    return Ways(use=tuple(edits), use_spot=spot(value.place))


def _sibling(request: Request, beside: Resource) -> Ways:
    """A new resource of the list that the one which the request is about is declared in."""
    document, pointer = _declaration(beside)
    edits = siblings.resource_beside(request, beside, document, pointer)
    return Ways(use=tuple(edits), use_spot=spot(beside.block))


# -- removal -------------------------------------------------------------------------------------------------------


def _remove(request: Request) -> Ways:
    resource = request.resource
    document, pointer = _declaration(resource)
    if request.field or not pointer:
        raise RefusedError("what is to be removed is not a resource")
    if not resource.derived:
        _check_unused(document, pointer, resource)
    edits = json_text.without(document, pointer)
    return Ways(use=tuple(edits), use_spot=spot(resource.body.place if resource.derived else resource.block))


def _check_unused(document: Document, pointer: Pointer, resource: Resource) -> None:
    """Raises RefusedError where an expression elsewhere in the file may refer to a resource."""
    place = document.place(pointer, "member").locate()
    data = document.source.data
    rest = data[: place.start] + data[place.end :]
    node = json_text.node_at(document, pointer)
    words = [str(node.get("type", resource.type)).partition("@")[0]]
    if isinstance(pointer[-1], str):
        words.append(f"'{pointer[-1]}'")
        words.append(f'"{pointer[-1]}"')
    name = node.get("name") if isinstance(node, dict) else None
    if isinstance(name, str) and not name.startswith("["):
        words.append(f'"{name}"')
    known = _references(rest)
    for word in words:
        wanted = re.escape(word.strip("\"'").encode())
        if re.search(rb"[\"'(,\[/]\s*" + wanted + rb"\s*['\"/),]", known, re.IGNORECASE):
            raise RefusedError(f"something may refer to {word}")


def _references(data: bytes) -> bytes:
    """The texts of a template that may refer to a resource: expressions, and what resources depend on."""
    expressions = re.findall(rb'"\[[^"]*\]"', data)
    depends = re.findall(rb'"dependsOn"\s*:\s*\[[^\]]*\]', data, re.IGNORECASE)
    return b"\n".join((*expressions, *depends))
