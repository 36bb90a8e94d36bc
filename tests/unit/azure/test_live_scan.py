"""A subscription from the command line to the report: real findings on what is deployed, places, formats, exit status."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from azure_fake.estates import broken, healthy
from azure_fake.rows import (
    S1,
    S2,
    Tables,
    assignment,
    disk,
    extension,
    id_of,
    job,
    lock,
    nic,
    nsg,
    row,
    rule,
    subnet,
    subscription,
    vm,
    vnet,
)
from azure_fake.server import TOKEN, Fake, Fault, Response, error
from bklint.cli import main
from bklint.run import schema

Scan = Callable[..., tuple[int, dict[str, Any]]]
GROUP = f"/subscriptions/{S1}/resourceGroups"


@pytest.fixture
def scan(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Scan:
    """Runs a scan of a fake, in an empty directory; gives the exit status and the JSON report."""
    monkeypatch.chdir(tmp_path)

    def run(fake: Fake, *words: str) -> tuple[int, dict[str, Any]]:
        code = main(["scan", "--cloud", fake.endpoint, "--format", "json", *words])
        captured = capsys.readouterr()
        assert captured.err == ""
        assert TOKEN not in captured.out
        report = json.loads(captured.out)
        jsonschema.validate(report, json.loads(schema("output")))
        return code, report

    return run


def found(report: dict[str, Any]) -> set[tuple[str, str]]:
    """Policy and name of the resource of each finding."""
    return {(each["policy"], each["address"].rpartition("/")[2]) for each in report["findings"]}


# -- what is found ---------------------------------------------------------------------------------------------------


def test_a_healthy_subscription_has_no_findings(serve: Any, scan: Scan) -> None:
    code, report = scan(serve(healthy()), "--subscription", S1)
    assert (code, report["findings"], report["notes"]) == (0, [], [])
    assert report["summary"]["machines"] == 2
    assert report["summary"]["subscriptions"] == 1


def test_what_breaks_backup_is_found_where_it_is(serve: Any, scan: Scan) -> None:
    code, report = scan(serve(broken()), "--subscription", S1)
    assert code == 1
    assert found(report) == {
        ("BKP101", "deny-platform"),
        ("BKP104", "deny-all"),
        ("BKP201", "keep"),
        ("BKP203", "whole"),
        ("BKP205", "frozen"),
        ("BKP301", "data1"),
    }


def test_a_finding_points_at_the_property_of_the_resource(serve: Any, scan: Scan) -> None:
    _, report = scan(serve(broken()), "--subscription", S1, "--select", "BKP301")
    (finding,) = report["findings"]
    identity = id_of(S1, "rg-app", "Microsoft.Compute/disks", "data1")
    assert finding["path"] == finding["address"] == finding["at"]["path"] == identity
    assert finding["at"]["property"] == "properties.diskSizeGB"
    assert finding["link"] == finding["at"]["link"] == f"https://portal.example/#resource{identity}"
    assert finding["dialect"] == "azure"
    assert finding["resourceType"] == "Microsoft.Compute/disks"


def test_what_azure_backup_made_itself_is_no_finding(serve: Any, scan: Scan) -> None:
    """Its extension on the machine and its collections of restore points: in code they would be."""
    _, report = scan(serve(healthy()), "--subscription", S1, "--select", "BKP506,BKP714", "--min-severity", "info")
    assert report["findings"] == []
    theirs = healthy()
    for each in theirs.rows("resources", None):
        if each["type"].endswith("restorepointcollections"):
            theirs.add(
                {**each, "id": each["id"].replace("AzureBackupRG_westeurope_1", "rg-own").replace("AzureBackup_", "")}
            )
            break
    _, report = scan(serve(theirs), "--subscription", S1, "--select", "BKP714")
    assert [each["policy"] for each in report["findings"]] == ["BKP714"]


def test_a_machine_without_backup_is_known_by_what_is_listed(serve: Any, scan: Scan) -> None:
    tables = healthy()
    items = [each["id"] for each in tables.rows("recoveryservicesresources", None) if "protectedItems" in each["id"]]
    tables.remove(items[0])
    _, report = scan(serve(tables), "--subscription", S1, "--select", "BKP709", "--min-severity", "info")
    assert found(report) == {("BKP709", "vm1")}


def test_a_protected_item_of_a_machine_that_is_gone(serve: Any, scan: Scan) -> None:
    tables = healthy()
    tables.remove(id_of(S1, "rg-app", "Microsoft.Compute/virtualMachines", "vm2"))
    _, report = scan(serve(tables), "--subscription", S1, "--select", "BKP707")
    assert found(report) == {("BKP707", "VM;iaasvmcontainerv2;rg-app;vm2")}


def test_a_policy_of_a_management_group_counts_for_what_is_below_it(serve: Any, scan: Scan) -> None:
    """An allow-list of extensions that lacks that of Azure Backup, assigned two levels above the subscription."""
    approved = "/providers/Microsoft.Authorization/policyDefinitions/c0e996f8-39cf-4af9-9f45-83fbde810432"
    root = "/providers/Microsoft.Management/managementGroups/root"
    other = "/providers/Microsoft.Management/managementGroups/other"
    given = {"approvedExtensions": ["AzureMonitorLinuxAgent"], "effect": "Deny"}
    tables = healthy()
    tables.add(assignment(root, "approved", approved, given))
    tables.add(assignment(other, "not-ours", approved, given))
    tables.add(assignment(root, "left-out", approved, given, notScopes=[f"/subscriptions/{S1}"]))
    _, report = scan(serve(tables), "--subscription", S1, "--select", "BKP505")
    assert found(report) == {("BKP505", "approved")}


def test_the_network_of_another_subscription_is_fetched_and_judged(serve: Any, scan: Scan) -> None:
    """A machine in a hub's subnet: the group that denies is in another subscription, which was not asked for."""
    hub = nsg(S2, "rg-hub", "nsg-hub", [rule("deny-platform", "Deny", "168.63.129.16")])
    network = vnet(S2, "rg-hub", "hub", [subnet("shared", hub["id"]), subnet("unused", f"{hub['id']}-x")])
    card = nic(S1, "rg-app", "nic1", f"{network['id']}/subnets/shared")
    machine = vm(S1, "rg-app", "vm1", [card["id"]])
    own = [subscription(S1), machine, disk(S1, "rg-app", "vm1-os", 30, machine["id"]), card]
    fake = serve(Tables([*own, subscription(S2), network, hub]))
    code, report = scan(fake, "--subscription", S1)
    assert (code, found(report)) == (1, {("BKP101", "deny-platform")})
    assert report["summary"]["resources"] == 3
    asked = [request.body["query"] for request in fake.requests if request.body and " id in~ " in request.body["query"]]
    assert not any("nsg-hub-x" in query for query in asked)


