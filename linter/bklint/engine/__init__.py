"""Roots and policies into findings: verdicts, merged over contexts and instances, each pointing at the text to change.

`judge` takes one root, `combine` the outcomes of several, `describe` adds what people read to the findings that are
printed.
"""

from bklint.engine.describe import describe
from bklint.engine.judge import judge
from bklint.engine.merge import combine
from bklint.engine.outcome import Outcome, Settings

__all__ = ["Outcome", "Settings", "combine", "describe", "judge"]
