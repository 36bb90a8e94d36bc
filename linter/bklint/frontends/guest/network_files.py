"""Network configuration files of Linux → guest/networkInterfaces: netplan, ifcfg, interfaces, systemd-networkd,
NetworkManager keyfiles, and cloud-init's network configuration of both versions.

The one fact a reader would not guess: `addresses` beside `dhcp4: true` are secondary addresses, which is how Azure's
guidance on several addresses has it, and right.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterator, Mapping
from typing import Any

from bklint.frontends.guest.interfaces import interface, is_ipv6, primary
from bklint.frontends.guest.linux import written_route
from bklint.frontends.guest.record import Recorder
from bklint.frontends.guest.text import marked
from bklint.syntax import keyvalue
from bklint.syntax import yaml as yaml_syntax
from bklint.syntax.json import Pointer
from bklint.syntax.keyvalue import Entry
from bklint.syntax.yaml import YamlDocument

_MANAGED = ("bonds", "bridges", "vlans", "tunnels", "dummy-devices")
_VIRTUAL = frozenset(
    {"bond", "bridge", "dummy", "vlan", "wireguard", "loopback", "tun", "ovs-bridge", "team", "infiniband", "ip-tunnel"}
)


def netplan(out: Recorder) -> None:
    """A file of `/etc/netplan`."""
    for document in yaml_syntax.parse(out.text.source):
        if isinstance(document.data, dict):
            network(out, document, ())


def network(out: Recorder, document: YamlDocument, at: Pointer) -> None:
    """A mapping with `network:` in it, or the network configuration itself, of either version."""
    data = _at(document.data, at)
    if isinstance(data, dict) and isinstance(data.get("network"), dict):
        data, at = data["network"], (*at, "network")
    if not isinstance(data, dict):
        return
    if isinstance(data.get("config"), list):
        _version_1(out, document, (*at, "config"), data["config"])
    elif isinstance(data.get("ethernets"), dict):
        _ethernets(out, document, at, data)


def _at(data: Any, pointer: Pointer) -> Any:
    for step in pointer:
        data = data[step]
    return data


def _ethernets(out: Recorder, document: YamlDocument, at: Pointer, data: Mapping[str, Any]) -> None:
    members = {
        str(name)
        for kind in _MANAGED
        for device in _mappings(data.get(kind))
        for name in (device.get("interfaces") or ())
    }
    seen = False
    for key, body in data["ethernets"].items():
        if not isinstance(body, dict):
            continue
        name = _matched(str(key), body)
        which = "no" if str(key) in members or _passive(body) else None
        if which is None and re.match(r"en|eth\*|e\*", name) and primary(name, None) == "yes":
            which = "no" if seen else "yes"
            seen = True
        if which is None and len(data["ethernets"]) == 1 and primary(name, None) is None and not marked(name):
            which = "yes"
        _ethernet(out, document, (*at, "ethernets", key), body, name, which)


def _routes(out: Recorder, document: YamlDocument, at: Pointer, body: Mapping[str, Any]) -> None:
    """Routes of netplan: https://netplan.readthedocs.io/en/stable/netplan-yaml/#routing"""
    routes = body.get("routes")
    for index, entry in enumerate(routes if isinstance(routes, list) else ()):
        if isinstance(entry, dict) and "to" in entry:
            place = document.place((*at, "routes", index)).locate()
            nowhere = str(entry.get("type", "")) in ("blackhole", "unreachable", "prohibit")
            kind = "nowhere" if nowhere else "gateway"
            written_route(out, place.start, place.end, str(entry["to"]), kind, str(entry.get("via", "")), "netplan")


def _mappings(data: Any) -> list[dict[str, Any]]:
    return [item for item in data.values() if isinstance(item, dict)] if isinstance(data, dict) else []


def _matched(key: str, body: Mapping[str, Any]) -> str:
    match = body.get("match")
    if isinstance(body.get("set-name"), str):
        return str(body["set-name"])
    if isinstance(match, dict) and isinstance(match.get("name"), str):
        return str(match["name"])
    return key


