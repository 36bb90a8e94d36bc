"""Files that mean harm, or are badly broken: bounded time and memory, a clear finding, and the other files are judged.

Each case is scanned by a process of its own that may use 20 seconds of CPU and 1.5 GB, beside a good file with a known fault.
`says` is what the report must say of the case, empty where it is nothing wrong (a value that is too much is undecided).
"""

from __future__ import annotations

import base64
import gzip
import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import NamedTuple

import pytest

ROOT = Path(__file__).parent.parent
GOOD = 'resource "azurerm_managed_disk" "good" {\n  name = "d"\n  disk_size_gb = 40000\n}\n'
DISK = 'resource "azurerm_managed_disk" "d" {{\n  name = {}\n  disk_size_gb = 1\n}}\n'
ARM = (
    '{"$schema":"https://schema.management.azure.com/schemas/2019-04-01/deploymentTemplate.json#","contentVersion":"1",'
)
RUN = """
import resource, runpy, sys
resource.setrlimit(resource.RLIMIT_CPU, (20, 20))
resource.setrlimit(resource.RLIMIT_AS, (1500 << 20, 1500 << 20))
sys.argv = ["bklint", *sys.argv[1:]]
runpy.run_module("bklint", run_name="__main__")
"""
DEEP = 100_000


class Case(NamedTuple):
    """`lower` is a limit to be reached sooner, so that the suite stays short."""

    files: dict[str, str | bytes]
    says: str = ""
    lower: str = ""


def doubled(first: str, step: str, last: str) -> str:
    """Sixty locals that each hold the one before twice."""
    rows = "".join(f"  a{n} = {step.replace('@', f'local.a{n - 1}')}\n" for n in range(1, 60))
    return f"locals {{\n  a0 = {first}\n{rows}}}\n" + DISK.format(last.replace("@", "local.a59"))


def aliases() -> str:
    """YAML that is 9^20 values, aliases expanded."""
    rows = [f"{chr(98 + n)}: &{chr(98 + n)} [{','.join(['*' + chr(97 + n)] * 9)}]\n" for n in range(20)]
    return "#cloud-config\na: &a [x,x,x]\nruncmd: [iptables -P OUTPUT DROP]\n" + "".join(rows)


def entities() -> str:
    rows = "".join(f'<!ENTITY {chr(98 + n)} "{f"&{chr(97 + n)};" * 10}">' for n in range(20))
    outside = '<!ENTITY x SYSTEM "file:///etc/passwd">'
    return f'<?xml version="1.0"?><!DOCTYPE l [<!ENTITY a "a">{rows}{outside}]><unattend>&u;&x;</unattend>'


def bomb() -> str:
    packed = base64.b64encode(gzip.compress(b"#!/bin/bash\niptables -P OUTPUT DROP\n" + b"#" * 300_000_000)).decode()
    return f'resource "azurerm_linux_virtual_machine" "v" {{\n  name = "v"\n  custom_data = "{packed}"\n}}\n'


def fan() -> dict[str, str | bytes]:
    calls = {
        f"m{n}/m.tf": "".join(f'module "x{k}" {{\n  source = "../m{n + 1}"\n}}\n' for k in range(10)) for n in range(8)
    }
    return {**calls, "m8/m.tf": DISK.format('"x"')}


def expression(body: str) -> str:
    return ARM + f'"resources":[{{"type":"Microsoft.Compute/disks","apiVersion":"2023-01-01","name":"[{body}]"}}]}}'


EXPONENTIAL = ",".join(f"\"v{n}\":\"[concat(variables('v{n - 1}'),variables('v{n - 1}'))]\"" for n in range(1, 64))
NESTED = "nested (more than|deeper than) 256|nested more than 256|256 (steps|conditionals)"
MEMBERS = "more than 1000000 members"
SELF = 'module "a" {\n  source = "./"\n}\nmodule "b" {\n  source = "./"\n}\n'

