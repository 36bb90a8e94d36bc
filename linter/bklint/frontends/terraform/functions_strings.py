"""String functions, on strings of which parts may be unknown.

The result is known as far as the parts that decide it are: `lower` changes the literal parts, `replace` too where no
match can reach into an unknown part, `startswith` looks at the literal beginning.

https://developer.hashicorp.com/terraform/language/functions (string functions)
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from bklint.frontends.terraform.extent import longer, too_long, too_many
from bklint.frontends.terraform.functions_arguments import (
    Args,
    CallContext,
    FailedError,
    Function,
    Result,
    UndecidedError,
    derived,
    integer,
    is_null,
    mapped,
    parts,
    renamed,
    sequence,
    some,
    string,
    undecided,
)
from bklint.frontends.terraform.graphemes import clusters
from bklint.frontends.terraform.shapes import Bag, plain, settled
from bklint.model.value import ListData, Text, Unknown, Value, text

Parts = tuple[str | Unknown, ...]
_SPACE = "\t\n\v\f\r \x85\xa0\u1680\u2028\u2029\u202f\u205f\u3000" + "".join(map(chr, range(0x2000, 0x200B)))


def _lower_one(character: str) -> str:
    lowered = character.lower()
    return lowered if len(lowered) == 1 else lowered[0] if character == "\u0130" else character


def _upper_one(character: str) -> str:
    raised = character.upper()
    return raised if len(raised) == 1 else character


def _each(change: Callable[[str], str]) -> Callable[[str], str]:
    return lambda written: "".join([change(character) for character in written])


def _lower(args: Args, context: CallContext) -> Result:
    return mapped(args[0], _each(_lower_one), "lower")


def _upper(args: Args, context: CallContext) -> Result:
    return mapped(args[0], _each(_upper_one), "upper")


def _title(args: Args, context: CallContext) -> Result:
    found = parts(args[0])
    done: list[str | Unknown] = []
    for part in found:
        if isinstance(part, str) and not done:
            done.append(titled(part))
        else:
            done.append(renamed(part, "title") if isinstance(part, Unknown) else _vague(args[0], bool(part)))
    return text(tuple(done))


def titled(written: str) -> str:
    """Every letter that begins a word raised, as Go's strings.Title does it."""
    done, inside = [], False
    for character in written:
        raised = character.title()
        done.append(character if inside or len(raised) != 1 else raised)
        inside = _in_word(character)
    return "".join(done)


def _in_word(character: str) -> bool:
    if character.isascii():
        return character.isalnum() or character == "_"
    return character.isalnum() or not character.isspace()


def _vague(value: Value, nonempty: bool = False) -> Unknown:
    """A string of which nothing but its cause is known."""
    return some(undecided(value).why, type="string", nonnull=True, nonempty=nonempty)


# -- trimming ----------------------------------------------------------------------------------------------------------


def _stripped(found: Parts, characters: str, left: bool) -> list[str | Unknown]:
    """Characters removed from one end: up to the first unknown part, which may lose some too."""
    done = list(found if left else reversed(found))
    while done:
        part = done[0]
        if isinstance(part, Unknown):
            done[0] = Unknown(part.reason, part.cause, part.place, type="string", nonnull=True)
            # An unknown part may be trimmed away as a whole, and then what follows it is trimmed as well.
            if len(done) > 1 and isinstance(done[1], str) and _strip(done[1], characters, left) != done[1]:
                done[1] = Unknown(part.reason, part.cause, part.place, type="string", nonnull=True)
            break
        shorter = _strip(part, characters, left)
        if shorter:
            done[0] = shorter
            break
        done.pop(0)
    return done if left else done[::-1]


def _strip(written: str, characters: str, left: bool) -> str:
    return written.lstrip(characters) if left else written.rstrip(characters)


def _trim(args: Args, context: CallContext) -> Result:
    characters = string(args[1])
    return text(tuple(_stripped(tuple(_stripped(parts(args[0]), characters, True)), characters, False)))


def _trimspace(args: Args, context: CallContext) -> Result:
    return text(tuple(_stripped(tuple(_stripped(parts(args[0]), _SPACE, True)), _SPACE, False)))


