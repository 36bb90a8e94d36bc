"""Policy files into the set of policies that a scan runs.

At scan time only the first of a file's two documents is read; the second, what people read, when a finding of the
policy is printed. A file that is wrong raises UsageError with file, line and column.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from fnmatch import fnmatchcase
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from bklint.errors import InputError, UsageError
from bklint.files import DiskReader, join
from bklint.model.value import Value
from bklint.policy import compile as compiler
from bklint.policy.model import Facts, Policy, Texts
from bklint.policy.names import PolicyError, one_of
from bklint.policy.schema import problems
from bklint.policy.subjects import constant
from bklint.source import Place, Source
from bklint.syntax import yaml
from bklint.syntax.yaml import YamlDocument

if TYPE_CHECKING:
    from importlib.resources.abc import Traversable

_SECOND = re.compile(rb"^---(?=[\s#]|\Z)", re.MULTILINE)
_RESERVED = re.compile(r"BKP9\d\d\Z")
"""Ids of findings that no policy makes: unreadable input, internal errors, suppressions."""


class File(NamedTuple):
    """A policy file. `built_in` files are known to fit the schema."""

    source: Source
    built_in: bool


class PolicySet:
    """Policies in the order of their ids, with an index by resource type."""

    def __init__(self, policies: Iterable[Policy], texts: Callable[[Policy], Texts], facts: Facts) -> None:
        self.policies = tuple(sorted(policies, key=lambda policy: policy.id))
        self.facts = facts
        self._texts = texts
        self._by_id = {policy.id: policy for policy in self.policies}
        self._by_type: dict[str, tuple[Policy, ...]] = {}
        for policy in self.policies:
            for type_ in policy.types:
                folded = type_.casefold()
                self._by_type[folded] = (*self._by_type.get(folded, ()), policy)

    def __iter__(self) -> Iterator[Policy]:
        return iter(self.policies)

    def __len__(self) -> int:
        return len(self.policies)

    @property
    def types(self) -> tuple[str, ...]:
        """The types that are judged, folded, in a fixed order."""
        return tuple(self._by_type)

    def of(self, type_: str) -> tuple[Policy, ...]:
        """The policies that judge resources of a type."""
        return self._by_type.get(type_.casefold(), ())

    def by_id(self, id_: str) -> Policy | None:
        """The policy of that id."""
        return self._by_id.get(id_)

    def texts(self, policy: Policy) -> Texts:
        """What people read about a policy. Raises UsageError."""
        return self._texts(policy)

    def select(self, select: Sequence[str] = (), ignore: Sequence[str] = ()) -> PolicySet:
        """The policies that `select` names (none: all but the opt-in ones) less those that `ignore` names.

        A word is an id, a name, an area, or a pattern with `*` or `?` of an id or name. Raises UsageError for a word
        that names nothing.
        """
        chosen = [policy for policy in self.policies if not policy.opt_in]
        if select:
            named = {policy.id for word in select for policy in self._named(word)}
            chosen = [policy for policy in self.policies if policy.id in named]
        dropped = {policy.id for word in ignore for policy in self._named(word)}
        return PolicySet((policy for policy in chosen if policy.id not in dropped), self._texts, self.facts)

    def _named(self, word: str) -> list[Policy]:
        folded = word.strip().casefold()
        found = [
            policy
            for policy in self.policies
            if folded == policy.area or any(fnmatchcase(name.casefold(), folded) for name in (policy.id, policy.name))
        ]
        if not found and not _RESERVED.match(word.strip().upper()):
            words = {name for policy in self.policies for name in (policy.id, policy.name, policy.area)}
            raise UsageError(f"no policy is called {word!r}{one_of(word, words)}")
        return found

    def check_parameters(self, values: Mapping[str, object]) -> None:
        """Raises UsageError for a parameter that no policy has, or a value that is not of its type."""
        known = {name: parameter for policy in self.policies for name, parameter in policy.parameters.items()}
        for name, value in values.items():
            if name not in known:
                raise UsageError(f"no policy has a parameter {name!r}{one_of(name, known)}")
            if not compiler.fits(value, known[name].type):
                raise UsageError(f"parameter {name!r} takes a {known[name].type}, not {value!r}")


def parameters(policy: Policy, values: Mapping[str, object]) -> dict[str, Value]:
    """The values of a policy's parameters: the user's, else the defaults."""
    return {name: constant(values.get(name, parameter.default)) for name, parameter in policy.parameters.items()}


# -- files -------------------------------------------------------------------------------------------------------------


def built_in() -> Traversable:
    """The directory of the built-in policies: inside the installed package, else the checkout's."""
    package = files("bklint")
    inside = package / "policies"
    if inside.is_dir():
        return inside
    beside = Path(str(package)).parents[1] / "policies"
    if not (beside / "schema.json").is_file():
        raise UsageError("the built-in policies are not installed")
    return beside


@cache
def schema() -> Mapping[str, Any]:
    """The JSON Schema of policy files."""
    found: Mapping[str, Any] = json.loads((built_in() / "schema.json").read_bytes())
    return found


def load(directories: Sequence[str], facts: Facts) -> PolicySet:
    """The built-in policies and those of the user's `directories`. Raises UsageError."""
    found = [*built_in_files(), *(file for directory in directories for file in user_files(directory))]
    return policies_of(found, facts)


