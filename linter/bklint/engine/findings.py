"""Judgements into findings and undecided checks."""

from __future__ import annotations

from collections.abc import Iterable

from bklint.engine import places
from bklint.engine.verdicts import Judgement
from bklint.finding import Finding, Severity, Undecided
from bklint.model.resource import Resource
from bklint.model.value import Reason, Unknown
from bklint.policy.message import render
from bklint.policy.model import Edition, Policy
from bklint.source import Place

INTERNAL = "BKP901"
"""The id of the finding that says that bklint itself is in error."""

MAX_CAUSES = 3
"""Most root causes that an undecided check names."""

_STATUS = {
    "changed": "newer Microsoft documents say something else; see --edition current",
    "superseded": "newer Microsoft documents no longer say this; see --edition current",
    "inferred": "inferred: the documents do not say this in so many words",
}

_HINTS = {
    (Reason.INPUT, "terraform"): "pass --var-file or --var",
    (Reason.INPUT, "arm"): "pass --parameters",
    (Reason.INPUT, "bicep"): "pass --parameters",
    (Reason.MODULE, "terraform"): "run terraform init, so that the module can be read",
    (Reason.OPEN, ""): "pass --complete where the paths hold the whole estate",
}


def finding_of(judgement: Judgement, edition: Edition, root: str) -> Finding:
    """The finding of a fault."""
    policy, resource = judgement.policy, judgement.resource
    value = places.value_at(judgement)
    main = places.primary(judgement, value)
    return Finding(
        policy=policy.id,
        name=policy.name,
        severity=judgement.severity,
        message=_message(judgement),
        path=main.source.name if main is not None else root,
        place=main,
        address=resource.address,
        resource_type=resource.type,
        dialect=resource.dialect,
        notice=edition.notice,
        related=places.related(judgement, value, main),
        fix_at=places.fix_at(value, main),
        notes=_notes(judgement, edition),
        sub_key=_sub_key(judgement, main),
        conditional=resource.conditional is not None or judgement.partial,
        header=places.located(resource.body.place),
        roots=(root,),
    )


def _message(judgement: Judgement) -> str:
    case = judgement.case
    template = case.message if case is not None and case.message is not None else judgement.policy.message
    text = render(template, judgement.resource, judgement.env).strip()
    if judgement.resource.conditional is not None or judgement.partial:
        return f"{text} (if it is created)"
    return text


def _notes(judgement: Judgement, edition: Edition) -> tuple[str, ...]:
    case, status = judgement.case, judgement.policy.doc_status
    notes = [case.note if case is not None else "", edition.note]
    if not edition.notice and not edition.note:
        notes.append(_STATUS.get(status, ""))
    if judgement.assumed:
        notes.append(f"holds for every value of {judgement.assumed}")
    return tuple(note for note in notes if note)


def _sub_key(judgement: Judgement, main: Place | None) -> str:
    """What tells two faults on one resource apart: a rule's or disk's own key, a digest of a script's statement, else
    the property."""
    resource = judgement.resource
    if resource.type.startswith("guest/") and main is not None:
        return _digest(main.text)
    lun = resource.extra.get("lun")
    if lun is not None and lun.known and lun.exists:
        return f"lun {lun.data}"
    if resource.derived and resource.name.known and resource.name.exists:
        return str(resource.name.data)
    subject = places.subject_of(judgement)
    return "" if subject is None else subject.label


def _digest(text: str) -> str:
    """A short name of a statement, which may hold a secret, whatever its blanks."""
    import hashlib

    return hashlib.sha256(" ".join(text.split()).encode("utf-8", "replace")).hexdigest()[:12]


def internal_error(policy: Policy, resource: Resource, error: Exception, root: str) -> Finding:
    """The finding that a policy raised. The exception's text is left out: it may hold a secret."""
    place = places.located(resource.body.place)
    kind, where = type(error).__name__, _origin(error)
    return Finding(
        policy=INTERNAL,
        name="internal-error",
        severity=Severity.ERROR,
        message=f"internal error: {kind} at {where} while {policy.id} judged {resource.address}; please report it",
        path=place.source.name if place is not None else root,
        place=place,
        address=resource.address,
        resource_type=resource.type,
        dialect=resource.dialect,
        sub_key=f"{policy.id} {kind}",
        roots=(root,),
    )


def _origin(error: Exception) -> str:
    """Module and line of what raised."""
    trace = error.__traceback__
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    return f"{trace.tb_frame.f_globals.get('__name__')}:{trace.tb_lineno}" if trace is not None else "?"


def undecided_of(judgement: Judgement) -> Undecided:
    """The entry of an undecided check: its root causes, inputs first."""
    causes = _root_causes(judgement.causes)
    first = next(iter(causes), None)
    place = first.place if first is not None and first.place is not None else places.value_at(judgement).used_at
    names = [why.cause or why.reason.value for why in causes]
    more = f" and {len(names) - MAX_CAUSES} more" if len(names) > MAX_CAUSES else ""
    return Undecided(
        policy=judgement.policy.id,
        address=judgement.resource.address,
        cause=", ".join(names[:MAX_CAUSES]) + more,
        reason=first.reason.value if first is not None else "",
        place=place,
        hint=_hint(judgement, first),
        header=judgement.resource.body.place,
    )


def _root_causes(causes: Iterable[Unknown]) -> list[Unknown]:
    """One for each cause text, inputs before the others."""
    found: dict[str, Unknown] = {}
    for why in sorted(causes, key=lambda why: why.reason is not Reason.INPUT):
        found.setdefault(why.cause or why.reason.value, why)
    return list(found.values())


def _hint(judgement: Judgement, first: Unknown | None) -> str:
    """What would decide it; with the values that are known to be a fault."""
    found = [f"a fault where {judgement.assumed}"] if judgement.assumed else []
    if first is not None:
        found.append(_remedy(judgement.resource, first))
    return "; ".join(text for text in found if text)


def _remedy(resource: Resource, why: Unknown) -> str:
    if why.reason is Reason.SCOPE and "location" in why.cause:
        return "pass --location"
    return _HINTS.get((why.reason, resource.dialect)) or _HINTS.get((why.reason, ""), "")
