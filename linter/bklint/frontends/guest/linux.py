"""Commands of Linux that change routes, SELinux, accounts of the agent and configuration files in place."""

from __future__ import annotations

import re

from bklint.frontends.guest.calls import Call
from bklint.frontends.guest.firewalls import default, holds_host
from bklint.frontends.guest.interfaces import interface
from bklint.frontends.guest.record import Recorder
from bklint.model.value import Value

_NOWHERE = frozenset({"blackhole", "unreachable", "prohibit", "reject"})


def ip_route(call: Call) -> None:
    """`ip route add blackhole ADDRESS`, `ip route add ADDRESS via GATEWAY`."""
    words = [word for word in call.words if word not in ("-4", "-f", "inet")]
    if (
        len(words) < 3
        or not ("route".startswith(words[0]) and words[0][:1] == "r")
        or words[1] not in ("add", "replace", "append", "change")
    ):
        return
    rest = words[2:]
    nowhere = next((word for word in rest if word in _NOWHERE), "")
    destination = next((word for word in rest if word not in _NOWHERE and word not in ("to", "unicast")), "")
    route(call, destination, "nowhere" if nowhere else "gateway", _behind(rest, "via"), "ip route")


def _behind(words: list[str], word: str) -> str:
    return words[words.index(word) + 1] if word in words[:-1] else ""


def route(call: Call, destination: str, kind: str, via: str, how: str) -> None:
    """Record a route that is explicitly for the host address, or of a destination that is not known."""
    written_route(call.out, call.start, call.end, destination, kind, via, how, call.conditional)


def written_route(
    out: Recorder, start: int, end: int, destination: str, kind: str, via: str, how: str, conditional: bool = False
) -> None:
    """The same of a file."""
    broad = re.match(r"default\Z|\Z|0\.0\.0\.0|\d+\.\d+\.\d+\.\d+/[0-7]\Z|128\.0\.0\.0", destination)
    holds = False if broad else holds_host(destination)
    if holds is False:
        return
    place = out.text.place(start, end)
    unknowns = out.text.unknowns
    why = unknowns.first(destination if holds is None else via)
    diverts: Value | str = "yes"
    if kind == "gateway" and (not via or re.fullmatch(r"\d+\.\d+\.\d+\.1", via)):
        diverts = "no"
    elif why is not None:
        diverts = Value(why, place)
    out.add("routes", start, end, conditional, destination=destination, action=kind, via=via, how=how, diverts=diverts)


def route_add(call: Call) -> None:
    """`route add -host ADDRESS gw GATEWAY`, `route add ADDRESS mask MASK GATEWAY`, `… reject`."""
    words = [word for word in call.words if word not in ("-p", "-4", "-f")]
    if words[:1] not in (["add"], ["change"]):
        return
    rest = [word for word in words[1:] if word not in ("-net", "-host")]
    if not rest:
        return
    mask = _behind(rest, "mask") or _behind(rest, "netmask")
    destination = f"{rest[0]}/{mask}" if mask and "/" not in rest[0] else rest[0]
    windows = "mask" in rest or re.fullmatch(r"[\d.]+", rest[-1]) is not None
    via = _behind(rest, "gw") or (
        rest[rest.index("mask") + 2]
        if "mask" in rest and len(rest) > rest.index("mask") + 2
        else rest[-1]
        if windows
        else ""
    )
    route(call, destination, "nowhere" if "reject" in rest else "gateway", via, "route add")


def setenforce(call: Call) -> None:
    """`setenforce 1`."""
    if call.words[:1] in (["1"], ["enforcing"]):
        call.record("selinux", action="enforcing", how="setenforce")


def semanage(call: Call) -> None:
    """`semanage fcontext … /var/lib/waagent`, `semanage permissive -a TYPE`."""
    if (call.words[:1] == ["fcontext"] and "waagent" in call.line) or call.words[:2] == ["permissive", "-a"]:
        call.record("selinux", action="exclusion", how="semanage")


def semodule(call: Call) -> None:
    """`semodule -i MODULE`: a policy module of one's own."""
    if call.words[:1] and call.words[0] in ("-i", "--install"):
        call.record("selinux", action="exclusion" if "waagent" in call.line else "module", how="semodule")


def waagent(call: Call) -> None:
    """`waagent -deprovision+user`: the machine becomes an image."""
    if any("deprovision" in word for word in call.words):
        call.record("imageSteps", action="deprovision")
    if any("uninstall" in word for word in call.words):
        call.record("packageChanges", package="walinuxagent", action="remove", manager="waagent")


_SUBSTITUTION = re.compile(
    r"s(?P<mark>[/|#,~@!])(?P<find>(?:\\.|(?!(?P=mark)).)*)(?P=mark)(?P<put>(?:\\.|(?!(?P=mark)).)*)(?P=mark)"
)
_SETTING = re.compile(r"((?:[A-Za-z]+\.)+[A-Za-z]+)\s*=\s*([^\s\"'\\]+)")


def sed(call: Call) -> None:
    """`sed -i 's/^Extensions.Enabled=.*/Extensions.Enabled=n/' /etc/waagent.conf`, and ifcfg, ufw and SELinux likewise."""
    paths = [arg for arg in call.args if arg.text.startswith("/")]
    target = " ".join(arg.low for arg in paths)
    for match in (match for arg in call.args for match in _SUBSTITUTION.finditer(arg.text)):
        put = match["put"].replace("\\.", ".")
        if "waagent" in target:
            setting = _SETTING.search(put)
            if setting:
                call.record("agentSettings", key=setting[1], value=setting[2].casefold(), how="sed")
        elif "ifcfg" in target and re.search(r"BOOTPROTO\s*=\s*[\"']?(?:static|none)", put, re.I):
            name = target.rpartition("ifcfg-")[2]
            interface(call.out, call.start, call.end, name, "static", "sed", conditional=call.conditional)
        elif "default/ufw" in target:
            policy = re.search(r"DEFAULT_OUTPUT_POLICY\s*=\s*[\"']?(ACCEPT|DROP|REJECT)", put)
            if policy:
                action = "allow" if policy[1] == "ACCEPT" else "block"
                default(call.out, call.start, call.end, call.conditional, action, "ufw")
        elif "selinux/config" in target and re.search(r"SELINUX\s*=\s*enforcing", put):
            call.record("selinux", action="enforcing", how="sed")


def perl(call: Call) -> None:
    """`perl -pi -e 's/…/…/' FILE`, which is sed by another name."""
    if any(re.match(r"-\w*i", arg.text) for arg in call.args):
        sed(call)


def link(call: Call) -> None:
    """`ln -sf /usr/bin/python3.X /usr/bin/python`: a link to what may not be there."""
    words = [arg.text for arg in call.args if not arg.text.startswith("-")]
    if (
        len(words) == 2
        and re.fullmatch(r"/usr/bin/python[23]?", words[1])
        and "s" in "".join(arg.text for arg in call.args if arg.text.startswith("-"))
    ):
        call.record("packageChanges", package="python", action="install", manager="link")


def fapolicyd(call: Call) -> None:
    """`fapolicyd-cli --file add /var/lib/waagent/`: trust for the agent's directory."""
    if "add" in call.words and "waagent" in call.line:
        call.record("applicationControlRules", engine="fapolicyd", effect="allowed", how="fapolicyd-cli")
