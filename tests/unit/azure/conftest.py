"""A fake Resource Manager for a test, with the SDK trusting its certificate and signed in."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack

import pytest

from azure_fake.rows import Tables
from azure_fake.server import Fake, Store
from azure_fake.signing import QUICK, Identity
from bklint.frontends.azure import client

Serve = Callable[[Store], Fake]


@pytest.fixture
def serve(monkeypatch: pytest.MonkeyPatch) -> Iterator[Serve]:
    """Starts fakes over what they are to hold."""
    with ExitStack() as stack:

        def start(store: Store) -> Fake:
            fake = stack.enter_context(Fake(store))
            monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(fake.ca))
            return fake

        monkeypatch.setattr(client, "credential", lambda _: Identity())
        monkeypatch.setattr(client, "PATIENCE", QUICK)
        yield start


@pytest.fixture
def empty(serve: Serve) -> Fake:
    """A fake without anything in it."""
    return serve(Tables())
