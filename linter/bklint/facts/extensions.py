"""Extensions become: what keeps the backup extension from running, and what leaves a machine in a failed state.

The one fact a reader would not guess: names in extension settings are compared ignoring case, as the extensions' own
documents write them in several ways.
"""

from __future__ import annotations

import re

from bklint.facts import fact, read, record
from bklint.facts.answers import answer
from bklint.facts.machines import SCALE_SET_EXTENSION, VM_EXTENSION, says
from bklint.model.compare import conjunction, equal, not_empty
from bklint.model.relations import VM, children
from bklint.model.resource import Resource
from bklint.model.value import Text, Unknown, Value, missing, parts_of, step

EXCLUSIONS = (
    r"c:\packages\plugins\microsoft.azure.recoveryservices.vmsnapshot",
    r"c:\windowsazure\logs\plugins\microsoft.azure.recoveryservices.vmsnapshot",
)
"""Directories of the backup extension that antimalware must leave alone (S2, step 4), in lower case."""

_CUSTOM_SCRIPT = (
    ("Microsoft.Azure.Extensions", "CustomScript"),
    ("Microsoft.Compute", "CustomScriptExtension"),
    ("Microsoft.OSTCExtensions", "CustomScriptForLinux"),
)
_SETTINGS = ("properties.settings", "properties.protectedSettings")
_LONGEST_EXIT = len("; exit /b 255 ")
_EXIT = re.compile(r"(?:^|[;&\n])\s*exit(?:\s+/b)?\s+(\d+)\s*[\"']?\s*$", re.IGNORECASE)


def setting(extension: Resource, name: str) -> Value:
    """A setting of an extension, public or protected; missing, with the place of the settings, where none has it."""
    found = [step(extension.get(path), name) for path in _SETTINGS]
    return next((value for value in found if value.exists is not False), found[0])


@fact(
    "antimalware",
    VM_EXTENSION,
    SCALE_SET_EXTENSION,
    reads=("properties.settings",),
    fields=("enabled", "paths", "excludes"),
)
def antimalware(extension: Resource) -> Value:
    """An extension as Microsoft Antimalware.

    `enabled`: it is that extension, and its AntimalwareEnabled is true. `paths`: its Exclusions.Paths, to point at.
    `excludes`: whether both directories of the backup extension, or parents of them, are excluded. catalogue BKP504;
    https://learn.microsoft.com/azure/virtual-machines/extensions/iaas-antimalware-windows
    """
    kind, publisher = extension.get("properties.type"), extension.get("properties.publisher")
    is_it = conjunction((says(publisher, "Microsoft.Azure.Security"), says(kind, "IaaSAntimalware")))
    switch = setting(extension, "AntimalwareEnabled")
    paths = step(setting(extension, "Exclusions"), "Paths")
    enabled = conjunction((is_it, equal(switch, Value(True)))) if is_it is not False else False
    return record(
        extension.body,
        enabled=answer(enabled, switch, kind, publisher),
        paths=paths if paths.exists is not False else paths._replace(place=switch.place or extension.body.place),
        excludes=answer(_excludes(paths), paths),
    )


def _excludes(paths: Value) -> bool | None:
    if paths.exists is False:
        return False
    parts = parts_of(paths)
    if parts is None or isinstance(paths.data, Unknown):
        return None
    known = [_plain(path) for part in parts if isinstance(part, str) for path in part.split(";")]
    covered = all(any(_holds(path, wanted) for path in known if path) for wanted in EXCLUSIONS)
    return True if covered else (None if any(isinstance(part, Unknown) for part in parts) else False)


def _plain(path: str) -> str:
    path = path.strip().strip('"').replace("/", "\\").casefold().rstrip("\\*")
    return path.replace("%systemdrive%", "c:").replace("%windir%", r"c:\windows")


def _holds(path: str, wanted: str) -> bool:
    return wanted == path or wanted.startswith(path + "\\")


@fact(
    "customScript",
    VM_EXTENSION,
    reads=("properties.settings",),
    fields=("isOne", "empty", "exitCode", "command", "tolerated"),
)
def custom_script(extension: Resource) -> Value:
    """An extension as a custom script.

    `empty`: neither `commandToExecute` nor `script` is given. `exitCode`: the number of a literal `exit` that ends the
    command; missing where there is none. `command`: the command, to point at. `tolerated`: `suppressFailures` is true.
    catalogue BKP508; https://learn.microsoft.com/azure/virtual-machines/extensions/custom-script-linux
    """
    publisher, kind = extension.get("properties.publisher"), extension.get("properties.type")
    is_it = next((True for p, k in _CUSTOM_SCRIPT if says(publisher, p) and says(kind, k)), False)
    command, script = setting(extension, "commandToExecute"), setting(extension, "script")
    hidden = next((why for path in _SETTINGS if (why := extension.get(path).unknown) is not None), None)
    elsewhere = extension.get("properties.protectedSettingsFromKeyVault").exists is not False
    given = bool(command.exists or script.exists) or elsewhere
    empty = False if given or not is_it else (None if hidden is not None else True)
    place = command if command.exists else extension.get("properties.type")
    return record(
        extension.body,
        isOne=Value(is_it, kind.place),
        empty=answer(empty, place, hidden),
        exitCode=_exit_code(command) if is_it else missing(place.place),
        command=place,
        tolerated=_tolerated(extension),
    )


