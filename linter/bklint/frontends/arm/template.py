"""ARM templates into worlds: which templates are roots, in which contexts, and the order of lowering.

A template that another one links is a child and is judged there. A root is lowered once for each parameters file that
belongs to it by name; the parameter defaults alone are a context only where there is no such file.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from typing import Any

from bklint.errors import InputError
from bklint.files import Reader, join
from bklint.frontends import Options
from bklint.frontends.arm.deployments import Children
from bklint.frontends.arm.lowering import Lowering
from bklint.frontends.arm.parameters import ParameterFile
from bklint.frontends.arm.resources import declared
from bklint.frontends.arm.scope import Deployment, Scope, Template, actual, get, scope_kind
from bklint.model.inventory import Inventory, Note, Problem, World
from bklint.model.resource import Resource, id_of, ids_match
from bklint.model.value import Reason, Unknown, Value
from bklint.source import Place, Source
from bklint.syntax.json import Document, parse

DEFAULTS = "defaults"
"""The context of a template without parameters files."""
_SCHEMA = re.compile(rb"schema\.management\.azure\.com/[^\"]*deploymentTemplate", re.IGNORECASE)
_LINK = b"templateLink"
_FILLED_IN = re.compile(rb"(?:(?!\{\{).)?(?:[$%#]\{|\$\(|<%|\{%|\{\{[^\"{}\n]+\}\})", re.DOTALL)
"""What stands where JSON expects a value or a name in files that Terraform (`templatefile`), a pipeline or a template
engine renders: `"zoneRedundant": ${zone_redundant}`."""
_BESIDE = re.compile(r"(eters|eter)?(\..+)?\.json")
"""How the name of a parameters file goes on behind `X.param`, in lower case."""
_BELOW = re.compile(r"(eters|eter)?[^/]*\.json")
"""The same in a directory `parameters`."""
SNIFF = 4096


def roots(paths: tuple[str, ...], reader: Reader, options: Options, inventory: Inventory) -> Iterator[ArmRoot]:
    """The templates among `paths` that no other one of them links. What cannot be read becomes a problem."""
    return (root for _, root in share(paths, reader, options, inventory, lambda _: True) if root is not None)


def share(
    paths: tuple[str, ...], reader: Reader, options: Options, inventory: Inventory, mine: Callable[[int], bool]
) -> Iterator[tuple[int, ArmRoot | None]]:
    """For the paths whose place in the row is `mine`, that place and the root; None for a path that is none. The others
    are not read."""
    children = _children(paths, reader, options)
    for number, path in enumerate(paths):
        if not mine(number):
            continue
        document = None if path in children else _read(path, reader, inventory)
        if document is not None and is_template(document.data):
            files = _parameter_files(path, document, reader, options, inventory)
            yield number, ArmRoot(path, document, reader, options, files)
        else:
            yield number, None


def is_template(data: object) -> bool:
    """Whether JSON data is a deployment template, and not a parameters file or anything else."""
    if not isinstance(data, dict):
        return False
    schema = str(data.get("$schema", "")).lower()
    if "deploymentparameters" in schema:
        return False
    resources = get(data, "resources")
    return isinstance(resources, (list, dict, str)) or "deploymenttemplate" in schema


def _read(path: str, reader: Reader, inventory: Inventory) -> Document | None:
    """The document of a file; None and a problem where it cannot be read."""
    raw = b""
    try:
        raw = reader.read(path)
        source = Source.of(path, raw)
    except InputError as error:
        inventory.problems.append(Problem(path, error.message, None, bool(_SCHEMA.search(raw[:SNIFF]))))
        return None
    try:
        return parse(source)
    except InputError as error:
        at = error.offset or 0
        if _FILLED_IN.match(source.data, max(at - 1, 0)):
            message = (
                f"{path}: no JSON before another tool fills it in, so it is not checked; scan what it is rendered to"
            )
            inventory.notes.append(Note("text template", message, Place(source, at, at)))
            return None
        claims = bool(_SCHEMA.search(source.data[:SNIFF]))
        inventory.problems.append(Problem(path, error.message, Place(source, at, at), claims))
        return None


class ArmRoot:
    """One template and its parameters files, by context."""

    def __init__(
        self, path: str, document: Document, reader: Reader, options: Options, files: Mapping[str, ParameterFile]
    ) -> None:
        self._path = path
        self._document = document
        self._reader = reader
        self._options = options
        self._files = files

    @property
    def path(self) -> str:
        """See Root."""
        return self._path

    @property
    def contexts(self) -> tuple[str, ...]:
        """See Root."""
        return tuple(self._files) or (DEFAULTS,)

    def deployment(self, context: str) -> tuple[dict[str, Any], dict[str, Any]]:
        """The template, and the parameters of a context, as a request to deploy them has them."""
        template = self._document.data if isinstance(self._document.data, dict) else {}
        file = self._files.get(context)
        parameters = dict(file.entries.values()) if file is not None else {}
        declared_types = get(template, "parameters")
        for name, written in self._options.variables:
            declaration = get(declared_types, name)
            if declaration is not None:
                type_ = str(get(declaration, "type") or "").lower()
                parameters[actual(declared_types, name)] = {"value": _converted(written, type_)}
        return template, parameters

    def lower(self, context: str, assume: Mapping[str, object]) -> World:
        """See Root."""
        return self.lowered(context, assume).world

    def lowered(self, context: str, assume: Mapping[str, object]) -> Lowering:
        """The world of one context, and the files that were read for it."""
        world = World(root=self._path, dialect="arm", context=context)
        world.splits = tuple(f"{cause} = {value}" for cause, value in assume.items())
        lowering = Lowering(world, self._reader, self._options, assume)
        lowering.finder = Children(lowering)
        world.closing.append(lowering.close)
        root = root_deployment(lowering, self._document, self._path)
        file = self._files.get(context)
        root.arguments = {
            **(file.arguments(root.parameter_type) if file is not None else {}),
            **_given(root, self._options),
            **_assumed(root, assume),
        }
        lower(root, lowering.finder)
        return lowering


def root_deployment(lowering: Lowering, document: Document, path: str) -> Deployment:
    """The deployment of a root template, without arguments."""
    template = Template(document, (), document.data if isinstance(document.data, dict) else {}, path)
    name = Unknown(
        Reason.SCOPE, "the name of the deployment", None, "string", True, True, key=("scope", "deployment name")
    )
    scope = _scope(scope_kind(template.data), lowering.options)
    deployment = Deployment(lowering, template, scope, name=Value(name))
    deployment.extra = _extra(deployment)
    return deployment


def _scope(kind: str, options: Options) -> Scope:
    """Where a root template is deployed, as far as that is known."""
    scope = Scope(kind=kind)
    if options.subscription:
        scope = scope._replace(subscription=Value(options.subscription))
    return scope._replace(group=Value(options.group)) if options.group else scope


def _extra(deployment: Deployment) -> dict[str, Value]:
    """What resources keep of the template's metadata: who generated it, and suppressions for the whole template."""
    metadata = get(deployment.template.data, "metadata")
    found: dict[str, Value] = {}
    if isinstance(metadata, dict):
        generator = get(get(metadata, "_generator"), "name")
        if isinstance(generator, str):
            found["generator"] = Value(generator, deployment.place(("metadata", "_generator", "name")))
        if get(metadata, "bklint") is not None:
            at = actual(deployment.template.data, "metadata")
            found["template_metadata"] = deployment.json(deployment.env, metadata, (at,))
    return found


