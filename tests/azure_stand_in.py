"""Azure on this machine: logs, ARM, metrics, Resource Graph and a managed identity, over loopback.

    with AzureStandIn() as azure:
        azure.tables["AzureDiagnostics"] = [{"TimeGenerated": "2026-11-22T03:14:15Z", ...}]
        azure.arm[gateway_id] = {"name": "vpn-hub", "properties": {...}}
        azure.metrics[gateway_id] = [{"name": {...}, "timeseries": [...]}]
        azure.once("/query", Reply(status=503), closed)   # the next two queries
        os.environ.update(azure.environment())
        ...
        assert 1 == len(azure.asked("/query"))

The logs are answered by executing the posted KQL over `tables`, in the formats of the real API
(https://learn.microsoft.com/azure/azure-monitor/logs/api/overview). Everything but the managed
identity speaks TLS, as the SDK insists, under a certificate authority made for the occasion.
"""

from __future__ import annotations

import ssl
import threading
from collections import defaultdict, deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime
from itertools import repeat
from pathlib import Path
from tempfile import TemporaryDirectory
from types import TracebackType
from typing import Any, Self
from urllib.parse import unquote

import trustme

from detector.signals.row import instant
from tests.log_tables import LogTables, SemanticError
from tests.loopback import LoopbackServer, Reply, Request
from tests.resource_graph import Graph

_METRICS = "/providers/microsoft.insights/metrics"

Fault = Reply | Callable[[Callable[[], Reply]], Reply]
"""A reply instead of the true one, or what makes one out of (a call for) the true one."""


def truncated(truth: Callable[[], Reply]) -> Reply:
    """The true reply without its last bytes."""
    reply = truth()
    content = reply.content()
    return Reply(status=reply.status, body=content[:-9], headers=reply.headers, missing=9)


def closed(truth: Callable[[], Reply]) -> Reply:
    """No reply at all: the connection is closed."""
    return Reply(status=0)


