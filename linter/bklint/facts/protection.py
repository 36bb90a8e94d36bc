"""Protected items, policy assignments, tags, policies and machines become: whether a machine is known to be backed up,
and how.

The one fact a reader would not guess: "unknown" is the ordinary answer. Backup is mostly enabled by hand or in another
repository, so finding none of these never means that a machine is not protected.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from bklint.facts import fact, record
from bklint.facts.answers import answer
from bklint.facts.assignments import ASSIGNMENT, definition_of, in_force, parameter
from bklint.facts.machines import SCALE_SET_EXTENSION, VM_EXTENSION, is_type, says, scale_set_mode
from bklint.facts.scopes import holds, scope_named, scope_of
from bklint.facts.vaults import same_region
from bklint.model.compare import conjunction, disjunction, equal, is_in, like
from bklint.model.relations import DISK, SCALE_SET, VM, related
from bklint.model.resource import Resource
from bklint.model.value import ListData, Value, first_unknown, missing, step

CONFIGURATION = "configuration"
"""Key of World.memo under which a scan may put what the user's configuration says, by name, before facts are read."""


class Built(NamedTuple):
    """A built-in definition that deploys protected items: whether its tag is one to have (`inclusion`) or not to have
    (`exclusion`), whether it covers machines without regard to tags where no tag is given, and whether it covers one
    location only."""

    tag: str
    optional: bool
    located: bool


PROTECTING = {
    "345fa903-145c-4fe1-8bcd-93ec2adccde8": Built("inclusion", optional=False, located=True),
    "83644c87-93dd-49fe-bf9f-6aff8fd0834e": Built("inclusion", optional=True, located=False),
    "98d0b9f8-fd90-49c9-88e2-d3baf3b0dd86": Built("exclusion", optional=True, located=False),
    "09ce66bc-1220-4153-8104-e3f51c936913": Built("exclusion", optional=True, located=True),
}
"""Built-in definitions by id (Azure/azure-policy, built-in-policies/policyDefinitions/Backup/VirtualMachine*_DINE*)."""


@fact("protection", VM, SCALE_SET, reads=("properties.sourceResourceId", "tags"), fields=("state", "note", "item"))
def protection(machine: Resource) -> Value:
    """Whether a machine is known to be protected.

    `state`: `declared` where a protected item refers to the machine; `by-policy` where an assignment of a built-in
    definition that deploys protected items is certain to cover it, by scope, tag and location; `by-tag` where the
    configuration `protected_by_tag` names one of its tags with its value; else `unknown`, which says nothing. `note`: a
    text for messages, empty or `; protection unknown`. `item`: the name of the protected item or of the assignment, or
    the tag's value. Never unknown itself. catalogue 0.2(4);
    https://learn.microsoft.com/azure/backup/backup-azure-auto-enable-backup
    """
    state, item = _protection(machine)
    place = machine.body.place
    note = Value("; protection unknown" if state == "unknown" else "", place)
    return record(machine.body, state=Value(state, place), note=note, item=item)


def _protection(machine: Resource) -> tuple[str, Value]:
    """The state, and what shows it."""
    nothing = missing(machine.body.place)
    items = related(machine, "protectedItems").items if is_type(machine, VM) else ()
    declared = next((item for item in items if item.mode != "data"), None)
    if declared is not None:
        return "declared", declared.name._replace(place=declared.body.place)
    if not is_type(machine, VM):
        return "unknown", nothing
    assigned = next((each for each in machine.world.of(ASSIGNMENT) if covers(each, machine)), None)
    if assigned is not None:
        return "by-policy", assigned.name._replace(place=assigned.body.place)
    tag = _protecting_tag(machine)
    return ("unknown", nothing) if tag is None else ("by-tag", tag)


def _protecting_tag(machine: Resource) -> Value | None:
    """The tag by which the user says that machines are backed up."""
    said = machine.world.memo.get(CONFIGURATION)
    tags = said.get("protected_by_tag") if isinstance(said, Mapping) else None
    for name, values in tags.items() if isinstance(tags, Mapping) else ():
        value = step(machine.get("tags"), str(name))
        if says(value, *map(str, values)):
            return value
    return None


# -- assignments that deploy protected items ---------------------------------------------------------------------------


def covers(assignment: Resource, machine: Resource) -> bool | None:
    """Whether an assignment of a built-in definition deploys a protected item for a machine."""
    if not assignment.declared:
        return False
    identity = assignment.get("properties.policyDefinitionId")
    built = next((one for guid, one in PROTECTING.items() if like(identity, f"*/{guid}")), None)
    if built is None:
        return False if identity.unknown is None else None
    return conjunction(
        (
            in_force(assignment),
            _deploys(assignment),
            holds(scope_of(assignment), machine),
            _not_excluded(assignment, machine),
            _in_location(assignment, machine) if built.located else True,
            _tagged(assignment, machine, built),
        )
    )


def _given(assignment: Resource, name: str) -> Value:
    return parameter(assignment, definition_of(assignment), name)


def _deploys(assignment: Resource) -> bool | None:
    """Whether the effect is DeployIfNotExists, which is the default; auditing deploys nothing."""
    if any(assignment.get(f"properties.{name}").exists is not False for name in ("overrides", "resourceSelectors")):
        return None
    effect = _given(assignment, "effect")
    return True if effect.exists is False else says(effect, "DeployIfNotExists")


def _not_excluded(assignment: Resource, machine: Resource) -> bool | None:
    listed = assignment.select("properties.notScopes[*]")
    excluded = disjunction(holds(scope_named(assignment, value), machine) for value in listed.values)
    if excluded is False and listed.rest is not None:
        return None
    return None if excluded is None else not excluded


def _in_location(assignment: Resource, machine: Resource) -> bool | None:
    location, here = _given(assignment, "vaultLocation"), machine.get("location")
    return None if location.exists is False or here.exists is False else same_region(location, here)


def _tagged(assignment: Resource, machine: Resource, built: Built) -> bool | None:
    name, values = (_given(assignment, f"{built.tag}Tag{part}") for part in ("Name", "Value"))
    if built.optional and (_is_empty(name) or _is_empty(values)):
        return True
    if not isinstance(name.data, str):
        return None
    has = is_in(step(machine.get("tags"), name.data), values)
    return has if built.tag == "inclusion" or has is None else not has


def _is_empty(value: Value) -> bool:
    listed = isinstance(value.data, ListData) and not value.data.items and value.data.rest is None
    return value.exists is False or value.data == "" or listed


# -- how a machine is backed up ----------------------------------------------------------------------------------------


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
