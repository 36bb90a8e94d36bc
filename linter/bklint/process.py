"""A process of bklint: how it uses memory, and how it ends."""

from __future__ import annotations

import gc
import os
import sys
from contextlib import suppress
from typing import NoReturn

THRESHOLD = 1_000_000
"""Objects, created less freed, after which the collector of cycles looks for some. A scan makes many objects, which live
as long as the root they belong to, and takes their cycles apart itself (`World.close`); by Python's own 700 it would
spend a third of its time on looking."""


def collect_seldom() -> None:
    """Let the collector of cycles look seldom. For processes that do nothing but scan."""
    gc.set_threshold(THRESHOLD, 20, 20)


def end(code: int) -> NoReturn:
    """End with an exit status, without taking the objects apart: the system frees them at once, and Python in a sixth of
    the time of a scan. Not so where somebody measures, or where there may be other processes to end."""
    if "multiprocessing" not in sys.modules:
        leave(code)
    sys.exit(code)


def leave(code: int) -> None:
    """End at once, as `end` does; return where somebody measures, or what was printed cannot be written."""
    if not (sys.gettrace() or sys.getprofile() or "coverage" in sys.modules):
        with suppress(OSError, ValueError):
            sys.stdout.flush()
            sys.stderr.flush()
            os._exit(code)
