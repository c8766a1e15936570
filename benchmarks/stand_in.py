"""A fleet whose gateways all failed over, and Azure around it, in a process of its own.

    with StandIn.started(1000) as azure:
        subprocess.run([...], env={**os.environ, **azure.environment})
        azure.counts()   # {"arm": 12, "storage": 5004, ...}

Azure Resource Manager, Resource Graph, the metrics and the logs speak TLS to the real clients; each
answer but the logs' takes 50 ms. ARM and Resource Graph refuse above the rates that Azure publishes
(https://learn.microsoft.com/azure/azure-resource-manager/management/request-limits-and-throttling,
https://learn.microsoft.com/azure/governance/resource-graph/concepts/guidance-for-throttled-requests).
Storage is a thin stand-in of a millisecond or two beside its latency, so that what is measured is
the detector; `benchmarks.night --azurite` takes a real Azurite instead.
"""

from __future__ import annotations

import json
import ssl
import subprocess
import sys
import threading
import time
import urllib.request
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final

import trustme

from benchmarks.storage import ThinStorage
from detector.signals import COLUMNS
from tests.azurite import ACCOUNT, KEY
from tests.loopback import LoopbackServer, Reply, Request

ROOT: Final = Path(__file__).parent.parent
WORKSPACE: Final = "11111111-2222-4333-8444-555555555555"
PER_SUBSCRIPTION: Final = 250
TUNNELS: Final = 4

LATENCY_SECONDS: Final = 0.05
STORAGE_LATENCY_SECONDS: Final = 0.005

PAGE: Final = 1000
"""The most records that Resource Graph puts on a page."""

_GRAPH: Final = "/providers/Microsoft.ResourceGraph/resources"
_METRICS: Final = "/providers/microsoft.insights/metrics"


class Bucket:
    """Azure's token bucket: `size` requests at once, and `rate` a second after that."""

    def __init__(self, size: int, rate: float) -> None:
        self._size, self._rate = size, rate
        self._tokens, self._at = float(size), time.monotonic()

    def take(self) -> int:
        """The tokens that are left after this request, or -1 where there was none for it."""
        now = time.monotonic()
        self._tokens = min(self._size, self._tokens + (now - self._at) * self._rate)
        self._at = now
        if self._tokens < 1:
            return -1
        self._tokens -= 1
        return int(self._tokens)


class Quota:
    """Resource Graph's: so many queries in each window of seconds."""

    QUERIES: Final = 15
    SECONDS: Final = 5.0

    def __init__(self) -> None:
        self._began, self._used = 0.0, self.QUERIES

    def take(self) -> tuple[int, float]:
        """What is left (-1: nothing was left), and the seconds until all is there again."""
        now = time.monotonic()
        if now - self._began >= self.SECONDS:
            self._began, self._used = now, 0
        self._used += 1
        return max(self.QUERIES - self._used, -1), self._began + self.SECONDS - now


def subscription_of(number: int) -> str:
    """The subscription that the gateway of this number is in."""
    return f"/subscriptions/0f0f0f0f-0000-4000-8000-{number // PER_SUBSCRIPTION:012d}"


def network_of(number: int) -> str:
    """The provider that holds what belongs to the gateway of this number."""
    return f"{subscription_of(number)}/resourceGroups/rg-hub/providers/Microsoft.Network"


def gateway_of(number: int) -> dict[str, Any]:
    """A gateway as ARM has it, active-standby, its VIP in its own body."""
    own_id = f"{network_of(number)}/virtualNetworkGateways/vpn-{number:05d}"
    configuration = f"{own_id}/ipConfigurations/default"
    network = f"{network_of(number)}/virtualNetworks/vnet-{number:05d}"
    return {
        "id": own_id,
        "name": f"vpn-{number:05d}",
        "type": "microsoft.network/virtualnetworkgateways",
        "location": "westeurope",
        "properties": {
            "gatewayType": "Vpn",
            "vpnType": "RouteBased",
            "vpnGatewayGeneration": "Generation1",
            "activeActive": False,
            "sku": {"name": "VpnGw1AZ", "tier": "VpnGw1AZ"},
            "ipConfigurations": [
                {
                    "id": configuration,
                    "properties": {"subnet": {"id": f"{network}/subnets/GatewaySubnet"}},
                }
            ],
            "bgpSettings": {
                "bgpPeeringAddresses": [
                    {"ipconfigurationId": configuration, "tunnelIpAddresses": ["203.0.113.10"]}
                ]
            },
        },
    }


