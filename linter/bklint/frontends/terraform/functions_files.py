"""File functions: paths → content, hashes, names of files.

Terraform resolves a relative path below the directory it runs in, which is the root module's. An absolute path, and
one with `~`, names something on the machine that deploys: it is not read. A file that is not there may be made before
the deployment, so its absence decides nothing.

The content of a file stands in that file: a setting in `jsondecode(file("x.json"))` has its place there.

https://developer.hashicorp.com/terraform/language/functions (filesystem functions)
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Callable, Mapping

from bklint.errors import InputError
from bklint.files import join as join_path
from bklint.frontends.terraform.extent import passed
from bklint.frontends.terraform.functions_arguments import (
    Args,
    CallContext,
    FailedError,
    Function,
    Result,
    UndecidedError,
    some,
    string,
    undecided,
)
from bklint.frontends.terraform.functions_encoding import base64_text, digest
from bklint.frontends.terraform.remembered import Remembered
from bklint.frontends.terraform.shapes import make_set
from bklint.frontends.terraform.types import STRING, plain_convert
from bklint.model.value import Hop, Reason, Text, Unknown, Value
from bklint.source import Place, Source

_ABSOLUTE = re.compile(r"[/\\~]|[A-Za-z]:")
_MOST_FILES = 10_000
"""Most files that `fileset` looks at."""
_SOURCES: Remembered[Source] = Remembered()
"""One document for each file, so that what is read from it is read once."""


def _path(value: Value, context: CallContext) -> str:
    """The path of a file as the scan names it."""
    written = string(value)
    if _ABSOLUTE.match(written):
        raise UndecidedError(_not_read(written, context))
    return join_path(context.root_dir, written)


def _not_read(written: str, context: CallContext) -> Unknown:
    return Unknown(Reason.FILE, f"file {written}", context.place)


def _content(value: Value, context: CallContext) -> tuple[str, bytes]:
    path = _path(value, context)
    try:
        return path, context.read(path)
    except InputError as error:
        raise UndecidedError(_not_read(path, context)) from error


def _file(args: Args, context: CallContext) -> Result:
    path, raw = _content(args[0], context)
    try:
        written = raw.decode("utf-8")
    except UnicodeError as error:
        raise FailedError(f"{path} is not valid UTF-8") from error
    source = _SOURCES.get((path, raw), len(raw), lambda: Source(path, raw))
    return Value(written, Place(source, 0, len(raw)), Hop("function", "file()", context.place, args[0].hops))


def _filebase64(args: Args, context: CallContext) -> Result:
    path, raw = _content(args[0], context)
    before = args[0].hops
    try:
        written = raw.decode("utf-8")
    except UnicodeError:
        return base64_text(raw)
    original = Value(written, Place(Source(path, raw), 0, len(raw)), Hop("function", "file()", context.place, before))
    hop = Hop("function", "base64encode()", context.place, original.hops)
    return Value(base64_text(raw), context.place, hop, pieces=(original,))


def _hashed(name: str, in_base64: bool) -> Callable[[Args, CallContext], Result]:
    def compute(args: Args, context: CallContext) -> Result:
        raw = digest(name, _content(args[0], context)[1])
        return base64_text(raw) if in_base64 else raw.hex()

    return compute


def _fileexists(args: Args, context: CallContext) -> Result:
    _content(args[0], context)
    return True


def _fileset(args: Args, context: CallContext) -> Result:
    directory, pattern = _path(args[0], context), string(args[1])
    if context.entries is None:
        raise UndecidedError(_not_read(directory, context))
    try:
        names = _files(context, directory, "")
    except InputError as error:
        raise UndecidedError(_not_read(directory, context)) from error
    wanted = _glob(pattern)
    return make_set([Value(name, context.place) for name in names if wanted(name)])


def _files(context: CallContext, directory: str, prefix: str) -> list[str]:
    """The files below a directory, named from there; symbolic links to directories are not followed."""
    found: list[str] = []
    pending = [(directory, prefix)]
    while pending:
        path, before = pending.pop()
        for entry in context.entries(path) if context.entries else ():
            if not entry.directory:
                found.append(before + entry.name)
            elif not entry.link:
                pending.append((posixpath.join(path, entry.name), f"{before}{entry.name}/"))
        if len(found) > _MOST_FILES:
            raise UndecidedError(passed("", f"fileset of more than {_MOST_FILES} files", context.place))
    return found


def _glob(pattern: str) -> Callable[[str], object]:
    """`*`, `**`, `?`, `[a-z]` and `{a,b}` (https://github.com/bmatcuk/doublestar)."""
    done, at, braces = [], 0, 0
    while at < len(pattern):
        one = pattern[at]
        if pattern.startswith("**/", at):
            done.append("(?:[^/]+/)*")
            at += 3
            continue
        if pattern.startswith("**", at):
            done.append(".*")
            at += 2
            continue
        bracket = re.compile(r"\[([!^]?)([^\]]+)\]").match(pattern, at)
        if one == "[" and bracket:
            body = re.sub(r"([\[\\&~|])", r"\\\1", bracket[2])
            done.append(f"[{'^' if bracket[1] else ''}{body}]")
            at = bracket.end()
            continue
        braces += (one == "{") - (one == "}" and braces > 0)
        done.append(_GLOB.get(one) or ("|" if one == "," and braces else re.escape(one)))
        at += 1
    try:
        return re.compile("".join(done), re.DOTALL).fullmatch
    except re.error as error:
        raise FailedError(f"{pattern!r} is no pattern") from error


_GLOB = {"*": "[^/]*", "?": "[^/]", "{": "(?:", "}": ")"}


# -- paths -------------------------------------------------------------------------------------------------------------


def _basename(args: Args, context: CallContext) -> Result:
    data = args[0].data
    if isinstance(data, Text) and "/" in data.suffix and not data.suffix.endswith("/"):
        return data.suffix.rsplit("/", 1)[1]
    written = string(args[0])
    return posixpath.basename(written.rstrip("/")) or ("/" if written else ".")


def _dirname(args: Args, context: CallContext) -> Result:
    written = string(args[0])
    head = written[: written.rfind("/") + 1]
    return posixpath.normpath(head).replace("//", "/") if head else "."


def _abspath(args: Args, context: CallContext) -> Result:
    written = string(args[0])
    if written.startswith("/"):
        return posixpath.normpath(written).replace("//", "/")
    raise UndecidedError(Unknown(Reason.SCOPE, "function abspath()", context.place))


def _pathexpand(args: Args, context: CallContext) -> Result:
    data = args[0].data
    if isinstance(data, (Text, Unknown)):
        raise undecided(args[0])
    if string(args[0]).startswith("~"):
        why = Unknown(Reason.SCOPE, "function pathexpand()", context.place)
        return some(why, type="string", nonnull=True, nonempty=True, key=("pathexpand", data))
    return plain_convert(args[0], STRING)


TABLE: Mapping[str, Function] = {
    "abspath": Function(_abspath, 1, 1, "string"),
    "basename": Function(_basename, 1, 1, "string"),
    "dirname": Function(_dirname, 1, 1, "string"),
    "file": Function(_file, 1, 1, "string"),
    "filebase64": Function(_filebase64, 1, 1, "string"),
    "filebase64sha256": Function(_hashed("sha256", True), 1, 1, "string"),
    "filebase64sha512": Function(_hashed("sha512", True), 1, 1, "string"),
    "fileexists": Function(_fileexists, 1, 1, "bool"),
    "filemd5": Function(_hashed("md5", False), 1, 1, "string"),
    "fileset": Function(_fileset, 2, 2, "list"),
    "filesha1": Function(_hashed("sha1", False), 1, 1, "string"),
    "filesha256": Function(_hashed("sha256", False), 1, 1, "string"),
    "filesha512": Function(_hashed("sha512", False), 1, 1, "string"),
    "pathexpand": Function(_pathexpand, 1, 1, "string"),
}
