"""Whoever receives insights, on loopback: it keeps what it is sent, and answers as it is told.

    with SinkStandIn() as receiver:
        receiver.answer = replying(429, "Retry-After: 7")
        ...
        assert b"..." in receiver.received[0].body

An answer gets the connection after the whole request was read, and writes bytes or fails as a
network does. Over TLS the certificate is by an authority whose file is `ca_file`. Named as proxy,
the stand-in is whatever host the client asks for, so that Slack's messages come here, too.
"""

from __future__ import annotations

import socket
import ssl
import struct
import threading
import traceback
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final, Self

import trustme

from detector.errors import DetectorError
from detector.insights.document import Insight, Reason

NOW: Final = datetime(2026, 11, 22, 3, 0, tzinfo=UTC)
SHORT: Final = timedelta(seconds=0.3)
LONG: Final = timedelta(seconds=30)

GATEWAY_ID: Final = (
    "/subscriptions/00000000-0000-0000-0000-000000000001/resourcegroups/rg-hub"
    "/providers/microsoft.network/virtualnetworkgateways/vpn_hub_1"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Received:
    """A request as it came; the names of headers are lower case."""

    method: str
    path: str
    headers: Mapping[str, str]
    body: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """A connection to answer on; `closing` is set when the stand-in ends."""

    connection: socket.socket
    closing: threading.Event


Answer = Callable[[Line], None]


def replying(status: int, *headers: str, body: bytes = b"") -> Answer:
    """A whole reply."""
    lines = [f"HTTP/1.1 {status} Whatever", *headers, f"Content-Length: {len(body)}", "", ""]
    content = "\r\n".join(lines).encode() + body
    return lambda line: line.connection.sendall(content)


def saying(content: bytes) -> Answer:
    """These bytes, be they HTTP or not, and the end of the connection."""
    return lambda line: line.connection.sendall(content)


def resetting(line: Line) -> None:
    """No reply but a TCP reset."""
    linger = struct.pack("ii", 1, 0)
    line.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)


def hanging(line: Line) -> None:
    """Nothing, while the client waits."""
    line.closing.wait()


def dripping(line: Line) -> None:
    """A byte of a header that never ends, each before a socket's time-out would end the wait."""
    line.connection.sendall(b"HTTP/1.1 200 OK\r\nX-Endless: ")
    while not line.closing.wait(0.05):
        line.connection.sendall(b"x")


class SinkStandIn:
    """A receiver on a free port of 127.0.0.1, over TLS where it is given."""

    def __init__(self, tls: ssl.SSLContext | None = None) -> None:
        self.received: list[Received] = []
        self.answer: Answer = replying(200)
        self._tls = tls
        self._closing = threading.Event()
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        self._thread = threading.Thread(target=self._accept, daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *error: object) -> None:
        self._closing.set()
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self._thread.join()

    @property
    def at(self) -> str:
        """Host and port."""
        return f"127.0.0.1:{self.port}"

    def _accept(self) -> None:
        with suppress(OSError):  # the listener was closed
            while True:
                connection, _ = self._listener.accept()
                threading.Thread(target=self._exchange, args=(connection,), daemon=True).start()

    def _exchange(self, connection: socket.socket) -> None:
        with suppress(OSError), ExitStack() as until_answered:  # clients may go away
            until_answered.enter_context(connection)
            if self._tls:
                connection = self._tls.wrap_socket(connection, server_side=True)
                until_answered.enter_context(connection)
            request = _request(connection)
            if request.method == "CONNECT":
                connection.sendall(b"HTTP/1.1 200 Connected\r\n\r\n")
                tls = _certified(request.path.partition(":")[0])
                connection = tls.wrap_socket(connection, server_side=True)
                until_answered.enter_context(connection)
                request = _request(connection)
            self.received.append(request)
            self.answer(Line(connection=connection, closing=self._closing))


def _request(connection: socket.socket) -> Received:
    with connection.makefile("rb") as stream:
        method, path, _ = stream.readline().decode().split(" ", 2)
        headers = {}
        while line := stream.readline().decode().strip():
            name, _, value = line.partition(":")
            headers[name.lower()] = value.strip()
        body = stream.read(int(headers.get("content-length", 0)))
    return Received(method=method, path=path, headers=headers, body=body)


@cache
def _authority() -> trustme.CA:
    return trustme.CA(key_type=trustme.KeyType.ECDSA)


@cache
def _certified(host: str) -> ssl.SSLContext:
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    _authority().issue_cert(host, key_type=trustme.KeyType.ECDSA).configure_cert(tls)
    return tls


@contextmanager
def ca_file() -> Iterator[str]:
    """The path of the authority's certificate, for REQUESTS_CA_BUNDLE."""
    with TemporaryDirectory() as folder:
        path = Path(folder, "authority.pem")
        _authority().cert_pem.write_to_path(str(path))
        yield str(path)


def over_tls() -> SinkStandIn:
    """A receiver that speaks TLS."""
    return SinkStandIn(_certified("127.0.0.1"))


