"""Three-valued answers become values with a place, so that policies compare them as any other.

The one fact a reader would not guess: the unknown behind an answer is made anew, of type bool. What is known of its
cause (that it is a list, a number above 5) says nothing of the answer.
"""

from __future__ import annotations

from bklint.model.value import Reason, Unknown, Value, first_unknown


def answer(truth: bool | None, where: Value, *causes: Value | Unknown | None) -> Value:
    """An answer at the place of `where`; what is not known is blamed on `where` or the first cause that is unknown."""
    if truth is not None:
        return Value(truth, where.place, where.hops)
    return Value(undecided(where, *causes), where.place, where.hops)


def undecided(where: Value, *causes: Value | Unknown | None) -> Unknown:
    """An unknown bool with the cause of the first of these that is not known."""
    for cause in (where, *causes):
        why = cause if isinstance(cause, Unknown) else None if cause is None else first_unknown(cause)
        if why is not None:
            return Unknown(why.reason, why.cause, why.place, "bool", True)
    return Unknown(Reason.OPEN, "not all of it is seen here", where.place, "bool", True)


def word(choices: tuple[str, ...], where: Value, *causes: Value | Unknown | None) -> Value:
    """A word that is one of several."""
    why = undecided(where, *causes)
    domain = tuple(Value(choice, where.place) for choice in choices)
    return Value(
        Unknown(why.reason, why.cause, why.place, "string", True, True, domain=domain), where.place, where.hops
    )
