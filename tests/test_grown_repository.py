"""A repository that has grown for years: everything in it becomes known, then it is edited in ten ways.

Each edit is made on the same baseline, and on a commit of the same tree, and says exactly what is new and what is gone.
"""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from bklint import run
from bklint.cli import main
from bklint.finding import Report, Severity, lasting

POLICIES = ("BKP101", "BKP102", "BKP201", "BKP301", "BKP607")
BASELINE = ".bklint-baseline.json"

RULE = """
  security_rule {{
    name                       = "{name}"
    priority                   = {priority}
    direction                  = "Outbound"
    access                     = "Deny"
    protocol                   = "*"
    source_address_prefix      = "*"
    source_port_range          = "*"
    destination_address_prefix = "168.63.129.16/32"
    destination_port_range     = "{port}"
  }}
"""

NSG = f"""\
resource "azurerm_network_security_group" "app" {{
  name                = "nsg-app"
  location            = "westeurope"
  resource_group_name = "rg-app"
{RULE.format(name="deny-host", priority=200, port=80)}}}
"""

DISKS = """\
resource "azurerm_managed_disk" "data" {
  name         = "disk-data"
  disk_size_gb = 40000
}

resource "azurerm_managed_disk" "many" {
  for_each     = toset(["a", "b"])
  name         = "disk-${each.key}"
  disk_size_gb = 50000
}
"""

LOCK = """\
resource "azurerm_management_lock" "backup" {
  name       = "lock-backup"
  scope      = "/subscriptions/11111111-2222-3333-4444-555555555555/resourceGroups/AzureBackupRG_westeurope_1"
  lock_level = "CanNotDelete"
}
"""

TEMPLATE = json.dumps(
    {
        "$schema": "https://schema.management.azure.com/schemas/2019-04-01/deploymentTemplate.json#",
        "contentVersion": "1.0.0.0",
        "parameters": {"size": {"type": "int", "defaultValue": 128}},
        "resources": [
            {"type": "Microsoft.Compute/disks", "apiVersion": "2023-10-02", "name": "old",
             "properties": {"creationData": {"createOption": "Empty"}, "diskSizeGB": 45000}},
            {"type": "Microsoft.Compute/disks", "apiVersion": "2023-10-02", "name": "sized",
             "properties": {"creationData": {"createOption": "Empty"}, "diskSizeGB": "[parameters('size')]"}},
        ],
    },
    indent=2,
)  # fmt: skip

TREE = {
    "infra/dev/main.tf": 'module "vm" {\n  source = "../../modules/vm"\n}\n',
    "infra/dev/disks.tf": DISKS,
    "infra/prod/main.tf": 'module "vm" {\n  source = "../../modules/vm"\n}\n' + NSG,
    "infra/prod/locks.tf": LOCK,
    "modules/vm/variables.tf": 'variable "size" {\n  type    = number\n  default = 128\n}\n',
    "modules/vm/main.tf": 'resource "azurerm_managed_disk" "os" {\n  name         = "os"\n  disk_size_gb = var.size\n}\n',
    "templates/vm.json": TEMPLATE,
    "scripts/image.sh": "#!/bin/sh\nset -e\nsystemctl disable --now walinuxagent\n",
    "legacy/broken.tf": 'resource "azurerm_managed_disk" "x" {\n',
    "package.json": '{"name": "tools"}',
    "README.md": "# infra\n",
}

Edit = Callable[[Path], object]


def change(path: str, old: str, new: str) -> Edit:
    """Replace a text of a file."""

    def edit(root: Path) -> None:
        text = (root / path).read_text()
        assert old in text
        (root / path).write_text(text.replace(old, new))

    return edit


def append(path: str, text: str) -> Edit:
    """Add to the end of a file; a file that is not there is made."""

    def edit(root: Path) -> None:
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        with open(root / path, "a", encoding="utf-8") as out:
            out.write(text)

    return edit


def move(old: str, new: str) -> Edit:
    """Move a file or directory."""

    def edit(root: Path) -> None:
        (root / new).parent.mkdir(parents=True, exist_ok=True)
        shutil.move(root / old, root / new)

    return edit


def both(*edits: Edit) -> Edit:
    """One edit after the other."""

    def edit(root: Path) -> None:
        for each in edits:
            each(root)

    return edit


