"""Expressions, compared with what a real Terraform core makes of them (`oracle/record_terraform.py`)."""

from __future__ import annotations

import pytest

from bklint.frontends.terraform.evaluate import evaluate_text
from terraform_record import ERROR, UNDECIDED, Recorded, alike, plain, recorded

DIFFERENT = {
    "try(nosuch, 1)": "names are resolved before evaluation there; here a wrong name is an error like any other",
    'tolist(["a"]) == ["a"]': "a list and a tuple are one kind of value here",
}
"""Expressions that are decided otherwise on purpose, and why."""

_LAZY = "for v in "
"""Terraform checks the body of a `for` even where it never runs; here it is evaluated only for elements there are."""


def _comparable(one: Recorded) -> bool:
    return one.expr not in DIFFERENT and not (one.result == ERROR and _LAZY in one.expr)


@pytest.mark.parametrize("one", [one for one in recorded() if _comparable(one)], ids=lambda one: one.expr[:60])
def test_agrees_with_terraform(one: Recorded) -> None:
    ours = plain(evaluate_text(one.expr))
    assert ours == UNDECIDED or alike(ours, one.result)


def test_decides_nearly_everything() -> None:
    undecided = [one.expr for one in recorded() if plain(evaluate_text(one.expr)) == UNDECIDED]
    assert len(undecided) * 100 < len(recorded()), undecided


def test_the_record_is_large() -> None:
    results = [one.result for one in recorded()]
    assert len(results) >= 1000
    assert 300 <= results.count(ERROR) <= len(results) // 2
