"""Secrets become `***`, what is needed to mend a fault stays."""

from __future__ import annotations

import time

import pytest

from bklint.reporters import mask
from bklint.source import Source

LINES = [
    ('admin_password = "hunter2"', 'admin_password = "***"'),
    ("admin_password = var.pw", None),
    ('"adminPassword": "hunter2",', '"adminPassword": "***",'),
    ("\"adminPassword\": \"[parameters('pw')]\",", None),
    ("\"adminPassword\": \"[concat('hunter2', 'x')]\",", '"adminPassword": "***",'),
    ('"adminPassword": { "value": "hunter2" },', '"adminPassword": { "value": "***" },'),
    ('"value": "kept", "name": "adminPassword"', None),
    ('password = "${var.pw}"', None),
    ('password = "x${var.pw}"', 'password = "***"'),
    ('password = format("hunter2%s", var.x)', 'password = format("***", var.x)'),
    ('client_secret = "hunter2" # why', 'client_secret = "***" # why'),
    ('storage_account_access_key = "hunter2', 'storage_account_access_key = "***'),
    ('custom_data = "aGVsbG8="', 'custom_data = "***"'),
    ('custom_data = base64encode("hunter2")', 'custom_data = base64encode("***")'),
    ('custom_data = filebase64("cloud-init.yaml")', None),
    ('"userData": "aGVsbG8="', '"userData": "***"'),
    ("export DB_PASSWORD=hunter2", "export DB_PASSWORD=***"),
    ("  password: hunter2", "  password: ***"),
    ('KeyEncryptionKeyURL = "https://v.vault.azure.net/keys/k/1"', None),
    ('key_vault_key_id = azurerm_key_vault_key.x.id', None),
    ("key_vault_id = data.azurerm_key_vault.x.id", None),
    ("primary_key = azurerm_storage_account.x.primary_access_key", None),
    ("for_each = { for key, value in var.keys : key => value }", None),
    ("for_each = toset([for k in var.keys : k])", None),
    ("disk_size_gb = 40000", None),
    ('monkey = "business"', None),
    ('uri = "https://me:hunter2@host/x"', 'uri = "https://***@host/x"'),
    ('uri = "https://hunter2@host/x"', 'uri = "https://***@host/x"'),
    ('source = "git::ssh://git@example.com/network.git"', None),
    ('source = "git::ssh://git:hunter2@example.com/network.git"', 'source = "git::ssh://***@example.com/network.git"'),
    ('"fileUris": ["https://a.blob.core.windows.net/c/x.sh?sv=1&sig=hunter2%3d&se=2"]',
     '"fileUris": ["https://a.blob.core.windows.net/c/x.sh?sv=1&sig=***&se=2"]'),
    ('conn = "Endpoint=x;AccountKey=hunter2==;y=1"', 'conn = "Endpoint=x;AccountKey=***;y=1"'),
    ('connection_string = "Endpoint=x;AccountKey=hunter2"', 'connection_string = "***"'),
    ("az login --password hunter2 -u x", "az login --password *** -u x"),
    ("New-LocalUser -Password (ConvertTo-SecureString 'hunter2' -AsPlainText)",
     "New-LocalUser -Password (ConvertTo-SecureString '***' -AsPlainText)"),
    ("net user admin hunter2 /add", "net user admin *** /add"),
    ('echo "root:hunter2" | chpasswd', 'echo "***" | chpasswd'),
    ("curl -H 'Authorization: Bearer hunter2hunter2'", "curl -H 'Authorization: Bearer ***'"),
    ("x " + "QUJD" * 16 + "==", "x ***"),
    ("/subscriptions/11111111-2222-3333-4444-555555555555/resourceGroups/rg/providers/Microsoft.Compute/disks/d", None),
]  # fmt: skip


@pytest.mark.parametrize(("line", "shown"), LINES, ids=[line for line, _ in LINES])
def test_line(line: str, shown: str | None) -> None:
    masked = line
    for start, end in reversed(mask.ranges(line)):
        masked = masked[:start] + mask.HIDDEN + masked[end:]
    assert masked == (line if shown is None else shown)


TEXTS = [
    ('disk "data": password="hunter2"', 'disk "data": password="***"'),
    ("the key: it is wrapped by a key encryption key", None),
    ("secret = 'hunter2'", "secret = '***'"),
    ("TOKEN=hunter2 is set", "TOKEN=*** is set"),
    ("https://u:hunter2@h/ is not reached", "https://***@h/ is not reached"),
    ("rule 'deny' denies port 443, priority = 100", None),
]


@pytest.mark.parametrize(("text", "shown"), TEXTS, ids=[text for text, _ in TEXTS])
def test_text(text: str, shown: str | None) -> None:
    assert mask.masked(text) == (text if shown is None else shown)


BLOCKS = {
    "named variable": ('variable "db_password" {\n  type = string\n  default = "hunter2"\n}\n', True),
    "sensitive variable": ('variable "db" {\n  default = "hunter2"\n  sensitive = true\n}\n', True),
    "plain variable": ('variable "size" {\n  default = "hunter2"\n}\n', False),
    "sensitive neighbour": (
        'variable "size" {\n  default = "hunter2"\n}\n\nvariable "x" {\n  sensitive = true\n}\n', False),
    "parameter file": ('{\n  "adminPassword": {\n    "value": "hunter2"\n  }\n}\n', True),
    "secure parameter": ('{\n  "pw": {\n    "type": "secureString",\n    "defaultValue": "hunter2"\n  }\n}\n', True),
    "plain parameter": ('{\n  "size": {\n    "defaultValue": "hunter2"\n  },\n  "b": {"type": "securestring"}\n}\n', False),
}  # fmt: skip


@pytest.mark.parametrize("case", BLOCKS)
def test_block(case: str) -> None:
    text, secret = BLOCKS[case]
    source = Source("x", text.encode())
    line = next(number for number, each in enumerate(text.splitlines(), 1) if "hunter2" in each)
    found = mask.line_ranges(source, line, source.line_text(line))
    assert bool(found) is secret


def test_escapes() -> None:
    assert mask.escaped("a\x1b[31m\x07\r\n\t\u202e\u200b\udcff\x9b") == r"a\x1b[31m\x07\r\n\t\u{202e}\u{200b}\xff\x9b"
    assert mask.escaped("a\n\tb", keep="\n\t") == "a\n\tb"
    assert mask.escaped("größe 日本 👩‍💻 é") == "größe 日本 👩‍💻 é"


def test_long_text_is_cut() -> None:
    assert len(mask.plain("word " * 9999)) == mask.MAX_TEXT


@pytest.mark.parametrize(
    "piece", ['"', "a", "-", "a_", "a.", "password ", '"password":{', "key", "://", '"\\', "echo ", "x=", "key=", "A"]
)
def test_no_slow_pattern(piece: str) -> None:
    text = (piece * 20_000)[:20_000]
    began = time.process_time()
    mask.ranges(text)
    mask.masked(text)
    assert time.process_time() - began < 2
