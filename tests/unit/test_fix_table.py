"""Fixes of every class, with the value in each of the places it can stand in: the text that is changed there, and nothing
else."""

# ruff: noqa: E501 - cases are lines
from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping

import pytest

from bklint import run
from bklint.files import MemoryReader
from bklint.finding import Severity
from bklint.fix.verify import Fixed, Wanted
from policy_examples import policy_files

SUBSCRIPTION = "/subscriptions/11111111-2222-3333-4444-555555555555/resourceGroups/rg/providers"
SCHEMA = "https://schema.management.azure.com/schemas/2019-04-01"


def mended(files: Mapping[str, str], id_: str, unsafe: bool = False) -> Fixed:
    options = run.ScanOptions(select=(id_,), min_severity=Severity.WARNING)
    wanted = Wanted(unsafe, frozenset((id_,) if unsafe else ()), Severity.WARNING)
    return run.fixed(["."], options, run.load_policies(options), wanted, MemoryReader(files))


def check(files: Mapping[str, str], id_: str, name: str, old: str, new: str, unsafe: bool = False) -> None:
    """The fix turns the one `old` of a file into `new`, changes no other byte, and leaves nothing to do."""
    assert files[name].count(old) == 1
    fixed = mended(files, id_, unsafe)
    assert {path: after.decode() for path, (_, after) in fixed.files.items()} == {
        name: files[name].replace(old, new)
    }, [left.reason for left in fixed.left]
    after = {**files, name: files[name].replace(old, new)}
    assert not mended(after, id_, unsafe).files
    options = run.ScanOptions(select=(id_,), min_severity=Severity.WARNING)
    found = run.scan(["."], options, run.load_policies(options), MemoryReader(after)).findings
    assert [each for each in found if each.severity >= Severity.WARNING] == []


# -- resources -----------------------------------------------------------------------------------------------------


def backup_policy(days: str, count: str, version: str) -> str:
    return f"""resource "azurerm_backup_policy_vm" "p" {{
  name                           = "p"
  resource_group_name            = "rg"
  recovery_vault_name            = "rsv"
  policy_type                    = "{version}"
  instant_restore_retention_days = {days}

  backup {{
    frequency = "Daily"
    time      = "23:00"
  }}

  retention_daily {{
    count = {count}
  }}
}}
"""


def protected(state: str) -> str:
    return f"""resource "azurerm_backup_protected_vm" "i" {{
  resource_group_name = "rg"
  recovery_vault_name = "rsv"
  source_vm_id        = "{SUBSCRIPTION}/Microsoft.Compute/virtualMachines/vm"
  backup_policy_id    = "{SUBSCRIPTION}/Microsoft.RecoveryServices/vaults/rsv/backupPolicies/p"
  protection_state    = {state}
}}
"""


def machine(argument: str) -> Callable[[str], str]:
    return lambda value: (
        f'resource "azurerm_linux_virtual_machine" "m" {{\n  name                       = "m"\n'
        f'  resource_group_name        = "rg"\n  location                   = "westeurope"\n  {argument} = {value}\n}}\n'
    )


POLICY_TYPE = "Microsoft.RecoveryServices/vaults/backupPolicies"
MACHINE_TYPE = "Microsoft.Compute/virtualMachines"
ITEM_TYPE = "Microsoft.RecoveryServices/vaults/backupFabrics/protectionContainers/protectedItems"


def policy_properties(days: object, count: object, version: str) -> dict[str, object]:
    return {
        "backupManagementType": "AzureIaasVM",
        "policyType": version,
        "instantRpRetentionRangeInDays": days,
        "schedulePolicy": {
            "schedulePolicyType": "SimpleSchedulePolicy",
            "scheduleRunFrequency": "Daily",
            "scheduleRunTimes": ["2024-01-01T23:00:00Z"],
        },
        "retentionPolicy": {
            "retentionPolicyType": "LongTermRetentionPolicy",
            "dailySchedule": {"retentionDuration": {"count": count, "durationType": "Days"}},
        },
    }


def item_properties(state: object) -> dict[str, object]:
    return {
        "protectedItemType": "Microsoft.Compute/virtualMachines",
        "sourceResourceId": f"{SUBSCRIPTION}/Microsoft.Compute/virtualMachines/vm",
        "policyId": f"{SUBSCRIPTION}/{POLICY_TYPE.replace('/backup', '/rsv/backup')}/p",
        "protectionState": state,
    }


