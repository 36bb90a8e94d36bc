"""Where an expression is evaluated: the deployment it belongs to, the loops and lambdas around it.

A `Deployment` is a template with arguments: the root, or a nested or linked one. Its parameters, variables and outputs
are evaluated once, when they are asked for; one that needs itself is an error value. What a reader would not guess: the
expressions of a nested template of outer scope, the default, are evaluated in the parent's environment
(https://learn.microsoft.com/azure/azure-resource-manager/templates/linked-templates#expression-evaluation-scope-in-nested-templates).
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Mapping
from functools import partial
from typing import Any, NamedTuple

from bklint.frontends.arm.evaluate import evaluate, evaluate_json, evaluate_text, loop_value
from bklint.frontends.arm.expressions import Node
from bklint.frontends.arm.loops import Loop, property_loops
from bklint.frontends.arm.lowering import Lowering
from bklint.frontends.arm.members import carried, flaw, is_constant
from bklint.frontends.arm.parameters import Declaration, no_value, or_default, secret
from bklint.model.resource import DEPLOYMENT_GROUP, DEPLOYMENT_SUBSCRIPTION, Parts
from bklint.model.value import MISSING, Reason, Unknown, Value, parts_of, unknown
from bklint.source import Locator
from bklint.syntax.json import Document, JsonPlace, Pointer

FRAMES = 10
"""Python frames between the use of a parameter, variable or output and its own expression."""
GROUP, SUBSCRIPTION, MANAGEMENT_GROUP, TENANT = "group", "subscription", "management group", "tenant"
_SCHEMAS = (
    ("subscriptiondeploymenttemplate", SUBSCRIPTION),
    ("managementgroupdeploymenttemplate", MANAGEMENT_GROUP),
    ("tenantdeploymenttemplate", TENANT),
)
_MANAGEMENT_GROUP = Unknown(
    Reason.SCOPE,
    "the management group of the deployment",
    type="string",
    nonnull=True,
    nonempty=True,
    key=("scope", "management group"),
)


def get(node: Any, name: str) -> Any:
    """A member of a JSON object by its name in any case; None where there is none."""
    if not isinstance(node, dict):
        return None
    if name in node:
        return node[name]
    key = _in_other_case(node, name)
    return None if key is None else node[key]


def actual(node: dict[str, Any], name: str) -> str:
    """A member's name as written, for pointers."""
    if name in node:
        return name
    key = _in_other_case(node, name)
    return name if key is None else key


def _in_other_case(node: dict[str, Any], name: str) -> str | None:
    """The first key that is an ASCII name in another case. No letter of another length becomes one of ASCII."""
    folded, size = name.lower(), len(name)
    for key in node:
        if len(key) == size and key.lower() == folded:
            return key
    return None


def scope_kind(template: Mapping[str, Any]) -> str:
    """At which level a template is deployed, by its `$schema`."""
    schema = str(template.get("$schema", "")).lower()
    return next((kind for name, kind in _SCHEMAS if name in schema), GROUP)


class Scope(NamedTuple):
    """Where a deployment puts its resources."""

    kind: str = GROUP
    subscription: Value = Value(DEPLOYMENT_SUBSCRIPTION)
    group: Value = Value(DEPLOYMENT_GROUP)
    management_group: Value = Value(_MANAGEMENT_GROUP)

    @property
    def id(self) -> Parts:
        """Its resource id, without a slash at the end; of the tenant, nothing."""
        if self.kind == TENANT:
            return ("",)
        if self.kind == MANAGEMENT_GROUP:
            return ("/providers/Microsoft.Management/managementGroups/", *_parts(self.management_group))
        found: Parts = ("/subscriptions/", *_parts(self.subscription))
        if self.kind == GROUP:
            found = (*found, "/resourceGroups/", *_parts(self.group))
        return found

    @property
    def resource_group(self) -> Value:
        """The group of its resources; missing above groups."""
        return self.group if self.kind == GROUP else Value(MISSING)


