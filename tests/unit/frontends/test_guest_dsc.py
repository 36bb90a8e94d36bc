"""Configurations for PowerShell's DSC: what their resources bring a machine to."""

# ruff: noqa: E501 - each case is one line
from __future__ import annotations

import pytest
from guest_worlds import places, rows

from bklint.frontends.guest import recognise


def configuration(resource: str, before: str = "") -> str:
    return f"Configuration Server {{\n  param([string] $Name = 'x')\n  Import-DscResource -ModuleName PSDscResources\n{before}  Node localhost {{\n{resource}\n  }}\n}}\nServer -OutputPath C:\\dsc\n"


SERVICES = [
    ("Service A { Name = 'VSS'; StartupType = 'Disabled' }", [("vss", "disable")]),
    ("xService A\n{\n  Name=\"VSS\"\n  StartupType=\"Disabled\"\n  State=\"Stopped\"\n}", [("vss", "disable"), ("vss", "stop")]),
    ("Service A # why\n{\n  # no\n  Name = 'VSS' # x\n  State = 'Running'\n}", [("vss", "start")]),
    ("Service A { Name = 'VSS'; Ensure = 'Absent' }", [("vss", "delete")]),
    ("ServiceSet A { Name = @('VSS', 'swprv'); StartupType = 'Disabled'; State = 'Ignore' }", [("vss", "disable"), ("swprv", "disable")]),
    ("foreach ($s in 'VSS', 'MSDTC') {\n  Service \"x$s\"\n  {\n    Name = $s\n    StartupType = 'Disabled'\n  }\n}", [("vss", "disable"), ("msdtc", "disable")]),
    ("Service A { Name = $Name; StartupType = 'Disabled' }", [("?", "disable")]),
    ("Registry A { Key = 'HKLM:\\SYSTEM\\CurrentControlSet\\Services\\VSS'; ValueName = 'Start'; ValueData = '4' }", [("vss", "disable")]),
    ("Registry A { Key = 'HKLM:\\SYSTEM\\CurrentControlSet\\Services\\VSS'; ValueName = 'Start'; ValueData = '4'; Ensure = 'Absent' }", []),
    ("Script A {\n  GetScript = { @{} }\n  TestScript = { Stop-Service a }\n  SetScript = { Stop-Service b }\n}", [("b", "stop")]),
    ("Unheard A { Name = 'VSS'; StartupType = 'Disabled' }", []),
    ("Service A { Name = 'VSS'; DependsOn = '[Service]B' }\nService B { Name = 'VSS2'; StartupType = 'Disabled' }", [("vss", "start"), ("vss2", "disable")]),
]  # fmt: skip


@pytest.mark.parametrize(("resource", "expected"), SERVICES)
def test_services(resource: str, expected: list[tuple[str, str]]) -> None:
    assert rows("powershell", configuration(resource), "serviceChanges", "service", "action") == expected