def _chomp(args: Args, context: CallContext) -> Result:
    return text(tuple(_stripped(parts(args[0]), "\r\n", False)))


def _trimprefix(args: Args, context: CallContext) -> Result:
    found, prefix = parts(args[0]), string(args[1])
    if not found or isinstance(found[0], Unknown):
        raise undecided(args[0]) if found else FailedError("no string")
    if found[0].startswith(prefix):
        return text((found[0].removeprefix(prefix), *found[1:]))
    if len(found) > 1 and prefix.startswith(found[0]):
        raise undecided(args[0])
    return args[0] if isinstance(args[0].data, (str, Text)) else found[0]


def _trimsuffix(args: Args, context: CallContext) -> Result:
    found, suffix = parts(args[0]), string(args[1])
    last = found[-1] if found else ""
    if isinstance(last, Unknown):
        raise undecided(args[0])
    if last.endswith(suffix):
        return text((*found[:-1], last.removesuffix(suffix)))
    if len(found) > 1 and suffix.endswith(last):
        raise undecided(args[0])
    return args[0] if isinstance(args[0].data, (str, Text)) else last


# -- finding -----------------------------------------------------------------------------------------------------------


def _startswith(args: Args, context: CallContext) -> Result:
    found, wanted = parts(args[0]), string(args[1])
    known = found[0] if found and isinstance(found[0], str) else ""
    if known.startswith(wanted) or (len(found) < 2 and found and isinstance(found[0], str)):
        return known.startswith(wanted)
    if not wanted.startswith(known):
        return False
    raise undecided(args[0])


def _endswith(args: Args, context: CallContext) -> Result:
    found, wanted = parts(args[0]), string(args[1])
    known = found[-1] if found and isinstance(found[-1], str) else ""
    if known.endswith(wanted) or (len(found) < 2 and found and isinstance(found[-1], str)):
        return known.endswith(wanted)
    if not wanted.endswith(known):
        return False
    raise undecided(args[0])


def _strcontains(args: Args, context: CallContext) -> Result:
    found, wanted = parts(args[0]), string(args[1])
    if any(isinstance(part, str) and wanted in part for part in found) or not wanted:
        return True
    if any(isinstance(part, Unknown) for part in found):
        raise undecided(args[0])
    return False


# -- taking apart and together -----------------------------------------------------------------------------------------


def _join(args: Args, context: CallContext) -> Result:
    separator = parts(args[0])
    done: list[str | Unknown] = []
    first = True
    for arg in args[1:]:
        data = sequence(arg)
        if isinstance(data, Bag) and not settled(data):
            raise undecided(arg)
        for item in data.items:
            if is_null(item):
                raise FailedError("an element is null; null values cannot be joined")
            done += () if first else separator
            done += parts(item)
            first = False
        if data.rest is not None:
            # More items, or none: the separators between them belong to what is unknown.
            done.append(_more(data.rest))
            first = True
    passed = too_long(done, context.place)
    if passed is not None:
        raise UndecidedError(passed)
    return text(tuple(done))


def _more(why: Unknown) -> Unknown:
    return Unknown(why.reason, why.cause, why.place, type="string", nonnull=True)


def _split(args: Args, context: CallContext) -> Result:
    separator, found = string(args[0]), parts(args[1])
    first = found[0] if found else ""
    if isinstance(first, str):
        pieces = first.count(separator) if separator else len(first)
        too_large = too_many(pieces, context.place)
        if too_large is not None:
            raise UndecidedError(too_large)
    if len(found) < 2 and isinstance(first, str):
        return ListData(tuple([derived(piece, args[1], "split", context) for piece in cut(first, separator)]))
    if isinstance(first, Unknown) or not separator:
        return ListData((), plain(undecided(args[1]).why))
    known = first.split(separator)[:-1]
    items = tuple([derived(piece, args[1], "split", context) for piece in known])
    return ListData(items, plain(undecided(args[1]).why))


def cut(written: str, separator: str) -> list[str]:
    """The pieces between separators; its characters where the separator is empty."""
    return written.split(separator) if separator else clusters(written)


