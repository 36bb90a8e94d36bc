"""PowerShell scripts into statements: words, lists, blocks, strings, and that nothing makes the scanner fail."""

from __future__ import annotations

import random
import time

import pytest

from bklint import limits
from bklint.errors import LimitError
from bklint.syntax import powershell
from bklint.syntax.words import Ref, Statement

SCRIPT = r"""param([string]$Gateway = "10.20.1.1")
# Stop-Service comment
<# Stop-Service block #>
$adapter = Get-NetAdapter -Physical | Select-Object -First 1
New-NetIPAddress -InterfaceIndex $adapter.ifIndex -IPAddress 10.20.1.13 `
  -DefaultGateway $Gateway
Stop-Service VSS,MSDTC
foreach ($s in 'VSS','swprv') { in-foreach $s }
'VSS', "swprv" | % { in-each $_ }
if ($x -eq 5) { in-if } else { in-else }
try { in-try } catch { in-catch }
function Foo([int]$a) { in-function $b }
& "netsh.exe" winhttp set proxy a="b c"
[Environment]::SetEnvironmentVariable('http_proxy','http://p','Machine')
$y = "a"
@"
hello $y
"@ | Set-Content -Path C:\f.txt
Invoke-Command -ScriptBlock { in-block }
$p = @{ A = 1; B = { not-run } }
"""


def named(name: str) -> Statement:
    found = powershell.parse(SCRIPT.encode()).statements
    return next(s for s in found if s.words and (s.words[0].literal or "") == name)


@pytest.mark.parametrize(
    ("name", "conditional"),
    [
        ("in-foreach", False), ("in-each", False), ("in-if", True), ("in-else", True), ("in-try", False),
        ("in-catch", True), ("in-function", False), ("in-block", False),
    ],
)  # fmt: skip
def test_blocks(name: str, conditional: bool) -> None:
    assert named(name).conditional is conditional


def test_comments_and_hash_tables_are_no_commands() -> None:
    names = {s.words[0].literal for s in powershell.parse(SCRIPT.encode()).statements if s.words}
    assert not names & {"not-run", "comment"}
    assert sum(name == "Stop-Service" for name in names) == 1


def test_lists_loops_and_pipelines() -> None:
    assert [item.literal for item in named("Stop-Service").words[1].items] == ["VSS", "MSDTC"]
    (loop,) = named("in-foreach").loops
    assert (loop.variable, loop.text) == ("s", "'VSS','swprv'")
    assert [[item.literal for item in word.items] for word in loop.items or ()] == [["VSS", "swprv"]]
    (loop,) = named("in-each").loops
    assert loop.source is not None
    assert (loop.variable, [item.literal for item in loop.source.words[0].items]) == ("_", ["VSS", "swprv"])
    assert named("Select-Object").source is named("Get-NetAdapter") or named("Select-Object").source is not None


@pytest.mark.parametrize(
    ("text", "items"),
    [
        ("x @('a', 'b')", ["a", "b"]),
        ("x @(\n 'a' # first\n 'b'\n)", ["a", "b"]),
        ("x @('a')", ["a"]),
        ("x @()", []),
        ("x @('a', (Get-Date))", ["a", None]),
        ("x @('a', $b)", ["a", None]),
        ("x @(Get-Service VSS)", [None]),
        ("x @('a'\n Get-Service VSS\n 'b')", ["a", None, "b"]),
        ("x @('a' | sort)", [None]),
        ("x @('a'; if ($y) { 'b' })", ["a", None]),
        ("x @('a', $(if ($y) { 'b' }))", ["a", None]),
    ],
)
def test_arrays(text: str, items: list[str | None]) -> None:
    (statement,) = [s for s in powershell.parse(text.encode()).statements if (s.words[0].literal or "") == "x"]
    assert statement.words[1].many
    assert [item.literal for item in statement.words[1].items] == items


@pytest.mark.parametrize("text", ["x (Get-Service VSS)", "x ('a' + 'b')", "x ('a' | sort)", "x ($y = 'a')"])
def test_brackets_that_compute_are_no_arrays(text: str) -> None:
    statement = next(s for s in powershell.parse(text.encode()).statements if s.words and s.words[0].literal == "x")
    assert isinstance(statement.words[1].parts[0], Ref)
    assert not statement.words[1].items


def test_entries_of_hash_tables() -> None:
    script = powershell.parse(b"$t = @{ Name = 'a'; End=\"b\"\n 'Deep' = @{ X = 1 } }\n")
    ((name, word),) = script.statements[0].assigned
    assert name == "t"
    assert word is not None
    assert word.members is not None
    assert [each.words[0].parts[0] for each in word.members] == ["Name", "End=b", "Deep"]
    assert word.members[2].words[2].members is not None


def test_parameters_of_functions() -> None:
    text = b"function A($x, [int]$y = 5) {}\nfunction B {\n param([Parameter(Position=$z)][string]$N = 'd', $M)\n}\n"
    found = powershell.parse(text).parameters
    assert {name: [each.name for each in given] for name, given in found.items()} == {"a": ["x", "y"], "b": ["n", "m"]}
    assert [each.default is not None and each.default.literal for each in found["b"]] == ["d", False]


def test_words() -> None:
    new = named("New-NetIPAddress")
    assert new.words[2].parts == (Ref("adapter.ifindex", "$adapter.ifIndex"),)
    assert new.words[-1].parts == (Ref("gateway", "$Gateway"),)
    assert [word.literal for word in named("netsh.exe").words[1:]] == ["winhttp", "set", "proxy", "a=b c"]
    assert [w.literal for w in named("[Environment]::SetEnvironmentVariable").words[1:]] == [
        "http_proxy",
        "http://p",
        "Machine",
    ]


def test_here_strings_and_assignments() -> None:
    source = named("Set-Content").source
    assert source is not None
    assert source.words[0].parts == ("hello ", Ref("y", "$y"))
    assigned = {name: word for s in powershell.parse(SCRIPT.encode()).statements for name, word in s.assigned}
    assert assigned["y"] is not None
    assert assigned["y"].literal == "a"
    assert assigned["adapter"] is None
    assert "gateway" not in assigned


def test_limits_and_linear_time() -> None:
    with pytest.raises(LimitError):
        powershell.parse(b"#" * (limits.DEFAULTS["script_bytes"] + 1))
    for piece in (b"(", b"{", b'"', b"a,", b"$x.y(", b"<a>", b"foreach ($x in 1) {", b"@'\n"):
        began = time.monotonic()
        powershell.parse(piece * (200_000 // len(piece)))
        assert time.monotonic() - began < 10, piece


def test_damaged_text_never_fails() -> None:
    chance = random.Random(7)
    for _ in range(500):
        data = bytearray(SCRIPT.encode())
        for _ in range(chance.randint(1, 5)):
            at = chance.randrange(len(data))
            data[at : at + chance.randint(0, 9)] = chance.choice(
                [b'"', b"'", b"$(", b"`", b'@"\n', b"{", b")", b"\xff", b"<#"]
            )
        for statement in powershell.parse(bytes(data)).statements:
            assert 0 <= statement.start <= statement.end <= len(data)
