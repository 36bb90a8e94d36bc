"""What a plan does to machines, vaults, backup policies and protected items, and what backup loses by it.

Only a world that was made of a plan knows of changes; in all others nothing changes. The one fact a reader would not
guess: a resource that a plan only deletes is in the world as one of mode `existing`, so that no other policy judges it.
"""

from __future__ import annotations

from bklint.facts import fact, read, record
from bklint.facts.answers import answer
from bklint.facts.backup import DAYS
from bklint.facts.machines import is_type, says
from bklint.facts.vaults import machine_of
from bklint.model import path as paths
from bklint.model.compare import disjunction, number_of
from bklint.model.relations import BACKUP_POLICY, PROTECTED_ITEM, VAULT, VM, related
from bklint.model.resource import Resource
from bklint.model.value import ListData, Unknown, Value, first_unknown, missing
from bklint.source import Locator

_RETENTION = (
    ("properties.retentionPolicy.dailySchedule.retentionDuration.count", "daily retention"),
    (DAYS, "snapshot retention"),
)


@fact(
    "change",
    VM,
    VAULT,
    BACKUP_POLICY,
    PROTECTED_ITEM,
    reads=(DAYS, "properties.retentionPolicy", "properties.protectionState"),
    fields=("kind", "forcedBy", "protection", "stopped", "inUse", "withMachine", "shrinks"),
)
def change(resource: Resource) -> Value:
    """What a plan does to a resource.

    `kind`: `delete`, `replace` (deleted and made anew, in either order), `update`, or `none`, which is also said
    where there is no plan. `forcedBy`: the arguments that force the replacement, or that it is no longer declared.
    `protection`: of a machine, `declared` or `unknown`. `stopped`: whether protection of the machine, or the
    protected item, is stopped. `inUse`: of a backup policy, whether a protected item refers to it. `withMachine`:
    of a protected item, whether its machine is deleted or replaced by the same plan. `shrinks`: which retention of
    a backup policy becomes shorter, empty for none.
    https://developer.hashicorp.com/terraform/internals/json-format#change-representation; catalogue BKP717
    """
    actions = resource.extra.get("actions", missing(resource.body.place))
    place = actions.place or resource.body.place
    return record(
        resource.body,
        kind=actions._replace(data=kind_of(resource), place=place),
        forcedBy=_forced_by(resource, place),
        protection=Value(read("protection.state", resource).data if is_type(resource, VM) else "unknown", place),
        stopped=_stopped(resource),
        inUse=Value(is_type(resource, BACKUP_POLICY) and bool(related(resource, "protectedItems").items), place),
        withMachine=Value(_with_machine(resource), place),
        shrinks=_shrinks(resource),
    )


def kind_of(resource: Resource) -> str:
    """The kind of change: delete, replace, update or none."""
    data = resource.extra["actions"].data if "actions" in resource.extra else None
    actions = {item.data for item in data.items} if isinstance(data, ListData) else set()
    if "delete" in actions:
        return "replace" if "create" in actions else "delete"
    return "update" if "update" in actions else "none"


def _forced_by(resource: Resource, place: Locator | None) -> Value:
    paths = resource.extra.get("replacePaths", Value("", place))
    return Value("no longer declared", place) if not paths.data and kind_of(resource) == "delete" else paths


def _stopped(resource: Resource) -> Value:
    items: tuple[Resource, ...] = (resource,) if is_type(resource, PROTECTED_ITEM) else ()
    if is_type(resource, VM):
        items = related(resource, "protectedItems").items
    states = [item.get("properties.protectionState") for item in items]
    truth = disjunction(says(state, "ProtectionStopped") for state in states)
    return answer(truth, states[0] if states else resource.body, *states)


def _with_machine(resource: Resource) -> bool:
    machine = machine_of(resource).resource if is_type(resource, PROTECTED_ITEM) else None
    return machine is not None and kind_of(machine) in ("delete", "replace")


def _shrinks(policy: Resource) -> Value:
    """The retentions that become shorter, in words."""
    before = policy.extra.get("before")
    if before is None or not is_type(policy, BACKUP_POLICY):
        return Value("", policy.body.place)
    found: list[tuple[str, Value]] = []
    for path, name in _RETENTION:
        was, becomes = paths.get(before, path), policy.get(path)
        old, new = number_of(was.data), number_of(becomes.data)
        if old is not None and new is not None and new < old:
            found.append((f"{name} from {old:g} to {new:g} days", becomes))
        elif old is not None and becomes.unknown is not None and not found:
            why = first_unknown(becomes)
            assert why is not None
            return Value(Unknown(why.reason, why.cause, why.place, "string", True), becomes.place)
    text = " and ".join(words for words, _ in found)
    return found[0][1]._replace(data=text, ident=None) if found else Value("", policy.body.place)
