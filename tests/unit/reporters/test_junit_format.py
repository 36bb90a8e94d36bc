"""JUnit XML read back: well-formed whatever names hold, numbers that agree, one case for each policy and resource."""

from __future__ import annotations

from dataclasses import replace
from xml.etree import ElementTree as ET

from bklint.finding import Report, Undecided
from bklint.reporters import Style, render


def suites(report: Report) -> ET.Element:
    return ET.fromstring(render("junit", report, Style()))


def test_numbers_agree(named_report: tuple[str, Report]) -> None:
    top = suites(named_report[1])
    for element in (top, *top.iter("testsuite")):
        cases = list(element.iter("testcase"))
        assert int(element.attrib["tests"]) == len(cases)
        for attribute, tag in (("failures", "failure"), ("errors", "error"), ("skipped", "skipped")):
            assert int(element.attrib[attribute]) == sum(case.find(tag) is not None for case in cases)
    properties = {each.attrib["name"]: each.attrib["value"] for each in top.iter("property")}
    assert properties["checksPassed"] == str(named_report[1].checks_passed)


def test_one_case_for_each_policy_and_resource(named_report: tuple[str, Report]) -> None:
    cases = [(case.attrib["classname"], case.attrib["name"]) for case in suites(named_report[1]).iter("testcase")]
    assert len(set(cases)) == len(cases)


def test_hostile_names_come_back(reports: dict[str, Report]) -> None:
    case = next(case for case in suites(reports["names"]).iter("testcase") if case.find("failure") is not None)
    assert "<script>alert(1)</script> <!-- --> & ' \"" in case.attrib["name"]
    failure = case.find("failure")
    assert failure is not None
    assert "]]> ; % %0A" in failure.attrib["message"]
    assert "\ufffe" not in (failure.text or "")


def test_characters_that_xml_cannot_hold() -> None:
    for code in (*range(0x20), 0x7F, 0x85, 0xD800, 0xFFFE, 0xFFFF, 0x1FFFE):
        check = Undecided(f"B{chr(code)}", f"a{chr(code)}b", f"c{chr(code)}", "", None)
        suites(Report(undecided=(check,)))


def test_what_a_case_says(reports: dict[str, Report]) -> None:
    cases = {case.attrib["name"]: case for case in suites(reports["compared"]).iter("testcase")}
    said = {name: [(child.tag, child.get("type")) for child in case] for name, case in cases.items()}
    assert said == {
        "all other checks": [("system-out", None)],
        "nsg.deny": [("skipped", None)],
        "nsg.other": [("skipped", None)],
        'azurerm_managed_disk.data["a"]': [("failure", "error")],
        "azurerm_managed_disk.old": [("skipped", None)],
    }


def test_several_findings_of_one_resource_are_one_case(reports: dict[str, Report]) -> None:
    disk = reports["full"].findings[1]
    (case,) = suites(Report((disk, replace(disk, sub_key="lun 1", message="another")))).iter("testcase")
    (failure,) = case
    assert failure.attrib["message"].endswith("; another")