def lower(root: Deployment, children: Children) -> None:
    """Add the resources of a deployment, and of those nested in it, to the world. Not recursive. One that is declared
    here and only referred to there (`existing`) is one resource."""
    world = root.lowering.world
    existing: list[Resource] = []
    pending = [root]
    while pending:
        deployment = pending.pop()
        nested: list[Deployment] = []
        for one in declared(deployment):
            for instance in one.instances():
                children.know(one, instance)
                if not instance.created:
                    world.absent.append(partial(_written, instance.resource))
                    continue
                if instance.resource.declared:
                    world.add(instance.resource)
                else:
                    existing.append(instance.resource)
                child = children.child(instance.resource)
                if child is not None:
                    nested.append(child)
        pending.extend(reversed(nested))
    for resource in existing:
        if not any(ids_match(id_of(resource), id_of(other)) for other in world.of(resource.type)):
            world.add(resource)


def _written(resource: Resource) -> list[tuple[str, Value]]:
    return [(resource.type, resource.body)]


# -- arguments -----------------------------------------------------------------------------------------------------


def _given(root: Deployment, options: Options) -> dict[str, Callable[[], Value]]:
    """The values of `--var`, converted to the declared types."""
    found: dict[str, Callable[[], Value]] = {}
    for name, text in options.variables:
        if name.casefold() in root.parameter_names:
            value = Value(_converted(text, root.parameter_type(name))).via("parameter", f"--var {name}", None)
            found[name.casefold()] = lambda value=value: value  # type: ignore[misc]
    return found


