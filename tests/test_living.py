"""Configuration and suppressions on whole scans: what they mean, what is said of them, and what every format shows."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from bklint import run
from bklint.cli import main
from bklint.config import find
from bklint.files import MemoryReader
from bklint.finding import Report, Severity
from bklint.suppress import glob


def disk(name: str, size: object = 40000, before: str = "", inside: str = "", behind: str = "") -> str:
    return (
        f'{before}resource "azurerm_managed_disk" "{name}" {{\n{inside}'
        f'  name         = "{name}"\n  disk_size_gb = {size}{behind}\n}}\n'
    )


def template(resource: str = "", top: str = "", value: str = "40000") -> str:
    return (
        f'{{"$schema": "https://schema.management.azure.com/schemas/2019-04-01/deploymentTemplate.json#", {top}\n'
        '"contentVersion": "1.0.0.0", "resources": [\n'
        f'  {{"type": "Microsoft.Compute/disks", "apiVersion": "2023-10-02", "name": "old", {resource}\n'
        f'  "properties": {{"creationData": {{"createOption": "Empty"}}, "diskSizeGB": {value}}}}}]}}'
    )


OPTIONS = replace(run.ScanOptions(), select=("BKP301",), min_severity=Severity.INFO, today=date(2026, 6, 1))


def scan(files: dict[str, str], **options: Any) -> Report:
    wanted = replace(OPTIONS, **options)
    return run.scan(["."], wanted, run.load_policies(wanted), MemoryReader(files))


def ids(report: Report) -> list[str]:
    return [finding.policy for finding in report.findings]


REASON = "# bklint: ignore[BKP301] archive\n"
MODULE = 'module "m" {\n  source = "./m"\n}\n'

ACCEPTED: dict[str, dict[str, str]] = {
    "above": {"main.tf": disk("a", before=REASON)},
    "inside": {"main.tf": disk("a", inside=REASON)},
    "behind": {"main.tf": disk("a", behind=" # bklint: ignore[BKP301] archive")},
    "by name": {"main.tf": disk("a", behind=" # bklint: ignore[disk-larger-than-32tb] archive")},
    "slashes": {"main.tf": disk("a", before="// bklint: ignore[BKP301] archive\n")},
    "file": {"main.tf": "# bklint: ignore-file[BKP301] archive\n" + disk("a")},
    "until": {"main.tf": disk("a", before="# bklint: ignore[BKP301] archive until=2026-06-01\n")},
    "at the default": {
        "main.tf": disk("a", "var.size"),
        "v.tf": 'variable "size" {\n  default = 40000 # bklint: ignore[BKP301] archive\n}\n'},
    "at the value": {
        "main.tf": 'variable "size" {}\n' + disk("a", "var.size"),
        "terraform.tfvars": "# bklint: ignore[BKP301] archive\nsize = 40000\n"},
    "on a module call": {"main.tf": REASON + MODULE, "m/main.tf": disk("a")},
    "behind a module call": {
        "main.tf": MODULE.replace("{", "{ # bklint: ignore[BKP301] archive", 1), "m/main.tf": disk("a")},
    "on an inner module call": {
        "main.tf": MODULE, "m/main.tf": REASON + MODULE.replace("./m", "../n"), "n/main.tf": disk("a")},
    "on an outer module call": {
        "main.tf": REASON + MODULE, "m/main.tf": MODULE.replace("./m", "../n"), "n/main.tf": disk("a")},
    "metadata of a resource": {
        "a.json": template('"metadata": {"bklint": {"ignore": [{"id": "BKP301", "reason": "archive"}]}},')},
    "metadata of a template": {
        "a.json": template(top='"metadata": {"bklint": {"ignore": [{"id": "BKP301", "reason": "archive"}]}},')},
    "metadata of a parameter": {"a.json": template(
        top='"parameters": {"size": {"type": "int", "defaultValue": 40000, '
            '"metadata": {"bklint": {"ignore": [{"id": "BKP301", "reason": "archive"}]}}}},',
        value='"[parameters(\'size\')]"')},
    "comment in a template": {"a.json": template("// bklint: ignore[BKP301] archive").replace(
        '"properties"', '\n// bklint: ignore[BKP301] archive\n"properties"').replace("// bklint: ignore[BKP301] archive", "", 1)},
    "comment above an item": {"a.json": template().replace('  {"type"', '  // bklint: ignore[BKP301] archive\n  {"type"')},
    "file comment in a template": {"a.json": "// bklint: ignore-file[BKP301] archive\n" + template()},
    "tf.json": {"main.tf.json": '{"resource": {"azurerm_managed_disk": {\n// bklint: ignore[BKP301] archive\n"a": '
                                '{"name": "a", "disk_size_gb": 40000}}}}'},
}  # fmt: skip


@pytest.mark.parametrize("name", ACCEPTED)
def test_accepted(name: str) -> None:
    report = scan(ACCEPTED[name])
    assert ids(report) == []
    assert [(each.kind, each.reason) for each in report.accepted] == [("comment", "archive")]
    assert ids(scan(ACCEPTED[name], suppressions=False)) == ["BKP301"]


NOT: dict[str, tuple[dict[str, str], list[str]]] = {
    "no reason": ({"main.tf": disk("a", before="# bklint: ignore[BKP301]\n")}, ["BKP912", "BKP301"]),
    "only a date": ({"main.tf": disk("a", before="# bklint: ignore[BKP301] until=2027-01-01\n")}, ["BKP912", "BKP301"]),
    "expired": (
        {"main.tf": disk("a", before="# bklint: ignore[BKP301] archive until=2026-05-31\n")}, ["BKP913", "BKP301"]),
    "no date": ({"main.tf": disk("a", before="# bklint: ignore[BKP301] x until=soon\n")}, ["BKP913", "BKP301"]),
    "unknown": ({"main.tf": disk("a", before="# bklint: ignore[BKP3O1] archive\n")}, ["BKP911", "BKP301"]),
    "misspelt": ({"main.tf": disk("a", before="# bklint: ingore[BKP301] archive\n")}, ["BKP911", "BKP301"]),
    "another policy": ({"main.tf": disk("a", before="# bklint: ignore[BKP101] archive\n")}, ["BKP301"]),
    "unused": ({"main.tf": disk("a", 5, before=REASON)}, ["BKP910"]),
    "another resource": ({"main.tf": disk("b", 5, before=REASON) + disk("a")}, ["BKP910", "BKP301"]),
    "undecided": ({"main.tf": 'variable "x" {}\n' + disk("a", "var.x", before=REASON)}, []),
    "undecided in a module": (
        {"main.tf": REASON + MODULE, "m/main.tf": 'variable "x" {}\n' + disk("a", "var.x")}, []),
    "never": ({"main.tf": "# bklint: ignore-file[BKP901, BKP911] x\n" + disk("a", 5)}, ["BKP911", "BKP911"]),
    "one of two calls": ({"main.tf": REASON + MODULE + MODULE.replace('"m"', '"n"', 1), "m/main.tf": disk("a")}, ["BKP301"]),
    "metadata without a reason": (
        {"a.json": template('"metadata": {"bklint": {"ignore": [{"id": "BKP301"}]}},')}, ["BKP912", "BKP301"]),
}  # fmt: skip


@pytest.mark.parametrize("name", NOT)
def test_not_accepted(name: str) -> None:
    files, expected = NOT[name]
    report = scan(files)
    assert sorted(ids(report)) == sorted(expected)
    assert report.accepted == ()


def test_an_instance_that_is_accepted_leaves_the_others() -> None:
    files = {"main.tf": REASON + MODULE + MODULE.replace('"m"', '"n"', 1), "m/main.tf": disk("a")}
    (finding,) = scan(files).findings
    assert (finding.address, finding.instances) == ("module.n.azurerm_managed_disk.a", ())


def test_a_damaged_file_can_be_accepted() -> None:
    files = {"main.tf": "# bklint: ignore-file[BKP900] old\nresource {"}
    report = scan(files)
    assert (ids(report), report.unread_claimed) == ([], False)
    assert scan(files, suppressions=False).unread_claimed


@pytest.mark.parametrize(
    ("pattern", "address", "fits"),
    [
        ("module.a.*", "module.a.x.y", True),
        ('x.y["a"]', 'x.y["a"]', True),
        ("x.y[*]", 'x.y["a"]', True),
        ("X.?", "x.y", True),
        ("x.[yz]", "x.y", False),
        ("x", "x.y", False),
        ("*" * 50 + "b", "a" * 5000, False),
    ],
)
def test_address_globs(pattern: str, address: str, fits: bool) -> None:
    assert glob(pattern, address) is fits


# -- configuration -------------------------------------------------------------------------------------------------


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A repository with two roots, a module and a template."""
    (tmp_path / ".git").mkdir()
    files = {
        "infra/dev/main.tf": disk("a") + 'module "vm" {\n  source = "../../modules/vm"\n}\n',
        "infra/prod/main.tf": 'variable "size" {}\n' + disk("p", "var.size"),
        "infra/prod/env/a.tfvars": "size = 5\n",
        "infra/prod/env/b.tfvars": "size = 50000\n",
        "modules/vm/main.tf": disk("m"),
        "legacy/x.tf": "resource {",
        "templates/t.json": template(),
    }
    for name, text in files.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def found(capsys: pytest.CaptureFixture[str], *arguments: str) -> list[str]:
    """Severity, policy and path of what a scan of BKP301 finds."""
    main(["scan", "--format", "json", "--min-severity", "info", "--select", "BKP301", *arguments])
    data = json.loads(capsys.readouterr().out)
    return [f"{each['severity']} {each['policy']} {each['path']}" for each in data["findings"]]


