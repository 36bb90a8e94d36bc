"""azurerm arguments to ARM property paths, by the data files in `azurerm/`.

A file says what kind of thing an azurerm type is, which arguments name it, and for each argument the ARM path and the
converter. Converters are a closed list, and each that has an inverse can be written back (see `invert`), so that a fix
is written once in ARM vocabulary. An argument that is null acts as missing, as in Terraform.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from functools import cache

from bklint import packaged
from bklint.frontends.terraform.embedded import decode_json
from bklint.frontends.terraform.views import View
from bklint.model import path as paths
from bklint.model.value import ListData, ObjectData, Unknown, Value
from bklint.records import dataclass, replace
from bklint.source import Locator
from bklint.syntax import yaml

_PROVIDER = re.compile(r"(>=|<)\s*(\d+)")


@dataclass(frozen=True, slots=True)
class Row:
    """One argument or nested block. `convert` is one of same, not, enum, block, blocks, json, each, readonly."""

    arg: str
    path: tuple[paths.Step, ...]
    convert: str = "same"
    table: Mapping[str, str] | None = None
    member: str = ""
    rows: tuple[Row, ...] = ()
    constants: tuple[tuple[tuple[paths.Step, ...], object], ...] = ()
    provider: str = ""
    readonly: bool = False


@dataclass(frozen=True, slots=True)
class TypeMapping:
    """One azurerm type. `kind` is resource, child, patch, item or data (identity only)."""

    name: str
    kind: str
    type: str
    arg_name: str
    arg_group: str
    arg_parent: str
    arg_parents: tuple[str, ...]
    arg_scope: str
    rows: tuple[Row, ...]
    constants: tuple[tuple[tuple[paths.Step, ...], object], ...]
    target_arg: str = ""
    target_type: str = ""
    target_path: tuple[paths.Step, ...] = ()


@cache
def mapping_of(name: str) -> TypeMapping | None:
    """The mapping of an azurerm type; None where there is none."""
    if name not in packaged.mapped_types():
        return None
    text, data = packaged.mapping(name)
    if data is None:
        data = yaml.load_data(text)
    assert isinstance(data, dict)
    return compile_mapping(name, data)


def compile_mapping(name: str, data: Mapping[str, object]) -> TypeMapping:
    """A mapping from the plain data of its file."""
    identity = _mapping(data.get("identity"))
    target = _mapping(data.get("target"))
    path = paths.parse(str(data["path"])) if "path" in data else ()
    return TypeMapping(
        name=name,
        kind=str(data["kind"]),
        type=str(data.get("type", "")),
        arg_name=str(identity.get("name", "")),
        arg_group=str(identity.get("group", "")),
        arg_parent=str(identity.get("parent", "")),
        arg_parents=tuple(map(str, _sequence(identity.get("parents")))),
        arg_scope=str(identity.get("scope", "")),
        rows=tuple(_row(row) for row in _sequence(data.get("rows"))),
        constants=_constants(data.get("set")),
        target_arg=str(target.get("arg", "")),
        target_type=str(target.get("type", "")),
        target_path=path,
    )


def _mapping(data: object) -> Mapping[str, object]:
    return data if isinstance(data, dict) else {}


def _sequence(data: object) -> Sequence[object]:
    return data if isinstance(data, list) else ()


def _constants(data: object) -> tuple[tuple[tuple[paths.Step, ...], object], ...]:
    return tuple((paths.parse(str(path)), value) for path, value in _mapping(data).items())


def _row(data: object) -> Row:
    entry = _mapping(data)
    how = entry.get("as", "same")
    table: Mapping[str, str] | None = None
    member = ""
    if isinstance(how, dict):
        how, setting = next(iter(how.items()))
        if how == "enum":
            table = {str(key): str(value) for key, value in _mapping(setting).items()}
        else:
            member = str(setting)
    return Row(
        arg=str(entry["arg"]),
        path=paths.parse(str(entry.get("path", ""))),
        convert=str(how),
        table=table,
        member=member,
        rows=tuple(_row(row) for row in _sequence(entry.get("rows"))),
        constants=_constants(entry.get("set")),
        provider=str(entry.get("provider", "")),
        readonly=bool(entry.get("readonly", False)),
    )


class Tree:
    """An ARM object being built; frozen into a Value at the end. Lists are built by `[0]` steps only."""

    __slots__ = ("fields", "header", "rest")

    def __init__(self, header: Locator | None) -> None:
        self.header = header
        self.fields: dict[paths.Step, Tree | Value] = {}
        self.rest: Unknown | None = None

    def put(self, path: tuple[paths.Step, ...], value: Value, again: bool = False) -> None:
        """Set the value at a path; the first one written counts, except with `again`."""
        node = self._node(path[:-1], value.place)
        if node is not None and (again or path[-1] not in node.fields):
            node.fields[path[-1]] = value

    def get(self, path: tuple[paths.Step, ...]) -> Value | None:
        """The value put at a path."""
        node: Tree | Value | None = self
        for name in path:
            node = node.fields.get(name) if isinstance(node, Tree) else None
        return node if isinstance(node, Value) else None

    def _node(self, path: tuple[paths.Step, ...], place: Locator | None) -> Tree | None:
        node = self
        for name in path:
            child = node.fields.get(name)
            if child is None:
                child = node.fields[name] = Tree(self.header)
            elif isinstance(child, Value):
                if not isinstance(child.data, (ObjectData, ListData)):
                    return None
                node.fields[name] = child = _thaw(child, self.header)
            node = child
        return node

    def at(self, path: tuple[paths.Step, ...]) -> Tree:
        """The subtree at a path, made where it is missing."""
        return self._node(path, None) or Tree(self.header)

    def value(self) -> Value:
        """The finished object (or list)."""
        if self.fields and all(isinstance(key, int) for key in self.fields):
            items = [_frozen(self.fields[key]) for key in sorted(self.fields, key=lambda key: int(key))]
            return Value(ListData(tuple(items), self.rest), self.header)
        fields = {str(key): _frozen(child) for key, child in self.fields.items()}
        return Value(ObjectData(fields, self.rest), self.header)


def _thaw(value: Value, header: Locator | None) -> Tree:
    tree = Tree(value.place or header)
    if isinstance(value.data, ObjectData):
        tree.fields.update(value.data.fields)
        tree.rest = value.data.rest
    elif isinstance(value.data, ListData):
        tree.fields.update(enumerate(value.data.items))
        tree.rest = value.data.rest
    return tree


def _frozen(child: Tree | Value) -> Value:
    return child.value() if isinstance(child, Tree) else child


def body(mapping: TypeMapping, view: View, provider: str) -> Value:
    """The ARM body that a view of an azurerm block stands for. `provider` is the provider's version, '' when unknown."""
    tree = Tree(view.header)
    tree.rest = view.open
    _fill(tree, mapping.rows, view, provider)
    for path, constant in mapping.constants:
        assert constant is None or isinstance(constant, (str, int, float, bool))
        tree.put(path, Value(constant, view.header))
    if tree.rest is not None:
        _open_all(tree, tree.rest)
    return tree.value()


