"""Where fixes are written, what they look like, and what is refused: exact diffs of small configurations."""

from __future__ import annotations

import difflib
import json
from collections.abc import Mapping
from pathlib import Path

import pytest

from bklint import run
from bklint.cli import main
from bklint.files import MemoryReader
from bklint.finding import Severity
from bklint.fix.edits import Edit, RefusedError, applied, united
from bklint.fix.gate import check
from bklint.fix.verify import Fixed, Wanted
from bklint.frontends import Options
from bklint.source import Source

Files = Mapping[str, "str | bytes"]


def mended(files: Files, *ids: str, unsafe: bool = True, named: bool = True, **more: object) -> Fixed:
    options = run.ScanOptions(select=ids, min_severity=Severity.INFO, **more)  # type: ignore[arg-type]
    wanted = Wanted(unsafe, frozenset(ids) if named else frozenset(), Severity.INFO)
    return run.fixed(["."], options, run.load_policies(options), wanted, MemoryReader(files))


def changes(fixed: Fixed) -> list[str]:
    """The changed lines, `file: -old` and `file: +new`."""
    found = []
    for name, (before, after) in sorted(fixed.files.items()):
        a, b = before.decode().split("\n"), after.decode().split("\n")
        lines = difflib.unified_diff(a, b, lineterm="", n=0)
        found += [f"{name}: {line}" for line in lines if not line.startswith(("---", "+++", "@@"))]
    return found


def reasons(fixed: Fixed) -> list[str]:
    return sorted({left.reason for left in fixed.left})


def vm(agent: str, name: str = "app", more: str = "") -> str:
    return f"""resource "azurerm_linux_virtual_machine" "{name}" {{
  name                = "vm-{name}"
  resource_group_name = "rg-app"
  location            = "westeurope"
  provision_vm_agent  = {agent}
{more}}}
"""


VARIABLE = """variable "agent" {
  type    = bool
  default = false # as before
}
"""
MODULE = {"app/main.tf": 'variable "agent" {\n  type = bool\n}\n\n' + vm("var.agent")}
CALL = 'module "app" {\n  source = "./app"\n  agent  = false\n}\n'

