"""Pages in a real browser: Chromium, headless, without a network.

    def test_a_page(browser: Browser) -> None:
        with looking(browser, html, width=PHONE, scheme="dark") as look:
            assert [] == look.violations()

Each page comes with the Content-Security-Policy that the app sends. Where there is no Chromium the
tests are skipped, unless `REQUIRE_BROWSER` is set, as .ci/run does.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any, Final, Literal

import pytest
from playwright.sync_api import Browser, Page, Route, sync_playwright

CHROMIUMS: Final = ("chromium", "chromium-browser", "google-chrome")
ADDRESS: Final = "https://failovers.example/page"
POLICY: Final = "default-src 'none'; style-src 'unsafe-inline'; img-src data:"
AXE: Final = Path(__file__).parent.parent / "node_modules/axe-core/axe.min.js"

Scheme = Literal["light", "dark"]
WIDE: Final = 1280
PHONE: Final = 390

# The boxes of what is seen of each chart's texts; a pixel of each side is the font's own.
_TEXTS: Final = """
svg => [...svg.querySelectorAll('text')].map(text => {
    const box = text.getBoundingClientRect(), size = parseFloat(getComputedStyle(text).fontSize);
    const scale = svg.getBoundingClientRect().width / svg.viewBox.baseVal.width;
    return {text: text.textContent, left: box.left, right: box.right,
            top: box.top, bottom: box.bottom, size: size * scale};
}).filter(each => each.right > each.left)
"""


@contextmanager
def chromium() -> Iterator[Browser]:
    """A headless Chromium; the test is skipped, or fails, where there is none."""
    path = next(filter(None, map(shutil.which, CHROMIUMS)), None)
    if path is None:
        why = "there is no Chromium on this machine: apt-get install chromium"
        if os.environ.get("REQUIRE_BROWSER"):
            pytest.fail(why)
        pytest.skip(why)
    with sync_playwright() as playwright:
        # Containers have little shared memory, and root has no sandbox.
        options = ["--no-sandbox", "--disable-dev-shm-usage"]
        browser = playwright.chromium.launch(executable_path=path, args=options)
        yield browser
        browser.close()


@dataclass(frozen=True, slots=True, kw_only=True)
class Text:
    """A text of a chart, and where it stands, in pixels of the window."""

    text: str
    left: float
    right: float
    top: float
    bottom: float
    size: float

    def overlaps(self, other: Text) -> bool:
        """Whether the two share more than a pixel each way."""
        return (
            min(self.right, other.right) - max(self.left, other.left) > 1
            and min(self.bottom, other.bottom) - max(self.top, other.top) > 1
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Look:
    """A page as it is looked at; `complaints` of the console and `requests` beyond its own."""

    page: Page
    complaints: list[str] = field(default_factory=list)
    requests: list[str] = field(default_factory=list)

    def violations(self) -> list[str]:
        """What axe-core finds against it, a line each."""
        self.page.evaluate(_axe())
        found: dict[str, Any] = self.page.evaluate("axe.run({resultTypes: ['violations']})")
        return [
            f"{each['id']}: {node['html'][:200]}: {node['failureSummary']}"
            for each in found["violations"]
            for node in each["nodes"]
        ]

    def scrolls_sideways(self) -> bool:
        """Whether it is wider than the window."""
        return bool(
            self.page.evaluate(
                "document.documentElement.scrollWidth > document.documentElement.clientWidth"
            )
        )

    def charts(self) -> list[list[Text]]:
        """The texts of each chart that is seen."""
        seen = [svg for svg in self.page.query_selector_all("svg[role=img]") if svg.is_visible()]
        return [[Text(**text) for text in svg.evaluate(_TEXTS)] for svg in seen]

    def overlapping(self) -> list[tuple[str, str]]:
        """Pairs of texts of a chart that stand on one another."""
        return [
            (one.text, other.text)
            for texts in self.charts()
            for number, one in enumerate(texts)
            for other in texts[number + 1 :]
            if one.overlaps(other)
        ]


@cache
def _axe() -> str:
    return AXE.read_text(encoding="utf-8")


@contextmanager
def looking(
    browser: Browser, html: str, *, width: int = WIDE, scheme: Scheme = "light"
) -> Iterator[Look]:
    """The page in a window of this width, for a reader who prefers light or dark."""
    context = browser.new_context(
        viewport={"width": width, "height": 900}, color_scheme=scheme, service_workers="block"
    )
    look = Look(page=context.new_page())

    def serve(route: Route) -> None:
        if route.request.url == ADDRESS:
            headers = {"Content-Security-Policy": POLICY}
            route.fulfill(body=html, content_type="text/html; charset=utf-8", headers=headers)
        else:
            look.requests.append(route.request.url)
            route.abort()

    context.route("**/*", serve)
    look.page.on("console", lambda message: look.complaints.append(message.text))
    look.page.on("pageerror", lambda error: look.complaints.append(str(error)))
    try:
        look.page.goto(ADDRESS)
        yield look
    finally:
        context.close()
