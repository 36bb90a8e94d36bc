"""`.bklint.yaml`, or `[tool.bklint]` of `pyproject.toml`, into what a scan is to do.

The nearest file counts, in the directory of what is scanned or above it, up to the root of the repository; it is one
for the whole scan, and what is different in some directories stands in its `overrides`. Its paths are relative to its
own directory. What is wrong with it ends the run, with file, line and column.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Mapping, Sequence
from datetime import date, time
from functools import cache
from importlib import import_module
from typing import Any

from bklint import limits, packaged
from bklint.checking import Mistake, Pointer, mistakes
from bklint.errors import InputError, UsageError
from bklint.files import DiskReader, found_above
from bklint.patterns import Patterns
from bklint.records import dataclass, field
from bklint.source import Place, Source
from bklint.syntax.yaml import YamlDocument, parse

NAMES = (".bklint.yaml", ".bklint.yml", "pyproject.toml")
"""What the file may be called; of several in one directory the first counts."""

TFVARS = (".tfvars", ".tfvars.json")

MAX_BYTES = 1 << 20
"""Largest configuration that is read, in bytes; people write some thousand."""

MAX_DEPTH = 64
"""Deepest that a value of TOML may nest; the schema has five levels."""

_TABLE = re.compile(rb"^[ \t]*\[+[ \t]*tool[ \t]*\.[ \t]*[\"']?bklint\b", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Accepts:
    """Findings that are accepted: of policies, by the glob of an address, a path pattern, or both; through a day."""

    ids: tuple[str, ...]
    reason: str
    pointer: Pointer
    address: str = ""
    path: Patterns | None = None
    until: date | None = None


@dataclass(frozen=True, slots=True)
class Override:
    """What is different in some paths."""

    paths: Patterns
    pointer: Pointer
    ignore: tuple[str, ...] = ()
    severity: Mapping[str, str] = field(default_factory=dict)
    parameters: Mapping[str, object] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Named:
    """Files that give inputs together, for the roots in some paths."""

    roots: Patterns
    label: str
    var_files: tuple[str, ...]
    parameter_files: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Configuration:
    """What the file says; without a file, nothing. `directory` is absolute, `path` as displayed. What is None was not
    written, so that the command line's defaults count."""

    path: str = ""
    directory: str = ""
    select: tuple[str, ...] = ()
    ignore: tuple[str, ...] = ()
    accepts: tuple[Accepts, ...] = ()
    severity: Mapping[str, str] = field(default_factory=dict)
    parameters: Mapping[str, object] = field(default_factory=dict)
    overrides: tuple[Override, ...] = ()
    contexts: tuple[Named, ...] = ()
    exclude: Patterns = field(default_factory=lambda: Patterns(()))
    gitignore: bool = True
    policies: tuple[str, ...] = ()
    baseline: str | None = None
    protected_by_tag: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    edition: str | None = None
    complete: bool = False
    only_protected: bool = False
    location: str | None = None
    fail_on: str | None = None
    min_severity: str | None = None
    require_reason: bool = True
    limits: Mapping[str, int] = field(default_factory=dict)
    text: Text | None = None

    def relative(self, path: str) -> str:
        """A displayed path, relative to the directory of the file."""
        if not self.directory:
            return path
        found = os.path.relpath(path, self.directory)
        if found.startswith(".."):  # through a symbolic link
            found = os.path.relpath(os.path.realpath(path), self.directory)
        return found.replace(os.sep, "/")

    def excludes(self, path: str, directory: bool = False) -> bool:
        """Whether a path is not to be checked."""
        return bool(self.exclude) and self.exclude.cover(self.relative(path), directory)

    def overriding(self, path: str, directory: bool = False) -> Iterator[Override]:
        """The overrides for a path, the strongest last."""
        for each in self.overrides:
            if each.paths.cover(self.relative(path), directory):
                yield each

    def contexts_of(self, root: str) -> tuple[Named, ...]:
        """The contexts of a root module or template; none where nothing is said of it."""
        relative = self.relative(root)
        return tuple(each for each in self.contexts if each.roots.decide(relative, True))

    def place(self, pointer: Pointer, part: str = "value") -> Place | None:
        """Where something is written."""
        return None if self.text is None else self.text.place(pointer, part)

    def wrong(self, message: str, pointer: Pointer, part: str = "value") -> UsageError:
        """The error that something in the file is wrong."""
        place = self.place(pointer, part)
        return UsageError(message) if place is None else _error(message, place)


