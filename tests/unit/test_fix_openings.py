"""Fixes of the class `security` in what machines run or read: exact texts, and what is left to people with the true reason."""

# ruff: noqa: E501 - cases are lines
from __future__ import annotations

import base64
from collections.abc import Mapping

import pytest

from bklint import run
from bklint.files import MemoryReader
from bklint.finding import Severity
from bklint.fix.verify import Fixed, Wanted

ACCEPT = "-A OUTPUT -d 168.63.129.16 -p tcp -m multiport --dports 80,443,32526 -m owner --uid-owner 0 -j ACCEPT"
ANSWERS = "-A INPUT -s 168.63.129.16 -p tcp -m conntrack --ctstate ESTABLISHED -j ACCEPT"
NFT = "ip daddr 168.63.129.16 tcp dport { 80, 443, 32526 } meta skuid 0 accept"
UFW = "ufw allow out proto tcp to 168.63.129.16 port 80,443,32526"
NET = "New-NetFirewallRule -DisplayName 'Allow Azure host' -Direction Outbound -Action Allow -RemoteAddress 168.63.129.16 -Protocol TCP -RemotePort 80,443,32526"
NETSH = 'netsh advfirewall firewall add rule name="Allow Azure host" dir=out action=allow remoteip=168.63.129.16 protocol=TCP remoteport=80,443,32526'


def mended(files: Mapping[str, str | bytes], *ids: str, unsafe: bool = True) -> Fixed:
    options = run.ScanOptions(select=ids, min_severity=Severity.INFO)
    return run.fixed(
        ["."], options, run.load_policies(options), Wanted(unsafe, frozenset(ids), Severity.INFO), MemoryReader(files)
    )


def reasons(fixed: Fixed) -> list[str]:
    return sorted({left.reason for left in fixed.left})


def check(id_: str, name: str, before: str, after: str) -> Fixed:
    """The fix makes one text of the other, names the control it changes, and leaves nothing to do."""
    fixed = mended({name: before}, id_)
    assert {path: new.decode() for path, (_, new) in fixed.files.items()} == {name: after}, reasons(fixed)
    assert all(plan.safety == "security" and plan.control for plan in fixed.done)
    assert not mended({name: after}, id_).files
    return fixed


