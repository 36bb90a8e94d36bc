"""The OS profile of a machine or of a flexible scale set becomes: is there an agent, may extensions run, and is what
runs kept up to date.

The one fact a reader would not guess: a machine without `osProfile` (made from a specialised disk) says nothing about
the agent, so its values are missing here, not false; the image is judged by another policy.
"""

from __future__ import annotations

from bklint.facts import fact, read, record
from bklint.facts.answers import answer
from bklint.facts.machines import VM_EXTENSION, is_type, machine_property, says
from bklint.model.compare import conjunction
from bklint.model.relations import SCALE_SET, VM
from bklint.model.resource import Resource
from bklint.model.value import Value, missing, step

_CONFIGURATIONS = ("windowsConfiguration", "linuxConfiguration")


@fact(
    "agentProvisioned",
    VM,
    SCALE_SET,
    reads=(
        "properties.osProfile.windowsConfiguration.provisionVMAgent",
        "properties.osProfile.linuxConfiguration.provisionVMAgent",
    ),
)
def agent_provisioned(machine: Resource) -> Value:
    """Whether Azure installs the machine agent: `provisionVMAgent` of the Windows or Linux configuration.

    The value as written or by default; missing where neither configuration is written. Unknown where the one that is
    written, or the OS profile, is not known. S1 "Agent VM" asks for this property of the machine; catalogue BKP501;
    https://learn.microsoft.com/rest/api/compute/virtual-machines/create-or-update (WindowsConfiguration)
    """
    profile = machine_property(machine, "osProfile")
    written = [step(profile, name) for name in _CONFIGURATIONS]
    values = [step(value, "provisionVMAgent") for value in written if value.exists is not False]
    for wanted in (True, None):
        for value in values:
            if says(value, False) is wanted:
                return value
    return values[0] if values else missing(profile.place)


@fact("extensionOperations", VM, SCALE_SET, reads=("properties.osProfile.allowExtensionOperations",))
def extension_operations(machine: Resource) -> Value:
    """Whether extensions may be installed: `allowExtensionOperations` of the OS profile.

    The value as written or by default; missing where there is no OS profile. Azure accepts false only on a machine
    without extensions. catalogue BKP502;
    https://learn.microsoft.com/dotnet/api/microsoft.azure.management.compute.models.osprofile.allowextensionoperations
    """
    return machine_property(machine, "osProfile", "allowExtensionOperations")


@fact("appliance", VM, SCALE_SET, reads=("plan.name",), fields=("isOne", "plan"))
def appliance(machine: Resource) -> Value:
    """Whether a machine is made from a marketplace image with a purchase plan, as appliances are.

    `isOne`: it has a `plan`; `plan`: its name. catalogue BKP501 (false positives)
    """
    plan = machine.get("plan")
    return record(machine.body, isOne=answer(plan.exists, plan), plan=step(plan, "name"))


AGENT_SETTINGS = "guest/agentSettings"
_UPGRADE_KEYS = ("AutoUpdate.Enabled", "AutoUpdate.UpdateToLatestVersion")


@fact(
    "upgrades",
    AGENT_SETTINGS,
    VM_EXTENSION,
    reads=("properties.key", "properties.value", "properties.autoUpgradeMinorVersion"),
    fields=("off", "of", "at"),
)
def upgrades(resource: Resource) -> Value:
    """Whether upgrades of what backup goes through are turned off.

    `off`: a setting of the Linux agent does so, and nothing later in the same script or file turns them on again; or an
    Azure Disk Encryption extension is declared without minor upgrades (where nothing is written, it does not count).
    `of`: `agent` or `extension`. `at`: the extension's setting. catalogue BKP507;
    https://github.com/Azure/WALinuxAgent (AutoUpdate.UpdateToLatestVersion, AutoUpdate.Enabled);
    https://learn.microsoft.com/azure/virtual-machines/automatic-extension-upgrade
    """
    if is_type(resource, AGENT_SETTINGS):
        key, value = resource.get("properties.key"), resource.get("properties.value")
        undone = read("guestUndone", resource).data is True
        off = conjunction((says(key, *_UPGRADE_KEYS), says(value, "n"), not undone))
        return record(
            resource.body, off=answer(off, value, key), of=Value("agent", value.place), at=missing(resource.body.place)
        )
    switch, is_ade = resource.get("properties.autoUpgradeMinorVersion"), read("adeExtension.isAde", resource)
    off = conjunction((is_ade.data if isinstance(is_ade.data, bool) else None, says(switch, False)))
    return record(resource.body, off=answer(off, switch, is_ade), of=Value("extension", switch.place), at=switch)
