"""The scope of a lock becomes: a subscription, a resource group or a resource, and the group it is in.

A scope is the id of a declared resource (`azurerm_resource_group.snap.id`), an id as text, of which parts may be
unknown, a relative id (`Microsoft.Compute/restorePointCollections/x`, in ARM templates), or not written: then it is
what the template is deployed to. The one fact a reader would not guess: where the scope is a declared resource group,
the text that decides is the group's name, so that is the scope's deciding place.
"""

from __future__ import annotations

from typing import NamedTuple

from bklint.model import path as paths
from bklint.model.compare import equal
from bklint.model.resource import Parts, Resource, ResourceId, parse_id
from bklint.model.value import Ident, Reason, Text, Unknown, Value, missing, parts_of, text

SUBSCRIPTION = "microsoft.resources/subscriptions"
_GROUPS = ("microsoft.resources/resourcegroups", "microsoft.resources/subscriptions/resourcegroups")


class Scope(NamedTuple):
    """`kind` is subscription, resourceGroup, resource, or None where it is not known (`why` says the cause). `type` is
    the type of the locked resource, lower case. `written` is the scope as a value to point at, whose deciding place is
    the name of the group where that is declared. `target` is the declared resource that is locked."""

    kind: str | None
    written: Value
    group: Value
    subscription: Value
    type: str = ""
    target: Resource | None = None
    why: Unknown | None = None


def scope_of(lock: Resource) -> Scope:
    """What a lock applies to."""
    scope = lock.scope
    if scope is None or scope.exists is False:
        return _deployment(lock)
    found = scope_named(lock, scope)
    by_id = found.why is None and _declared(lock, scope) is None
    return _unwritten(lock, found) if by_id and _is_filled_in(lock, scope) else found


def scope_named(owner: Resource, scope: Value) -> Scope:
    """The scope that an id names, for a resource of the same world."""
    declared = _declared(owner, scope)
    if declared is not None:
        return _of_resource(declared, scope)
    parsed = parse_id(_expanded(owner, scope)) or _relative(scope)
    if parsed is None or parsed.base is not None:
        why = scope.unknown or Unknown(Reason.UNSUPPORTED, "a scope that is no resource id", scope.place)
        vague = Value(why, scope.place, scope.hops)
        return Scope(None, scope, vague, vague, why=why)
    return _of_id(owner, scope, parsed)


def holds(scope: Scope, resource: Resource) -> bool | None:
    """Whether a resource is what a scope is, or in it. None where the scope is not known, and for a management group,
    whose subscriptions no code tells."""
    if scope.kind == "subscription":
        return equal(scope.subscription, resource.subscription)
    if scope.kind == "resourceGroup":
        return equal(scope.group, resource.group)
    if scope.kind is None or "managementgroups" in scope.type:
        return None
    return scope.target is resource


def _is_filled_in(lock: Resource, scope: Value) -> bool:
    """Whether a scope stands where the lock as a whole begins, so not where a scope would be written."""
    if scope.place is None or lock.block is None:
        return False
    return scope.place.locate().start == lock.block.locate().start


def _unwritten(lock: Resource, scope: Scope) -> Scope:
    """A scope that the front-end filled in, because the template does not write one: nothing to point at."""
    group = lock.group if scope.kind == "resourceGroup" else scope.group
    return scope._replace(written=missing(lock.body.place), group=group)


def _deployment(lock: Resource) -> Scope:
    where = missing(lock.body.place)
    if parts_of(lock.group) is None:
        return Scope("subscription", where, where, lock.subscription, SUBSCRIPTION)
    return Scope("resourceGroup", where, lock.group, lock.subscription, _GROUPS[0])


def _declared(lock: Resource, scope: Value) -> Resource | None:
    """The resource of this world whose `id` the scope is."""
    if scope.ident is not None and scope.ident.attribute == "id":
        return lock.world.by_address(scope.ident.address)
    return None


def _of_resource(target: Resource, scope: Value) -> Scope:
    kind = target.type.casefold()
    if kind == SUBSCRIPTION:
        return Scope("subscription", scope, missing(scope.place), _subscription(target), kind, target)
    if kind not in _GROUPS:
        return Scope("resource", scope, target.group, target.subscription, kind, target)
    name = target.name
    used = scope if scope.hops is not None else scope.via("use", "scope", scope.place)
    written = Value(scope.data, name.place or scope.place, used.hops, scope.ident)
    return Scope("resourceGroup", written, name, target.subscription, kind, target)


def _subscription(target: Resource) -> Value:
    """The id of a subscription that is read from Azure; without an argument it is the provider's own."""
    name = target.name
    key = name.data.key if isinstance(name.data, Unknown) else None
    return target.subscription if key is not None or name.exists is False else name


def _of_id(lock: Resource, scope: Value, parsed: ResourceId) -> Scope:
    group = missing(scope.place) if parsed.group is None else _part(parsed.group, scope)
    owner = lock.subscription if parsed.subscription is None else _known_subscription(lock, parsed.subscription, scope)
    if parsed.type == SUBSCRIPTION:
        return Scope("subscription", scope, group, owner, parsed.type)
    if parsed.type in _GROUPS:
        return Scope("resourceGroup", scope, group, owner, parsed.type)
    target = lock.world.link(scope, parsed.type).resource
    if parsed.group is None:
        group = lock.group if target is None else target.group
    return Scope("resource", scope, group, owner, parsed.type, target)


def _known_subscription(lock: Resource, parts: Parts, scope: Value) -> Value:
    """A subscription in an id; an attribute of a subscription that is read from Azure is that subscription."""
    first = parts[0]
    if len(parts) == 1 and isinstance(first, Unknown) and isinstance(first.key, Ident):
        target = lock.world.by_address(first.key.address)
        if target is not None and target.type.casefold() == SUBSCRIPTION:
            return _subscription(target)
    return _part(parts, scope)


def _part(parts: Parts, scope: Value) -> Value:
    return Value(paths.joined(parts), scope.place, scope.hops)


def _expanded(lock: Resource, scope: Value) -> Value:
    """A scope that begins with the id of a subscription or a declared group (`${…}/resourceGroups/x`) as a whole id."""
    if not isinstance(scope.data, Text) or not isinstance(scope.data.parts[0], Unknown):
        return scope
    base, *rest = scope.data.parts
    assert isinstance(base, Unknown)
    found = lock.world.by_address(base.key.address) if isinstance(base.key, Ident) else None
    if found is not None and found.type.casefold() in _GROUPS:
        owner = parts_of(found.subscription) or ()
        whole: Parts = ("/subscriptions/", *owner, "/resourceGroups/", *(parts_of(found.name) or ()), *rest)
        return scope._replace(data=text(whole))
    if rest and isinstance(rest[0], str) and rest[0].casefold().startswith("/resourcegroups/"):
        return scope._replace(data=text(("/subscriptions/", base, *rest)))
    return scope


def _relative(scope: Value) -> ResourceId | None:
    """An id that begins with a provider: an ARM template writes the scope of a resource in its own group so."""
    parts = parts_of(scope)
    if not parts or not isinstance(parts[0], str) or parts[0].startswith("/") or "." not in parts[0]:
        return None
    return parse_id(Value(text(("/providers/", *parts))))
