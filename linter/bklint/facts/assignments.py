"""Policy assignments become: what Azure Policy would refuse that Azure Backup must create.

A built-in definition is known by its id; one that is declared here is read, as far as its rule is a plain comparison of
the type in question. The one fact a reader would not guess: an assignment without `effect` has the definition's default
effect, which is Audit for the list of approved extensions.
"""

from __future__ import annotations

from typing import NamedTuple

from bklint.facts import fact, record
from bklint.facts.answers import answer
from bklint.facts.machines import says
from bklint.facts.scopes import scope_of
from bklint.model.compare import conjunction, contains, disjunction, equal, like
from bklint.model.resource import Resource
from bklint.model.value import ListData, ObjectData, Unknown, Value, missing, step

ASSIGNMENT = "Microsoft.Authorization/policyAssignments"
DEFINITION = "Microsoft.Authorization/policyDefinitions"
INITIATIVE = "Microsoft.Authorization/policySetDefinitions"
APPROVED_EXTENSIONS = "c0e996f8-39cf-4af9-9f45-83fbde810432"
EXTENSION_TYPE = "Microsoft.Compute/virtualMachines/extensions/type"
BACKUP_EXTENSIONS = ("VMSnapshot", "VMSnapshotLinux")


class Definition(NamedTuple):
    """What an assignment assigns: a declared definition, or None for one that is known by its id only."""

    id: Value
    declared: Resource | None


def definition_of(assignment: Resource) -> Definition:
    """The definition that an assignment names."""
    return _definition(assignment, assignment.get("properties.policyDefinitionId"))


def _definition(assignment: Resource, identity: Value) -> Definition:
    linked = assignment.world.link(identity, DEFINITION).resource if identity.exists is not False else None
    return Definition(identity, linked if linked is not None and linked.declared else None)


def parameter(assignment: Resource, definition: Definition, name: str) -> Value:
    """The value of a parameter: what the assignment gives, else the default of a declared definition."""
    given = step(step(assignment.get("properties.parameters"), name), "value")
    if given.exists is not False or definition.declared is None:
        return given
    return step(step(definition.declared.get("properties.parameters"), name), "defaultValue")


def in_force(assignment: Resource) -> bool | None:
    """Whether an assignment is enforced."""
    mode = assignment.get("properties.enforcementMode")
    refused = says(mode, "DoNotEnforce")
    return None if refused is None else not refused


@fact(
    "extensionPolicy",
    ASSIGNMENT,
    reads=("properties.policyDefinitionId", "properties.parameters"),
    fields=("blocks", "at", "effect", "enforced"),
)
def extension_policy(assignment: Resource) -> Value:
    """Whether an assignment keeps the backup extension from being installed.

    `blocks`: its list of approved extension types lacks VMSnapshot or VMSnapshotLinux, or its list of refused types has
    one of them. `at`: the list. `effect`: Deny, Audit, Disabled; the default of the built-in definition is Audit.
    `enforced`: its enforcement mode. catalogue BKP505;
    https://learn.microsoft.com/azure/governance/policy/samples/built-in-policies#compute
    """
    definition = definition_of(assignment)
    approved = like(definition.id, f"*/{APPROVED_EXTENSIONS}")
    if approved:
        listed = parameter(assignment, definition, "approvedExtensions")
        blocks = _lacks(listed)
        effect = parameter(assignment, definition, "effect")
        effect = effect if effect.exists is not False else Value("Audit", definition.id.place)
    elif definition.declared is not None:
        listed, blocks = _by_rule(assignment, definition)
        effect = _resolved(definition.declared.get("properties.policyRule.then.effect"), assignment, definition)
    else:
        listed, blocks, effect = definition.id, False if approved is False else None, missing(definition.id.place)
    at = listed if listed.exists is not False else definition.id
    return record(
        assignment.body,
        blocks=answer(blocks, at, definition.id),
        at=at,
        effect=effect,
        enforced=answer(in_force(assignment), assignment.get("properties.enforcementMode")),
    )


def _lacks(listed: Value) -> bool | None:
    """Whether a list of approved types lacks a type of the backup extension. A missing list decides nothing."""
    if listed.exists is False:
        return None
    has = conjunction(contains(listed, Value(name)) for name in BACKUP_EXTENSIONS)
    return None if has is None else not has


