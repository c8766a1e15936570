"""Who gets which form of a page; the rest is tried through the functions, in test_web."""

from __future__ import annotations

import pytest

from detector.app.lookup import Lookup
from detector.app.site import Request, Site
from tests.builders import NIGHT
from tests.test_lookup import EVERY_FIVE, Remembered

SITE = Site(lookup=Lookup(archive=Remembered(), schedule=EVERY_FIVE))


@pytest.mark.parametrize(
    ("accept", "form"),
    [
        ("", "json"),
        ("*/*", "json"),
        ("text/*", "json"),
        ("application/json", "json"),
        ("application/json, text/html", "html"),
        ("application/json, text/html;q=0.9", "json"),
        ("TEXT/HTML; charset=utf-8 ;Q=0.9, application/json;q=0.1", "html"),
        ("text/html;q=0", "json"),
        ("text/html;q=much", "json"),
        ("text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,*/*;q=0.8", "html"),
        (";;,q=,=", "json"),
    ],
)
def test_html_goes_to_who_names_it_and_json_to_programs(accept: str, form: str) -> None:
    assert form == SITE.failovers(Request(accept=accept), now=NIGHT).form


def test_a_format_in_the_address_counts_more_than_a_header() -> None:
    request = Request(accept="text/html", query={"format": "json"})

    assert "json" == SITE.failovers(request, now=NIGHT).form


def test_headers_are_read_in_whatever_case() -> None:
    request = Request.of({}, {"ACCEPT": "text/html", "if-None-Match": '"a"'})

    assert ("text/html", '"a"') == (request.accept, request.if_none_match)
