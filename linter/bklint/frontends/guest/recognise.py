"""Which files are ones that a machine runs or reads, by name and content.

A name alone seldom decides: an XML or YAML file is taken only where its content says what it is, and a script only where
it mentions one of the things that a policy looks at. So a repository full of scripts costs one search for each.
"""

from __future__ import annotations

import re

from bklint.source import BOM, utf8

_SHELL = (".sh", ".bash", ".sh.tpl", ".sh.tftpl", ".tftpl", ".tpl", ".tmpl", ".ksh")
_POWERSHELL = (".ps1", ".psm1", ".ps1.tpl", ".ps1.tftpl")
_BATCH = (".cmd", ".bat")

_TELLING = re.compile(
    rb"168\.63|waagent|walinuxagent|guestagent|rdagent|vm agent|netipaddress|\bx?ipaddress\s|netipinterface|enablestatic"
    rb"|ip\s+(?:-\S+\s+)*a(?:ddr(?:ess)?)?\s+(?:add|replace)|ifconfig|nmcli|netsh|netplan|network-scripts|ifcfg"
    rb"|/etc/network|systemd/network|nmconnection|iptables|nft\s|nftables|ufw\s|firewall-cmd|firewalld|netfirewall|outbound"
    rb"|_proxy|winhttp|proxyserver|httpproxy|proxy-server|environmentvariable|comsysapp|msdtc|eventsystem|vss|swprv|shadow"
    rb"|msiserver|msiexec|disablemsi|sqlwriter|set-service|stop-service|sc\s+(?:config|delete|stop)|sc\.exe|systemctl"
    rb"|start(?:uptype|mode)|bitlocker|manage-bde|machinekeys|schusestrongcrypto|schannel|applocker|codeintegrity|fapolicyd"
    rb"|cipolicy|selinux|semodule|setenforce|semanage|sqldatabase|backup\s+database|bcdragent|blackhole|route|hosts|dhc|fstab"
    rb"|mount|git\s+clone|itemproperty|reg\s+add|uninstall|remove|visual c|netfx|net-framework|redistributable|vcredist|python"
    rb"|update-alternatives|sysprep|deprovision"
)
"""What is looked for in the text in lower case: to ignore case, `re` takes ten times as long."""
_SHEBANG = re.compile(rb"\A(?:\xef\xbb\xbf)?#!\s*\S*/(?:env\s+)?(?:\S+\s+)?(ba|da|k|z)?sh\b")
_PYTHON = re.compile(rb"\A#!.*\b(?:python|perl|ruby|node)")


_TEMPLATES = (".tftpl", ".tpl", ".tmpl")
_DIRECTIVE = re.compile(rb"(?<!%)%\{~?\s*(?:if|for)\b")
"""What makes a template one that only its caller can tell the meaning of: it is read as it is rendered, and not loose."""


def recognises(path: str, head: bytes) -> str | None:
    """The kind of a file, or None for one that no policy on machines looks at. `head` is its beginning, or all of it."""
    name = path.replace("\\", "/").casefold()
    base = name.rpartition("/")[2]
    text = utf8(head)
    if b"\0" in text[:4096] or (base.endswith(_TEMPLATES) and _DIRECTIVE.search(text)):
        return None
    if base.endswith((".pkr.hcl", ".json")):
        build = b"provisioner" in text if base.endswith(".hcl") else b'"provisioners"' in text and b'"builders"' in text
        return "packer" if build else None
    by_path = path_kind(name)
    if by_path is not None:
        return by_path if _fits(by_path, text) else None
    if base.endswith((".yaml", ".yml", ".cfg", ".tftpl", ".tpl", ".tmpl", ".txt", ".cloud")) or "." not in base:
        kind = content_kind(text)
        if kind is not None:
            return kind
    if base.endswith(".xml"):
        return _xml_kind(text)
    script = script_kind(base, text)
    return script if script is not None and _TELLING.search(text.lower()) else None


_MARKUP = re.compile(rb"\{\{|\{%|\$\{|%\{|<%|<#|@@|\{\w+\}")
_CLAIMED = frozenset({"cloud-init", "netplan", "mime", "unattend", "applocker", "wdac"})


def claims(kind: str, path: str, text: bytes) -> bool:
    """Whether a file says of itself that it is of a kind with a grammar: it is recognised as that, and nothing in it or
    in its name says that it is a template, which is of that kind only when it is filled in."""
    return kind in _CLAIMED and not path.casefold().endswith(_TEMPLATES) and _MARKUP.search(text) is None


