"""What an edit would change of what protects an environment: named in a diff, and never changed without being asked for.

This holds whatever safety a policy claims: an operation that touches one of these is of the class `security`.
"""

from __future__ import annotations

from bklint.policy.model import Operation, Policy

TYPES = {
    "microsoft.authorization/locks": "management lock",
    "microsoft.authorization/policyassignments": "policy assignment",
    "microsoft.network/networksecuritygroups/securityrules": "network security rule",
    "microsoft.network/networksecuritygroups": "network security rule",
    "guest/firewallrules": "firewall inside the machine",
    "guest/firewalldefaults": "firewall inside the machine",
    "guest/routes": "routes inside the machine",
    "guest/proxysettings": "proxy inside the machine",
    "guest/aclchanges": "permissions inside the machine",
    "guest/registryvalues": "TLS settings inside the machine",
    "guest/applicationcontrolrules": "application control inside the machine",
}
"""Resource type in lower case to the control that it is."""

PROPERTIES = {
    "allowextensionoperations": "extension operations of the machine",
    "dataaccessauthmode": "authentication of disk export",
    "networkacls": "firewall of the key vault",
    "exclusions": "antivirus exclusions",
    "accesspolicies": "access to the key vault",
    "encryption": "encryption",
    "approvedextensions": "list of approved extensions",
}
"""Property in lower case, anywhere in a path, to the control that it belongs to."""

ORDER = ("safe", "replace", "security", "manual")
"""Safety classes, mildest first."""


def control(type_: str, operation: Operation) -> str:
    """The control that an operation on a resource of a type changes; empty for none."""
    steps = operation.field.casefold().split(".")[::-1]
    return next((PROPERTIES[step] for step in steps if step in PROPERTIES), TYPES.get(type_.casefold(), ""))


def safety(policy: Policy, type_: str, operation: Operation) -> str:
    """The class of an operation: its policy's, or `security` where that is milder and a control is changed."""
    least = "security" if control(type_, operation) else "safe"
    return max(policy.safety, least, key=ORDER.index)
