"""Firewalls, proxies and application control inside machines: the least that lets the agent through to the Azure host.

Where a rule blocks the host by name, it is narrowed to all but root, as the Linux agent's own rules are
(https://github.com/Azure/WALinuxAgent, azurelinuxagent/ga/firewall_manager.py): that holds wherever the rule stands. A
default, a proxy and a list of programs get an exception beside them. In the Windows firewall a block wins over every
allow, so there the rule itself is turned off.
"""

from __future__ import annotations

import re

from bklint.fix.edits import Edit, RefusedError, indentation, inserting, line_end, line_start, newline, replacing
from bklint.fix.request import Request
from bklint.fix.statements import CARRIERS, beside
from bklint.frontends.guest.firewalls import HOST
from bklint.model.resource import Resource
from bklint.source import Place

_BYPASS = "168.63.129.16,169.254.169.254"
_ACCEPT = f"-A OUTPUT -d {HOST} -p tcp -m multiport --dports 80,443,32526 -m owner --uid-owner 0 -j ACCEPT"
_ANSWERS = f"-A INPUT -s {HOST} -p tcp -m conntrack --ctstate ESTABLISHED -j ACCEPT"
_NO_INPUT = re.compile(rb"(?:-P|--policy)\s+INPUT\s+(?:DROP|REJECT)\b|^:INPUT\s+DROP\b", re.MULTILINE)
_KNOWN_INPUT = re.compile(rb"-[AI]\s+INPUT\b(?![^\n]*--s(?:ource-)?ports?)[^\n]*ESTABLISHED[^\n]*-j\s+ACCEPT")
"""Answers of hosts that the machine has called, from any port."""
_NFT_ACCEPT = f"ip daddr {HOST} tcp dport {{ 80, 443, 32526 }} meta skuid 0 accept"
_NET_RULE = (
    "New-NetFirewallRule -DisplayName 'Allow Azure host' -Direction Outbound -Action Allow "
    f"-RemoteAddress {HOST} -Protocol TCP -RemotePort 80,443,32526"
)
_NETSH_RULE = (
    'netsh advfirewall firewall add rule name="Allow Azure host" dir=out action=allow '
    f"remoteip={HOST} protocol=TCP remoteport=80,443,32526"
)
_UFW_RULE = f"ufw allow out proto tcp to {HOST} port 80,443,32526"
_PROGRAM = r"%OSDRIVE%\Packages\Plugins\Microsoft.Azure.RecoveryServices.VMSnapshot\*"
_CONDITION = f'<FilePathCondition Path="{_PROGRAM}" />'
_RULE_ID = "d41b6a3e-6d0b-4f6e-9d0f-7a0c2f1e5b11"
"""An identifier of our own; AppLocker asks for one that is used once in a policy."""


def let_through(request: Request, place: Place) -> tuple[Edit, ...]:
    """The edits for a rule, default or policy that keeps the agent from the host. Raises RefusedError."""
    resource = request.resource
    if resource.type == "guest/firewallRules":
        return (_rule(resource, place),)
    if resource.type == "guest/firewallDefaults":
        return (_default(resource, place),)
    if resource.type == "guest/applicationControlRules":
        return _program(resource, place)
    raise RefusedError("this kind of change is not made in scripts")


def _said(resource: Resource, name: str) -> str:
    data = resource.get(f"properties.{name}").data
    return data if isinstance(data, str) else ""


def into(place: Place, at: int, text: str) -> Edit:
    """The edit that puts a text at a character of a place. Raises RefusedError where it would need escapes."""
    carried = place.source.name.endswith(CARRIERS)
    if carried and any(mark in text for mark in '"\\\n') and not _in_heredoc(place):
        raise RefusedError("it stands in a text within a text")
    start = place.start + len(place.text[:at].encode("utf-8"))
    if start < place.end:
        return inserting(place.source, start, text)
    last = place.text[at - 1 : at]  # at the end, and yet a part of it
    return replacing(Place(place.source, start - len(last.encode("utf-8")), start), last + text)


