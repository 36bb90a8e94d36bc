"""The text of a resource read from Azure: its own JSON, made only when a finding points at it.

Such a text is no file. It is called by the resource's id, `link` is its page in the portal, and `member` the property
that a place is; lines and columns are those of the JSON indented by two.
"""

from __future__ import annotations

import json
from typing import Any, NamedTuple
from urllib.parse import quote

from bklint.source import Place, Source
from bklint.syntax import json as texts
from bklint.syntax.json import JsonPlace, Pointer, Slot


class ResourceText(Source):
    """See the module. `members` holds the property paths of the places that were located."""

    __slots__ = ("_link", "_members")

    def __init__(self, name: str, data: bytes, link: str) -> None:
        super().__init__(name, data, fixable=False)
        self._link = link
        self._members: dict[int, str] = {}

    @property
    def link(self) -> str:
        """See Source."""
        return self._link

    def member(self, offset: int) -> str:
        """See Source."""
        return self._members.get(offset, "")

    def note(self, offset: int, member: str) -> None:
        """Keep which property a place is."""
        self._members.setdefault(offset, member)


class ResourceDocument:
    """A resource's JSON. Implements `syntax.json.Tree`; parsed when the first place is asked for."""

    __slots__ = ("_parsed", "_source", "data", "link", "name")

    def __init__(self, name: str, data: dict[str, Any], portal: str) -> None:
        self.name = name
        self.data = data
        self.link = link_of(portal, name)
        self._source: ResourceText | None = None
        self._parsed: texts.Document | None = None

    @property
    def source(self) -> ResourceText:
        """See Tree."""
        if self._source is None:
            written = json.dumps(self.data, indent=2, ensure_ascii=False).encode("utf-8", "replace")
            self._source = ResourceText(self.name, written, self.link)
        return self._source

    def root(self) -> Slot:
        """See Tree."""
        if self._parsed is None:
            self._parsed = texts.parse(self.source)
        return self._parsed.root()

    def child(self, slot: Slot, step: str | int) -> Slot | None:
        """See Tree."""
        assert self._parsed is not None
        return self._parsed.child(slot, step)

    def place(self, pointer: Pointer, part: str = "value") -> ResourcePlace:
        """Where a value stands."""
        return ResourcePlace(self, pointer, part)


class ResourcePlace(NamedTuple):
    """A pointer into a resource's JSON that becomes a byte range, and its property path, only when asked for."""

    document: ResourceDocument
    pointer: Pointer
    part: str = "value"

    def locate(self) -> Place:
        """See Locator."""
        place = JsonPlace(self.document, self.pointer, self.part).locate()
        self.document.source.note(place.start, path_of(self.pointer))
        return place


def path_of(pointer: Pointer) -> str:
    """A pointer as a property path: `properties.storageProfile.dataDisks[0].diskSizeGB`."""
    found = ""
    for step in pointer:
        if isinstance(step, int):
            found += f"[{step}]"
        elif "." in step:
            found += f"['{step}']"
        else:
            found += f".{step}" if found else step
    return found


def link_of(portal: str, identity: str) -> str:
    """The page of a resource in the portal."""
    return f"{portal}/#resource{quote(identity, safe='/')}"
