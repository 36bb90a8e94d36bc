"""`bklint.records` against the standard library's `dataclasses`: the same classes, made by both, behave alike."""

from __future__ import annotations

import copy
import dataclasses
import pickle
from typing import Any

import pytest

from bklint import records


@records.dataclass(frozen=True, slots=True)
class Disk:
    name: str
    size: int = 30
    tags: tuple[str, ...] = ()
    seen: object = records.field(default=None, compare=False)


@dataclasses.dataclass(frozen=True, slots=True)
class TheirDisk:
    name: str
    size: int = 30
    tags: tuple[str, ...] = ()
    seen: object = dataclasses.field(default=None, compare=False)


@records.dataclass(slots=True)
class Machine:
    name: str
    disks: list[Any] = records.field(default_factory=list)

    @property
    def first(self) -> Any:
        return self.disks[0]


@dataclasses.dataclass(slots=True)
class TheirMachine:
    name: str
    disks: list[Any] = dataclasses.field(default_factory=list)

    @property
    def first(self) -> Any:
        return self.disks[0]


@records.dataclass(frozen=True, slots=True)
class Encrypted(Disk):
    key: str = ""


@records.dataclass(slots=True, eq=False)
class Node:
    name: str


@pytest.mark.parametrize("arguments", [("a",), ("a", 4), ("a", 4, ("x",)), ("a", 4, ("x",), 1.5)])
def test_arguments_and_defaults_are_taken_as_the_library_takes_them(arguments: tuple[Any, ...]) -> None:
    ours, theirs = Disk(*arguments), TheirDisk(*arguments)
    assert repr(ours) == repr(theirs).removeprefix("Their")
    assert [getattr(ours, name) for name in Disk.__match_args__] == list(dataclasses.astuple(theirs))
    assert hash(ours) == hash(theirs)


@pytest.mark.parametrize("kind", [Disk, TheirDisk])
@pytest.mark.parametrize(("arguments", "named"), [((), {}), (("a", 1, (), None, 5), {}), (("a",), {"colour": "red"})])
def test_wrong_arguments_are_refused(kind: Any, arguments: tuple[Any, ...], named: dict[str, Any]) -> None:
    with pytest.raises(TypeError):
        kind(*arguments, **named)


def test_what_is_not_compared_changes_neither_equality_nor_hash() -> None:
    assert Disk("a", seen=1) == Disk("a", seen=2)
    assert hash(Disk("a", seen=1)) == hash(Disk("a", seen=2))
    assert Disk("a") != Disk("b")
    assert Disk("a") != TheirDisk("a")


def test_a_subclass_has_the_fields_of_both_and_equals_only_its_own_kind() -> None:
    disk = Encrypted("a", 4, key="k")
    assert (disk.name, disk.size, disk.key) == ("a", 4, "k")
    assert disk != Disk("a", 4)
    assert records.replace(disk, size=8) == Encrypted("a", 8, key="k")


@pytest.mark.parametrize("change", [lambda disk: setattr(disk, "size", 1), lambda disk: delattr(disk, "size")])
def test_a_frozen_object_does_not_change(change: Any) -> None:
    for disk in (Disk("a"), TheirDisk("a")):
        with pytest.raises(AttributeError):
            change(disk)
        assert disk.size == 30


@pytest.mark.parametrize("kind", [Disk, Machine, Node])
def test_there_is_no_room_for_another_attribute(kind: Any) -> None:
    with pytest.raises(AttributeError):
        kind("a").colour = "red"


def test_each_object_gets_a_default_of_its_own() -> None:
    one, other = Machine("a"), Machine("b")
    one.disks.append(1)
    assert (one.first, other.disks) == (1, [])
    assert repr(one) == repr(TheirMachine("a", [1])).removeprefix("Their")


def test_a_mutable_object_has_no_hash_and_one_without_eq_is_only_itself() -> None:
    with pytest.raises(TypeError):
        hash(Machine("a"))
    assert Machine("a") == Machine("a")
    assert Node("a") != Node("a")
    assert len({Node("a"), Node("a")}) == 2


def test_objects_can_be_copied_and_sent_to_another_process() -> None:
    for each in (Disk("a", 4, seen=1), Encrypted("a", key="k"), Machine("m", [Disk("d")])):
        for made in (pickle.loads(pickle.dumps(each)), copy.deepcopy(each), copy.copy(each)):
            assert repr(made) == repr(each)


def test_the_library_takes_them_for_its_own() -> None:
    assert dataclasses.is_dataclass(Disk)
    assert dataclasses.replace(Encrypted("a", key="k"), size=4) == Encrypted("a", 4, key="k")
    assert dataclasses.asdict(Machine("m", [Disk("d", 1)])) == dataclasses.asdict(
        TheirMachine("m", [TheirDisk("d", 1)])
    )


def test_objects_match_by_position() -> None:
    match Disk("a", 4):
        case Disk(name, size):
            assert (name, size) == ("a", 4)
