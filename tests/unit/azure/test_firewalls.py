"""Rules that Resource Graph does not have: asked of Resource Manager, and open where they are refused."""

from __future__ import annotations

import json
from typing import Any

import pytest

from azure_fake.rows import S1, Row, Tables, disk, id_of, item, nic, policy, row, subnet, subscription, vault, vm, vnet
from azure_fake.server import Fault, error
from bklint.cli import main

FIREWALL = "Microsoft.Network/azureFirewalls"
FIREWALL_POLICY = "Microsoft.Network/firewallPolicies"
POLICY = id_of(S1, "rg-net", FIREWALL_POLICY, "fw-policy")


def estate(*rules: Row) -> Tables:
    """A protected machine whose default route leads to a firewall, and the network rules of the firewall's policy."""
    table = id_of(S1, "rg-net", "Microsoft.Network/routeTables", "rt")
    route = {
        "name": "out",
        "id": f"{table}/routes/out",
        "properties": {"addressPrefix": "0.0.0.0/0", "nextHopType": "VirtualAppliance", "nextHopIpAddress": "10.0.9.4"},
    }
    network = vnet(
        S1, "rg-net", "vnet", [subnet("app", routes=table), subnet("AzureFirewallSubnet", prefix="10.0.9.0/24")]
    )
    inside = {"subnet": {"id": f"{network['id']}/subnets/AzureFirewallSubnet"}, "privateIPAddress": "10.0.9.4"}
    firewall = {"ipConfigurations": [{"name": "ip", "properties": inside}], "firewallPolicy": {"id": POLICY}}
    card = nic(S1, "rg-app", "nic1", f"{network['id']}/subnets/app")
    machine = vm(S1, "rg-app", "vm1", [card["id"]])
    tables = Tables(
        [
            subscription(S1),
            network,
            row(table, "Microsoft.Network/routeTables", {"routes": [route]}),
            row(id_of(S1, "rg-net", FIREWALL, "fw"), FIREWALL, firewall),
            row(POLICY, FIREWALL_POLICY, {"ruleCollectionGroups": [{"id": f"{POLICY}/ruleCollectionGroups/g"}]}),
            card,
            machine,
            disk(S1, "rg-app", "vm1-os", 30, machine["id"]),
            vault(S1, "rg-bk", "rsv"),
            policy(S1, "rg-bk", "rsv"),
            item(S1, "rg-bk", "rsv", machine["id"]),
        ]
    )
    collection = {
        "ruleCollectionType": "FirewallPolicyFilterRuleCollection",
        "action": {"type": "Allow"},
        "priority": 100,
    }
    group = {"priority": 100, "ruleCollections": [{**collection, "name": "c", "rules": list(rules)}]}
    found = {"id": f"{POLICY}/ruleCollectionGroups/g", "name": "g", "type": f"{FIREWALL_POLICY}/ruleCollectionGroups"}
    tables.children[f"{POLICY}/ruleCollectionGroups"] = [{**found, "properties": group}]
    return tables


def rule(*to: str) -> Row:
    return {
        "ruleType": "NetworkRule", "name": "r", "ipProtocols": ["TCP"], "sourceAddresses": ["*"],
        "destinationAddresses": list(to), "destinationPorts": ["443"],
    }  # fmt: skip


def scan(serve: Any, capsys: pytest.CaptureFixture[str], tables: Tables, *faults: Fault) -> tuple[int, dict[str, Any]]:
    fake = serve(tables)
    fake.faults.extend(faults)
    live = ("--subscription", S1, "--cloud", fake.endpoint, "--no-config", "--format", "json")
    code = main(["scan", *live, "--select", "BKP108", "--min-severity", "info"])
    return code, json.loads(capsys.readouterr().out)


def test_rules_of_a_firewall_policy_are_read(serve: Any, capsys: pytest.CaptureFixture[str]) -> None:
    _, report = scan(serve, capsys, estate(rule("10.1.0.0/16")))
    assert [each["policy"] for each in report["findings"]] == ["BKP108"]
    _, report = scan(serve, capsys, estate(rule("Storage", "AzureBackup", "AzureActiveDirectory")))
    assert report["findings"] == []


def test_rules_that_are_refused_leave_the_question_open(serve: Any, capsys: pytest.CaptureFixture[str]) -> None:
    fault = Fault("ruleCollectionGroups", error(403, "AuthorizationFailed"), times=-1)
    code, report = scan(serve, capsys, estate(rule("10.1.0.0/16")), fault)
    assert code == 3
    assert {each["policy"] for each in report["findings"]} == {"BKP900"}
    assert [each["policy"] for each in report["undecided"]] == ["BKP108"]