CASES: dict[str, Case] = {
    "cut off": Case({"a.tf": 'resource "azurerm_managed_disk" "d" {\n  a = [1,'}, "unexpected end of the file"),
    "cut off template": Case({"a.json": ARM + '"resources":[{"type":"Micro'}, r"not closed"),
    "bytes": Case({"a.tf": bytes(range(256)) * 50}, "not valid UTF-8: byte 0x80"),
    "utf-16": Case({"a.tf": DISK.format('"x"').encode("utf-16")}),
    "half utf-16": Case({"a.tf": b"\xff\xfe\x00\xd8a"}, "not valid UTF-16"),
    "byte-order mark": Case({"a.tf": b"\xef\xbb\xbf" + DISK.format('"x"').encode()}),
    "nul": Case({"a.tf": "locals {\n  a = \"\0\"\n}\n"}),
    "deep list": Case({"a.tf": "locals {\n  a = " + "[" * DEEP + "]" * DEEP + "\n}\n"}, NESTED),
    "deep parentheses": Case({"a.tf": "locals {\n  a = " + "(" * DEEP + "1" + ")" * DEEP + "\n}\n"}, NESTED),
    "deep blocks": Case({"a.tf": "a {\n" * DEEP + "}\n" * DEEP}, "nested more than 256"),
    "deep negation": Case({"a.tf": "locals {\n  a = " + "!" * DEEP + "true\n}\n"}, NESTED),
    "deep template": Case({"a.tf": "locals {\n  a = " + '"${' * 3000 + "1" + '}"' * 3000 + "\n}\n"}, "cannot be read"),
    "long sum": Case({"a.tf": "locals {\n  a = " + "+".join(["1"] * DEEP) + "\n}\n"}, NESTED),
    "long choice": Case({"a.tf": "locals {\n  a = " + "true ? 1 : " * 20_000 + "1\n}\n"}, NESTED),
    "long path": Case({"a.tf": "locals {\n  a = local" + ".a" * 50_000 + "\n}\n"}, NESTED),
    "deep json": Case({"a.json": ARM + '"resources":' + "[" * DEEP + "]" * DEEP + "}"}, NESTED),
    "deep terraform json": Case({"a.tf.json": '{"locals":{"a":' + "[" * DEEP + "]" * DEEP + "}}"}, NESTED),
    "deep expression": Case({"a.json": expression("concat(" * 20_000 + "'a'" + ")" * 20_000)}, "nested deeper than 256"),
    "exponential variables": Case({"a.json": ARM + '"variables":{"v0":"aaaaaaaaaa",' + EXPONENTIAL + '},'
                                             + expression("variables('v63')").removeprefix(ARM)}, "larger than bklint evaluates"),
    "lists in lists": Case({"a.json": ARM + '"variables":{"a":"[range(0,10000)]",'
                            + ",".join(f'"{n}":"[map(variables(\'{m}\'), lambda(\'i\', variables(\'{m}\')))]"'
                                       for m, n in ("ab", "bc"))
                            + "}," + expression("string(length(string(variables('c'))))").removeprefix(ARM)}, "limit"),
    "huge count": Case({"a.tf": 'resource "azurerm_managed_disk" "d" {\n  count = 1000000000\n}\n'},
                       "1000000000 instances, of which the first 50 are looked at", "instances=50"),
    "module of itself": Case({"a.tf": SELF}),
    "ring of modules": Case({"a/m.tf": SELF.replace("./", "../b"), "b/m.tf": SELF.replace("./", "../a")}),
    "modules that fan out": Case(fan(), "more than 100 module instances", "modules=100"),
    "exponential text": Case({"a.tf": doubled('"xxxxxxxxxx"', '"${@}${@}"', "@")}, "more than 8388608 characters"),
    "exponential empty text": Case({"a.tf": doubled('""', '"${@}${@}"', "jsondecode(@)")}),
    "exponential unknown text": Case({"a.tf": 'variable "v" {}\n' + doubled('"${var.v}x"', '"${@}${@}"', "@")},
                                     "more than 4096 parts"),
    "exponential list": Case({"a.tf": doubled('["x"]', "concat(@, @)", 'join("", @)')}, MEMBERS),
    "exponential tuple": Case({"a.tf": doubled('["x"]', "[@, @]", "jsonencode(@)")}, MEMBERS),
    "exponential object": Case({"a.tf": doubled('{x = "x"}', "{a = @, b = @}", "yamlencode(@)")}, MEMBERS),
    "compared": Case({"a.tf": doubled('["x"]', "[@, @]", "tostring(@ == @) + distinct([@, @])[0]")}, MEMBERS),
    "loops in loops": Case(
        {"a.tf": "locals {\n  a = range(1000)\n  b = [for x in local.a : [for y in local.a : [for z in local.a : x]]]\n}\n"
                 + DISK.format('join("", flatten(local.b))')}, "more than 20000 expressions", "expressions=20000"),
    "many long texts": Case({"a.tf": 'locals {\n  a0 = "' + "x" * 1024 + '"\n'
                             + "".join(f'  a{n} = "${{local.a{n - 1}}}${{local.a{n - 1}}}"\n' for n in range(1, 13))
                             + '  l = [for n in range(1024) : "${local.a12}${n}"]\n}\n'
                             + DISK.format('join("", [for t in local.l : substr(t, 0, 1)])')}, "limit work_characters is"),
    "identities": Case({"a.tf": 'variable "v" {}\n' + doubled("var.v", 'sha1("${@}${@}")', "@")}),
    "identities of sums": Case({"a.tf": 'variable "v" {}\n' + doubled("var.v", "@ * @", "@")}),
    "growing json": Case({"a.tf": doubled('"x"', "jsonencode([@, @])", "@")}, "more than 8388608 characters"),
    "growing yaml": Case({"a.tf": doubled('"x"', "yamlencode([@, @])", "@")}, "more than"),
    "growing format": Case({"a.tf": doubled('"x"', 'format("%s%s%s%s", @, @, @, @)', "@")}, "more than 8388608 characters"),
    "growing replacements": Case({"a.tf": doubled('"x"', 'replace(@, "x", "xxxxxxxx")', "@")}, "more than 8388608 characters"),
    "growing indents": Case({"a.tf": doubled('"a\\nb\\n"', 'indent(100000, "${@}${@}")', "@")}, "more than 8388608 characters"),
    "growing numbers": Case({"a.tf": doubled("9", "@ * @", "tostring(@)")}, "a number of thousands of digits"),
    "large numbers": Case({"a.tf": DISK.format(
        'format("%1000000000d%s", 1, join("", [pow(10, 100000000), range(1000000000), indent(1000000000, "a\\nb")]))')}),
    "long indents": Case({"a.tf": DISK.format('join("", [indent(1000000000, "a"), indent(1000000000, "a\\nb")])')}),
    "long chain": Case({"a.tf": 'locals {\n  a0 = "x"\n' + "".join(f"  a{n} = local.a{n - 1}\n" for n in range(1, 5000))
                                + "}\n" + DISK.format("local.a4999")}, "nested too deep"),
    "long chain backwards": Case({"a.tf": "locals {\n" + "".join(f"  a{n} = [local.a{n + 1}]\n" for n in range(5000))
                                          + '  a5000 = "x"\n}\n' + DISK.format("jsonencode(local.a0)")},
                                 "nested too deep"),
    "pattern": Case({"a.tf": DISK.format('regex("(a+)+$", "' + "a" * 40 + 'b")')
                             + DISK.format('regex("(.*)(.*)(.*)(.*)(.*)x", "' + "ab" * 500 + '")').replace('"d"', '"e"')
                             + DISK.format('regex("((a{1,1000}){1,1000})", "a")').replace('"d"', '"f"')}),
    "aliases": Case({"cloud-init.yml": aliases()}, "more than 1000000 values, aliases expanded"),
    "aliases, decoded": Case({"x.yaml": aliases(), "a.tf": DISK.format('jsonencode(yamldecode(file("x.yaml")))')}),
    "entities": Case({"unattend.xml": entities()}),
    "packed": Case({"a.tf": bomb()}, "compressed data of more than 2097152 bytes"),
    "keys twice": Case({"a.tf": "locals {\n" + "  a = 1\n" * 5000 + "}\n"}, "'a' is defined twice"),
    "long line": Case({"a.tf": DISK.format('"' + "x" * 5_000_000 + '"')}, "reads Terraform files up to 4194304 bytes"),
    "many errors": Case({"a.tf": '} ] ) " {\n' * 20_000}, "cannot be read"),
    "plan": Case({"p.json": '{"format_version":"1.2","terraform_version":"1.5","resource_changes":{},"planned_values":'
                            '{"root_module":{"resources":[{"address":5,"mode":"managed","values":[]},'
                            '{"address":"a","type":"azurerm_managed_disk","name":"d","mode":"managed",'
                            '"values":{"disk_size_gb":1e999}}],"child_modules":' + '[{"child_modules":' * 100 + "[]"
                            + "}]" * 100 + "}}}"}),
    "export": Case({"n.json": json.dumps({"name": 5, "id": [], "defaultSecurityRules": {}, "securityRules": [
        {"access": "Deny", "direction": "Outbound", "priority": "x", "protocol": None,
         "destinationAddressPrefix": {"a": 1}, "destinationPortRange": [[[]]]}]})}),
    "scripts": Case({"a.sh": "#!/bin/bash\n" + "$(" * 1000 + ")" * 1000 + "\niptables -P OUTPUT DROP\n",
                     "b.sh": "#!/bin/bash\niptables -P OUTPUT DROP\n" + "if true; then\n" * 1000,
                     "c.ps1": "netsh advfirewall set allprofiles state on\n" + "if (1) {" * 5000,
                     "d.cmd": "netsh advfirewall set allprofiles state on\n" + "(" * 20_000}),
}  # fmt: skip


