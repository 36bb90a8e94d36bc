"""Expression trees and JSON into values. Nothing raised leaves here: an expression in error is an unknown value.

Where a value stands: a literal at its own JSON string; the result of a function at the string of the call, unless
exactly one operand is no constant, whose place it then keeps (`int(parameters('size'))` is decided by the parameter).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from bklint import limits
from bklint.frontends.arm import (  # noqa: F401  (the modules fill the tables)
    functions_arrays,
    functions_cidr,
    functions_format,
    functions_lambda,
    functions_logic,
    functions_numbers,
    functions_objects,
    functions_reference,
    functions_scope,
    functions_strings,
    functions_time,
)
from bklint.frontends.arm.access import member
from bklint.frontends.arm.expressions import Access, Call, Failure, Literal, Node, is_expression, parsed, unescaped
from bklint.frontends.arm.functions import FUNCTIONS, Lazy, Pure, Scoped, Values
from bklint.frontends.arm.loops import Loop, property_loops, runs
from bklint.frontends.arm.members import Fields, Keys, LazyObject, carried, flaw
from bklint.frontends.arm.operands import FunctionError, UndecidedError, derived
from bklint.frontends.arm.placeholders import placeholder
from bklint.model.value import ListData, ObjectData, Reason, Unknown, Value, join, unknown
from bklint.records import replace
from bklint.source import Locator
from bklint.syntax.json import Document, JsonPlace, Pointer

if TYPE_CHECKING:
    from bklint.frontends.arm.scope import Env

FRAMES_PER_CALL = 4
"""Python frames that one level of an expression costs, for the depth budget."""
FRAMES_PER_LIST = 2
_TOO_MUCH = "expressions that are nested too deep or too many"


# -- JSON ----------------------------------------------------------------------------------------------------------


def evaluate_json(env: Env, document: Document, node: Any, pointer: Pointer) -> Value:
    """The value of a JSON value; the members of objects are evaluated when asked for."""
    if type(node) is str:
        return evaluate_text(env, document, node, pointer)
    if type(node) is dict:
        return Value(object_data(env, document, node, pointer), document.place(pointer, "header"))
    if type(node) is list:
        return _list_value(env, document, node, pointer)
    return Value(node, document.place(pointer))


def _list_value(env: Env, document: Document, node: list[Any], pointer: Pointer) -> Value:
    place = document.place(pointer, "header")
    if not env.lowering.enter(FRAMES_PER_LIST):
        return unknown(Reason.LIMIT, _TOO_MUCH, place)
    items = []
    for index, item in enumerate(node):
        items.append(evaluate_json(env, document, item, (*pointer, index)))
    env.lowering.leave(FRAMES_PER_LIST)
    return Value(ListData(tuple(items)), place)


def evaluate_text(env: Env, document: Document, text: str, pointer: Pointer) -> Value:
    """The value of a JSON string: an expression, or a literal that may stand for what a pipeline fills in."""
    place = JsonPlace(document, pointer)
    if not is_expression(text):
        return placeholder(text, place) or Value(unescaped(text), place)
    tree = parsed(text)
    if isinstance(tree, Failure):
        if tree.limit:
            limits.hit("", tree.message, place)
        return unknown(Reason.LIMIT if tree.limit else Reason.ERROR, tree.message, place)
    value = evaluate(tree, env, place)
    if env.use:
        env.deployment.lowering.spend(_size((value,)))
        return carried(value, "use", str(pointer[-1]) if pointer else "", place)
    return value


class _Members(Fields):
    """The members of a JSON object."""

    __slots__ = ("_document", "_env", "_names", "_node", "_pointer")

    def __init__(self, env: Env, document: Document, node: dict[str, Any], pointer: Pointer) -> None:
        super().__init__()
        self._env = env
        self._document = document
        self._node = node
        self._pointer = pointer
        self._names: Mapping[str, object] = node

    @property
    def names(self) -> Mapping[str, object]:
        """See Fields."""
        return self._names

    @property
    def renamed(self) -> bool:
        """Whether the names are others than the JSON object's."""
        return self._names is not self._node

    def rename(self, names: Mapping[str, object]) -> None:
        """Take other names than the JSON object's: name to key, or to a loop that makes the member."""
        self._names = names

    def make(self, name: str) -> Value:
        """See Fields."""
        origin = self._names[name]
        if isinstance(origin, Loop):
            return loop_value(self._env, self._document, origin)
        key = origin if self.renamed and isinstance(origin, str) else name
        return evaluate_json(self._env, self._document, self._node[key], (*self._pointer, key))


