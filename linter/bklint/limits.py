"""What bounds a scan: sizes, numbers and steps, each with a name by which `--limit` and the configuration change it.

Code that is judged may mean harm, so nothing that it says costs more than a bound allows. What passes one is told by a finding
(BKP900 where the text cannot be read for it, BKP902 where it is read in part), the value is unknown, and the scan goes on.

The limits that count are those of the context (`contextvars`): `using` sets them for a scan. Bounds that protect the program
itself, such as how deep code nests, are constants of their modules and stay what they are.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from bklint.source import Locator

KI, MI = 1024, 1024 * 1024


class Limit(NamedTuple):
    """A limit: its value where nothing is said, the most that it may be given, and what it bounds."""

    name: str
    default: int
    most: int
    bounds: str


TABLE = (
    Limit("file_bytes", 64 * MI, 1024 * MI, "bytes of a file"),
    Limit("terraform_bytes", 4 * MI, 64 * MI, "bytes of a Terraform file"),
    Limit(
        "script_bytes",
        2 * MI,
        64 * MI,
        "bytes of a script, an XML file or a file of settings that a machine runs or reads",
    ),
    Limit("unpacked_bytes", 2 * MI, 64 * MI, "bytes that compressed custom data may have, unpacked"),
    Limit("script_seconds", 10, 600, "seconds that the grammar of the shell may take for one script"),
    Limit("files", 200_000, 5_000_000, "files that are looked at"),
    Limit("directory_depth", 64, 256, "levels of directories that are looked into"),
    Limit("yaml_values", 1_000_000, 20_000_000, "values of a YAML file, aliases expanded"),
    Limit("instances", 10_000, 200_000, "instances of one `count`, `for_each` or copy loop"),
    Limit("modules", 20_000, 200_000, "module instances of a root"),
    Limit("module_depth", 30, 60, "levels of modules that call modules"),
    Limit("contexts", 128, 1000, "contexts that files of values make of a root"),
    Limit("expressions", 3_000_000, 100_000_000, "Terraform expressions that are evaluated for a root"),
    Limit("members", 1_000_000, 20_000_000, "members of a Terraform value, those of its members included"),
    Limit("text_characters", 8 * MI, 256 * MI, "characters of a text that Terraform code composes"),
    Limit(
        "work_characters",
        256 * MI,
        16 * KI * MI,
        "characters of long texts that Terraform code of a root takes and makes",
    ),
    Limit(
        "regex_steps", 400_000, 100_000_000, "steps of a regular expression over one text; ten times as many for a root"
    ),
    Limit("template_steps", 1_000_000, 50_000_000, "steps of evaluating a template"),
    Limit("template_instances", 50_000, 1_000_000, "instances of all copy loops of a template together"),
    Limit("deployments", 2_000, 50_000, "nested and linked deployments of a template"),
    Limit("input_combinations", 64, 4096, "combinations of inputs without a value that are tried for a root"),
)
BY_NAME: Mapping[str, Limit] = {limit.name: limit for limit in TABLE}
DEFAULTS: Mapping[str, int] = {limit.name: limit.default for limit in TABLE}


class Hit(NamedTuple):
    """A limit that was passed: what happened, in words, and where."""

    message: str
    place: Locator | None


class Record(NamedTuple):
    """The limits that were passed, by message, and how much was spent of those that are budgets of a root."""

    hits: dict[str, Hit]
    spent: dict[str, int]


_VALUES: ContextVar[Mapping[str, int]] = ContextVar("limits", default=DEFAULTS)
_RECORD: ContextVar[Record | None] = ContextVar("record", default=None)


def value(name: str) -> int:
    """What a limit is in this context. Ask once for a file or a root, not in a loop."""
    return _VALUES.get()[name]


def use(values: Mapping[str, int]) -> None:
    """Let limits be these from now on in this context; those not named are the default ones. For a process of its own."""
    _VALUES.set({**DEFAULTS, **values})


@contextmanager
def using(values: Mapping[str, int]) -> Iterator[None]:
    """Let limits be these for a while."""
    before = _VALUES.set({**DEFAULTS, **values})
    try:
        yield
    finally:
        _VALUES.reset(before)


def told(name: str) -> str:
    """A limit in words, for the message that it was passed; an empty name is that of a bound which is fixed."""
    if not name:
        return "a fixed limit of bklint"
    now, most = value(name), BY_NAME[name].most
    how = f"`--limit {name}=N` raises it" if now < most else "it cannot be raised"
    return f"limit {name} is {now}; {how}"


# -- limits that were passed ----------------------------------------------------------------------------------------


def hit(name: str, what: str, place: Locator | None = None) -> None:
    """Note that a limit was passed, once for each wording."""
    note(f"{what} ({told(name)})", place)


def note(message: str, place: Locator | None = None) -> None:
    """Note that a limit was passed, in a message that names it."""
    record = _RECORD.get()
    if record is not None:
        record.hits.setdefault(message, Hit(message, place))


def spend(name: str, amount: int, times: int = 1) -> bool:
    """Take from a budget of the root that is judged, which is so many times the limit; False where it is used up."""
    record = _RECORD.get()
    if record is None:
        return True
    record.spent[name] = spent = record.spent.get(name, 0) + amount
    return spent <= times * value(name)


@contextmanager
def recording() -> Iterator[Record]:
    """Collect the limits that are passed meanwhile; budgets begin whole."""
    record = Record({}, {})
    before = _RECORD.set(record)
    try:
        yield record
    finally:
        _RECORD.reset(before)


# -- limits that are given ------------------------------------------------------------------------------------------


def given(texts: Sequence[str]) -> dict[str, int]:
    """The limits of a command line, as `NAME=VALUE`. Raises ValueError with a message for the user."""
    found: dict[str, int] = {}
    for text in texts:
        name, equals, number = text.partition("=")
        if not equals or not (number.isascii() and number.isdigit()) or len(number) > 18:
            raise ValueError(f"--limit {text}: expected NAME=NUMBER, as in --limit instances=500")
        found[name] = int(number)
    return checked(found, "--limit ")


def checked(values: Mapping[str, int], before: str = "") -> dict[str, int]:
    """The limits, each known and in its range. Raises ValueError, its message after `before`."""
    for name, number in values.items():
        limit = BY_NAME.get(name)
        if limit is None:
            from difflib import get_close_matches

            near = get_close_matches(name, BY_NAME, 1, 0.5)
            hint = f"; did you mean {near[0]!r}?" if near else f": one of {', '.join(BY_NAME)}"
            raise ValueError(f"{before}{name}: there is no such limit{hint}")
        if not 1 <= number <= limit.most:
            raise ValueError(f"{before}{name}={number}: give a number from 1 to {limit.most}")
    return dict(values)