PLACES: dict[str, tuple[Files, list[str]]] = {
    "literal": (
        {"main.tf": vm("false # no agent")},
        [
            "main.tf: -  provision_vm_agent  = false # no agent",
            "main.tf: +  provision_vm_agent  = true # no agent",
        ],
    ),
    "text": (
        {"main.tf": vm('"false"')},
        ['main.tf: -  provision_vm_agent  = "false"', 'main.tf: +  provision_vm_agent  = "true"'],
    ),
    "variable default": (
        {"main.tf": vm("var.agent"), "variables.tf": VARIABLE},
        ["variables.tf: -  default = false # as before", "variables.tf: +  default = true # as before"],
    ),
    "variable that is used twice": (
        {"main.tf": vm("var.agent"), "variables.tf": VARIABLE, "outputs.tf": 'output "a" {\n  value = var.agent\n}\n'},
        ["main.tf: -  provision_vm_agent  = var.agent", "main.tf: +  provision_vm_agent  = true"],
    ),
    "variable with a validation": (
        {
            "main.tf": vm("var.agent"),
            "variables.tf": VARIABLE[:-2]
            + '  validation {\n    condition = !var.agent\n    error_message = "no"\n  }\n}\n',
        },
        ["main.tf: -  provision_vm_agent  = var.agent", "main.tf: +  provision_vm_agent  = true"],
    ),
    "tfvars": (
        {"main.tf": vm("var.agent"), "variables.tf": VARIABLE, "terraform.tfvars": 'region = "x"\nagent  = false\n'},
        ["terraform.tfvars: -agent  = false", "terraform.tfvars: +agent  = true"],
    ),
    "tfvars in JSON": (
        {"main.tf": vm("var.agent"), "variables.tf": VARIABLE, "terraform.tfvars.json": '{\n  "agent": false\n}\n'},
        ['terraform.tfvars.json: -  "agent": false', 'terraform.tfvars.json: +  "agent": true'],
    ),
    "two tfvars that are alternatives": (
        {
            "main.tf": vm("var.agent"),
            "variables.tf": VARIABLE,
            "dev.tfvars": "agent = false\n",
            "prod.tfvars": "agent = true\n",
        },
        ["dev.tfvars: -agent = false", "dev.tfvars: +agent = true"],
    ),
    "module argument": (
        {"main.tf": CALL, **MODULE},
        ["main.tf: -  agent  = false", "main.tf: +  agent  = true"],
    ),
    "module argument from a variable": (
        {"main.tf": CALL.replace("false", "var.agent"), "variables.tf": VARIABLE, **MODULE},
        ["variables.tf: -  default = false # as before", "variables.tf: +  default = true # as before"],
    ),
    "two callers, one of them in order": (
        {"main.tf": CALL + CALL.replace('"app"', '"other"').replace("false", "true"), **MODULE},
        ["main.tf: -  agent  = false", "main.tf: +  agent  = true"],
    ),
    "default of a module, one caller in order": (
        {
            "main.tf": CALL.replace("  agent  = false\n", "")
            + CALL.replace('"app"', '"other"').replace("false", "true"),
            "app/main.tf": VARIABLE + vm("var.agent"),
        },
        ["app/main.tf: -  default = false # as before", "app/main.tf: +  default = true # as before"],
    ),
    "local": (
        {"main.tf": "locals {\n  agent = false\n}\n" + vm("local.agent")},
        ["main.tf: -  agent = false", "main.tf: +  agent = true"],
    ),
    "member of a loop's map": (
        {
            "main.tf": "locals {\n  vms = {\n    a = { agent = false }\n    b = { agent = true }\n  }\n}\n"
            + vm("each.value.agent", more="  for_each            = local.vms\n")
        },
        ["main.tf: -    a = { agent = false }", "main.tf: +    a = { agent = true }"],
    ),
    "conditional": (
        {"main.tf": VARIABLE + vm("var.agent ? true : false")},
        ["main.tf: -  provision_vm_agent  = var.agent ? true : false", "main.tf: +  provision_vm_agent  = true"],
    ),
    "both settings at once": (
        {"main.tf": vm("false", more="  allow_extension_operations = false\n")},
        [
            "main.tf: -  provision_vm_agent  = false",
            "main.tf: -  allow_extension_operations = false",
            "main.tf: +  provision_vm_agent  = true",
            "main.tf: +  allow_extension_operations = true",
        ],
    ),
    "an empty block on one line": (
        {"main.tf": 'resource "azurerm_virtual_machine" "a" {\n  name = "a"\n  os_profile_windows_config {}\n}\n'},
        [
            "main.tf: -  os_profile_windows_config {}",
            "main.tf: +  os_profile_windows_config {",
            "main.tf: +    provision_vm_agent = true",
            "main.tf: +  }",
        ],
    ),
    "an empty block": (
        {"main.tf": 'resource "azurerm_virtual_machine" "a" {\n  name = "a"\n  os_profile_windows_config {\n  }\n}\n'},
        ["main.tf: +    provision_vm_agent = true"],
    ),
    "override file": (
        {"main.tf": vm("true"), "main_override.tf": vm("false")},
        ["main_override.tf: -  provision_vm_agent  = false", "main_override.tf: +  provision_vm_agent  = true"],
    ),
    "JSON syntax": (
        {
            "main.tf.json": json.dumps(
                {"resource": {"azurerm_linux_virtual_machine": {"a": {"name": "a", "provision_vm_agent": False}}}},
                indent=2,
            )
        },
        ['main.tf.json: -        "provision_vm_agent": false', 'main.tf.json: +        "provision_vm_agent": true'],
    ),
}


@pytest.mark.parametrize("case", PLACES)
def test_place(case: str) -> None:
    files, expected = PLACES[case]
    fixed = mended(files, "BKP501")
    assert changes(fixed) == expected, reasons(fixed)
    again = mended({**files, **{name: after for name, (_, after) in fixed.files.items()}}, "BKP501")
    assert not again.files