def built_in_files() -> Iterator[File]:
    """The built-in policy files, by area and name."""
    root = built_in()
    for area in sorted(root.iterdir(), key=lambda each: each.name):
        if area.is_dir():
            for member in sorted(area.iterdir(), key=lambda each: each.name):
                if member.name.endswith(".yaml"):
                    yield File(Source.of(f"policies/{area.name}/{member.name}", member.read_bytes()), True)


def user_files(directory: str) -> Iterator[File]:
    """The policy files below a directory of the user's. Raises UsageError where there are none."""
    reader = DiskReader((directory,))
    pending, count = [directory], 0
    while pending:
        here = pending.pop(0)
        for entry in _members(reader, here):
            path = join(here, entry.name)
            if entry.directory:
                pending.append(path)
            elif entry.name.endswith((".yaml", ".yml")):
                count += 1
                yield File(Source.of(path, _bytes(reader, path)), False)
    if not count:
        raise UsageError(f"{directory}: no policy files (*.yaml) here")


def _members(reader: DiskReader, path: str) -> list[Any]:
    try:
        return [entry for entry in reader.list(path) if not entry.name.startswith(".")]
    except InputError as error:
        raise UsageError(f"{path}: {error}") from error


def _bytes(reader: DiskReader, path: str) -> bytes:
    try:
        return reader.read(path)
    except InputError as error:
        raise UsageError(f"{path}: {error}") from error


def policies_of(found: Iterable[File], facts: Facts) -> PolicySet:
    """The set of policies of some files. Raises UsageError."""
    parsed = [(file, _first(file)) for file in found]
    types = frozenset(type_ for _, document in parsed for type_ in _targets(document.data))
    policies: dict[str, Policy] = {}
    origins: dict[str, File] = {}
    for file, document in parsed:
        policy = _policy(file, document, facts, types)
        if policy.id in policies:
            twice = PolicyError(f"{policy.id} is also the id of {policies[policy.id].file}", ("id",))
            raise _located(twice, document)
        policies[policy.id], origins[policy.id] = policy, file
    return PolicySet(policies.values(), _reader(origins), facts)


def _reader(origins: Mapping[str, File]) -> Callable[[Policy], Texts]:
    """Reads second documents, each once."""
    kept: dict[str, Texts] = {}

    def read(policy: Policy) -> Texts:
        if policy.id not in kept:
            kept[policy.id] = read_texts(origins[policy.id])
        return kept[policy.id]

    return read


def _first(file: File) -> YamlDocument:
    """The first document of a file; of a user's file both are checked against the schema."""
    source = file.source
    if not file.built_in:
        return _checked(source)
    return _parse(Source(source.name, source.data[: _end(source.data)]))[0]


def _end(data: bytes) -> int:
    """Where the first document ends."""
    for match in _SECOND.finditer(data):
        before = data[: match.start()]
        if any(line.strip() and not line.lstrip().startswith(b"#") for line in before.splitlines()):
            return match.start()
    return len(data)


def _parse(source: Source) -> tuple[YamlDocument, ...]:
    try:
        documents = yaml.parse(source)
    except InputError as error:
        position = source.position(error.offset or 0)
        raise UsageError(f"{source.name}:{position.line}:{position.column}: {error.message}") from error
    if not documents:
        raise UsageError(f"{source.name}: holds no policy")
    return documents


def _checked(source: Source) -> YamlDocument:
    """The first document of a user's file. Raises UsageError for the first thing that is wrong."""
    documents = _parse(source)
    if len(documents) > 2:
        raise _located(PolicyError("a policy file holds two documents, this is a third"), documents[2])
    for document, part in zip(documents, ("policy", "texts"), strict=False):
        wrong = [problem for problem in problems(document.data, schema(), part) if not _is_condition(problem.pointer)]
        if wrong:
            raise _located(_foremost(wrong, document), document)
    return documents[0]


def _foremost(wrong: list[PolicyError], document: YamlDocument) -> PolicyError:
    """The first error in the file; unknown words before all, since a misspelt word is also a missing one."""
    return min(wrong, key=lambda error: (error.part != "key", _place(error, document).start))


def _is_condition(pointer: tuple[str | int, ...]) -> bool:
    """Whether a place is inside a condition, of which the compiler has better words than the schema."""
    return any(name in ("condition", "when", "where") for name in pointer)


def _place(error: PolicyError, document: YamlDocument) -> Place:
    return document.place(error.pointer, error.part).locate()


def _located(error: PolicyError, document: YamlDocument) -> UsageError:
    line, column = _place(error, document).position
    return UsageError(f"{document.source.name}:{line}:{column}: {error.message}")


def _targets(data: Any) -> tuple[str, ...]:
    found = data.get("target", ()) if isinstance(data, Mapping) else ()
    return (found,) if isinstance(found, str) else tuple(found)


def _policy(file: File, document: YamlDocument, facts: Facts, types: frozenset[str]) -> Policy:
    try:
        return compiler.policy(document.data, facts, file.source.name, types)
    except PolicyError as error:
        raise _located(error, document) from error


def read_texts(file: File) -> Texts:
    """The second document of a file; empty where it has none. Raises UsageError."""
    documents = _parse(file.source)
    return compiler.texts(documents[1].data) if len(documents) > 1 else Texts()
