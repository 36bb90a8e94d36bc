"""Firewall commands → guest/firewallRules and guest/firewallDefaults.

A rule says what it does to traffic to the Azure host: `reach` is explicit (it names 168.63.129.16 or a range around it),
any (it names no destination) or other; `covers` lists which of the ports that matter it takes: 80, 443 and 32526 of the
agent, 53, and 67 of DHCP. Order is kept (`chain`, `position`), because the first match decides.

The agent's own rules let root through and drop the rest:
https://github.com/Azure/WALinuxAgent (azurelinuxagent/ga/firewall_manager.py)
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Sequence
from itertools import pairwise
from typing import Any

from bklint.frontends.guest.addresses import netsh_tags
from bklint.frontends.guest.calls import Call
from bklint.frontends.guest.nft_names import Names
from bklint.frontends.guest.record import Recorder
from bklint.frontends.guest.text import marked
from bklint.model import path as paths
from bklint.model.value import Reason, Unknown, Value
from bklint.source import BOM

HOST = "168.63.129.16"
_HOST = ipaddress.IPv4Address(HOST)
TCP = (80, 443, 32526)
_BROAD = frozenset({"", "any", "*", "0.0.0.0/0", "::/0", "internet", "0.0.0.0-255.255.255.255", "anywhere"})


def holds_host(destination: str) -> bool | None:
    """Whether an address, range or network holds the host address; None where that is not known."""
    if marked(destination) or destination.lstrip(" {").startswith(("$", "@")):  # a definition or set of nftables
        return None
    text = destination.strip().strip("\"'{}")
    try:
        if "-" in text:
            low, high = (ipaddress.IPv4Address(part.strip()) for part in text.split("-", 1))
            return low <= _HOST <= high
        return _HOST in ipaddress.IPv4Network(text, strict=False)
    except ValueError:
        return False


def reach(destinations: Sequence[str]) -> str | None:
    """explicit, any, other; None where it is not known."""
    words = [word.strip() for text in destinations for word in text.split(",")]
    if not words or all(word.casefold() in _BROAD for word in words):
        return "any"
    answers = [word.casefold() not in _BROAD and holds_host(word) for word in words]
    if True in answers:
        return "explicit"
    if any(word.casefold() in _BROAD for word in words):
        return "any"
    return None if None in answers else "other"


def covers(protocol: str, ports: Sequence[str]) -> list[str] | None:
    """The ports that matter which a rule takes; None where that is not known."""
    low = protocol.casefold().strip()
    if any(marked(word) or word[:1] in ("$", "@") for word in (low, *ports)):
        return None
    words = [word.strip() for text in ports for word in re.split(r"[,\s{}]+", text) if word.strip()]
    everything = not words or any(word.casefold() in ("any", "*", "rpc") for word in words)
    found: list[str] = []
    for port, kinds in ((53, ("tcp", "udp")), (67, ("udp",)), *((port, ("tcp",)) for port in TCP)):
        takes = low in ("", "any", "all", "0", "ip") or any(low in (kind, _NUMBERS[kind]) for kind in kinds)
        if takes and (everything or any(_in_range(port, word) for word in words)):
            found.append(str(port))
    return found


_NUMBERS = {"tcp": "6", "udp": "17"}
_SERVICES = {"http": "80", "https": "443", "domain": "53", "dns": "53", "bootps": "67"}


def _in_range(port: int, word: str) -> bool:
    match = re.fullmatch(r"(\d*)(?:[:-](\d*))?", _SERVICES.get(word.casefold(), word))
    if match is None:
        return False
    low = int(match[1] or 0)
    return low <= port <= (int(match[2] or 65535) if match[2] is not None else low)


def rule(
    out: Recorder, start: int, end: int, conditional: bool, *, action: str, tool: str, destinations: Sequence[str] = (),
    protocol: str = "", ports: Sequence[str] = (), chain: str = "", position: str = "bottom", owner: str = "",
    direction: str = "out", narrowed: bool = False, jump: str = "", key: str = "", cause: str = "",
) -> None:  # fmt: skip
    """Record one rule. `narrowed`: further conditions keep it from the agent's new connections, which root makes. `jump`:
    the chain that it leads to. `key`: what a command that deletes it says of it. `cause`: a name in it that
    is not known."""
    narrowed = narrowed or (action == "block" and owner not in ("", "0", "root") and not marked(owner))
    place = out.text.place(start, end)
    why = next((u for word in (*destinations, *ports, protocol) if (u := out.text.unknowns.first(word))), None)
    unknown = why or Unknown(Reason.UNSUPPORTED, cause or "the addresses of this rule", place)
    found, taken = reach(destinations), covers(protocol, ports)
    fields: dict[str, Any] = {
        "reach": Value(unknown if found is None else "other" if narrowed else found, place),
        "covers": Value(unknown, place) if taken is None else taken,
    }
    out.add(
        "firewallRules", start, end, conditional, direction=direction, action=action, tool=tool, owner=owner,
        destination=", ".join(destinations), ports=", ".join(ports), protocol=protocol or "any", chain=chain,
        position=position, jump=jump, key=key, **fields,
    )  # fmt: skip


def deleted(out: Recorder, tool: str, key: str) -> None:
    """Take away the rules that an unconditional command deletes."""
    for earlier in out.unit.world.of("guest/firewallRules"):
        same = earlier.get("properties.tool").data == tool and earlier.extra["unit"].data == out.unit.label
        if same and key and earlier.get("properties.key").data == key:
            place = earlier.get("properties.action").place
            earlier.body = paths.put(earlier.body, ("properties", "action"), Value("other", place))


def taken_away(out: Recorder, tool: str, chain: str = "") -> None:
    """What an unconditional command takes away that came before it: the rules of a tool, or of one of its chains."""
    for kind, left in (
        ("firewallRules", "other"),
        ("firewallDefaults", "" if chain or tool == "iptables" else "allow"),
    ):
        for earlier in out.unit.world.of(f"guest/{kind}") if left else ():
            same = earlier.get("properties.tool").data == tool and earlier.extra["unit"].data == out.unit.label
            if same and (not chain or earlier.get("properties.chain").data == chain):
                place = earlier.get("properties.action").place
                earlier.body = paths.put(earlier.body, ("properties", "action"), Value(left, place))


def default(
    out: Recorder, start: int, end: int, conditional: bool, action: str, tool: str, direction: str = "out"
) -> None:
    """Record what happens to traffic that no rule matches."""
    out.add("firewallDefaults", start, end, conditional, direction=direction, action=action, tool=tool)


# -- iptables ----------------------------------------------------------------------------------------------------------

_ACTIONS = {"accept": "allow", "drop": "block", "reject": "block", "allow": "allow", "block": "block", "deny": "block"}
_LONG = {
    "--append": "-a", "--insert": "-i", "--policy": "-p", "--delete": "-d", "--flush": "-f", "--table": "-t",
    "--destination": "-d", "--dst": "-d", "--protocol": "-p", "--proto": "-p", "--jump": "-j", "--out-interface": "-o",
    "--destination-port": "--dport", "--destination-ports": "--dports", "--source": "-s", "--src": "-s",
    "--goto": "-j", "--in-interface": "-i", "--match": "-m",
}  # fmt: skip


def iptables(call: Call) -> None:
    """`iptables -A OUTPUT -d ADDRESS -j DROP`."""
    iptables_words(
        call.out, call.start, call.end, call.conditional, [arg.text for arg in call.args], "filter", call.name
    )


def iptables_words(
    out: Recorder, start: int, end: int, conditional: bool, words: list[str], table: str, tool: str = "iptables",
    priority: str = "",
) -> None:  # fmt: skip
    """One rule in the notation of iptables and iptables-save. `priority`: the one that a direct rule of firewalld has."""
    if "6" in tool:
        return
    command, chain, position, rest = "", "", "bottom", []
    options: dict[str, str] = {}
    at, negated = 0, set()
    while at < len(words):
        word = words[at]
        following = words[at + 1] if at + 1 < len(words) else ""
        if (
            word
            in (
                "-A",
                "--append",
                "-I",
                "--insert",
                "-D",
                "--delete",
                "-P",
                "--policy",
                "-F",
                "--flush",
                "-R",
                "--replace",
            )
            and not command
        ):
            command, chain = _COMMANDS[word], following
            at += 2
            if command == "I" and at < len(words) and words[at].isdigit():
                position = words[at]
                at += 1
            elif command == "I":
                position = "1"
            elif command == "P" and at < len(words):
                rest.append(words[at])
                at += 1
            continue
        if word == "!":
            negated.add(_LONG.get(following, following))
            at += 1
            continue
        if word.startswith("-") and following and not following.startswith("-"):
            options[_LONG.get(word, word)] = following
            at += 2
            continue
        at += 1
    if options.get("-t"):
        table = options["-t"]
    if priority:
        position = f"priority {priority}"
    key = " ".join(word for word in words if word not in (*_COMMANDS, "-w", "--wait") and word != position)
    if command == "D" and not conditional:
        deleted(out, "iptables", f"{table}/{key}")
    options["key"] = f"{table}/{key}"
    _iptables_rule(out, start, end, conditional, command, f"{table}/{chain}", position, options, negated, rest)


_COMMANDS = {"-A": "A", "--append": "A", "-I": "I", "--insert": "I", "-D": "D", "--delete": "D", "-P": "P", "--policy": "P",
             "-F": "F", "--flush": "F", "-R": "R", "--replace": "R"}  # fmt: skip


def _iptables_rule(
    out: Recorder, start: int, end: int, conditional: bool, command: str, chain: str, position: str,
    options: dict[str, str], negated: set[str], rest: list[str],
) -> None:  # fmt: skip
    table, _, name = chain.partition("/")
    if command == "P" and name == "OUTPUT" and table in ("filter", "security", "raw", "mangle"):
        action = _ACTIONS.get(rest[0].casefold(), "other") if rest else "other"
        default(out, start, end, conditional, action, "iptables")
    elif command == "F":
        out.add("firewallFlushes", start, end, conditional, chain=chain)
        if not conditional:
            taken_away(out, "iptables", chain if name else "")
    elif command in ("A", "I", "R"):
        if name in ("INPUT", "FORWARD", "PREROUTING") or table == "nat":
            return
        states = options.get("--ctstate", options.get("--state", ""))
        inner = (
            options.get("-o", "") in ("lo", "docker0")
            or negated
            or (states and "NEW" not in states and "INVALID" not in states)
        )
        ports = options.get("--dports") or options.get("--dport") or ""
        target = options.get("-j", "")
        action = _ACTIONS.get(target.casefold(), "other")
        every = not inner and not ({*options} - {"-j", "-t", "key", "--reject-with", "--comment"})
        if name == "OUTPUT" and action == "block" and every and command != "I":
            default(out, start, end, conditional, action, "iptables")
            return
        rule(
            out, start, end, conditional, action=action, tool="iptables",
            destinations=[options["-d"]] if "-d" in options and not options["-d"].isdigit() else (),
            protocol=options.get("-p", ""), ports=[ports] if ports else (), chain=chain,
            position=position if command == "I" or " " in position else "bottom", owner=options.get("--uid-owner", ""),
            narrowed=bool(inner) or "-s" in options or "--sport" in options or "--icmp-type" in options,
            jump="" if action != "other" or not target else f"{chain.partition('/')[0]}/{target}", key=options["key"],
        )  # fmt: skip


def iptables_save(out: Recorder) -> None:
    """A file as `iptables-save` writes it, and ufw's rule files."""
    from bklint.syntax.keyvalue import lines
    from bklint.syntax.shell import command_line

    table = "filter"
    for offset, line in lines(out.text.data):
        text = line.decode("utf-8", "replace").strip()
        end = offset + len(line.rstrip())
        if text.startswith("*"):
            table = text[1:].split()[0] if text[1:].split() else table
        elif text.startswith(":OUTPUT ") and table in ("filter", "security"):
            policy = text.split()[1].casefold()
            default(out, offset, end, False, _ACTIONS.get(policy, "other"), "iptables")
        elif text.startswith("-"):
            iptables_words(out, offset, end, False, command_line(text), table)


