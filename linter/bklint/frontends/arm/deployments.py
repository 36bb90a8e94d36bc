"""Nested and linked deployments: a child template with its scope and arguments, and the outputs it gives.

https://learn.microsoft.com/azure/azure-resource-manager/templates/linked-templates. A linked template is a file of the
repository: its URI is evaluated with unknowns for where templates are stored, and what follows the last unknown is
looked for below the directory of the template that links it.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from bklint import limits
from bklint.files import join
from bklint.frontends.arm.access import member
from bklint.frontends.arm.lowering import Lowering
from bklint.frontends.arm.members import carried
from bklint.frontends.arm.names import label
from bklint.frontends.arm.operands import composed
from bklint.frontends.arm.parameters import ParameterFile, key_vault_secret
from bklint.frontends.arm.resources import DEPLOYMENT, Declared, Instance, declared, target
from bklint.frontends.arm.scope import (
    GROUP,
    MANAGEMENT_GROUP,
    SUBSCRIPTION,
    TENANT,
    Deployment,
    Env,
    Scope,
    Template,
    actual,
    get,
    scope_kind,
)
from bklint.model.compare import equal
from bklint.model.resource import Parts, Resource, id_of, ids_match, parse_id
from bklint.model.value import ObjectData, Text, Unknown, Value, parts_of
from bklint.source import Locator
from bklint.syntax.json import Document, Pointer

_TYPE = re.compile(r"\w+(\.\w+)+/")
MAX_NESTING = 50
"""Deepest nesting of deployments that is followed."""


class Children:
    """The nested deployments of a world, each made once, and the resources found by what `reference()` is given."""

    def __init__(self, lowering: Lowering) -> None:
        self._lowering = lowering
        self._made: dict[int, Deployment | None] = {}
        self._origins: dict[int, tuple[Declared, Instance]] = {}

    def know(self, one: Declared, instance: Instance) -> None:
        """Remember what a resource was declared as."""
        self._origins[id(instance.resource)] = (one, instance)

    def child(self, resource: Resource) -> Deployment | None:
        """The deployment that a resource of that type is; None where its template is not found."""
        if resource.type.lower() != DEPLOYMENT:
            return None
        if id(resource) not in self._made:
            origin = self._origins.get(id(resource))
            self._made[id(resource)] = _child(*origin) if origin is not None else None
        return self._made[id(resource)]

    def instances(self, env: Env, symbol: str) -> list[Resource] | None:
        """The resources of a declaration of the same template, by its symbolic name."""
        for one in declared(env.deployment):
            if one.symbol.casefold() == symbol.casefold():
                return [resource for resource, _, created in self._all(one) if created]
        return None

    def find(self, env: Env, reference: Value) -> Resource | None:
        """The resource of the same template of an id, a symbolic name (with the number of an instance), or a name.

        One of another template of the world is not looked for: what is read of it may be its state before this
        deployment, as in templates that read a resource in one deployment to write it back in another.
        """
        wanted = parse_id(_absolute(env, reference))
        if wanted is None:
            return self._by_name(env, reference)
        for one in declared(env.deployment):
            if _may_be(one, wanted.type):
                for resource, _, created in self._all(one):
                    if created and ids_match(wanted, id_of(resource)):
                        return resource
        return None

    def _by_name(self, env: Env, reference: Value) -> Resource | None:
        if isinstance(reference.data, str):
            symbol, bracket, index = reference.data.strip().partition("[")
            found = self.instances(env, symbol)
            if found is not None:
                at = int(index[:-1]) if bracket and index[:-1].isdigit() else 0
                return found[at] if at < len(found) else None
        for one in declared(env.deployment):
            for resource, _, created in self._all(one):
                if created and equal(resource.name, reference):
                    return resource
        return None

    def _all(self, one: Declared) -> list[Instance]:
        instances = one.instances()
        for instance in instances:
            if id(instance.resource) not in self._origins:
                self.know(one, instance)
        return instances


def _absolute(env: Env, reference: Value) -> Value:
    """A reference that starts with a type, `Microsoft.Storage/storageAccounts/x`, as an id of the deployment's scope."""
    found = parts_of(reference)
    if found and isinstance(found[0], str) and _TYPE.match(found[0]):
        return reference._replace(data=composed((*env.deployment.scope.id, "/providers/", *found)))
    return reference


def _may_be(one: Declared, type_: str) -> bool:
    """Whether a declaration may be of a type, judged by its text."""
    written = get(one.node, "type")
    if not isinstance(written, str) or written[:1] == "[" or one.parent is not None:
        return True
    return written.partition("@")[0].casefold() == type_ or "/providers/" in written.casefold()


# -- children ------------------------------------------------------------------------------------------------------