def _by_rule(assignment: Resource, definition: Definition) -> tuple[Value, bool | None]:
    """Read a declared rule: the first comparison of the extension type with a list."""
    assert definition.declared is not None
    rule = definition.declared.get("properties.policyRule.if")
    if isinstance(rule.data, Unknown):
        return rule, None
    for leaf, negated in _leaves(rule):
        field = step(leaf, "field")
        if not isinstance(field.data, str) or field.data.casefold() != EXTENSION_TYPE.casefold():
            continue
        for operator, allow in (("notIn", True), ("in", False)):
            listed = step(leaf, operator)
            if listed.exists is not False:
                values = _resolved(listed, assignment, definition)
                if allow is not negated:
                    return values, _lacks(values)
                return values, disjunction(contains(values, Value(name)) for name in BACKUP_EXTENSIONS)
    return definition.id, False


def _leaves(rule: Value, negated: bool = False) -> list[tuple[Value, bool]]:
    found: list[tuple[Value, bool]] = []
    pending = [(rule, negated)]
    while pending:
        value, inside = pending.pop()
        if not isinstance(value.data, ObjectData):
            continue
        inner = step(value, "not")
        if inner.exists is not False:
            pending.append((inner, not inside))
            continue
        groups = [step(value, name) for name in ("allOf", "anyOf")]
        items = [item for group in groups if isinstance(group.data, ListData) for item in group.data.items]
        if items:
            pending.extend((item, inside) for item in reversed(items))
        else:
            found.append((value, inside))
    return found


def _resolved(value: Value, assignment: Resource, definition: Definition) -> Value:
    """A value of a rule, `[parameters('name')]` replaced by the parameter's value."""
    data = value.data
    if isinstance(data, str) and data.casefold().startswith("[parameters('") and data.endswith("')]"):
        found = parameter(assignment, definition, data[len("[parameters('") : -len("')]")])
        return found if found.exists is not False else value
    return value


RESOURCE_GROUPS = "Microsoft.Resources/subscriptions/resourceGroups"
REQUIRE_TAG = "96670d01-0a4d-4649-9c89-2d3abc0a5025"
REQUIRE_TAG_AND_VALUE = "8ce3da23-7156-49e4-b145-24f95f9dcb46"
ALLOWED_LOCATIONS = "e765b5de-1225-4ba3-bd56-1ac6695af988"


@fact(
    "groupPolicy",
    ASSIGNMENT,
    reads=("properties.policyDefinitionId", "properties.parameters"),
    fields=("denies", "at", "how", "enforced"),
)
def group_policy(assignment: Resource) -> Value:
    """Whether an assignment can refuse the resource group that Azure Backup creates for restore points.

    `denies`: it assigns a built-in definition that requires a tag on resource groups, one that allows locations for
    them and leaves out the location of a machine of this root, or a declared definition that denies resource groups. An
    initiative that is declared here counts as its definitions. False where the effect is overridden by another one than
    Deny, where the rule or `notScopes` names the service's groups (AzureBackupRG_…), and for an assignment to a resource
    group, which creates no groups. `how`: what it demands. `at`: what to point at. `enforced`: its enforcement mode.
    catalogue BKP206;
    https://learn.microsoft.com/azure/backup/backup-during-vm-creation;
    https://learn.microsoft.com/azure/governance/policy/samples/built-in-policies#tags
    """
    definition = definition_of(assignment)
    rules = [_group_rule(assignment, each) for each in _definitions(assignment, definition)]
    denies, how, at = next((rule for wanted in (True, None) for rule in rules if rule[0] is wanted), rules[0])
    spared = disjunction((_spares_groups(assignment), _overridden(assignment)))
    denies = conjunction((denies, None if spared is None else not spared))
    return record(
        assignment.body,
        denies=answer(denies, at, definition.id),
        at=at,
        how=Value(how, definition.id.place),
        enforced=answer(in_force(assignment), assignment.get("properties.enforcementMode")),
    )