def object_data(
    env: Env, document: Document, node: dict[str, Any], pointer: Pointer, leave_out: frozenset[str] = frozenset()
) -> ObjectData:
    """The data of a JSON object, without the members named in `leave_out` (in lower case)."""
    if not node:
        return ObjectData()
    fields = _Members(env, document, node, pointer)
    loops = property_loops(node, pointer)
    rest: Unknown | None = None
    if loops or leave_out or any(name[:1] == "[" for name in node):
        names: dict[str, object] = {}
        for key in node:
            if key.lower() in leave_out or (loops and key.lower() == "copy"):
                continue
            name, why = _member_name(env, document, key, pointer)
            rest = rest or why
            if name is not None:
                names[name] = key
        names.update((loop.name, loop) for loop in loops)
        fields.rename(names)
    return LazyObject(fields, rest, Keys(document, pointer, fields.names, fields.renamed))


def _member_name(env: Env, document: Document, key: str, pointer: Pointer) -> tuple[str | None, Unknown | None]:
    """The name that a key stands for, or the unknown that hides it."""
    if key[:1] != "[":
        return key, None
    if not is_expression(key):
        return unescaped(key), None
    value = evaluate_text(env.quietly(), document, key, (*pointer, key))
    if value.unknown is not None:
        return None, value.unknown
    return str(value.data), None


def loop_value(env: Env, document: Document, loop: Loop) -> Value:
    """The list that a property, variable or output loop makes
    (https://learn.microsoft.com/azure/azure-resource-manager/templates/copy-properties)."""
    place = document.place(loop.pointer, "header")
    count = runs(evaluate_json(env.quietly(), document, loop.count, (*loop.pointer, "count")), loop.name, place)
    lowering = env.lowering
    if count.cut:
        lowering.cut(loop.name, place)
    items = []
    for index in range(lowering.take_instances(count.certain, loop.name, place)):
        inner = env.with_loop(loop.name, Value(index, place), unnamed=loop.unnamed)
        item = evaluate_json(inner, document, loop.input, (*loop.pointer, "input"))
        items.append(carried(item, "loop", loop.name, place))
    rest = count.rest
    if len(items) < count.certain or count.cut:
        rest = Unknown(Reason.LIMIT, f"loop {loop.name!r} is longer than bklint evaluates", place)
    return Value(ListData(tuple(items), rest), place)


# -- expressions ---------------------------------------------------------------------------------------------------


def evaluate(node: Node, env: Env, place: Locator | None) -> Value:
    """The value of an expression tree; `place` is the JSON string it stands in."""
    if type(node) is Literal:
        return Value(node.value, place)
    lowering = env.deployment.lowering
    if not lowering.enter(FRAMES_PER_CALL):
        return unknown(Reason.LIMIT, _TOO_MUCH, place)
    try:
        if type(node) is Call:
            return _call(node, env, place)
        assert isinstance(node, Access)
        return _access(node, env, place)
    finally:
        lowering.leave(FRAMES_PER_CALL)


def _call(node: Call, env: Env, place: Locator | None) -> Value:
    name, arguments = node.name, node.arguments
    function = FUNCTIONS.get(name)
    if function is None:
        return _other(node, env, place)
    if len(arguments) < function.least or (function.most is not None and len(arguments) > function.most):
        return unknown(Reason.ERROR, f"{name}() does not take {len(arguments)} arguments", place)
    operands: Values = ()
    try:
        if isinstance(function, Lazy):
            return function.run(env, arguments, place)
        operands = tuple(
            [Value(each.value, place) if type(each) is Literal else evaluate(each, env, place) for each in arguments]
        )
        if isinstance(function, Scoped):
            result = function.run(env, operands, place)
            return result if result.place is not None else _placed(node, operands, result.data, place, True)
        made = apply(node, function, operands, place)
        size = _size((*operands, made))
        if size:
            env.deployment.lowering.spend(size)
        return made
    except UndecidedError as error:
        return _placed(node, operands, derived(name, operands, error.unknown, None), place, False)
    except FunctionError as error:
        if error.reason is Reason.LIMIT:
            limits.hit("", f"{name}(): {error.message}", place)
        return unknown(error.reason, f"{name}(): {error.message}", place)