def _parts(value: Value) -> Parts:
    found = parts_of(value)
    return found if found is not None else (Unknown(Reason.ERROR, "a scope that is no string"),)


class Function(NamedTuple):
    """A user-defined function: its parameters and the JSON of its output."""

    document: Document
    parameters: tuple[dict[str, Any], ...]
    value: Any
    pointer: Pointer


class Env:
    """What an expression sees. Never changed: `with_…` give another one."""

    __slots__ = ("arguments", "deployment", "lambdas", "loop", "loops", "use")

    def __init__(
        self,
        deployment: Deployment,
        loops: Mapping[str, Value] | None = None,
        loop: Value | None = None,
        lambdas: Mapping[str, Value] | None = None,
        arguments: Mapping[str, Value] | None = None,
        use: bool = False,
    ) -> None:
        self.deployment = deployment
        self.loops = loops or {}
        self.loop = loop
        self.lambdas = lambdas or {}
        self.arguments = arguments
        self.use = use

    @property
    def lowering(self) -> Lowering:
        """The budgets and documents of the world."""
        return self.deployment.lowering

    def evaluate(self, node: Node, place: Locator | None) -> Value:
        """The value of an expression tree here."""
        return evaluate(node, self, place)

    def with_loop(self, name: str, index: Value, *, unnamed: bool) -> Env:
        """Inside one run of a loop."""
        loops = {**self.loops, name.casefold(): index}
        return Env(self.deployment, loops, index if unnamed else self.loop, self.lambdas, self.arguments, self.use)

    def with_lambda(self, variables: Mapping[str, Value]) -> Env:
        """Inside a lambda."""
        lambdas = {**self.lambdas, **variables}
        return Env(self.deployment, self.loops, self.loop, lambdas, self.arguments, self.use)

    def with_arguments(self, arguments: Mapping[str, Value]) -> Env:
        """Inside a user-defined function, which sees only its arguments."""
        return Env(self.deployment, arguments=arguments)

    def using(self) -> Env:
        """Inside the body of a resource, where expressions are places of use."""
        return Env(self.deployment, self.loops, self.loop, self.lambdas, self.arguments, True)

    def quietly(self) -> Env:
        """The same, but not a place of use."""
        return Env(self.deployment, self.loops, self.loop, self.lambdas, self.arguments) if self.use else self


class Template(NamedTuple):
    """A template in a document: a file, or a part of one."""

    document: Document
    pointer: Pointer
    data: dict[str, Any]
    path: str
    """The file it is in."""

    def at(self, *steps: str | int) -> Pointer:
        """The pointer of something in it."""
        return (*self.pointer, *steps)

    def section(self, name: str) -> tuple[dict[str, Any], Pointer]:
        """An object of the template, and where it is; empty where there is none."""
        found = get(self.data, name)
        return (found if isinstance(found, dict) else {}), self.at(actual(self.data, name))


