"""Network security rules, and the networks they are joined to, become: whether they cut what backup needs.

`hostIp` is about the address 168.63.129.16, by which the agent reaches the platform; `platformDns` about Azure's name
servers. The one fact a reader would not guess: both are evaluated for every rule with all rules of its group in mind,
inline and separate ones alike, so that the one rule that decides is the one that is reported.
"""

from __future__ import annotations

from bklint.facts import fact, record
from bklint.facts.answers import answer
from bklint.facts.fields import (
    AGENT_PORTS,
    HOST_IP,
    Members,
    covers_host_ip,
    covers_metadata_service,
    covers_platform_dns,
    destinations,
    is_broad,
    prefix_covers,
)
from bklint.facts.joins import behind_group, is_agentless
from bklint.facts.nsg import RULE, Outcome, Packet, first_match, free_priority, tie
from bklint.facts.prefixes import parse
from bklint.facts.senders import origins_of
from bklint.model.compare import conjunction, disjunction, equal, over_domain
from bklint.model.relations import related
from bklint.model.resource import Resource
from bklint.model.value import ListData, Reason, Unknown, Value, missing

_HOST_PACKETS = tuple(Packet("tcp", port, covers_host_ip) for port in AGENT_PORTS)
_DNS_PACKETS = tuple(Packet(protocol, 53, covers_platform_dns) for protocol in ("udp", "tcp"))
_METADATA_PACKETS = (Packet("tcp", 80, covers_metadata_service),)
_PROTECTION = ("agentless", "note")
_READS = tuple(
    f"properties.{name}"
    for name in (
        "priority",
        "direction",
        "access",
        "protocol",
        "sourceAddressPrefix",
        "sourceAddressPrefixes",
        "sourcePortRange",
        "sourcePortRanges",
        "destinationAddressPrefix",
        "destinationAddressPrefixes",
        "destinationPortRange",
        "destinationPortRanges",
    )
)


@fact(
    "hostIp",
    RULE,
    reads=_READS,
    fields=("deniedPorts", "explicit", "broad", "destination", "alone", "freePriority", "overriddenBy", *_PROTECTION),
)
def host_ip(rule: Resource) -> Value:
    """What a security rule does to the agent's traffic to 168.63.129.16 (TCP 80, 443, 32526; S2 step 4).

    `deniedPorts`: those of the ports for which this rule is the first match and denies; an open list where that is not
    known. `explicit`: the rule names the address itself (an address, network or range that holds it, or the tag
    AzureLoadBalancer, which is that address); `broad`: it only covers it by the way (`*`, Internet, VirtualNetwork,
    0.0.0.0/0 and its halves). `destination`: the prefix that covers the address. `alone`: the rule names no other
    destination. `freePriority`: the highest free priority number below its own, where the rule denies. `overriddenBy`:
    the rule that may decide first. `agentless`: machines are behind the group, and backup of each goes without its agent
    (catalogue 0.2(8)); `note`: a text for messages, empty otherwise. Unknown where a field of this rule or of one that
    may come first is not known, where the group may have rules that are not seen, or where two rules have the same
    priority. catalogue C.1;
    https://learn.microsoft.com/azure/virtual-network/network-security-groups-overview
    """
    outcomes = _outcomes(rule, _HOST_PACKETS)
    found = destinations(rule)
    where = _destination(found, rule)
    explicit = _covered_by_kind(found, broad=False)
    broad = conjunction((_covered_by_kind(found, broad=True), None if explicit is None else not explicit))
    denied = [Value(packet.port, where.place, where.hops) for packet, one in outcomes if one.decides]
    return record(
        rule.body,
        deniedPorts=Value(ListData(tuple(denied), _undecided(outcomes)), where.place, where.hops),
        explicit=answer(explicit, where, found.rest),
        broad=answer(broad, where, found.rest),
        destination=where,
        alone=answer(None if found.rest is not None else len(found.values) == 1, where, found.rest),
        freePriority=_free_priority(rule) if denied else missing(rule.body.place),
        overriddenBy=_rival(outcomes, rule),
        **_protection(rule),
    )


def _protection(rule: Resource) -> dict[str, Value]:
    """Whether machines are behind the rule's group, and backup of each goes without its agent."""
    agentless = rule.parent is not None and is_agentless(behind_group(rule.parent).items)
    note = "; the machines behind it have crash-consistent backup, which goes without the agent" if agentless else ""
    return {"agentless": Value(agentless, rule.body.place), "note": Value(note, rule.body.place)}


def _outcomes(rule: Resource, packets: tuple[Packet, ...]) -> list[tuple[Packet, Outcome]]:
    origins = origins_of(rule)
    found = [(packet, first_match(rule, packet, origins)) for packet in packets]
    other = tie(rule) if any(one.decides is not False for _, one in found) else None
    if other is None:
        return found
    place = other.get("properties.priority").place
    why = Unknown(Reason.ERROR, f"{rule.address} and {other.address} have the same priority", place)
    return [(packet, Outcome(None, why, other)) for packet, _ in found]


def _undecided(outcomes: list[tuple[Packet, Outcome]]) -> Unknown | None:
    return next((one.why for _, one in outcomes if one.decides is None), None)


def _rival(outcomes: list[tuple[Packet, Outcome]], rule: Resource) -> Value:
    rival = next((one.rival for _, one in outcomes if one.rival is not None), None)
    return missing(rule.body.place) if rival is None else rival.name._replace(place=rival.body.place)


def _destination(found: Members, rule: Resource) -> Value:
    """The prefix to point at: one that names the address, else one that covers it, else one that may."""
    ranked = sorted(found.values, key=_rank)
    return ranked[0] if ranked and _rank(ranked[0]) < 3 else missing(rule.body.place)