MOVED = "moved {\n  from = azurerm_managed_disk.data\n  to   = azurerm_managed_disk.archive\n}\n"
RENAMED = change("infra/dev/disks.tf", '"azurerm_managed_disk" "data"', '"azurerm_managed_disk" "archive"')
DATA = "BKP301 azurerm_managed_disk.data"

EDITS: dict[str, tuple[Edit, list[str], list[str]]] = {
    "nothing": (lambda root: None, [], []),
    "lines move down": (change("infra/dev/disks.tf", 'resource "azurerm_managed_disk" "data"',
                               '# a\n\n# b\nresource "azurerm_managed_disk" "data"'), [], []),
    "a second fault on a known security group": (
        change("infra/prod/main.tf", NSG,
               NSG.removesuffix("}\n") + RULE.format(name="deny-too", priority=300, port=32526) + "}\n"),
        ["BKP101 azurerm_network_security_group.app.deny-too: deny-too"], []),
    "a file is renamed": (move("infra/dev/disks.tf", "infra/dev/storage.tf"), [], []),
    "a directory is moved": (move("templates", "deploy/arm"), [], []),
    "a resource is renamed": (RENAMED, ["BKP301 azurerm_managed_disk.archive: sizeGiB"], [DATA]),
    "a resource is renamed and says so": (both(RENAMED, append("infra/dev/moved.tf", MOVED)), [], []),
    "a default in a module changes": (
        change("modules/vm/variables.tf", "128", "60000"), ["BKP301 module.vm.azurerm_managed_disk.os: sizeGiB"], []),
    "a lock is deleted": (lambda root: (root / "infra/prod/locks.tf").unlink(), [],
                          ["BKP201 azurerm_management_lock.backup"]),
    "a new bad file": (
        append("infra/prod/more.tf", DISKS.replace("data", "new", 1).split("\n\n")[0] + "\n"),
        ["BKP301 azurerm_managed_disk.new: sizeGiB"], []),
    "the same disk in the other root": (
        append("infra/prod/disks.tf", DISKS.split("\n\n")[0] + "\n"), [f"{DATA}: sizeGiB"], []),
    "lines of a script move": (change("scripts/image.sh", "set -e\n", "set -eu\n\n# hardening\n"), [], []),
    "a script does worse to the same agent, which is told in place of what it did": (
        change("scripts/image.sh", "set -e\n", "set -eu\n\nsystemctl mask walinuxagent.service\n"),
        ["BKP607 scripts/image.sh"], ["BKP607 "]),
    "a script is renamed": (move("scripts/image.sh", "scripts/build.sh"), [], []),
    "a loop grows": (change("infra/dev/disks.tf", '["a", "b"]', '["a", "b", "c"]'), [], []),
    "a loop shrinks to one": (change("infra/dev/disks.tf", '["a", "b"]', '["b"]'), [], []),
    "a fault is mended": (change("infra/dev/disks.tf", "40000", "4000"), [], [DATA]),
    "a fault gets worse": (change("infra/dev/disks.tf", "40000", "45000"), [], []),
    "a parameter's default changes": (
        change("templates/vm.json", '"defaultValue": 128', '"defaultValue": 60000'), ["BKP301 disks/sized: sizeGiB"], []),
    "another file is damaged": (append("infra/prod/bad.tf", "resource {"), ["BKP900 : "], []),
    "a check is no longer decided": (change("infra/dev/disks.tf", "40000", "var.unset"), [], []),
}  # fmt: skip