class Deployment:
    """A template with arguments, and what has been evaluated of it."""

    def __init__(
        self,
        lowering: Lowering,
        template: Template,
        scope: Scope,
        *,
        name: Value,
        key: tuple[Hashable, ...] = (),
        label: str = "",
        parent: Deployment | None = None,
        arguments: Mapping[str, Callable[[], Value]] | None = None,
        env: Env | None = None,
        conditional: Unknown | None = None,
    ) -> None:
        self.lowering = lowering
        self.template = template
        self.scope = scope
        self.name = name
        self.key = key
        self.label = label
        self.parent = parent
        self.arguments = arguments or {}
        self.env = env or Env(self)
        self.conditional = conditional
        self.group_label = label
        self.extra: dict[str, Value] = {}
        self.memo: dict[Hashable, Any] = {}
        self._parameters = _folded(template.section("parameters"))
        self._variables = _folded(template.section("variables"))
        self._outputs = _folded(template.section("outputs"))
        lowering.world.closing.append(self.close)

    def close(self) -> None:
        """Let go of what was evaluated and of where it was (see `World.close`)."""
        self.memo.clear()
        self.arguments = {}
        del self.env

    @property
    def depth(self) -> int:
        """How many deployments it is nested in."""
        return len(self.key)

    @property
    def files(self) -> tuple[str, ...]:
        """The files of it and of the deployments around it."""
        return (*(self.parent.files if self.parent else ()), self.template.path)

    def _once(self, key: Hashable, what: str, make: Callable[[], Value], *, constant: bool = False) -> Value:
        """A value evaluated once and wholly; an error where it needs itself, which what is `constant` does not."""
        found = self.memo.get(key)
        if found is None:
            if not self.lowering.enter(FRAMES):
                return unknown(Reason.LIMIT, f"{what} is nested too deep")
            self.memo[key] = unknown(Reason.ERROR, f"{what} refers to itself")
            found = make()
            wrong = None if constant else flaw(found, self.lowering)
            if wrong is not None:
                found = Value(wrong, found.place)
            self.memo[key] = found
            self.lowering.leave(FRAMES)
        assert isinstance(found, Value)
        return found

    # -- parameters ---------------------------------------------------------------------------------------------

    def parameter(self, name: str, place: Locator | None) -> Value:
        """The value of a parameter: its argument, else its default, else null or unknown."""
        key = ("parameter", name.casefold())
        known = self.memo.get(key)
        if known is not None:
            assert isinstance(known, Value)
            return known
        found = self._parameters.get(key[1])
        if found is None:
            return unknown(Reason.ERROR, f"there is no parameter {name!r}", place)
        written, node, pointer = found
        return self._once(key, f"parameter {written!r}", lambda: self._parameter(written, node, pointer))

    def _parameter(self, name: str, node: Any, pointer: Pointer) -> Value:
        declaration = self.declaration(name, node, pointer)
        argument = self.arguments.get(name.casefold())
        value = argument() if argument is not None else None
        if value is not None and (value.exists or (value.exists is None and not declaration.has_default)):
            return secret(declaration, value)
        if declaration.has_default:
            default = evaluate_json(self.env, self.template.document, declaration.default, declaration.at_default)
            default = carried(default, "parameter", f"parameters('{name}')", declaration.place)
            return secret(declaration, default if value is None else or_default(declaration, value, default))
        if declaration.nullable:
            return Value(None, declaration.place)
        made = no_value(declaration)
        if isinstance(made.data, Unknown) and made.data.domain and not self.key:
            self.lowering.input(made.data)
        return made

    def declaration(self, name: str, node: Any, pointer: Pointer) -> Declaration:
        """What the template says about a parameter, references to its definitions followed."""
        definitions, at = self.template.section("definitions")
        owner = self.label.rstrip("/")
        return Declaration.of(self.template.document, name, node, pointer, definitions, at, owner, self.key)

    def declared_parameter(self, name: str) -> Declaration:
        """The declaration of a parameter that is declared."""
        return self.declaration(*self._parameters[name.casefold()])

    @property
    def parameter_names(self) -> frozenset[str]:
        """The parameters it declares, in lower case."""
        return frozenset(self._parameters)

    def parameter_type(self, name: str) -> str:
        """The declared type of a parameter, in lower case; empty where it is not declared."""
        found = self._parameters.get(name.casefold())
        return self.declaration(*found).type if found is not None else ""

    # -- variables and outputs ----------------------------------------------------------------------------------

    def variable(self, name: str, place: Locator | None) -> Value:
        """The value of a variable."""
        key = ("variable", name.casefold())
        known = self.memo.get(key)
        if known is not None:
            assert isinstance(known, Value)
            return known
        found = self._variables.get(key[1])
        loop = None if found is not None and key[1] != "copy" else self._variable_loops.get(key[1])
        if loop is not None:
            return self._once(key, f"variable {name!r}", lambda: self._loop_variable(loop))
        if found is None:
            return unknown(Reason.ERROR, f"there is no variable {name!r}", place)
        written, node, pointer = found
        make = partial(self._variable, written, node, pointer)
        return self._once(key, f"variable {written!r}", make, constant=is_constant(node))

    def _variable(self, name: str, node: Any, pointer: Pointer) -> Value:
        document = self.template.document
        value = evaluate_json(self.env, document, node, pointer)
        return carried(value, "variable", f"variables('{name}')", document.place(pointer, "header"))

    def _loop_variable(self, loop: Loop) -> Value:
        document = self.template.document
        value = loop_value(self.env, document, loop)
        return carried(value, "variable", f"variables('{loop.name}')", document.place(loop.pointer, "header"))

    @property
    def _variable_loops(self) -> dict[str, Loop]:
        found = self.memo.get("variable loops")
        if found is None:
            loops = property_loops(*self.template.section("variables"))
            found = self.memo["variable loops"] = {loop.name.casefold(): loop for loop in loops}
        assert isinstance(found, dict)
        return found

    @property
    def output_names(self) -> tuple[str, ...]:
        """The outputs it declares, as written."""
        return tuple(written for written, _, _ in self._outputs.values())

    def output(self, name: str) -> Value:
        """The value of a declared output."""
        written, node, pointer = self._outputs[name.casefold()]
        return self._once(
            ("output", name.casefold()), f"output {written!r}", lambda: self._output(written, node, pointer)
        )

    def _output(self, name: str, node: Any, pointer: Pointer) -> Value:
        document = self.template.document
        place = document.place(pointer, "header")
        copy = get(node, "copy")
        if isinstance(copy, dict):
            loop = Loop(name, copy.get("count"), copy.get("input"), (*pointer, "copy"), unnamed=True)
            value = loop_value(self.env, document, loop)
        else:
            value = evaluate_json(self.env, document, get(node, "value"), (*pointer, "value"))
        if str(get(node, "type")).lower().startswith("secure"):
            value = secret(self.declaration(name, node, pointer), value)
        return carried(value, "output", f"{self.label}outputs.{name}", place)

    # -- functions ----------------------------------------------------------------------------------------------

    def function(self, name: str) -> Function | None:
        """The user-defined function `namespace.name`, in lower case."""
        table = self.memo.get("functions")
        if table is None:
            table = self.memo["functions"] = self._functions()
        assert isinstance(table, dict)
        return table.get(name)

    def _functions(self) -> dict[str, Function]:
        found: dict[str, Function] = {}
        spaces = get(self.template.data, "functions")
        for at, space in enumerate(spaces if isinstance(spaces, list) else ()):
            members = get(space, "members")
            for member, node in (members if isinstance(members, dict) else {}).items():
                output = get(node, "output")
                pointer = self.template.at("functions", at, "members", member, "output", "value")
                declared = get(node, "parameters")
                parameters = tuple(p for p in declared if isinstance(p, dict)) if isinstance(declared, list) else ()
                name = f"{get(space, 'namespace')}.{member}".lower()
                found[name] = Function(self.template.document, parameters, get(output, "value"), pointer)
        return found

    # -- text ---------------------------------------------------------------------------------------------------

    def place(self, pointer: Pointer, part: str = "value") -> JsonPlace:
        """A place in its document."""
        return self.template.document.place(pointer, part)

    def text(self, env: Env, text: str, pointer: Pointer) -> Value:
        """The value of a JSON string of its document."""
        return evaluate_text(env, self.template.document, text, pointer)

    def json(self, env: Env, node: Any, pointer: Pointer) -> Value:
        """The value of a JSON value of its document."""
        return evaluate_json(env, self.template.document, node, pointer)


def _folded(section: tuple[dict[str, Any], Pointer]) -> dict[str, tuple[str, Any, Pointer]]:
    node, pointer = section
    return {name.casefold(): (name, value, (*pointer, name)) for name, value in node.items()}