Case = tuple[str, str, Callable[[str], str], str, Callable[[object], dict[str, object]]]
RESOURCES: dict[str, Case] = {
    "BKP702": (
        "20",
        "18",
        lambda v: backup_policy(v, "30", "V1"),
        POLICY_TYPE,
        lambda v: policy_properties(v, 30, "V1"),
    ),
    "BKP703": ("7", "5", lambda v: backup_policy(v, "30", "V1"), POLICY_TYPE, lambda v: policy_properties(v, 30, "V1")),
    "BKP706": ('"ProtectionStopped"', '"Protected"', protected, ITEM_TYPE, item_properties),
    "BKP711": (
        "8",
        "10",
        lambda v: backup_policy("10", v, "V2"),
        POLICY_TYPE,
        lambda v: policy_properties(10, v, "V2"),
    ),
    "BKP501": (
        "false",
        "true",
        machine("provision_vm_agent        "),
        MACHINE_TYPE,
        lambda v: {"osProfile": {"linuxConfiguration": {"provisionVMAgent": v}}},
    ),
    "BKP502": (
        "false",
        "true",
        machine("allow_extension_operations"),
        MACHINE_TYPE,
        lambda v: {"osProfile": {"allowExtensionOperations": v}},
    ),
}
"""Policy to the value that is wrong, the one that is right, an azurerm resource with a value, and its ARM type and
properties."""
UNSAFE = {"BKP501", "BKP502"}
"""Those that replace a resource or change a security control."""
KEYS = {
    "BKP706": "protectionState",
    "BKP711": "count",
    "BKP501": "provisionVMAgent",
    "BKP502": "allowExtensionOperations",
}
"""Policy to the property in a template."""


def hcl(data: object, indent: str = "    ") -> str:
    if isinstance(data, dict):
        rows = [f"{indent}  {key} = {hcl(item, indent + '  ')}" for key, item in data.items()]
        return "\n".join(("{", *rows, indent + "}"))
    if isinstance(data, list):
        return f"[{', '.join(hcl(item) for item in data)}]"
    return data[1:] if isinstance(data, str) and data.startswith("=") else json.dumps(data)


def azapi(type_: str, properties: Mapping[str, object]) -> str:
    return f"""resource "azapi_resource" "r" {{
  type      = "{type_}@2024-04-01"
  name      = "r"
  parent_id = "{SUBSCRIPTION}/Microsoft.RecoveryServices/vaults/rsv"
  body = jsonencode({{
    properties = {hcl(properties)}
  }})
}}
"""


def in_heredoc(type_: str, properties: Mapping[str, object]) -> str:
    body = json.dumps({"properties": properties}, indent=2)
    return azapi(type_, {}).split("  body = ")[0] + f"  body = <<JSON\n{body}\nJSON\n}}\n"


def key_of(id_: str) -> str:
    return KEYS.get(id_, "instantRpRetentionRangeInDays")


def terraform(id_: str) -> Iterator[tuple[str, dict[str, str], str, str, str]]:
    """The places of a value in Terraform: name, files, and the text that is to change in one of them."""
    old, new, resource, type_, properties = RESOURCES[id_]
    variable = 'variable "value" {}\n'
    default = f'variable "value" {{\n  default = {old}\n}}\n'
    made = azapi(type_, properties("=" + old))
    for label, text, wrong in (("literal", resource(old), f"= {old}\n"), ("jsonencode", made, f" = {old}\n")):
        yield label, {"main.tf": text}, "main.tf", wrong, wrong.replace(old, new)
    text = in_heredoc(type_, properties(json.loads(old)))
    yield "heredoc", {"main.tf": text}, "main.tf", f'"{key_of(id_)}": {old}', f'"{key_of(id_)}": {new}'
    used = {"argument": resource("var.value"), "jsonencode": azapi(type_, properties("=var.value"))}
    for label, text in used.items():
        wrong, right = f"default = {old}", f"default = {new}"
        yield f"{label}, default", {"main.tf": text, "variables.tf": default}, "variables.tf", wrong, right
        files = {"main.tf": text, "variables.tf": variable, "terraform.tfvars": f"value = {old}\n"}
        yield f"{label}, tfvars", files, "terraform.tfvars", f"value = {old}", f"value = {new}"
        files = {"m/main.tf": text + variable, "main.tf": f'module "m" {{\n  source = "./m"\n  value  = {old}\n}}\n'}
        yield f"{label}, module", files, "main.tf", f"value  = {old}", f"value  = {new}"


