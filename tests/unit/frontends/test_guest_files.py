"""Files that a machine runs or reads: which are recognised, and that damage never makes one fail."""

# ruff: noqa: E501 - each case is one line
from __future__ import annotations

import random
from itertools import pairwise

import pytest
from guest_worlds import rows

from bklint import facts, run
from bklint.api import exit_status
from bklint.files import MemoryReader
from bklint.frontends import Options
from bklint.frontends.guest import recognise
from bklint.frontends.guest.reading import READERS, SCRIPTS, read
from bklint.frontends.guest.record import Recorder, Unit
from bklint.frontends.guest.text import of_file
from bklint.frontends.guest.worlds import roots, source_of
from bklint.model.inventory import Inventory, World
from policy_examples import GUEST_FILES, policy_files

FILES = [
    ("a/install.sh", b"apt-get install nginx\n", None),
    ("a/install.sh", b"systemctl stop x\n", "shell"),
    ("a/tool", b"#!/usr/bin/env bash\nsystemctl stop x\n", "shell"),
    ("a/tool", b"#!/usr/bin/python\n# systemctl\n", None),
    ("a/x.ps1", b"Stop-Service x\n", "powershell"),
    ("a/x.cmd", b"sc config x start= disabled\n", "batch"),
    ("a/values.yaml", b"network:\n  name: x\n", None),
    ("a/values.yaml", b"#cloud-config\nruncmd: []\n", "cloud-init"),
    ("a/cloud-init.yml", b"runcmd:\n  - systemctl stop x\n", "cloud-init"),
    ("a/cloud-config-agent.yaml", b"write_files:\n  - path: /x\n", "cloud-init"),
    ("a/cloud-init.yml", b"jobs:\n  a: b\n", None),
    ("a/user-data", b"#cloud-config\nruncmd: []\n", "cloud-init"),
    ("etc/default/ufw", b'DEFAULT_OUTPUT_POLICY="DROP"\n', "ufw"),
    ("a/net.yaml", b"network:\n  version: 2\n  ethernets:\n    eth0:\n      dhcp4: true\n", "netplan"),
    ("etc/netplan/x.yaml", b"foo: bar\n", None),
    ("etc/network/interfaces", b"iface eth0 inet dhcp\n", "interfaces"),
    ("src/interfaces", b"export interface X {}\n", None),
    ("a/waagent.conf", b"Extensions.Enabled=y\n", "waagent"),
    (
        "a/autounattend.xml",
        b'<?xml version="1.0"?>\n<unattend xmlns="urn:schemas-microsoft-com:unattend"/>',
        "unattend",
    ),
    ("a/pom.xml", b"<project/>", None),
    ("a/x.reg", b"Windows Registry Editor Version 5.00\n", "registry"),
    ("a/bin", b"\x7fELF\0\0", None),
    ("a/image.pkr.hcl", b'build { provisioner "shell" {} }', "packer"),
    ("a/package.json", b"{}", None),
]


@pytest.mark.parametrize(("path", "data", "kind"), FILES)
def test_recognised(path: str, data: bytes, kind: str | None) -> None:
    assert recognise.recognises(path, data) == kind
    assert kind is None or recognise.may_be(path)


def test_scripts_of_an_image_build_are_known_as_such() -> None:
    build = 'build {\n  provisioner "shell" {\n    scripts = ["${path.root}/scripts/a.sh"]\n  }\n}\n'
    files = {
        "p/image.pkr.hcl": build,
        "p/scripts/a.sh": "systemctl stop waagent\n",
        "p/scripts/b.sh": "systemctl stop waagent\n",
    }
    found = list(roots(tuple(files), MemoryReader(files), Options(), Inventory()))
    images = {}
    for root in found:
        for resource in root.lower("", {}).of("guest/serviceChanges"):
            images[root.path] = facts.read("guest.image", resource).data
    assert images == {"p/scripts/a.sh": True, "p/scripts/b.sh": False}


def test_old_encodings_are_read() -> None:
    files = {"a.ps1": "# é\nStop-Service VSS\n".encode("cp1252"), "b.ps1": "Stop-Service VSS\n".encode("utf-16")}
    found = list(roots(tuple(files), MemoryReader(files), Options(), Inventory()))
    assert [len(root.lower("", {}).of("guest/serviceChanges")) for root in found] == [1, 1]