def test_a_fault_that_two_subscriptions_meet_is_one_finding(serve: Any, scan: Scan) -> None:
    hub = nsg(S2, "rg-hub", "nsg-hub", [rule("deny-platform", "Deny", "168.63.129.16")])
    network = vnet(S2, "rg-hub", "hub", [subnet("shared", hub["id"])])
    card = nic(S1, "rg-app", "nic1", f"{network['id']}/subnets/shared")
    machine = vm(S1, "rg-app", "vm1", [card["id"]])
    fake = serve(Tables([subscription(S1), subscription(S2), machine, card, network, hub]))
    reports = [scan(fake, "--tenant")[1] for _ in range(2)]
    assert [each["policy"] for each in reports[0]["findings"]] == ["BKP101"]
    assert reports[0] == reports[1]
    assert reports[0]["summary"]["resources"] == 4


def test_a_key_vault_with_roles_is_left_undecided(serve: Any, scan: Scan) -> None:
    """Its role assignments are not read, so it is not said that Azure Backup has none."""
    kind = "Microsoft.KeyVault/vaults"
    vault = id_of(S1, "rg-app", kind, "kv")
    body = {"enableRbacAuthorization": True, "vaultUri": "https://kv.vault.azure.net/", "accessPolicies": []}
    settings = {
        "KeyVaultURL": "https://kv.vault.azure.net/",
        "KeyVaultResourceId": vault,
        "EncryptionOperation": "EnableEncryption",
    }
    tables = healthy()
    tables.add(row(vault, kind, body))
    ade = "AzureDiskEncryptionForLinux"
    tables.add(extension(S1, "rg-app", "vm1", ade, "Microsoft.Azure.Security", ade, settings=settings))
    _, report = scan(serve(tables), "--subscription", S1, "--select", "BKP403", "--min-severity", "info")
    assert report["findings"] == []
    assert [each["cause"] for each in report["undecided"]] == ["role assignments, which a live scan does not read"]