def _in_heredoc(place: Place) -> bool:
    from bklint.fix.tree import parsed, way_to

    if place.source.name.endswith(".json"):
        return False
    node = way_to(parsed(place.source).body, place.start, place.end).last
    return place.source.data[node.start : node.start + 1] != b'"'


def _once(pattern: str, place: Place) -> re.Match[str]:
    """The one match of a pattern in a place. Raises RefusedError where it is not exactly one."""
    found = list(re.finditer(pattern, place.text, re.IGNORECASE))
    if len(found) != 1:
        raise RefusedError("what is to be changed is not written out there once")
    return found[0]


# -- rules -------------------------------------------------------------------------------------------------------------


def _rule(resource: Resource, place: Place) -> Edit:
    tool = _said(resource, "tool")
    if tool in ("iptables", "nftables") and _said(resource, "owner"):
        raise RefusedError("the rule is for one owner of a socket already")
    if tool in ("iptables", "nftables") and not _is_output(resource, place):
        raise RefusedError("whether all that comes to this chain has an owner is not certain")
    if tool == "iptables":
        return into(place, _once(r"(?<=\s)(?:-j|--jump)\s", place).start(), "-m owner ! --uid-owner 0 ")
    if tool == "nftables":
        found = re.search(r"(?<=\s)(?:(?:counter|log|limit)\b.*?)?\b(?:drop|reject)\b", place.text, re.DOTALL)
        if found is None or len(re.findall(r"\b(?:drop|reject)\b", place.text)) != 1:
            raise RefusedError("what is to be changed is not written out there once")
        return into(place, found.start(), "meta skuid != 0 ")
    if tool == "ufw":
        head = re.match(r"(.*?)\bufw\s+(?:deny|reject)\s", place.text)
        if head is None:
            raise RefusedError("where the rule is put among others is not certain")
        return beside(place, head[1] + _UFW_RULE, after=False)
    if tool == "windows":
        return _windows_rule(resource, place)
    raise RefusedError(f"rules of {tool} cannot tell root from others, and have no order: see the fix")


def _is_output(resource: Resource, place: Place) -> bool:
    """Whether a chain is for what the machine itself sends: by its name; in a file of nft its hook was seen."""
    named = "output" in _said(resource, "chain").casefold().rpartition("/")[2]
    return named or (_said(resource, "tool") == "nftables" and re.search(r"\bnft\s", place.text) is None)


def _windows_rule(resource: Resource, place: Place) -> Edit:
    """Turn a rule off, where it is about the host alone."""
    if _said(resource, "destination").removesuffix("/32") != HOST:
        raise RefusedError(
            "the rule blocks other addresses too, and in the Windows firewall a block wins over every allow"
        )
    on = list(
        re.finditer(r"(-Enabled:?\s+|\bEnabled\s*=\s*|\benable=)([\"']?)\$?(true|yes)\b", place.text, re.IGNORECASE)
    )
    if on:
        word = "no" if on[0][3].casefold() == "yes" else "False"
        start = place.start + len(place.text[: on[0].start(3)].encode())
        return replacing(Place(place.source, start, start + len(on[0][3])), word)
    if re.match(r"\s*Firewall\b", place.text):
        found = _once(r"(?m:^)([ \t]*)Action(\s*)=(\s*)([\"'])Block\4[ \t]*(?=\r?(?m:$))", place)
        pad = found[2][1:] if len(found[2]) > 1 else found[2]
        end = newline(place.source.data, place.start)
        return into(place, found.end(), f"{end}{found[1]}Enabled{pad}={found[3]}{found[4]}False{found[4]}")
    if "netsh" in place.text.casefold():
        return into(place, _once(r"\baction=\"?block\"?", place).end(), " enable=no")
    return into(place, _once(r"\b(?:New|Set)-NetFirewallRule\b", place).end(), " -Enabled False")


# -- defaults ----------------------------------------------------------------------------------------------------------


