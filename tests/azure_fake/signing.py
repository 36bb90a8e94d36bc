"""Identities for the SDK that need no Entra ID."""

from __future__ import annotations

import time
from typing import Any

from azure.core.credentials import AccessToken

from azure_fake.server import TOKEN
from bklint.frontends.azure.client import Azure, Retries
from bklint.frontends.azure.options import Cloud

QUICK = Retries(total=2, first=0.01, longest=0.05, connect=5, read=5, poll=0, deadline=10)


class Identity:
    """Gives the token that the fake takes; `asked` are the claims it was asked with."""

    def __init__(self, token: str = TOKEN) -> None:
        self.token = token
        self.asked: list[str | None] = []

    def get_token(self, *scopes: str, claims: str | None = None, **_: Any) -> AccessToken:
        """See TokenCredential."""
        self.asked.append(claims)
        return AccessToken(self.token, int(time.time()) + 3600)


def cloud(endpoint: str) -> Cloud:
    """The fake as a cloud whose metadata are known."""
    return Cloud("Loopback", endpoint, endpoint, "login.example", "https://portal.example")


def connected(endpoint: str, identity: Identity | None = None, retries: Retries = QUICK, **more: Any) -> Azure:
    """A client of the fake."""
    made = identity or Identity()
    return Azure(cloud(endpoint), lambda _: made, retries, **more)
