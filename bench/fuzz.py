"""Fuzzing: damaged and recombined inputs of every kind. `python -m bench.fuzz --minutes 10`.

Samples and policy examples are cut, repeated, spliced and recombined by a seeded generator, expressions are made by grammars
(`fuzz_inputs`), and all of it is given to the part that reads it. Nothing may be raised but the errors meant for the input,
every report must be sound (`fuzz_oracles`), no input may take longer than `SECONDS` of CPU nor more than `MEGABYTES`. What
fails is written to `--keep`, to be made a test. `--seeds DIR` adds files of that tree to those that inputs are made of.
"""

from __future__ import annotations

import argparse
import io
import os
import resource
import signal
import sys
import time
import traceback
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import redirect_stderr, redirect_stdout
from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory
from typing import Any, NamedTuple

ROOT = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(ROOT), str(ROOT / "linter")]

from bench import fuzz_inputs as inputs  # noqa: E402
from bench import fuzz_oracles as oracles  # noqa: E402
from bklint import run  # noqa: E402
from bklint.errors import BklintError  # noqa: E402

SECONDS = 5.0
"""Most CPU for one small input, on a slow machine."""

MEGABYTES = 300
"""Most by which one small input may raise the memory of the process."""

Target = Callable[[bytes, Random], None]


class Kind(NamedTuple):
    """What reads an input, what inputs are made of, and how."""

    target: Target
    seeds: Sequence[bytes]
    makers: tuple[inputs.Maker, ...] = (inputs.damaged,)


def _among(files: Mapping[str, str | bytes], *names: str) -> Target:
    """A scan of the input, under one of the names, among other files."""

    def target(data: bytes, random: Random) -> None:
        oracles.scanned({**files, random.choice(names): data}, _policies(), random)

    return target


def _mended(*names: str) -> Target:
    """What `--fix` makes of the input."""

    def target(data: bytes, random: Random) -> None:
        oracles.mended({random.choice(names): data}, _policies())

    return target


def _policies() -> Any:
    global _POLICIES
    if _POLICIES is None:
        _POLICIES = run.load_policies(run.ScanOptions())
    return _POLICIES


_POLICIES: Any = None


def _terraform_expression(data: bytes, random: Random) -> None:
    from bklint.frontends.terraform.evaluate import evaluate_text

    evaluate_text(data.decode("utf-8", "replace"))


def _arm_expression(data: bytes, random: Random) -> None:
    from bklint.frontends.arm.expressions import parse

    parse(data.decode("utf-8", "replace"))


def _policy(data: bytes, random: Random) -> None:
    with TemporaryDirectory() as directory:
        Path(directory, "x.yaml").write_bytes(data)
        run.load_policies(run.ScanOptions(policy_directories=(directory,)))


def _configuration(data: bytes, random: Random) -> None:
    from bklint import config

    name = random.choice((".bklint.yaml", "pyproject.toml"))
    with TemporaryDirectory() as directory:
        path = Path(directory, name)
        path.write_bytes(data)
        run.load_policies(run.ScanOptions(config=config.load(str(path))))


def _baseline(data: bytes, random: Random) -> None:
    with TemporaryDirectory() as directory:
        path = Path(directory, "baseline.json")
        path.write_bytes(data)
        options = run.ScanOptions(baseline=str(path))
        oracles.sound(run.scan(["."], options, _policies(), oracles.MemoryReader({"main.tf": FAULT})), {})


def _command(*arguments: str) -> Target:
    """A run of the command with the input on standard input or as an argument (`@`); only exit statuses that are documented."""
    from bklint import cli

    def target(data: bytes, random: Random) -> None:
        text = data.decode("utf-8", "replace").replace("\0", "")
        given = [text if each == "@" else each for each in arguments]
        out, err = _Output(), _Output()
        stdin, here = sys.stdin, os.getcwd()
        sys.stdin = io.TextIOWrapper(io.BytesIO(data))
        try:
            os.chdir(ROOT / "sample-templates" / "first-look")
            with redirect_stdout(out), redirect_stderr(err):
                status = cli.main(given)
        except SystemExit as error:
            status = int(str(error.code))
        finally:
            sys.stdin = stdin
            os.chdir(here)
        said = out.getvalue() + err.getvalue()
        assert status in (0, 1, 2, 3), f"exit status {status}: {said[-300:]}"
        assert "Traceback" not in said, said
        assert "\x1b" not in said, "a control character"

    return target