def _passive(body: Mapping[str, Any]) -> bool:
    """Whether routes say that the interface is a second one: a routing table of its own."""
    routes = body.get("routes")
    policy = body.get("routing-policy")
    return isinstance(policy, list) and isinstance(routes, list) and not any(_default(route) for route in routes)


def _default(route: Any) -> bool:
    return isinstance(route, dict) and str(route.get("to")) in ("default", "0.0.0.0/0") and "table" not in route


def _ethernet(
    out: Recorder, document: YamlDocument, at: Pointer, body: Mapping[str, Any], name: str, which: str | None
) -> None:
    _routes(out, document, at, body)
    dhcp, found = body.get("dhcp4"), _addresses(body.get("addresses"))
    four = [address for address in found if not is_ipv6(address)]
    if dhcp is True or body.get("dhcp") is True or (isinstance(dhcp, str) and dhcp.casefold() in ("true", "yes", "on")):
        assignment = "dhcp"
    elif dhcp is None and not four:
        return
    elif isinstance(dhcp, str) and marked(dhcp):
        assignment = dhcp
    else:
        assignment = "static"
    routes = body.get("routes") if isinstance(body.get("routes"), list) else []
    gateway = "gateway4" in body or any(_default(route) for route in routes or ())
    place = document.place((*at, "dhcp4" if "dhcp4" in body else "addresses" if found else at[-1]), "member").locate()
    interface(
        out, place.start, place.end, name, assignment, "netplan",
        address=four[0] if four else "", gateway=gateway or None, which=which,
    )  # fmt: skip


def _addresses(data: Any) -> list[str]:
    items = data if isinstance(data, list) else [data] if isinstance(data, str) else []
    return [str(next(iter(item))) if isinstance(item, dict) and item else str(item) for item in items]


def _version_1(out: Recorder, document: YamlDocument, at: Pointer, config: list[Any]) -> None:
    """https://cloudinit.readthedocs.io/en/latest/reference/network-config-format-v1.html"""
    for index, item in enumerate(config):
        if not isinstance(item, dict) or item.get("type") != "physical":
            continue
        subnets = item.get("subnets") if isinstance(item.get("subnets"), list) else []
        name = str(item.get("name", ""))
        kinds = [str(subnet.get("type", "")) for subnet in subnets or () if isinstance(subnet, dict)]
        if any(kind in ("dhcp", "dhcp4") for kind in kinds):
            place = document.place((*at, index)).locate()
            interface(out, place.start, place.end, name, "dhcp", "cloud-init")
            continue
        for number, subnet in enumerate(subnets or ()):
            if (
                isinstance(subnet, dict)
                and str(subnet.get("type")) == "static"
                and not is_ipv6(str(subnet.get("address")))
            ):
                place = document.place((*at, index, "subnets", number, "type"), "member").locate()
                interface(
                    out, place.start, place.end, name, "static", "cloud-init",
                    address=str(subnet.get("address", "")), gateway="gateway" in subnet or None,
                )  # fmt: skip


def ifcfg(out: Recorder) -> None:
    """A file `ifcfg-NAME` of Red Hat's or SUSE's network scripts."""
    found = {entry.key.text.upper(): entry for entry in keyvalue.entries(out.text.data)}
    address = next((found[key] for key in ("IPADDR", "IPADDR0", "IPADDR1") if key in found), None)
    protocol = found.get("BOOTPROTO")
    kind = _value(found, "BOOTPROTO").casefold()
    name = _value(found, "DEVICE") or _value(found, "NAME") or posixpath.basename(out.text.name).partition("-")[2]
    virtual = (
        _value(found, "TYPE").casefold() in _VIRTUAL
        or {"MASTER", "SLAVE", "BRIDGE", "VLAN", "BONDING_MASTER"} & found.keys()
    )
    at = protocol or address
    if at is None:
        return
    if kind in ("dhcp", "bootp", "dhcp4"):
        interface(out, at.start, at.end, name, "dhcp", "ifcfg")
    elif address is not None and not is_ipv6(address.value.text) and (kind in ("", "none", "static") or marked(kind)):
        interface(
            out, at.start, at.end, name, kind if marked(kind) else "static", "ifcfg", address=address.value.text,
            gateway="GATEWAY" in found or None, which="no" if virtual else None,
        )  # fmt: skip


