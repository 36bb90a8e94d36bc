"""The words of a configuration, and of the command line, resolved against the policies there are.

Everything is resolved before a file is scanned, so that a misspelt word ends the run at once, with its place.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import TypeVar

from bklint.checking import Pointer
from bklint.config import Accepts, Configuration, Override
from bklint.errors import UsageError
from bklint.finding import Finding, Severity
from bklint.policy.store import PolicySet
from bklint.records import dataclass, field, replace
from bklint.source import Place, Source

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Resolved:
    """An override with ids in place of words."""

    override: Override
    ignore: frozenset[str]
    severities: Mapping[str, Severity]


@dataclass(frozen=True, slots=True)
class Choices:
    """What is chosen, by policy id."""

    config: Configuration = field(default_factory=Configuration)
    severities: Mapping[str, Severity] = field(default_factory=dict)
    overrides: tuple[Resolved, ...] = ()
    accepts: tuple[tuple[Accepts, tuple[str, ...], Place], ...] = ()
    ignored: frozenset[str] = frozenset()

    def chosen(self, finding: Finding) -> Finding | None:
        """The finding as the configuration wants it: None where its path or policy is left out."""
        if finding.policy in self.ignored or self.config.excludes(finding.path):
            return None
        severity = self.severities.get(finding.policy, finding.severity)
        relative = self.config.relative(finding.path)
        for each in self.overrides:
            if each.override.paths.cover(relative):
                if finding.policy in each.ignore:
                    return None
                severity = each.severities.get(finding.policy, severity)
        return finding if severity is finding.severity else replace(finding, severity=severity)

    def parameters(self, root: str) -> dict[str, object]:
        """The values of policy parameters for a root module or template."""
        values = dict(self.config.parameters)
        for each in self.config.overriding(root, directory=True):
            values.update(each.parameters)
        return values


def choices(config: Configuration, policies: PolicySet, ignore: Iterable[str] = ()) -> Choices:
    """The choices of a configuration. `policies` are all there are; `ignore` are words of the command line. Raises
    UsageError, with its place in the configuration."""
    words = _Words(config, policies)
    words.check(config)
    ignored = [id_ for word in (*ignore, *config.ignore) for id_ in policies.reserved(word)]
    return Choices(
        config=config,
        severities=words.severities(config.severity, ("severity",)),
        overrides=tuple(words.override(each) for each in config.overrides),
        accepts=tuple(words.accepts(each) for each in config.accepts),
        ignored=frozenset(ignored) - {"BKP901"},
    )


class _Words:
    """Resolves words, and says where a wrong one stands."""

    def __init__(self, config: Configuration, policies: PolicySet) -> None:
        self._config = config
        self._policies = policies

    def check(self, config: Configuration) -> None:
        """Raises UsageError for a wrong word of what is resolved elsewhere."""
        for key, words in (("select", list(enumerate(config.select))), ("ignore", _texts(config))):
            for at, word in words:
                self.ids(word, (key, at))
        self._parameters(config.parameters, ("parameters",))

    def ids(self, word: str, at: Pointer, part: str = "value") -> tuple[str, ...]:
        """The ids that a word names."""
        return self._placed(lambda: self._policies.ids(word), at, part)

    def severities(self, rows: Mapping[str, str], at: Pointer) -> dict[str, Severity]:
        """Severities by id; a pattern gives way to an id, whatever their order."""
        found: dict[str, Severity] = {}
        for word, label in sorted(rows.items(), key=lambda row: -len(self.ids(row[0], (*at, row[0]), "key"))):
            found.update((id_, Severity.of(label)) for id_ in self.ids(word, (*at, word), "key"))
        return found

    def override(self, each: Override) -> Resolved:
        """An override with ids."""
        self._parameters(each.parameters, (*each.pointer, "parameters"))
        ignore = [id_ for at, word in enumerate(each.ignore) for id_ in self.ids(word, (*each.pointer, "ignore", at))]
        return Resolved(each, frozenset(ignore), self.severities(each.severity, (*each.pointer, "severity")))

    def accepts(self, each: Accepts) -> tuple[Accepts, tuple[str, ...], Place]:
        """Accepted findings with ids, and where that is written."""
        at = (*each.pointer, "id")
        ids = tuple(id_ for word in each.ids for id_ in self.ids(word, at))
        place = self._config.place(at)
        return each, ids, place if place is not None else Place(Source(self._config.path, b""), 0, 0)

    def _parameters(self, values: Mapping[str, object], at: Pointer) -> None:
        for name, value in values.items():
            known = name in self._policies.parameters
            self._placed(
                lambda name=name, value=value: self._policies.check_parameters({name: value}),  # type: ignore[misc]
                (*at, name),
                "value" if known else "key",
            )

    def _placed(self, work: Callable[[], T], at: Pointer, part: str) -> T:
        try:
            return work()
        except UsageError as error:
            raise self._config.wrong(str(error), at, part) from error


def _texts(config: Configuration) -> list[tuple[int, str]]:
    """The words of `ignore` with their numbers in the list, which holds other things too."""
    taken = {each.pointer[-1] for each in config.accepts}
    free = (number for number in range(len(config.ignore) + len(taken)) if number not in taken)
    return list(zip(free, config.ignore, strict=False))
