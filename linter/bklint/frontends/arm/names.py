"""Types and names of resources: `parent/child` names, children inside their parents, extension resources.

https://learn.microsoft.com/azure/azure-resource-manager/templates/child-resource-name-type and, for types such as
`Microsoft.Compute/virtualMachines/providers/locks`,
https://learn.microsoft.com/azure/azure-resource-manager/management/extension-resource-types
"""

from __future__ import annotations

import re
from typing import NamedTuple

from bklint.frontends.arm.operands import composed
from bklint.model.resource import Parts, segments
from bklint.model.value import Unknown, Value, parts_of
from bklint.records import replace

CANONICAL = {
    name.casefold(): name
    for name in (
        "Microsoft.Authorization/locks",
        "Microsoft.Compute/disks",
        "Microsoft.Compute/diskEncryptionSets",
        "Microsoft.Compute/restorePointCollections",
        "Microsoft.Compute/virtualMachines",
        "Microsoft.Compute/virtualMachines/extensions",
        "Microsoft.Compute/virtualMachineScaleSets",
        "Microsoft.Compute/virtualMachineScaleSets/extensions",
        "Microsoft.KeyVault/vaults",
        "Microsoft.KeyVault/vaults/accessPolicies",
        "Microsoft.Network/networkInterfaces",
        "Microsoft.Network/networkSecurityGroups",
        "Microsoft.Network/networkSecurityGroups/securityRules",
        "Microsoft.Network/routeTables",
        "Microsoft.Network/routeTables/routes",
        "Microsoft.Network/virtualNetworks",
        "Microsoft.Network/virtualNetworks/subnets",
        "Microsoft.RecoveryServices/vaults",
        "Microsoft.RecoveryServices/vaults/backupPolicies",
        "Microsoft.RecoveryServices/vaults/backupFabrics/protectionContainers/protectedItems",
        "Microsoft.Resources/deployments",
        "Microsoft.Resources/resourceGroups",
        "Microsoft.Storage/storageAccounts",
    )
}
"""Types that are written in many casings, as addresses show them."""

_PARAMETER = re.compile(r"parameter '([^']+)'")


class Named(NamedTuple):
    """A resource's type and name segments. `extends` is the end of the id of what it extends, where its type says so."""

    type: str
    names: tuple[Value, ...]
    extends: Parts | None = None


def nested_type(type_: str, parent: str) -> str:
    """The full type of a child written inside its parent: with or without the parent's type in front."""
    if type_.casefold().startswith(parent.casefold() + "/") or "." in type_.partition("/")[0]:
        return type_
    return f"{parent}/{type_}"


def named(type_: str, name: Value, parent: str | None, parents: tuple[Value, ...]) -> Named:
    """Type and names of a declaration; `parents` are the names of the resource it is written in."""
    segments_ = _segments(name)
    kinds = type_.split("/")[1:]
    if "providers" in [kind.casefold() for kind in kinds[:-1]]:
        return _extension(type_, segments_, name, parents)
    if parent is not None and len(segments_) < len(kinds):
        segments_ = (*parents, *segments_)
    return Named(CANONICAL.get(type_.casefold(), type_), _fitted(segments_, len(kinds), name))


def _segments(name: Value) -> tuple[Value, ...]:
    """The `/`-separated segments of a name, each with the place of the whole."""
    found = parts_of(name)
    if found is None:
        return (name,)
    pieces = segments(found)
    if len(pieces) == 1:
        return (name,)
    return tuple([name._replace(data=composed(piece), pieces=()) for piece in pieces])


def _fitted(found: tuple[Value, ...], wanted: int, name: Value) -> tuple[Value, ...]:
    """As many segments as the type has. Missing ones are inside an unknown name, or the template is in error."""
    if len(found) == wanted or wanted < 1:
        return found
    if len(found) > wanted:
        return found[-wanted:]
    return (*[_missing(found[0], name, at) for at in range(wanted - len(found))], *found)


def _missing(first: Value, name: Value, at: int) -> Value:
    """A leading segment that is not written by itself: part of the unknown at the start of the name."""
    why = first.unknown or name.unknown
    if why is None:
        return first
    key = None if why.key is None else ("segment", at, why.key)
    return Value(replace(why, key=key, domain=(), type="string"), name.place, name.hops)


def _extension(type_: str, found: tuple[Value, ...], name: Value, parents: tuple[Value, ...]) -> Named:
    """`Ns/type/providers/locks` with the name `parent/Microsoft.Authorization/lock`; or the same inside its parent."""
    namespace, *kinds = type_.split("/")
    at = [kind.casefold() for kind in kinds].index("providers")
    bases, rest = kinds[:at], kinds[at + 1 :]
    if len(found) < len(bases) + len(rest) + (0 if "." in rest[0] else 1) and parents:
        found = (*parents, *found)
    base, own = _fitted(found[: len(bases)], len(bases), name), found[len(bases) :]
    if "." not in rest[0]:
        written = own[0].data if own else None
        rest = [written if isinstance(written, str) else "Microsoft.Authorization", *rest]
        own = own[1:]
    extends: list[str | Unknown] = [f"/providers/{namespace}"]
    for kind, one in zip(bases, base, strict=False):
        extends += [f"/{kind}/", *(parts_of(one) or ("",))]
    full = "/".join(rest)
    names = _fitted(own, len(rest) - 1, name) if own else (name,)
    return Named(CANONICAL.get(full.casefold(), full), names, tuple(extends))


def label(names: tuple[Value, ...]) -> str:
    """Names as an address shows them: unknown parts in braces."""
    return "/".join(_label(parts_of(name)) for name in names)


def _label(found: Parts | None) -> str:
    if found is None:
        return "{name}"
    return "".join(part if isinstance(part, str) else "{" + _symbol(part) + "}" for part in found)


def _symbol(why: Unknown) -> str:
    if isinstance(why.key, tuple) and why.key and why.key[0] == "copyIndex":
        return "copyIndex()"
    match = _PARAMETER.match(why.cause)
    return f"parameters('{match[1]}')" if match else why.cause or "unknown"
