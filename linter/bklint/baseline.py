"""Known findings: recorded in a file, recognised again after edits, and those that are gone.

A finding is recognised by policy, address, sub-key and path; then without its path (the file was moved), then by the
address that a `moved` block says it had, then by any instance that both have. No line number is kept. Entries count:
two equal faults where one is known leave one that is new.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from bklint.errors import InputError, UsageError
from bklint.files import DiskReader, Reader
from bklint.finding import Finding, Gone, Key, Undecided, key_of, lasting
from bklint.records import dataclass
from bklint.source import Source

VERSION = 1
NAME = ".bklint-baseline.json"
NEVER = frozenset({"BKP901"})
"""What is never recorded: an internal error."""


@dataclass(frozen=True, slots=True)
class Entry:
    """A known finding. `path` is relative to the directory of the baseline file; `since` is the day it was recorded and
    `reason` what people wrote about it."""

    policy: str
    address: str
    path: str
    sub_key: str = ""
    instances: tuple[str, ...] = ()
    severity: str = ""
    message: str = ""
    since: str = ""
    reason: str = ""

    @property
    def addresses(self) -> frozenset[str]:
        """Every address it is about, folded."""
        return frozenset(name.casefold() for name in (self.address, *self.instances))


class Move(NamedTuple):
    """A `moved` block: from and to are addresses in the module of `directory`."""

    directory: str
    old: str
    new: str


Seen = Callable[[Entry], bool]
"""Whether a scan would have found an entry."""


class Matched(NamedTuple):
    """Findings with the entries they are known by (None: new), and the entries that no finding has."""

    known: tuple[tuple[Finding, Entry | None], ...]
    left: tuple[Entry, ...]


class Update(NamedTuple):
    """The entries to write, and how many were added and removed."""

    entries: tuple[Entry, ...]
    added: int
    removed: int


def entry_of(finding: Finding, path: str, since: str = "", reason: str = "") -> Entry:
    """The entry of a finding."""
    return Entry(
        policy=finding.policy,
        address=lasting(finding.address, finding.resource_type),
        path=path,
        sub_key=finding.sub_key,
        instances=tuple(lasting(name, finding.resource_type) for name in finding.instances),
        severity=finding.severity.label,
        message=finding.message,
        since=since,
        reason=reason,
    )


# -- recognising ---------------------------------------------------------------------------------------------------


class View(NamedTuple):
    """What a scan knows: `relative` is a displayed path as entries write it, `exists` whether an entry's file is still
    there, and the `moved` blocks."""

    relative: Callable[[str], str]
    exists: Callable[[str], bool]
    moves: Sequence[Move] = ()


def match(entries: Iterable[Entry], findings: Iterable[Finding], view: View) -> Matched:
    """Each finding with the entry it is known by, the surest way first."""
    listed = list(findings)
    known, left = _exactly(entries, listed, view)
    for way in (_elsewhere, _moved, _shared) if left else ():
        for number, finding in enumerate(listed):
            if number in known or finding.policy in NEVER:
                continue
            at = next((n for n, entry in enumerate(left) if _same(entry, finding) and way(entry, finding, view)), None)
            if at is not None:
                known[number] = left.pop(at)
    return Matched(tuple((finding, known.get(number)) for number, finding in enumerate(listed)), tuple(left))


def _exactly(entries: Iterable[Entry], findings: list[Finding], view: View) -> tuple[dict[int, Entry], list[Entry]]:
    """The findings whose entry has the same policy, address, sub-key and path, by number; and the other entries."""
    waiting: dict[Key, list[Entry]] = {}
    for entry in entries:
        key = Key(entry.policy, entry.address.casefold(), entry.sub_key.casefold(), entry.path)
        waiting.setdefault(key, []).append(entry)
    known = {}
    for number, finding in enumerate(findings):
        same = waiting.get(key_of(finding)._replace(path=view.relative(finding.path)))
        if same and finding.policy not in NEVER:
            known[number] = same.pop(0)
    return known, [entry for same in waiting.values() for entry in same]


def _same(entry: Entry, finding: Finding) -> bool:
    return entry.policy == finding.policy and entry.sub_key.casefold() == finding.sub_key.casefold()


def _elsewhere(entry: Entry, finding: Finding, view: View) -> bool:
    """The same address in another file: of the same directory, or of one that took the place of a file that is gone.
    Two roots that exist side by side may well have equal addresses."""
    if not finding.address or _folded(entry) != _address(finding):
        return False
    return _taken_over(entry, finding, view)


def _moved(entry: Entry, finding: Finding, view: View) -> bool:
    return bool(view.moves and entry.addresses & {old.casefold() for old in former(finding, view.moves)})


def _shared(entry: Entry, finding: Finding, view: View) -> bool:
    """Some instance in common: a loop has more or fewer of them than before."""
    kind = finding.resource_type
    names = {lasting(name, kind).casefold() for name in (finding.address, *finding.instances) if name}
    return bool(entry.addresses & names) and _taken_over(entry, finding, view)


def _taken_over(entry: Entry, finding: Finding, view: View) -> bool:
    path = view.relative(finding.path)
    return entry.path.rpartition("/")[0] == path.rpartition("/")[0] or not view.exists(entry.path)


def _address(finding: Finding) -> str:
    return lasting(finding.address, finding.resource_type).casefold()


def _folded(entry: Entry) -> str:
    return entry.address.casefold()


# -- moved blocks --------------------------------------------------------------------------------------------------

_STEP = re.compile(r'(?:module\.[\w-]+(?:\[(?:"(?:[^"\\]|\\.)*"|[^\]"]*)\])?\.)')
MAX_MOVES = 16
"""Most moves that one resource is followed through."""


def former(finding: Finding, moves: Sequence[Move]) -> list[str]:
    """The addresses that `moved` blocks say the resources of a finding had before."""
    found: list[str] = []
    pending = [name for name in (finding.address, *finding.instances) if name]
    while pending and len(found) < MAX_MOVES:
        address = pending.pop()
        for move in moves:
            old = _before(address, move, finding.roots)
            if old and old not in found:
                found.append(old)
                pending.append(old)
    return found


def _before(address: str, move: Move, roots: Sequence[str]) -> str:
    """The address before a move; empty where the move is not about it."""
    for start in _module_starts(address):
        rest = address[start:]
        if (start == 0) != (move.directory in roots):
            continue
        if rest.startswith(move.new) and rest[len(move.new) : len(move.new) + 1] in ("", ".", "[", "/"):
            return address[:start] + move.old + rest[len(move.new) :]
    return ""


def _module_starts(address: str) -> Iterator[int]:
    """Where the part of an address that belongs to a module starts: the root's first."""
    at = 0
    yield at
    while (step := _STEP.match(address, at)) is not None:
        at = step.end()
        yield at


