"""Commands of scripts into guest resources: wrappers, variables, conditions, text that is printed or written."""

# ruff: noqa: E501 - each case is one line
from __future__ import annotations

import base64

import pytest
from guest_worlds import places, rows, world

ENCODED = base64.b64encode("Stop-Service VSS".encode("utf-16-le")).decode()

SERVICES = [
    ("shell", "sudo -n systemctl --now disable a.service b", [("a", "disable"), ("b", "disable")]),
    ("shell", "bash -c 'systemctl stop a'", [("a", "stop")]),
    ("shell", "timeout 10 env X=1 service a stop", [("a", "stop")]),
    ("shell", "/etc/init.d/a stop", [("a", "stop")]),
    ("shell", "A=a\nsystemctl stop $A", [("a", "stop")]),
    ("shell", "systemctl stop $1", [("?", "stop")]),
    ("shell", "for x in a b; do systemctl mask $x; done", [("a", "mask"), ("b", "mask")]),
    ("shell", "LIST='a b'\nsystemctl stop $LIST", [("a", "stop"), ("b", "stop")]),
    ("shell", "bash <<EOF\nsystemctl stop a\nEOF", [("a", "stop")]),
    ("shell", "cat > /opt/x.sh <<EOF\nsystemctl stop a\nEOF", []),
    ("shell", "echo systemctl stop a; # systemctl stop b", []),
    ("shell", "ssh host systemctl stop a\nsystemctl --user stop b\nsystemctl status c", []),
    ("powershell", "Set-Service -Name VSS -StartupType Disabled -Status Stopped", [("vss", "disable"), ("vss", "stop")]),
    ("powershell", "Set-Service VSS -Startup Manual", [("vss", "manual")]),
    ("powershell", "Get-Service -Name VSS | Stop-Service -Force", [("vss", "stop")]),
    ("powershell", "$a = 'VSS','MSDTC'\nStop-Service $a", [("vss", "stop"), ("msdtc", "stop")]),
    ("powershell", "cmd /c 'sc config VSS start= disabled'", [("vss", "disable")]),
    ("powershell", "Start-Process sc.exe -ArgumentList 'stop VSS' -Wait", [("vss", "stop")]),
    ("powershell", "$s = Get-WmiObject Win32_Service -Filter \"Name='VSS'\"\n$s.ChangeStartMode('Disabled')", [("vss", "disable")]),
    ("powershell", "Write-Host 'Stop-Service VSS'", []),
    ("batch", f"powershell -NoProfile -EncodedCommand {ENCODED}", [("vss", "stop")]),
    ("batch", "powershell -ExecutionPolicy Bypass -Command \"Stop-Service VSS\"", [("vss", "stop")]),
    ("batch", "net stop \"Volume Shadow Copy\"\nsc config a start=auto", [("vss", "stop"), ("a", "enable")]),
    ("batch", "echo sc stop VSS", []),
]  # fmt: skip


@pytest.mark.parametrize(("family", "text", "expected"), SERVICES, ids=[text for _, text, _ in SERVICES])
def test_services(family: str, text: str, expected: list[tuple[object, ...]]) -> None:
    assert rows(family, text + "\n", "serviceChanges", "service", "action") == expected


@pytest.mark.parametrize(
    ("kind", "text", "conditional"),
    [
        ("shell", "if false; then systemctl stop a; fi", []),
        ("shell", "if [ 1 -eq 0 ]; then systemctl stop a; else systemctl stop b; fi", [False]),
        ("shell", "if true; then systemctl stop a; else systemctl stop b; fi", [False]),
        ("shell", "if false; then :; elif x; then systemctl stop a; else systemctl stop b; fi", [True, True]),
        ("shell", "false && systemctl stop a\ntrue || systemctl stop b", []),
        ("shell", "while true; do systemctl stop a; done\nwhile false; do systemctl stop b; done", [False]),
        ("shell", "until false; do systemctl stop a; done", [False]),
        ("powershell", "if ($false) { Stop-Service a } else { Stop-Service b }", [False]),
        ("powershell", "if ($true) { Stop-Service a }\nelse { Stop-Service b }", [False]),
        (
            "powershell",
            "if ($x) { Stop-Service a } elseif ($false) { Stop-Service b } else { Stop-Service c }",
            [True, True],
        ),
        ("powershell", "if ($false) { if ($y) { Stop-Service a } }\nStop-Service b", [False]),
        ("batch", "if 1==0 sc stop a\nif 1==0 (\n sc stop b\n)\nsc stop c", [False]),
        ("batch", "if not 1==0 sc stop a", [True]),
    ],
)
def test_conditions_that_are_certain(kind: str, text: str, conditional: list[bool]) -> None:
    assert rows(kind, text + "\n", "serviceChanges", "conditional") == [(each,) for each in conditional]


@pytest.mark.parametrize(
    ("text", "actions"),
    [
        ("systemctl stop a\nexit 0\nsystemctl stop b", ["stop"]),
        ("if x; then\nexit 1\nfi\nsystemctl stop b", ["stop"]),
        ("(exit 1)\nsystemctl stop b", ["stop"]),
        ("f() {\nexit 1\n}\nsystemctl stop b", ["stop"]),
        ("trap 'systemctl start a' EXIT\nsystemctl stop a", ["stop", "start"]),
        ("trap back EXIT\nback() { systemctl start a; }\nsystemctl stop a", ["stop", "start"]),
        ("trap 'systemctl start a' INT\nsystemctl stop a", ["stop"]),
    ],
)
def test_where_a_script_ends(text: str, actions: list[str]) -> None:
    assert rows("shell", text + "\n", "serviceChanges", "action") == [(each,) for each in actions]


