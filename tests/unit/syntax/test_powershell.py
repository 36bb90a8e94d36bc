"""PowerShell scripts into statements: words, lists, blocks, strings, and that nothing makes the scanner fail."""

from __future__ import annotations

import random
import time

import pytest

from bklint.errors import LimitError
from bklint.syntax import powershell
from bklint.syntax.words import MAX_BYTES, Ref, Statement

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
    for name, variable in (("in-foreach", "s"), ("in-each", "_")):
        (loop,) = named(name).loops
        assert (loop.variable, [item.literal for item in loop.items or ()]) == (variable, ["VSS", "swprv"])
    assert named("Select-Object").source is named("Get-NetAdapter") or named("Select-Object").source is not None


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
        powershell.parse(b"#" * (MAX_BYTES + 1))
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
