"""Paths into a report: discover, lower, judge, describe, sort.

One root after the other is lowered, judged and dropped, so memory follows the largest root and not the whole scan. What
goes wrong with one input ends with that input: it becomes finding BKP900 (the input's fault) or BKP901 (ours).
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from fnmatch import fnmatchcase
from functools import partial
from importlib.resources import files
from typing import TYPE_CHECKING, TypeVar

from bklint import engine, facts
from bklint.discover import Inputs, discover
from bklint.errors import InputError, UsageError
from bklint.facts.locks import OTHER_ROOTS, Evidence, asks_other_roots, evidence_of
from bklint.files import DiskReader, Reader, confinement
from bklint.finding import Finding, Report, Severity
from bklint.frontends import FRONTENDS, Options, Root, frontend
from bklint.model.defaults import Defaults
from bklint.model.derive import derive
from bklint.model.inventory import Inventory, Problem, World
from bklint.policy import store
from bklint.policy.model import SEVERITIES, Citation, Policy
from bklint.policy.store import PolicySet
from bklint.source import Place, Source

if TYPE_CHECKING:
    from bklint.reporters import Rule

UNREADABLE = "BKP900"
INTERNAL = "BKP901"

Progress = Callable[[int, str], None]
"""Told how many roots are finished and which one is next."""

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class ScanOptions:
    """What a scan is asked to do; `inputs` goes to the front-ends."""

    select: tuple[str, ...] = ()
    ignore: tuple[str, ...] = ()
    policy_directories: tuple[str, ...] = ()
    edition: str = "original"
    complete: bool = False
    only_protected: bool = False
    min_severity: Severity = Severity.WARNING
    parameters: Mapping[str, object] = field(default_factory=dict)
    inputs: Options = field(default_factory=Options)


def load_policies(options: ScanOptions) -> PolicySet:
    """The policies that the options select. Raises UsageError."""
    return store.load(options.policy_directories, facts.all_facts()).select(options.select, options.ignore)


def inputs(paths: Sequence[str], options: ScanOptions, reader: Reader | None = None) -> Inputs:
    """What a scan of these paths would read. Raises UsageError for a path that does not exist."""
    return discover(paths, reader or disk_reader(paths, options), FRONTENDS)


def scan(
    paths: Sequence[str],
    options: ScanOptions,
    policies: PolicySet,
    reader: Reader | None = None,
    progress: Progress | None = None,
) -> Report:
    """Check what is at `paths`. Raises UsageError; everything that is wrong with an input is in the report."""
    began = time.monotonic()
    reader = reader or disk_reader(paths, options)
    found = discover(paths, reader, FRONTENDS)
    judged = _Scan(options, policies, reader, found, progress).run()
    return replace(judged, seconds=time.monotonic() - began)


def disk_reader(paths: Sequence[str], options: ScanOptions) -> DiskReader:
    """A reader confined to what the paths and the options name. Raises UsageError for what does not exist."""
    for path in paths:
        if not os.path.exists(path):
            raise UsageError(f"path {path!r} does not exist")
        if not (os.path.isfile(path) or os.path.isdir(path)):
            raise UsageError(f"path {path!r} is neither a file nor a directory")
    named = (*options.inputs.var_files, *options.inputs.parameter_files)
    for path in named:
        if not os.path.isfile(path):
            raise UsageError(f"file {path!r} does not exist")
    return DiskReader((*dict.fromkeys(map(confinement, paths)), *named))


def defaults() -> Defaults:
    """The table of what Azure and the providers use where the code says nothing."""
    from bklint.syntax.yaml import load_data

    table = files("bklint") / "data" / "defaults.yaml"
    if not table.is_file():
        return Defaults(())
    rows = load_data(table.read_bytes())
    return Defaults.of(rows or ())


class _Scan:
    """One scan under way: what is needed for every root, and what has come of those that are done."""

    def __init__(
        self, options: ScanOptions, policies: PolicySet, reader: Reader, found: Inputs, progress: Progress | None
    ) -> None:
        self._options = options
        self._policies = policies
        self._reader = reader
        self._found = found
        self._progress = progress
        self._inventory = Inventory(problems=list(found.problems), notes=list(found.notes))
        self._errors: list[Finding] = []
        self._done = 0
        self._asking = False
        self._waiting: list[tuple[Root, engine.Outcome]] = []
        self._signs: dict[str, list[Evidence]] = {}
        self._kinds = dict(found.listing)
        self._defaults = defaults() if found.roots else Defaults(())
        self._settings = engine.Settings(
            edition=options.edition, parameters=options.parameters, only_protected=options.only_protected
        )

    def run(self) -> Report:
        """Every root, and the report of all of them."""
        outcomes = [outcome for root in self._roots() if (outcome := self._judge(root)) is not None]
        whole = engine.combine([*outcomes, *self._again()])
        findings = [finding for finding in whole.findings if finding.severity >= self._options.min_severity]
        described = engine.describe(findings, self._policies)
        problems = [] if self._ignored(UNREADABLE) else _once(map(self._claiming, self._inventory.problems))
        claims = {problem.path for problem in problems if problem.claims}
        return Report(
            findings=tuple(sorted([*described, *map(unreadable, problems), *self._errors], key=_order)),
            undecided=tuple(whole.undecided),
            notes=tuple(_once([*self._inventory.notes, *whole.notes])),
            files_read=max(0, self._reader.files_read - len(self._unread())),
            files_by_dialect=self._found.files,
            files_unread=len(self._unread()) + len(claims),
            files_skipped=tuple(self._found.skipped),
            resources=whole.resources,
            resources_of_interest=whole.of_interest,
            machines=whole.machines,
            checks_passed=whole.passed,
            hidden=len(whole.findings) - len(findings),
            unread_claimed=bool(claims),
            edition=self._options.edition,
        )

    def _claiming(self, problem: Problem) -> Problem:
        """The problem with what discovery knows: a file that was taken for a dialect claims it."""
        kind = self._kinds.get(problem.path)
        return problem._replace(claims=True) if kind in ("tfvars", "parameters", *FRONTENDS) else problem

    def _ignored(self, id_: str) -> bool:
        return any(fnmatchcase(id_, word.upper()) for word in self._options.ignore)

    def _unread(self) -> list[str]:
        """Files that were looked into and then left alone."""
        looked_into = {"skipped", "plan", "nsg", "unclaimed"} - FRONTENDS.keys()
        return [path for path, kind in self._found.listing if kind in looked_into]

    def _roots(self) -> Iterator[Root]:
        for dialect, paths in sorted(self._found.roots.items()):
            roots = self._guarded(paths[0], partial(self._front_end, dialect, paths))
            while roots is not None:
                root = self._guarded(paths[0], partial(next, roots, None))
                if root is None:
                    break
                yield root

    def _front_end(self, dialect: str, paths: list[str]) -> Iterator[Root]:
        return frontend(dialect)(tuple(paths), self._reader, self._options.inputs, self._inventory)

    def _judge(self, root: Root) -> engine.Outcome | None:
        if self._progress is not None:
            self._progress(self._done, root.path)
        self._done += 1
        self._asking = False
        outcome = self._guarded(
            root.path,
            lambda: engine.judge(root, self._policies, self._settings, self._prepare, facts.read),
        )
        if outcome is not None and self._asking:
            self._waiting.append((root, outcome))
            return None
        return outcome

    def _again(self) -> Iterator[engine.Outcome]:
        """The roots whose findings depend on what the other roots hold, once all of them have been seen.

        They are lowered again rather than kept, and only when there is another root that holds something.
        """
        for root, alone in self._waiting:
            others = [sign for path, signs in self._signs.items() if path != root.path for sign in signs]
            if not others:
                yield alone
                continue
            prepare = partial(self._prepare, others=others)
            again = self._guarded(
                root.path, partial(engine.judge, root, self._policies, self._settings, prepare, facts.read)
            )
            yield alone if again is None else again

    def _prepare(self, world: World, others: Sequence[Evidence] = ()) -> None:
        world.complete = world.complete or self._options.complete
        world.finish(derive, self._defaults.fill)
        world.memo[OTHER_ROOTS] = others
        self._signs.setdefault(world.root, evidence_of(world))
        self._asking = self._asking or asks_other_roots(world)

    def _guarded(self, path: str, work: Callable[[], T]) -> T | None:
        """The result of work on one input, or None when it failed: then the failure is recorded."""
        try:
            return work()
        except InputError as error:
            self._inventory.problems.append(Problem(path, error.message, self._place(path, error.offset)))
        except UsageError:
            raise
        except Exception as error:  # noqa: BLE001 - one of the two guarded places: a bug must not end the scan
            self._errors.append(internal_error(path, error))
        return None

    def _place(self, path: str, offset: int | None) -> Place | None:
        """The place of an error in an input that could be read as bytes."""
        if offset is None:
            return None
        try:
            return Place(Source(path, self._reader.read(path)), offset, offset + 1)
        except InputError:
            return None


def unreadable(problem: Problem) -> Finding:
    """The finding that an input cannot be read or parsed."""
    return Finding(
        policy=UNREADABLE,
        name="unreadable-input",
        severity=Severity.ERROR if problem.claims else Severity.WARNING,
        message=f"cannot be read: {problem.message.removeprefix('cannot be read: ')}",
        path=problem.path,
        place=problem.place,
        why="What cannot be read is not checked, so this file may hold anything.",
    )


def internal_error(path: str, error: Exception) -> Finding:
    """The finding that bklint itself failed on an input. The exception's text is left out: it may hold a secret."""
    trace = error.__traceback__
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    where = f"{trace.tb_frame.f_globals.get('__name__')}:{trace.tb_lineno}" if trace is not None else "?"
    return Finding(
        policy=INTERNAL,
        name="internal-error",
        severity=Severity.ERROR,
        message=f"internal error: {type(error).__name__} at {where}; please report it",
        path=path,
        place=None,
        why="This is a bug of bklint; what it was about to check is not checked.",
    )


