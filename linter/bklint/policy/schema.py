"""What the JSON Schema says of a policy file, in words."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from bklint.checking import mistakes
from bklint.policy.names import PolicyError


def problems(data: Any, schema: Mapping[str, Any], part: str) -> Iterator[PolicyError]:
    """What is wrong with a document; `part` is policy or texts, a name in the schema's `$defs`."""
    for each in mistakes(data, {**schema["$defs"][part], "$defs": schema["$defs"]}):
        yield PolicyError(each.message, each.pointer, each.part)