class _Output(io.StringIO):
    """Standard output that is no terminal."""

    encoding = "utf-8"


def _files(*patterns: str) -> list[bytes]:
    found = sorted({path for pattern in patterns for path in ROOT.glob(pattern) if path.is_file()})
    return [path.read_bytes()[: inputs.MAX_INPUT] for path in found]


EXPRESSIONS = [
    b"merge({a = 1}, {for k, v in var.x : k => v if v != null})",
    b'"${join(",", [for s in ["a"] : upper(s)])}-%{ if true }x%{ endif }"',
    b'cidrsubnet("10.0.0.0/8", 8, 2)',
    b'regex("(a|b)+", "ab")',
    b'try(jsondecode("{}").a[0], [for i in range(3) : i * 2])',
    b'format("%05d %s %v", 3, "a", {})',
    b"flatten([[1], [2, [3]]])[*]",
    b'templatestring("${a}", {a = 1})',
    b"1 + 2 * -3 == 4 ? [] : {}",
    b'yamldecode("a: [1, 2]")["a"]',
    b'sort(["b", "a"])...',
    b'formatdate("YYYY", "2020-01-01T00:00:00Z")',
]
ARM_EXPRESSIONS = [
    b"[concat('a', parameters('b'), variables('c')[0].d)]",
    b"[if(equals(1, 2), reference('x').y, json('{}'))]",
    b"[[literal]",
    b"[map(range(0, 3), lambda('i', format('{0}', lambdaVariables('i'))))]",
    b"[resourceId('A/b', 'c')]",
    b"['it''s']",
    b"[union(createObject('a', 1), createObject('b', createArray(1)))]",
    b"[copyIndex('loop', 1)]",
]
CONFIGURATIONS = [
    b"select: [disks]\nignore:\n  - id: BKP301\n    path: a\n    reason: x\nexclude: [a]\n",
    b"[tool.bklint]\nselect = ['disks']\n",
]
TERRAFORM_JSON = b'{"resource":{"azurerm_managed_disk":{"a":{"disk_size_gb":"${var.x}"}}}}'
BASELINE = (
    b'{"version": 1, "findings": [{"policy": "BKP301", "path": "main.tf", "address": "azurerm_managed_disk.d", "line": 1, '
    b'"message": "m", "reason": "r", "since": "2026-01-01"}]}'
)
CLOUD_INIT = [
    b"#cloud-config\nruncmd:\n  - iptables -P OUTPUT DROP\n  - [sh, -c, 'ufw default deny outgoing']\nwrite_files:\n"
    b"  - path: /etc/waagent.conf\n    content: |\n      Extensions.Enabled=n\n    encoding: text/plain\n",
    b"#cloud-config\nwrite_files:\n  - {path: /etc/netplan/1.yaml, encoding: gz+b64, content: H4sIAAAAAAAA/wMAAAAAAAAAAAA=}\n",
    b'Content-Type: multipart/mixed; boundary="b"\nMIME-Version: 1.0\n\n--b\nContent-Type: text/x-shellscript\n\n#!/bin/sh\n'
    b"iptables -P OUTPUT DROP\n--b--\n",
]
NETPLAN = [
    b"network:\n  version: 2\n  ethernets:\n    eth0:\n"
    b"      addresses: [10.0.0.4/24]\n      gateway4: 10.0.0.1\n      dhcp4: false\n",
]
REGISTRY = [
    b"Windows Registry Editor Version 5.00\r\n\r\n[HKEY_LOCAL_MACHINE\\SYSTEM\\CurrentControlSet\\Services\\RdAgent]\r\n"
    b'"Start"=dword:00000004\r\n"x"=hex:01,02,\\\r\n  03\r\n',
]
ANSWERS = [
    b'<?xml version="1.0" encoding="utf-8"?>\n<unattend xmlns="urn:schemas-microsoft-com:unattend">\n<settings pass="specialize">'
    b'<component name="Microsoft-Windows-TCPIP"><Interfaces><Interface><Ipv4Settings><DhcpEnabled>false</DhcpEnabled>'
    b"</Ipv4Settings></Interface></Interfaces></component></settings></unattend>\n",
]
REVISIONS = [b"HEAD", b"HEAD~1", b"--output=/x", b"a..b", b"@{u}", b":/x", b"HEAD^{tree}", b"-", b"refs/heads/x"]
FAULT = b"""resource "azurerm_managed_disk" "d" {
  name         = "d"
  disk_size_gb = 40000 # bklint: ignore[BKP301] a reason
}
"""
PARAMETERS = (
    b'{"$schema": "https://schema.management.azure.com/schemas/2019-04-01/deploymentParameters.json#", "contentVersion":'
    b' "1.0.0.0", "parameters": {"x": {"value": [1, {"a": null}]}, "o": {"value": {"a": 5}},'
    b' "k": {"reference": {"keyVault": {"id": "/x"},'
    b' "secretName": "s"}}}}'
)
TEMPLATE = b"""{
  "$schema": "https://schema.management.azure.com/schemas/2019-04-01/deploymentTemplate.json#",
  "contentVersion": "1.0.0.0",
  "parameters": {"x": {"type": "array"}, "o": {"type": "object", "defaultValue": {}},
    "s": {"type": "string", "defaultValue": ""}},
  "variables": {"a": @, "l": [1, 2], "v": "[variables('a')]"},
  "resources": [
    {"type": "Microsoft.Compute/disks", "apiVersion": "2023-01-02", "name": "[concat('d', string(variables('a')))]",
     "location": "[parameters('o').location]", "copy": {"name": "c", "count": "[length(variables('l'))]"},
     "properties": {"diskSizeGB": "[variables('v')]"}},
    {"type": "Microsoft.Network/networkSecurityGroups", "apiVersion": "2023-01-02", "name": @, "properties": {"securityRules": @}}
  ]
}
"""
SURROUNDINGS = b"""variable "x" {}
variable "s" {
  default = "text"
}
variable "o" {
  default = { a = 1, b = [true, null] }
}
module "m" {
  source = "./m"
  i      = @
}
locals {
  a = @
  b = [for k in local.a : k]
}
resource "azurerm_managed_disk" "d" {
  for_each     = @
  name         = "${local.a}-x"
  disk_size_gb = @
}
resource "azurerm_network_security_rule" "r" {
  count                      = @
  name                       = "r"
  direction                  = "Outbound"
  access                     = "Deny"
  destination_address_prefix = local.b[0]
  destination_port_ranges    = @
}
resource "azurerm_linux_virtual_machine" "v" {
  name        = "v"
  custom_data = base64encode(local.a)
  dynamic "os_disk" {
    for_each = @
    content {
      disk_size_gb = os_disk.value
    }
  }
}
"""
MAIN = b"""variable "x" {}
variable "y" {
  type = list(string)
}
resource "azurerm_managed_disk" "d" {
  disk_size_gb = var.x
}
"""


