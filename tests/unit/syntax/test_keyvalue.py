"""Configuration files of lines into entries with byte ranges."""

from __future__ import annotations

import pytest

from bklint import limits
from bklint.errors import LimitError
from bklint.syntax import keyvalue

INI = b"# c\n[ipv4]\nmethod = manual \r\n\n[b]\nx='y z'\nexport A=\"b\"\n; c\nbroken\n"


def test_entries() -> None:
    found = [(entry.section, entry.key.text, entry.value.text) for entry in keyvalue.entries(INI)]
    assert found == [("ipv4", "method", "manual"), ("b", "x", "y z"), ("b", "A", "b")]
    first = keyvalue.entries(INI)[0]
    assert INI[first.start : first.end] == b"method = manual"


def test_comments_only_at_the_beginning_of_a_line() -> None:
    (entry,) = keyvalue.entries(b"#A.B=n\nA.B=y # no comment\n", b"#", False)
    assert entry.value.text == "y # no comment"


def test_rows() -> None:
    data = b'# c\n/dev/sdc1  /data xfs "a b" # d\n\n'
    (row,) = keyvalue.rows(data)
    assert [field.text for field in row.fields] == ["/dev/sdc1", "/data", "xfs", "a b"]
    assert data[row.fields[1].start : row.fields[1].end] == b"/data"


def test_registry() -> None:
    data = (
        b'\xef\xbb\xbfWindows Registry Editor Version 5.00\r\n\r\n[HKEY_LOCAL_MACHINE\\A\\B]\r\n"Na\\\\me"=dword:00000004\r\n'
        b'@="x"\r\n"Hex"=hex:01,\\\r\n  02\r\n[-HKEY_LOCAL_MACHINE\\C]\r\n"D"=-\r\n'
    )
    found = keyvalue.registry(data)
    assert [(e.section, e.key.text, e.value.text) for e in found] == [
        ("HKEY_LOCAL_MACHINE\\A\\B", "Na\\me", "dword:00000004"),
        ("HKEY_LOCAL_MACHINE\\A\\B", "", '"x"'),
        ("HKEY_LOCAL_MACHINE\\A\\B", "Hex", "hex:01,\\"),
        ("-HKEY_LOCAL_MACHINE\\C", "D", "-"),
    ]
    assert data[found[0].start : found[0].end] == b'"Na\\\\me"=dword:00000004'


def test_limit() -> None:
    with pytest.raises(LimitError):
        keyvalue.entries(b"a" * (limits.DEFAULTS["script_bytes"] + 1))