def firewall_cmd(call: Call) -> None:
    """`firewall-cmd --direct --add-rule …`, `--add-rich-rule=…`."""
    words = [arg.text for arg in call.args]
    for index, word in enumerate(words):
        if word == "--add-rule" and words[index + 1 : index + 2] == ["ipv4"] and len(words) > index + 4:
            table, chain = words[index + 2 : index + 4]
            direct_rule(
                call.out, call.start, call.end, call.conditional, table, chain, words[index + 4], words[index + 5 :]
            )
        elif word.startswith("--add-rich-rule"):
            text = word.partition("=")[2] or (words[index + 1] if index + 1 < len(words) else "")
            rich_rule(call.out, call.start, call.end, call.conditional, text)


def direct_rule(
    out: Recorder, start: int, end: int, conditional: bool, table: str, chain: str, priority: str, words: list[str]
) -> None:
    """A direct rule of firewalld, which is asked in the order of priorities:
    https://firewalld.org/documentation/man-pages/firewalld.direct.html"""
    known = priority if re.fullmatch(r"-?\d+", priority) else ""
    iptables_words(out, start, end, conditional, ["-A", chain, *words], table, "iptables", known)


def rich_rule(out: Recorder, start: int, end: int, conditional: bool, text: str) -> None:
    """A rich rule of firewalld."""
    destination = re.search(r"destination\s+(not\s+)?address\s*=\s*[\"']?([^\"'\s]+)", text)
    action = re.search(r"\b(drop|reject|accept)\b", text)
    port = re.search(r"\bport\s+port\s*=\s*[\"']?([\d-]+)[\"']?\s+protocol\s*=\s*[\"']?(\w+)", text)
    if destination and action and not destination[1]:
        rule(
            out, start, end, conditional, action=_ACTIONS[action[1]], tool="firewalld", destinations=[destination[2]],
            protocol=port[2] if port else "", ports=[port[1]] if port else (), chain="firewalld/rich",
        )  # fmt: skip