def _filled(frame: bytes, make: Callable[[Random], str], quote: bool = False) -> inputs.Maker:
    """A maker that puts an expression in each `@` of a frame."""
    import json

    def maker(seeds: Sequence[bytes], random: Random) -> bytes:
        first, *rest = frame.split(b"@")
        made = (make(random) for _ in rest)
        filling = ((json.dumps(each) if quote else each).encode("utf-8", "surrogatepass") for each in made)
        return first + b"".join(text + after for text, after in zip(filling, rest, strict=True))

    return maker


def targets() -> dict[str, Kind]:
    """What is fuzzed, the inputs to start from, and how new ones are made of them."""
    templates = _files("sample-templates/arm-vm*/*.json", "sample-templates/bicep-vm*/*.json")
    terraform = _files("sample-templates/terraform-vm*/*.tf", "sample-templates/first-look/*.tf")
    plan = b'{"format_version":"1.2","terraform_version":"1.9.0","planned_values":{"root_module":{"resources":[{"address":"a.b",'
    plan += b'"mode":"managed","type":"azurerm_managed_disk","name":"b","values":{"disk_size_gb":5}}]}},"resource_changes":[]}'
    scripts = _files("sample-templates/guest-files/**/*")
    exports = _files("sample-templates/nsg-export*/*")
    policies = _files("policies/disks/*.yaml", "policies/network/*.yaml")
    values = [b'x = 1\ny = ["a"]\nz = {\n  a = null\n}\n']
    broken, mixed = (inputs.damaged,), (inputs.damaged, inputs.recombined)
    by_grammar = inputs.expression_of(inputs.terraform_expression)
    filled = _filled(SURROUNDINGS, inputs.terraform_expression)
    template = _filled(TEMPLATE, inputs.template_expression, quote=True)
    module = {
        "m/m.tf": 'variable "i" {}\noutput "o" {\n  value = var.i\n}\n',
        "t.tpl": "${a}%{ for x in a }${x}%{ endfor }",
    }
    return {
        "terraform": Kind(_among(module, "main.tf"), terraform, (inputs.damaged, inputs.rewritten)),
        "terraform values": Kind(_among(module, "main.tf"), [SURROUNDINGS], (filled,)),
        "tfvars": Kind(_among({"main.tf": MAIN}, "terraform.tfvars"), values, broken),
        "tfvars json": Kind(_among({"main.tf": MAIN}, "x.auto.tfvars.json"), [b'{"x": 1, "y": ["a"]}'], mixed),
        "terraform json": Kind(_among({}, "main.tf.json"), [TERRAFORM_JSON], mixed),
        "template": Kind(_among({}, "a.json"), templates, mixed),
        "template values": Kind(_among({}, "a.json"), [TEMPLATE], (template,)),
        "parameters": Kind(_among({"a.json": TEMPLATE.replace(b"@", b"[]")}, "a.parameters.json"), [PARAMETERS], mixed),
        "plan": Kind(_among({}, "plan.json"), [plan], mixed),
        "nsg export": Kind(_among({}, "n.json", "n.yaml"), exports, mixed),
        "script": Kind(_among({}, "a.sh", "a.ps1", "a.cmd"), scripts, broken),
        "cloud-init": Kind(_among({}, "cloud-init.yml", "user-data", "a.cfg"), CLOUD_INIT, broken),
        "guest file": Kind(
            _among(
                {}, "etc/netplan/1.yaml", "unattend.xml", "a.reg", "a.xml", "etc/waagent.conf", "etc/sysconfig/iptables"
            ),
            [*NETPLAN, *REGISTRY, *ANSWERS],
            broken,
        ),
        "bicep": Kind(
            _among({}, "main.bicep", "main.bicepparam"), _files("sample-templates/bicep-vm*/*.bicep"), broken
        ),
        "suppression": Kind(_among({"a.json": TEMPLATE.replace(b"@", b"[]")}, "main.tf"), [FAULT], broken),
        "terraform expression": Kind(_terraform_expression, EXPRESSIONS, (inputs.damaged, by_grammar)),
        "template expression": Kind(
            _arm_expression, ARM_EXPRESSIONS, (inputs.damaged, inputs.expression_of(inputs.template_expression))
        ),
        "policy": Kind(_policy, policies, broken),
        "configuration": Kind(_configuration, CONFIGURATIONS, broken),
        "baseline": Kind(_baseline, [BASELINE], mixed),
        "fix terraform": Kind(_mended("main.tf"), terraform, (inputs.damaged, inputs.rewritten)),
        "fix template": Kind(_mended("a.json"), templates, mixed),
        "fix script": Kind(_mended("a.sh", "a.ps1", "cloud-init.yml"), [*scripts, *CLOUD_INIT], broken),
        "standard input": Kind(_command("scan", "-"), [*terraform, *templates, *scripts], broken),
        "named standard input": Kind(_command("scan", "-", "--stdin-filename", "main.tf"), terraform, broken),
        "explained": Kind(
            _command("explain", "-"), [b"UserErrorRpCollectionLimitReached", b"The VM agent cannot"], broken
        ),
        "revision": Kind(_command("scan", "--changed-since", "@"), REVISIONS, broken),
        "argument": Kind(_command("scan", "@"), [b"main.tf", b"--select=x", b"--var=a=b", b"--format=json=x"], broken),
    }


