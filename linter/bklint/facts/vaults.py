"""Protected items become: which vault, machine and policy they join, and whether these fit together.

The name of a protected item holds its vault, and the group and name of its machine:
`vault/Azure/iaasvmcontainer;iaasvmcontainerv2;rg;vm/vm;iaasvmcontainerv2;rg;vm`. The one fact a reader would not guess:
the resource group and the subscription of a protected item are those of its vault, not of its machine.
"""

from __future__ import annotations

from typing import NamedTuple

from bklint.facts import fact, record
from bklint.facts.answers import answer
from bklint.model.compare import equal, is_in, over_domain
from bklint.model.inventory import Link
from bklint.model.relations import PROTECTED_ITEM, VAULT, VM
from bklint.model.resource import Resource, ResourceId, id_of, ids_match, parse_id
from bklint.model.value import Ident, ListData, Reason, Unknown, Value, missing, parts_of, same

VM_ITEMS = ("Microsoft.Compute/virtualMachines", "Microsoft.ClassicCompute/virtualMachines")
"""Values of `protectedItemType` of machines; databases in a machine have the machine as their source, too."""
SOURCES = ("properties.sourceResourceId", "properties.virtualMachineId")
_MACHINE_NAME = "vm;iaasvmcontainerv2;"


class Machine(NamedTuple):
    """What a protected item protects: `resource` where the world holds it, `id` where an id is read, `value` what says
    so; `open` an unknown that may lead to a machine of this world."""

    resource: Resource | None
    id: ResourceId | None
    value: Value
    open: Unknown | None = None


def is_vm_item(item: Resource) -> bool | None:
    """Whether a protected item is of a virtual machine, and not of a database in it or a file share."""
    options = Value(ListData(tuple(Value(name) for name in VM_ITEMS)))
    return is_in(item.get("properties.protectedItemType"), options)


def machine_of(item: Resource) -> Machine:
    """The machine of a protected item, by the id it names, else by the item's own name. Remembered for each item."""
    key = ("machine of", id(item))
    kept = item.world.memo.get(key)
    if not isinstance(kept, Machine):
        kept = item.world.memo[key] = _machine_of(item)
    return kept


def _machine_of(item: Resource) -> Machine:
    found = [value for value in map(item.get, SOURCES) if value.exists is not False]
    if not found:
        return _by_name(item)
    link = item.world.link(found[0], VM)
    return Machine(link.resource, parse_id(found[0]), found[0], link.open)


def _by_name(item: Resource) -> Machine:
    """The machine in `vm;iaasvmcontainerv2;group;name`."""
    here = missing(item.body.place)
    name = item.name.data
    if not isinstance(name, str) or not name.casefold().startswith(_MACHINE_NAME) or name.count(";") != 3:
        return Machine(None, None, here)
    group, machine = name.split(";")[2:]
    wanted = ResourceId(None, (group,), VM.casefold(), ((machine,),))
    found = [vm for vm in item.world.of(VM) if ids_match(wanted, id_of(vm))]
    return Machine(found[0] if found else None, wanted, Value(name, item.name.place, item.name.hops))


def same_machine(a: Machine, b: Machine) -> bool | None:
    """Whether two protected items protect one machine; ids compare ignoring case."""
    if a.value.exists is False or b.value.exists is False:
        return False
    if a.resource is not None and b.resource is not None:
        stands_for_many = a.resource.conditional is not None and a.resource.address.endswith("[*]")
        return None if a.resource is b.resource and stands_for_many else a.resource is b.resource
    if same(a.value, b.value) and not _is_error(a.value):
        return True
    one = a.id or (id_of(a.resource) if a.resource is not None else None)
    other = b.id or (id_of(b.resource) if b.resource is not None else None)
    return None if one is None or other is None else ids_match(one, other)


def _is_error(value: Value) -> bool:
    return isinstance(value.data, Unknown) and value.data.is_error


def vault_of(item: Resource) -> Link:
    """The vault of a protected item or backup policy, where the world holds it."""
    if item.parent is not None and item.parent.type.casefold() == VAULT.casefold():
        return Link(item.parent)
    world, first = item.world, item.names[0]
    for ident in (first.ident, base_of(item.parent_ref)):
        found = world.by_address(ident.address) if ident is not None else None
        if found is not None and found.type.casefold() == VAULT.casefold():
            return Link(found)
    possible: Unknown | None = None
    for vault in world.of(VAULT):
        match = ids_match(_vault_id(item), id_of(vault))
        if match:
            return Link(vault)
        if match is None:
            possible = possible or first.unknown or item.group.unknown or vault.name.unknown or vault.group.unknown
    return Link(None, possible)


def _vault_id(item: Resource) -> ResourceId:
    name = parts_of(item.names[0]) or ("",)
    return ResourceId(parts_of(item.subscription), parts_of(item.group), VAULT.casefold(), (name,))


def base_of(reference: Value | None) -> Ident | None:
    """The resource whose id an id starts with: `${azurerm_recovery_services_vault.main.id}/backupFabrics/…`."""
    parts = (parts_of(reference) or ()) if reference is not None else ()
    first = parts[0] if parts else None
    return first.key if isinstance(first, Unknown) and isinstance(first.key, Ident) else None


