"""The one door to Azure: requests through the client of azure-mgmt-resource, and what they answer.

Authentication, retries, `Retry-After`, continuous access evaluation and paging headers are the SDK's; every request
passes `guard.refusal` first. Only the resources client is needed: its `send_request` reaches Resource Graph, locks and
what-if too. The one fact a reader would not guess: the SDK retries a POST after a status, but not after a time-out,
unless it is told that POSTs may be repeated; ours all read.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterator, Mapping
from threading import Lock
from typing import TYPE_CHECKING, Any, NamedTuple
from urllib.parse import quote

from bklint.errors import UsageError
from bklint.frontends.azure.faults import NotCheckedError, refused, unanswered
from bklint.frontends.azure.guard import RefusedError, refusal
from bklint.frontends.azure.options import Cloud

if TYPE_CHECKING:
    from azure.core.credentials import TokenCredential
    from azure.core.rest import HttpResponse
    from azure.mgmt.resource.resources import ResourceManagementClient

GRAPH = "/providers/Microsoft.ResourceGraph/resources?api-version=2024-04-01"
"""https://learn.microsoft.com/rest/api/azureresourcegraph/resourcegraph/resources/resources"""
LOCKS = "2020-05-01"
WHAT_IF = ("2026-06-01", "2025-04-01")
"""Versions of what-if, the best first: the newer one names the symbol and the deployment of each change; a cloud may not
have it yet."""
UNKNOWN_VERSION = frozenset({"InvalidApiVersionParameter", "NoRegisteredProviderFound", "InvalidResourceType"})
METADATA = "/metadata/endpoints?api-version=2022-09-01"
INSTALL = (
    "a live scan needs the Azure SDK: install bklint with its extra, python -m pip install '.[azure]' in a checkout"
)
SIGN_IN = "not signed in to Azure: run `az login` (or give a service principal or managed identity its environment)"
READABLE = frozenset({"GET", "HEAD", "POST"})
NO_SUBSCRIPTION = "00000000-0000-0000-0000-000000000000"
MAX_PAGES = 10_000
"""Most pages of one list."""


class Retries(NamedTuple):
    """How patient requests are: attempts after the first, seconds of the first wait and of the longest, seconds to
    connect and to read, and between two looks at a long-running operation whose answer names no time."""

    total: int = 6
    first: float = 0.8
    longest: float = 60
    connect: float = 20
    read: float = 120
    poll: float = 5
    deadline: float = 900
    """Seconds after which a long-running operation is given up."""


PATIENCE = Retries()


class Answer(NamedTuple):
    """A body, as plain data, and the headers, in lower case."""

    status: int
    body: Any
    headers: Mapping[str, str]


def credential(cloud: Cloud) -> TokenCredential:
    """The identity of whoever runs this: environment, managed identity, `az login`, in the order of azure-identity.
    Raises UsageError where it is not installed."""
    try:
        from azure.identity import DefaultAzureCredential
    except ImportError as error:
        raise UsageError(INSTALL) from error
    _quiet()
    try:
        found: TokenCredential = DefaultAzureCredential(
            authority=f"https://{cloud.authority}", disable_instance_discovery=not cloud.known
        )
    except ValueError as error:  # what the environment says of the identity cannot be
        raise UsageError(SIGN_IN) from error
    return found


def _quiet() -> None:
    """Keep the SDK from writing to standard error by itself: what matters of it is said by us."""
    logger = logging.getLogger("azure")
    if not logger.handlers:
        logger.addHandler(logging.NullHandler())
    logging.getLogger("msal").addHandler(logging.NullHandler())