# -- nftables ----------------------------------------------------------------------------------------------------------


def nft(call: Call) -> None:
    """`nft add rule inet filter output ip daddr ADDRESS drop`."""
    text = " ".join(arg.text for arg in call.args)
    call.out.unit.sets.read(text.replace("\\;", ";"))
    match = re.match(r"(add|insert)\s+rule\s+(?:(?:ip|inet|ip6|bridge|netdev|arp)\s+)?(\S+)\s+(\S+)\s+(.*)", text, re.S)
    if match:
        nft_rule(
            call.out, call.start, call.end, call.conditional, match[4], f"{match[2]}/{match[3]}",
            "1" if match[1] == "insert" else "bottom", call.out.unit.sets,
        )  # fmt: skip
        return
    match = re.match(r"add\s+chain\s+.*hook\s+output\b.*policy\s+(drop|accept)", text, re.S)
    if match:
        default(call.out, call.start, call.end, call.conditional, _ACTIONS[match[1]], "nftables")


def nft_rule(
    out: Recorder, start: int, end: int, conditional: bool, text: str, chain: str, position: str, names: Names
) -> None:
    """One rule in the notation of nft, with names for addresses and ports replaced."""
    name = chain.rpartition("/")[2].casefold()
    if name in ("input", "forward", "prerouting"):
        return
    action = re.search(r"\b(accept|drop|reject)\b", text)
    destination = re.search(r"\bip\s+daddr\s+(!=\s*)?(\{[^}]*\}|\S+)", text)
    port = re.search(r"\b(tcp|udp)\s+dport\s+(\{[^}]*\}|\S+)", text)
    protocol = re.search(r"\b(?:meta\s+l4proto|ip\s+protocol)\s+(\w+)", text)
    owner = re.search(r"\b(?:meta\s+)?skuid\s+(!=\s*)?(\S+)", text)
    states = re.search(r"\bct\s+state\s+(?:\{([^}]*)\}|(\S+))", text)
    narrowed = bool(
        re.search(r"\boif(?:name)?\s+\"?lo\b|\bip6\s|\bip\s+saddr|\bsport\b|icmp", text)
        or (destination and destination[1])
        or (owner and owner[1])
        or (states and "new" not in (states[1] or states[2]) and "invalid" not in (states[1] or states[2]))
    )
    destinations = names.resolve(_listed(destination[2])) if destination else []
    ports = names.resolve(_listed(port[2])) if port else []
    unread = next((word for word in (*destinations, *ports) if word[:1] in "$@"), "")
    rule(
        out, start, end, conditional, action=_ACTIONS[action[1]] if action else "other", tool="nftables",
        destinations=destinations, protocol=port[1] if port else protocol[1] if protocol else "",
        ports=ports, chain=chain, position=position, owner=owner[2] if owner else "", narrowed=narrowed, cause=unread,
    )  # fmt: skip


