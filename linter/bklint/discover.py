"""Paths given by the user into inputs by dialect: Terraform directories, ARM templates, parameter files.

Endings decide for Terraform and Bicep; JSON and YAML are decided by their own content, never by their name. Only the
member names of the outermost levels are looked at, and only where a cheap search finds a word that one of the dialects
must hold, so `package.json` costs one search and is never an error.
"""

from __future__ import annotations

import json
import posixpath
import re
from collections.abc import Callable, Collection, Iterable, Iterator
from typing import NamedTuple

from bklint import limits
from bklint.errors import InputError
from bklint.files import Reader, join, normalise
from bklint.model.inventory import Note, Problem
from bklint.records import dataclass, field
from bklint.source import Source, utf8

TERRAFORM = (".tf", ".tf.json", ".tofu", ".tofu.json")
VARIABLES = (".tfvars", ".tfvars.json")
BICEP = (".bicep", ".bicepparam")
BICEP_MODES = ("build", "restore", "off")
"""What is done with Bicep files that have no compiled twin."""
JSON = (".json", ".jsonc")
YAML = (".yaml", ".yml")

SKIPPED_DIRECTORIES = frozenset({"node_modules", "__pycache__", "site-packages", "bower_components"})
"""Directories that hold other people's code. Hidden ones (`.git`, `.terraform`, `.venv`) are skipped as well."""

HEAD = 4096
"""Bytes of a JSON file that are looked at first; nearly every template names its schema there."""

SNIFFED = 1 << 20
"""Bytes that are looked at where the head holds a telling word but decides nothing."""

MODULE = re.compile(rb"^[ \t]*(?:module[ \t]+\w+|using)[ \t]+'([^':\r\n]+\.bicep)'", re.MULTILINE)

_NOT_READ = {
    "plan": "Terraform plan: not read yet; scan the configuration it was made from",
    "nsg": "export of a network security group: not read yet",
}


@dataclass(slots=True)
class Inputs:
    """What there is to scan. `roots` maps a dialect to directories (terraform) or files; `files` counts the files of
    each dialect; `skipped` are JSON and YAML files that claim none; `listing` is every file with what it was taken for."""

    roots: dict[str, list[str]] = field(default_factory=dict)
    files: dict[str, int] = field(default_factory=dict)
    skipped: list[str] = field(default_factory=list)
    notes: list[Note] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)
    listing: list[tuple[str, str]] = field(default_factory=list)
    uncompiled: list[str] = field(default_factory=list)
    """Bicep files without a compiled template beside them, which a note says."""


Excluded = Callable[[str, bool], bool]
"""Whether a path (and whether it is a directory) is to be passed over."""


class GuestFiles(NamedTuple):
    """What tells files that a machine runs or reads: `name`, whether one of that name may be; `content`, whether it is,
    by its path and beginning. They belong to a front-end, which this module does not know."""

    name: Callable[[str], bool]
    content: Callable[[str, bytes], bool]


def discover(
    paths: Iterable[str],
    reader: Reader,
    dialects: Collection[str],
    excluded: Excluded = lambda path, directory: False,
    guest: GuestFiles | None = None,
) -> Inputs:
    """The inputs below `paths` (directories and files). `dialects` are those that have a front-end; what belongs to
    another one is noted as not read. `excluded` is asked of what is met in directories, not of what was named. Without
    `guest`, files that machines run or read are passed over."""
    search = _Search(reader, dialects, excluded, guest)
    for path in paths:
        search.given(normalise(path))
    return search.finish()