def _rank(value: Value) -> int:
    covers = prefix_covers(value, covers_host_ip)
    if covers:
        return 1 if _kind_of(value, broad=True) else 0
    return 3 if covers is False else 2


def _kind_of(value: Value, *, broad: bool) -> bool | None:
    """Whether a prefix covers the host address, and does so as a broad one (or as one that names it)."""
    return prefix_covers(value, lambda prefix: covers_host_ip(prefix) if is_broad(prefix) is broad else False)


def _covered_by_kind(found: Members, *, broad: bool) -> bool | None:
    covered = disjunction(_kind_of(value, broad=broad) for value in found.values)
    return None if covered is False and found.rest is not None else covered


def _free_priority(rule: Resource) -> Value:
    number = free_priority(rule)
    place = rule.get("properties.priority").place
    return missing(place) if number is None else Value(number, place)


@fact(
    "platformDns",
    RULE,
    reads=_READS,
    fields=("denied", "metadataDenied", "destination", "joined", "usesAzureDns", "dnsServers", *_PROTECTION),
)
def platform_dns(rule: Resource) -> Value:
    """Whether a security rule turns Azure's name resolution off where it is needed (S1 "Mise en réseau", N-NSG).

    `denied`: it is the first match, with Deny, for UDP or TCP 53 to the tag AzurePlatformDNS. `metadataDenied`: the
    same for the tag AzurePlatformIMDS. `destination`: the tag. `joined`: a network interface or a subnet for machines
    has the group. `usesAzureDns`: one of them resolves with Azure (no custom server on interface or network, or
    168.63.129.16 among them); unknown where the network is declared elsewhere. `dnsServers`: the list that decides.
    `agentless`, `note`: as of hostIp.
    catalogue BKP103; https://learn.microsoft.com/azure/virtual-network/service-tags-overview (AzurePlatformDNS)
    """
    dns, metadata = _outcomes(rule, _DNS_PACKETS), _outcomes(rule, _METADATA_PACKETS)
    where = _tag_place(rule)
    joined = _networks(rule)
    uses, servers = _uses_azure_dns(joined, rule)
    return record(
        rule.body,
        denied=_decided(dns, where),
        metadataDenied=_decided(metadata, where),
        destination=where,
        joined=Value(bool(joined), rule.body.place),
        usesAzureDns=uses,
        dnsServers=servers,
        **_protection(rule),
    )


def _tag_place(rule: Resource) -> Value:
    """The platform tag among the destinations, else the first one that is not known."""
    values = destinations(rule).values
    for value in values:
        if prefix_covers(value, lambda prefix: covers_platform_dns(prefix) or covers_metadata_service(prefix)):
            return value
    return next((value for value in values if value.unknown is not None), missing(rule.body.place))


def _decided(outcomes: list[tuple[Packet, Outcome]], where: Value) -> Value:
    return answer(disjunction(one.decides for _, one in outcomes), where, _undecided(outcomes))


def _networks(rule: Resource) -> tuple[Resource, ...]:
    """The interfaces joined to the rule's group directly or through a subnet, else the subnets themselves."""
    if rule.parent is None or not origins_of(rule):
        return ()
    subnets, interfaces = related(rule.parent, "subnets").items, list(related(rule.parent, "networkInterfaces").items)
    for subnet in subnets:
        interfaces += [nic for nic in related(subnet, "networkInterfaces").items if nic not in interfaces]
    return tuple(interfaces) or subnets


def _uses_azure_dns(joined: tuple[Resource, ...], rule: Resource) -> tuple[Value, Value]:
    """Whether one of the joined interfaces or subnets resolves with Azure, and the list of servers that decides."""
    servers = [_servers_of(one) for one in joined]
    for wanted in (True, None):
        for one in servers:
            if _is_azure(one) is wanted:
                return answer(wanted, one), one
    last = servers[-1] if servers else missing(rule.body.place)
    return answer(False, last), last


def _servers_of(one: Resource) -> Value:
    """The name servers of an interface: its own, else those of its network; of a subnet: those of its network."""
    if one.type.casefold().endswith("/networkinterfaces"):
        own = one.get("properties.dnsSettings.dnsServers")
        if own.exists is not False and not (
            isinstance(own.data, ListData) and not own.data.items and not own.data.rest
        ):
            return own
        subnets = related(one, "subnets")
        if not subnets.items:
            why = subnets.open or Unknown(Reason.DATA, "the subnet is declared elsewhere", one.body.place)
            return Value(why, one.body.place)
        one = subnets.items[0]
    if one.parent is None:
        return Value(Unknown(Reason.DATA, "the virtual network is declared elsewhere", one.body.place), one.body.place)
    return one.parent.get("properties.dhcpOptions.dnsServers")


def _is_azure(servers: Value) -> bool | None:
    """Whether a list of name servers means Azure's: none at all, 168.63.129.16, or the word `AzureProvidedDNS`
    (https://learn.microsoft.com/rest/api/virtualnetwork/network-interfaces/create-or-update, dnsSettings)."""
    if servers.exists is False:
        return True
    if not isinstance(servers.data, ListData):
        return None
    if not servers.data.items and servers.data.rest is None:
        return True
    found = disjunction(over_domain(server, _is_azure_server) for server in servers.data.items)
    return None if found is False and servers.data.rest is not None else found


def _is_azure_server(server: Value) -> bool | None:
    if not isinstance(server.data, str):
        return None
    prefix = parse(server.data)
    return equal(server, Value("AzureProvidedDNS")) is True or (prefix is not None and prefix[:2] == (HOST_IP, HOST_IP))