# -- names for messages ----------------------------------------------------------------------------------------------


@fact("protectedItem", PROTECTED_ITEM, reads=("properties.protectedItemType", *SOURCES), fields=("isVm", "vm", "vault"))
def protected_item(item: Resource) -> Value:
    """What a protected item is. `isVm`: whether of a machine. `vm`: the machine's name. `vault`: the vault's name."""
    kind = item.get("properties.protectedItemType")
    return record(item.body, isVm=answer(is_vm_item(item), kind), vm=machine_name(item), vault=vault_name(item))


def machine_name(item: Resource) -> Value:
    """The name of the machine of a protected item, at the place of what names it; the item's address for want of one."""
    machine = machine_of(item)
    where = machine.value if machine.value.exists is not False else item.body
    name: object = machine.resource.name.data if machine.resource is not None else None
    if not isinstance(name, str) and machine.id is not None and machine.id.names:
        name = "".join(part for part in machine.id.names[-1] if isinstance(part, str))
    if not isinstance(name, str) or not name:
        name = machine.resource.address if machine.resource is not None else item.address
    return Value(name, where.place, where.hops)


def vault_name(item: Resource) -> Value:
    """The name of the vault of a protected item or backup policy; the vault's address where the name is not known."""
    vault = vault_of(item).resource
    name = item.names[0] if vault is None else vault.name
    if isinstance(name.data, str) or vault is None:
        return name
    return Value(vault.address, name.place, name.hops)


# -- region and subscription -----------------------------------------------------------------------------------------


@fact("vaultRegion", PROTECTED_ITEM, reads=("location",), fields=("vault", "vm", "same"))
def vault_region(item: Resource) -> Value:
    """The regions of the vault and of the machine of a protected item, and whether they are the `same`.

    "West Europe" is westeurope. Two regions that are not known are the same where they are one symbol (the location of
    one resource group). Unknown otherwise, also where vault or machine is declared elsewhere. N-SM
    """
    vault, machine = vault_of(item), machine_of(item)
    there = _location(vault.resource, item, "the vault")
    here = _location(machine.resource, item, "the machine")
    return record(
        item.body, vault=there, vm=here, same=answer(same_region(there, here), missing(item.body.place), there, here)
    )


def _location(resource: Resource | None, item: Resource, what: str) -> Value:
    seen = resource is not None and resource.mode != "existing"
    found = resource.get("location") if resource is not None and seen else missing(item.body.place)
    if found.exists is not False:
        return found
    cause = f"the location of {what} of {item.address}, which is not seen here"
    return Value(Unknown(Reason.OPEN, cause, found.place, "string", True), found.place)


def same_region(a: Value, b: Value) -> bool | None:
    """Whether two values name one Azure region."""
    if same(a, b):
        return True
    return over_domain(a, lambda one: over_domain(b, lambda other: equal(region(one), region(other))))


def region(value: Value) -> Value:
    """A region in its short form: lower case, no blanks."""
    return value._replace(data=value.data.replace(" ", "").casefold()) if isinstance(value.data, str) else value


@fact("vaultSubscription", PROTECTED_ITEM, reads=("properties.policyId",), fields=("vault", "vm", "same"))
def vault_subscription(item: Resource) -> Value:
    """The subscriptions of the vault and of the machine of a protected item, and whether they are the `same`.

    Of the vault: where it is declared, or in the id of the policy; of the machine: where it is declared, or in its id.
    False only where both are written out and differ; unknown unless both are known or one symbol. N-SM
    """
    vaults, machines = _vault_subscriptions(item), _machine_subscriptions(item)
    pairs = [(there, here) for there in vaults for here in machines]
    alike = next((pair for pair in pairs if equal(*pair)), None)
    apart = next((pair for pair in pairs if equal(*pair) is False and _both_written(*pair)), None)
    there, here = alike or apart or pairs[0]
    decided = True if alike else False if apart else None
    same_one = answer(decided, missing(item.body.place), there, here)
    return record(item.body, vault=there, vm=here, same=same_one)


def _both_written(a: Value, b: Value) -> bool:
    return isinstance(a.data, str) and isinstance(b.data, str)


def _vault_subscriptions(item: Resource) -> list[Value]:
    vault = vault_of(item).resource
    own = vault.subscription if vault is not None and vault.declared else item.subscription
    return [each for each in (own, _written_subscription(item.get("properties.policyId"))) if each is not None]


def _machine_subscriptions(item: Resource) -> list[Value]:
    machine = machine_of(item)
    own = machine.resource.subscription if machine.resource is not None and machine.resource.declared else None
    found = [each for each in (own, _written_subscription(machine.value)) if each is not None]
    vague = Unknown(Reason.OPEN, f"the subscription of the machine of {item.address}", machine.value.place)
    return found or [Value(vague)]


def _written_subscription(value: Value) -> Value | None:
    """The subscription in an id, where it has one."""
    parsed = parse_id(value) if value.exists is not False else None
    if parsed is None or parsed.subscription is None or parsed.base is not None:
        return None
    parts = parsed.subscription
    return Value(parts[0], value.place, value.hops) if len(parts) == 1 else None