EDITS = {
    # a block of the host alone is narrowed to all but root
    "iptables, sudo and a path": ("BKP602", "a.sh", "sudo /usr/sbin/iptables -w -A OUTPUT --dst 168.63.129.16 --jump REJECT # host\n", "sudo /usr/sbin/iptables -w -A OUTPUT --dst 168.63.129.16 -m owner ! --uid-owner 0 --jump REJECT # host\n"),
    "iptables over two lines": ("BKP602", "a.sh", "iptables -I OUTPUT \\\n  -d 168.63.129.16 -j DROP\n", "iptables -I OUTPUT \\\n  -d 168.63.129.16 -m owner ! --uid-owner 0 -j DROP\n"),
    "iptables behind a condition on its line": ("BKP602", "a.sh", "[ -f /x ] && iptables -A OUTPUT -d 168.63.129.0/24 -j DROP\n", "[ -f /x ] && iptables -A OUTPUT -d 168.63.129.0/24 -m owner ! --uid-owner 0 -j DROP\n"),
    "iptables of cloud-init": ("BKP602", "cloud-init.yaml", "#cloud-config\nruncmd:\n  - iptables -A OUTPUT -d 168.63.129.16 -j DROP\n", "#cloud-config\nruncmd:\n  - iptables -A OUTPUT -d 168.63.129.16 -m owner ! --uid-owner 0 -j DROP\n"),
    "iptables-save": ("BKP602", "etc/iptables/rules.v4", "*security\n:OUTPUT ACCEPT [0:0]\n-A OUTPUT -d 168.63.129.16/32 -j DROP\nCOMMIT\n", "*security\n:OUTPUT ACCEPT [0:0]\n-A OUTPUT -d 168.63.129.16/32 -m owner ! --uid-owner 0 -j DROP\nCOMMIT\n"),
    "nft, a verdict behind a counter": ("BKP602", "etc/nftables.conf", "table ip t {\n\tchain output {\n\t\ttype filter hook output priority 0;\n\t\tip daddr 168.63.129.16 counter log drop\n\t}\n}\n", "table ip t {\n\tchain output {\n\t\ttype filter hook output priority 0;\n\t\tip daddr 168.63.129.16 meta skuid != 0 counter log drop\n\t}\n}\n"),
    "Windows, a rule that is on": ("BKP602", "a.ps1", "New-NetFirewallRule -Enabled True -DisplayName x -Direction Outbound -Action Block -RemoteAddress 168.63.129.16/32 | Out-Null\r\n", "New-NetFirewallRule -Enabled False -DisplayName x -Direction Outbound -Action Block -RemoteAddress 168.63.129.16/32 | Out-Null\r\n"),
    "netsh, a rule that is on": ("BKP602", "a.bat", "netsh advfirewall firewall add rule name=x dir=out enable=yes action=block remoteip=168.63.129.16\r\n", "netsh advfirewall firewall add rule name=x dir=out enable=no action=block remoteip=168.63.129.16\r\n"),
    # a default gets an exception behind it
    "default of iptables": ("BKP603", "a.sh", "set -e\n  sudo iptables -P OUTPUT DROP\necho done", f"set -e\n  sudo iptables -P OUTPUT DROP\n  sudo iptables {ACCEPT}\necho done"),
    "default at the end of a file": ("BKP603", "a.sh", "iptables -P OUTPUT DROP", f"iptables -P OUTPUT DROP\niptables {ACCEPT}"),
    "default of iptables in cloud-init": ("BKP603", "cloud-init.yaml", "#cloud-config\nruncmd:\n- iptables -P OUTPUT DROP\n- echo\n", f"#cloud-config\nruncmd:\n- iptables -P OUTPUT DROP\n- iptables {ACCEPT}\n- echo\n"),
    "default of iptables-save": ("BKP603", "etc/iptables/rules.v4", "*filter\n:INPUT DROP [0:0]\n:OUTPUT DROP [0:0]\n:LOGGING - [0:0]\n-A OUTPUT -o lo -j ACCEPT\nCOMMIT\n", f"*filter\n:INPUT DROP [0:0]\n:OUTPUT DROP [0:0]\n:LOGGING - [0:0]\n{ACCEPT.replace('.16', '.16/32')}\n{ANSWERS.replace('.16', '.16/32')}\n-A OUTPUT -o lo -j ACCEPT\nCOMMIT\n"),
    "default of nftables": ("BKP603", "etc/nftables.conf", "table inet t {\r\n\tchain out {\r\n\t\ttype filter hook output priority 0; policy drop;\r\n\t}\r\n}\r\n", f"table inet t {{\r\n\tchain out {{\r\n\t\ttype filter hook output priority 0; policy drop;\r\n\t\t{NFT}\r\n\t}}\r\n}}\r\n"),
    "default of nft by command": ("BKP603", "a.sh", "nft add chain inet t out '{ type filter hook output priority 0; policy drop; }'\n", f"nft add chain inet t out '{{ type filter hook output priority 0; policy drop; }}'\nnft add rule inet t out '{NFT}'\n"),
    "default where no answers come in": ("BKP603", "a.sh", "iptables -P INPUT DROP\niptables -A INPUT -p tcp --sport 80 -m state --state ESTABLISHED -j ACCEPT\n  iptables -P OUTPUT DROP\n", f"iptables -P INPUT DROP\niptables -A INPUT -p tcp --sport 80 -m state --state ESTABLISHED -j ACCEPT\n  iptables -P OUTPUT DROP\n  iptables {ACCEPT}\n  iptables {ANSWERS}\n"),
    "default where answers come in": ("BKP603", "a.sh", "iptables -P INPUT DROP\niptables -A INPUT -m state --state RELATED,ESTABLISHED -j ACCEPT\niptables -P OUTPUT DROP\n", f"iptables -P INPUT DROP\niptables -A INPUT -m state --state RELATED,ESTABLISHED -j ACCEPT\niptables -P OUTPUT DROP\niptables {ACCEPT}\n"),
    "default of ufw": ("BKP603", "a.sh", "ufw default deny outgoing\nufw enable\n", f"ufw default deny outgoing\n{UFW}\nufw enable\n"),
    "default of Windows in a block": ("BKP603", "a.ps1", "if ($x) {\r\n\tSet-NetFirewallProfile -All -DefaultOutboundAction Block\r\n}\r\n", f"if ($x) {{\r\n\tSet-NetFirewallProfile -All -DefaultOutboundAction Block\r\n\t{NET}\r\n}}\r\n"),
    "default of Windows by netsh": ("BKP603", "a.cmd", "@echo off\r\nnetsh advfirewall set allprofiles firewallpolicy blockinbound,blockoutbound\r\n", f"@echo off\r\nnetsh advfirewall set allprofiles firewallpolicy blockinbound,blockoutbound\r\n{NETSH}\r\n"),
    # proxies
    "winhttp, names": ("BKP604", "a.cmd", 'netsh winhttp set proxy proxy-server="p:80" bypass-list="<local>;*.x"\n', 'netsh winhttp set proxy proxy-server="p:80" bypass-list="<local>;*.x;168.63.129.16;169.254.169.254"\n'),
    "winhttp, one name": ("BKP604", "a.cmd", "netsh winhttp set proxy proxy-server=p:80\n", 'netsh winhttp set proxy proxy-server=p:80 bypass-list="168.63.129.16;169.254.169.254"\n'),
    "environment, export": ("BKP604", "etc/profile.d/proxy.sh", "export HTTP_PROXY=http://p:80\n", "export HTTP_PROXY=http://p:80\nexport NO_PROXY=168.63.129.16,169.254.169.254\n"),
    "environment, a list in quotes": ("BKP604", "etc/environment", 'http_proxy="http://p:80"\nno_proxy="localhost"\n', 'http_proxy="http://p:80"\nno_proxy="localhost,168.63.129.16,169.254.169.254"\n'),
    # permissions, TLS, routes
    "permissions, one of several statements": ("BKP613", "a.ps1", "Write-Host a\nicacls C:\\ProgramData\\Microsoft\\Crypto\\RSA\\MachineKeys /inheritance:r\nWrite-Host b\n", "Write-Host a\nWrite-Host b\n"),
    "permissions, a comment of their own": ("BKP613", "a.ps1", "Write-Host a\n\n# lock the keys\ntakeown /f C:\\ProgramData\\Microsoft\\Crypto\\RSA\\MachineKeys /r\n\nWrite-Host b\n", "Write-Host a\n\nWrite-Host b\n"),
    "TLS of a template": ("BKP614", "b.inf", "[Unicode]\nUnicode=yes\n[Registry Values]\nMACHINE\\SOFTWARE\\Microsoft\\.NETFramework\\v4.0.30319\\SchUseStrongCrypto=4,0\n", "[Unicode]\nUnicode=yes\n[Registry Values]\nMACHINE\\SOFTWARE\\Microsoft\\.NETFramework\\v4.0.30319\\SchUseStrongCrypto=4,1\n"),
    "TLS, hexadecimal": ("BKP614", "a.cmd", 'reg add "HKLM\\SOFTWARE\\Microsoft\\.NETFramework\\v4.0.30319" /v SchUseStrongCrypto /t REG_DWORD /d 0x0 /f\n', 'reg add "HKLM\\SOFTWARE\\Microsoft\\.NETFramework\\v4.0.30319" /v SchUseStrongCrypto /t REG_DWORD /d 0x1 /f\n'),
    "route in a function": ("BKP618", "a.sh", "lock() {\n  ip route add blackhole 168.63.129.16/32\n  echo done\n}\nlock\n", "lock() {\n  echo done\n}\nlock\n"),
    "route of cloud-init": ("BKP618", "cloud-init.yaml", "#cloud-config\nruncmd:\n  - ip route add unreachable 168.63.129.16\n  - echo\n", "#cloud-config\nruncmd:\n  - echo\n"),
    "entry of hosts": ("BKP618", "etc/hosts", "127.0.0.1 localhost\n10.0.0.9\t168.63.129.16\n::1 localhost\n", "127.0.0.1 localhost\n::1 localhost\n"),
    # programs
    "fapolicyd": ("BKP615", "etc/fapolicyd/fapolicyd.rules", "# all\ndeny_audit perm=any all : all\n", "# all\nallow perm=any all : dir=/var/lib/waagent/\ndeny_audit perm=any all : all\n"),
}  # fmt: skip


