"""The engine on hand-made worlds: severities, splits, contexts, instances, subsumption, places."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any, NamedTuple

import pytest

from bklint.engine import Outcome, Settings, combine, describe, judge
from bklint.finding import Finding, Severity
from bklint.model.inventory import Note, World
from bklint.model.resource import Resource
from bklint.model.value import MISSING, ObjectData, Reason, Unknown, Value
from bklint.policy.model import Citation, Conflict, Policy, Texts
from bklint.policy.store import PolicySet
from bklint.source import Place, Source
from handmade import DISK, VM, HandmadeRoot, no_fact, policy, policy_set, world


def disk(size: Any, name: str = "data", **more: Any) -> dict[str, Any]:
    return {"type": DISK, "name": name, "properties": {"diskSizeGB": size}, **more}


def lowered(*resources: dict[str, Any], **options: Any) -> HandmadeRoot:
    return HandmadeRoot({"": lambda assume: world(json.dumps(resources), assume=assume, **options)})


def outcome(root: HandmadeRoot, *policies: Policy, read: Any = no_fact, facts: Any = None, **settings: Any) -> Outcome:
    return judge(root, policy_set(*policies, facts=facts), Settings(**settings), lambda _: None, read)


def only(found: Outcome) -> Finding:
    (finding,) = found.findings
    return finding


def text(place: Any) -> str:
    return place.locate().text if place is not None else ""


def test_a_fault_points_at_the_value() -> None:
    found = outcome(lowered(disk(200), disk(5, "small")), policy())
    finding = only(found)
    assert (finding.policy, finding.severity, finding.message) == ("BKP301", Severity.ERROR, "disk data is 200 GiB")
    assert (finding.address, finding.resource_type, finding.dialect, finding.path) == ("data", DISK, "arm", "main.json")
    assert (text(finding.place), finding.fix_at, finding.related) == ("200", None, ())
    assert finding.sub_key == "properties.diskSizeGB"
    assert (found.passed, found.resources, found.of_interest, found.machines) == (1, 2, 2, 0)


def test_a_missing_property_points_at_the_written_ancestor() -> None:
    missing = policy(
        condition={"field": "properties.encryption.type", "exists": False},
        report={"at": {"field": "properties.encryption.type"}},
    )
    assert text(only(outcome(lowered(disk(1)), missing)).place) == '"properties"'


def test_of_several_places_the_first_written_one_counts() -> None:
    at = [{"field": "properties.gone"}, {"field": "properties.diskSizeGB"}]
    assert text(only(outcome(lowered(disk(200)), policy(report={"at": at}))).place) == "200"
    assert text(only(outcome(lowered(disk(200)), policy(report={}))).place) == "{"


def test_only_managed_resources_are_judged_unless_the_policy_says_so() -> None:
    root = lowered(disk(200, mode="existing"))
    assert outcome(root, policy()).findings == []
    assert only(outcome(root, policy(modes=["existing"]))).address == "data"


# -- severities ----------------------------------------------------------------------------------------------------------

EXACTLY = {"field": "properties.diskSizeGB", "equals": 200}
TIER = {"field": "properties.tier", "equals": "P30"}
CASES = [
    ([{"severity": "error"}], Severity.ERROR),
    ([{"when": EXACTLY, "severity": "warning"}, {"severity": "error"}], Severity.WARNING),
    ([{"when": {"not": EXACTLY}, "severity": "info"}, {"severity": "error"}], Severity.ERROR),
    ([{"when": TIER, "severity": "info"}, {"severity": "error"}], Severity.INFO),
    ([{"when": TIER, "severity": "error"}, {"severity": "warning"}], Severity.WARNING),
    ([{"when": TIER, "severity": "warning"}, {"when": EXACTLY, "severity": "error"}, {"severity": "info"}], Severity.WARNING),
]  # fmt: skip


@pytest.mark.parametrize(("cases", "severity"), CASES)
def test_the_first_case_that_holds_and_the_mildest_before_it(cases: Any, severity: Severity) -> None:
    root = lowered({"type": DISK, "name": "data", "properties": {"diskSizeGB": 200, "tier": "?var.tier"}})
    assert only(outcome(root, policy(cases=cases))).severity is severity


def test_a_case_may_have_its_own_message_and_note() -> None:
    cases = [{"when": EXACTLY, "severity": "warning", "message": "{resource.name} is at the limit", "note": "really"}]
    finding = only(outcome(lowered(disk(200)), policy(cases=[*cases, {"severity": "error"}])))
    assert (finding.message, finding.notes) == ("data is at the limit", ("really",))


EDITIONS = {
    "original": {"notice": "Newer documents say otherwise; see --edition current."},
    "current": {"severity": "info", "note": "no longer an error"},
}


@pytest.mark.parametrize(
    ("edition", "severity", "notice", "notes"),
    [
        ("original", Severity.ERROR, EDITIONS["original"]["notice"], ()),
        ("current", Severity.INFO, "", ("no longer an error",)),
    ],
)
def test_editions(edition: str, severity: Severity, notice: str, notes: tuple[str, ...]) -> None:
    finding = only(outcome(lowered(disk(200)), policy(editions=EDITIONS), edition=edition))
    assert (finding.severity, finding.notice, finding.notes) == (severity, notice, notes)


def test_an_edition_may_replace_the_cases_or_switch_the_policy_off() -> None:
    current = {"current": {"cases": [{"when": EXACTLY, "severity": "warning"}, {"severity": "info"}]}}
    assert only(outcome(lowered(disk(200)), policy(editions=current), edition="current")).severity is Severity.WARNING
    off = policy(editions={"current": {"disabled": True}})
    assert outcome(lowered(disk(200)), off, edition="current").findings == []
    assert len(outcome(lowered(disk(200)), off).findings) == 1


def test_the_status_of_the_document_is_told_unless_a_notice_does() -> None:
    assert only(outcome(lowered(disk(200)), policy(doc_status="inferred"))).notes[0].startswith("inferred:")
    assert only(outcome(lowered(disk(200)), policy(doc_status="changed", editions=EDITIONS))).notes == ()


def test_the_users_severities_and_parameters_win() -> None:
    limited = policy(
        parameters={"limit": {"type": "int", "default": 100}},
        condition={"field": "properties.diskSizeGB", "greater": {"param": "limit"}},
    )
    assert outcome(lowered(disk(200)), limited, parameters={"limit": 300}).findings == []
    found = outcome(lowered(disk(200)), limited, severities={"BKP301": Severity.INFO})
    assert only(found).severity is Severity.INFO


# -- undecided -----------------------------------------------------------------------------------------------------------


def test_an_unknown_value_is_undecided_and_names_the_input() -> None:
    found = outcome(lowered(disk("?var.size")), policy())
    (entry,) = found.undecided
    assert (found.findings, found.passed) == ([], 0)
    assert (entry.policy, entry.address, entry.cause) == ("BKP301", "data", "var.size")
    assert (entry.reason, entry.hint, text(entry.place)) == (
        "input without a value",
        "pass --parameters",
        '"?var.size"',
    )


def test_absence_is_hinted_at() -> None:
    asks = policy(condition={"not": {"exists": {"resource": VM}}})
    (entry,) = outcome(lowered(disk(1)), asks).undecided
    assert entry.cause == f"{VM} declared outside of what is scanned"
    assert entry.hint == "pass --complete where the paths hold the whole estate"


CORRELATED = {
    "type": DISK,
    "name": "data",
    "properties": {"diskSizeGB": "?var.big", "tier": "?var.big"},
}


def split(condition: Any, choices: tuple[object, ...] = (True, False)) -> tuple[Outcome, HandmadeRoot]:
    root = HandmadeRoot(
        {"": lambda assume: world(json.dumps([CORRELATED]), assume=assume, inputs={"var.big": choices})}
    )
    return outcome(root, policy(condition=condition)), root


BIG = {"field": "properties.diskSizeGB", "equals": True}
SMALL = {"field": "properties.tier", "equals": False}


def test_a_fault_for_every_value_of_an_input_is_a_fault() -> None:
    found, root = split({"anyOf": [BIG, SMALL]})
    finding = only(found)
    assert finding.notes == ("holds for every value of var.big",)
    assert (finding.message, text(finding.place)) == ("disk data is … GiB", '"?var.big"')
    assert root.lowered == [("", {}), ("", {"var.big": True}), ("", {"var.big": False})]


def test_what_no_value_of_an_input_makes_a_fault_is_clear() -> None:
    found, _ = split({"allOf": [BIG, SMALL]})
    assert (found.findings, found.undecided, found.passed) == ([], [], 1)


def test_what_some_values_of_an_input_make_a_fault_stays_undecided() -> None:
    found, _ = split(BIG)
    assert found.findings == []
    assert found.undecided[0].hint == "a fault where var.big is true; pass --parameters"


def test_a_resource_that_is_not_created_under_some_value_is_a_fault_if_created() -> None:
    def make(assume: Mapping[str, object]) -> World:
        resources = [] if assume.get("var.big") is False else [CORRELATED]
        return world(json.dumps(resources), assume=assume, inputs={"var.big": (True, False)})

    finding = only(outcome(HandmadeRoot({"": make}), policy(condition=BIG)))
    assert (finding.conditional, finding.message) == (True, "disk data is … GiB (if it is created)")


def test_a_conditional_resource_is_a_fault_if_created() -> None:
    finding = only(outcome(lowered(disk(200, conditional="var.create")), policy()))
    assert (finding.conditional, finding.message) == (True, "disk data is 200 GiB (if it is created)")


# -- contexts and instances ----------------------------------------------------------------------------------------------


def test_a_fault_in_one_context_names_it() -> None:
    sizes = {"dev.tfvars": 5, "prod.tfvars": 200}
    root = HandmadeRoot({name: (lambda _, size=size: world(json.dumps([disk(size)]))) for name, size in sizes.items()})
    found = outcome(root, policy())
    assert only(found).contexts == ("prod.tfvars",)
    assert (found.passed, found.resources) == (0, 1)


def test_a_fault_in_all_contexts_is_one_finding() -> None:
    root = HandmadeRoot({name: lambda _: world(json.dumps([disk(200)])) for name in ("a", "b")})
    assert only(outcome(root, policy())).contexts == ()


def test_undecided_in_one_context_is_not_passed() -> None:
    sizes = {"a": 5, "b": "?var.size"}
    root = HandmadeRoot({name: (lambda _, size=size: world(json.dumps([disk(size)]))) for name, size in sizes.items()})
    found = outcome(root, policy())
    assert (len(found.undecided), found.passed) == (1, 0)


def instances(*addresses: str, group: str = "", leaves: tuple[int, ...] = ()) -> World:
    """Resources that share one place of use; each with a leaf of its own where `leaves` are offsets."""
    main = Source("main.tf", b"size = var.size")
    values = Source("x.tfvars", b"1000 2000 3000")
    made = world(json.dumps([disk(0, name, address=name, group=group) for name in addresses]))
    for index, resource in enumerate(made.resources):
        leaf = Place(values, *((leaves[index], leaves[index] + 4) if leaves else (0, 4)))
        size = Value(int(leaf.text), leaf).via("tfvars", "var.size", leaf).via("use", "size", Place(main, 7, 15))
        resource.body = Value(ObjectData({"properties": Value(ObjectData({"diskSizeGB": size}))}), Place(main, 0, 4))
    return made


def test_instances_of_a_loop_are_one_finding_with_the_literal_as_place_to_fix() -> None:
    root = HandmadeRoot({"": lambda _: instances("d[0]", "d[1]", group="d")})
    finding = only(outcome(root, policy()))
    assert (finding.address, finding.instances) == ("d", ("d[0]", "d[1]"))
    assert (text(finding.place), text(finding.fix_at)) == ("var.size", "1000")
    assert [(text(each.place), each.label) for each in finding.related] == [("1000", "value of var.size")]


def test_callers_of_one_module_with_their_own_literals_are_two_findings() -> None:
    root = HandmadeRoot({"": lambda _: instances("module.a.d", "module.b.d", leaves=(0, 5))})
    found = outcome(root, policy())
    assert [(each.address, text(each.fix_at)) for each in found.findings] == [
        ("module.a.d", "1000"),
        ("module.b.d", "2000"),
    ]


def test_hops_are_told_newest_first_and_at_most_three() -> None:
    source = Source("m.tf", b"0123456789")

    def made(_: object) -> World:
        found = instances("d")
        size = Value(500, Place(source, 0, 1)).via("variable", "var.a", Place(source, 0, 1))
        for at, name in enumerate(("b", "c", "d", "e"), 1):
            size = size.via("local", f"local.{name}", Place(source, at, at + 1))
        size = size.via("use", "size", Place(source, 9, 10))
        found.resources[0].body = Value(ObjectData({"properties": Value(ObjectData({"diskSizeGB": size}))}))
        return found

    finding = only(outcome(HandmadeRoot({"": made}), policy()))
    assert [each.label for each in finding.related] == ["default of var.a", "local.e", "local.d", "local.c"]


def test_related_subjects_follow_with_their_labels() -> None:
    related = [{"field": "name", "label": "disk {resource.name}"}, {"field": "properties.zones[*]"}, {"field": "gone"}]
    root = lowered({"type": DISK, "name": "data", "properties": {"diskSizeGB": 200, "zones": ["1", "2"]}})
    finding = only(outcome(root, policy(report={"at": {"field": "properties.diskSizeGB"}, "related": related})))
    assert [(text(each.place), each.label) for each in finding.related] == [
        ('"data"', "disk data"),
        ('"1"', "properties.zones[*]"),
        ('"2"', "properties.zones[*]"),
    ]


def test_derived_children_have_a_key_of_their_own() -> None:
    made = world(json.dumps([disk(200, "a"), disk(300, "b")]))
    for resource, lun in zip(made.resources, (0, MISSING), strict=True):
        resource.derived, resource.extra["lun"] = True, Value(lun)  # type: ignore[arg-type]
    found = outcome(HandmadeRoot({"": lambda _: made}), policy())
    assert [finding.sub_key for finding in found.findings] == ["lun 0", "b"]


# -- one finding per cause -----------------------------------------------------------------------------------------------


def shown(*policies: Policy) -> list[tuple[str, tuple[str, ...]]]:
    found = outcome(lowered(disk(200)), *policies)
    return [(each.policy, each.notes) for each in found.findings]


def test_at_equal_severity_the_subsuming_policy_is_shown() -> None:
    found = shown(policy(id="BKP001", subsumes=["BKP002"]), policy(id="BKP002", message="two"))
    assert found == [("BKP001", ("also BKP002: two",))]


def test_the_stronger_one_is_shown() -> None:
    mild = policy(id="BKP001", subsumes=["BKP002"], cases=[{"severity": "info"}], message="one")
    assert shown(mild, policy(id="BKP002")) == [("BKP002", ("also BKP001: one",))]


def test_chains_of_subsumption_end_in_one_finding() -> None:
    chain = [policy(id=f"BKP00{n}", subsumes=[f"BKP00{n + 1}"], message=str(n)) for n in range(1, 4)]
    ((shown_id, notes),) = shown(*chain)
    assert (shown_id, notes) == ("BKP001", ("also BKP002: 2", "also BKP003: 3"))


def test_other_resources_are_not_subsumed() -> None:
    one = policy(id="BKP001", subsumes=["BKP002"], condition={"field": "name", "equals": "a"})
    found = outcome(lowered(disk(200, "a"), disk(200, "b")), one, policy(id="BKP002"))
    assert sorted((each.policy, each.address) for each in found.findings) == [("BKP001", "a"), ("BKP002", "b")]


def test_a_policy_that_raises_is_an_internal_error_and_the_others_go_on() -> None:
    def broken(name: str, resource: Resource) -> Value:
        raise ZeroDivisionError("hunter2")

    class Declared(NamedTuple):
        name: str = "bad"
        types: tuple[str, ...] = ()
        fields: tuple[str, ...] = ()

    facts = {"bad": Declared()}
    bad = policy(facts, id="BKP002", condition={"fact": "bad", "exists": True})
    found = outcome(lowered(disk(200), disk(5, "small")), policy(), bad, read=broken)
    internal, ordinary = sorted(found.findings, key=lambda each: each.policy, reverse=True)
    assert ordinary.policy == "BKP301"
    assert (internal.policy, internal.severity, internal.sub_key) == (
        "BKP901",
        Severity.ERROR,
        "BKP002 ZeroDivisionError",
    )
    assert re.fullmatch(
        r"internal error: ZeroDivisionError at test_engine:\d+ while BKP002 judged data; please report it",
        internal.message,
    )
    assert internal.instances == ("data", "small")


def test_only_protected_machines_and_what_belongs_to_no_machine() -> None:
    class Declared(NamedTuple):
        name: str = "protection"
        types: tuple[str, ...] = (VM,)
        fields: tuple[str, ...] = ("state",)

    def read(name: str, resource: Resource) -> Value:
        assert name == "protection.state"
        return Value("declared" if resource.name.data == "safe" else "unknown")

    anything = {"field": "name", "exists": True}
    judged = policy(target=[VM, DISK, "Microsoft.Network/networkSecurityGroups"], condition=anything)
    resources = [{"type": VM, "name": "safe"}, {"type": VM, "name": "unsure"}, disk(1)]
    root = lowered(*resources, {"type": "Microsoft.Network/networkSecurityGroups", "name": "nsg"})
    facts = {"protection": Declared()}
    found = outcome(root, judged, read=read, facts=facts, only_protected=True)
    assert [each.address for each in found.findings] == ["safe", "nsg"]
    assert len(outcome(root, judged, read=read, facts=facts).findings) == 4


# -- roots ---------------------------------------------------------------------------------------------------------------


def test_roots_are_combined_each_finding_once() -> None:
    one = outcome(lowered(disk(200), disk("?var.x", "open")), policy())
    two = outcome(lowered(disk(200), disk(300, "more")), policy())
    one.notes = [Note("a", "b")]
    two.notes = [Note("a", "b"), Note("c", "d")]
    both = combine([one, two])
    assert [(each.address, text(each.place)) for each in both.findings] == [("data", "200"), ("more", "300")]
    assert (len(both.undecided), both.resources, both.notes) == (1, 4, [Note("a", "b"), Note("c", "d")])


def test_several_roots_that_call_one_module_list_their_instances() -> None:
    roots = [HandmadeRoot({"": lambda _, a=a: instances(a)}, a) for a in ("module.a.d", "module.b.d")]
    both = combine([outcome(root, policy()) for root in roots])
    assert (only(both).address, only(both).instances) == ("module.a.d", ("module.a.d", "module.b.d"))


def test_findings_are_described_with_the_fix_of_their_dialect() -> None:
    texts = Texts(
        why="Because.",
        errors=("UserErrorBig",),
        sources=(Citation("S2", "Big", "2020-11-05", "big disks fail", "https://example.org"),),
        summary="Shrink it.",
        snippets={"arm": '"diskSizeGB": 100', "terraform": "disk_size_gb = 100"},
        conflicts=(Conflict("checkov", "CKV_1", "wants it big"),),
    )
    policies = PolicySet([policy(fix={"safety": "replace"})], lambda _: texts, {})
    found = judge(lowered(disk(200)), policies, Settings(), lambda _: None, no_fact)
    (finding,) = describe(found.findings, policies)
    assert (finding.why, finding.errors, finding.advice) == (
        "Because.",
        ("UserErrorBig",),
        ("checkov CKV_1: wants it big",),
    )
    assert finding.documents == ("S2, Big (2020-11-05): big disks fail https://example.org",)
    assert finding.fix is not None
    assert (finding.fix.safety, finding.fix.language, finding.fix.snippet) == ("replace", "json", '"diskSizeGB": 100')


def test_a_finding_of_no_policy_is_left_as_it_is() -> None:
    finding = Finding("BKP900", "unreadable", Severity.ERROR, "cannot be read", "x.tf", None)
    assert describe([finding], policy_set()) == (finding,)


def test_worlds_are_prepared_and_inputs_limited() -> None:
    prepared: list[World] = []
    causes = [f"var.v{n}" for n in range(6)]
    inputs = dict.fromkeys(causes, (True, False))
    data = {"type": DISK, "name": "data", "properties": {f"p{n}": f"?{cause}" for n, cause in enumerate(causes)}}
    root = HandmadeRoot({"": lambda assume: world(json.dumps([data]), assume=assume, inputs=inputs)})
    even = {"anyOf": [{"field": f"properties.p{n}", "equals": True} for n in range(6)]}
    found = judge(root, policy_set(policy(condition=even)), Settings(), prepared.append, no_fact)
    assert len(found.undecided) == 1
    assert len(prepared) == len(root.lowered) <= 40


def test_what_is_unknown_for_other_reasons_is_not_tried() -> None:
    made = world(json.dumps([disk(0)]), inputs={"var.big": (True, False)})
    why = Unknown(Reason.COMPUTED, "known later")
    made.resources[0].body = Value(ObjectData({"properties": Value(ObjectData({"diskSizeGB": Value(why)}))}))
    root = HandmadeRoot({"": lambda _: made})
    assert outcome(root, policy()).undecided[0].cause == "known later"
    assert len(root.lowered) == 1
