"""Commands that stop, disable, remove or reconfigure services → guest/serviceChanges.

`action` is one of stop, start, disable, enable, manual, mask, unmask, delete, account; the service's own name is used,
not the one it is shown by. Whether a change is undone later is for facts to say.
"""

from __future__ import annotations

import re
from fnmatch import fnmatchcase

from bklint.frontends.guest.calls import Call
from bklint.frontends.guest.text import marked

_SHOWN = {
    "volume shadow copy": "vss",
    "microsoft software shadow copy provider": "swprv",
    "windows installer": "msiserver",
    "distributed transaction coordinator": "msdtc",
    "com+ system application": "comsysapp",
    "com+ event system": "eventsystem",
    "dhcp client": "dhcp",
    "windows azure guest agent": "windowsazureguestagent",
    "sql server vss writer": "sqlwriter",
}
START_TYPES = {
    "disabled": "disable",
    "manual": "manual",
    "demand": "manual",
    "automatic": "enable",
    "auto": "enable",
    "delayed-auto": "enable",
    "automaticdelayedstart": "enable",
    "boot": "enable",
    "system": "enable",
}
"""Start types as commands name them, to actions."""
_REGISTRY = {"4": "disable", "3": "manual", "2": "enable", "1": "enable", "0": "enable"}
_UNIT_VERBS = {
    "stop": "stop", "kill": "stop", "disable": "disable", "mask": "mask", "start": "start", "restart": "start",
    "enable": "enable", "unmask": "unmask", "try-restart": "start", "reload-or-restart": "start", "reenable": "enable",
}  # fmt: skip


KNOWN = frozenset(
    {"walinuxagent", "waagent", "windowsazureguestagent", "rdagent", "windowsazuretelemetryservice", "comsysapp", "msdtc",
     "eventsystem", "vss", "swprv", "sqlwriter", "iisadmin", "wmi", "winmgmt", "cryptsvc", "msiserver", "dhcp", "dhclient",
     "systemd-networkd", "networkmanager", "dhcpcd", "wicked", "networking"}
)  # fmt: skip
"""The services that policies look at, which is all that a pattern (`VSS*`) can stand for."""


def change(call: Call, service: str, action: str, how: str, account: str | None = None) -> None:
    """Record one change of one service, or of each that a pattern stands for."""
    name = service.strip().strip('"').casefold()
    name = re.sub(r"\.service\Z", "", name)
    names = [_SHOWN.get(name, name)]
    if re.search(r"[*?\[]", name) and not marked(name):
        shown = {own for own_shown, own in _SHOWN.items() if fnmatchcase(own_shown, name)}
        names = sorted({known for known in KNOWN if fnmatchcase(known, name)} | shown) or names
    for each in names:
        call.record("serviceChanges", service=each, action=action, how=how, account=account)


def systemctl(call: Call) -> None:
    """`systemctl disable --now UNIT…`."""
    words = [arg.text for arg in call.args if not arg.text.startswith("-")]
    verb = _UNIT_VERBS.get(words[0].casefold()) if words else None
    if verb is None or any(arg.text in ("--user", "--global") for arg in call.args):
        return
    for unit in words[1:]:
        change(call, unit, verb, "systemctl")


def service(call: Call) -> None:
    """`service NAME stop`, `rc-service NAME stop`."""
    if len(call.args) >= 2 and call.args[1].low in ("stop", "start", "restart"):
        change(call, call.args[0].text, "stop" if call.args[1].low == "stop" else "start", "service")


def init_script(call: Call) -> None:
    """`/etc/init.d/NAME stop`."""
    if call.words[:1] in (["stop"], ["start"], ["restart"]):
        change(call, call.name, "stop" if call.words[0] == "stop" else "start", "init.d")


def chkconfig(call: Call) -> None:
    """`chkconfig NAME off`, `update-rc.d NAME disable`."""
    words = [arg for arg in call.args if not arg.text.startswith("-")]
    if len(words) >= 2:
        action = {
            "off": "disable",
            "disable": "disable",
            "remove": "disable",
            "on": "enable",
            "enable": "enable",
            "defaults": "enable",
        }
        found = action.get(words[-1].low) if call.name == "chkconfig" else action.get(words[1].low)
        if found:
            change(call, words[0].text, found, call.name)


def sc(call: Call) -> None:
    """`sc config NAME start= disabled obj= ACCOUNT`, `sc delete NAME`, `sc stop NAME`."""
    args = list(call.args)
    if args and args[0].text.startswith("\\\\"):
        return
    if len(args) < 2:
        return
    verb, name = args[0].low, args[1].text
    if verb in ("delete", "stop", "start"):
        change(call, name, verb, "sc")
    elif verb == "config":
        options = _sc_options([arg.text for arg in args[2:]])
        action = START_TYPES.get(options.get("start", "").casefold())
        if action:
            change(call, name, action, "sc config")
        elif marked(options.get("start", "")):
            change(call, name, options["start"], "sc config")
        if "obj" in options:
            change(call, name, "account", "sc config", options["obj"])


def _sc_options(words: list[str]) -> dict[str, str]:
    """sc's options: the blank belongs behind the equals sign, many leave it out."""
    found: dict[str, str] = {}
    pending = ""
    for word in words:
        match = re.match(r"(\w+)=(.*)\Z", word, re.S)
        if pending:
            found[pending] = word
            pending = ""
        elif match:
            if match[2]:
                found[match[1].casefold()] = match[2]
            else:
                pending = match[1].casefold()
    return found