@pytest.mark.parametrize("case", EDITS)
def test_edits(case: str) -> None:
    check(*EDITS[case])


DENY = """<AppLockerPolicy Version="1">
  <RuleCollection Type="Exe" EnforcementMode="Enabled">
    <FilePathRule Id="1" Name="d" Description="" UserOrGroupSid="S-1-1-0" Action="Deny">
      <Conditions>
        <FilePathCondition Path="%OSDRIVE%\\Packages\\*" />
      </Conditions>{}
    </FilePathRule>{}
  </RuleCollection>
</AppLockerPolicy>
"""
ALLOW = '\n    <FilePathRule Id="2" Name="a" Description="" UserOrGroupSid="S-1-5-32-544" Action="Allow"><Conditions><FilePathCondition Path="*" /></Conditions></FilePathRule>'
CONDITION = '<FilePathCondition Path="%OSDRIVE%\\Packages\\Plugins\\Microsoft.Azure.RecoveryServices.VMSnapshot\\*" />'


def test_a_rule_of_applocker_that_denies_gets_an_exception() -> None:
    new = f"\n      <Exceptions>{CONDITION}</Exceptions>"
    check("BKP615", "AppLocker.xml", DENY.format("", ALLOW), DENY.format(new, ALLOW))


def test_exceptions_that_are_there_get_one_more() -> None:
    old = '\n      <Exceptions><FilePathCondition Path="C:\\x" /></Exceptions>'
    check(
        "BKP615", "AppLocker.xml", DENY.format(old, ALLOW), DENY.format(old.replace("</Ex", f"{CONDITION}</Ex"), ALLOW)
    )


