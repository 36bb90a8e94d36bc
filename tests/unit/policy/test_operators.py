"""Every operator on known, missing, unknown and partly known values; None is "not known"."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from bklint.model.value import ABSENT, MISSING, ListData, ObjectData, Text, Value, join
from bklint.policy.operators import OPERATORS, unknowns
from bklint.policy.subjects import constant
from handmade import unknown

UNKNOWN = unknown("var.x")
NONNULL = replace(UNKNOWN, nonnull=True)


def made(data: Any) -> Value:
    if isinstance(data, tuple):
        return Value(ListData(tuple(made(item) for item in data if item is not ...), UNKNOWN if ... in data else None))
    if isinstance(data, dict):
        return Value(ObjectData({name: made(item) for name, item in data.items()}))
    return Value(data)


def domain(*choices: Any) -> Any:
    return join(tuple(made(choice) for choice in choices), UNKNOWN).data


STARTED = Text(("AzureBackupRG_", UNKNOWN))
BETWEEN = Text(("AzureBackupRG_", UNKNOWN, "_1"))
NUMBER = replace(NONNULL, type="number")
AT_LEAST_10 = replace(NUMBER, low=10.0)
UP_TO_10 = replace(NUMBER, high=10.0)

CASES = [
    ("equals", "A", "a", True),
    ("equals", "true", True, True),
    ("equals", "4096", 4096, True),
    ("equals", 4096.0, "4096", True),
    ("equals", "01", "1", False),
    ("equals", MISSING, "a", False),
    ("equals", None, "a", False),
    ("equals", ABSENT, "a", False),
    ("equals", UNKNOWN, "a", None),
    ("equals", NUMBER, "a", False),
    ("equals", AT_LEAST_10, 9, False),
    ("equals", AT_LEAST_10, 10, None),
    ("equals", replace(UNKNOWN, type="bool"), "maybe", False),
    ("equals", replace(UNKNOWN, type="list"), "a", False),
    ("equals", domain("a", "A"), "a", True),
    ("equals", domain("a", "b"), "a", None),
    ("equals", domain("a", "b"), "c", False),
    ("equals", domain(None, "b"), "c", False),
    ("equals", STARTED, "rg", False),
    ("equals", STARTED, "azurebackuprg_westeurope_1", None),
    ("equals", ("a",), "a", False),
    ("notEquals", MISSING, "a", True),
    ("notEquals", UNKNOWN, "a", None),
    ("in", "B", ["a", "b"], True),
    ("in", "c", ["a", "b"], False),
    ("in", UNKNOWN, ["a", "b"], None),
    ("in", domain("a", "b"), ["a", "b"], True),
    ("in", domain("a", "c"), ["a", "b"], None),
    ("in", MISSING, ["a"], False),
    ("notIn", MISSING, ["a"], True),
    ("notIn", domain("c", "d"), ["a", "b"], True),
    ("like", "AzureBackupRG_we_1", "azurebackuprg_*", True),
    ("like", "a.b", "a?b", False),
    ("like", "a\nb", "a*b", True),
    ("like", STARTED, "AzureBackupRG_*", True),
    ("like", STARTED, "AzureBackupRG_*_1", None),
    ("like", BETWEEN, "AzureBackupRG_*_1", True),
    ("like", BETWEEN, "AzureBackupRG_*_*", True),
    ("like", BETWEEN, "*_2", False),
    ("like", STARTED, "rg-*", False),
    ("like", UNKNOWN, "*", None),
    ("like", NONNULL, "*", None),
    ("like", replace(NONNULL, type="string"), "*", True),
    ("like", MISSING, "*", False),
    ("like", ("a",), "a", False),
    ("notLike", MISSING, "a*", True),
    ("contains", ("a", "b"), "B", True),
    ("contains", ("a", ...), "b", None),
    ("contains", ("a", ...), "a", True),
    ("contains", ("a", UNKNOWN), "b", None),
    ("contains", "abc", "B", True),
    ("contains", STARTED, "backup", True),
    ("contains", STARTED, "west", None),
    ("contains", {"Name": 1}, "name", True),
    ("contains", MISSING, "a", False),
    ("contains", UNKNOWN, "a", None),
    ("notContains", MISSING, "a", True),
    ("containsAny", ("a", "b"), ["x", "b"], True),
    ("containsAny", ("a", "b"), ["x", "y"], False),
    ("containsAny", ("a", ...), ["x"], None),
    ("containsAny", MISSING, ["x"], False),
    ("less", 5, 10, True),
    ("less", 10, 10, False),
    ("less", "5", 10, True),
    ("less", MISSING, 10, False),
    ("less", None, 10, False),
    ("less", "big", 10, False),
    ("less", True, 10, False),
    ("less", AT_LEAST_10, 10, False),
    ("less", AT_LEAST_10, 11, None),
    ("less", UP_TO_10, 11, True),
    ("less", replace(UP_TO_10, nonnull=False), 11, None),
    ("lessOrEquals", 10, 10, True),
    ("lessOrEquals", UP_TO_10, 10, True),
    ("lessOrEquals", MISSING, 10, False),
    ("greater", 10, 10, False),
    ("greater", 11, 10, True),
    ("greater", MISSING, 10, False),
    ("greater", AT_LEAST_10, 9, True),
    ("greater", replace(AT_LEAST_10, nonnull=False), 9, None),
    ("greater", UP_TO_10, 10, False),
    ("greater", domain(1, 20), 10, None),
    ("greater", domain(11, "20"), 10, True),
    ("greater", domain(None, 5), 10, False),
    ("greaterOrEquals", 10, 10, True),
    ("greaterOrEquals", "9.5", 10, False),
    ("greaterOrEquals", UNKNOWN, 10, None),
    ("exists", "", True, True),
    ("exists", None, True, False),
    ("exists", MISSING, False, True),
    ("exists", ABSENT, True, False),
    ("exists", UNKNOWN, True, None),
    ("exists", NONNULL, True, True),
    ("exists", domain(None, MISSING), True, False),
    ("exists", domain(None, "a"), False, None),
    ("notEmpty", "", True, False),
    ("notEmpty", "a", True, True),
    ("notEmpty", 0, True, True),
    ("notEmpty", False, True, True),
    ("notEmpty", (), False, True),
    ("notEmpty", (...,), True, None),
    ("notEmpty", (ABSENT,), True, False),
    ("notEmpty", {}, True, False),
    ("notEmpty", {"a": 1}, True, True),
    ("notEmpty", STARTED, True, True),
    ("notEmpty", NONNULL, True, None),
    ("notEmpty", NUMBER, True, True),
    ("notEmpty", replace(NONNULL, nonempty=True), True, True),
    ("notEmpty", MISSING, True, False),
]


@pytest.mark.parametrize(("operator", "value", "operand", "answer"), CASES)
def test_operator(operator: str, value: Any, operand: Any, answer: bool | None) -> None:
    assert OPERATORS[operator].test(made(value), constant(operand)) is answer


@pytest.mark.parametrize(
    ("operator", "value", "operand", "answer"),
    [
        ("greater", 11, AT_LEAST_10, None),
        ("greater", 9, AT_LEAST_10, False),
        ("greater", 11, UP_TO_10, True),
        ("less", 9, AT_LEAST_10, True),
        ("less", 9, MISSING, False),
        ("less", MISSING, UNKNOWN, False),
        ("in", "a", UNKNOWN, None),
        ("in", "a", (..., "a"), True),
        ("in", "a", ("b", ...), None),
        ("equals", UNKNOWN, UNKNOWN, True),
        ("equals", replace(UNKNOWN, domain=(Value(1), Value(2))), replace(UNKNOWN, domain=(Value(1), Value(2))), True),
        ("like", "a", UNKNOWN, None),
    ],
)
def test_operand_that_is_not_known(operator: str, value: Any, operand: Any, answer: bool | None) -> None:
    assert OPERATORS[operator].test(made(value), made(operand)) is answer


def test_unknowns_of_a_value_come_from_inside_and_from_alternatives() -> None:
    other = unknown("var.y")
    choice = replace(UNKNOWN, domain=(Value(other), Value(1)))
    found = unknowns(made(({"a": STARTED}, choice)))
    assert [why.cause for why in found] == ["var.x", "var.x", "var.y"]
    assert unknowns(Value("known")) == ()


WORDS: tuple[Any, ...] = (
    "a",
    "A",
    "ab",
    "",
    "1",
    "01",
    "10",
    1,
    10,
    10.0,
    True,
    False,
    "true",
    None,
    MISSING,
    ("a",),
    (),
    {"a": 1},
)
BOUNDED = (AT_LEAST_10, UP_TO_10, replace(AT_LEAST_10, nonnull=False), replace(UNKNOWN, type="bool"), NUMBER)
UNSURE: tuple[Any, ...] = (
    UNKNOWN,
    NONNULL,
    *BOUNDED,
    Text(("a", UNKNOWN)),
    Text((UNKNOWN, "b", UNKNOWN)),
    ("a", UNKNOWN),
    ("a", ...),
)
OPERANDS: dict[str, tuple[Any, ...]] = {
    "value": ("a", "ab", 1, 10, "10", True),
    "list": (["a", "1"], ["true", 10]),
    "text": ("a*", "*b", "*a*b*", "a", "*"),
    "number": (1, 10, 9.5, 11),
    "flag": (True, False),
}  # fmt: skip


def fits(why: Any, choice: Any) -> bool:
    """Whether an unknown may turn out to be this."""
    number = isinstance(choice, (int, float)) and not isinstance(choice, bool)
    if choice is None or choice is MISSING:
        return not why.nonnull
    if why.type == "number":
        return number and (why.low is None or choice >= why.low) and (why.high is None or choice <= why.high)
    return why.type != "bool" or choice == "true" or isinstance(choice, bool)


def completions(data: Any) -> list[Any]:
    """What an unsure value may turn out to be."""
    if isinstance(data, Text):
        return ["".join(part if isinstance(part, str) else more for part in data.parts) for more in ("", "a", "1", "b")]
    if isinstance(data, tuple):
        known = tuple(item for item in data if isinstance(item, str))
        return [(*known, more) for more in ("a", "1", 10, None)] + ([known] if ... in data else [])
    return [choice for choice in (*WORDS, 9, 11) if fits(data, choice)]


@pytest.mark.parametrize("operator", sorted(OPERATORS))
def test_a_decided_answer_holds_for_every_completion(operator: str) -> None:
    """The soundness of three truth values: an answer given early is never taken back."""
    ask = OPERATORS[operator]
    for data in UNSURE:
        for operand in OPERANDS[ask.operand]:
            early = ask.test(made(data), constant(operand))
            for final in completions(data):
                late = ask.test(made(final), constant(operand))
                assert early is None or late is early, (data, operand, final)
