"""Functions of the deployment and its scope, and of ids:
https://learn.microsoft.com/azure/azure-resource-manager/templates/template-functions-scope,
https://learn.microsoft.com/azure/azure-resource-manager/templates/template-functions-deployment and, for ids,
https://learn.microsoft.com/azure/azure-resource-manager/templates/template-functions-resource

An id is a composed string with an unknown for the subscription and the group, which are the same unknowns everywhere.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from bklint.frontends.arm.functions import MANY, Values, scoped
from bklint.frontends.arm.functions_numbers import add
from bklint.frontends.arm.operands import FunctionError, Parts, atom, composed, parts, string, stuck
from bklint.model.resource import DEPLOYMENT_SUBSCRIPTION
from bklint.model.value import Data, ListData, ObjectData, Reason, Text, Unknown, Value, parts_of
from bklint.records import replace
from bklint.source import Locator

if TYPE_CHECKING:
    from bklint.frontends.arm.scope import Env

# The object that environment() returns for global Azure, from the page on deployment functions. What is not in it, and
# the other clouds, are left out.
_SUFFIXES = {
    "acrLoginServer": ".azurecr.io",
    "azureDatalakeAnalyticsCatalogAndJob": "azuredatalakeanalytics.net",
    "azureDatalakeStoreFileSystem": "azuredatalakestore.net",
    "azureFrontDoorEndpointSuffix": "azurefd.net",
    "keyvaultDns": ".vault.azure.net",
    "sqlServerHostname": ".database.windows.net",
    "storage": "core.windows.net",
}
_ENVIRONMENT = {
    "name": "AzureCloud",
    "gallery": "https://gallery.azure.com/",
    "graph": "https://graph.windows.net/",
    "portal": "https://portal.azure.com",
    "graphAudience": "https://graph.windows.net/",
    "activeDirectoryDataLake": "https://datalake.azure.net/",
    "batch": "https://batch.core.windows.net/",
    "media": "https://rest.media.azure.net",
    "sqlManagement": "https://management.core.windows.net:8443/",
    "resourceManager": "https://management.azure.com/",
}


@scoped("parameters", 1, 1)
def parameters(env: Env, operands: Values, place: Locator | None) -> Value:
    """The value of a parameter; inside a user-defined function, of its own."""
    name = string(operands[0])
    if env.arguments is not None:
        found = env.arguments.get(name.casefold())
        if found is None:
            raise FunctionError(f"the function has no parameter {name!r}")
        return found
    return env.deployment.parameter(name, place)


@scoped("variables", 1, 1)
def variables(env: Env, operands: Values, place: Locator | None) -> Value:
    """The value of a variable."""
    return env.deployment.variable(string(operands[0]), place)


@scoped("copyIndex", 0, 2)
def copy_index(env: Env, operands: Values, place: Locator | None) -> Value:
    """The 0-based run of a loop, plus an offset: of the loop named, else of the resource's or output's."""
    named = bool(operands) and isinstance(operands[0].data, str)
    offset = operands[1:] if named else operands
    if named:
        found = env.loops.get(string(operands[0]).casefold())
    else:
        found = env.loop or (next(iter(env.loops.values())) if len(env.loops) == 1 else None)
    if found is None:
        raise FunctionError("there is no such loop here")
    if not offset:
        return Value(found.data, place)
    made = add((found, offset[0]))
    return Value(made.data if isinstance(made, Value) else made, place)


# -- scopes --------------------------------------------------------------------------------------------------------


def _known(place: Locator | None, **members: Data) -> dict[str, Value]:
    return {name: Value(data, place) for name, data in members.items()}


def _deployed(what: str, place: Locator | None, *key: str, type_: str | None = "string") -> Unknown:
    return Unknown(Reason.SCOPE, what, place, type_, nonnull=True, nonempty=type_ == "string", key=("scope", *key))


@scoped("subscription", 0, 0)
def subscription(env: Env, operands: Values, place: Locator | None) -> Value:
    """The subscription of the deployment."""
    owner = env.deployment.scope.subscription
    found = parts_of(owner) or (DEPLOYMENT_SUBSCRIPTION,)
    fields = _known(
        place,
        id=composed(("/subscriptions/", *found)),
        tenantId=_deployed("the tenant of the deployment", place, "tenant"),
        displayName=_deployed("the subscription of the deployment", place, "subscription name"),
    )
    fields["subscriptionId"] = owner if owner.place is not None else owner._replace(place=place)
    return Value(ObjectData(fields), place)


@scoped("resourceGroup", 0, 0)
def resource_group(env: Env, operands: Values, place: Locator | None) -> Value:
    """The resource group of the deployment."""
    scope = env.deployment.scope
    if scope.kind != "group":
        raise FunctionError("the deployment is not one to a resource group")
    group = scope.group if scope.group.place is not None else scope.group._replace(place=place)
    open_ = _deployed("the resource group of the deployment", place, "group", "rest", type_=None)
    fields = _known(
        place,
        id=composed(scope.id),
        type="Microsoft.Resources/resourceGroups",
        tags=ObjectData({}, replace(open_, key=("scope", "group", "tags"))),
        properties=ObjectData({"provisioningState": Value("Succeeded", place)}),
    )
    fields["name"] = group
    fields["location"] = location(env, place)
    return Value(ObjectData(fields, replace(open_, nonnull=False)), place)


def location(env: Env, place: Locator | None) -> Value:
    """The region of the deployment's group, or of the deployment itself above groups."""
    deployment = env.deployment
    chosen = deployment.lowering.options.location
    group = parts_of(deployment.scope.group) if deployment.scope.kind == "group" else None
    own = group is None or all(isinstance(part, Unknown) and part.reason is Reason.SCOPE for part in group)
    if chosen and own:
        return Value(chosen, place)
    key = () if own else tuple(part if isinstance(part, str) else str(part.key) for part in group or ())
    cause = "the region of the deployment" if own else "the region of a resource group"
    return Value(_deployed(cause, place, "location", *key), place)