def template(properties: str, more: str = "", resource: str = "") -> str:
    return f"""{{
  "$schema": "https://schema.management.azure.com/schemas/2019-04-01/deploymentTemplate.json#",
  "contentVersion": "1.0.0.0",{more}
  "resources": [
    {{
      "type": "Microsoft.Compute/virtualMachines", "apiVersion": "2024-03-01", "name": "vm", {resource}
      "properties": {{
        "osProfile": {{ "linuxConfiguration": {{ "provisionVMAgent": {properties} }} }} // the agent
      }}
    }},
  ]
}}
"""


AGENT = '\n  "parameters": {"agent": {"type": "bool", "defaultValue": false}},'
ARM: dict[str, tuple[Files, list[str]]] = {
    "literal": ({"a.json": template("false")}, ["false", "true"]),
    "text": ({"a.json": template('"False"')}, ['"False"', '"true"']),
    "parameter default": (
        {"a.json": template("\"[parameters('agent')]\"", AGENT)},
        ['"defaultValue": false', '"defaultValue": true'],
    ),
    "parameter that is used twice": (
        {"a.json": template("\"[parameters('agent')]\"", AGENT, '"tags": {"a": "[string(parameters(\'agent\'))]"},')},
        ['"provisionVMAgent": "[parameters(\'agent\')]"', '"provisionVMAgent": true'],
    ),
    "parameter with allowed values": (
        {"a.json": template("\"[parameters('agent')]\"", AGENT.replace("false}", 'false, "allowedValues": [false]}'))},
        ['"provisionVMAgent": "[parameters(\'agent\')]"', '"provisionVMAgent": true'],
    ),
    "parameters file": (
        {
            "a.json": template("\"[parameters('agent')]\"", AGENT),
            "a.parameters.json": '{"$schema": "https://schema.management.azure.com/schemas/2019-04-01/'
            'deploymentParameters.json#", "parameters": {"agent": {"value": false}}}',
        },
        ['{"value": false}', '{"value": true}'],
    ),
    "variable": (
        {"a.json": template("\"[variables('agent')]\"", '\n  "variables": {"agent": false},')},
        ['"agent": false', '"agent": true'],
    ),
    "computed": (
        {"a.json": template('"[not(true())]"')},
        ['"provisionVMAgent": "[not(true())]"', '"provisionVMAgent": true'],
    ),
}


@pytest.mark.parametrize("case", ARM)
def test_place_in_templates(case: str) -> None:
    files, (old, new) = ARM[case]
    fixed = mended(files, "BKP501")
    assert len(fixed.files) == 1, reasons(fixed)
    name, (before, after) = next(iter(fixed.files.items()))
    assert old in before.decode()
    text = before.decode()
    at = text.index(old) if case != "literal" else text.index(": false") + 2
    assert after.decode() == text[:at] + new + text[at + len(old) :]
    assert not mended({**files, name: after}, "BKP501").files


# -- embedded JSON -------------------------------------------------------------------------------------------------

DIRECTORIES = ("Packages\\Plugins", "WindowsAzure\\Logs\\Plugins")


def antimalware(settings: str) -> str:
    return f"""resource "azurerm_virtual_machine_extension" "av" {{
  name                 = "av"
  virtual_machine_id   = "/subscriptions/1/resourceGroups/rg/providers/Microsoft.Compute/virtualMachines/vm"
  publisher            = "Microsoft.Azure.Security"
  type                 = "IaaSAntimalware"
  type_handler_version = "1.5"
  settings             = {settings}
}}
"""


def paths(slash: str) -> str:
    found = (f"C:\\{each}\\Microsoft.Azure.RecoveryServices.VMSnapshot" for each in DIRECTORIES)
    return ";".join(found).replace("\\", slash)


