"""Places in templates that the Bicep compiler made, mapped back to the Bicep source that lies beside them.

A template `X.json` whose metadata names the generator `bicep` is the compiled form of `X.bicep`. Its resources are
found by their symbol (the key, in templates with symbolic names), in the older array form by type and order, since
the compiler writes resources in the order of the source and modules after them; then the way goes down by property
names. A nested deployment is a `module`; inside it, its own file is gone on in where it is a local one. Nothing is read
or parsed before a place in a compiled template is asked for.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Mapping
from typing import Any, NamedTuple

from bklint.errors import InputError
from bklint.files import Reader, join
from bklint.source import Place, Source, Span
from bklint.syntax import bicep, json
from bklint.syntax.bicep import MODULE, RESOURCE, Declaration, File, Member, Node, body_of

DEPLOYMENT = "microsoft.resources/deployments"
_SECTIONS = {"parameters": ("param", "defaultValue"), "variables": ("var", ""), "outputs": ("output", "value")}
"""Sections of a template: the keyword of their declarations, and the member that holds the value."""


class Original(NamedTuple):
    """A place in a Bicep source. `exact` is false where it is only what the place is somewhere inside."""

    place: Place
    exact: bool


class Originals:
    """Finds the Bicep source of places; every file is looked at once."""

    def __init__(self, reader: Reader, built: Mapping[str, str] | None = None) -> None:
        """`built` are templates and parameters files that were made for this scan and are not on disk, with their sources:
        nothing may be shown there."""
        self._reader = reader
        self._built = built or {}
        self._templates: dict[str, json.Document | None] = {}
        self._files: dict[str, File | None] = {}

    def of(self, place: Place) -> Original | None:
        """Where a place in a compiled template was written; None for any other place and where it is not found."""
        source = place.source
        if source.name in self._built and self._built[source.name].endswith(".bicepparam"):
            return self._parameter(place, self._built[source.name])
        found = self._of(place)
        if found is None and source.name in self._built:
            whole = self.file(self._built[source.name])
            return None if whole is None else Original(Place(whole.source, 0, 0), False)
        return found

    def shown(self, place: Place) -> bool:
        """Whether a place is in a file that the user has."""
        return place.source.name not in self._built

    def _parameter(self, place: Place, path: str) -> Original | None:
        """The place in the source of a parameters file: what is written behind `param NAME =`."""
        try:
            document, source = json.parse(place.source), Source.of(path, self._reader.read(path))
        except InputError:
            return None
        pointer = way_to(document, Span(place.start, place.end)).pointer
        if pointer[:1] != ("parameters",) or len(pointer) < 2:
            return Original(Place(source, 0, 0), False)
        match = re.search(
            rf"^[ \t]*param[ \t]+{re.escape(str(pointer[1]))}[ \t]*=[ \t]*([^\r\n]*)".encode(), source.data, re.M
        )
        return Original(Place(source, *match.span(1)) if match else Place(source, 0, 0), match is not None)

    def _of(self, place: Place) -> Original | None:
        source = place.source
        if source.name not in self._templates:
            self._templates[source.name] = self._compiled(source)
        document = self._templates[source.name]
        if document is None or document.source.data != source.data:
            return None
        way = way_to(document, Span(place.start, place.end))
        file = self.file(source_of(source.name))
        return _Search(self, file, document.data).find(way, place.text) if file is not None else None

    def file(self, path: str) -> File | None:
        """The Bicep file of a path; None where there is none."""
        if path not in self._files:
            self._files[path] = self._read(path)
        return self._files[path]

    def _read(self, path: str) -> File | None:
        try:
            if path.endswith(".bicep") and self._reader.is_file(path):
                return bicep.parse(Source.of(path, self._reader.read(path)))
        except InputError:
            pass
        return None

    def _compiled(self, source: Source) -> json.Document | None:
        path = source_of(source.name)
        if not path or b"_generator" not in source.data or not self._reader.is_file(path):
            return None
        try:
            document = json.parse(source)
        except InputError:
            return None
        return document if is_compiled(document.data) else None


def source_of(path: str) -> str:
    """Where the source of a compiled template lies; empty for what is no JSON file."""
    stem, ending = posixpath.splitext(path)
    return f"{stem}.bicep" if ending == ".json" else ""


def is_compiled(template: Any) -> bool:
    """Whether the Bicep compiler made a template, as its metadata says."""
    metadata = template.get("metadata") if isinstance(template, dict) else None
    generator = metadata.get("_generator") if isinstance(metadata, dict) else None
    return isinstance(generator, dict) and str(generator.get("name", "")).lower() == "bicep"


# -- places in the template ----------------------------------------------------------------------------------------


class Way(NamedTuple):
    """A pointer into a template and the part that is meant: value, key, member, header, or a text inside a value."""

    pointer: json.Pointer
    part: str


def way_to(document: json.Document, span: Span) -> Way:
    """The pointer to the innermost value whose text, key included, holds a span."""
    slot, data = document.root(), document.data
    pointer: list[str | int] = []
    while True:
        steps = list(data) if isinstance(data, dict) else range(len(data)) if isinstance(data, list) else ()
        found = next(
            (each for each in ((step, document.child(slot, step)) for step in steps) if _holds(each[1], span)), None
        )
        if found is None or found[1] is None:
            return Way(tuple(pointer), _part(slot, span))
        pointer.append(found[0])
        data, slot = data[found[0]], found[1]


def _holds(slot: json.Slot | None, span: Span) -> bool:
    return slot is not None and slot.span("member").start <= span.start and span.end <= slot.end


def _part(slot: json.Slot, span: Span) -> str:
    for part in ("value", "member", "key", "header"):
        if slot.span(part) == span:
            return part
    return "inside" if slot.start <= span.start else "key"


# -- places in the source ------------------------------------------------------------------------------------------


class _Found(NamedTuple):
    """A node or member that was reached; `whole` is the header of what it stands in."""

    key: Span
    value: Span
    exact: bool

    def span(self, part: str) -> Span:
        """The bytes of a part."""
        if part in ("key", "header"):
            return self.key
        return Span(min(self.key.start, self.value.start), self.value.end) if part == "member" else self.value


class _Search:
    """The way from a template's pointer into its source, and into those of its modules."""

    def __init__(self, originals: Originals, file: File, template: Any) -> None:
        self._originals = originals
        self._file = file
        self._template = template

    def find(self, way: Way, text: str) -> Original | None:
        """The place of the source; None where the symbol is not found."""
        found = self._found(way.pointer)
        if found is None:
            return None
        span, exact = found.span("value" if way.part == "inside" else way.part), found.exact
        if not exact:
            span = found.key
        elif way.part == "inside":
            span, exact = self._inside(span, text)
        return Original(Place(self._file.source, *span), exact)

    def _inside(self, span: Span, text: str) -> tuple[Span, bool]:
        """A text inside a value, where the source has it once."""
        data, wanted = self._file.source.data[span.start : span.end], text.encode()
        if data.count(wanted) != 1:
            return span, False
        at = span.start + data.index(wanted)
        return Span(at, at + len(wanted)), True

    def _found(self, pointer: json.Pointer) -> _Found | None:
        """What a pointer leads to, modules gone through."""
        while pointer[:1] == ("resources",) and len(pointer) > 1:
            key, rest = pointer[1], pointer[2:]
            entry = self._template["resources"][key]
            one = self._resource(key, entry)
            if one is None:
                return None
            if one.kind == RESOURCE:
                return _in_resource(one, rest, entry)
            if rest[:2] != ("properties", "template"):
                return _in_module(one, rest, entry)
            inner = self._originals.file(join(posixpath.dirname(self._file.source.name) or ".", one.type))
            if inner is None:
                return _Found(one.header, one.span, False)
            self._file, self._template, pointer = inner, entry["properties"]["template"], rest[2:]
        return _in_section(self._file, pointer, self._template)

    def _resource(self, key: str | int, entry: Any) -> Declaration | None:
        """The declaration of an entry of `resources`."""
        if isinstance(key, str):
            return _by_symbol(self._file, key)
        return _by_order(self._file, key, entry, self._template["resources"])


