"""Which network interface is meant: the primary one, whose DHCP gives the agent its host address, or another.

Agent traffic leaves by the primary interface
(https://learn.microsoft.com/azure/virtual-network/what-is-ip-address-168-63-129-16), so only there a static address in
the guest does harm. Names decide where they can: `eth0`, `ens*` and `Ethernet` are what Azure images call it.
"""

from __future__ import annotations

import re

from bklint.frontends.guest.record import Recorder
from bklint.frontends.guest.text import marked
from bklint.model.value import Reason, Unknown, Value

_PRIMARY = re.compile(
    r"(?:eth0|en(?:s|o|p|x)?\d\w*|en\*|e\*|eth\*|en\[.*|ens\*|enp\*|eno\*|ethernet|primary|system eth0|cloud-init eth0)\Z"
)
_OTHER = re.compile(
    r"(?:lo(?:opback.*)?\d*|.*loopback.*|docker.*|br-?.*|bridge.*|veth.*|vethernet.*|virbr.*|vnet.*|cni.*|cbr.*|flannel.*|cali.*|kube.*"
    r"|dummy.*|bond.*|team.*|tun.*|tap.*|wg.*|ib\d.*|hsn.*|wlan.*|wl.*|vxlan.*|lxc.*|lxd.*|podman.*|ovs.*|nat|internal|hostonly.*"
    r"|eth[1-9]\d*|.*:\d+|.*\.\d+|.*\bnat\b.*|.*vswitch.*|.*isolated.*|.*heartbeat.*|.*cluster.*|.*storage.*|.*replication.*)\Z"
)
_TAKEN = (
    re.compile(r"get-netroute.*0\.0\.0\.0/0"),
    re.compile(r"default\s*route|ipv4defaultgateway"),
    re.compile(
        r"get-net(?:adapter|ipinterface|ipconfiguration|ipaddress)\b(?!.*-(?:ne|notlike|notmatch|notin)\b)"
        r".*[\"' ]ethernet[\"'*]*(?:\s|\)|\Z)"
    ),
    re.compile(r"\bip (?:-o |-4 )*r(?:oute)? (?:show |list |get )?(?:default|1\.1\.1\.1|8\.8\.8\.8)"),
    re.compile(r"(?:ip -o link|ls /sys/class/net).*\beth0\b"),
)


def primary(
    name: str, gateway: bool | None, origin: str = "", flags: frozenset[str] | set[str] = frozenset()
) -> str | None:
    """`yes`, `no`, `likely` (not known, but it is given the default gateway); None where nothing tells.

    `origin` is the command that an unknown name was taken from, in lower case.
    """
    if name and not marked(name):
        low = name.casefold().strip()
        if _PRIMARY.match(low):
            return "yes"
        if _OTHER.match(low) or f"renamed:{low}" in flags:
            return "no"
    if origin and any(pattern.search(origin) for pattern in _TAKEN):
        return "yes"
    if "vethernet" in origin or "vswitch" in origin or "loopback" in origin:
        return "no"
    if "switch" in flags:
        return "no"
    return "likely" if gateway else None


def interface(
    out: Recorder,
    start: int,
    end: int,
    name: str,
    assignment: str,
    how: str,
    *,
    address: str = "",
    gateway: bool | None = None,
    conditional: bool = False,
    which: str | None = None,
    origin: str = "",
) -> None:
    """Record how an interface gets its IPv4 address: `static`, `added` to what it has, or `dhcp`."""
    place = out.text.place(start, end)
    found = which or primary(name, gateway, origin, out.unit.flags)
    why = out.text.unknowns.first(name) or Unknown(Reason.UNSUPPORTED, f"which interface {name or 'this'} is", place)
    out.add(
        "networkInterfaces",
        start,
        end,
        conditional,
        name=name or "(unnamed)",
        primary=Value(found if found is not None else why, place),
        assignment=assignment,
        address=address,
        how=how,
    )


def is_ipv6(address: str) -> bool:
    """Whether an address is one of IPv6."""
    return address.count(":") >= 2 and not marked(address)
