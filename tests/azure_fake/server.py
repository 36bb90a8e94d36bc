"""The server: HTTP/1.1 over TLS on the loopback, with faults on demand.

Tokens are asked for and counted, pages are cut with `$skipToken` and `nextLink`, exports and what-if are long-running
operations behind 202 and `Location`, errors are those of Resource Manager. A `Fault` answers in place of the service
for the requests it fits, some number of times.
"""

from __future__ import annotations

import atexit
import base64
import json
import re
import shutil
import ssl
import tempfile
import threading
import time
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from functools import cache
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, NamedTuple, Protocol
from urllib.parse import parse_qs, unquote, urlsplit

import trustme

from azure_fake.kql import Query, QueryError
from azure_fake.rows import Row

PAGE = 1000
TOKEN = "a-token-that-must-never-be-printed"


class Store(Protocol):
    """Where rows come from."""

    def rows(self, table: str, subscriptions: frozenset[str] | None) -> Iterable[Row]:
        """See Tables."""
        ...

    def locks(self, subscription_: str) -> list[Row]:
        """See Tables."""
        ...


class Request(NamedTuple):
    """What came in."""

    method: str
    path: str
    query: Mapping[str, list[str]]
    body: Any
    headers: Mapping[str, str]


class Response(NamedTuple):
    """What goes out; without a status the connection is cut."""

    status: int
    body: Any = None
    headers: Mapping[str, str] = {}


def error(status: int, code: str, message: str = "as told", headers: Mapping[str, str] | None = None) -> Response:
    """An error as Resource Manager writes it."""
    return Response(status, {"error": {"code": code, "message": message}}, headers or {})


@dataclass
class Fault:
    """Answers in place of the service: `answer` for requests whose method and path match, `times` times (-1: always),
    after `after` of them went through."""

    match: str
    answer: Response | Callable[[Request], Response | None]
    times: int = 1
    after: int = 0
    seen: int = field(default=0, init=False)

    def fits(self, request: Request) -> Response | None:
        """The answer, where it is this fault's turn."""
        if re.search(self.match, f"{request.method} {request.path} {json.dumps(request.body)}", re.IGNORECASE) is None:
            return None
        self.seen += 1
        if self.seen <= self.after or (self.times >= 0 and self.seen > self.after + self.times):
            return None
        return self.answer if isinstance(self.answer, Response) else self.answer(request)


