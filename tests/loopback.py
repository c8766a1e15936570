"""A server on loopback that hands each request to a function and sends the reply it gets."""

from __future__ import annotations

import gzip
import json
import threading
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from socket import SHUT_RDWR, socket
from ssl import SSLContext
from types import TracebackType
from typing import Any, Self
from urllib.parse import unquote, urlsplit


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """What somebody asked: `path` is without the query, `body` as the server reads it."""

    method: str
    path: str
    query: str
    headers: Mapping[str, str]
    body: Any


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    """What is sent back; a body that is not bytes goes out as JSON.

    `missing` says how many bytes are promised and never come; `status` 0 closes the connection
    without a word.
    """

    status: int = 200
    body: object = b""
    headers: Mapping[str, str] = field(default_factory=dict)
    missing: int = 0

    def content(self) -> bytes:
        """The body as it goes out."""
        return self.body if isinstance(self.body, bytes) else json.dumps(self.body).encode()


class LoopbackServer(ThreadingHTTPServer):
    """A free port of 127.0.0.1 that answers with `reply_to`, over TLS where it is given.

    `read` makes a request's body of its bytes: by default what they mean as JSON.
    """

    daemon_threads = True

    def __init__(
        self,
        reply_to: Callable[[Request], Reply],
        tls: SSLContext | None = None,
        *,
        read: Callable[[bytes], Any] = json.loads,
    ) -> None:
        super().__init__(("127.0.0.1", 0), _Exchange)
        self.reply_to = reply_to
        self.read = read
        self._tls = tls
        self._open: set[socket] = set()
        self._thread = threading.Thread(target=self.serve_forever, args=(0.02,), daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None = None,
        error: BaseException | None = None,
        traceback: TracebackType | None = None,
    ) -> None:
        """Take no more connections, and end those that clients keep open."""
        self.shutdown()
        self._thread.join()
        for connection in tuple(self._open):
            with suppress(OSError):
                connection.shutdown(SHUT_RDWR)
        self.server_close()

    def get_request(self) -> tuple[socket, Any]:
        connection, address = super().get_request()
        if self._tls is not None:
            # The handshake is left to the connection's own thread: a slow one holds up no other.
            connection = self._tls.wrap_socket(
                connection, server_side=True, do_handshake_on_connect=False
            )
        self._open.add(connection)
        return connection, address

    def shutdown_request(self, request: Any) -> None:
        self._open.discard(request)
        super().shutdown_request(request)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Nothing: that a client goes away is part of the tests."""


class _Exchange(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: LoopbackServer

    def do_GET(self) -> None:
        url = urlsplit(self.path)
        content = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        if self.headers.get("Content-Encoding") == "gzip":
            content = gzip.decompress(content)
        reply = self.server.reply_to(
            Request(
                method=self.command,
                path=unquote(url.path),
                query=url.query,
                headers=dict(self.headers),
                body=self.server.read(content) if content else None,
            )
        )
        self.close_connection = bool(reply.missing) or not reply.status
        if reply.status:
            self._send(reply)

    do_HEAD = do_POST = do_PUT = do_DELETE = do_PATCH = do_GET  # noqa: N815 (named so there)

    def _send(self, reply: Reply) -> None:
        content = reply.content()
        headers = {"Content-Type": "application/json", **reply.headers}
        if reply.status != 204:
            headers["Content-Length"] = str(len(content) + reply.missing)
        self.send_response(reply.status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(content)

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 (its name there)
        """Nothing: what was asked is known to the function that replies."""