def _by_symbol(file: File, key: str) -> Declaration | None:
    """The declaration of a symbol; that of a nested resource is called `parent::child`."""
    first, *below = key.split("::")
    found = file.find(RESOURCE, first) or file.find(MODULE, first)
    for symbol in below:
        found = next((each for each in found.nested if each.symbol == symbol), None) if found is not None else None
    return found


def _by_order(file: File, index: int, entry: Any, entries: list[Any]) -> Declaration | None:
    """The declaration of an entry in the array form: of those of its type, the one of the same number.

    Where there are more declarations than entries, or fewer, only a name written out in both tells.
    """
    type_ = _type(entry)
    alike = [each for each in entries if _type(each) == type_]
    declared = [one for one in _in_order(file) if not one.existing and _declared_type(one) == type_]
    if type_ == DEPLOYMENT:
        declared.sort(key=lambda one: one.kind == MODULE)
    at = sum(1 for each in entries[:index] if _type(each) == type_)
    named = [one for one in declared if _literal_name(file, one) == entry.get("name")]
    if len(named) == 1:
        return named[0]
    return declared[at] if len(declared) == len(alike) else None


def _type(entry: Any) -> str:
    return str(entry.get("type", "")).lower() if isinstance(entry, dict) else ""


def _declared_type(one: Declaration) -> str:
    return DEPLOYMENT if one.kind == MODULE else one.type.lower()