def connections_of(number: int) -> Iterator[dict[str, Any]]:
    """The connections of a gateway as ARM lists them, which is without their states."""
    for tunnel in range(TUNNELS):
        name = f"conn-{number:05d}-{tunnel}"
        peer = f"{network_of(number)}/localNetworkGateways/lng-{number:05d}-{tunnel}"
        yield {
            "id": f"{network_of(number)}/connections/{name}",
            "name": name,
            "type": "microsoft.network/connections",
            "properties": {
                "connectionType": "IPsec",
                "virtualNetworkGateway1": {"id": gateway_of(number)["id"]},
                "localNetworkGateway2": {"id": peer},
            },
        }


def peers_of(number: int) -> Iterator[dict[str, Any]]:
    """The local network gateways that a gateway's connections lead to."""
    for tunnel in range(TUNNELS):
        name = f"lng-{number:05d}-{tunnel}"
        yield {
            "id": f"{network_of(number)}/localNetworkGateways/{name}",
            "name": name,
            "type": "microsoft.network/localnetworkgateways",
            "properties": {"gatewayIpAddress": f"198.51.100.{10 + tunnel}"},
        }


def rows_of(gateways: int, at: datetime) -> Iterator[list[str]]:
    """Every tunnel moved to the other instance within 12 seconds, a gateway every few ms."""
    for number in range(gateways):
        gateway_id = gateway_of(number)["id"].lower()
        began = at + timedelta(milliseconds=5 * number)
        for tunnel in range(TUNNELS):
            for instance, state in enumerate(("Disconnected", "Connected")):
                columns = dict.fromkeys(COLUMNS, "") | {
                    "TimeGenerated": (began + timedelta(seconds=12 * instance)).isoformat(),
                    "ResourceId": gateway_id,
                    "Source": "TunnelDiagnosticLog",
                    "Operation": f"Tunnel{state}",
                    "Status": state,
                    "Instance": f"GatewayTenantWorker_IN_{instance}",
                    "RemoteIp": f"198.51.100.{10 + tunnel}",
                }
                yield list(columns.values())