def scan(where: Path, *options: str) -> tuple[int, str, str]:
    command = [sys.executable, "-c", RUN, "scan", ".", "--no-config", "--fail-on", "warning", *options]
    environment = {**os.environ, "PYTHONPATH": str(ROOT / "linter")}
    done = subprocess.run(command, cwd=where, capture_output=True, env=environment, timeout=120)
    return done.returncode, done.stdout.decode("utf-8"), done.stderr.decode("utf-8")


def write(where: Path, files: dict[str, str | bytes]) -> None:
    for name, content in files.items():
        path = where / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content.encode() if isinstance(content, str) else content)


@pytest.mark.skipif(sys.platform == "win32", reason="the limits of a process are set by POSIX calls")
@pytest.mark.parametrize("name", CASES)
def test_one_bad_input_costs_only_itself(name: str, tmp_path: Path) -> None:
    case = CASES[name]
    write(tmp_path, case.files)
    write(tmp_path, {"zz/main.tf": GOOD})
    status, out, err = scan(tmp_path, *(["--limit", case.lower] if case.lower else []))
    assert err == ""
    assert "BKP901" not in out
    assert " --> zz/main.tf:3:18" in out
    assert re.search(case.says, out)
    assert status == (3 if re.search(r"error\[BKP90[02]\]", out) else 1)
    if case.says and not re.search("^grammar gap: ", out, re.MULTILINE):
        assert status == 3


