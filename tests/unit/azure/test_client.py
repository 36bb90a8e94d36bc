"""What the client makes of faults: tried again, or said."""

from __future__ import annotations

import logging
import time
from typing import Any

import pytest
from azure.core.exceptions import ClientAuthenticationError

from azure_fake.rows import S1, Tables, lock
from azure_fake.server import TOKEN, Fake, Fault, Response, error
from azure_fake.signing import QUICK, Identity, cloud, connected
from bklint.errors import UsageError
from bklint.frontends.azure import client
from bklint.frontends.azure.client import Azure
from bklint.frontends.azure.faults import NotCheckedError
from bklint.frontends.azure.options import CLOUDS, cloud_of

SUBSCRIPTION = f"/subscriptions/{S1}"


@pytest.fixture
def fake(serve: Any) -> Fake:
    return serve(Tables(locks=[lock(SUBSCRIPTION, f"lock-{number}") for number in range(5)]))


def names(azure: Azure) -> list[str]:
    return [each["name"] for each in azure.locks(S1)]


ALL = [f"lock-{number}" for number in range(5)]


def test_pages_are_followed(fake: Fake) -> None:
    assert names(connected(fake.endpoint)) == ALL
    assert len(fake.requests) == 3


@pytest.mark.parametrize("status", [408, 429, 500, 502, 503, 504])
def test_passing_faults_are_tried_again(fake: Fake, status: int) -> None:
    fake.faults.append(Fault("locks", error(status, "Passing"), times=2, after=1))
    assert names(connected(fake.endpoint)) == ALL


def test_the_time_that_throttling_names_is_waited(fake: Fake) -> None:
    fake.faults.append(Fault("locks", error(429, "TooManyRequests", headers={"Retry-After": "1"}), times=1))
    began = time.monotonic()
    assert names(connected(fake.endpoint)) == ALL
    assert time.monotonic() - began >= 1


@pytest.mark.parametrize(
    ("status", "code", "told"),
    [
        (401, "AuthenticationFailed", "az login"),
        (403, "AuthorizationFailed", "the role Reader"),
        (404, "SubscriptionNotFound", "does not exist, or the identity may not see it"),
        (409, "Conflict", "409 Conflict"),
        (429, "TooManyRequests", "throttles"),
        (500, "InternalServerError", "500 InternalServerError"),
        (503, "ServerBusy", "503 ServerBusy"),
    ],
)
def test_lasting_faults_are_said(fake: Fake, status: int, code: str, told: str) -> None:
    fake.faults.append(Fault("locks", error(status, code, "in its own words"), times=-1))
    with pytest.raises(NotCheckedError, match=told) as found:
        names(connected(fake.endpoint))
    assert (found.value.status, found.value.code) == (status, code)
    assert "in its own words" in found.value.message


def test_a_cut_connection_is_tried_again_and_then_said(fake: Fake) -> None:
    fake.faults.append(Fault("locks", Response(0), times=1))
    assert names(connected(fake.endpoint)) == ALL
    fake.faults.append(Fault("locks", Response(0), times=-1))
    with pytest.raises(NotCheckedError, match="no answer"):
        names(connected(fake.endpoint))


def test_time_runs_out(fake: Fake) -> None:
    fake.stall = 0.6
    with pytest.raises(NotCheckedError, match="no answer"):
        names(connected(fake.endpoint, retries=QUICK._replace(read=0.2, total=1)))
    assert len(fake.requests) == 2


def test_a_query_that_ran_out_of_time_is_sent_again(fake: Fake) -> None:
    """The SDK does not repeat a POST after a time-out by itself."""
    fake.faults.append(Fault("resourcegraph", Response(0), times=1))
    body = {"query": "resources | project id | order by id asc", "options": {"resultFormat": "objectArray"}}
    assert connected(fake.endpoint).graph(body).body["totalRecords"] == 0
    assert [request.method for request in fake.requests] == ["POST", "POST"]


@pytest.mark.parametrize("body", [b"not json", b'{"value": 5}', b"[]", b""])
def test_an_answer_that_is_no_list_is_said(fake: Fake, body: bytes) -> None:
    fake.faults.append(Fault("locks", Response(200, body), times=-1))
    with pytest.raises(NotCheckedError, match="the answer is no"):
        names(connected(fake.endpoint))


def test_an_error_that_is_no_json_is_said(fake: Fake) -> None:
    fake.faults.append(Fault("locks", Response(403, b"<html>proxy</html>"), times=-1))
    with pytest.raises(NotCheckedError, match="locks: 403"):
        names(connected(fake.endpoint))


