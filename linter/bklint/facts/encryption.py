"""Disk settings, attachments and Azure Disk Encryption extensions become: how a disk is encrypted, and with which keys.

Three things encrypt in the sense of the 2019 documents: settings of the disk, settings of the machine's OS disk, and
the extension (class `ade`). A disk encryption set is customer-managed server-side encryption (class `cmk`). The one
fact a reader would not guess: encryption with platform keys and encryption at host are class `none`, because every
Azure disk has the former and the documents are not about them (catalogue B.5).
"""

from __future__ import annotations

from typing import NamedTuple

from bklint.facts import fact, record
from bklint.facts.answers import answer, word
from bklint.facts.machines import SCALE_SET_EXTENSION, VM_EXTENSION, Slot, is_type, owners, says, slot
from bklint.model.compare import conjunction, not_empty
from bklint.model.relations import DISK, related
from bklint.model.resource import Resource
from bklint.model.value import ListData, Reason, Unknown, Value, missing, same_unknown, step

_SETTINGS = ("encryptionSettingsCollection", "encryptionSettings")
PUBLISHER = "Microsoft.Azure.Security"
ADE_TYPES = ("AzureDiskEncryption", "AzureDiskEncryptionForLinux")
_ENABLE = ("EnableEncryption", "EnableEncryptionFormat", "EnableEncryptionFormatAll")
_FILLED_IN = frozenset({"tfvars", "parameter file", "module argument", "deployment"})
"""Hops by which a value is supplied, rather than a default."""


class Found(NamedTuple):
    """An answer, the value that gives it (or is not known), and what that value is, in words."""

    answer: bool | None
    evidence: Value
    source: str


@fact(
    "encryption",
    DISK,
    reads=(
        "properties.encryptionSettingsCollection.enabled",
        "properties.encryptionSettings.enabled",
        "properties.encryption.diskEncryptionSetId",
        "properties.settings",
    ),
    fields=("class", "evidence", "source"),
)
def encryption(disk: Resource) -> Value:
    """How a disk is encrypted, in the sense of S2 UserErrorUnsupportedDiskSize (definition E of catalogue B.5).

    `class`: `ade`, by disk settings, OS-disk settings of the machine or the Azure Disk Encryption extension, whose
    VolumeType selects disks; `cmk`, server-side with a disk encryption set; else `none`. `evidence`: the value that
    decides; `source`: what it is. The class is an unknown with its alternatives where a setting, or whether there is an
    extension, is not known: a disk that is attached to no machine here may be attached to an encrypted one elsewhere.
    https://learn.microsoft.com/azure/virtual-machines/extensions/azure-disk-enc-windows (and -linux)
    """
    ade, cmk = _ade(disk), _cmk(disk)
    if ade.answer:
        return _encryption(disk, Value("ade", ade.evidence.place), ade)
    if ade.answer is None:
        rest = ("cmk",) if cmk.answer else ("none",) if cmk.answer is False else ("cmk", "none")
        return _encryption(disk, word(("ade", *rest), ade.evidence), cmk if cmk.answer else ade)
    if cmk.answer is None:
        return _encryption(disk, word(("cmk", "none"), cmk.evidence), cmk)
    return _encryption(disk, Value("cmk" if cmk.answer else "none", cmk.evidence.place), cmk)


def _encryption(disk: Resource, kind: Value, found: Found) -> Value:
    return record(disk.body, **{"class": kind, "evidence": found.evidence, "source": Value(found.source)})


def _first(found: list[Found], otherwise: Found) -> Found:
    """The first that is true, else the first that is not known."""
    for wanted in (True, None):
        for one in found:
            if one.answer is wanted:
                return one
    return otherwise


def _ade(disk: Resource) -> Found:
    found = [_by_settings(disk)]
    machines = owners(disk)
    for machine in machines.items:
        held = slot(disk, machine)
        if held is not None:
            found += [_by_os_disk(held), _by_extension(machine, held)]
    if not machines.items or machines.open is not None:
        found.append(_elsewhere(disk, machines.open))
    return _first(found, Found(False, missing(disk.body.place), "no encryption"))


def _elsewhere(disk: Resource, why: Unknown | None) -> Found:
    if why is None and disk.world.complete:
        return Found(False, missing(disk.body.place), "no encryption")
    cause = "the disk may be attached to an encrypted machine elsewhere"
    why = why or Unknown(Reason.OPEN, cause, disk.body.place)
    return Found(None, Value(why, disk.body.place), "encryption of the machine")