@pytest.mark.parametrize(
    ("kind", "text", "names"),
    [
        ("shell", "if x; then s=a; systemctl stop $s; fi\nsystemctl stop $s", ["a", "?"]),
        ("shell", "s=a\nif x; then s=b; systemctl stop $s; else systemctl stop $s; fi", ["b", "?"]),
        ("shell", "if x; then s=a; if y; then s=b; fi; systemctl stop $s; fi", ["?"]),
        ("shell", "s=a\nif x; then s=a; fi\nsystemctl stop $s", ["a"]),
        ("shell", "case $x in 1) s=a; systemctl stop $s;; 2) systemctl stop $s;; esac", ["a", "?"]),
        ("shell", "x || s=a\nsystemctl stop $s", ["?"]),
        ("shell", "f() { local s=$1; systemctl stop $s; }\nif x; then f a; fi", ["a"]),
        ("powershell", "if ($x) { $s = 'a'; Stop-Service $s }\nStop-Service $s", ["a", "?"]),
        ("powershell", "switch ($x) { 1 { $s = 'a' } 2 { Stop-Service $s } }", ["?"]),
    ],
)
def test_what_is_set_under_a_condition_is_known_there(kind: str, text: str, names: list[str]) -> None:
    assert rows(kind, text + "\n", "serviceChanges", "service") == [(name,) for name in names]


@pytest.mark.parametrize(
    ("kind", "text", "expected"),
    [
        ("powershell", "(Get-Service a).Stop()", ("a", "stop")),
        ("powershell", "$s = Get-Service -Name 'a b'\n$s.Stop()", ("a b", "stop")),
        ("powershell", "Get-Service a | Stop-Service -PassThru | Out-Null", ("a", "stop")),
        ("powershell", "(Get-WmiObject Win32_Service -Filter \"Name='a'\").Delete()", ("a", "delete")),
        ("powershell", "Get-CimInstance Win32_Service -Filter \"Name='a'\" | Invoke-CimMethod -MethodName StopService", ("a", "stop")),
        ("powershell", "$s = Get-CimInstance Win32_Service -Filter \"Name='a'\"\nInvoke-CimMethod -InputObject $s ChangeStartMode -Arguments @{StartMode='Disabled'}", ("a", "disable")),
        ("batch", "wmic service where name=\"a\" call ChangeStartMode Disabled", ("a", "disable")),
        ("batch", "wmic service a call stopservice", ("a", "stop")),
    ],
)  # fmt: skip
def test_services_as_objects(kind: str, text: str, expected: tuple[str, str]) -> None:
    assert rows(kind, text + "\n", "serviceChanges", "service", "action") == [expected]


@pytest.mark.parametrize(
    ("text", "conditional"),
    [
        ("systemctl stop a", False),
        ("if x; then systemctl stop a; fi", True),
        ("f() { systemctl stop a; }", True),
        ("f() { systemctl stop a; }\nf", False),
        ("x || systemctl stop a", True),
        ("if x; then bash -c 'systemctl stop a'; fi", True),
    ],
)
def test_conditions(text: str, conditional: bool) -> None:
    assert rows("shell", text + "\n", "serviceChanges", "conditional") == [(conditional,)]


def test_places_reach_into_texts_in_texts() -> None:
    text = "#cloud-config\nruncmd:\n  - bash -c 'systemctl stop a'\n  - |\n    true\n    systemctl stop b\n"
    assert places("cloud-init", text, "serviceChanges") == ["systemctl stop a", "systemctl stop b"]


REGISTRY = [
    ("powershell", "Set-ItemProperty -Path HKLM:\\A\\B -Name C -Value 0x10", ("hklm\\a\\b", "c", "16")),
    ("powershell", "New-ItemProperty 'Registry::HKEY_LOCAL_MACHINE\\A' C -Value 1 -PropertyType DWord -Force", ("hklm\\a", "c", "1")),
    ("batch", "reg.exe add \"HKLM\\SYSTEM\\ControlSet001\\A\" /v C /t REG_DWORD /d 4 /f", ("hklm\\system\\currentcontrolset\\a", "c", "4")),
    ("registry", "Windows Registry Editor Version 5.00\n\n[HKEY_LOCAL_MACHINE\\A]\n\"C\"=dword:0000000a\n", ("hklm\\a", "c", "10")),
]  # fmt: skip


@pytest.mark.parametrize(("kind", "text", "expected"), REGISTRY)
def test_registry(kind: str, text: str, expected: tuple[object, ...]) -> None:
    assert rows(kind, text, "registryValues", "key", "name", "value") == [expected]


def test_growing_text_is_cut_off() -> None:
    assert rows("shell", "a=xxxxxxxx\n" + "a=$a$a\n" * 60 + "systemctl stop $a\n", "serviceChanges", "service") == [
        ("?",)
    ]


def test_a_proxy_that_is_reset_no_longer_holds() -> None:
    set_ = "netsh winhttp set proxy 10.1.0.4:3128"
    assert [
        each.declared for each in world("batch", f"{set_}\nnetsh winhttp reset proxy\n").of("guest/proxySettings")
    ] == [False]
    assert [
        each.declared for each in world("batch", f"netsh winhttp reset proxy\n{set_}\n").of("guest/proxySettings")
    ] == [True]
