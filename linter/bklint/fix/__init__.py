"""Findings into edits of the files they are in, each tested before it is kept.

`Mending` runs the loop: `plan` asks the dialect (`terraform`, `arm`) for the edits of a policy's operations, `gate` reads
the edited text again, and a new scan must show the finding gone and no other one. Nothing is written before all that.
"""