def _once(items: Iterable[T]) -> list[T]:
    """Items in order, equal ones once. Places compare by identity of their source."""
    return list(dict.fromkeys(items))


def _order(finding: Finding) -> tuple[str, int, str, str, str]:
    start = finding.place.locate().start if finding.place is not None else 0
    return finding.path, start, finding.policy, finding.address, finding.sub_key


# -- what people read of policies ----------------------------------------------------------------------------------


def rules(report: Report, policies: PolicySet) -> dict[str, Rule]:
    """What people read of the policies that have findings, by id."""
    found = (policies.by_id(id_) for id_ in dict.fromkeys(finding.policy for finding in report.findings))
    return {policy.id: rule(policy, policies) for policy in found if policy is not None}


def all_rules(directories: tuple[str, ...], ids: Sequence[str]) -> list[Rule]:
    """What people read of all policies, or of those named. Raises UsageError."""
    policies = store.load(directories, facts.all_facts())
    chosen = policies.select(ids) if ids else policies
    return [rule(policy, policies) for policy in chosen]


def rule(policy: Policy, policies: PolicySet) -> Rule:
    """What people read of one policy."""
    from bklint.reporters import Rule

    texts = policies.texts(policy)
    return Rule(
        id=policy.id,
        name=policy.name,
        title=policy.title,
        area=policy.area,
        level=max((case.severity for case in policy.cases), key=SEVERITIES.index, default="warning"),
        why=texts.why,
        errors=texts.errors,
        fix=texts.summary,
        sources=tuple(citation(source) for source in texts.sources),
        snippets=texts.snippets,
    )


def citation(source: Citation) -> str:
    """A source in one line."""
    text = f"{source.document}, {source.section} ({source.date}): {source.says}"
    return f"{text} {source.url}" if source.url else text
