"""Texts of machines made of the pieces that matter to their grammars: nothing is raised, places lie in the file, and time
grows with length."""

# ruff: noqa: E501 - pieces in tables
from __future__ import annotations

import gc
from time import process_time

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bklint.frontends.guest.reading import READERS, SCRIPTS, read
from bklint.frontends.guest.record import Recorder, Unit
from bklint.frontends.guest.text import of_file
from bklint.frontends.guest.worlds import source_of
from bklint.model.inventory import World

COMMON = (
    "\n",
    " ",
    '"',
    "'",
    "#",
    "=",
    "\\",
    "\ue0000\ue002",
    "\xff",
    "é",
    "168.63.129.16",
    "{",
    "}",
    "(",
    ")",
    ";",
    ",",
    "[",
    "]",
)
SHELL = (
    "$(", "${", "`", "<(", "<<EOF\n", "EOF\n", "<<'E'\n", "E\n", " | ", " && ", " || ", "if x; then\n", "fi\n", "for i in a b; do\n",
    "done\n", "f() {\n", "case x in a)", "esac\n", "eval ", "sudo ", "bash -c ", "X=", "$X", "echo ", "cat > ", "tee ", "sed -i ",
    "'s/a/b/' ", "/etc/waagent.conf ", "/etc/netplan/1.yaml ", "/etc/hosts ", "systemctl stop ", "waagent ", "iptables -A OUTPUT -d ",
    " -j DROP\n", "ip addr add 10.0.0.4/24 dev eth0\n", "apt-get remove ", "python3 ", "nmcli con mod eth0 ", "ipv4.method manual",
)  # fmt: skip
POWERSHELL = (
    "$x", "$x = ", "$(", "@(", "@{", "@'\n", "\n'@", '@"\n', '\n"@', "<#", "#>", " | ", "if (", "foreach ($s in ", "function f {", "param(",
    "Configuration A {\n", "Node b {\n", "Service c\n{\n", "Name = ", "StartupType = 'Disabled'\n", "SetScript = {", "TestScript = {",
    "Set-Service ", "-StartupType ", "Disabled", "VSS", "Stop-Service ", "New-NetIPAddress -InterfaceAlias ", "Ethernet", "iex ",
    "Start-Process netsh ", "Set-Content -Path C:\\a.reg -Value ", "[Environment]::SetEnvironmentVariable(", ".Change(", "reg add ",
    "powershell -Command ", "cmd /c ", "icacls C:\\MachineKeys /deny ", "Where-Object {", "`\n", "&", "%{",
)  # fmt: skip
BATCH = ("set A=", "%A%", "%%i", "for ", " in (", ") do ", "if exist x ", "goto :eof\n", "&", "^\n", "sc config VSS start= disabled", "rem ",
         "netsh winhttp set proxy ", "call ", "setx http_proxy ", " /M\n")  # fmt: skip
YAML = ("#cloud-config\n", "runcmd:\n", "  - ", "write_files:\n", "    path: /etc/waagent.conf\n", "    content: |\n      ", "network:\n", "  ethernets:\n",
        "    eth0:\n", "      dhcp4: false\n", "mounts:\n", "  - [a, /b]\n", "&a ", "*a", "? ", ": ", "systemd: {masked: [a]}\n", "version: 1\n",
        "config:\n", "- {type: physical, subnets: [{type: static}]}\n", "encoding: b64\n")  # fmt: skip
LINES = ("a=b\n", "[Network]\n", "[Match]\n", "Address=", "10.0.0.4/24", "DHCP=no\n", "BOOTPROTO=static\n", "IPADDR=", "iface eth0 inet static\n",
         "*filter\n", ":OUTPUT DROP\n", "-A OUTPUT ", "-j DROP\n", "table inet f {\n", "chain output {\n", "type filter hook output priority 0; policy drop;\n",
         "ip daddr ", " drop\n", "Extensions.Enabled=n\n", "http_proxy=", "http://u:p@h:1\n", "/dev/sda1 /a ext4 defaults 0 0\n", "deny perm=any all : all\n",
         'DEFAULT_OUTPUT_POLICY="DROP"\n', "[HKEY_LOCAL_MACHINE\\SYSTEM\\CurrentControlSet\\Services\\VSS]\n", '"Start"=dword:4\n', "[File Security]\n",
         "Content-Type: multipart/mixed; boundary=X\n\n--X\n", "--X\n", "--X--\n", "Content-Type: text/x-shellscript\n\n")  # fmt: skip
