"""`bklint explain`: what words are about, what is said of it, and what it makes of code.

`BKLINT_UPDATE_GOLDEN=1` rewrites the golden pages.
"""

from __future__ import annotations

import io
import json
import os
import sys
import unicodedata
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from bklint import explain
from bklint.cli import main
from bklint.explain.search import tokens
from bklint.finding import Finding, Report, Severity
from bklint.reporters import Rule, Style, explanation
from bklint.reporters.explanation import Explanation

GOLDEN = Path(__file__).parent.parent / "golden" / "explain"
KNOWLEDGE = explain.load()
NAMES = {"BKP201": "lock-on-backup-resource-group", "BKP301": "disk-larger-than-32tb"}
FRENCH = [tuple(line.split("\t", 1)) for line in (GOLDEN / "french.tsv").read_text("utf-8").splitlines()]
ENGLISH = [
    (entry.id, message.text) for entry in KNOWLEDGE.entries for message in entry.messages if message.language == "en"
]
CODES = [(code, entry.id) for entry in KNOWLEDGE.entries for code in (*entry.codes, entry.id)]

LOCK = """
resource "azurerm_management_lock" "l" {
  name       = "keep"
  scope      = "/subscriptions/11111111-2222-3333-4444-555555555555/resourceGroups/AzureBackupRG_westeurope_1"
  lock_level = "CanNotDelete"
}
"""


def first(words: str) -> str:
    """The entry that some words are about."""
    matches = explain.find(words, KNOWLEDGE, NAMES).matches
    return matches[0].entry.id if matches else ""


def rows_of(words: str) -> tuple[str, ...]:
    entry = KNOWLEDGE.entry(first(words))
    return entry.labels if entry is not None else ()


# -- finding -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("code", "id_"), CODES, ids=[code for code, _ in CODES])
def test_code(code: str, id_: str) -> None:
    for words in (code, code.lower(), f" {code}. ", f"Error code: {code}\nsomething failed with VSS and BitLocker"):
        assert first(words) == id_


@pytest.mark.parametrize(("row", "text"), FRENCH, ids=[row for row, _ in FRENCH])
def test_french_message_pasted(row: str, text: str) -> None:
    assert row in rows_of(text)


@pytest.mark.parametrize(("row", "text"), FRENCH, ids=[row for row, _ in FRENCH])
def test_french_message_without_accents_in_capitals(row: str, text: str) -> None:
    plain = "".join(c for c in unicodedata.normalize("NFKD", text) if not unicodedata.combining(c)).replace("’", "'")
    assert row in rows_of(plain.upper())


@pytest.mark.parametrize(("row", "text"), FRENCH, ids=[row for row, _ in FRENCH])
def test_french_message_with_typos(row: str, text: str) -> None:
    """Every third long word loses a letter."""
    words = text.split()
    wrong = [w[:3] + w[4:] if number % 3 == 0 and len(w) > 6 else w for number, w in enumerate(words)]
    assert row in rows_of(" ".join(wrong))


@pytest.mark.parametrize(("id_", "text"), ENGLISH, ids=[id_ for id_, _ in ENGLISH])
def test_english_message_pasted(id_: str, text: str) -> None:
    assert first(text) == id_
    assert first(text.upper()) == id_


@pytest.mark.parametrize(("id_", "text"), ENGLISH, ids=[id_ for id_, _ in ENGLISH])
def test_english_message_inside_a_job(id_: str, text: str) -> None:
    assert first(f"Job 7f3a web01 rg-prod Failed 2026-03-01T02:00:14Z. Message: {text} Contoso") == id_


WORDS = [
    ("disque trop gros", "UserErrorUnsupportedDiskSize"),
    ("disk too large", "UserErrorUnsupportedDiskSize"),
    ("La taille de dique configuree nest pas prise en charge", "UserErrorUnsupportedDiskSize"),
    ("limite points de restoration", "UserErrorRpCollectionLimitReached"),
    ("lock", "A93"),
    ("verrou", "A93"),
    ("BitLocker", "ExtensionSnapshotBitlockerError"),
    ("SELinux", "UserErrorVmNotInDesirableState"),
    ("168.63.129.16", "A63"),
    ("COM+ MSDTC", "ExtensionInstallationFailedMDTC"),
    ("DHCP", "A52"),
    ("sql server", "A44"),
    ("USEVSSCOPYBACKUP", "A44"),
    ("snapshot limit exceeded disks", "ExtensionFailedSnapshotLimitReachedError"),
    ("key vault permissions", "UserErrorKeyvaultPermissionsNotConfigured"),
    ("vm agent not ready", "UserErrorGuestAgentStatusUnavailable"),
    ("waagent.conf", "A88"),
    ("applocker", "A89"),
    ("VSS writers bad state", "ExtensionFailedVssWriterInBadState"),
    ("VSS service bad state", "ExtensionFailedVssServiceInBadState"),
    ("annuler le travail impossible", "A24"),
    ("UserErorRpColectionLimitReached", "UserErrorRpCollectionLimitReached"),
    ("GuestAgentSnapshotTaskStatus", "GuestAgentSnapshotTaskStatusError"),
    ("RpCollectionLimit", "UserErrorRpCollectionLimitReached"),
    ("a72", "UserErrorRpCollectionLimitReached"),
    ("A7b", "BackUpOperationFailed"),
    ("400094", "BCMV2VMNotFound"),
    ("purple elephants dance", ""),
    ("the backup of the vm", ""),
    ("?!", ""),
    ("", ""),
]


