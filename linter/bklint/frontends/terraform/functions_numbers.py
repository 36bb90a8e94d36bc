"""Functions."""

from __future__ import annotations

from collections.abc import Mapping

from bklint.frontends.terraform.functions_arguments import Function

TABLE: Mapping[str, Function] = {}
