"""A call of a Terraform function → its value.

`call` finds the function, applies it to every alternative of arguments that have only a few, turns what the function
raises into values, and gives the result its place: a value that was only selected keeps its own; what was computed
stands at the call, with the trail of its operand where exactly one operand is not constant.

https://developer.hashicorp.com/terraform/language/functions
"""

from __future__ import annotations

from collections.abc import Hashable, Iterator, Mapping
from functools import cache
from importlib import import_module
from itertools import product

from bklint import packaged
from bklint.frontends.terraform.extent import LONG, MAX_PARTS, longer, passed, too_much
from bklint.frontends.terraform.functions_arguments import Args, CallContext, FailedError, Function, UndecidedError
from bklint.frontends.terraform.shapes import interned, key_of
from bklint.model.value import (
    MAX_DOMAIN,
    Hop,
    ListData,
    ObjectData,
    Reason,
    Text,
    Unknown,
    Value,
    join,
    unknown,
)
from bklint.records import replace

__all__ = ["CallContext", "call", "names"]

_MODULES = (
    "collections",
    "conversions",
    "dates",
    "encoding",
    "files",
    "format",
    "json",
    "lists",
    "network",
    "numbers",
    "regex",
    "strings",
    "yaml",
)
_MOST_OPERANDS = 200
"""Most members of arguments that are looked through for where a result came from."""
_NO_DOMAIN = frozenset({"sensitive", "nonsensitive", "ephemeralasnull", "issensitive"})


@cache
def _table() -> Mapping[str, Function]:
    table: dict[str, Function] = {}
    for name in _MODULES:
        table.update(import_module(f"bklint.frontends.terraform.functions_{name}").TABLE)
    return table


def modules() -> dict[str, str]:
    """Every function and the family that computes it."""
    found = {}
    for family in _MODULES:
        for name in import_module(f"bklint.frontends.terraform.functions_{family}").TABLE:
            found[name] = family
    return found


@cache
def _function(name: str) -> Function | None:
    """The function of that name; with an index, only its family is imported, and nothing for a name that is none."""
    indexed = packaged.index()
    if indexed is None:
        return _table().get(name)
    family = indexed["functions"].get(name)
    if family is None:
        return None
    table: Mapping[str, Function] = import_module(f"bklint.frontends.terraform.functions_{family}").TABLE
    return table.get(name)


def names() -> frozenset[str]:
    """The functions that are computed here; `try`, `can`, `templatefile` and `templatestring` are the evaluator's."""
    return frozenset(_table())


def call(name: str, args: Args, context: CallContext) -> Value:
    """The value of `name(args…)`. Raises nothing: what Terraform refuses is Unknown(ERROR)."""
    if name.startswith("provider::"):
        return unknown(Reason.UNSUPPORTED, f"function {name}()", context.place)
    short = name.removeprefix("core::")
    function = _function(short)
    if function is None:
        return unknown(Reason.ERROR, f"there is no function named {name!r}", context.place)
    if len(args) < function.least or (function.most is not None and len(args) > function.most):
        return unknown(Reason.ERROR, f"{short}() does not take {len(args)} argument(s)", context.place)
    characters = 0
    for arg in args:
        if isinstance(arg.data, Unknown) and arg.data.is_error:
            return arg
        if type(arg.data) is str:
            characters += len(arg.data)
    spent = too_much(characters, context.place)
    if spent is not None:
        return Value(spent, context.place)
    return _over_alternatives(short, function, args, context)


def _over_alternatives(name: str, function: Function, args: Args, context: CallContext) -> Value:
    """The function applied to each combination of the arguments' alternatives, where these are few."""
    variables = {} if name in _NO_DOMAIN else _variables(args)
    count = 1
    for why in variables.values():
        count *= len(why.domain)
    if not variables or count > MAX_DOMAIN:
        return _once(name, function, args, context)
    results = []
    for choice in product(*[why.domain for why in variables.values()]):
        chosen = dict(zip(variables, choice, strict=True))
        results.append(_once(name, function, tuple([_chosen(arg, n, chosen) for n, arg in enumerate(args)]), context))
    if all(_is_error(result) for result in results):
        return results[0]
    joined = join(tuple(results), next(iter(variables.values())))
    if isinstance(joined.data, Unknown):
        known = replace(joined.data, key=_call_key(name, args))
        return Value(known, context.place, _hop(name, args))
    return joined


def _variables(args: Args) -> dict[Hashable, Unknown]:
    """The arguments with alternatives; those with equal keys are one."""
    found: dict[Hashable, Unknown] = {}
    for number, arg in enumerate(args):
        if isinstance(arg.data, Unknown) and arg.data.domain:
            found[_variable(arg.data, number)] = arg.data
    return found


def _variable(why: Unknown, number: int) -> Hashable:
    return ("argument", number) if why.key is None else ("key", why.key, len(why.domain))


def _chosen(arg: Value, number: int, chosen: Mapping[Hashable, Value]) -> Value:
    if not (isinstance(arg.data, Unknown) and arg.data.domain):
        return arg
    choice = chosen[_variable(arg.data, number)]
    return choice if choice.hops is not None else choice._replace(hops=arg.hops)


def _is_error(value: Value) -> bool:
    return isinstance(value.data, Unknown) and value.data.is_error


def _once(name: str, function: Function, args: Args, context: CallContext) -> Value:
    try:
        result = function.compute(args, context)
    except FailedError as failed:
        return unknown(Reason.ERROR, f"{name}(): {failed}", context.place)
    except UndecidedError as undecided:
        if undecided.why.is_error:
            return Value(undecided.why, context.place)
        result = _undecided(name, function, args, undecided.why)
    except (RecursionError, OverflowError):
        return Value(passed("", f"{name}() of a value that is too large", context.place), context.place)
    made = result.data if isinstance(result, Value) else result
    if type(made) is str and len(made) > LONG:
        too_large = longer(len(made), context.place) or too_much(len(made), context.place)
        if too_large is not None:
            return Value(too_large, context.place)
    if isinstance(made, Text) and len(made.parts) > MAX_PARTS:
        return Value(
            passed("", f"a text of more than {MAX_PARTS} parts, not all of them known", context.place), context.place
        )
    return result if isinstance(result, Value) else Value(result, context.place, _hop(name, args))


def _undecided(name: str, function: Function, args: Args, why: Unknown) -> Unknown:
    known = function.result is not None
    return Unknown(why.reason, why.cause, why.place, type=function.result, nonnull=known, key=_call_key(name, args))


def _call_key(name: str, args: Args) -> Hashable:
    keys = tuple([key_of(arg) for arg in args])
    return None if None in keys else interned(("call", name, keys))


def _hop(name: str, args: Args) -> Hop | None:
    """The hop to the only operand that is not constant."""
    varying = list(_varying(args))
    if len(varying) != 1:
        return None
    return Hop("function", f"{name}()", varying[0].place, varying[0].hops)


def _varying(args: Args) -> Iterator[Value]:
    """The operands that came from elsewhere, looking into collections; two of them at most."""
    pending, looked, found = list(reversed(args)), 0, 0
    while pending and found < 2 and looked < _MOST_OPERANDS:
        value = pending.pop()
        looked += 1
        if value.hops is not None:
            found += 1
            yield value
        elif isinstance(value.data, ListData):
            pending.extend(reversed(value.data.items))
        elif isinstance(value.data, ObjectData):
            pending.extend(reversed(tuple(value.data.fields.values())))
        elif isinstance(value.data, Text) and value.pieces:
            pending.extend(reversed(value.pieces))