class Text:
    """The file as written, to say where something stands. TOML is searched for the key, since `tomllib` keeps no
    places."""

    def __init__(self, source: Source, document: YamlDocument | None, data: Any) -> None:
        self.source = source
        self.data = data
        self._document = document

    def place(self, pointer: Pointer, part: str = "value") -> Place:
        """The place of a value, a key or a header."""
        if self._document is not None:
            return self._document.place(pointer, part).locate()
        table = _TABLE.search(self.source.data)
        start = table.start() if table is not None else 0
        for step in pointer:
            word = re.escape(str(step).encode())
            found = re.compile(rb"(?<![\w-])[\"']?(" + word + rb")[\"']?(?=\s*[=.\]])").search(self.source.data, start)
            start = found.start(1) if found is not None else start
        line = self.source.data.find(b"\n", start)
        return Place(self.source, start, line if line >= 0 else len(self.source.data))


@cache
def schema() -> Mapping[str, Any]:
    """The JSON Schema of the file."""
    import json

    found: Mapping[str, Any] = json.loads(packaged.content("data/config.schema.json"))
    return found


def find(paths: Sequence[str]) -> Configuration:
    """The nearest configuration of what is scanned. Raises UsageError where it is wrong."""
    wholes = [os.path.abspath(path) for path in paths] or [os.getcwd()]
    start = os.path.commonpath(wholes)
    start = start if os.path.isdir(start) else os.path.dirname(start)
    for path in found_above(start, NAMES):
        source = _source(path)
        if not path.endswith(".toml") or _TABLE.search(source.data):
            return _lowering(_read(path, source))
    return Configuration()


def _lowering(found: Configuration) -> Configuration:
    """A configuration that nobody named: who changes the code can change it too, so it raises no limit."""
    for name, number in found.limits.items():
        default = limits.DEFAULTS[name]
        if number > default:
            told = f"a configuration that is found can only lower limit {name}, which is {default}: "
            raise found.wrong(f"{told}name it with --config, or give --limit {name}={number}", ("limits", name))
    return found


def load(path: str) -> Configuration:
    """The configuration in a file that the user named. Raises UsageError."""
    if not os.path.isfile(path):
        raise UsageError(f"configuration {path!r} does not exist; `bklint init` writes one")
    return _read(os.path.abspath(path), _source(path))


def _source(path: str) -> Source:
    shown = os.path.relpath(path).replace(os.sep, "/")
    try:
        return Source.of(shown, DiskReader((path,), MAX_BYTES).read(path))
    except InputError as error:
        raise UsageError(f"{shown}: {error.message}") from error


def _error(message: str, place: Place) -> UsageError:
    line, column = place.position
    return UsageError(f"{place.source.name}:{line}:{column}: {message}")


def _read(path: str, source: Source) -> Configuration:
    text = _toml(source) if path.endswith(".toml") else _yaml(source)
    wrong = sorted(
        mistakes(text.data, schema()),
        key=lambda each: (each.part != "key", text.place(each.pointer, each.part).start, each.message),
    )
    if wrong:
        raise _error(wrong[0].message, text.place(wrong[0].pointer, wrong[0].part))
    try:
        return _configuration(text, os.path.dirname(path))
    except _WrongError as error:
        raise _error(error.mistake.message, text.place(error.mistake.pointer)) from error


class _WrongError(Exception):
    """Something the schema cannot say is wrong."""

    def __init__(self, message: str, pointer: Pointer) -> None:
        super().__init__(message)
        self.mistake = Mistake(message, pointer)


def _yaml(source: Source) -> Text:
    try:
        documents = parse(source)
    except InputError as error:
        raise _error(error.message, Place.at(source, error.offset or 0)) from error
    if len(documents) > 1:
        raise _error("expected one document, found a second", documents[1].place(()).locate())
    if not documents or documents[0].data is None:
        return Text(source, None, {})
    return Text(source, documents[0], documents[0].data)


def _toml(source: Source) -> Text:
    try:
        tomllib = import_module("tomllib")
    except ImportError as error:
        raise UsageError(f"{source.name}: [tool.bklint] needs Python 3.11 or newer; use .bklint.yaml") from error
    try:
        data = tomllib.loads(source.data.decode("utf-8"))
    except ValueError as error:
        raise UsageError(f"{source.name}: {str(error)[:1].lower()}{str(error)[1:]}") from error
    except RecursionError as error:
        raise UsageError(f"{source.name}: values nest deeper than bklint reads") from error
    tools = data.get("tool")
    found = tools.get("bklint", {}) if isinstance(tools, dict) else {}
    try:
        return Text(source, None, _plain(found, MAX_DEPTH))
    except InputError as error:
        raise UsageError(f"{source.name}: {error.message}") from error