OTHERS = [
    ("Registry A { Key = 'HKEY_LOCAL_MACHINE\\Software\\X'; ValueName = 'Y'; ValueData = '10'; Hex = $true }", "registryValues", ("key", "name", "value"), [("hklm\\software\\x", "y", "16")]),
    ("WindowsFeature A { Name = 'NET-Framework-45-Core'; Ensure = 'Absent' }", "packageChanges", ("package", "action"), [("net-framework-45-core", "remove")]),
    ("WindowsOptionalFeature A { Name = 'NetFx4'; Ensure = 'Disable' }", "packageChanges", ("package", "action"), [("netfx4", "remove")]),
    ("Package A { Name = 'Microsoft Visual C++ 2013'; Ensure = 'Present' }", "packageChanges", ("package", "action"), [("microsoft visual c++ 2013", "install")]),
    ("Environment A { Name = 'http_proxy'; Value = 'http://10.0.0.4:3128' }", "proxySettings", ("url", "scope"), [("http://10.0.0.4:3128", "machine")]),
    ("Environment A { Name = 'http_proxy'; Value = 'x'; Ensure = 'Absent' }", "proxySettings", ("url",), []),
    ("xFirewall A { Direction = 'Outbound'; Action = 'Block'; RemoteAddress = '168.63.129.16'; Protocol = 'TCP'; RemotePort = '80' }", "firewallRules", ("action", "reach", "covers"), [("block", "explicit", ["80"])]),
    ("Firewall A { Direction = 'Outbound'; Action = 'Block'; Program = 'C:\\a.exe' }", "firewallRules", ("reach",), [("other",)]),
    ("Firewall A { Direction = 'Inbound'; Action = 'Block' }", "firewallRules", ("reach",), []),
    ("Firewall A { Direction = 'Outbound'; Action = 'Block'; Enabled = 'False' }", "firewallRules", ("reach",), []),
    ("FirewallProfile A { Name = 'Domain'; DefaultOutboundAction = 'Block' }", "firewallDefaults", ("action", "tool"), [("block", "windows")]),
    ("xIPAddress A { IPAddress = '10.0.0.5/24'; InterfaceAlias = 'Ethernet'; AddressFamily = 'IPv4' }", "networkInterfaces", ("name", "assignment", "address", "primary"), [("Ethernet", "static", "10.0.0.5/24", "yes")]),
    ("IPAddress A { IPAddress = 'fd00::5/64'; InterfaceAlias = 'Ethernet'; AddressFamily = 'IPv6' }", "networkInterfaces", ("name",), []),
    ("NetIPInterface A { InterfaceAlias = 'Ethernet'; AddressFamily = 'IPv4'; Dhcp = 'Disabled' }", "networkInterfaces", ("assignment",), [("static",)]),
    ("xDhcpClient A { InterfaceAlias = 'Ethernet'; AddressFamily = 'IPv4'; State = 'Enabled' }", "networkInterfaces", ("assignment",), [("dhcp",)]),
    ("Route A { InterfaceAlias = 'Ethernet'; AddressFamily = 'IPv4'; DestinationPrefix = '168.63.129.16/32'; NextHop = '10.0.0.9' }", "routes", ("destination", "diverts"), [("168.63.129.16/32", "yes")]),
    ("xBLBitlocker A { MountPoint = 'C:' }", "bitLockerActions", ("action",), [("on",)]),
]  # fmt: skip


@pytest.mark.parametrize(("resource", "kind", "names", "expected"), OTHERS)
def test_other_resources(resource: str, kind: str, names: tuple[str, ...], expected: list[tuple[object, ...]]) -> None:
    assert rows("powershell", configuration(resource), kind, *names) == expected


def test_places_are_those_of_the_settings() -> None:
    text = configuration("Service A\n{\n  Name = 'VSS'\n  StartupType = 'Disabled'\n  State = 'Stopped'\n}")
    assert places("powershell", text, "serviceChanges") == ["StartupType = 'Disabled'", "State = 'Stopped'"]


def test_a_condition_and_variables_are_followed() -> None:
    text = configuration("if ($Name) { Service A { Name = $what; StartupType = 'Disabled' } }", "  $what = 'VSS'\n")
    assert rows("powershell", text, "serviceChanges", "service", "conditional") == [("vss", True)]


def test_outside_of_a_configuration_a_block_is_no_resource() -> None:
    assert (
        rows("powershell", "Service A { Name = 'VSS'; StartupType = 'Disabled' }\n", "serviceChanges", "service") == []
    )


COMPILED = """/* @TargetNode='localhost' */
instance of MSFT_ServiceResource as $MSFT_ServiceResource1ref
{
 ResourceID = "[Service]a; {b}"; // StartupType = "Manual";
 Name = "VSS";
 StartupType = "Disabled";
 State = "Stopped";
};
instance of DSC_Firewall
{
 Direction = "Outbound"; Action = "Block";
 RemoteAddress = { "10.0.0.1", "168.63.129.16" };
};
instance of OMI_ConfigurationDocument { Name = "x"; Version = "2.0.0"; };
"""


def test_compiled_configurations() -> None:
    assert rows("mof", COMPILED, "serviceChanges", "service", "action") == [("vss", "disable"), ("vss", "stop")]
    assert rows("mof", COMPILED, "firewallRules", "action", "reach") == [("block", "explicit")]
    assert places("mof", COMPILED, "serviceChanges")[0] == 'StartupType = "Disabled"'


def test_a_compiled_configuration_is_recognised_by_name_and_content() -> None:
    assert recognise.recognises("a/localhost.mof", COMPILED.encode()) == "mof"
    assert recognise.recognises("a/localhost.mof", COMPILED.encode("utf-16")) == "mof"
    assert recognise.recognises("a/schema.mof", b"class A : OMI_BaseResource {};") is None


@pytest.mark.parametrize("size", [0, 1, 40, 120, 200])
def test_a_compiled_configuration_that_is_cut_off(size: int) -> None:
    rows("mof", COMPILED[:size], "serviceChanges", "service")