def _converted(text: str, type_: str) -> Any:
    if type_ == "int" and text.lstrip("-").isdigit() and len(text) < 20:
        return int(text)
    return text.lower() == "true" if type_ == "bool" and text.lower() in ("true", "false") else text


def _assumed(root: Deployment, assume: Mapping[str, object]) -> dict[str, Callable[[], Value]]:
    """The values that the engine tries for inputs without one, by the parameter's cause."""
    found: dict[str, Callable[[], Value]] = {}
    for name in root.parameter_names:
        declaration = root.declared_parameter(name)
        if declaration.cause in assume:
            value = Value(assume[declaration.cause], declaration.place)  # type: ignore[arg-type]
            value = value.via("parameter", f"parameters('{declaration.name}')", declaration.place)
            found[name] = lambda value=value: value  # type: ignore[misc]
    return found


# -- parameters files ----------------------------------------------------------------------------------------------


def _parameter_files(
    path: str, document: Document, reader: Reader, options: Options, inventory: Inventory
) -> dict[str, ParameterFile]:
    """The parameters files of a template by context; those the user names replace those found by convention."""
    written = get(document.data, "parameters")
    declared_names = {name.casefold() for name in written} if isinstance(written, dict) else set()
    found: dict[str, ParameterFile] = {}
    named = [file for each in options.named(path) for file in each.parameter_files]
    for name in options.parameter_files or named or _by_convention(path, reader):
        read = _read(name, reader, inventory)
        if read is None or not isinstance(get(read.data, "parameters"), dict):
            continue
        file = ParameterFile.of(read)
        if options.parameter_files and not declared_names & set(file.entries):
            continue
        directory = posixpath.dirname(path)
        found[posixpath.relpath(name, directory) if directory else name] = file
    return found


def _by_convention(path: str, reader: Reader) -> list[str]:
    """`X.parameters.json`, `X.parameters.*.json` and `parameters/X.parameters*.json` for `X.json`; the portal exports
    `template.json` with `parameters.json`."""
    directory, name = posixpath.split(path)
    begins = f"{name.lower().removesuffix('.json')}.param"
    portal = name.lower() == "template.json"
    found = []
    for folder in (directory, join(directory or ".", "parameters")):
        for entry in _listed(folder or ".", reader):
            fits = (_BESIDE if folder == directory else _BELOW).fullmatch
            folded = entry.lower()
            named = folded.startswith(begins) and fits(folded, len(begins))
            if named or (portal and folded == "parameters.json"):
                found.append(join(folder, entry) if folder else entry)
    return found


def _listed(folder: str, reader: Reader) -> list[str]:
    try:
        return [entry.name for entry in reader.list(folder) if not entry.directory]
    except InputError:
        return []


# -- linked templates ----------------------------------------------------------------------------------------------


def _children(paths: tuple[str, ...], reader: Reader, options: Options) -> frozenset[str]:
    """The templates among `paths` that others link, and so are judged there. Of templates that only link each other the
    first is none."""
    reached = {path: _links_of(path, reader, options) for path in paths if _mentions_link(path, reader)}
    linked = set().union(*reached.values())
    covered: set[str] = set()
    for path in paths:
        if path not in linked:
            covered.update(reached.get(path, ()))
    for path in paths:
        if path in linked and path not in covered:
            covered.update(reached.get(path, ()))
            covered.discard(path)
    return frozenset(covered)


def _mentions_link(path: str, reader: Reader) -> bool:
    try:
        return _LINK in reader.read(path)
    except InputError:
        return False


def _links_of(path: str, reader: Reader, options: Options) -> frozenset[str]:
    """The files that a template links in any of its contexts, and those that they link."""
    inventory = Inventory()
    document = _read(path, reader, inventory)
    if document is None or not is_template(document.data):
        return frozenset()
    files = _parameter_files(path, document, reader, options, inventory)
    root = ArmRoot(path, document, reader, options, files)
    read: set[str] = set()
    for context in root.contexts:
        lowering = root.lowered(context, {})
        read.update(lowering.read_files)
        lowering.world.close()
    return frozenset(read) - {path}
