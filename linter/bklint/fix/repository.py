"""The files of a scan as an editor sees them: which may be edited, what refers to a name, and texts not yet written."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterator, Mapping

from bklint.errors import InputError
from bklint.files import OverlayReader, Reader, join, normalise
from bklint.fix.edits import RefusedError
from bklint.source import Source
from bklint.syntax import json

_GENERATOR = re.compile(rb'"_generator"\s*:\s*\{[^{}]*"name"\s*:\s*"bicep"')
_TERRAFORM = (".tf", ".tofu", ".tf.json", ".tofu.json")


class Edited(OverlayReader):
    """A reader over another one, with other content for some files."""

    def __init__(self, reader: Reader, texts: Mapping[str, bytes]) -> None:
        super().__init__(reader, texts)
        self.texts = dict(texts)

    def original(self, path: str) -> bytes:
        """What the file holds on disk. Raises InputError."""
        return self.under.read(path)

    def with_texts(self, texts: Mapping[str, bytes]) -> Edited:
        """The same with further changes."""
        return Edited(self.under, {**self.texts, **texts})


def check_editable(source: Source, reader: Reader) -> None:
    """Raises RefusedError with the reason why a source must not be edited."""
    name = source.name
    if not source.fixable:
        raise RefusedError(f"{name} is UTF-16, which is read but not written")
    try:
        there = reader.read(name)
    except InputError:
        raise RefusedError(f"the value comes from {name}, which is no file of the scan") from None
    if there != source.data:
        raise RefusedError(f"{name} is not what was read")
    if ".terraform" in name.split("/"):
        raise RefusedError(f"{name} belongs to an installed module, whose source is elsewhere")
    if name.endswith(".bicep"):
        raise RefusedError(f"{name} is Bicep, which is not edited")
    if name.endswith(".json") and is_compiled(source):
        raise RefusedError(f"{name} is compiled from Bicep: change its source")
    directory, _, own = normalise(name).rpartition("/")
    if any(entry.link for entry in reader.list(directory or ".") if entry.name == own):
        raise RefusedError(f"{name} is a symbolic link")


def is_compiled(source: Source) -> bool:
    """Whether a template was made by the Bicep compiler, as its metadata says."""
    if not _GENERATOR.search(source.data):
        return False
    try:
        data = json.parse(source).data
    except InputError:
        return True
    metadata = data.get("metadata") if isinstance(data, dict) else None
    generator = metadata.get("_generator") if isinstance(metadata, dict) else None
    return isinstance(generator, dict) and str(generator.get("name", "")).lower() == "bicep"


def module_sources(directory: str, reader: Reader) -> Iterator[Source]:
    """The configuration files of a module's directory."""
    for entry in reader.list(directory or "."):
        if entry.name.endswith(_TERRAFORM) and not entry.directory:
            path = join(directory or ".", entry.name)
            try:
                yield Source.of(path, reader.read(path))
            except InputError:
                continue


def directory_of(source: Source) -> str:
    """The directory of a file."""
    return posixpath.dirname(source.name) or "."


def mentions(directory: str, pattern: str, reader: Reader) -> int:
    """How often a pattern occurs in a module; comments count, which errs to the careful side."""
    compiled = re.compile(pattern.encode())
    return sum(len(compiled.findall(source.data)) for source in module_sources(directory, reader))
