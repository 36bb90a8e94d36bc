"""Paths into inputs: what each file is taken for, and what is said of those that are not read."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from bklint import discover as module
from bklint import limits
from bklint.discover import by_content, discover, members
from bklint.files import DiskReader, MemoryReader

ARM = '{"$schema": "https://schema.management.azure.com/schemas/2019-04-01/deploymentTemplate.json#", "resources": []}'
PARAMETERS = '{"$schema": "https://schema.management.azure.com/schemas/2015-01-01/deploymentParameters.json#"}'
DIALECTS = ("terraform", "arm")

CONTENT = {
    "template": (ARM, "arm"),
    "subscription template": (ARM.replace("deploymentTemplate", "subscriptionDeploymentTemplate"), "arm"),
    "management group template": (ARM.replace("deploymentTemplate", "managementGroupDeploymentTemplate"), "arm"),
    "tenant template": (ARM.replace("deploymentTemplate", "tenantDeploymentTemplate"), "arm"),
    "escaped slashes": (ARM.replace("/", "\\/"), "arm"),
    "byte-order mark": ("\ufeff" + ARM, "arm"),
    "comment before": ('// {\n/* [ " */' + ARM, "arm"),
    "cut off": (ARM[:120], "arm"),
    "schema after a long member": (
        json.dumps({"metadata": "x" * 9000, "$schema": "…/deploymentTemplate.json#"}),
        "arm",
    ),
    "without schema": ('{"contentVersion": "1.0.0.0", "resources": {}}', "arm"),
    "parameters": (PARAMETERS, "parameters"),
    "template inside a policy definition": ('{"properties": {"template": ' + ARM + "}}", ""),
    "schema named in a text": ('{"a": "\\"$schema\\": \\"deploymentTemplate.json\\""}', ""),
    "plan": ('{"format_version": "1.2", "terraform_version": "1.9", "planned_values": {}}', "plan"),
    "state": ('{"version": 4, "terraform_version": "1.9", "resources": []}', ""),
    "nsg show": ('{"defaultSecurityRules": [], "name": "n"}', "nsg"),
    "nsg list": ('[{"id": "/x/Microsoft.Network/networkSecurityGroups/n", "securityRules": []}]', "nsg"),
    "rule list": ('[{"access": "Deny", "direction": "Outbound", "priority": 1, "protocol": "*"}]', "nsg"),
    "effective rules": ('{"value": [{"association": {}, "effectiveSecurityRules": []}]}', "nsg"),
    "REST": ('{"type": "Microsoft.Network/networkSecurityGroups", "properties": {"securityRules": []}}', "nsg"),
    "rules of one's own": ('{"securityRules": []}', ""),
    "package.json": ('{"name": "x", "dependencies": {}}', ""),
    "tsconfig.json": ("// comment\n{ 'a': 1, }", ""),
    "empty": ("", ""),
    "a text": ('"contentVersion"', ""),
    "closed too often": ("]}}]" + ARM, "arm"),
}


@pytest.mark.parametrize("case", CONTENT)
def test_content(case: str) -> None:
    text, kind = CONTENT[case]
    assert by_content(text.encode()) == kind


YAML = {
    "nsg show": ("defaultSecurityRules:\n- access: Allow\n  name: x\nid: /x\nname: n\n", "nsg"),
    "nsg list": ("- etag: x\n  id: /x/networkSecurityGroups/n\n  securityRules: []\n", "nsg"),
    "rule list": (
        "- access: Deny\n  destinationAddressPrefix: '*'\n  direction: Outbound\n  priority: 1\n  protocol: '*'\n",
        "nsg",
    ),
    "effective rules": ("value:\n- association: {}\n  effectiveSecurityRules:\n  - access: Deny\n", "nsg"),
    "Ansible": (
        "- name: x\n  azure_rm_securitygroup:\n    rules:\n      - access: Deny\n        direction: Outbound\n",
        "",
    ),
    "pipeline": ("steps:\n- script: echo securityRules\n", ""),
    "empty": ("", ""),
}


@pytest.mark.parametrize("case", YAML)
def test_yaml(case: str) -> None:
    text, kind = YAML[case]
    assert module.by_yaml(text.encode()) == kind


@pytest.mark.parametrize("codec", ["utf-16-le", "utf-16-be"])
def test_utf16(codec: str) -> None:
    mark = b"\xff\xfe" if codec == "utf-16-le" else b"\xfe\xff"
    files = {"a.json": mark + ARM.encode(codec), "b.json": mark + ARM.encode(codec)[:-1], "c.json": mark}
    found = discover(["."], MemoryReader(files), DIALECTS)
    assert (found.roots, found.skipped) == ({"arm": ["a.json", "b.json"]}, ["c.json"])


def test_members() -> None:
    found = members(b'{"A": "x", "b": {"c": {"d": {"e": 1}}}, "f": [{"g": "y"}, {"h": null}], "i": ["j"]}')
    assert found == {
        "a": "x", "b": "", "b.c": "", "b.c.d": "", "b.c.d.e": "", "f": "", "f.[].g": "y", "f.[].h": "", "i": "",
    }  # fmt: skip


TREE = {
    "main.tf": "",
    "net/vnet.tofu": "",
    "net/x.tf.json": "{}",
    "env/prod.tfvars": "",
    "arm/b.json": ARM,
    "arm/a.json": ARM,
    "arm/a.parameters.json": PARAMETERS,
    "package.json": "{}",
    "notes.txt": "",
    "image.pkr.hcl": "",
    "old.tf~": "",
    ".hidden/x.tf": "",
    ".git/x.tf": "",
    "app/node_modules/y/x.tf": "",
    "venv/pyvenv.cfg": "",
    "venv/x.json": ARM,
    "bicep/app.bicep": "",
    "bicep/app.json": ARM,
    "bicep/app.bicepparam": "",
    "bicep/lone.bicep": "",
    "live/terragrunt.hcl": "",
    "plan.json": CONTENT["plan"][0],
    "nsg.json": CONTENT["nsg show"][0],
}


def test_tree() -> None:
    found = discover(["."], MemoryReader(TREE), DIALECTS)
    assert found.roots == {"terraform": [".", "net"], "arm": ["arm/a.json", "arm/b.json", "bicep/app.json"]}
    assert found.files == {"terraform": 3, "tfvars": 1, "arm": 3, "parameters": 1}
    assert found.skipped == ["package.json"]
    assert found.problems == []
    assert [(note.kind, note.message.partition(":")[0]) for note in found.notes] == [
        ("nsg", "nsg.json"),
        ("plan", "plan.json"),
        ("bicep", "2 Bicep files (bicep/app.bicepparam, bicep/lone.bicep)"),
        ("terragrunt", "1 Terragrunt file (live/terragrunt.hcl)"),
    ]
    assert all(note.strict for note in found.notes)


def test_a_dialect_with_a_front_end_is_read() -> None:
    found = discover(["."], MemoryReader(TREE), (*DIALECTS, "nsg"))
    assert found.roots["nsg"] == ["nsg.json"]
    assert "nsg" not in {note.kind for note in found.notes}


def test_hidden_directory_given_by_name() -> None:
    assert discover([".hidden/"], MemoryReader(TREE), DIALECTS).roots == {"terraform": [".hidden"]}


NAMED = {
    "terraform": ("net/vnet.tofu", {"terraform": ["net"]}, [], 0),
    "template": ("arm/a.json", {"arm": ["arm/a.json"]}, [], 0),
    "bicep with a twin": ("bicep/app.bicep", {"arm": ["bicep/app.json"]}, [], 0),
    "bicep alone": ("bicep/lone.bicep", {}, ["bicep"], 0),
    "values alone": ("env/prod.tfvars", {}, ["unclaimed"], 0),
    "unrelated JSON": ("package.json", {}, ["unclaimed"], 0),
    "text": ("notes.txt", {}, ["unclaimed"], 0),
    "damaged JSON": ("damaged.json", {}, [], 1),
    "damaged template": ("template.json", {"arm": ["template.json"]}, [], 0),
    "not UTF-8": ("latin.json", {}, [], 1),
    "damaged YAML": ("damaged.yaml", {}, [], 1),
    "unrelated YAML": ("k8s.yml", {}, ["unclaimed"], 0),
}


@pytest.mark.parametrize("case", NAMED)
def test_named_file(case: str) -> None:
    path, roots, notes, problems = NAMED[case]
    files = {**TREE, "damaged.json": '{"a": ', "template.json": ARM[:-1], "latin.json": b'{"a": "\xe9"}',
             "damaged.yaml": "a: [", "k8s.yml": "kind: Pod\n"}  # fmt: skip
    found = discover([path], MemoryReader(files), DIALECTS)
    assert found.roots == roots
    assert [note.kind for note in found.notes] == notes
    assert len(found.problems) == problems
    assert all(problem.claims for problem in found.problems)


def test_same_input_twice() -> None:
    found = discover([".", "./arm", "arm/a.json", "net"], MemoryReader(TREE), DIALECTS)
    assert found.roots == discover(["."], MemoryReader(TREE), DIALECTS).roots


def test_links_and_loops(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    (tmp_path / "a" / "main.tf").write_text("")
    (tmp_path / "a" / "again").symlink_to(tmp_path / "a")
    (tmp_path / "gone.json").symlink_to(tmp_path / "nowhere")
    (tmp_path / "out.json").symlink_to("/etc/hostname")
    found = discover([str(tmp_path)], DiskReader((str(tmp_path),)), DIALECTS)
    assert found.roots == {"terraform": [f"{tmp_path}/a"]}
    assert sorted(note.kind for note in found.notes) == ["unreadable", "unreadable"]


@pytest.mark.skipif(os.geteuid() == 0, reason="root reads everything")
def test_closed_directory(tmp_path: Path) -> None:
    (tmp_path / "closed").mkdir(mode=0)
    found = discover([str(tmp_path)], DiskReader((str(tmp_path),)), DIALECTS)
    assert [note.kind for note in found.notes] == ["unreadable"]


def test_bounds() -> None:
    deep = "/".join("d" for _ in range(limits.DEFAULTS["directory_depth"] + 3)) + "/main.tf"
    (note,) = discover(["."], MemoryReader({deep: ""}), DIALECTS).notes
    assert (note.kind, note.path) == ("limit", "/".join("d" for _ in range(limits.DEFAULTS["directory_depth"])))
    many = {f"{number}.tf": "" for number in range(9)}
    with limits.using({"files": 3}):
        found = discover(["."], MemoryReader(many), DIALECTS)
    assert (found.files, [note.kind for note in found.notes]) == ({"terraform": 3}, ["limit"])
