"""The input contexts of a root module: which variables files apply together, and the values they give.

`terraform.tfvars` and `*.auto.tfvars` always apply (https://developer.hashicorp.com/terraform/language/values/variables).
Other `.tfvars` files of one folder that assign disjoint variables are parts of one context; files that assign a common
variable are alternatives, one context each, and so are folders. Folders are searched down to the next one that holds a
module of its own. `--var-file` replaces what is found; `--var` wins over everything.
"""

from __future__ import annotations

import posixpath
import re

from bklint import limits
from bklint.errors import InputError
from bklint.files import Reader, join
from bklint.frontends import Options
from bklint.frontends.terraform import types
from bklint.frontends.terraform.evaluate import constant
from bklint.frontends.terraform.module import Written
from bklint.model.inventory import Problem
from bklint.model.value import ListData, ObjectData, Reason, Scalar, Unknown, Value, unknown
from bklint.records import dataclass, field
from bklint.source import Place, Source
from bklint.syntax import hcl
from bklint.syntax.node import Attribute, Call, Expr, GetAttr, Literal, Name, TupleExpr

ENDINGS = (".tfvars", ".tfvars.json")
MAX_DEPTH = 4
"""Most directories below a root in which its files of values are looked for."""

PLACEHOLDER = re.compile(r"\$\([\w.\-]+\)|#\{[^{}]+\}#|__[A-Za-z][\w.]*__|<[A-Za-z][\w \-]*>|\$\{[A-Z][A-Z0-9_]*\}")
"""Text that a pipeline replaces before deployment: Azure DevOps `$(Var)`, `#{Var}#`, `__Var__`, `<text>`, azd `${VAR}`."""


@dataclass(slots=True)
class VarsFile:
    """One variables file as read."""

    path: str
    source: Source
    attributes: dict[str, Attribute]
    damaged: bool


@dataclass(frozen=True, slots=True)
class Context:
    """Files that apply together; `label` tells alternatives apart and is empty where there is only one."""

    label: str
    files: tuple[str, ...]


@dataclass(slots=True)
class RootInputs:
    """The values given to a root module's variables. Later files win, `texts` (`--var`) over all, `assumed` are trials."""

    files: list[VarsFile] = field(default_factory=list)
    texts: dict[str, str] = field(default_factory=dict)
    assumed: dict[str, Value] = field(default_factory=dict)

    def value(self, name: str, type_: types.Type | None) -> Value | None:
        """The value given to a variable, or None."""
        if name in self.texts:
            return _from_text(name, self.texts[name], type_)
        for file in reversed(self.files):
            attribute = file.attributes.get(name)
            if attribute is not None:
                return _from_file(name, attribute, file)
        if any(file.damaged for file in self.files):
            broken = next(file for file in self.files if file.damaged)
            return unknown(Reason.SYNTAX, f"a syntax error in {broken.path}", Place(broken.source, 0, 0))
        return self.assumed.get(f"var.{name}")


def _from_file(name: str, attribute: Attribute, file: VarsFile) -> Value:
    place = Place(file.source, attribute.expr.start, attribute.expr.end)
    if attribute.damaged:
        return unknown(Reason.SYNTAX, f"a syntax error near {name}", place)
    value = constant(attribute.expr, file.source)
    return placeholders(value, f"var.{name}").via("tfvars", f"var.{name}", place)


def placeholders(value: Value, label: str) -> Value:
    """The value with every text that a pipeline fills in made unknown."""
    data = value.data
    if isinstance(data, str) and PLACEHOLDER.search(data):
        why = Unknown(
            Reason.PLACEHOLDER,
            f"placeholder in {label}",
            value.place,
            nonnull=True,
            nonempty=True,
            key=("placeholder", data),
        )
        return value._replace(data=why)
    if isinstance(data, ListData):
        return value._replace(data=ListData(tuple([placeholders(item, label) for item in data.items]), data.rest))
    if isinstance(data, ObjectData):
        fields = {key: placeholders(member, label) for key, member in data.fields.items()}
        return value._replace(data=ObjectData(fields, data.rest, data.keys))
    return value


def _from_text(name: str, text: str, type_: types.Type | None) -> Value:
    """A `--var` text: itself for a string variable, an expression for the others, as Terraform reads it."""
    source = Source(f"--var {name}", text.encode())
    whole = Place(source, 0, len(source.data))
    if type_ is None or type_.kind in ("string", "any"):
        return Value(text, whole).via("tfvars", f"var.{name}", whole)
    value = constant(hcl.parse_expression(source), source)
    if value.unknown is not None and value.unknown.is_error:
        value = Value(text, whole)
    return value.via("tfvars", f"var.{name}", whole)


