"""Resource declarations of a template into resources of the model: loops, conditions, names, scopes, addresses.

https://learn.microsoft.com/azure/azure-resource-manager/templates/resource-declaration. A declaration gives one resource
for each run of its loop; where the number of runs or the condition is not known, one that is `conditional`.
"""

from __future__ import annotations

from typing import Any, NamedTuple

from bklint.frontends.arm.evaluate import object_data
from bklint.frontends.arm.loops import runs, unknown_index
from bklint.frontends.arm.names import Named, label, named, nested_type
from bklint.frontends.arm.operands import FunctionError, UndecidedError, composed, truth
from bklint.frontends.arm.scope import GROUP, SUBSCRIPTION, Deployment, Env, Scope, actual, get
from bklint.model.resource import Resource
from bklint.model.value import MISSING, ObjectData, Reason, Unknown, Value, parts_of
from bklint.syntax.json import Pointer

DEPLOYMENT = "microsoft.resources/deployments"
NOT_PROPERTIES = frozenset(
    {
        "resources",
        "copy",
        "condition",
        "dependson",
        "existing",
        "import",
        "extension",
        "metadata",
        "comments",
        "asserts",
    }
)
"""Members of a declaration that are not properties of the resource."""
EXTENSIONS = ("microsoft.authorization/",)
"""Types that always extend something: without a `scope` they extend what the template is deployed to."""


FRAMES = 16
"""Python frames between a reference to a resource and the expression of its name."""


class Instance(NamedTuple):
    """A resource and the environment that its children and its nested template are evaluated in."""

    resource: Resource
    env: Env
    created: bool


class Declared:
    """One entry of `resources`."""

    __slots__ = ("_names", "busy", "deployment", "made", "node", "parent", "pointer", "symbol")

    def __init__(
        self, deployment: Deployment, node: dict[str, Any], pointer: Pointer, symbol: str, parent: Declared | None
    ) -> None:
        self.deployment = deployment
        self.node = node
        self.pointer = pointer
        self.symbol = symbol
        self.parent = parent
        self.made: list[Instance] | None = None
        self.busy = False
        self._names = {key.lower(): key for key in reversed(node)}

    def text(self, name: str, env: Env) -> Value | None:
        """The value of a member; None where it is not written."""
        key = name if name in self.node else self._names.get(name.lower())
        node = None if key is None else self.node[key]
        if key is None or node is None:
            return None
        return self.deployment.json(env, node, (*self.pointer, key))

    def instances(self) -> list[Instance]:
        """What it declares; made once. Nothing while it is being made, which a name that refers to itself would ask for."""
        if self.made is None:
            if self.busy or not self.deployment.lowering.enter(FRAMES):
                return []
            self.busy = True
            self.made = _instances(self)
            self.busy = False
            self.deployment.lowering.leave(FRAMES)
        return self.made


def declared(deployment: Deployment) -> list[Declared]:
    """The declarations of a deployment's template, children after their parents."""
    found = deployment.memo.get("declared")
    if found is None:
        found = deployment.memo["declared"] = _declared(deployment)
    assert isinstance(found, list)
    return found


def _declared(deployment: Deployment) -> list[Declared]:
    found: list[Declared] = []
    pending = list(reversed(_entries(deployment, deployment.template.data, deployment.template.pointer, None)))
    while pending:
        one = pending.pop()
        found.append(one)
        if get(one.node, "resources"):
            pending.extend(reversed(_entries(deployment, one.node, one.pointer, one)))
    return found


def _entries(deployment: Deployment, node: dict[str, Any], pointer: Pointer, parent: Declared | None) -> list[Declared]:
    """The entries of a `resources` array, or of the object of symbolic names."""
    written = get(node, "resources")
    at = (*pointer, actual(node, "resources"))
    if isinstance(written, dict):
        pairs: list[tuple[Any, Any]] = list(written.items())
    elif isinstance(written, list):
        pairs = list(enumerate(written))
    else:
        if isinstance(written, str):
            message = "the resources are one expression, which is not looked into"
            deployment.lowering.note("unsupported", message, deployment.place(at))
        pairs = []
    return [
        Declared(deployment, entry, (*at, key), key if isinstance(key, str) else "", parent)
        for key, entry in pairs
        if isinstance(entry, dict)
    ]


