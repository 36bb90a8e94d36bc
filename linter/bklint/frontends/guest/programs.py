"""Calls → the functions that know the programs, past what only wraps a command (`sudo`, `bash -c`, `cmd /c`).

Text that is printed is not run. Text that is written to a file is read as that file, where its path says what it is.
"""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Callable

from bklint.frontends.guest import addresses, dsc, firewalls, linux, packages, registry, services, windows
from bklint.frontends.guest.calls import WRAPPERS, Arg, Call, program
from bklint.frontends.guest.cloud_init import written_file
from bklint.frontends.guest.text import GuestText, marked, within

Handler = Callable[[Call], None]


def _ip(call: Call) -> None:
    addresses.ip(call)
    linux.ip_route(call)


def _netsh(call: Call) -> None:
    first = call.words[:1]
    if first == ["advfirewall"]:
        firewalls.netsh_advfirewall(call)
    elif first == ["winhttp"]:
        windows.netsh_winhttp(call)
    else:
        addresses.netsh_interface(call)


HANDLERS: dict[str, Handler] = {
    "ip": _ip,
    "ifconfig": addresses.ifconfig,
    "nmcli": addresses.nmcli,
    "netplan": addresses.netplan_set,
    "netsh": _netsh,
    "new-netipaddress": addresses.new_net_ip_address,
    "set-netipinterface": addresses.set_net_ip_interface,
    "rename-netadapter": addresses.rename_net_adapter,
    "new-vmswitch": addresses.makes_switch,
    "new-netnat": addresses.makes_switch,
    "systemctl": services.systemctl,
    "service": services.service,
    "rc-service": services.service,
    "chkconfig": services.chkconfig,
    "update-rc.d": services.chkconfig,
    "sc": services.sc,
    "net": services.net,
    **dict.fromkeys(("stop-service", "spsv", "start-service", "sasv", "restart-service"), services.stop_service),
    "set-service": services.set_service,
    **dict.fromkeys(("invoke-cimmethod", "icim", "invoke-wmimethod", "iwmi"), services.invoke_method),
    "remove-service": services.remove_service,
    "reg": registry.reg,
    **dict.fromkeys(("set-itemproperty", "new-itemproperty", "sp"), registry.item_property),
    **dict.fromkeys(("remove-itemproperty", "rp"), registry.remove_item),
    **dict.fromkeys(("iptables", "iptables-legacy", "iptables-nft"), firewalls.iptables),
    "firewall-cmd": firewalls.firewall_cmd,
    "nft": firewalls.nft,
    "ufw": firewalls.ufw,
    **dict.fromkeys(("new-netfirewallrule", "set-netfirewallrule"), firewalls.new_net_firewall_rule),
    **dict.fromkeys(("remove-netfirewallrule", "disable-netfirewallrule"), firewalls.remove_net_firewall_rule),
    "set-netfirewallprofile": firewalls.set_net_firewall_profile,
    **dict.fromkeys(
        ("apt", "apt-get", "aptitude", "yum", "dnf", "tdnf", "microdnf", "zypper", "rpm", "dpkg", "apk"), packages.linux
    ),
    **dict.fromkeys(
        (
            "uninstall-windowsfeature", "remove-windowsfeature", "disable-windowsoptionalfeature",
            "install-windowsfeature", "add-windowsfeature", "enable-windowsoptionalfeature",
        ),
        packages.windows_feature,
    ),
    "dism": packages.dism,
    "msiexec": packages.msiexec,
    "wusa": packages.wusa,
    "uninstall-package": packages.uninstall_package,
    "update-alternatives": packages.alternatives,
    "alternatives": packages.alternatives,
    "rm": packages.remove_files,
    **dict.fromkeys(("git", "wget", "curl", "pip", "pip3"), packages.downloads),
    **dict.fromkeys(("python", "python2", "python3"), packages.python),
    "setenforce": linux.setenforce,
    "semanage": linux.semanage,
    "semodule": linux.semodule,
    **dict.fromkeys(("waagent", "waagent2.0"), linux.waagent),
    "sed": linux.sed,
    "perl": linux.perl,
    "ln": linux.link,
    "fapolicyd-cli": linux.fapolicyd,
    "route": linux.route_add,
    "new-netroute": windows.new_net_route,
    "setx": windows.setx,
    **dict.fromkeys(
        ("enable-bitlocker", "lock-bitlocker", "suspend-bitlocker", "add-bitlockerkeyprotector"), windows.bitlocker
    ),
    "manage-bde": windows.manage_bde,
    **dict.fromkeys(("icacls", "cacls", "takeown"), windows.icacls),
    "set-acl": windows.set_acl,
    "msdtc": windows.msdtc,
    "vssadmin": windows.vssadmin,
    "sysprep": windows.sysprep,
    **dict.fromkeys(("backup-sqldatabase", "invoke-sqlcmd", "sqlcmd", "backup-dbadatabase"), windows.sql),
}  # fmt: skip

