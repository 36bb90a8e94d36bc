"""What a restored machine needs besides its disks: its network, a staging account, names that are free.

The one fact a reader would not guess: the portal's "create new" restore makes a machine with one network interface and a
dynamic address; everything beyond that is made by restoring disks and deploying a template
(https://learn.microsoft.com/azure/backup/backup-azure-arm-restore-vms#restore-vms-with-special-configurations).
"""

from __future__ import annotations

from bklint.facts import fact, read, record
from bklint.facts.answers import answer
from bklint.facts.machines import says
from bklint.facts.vaults import same_region
from bklint.model import path as paths
from bklint.model.compare import conjunction, contains, disjunction, is_in, not_empty
from bklint.model.relations import NIC, SUBNET, VAULT, VM, related
from bklint.model.resource import Resource, parse_id
from bklint.model.value import ListData, Reason, Unknown, Value, missing

PUBLIC_IP = "Microsoft.Network/publicIPAddresses"
ACCOUNT = "Microsoft.Storage/storageAccounts"
VNET = "Microsoft.Network/virtualNetworks"
NO_STAGING = ("BlobStorage", "BlockBlobStorage", "FileStorage")
"""Kinds of storage accounts that hold no page blobs, which disks are copied to."""
_IP = "properties.ipConfigurations[*].properties"


@fact(
    "restoreNetwork",
    VM,
    reads=("properties.networkProfile.networkInterfaces",),
    fields=("interfaces", "loadBalanced", "staticPublicIps"),
)
def restore_network(machine: Resource) -> Value:
    """What of a machine's network a portal restore does not make again.

    `interfaces`: the number of network interfaces. `loadBalanced`: whether one is behind a load balancer (pool or inbound
    NAT rule). `staticPublicIps`: the number of public addresses with static allocation. Of interfaces that are declared
    elsewhere only the number is known. S1 25c, N-RST
    """
    listed = machine.select("properties.networkProfile.networkInterfaces[*]")
    number: object = len(listed.values)
    if listed.rest is not None:
        why = listed.rest
        number = Unknown(why.reason, why.cause, why.place, "number", True, True, low=len(listed.values))
    cards = [card for card in related(machine, "networkInterfaces").items if card.declared]
    balanced, where = _load_balanced(machine, cards)
    place = machine.get("properties.networkProfile").place
    return record(
        machine.body,
        interfaces=Value(number, place),  # type: ignore[arg-type]
        loadBalanced=answer(balanced, where, where),
        staticPublicIps=_static_addresses(cards, machine.body),
    )


def _load_balanced(machine: Resource, cards: list[Resource]) -> tuple[bool | None, Value]:
    found: list[tuple[bool | None, Value]] = []
    for card in cards:
        for name in ("loadBalancerBackendAddressPools", "loadBalancerInboundNatRules"):
            found += [(not_empty(value), value) for value in card.select(f"{_IP}.{name}").values]
    answers = disjunction(held for held, _ in found)
    return answers, next((value for held, value in found if held is answers), missing(machine.body.place))


def _static_addresses(cards: list[Resource], near: Value) -> Value:
    """The public addresses of these interfaces that are declared and certain to be static."""
    addresses = [address for card in cards for address in public_addresses(card)]
    static = [one for one in addresses if says(one.get("properties.publicIPAllocationMethod"), "Static")]
    return Value(len(static), near.place)


def public_addresses(card: Resource) -> list[Resource]:
    """The declared public addresses of a network interface."""
    links = [card.world.link(value, PUBLIC_IP) for value in card.select(f"{_IP}.publicIPAddress.id").values]
    return [link.resource for link in links if link.resource is not None and link.resource.declared]


@fact("publicAddressOwner", PUBLIC_IP, reads=("properties.dnsSettings.domainNameLabel",), fields=("vm", "protection"))
def public_address_owner(address: Resource) -> Value:
    """The machine that a public address belongs to, and its protection: `declared`, `unknown`; missing without one."""
    for card in address.world.of(NIC):
        if card.declared and address in public_addresses(card):
            for machine in related(card, "virtualMachines").items:
                return record(address.body, vm=machine.name, protection=read("protection.state", machine))
    nothing = missing(address.body.place)
    return record(address.body, vm=nothing, protection=nothing)