# -- instances -----------------------------------------------------------------------------------------------------


class _Run(NamedTuple):
    """One run of a declaration's loop, and why it may not take place."""

    env: Env
    uncertain: Unknown | None


def _instances(one: Declared) -> list[Instance]:
    found: list[Instance] = []
    if one.parent is None:
        bases: list[tuple[Env, Instance | None]] = [(one.deployment.env, None)]
    else:
        bases = [(parent.env, parent) for parent in one.parent.instances()]
    for env, parent in bases:
        made = [_instance(one, run, parent) for run in _runs(one, env)]
        instances = [instance for instance in made if instance is not None]
        _number(instances)
        found.extend(instances)
    return found


def _runs(one: Declared, env: Env) -> list[_Run]:
    copy = get(one.node, "copy")
    if not isinstance(copy, dict):
        return [_Run(env, None)]
    pointer = (*one.pointer, actual(one.node, "copy"))
    place = one.deployment.place(pointer, "header")
    name = str(get(copy, "name") or "copy")
    lowering = one.deployment.lowering
    count = runs(one.deployment.json(env, get(copy, "count"), (*pointer, actual(copy, "count"))), name, place)
    if count.cut:
        lowering.cut(name, place)
    found = [
        _Run(env.with_loop(name, Value(index, place), unnamed=True), None)
        for index in range(lowering.take_instances(count.certain, name, place))
    ]
    if count.rest is not None:
        index = unknown_index(count.rest, name, count.certain, one.deployment.key)
        found.append(_Run(env.with_loop(name, Value(index, place), unnamed=True), count.rest))
    return found


def _condition(one: Declared, env: Env) -> tuple[bool, Unknown | None]:
    """Whether it is created, and why that is not known."""
    value = one.text("condition", env)
    if value is None:
        return True, None
    try:
        return truth(value), None
    except UndecidedError as error:
        return True, Unknown(Reason.CONDITION, error.unknown.cause, error.unknown.place or value.place)
    except FunctionError as error:
        return True, Unknown(Reason.CONDITION, f"condition: {error.message}", value.place)


def _instance(one: Declared, run: _Run, parent: Instance | None) -> Instance | None:
    names = _names(one, run.env, parent)
    if names is None:
        return None
    created, uncertain = _condition(one, run.env)
    deployment, env = one.deployment, run.env
    scope = target(one, env)
    header = deployment.place((*one.pointer, actual(one.node, "type")), "member")
    address = f"{deployment.label}{names.type}/{label(names.names)}"
    existing = get(one.node, "existing") is True
    resource = Resource(
        type=names.type,
        address=address,
        body=Value(_body(one, env, names, existing), header),
        world=deployment.lowering.world,
        names=names.names,
        group=scope.resource_group,
        subscription=scope.subscription if scope.kind in (GROUP, SUBSCRIPTION) else Value(MISSING),
        dialect="arm",
        version=_version(one, env),
        mode="existing" if existing else "managed",
        scope=_extended(one, env, names, scope),
        conditional=uncertain or run.uncertain or deployment.conditional,
        block=deployment.place(one.pointer),
        group_address=_group_address(one, names),
    )
    _extras(one, resource)
    return Instance(resource, env, created)


def _names(one: Declared, env: Env, parent: Instance | None) -> Named | None:
    type_ = one.text("type", env)
    name = one.text("name", env)
    place = one.deployment.place(one.pointer, "header")
    if type_ is None or not isinstance(type_.data, str):
        message = f"a resource whose type is not known ({place.locate().source.name})"
        one.deployment.lowering.note("unsupported", message, place)
        return None
    if name is None:
        name = Value(Unknown(Reason.ERROR, "a resource without a name", place, "string"), place)
    written = type_.data.partition("@")[0].strip("/")
    if parent is None:
        return named(written, name, None, ())
    return named(nested_type(written, parent.resource.type), name, parent.resource.type, parent.resource.names)