_NFT = re.compile(
    rb"(?P<comment>#[^\n]*)|(?P<open>\{)|(?P<close>\})|(?P<end>[;\n])|(?P<text>(?:[^#{};\n\"]|\"[^\"\n]*\")+)"
)


def nft_file(out: Recorder) -> None:
    """A file for `nft -f`."""
    data = out.text.data
    names = Names()
    names.read(data.decode("utf-8", "replace"))
    stack: list[str] = []
    output: set[str] = set()
    start, text, inner = -1, "", 0
    for match in [*_NFT.finditer(data, len(BOM) if data.startswith(BOM) else 0), None]:
        piece = match[0].decode("utf-8", "replace") if match else "\n"
        if match and match["comment"]:
            continue
        if match and match["text"]:
            if start < 0 and piece.strip():
                start = match.start() + len(piece) - len(piece.lstrip())
            text += piece
            continue
        if match and match["open"] and not re.match(r"\s*(?:table|chain|set|map)\b", text):
            inner, text = inner + 1, text + "{"
            continue
        if match and match["close"] and inner:
            inner, text = inner - 1, text + "}"
            continue
        if inner:
            text += " "
            continue
        if match and match["open"]:
            stack.append(text.strip())
        elif text.strip():
            _nft_statement(out, start, match.start() if match else len(data), text.strip(), stack, output, names)
        if match and match["close"] and stack:
            stack.pop()
        start, text = -1, ""


