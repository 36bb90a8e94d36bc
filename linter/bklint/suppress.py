"""Findings that someone accepted with a reason, and what is wrong with the suppressions themselves.

A suppression means a finding by any of three places: where it points, the text to change, and the header of the
resource; one on a module call also means what is inside the module. What only some instances of a finding are accepted
for stays, with the other instances.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import date

from bklint.checking import one_of
from bklint.config import Accepts
from bklint.directives import Directive
from bklint.errors import InputError
from bklint.files import Reader, join
from bklint.finding import Accepted, Finding, Severity, Undecided
from bklint.records import dataclass, field, replace
from bklint.source import Locator, Place, Source

UNUSED, UNKNOWN, REASONLESS, EXPIRED = "BKP910", "BKP911", "BKP912", "BKP913"
NAMES = {
    UNUSED: "unused-suppression",
    UNKNOWN: "unknown-suppression",
    REASONLESS: "suppression-without-reason",
    EXPIRED: "expired-suppression",
}
NEVER = frozenset({"BKP901", *NAMES})
"""What cannot be suppressed: bklint's own errors, and what is wrong with suppressions."""

_MODULE = re.compile(r'module\.(?P<name>[\w-]+)(?:\[(?:"(?:[^"\\]|\\.)*"|[^\]"]*)\])?\.')


@dataclass(frozen=True, slots=True)
class Rules:
    """`known` are the ids of all policies by id and name, folded; `judged` the ids of those that were asked. `unused`
    tells whether a suppression that meant nothing is to be reported."""

    known: Mapping[str, str]
    judged: frozenset[str]
    today: date
    require_reason: bool = True
    unused: bool = True


@dataclass(slots=True)
class Suppressed:
    """What is left, what is accepted, and the findings about suppressions."""

    kept: list[Finding] = field(default_factory=list)
    accepted: list[Accepted] = field(default_factory=list)
    notices: list[Finding] = field(default_factory=list)


@dataclass(slots=True)
class _Rule:
    """One suppression that holds, of one policy."""

    policy: str
    reason: str
    place: Place
    kind: str
    directive: Directive | None = None
    accepts: Accepts | None = None
    path: str = ""
    used: bool = False


def apply(
    findings: Iterable[Finding],
    undecided: Sequence[Undecided],
    directives: Iterable[Directive],
    accepts: Iterable[tuple[Accepts, tuple[str, ...], Place]],
    rules: Rules,
    scope: Scope,
) -> Suppressed:
    """The findings after all suppressions. `accepts` come with the ids they name and the place in the configuration."""
    found = Suppressed()
    held = [*_held(directives, rules, found.notices), *_accepting(accepts, rules, found.notices)]
    by_policy: dict[str, list[_Rule]] = {}
    for rule in held:
        by_policy.setdefault(rule.policy, []).append(rule)
    for finding in findings:
        _apply(finding, by_policy, scope, found)
    if rules.unused:
        idle = [rule for rule in held if not rule.used and rule.policy in rules.judged]
        found.notices.extend(_notice(UNUSED, rule) for rule in idle if not _open(rule, undecided, scope))
    return found


def _apply(finding: Finding, by_policy: Mapping[str, Sequence[_Rule]], scope: Scope, found: Suppressed) -> None:
    """Keep or accept a finding. What it subsumes counts by itself once it is accepted, and is covered by it until then."""
    every = set(finding.addresses)
    left = set(every)
    for rule in by_policy.get(finding.policy, ()):
        means = scope.means(rule, finding)
        rule.used = rule.used or bool(means)
        if left and not left - means:
            found.accepted.append(Accepted(finding, rule.kind, rule.reason))
        left -= means
    if left:
        found.kept.append(finding if left == every else _without(finding, left))
        for below in finding.subsumed:
            for rule in by_policy.get(below.policy, ()):
                rule.used = rule.used or bool(scope.means(rule, below))
    else:
        for below in finding.subsumed:
            _apply(below, by_policy, scope, found)


def _without(finding: Finding, left: set[str]) -> Finding:
    """The finding about the instances that are left."""
    names = tuple(name for name in finding.instances if name in left)
    if len(names) == 1:
        return replace(finding, address=names[0], instances=())
    return replace(finding, instances=names)


# -- which suppressions hold ---------------------------------------------------------------------------------------


def _held(directives: Iterable[Directive], rules: Rules, notices: list[Finding]) -> Iterator[_Rule]:
    for each in directives:
        if each.mistake:
            notices.append(_finding(UNKNOWN, f"this suppression has no effect: {each.mistake}", each.place))
            continue
        ids = [id_ for word in each.ids if (id_ := _known(word, each.place, rules, notices))]
        if not ids or not _in_time(each.until, ids, each.place, rules, notices):
            continue
        if not each.reason and rules.require_reason:
            what = f"{_listed(ids)} is suppressed without a reason, which has no effect: say why it is accepted"
            notices.append(_finding(REASONLESS, what, each.place))
            continue
        for id_ in dict.fromkeys(ids):
            yield _Rule(id_, each.reason, each.place, "comment", directive=each)


def _accepting(
    accepts: Iterable[tuple[Accepts, tuple[str, ...], Place]], rules: Rules, notices: list[Finding]
) -> Iterator[_Rule]:
    for each, ids, place in accepts:
        until = each.until.isoformat() if each.until is not None else ""
        if _in_time(until, ids, place, rules, notices):
            yield from (_Rule(id_, each.reason, place, "configuration", accepts=each) for id_ in ids)