def _child(one: Declared, instance: Instance) -> Deployment | None:
    here, env = one.deployment, instance.env
    lowering, place = here.lowering, here.place(one.pointer, "header")
    template = _template(one, env)
    if template is None:
        return None
    if here.depth >= MAX_NESTING:
        lowering.note(
            "limit", f"deployments nested deeper than {MAX_NESTING} are not followed ({limits.told('')})", place
        )
        return None
    if lowering.deployments <= 0:
        what = f"more than {lowering.most_deployments} nested deployments; the rest is not checked"
        lowering.note("limit", f"{what} ({limits.told('deployments')})", place)
        return None
    lowering.deployments -= 1
    name = instance.resource.name
    shown = _shown(one, instance)
    inner = template.path != here.template.path or template.document is not here.template.document or _inner(one, env)
    key = (*here.key, (one.symbol or str(one.pointer), *_loop_key(env)))
    child = Deployment(
        lowering,
        template,
        _scope(one, env, template),
        name=name,
        key=key,
        label=f"{here.label}{shown}/",
        parent=here,
        env=None if inner else env,
        conditional=instance.resource.conditional,
    )
    child.group_label = f"{here.group_label}{shown if not env.loops else one.symbol or _written(one)}/"
    child.extra = here.extra
    if inner:
        child.arguments = _arguments(one, env, shown, child)
    return child


def _loop_key(env: Env) -> tuple[str, ...]:
    return tuple(f"{name}={value.data!r}" for name, value in env.loops.items() if isinstance(value.data, int))


def _shown(one: Declared, instance: Instance) -> str:
    """How addresses name a deployment: by its name, or its symbolic name where the name is not known."""
    name = instance.resource.name
    if isinstance(name.data, str):
        return name.data
    if not one.symbol:
        return label((name,))
    indexes = [str(value.data) for value in instance.env.loops.values() if isinstance(value.data, int)]
    return one.symbol + (f"[{indexes[-1]}]" if indexes and isinstance(get(one.node, "copy"), dict) else "")


def _written(one: Declared) -> str:
    written = str(get(one.node, "name"))
    return "{" + written[1:-1] + "}" if written[:1] == "[" else written


def _inner(one: Declared, env: Env) -> bool:
    """Whether its expressions are evaluated in its own scope; the default is the parent's."""
    properties = get(one.node, "properties")
    options = get(properties, "expressionEvaluationOptions")
    scope = get(options, "scope")
    if isinstance(scope, str):
        value = one.deployment.text(env, scope, (*one.pointer, "properties", "expressionEvaluationOptions", "scope"))
        return str(value.data).lower() == "inner"
    return False


def _scope(one: Declared, env: Env, template: Template) -> Scope:
    """Where a nested deployment puts its resources."""
    found = target(one, env)
    if get(one.node, "resourceGroup") is not None:
        return found
    written = one.text("scope", env)
    if written is not None and written.exists is not False:
        return _named_scope(found, parts_of(written) or ())
    kind = scope_kind(template.data)
    if get(one.node, "subscriptionId") is not None:
        return found._replace(kind=SUBSCRIPTION if kind == SUBSCRIPTION else found.kind)
    return found._replace(kind=kind) if kind != GROUP else found


def _named_scope(here: Scope, written: Parts) -> Scope:
    """The scope of an id, or of `/` or a type and name."""
    if written == ("/",):
        return here._replace(kind=TENANT)
    first = written[0] if written and isinstance(written[0], str) else ""
    mark = "microsoft.management/managementgroups/"
    if mark in first.lower():
        rest = first[first.lower().index(mark) + len(mark) :]
        name = tuple(part for part in (rest, *written[1:]) if part != "")
        return here._replace(kind=MANAGEMENT_GROUP, management_group=_text(name))
    found = parse_id(_text(written)) if written else None
    if found is None or found.subscription is None:
        return here
    if found.group is None:
        return here._replace(kind=SUBSCRIPTION, subscription=_text(found.subscription))
    return here._replace(kind=GROUP, subscription=_text(found.subscription), group=_text(found.group))


def _text(found: Parts) -> Value:
    return Value(found[0]) if len(found) == 1 else Value(Text(found))


def _arguments(one: Declared, env: Env, shown: str, child: Deployment) -> dict[str, Callable[[], Value]]:
    """The arguments that the parent passes, evaluated there when they are asked for."""
    here = one.deployment
    pointer = (*one.pointer, actual(one.node, "properties"))
    properties = get(one.node, "properties")
    written = get(properties, "parameters")
    found: dict[str, Callable[[], Value]] = {}
    link = get(properties, "parametersLink")
    if isinstance(link, dict):
        document = _linked(here, env, link, (*pointer, actual(properties, "parametersLink")))
        if document is not None:
            found.update(ParameterFile.of(document).arguments(child.parameter_type))
    at = (*pointer, actual(properties, "parameters")) if isinstance(properties, dict) else pointer
    if isinstance(written, dict):
        for name, node in written.items():
            found[name.casefold()] = _argument(here, env, node, (*at, name), shown)
    elif isinstance(written, str):
        data = here.json(env, written, at).data
        names = data.fields if isinstance(data, ObjectData) else dict.fromkeys(child.parameter_names)
        for name in names:
            found[name.casefold()] = _passed_object(here, env, written, at, name, shown)
    return found


