"""Plain data into text: as HCL or as JSON, in the manner of what stands there already."""

from __future__ import annotations

import json
from typing import Any

from bklint.model.value import number_text


def hcl(value: Any, indent: str = "", newline: str = "", quoted: bool = False) -> str:
    """A value as an HCL expression; objects and lists of objects on lines of their own where `newline` is given, their
    names in quotes where `quoted` says so."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if value is None:
        return "null"
    if isinstance(value, (int, float)):
        return number_text(value)
    if isinstance(value, dict):
        return _object(value, indent, newline, quoted)
    if isinstance(value, (list, tuple)):
        return f"[{', '.join(hcl(item, indent) for item in value)}]"
    return f'"{hcl_quoted(str(value))}"'


def _object(value: dict[str, Any], indent: str, newline: str, quoted: bool) -> str:
    names = {key: hcl(key) if quoted else hcl_key(key) for key in value}
    if not newline:
        return "{ " + ", ".join(f"{names[key]} = {hcl(item, quoted=quoted)}" for key, item in value.items()) + " }"
    inner, width = indent + "  ", max((len(name) for name in names.values()), default=0)
    rows = [f"{inner}{names[key]:{width}} = {hcl(item, inner, newline, quoted)}" for key, item in value.items()]
    return newline.join(("{", *rows, indent + "}"))


def hcl_key(name: str) -> str:
    """A member name: bare where it is an identifier."""
    return name if name.replace("-", "_").isidentifier() else hcl(name)


def hcl_quoted(text: str) -> str:
    """What stands between the quotes of an HCL string."""
    for plain, escape in (("\\", "\\\\"), ('"', '\\"'), ("\n", "\\n"), ("\r", "\\r"), ("\t", "\\t")):
        text = text.replace(plain, escape)
    return text.replace("${", "$${").replace("%{", "%%{")


def as_json(value: Any, indent: str = "", newline: str = "", unit: str = "  ") -> str:
    """A value as JSON; objects on lines of their own where `newline` is given."""
    if isinstance(value, dict) and newline and value:
        inner = indent + unit
        rows = [f"{inner}{json.dumps(key)}: {as_json(item, inner, newline, unit)}" for key, item in value.items()]
        return "{" + newline + f",{newline}".join(rows) + newline + indent + "}"
    return json.dumps(value, ensure_ascii=False)


def expression_safe(value: Any) -> Any:
    """A value for a template, in which a text that begins with a bracket would be an expression
    (https://learn.microsoft.com/azure/azure-resource-manager/templates/template-expressions#escape-characters)."""
    if isinstance(value, str) and value.startswith("["):
        return "[" + value
    if isinstance(value, dict):
        return {key: expression_safe(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [expression_safe(item) for item in value]
    return value


def in_kind(value: Any, old: str) -> Any:
    """A value as a text where a text stood: `"false"` becomes `"true"`, and `false` becomes `true`."""
    if old.startswith('"') and isinstance(value, bool):
        return "true" if value else "false"
    if old.startswith('"') and isinstance(value, (int, float)):
        return number_text(value)
    return value
