"""`tostring` … `tomap`, and the functions that only mark a value.

https://developer.hashicorp.com/terraform/language/functions (type conversion functions)
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from bklint.frontends.terraform.functions_arguments import Args, CallContext, FailedError, Function, Result
from bklint.frontends.terraform.types import ANY, BOOL, NUMBER, STRING, Type, plain_convert
from bklint.model.value import Reason, Unknown, Value


def _to(type_: Type) -> Callable[[Args, CallContext], Result]:
    def compute(args: Args, context: CallContext) -> Value:
        converted = plain_convert(args[0], type_)
        if isinstance(converted.data, Unknown) and converted.data.is_error:
            raise FailedError(converted.data.cause)
        return converted

    return compute


def _same(args: Args, context: CallContext) -> Result:
    return args[0]


def _issensitive(args: Args, context: CallContext) -> Result:
    return Unknown(Reason.UNSUPPORTED, "function issensitive()", context.place, type="bool", nonnull=True)


TABLE: Mapping[str, Function] = {
    "ephemeralasnull": Function(_same, 1, 1),
    "issensitive": Function(_issensitive, 1, 1, "bool"),
    "nonsensitive": Function(_same, 1, 1),
    "sensitive": Function(_same, 1, 1),
    "tobool": Function(_to(BOOL), 1, 1),
    "tolist": Function(_to(Type("list", ANY)), 1, 1),
    "tomap": Function(_to(Type("map", ANY)), 1, 1),
    "tonumber": Function(_to(NUMBER), 1, 1),
    "toset": Function(_to(Type("set", ANY)), 1, 1),
    "tostring": Function(_to(STRING), 1, 1),
}