_NAMES = (*_SHELL, *_POWERSHELL, *_BATCH, ".yaml", ".yml", ".cfg", ".xml", ".txt", ".pkr.hcl", ".json")


def may_be(path: str) -> bool:
    """Whether a file of that name is worth opening: `recognises` never takes one of another name. A name without an
    ending may be that of a script."""
    name = path.replace("\\", "/").casefold()
    base = name.rpartition("/")[2]
    return base.endswith(_NAMES) or "." not in base or path_kind(name) is not None


def script_kind(base: str, text: bytes) -> str | None:
    """shell, powershell or batch, by the ending of a name and the first line; None for what is no script."""
    if _PYTHON.match(text):
        return None
    if base.endswith(_POWERSHELL):
        return "powershell"
    if base.endswith(_BATCH):
        return "batch"
    if _SHEBANG.match(text) or base.endswith((".sh", ".bash", ".ksh", ".sh.tpl", ".sh.tftpl")):
        return "shell"
    return None


_PATHS = (
    (re.compile(r"(?:^|/)waagent\.conf(?:\.\w+)?\Z"), "waagent"),
    (re.compile(r"(?:^|/)ifcfg-[^/]+\Z"), "ifcfg"),
    (re.compile(r"(?:^|/)network/interfaces(?:\.d/[^/]+)?\Z|(?:^|/)interfaces\Z"), "interfaces"),
    (re.compile(r"\.nmconnection\Z"), "keyfile"),
    (re.compile(r"\.network\Z"), "networkd"),
    (re.compile(r"(?:^|/)netplan/[^/]+\.ya?ml\Z|netplan[^/]*\.ya?ml\Z"), "netplan"),
    (re.compile(r"(?:^|/)(?:cloud[-_]?(?:init|config)|user[-_]?data)[^/]*\.ya?ml\Z|(?:^|/)user-data\Z"), "cloud-init"),
    (
        re.compile(r"(?:^|/)etc/environment\Z|(?:^|/)environment\Z|(?:^|/)etc/profile\.d/[^/]*proxy[^/]*\Z"),
        "environment",
    ),
    (re.compile(r"(?:^|/)fstab\Z"), "fstab"),
    (re.compile(r"(?:^|/)etc/hosts\Z|(?:^|/)hosts\Z"), "hosts"),
    (re.compile(r"(?:^|/)selinux/config\Z"), "selinux"),
    (re.compile(r"(?:^|/)fapolicyd(?:/rules\.d/[^/]+|/fapolicyd\.rules)\Z|fapolicyd[^/]*\.rules\Z"), "fapolicyd"),
    (re.compile(r"(?:^|/)nftables\.(?:conf|nft)\Z|\.nft\Z"), "nftables"),
    (
        re.compile(
            r"(?:^|/)rules\.v[46]\Z|(?:^|/)(?:iptables|ip6tables)(?:\.(?:rules|save|conf|up\.rules))?\Z|iptables[^/]*\.rules\Z"
        ),
        "iptables",
    ),
    (re.compile(r"(?:^|/)ufw/(?:user|before|after)6?\.rules\Z"), "iptables"),
    (re.compile(r"(?:^|/)default/ufw\Z"), "ufw"),
    (re.compile(r"(?:^|/)(?:walinuxagent|waagent)\.service(?:\.d/[^/]+\.conf)?\Z"), "unit"),
    (re.compile(r"\.mount\Z"), "mountunit"),
    (re.compile(r"\.reg\Z"), "registry"),
    (re.compile(r"\.inf\Z"), "template"),
    (re.compile(r"\.mof\Z"), "mof"),
)

_CONTENTS = {
    "interfaces": re.compile(rb"^\s*iface\s", re.M),
    "networkd": re.compile(rb"^\[(?:Match|Network)\]", re.M),
    "netplan": re.compile(rb"^\s*ethernets\s*:", re.M),
    "cloud-init": re.compile(
        rb"\A(?:\xef\xbb\xbf)?(?:## template:\s*jinja\s*\r?\n)?#cloud-config\b"
        rb"|^(?:bootcmd|runcmd|write_files|mounts)\s*:",
        re.M,
    ),
    "environment": re.compile(rb"_proxy\s*=", re.I),
    "fstab": re.compile(rb"^[^#\s]\S*\s+/?\S*\s+\w", re.M),
    "hosts": re.compile(rb"168\.63\.129\.16|management\.azure|blob\.core", re.I),
    "selinux": re.compile(rb"^SELINUX\s*=", re.M),
    "iptables": re.compile(rb"^\s*(?:\*\w+|-[AIP]\s|:\w+)", re.M),
    "registry": re.compile(rb"\A(?:\xef\xbb\xbf)?\s*(?:Windows Registry Editor|REGEDIT4)", re.I),
    "template": re.compile(rb"^\[(?:File Security|Registry Values|Service General Setting|Unicode)\]", re.M | re.I),
    "waagent": re.compile(rb"^\s*#?\s*\w+\.\w+(?:\.\w+)?=", re.M),
    "nftables": re.compile(rb"\b(?:table|chain)\s"),
    "mof": re.compile(rb"\binstance\s+of\s+(?:MSFT|DSC)_", re.I),
    "mountunit": re.compile(rb"^\[Mount\]", re.M),
    "unit": re.compile(rb"^\[Service\]", re.M),
}


