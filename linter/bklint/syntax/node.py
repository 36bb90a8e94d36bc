"""The tree that HCL is read into: one slotted class for each construct of the language.

Every node has `start` and `end`, byte offsets into its source. The HCL specification's names are used
(https://github.com/hashicorp/hcl/blob/main/hclsyntax/spec.md). `.tf.json` is read into the same classes, so nothing
behind the syntax layer knows which of the two a configuration was written in.
"""

from __future__ import annotations


class Node:
    """Anything with a byte range."""

    __slots__ = ("end", "start")

    def __init__(self, start: int, end: int) -> None:
        self.start = start
        self.end = end

    def __repr__(self) -> str:
        names = [
            name for cls in type(self).__mro__ for name in getattr(cls, "__slots__", ()) if name not in ("start", "end")
        ]
        return f"{type(self).__name__}({', '.join(f'{name}={getattr(self, name)!r}' for name in names)})"


class Expr(Node):
    """An expression."""

    __slots__ = ()


class Literal(Expr):
    """A string without interpolation (escapes resolved), number, bool or null.

    The span of a quoted string holds its quotes; that of a heredoc is its content, from the first byte after the line
    of the opening marker to the first byte of the line of the closing one.
    """

    __slots__ = ("value",)

    def __init__(self, value: str | int | float | bool | None, start: int, end: int) -> None:
        super().__init__(start, end)
        self.value = value


class Template(Expr):
    """A string template with at least one interpolation or directive; `parts` in order, adjacent literals joined.

    A template that is only one interpolation, `"${x}"`, has that single part and stands for the value itself, not for
    its text.
    """

    __slots__ = ("heredoc", "parts")

    def __init__(self, parts: tuple[Expr, ...], heredoc: bool, start: int, end: int) -> None:
        super().__init__(start, end)
        self.parts = parts
        self.heredoc = heredoc


class TemplateIf(Expr):
    """`%{if test}…%{else}…%{endif}`; both branches are part sequences."""

    __slots__ = ("otherwise", "test", "then")

    def __init__(self, test: Expr, then: tuple[Expr, ...], otherwise: tuple[Expr, ...], start: int, end: int) -> None:
        super().__init__(start, end)
        self.test = test
        self.then = then
        self.otherwise = otherwise


class TemplateFor(Expr):
    """`%{for key, value in collection}…%{endfor}`; `key` is None where only one name is written."""

    __slots__ = ("collection", "key", "parts", "value")

    def __init__(
        self, key: str | None, value: str, collection: Expr, parts: tuple[Expr, ...], start: int, end: int
    ) -> None:
        super().__init__(start, end)
        self.key = key
        self.value = value
        self.collection = collection
        self.parts = parts


class TupleExpr(Expr):
    """`[a, b]`."""

    __slots__ = ("items",)

    def __init__(self, items: tuple[Expr, ...], start: int, end: int) -> None:
        super().__init__(start, end)
        self.items = items


class ObjectExpr(Expr):
    """`{ key = value }`. A key written as a bare word is a `Literal` string; one in parentheses is its expression."""

    __slots__ = ("items",)

    def __init__(self, items: tuple[tuple[Expr, Expr], ...], start: int, end: int) -> None:
        super().__init__(start, end)
        self.items = items


class Name(Expr):
    """The first name of a traversal: `var`, `local`, `each`, a resource type, a loop variable."""

    __slots__ = ("name",)

    def __init__(self, name: str, start: int, end: int) -> None:
        super().__init__(start, end)
        self.name = name


class GetAttr(Expr):
    """`target.name`. The legacy `target.0` is an `Index` with a number."""

    __slots__ = ("name", "target")

    def __init__(self, target: Expr, name: str, start: int, end: int) -> None:
        super().__init__(start, end)
        self.target = target
        self.name = name


class Index(Expr):
    """`target[key]`."""

    __slots__ = ("key", "target")

    def __init__(self, target: Expr, key: Expr, start: int, end: int) -> None:
        super().__init__(start, end)
        self.target = target
        self.key = key


class Splat(Expr):
    """`target[*]…` (`full`) or `target.*…`.

    `each` is applied to every element: an expression over `SplatItem`, which is `SplatItem` itself where nothing
    follows. An attribute-only splat takes only `.name` steps; a later `[0]` indexes the result, not the elements.
    """

    __slots__ = ("each", "full", "target")

    def __init__(self, target: Expr, each: Expr, full: bool, start: int, end: int) -> None:
        super().__init__(start, end)
        self.target = target
        self.each = each
        self.full = full


