"""agentProvisioned, extensionOperations and appliance."""

from __future__ import annotations

from typing import Any

import pytest
from fact_worlds import VM, Builder, fact, is_unknown, var, where

from bklint.facts import read
from bklint.model.relations import SCALE_SET
from bklint.model.resource import Resource


def machines(profile: Any, **members: Any) -> list[Resource]:
    """A machine and a scale set with the same OS profile."""
    world = Builder()
    properties = {} if profile is None else {"osProfile": profile}
    world.add(VM, "vm", properties, **members)
    world.add(SCALE_SET, "vmss", {"virtualMachineProfile": properties}, **members)
    world.done()
    return [world.child(VM), world.child(SCALE_SET)]


@pytest.mark.parametrize("name", ["windowsConfiguration", "linuxConfiguration"])
@pytest.mark.parametrize("written", [True, False, "false"])
def test_the_agent_of_either_system(name: str, written: bool | str) -> None:
    for machine in machines({name: {"provisionVMAgent": written}}):
        assert fact("agentProvisioned", machine) == written
        assert where("agentProvisioned", machine) == str(written)


def test_names_ignore_case() -> None:
    for machine in machines({"WindowsConfiguration": {"provisionVmAgent": False}}):
        assert fact("agentProvisioned", machine) is False


@pytest.mark.parametrize("profile", [None, {}, {"linuxConfiguration": {}}, {"windowsConfiguration": None}])
def test_what_is_not_written_is_missing(profile: Any) -> None:
    for machine in machines(profile):
        assert read("agentProvisioned", machine).exists is False


@pytest.mark.parametrize(
    "profile",
    [
        var("var.profile"),
        {"linuxConfiguration": var("var.linux")},
        {"linuxConfiguration": {"provisionVMAgent": var("a")}},
    ],
)
def test_what_is_not_known(profile: Any) -> None:
    for machine in machines(profile):
        assert is_unknown("agentProvisioned", machine)


def test_a_false_of_one_system_is_not_hidden_by_the_other() -> None:
    profile = {
        "windowsConfiguration": {"provisionVMAgent": var("a")},
        "linuxConfiguration": {"provisionVMAgent": False},
    }
    for machine in machines(profile):
        assert fact("agentProvisioned", machine) is False


@pytest.mark.parametrize("written", [True, False, "false"])
def test_extension_operations(written: bool | str) -> None:
    for machine in machines({"allowExtensionOperations": written}):
        assert fact("extensionOperations", machine) == written


def test_extension_operations_that_are_not_written_or_not_known() -> None:
    for machine in machines({}):
        assert read("extensionOperations", machine).exists is False
    for machine in machines({"allowExtensionOperations": var("var.extensions")}):
        assert is_unknown("extensionOperations", machine)


def test_appliances_have_a_plan() -> None:
    for machine in machines({}, body={"plan": {"name": "byol", "publisher": "contoso"}}):
        assert (fact("appliance.isOne", machine), fact("appliance.plan", machine)) == (True, "byol")
    for machine in machines({}):
        assert fact("appliance.isOne", machine) is False
    for machine in machines({}, body={"plan": var("var.plan")}):
        assert is_unknown("appliance.isOne", machine)


def test_alternatives_that_agree() -> None:
    """`if(equals(authenticationType, 'password'), null(), variables('linuxConfiguration'))`."""
    chosen = var("authenticationType", None, {"disablePasswordAuthentication": True})
    for machine in machines({"linuxConfiguration": chosen}):
        assert read("agentProvisioned", machine).exists is False
    chosen = var("authenticationType", {"provisionVMAgent": False}, {"provisionVMAgent": False, "ssh": {}})
    for machine in machines({"linuxConfiguration": chosen}):
        assert fact("agentProvisioned", machine) is False
    chosen = var("authenticationType", None, {"provisionVMAgent": False})
    for machine in machines({"linuxConfiguration": chosen}):
        assert is_unknown("agentProvisioned", machine)


@pytest.mark.parametrize(
    ("properties", "off"),
    [
        ({"autoUpgradeMinorVersion": False}, True),
        ({"autoUpgradeMinorVersion": "false"}, True),
        ({"autoUpgradeMinorVersion": True}, False),
        ({}, False),
        ({"autoUpgradeMinorVersion": False, "type": "CustomScript"}, False),
        ({"autoUpgradeMinorVersion": var("var.upgrade")}, None),
        ({"autoUpgradeMinorVersion": False, "type": var("var.type")}, None),
    ],
)
def test_upgrades_of_the_encryption_extension(properties: dict[str, Any], off: bool | None) -> None:
    world = Builder()
    ade = {"publisher": "Microsoft.Azure.Security", "type": "AzureDiskEncryption"}
    extension = world.add(VM + "/extensions", "vm/ade", {**ade, **properties})
    world.done()
    assert (None if is_unknown("upgrades.off", extension) else fact("upgrades.off", extension)) is off