def seeded(kinds: dict[str, Kind], directory: Path) -> dict[str, Kind]:
    """The kinds, with files of a tree among what inputs are made of: those whose name tells what they are, up to 500 each."""
    found: dict[str, list[bytes]] = {name: [] for name in kinds}
    for path in sorted(directory.rglob("*")):
        names = _TAKES.get(path.suffix.casefold(), ())
        if names and path.is_file() and not path.is_symlink() and 0 < path.stat().st_size <= inputs.MAX_INPUT:
            data = path.read_bytes()
            if path.suffix.casefold() == ".json" and b"deploymentTemplate" not in data:
                names = ("plan", "nsg export") if b'"direction"' in data or b"planned_values" in data else ()
            for name in names:
                found[name].append(data)
    picked = {name: Random(name).sample(each, min(500, len(each))) for name, each in found.items()}
    return {name: kind._replace(seeds=[*kind.seeds, *picked[name]]) for name, kind in kinds.items()}


_TAKES = {
    ".tf": ("terraform", "fix terraform", "suppression"),
    ".tfvars": ("tfvars",),
    ".json": ("template", "fix template"),
    ".sh": ("script", "fix script"),
    ".ps1": ("script", "fix script"),
    ".cmd": ("script",),
    ".bat": ("script",),
    ".bicep": ("bicep",),
    ".yaml": ("cloud-init", "guest file"),
    ".yml": ("cloud-init", "guest file"),
    ".cfg": ("cloud-init",),
    ".xml": ("guest file",),
    ".reg": ("guest file",),
    ".conf": ("guest file",),
}


