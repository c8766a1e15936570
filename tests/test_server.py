"""The pages without the Functions host: for this machine alone, and as the app serves them."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from http.client import HTTPConnection, HTTPResponse
from typing import TYPE_CHECKING

import pytest

from detector.app.lookup import Lookup
from detector.app.server import server
from detector.app.site import SAFE, Site
from detector.model import CauseKind, State
from tests.builders import NIGHT, at
from tests.fleets import a_failover
from tests.test_lookup import EVERY_FIVE, Remembered

if TYPE_CHECKING:
    from playwright.sync_api import Browser

TOLD = [
    a_failover("vpn-a", at(hours=-1), state=State.ONGOING, down=1),
    a_failover("vpn-a", at(hours=-30), causes=(CauseKind.RESET,)),
    a_failover("vpn-b", at(hours=-60)),
]


@pytest.fixture(name="port")
def a_server() -> Iterator[int]:
    """A server of a store in memory with three failovers, by its port."""
    site = Site(lookup=Lookup(archive=Remembered(told=TOLD), schedule=EVERY_FIVE))
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


def test_the_form_chooses_failovers_in_a_real_browser(browser: Browser, port: int) -> None:
    with browser.new_context() as context:
        page = context.new_page()
        page.goto(f"http://127.0.0.1:{port}/")

        def chosen(**values: str) -> list[str]:
            for name, value in {"gateway": "", "cause": "", "state": "", **values}.items():
                field = page.locator(f"[name={name}]")
                field.fill(value) if name == "gateway" else field.select_option(value)
            page.get_by_role("button", name="Show").click()
            return page.locator("#failovers tbody tr td:nth-child(2)").all_inner_texts()

        assert ["vpn-a", "vpn-a", "vpn-b"] == chosen()
        assert ["vpn-b"] == chosen(gateway="vpn-b")
        assert ["vpn-a"] == chosen(cause="reset")
        assert ["vpn-a"] == chosen(state="ongoing")
        assert [] == chosen(gateway="vpn-b", state="ongoing")
