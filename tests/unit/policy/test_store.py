"""Policy files on disk: what is loaded, selected and refused, and where an error points."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from textwrap import dedent

import pytest

from bklint.errors import UsageError
from bklint.model.value import Value
from bklint.policy import reading, store
from bklint.policy.model import Texts
from bklint.policy.store import PolicySet
from bklint.source import Source
from handmade import DISK, policy, policy_set

FIRST = f"""\
# yaml-language-server: $schema=../schema.json
id: ACME001
name: big-disk
title: Disk is too big
area: disks
target: {DISK}
parameters:
  limit: {{type: int, default: 100, description: in GiB}}
condition: {{field: properties.diskSizeGB, greater: {{param: limit}}}}
cases:
  - {{severity: error}}
message: "disk {{resource.name}} is too big"
"""
SECOND = """\
---
why: It is too big.
errors: [UserErrorBig]
sources:
  - {document: S2, section: Big, date: 2020-11-05, says: big disks fail}
fix:
  summary: Make it smaller.
  terraform: |
    disk_size_gb = 100
conflicts:
  - {tool: checkov, id: CKV_1, note: wants it big}
azurePolicy: {expressible: partial, loses: [the join]}
examples:
  bad:
    - terraform: a
      at: '101'
      fixAt: '102'
      parameters: {limit: 5}
  good:
    - arm: b
      because: small
  unknown: []