def attempts(
    seed: int, only: str = "", kinds: dict[str, Kind] | None = None
) -> Iterator[tuple[str, int, Target, bytes, Random]]:
    """Inputs without end; each follows from the seed, its number and the seeds of its kind alone."""
    chosen = {name: each for name, each in (kinds or targets()).items() if only in name}
    number = 0
    while True:
        for name, kind in chosen.items():
            random = Random(f"{seed} {name} {number}")
            yield name, number, kind.target, random.choice(kind.makers)(kind.seeds, random), random
        number += 1


def failure(target: Target, data: bytes, random: Random) -> str:
    """What is wrong with how an input was taken; empty for nothing."""
    began, held = time.process_time(), _megabytes()
    try:
        target(data, random)
    except BklintError:
        pass
    except Exception:  # noqa: BLE001 - that is what is looked for
        return _shortened(traceback.format_exc())
    took, more = time.process_time() - began, _megabytes() - held
    if more > MEGABYTES:
        return f"took {more} MB more than any input before"
    return f"took {took:.1f} s of CPU" if took > SECONDS else ""


def _megabytes() -> int:
    """The most memory that this process has held."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024


def _shortened(trace: str) -> str:
    lines = trace.splitlines()
    return trace if len(lines) <= 40 else "\n".join([*lines[:20], "…", *lines[-20:]])


def main() -> int:
    """Try inputs until the time is over; 1 where any failed."""
    parser = argparse.ArgumentParser(prog="python -m bench.fuzz", description=__doc__)
    parser.add_argument("--minutes", type=float, default=1.0)
    parser.add_argument("--attempts", type=int, default=0, help="stop after so many inputs; 0: only by time")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--only", default="", help="targets whose name holds this")
    parser.add_argument("--seeds", type=Path, help="a directory of files to make inputs of, besides the samples")
    parser.add_argument("--keep", type=Path, help="a directory for the inputs that fail")
    arguments = parser.parse_args()
    kinds = targets() if arguments.seeds is None else seeded(targets(), arguments.seeds)
    end = time.monotonic() + 60 * arguments.minutes
    tried: Counter[str] = Counter()
    failed: Counter[str] = Counter()
    spent: Counter[str] = Counter()
    stopped: list[int] = []
    signal.signal(signal.SIGTERM, lambda number, frame: stopped.append(number))
    for name, number, target, data, random in attempts(arguments.seed, arguments.only, kinds):
        if stopped or time.monotonic() > end or (arguments.attempts and sum(tried.values()) >= arguments.attempts):
            break
        tried[name] += 1
        began = time.process_time()
        wrong = failure(target, data, random)
        spent[name] += round(1e6 * (time.process_time() - began))
        if wrong:
            failed[name] += 1
            print(f"{name} {number} (seed {arguments.seed}): {wrong}", flush=True)
            if arguments.keep is not None:
                arguments.keep.mkdir(parents=True, exist_ok=True)
                (arguments.keep / f"{name.replace(' ', '-')}-{arguments.seed}-{number}").write_bytes(data)
    for name, count in tried.items():
        print(f"{name}: {count} inputs, {failed[name]} failures, {spent[name] / 1e6:.0f} s of CPU")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
