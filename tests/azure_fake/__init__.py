"""A Resource Manager on the loopback, over TLS, that speaks the real protocol to the real SDK.

`server.py` is the server, `kql.py` runs the queries of Resource Graph, `rows.py` makes resources as the service gives
them. What it cannot do (a query with an operator it does not know, a path nobody asked for before) is an error answer,
never an empty one.
"""
