"""A policy file to start from: a whole, small policy that holds, so that each change of it can be tested."""

from __future__ import annotations

import re

from bklint.errors import UsageError

_NAME = re.compile(r"[a-z][a-z0-9-]*/[a-z][a-z0-9]*(-[a-z0-9]+)*")

_TEXT = """\
# bklint schema policy > policy.schema.json, and the next line makes an editor check this file.
# yaml-language-server: $schema=policy.schema.json
id: OWN001                             # two to eight capital letters and three digits; never reused
name: {name}
title: Disk is larger than we allow
area: {area}
target: Microsoft.Compute/disks        # `bklint policies facts` lists facts, relations and their types
parameters:
  largest: {{type: int, default: 1024, description: "the largest disk we allow, in GiB"}}
condition:                             # the fault
  field: properties.diskSizeGB
  greater: {{param: largest}}
cases:                                 # the first whose `when` holds; the last has none
  - {{severity: warning}}
report:
  at: {{field: properties.diskSizeGB}}
message: "disk {{resource.name}} has {{properties.diskSizeGB}} GiB; we allow up to {{largest}} GiB"
fix:
  safety: manual
---
why: |
  Say in two to five sentences why this matters.
errors: []
sources:
  - document: our rules
    section: disks
    date: "2026-01-01"
    says: What the source says, in one sentence.
fix:
  summary: Say how to mend it.
examples:
  bad:
    - terraform: |
        resource "azurerm_managed_disk" "data" {{
          name         = "disk-data"
          disk_size_gb = 1025
        }}
      at: "1025"                       # the finding points at exactly this text
  good:
    - terraform: |
        resource "azurerm_managed_disk" "data" {{
          name         = "disk-data"
          disk_size_gb = 1024
        }}
      because: 1024 GiB is not above the limit
  unknown:
    - terraform: |
        variable "size" {{
          type = number
        }}

        resource "azurerm_managed_disk" "data" {{
          name         = "disk-data"
          disk_size_gb = var.size
        }}
      because: var.size has no value
"""


def skeleton(word: str) -> str:
    """The text of a new policy file for `AREA/NAME`. Raises UsageError."""
    if not _NAME.fullmatch(word):
        raise UsageError(f"{word!r} is not an area and a name in lower case, as in disks/too-large-for-us")
    area, _, name = word.partition("/")
    return _TEXT.format(area=area, name=name)
