"""Protected machines, vaults and policies that a change of the code takes away (`--changed-since`)."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from bklint.cli import main

VM = """
resource "azurerm_linux_virtual_machine" "app" {
  name                = "vm-app"
  resource_group_name = "rg-app"
  location            = "westeurope"
  size                = "Standard_D2s_v3"
}
"""
BACKUP = """
resource "azurerm_recovery_services_vault" "main" {
  name                = "rsv"
  resource_group_name = "rg-backup"
  location            = "westeurope"
  sku                 = "Standard"
}

resource "azurerm_backup_policy_vm" "daily" {
  name                           = "daily"
  resource_group_name            = "rg-backup"
  recovery_vault_name            = azurerm_recovery_services_vault.main.name
  instant_restore_retention_days = 2
  backup {
    frequency = "Daily"
    time      = "23:00"
  }
  retention_daily {
    count = 30
  }
}

resource "azurerm_backup_protected_vm" "app" {
  resource_group_name = "rg-backup"
  recovery_vault_name = azurerm_recovery_services_vault.main.name
  source_vm_id        = %s
  backup_policy_id    = azurerm_backup_policy_vm.daily.id
}
"""
WHOLE = VM + BACKUP % "azurerm_linux_virtual_machine.app.id"
ID = '"/subscriptions/1/resourceGroups/rg-app/providers/Microsoft.Compute/virtualMachines/vm-app"'


def git(*words: str) -> None:
    subprocess.run(
        ["git", "-c", "user.name=a", "-c", "user.email=a@b.invalid", *words], check=True, capture_output=True
    )


@pytest.fixture
def changed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Any:
    """Findings of BKP717 after a change from some files to others: severity and message of each."""
    monkeypatch.chdir(tmp_path)

    def run(before: Mapping[str, str], after: Mapping[str, str]) -> list[tuple[str, str]]:
        git("init", "-q", ".")
        for name, text in before.items():
            (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
            (tmp_path / name).write_text(text)
        git("add", ".")
        git("commit", "-qm", "before")
        for name in before:
            (tmp_path / name).unlink()
        for name, text in after.items():
            (tmp_path / name).write_text(text)
        options = ["--changed-since", "HEAD", "--select", "BKP717", "--min-severity", "info", "--format", "json"]
        main(["scan", ".", *options])
        found = json.loads(capsys.readouterr().out)["findings"]
        mine = [each for each in found if each["policy"] == "BKP717"]
        return [(each["severity"], each["message"].partition(";")[0]) for each in mine]

    return run


def test_a_protected_machine_that_is_taken_away(changed: Any) -> None:
    after = BACKUP % ID
    assert changed({"main.tf": WHOLE}, {"main.tf": after}) == [
        ("warning", "the change would delete protected virtual machine vm-app (no longer declared)")
    ]


def test_what_protects_it(changed: Any) -> None:
    item = WHOLE[: WHOLE.index('resource "azurerm_backup_protected_vm"')]
    assert changed({"main.tf": WHOLE}, {"main.tf": item}) == [
        ("warning", "the change would delete the protected item of virtual machine vm-app")
    ]


def test_a_vault(changed: Any) -> None:
    after = WHOLE.replace('resource "azurerm_recovery_services_vault" "main" {', "locals {").replace(
        "azurerm_recovery_services_vault.main.name", '"rsv"'
    )
    found = changed({"main.tf": WHOLE}, {"main.tf": after})
    assert [each for each in found if "vault rsv" in each[1]] == [("error", "the change would delete vault rsv")]


def test_a_shorter_retention(changed: Any) -> None:
    after = WHOLE.replace("count = 30", "count = 7")
    assert changed({"main.tf": WHOLE}, {"main.tf": after}) == [
        ("warning", "the change shortens the daily retention from 30 to 7 days in backup policy daily")
    ]


def test_longer_retention_and_other_changes_are_fine(changed: Any) -> None:
    after = WHOLE.replace("count = 30", "count = 60").replace("Standard_D2s_v3", "Standard_D4s_v3")
    assert changed({"main.tf": WHOLE}, {"main.tf": after}) == []


def test_another_file_of_the_same_directory_is_fine(changed: Any) -> None:
    assert (
        changed({"main.tf": WHOLE}, {"vm.tf": VM, "backup.tf": BACKUP % "azurerm_linux_virtual_machine.app.id"}) == []
    )


RENAMED = WHOLE.replace('machine" "app"', 'machine" "web"').replace("virtual_machine.app.id", "virtual_machine.web.id")
MOVED = """
moved {
  from = azurerm_linux_virtual_machine.app
  to   = azurerm_linux_virtual_machine.web
}
"""


def test_a_new_name_destroys_unless_it_is_moved(changed: Any) -> None:
    found = changed({"main.tf": WHOLE}, {"main.tf": RENAMED})
    assert [message for _, message in found] == ["the change would delete virtual machine vm-app (no longer declared)"]


def test_moved(changed: Any) -> None:
    assert changed({"main.tf": WHOLE}, {"main.tf": RENAMED + MOVED}) == []


def test_moved_into_a_module(changed: Any) -> None:
    module = 'module "vm" {\n  source = "./vm"\n}\n'
    moves = MOVED.replace(
        "to   = azurerm_linux_virtual_machine.web", "to = module.vm.azurerm_linux_virtual_machine.app"
    )
    before = {"main.tf": VM, "vm/keep.tf": "# empty\n"}
    assert changed(before, {"main.tf": module + moves, "vm/main.tf": VM}) == []


def test_let_go_without_being_destroyed(changed: Any) -> None:
    removed = """
removed {
  from = azurerm_linux_virtual_machine.app
  lifecycle {
    destroy = false
  }
}
"""
    assert changed({"main.tf": WHOLE}, {"main.tf": BACKUP % ID + removed}) == []


def test_a_count_of_none(changed: Any) -> None:
    after = WHOLE.replace('"vm-app"', '"vm-app"\n  count = 0').replace("azurerm_linux_virtual_machine.app.id", ID)
    found = changed({"main.tf": WHOLE}, {"main.tf": after})
    assert [severity for severity, _ in found] == ["warning"]


def test_a_count_that_is_not_known_takes_nothing_away(changed: Any) -> None:
    after = WHOLE.replace('"vm-app"', '"vm-app"\n  count = var.number').replace(
        "azurerm_linux_virtual_machine.app.id", ID
    )
    assert changed({"main.tf": WHOLE}, {"main.tf": after + 'variable "number" {}\n'}) == []


def test_a_root_that_is_gone_and_a_damaged_one_take_nothing_away(changed: Any) -> None:
    assert changed({"app/main.tf": WHOLE, "other/main.tf": VM}, {"other/main.tf": VM}) == []


def test_a_damaged_file_takes_nothing_away(changed: Any) -> None:
    assert changed({"main.tf": WHOLE}, {"main.tf": BACKUP % ID + "resource {"}) == []