def test_named_groups_are_read_with_what_their_machines_use(serve: Any, scan: Scan) -> None:
    tables = broken()
    tables.add(disk(S1, "rg-other", "huge", 50000))
    fake = serve(tables)
    _, report = scan(fake, "--subscription", S1, "--resource-group", "RG-App")
    names = found(report)
    assert ("BKP301", "data1") in names
    assert ("BKP101", "deny-platform") in names
    assert ("BKP301", "huge") not in names
    _, whole = scan(fake, "--subscription", S1)
    assert ("BKP301", "huge") in found(whole)


# -- failed jobs -----------------------------------------------------------------------------------------------------


def test_failed_jobs_are_joined_to_the_findings_that_explain_them(serve: Any, scan: Scan) -> None:
    fake = serve(broken())
    _, report = scan(fake, "--subscription", S1)
    by_code = {each["codes"][-1]: each for each in report["failures"]}
    size = by_code["UserErrorUnsupportedDiskSize"]
    assert [each["policy"] for each in size["explained"]] == ["BKP301"]
    assert size["machine"] == id_of(S1, "rg-app", "Microsoft.Compute/virtualMachines", "vm1")
    network = by_code["ExtensionSnapshotFailedNoNetwork"]
    assert "BKP104" in {each["policy"] for each in network["explained"]}
    unknown = by_code["UserErrorNeverHeardOf"]
    assert (unknown["entry"], unknown["explained"]) == ("", [])
    assert {"BKP301", "BKP104"} <= {each["policy"] for each in unknown["others"]}
    limit = by_code["UserErrorRpCollectionLimitReached"]
    assert {each["policy"] for each in limit["explained"]} == {"BKP201", "BKP203", "BKP204"}
    assert report["summary"]["jobsFailed"] == 4
    assert report["summary"]["jobsExplained"] == 3


def test_a_failure_of_another_machine_is_not_explained_by_this_ones_faults(serve: Any, scan: Scan) -> None:
    tables = healthy()
    tables.add(disk(S1, "rg-app", "loose", 40000))
    tables.add(job(S1, "rg-bk", "rsv", "vm2", "UserErrorUnsupportedDiskSize", "a disk is too large"))
    _, report = scan(serve(tables), "--subscription", S1)
    assert found(report) == {("BKP301", "loose")}
    (failure,) = report["failures"]
    assert (failure["explained"], failure["entry"]) == ([], "UserErrorUnsupportedDiskSize")


def test_a_message_in_words_is_recognised(serve: Any, scan: Scan) -> None:
    tables = broken()
    text = "Snapshot operation failed due to no network connectivity on the virtual machine."
    tables.add(job(S1, "rg-bk", "rsv", "vm1", "UnheardOf", text, 12))
    _, report = scan(serve(tables), "--subscription", S1)
    failure = next(each for each in report["failures"] if "UnheardOf" in each["codes"])
    assert failure["entry"] == "ExtensionSnapshotFailedNoNetwork"


# -- what is not read is said ----------------------------------------------------------------------------------------

REFUSED = error(403, "AuthorizationFailed", "does not have authorization")


@pytest.mark.parametrize(
    ("match", "answer", "told"),
    [
        ('"resources .*project', REFUSED, "resources: query of Resource Graph: 403"),
        ("recoveryservicesresources.*project", REFUSED, "403 AuthorizationFailed"),
        ("policyresources", REFUSED, "the role Reader"),
        ("maintenanceresources", error(400, "BadRequest"), "400 BadRequest"),
        ("GET .*/locks", REFUSED, "locks: 403"),
        ("GET .*/locks", error(404, "SubscriptionNotFound"), "locks: 404"),
        ("GET .*/locks", error(409, "Conflict"), "locks: 409"),
        ("GET .*/locks", error(429, "TooManyRequests"), "throttles"),
        ("resourcecontainers", error(401, "InvalidAuthenticationToken"), "az login"),
        ("resourcegraph", error(503, "ServiceUnavailable"), "503"),
        ("resourcegraph", Response(0), "no answer"),
        ("resourcegraph", Response(200, {"data": []}), "no totalRecords"),
    ],
)
def test_a_fault_is_never_clean(serve: Any, scan: Scan, match: str, answer: Response, told: str) -> None:
    fake = serve(healthy())
    fake.faults.append(Fault(match, answer, times=-1))
    code, report = scan(fake, "--subscription", S1)
    assert code == 3
    messages = [each["message"] for each in report["findings"] if each["policy"] == "BKP900"]
    assert messages
    assert all(message.startswith("not checked: ") for message in messages)
    assert any(told in message for message in messages), messages