def _open_all(tree: Tree, why: Unknown) -> None:
    """In a damaged body, what is not written anywhere below is unknown."""
    tree.rest = why
    for child in tree.fields.values():
        if isinstance(child, Tree):
            _open_all(child, why)


def _fill(tree: Tree, rows: tuple[Row, ...], view: View, provider: str) -> None:
    for row in rows:
        if row.provider and not _fits(row.provider, provider):
            continue
        if row.convert == "block":
            _block(tree, row, view, provider)
        elif row.convert == "blocks":
            _blocks(tree, row, view, provider)
        else:
            _argument(tree, row, view)


def _fits(bounds: str, provider: str) -> bool:
    digits = re.match(r"\d+", provider)
    if digits is None:
        return True
    major = int(digits.group())
    return all(major >= int(n) if op == ">=" else major < int(n) for op, n in _PROVIDER.findall(bounds))


def _argument(tree: Tree, row: Row, view: View) -> None:
    value = view.attribute(row.arg)
    if value is None or value.data is None:
        return
    tree.put(row.path, _converted(row, used(value, row.arg, view.attribute_place(row.arg))))
    for path, constant in row.constants:
        assert constant is None or isinstance(constant, (str, int, float, bool))
        tree.put(path, Value(constant, value.place))


def used(value: Value, arg: str, place: Locator | None) -> Value:
    """Mark where the value is used, when its deciding text stands elsewhere."""
    if place is None or value.place == place:
        return value
    return value.via("use", arg, place)


