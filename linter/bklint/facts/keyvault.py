"""Key vaults become: which encrypted machines keep their keys in them, whether Azure Backup is let in, and which keys
belong to a certificate.

Azure Disk Encryption keeps the keys of the volumes as secrets of a vault, and wraps them with a key of the same or
another vault where one is given. The one fact a reader would not guess: what is judged is the vault, once, and not each
machine; a machine is undecided where its vault is not declared beside it.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from bklint.facts import fact, read, record
from bklint.facts.answers import answer
from bklint.facts.joins import label, names_shown
from bklint.facts.machines import SCALE_SET_EXTENSION, VM_EXTENSION, is_type, owners, says, slot
from bklint.model import path as paths
from bklint.model.compare import conjunction, disjunction, equal_parts, not_empty
from bklint.model.inventory import Link, World
from bklint.model.relations import DISK
from bklint.model.resource import Parts, Resource
from bklint.model.value import Ident, Reason, Unknown, Value, missing, parts_of, step

VAULT = "Microsoft.KeyVault/vaults"
CERTIFICATE = VAULT + "/certificates"
HOLDERS = (VM_EXTENSION, SCALE_SET_EXTENSION, DISK)
"""What names the vault of an encrypted machine: the extension, or the encryption settings of a disk."""
"""Most machines that a message names."""

_READS = (
    "properties.settings",
    "properties.encryptionSettingsCollection.encryptionSettings",
    "properties.encryptionSettings",
)


class Use(NamedTuple):
    """A vault that a disk or extension names: for a `secret` (the key of a volume) or a `key` (that wraps it). `certain`
    says whether there is one; `named` is the value that names the vault, `link` where it leads to."""

    holder: Resource
    kind: str
    certain: bool | None
    named: Value
    link: Link


def uses(holder: Resource) -> list[Use]:
    """The vaults that an encrypted disk, or the extension that encrypts, names. Empty where nothing is encrypted."""
    ade = _truth(read("keyEncryption.ade", holder))
    encrypts = conjunction((_truth(read("inScope", holder)), ade))
    if encrypts is False:
        return []
    found = [_use(holder, kind, encrypts, named) for kind, named in _named(holder)]
    return [one for one in found if one is not None]


def _truth(value: Value) -> bool | None:
    return value.data if isinstance(value.data, bool) else None


def _use(holder: Resource, kind: str, encrypts: bool | None, named: tuple[Value, ...]) -> Use | None:
    """The use of a vault that ids and URLs name, the first that is written; None where nothing is."""
    written = [value for value in named if value.exists is not False and value.data != ""]
    if not written:
        return None
    certain = conjunction((encrypts, _is_given(named[-1]) if kind == "key" else True))
    return Use(holder, kind, certain, written[0], vault_named(holder.world, written[0]))


def _is_given(url: Value) -> bool | None:
    """Whether an address is given; an attribute of a key is one."""
    return url.exists if url.ident is not None else not_empty(url)


def _named(holder: Resource) -> Iterator[tuple[str, tuple[Value, ...]]]:
    if not is_type(holder, DISK):
        settings = holder.get("properties.settings")
        yield "secret", (step(settings, "KeyVaultResourceId"), step(settings, "KeyVaultURL"))
        key = step(settings, "KeyEncryptionKeyURL")
        if key.exists is not False and key.data != "":
            yield "key", (step(settings, "KekVaultResourceId"), key)
        return
    for volume in _volumes(holder):
        yield "secret", _of_volume(step(volume, "diskEncryptionKey"), "secretUrl")
        yield "key", _of_volume(step(volume, "keyEncryptionKey"), "keyUrl")


def _of_volume(key: Value, url: str) -> tuple[Value, ...]:
    return (paths.get(key, "sourceVault.id"), step(key, url))


def _volumes(disk: Resource) -> Iterator[Value]:
    """The encryption settings of a disk, and those its machine has for the OS disk."""
    yield from disk.select("properties.encryptionSettingsCollection.encryptionSettings[*]").values
    yield disk.get("properties.encryptionSettings")
    for machine in owners(disk).items:
        held = slot(disk, machine)
        if held is not None and held.role == "os":
            yield step(held.entry, "encryptionSettings")


# -- from an id or an address to a vault -------------------------------------------------------------------------------


def vault_named(world: World, named: Value) -> Link:
    """The vault that an id, or the address of a vault or of something in one (`https://kv.vault.azure.net/keys/k`),
    names."""
    found = _producer(world, named)
    if found is not None:
        return Link(found)
    parts = parts_of(named)
    head = parts[0] if parts else None
    if not isinstance(head, str) or "://" not in head:
        return world.link(named, VAULT)
    host = _host(parts or ())
    answers = [(vault, _is_named(vault, host)) for vault in world.of(VAULT)]
    exact = next((vault for vault, same in answers if same), None)
    possible = any(same is None and vault.declared for vault, same in answers)
    return Link(exact, named.unknown if exact is None and possible else None)


def _producer(world: World, named: Value) -> Resource | None:
    """The vault of which, or of whose key or secret, the value is an attribute."""
    address = _address(named)
    found = world.by_address(address) if address is not None else None
    while found is not None and not is_type(found, VAULT):
        found = found.parent
    return found


def _address(value: Value) -> str | None:
    """The address of the resource that a value is, or begins with, an attribute of."""
    if value.ident is not None:
        return value.ident.address
    parts = parts_of(value)
    first = parts[0] if parts else None
    key = first.key if isinstance(first, Unknown) else None
    return key.address if isinstance(key, Ident) else None


def _host(parts: Parts) -> Parts:
    """The first label of the host of an address: the vault's name."""
    found: list[str | Unknown] = []
    for part in (str(parts[0]).partition("://")[2], *parts[1:]):
        if isinstance(part, Unknown):
            found.append(part)
            continue
        name, dot, _ = part.partition(".")
        found += [name] if name else []
        if dot:
            break
    return tuple(found)


