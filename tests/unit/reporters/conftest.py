"""Hand-made reports, one for each thing a reporter must get right."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest

from bklint.finding import Accepted, Finding, FixText, Gone, RelatedPlace, Report, Severity, Undecided
from bklint.model.inventory import Note
from bklint.source import Place, Source

MAIN = Source(
    "main.tf",
    b"""variable "size" {
  type = number
}

resource "azurerm_managed_disk" "data" {
  name         = "data"
  disk_size_gb = var.size
  admin_password = "hunter2"
}
""",
)
VALUES = Source("env/prod é.tfvars", 'zone = "1"\nsize = 40000 # größer\n'.encode())
NSG = Source(
    "net/nsg.json",
    b'{\n  "securityRules": [\n    {\n\t\t"name": "deny", "access": "Deny",\n      "priority": 100\n    }\n  ]\n}\n',
)


def at(source: Source, text: str, occurrence: int = 1) -> Place:
    """The place of the nth occurrence of a text."""
    start = -1
    for _ in range(occurrence):
        start = source.data.index(text.encode(), start + 1)
    return Place(source, start, start + len(text.encode()))


DISK = Finding(
    policy="BKP301",
    name="disk-larger-than-32tb",
    severity=Severity.ERROR,
    message="disk data is 40000 GiB; Azure Backup supports disks up to 32767 GiB",
    path="main.tf",
    place=at(MAIN, "var.size"),
    address='azurerm_managed_disk.data["a"]',
    resource_type="Microsoft.Compute/disks",
    dialect="terraform",
    why="Azure Backup cannot take a snapshot of a disk that is larger than 32 TB.\nThe job fails before any data moves.",
    errors=("UserErrorUnsupportedDiskSize",),
    related=(
        RelatedPlace(at(MAIN, '"size"'), "declared here"),
        RelatedPlace(at(VALUES, "40000"), "value of var.size"),
    ),
    fix_at=at(VALUES, "40000"),
    fix=FixText(
        "manual", "Split the disk.", 'resource "azurerm_managed_disk" "data" {\n  disk_size_gb = 32767\n}\n', "hcl"
    ),
    contexts=("env/prod é.tfvars",),
    instances=('azurerm_managed_disk.data["a"]', 'azurerm_managed_disk.data["b"]'),
    documents=("S2, UserErrorUnsupportedDiskSize, 2020-11-05",),
)

RULE = Finding(
    policy="BKP101",
    name="nsg-denies-host-ip",
    severity=Severity.WARNING,
    message="rule deny blocks 168.63.129.16",
    notice="newer documents say otherwise: see --edition current",
    path="net/nsg.json",
    place=at(NSG, '{\n\t\t"name": "deny", "access": "Deny",\n      "priority": 100\n    }'),
    address="nsg.deny",
    resource_type="Microsoft.Network/networkSecurityGroups/securityRules",
    dialect="arm",
    related=(RelatedPlace(at(NSG, '"Deny"'), "denied here"),),
    conditional=True,
    notes=("the rule is shadowed by none",),
    sub_key="deny",
)

DAMAGED = Finding(
    policy="BKP900",
    name="unreadable-input",
    severity=Severity.ERROR,
    message="is 99999999999 bytes; bklint reads files up to 67108864 bytes",
    path="huge plan.json",
    place=None,
)

FULL = Report(
    findings=(DAMAGED, DISK, RULE),
    undecided=(
        Undecided(
            "BKP301",
            "azurerm_managed_disk.b",
            "var.zone",
            "input without a value",
            at(MAIN, "var.size"),
            "pass --var-file",
        ),
        Undecided("BKP401", "azurerm_managed_disk.b", "var.zone", "input without a value", None, "pass --var-file"),
        Undecided("BKP401", "azurerm_managed_disk.c", "function timeadd()", "not evaluated by bklint", None),
    ),
    notes=(Note("bicep", "1 Bicep file (a.bicep): not checked"), Note("skipped", "b: no Azure resources", None, False)),
    files_read=5,
    files_by_dialect={"terraform": 2, "arm": 1},
    files_unread=1,
    files_skipped=("package.json",),
    resources=182,
    resources_of_interest=14,
    machines=1,
    checks_passed=57,
    hidden=2,
    unread_claimed=True,
    seconds=0.41,
)

_EVIL = Source(
    "evil\n::error::\x1b[31m.tf",
    b'name = "a\x1b]0;x\x07\xe2\x80\xaeb"\npassword = "hunter2"\nkey = "v" # \xf0\x9f\x98\x80\n',
)

HOSTILE = Report(
    findings=(
        Finding(
            policy="BKP301",
            name="x",
            severity=Severity.ERROR,
            message='disk "a\x1b]0;x\x07\u202eb"\n::error::pwn [x](1) 100%, password="hunter2" https://u:hunter2@h/',
            path=_EVIL.name,
            place=at(_EVIL, '"a\x1b]0;x\x07\u202eb"'),
            address="a\r\n::b",
            related=(RelatedPlace(at(_EVIL, '"hunter2"'), "token=hunter2\n##vso[x]"),),
            notes=("AccountKey=hunter2;x",),
            contexts=("\x1b[0m",),
            instances=("a\n", "b"),
        ),
    ),
    undecided=(Undecided("BKP301", "a\nb", "var.\x07", "x\n", at(_EVIL, "name")),),
    notes=(Note("evil", "\x1b[2J\n::error::x"),),
    files_read=1,
    files_skipped=("\x1b[1m.json", "b\udcff.json"),
    resources=1,
    resources_of_interest=1,
)

_NAMES = Source(
    "a]b;c%25,d|e`f`<script>alert(1)<%2Fscript>.tf",
    b'name = "]]><script>alert(1)</script>|`x`"\nsecret = "hunter2" # </pre><img src=x onerror=alert(1)>\n',
)

SIGNS = "](evil:) ]]> ; % %0A %5D %AZP25 | ` `` \\| <script>alert(1)</script> <!-- --> & ' \" _a_ *b* @all #1 !2 www.e.x http://e.x"
"""What means something to one of the formats."""

NAMES = Report(
    findings=(
        Finding(
            policy="BKP301",
            name="x",
            severity=Severity.WARNING,
            message=f"disk {SIGNS}",
            notice="\r\n##vso[task.setvariable variable=x]y \ufffe",
            path=_NAMES.name,
            place=at(_NAMES, '"]]><script>alert(1)</script>|`x`"'),
            address=f"module.x[{SIGNS}].azurerm_linux_virtual_machine.vm",
            resource_type="<b>/x",
            related=(RelatedPlace(at(_NAMES, '"hunter2"'), f"label {SIGNS}"),),
            why="it fails | `always` <b>",
            errors=("User<Error>",),
            fix=FixText("manual", "Write `x` | not <y>", "x = <y>\n", "hcl"),
            notes=(SIGNS,),
            contexts=(SIGNS,),
            instances=(SIGNS, "b"),
            documents=("S1, a <b> https://learn.microsoft.com/x?a=1&b=2.",),
        ),
    ),
    undecided=(Undecided("BKP401", SIGNS, SIGNS, "", at(_NAMES, "secret"), SIGNS),),
    notes=(Note("<i>", SIGNS),),
    gone=(Gone("BKP101", SIGNS, _NAMES.name, SIGNS, "base"),),
    compared=True,
)

COMPARED = Report(
    findings=(DISK,),
    accepted=(
        Accepted(RULE, "base"),
        Accepted(replace(RULE, address="nsg.other"), "baseline"),
        Accepted(replace(DISK, address="azurerm_managed_disk.old"), "comment", "moved in March, password=hunter2"),
    ),
    gone=(
        Gone("BKP101", "nsg.gone", "net/nsg.json", "rule deny blocks 168.63.129.16", "base"),
        Gone("BKP201", "lock", "locks.tf", "", "baseline"),
    ),
    files_read=3,
    resources=9,
    resources_of_interest=5,
    machines=1,
    checks_passed=11,
    compared=True,
)

REPORTS = {
    "full": FULL,
    "hostile": HOSTILE,
    "names": NAMES,
    "compared": COMPARED,
    "clean": Report(
        files_read=1, files_by_dialect={"arm": 1}, resources=3, resources_of_interest=3, checks_passed=4, machines=2
    ),
    "nothing": Report(files_read=7, files_by_dialect={"terraform": 7}, resources=9),
}


@pytest.fixture(params=sorted(REPORTS))
def named_report(request: pytest.FixtureRequest) -> tuple[str, Report]:
    """Each report with its name."""
    return request.param, REPORTS[request.param]


@pytest.fixture
def reports() -> dict[str, Report]:
    """All reports by name."""
    return REPORTS


@pytest.fixture
def place() -> Callable[..., Place]:
    """See `at`."""
    return at
