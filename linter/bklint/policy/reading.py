"""Policy files as text: where they are, their two documents as plain data, and errors with file, line and column.

At scan time only the first document of a built-in file is read, and without places: when the compiler refuses it, it is
read again to find the place.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from functools import cache
from typing import TYPE_CHECKING, Any, NamedTuple

from bklint import packaged
from bklint.errors import InputError, UsageError
from bklint.files import DiskReader, Entry, join
from bklint.policy.names import PolicyError
from bklint.policy.schema import problems
from bklint.source import Place, Source
from bklint.syntax import yaml

if TYPE_CHECKING:
    from bklint.syntax.yaml import YamlDocument


class File(NamedTuple):
    """A policy file. `built_in` files are known to fit the schema."""

    source: Source
    built_in: bool


@cache
def schema() -> Mapping[str, Any]:
    """The JSON Schema of policy files."""
    found: Mapping[str, Any] = json.loads(packaged.policy("schema.json"))
    return found


def built_in_files() -> Iterator[File]:
    """The built-in policy files, by area and name. Raises UsageError where they are not installed."""
    for name in packaged.policy_files():
        yield File(Source(f"policies/{name}", packaged.policy(name)), True)


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
        raise UsageError(
            f"{directory}: no policy files (*.yaml) here; `bklint policies new AREA/SLUG` prints one to start from"
        )


def _members(reader: DiskReader, path: str) -> list[Entry]:
    try:
        return [entry for entry in reader.list(path) if not entry.name.startswith(".")]
    except InputError as error:
        raise UsageError(f"{path}: {error}") from error


def _bytes(reader: DiskReader, path: str) -> bytes:
    try:
        return reader.read(path)
    except InputError as error:
        raise UsageError(f"{path}: {error}") from error


def first(file: File) -> Any:
    """The data of the first document; of a user's file both are checked against the schema. Raises UsageError."""
    if not file.built_in:
        return _checked(file.source).data
    indexed = (packaged.index() or {}).get("policies", {}).get(file.source.name.removeprefix("policies/"))
    if indexed is not None:
        return indexed
    try:
        return yaml.load_first(file.source.data)
    except InputError as error:
        raise _refused(file.source, error) from error


def texts(file: File) -> Any:
    """The data of the second document without its examples, empty where there is none. Raises UsageError."""
    found = packaged.text(file.source.name.removeprefix("policies/")) if file.built_in else None
    return found if found is not None else rest(file) or {}


def rest(file: File) -> Any:
    """The data of the second document; None where there is none. Raises UsageError."""
    try:
        return yaml.load_rest(file.source.data)
    except InputError as error:
        raise _refused(file.source, error) from error


def located(error: PolicyError, file: File) -> UsageError:
    """An error in the first document, with its place."""
    return _located(error, _parse(file.source)[0])


def _refused(source: Source, error: InputError) -> UsageError:
    line, column = source.position(error.offset or 0)
    return UsageError(f"{source.name}:{line}:{column}: {error.message}")


def _parse(source: Source) -> tuple[YamlDocument, ...]:
    try:
        documents = yaml.parse(source)
    except InputError as error:
        raise _refused(source, error) from error
    if not documents:
        raise UsageError(f"{source.name}: holds no policy")
    return documents


def _checked(source: Source) -> YamlDocument:
    """The first document of a user's file. Raises UsageError for the first thing that is wrong."""
    documents = _parse(source)
    if len(documents) > 2:
        raise _located(PolicyError("a policy file holds two documents, this is a third"), documents[2])
    for document, part in zip(documents, ("policy", "texts"), strict=False):
        wrong = [problem for problem in problems(document.data, schema(), part) if not _is_condition(problem)]
        if wrong:
            raise _located(_foremost(wrong, document), document)
    return documents[0]


def _foremost(wrong: list[PolicyError], document: YamlDocument) -> PolicyError:
    """The first error in the file; unknown words before all, since a misspelt word is also a missing one."""
    return min(wrong, key=lambda error: (error.part != "key", _place(error, document).start))


def _is_condition(error: PolicyError) -> bool:
    """Whether a place is inside a condition, of which the compiler has better words than the schema."""
    pointer = error.pointer[:-1] if error.part == "key" else error.pointer
    return any(name in ("condition", "when", "where") for name in pointer)


def _place(error: PolicyError, document: YamlDocument) -> Place:
    return document.place(error.pointer, error.part).locate()


def _located(error: PolicyError, document: YamlDocument) -> UsageError:
    line, column = _place(error, document).position
    return UsageError(f"{document.source.name}:{line}:{column}: {error.message}")


@cache
def addresses() -> dict[str, str]:
    """The page of each document that is cited by a short label, by that label."""
    table = yaml.load_data(packaged.content(packaged.DOCUMENTS))
    return {label: row["url"] for label, row in table["documents"].items()}