EVERYTHING = ["warning BKP301 infra/dev/main.tf", "warning BKP301 infra/prod/main.tf", "error BKP900 legacy/x.tf",
              "warning BKP301 modules/vm/main.tf", "warning BKP301 templates/t.json"]  # fmt: skip


def without(*paths: str) -> list[str]:
    return [row for row in EVERYTHING if not row.endswith(paths)]


CONFIGURATIONS: dict[str, tuple[str, list[str]]] = {
    "nothing": ("{}", EVERYTHING),
    "exclude": ("exclude: [legacy/, modules/, '*.json']",
                without("legacy/x.tf", "modules/vm/main.tf", "templates/t.json")),
    "exclude one again": ("exclude: ['infra/*', '!infra/prod', legacy]", without("infra/dev/main.tf", "legacy/x.tf")),
    "ignore by path": ("ignore: [{id: BKP900, path: legacy/, reason: old}]", without("legacy/x.tf")),
    "ignore by address": ("ignore: [{id: BKP301, address: 'azurerm_managed_disk.?', reason: x}]",
                          without("infra/dev/main.tf", "infra/prod/main.tf")),
    "ignore by both": ("ignore: [{id: [BKP301], address: 'azurerm_managed_disk.*', path: infra/dev, reason: x}]",
                       without("infra/dev/main.tf")),
    "ignore a policy": ("ignore: [BKP900]", without("legacy/x.tf")),
    "severity": ("severity: {disks: error}", [row.replace("warning", "error") for row in EVERYTHING]),
    "severity, nearest wins": ("severity: {BKP301: info, 'BKP*': error}", [
        row.replace("warning", "info") for row in EVERYTHING]),
    "override of severity": ("overrides: [{paths: [modules/], severity: {BKP301: error}}]",
                             [row.replace("warning", "error") if "modules" in row else row for row in EVERYTHING]),
    "override of ignore": ("overrides: [{paths: [infra, templates], ignore: [disks]}]",
                           without("infra/dev/main.tf", "infra/prod/main.tf", "templates/t.json")),
    "contexts": ("contexts: {infra/prod: [infra/prod/env/a.tfvars]}", without("infra/prod/main.tf")),
    "expired": ("ignore: [{id: BKP900, path: legacy/, reason: old, until: 2020-01-01}]",
                ["warning BKP913 .bklint.yaml", *EVERYTHING]),
    "unused": ("ignore: [{id: BKP301, address: nothing, reason: old}]", ["warning BKP910 .bklint.yaml", *EVERYTHING]),
}  # fmt: skip