def _default(resource: Resource, place: Place) -> Edit:
    tool, text = _said(resource, "tool"), place.text
    if tool == "iptables" and text.startswith(":"):
        return _saved(place)
    if tool == "iptables":
        head = re.fullmatch(r"(.*?)(?:-P|--policy)\s+OUTPUT\s+\S+\s*", text, re.DOTALL)
        if head is not None:
            return beside(place, *(head[1] + row for row in _both_ways(place)))
    if tool == "nftables":
        return _nft_default(place)
    if tool == "ufw":
        head = re.match(r"(.*?)\bufw\s", text)
        if head is not None:
            return beside(place, head[1] + _UFW_RULE)
        raise RefusedError("the rules of ufw are not in this file")
    if tool == "windows" and "netsh" in text.casefold():
        return beside(place, _NETSH_RULE)
    if tool == "windows" and "set-netfirewallprofile" in text.casefold():
        return beside(place, _NET_RULE)
    raise RefusedError("a rule that lets the host through is no part of this statement or file")


def _saved(place: Place) -> Edit:
    """Behind the chains of a table as iptables-save writes it, which stand before all rules."""
    source, data = place.source, place.source.data
    end, at = newline(data, place.start), line_end(data, place.end)
    while data[at : at + 1] == b":":
        at = line_end(data, at)
    return inserting(source, at, "".join(row.replace(HOST, f"{HOST}/32") + end for row in _both_ways(place)))


def _both_ways(place: Place) -> tuple[str, ...]:
    """The rule that lets calls out, and one that lets the answers in where the file shuts all of them out."""
    lines = place.source.data.splitlines()
    data = b"\n".join(line for line in lines if not line.lstrip().startswith(b"#"))
    shut = _NO_INPUT.search(data) is not None and _KNOWN_INPUT.search(data) is None
    return (_ACCEPT, _ANSWERS) if shut else (_ACCEPT,)


def _nft_default(place: Place) -> Edit:
    source, data = place.source, place.source.data
    command = re.match(r"(.*?\bnft\s+)add\s+chain\s+(?:(ip|inet)\s+)?(\S+)\s+(\S+)\s", place.text)
    if command is not None:
        family = f"{command[2]} " if command[2] else ""
        return beside(place, f"{command[1]}add rule {family}{command[3]} {command[4]} '{_NFT_ACCEPT}'")
    if data[place.end : line_end(data, place.end)].strip() not in (b"", b";"):
        raise RefusedError("it shares its line with others")
    if re.search(rb"hook\s+input\b[^}]*policy\s+drop", data) and not re.search(rb"established[^\n]*accept", data):
        raise RefusedError("the chain of what comes in lets no answers through")
    at = line_end(data, place.end)
    return inserting(source, at, f"{indentation(data, place.start)}{_NFT_ACCEPT}{newline(data, place.start)}")


# -- programs ----------------------------------------------------------------------------------------------------------


def _program(resource: Resource, place: Place) -> tuple[Edit, ...]:
    engine = _said(resource, "engine")
    if engine == "fapolicyd":
        return (beside(place, "allow perm=any all : dir=/var/lib/waagent/", after=False),)
    if engine != "AppLocker":
        raise RefusedError("a code integrity policy is made and signed by tools of its own")
    if _RULE_ID.encode() in place.source.data:
        raise RefusedError("there is a rule of the same identifier already")
    if _said(resource, "effect") != "denied":
        return (_allowed(place),)
    if resource.get("properties.allows").data is True:
        return (_excepted(place),)
    return (
        _excepted(place),
        beside(place, f"{newline(place.source.data, place.start)}{_lead(place)}".join(_rows("  ")), after=False),
    )


def _rows(unit: str) -> tuple[str, ...]:
    """The rule that allows the extension."""
    return (
        f'<FilePathRule Id="{_RULE_ID}" Name="Azure Backup extension" Description="" UserOrGroupSid="S-1-1-0" Action="Allow">',
        f"{unit}<Conditions>{_CONDITION}</Conditions>",
        "</FilePathRule>",
    )


def _lead(place: Place) -> str:
    return indentation(place.source.data, place.start)


def _excepted(place: Place) -> Edit:
    """An exception to a rule that denies."""
    text = place.text
    if "<Exceptions>" in text:
        return into(place, _once(r"</Exceptions>", place).start(), _CONDITION)
    closing = _once(r"</Conditions>", place)
    own = indentation(place.source.data, place.start + len(text[: closing.start()].encode()))
    end = newline(place.source.data, place.start)
    return into(place, closing.end(), f"{end}{own}<Exceptions>{_CONDITION}</Exceptions>")