def _version(one: Declared, env: Env) -> str:
    value = one.text("apiVersion", env)
    if value is not None and isinstance(value.data, str):
        return value.data
    return str(get(one.node, "type")).partition("@")[2]


def _body(one: Declared, env: Env, names: Named, existing: bool) -> ObjectData:
    """The property tree: everything written that is a property. A nested template is none."""
    document = one.deployment.template.document
    body = object_data(env.using(), document, one.node, one.pointer, NOT_PROPERTIES)
    if existing:
        why = Unknown(Reason.DATA, "declared elsewhere", document.place(one.pointer, "header"), nonnull=False)
        return ObjectData(dict(body.fields), why, body.keys)
    properties = get(one.node, "properties")
    if names.type.lower() == DEPLOYMENT and isinstance(properties, dict):
        pointer = (*one.pointer, actual(one.node, "properties"))
        data = object_data(env.using(), document, properties, pointer, frozenset({"template"}))
        fields = {name: body.fields[name] for name in body.fields if name.lower() != "properties"}
        fields["properties"] = Value(data, document.place(pointer, "header"))
        return ObjectData(fields, body.rest, body.keys)
    return body


def _extras(one: Declared, resource: Resource) -> None:
    metadata = one.text("metadata", one.deployment.env)
    if metadata is not None:
        resource.extra["metadata"] = metadata
    if one.symbol:
        resource.extra["symbol"] = Value(one.symbol, one.deployment.place(one.pointer, "key"))
    resource.extra.update(one.deployment.extra)


# -- scopes --------------------------------------------------------------------------------------------------------


def target(one: Declared, env: Env) -> Scope:
    """Where it is put: where its deployment is, unless it names another group or subscription."""
    here = one.deployment.scope
    group, subscription = one.text("resourceGroup", env), one.text("subscriptionId", env)
    if group is not None and group.exists is not False:
        return here._replace(kind=GROUP, group=group, subscription=subscription or here.subscription)
    if subscription is not None and subscription.exists is not False:
        kind = here.kind if here.kind == GROUP else SUBSCRIPTION
        return here._replace(kind=kind, subscription=subscription)
    return here


def _extended(one: Declared, env: Env, names: Named, scope: Scope) -> Value | None:
    """What an extension resource extends: the id its `scope` or its name says, else what it is deployed to."""
    written = one.text("scope", env)
    if written is not None:
        found = parts_of(written)
        if found and isinstance(found[0], str) and not found[0].startswith("/"):
            return written._replace(data=composed((*scope.id, "/providers/", *found)), pieces=(written,))
        return written
    if names.extends is not None:
        return Value(composed((*scope.id, *names.extends)), names.names[-1].place)
    if names.type.lower().startswith(EXTENSIONS):
        found = scope.id
        return Value(composed(found) if found != ("",) else "/", one.deployment.place(one.pointer, "header"))
    return None


# -- addresses -----------------------------------------------------------------------------------------------------


def _number(instances: list[Instance]) -> None:
    """Number the addresses of a loop's instances where their names are the same."""
    addresses = [instance.resource.address for instance in instances]
    if len(set(addresses)) < len(addresses):
        for index, instance in enumerate(instances):
            instance.resource.address += f"[{index}]"


def _group_address(one: Declared, names: Named) -> str:
    """The address without loop indexes: the name of an instance of a loop is the expression that makes it."""
    looped = isinstance(get(one.node, "copy"), dict) or (one.parent is not None and "copy" in one.parent.node)
    written = get(one.node, "name")
    name = label(names.names)
    if (looped or one.deployment.group_label != one.deployment.label) and isinstance(written, str):
        name = "{" + written[1:-1] + "}" if written[:1] == "[" else written
    return f"{one.deployment.group_label}{names.type}/{name}"
