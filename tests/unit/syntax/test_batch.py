"""Command scripts of Windows into statements."""

from __future__ import annotations

import random

from bklint.syntax import batch

SCRIPT = r"""@echo off
rem sc stop comment
:: sc stop other
set SVC=VSS
sc config %SVC% start= disabled && net stop "COM+ Event" || after-or
if exist "c:\x y" (
  in-block a
) else in-else b
outside c
for %%i in (VSS swprv) do in-loop %%i
icacls x /deny Everyone:(W) >nul 2>&1
"""


def test_statements() -> None:
    found = batch.parse(SCRIPT.encode()).statements
    conditional = {s.words[0].literal: s.conditional for s in found if s.words}
    assert conditional == {
        "echo": False, "sc": False, "net": False, "after-or": True, "in-block": True, "in-else": True, "outside": False,
        "in-loop": False, "icacls": False,
    }  # fmt: skip
    words = {s.words[0].literal: [word.literal for word in s.words[1:]] for s in found if s.words}
    assert words["net"] == ["stop", "COM+ Event"]
    assert words["icacls"] == ["x", "/deny", "Everyone:(W)"]
    loop = next(s for s in found if s.words and s.words[0].literal == "in-loop").loops[0]
    assert [item.literal for item in loop.items or ()] == ["VSS", "swprv"]
    assert [(name, word.literal if word else None) for s in found for name, word in s.assigned] == [("svc", "VSS")]


def test_damaged_text_never_fails() -> None:
    chance = random.Random(7)
    for _ in range(500):
        data = bytearray(SCRIPT.encode())
        for _ in range(chance.randint(1, 5)):
            at = chance.randrange(len(data))
            data[at : at + chance.randint(0, 9)] = chance.choice(
                [b'"', b"(", b")", b"^", b"%", b"&", b"|", b"\xff", b"for "]
            )
        batch.parse(bytes(data))
