"""What a first document compiles to, beside its conditions, and which are refused."""

from __future__ import annotations

from typing import Any, NamedTuple

import pytest

from bklint.policy import compile as compiler
from bklint.policy.model import Operation
from bklint.policy.names import PolicyError
from handmade import DISK, VM, first_document, policy


class Declared(NamedTuple):
    name: str
    types: tuple[str, ...]
    fields: tuple[str, ...] = ()


FACTS = {"freePriority": Declared("freePriority", (DISK,))}


def test_what_is_optional() -> None:
    found = policy()
    assert (found.opt_in, found.doc_status, found.safety, found.subsumes) == (False, "in-force", "manual", ())
    assert found.modes == {"managed"}
    assert found.edition("current").cap == "error"


def test_what_a_policy_reads_is_known() -> None:
    condition = {
        "allOf": [
            {"field": "sku.name", "equals": "x"},
            {"fact": "freePriority", "less": 5},
            {"exists": {"resource": "virtualMachines", "where": {"field": "plan.name", "exists": True}}},
        ]
    }
    found = policy(FACTS, condition=condition, message="m", report={})
    assert found.reads == ((DISK, "sku.name"), (VM, "plan.name"))
    assert found.facts == ("freePriority",)


def test_operations_keep_their_values() -> None:
    value = {"priority": {"fact": "freePriority"}, "ports": ["80", {"param": "port"}]}
    parameters = {"port": {"type": "string", "default": "443"}}
    operations = [{"op": "insertItem", "field": "properties.rules", "value": value}, {"op": "remove"}]
    found = policy(FACTS, parameters=parameters, fix={"safety": "security", "operations": operations})
    assert found.operations == (Operation("insertItem", "properties.rules", value), Operation("remove"))


def parameter(type_: str, default: Any) -> dict[str, Any]:
    return {"parameters": {"p": {"type": type_, "default": default}}}


def related(label: str) -> dict[str, Any]:
    return {"report": {"related": [{"field": "name", "label": label}]}}


def operation(value: Any) -> dict[str, Any]:
    return {"fix": {"operations": [{"op": "set", "field": "a", "value": value}]}}


@pytest.mark.parametrize(
    ("changes", "pointer", "message"),
    [
        ({"cases": []}, ("cases",), "cases is a list"),
        ({"cases": [{"severity": "bad"}]}, ("cases", 0), "a case has a severity; allowed are error, info, warning"),
        ({"cases": [{"severity": "info"}] * 2}, ("cases", 0), "a case without `when` always holds"),
        (parameter("integer", 1), ("parameters", "p"), "parameter 'p' has no type"),
        (parameter("int", True), ("parameters", "p", "default"), "the default of 'p' is no int"),
        (parameter("list", [1]), ("parameters", "p", "default"), "the default of 'p' is no list"),
        ({"editions": {"current": {"cases": [{}]}}}, ("editions", "current", "cases", 0), "a case has a severity"),
        ({"report": {"at": [{"fact": "no"}]}}, ("report", "at", 0, "fact"), "unknown fact 'no'"),
        (related("{no}"), ("report", "related", 0, "label"), "nothing is called 'no'"),
        (operation([{"param": "no"}]), ("fix", "operations", 0, "value", 0), "unknown parameter"),
        (operation({"b": {"fact": "no"}}), ("fix", "operations", 0, "value", "b"), "unknown fact"),
    ],
)
def test_a_wrong_document_is_refused_where_it_is_wrong(changes: Any, pointer: Any, message: str) -> None:
    with pytest.raises(PolicyError) as caught:
        compiler.policy(first_document(**changes), FACTS)
    assert caught.value.pointer == pointer
    assert caught.value.message.startswith(message)


def test_a_document_that_is_no_mapping_or_lacks_something_is_refused() -> None:
    with pytest.raises(PolicyError, match="expected a mapping"):
        compiler.policy([], {})  # type: ignore[arg-type]
    data = first_document()
    del data["message"]
    with pytest.raises(PolicyError, match="'message' is required"):
        compiler.policy(data, {})