def test_absence_is_not_concluded_where_something_was_not_read(serve: Any, scan: Scan) -> None:
    """Without the protected items no machine may be called unprotected."""
    fake = serve(healthy())
    fake.faults.append(
        Fault("recoveryservicesresources.*protecteditems.*project", error(403, "AuthorizationFailed"), times=-1)
    )
    code, report = scan(fake, "--subscription", S1, "--select", "BKP709", "--min-severity", "info")
    assert code == 3
    assert {each["policy"] for each in report["findings"]} == {"BKP900"}
    assert [each["policy"] for each in report["undecided"]] == ["BKP709", "BKP709"]


def test_refused_locks_are_read_by_group_and_the_rest_is_said(serve: Any, scan: Scan) -> None:
    tables = Tables(
        healthy().rows("resources", None),
        [lock(f"{GROUP}/rg-app/providers/Microsoft.Compute/virtualMachines/vm1", "frozen", "ReadOnly")],
    )
    tables.add(subscription(S1))
    fake = serve(tables)
    refused = error(403, "AuthorizationFailed")
    fake.faults.append(Fault(rf"GET /subscriptions/{S1}/providers/microsoft.authorization/locks", refused, times=-1))
    code, report = scan(fake, "--subscription", S1, "--resource-group", "rg-app")
    assert code == 3
    assert {"BKP205", "BKP900"} == {each["policy"] for each in report["findings"]}


def test_a_subscription_that_is_not_there_is_said(serve: Any, scan: Scan) -> None:
    code, report = scan(serve(healthy()), "--subscription", S1, "--subscription", S2)
    assert code == 3
    (finding,) = report["findings"]
    assert finding["path"] == f"/subscriptions/{S2}"
    assert "subscription not found" in finding["message"]


def test_totals_that_change_once_are_read_again(serve: Any, scan: Scan) -> None:
    tables = healthy()
    fake = serve(tables)
    fake.limit = 4
    changes = iter([True])

    def change(request: Any) -> None:
        if "$skipToken" in request.body["options"] and next(changes, False):
            tables.add(disk(S1, "rg-app", "another"))

    fake.faults.append(Fault("resources \\| where type.*project", change, times=-1))
    code, report = scan(fake, "--subscription", S1)
    assert (code, report["findings"]) == (0, [])


def test_totals_that_keep_changing_are_said(serve: Any, scan: Scan) -> None:
    tables = healthy()
    fake = serve(tables)
    fake.limit = 4
    numbers = iter(range(1000))

    def change(request: Any) -> None:
        if "$skipToken" in request.body["options"]:
            tables.add(disk(S1, "rg-app", f"another-{next(numbers)}"))

    fake.faults.append(Fault("resources \\| where type.*project", change, times=-1))
    code, report = scan(fake, "--subscription", S1)
    assert code == 3
    assert any("the total changed" in each["message"] for each in report["findings"])


@pytest.mark.parametrize("spoil", ["half", "twice", "cut"])
def test_half_pages_are_said(serve: Any, scan: Scan, spoil: str) -> None:
    fake = serve(healthy())

    def half(request: Any) -> Response:
        body = fake._routed(request).body
        data = body["data"]
        if spoil == "half":
            return Response(200, {**body, "data": data[:-1]})
        if spoil == "twice":
            return Response(200, {**body, "data": [*data[:-1], data[0]]})
        return Response(200, {**body, "data": data[:-1], "count": len(data) - 1})

    fake.faults.append(Fault("resources \\| where type.*project", half, times=-1))
    code, report = scan(fake, "--subscription", S1)
    assert code == 3
    assert any("in each of 3 attempts" in each["message"] for each in report["findings"])


