"""Resources as Resource Manager and Resource Graph give them: ids, types in lower case, properties with what the
service adds. Makers return rows; `Tables` holds them by table."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta, timezone
from typing import Any

Row = dict[str, Any]
S1 = "11111111-1111-4111-8111-111111111111"
S2 = "22222222-2222-4222-8222-222222222222"
TENANT = "99999999-9999-4999-8999-999999999999"
BACKUP_FABRIC = "backupFabrics/Azure/protectionContainers"


def table_of(type_: str) -> str:
    """The table of Resource Graph that has a type."""
    folded = type_.lower()
    if folded.startswith("microsoft.recoveryservices/vaults/"):
        return "recoveryservicesresources"
    if folded.startswith("microsoft.authorization/"):
        return "policyresources"
    if folded == "microsoft.maintenance/configurationassignments":
        return "maintenanceresources"
    return "resourcecontainers" if folded == "microsoft.resources/subscriptions" else "resources"


def id_of(subscription: str, group: str, type_: str, *names: str) -> str:
    """The id of a resource."""
    namespace, *kinds = type_.split("/")
    pairs = "".join(f"/{kind}/{name}" for kind, name in zip(kinds, names, strict=True))
    return f"/subscriptions/{subscription}/resourceGroups/{group}/providers/{namespace}{pairs}"


def row(identity: str, type_: str, properties: Row, **more: Any) -> Row:
    """A row; the columns that every resource has are filled in."""
    parts = identity.split("/")
    return {
        "id": identity,
        "name": parts[-1],
        "type": type_.lower(),
        "tenantId": TENANT,
        "kind": "",
        "location": "westeurope",
        "resourceGroup": parts[4].lower() if len(parts) > 4 and parts[3].lower() == "resourcegroups" else "",
        "subscriptionId": parts[2] if parts[1] == "subscriptions" else "",
        "managedBy": "",
        "sku": None,
        "plan": None,
        "tags": None,
        "identity": None,
        "zones": None,
        "extendedLocation": None,
        "properties": properties,
        **more,
    }


def subscription(id_: str, name: str = "", above: Sequence[str] = ()) -> Row:
    """A subscription in resourcecontainers; `above` are its management groups, nearest first."""
    chain = [{"name": group, "displayName": group} for group in above]
    properties = {"state": "Enabled", "managementGroupAncestorsChain": chain}
    found = row(f"/subscriptions/{id_}", "microsoft.resources/subscriptions", properties)
    return {**found, "name": name or f"sub-{id_[:4]}", "subscriptionId": id_}


def vm(s: str, g: str, name: str, nics: Iterable[str], disks: Iterable[str] = (), **properties: Any) -> Row:
    """A Linux machine with an OS disk and data disks (ids)."""
    os_disk = id_of(s, g, "Microsoft.Compute/disks", f"{name}-os")
    listed = list(disks)
    storage = {
        "imageReference": {"publisher": "Canonical", "offer": "ubuntu-24_04-lts", "sku": "server", "version": "latest"},
        "osDisk": {
            "osType": "Linux",
            "name": f"{name}-os",
            "createOption": "FromImage",
            "caching": "ReadWrite",
            "managedDisk": {"storageAccountType": "Premium_LRS", "id": os_disk},
            "deleteOption": "Delete",
            "diskSizeGB": 30,
        },
        "dataDisks": [
            {"lun": lun, "name": disk.rpartition("/")[2], "createOption": "Attach", "managedDisk": {"id": disk}}
            for lun, disk in enumerate(listed)
        ],
    }
    body = {
        "provisioningState": "Succeeded",
        "vmId": "00000000-0000-0000-0000-0000000000aa",
        "hardwareProfile": {"vmSize": "Standard_D2s_v5"},
        "storageProfile": storage,
        "osProfile": {
            "computerName": name,
            "adminUsername": "azureuser",
            "linuxConfiguration": {"disablePasswordAuthentication": True, "provisionVMAgent": True},
            "allowExtensionOperations": True,
        },
        "networkProfile": {"networkInterfaces": [{"id": nic, "properties": {"primary": True}} for nic in nics]},
        "extended": {"instanceView": {"powerState": {"code": "PowerState/running"}}},
        **properties,
    }
    return row(id_of(s, g, "Microsoft.Compute/virtualMachines", name), "Microsoft.Compute/virtualMachines", body)


def disk(s: str, g: str, name: str, size: int = 128, machine: str = "", **properties: Any) -> Row:
    """A managed disk of `size` GiB."""
    body = {
        "provisioningState": "Succeeded",
        "diskState": "Attached" if machine else "Unattached",
        "diskSizeGB": size,
        "creationData": {"createOption": "Empty"},
        "encryption": {"type": "EncryptionAtRestWithPlatformKey"},
        "networkAccessPolicy": "AllowAll",
        "publicNetworkAccess": "Enabled",
        **properties,
    }
    sku = {"name": "Premium_LRS", "tier": "Premium"}
    return row(
        id_of(s, g, "Microsoft.Compute/disks", name), "Microsoft.Compute/disks", body, sku=sku, managedBy=machine
    )


def extension(s: str, g: str, machine: str, name: str, publisher: str, type_: str, **properties: Any) -> Row:
    """An extension of a machine."""
    kind = "Microsoft.Compute/virtualMachines/extensions"
    body = {"provisioningState": "Succeeded", "publisher": publisher, "type": type_, "typeHandlerVersion": "1.0"}
    return row(id_of(s, g, kind, machine, name), kind, {**body, "autoUpgradeMinorVersion": True, **properties})


def nic(s: str, g: str, name: str, subnet: str, nsg: str = "") -> Row:
    """A network interface in a subnet (id)."""
    address = {"name": "ipconfig1", "properties": {"subnet": {"id": subnet}, "privateIPAllocationMethod": "Dynamic"}}
    body: Row = {"provisioningState": "Succeeded", "ipConfigurations": [address], "dnsSettings": {"dnsServers": []}}
    if nsg:
        body["networkSecurityGroup"] = {"id": nsg}
    kind = "Microsoft.Network/networkInterfaces"
    return row(id_of(s, g, kind, name), kind, body)


def vnet(s: str, g: str, name: str, subnets: Iterable[Row], **properties: Any) -> Row:
    """A network with subnets as `subnet` makes them."""
    kind = "Microsoft.Network/virtualNetworks"
    identity = id_of(s, g, kind, name)
    listed = [{**each, "id": f"{identity}/subnets/{each['name']}"} for each in subnets]
    body = {"addressSpace": {"addressPrefixes": ["10.0.0.0/16"]}, "subnets": listed, **properties}
    return row(identity, kind, {"provisioningState": "Succeeded", **body})


def subnet(name: str, nsg: str = "", routes: str = "", prefix: str = "10.0.0.0/24") -> Row:
    """A subnet inside of a network."""
    properties: Row = {"provisioningState": "Succeeded", "addressPrefix": prefix}
    if nsg:
        properties["networkSecurityGroup"] = {"id": nsg}
    if routes:
        properties["routeTable"] = {"id": routes}
    return {"name": name, "properties": properties, "type": "Microsoft.Network/virtualNetworks/subnets"}


def nsg(s: str, g: str, name: str, rules: Iterable[Row] = ()) -> Row:
    """A network security group with rules as `rule` makes them."""
    kind = "Microsoft.Network/networkSecurityGroups"
    identity = id_of(s, g, kind, name)
    listed = [{**each, "id": f"{identity}/securityRules/{each['name']}"} for each in rules]
    return row(identity, kind, {"provisioningState": "Succeeded", "securityRules": listed})


def rule(name: str, access: str, to: str, port: str = "*", priority: int = 100, protocol: str = "*") -> Row:
    """An outbound rule."""
    properties = {
        "provisioningState": "Succeeded",
        "direction": "Outbound",
        "access": access,
        "priority": priority,
        "protocol": protocol,
        "sourceAddressPrefix": "*",
        "sourcePortRange": "*",
        "destinationAddressPrefix": to,
        "destinationPortRange": port,
        "sourceAddressPrefixes": [],
        "destinationAddressPrefixes": [],
        "sourcePortRanges": [],
        "destinationPortRanges": [],
    }
    return {"name": name, "properties": properties, "type": "Microsoft.Network/networkSecurityGroups/securityRules"}


def vault(s: str, g: str, name: str, location: str = "westeurope") -> Row:
    """A Recovery Services vault."""
    kind = "Microsoft.RecoveryServices/vaults"
    sku = {"name": "RS0", "tier": "Standard"}
    body = {"provisioningState": "Succeeded", "publicNetworkAccess": "Enabled"}
    return row(id_of(s, g, kind, name), kind, body, location=location, sku=sku)


def policy(s: str, g: str, vault_: str, name: str = "daily", **properties: Any) -> Row:
    """A backup policy for machines: daily, 30 days, two days of snapshots."""
    kind = "Microsoft.RecoveryServices/vaults/backupPolicies"
    time = "2026-01-01T23:00:00Z"
    body = {
        "backupManagementType": "AzureIaasVM",
        "policyType": "V1",
        "instantRpRetentionRangeInDays": 2,
        "timeZone": "UTC",
        "schedulePolicy": {
            "schedulePolicyType": "SimpleSchedulePolicy",
            "scheduleRunFrequency": "Daily",
            "scheduleRunTimes": [time],
        },
        "retentionPolicy": {
            "retentionPolicyType": "LongTermRetentionPolicy",
            "dailySchedule": {"retentionTimes": [time], "retentionDuration": {"count": 30, "durationType": "Days"}},
        },
        "protectedItemsCount": 1,
        **properties,
    }
    return row(id_of(s, g, kind, vault_, name), kind, body)


def item(s: str, g: str, vault_: str, machine: str, policy_: str = "daily", **properties: Any) -> Row:
    """The protected item of a machine (id) in a vault."""
    parts = machine.split("/")
    short = f"iaasvmcontainerv2;{parts[4]};{parts[-1]}".lower()
    base = id_of(s, g, "Microsoft.RecoveryServices/vaults", vault_)
    identity = f"{base}/{BACKUP_FABRIC}/IaasVMContainer;{short}/protectedItems/VM;{short}"
    body = {
        "protectedItemType": "Microsoft.Compute/virtualMachines",
        "backupManagementType": "AzureIaasVM",
        "workloadType": "VM",
        "friendlyName": parts[-1],
        "sourceResourceId": machine,
        "virtualMachineId": machine,
        "policyId": f"{base}/backupPolicies/{policy_}",
        "policyName": policy_,
        "protectionState": "Protected",
        "protectionStatus": "Healthy",
        **properties,
    }
    kind = "Microsoft.RecoveryServices/vaults/backupFabrics/protectionContainers/protectedItems"
    return row(identity, kind, body)


def job(s: str, g: str, vault_: str, machine: str, code: str, text: str, number: int = 1, days: float = 1) -> Row:
    """A failed backup job of a machine (its name), `days` ago; without a code it has no error details."""
    kind = "Microsoft.RecoveryServices/vaults/backupJobs"
    started = (datetime.now(timezone.utc) - timedelta(days=days)).strftime("%Y-%m-%dT%H:%M:%S.1234567Z")
    details = [{"errorCode": 400000 + number, "errorTitle": code, "errorString": text, "recommendations": []}]
    body = {
        "jobType": "AzureIaaSVMJob",
        "backupManagementType": "AzureIaasVM",
        "operation": "Backup",
        "status": "Failed",
        "entityFriendlyName": machine,
        "startTime": started,
        **({"errorDetails": details} if code else {}),
    }
    return row(id_of(s, g, kind, vault_, f"00000000-0000-0000-0000-{number:012d}"), kind, body)


def assignment(scope: str, name: str, definition: str, parameters: Row | None = None, **properties: Any) -> Row:
    """A policy assignment at a scope."""
    identity = f"{scope}/providers/Microsoft.Authorization/policyAssignments/{name}"
    values = {key: {"value": value} for key, value in (parameters or {}).items()}
    body = {
        "displayName": name,
        "policyDefinitionId": definition,
        "scope": scope,
        "notScopes": [],
        "parameters": values,
        "enforcementMode": "Default",
        **properties,
    }
    found = row(identity, "Microsoft.Authorization/policyAssignments", body)
    return {**found, "resourceGroup": ""}


def lock(scope: str, name: str, level: str = "CanNotDelete") -> Row:
    """A lock, as Resource Manager lists it."""
    return {
        "id": f"{scope}/providers/Microsoft.Authorization/locks/{name}",
        "name": name,
        "type": "Microsoft.Authorization/locks",
        "properties": {"level": level},
    }


class Tables:
    """Rows by table, and what is not in Resource Graph: locks by subscription, children by the path of their list."""

    def __init__(self, rows: Iterable[Row] = (), locks: Iterable[Row] = ()) -> None:
        self._rows: dict[str, list[Row]] = {}
        self._locks: dict[str, list[Row]] = {}
        self.children: dict[str, list[Row]] = {}
        self.documents: dict[str, Row] = {}
        for each in rows:
            self.add(each)
        for each in locks:
            self._locks.setdefault(each["id"].split("/")[2].lower(), []).append(each)

    def add(self, added: Row) -> None:
        """Add a row to its table."""
        self._rows.setdefault(table_of(added["type"]), []).append(added)

    def remove(self, identity: str) -> None:
        """Drop a row."""
        for table, rows in self._rows.items():
            self._rows[table] = [each for each in rows if each["id"].lower() != identity.lower()]

    def rows(self, table: str, subscriptions: frozenset[str] | None) -> Iterable[Row]:
        """The rows of a table in some subscriptions (None: all). What has no subscription is above them all."""
        for each in self._rows.get(table, ()):
            if subscriptions is None or each["subscriptionId"].lower() in subscriptions or not each["subscriptionId"]:
                yield each

    def locks(self, subscription_: str) -> list[Row]:
        """The locks in a subscription."""
        return self._locks.get(subscription_.lower(), [])
