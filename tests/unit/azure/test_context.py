"""Files and Azure at once: what neither sees alone."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from azure_fake.rows import (
    S1,
    S2,
    Tables,
    assignment,
    item,
    lock,
    nsg,
    policy,
    rule,
    subnet,
    subscription,
    vault,
    vm,
    vnet,
)
from azure_fake.server import Fake, Fault, error
from bklint.cli import main

NSG = nsg(S1, "rg-net", "nsg-shared", [rule("deny-platform", "Deny", "168.63.129.16")])
NETWORK = vnet(S1, "rg-net", "vnet-shared", [subnet("app", NSG["id"]), subnet("free", prefix="10.0.1.0/24")])
DENYING = nsg(S1, "rg-net", "nsg-shared", [rule("deny-all", "Deny", "*", priority=4000)])
SUBNET = f"{NETWORK['id']}/subnets/app"

TERRAFORM = """
provider "azurerm" {
  features {}
}
data "azurerm_subnet" "app" {
  name                 = "app"
  virtual_network_name = "vnet-shared"
  resource_group_name  = "rg-net"
}
resource "azurerm_network_interface" "web" {
  name                = "nic-web"
  location            = "westeurope"
  resource_group_name = "rg-web"
  ip_configuration {
    name                          = "ip"
    subnet_id                     = SUBNET
    private_ip_address_allocation = "Dynamic"
  }
}
resource "azurerm_linux_virtual_machine" "web" {
  name                  = "vm-web"
  location              = "westeurope"
  resource_group_name   = "rg-web"
  size                  = "Standard_D2s_v5"
  admin_username        = "azureuser"
  network_interface_ids = [azurerm_network_interface.web.id]
  os_disk {
    caching              = "ReadWrite"
    storage_account_type = "Premium_LRS"
  }
  admin_ssh_key {
    username   = "azureuser"
    public_key = "ssh-ed25519 AAAA"
  }
  source_image_reference {
    publisher = "Canonical"
    offer     = "ubuntu-24_04-lts"
    sku       = "server"
    version   = "latest"
  }
}
"""
PROTECTED = """
data "azurerm_recovery_services_vault" "new" {
  name                = "rsv-new"
  resource_group_name = "rg-bk"
}
resource "azurerm_backup_policy_vm" "daily" {
  name                = "daily"
  resource_group_name = "rg-bk"
  recovery_vault_name = "rsv-new"
  backup {
    frequency = "Daily"
    time      = "23:00"
  }
  retention_daily {
    count = 30
  }
}
resource "azurerm_backup_protected_vm" "web" {
  resource_group_name = "rg-bk"
  recovery_vault_name = "rsv-new"
  source_vm_id        = azurerm_linux_virtual_machine.web.id
  backup_policy_id    = azurerm_backup_policy_vm.daily.id
}
"""


def template(subnet_id: str) -> dict[str, Any]:
    """A network interface and a machine, deployed to a group that the template does not name."""
    address = {"name": "ip", "properties": {"subnet": {"id": subnet_id}}}
    nic_id = "[resourceId('Microsoft.Network/networkInterfaces', 'nic-web')]"
    return {
        "$schema": "https://schema.management.azure.com/schemas/2019-04-01/deploymentTemplate.json#",
        "contentVersion": "1.0.0.0",
        "resources": [
            {
                "type": "Microsoft.Network/networkInterfaces",
                "apiVersion": "2023-09-01",
                "name": "nic-web",
                "location": "westeurope",
                "properties": {"ipConfigurations": [address]},
            },
            {
                "type": "Microsoft.Compute/virtualMachines",
                "apiVersion": "2024-03-01",
                "name": "vm-web",
                "location": "westeurope",
                "properties": {
                    "storageProfile": {
                        "imageReference": {"publisher": "Canonical", "offer": "ubuntu-24_04-lts", "sku": "server"},
                        "osDisk": {"createOption": "FromImage", "osType": "Linux"},
                    },
                    "networkProfile": {"networkInterfaces": [{"id": nic_id}]},
                },
            },
        ],
    }


def scan(
    fake: Fake | None,
    path: Path,
    capsys: pytest.CaptureFixture[str],
    *words: str,
    azure: tuple[str, ...] = ("--subscription", S1),
) -> tuple[int, dict[str, Any]]:
    live = (*azure, "--cloud", fake.endpoint) if fake is not None else ()
    code = main(["scan", str(path), "--no-config", "--format", "json", *live, *words])
    return code, json.loads(capsys.readouterr().out)


def found(report: dict[str, Any]) -> set[tuple[str, str]]:
    return {(each["policy"], each["address"].rpartition("/")[2]) for each in report["findings"]}


@pytest.mark.parametrize("reference", ["data.azurerm_subnet.app.id", f'"{SUBNET}"', f'"{SUBNET.upper()}"'])
def test_a_new_machine_joins_a_subnet_whose_existing_group_denies(
    serve: Any, tmp_path: Path, capsys: pytest.CaptureFixture[str], reference: str
) -> None:
    (tmp_path / "main.tf").write_text(TERRAFORM.replace("SUBNET", reference))
    alone, report = scan(None, tmp_path, capsys)
    assert (alone, report["findings"]) == (0, [])
    fake = serve(Tables([subscription(S1), NSG, NETWORK]))
    code, report = scan(fake, tmp_path, capsys)
    assert (code, found(report)) == (1, {("BKP101", "deny-platform")})
    (finding,) = report["findings"]
    assert finding["path"] == NSG["id"]
    assert finding["link"].endswith(NSG["id"])


def test_what_is_found_names_the_machine_of_the_files(
    serve: Any, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "main.tf").write_text((TERRAFORM + PROTECTED).replace("SUBNET", "data.azurerm_subnet.app.id"))
    fake = serve(Tables([subscription(S1), DENYING, NETWORK]))
    _, report = scan(fake, tmp_path, capsys)
    assert found(report) == {("BKP104", "deny-all")}
    (finding,) = report["findings"]
    assert "for vm-web" in finding["message"]
    related = {each["at"]["path"] for each in finding["related"]}
    assert str(tmp_path / "main.tf") in related


@pytest.mark.parametrize(
    "reference",
    [SUBNET, "[resourceId('rg-net', 'Microsoft.Network/virtualNetworks/subnets', 'vnet-shared', 'app')]"],
)
def test_templates_meet_azure_too(
    serve: Any, tmp_path: Path, capsys: pytest.CaptureFixture[str], reference: str
) -> None:
    file = tmp_path / "main.json"
    file.write_text(json.dumps(template(reference)))
    assert scan(None, file, capsys)[0] == 0
    code, report = scan(serve(Tables([subscription(S1), NSG, NETWORK])), file, capsys)
    assert (code, found(report)) == (1, {("BKP101", "deny-platform")})


def test_a_template_knows_the_group_that_it_is_deployed_to(
    serve: Any, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "main.json"
    reference = "[resourceId('Microsoft.Network/virtualNetworks/subnets', 'vnet-shared', 'app')]"
    file.write_text(json.dumps(template(reference)))
    fake = serve(Tables([subscription(S1), NSG, NETWORK]))
    assert scan(fake, file, capsys)[0] == 0
    code, report = scan(fake, file, capsys, "--resource-group", "rg-net")
    assert (code, found(report)) == (1, {("BKP101", "deny-platform")})


def test_a_lock_that_is_already_on_the_backup_group(
    serve: Any, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "main.tf").write_text((TERRAFORM + PROTECTED).replace("SUBNET", "data.azurerm_subnet.app.id"))
    held = lock(f"/subscriptions/{S1}/resourceGroups/AzureBackupRG_westeurope_1", "keep")
    code, report = scan(serve(Tables([subscription(S1)], [held])), tmp_path, capsys)
    assert (code, found(report)) == (1, {("BKP201", "keep")})


def test_a_lock_on_the_subscription_is_inherited_by_what_the_files_back_up(
    serve: Any, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "main.tf").write_text((TERRAFORM + PROTECTED).replace("SUBNET", "data.azurerm_subnet.app.id"))
    _, report = scan(serve(Tables([subscription(S1)], [lock(f"/subscriptions/{S1}", "all")])), tmp_path, capsys)
    assert found(report) == {("BKP203", "all")}


def test_a_machine_that_another_vault_protects(serve: Any, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "main.tf").write_text((TERRAFORM + PROTECTED).replace("SUBNET", "data.azurerm_subnet.app.id"))
    machine = vm(S1, "rg-web", "vm-web", [])
    held = item(S1, "rg-old", "rsv-old", machine["id"])
    rows = [subscription(S1), machine, held, vault(S1, "rg-old", "rsv-old"), policy(S1, "rg-old", "rsv-old")]
    assert scan(serve(Tables([subscription(S1)])), tmp_path, capsys)[0] == 0
    code, report = scan(serve(Tables(rows)), tmp_path, capsys)
    assert (code, {each["policy"] for each in report["findings"]}) == (1, {"BKP705"})
    (finding,) = report["findings"]
    assert finding["path"] == str(tmp_path / "main.tf")
    assert "rsv-old" in finding["message"]


def test_what_the_files_deploy_again_is_no_second_one(
    serve: Any, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The machine, its item and its policy as they were deployed from the same files."""
    (tmp_path / "main.tf").write_text((TERRAFORM + PROTECTED).replace("SUBNET", "data.azurerm_subnet.app.id"))
    machine = vm(S1, "rg-web", "vm-web", [])
    held = item(S1, "rg-bk", "rsv-new", machine["id"])
    rows = [subscription(S1), machine, held, vault(S1, "rg-bk", "rsv-new"), policy(S1, "rg-bk", "rsv-new")]
    code, report = scan(serve(Tables(rows)), tmp_path, capsys)
    assert (code, report["findings"]) == (0, [])


