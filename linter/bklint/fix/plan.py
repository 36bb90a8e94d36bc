"""Findings into edits: the operations of their policies on the resources they are about, in every input context.

A text that several resources share (a module's argument, a loop's block) is changed only where all that depend on it
are at fault. The one fact a reader would not guess: worlds pass by one after the other and are dropped, so everything
that a plan needs of them is taken out on the way.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from bklint import facts
from bklint.files import Reader
from bklint.finding import Finding
from bklint.fix import arm, controls, guest, terraform
from bklint.fix.edits import Edit, RefusedError, united
from bklint.fix.repository import check_editable
from bklint.fix.request import Request, Spot, Ways, spots
from bklint.model.inventory import World
from bklint.model.resource import Resource
from bklint.model.value import ListData, Value
from bklint.model.verdict import Verdict, verdict_of
from bklint.policy.model import Env, Operation, Policy
from bklint.policy.store import PolicySet, parameters
from bklint.records import dataclass, field

DIALECTS: Mapping[str, Callable[[Request], Ways]] = {
    "terraform": terraform.ways,
    "arm": arm.ways,
    **dict.fromkeys(("shell", "powershell", "batch", "config"), guest.ways),
}
"""Dialects whose files are edited. What is deployed, planned or compiled is no source."""

_NUMBER = "properties.priority"

_UNEDITED = {
    "bicep": "it is Bicep; see the fix",
    "plan": "a plan shows what the configuration makes; change that",
    "nsg": "it shows what is deployed; change that",
}
"""Why a dialect is not edited."""


class Plan(NamedTuple):
    """The edits that mend a finding. `does` says what, in one line; `control` names what they change of security. `among`
    is the address of the resource in whose children a free number was looked for: one plan at a time may take one."""

    finding: Finding
    edits: tuple[Edit, ...]
    safety: str
    does: str
    control: str = ""
    replaces: bool = False
    among: str = ""


class Seen(NamedTuple):
    """A world on its way past, and the values that policy parameters have in it."""

    world: World
    parameters: Mapping[str, object]


@dataclass(slots=True)
class _Wish:
    """A finding and what its operations come to on its resources, by operation."""

    finding: Finding
    policy: Policy
    ways: dict[int, list[Ways]] = field(default_factory=dict)
    values: dict[int, Any] = field(default_factory=dict)
    refused: str = ""
    by_hand: str = ""
    among: str = ""
    replaces: bool = False
    group: tuple[str, str] = ("", "")


class Planner:
    """Plans for findings, from the worlds they were found in."""

    def __init__(self, findings: Iterable[Finding], policies: PolicySet, reader: Reader) -> None:
        self._reader = reader
        self._wishes = [_Wish(each, policy) for each in findings if (policy := policies.by_id(each.policy))]
        self._shared: dict[tuple[str, str], set[Spot]] = {}

    def look(self, seen: Seen) -> None:
        """Take from a world what concerns the findings."""
        by_policy: dict[str, list[_Wish]] = {}
        for wish in self._wishes:
            if wish.finding.dialect in DIALECTS and wish.policy.operations:
                by_policy.setdefault(wish.policy.id, []).append(wish)
        for wishes in by_policy.values():
            policy = wishes[0].policy
            values = parameters(policy, seen.parameters)
            for resource in self._resources(policy, seen.world):
                self._look_at(resource, Env(resource, values, facts.read), policy, wishes, seen.world.root)

    def _resources(self, policy: Policy, world: World) -> Iterator[Resource]:
        for type_ in policy.types:
            yield from (each for each in world.of(type_) if each.mode in policy.modes)

    def _look_at(self, resource: Resource, env: Env, policy: Policy, wishes: list[_Wish], root: str) -> None:
        if verdict_of(policy.condition(resource, env)) is not Verdict.FAULT:
            known = self._shared.setdefault(_group(policy, resource), set())
            for operation in policy.operations:
                known |= spots(Request(operation.op, resource, operation.field, None, self._reader))
            return
        for wish in wishes:
            if resource.address in wish.finding.addresses and root in wish.finding.roots:
                self._ask(wish, resource, env)

    def _ask(self, wish: _Wish, resource: Resource, env: Env) -> None:
        """Find the ways of every operation that holds for a resource."""
        wish.replaces = wish.replaces or guest.replaces(resource)
        wish.group = _group(wish.policy, resource)
        held = (
            row
            for row in wish.policy.by_hand
            if row.when is None or verdict_of(row.when(resource, env)) is Verdict.FAULT
        )
        wish.by_hand = wish.by_hand or next((row.because for row in held), "")
        try:
            for number, operation in enumerate(wish.policy.operations):
                if operation.when is not None and verdict_of(operation.when(resource, env)) is not Verdict.FAULT:
                    continue
                value = filled(operation.value, resource, env)
                request = Request(operation.op, resource, operation.field, value, self._reader)
                if resource.parent is not None and (operation.op == "insertItem" or operation.field == _NUMBER):
                    wish.among = resource.parent.address
                wish.ways.setdefault(number, []).append(DIALECTS[resource.dialect](request.in_parent()))
                wish.values[number] = value
        except RefusedError as refused:
            wish.refused = wish.refused or str(refused)

    def plans(self) -> tuple[list[Plan], list[tuple[Finding, str]]]:
        """What can be done, and the findings for which nothing can, with the reason."""
        made, left = [], []
        for wish in self._wishes:
            try:
                made.append(self._plan(wish))
            except RefusedError as refused:
                left.append((wish.finding, str(refused)))
        return made, left

    def _plan(self, wish: _Wish) -> Plan:
        finding, policy = wish.finding, wish.policy
        if finding.dialect not in DIALECTS:
            raise RefusedError(f"{finding.path} is not edited: {_UNEDITED.get(finding.dialect, 'see the fix')}")
        if policy.safety == "manual" or not policy.operations:
            raise RefusedError(wish.by_hand or "it takes a decision: see the fix")
        if wish.refused:
            raise RefusedError(wish.refused)
        if not wish.ways:
            raise RefusedError(f"{wish.by_hand or 'it takes a decision here'}: see the fix")
        edits: list[Edit] = []
        for ways in wish.ways.values():
            edits.extend(_chosen(ways, self._shared.get(wish.group, set())))
        for source in {edit.name: edit.source for edit in edits}.values():
            check_editable(source, self._reader)
        if all(edit.old == edit.new for edit in edits):
            raise RefusedError("it is already as the fix would have it")
        asked = [(number, policy.operations[number]) for number in sorted(wish.ways)]
        kinds = [controls.safety(policy, finding.resource_type, operation) for _, operation in asked]
        kinds.append("replace" if wish.replaces else "safe")
        named = [controls.control(finding.resource_type, operation) for _, operation in asked]
        return Plan(
            finding,
            united(edits),
            max(kinds, key=controls.ORDER.index),
            ", ".join(_told(operation, wish.values[number]) for number, operation in asked),
            ", ".join(dict.fromkeys(filter(None, named))),
            policy.safety == "replace" or wish.replaces,
            wish.among,
        )


def _group(policy: Policy, resource: Resource) -> tuple[str, str]:
    """Resources that may depend on the same text. One statement of a script can make resources that say different
    things, `Set-Service X -StartupType Disabled -Status Running`; a change of one says nothing of the other."""
    if not resource.type.startswith("guest/"):
        return policy.id, ""
    return policy.id, f"{resource.type} {resource.get('properties.action').data}"


def _chosen(ways: Sequence[Ways], shared: set[Spot]) -> Iterator[Edit]:
    """The edits at the literal where that is the one place, else at the places of use. Raises RefusedError."""
    leaves = {each.leaf_spot for each in ways}
    first = ways[0].use_spot
    texts = {tuple((edit.name, *edit[1:]) for edit in each.use) for each in ways if each.use_spot == first}
    if len(texts) > 1 and not ways[0].leaf:
        raise RefusedError("it would have to be written in different ways in one place")
    if len(leaves) == 1 and all(each.leaf for each in ways) and not leaves & shared:
        yield from ways[0].leaf
        return
    for each in ways:
        if not each.use:
            raise RefusedError(each.why or "there is no one place to change")
        if each.use_spot in shared:
            raise RefusedError(each.shared or "others that are in order depend on the same text")
        yield from each.use


def filled(data: Any, resource: Resource, env: Env) -> Any:
    """The value of an operation with its facts and parameters. Raises RefusedError for what is not known."""
    if isinstance(data, list):
        return [filled(item, resource, env) for item in data]
    if not isinstance(data, Mapping):
        return data
    if len(data) == 1 and "fact" in data:
        return _plain(env.read(str(data["fact"]), resource), str(data["fact"]))
    if len(data) == 1 and "param" in data:
        return _plain(env.parameters[str(data["param"])], str(data["param"]))
    return {key: filled(item, resource, env) for key, item in data.items()}


def _plain(value: Value, name: str) -> Any:
    if isinstance(value.data, ListData) and value.data.rest is None:
        return [_plain(item, name) for item in value.data.items]
    if not value.known or value.data is None:
        raise RefusedError(f"{name} is not known")
    return value.data


def _told(operation: Operation, value: Any) -> str:
    name = operation.field.rpartition(".")[2]
    if operation.op == "remove":
        return f"remove {name}" if name else "remove it"
    if operation.op == "insertItem":
        return f"add '{value.get('name', 'an item')}' to {name}"
    if operation.op == "append":
        return f"add '{value}' to {name}"
    shown = str(value).lower() if isinstance(value, bool) else f"'{value}'" if isinstance(value, str) else str(value)
    return f"set {name} = {shown}"
