"""Findings of compiled templates at the lines of their Bicep source, and the same findings from all twins."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from bklint import run
from bklint.files import MemoryReader
from bklint.finding import Finding, Report
from bklint.frontends.bicep import Original, Originals
from bklint.source import Source
from bklint.syntax import json as syntax

SAMPLES = Path(__file__).resolve().parents[3] / "sample-templates"
SCHEMA = "https://schema.management.azure.com/schemas/2019-04-01/deploymentTemplate.json#"
METADATA = {"_generator": {"name": "bicep", "version": "0.30.23.60470", "templateHash": "1"}}
DISK, VNET = "Microsoft.Compute/disks", "Microsoft.Network/virtualNetworks"


def compiled(resources: Any, **sections: Any) -> dict[str, Any]:
    return {"$schema": SCHEMA, "contentVersion": "1.0.0.0", "metadata": METADATA, **sections, "resources": resources}


def entry(type_: str, name: str, **properties: Any) -> dict[str, Any]:
    return {"type": type_, "apiVersion": "2023-01-01", "name": name, "properties": properties}


def module(template: dict[str, Any], **parameters: Any) -> dict[str, Any]:
    passed = {name: {"value": value} for name, value in parameters.items()}
    return entry("Microsoft.Resources/deployments", "m", mode="Incremental", parameters=passed, template=template)


def original(
    files: dict[str, str], template: dict[str, Any], *pointer: str | int, part: str = "value"
) -> Original | None:
    text = json.dumps(template, indent=2)
    reader = MemoryReader({**files, "main.json": text})
    document = syntax.parse(Source("main.json", text.encode()))
    return Originals(reader).of(document.place(pointer, part).locate())


def shown(files: dict[str, str], template: dict[str, Any], *pointer: str | int, part: str = "value") -> str:
    found = original(files, template, *pointer, part=part)
    if found is None:
        return "nothing"
    where = "" if found.place.source.name == "main.bicep" else f"{found.place.source.name}: "
    return f"{where}{found.place.text}{'' if found.exact else ' (about)'}"


MAIN = """\
@allowed([1, 2])
param size int = 2 * 2
var tags = { a: 'b' }
var many = [for i in range(0, 3): { at: i }]
resource net 'Microsoft.Network/virtualNetworks@2023-01-01' = {
  name: 'net'
  resource sub 'subnets' = {
    name: 's'
    properties: { prefix: '10' }
  }
  resource other 'subnets' = {
    name: 't'
    properties: { prefix: '11' }
  }
}
resource disk 'Microsoft.Compute/disks@2023-01-01' = [for i in range(0, 2): if (i > 0) {
  name: 'd${i}'
  properties: {
    diskSizeGB: size
    rules: [
      { port: 80 }
      { port: 443 }
    ]
    lots: [for r in many: { port: r }]
    ...tags
    mixed: size == 1 ? { left: 1 } : union({ right: 2 }, tags)
    '${size}x': 7
  }
}]
module inner 'modules/inner.bicep' = {
  name: 'm'
  params: { level: size }
}
module far 'br/public:avm/x:1.0.0' = {
  name: 'f'
}
"""
INNER = """\
param level int
resource lock 'Microsoft.Authorization/locks@2020-05-01' = {
  name: 'l'
  properties: { level: level }
}
"""
FILES = {"main.bicep": MAIN, "modules/inner.bicep": INNER}
DISK_ENTRY = {
    **entry(
        DISK,
        "[format('d{0}', copyIndex())]",
        copy=[{"name": "lots", "count": "[length(variables('many'))]", "input": {"port": 1}}],
        diskSizeGB="[parameters('size')]",
        rules=[{"port": 80}, {"port": 443}],
        mixed={"left": 1, "right": 2},
        hidden=1,
    ),
    "copy": {"name": "disk", "count": "[length(range(0, 2))]"},
    "condition": "[greater(copyIndex(), 0)]",
}
DISK_ENTRY["properties"]["[format('{0}x', 1)]"] = 7
LOCK = compiled({"lock": entry("Microsoft.Authorization/locks", "l", level="[parameters('level')]")})
SYMBOLIC = compiled(
    {
        "net::sub": entry(f"{VNET}/subnets", "[format('{0}/{1}', 'net', 's')]", prefix="10"),
        "net::other": entry(f"{VNET}/subnets", "[format('{0}/{1}', 'net', 't')]", prefix="11"),
        "net": entry(VNET, "net"),
        "disk": DISK_ENTRY,
        "inner": module(LOCK, level="[parameters('size')]"),
        "far": module(LOCK),
        "gone": entry(VNET, "gone"),
    },
    parameters={"size": {"type": "int", "defaultValue": 4, "allowedValues": [1, 2]}},
    variables={"tags": {"a": "b"}, "copy": [{"name": "many", "count": 3, "input": {"at": "[copyIndex('many')]"}}]},
)
PROPERTIES = ("resources", "disk", "properties")


@pytest.mark.parametrize(
    ("pointer", "part", "text"),
    [
        (("resources", "disk", "type"), "member", "resource disk 'Microsoft.Compute/disks@2023-01-01'"),
        (("resources", "disk", "condition"), "value", "if (i > 0) "),
        (("resources", "disk", "copy", "count"), "value", "[for i in range(0, 2): "),
        ((*PROPERTIES, "diskSizeGB"), "value", "size"),
        ((*PROPERTIES, "diskSizeGB"), "key", "diskSizeGB"),
        ((*PROPERTIES, "diskSizeGB"), "member", "diskSizeGB: size"),
        ((*PROPERTIES, "rules", 1, "port"), "value", "443"),
        ((*PROPERTIES, "rules", 1), "value", "{ port: 443 }"),
        ((*PROPERTIES, "rules", 1), "header", "{"),
        ((*PROPERTIES, "copy", 0, "input", "port"), "value", "r"),
        ((*PROPERTIES, "copy", 0, "count"), "value", "[for r in many: "),
        ((*PROPERTIES, "mixed", "right"), "value", "2"),
        ((*PROPERTIES, "[format('{0}x', 1)]"), "value", "7"),
        ((*PROPERTIES, "hidden"), "value", "properties (about)"),
        (("resources", "net::other", "properties", "prefix"), "value", "'11'"),
        (("parameters", "size", "defaultValue"), "value", "2 * 2"),
        (("parameters", "size"), "header", "param size"),
        (("parameters", "size", "allowedValues", 1), "value", "2"),
        (("variables", "tags", "a"), "value", "'b'"),
        (("variables", "copy", 0, "input", "at"), "value", "i"),
        (("resources", "inner", "properties", "parameters", "level", "value"), "value", "size"),
        (("resources", "inner", "properties", "parameters", "level"), "key", "level"),
        (
            ("resources", "inner", "properties", "template", "resources", "lock", "properties", "level"),
            "value",
            "modules/inner.bicep: level",
        ),
        (
            ("resources", "far", "properties", "template", "resources", "lock", "name"),
            "value",
            "module far 'br/public:avm/x:1.0.0' (about)",
        ),
        (("resources", "gone", "name"), "value", "nothing"),
    ],
)
def test_symbolic(pointer: tuple[str | int, ...], part: str, text: str) -> None:
    assert shown(FILES, SYMBOLIC, *pointer, part=part) == text


def test_array_form_by_type_and_order() -> None:
    entries = list(SYMBOLIC["resources"].values())[:6]
    template = compiled(entries)
    assert shown(FILES, template, "resources", 0, "properties", "prefix") == "'10'"
    assert shown(FILES, template, "resources", 1, "properties", "prefix") == "'11'"
    assert shown(FILES, template, "resources", 3, "properties", "diskSizeGB") == "size"
    assert shown(FILES, template, "resources", 4, "properties", "parameters", "level", "value") == "size"
    more = compiled([*entries, entry(DISK, "more")])
    assert shown(FILES, more, "resources", 3, "name") == "nothing"


def test_what_is_not_compiled_or_has_no_source_stays() -> None:
    by_hand = {**SYMBOLIC, "metadata": {}}
    assert shown(FILES, by_hand, *PROPERTIES, "diskSizeGB") == "nothing"
    assert shown({}, SYMBOLIC, *PROPERTIES, "diskSizeGB") == "nothing"


def test_a_damaged_source_gives_the_line_of_the_symbol() -> None:
    damaged = {"main.bicep": MAIN.replace("  name: 'd${i}'\n  properties: {", "  ((((")}
    found = original(damaged, SYMBOLIC, *PROPERTIES, "diskSizeGB")
    assert found is not None
    assert found.place.position.line == 16


# -- whole scans ---------------------------------------------------------------------------------------------------


def scan(files: dict[str, str]) -> Report:
    options = run.ScanOptions()
    return run.scan(["."], options, run.load_policies(options), MemoryReader(files))


def sample(name: str) -> dict[str, str]:
    return {path.name: path.read_text("utf-8") for path in (SAMPLES / name).iterdir() if path.suffix != ".md"}


def faults(name: str) -> Counter[str]:
    return Counter(finding.policy for finding in scan(sample(name)).findings)


TWINS = ("bicep-vm", "bicep-vm-symbolic", "arm-vm", "terraform-vm")


def test_twins_give_the_same_policies() -> None:
    first, *others = map(faults, TWINS)
    assert first
    assert all(other == first for other in others)


@pytest.mark.parametrize("name", TWINS)
def test_mended_twins_are_clean(name: str) -> None:
    assert not faults(f"{name}-fixed")


def main_line(finding: Finding) -> str:
    assert finding.place is not None
    place = finding.place.locate()
    return place.source.line_text(place.position.line).strip()


def test_findings_are_shown_in_the_source_and_the_template_is_related() -> None:
    report = scan(sample("bicep-vm"))
    assert {finding.path for finding in report.findings} == {"main.bicep", "lock.bicep"}
    for finding in report.findings:
        assert finding.dialect == "bicep"
        related = [place.place.locate().source.name for place in finding.related if place.kind == "compiled"]
        assert related == ["main.json"]
    assert "diskSizeGB: 8192" in map(main_line, report.findings)
    assert not [note for note in report.notes if note.kind == "bicep"]


def test_without_its_source_a_compiled_template_is_shown_itself() -> None:
    report = scan({"main.json": sample("bicep-vm")["main.json"]})
    assert {finding.path for finding in report.findings} == {"main.json"}


def test_a_module_scanned_on_its_own_too_gives_one_finding() -> None:
    files = sample("bicep-vm")
    template = json.loads(files["main.json"])["resources"][-1]["properties"]["template"]
    files["lock.json"] = json.dumps(template)
    both = [finding for finding in scan(files).findings if finding.policy == "BKP201"]
    assert [finding.path for finding in both] == ["lock.bicep"]


COMMENT = "// bklint: ignore[BKP401] the archive is copied elsewhere"


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("diskSizeGB: 8192", f"diskSizeGB: 8192 {COMMENT}"),
        ("          diskSizeGB: 8192", f"          {COMMENT}\n          diskSizeGB: 8192"),
        ("resource vm '", f"{COMMENT}\nresource vm '"),
        ("resource vm '", f"{COMMENT}\n@description('the machine')\nresource vm '"),
    ],
)
def test_suppressions_in_the_source(before: str, after: str) -> None:
    files = sample("bicep-vm")
    files["main.bicep"] = files["main.bicep"].replace(before, after)
    report = scan(files)
    assert [main_line(each.finding) for each in report.accepted if each.finding.policy == "BKP401"]
    assert not [each for each in report.findings if each.policy == "BKP401" and "8192" in main_line(each)]
    assert not [each for each in report.findings if each.policy == "BKP910"]


def test_different_faults_at_one_line_stay_apart() -> None:
    files = sample("bicep-vm")
    template = json.loads(files["main.json"])
    rules = template["resources"][0]["properties"]["securityRules"]
    rules.append(json.loads(json.dumps(rules[0]).replace("deny-link-local-and-platform", "again")))
    files["main.json"] = json.dumps(template)
    start = files["main.bicep"].index("    securityRules: [")
    end = files["main.bicep"].index("resource vnet")
    files["main.bicep"] = files["main.bicep"][:start] + "    securityRules: rules\n  }\n}\n" + files["main.bicep"][end:]
    before = [each for each in scan({"main.json": files["main.json"]}).findings if each.policy == "BKP101"]
    after = [each for each in scan(files).findings if each.policy == "BKP101"]
    assert len(after) == len(before)
