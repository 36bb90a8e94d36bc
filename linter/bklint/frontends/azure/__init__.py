"""What is deployed today, read from Azure, into worlds of resources: the same model, the same policies.

Resource Graph is asked for resources, Resource Manager for locks, through the client of azure-mgmt-resource
(`client.py`, the only module that imports it; `guard.py` says what may be sent at all). `estate.py` reads subscription
by subscription, `lowering.py` makes resources of rows, `context.py` finds for files what they refer to, `whatif.py` and
`export.py` read what a deployment would make and what a group exports as. A resource read from Azure has no file: its
text is its own JSON (`text.py`), shown under its resource id.
"""
