"""What the guard lets through, by itself and inside of the SDK's pipeline."""

from __future__ import annotations

from typing import Any

import pytest
from azure.core.rest import HttpRequest

from azure_fake.rows import S1
from azure_fake.server import Fake, Fault, Response, error
from azure_fake.signing import Identity, connected
from bklint.frontends.azure.client import NO_SUBSCRIPTION
from bklint.frontends.azure.faults import NotCheckedError
from bklint.frontends.azure.guard import RefusedError, refusal

HOST = "https://management.azure.com"
GROUP = f"/subscriptions/{S1}/resourceGroups/rg-a"
WHAT_IF = "/providers/Microsoft.Resources/deployments/d/whatIf?api-version=1"


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", f"{GROUP}/providers/Microsoft.Authorization/locks?api-version=2020-05-01"),
        ("HEAD", GROUP),
        ("POST", "/providers/Microsoft.ResourceGraph/resources?api-version=2024-04-01"),
        ("POST", "/PROVIDERS/microsoft.resourcegraph/RESOURCES?api-version=2024-04-01"),
        ("POST", f"{GROUP}/exportTemplate?api-version=2025-04-01"),
        ("POST", f"/subscriptions/{S1}/resourcegroups/rg%20a/exportTemplate?api-version=2025-04-01"),
        ("POST", f"{GROUP}{WHAT_IF}"),
        ("POST", f"/subscriptions/{S1}{WHAT_IF}"),
    ],
)
def test_reads_are_let_through(method: str, path: str) -> None:
    assert refusal(method, HOST + path, HOST) == ""


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("PUT", GROUP),
        ("DELETE", f"{GROUP}/providers/Microsoft.Compute/disks/d?api-version=1"),
        ("PATCH", GROUP),
        ("POST", f"/subscriptions/{S1}/providers/Microsoft.Compute/register?api-version=2016-02-01"),
        ("POST", f"{GROUP}/providers/Microsoft.Storage/storageAccounts/a/listKeys?api-version=1"),
        ("POST", f"{GROUP}/providers/Microsoft.Compute/virtualMachines/v/start?api-version=1"),
        ("POST", f"{GROUP}/providers/Microsoft.Resources/deployments/d/validate?api-version=1"),
        ("POST", f"{GROUP}/exportTemplate/../moveResources?api-version=1"),
        ("POST", f"{GROUP}/x/exportTemplate?api-version=1"),
        ("POST", "/providers/Microsoft.ResourceGraph/resourcesHistory?api-version=1"),
        ("POST", f"{GROUP}/start?x=/exportTemplate"),
        ("POST", f"{GROUP}/start#/exportTemplate"),
        ("POST", f"/x{GROUP}/exportTemplate"),
    ],
)
def test_everything_else_is_refused(method: str, path: str) -> None:
    assert "bklint only reads" in refusal(method, HOST + path, HOST)


@pytest.mark.parametrize(
    "url",
    [
        "https://evil.example/subscriptions",
        "http://management.azure.com/subscriptions",
        "https://management.azure.com.evil.example/subscriptions",
        "https://management.azure.com@evil.example/subscriptions",
        "https://user@management.azure.com/subscriptions",
        "https://management.azure.com:8443/subscriptions",
        "https://management.azure.com:x/subscriptions",
        "ftp://management.azure.com/",
        "//management.azure.com/",
    ],
)
def test_no_other_host_is_talked_to(url: str) -> None:
    assert refusal("GET", url, HOST)


def test_default_port_and_case_of_the_host_do_not_matter() -> None:
    assert refusal("GET", "https://Management.Azure.com:443/subscriptions", HOST) == ""


# -- inside of the pipeline ------------------------------------------------------------------------------------------


def test_registration_of_a_provider_is_stopped(empty: Fake) -> None:
    """The SDK answers this error by registering the provider, a write that nobody asked for."""
    message = "The subscription is not registered to use namespace 'Microsoft.Backup'"
    empty.faults.append(Fault("resourcegraph", error(409, "MissingSubscriptionRegistration", message), times=-1))
    empty.faults.append(Fault("locks", error(409, "MissingSubscriptionRegistration", message), times=-1))
    with pytest.raises(NotCheckedError, match="register is no read"):
        connected(empty.endpoint).locks(S1)
    assert {request.method for request in empty.requests} == {"GET"}


def test_the_token_does_not_follow_a_next_link_to_another_host(empty: Fake, serve: Any) -> None:
    other = serve(empty.store)
    page = {"value": [], "nextLink": f"{other.endpoint}/subscriptions/{S1}/more?api-version=1"}
    empty.faults.append(Fault("locks", Response(200, page)))
    with pytest.raises(NotCheckedError, match="talks to localhost alone"):
        connected(empty.endpoint).locks(S1)
    assert other.requests == []


@pytest.mark.parametrize("status", [301, 302, 307, 308])
def test_the_token_does_not_follow_a_redirect(empty: Fake, serve: Any, status: int) -> None:
    other = serve(empty.store)
    moved = Response(status, None, {"Location": f"{other.endpoint}/elsewhere"})
    empty.faults.append(Fault("locks", moved))
    with pytest.raises(NotCheckedError):
        connected(empty.endpoint).locks(S1)
    assert other.requests == []


def test_writes_through_the_sdk_itself_are_refused_unsent(empty: Fake) -> None:
    sdk = connected(empty.endpoint)._client(NO_SUBSCRIPTION)
    with pytest.raises(RefusedError, match="DELETE"):
        sdk.resources.begin_delete_by_id(f"{GROUP}/providers/Microsoft.Compute/disks/d", api_version="2024-01-01")
    with pytest.raises(RefusedError, match="PUT"):
        sdk.resource_groups.create_or_update("rg", {"location": "westeurope"})
    with pytest.raises(RefusedError, match="POST"):
        sdk.send_request(HttpRequest("POST", f"{empty.endpoint}{GROUP}/moveResources?api-version=1"))
    assert empty.requests == []


def test_no_token_is_asked_for_a_refused_request(empty: Fake) -> None:
    identity = Identity()
    sdk = connected(empty.endpoint, identity)._client(NO_SUBSCRIPTION)
    with pytest.raises(RefusedError):
        sdk.send_request(HttpRequest("DELETE", f"{empty.endpoint}{GROUP}"))
    assert identity.asked == []


def test_plain_http_is_refused() -> None:
    with pytest.raises(NotCheckedError, match="talks to localhost alone"):
        connected("http://localhost:1").locks(S1)


def test_an_untrusted_certificate_is_refused(empty: Fake, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("REQUESTS_CA_BUNDLE")
    with pytest.raises(NotCheckedError, match="no answer"):
        connected(empty.endpoint).locks(S1)
    assert empty.requests == []