class AzureStandIn:
    """A stand-in for Azure; what it answers with and what it was asked are its attributes.

    `tables` are what every scope's logs hold, but for the scopes that `scopes` has tables for: the
    GUID of a workspace or an ARM id in lower case. A query yields `row_limit` rows at most, and no
    word of the others; beyond `partial_limit` rows the answer says that it is partial. `arm` holds
    bodies (or replies) by path, in any case; `metrics` the `value` of each resource, by its id.
    `graph` is what Resource Graph knows.
    """

    def __init__(self) -> None:
        self.tables = LogTables(AzureDiagnostics=[], AzureActivity=[])
        self.scopes: dict[str, LogTables] = {}
        self.row_limit = 500_000
        self.partial_limit = 500_000
        self.permissions: object = None
        self.arm: dict[str, object] = {}
        self.metrics: dict[str, object] = {}
        self.graph = Graph()
        self.requests: list[Request] = []
        self.most_in_flight = 0
        self._in_flight = 0
        self._faults: dict[str, deque[Iterator[Fault]]] = defaultdict(deque)
        self._lock = threading.Lock()
        self._released = threading.Event()
        self._until_exit = ExitStack()

    def __enter__(self) -> Self:
        folder = Path(self._until_exit.enter_context(TemporaryDirectory()))
        self._authority = folder / "authority.pem"
        authority = trustme.CA(key_type=trustme.KeyType.ECDSA)
        authority.cert_pem.write_to_path(str(self._authority))
        tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        authority.issue_cert("127.0.0.1", key_type=trustme.KeyType.ECDSA).configure_cert(tls)
        self._azure = self._until_exit.enter_context(LoopbackServer(self.reply_to, tls))
        self._identity = self._until_exit.enter_context(LoopbackServer(self.reply_to))
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._released.set()
        self._until_exit.close()

    @property
    def url(self) -> str:
        """Where the logs, ARM and the metrics are."""
        return f"https://127.0.0.1:{self._azure.server_port}"

    def environment(self) -> dict[str, str]:
        """The environment that points the detector, and DefaultAzureCredential, here."""
        return {
            "DETECTOR_LOGS_ENDPOINT": self.url,
            "DETECTOR_ARM_ENDPOINT": self.url,
            "DETECTOR_METRICS_ENDPOINT": self.url,
            "REQUESTS_CA_BUNDLE": str(self._authority),
            "IDENTITY_ENDPOINT": f"http://127.0.0.1:{self._identity.server_port}/msi/token",
            "IDENTITY_HEADER": "stand-in",
            "AZURE_TOKEN_CREDENTIALS": "ManagedIdentityCredential",
        }

    def once(self, path: str, *faults: Fault) -> None:
        """Meet the next requests whose path contains `path` with `faults`, one for each.

        A member of a batch has the path of its own query after `/$batch`.
        """
        self._faults[path].append(iter(faults))

    def always(self, path: str, fault: Fault) -> None:
        """Meet all further requests whose path contains `path` with `fault`."""
        self._faults[path].append(repeat(fault))

    def hangs(self, truth: Callable[[], Reply]) -> Reply:
        """A fault: nothing comes until `release`, and then the connection is closed."""
        self._released.wait()
        return closed(truth)

    def release(self) -> None:
        """Let go of the requests that hang."""
        self._released.set()

    def asked(self, path: str) -> list[Request]:
        """The requests so far whose path contains `path`, in the order in which they came."""
        return [request for request in self.requests if path in request.path]

    def reply_to(self, request: Request) -> Reply:
        """Note `request`; what it is answered with."""
        with self._lock:
            self.requests.append(request)
        with self._flying(_queries_of(request)):
            return self._met(request.path, lambda: self._truth(request))

    def _met(self, path: str, truth: Callable[[], Reply]) -> Reply:
        with self._lock:
            fault = self._fault(path)
        if fault is None:
            return truth()
        return fault if isinstance(fault, Reply) else fault(truth)

    def _fault(self, path: str) -> Fault | None:
        for part, queue in self._faults.items():
            while part in path and queue:
                fault = next(queue[0], None)
                if fault is not None:
                    return fault
                queue.popleft()
        return None

    def _truth(self, request: Request) -> Reply:
        path = request.path
        if path.endswith("/msi/token"):
            return Reply(body=_token(request))
        if request.method == "POST" and path.endswith("/$batch"):
            members = request.body["requests"]
            return Reply(body={"responses": [self._member(member) for member in members]})
        if request.method == "POST" and path.startswith("/v1/") and path.endswith("/query"):
            return self._logs(path.removeprefix("/v1").removesuffix("/query"), request.body)
        if request.method == "POST" and path == "/providers/Microsoft.ResourceGraph/resources":
            return self.graph.reply(request.body)
        if request.method == "POST" and path.endswith("/metrics:getBatch"):
            return self._batch_of_metrics(request.body["resourceids"])
        if request.method == "GET" and path.lower().endswith(_METRICS):
            return self._metrics_of(path[: -len(_METRICS)])
        if request.method == "POST" and path.startswith("/dataCollectionRules/"):
            return Reply(status=204)
        bodies = {known.lower(): body for known, body in self.arm.items()}
        body = bodies.get(path.lower())
        if request.method != "GET" or body is None:
            return _error(404, "ResourceNotFound", f"The Resource '{path}' was not found.")
        return body if isinstance(body, Reply) else Reply(body=body)

    def _member(self, member: Mapping[str, Any]) -> dict[str, object]:
        scope = f"/workspaces/{member['workspace']}"
        reply = self._met(f"/$batch{scope}/query", lambda: self._logs(scope, member["body"]))
        return {
            "id": member["id"],
            "status": reply.status,
            "headers": dict(reply.headers),
            "body": reply.body.decode() if isinstance(reply.body, bytes) else reply.body,
        }

    def _logs(self, path: str, asked: Mapping[str, Any]) -> Reply:
        """The answer of one scope; `path` is `/workspaces/<guid>` or, with any slashes, an id."""
        scope = f"/{path.lstrip('/')}".lower()
        tables = self.scopes.get(scope.removeprefix("/workspaces/"), self.tables)
        since, until = (instant(text) for text in asked["timespan"].split("/"))
        try:
            result = tables.query(asked["query"], since=since, until=until)
        except SemanticError as error:
            return _semantic_error(str(error))
        kept = min(self.row_limit, self.partial_limit)
        body: dict[str, object] = {
            "tables": [
                {
                    "name": "PrimaryResult",
                    "columns": [{"name": name, "type": kind} for name, kind in result.columns],
                    "rows": result.rows[:kept],
                }
            ]
        }
        if len(result.rows) > self.partial_limit:
            body["error"] = _partial_error()
        if self.permissions is not None:
            body["permissions"] = self.permissions
        return Reply(body=body)

    def _batch_of_metrics(self, ids: Sequence[str]) -> Reply:
        span = {"starttime": "2026-01-01T00:00:00Z", "endtime": "2026-01-01T01:00:00Z"}
        values = [self._answered(resource) | span | {"resourceid": resource} for resource in ids]
        return Reply(body={"values": values})

    def _metrics_of(self, resource: str) -> Reply:
        span = {"timespan": "2026-01-01T00:00:00Z/2026-01-01T01:00:00Z", "cost": 59}
        return Reply(body=self._answered(resource) | span)

    def _answered(self, resource: str) -> dict[str, object]:
        known = {known.lower(): value for known, value in self.metrics.items()}
        return {
            "interval": "PT5M",
            "namespace": "Microsoft.Network/virtualNetworkGateways",
            "resourceregion": "westeurope",
            "value": known.get(resource.lower(), []),
        }

    @contextmanager
    def _flying(self, queries: int) -> Iterator[None]:
        with self._lock:
            self._in_flight += queries
            self.most_in_flight = max(self.most_in_flight, self._in_flight)
        try:
            yield
        finally:
            with self._lock:
                self._in_flight -= queries


def _queries_of(request: Request) -> int:
    """How many log queries `request` makes Azure run at once."""
    if request.path.endswith("/$batch"):
        return len(request.body["requests"])
    return 1 if request.path.endswith("/query") else 0


def _token(request: Request) -> dict[str, str]:
    far = int(datetime(2100, 1, 1, tzinfo=UTC).timestamp())
    resource = unquote(request.query.rpartition("resource=")[2].partition("&")[0])
    return {
        "access_token": "stand-in",
        "expires_on": str(far),
        "resource": resource,
        "token_type": "Bearer",
    }


def _error(status: int, code: str, message: str) -> Reply:
    return Reply(status=status, body={"error": {"code": code, "message": message}})


def _semantic_error(message: str) -> Reply:
    inner = {"code": "SEM0100", "message": message}
    return Reply(
        status=400,
        body={
            "error": {
                "message": "The request had some invalid properties",
                "code": "BadArgumentError",
                "innererror": {
                    "code": "SemanticError",
                    "message": "A semantic error occurred.",
                    "innererror": inner,
                },
            }
        },
    )


def _partial_error() -> dict[str, object]:
    return {
        "code": "PartialError",
        "message": "There were some errors when processing your query.",
        "details": [{"code": "EngineError", "message": "Query result set has exceeded its limit."}],
    }