def test_a_page_that_fails_in_the_middle_leaves_what_came_before(serve: Any, scan: Scan) -> None:
    fake = serve(broken())
    fake.limit = 5
    fake.faults.append(
        Fault("resources \\| where type.*skipToken", error(500, "InternalServerError"), times=-1, after=0)
    )
    code, report = scan(fake, "--subscription", S1)
    assert code == 3
    assert any("only 5 rows came" in each["message"] for each in report["findings"])


def test_the_cut_at_10000_subscriptions_is_said(serve: Any, scan: Scan) -> None:
    fake = serve(healthy())

    def cut(request: Any) -> Response:
        answer = fake._routed(request)
        return answer._replace(headers={**answer.headers, "x-ms-tenant-subscription-limit-hit": "true"})

    fake.faults.append(Fault("resourcecontainers", cut, times=-1))
    code, report = scan(fake, "--tenant")
    assert code == 3
    assert "more than 10,000 subscriptions" in report["findings"][0]["message"]


# -- scopes ----------------------------------------------------------------------------------------------------------


def tenant() -> Tables:
    """Three subscriptions, two of them below the group `apps`."""
    s3 = "33333333-3333-4333-8333-333333333333"
    return Tables(
        [
            subscription(S1, "one", ["apps", "root"]),
            subscription(S2, "two", ["apps-eu", "apps", "root"]),
            subscription(s3, "three", ["root"]),
            disk(S1, "rg", "huge-1", 40000),
            disk(S2, "rg", "huge-2", 40000),
            disk(s3, "rg", "huge-3", 40000),
        ]
    )


def test_a_tenant_is_every_subscription(serve: Any, scan: Scan) -> None:
    _, report = scan(serve(tenant()), "--tenant")
    assert found(report) == {("BKP301", "huge-1"), ("BKP301", "huge-2"), ("BKP301", "huge-3")}
    assert report["summary"]["subscriptions"] == 3


def test_a_management_group_is_what_is_below_it(serve: Any, scan: Scan) -> None:
    fake = serve(tenant())
    _, report = scan(fake, "--management-group", "apps")
    assert found(report) == {("BKP301", "huge-1"), ("BKP301", "huge-2")}
    code, report = scan(fake, "--management-group", "none")
    assert code == 3


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["--subscription", "prod"], "is no subscription id"),
        (["--subscription", S1, "--tenant"], "give one of"),
        (["--resource-group", "rg"], "needs the one --subscription"),
        (["--subscription", S1, "--resource-group", "a/b"], "no name of a resource group"),
        (["--subscription", S1, "--cloud", "Mars"], "is not known"),
        (["--subscription", S1, "--via", "export"], "--via export"),
        (["--via", "export"], "--via export"),
        (["--subscription", S1, "--what-if"], "give the template"),
        (["--subscription", S1, "--fix"], "bklint only reads Azure"),
        (["--subscription", S1, "--changed-since", "HEAD", "."], "is about files alone"),
        (["--management-group", "a b"], "no id of a management group"),
    ],
)
def test_options_that_do_not_fit(words: list[str], told: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["scan", *words]) == 2
    assert told in capsys.readouterr().err