def closed_port() -> int:
    """A port of 127.0.0.1 that refuses connections."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port: int = listener.getsockname()[1]
    return port


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """A way to fail; one that is endless lasts until the client gives up."""

    answer: Answer
    refuses: bool = False
    is_endless: bool = False
    retry_after: timedelta | None = None


FAULTS: Final[Mapping[str, Fault]] = {
    "reset": Fault(answer=resetting),
    "hang": Fault(answer=hanging, is_endless=True),
    "slow drip": Fault(answer=dripping, is_endless=True),
    "garbage": Fault(answer=saying(b"\x00\xff\xfe garbage\r\n\r\n")),
    "truncated": Fault(answer=saying(b"HTTP/1.")),
    "429": Fault(answer=replying(429)),
    "429, seconds": Fault(answer=replying(429, "Retry-After: 7"), retry_after=timedelta(seconds=7)),
    "429, a date": Fault(
        answer=replying(429, "Retry-After: Sun, 22 Nov 2026 03:01:30 GMT"),
        retry_after=timedelta(seconds=90),
    ),
    "429, nonsense": Fault(answer=replying(429, "Retry-After: soon")),
    "500": Fault(answer=replying(500, body=b"oops")),
    "503": Fault(answer=replying(503, "Retry-After: 20"), retry_after=timedelta(seconds=20)),
    "409": Fault(answer=replying(409)),
    "redirect": Fault(answer=replying(302, "Location: https://192.0.2.1/"), refuses=True),
    "400": Fault(answer=replying(400, body=b"{not json"), refuses=True),
    "401": Fault(answer=replying(401, "WWW-Authenticate: Bearer"), refuses=True),
    "403": Fault(answer=replying(403), refuses=True),
    "404": Fault(answer=replying(404), refuses=True),
    "410": Fault(answer=replying(410), refuses=True),
    "413": Fault(answer=replying(413), refuses=True),
}


def everything_told_of(error: DetectorError) -> str:
    """What a log could show of an error: its text, its attributes, its traceback, its causes."""
    seen: list[str] = []
    link: BaseException | None = error
    while link is not None:
        seen += [str(link), repr(link), repr(vars(link))]
        link = link.__cause__ or link.__context__
    return "\n".join([*seen, *traceback.format_exception(error)])


def an_insight(**changes: object) -> Insight:
    """An insight of a failover with two switch-overs, one outage that ended, and a known cause."""
    document: dict[str, Any] = {
        "id": "f-1",
        "revision": 1,
        "reason": Reason.DETECTED,
        "diagnostic_scenario": "VpnGatewayFailover",
        "article_id": "article-1",
        "insight": {
            "id": "article-1",
            "title": "Your gateway failed over",
            "results": "# Your gateway failed over\n",
            "importance_level": "Warning",
        },
        "facts": {"gatewayVip": "203.0.113.10"},
        "gateway": {
            "id": GATEWAY_ID,
            "name": "vpn_hub_1",
            "resource_group": "rg-hub",
            "subscription_id": "00000000-0000-0000-0000-000000000001",
            "location": "westeurope",
            "sku": "VpnGw2AZ",
            "generation": "Generation2",
            "active_active": False,
            "vips": ("203.0.113.10",),
            "virtual_network": {"id": None, "name": "vnet-hub"},
            "unknown": {},
        },
        "failover": {
            "first_at": "2026-11-22T02:14:07.123Z",
            "last_at": "2026-11-22T02:44:07.500Z",
            "switch_overs": [
                {
                    "at": at,
                    "evidence": "primary-changed",
                    "from_instance": None,
                    "to_instance": None,
                }
                for at in ("2026-11-22T02:14:07.123Z", "2026-11-22T02:44:07.500Z")
            ],
            "flapping": False,
            "cause": {
                "kind": "maintenance",
                "at": None,
                "caller": None,
                "statement": "Planned maintenance was recorded.",
            },
            "outages": [
                {
                    "remote_ip": "198.51.100.7",
                    "connection": "to-branch",
                    "instance": "GatewayTenantWorker_IN_0",
                    "from_": "2026-11-22T02:14:07Z",
                    "to": "2026-11-22T02:15:30Z",
                    "seconds": 83,
                    "end_source": "log",
                }
            ],
            "seen_until": "2026-11-22T02:55:00Z",
            "redundancy_lost_seconds": None,
            "state": "recovered",
        },
        "bandwidth": {
            "peak_mbps": 120.0,
            "instance": None,
            "at": None,
            "benchmark_mbps": 1000,
            "ratio": 0.12,
            "statement": "The peak was 120 Mbps, 12 % of the SKU's benchmark.",
        },
        "evidence": [],
        "verdict": "vpn_hub_1 failed over for maintenance; to-branch was down for 1 min 23 s.",
        "links": {
            "portal": f"https://portal.azure.com/#resource{GATEWAY_ID}",
            "reset_guide": "https://learn.microsoft.com/azure/vpn-gateway/reset-gateway",
            "sku_benchmarks": "https://learn.microsoft.com/azure/vpn-gateway/about-gateway-skus",
        },
    }
    return Insight.model_validate(document | changes)