@scoped("deployment", 0, 0)
def deployment(env: Env, operands: Values, place: Locator | None) -> Value:
    """The deployment itself; its templateLink is where this file is."""
    here = env.deployment
    rest = _deployed("the deployment", place, "deployment", type_=None)
    directory, _, name = here.template.path.rpartition("/")
    base = Unknown(Reason.SCOPE, "where the templates are stored", place, "string", True, True, key=("file", directory))
    link = ObjectData({"uri": Value(Text((base, "/" + name)), place)}, rest)
    version = here.template.data.get("contentVersion")
    template = ObjectData({"contentVersion": Value(version if isinstance(version, str) else "1.0.0.0", place)}, rest)
    properties = ObjectData({"templateLink": Value(link, place), "template": Value(template, place)}, rest)
    fields = {"name": here.name, "properties": Value(properties, place)}
    if here.scope.kind != "group":
        fields["location"] = location(env, place)
    return Value(ObjectData(fields, rest), place)


@scoped("tenant", 0, 0)
def tenant(env: Env, operands: Values, place: Locator | None) -> Value:
    """The tenant of the deployment."""
    own = _deployed("the tenant of the deployment", place, "tenant")
    rest = _deployed("the tenant of the deployment", place, "tenant", "rest", type_=None)
    return Value(ObjectData(_known(place, tenantId=own, id=composed(("/tenants/", own))), rest), place)


@scoped("managementGroup", 0, 0)
def management_group(env: Env, operands: Values, place: Locator | None) -> Value:
    """The management group of the deployment."""
    name = env.deployment.scope.management_group
    found = parts(name)
    rest = _deployed("the management group of the deployment", place, "management group", "rest", type_=None)
    fields = _known(place, id=composed(("/providers/Microsoft.Management/managementGroups/", *found)))
    fields["name"] = name if name.place is not None else name._replace(place=place)
    return Value(ObjectData(fields, rest), place)


@scoped("environment", 0, 0)
def environment(env: Env, operands: Values, place: Locator | None) -> Value:
    """Global Azure."""
    fields = _known(place, **_ENVIRONMENT)
    fields["suffixes"] = Value(ObjectData(_known(place, **_SUFFIXES)), place)
    audiences = [Value(_ENVIRONMENT["sqlManagement"].replace(":8443", ""), place)]
    audiences.append(Value(_ENVIRONMENT["resourceManager"], place))
    authentication = _known(
        place,
        loginEndpoint="https://login.microsoftonline.com/",
        audiences=ListData(tuple(audiences)),
        tenant="common",
        identityProvider="AAD",
    )
    fields["authentication"] = Value(ObjectData(authentication), place)
    return Value(ObjectData(fields, _deployed("the cloud of the deployment", place, "cloud", type_=None)), place)


@scoped("deployer", 0, 0)
def deployer(env: Env, operands: Values, place: Locator | None) -> Value:
    """Who deploys."""
    names = ("objectId", "tenantId", "userPrincipalName")
    fields = {name: Value(_deployed("who deploys", place, "deployer", name), place) for name in names}
    fields["tenantId"] = Value(_deployed("the tenant of the deployment", place, "tenant"), place)
    return Value(ObjectData(fields), place)


# -- ids -----------------------------------------------------------------------------------------------------------


def _typed(operands: Values, before: int) -> tuple[Values, str, Values]:
    """The operands in front of the resource type (at most `before`), the type, and those after it."""
    for index, operand in enumerate(operands[: before + 1]):
        if isinstance(operand.data, str) and "/" in operand.data.strip("/"):
            return operands[:index], operand.data.strip("/"), operands[index + 1 :]
    for operand in operands[: before + 1]:
        if operand.unknown is not None:
            stuck(operand)
    raise FunctionError("no operand is a resource type")