def _exit_code(command: Value) -> Value:
    """The number of the literal `exit` that ends a command; missing where it ends otherwise, unknown where its end is."""
    data = command.data
    if isinstance(data, Unknown):
        return command._replace(data=Unknown(data.reason, data.cause, data.place))
    known = data if isinstance(data, str) else data.suffix if isinstance(data, Text) else ""
    found = _EXIT.search(known)
    if found is not None:
        return Value(int(found[1]), command.place, command.hops)
    if isinstance(data, Text) and len(known) < _LONGEST_EXIT:
        why = data.unknowns[-1]
        return Value(Unknown(why.reason, why.cause, why.place), command.place, command.hops)
    return missing(command.place)


def _tolerated(extension: Resource) -> Value:
    value = extension.get("properties.suppressFailures")
    return answer(equal(value, Value(True)), value)


@fact(
    "sameExtension",
    VM_EXTENSION,
    reads=("properties.publisher", "properties.type"),
    fields=("isSecond", "other", "type"),
)
def same_extension(extension: Resource) -> Value:
    """Whether a machine has another extension of the same publisher and type, declared before this one.

    Only extensions with different names count: the same name again is an update. catalogue BKP508
    """
    machine = extension.parent
    publisher, kind = extension.get("properties.publisher"), extension.get("properties.type")
    nothing = record(extension.body, isSecond=Value(False, kind.place), other=missing(kind.place), type=kind)
    if machine is None or publisher.unknown is not None or kind.unknown is not None or kind.exists is False:
        return nothing
    for other in children(machine, VM_EXTENSION).items:
        if other is extension:
            return nothing
        alike = equal(publisher, other.get("properties.publisher")) and equal(kind, other.get("properties.type"))
        if alike and equal(other.name, extension.name) is False and not other.conditional and not extension.conditional:
            label = Value(other.address, other.body.place)
            return record(extension.body, isSecond=Value(True, kind.place, kind.hops), other=label, type=kind)
    return nothing


@fact("doubleEncryption", VM_EXTENSION, reads=("properties.settings",), fields=("refused", "other", "source"))
def double_encryption(extension: Resource) -> Value:
    """Whether an Azure Disk Encryption extension stands on a machine that is encrypted at host, which the platform
    refuses. `other`: the setting of the machine. catalogue BKP508;
    https://learn.microsoft.com/azure/virtual-machines/disk-encryption-overview#comparison
    """
    machine = extension.parent
    switch = (
        missing(extension.body.place) if machine is None else machine.get("properties.securityProfile.encryptionAtHost")
    )
    ade = read("adeExtension", extension).data
    enabled = (
        read("adeExtension.isAde", extension).data is True and read("adeExtension.enabled", extension).data is True
    )
    refused = equal(switch, Value(True)) if enabled and ade is not None else False
    return record(
        extension.body, refused=answer(refused, switch), other=switch, source=Value("encryption at host", switch.place)
    )


@fact(
    "image",
    VM,
    reads=("properties.storageProfile.imageReference", "properties.storageProfile.osDisk"),
    fields=("custom", "at", "proven", "kind"),
)
def image(machine: Resource) -> Value:
    """Where a machine's operating system comes from.

    `custom`: it is made from an image of one's own, or its OS disk is attached, so that Azure's agent may not be in it;
    images of the marketplace and of community galleries have it. `at`: the setting that says so; `kind`: what it is.
    `proven`: an extension is declared on the machine, which runs only where the agent does. catalogue BKP503; S1 "Agent
    VM"; https://learn.microsoft.com/azure/virtual-machines/extensions/agent-windows
    """
    reference = machine.get("properties.storageProfile.imageReference.id")
    shared = machine.get("properties.storageProfile.imageReference.sharedGalleryImageId")
    option = machine.get("properties.storageProfile.osDisk.createOption")
    uri = machine.get("properties.storageProfile.osDisk.image.uri")
    candidates = (
        (reference, _own_image(reference), "an image of its own"),
        (shared, not_empty(shared), "a shared gallery image"),
        (uri, not_empty(uri), "an imported VHD"),
        (option, says(option, "Attach"), "an attached OS disk"),
    )
    chosen = next((row for row in candidates if row[1] is True), None) or next(
        (row for row in candidates if row[1] is None), None
    )
    extensions = children(machine, VM_EXTENSION)
    place = machine.body.place
    at, custom, kind = chosen if chosen is not None else (Value("marketplace", place), False, "")
    return record(
        machine.body,
        custom=answer(custom, at),
        at=at,
        kind=Value(kind, place),
        proven=answer(
            True if extensions.items else None if extensions.open is not None else False,
            Value(False, place),
            extensions.open,
        ),
    )


def _own_image(reference: Value) -> bool | None:
    if reference.exists is False:
        return False
    parts = parts_of(reference)
    head = parts[0] if parts and isinstance(parts[0], str) else ""
    return False if head.casefold().startswith("/communitygalleries/") else not_empty(reference)
