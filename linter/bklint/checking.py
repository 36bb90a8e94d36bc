"""Plain data against a JSON Schema, in words: what is wrong, where, and the nearest word that is right.

The only module that imports jsonschema, and only when there is something to check: a scan without a configuration and
without policies of the user's own never pays for it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, NamedTuple

Pointer = tuple["str | int", ...]

MANY = 12
"""Most allowed words that an error lists."""

_KINDS = {
    "string": "a text",
    "integer": "a whole number",
    "number": "a number",
    "boolean": "true or false",
    "array": "a list",
    "object": "a mapping",
    "null": "nothing",
}


class Mistake(NamedTuple):
    """What is wrong at `pointer`; `part` is the value there, its key or its header."""

    message: str
    pointer: Pointer = ()
    part: str = "value"


def one_of(word: str, allowed: Iterable[str]) -> str:
    """The end of an error message: the nearest allowed word, or all of them."""
    from difflib import get_close_matches

    words = sorted(set(allowed))
    folded = [each.casefold() for each in words]
    near = get_close_matches(word.casefold(), folded, 1, 0.7)
    near = near or [each for each in folded if len(word) > 3 and each.startswith(word.casefold())]
    if near:
        return f"; did you mean {next(each for each in words if each.casefold() == near[0])!r}?"
    if not words:
        return "; there are none"
    return f"; allowed are {', '.join(words[:MANY])}{', …' if len(words) > MANY else ''}"


def mistakes(data: Any, schema: Mapping[str, Any]) -> Iterator[Mistake]:
    """What is wrong with a document that should be a mapping, in no order."""
    from jsonschema import Draft202012Validator

    if not isinstance(data, Mapping):
        yield Mistake("expected a mapping")
        return
    for error in Draft202012Validator(schema).iter_errors(data):
        yield _mistake(error)


def _mistake(error: Any) -> Mistake:
    error = _inner(error)
    pointer, keyword = tuple(error.absolute_path), error.validator
    if keyword in ("additionalProperties", "properties") and isinstance(error.instance, Mapping):
        return _extra(error, pointer)
    if keyword == "required":
        missing = next(name for name in error.validator_value if name not in error.instance)
        return Mistake(f"{missing!r} is required", pointer, "header")
    return Mistake(_words(error), pointer)


def _inner(error: Any) -> Any:
    """Of alternatives, the error of the one that the value comes nearest to: the one that fails deepest."""
    while error.context:
        error = max(error.context, key=lambda each: (len(each.absolute_path), each.validator != "type"))
    return error


def _extra(error: Any, pointer: Pointer) -> Mistake:
    allowed = error.schema.get("properties", {})
    extra = next((name for name in error.instance if name not in allowed), None)
    if extra is None:
        return Mistake(_words(error), pointer)
    return Mistake(f"unknown word {str(extra)!r}{one_of(str(extra), allowed)}", (*pointer, extra), "key")


def _words(error: Any) -> str:
    keyword, told = error.validator, error.validator_value
    if keyword == "enum":
        return f"{error.instance!r} is not allowed{one_of(str(error.instance), map(str, told))}"
    if keyword == "type":
        kinds = [told] if isinstance(told, str) else told
        return f"expected {' or '.join(_KINDS[kind] for kind in kinds)}"
    if keyword in ("minLength", "minItems"):
        return "must not be empty"
    about = error.schema.get("description") if isinstance(error.schema, Mapping) else None
    if told is False or about is None:
        return str(error.message)
    return f"{error.instance!r} does not fit: {about}"
