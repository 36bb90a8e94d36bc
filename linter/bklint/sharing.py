"""A scan in several processes: each judges every n-th root, and the report is the same as that of one process.

Each process finds the roots by itself. Of templates it reads its share alone; of Terraform it reads all modules, since only
they tell which are roots. Processes are started afresh (`spawn`), so nothing depends on what the parent holds, on any
system. The parent puts what they answer in the order of the roots. A process that dies, as one that the system kills for
its memory, costs the root that it was at: a finding says so, and another process goes on behind it.

In the process: `work`. In the parent: `Shared`.
"""

from __future__ import annotations

import os
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from threading import current_thread, main_thread
from typing import TYPE_CHECKING, Any, NamedTuple

from bklint import limits
from bklint.choices import choices
from bklint.discover import Inputs
from bklint.engine import Outcome
from bklint.engine.places import located
from bklint.errors import BklintError, UsageError
from bklint.facts.locks import Evidence
from bklint.files import DiskReader, OverlayReader
from bklint.finding import Finding, Severity, Undecided
from bklint.frontends import Root, frontend_of_shares
from bklint.model.inventory import Note, Problem
from bklint.model.value import Value
from bklint.process import collect_seldom, leave
from bklint.records import replace
from bklint.run import INTERNAL, Scanning, ScanOptions, disk_reader, load_policies

if TYPE_CHECKING:
    from multiprocessing.connection import Connection
    from multiprocessing.process import BaseProcess

__all__ = ["Shared", "sharing"]


class Job(NamedTuple):
    """What a process needs: the scan, and its share: the roots whose number leaves `mine` when divided by `of`, from
    `start` on."""

    paths: tuple[str, ...]
    options: ScanOptions
    found: Inputs
    mine: int
    of: int
    start: int = 0

    def has(self, number: int) -> bool:
        """Whether a root is in the share."""
        return number >= self.start and number % self.of == self.mine


def _has(job: Job, base: int, number: int) -> bool:
    return job.has(base + number)


class Said(NamedTuple):
    """What was noted while a root was found or judged."""

    problems: tuple[Problem, ...]
    notes: tuple[Note, ...]
    errors: tuple[Finding, ...]


class Answer(NamedTuple):
    """A message of a process. `kind` is begin, found, judged, again, rest or end; of `again` the outcome takes the place
    of the one before. `number` is the root's; `reads` are the files that were read, told at the end."""

    kind: str
    number: int = -1
    path: str = ""
    said: Said = Said((), (), ())
    outcome: Outcome | None = None
    waits: bool = False
    signs: tuple[tuple[str, tuple[Evidence, ...]], ...] = ()
    reads: tuple[tuple[str, int], ...] = ()


def sharing(jobs: int) -> Callable[..., Scanning]:
    """What takes the place of Scanning for that many processes; 0 means one for each processor. Raises UsageError."""
    if jobs < 0:
        raise UsageError(f"--jobs {jobs}: give the number of processes, or 0 for one on each processor")

    def make(*arguments: Any) -> Scanning:
        return Shared(jobs or _processors(), *arguments)

    return make


def _processors() -> int:
    """How many processors this process may use; containers often allow fewer than there are."""
    allowed = getattr(os, "sched_getaffinity", None)
    return len(allowed(0)) if allowed is not None else os.cpu_count() or 1


# -- in the process ----------------------------------------------------------------------------------------------------


