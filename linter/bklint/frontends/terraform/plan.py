"""Plans written by `terraform show -json` to worlds of resources.

Values are resolved in a plan; what is known only after apply is UNKNOWN. Links between resources are read from the plan's
`configuration`, whose expressions name what they refer to. What is to be done with each resource (`change.actions`,
`replace_paths`) is kept on it: deleted and replaced machines matter to backup. What is only deleted has no planned
values; machines, vaults, backup policies and protected items of that kind become resources of mode `existing`, with the
properties they have before, so that policies on changes see them and no other policy judges them.
Format: https://developer.hashicorp.com/terraform/internals/json-format
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from bklint.errors import InputError
from bklint.files import Reader
from bklint.frontends import Options, Root
from bklint.frontends.terraform import written
from bklint.frontends.terraform.lower import PROVIDERS, Lowering, Origin
from bklint.frontends.terraform.mapping import body, mapping_of
from bklint.frontends.terraform.module import installed
from bklint.frontends.terraform.plan_shape import fault
from bklint.frontends.terraform.views import ObjectView
from bklint.frontends.terraform.written import Declaration, Spot
from bklint.model.inventory import Inventory, Problem, World
from bklint.model.relations import LOST
from bklint.model.resource import DEPLOYMENT_SUBSCRIPTION, Resource, without_keys
from bklint.model.value import Ident, ListData, ObjectData, Reason, Unknown, Value
from bklint.source import Locator, Place, Source
from bklint.syntax import json

__all__ = ["PlanRoot", "roots"]

_IN_PLAN = ("plan", "in the plan")
_STEPS = re.compile(r"module\.[^.\[]+(?:\[[^\]]*\])?")


def roots(paths: tuple[str, ...], reader: Reader, options: Options, inventory: Inventory) -> Iterator[Root]:
    """One root for each plan file."""
    for path in paths:
        try:
            document = json.parse(Source.of(path, reader.read(path)))
        except InputError as error:
            place = None if error.offset is None else Place.at(Source(path, reader.read(path)), error.offset)
            inventory.problems.append(Problem(path, error.message, place))
            continue
        wrong = fault(document.data)
        if wrong is not None:
            inventory.problems.append(Problem(path, wrong.message, document.place(wrong.pointer)))
            continue
        yield PlanRoot(path, document, reader)


class Planned(NamedTuple):
    """A resource of the plan: its data, where it stands in the document, its module's address, and where its values
    stand (for what is only deleted: those it has before)."""

    data: Mapping[str, Any]
    pointer: tuple[str | int, ...]
    module: str
    values: tuple[str | int, ...]
    lost: bool = False


class Change(NamedTuple):
    """What is to be done with a resource, and where the plan says so."""

    data: Mapping[str, Any]
    pointer: tuple[str | int, ...]


class PlanRoot:
    """One plan. Implements `frontends.Root`."""

    contexts: tuple[str, ...] = ("",)

    def __init__(self, path: str, document: json.Document, reader: Reader) -> None:
        self.path = path
        self._document = document
        self._data: dict[str, Any] = document.data if isinstance(document.data, dict) else {}
        self._source = written.find(path, self._data, reader, lambda root: installed(root, reader, []))

    def lower(self, context: str, assume: Mapping[str, object]) -> World:
        """See Root."""
        world = World(self.path, "plan", context)
        changes = self._changes()
        found = (*self._resources(), *self._lost())
        resources: dict[str, Planned] = {}
        for planned in found:
            if "address" in planned.data:
                resources.setdefault(planned.data["address"], planned)
        references = _References(self._data.get("configuration") or {}, frozenset(resources))
        version = _provider_version(self._data)
        for address, planned in resources.items():
            type_ = str(planned.data.get("type", ""))
            if type_.startswith(PROVIDERS):
                change = changes.get(address, Change({}, planned.pointer))
                declaration = self._source.declaration(address, planned.module) if self._source is not None else None
                view = _PlanView(self._document, planned, change.data, references, declaration)
                Lowering(world, _origin(view, planned, address, type_, version, resources)).lower()
                added = world.by_address(address)
                if added is not None:
                    self._note_change(added, planned, change, version, declaration)
        return world

    def _changes(self) -> dict[str, Change]:
        """The changes by address; those of objects that are left over from an earlier replacement do not count."""
        found: dict[str, Change] = {}
        for index, entry in enumerate(self._data.get("resource_changes") or ()):
            if "address" in entry and "deposed" not in entry:
                found[entry["address"]] = Change(entry.get("change", {}), ("resource_changes", index, "change"))
        return found

    def _note_change(
        self, resource: Resource, planned: Planned, change: Change, version: str, declaration: Declaration | None
    ) -> None:
        """Keep on a resource what is to be done with it: `actions`, `replacePaths` (as text), and its body `before`."""
        place = self._document.place((*change.pointer, "actions")) if change.data.get("actions") else None
        actions = _constant(change.data.get("actions", []))._replace(place=place)
        if declaration is not None and place is not None:
            actions = actions._replace(place=declaration.header).via(*_IN_PLAN, place)
        resource.extra["actions"] = actions
        steps = ", ".join(map(_path_text, change.data.get("replace_paths") or ()))
        resource.extra["replacePaths"] = Value(steps, place)
        mapped, before = mapping_of(resource.source_type), change.data.get("before")
        if planned.lost:
            resource.mode = "existing"
        if mapped is not None and resource.type.casefold() in LOST and isinstance(before, dict):
            label = f"{resource.address} before"
            value = _build(self._document, before, None, (*change.pointer, "before"), label, None)
            resource.extra["before"] = body(mapped, ObjectView(value), version)

    def _lost(self) -> Iterator[Planned]:
        """What the plan only deletes, of the types that matter."""
        for index, entry in enumerate(self._data.get("resource_changes") or ()):
            change = entry.get("change", {})
            before = change.get("before")
            if change.get("actions") != ["delete"] or "deposed" in entry or not isinstance(before, dict):
                continue
            mapped = mapping_of(str(entry.get("type", "")))
            if mapped is not None and mapped.type.casefold() in LOST and entry.get("mode") != "data":
                pointer, module = ("resource_changes", index), str(entry.get("module_address", ""))
                where = (*pointer, "change", "before")
                yield Planned({**entry, "values": before}, pointer, module, where, lost=True)

    def _resources(self) -> Iterator[Planned]:
        pending: list[tuple[Mapping[str, Any], tuple[str | int, ...], str]] = []
        for start in (("planned_values", "root_module"), ("prior_state", "values", "root_module")):
            node: Any = self._data
            for name in start:
                node = node.get(name) or {}
            pending.append((node, start, ""))
        while pending:
            module, pointer, address = pending.pop(0)
            for index, resource in enumerate(module.get("resources") or ()):
                is_data = resource.get("mode") == "data"
                if is_data or pointer[0] == "planned_values":
                    here = (*pointer, "resources", index)
                    yield Planned(resource, here, address, (*here, "values"))
            for index, child in enumerate(module.get("child_modules") or ()):
                pending.append((child, (*pointer, "child_modules", index), str(child.get("address", ""))))


def _origin(
    view: _PlanView,
    planned: Planned,
    address: str,
    type_: str,
    version: str,
    resources: Mapping[str, Planned],
) -> Origin:
    def member(other: str, name: str) -> Value | None:
        found = resources.get(other)
        if found is None:
            return None
        value = (found.data.get("values") or {}).get(name)
        return None if value is None else Value(value, ident=Ident(other, name))

    return Origin(
        view=view,
        address=address,
        base=without_keys(address),
        type=type_,
        mode="data" if planned.data.get("mode") == "data" else "resource",
        subscription=Value(DEPLOYMENT_SUBSCRIPTION),
        version=version,
        block=view.block,
        conditional=None,
        member=member,
    )


class _PlanView(ObjectView):
    """The planned values of a resource; an argument that is unknown stands for what its expression refers to."""

    def __init__(
        self,
        document: json.Document,
        planned: Planned,
        change: Mapping[str, Any],
        references: _References,
        declaration: Declaration | None,
    ) -> None:
        self._references = references
        self._planned = planned
        self.address = str(planned.data["address"])
        unknown = change.get("after_unknown", {}) if not planned.lost else {}
        source = declaration.body if declaration is not None else None
        value = _build(document, planned.data.get("values") or {}, unknown, planned.values, self.address, source)
        super().__init__(value)
        self.header: Locator = document.place((*planned.pointer, "address"), "member")
        self.block: Locator = self.header
        if declaration is not None:
            self.header, self.block = declaration.header, declaration.block

    def attribute(self, name: str) -> Value | None:
        """See View."""
        found = super().attribute(name)
        if found is None:
            return None
        links = self._references.of(self._planned, name)
        if isinstance(found.data, Unknown) and len(links) == 1:
            return found._replace(ident=links[0], data=_linked(found.data, links[0]))
        if isinstance(found.data, ListData) and len(links) == len(found.data.items):
            items = zip(found.data.items, links, strict=True)
            linked = [
                item._replace(ident=link, data=_linked(item.data, link)) if isinstance(item.data, Unknown) else item
                for item, link in items
            ]
            return found._replace(data=ListData(tuple(linked), found.data.rest))
        if isinstance(found.data, Unknown) and links and name.endswith("s"):
            listed = [Value(_linked(found.data, link), found.place, ident=link) for link in links]
            return found._replace(data=ListData(tuple(listed)))
        return found


def _linked(data: Unknown, link: Ident) -> Unknown:
    return Unknown(
        data.reason,
        f"{link.address}.{link.attribute}",
        data.place,
        type="string",
        nonnull=True,
        nonempty=True,
        key=link,
    )


def _build(
    document: json.Document, data: Any, unknown: Any, pointer: tuple[str | int, ...], label: str, source: Spot | None
) -> Value:
    """A planned value with its unknown parts, at its `source` where that is known. Plans nest no deeper than provider
    schemas do, and the reader bounds depth."""
    place: Locator = document.place(pointer)
    if unknown is True:
        return _at(Value(Unknown(Reason.COMPUTED, label, place, key=("plan", label)), place), source)
    if isinstance(data, dict) or (isinstance(unknown, dict) and data is None):
        members, marks = data or {}, unknown if isinstance(unknown, dict) else {}
        names = list(dict.fromkeys((*members, *(name for name, mark in marks.items() if mark))))
        fields = {
            name: _build(
                document,
                members.get(name),
                marks.get(name),
                (*pointer, name),
                f"{label}.{name}",
                source and source.member(name),
            )
            for name in names
        }
        return _at(Value(ObjectData(fields), document.place(pointer, "header")), source)
    if isinstance(data, list):
        flags = unknown if isinstance(unknown, list) else []
        items = [
            _build(
                document,
                item,
                flags[i] if i < len(flags) else None,
                (*pointer, i),
                f"{label}[{i}]",
                source and source.item(i),
            )
            for i, item in enumerate(data)
        ]
        more = (*pointer, len(data))
        extra = [_build(document, None, mark, more, label, source) for mark in flags[len(data) :] if mark]
        return _at(Value(ListData((*items, *extra)), document.place(pointer, "header")), source)
    return _at(Value(data, place), source)


def _at(value: Value, source: Spot | None) -> Value:
    """The value at the text it was planned from; the plan is a place on its way."""
    return value if source is None else value._replace(place=source.place).via(*_IN_PLAN, value.place)


def _path_text(steps: Any) -> str:
    """A path of a plan (`["os_disk", 0, "name"]`) as `os_disk[0].name`."""
    found = ""
    for step in steps if isinstance(steps, list) else ():
        found += f"[{step}]" if isinstance(step, int) else f".{step}" if found else str(step)
    return found


def _constant(data: Any) -> Value:
    if isinstance(data, list):
        return Value(ListData(tuple(_constant(item) for item in data)))
    return Value(data)


class _References:
    """What the expressions of the configuration refer to."""

    def __init__(self, configuration: Mapping[str, Any], declared: frozenset[str]) -> None:
        self._root: Mapping[str, Any] = configuration.get("root_module") or {}
        self._declared = declared

    def of(self, planned: Planned, argument: str) -> list[Ident]:
        """The resource attributes that an argument of a planned resource refers to, in order."""
        module = self._module(planned.module)
        plain = without_keys(str(planned.data["address"]))
        name = plain.removeprefix(without_keys(planned.module) + ".") if planned.module else plain
        for resource in module.get("resources") or ():
            if resource.get("address") == name:
                expression = (resource.get("expressions") or {}).get(argument)
                return self._resolve(_named(expression), planned.module, planned.data.get("index"), 0)
        return []

    def _module(self, address: str) -> Mapping[str, Any]:
        module = self._root
        for step in _STEPS.findall(address):
            name = without_keys(step).removeprefix("module.")
            module = self._called(module, name).get("module") or {}
        return module

    @staticmethod
    def _called(module: Mapping[str, Any], call: str) -> Mapping[str, Any]:
        found: Mapping[str, Any] = (module.get("module_calls") or {}).get(call, {})
        return found

    def _resolve(self, named: list[str], module: str, index: object, depth: int) -> list[Ident]:
        found: list[Ident] = []
        if depth > 20:
            return found
        for reference in named:
            if any(other != reference and other.startswith((reference + ".", reference + "[")) for other in named):
                continue
            found.extend(self._one(reference, module, index, depth))
        return list(dict.fromkeys(found))

    def _one(self, reference: str, module: str, index: object, depth: int) -> list[Ident]:
        if reference.startswith("var.") and module:
            outer, call = _caller(module)
            expressions = self._called(self._module(outer), call).get("expressions") or {}
            return self._resolve(_named(expressions.get(reference.split(".")[1])), outer, None, depth + 1)
        if reference.startswith("module."):
            return self._output(reference, module, depth)
        address, _, attribute = reference.rpartition(".")
        prefix = f"{module}." if module else ""
        for candidate in (prefix + address, prefix + address + _suffix(index)):
            if candidate in self._declared:
                return [Ident(candidate, attribute)]
        return []

    def _output(self, reference: str, module: str, depth: int) -> list[Ident]:
        steps = _STEPS.findall(reference)
        if not steps:
            return []
        output = reference[len(steps[0]) :].lstrip(".").partition(".")[0]
        inner = f"{module}.{steps[0]}" if module else steps[0]
        expression = (self._module(inner).get("outputs") or {}).get(output, {}).get("expression")
        return self._resolve(_named(expression), inner, None, depth + 1)


def _named(expression: object) -> list[str]:
    """What an expression refers to; nothing for the expressions of blocks, which are lists."""
    found: list[str] = expression.get("references", []) if isinstance(expression, dict) else []
    return found


def _suffix(index: object) -> str:
    if index is None:
        return ""
    return f'["{index}"]' if isinstance(index, str) else f"[{index}]"


def _caller(module: str) -> tuple[str, str]:
    steps = _STEPS.findall(module)
    return ".".join(steps[:-1]), without_keys(steps[-1]).removeprefix("module.")


def _provider_version(data: Mapping[str, Any]) -> str:
    providers = (data.get("configuration") or {}).get("provider_config") or {}
    azurerm = providers.get("azurerm", {})
    match = re.search(r"\d+(\.\d+)*", str(azurerm.get("version_constraint", "")))
    return match.group() if match else ""