def arm(id_: str) -> Iterator[tuple[str, dict[str, str], str, str, str]]:
    """The same in ARM templates."""
    old, new, _, type_, properties = RESOURCES[id_]
    value = json.loads(old)
    kind = "string" if isinstance(value, str) else "bool" if isinstance(value, bool) else "int"

    def template(written: object, **more: object) -> str:
        name = "/".join(["r"] * (type_.count("/")))
        resource = {"type": type_, "apiVersion": "2024-04-01", "name": name, "properties": properties(written)}
        head = {"$schema": f"{SCHEMA}/deploymentTemplate.json#", "contentVersion": "1.0.0.0"}
        return json.dumps({**head, **more, "resources": [resource]}, indent=2)

    key = key_of(id_)
    yield "literal", {"a.json": template(value)}, "a.json", f'"{key}": {old}', f'"{key}": {new}'
    text = template("[parameters('v')]", parameters={"v": {"type": kind, "defaultValue": value}})
    yield "default", {"a.json": text}, "a.json", f'"defaultValue": {old}', f'"defaultValue": {new}'
    text = template("[variables('v')]", variables={"v": value})
    yield "variable", {"a.json": text}, "a.json", f'"v": {old}', f'"v": {new}'
    files = {
        "a.json": template("[parameters('v')]", parameters={"v": {"type": kind}}),
        "a.parameters.json": f'{{"$schema": "{SCHEMA}/deploymentParameters.json#", "parameters": {{"v": {{"value": {old}}}}}}}',
    }
    yield "parameters", files, "a.parameters.json", f'"value": {old}', f'"value": {new}'


TABLE = [
    pytest.param(id_, *rest, id=f"{id_} {dialect} {label}")
    for id_ in RESOURCES
    for dialect, made in (("terraform", terraform), ("arm", arm))
    for label, *rest in made(id_)
]


@pytest.mark.parametrize(("id_", "files", "name", "old", "new"), TABLE)
def test_resources(id_: str, files: dict[str, str], name: str, old: str, new: str) -> None:
    check(files, id_, name, old, new, unsafe=id_ in UNSAFE)


# -- what machines run or read -------------------------------------------------------------------------------------

SERVICES = "HKLM\\SYSTEM\\CurrentControlSet\\Services"


def notations(service: str, right: str) -> Iterator[tuple[str, str, str, str]]:
    """The notations that disable a service: file, text, and what is to change in it."""
    word, sc, number = {"manual": ("Manual", "demand", "3"), "enable": ("Automatic", "auto", "2")}[right]
    yield "a.ps1", f"Set-Service -Name {service} -StartupType Disabled -Status Running\n", "Disabled", word
    yield "a.ps1", f"Get-Service {service} | Set-Service -StartupType 'disabled'\n", "disabled", word.lower()
    yield "a.ps1", f"sc.exe config {service} start= disabled\n", "disabled", sc
    yield "a.cmd", f"@echo off\r\nsc config {service} start=disabled\r\n", "disabled", sc
    yield "a.cmd", f'reg add "{SERVICES}\\{service}" /v Start /t REG_DWORD /d 4 /f\n', "/d 4", f"/d {number}"
    yield (
        "a.ps1",
        f"Set-ItemProperty 'HKLM:\\SYSTEM\\CurrentControlSet\\Services\\{service}' -Name Start -Value 4\n",
        "-Value 4",
        f"-Value {number}",
    )
    yield (
        "a.ps1",
        f"(Get-WmiObject Win32_Service -Filter \"Name='{service}'\").ChangeStartMode('Disabled')\n",
        "Disabled",
        word,
    )
    key = SERVICES.replace("HKLM", "HKEY_LOCAL_MACHINE")
    yield (
        "a.reg",
        f'Windows Registry Editor Version 5.00\n\n[{key}\\{service}]\n"Start"=dword:00000004\n',
        "00000004",
        f"0000000{number}",
    )
    yield "a.inf", f'[Unicode]\nUnicode=yes\n[Service General Setting]\n"{service}",4,""\n', ",4,", f",{number},"
    yield (
        "a.ps1",
        f"Configuration C {{\n  Service S {{\n    Name        = '{service}'\n    StartupType = 'Disabled'\n  }}\n}}\n",
        "Disabled",
        word,
    )


