"""Three truth values (Kleene) and the verdicts made of them.

A `Truth` is `True`, `False` or `None` for unknown, with the unknowns that cause the `None`. A policy's condition that is
true is a FAULT, false is CLEAR; UNKNOWN is neither a finding nor a pass.
"""

from __future__ import annotations

from collections.abc import Iterable
from enum import Enum
from typing import NamedTuple

from bklint.model.value import Unknown


class Verdict(str, Enum):
    """What a policy says of one resource."""

    FAULT = "fault"
    CLEAR = "clear"
    UNKNOWN = "unknown"


class Truth(NamedTuple):
    """A truth value; `causes` are the unknowns behind a `value` of None, empty otherwise."""

    value: bool | None
    causes: tuple[Unknown, ...] = ()


TRUE = Truth(True)
FALSE = Truth(False)


def truth(value: bool | None, *causes: Unknown | None) -> Truth:
    """A truth value; the causes count only where it is not known."""
    if value is None:
        return Truth(None, tuple(cause for cause in causes if cause is not None))
    return TRUE if value else FALSE


def negate(operand: Truth) -> Truth:
    """Kleene not."""
    return operand if operand.value is None else (FALSE if operand.value else TRUE)


def all_of(operands: Iterable[Truth]) -> Truth:
    """Kleene and; the first false operand ends it, and what comes after it is not asked for."""
    return _fold(operands, stop=False)


def any_of(operands: Iterable[Truth]) -> Truth:
    """Kleene or; the first true operand ends it, and what comes after it is not asked for."""
    return _fold(operands, stop=True)


def _fold(operands: Iterable[Truth], stop: bool) -> Truth:
    causes: list[Unknown] = []
    undecided = False
    for result in operands:
        if result.value is stop:
            return result
        if result.value is None:
            undecided = True
            causes.extend(result.causes)
    return Truth(None, tuple(causes)) if undecided else (FALSE if stop else TRUE)


def verdict_of(condition: Truth) -> Verdict:
    """The verdict of a policy whose condition has this truth value."""
    if condition.value is None:
        return Verdict.UNKNOWN
    return Verdict.FAULT if condition.value else Verdict.CLEAR
