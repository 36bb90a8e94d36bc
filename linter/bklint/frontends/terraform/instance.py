"""Module instances: what names mean inside one call of one module directory.

A root has one `ModuleInstance` without a caller; each `module` block, and each instance of a block with `count` or
`for_each`, has one more over the same parsed `ModuleFiles`. Everything is evaluated when it is first asked for and then
remembered; a name that is being evaluated already is a cycle, which is an error value.
"""

from __future__ import annotations

import posixpath
from collections.abc import Callable, Iterator
from typing import NamedTuple

from bklint import limits
from bklint.errors import InputError
from bklint.files import Reader, join
from bklint.frontends.terraform import functions, types
from bklint.frontends.terraform.evaluate import Evaluator, Scope
from bklint.frontends.terraform.expand import Expansion, Instance, expand
from bklint.frontends.terraform.inputs import RootInputs, validation_domain
from bklint.frontends.terraform.module import ModuleFiles, Written
from bklint.frontends.terraform.scalars import known_text
from bklint.frontends.terraform.views import BodyView
from bklint.model import path as paths
from bklint.model.inventory import Note, Split
from bklint.model.value import (
    Ident,
    ListData,
    ObjectData,
    Reason,
    Unknown,
    Value,
    first_unknown,
    unknown,
)
from bklint.records import dataclass
from bklint.source import Place, Source
from bklint.syntax.node import Attribute


class Declared(NamedTuple):
    """A resource or data instance by its address: where it is declared and with which loop variables."""

    module: ModuleInstance
    written: Written
    instance: Instance
    mode: str
    type: str


@dataclass(slots=True)
class Tree:
    """What the module instances of one root in one context share."""

    reader: Reader
    root: str
    parse: Callable[[str], ModuleFiles]
    inputs: RootInputs
    registry: dict[str, str]
    """Directories of installed modules by their key in `.terraform/modules/modules.json` (`app`, `app.inner`)."""
    evaluator: Evaluator
    declared: dict[str, Declared]
    modules: dict[str, ModuleInstance | None]
    notes: dict[str, Note]
    splits: dict[str, Split]
    damaged: Place | None = None

    def close(self) -> None:
        """Let go of the module instances (see `World.close`)."""
        self.declared.clear()
        self.modules.clear()

    def full(self, depth: int) -> str:
        """Why no module is taken that is called at this depth; empty where one is."""
        if len(self.modules) >= limits.value("modules"):
            return f"more than {limits.value('modules')} module instances ({limits.told('modules')})"
        if depth >= limits.value("module_depth"):
            return (
                f"modules nested more than {limits.value('module_depth')} levels deep ({limits.told('module_depth')})"
            )
        return ""

    def note(self, kind: str, message: str, place: Place | None = None, *, strict: bool = True) -> None:
        """Say something once."""
        self.notes.setdefault(message, Note(kind, message, place, strict))


