"""Resources of a configuration for PowerShell's DSC → guest/* resources.

A resource's settings say the state that a machine is brought to and kept in. Those of the modules
PSDesiredStateConfiguration, PSDscResources and NetworkingDsc count, with the `x` that older versions begin with:
https://learn.microsoft.com/powershell/dsc/reference/resources/windows/serviceresource and its siblings,
https://github.com/dsccommunity/NetworkingDsc/wiki. Others are passed over. Compiled configurations give the same
calls (`mof.py`).
"""

from __future__ import annotations

import re
from collections.abc import Callable

from bklint.frontends.guest import firewalls, packages, registry, services, windows
from bklint.frontends.guest.calls import Call
from bklint.frontends.guest.interfaces import interface, is_ipv6
from bklint.frontends.guest.text import marked
from bklint.records import replace


def run(call: Call) -> None:
    """Take one resource: a call by the name of its type, whose parameters are its settings."""
    name = call.name.removeprefix("dsc ")
    handler = HANDLERS.get(name) or HANDLERS.get(name.removeprefix("x"))
    if handler is not None and not marked(_text(call, "Ensure")):
        handler(call)


def _text(call: Call, name: str) -> str:
    arg = call.parameter(name)
    return "" if arg is None else arg.text


def _all(call: Call, name: str) -> tuple[str, ...]:
    arg = call.parameter(name)
    return () if arg is None else arg.all


def _absent(call: Call) -> bool:
    return _text(call, "Ensure").casefold() in ("absent", "disable")


def _at(call: Call, *names: str) -> Call:
    """The same resource, told at the first of its settings that is written."""
    arg = next((found for name in names if (found := call.parameter(name)) is not None), None)
    if arg is None:
        return call
    return replace(call, start=arg.start, end=arg.end)


def _service(call: Call) -> None:
    """https://github.com/PowerShell/PSDscResources#service: `State` is Running where it is not written."""
    kind, state = _text(call, "StartupType"), _text(call, "State").casefold()
    account = _text(call, "BuiltInAccount")
    for name in _all(call, "Name"):
        if _absent(call):
            services.change(_at(call, "Ensure"), name, "delete", "DSC")
            continue
        action = kind if marked(kind) else services.START_TYPES.get(kind.casefold())
        if action:
            services.change(_at(call, "StartupType"), name, action, "DSC")
        if state == "stopped":
            services.change(_at(call, "State"), name, "stop", "DSC")
        elif state in ("running", "") and action != "disable":
            services.change(_at(call, "State"), name, "start", "DSC")
        if account and not marked(account):
            services.change(
                _at(call, "BuiltInAccount"), name, "account", "DSC", _ACCOUNTS.get(account.casefold(), account)
            )


_ACCOUNTS = {"networkservice": r"NT AUTHORITY\NetworkService"}


def _registry(call: Call) -> None:
    key, name, data = _text(call, "Key"), _text(call, "ValueName"), _text(call, "ValueData")
    if call.parameter("Key") is None or call.parameter("ValueName") is None:
        return
    if _text(call, "Hex").casefold() == "$true" and re.fullmatch(r"[0-9A-Fa-f]+", data):
        data = f"0x{data}"
    at = _at(call, "Ensure") if _absent(call) else _at(call, "ValueData", "ValueName")
    registry.change(at.out, at.start, at.end, at.conditional, key, name, data, "delete" if _absent(call) else "set")


def _feature(call: Call) -> None:
    for name in _all(call, "Name"):
        packages.change(_at(call, "Ensure", "Name"), name, "remove" if _absent(call) else "install", "feature")


def _package(call: Call) -> None:
    for name in _all(call, "Name"):
        packages.change(_at(call, "Ensure", "Name"), name, "remove" if _absent(call) else "install", "msi")


def _environment(call: Call) -> None:
    if not _absent(call):
        windows.variable(_at(call, "Value"), _text(call, "Name"), _text(call, "Value"))


def _firewall(call: Call) -> None:
    action, direction = _text(call, "Action").casefold(), _text(call, "Direction").casefold()
    if direction != "outbound" or action not in ("block", "allow") or _absent(call):
        return
    if _text(call, "Enabled").casefold() == "false":
        return
    narrowing = ("Program", "Service", "Package", "LocalAddress", "LocalPort", "InterfaceAlias", "LocalUser")
    firewalls.rule(
        call.out, call.start, call.end, call.conditional, action=action, tool="windows",
        destinations=_all(call, "RemoteAddress"), protocol=_text(call, "Protocol"), ports=_all(call, "RemotePort"),
        narrowed=any(call.parameter(name) is not None for name in narrowing),
    )  # fmt: skip


def _firewall_profile(call: Call) -> None:
    action = _text(call, "DefaultOutboundAction").casefold()
    if action in ("block", "allow"):
        at = _at(call, "DefaultOutboundAction")
        firewalls.default(at.out, at.start, at.end, at.conditional, action, "windows")


def _interface(call: Call, at: Call, assignment: str, how: str, address: str = "") -> None:
    if "6" in _text(call, "AddressFamily"):
        return
    name = call.parameter("InterfaceAlias")
    interface(
        at.out, at.start, at.end, name.text if name else "", assignment, how, address=address,
        conditional=at.conditional, origin=name.origin if name else "",
    )  # fmt: skip


def _ip_address(call: Call) -> None:
    found = [address for address in _all(call, "IPAddress") if not is_ipv6(address)]
    if found:
        _interface(call, _at(call, "IPAddress"), "static", "DSC IPAddress", found[0])


def _ip_interface(call: Call) -> None:
    _dhcp(call, "Dhcp", "DSC NetIPInterface")


def _dhcp_client(call: Call) -> None:
    _dhcp(call, "State", "DSC DhcpClient")


def _dhcp(call: Call, setting: str, how: str) -> None:
    assignment = {"disabled": "static", "enabled": "dhcp"}.get(_text(call, setting).casefold())
    if assignment is not None:
        _interface(call, _at(call, setting), assignment, how)


def _route(call: Call) -> None:
    if not _absent(call):
        windows.new_net_route(call)


def _bitlocker(call: Call) -> None:
    call.record("bitLockerActions", action="on", how=f"DSC {call.statement.words[0].literal}")


HANDLERS: dict[str, Callable[[Call], None]] = {
    "service": _service,
    "serviceset": _service,
    "registry": _registry,
    "windowsfeature": _feature,
    "windowsfeatureset": _feature,
    "windowsoptionalfeature": _feature,
    "package": _package,
    "msipackage": _package,
    "environment": _environment,
    "firewall": _firewall,
    "firewallprofile": _firewall_profile,
    "ipaddress": _ip_address,
    "netipinterface": _ip_interface,
    "dhcpclient": _dhcp_client,
    "route": _route,
    "blbitlocker": _bitlocker,
    "blautobitlocker": _bitlocker,
}
"""Resource type in lower case, without the `x` of older modules, to what it does."""