def _known(word: str, place: Place, rules: Rules, notices: list[Finding]) -> str:
    """The id that a word names, or nothing and a notice."""
    id_ = rules.known.get(word.casefold(), "")
    if word.upper() in NEVER:
        notices.append(_finding(UNKNOWN, f"{word} cannot be suppressed", place))
    elif not id_:
        near = one_of(word, {*rules.known.values()}) if word[:3].isupper() else one_of(word, rules.known)
        notices.append(_finding(UNKNOWN, f"no policy is called {word!r}{near if 'mean' in near else ''}", place))
    return id_


def _in_time(until: str, ids: Sequence[str], place: Place, rules: Rules, notices: list[Finding]) -> bool:
    if not until:
        return True
    try:
        day = date.fromisoformat(until)
    except ValueError:
        what = f"the suppression of {_listed(ids)} has no effect: {until!r} is no day; write until=YYYY-MM-DD"
        notices.append(_finding(EXPIRED, what, place))
        return False
    if rules.today > day:
        what = f"the suppression of {_listed(ids)} expired on {until}: mend the fault, or accept it for longer"
        notices.append(_finding(EXPIRED, what, place))
        return False
    return True


def _listed(ids: Sequence[str]) -> str:
    return ", ".join(ids)


def _notice(policy: str, rule: _Rule) -> Finding:
    return _finding(policy, f"{rule.policy} is suppressed here, but there is no such finding: remove this", rule.place)


def _finding(policy: str, message: str, place: Place) -> Finding:
    return Finding(policy, NAMES[policy], Severity.WARNING, message, place.source.name, place, sub_key=place.text)


def _open(rule: _Rule, undecided: Sequence[Undecided], scope: Scope) -> bool:
    """Whether a check that the suppression means was not decided: it may be needed with other inputs."""
    return any(check.policy == rule.policy and scope.may_mean(rule, check) for check in undecided)


# -- what a suppression means --------------------------------------------------------------------------------------


def glob(pattern: str, address: str) -> bool:
    """Whether an address fits: `*` stands for any text, `?` for one character; brackets are those of the address."""
    words = "".join({"*": ".*", "?": "."}.get(each, re.escape(each)) for each in re.sub(r"\*+", "*", pattern))
    return re.fullmatch(words, address, re.IGNORECASE | re.DOTALL) is not None


class Scope:
    """Says what a suppression means; reads module calls where a suppression stands on one. `relative` gives a path as
    the configuration writes it."""

    def __init__(self, reader: Reader, relative: Callable[[str], str] = str) -> None:
        self._reader = reader
        self._relative = relative
        self._calls: dict[str, dict[str, str]] = {}

    def means(self, rule: _Rule, finding: Finding) -> set[str]:
        """The addresses of a finding that a suppression means."""
        if rule.accepts is not None:
            return self._accepts(rule.accepts, finding)
        assert rule.directive is not None
        places = (finding.place, finding.fix_at, finding.header, finding.compiled)
        if any(rule.directive.means(place.locate()) for place in places if place is not None):
            return set(finding.addresses)
        if finding.place is None and rule.directive.scope is None and finding.path == rule.directive.path:
            return set(finding.addresses)
        return {name for name in finding.addresses if self._inside(rule.directive, name, finding.roots)}

    def may_mean(self, rule: _Rule, check: Undecided) -> bool:
        """Whether a suppression could mean what an undecided check would find."""
        if rule.accepts is not None:
            return not rule.accepts.address or glob(rule.accepts.address, check.address)
        assert rule.directive is not None
        if rule.directive.module and f"module.{rule.directive.module}" in check.address:
            return True
        places: tuple[Locator | None, ...] = (check.place, check.header)
        return any(rule.directive.means(place.locate()) for place in places if place is not None)

    def _accepts(self, accepts: Accepts, finding: Finding) -> set[str]:
        if accepts.path is not None and not accepts.path.cover(self._relative(finding.path)):
            return set()
        if not accepts.address or glob(accepts.address, finding.address):
            return set(finding.addresses)
        return {name for name in finding.addresses if glob(accepts.address, name)}

    def _inside(self, directive: Directive, address: str, roots: Sequence[str]) -> bool:
        """Whether an address is inside the module that is called where the suppression stands, in every root."""
        if not directive.module or not roots:
            return False
        here = directive.path.rpartition("/")[0] or "."
        return all((directive.module, here) in self._chain(address, root) for root in roots)

    def _chain(self, address: str, root: str) -> Iterator[tuple[str, str]]:
        """The module calls that an address goes through: name, and the directory of the call."""
        directory, at = root, 0
        while (match := _MODULE.match(address, at)) is not None:
            yield match["name"], directory
            directory, at = self._callee(directory, match["name"]), match.end()

    def _callee(self, directory: str, name: str) -> str:
        """The directory of a local module; empty for another one."""
        if not directory:
            return ""
        if directory not in self._calls:
            self._calls[directory] = dict(self._read(directory))
        return self._calls[directory].get(name, "")

    def _read(self, directory: str) -> Iterator[tuple[str, str]]:
        from bklint.syntax import hcl
        from bklint.syntax.node import Literal

        for entry in self._reader.list(directory):
            if entry.directory or not entry.name.endswith((".tf", ".tofu")):
                continue
            path = join(directory, entry.name)
            try:
                body = hcl.parse(Source.of(path, self._reader.read(path))).body
            except InputError:
                continue
            for block in body.blocks:
                source = block.body.attributes.get("source")
                value = source.expr.value if source is not None and isinstance(source.expr, Literal) else None
                if block.type == "module" and block.labels and isinstance(value, str) and value.startswith("."):
                    yield block.labels[0], join(directory, value)
