"""Texts that resources bring into machines: encodings, extensions, files of the repository, places."""

# ruff: noqa: E501 - each case is one line
from __future__ import annotations

import base64
import gzip
import json

import pytest

from bklint import run
from bklint.files import MemoryReader
from bklint.frontends import Options, attach, frontend
from bklint.model.defaults import Defaults
from bklint.model.derive import derive
from bklint.model.inventory import Inventory, World

SCRIPT = "#!/bin/bash\nsystemctl stop waagent\n"
ENCODED = base64.b64encode(SCRIPT.encode()).decode()
ZIPPED = base64.b64encode(gzip.compress(SCRIPT.encode(), mtime=0)).decode()


def world(files: dict[str, str]) -> World:
    reader = MemoryReader(files)
    dialect = "terraform" if "main.tf" in files else "arm"
    (root,) = frontend(dialect)(
        (".",) if dialect == "terraform" else ("azuredeploy.json",), reader, Options(), Inventory()
    )
    found = root.lower(root.contexts[0], {})
    found.finish(derive, Defaults(()).fill)
    attach(found, reader)
    return found


def told(files: dict[str, str]) -> list[tuple[str, str, str]]:
    """For each service change: its machine, the file and the text it is told at."""
    found = []
    for resource in world(files).of("guest/serviceChanges"):
        assert resource.body.place is not None
        place = resource.body.place.locate()
        found.append((resource.parent.address if resource.parent else "", place.source.name, place.text))
    return found


def machine(arguments: str) -> dict[str, str]:
    return {"main.tf": f'resource "azurerm_linux_virtual_machine" "a" {{\n  name = "vm"\n{arguments}}}\n'}


VM = "azurerm_linux_virtual_machine.a"
STOP = "systemctl stop waagent"
TERRAFORM = [
    (machine(f"  custom_data = base64encode({json.dumps(SCRIPT)})\n"), (VM, "main.tf", STOP)),
    (machine(f"  custom_data = base64encode(<<-EOT\n    {SCRIPT.replace(chr(10), chr(10) + '    ')}\n  EOT\n  )\n"), (VM, "main.tf", STOP)),
    (machine(f'  user_data = "{ENCODED}"\n'), (VM, "main.tf", f'"{ENCODED}"')),
    (machine(f'  user_data = "{ZIPPED}"\n'), (VM, "main.tf", f'"{ZIPPED}"')),
    ({**machine('  custom_data = filebase64("a.sh")\n'), "a.sh": SCRIPT}, (VM, "a.sh", STOP)),
    ({**machine('  custom_data = base64encode(file("a.sh"))\n'), "a.sh": SCRIPT}, (VM, "a.sh", STOP)),
    ({**machine('  custom_data = base64encode(templatefile("a.sh", { x = "y" }))\n'), "a.sh": SCRIPT + "echo ${x}\n"}, (VM, "a.sh", STOP)),
]  # fmt: skip


def message(part: str, kind: str = "cloudinit_config", more: str = "") -> str:
    return f'data "{kind}" "m" {{\n{more}\n  part {{\n{part}\n  }}\n}}\n'


def composed(part: str, kind: str = "cloudinit_config", more: str = "", index: str = "") -> dict[str, str]:
    files = machine(f"  custom_data = data.{kind}.m{index}.rendered\n")
    return {"main.tf": files["main.tf"] + message(part, kind, more)}