def _converted(row: Row, value: Value) -> Value:
    if row.convert == "not":
        return value._replace(data=not value.data) if isinstance(value.data, bool) else _opaque(value)
    if row.convert == "enum" and row.table is not None:
        return _looked_up(row.table, value)
    if row.convert == "json":
        return _json(row, value)
    if row.convert == "each":
        return _each(row, value)
    return value


def _opaque(value: Value) -> Value:
    if not isinstance(value.data, Unknown):
        return value
    flipped = tuple(
        choice._replace(data=not choice.data) for choice in value.data.domain if isinstance(choice.data, bool)
    )
    why = value.data
    key = None if why.key is None else ("not", why.key)
    return value._replace(data=Unknown(why.reason, why.cause, why.place, "bool", why.nonnull, domain=flipped, key=key))


def _looked_up(table: Mapping[str, str], value: Value) -> Value:
    """The ARM word for a Terraform one; booleans are looked up as `true` and `false`, alternatives one by one."""
    data = value.data
    if isinstance(data, bool):
        return value._replace(data=table.get(str(data).lower(), data))
    if isinstance(data, str):
        return value._replace(data=table.get(data, data))
    if isinstance(data, Unknown):
        domain = tuple(_looked_up(table, choice) for choice in data.domain)
        key = None if data.key is None else ("enum", tuple(table.items()), data.key)
        return value._replace(data=replace(data, type="string", domain=domain, key=key))
    return value


def _json(row: Row, value: Value) -> Value:
    decoded = decode_json(value)
    return decoded if decoded.place is not None else decoded._replace(place=value.place)


def _each(row: Row, value: Value) -> Value:
    data = value.data
    if not isinstance(data, ListData):
        return value
    hops = value.hops
    items = []
    for item in data.items:
        one = item if hops is None or hops.kind != "use" else item.via("use", row.arg, hops.place)
        if item.hops is None and hops is not None and hops.kind == "use":
            one = item._replace(hops=hops)
        items.append(Value(ObjectData({row.member: one}), item.place, one.hops))
    return value._replace(data=ListData(tuple(items), data.rest))


def _block(tree: Tree, row: Row, view: View, provider: str) -> None:
    found = view.blocks(row.arg)
    if found.items:
        inner = tree.at(row.path) if row.path else tree
        if row.path:
            inner.header = found.items[0].header
        _members(inner, row, found.items[0], provider)
        if found.items[0].conditional is not None or (found.rest is not None and len(found.items) > 1):
            inner.rest = found.rest
    elif found.rest is not None:
        if row.path:
            tree.put(row.path, Value(_plain(found.rest), view.attribute_place(row.arg) or view.header))
        else:
            tree.rest = tree.rest or found.rest


def _blocks(tree: Tree, row: Row, view: View, provider: str) -> None:
    found = view.blocks(row.arg)
    if not found.items and found.rest is None:
        return
    items = []
    for item in found.items:
        inner = Tree(item.header)
        _members(inner, row, item, provider)
        value = inner.value()
        if item.conditional is not None:
            value = value.via("condition", item.conditional.cause, item.conditional.place)
        items.append(value)
    place = found.items[0].header if found.items else view.header
    before = tree.get(row.path)
    if before is not None and isinstance(before.data, ListData):
        both = ListData((*before.data.items, *items), before.data.rest or found.rest)
        tree.put(row.path, before._replace(data=both), again=True)
        return
    tree.put(row.path, Value(ListData(tuple(items), found.rest), place))


def _members(inner: Tree, row: Row, view: View, provider: str) -> None:
    inner.rest = inner.rest or view.open
    _fill(inner, row.rows, view, provider)
    for path, constant in row.constants:
        assert constant is None or isinstance(constant, (str, int, float, bool))
        inner.put(path, Value(constant, view.header))


def _plain(why: Unknown) -> Unknown:
    return Unknown(why.reason, why.cause, why.place, key=why.key)
