"""A policy of Windows Defender Application Control in XML → guest/applicationControlRules.

Only what is written is judged: the deny rules, the rules by path, and whether one of the signers that may run programs
is a root of Microsoft's products without a restriction, which the backup extension is signed below. The values of
`CertRoot Type="Wellknown"` are those of the policies that Windows has in its schemas directory: 04, 05 and 06 are the
Microsoft Product Roots of 1997, 2001 and 2010, 07 the Microsoft Standard Root of 2011.

https://learn.microsoft.com/windows/security/application-security/application-control/app-control-for-business/design/select-types-of-rules-to-create
"""

from __future__ import annotations

import re

from bklint.frontends.guest.record import Recorder
from bklint.frontends.guest.windows_files import EXTENSION, fits
from bklint.model.value import Reason, Unknown, Value
from bklint.syntax import xml
from bklint.syntax.xml import Element

_PRODUCTS = frozenset({"04", "05", "06", "07"})
_USER_MODE = "12"
"""The signing scenario of programs; 131 is that of drivers."""
_NARROWING = frozenset({"certeku", "certpublisher", "certissuer", "certoemid", "fileattribref"})
_ROOTS = {"%osdrive%": "c:", "%windir%": r"c:\windows", "%system32%": r"c:\windows\system32"}
_ELSEWHERE = ("enabled:managed installer", "enabled:intelligent security graph authorization")
"""Options by which Windows also lets programs run that no rule names."""


def policy(out: Recorder) -> None:
    """What a policy says of the backup extension."""
    root = xml.parse(out.text.data)
    options = {" ".join(each.text.split()).casefold() for each in root.every("Option")}
    if (root.get("PolicyType") or "").casefold().startswith("supplemental"):
        return
    if "enabled:umci" not in options or "enabled:audit mode" in options:
        return
    scenario = next((each for each in root.every("SigningScenario") if each.get("Value") == _USER_MODE), None)
    if scenario is None:
        return
    denied = next((each for each in _rules(root, scenario, "Deny") if _names_extension(each)), None)
    place = denied or scenario
    end = denied.end if denied is not None else scenario.inner_start
    effect: str | Value = "denied"
    if denied is None:
        allowed = any(map(_names_extension, _rules(root, scenario, "Allow"))) or _signed(root, scenario)
        effect = "allowed" if allowed is True else "notAllowed"
        if allowed is None or (not allowed and not options.isdisjoint(_ELSEWHERE)):
            effect = Value(Unknown(Reason.UNSUPPORTED, "the signers of this policy", out.text.place(place.start, end)))
    out.add("applicationControlRules", place.start, end, engine="WDAC", effect=effect, how="code integrity policy")


def _rules(root: Element, scenario: Element, kind: str) -> list[Element]:
    """The file rules of a kind that a scenario refers to."""
    named = {each.get("RuleID") for each in scenario.every("FileRuleRef")}
    return [each for each in root.every(kind) if each.get("ID") in named]


def _names_extension(rule: Element) -> bool:
    path, name = rule.get("FilePath"), rule.get("FileName")
    if path is not None:
        low = path.casefold()
        for variable, directory in _ROOTS.items():
            low = low.replace(variable, directory)
        return fits(low, EXTENSION)
    return name is not None and name.casefold() in ("*", "iaasbcdrextension.exe")


def _signed(root: Element, scenario: Element) -> bool | None:
    """Whether a signer of the scenario stands for Microsoft's products; None where a signer's certificate is told by a
    hash alone, which may be one of Microsoft's."""
    named = {each.get("SignerId") for each in scenario.every("AllowedSigner")}
    unsure = False
    for signer in root.every("Signer"):
        if signer.get("ID") not in named:
            continue
        narrowed = [each for each in signer.children if each.name.casefold() in _NARROWING]
        certificate = signer.find("CertRoot")
        kind = (certificate.get("Type") or "").casefold() if certificate is not None else ""
        value = (certificate.get("Value") or "").upper() if certificate is not None else ""
        microsoft = "microsoft" in (signer.get("Name") or "").casefold()
        if kind == "wellknown" and value in _PRODUCTS and not narrowed:
            return True
        restricted = any(each.name.casefold() == "certeku" or not _is_microsoft(each) for each in narrowed)
        unsure = unsure or (kind == "tbs" and microsoft and not restricted)
    return None if unsure else False


def _is_microsoft(narrowing: Element) -> bool:
    return re.match(r"microsoft corporation\Z", (narrowing.get("Value") or "").casefold()) is not None
