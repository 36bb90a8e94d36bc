"""XML files of Windows → guest/* resources: answer files of setup, AppLocker policies.

Setup reads only some elements of an answer file; here those of the component Microsoft-Windows-TCPIP count, and commands
it runs. AppLocker is simulated for one file, that of the backup extension, started by the system account.
"""

from __future__ import annotations

import re

from bklint.frontends.guest.interfaces import interface, is_ipv6, primary
from bklint.frontends.guest.record import Recorder
from bklint.frontends.guest.text import within
from bklint.syntax import xml
from bklint.syntax.xml import Element

EXTENSION = r"c:\packages\plugins\microsoft.azure.recoveryservices.vmsnapshot\1.0.91.0\iaasbcdrextension.exe"
"""The program that must be allowed to run (S2 and catalogue BKP615)."""

_ROOTS = {
    "%osdrive%": "c:", "%windir%": r"c:\windows", "%system32%": r"c:\windows\system32", "%programfiles%": r"c:\program files",
    "%systemdrive%": "c:", "%removable%": "?:", "%hot%": "?:",
}  # fmt: skip
_SYSTEM = frozenset({"s-1-1-0", "s-1-5-18", "s-1-5-32-544", "s-1-5-11"})
"""Everyone, the system account, and the groups that it is in."""


def unattend(out: Recorder) -> None:
    """An answer file, or the component of one that additionalUnattendContent holds."""
    root = xml.parse(out.text.data)
    components = [each for each in root.walk() if each.name.casefold() == "component"]
    for component in components or [root]:
        name = (component.get("name") or "").casefold()
        if name in ("microsoft-windows-tcpip", ""):
            for each in component.every("Interface"):
                _interface(out, each)
    for each in root.walk():
        if each.name.casefold() in ("commandline", "path") and each.text.strip():
            _command(out, each)
        elif each.name.casefold() == "generalize" and each.text.strip():
            out.add("imageSteps", each.start, each.end, action="generalize")


def _interface(out: Recorder, element: Element) -> None:
    identifier = element.find("Identifier")
    name = identifier.text.strip() if identifier is not None else ""
    four = element.find("Ipv4Settings")
    dhcp = four.find("DhcpEnabled") if four is not None else None
    addresses = [each for each in element.every("IpAddress") if not is_ipv6(each.text.strip())]
    gateway = any(each.text.strip().startswith("0.0.0.0/0") for each in element.every("Prefix"))
    off = dhcp is not None and dhcp.text.strip().casefold() in ("false", "0")
    if not off and not addresses:
        return
    at = dhcp if off and dhcp is not None else addresses[0]
    if dhcp is not None and not off:
        return
    which = primary(name, gateway or None)
    if which is None and re.fullmatch(r"local area connection|(?:[0-9a-f]{2}[-:]){5}[0-9a-f]{2}", name.casefold()):
        which = "likely"
    interface(
        out, at.start, at.end, name, "static", "unattend", address=addresses[0].text.strip() if addresses else "",
        gateway=gateway or None, which=which,
    )  # fmt: skip


def _command(out: Recorder, element: Element) -> None:
    """A command that setup runs."""
    from bklint.frontends.guest.reading import read

    text = within(out.text, element.inner_start, element.inner_end, element.text)
    read("batch", out.under(text, "batch"))


# -- AppLocker ---------------------------------------------------------------------------------------------------------


def applocker(out: Recorder) -> None:
    """An AppLocker policy: for each enforced collection, what it says of the backup extension."""
    root = xml.parse(out.text.data)
    for collection in root.every("RuleCollection"):
        kind = (collection.get("Type") or "").casefold()
        if kind != "exe" or (collection.get("EnforcementMode") or "").casefold() != "enabled":
            continue
        rules = [rule for rule in collection.children if rule.name.endswith("Rule")]
        if not rules:
            # without rules of a kind all files of it may run:
            # https://learn.microsoft.com/windows/security/threat-protection/windows-defender-application-control/applocker/understanding-applocker-rule-behavior
            continue
        denied = next((rule for rule in rules if _action(rule) == "deny" and _matches(rule)), None)
        allowed = next((rule for rule in rules if _action(rule) == "allow" and _matches(rule)), None)
        at = denied or collection
        end = at.end if denied is not None else at.inner_start
        effect = "denied" if denied is not None else "allowed" if allowed is not None else "notAllowed"
        out.add(
            "applicationControlRules",
            at.start,
            end,
            engine="AppLocker",
            effect=effect,
            how=f"{collection.get('Type')} rules",
            allows=allowed is not None,
        )


def _action(rule: Element) -> str:
    return (rule.get("Action") or "").casefold()


def _matches(rule: Element) -> bool:
    """Whether a rule is about the extension, run by the system account."""
    if (rule.get("UserOrGroupSid") or "").casefold() not in _SYSTEM:
        return False
    conditions = [each for each in rule.walk() if each.name.endswith("Condition")]
    inside = [each for each in conditions if not _below(each, "Exceptions")]
    excepted = [each for each in conditions if _below(each, "Exceptions")]
    return any(map(_applies, inside)) and not any(map(_applies, excepted))


def _below(element: Element, name: str) -> bool:
    parent = element.parent
    while parent is not None:
        if parent.name == name:
            return True
        parent = parent.parent
    return False


def _applies(condition: Element) -> bool:
    if condition.name == "FilePathCondition":
        return fits(_expanded(condition.get("Path") or ""), EXTENSION)
    if condition.name == "FilePublisherCondition":
        return (
            fits(
                (condition.get("PublisherName") or "").casefold(),
                "o=microsoft corporation, l=redmond, s=washington, c=us",
            )
            and (condition.get("ProductName") or "*") == "*"
            and (condition.get("BinaryName") or "*").casefold() in ("*", "iaasbcdrextension.exe")
        )
    return False


def _expanded(path: str) -> str:
    low = path.casefold()
    for variable, directory in _ROOTS.items():
        low = low.replace(variable, directory)
    return low


def fits(pattern: str, text: str) -> bool:
    """Whether a text fits a pattern with `*` and `?`."""
    regex = "".join(
        ".*" if character == "*" else "." if character == "?" else re.escape(character) for character in pattern
    )
    return re.fullmatch(regex, text) is not None


def firewalld(out: Recorder) -> None:
    """Zone and direct-rule files of firewalld."""
    from bklint.frontends.guest.firewalls import direct_rule, rich_rule
    from bklint.syntax.shell import command_line

    for rule in xml.parse(out.text.data).every("rule"):
        if rule.get("ipv") == "ipv4" and rule.get("chain") is not None and rule.get("table") is not None:
            table, chain, priority = (rule.get(name) or "" for name in ("table", "chain", "priority"))
            direct_rule(out, rule.start, rule.end, False, table, chain, priority, command_line(rule.text))
            continue
        destination = rule.find("destination")
        action = next((each.name for each in rule.children if each.name in ("drop", "reject", "accept")), "")
        port = rule.find("port")
        if destination is not None and action:
            text = f'destination address="{destination.get("address")}" {action}'
            if port is not None:
                text += f' port port="{port.get("port")}" protocol="{port.get("protocol")}"'
            rich_rule(out, rule.start, rule.end, False, text)