@pytest.fixture
def grown(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The tree, committed, with a baseline of everything."""
    for name, text in TREE.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text)
    monkeypatch.chdir(tmp_path)
    for variable in ("GIT_DIR", "GIT_INDEX_FILE", "GIT_WORK_TREE"):
        monkeypatch.delenv(variable, raising=False)
    git = ("git", "-c", "user.name=n", "-c", "user.email=n@example.com", "-c", "commit.gpgsign=false")
    for command in (("init", "-q", "-b", "main"), ("add", "-A"), ("commit", "-q", "-m", "grown")):
        subprocess.run((*git, *command), cwd=tmp_path, check=True, timeout=60)
    assert main(["baseline", "--select", ",".join(POLICIES)]) == 0
    return tmp_path


def scanned(**options: str) -> Report:
    wanted = replace(run.ScanOptions(), select=POLICIES, min_severity=Severity.INFO, **options)
    return run.scan(["."], wanted, run.load_policies(wanted))


def told(report: Report) -> tuple[list[str], list[str]]:
    """What is new and what is gone."""
    new = [f"{each.policy} {each.address.split('Microsoft.Compute/')[-1]}: {each.sub_key}" for each in report.findings]
    new = [re.sub(r"(BKP607 [^:]*).*", r"\1", row) for row in new]
    return sorted(new), sorted(f"{each.policy} {each.address}" for each in report.gone)


@pytest.mark.parametrize(
    ("address", "type_", "expected"),
    [
        ("a/b (1).sh:3", "guest/serviceChanges", ""),
        ("a.sh:3", "guest/serviceChanges", ""),
        ("a.sh:3 #2", "guest/serviceChanges", ""),
        ("azurerm_linux_virtual_machine.a (infra/main.tf:6)", "guest/x", "azurerm_linux_virtual_machine.a"),
        ('x.a["b:3"] (main.tf:6) #2', "guest/x", 'x.a["b:3"]'),
        ("azurerm_managed_disk.a:3", "Microsoft.Compute/disks", "azurerm_managed_disk.a:3"),
    ],
)
def test_addresses_without_lines(address: str, type_: str, expected: str) -> None:
    assert lasting(address, type_) == expected


def test_everything_is_known(grown: Path, capsys: pytest.CaptureFixture[str]) -> None:
    entries = json.loads((grown / BASELINE).read_text())["findings"]
    assert {entry["policy"] for entry in entries} == {"BKP101", "BKP201", "BKP301", "BKP607", "BKP900"}
    assert len(entries) == 7
    assert main(["scan", "--select", ",".join(POLICIES), "--baseline", BASELINE, "--fail-on", "info"]) == 0
    assert "no new findings (7 in the baseline)" in capsys.readouterr().out
    assert main(["scan", "--select", ",".join(POLICIES)]) == 3


@pytest.mark.parametrize("name", EDITS)
def test_edit_against_baseline(name: str, grown: Path) -> None:
    edit, new, gone = EDITS[name]
    edit(grown)
    assert told(scanned(baseline=BASELINE)) == (new, gone)


@pytest.mark.parametrize("name", EDITS)
def test_edit_against_commit(name: str, grown: Path) -> None:
    edit, new, gone = EDITS[name]
    edit(grown)
    assert told(scanned(changed_since="HEAD")) == (new, gone)


def test_all_edits_at_once(grown: Path) -> None:
    names = ("lines move down", "a second fault on a known security group", "a file is renamed", "a directory is moved",
             "a default in a module changes", "a lock is deleted", "a new bad file")  # fmt: skip
    for name in names:
        EDITS[name][0](grown)
    assert told(scanned(baseline=BASELINE)) == (
        sorted(row for name in names for row in EDITS[name][1]),
        sorted(row for name in names for row in EDITS[name][2]),
    )


def test_a_changed_default_is_annotated_where_it_was_changed(grown: Path) -> None:
    EDITS["a default in a module changes"][0](grown)
    finding = scanned(changed_since="main").findings[0]
    assert finding.path == "modules/vm/main.tf"
    assert finding.annotate is not None
    place = finding.annotate.locate()
    assert (place.source.name, place.position.line, place.text) == ("modules/vm/variables.tf", 3, "60000")


def test_annotations_of_a_changed_default(grown: Path, capsys: pytest.CaptureFixture[str]) -> None:
    EDITS["a default in a module changes"][0](grown)
    capsys.readouterr()
    main(["scan", "--select", "BKP301", "--changed-since", "main", "--format", "github"])
    assert capsys.readouterr().out.startswith("::warning file=modules/vm/variables.tf,line=3,endLine=3,col=13,")
    main(["scan", "--select", "BKP301", "--changed-since", "main", "--format", "sarif"])
    (result,) = [
        each for each in json.loads(capsys.readouterr().out)["runs"][0]["results"] if each["baselineState"] == "new"
    ]
    uris = [each["physicalLocation"]["artifactLocation"]["uri"] for each in result["locations"]]
    assert uris == ["modules/vm/variables.tf"]
    flow = result["codeFlows"][0]["threadFlows"][0]["locations"]
    assert [step["location"]["physicalLocation"]["region"]["startLine"] for step in flow] == [3, 3]
    main(["scan", "--select", "BKP301", "--changed-since", "main"])
    text = capsys.readouterr().out
    assert "default of var.size: change it here (changed)" in text
    assert "1 new finding (4 older than the change): 1 warning" in text


def test_update_keeps_reasons_and_days(grown: Path, capsys: pytest.CaptureFixture[str]) -> None:
    data = json.loads((grown / BASELINE).read_text())
    for entry in data["findings"]:
        entry.update(since="2020-02-02", reason=f"we know {entry['policy']}")
    (grown / BASELINE).write_text(json.dumps(data))
    for name in ("a file is renamed", "a lock is deleted", "a new bad file"):
        EDITS[name][0](grown)
    assert main(["baseline", "--select", ",".join(POLICIES)]) == 0
    assert "7 known findings (1 new, 1 removed)" in capsys.readouterr().out.splitlines()[-1]
    entries = json.loads((grown / BASELINE).read_text())["findings"]
    assert {(entry["path"], entry["since"], entry.get("reason", "")) for entry in entries} == {
        ("infra/dev/storage.tf", "2020-02-02", "we know BKP301"),
        ("infra/prod/main.tf", "2020-02-02", "we know BKP101"),
        ("infra/prod/more.tf", entries_day(entries), ""),
        ("legacy/broken.tf", "2020-02-02", "we know BKP900"),
        ("scripts/image.sh", "2020-02-02", "we know BKP607"),
        ("templates/vm.json", "2020-02-02", "we know BKP301"),
    }


def entries_day(entries: list[dict[str, str]]) -> str:
    """The day on which this run recorded something."""
    return max(entry["since"] for entry in entries)


def test_a_part_of_the_repository_keeps_the_rest(grown: Path) -> None:
    before = json.loads((grown / BASELINE).read_text())
    assert main(["baseline", "infra/dev", "--select", ",".join(POLICIES)]) == 0
    assert main(["baseline", "--select", "BKP101"]) == 0
    assert json.loads((grown / BASELINE).read_text()) == before
    wanted = replace(run.ScanOptions(), select=POLICIES, baseline=BASELINE)
    assert run.scan(["infra/dev"], wanted, run.load_policies(wanted)).gone == ()


BAD_FILES: dict[str, tuple[str, str]] = {
    "missing": ("", "baseline 'b.json' cannot be read: No such file or directory; write one with `bklint baseline`"),
    "no JSON": ("{", "b.json: not a baseline that `bklint baseline` wrote"),
    "another JSON": ('{"a": 1}', "b.json: not a baseline that `bklint baseline` wrote"),
    "a list": ("[]", "b.json: not a baseline that `bklint baseline` wrote"),
    "newer": ('{"version": 2}', "b.json: baseline of version 2; this bklint reads version 1"),
}


@pytest.mark.parametrize("name", BAD_FILES)
def test_bad_baseline(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    text, message = BAD_FILES[name]
    monkeypatch.chdir(tmp_path)
    if text:
        (tmp_path / "b.json").write_text(text)
    assert main(["scan", "--baseline", "b.json"]) == 2
    assert capsys.readouterr().err == f"bklint: {message}\n"


def test_every_format_tells_new_from_known(grown: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for name in ("a lock is deleted", "a new bad file"):
        EDITS[name][0](grown)
    common = ["--select", ",".join(POLICIES), "--baseline", BASELINE]
    capsys.readouterr()
    main(["scan", *common, "--format", "sarif"])
    results = json.loads(capsys.readouterr().out)["runs"][0]["results"]
    states = [(each["baselineState"], "suppressions" in each) for each in results]
    assert sorted(set(states)) == [("absent", False), ("new", False), ("unchanged", True)]
    main(["scan", *common, "--format", "json"])
    data = json.loads(capsys.readouterr().out)
    assert (len(data["findings"]), data["summary"]["inBaseline"], len(data["gone"])) == (1, 6, 1)
    main(["scan", *common])
    text = capsys.readouterr().out
    assert "1 new finding (6 in the baseline): 1 warning" in text
    assert "fixed, still in the baseline: BKP201 azurerm_management_lock.backup; `bklint baseline` removes it" in text
