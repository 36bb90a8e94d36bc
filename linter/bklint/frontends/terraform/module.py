"""One module directory: its `.tf` files read, merged and indexed, before anything is evaluated.

Override files (`override.tf`, `*_override.tf`, and their JSON forms) are merged into the blocks they name
(https://developer.hashicorp.com/terraform/language/files/override). A `.tofu` file hides the `.tf` file of the same name
(https://opentofu.org/docs/language/files/). The one fact a reader would not guess: a directory is parsed once however
often it is called, so nothing here may depend on a caller.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple, TypeVar

from bklint.errors import InputError
from bklint.files import Reader, join
from bklint.model.inventory import Note, Problem
from bklint.source import Place, Source
from bklint.syntax import hcl, json
from bklint.syntax.node import Attribute, Block, Body, Literal

Key = TypeVar("Key")
ENDINGS = (".tf", ".tofu", ".tf.json", ".tofu.json")
MAX_PROBLEMS = 20
"""Most syntax errors of one file that are told."""


class Written(NamedTuple):
    """A block, the file it stands in, and the blocks of override files that change it, in the order they apply."""

    block: Block
    source: Source
    overrides: tuple[Written, ...] = ()

    @property
    def header(self) -> Place:
        """The text that names the block: `resource "azurerm_managed_disk" "data"`."""
        return Place(self.source, self.block.start, self.block.header_end)

    def attribute(self, name: str) -> tuple[Attribute, Source] | None:
        """The attribute directly in the block, the last override first, and the file it stands in."""
        for layer in (*reversed(self.overrides), self):
            found = layer.block.body.attributes.get(name)
            if found is not None:
                return found, layer.source
        return None


class Local(NamedTuple):
    """One member of a `locals` block."""

    attribute: Attribute
    source: Source


class ModuleFiles:
    """What a directory declares. Dictionaries are in the order of the files' names and of the text in them."""

    __slots__ = (
        "damaged",
        "data",
        "directory",
        "locals",
        "modules",
        "moved",
        "outputs",
        "problems",
        "providers",
        "removed",
        "resources",
        "sources",
        "terraform",
        "variables",
    )

    def __init__(self, directory: str) -> None:
        self.directory = directory
        self.sources: list[Source] = []
        self.problems: list[Problem] = []
        self.damaged: Place | None = None
        self.variables: dict[str, Written] = {}
        self.locals: dict[str, Local] = {}
        self.resources: dict[tuple[str, str], Written] = {}
        self.data: dict[tuple[str, str], Written] = {}
        self.modules: dict[str, Written] = {}
        self.outputs: dict[str, Written] = {}
        self.providers: list[Written] = []
        self.terraform: list[Written] = []
        self.moved: list[tuple[str, str]] = []
        self.removed: list[str] = []


def read_module(directory: str, reader: Reader) -> ModuleFiles:
    """Read a directory. Files that cannot be read or parsed are in `problems`; the others count all the same."""
    files = ModuleFiles(directory)
    names = [entry.name for entry in reader.list(directory) if not entry.directory]
    for name in sorted(_active(names), key=lambda name: (_is_override(name), name)):
        path = join(directory, name)
        try:
            source = Source.of(path, reader.read(path))
            parsed = hcl.parse_json(source) if name.endswith(".json") else hcl.parse(source)
        except InputError as error:
            files.problems.append(Problem(path, error.message, _problem_place(path, reader, error)))
            files.damaged = files.damaged or Place(Source(path, b""), 0, 0)
            continue
        files.sources.append(source)
        for problem in parsed.problems[:MAX_PROBLEMS]:
            place = Place(source, problem.start, problem.end)
            files.problems.append(Problem(path, problem.message, place))
            files.damaged = files.damaged or place
        _index(files, parsed.body, source, _is_override(name))
    return files


def _problem_place(path: str, reader: Reader, error: InputError) -> Place | None:
    if error.offset is None:
        return None
    raw = Source(path, reader.read(path))
    return Place.at(raw, error.offset)


def _active(names: list[str]) -> Iterator[str]:
    tofu = {name for name in names if name.endswith((".tofu", ".tofu.json"))}
    for name in names:
        if not name.endswith(ENDINGS) or name.startswith((".", "#")) or name.endswith("~"):
            continue
        if name.endswith((".tf", ".tf.json")) and name.replace(".tf", ".tofu") in tofu:
            continue
        yield name


def _is_override(name: str) -> bool:
    stem = name.partition(".")[0]
    return stem == "override" or stem.endswith("_override")


def _index(files: ModuleFiles, body: Body, source: Source, override: bool) -> None:
    for block in body.blocks:
        written = Written(block, source)
        first = block.labels[0] if block.labels else ""
        if block.type == "locals":
            for name, attribute in block.body.attributes.items():
                if override or name not in files.locals:
                    files.locals[name] = Local(attribute, source)
        elif block.type in ("resource", "data") and len(block.labels) == 2:
            table = files.resources if block.type == "resource" else files.data
            _put(table, (first, block.labels[1]), written, override)
        elif block.type == "variable" and block.labels:
            _put(files.variables, first, written, override)
        elif block.type == "module" and block.labels:
            _put(files.modules, first, written, override)
        elif block.type == "output" and block.labels:
            _put(files.outputs, first, written, override)
        elif block.type == "provider" and block.labels:
            files.providers.append(written)
        elif block.type == "terraform":
            files.terraform.append(written)
        elif block.type == "moved":
            files.moved.append((_address(written, "from"), _address(written, "to")))
        elif block.type == "removed" and not _destroys(block):
            files.removed.append(_address(written, "from"))


def _put(table: dict[Key, Written], key: Key, written: Written, override: bool) -> None:
    known = table.get(key)
    if known is None:
        table[key] = written
    elif override:
        table[key] = known._replace(overrides=(*known.overrides, written))


def _address(written: Written, name: str) -> str:
    """The address that an attribute of a `moved` or `removed` block names, as written but for blanks."""
    found = written.attribute(name)
    return "" if found is None else "".join(found[1].text(found[0].expr.start, found[0].expr.end).split())


def _destroys(block: Block) -> bool:
    """Whether a `removed` block lets the resource be destroyed, which is what happens where it says nothing."""
    for inner in block.body.blocks:
        destroy = inner.body.attributes.get("destroy") if inner.type == "lifecycle" else None
        if destroy is not None and isinstance(destroy.expr, Literal) and destroy.expr.value is False:
            return False
    return True


def local_calls(files: ModuleFiles) -> Iterator[tuple[str, str]]:
    """The module blocks whose source is a directory beside the module: name and directory."""
    for name, written in files.modules.items():
        found = written.attribute("source")
        source = found[0].expr.value if found is not None and isinstance(found[0].expr, Literal) else None
        if isinstance(source, str) and (source.startswith(("./", "../")) or source in (".", "..")):
            yield name, join(files.directory, source)


def installed(root: str, reader: Reader, notes: list[Note]) -> dict[str, str]:
    """The directories that `terraform init` installed modules in, by the key of the call (`app`, `app.inner`)."""
    path = join(root, ".terraform/modules/modules.json")
    if not reader.is_file(path):
        return {}
    try:
        data = json.parse(Source.of(path, reader.read(path))).data
    except InputError as error:
        notes.append(Note("module", f"{path}: {error.message}", Place(Source(path, b""), 0, 0)))
        return {}
    entries = data.get("Modules", []) if isinstance(data, dict) else []
    return {
        entry["Key"]: join(root, entry["Dir"])
        for entry in entries
        if isinstance(entry, dict) and isinstance(entry.get("Key"), str) and isinstance(entry.get("Dir"), str)
    }