def _allowed(place: Place) -> Edit:
    """A rule that allows, as the first of the collection that a place is the head of."""
    data, own = place.source.data, _lead(place)
    end, following = newline(data, place.start), data[line_end(data, place.end) :].split(b"\n", 1)[0]
    inner = following[: len(following) - len(following.lstrip())].decode() if following.strip() else f"{own}  "
    rows = _rows(inner.removeprefix(own) or "  ")
    return into(place, len(place.text), "".join(f"{end}{inner}{row}" for row in rows))


# -- proxies -----------------------------------------------------------------------------------------------------------


def bypass(request: Request, place: Place) -> Edit:
    """The edit that lets the host go round a proxy. Raises RefusedError."""
    resource, text = request.resource, place.text
    scope = _said(resource, "scope")
    listed = _list_beside(resource, scope)
    if listed is not None:
        found = _once(r"no_proxy[\"']?(?:\s*[=,]\s*|\s+)[\"']?(?P<list>[^\"'\s]*)", listed)
        return into(listed, found.end("list"), f"{',' if found['list'] else ''}{_BYPASS}")
    if scope == "winhttp":
        return _winhttp(resource, place)
    if scope == "machine" and "setx" in text.casefold():
        return beside(place, f'setx NO_PROXY "{_BYPASS}" /M')
    if scope == "machine":
        return beside(place, f"[Environment]::SetEnvironmentVariable('NO_PROXY', '{_BYPASS}', 'Machine')")
    place = _exported(place)
    text = place.text
    head = re.match(r"((?:export\s+)?(?:Environment=)?)[\"']?(?:all|https?)_proxy=", text, re.IGNORECASE)
    if head is None:
        raise RefusedError("there is no list of what bypasses the proxy beside it")
    upper = "_PROXY" in text
    return beside(place, f"{head[1]}{'NO_PROXY' if upper else 'no_proxy'}={_BYPASS}")


def _exported(place: Place) -> Place:
    """A setting of an environment with the word that hands it on."""
    start = line_start(place.source.data, place.start)
    head = re.search(rb"\bexport[ \t]+\Z", place.source.data[start : place.start])
    return place if head is None else Place(place.source, start + head.start(), place.end)


def _list_beside(resource: Resource, scope: str) -> Place | None:
    """Where the list of what bypasses the proxy is set, in the same scope of the same unit."""
    for each in resource.world.of(resource.type):
        same = each.extra["unit"].data == resource.extra["unit"].data and _said(each, "scope") == scope
        if same and each.get("properties.url").exists is False and each.body.place is not None:
            return each.body.place.locate()
    return None


def _winhttp(resource: Resource, place: Place) -> Edit:
    text, new = place.text, _BYPASS.replace(",", ";")
    tagged = re.search(r"bypass-list=(?P<quote>[\"'])(?P<list>.*?)(?P=quote)", text, re.IGNORECASE)
    if tagged is not None:
        return into(place, tagged.end("list"), f"{';' if tagged['list'] else ''}{new}")
    if "bypass-list" in text.casefold():
        raise RefusedError("the list is not in quotes")
    named = re.search(r"proxy-server=(?:\"[^\"]*\"|'[^']*'|\S+)", text, re.IGNORECASE)
    if named is not None:
        return into(place, named.end(), f' bypass-list="{new}"')
    words = re.search(
        r"\bproxy\s+(?:\"[^\"]*\"|'[^']*'|\S+)(?P<more>\s+(?P<quote>[\"'])(?P<list>.*?)(?P=quote))?",
        text,
        re.IGNORECASE,
    )
    if words is None:
        raise RefusedError("what is to be changed is not written out there once")
    if words["more"]:
        return into(place, words.end("list"), f"{';' if words['list'] else ''}{new}")
    if text[words.end() :].strip():
        raise RefusedError("the list is not in quotes")
    return into(place, words.end(), f' "{new}"')
