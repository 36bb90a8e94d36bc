"""A resource in ARM vocabulary, and the symbolic ids by which resources refer to each other.

Resource ids are composed strings like any other: `resourceId('Microsoft.Network/networkInterfaces', p)` is the text
`/subscriptions/‹subscription().subscriptionId›/resourceGroups/‹resourceGroup().name›/providers/Microsoft.Network/
networkInterfaces/‹p›`. So an id from a function, from `concat` and from a literal are read by one parser here.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import TYPE_CHECKING, NamedTuple

from bklint.model import path as paths
from bklint.model.compare import conjunction, equal_parts
from bklint.model.value import Reason, Text, Unknown, Value, parts_of, text
from bklint.records import dataclass, field
from bklint.source import Locator

if TYPE_CHECKING:
    from bklint.model.inventory import World

Parts = tuple["str | Unknown", ...]

DEPLOYMENT_SUBSCRIPTION = Unknown(
    Reason.SCOPE,
    "the subscription of the deployment",
    type="string",
    nonnull=True,
    nonempty=True,
    key=("scope", "subscription"),
)
DEPLOYMENT_GROUP = Unknown(
    Reason.SCOPE,
    "the resource group of the deployment",
    type="string",
    nonnull=True,
    nonempty=True,
    key=("scope", "group"),
)


@dataclass(slots=True, eq=False)
class Resource:
    """One resource of a world.

    `body` is the whole property tree in ARM vocabulary (`name`, `location`, `sku`, `properties`, …); its place is the
    header, the shortest text that names the resource. `names` are the segments of its name, parents first. `group` and
    `subscription` say where it is deployed. `scope` is set on extension resources (locks, role assignments): the id of
    what they apply to. `parent_ref` is an id or name value of the parent where the dialect writes one.
    """

    type: str
    address: str
    body: Value
    world: World
    names: tuple[Value, ...]
    group: Value
    subscription: Value
    dialect: str
    source_type: str = ""
    version: str = ""
    mode: str = "managed"
    """managed, existing (declared elsewhere, only referred to), data (read from Azure at deployment) or seen (read from
    Azure by bklint as it is, and no subject of a policy)."""
    parent_ref: Value | None = None
    scope: Value | None = None
    conditional: Unknown | None = None
    """Set when it is not known whether it is created at all."""
    derived: bool = False
    """An inline child that was made a resource of its own."""
    parent: Resource | None = None
    block: Locator | None = None
    """The whole text that declares it, for suppressions and for SARIF."""
    group_address: str = ""
    """The address without instance keys: instances of one loop share it."""
    extra: dict[str, Value] = field(default_factory=dict)
    """Facts of the dialect that have no ARM path (Terraform's `lifecycle`, plan actions)."""

    def __repr__(self) -> str:
        return f"Resource({self.type} {self.address})"

    def get(self, path: str) -> Value:
        """The value at a property path without `[*]`; missing, with the place of the nearest written ancestor."""
        return paths.get(self.body, path)

    def select(self, path: str) -> paths.Selection:
        """Every value at a property path with `[*]`."""
        return paths.select(self.body, path)

    @property
    def name(self) -> Value:
        """Its own name, the last segment."""
        return self.names[-1]

    @property
    def declared(self) -> bool:
        """Whether its properties are all here (and not only its identity)."""
        return self.mode in ("managed", "seen")


_KEY = re.compile(r"\[[^\]]*\]")


def without_keys(address: str) -> str:
    """An address of Terraform without the keys of its instances and of the modules around it."""
    return _KEY.sub("", address)


class ResourceId(NamedTuple):
    """A parsed id. `subscription` and `group` are None where the id has no such level. `base` is set when the id starts
    with an unknown (`‹vnet id›/subnets/app`): then `type` and `names` hold only what follows it."""

    subscription: Parts | None
    group: Parts | None
    type: str
    names: tuple[Parts, ...]
    base: Unknown | None = None
    scope: ResourceId | None = None
    """The id that an extension resource's id is appended to."""


def segments(parts: Parts) -> list[Parts]:
    """The `/`-separated segments of a composed string; an unknown part is within one segment."""
    found: list[list[str | Unknown]] = [[]]
    for part in parts:
        if isinstance(part, Unknown):
            found[-1].append(part)
            continue
        first, *others = part.split("/")
        found[-1].append(first)
        found.extend([[other] for other in others])
    return [tuple(piece for piece in segment if piece != "") for segment in found]


def _word(segment: Parts) -> str | None:
    return segment[0].casefold() if len(segment) == 1 and isinstance(segment[0], str) else None


def parse_id(value: Value) -> ResourceId | None:
    """The resource id a value spells, or None when it is not (or not recognisably) one."""
    if isinstance(value.data, str):
        return _parse_literal(value.data)
    parts = parts_of(value)
    return None if not parts or isinstance(value.data, Unknown) else _parse(parts)


@lru_cache(maxsize=8192)
def _parse_literal(identity: str) -> ResourceId | None:
    """An id without an unknown part: a live scan meets each many times."""
    return _parse((identity,)) if identity else None


def _parse(parts: Parts) -> ResourceId | None:
    found = segments(parts)
    if found[0] == ():
        return _parse_absolute(found[1:])
    if len(found[0]) == 1 and isinstance(found[0][0], Unknown) and len(found) > 1:
        return _parse_relative(found[0][0], found[1:])
    return None


def _parse_absolute(rest: list[Parts]) -> ResourceId | None:
    subscription: Parts | None = None
    group: Parts | None = None
    while rest and rest[-1] == ():
        rest = rest[:-1]
    if len(rest) >= 2 and _word(rest[0]) == "subscriptions":
        subscription, rest = rest[1], rest[2:]
        if not rest:
            return ResourceId(subscription, None, "microsoft.resources/subscriptions", (subscription,))
    if len(rest) >= 2 and _word(rest[0]) == "resourcegroups":
        group, rest = rest[1], rest[2:]
        if not rest:
            return ResourceId(subscription, group, "microsoft.resources/resourcegroups", (group,))
    return _parse_provider(subscription, group, rest, None)


def _parse_provider(
    subscription: Parts | None, group: Parts | None, rest: list[Parts], scope: ResourceId | None
) -> ResourceId | None:
    if len(rest) < 4 or _word(rest[0]) != "providers":
        return None
    namespace = _word(rest[1])
    if namespace is None:
        return None
    kinds, names, at = [namespace], [], 2
    while at + 1 < len(rest) and _word(rest[at]) != "providers":
        kind = _word(rest[at])
        if kind is None:
            return None
        kinds.append(kind)
        names.append(rest[at + 1])
        at += 2
    if len(kinds) == 1:
        return None
    type_ = "/".join(kinds)
    if type_ == "microsoft.resources/resourcegroups" and group is None:
        group = names[0]  # what subscriptionResourceId() makes of a group; Resource Manager takes both forms
    parsed = ResourceId(subscription, group, type_, tuple(names), None, scope)
    if at < len(rest):
        return _parse_provider(subscription, group, rest[at:], parsed)
    return parsed


def _parse_relative(base: Unknown, rest: list[Parts]) -> ResourceId | None:
    if _word(rest[0]) == "providers":
        return _parse_provider(None, None, rest, ResourceId(None, None, "", (), base))
    kinds: list[str] = []
    names: list[Parts] = []
    for at in range(0, len(rest) - 1, 2):
        kind = _word(rest[at])
        if kind is None:
            return None
        kinds.append(kind)
        names.append(rest[at + 1])
    return ResourceId(None, None, "/".join(kinds), tuple(names), base) if kinds else None


def id_of(resource: Resource) -> ResourceId:
    """The symbolic id of a resource."""
    names = tuple(parts_of(name) or ("",) for name in resource.names)
    return ResourceId(
        parts_of(resource.subscription) or (DEPLOYMENT_SUBSCRIPTION,),
        parts_of(resource.group),
        resource.type.casefold(),
        names,
    )


def id_text(resource: Resource) -> str | Text:
    """The id as a composed string."""
    namespace, *kinds = resource.type.split("/")
    found: list[str | Unknown] = ["/subscriptions/", *(parts_of(resource.subscription) or (DEPLOYMENT_SUBSCRIPTION,))]
    group = parts_of(resource.group)
    if group is not None:
        found += ["/resourceGroups/", *group]
    found.append(f"/providers/{namespace}")
    for kind, name in zip(kinds, resource.names, strict=False):
        found += [f"/{kind}/", *(parts_of(name) or ("",))]
    return text(tuple(found))


def ids_match(a: ResourceId, b: ResourceId) -> bool | None:
    """Whether two ids of one world name the same resource.

    Subscriptions decide only where both are written: code seldom says in which subscription it is deployed, and a name
    join inside one root is what its author means.
    """
    if a.base is not None or b.base is not None:
        return None if a.base is None or b.base is None else _same_base(a, b)
    if a.type != b.type or len(a.names) != len(b.names):
        return False
    answers = [equal_parts(x, y) for x, y in zip(a.names, b.names, strict=True)]
    if a.group is not None and b.group is not None:
        answers.append(equal_parts(a.group, b.group))
    if _literal(a.subscription) and _literal(b.subscription):
        answers.append(equal_parts(a.subscription or (), b.subscription or ()))
    return conjunction(answers)


def _same_base(a: ResourceId, b: ResourceId) -> bool | None:
    if (
        a.type == b.type
        and a.base is not None
        and b.base is not None
        and a.base.key is not None
        and a.base.key == b.base.key
    ):
        return conjunction(equal_parts(x, y) for x, y in zip(a.names, b.names, strict=True))
    return None


def _literal(parts: Parts | None) -> bool:
    return parts is not None and all(isinstance(part, str) for part in parts)