class _Search:
    """The walk over the paths given, and what it has found so far."""

    def __init__(self, reader: Reader, dialects: Collection[str], excluded: Excluded, guest: GuestFiles | None) -> None:
        self._reader = reader
        self._dialects = dialects
        self._excluded = excluded
        self._guest = guest
        self._found: dict[str, str] = {}
        self._inputs = Inputs()
        self._full = False
        self._depth, self._files = limits.value("directory_depth"), limits.value("files")

    def given(self, path: str) -> None:
        """Take a directory or file that the user named."""
        if self._reader.is_file(path):
            self._named(path)
            return
        try:
            self._reader.list(path)
        except InputError as error:
            self._inputs.problems.append(Problem(path, error.message))
            return
        self._walk(path)

    def _walk(self, top: str) -> None:
        pending = [(top, 0)]
        while pending and not self._full:
            directory, depth = pending.pop()
            below: list[tuple[str, int]] = []
            for name, is_directory, link in self._members(directory):
                path = name if directory == "." else join(directory, name)
                if is_directory:
                    if not link and _looked_into(name) and not self._excluded(path, True):
                        below.append((path, depth + 1))
                elif (
                    not name.startswith(".")
                    and (by_name(path) or self._guest_name(path))
                    and not self._excluded(path, False)
                ):
                    self._met(path)
            if below and depth >= self._depth:
                what = f"directories nested deeper than {self._depth} are not looked into"
                self._inputs.notes.append(Note("limit", f"{what} ({limits.told('directory_depth')})", path=directory))
            else:
                pending.extend(reversed(below))

    def _members(self, directory: str) -> tuple[tuple[str, bool, bool], ...]:
        try:
            members = self._reader.list(directory)
        except InputError as error:
            self._note("unreadable", f"{directory}: {error.message}")
            return ()
        return () if any(member.name == "pyvenv.cfg" for member in members) else members

    def _met(self, path: str) -> None:
        """Take a file that was met in a directory."""
        kind = by_name(path) or self._guest_name(path)
        if not kind or self._full or path in self._found:
            return
        if len(self._found) >= self._files:
            self._full = True
            what = f"more than {self._files} files: the rest is not looked at ({limits.told('files')})"
            self._inputs.notes.append(Note("limit", what, path=posixpath.dirname(path) or "."))
            return
        if kind in ("json", "yaml", "guest"):
            try:
                kind = self._sniff(path, kind)
            except InputError as error:
                kind = "unreadable"
                self._note("unreadable", f"{path}: {error.message}")
        if kind or by_name(path):
            self._found[path] = kind

    def _sniff(self, path: str, syntax: str) -> str:
        """What the content of a file claims to be. Raises InputError."""
        data = utf8(self._reader.head(path, SNIFFED))
        found = by_yaml(data) if syntax == "yaml" else "" if syntax == "guest" else by_content(data)
        return found or ("guest" if self._is_guest(path, data) else "")

    def _is_guest(self, path: str, data: bytes) -> bool:
        """Whether a file is one that a machine runs or reads, and that a policy on machines looks at."""
        return self._guest is not None and self._guest.content(path, data)

    def _guest_name(self, path: str) -> str:
        """`guest` for the name of a file that may be one that a machine runs or reads."""
        return "guest" if self._guest is not None and self._guest.name(path) else ""

    def _named(self, path: str) -> None:
        """Take a file that the user named: what cannot be used is said, and what cannot be read is a problem."""
        kind = by_name(path)
        try:
            if kind in ("json", "yaml", ""):
                kind = self._sniff(path, kind) or self._unclaimed(path, kind)
        except InputError as error:
            self._inputs.problems.append(Problem(path, error.message))
            kind = "unreadable"
        if kind == "tfvars" and not self._has_configuration(posixpath.dirname(path)):
            self._note("unclaimed", f"{path}: no Terraform configuration beside it; give its directory, or --var-file")
        if kind == "bicep":
            self._twin(path)
        self._found[path] = kind

    def _unclaimed(self, path: str, kind: str) -> str:
        """A named file of no dialect. Raises InputError where it should be JSON or YAML and is not."""
        if kind:
            _parse(Source.of(path, self._reader.read(path)), kind)
        self._note("unclaimed", f"{path}: of no dialect that bklint reads, so nothing in it is checked")
        return "unclaimed"

    def _twin(self, path: str) -> None:
        """Read the compiled template beside a Bicep file that was named."""
        for twin in twins(path):
            if self._reader.is_file(twin):
                self._met(twin)

    def _has_configuration(self, directory: str) -> bool:
        members = self._members(directory or ".")
        return any(by_name(name) == "terraform" for name, is_directory, _ in members if not is_directory)

    def finish(self) -> Inputs:
        """Everything found, sorted, with notes for what is not read."""
        inputs = self._inputs
        directories: dict[str, None] = {}
        for path, kind in sorted(self._found.items()):
            inputs.listing.append((path, kind or "skipped"))
            if not kind:
                inputs.skipped.append(path)
            elif kind in ("terraform", "tfvars", "parameters", *self._dialects):
                inputs.files[kind] = inputs.files.get(kind, 0) + 1
            if kind in ("terraform", "tfvars"):
                directories.setdefault(posixpath.dirname(path) or ".")
            elif kind in self._dialects:
                inputs.roots.setdefault(kind, []).append(path)
            elif kind in _NOT_READ:
                self._note(kind, f"{path}: {_NOT_READ[kind]}")
        configured = sorted(filter(self._has_configuration, directories))
        if "terraform" in self._dialects and configured:
            inputs.roots["terraform"] = configured
        self._not_compiled()
        self._counted("terragrunt", "Terragrunt file", "not read; scan the modules they call")
        return inputs

    def _not_compiled(self) -> None:
        for path, kind in self._found.items():
            made = "parameters" if path.endswith(".bicepparam") else "arm"
            if kind == "bicep" and any(self._found.get(twin) == made for twin in twins(path)):
                self._found[path] = "compiled"
        self._modules()
        self._inputs.uncompiled = sorted(path for path, kind in self._found.items() if kind == "bicep")
        self._inputs.notes.extend(uncompiled(self._inputs.uncompiled))

    def _modules(self) -> None:
        """Local modules of what is compiled are compiled into it."""
        pending = [path for path, kind in self._found.items() if kind == "compiled"]
        while pending:
            path = pending.pop()
            try:
                data = self._reader.head(path, SNIFFED)
            except InputError:
                continue
            for match in MODULE.finditer(data):
                module = join(posixpath.dirname(path) or ".", match[1].decode("utf-8", "replace"))
                if self._found.get(module) == "bicep":
                    self._found[module] = "compiled"
                    pending.append(module)

    def _counted(self, kind: str, noun: str, what: str) -> None:
        """One note for all files of a kind."""
        paths = sorted(path for path, its in self._found.items() if its == kind)
        self._inputs.notes.extend(of_kind(kind, paths, noun, what))

    def _note(self, kind: str, message: str) -> None:
        self._inputs.notes.append(Note(kind, message))