def test_a_claims_challenge_asks_for_another_token(fake: Fake) -> None:
    """Continuous access evaluation: the answer names claims that the next token must have."""
    challenge = 'Bearer realm="", error="insufficient_claims", claims="eyJhY2Nlc3NfdG9rZW4iOnt9fQ=="'
    fake.faults.append(Fault("locks", Response(401, None, {"WWW-Authenticate": challenge})))
    identity = Identity()
    assert names(connected(fake.endpoint, identity)) == ALL
    assert '{"access_token":{}}' in identity.asked


def test_a_used_up_quota_is_waited_for(fake: Fake) -> None:
    spent = {"x-ms-user-quota-remaining": "0", "x-ms-user-quota-resets-after": "00:00:03"}
    fake.faults.append(Fault("resourcegraph", Response(200, {"totalRecords": 0, "data": []}, spent)))
    waited: list[float] = []
    connected(fake.endpoint, wait=waited.append).graph({"query": "resources", "options": {}})
    assert waited == [3]


def test_who_is_not_signed_in_is_told_how(fake: Fake) -> None:
    class Nobody:
        def get_token(self, *scopes: str, **_: Any) -> Any:
            raise ClientAuthenticationError("DefaultAzureCredential failed: secret-in-the-text")

    with pytest.raises(UsageError, match="az login") as found:
        Azure(cloud(fake.endpoint), lambda _: Nobody(), QUICK).locks(S1)
    assert "secret-in-the-text" not in str(found.value)
    assert fake.requests == []


def test_without_the_sdk_it_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(__import__("sys").modules, "azure.identity", None)
    with pytest.raises(UsageError, match=r"pip install '\.\[azure\]'"):
        client.credential(CLOUDS["azurecloud"])


def test_the_sdk_writes_nothing_by_itself(fake: Fake, capsys: pytest.CaptureFixture[str]) -> None:
    fake.faults.append(Fault("locks", error(409, "MissingSubscriptionRegistration", "use namespace 'A.B'"), times=-1))
    with pytest.raises(NotCheckedError):
        names(connected(fake.endpoint))
    captured = capsys.readouterr()
    assert (captured.out, captured.err) == ("", "")
    assert logging.getLogger("azure").handlers


def test_no_token_is_in_what_is_said(fake: Fake) -> None:
    fake.faults.append(Fault("locks", error(403, "AuthorizationFailed", "denied " * 200), times=-1))
    with pytest.raises(NotCheckedError) as found:
        names(connected(fake.endpoint))
    assert TOKEN not in found.value.message
    assert len(found.value.message) < 450


# -- clouds ----------------------------------------------------------------------------------------------------------


def test_clouds_are_those_of_the_sdk() -> None:
    from azure.core import AzureClouds
    from azure.mgmt.core.tools import get_arm_endpoints

    for name, setting in (
        ("AzureCloud", AzureClouds.AZURE_PUBLIC_CLOUD),
        ("AzureUSGovernment", AzureClouds.AZURE_US_GOVERNMENT),
        ("AzureChinaCloud", AzureClouds.AZURE_CHINA_CLOUD),
    ):
        found, theirs = cloud_of(name), get_arm_endpoints(setting)
        assert f"{found.endpoint}/" == theirs["resource_manager"]
        assert [f"{found.audience}/.default"] == theirs["credential_scopes"]


@pytest.mark.parametrize(
    "name", ["AzureGermany", "http://management.local", "https://host/path", "https://user@host", "https://"]
)
def test_other_clouds_are_refused(name: str) -> None:
    with pytest.raises(UsageError, match="is not known"):
        cloud_of(name)


def test_a_cloud_by_its_endpoint_is_described_by_its_metadata(fake: Fake) -> None:
    found = Azure(cloud_of(fake.endpoint), lambda _: Identity(), QUICK)
    assert found.cloud.authority == fake.endpoint.removeprefix("https://")
    assert found.cloud.portal == "https://portal.example"
    assert names(found) == ALL
    assert "authorization" not in fake.requests[0].headers


def test_metadata_that_cannot_be_read_end_the_run(fake: Fake) -> None:
    fake.faults.append(Fault("metadata", error(404, "NotFound"), times=-1))
    with pytest.raises(UsageError, match="metadata"):
        Azure(cloud_of(fake.endpoint), lambda _: Identity(), QUICK)
