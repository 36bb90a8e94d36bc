"""Which interface is meant and how it gets its address, from every command and file that says so."""

# ruff: noqa: E501 - each case is one line
from __future__ import annotations

import pytest
from guest_worlds import rows

CASES = [
    ("shell", "ip addr add 10.0.0.1/24 dev eth0", [("yes", "added")]),
    ("shell", "ip a add 10.0.0.1/24 dev eth1", [("no", "added")]),
    ("shell", "ip -6 addr add fd00::1/64 dev eth0", []),
    ("shell", "DEV=$(ip route show default | awk '{print $5}')\nip addr add 10.0.0.1/24 dev $DEV", [("yes", "added")]),
    ("shell", "nmcli connection modify 'System eth0' ipv4.method manual", [("yes", "static")]),
    ("shell", "nmcli con add type bridge ifname br0 ipv4.method manual", []),
    ("shell", "netplan set ethernets.eth0.dhcp4=false", [("yes", "static")]),
    ("shell", "sed -i 's/BOOTPROTO=dhcp/BOOTPROTO=static/' /etc/sysconfig/network-scripts/ifcfg-eth0", [("yes", "static")]),
    ("shell", "ifconfig eth0 10.0.0.1 netmask 255.255.255.0", [("yes", "added")]),
    ("powershell", "Get-NetAdapter -Name Ethernet | New-NetIPAddress -IPAddress 10.0.0.1", [("yes", "static")]),
    ("powershell", "New-NetIPAddress -InterfaceIndex 5 -IPAddress 10.0.0.1", [("?", "static")]),
    ("powershell", "New-NetIPAddress @parameters", [("?", "static")]),
    ("powershell", "Set-NetIPInterface -InterfaceAlias Ethernet -Dhcp Enabled", [("yes", "dhcp")]),
    ("powershell", "New-NetIPAddress -InterfaceAlias Ethernet -AddressFamily IPv6 -IPAddress fd00::1", []),
    ("batch", "netsh int ip set address \"Ethernet\" static 10.0.0.1 255.255.255.0 10.0.0.254 1", [("yes", "static")]),
    ("batch", "netsh interface ip set address Ethernet dhcp", [("yes", "dhcp")]),
    ("netplan", "network:\n  ethernets:\n    eth0: {dhcp4: true, addresses: [10.0.0.2/24]}\n", [("yes", "dhcp")]),
    ("netplan", "network:\n  ethernets:\n    a: {match: {name: en*}, dhcp4: no}\n    b: {match: {name: ens9}, dhcp4: no}\n", [("yes", "static"), ("no", "static")]),
    ("netplan", "network:\n  ethernets:\n    eth0: {dhcp4: no}\n  bonds:\n    bond0: {interfaces: [eth0]}\n", [("no", "static")]),
    ("netplan", "network:\n  ethernets:\n    eth0: {addresses: ['fd00::2/64']}\n", []),
    ("ifcfg", "BOOTPROTO=none\nIPADDR=10.0.0.1\n", [("yes", "static")]),
    ("ifcfg", "DEVICE=eth0\nBOOTPROTO=none\nSLAVE=yes\nMASTER=bond0\nIPADDR=10.0.0.1\n", [("no", "static")]),
    ("ifcfg", "BOOTPROTO=none\nONBOOT=yes\n", []),
    ("interfaces", "iface lo inet loopback\niface eth0 inet dhcp\niface eth0 inet static\n  address 10.0.0.2\n", [("yes", "dhcp"), ("yes", "dhcp")]),
    ("networkd", "[Match]\nName=en*\n[Network]\nDHCP=ipv4\nAddress=10.0.0.2/24\n", [("yes", "dhcp")]),
    ("networkd", "[Match]\nName=docker0\n[Network]\nAddress=10.0.0.2/24\n", [("no", "static")]),
    ("keyfile", "[connection]\nid=x\ntype=bridge\n[ipv4]\nmethod=manual\n", [("no", "static")]),
    ("cloud-init", "#cloud-config\nnetwork:\n  config: disabled\n", []),
]  # fmt: skip


@pytest.mark.parametrize(("kind", "text", "expected"), CASES, ids=[text.replace("\n", " ") for _, text, _ in CASES])
def test_interfaces(kind: str, text: str, expected: list[tuple[object, ...]]) -> None:
    assert (
        rows(kind, text if text.endswith("\n") else text + "\n", "networkInterfaces", "primary", "assignment")
        == expected
    )