def of_kind(kind: str, paths: list[str], noun: str, what: str) -> list[Note]:
    """One note for all files of a kind; none for none."""
    named = ", ".join(paths[:3]) + (", …" if len(paths) > 3 else "")
    return [Note(kind, f"{len(paths)} {noun}{'' if len(paths) == 1 else 's'} ({named}): {what}")] if paths else []


def uncompiled(paths: list[str]) -> list[Note]:
    """The note that Bicep files are not checked."""
    what = "not checked, no compiled template beside them; compile with `bicep build`, or have `bicep` on PATH"
    return of_kind("bicep", paths, "Bicep file", what)


def _looked_into(name: str) -> bool:
    return not name.startswith(".") and name not in SKIPPED_DIRECTORIES


def twins(path: str) -> tuple[str, ...]:
    """Where the compiled form of a Bicep file may stand."""
    stem, ending = posixpath.splitext(path)
    return (stem + ".json", stem + ".parameters.json") if ending == ".bicepparam" else (stem + ".json",)


def by_name(path: str) -> str:
    """terraform, tfvars, bicep, terragrunt or json, by the ending of a file name; empty for anything else."""
    name = posixpath.basename(path)
    if name.endswith(TERRAFORM):
        return "" if name.startswith("#") or name.endswith("~") else "terraform"
    if name.endswith(VARIABLES):
        return "tfvars"
    if name.endswith(BICEP):
        return "bicep"
    if name == "terragrunt.hcl":
        return "terragrunt"
    if name.casefold().endswith(YAML):
        return "yaml"
    return "json" if name.casefold().endswith(JSON) else ""


def _parse(source: Source, syntax: str) -> None:
    """Raises InputError for a text that is not well-formed."""
    if syntax == "json":
        from bklint.syntax import json

        json.parse(source)
    else:
        from bklint.syntax import yaml

        yaml.parse(source)


# -- content -------------------------------------------------------------------------------------------------------

_TELLING = re.compile(
    rb"deploymenttemplate|deploymentparameters|contentversion|planned_values|resource_changes|securityrules"
    rb'|"direction"'
)
"""What is looked for in the text in lower case: to ignore case, `re` takes ten times as long."""
_SCHEMA = re.compile(rb'\s*\{\s*"\$schema"\s*:\s*"([^"\\]*)"')
"""The beginning of most templates and parameters files, which tells all there is to know."""
_TOKEN = re.compile(rb'"[^"\\]*(?:\\.[^"\\]*)*"|//[^\r\n]*|/\*.*?\*/|[{}\[\],:]', re.DOTALL)
_YAML_MEMBER = re.compile(rb"^(?:  |- |  - |    )?(\w+):[ \t]*([^\r\n]*)", re.MULTILINE)
_LEVELS = 4
"""Levels of members that are looked at: `value[0].properties.securityRules` is the deepest that tells anything."""


