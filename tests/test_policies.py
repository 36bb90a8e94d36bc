"""Every built-in policy file: the schema, ids and names, sources, examples."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from bklint.policy import store
from bklint.policy.schema import problems
from policy_examples import FILES, PolicyFile, policy_files

ROOT = Path(__file__).parent.parent / "policies"
POLICIES = policy_files()
IDS = [file.id for file in POLICIES]

DIALECTS = ("terraform", "arm")
"""What every policy on infrastructure shows its examples in."""


def test_the_schema_is_one() -> None:
    from jsonschema import Draft202012Validator

    Draft202012Validator.check_schema(json.loads((ROOT / "schema.json").read_text("utf-8")))


def test_ids_and_names_are_used_once() -> None:
    assert len(set(IDS)) == len(IDS)
    assert len({file.policy.name for file in POLICIES}) == len(IDS)


@pytest.mark.parametrize("file", POLICIES, ids=IDS)
def test_schema(file: PolicyFile) -> None:
    wrong = [*problems(file.first, store.schema(), "policy"), *problems(file.second, store.schema(), "texts")]
    assert [(each.pointer, each.message) for each in wrong] == []


@pytest.mark.parametrize("file", POLICIES, ids=IDS)
def test_name_of_the_file(file: PolicyFile) -> None:
    policy = file.policy
    assert re.fullmatch(r"BKP[1-8]\d\d", policy.id)
    names = (f"{policy.id.lower()}-{policy.name}", policy.name)
    assert file.source.name in [f"policies/{policy.area}/{name}.yaml" for name in names]


@pytest.mark.parametrize("file", POLICIES, ids=IDS)
def test_subsumed_policies_exist(file: PolicyFile) -> None:
    """Ids are never reused, so one of the catalogue that is not written yet may be named; itself may not."""
    assert file.id not in file.policy.subsumes


@pytest.mark.parametrize("file", POLICIES, ids=IDS)
def test_texts(file: PolicyFile) -> None:
    texts = file.texts
    assert texts.sources
    assert 2 <= len(re.findall(r"[.!?](?:\s|$)", texts.why)) <= 6, "why: two to five sentences"
    assert file.policy.message.text[0].islower() or file.policy.message.text[0] == "{", "messages start in lower case"
    assert not file.policy.message.text.endswith("."), "messages end without a full stop"


@pytest.mark.parametrize("file", POLICIES, ids=IDS)
def test_examples_in_every_dialect(file: PolicyFile) -> None:
    found = {(example.kind, example.dialect) for example in file.texts.examples}
    guest = all(type_.startswith("guest/") for type_ in file.policy.types)
    plans_only = {dialect for kind, dialect in found if kind == "bad"} == {"plan"}
    for dialect in () if guest or plans_only else DIALECTS:
        for kind in ("bad", "good", "unknown"):
            assert (kind, dialect) in found, f"no {kind} example in {dialect}"


@pytest.mark.parametrize("file", POLICIES, ids=IDS)
def test_every_example_can_be_read(file: PolicyFile) -> None:
    assert {example.dialect for example in file.texts.examples} & FILES.keys() or not file.texts.examples


def test_each_line_of_a_file_fits() -> None:
    for file in POLICIES:
        for number, line in enumerate(file.source.data.decode().splitlines(), 1):
            assert line == line.rstrip(), f"{file.source.name}:{number}: blanks at the end"
