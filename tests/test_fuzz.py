"""A short run of the fuzzer: the same damaged inputs each time, of every kind. `python -m bench.fuzz` runs it for longer."""

from __future__ import annotations

import importlib.util
from itertools import islice
from pathlib import Path
from typing import Any

ROUNDS = 8


def fuzzer() -> Any:
    spec = importlib.util.spec_from_file_location("fuzz", Path(__file__).parent.parent / "bench" / "fuzz.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_damaged_inputs_of_every_kind_are_taken_well() -> None:
    fuzz = fuzzer()
    kinds = len(fuzz.targets())
    failed = []
    for name, number, target, data, random in islice(fuzz.attempts(seed=2026), ROUNDS * kinds):
        wrong = fuzz.failure(target, data, random)
        if wrong:
            failed.append(f"{name} {number}: {wrong}")
    assert failed == []


def test_a_failure_is_seen() -> None:
    fuzz = fuzzer()

    def broken(data: bytes, random: Any) -> None:
        raise KeyError(data)

    assert "KeyError" in fuzz.failure(broken, b"x", None)
