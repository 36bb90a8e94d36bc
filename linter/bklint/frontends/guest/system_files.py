"""Configuration files of the system → guest/* resources: waagent.conf, environment, fstab, hosts, SELinux, fapolicyd."""

from __future__ import annotations

import re

from bklint.frontends.guest.firewalls import HOST, default
from bklint.frontends.guest.record import Recorder
from bklint.frontends.guest.text import marked
from bklint.model.value import Value
from bklint.syntax import keyvalue
from bklint.syntax.keyvalue import Entry


def waagent(out: Recorder) -> None:
    """The agent's configuration. Comments only at the beginning of a line: a `#` behind a value is a part of it."""
    found: dict[str, Entry] = {}
    for entry in keyvalue.entries(out.text.data, b"#", False):
        found[entry.key.text] = entry
        value = entry.value.text.strip()
        out.add("agentSettings", entry.start, entry.end, key=entry.key.text, value=value.casefold(), how="waagent.conf")
    host = found.get("HttpProxy.Host")
    if host is not None and host.value.text.strip().casefold() not in ("none", ""):
        port = found.get("HttpProxy.Port")
        url = host.value.text + (f":{port.value.text}" if port is not None else "")
        proxy(out, host.start, host.end, False, url, "", "agent")


def proxy(out: Recorder, start: int, end: int, conditional: bool, url: str, bypass: str, scope: str) -> None:
    """Record a proxy or a list of what goes round it. Credentials are told but not kept.

    `scope` is winhttp, machine (a variable of the whole of Windows), agent (waagent.conf) or environment.
    """
    place = out.text.place(start, end)
    match = re.match(r"(?P<scheme>\w+://)?(?P<user>[^/@\s]+:[^/@\s]*)@(?P<rest>.*)\Z", url, re.S)
    shown = f"{match['scheme'] or ''}{match['rest']}" if match else url
    words = [word.strip().casefold() for word in re.split(r"[,;\s|]+", bypass) if word.strip()]
    if url and f"proxy {scope} {match is not None}" in out.unit.flags:
        return  # told already: http_proxy and https_proxy are one setting
    if url and not conditional:
        out.unit.flags.add(f"proxy {scope} {match is not None}")
    found = any(_bypasses(word) for word in words)
    unknown = next((why for word in (bypass,) if (why := out.text.unknowns.first(word))), None)
    holds = Value(found if found or unknown is None else unknown, place)
    out.add(
        "proxySettings", start, end, conditional, url=shown or None, scope=scope, authenticated=match is not None,
        bypassesHost=holds,
    )  # fmt: skip


def _bypasses(word: str) -> bool:
    pattern = re.sub(r"^https?://", "", word)
    if marked(pattern):
        return False
    if pattern == "*":
        return True
    regex = "".join(".*" if character == "*" else re.escape(character) for character in pattern.lstrip("."))
    return re.fullmatch(regex, HOST) is not None or (pattern.endswith(".") and HOST.startswith(pattern))


def environment(out: Recorder) -> None:
    """`/etc/environment`, and proxy settings of `/etc/profile.d`."""
    for entry in keyvalue.entries(out.text.data, b"#"):
        _variable(out, entry.start, entry.end, entry.key.text, entry.value.text, "environment")


def _variable(out: Recorder, start: int, end: int, name: str, value: str, scope: str) -> None:
    low = name.casefold()
    if low in ("http_proxy", "https_proxy", "all_proxy") and value.strip():
        proxy(out, start, end, False, value, "", scope)
    elif low == "no_proxy":
        proxy(out, start, end, False, "", value, scope)


def unit(out: Recorder) -> None:
    """A systemd unit of the agent, or a drop-in of it."""
    for entry in keyvalue.entries(out.text.data, b"#;", False):
        if entry.key.text != "Environment":
            continue
        for match in re.finditer(r"[\"']?(\w+)=([^\"'\s]*)[\"']?", entry.value.text):
            _variable(out, entry.start, entry.end, match[1], match[2], "agent")


def fstab(out: Recorder) -> None:
    """`/etc/fstab`."""
    for row in keyvalue.rows(out.text.data):
        fields = [field.text for field in row.fields]
        if len(fields) >= 3 and fields[1].startswith("/"):
            mount(out, row.start, row.end, fields[0], fields[1], fields[3] if len(fields) > 3 else "")


def mount(
    out: Recorder, start: int, end: int, device: str, point: str, options: str, conditional: bool = False
) -> None:
    """Record an entry that mounts a file system."""
    point = point.rstrip("/") or "/"
    if device in ("none", "null", "nil", "~"):
        return
    out.add(
        "mounts", start, end, conditional, point=point, device=device, bind="bind" in options.split(","),
        options=options or "defaults",
    )  # fmt: skip


def mount_unit(out: Recorder) -> None:
    """A `.mount` unit of systemd."""
    found = {entry.key.text: entry for entry in keyvalue.entries(out.text.data) if entry.section == "Mount"}
    if "Where" in found and "What" in found:
        options = found["Options"].value.text if "Options" in found else ""
        where = found["Where"]
        mount(out, where.start, where.end, found["What"].value.text, where.value.text, options)


def hosts(out: Recorder) -> None:
    """`hosts`: names that are led to the host address, or from Azure to nowhere, are no route; nothing is recorded
    but entries that name the host address itself as something to resolve."""
    for row in keyvalue.rows(out.text.data):
        names = [field.text for field in row.fields[1:]]
        if HOST in names and row.fields[0].text != HOST:
            out.add(
                "routes",
                row.start,
                row.end,
                destination=HOST,
                action="hosts",
                via=row.fields[0].text,
                how="hosts file",
                diverts="yes",
            )


def ufw(out: Recorder) -> None:
    """`/etc/default/ufw`: what happens to outgoing traffic that no rule matches."""
    for entry in keyvalue.entries(out.text.data):
        action = _POLICIES.get(entry.value.text.casefold())
        if entry.key.text == "DEFAULT_OUTPUT_POLICY" and action is not None:
            default(out, entry.start, entry.end, False, action, "ufw")


_POLICIES = {"accept": "allow", "drop": "block", "reject": "block"}


def selinux(out: Recorder) -> None:
    """`/etc/selinux/config`."""
    for entry in keyvalue.entries(out.text.data):
        if entry.key.text == "SELINUX" and entry.value.text.casefold() == "enforcing":
            out.add("selinux", entry.start, entry.end, action="enforcing", how="selinux config")


def fapolicyd(out: Recorder) -> None:
    """Rules of fapolicyd: is there one that lets the agent's directory run."""
    allowed, denied = False, None
    for offset, line in keyvalue.lines(out.text.data):
        text = line.decode("utf-8", "replace").strip()
        end = offset + len(line.rstrip())
        word = text.split(None, 1)[0] if text else ""
        if word.startswith("allow") and ("/var/lib/waagent" in text or re.search(r"\ball\s*:\s*all\s*\Z", text)):
            allowed = allowed or denied is None
        elif (
            word.startswith("deny")
            and denied is None
            and re.search(r"\bperm=(?:execute|any)\b", text)
            and re.search(r":\s*(?:all|dir=|ftype=application)", text)
        ):
            denied = (offset, end)
    if denied is not None and not allowed:
        out.add("applicationControlRules", *denied, engine="fapolicyd", effect="notAllowed", how="fapolicyd rules")