class Fake:
    """The service. `requests` is everything that came in; `port` is there after `start`."""

    def __init__(self, store: Store) -> None:
        self.store = store
        self.faults: list[Fault] = []
        self.requests: list[Request] = []
        self.exports: dict[str, Callable[[Request], Row]] = {}
        self.what_ifs: Callable[[Request], Row] | None = None
        self.children: dict[str, list[Row]] = getattr(store, "children", {})
        self.documents: dict[str, Row] = getattr(store, "documents", {})
        self.limit = PAGE
        self.stall = 0.0
        self._operations: dict[str, tuple[int, Row]] = {}
        self._pages: dict[str, list[Row]] = {}
        self._lock = threading.Lock()
        self.ca, certificate = _certificates()
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        certificate.configure_cert(context)
        self._server = _Server(("127.0.0.1", 0), _handler(self))
        self._server.socket = context.wrap_socket(self._server.socket, server_side=True, do_handshake_on_connect=False)
        self.endpoint = f"https://localhost:{self._server.server_address[1]}"

    def __enter__(self) -> Fake:
        threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()

    # -- answers -----------------------------------------------------------------------------------------------------

    def answer(self, request: Request) -> Response:
        """What the service says."""
        with self._lock:
            self.requests.append(request)
            fault = next((found for each in self.faults if (found := each.fits(request)) is not None), None)
        if fault is not None:
            return fault
        if request.path.lower() == "/metadata/endpoints":
            return Response(200, [self._metadata()])
        if request.path.lower().endswith("/.well-known/openid-configuration"):
            return Response(200, self._openid(request.path))
        if request.path.lower().endswith("/oauth2/v2.0/token"):
            return Response(200, {"token_type": "Bearer", "expires_in": 3600, "access_token": TOKEN})
        if request.headers.get("authorization") != f"Bearer {TOKEN}":
            return error(401, "AuthenticationFailed", "Authentication failed.")
        return self._routed(request)

    def _routed(self, request: Request) -> Response:
        path = request.path.lower()
        if path.startswith("/operations/"):
            return self._operation(path)
        if "api-version" not in request.query:
            return error(400, "MissingApiVersionParameter")
        if request.method == "POST" and path == "/providers/microsoft.resourcegraph/resources":
            return self._graph(request)
        if request.method == "POST" and path.endswith("/exporttemplate"):
            return self._export(request)
        if request.method == "POST" and path.endswith("/whatif"):
            return self._what_if(request)
        if request.method == "GET" and path.endswith("/providers/microsoft.authorization/locks"):
            return self._locks(request)
        if request.method == "GET" and path in {each.lower() for each in self.children}:
            found = next(rows for each, rows in self.children.items() if each.lower() == path)
            return Response(200, {"value": found})
        if request.method == "GET" and path in {each.lower() for each in self.documents}:
            return Response(200, next(row for each, row in self.documents.items() if each.lower() == path))
        return error(404, "ResourceNotFound", f"nothing is at {request.path}")

    # -- Resource Graph ----------------------------------------------------------------------------------------------

    def _graph(self, request: Request) -> Response:
        options = request.body.get("options", {})
        if options.get("resultFormat") != "objectArray" or not 1 <= options.get("$top", 100) <= PAGE:
            return error(400, "BadRequest", "options")
        try:
            found = self._found(request, options)
        except QueryError as problem:
            return error(400, "BadRequest", str(problem))
        if isinstance(found, Response):
            return found
        rows, limited = found
        start = int(base64.b64decode(options["$skipToken"])) if "$skipToken" in options else 0
        page = rows[start : start + min(options.get("$top", 100), self.limit)]
        more = start + len(page) < len(rows)
        body: Row = {
            "totalRecords": len(rows),
            "count": len(page),
            "data": page,
            "facets": [],
            "resultTruncated": "true" if more and limited else "false",
        }
        if more and not limited and any(isinstance(value, str) for row in page for value in row.values()):
            body["$skipToken"] = base64.b64encode(str(start + len(page)).encode()).decode()
        headers = {"x-ms-user-quota-remaining": "14", "x-ms-user-quota-resets-after": "00:00:05"}
        return Response(200, body, headers)

    def _found(self, request: Request, options: Row) -> tuple[list[Row], bool] | Response:
        query = Query(request.body["query"])
        wanted = request.body.get("subscriptions")
        scope = None if wanted is None else frozenset(each.lower() for each in wanted)
        if request.body.get("managementGroups"):
            scope = self._below(request.body["managementGroups"])
            if not scope:
                return error(403, "AuthorizationFailed", "no management group of that id")
        if scope is None and " id in~ " in request.body["query"]:  # an index by id, so to say
            scope = frozenset(re.findall(r"'/subscriptions/([0-9a-f-]{36})/", request.body["query"].lower()))
        above = "AtScopeAboveAndBelow" in str(options.get("authorizationScopeFilter", ""))
        rows = self.store.rows(query.table, scope)
        if query.table == "policyresources" and not above and scope is not None:
            rows = (each for each in rows if each["subscriptionId"])
        return query.run(rows), query.limited

    def _below(self, groups: list[str]) -> frozenset[str]:
        wanted = {group.lower() for group in groups}
        return frozenset(
            row["subscriptionId"].lower()
            for row in self.store.rows("resourcecontainers", None)
            if wanted & {each["name"].lower() for each in row["properties"].get("managementGroupAncestorsChain", ())}
        )

    # -- lists and operations ----------------------------------------------------------------------------------------

    def _locks(self, request: Request) -> Response:
        """Two locks on a page, so that lists have pages."""
        parts = request.path.split("/")
        group = f"/resourcegroups/{unquote(parts[4])}/".lower() if parts[3].lower() == "resourcegroups" else ""
        found = [each for each in self.store.locks(parts[2]) if group in f"{each['id']}/".lower()]
        start = int(request.query.get("$skiptoken", ["0"])[0])
        body: Row = {"value": found[start : start + 2]}
        if start + 2 < len(found):
            body["nextLink"] = f"{self.endpoint}{request.path}?api-version=2020-05-01&$skiptoken={start + 2}"
        return Response(200, body)

    def _export(self, request: Request) -> Response:
        group = unquote(request.path.split("/")[4]).lower()
        made = self.exports.get(group)
        if made is None:
            return error(404, "ResourceGroupNotFound", f"Resource group '{group}' could not be found.")
        ids = request.body.get("resources", [])
        result = made(request)
        if ids == ["*"] and len(result["template"]["resources"]) > 200:
            return error(
                409,
                "ExportTemplateResourceGroupTooManyResources",
                "Export template is not supported for resource groups more than 200 resources.",
            )
        return self._accepted(result)

    def _what_if(self, request: Request) -> Response:
        if self.what_ifs is None:
            return error(404, "NotFound")
        return self._accepted(self.what_ifs(request))

    def _accepted(self, result: Row) -> Response:
        """202 with the place of the result, which is there at the third look."""
        with self._lock:
            key = f"/operations/{len(self._operations) + 1}"
            self._operations[key] = (2, result)
        return Response(202, None, {"Location": f"{self.endpoint}{key}?api-version=1", "Retry-After": "0"})

    def _operation(self, path: str) -> Response:
        with self._lock:
            left, result = self._operations[path]
            self._operations[path] = (left - 1, result)
        if left > 0:
            return Response(202, None, {"Location": f"{self.endpoint}{path}?api-version=1", "Retry-After": "0"})
        return Response(200, result)

    # -- signing in --------------------------------------------------------------------------------------------------

    def _metadata(self) -> Row:
        return {
            "name": "Loopback",
            "portal": "https://portal.example",
            "resourceManager": f"{self.endpoint}/",
            "authentication": {
                "loginEndpoint": f"{self.endpoint}/",
                "audiences": [f"{self.endpoint}/"],
                "tenant": "common",
                "identityProvider": "AAD",
            },
        }

    def _openid(self, path: str) -> Row:
        base = f"{self.endpoint}/{path.split('/')[1]}"
        return {
            "issuer": f"{base}/v2.0",
            "authorization_endpoint": f"{base}/oauth2/v2.0/authorize",
            "token_endpoint": f"{base}/oauth2/v2.0/token",
            "device_authorization_endpoint": f"{base}/oauth2/v2.0/devicecode",
        }


