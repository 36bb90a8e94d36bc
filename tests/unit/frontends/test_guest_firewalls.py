"""Firewall commands and files into rules: what they reach and which ports that matter they cover."""

# ruff: noqa: E501 - each case is one line
from __future__ import annotations

import pytest
from guest_worlds import rows

from bklint.frontends.guest.firewalls import covers, holds_host, reach

ALL = ["53", "67", "80", "443", "32526"]
TCP = ["53", "80", "443", "32526"]


@pytest.mark.parametrize(
    ("destination", "expected"),
    [
        ("168.63.129.16", True), ("168.63.129.16/32", True), ("168.63.0.0/16", True), ("168.63.129.1-168.63.129.20", True),
        ("168.63.129.16/255.255.255.255", True), ("10.0.0.0/8", False), ("fe80::/10", False), ("example.com", False), ("x-y", False),
    ],
)  # fmt: skip
def test_holds_host(destination: str, expected: bool) -> None:
    assert holds_host(destination) is expected


def test_reach_and_covers() -> None:
    assert [reach(words) for words in ([], ["Any"], ["10.0.0.1", "168.63.129.16"], ["10.0.0.1"])] == [
        "any",
        "any",
        "explicit",
        "other",
    ]
    assert covers("", []) == ALL
    assert covers("tcp", []) == TCP
    assert covers("17", ["67:68"]) == ["67"]
    assert covers("TCP", ["http,443"]) == ["80", "443"]


RULES = [
    ("shell", "iptables -I OUTPUT 2 -d 168.63.129.16 -p tcp -m multiport --dports 80,443 -j DROP", ("block", "explicit", ["80", "443"], "2")),
    ("shell", "iptables -A OUTPUT -o lo -j ACCEPT", ("allow", "other", ALL, "bottom")),
    ("shell", "iptables -A OUTPUT ! -d 168.63.129.16 -j DROP", ("block", "other", ALL, "bottom")),
    ("shell", "iptables -A OUTPUT -m conntrack --ctstate ESTABLISHED,RELATED -j ACCEPT", ("allow", "other", ALL, "bottom")),
    ("shell", "ufw insert 1 deny out proto tcp to 168.63.129.16 port 80", ("block", "explicit", ["80"], "1")),
    ("shell", "ufw allow out 443/tcp", ("allow", "any", ["443"], "bottom")),
    ("shell", "nft insert rule inet filter output ip daddr { 168.63.129.16, 10.0.0.1 } tcp dport 80 accept", ("allow", "explicit", ["80"], "1")),
    ("shell", "firewall-cmd --add-rich-rule='rule family=ipv4 destination address=168.63.129.16 drop'", ("block", "explicit", ALL, "bottom")),
    ("powershell", "New-NetFirewallRule -Direction Outbound -Action Block -RemoteAddress 10.0.0.1,168.63.129.16", ("block", "explicit", ALL, "bottom")),
    ("batch", "netsh advfirewall firewall add rule name=x dir=out action=block protocol=tcp remoteport=80", ("block", "any", ["80"], "bottom")),
]  # fmt: skip


@pytest.mark.parametrize(
    ("words", "action"),
    [
        ("blockinbound,blockoutbound", "block"),
        ("'blockinbound,blockoutbound'", "block"),
        ("blockinbound`,blockoutbound", "block"),
        ("notconfigured,allowoutbound", "allow"),
    ],
)
def test_a_list_that_powershell_gives_a_program_is_written_with_commas(words: str, action: str) -> None:
    text = f"netsh advfirewall set allprofiles firewallpolicy {words}\n"
    assert rows("powershell", text, "firewallDefaults", "action") == [(action,)]
    rule = "netsh advfirewall firewall add rule name=x dir=out action=block remoteip=10.0.0.1,168.63.129.16\n"
    assert rows("powershell", rule, "firewallRules", "destination", "reach") == [("10.0.0.1,168.63.129.16", "explicit")]