def _size(operands: Values) -> int:
    """How many members a function may look at, and how many stretches of 128 characters."""
    size = 0
    for operand in operands:
        data = operand.data
        if type(data) is str:
            size += len(data) >> 7
        elif isinstance(data, (ListData, ObjectData)):
            size += len(data.items) if isinstance(data, ListData) else len(data.fields)
    return size


def apply(node: Call, function: Pure, operands: Values, place: Locator | None) -> Value:
    """A pure function of its operands; of one operand that has alternatives, of each of them."""
    try:
        return _placed(node, operands, function.run(operands), place, function.composes)
    except UndecidedError as error:
        for index, operand in enumerate(operands):
            if isinstance(operand.data, Unknown) and operand.data.domain:
                return _over_domain(node, function, operands, index, place)
        result = derived(node.name, operands, error.unknown, function.type)
        return _placed(node, operands, result, place, False)


def _over_domain(node: Call, function: Pure, operands: Values, index: int, place: Locator | None) -> Value:
    operand = operands[index]
    assert isinstance(operand.data, Unknown)
    results = []
    for choice in operand.data.domain:
        try:
            results.append(apply(node, function, (*operands[:index], choice, *operands[index + 1 :]), place))
        except FunctionError as error:
            results.append(unknown(error.reason, f"{node.name}(): {error.message}", place))
    why = derived(node.name, operands, operand.data, function.type)
    joined = join(tuple(results), why)
    if isinstance(joined.data, Unknown) and joined.data.key is None:
        joined = joined._replace(data=replace(joined.data, key=why.key))
    return joined._replace(place=operand.place, hops=operand.hops)


def _placed(node: Call, operands: Values, result: object, place: Locator | None, composes: bool) -> Value:
    """A function's result with the place of what decides it."""
    if isinstance(result, Value):
        return result if result.place is not None else result._replace(place=place)
    pieces = operands if composes else ()
    if not node.constant:
        varying = [value for argument, value in zip(node.arguments, operands, strict=False) if not argument.constant]
        if len(varying) == 1 and varying[0].place is not None:
            return Value(result, varying[0].place, varying[0].hops, None, pieces)  # type: ignore[arg-type]
    return Value(result, place, None, None, pieces)  # type: ignore[arg-type]


def _other(node: Call, env: Env, place: Locator | None) -> Value:
    """A user-defined function, a `list…()` function, or one that is not evaluated."""
    if "." in node.name:
        return _user_defined(node, env, place)
    if node.name.startswith("list"):
        operands = tuple([evaluate(argument, env, place) for argument in node.arguments])
        return functions_reference.list_values(node.name, operands, place)
    operands = tuple([evaluate(argument, env, place) for argument in node.arguments])
    cause = f"function {node.name}()"
    key = derived(node.name, operands, Unknown(Reason.UNSUPPORTED), None).key
    return unknown(Reason.UNSUPPORTED, cause, place, key=key)


def _user_defined(node: Call, env: Env, place: Locator | None) -> Value:
    """https://learn.microsoft.com/azure/azure-resource-manager/templates/user-defined-functions"""
    function = env.deployment.function(node.name)
    if function is None:
        return unknown(Reason.ERROR, f"there is no function {node.name}()", place)
    names = [str(entry.get("name", "")).casefold() for entry in function.parameters]
    operands = [evaluate(argument, env, place) for argument in node.arguments]
    inner = env.with_arguments(dict(zip(names, operands, strict=False)))
    result = evaluate_json(inner, function.document, function.value, function.pointer)
    wrong = flaw(result, env.lowering)
    if wrong is not None:
        return Value(wrong, place)
    return result.via("function", f"{node.name}()", place)


def _access(node: Access, env: Env, place: Locator | None) -> Value:
    value = evaluate(node.target, env, place)
    for step in node.steps:
        key = Value(step.key.value, place) if isinstance(step.key, Literal) else evaluate(step.key, env, place)
        value = member(value, key, step.safe, place)
    return value