class ModuleInstance:
    """One call of a module directory, or the root module. Implements `evaluate.Names`."""

    def __init__(
        self,
        tree: Tree,
        files: ModuleFiles,
        prefix: str = "",
        key: str = "",
        call: Written | None = None,
        caller: Scope | None = None,
        conditional: Unknown | None = None,
        depth: int = 0,
    ) -> None:
        self.tree = tree
        self.files = files
        self.prefix = prefix
        """`module.app["a"].`, or the empty string for the root."""
        self.key = key
        self.call = call
        self.caller = caller
        self.conditional = conditional
        self.depth = depth
        self._memo: dict[tuple[str, str], Value] = {}
        self._busy: set[tuple[str, str]] = set()
        self._expansions: dict[tuple[str, str, str], Expansion] = {}
        self._references: dict[tuple[str, str, str], Value] = {}
        if files.damaged is not None and tree.damaged is None:
            tree.damaged = files.damaged

    def scope(self, source: Source, frames: dict[str, Value] | None = None) -> Scope:
        """The scope of an expression in a file of this module."""
        return Scope(self, source, frames)

    def evaluate(self, attribute: Attribute, scope: Scope) -> Value:
        """The value of an attribute; UNKNOWN(syntax) where a syntax error makes it doubtful."""
        if attribute.damaged:
            place = Place(scope.source, attribute.start, attribute.end)
            return unknown(Reason.SYNTAX, f"a syntax error near {attribute.name}", place)
        return self.tree.evaluator.evaluate(attribute.expr, scope)

    # What names mean

    def lookup(self, space: str, name: str, place: Place) -> Value | None:
        """See evaluate.Names."""
        if space == "var":
            return self._once("var", name, place, lambda: self._variable(name, place))
        if space == "local":
            return self._once("local", name, place, lambda: self._local(name, place))
        if space == "module":
            return self._once("module", name, place, lambda: self._module(name, place))
        if space == "path":
            return self._path(name, place)
        if space == "terraform":
            return unknown(
                Reason.SCOPE,
                f"terraform.{name}",
                place,
                type="string",
                nonnull=True,
                nonempty=True,
                key=("terraform", name),
            )
        if space in ("each", "count", "self"):
            return unknown(Reason.ERROR, f"{space}.{name} is not defined here", place)
        if (space, name) in self.files.resources:
            return self.reference("resource", space, name)
        if "_" in space:
            return unknown(
                Reason.ERROR, f"{space}.{name} is not declared", place, key=("undeclared", self.prefix, space, name)
            )
        return None

    def data(self, type_: str, name: str, place: Place) -> Value:
        """See evaluate.Names."""
        if (type_, name) in self.files.data:
            return self.reference("data", type_, name)
        return unknown(
            Reason.ERROR, f"data.{type_}.{name} is not declared", place, key=("undeclared", self.prefix, type_, name)
        )

    def _once(self, kind: str, name: str, place: Place, compute: Callable[[], Value]) -> Value:
        key = (kind, name)
        found = self._memo.get(key)
        if found is not None:
            return found
        if key in self._busy:
            return unknown(Reason.ERROR, f"{kind}.{name} refers to itself", place)
        self._busy.add(key)
        try:
            value = compute()
        finally:
            self._busy.discard(key)
        self._memo[key] = value
        return value

    def _path(self, name: str, place: Place) -> Value:
        if name == "module":
            return Value(posixpath.relpath(self.files.directory, self.tree.root), place)
        if name == "root":
            return Value(".", place)
        return unknown(
            Reason.SCOPE, f"path.{name}", place, type="string", nonnull=True, nonempty=True, key=("path", name)
        )

    def _local(self, name: str, place: Place) -> Value:
        local = self.files.locals.get(name)
        if local is None:
            return unknown(
                Reason.ERROR, f"local.{name} is not declared", place, key=("undeclared", self.prefix, "local", name)
            )
        scope = self.scope(local.source)
        value = self.evaluate(local.attribute, scope)
        return value.via("local", f"local.{name}", scope.place(local.attribute.expr))

    def _variable(self, name: str, place: Place) -> Value:
        written = self.files.variables.get(name)
        if written is None:
            return unknown(
                Reason.ERROR, f"var.{name} is not declared", place, key=("undeclared", self.prefix, "var", name)
            )
        given = self._given(name, written)
        if given is not None and not (given.data is None and self._setting(written, "nullable") is False):
            return self._typed(given, written)
        default = written.attribute("default")
        if default is not None:
            attribute, source = default
            scope = self.scope(source)
            value = self._typed(self.evaluate(attribute, scope), written)
            return value.via("variable", f"var.{name}", scope.place(attribute.expr))
        return self._input(name, written)

    def _given(self, name: str, written: Written) -> Value | None:
        """The value that the caller, the command line or a variables file gives."""
        if self.call is None:
            return self.tree.inputs.value(name, self._type(written))
        found = self.call.attribute(name)
        if found is None or self.caller is None:
            return None
        attribute, source = found
        scope = self.caller.at(source)
        value = (
            self.tree.evaluator.evaluate(attribute.expr, scope)
            if not attribute.damaged
            else unknown(Reason.SYNTAX, "a syntax error")
        )
        return value.via("module argument", f"{self.prefix.rstrip('.')}.{name}", scope.place(attribute.expr))

    def _input(self, name: str, written: Written) -> Value:
        """A variable that nothing gives a value."""
        if self.call is not None:
            return unknown(Reason.ERROR, f"module argument {self.prefix}{name} is missing", written.header)
        if written.block.body.damaged:
            return unknown(Reason.SYNTAX, f"a syntax error in variable {name!r}", written.header)
        type_ = self._type(written)
        cause = f"var.{name}"
        plain = type_.model if type_ is not None else None
        choices = (True, False) if plain == "bool" else validation_domain(written, name)
        domain = tuple(Value(choice, written.header) for choice in choices)
        if choices:
            self.tree.splits[cause] = Split(cause, choices)
        return unknown(
            Reason.INPUT,
            cause,
            written.header,
            type=plain,
            nonnull=self._setting(written, "nullable") is False,
            domain=domain if len(domain) > 1 else (),
            key=("var", name),
        )

    def _setting(self, written: Written, name: str) -> object:
        found = written.attribute(name)
        return None if found is None else self.evaluate(found[0], self.scope(found[1])).data

    def _type(self, written: Written) -> types.Type | None:
        found = written.attribute("type")
        return None if found is None or found[0].damaged else types.parse_type(found[0].expr)

    def _typed(self, value: Value, written: Written) -> Value:
        type_ = self._type(written)
        if type_ is None:
            return value
        scope = self.scope(written.source)
        return types.convert(value, type_, lambda expr: self.tree.evaluator.evaluate(expr, scope), self.object_of)

    # Resources and modules as values

    def expansion(self, mode: str, type_: str, name: str) -> Expansion:
        """The instances of a resource, data or module block."""
        key = (mode, type_, name)
        found = self._expansions.get(key)
        if found is None:
            table = {"resource": self.files.resources, "data": self.files.data}
            written = self.files.modules[name] if mode == "module" else table[mode][(type_, name)]
            busy = (mode, f"{type_}.{name}")
            if busy in self._busy:
                cycle = Unknown(Reason.ERROR, f"{type_}.{name} refers to itself", written.header)
                return Expansion("count", (), cycle)
            self._busy.add(busy)
            try:
                found = expand(written, self, self.tree.note)
            finally:
                self._busy.discard(busy)
            self._expansions[key] = found
            self._declare(mode, type_, name, written, found)
        return found

    def address(self, mode: str, type_: str, name: str) -> str:
        """The address without an instance key."""
        if mode == "module":
            return f"{self.prefix}module.{name}"
        return f"{self.prefix}{'data.' if mode == 'data' else ''}{type_}.{name}"

    def _declare(self, mode: str, type_: str, name: str, written: Written, found: Expansion) -> None:
        base = self.address(mode, type_, name)
        for instance in found.instances:
            if mode == "module":
                self._declare_module(base + instance.suffix, name, written, instance)
            else:
                self.tree.declared[base + instance.suffix] = Declared(self, written, instance, mode, type_)

    def reference(self, mode: str, type_: str, name: str) -> Value:
        """The value of a reference to a whole resource, data source or module."""
        found = self._references.get((mode, type_, name))
        if found is None:
            found = self._reference(mode, type_, name)
            if self._expansions.get((mode, type_, name)) is not None:
                self._references[mode, type_, name] = found
        return found

    def _reference(self, mode: str, type_: str, name: str) -> Value:
        base = self.address(mode, type_, name)
        found = self.expansion(mode, type_, name)
        items = [(instance, self._stands_for(base + instance.suffix, mode)) for instance in found.instances]
        if found.kind == "single":
            return items[0][1] if items else unknown(Reason.ERROR, f"{base} refers to itself")
        ident = Ident(base, "*")
        doubt = found.open or next((one.conditional for one in found.instances if one.conditional is not None), None)
        sure = [(instance, value) for instance, value in items if instance.conditional is None]
        if found.kind == "count":
            return Value(ListData(tuple([value for _, value in sure]), doubt), None, ident=ident)
        fields = {str(instance.key): value for instance, value in sure if instance.key is not None}
        return Value(ObjectData(fields, doubt), None, ident=ident)

    def _stands_for(self, address: str, mode: str) -> Value:
        reason = {"resource": Reason.COMPUTED, "data": Reason.DATA, "module": Reason.COMPUTED}[mode]
        ident = Ident(address, "")
        return Value(Unknown(reason, address, type="object", nonnull=True, key=ident), None, ident=ident)

    def element(self, value: Value, key: Value, place: Place) -> Value | None:
        """See evaluate.Names."""
        if value.ident is None or value.ident.attribute != "*":
            return None
        base, wanted = value.ident.address, known_text(key)
        if wanted is not None:
            for suffix in (f"[{wanted}]", f'["{wanted}"]'):
                if base + suffix in self.tree.declared or base + suffix in self.tree.modules:
                    return self._stands_for(base + suffix, _mode_of(base))
        if base + "[*]" in self.tree.declared or base + "[*]" in self.tree.modules:
            return self._stands_for(base + "[*]", _mode_of(base))
        return None

    def attribute(self, value: Value, name: str, place: Place) -> Value | None:
        """See evaluate.Names."""
        if value.ident is None or value.ident.attribute != "":
            return None
        address = value.ident.address
        if address in self.tree.modules:
            return self._output(address, name, place)
        declared = self.tree.declared.get(address)
        return None if declared is None else declared.module.member(address, declared, name, place)

    def member_of(self, address: str, name: str) -> Value | None:
        """The attribute of any declared resource or data instance of the tree; None where the address declares none."""
        declared = self.tree.declared.get(address)
        if declared is None:
            return None
        return declared.module.member(address, declared, name, declared.written.header)

    def member(self, address: str, declared: Declared, name: str, place: Place) -> Value:
        """The attribute of a resource or data instance of this module."""
        return self._once("member", f"{address}.{name}", place, lambda: self._member(address, declared, name))

    def _member(self, address: str, declared: Declared, name: str) -> Value:
        ident = Ident(address, name)
        view = self.view(declared.written, declared.instance)
        written = view.attribute(name)
        if written is not None and written.data is not None:
            return written._replace(ident=ident)
        if declared.mode == "data" and declared.type == "template_file" and name == "rendered":
            return self._rendered(view, declared)._replace(ident=ident)
        blocks = view.blocks(name)
        reason = Reason.DATA if declared.mode == "data" else Reason.COMPUTED
        if blocks.items or blocks.rest is not None:
            computed = Unknown(reason, f"{address}.{name}")
            items = tuple([paths.opened(block.as_value(), computed) for block in blocks.items])
            return Value(ListData(items, blocks.rest), view.header)
        certain = name == "id"
        return Value(
            Unknown(
                reason,
                f"{address}.{name}",
                None,
                type="string" if certain else None,
                nonnull=certain,
                nonempty=certain,
                key=ident,
            ),
            None,
            ident=ident,
        )

    def _rendered(self, view: BodyView, declared: Declared) -> Value:
        """The text of a `template_file`, which the provider makes as `templatefile()` does
        (https://registry.terraform.io/providers/hashicorp/template/latest/docs/data-sources/file)."""
        template, variables = view.attribute("template"), view.attribute("vars")
        given = ObjectData({}) if variables is None or variables.data is None else variables.data
        if template is None or not isinstance(template.data, str):
            return Value((template.unknown if template is not None else None) or _unread(declared), view.header)
        if not isinstance(given, ObjectData) or given.rest is not None:
            return Value(
                (first_unknown(variables) if variables is not None else None) or _unread(declared), view.header
            )
        scope = self.scope(declared.written.source)
        return self.tree.evaluator.rendered(template, given.fields, scope, declared.written.header)

    def view(self, written: Written, instance: Instance) -> BodyView:
        """The body of a block with the loop variables of an instance."""
        return BodyView.of_block(written, self.scope(written.source, instance.frames), self)

    def object_of(self, value: Value) -> Value:
        """A value that stands for a resource as an object: what is written, and the rest unknown."""
        if value.ident is None or value.ident.attribute != "":
            return value
        declared = self.tree.declared.get(value.ident.address)
        why = value.unknown or Unknown(Reason.COMPUTED, value.ident.address)
        if declared is None:
            return value
        names = {
            name for layer in (declared.written, *declared.written.overrides) for name in layer.block.body.attributes
        }
        here = Place(declared.written.source, declared.written.block.start, declared.written.block.header_end)
        fields = {
            name: declared.module.member(value.ident.address, declared, name, here) for name in sorted(names | {"id"})
        }
        return value._replace(data=ObjectData(fields, why))

    # Modules

    def _module(self, name: str, place: Place) -> Value:
        if name not in self.files.modules:
            return unknown(Reason.ERROR, f"module.{name} is not declared", place)
        return self.reference("module", "module", name)

    def _declare_module(self, address: str, name: str, written: Written, instance: Instance) -> None:
        tree = self.tree
        directory = self._directory(name, written)
        passed = "" if directory is None else tree.full(self.depth)
        if passed:
            tree.note("limit", f"{passed}: the rest is not read", written.header)
        if directory is None or passed:
            tree.modules[address] = None
            return
        tree.modules[address] = ModuleInstance(
            tree,
            tree.parse(directory),
            prefix=address + ".",
            key=f"{self.key}.{name}".lstrip("."),
            call=written,
            caller=self.scope(written.source, instance.frames),
            conditional=instance.conditional or self.conditional,
            depth=self.depth + 1,
        )

    def _directory(self, name: str, written: Written) -> str | None:
        found = written.attribute("source")
        value = self.evaluate(found[0], self.scope(found[1])) if found is not None else None
        source = value.data if value is not None else None
        if not isinstance(source, str):
            self.tree.note("module", f"module {name!r} has no readable source", written.header)
            return None
        if source.startswith(("./", "../")) or source in (".", ".."):
            directory = join(self.files.directory, source)
        else:
            directory = self.tree.registry.get(f"{self.key}.{name}".lstrip("."), "")
        try:
            if directory and any(
                entry.name.endswith((".tf", ".tofu", ".tf.json")) for entry in self.tree.reader.list(directory)
            ):
                return directory
        except InputError:
            pass
        self.tree.note(
            "module",
            f"module source {source!r} is not available: run terraform init, or scan where it is",
            written.header,
        )
        return None

    def _output(self, address: str, name: str, place: Place) -> Value:
        module = self.tree.modules[address]
        if module is None:
            cause = f"output {name!r} of {address}, whose source is not available"
            return unknown(Reason.MODULE, cause, place, key=Ident(address, name))
        return module.output(name, place, address)

    def output(self, name: str, place: Place, address: str) -> Value:
        """The value of an output of this instance."""
        written = self.files.outputs.get(name)
        if written is None:
            why = Reason.SYNTAX if self.files.damaged is not None else Reason.ERROR
            return unknown(why, f"{address} has no output {name!r}", place, key=Ident(address, name))
        found = written.attribute("value")
        if found is None:
            return unknown(Reason.ERROR, f"output {name!r} of {address} has no value", place)
        scope = self.scope(found[1])
        value = self._once("output", name, place, lambda: self.evaluate(found[0], scope))
        return value.via("output", f"{address}.{name}", scope.place(found[0].expr))

    def children(self) -> Iterator[ModuleInstance]:
        """The module instances that this one calls, in the order of the text."""
        for name in self.files.modules:
            base = self.address("module", "module", name)
            for instance in self.expansion("module", "module", name).instances:
                child = self.tree.modules.get(base + instance.suffix)
                if child is not None:
                    yield child

    def call_context(self, place: Place) -> functions.CallContext:
        """See evaluate.Names."""
        reader = self.tree.reader
        return functions.CallContext(place, reader.read, self.tree.root, reader.list)


def _unread(declared: Declared) -> Unknown:
    return Unknown(Reason.DATA, f"data.{declared.type}", declared.written.header)


def _mode_of(base: str) -> str:
    last = base.split(".")
    if len(last) >= 2 and last[-2] == "module":
        return "module"
    return "data" if len(last) >= 3 and last[-3] == "data" else "resource"