def path_kind(path: str) -> str | None:
    """The kind of a configuration file by its path in lower case."""
    for pattern, kind in _PATHS:
        if pattern.search(path):
            return kind
    return None


def _fits(kind: str, text: bytes) -> bool:
    pattern = _CONTENTS.get(kind)
    return pattern is None or pattern.search(text.removeprefix(BOM)) is not None


_CLOUD = re.compile(rb"\A(?:\xef\xbb\xbf)?(?:## template:\s*jinja\s*\r?\n)?#cloud-config\b")
_NETWORK = re.compile(rb"^network:\s*\r?\n(?:[ \t]+\S[^\n]*\n|\s*\n)*?[ \t]+(?:ethernets|config):", re.M)
_MIME = re.compile(rb"\A(?:[A-Za-z-]+:[^\n]*\n)*Content-Type:\s*multipart/mixed", re.I)


def content_kind(text: bytes) -> str | None:
    """cloud-init, mime or netplan, by content."""
    if _CLOUD.match(text):
        return "cloud-init"
    if _MIME.match(text):
        return "mime"
    if _NETWORK.search(text) and re.search(rb"^\s+(?:dhcp4|addresses|subnets):", text, re.M):
        return "netplan"
    return None


def _xml_kind(text: bytes) -> str | None:
    start = text[:4096]
    if b"urn:schemas-microsoft-com:unattend" in start and b"<unattend" in start:
        return "unattend"
    if b"<AppLockerPolicy" in start:
        return "applocker"
    if b"urn:schemas-microsoft-com:sipolicy" in start:
        return "wdac"
    if re.search(rb"<(?:zone|direct|policy)\b", start) and re.search(
        rb"<(?:rule|chain|passthrough|service|target)\b|target=", text
    ):
        return "firewalld"
    return None


def carried_kind(text: bytes, windows: bool | None) -> str | None:
    """The kind of a text that a machine is given without a name (custom data, a command); None where nothing tells."""
    kind = content_kind(text)
    if kind is not None:
        return kind
    if _PYTHON.match(text):
        return None
    if _SHEBANG.match(text):
        return "shell"
    start = text.lstrip()[:256].lower()
    if start.startswith((b"<powershell>", b"#ps1", b"<script>", b"param(", b"param (", b"<#", b"#requires")):
        return "powershell"
    if start.startswith((b"<?xml", b"<unattend", b"<component")):
        return _xml_kind(text)
    if windows is not None:
        return "powershell" if windows else "shell"
    return "powershell" if _CMDLETS.search(text) else "shell"


_CMDLETS = re.compile(
    rb"^\s*(?:\$\w+\s*=|[A-Z][a-z]+-[A-Z]\w+\s)"
    rb"|[|{;(]\s*(?:Get|Set|Stop|Start|New|Remove|Add|Enable|Disable|Restart|Install|Uninstall|ForEach|Where|Select|Out)-[A-Z]\w+",
    re.M,
)


_SCRIPT_PARTS = frozenset({"text/x-shellscript", "text/cloud-boothook", "text/x-shellscript-per-boot",
                           "text/x-shellscript-per-instance", "text/x-shellscript-per-once"})  # fmt: skip
_GUESSED = frozenset({"", "text/plain", "text/jinja2", "text/x-not-multipart", "application/octet-stream"})


def part_kind(text: bytes, content_type: str) -> str | None:
    """The kind of a part of a message for cloud-init. Where the declared type says nothing, its first line does, and a
    part without one is passed over (https://cloudinit.readthedocs.io/en/latest/explanation/format.html)."""
    declared = content_type.partition(";")[0].strip().casefold()
    if declared == "text/cloud-config":
        return "cloud-init"
    if declared in _SCRIPT_PARTS:
        return carried_kind(text, False)
    if declared in _GUESSED:
        return content_kind(text) or ("shell" if _SHEBANG.match(text) else None)
    return None
