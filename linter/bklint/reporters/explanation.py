"""What an error means, which policies see it, and what to do, into text or JSON.

With a report of a scan, the lines that may have caused the error come before what is to be checked by hand: the gravest
first, then those of the policies that are closest to the error.
"""

from __future__ import annotations

import json as json_module
import textwrap
from collections.abc import Iterator, Mapping, Sequence
from difflib import get_close_matches
from typing import Any

from bklint.explain import Answer, Entry, Knowledge, Match, Row
from bklint.finding import Finding, Report
from bklint.policy.model import SEVERITIES, Policy
from bklint.policy.store import PolicySet
from bklint.records import dataclass, replace
from bklint.reporters import Rule, Style, mask, render, rules
from bklint.reporters.paint import Paint
from bklint.reporters.text import counted

VERSION = 1

PLANNED = "planned"
"""The level of a policy of the catalogue that is not written yet."""

SHOWN = 10
"""Findings that are printed in full."""

OTHERS = 4
"""Other entries that words may have meant."""

QUOTED = 60
"""Characters of unknown words that are repeated."""

CLOSE = 0.7
"""The part of the best score that another entry needs to be named."""

SURE = 0.95
"""The score from which other entries are not named."""

STATIC = {"yes": "can be seen in code", "partly": "can be seen in code in part", "no": "shows at run time only"}


@dataclass(frozen=True, slots=True)
class Explanation:
    """What there is to say: of an entry, or of a policy with the entries it is behind. `rules` are the policies that are
    named, by id; `report` the scan of `paths`, if there was one."""

    query: str
    knowledge: Knowledge
    rules: Mapping[str, Rule]
    entry: Entry | None = None
    policy: Rule | None = None
    behind: tuple[Entry, ...] = ()
    others: tuple[Match, ...] = ()
    score: float = 0.0
    paths: tuple[str, ...] = ()
    report: Report | None = None
    selected: tuple[str, ...] = ()


def explanation(query: str, answer: Answer, knowledge: Knowledge, policies: PolicySet) -> Explanation:
    """What there is to say of the best that was found."""
    if answer.policy:
        policy = policies.by_id(answer.policy)
        title = knowledge.planned.get(answer.policy, "")
        shown = rules.rule(policy, policies) if policy is not None else Rule(answer.policy, "", title, "", PLANNED)
        behind = tuple(match.entry for match in answer.matches)
        selected = (answer.policy,) if policy is not None else ()
        return Explanation(query, knowledge, {shown.id: shown}, policy=shown, behind=behind, selected=selected)
    best = answer.matches[0]
    near = [match for match in answer.matches[1:] if match.score >= best.score * CLOSE]
    return Explanation(
        query=query,
        knowledge=knowledge,
        rules={id_: _named(id_, policies.by_id(id_), knowledge) for id_ in best.entry.policies},
        entry=best.entry,
        others=tuple(near[:OTHERS]) if near and (best.score < SURE or best.score == near[0].score) else (),
        score=best.score,
        selected=tuple(id_ for id_ in best.entry.policies if policies.by_id(id_) is not None),
    )


def unknown(words: str, knowledge: Knowledge) -> str:
    """What is said when words are about nothing known."""
    if not words.strip():
        return "`bklint explain` takes an error code, a policy or an error message; `--list` lists what is known"
    names = {name for entry in knowledge.entries for name in (entry.id, *entry.codes)}
    near = get_close_matches(words.strip(), sorted(names), 1, 0.5)
    hint = f"did you mean {near[0]!r}? " if near else ""
    short = words.strip() if len(words.strip()) <= QUOTED else f"{words.strip()[:QUOTED]}…"
    return (
        f"nothing is known about {short!r}; {hint}give an error code, a policy id or more words of the message; "
        "`bklint explain --list` lists what is known"
    )


def _named(id_: str, policy: Policy | None, knowledge: Knowledge) -> Rule:
    """What is said of a policy in one line; one that is not written yet has the title of the catalogue."""
    if policy is None:
        return Rule(id_, "", knowledge.planned.get(id_, ""), "", PLANNED)
    level = max((case.severity for case in policy.cases), key=SEVERITIES.index, default="warning")
    return Rule(id_, policy.name, policy.title, policy.area, level)


def ranked(report: Report, selected: Sequence[str]) -> Report:
    """The report with the findings most likely to be the cause first; `selected` are policies, the closest first."""

    def rank(finding: Finding) -> tuple[bool, int, int, bool]:
        """Inputs that could not be read come last; they cause nothing, but may hide a cause."""
        other = finding.policy not in selected
        return other, -finding.severity, 0 if other else selected.index(finding.policy), finding.conditional

    return replace(report, findings=tuple(sorted(report.findings, key=rank)))