class Azure:
    """What the stand-in answers with, and how often it was asked."""

    def __init__(self, gateways: int) -> None:
        self._lock = threading.Lock()
        self.counts: Counter[str] = Counter()
        self.delivered: list[float] = []
        self._buckets: dict[str, Bucket] = defaultdict(partial(Bucket, 250, 25))
        self._quota = Quota()
        self._bodies: dict[str, dict[str, Any]] = {}
        self._listed: dict[str, list[dict[str, Any]]] = {}
        for number in range(gateways):
            gateway, own = gateway_of(number), list(connections_of(number))
            self._listed[gateway["id"].lower()] = own
            for body in (gateway, *own, *peers_of(number)):
                self._bodies[body["id"].lower()] = body
        at = datetime.now(UTC) - timedelta(minutes=10)
        columns = [
            {"name": n, "type": "datetime" if not i else "string"} for i, n in enumerate(COLUMNS)
        ]
        table = {"name": "PrimaryResult", "columns": columns, "rows": list(rows_of(gateways, at))}
        self._rows = json.dumps({"tables": [table]}).encode()
        self._none = json.dumps({"tables": [{**table, "rows": []}]}).encode()
        covered = [["TunnelDiagnosticLog", each] for each in self._listed]
        columns = [{"name": name, "type": "string"} for name in ("Source", "Resource")]
        table = {"name": "PrimaryResult", "columns": columns, "rows": covered}
        self._coverage = json.dumps({"tables": [table]}).encode()
        self._averages = _averages(at)

    def reply_to(self, request: Request) -> Reply:
        """Answer as Azure would, after its latency."""
        path = request.path
        if path.endswith("/msi/token"):
            return self._counted("identity", Reply(body=_TOKEN))
        if path.endswith("/query"):
            is_coverage = "summarize by" in request.body["query"]
            return self._counted("logs", Reply(body=self._coverage if is_coverage else self._rows))
        time.sleep(LATENCY_SECONDS)
        if path == _GRAPH:
            return self._counted("graph", self._graph(request.body))
        if path.endswith("metrics:getBatch"):
            values = [self._metrics_of(each) for each in request.body["resourceids"]]
            return self._counted("metrics", Reply(body={"values": values}))
        service = "health" if "microsoft.resourcehealth" in path.lower() else "arm"
        return self._counted(service, self._arm(path.lower()))

    def counted(self, service: str) -> None:
        """Note one request."""
        with self._lock:
            self.counts[service] += 1

    def _counted(self, service: str, reply: Reply) -> Reply:
        self.counted(service if reply.status != 429 else f"{service} refused")
        return reply

    def _arm(self, path: str) -> Reply:
        with self._lock:
            left = self._buckets[path.split("/")[2]].take()
        if left < 0:
            return _refused({"Retry-After": "1"})
        headers = {"x-ms-ratelimit-remaining-subscription-reads": str(left)}
        if path.endswith("/connections") and path.removesuffix("/connections") in self._listed:
            body: object = {"value": self._listed[path.removesuffix("/connections")]}
        elif "microsoft.resourcehealth" in path:
            body = {"value": []}
        elif path in self._bodies:
            body = self._bodies[path]
        else:
            return Reply(status=404, body={"error": {"code": "NotFound", "message": "not there"}})
        return Reply(body=body, headers=headers)

    def _graph(self, asked: Mapping[str, Any]) -> Reply:
        with self._lock:
            left, resets = self._quota.take()
        headers = {
            "x-ms-user-quota-remaining": str(max(left, 0)),
            "x-ms-user-quota-resets-after": f"00:00:{max(resets, 0):02.0f}",
        }
        if left < 0:
            return _refused({**headers, "Retry-After": str(int(resets) + 1)})
        query = asked["query"].lower()
        kind = next(
            (
                each
                for each in ("virtualnetworkgateways", "localnetworkgateways", "connections")
                if f"microsoft.network/{each}" in query
            ),
            "none",
        )
        subscriptions = {each.lower() for each in asked.get("subscriptions") or ()}
        found = sorted(
            key
            for key in self._bodies
            if f"/microsoft.network/{kind}/" in key
            and (not subscriptions or key.split("/")[2] in subscriptions)
        )
        options = asked.get("options") or {}
        start = int(options.get("$skipToken") or 0)
        size = min(options.get("$top") or PAGE, PAGE)
        page = found[start : start + size]
        more = start + size < len(found)
        return Reply(
            headers=headers,
            body={
                "totalRecords": len(found),
                "count": len(page),
                "data": [self._bodies[key] for key in page],
                "facets": [],
                "resultTruncated": "false",
                **({"$skipToken": str(start + size)} if more else {}),
            },
        )

    def _metrics_of(self, resource: str) -> dict[str, Any]:
        return {
            "starttime": "2026-01-01T00:00:00Z",
            "endtime": "2026-01-01T01:00:00Z",
            "interval": "PT5M",
            "namespace": "Microsoft.Network/virtualNetworkGateways",
            "resourceregion": "westeurope",
            "resourceid": resource,
            "value": [{**self._averages, "id": f"{resource}{_METRICS}/AverageBandwidth"}],
        }


_TOKEN: Final = {
    "access_token": "stand-in",
    "expires_on": "4102444800",
    "resource": "https://management.azure.com",
    "token_type": "Bearer",
}


def _refused(headers: Mapping[str, str]) -> Reply:
    error = {"code": "TooManyRequests", "message": "The request is being throttled."}
    return Reply(status=429, body={"error": error}, headers=headers)


