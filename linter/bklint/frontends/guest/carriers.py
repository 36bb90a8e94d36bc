"""The texts that the resources of a world bring into machines: custom data, extensions, run commands, answer files.

Each becomes a list of texts with the machine they belong to, and the attribute that carries them.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterator
from typing import NamedTuple

from bklint.errors import InputError
from bklint.files import Reader, join
from bklint.frontends.guest import recognise
from bklint.frontends.guest.cloud_init import unbase64, unzipped
from bklint.frontends.guest.text import GuestText, leaves, of_file, of_value, within
from bklint.model.compare import equal
from bklint.model.inventory import Note, World
from bklint.model.relations import SCALE_SET, VM
from bklint.model.resource import Resource
from bklint.model.value import ListData, ObjectData, Text, Unknown, Value, step
from bklint.source import BOM, Source

IMAGE = "Microsoft.VirtualMachineImages/imageTemplates"
MESSAGE = "guest/cloudInitMessages"
"""Messages for cloud-init that Terraform composes (`data.cloudinit_config`)."""

_PROFILE = {VM.casefold(): "properties", SCALE_SET.casefold(): "properties.virtualMachineProfile"}
_ENCODERS = ("base64encode", "base64gzip", "textencodebase64", "base64", "filebase64", "datauri")


class Carried(NamedTuple):
    """One text in a machine: its kind, the value that carries it, and whether it runs before the machine is an image."""

    owner: Resource | None
    text: GuestText
    kind: str
    carrier: Value
    label: str
    image: bool = False


def carried(world: World, reader: Reader) -> Iterator[Carried]:
    """Every text that the world's resources bring into machines. What Bicep has loaded from a file of the repository is
    that file."""
    loaded = _loaded(world, reader)
    for each in _carried(world, reader):
        source = loaded.get(each.text.data)
        yield each if source is None else each._replace(text=of_file(source))


_LOADS = re.compile(rb"\bload(?:TextContent|FileAsBase64)\(\s*'([^'$\\]+)'")


def _loaded(world: World, reader: Reader) -> dict[bytes, Source]:
    """The files that the Bicep source of a compiled template loads, by their bytes.

    The compiler puts them into variables as they are:
    https://learn.microsoft.com/azure/azure-resource-manager/bicep/bicep-functions-files
    """
    twin = re.sub(r"\.json\Z", ".bicep", world.root)
    if not twin.endswith(".bicep") or not reader.is_file(twin):
        return {}
    found: dict[bytes, Source] = {}
    for match in _LOADS.finditer(_bytes(reader, twin)):
        path = join(posixpath.dirname(twin) or ".", match[1].decode("utf-8", "replace"))
        raw = _bytes(reader, path) if reader.is_file(path) else b""
        if raw:
            found.setdefault(raw.removeprefix(BOM), Source(path, raw))
    return found


def _bytes(reader: Reader, path: str) -> bytes:
    try:
        return reader.read(path)
    except InputError:
        return b""


def _carried(world: World, reader: Reader) -> Iterator[Carried]:
    for type_ in (VM, SCALE_SET):
        for machine in list(world.of(type_)):
            if machine.declared and _in_scope(machine):
                yield from _machine(machine)
    for machine_type in (VM, SCALE_SET):
        for extension in list(world.of(machine_type + "/extensions")):
            if extension.declared and (extension.parent is None or _in_scope(extension.parent)):
                yield from _extension(extension, reader)
    for command in list(world.of(VM + "/runCommands")):
        if command.declared:
            yield from _plain(command.parent, command.get("properties.source.script"), "run command")
            yield from _named_file(command.parent, command.get("properties.source.scriptUri"), world, reader)
    for template in list(world.of(IMAGE)):
        yield from _image(template, reader)


def _in_scope(machine: Resource) -> bool:
    """Scale sets count only in Flexible orchestration: others cannot be backed up at all."""
    if machine.type.casefold() != SCALE_SET.casefold():
        return True
    return equal(machine.get("properties.orchestrationMode"), Value("Flexible")) is True


def windows(machine: Resource | None) -> bool | None:
    """Whether a machine runs Windows; None where its resource does not tell."""
    if machine is None or machine.type.casefold() not in _PROFILE:
        return None
    base = _PROFILE[machine.type.casefold()]
    kind = machine.get(f"{base}.storageProfile.osDisk.osType").data
    if isinstance(kind, str):
        return kind.casefold() == "windows"
    profile = machine.get(f"{base}.osProfile")
    for name, answer in (("windowsConfiguration", True), ("linuxConfiguration", False)):
        if step(profile, name).exists is True:
            return answer
    publisher = machine.get(f"{base}.storageProfile.imageReference.publisher").data
    return publisher.casefold().startswith("microsoftwindows") if isinstance(publisher, str) and publisher else None


def _machine(machine: Resource) -> Iterator[Carried]:
    base = _PROFILE[machine.type.casefold()]
    for path, label in ((f"{base}.osProfile.customData", "custom data"), (f"{base}.userData", "user data")):
        yield from _encoded(machine, machine.get(path), label)
    for content in machine.select(f"{base}.osProfile.windowsConfiguration.additionalUnattendContent[*].content").values:
        text = of_value(content, machine.address)
        if text is not None:
            yield Carried(machine, text, "unattend", content, "unattend content")


def _encoded(machine: Resource, value: Value, label: str) -> Iterator[Carried]:
    """Custom data and user data: plain, base64, gzip in base64, a message that Terraform composes."""
    if value.exists is False:
        return
    plain = _plain_of(value)
    parts = _composed(plain, machine.world)
    if parts is not None:
        for part in parts:
            yield from _part(machine, part, value, label)
        return
    for text in decoded(value, machine):
        kind = recognise.carried_kind(text.data, windows(machine))
        if kind is not None:
            yield Carried(machine, text, kind, value, label)


def _part(machine: Resource, part: Value, carrier: Value, label: str) -> Iterator[Carried]:
    """A part of a composed message, which may hold another message."""
    content, type_ = step(part, "content"), step(part, "contentType").data
    inner = _composed(_plain_of(content), machine.world)
    for each in inner or ():
        yield from _part(machine, each, carrier, label)
    text = of_value(content, machine.address) if inner is None and content.exists else None
    kind = recognise.part_kind(text.data, type_ if isinstance(type_, str) else "") if text is not None else None
    if text is not None and kind is not None:
        yield Carried(machine, text, kind, carrier, f"part of {label}")


def _plain_of(value: Value) -> Value:
    """What a text was before it was encoded."""
    for _ in range(4):
        if _encoder(value) is None:
            break
        value = value.pieces[0]
    return value


def _composed(value: Value, world: World) -> tuple[Value, ...] | None:
    """The parts of the message that `data.cloudinit_config` composes; None for what is none.

    How the message is encoded (`gzip`, `base64_encode`) does not change what it says.
    https://registry.terraform.io/providers/hashicorp/cloudinit/latest/docs/data-sources/config
    """
    ident = value.ident
    source = world.by_address(ident.address) if ident is not None and ident.attribute == "rendered" else None
    if source is None or source.type != MESSAGE:
        return None
    parts = source.get("properties.parts").data
    return parts.items if isinstance(parts, ListData) else ()


def decoded(value: Value, machine: Resource) -> Iterator[GuestText]:
    """The text in a value that may be encoded."""
    attribute = value.used_at
    value = _plain_of(value)
    if isinstance(value.data, str):
        raw = unbase64(value.data) if re.fullmatch(r"[A-Za-z0-9+/=\s]{8,}", value.data) else None
        if raw is not None:
            raw = unzipped(raw) if raw[:2] == b"\x1f\x8b" else raw
            plain = raw.decode("utf-8", "replace") if raw is not None else None
            if plain is not None and "\ufffd" not in plain:
                value = Value(plain, value.place, value.hops)
    text = of_value(value, machine.address, attribute)
    if text is not None:
        yield text


def _encoder(value: Value) -> str | None:
    """The function that encoded a text, whose operand is its only piece."""
    if len(value.pieces) != 1:
        return None
    for hop in value.trail:
        if hop.kind == "function":
            name = hop.label.removesuffix("()").casefold()
            return name if name in _ENCODERS else None
    return "base64" if _is_base64_of(value, value.pieces[0]) else None


def _is_base64_of(value: Value, piece: Value) -> bool:
    if isinstance(value.data, str) and isinstance(piece.data, str):
        raw = unbase64(value.data)
        return raw is not None and raw == piece.data.encode("utf-8", "replace") and value.data != piece.data
    return isinstance(piece.data, Text) and isinstance(value.data, (Text, Unknown)) and value.data != piece.data


# -- extensions --------------------------------------------------------------------------------------------------------

_SCRIPTS = frozenset({"customscript", "customscriptextension", "customscriptforlinux", "runcommandlinux", "runcommandwindows",
                      "runcommandhandlerlinux", "runcommandhandlerwindows"})  # fmt: skip


def _extension(extension: Resource, reader: Reader) -> Iterator[Carried]:
    kind = extension.get("properties.type").data
    if not isinstance(kind, str) or kind.casefold() not in (*_SCRIPTS, "dsc"):
        return
    on_windows = kind.casefold() in ("customscriptextension", "runcommandwindows", "runcommandhandlerwindows", "dsc")
    world, owner = extension.world, extension.parent
    for settings in (extension.get("properties.settings"), extension.get("properties.protectedSettings")):
        if not isinstance(settings.data, ObjectData):
            continue
        command, script = step(settings, "commandToExecute"), step(settings, "script")
        if command.exists is not False:
            yield from _command(owner, command, on_windows, world, reader)
        if script.exists is not False and isinstance(script.data, ListData):
            yield from _lines(owner, script, on_windows)
        elif script.exists is not False:
            for found in decoded(script, extension):
                yield Carried(owner, found, recognise.carried_kind(found.data, on_windows) or "shell", script, "script")
        for uri in _items(step(settings, "fileUris")):
            yield from _named_file(owner, uri, world, reader)
        if kind.casefold() == "dsc":
            yield from _desired_state(owner, settings, world, reader)


def _command(
    owner: Resource | None, command: Value, on_windows: bool, world: World, reader: Reader
) -> Iterator[Carried]:
    """A command line, and the scripts that it has in it encoded (`echo ${base64encode(…)} | base64 -d | sh`)."""
    name = owner.address if owner is not None else "command"
    for piece in leaves(command) or ():
        inner = of_value(_plain_of(piece), name, command.used_at) if _is_encoded(piece) else None
        kind = recognise.carried_kind(inner.data, on_windows) if inner is not None else None
        if inner is not None and kind is not None:
            yield Carried(owner, inner, kind, command, "commandToExecute")
    text = of_value(command, name, hides=_is_encoded)
    if text is None:
        return
    yield Carried(owner, text, "batch" if on_windows else "shell", command, "commandToExecute")
    for match in _IN_COMMAND.finditer(text.data):
        raw = unbase64((match["text"] or match["echoed"]).decode("ascii"))
        raw = unzipped(raw) if raw is not None and raw[:2] == b"\x1f\x8b" else raw
        plain = raw.decode("utf-8", "replace") if raw is not None else "\ufffd"
        kind = recognise.carried_kind(plain.encode(), on_windows) if "\ufffd" not in plain else None
        if kind is not None and raw is not None:
            twin = _twin(world, reader, raw)
            inner = within(text, match.start(), match.end(), plain) if twin is None else of_file(twin)
            yield Carried(owner, inner, kind, command, "commandToExecute")


def _twin(world: World, reader: Reader, raw: bytes) -> Source | None:
    """The script beside a root, or in a directory there, that has just these bytes."""
    pending = [(_directory(world), True)]
    while pending:
        directory, deeper = pending.pop(0)
        for entry in reader.list(directory):
            path = join(directory, entry.name)
            if entry.directory and deeper:
                pending.append((path, False))
            elif not entry.directory and recognise.may_be(path) and _bytes(reader, path) == raw:
                return Source(path, raw)
    return None


_IN_COMMAND = re.compile(
    rb"FromBase64String\(\s*\\?['\"]+(?P<text>[A-Za-z0-9+/=]{24,})"
    rb"|\becho\s+(?:-n\s+)?['\"]?(?P<echoed>[A-Za-z0-9+/=]{24,})['\"]?\s*\|\s*base64\s+(?:-d|-D|--decode)"
)
"""Text in base64 that a command decodes."""


def _is_encoded(piece: Value) -> bool:
    """Whether a text was encoded here from one that is known, so that it can be read as that."""
    return _encoder(piece) is not None and bool(piece.pieces[0].pieces or isinstance(piece.pieces[0].data, (str, Text)))


def _lines(owner: Resource | None, script: Value, on_windows: bool) -> Iterator[Carried]:
    for line in _items(script):
        text = of_value(line, owner.address if owner is not None else "script")
        if text is not None:
            yield Carried(owner, text, "powershell" if on_windows else "shell", line, "script")


def _items(value: Value) -> tuple[Value, ...]:
    return value.data.items if isinstance(value.data, ListData) else ()


def _plain(owner: Resource | None, value: Value, label: str) -> Iterator[Carried]:
    if value.exists is False:
        return
    text = of_value(value, owner.address if owner is not None else label)
    if text is not None:
        kind = recognise.carried_kind(text.data, windows(owner))
        if kind is not None:
            yield Carried(owner, text, kind, value, label)


def _desired_state(owner: Resource | None, settings: Value, world: World, reader: Reader) -> Iterator[Carried]:
    """The script of a DSC extension: archives are not opened, but their source often stands beside them, as
    `Server.ps1.zip` beside `Server.ps1`, or in a directory named as the archive is.

    https://learn.microsoft.com/azure/virtual-machines/extensions/dsc-template
    """
    chosen = step(settings, "configuration")
    archive, script = step(chosen, "url"), step(chosen, "script")
    if archive.exists is False:
        archive, script = step(settings, "modulesUrl"), step(settings, "configurationFunction")
    place = archive if archive.exists else script
    words = _segments(archive)
    name = re.split(r"[\\/]", script.data)[0] if isinstance(script.data, str) else ""
    stem = re.sub(r"\.zip\Z", "", words[-1], flags=re.I) if words else ""
    ways = [[*words[:-1], stem]] if stem.casefold().endswith(".ps1") else []
    if name:
        name = name if name.casefold().endswith(".ps1") else f"{name}.ps1"
        ways += [[*words[:-1], name], [*words[:-1], stem, name]]
    for way in ways:
        found = list(_repository_file(owner, place, way, world, reader))
        if found:
            yield from found
            return
    if words:
        message = f"{words[-1]}: the archive of a DSC extension is not opened; put its script beside it to have it read"
        world.notes.append(Note("archive not read", message, place.place, strict=True))


def _segments(uri: Value) -> list[str]:
    """The segments that a URI ends with, as far as they are known."""
    data = uri.data
    ending = data if isinstance(data, str) else data.suffix if isinstance(data, Text) else ""
    return [word for word in re.split(r"[?#]", ending)[0].split("/") if word and ":" not in word]


def _named_file(owner: Resource | None, uri: Value, world: World, reader: Reader) -> Iterator[Carried]:
    """A script of the repository that a URI names by its last segments."""
    yield from _repository_file(owner, uri, _segments(uri), world, reader)


def _repository_file(
    owner: Resource | None, uri: Value, words: list[str], world: World, reader: Reader
) -> Iterator[Carried]:
    directory = _directory(world)
    for count in range(min(len(words), 4), 0, -1):
        path = join(directory, "/".join(words[-count:]))
        if not reader.is_file(path):
            continue
        try:
            source = Source.of(path, reader.read(path))
        except InputError:
            return
        kind = recognise.script_kind(path.casefold(), source.data)
        if kind is not None:
            yield Carried(owner, of_file(source), kind, uri, f"fileUris {words[-1]}")
        return


def _directory(world: World) -> str:
    """The directory of a root, which may be a file."""
    is_file = re.search(r"\.\w+\Z", posixpath.basename(world.root))
    return (posixpath.dirname(world.root) if is_file else world.root) or "."


def _image(template: Resource, reader: Reader) -> Iterator[Carried]:
    """The customizers of Azure Image Builder."""
    for step_ in template.select("properties.customize[*]").values:
        kind = step(step_, "type").data
        for line in _items(step(step_, "inline")):
            text = of_value(line, template.address)
            if text is not None:
                family = "powershell" if kind == "PowerShell" else "shell"
                yield Carried(template, text, family, line, "image customizer", True)
        for found in _named_file(template, step(step_, "scriptUri"), template.world, reader):
            yield found._replace(image=True)