# -- text ----------------------------------------------------------------------------------------------------------


def text(said: Explanation, style: Style) -> str:
    """For people."""
    paint = Paint(style.color)
    lines: list[str] = []
    if said.entry is not None:
        lines += _entry(said.entry, said, style, paint)
    elif said.policy is not None:
        lines += _policy(said.policy, said, style, paint)
    return mask.inert("\n".join(lines).rstrip() + "\n")


def listing(knowledge: Knowledge, style: Style) -> str:
    """Everything there is to look up, one line each."""
    paint = Paint(style.color)
    wide = max(len(entry.id) for entry in knowledge.entries)
    lines: list[str] = []
    for group in knowledge.groups:
        lines += ["", paint(group.title, "bold")] if lines else [paint(group.title, "bold")]
        lines += [f"  {entry.id:{wide}}  {entry.title}" for entry in group.entries]
    rows = {label for entry in knowledge.entries for label in entry.labels}
    summary = f"{len(knowledge.entries)} entries for {len(rows)} rows of the documents"
    return "\n".join([*lines, "", f"{summary}; `bklint explain ID` tells more"]) + "\n"


def _entry(entry: Entry, said: Explanation, style: Style, paint: Paint) -> Iterator[str]:
    yield paint(entry.id, "error" if entry.codes else "bold")
    yield paint(entry.title, "bold")
    if len(entry.codes) > 1:
        yield f"also {', '.join(code for code in entry.codes if code != entry.id)}"
    for message in entry.messages:
        if message.document in _documents(entry):
            yield from _wrapped(f"“{message.text}” ({message.document})", style, "  ")
    yield ""
    yield from _wrapped(entry.meaning, style)
    yield from _section("Causes" if entry.kind == "error" else "What the documents say", paint)
    for number, row in enumerate(entry.rows, 1):
        yield from _wrapped(row.says, style, f"  {number}. ")
        yield from _wrapped(_where(row, said.knowledge), style, "     ")
    yield from _rules(said, paint)
    yield from _lines(said, style, paint)
    yield from _steps(entry.steps, style, paint)
    yield from _elsewhere(entry, said, style, paint)


def _documents(entry: Entry) -> set[str]:
    """The documents whose words are shown: one of each language, so that nobody reads four wordings of one error."""
    shown: dict[str, str] = {}
    for message in entry.messages:
        shown.setdefault(message.language, message.document)
    return set(shown.values())


def _where(row: Row, knowledge: Knowledge) -> str:
    """Where a row stands, and which policies see it."""
    label = f", row {row.label}" if row.label else ""
    date = knowledge.documents[row.document].date
    noun = "policy" if len(row.policies) == 1 else "policies"
    seen = f"{noun} {', '.join(row.policies)}" if row.policies else "no policy"
    classic = "; classic deployment model only" if row.classic else ""
    return f"{row.document}, {row.section} ({date}){label}; {STATIC[row.static]}: {seen}{classic}"


def _rules(said: Explanation, paint: Paint) -> Iterator[str]:
    if not said.rules:
        return
    yield from _section("Policies that see it in code", paint)
    for rule in said.rules.values():
        yield f"  {rule.id}  {paint(f'{rule.level:8}', rule.level if rule.level != PLANNED else 'dim')} {rule.title}"


def _policy(rule: Rule, said: Explanation, style: Style, paint: Paint) -> Iterator[str]:
    yield f"{paint(rule.id, rule.level if rule.level != PLANNED else 'dim')} {rule.name} ({rule.level})"
    yield paint(rule.title, "bold")
    yield ""
    yield from _wrapped(rule.why, style) if rule.why else ()
    if rule.fix:
        yield ""
        yield from _wrapped(f"Fix: {rule.fix}", style)
    if rule.errors:
        yield from _wrapped(f"Azure reports: {', '.join(rule.errors)}", style)
    if said.behind:
        yield from _section("Errors that it is behind", paint)
        yield from (line for each in said.behind for line in _wrapped(f"{each.id}: {each.title}", style, "  "))
    if rule.sources:
        yield from _section("Documents", paint)
        for source in rule.sources:
            yield from _wrapped(source, style, "  ")
    yield from _lines(said, style, paint)
    steps = tuple(dict.fromkeys(step for entry in said.behind for step in entry.steps)) if said.report else ()
    yield from _steps(steps, style, paint)