def _is_named(vault: Resource, host: Parts) -> bool | None:
    name = parts_of(vault.name)
    return None if name is None or not host else equal_parts(name, host)


# -- the machines of a vault -------------------------------------------------------------------------------------------


def uses_of(vault: Resource) -> list[Use]:
    """The uses of a vault by encrypted machines of its world; those that may be of another vault are not certain."""
    world = vault.world
    kept = world.memo.get("key vault uses")
    if not isinstance(kept, list):
        holders = [holder for type_ in HOLDERS for holder in world.of(type_) if holder.declared]
        kept = world.memo["key vault uses"] = [use for holder in holders for use in uses(holder)]
    mine = [use for use in kept if use.link.resource is vault]
    return mine + [use._replace(certain=None) for use in kept if use.link.resource is None and use.link.open]


@fact(
    "diskEncryptionVault", VAULT, *HOLDERS, reads=_READS, fields=("used", "machines", "protected", "note", "evidence")
)
def disk_encryption_vault(resource: Resource) -> Value:
    """Whether a key vault holds the keys of machines that Azure Disk Encryption encrypts.

    `used`: an extension or disk of this root names it. `machines`: the names of their machines, or of the disk or
    extension where no machine is seen. `protected`: one of the machines is known to be; `note`: empty or `; protection
    unknown`. `evidence`: what names the vault. Of a disk or extension: `used` is unknown where its vault is not declared
    here, else false, since the vault is judged. catalogue BKP403, C.4;
    https://learn.microsoft.com/azure/virtual-machines/windows/disk-encryption-key-vault
    """
    if not is_type(resource, VAULT):
        return _elsewhere(resource)
    found = uses_of(resource)
    holders = list(dict.fromkeys(use.holder for use in found if use.certain is not False))
    protected = any(_is_protected(holder) for holder in holders)
    first = found[0].named if found else missing(resource.body.place)
    return record(
        resource.body,
        used=answer(disjunction(use.certain for use in found), resource.body, *(use.named for use in found)),
        machines=Value(_names(holders), resource.body.place),
        protected=Value(protected, resource.body.place),
        note=Value("" if protected else "; protection unknown", resource.body.place),
        evidence=first._replace(place=first.used_at),
    )


def _is_protected(holder: Resource) -> bool:
    return any(read("protection.state", machine).data != "unknown" for machine in owners(holder).items)


def _names(holders: list[Resource]) -> str:
    return names_shown(one for holder in holders for one in owners(holder).items or (holder,))


def elsewhere(holder: Resource) -> Unknown | None:
    """Why nothing is known of the vault of an encrypted disk or of an extension; None where it is declared here."""
    for use in uses(holder):
        if use.link.resource is None or not use.link.resource.declared:
            cause = f"the key vault of {holder.address}, which is not declared here"
            return Unknown(Reason.OPEN, cause, use.named.used_at, "bool", True)
    return None


def _elsewhere(holder: Resource) -> Value:
    why = elsewhere(holder)
    place = holder.body.place
    return record(
        holder.body,
        used=Value(False if why is None else why, place),
        machines=Value(_names([holder]), place),
        protected=Value(_is_protected(holder), place),
        note=Value("", place),
        evidence=missing(place),
    )


# -- the firewall of a vault -------------------------------------------------------------------------------------------