def _value(found: Mapping[str, Entry], key: str) -> str:
    return found[key].value.text if key in found else ""


def interfaces(out: Recorder) -> None:
    """Debian's `/etc/network/interfaces`."""
    stanzas = [row for row in keyvalue.rows(out.text.data) if row.fields[0].text == "iface" and len(row.fields) >= 4]
    dynamic = {row.fields[1].text for row in stanzas if row.fields[2].text == "inet" and row.fields[3].text == "dhcp"}
    for row in stanzas:
        name, family, method = (field.text for field in row.fields[1:4])
        if family != "inet" or method not in ("static", "manual", "dhcp") or method == "manual":
            continue
        assignment = "dhcp" if method == "dhcp" or name in dynamic else "static"
        interface(out, row.start, row.end, name, assignment, "/etc/network/interfaces")


def networkd(out: Recorder) -> None:
    """A `.network` file of systemd-networkd."""
    found = keyvalue.entries(out.text.data)
    name = next(_values(found, "match", "name"), "").split(" ")[0]
    kind = next(_values(found, "match", "type"), "")
    addresses = [
        entry for entry in found if entry.section.casefold() in ("network", "address") and entry.key.text == "Address"
    ]
    _networkd_routes(out, found)
    four = [entry for entry in addresses if not is_ipv6(entry.value.text)]
    dhcp = next(_values(found, "network", "dhcp"), "no").casefold()
    which = "yes" if not name and kind == "ether" else "no" if {*_values(found, "network", "bond")} else None
    if dhcp in ("yes", "true", "ipv4", "both"):
        at = next(entry for entry in found if entry.key.text.casefold() == "dhcp")
        interface(out, at.start, at.end, name, "dhcp", "systemd-networkd", which=which)
    elif four:
        gateway = any(True for _ in _values(found, "network", "gateway"))
        interface(
            out, four[0].start, four[0].end, name, "static", "systemd-networkd",
            address=four[0].value.text, gateway=gateway or None, which=which,
        )  # fmt: skip


def _networkd_routes(out: Recorder, found: list[Entry]) -> None:
    """The `[Route]` sections, each of which begins anew."""
    group: dict[str, Entry] = {}
    for entry in [*(entry for entry in found if entry.section.casefold() == "route"), None]:
        if entry is not None and entry.key.text not in group:
            group[entry.key.text] = entry
            continue
        to = group.get("Destination")
        if to is not None:
            nowhere = _value(group, "Type") in ("blackhole", "unreachable", "prohibit")
            written_route(
                out, to.start, to.end, to.value.text, "nowhere" if nowhere else "gateway", _value(group, "Gateway"),
                "systemd-networkd",
            )  # fmt: skip
        group = {} if entry is None else {entry.key.text: entry}


def _values(found: list[Entry], section: str, key: str) -> Iterator[str]:
    for entry in found:
        if entry.section.casefold() == section and entry.key.text.casefold() == key:
            yield entry.value.text


def keyfile(out: Recorder) -> None:
    """A `.nmconnection` file of NetworkManager."""
    found = keyvalue.entries(out.text.data)
    method = next((e for e in found if e.section == "ipv4" and e.key.text == "method"), None)
    if method is None or method.value.text not in ("manual", "auto"):
        return
    name = next(_values(found, "connection", "interface-name"), "") or next(_values(found, "connection", "id"), "")
    address = next((e.value.text for e in found if e.section == "ipv4" and e.key.text.startswith("address")), "")
    virtual = next(_values(found, "connection", "type"), "") in _VIRTUAL or any(
        True for _ in _values(found, "connection", "master")
    )
    gateway = "," in address or any(True for _ in _values(found, "ipv4", "gateway"))
    interface(
        out, method.start, method.end, name, "static" if method.value.text == "manual" else "dhcp",
        "NetworkManager", address=address.partition(",")[0], gateway=gateway or None, which="no" if virtual else None,
    )  # fmt: skip