@pytest.mark.parametrize("name", CONFIGURATIONS)
def test_configuration(name: str, project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    text, expected = CONFIGURATIONS[name]
    (project / ".bklint.yaml").write_text(text + "\n")
    assert found(capsys) == expected
    assert found(capsys, "--no-config") == EVERYTHING


def test_configuration_from_a_directory_below(
    project: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (project / ".bklint.yaml").write_text("exclude: [infra/dev]\n")
    monkeypatch.chdir(project / "infra")
    assert found(capsys, ".") == ["warning BKP301 prod/main.tf"]
    assert sorted(row.split()[-1] for row in found(capsys, "..")) == [
        "../infra/prod/main.tf", "../legacy/x.tf", "../modules/vm/main.tf", "../templates/t.json"]  # fmt: skip


def test_the_nearest_configuration(project: Path) -> None:
    (project / ".bklint.yaml").write_text("edition: current\n")
    (project / "pyproject.toml").write_text("[project]\nname = 'x'\n")
    (project / "infra" / ".bklint.yml").write_text("edition: original\n")
    assert find(["infra/dev", "infra/prod/main.tf"]).path == "infra/.bklint.yml"
    assert find(["infra", "modules"]).path == ".bklint.yaml"
    assert find(["."]).edition == "current"


def test_nothing_above_the_repository_counts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / ".bklint.yaml").write_text("edition: current\n")
    (tmp_path / "repo" / ".git").mkdir(parents=True)
    monkeypatch.chdir(tmp_path / "repo")
    assert find(["."]).path == ""


def test_parameters_by_root(project: Path) -> None:
    (project / ".bklint.yaml").write_text(
        "parameters: {treat_cmk_as_encrypted: true}\n"
        "overrides: [{paths: [infra/dev/], parameters: {treat_cmk_as_encrypted: false}}]\n"
    )
    from bklint.choices import choices

    config = find(["."])
    chosen = choices(config, run.load_policies(run.ScanOptions(config=config)))
    assert chosen.parameters("infra/prod") == {"treat_cmk_as_encrypted": True}
    assert chosen.parameters("infra/dev") == {"treat_cmk_as_encrypted": False}


def test_gitignore(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (project / ".gitignore").write_text("/legacy\nmodules/*\n*.json\n")
    assert found(capsys) == without("legacy/x.tf", "templates/t.json")
    (project / ".bklint.yaml").write_text("gitignore: false\n")
    assert found(capsys) == EVERYTHING
    (project / ".bklint.yaml").unlink()
    assert "error BKP900 legacy/x.tf" in found(capsys, "legacy")


def test_command_line_and_configuration(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (project / ".bklint.yaml").write_text("select: [BKP101]\nfail_on: warning\nexclude: [legacy]\n")
    assert main(["scan"]) == 0
    assert main(["scan", "--select", "BKP301"]) == 1
    assert main(["scan", "--select", "BKP301", "--ignore", "disks"]) == 0
    assert main(["scan", "--select", "BKP301", "--fail-on", "error"]) == 0
    capsys.readouterr()
    (project / "other.yaml").write_text("select: [BKP301]\n")
    assert main(["scan", "--config", "other.yaml"]) == 3
    assert main(["scan", "--config", "no.yaml"]) == 2
    assert main(["scan", "--config", "other.yaml", "--no-config"]) == 2


# -- what the formats show -----------------------------------------------------------------------------------------


def test_formats(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (project / "infra" / "dev" / "main.tf").write_text(disk("a", before=REASON))
    (project / ".bklint.yaml").write_text("exclude: [legacy]\nignore: [{id: BKP301, path: templates, reason: old}]\n")
    main(["scan", "--select", "BKP301", "--format", "sarif"])
    results = json.loads(capsys.readouterr().out)["runs"][0]["results"]
    suppressed = [each["suppressions"][0] for each in results if "suppressions" in each]
    assert suppressed == [
        {"kind": "inSource", "justification": "archive"},
        {"kind": "external", "justification": "old"},
    ]
    main(["scan", "--select", "BKP301", "--format", "json"])
    data = json.loads(capsys.readouterr().out)
    assert data["summary"]["suppressed"] == 2
    assert [each["kind"] for each in data["known"]] == ["comment", "configuration"]
    main(["scan", "--select", "BKP301"])
    assert "(2 suppressed)" in capsys.readouterr().out
    main(["scan", "--select", "BKP301", "--format", "github"])
    assert "infra/dev" not in capsys.readouterr().out


def test_report_only(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert found(capsys, "--report-only", "modules/vm/main.tf") == ["warning BKP301 modules/vm/main.tf"]
    assert found(capsys, "--report-only", "infra/prod/env/b.tfvars") == ["warning BKP301 infra/prod/main.tf"]
    assert found(capsys, "--report-only", "infra/prod/env/a.tfvars", "infra/dev/main.tf") == [
        "warning BKP301 infra/dev/main.tf"
    ]
    assert found(capsys, "--report-only", "templates/t.json", "legacy/x.tf") == [
        "error BKP900 legacy/x.tf", "warning BKP301 templates/t.json"]  # fmt: skip
    assert main(["scan", "--report-only", "gone.tf"]) == 2


def test_progress_while_a_front_end_parses() -> None:
    told: list[str] = []
    files = {"a/main.tf": disk("a", 5), "b/main.tf": disk("b", 5)}
    run.scan(["."], OPTIONS, run.load_policies(OPTIONS), MemoryReader(files), lambda done, label: told.append(label))
    assert told.index("b/main.tf") < told.index("a")


PARAMETERS = '{"$schema": "https://x/deploymentParameters.json#", "parameters": {"size": {"value": 40000}}}'


def test_contexts_of_a_template(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    size = '"parameters": {"size": {"type": "int", "defaultValue": 5}},'
    (project / "templates" / "t.json").write_text(template(top=size, value="\"[parameters('size')]\""))
    (project / "values").mkdir()
    (project / "values" / "t.json").write_text(PARAMETERS)
    (project / ".bklint.yaml").write_text("exclude: [infra, modules, legacy]\n")
    assert found(capsys) == []
    (project / ".bklint.yaml").write_text(
        "exclude: [infra, modules, legacy]\ncontexts: {templates/*.json: [values/t.json]}\n"
    )
    assert found(capsys) == ["warning BKP301 templates/t.json"]


def machine(agent: str = "", extensions: str = "") -> str:
    return (
        'resource "azurerm_linux_virtual_machine" "vm" {\n  name = "vm"\n'
        f"  provision_vm_agent = false{agent}\n  allow_extension_operations = false{extensions}\n}}\n"
    )


def test_an_accepted_finding_no_longer_covers_what_it_subsumes() -> None:
    every = {"select": ("BKP501", "BKP502")}
    accepted = " # bklint: ignore[{}] appliance"
    assert ids(scan({"main.tf": machine()}, **every)) == ["BKP501"]
    report = scan({"main.tf": machine(agent=accepted.format("BKP501"))}, **every)
    assert ids(report) == ["BKP502"]
    assert [each.finding.policy for each in report.accepted] == ["BKP501"]
    both = scan({"main.tf": machine(accepted.format("BKP501"), accepted.format("BKP502"))}, **every)
    assert ids(both) == []


def test_accepting_what_is_subsumed_is_not_called_unused() -> None:
    report = scan(
        {"main.tf": machine(extensions=" # bklint: ignore[BKP502] appliance")}, select=("BKP501", "BKP502", "BKP910")
    )
    assert ids(report) == ["BKP501"]
