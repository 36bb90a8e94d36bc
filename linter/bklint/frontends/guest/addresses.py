"""Commands that give an interface an address: `ip`, `ifconfig`, `nmcli`, `netsh`, the NetTCPIP cmdlets, WMI.

Each becomes a guest/networkInterfaces. Secondary addresses added on the side, and IPv6, leave DHCP alone.
"""

from __future__ import annotations

import re

from bklint.frontends.guest.calls import Arg, Call
from bklint.frontends.guest.interfaces import interface, is_ipv6
from bklint.frontends.guest.text import marked

_ADDRESS = re.compile(r"\d+\.\d+\.\d+\.\d+")
_NOT_ETHERNET = frozenset(
    {"dummy", "bridge", "bond", "vlan", "wireguard", "loopback", "tun", "team", "vxlan", "infiniband", "wifi"}
)


def ip(call: Call) -> None:
    """`ip addr add ADDRESS dev NAME`."""
    words = [arg for arg in call.args if not (arg.text.startswith("-") and len(arg.text) > 1)]
    if any(arg.text == "-6" for arg in call.args) or len(words) < 3:
        return
    object_, verb = words[0].low, words[1].low
    if not ("address".startswith(object_) and object_[:1] == "a" and verb in ("add", "a", "replace", "change")):
        return
    device = call.after("dev")
    addresses = [arg.text for arg in words[2:] if _ADDRESS.match(arg.text) or marked(arg.text)]
    if device is None or any(is_ipv6(arg.text) for arg in words[2:]):
        return
    label = call.after("label")
    if label is not None and ":" in label.text:
        return
    interface(
        call.out, call.start, call.end, device.text, "added", "ip addr add",
        address=addresses[0] if addresses else "", conditional=call.conditional, origin=device.origin,
    )  # fmt: skip


def ifconfig(call: Call) -> None:
    """`ifconfig NAME ADDRESS netmask …`."""
    if len(call.args) >= 2 and _ADDRESS.match(call.args[1].text) and call.args[1].text != "0.0.0.0":
        name = call.args[0]
        interface(
            call.out, call.start, call.end, name.text, "added", "ifconfig",
            address=call.args[1].text, conditional=call.conditional, origin=name.origin,
        )  # fmt: skip


def nmcli(call: Call) -> None:
    """`nmcli con mod|add … ipv4.method manual`, or an address given with `ip4`."""
    words = [word for word in call.words if not word.startswith("-")]
    if len(words) < 3 or not ("connection".startswith(words[0]) or "device".startswith(words[0])):
        return
    method, address = call.after("ipv4.method"), call.after("ipv4.addresses") or call.after("ip4")
    adds = words[1] == "add"
    if method is None and not (adds and call.after("ip4") is not None):
        return
    kind = call.after("type")
    if kind is not None and kind.low in _NOT_ETHERNET:
        return
    name = call.after("ifname") or call.after("connection.interface-name")
    if name is None or name.text == "*":
        name = (
            call.after("con-name")
            if adds
            else next((arg for arg in call.args[2:] if arg.low not in ("id", "uuid", "path")), None)
        )
    static = method is None or method.low == "manual"
    if not static and method is not None and method.low not in ("auto",):
        return
    gateway = call.after("ipv4.gateway") or call.after("gw4")
    interface(
        call.out, call.start, call.end, name.text if name else "", "static" if static else "dhcp",
        "nmcli", address=address.text if address else "", gateway=gateway is not None or None,
        conditional=call.conditional, origin=name.origin if name else "",
    )  # fmt: skip


def netplan_set(call: Call) -> None:
    """`netplan set ethernets.eth0.dhcp4=false`."""
    for arg in call.args[1:]:
        match = re.match(r"(?:network\.)?ethernets\.([^.=]+)\.dhcp4=(\w+)", arg.text)
        if call.words[:1] == ["set"] and match:
            static = match[2].casefold() in ("false", "no", "off")
            interface(
                call.out, call.start, call.end, match[1], "static" if static else "dhcp", "netplan set",
                conditional=call.conditional,
            )  # fmt: skip