@fact(
    "vaultFirewall",
    VAULT,
    *HOLDERS,
    reads=(
        "properties.networkAcls.bypass",
        "properties.networkAcls.defaultAction",
        "properties.publicNetworkAccess",
    ),
    fields=("closed", "at"),
)
def vault_firewall(resource: Resource) -> Value:
    """Whether the firewall of a key vault stops Azure Backup, which is one of the trusted services of Key Vault.

    `closed`: access is denied by default, or public access is off, and trusted services do not get past it either
    (`bypass` is None). `at`: the bypass, or what closes the vault. Of a disk or extension: unknown where its vault is
    not declared here. catalogue BKP404; https://learn.microsoft.com/azure/key-vault/general/network-security
    """
    why = None if is_type(resource, VAULT) else elsewhere(resource)
    if not is_type(resource, VAULT):
        return record(resource.body, closed=Value(False if why is None else why, resource.body.place), at=resource.body)
    bypass, action = (resource.get(f"properties.networkAcls.{name}") for name in ("bypass", "defaultAction"))
    access = resource.get("properties.publicNetworkAccess")
    shut = disjunction((says(action, "Deny"), says(access, "Disabled")))
    closed = conjunction((says(bypass, "None"), shut))
    return record(resource.body, closed=answer(closed, bypass, action, access), at=bypass)


# -- keys of certificates ----------------------------------------------------------------------------------------------


@fact("certificateKey", *HOLDERS, reads=_READS, fields=("isOne", "at", "certificate"))
def certificate_key(holder: Resource) -> Value:
    """Whether the key that wraps the volumes' keys belongs to a certificate, which Azure Backup does not support.

    `isOne`: its address names a certificate, or a key that has the name of a certificate declared in the same vault.
    `at`: the address; `certificate`: the certificate. Unknown where the address is. catalogue BKP406, N-ENC;
    https://learn.microsoft.com/azure/key-vault/certificates/about-certificates (composition of a certificate)
    """
    found = [(url, *_certificate(holder.world, url)) for url in _key_urls(holder)]
    order = {True: 0, None: 1, False: 2}
    url, is_one, name = min(found, key=lambda one: order[one[1]], default=(missing(holder.body.place), False, ""))
    return record(holder.body, isOne=answer(is_one, url), at=url, certificate=Value(name, url.place))


def _key_urls(holder: Resource) -> list[Value]:
    """The addresses of the keys that wrap others; none where nothing is encrypted."""
    if not uses(holder):
        return []
    return [named[-1] for kind, named in _named(holder) if kind == "key" and named[-1].exists is not False]


def _certificate(world: World, url: Value) -> tuple[bool | None, str]:
    """Whether an address is of a certificate or of its key, and the certificate's name."""
    address = _address(url)
    producer = world.by_address(address) if address is not None else None
    if producer is not None and is_type(producer, CERTIFICATE):
        return True, label(producer)
    if producer is not None and not is_type(producer, VAULT):
        return _same_name(world, producer.parent, producer.name)
    parts = parts_of(url) or ()
    kind, name = _object_in(parts)
    if kind == "certificates":
        return True, str(Value(paths.joined(name)).data if all(isinstance(part, str) for part in name) else "")
    if not kind:
        return (None if any(isinstance(part, Unknown) for part in parts) else False), ""
    return _same_name(world, vault_named(world, url).resource, Value(paths.joined(name)) if name else Value(""))


def _object_in(parts: Parts) -> tuple[str, Parts]:
    """The kind and the name in `…/keys/name/version`; an empty kind where it is not seen."""
    for at, part in enumerate(parts):
        for kind in ("keys", "certificates"):
            if isinstance(part, str) and f"{kind}/" in part.casefold():
                rest = part[part.casefold().index(f"{kind}/") + len(kind) + 1 :]
                return kind, _until_slash((rest, *parts[at + 1 :]))
    return "", ()


def _until_slash(parts: Parts) -> Parts:
    found: list[str | Unknown] = []
    for part in parts:
        if isinstance(part, Unknown):
            found.append(part)
            continue
        name, slash, _ = part.partition("/")
        found += [name] if name else []
        if slash:
            break
    return tuple(found)


def _same_name(world: World, vault: Resource | None, name: Value) -> tuple[bool | None, str]:
    """Whether a vault has a certificate of a key's name. Of a vault that is not declared here, certificates are known
    only where they are."""
    wanted = parts_of(name) or ()
    for certificate in world.of(CERTIFICATE):
        if certificate.parent is not vault or not certificate.declared:
            continue
        same = equal_parts(wanted, parts_of(certificate.name) or ())
        if same is not False:
            return same, label(certificate)
    return False, ""