def test_a_vault_of_another_region_is_known_by_its_data_source(
    serve: Any, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "main.tf").write_text((TERRAFORM + PROTECTED).replace("SUBNET", "data.azurerm_subnet.app.id"))
    rows = [subscription(S1), vault(S1, "rg-bk", "rsv-new", "northeurope")]
    _, report = scan(serve(Tables(rows)), tmp_path, capsys)
    assert {each["policy"] for each in report["findings"]} == {"BKP704"}


def test_a_policy_assignment_refuses_what_backup_installs(
    serve: Any, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "main.tf").write_text(TERRAFORM.replace("SUBNET", "data.azurerm_subnet.app.id"))
    approved = "/providers/Microsoft.Authorization/policyDefinitions/c0e996f8-39cf-4af9-9f45-83fbde810432"
    given = {"approvedExtensions": ["AzureMonitorLinuxAgent"], "effect": "Deny"}
    ours = assignment(f"/subscriptions/{S1}/resourceGroups/rg-web", "ours", approved, given)
    others = assignment(f"/subscriptions/{S1}/resourceGroups/rg-else", "others", approved, given)
    _, report = scan(serve(Tables([subscription(S1), ours, others])), tmp_path, capsys)
    assert found(report) == {("BKP505", "ours")}


def test_the_rest_of_the_estate_is_left_alone(serve: Any, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    from azure_fake.rows import disk

    (tmp_path / "main.tf").write_text(TERRAFORM.replace("SUBNET", "data.azurerm_subnet.app.id"))
    fake = serve(
        Tables([subscription(S1), NETWORK, nsg(S1, "rg-net", "nsg-shared"), disk(S1, "rg-else", "huge", 50000)])
    )
    code, report = scan(fake, tmp_path, capsys)
    assert (code, report["findings"]) == (0, [])
    assert report["summary"]["resources"] == 2


def test_the_same_name_in_another_subscription_is_another_resource(
    serve: Any, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    deny = nsg(S2, "rg-net", "nsg-shared", [rule("deny-platform", "Deny", "168.63.129.16")])
    other = vnet(S2, "rg-net", "vnet-shared", [subnet("app", deny["id"])])
    (tmp_path / "main.tf").write_text(TERRAFORM.replace("SUBNET", "data.azurerm_subnet.app.id"))
    fake = serve(Tables([subscription(S1), subscription(S2), deny, other]))
    assert scan(fake, tmp_path, capsys)[0] == 0
    assert scan(fake, tmp_path, capsys, azure=("--subscription", S2))[0] == 1


def test_an_association_of_the_files_changes_a_subnet_of_azure(
    serve: Any, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The files give the subnet another group than it has today: the denying one is gone after deployment."""
    association = f"""
resource "azurerm_network_security_group" "own" {{
  name                = "nsg-own"
  location            = "westeurope"
  resource_group_name = "rg-web"
}}
resource "azurerm_subnet_network_security_group_association" "own" {{
  subnet_id                 = "{SUBNET}"
  network_security_group_id = azurerm_network_security_group.own.id
}}
"""
    text = (TERRAFORM + PROTECTED).replace("SUBNET", f'"{SUBNET}"')
    fake = serve(Tables([subscription(S1), DENYING, NETWORK]))
    for more, named in (("", {("BKP104", "deny-all")}), (association, set())):
        (tmp_path / "main.tf").write_text(text + more)
        _, report = scan(fake, tmp_path, capsys)
        assert {each for each in found(report) if "vm-web" in report["findings"][0]["message"]} == named


@pytest.mark.parametrize(
    "match", ["from resources", "resources \\| where id", "recoveryservicesresources", "policyresources", "/locks"]
)
def test_what_cannot_be_read_is_said(
    serve: Any, tmp_path: Path, capsys: pytest.CaptureFixture[str], match: str
) -> None:
    (tmp_path / "main.tf").write_text((TERRAFORM + PROTECTED).replace("SUBNET", "data.azurerm_subnet.app.id"))
    fake = serve(Tables([subscription(S1), NSG, NETWORK]))
    fake.faults.append(Fault(match.removeprefix("from "), error(403, "AuthorizationFailed"), times=-1))
    code, report = scan(fake, tmp_path, capsys)
    assert code == 3
    told = [each for each in report["findings"] if each["policy"] == "BKP900"]
    assert len(told) == len({each["message"] for each in told}) >= 1


def test_fixes_do_not_touch_azure(serve: Any, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "main.tf").write_text(TERRAFORM.replace("SUBNET", "data.azurerm_subnet.app.id"))
    fake = serve(Tables([subscription(S1), NSG, NETWORK]))
    assert scan(fake, tmp_path, capsys, "--fix")[0] == 1
    assert {request.method for request in fake.requests} <= {"GET", "POST"}


def test_without_a_subscription_only_whole_ids_are_looked_up(
    serve: Any, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    held = [lock(f"/subscriptions/{S1}", "all")]
    fake = serve(Tables([subscription(S1), NSG, NETWORK], held))
    for reference, expected in (("data.azurerm_subnet.app.id", set()), (f'"{SUBNET}"', {("BKP101", "deny-platform")})):
        (tmp_path / "main.tf").write_text(TERRAFORM.replace("SUBNET", reference))
        _, report = scan(fake, tmp_path, capsys, azure=("--tenant",))
        assert found(report) == expected
        assert any("without locks and policy assignments" in each["message"] for each in report["notes"])