def _in_order(file: File) -> list[Declaration]:
    """The resources and modules of a file, those nested in others behind them."""
    found: list[Declaration] = []
    pending = [one for one in reversed(file.declarations) if one.kind in (RESOURCE, MODULE)]
    while pending:
        one = pending.pop()
        found.append(one)
        pending.extend(reversed(one.nested))
    return found


def _literal_name(file: File, one: Declaration) -> str | None:
    """The name of a resource where it is a plain text."""
    body = body_of(one.value)
    name = body.member("name") if body is not None else None
    text = file.source.text(*name.value.span) if name is not None else ""
    return text[1:-1] if text[:1] == text[-1:] == "'" and "${" not in text else None


# -- inside a declaration ------------------------------------------------------------------------------------------

_HEADED = frozenset({"type", "apiVersion", "existing"})
_ELSEWHERE = {"resourceGroup": "scope", "subscriptionId": "scope", "parent": "parent"}


def _in_resource(one: Declaration, rest: json.Pointer, entry: Any) -> _Found:
    """A place in a resource or in what is written of a module."""
    start = _Found(one.header, one.span, True)
    if not rest or rest[0] in _HEADED:
        return start if not rest else _Found(one.header, one.header, True)
    if rest[0] in ("condition", "copy"):
        found = _guard(one.value, "if" if rest[0] == "condition" else "loop")
        return _Found(found, found, True) if found is not None else start._replace(exact=False)
    body = body_of(one.value)
    if body is None:
        return start._replace(exact=False)
    steps = (_ELSEWHERE.get(str(rest[0]), rest[0]), *rest[1:])
    return _walk(body, steps, entry, start._replace(value=body.span))


def _guard(node: Node | None, kind: str) -> Span | None:
    """The head of the loop or condition of a declaration."""
    while node is not None and node.kind in ("loop", "if"):
        if node.kind == kind:
            return node.head
        node = node.items[0] if node.items else None
    return None


def _in_module(one: Declaration, rest: json.Pointer, entry: Any) -> _Found:
    """A place in what is written of a module; `properties.parameters.x.value` is `params.x`."""
    if rest[:2] != ("properties", "parameters"):
        return _in_resource(one, rest if rest[:1] != ("properties",) else (), entry)
    start, body = _Found(one.header, one.span, True), body_of(one.value)
    if body is None:
        return start._replace(exact=False)
    data = {"params": {name: _argument(each) for name, each in _members(entry["properties"]["parameters"])}}
    return _walk(body, ("params", *rest[2:3], *rest[4:]), data, start)


def _members(data: Any) -> list[tuple[str, Any]]:
    return list(data.items()) if isinstance(data, dict) else []


def _argument(data: Any) -> Any:
    return data.get("value") if isinstance(data, dict) else None


def _in_section(file: File, pointer: json.Pointer, template: Any) -> _Found | None:
    """A place in a parameter, variable or output."""
    kind, inner = _SECTIONS.get(str(pointer[0]), ("", "")) if pointer else ("", "")
    if not kind or len(pointer) < 2:
        return None
    section, rest = template[pointer[0]], pointer[1:]
    data = section.get(rest[0]) if isinstance(section, dict) else None
    name = rest[0]
    if kind == "var" and name == "copy" and len(rest) > 1:
        data = section["copy"][rest[1]]
        name, rest, inner = data.get("name"), rest[1:], "input"
    one = file.find(kind, str(name))
    if one is None:
        return None
    start = _Found(one.header, one.span, True)
    return _in_declared(one, rest[1:], inner, data, start)


