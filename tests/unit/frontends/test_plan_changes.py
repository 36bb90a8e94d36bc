"""What a plan does with resources: actions, what forces a replacement, and resources that are only deleted."""

from __future__ import annotations

import json
from typing import Any

from bklint.files import MemoryReader
from bklint.frontends import Options
from bklint.frontends.terraform.plan import roots
from bklint.model.derive import derive
from bklint.model.inventory import Inventory, World
from bklint.model.value import ListData, leaf_place

VM = "azurerm_linux_virtual_machine"
VALUES = {"name": "vm-app", "resource_group_name": "rg-app", "location": "westeurope"}


def entry(address: str, actions: list[str], before: Any, after: Any, **more: Any) -> dict[str, Any]:
    type_, name = address.split(".")[-2:]
    change = {"actions": actions, "before": before, "after": after, "after_unknown": {}, **more.pop("change", {})}
    return {"address": address, "mode": "managed", "type": type_, "name": name, "change": change, **more}


def world(changes: list[dict[str, Any]], *planned: str) -> World:
    """The world of a plan, with the values of the addresses that stay."""
    resources = [
        {"address": address, "mode": "managed", "type": address.split(".")[0], "name": "app", "values": VALUES}
        for address in planned
    ]
    plan = {
        "format_version": "1.2",
        "planned_values": {"root_module": {"resources": resources}},
        "resource_changes": changes,
    }
    reader, inventory = MemoryReader({"plan.json": json.dumps(plan)}), Inventory()
    (root,) = roots(("plan.json",), reader, Options(), inventory)
    made = root.lower("", {})
    made.finish(derive, lambda _: None)
    return made


def test_a_replaced_machine() -> None:
    change = {"replace_paths": [["zone"], ["os_disk", 0, "name"]]}
    made = world([entry(f"{VM}.app", ["delete", "create"], VALUES, VALUES, change=change)], f"{VM}.app")
    machine = made.by_address(f"{VM}.app")
    assert machine is not None
    actions = machine.extra["actions"]
    assert isinstance(actions.data, ListData)
    assert [action.data for action in actions.data.items] == ["delete", "create"]
    place = leaf_place(actions)
    assert place is not None
    assert place.text == '["delete", "create"]'
    assert machine.extra["replacePaths"].data == "zone, os_disk[0].name"
    assert machine.mode == "managed"


def test_a_deleted_machine_is_in_the_world_and_judged_by_few() -> None:
    made = world([entry(f"module.a.{VM}.app", ["delete"], VALUES, None, module_address="module.a")])
    machine = made.by_address(f"module.a.{VM}.app")
    assert machine is not None
    assert (machine.mode, machine.name.data, machine.get("location").data) == ("existing", "vm-app", "westeurope")


def test_other_deleted_resources_are_not() -> None:
    disk = {"name": "disk", "resource_group_name": "rg-app", "disk_size_gb": 40000}
    assert world([entry("azurerm_managed_disk.app", ["delete"], disk, None)]).resources == []


def test_left_over_objects_do_not_count() -> None:
    changes = [
        entry(f"{VM}.app", ["no-op"], VALUES, VALUES),
        entry(f"{VM}.app", ["delete"], VALUES, None, deposed="00000000"),
    ]
    machine = world(changes, f"{VM}.app").by_address(f"{VM}.app")
    assert machine is not None
    actions = machine.extra["actions"].data
    assert isinstance(actions, ListData)
    assert [action.data for action in actions.items] == ["no-op"]


def test_what_was_before_is_kept_of_policies() -> None:
    values = {"name": "bkpol", "resource_group_name": "rg", "recovery_vault_name": "rsv"}
    before = {**values, "retention_daily": [{"count": 30}]}
    made = world([entry("azurerm_backup_policy_vm.app", ["update"], before, values)], "azurerm_backup_policy_vm.app")
    policy = made.by_address("azurerm_backup_policy_vm.app")
    assert policy is not None
    assert "before" in policy.extra
