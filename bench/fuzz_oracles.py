"""What must hold of every report, whatever was scanned. A function here raises AssertionError, with what does not hold."""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Iterable, Mapping
from pathlib import Path
from random import Random
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "linter"))

from bklint import api, run
from bklint.errors import InputError
from bklint.files import MemoryReader
from bklint.finding import Severity
from bklint.fix.verify import Wanted
from bklint.reporters import REPORTERS, Style, render

LOGS = ("text", "github", "azure-devops", "markdown")
"""Formats that are printed into a log, where a scanned file must not have the word."""

LIMITS = {"instances": 50, "modules": 200, "expressions": 50_000, "template_instances": 500, "template_steps": 100_000}
"""Lower than usual, so that a loop to the limit takes no seconds: what is looked for are crashes and growth."""

_CONTROL = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u200b-\u200f\u202a-\u202e\u2066-\u2069]")
_COMMAND = re.compile(r"^[ \t]*(?:::[A-Za-z]|##\[)|##vso\[", re.MULTILINE)
_OWN = {"github": "::", "azure-devops": "##vso[task."}


def scanned(files: Mapping[str, str | bytes], policies: Any, random: Random) -> Any:
    """The report of some files, which holds what every report must hold."""
    report = run.scan(["."], run.ScanOptions(limits=LIMITS), policies, MemoryReader(files))
    sound(report, files)
    printed(report, LOGS if random.random() < 0.1 else (random.choice(LOGS),))
    if random.random() < 0.1:
        printed(report, tuple(REPORTERS))
        again = run.scan(["."], run.ScanOptions(limits=LIMITS), policies, MemoryReader(files))
        assert _json(again) == _json(report), "a second scan says something else"
    return report


def sound(report: Any, files: Mapping[str, str | bytes]) -> None:
    """No fault of bklint, every place inside its file, and an exit status that fits what is reported."""
    ids = {finding.policy for finding in report.findings}
    for finding in report.findings:
        assert finding.policy != run.INTERNAL, finding.message
        places = [finding.place, finding.fix_at, finding.header, *(each.place for each in finding.related)]
        for place in filter(None, places):
            found = place.locate()
            assert 0 <= found.start <= found.end <= len(found.source.data), f"a place outside of {found.source.name}"
            assert min(found.position) >= 1, "a line or column below 1"
    for undecided in report.undecided:
        if undecided.place is not None:
            undecided.place.locate()
    status = api.exit_status(report)
    errors = any(each.severity == Severity.ERROR for each in report.findings)
    assert (status == 0) == (not errors), f"exit status {status} with findings {sorted(ids)}"
    assert status != 3 or ids & {"BKP900", "BKP902"}, "exit status 3, and nothing says why"


def printed(report: Any, formats: Iterable[str]) -> None:
    """The report can be written in some formats, and what is printed into a log commands nothing."""
    for format_ in formats:
        text = render(format_, report, Style())
        text.encode("utf-8")
        if format_ in ("json", "sarif", "gitlab"):
            json.loads(text)
        if format_ in LOGS:
            assert not _CONTROL.search(text), f"a control character in {format_}"
            own = _OWN.get(format_)
            lines = [line for line in text.split("\n") if _COMMAND.search(line)]
            assert all(own and line.startswith(own) for line in lines), f"a command in {format_}: {lines[0][:80]!r}"


def mended(files: Mapping[str, str | bytes], policies: Any) -> None:
    """Fixes do no harm: what they touch had a finding, reads as well as before, and a second run changes nothing."""
    options, wanted = run.ScanOptions(limits=LIMITS), Wanted(unsafe=True)
    done = run.fixed(["."], options, policies, wanted, MemoryReader(files))
    for note in done.notes:
        assert "internal error" not in note, note
    if not done.files:
        return
    after = {**files, **{name: new for name, (_, new) in done.files.items()}}
    for name, (old, _) in done.files.items():
        given = files[name]
        assert old == (given.encode() if isinstance(given, str) else given), (
            "what was there before is not what was there"
        )
    before, then = (run.scan(["."], options, policies, MemoryReader(each)) for each in (files, after))
    assert _unread(then) <= _unread(before), "a mended file cannot be read"
    signs = {(each.policy, each.address) for each in before.findings}
    for finding in before.findings:  # what was told with it may be left
        places = (each.place.locate() for each in finding.related)
        signs |= {(finding.policy, f"{place.source.name}:{place.position.line}") for place in places}
    new = [f"{each.policy} {each.address}" for each in then.findings if (each.policy, each.address) not in signs]
    assert not new, f"a fix brings {new}"
    again = run.fixed(["."], options, policies, wanted, MemoryReader(after))
    assert not again.files, "a second run of fixes changes something"


def _unread(report: Any) -> set[tuple[str, str]]:
    return {(each.path, each.policy) for each in report.findings if each.policy in ("BKP900", "BKP902")}


def _json(report: Any) -> Any:
    data = json.loads(render("json", report, Style()))
    for name in ("seconds", "duration", "started"):
        data.pop(name, None)
    return data


__all__ = ["InputError", "mended", "printed", "scanned", "sound"]
