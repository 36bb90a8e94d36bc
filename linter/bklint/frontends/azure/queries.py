"""The questions to Resource Graph: which types of resource, from which table, with which columns.

Every query projects `id` as text and sorts by it: without a unique order pages lose and repeat rows, and without a
column of text there are no further pages (https://learn.microsoft.com/azure/governance/resource-graph/concepts/paging-results).
Which types a table holds:
https://learn.microsoft.com/azure/governance/resource-graph/reference/supported-tables-resources.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import NamedTuple

from bklint.model.relations import BACKUP_POLICY, PROTECTED_ITEM, PROTECTION_CONTAINER

PAGE = 1000
"""Rows of a page, the most that Resource Graph gives."""

RESOURCES = (
    "Microsoft.Compute/virtualMachines",
    "Microsoft.Compute/virtualMachines/extensions",
    "Microsoft.Compute/virtualMachines/runCommands",
    "Microsoft.Compute/virtualMachineScaleSets",
    "Microsoft.Compute/disks",
    "Microsoft.Compute/restorePointCollections",
    "Microsoft.DevTestLab/schedules",
    "Microsoft.KeyVault/vaults",
    "Microsoft.Maintenance/maintenanceConfigurations",
    "Microsoft.Network/applicationSecurityGroups",
    "Microsoft.Network/azureFirewalls",
    "Microsoft.Network/firewallPolicies",
    "Microsoft.Network/ipGroups",
    "Microsoft.Network/loadBalancers",
    "Microsoft.Network/networkInterfaces",
    "Microsoft.Network/networkSecurityGroups",
    "Microsoft.Network/publicIPAddresses",
    "Microsoft.Network/routeTables",
    "Microsoft.Network/virtualNetworks",
    "Microsoft.RecoveryServices/vaults",
    "Microsoft.SqlVirtualMachine/sqlVirtualMachines",
    "Microsoft.Storage/storageAccounts",
    "Microsoft.VirtualMachineImages/imageTemplates",
)
RECOVERY = (BACKUP_POLICY, PROTECTION_CONTAINER, PROTECTED_ITEM)
POLICIES = (
    "Microsoft.Authorization/policyDefinitions",
    "Microsoft.Authorization/policySetDefinitions",
)
ASSIGNMENT = "Microsoft.Authorization/policyAssignments"
CONFIGURATIONS = "Microsoft.Maintenance/configurationAssignments"
LOCK = "Microsoft.Authorization/locks"
JOB = "Microsoft.RecoveryServices/vaults/backupJobs"
RULE_GROUPS = "Microsoft.Network/firewallPolicies/ruleCollectionGroups"

FOLLOWED_API = "2024-05-01"
"""Version in which the rule collection groups of a firewall policy are listed
(https://learn.microsoft.com/rest/api/firewall/firewall-policy-rule-collection-groups/list)."""

NOT_LISTED = {
    "Microsoft.Network/networkManagers/securityAdminConfigurations/ruleCollections/rules": (
        "security admin rules of Network Manager are in no table of Resource Graph"
    ),
}
"""Targets of policies that a live scan does not see, and why."""

TABLES = {
    **dict.fromkeys(RESOURCES, "resources"),
    **dict.fromkeys(RECOVERY, "recoveryservicesresources"),
    **dict.fromkeys((*POLICIES, ASSIGNMENT), "policyresources"),
    CONFIGURATIONS: "maintenanceresources",
}
"""Type to the table that holds it."""

CANONICAL = {type_.casefold(): type_ for type_ in (*TABLES, LOCK, JOB, RULE_GROUPS)}
"""Types in lower case, as Resource Graph writes them, to their usual spelling."""

_COLUMNS = "id, name, type, kind, location, zones, sku, identity, tags, managedBy, properties"
_FEW = "id, name, type, location, properties"
_COLUMNS_OF = {"resources": _COLUMNS}

FAILED_FOR = "7d"
"""How far back failed jobs are looked for, as Kusto writes a time span."""


class Question(NamedTuple):
    """A query, the subscriptions or management groups that it is about (neither: all that the identity sees), and which
    levels of policy assignments it gives."""

    query: str
    subscriptions: tuple[str, ...] = ()
    management_groups: tuple[str, ...] = ()
    levels: str = ""


def text(words: Iterable[str]) -> str:
    """A list of strings as Kusto writes it."""
    return ", ".join("'" + word.replace("\\", "\\\\").replace("'", "\\'") + "'" for word in words)


def of_types(table: str, types: Sequence[str], groups: Sequence[str] = ()) -> str:
    """The rows of these types, of some resource groups only where they are named."""
    inside = f" | where resourceGroup in~ ({text(groups)})" if groups else ""
    return f"{table} | where type in~ ({text(_lower(types))}){inside}{_projected(table)}"


def of_ids(table: str, ids: Sequence[str]) -> str:
    """The rows of these ids."""
    return f"{table} | where id in~ ({text(ids)}){_projected(table)}"


def items_of(machines: Sequence[str]) -> str:
    """The protected items of these machines."""
    table = "recoveryservicesresources"
    return (
        f"{table} | where type =~ {text(_lower((PROTECTED_ITEM,)))}"
        f" | where properties.sourceResourceId in~ ({text(machines)}){_projected(table)}"
    )


def failed_jobs() -> str:
    """The backup jobs of machines that failed of late."""
    table = "recoveryservicesresources"
    return (
        f"{table} | where type =~ {text(_lower((JOB,)))}"
        " | where properties.backupManagementType =~ 'AzureIaasVM' and properties.status =~ 'Failed'"
        f" | where todatetime(properties.startTime) > ago({FAILED_FOR}){_projected(table)}"
    )


def subscriptions() -> str:
    """The subscriptions themselves, with the management groups they are below."""
    table = "resourcecontainers"
    return f"{table} | where type =~ 'microsoft.resources/subscriptions'{_projected(table)}"


def counts(table: str, types: Sequence[str], groups: Sequence[str] = ()) -> str:
    """How many rows of these types each subscription has."""
    inside = f" | where resourceGroup in~ ({text(groups)})" if groups else ""
    return (
        f"{table} | where type in~ ({text(_lower(types))}){inside}"
        " | summarize number = count() by subscriptionId | order by subscriptionId asc"
    )


def _projected(table: str) -> str:
    return f" | project {_COLUMNS_OF.get(table, _FEW)} | order by id asc"


def _lower(types: Iterable[str]) -> tuple[str, ...]:
    return tuple(type_.lower() for type_ in types)
