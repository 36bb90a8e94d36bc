"""Storage accounts become: whether machines keep their disks in them as blobs.

An unmanaged disk is a VHD in a storage account, which the machine names by its URI; the first label of the host is the
account. The one fact a reader would not guess: templates seldom write that URI, they compose it of the account's name or
of an attribute of the account that is known only after deployment.
"""

from __future__ import annotations

from collections.abc import Iterator

from bklint.facts import fact, record
from bklint.facts.answers import answer
from bklint.facts.joins import names_shown
from bklint.facts.machines import says
from bklint.facts.services import refers_to
from bklint.model.compare import disjunction, equal_parts, over_domain
from bklint.model.relations import VM
from bklint.model.resource import Parts, Resource
from bklint.model.value import Unknown, Value, missing, parts_of

ACCOUNT = "Microsoft.Storage/storageAccounts"
URIS = ("properties.storageProfile.osDisk.vhd.uri", "properties.storageProfile.dataDisks[*].vhd.uri")


@fact(
    "unmanagedDisks",
    ACCOUNT,
    reads=("properties.networkAcls.defaultAction", "properties.publicNetworkAccess"),
    fields=("used", "machines", "uri", "closedBy"),
)
def unmanaged_disks(account: Resource) -> Value:
    """The unmanaged disks in a storage account (N-SM, network restricted storage accounts).

    `used`: a machine has a disk whose URI names the account. `machines`: their names. `uri`: the first URI. `closedBy`:
    the property that closes the account's network, missing where none does. Unknown where the host of a URI is not known
    enough. catalogue BKP112
    """
    found = [(machine, uri, _names(uri, account)) for machine, uri in _disks(account)]
    certain = [(machine, uri) for machine, uri, named in found if named]
    causes = [uri for _, uri, named in found if named is None]
    return record(
        account.body,
        used=answer(disjunction(named for _, _, named in found), account.body, *causes),
        machines=Value(names_shown(machine for machine, _ in certain), account.body.place),
        uri=certain[0][1] if certain else missing(account.body.place),
        closedBy=_closed_by(account),
    )


def _closed_by(account: Resource) -> Value:
    for path, word in (("networkAcls.defaultAction", "Deny"), ("publicNetworkAccess", "Disabled")):
        value = account.get(f"properties.{path}")
        if says(value, word):
            return value
    return missing(account.body.place)


def _disks(account: Resource) -> Iterator[tuple[Resource, Value]]:
    for machine in account.world.of(VM):
        for path in URIS:
            for uri in machine.select(path).values:
                if machine.declared and uri.exists is not False:
                    yield machine, uri


def _names(uri: Value, account: Resource) -> bool | None:
    """Whether the host of a URI begins with an account's name."""
    if any(refers_to(piece, account) for piece in (uri, *uri.pieces)):
        return True
    return over_domain(uri, lambda one: _same_name(one, account))


def _same_name(uri: Value, account: Resource) -> bool | None:
    host = _first_label(parts_of(uri) or ())
    name = parts_of(account.name)
    if host is None or name is None:
        return None
    return equal_parts(host, name)


def _first_label(parts: Parts) -> Parts | None:
    """What stands between `://` and the first dot; None where an unknown may hold one of them."""
    first = parts[0] if parts else None
    if not isinstance(first, str) or "://" not in first:
        return None
    found: list[str | Unknown] = []
    for part in (first.partition("://")[2], *parts[1:]):
        if isinstance(part, Unknown):
            found.append(part)
            continue
        head, dot, _ = part.partition(".")
        found += [head] if head else []
        if dot:
            return tuple(found)
    return None
