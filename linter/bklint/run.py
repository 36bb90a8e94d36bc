"""Paths into a report: discover, lower, judge, describe, sort.

One root after the other is lowered, judged and dropped, so memory follows the largest root and not the whole scan. What
goes wrong with one input ends with that input: it becomes finding BKP900 (the input's fault) or BKP901 (ours).
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import nullcontext
from datetime import date
from functools import partial
from typing import TYPE_CHECKING, TypeVar

from bklint import baseline, engine, facts, limits, packaged
from bklint.choices import Choices, choices
from bklint.config import Configuration
from bklint.decided import Statistics
from bklint.discover import GuestFiles, Inputs, discover
from bklint.engine.places import distinct
from bklint.errors import InputError, UsageError
from bklint.facts.locks import OTHER_ROOTS, Evidence, asks_other_roots, evidence_of
from bklint.facts.protection import CONFIGURATION
from bklint.files import DiskReader, OverlayReader, Reader, confinement, write
from bklint.finding import Finding, Report, Severity
from bklint.frontends import (
    FRONTENDS,
    NamedContext,
    Options,
    Root,
    attach,
    frontend,
    guest_content,
    guest_name,
)
from bklint.gitignore import Gitignore
from bklint.model.defaults import Defaults
from bklint.model.derive import derive
from bklint.model.inventory import Inventory, Note, Problem, World
from bklint.policy import store
from bklint.policy.store import PolicySet
from bklint.reach import concerns
from bklint.records import dataclass, field, replace
from bklint.sift import Found, Sieve, has_gaps
from bklint.source import Place, Source

if TYPE_CHECKING:
    from bklint.fix.verify import Fixed, Wanted
    from bklint.frontends.azure.options import LiveOptions
    from bklint.frontends.bicep import Originals
    from bklint.live import Live
    from bklint.revision import Revision

UNREADABLE = "BKP900"
INTERNAL = "BKP901"
LIMITED = "BKP902"

Progress = Callable[[int, str], None]
"""Told how many roots are finished and which one is next."""

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class ScanOptions:
    """What a scan is asked to do; `inputs` goes to the front-ends.

    `baseline` is a file of known findings, `changed_since` a commit: what was there before does not count.
    `report_only` are files: only what they have a part in is reported. `passes` keeps which checks passed, and not only
    their number. `today` decides what has expired.
    """

    select: tuple[str, ...] = ()
    ignore: tuple[str, ...] = ()
    policy_directories: tuple[str, ...] = ()
    edition: str = "original"
    complete: bool = False
    only_protected: bool = False
    min_severity: Severity = Severity.WARNING
    inputs: Options = field(default_factory=Options)
    config: Configuration = field(default_factory=Configuration)
    suppressions: bool = True
    baseline: str = ""
    changed_since: str = ""
    report_only: tuple[str, ...] = ()
    passes: bool = False
    today: date | None = None
    statistics: bool = False
    bicep: str = "build"
    """One of discover.BICEP_MODES."""
    limits: Mapping[str, int] = field(default_factory=dict)
    """Limits that are not the default ones, by name."""
    live: LiveOptions | None = None
    """What of Azure is looked at; without paths that is what is judged."""


def load_policies(options: ScanOptions) -> PolicySet:
    """The policies that the options select. Raises UsageError, also for what is wrong with the configuration."""
    everything = store.load(options.policy_directories, facts.all_facts())
    choices(options.config, everything)
    return everything.select(options.select, options.ignore)


def inputs(paths: Sequence[str], options: ScanOptions, reader: Reader | None = None) -> Inputs:
    """What a scan of these paths would read. Raises UsageError for a path that does not exist."""
    reader = reader or disk_reader(paths, options)
    config, ignored = options.config, Gitignore(reader)

    def excluded(path: str, directory: bool) -> bool:
        return config.excludes(path, directory) or (config.gitignore and ignored.ignores(path, directory))

    return discover(paths, reader, FRONTENDS, excluded, GuestFiles(guest_name, guest_content))


def scan(
    paths: Sequence[str],
    options: ScanOptions,
    policies: PolicySet,
    reader: Reader | None = None,
    progress: Progress | None = None,
    scanning: Callable[..., Scanning] | None = None,
) -> Report:
    """Check what is at `paths`. Raises UsageError; everything that is wrong with an input is in the report. `scanning`
    takes the place of Scanning where roots are judged in another way, as in several processes."""
    with limits.using(options.limits):
        return _scan(paths, options, policies, reader, progress, scanning)


def _scan(
    paths: Sequence[str],
    options: ScanOptions,
    policies: PolicySet,
    reader: Reader | None,
    progress: Progress | None,
    scanning: Callable[..., Scanning] | None,
) -> Report:
    began = time.monotonic()
    reader = reader or disk_reader((*paths, *options.report_only), options)
    chosen = choices(options.config, policies, options.ignore)
    base = _revision(paths, options.changed_since, reader) if options.changed_since else None
    with base or nullcontext():
        old = _before(paths, options, policies, base) if base is not None else None
        found = inputs(paths, options, reader)
        made: Mapping[str, str] = {}
        if found.uncompiled:
            from bklint.compiling import compiled

            mode = "off" if base is not None else options.bicep  # a commit has no files that the compiler could read
            found, reader, made = compiled(found, reader, mode)
        watched = _Watched(reader, progress)
        judged = (scanning or Scanning)(paths, options, policies, chosen, watched, found, progress, made, base)
        report = judged.run(Sieve(paths, options, policies, chosen, reader, found, base, old))
    return replace(report, seconds=time.monotonic() - began)


def _revision(paths: Sequence[str], name: str, reader: Reader) -> Revision:
    from bklint.revision import Revision

    return Revision(paths, name, reader)


def _before(paths: Sequence[str], options: ScanOptions, policies: PolicySet, base: Revision) -> Report:
    """What there was before the change, under the policies, configuration and inputs of today."""
    there = [path for path in paths if base.exists(path)]
    same = replace(
        options,
        changed_since="",
        baseline="",
        report_only=(),
        min_severity=Severity.INFO,
        statistics=False,
        bicep="off",
        live=None,
    )
    return scan(there, same, policies, base) if there else Report()


def record(paths: Sequence[str], options: ScanOptions, file: str) -> tuple[str, bool]:
    """Write what is found as a baseline; what was done, in words, and whether bklint could judge everything.

    Entries that are there keep their reason and day; those that a scan of these paths would not find stay.
    """
    with limits.using(options.limits):
        return _record(paths, options, file)


def _record(paths: Sequence[str], options: ScanOptions, file: str) -> tuple[str, bool]:
    policies = load_policies(options)
    reader = disk_reader(paths, options)
    before = baseline.load(file) if os.path.exists(file) else ()
    report = scan(paths, options, policies, reader)
    found = inputs(paths, options, reader)
    sieve = Sieve(paths, replace(options, baseline=file), policies, choices(options.config, policies), reader, found)
    today = (options.today or date.today()).isoformat()
    view = sieve.view(file)
    sieve.gaps = has_gaps(report.findings)
    known = [each for each in report.findings if not has_gaps((each,))]  # a gap that is known would hide the next one
    after = baseline.updated(before, known, view, today, sieve.seen(report.undecided, "baseline"))
    write(file, baseline.written(after.entries))
    whole = not sieve.gaps and not any(each.policy == INTERNAL for each in report.findings)
    return baseline.told(file, after, bool(before)), whole


def fixed(
    paths: Sequence[str], options: ScanOptions, policies: PolicySet, wanted: Wanted, reader: Reader | None = None
) -> Fixed:
    """What fixes make of what is at `paths`; nothing is written. Raises UsageError."""
    with limits.using(options.limits):
        return _fixed(paths, options, policies, wanted, reader)


def _fixed(
    paths: Sequence[str], options: ScanOptions, policies: PolicySet, wanted: Wanted, reader: Reader | None
) -> Fixed:
    from bklint.fix.plan import Seen
    from bklint.fix.verify import Bench, Mending

    everything = replace(options, min_severity=Severity.INFO, bicep="off", live=None)
    chosen = choices(options.config, policies, options.ignore)

    def worlds(texts: Reader) -> Iterator[Seen]:
        given = replace(options.inputs, named=partial(_named, options.config))
        for dialect, found in sorted(inputs(paths, options, texts).roots.items()):
            for root in frontend(dialect)(tuple(found), texts, given, Inventory()):
                for context in root.contexts:
                    try:
                        world = root.lower(context, {})
                    except InputError:
                        continue
                    world.complete = world.complete or options.complete
                    world.finish(derive, defaults().fill)
                    attach(world, texts)
                    yield Seen(world, chosen.parameters(root.path))

    bench = Bench(lambda texts: scan(paths, everything, policies, texts), worlds, policies)
    mending = Mending(bench, wanted, reader or disk_reader((*paths, *options.report_only), options))
    try:
        mending.run()
    except UsageError:
        raise
    except Exception as error:  # noqa: BLE001 - what was mended before the bug has been tested and stays
        mending.note(internal_error("", error).message)
    return mending.result()


def schema(name: str) -> str:
    """The JSON Schema of configuration files, policy files or the JSON report."""
    if name == "policy":
        return packaged.policy("schema.json").decode("utf-8")
    return packaged.content(f"data/{name}.schema.json").decode("utf-8")


def disk_reader(paths: Sequence[str], options: ScanOptions) -> DiskReader:
    """A reader confined to what the paths and the options name. Raises UsageError for what does not exist."""
    for path in paths:
        if not os.path.exists(path):
            raise UsageError(f"path {path!r} does not exist{_near(path)}")
        if not (os.path.isfile(path) or os.path.isdir(path)):
            raise UsageError(f"path {path!r} is neither a file nor a directory")
    contexts = (file for each in options.config.contexts for file in (*each.var_files, *each.parameter_files))
    named = (*options.inputs.var_files, *options.inputs.parameter_files, *contexts)
    for path in named:
        if not os.path.isfile(path):
            raise UsageError(f"file {path!r} does not exist")
    return DiskReader((*dict.fromkeys(map(confinement, paths)), *named))


def _near(path: str) -> str:
    """What is there under a similar name."""
    from difflib import get_close_matches

    directory, name = os.path.split(path.rstrip("/"))
    if not os.path.isdir(directory or "."):
        return ""
    found = get_close_matches(name, os.listdir(directory or "."), 1)
    return f"; did you mean {os.path.join(directory, found[0])!r}?" if found else ""


def defaults() -> Defaults:
    """The table of what Azure and the providers use where the code says nothing."""
    text, rows = packaged.defaults()
    if rows is None:
        from bklint.syntax.yaml import load_data

        rows = load_data(text)
    return Defaults.of(rows)


class _Watched(OverlayReader):
    """A reader that says what it reads, so that there is progress while a front-end parses."""

    def __init__(self, reader: Reader, progress: Progress | None) -> None:
        super().__init__(reader, {})
        self._progress = progress

    def read(self, path: str) -> bytes:
        """See Reader."""
        if self._progress is not None:
            self._progress(self.under.files_read, path)
        return self.under.read(path)


class Scanning:
    """One scan under way: what is needed for every root, and what has come of those that are done."""

    def __init__(
        self,
        paths: Sequence[str],
        options: ScanOptions,
        policies: PolicySet,
        chosen: Choices,
        reader: Reader,
        found: Inputs,
        progress: Progress | None,
        built: Mapping[str, str],
        base: Revision | None,
    ) -> None:
        self.paths = paths
        self._built = built
        self._base = base
        self._bases: dict[str, Root | None] = {}
        self._files = bool(paths)
        self._options = options
        self._policies = policies
        self._chosen = chosen
        self._inputs = replace(options.inputs, named=partial(_named, options.config))
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
        self._live = self._azure()
        self._defaults = defaults() if found.roots or self._live is not None else Defaults(())
        self._originals: Originals | None = None

    def _azure(self) -> Live | None:
        if self._options.live is None:
            return None
        from bklint.live import Live

        return Live(self._options.live, self._inventory, self._progress, self._options.inputs.location)

    def _settings(self, root: Root) -> engine.Settings:
        return engine.Settings(
            edition=self._options.edition,
            parameters=self._chosen.parameters(root.path),
            severities=self._chosen.severities,
            only_protected=self._options.only_protected,
            statistics=self._options.statistics,
            passes=self._options.passes,
        )

    def run(self, sieve: Sieve) -> Report:
        """Every root, and the report of all of them."""
        whole = engine.combine(self.outcomes())
        problems = distinct(map(self._claiming, self._inventory.problems))
        notes = distinct([*self._inventory.notes, *whole.notes])
        passed = [note for note in notes if note.kind == "limit" and note.strict]
        everything = [*whole.findings, *map(unreadable, problems), *map(limited, passed), *self._errors]
        sifted = sieve.sift(Found(everything, whole.undecided))
        left = {finding.path for finding in sifted.findings if finding.policy == UNREADABLE}
        claims = {problem.path for problem in problems if problem.claims} & left
        return Report(
            findings=tuple(sorted(engine.describe(sifted.findings, self._policies), key=_order)),
            undecided=tuple(whole.undecided),
            notes=tuple(note for note in notes if note not in passed),
            files_read=max(0, self._reader.files_read - len(self._unread())),
            files_by_dialect=self._found.files,
            files_unread=len(self._unread()) + len(claims),
            files_skipped=tuple(self._found.skipped),
            resources=whole.resources,
            resources_of_interest=whole.of_interest,
            machines=whole.machines,
            checks_passed=whole.passed,
            passes=tuple(whole.passes),
            hidden=sifted.hidden,
            unread_claimed=bool(claims) or any(each.policy == LIMITED for each in sifted.findings),
            edition=self._options.edition,
            accepted=tuple(sorted(sifted.accepted, key=lambda each: _order(each.finding))),
            gone=tuple(sifted.gone),
            compared=sieve.compares,
            statistics=whole.statistics or (Statistics() if self._options.statistics else None),
            estate=None if self._live is None else self._live.summary(),
        )

    def outcomes(self) -> list[engine.Outcome]:
        """What comes of every root."""
        outcomes = [outcome for root in self._roots() if (outcome := self._judge(root)) is not None]
        return [*outcomes, *self._again()]

    def _claiming(self, problem: Problem) -> Problem:
        """The problem with what discovery knows: a file that was taken for a dialect claims it."""
        kind = self._kinds.get(problem.path)
        return problem._replace(claims=True) if kind in ("tfvars", "parameters", *FRONTENDS) else problem

    def _unread(self) -> list[str]:
        """Files that were read to see what they are, and then left alone."""
        looked_into = {"unclaimed"} - FRONTENDS.keys()
        return [path for path, kind in self._found.listing if kind in looked_into]

    def _roots(self) -> Iterator[Root]:
        for dialect, paths in sorted(self._found.roots.items()):
            roots = self._guarded(paths[0], partial(self._front_end, dialect, paths))
            for root in self._each(paths[0], roots):
                if self._concerned(dialect, root):
                    yield root if self._live is None else self._live.root(root)
        if self._live is not None and not self._files:
            yield from self._each("/subscriptions/", self._live.roots())

    def _concerned(self, dialect: str, root: Root) -> bool:
        return concerns(dialect, root.path, self._options.report_only, self._reader)

    def _each(self, path: str, roots: Iterator[T] | None) -> Iterator[T]:
        """The roots up to the first that cannot be had."""
        while roots is not None:
            root = self._guarded(path, partial(next, roots, None))
            if root is None:
                break
            yield root

    def _front_end(self, dialect: str, paths: list[str]) -> Iterator[Root]:
        return frontend(dialect)(tuple(paths), self._reader, self._inputs, self._inventory)

    def _judge(self, root: Root) -> engine.Outcome | None:
        if self._progress is not None:
            self._progress(self._done, root.path)
        self._done += 1
        self._asking = False
        outcome = self._guarded(root.path, partial(self._judged, root, self._prepare))
        if outcome is not None and self._asking and self._files:
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
            again = self._guarded(root.path, partial(self._judged, root, prepare))
            yield alone if again is None else again

    def _judged(self, root: Root, prepare: Callable[[World], None]) -> engine.Outcome:
        """What the policies say of a root, at the places of its source where it is compiled."""
        worlds: list[World] = []

        def prepared(world: World) -> None:
            worlds.append(world)
            prepare(world)

        try:
            outcome = engine.judge(root, self._policies, self._settings(root), prepared, facts.read)
            outcome.notes[:] = [
                each if each.place or each.path else each._replace(path=root.path) for each in outcome.notes
            ]
            if self._live is not None:
                outcome = self._live.judged(root, outcome)
        finally:
            for world in worlds:
                world.close()
        if self._has_source(path for path in (root.path, *(each.path for each in outcome.findings))):
            from bklint.engine.originals import in_source
            from bklint.frontends.bicep import Originals

            self._originals = self._originals or Originals(self._reader, self._built)
            outcome = in_source(outcome, self._originals)
        return outcome

    def _has_source(self, paths: Iterable[str]) -> bool:
        """Whether a Bicep file lies beside one of the templates."""
        stems = {path.removesuffix(".json") for path in paths if path.endswith(".json")}
        return any(self._reader.is_file(f"{stem}.bicep") for stem in stems)

    def _prepare(self, world: World, others: Sequence[Evidence] = ()) -> None:
        world.complete = world.complete or self._options.complete
        if self._base is not None and world.dialect == "terraform" and not world.splits:
            self._compare(world, self._base)
        if self._live is not None:
            self._live.fill(world)
        world.finish(derive, self._defaults.fill)
        attach(world, self._reader)
        world.memo[OTHER_ROOTS] = others
        world.memo[CONFIGURATION] = {"protected_by_tag": self._options.config.protected_by_tag}
        if self._files:
            self._signs.setdefault(world.root, evidence_of(world))
        if self._live is not None:
            self._live.finished(world)
        self._asking = self._asking or asks_other_roots(world)

    def _compare(self, world: World, base: Revision) -> None:
        """Note in a world what the base of the change had and it lacks."""
        from bklint.removed import note_removed

        try:
            if world.root not in self._bases:
                found = frontend(world.dialect)((world.root,), base, self._inputs, Inventory())
                self._bases[world.root] = next(found, None)
            root = self._bases[world.root]
            if root is not None:
                context = world.context if world.context in root.contexts else root.contexts[0]
                note_removed(world, root.lower(context, {}))
        except InputError:
            return

    def _guarded(self, path: str, work: Callable[[], T]) -> T | None:
        """The result of work on one input, or None when it failed: then the failure is recorded, as are limits that it passed."""
        with limits.recording() as passed:
            found = self._try(path, work)
        self._inventory.notes += [Note("limit", hit.message, hit.place, path=path) for hit in passed.hits.values()]
        return found

    def _try(self, path: str, work: Callable[[], T]) -> T | None:
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
            return Place.at(Source(path, self._reader.read(path)), offset)
        except InputError:
            return None


def _named(config: Configuration, root: str) -> tuple[NamedContext, ...]:
    """The contexts that the configuration gives a root."""
    return tuple(NamedContext(each.label, each.var_files, each.parameter_files) for each in config.contexts_of(root))


def unreadable(problem: Problem) -> Finding:
    """The finding that an input cannot be read or parsed, or a part of Azure not be checked."""
    told = problem.message
    file = not told.startswith("not checked: ")
    return Finding(
        policy=UNREADABLE,
        name="unreadable-input",
        severity=Severity.ERROR if problem.claims else Severity.WARNING,
        message=f"cannot be read: {told.removeprefix('cannot be read: ')}" if file else told,
        path=problem.path,
        place=problem.place,
        why=f"What cannot be read is not checked, so {'this file may hold' if file else 'there may be'} anything.",
    )


def limited(note: Note) -> Finding:
    """The finding that a limit was passed, so that something is not checked."""
    place = note.place
    return Finding(
        policy=LIMITED,
        name="limit-reached",
        severity=Severity.ERROR,
        message=f"not all is checked: {note.message}",
        path=place.locate().source.name if place is not None else note.path,
        place=place,
        why="What lies behind a limit is not checked, so there may be anything.",
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


def _order(finding: Finding) -> tuple[str, int, str, str, str]:
    start = finding.place.locate().start if finding.place is not None else 0
    return finding.path, start, finding.policy, finding.address, finding.sub_key