def netsh_interface(call: Call) -> None:
    """`netsh interface ip set address NAME static ADDRESS MASK GATEWAY`."""
    words = call.words
    if (
        len(words) < 4
        or not re.match(r"int(?:e|er|erf|erfa|erfac|erface)?\Z", words[0])
        or words[1] not in ("ip", "ipv4")
    ):
        return
    if words[2] not in ("set", "add") or not "address".startswith(words[3].rstrip("es")[:4] or "-"):
        return
    named, plain = _tagged(call.args[4:])
    name = named.get("name") or named.get("interface") or (plain[0] if plain else None)
    rest = [arg.low for arg in plain if arg is not name]
    source = (
        named["source"].low if "source" in named else next((word for word in rest if word in ("static", "dhcp")), "")
    )
    address = (
        named.get("address") or named.get("addr") or next((arg for arg in plain[1:] if _ADDRESS.match(arg.text)), None)
    )
    static = source == "static" or (source == "" and address is not None)
    if not static and source != "dhcp":
        return
    count = sum(1 for word in rest if _ADDRESS.match(word))
    assignment = "dhcp" if not static else "added" if words[2] == "add" else "static"
    interface(
        call.out, call.start, call.end, name.text if name else "", assignment, "netsh",
        address=address.text if address else "", gateway=(count >= 3 or "gateway" in named) or None,
        conditional=call.conditional, origin=name.origin if name else "",
    )  # fmt: skip


def _tagged(args: tuple[Arg, ...]) -> tuple[dict[str, Arg], list[Arg]]:
    """netsh's `tag=value` arguments, and the others."""
    named: dict[str, Arg] = {}
    plain: list[Arg] = []
    for arg in args:
        match = re.match(r"([a-z-]+)=(.*)\Z", arg.text, re.I | re.S)
        if match:
            named[match[1].casefold()] = Arg(match[2], arg.start, arg.end, True, (), arg.origin)
        else:
            plain.append(arg)
    return named, plain


def netsh_tags(call: Call) -> dict[str, Arg]:
    """The `tag=value` arguments of a netsh command."""
    return _tagged(call.args)[0]


def new_net_ip_address(call: Call) -> None:
    """`New-NetIPAddress`: it turns DHCP off on the interface."""
    address = call.parameter("IPAddress") or next(iter(call.positional), None)
    family = call.parameter("AddressFamily")
    if (family is not None and "6" in family.text) or (address is not None and is_ipv6(address.text)):
        return
    name, piped = _adapter(call)
    gateway = call.parameter("DefaultGateway") is not None
    interface(
        call.out, call.start, call.end, name.text if name else "", "static", "New-NetIPAddress",
        address=address.text if address else "", gateway=gateway or None, conditional=call.conditional,
        origin=(name.origin if name else "") or piped,
    )  # fmt: skip


def set_net_ip_interface(call: Call) -> None:
    """`Set-NetIPInterface -Dhcp Disabled`."""
    dhcp, family = call.parameter("Dhcp"), call.parameter("AddressFamily")
    if dhcp is None or (family is not None and "6" in family.text):
        return
    name, piped = _adapter(call)
    assignment = {"disabled": "static", "enabled": "dhcp"}.get(dhcp.low)
    if assignment is None:
        return
    interface(
        call.out, call.start, call.end, name.text if name else "", assignment, "Set-NetIPInterface",
        conditional=call.conditional, origin=(name.origin if name else "") or piped,
    )  # fmt: skip


def _adapter(call: Call) -> tuple[Arg | None, str]:
    """The interface a cmdlet is for: an argument, or what a pipeline gives it."""
    name = call.parameter("InterfaceAlias", "InterfaceIndex", "ifAlias", "ifIndex")
    if name is not None:
        return name, ""
    before = call.before
    while before is not None and before.before is not None and before.name in ("where-object", "?", "select-object"):
        before = before.before
    if before is None:
        return None, ""
    given = before.parameter("Name", "InterfaceAlias")
    if before.name == "get-netadapter" and given is None and before.positional:
        given = before.positional[0]
    return given, before.line if before.name else " ".join(arg.origin for arg in before.args)


def rename_net_adapter(call: Call) -> None:
    """A renamed adapter is one the script has a purpose of its own for."""
    name, new = call.parameter("Name") or next(iter(call.positional), None), call.parameter("NewName")
    if new is not None and not (name is not None and name.low == "ethernet"):
        call.out.unit.flags.add(f"renamed:{new.low}")


def makes_switch(call: Call) -> None:
    """`New-VMSwitch`, `New-NetNat`: a nested Hyper-V host, whose inner adapters have static addresses."""
    call.out.unit.flags.add("switch")


def enable_static(call: Call) -> None:
    """WMI: `$nic.EnableStatic(…)`, `wmic nicconfig … call enablestatic`."""
    interface(
        call.out, call.start, call.end, "", "static", "EnableStatic", conditional=call.conditional,
        origin=call.args[0].origin if call.args else "",
    )  # fmt: skip