def _lines(said: Explanation, style: Style, paint: Paint) -> Iterator[str]:
    """The lines of the scanned code that may have caused it."""
    if said.report is None:
        return
    where = mask.escaped(" ".join(said.paths))
    yield from _section(f"In {where}", paint)
    findings = said.report.findings
    if not findings:
        yield from _wrapped(_nothing(said), style, "  ")
        return
    causes = sum(finding.policy in said.selected for finding in findings)
    yield f"{counted(causes, 'place')} may have caused it{', the likeliest first' if causes > 1 else ''}:"
    yield ""
    first = replace(said.report, findings=findings[:SHOWN])
    yield render("text", first, replace(style, quiet=True, undecided=False)).rstrip("\n")
    if len(findings) > SHOWN:
        yield ""
        yield f"{len(findings) - SHOWN} more: bklint scan {where} --min-severity info --select {','.join(said.selected)}"
    if said.report.undecided:
        yield ""
        yield f"{counted(len(said.report.undecided), 'check')} undecided"


def _nothing(said: Explanation) -> str:
    """Why no line was found."""
    assert said.report is not None
    if not said.selected:
        return "No policy can see this error in code."
    policies = f"{', '.join(said.selected)} found nothing in {counted(said.report.files_read, 'file')}"
    undecided = len(said.report.undecided)
    return policies + (f"; {counted(undecided, 'check')} could not be decided." if undecided else ".")


def _steps(steps: Sequence[str], style: Style, paint: Paint) -> Iterator[str]:
    if not steps:
        return
    yield from _section("By hand, in this order", paint)
    for number, step in enumerate(steps, 1):
        yield from _wrapped(step, style, f"  {number:2}. ")


def _elsewhere(entry: Entry, said: Explanation, style: Style, paint: Paint) -> Iterator[str]:
    related = [found for id_ in entry.related if (found := said.knowledge.entry(id_)) is not None]
    for title, entries in (("See also", related), ("Or did you mean", [match.entry for match in said.others])):
        if entries:
            yield from _section(title, paint)
            yield from (line for each in entries for line in _wrapped(f"{each.id}: {each.title}", style, "  "))
    cited = dict.fromkeys((*(row.document for row in entry.rows), *_documents(entry)))
    yield from _section("Documents", paint)
    for label in cited:
        document = said.knowledge.documents[label]
        yield from _wrapped(f"{label}: {document.title} ({document.date}) {document.url}", style, "  ")


def _section(title: str, paint: Paint) -> Iterator[str]:
    yield ""
    yield paint(title, "help")


def _wrapped(prose: str, style: Style, indent: str = "") -> Iterator[str]:
    """Prose in lines; those after the first are indented as far as the first one's text."""
    yield from textwrap.wrap(
        " ".join(prose.split()),
        style.width,
        initial_indent=indent,
        subsequent_indent=" " * len(indent),
        break_long_words=False,
        break_on_hyphens=False,
    )


# -- JSON ----------------------------------------------------------------------------------------------------------


def json(said: Explanation, style: Style) -> str:
    """For programs: `{version, query, entry | null, policy | null, policies, others, report | null}`."""
    data = {
        "version": VERSION,
        "query": said.query,
        "score": said.score,
        "entry": _entry_data(said.entry, said.knowledge) if said.entry is not None else None,
        "policy": _rule_data(said.policy) if said.policy is not None else None,
        "policies": [_rule_data(rule) for rule in said.rules.values()],
        "errors": [{"id": entry.id, "title": entry.title} for entry in said.behind],
        "others": [{"id": match.entry.id, "title": match.entry.title, "score": match.score} for match in said.others],
        "report": json_module.loads(render("json", said.report, style)) if said.report is not None else None,
    }
    return mask.inert_json(json_module.dumps(data, indent=2, ensure_ascii=False) + "\n")


def json_listing(knowledge: Knowledge) -> str:
    """Everything there is to look up, for programs."""
    data = [_entry_data(entry, knowledge) for entry in knowledge.entries]
    return json_module.dumps({"version": VERSION, "entries": data}, indent=2, ensure_ascii=False) + "\n"


def _entry_data(entry: Entry, knowledge: Knowledge) -> dict[str, Any]:
    return {
        "id": entry.id,
        "title": entry.title,
        "kind": entry.kind,
        "group": entry.group,
        "codes": list(entry.codes),
        "messages": [{"text": m.text, "language": m.language, "document": m.document} for m in entry.messages],
        "meaning": " ".join(entry.meaning.split()),
        "rows": [
            {
                "row": row.label,
                "document": row.document,
                "section": row.section,
                "date": knowledge.documents[row.document].date,
                "says": row.says,
                "static": row.static,
                "classic": row.classic,
                "policies": list(row.policies),
            }
            for row in entry.rows
        ],
        "policies": list(entry.policies),
        "steps": list(entry.steps),
        "related": list(entry.related),
    }


def _rule_data(rule: Rule) -> dict[str, Any]:
    return {"id": rule.id, "name": rule.name, "title": rule.title, "level": rule.level}
