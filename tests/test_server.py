"""The pages without the Functions host: for this machine alone, and as the app serves them."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from http.client import HTTPConnection, HTTPResponse

import pytest

from detector.app.lookup import Lookup
from detector.app.server import server
from detector.app.site import SAFE, Site
from tests.builders import NIGHT
from tests.test_lookup import EVERY_FIVE, Remembered


@pytest.fixture(name="port")
def a_server() -> Iterator[int]:
    """A server of a store in memory, by its port."""
    site = Site(lookup=Lookup(archive=Remembered(), schedule=EVERY_FIVE))
    with server(site, 0, clock=lambda: NIGHT) as running:
        serving = threading.Thread(target=running.serve_forever, kwargs={"poll_interval": 0.01})
        serving.start()
        yield running.server_port
        running.shutdown()
        serving.join()


def asked(port: int, path: str, method: str = "GET", **headers: str) -> tuple[HTTPResponse, bytes]:
    connection = HTTPConnection("127.0.0.1", port)
    connection.request(method, path, headers=headers)
    response = connection.getresponse()
    body = response.read()
    connection.close()
    return response, body


def test_it_listens_on_loopback_alone() -> None:
    with server(
        Site(lookup=Lookup(archive=Remembered(), schedule=EVERY_FIVE)), 0, clock=lambda: NIGHT
    ) as running:
        assert "127.0.0.1" == running.server_address[0]


def test_a_page_comes_with_the_same_headers_as_from_the_app(port: int) -> None:
    response, body = asked(port, "/api/failovers", Accept="text/html")

    assert (200, "text/html; charset=utf-8") == (response.status, response.headers["Content-Type"])
    assert body.startswith(b"<!doctype html>")
    assert SAFE.items() <= dict(response.headers.items()).items()


def test_who_has_it_already_is_told_so(port: int) -> None:
    tag = asked(port, "/api/failovers")[0].headers["ETag"]
    response, body = asked(port, "/api/failovers", **{"If-None-Match": tag})

    assert (304, b"") == (response.status, body)


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("/", 302),
        ("/api/failovers?state=fine", 400),
        ("/api/failovers/../../etc/passwd", 400),
        ("/api/failovers/%2e%2e", 400),
        ("/etc/passwd", 404),
        ("//evil.example/", 404),
    ],
)
def test_there_is_nothing_else(port: int, path: str, status: int) -> None:
    assert status == asked(port, path)[0].status


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE"])
def test_nothing_can_be_changed(port: int, method: str) -> None:
    assert 501 == asked(port, "/api/failovers", method)[0].status


@pytest.mark.parametrize("host", ["evil.example", "evil.example:80", "127.0.0.1.evil.example"])
def test_another_sites_name_that_leads_here_gets_nothing(port: int, host: str) -> None:
    """A page of that site could read the answers, since its browser is on this machine."""
    assert 403 == asked(port, "/api/failovers", Host=host)[0].status
