"""What a template would deploy, as Azure predicts it, led back to the template."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from azure_fake.rows import S1, Tables, id_of, lock, nsg, rule, subnet, subscription, vnet
from azure_fake.server import Fake, Fault, Request, error
from bklint.cli import main

DISK = "Microsoft.Compute/disks"
GROUP = f"/subscriptions/{S1}/resourceGroups/rg-app"
SCHEMA = "https://schema.management.azure.com/schemas/2019-04-01/deploymentTemplate.json#"


def template(resources: Any, **more: Any) -> dict[str, Any]:
    return {"$schema": SCHEMA, "contentVersion": "1.0.0.0", "resources": resources, **more}


def disk(name: str, size: Any, **more: Any) -> dict[str, Any]:
    properties = {"creationData": {"createOption": "Empty"}, "diskSizeGB": size}
    return {
        "type": DISK, "apiVersion": "2024-03-02", "name": name, "location": "[resourceGroup().location]",
        "sku": {"name": "Premium_LRS"}, "properties": properties, **more,
    }  # fmt: skip


def change(name: str, size: int, kind: str = "Create", **more: Any) -> dict[str, Any]:
    identity = id_of(S1, "rg-app", DISK, name)
    after = {
        "id": identity, "name": name, "type": DISK, "apiVersion": "2024-03-02", "location": "westeurope",
        "sku": {"name": "Premium_LRS"}, "properties": {"creationData": {"createOption": "Empty"}, "diskSizeGB": size},
    }  # fmt: skip
    return {"resourceId": identity, "changeType": kind, "after": after, **more}


class Deployed:
    """A fake that predicts these changes, and a template in a file."""

    def __init__(
        self, serve: Any, path: Path, capsys: pytest.CaptureFixture[str], tables: Tables | None = None
    ) -> None:
        self.fake: Fake = serve(tables or Tables([subscription(S1)]))
        self.file = path / "main.json"
        self.requests: list[Request] = []
        self._capsys = capsys

    def predict(self, written: dict[str, Any], *changes: dict[str, Any]) -> None:
        self.file.write_text(json.dumps(written, indent=2))

        def answer(request: Request) -> dict[str, Any]:
            self.requests.append(request)
            return {"status": "Succeeded", "properties": {"correlationId": "x", "changes": list(changes)}}

        self.fake.what_ifs = answer

    def scan(self, *words: str, group: str = "rg-app") -> tuple[int, dict[str, Any]]:
        where = ("--resource-group", group) if group else ()
        live = ("--what-if", "--subscription", S1, *where, "--cloud", self.fake.endpoint)
        code = main(["scan", str(self.file), "--no-config", "--fail-on", "warning", "--format", "json", *live, *words])
        return code, json.loads(self._capsys.readouterr().out)


@pytest.fixture
def deployed(serve: Any, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Deployed:
    return Deployed(serve, tmp_path, capsys)


SIZE = "[reference(resourceId('Microsoft.Resources/deployments', 'sizes')).outputs.size.value]"


def test_what_only_azure_can_evaluate_is_judged_at_its_expression(deployed: Deployed) -> None:
    deployed.predict(template([disk("[concat('d', uniqueString(resourceGroup().id))]", SIZE)]), change("dabc", 40000))
    assert main(["scan", str(deployed.file), "--no-config", "--quiet"]) == 0
    deployed._capsys.readouterr()
    code, report = deployed.scan()
    assert code == 1
    (finding,) = report["findings"]
    assert (finding["policy"], finding["address"]) == ("BKP301", f"{DISK}/dabc")
    lines = deployed.file.read_text().splitlines()
    at = finding["at"]
    assert at["path"] == str(deployed.file)
    assert lines[at["line"] - 1][at["column"] - 1 : at["endColumn"] - 1] == json.dumps(SIZE)
    assert "40000 GiB" in finding["message"]


def test_the_request_is_a_read_with_the_least_rights(deployed: Deployed) -> None:
    deployed.predict(template([disk("d", 128)]), change("d", 128))
    deployed.scan()
    (request,) = deployed.requests
    assert request.path == f"{GROUP}/providers/Microsoft.Resources/deployments/bklint-what-if/whatIf"
    properties = request.body["properties"]
    assert properties["mode"] == "Incremental"
    assert properties["validationLevel"] == "ProviderNoRbac"
    assert properties["whatIfSettings"] == {"resultFormat": "FullResourcePayloads"}
    assert properties["template"]["resources"][0]["name"] == "d"
    assert "location" not in request.body


def test_a_cloud_without_the_newest_version_is_asked_in_an_older_one(deployed: Deployed) -> None:
    deployed.predict(template([disk("d", 40000)]), change("d", 40000))
    told = "The api-version '2026-06-01' is invalid."
    deployed.fake.faults.append(Fault("whatIf", error(400, "InvalidApiVersionParameter", told)))
    code, report = deployed.scan()
    assert (code, [each["policy"] for each in report["findings"]]) == (1, ["BKP301"])
    versions = [each.query["api-version"] for each in deployed.fake.requests if each.path.endswith("/whatIf")]
    assert versions == [["2026-06-01"], ["2025-04-01"]]


def test_parameters_are_sent_and_their_text_is_where_to_mend(deployed: Deployed) -> None:
    parameters = {"size": {"type": "int"}, "count": {"type": "int", "defaultValue": 1}, "on": {"type": "bool"}}
    deployed.predict(template([disk("d", "[parameters('size')]")], parameters=parameters), change("d", 40000))
    values = {"size": {"value": 40000}, "on": {"value": False}}
    file = deployed.file.with_name("prod.json")
    file.write_text(json.dumps({"$schema": SCHEMA.replace("Template", "Parameters"), "parameters": values}, indent=2))
    _, report = deployed.scan("--parameters", str(file), "--var", "count=3", "--var", "on=true")
    (request,) = deployed.requests
    sent = request.body["properties"]["parameters"]
    assert sent == {"size": {"value": 40000}, "on": {"value": True}, "count": {"value": 3}}
    (finding,) = report["findings"]
    assert finding["fixAt"]["path"] == str(file)


def test_symbolic_names_lead_back_to_loops(deployed: Deployed) -> None:
    copies = disk("[concat('data-', guid(resourceGroup().id), copyIndex())]", SIZE, copy={"name": "c", "count": 2})
    other = disk("[uniqueString('x')]", SIZE)
    written = template({"data": copies, "other": other}, languageVersion="2.0")
    deployed.predict(
        written,
        change("data-0", 40000, symbolicName="data[0]"),
        change("data-1", 128, symbolicName="data[1]"),
        change("xyz", 50000, symbolicName="other"),
    )
    _, report = deployed.scan()
    assert {each["address"] for each in report["findings"]} == {f"{DISK}/data-0", f"{DISK}/xyz"}
    lines = {each["address"]: each["at"]["line"] for each in report["findings"]}
    text = deployed.file.read_text().splitlines()
    other_line = next(number for number, line in enumerate(text, 1) if '"other": {' in line)
    assert lines[f"{DISK}/data-0"] < other_line < lines[f"{DISK}/xyz"]
    assert report["summary"]["resources"] == 3


def test_nested_templates_are_told_apart_by_their_deployment(deployed: Deployed) -> None:
    def nested(name: str) -> dict[str, Any]:
        inner = template({"data": disk("[uniqueString(deployment().name)]", SIZE)}, languageVersion="2.0")
        return {
            "type": "Microsoft.Resources/deployments", "apiVersion": "2024-03-01", "name": name,
            "properties": {"mode": "Incremental", "expressionEvaluationOptions": {"scope": "inner"}, "template": inner},
        }  # fmt: skip

    deployed.predict(
        template([nested("first"), nested("second")]),
        change(
            "one", 128, symbolicName="data", deploymentId=f"{GROUP}/providers/Microsoft.Resources/deployments/first"
        ),
        change(
            "two", 40000, symbolicName="data", deploymentId=f"{GROUP}/providers/Microsoft.Resources/deployments/second"
        ),
    )
    _, report = deployed.scan()
    (finding,) = report["findings"]
    text = deployed.file.read_text().splitlines()
    assert finding["at"]["line"] > next(number for number, line in enumerate(text, 1) if '"second"' in line)


def test_what_azure_says_is_not_created_is_not_judged(deployed: Deployed) -> None:
    off = disk("huge", 40000, condition="[equals(reference('x', '2024-01-01').on, true())]")
    deployed.predict(template([off, disk("d", 128)]), change("d", 128))
    assert deployed.scan()[1]["findings"] == []
    deployed.predict(template([off, disk("d", 128)]), change("d", 128), change("huge", 40000))
    assert [each["policy"] for each in deployed.scan()[1]["findings"]] == ["BKP301"]


def test_a_resource_of_the_template_that_has_no_place_there_is_judged_all_the_same(deployed: Deployed) -> None:
    deployed.predict(template([]), change("made-elsewhere", 40000))
    code, report = deployed.scan()
    assert code == 1
    assert report["findings"][0]["address"].endswith("/made-elsewhere")


def test_ignored_and_unsupported_resources_are_counted_and_judged_as_written(deployed: Deployed) -> None:
    ignored = {"resourceId": id_of(S1, "rg-app", DISK, "nested"), "changeType": "Ignore"}
    unsupported = {
        "resourceId": id_of(S1, "rg-app", DISK, "odd"), "changeType": "Unsupported", "unsupportedReason": "no such type",
    }  # fmt: skip
    elsewhere = {"resourceId": id_of(S1, "rg-app", "Microsoft.Web/sites", "site"), "changeType": "Ignore"}
    bare = {"resourceId": id_of(S1, "rg-app", DISK, "bare"), "changeType": "Deploy"}
    gone = {"resourceId": id_of(S1, "rg-app", DISK, "gone"), "changeType": "Delete"}
    written = template([disk("nested", 40000), disk("odd", 128), disk("bare", 128)])
    deployed.predict(written, ignored, unsupported, elsewhere, bare, gone)
    code, report = deployed.scan()
    assert (code, [each["policy"] for each in report["findings"]]) == (1, ["BKP301"])
    notes = {each["message"].partition("what-if: ")[2]: each["strict"] for each in report["notes"]}
    assert notes == {
        "1 resource not checked after deployment (Deploy)": True,
        "1 resource not checked after deployment (Ignore)": True,
        "1 resource not checked after deployment (Ignore: in the group, and not in the template)": False,
        "1 resource not checked after deployment (Unsupported: no such type)": True,
    }
    assert deployed.scan("--strict")[0] == 3


@pytest.mark.parametrize(
    ("answer", "told"),
    [
        (
            {"status": "Failed", "error": {"code": "InvalidTemplate", "message": "bad", "details": []}},
            "InvalidTemplate: bad",
        ),
        ({"status": "Succeeded", "properties": {}}, "no changes"),
    ],
)
def test_a_prediction_that_fails_is_said_and_the_template_judged_as_written(
    deployed: Deployed, answer: dict[str, Any], told: str
) -> None:
    deployed.predict(template([disk("d", 40000)]))
    deployed.fake.what_ifs = lambda _: answer
    code, report = deployed.scan()
    assert code == 3
    assert {each["policy"] for each in report["findings"]} == {"BKP301", "BKP900"}
    assert any(told in each["message"] for each in report["findings"])


@pytest.mark.parametrize("status", [400, 403, 404, 429, 500])
def test_a_refused_prediction_is_said(deployed: Deployed, status: int) -> None:
    deployed.predict(template([disk("d", 128)]))
    deployed.fake.faults.append(Fault("whatIf", error(status, "Refused"), times=-1))
    code, report = deployed.scan()
    assert code == 3
    assert f"what-if: {status} Refused" in report["findings"][0]["message"]


def test_an_operation_that_never_ends_is_given_up(deployed: Deployed, monkeypatch: pytest.MonkeyPatch) -> None:
    from azure_fake.signing import QUICK
    from bklint.frontends.azure import client

    monkeypatch.setattr(client, "PATIENCE", QUICK._replace(deadline=0.3, poll=0.1))
    deployed.predict(template([disk("d", 128)]))
    again = {"Location": f"{deployed.fake.endpoint}/operations/x?api-version=1"}
    from azure_fake.server import Response

    deployed.fake.faults.append(Fault("operations|whatIf", Response(202, None, again), times=-1))
    code, report = deployed.scan()
    assert code == 3
    assert "no result after 0.3 seconds" in report["findings"][0]["message"]


def test_a_template_for_a_group_needs_one(deployed: Deployed) -> None:
    deployed.predict(template([disk("d", 128)]), change("d", 128))
    code, report = deployed.scan(group="")
    assert code == 3
    assert "give --resource-group" in report["findings"][0]["message"]


def test_a_template_for_a_subscription_needs_a_place(deployed: Deployed) -> None:
    written = {**template([]), "$schema": SCHEMA.replace("deploymentTemplate", "subscriptionDeploymentTemplate")}
    deployed.predict(written, change("d", 40000))
    assert "give --location" in deployed.scan(group="")[1]["findings"][0]["message"]
    code, report = deployed.scan("--location", "westeurope", group="")
    assert (code, [each["policy"] for each in report["findings"]]) == (1, ["BKP301"])
    assert deployed.requests[-1].body["location"] == "westeurope"


def test_other_files_are_judged_as_written(deployed: Deployed, tmp_path: Path) -> None:
    (tmp_path / "main.tf").write_text('resource "azurerm_managed_disk" "a" {\n  disk_size_gb = 40000\n}\n')
    deployed.file = tmp_path
    code, report = deployed.scan()
    assert (code, [each["policy"] for each in report["findings"]]) == (1, ["BKP301"])
    assert any("--what-if is about templates" in each["message"] for each in report["notes"])


def test_the_prediction_meets_what_is_deployed(serve: Any, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    group = nsg(S1, "rg-net", "nsg", [rule("deny-platform", "Deny", "168.63.129.16")])
    network = vnet(S1, "rg-net", "vnet", [subnet("app", group["id"])])
    locks = [lock(f"/subscriptions/{S1}/resourceGroups/AzureBackupRG_westeurope_1", "keep")]
    deployed = Deployed(serve, tmp_path, capsys, Tables([subscription(S1), group, network], locks))
    kind = "Microsoft.Network/networkInterfaces"
    written = {
        "type": kind, "apiVersion": "2023-09-01", "name": "nic", "location": "westeurope",
        "properties": {"ipConfigurations": [{"name": "ip", "properties": {"subnet": {"id": "[parameters('subnet')]"}}}]},
    }  # fmt: skip
    subnet_id = f"{network['id']}/subnets/app"
    after = {
        **written,
        "properties": {"ipConfigurations": [{"name": "ip", "properties": {"subnet": {"id": subnet_id}}}]},
    }
    made = {"resourceId": id_of(S1, "rg-app", kind, "nic"), "changeType": "Create", "after": after}
    deployed.predict(template([written], parameters={"subnet": {"type": "string"}}), made)
    _, report = deployed.scan()
    assert {each["policy"] for each in report["findings"]} == {"BKP101", "BKP201"}