class SplatItem(Expr):
    """The element that a splat is at."""

    __slots__ = ()


class Call(Expr):
    """`name(args…)`; `expand` when the last argument is followed by `...`. `name` may hold `::`."""

    __slots__ = ("args", "expand", "name")

    def __init__(self, name: str, args: tuple[Expr, ...], expand: bool, start: int, end: int) -> None:
        super().__init__(start, end)
        self.name = name
        self.args = args
        self.expand = expand


class Unary(Expr):
    """`-x` or `!x`."""

    __slots__ = ("operand", "operator")

    def __init__(self, operator: str, operand: Expr, start: int, end: int) -> None:
        super().__init__(start, end)
        self.operator = operator
        self.operand = operand


class Binary(Expr):
    """`left operator right`, operator one of `* / % + - > >= < <= == != && ||`, precedence resolved."""

    __slots__ = ("left", "operator", "right")

    def __init__(self, operator: str, left: Expr, right: Expr, start: int, end: int) -> None:
        super().__init__(start, end)
        self.operator = operator
        self.left = left
        self.right = right


class Conditional(Expr):
    """`test ? then : otherwise`, right-associative."""

    __slots__ = ("otherwise", "test", "then")

    def __init__(self, test: Expr, then: Expr, otherwise: Expr, start: int, end: int) -> None:
        super().__init__(start, end)
        self.test = test
        self.then = then
        self.otherwise = otherwise


class ForExpr(Expr):
    """`[for k, v in c : value if cond]` (`key` None) or `{for k, v in c : key => value... if cond}` (`group` for `...`)."""

    __slots__ = ("collection", "condition", "group", "key", "key_name", "value", "value_name")

    def __init__(
        self,
        key_name: str | None,
        value_name: str,
        collection: Expr,
        key: Expr | None,
        value: Expr,
        condition: Expr | None,
        group: bool,
        start: int,
        end: int,
    ) -> None:
        super().__init__(start, end)
        self.key_name = key_name
        self.value_name = value_name
        self.collection = collection
        self.key = key
        self.value = value
        self.condition = condition
        self.group = group


class Bad(Expr):
    """Text that could not be read as an expression; its value is UNKNOWN(syntax)."""

    __slots__ = ()


class Attribute(Node):
    """`name = expr`. `damaged`: the syntax error rules of `syntax/hcl.py` make its value UNKNOWN(syntax)."""

    __slots__ = ("damaged", "expr", "name", "name_end")

    def __init__(self, name: str, expr: Expr, name_end: int, damaged: bool, start: int, end: int) -> None:
        super().__init__(start, end)
        self.name = name
        self.expr = expr
        self.name_end = name_end
        self.damaged = damaged


class Block(Node):
    """`type "label" … { body }`. `header_end` is the byte after the last label (or the type), before the brace.

    `lifted`: the block stood inside another body that cannot hold it, because a brace is missing somewhere above; it
    was moved to the top level and all its attributes are damaged.
    """

    __slots__ = ("body", "header_end", "labels", "lifted", "type")

    def __init__(
        self, type_: str, labels: tuple[str, ...], body: Body, header_end: int, lifted: bool, start: int, end: int
    ) -> None:
        super().__init__(start, end)
        self.type = type_
        self.labels = labels
        self.body = body
        self.header_end = header_end
        self.lifted = lifted


class Body(Node):
    """Attributes by name and blocks in order. `damaged`: there is a syntax error in it or anywhere below, so what is
    not written here is UNKNOWN, not missing."""

    __slots__ = ("attributes", "blocks", "damaged")

    def __init__(
        self, attributes: dict[str, Attribute], blocks: tuple[Block, ...], damaged: bool, start: int, end: int
    ) -> None:
        super().__init__(start, end)
        self.attributes = attributes
        self.blocks = blocks
        self.damaged = damaged


class Problem(Node):
    """A syntax error: what is wrong, worded for the user, and where."""

    __slots__ = ("message",)

    def __init__(self, message: str, start: int, end: int) -> None:
        super().__init__(start, end)
        self.message = message