def test_nothing_is_executed_and_nothing_outside_is_read(tmp_path: Path) -> None:
    inside, outside = tmp_path / "inside", tmp_path / "outside"
    outside.mkdir()
    (outside / "secret.tf").write_text(GOOD.replace("good", "secret"))
    write(inside, {
        "main.tf": 'module "out" {\n  source = "../outside"\n}\n'
                   f'data "external" "x" {{\n  program = ["touch", "{tmp_path}/ran"]\n}}\n'
                   'resource "azurerm_managed_disk" "d" {\n  name = file("/etc/passwd")\n  disk_size_gb = 40000\n'
                   f'  provisioner "local-exec" {{\n    command = "touch {tmp_path}/ran"\n  }}\n}}\n',
        "run.sh": f"#!/bin/bash\ntouch {tmp_path}/ran\niptables -P OUTPUT DROP\n",
        "a.json": ARM + '"resources":[{"type":"Microsoft.Resources/deployments","apiVersion":"2022-09-01","name":"d",'
                        '"properties":{"mode":"Incremental","templateLink":{"relativePath":"../outside/secret.json"}}}]}',
    })  # fmt: skip
    (inside / "link.tf").symlink_to(outside / "secret.tf")
    (inside / "linked").symlink_to(outside, target_is_directory=True)
    (inside / "loop").symlink_to(inside, target_is_directory=True)
    os.mkfifo(inside / "pipe.tf")
    (inside / "new\nline\x1b[31m.tf").write_text(GOOD.replace("good", "named"))
    status, out, _ = scan(inside)
    assert not (tmp_path / "ran").exists()
    assert "secret" not in re.sub(r"link\.tf|secret\.json", "", out)
    assert "root:" not in out
    assert status == 3
    assert "link.tf\n" in out or "link.tf" in out
    assert "lies outside the directory that is scanned" in out
    assert "is not a regular file" in out
    assert "\x1b" not in out
    assert "new\\nline\\x1b[31m.tf:3:18" in out


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="nothing is unreadable to root")
def test_a_file_without_permissions(tmp_path: Path) -> None:
    write(tmp_path, {"a.tf": GOOD, "zz/main.tf": GOOD})
    (tmp_path / "a.tf").chmod(0)
    status, out, _ = scan(tmp_path)
    assert (status, "Permission denied" in out, "zz/main.tf:3" in out) == (3, True, True)