def _plain(data: Any, levels: int) -> Any:
    """TOML's data with dates as text, as YAML's. Raises InputError where it nests deeper than so many levels: a dotted key
    nests without an end, and costs the reader of TOML nothing."""
    if levels < 0:
        raise InputError(f"[tool.bklint] nests deeper than {MAX_DEPTH} levels")
    if isinstance(data, dict):
        return {name: _plain(each, levels - 1) for name, each in data.items()}
    if isinstance(data, list):
        return [_plain(each, levels - 1) for each in data]
    return data.isoformat() if isinstance(data, (date, time)) else data


def _configuration(text: Text, directory: str) -> Configuration:
    data = text.data
    plain = ("edition", "complete", "only_protected", "location", "fail_on", "min_severity", "gitignore")
    given = {name: data[name] for name in (*plain, "require_reason") if name in data}
    ignore = data.get("ignore", [])
    return Configuration(
        path=text.source.name,
        directory=directory,
        select=tuple(data.get("select", ())),
        ignore=tuple(each for each in ignore if isinstance(each, str)),
        accepts=tuple(_accepts(row, ("ignore", at)) for at, row in enumerate(ignore) if isinstance(row, Mapping)),
        severity=data.get("severity", {}),
        parameters=data.get("parameters", {}),
        overrides=tuple(_override(row, ("overrides", at)) for at, row in enumerate(data.get("overrides", ()))),
        contexts=tuple(_contexts(data.get("contexts", {}), directory)),
        exclude=Patterns(data.get("exclude", ())),
        protected_by_tag={name: tuple(values) for name, values in data.get("protected_by_tag", {}).items()},
        policies=tuple(_shown(directory, each) for each in data.get("policies", ())),
        baseline=_shown(directory, data["baseline"]) if "baseline" in data else None,
        limits=_limits(data.get("limits", {})),
        text=text,
        **given,
    )


def _accepts(row: Mapping[str, Any], at: Pointer) -> Accepts:
    ids = row["id"]
    if "address" not in row and "path" not in row:
        raise _WrongError("give an address or a path; to switch a policy off everywhere, write its id alone", at)
    return Accepts(
        ids=(ids,) if isinstance(ids, str) else tuple(ids),
        reason=row["reason"].strip(),
        pointer=at,
        address=row.get("address", ""),
        path=Patterns((row["path"],)) if "path" in row else None,
        until=_date(row["until"], (*at, "until")) if "until" in row else None,
    )


def _date(text: str, at: Pointer) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError as error:
        raise _WrongError(f"there is no day {text}", at) from error


def _override(row: Mapping[str, Any], at: Pointer) -> Override:
    return Override(
        paths=Patterns(row["paths"]),
        pointer=at,
        ignore=tuple(row.get("ignore", ())),
        severity=row.get("severity", {}),
        parameters=row.get("parameters", {}),
    )


def _limits(data: Mapping[str, int]) -> Mapping[str, int]:
    for name, number in data.items():
        try:
            limits.checked({name: number})
        except ValueError as error:
            raise _WrongError(str(error), ("limits", name)) from error
    return data


def _contexts(data: Mapping[str, Any], directory: str) -> Iterator[Named]:
    for root, rows in data.items():
        for at, row in enumerate(rows):
            listed = [row] if isinstance(row, str) else row
            paths = [_shown(directory, each) for each in listed]
            for number, path in enumerate(paths):
                if not os.path.isfile(path):
                    inner = () if isinstance(row, str) else (number,)
                    pointer: Pointer = ("contexts", root, at, *inner)
                    raise _WrongError(f"file {listed[number]!r} does not exist", pointer)
            yield Named(
                roots=Patterns((f"/{root.removeprefix('./').strip('/')}",)),
                label=", ".join(listed),
                var_files=tuple(path for path in paths if path.endswith(TFVARS)),
                parameter_files=tuple(path for path in paths if not path.endswith(TFVARS)),
            )


def _shown(directory: str, path: str) -> str:
    """A path of the file as it is displayed: relative to the working directory."""
    return os.path.relpath(os.path.join(directory, path)).replace(os.sep, "/")