@cache
def _certificates() -> tuple[Path, trustme.LeafCert]:
    """A throw-away authority, in a file, and a certificate of it for the loopback; made once for a run of tests."""
    authority = trustme.CA()
    directory = Path(tempfile.mkdtemp(prefix="bklint-tests-"))
    atexit.register(shutil.rmtree, directory, True)
    file = directory / "ca.pem"
    authority.cert_pem.write_to_path(str(file))
    return file, authority.issue_cert("localhost", "127.0.0.1")


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 64

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that goes away is no matter; warnings in threads would fail the tests."""

    def finish_request(self, request: Any, client_address: Any) -> None:
        """The handshake happens in the thread of the request, so that a bad client stops nobody."""
        with suppress(OSError):
            request.do_handshake()
            super().finish_request(request, client_address)


def _handler(fake: Fake) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        disable_nagle_algorithm = True
        wbufsize = 1 << 16

        def _serve(self) -> None:
            length = int(self.headers.get("Content-Length") or 0)
            raw = self.rfile.read(length)
            parts = urlsplit(self.path)
            body = None
            with suppress(ValueError):
                body = json.loads(raw) if raw else None
            headers = {name.lower(): value for name, value in self.headers.items()}
            request = Request(self.command, unquote(parts.path), parse_qs(parts.query), body, headers)
            response = fake.answer(request)
            if response.status == 0:
                self.close_connection = True
                return
            if fake.stall:
                time.sleep(fake.stall)
            data = response.body if isinstance(response.body, bytes) else _json(response.body)
            self.send_response(response.status)
            for name, value in response.headers.items():
                self.send_header(name, value)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)
            self.wfile.flush()

        do_GET = do_POST = do_PUT = do_DELETE = do_PATCH = do_HEAD = _serve  # noqa: N815 - names of the library

        def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the name of the library
            """Say nothing."""

    return Handler


def _json(data: Any) -> bytes:
    return b"" if data is None else json.dumps(data).encode()
