"""Commands of Windows that change the proxy, BitLocker, permissions, routes, VSS and MSDTC, and image preparation."""

from __future__ import annotations

import re

from bklint.frontends.guest.addresses import netsh_tags
from bklint.frontends.guest.calls import Call
from bklint.frontends.guest.linux import route
from bklint.frontends.guest.system_files import proxy
from bklint.frontends.guest.text import marked

_MACHINE_KEYS = re.compile(r"crypto[\\/]+rsa[\\/]+machinekeys", re.I)
_VARIABLE = re.compile(r"(?:all|https?)_proxy|no_proxy", re.I)


def netsh_winhttp(call: Call) -> None:
    """`netsh winhttp set proxy PROXY [BYPASS]`, and `reset proxy`, after which what was set no longer holds."""
    words = call.words
    if words[1:3] == ["reset", "proxy"] and not call.conditional:
        for earlier in call.out.unit.world.of("guest/proxySettings"):
            same = earlier.extra["unit"].data == call.out.unit.label
            if same and earlier.get("properties.scope").data == "winhttp":
                earlier.mode = "existing"
    if words[1:3] != ["set", "proxy"] or len(words) < 4:
        return
    tags = netsh_tags(call)
    plain = [arg.text for arg in call.args[3:] if not re.match(r"(?:proxy-server|bypass-list)=", arg.low)]
    url = tags["proxy-server"].text if "proxy-server" in tags else plain.pop(0) if plain else ""
    bypass = tags["bypass-list"].text if "bypass-list" in tags else plain[0] if plain else ""
    proxy(call.out, call.start, call.end, call.conditional, url, bypass, "winhttp")


def setx(call: Call) -> None:
    """`setx http_proxy URL /M`."""
    words = [arg for arg in call.args if arg.low not in ("/m", "-m")]
    if len(words) < len(call.args) and len(words) >= 2:
        variable(call, words[0].text, words[1].text)


def variable(call: Call, name: str, text: str) -> None:
    """A variable of the whole machine."""
    if marked(name) or not _VARIABLE.fullmatch(name):
        return
    if name.casefold() == "no_proxy":
        proxy(call.out, call.start, call.end, call.conditional, "", text, "machine")
    elif text:
        proxy(call.out, call.start, call.end, call.conditional, text, "", "machine")


def static_method(call: Call) -> None:
    """`[Environment]::SetEnvironmentVariable(…, 'Machine')`, `[Microsoft.Win32.Registry]::SetValue(…)`."""
    from bklint.frontends.guest import registry

    words = [arg.text for arg in call.args]
    if (
        call.name.endswith("environment]::setenvironmentvariable")
        and len(words) == 3
        and words[2].casefold() == "machine"
    ):
        variable(call, words[0], words[1])
    elif call.name.endswith("registry]::setvalue") and len(words) >= 3:
        registry.change(call.out, call.start, call.end, call.conditional, words[0], words[1], words[2])


# -- BitLocker ---------------------------------------------------------------------------------------------------------


def bitlocker(call: Call) -> None:
    """`Enable-BitLocker`, `Lock-BitLocker`, `Add-BitLockerKeyProtector`, `Suspend-BitLocker`."""
    verb = call.name.partition("-")[0]
    call.record("bitLockerActions", action={"enable": "on", "add": "on"}.get(verb, verb), how=call.name)


def manage_bde(call: Call) -> None:
    """`manage-bde -on C:`."""
    action = next((word.lstrip("-/") for word in call.words if word[:1] in "-/"), "")
    if action in ("on", "lock", "autounlock"):
        call.record(
            "bitLockerActions", action="suspend" if action == "autounlock" else action, how=f"manage-bde -{action}"
        )


# -- permissions -------------------------------------------------------------------------------------------------------


def icacls(call: Call) -> None:
    """`icacls PATH /inheritance:r`, `cacls`, `takeown /f PATH`."""
    path = next((arg.text for arg in call.args if _MACHINE_KEYS.search(arg.text)), None)
    if path is None:
        return
    rest = [arg.low for arg in call.args if not _MACHINE_KEYS.search(arg.text)]
    action = "own" if call.name == "takeown" else _acl_action(rest)
    if action:
        granted = sorted({name for word in rest for name, pattern in _TRUSTEES.items() if pattern.match(word)})
        call.record("aclChanges", path="machinekeys", action=action, how=call.name, granted=granted)


