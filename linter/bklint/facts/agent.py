"""The OS profile of a machine or of a flexible scale set becomes: is there an agent, and may extensions run.

The one fact a reader would not guess: a machine without `osProfile` (made from a specialised disk) says nothing about
the agent, so its values are missing here, not false; the image is judged by another policy.
"""

from __future__ import annotations

from bklint.facts import fact, record
from bklint.facts.answers import answer
from bklint.facts.machines import machine_property, says
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