def read_vars(path: str, reader: Reader, problems: list[Problem]) -> VarsFile:
    """Read a variables file; what is wrong with it goes to `problems`."""
    try:
        source = Source.of(path, reader.read(path))
        parsed = hcl.parse_json(source) if path.endswith(".json") else hcl.parse(source)
    except InputError as error:
        problems.append(Problem(path, error.message))
        return VarsFile(path, Source(path, b""), {}, True)
    for problem in parsed.problems:
        problems.append(Problem(path, problem.message, Place(source, problem.start, problem.end)))
    return VarsFile(path, source, parsed.body.attributes, bool(parsed.problems))


def always(directory: str, reader: Reader) -> list[str]:
    """The variables files that apply in every context, in the order in which later ones win."""
    names = [entry.name for entry in reader.list(directory) if not entry.directory]
    first = [name for name in ("terraform.tfvars", "terraform.tfvars.json") if name in names]
    auto = sorted(name for name in names if name.endswith((".auto.tfvars", ".auto.tfvars.json")))
    return [join(directory, name) for name in (*first, *auto)]


def contexts(directory: str, reader: Reader, options: Options, declared: set[str]) -> list[Context]:
    """The alternatives among the variables files of a root module; at least one."""
    if options.var_files:
        return [Context("", tuple(options.var_files))]
    named = [Context(each.label, each.var_files) for each in options.named(directory) if each.var_files]
    if named:
        return named if len(named) > 1 else [Context("", named[0].files)]
    found: list[Context] = []
    for files in _folders(directory, reader, 0):
        assigned = [(path, set(read_vars(path, reader, []).attributes)) for path in files]
        mine = [(path, names) for path, names in assigned if names & declared or not names]
        for group in _groups(mine):
            found.append(Context(", ".join(posixpath.relpath(path, directory) for path in group), tuple(group)))
    most = limits.value("contexts")
    if len(found) > most:
        limits.hit("contexts", f"{len(found)} contexts of {directory}, of which the first {most} are judged")
        found = found[:most]
    if len(found) == 1:
        return [Context("", found[0].files)]
    return found or [Context("", ())]


def _folders(directory: str, reader: Reader, depth: int) -> list[list[str]]:
    entries = reader.list(directory)
    if depth and any(entry.name.endswith((".tf", ".tofu", ".tf.json")) for entry in entries):
        return []
    mine = [join(directory, entry.name) for entry in entries if not entry.directory and _alternative(entry.name, depth)]
    found = [mine] if mine else []
    for entry in entries:
        if (
            entry.directory
            and not entry.link
            and not entry.name.startswith(".")
            and depth < MAX_DEPTH
            and entry.name != "node_modules"
        ):
            found.extend(_folders(join(directory, entry.name), reader, depth + 1))
    return found


def _alternative(name: str, depth: int) -> bool:
    if not name.endswith(ENDINGS):
        return False
    return depth > 0 or not (name.startswith("terraform.tfvars") or ".auto.tfvars" in name)


def _groups(files: list[tuple[str, set[str]]]) -> list[list[str]]:
    """Disjoint files together, competing ones apart."""
    everything: set[str] = set()
    for _, names in files:
        if everything & names:
            return [[path] for path, _ in files]
        everything |= names
    return [[path for path, _ in files]] if files else []


def validation_domain(written: Written, name: str) -> tuple[Scalar, ...]:
    """The values that `validation { condition = contains([…], var.name) }` allows, where it is written so."""
    for block in written.block.body.blocks:
        condition = block.body.attributes.get("condition") if block.type == "validation" else None
        if condition is not None and not condition.damaged:
            found = _allowed(condition.expr, name)
            if found:
                return found
    return ()


def _allowed(expr: Expr, name: str) -> tuple[Scalar, ...]:
    if not (isinstance(expr, Call) and expr.name == "contains" and len(expr.args) == 2):
        return ()
    listed, subject = expr.args
    is_it = (
        isinstance(subject, GetAttr)
        and subject.name == name
        and isinstance(subject.target, Name)
        and subject.target.name == "var"
    )
    if not is_it or not isinstance(listed, TupleExpr):
        return ()
    literals = [item for item in listed.items if isinstance(item, Literal)]
    return tuple(item.value for item in literals) if len(literals) == len(listed.items) <= 16 else ()