def _in_declared(one: Declaration, rest: json.Pointer, inner: str, data: Any, start: _Found) -> _Found:
    """A place in the value or decorators of a declaration that is no resource."""
    if not rest:
        return start
    if inner and rest[0] == "allowedValues" and "allowed" in one.decorators:
        return _walk(one.decorators["allowed"], rest[1:], data["allowedValues"], start)
    if inner and rest[0] != inner:
        return start._replace(value=one.header)
    value = one.value
    if value is None:
        return start._replace(exact=False)
    reached = start._replace(value=value.span)
    return _walk(value, rest[1:] if inner else rest, data.get(inner) if inner else data, reached)


# -- down a value --------------------------------------------------------------------------------------------------


class _At(NamedTuple):
    """A node, the JSON that it became, and what was reached with it."""

    node: Node
    data: Any
    found: _Found


def _walk(node: Node, steps: json.Pointer, data: Any, found: _Found) -> _Found:
    """Follow the steps of a pointer; where they end too early, the last that was reached, not exact."""
    at = _At(node, data, found)
    left = list(reversed(steps))
    while left:
        looped = _loop(at, left)
        further = looped if looped is not None else _step(at, left.pop())
        if further is None:
            return at.found._replace(exact=False)
        at = further
    return at.found


def _loop(at: _At, left: list[str | int]) -> _At | None:
    """Past `copy`, the number of a property loop and `input`, to the body of the loop; its count is its head."""
    listed = at.data.get("copy") if isinstance(at.data, dict) else None
    if left[-1] != "copy" or not isinstance(listed, list) or len(left) < 2 or not isinstance(left[-2], int):
        return None
    del left[-1]
    loop = listed[int(left.pop())]
    member = _member(at.node, str(loop.get("name")), at.data)
    if member is None:
        return None
    reached = _At(member.value, loop, _Found(member.key, member.value.span, True))
    if left and left[-1] == "input" and member.value.kind == "loop" and member.value.items:
        left.pop()
        body = member.value.items[0]
        return _At(body, loop.get("input"), _Found(member.key, body.span, True))
    if left:
        left.clear()
        head = member.value.head if member.value.kind == "loop" else member.key
        return reached._replace(found=_Found(member.key, head, True))
    return reached


def _step(at: _At, step: str | int) -> _At | None:
    """One member or item further."""
    inside = at.data[step] if _has(at.data, step) else None
    if isinstance(step, str):
        member = _member(at.node, step, at.data)
        return None if member is None else _At(member.value, inside, _Found(member.key, member.value.span, True))
    for node in _choices(at.node):
        if node.kind == "array" and step < len(node.items):
            item = node.items[step]
            return _At(item, inside, _Found(Span(item.start, min(item.start + 1, item.end)), item.span, True))
    return None


def _has(data: Any, step: str | int) -> bool:
    return (isinstance(data, dict) and step in data) or (
        isinstance(data, list) and isinstance(step, int) and step < len(data)
    )


def _member(node: Node, name: str, data: Any) -> Member | None:
    """The member of an object, or of one of the objects that a value is chosen from or made of.

    A member whose name is computed is told by its number among those.
    """
    objects = [each for each in _choices(node) if each.kind == "object"]
    for each in objects:
        found = each.member(name)
        if found is not None:
            return found
    if name.startswith("[") and isinstance(data, dict) and objects:
        computed = [each for each in objects[0].members if not each.name]
        names = [each for each in data if each.startswith("[")]
        if len(computed) == len(names):
            return computed[names.index(name)]
    return None


def _choices(node: Node) -> list[Node]:
    """A node, and those it may be: the branches of a ternary, the arguments of `union()`, what is spread into it."""
    found, pending = [], [node]
    while pending:
        one = pending.pop()
        found.append(one)
        if one.kind in ("choice", "if", "loop"):
            pending.extend(reversed(one.items))
        elif one.kind == "object":
            pending.extend(each.value for each in reversed(one.members) if each.name == "...")
    return found