@pytest.mark.parametrize("kind", ["tf", "json"])
def test_a_file_of_a_gigabyte_is_not_read(kind: str, tmp_path: Path) -> None:
    write(tmp_path, {"zz/main.tf": GOOD})
    with open(tmp_path / f"a.{kind}", "wb") as out:
        out.write(ARM.encode() if kind == "json" else b"locals {}\n")
        out.truncate(1 << 30)
    status, said, _ = scan(tmp_path)
    assert "is 1073741824 bytes; bklint reads files up to 67108864 bytes" in said
    assert (status, "zz/main.tf:3" in said) == (3, True)


@pytest.mark.parametrize("format_", ["text", "github", "azure-devops", "markdown"])
def test_no_command_of_a_scanned_file_reaches_the_log(format_: str, tmp_path: Path) -> None:
    evil = "##vso[task.setvariable variable=a]b ::error::x ::set-output name=a::b \x1b]0;x\x07"
    write(tmp_path, {
        "a.tf": f'resource "azurerm_managed_disk" "d" {{\n  disk_size_gb = 40000 # {evil}\n  name = "{evil}"\n}}\n'
                f"# {evil}\n::error::y\n##vso[task.x]z\n",
        "::warning::n.tf": GOOD,
        "##vso[task.complete]m.tf": GOOD.replace("good", "better"),
    })  # fmt: skip
    status, out, _ = scan(tmp_path, "--format", format_, "--undecided", "-v")
    assert status == 3
    assert "\x1b" not in out
    assert "\x07" not in out
    for line in out.splitlines():
        assert line.startswith(("::error ", "::warning ", "::notice ")) or not re.match(r"\s*::[a-z-]+", line)
        if format_ == "azure-devops":
            # The agent takes the first one of a line for a command, and the rest of the line for its text.
            assert "##vso[" not in line or line.startswith(
                ("##vso[task.logissue ", "##vso[task.complete ", "##vso[task.upload")
            )
