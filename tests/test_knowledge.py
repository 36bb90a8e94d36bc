"""The knowledge base of `explain`: nothing is missing, every name in it exists, and the docs are written from it."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from bklint import explain
from bklint.explain import Entry, Row
from policy_examples import policy_files

ROOT = Path(__file__).parent.parent
KNOWLEDGE = explain.load()
ENTRIES = KNOWLEDGE.entries
POLICIES = {file.id: file for file in policy_files()}
ROWS = [row for entry in ENTRIES for row in entry.rows]

FRENCH = [
    tuple(line.split("\t", 1))
    for line in (Path(__file__).parent / "golden" / "explain" / "french.tsv").read_text("utf-8").splitlines()
]
"""Row and error text, word for word from the two documents."""

SPLIT = {"7": "ab", "8": "ab", "11": "ab", "25": "abc"}
"""Rows of the catalogue that have parts."""

CLASSIC = {"25a", "25b", "28", "29", "46"}
"""Rows that make sense in the classic deployment model only."""

RUNTIME = {
    "7a", "11a", "21", "22", "23", "24", "25a", "25b", "28", "29", "32", "33", "35", "45", "47", "71", "83", "87", "91",
    "94", "95", "96", "97",
}  # fmt: skip
"""Rows that no policy can see: they are explained only."""

WIDEST = 53
"""Columns of a title, so that the list fits 100."""


def labels() -> list[str]:
    """The numbers of all 97 rows of the catalogue with their parts."""
    numbers = map(str, range(1, 98))
    return [f"{number}{part}" for number in numbers for part in SPLIT.get(number, " ")]


def of(ids: Entry | Row) -> str:
    return ids.id if isinstance(ids, Entry) else f"row {ids.label or ids.section}"


def test_every_row_is_there_once() -> None:
    found = [row.label for row in ROWS if row.label]
    assert sorted(found) == sorted(label.strip() for label in labels())


def test_rows_without_a_policy_are_those_that_show_at_run_time_only() -> None:
    assert {row.label for row in ROWS if row.label and not row.policies} == RUNTIME


def test_documents() -> None:
    for row in ROWS:
        if row.label:
            assert row.document == ("S1" if int(re.sub(r"\D", "", row.label)) <= 52 else "S2")
        assert row.document in KNOWLEDGE.documents
    assert {message.document for entry in ENTRIES for message in entry.messages} <= KNOWLEDGE.documents.keys()
    assert all(re.fullmatch(r"\d{4}-\d\d-\d\d", document.date) for document in KNOWLEDGE.documents.values())


def test_classic() -> None:
    assert {row.label for row in ROWS if row.classic} == CLASSIC


@pytest.mark.parametrize("row", ROWS, ids=of)
def test_row(row: Row) -> None:
    assert row.static in ("yes", "partly", "no")
    assert row.says.endswith((".", ")"))
    assert row.section
    assert row.policies or row.static == "no"
    unknown = set(row.policies) - POLICIES.keys() - KNOWLEDGE.planned.keys()
    assert not unknown, "a policy must exist or be planned"


@pytest.mark.parametrize("entry", ENTRIES, ids=of)
def test_entry(entry: Entry) -> None:
    own = [entry.codes[0]] if entry.codes else [f"A{label.rstrip('abc')}" for label in entry.labels]
    assert entry.id in own
    assert entry.kind in ("error", "cause", "requirement", "procedure")
    assert len(entry.title) <= WIDEST
    assert entry.steps
    assert entry.meaning.strip().endswith((".", ")"))
    assert all((step.strip() == step and step[-1] in ".,`") or step.endswith(", or") for step in entry.steps)
    assert all(KNOWLEDGE.entry(id_) for id_ in entry.related)
    assert entry.id not in entry.related
    assert not set(entry.also) - POLICIES.keys() - KNOWLEDGE.planned.keys()


def test_every_text_is_whole() -> None:
    """A comma in a list without quotes would cut a text in two, or make a key of its end."""
    for entry in ENTRIES:
        texts = (*entry.steps, *(row.says for row in entry.rows))
        assert all(not text[0].islower() or text.startswith(("stop ", "restore ")) for text in texts)


def test_ids_and_codes_are_used_once() -> None:
    names = [name.casefold() for entry in ENTRIES for name in {entry.id, *entry.codes}]
    assert len(set(names)) == len(names)


@pytest.mark.parametrize(("row", "text"), FRENCH, ids=[row for row, _ in FRENCH])
def test_french_texts_are_those_of_the_documents(row: str, text: str) -> None:
    entry = next(entry for entry in ENTRIES if row in entry.labels)
    assert " ".join(text.split()) in {" ".join(message.text.split()) for message in entry.messages}


@pytest.mark.parametrize("id_", sorted(POLICIES))
def test_every_code_of_a_policy_is_explained(id_: str) -> None:
    """A policy that names an error code stands in the entry of that code, among the rows or under `also`."""
    for code in POLICIES[id_].texts.errors:
        entry = next((entry for entry in ENTRIES if code in entry.codes), None)
        assert entry is not None, f"data/knowledge has no entry for {code}"
        assert id_ in entry.policies, f"data/knowledge: add {id_} to `also` of {entry.id}"


def test_every_page_is_written_and_none_is_left_over() -> None:
    pages = {path.stem for path in (ROOT / "docs" / "errors").glob("*.md")}
    assert pages == {entry.id for entry in ENTRIES} | {"README"}


def test_corrections() -> None:
    """Where the documents are wrong, the knowledge is not."""

    def text(id_: str) -> str:
        entry = KNOWLEDGE.entry(id_)
        assert entry is not None
        return " ".join((entry.meaning, *entry.steps, *(row.says for row in entry.rows)))

    assert "Extensions.Enabled=y" in text("A88")
    assert "left disabled" not in text("A52")
    assert "/var/lib/waagent" in text("A89")
    assert "ports 80 and 32526" in text("A63")
    assert "vcredist2013_x64" in text("ExtensionVCRedistInstallationFailure")
