"""Name servers of virtual networks become: whether they are known to resolve Azure's names.

A server in private addresses of which nothing is seen here may well forward to Azure; whether it does cannot be read.
The one fact a reader would not guess: public resolvers resolve Azure's public names, which is all that backup needs;
names of private endpoints they do not.
"""

from __future__ import annotations

from collections.abc import Iterator

from bklint.facts import fact, record
from bklint.facts.answers import answer
from bklint.facts.fields import HOST_IP
from bklint.facts.firewalls import in_subnets
from bklint.facts.prefixes import Prefix, parse, prefix_of
from bklint.facts.services import fills, is_private, refers_to
from bklint.model.compare import conjunction, disjunction, equal, over_domain
from bklint.model.inventory import World
from bklint.model.relations import FIREWALL, NIC, SUBNET
from bklint.model.resource import Resource
from bklint.model.value import ListData, Value

VNET = "Microsoft.Network/virtualNetworks"
INBOUND = "Microsoft.Network/dnsResolvers/inboundEndpoints"
BALANCER = "Microsoft.Network/loadBalancers"
SERVERS = "properties.dhcpOptions.dnsServers"

_UNROUTABLE = (
    "0.0.0.0/8",
    "127.0.0.0/8",
    "169.254.0.0/16",
    "192.0.2.0/24",
    "198.18.0.0/15",
    "198.51.100.0/24",
    "203.0.113.0/24",
    "224.0.0.0/3",
)
"""Addresses at which no name server can be reached: for documentation, tests, the host itself (RFC 6890)."""
_NOWHERE = tuple((prefix.low, prefix.high) for prefix in map(parse, _UNROUTABLE) if prefix is not None)

_HOLDERS = {
    NIC: "properties.ipConfigurations[*].properties.privateIPAddress",
    INBOUND: "properties.ipConfigurations[*].privateIpAddress",
    BALANCER: "properties.frontendIPConfigurations[*].properties.privateIPAddress",
    FIREWALL: "properties.ipConfigurations[*].properties.privateIPAddress",
}
"""What may have the address of a name server, and where it says so."""
_SUBNETS = {
    NIC: "properties.ipConfigurations[*].properties.subnet.id",
    INBOUND: "properties.ipConfigurations[*].subnet.id",
    BALANCER: "properties.frontendIPConfigurations[*].properties.subnet.id",
    FIREWALL: "properties.ipConfigurations[*].properties.subnet.id",
}


@fact("nameServers", VNET, reads=(SERVERS,), fields=("resolving", "unroutable", "list", "at"))
def name_servers(network: Resource) -> Value:
    """Whether a network's own name servers are known to resolve Azure's names (S1 "Mise en réseau").

    `resolving`: there are none, so Azure resolves, or one of them is 168.63.129.16, has a public address, is an
    attribute of a resource declared here, or has the address of an interface, load balancer, Azure Firewall or
    resolver's inbound endpoint declared here. `unroutable`: none of them can be reached from anywhere. `list`: as
    written; `at`: the first. Unknown where a server or the number of servers is not known, and where the address lies in
    a subnet in which something without a written address stands. catalogue BKP109
    """
    servers = network.get(SERVERS)
    items = servers.data.items if isinstance(servers.data, ListData) else ()
    return record(
        network.body,
        resolving=answer(_resolving(network.world, servers, items), servers, network.world.open),
        unroutable=answer(conjunction(over_domain(one, _is_nowhere) for one in items) if items else False, servers),
        list=servers,
        at=items[0] if items else servers,
    )


def _resolving(world: World, servers: Value, items: tuple[Value, ...]) -> bool | None:
    if servers.exists is False:
        return True
    if not isinstance(servers.data, ListData):
        return None
    if not items and servers.data.rest is None:
        return True
    found = disjunction(over_domain(one, lambda value: _resolves(world, value)) for one in items)
    return None if found is False and (servers.data.rest is not None or world.open is not None) else found


def _resolves(world: World, server: Value) -> bool | None:
    if equal(server, Value("AzureProvidedDNS")):
        return True
    address = prefix_of(server)
    if address is None or address.tag or not address.exact:
        return True if any(refers_to(server, one) for one in world.resources if one.declared) else None
    if address.low <= HOST_IP <= address.high:
        return True
    if fills(_NOWHERE, address.low, address.high):
        return False
    return (
        disjunction(_has_address(one, path, server, address) for one, path in _holders(world))
        if is_private(address)
        else True
    )


def _is_nowhere(server: Value) -> bool | None:
    address = prefix_of(server)
    return None if address is None else not address.tag and fills(_NOWHERE, address.low, address.high)


def _holders(world: World) -> Iterator[tuple[Resource, str]]:
    for type_, path in _HOLDERS.items():
        for one in world.of(type_):
            if one.declared:
                yield one, path


def _has_address(one: Resource, path: str, server: Value, address: Prefix) -> bool | None:
    """Whether a resource has the address; it may where it has none written and is in a subnet that holds it."""
    written = [value for value in one.select(path).values if value.exists is not False]
    found = disjunction(equal(value, server) for value in written)
    if found is not False or written:
        return found
    ids = one.select(_SUBNETS[_type_of(one)])
    subnets = [one.world.link(value, SUBNET).resource for value in ids.values]
    inside = in_subnets(address, [subnet for subnet in subnets if subnet is not None])
    return None if inside else False


def _type_of(one: Resource) -> str:
    return next(type_ for type_ in _HOLDERS if type_.casefold() == one.type.casefold())