@pytest.mark.parametrize(("words", "id_"), WORDS, ids=[words for words, _ in WORDS])
def test_words(words: str, id_: str) -> None:
    assert first(words) == id_


def test_policies() -> None:
    for words in ("BKP201", "bkp201", "lock-on-backup-resource-group", "error[BKP201]: lock l is on resource group"):
        answer = explain.find(words, KNOWLEDGE, NAMES)
        assert answer.policy == "BKP201"
        assert "UserErrorRpCollectionLimitReached" in [match.entry.id for match in answer.matches]
    assert explain.find("BKP999", KNOWLEDGE, NAMES) == explain.Answer()
    planned = next(iter(KNOWLEDGE.planned))
    assert explain.find(planned, KNOWLEDGE, {}).policy == planned


def test_a_code_wins_over_a_policy() -> None:
    answer = explain.find("BKP301 UserErrorRpCollectionLimitReached", KNOWLEDGE, NAMES)
    assert (answer.policy, answer.matches[0].entry.id) == ("", "UserErrorRpCollectionLimitReached")


def test_several_codes_stay_in_order() -> None:
    answer = explain.find("UserErrorUnsupportedDiskSize, then BackUpOperationFailed", KNOWLEDGE, NAMES)
    assert [match.entry.id for match in answer.matches] == ["UserErrorUnsupportedDiskSize", "BackUpOperationFailed"]


def test_tokens() -> None:
    assert tokens("L’état de l’instantané : les œufs") == ("etat", "instantane", "oeuf")
    assert tokens("VMSnapshot ErrorCode") == ("vmsnapshot", "errorcode", "error", "code")
    assert tokens("see https://go.microsoft.com/fwlink/?LinkId=1 168.63.129.16") == ("see", "168.63.129.16")


def test_long_words_take_no_time() -> None:
    assert first("x" * 20_000 + " " + "y " * 5_000) == ""


# -- saying --------------------------------------------------------------------------------------------------------


RULES = {
    "BKP301": Rule("BKP301", "disk-larger-than-32tb", "Disk is larger than 32 TB", "disks", "error"),
    "BKP401": Rule("BKP401", "", "Encrypted disk is larger than 4 TB", "", "planned"),
}
FOUND = Finding(
    "BKP301", "disk-larger-than-32tb", Severity.ERROR, "disk a is 40000 GiB", "main.tf", None, "azurerm_managed_disk.a"
)


def said(id_: str = "UserErrorUnsupportedDiskSize", **more: Any) -> Explanation:
    """An explanation of an entry."""
    plain = Explanation("words", KNOWLEDGE, RULES, entry=KNOWLEDGE.entry(id_), selected=("BKP301",))
    return replace(plain, **more)


PAGES: list[tuple[str, Callable[[], str]]] = [
    ("entry.txt", lambda: explanation.text(said(), Style())),
    ("narrow.txt", lambda: explanation.text(said(), Style(width=80))),
    ("colour.txt", lambda: explanation.text(said(), Style(color=True))),
    ("runtime.txt", lambda: explanation.text(said("A22", rules={}), Style())),
    ("classic.txt", lambda: explanation.text(said("A25", rules={}), Style())),
    ("found.txt", lambda: explanation.text(said(paths=("infra",), report=Report((FOUND,), files_read=2)), Style())),
    ("nothing.txt", lambda: explanation.text(said(paths=("infra",), report=Report(files_read=2)), Style())),
    ("entry.json", lambda: explanation.json(said(), Style())),
    ("list.txt", lambda: explanation.listing(KNOWLEDGE, Style())),
]


@pytest.mark.parametrize(("name", "page"), PAGES, ids=[name for name, _ in PAGES])
def test_golden(name: str, page: Callable[[], str]) -> None:
    text, path = page(), GOLDEN / name
    if os.environ.get("BKLINT_UPDATE_GOLDEN"):
        path.write_text(text, encoding="utf-8")
    assert text == path.read_text(encoding="utf-8")


@pytest.mark.parametrize("width", [80, 100])
def test_lines_are_no_wider_than_asked(width: int) -> None:
    for entry in KNOWLEDGE.entries:
        for line in explanation.text(said(entry.id), Style(width=width)).splitlines():
            assert len(line) <= width or "://" in line, line


def test_list_fits_100_columns() -> None:
    assert max(map(len, explanation.listing(KNOWLEDGE, Style()).splitlines())) <= 100


