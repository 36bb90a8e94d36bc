"""Resource blocks of a module tree to resources in ARM vocabulary.

An azurerm type that has no mapping file is lowered all the same, as `Terraform/<type>` with its name and group, so that
references to it resolve and nothing disappears without a trace. azapi resources are in ARM vocabulary already.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import NamedTuple

from bklint.frontends.terraform import absent
from bklint.frontends.terraform import mapping as mappings
from bklint.frontends.terraform.embedded import decode_json
from bklint.frontends.terraform.instance import ModuleInstance
from bklint.frontends.terraform.mapping import TypeMapping
from bklint.frontends.terraform.module import ModuleFiles, Written
from bklint.frontends.terraform.views import View
from bklint.model import path as paths
from bklint.model.inventory import Note, Patch, World
from bklint.model.resource import DEPLOYMENT_GROUP, DEPLOYMENT_SUBSCRIPTION, Resource, parse_id, without_keys
from bklint.model.value import ObjectData, Reason, Unknown, Value
from bklint.source import Locator, Place
from bklint.syntax.node import Expr, GetAttr, Literal, Name, ObjectExpr

GENERIC = "Terraform/"
PROVIDERS = ("azurerm_", "azapi_", "azuread_", "cloudinit_config", "template_cloudinit_config")
"""How the types begin that are lowered: those of Azure, and the messages for cloud-init that Terraform composes."""
_VERSION = re.compile(r"(=|!=|>=|<=|~>|>|<)?\s*v?(\d+(?:\.\d+)*)")


def lower_tree(root: ModuleInstance, world: World) -> None:
    """Add every resource of a root module and of the modules it calls to the world."""
    pending = [root]
    while pending:
        module = pending.pop()
        for origin in _origins(module):
            Lowering(world, origin).lower()
        absent.note(module, world)
        world.moved.extend(
            (module.prefix + from_, module.prefix + to) for from_, to in module.files.moved if from_ and to
        )
        world.let_go.extend(module.prefix + address for address in module.files.removed if address)
        pending.extend(reversed(list(module.children())))


class Origin(NamedTuple):
    """One instance of a block, from a configuration or from a plan. `base` is its address without its own instance key;
    `member` reads an attribute of another declared resource."""

    view: View
    address: str
    base: str
    type: str
    mode: str
    subscription: Value
    version: str
    block: Locator | None
    conditional: Unknown | None
    member: Callable[[str, str], Value | None]


def _origins(module: ModuleInstance) -> Iterator[Origin]:
    version = provider_version(module)
    for mode, table in (("resource", module.files.resources), ("data", module.files.data)):
        for (type_, name), written in table.items():
            if not type_.startswith(PROVIDERS):
                continue
            base = module.address(mode, type_, name)
            for instance in module.expansion(mode, type_, name).instances:
                yield Origin(
                    view=module.view(written, instance),
                    address=base + instance.suffix,
                    base=base,
                    type=type_,
                    mode=mode,
                    subscription=_subscription(module, written),
                    version=version,
                    block=Place(written.source, written.block.start, written.block.end),
                    conditional=instance.conditional or module.conditional,
                    member=module.member_of,
                )


class Lowering:
    """One instance of one block on its way into the world."""

    def __init__(self, world: World, origin: Origin) -> None:
        self.world = world
        self.origin = origin
        self.type = origin.type
        self.mode = origin.mode
        self.address = origin.address
        self.view = origin.view

    def lower(self) -> None:
        """Add what the block stands for: a resource, a patch of another resource, or an item of one."""
        mapped = mappings.mapping_of(self.type)
        if self.type.startswith("azapi_"):
            self._azapi()
        elif mapped is None:
            if self.mode == "resource":
                self._add(self._generic())
                self._say_embedded()
        elif self.mode == "data":
            self._add(self._data(mapped))
        elif mapped.kind in ("patch", "item"):
            self._patch(mapped)
        elif mapped.kind != "data":
            self._add(self._resource(mapped))

    def _add(self, resource: Resource) -> None:
        self.world.add(resource)

    def _attribute(self, name: str) -> Value | None:
        """An attribute by name, with its identity as `address.name`, so that names join by reference too."""
        if not name:
            return None
        value = self.view.attribute(name)
        return None if value is None or value.data is None else value

    def _used(self, name: str) -> Value | None:
        """An attribute, marked with where it is used."""
        value = self._attribute(name)
        return None if value is None else mappings.used(value, name, self.view.attribute_place(name))

    def _value(self, name: str) -> Value:
        found = self._attribute(name)
        if found is not None:
            return found
        return Value(
            Unknown(
                Reason.COMPUTED,
                f"{self.address}.{name or 'name'}",
                type="string",
                nonnull=True,
                nonempty=True,
                key=(self.address, name),
            )
        )

    def _names(self, mapped: TypeMapping, depth: int) -> tuple[Value, ...]:
        parents = [self._value(arg) for arg in mapped.arg_parents]
        while len(parents) < depth - 1:
            cause = f"the parent of {self.address}"
            parents.append(Value(Unknown(Reason.COMPUTED, cause, key=("parent", self.address, len(parents)))))
        names = [*parents, self._value(mapped.arg_name)]
        return tuple(names)

    def _resource(self, mapped: TypeMapping) -> Resource:
        body = mappings.body(mapped, self.view, self.origin.version)
        depth = mapped.type.count("/")
        return self._make(mapped.type, body, self._names(mapped, depth), mapped)

    def _make(
        self, type_: str, body: Value, names: tuple[Value, ...], mapped: TypeMapping | None, version: str = ""
    ) -> Resource:
        origin = self.origin
        name = names[-1]
        if (
            isinstance(body.data, ObjectData)
            and "name" not in body.data.fields
            and mapped is not None
            and mapped.arg_name
        ):
            body = paths.put(body, ("name",), name)
        return Resource(
            type=type_,
            address=self.address,
            body=body,
            world=self.world,
            names=names,
            group=self._group(mapped),
            subscription=origin.subscription,
            dialect=self.world.dialect,
            source_type=self.type,
            version=version or origin.version,
            mode="managed" if self.mode == "resource" else "data",
            parent_ref=self._attribute(mapped.arg_parent) if mapped is not None else None,
            scope=self._used(mapped.arg_scope) if mapped is not None else None,
            conditional=origin.conditional,
            block=origin.block,
            group_address=without_keys(origin.base),
        )

    def _group(self, mapped: TypeMapping | None) -> Value:
        if mapped is None:
            found = self._attribute("resource_group_name")
            return found if found is not None else Value(DEPLOYMENT_GROUP)
        if mapped.arg_group:
            return self._value(mapped.arg_group)
        return Value(Unknown(Reason.COMPUTED, f"the resource group of {self.address}", key=("group of", self.address)))

    def _generic(self) -> Resource:
        why = Unknown(Reason.UNSUPPORTED, f"{self.type} is not looked into", self.view.header)
        return self._make(
            GENERIC + self.type, Value(ObjectData({}, why), self.view.header), (self._value("name"),), None
        )

    def _say_embedded(self) -> None:
        """An ARM template inside a Terraform resource is not read; that is said, lest it look checked."""
        if self.type.endswith("template_deployment"):
            message = f"{self.address} deploys an ARM template of its own, which is not read"
            self.world.notes.append(Note("unsupported", message, self.view.header))

    def _data(self, mapped: TypeMapping) -> Resource:
        """A data source: what its arguments say, and the rest known only to Azure."""
        why = Unknown(Reason.DATA, self.address, self.view.header)
        body = paths.opened(mappings.body(mapped, self.view, self.origin.version), why)
        return self._make(mapped.type, body, self._names(mapped, mapped.type.count("/")), mapped)

    def _patch(self, mapped: TypeMapping) -> None:
        target = self._attribute(mapped.target_arg)
        if target is None:
            return
        value = mappings.body(mapped, self.view, self.origin.version)
        doubt = self.origin.conditional
        if doubt is not None:
            value = value.via("condition", doubt.cause, doubt.place)
        op = "append" if mapped.kind == "item" else "merge"
        self.world.patches.append(Patch(target, mapped.target_type, mapped.target_path, value, op))

    def _azapi(self) -> None:
        if self.type not in ("azapi_resource", "azapi_update_resource"):
            return
        kind = self._attribute("type")
        name, _, version = (kind.data if kind is not None and isinstance(kind.data, str) else "").partition("@")
        if not name:
            self._add(self._generic())
            return
        body = self._azapi_body()
        if self.mode == "resource" and self.type == "azapi_update_resource":
            self._azapi_update(name, body)
            return
        if self.mode == "data":
            body = Value(ObjectData({}, Unknown(Reason.DATA, self.address, self.view.header)), self.view.header)
        parent = self._attribute("parent_id")
        names = (*self._azapi_parents(name, parent), self._value("name"))
        resource = self._make(name, body, names, None, version)
        if parent is not None:
            resource.group = self._azapi_group(parent)
            resource.parent_ref = parent if name.count("/") > 1 else None
            resource.scope = self._used("parent_id") if name.lower().startswith("microsoft.authorization/") else None
        self._add(resource)

    def _azapi_parents(self, type_: str, parent: Value | None) -> tuple[Value, ...]:
        depth = type_.count("/") - 1
        parsed = parse_id(parent) if parent is not None else None
        if parsed is not None and parsed.base is None and len(parsed.names) == depth:
            return tuple(Value(paths.joined(segment)) for segment in parsed.names)
        return tuple(
            Value(Unknown(Reason.COMPUTED, f"the parent of {self.address}", key=("parent", self.address, n)))
            for n in range(depth)
        )

    def _azapi_group(self, parent: Value) -> Value:
        if parent.ident is not None and parent.ident.attribute == "id":
            argument = "name" if "azurerm_resource_group." in parent.ident.address else "resource_group_name"
            found = self.origin.member(parent.ident.address, argument)
            if found is not None:
                return found
        parsed = parse_id(parent)
        if parsed is not None and parsed.group is not None:
            return Value(paths.joined(parsed.group))
        return Value(Unknown(Reason.COMPUTED, f"the resource group of {self.address}", key=("group of", self.address)))

    def _azapi_body(self) -> Value:
        body = self._attribute("body")
        if body is not None and not isinstance(body.data, ObjectData):
            body = decode_json(body)
        if body is None:
            body = Value(ObjectData({}, self.view.open), self.view.header)
        if isinstance(body.data, Unknown):
            body = Value(ObjectData({}, body.data), self.view.header)
        body = body._replace(place=self.view.header)
        for name in ("name", "location", "tags"):
            value = self._attribute(name)
            if value is not None:
                body = paths.put(body, (name,), value)
        return body

    def _azapi_update(self, type_: str, body: Value) -> None:
        target = self._attribute("resource_id")
        if target is None:
            parent, name = self._attribute("parent_id"), self._attribute("name")
            if parent is None or name is None:
                return
            target = Value(Unknown(Reason.COMPUTED, self.address, key=(self.address, "resource_id")))
        body = (
            paths.without(body, "name")
            if isinstance(body.data, ObjectData) and self._attribute("resource_id") is not None
            else body
        )
        self.world.patches.append(Patch(target, type_, (), body))


def _subscription(module: ModuleInstance, written: Written) -> Value:
    """The subscription that the resource's provider configuration names, where it is written.

    Without `provider` that is the default one of the first word of the resource's type; a module's call may hand others on.
    https://developer.hashicorp.com/terraform/language/modules/develop/providers#passing-providers-explicitly
    """
    found = written.attribute("provider")
    own = _configuration(found[0].expr) if found is not None else (written.block.labels[0].partition("_")[0], "")
    here = module
    while own is not None:
        block = _provider_block(here, *own)
        given = block.attribute("subscription_id") if block is not None else None
        if given is not None:
            return here.evaluate(given[0], here.scope(given[1]))
        if block is not None or here.caller is None or not isinstance(here.caller.names, ModuleInstance):
            break
        own, here = _handed_on(here, *own), here.caller.names
    if own is not None and not own[1]:
        return Value(DEPLOYMENT_SUBSCRIPTION)
    cause = "the subscription of " + (f"provider {own[0]}.{own[1]}" if own is not None else "a provider handed on")
    return Value(Unknown(Reason.SCOPE, cause, key=("provider", here.prefix, own or module.prefix)))


def _provider_block(module: ModuleInstance, name: str, alias: str) -> Written | None:
    for provider in module.files.providers:
        named = provider.attribute("alias")
        own = named[0].expr.value if named is not None and isinstance(named[0].expr, Literal) else ""
        if provider.block.labels[0] == name and own == alias:
            return provider
    return None


def _handed_on(module: ModuleInstance, name: str, alias: str) -> tuple[str, str] | None:
    """Which configuration of the caller a module's own is; None where that is not written. Default ones are inherited."""
    found = module.call.attribute("providers") if module.call is not None else None
    if found is not None:
        if not isinstance(found[0].expr, ObjectExpr):
            return None
        for key, value in found[0].expr.items:
            if _configuration(key) == (name, alias):
                return _configuration(value)
    return (name, "") if not alias else None