def _argument(here: Deployment, env: Env, node: Any, pointer: Pointer, shown: str) -> Callable[[], Value]:
    """An argument: an object with a value or a reference to a secret, or an expression that makes one."""

    def make() -> Value:
        return _passed(here.json(env, node, pointer), here.place(pointer, "key"), str(pointer[-1]), shown)

    return make


def _passed_object(
    here: Deployment, env: Env, text: str, pointer: Pointer, name: str, shown: str
) -> Callable[[], Value]:
    """An argument where all arguments are one expression."""

    def make() -> Value:
        entry = member(here.text(env, text, pointer), Value(name), True, here.place(pointer))
        return _passed(entry, here.place(pointer), name, shown)

    return make


def _passed(entry: Value, place: Locator, name: str, shown: str) -> Value:
    """The value of an argument's object. Only null is passed on without a hop: it means that there is no argument."""
    value = member(entry, Value("value"), True, place)
    if value.data is not None:
        return carried(value, "deployment", f"{shown}.{name}", place)
    if isinstance(entry.data, ObjectData) and entry.data.find("reference") is not None:
        return key_vault_secret(name, place)
    return value


# -- templates -----------------------------------------------------------------------------------------------------


def _template(one: Declared, env: Env) -> Template | None:
    """The template of a nested deployment: written in place, or linked."""
    here = one.deployment
    properties = get(one.node, "properties")
    pointer = (*one.pointer, actual(one.node, "properties"))
    written = get(properties, "template")
    if isinstance(written, dict):
        at = (*pointer, actual(properties, "template"))
        return Template(here.template.document, at, written, here.template.path)
    link = get(properties, "templateLink")
    if isinstance(link, dict):
        document = _linked(here, env, link, (*pointer, actual(properties, "templateLink")))
        if document is None or not isinstance(document.data, dict):
            return None
        return Template(document, (), document.data, document.source.name)
    if written is not None or link is not None or isinstance(properties, str):
        place = here.place(one.pointer, "header")
        here.lowering.note("unsupported", f"the template of {_written(one)} is an expression", place)
    return None


def _linked(here: Deployment, env: Env, link: dict[str, Any], pointer: Pointer) -> Document | None:
    """The document that a link leads to; what cannot be found is noted."""
    lowering = here.lowering
    place = here.place(pointer, "header")
    path = linked_path(here, env, link, pointer)
    if path is None:
        what = "a template spec" if get(link, "id") is not None else "a linked template that is no file here"
        shown = str(get(link, "id") or get(link, "uri") or get(link, "relativePath") or "")
        lowering.note("linked template", f"{what} is not looked into: {shown[:120]}", place)
        return None
    if path in here.files:
        lowering.note("linked template", f"{path} links to itself; it is followed once", place)
        return None
    return lowering.document(path)


def linked_path(here: Deployment, env: Env, link: dict[str, Any], pointer: Pointer) -> str | None:
    """The file that a link leads to."""
    directory = here.template.path.rpartition("/")[0]
    relative = get(link, "relativePath")
    if isinstance(relative, str):
        value = here.text(env, relative, (*pointer, actual(link, "relativePath")))
        path = join(directory, value.data) if isinstance(value.data, str) else None
        return path if path is not None and here.lowering.reader.is_file(path) else None
    uri = get(link, "uri")
    if not isinstance(uri, str):
        return None
    found = parts_of(here.text(env, uri, (*pointer, actual(link, "uri"))))
    return _file_of(here, found) if found else None


def _file_of(here: Deployment, uri: Parts) -> str | None:
    """The file whose path a URI ends with: from where it is stored, if that is known, else the longest tail that exists
    below the directory of the template or of one around it; with its directory also below the two above those.
    A file name alone that is the template's own says nothing: many templates are called `azuredeploy.json`."""
    is_file = here.lowering.reader.is_file
    ends = [at for at, part in enumerate(uri) if isinstance(part, str) and ".json" in part.lower()]
    if not ends:
        return None
    last = ends[-1]
    text = uri[last]
    assert isinstance(text, str)
    text = text[: text.lower().rindex(".json") + len(".json")]
    before = uri[last - 1] if last else None
    if isinstance(before, Unknown) and isinstance(before.key, tuple) and before.key[:1] == ("file",):
        path = join(str(before.key[1]), text.lstrip("/"))
        if is_file(path):
            return path
    pieces = [piece for piece in text.partition("://")[2].split("/") or () if piece]
    pieces = pieces if "://" in text else [piece for piece in text.split("/") if piece]
    directories = dict.fromkeys(file.rpartition("/")[0] for file in reversed(here.files))
    own = here.template.path.rpartition("/")[2].lower()
    for start in range(len(pieces)):
        if start and pieces[start:] == [own]:
            break
        for directory in directories:
            path = join(directory, "/".join(pieces[start:]))
            if is_file(path):
                return path
    above = [join(directory, up) for directory in directories for up in ("..", "../..")]
    for start in range(len(pieces) - 1):
        for directory in above:
            path = join(directory, "/".join(pieces[start:]))
            if is_file(path):
                return path
    return None
