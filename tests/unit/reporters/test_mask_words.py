"""The quick look that spares most texts the long patterns for secrets never passes over one."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bklint.reporters import mask

WORDS = (
    "password", "PASSWD", "pass_phrase", "passphrase", "Secret", "secret-value", "token", "connectionString", "credentials",
    "customData", "custom_data", "user-data", "userdata", "protectedSettings", "accessKey", "apiKey", "private_key", "Key",
    "pwd", "Sas", "sig", "code", "access_token", "https", "convertto-securestring", "-string", "bearer", "Basic", "net",
    "net1.exe", "user", "echo", "chpasswd", "x",
)  # fmt: skip
BETWEEN = (" ", "=", ": ", ' = "', '"', "'", "://", "@", "|", "?", "&", ";", "/", "-", "+", '": {"value": "', "\\")
VALUES = ("hunter2", "Zm9vYmFyYmF6", "A" * 63, "A" * 64, "aB3+" * 20, "a1/" * 30, "\u017fecret", "\u212aey")


@given(st.lists(st.sampled_from(WORDS + BETWEEN + VALUES), max_size=8).map("".join))
def test_what_is_passed_over_holds_no_secret(text: str) -> None:
    if not mask._may_hold(text):
        for of_source in (True, False):
            assert mask._ranges(mask._pattern(of_source), text) == []


@pytest.mark.parametrize("text", ["creates 3 disks in westeurope", 'size = "Standard_D2s_v3"', "priority = 100"])
def test_ordinary_text_is_passed_over(text: str) -> None:
    assert not mask._may_hold(text)
