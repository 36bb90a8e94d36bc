"""The live part of a scan: roots read from Azure, or, where files are scanned too, what the files refer to there.

Without paths every subscription asked for is a root of its own. With paths the files are what is judged, together with
what they meet in Azure; the rest of the estate is left alone.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

from bklint.failures import failures
from bklint.finding import Estate as Summary
from bklint.finding import Failure
from bklint.frontends.azure.client import Azure
from bklint.frontends.azure.context import Context
from bklint.frontends.azure.estate import Estate, LiveRoot
from bklint.frontends.azure.options import cloud_of
from bklint.records import replace

if TYPE_CHECKING:
    from bklint.engine import Outcome
    from bklint.frontends import Root
    from bklint.frontends.azure.options import LiveOptions
    from bklint.model.inventory import Inventory, World

FILLED = ("terraform", "plan", "arm")
"""Dialects whose worlds refer to what is in Azure."""

Progress = Callable[[int, str], None]


class Live:
    """Azure, as far as a scan looks at it. Raises UsageError where the SDK is missing or nobody is signed in."""

    def __init__(
        self, options: LiveOptions, inventory: Inventory, progress: Progress | None, location: str = ""
    ) -> None:
        self._options = options
        self._location = location
        self._azure = Azure(cloud_of(options.cloud))
        self._estate = Estate(self._azure, options, inventory, progress)
        self._context = Context(self._azure, options, self._estate.gap)
        self._world: World | None = None
        self._failures: list[Failure] = []

    def roots(self) -> Iterator[Root]:
        """What was asked for, one root for each subscription."""
        yield from self._estate.roots()

    def root(self, root: Root) -> Root:
        """A root of files as it is to be judged: a template, where that was asked, by what it would deploy."""
        from bklint.frontends.arm.template import ArmRoot

        if not self._options.what_if:
            return root
        if not isinstance(root, ArmRoot):
            self._estate.note(f"{root.path}: --what-if is about templates; judged as it is written")
            return root
        from bklint.frontends.azure.whatif import WhatIfRoot

        return WhatIfRoot(root, self._azure, self._options, self._location, self._estate.gap)

    def fill(self, world: World) -> None:
        """Add to the world of files, before it is finished, what it meets in Azure."""
        if world.dialect not in FILLED:
            return
        if not self._options.subscriptions:
            self._estate.note("files are judged without locks and policy assignments of Azure: give --subscription")
        self._context.fill(world)

    def finished(self, world: World) -> None:
        """Remember the world that is about to be judged."""
        self._world = world

    def judged(self, root: Root, outcome: Outcome) -> Outcome:
        """The outcome of a root without what would keep all that was read in memory; its failed jobs are explained."""
        world, self._world = self._world, None
        if not isinstance(root, LiveRoot) or world is None:
            return outcome
        if root.jobs:
            self._failures += failures(root.jobs, world, outcome.findings, self._azure.cloud.portal)
        outcome.undecided = [replace(each, place=None, header=None) for each in outcome.undecided]
        return outcome

    def summary(self) -> Summary:
        """What was read, and the failed jobs, newest first."""
        totals = self._estate.totals
        ordered = sorted(self._failures, key=lambda each: (each.started, each.job), reverse=True)
        subscriptions = totals.subscriptions or len(self._options.subscriptions)
        resources = totals.resources + len(self._context.resources)
        return Summary(subscriptions, resources, self._azure.requests, tuple(ordered))