def _replace(args: Args, context: CallContext) -> Result:
    from bklint.frontends.terraform.functions_regex import replace_matches

    wanted, new = string(args[1]), string(args[2])
    if len(wanted) > 1 and wanted.startswith("/") and wanted.endswith("/"):
        return replace_matches(args[0], wanted[1:-1], new)
    found = parts(args[0])
    if len(found) > 1 and not _apart(found, wanted):
        raise undecided(args[0])
    if not wanted and isinstance(args[0].data, (Text, Unknown)):
        raise undecided(args[0])
    grown = sum(part.count(wanted) * len(new) for part in found if isinstance(part, str))
    _bounded(grown, context)
    return text(
        tuple([part.replace(wanted, new) if isinstance(part, str) else _replaced(part, wanted, new) for part in found])
    )


def _bounded(characters: int, context: CallContext) -> None:
    """Raises UndecidedError where a text of so many characters would be too long."""
    too_large = longer(characters, context.place)
    if too_large is not None:
        raise UndecidedError(too_large)


def _replaced(part: Unknown, wanted: str, new: str) -> Unknown:
    changed = renamed(part, "replace", wanted, new)
    return (
        changed if new else Unknown(part.reason, part.cause, part.place, type="string", nonnull=True, key=changed.key)
    )


def _apart(found: Parts, wanted: str) -> bool:
    """Whether no occurrence of `wanted` can lie across the border of two parts."""
    size = len(wanted)
    for number, part in enumerate(found):
        if isinstance(part, Unknown):
            continue
        after, before = number > 0, number < len(found) - 1
        for overlap in range(1, size):
            if (after and part.startswith(wanted[size - overlap :])) or (before and part.endswith(wanted[:overlap])):
                return False
        if len(part) < size and after and before and part in wanted:
            return False
    return True


def _substr(args: Args, context: CallContext) -> Result:
    offset, length = integer(args[1]), integer(args[2])
    found = parts(args[0])
    if len(found) < 2 and (not found or isinstance(found[0], str)):
        return _cut_out(clusters(found[0] if found and isinstance(found[0], str) else ""), offset, length)
    head = found[0] if isinstance(found[0], str) else ""
    known = clusters(head)
    if head.isascii() and offset >= 0 and 0 <= length <= len(known) - offset:
        return "".join(known[offset : offset + length])
    start = "".join(known[offset:]) if head.isascii() and offset >= 0 and length != 0 else ""
    return text((start, _more(undecided(args[0]).why)))


def _cut_out(characters: list[str], offset: int, length: int) -> str:
    size = len(characters)
    if offset < 0:
        offset = max(size + offset, 0) if size + offset >= 0 else 0
    end = size if length < 0 else min(offset + length, size)
    return "".join(characters[offset:end])


def _strrev(args: Args, context: CallContext) -> Result:
    return "".join(reversed(clusters(string(args[0]))))


def _indent(args: Args, context: CallContext) -> Result:
    size = integer(args[0])
    if size < 0:
        raise FailedError("the number of spaces must not be negative")
    lines = sum(part.count("\n") for part in parts(args[1]) if isinstance(part, str))
    _bounded(lines * size, context)
    spaces = " " * size if lines else ""
    return mapped(args[1], lambda written: written.replace("\n", "\n" + spaces), f"indent {size}")


TABLE: Mapping[str, Function] = {
    "chomp": Function(_chomp, 1, 1, "string"),
    "endswith": Function(_endswith, 2, 2, "bool"),
    "indent": Function(_indent, 2, 2, "string"),
    "join": Function(_join, 2, None, "string"),
    "lower": Function(_lower, 1, 1, "string"),
    "replace": Function(_replace, 3, 3, "string"),
    "split": Function(_split, 2, 2, "list"),
    "startswith": Function(_startswith, 2, 2, "bool"),
    "strcontains": Function(_strcontains, 2, 2, "bool"),
    "strrev": Function(_strrev, 1, 1, "string"),
    "substr": Function(_substr, 3, 3, "string"),
    "title": Function(_title, 1, 1, "string"),
    "trim": Function(_trim, 2, 2, "string"),
    "trimprefix": Function(_trimprefix, 2, 2, "string"),
    "trimspace": Function(_trimspace, 1, 1, "string"),
    "trimsuffix": Function(_trimsuffix, 2, 2, "string"),
    "upper": Function(_upper, 1, 1, "string"),
}
