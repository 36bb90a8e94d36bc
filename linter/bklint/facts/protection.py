"""Protected items, their policies and their machines become: whether a machine is known to be backed up, and how.

The one fact a reader would not guess: "unknown" is the ordinary answer. Backup is mostly enabled by hand, by a policy
assignment or in another repository, so finding no protected item never means that a machine is not protected.
"""

from __future__ import annotations

from bklint.facts import fact, record
from bklint.facts.answers import answer
from bklint.facts.machines import SCALE_SET_EXTENSION, VM_EXTENSION, says, scale_set_mode
from bklint.model.compare import conjunction, equal
from bklint.model.relations import DISK, SCALE_SET, VM, related
from bklint.model.resource import Resource
from bklint.model.value import Value, first_unknown, missing


@fact("protection", VM, SCALE_SET, reads=("properties.sourceResourceId",), fields=("state", "note", "item"))
def protection(machine: Resource) -> Value:
    """Whether a machine is known to be protected.

    `state`: `declared` where a protected item refers to the machine, else `unknown`, which says nothing. `note`: a text
    for messages, empty or `; protection unknown`. `item`: the name of the protected item. Never unknown itself.
    catalogue 0.2(4)
    """
    items = related(machine, "protectedItems").items if machine.type.casefold() == VM.casefold() else ()
    declared = next((item for item in items if item.mode != "data"), None)
    place = machine.body.place
    return record(
        machine.body,
        state=Value("unknown" if declared is None else "declared", place),
        note=Value("; protection unknown" if declared is None else "", place),
        item=missing(place) if declared is None else declared.name._replace(place=declared.body.place),
    )


@fact("needsGuestAgent", VM, reads=("properties.policyType", "properties.snapshotConsistencyType"))
def needs_guest_agent(machine: Resource) -> Value:
    """Whether backup of a machine goes through the agent and extension in the guest.

    False only where the policy of its protected item is Enhanced (`policyType` V2) with `snapshotConsistencyType`
    OnlyCrashConsistent; true otherwise, also when no policy joins. Unknown where the joined policy's properties are
    not known. catalogue 0.2(8), N-CC;
    https://learn.microsoft.com/azure/templates/microsoft.recoveryservices/vaults/backuppolicies (AzureIaasVM);
    https://learn.microsoft.com/azure/backup/backup-azure-vms-agentless-multi-disk-crash-consistent-overview
    """
    place, undecided = machine.body.place, None
    for item in related(machine, "protectedItems").items:
        for policy in related(item, "policy").items:
            kind = policy.get("properties.snapshotConsistencyType")
            agentless = conjunction(
                (says(policy.get("properties.policyType"), "V2"), says(kind, "OnlyCrashConsistent"))
            )
            if agentless:
                return Value(False, kind.place, kind.hops)
            if agentless is None and policy.declared:
                undecided = undecided or first_unknown(policy.get("properties"))
    return answer(True if undecided is None else None, Value(True, place), undecided)


@fact("inScope", VM, SCALE_SET, DISK, VM_EXTENSION, SCALE_SET_EXTENSION, reads=("properties.orchestrationMode",))
def in_scope(resource: Resource) -> Value:
    """Whether policies on machines look at a resource: false for uniform scale sets and their disks and extensions.

    True for machines, and for scale sets whose `orchestrationMode` is Flexible. Unknown where the mode is not known.
    catalogue B.4; https://learn.microsoft.com/azure/virtual-machine-scale-sets/virtual-machine-scale-sets-orchestration-modes
    """
    mode = scale_set_mode(resource)
    if mode is None:
        return Value(True, resource.body.place)
    return answer(equal(mode, Value("Flexible")), mode)