def test_where_nothing_allows_a_rule_is_added_too() -> None:
    fixed = mended({"AppLocker.xml": DENY.format("", "")}, "BKP615")
    after = fixed.files["AppLocker.xml"][1].decode()
    assert after.count(CONDITION) == 2
    assert after.index('Action="Allow"') < after.index('Action="Deny"')


def test_a_collection_without_rules_lets_everything_run() -> None:
    text = '<AppLockerPolicy Version="1"><RuleCollection Type="Exe" EnforcementMode="Enabled"></RuleCollection></AppLockerPolicy>\n'
    fixed = mended({"AppLocker.xml": text}, "BKP615")
    assert (fixed.files, fixed.left) == ({}, [])


LEFT = {
    "no answers through nft": ("BKP603", "etc/nftables.conf", "table inet t {\n  chain in {\n    type filter hook input priority 0; policy drop;\n  }\n  chain out {\n    type filter hook output priority 0; policy drop;\n  }\n}\n", "lets no answers through"),
    "part of a condition": ("BKP603", "a.sh", "[ -f /x ] && iptables -P OUTPUT DROP\n", "shares its line with others"),
    "part of a longer statement": ("BKP603", "a.sh", "true &&\n  iptables -P OUTPUT DROP\n", "part of a longer statement"),
    "taken away again": ("BKP603", "a.sh", "iptables -P OUTPUT DROP\niptables -F\n", "the fault would still be there"),
    "an owner of its own": ("BKP602", "a.sh", "iptables -A OUTPUT -d 168.63.129.16 -m owner --uid-owner 0 -j DROP\n", "for one owner of a socket already"),
    "a chain of its own": ("BKP602", "a.sh", "iptables -A OUTPUT -j GUARD\niptables -A GUARD -d 168.63.129.16 -j DROP\n", "has an owner is not certain"),
    "a chain of nft whose hook is not known": ("BKP602", "a.sh", "nft add rule inet t guard ip daddr 168.63.129.16 drop\n", "has an owner is not certain"),
    "a rule from a variable": ("BKP602", "a.sh", "RULE='-d 168.63.129.16 -j DROP'\niptables -A OUTPUT $RULE\n", "not written out there once"),
    "words of a list": ("BKP602", "cloud-init.yaml", "#cloud-config\nruncmd:\n  - [iptables, -A, OUTPUT, -d, 168.63.129.16, -j, DROP]\n", "not written out there once"),
    "ufw, a place of its own": ("BKP602", "a.sh", "ufw insert 1 deny out to 168.63.129.16\n", "among others is not certain"),
    "a rich rule": ("BKP602", "a.sh", "firewall-cmd --add-rich-rule='rule family=ipv4 destination address=168.63.129.16 drop'\n", "cannot tell root from others"),
    "a network of others": ("BKP602", "a.ps1", "New-NetFirewallRule -DisplayName x -Direction Outbound -Action Block -RemoteAddress 168.63.0.0/16\n", "blocks other addresses too"),
    "asked how it ended": ("BKP618", "a.sh", "ip route add blackhole 168.63.129.16\nif [ $? -ne 0 ]; then exit 1; fi\n", "asks how it ended"),
    "all that a block does": ("BKP618", "a.sh", "if true; then\n  ip route add blackhole 168.63.129.16\nfi\n", "all that the block around it does"),
    "the only entry": ("BKP618", "cloud-init.yaml", "#cloud-config\nruncmd:\n  - ip route add blackhole 168.63.129.16\n", "the only entry of its list"),
    "an account of permissions": ("BKP613", "a.cmd", "takeown /f C:\\ProgramData\\Microsoft\\Crypto\\RSA\\MachineKeys || exit /b 1\n", "shares its line with others"),
    "a list without quotes": ("BKP604", "a.cmd", "netsh winhttp set proxy proxy-server=p:80 bypass-list=*.x\n", "the list is not in quotes"),
    "no list": ("BKP604", "etc/waagent.conf", "HttpProxy.Host=p\n", "no list of what bypasses"),
}  # fmt: skip


