"""The knowledge files into entries: one for each error, cause or procedure that people look up.

An entry gathers the rows of the catalogue that speak of one thing: an error of both documents is one entry with a row
for each cause that they give. Rows without a document's number come from newer documents.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import cache
from typing import Any

from bklint import packaged
from bklint.records import dataclass
from bklint.syntax.yaml import load_data

DIRECTORY = "data/knowledge"

GROUPS = ("backup", "agent", "network", "vault", "restore", "jobs", "newer")
"""The files, in the order in which they are listed."""


@dataclass(frozen=True, slots=True)
class Document:
    """A document that is cited; `date` as it states it itself, YYYY-MM-DD."""

    label: str
    title: str
    date: str
    url: str


@dataclass(frozen=True, slots=True)
class Message:
    """A text that people meet, word for word: of an error, or the heading of a cause. `language` is en or fr."""

    text: str
    language: str
    document: str


@dataclass(frozen=True, slots=True)
class Row:
    """One row of the catalogue: what a document says, and the policies that see it in code.

    `label` is its number (`7a`), or empty where only newer documents say it. `static` is yes, partly or no. `classic`
    rows make sense in the classic deployment model only.
    """

    label: str
    document: str
    section: str
    says: str
    static: str
    policies: tuple[str, ...]
    classic: bool = False


@dataclass(frozen=True, slots=True)
class Entry:
    """One thing to look up. `id` is its first error code, or `A` and the number of its first row.

    `steps` are to be done by hand in order; `related` are ids of other entries.
    """

    id: str
    title: str
    kind: str
    group: str
    codes: tuple[str, ...]
    messages: tuple[Message, ...]
    meaning: str
    rows: tuple[Row, ...]
    steps: tuple[str, ...]
    related: tuple[str, ...]
    words: tuple[str, ...]
    """Other words that people use for it."""
    also: tuple[str, ...]
    """Policies that give the code as theirs without a row that says so."""

    @property
    def policies(self) -> tuple[str, ...]:
        """The ids of all its policies, the most direct first."""
        return tuple(dict.fromkeys((*(id_ for row in self.rows for id_ in row.policies), *self.also)))

    @property
    def labels(self) -> tuple[str, ...]:
        """The numbers of its rows."""
        return tuple(row.label for row in self.rows if row.label)


@dataclass(frozen=True, slots=True)
class Group:
    """The entries of one file under its title."""

    title: str
    entries: tuple[Entry, ...]


@dataclass(frozen=True, slots=True)
class Knowledge:
    """Everything. `planned` are policies of the catalogue that need not be written yet, id to title."""

    groups: tuple[Group, ...]
    documents: Mapping[str, Document]
    planned: Mapping[str, str]

    @property
    def entries(self) -> tuple[Entry, ...]:
        """All entries in the order of the list."""
        return tuple(entry for group in self.groups for entry in group.entries)

    def entry(self, id_: str) -> Entry | None:
        """The entry of that id, in whatever case."""
        return next((entry for entry in self.entries if entry.id.casefold() == id_.casefold()), None)

    def naming(self, policy: str) -> tuple[Entry, ...]:
        """The entries that a policy is behind."""
        return tuple(entry for entry in self.entries if policy in entry.policies)


@cache
def load() -> Knowledge:
    """The knowledge that bklint ships."""
    table = _file("documents")
    documents = {
        label: Document(label, row["title"], row["date"], row["url"]) for label, row in table["documents"].items()
    }
    return Knowledge(tuple(_group(name) for name in GROUPS), documents, table["planned"])


def _file(name: str) -> Any:
    return load_data(packaged.content(f"{DIRECTORY}/{name}.yaml"))


def _group(name: str) -> Group:
    data = _file(name)
    return Group(data["title"], tuple(_entry(each, name) for each in data["entries"]))


def _entry(data: Mapping[str, Any], group: str) -> Entry:
    return Entry(
        id=data["id"],
        title=data["title"],
        kind=data.get("kind", "error"),
        group=group,
        codes=tuple(data.get("codes", ())),
        messages=tuple(_messages(data)),
        meaning=data["meaning"],
        rows=tuple(_row(row) for row in data["rows"]),
        steps=tuple(data["steps"]),
        related=tuple(data.get("related", ())),
        words=tuple(data.get("words", ())),
        also=tuple(data.get("also", ())),
    )


def _messages(data: Mapping[str, Any]) -> Iterator[Message]:
    for language in ("en", "fr"):
        for document, texts in data.get(language, {}).items():
            yield from (Message(text, language, document) for text in texts)


def _row(data: Mapping[str, Any]) -> Row:
    return Row(
        label=data.get("row", ""),
        document=data["document"],
        section=data["section"],
        says=data["says"],
        static=data["static"],
        policies=tuple(data["policies"]),
        classic=data.get("classic", False),
    )
