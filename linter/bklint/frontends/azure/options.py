"""What of Azure is asked for, and which cloud it is in."""

from __future__ import annotations

import re
from urllib.parse import urlsplit

from bklint.errors import UsageError
from bklint.records import dataclass

GUID = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.IGNORECASE)
_GROUP = re.compile(r"[\w.()-]{1,90}")
_MANAGEMENT_GROUP = re.compile(r"[\w.()-]{1,90}")


@dataclass(frozen=True, slots=True)
class Cloud:
    """A cloud: where Resource Manager is, for whom its tokens are, who gives them, and the portal.

    The table is that of the SDK (azure.mgmt.core.tools.get_arm_endpoints) and, for authorities and portals,
    https://learn.microsoft.com/azure/azure-government/compare-azure-government-global-azure#guidance-for-developers and
    https://learn.microsoft.com/azure/china/resources-developer-guide.
    """

    name: str
    endpoint: str
    audience: str
    authority: str
    portal: str
    known: bool = True
    """Whether it is one of Microsoft's; of any other, the metadata of its endpoint are read."""


CLOUDS = {
    cloud.name.casefold(): cloud
    for cloud in (
        Cloud(
            "AzureCloud",
            "https://management.azure.com",
            "https://management.azure.com",
            "login.microsoftonline.com",
            "https://portal.azure.com",
        ),
        Cloud(
            "AzureUSGovernment",
            "https://management.usgovcloudapi.net",
            "https://management.core.usgovcloudapi.net",
            "login.microsoftonline.us",
            "https://portal.azure.us",
        ),
        Cloud(
            "AzureChinaCloud",
            "https://management.chinacloudapi.cn",
            "https://management.chinacloudapi.cn",
            "login.chinacloudapi.cn",
            "https://portal.azure.cn",
        ),
    )
}


def cloud_of(name: str) -> Cloud:
    """The cloud of that name, or of that Resource Manager endpoint. Raises UsageError."""
    found = CLOUDS.get(name.casefold())
    if found is not None:
        return found
    parts = urlsplit(name)
    if parts.scheme == "https" and parts.hostname and parts.path in ("", "/") and not (parts.query or parts.username):
        endpoint = f"https://{parts.netloc}"
        return Cloud(name, endpoint, endpoint, "", "", known=False)
    known = ", ".join(cloud.name for cloud in CLOUDS.values())
    raise UsageError(f"--cloud {name!r} is not known: use {known}, or the https:// endpoint of a Resource Manager")


@dataclass(frozen=True, slots=True)
class LiveOptions:
    """What to read: subscriptions, all below a management group, or all that the identity sees (`tenant`); of the
    subscriptions only some resource groups. `via` is resource-graph or export. `what_if`: what the templates among the
    paths would deploy to the one group, or to the subscription."""

    subscriptions: tuple[str, ...] = ()
    groups: tuple[str, ...] = ()
    management_group: str = ""
    tenant: bool = False
    cloud: str = "AzureCloud"
    via: str = "resource-graph"
    what_if: bool = False

    def check(self, paths: bool) -> None:
        """Raises UsageError for options that do not fit together; `paths` tells whether files are scanned too."""
        scopes = [bool(self.subscriptions), bool(self.management_group), self.tenant]
        if sum(scopes) > 1:
            raise UsageError("give one of --subscription, --management-group and --tenant")
        for one in self.subscriptions:
            if GUID.fullmatch(one) is None:
                raise UsageError(f"--subscription {one!r} is no subscription id: az account list shows the ids")
        for one in self.groups:
            if _GROUP.fullmatch(one) is None:
                raise UsageError(f"--resource-group {one!r} is no name of a resource group")
        if self.management_group and _MANAGEMENT_GROUP.fullmatch(self.management_group) is None:
            raise UsageError(f"--management-group {self.management_group!r} is no id of a management group")
        if self.groups and len(self.subscriptions) != 1:
            raise UsageError("--resource-group needs the one --subscription that it is in")
        cloud_of(self.cloud)
        self._check_ways(paths)

    def _check_ways(self, paths: bool) -> None:
        if self.via == "export" and (not self.groups or paths):
            raise UsageError("--via export exports resource groups: give --subscription and --resource-group, no paths")
        if self.what_if and not paths:
            raise UsageError("--what-if asks what a template would deploy: give the template")
        if self.what_if and (len(self.subscriptions) != 1 or len(self.groups) > 1):
            raise UsageError("--what-if needs one --subscription, and the --resource-group that is deployed to")

    def covers(self, identity: str) -> bool:
        """Whether a resource, by its id, is certain to be among what is read. What is below a management group, its id
        does not tell."""
        folded = identity.casefold()
        inside = any(folded.startswith(f"/subscriptions/{one}/".casefold()) for one in self.subscriptions)
        if self.groups:
            return inside and any(f"/resourcegroups/{group}/".casefold() in folded for group in self.groups)
        return inside or self.tenant

    @property
    def subscription(self) -> str:
        """The subscription that is deployed to: the only one, else nothing."""
        return self.subscriptions[0] if len(self.subscriptions) == 1 else ""

    @property
    def group(self) -> str:
        """The group that is deployed to: the only one, else nothing."""
        return self.groups[0] if len(self.groups) == 1 else ""