LOOSE = [
    ("BKP605", "etc/waagent.conf", "# x\nExtensions.Enabled=n\nResourceDisk.Format=n\n", "Enabled=n", "Enabled=y"),
    ("BKP605", "a.sh", "sed -i 's/Extensions.Enabled=y/Extensions.Enabled=n/' /etc/waagent.conf\n", "Enabled=n", "Enabled=y"),
    ("BKP605", "a.sh", 'echo "Extensions.Enabled=n" >> /etc/waagent.conf\n', "Enabled=n", "Enabled=y"),
    ("BKP605", "a.sh", "cat > /etc/waagent.conf <<EOF\nLogs.Verbose=n\nExtensions.Enabled=n\nEOF\n", "Enabled=n", "Enabled=y"),
    ("BKP605", "c.yaml", "#cloud-config\nwrite_files:\n  - path: /etc/waagent.conf\n    content: |\n      Extensions.Enabled=n\n", "Enabled=n", "Enabled=y"),
    ("BKP606", "etc/waagent.conf", "Provisioning.Agent=disabled\n", "=disabled", "=auto"),
    ("BKP609", "a.cmd", "sc config MSDTC obj= LocalSystem\n", "LocalSystem", '"NT AUTHORITY\\NetworkService"'),
    ("BKP609", "a.ps1", "sc.exe config MSDTC obj= '.\\svc' password= 'x'\n", "'.\\svc'", '"NT AUTHORITY\\NetworkService"'),
    *(("BKP608", *rest) for rest in notations("COMSysApp", "manual")),
    *(("BKP608", *rest) for rest in notations("MSDTC", "manual")),
    *(("BKP610", *rest) for rest in notations("swprv", "manual")),
    *(("BKP611", *rest) for rest in notations("msiserver", "manual")),
    *(("BKP619", *rest) for rest in notations("Dhcp", "enable")),
]  # fmt: skip


@pytest.mark.parametrize(("id_", "name", "text", "old", "new"), LOOSE)
def test_files_of_machines(id_: str, name: str, text: str, old: str, new: str) -> None:
    check({name: text}, id_, name, old, new)


LINUX = 'resource "azurerm_linux_virtual_machine" "vm" {\n  name = "vm"\n}\n'
SED = "sed -i 's/Extensions.Enabled=y/Extensions.Enabled=n/' /etc/waagent.conf"


def run_command(script: str) -> str:
    return (
        LINUX
        + 'resource "azurerm_virtual_machine_run_command" "c" {\n  name               = "c"\n'
        + f"  virtual_machine_id = azurerm_linux_virtual_machine.vm.id\n  source {{\n    script = {script}\n  }}\n}}\n"
    )


def extension(settings: str) -> str:
    return (
        LINUX
        + 'resource "azurerm_virtual_machine_extension" "e" {\n  name               = "e"\n  publisher = "Microsoft.Azure.Extensions"\n'
        + f'  type      = "CustomScript"\n  virtual_machine_id = azurerm_linux_virtual_machine.vm.id\n  settings  = {settings}\n}}\n'
    )