def net(call: Call) -> None:
    """`net stop NAME`."""
    if call.words[:1] in (["stop"], ["start"]) and len(call.args) >= 2:
        change(call, call.args[1].text, call.words[0], "net")


def _named(call: Call) -> tuple[str, ...]:
    """The services a cmdlet is for: its argument, or what a pipeline gives it."""
    arg = call.parameter("Name", "DisplayName", "InputObject", "ServiceName") or next(iter(call.positional), None)
    if arg is not None:
        return arg.all
    return call.piped or ()


def stop_service(call: Call) -> None:
    """`Stop-Service`, `Start-Service`, `Restart-Service`."""
    for name in _named(call):
        change(call, name, "stop" if call.name in ("stop-service", "spsv") else "start", call.name)


def remove_service(call: Call) -> None:
    """`Remove-Service` of PowerShell 6 and later."""
    for name in _named(call):
        change(call, name, "delete", "Remove-Service")


def set_service(call: Call) -> None:
    """`Set-Service -StartupType Disabled -Status Stopped`."""
    kind, status = call.parameter("StartupType", "StartMode", "StartType"), call.parameter("Status")
    for name in _named(call):
        if kind is not None:
            action = kind.text if marked(kind.text) else START_TYPES.get(kind.low)
            if action:
                change(call, name, action, "Set-Service")
        if status is not None and status.low == "stopped":
            change(call, name, "stop", "Set-Service")
        elif status is not None and status.low == "running":
            change(call, name, "start", "Set-Service")


_OBJECT = re.compile(
    r"win32_service[^\n]*?name\s*(?:=|-eq|-like|like)\s*[\"'`]*([\w+ ]+)"
    r"|(?:get-service|gsv)\s+(?:-(?:name|displayname)\s+)?(?:[\"']([^\"'$]+)[\"']|([\w.*]+))",
    re.I,
)


def method(call: Call, object_: str, name: str, arguments: str) -> None:
    """WMI: `$service.ChangeStartMode('Disabled')`, `$service.Change(…, account, …)`, `$service.StopService()`."""
    found = _OBJECT.search(object_)
    if found is None:
        return
    service_ = next(group for group in found.groups() if group is not None)
    words = [word.strip().strip("'\"") for word in arguments.split(",")]
    if name in ("stop", "start") and found[1] is None:
        change(call, service_, name, f"{name.capitalize()}()")
    elif name in ("stopservice", "startservice") and found[1] is not None:
        change(call, service_, name.removesuffix("service"), "WMI")
    elif name == "delete" and found[1] is not None:
        change(call, service_, "delete", "WMI")
    elif name == "changestartmode" and words[0].casefold() in START_TYPES:
        change(call, service_, START_TYPES[words[0].casefold()], "WMI")
    elif name == "change" and found[1] is not None:
        if len(words) > 4 and words[4].casefold() in START_TYPES:
            change(call, service_, START_TYPES[words[4].casefold()], "WMI")
        if len(words) > 6 and words[6].casefold() not in ("$null", ""):
            change(call, service_, "account", "WMI", words[6])


_ARGUMENT = re.compile(r"(startmode|startname)\s*=\s*[\"']?([^\"';}\s]+)", re.I)


def invoke_method(call: Call) -> None:
    """`Get-CimInstance Win32_Service -Filter "Name='VSS'" | Invoke-CimMethod -MethodName ChangeStartMode -Arguments @{…}`."""
    method_ = call.parameter("MethodName", "Name") or next(iter(call.positional), None)
    raw = call.out.text.source.text(call.statement.start, call.statement.end)
    piped = call.before.line if call.before is not None else ""
    named = " ".join(arg.origin for arg in call.args)
    found = _OBJECT.search(f"{piped} {raw} {named}")
    if method_ is None or found is None or found[1] is None:
        return
    settings = {match[1].casefold(): match[2] for match in _ARGUMENT.finditer(raw)}
    if method_.low in ("stopservice", "startservice", "delete"):
        change(call, found[1], method_.low.removesuffix("service"), "WMI")
    elif settings.get("startmode", "").casefold() in START_TYPES:
        change(call, found[1], START_TYPES[settings["startmode"].casefold()], "WMI")
    if "startname" in settings and method_.low == "change":
        change(call, found[1], "account", "WMI", settings["startname"])


_WMIC = re.compile(
    r"service\s+(?:where\s+)?\(?\s*[\"']*(?:name\s*(?:=|like)\s*)?[\\\"']*(?P<name>[\w+]+)[\\\"']*\s*\)?\s+call\s+"
    r"(?P<verb>stopservice|startservice|delete|changestartmode)\s*[\"']*(?P<mode>\w*)"
)


def wmic(call: Call) -> None:
    """`wmic service where name="VSS" call ChangeStartMode Disabled`."""
    match = _WMIC.search(call.line)
    if match is None:
        return
    action = (
        START_TYPES.get(match["mode"]) if match["verb"] == "changestartmode" else match["verb"].removesuffix("service")
    )
    if action:
        change(call, match["name"], action, "wmic")


def registry_value(service_: str, name: str, data: str) -> dict[str, str] | None:
    """What a value below a service's registry key does to the service, as fields of a serviceChanges."""
    if name == "start":
        action = data if marked(data) else _REGISTRY.get(data)
        return {"service": service_, "action": action, "how": "registry"} if action else None
    if name == "objectname":
        return {"service": service_, "action": "account", "how": "registry", "account": data}
    return None
