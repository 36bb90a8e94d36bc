"""ARM templates, written by hand or compiled from Bicep, into worlds of resources.

`template` finds roots and their contexts; `resources` and `deployments` lower declarations and nested templates; `scope`
holds what an expression can see; `expressions` and `evaluate` read and evaluate; `functions_*` are the functions.
"""

from bklint.frontends.arm.template import ArmRoot, roots, share

__all__ = ["ArmRoot", "roots", "share"]
