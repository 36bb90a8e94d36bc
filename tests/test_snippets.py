"""The fixes that are printed: each can be read by the grammar of its language, is clean when it is scanned, and the Bicep
one names what the ARM one does."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest

from bklint import run
from bklint.examples import alone
from bklint.files import MemoryReader
from bklint.finding import Severity
from bklint.source import Source
from bklint.syntax import bicep, powershell, shell
from policy_examples import PolicyFile, policy_files

SCHEMA = "https://schema.management.azure.com/schemas/2019-04-01/deploymentTemplate.json#"
SNIPPETS = [(file, language) for file in policy_files() for language in sorted(file.texts.snippets)]
LANGUAGES = {"terraform", "arm", "bicep", "az", "shell", "powershell"}
IDENTITY = {"type", "apiVersion", "name", "parent", "scope", "dependsOn", "location", "copy"}
"""Members that the two dialects have in ways of their own."""


def those(*languages: str) -> pytest.MarkDecorator:
    chosen = [(file, language) for file, language in SNIPPETS if language in languages]
    return pytest.mark.parametrize(
        ("file", "language"), chosen, ids=[f"{file.id}-{language}" for file, language in chosen]
    )


def test_every_language_is_tested() -> None:
    assert {language for _, language in SNIPPETS} <= LANGUAGES


# -- what is scanned -----------------------------------------------------------------------------------------------


def template(text: str) -> str:
    """An ARM snippet as a template: it is one already, or a resource, or several."""
    data = json.loads(text)
    if isinstance(data, dict) and "resources" in data and "type" not in data:
        return json.dumps({"$schema": SCHEMA, "contentVersion": "1.0.0.0", **data})
    resources = data if isinstance(data, list) else [data]
    return json.dumps({"$schema": SCHEMA, "contentVersion": "1.0.0.0", "resources": resources})


@those("terraform", "arm", "shell", "powershell")
def test_clean_when_scanned(file: PolicyFile, language: str) -> None:
    text = file.texts.snippets[language]
    name = {"terraform": "main.tf", "arm": "azuredeploy.json", "shell": "a.sh", "powershell": "a.ps1"}[language]
    files = {name: template(text) if language == "arm" else text}
    for edition in ("original", "current"):
        options = run.ScanOptions(min_severity=Severity.INFO, edition=edition)
        report = run.scan(["."], options, alone(file.policy), MemoryReader(files))
        assert [(each.policy, each.message) for each in report.findings if each.severity >= Severity.WARNING] == []
        assert not report.unread_claimed


@those("shell", "powershell", "az")
def test_scripts_are_read_without_a_gap(file: PolicyFile, language: str) -> None:
    data = file.texts.snippets[language].encode()
    assert (powershell.parse(data) if language == "powershell" else shell.parse(data)).gaps == 0


# -- Bicep ---------------------------------------------------------------------------------------------------------


@those("bicep")
def test_bicep_has_no_syntax_error(file: PolicyFile, language: str) -> None:
    import tree_sitter_bicep
    from tree_sitter import Language, Parser

    data = file.texts.snippets[language].encode()
    root = Parser(Language(tree_sitter_bicep.language())).parse(data).root_node
    assert not root.has_error


def arm_paths(data: Any, path: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    if isinstance(data, dict):
        for key, value in data.items():
            if path or key not in IDENTITY:
                yield from arm_paths(value, (*path, key))
    elif isinstance(data, list) and any(isinstance(item, (dict, list)) for item in data):
        for item in data:
            yield from arm_paths(item, path)
    elif path:
        yield path


def flat(resources: list[Any]) -> Iterator[Any]:
    """The resources of a template; of a nested deployment, those of its own. Bicep says the scope in other ways."""
    for each in resources:
        if each["type"] == "Microsoft.Resources/deployments":
            yield from flat(each["properties"]["template"]["resources"])
        elif not each.get("existing"):
            yield each


def bicep_paths(node: bicep.Node, path: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    if node.kind == "object":
        for member in node.members:
            if path or member.name not in IDENTITY:
                yield from bicep_paths(member.value, (*path, member.name))
    elif node.kind == "array" and any(item.kind in ("object", "array") for item in node.items):
        for item in node.items:
            yield from bicep_paths(item, path)
    elif path:
        yield path


def test_bicep_names_the_properties_of_the_arm_snippet() -> None:
    compared = 0
    for file in policy_files():
        snippets = file.texts.snippets
        if "bicep" not in snippets or "arm" not in snippets:
            continue
        data = json.loads(template(snippets["arm"]))
        arm: dict[str, set[tuple[str, ...]]] = {}
        made: dict[str, set[tuple[str, ...]]] = {}
        for each in flat(data["resources"]):
            arm.setdefault(each["type"], set()).update(arm_paths(each))
        for declaration in bicep.parse(Source("a.bicep", snippets["bicep"].encode())).declarations:
            if declaration.kind == bicep.RESOURCE and not declaration.existing:
                value = bicep.body_of(declaration.value)
                assert value is not None, file.id
                made.setdefault(declaration.type, set()).update(bicep_paths(value))
        assert made == arm, file.id
        compared += 1
    assert compared > 20


def test_where_there_is_an_arm_snippet_there_is_a_bicep_one() -> None:
    assert [
        file.id for file in policy_files() if ("arm" in file.texts.snippets) != ("bicep" in file.texts.snippets)
    ] == []


BY_WORDS = {
    "BKP506": "the declaration is removed",
    "BKP717": "a change is made in another way",
    "BKP801": "a runbook, not a declaration",
    "BKP804": "a runbook, not a declaration",
}
"""Policies on resources whose fix is no declaration in a template, and why."""


def test_findings_in_templates_have_a_snippet_for_templates() -> None:
    about = [file for file in policy_files() if not file.policy.types[0].startswith("guest/")]
    without = {file.id for file in about if not {"terraform", "arm", "bicep"} <= file.texts.snippets.keys()}
    assert without == BY_WORDS.keys()
