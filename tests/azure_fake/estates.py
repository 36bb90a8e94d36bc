"""Whole subscriptions: one in which backup works, and one in which it does not."""

from __future__ import annotations

from azure_fake.rows import (
    S1,
    Row,
    Tables,
    disk,
    extension,
    id_of,
    item,
    job,
    lock,
    nic,
    nsg,
    policy,
    row,
    rule,
    subnet,
    subscription,
    vault,
    vm,
    vnet,
)

SERVICE_GROUP = "AzureBackupRG_westeurope_1"


def _machine(name: str, number: int, network: str, size: int = 128) -> list[Row]:
    """A protected machine with all that belongs to it, the service's own extension and collection included."""
    data = id_of(S1, "rg-app", "Microsoft.Compute/disks", f"data{number}")
    card = nic(S1, "rg-app", f"nic{number}", f"{network}/subnets/app")
    machine = vm(S1, "rg-app", name, [card["id"]], [data])
    collection = f"AzureBackup_{name}_35184372088832"
    kind = "Microsoft.Compute/restorePointCollections"
    return [
        machine,
        card,
        disk(S1, "rg-app", f"{name}-os", 30, machine["id"]),
        disk(S1, "rg-app", f"data{number}", size, machine["id"]),
        extension(S1, "rg-app", name, "VMSnapshotLinux", "Microsoft.Azure.RecoveryServices", "VMSnapshotLinux"),
        extension(S1, "rg-app", name, "AzureMonitorLinuxAgent", "Microsoft.Azure.Monitor", "AzureMonitorLinuxAgent"),
        row(id_of(S1, SERVICE_GROUP, kind, collection), kind, {"source": {"id": machine["id"]}}),
        item(S1, "rg-bk", "rsv", machine["id"]),
    ]


def _around(group: Row, network: Row) -> list[Row]:
    """What protected machines need besides: their subscription and network, a vault and a policy."""
    return [
        subscription(S1, "prod", ["corp", "root"]),
        group,
        network,
        vault(S1, "rg-bk", "rsv"),
        policy(S1, "rg-bk", "rsv"),
    ]


def healthy() -> Tables:
    """Two protected machines in a network with a group that allows what it should."""
    group = nsg(S1, "rg-net", "nsg-app", [rule("deny-internet", "Deny", "Internet", priority=4000)])
    allowed = [
        rule(f"allow-{tag.lower()}", "Allow", tag, "443", 200 + number, "Tcp")
        for number, tag in enumerate(("Storage", "AzureBackup", "AzureActiveDirectory"))
    ]
    group["properties"]["securityRules"] = [
        *({**each, "id": f"{group['id']}/securityRules/{each['name']}"} for each in allowed),
        *group["properties"]["securityRules"],
    ]
    network = vnet(S1, "rg-net", "vnet", [subnet("app", group["id"])])
    rows = _around(group, network)
    rows += [*_machine("vm1", 1, network["id"]), *_machine("vm2", 2, network["id"])]
    return Tables(rows, [lock(f"/subscriptions/{S1}/resourceGroups/rg-net", "network-stays")])


def broken(*, jobs: bool = True) -> Tables:
    """One machine whose backup fails for several reasons, with the jobs that failed."""
    group = nsg(
        S1,
        "rg-net",
        "nsg-app",
        [rule("deny-all", "Deny", "*", priority=4000), rule("deny-platform", "Deny", "168.63.129.16", priority=200)],
    )
    network = vnet(S1, "rg-net", "vnet", [subnet("app", group["id"])])
    rows = _around(group, network)
    rows += _machine("vm1", 1, network["id"], 40000)
    failed = [
        job(S1, "rg-bk", "rsv", "vm1", "UserErrorUnsupportedDiskSize", "The disk is too large.", 1),
        job(S1, "rg-bk", "rsv", "vm1", "ExtensionSnapshotFailedNoNetwork", "No network.", 2),
        job(S1, "rg-bk", "rsv", "vm1", "UserErrorNeverHeardOf", "Nobody knows.", 3),
        job(S1, "rg-bk", "rsv", "vm1", "UserErrorUnsupportedDiskSize", "Too long ago to matter.", 4, days=9),
        job(S1, "rg-bk", "rsv", "vm1", "", "", 9),
    ]
    rows += failed if jobs else []
    machine = id_of(S1, "rg-app", "Microsoft.Compute/virtualMachines", "vm1")
    locks = [
        lock(f"/subscriptions/{S1}/resourceGroups/{SERVICE_GROUP}", "keep"),
        lock(machine, "frozen", "ReadOnly"),
        lock(f"/subscriptions/{S1}", "whole"),
    ]
    tables = Tables(rows, locks)
    asked = id_of(
        S1, "rg-bk", "Microsoft.RecoveryServices/vaults/backupJobs", "rsv", "00000000-0000-0000-0000-000000000009"
    )
    reason = {"errorTitle": "UserErrorRpCollectionLimitReached", "errorString": "The limit is reached."}
    tables.documents[asked] = {"id": asked, "properties": {"errorDetails": [reason]}}
    return tables