_WITH_VALUE = frozenset({"-u", "-g", "-n", "-c", "-k", "-s", "-h", "-p"})
_SHELLS = frozenset({"bash", "sh", "dash", "zsh", "ksh"})


def run(call: Call, family: str) -> None:
    """Take one call."""
    if call.statement.members is not None:
        dsc.run(call)
        return
    for _ in range(8):
        if call.name not in WRAPPERS:
            break
        inner = _unwrapped(call)
        if inner is None:
            return
        call = inner
    if call.statement.tested and call.name in ("grep", "test", "[", "[["):
        return
    _file_written(call, family)
    name = call.name
    if name in _SHELLS or name in (
        "cmd",
        "powershell",
        "pwsh",
        "invoke-expression",
        "iex",
        "start-process",
        "saps",
        "eval",
        "su",
    ):
        _nested(call, name, family)
    elif name.startswith("["):
        windows.static_method(call)
    elif name == "":
        _method(call)
    elif name in ("remove-item", "ri", "del", "rmdir", "rd") and family == "powershell":
        registry.remove_item(call)
        packages.remove_files(call)
    elif name == "iptables-restore" or (name == "nft" and call.words[:1] == ["-f"]):
        _given(call, "iptables" if name == "iptables-restore" else "nftables")
    elif name == "crontab":
        return
    elif name == "wmic":
        packages.wmic(call)
        services.wmic(call)
        if "enablestatic" in call.line:
            addresses.enable_static(call)
    elif _init_script(call):
        services.init_script(call)
    elif name in HANDLERS:
        HANDLERS[name](call)
    elif re.fullmatch(r"python[23]\.\d+", name):
        packages.python(call)
    elif name not in _PRINTS:
        packages.downloads(call)


_PRINTS = frozenset({"", "echo", "printf", "grep", "write-host", "write-output", "write-verbose", "export", "local", "readonly",
                     "declare", "test", "[", "[["})  # fmt: skip


def _init_script(call: Call) -> bool:
    first = next((word.literal or "" for word in call.statement.words if "init.d/" in (word.literal or "")), "")
    return first.endswith(f"/etc/init.d/{call.name}") or first == f"/etc/init.d/{call.name}"


def _unwrapped(call: Call) -> Call | None:
    """The command that a wrapper starts."""
    at = 0
    args = call.args
    while at < len(args):
        text = args[at].text
        if call.name in ("timeout", "retry") and re.fullmatch(r"[\d.]+[smhd]?", text):
            at += 1
        elif text in _WITH_VALUE and call.name in ("sudo", "nice", "timeout", "xargs", "ionice", "doas"):
            at += 1 if text in ("-n", "-k", "-s", "-h") and call.name == "sudo" else 2
        elif text.startswith("-") or re.match(r"\w+=", text) or (call.name == "start" and text.startswith("/")):
            at += 1
        elif call.name == "chroot":
            return None
        else:
            break
    if at >= len(args):
        return None
    return Call(
        program(args[at].text), args[at + 1 :], call.start, call.end, call.conditional, call.out, call.statement,
        call.given, call.before, call.piped,
    )  # fmt: skip


# -- text that is run --------------------------------------------------------------------------------------------------


def _nested(call: Call, name: str, family: str) -> None:
    from bklint.frontends.guest.reading import read

    if name == "start-process" or name == "saps":
        _started(call)
        return
    found = _command_text(call, name)
    if found is None:
        return
    text, kind = found
    read(kind, call.out.under(text, kind, call.conditional))


def _command_text(call: Call, name: str) -> tuple[GuestText, str] | None:
    """The script that an interpreter is given on its command line, and its kind."""
    if name in _SHELLS or name in ("su", "eval"):
        if name == "eval" and call.args:
            return _joined(call, call.args), "shell"
        for index, arg in enumerate(call.args[:-1]):
            if re.fullmatch(r"-[a-z]*c", arg.text):
                return _inside(call, call.args[index + 1]), "shell"
        if call.given and not any(not arg.text.startswith("-") for arg in call.args):
            return _inside(call, call.given[0]), "shell"
        return None
    if name in ("invoke-expression", "iex"):
        given = call.parameter("Command") or next(iter(call.positional), None)
        return (_inside(call, given), "powershell") if given is not None else None
    if name == "cmd":
        for index, arg in enumerate(call.args[:-1]):
            if arg.low in ("/c", "/k", "/q/c"):
                return _joined(call, call.args[index + 1 :]), "batch"
        return None
    return _powershell(call)


def _powershell(call: Call) -> tuple[GuestText, str] | None:
    for index, arg in enumerate(call.args):
        low = arg.low
        if re.fullmatch(r"[-/]c(?:ommand|omman|omma|omm|om|o)?", low) and index + 1 < len(call.args):
            return _joined(call, call.args[index + 1 :]), "powershell"
        if re.fullmatch(r"[-/]e(?:c|nc.*)?", low) and index + 1 < len(call.args):
            return _encoded(call, call.args[index + 1])
        if re.fullmatch(r"[-/]f(?:i|il|ile)?", low):
            return None
    first = next((arg for arg in call.args if not arg.text.startswith(("-", "/")) and arg.low not in _POLICIES), None)
    if first is not None and not re.search(r"\.ps1\b", first.text):
        return _joined(call, call.args[call.args.index(first) :]), "powershell"
    return None