def _averages(at: datetime) -> dict[str, Any]:
    points = [
        {"timeStamp": (at + timedelta(minutes=5 * n)).isoformat(), "average": 1e6 + n}
        for n in range(-6, 2)
    ]
    series = [
        {
            "metadatavalues": [
                {"name": {"value": "instance"}, "value": f"GatewayTenantWorker_IN_{number}"}
            ],
            "data": points,
        }
        for number in (0, 1)
    ]
    return {
        "name": {"value": "AverageBandwidth", "localizedValue": "Gateway S2S Bandwidth"},
        "type": "Microsoft.Insights/metrics",
        "displayDescription": "",
        "errorCode": "Success",
        "unit": "BytesPerSecond",
        "timeseries": series,
    }


@dataclass(frozen=True, slots=True, kw_only=True)
class StandIn:
    """A stand-in that runs: the environment which points the detector there, and its ear."""

    environment: Mapping[str, str]
    control: str

    @staticmethod
    @contextmanager
    def started(gateways: int) -> Iterator[StandIn]:
        """A stand-in in a process of its own, which ends with the context."""
        with subprocess.Popen(
            [sys.executable, "-m", "benchmarks.stand_in", str(gateways)],
            cwd=ROOT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        ) as process:
            try:
                assert process.stdout is not None
                said = json.loads(process.stdout.readline())
                yield StandIn(environment=said["environment"], control=said["control"])
            finally:
                process.terminate()

    def counts(self) -> dict[str, Any]:
        """The requests since this was last asked, by service, and `delivered`: each one's time."""
        with urllib.request.urlopen(self.control) as answer:
            return dict(json.load(answer))


def main(gateways: int) -> None:
    """Serve until standard input ends; the first line of the output says where."""
    with ExitStack() as stack:
        folder = Path(stack.enter_context(TemporaryDirectory()))
        authority = trustme.CA(key_type=trustme.KeyType.ECDSA)
        authority.cert_pem.write_to_path(str(folder / "authority.pem"))
        tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        authority.issue_cert("127.0.0.1", key_type=trustme.KeyType.ECDSA).configure_cert(tls)
        azure = Azure(gateways)
        storage = ThinStorage(azure.counted, latency_seconds=STORAGE_LATENCY_SECONDS)

        def control(_request: Request) -> Reply:
            told = {**azure.counts, "delivered": list(storage.delivered)}
            azure.counts.clear()
            storage.delivered.clear()
            return Reply(body=told)

        def port(reply_to: Callable[[Request], Reply], **options: Any) -> int:
            server = LoopbackServer(reply_to, options.pop("tls", None), **options)
            return int(stack.enter_context(server).server_port)

        url = f"https://127.0.0.1:{port(azure.reply_to, tls=tls)}"
        account = f"http://127.0.0.1:{port(storage.reply_to, read=bytes)}/{ACCOUNT}"
        identity = f"http://127.0.0.1:{port(azure.reply_to)}/msi/token"
        environment = {
            "DETECTOR_SCOPES": WORKSPACE,
            "DETECTOR_LOGS_ENDPOINT": url,
            "DETECTOR_ARM_ENDPOINT": url,
            "DETECTOR_METRICS_ENDPOINT": url,
            "REQUESTS_CA_BUNDLE": str(folder / "authority.pem"),
            "IDENTITY_ENDPOINT": identity,
            "IDENTITY_HEADER": "stand-in",
            "AZURE_TOKEN_CREDENTIALS": "ManagedIdentityCredential",
            "AzureWebJobsStorage": f"DefaultEndpointsProtocol=http;AccountName={ACCOUNT};"
            f"AccountKey={KEY};BlobEndpoint={account};QueueEndpoint={account};",
        }
        where = {
            "environment": environment,
            "control": f"http://127.0.0.1:{port(control)}/",
        }
        print(json.dumps(where), flush=True)
        sys.stdin.read()


if __name__ == "__main__":
    main(int(sys.argv[1]))