@pytest.mark.parametrize("case", LEFT)
def test_left_to_people(case: str) -> None:
    id_, name, text, reason = LEFT[case]
    fixed = mended({name: text}, id_)
    assert not fixed.files, {path: new.decode() for path, (_, new) in fixed.files.items()}
    assert any(reason in each for each in reasons(fixed)), reasons(fixed)


def test_an_encoded_script_is_left() -> None:
    text = base64.b64encode(b"#!/bin/sh\niptables -P OUTPUT DROP\n").decode()
    files = {
        "main.tf": f'resource "azurerm_linux_virtual_machine" "a" {{\n  name        = "a"\n  custom_data = "{text}"\n}}\n'
    }
    fixed = mended(files, "BKP603")
    assert not fixed.files
    assert fixed.left


@pytest.mark.parametrize("id_", ["BKP602", "BKP603", "BKP604", "BKP613", "BKP614", "BKP615", "BKP618"])
def test_not_without_being_asked_by_name(id_: str) -> None:
    case = next(each for each in EDITS.values() if each[0] == id_)
    options = run.ScanOptions(select=(id_,), min_severity=Severity.INFO)
    for wanted in (Wanted(False, frozenset({id_}), Severity.INFO), Wanted(True, frozenset(), Severity.INFO)):
        fixed = run.fixed(["."], options, run.load_policies(options), wanted, MemoryReader({case[1]: case[2]}))
        assert not fixed.files
        assert [f"add --unsafe-fixes --select {id_}" in reason for reason in reasons(fixed)] == [True]


def test_what_a_machine_is_made_with_is_replaced_too() -> None:
    text = 'resource "azurerm_linux_virtual_machine" "a" {\n  name        = "a"\n  custom_data = base64encode(<<-EOT\n    #!/bin/sh\n    iptables -P OUTPUT DROP\n    echo\n  EOT\n  )\n}\n'
    fixed = mended({"main.tf": text}, "BKP603")
    assert fixed.files["main.tf"][1].decode() == text.replace("DROP\n", f"DROP\n    iptables {ACCEPT}\n")
    assert fixed.done[0].replaces


# -- statements that are about several services -----------------------------------------------------------------------

LISTS = {
    "two of three": ("Set-Service -Name VSS,MSDTC,Spooler -StartupType Disabled\n", "Set-Service -Name Spooler -StartupType Disabled\n"),
    "both": ('Set-Service "vss", \'MSDTC\' -StartupType Disabled\n', 'Set-Service "vss" -StartupType Manual\n'),
    "of a loop": ("foreach ($s in 'Foo', 'VSS') {\n  Set-Service $s -StartupType Disabled\n}\n", "foreach ($s in 'Foo') {\n  Set-Service $s -StartupType Disabled\n}\n"),
    "first of a loop": ("foreach ($s in 'VSS', 'Foo') {\n  Set-Service $s -StartupType Disabled\n}\n", "foreach ($s in 'Foo') {\n  Set-Service $s -StartupType Disabled\n}\n"),
}  # fmt: skip


@pytest.mark.parametrize("case", LISTS)
def test_a_service_is_taken_out_of_a_list(case: str) -> None:
    before, after = LISTS[case]
    fixed = mended({"a.ps1": before}, "BKP608", "BKP610", unsafe=False)
    assert fixed.files["a.ps1"][1].decode() == after
    assert not mended({"a.ps1": after}, "BKP608", "BKP610", unsafe=False).files


def test_lines_that_move_are_no_new_findings() -> None:
    """The first fix moves what stands below it, and takes a name out of a statement that says something else too."""
    before = "iptables -P OUTPUT DROP\niptables -A OUTPUT -d 168.63.129.16 -j DROP\nip route add blackhole 168.63.129.16\necho\n"
    fixed = mended({"a.sh": before}, "BKP602", "BKP603", "BKP618")
    assert fixed.files["a.sh"][1].decode() == (
        f"iptables -P OUTPUT DROP\niptables {ACCEPT}\niptables -A OUTPUT -d 168.63.129.16 -m owner ! --uid-owner 0 -j DROP\necho\n"
    )
    assert fixed.left == []
