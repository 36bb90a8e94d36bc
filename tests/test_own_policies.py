"""Policies of the user's own: written, tested and run with commands alone; and the words they may use."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from bklint import __version__, facts
from bklint.cli import main
from bklint.model.relations import RELATIONS
from bklint.policy.skeleton import skeleton
from bklint.policy.store import RESERVED
from bklint.reporters.rules import NOTICES
from bklint.suppress import NAMES

DISK = 'resource "azurerm_managed_disk" "a" {\n  name         = "a"\n  disk_size_gb = 2000\n}\n'


@pytest.fixture
def own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Path:
    """A new policy as `policies new` prints it."""
    (tmp_path / ".git").mkdir()
    (tmp_path / "own").mkdir()
    (tmp_path / "main.tf").write_text(DISK)
    monkeypatch.chdir(tmp_path)
    assert main(["policies", "new", "disks/too-large"]) == 0
    path = tmp_path / "own" / "too-large.yaml"
    path.write_text(capsys.readouterr().out)
    return path


def test_a_new_policy_holds(own: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["policies", "test", "own"]) == 0
    assert capsys.readouterr().out == "own/too-large.yaml: 3 examples hold\n"


def test_a_new_policy_runs(own: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["scan", "--policies", "own", "--select", "OWN*", "--fail-on", "warning"]) == 1
    assert "warning[OWN001]: disk a has 2000 GiB; we allow up to 1024 GiB" in capsys.readouterr().out
    Path(".bklint.yaml").write_text("policies: [own]\nselect: [OWN001]\nparameters: {largest: 2000}\n")
    assert main(["scan", "--fail-on", "warning"]) == 0
    Path("main.tf").write_text("# bklint: ignore[OWN001] known\n" + DISK)
    Path(".bklint.yaml").write_text("policies: [own]\nselect: [too-large]\n")
    capsys.readouterr()
    assert main(["scan"]) == 0
    assert "(1 suppressed)" in capsys.readouterr().out


WRONG = [
    ('at: "1025"', 'at: "7"', "bad terraform example: reported at ['1025'], not at '7'"),
    ("disk_size_gb = 1025", "disk_size_gb = 5", "bad terraform example: not reported: clear (1 resources)"),
    ("disk_size_gb = 1024\n", "disk_size_gb = 9999\n",
     "good terraform example: reported at '9999': disk disk-data has 9999 GiB; we allow up to 1024 GiB"),
    ("disk_size_gb = var.size", "disk_size_gb = 7", "unknown terraform example: decided: clear"),
    ("1025", "2000", "no example notices when parameter largest is 1025"),
]  # fmt: skip


@pytest.mark.parametrize(("old", "new", "message"), WRONG, ids=[row[1] for row in WRONG])
def test_wrong_examples(old: str, new: str, message: str, own: Path, capsys: pytest.CaptureFixture[str]) -> None:
    own.write_text(own.read_text().replace(old, new))
    assert main(["policies", "test", "own"]) == 1
    assert f"own/too-large.yaml: {message}\n" in capsys.readouterr().out


def test_no_examples(own: Path, capsys: pytest.CaptureFixture[str]) -> None:
    text = own.read_text()
    own.write_text(text[: text.index("examples:")])
    assert main(["policies", "test", "own"]) == 2
    assert capsys.readouterr().err == "bklint: own/too-large.yaml:21:1: 'examples' is required\n"


@pytest.mark.parametrize("word", ["disks", "disks/", "Disks/x", "a/b/c", "disks/Too-Large", "../x"])
def test_wrong_names(word: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["policies", "new", word]) == 2
    assert "is not an area and a name in lower case" in capsys.readouterr().err


def test_every_fact_and_relation_is_listed(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["policies", "facts"]) == 0
    lines = capsys.readouterr().out.splitlines()
    for fact in facts.all_facts().values():
        assert fact.summary, f"{fact.name} has no docstring"
        assert any(line.split()[:1] == [fact.name] for line in lines), fact.name
    for row in RELATIONS:
        assert f"  {row.name} -> {row.target}" in lines
        assert f"  {row.inverse} -> {row.source}" in lines


@pytest.mark.parametrize("name", ["config", "policy", "output"])
def test_schemas(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    from jsonschema import Draft202012Validator

    assert main(["schema", name]) == 0
    Draft202012Validator.check_schema(json.loads(capsys.readouterr().out))


def test_json_reports_fit_their_schema(own: Path, capsys: pytest.CaptureFixture[str]) -> None:
    from jsonschema import Draft202012Validator

    main(["schema", "output"])
    schema = json.loads(capsys.readouterr().out)
    Path("bad.tf").write_text("resource {")
    main(["baseline", "--policies", "own"])
    Path("main.tf").write_text(DISK + DISK.replace('"a"', '"b"').replace("2000", "var.x"))
    Path("bad.tf").unlink()
    capsys.readouterr()
    main(["scan", "--policies", "own", "--baseline", ".bklint-baseline.json", "--format", "json"])
    data = json.loads(capsys.readouterr().out)
    assert data["known"]
    assert data["gone"]
    Draft202012Validator(schema).validate(data)
    for page in sorted((Path(__file__).parent / "golden" / "reporters").glob("*[a-z].json")):
        if page.name.endswith(".gitlab.json"):
            continue
        Draft202012Validator(schema).validate(json.loads(page.read_text("utf-8")))


def test_unknown_uses_of_policies(capsys: pytest.CaptureFixture[str]) -> None:
    for words in (["show"], ["test"], ["new"], ["facts", "x"], ["list", "x"]):
        assert main(["policies", *words]) == 2
    assert "takes" in capsys.readouterr().err


def test_findings_of_no_policy_can_be_read_about(capsys: pytest.CaptureFixture[str]) -> None:
    for id_ in RESERVED:
        assert main(["policies", "show", id_]) == 0
        assert capsys.readouterr().out.startswith(f"{id_} ")
    assert set(NOTICES) == set(RESERVED)
    assert {id_: NOTICES[id_].name for id_ in NAMES} == NAMES


# -- init ----------------------------------------------------------------------------------------------------------


def test_init(own: Path, capsys: pytest.CaptureFixture[str]) -> None:
    Path("env").mkdir()
    for name in ("prod", "test one"):
        Path("env", f"{name}.tfvars").write_text("size = 5\n")
    Path("main.tf").write_text('variable "size" {}\n' + DISK)
    Path(".github/workflows").mkdir(parents=True)
    assert main(["init"]) == 0
    text = capsys.readouterr().out
    assert "found 1 terraform, 2 tfvars" in text
    assert f"uses: bklint/bklint@v{__version__}" in text
    written = Path(".bklint.yaml").read_text()
    assert "#   '.':\n#     - env/prod.tfvars\n#     - 'env/test one.tfvars'\n" in written
    assert main(["scan"]) in (0, 1)
    assert main(["init"]) == 2
    assert main(["init", "--force"]) == 0
    assert main(["init", "no/such"]) == 2


def test_every_comment_of_init_can_be_switched_on(own: Path, capsys: pytest.CaptureFixture[str]) -> None:
    Path("t.json").write_text('{"$schema": "https://x/deploymentTemplate.json#", "resources": []}')
    Path("t.parameters.json").write_text('{"$schema": "https://x/deploymentParameters.json#", "parameters": {}}')
    assert main(["init"]) == 0
    lines = Path(".bklint.yaml").read_text().splitlines()
    keys = ("select", "ignore", "severity", "exclude", "fail_on", "min_severity", "complete", "contexts")
    starts = (*(f"# {key}:" for key in keys), "#   ")
    on = [line.removeprefix("# ") for line in lines if line.startswith(starts)]
    Path(".bklint.yaml").write_text("\n".join(on) + "\n")
    capsys.readouterr()
    assert main(["scan"]) in (0, 1), capsys.readouterr().err


def test_what_a_finding_points_to_is_shown(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """`bklint policies show ID`, the last line of a finding, knows the policies that the configuration names."""
    monkeypatch.chdir(tmp_path)
    Path("own/disks").mkdir(parents=True)
    Path("own/disks/too-large.yaml").write_text(skeleton("disks/too-large"))
    assert main(["policies", "show", "OWN001"]) == 2
    Path(".bklint.yaml").write_text("policies: [own]\n")
    assert main(["policies", "show", "OWN001"]) == 0
    assert "too-large" in capsys.readouterr().out
