"""Rows that are not as they should be: a report, never a traceback, never an internal error."""

from __future__ import annotations

import json
import random
from pathlib import Path
from typing import Any

import pytest

from azure_fake.estates import broken
from azure_fake.rows import S1, Row, Tables, id_of, subscription
from bklint.cli import main

ODD: tuple[Any, ...] = (
    None, "", "x", 5, -1, True, [], {}, [None], ["x"], {"x": None}, "/subscriptions/", "/x/y", "é\u202e\n", 1e300,
)  # fmt: skip
KEPT = ("id", "type", "subscriptionId", "resourceGroup")


def spoiled(data: Any, chance: random.Random, share: float) -> Any:
    """Data in which some values are something else, and some members are gone."""
    if isinstance(data, dict):
        return {
            name: odd(chance) if chance.random() < share else spoiled(item, chance, share)
            for name, item in data.items()
            if chance.random() > share / 4
        }
    if isinstance(data, list):
        return [odd(chance) if chance.random() < share else spoiled(item, chance, share) for item in data]
    return data


def odd(chance: random.Random) -> Any:
    return chance.choice(ODD)


def spoil(row: Row, chance: random.Random, share: float) -> Row:
    """A row with its identity, and anything else."""
    return {**spoiled(row, chance, share), **{name: row[name] for name in KEPT}}


@pytest.mark.parametrize("seed", range(12))
def test_any_row_gives_a_report(serve: Any, capsys: pytest.CaptureFixture[str], seed: int) -> None:
    chance = random.Random(seed)
    good = broken()
    tables = Tables()
    tables.documents.update(good.documents)
    for table in ("resources", "recoveryservicesresources", "policyresources"):
        for row in good.rows(table, None):
            tables.add(spoil(row, chance, 0.04 + 0.02 * seed))
    for row in good.rows("resourcecontainers", None):
        tables.add(row)
    fake = serve(tables)
    code = main(["scan", "--subscription", S1, "--cloud", fake.endpoint, "--no-config", "--format", "json"])
    captured = capsys.readouterr()
    assert captured.err == ""
    report = json.loads(captured.out)
    assert [each["message"] for each in report["findings"] if each["policy"] == "BKP901"] == []
    assert code in (0, 1, 3)


@pytest.mark.parametrize(
    "row",
    [
        {"id": "no id", "type": "microsoft.compute/disks"},
        {"id": f"/subscriptions/{S1}", "type": "microsoft.compute/disks"},
        {"id": f"/subscriptions/{S1}/resourceGroups/rg/providers/Microsoft.Compute", "type": "microsoft.compute/disks"},
        {
            "id": f"/subscriptions/{S1}/resourceGroups/rg/providers/Microsoft.Compute/disks/d",
            "type": "microsoft.compute/disks",
        },
    ],
)
def test_ids_that_are_none(serve: Any, capsys: pytest.CaptureFixture[str], row: Row) -> None:
    fake = serve(Tables([subscription(S1)]))
    fake.store.add({"subscriptionId": S1, "resourceGroup": "rg", "name": "d", **row})
    assert main(["scan", "--subscription", S1, "--cloud", fake.endpoint, "--no-config"]) in (0, 1)
    assert capsys.readouterr().err == ""


TEMPLATE = {
    "$schema": "https://schema.management.azure.com/schemas/2019-04-01/deploymentTemplate.json#",
    "contentVersion": "1.0.0.0",
    "resources": [
        {
            "type": "Microsoft.Compute/virtualMachines",
            "apiVersion": "2024-03-01",
            "name": "vm1",
            "location": "westeurope",
            "properties": {
                "networkProfile": {
                    "networkInterfaces": [{"id": id_of(S1, "rg-app", "Microsoft.Network/networkInterfaces", "nic1")}]
                }
            },
        }
    ],
}


@pytest.mark.parametrize("seed", range(8))
def test_any_row_and_any_prediction_give_a_report_on_files(
    serve: Any, capsys: pytest.CaptureFixture[str], tmp_path: Path, seed: int
) -> None:
    chance = random.Random(seed)
    share = 0.04 + 0.03 * seed
    good = broken(jobs=False)
    tables = Tables(locks=[{**each, **spoiled(each, chance, share), "id": each["id"]} for each in good.locks(S1)])
    for table in ("resources", "recoveryservicesresources"):
        for row in good.rows(table, None):
            tables.add(spoil(row, chance, share))
    tables.add(next(iter(good.rows("resourcecontainers", None))))
    fake = serve(tables)
    after = [row for row in good.rows("resources", None) if "virtualmachines" in row["type"]]
    changes = [{"resourceId": row["id"], "changeType": "Create", "after": spoiled(row, chance, share)} for row in after]
    fake.what_ifs = lambda _: {"properties": {"changes": [*changes, *(odd(chance) for _ in range(4))]}}
    (tmp_path / "main.json").write_text(json.dumps(TEMPLATE))
    words = ("--subscription", S1, "--resource-group", "rg-app", "--what-if", "--no-config", "--format", "json")
    code = main(["scan", str(tmp_path / "main.json"), "--cloud", fake.endpoint, *words])
    captured = capsys.readouterr()
    assert captured.err == ""
    report = json.loads(captured.out)
    assert [each["message"] for each in report["findings"] if each["policy"] == "BKP901"] == []
    assert code in (0, 1, 3)
