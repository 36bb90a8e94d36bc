"""What a template function is here: its implementation, how many operands it takes, and what type it gives.

The table is filled by the `functions_*` modules: `Pure` functions see only the values of their operands; `Scoped` ones also
the environment (parameters, loops, the deployment); `Lazy` ones evaluate their operands themselves. What is not in it is
not evaluated. The functions are those of
https://learn.microsoft.com/azure/azure-resource-manager/templates/template-functions.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, NamedTuple, TypeAlias

from bklint.model.value import Data, Value
from bklint.source import Locator

if TYPE_CHECKING:
    from bklint.frontends.arm.expressions import Node
    from bklint.frontends.arm.scope import Env

Values = tuple[Value, ...]
Result: TypeAlias = Value | Data
PureRun = Callable[[Values], Result]
ScopedRun = Callable[["Env", Values, "Locator | None"], Value]
LazyRun = Callable[["Env", "tuple[Node, ...]", "Locator | None"], Value]


class Pure(NamedTuple):
    """A function of its operands. `type` is what it gives when it cannot be computed, None where that depends;
    `composes` says that the result is a text made of the operands."""

    run: PureRun
    least: int
    most: int | None
    type: str | None
    composes: bool


class Scoped(NamedTuple):
    """A function of its operands and of where it is called."""

    run: ScopedRun
    least: int
    most: int | None


class Lazy(NamedTuple):
    """A function that decides which of its operands are evaluated."""

    run: LazyRun
    least: int
    most: int | None


FUNCTIONS: dict[str, Pure | Scoped | Lazy] = {}
"""By name in lower case."""
MANY = None
"""No upper bound on the number of operands."""


def pure(
    name: str, least: int, most: int | None, type_: str | None = None, *, composes: bool = False
) -> Callable[[PureRun], PureRun]:
    """Declare a function of its operands, from `least` to `most` of them."""

    def declare(run: PureRun) -> PureRun:
        FUNCTIONS[name.lower()] = Pure(run, least, most, type_, composes)
        return run

    return declare


def scoped(name: str, least: int, most: int | None) -> Callable[[ScopedRun], ScopedRun]:
    """Declare a function that depends on where it is called."""

    def declare(run: ScopedRun) -> ScopedRun:
        FUNCTIONS[name.lower()] = Scoped(run, least, most)
        return run

    return declare


def lazy(name: str, least: int, most: int | None) -> Callable[[LazyRun], LazyRun]:
    """Declare a function that evaluates its operands itself."""

    def declare(run: LazyRun) -> LazyRun:
        FUNCTIONS[name.lower()] = Lazy(run, least, most)
        return run

    return declare
