"""Access policies and role assignments of a key vault become: whether Azure Backup may read and back up what is in it.

A vault works with one of two models: access policies, each with lists of permissions, or role assignments, whose roles
have data actions. Both become grants: to whom, and what is allowed on secrets and on keys. The one fact a reader would
not guess: a grant holds the object id of the service in the user's own tenant, which differs from tenant to tenant. So
a literal id says nothing of whom it is unless the user lists it, and a grant that is enough for the service, but to
somebody not known, leaves the question open. The id of the application in its place grants nothing.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterable
from typing import NamedTuple

from bklint.facts import fact, record
from bklint.facts.answers import answer
from bklint.facts.keyvault import HOLDERS, VAULT, elsewhere, uses_of
from bklint.facts.machines import is_type, says
from bklint.facts.scopes import holds, scope_of
from bklint.model import path as paths
from bklint.model.compare import conjunction, contains, disjunction, equal, like, over_domain
from bklint.model.derive import left_open
from bklint.model.relations import children
from bklint.model.resource import Resource
from bklint.model.value import Ident, ListData, Reason, Unknown, Value, first_unknown, missing, step

APP_ID = "262044b1-e2ce-469f-a196-69ab7ada62d3"
"""The application Backup Management Service of the public cloud (catalogue C.5;
https://learn.microsoft.com/azure/backup/backup-azure-vms-automation#enable-protection)."""
APP_NAME = "Backup Management Service"
POLICY = VAULT + "/accessPolicies"
ASSIGNMENT = "Microsoft.Authorization/roleAssignments"
DEFINITION = "Microsoft.Authorization/roleDefinitions"

_SECRETS = ("secrets/backup/action", "secrets/getSecret/action", "secrets/readMetadata/action")
_KEYS = ("keys/backup/action", "keys/read")
_ROLES: dict[str, tuple[str, tuple[str, ...]]] = {
    "00482a5a-887f-4fb3-b363-3b7fe8e74483": ("Key Vault Administrator", ("*",)),
    "b86a8fe4-44ce-4948-aee5-eccb2c155cd7": ("Key Vault Secrets Officer", ("secrets/*",)),
    "14b46e9e-c2b7-41b4-b07b-48a6ebf60603": ("Key Vault Crypto Officer", ("keys/*",)),
    "12338af0-0e69-4776-bea7-57ae8d297424": ("Key Vault Crypto User", ("keys/read", "keys/backup/action")),
    "4633458b-17de-408a-b874-0445c86b69e6": (
        "Key Vault Secrets User",
        ("secrets/getSecret/action", "secrets/readMetadata/action"),
    ),
    "21090545-7ca7-4776-b22c-e363652d74d2": ("Key Vault Reader", ("*/read", "secrets/readMetadata/action")),
    "e147488a-f6f5-4113-8e2d-b22465e65bf6": ("Key Vault Crypto Service Encryption User", ("keys/read",)),
    "a4417e6f-fecd-4de8-b567-7b0420556985": ("Key Vault Certificates Officer", ()),
    "db79e9a7-68ee-4b58-9aeb-b90e7c24fcba": (
        "Key Vault Certificate User",
        ("secrets/getSecret/action", "secrets/readMetadata/action", "keys/read"),
    ),
    "f25e0fa2-a7c8-4377-a976-54943a77a395": ("Key Vault Contributor", ()),
    "8e3af657-a8ff-443c-a75c-2fe8c4bcb635": ("Owner", ()),
    "b24988ac-6180-42a0-ab88-20f7382dd24c": ("Contributor", ()),
    "acdd72a7-3385-48ef-bd42-f606fba81ae7": ("Reader", ()),
    "18d7d88d-d35e-4fb5-a5c3-7773c20a72d9": ("User Access Administrator", ()),
}
"""Built-in roles by id: name, and data actions below `Microsoft.KeyVault/vaults/` as far as they matter here
(https://learn.microsoft.com/azure/role-based-access-control/built-in-roles/security)."""


class Grant(NamedTuple):
    """What somebody may do in a vault. `who`: whether it is Azure Backup. `secrets`, `keys`: it has all that backup
    needs on them; `few`: on secrets at least get and list. `at`: the permissions, or the role."""

    principal: Value
    who: bool | None
    secrets: bool | None
    keys: bool | None
    few: bool | None
    at: Value


class Needs(NamedTuple):
    """Whether secrets and keys of a vault must be backed up."""

    secrets: bool | None
    keys: bool | None

    def met_by(self, grant: Grant, *, few: bool = False) -> bool | None:
        """Whether a grant is enough; with `few`, without the permission to back up secrets."""
        secrets = disjunction((grant.secrets, grant.few)) if few else grant.secrets
        return conjunction((disjunction((_not(self.secrets), secrets)), disjunction((_not(self.keys), grant.keys))))


class Model(NamedTuple):
    """The grants of a vault by access policies, or by roles; `open` says why there may be more."""

    grants: list[Grant]
    open: Unknown | None

    def grants_all(self, needs: Needs) -> bool | None:
        """Whether Azure Backup has what it needs."""
        found = disjunction(needs.met_by(grant) for grant in self.grants if grant.who)
        return None if found is False and self.open is not None else found


def _not(truth: bool | None) -> bool | None:
    return None if truth is None else not truth


# -- who ---------------------------------------------------------------------------------------------------------------


def is_backup_service(principal: Value, resource: Resource) -> bool | None:
    """Whether a principal is Azure Backup's. A literal id may be; the application's own id is not a principal's."""
    if isinstance(principal.data, str):
        return False if principal.data.casefold() == APP_ID else None
    producer = _producer(principal, resource)
    if producer is None:
        return None
    if is_type(producer, "Microsoft.Graph/servicePrincipals"):
        app, name = producer.get("appId"), producer.get("displayName")
        return says(app, APP_ID) if app.unknown is None and app.exists else says(name, APP_NAME)
    return None if producer.type.startswith("Terraform/") else False


def _producer(value: Value, resource: Resource) -> Resource | None:
    """The resource of which a value is an attribute."""
    key = value.data.key if isinstance(value.data, Unknown) else None
    ident = value.ident or (key if isinstance(key, Ident) else None)
    return None if ident is None else resource.world.by_address(ident.address)


# -- access policies ---------------------------------------------------------------------------------------------------


def _by_policies(vault: Resource) -> Model:
    policies = children(vault, POLICY)
    found = [_of_entry(entry, policy) for policy in policies.items for entry in _entries(policy)]
    return Model(found, policies.open)


def _entries(policy: Resource) -> list[Value]:
    """The entries of a policy: itself where it was written inside the vault, else its list."""
    return [policy.body] if policy.derived else policy.select("properties.accessPolicies[*]").values


def _of_entry(entry: Value, policy: Resource) -> Grant:
    principal = step(entry, "objectId")
    secrets, keys = (paths.get(entry, f"permissions.{name}") for name in ("secrets", "keys"))
    return Grant(
        principal,
        is_backup_service(principal, policy),
        _has(secrets, "get", "list", "backup"),
        _has(keys, "get", "list", "backup"),
        _has(secrets, "get", "list"),
        secrets if secrets.exists is not False else entry,
    )


def _has(permissions: Value, *wanted: str) -> bool | None:
    if permissions.exists is False:
        return False
    every = contains(permissions, Value("all"))
    return disjunction((every, conjunction(contains(permissions, Value(word)) for word in wanted)))


# -- role assignments --------------------------------------------------------------------------------------------------


def _by_roles(vault: Resource) -> Model:
    """The grants by roles; the roles of one principal count together."""
    by_whom: dict[Hashable, list[tuple[Resource, bool | None]]] = {}
    for assignment in vault.world.of(ASSIGNMENT):
        covered = covers(assignment, vault) if assignment.declared else False
        if covered is not False:
            by_whom.setdefault(_whom(assignment), []).append((assignment, covered))
    why = vault.world.open or left_open(vault, ASSIGNMENT)
    return Model([_together(found) for found in by_whom.values()], why)


def _whom(assignment: Resource) -> Hashable:
    principal = assignment.get("properties.principalId")
    if is_backup_service(principal, assignment):
        return APP_ID
    key = principal.data.key if isinstance(principal.data, Unknown) else principal.data
    return principal.ident or (key if isinstance(key, Hashable) else None) or assignment.address


def _together(found: list[tuple[Resource, bool | None]]) -> Grant:
    assignments = [assignment for assignment, _ in found]
    principal = assignments[0].get("properties.principalId")
    allowed = [(actions_of(assignment), covered) for assignment, covered in found]
    return Grant(
        principal,
        is_backup_service(principal, assignments[0]),
        _allows(allowed, _SECRETS),
        _allows(allowed, _KEYS),
        _allows(allowed, _SECRETS[1:]),
        assignments[0].body,
    )


def _allows(allowed: list[tuple[Value, bool | None]], wanted: Iterable[str]) -> bool | None:
    """Whether all wanted actions are among the allowed ones of roles that are certain to be assigned."""
    return conjunction(
        disjunction(conjunction((covered, _matches(actions, action))) for actions, covered in allowed)
        for action in wanted
    )


def _matches(actions: Value, wanted: str) -> bool | None:
    """Whether one of a list of data actions, with `*` for any text, is or covers the wanted one."""
    if not isinstance(actions.data, ListData):
        return None
    action = Value(f"Microsoft.KeyVault/vaults/{wanted}")
    found = disjunction(
        like(action, pattern.data) if isinstance(pattern.data, str) else None for pattern in actions.data.items
    )
    return None if found is False and actions.data.rest is not None else found


def actions_of(assignment: Resource) -> Value:
    """The data actions of an assignment's role as a list; unknown where the role is not known."""
    identity, name = assignment.get("properties.roleDefinitionId"), assignment.get("properties.roleDefinitionName")
    for definition in assignment.world.of(DEFINITION):
        if definition.declared and _is_role(definition, identity, name):
            return _of_definition(definition)
    for guid, (title, actions) in _ROLES.items():
        if like(identity, f"*/{guid}") or equal(identity, Value(guid)) or equal(name, Value(title)):
            return Value(ListData(tuple(Value(f"Microsoft.KeyVault/vaults/{action}") for action in actions)))
    where = name if name.exists is not False else identity
    return Value(first_unknown(where) or Unknown(Reason.OPEN, "what the role allows", where.place), where.place)


def _is_role(definition: Resource, identity: Value, name: Value) -> bool:
    if identity.exists is not False:
        return definition.world.link(identity, DEFINITION).resource is definition
    return equal(name, definition.get("properties.roleName")) is True and name.exists is not False


def _of_definition(definition: Resource) -> Value:
    """The data actions of a custom role. What it takes away again leaves them open."""
    listed = definition.select("properties.permissions[*].dataActions[*]")
    less = definition.select("properties.permissions[*].notDataActions[*]")
    if less.values or less.rest is not None:
        return Value(Unknown(Reason.UNSUPPORTED, "data actions that a role takes away", definition.body.place))
    return Value(ListData(tuple(listed.values), listed.rest), definition.body.place)


def covers(assignment: Resource, vault: Resource) -> bool | None:
    """Whether an assignment's scope is a vault, its resource group or its subscription; None also for a management
    group, and for a single key or secret."""
    scope = scope_of(assignment)
    if scope.target is not None and scope.target.parent is vault:
        return None
    return holds(scope, vault)


# -- altogether --------------------------------------------------------------------------------------------------------


@fact(
    "backupAccess",
    VAULT,
    *HOLDERS,
    reads=("properties.enableRbacAuthorization", "properties.accessPolicies"),
    fields=("granted", "identified", "candidates", "reduced", "wrongId", "byRoles", "needed", "at"),
)
def backup_access(resource: Resource) -> Value:
    """Whether Azure Backup may read and back up the keys that Azure Disk Encryption keeps in a key vault.

    `granted`: a grant to its service principal (a data source with its application id or name) allows get, list and
    backup of secrets, and of keys where the vault has the key that wraps others; by roles, the data actions of these.
    `candidates`: the principals of further grants that are enough, of whom it is not known who they are (literal ids,
    variables); `identified`: true where there are none, else unknown. `reduced`: granted, but without backup on
    secrets. `wrongId`: a grant to the application's id, which is no principal's. `byRoles`: the vault works with role
    assignments. `needed`: what is needed, in words. `at`: the grant that is not enough, or the vault. Of a disk or
    extension: `granted` is unknown where its vault is not declared here. catalogue BKP403, C.5, N-ENC;
    https://learn.microsoft.com/azure/backup/backup-azure-vms-encryption
    """
    if not is_type(resource, VAULT):
        return _of_holder(resource)
    needs, by_roles = _needs(resource), resource.get("properties.enableRbacAuthorization")
    models = _models(resource, by_roles)
    grants = [grant for model in models for grant in model.grants]
    own = [grant for grant in grants if grant.who]
    others = [grant for grant in grants if grant.who is None and needs.met_by(grant, few=True) is not False]
    answers = {model.grants_all(needs) for model in models}
    granted = answers.pop() if len(answers) == 1 else None
    reduced = disjunction(needs.met_by(grant, few=True) for grant in own)
    wrong = next((grant for grant in grants if _is_app_id(grant.principal)), None)
    vague = others[0].principal if others else by_roles
    return record(
        resource.body,
        granted=answer(
            granted, resource.body, by_roles, *(model.open for model in models), *(grant.at for grant in own)
        ),
        identified=answer(None if others else True, vague),
        candidates=Value(ListData(tuple(grant.principal for grant in others)), resource.body.place),
        reduced=Value(reduced is True, resource.body.place),
        wrongId=Value(wrong is not None, resource.body.place),
        byRoles=Value(says(by_roles, True) is True, by_roles.place),
        needed=Value(_words(needs, says(by_roles, True) is True), resource.body.place),
        at=own[0].at if own else wrong.principal if wrong is not None else missing(resource.body.place),
    )


def _of_holder(holder: Resource) -> Value:
    why, place = elsewhere(holder), holder.body.place
    names = ("candidates", "reduced", "wrongId", "byRoles", "needed", "at")
    fields = {name: missing(place) for name in names}
    known = Value(True if why is None else why, place)
    return record(holder.body, granted=known, identified=known, **fields)


def _is_app_id(principal: Value) -> bool:
    if isinstance(principal.data, str):
        return principal.data.casefold() == APP_ID
    return False


def _needs(vault: Resource) -> Needs:
    found = uses_of(vault)
    secrets, keys = (disjunction(use.certain for use in found if use.kind == kind) for kind in ("secret", "key"))
    return Needs(secrets, keys)


def _models(vault: Resource, by_roles: Value) -> tuple[Model, ...]:
    """The model that a vault works with; both where that is not known."""
    chosen = over_domain(by_roles, lambda one: says(one, True))
    if chosen is None:
        return (_by_policies(vault), _by_roles(vault))
    return (_by_roles(vault),) if chosen else (_by_policies(vault),)


def _words(needs: Needs, by_roles: bool) -> str:
    kinds = [kind for kind, needed in (("secrets", needs.secrets), ("keys", needs.keys)) if needed]
    what = " and ".join(kinds) or "secrets"
    return f"{what} (role Key Vault Administrator)" if by_roles else f"{what} (get, list, backup)"