# -- formats ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("format_", ["text", "sarif", "github", "azure-devops", "gitlab", "junit", "markdown", "html"])
def test_every_format_shows_a_live_finding(
    serve: Any, format_: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    fake = serve(broken())
    assert main(["scan", "--subscription", S1, "--cloud", fake.endpoint, "--format", format_]) == 1
    shown = capsys.readouterr().out
    identity = id_of(S1, "rg-app", "Microsoft.Compute/disks", "data1")
    assert identity.lstrip("/") in shown
    assert TOKEN not in shown
    check = CHECKS.get(format_)
    if check is not None:
        check(shown, identity)


def _text(shown: str, identity: str) -> None:
    assert f"--> {identity} properties.diskSizeGB\n" in shown
    assert f"= portal: https://portal.example/#resource{identity}\n" in shown
    assert "backup jobs that failed in the last 7 days: 4, 3 explained by findings, 1 by nothing" in shown
    assert "1 subscription, " in shown


def _sarif(shown: str, identity: str) -> None:
    run = json.loads(shown)["runs"][0]
    result = next(each for each in run["results"] if each["ruleId"] == "BKP301")
    (location,) = result["locations"]
    assert "physicalLocation" not in location
    assert location["logicalLocations"][0]["fullyQualifiedName"] == f"{identity}#properties.diskSizeGB"
    assert result["hostedViewerUri"] == f"https://portal.example/#resource{identity}"
    notes = [each["descriptor"]["id"] for each in run["invocations"][0]["toolExecutionNotifications"]]
    assert notes.count("unexplained-job") == 1


def _github(shown: str, identity: str) -> None:
    assert "file=" not in shown
    assert "line=" not in shown


def _devops(shown: str, identity: str) -> None:
    assert "sourcepath=" not in shown


def _gitlab(shown: str, identity: str) -> None:
    places = [each["location"] for each in json.loads(shown)]
    assert {"path": identity.lstrip("/"), "lines": {"begin": 1}} in places


CHECKS: dict[str, Callable[[str, str], None]] = {
    "text": _text,
    "sarif": _sarif,
    "github": _github,
    "azure-devops": _devops,
    "gitlab": _gitlab,
}


def test_secrets_in_settings_are_masked(serve: Any, capsys: pytest.CaptureFixture[str]) -> None:
    tables = healthy()
    script = "systemctl stop walinuxagent && mysql --password=Hunter2Hunter2 -e 'x'"
    tables.add(
        extension(
            S1,
            "rg-app",
            "vm1",
            "script",
            "Microsoft.Azure.Extensions",
            "CustomScript",
            settings={"commandToExecute": script},
        )
    )
    fake = serve(tables)
    assert main(["scan", "--subscription", S1, "--cloud", fake.endpoint, "--no-config"]) == 1
    shown = capsys.readouterr().out
    assert "walinuxagent" in shown
    assert "Hunter2" not in shown


def test_an_accepted_finding_is_named_by_its_id(serve: Any, scan: Scan, tmp_path: Path) -> None:
    identity = id_of(S1, "rg-app", "Microsoft.Compute/disks", "data1")
    config = tmp_path / ".bklint.yaml"
    config.write_text(f"ignore:\n  - id: BKP301\n    address: '{identity}'\n    reason: to be split in spring\n")
    _, report = scan(serve(broken()), "--subscription", S1)
    assert ("BKP301", "data1") not in found(report)
    assert [each["policy"] for each in report["known"]] == ["BKP301"]


def test_a_baseline_knows_what_is_deployed(
    serve: Any, scan: Scan, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    tables = broken()
    fake = serve(tables)
    live = ("--subscription", S1, "--cloud", fake.endpoint)
    assert main(["baseline", *live]) == 0
    capsys.readouterr()
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    monkeypatch.chdir(elsewhere)
    code, report = scan(fake, *live[:2], "--baseline", "../.bklint-baseline.json")
    assert (code, report["findings"], report["gone"]) == (0, [], [])
    assert {each["kind"] for each in report["known"]} == {"baseline"}
    huge = id_of(S1, "rg-app", "Microsoft.Compute/disks", "data1")
    tables.remove(huge)
    _, report = scan(fake, *live[:2], "--baseline", "../.bklint-baseline.json")
    assert [(each["policy"], each["address"]) for each in report["gone"]] == [("BKP301", huge)]
    fake.faults.append(Fault('"resources .*project', REFUSED, times=-1))
    code, report = scan(fake, *live[:2], "--baseline", "../.bklint-baseline.json")
    assert (code, report["gone"]) == (3, [])


def test_a_gap_is_never_recorded_as_known(serve: Any, scan: Scan, capsys: pytest.CaptureFixture[str]) -> None:
    fake = serve(healthy())
    fake.faults.append(Fault("GET .*/locks", REFUSED, times=-1))
    assert main(["baseline", "--subscription", S1, "--cloud", fake.endpoint]) == 3
    capsys.readouterr()
    code, report = scan(fake, "--subscription", S1, "--baseline", ".bklint-baseline.json")
    assert code == 3
    assert [each["policy"] for each in report["findings"]] == ["BKP900"]