HEREDOC = "    content = <<-EOT\n      #!/bin/bash\n      systemctl stop waagent\n    EOT\n"
YAML = "#cloud-config\nruncmd:\n  - systemctl stop waagent\n"
TEMPLATE = "#!/bin/sh\nsystemctl stop ${name}\n"
COMPOSED = {
    "heredoc": (composed(HEREDOC), "main.tf", STOP),
    "legacy": (composed(HEREDOC, "template_cloudinit_config"), "main.tf", STOP),
    "encoded once more": (
        {"main.tf": composed(HEREDOC)["main.tf"].replace("data.cloudinit_config.m.rendered",
                                                         "base64encode(data.cloudinit_config.m.rendered)")},
        "main.tf", STOP,
    ),
    "plain message": (composed(HEREDOC, more="  gzip = false\n  base64_encode = false\n  boundary = \"x\"\n"), "main.tf", STOP),
    "counted": (composed(HEREDOC, more="  count = 1\n", index="[0]"), "main.tf", STOP),
    "cloud-config by type": (
        {**composed('    content_type = "text/cloud-config"\n    content = file("c.yaml")\n'), "c.yaml": YAML.partition("\n")[2]},
        "c.yaml", STOP,
    ),
    "cloud-config by its first line": ({**composed('    content = file("c.yaml")\n'), "c.yaml": YAML}, "c.yaml", STOP),
    "script by type": (
        composed('    content_type = "text/x-shellscript; charset=utf-8"\n    content = "systemctl stop waagent\\n"\n'),
        "main.tf", STOP,
    ),
    "template file": (
        {**composed('    content = templatefile("a.tpl", { name = "waagent" })\n'), "a.tpl": TEMPLATE},
        "a.tpl", "systemctl stop ${name}",
    ),
    "template data source": (
        {
            "main.tf": composed("    content = data.template_file.t.rendered\n")["main.tf"]
            + 'data "template_file" "t" {\n  template = "${file("a.tpl")}"\n  vars = {\n    name = "waagent"\n  }\n}\n',
            "a.tpl": TEMPLATE,
        },
        "a.tpl", "systemctl stop ${name}",
    ),
    "template data source, heredoc": (
        {
            "main.tf": composed("    content = data.template_file.t.rendered\n")["main.tf"]
            + 'data "template_file" "t" {\n  template = <<-EOT\n    #!/bin/sh\n    echo "$${name}"; systemctl stop $${name}\n  EOT\n'
            + '  vars = { name = "waagent" }\n}\n',
        },
        "main.tf", "systemctl stop $${name}",
    ),
    "dynamic parts": (
        {
            "main.tf": machine("  custom_data = data.cloudinit_config.m.rendered\n")["main.tf"]
            + 'data "cloudinit_config" "m" {\n  dynamic "part" {\n    for_each = ["a.sh"]\n    content {\n'
            + "      content = file(part.value)\n    }\n  }\n}\n",
            "a.sh": SCRIPT,
        },
        "a.sh", STOP,
    ),
    "of a module": (
        {
            "main.tf": 'module "m" {\n  source = "./m"\n}\n' + machine("  custom_data = module.m.data\n")["main.tf"],
            "m/main.tf": message(HEREDOC) + 'output "data" {\n  value = data.cloudinit_config.m.rendered\n}\n',
        },
        "m/main.tf", STOP,
    ),
}  # fmt: skip


@pytest.mark.parametrize("case", COMPOSED)
def test_composed_messages(case: str) -> None:
    files, path, text = COMPOSED[case]
    assert told(files) == [(VM, path, text)]


INTERPOLATED = [
    ("systemctl stop ${var.s}\n", "systemctl stop ${var.s}"),
    ("systemctl stop ${var.s} --now\n", "systemctl stop ${var.s} --now"),
    ("${var.c} stop ${var.s}\n", "${var.c} stop ${var.s}"),
    ("${var.c} stop waagent\n", "${var.c} stop waagent"),
    ('systemctl stop ${join("", ["waag", "ent"])}; x\n', 'systemctl stop ${join("", ["waag", "ent"])}'),
]


@pytest.mark.parametrize(("line", "expected"), INTERPOLATED)
@pytest.mark.parametrize("first", [True, False], ids=["variables first", "variables last"])
@pytest.mark.parametrize("opening", ["<<-EOT\n    ", "<<EOT\n"])
def test_a_statement_with_interpolations_is_told_as_it_is_written(
    line: str, expected: str, first: bool, opening: str
) -> None:
    given = 'variable "c" {\n  default = "systemctl"\n}\nvariable "s" {\n  default = "waagent"\n}\n'
    made = machine(
        f"  custom_data = base64encode({opening}#!/bin/sh\n{'    ' if '-' in opening else ''}{line}EOT\n  )\n"
    )["main.tf"]
    assert told({"main.tf": given + made if first else made + given}) == [(VM, "main.tf", expected)]


def test_parts_that_cloud_init_does_not_run_add_nothing() -> None:
    for declared in ("", '    content_type = "text/part-handler"\n', '    content_type = "text/x-include-url"\n'):
        assert told(composed(declared + '    content = "systemctl stop waagent\\n"\n')) == []


def test_a_message_that_is_not_known_adds_nothing() -> None:
    files = composed("    content = var.x\n")
    files["main.tf"] += 'variable "x" {}\n'
    assert told(files) == []


@pytest.mark.parametrize(("files", "expected"), TERRAFORM)
def test_terraform(files: dict[str, str], expected: tuple[str, str, str]) -> None:
    assert told(files) == [expected]


