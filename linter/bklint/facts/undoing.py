"""What happens later to what a machine's scripts do: undone again, or the same defect said twice.

The one fact a reader would not guess: the least severe of several changes of one service is no finding of its own where
a later or earlier one does more (`Stop-Service` beside `Set-Service -StartupType Disabled`); it becomes a place of that.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable

from bklint.facts import fact, read, record
from bklint.facts.guest import (
    ACLS,
    FILES,
    INTERFACES,
    PACKAGES,
    REGISTRY,
    SERVICES,
    SETTINGS,
    SOURCES,
    later,
    property_of,
    same,
    text_of,
    unit_of,
)
from bklint.model.resource import Resource
from bklint.model.value import ListData, Value, first_unknown

_UNDOES = {
    "stop": frozenset({"start", "enable"}),
    "disable": frozenset({"enable", "manual", "unmask"}),
    "mask": frozenset({"unmask", "enable"}),
    "delete": frozenset({"enable", "start"}),
    "account": frozenset(),
}


@fact("guestUndone", SOURCES, SERVICES, REGISTRY, PACKAGES, FILES, INTERFACES, SETTINGS)
def guest_undone(resource: Resource) -> Value:
    """Whether a later statement of the same unit undoes this one.

    A service that is stopped is started, one that is disabled enabled; a registry value is set anew; a removed package
    is installed, an interface goes back to DHCP. catalogue B.7
    """
    test = _UNDONE[resource.type]
    found = next((each for each in later(resource, resource.type) if test(resource, each)), None)
    place = resource.body.place if found is None else found.body.place
    return Value(found is not None, place)


def _service_undone(first: Resource, second: Resource) -> bool:
    action, then = text_of(first, "action") or "", text_of(second, "action") or ""
    if not same(first, second, "service"):
        return False
    return then in _UNDOES.get(action, frozenset()) or (action == then == "account")


def _value_undone(first: Resource, second: Resource) -> bool:
    return same(first, second, "key") and same(first, second, "name")


def _package_undone(first: Resource, second: Resource) -> bool:
    """Reinstalled, or another version of the same software is: `python3.9` for `python2`, `.NET 4.8` for 4.5."""
    if text_of(first, "action") != "remove" or text_of(second, "action") != "install":
        return False
    a, b = _stem(text_of(first, "package") or ""), _stem(text_of(second, "package") or "")
    return a != "" and (a == b or a in b)


def _stem(package: str) -> str:
    return package.rstrip("*0123456789.-")


def _interface_undone(first: Resource, second: Resource) -> bool:
    return same(first, second, "name") and text_of(second, "assignment") == "dhcp"


def _setting_undone(first: Resource, second: Resource) -> bool:
    return (text_of(first, "key") or "").casefold() == (text_of(second, "key") or "").casefold()


def _replaced(first: Resource, second: Resource) -> bool:
    """Files that are removed are not put back by removing others."""
    return False


_UNDONE: dict[str, Callable[[Resource, Resource], bool]] = {
    SERVICES: _service_undone,
    REGISTRY: _value_undone,
    PACKAGES: _package_undone,
    FILES: _replaced,
    SETTINGS: _setting_undone,
    SOURCES: _replaced,
    INTERFACES: _interface_undone,
}


@fact("guestAclRestored", ACLS)
def guest_acl_restored(change: Resource) -> Value:
    """Whether a later statement of the unit grants on MachineKeys what the documents grant: anyone of theirs where this
    one takes ownership, which their repair begins with, and Everyone where it resets. catalogue BKP613"""
    action = text_of(change, "action")
    found = False
    for each in later(change, ACLS):
        data = property_of(each, "granted").data
        granted = {item.data for item in data.items} if isinstance(data, ListData) else set()
        restores = text_of(each, "action") == "restore"
        found = found or (restores and (action == "own" or (action == "reset" and "everyone" in granted)))
    return Value(found, change.body.place)


# -- said twice --------------------------------------------------------------------------------------------------------

_WEIGHT = {"stop": 1, "disable": 2, "mask": 3, "delete": 4}
_AGENT = frozenset({"walinuxagent", "waagent", "python-azure-agent", "python3-azure-agent", "azure-vm-utils"})
_AGENT_FILES = frozenset({"/var/lib/waagent", "/var/lib/waagent/*", "/usr/sbin/waagent"})


@fact("guestSame", SERVICES, PACKAGES, FILES, INTERFACES, REGISTRY, SOURCES, fields=("told", "also"))
def guestsame(resource: Resource) -> Value:
    """Other statements of the unit that are one defect with this one: changes of one service, of which the strongest
    counts; stopping and removing the agent of Linux; several settings that make one interface static; getting the
    agent's source and installing it.

    `told`: whether it is told with another one; `also`: the statements that are told with it. What is certain is not
    told with what happens only under a condition. catalogue 0.2(5)
    """
    place, group = resource.body.place, _group(resource)
    first = _strongest(group)
    told = first is not None and first is not resource and _covers(first, resource)
    also = [] if first is not resource else [each.body for each in group if each is not first and _covers(first, each)]
    return record(
        resource.body,
        told=Value(told, place if first is None else first.body.place),
        also=Value(ListData(tuple(also)), place),
    )


def _group(resource: Resource) -> list[Resource]:
    """The changes in the unit of what this one changes, in order, without those that are undone."""
    subject = _subject(resource)
    if subject is None:
        return []
    alone = resource.type in (INTERFACES, SOURCES)
    types = (resource.type,) if alone else (SERVICES, PACKAGES, FILES)
    unit = str(resource.extra["unit"].data)
    key = ("guest same", unit, types)
    groups = resource.world.memo.get(key)
    if not isinstance(groups, dict):
        groups = dict[Hashable, list[Resource]]()
        for each in unit_of(resource, *types):
            groups.setdefault(_subject(each), []).append(each)
        resource.world.memo[key] = groups
    return [each for each in groups.get(subject, ()) if read("guestUndone", each).data is not True]


def _subject(resource: Resource) -> Hashable:
    """What a change is of; None for what is no defect or not known."""
    if resource.type == INTERFACES:
        name = property_of(resource, "name")
        if text_of(resource, "assignment") not in ("static", "added"):
            return None
        why = first_unknown(name)
        return str(name.data).casefold() if why is None else (why.reason, why.cause) if why.cause else None
    if resource.type == SOURCES:
        return "source" if text_of(resource, "source") in ("github", "source") else None
    if resource.type == PACKAGES:
        removed = text_of(resource, "action") == "remove" and text_of(resource, "package") in _AGENT
        return "walinuxagent" if removed else None
    if resource.type == FILES:
        return "walinuxagent" if text_of(resource, "path") in _AGENT_FILES else None
    service = text_of(resource, "service") if resource.type == SERVICES else None
    if text_of(resource, "action") not in _WEIGHT:
        return None
    return "walinuxagent" if service in _AGENT else service


def _weight(resource: Resource) -> int:
    if resource.type == INTERFACES:
        primary = text_of(resource, "primary") == "yes"
        return 2 * (text_of(resource, "assignment") == "static") + primary
    if resource.type == SERVICES:
        return _WEIGHT.get(text_of(resource, "action") or "", 0)
    if resource.type == SOURCES:
        return 2 if text_of(resource, "source") == "github" else 1
    return 6 if resource.type == PACKAGES else 5


def _strongest(group: list[Resource]) -> Resource | None:
    """The change that counts: what is certain before what is not, then the strongest, then the first."""
    return max(group, key=lambda each: (not _unsure(each), _weight(each)), default=None)


def _covers(first: Resource, other: Resource) -> bool:
    return _weight(first) >= _weight(other) or _unsure(other)


def _unsure(resource: Resource) -> bool:
    return property_of(resource, "conditional").data is True
