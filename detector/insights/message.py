"""An insight as a message to people: a title, and a body that fits, in the format they read.

A service may act on markup wherever it stands, in a title or in plain text, and in a dialect of its
own in which nothing can be escaped. So in text from outside the marks give way to look-alikes.
"""

from __future__ import annotations

import html
import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Final
from urllib.parse import quote

from detector.model import EndSource
from detector.text import clock, count, day, lasting, one_line

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from detector.insights.document import FailoverFacts, Insight, OutageFacts

VALUE_LENGTH: Final = 300
VERDICT_LENGTH: Final = 600
OUTAGES_SHOWN: Final = 5
CUT: Final = "…"

# Marks of Markdown, HTML, Slack and Adaptive Cards; an underscore inside a word is none.
_MARKS: Final = re.compile(
    r"[<>\[\]{}*`~|]|&(?=#?\w{1,32};)|\\(?=[^\w\s]|$)|(?<![^\W_])_|_(?![^\W_])"
)
_FULL_WIDTH: Final = 0xFEE0  # from an ASCII character to its full-width look-alike
# What calls people or becomes a link even in plain text.
_CALLS: Final = re.compile(
    r"(?<![\w.+-])@(?=[\w&!])|@(?=everyone|here|channel|all\b)|:(?=//)|\bwww(?=\.)",
    re.IGNORECASE,
)
_NO_SPACE: Final = "\u200b"


@dataclass(frozen=True, slots=True, kw_only=True)
class Markup:
    """How a format writes tamed text, such text with a label, a link, and the end of a line."""

    plain: Callable[[str], str]
    labelled: Callable[[str, str], str]
    link: Callable[[str, str], str]
    line_end: str


MARKUPS: Final[Mapping[str, Markup]] = {
    "text": Markup(
        plain=str,
        labelled="{}: {}".format,
        link="{}: {}".format,
        line_end="\n",
    ),
    "html": Markup(
        plain=html.escape,
        labelled=lambda label, text: f"<b>{label}:</b> {html.escape(text)}",
        link=lambda label, url: f'<a href="{html.escape(url)}">{label}</a>',
        line_end="<br/>\n",
    ),
    "markdown": Markup(
        plain=str,
        labelled="- **{}:** {}".format,
        link="- [{}]({})".format,
        line_end="\n",
    ),
}


def title(insight: Insight, most: int) -> str:
    """The verdict on one line, at most `most` characters, cut visibly; a drill's says so first."""
    is_marked = insight.drill and not insight.verdict.startswith("DRILL")
    return _tame(f"DRILL: {insight.verdict}" if is_marked else insight.verdict, most)


def body(insight: Insight, title_shown: str, markup: Markup, fits: Callable[[str], bool]) -> str:
    """The facts, the diagnosis and the links, after the verdict where the title had to cut it.

    Lines stand in the order in which they matter. One that does not fit is left out whole, since
    markup must not be cut, and a last line `…` then says that something is missing.
    """
    lines = list(_lines(insight, markup))
    verdict = title(insight, VERDICT_LENGTH)
    if verdict != title_shown:
        lines.insert(0, markup.plain(verdict))
    kept: list[str] = []
    for line in lines:
        if fits(markup.line_end.join([*kept, line, CUT])):
            kept.append(line)
    return markup.line_end.join(kept if len(kept) == len(lines) else [*kept, CUT])


def _lines(insight: Insight, markup: Markup) -> Iterator[str]:
    if insight.drill:
        yield markup.plain("This is a drill: no failover happened; it tests the way to you.")
    for label, text in _told(insight):
        yield markup.labelled(label, _tame(text, VALUE_LENGTH))
    links = insight.links
    for label, url in (
        ("The gateway in the portal", links.portal),
        ("How to reset a gateway", links.reset_guide),
        ("Benchmarks of the SKUs", links.sku_benchmarks),
    ):
        if url:
            yield markup.link(label, quote(url, safe="%/:?#@!$&*+,;=~"))


def _told(insight: Insight) -> Iterator[tuple[str, str]]:
    gateway, failover = insight.gateway, insight.failover
    yield "Gateway", f"{gateway.name} (resource group {gateway.resource_group})"
    yield "Switched over", ", ".join(day(switch_over.at) for switch_over in failover.switch_overs)
    yield "Cause", failover.cause.statement
    yield from (("Tunnel", text) for text in _outages(failover))
    if failover.redundancy_lost_seconds:
        lost = lasting(timedelta(seconds=failover.redundancy_lost_seconds))
        yield "Redundancy lost", f"for {lost}"
    if gateway.vips:
        yield "VIP", ", ".join(gateway.vips)
    if gateway.virtual_network.name:
        yield "Virtual network", gateway.virtual_network.name
    yield from (("Unknown", f"{fact} ({why})") for fact, why in gateway.unknown.items())
    yield "Bandwidth", insight.bandwidth.statement
    if advice := insight.facts.get("resetAdvice"):
        yield "Advice", advice


def _outages(failover: FailoverFacts) -> Iterator[str]:
    for outage in failover.outages[:OUTAGES_SHOWN]:
        name = f"{outage.connection} " if outage.connection else ""
        end = _end(outage, failover.seen_until)
        yield f"{name}{outage.remote_ip} disconnected at {clock(outage.from_)}, {end}"
    more = len(failover.outages) - OUTAGES_SHOWN
    if more > 0:
        yield f"and {count(more, 'outage')} more"


def _end(outage: OutageFacts, seen_until: datetime) -> str:
    if outage.to is None or outage.seconds is None:
        return f"not seen to reconnect by {clock(seen_until)}"
    if outage.end_source is EndSource.ARM:
        return f"connected by {clock(outage.to)}"
    return f"connected again after {lasting(timedelta(seconds=outage.seconds))}"


def _tame(text: str, most: int) -> str:
    """Text from outside on one line, cut visibly, in which nothing calls, links or formats."""
    harmless = _MARKS.sub(lambda mark: chr(ord(mark[0]) + _FULL_WIDTH), one_line(text, most))
    silent = _CALLS.sub(rf"\g<0>{_NO_SPACE}", harmless)
    return silent if len(silent) <= most else silent[: most - 1] + CUT