def _provided(type_: str, names: Values) -> Parts:
    """`/providers/Namespace/type/name…`."""
    namespace, *kinds = type_.split("/")
    if len(kinds) != len(names):
        raise FunctionError(f"{type_} takes {len(kinds)} names, not {len(names)}")
    found: list[str | Unknown] = [f"/providers/{namespace}"]
    for kind, name in zip(kinds, names, strict=True):
        found += [f"/{kind}/", *parts(name)]
    return tuple(found)


def _subscription_of(env: Env) -> Parts:
    return parts_of(env.deployment.scope.subscription) or (DEPLOYMENT_SUBSCRIPTION,)


@scoped("resourceId", 2, MANY)
def resource_id(env: Env, operands: Values, place: Locator | None) -> Value:
    """The id of a resource of the deployment's group, or of the subscription and group named first."""
    before, type_, names = _typed(operands, 2)
    provided = _provided(type_, names)
    scope = env.deployment.scope
    if not before:
        return Value(composed((*scope.id, *provided)))
    owner = parts(before[0]) if len(before) == 2 else _subscription_of(env)
    if len(before) == 1 and scope.kind == "subscription":
        return Value(composed(("/subscriptions/", *parts(before[0]), *provided)))
    return Value(composed(("/subscriptions/", *owner, "/resourceGroups/", *parts(before[-1]), *provided)))


@scoped("subscriptionResourceId", 2, MANY)
def subscription_resource_id(env: Env, operands: Values, place: Locator | None) -> Value:
    """The id of a resource of a subscription."""
    before, type_, names = _typed(operands, 1)
    owner = parts(before[0]) if before else _subscription_of(env)
    return Value(composed(("/subscriptions/", *owner, *_provided(type_, names))))


@scoped("tenantResourceId", 2, MANY)
def tenant_resource_id(env: Env, operands: Values, place: Locator | None) -> Value:
    """The id of a resource of the tenant."""
    _, type_, names = _typed(operands, 0)
    return Value(composed(_provided(type_, names)))


@scoped("managementGroupResourceId", 2, MANY)
def management_group_resource_id(env: Env, operands: Values, place: Locator | None) -> Value:
    """The id of a resource of a management group."""
    before, type_, names = _typed(operands, 1)
    owner = parts(before[0] if before else env.deployment.scope.management_group)
    prefix = "/providers/Microsoft.Management/managementGroups/"
    return Value(composed((prefix, *owner, *_provided(type_, names))))


@scoped("extensionResourceId", 3, MANY)
def extension_resource_id(env: Env, operands: Values, place: Locator | None) -> Value:
    """The id of a resource that extends another one."""
    _, type_, names = _typed(operands[1:], 0)
    return Value(composed((*parts(operands[0]), *_provided(type_, names))))


# -- what Azure computes -------------------------------------------------------------------------------------------


@scoped("uniqueString", 1, MANY)
def unique_string(env: Env, operands: Values, place: Locator | None) -> Value:
    """Thirteen characters, the same for the same operands."""
    return Value(atom("uniqueString", operands, place), place)


@scoped("guid", 1, MANY)
def guid(env: Env, operands: Values, place: Locator | None) -> Value:
    """A GUID, the same for the same operands."""
    return Value(atom("guid", operands, place), place)


@scoped("newGuid", 0, 0)
def new_guid(env: Env, operands: Values, place: Locator | None) -> Value:
    """Another GUID with each call."""
    made = atom("newGuid", (), place)
    return Value(replace(made, key=("newguid", env.deployment.key, place)), place)


@scoped("utcNow", 0, 1)
def utc_now(env: Env, operands: Values, place: Locator | None) -> Value:
    """The time of the deployment."""
    return Value(atom("utcNow", operands, place), place)


@scoped("pickZones", 3, 5)
def pick_zones(env: Env, operands: Values, place: Locator | None) -> Value:
    """Which zones a type has in a region; Azure knows."""
    return Value(replace(atom("pickZones", operands, place), type="list", nonempty=False), place)


@scoped("toLogicalZone", 3, 3)
@scoped("toLogicalZones", 3, 3)
@scoped("toPhysicalZone", 3, 3)
@scoped("toPhysicalZones", 3, 3)
def zones(env: Env, operands: Values, place: Locator | None) -> Value:
    """Zones of a subscription; Azure knows."""
    return Value(replace(atom("zones", operands, place), type=None), place)


@scoped("providers", 1, 2)
def providers(env: Env, operands: Values, place: Locator | None) -> Value:
    """What Azure says of a resource provider."""
    return Value(replace(atom("providers", operands, place), type="object", nonempty=False), place)