@fact("interfaceNetwork", NIC, reads=(f"{_IP}.subnet.id",), fields=("vm", "protection", "missing"))
def interface_network(card: Resource) -> Value:
    """Whether the subnet of a machine's interface is in sight.

    `missing`: true where its id is written out and the complete world has no such subnet or network; unknown where the
    world is not complete or the id is not known; false where the subnet is declared or read from Azure. `vm`, `protection`:
    of the machine it belongs to, missing without one. S1 27, 34
    """
    machine = next(iter(related(card, "virtualMachines").items), None)
    nothing = missing(card.body.place)
    found = card.select(f"{_IP}.subnet.id")
    lost = [(_lost(card, value), value) for value in found.values if value.exists is not False]
    verdict = disjunction(answer_ for answer_, _ in lost)
    where = next((value for answer_, value in lost if answer_ is verdict), nothing)
    why = Unknown(Reason.OPEN, "networks declared outside of what is scanned", where.place)
    return record(
        card.body,
        vm=nothing if machine is None else machine.name,
        protection=nothing if machine is None else read("protection.state", machine),
        missing=answer(verdict, where, why),
    )


def _lost(card: Resource, reference: Value) -> bool | None:
    world = card.world
    found = world.link(reference, SUBNET)
    if found.resource is not None and found.resource.mode != "existing":
        return False
    parsed = parse_id(reference)
    if parsed is None or parsed.base is not None or found.open is not None or world.open is not None:
        return None
    if not all(isinstance(part, str) for name in parsed.names for part in name):
        return None
    return True if world.complete else None


# -- staging accounts ------------------------------------------------------------------------------------------------


@fact(
    "stagingAccount",
    ACCOUNT,
    reads=("tags", "location", "sku", "kind", "properties.networkAcls"),
    fields=("marked", "sameRegion", "vaultRegion", "replication", "tier", "isolated", "at"),
)
def staging_account(account: Resource) -> Value:
    """What matters of a storage account that restores are staged in.

    `marked`: whether its tag backup-staging is true. `sameRegion`: whether a vault of this world is in its region; unknown
    where no vault is seen. `vaultRegion`: the region of the first vault. `replication`, `tier`: of the sku, as LRS and
    Premium. `isolated`: whether its network keeps Azure Backup out: public access disabled, or a firewall that denies by
    default without a bypass for Azure services. `at`: the value at fault, the replication for want of another.
    S1 30, 31, N-RST
    """
    tag = paths.get(account.body, "tags.backup-staging")
    vaults = [vault for vault in account.world.of(VAULT) if vault.mode != "existing"]
    regions = [vault.get("location") for vault in vaults]
    here = account.get("location")
    same = disjunction(same_region(here, there) for there in regions) if regions else None
    why = Unknown(Reason.OPEN, "a vault, which is not seen here", account.body.place)
    tier, replication = _sku(account)
    isolated, kind = _isolated(account), account.get("kind")
    faults = (
        (same is False, here),
        (is_in(kind, _words(*NO_STAGING)), kind),
        (says(tier, "Premium"), tier),
        (isolated.data, isolated),
    )
    return record(
        account.body,
        marked=answer(says(tag, "true"), tag),
        sameRegion=answer(same, here, *regions, why),
        vaultRegion=regions[0] if regions else missing(account.body.place),
        replication=replication,
        tier=tier,
        isolated=isolated,
        at=next((value for at_fault, value in faults if at_fault is True), replication),
    )


def _words(*words: str) -> Value:
    return Value(ListData(tuple(Value(word) for word in words)))


def _sku(account: Resource) -> tuple[Value, Value]:
    """Tier and replication: azurerm states them apart, ARM in one word (Standard_LRS)."""
    name = account.get("sku.name")
    if name.exists is False:
        return account.get("sku.tier"), account.get("sku.replication")
    if not isinstance(name.data, str):
        return name, name
    tier, _, replication = name.data.partition("_")
    return name._replace(data=tier), name._replace(data=replication)


def _isolated(account: Resource) -> Value:
    access = account.get("properties.publicNetworkAccess")
    action, bypass = account.get("properties.networkAcls.defaultAction"), account.get("properties.networkAcls.bypass")
    through = _bypasses(bypass)
    closed = conjunction((says(action, "Deny"), None if through is None else not through))
    disabled = says(access, "Disabled")
    verdict = disjunction((disabled, closed))
    return answer(verdict, access if disabled else action, access, action, bypass)


def _bypasses(bypass: Value) -> bool | None:
    """Whether Azure services pass the firewall. The bypass is a list in azurerm, one text with commas in ARM."""
    if isinstance(bypass.data, (ListData, Unknown)) or bypass.exists is not False:
        return contains(bypass, Value("AzureServices"))
    return True
