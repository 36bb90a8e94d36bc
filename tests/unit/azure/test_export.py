"""Resource groups through their exports: the same findings, and what an export lacks."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from azure_fake.estates import broken, healthy
from azure_fake.rows import S1, Row, Tables, disk, id_of, subscription
from azure_fake.server import Fake, Fault, Request, error
from bklint.cli import main
from bklint.frontends.azure.export import rows_of

SCHEMA = "https://schema.management.azure.com/schemas/2019-04-01/deploymentTemplate.json#"


def as_template(rows: list[Row]) -> Row:
    """Rows as Resource Manager exports them: names and types as segments, ids as expressions, inline children twice."""
    found = []
    for each in rows:
        parts = each["id"].split("/providers/")[-1].split("/")
        kind = "/".join([parts[0], *parts[1::2]])
        entry = {
            "type": kind,
            "apiVersion": "2024-01-01",
            "name": "/".join(parts[2::2]),
            "location": each["location"],
            **({"sku": each["sku"]} if each["sku"] else {}),
            "properties": _expressed(each["properties"]),
        }
        found.append(entry)
        for rule in each["properties"].get("securityRules", ()):
            name = f"{each['name']}/{rule['name']}"
            found.append(
                {"type": f"{kind}/securityRules", "apiVersion": "1", "name": name, "properties": rule["properties"]}
            )
    return {"$schema": SCHEMA, "contentVersion": "1.0.0.0", "parameters": {}, "variables": {}, "resources": found}


def _expressed(data: Any) -> Any:
    """The ids of one's own group as calls of resourceId."""
    if isinstance(data, dict):
        return {name: _expressed(item) for name, item in data.items()}
    if isinstance(data, list):
        return [_expressed(item) for item in data]
    own = f"/subscriptions/{S1}/resourceGroups/rg-app/providers/"
    if not isinstance(data, str) or not data.startswith(own):
        return data
    parts = data.removeprefix(own).split("/")
    arguments = ["/".join([parts[0], *parts[1::2]]), *parts[2::2]]
    return f"[resourceId({', '.join(repr(each) for each in arguments)})]"


def exporting(tables: Tables, *groups: str, problem: Row | None = None) -> Any:
    """What a fake answers an export with: the rows asked for of each group."""

    def made(request: Request) -> Row:
        group = request.path.split("/")[4].lower()
        rows = [each for each in tables.rows("resources", None) if each["resourceGroup"] == group]
        ids = {each.lower() for each in request.body["resources"]}
        rows = [each for each in rows if "*" in ids or each["id"].lower() in ids]
        return {"template": as_template(rows), **({"error": problem} if problem else {})}

    return dict.fromkeys(groups, made)


def scan(fake: Fake, capsys: pytest.CaptureFixture[str], *words: str) -> tuple[int, dict[str, Any]]:
    live = ("--subscription", S1, "--cloud", fake.endpoint, "--no-config", "--format", "json")
    code = main(["scan", *live, *words])
    return code, json.loads(capsys.readouterr().out)


def told(report: dict[str, Any]) -> list[tuple[str, str, str]]:
    return [(each["policy"], each["address"], (each["at"] or {}).get("property", "")) for each in report["findings"]]


@pytest.mark.parametrize("estate", [healthy, broken])
def test_an_export_gives_the_findings_of_resource_graph(
    serve: Any, capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, estate: Any
) -> None:
    monkeypatch.chdir(tmp_path)
    tables = estate()
    fake = serve(tables)
    fake.exports = exporting(tables, "rg-app", "rg-net")
    groups = ("--resource-group", "rg-app", "--resource-group", "rg-net")
    code, graph = scan(fake, capsys, *groups)
    before = len(fake.requests)
    again, export = scan(fake, capsys, *groups, "--via", "export")
    assert (again, told(export)) == (code, told(graph))
    assert len([each for each in fake.requests[before:] if each.path.endswith("/exportTemplate")]) == 2