def _listed(text: str) -> list[str]:
    """The members of `{ a, b }`, or the one word."""
    return [word.strip() for word in text.strip("{} ").split(",") if word.strip()]


def _nft_statement(
    out: Recorder, start: int, end: int, text: str, stack: list[str], output: set[str], names: Names
) -> None:
    chain = stack[-1].split()[-1] if stack and stack[-1].startswith("chain") else ""
    table = next((entry for entry in stack if entry.startswith("table")), "")
    if "ip6" in table.split():
        return
    name = f"{table.split()[-1] if table else ''}/{chain}"
    if re.search(r"\bhook\s+output\b", text):
        output.add(name)
    policy = re.match(r"policy\s+(drop|accept)", text) or re.search(r"hook\s+output.*policy\s+(drop|accept)", text)
    if policy and name in output:
        default(out, start, end, False, _ACTIONS[policy[1]], "nftables")
    elif chain and name in output and not text.startswith("type "):
        nft_rule(out, start, end, False, text, name, "bottom", names)


# -- ufw ---------------------------------------------------------------------------------------------------------------


def ufw(call: Call) -> None:
    """`ufw deny out to ADDRESS port PORT proto PROTOCOL`, `ufw default deny outgoing`."""
    words = [word for word in call.words if word not in ("--force", "rule")]
    if "--dry-run" in words:
        return
    if words[:1] in (["reset"], ["disable"]):
        if not call.conditional:
            taken_away(call.out, "ufw")
        return
    if words[:1] == ["delete"]:
        if not call.conditional:
            deleted(call.out, "ufw", " ".join(words[1:]))
        return
    if words[:1] == ["default"] and len(words) >= 2:
        if "outgoing" in words:
            action = next((_ACTIONS[word] for word in words if word in _ACTIONS), "other")
            default(call.out, call.start, call.end, call.conditional, action, "ufw")
        return
    position = "bottom"
    if words[:1] == ["insert"] and len(words) > 2:
        position, words = words[1], words[2:]
    elif words[:1] == ["prepend"]:
        position, words = "1", words[1:]
    if not words or words[0] not in ("deny", "reject", "allow") or "out" not in words[1:3]:
        return
    rest = dict(pairwise(words))
    plain = re.fullmatch(r"([\d:,]+)(?:/(tcp|udp))?", words[2]) if len(words) > 2 else None
    port = rest.get("port") or (plain[1] if plain else "")
    rule(
        call.out, call.start, call.end, call.conditional, action=_ACTIONS.get(words[0], "block"), tool="ufw",
        destinations=[rest["to"]] if "to" in rest else (), protocol=rest.get("proto") or (plain[2] if plain else "") or "",
        ports=[port] if port else (), chain="ufw/output", position=position, narrowed=rest.get("on") == "lo",
        key=" ".join(words),
    )  # fmt: skip


