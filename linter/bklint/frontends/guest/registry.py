"""Changes of the Windows registry → guest/registryValues, and for service keys guest/serviceChanges as well.

Keys are in lower case and begin with `hklm`, `hkcu`, …; `controlset001` is `currentcontrolset`; numbers are decimal
text, whatever they were written as.
"""

from __future__ import annotations

import re

from bklint.frontends.guest import services
from bklint.frontends.guest.calls import Arg, Call
from bklint.frontends.guest.firewalls import default
from bklint.frontends.guest.record import Recorder
from bklint.frontends.guest.text import marked
from bklint.syntax import keyvalue

_ROOTS = (
    (re.compile(r"^(?:microsoft\.powershell\.core\\)?registry::", re.I), ""),
    (re.compile(r"^\\\\[^\\]+\\"), ""),
    (re.compile(r"^(?:hkey_local_machine|hklm):?(?=\\|\Z)", re.I), "hklm"),
    (re.compile(r"^(?:hkey_current_user|hkcu):?(?=\\|\Z)", re.I), "hkcu"),
    (re.compile(r"^(?:hkey_users|hku):?(?=\\|\Z)", re.I), "hku"),
    (re.compile(r"^(?:hkey_classes_root|hkcr):?(?=\\|\Z)", re.I), "hkcr"),
    (re.compile(r"^machine(?=\\)", re.I), "hklm"),
)
_SERVICE = re.compile(r"hklm\\system\\currentcontrolset\\services\\([^\\]+)\Z")


def normalised(key: str) -> str:
    """A registry key in the one form that policies compare."""
    key = re.sub(r"[\\/]+", r"\\", key.strip().strip('"').replace("/", "\\")).rstrip("\\")
    for pattern, short in _ROOTS:
        key = pattern.sub(short, key)
    return re.sub(r"\\controlset\d+(?=\\|\Z)", r"\\currentcontrolset", key.casefold())


def number(data: str) -> str:
    """A number in any of the registry's notations as decimal text; other text as it is."""
    text = data.strip().strip('"')
    match = re.fullmatch(r"(?:dword:|hex\(b\):)?(?:0x)?([0-9a-fA-F]+)", text)
    if text.casefold().startswith("dword:") and match:
        return str(int(match[1], 16))
    if text.casefold().startswith("0x") and match:
        return str(int(match[1], 16))
    return str(int(text)) if re.fullmatch(r"\d{1,10}", text) else text


def change(
    out: Recorder, start: int, end: int, conditional: bool, key: str, name: str, data: str, action: str = "set"
) -> None:
    """Record one value that is set or deleted."""
    key, name = normalised(key), name.strip().strip('"').casefold()
    out.add("registryValues", start, end, conditional, key=key, name=name, value=number(data), action=action)
    if name == "defaultoutboundaction" and "windowsfirewall" in key and action == "set":
        default(out, start, end, conditional, "block" if number(data) == "1" else "allow", "windows")
    match = _SERVICE.match(key)
    if match and action == "set":
        fields = services.registry_value(match[1], name, number(data))
        if fields is not None:
            out.add("serviceChanges", start, end, conditional, None, **fields)


def _called(call: Call, key: str, name: str, data: str, action: str = "set") -> None:
    change(call.out, call.start, call.end, call.conditional, key, name, data, action)


def reg(call: Call) -> None:
    """`reg add KEY /v NAME /t TYPE /d DATA`, `reg delete KEY /v NAME`."""
    if len(call.args) < 2 or call.words[0] not in ("add", "delete"):
        return
    name, data = call.after("/v"), call.after("/d")
    action = "set" if call.words[0] == "add" else "delete"
    if name is not None:
        _called(call, call.args[1].text, name.text, data.text if data else "", action)
    elif action == "delete":
        _deleted(call, call.args[1].text)


def _deleted(call: Call, key: str) -> None:
    match = _SERVICE.match(normalised(key))
    if match:
        services.change(call, match[1], "delete", "registry")


def item_property(call: Call) -> None:
    """`Set-ItemProperty`, `New-ItemProperty`: path, name, value."""
    rest = list(call.positional)

    def take(*names: str) -> Arg | None:
        found = call.parameter(*names)
        return found if found is not None else rest.pop(0) if rest else None

    path = take("Path", "LiteralPath", "PSPath")
    name, value = take("Name"), take("Value")
    if path is None or name is None or value is None or not _registry_path(path.text):
        return
    for key in path.all:
        _called(call, key, name.text, value.text)


def _registry_path(path: str) -> bool:
    return re.match(r"\s*(?:hk|registry::|microsoft\.powershell)", path, re.I) is not None or marked(path)


def remove_item(call: Call) -> None:
    """`Remove-ItemProperty`, `Remove-Item` of a key."""
    path = call.parameter("Path", "LiteralPath") or next(iter(call.positional), None)
    if path is None or not _registry_path(path.text) or marked(path.text):
        return
    name = call.parameter("Name") or next(iter(call.positional[1:]), None)
    if call.name in ("remove-itemproperty", "rp") and name is not None:
        _called(call, path.text, name.text, "", "delete")
    elif call.name not in ("remove-itemproperty", "rp"):
        _deleted(call, path.text)


def file(out: Recorder) -> None:
    """A `.reg` file."""
    for entry in keyvalue.registry(out.text.data):
        if entry.section.startswith("-"):
            continue
        action = "delete" if entry.value.text.strip() == "-" else "set"
        change(out, entry.start, entry.end, False, entry.section, entry.key.text, entry.value.text, action)


def security_template(out: Recorder) -> None:
    """A security template (`.inf`): registry values, services, permissions of files."""
    for offset, line in _template_lines(out.text.data):
        section, text = line
        fields = [field.strip().strip('"') for field in text.split(",")]
        end = offset + len(text.encode())
        if section == "registry values" and "=" in text:
            key, _, value = text.partition("=")
            path, _, name = key.strip().rpartition("\\")
            change(out, offset, end, False, path, name, value.partition(",")[2])
        elif section == "service general setting" and len(fields) >= 2 and fields[1] == "4":
            out.add(
                "serviceChanges", offset, end, service=fields[0].casefold(), action="disable", how="security template"
            )
        elif section == "file security" and "machinekeys" in fields[0].casefold():
            out.add("aclChanges", offset, end, path="machinekeys", action=sddl_action(text), how="security template")


def sddl_action(text: str) -> str:
    """`restore` for the documented permissions of MachineKeys in SDDL, `change` for any other."""
    allows = re.findall(r"\(A;[^;]*;([^;]*);[^;]*;[^;]*;(WD|BA|S-1-1-0|S-1-5-32-544)\)", text)
    rights = {trustee: right for right, trustee in allows}
    everyone, admins = rights.get("WD", rights.get("S-1-1-0")), rights.get("BA", rights.get("S-1-5-32-544"))
    return "restore" if everyone and admins in ("FA", "GA", "0x1f01ff") else "change"


def _template_lines(data: bytes) -> list[tuple[int, tuple[str, str]]]:
    found: list[tuple[int, tuple[str, str]]] = []
    section = ""
    for offset, line in keyvalue.lines(data, b";"):
        text = line.decode("utf-8", "replace")
        stripped = text.strip()
        if stripped.startswith("["):
            section = stripped.strip("[]").casefold()
        else:
            begin = offset + len(text[: len(text) - len(text.lstrip())].encode())
            found.append((begin, (section, stripped)))
    return found