def _configuration(expr: Expr) -> tuple[str, str] | None:
    """Local name and alias that `azurerm.other` or `azurerm` names."""
    if isinstance(expr, Literal) and isinstance(expr.value, str):
        name, _, alias = expr.value.partition(".")
        return name, alias
    if isinstance(expr, GetAttr) and isinstance(expr.target, Name):
        return expr.target.name, expr.name
    return (expr.name, "") if isinstance(expr, Name) else None


def provider_version(module: ModuleInstance) -> str:
    """The lower bound of the azurerm version that the root (or the module itself) requires: '4.0'; '' when unknown."""
    root = module
    while root.caller is not None and isinstance(root.caller.names, ModuleInstance):
        root = root.caller.names
    return required_version(root.files) or required_version(module.files)


def required_version(files: ModuleFiles) -> str:
    """The azurerm version of `required_providers`, or of a provider block's `version`."""
    for written in files.terraform:
        for block in written.block.body.blocks:
            found = block.body.attributes.get("azurerm") if block.type == "required_providers" else None
            if found is not None:
                return _constraint(found.expr)
    for provider in files.providers:
        version = provider.attribute("version") if provider.block.labels[0] == "azurerm" else None
        if version is not None:
            return _constraint(version[0].expr)
    return ""


def _constraint(expr: Expr) -> str:
    if isinstance(expr, ObjectExpr):
        for key, value in expr.items:
            if (isinstance(key, Literal) and key.value == "version") or (
                isinstance(key, Name) and key.name == "version"
            ):
                return _constraint(value)
        return ""
    if not isinstance(expr, Literal) or not isinstance(expr.value, str):
        return ""
    lower = [number for operator, number in _VERSION.findall(expr.value) if operator not in ("<", "<=", "!=")]
    return max(lower, key=lambda number: [int(part) for part in number.split(".")]) if lower else ""