def template(*resources: dict[str, object]) -> dict[str, str]:
    return {
        "azuredeploy.json": json.dumps(
            {
                "$schema": "https://schema.management.azure.com/schemas/2019-04-01/deploymentTemplate.json#",
                "contentVersion": "1.0.0.0",
                "resources": list(resources),
            }
        )
    }


def extension(type_: str, **settings: object) -> dict[str, object]:
    return {
        "type": "Microsoft.Compute/virtualMachines/extensions",
        "apiVersion": "2024-03-01",
        "name": "vm/x",
        "properties": {"publisher": "Microsoft.Azure.Extensions", "type": type_, "settings": settings},
    }


ARM = [
    (template(extension("CustomScript", commandToExecute=STOP)), "azuredeploy.json", STOP),
    (template(extension("CustomScript", script=ENCODED)), "azuredeploy.json", f'"{ENCODED}"'),
    (template(extension("CustomScript", script=ZIPPED)), "azuredeploy.json", f'"{ZIPPED}"'),
    ({**template(extension("CustomScript", fileUris=["https://x/y/s/a.sh?sas"], commandToExecute="sh a.sh")), "s/a.sh": SCRIPT}, "s/a.sh", STOP),
    (template({"type": "Microsoft.VirtualMachineImages/imageTemplates", "apiVersion": "2022-02-14", "name": "i",
               "properties": {"customize": [{"type": "Shell", "inline": [STOP]}]}}), "azuredeploy.json", STOP),
]  # fmt: skip


DSC = "Configuration Server {\n  Service A { Name = 'VSS'; StartupType = 'Disabled' }\n}\n"
SETTING = "StartupType = 'Disabled'"


def desired(**settings: object) -> dict[str, str]:
    return template(extension("DSC", **settings))


ARM += [
    ({**desired(configuration={"url": "https://x/DSC/Server.zip", "script": "Server.ps1", "function": "Server"}), "DSC/Server.ps1": DSC}, "DSC/Server.ps1", SETTING),
    ({**desired(configuration={"url": "https://x/DSC/Server.zip", "script": "Server.ps1"}), "DSC/Server/Server.ps1": DSC}, "DSC/Server/Server.ps1", SETTING),
    ({**desired(configuration={"url": "https://x/dsc/Server.ps1.zip?sas"}), "dsc/Server.ps1": DSC}, "dsc/Server.ps1", SETTING),
    ({**desired(modulesUrl="https://x/Server.ps1.zip", configurationFunction="Server.ps1\\Server"), "Server.ps1": DSC}, "Server.ps1", SETTING),
]  # fmt: skip


@pytest.mark.parametrize(("files", "path", "text"), ARM)
def test_arm(files: dict[str, str], path: str, text: str) -> None:
    assert [(each[1], each[2]) for each in told(files)] == [(path, text)]


def test_a_script_that_is_seen_twice_is_reported_once() -> None:
    """Loose, and through the settings of two extensions: one finding, which names the machines."""
    settings = {"fileUris": ["https://x/y/s/a.sh?sas"], "commandToExecute": "sh a.sh"}
    first, second = extension("CustomScript", **settings), extension("CustomScript", **settings)
    second["name"] = "other/x"
    files = {**template(first, second), "s/a.sh": SCRIPT}
    options = run.ScanOptions(select=("BKP607",))
    found = run.scan(["."], options, run.load_policies(options), MemoryReader(files)).findings
    assert [(finding.path, finding.place.locate().text if finding.place else "") for finding in found] == [
        ("s/a.sh", STOP)
    ]
    assert len(found[0].addresses) == 3


EXTENSION = """resource "azurerm_virtual_machine_extension" "e" {
  name                 = "e"
  virtual_machine_id   = azurerm_linux_virtual_machine.a.id
  publisher            = "Microsoft.Azure.Extensions"
  type                 = "CustomScript"
  type_handler_version = "2.1"
  settings             = %s
}
"""
WITH_MESSAGE = """data "cloudinit_config" "c" {
  part {
    content_type = "text/x-shellscript"
    content      = templatefile("a.sh", {})
  }
}
"""