def by_content(data: bytes) -> str:
    """arm, parameters, plan or nsg, by the content of a JSON file; empty where it claims to be none of them."""
    first = _SCHEMA.match(data)
    if first is not None and (found := _claimed({"$schema": first[1].decode("utf-8", "replace")})):
        return found
    if _TELLING.search(data.lower()) is None:
        return ""
    return _claimed(members(data[:HEAD])) or (_claimed(members(data[:SNIFFED])) if len(data) > HEAD else "")


def by_yaml(data: bytes) -> str:
    """nsg, where a YAML file is what `az network … --output yaml` prints; else empty."""
    if _TELLING.search(data.lower()) is None and b"\n  direction:" not in data:
        return ""
    found: dict[str, str] = {}
    for match in _YAML_MEMBER.finditer(data, 0, SNIFFED):
        found.setdefault(match[1].decode().casefold(), match[2].decode("utf-8", "replace"))
    listed = data.startswith(b"- ") or b"\n- " in data
    if not listed or "destinationaddressprefix" not in found:
        found.pop("access", None)
    return "nsg" if _security_group(found, "") else ""


def _claimed(found: dict[str, str]) -> str:
    schema = found.get("$schema", "").casefold()
    if "deploymenttemplate" in schema:
        return "arm"
    if "deploymentparameters" in schema:
        return "parameters"
    if "resources" in found and "contentversion" in found:
        return "arm"
    changes = "planned_values" in found or "resource_changes" in found
    if changes and ("terraform_version" in found or "format_version" in found):
        return "plan"
    return "nsg" if any(_security_group(found, prefix) for prefix in ("", "[].", "value.[].")) else ""


def _security_group(found: dict[str, str], prefix: str) -> bool:
    """Whether the objects at `prefix` are security groups, rules or effective rules as the Azure CLI prints them."""

    def has(*names: str) -> bool:
        return all(prefix + name in found for name in names)

    type_ = found.get(prefix + "type", "").casefold()
    return (
        has("effectivesecurityrules")
        or has("defaultsecurityrules")
        or (has("securityrules") and "/networksecuritygroups/" in found.get(prefix + "id", "").casefold())
        or (has("properties.securityrules") and type_ == "microsoft.network/networksecuritygroups")
        or has("access", "direction", "priority", "protocol")
    )


def members(data: bytes) -> dict[str, str]:
    """The members of a JSON text down to four levels: path in lower case (`value.[].id`) to the text of a string, or
    to nothing for any other value. The text may be cut off, hold comments or be damaged."""
    try:
        whole = json.loads(data)
    except (ValueError, RecursionError):
        return _members_of_tokens(data)
    found: dict[str, str] = {}
    level = [("", whole)]
    for _ in range(_LEVELS):
        below: list[tuple[str, object]] = []
        for prefix, value in level:
            if isinstance(value, list):
                below.extend([(prefix + "[].", item) for item in value if isinstance(item, (dict, list))])
            elif isinstance(value, dict):
                for name, member in value.items():
                    path = prefix + name.casefold()
                    if isinstance(member, str):
                        found[path] = member
                        continue
                    found.setdefault(path, "")
                    if isinstance(member, (dict, list)):
                        below.append((path + ".", member))
        level = below
    return found


def _members_of_tokens(data: bytes) -> dict[str, str]:
    """The same, of a text that may be cut off, hold comments or be damaged."""
    found: dict[str, str] = {}
    open_: list[tuple[str, bool]] = []
    key, before = "", b""
    for token in _tokens(data):
        if token in (b"{", b"["):
            open_.append((_prefix(open_, key), token == b"["))
        elif token in (b"}", b"]"):
            del open_[-1:]
        elif token[:1] == b'"' and open_ and len(open_) <= _LEVELS and not open_[-1][1]:
            text = token[1:-1].decode("utf-8", "replace")
            if before in (b"{", b","):
                key = text.casefold()
                found.setdefault(open_[-1][0] + key, "")
            elif before == b":":
                found[open_[-1][0] + key] = text
        before = token
    return found


def _prefix(open_: list[tuple[str, bool]], key: str) -> str:
    """What the paths of the members of a container start with that opens now."""
    if not open_:
        return ""
    outer, in_list = open_[-1]
    return outer + ("[]." if in_list else key + ".")


def _tokens(data: bytes) -> Iterator[bytes]:
    for match in _TOKEN.finditer(data):
        token = match.group()
        if token[:1] != b"/":
            yield token
