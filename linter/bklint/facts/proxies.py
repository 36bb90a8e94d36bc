"""What configures a machine from inside, as far as a value holds it, becomes: whether a proxy is set there.

Looked at are cloud-init and other custom data, user data, and the commands of extensions and run commands. The one fact
a reader would not guess: the deployed text is base64, also where the code has it in plain letters, since the front-ends
evaluate the encoding.
"""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Iterator

from bklint.model.relations import VM, children
from bklint.model.resource import Resource
from bklint.model.value import Text, Value

PROXY = re.compile(
    r"HttpProxy\.Host\s*=\s*[^\s#]|\bhttps?_proxy\b\s*[=:]|netsh\s+winhttp\s+set\s+(proxy|advproxy)", re.IGNORECASE
)
"""How a proxy is named in waagent.conf, in the environment, and for Windows (S1, "Mise en réseau")."""

_ENCODED = ("properties.osProfile.customData", "properties.userData")
_COMMANDS = (
    "properties.settings.commandToExecute",
    "properties.settings.script",
    "properties.protectedSettings.commandToExecute",
    "properties.protectedSettings.script",
    "properties.source.script",
)
_CHILDREN = (VM + "/extensions", VM + "/runCommands")


def sets_proxy(machine: Resource) -> bool:
    """Whether a text that configures the machine sets a proxy. Not finding one says nothing."""
    return any(PROXY.search(text) for text in _texts(machine))


def _texts(machine: Resource) -> Iterator[str]:
    for path in _ENCODED:
        yield from _both(machine.get(path))
    for type_ in _CHILDREN:
        for child in children(machine, type_).items:
            for path in _COMMANDS:
                yield from _both(child.get(path))


def _both(value: Value) -> Iterator[str]:
    """A text as written, and decoded where it is base64."""
    if isinstance(value.data, Text):
        yield " ".join(part for part in value.data.parts if isinstance(part, str))
    if not isinstance(value.data, str):
        return
    yield value.data
    try:
        yield base64.b64decode(value.data, validate=True).decode("utf-8", "replace")
    except (binascii.Error, ValueError):
        return
