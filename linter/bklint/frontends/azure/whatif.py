"""What a deployment of a template would make, as Azure predicts it, into the template's world.

Azure evaluates everything: parameters, copies, conditions, nested templates, `uniqueString`, `reference`. Each predicted
resource is led back to its declaration by symbolic name, else by id, so that findings point at the template: a value
keeps the place of the expression that makes it. The prediction leaves gaps (`Ignore`, `Unsupported`, and beyond 500
nested templates, 800 resource groups or five minutes); there the template is judged as it is written, and that is said
(https://learn.microsoft.com/azure/azure-resource-manager/templates/deploy-what-if,
https://learn.microsoft.com/rest/api/resources/deployments/what-if).

The one fact a reader would not guess: the default level of validation wants the right to write every resource, though
nothing is written; `ProviderNoRbac` does not.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from bklint.frontends.arm.scope import GROUP, SUBSCRIPTION, scope_kind
from bklint.frontends.arm.template import ArmRoot
from bklint.frontends.azure.client import Azure
from bklint.frontends.azure.faults import NotCheckedError
from bklint.frontends.azure.options import LiveOptions
from bklint.frontends.azure.queries import CANONICAL
from bklint.model import path as paths
from bklint.model.inventory import Note, World
from bklint.model.resource import Resource, ResourceId, id_of, ids_match, parse_id
from bklint.model.value import MISSING, ListData, ObjectData, Reason, Unknown, Value, step
from bklint.records import replace
from bklint.source import Locator
from bklint.syntax.json import MAX_DEPTH, JsonPlace

NAME = "bklint-what-if"
PREDICTED = ("create", "modify", "nochange", "deploy")
_INDEX = re.compile(r"\[(\d+)\]\Z")
Gap = Callable[[str, str], None]
Change = Mapping[str, Any]


class WhatIfRoot:
    """A template with what Azure says of its deployment. Implements `frontends.Root`."""

    def __init__(self, root: ArmRoot, azure: Azure, options: LiveOptions, location: str, gap: Gap) -> None:
        self._root = root
        self._azure = azure
        self._options = options
        self._location = location
        self._gap = gap
        self._changes: dict[str, list[Change] | None] = {}

    @property
    def path(self) -> str:
        """See Root."""
        return self._root.path

    @property
    def contexts(self) -> tuple[str, ...]:
        """See Root."""
        return self._root.contexts

    def lower(self, context: str, assume: Mapping[str, object]) -> World:
        """See Root. Where Azure gives no prediction, the world of the template as it is written."""
        written = self._root.lower(context, assume)
        if context not in self._changes:
            self._changes[context] = self._asked(context)
        changes = self._changes[context]
        return written if changes is None else predicted(written, changes)

    def _asked(self, context: str) -> list[Change] | None:
        template, parameters = self._root.deployment(context)
        try:
            scope = self._scope(scope_kind(template))
            body: dict[str, Any] = {
                "properties": {
                    "mode": "Incremental",
                    "template": template,
                    "parameters": parameters,
                    "validationLevel": "ProviderNoRbac",
                    "whatIfSettings": {"resultFormat": "FullResourcePayloads"},
                }
            }
            if "/resourceGroups/" not in scope:
                body["location"] = self._location
            return _changes(self._azure.what_if(scope, NAME, body))
        except NotCheckedError as error:
            self._gap(self.path, f"{error.message}; the template is judged as it is written")
            return None

    def _scope(self, kind: str) -> str:
        """The scope that is deployed to. Raises NotCheckedError where the template and the options do not fit."""
        base = f"/subscriptions/{self._options.subscription}"
        if kind == GROUP:
            if not self._options.group:
                raise NotCheckedError("what-if: the template is deployed to a resource group; give --resource-group")
            return f"{base}/resourceGroups/{self._options.group}"
        if kind != SUBSCRIPTION:
            raise NotCheckedError(f"what-if: a template that is deployed to a {kind} is not asked about")
        if not self._location:
            raise NotCheckedError("what-if: a deployment to a subscription has a place; give --location")
        return base


def _changes(answer: Mapping[str, Any]) -> list[Change]:
    """The changes of an answer. Raises NotCheckedError for a prediction that failed."""
    error = answer.get("error")
    if isinstance(error, dict):
        details = [each for each in error.get("details") or () if isinstance(each, dict)]
        told = "; ".join(f"{each.get('code')}: {each.get('message')}" for each in (error, *details[:3]))
        raise NotCheckedError(f"what-if: {told[:600]}", str(error.get("code") or ""))
    properties = answer.get("properties")
    found = properties.get("changes") if isinstance(properties, dict) else answer.get("changes")
    if not isinstance(found, list):
        raise NotCheckedError("what-if: the answer has no changes")
    return [each for each in found if isinstance(each, dict)]


# -- the world after deployment ----------------------------------------------------------------------------------------


def predicted(written: World, changes: list[Change]) -> World:
    """The world of a template with the predicted resources in place of those that are written."""
    world = World(written.root, written.dialect, written.context, notes=list(written.notes), open=written.open)
    world.patches, world.splits = written.patches, written.splits
    replaced: set[int] = set()
    made: list[Resource] = []
    left: list[Change] = []
    for change in changes:
        resource = _predicted(change, written, world, replaced)
        if resource is not None:
            made.append(resource)
        elif str(change.get("changeType", "")).casefold() != "delete":
            left.append(change)
    for resource in written.resources:
        if id(resource) not in replaced and (resource.conditional is None or not resource.declared):
            resource.world = world
            world.add(resource)
    for resource in made:
        world.add(resource)
    world.notes.extend(_told(left, written))
    return world


def _predicted(change: Change, written: World, world: World, replaced: set[int]) -> Resource | None:
    """The resource after deployment; None where there is no prediction."""
    after, identity = change.get("after"), change.get("resourceId")
    if str(change.get("changeType", "")).casefold() not in PREDICTED or not isinstance(after, dict):
        return None
    parsed = parse_id(Value(identity)) if isinstance(identity, str) else None
    if parsed is None or not parsed.names:
        return None
    base = _declaration(change, parsed, written)
    if base is None:
        return _undeclared(str(identity), parsed, after, world)
    replaced.add(id(base))
    return replace(
        base,
        world=world,
        body=_laid_over(after, base.body),
        names=tuple(
            Value(paths.joined(name), own.place) for name, own in zip(parsed.names, _own(base, parsed), strict=True)
        ),
        group=_level(parsed.group, base.group),
        subscription=_level(parsed.subscription, base.subscription),
        conditional=None,
        address=_called(base, parsed),
    )


def _own(base: Resource, parsed: ResourceId) -> tuple[Value, ...]:
    return base.names if len(base.names) == len(parsed.names) else (base.name,) * len(parsed.names)


def _called(base: Resource, parsed: ResourceId) -> str:
    """The address of a declaration with the names that Azure knows."""
    names = "/".join("".join(map(str, name)) for name in parsed.names)
    prefix, found, _ = base.address.partition(f"{base.type}/")
    return f"{prefix}{base.type}/{names}" if found else base.address


def _level(parts: tuple[str | Unknown, ...] | None, own: Value) -> Value:
    return own if parts is None else Value(paths.joined(parts), own.place)


def _undeclared(identity: str, parsed: ResourceId, after: Mapping[str, Any], world: World) -> Resource:
    """A predicted resource whose declaration is not found: it has no place in the template."""
    return Resource(
        type=CANONICAL.get(parsed.type, str(after.get("type") or parsed.type)),
        address=identity,
        body=_laid_over(after, Value(ObjectData())),
        world=world,
        names=tuple(Value(paths.joined(name)) for name in parsed.names),
        group=Value(MISSING if parsed.group is None else paths.joined(parsed.group)),
        subscription=Value(MISSING if parsed.subscription is None else paths.joined(parsed.subscription)),
        dialect="arm",
    )


def _declaration(change: Change, parsed: ResourceId, written: World) -> Resource | None:
    """The declaration that a change is of: by symbolic name and type, then by id, then as the only one that may be it."""
    alike = [each for each in written.of(parsed.type) if each.declared and not each.derived]
    symbol, index = _named(change)
    named = [each for each in alike if symbol and _symbol(each) == symbol]
    if len(named) == 1:
        return named[0]
    deployment = str(change.get("deploymentId") or "").rpartition("/")[2]
    inside = [each for each in named if deployment and deployment.casefold() in each.address.casefold()]
    possible = inside or named or alike
    if named and index is not None and index < len(possible):
        return possible[index]
    answers = [(each, ids_match(parsed, id_of(each))) for each in possible]
    sure = [each for each, answer in answers if answer]
    if sure:
        return sure[0]
    maybe = [each for each, answer in answers if answer is None]
    return maybe[0] if len(maybe) == 1 else None


def _named(change: Change) -> tuple[str, int | None]:
    """The symbolic name of a change, and of one run of a loop its number: `data[1]`."""
    symbol = str(change.get("symbolicName") or "")
    match = _INDEX.search(symbol)
    return (symbol, None) if match is None else (symbol[: match.start()], int(match[1]))


def _symbol(resource: Resource) -> str:
    """The symbolic name of a declaration; empty where the template has none."""
    place = resource.block
    last = place.pointer[-1] if isinstance(place, JsonPlace) and place.pointer else ""
    return last if isinstance(last, str) else ""


def _laid_over(data: Any, base: Value, depth: int = 0) -> Value:
    """Plain data in place of what a template writes, at the same places; what it does not write is at the nearest
    thing that it does."""
    if depth > MAX_DEPTH:
        return Value(Unknown(Reason.LIMIT, "nested too deep", base.place), base.place)
    if isinstance(data, dict):
        keys: Mapping[str, Locator] = base.data.keys if isinstance(base.data, ObjectData) else {}
        fields = {name: _laid_over(item, _under(base, name), depth + 1) for name, item in data.items()}
        return base._replace(data=ObjectData(fields, None, keys), pieces=(), ident=None)
    if isinstance(data, list):
        items = tuple(_laid_over(item, _under(base, number), depth + 1) for number, item in enumerate(data))
        return base._replace(data=ListData(items), pieces=(), ident=None)
    return base._replace(data=data, pieces=(), ident=None)


def _under(base: Value, name: str | int) -> Value:
    """What the template writes for a member: the member, else the value that stands for the whole."""
    found = step(base, name)
    return found if found.place is not None else found._replace(place=base.place, hops=found.hops or base.hops)


def _told(left: list[Change], written: World) -> Iterator[Note]:
    """What was not predicted, counted by why."""
    reasons: dict[str, int] = {}
    for change in left:
        kind = str(change.get("changeType") or "no change type")
        why = str(change.get("unsupportedReason") or "")
        parsed = parse_id(Value(str(change.get("resourceId") or "")))
        if kind.casefold() == "ignore" and parsed is not None and _declaration(change, parsed, written) is None:
            why = why or "in the group, and not in the template"
        label = f"{kind}: {why}" if why else kind
        reasons[label] = reasons.get(label, 0) + 1
    for label, number in sorted(reasons.items()):
        message = f"what-if: {number} resource{'' if number == 1 else 's'} not checked after deployment ({label})"
        yield Note("what-if", f"{written.root}: {message}", None, strict=not label.startswith("Ignore: in the group"))