EMBEDDED: dict[str, tuple[str, str]] = {
    "object": (
        "jsonencode({\n    AntimalwareEnabled = true # on\n  })",
        "jsonencode({\n    AntimalwareEnabled = true # on\n    Exclusions = {\n"
        + f'      Paths = "{paths(chr(92) * 2)}"\n    }}\n  }})',
    ),
    "object with names in quotes": (
        'jsonencode({\n    "AntimalwareEnabled" = true\n  })',
        'jsonencode({\n    "AntimalwareEnabled" = true\n    "Exclusions" = {\n'
        + f'      "Paths" = "{paths(chr(92) * 2)}"\n    }}\n  }})',
    ),
    "object on one line": (
        "jsonencode({ AntimalwareEnabled = true })",
        f'jsonencode({{ AntimalwareEnabled = true, Exclusions = {{ Paths = "{paths(chr(92) * 2)}" }} }})',
    ),
    "heredoc": (
        '<<-JSON\n    {\n      "AntimalwareEnabled": true\n    }\n  JSON',
        '<<-JSON\n    {\n      "AntimalwareEnabled": true,\n      "Exclusions": {\n'
        + f'        "Paths": "{paths(chr(92) * 2)}"\n      }}\n    }}\n  JSON',
    ),
    "heredoc, value": (
        '<<JSON\n{"AntimalwareEnabled": true, "Exclusions": {"Paths": "D:\\\\Data"}}\nJSON',
        '<<JSON\n{"AntimalwareEnabled": true, "Exclusions": {"Paths": "D:\\\\Data;' + paths(chr(92) * 2) + '"}}\nJSON',
    ),
    "quoted": (
        '"{\\"AntimalwareEnabled\\": true}"',
        '"{\\"AntimalwareEnabled\\": true, \\"Exclusions\\": {\\"Paths\\": \\"' + paths(chr(92) * 4) + '\\"}}"',
    ),
}


@pytest.mark.parametrize("case", EMBEDDED)
@pytest.mark.parametrize("end", ["\n", "\r\n"], ids=["LF", "CRLF"])
def test_embedded_json(case: str, end: str) -> None:
    before, after = (antimalware(text).replace("\n", end) for text in EMBEDDED[case])
    fixed = mended({"main.tf": before}, "BKP504")
    assert fixed.files, reasons(fixed)
    assert fixed.files["main.tf"][1].decode() == after


# -- refusals ------------------------------------------------------------------------------------------------------

LOCK = """resource "azurerm_management_lock" "backup" {
  name       = "lock-backup"
  scope      = "/subscriptions/11111111-2222-3333-4444-555555555555/resourceGroups/AzureBackupRG_westeurope_1"
  lock_level = "CanNotDelete"
}
"""
RULE = """  {} {{
    name                       = "deny-host"
    priority                   = 200
    direction                  = "Outbound"
    access                     = "Deny"
    protocol                   = "*"
    source_address_prefix      = "*"
    source_port_range          = "*"
    destination_address_prefix = "168.63.129.16/32"
    destination_port_range     = "*"
  }}
"""
GROUP = 'resource "azurerm_network_security_group" "a" {\n  name = "a"\n  resource_group_name = "rg"\n'

REFUSED: dict[str, tuple[Files, str, str]] = {
    "referred to": (
        {"main.tf": LOCK, "outputs.tf": 'output "lock" {\n  value = azurerm_management_lock.backup.id\n}\n'},
        "BKP201",
        "something refers to azurerm_management_lock.backup",
    ),
    "override": ({"main.tf": LOCK, "main_override.tf": LOCK}, "BKP201", "declared in more than one place"),
    "UTF-16": ({"main.tf": b"\xff\xfe" + vm("false").encode("utf-16-le")}, "BKP501", "UTF-16"),
    "compiled from Bicep": (
        {"a.json": template("false", '\n  "metadata": {"_generator": {"name": "bicep", "version": "1"}},')},
        "BKP501",
        "compiled from Bicep",
    ),
    "installed module": (
        {
            "main.tf": 'module "app" {\n  source = "registry/app/azurerm"\n}\n',
            ".terraform/modules/modules.json": '{"Modules": [{"Key": "app", "Source": "x", "Dir": ".terraform/modules/app"}]}',
            ".terraform/modules/app/main.tf": vm("false"),
        },
        "BKP501",
        "belongs to an installed module",
    ),
    "a loop with one in order": (
        {"main.tf": vm('each.key == "b"', more='  for_each = toset(["a", "b"])\n')},
        "BKP501",
        "others that are in order depend on the same text",
    ),
    "dynamic block": (
        {
            "main.tf": GROUP
            + '  dynamic "security_rule" {\n    for_each = ["deny-host"]\n'
            + RULE.format("content").replace('"deny-host"', "security_rule.value")
            + "  }\n}\n"
        },
        "BKP101",
        "not written as a block of its own",
    ),
    "several destinations, a rule of its own in a loop": (
        {
            "main.tf": GROUP
            + "}\n"
            + 'resource "azurerm_network_security_rule" "a" {\n  count = 1\n  network_security_group_name = "a"\n'
            + '  resource_group_name = "rg"\n'
            + RULE.format("x")
            .split("\n", 1)[1]
            .rsplit("}", 1)[0]
            .replace("prefix = ", "prefix = ")
            .replace(
                'destination_address_prefix = "168.63.129.16/32"',
                'destination_address_prefixes = ["168.63.129.16/32", "10.0.0.4"]',
            )
            + "}\n"
        },
        "BKP101",
        "how the new one is made is to be decided",
    ),
    "one line": (
        {
            "main.tf": 'resource "azurerm_virtual_machine" "a" {\n  name = "a"\n'
            '  os_profile_windows_config { timezone = "X" }\n}\n'
        },
        "BKP501",
        "the block stands on one line",
    ),
}