def _definitions(assignment: Resource, definition: Definition) -> list[Definition]:
    """The definition; those of an initiative that is declared here, and the initiative itself where it is not."""
    linked = assignment.world.link(definition.id, INITIATIVE).resource if definition.id.exists is not False else None
    if linked is None or not linked.declared:
        return [definition]
    members = linked.select("properties.policyDefinitions[*].policyDefinitionId")
    found = [_definition(assignment, identity) for identity in members.values]
    at = definition.id
    shown = [Definition(each.id._replace(place=at.place, hops=at.hops), each.declared) for each in found]
    return [*shown, *([Definition(Value(members.rest, at.place), None)] if members.rest is not None else [])] or [
        definition
    ]


def _spares_groups(assignment: Resource) -> bool | None:
    """Whether an assignment leaves the service's resource groups alone: it is to a group, or names them among those it
    is not for."""
    scope = scope_of(assignment)
    if scope.kind == "resourceGroup" or (scope.kind == "resource" and "managementgroups" not in scope.type):
        return True
    listed = assignment.select("properties.notScopes[*]")
    spared = disjunction(like(value, "*/AzureBackupRG*") for value in listed.values)
    return None if spared is False and listed.rest is not None else spared


def _overridden(assignment: Resource) -> bool | None:
    """Whether the assignment overrides the effect by one that denies nothing."""
    found = assignment.select("properties.overrides[*].value")
    return disjunction(says(value, "Audit", "Disabled") for value in found.values)


def _group_rule(assignment: Resource, definition: Definition) -> tuple[bool | None, str, Value]:
    for built_in in (REQUIRE_TAG, REQUIRE_TAG_AND_VALUE):
        if like(definition.id, f"*/{built_in}"):
            return True, "a tag on every resource group", definition.id
    if like(definition.id, f"*/{ALLOWED_LOCATIONS}"):
        listed, effect = (parameter(assignment, definition, name) for name in ("listOfAllowedLocations", "effect"))
        return (
            conjunction((_leaves_out(assignment, listed), True if effect.exists is False else says(effect, "Deny"))),
            "other locations for resource groups",
            listed if listed.exists else definition.id,
        )
    if definition.declared is not None:
        return _declared_group_rule(assignment, definition), "something of every resource group", definition.id
    return (None if definition.id.unknown is not None and definition.id.ident is None else False), "", definition.id


def _leaves_out(assignment: Resource, listed: Value) -> bool | None:
    """Whether a machine of this root is in a location that the list does not have."""
    machines = [one for one in assignment.world.of("Microsoft.Compute/virtualMachines") if one.declared]
    answers = []
    for machine in machines:
        location = _region(machine.get("location"))
        if isinstance(listed.data, ListData):
            regions = Value(ListData(tuple(_region(item) for item in listed.data.items), listed.data.rest))
            inside = contains(regions, location)
        else:
            inside = None if listed.exists is not False else True
        answers.append(None if inside is None else not inside)
    return disjunction(answers)


def _region(value: Value) -> Value:
    return value._replace(data=value.data.replace(" ", "")) if isinstance(value.data, str) else value


def _declared_group_rule(assignment: Resource, definition: Definition) -> bool | None:
    assert definition.declared is not None
    rule = definition.declared.get("properties.policyRule.if")
    effect = _resolved(definition.declared.get("properties.policyRule.then.effect"), assignment, definition)
    if isinstance(rule.data, Unknown):
        return None
    if any(like(named, "*AzureBackupRG*") for leaf, _ in _leaves(rule) for named in _names_in(leaf)):
        return False
    about_groups = disjunction(
        conjunction(
            (
                equal(step(leaf, "field"), Value("type")),
                equal(step(leaf, "equals"), Value(RESOURCE_GROUPS)),
                not negated,
            )
        )
        for leaf, negated in _leaves(rule)
    )
    return conjunction((about_groups, says(effect, "deny")))


def _names_in(leaf: Value) -> list[Value]:
    """What a comparison of a name compares it with."""
    field = step(leaf, "field")
    if not (isinstance(field.data, str) and field.data.casefold() in ("name", "id")):
        return []
    return list(leaf.data.fields.values()) if isinstance(leaf.data, ObjectData) else []
