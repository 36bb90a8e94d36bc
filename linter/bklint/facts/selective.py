"""Protected items with a choice of disks become: whether their machine is encrypted, which a Standard policy refuses.

The one fact a reader would not guess: the documents of 2020 refuse a choice of disks for every machine with Azure Disk
Encryption, that of 2023 only under a Standard policy, so the kind of the policy decides.
"""

from __future__ import annotations

from collections.abc import Iterator

from bklint.facts import fact, read, record
from bklint.facts.answers import answer
from bklint.facts.backup import kind_of
from bklint.facts.machines import VM_EXTENSION, owners, says
from bklint.facts.vaults import machine_name, machine_of
from bklint.model.compare import conjunction, disjunction
from bklint.model.relations import DISK, PROTECTED_ITEM, children, related
from bklint.model.resource import Resource
from bklint.model.value import Reason, Unknown, Value, missing

_LUNS = "properties.extendedProperties.diskExclusionProperties.diskLunList"


@fact("selectiveBackup", PROTECTED_ITEM, reads=(_LUNS,), fields=("encrypted", "evidence", "standard", "enhanced", "vm"))
def selective_backup(item: Resource) -> Value:
    """What a choice of disks to back up meets.

    `encrypted`: the machine has Azure Disk Encryption, by its extension or by the settings of one of its disks; unknown
    where the machine is declared elsewhere. `evidence`: what turns it on. `standard`, `enhanced`: the policy of the item
    is declared here and of that kind (V1, V2); `enhanced` is unknown where the kind of a declared policy is. `vm`: the
    machine's name. catalogue BKP405; https://learn.microsoft.com/azure/backup/selective-disk-backup-restore#limitations
    """
    encrypted, evidence = _encryption(item)
    kinds = [kind_of(policy) for policy in related(item, "policy").items if policy.declared]
    return record(
        item.body,
        encrypted=encrypted,
        evidence=evidence,
        standard=Value(any(says(kind, "V1") for kind in kinds), item.body.place),
        enhanced=answer(disjunction(says(kind, "V2") for kind in kinds), item.body, *kinds),
        vm=machine_name(item),
    )


def _encryption(item: Resource) -> tuple[Value, Value]:
    machine = machine_of(item).resource
    if machine is None or not machine.declared:
        why = Unknown(Reason.OPEN, f"the machine of {item.address}, which is not declared here", item.body.place)
        return answer(None, item.body, why), missing(item.body.place)
    found = list(_signs(machine))
    certain = next((at for truth, at in found if truth), None)
    vague = next((at for truth, at in found if truth is None), None)
    truth = True if certain is not None else None if vague is not None else False
    return answer(truth, item.body, vague), certain or missing(item.body.place)


def _signs(machine: Resource) -> Iterator[tuple[bool | None, Value]]:
    """Whether each extension and each disk of a machine is encrypted, and the value that says so."""
    extensions = children(machine, VM_EXTENSION)
    for extension in extensions.items:
        is_ade, enabled = (read(f"adeExtension.{name}", extension) for name in ("isAde", "enabled"))
        truth = conjunction(one.data if isinstance(one.data, bool) else None for one in (is_ade, enabled))
        yield truth, read("adeExtension.operation", extension)
    for disk in machine.world.of(DISK):
        if machine in owners(disk).items:
            kind = read("encryption.class", disk)
            yield says(kind, "ade"), read("encryption.evidence", disk)
    if extensions.open is not None:
        yield None, Value(extensions.open, machine.body.place)