@pytest.mark.parametrize("case", REFUSED)
def test_refused(case: str) -> None:
    files, id_, reason = REFUSED[case]
    fixed = mended(files, id_)
    assert not fixed.files, changes(fixed)
    assert any(reason in each for each in reasons(fixed)), reasons(fixed)


def test_a_value_of_the_command_line_is_refused() -> None:
    files = {"main.tf": vm("var.agent"), "variables.tf": VARIABLE.replace("false", "true")}
    fixed = mended(files, "BKP501", inputs=Options(variables=(("agent", "false"),)))
    assert changes(fixed) == ["main.tf: -  provision_vm_agent  = var.agent", "main.tf: +  provision_vm_agent  = true"]


@pytest.mark.parametrize(
    ("unsafe", "named", "reason"),
    [
        (False, True, "--unsafe-fixes"),
        (True, False, "changes a security control (management lock)"),
        (False, False, "--select BKP201"),
    ],
)
def test_security_is_asked_for_by_name(unsafe: bool, named: bool, reason: str) -> None:
    fixed = mended({"main.tf": LOCK}, "BKP201", unsafe=unsafe, named=named)
    assert not fixed.files
    assert reason in reasons(fixed)[0]


def test_replacement_needs_unsafe_fixes() -> None:
    assert (
        "forces replacement: add --unsafe-fixes" in reasons(mended({"main.tf": vm("false")}, "BKP501", unsafe=False))[0]
    )
    assert mended({"main.tf": vm("false")}, "BKP501", named=False).files


def test_both_settings_are_a_matter_of_security() -> None:
    files = {"main.tf": vm("false", more="  allow_extension_operations = false\n")}
    assert "extension operations of the machine" in reasons(mended(files, "BKP501", named=False))[0]


# -- removal -------------------------------------------------------------------------------------------------------


def test_a_block_goes_with_the_comment_of_its_own() -> None:
    other = 'resource "azurerm_resource_group" "a" {\n  name = "a"\n}\n'
    text = f"{other}\n# Keep the backups.\n{LOCK}\n{other.replace('a', 'b', 1)}"
    fixed = mended({"main.tf": text}, "BKP201")
    assert fixed.files["main.tf"][1].decode() == f"{other}\n{other.replace('a', 'b', 1)}"


def test_a_heading_of_several_blocks_stays() -> None:
    text = (
        GROUP
        + "  # rules\n"
        + RULE.format("security_rule")
        + RULE.format("security_rule").replace("host", "other")
        + "}\n"
    )
    text = (
        text.replace('"deny-other"', '"deny-inbound"')
        .replace('"Outbound"', '"Inbound"')
        .replace('"Inbound"', '"Outbound"', 1)
    )
    after = mended({"main.tf": text}, "BKP101").files["main.tf"][1].decode()
    assert "  # rules\n  security_rule {\n" in after
    assert after.count("security_rule {") == 1


# -- edits and gate ------------------------------------------------------------------------------------------------