def _by_settings(disk: Resource) -> Found:
    """Disk-level settings, of the newer collection or the older single form."""
    found = [_enabled(disk.get(f"properties.{name}"), "disk encryption settings") for name in _SETTINGS]
    return _first(found, found[0])


def _enabled(settings: Value, source: str) -> Found:
    enabled = step(settings, "enabled")
    if settings.exists is False:
        return Found(False, enabled, source)
    return Found(says(enabled, True), enabled if enabled.exists is not False else settings, source)


def _by_os_disk(held: Slot) -> Found:
    if held.role != "os":
        return Found(False, missing(held.entry.place), "")
    found = _enabled(step(held.entry, "encryptionSettings"), "encryption settings of the OS disk")
    return _unsure(found, held.unsure)


def _by_extension(machine: Resource, held: Slot) -> Found:
    """The extension on the machine, where its VolumeType selects the disk."""
    extensions = related(machine, "extensions")
    found = [_selects(extension, machine, held) for extension in extensions.items]
    if extensions.open is not None:
        found.append(Found(None, Value(extensions.open, machine.body.place), "extensions of the machine"))
    return _unsure(_first(found, Found(False, missing(machine.body.place), "no extension")), held.unsure)


def _selects(extension: Resource, machine: Resource, held: Slot) -> Found:
    volumes = step(_public_settings(extension), "VolumeType")
    selected = True if volumes.exists is False else says(volumes, "All", held.role)
    ade = _ade_of(extension)
    evidence = volumes if ade.answer and selected is None else ade.evidence
    found = Found(conjunction((ade.answer, selected)), evidence, f"{ade.source} {extension.address}")
    return found if same_unknown(extension.conditional, machine.conditional) else _unsure(found, extension.conditional)


def _unsure(found: Found, why: Unknown | None) -> Found:
    """What holds only under an undecided condition is not known to hold."""
    return found if why is None or found.answer is False else Found(None, Value(why, why.place), found.source)


def _public_settings(extension: Resource) -> Value:
    return extension.get("properties.settings")


def _is_ade(extension: Resource) -> bool | None:
    kind = extension.get("properties.type")
    return conjunction((says(extension.get("properties.publisher"), PUBLISHER), says(kind, *ADE_TYPES)))


def _encrypts(operation: Value) -> bool | None:
    """Whether an EncryptionOperation encrypts, rather than decrypts or reports."""
    return says(operation, *_ENABLE)


def _ade_of(extension: Resource) -> Found:
    """Whether an extension is Azure Disk Encryption and encrypts."""
    operation = step(_public_settings(extension), "EncryptionOperation")
    encrypts = conjunction((_is_ade(extension), _encrypts(operation)))
    parts = (extension.get("properties.publisher"), extension.get("properties.type"), operation)
    vague = next((value for value in parts if value.unknown is not None), operation)
    return Found(encrypts, vague if encrypts is None else operation, "the Azure Disk Encryption extension")


def _cmk(disk: Resource) -> Found:
    """Server-side encryption with customer keys: a disk encryption set on the disk or where it is attached."""
    found = [_present(disk.get("properties.encryption.diskEncryptionSetId"))]
    if not disk.derived:
        for machine in owners(disk).items:
            held = slot(disk, machine)
            if held is not None:
                chosen = step(step(step(held.entry, "managedDisk"), "diskEncryptionSet"), "id")
                found.append(_unsure(_present(chosen), held.unsure))
    return _first(found, found[0])


def _present(value: Value) -> Found:
    return Found(not_empty(value), value, "disk encryption set")


@fact(
    "adeExtension",
    VM_EXTENSION,
    SCALE_SET_EXTENSION,
    reads=("properties.publisher", "properties.type", "properties.settings"),
    fields=("isAde", "enabled", "operation", "volumeType", "kek"),
)
def ade_extension(extension: Resource) -> Value:
    """An extension as Azure Disk Encryption.

    `isAde`: it is that extension, by publisher and type. `enabled`: its EncryptionOperation encrypts (DisableEncryption
    does not). `operation`, `volumeType`, `kek`: the settings EncryptionOperation, VolumeType and KeyEncryptionKeyURL,
    names compared ignoring case. Each is unknown where the settings are. catalogue C.4;
    https://learn.microsoft.com/azure/virtual-machines/extensions/azure-disk-enc-linux
    """
    settings, kind = _public_settings(extension), extension.get("properties.type")
    operation = step(settings, "EncryptionOperation")
    return record(
        extension.body,
        isAde=answer(_is_ade(extension), kind, extension.get("properties.publisher")),
        enabled=answer(_encrypts(operation), operation),
        operation=operation,
        volumeType=step(settings, "VolumeType"),
        kek=step(settings, "KeyEncryptionKeyURL"),
    )