class _Part(Scanning):
    """The roots of one share."""

    def work(self, job: Job, tell: Callable[[Answer], None], hear: Callable[[], Any]) -> None:
        """Judge the share; then, with the signs of all roots, those that wait for them once more."""
        waiting: list[tuple[int, Any, Outcome]] = []
        self._taken()  # what discovery found, the parent has
        for number, root in self._numbered(job):
            tell(Answer("found", number, said=self._taken()))
            if root is None or not job.has(number):
                continue
            tell(Answer("begin", number, root.path))
            before = set(self._signs)
            self._waiting.clear()
            outcome = self._judge(root)
            waits = bool(self._waiting)
            if waits:
                outcome = self._waiting[0][1]
                waiting.append((number, root, outcome))
            signs = tuple((path, tuple(map(_sent, self._signs[path]))) for path in self._signs.keys() - before)
            tell(Answer("judged", number, root.path, self._taken(), self._settled(outcome), waits, signs))
        tell(Answer("rest", said=self._taken()))
        self._signs = dict(hear())
        for number, root, outcome in waiting:
            tell(Answer("begin", number, root.path))
            self._waiting = [(root, outcome)]
            again = next(iter(self._again()))
            tell(Answer("again", number, root.path, self._taken(), None if again is outcome else self._settled(again)))
        tell(Answer("end", reads=tuple(self._disk.reads.items())))

    def _numbered(self, job: Job) -> Iterator[tuple[int, Root | None]]:
        """The roots with their numbers, which are the same in every process; None for a number that is no root. Those of
        other shares are left out where they need not be read."""
        base = 0
        for dialect, paths in sorted(self._found.roots.items()):
            shares = frontend_of_shares(dialect)
            if shares is None:
                roots = self._guarded(paths[0], partial(self._front_end, dialect, paths))
                last = 0
                for last, root in enumerate(self._each(paths[0], roots), 1):
                    yield base + last - 1, root if self._concerned(dialect, root) else None
                base += last
                continue
            mine = partial(_has, job, base)
            found = self._guarded(
                paths[0], partial(shares, tuple(paths), self._reader, self._inputs, self._inventory, mine)
            )
            for at, one in self._each(paths[0], found):
                yield base + at, one if one is not None and self._concerned(dialect, one) else None
            base += len(paths)

    @property
    def _disk(self) -> DiskReader:
        assert isinstance(self._reader, DiskReader)
        return self._reader

    def _settled(self, outcome: Outcome | None) -> Outcome | None:
        """The outcome with every place found. What is read for that alone, one process reads when it prints."""
        before = dict(self._disk.reads)
        made = settled(outcome)
        self._disk.reads = before
        return made

    def _taken(self) -> Said:
        """What was noted since it was asked last."""
        said = Said(
            tuple(each._replace(place=located(each.place)) for each in self._inventory.problems),
            tuple(each._replace(place=located(each.place)) for each in self._inventory.notes),
            tuple(map(_finding, self._errors)),
        )
        self._inventory.problems.clear()
        self._inventory.notes.clear()
        self._errors.clear()
        return said