def test_edits_that_overlap_are_refused() -> None:
    source = Source("a", b"0123456789")
    assert (
        applied(source.data, united([Edit(source, 5, 6, b"x"), Edit(source, 1, 3, b""), Edit(source, 5, 5, b"+")]))
        == b"034+x6789"
    )
    with pytest.raises(RefusedError, match="overlap"):
        united([Edit(source, 1, 4, b"x"), Edit(source, 3, 6, b"y")])


@pytest.mark.parametrize(
    ("name", "before", "edit", "fine"),
    [
        ("a.tf", "a = 1\nb = 2\n", (4, 5, "3"), True),
        ("a.tf", "a = 1\nb = 2\n", (4, 5, '"'), False),
        ("a.tf", "a = 1\nb = 2\n", (4, 5, "[1\n]"), True),
        ("a.tf", "a = 1\nb = 2\n", (4, 5, "1 # "), False),
        ("a.tf", "x {\n  a = 1\n}\n", (11, 12, "1\n}\ny {"), False),
        ("a.tf", "a = 1 + 2\n", (4, 5, "3"), True),
        ("a.tf", "a = 2 * 2\n", (4, 5, "1 + 1"), False),
        ("a.json", '{"a": 1, "b": [1]}', (6, 7, "2"), True),
        ("a.json", '{"a": 1, "b": [1]}', (6, 7, '2, "c": 3'), False),
        ("a.json", '{"a": 1, "b": [1]}', (6, 7, ""), False),
    ],
)
def test_gate(name: str, before: str, edit: tuple[int, int, str], fine: bool) -> None:
    source = Source(name, before.encode())
    edits = united([Edit(source, edit[0], edit[1], edit[2].encode())])
    after = Source(name, applied(source.data, edits))
    if fine:
        assert check(source, after, edits) == ""
    else:
        with pytest.raises(RefusedError):
            check(source, after, edits)


# -- the command ---------------------------------------------------------------------------------------------------


def test_fix_writes_and_keeps_permissions(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    file = tmp_path / "main.tf"
    file.write_bytes(b"\xef\xbb\xbf" + vm("false").replace("\n", "\r\n").encode())
    file.chmod(0o640)
    assert main(["scan", "--diff", "--unsafe-fixes"]) == 1
    shown = capsys.readouterr()
    assert "-  provision_vm_agent  = false\r\n+  provision_vm_agent  = true\r\n" in shown.out
    assert "would fix 1 finding in 1 file; 0 left" in shown.err
    assert b"false" in file.read_bytes()
    assert main(["scan", "--fix", "--unsafe-fixes"]) == 0
    assert file.read_bytes() == b"\xef\xbb\xbf" + vm("true").replace("\n", "\r\n").encode()
    assert file.stat().st_mode & 0o777 == 0o640
    assert [each.name for each in tmp_path.iterdir()] == ["main.tf"]
    assert main(["scan", "--diff", "--unsafe-fixes"]) == 0
    assert "no findings" in capsys.readouterr().out


def test_a_symbolic_link_is_not_written_through(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "real").mkdir()
    (tmp_path / "real" / "vm.txt").write_text(vm("false"))
    (tmp_path / "root").mkdir()
    (tmp_path / "root" / "main.tf").symlink_to(tmp_path / "real" / "vm.txt")
    (tmp_path / ".git").mkdir()
    monkeypatch.chdir(tmp_path / "root")
    assert main(["scan", "--fix", "--unsafe-fixes"]) == 1
    assert "main.tf is a symbolic link" in capsys.readouterr().err
    assert (tmp_path / "real" / "vm.txt").read_text() == vm("false")


def test_a_diff_shows_no_secret(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "main.tf").write_text(vm("false", more='  admin_password      = "canary-Pa55"\n'))
    assert main(["scan", "--diff", "--unsafe-fixes"]) == 1
    shown = capsys.readouterr()
    assert "canary" not in shown.out + shown.err


def test_unsafe_fixes_alone_is_wrong_usage(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert main(["scan", "--unsafe-fixes"]) == 2
    assert main(["scan", "--diff", "--format", "json"]) == 2
