"""Compiled policies: what a policy file becomes, ready to be judged.

Everything a file says is kept as frozen data, and its conditions as closures of a resource and an `Env`. The one fact a
reader would not guess: severities are plain labels here, since the `Severity` of findings is of a higher rank.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple, Protocol, TypeAlias

from bklint.model.path import Selection
from bklint.model.resource import Resource
from bklint.model.value import Value
from bklint.model.verdict import Truth
from bklint.records import dataclass, field

SEVERITIES = ("info", "warning", "error")
"""Severity labels, mildest first."""

EDITIONS = ("original", "current")
"""What the two source documents say, and what newer Microsoft documents say."""


class Fact(Protocol):
    """What a policy must know of a fact: `types` it is defined on (none: every type), `fields` of a record."""

    @property
    def name(self) -> str: ...
    @property
    def types(self) -> tuple[str, ...]: ...
    @property
    def fields(self) -> tuple[str, ...]: ...


Facts: TypeAlias = Mapping[str, Fact]
ReadFact: TypeAlias = Callable[[str, Resource], Value]


class Env(NamedTuple):
    """What a condition is judged in: the resource the policy is about, its parameters, a reader of facts, and the items
    of the counts around the condition, outermost first."""

    target: Resource
    parameters: Mapping[str, Value]
    read: ReadFact
    items: tuple[Value, ...] = ()


Test: TypeAlias = Callable[[Resource, Env], Truth]
Get: TypeAlias = Callable[[Resource, Env], Value]
Select: TypeAlias = Callable[[Resource, Env], Selection]


class Subject(NamedTuple):
    """What a leaf speaks of. `many` when its path has `[*]`; `select` gives one value otherwise."""

    label: str
    many: bool
    select: Select
    get: Get


@dataclass(frozen=True, slots=True)
class Parameter:
    """A value the user may set: `type` is bool, int, number, string or list."""

    name: str
    type: str
    default: object
    description: str = ""


@dataclass(frozen=True, slots=True)
class Message:
    """A text with values in it."""

    parts: tuple[str | Get, ...]
    text: str = ""


@dataclass(frozen=True, slots=True)
class Case:
    """One row of the severities: `when` is None for always; `message` replaces the policy's."""

    severity: str
    when: Test | None = None
    message: Message | None = None
    note: str = ""


@dataclass(frozen=True, slots=True)
class Edition:
    """What differs under one edition: `cap` is the highest severity, `cases` replace the policy's."""

    cap: str = "error"
    notice: str = ""
    note: str = ""
    disabled: bool = False
    cases: tuple[Case, ...] = ()


@dataclass(frozen=True, slots=True)
class Point:
    """A value whose place explains a finding, and what to call it."""

    subject: Subject
    label: Message | None = None


@dataclass(frozen=True, slots=True)
class Operation:
    """One edit in ARM vocabulary: `op` is set, append, insertItem or remove; `field` is '' for the whole resource.
    `value` is plain data in which `{param: …}` and `{fact: …}` stand for values."""

    op: str
    field: str = ""
    value: Any = None
    when: Test | None = None


@dataclass(frozen=True, slots=True)
class ByHand:
    """Why no operation mends a resource, in words that follow "not applied:"; `when` is None for always."""

    because: str
    when: Test | None = None


@dataclass(frozen=True, slots=True)
class Parts:
    """What of a policy looks at resources. `at` are the candidates for the primary place, in order; none: the resource's
    header. `reads` are (resource type, property path) pairs and `facts` the names that its conditions look at."""

    condition: Test
    cases: tuple[Case, ...]
    message: Message
    editions: Mapping[str, Edition]
    at: tuple[Subject, ...] = ()
    related: tuple[Point, ...] = ()
    operations: tuple[Operation, ...] = ()
    by_hand: tuple[ByHand, ...] = ()
    reads: tuple[tuple[str, str], ...] = ()
    facts: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Policy:
    """One policy. Its parts are compiled when they are first asked for: most policies of a scan meet no resource."""

    id: str
    name: str
    title: str
    area: str
    types: tuple[str, ...]
    compile: Callable[[], Parts]
    opt_in: bool = False
    doc_status: str = "in-force"
    modes: frozenset[str] = frozenset({"managed"})
    parameters: Mapping[str, Parameter] = field(default_factory=dict)
    subsumes: tuple[str, ...] = ()
    safety: str = "manual"
    file: str = ""
    disabled: frozenset[str] = frozenset()
    """The editions it does not run under."""

    def __repr__(self) -> str:
        return f"Policy({self.id})"

    @property
    def condition(self) -> Test:
        """What is wrong."""
        return self.compile().condition

    @property
    def cases(self) -> tuple[Case, ...]:
        """The severities."""
        return self.compile().cases

    @property
    def message(self) -> Message:
        """What a finding says."""
        return self.compile().message

    @property
    def at(self) -> tuple[Subject, ...]:
        """See Parts."""
        return self.compile().at

    @property
    def related(self) -> tuple[Point, ...]:
        """Further places of a finding."""
        return self.compile().related

    @property
    def operations(self) -> tuple[Operation, ...]:
        """The edits of its fix."""
        return self.compile().operations

    @property
    def by_hand(self) -> tuple[ByHand, ...]:
        """Why what no operation mends is left to people; the first that holds."""
        return self.compile().by_hand

    @property
    def reads(self) -> tuple[tuple[str, str], ...]:
        """See Parts."""
        return self.compile().reads

    @property
    def facts(self) -> tuple[str, ...]:
        """See Parts."""
        return self.compile().facts

    def edition(self, name: str) -> Edition:
        """What differs under an edition."""
        return self.compile().editions.get(name, _SAME)


_SAME = Edition()


@dataclass(frozen=True, slots=True)
class Citation:
    """Where a document says so, and what, in our own words."""

    document: str
    section: str
    date: str
    says: str
    url: str = ""

    @property
    def line(self) -> str:
        """The source in one line."""
        text = f"{self.document}, {self.section} ({self.date}): {self.says}"
        return f"{text} {self.url}" if self.url else text


@dataclass(frozen=True, slots=True)
class Conflict:
    """A check of another tool that asks for the opposite."""

    tool: str
    id: str
    note: str


@dataclass(frozen=True, slots=True)
class Example:
    """A text in a dialect and what must come of it: `kind` is bad, good or unknown. `findings`: how many there are, 0
    where the example does not say."""

    kind: str
    dialect: str
    text: str
    files: Mapping[str, str] = field(default_factory=dict)
    at: str = ""
    fix_at: str = ""
    severity: str = ""
    message: str = ""
    edition: str = "original"
    parameters: Mapping[str, object] = field(default_factory=dict)
    complete: bool = False
    because: str = ""
    findings: int = 0


@dataclass(frozen=True, slots=True)
class Texts:
    """The second document of a policy file: what people read. `snippets` are fixes by dialect."""

    why: str = ""
    errors: tuple[str, ...] = ()
    sources: tuple[Citation, ...] = ()
    summary: str = ""
    snippets: Mapping[str, str] = field(default_factory=dict)
    conflicts: tuple[Conflict, ...] = ()
    expressible: str = ""
    loses: tuple[str, ...] = ()
    examples: tuple[Example, ...] = ()