def moves(paths: Iterable[str], reader: Reader) -> list[Move]:
    """The `moved` blocks of Terraform files."""
    return [move for path in paths for move in _moves(path, reader)]


def _moves(path: str, reader: Reader) -> Iterator[Move]:
    from bklint.syntax import hcl

    try:
        data = reader.read(path)
        if b"moved" not in data or path.endswith(".json"):
            return
        source = Source.of(path, data)
    except InputError:
        return
    for block in hcl.parse(source).body.blocks:
        ends = [block.body.attributes.get(name) for name in ("from", "to")]
        if block.type == "moved" and None not in ends:
            old, new = (source.text(end.expr.start, end.expr.end).strip() for end in ends if end is not None)
            yield Move(path.rpartition("/")[0] or ".", old, new)


# -- the file ------------------------------------------------------------------------------------------------------


def load(path: str) -> tuple[Entry, ...]:
    """The entries of a baseline file. Raises UsageError."""
    import json

    try:
        data = DiskReader((path,)).read(path)
    except InputError as error:
        raise UsageError(f"baseline {path!r} {error.message}; write one with `bklint baseline`") from error
    try:
        content = json.loads(data)
        if content["version"] != VERSION:
            raise UsageError(f"{path}: baseline of version {content['version']!r}; this bklint reads version {VERSION}")
        return tuple(_entry(row) for row in content["findings"])
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise UsageError(f"{path}: not a baseline that `bklint baseline` wrote") from error


def _entry(row: Mapping[str, Any]) -> Entry:
    texts = {name: str(row.get(key, "")) for name, key in _KEYS.items()}
    return Entry(**texts, instances=tuple(map(str, row.get("instances", ()))))


_KEYS = {
    "policy": "policy",
    "severity": "severity",
    "address": "address",
    "sub_key": "subKey",
    "path": "path",
    "message": "message",
    "since": "since",
    "reason": "reason",
}


def written(entries: Iterable[Entry]) -> bytes:
    """The text of a baseline file: one entry after the other, sorted, so that changes of it can be read."""
    import json

    rows = sorted(entries, key=lambda each: (each.path, each.policy, each.address, each.sub_key, each.message))
    listed = [_row(each) for each in rows]
    return (json.dumps({"version": VERSION, "findings": listed}, indent=2, ensure_ascii=False) + "\n").encode()


def _row(entry: Entry) -> dict[str, Any]:
    row: dict[str, Any] = {key: getattr(entry, name) for name, key in _KEYS.items() if getattr(entry, name)}
    if entry.instances:
        row["instances"] = list(entry.instances)
    return row


def updated(
    entries: Sequence[Entry],
    findings: Iterable[Finding],
    view: View,
    today: str,
    seen: Seen,
) -> Update:
    """The entries after a scan: known ones keep reason and day, new ones are added, those that are gone are dropped.
    `seen` tells whether the scan would have found an entry; those it would not stay."""
    matched = match(entries, (each for each in findings if each.policy not in NEVER), view)
    found = [
        entry_of(finding, view.relative(finding.path), entry.since if entry else today, entry.reason if entry else "")
        for finding, entry in matched.known
    ]
    kept = [entry for entry in matched.left if not seen(entry)]
    added = sum(entry is None for _, entry in matched.known)
    return Update((*found, *kept), added, len(matched.left) - len(kept))


def gone(entries: Iterable[Entry], kind: str, seen: Seen) -> list[Gone]:
    """The entries that are no longer found, of those that the scan would have found."""
    return [Gone(each.policy, each.address, each.path, each.message, kind) for each in entries if seen(each)]


def seen_by(judged: Collection[str], undecided: Iterable[Undecided], inside: Callable[[str], bool]) -> Seen:
    """Whether a scan would have found an entry: its policy was asked, its path was scanned, and the check decided."""
    open_ = {(check.policy, check.address.casefold()) for check in undecided}

    def seen(entry: Entry) -> bool:
        undecided = any((entry.policy, name) in open_ for name in entry.addresses)
        return entry.policy in judged and inside(entry.path) and not undecided

    return seen


def told(file: str, update: Update, again: bool) -> str:
    """What was recorded, in one line; `again` where there was a file before."""
    number = len(update.entries)
    changes = f" ({update.added} new, {update.removed} removed)" if again else ""
    return f"wrote {file}: {number} known finding{'' if number == 1 else 's'}{changes}"
