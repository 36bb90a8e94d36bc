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