class Azure:
    """Requests to one cloud. `wait` sleeps; `requests` counts what was sent."""

    def __init__(
        self,
        cloud: Cloud,
        identity: Callable[[Cloud], TokenCredential] | None = None,
        retries: Retries | None = None,
        wait: Callable[[float], None] = time.sleep,
    ) -> None:
        self._retries = retries or PATIENCE
        self.cloud = cloud if cloud.known else self._described(cloud)
        self._credential = (identity or credential)(self.cloud)
        self._clients: dict[str, ResourceManagementClient] = {}
        self._wait = wait
        self._counting = Lock()
        self.requests = 0

    # -- what can be asked -------------------------------------------------------------------------------------------

    def graph(self, body: Mapping[str, Any]) -> Answer:
        """One page of a query of Resource Graph. Waits where the quota of the user is used up. Raises NotCheckedError."""
        answer = self._send("POST", GRAPH, "query of Resource Graph", body)
        if answer.headers.get("x-ms-user-quota-remaining") == "0":
            self._wait(_seconds(answer.headers.get("x-ms-user-quota-resets-after", "")))
        return answer

    def get(self, path: str, what: str) -> Any:
        """What is at a path with its query. Raises NotCheckedError."""
        return self._send("GET", path, what).body

    def listed(self, path: str, what: str) -> Iterator[dict[str, Any]]:
        """The items of a list, following `nextLink`. Raises NotCheckedError."""
        url = self._url(path)
        for _ in range(MAX_PAGES):
            body = self._send("GET", url, what).body
            items = body.get("value") if isinstance(body, dict) else None
            if not isinstance(items, list):
                raise NotCheckedError(f"{what}: the answer is no list")
            yield from (item for item in items if isinstance(item, dict))
            url = body.get("nextLink")
            if not isinstance(url, str) or not url:
                return
        raise NotCheckedError(f"{what}: more than {MAX_PAGES} pages")

    def locks(self, subscription: str, group: str = "") -> list[dict[str, Any]]:
        """The locks on a subscription and everything in it, or on a group and what is in it. Raises NotCheckedError."""
        scope = f"/subscriptions/{subscription}" + (f"/resourceGroups/{quote(group)}" if group else "")
        path = f"{scope}/providers/Microsoft.Authorization/locks?api-version={LOCKS}"
        return list(self.listed(path, "locks"))

    def exported(self, subscription: str, group: str, ids: list[str]) -> dict[str, Any]:
        """A resource group as a template: `template`, and `error` where a part of it could not be exported. Raises
        NotCheckedError."""
        what = f"export of resource group {group}"
        body = {"resources": ids, "options": "SkipAllParameterization"}

        def export() -> Any:
            operations = self._client(subscription).resource_groups
            poller: Any = operations.begin_export_template(group, body, polling_interval=self._retries.poll)
            return poller.result(self._retries.deadline)

        result = self._answered(what, export)
        found: dict[str, Any] = result.as_dict()
        return found

    def what_if(self, scope: str, name: str, body: Mapping[str, Any]) -> dict[str, Any]:
        """What a deployment would change. Raises NotCheckedError."""
        path = f"{scope}/providers/Microsoft.Resources/deployments/{quote(name)}/whatIf?api-version="
        try:
            answer = self._send("POST", path + WHAT_IF[0], "what-if", body)
        except NotCheckedError as error:
            if error.code not in UNKNOWN_VERSION:
                raise
            answer = self._send("POST", path + WHAT_IF[1], "what-if", body)
        deadline = time.monotonic() + self._retries.deadline
        while answer.status == 202:
            where = answer.headers.get("location") or answer.headers.get("azure-asyncoperation")
            if not where:
                raise NotCheckedError("what-if: accepted, without saying where the result will be")
            if time.monotonic() > deadline:
                raise NotCheckedError(f"what-if: no result after {self._retries.deadline:g} seconds")
            self._wait(_number(answer.headers.get("retry-after"), self._retries.poll))
            answer = self._send("GET", where, "what-if")
        return answer.body if isinstance(answer.body, dict) else {}

    # -- sending -----------------------------------------------------------------------------------------------------

    def _url(self, path: str) -> str:
        return self.cloud.endpoint + path if path.startswith("/") else path

    def _send(self, method: str, path: str, what: str, body: Mapping[str, Any] | None = None) -> Answer:
        from azure.core.rest import HttpRequest

        def send() -> HttpResponse:
            request = HttpRequest(method, self._url(path), json=body)
            client = self._client(NO_SUBSCRIPTION)
            return client.send_request(request, retry_on_methods=READABLE)

        with self._counting:
            self.requests += 1
        response = self._answered(what, send)
        if response.status_code not in (200, 202):
            raise refused(what, response.status_code, *_error(response))
        try:
            data = response.json() if response.content else None
        except ValueError as error:
            raise NotCheckedError(f"{what}: the answer is no JSON") from error
        headers = {name.lower(): value for name, value in response.headers.items()}
        return Answer(response.status_code, data, headers)

    def _answered(self, what: str, work: Callable[[], Any]) -> Any:
        """The result of a call of the SDK. Raises NotCheckedError, and UsageError where nobody is signed in."""
        from azure.core.exceptions import AzureError, ClientAuthenticationError, HttpResponseError

        try:
            return work()
        except RefusedError as error:
            raise NotCheckedError(f"{what}: {error}") from error
        except HttpResponseError as error:
            if isinstance(error, ClientAuthenticationError) and error.response is None:
                raise UsageError(SIGN_IN) from error
            if (error.status_code or 0) < 300:  # what came could not be decoded
                raise NotCheckedError(f"{what}: the answer is no JSON") from error
            code = error.error.code if error.error is not None else ""
            message = error.error.message if error.error is not None else error.reason
            raise refused(what, error.status_code or 0, str(code or ""), str(message or "")) from error
        except AzureError as error:
            raise unanswered(what, type(error).__name__) from error

    def _client(self, subscription: str) -> ResourceManagementClient:
        found = self._clients.get(subscription)
        if found is None:
            found = self._clients[subscription] = self._made(subscription)
        return found

    def _made(self, subscription: str) -> ResourceManagementClient:
        try:
            from azure.mgmt.resource.resources import ResourceManagementClient
        except ImportError as error:
            raise UsageError(INSTALL) from error
        _quiet()
        return ResourceManagementClient(
            self._credential,
            subscription,
            base_url=self.cloud.endpoint,
            credential_scopes=[f"{self.cloud.audience}/.default"],
            per_retry_policies=[_guard(self.cloud.endpoint)],
            **self._patience(),
        )

    def _patience(self) -> dict[str, Any]:
        retries = self._retries
        return {
            "retry_total": retries.total,
            "retry_connect": min(3, retries.total),
            "retry_read": min(3, retries.total),
            "retry_status": retries.total,
            "retry_backoff_factor": retries.first,
            "retry_backoff_max": retries.longest,
            "connection_timeout": retries.connect,
            "read_timeout": retries.read,
        }

    def _described(self, cloud: Cloud) -> Cloud:
        """A cloud by the metadata of its Resource Manager, which need no sign-in. Raises UsageError."""
        try:
            from azure.core import PipelineClient
            from azure.core.exceptions import AzureError
            from azure.core.pipeline.policies import RetryPolicy
            from azure.core.rest import HttpRequest
        except ImportError as error:
            raise UsageError(INSTALL) from error
        policies = [RetryPolicy(**self._patience()), _guard(cloud.endpoint)]
        try:
            with PipelineClient[Any, Any](cloud.endpoint, policies=policies, **self._patience()) as client:
                data = client.send_request(HttpRequest("GET", cloud.endpoint + METADATA)).json()
        except (AzureError, ValueError) as error:
            raise UsageError(f"--cloud {cloud.name}: its metadata cannot be read ({type(error).__name__})") from error
        return _of_metadata(cloud, data)