"""


def load(tmp_path: Path, *texts: str) -> PolicySet:
    for index, text in enumerate(texts):
        path = tmp_path / "own" / f"{index}.yaml"
        path.parent.mkdir(exist_ok=True)
        path.write_text(text, encoding="utf-8")
    return store.policies_of(list(reading.user_files(str(tmp_path))), {})


def error(tmp_path: Path, *texts: str) -> str:
    with pytest.raises(UsageError) as caught:
        load(tmp_path, *texts)
    return str(caught.value).removeprefix(str(tmp_path).replace("\\", "/") + "/own/")


def test_both_documents_of_a_users_file(tmp_path: Path) -> None:
    policies = load(tmp_path, FIRST + SECOND)
    found = policies.by_id("ACME001")
    assert found is not None
    assert (found.name, found.types, found.parameters["limit"].default) == ("big-disk", (DISK,), 100)
    assert found.reads == ((DISK, "properties.diskSizeGB"),)
    assert policies.of(DISK.upper()) == (found,)
    texts = policies.texts(found)
    assert (texts.why, texts.errors, texts.sources[0].date) == ("It is too big.", ("UserErrorBig",), "2020-11-05")
    assert texts.snippets == {"terraform": "disk_size_gb = 100\n"}
    bad, good = texts.examples
    assert (bad.kind, bad.dialect, bad.at, bad.fix_at, bad.parameters) == (
        "bad",
        "terraform",
        "101",
        "102",
        {"limit": 5},
    )
    assert (good.kind, good.dialect, good.because) == ("good", "arm", "small")


def test_the_second_document_is_optional_for_users(tmp_path: Path) -> None:
    policies = load(tmp_path, FIRST)
    assert policies.texts(policies.policies[0]) == Texts()


def test_of_a_built_in_file_only_the_first_document_is_read() -> None:
    policies = store.policies_of([reading.File(Source("x.yaml", (FIRST + "---\n[").encode()), True)], {})
    assert policies.by_id("ACME001") is not None
    with pytest.raises(UsageError, match=r"x\.yaml:\d+:\d+: "):
        policies.texts(policies.policies[0])


def test_a_document_may_start_with_its_marker() -> None:
    text = "# comment\n---\n" + FIRST + SECOND
    policies = store.policies_of([reading.File(Source("x.yaml", text.encode()), True)], {})
    assert policies.texts(policies.policies[0]).summary == "Make it smaller."


def changed(before: str, after: str) -> str:
    assert before in FIRST + SECOND
    return (FIRST + SECOND).replace(before, after)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (changed("severity: error", "severity: fatal"), "0.yaml:11:16: 'fatal' is not allowed; allowed are error, info, warning"),
        (changed("title:", "titel:"), "0.yaml:4:1: unknown word 'titel'; did you mean 'title'?"),
        (changed("area: disks", "area: disks\nprofil: default"), "0.yaml:6:1: unknown word 'profil'; did you mean 'profile'?"),
        (changed("greater:", "graeter:"), "0.yaml:9:43: unknown word 'graeter'; did you mean 'greater'?"),
        (changed("{param: limit}", "{param: limits}"), "0.yaml:9:60: unknown parameter 'limits'; did you mean 'limit'?"),
        (changed("default: 100", "default: lots"), "0.yaml:8:31: expected a whole number"),
        (changed("id: ACME001", "id: acme1"), "0.yaml:2:5: 'acme1' does not fit: The id, never reused."),
        (changed("target: " + DISK, "target: disks"), "0.yaml:6:9: 'disks' does not fit"),
        (changed("{resource.name}", "{resource.nam}"), "0.yaml:12:10: nothing is called 'resource.nam'"),
        (changed("why: It", "wy: It"), "0.yaml:14:1: unknown word 'wy'; did you mean 'why'?"),
        (changed("errors: [UserErrorBig]\n", "").replace("why: It is too big.\n", ""), "0.yaml:14:1: 'why' is required"),
        (changed("at: '101'", "att: '101'"), "0.yaml:28:7: unknown word 'att'; did you mean 'at'?"),
        (changed("severity: error", "severity: error, when: {value: 1, equals: 1}"), "0.yaml:11:29: the last case has no `when`"),
        ("- 1\n", "0.yaml:1:1: expected a mapping"),
        ("id: [\n", "0.yaml:2:1: "),
        ("", "0.yaml: holds no policy"),
        (FIRST + SECOND + "---\nid: X\n", "0.yaml:36:1: a policy file holds two documents, this is a third"),
    ],
)  # fmt: skip
def test_an_error_has_a_place_and_the_allowed_words(tmp_path: Path, text: str, message: str) -> None:
    assert error(tmp_path, text).startswith(message)


def test_an_id_is_used_once(tmp_path: Path) -> None:
    assert error(tmp_path, FIRST, FIRST).startswith("1.yaml:2:5: ACME001 is also the id of")


def test_a_directory_without_policies_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="no policy files"):
        list(reading.user_files(str(tmp_path)))


SET = policy_set(
    policy(id="BKP101", name="nsg-denies", area="network"),
    policy(id="BKP301", name="big-disk", area="disks"),
    policy(id="BKP708", name="crowding", area="backup", profile="opt-in"),
)


@pytest.mark.parametrize(
    ("select", "ignore", "ids"),
    [
        ([], [], "BKP101 BKP301"),
        (["bkp301"], [], "BKP301"),
        (["big-disk"], [], "BKP301"),
        (["network", "BKP7*"], [], "BKP101 BKP708"),
        (["BKP*"], ["disks"], "BKP101 BKP708"),
        ([], ["nsg-*"], "BKP301"),
        ([], ["BKP901"], "BKP101 BKP301"),
        (["backup"], [], "BKP708"),
    ],
)
def test_select(select: list[str], ignore: list[str], ids: str) -> None:
    assert " ".join(policy.id for policy in SET.select(select, ignore)) == ids


def test_an_unknown_word_is_refused_with_the_nearest() -> None:
    with pytest.raises(UsageError, match="no policy is called 'BKP302'; did you mean 'BKP301'"):
        SET.select(["BKP302"])
    with pytest.raises(UsageError, match="no policy is called 'netwrk'; did you mean 'network'"):
        SET.select([], ["netwrk"])


def test_parameters_are_checked_and_bound(tmp_path: Path) -> None:
    policies = load(tmp_path, FIRST)
    policies.check_parameters({"limit": 5})
    with pytest.raises(UsageError, match="no policy has a parameter 'limmit'; did you mean 'limit'"):
        policies.check_parameters({"limmit": 5})
    with pytest.raises(UsageError, match="parameter 'limit' takes a int, not 'five'"):
        policies.check_parameters({"limit": "five"})
    with pytest.raises(UsageError, match="takes a int, not True"):
        policies.check_parameters({"limit": True})
    found = policies.policies[0]
    assert store.parameters(found, {}) == {"limit": Value(100)}
    assert store.parameters(found, {"limit": 7, "other": 1}) == {"limit": Value(7)}


def test_the_built_in_policies_load_without_jsonschema() -> None:
    program = dedent("""\
        import sys
        from bklint.facts import all_facts
        from bklint.policy import store
        store.load([], all_facts())
        assert store.schema()["$defs"]
        assert "jsonschema" not in sys.modules
    """)
    subprocess.run([sys.executable, "-c", program], check=True, env={"PYTHONPATH": "linter"})