def work(connection: Connection, job: Job) -> None:
    """A process from beginning to end. The parent alone answers Ctrl-C."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    collect_seldom()
    limits.use(job.options.limits)
    try:
        policies = load_policies(job.options)
        chosen = choices(job.options.config, policies, job.options.ignore)
        reader = disk_reader((*job.paths, *job.options.report_only), job.options)
        part = _Part(job.paths, job.options, policies, chosen, reader, job.found, None, {}, None)
        part.work(job, connection.send, connection.recv)
    except BklintError as error:
        connection.send(error)
    except (EOFError, OSError):
        pass  # the parent has gone
    connection.close()
    leave(0)


def _sent(sign: Evidence) -> Evidence:
    """Evidence as other roots use it: a subscription counts there only where it is a text."""
    subscription = sign.subscription.data if isinstance(sign.subscription.data, str) else None
    shown = Value(sign.place.data, located(sign.place.place))
    return Evidence(sign.kind, sign.label, Value(subscription), shown)


def settled(outcome: Outcome | None) -> Outcome | None:
    """The outcome with every place found, so that it leads to no syntax tree."""
    if outcome is None:
        return None
    return replace(
        outcome,
        findings=list(map(_finding, outcome.findings)),
        undecided=list(map(_undecided, outcome.undecided)),
        notes=[each._replace(place=located(each.place)) for each in outcome.notes],
    )


def _finding(finding: Finding) -> Finding:
    return replace(
        finding,
        place=located(finding.place),
        related=tuple(replace(each, place=each.place.locate()) for each in finding.related),
        fix_at=located(finding.fix_at),
        header=located(finding.header),
        annotate=located(finding.annotate),
        compiled=located(finding.compiled),
    )


def _undecided(undecided: Undecided) -> Undecided:
    return replace(undecided, place=located(undecided.place), header=located(undecided.header))


# -- in the parent -----------------------------------------------------------------------------------------------------


@contextmanager
def _deaf() -> Iterator[None]:
    """Ctrl-C is ignored meanwhile, which a process that is started inherits: while it still imports, it would answer with a
    traceback. Only the main thread can say so."""
    if current_thread() is not main_thread():
        yield
        return
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)


class _Crew:
    """The processes, what they have answered, and what each is at."""

    def __init__(self, job: Job) -> None:
        from multiprocessing import get_context

        self._context = get_context("spawn")
        self._jobs: dict[Any, Job] = {}
        self._running: dict[Any, BaseProcess] = {}
        self._at: dict[Any, Answer] = {}
        self.said: dict[tuple[int, int], Said] = {}
        self.judged: dict[int, Answer] = {}
        self.again: dict[int, Outcome] = {}
        self.signs: dict[int, tuple[tuple[str, tuple[Evidence, ...]], ...]] = {}
        self.reads: dict[str, int] = {}
        self.waiting: list[Any] = []
        self.done = 0
        for mine in range(job.of):
            self._start(job._replace(mine=mine))

    def _start(self, job: Job) -> None:
        ours, theirs = self._context.Pipe()
        process = self._context.Process(target=work, args=(theirs, job), daemon=True)
        with _deaf():
            process.start()
        theirs.close()
        self._jobs[ours], self._running[ours] = job, process

    def answers(self) -> Iterator[str]:
        """Takes answers until every process waits or has ended; the path of each root that is done. Raises UsageError."""
        from multiprocessing.connection import wait

        while active := [each for each in self._running if each not in self.waiting]:
            ready: list[Any] = wait(active)
            for connection in ready:
                try:
                    answer = connection.recv()
                except (EOFError, OSError):
                    self._died(connection)
                    continue
                if isinstance(answer, BaseException):
                    raise answer
                if self._take(connection, answer):
                    yield answer.path

    def _take(self, connection: Any, answer: Answer) -> bool:
        if answer.kind == "begin":
            self._at[connection] = answer
            return False
        if answer.kind in ("found", "rest"):
            order = (answer.number, 0) if answer.kind == "found" else (1 << 62, 0)
            self.said.setdefault(order, answer.said)
        elif answer.kind == "judged":
            self.said[answer.number, 1] = answer.said
            self.judged[answer.number] = answer
            self.signs[answer.number] = answer.signs
            self.done += 1
        elif answer.kind == "again":
            self.said[answer.number, 2] = answer.said
            if answer.outcome is not None:
                self.again[answer.number] = answer.outcome
        if answer.kind == "rest":
            self.waiting.append(connection)
        elif answer.kind == "end":
            self.reads.update(answer.reads)
            self._ended(connection)
        return answer.kind == "judged"

    def _ended(self, connection: Any) -> int | None:
        process = self._running.pop(connection)
        connection.close()
        process.join()
        return process.exitcode

    def _died(self, connection: Any) -> None:
        """Note what was lost, and let another process go on behind it."""
        at, job = self._at.pop(connection, None), self._jobs[connection]
        code = self._ended(connection)
        if at is None:  # before its first root: there is no way around it
            path = job.paths[0] if job.paths else ""
            self.said[job.mine - job.of, 3] = Said((), (), (lost(path, code),))
        elif at.number in self.judged:  # when it looked at it again: what it said at first stays
            return
        else:
            self.said[at.number, 3] = Said((), (), (lost(at.path, code),))
            self._start(job._replace(start=at.number + 1))

    def resume(self) -> None:
        """Tell those that wait what all roots hold."""
        signs = [sign for number in sorted(self.signs) for sign in self.signs[number]]
        for connection in self.waiting:
            connection.send(signs)
        self.waiting.clear()
        self._at.clear()

    def end(self) -> None:
        """Stop what still runs."""
        for connection, process in self._running.items():
            process.terminate()
            connection.close()
            process.join()


def lost(path: str, code: int | None) -> Finding:
    """The finding that the process died that judged an input."""
    if code is not None and code < 0:
        names = {each.value: each.name for each in signal.Signals}
        how = f"was killed ({names.get(-code, f'signal {-code}')})"
    else:
        how = f"ended with status {code}"
    return Finding(
        policy=INTERNAL,
        name="internal-error",
        severity=Severity.ERROR,
        message=f"the process that checked it {how}; systems kill a process that takes too much memory",
        path=path,
        place=None,
        why="What the process was about to check is not checked. Use fewer processes (--jobs 1), or scan less at once.",
    )


class Shared(Scanning):
    """A scan whose roots are judged in several processes."""

    def __init__(self, jobs: int, *arguments: Any) -> None:
        super().__init__(*arguments)
        self._jobs = jobs

    def outcomes(self) -> list[Outcome]:
        """See Scanning."""
        reader = self._reader.under if isinstance(self._reader, OverlayReader) else None
        jobs = min(self._jobs, sum(map(len, self._found.roots.values())))
        if jobs < 2 or self._base is not None or not isinstance(reader, DiskReader):
            return super().outcomes()  # all of it is in this process alone
        crew = _Crew(Job(tuple(self.paths), self._options, self._found, 0, jobs))
        try:
            self._follow(crew)
            crew.resume()
            self._follow(crew)
        finally:
            crew.end()
        for order in sorted(crew.said):
            said = crew.said[order]
            self._inventory.problems += said.problems
            self._inventory.notes += said.notes
            self._errors += said.errors
        reader.count(crew.reads)
        return list(_in_order(crew))

    def _follow(self, crew: _Crew) -> None:
        for path in crew.answers():
            if self._progress is not None:
                self._progress(crew.done, path)


def _in_order(crew: _Crew) -> Iterator[Outcome]:
    """As one process gives them: first those that wait for nothing."""
    for number in sorted(crew.judged):
        answer = crew.judged[number]
        if answer.outcome is not None and not answer.waits:
            yield answer.outcome
    for number in sorted(crew.judged):
        answer = crew.judged[number]
        if answer.outcome is not None and answer.waits:
            yield crew.again.get(number, answer.outcome)
