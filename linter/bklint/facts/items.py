"""Protected items become: whether their machine is protected twice, whether it exists, and whether their policy fits.

The one fact a reader would not guess: each vault has a few policies from the start, so that a reference to one of them is
right although no code declares it.
"""

from __future__ import annotations

from collections.abc import Hashable
from typing import NamedTuple

from bklint.facts import fact, record
from bklint.facts.answers import answer
from bklint.facts.vaults import SOURCES, Machine, base_of, is_vm_item, machine_of, same_machine, vault_name, vault_of
from bklint.model.compare import conjunction, equal, equal_parts, is_in
from bklint.model.inventory import World
from bklint.model.relations import BACKUP_POLICY, PROTECTED_ITEM, VAULT, children
from bklint.model.resource import Parts, Resource, parse_id
from bklint.model.value import ListData, Reason, Unknown, Value, missing, parts_of, same_unknown

BUILT_IN = ("DefaultPolicy", "EnhancedPolicy", "HourlyLogBackup")
"""Policies that each vault has from the start (catalogue BKP712)."""


# -- one machine, several items --------------------------------------------------------------------------------------


@fact("protectedTwice", PROTECTED_ITEM, reads=SOURCES, fields=("found", "vault", "stopped", "other"))
def protected_twice(item: Resource) -> Value:
    """Whether an earlier protected item protects the same machine.

    `found`: true or false; unknown where the machine of an item is not known, or an item may not be created. `vault`: the
    vault of the other item. `stopped`: whether protection of one of the two is stopped. `other`: the other item's address.
    Only items of machines count, and the later one has the answer. S2 UserErrorBackupOperationInProgress, N-FAQ
    """
    none, vague = answer(False, item.body), None
    own = machine_of(item)
    for other in _earlier(item):
        match = _both(item, other, same_machine(own, machine_of(other)))
        if match:
            return _twin(item, other, answer(True, own.value))
        if match is None and vague is None:
            causes = (machine_of(other).value, item.conditional, other.conditional)
            vague = _twin(item, other, answer(None, own.value, *causes))
    return vague or record(item.body, found=none, vault=missing(None), stopped=none, other=missing(None))


class _Index(NamedTuple):
    """The items of machines by what certainly names their machine; those of which that is not known apart."""

    place: dict[int, int]
    by_machine: dict[Hashable, list[Resource]]
    vague: list[Resource]


def _earlier(item: Resource) -> list[Resource]:
    """The earlier items that may be of the same machine, in their order."""
    key = ("items by machine",)
    index = item.world.memo.get(key)
    if not isinstance(index, _Index):
        index = item.world.memo[key] = _indexed(item.world)
    own, at = _name_of(machine_of(item)), index.place.get(id(item), 0)
    same_name = list(index.by_machine.values()) if own is None else [index.by_machine.get(own, [])]
    found = [each for group in (*same_name, index.vague) for each in group if index.place[id(each)] < at]
    return sorted(found, key=lambda each: index.place[id(each)])


def _indexed(world: World) -> _Index:
    items = [each for each in world.of(PROTECTED_ITEM) if each.declared and is_vm_item(each) is not False]
    index = _Index({id(each): at for at, each in enumerate(items)}, {}, [])
    for each in items:
        name = _name_of(machine_of(each))
        group = index.vague if name is None else index.by_machine.setdefault(name, [])
        group.append(each)
    return index


def _name_of(machine: Machine) -> Hashable:
    """What two items have in common if and only if they are of one machine; None where that cannot be said."""
    if machine.resource is not None:
        return ("resource", id(machine.resource))
    parsed = machine.id
    if machine.open is not None or parsed is None or parsed.base is not None or parsed.group is None:
        return None
    parts = (parsed.group, *parsed.names)
    return tuple("".join(map(str, part)).casefold() for part in parts) if all(map(_literal, parts)) else None


def _both(a: Resource, b: Resource, match: bool | None) -> bool | None:
    """A match counts where both items are certain to be created together."""
    if not match or (a.conditional is None and b.conditional is None):
        return match
    return True if same_unknown(a.conditional, b.conditional) else None


def _twin(item: Resource, other: Resource, found: Value) -> Value:
    states = [each.get("properties.protectionState") for each in (item, other)]
    stopped = [equal(state, Value("ProtectionStopped")) for state in states]
    truth = True if True in stopped else None if None in stopped else False
    return record(
        item.body,
        found=found,
        vault=vault_name(other)._replace(place=other.body.place),
        stopped=answer(truth, missing(item.body.place), *states),
        other=Value(other.address, machine_of(other).value.place or other.body.place),
    )


# -- does the machine exist ------------------------------------------------------------------------------------------


@fact("protectedMachine", PROTECTED_ITEM, reads=SOURCES, fields=("declared", "undeclaredReference"))
def protected_machine(item: Resource) -> Value:
    """Whether the machine of a protected item is in sight.

    `declared`: true where a machine of this world (declared, or read from Azure) is named; false where none is and the
    world is complete; unknown otherwise. `undeclaredReference`: whether it is named by a reference to a resource that the
    module does not have. Where no machine is named at all, `declared` is true.
    S1 rows 1, 4, 12
    """
    machine, world = machine_of(item), item.world
    broken = is_undeclared(machine.value) and world.open is None
    truth: bool | None
    if machine.value.exists is False:
        truth = True
    elif machine.resource is not None:
        truth = machine.resource.mode != "existing" or _absence(item, machine)
    else:
        truth = False if broken else _absence(item, machine)
    why = machine.open or world.open or Unknown(Reason.OPEN, "machines declared outside of what is scanned")
    where = machine.value if truth is not None or machine.id is None else Value(why, machine.value.place)
    return record(
        machine.value,
        declared=answer(truth, where, why),
        undeclaredReference=answer(broken, machine.value),
    )