# -- Windows -----------------------------------------------------------------------------------------------------------


def netsh_advfirewall(call: Call) -> None:
    """`netsh advfirewall firewall add rule dir=out action=block remoteip=…`, `set allprofiles firewallpolicy …`."""
    words = call.words[1:]
    if words[:3] == ["firewall", "add", "rule"] or words[:3] == ["firewall", "set", "rule"]:
        tags = netsh_tags(call)
        if (
            "dir" not in tags
            or tags["dir"].low != "out"
            or "action" not in tags
            or ("enable" in tags and tags["enable"].low == "no")
        ):
            return
        rule(
            call.out, call.start, call.end, call.conditional, action=_ACTIONS.get(tags["action"].low, "other"), tool="windows",
            destinations=[tags["remoteip"].text] if "remoteip" in tags else (),
            protocol=tags["protocol"].text if "protocol" in tags else "",
            ports=[tags["remoteport"].text] if "remoteport" in tags else (),
            narrowed=bool({"program", "service", "localip", "localport"} & tags.keys()),
            key=tags["name"].low if "name" in tags else "",
        )  # fmt: skip
    elif words[:3] == ["firewall", "delete", "rule"] and not call.conditional:
        tags = netsh_tags(call)
        deleted(call.out, "windows", tags["name"].low if "name" in tags else "")
    elif words[:1] == ["set"] and "firewallpolicy" in words:
        policy = "".join(words[words.index("firewallpolicy") + 1 :])
        if "outbound" in policy:
            action = "block" if "blockoutbound" in policy else "allow"
            default(call.out, call.start, call.end, call.conditional, action, "windows")


def new_net_firewall_rule(call: Call) -> None:
    """`New-NetFirewallRule -Direction Outbound -Action Block -RemoteAddress …`, and `Set-NetFirewallRule`."""
    direction, action = call.parameter("Direction"), call.parameter("Action")
    enabled = call.parameter("Enabled")
    sets = call.name == "set-netfirewallrule"
    if action is None or (enabled is not None and enabled.low in ("false", "$false")):
        return
    outbound = direction is not None and direction.low == "outbound"
    if not outbound and (not sets or call.parameter("RemoteAddress") is None or direction is not None):
        return
    address, port, protocol = call.parameter("RemoteAddress"), call.parameter("RemotePort"), call.parameter("Protocol")
    narrowing = ("Program", "Service", "Package", "LocalAddress", "LocalPort", "InterfaceAlias", "LocalUser")
    named = call.parameter("Name") or call.parameter("DisplayName")
    if sets and address is None:
        return
    rule(
        call.out, call.start, call.end, call.conditional, action=_ACTIONS.get(action.low, "other"), tool="windows",
        destinations=address.all if address else (), protocol=protocol.text if protocol else "",
        ports=port.all if port else (), narrowed=any(call.parameter(name) is not None for name in narrowing),
        key=named.low if named else "",
    )  # fmt: skip


def remove_net_firewall_rule(call: Call) -> None:
    """`Remove-NetFirewallRule`, `Disable-NetFirewallRule` of a rule by its name."""
    named = call.parameter("Name") or call.parameter("DisplayName") or next(iter(call.positional), None)
    for name in named.all if named is not None and not call.conditional else ():
        deleted(call.out, "windows", name.casefold())


def set_net_firewall_profile(call: Call) -> None:
    """`Set-NetFirewallProfile -DefaultOutboundAction Block`."""
    action = call.parameter("DefaultOutboundAction")
    if action is not None:
        default(call.out, call.start, call.end, call.conditional, _ACTIONS.get(action.low, "other"), "windows")