XML = ("<a>", "</a>", "<unattend>", "</unattend>", "<component name='Microsoft-Windows-TCPIP'>", "</component>", "<Interface>", "</Interface>", "<DhcpEnabled>",
       "</DhcpEnabled>", "false", "<AppLockerPolicy>", "</AppLockerPolicy>", "<RuleCollection Type='Exe' EnforcementMode='Enabled'>", "</RuleCollection>",
       "<FilePathRule Action='Deny' UserOrGroupSid='S-1-1-0'>", "</FilePathRule>", "<FilePathCondition Path='*'/>", "<SiPolicy>", "</SiPolicy>", "<Option>",
       "</Option>", "Enabled:UMCI", "<SigningScenario Value='12'>", "</SigningScenario>", "<Signer ID='1'>", "</Signer>", "<CertRoot Type='TBS'/>", "<!--",
       "-->", "<![CDATA[", "]]>", "&lt;", "&x;", "<!DOCTYPE a [", "<?xml version='1.0'?>")  # fmt: skip
PIECES = {"shell": SHELL, "powershell": POWERSHELL, "batch": BATCH, "cloud-init": YAML, "netplan": YAML, "mime": (*LINES, *YAML),
          **dict.fromkeys(("unattend", "applocker", "wdac", "firewalld"), XML)}  # fmt: skip
KINDS = sorted({*SCRIPTS, *READERS})


def resources(kind: str, data: bytes) -> World:
    world = World("file", "guest")
    read(kind, Recorder(Unit(world, "file"), of_file(source_of("file", data)), kind))
    return world


@pytest.mark.parametrize("kind", KINDS)
def test_nothing_is_raised(kind: str) -> None:
    words = st.lists(st.sampled_from((*COMMON, *PIECES.get(kind, LINES))), max_size=40)

    @settings(max_examples=60, deadline=None, derandomize=True, database=None, suppress_health_check=list(HealthCheck))
    @given(words)
    def check(parts: list[str]) -> None:
        data = "".join(parts).encode()
        for resource in resources(kind, data).resources:
            assert resource.body.place is not None
            place = resource.body.place.locate()
            assert 0 <= place.start <= place.end <= len(place.source.data)

    check()


REPEATED = {
    "shell": ("$(", "'", "$('", "eval \"$(a)\"\n", "a && ", "x=$x$x\n", "if x; then\n", "bash -c 'a'\n", "<(", "${x:-'", "x=$(a | b)\n", "sudo "),
    "powershell": (
        "Configuration A {\n", "Configuration A {\nService B\n{ Name = 'a' }\n}\n", "Configuration A { a\n\n\n\n", "$x = a | b\n", "{", "@'\n",
        "a,", "iex 'a'\n", "Set-Service a -StartupType Disabled\n",
    ),
    "batch": ("if a (", "set a=%a%%a%\n", "a & ", "^\n", "sc stop a\n"),
    "cloud-init": ("a: [", "- ", "{", "runcmd: [a]\n"),
    "nftables": ("table a {", "{", '"', "a;"),
    "wdac": ("<a>", "<Signer/>"),
    "waagent": ("a=b\n", "=", "'"),
}  # fmt: skip


@pytest.mark.parametrize(("kind", "piece"), [(kind, piece) for kind, pieces in REPEATED.items() for piece in pieces])
def test_time_grows_with_length(kind: str, piece: str) -> None:
    """Four times the text takes no more than some eight times as long; what takes next to no time is not compared. One of
    three attempts is enough, for a machine may be busy with something else."""

    def seconds(size: int) -> float:
        gc.disable()  # what other tests left is no part of it
        try:
            began = process_time()
            resources(kind, (piece * (size // len(piece))).encode())
            return process_time() - began
        finally:
            gc.enable()

    pairs = ((seconds(10_000), seconds(40_000)) for _ in range(3))
    assert any(long < max(0.4, 8 * short) for short, long in pairs)


def test_long_pipelines_are_passed_over() -> None:
    world = World("file", "guest")
    unit = Unit(world, "file")
    read("shell", Recorder(unit, of_file(source_of("file", b"a | " * 10_000)), "shell"))
    assert (unit.gaps, world.resources) == (1, [])
