"""Pictures of the insight page for the README, made of the sample: `make screenshots`.

The page is that of the afternoon's worst failover, as `make demo` writes it.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Final

from detector.app.bootstrap import of_recording
from detector.insights.document import Insight
from detector.local.recording import Recording
from detector.pages.page import to_page
from detector.runs.run import run_once
from tests.browser import PHONE, Scheme, chromium, looking
from tests.command_line import AFTERNOON, ROOT
from tests.memory import ARTICLES

FOLDER: Final = ROOT / "docs" / "images"

PICTURES: Final[tuple[tuple[str, int, Scheme], ...]] = (
    ("insight-light", 1120, "light"),
    ("insight-dark", 1120, "dark"),
    ("insight-phone", PHONE, "light"),
)
"""Each picture's name, the window's width, and light or dark; it shows all up to the timeline."""


def worst_of_the_afternoon() -> Insight:
    """The insight of the sample's critical failover."""
    recorded = Recording.read(AFTERNOON)
    now = recorded.newest + timedelta(milliseconds=1)
    with tempfile.TemporaryDirectory() as folder:
        world = of_recording(recorded, Path(folder), now=now, articles=ARTICLES)
        _, insights = run_once(world, now=now, left=lambda: timedelta(minutes=4))
    [worst] = [each for each in insights if each.insight.importance_level == "Critical"]
    return worst


def pictures() -> Iterator[tuple[str, bytes]]:
    """Each picture's name, and the picture as PNG."""
    page = to_page(worst_of_the_afternoon())
    with chromium() as browser:
        for name, width, scheme in PICTURES:
            with looking(browser, page, width=width, scheme=scheme) as look:
                box = look.page.locator("#timeline").bounding_box()
                assert box is not None
                height = round(box["y"] + box["height"] + 16)
                look.page.set_viewport_size({"width": width, "height": height})
                yield name, look.page.screenshot()


def main() -> None:
    """Write the pictures where the README shows them."""
    FOLDER.mkdir(exist_ok=True)
    for name, picture in pictures():
        (FOLDER / f"{name}.png").write_bytes(picture)


if __name__ == "__main__":
    main()