@pytest.mark.parametrize(("kind", "text", "expected"), RULES, ids=[text for _, text, _ in RULES])
def test_rules(kind: str, text: str, expected: tuple[object, ...]) -> None:
    assert rows(kind, text + "\n", "firewallRules", "action", "reach", "covers", "position") == [expected]


@pytest.mark.parametrize(
    "text",
    [
        "iptables -A INPUT -d 168.63.129.16 -j DROP", "ip6tables -A OUTPUT -j DROP", "iptables -t nat -A OUTPUT -d 168.63.129.16 -j DROP",
        "ufw deny in from 168.63.129.16", "iptables -L OUTPUT", "nft list ruleset",
    ],
)  # fmt: skip
def test_no_rules(text: str) -> None:
    assert rows("shell", text + "\n", "firewallRules", "action") == []


def test_nested_nftables() -> None:
    text = "table inet f {\n chain in { type filter hook input priority 0; policy drop; }\n chain out { type filter hook output priority 0; policy drop; ct state { established, related } accept; ip daddr 168.63.129.16 accept } }\n"
    assert rows("nftables", text, "firewallDefaults", "action") == [("block",)]
    assert rows("nftables", text, "firewallRules", "action", "reach") == [("allow", "other"), ("allow", "explicit")]


@pytest.mark.parametrize(
    ("script", "actions"),
    [
        ("iptables -A OUTPUT -d 168.63.129.16 -j DROP\niptables -F", ["other"]),
        ("iptables -A OUTPUT -d 168.63.129.16 -j DROP\niptables -F INPUT", ["block"]),
        ("iptables -F\niptables -A OUTPUT -d 168.63.129.16 -j DROP", ["block"]),
        ("iptables -A OUTPUT -d 168.63.129.16 -j DROP\nif x; then iptables -F; fi", ["block"]),
        ("ufw deny out to 168.63.129.16\nufw --force reset", ["other"]),
        ("ufw deny out to 168.63.129.16\nufw disable", ["other"]),
        ("ufw --dry-run deny out to 168.63.129.16", []),
    ],
)
def test_what_is_taken_away_again(script: str, actions: list[str]) -> None:
    assert rows("shell", script, "firewallRules", "action") == [(action,) for action in actions]


@pytest.mark.parametrize(
    ("kind", "text"),
    [
        ("shell", "iptables -A OUTPUT -d 168.63.129.16 -j DROP\niptables -D OUTPUT -d 168.63.129.16 -j DROP"),
        ("shell", "iptables -I OUTPUT 1 -d 168.63.129.16 -j DROP\niptables -D OUTPUT -d 168.63.129.16 -j DROP"),
        ("shell", "ufw deny out to 168.63.129.16\nufw delete deny out to 168.63.129.16"),
        ("powershell", "New-NetFirewallRule -Name x -Direction Outbound -Action Block -RemoteAddress 168.63.129.16\nRemove-NetFirewallRule -Name X"),
        ("batch", "netsh advfirewall firewall add rule name=x dir=out action=block remoteip=168.63.129.16\nnetsh advfirewall firewall delete rule name=x"),
    ],
)  # fmt: skip
def test_rules_that_are_deleted_again(kind: str, text: str) -> None:
    assert rows(kind, text + "\n", "firewallRules", "action") == [("other",)]


def test_a_rule_that_drops_everything_is_a_default() -> None:
    text = "iptables -A OUTPUT -d 168.63.129.16 -j ACCEPT\niptables -A OUTPUT -j DROP\n"
    assert rows("shell", text, "firewallDefaults", "action") == [("block",)]
    assert rows("shell", "iptables -A OUTPUT -o lo -j DROP\n", "firewallDefaults", "action") == []


@pytest.mark.parametrize("destination", ["$AZ", "@allowed", "{ $AZ"])
def test_definitions_and_sets_are_not_known(destination: str) -> None:
    assert holds_host(destination) is None
