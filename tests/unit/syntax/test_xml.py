"""XML into elements with byte ranges; entities are refused."""

from __future__ import annotations

import pytest

from bklint import limits
from bklint.errors import InputError, LimitError
from bklint.syntax import xml

TEXT = '<?xml version="1.0" encoding="utf-16"?>\n<a xmlns:w="urn:x"><w:B w:c="é>">ü<d/></w:B><d>e</d></a>\n'.encode()


def test_elements() -> None:
    root = xml.parse(TEXT)
    assert [element.name for element in root.walk()] == ["a", "B", "d", "d"]
    b = root.children[0]
    assert (b.get("C"), b.text, b.parent is root) == ("é>", "ü", True)
    assert TEXT[b.start : b.end].decode() == '<w:B w:c="é>">ü<d/></w:B>'
    assert TEXT[b.inner_start : b.inner_end].decode() == "ü<d/>"
    empty, full = root.every("D")
    assert TEXT[empty.start : empty.end] == b"<d/>"
    assert TEXT[full.inner_start : full.inner_end] == b"e"
    assert root.find("none") is None


@pytest.mark.parametrize(
    "text", [b"", b"<a>", b"<a></b>", b"no", b"\xff<a/>", b'<!DOCTYPE a [<!ENTITY x "y">]><a>&x;</a>']
)
def test_refused(text: bytes) -> None:
    with pytest.raises(InputError):
        xml.parse(text)


def test_limits() -> None:
    with pytest.raises(LimitError):
        xml.parse(b"<a>" * 300)
    with pytest.raises(LimitError):
        xml.parse(b" " * (limits.DEFAULTS["script_bytes"] + 1))
