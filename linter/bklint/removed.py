"""What a change of Terraform code takes away: machines, vaults, policies and protected items that a commit still had.

They are added to the world of today as resources of mode `existing` with the action `delete`, as a plan would have it, so
that the policy on changes judges both alike. What was moved (`moved`), or is let go without being destroyed (`removed` with
`destroy = false`), is still there. A root that is gone as a whole is nothing that Terraform would act on.
https://developer.hashicorp.com/terraform/language/block/moved, https://developer.hashicorp.com/terraform/language/block/removed
"""

from __future__ import annotations

from collections.abc import Iterable

from bklint.model.inventory import World
from bklint.model.relations import BACKUP_POLICY, LOST
from bklint.model.resource import Resource, without_keys
from bklint.model.value import ListData, Value
from bklint.records import replace


def note_removed(world: World, before: World) -> None:
    """Add to an unfinished world what the one before has and it lacks, and what its backup policies were before."""
    if world.open is not None:
        return
    now = {resource.address: resource for resource in world.resources}
    uncertain = {without_keys(address) for address in now if "[*]" in address}
    unread = any(note.kind in ("module", "limit") for note in world.notes)
    for old in before.resources:
        if old.type.casefold() not in LOST or not old.declared or old.conditional is not None:
            continue
        address = moved(old.address, world.moved)
        if address in now:
            if old.type.casefold() == BACKUP_POLICY.casefold():
                now[address].extra["before"] = old.body
            continue
        if without_keys(address) in uncertain or (unread and address.startswith("module.")):
            continue
        if not any(_within(address, one) for one in world.let_go):
            world.add(_deleted(old, world))


def _deleted(old: Resource, world: World) -> Resource:
    actions = Value(ListData((Value("delete"),)), old.body.place)
    return replace(old, world=world, mode="existing", extra={"actions": actions}, parent=None)


def moved(address: str, moves: Iterable[tuple[str, str]]) -> str:
    """The address after `moved` blocks: of a resource, of one of its instances, or of a module around it."""
    for _ in range(8):
        found = next((to + address[len(from_) :] for from_, to in moves if _within(address, from_)), address)
        if found == address:
            return address
        address = found
    return address


def _within(address: str, outer: str) -> bool:
    return address == outer or address.startswith((f"{outer}.", f"{outer}["))
