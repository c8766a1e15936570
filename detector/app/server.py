"""The pages without the Functions host, for this machine alone."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Final
from urllib.parse import parse_qsl, urlsplit

from detector.app.site import Request, Response, Site, answered

LOOPBACK: Final = "127.0.0.1"
PATH: Final = "/api/failovers"


def server(site: Site, port: int, *, clock: Callable[[], datetime]) -> ThreadingHTTPServer:
    """A server of these pages on loopback, which the caller runs; port 0 takes a free one."""

    class Handler(BaseHTTPRequestHandler):
        """One request: the pages are read-only, so it is a GET."""

        server_version = "detector"
        sys_version = ""

        def do_GET(self) -> None:
            asked = urlsplit(self.path)
            request = Request.of(dict(parse_qsl(asked.query)), dict(self.headers.items()))
            if not _is_own(self.headers.get("Host", "")):
                self.send(answered(request, 403, "This server is for this machine alone."))
            elif asked.path == PATH:
                self.send(site.failovers(request, now=clock()))
            elif asked.path.startswith(f"{PATH}/"):
                self.send(site.failover(asked.path.removeprefix(f"{PATH}/"), request))
            elif asked.path == "/":
                self.send_response(302)
                self.send_header("Location", PATH)
                self.send_header("Content-Length", "0")
                self.end_headers()
            else:
                self.send(answered(request, 404, f"There is no such page; {PATH} is the first."))

        def send(self, response: Response) -> None:
            """Send the answer, with its length."""
            arguments = response.arguments()
            body = response.body.encode()
            self.send_response(response.status)
            self.send_header("Content-Type", f"{arguments['mimetype']}; charset=utf-8")
            self.send_header("Content-Length", f"{len(body)}")
            for name, value in response.headers.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 -- its own name
            """Say nothing: what is asked for stands in the browser."""

    return ThreadingHTTPServer((LOOPBACK, port), Handler)


def _is_own(host: str) -> bool:
    """Whether the browser asked this machine by its name: no other site's name leads here."""
    return re.fullmatch(r"(127\.0\.0\.1|localhost)(:\d+)?", host) is not None
