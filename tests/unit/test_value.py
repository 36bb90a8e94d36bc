"""Members of values that are one of several."""

from __future__ import annotations

from typing import Any

from bklint.model.value import MISSING, ObjectData, Reason, Unknown, Value, step, walk


def one_of(*choices: Any, key: str | None = "var.x") -> Value:
    """An input whose alternatives are known."""
    domain = tuple(Value(choice) for choice in choices)
    return Value(Unknown(Reason.INPUT, "var.x", domain=domain, key=key)).via("use", "x", None)


def made(**fields: Any) -> ObjectData:
    return ObjectData({name: Value(data) for name, data in fields.items()})


def test_what_alternatives_agree_on_is_known() -> None:
    value = step(one_of(made(agent=False, size=1), made(agent=False, size=2)), "agent")
    assert value.data is False
    assert [hop.label for hop in value.trail] == ["x"]


def test_a_member_that_all_lack_is_missing() -> None:
    assert step(one_of(made(a=1), None), "b").data is MISSING


def test_what_they_do_not_agree_on_keeps_its_alternatives() -> None:
    data = step(one_of(made(size=1), made(size=2)), "size").data
    assert isinstance(data, Unknown)
    assert ([choice.data for choice in data.domain], data.low, data.high, data.key) == ([1, 2], 1, 2, ("var.x", "size"))


def test_further_down() -> None:
    inner = [made(profile=made(agent=True, size=size)) for size in (1, 2)]
    assert walk(one_of(*inner), ("profile", "agent")).data is True


def test_without_alternatives_nothing_is_known_but_whose_member_it_is() -> None:
    data = step(Value(Unknown(Reason.INPUT, "var.x", type="object", nonnull=True, key="var.x")), "size").data
    assert data == Unknown(Reason.INPUT, "var.x", key=("var.x", "size"))
