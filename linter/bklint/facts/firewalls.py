"""Azure Firewalls become: whether machines leave through them, and whether they let through what backup needs.

A firewall denies what no rule allows (https://learn.microsoft.com/azure/firewall/rule-processing). The one fact a reader
would not guess: the private address of a firewall is almost never written, so a next hop inside its subnet, which holds
nothing else, counts as its address, and so does any next hop that is not known where the network has one firewall.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import NamedTuple

from bklint.facts import fact, record
from bklint.facts.answers import answer
from bklint.facts.fields import all_ports_in, members
from bklint.facts.joins import Joined, behind_subnet, label, machine_names
from bklint.facts.prefixes import Prefix, parse, prefix_of
from bklint.facts.routes import ROUTE, is_default, next_hop_in
from bklint.facts.services import BACKUP, CLOUD, DIRECTORY, STORAGE, is_special, refers_to
from bklint.model import path as paths
from bklint.model.compare import conjunction, disjunction, equal, is_in, over_domain
from bklint.model.relations import FIREWALL, related
from bklint.model.resource import Resource
from bklint.model.value import ListData, Reason, Unknown, Value, missing, step

IP_GROUP = "Microsoft.Network/ipGroups"
TAGS = frozenset({STORAGE, BACKUP, DIRECTORY, CLOUD})
FQDN_TAG = "AzureBackup"
_SERVICE_NAMES = ("backup.windowsazure.com", "blob.core.windows.net")
"""Names of the backup service and of storage (S1, "Mise en réseau")."""
_ADDRESSES = (
    "properties.ipConfigurations[*].properties.privateIPAddress",
    "properties.hubIPAddresses.privateIPAddress",
)
MAX_BASES = 8
"""Longest chain of base policies that is followed."""

_READS = (
    "properties.ipConfigurations",
    "properties.firewallPolicy.id",
    "properties.networkRuleCollections",
    "properties.applicationRuleCollections",
)


@fact("firewall", FIREWALL, reads=_READS, fields=("inPath", "hasRules", "allows", "machines", "rules", "defaultRoute"))
def firewall(one: Resource) -> Value:
    """Whether a firewall stands between machines and backup (S1 "Mise en réseau", narrowed by S2 step 4).

    `inPath`: a default route of a subnet with machines leads to it. `hasRules`: it, its policy or a base policy has rule
    collections for addresses or names; `rules`: the first of them. `allows`: one of them lets through Storage,
    AzureBackup, AzureActiveDirectory or AzureCloud by tag, everything, the FQDN tag AzureBackup or the names of the
    services; to which machines is not looked at. `machines`: their names; `defaultRoute`: the route. Unknown where a
    next hop, a rule or a policy is not known, or where a rule allows some public addresses. catalogue BKP108
    """
    paths_to = _ways_to(one)
    certain = [way for way in paths_to if way.truth]
    found = collections_of(one)
    way = next(iter((*certain, *paths_to)), None)
    where = Value(None, one.body.place)
    return record(
        one.body,
        inPath=answer(disjunction(each.truth for each in paths_to), where, *(each.hop for each in paths_to)),
        hasRules=answer(True if found.items else None if found.open is not None else False, where, found.open),
        allows=answer(allows(one), where, found.open, *(each.rules for each in found.items)),
        machines=Value(machine_names(joined for each in certain for joined in each.machines), where.place),
        rules=found.items[0].rules if found.items else missing(where.place),
        defaultRoute=missing(where.place) if way is None else Value(label(way.route), way.hop.used_at),
    )


# -- the way to it -----------------------------------------------------------------------------------------------------


class Way(NamedTuple):
    """A default route of a subnet with machines, and whether it leads to the firewall."""

    truth: bool | None
    route: Resource
    hop: Value
    machines: tuple[Joined, ...]


def _ways_to(one: Resource) -> list[Way]:
    found: list[Way] = []
    for route in one.world.of(ROUTE):
        if route.parent is None or not route.declared:
            continue
        for subnet in related(route.parent, "subnets").items:
            truth = conjunction((is_default(route), leads_to(route, subnet, one)))
            machines = behind_subnet(subnet).items if truth is not False else ()
            if machines:
                found.append(Way(truth, route, route.get("properties.nextHopIpAddress"), machines))
    return found


def leads_to(route: Resource, subnet: Resource, one: Resource) -> bool | None:
    """Whether the next hop of a route, as a subnet uses it, is a firewall."""
    appliance = next_hop_in(route, "VirtualAppliance")
    if appliance is False:
        return False
    hop = route.get("properties.nextHopIpAddress")
    return conjunction((appliance, _is_address_of(hop, one, subnet)))


def _is_address_of(hop: Value, one: Resource, subnet: Resource) -> bool | None:
    if refers_to(hop, one):
        return True
    if any(refers_to(hop, other) for other in one.world.resources if other is not one and other.declared):
        return False
    written = [value for path in _ADDRESSES for value in one.select(path).values if value.exists is not False]
    if any(equal(hop, value) for value in written):
        return True
    inside = over_domain(hop, lambda value: _inside(value, one))
    if inside is None and _only_one(one, subnet):
        return True
    return inside


def _inside(hop: Value, one: Resource) -> bool | None:
    """Whether an address is in the subnet of a firewall."""
    address = prefix_of(hop)
    if address is None or address.tag or not address.exact:
        return None
    return in_subnets(address, related(one, "subnets").items)


def in_subnets(address: Prefix, subnets: Iterable[Resource]) -> bool | None:
    """Whether one of the subnets holds an address; None where the addresses of one are not known."""
    answers: list[bool | None] = []
    for subnet in subnets:
        found = members(subnet, "addressPrefix", "addressPrefixes")
        ranges = [parse(value.data) if isinstance(value.data, str) else None for value in found.values]
        answers += [each and each.low <= address.low and address.high <= each.high for each in ranges]
        answers += [None] if found.rest is not None or not ranges else []
    return disjunction(answers) if answers else None


def _only_one(one: Resource, subnet: Resource) -> bool:
    """Whether it is the only firewall of the network that the subnet is in."""
    here = [each for each in one.world.of(FIREWALL) if each.declared and _is_in_network(each, subnet)]
    return here == [one]


def _is_in_network(one: Resource, subnet: Resource) -> bool:
    return subnet.parent is not None and any(own.parent is subnet.parent for own in related(one, "subnets").items)


# -- what it lets through ----------------------------------------------------------------------------------------------


class Collection(NamedTuple):
    """Rules with one action: `network` rules are about addresses, others about names."""

    network: bool
    action: Value
    rules: Value


class Collections(NamedTuple):
    """Rule collections; `open` says why there may be more."""

    items: tuple[Collection, ...]
    open: Unknown | None = None


def collections_of(one: Resource) -> Collections:
    """The rule collections of a firewall, its policy and the policies that one is based on."""
    found, rest = [], None
    for path, network in (("networkRuleCollections", True), ("applicationRuleCollections", False)):
        listed = one.get(f"properties.{path}")
        rest = rest or _open(listed)
        for each in _items(listed):
            found.append(
                Collection(network, paths.get(each, "properties.action.type"), paths.get(each, "properties.rules"))
            )
    policies = related(one, "firewallPolicy")
    rest = rest or policies.open
    for policy in policies.items:
        more = _of_policy(policy, MAX_BASES)
        found += more.items
        rest = rest or more.open
    return Collections(tuple(found), rest)


def _of_policy(policy: Resource, depth: int) -> Collections:
    groups, bases = related(policy, "ruleCollectionGroups"), related(policy, "basePolicy")
    found, rest = [], groups.open or bases.open
    for group in groups.items:
        listed = group.get("properties.ruleCollections")
        rest = rest or _open(listed)
        found += [each for item in _items(listed) for each in _of_group(item)]
    for base in bases.items:
        if depth == 0:
            return Collections(tuple(found), Unknown(Reason.LIMIT, "base policies", base.body.place))
        more = _of_policy(base, depth - 1)
        found += more.items
        rest = rest or more.open
    return Collections(tuple(found), rest)


def _of_group(item: Value) -> Iterator[Collection]:
    """The rules of one collection of a policy, as one collection for each kind of rule in it."""
    rules, action = step(item, "rules"), paths.get(item, "action.type")
    if _open(rules) is not None:
        yield Collection(True, action, rules)
    for kind, network in (("NetworkRule", True), ("ApplicationRule", False)):
        mine = tuple(rule for rule in _items(rules) if equal(step(rule, "ruleType"), Value(kind)) is not False)
        if mine:
            yield Collection(network, action, rules._replace(data=ListData(mine)))


def _items(value: Value) -> tuple[Value, ...]:
    return value.data.items if isinstance(value.data, ListData) else ()


def _open(value: Value) -> Unknown | None:
    """Why a list may have more items."""
    return (
        value.data.rest if isinstance(value.data, ListData) else value.data if isinstance(value.data, Unknown) else None
    )


def allows(one: Resource) -> bool | None:
    """Whether a firewall lets something through that backup needs."""
    found = collections_of(one)
    known = disjunction(_allows(one, each) for each in found.items)
    return None if known is False and found.open is not None else known


def _allows(one: Resource, collection: Collection) -> bool | None:
    test = _network_rule if collection.network else _application_rule
    through = disjunction(test(one, rule) for rule in _items(collection.rules))
    if through is False and _open(collection.rules) is not None:
        through = None
    return conjunction((equal(collection.action, Value("Allow")), through))


def _network_rule(one: Resource, rule: Value) -> bool | None:
    protocols = [value for name in ("protocols", "ipProtocols") for value in _values(rule, name)]
    ports = disjunction(all_ports_in(value, 443, 443) for value in _values(rule, "destinationPorts"))
    tcp = disjunction(is_in(value, _words("TCP", "Any")) for value in protocols)
    destinations = [*_values(rule, "destinationAddresses"), *_grouped(one, rule)]
    to = [over_domain(value, _is_destination) for value in destinations]
    to += [over_domain(value, _is_service_name) for value in _values(rule, "destinationFqdns")]
    return conjunction((tcp, ports, disjunction(to)))


def _application_rule(_: Resource, rule: Value) -> bool | None:
    tags = [equal(value, Value(FQDN_TAG)) for value in _values(rule, "fqdnTags")]
    names = [*_values(rule, "targetFqdns"), *_values(rule, "targetUrls")]
    return disjunction((*tags, *(over_domain(value, _is_service_name) for value in names)))


def _values(rule: Value, name: str) -> list[Value]:
    """The items of a list of a rule, and an unknown one where it may have more."""
    listed = step(rule, name)
    rest = _open(listed)
    return [*_items(listed), *([Value(rest, listed.place)] if rest is not None else [])]


def _words(*texts: str) -> Value:
    return Value(ListData(tuple(map(Value, texts))))


def _grouped(one: Resource, rule: Value) -> Iterator[Value]:
    """The addresses of the IP groups of a rule."""
    for reference in _values(rule, "destinationIpGroups"):
        group = one.world.link(reference, IP_GROUP).resource
        listed = group.get("properties.ipAddresses") if group is not None else reference
        yield from _items(listed) if isinstance(listed.data, ListData) else (Value(_elsewhere(reference)),)


def _elsewhere(reference: Value) -> Unknown:
    return reference.unknown or Unknown(Reason.DATA, "the IP group is declared elsewhere", reference.place)


def _is_destination(value: Value) -> bool | None:
    prefix = prefix_of(value)
    if prefix is None:
        return None
    if prefix.tag:
        return prefix.tag in TAGS
    if prefix.everything:
        return True
    return False if is_special(prefix) else None


def _is_service_name(value: Value) -> bool | None:
    """Whether a name or URL with `*` holds the backup service or all of storage."""
    if not isinstance(value.data, str):
        return None
    host = value.data.casefold().partition("/")[0]
    bare = host.lstrip("*").lstrip(".")
    if host.startswith("*") and any(name == bare or name.endswith("." + bare) or not bare for name in _SERVICE_NAMES):
        return True
    return bare.endswith(_SERVICE_NAMES[0])
