"""Azure services by their tags become: whether a prefix, or a rule's destinations together, covers them.

Storage, AzureBackup and AzureActiveDirectory stand for many public addresses, which change. A tag covers them or not; a
few public addresses may or may not be theirs, which is unknown; all public addresses cover them.

The one fact a reader would not guess: some regions have another name in tags than as a location (`centralfrance` for
`francecentral`): https://learn.microsoft.com/azure/virtual-network/service-tags-overview#discover-service-tags-by-using-downloadable-json-files
"""

from __future__ import annotations

from collections.abc import Hashable, Iterable

from bklint.facts.prefixes import LAST, Prefix, parse, prefix_of
from bklint.model.compare import disjunction, equal_parts, over_domain
from bklint.model.resource import Parts, Resource
from bklint.model.value import Unknown, Value, parts_of
from bklint.records import dataclass, field

STORAGE, BACKUP, DIRECTORY = "storage", "azurebackup", "azureactivedirectory"
"""The tags of the services that backup needs, lower case."""
SPELLED = {STORAGE: "Storage", BACKUP: "AzureBackup", DIRECTORY: "AzureActiveDirectory"}
CLOUD = "azurecloud"

REGION_NAMES = {
    "centralfrance": "francecentral",
    "southfrance": "francesouth",
    "germanywc": "germanywestcentral",
    "germanyn": "germanynorth",
    "norwaye": "norwayeast",
    "norwayw": "norwaywest",
    "switzerlandn": "switzerlandnorth",
    "switzerlandw": "switzerlandwest",
    "brazilse": "brazilsoutheast",
}
"""Locations by the names that tags have for them where these differ."""

_SPECIAL = (
    "0.0.0.0/8",
    "10.0.0.0/8",
    "100.64.0.0/10",
    "127.0.0.0/8",
    "168.63.129.16/32",
    "169.254.0.0/16",
    "172.16.0.0/12",
    "192.168.0.0/16",
    "224.0.0.0/3",
)
"""Addresses that no service on the Internet has: those of RFC 6890, and that of the Azure host, which the platform alone
answers at (https://learn.microsoft.com/azure/virtual-network/what-is-ip-address-168-63-129-16)."""

_PRIVATE = ("10.0.0.0/8", "100.64.0.0/10", "172.16.0.0/12", "192.168.0.0/16")
"""Addresses of private networks (RFC 1918, RFC 6598)."""


def _ranges(texts: Iterable[str]) -> tuple[tuple[int, int], ...]:
    found = [parse(text) for text in texts]
    return tuple((prefix.low, prefix.high) for prefix in found if prefix is not None)


SPECIAL, PRIVATE = _ranges(_SPECIAL), _ranges(_PRIVATE)


def fills(ranges: Iterable[tuple[int, int]], low: int = 0, high: int = LAST) -> bool:
    """Whether ranges together hold all of `low`–`high`."""
    reached = low
    for first, last in sorted(ranges):
        if first > reached:
            return False
        reached = max(reached, last + 1)
        if reached > high:
            return True
    return False


def is_special(prefix: Prefix) -> bool:
    """Whether a prefix holds no public address."""
    return not prefix.tag and (prefix.low > prefix.high or fills(SPECIAL, prefix.low, prefix.high))


def is_private(prefix: Prefix) -> bool:
    """Whether a prefix is addresses of private networks only."""
    return not prefix.tag and prefix.low <= prefix.high and fills(PRIVATE, prefix.low, prefix.high)


def covers_public(ranges: Iterable[tuple[int, int]]) -> bool:
    """Whether ranges together hold every public address: `*`, both halves of it, or all but the private ones."""
    return fills((*ranges, *SPECIAL))


def region_parts(value: Value) -> Parts:
    """A location as parts of a string in the spelling of tags: no blanks, lower case."""
    return _plain(parts_of(value) or ())


def _plain(parts: Parts) -> Parts:
    plain = tuple(part.replace(" ", "").casefold() if isinstance(part, str) else part for part in parts)
    if len(plain) == 1 and isinstance(plain[0], str):
        return (REGION_NAMES.get(plain[0], plain[0]),)
    return tuple(part for part in plain if part != "")


def _key(parts: Parts) -> tuple[Hashable, ...]:
    return tuple(part if isinstance(part, str) else (part.key or id(part)) for part in parts)


@dataclass(frozen=True, slots=True)
class Service:
    """A service as a destination: its tag, and the region that is needed (empty: not regional, or not known).
    `tunnelled` says that the sender's subnet has a default route of its own, whose prefix the tag VirtualNetwork may
    then hold (service-tags-overview, VirtualNetwork)."""

    tag: str
    region_key: tuple[Hashable, ...] = ()
    tunnelled: bool = False
    region: Parts = field(default=(), compare=False)

    @classmethod
    def of(cls, tag: str, location: Value, *, tunnelled: bool = False) -> Service:
        """A service as a machine at `location` needs it."""
        parts = region_parts(location)
        return cls(tag, _key(parts), tunnelled, parts)

    def covered_by(self, value: Value) -> bool | None:
        """Whether a destination covers the whole service in the region; None where it may cover it or a part of it."""
        return over_domain(value, self._covered)

    def _covered(self, value: Value) -> bool | None:
        prefix = prefix_of(value)
        return None if prefix is None else self(prefix)

    def __call__(self, prefix: Prefix) -> bool | None:
        """The same of a prefix."""
        if prefix.tag == "internet":
            return True
        if prefix.tag == "virtualnetwork":
            return None if self.tunnelled else False
        if prefix.tag:
            return self._has_region(prefix) if prefix.tag in (self.tag, CLOUD) else False
        if covers_public([(prefix.low, prefix.high)]) and prefix.exact:
            return True
        return False if is_special(prefix) else None

    def _has_region(self, prefix: Prefix) -> bool | None:
        if not prefix.region:
            return True
        if not self.region or (self.tag == DIRECTORY and prefix.tag == CLOUD):
            return None
        return equal_parts(_plain(prefix.region), self.region)


def any_covered(service: Service, values: Iterable[Value], rest: Unknown | None = None) -> bool | None:
    """Whether one of several destinations covers the service."""
    found = disjunction(service.covered_by(value) for value in values)
    return None if found is False and rest is not None else found


def refers_to(value: Value, resource: Resource) -> bool:
    """Whether a value is an attribute of a resource, known only after deployment."""
    if value.ident is not None and value.ident.address == resource.address:
        return True
    why = value.unknown
    return why is not None and _mentions(why.key, resource.address)


def _mentions(key: Hashable, address: str) -> bool:
    """Whether a symbolic key is made of a resource's address."""
    if isinstance(key, tuple):
        return any(_mentions(part, address) for part in key)
    return key == address
