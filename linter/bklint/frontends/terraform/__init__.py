"""Terraform and OpenTofu configurations to worlds of resources.

A directory with `.tf` files is a root unless another one in the scan calls it as a local module: then it is judged
through its callers, with their arguments.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping

from bklint.files import Reader
from bklint.frontends import Options, Root
from bklint.frontends.terraform.evaluate import Evaluator
from bklint.frontends.terraform.inputs import Context, RootInputs, VarsFile, always, contexts, read_vars
from bklint.frontends.terraform.instance import ModuleInstance, Tree
from bklint.frontends.terraform.lower import lower_tree
from bklint.frontends.terraform.module import ModuleFiles, installed, local_calls, read_module
from bklint.model.inventory import Inventory, Note, World
from bklint.model.value import Reason, Unknown, Value

__all__ = ["TerraformRoot", "roots"]


def roots(paths: tuple[str, ...], reader: Reader, options: Options, inventory: Inventory) -> Iterator[Root]:
    """One root for each of the directories that no other one calls, in order."""
    parse = _Parsed(reader, inventory)
    modules = {path: parse(path) for path in paths}
    called = {target for files in modules.values() for _, target in local_calls(files) if target != files.directory}
    for path, files in modules.items():
        if path in called and not _only_by_itself(path, modules):
            continue
        if not _mentions_azure(files, parse, set()):
            inventory.notes.append(Note("skipped", f"{path}: no Azure resources", strict=False))
            continue
        yield TerraformRoot(path, files, reader, options, inventory, parse)


class _Parsed:
    """Directories parsed once; the problems of each are reported once."""

    def __init__(self, reader: Reader, inventory: Inventory) -> None:
        self._reader = reader
        self._inventory = inventory
        self._known: dict[str, ModuleFiles] = {}

    def __call__(self, directory: str) -> ModuleFiles:
        found = self._known.get(directory)
        if found is None:
            found = self._known[directory] = read_module(directory, self._reader)
            self._inventory.problems.extend(found.problems)
        return found


def _only_by_itself(path: str, modules: Mapping[str, ModuleFiles]) -> bool:
    """Whether a called directory is reached from no root: a ring of calls, which would otherwise be judged by nobody."""
    callers = {name: {target for _, target in local_calls(files)} for name, files in modules.items()}
    seen, pending = {path}, [path]
    while pending:
        target = pending.pop()
        for name, targets in callers.items():
            if target in targets and name not in seen:
                seen.add(name)
                pending.append(name)
    called = {target for name in seen for target in callers[name]}
    return path == min(seen) if seen <= called else False


def _mentions_azure(files: ModuleFiles, parse: Callable[[str], ModuleFiles], seen: set[str]) -> bool:
    pending = [files]
    while pending:
        one = pending.pop()
        if one.directory in seen:
            continue
        seen.add(one.directory)
        if (
            any(type_.startswith(("azurerm_", "azapi_")) for type_, _ in (*one.resources, *one.data))
            or one.damaged is not None
        ):
            return True
        if any(True for _ in one.modules) and not list(local_calls(one)):
            return True
        pending.extend(parse(target) for _, target in local_calls(one))
    return False


class TerraformRoot:
    """One root module. Implements `frontends.Root`."""

    def __init__(
        self,
        path: str,
        files: ModuleFiles,
        reader: Reader,
        options: Options,
        inventory: Inventory,
        parse: Callable[[str], ModuleFiles],
    ) -> None:
        self.path = path
        self._files = files
        self._reader = reader
        self._options = options
        self._inventory = inventory
        self._parse = parse
        self._contexts = contexts(path, reader, options, set(files.variables))
        self._always = always(path, reader)
        self._read: dict[str, VarsFile] = {}
        self._installed: dict[str, str] | None = None

    @property
    def contexts(self) -> tuple[str, ...]:
        """See Root."""
        return tuple(context.label for context in self._contexts)

    def lower(self, context: str, assume: Mapping[str, object]) -> World:
        """See Root."""
        chosen = next(one for one in self._contexts if one.label == context)
        world = World(self.path, "terraform", context)
        tree = Tree(
            reader=self._reader,
            root=self.path,
            parse=self._parse,
            inputs=self._inputs(chosen, assume),
            registry=self._registry() if self._files.modules else {},
            evaluator=Evaluator(),
            declared={},
            modules={},
            notes={},
            splits={},
        )
        world.closing.append(tree.close)
        lower_tree(ModuleInstance(tree, self._files), world)
        world.notes.extend(tree.notes.values())
        world.inputs.update(tree.splits)
        world.splits = tuple(f"{cause} = {value}" for cause, value in assume.items())
        if tree.damaged is not None:
            world.open = Unknown(Reason.SYNTAX, f"a syntax error in {tree.damaged.source.name}", tree.damaged)
        return world

    def _inputs(self, context: Context, assume: Mapping[str, object]) -> RootInputs:
        files = [self._vars(path) for path in (*self._always, *context.files)]
        assumed = {}
        for cause, choice in assume.items():
            written = self._files.variables.get(cause.removeprefix("var."))
            place = written.header if written is not None else None
            assert choice is None or isinstance(choice, (str, int, float, bool))
            assumed[cause] = Value(choice, place).via("variable", cause, place)
        return RootInputs(files, dict(self._options.variables), assumed)

    def _vars(self, path: str) -> VarsFile:
        """A variables file, read once for all worlds; so its problems are reported once."""
        found = self._read.get(path)
        if found is None:
            found = self._read[path] = read_vars(path, self._reader, self._inventory.problems)
        return found

    def _registry(self) -> dict[str, str]:
        """See `installed`; read once for all worlds."""
        if self._installed is None:
            self._installed = installed(self.path, self._reader, self._inventory.notes)
        return self._installed