def _of_metadata(cloud: Cloud, data: Any) -> Cloud:
    """The cloud of that endpoint, by what `/metadata/endpoints` says. Raises UsageError."""
    entries = data if isinstance(data, list) else [data]
    for entry in entries:
        login = entry.get("authentication") if isinstance(entry, dict) else None
        if isinstance(login, dict) and login.get("audiences") and login.get("loginEndpoint"):
            authority = str(login["loginEndpoint"]).removeprefix("https://").strip("/")
            audience = str(login["audiences"][0]).rstrip("/")
            portal = str(entry.get("portal") or "").rstrip("/")
            return Cloud(cloud.name, cloud.endpoint, audience, authority, portal or cloud.endpoint, known=False)
    raise UsageError(f"--cloud {cloud.name}: its metadata name no authority and no audience")


def _guard(endpoint: str) -> Any:
    """A policy of the SDK's pipeline that refuses what `guard.refusal` refuses."""
    from azure.core.pipeline.policies import SansIOHTTPPolicy

    class ReadOnly(SansIOHTTPPolicy[Any, Any]):
        """See `_guard`."""

        def on_request(self, request: Any) -> None:
            """Raises RefusedError. Sits behind the retries and before the token."""
            why = refusal(request.http_request.method, request.http_request.url, endpoint)
            if why:
                raise RefusedError(f"refused: {why}")

    return ReadOnly()


def _error(response: HttpResponse) -> tuple[str, str]:
    """Code and message of an answer that is an error, as Resource Manager writes them."""
    try:
        data = response.json()
    except ValueError:
        return "", response.reason or ""
    error = data.get("error") if isinstance(data, dict) else None
    if not isinstance(error, dict):
        return "", response.reason or ""
    return str(error.get("code") or ""), str(error.get("message") or "")


def _seconds(text: str) -> float:
    """`00:00:05` as seconds; five where it is written otherwise."""
    parts = text.split(":")
    if len(parts) != 3 or not all(part.replace(".", "", 1).isdigit() for part in parts):
        return 5
    hours, minutes, seconds = map(float, parts)
    return min(300, hours * 3600 + minutes * 60 + seconds)


def _number(text: str | None, otherwise: float) -> float:
    try:
        return min(300, max(0, float(text))) if text is not None else otherwise
    except ValueError:
        return otherwise