def test_the_gravest_and_closest_come_first() -> None:
    def finding(policy: str, severity: Severity) -> Finding:
        return Finding(policy, "", severity, "", "a.tf", None)

    found = [
        finding("BKP900", Severity.ERROR),
        finding("BKP702", Severity.WARNING),
        finding("BKP201", Severity.WARNING),
        finding("BKP702", Severity.ERROR),
    ]
    ranked = explanation.ranked(Report(tuple(found)), ("BKP201", "BKP702"))
    assert [(each.policy, each.severity) for each in ranked.findings] == [
        ("BKP702", Severity.ERROR),
        ("BKP201", Severity.WARNING),
        ("BKP702", Severity.WARNING),
        ("BKP900", Severity.ERROR),
    ]


def test_what_is_shown_of_paths_is_harmless() -> None:
    text = explanation.text(said(paths=("a\x1b[31m",), report=Report()), Style())
    assert "\x1b" not in text


# -- the command ---------------------------------------------------------------------------------------------------


@pytest.fixture
def infra(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A directory `infra` with a lock on the resource group of restore points, in the working directory."""
    (tmp_path / ".git").mkdir()
    (tmp_path / "infra").mkdir()
    (tmp_path / "infra" / "main.tf").write_text(LOCK)
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.parametrize(
    "arguments",
    [
        ["UserErrorRpCollectionLimitReached", "infra"],
        ["UserErrorRpCollectionLimitReached", "./infra"],
        [
            "--in",
            "infra",
            "--",
            "La",
            "limite",
            "maximale",
            "de",
            "la",
            "collection",
            "de",
            "points",
            "de",
            "restauration",
        ],
        ["restore point collection max limit", "--in", "infra"],
        ["bkp201", "infra/main.tf"],
    ],
)
def test_with_paths(arguments: list[str], infra: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["explain", *arguments]) == 0
    out = capsys.readouterr().out
    assert "error[BKP201]" in out
    assert "infra/main.tf:4:" in out
    assert out.index("error[BKP201]") < out.index("By hand, in this order")


def test_what_was_accepted_may_be_the_cause(infra: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (infra / ".bklint.yaml").write_text("ignore: [BKP201]\nselect: [disks]\n")
    (infra / "infra" / "main.tf").write_text(LOCK.replace('"l" {', '"l" { # bklint: ignore[BKP201] we want it'))
    assert main(["explain", "UserErrorRpCollectionLimitReached", "infra"]) == 0
    assert "error[BKP201]" in capsys.readouterr().out


def test_json(infra: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["explain", "UserErrorRpCollectionLimitReached", "infra", "--format", "json"]) == 0
    data = json.loads(capsys.readouterr().out)
    assert data["entry"]["rows"][0]["row"] == "72"
    assert data["report"]["findings"][0]["policy"] == "BKP201"
    assert main(["explain", "BKP201", "--format", "json"]) == 0
    data = json.loads(capsys.readouterr().out)
    assert (data["entry"], data["policy"]["id"], data["report"]) == (None, "BKP201", None)


def test_an_opt_in_policy_runs(infra: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["explain", "A25", "infra"]) == 0
    assert "BKP801 found nothing in 1 file." in capsys.readouterr().out


def test_no_policy_can_see_it(infra: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["explain", "A21", "infra"]) == 0
    assert "No policy can see this error in code." in capsys.readouterr().out


def test_the_first_word_is_never_a_path(infra: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (infra / "lock").mkdir()
    assert main(["explain", "lock"]) == 0
    assert capsys.readouterr().out.startswith("A93\n")


def test_unreadable_input(infra: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (infra / "infra" / "b.tf").write_text('resource "x" {')
    assert main(["explain", "UserErrorRpCollectionLimitReached", "infra"]) == 3


def test_list(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["explain", "--list"]) == 0
    out = capsys.readouterr().out
    assert all(entry.id in out for entry in KNOWLEDGE.entries)
    assert main(["explain", "--list", "--format", "json"]) == 0
    assert len(json.loads(capsys.readouterr().out)["entries"]) == len(KNOWLEDGE.entries)


def test_standard_input(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr(
        sys, "stdin", io.TextIOWrapper(io.BytesIO("Échec de l’approvisionnement de la machine virtuelle\n".encode()))
    )
    assert main(["explain", "-"]) == 0
    assert capsys.readouterr().out.startswith("UserErrorVmProvisioningStateFailed\n")


WRONG = [
    ([], "takes an error code"),
    (["purple", "elephants"], "nothing is known about 'purple elephants'"),
    (["UserErrorQuux"], "did you mean"),
    (["BKP999"], "nothing is known about 'BKP999'"),
    (["A21", "./nowhere"], "path './nowhere' does not exist"),
    (["A21", "--in", "nowhere"], "path 'nowhere' does not exist"),
    (["--list", "A21"], "takes no words"),
]


@pytest.mark.parametrize(("arguments", "message"), WRONG, ids=[message for _, message in WRONG])
def test_usage(arguments: list[str], message: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["explain", *arguments]) == 2
    out, err = capsys.readouterr()
    assert (out, err.count("\n")) == ("", 1)
    assert message in err