def test_more_than_200_resources_are_exported_in_parts(serve: Any, capsys: pytest.CaptureFixture[str]) -> None:
    tables = Tables(
        [
            subscription(S1),
            *(disk(S1, "rg-app", f"d{number}") for number in range(450)),
            disk(S1, "rg-app", "huge", 40000),
        ]
    )
    fake = serve(tables)
    fake.exports = exporting(tables, "rg-app")
    listed = [{"id": each["id"]} for each in tables.rows("resources", None)]
    fake.children[f"/subscriptions/{S1}/resourceGroups/rg-app/resources"] = listed
    code, report = scan(fake, capsys, "--resource-group", "rg-app", "--via", "export", "--fail-on", "warning")
    assert (code, [each["policy"] for each in report["findings"]]) == (1, ["BKP301"])
    assert report["summary"]["resources"] == 451
    asked = [len(each.body["resources"]) for each in fake.requests if each.path.endswith("/exportTemplate")]
    assert asked == [1, 200, 200, 51]


def test_what_an_export_lacks_is_said(serve: Any, capsys: pytest.CaptureFixture[str]) -> None:
    details = [
        {
            "code": "ExportTemplateProviderError",
            "message": "Could not get resources of type 'X'",
            "target": "Microsoft.X",
        },
        {"code": "ExportTemplateInvalidResource", "message": "no schema"},
    ]
    problem = {"code": "ExportTemplateCompletedWithErrors", "message": "completed with errors", "details": details}
    tables = healthy()
    fake = serve(tables)
    fake.exports = exporting(tables, "rg-app", problem=problem)
    code, report = scan(fake, capsys, "--resource-group", "rg-app", "--via", "export")
    assert code == 3
    messages = [each["message"] for each in report["findings"]]
    assert messages == [
        "not checked: export: ExportTemplateInvalidResource: no schema",
        "not checked: export: ExportTemplateProviderError: Could not get resources of type 'X' (Microsoft.X)",
    ] or messages == [
        "not checked: export: ExportTemplateProviderError: Could not get resources of type 'X' (Microsoft.X)",
        "not checked: export: ExportTemplateInvalidResource: no schema",
    ]


@pytest.mark.parametrize("match", ["exportTemplate", "GET /operations"])
@pytest.mark.parametrize("status", [403, 404, 429, 500])
def test_an_export_that_fails_is_said(serve: Any, capsys: pytest.CaptureFixture[str], match: str, status: int) -> None:
    tables = healthy()
    fake = serve(tables)
    fake.exports = exporting(tables, "rg-app")
    fake.faults.append(Fault(match, error(status, "Refused"), times=-1))
    code, report = scan(fake, capsys, "--resource-group", "rg-app", "--via", "export")
    assert code == 3
    assert any(f"{status} Refused" in each["message"] for each in report["findings"])


def test_what_the_template_does_not_tell_is_unknown(serve: Any, capsys: pytest.CaptureFixture[str]) -> None:
    """A value that the export leaves to a parameter is neither missing nor guessed."""
    kind = "Microsoft.Compute/disks"
    size = {"diskSizeGB": "[parameters('size')]", "creationData": {"createOption": "Empty"}}
    template = {
        "$schema": SCHEMA,
        "parameters": {"size": {"type": "int"}},
        "resources": [
            {"type": kind, "apiVersion": "2024-01-01", "name": "d", "location": "westeurope", "properties": size}
        ],
    }
    (row,) = rows_of(template, S1, "rg-app")
    assert row.data["id"] == id_of(S1, "rg-app", kind, "d")
    assert list(row.unknown) == [("properties", "diskSizeGB")]
    fake = serve(Tables([subscription(S1)]))
    fake.exports = {"rg-app": lambda _: {"template": template}}
    code, report = scan(fake, capsys, "--resource-group", "rg-app", "--via", "export")
    assert (code, report["findings"]) == (0, [])
    assert "BKP301" in {each["policy"] for each in report["undecided"]}


def test_children_that_are_only_exported_by_themselves_are_not_lost() -> None:
    kind = "Microsoft.Network/networkSecurityGroups"
    rule = {"type": f"{kind}/securityRules", "apiVersion": "1", "name": "nsg/deny", "properties": {"access": "Deny"}}
    for rules, expected in (([], 2), ([{"name": "deny", "properties": {"access": "Deny"}}], 1)):
        group = {"type": kind, "apiVersion": "1", "name": "nsg", "properties": {"securityRules": rules}}
        assert len(rows_of({"$schema": SCHEMA, "resources": [group, rule]}, S1, "rg-app")) == expected