def _absence(item: Resource, machine: Machine) -> bool | None:
    """False where no machine of a complete world can be meant."""
    world = item.world
    if machine.id is None or machine.open is not None or world.open is not None or not world.complete:
        return None
    if not all(isinstance(part, str) for name in machine.id.names for part in name):
        return None
    return False


def is_undeclared(value: Value) -> bool:
    """Whether a value is an attribute of a resource that its module does not have."""
    key = value.data.key if isinstance(value.data, Unknown) and value.data.is_error else None
    return isinstance(key, tuple) and isinstance(key[0], tuple) and key[0][:1] == ("undeclared",)


# -- the policy of an item -------------------------------------------------------------------------------------------


@fact(
    "itemPolicy", PROTECTED_ITEM, reads=("properties.policyId",), fields=("otherVault", "undeclared", "name", "vault")
)
def item_policy(item: Resource) -> Value:
    """The policy that a protected item refers to.

    `otherVault`: whether the policy belongs to another vault than the item. `undeclared`: whether the item's vault is
    declared here without that policy, or the reference leads nowhere; policies that each vault has are declared. `name`,
    `vault`: of the policy. Unknown where a name is not known. catalogue BKP712
    """
    reference = item.get("properties.policyId")
    if reference.exists is False:
        no = Value(False, item.body.place)
        return record(item.body, otherVault=no, undeclared=no, name=missing(None), vault=missing(None))
    target = _target(item, reference)
    return record(
        reference,
        otherVault=answer(_other_vault(item, target), reference, item.names[0]),
        undeclared=answer(_undeclared(item, reference, target), reference, item.names[0]),
        name=Value(_policy_name(reference, target), reference.place),
        vault=Value(_text(target.vault), reference.place),
    )


def _policy_name(reference: Value, target: Target) -> str:
    """The name of a policy, or what a reference that leads nowhere names."""
    if isinstance(reference.data, Unknown) and is_undeclared(reference):
        return reference.data.cause.removesuffix(" is not declared")
    return _text(target.name)


class Target(NamedTuple):
    """A policy as named: the parts of its name, of its vault's name and group, the policy and the vault themselves."""

    name: Parts | None = None
    vault: Parts | None = None
    group: Parts | None = None
    policy: Resource | None = None
    vault_resource: Resource | None = None
    open: Unknown | None = None


def _target(item: Resource, reference: Value) -> Target:
    link = item.world.link(reference, BACKUP_POLICY)
    policy = link.resource
    if policy is not None:
        owner = vault_of(policy).resource
        parts = [parts_of(name) for name in policy.names]
        if owner is not None and owner.mode != "existing":
            return Target(parts[-1], parts_of(owner.name), parts_of(owner.group), policy, owner)
        return Target(parts[-1], parts[0], parts_of(policy.group), policy, owner)
    parsed = parse_id(reference)
    if parsed is None:
        return Target(open=link.open)
    if parsed.base is None:
        vault = parsed.names[0] if len(parsed.names) == 2 else None
        return Target(parsed.names[-1], vault, parsed.group, open=link.open)
    ident = base_of(reference)
    found = item.world.by_address(ident.address) if ident is not None else None
    if found is None or found.type.casefold() != VAULT.casefold():
        return Target(parsed.names[-1], open=link.open)
    return Target(parsed.names[-1], parts_of(found.name), parts_of(found.group), None, found)


def _other_vault(item: Resource, target: Target) -> bool | None:
    own = vault_of(item).resource
    if own is not None and target.vault_resource is not None and own is target.vault_resource:
        return False
    name = parts_of(item.names[0] if own is None else own.name)
    group = parts_of(item.group if own is None else own.group)
    if target.vault is None or name is None:
        return None
    answers = [equal_parts(target.vault, name)]
    if target.group is not None and group is not None:
        answers.append(equal_parts(target.group, group))
    matches = conjunction(answers)
    return None if matches is None else not matches


def _undeclared(item: Resource, reference: Value, target: Target) -> bool | None:
    world = item.world
    if is_undeclared(reference) and world.open is None:
        return True
    if target.policy is not None:
        return False
    own = vault_of(item)
    if own.resource is None or not own.resource.declared or own.resource.conditional is not None:
        return False if own.open is None else None
    if target.name is None:
        return None
    options = Value(ListData(tuple(Value(name) for name in BUILT_IN)))
    name = target.name
    built_in = is_in(Value("".join(map(str, name))), options) if _literal(name) else None
    if built_in:
        return False
    if built_in is None or target.open is not None or _other_vault(item, target) is not False:
        return None
    return True if children(own.resource, BACKUP_POLICY).open is None else None


def _literal(parts: Parts) -> bool:
    return all(isinstance(part, str) for part in parts)


def _text(parts: Parts | None) -> str:
    return "".join(part if isinstance(part, str) else "…" for part in parts or ("…",))