_POLICIES = frozenset({"bypass", "unrestricted", "remotesigned", "allsigned", "hidden", "noninteractive", "restricted"})


def _encoded(call: Call, arg: Arg) -> tuple[GuestText, str] | None:
    try:
        text = base64.b64decode(arg.text, validate=True).decode("utf-16-le")
    except (binascii.Error, ValueError):
        return None
    return within(call.out.text, arg.start, arg.end, text), "powershell"


def _inside(call: Call, arg: Arg) -> GuestText:
    """The text of one argument, letter by letter in the script where it can be."""
    raw = arg.text.encode("utf-8", "replace")
    outer = call.out.text
    if arg.content >= 0 and outer.data[arg.content : arg.content + len(raw)] == raw:
        return within(outer, arg.content, arg.content + len(raw), arg.text)
    return within(outer, arg.start, arg.end, arg.text)


def _joined(call: Call, args: tuple[Arg, ...]) -> GuestText:
    """The text of several arguments: the one if there is one, else what is written from the first to the last."""
    if len(args) == 1:
        return _inside(call, args[0])
    start, end = args[0].start, args[-1].end
    if args[0].start >= args[-1].start:
        return within(call.out.text, start, end, " ".join(arg.text for arg in args))
    return within(call.out.text, start, end, call.out.text.source.text(start, end))


def _started(call: Call) -> None:
    """`Start-Process netsh -ArgumentList '…'`."""
    name = call.parameter("FilePath") or next(iter(call.positional), None)
    given = call.parameter("ArgumentList", "Args") or next(iter(call.positional[1:]), None)
    if name is None or marked(name.text):
        return
    from bklint.frontends.guest.reading import read

    written = f'"{name.text}" ' + " ".join(given.all if given is not None else ())
    read("batch", call.out.under(within(call.out.text, call.start, call.end, written), "batch", call.conditional))


def _method(call: Call) -> None:
    """`$object.Method(…)`, `(…).Method(…)`."""
    words = call.statement.words
    raw = call.out.text.source.text(words[0].start, call.end)
    match = _CALLED.search(raw)
    if match is None:
        return
    object_ = raw[: match.start()] + " " + (call.args[0].origin if call.args else "")
    name = match[1].casefold()
    if name == "enablestatic":
        addresses.enable_static(call)
    services.method(call, object_, name, match[2])
    packages.product_method(call, object_, name)


_CALLED = re.compile(
    r"\.(ChangeStartMode|StopService|StartService|Stop|Start|Delete|Change|Uninstall|EnableStatic)\(([^()]*(?:\([^()]*\)[^()]*)*)\)\s*\Z",
    re.I,
)


# -- files that are written --------------------------------------------------------------------------------------------


def _given(call: Call, kind: str) -> None:
    from bklint.frontends.guest.reading import read

    for arg in call.given:
        read(kind, call.out.under(_inside(call, arg), "config", call.conditional))


def _file_written(call: Call, family: str) -> None:
    path, contents = _written(call, family)
    if path is None or marked(path):
        return
    for arg in contents:
        text = _inside(call, arg)
        if call.name in ("echo", "printf") and "\\n" in arg.text:
            text = within(call.out.text, arg.start, arg.end, arg.text.replace("\\n", "\n"))
        written_file(call.out, text, path, call.conditional)


def _written(call: Call, family: str) -> tuple[str | None, tuple[Arg, ...]]:
    """The path that a call writes to, and the texts it writes."""
    if call.name in ("set-content", "add-content", "out-file", "sc", "ac", "new-item", "ni") and family == "powershell":
        if call.name in ("sc", "ac") and call.words[:1] in (["config"], ["delete"], ["stop"], ["start"], ["query"]):
            return None, ()
        path = call.parameter("Path", "FilePath", "LiteralPath") or next(iter(call.positional), None)
        value = call.parameter("Value", "InputObject")
        if value is None and call.parameter("Path", "FilePath", "LiteralPath") is None and len(call.positional) > 1:
            value = call.positional[1]
        return (path.text if path else None), ((value,) if value is not None else call.given)
    if call.name.endswith("]::writealltext") and len(call.args) >= 2:
        return call.args[0].text, (call.args[1],)
    if call.name == "tee":
        target = next((arg.text for arg in call.args if not arg.text.startswith("-")), None)
        return target, call.given
    if call.statement.redirects:
        target = call.statement.redirects[0].target.literal
        if call.name == "cat":
            return target, call.given
        if call.name in ("echo", "printf", ""):
            args = tuple(arg for arg in call.args if arg.text not in ("-e", "-n", "-en", "-ne"))
            return target, args
    return None, ()
