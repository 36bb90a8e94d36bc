"""What the JSON Schema says of a policy file, in words.

The only module here that imports jsonschema, and lazily: built-in policies are validated by the tests, so a scan
without policies of the user's own never pays for it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from bklint.policy.names import PolicyError, one_of

_KINDS = {
    "string": "a text",
    "integer": "a whole number",
    "number": "a number",
    "boolean": "true or false",
    "array": "a list",
    "object": "a mapping",
    "null": "nothing",
}


def problems(data: Any, schema: Mapping[str, Any], part: str) -> Iterator[PolicyError]:
    """What is wrong with a document; `part` is policy or texts, a name in the schema's `$defs`."""
    from jsonschema import Draft202012Validator

    if not isinstance(data, Mapping):
        yield PolicyError("expected a mapping")
        return
    validator = Draft202012Validator({**schema["$defs"][part], "$defs": schema["$defs"]})
    for error in validator.iter_errors(data):
        yield _problem(error)


def _problem(error: Any) -> PolicyError:
    error = _inner(error)
    pointer, keyword = tuple(error.absolute_path), error.validator
    if keyword in ("additionalProperties", "properties") and isinstance(error.instance, Mapping):
        return _extra(error, pointer)
    if keyword == "required":
        missing = next(name for name in error.validator_value if name not in error.instance)
        return PolicyError(f"{missing!r} is required", pointer, "header")
    return PolicyError(_words(error), pointer)


def _inner(error: Any) -> Any:
    """Of alternatives, the error of the one that the value comes nearest to: the one that fails deepest."""
    while error.context:
        error = max(error.context, key=lambda each: (len(each.absolute_path), each.validator != "type"))
    return error


def _extra(error: Any, pointer: tuple[str | int, ...]) -> PolicyError:
    allowed = error.schema.get("properties", {})
    extra = next((name for name in error.instance if name not in allowed), None)
    if extra is None:
        return PolicyError(_words(error), pointer)
    return PolicyError(f"unknown word {extra!r}{one_of(str(extra), allowed)}", (*pointer, extra), "key")


def _words(error: Any) -> str:
    keyword, told = error.validator, error.validator_value
    if keyword == "enum":
        return f"{error.instance!r} is not allowed{one_of(str(error.instance), map(str, told))}"
    if keyword == "type":
        kinds = [told] if isinstance(told, str) else told
        return f"expected {' or '.join(_KINDS[kind] for kind in kinds)}"
    about = error.schema.get("description") if isinstance(error.schema, Mapping) else None
    if told is False or about is None:
        return str(error.message)
    return f"{error.instance!r} does not fit: {about}"