_SWITCHES = frozenset({"/t", "/c", "/l", "/q", "/e", "/y"})
_TRUSTEES = {
    "everyone": re.compile(r"(?:\*s-1-1-0|everyone):\(?(?:oi\)\(?|ci\)\(?|\(|\))*r,w\)?\Z"),
    "administrators": re.compile(r"(?:\*s-1-5-32-544|(?:builtin\\)?administrators):(?:\(\w\w\))*\(?f\)?\Z"),
    "system": re.compile(r"(?:\*s-1-5-18|(?:nt authority\\)?system):(?:\(\w\w\))*\(?f\)?\Z"),
    "network service": re.compile(
        r"(?:\*s-1-5-20|(?:nt authority\\)?network ?service):(?:\(\w\w\))*\(?(?:r|rx|gr)\)?\Z"
    ),
}
"""What the documents grant on MachineKeys: S1 to Everyone and Administrators, the repair of remote desktop (which takes
ownership first) to Administrators, SYSTEM and Network Service:
https://learn.microsoft.com/troubleshoot/azure/virtual-machines/windows/troubleshoot-rdp-internal-error"""


def _acl_action(words: list[str]) -> str:
    """What icacls does: nothing for a look, `restore`, `reset` or `change`. Inheritance may be cut where the same command
    grants what is the default."""
    verbs = [word for word in words if word[:1] == "/" and word not in _SWITCHES]
    if not verbs or all(word.startswith(("/save", "/verify", "/findsid", "/restore")) for word in verbs):
        return ""
    default = all(any(_TRUSTEES[name].match(word) for word in words) for name in ("everyone", "administrators"))
    verbs = [word for word in verbs if not (default and word in ("/inheritance:r", "/inheritance:d"))]
    if any(
        word.startswith(("/inheritance:r", "/inheritance:d", "/remove", "/deny", "/setowner", "/s", "/p", "/r", "/d"))
        and word != "/reset"
        for word in verbs
    ):
        return "change"
    if "/reset" in verbs:
        return "reset"
    grants = [word for word in words if ":" in word and word[:1] != "/"]
    if grants and all(any(pattern.match(word) for pattern in _TRUSTEES.values()) for word in grants):
        return "restore"
    return "change"


def set_acl(call: Call) -> None:
    """`Set-Acl -Path …\\MachineKeys`."""
    path = call.parameter("Path", "LiteralPath") or next(iter(call.positional), None)
    if path is not None and _MACHINE_KEYS.search(path.text):
        call.record("aclChanges", path="machinekeys", action="change", how="Set-Acl")


# -- the rest ----------------------------------------------------------------------------------------------------------


def new_net_route(call: Call) -> None:
    """`New-NetRoute -DestinationPrefix 168.63.129.16/32`."""
    destination = call.parameter("DestinationPrefix") or next(iter(call.positional), None)
    hop = call.parameter("NextHop")
    if destination is not None:
        route(call, destination.text, "gateway", hop.text if hop else "", "New-NetRoute")


def msdtc(call: Call) -> None:
    """`msdtc -uninstall`, `msdtc -install`."""
    for word in call.words:
        if word.lstrip("-/") in ("uninstall", "install"):
            action = "delete" if word.endswith("uninstall") else "enable"
            call.record("serviceChanges", service="msdtc", action=action, how="msdtc")


def vssadmin(call: Call) -> None:
    """`vssadmin delete shadows /all`."""
    if call.words[:2] == ["delete", "shadows"]:
        call.record("serviceChanges", service="vss", action="deleteShadows", how="vssadmin")


def sysprep(call: Call) -> None:
    """`sysprep /generalize`: the machine becomes an image."""
    call.record("imageSteps", action="sysprep")


def sql(call: Call) -> None:
    """`Backup-SqlDatabase`, and `BACKUP DATABASE` in a query."""
    if call.name == "backup-sqldatabase" or re.search(r"\bbackup\s+database\b", call.line):
        call.record("sqlBackups", name=call.name, how=call.name)
