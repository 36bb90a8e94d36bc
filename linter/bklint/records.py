"""`dataclass`, `field` and `replace` as the standard library has them, without what they cost at the start.

`dataclasses` writes and compiles up to eight functions for each class when it is defined, and imports `inspect` for it:
before Python 3.13 that is a quarter of the time of a small scan. Here the methods that all classes can share are shared,
and `__init__` is compiled when the first object of a class is made. For type checkers they are the standard library's, and
`dataclasses.fields`, `replace` and `asdict` take these classes too.

What is not used is not offered: `__post_init__`, `InitVar`, `ClassVar`, ordering, keyword-only fields, and classes that
are neither frozen with slots nor mutable with slots.
"""

from __future__ import annotations

from operator import attrgetter
from typing import TYPE_CHECKING, Any, NoReturn

if TYPE_CHECKING:
    from collections.abc import Callable
    from dataclasses import dataclass as dataclass
    from dataclasses import field as field
    from dataclasses import replace as replace

_MISSING: Any = object()
_FIELDS = "__record_fields__"


class _Field:
    """One field: its default, what makes one, and whether it counts when two objects are compared."""

    __slots__ = ("compare", "default", "factory")

    def __init__(self, default: Any, factory: Any, compare: bool) -> None:
        self.default = default
        self.factory = factory
        self.compare = compare


class FrozenError(AttributeError):
    """An object that does not change was to be changed."""


def _field(*, default: Any = _MISSING, default_factory: Any = _MISSING, compare: bool = True) -> _Field:
    """See `dataclasses.field`."""
    return _Field(default, default_factory, compare)


def _replace(record: Any, /, **changes: Any) -> Any:
    """See `dataclasses.replace`."""
    for name in getattr(record, _FIELDS):
        if name not in changes:
            changes[name] = getattr(record, name)
    return record.__class__(**changes)


def _dataclass(*, slots: bool, frozen: bool = False, eq: bool = True) -> Callable[[type], type]:
    """See `dataclasses.dataclass`."""
    assert slots

    def wrap(cls: type) -> type:
        return _made(cls, frozen, eq)

    return wrap


def _made(cls: type, frozen: bool, eq: bool) -> type:
    inherited: dict[str, _Field] = getattr(cls, _FIELDS, {})
    members = dict(cls.__dict__)
    own = {name: _taken(members, name) for name in members.get("__annotations__", {})}
    fields = {**inherited, **own}
    members.pop("__dict__", None)
    members.pop("__weakref__", None)
    members[_FIELDS] = fields
    members["__dataclass_fields__"] = _Described()
    members["__slots__"] = tuple(name for name in own if name not in inherited)
    members["__match_args__"] = tuple(fields)
    members.setdefault("__repr__", _repr)
    if eq and "__eq__" not in members:
        members["__eq__"] = _equal(tuple(name for name, each in fields.items() if each.compare))
        members.setdefault("__hash__", _hash(members["__eq__"].key) if frozen else None)
    if frozen:
        members.update(__setattr__=_no_change, __delattr__=_no_change, __getstate__=_state, __setstate__=_set_state)
    made = type(cls)(cls.__name__, cls.__bases__, members)
    made.__qualname__ = cls.__qualname__
    made.__init__ = _first(made, frozen)  # type: ignore[misc]
    return made


def _taken(members: dict[str, Any], name: str) -> _Field:
    """The field of that name, whose default leaves the class: a slot takes its place."""
    written = members.pop(name, _MISSING)
    return written if isinstance(written, _Field) else _Field(written, _MISSING, True)


class _Described:
    """The fields as `dataclasses` describes them, for whoever asks by its functions."""

    def __get__(self, record: Any, cls: type) -> Any:
        import dataclasses

        rows = []
        for name, each in getattr(cls, _FIELDS).items():
            known = {"default": each.default, "default_factory": each.factory}
            given = {key: value for key, value in known.items() if value is not _MISSING}
            rows.append((name, Any, dataclasses.field(compare=each.compare, **given)))
        made: Any = dataclasses.make_dataclass(cls.__name__, rows)
        return made.__dataclass_fields__


# -- methods -----------------------------------------------------------------------------------------------------------


def _first(cls: type, frozen: bool) -> Callable[..., None]:
    """An `__init__` that puts the real one in its place when it is first called."""

    def __init__(self: Any, *args: Any, **kwargs: Any) -> None:  # noqa: N807 - it is one
        made = _init(cls, frozen)
        cls.__init__ = made  # type: ignore[misc]
        made(self, *args, **kwargs)

    return __init__


def _init(cls: type, frozen: bool) -> Callable[..., None]:
    """`__init__` with a parameter for each field, in their order."""
    names: dict[str, Any] = {"_MISSING": _MISSING}
    parameters, lines = [], []
    for name, each in getattr(cls, _FIELDS).items():
        value = name
        if each.factory is not _MISSING:
            names[f"_d_{name}"], names[f"_f_{name}"] = _MISSING, each.factory
            value = f"_f_{name}() if {name} is _MISSING else {name}"
        elif each.default is not _MISSING:
            names[f"_d_{name}"] = each.default
        parameters.append(f"{name}=_d_{name}" if f"_d_{name}" in names else name)
        names[f"_s_{name}"] = getattr(cls, name).__set__
        lines.append(f" _s_{name}(self, {value})" if frozen else f" self.{name} = {value}")
    exec(f"def __init__(self, {', '.join(parameters)}):\n" + ("\n".join(lines) or " pass"), names)
    made: Callable[..., None] = names["__init__"]
    made.__qualname__ = f"{cls.__qualname__}.__init__"
    return made


def _repr(self: Any) -> str:
    fields = ", ".join(f"{name}={getattr(self, name)!r}" for name in getattr(self, _FIELDS))
    return f"{self.__class__.__qualname__}({fields})"


def _key(names: tuple[str, ...]) -> Callable[[Any], Any]:
    """What two objects are compared by."""
    return attrgetter(*names) if names else lambda record: ()


def _equal(names: tuple[str, ...]) -> Any:
    key = _key(names)

    def __eq__(self: Any, other: Any) -> Any:  # noqa: N807 - it is one
        return key(self) == key(other) if other.__class__ is self.__class__ else NotImplemented

    __eq__.key = key  # type: ignore[attr-defined]
    return __eq__


def _hash(key: Callable[[Any], Any]) -> Callable[[Any], int]:
    return lambda self: hash(key(self))


def _no_change(self: Any, name: str, *_: Any) -> NoReturn:
    raise FrozenError(f"cannot change field {name!r}")


def _state(self: Any) -> list[Any]:
    return [getattr(self, name) for name in getattr(self, _FIELDS)]


def _set_state(self: Any, state: list[Any]) -> None:
    for name, value in zip(getattr(self, _FIELDS), state, strict=True):
        object.__setattr__(self, name, value)


if not TYPE_CHECKING:
    dataclass, field, replace = _dataclass, _field, _replace