HEREDOC = f"<<-EOT\n    #!/bin/sh\n    {SED}\n  EOT\n"
VARIABLE = 'variable "s" {}\n'
CARRIED = {
    "literal": ({"main.tf": run_command(f'"{SED}"')}, "main.tf"),
    "heredoc": ({"main.tf": run_command(HEREDOC)}, "main.tf"),
    "variable default": ({"main.tf": run_command("var.s"), "v.tf": f'variable "s" {{\n  default = {HEREDOC}}}\n'}, "v.tf"),
    "tfvars": ({"main.tf": run_command("var.s") + VARIABLE, "terraform.tfvars": f"s = {HEREDOC}"}, "terraform.tfvars"),
    "module argument": (
        {"m/main.tf": run_command("var.s") + VARIABLE, "main.tf": f'module "m" {{\n  source = "./m"\n  s = {HEREDOC}}}\n'},
        "main.tf",
    ),
    "file": ({"main.tf": run_command('file("a.sh")'), "a.sh": f"{SED}\n"}, "a.sh"),
    "template": ({"main.tf": run_command('templatefile("a.sh", { x = "y" })'), "a.sh": f"echo ${{x}}\n{SED}\n"}, "a.sh"),
    "jsonencode": ({"main.tf": extension(f'jsonencode({{ commandToExecute = "{SED}" }})')}, "main.tf"),
    "JSON in a heredoc": ({"main.tf": extension(f'<<JSON\n{{"commandToExecute": "{SED}"}}\nJSON\n')}, "main.tf"),
}  # fmt: skip


@pytest.mark.parametrize("case", CARRIED)
def test_texts_in_machines(case: str) -> None:
    files, name = CARRIED[case]
    check(files, "BKP605", name, "Enabled=n", "Enabled=y")


def template(command: object, **more: object) -> str:
    properties = {
        "publisher": "Microsoft.Azure.Extensions",
        "type": "CustomScript",
        "settings": {"commandToExecute": command},
    }
    resource = {
        "type": "Microsoft.Compute/virtualMachines/extensions",
        "apiVersion": "2024-03-01",
        "name": "vm/e",
        "properties": properties,
    }
    return json.dumps(
        {"$schema": f"{SCHEMA}/deploymentTemplate.json#", "contentVersion": "1.0.0.0", **more, "resources": [resource]},
        indent=2,
    )


TEMPLATES = {
    "literal": template(SED),
    "parameter default": template("[parameters('c')]", parameters={"c": {"type": "string", "defaultValue": SED}}),
    "variable": template("[variables('c')]", variables={"c": SED}),
    "expression": template(f"[concat('{SED.replace(chr(39), chr(39) * 2)}', ' --x')]"),
}


@pytest.mark.parametrize("case", TEMPLATES)
def test_texts_in_machines_of_templates(case: str) -> None:
    check({"a.json": TEMPLATES[case]}, "BKP605", "a.json", "Enabled=n", "Enabled=y")


def test_what_a_machine_is_made_with_is_replaced() -> None:
    text = LINUX.replace('"vm"\n}', f'"vm"\n  custom_data = base64encode({HEREDOC}  )\n}}')
    fixed = mended({"main.tf": text}, "BKP605")
    assert not fixed.files
    assert "forces replacement" in fixed.left[0].reason
    check({"main.tf": text}, "BKP605", "main.tf", "Enabled=n", "Enabled=y", unsafe=True)


REFUSED = [
    ("BKP610", "a.ps1", "foreach ($s in 'VSS', 'Foo') { Set-Service $s -StartupType Disabled }; 'VSS'\n", "about other services too"),
    ("BKP610", "a.cmd", "for %%s in (VSS Foo) do sc config %%s start= disabled\n", "about other services too"),
    ("BKP610", "a.ps1", "$type = 'Disabled'\nSet-Service VSS -StartupType $type\n", "not written out there once"),
    ("BKP610", "a.ps1", "Stop-Service VSS\n", "it takes a decision here"),
    ("BKP607", "a.sh", "systemctl stop waagent\n", "it takes a decision"),
    ("BKP605", "c.yaml", "#cloud-config\nwrite_files:\n  - path: /etc/waagent.conf\n    encoding: b64\n    content: RXh0ZW5zaW9ucy5FbmFibGVkPW4=\n", "not written out there once"),
]  # fmt: skip


@pytest.mark.parametrize(("id_", "name", "text", "reason"), REFUSED)
def test_left_to_people(id_: str, name: str, text: str, reason: str) -> None:
    fixed = mended({name: text}, id_)
    assert not fixed.files
    assert any(reason in left.reason for left in fixed.left), [left.reason for left in fixed.left]


def test_each_safe_fix_is_in_the_table() -> None:
    safe = {file.policy.id for file in policy_files() if file.policy.safety == "safe"}
    assert safe == {*RESOURCES, *(case[0] for case in LOOSE)} - UNSAFE
