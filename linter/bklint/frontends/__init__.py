"""Front-ends: each turns one dialect into worlds of resources in ARM vocabulary.

A front-end is a module with `roots(paths, reader, options, inventory)`, which yields one `Root` after the other; what
cannot be read goes to `inventory.problems`, what there is to say to `inventory.notes`. Nothing is evaluated before
`Root.lower`, so that a root's syntax trees can be dropped when it has been judged.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from importlib import import_module
from typing import NamedTuple, Protocol

from bklint.files import Reader
from bklint.model.inventory import Inventory, World
from bklint.model.resource import Resource
from bklint.records import dataclass

FRONTENDS: Mapping[str, str] = {
    "terraform": "bklint.frontends.terraform",
    "arm": "bklint.frontends.arm",
    "guest": "bklint.frontends.guest.worlds",
    "nsg": "bklint.frontends.nsg",
    "plan": "bklint.frontends.terraform.plan",
}
"""Dialect to the module that lowers it; modules are imported when an input of the dialect is met."""


class NamedContext(NamedTuple):
    """Files that the user says give inputs together."""

    label: str
    var_files: tuple[str, ...]
    parameter_files: tuple[str, ...]


def _none(_: str) -> tuple[NamedContext, ...]:
    return ()


@dataclass(frozen=True, slots=True)
class Options:
    """What the user says about inputs. `variables` are `--var name=text` pairs, `var_files` and `parameter_files` paths
    (they replace the files that would be found by convention), `location` the region to deploy to, `subscription` and
    `group` where to, as far as that is known. `named` gives the
    contexts of one root, by its path, where the user says which they are; the files for all roots come before them."""

    variables: tuple[tuple[str, str], ...] = ()
    var_files: tuple[str, ...] = ()
    parameter_files: tuple[str, ...] = ()
    location: str = ""
    subscription: str = ""
    group: str = ""
    named: Callable[[str], tuple[NamedContext, ...]] = _none


class Root(Protocol):
    """One root module, root template or export file."""

    @property
    def path(self) -> str:
        """Its directory or file, as displayed."""
        ...

    @property
    def contexts(self) -> tuple[str, ...]:
        """Labels of its input contexts (alternative variable or parameter files); at least one, possibly ''."""
        ...

    def lower(self, context: str, assume: Mapping[str, object]) -> World:
        """The world of one context, unfinished (see World.finish). `assume` gives inputs without a value one of their
        possible ones, by the cause text under which `World.inputs` lists them. Raises InputError, LimitError."""
        ...


Frontend = Callable[[tuple[str, ...], Reader, Options, Inventory], Iterator[Root]]


Share = Callable[
    [tuple[str, ...], Reader, Options, Inventory, Callable[[int], bool]], Iterator[tuple[int, Root | None]]
]


def frontend(dialect: str) -> Frontend:
    """The `roots` function of a dialect's front-end."""
    function: Frontend = import_module(FRONTENDS[dialect]).roots
    return function


def frontend_of_shares(dialect: str) -> Share | None:
    """The `share` function of a dialect's front-end, which finds some of the roots without reading the others; None for
    one that must read all of them to tell which are roots."""
    found: Share | None = getattr(import_module(FRONTENDS[dialect]), "share", None)
    return found


_UNATTENDED = "properties.osProfile.windowsConfiguration.additionalUnattendContent"
_VM = "Microsoft.Compute/virtualMachines"
_SCALE_SET = "Microsoft.Compute/virtualMachineScaleSets"
CARRYING: tuple[tuple[str, tuple[str, ...]], ...] = (
    (_VM, ("properties.osProfile.customData", "properties.userData", _UNATTENDED)),
    (
        _SCALE_SET,
        (
            "properties.virtualMachineProfile.osProfile.customData",
            "properties.virtualMachineProfile.userData",
            f"properties.virtualMachineProfile.{_UNATTENDED.removeprefix('properties.')}",
        ),
    ),
    (f"{_VM}/extensions", ("properties.settings", "properties.protectedSettings")),
    (f"{_SCALE_SET}/extensions", ("properties.settings", "properties.protectedSettings")),
    (f"{_VM}/runCommands", ("properties.source",)),
    ("Microsoft.VirtualMachineImages/imageTemplates", ("properties",)),
)
"""Types whose resources can bring scripts and configuration into machines, and the properties that hold them."""


_RUNNING = ("customscript", "runcommand", "dsc")
"""How the types of the extensions begin that run a script or a configuration."""


def attach(world: World, reader: Reader) -> None:
    """Add to a finished world what its resources bring into machines (guest/* resources)."""
    if any(_carries(resource, paths) for type_, paths in CARRYING for resource in world.of(type_)):
        import_module(FRONTENDS["guest"]).attach(world, reader)


def _carries(resource: Resource, paths: tuple[str, ...]) -> bool:
    """Whether a resource may bring something into machines; of extensions, only those that run scripts do."""
    if not resource.declared:
        return False
    if resource.type.casefold().endswith("/extensions"):
        kind = resource.get("properties.type").data
        if isinstance(kind, str) and not kind.casefold().startswith(_RUNNING):
            return False
    return any(resource.get(path).exists is not False for path in paths)


def guest_name(path: str) -> bool:
    """Whether a file of that name may be one that a machine runs or reads."""
    return bool(import_module("bklint.frontends.guest.recognise").may_be(path))


def guest_content(path: str, head: bytes) -> bool:
    """Whether a file is one that a machine runs or reads, and that a policy on machines looks at."""
    return import_module("bklint.frontends.guest.recognise").recognises(path, head) is not None
