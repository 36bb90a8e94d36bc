"""Policy files into the set of policies that a scan runs.

At scan time only the first of a file's two documents is read; the second, what people read, when a finding of the
policy is printed. A file that is wrong raises UsageError with file, line and column.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from fnmatch import fnmatchcase
from typing import Any

from bklint import packaged
from bklint.errors import UsageError
from bklint.model.value import Value
from bklint.policy import compile as compiler
from bklint.policy import reading
from bklint.policy.model import Facts, Parameter, Policy, Texts
from bklint.policy.names import PolicyError, known_types, one_of
from bklint.policy.reading import File, schema
from bklint.policy.subjects import constant

__all__ = ["PolicySet", "load", "parameters", "policies_of", "schema"]

RESERVED = ("BKP900", "BKP901", "BKP902", "BKP910", "BKP911", "BKP912", "BKP913")
"""Ids of findings that no policy makes: unreadable input, internal errors, limits, suppressions."""


class PolicySet:
    """Policies in the order of their ids, with an index by resource type. `everything` are those there are to select
    from; words are looked up there."""

    def __init__(
        self,
        policies: Iterable[Policy],
        texts: Callable[[Policy], Texts],
        facts: Facts,
        everything: tuple[Policy, ...] = (),
    ) -> None:
        self.policies = tuple(sorted(policies, key=lambda policy: policy.id))
        self.everything = everything or self.policies
        self.facts = facts
        self._texts = texts
        self._by_id = {policy.id: policy for policy in self.policies}
        self._by_type: dict[str, tuple[Policy, ...]] = {}
        for policy in self.policies:
            for type_ in policy.types:
                folded = type_.casefold()
                self._by_type[folded] = (*self._by_type.get(folded, ()), policy)

    def __iter__(self) -> Iterator[Policy]:
        return iter(self.policies)

    def __len__(self) -> int:
        return len(self.policies)

    @property
    def types(self) -> tuple[str, ...]:
        """The types that are judged, folded, in a fixed order."""
        return tuple(self._by_type)

    def of(self, type_: str) -> tuple[Policy, ...]:
        """The policies that judge resources of a type."""
        return self._by_type.get(type_.casefold(), ())

    def by_id(self, id_: str) -> Policy | None:
        """The policy of that id."""
        return self._by_id.get(id_)

    def texts(self, policy: Policy) -> Texts:
        """What people read about a policy. Raises UsageError."""
        return self._texts(policy)

    def select(self, select: Sequence[str] = (), ignore: Sequence[str] = ()) -> PolicySet:
        """The policies that `select` names (none: all but the opt-in ones) less those that `ignore` names.

        A word is an id, a name, an area, or a pattern with `*` or `?` of an id or name. Raises UsageError for a word
        that names nothing.
        """
        chosen = [policy for policy in self.policies if not policy.opt_in]
        if select:
            named = {policy.id for word in select for policy in self._named(word)}
            chosen = [policy for policy in self.policies if policy.id in named]
        dropped = {policy.id for word in ignore for policy in self._named(word)}
        kept = (policy for policy in chosen if policy.id not in dropped)
        return PolicySet(kept, self._texts, self.facts, self.everything)

    def ids(self, word: str) -> tuple[str, ...]:
        """The ids that a word names, those of no policy included (BKP900). Raises UsageError for one without any."""
        return (*(policy.id for policy in self._named(word)), *self.reserved(word))

    @staticmethod
    def reserved(word: str) -> tuple[str, ...]:
        """The ids of no policy that a word names."""
        return tuple(id_ for id_ in RESERVED if fnmatchcase(id_, word.strip().upper()))

    @property
    def parameters(self) -> Mapping[str, Parameter]:
        """Every parameter of a policy, by name."""
        return {name: each for policy in self.everything for name, each in policy.parameters.items()}

    def _named(self, word: str) -> list[Policy]:
        folded = word.strip().casefold()
        found = [
            policy
            for policy in self.everything
            if folded == policy.area or any(fnmatchcase(name.casefold(), folded) for name in (policy.id, policy.name))
        ]
        if not found and not self.reserved(word):
            words = {name for policy in self.everything for name in (policy.id, policy.name, policy.area)}
            raise UsageError(f"no policy is called {word!r}{one_of(word, words)}; `bklint policies` lists them")
        return found

    def check_parameters(self, values: Mapping[str, object]) -> None:
        """Raises UsageError for a parameter that no policy has, or a value that is not of its type."""
        known = self.parameters
        for name, value in values.items():
            if name not in known:
                raise UsageError(f"no policy has a parameter {name!r}{one_of(name, known)}")
            if not compiler.fits(value, known[name].type):
                raise UsageError(f"parameter {name!r} takes a {known[name].type}, not {value!r}")


def parameters(policy: Policy, values: Mapping[str, object]) -> dict[str, Value]:
    """The values of a policy's parameters: the user's, else the defaults."""
    return {name: constant(values.get(name, parameter.default)) for name, parameter in policy.parameters.items()}


def load(directories: Sequence[str], facts: Facts) -> PolicySet:
    """The built-in policies and those of the user's `directories`. Raises UsageError."""
    found = [*reading.built_in_files(), *(file for directory in directories for file in reading.user_files(directory))]
    return policies_of(found, facts)


def policies_of(found: Iterable[File], facts: Facts) -> PolicySet:
    """The set of policies of some files. Raises UsageError."""
    read = [(file, reading.first(file)) for file in found]
    types = _types(facts, {type_ for _, data in read for type_ in _targets(data)})
    policies: dict[str, Policy] = {}
    origins: dict[str, File] = {}
    for file, data in read:
        policy = _policy(file, data, facts, types)
        if policy.id in policies:
            twice = PolicyError(f"{policy.id} is also the id of {policies[policy.id].file}", ("id",))
            raise reading.located(twice, file)
        policies[policy.id], origins[policy.id] = policy, file
    return PolicySet(policies.values(), _reader(origins), facts)


def _types(facts: Facts, targets: set[str]) -> frozenset[str]:
    """Every resource type that a policy may relate to; those of the facts from the index, lest all facts be loaded."""
    indexed = packaged.index()
    return known_types(facts, targets) if indexed is None else frozenset(indexed["types"]) | targets


def _targets(data: Any) -> tuple[str, ...]:
    found = data.get("target", ()) if isinstance(data, Mapping) else ()
    return (found,) if isinstance(found, str) else tuple(found)


def _policy(file: File, data: Any, facts: Facts, types: frozenset[str]) -> Policy:
    try:
        lazily = file.built_in and packaged.index() is not None
        return compiler.policy(data, facts, file.source.name, types, lazily=lazily)
    except PolicyError as error:
        raise reading.located(error, file) from error


def _reader(origins: Mapping[str, File]) -> Callable[[Policy], Texts]:
    """Reads second documents, each once."""
    kept: dict[str, Texts] = {}

    def read(policy: Policy) -> Texts:
        if policy.id not in kept:
            kept[policy.id] = compiler.texts(reading.texts(origins[policy.id]))
        return kept[policy.id]

    return read
