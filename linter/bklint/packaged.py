"""The files that bklint ships: policies, mappings, tables, schemas; and the index that saves reading most of them.

In a checkout the policies lie beside the package, in an installed bklint inside it; in a zipped one they are read through
`importlib.resources`, whose import alone costs more than reading all of them, so it is the last resort.

Three indexes, written by `docs/generate.py`, hold as JSON what would otherwise be parsed from YAML on every run:
`data/index.json` the first documents of the built-in policies and where each fact is defined, `data/texts.jsonl` their
second documents without the examples, `data/mappings.json` the mapping files. They
count only where a digest fits the files as they are, so that editing a file needs no step of its own; a test asks for
fresh ones.
"""

from __future__ import annotations

import os
from functools import cache
from typing import Any
from zlib import crc32

from bklint.errors import UsageError

_PACKAGE = os.path.dirname(os.path.abspath(__file__))
INDEX = "data/index.json"
MAPPINGS = "data/mappings.json"
READS = "data/reads.json"
TEXTS = "data/texts.jsonl"
DOCUMENTS = "data/knowledge/documents.yaml"
"""The documents that policies cite by a short label."""
AZURERM = "frontends/terraform/azurerm"


@cache
def policies() -> str:
    """Where the built-in policies lie: a directory relative to the package. Raises UsageError."""
    for candidate in ("policies", "../../policies"):
        if "schema.json" in members(candidate):
            return candidate
    raise UsageError("the built-in policies are not installed")


def members(directory: str) -> tuple[str, ...]:
    """The names in a directory of the package, sorted; none where there is no such directory."""
    path = os.path.join(_PACKAGE, directory)
    if os.path.isdir(path):
        return tuple(sorted(os.listdir(path)))
    if os.path.isdir(_PACKAGE) or ".." in directory:
        return ()
    return _zipped_members(directory)


def content(name: str) -> bytes:
    """The bytes of a file of the package. Raises FileNotFoundError."""
    path = os.path.join(_PACKAGE, name)
    if os.path.isdir(_PACKAGE):
        with open(path, "rb") as handle:
            return handle.read()
    return _zipped(name)


def _zipped(name: str) -> bytes:
    from importlib.resources import files

    return files("bklint").joinpath(name).read_bytes()


def _zipped_members(directory: str) -> tuple[str, ...]:
    from importlib.resources import files

    found = files("bklint").joinpath(directory)
    return tuple(sorted(entry.name for entry in found.iterdir())) if found.is_dir() else ()


def policy_files() -> tuple[str, ...]:
    """The built-in policy files, by area and name: `policies/disks/….yaml`, relative to `policies()`' parent."""
    root = policies()
    return tuple(
        f"{area}/{name}"
        for area in members(root)
        if "." not in area
        for name in members(f"{root}/{area}")
        if name.endswith(".yaml")
    )


def policy(name: str) -> bytes:
    """The bytes of a built-in policy file, by its name in `policy_files`."""
    return content(f"{policies()}/{name}")


@cache
def index() -> dict[str, Any] | None:
    """The index, or None where it does not fit the files."""
    from json import loads

    try:
        found: dict[str, Any] = loads(content(INDEX))
    except (FileNotFoundError, ValueError):
        return None
    return found if found.get("digest") == digest() else None


def text(name: str) -> dict[str, Any] | None:
    """The second document of a built-in policy file without its examples; None where the index does not fit."""
    from json import loads

    line = _texts().get(name)
    found: dict[str, Any] | None = None if line is None else loads(line)
    return found


@cache
def _texts() -> dict[str, str]:
    """The lines of the index of texts, by policy file. Only what is shown is parsed."""
    indexed = index()
    try:
        first, *lines = content(TEXTS).decode("utf-8").splitlines()
    except (FileNotFoundError, ValueError):
        return {}
    if indexed is None or first != indexed["digest"]:
        return {}
    return dict(line.split("\t", 1) for line in lines)


def digest() -> str:
    """A checksum of the policy files, the table of documents, and the modules that define facts. It guards against
    staleness, not malice."""
    names = [(name, policy(name)) for name in policy_files()]
    names += [(name, content(f"facts/{name}")) for name in members("facts") if name.endswith(".py")]
    names.append((DOCUMENTS, content(DOCUMENTS)))
    made = 0
    for name, data in names:
        made = crc32(data, crc32(f"{name} {len(data)} ".encode(), made))
    return f"{len(names)}-{made:08x}"


def sealed(data: bytes) -> str:
    """The checksum of one file."""
    return f"{len(data)}-{crc32(data):08x}"


@cache
def mappings() -> dict[str, Any]:
    """Azurerm type to `{"seal": digest of its file, "data": plain data}`; empty where there is no index."""
    from json import loads

    try:
        found: dict[str, Any] = loads(content(MAPPINGS))
    except (FileNotFoundError, ValueError):
        return {}
    return found


def reads() -> dict[str, dict[str, list[str]]]:
    """Resource type (in lower case) and property path to the ids of the built-in policies that read it."""
    from json import loads

    found: dict[str, dict[str, list[str]]] = loads(content(READS))
    return found


def defaults() -> tuple[bytes, Any]:
    """The bytes of the table of defaults, and its plain data where the index fits; else None."""
    data, indexed = content("data/defaults.yaml"), index()
    fits = indexed is not None and indexed["defaults"]["seal"] == sealed(data)
    return data, indexed["defaults"]["data"] if indexed is not None and fits else None


@cache
def mapped_types() -> frozenset[str]:
    """The azurerm types that have a mapping file."""
    return frozenset(name.removesuffix(".yaml") for name in members(AZURERM) if name.endswith(".yaml"))


def mapping(type_: str) -> tuple[bytes, Any]:
    """The bytes of a mapping file, and its plain data where the index fits; else None."""
    data = content(f"{AZURERM}/{type_}.yaml")
    known = mappings().get(type_)
    return data, known["data"] if known is not None and known["seal"] == sealed(data) else None