def test_mime_and_written_files() -> None:
    text = (
        'Content-Type: multipart/mixed; boundary="X"\nMIME-Version: 1.0\n\n--X\nContent-Type: text/x-shellscript\n\n#!/bin/sh\nsystemctl stop a\n'
        "--X\nContent-Type: text/cloud-config\n\n#cloud-config\nwrite_files:\n  - path: /etc/waagent.conf\n    encoding: b64\n"
        "    content: RXh0ZW5zaW9ucy5FbmFibGVkPW4=\n--X--\n"
    )
    assert rows("mime", text, "serviceChanges", "service") == [("a",)]
    assert rows("mime", text, "agentSettings", "key", "value") == [("Extensions.Enabled", "n")]


KINDS = {"cloudInit": "cloud-init", "appLocker": "applocker", "securityTemplate": "template", "systemdUnit": "unit"}


def test_damaged_files_never_fail() -> None:
    chance = random.Random(11)
    texts = [
        (KINDS.get(example.dialect, example.dialect), example.text)
        for file in policy_files()
        for example in file.texts.examples
        if example.dialect in GUEST_FILES
    ]
    texts = [(kind, text) for kind, text in texts if kind in READERS or kind in SCRIPTS]
    assert len(texts) > 100
    for _ in range(1500):
        kind, text = chance.choice(texts)
        data = bytearray(text.encode())
        for _ in range(chance.randint(1, 4)):
            at = chance.randrange(len(data) + 1)
            data[at : at + chance.randint(0, 8)] = chance.choice(
                [b'"', b"'", b"(", b"{", b"<", b"\n", b"\xff", b"$", b"\xee\x80\x800\xee\x80\x82", b""]
            )
        source = source_of("file", bytes(data))
        world = World("file", "guest")
        read(kind, Recorder(Unit(world, "file"), of_file(source), kind))
        for resource in world.resources:
            assert resource.body.place is not None
            resource.body.place.locate()


@pytest.mark.parametrize("name", ["init.tftpl", "init.sh.tpl"])
def test_a_template_with_directives_is_read_only_as_it_is_rendered(name: str) -> None:
    from bklint.frontends.guest.recognise import recognises

    body = b"#!/bin/bash\n%{ if off }\nsystemctl disable walinuxagent\n%{ endif }\n"
    assert recognises(name, body) is None
    assert recognises(name, body.replace(b"%{ if off }", b"").replace(b"%{ endif }", b"")) is not None


BOMB = "#cloud-config\na: &a [x, x, x, x, x, x, x, x, x, x]\n" + "".join(
    f"{name}: &{name} [{', '.join([f'*{before}'] * 10)}]\n" for before, name in pairwise("abcdefg")
)
UNREADABLE = [
    ("user-data.yaml", BOMB, 7),
    ("cloud-init.yaml", "#cloud-config\nruncmd:\n  - a\n   b: [c\n", 4),
    ("etc/netplan/50.yaml", "network:\n  ethernets:\n    eth0: {dhcp4: [}\n", 3),
    ("unattend.xml", '<unattend xmlns="urn:schemas-microsoft-com:unattend">\n<a></b>\n</unattend>\n', 2),
]


@pytest.mark.parametrize(("path", "text", "line"), UNREADABLE, ids=[path for path, _, _ in UNREADABLE])
def test_what_says_what_it_is_and_cannot_be_read_is_a_finding(path: str, text: str, line: int) -> None:
    options = run.ScanOptions()
    report = run.scan(["."], options, run.load_policies(options), MemoryReader({path: text}))
    (finding,) = report.findings
    assert (finding.policy, finding.path) == ("BKP900", path)
    assert finding.place is not None
    assert finding.place.position.line == line
    assert exit_status(report) == 3


@pytest.mark.parametrize(
    ("path", "text"),
    [
        ("cloud-init.yaml", "#cloud-config\nruncmd:\n{% for x in y %}\n  - a\n{% endfor %}\n"),
        ("cloud-init.yaml.tftpl", "#cloud-config\nruncmd:\n  - a\n   b: [c\n"),
        ("user-data.yaml", "#cloud-config\n${ extra }\nruncmd: [\n"),
    ],
)
def test_templates_need_not_be_readable(path: str, text: str) -> None:
    options = run.ScanOptions()
    report = run.scan(["."], options, run.load_policies(options), MemoryReader({path: text}))
    assert list(report.findings) == []
