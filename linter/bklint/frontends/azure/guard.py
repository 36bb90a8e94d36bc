"""Which requests may leave: reads, to one host. Everything else is refused before a token is attached to it.

The SDK writes on its own: an answer `MissingSubscriptionRegistration` makes it register the resource provider, and it
follows a `nextLink` to any host with the token. So every request passes here, retries and redirects included. Three
POSTs read: a query of Resource Graph, the export of a group as a template, and what-if
(https://learn.microsoft.com/rest/api/azureresourcegraph/resourcegraph/resources/resources,
https://learn.microsoft.com/rest/api/resources/resource-groups/export-template,
https://learn.microsoft.com/rest/api/resources/deployments/what-if).
"""

from __future__ import annotations

import re
from urllib.parse import urlsplit

_SEGMENT = r"[^/%?#]+"
_ENCODED = r"[^/?#]+"
_POSTS = re.compile(
    "|".join(
        (
            r"/providers/microsoft\.resourcegraph/resources",
            rf"/subscriptions/{_SEGMENT}/resourcegroups/{_ENCODED}/exporttemplate",
            rf"(?:/subscriptions/{_SEGMENT}(?:/resourcegroups/{_ENCODED})?)"
            rf"/providers/microsoft\.resources/deployments/{_SEGMENT}/whatif",
        )
    ),
    re.IGNORECASE,
)
_READS = frozenset({"GET", "HEAD"})


class RefusedError(Exception):
    """A request that would not only read, or would go elsewhere. No AzureError: nothing of the SDK retries it."""


def refusal(method: str, url: str, endpoint: str) -> str:
    """Why a request may not be sent; empty where it may. `endpoint` is `https://host[:port]`."""
    try:
        there, here = urlsplit(url), urlsplit(endpoint)
        same = (there.scheme, there.hostname, there.port or 443) == ("https", here.hostname, here.port or 443)
    except ValueError:
        return "its address cannot be read"
    if not same or there.username is not None or there.password is not None:
        return f"it would go to {there.scheme}://{there.hostname or '?'}, and bklint talks to {here.hostname} alone"
    if method.upper() in _READS:
        return ""
    if method.upper() == "POST" and ".." not in there.path and _POSTS.fullmatch(there.path) is not None:
        return ""
    return f"{method.upper()} {there.path} is no read, and bklint only reads"