@fact(
    "keyEncryption",
    VM_EXTENSION,
    SCALE_SET_EXTENSION,
    DISK,
    reads=("properties.settings", "properties.encryptionSettingsCollection.encryptionSettings"),
    fields=("ade", "kek", "byDefault", "at", "evidence", "source"),
)
def key_encryption(resource: Resource) -> Value:
    """Whether Azure Disk Encryption is set here, and whether it has a key encryption key (S1, row "BEK uniquement").

    `ade`: an extension, disk or OS disk of a machine encrypts here. `kek`: a key encryption key is given; every volume
    must have one. `byDefault`: none is given because a parameter or variable is empty by default, so that a deployment
    may supply one. `at`: the setting at fault, or that is not known. `evidence`: what turns encryption on; `source`:
    what that is. `kek` is unknown where the setting, or its settings as a whole, are not known. catalogue BKP402
    """
    found = _of_extension(resource) if not is_type(resource, DISK) else _of_disk(resource)
    return record(
        resource.body,
        ade=answer(found.ade.answer, found.ade.evidence),
        kek=answer(found.kek, found.at),
        byDefault=Value(_empty_by_default(found.at), found.at.place),
        at=found.at,
        evidence=found.ade.evidence,
        source=Value(found.ade.source),
    )


class Keys(NamedTuple):
    """Whether something encrypts, whether it names a key encryption key, and where that stands."""

    ade: Found
    kek: bool | None
    at: Value


def _of_extension(extension: Resource) -> Keys:
    ade, key = _ade_of(extension), step(_public_settings(extension), "KeyEncryptionKeyURL")
    given = _given(key, extension)
    hidden = extension.get("properties.protectedSettingsFromKeyVault")
    if given is False and hidden.exists is not False:
        why = Unknown(Reason.SECURE, "settings read from a key vault", hidden.place)
        return Keys(ade, None, Value(why, key.place))
    return Keys(ade, given, key)


def _of_disk(disk: Resource) -> Keys:
    """Disk-level settings, or those of the OS disk in the machine that holds the disk."""
    source = "disk encryption settings"
    collection, older = (disk.get(f"properties.{name}") for name in _SETTINGS)
    candidates = [(_enabled(collection, source), collection), (_enabled(older, source), older)]
    for machine in owners(disk).items:
        held = slot(disk, machine)
        if held is not None and held.role == "os":
            candidates.append((_by_os_disk(held), step(held.entry, "encryptionSettings")))
    chosen = _first([found for found, _ in candidates], candidates[0][0])
    settings = next(settings for found, settings in candidates if found is chosen)
    return Keys(chosen, *_volumes(settings, disk))


def _volumes(settings: Value, disk: Resource) -> tuple[bool | None, Value]:
    """Whether every volume has a key, and the value to point at: the first that has none, or is not known."""
    elements = step(settings, "encryptionSettings").data
    volumes = elements.items if isinstance(elements, ListData) else ()
    keys = [_key_of(volume) for volume in volumes] or [_key_of(settings)]
    given = [(_given(key, disk), key) for key in keys]
    if isinstance(elements, ListData) and elements.rest is not None:
        given.append((None, Value(elements.rest, settings.place)))
    return next((one for wanted in (False, None) for one in given if one[0] is wanted), given[0])


def _key_of(volume: Value) -> Value:
    """The key's address; of a volume without a key, the place of the volume."""
    key = step(volume, "keyEncryptionKey")
    return missing(volume.place) if key.exists is False else step(key, "keyUrl")


def _given(value: Value, resource: Resource) -> bool | None:
    """Whether a key address is given: missing, null and empty are not. An attribute of a key is one."""
    if value.ident is not None and value.unknown is not None:
        producer = resource.world.by_address(value.ident.address)
        if producer is not None and is_type(producer, "Microsoft.KeyVault/vaults/keys"):
            return True
    return not_empty(value)


def _empty_by_default(value: Value) -> bool:
    kinds = {hop.kind for hop in value.trail}
    return value.data == "" and bool(kinds & {"variable", "parameter"}) and not kinds & _FILLED_IN