@pytest.mark.parametrize(
    "files",
    [
        machine('  custom_data = filebase64("a.sh")\n'),
        machine('  custom_data = base64encode(file("a.sh"))\n'),
        machine('  custom_data = base64encode(templatefile("a.sh", {}))\n'),
        machine('  custom_data = base64gzip(templatefile("a.sh", { unused = 1 }))\n'),
        {"main.tf": WITH_MESSAGE + machine("  custom_data = data.cloudinit_config.c.rendered\n")["main.tf"]},
        {"main.tf": machine("")["main.tf"] + EXTENSION % 'jsonencode({ script = base64encode(file("a.sh")) })'},
        {
            "main.tf": machine("")["main.tf"]
            + EXTENSION % 'jsonencode({ commandToExecute = "echo ${base64encode(file("a.sh"))} | base64 -d | bash" })'
        },
        {
            "main.tf": machine("")["main.tf"]
            + EXTENSION % '<<E\n{"commandToExecute": "echo ${filebase64("a.sh")} | base64 -d | sh"}\nE\n'
        },
    ],
)
def test_a_file_that_terraform_reads_is_reported_once(files: dict[str, str]) -> None:
    options = run.ScanOptions(select=("BKP607",))
    reader = MemoryReader({**files, "a.sh": SCRIPT})
    (finding,) = run.scan(["."], options, run.load_policies(options), reader).findings
    assert finding.path == "a.sh"
    assert len(finding.addresses) == 2
    assert "main.tf" in {each.place.locate().source.name for each in finding.related}


@pytest.mark.parametrize(
    ("call", "loaded", "used"),
    [
        ("loadFileAsBase64('a.sh')", ENCODED, "[variables('$fxv#0')]"),
        ("base64(loadTextContent('a.sh'))", SCRIPT, "[base64(variables('$fxv#0'))]"),
    ],
)
def test_a_file_that_bicep_loads_is_reported_once(call: str, loaded: str, used: str) -> None:
    resource = {
        "type": "Microsoft.Compute/virtualMachines",
        "apiVersion": "2024-03-01",
        "name": "vm",
        "properties": {"osProfile": {"customData": used}},
    }
    compiled = {
        "$schema": "https://schema.management.azure.com/schemas/2019-04-01/deploymentTemplate.json#",
        "contentVersion": "1.0.0.0",
        "metadata": {"_generator": {"name": "bicep"}},
        "variables": {"$fxv#0": loaded},
        "resources": [resource],
    }
    written = (
        "resource vm 'Microsoft.Compute/virtualMachines@2024-03-01' = {\n  name: 'vm'\n"
        f"  properties: {{\n    osProfile: {{\n      customData: {call}\n    }}\n  }}\n}}\n"
    )
    reader = MemoryReader({"main.json": json.dumps(compiled), "main.bicep": written, "a.sh": SCRIPT})
    options = run.ScanOptions(select=("BKP607",))
    (finding,) = run.scan(["."], options, run.load_policies(options), reader).findings
    assert finding.path == "a.sh"
    assert "main.bicep" in {each.place.locate().source.name for each in finding.related}


@pytest.mark.parametrize(
    "command",
    [
        f"echo {ENCODED} | base64 -d | bash",
        f"powershell -c [IO.File]::WriteAllBytes('x', [Convert]::FromBase64String('{ENCODED}'))",
    ],
)
def test_a_script_encoded_in_a_command(command: str) -> None:
    files = template(extension("CustomScript", commandToExecute=command))
    (found,) = told(files)
    assert (found[1], ENCODED in found[2]) == ("azuredeploy.json", True)
    assert [each[1:] for each in told({**files, "scripts/a.sh": SCRIPT})] == [("scripts/a.sh", STOP)]


def test_an_archive_of_dsc_that_is_not_opened_is_named() -> None:
    given = {"configuration": {"url": "https://x/y/Server.zip", "script": "Server.ps1", "function": "Main"}}
    files = template(extension("DSC", **given))
    (note,) = [each for each in world(files).notes if each.kind == "archive not read"]
    assert (note.message.startswith("Server.zip"), note.strict) == (True, True)
    files["Server/Server.ps1"] = "Configuration Main { Service a { Name = 'VSS'; StartupType = 'Disabled' } }"
    assert [each.kind for each in world(files).notes] == []


def test_what_is_no_script_adds_nothing() -> None:
    assert told(machine('  custom_data = "AAECAw=="\n')) == []
    assert told(template(extension("AzureMonitorLinuxAgent", commandToExecute=STOP))) == []


def test_unknown_parts_hide_only_what_depends_on_them() -> None:
    files = machine('  custom_data = base64encode("#!/bin/sh\\nsystemctl stop ${var.x}\\nsystemctl stop waagent\\n")\n')
    files["main.tf"] += 'variable "x" {}\n'
    found = [resource.get("properties.service") for resource in world(files).of("guest/serviceChanges")]
    assert [value.unknown.cause if value.unknown else value.data for value in found] == ["var.x", "waagent"]
