"""The failovers of a fleet as a page: what is open, day by day, one by one, and who is blind.

It says nothing of a day on which nobody looked, and it counts the quiet gateways in one line.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from datetime import timedelta
from functools import cache
from pathlib import Path
from typing import Final
from urllib.parse import urlencode

from detector.insights import Choice, Fleet, Summary, timestamp
from detector.model import CauseKind, State
from detector.pages.fleet_days import MOST_GATEWAYS, date, days_of, minute, moment, second
from detector.pages.sheet import Column, Tone, card, frame, link, pill, shown, table
from detector.text import clock, count, lasting, listed, one_line

MOST_ROWS: Final = 200
"""So many failovers stand on one page of the list; the next page has the older ones."""

MOST_MAINTENANCES: Final = 10
"""So many maintenances of one gateway are listed."""

STATES: Final = {State.ONGOING: "not over", State.RECOVERED: "over", State.UNKNOWN: "not known"}
CAUSES: Final = {kind: kind.replace("-", " ") for kind in CauseKind}


@cache
def _style() -> str:
    return Path(__file__).with_suffix(".css").read_text(encoding="utf-8")


def to_fleet_page(fleet: Fleet) -> str:
    """The page as HTML: without a script, a request, or a key in a link."""
    body = "".join((*_open(fleet), days_of(fleet), _list(fleet), *_maintenances(fleet)))
    tone, headline = _headline(fleet)
    above = (
        f'{pill(tone, _pill(fleet))}<h1>{shown(headline)}</h1><p class="lead">{_lead(fleet)}</p>'
    )
    below = (
        f"<p>Made at {moment(fleet.now)}. Tunnel states are those of the logs, not packets. "
        "Rows of the logs come 30 seconds to 20 minutes late.</p>"
    )
    return frame(f"{headline} · gateway failovers", body, above=above, below=below, style=_style())


def _pill(fleet: Fleet) -> str:
    if fleet.is_late:
        return "not looking"
    return f"{len(fleet.open)} open" if fleet.open else "none open"


def _headline(fleet: Fleet) -> tuple[Tone, str]:
    if fleet.last_complete is None:
        return "down", "The detector has never read every scope in full"
    if fleet.is_late:
        return "down", f"The detector has not looked since {second(fleet.last_complete, fleet.now)}"
    if not fleet.open:
        return "good", "No failover is open"
    tone: Tone = "down" if any(each.down for each in fleet.open) else "warn"
    names = list(dict.fromkeys(one_line(each.gateway, 80) for each in fleet.open))
    whose = listed(names) if len(names) < 4 else count(len(names), "gateway")
    verb = "is" if len(fleet.open) == 1 else "are"
    return tone, f"{count(len(fleet.open), 'failover')} {verb} open: {whose}"


def _lead(fleet: Fleet) -> str:
    said = []
    if fleet.last_complete is not None:
        age = lasting(max(fleet.now - fleet.last_complete, timedelta()))
        said.append(
            f"The logs were read in full up to {moment(fleet.last_complete)}, "
            f"{age} before this page was made."
        )
    if fleet.is_late:
        said.append(
            '<strong class="late">That is too old: what happened since is not known.</strong> '
            "Is the function running? See its log."
        )
        if fleet.open:
            still = "was" if len(fleet.open) == 1 else "were"
            said.append(f"{count(len(fleet.open), 'failover')} {still} open then.")
    blind = [each for each in fleet.known if each.blind]
    if blind:
        names = listed([one_line(each.name, 80) for each in blind[:5]] + _more(len(blind) - 5))
        verb = "is" if len(blind) == 1 else "are"
        said.append(f"{count(len(blind), 'gateway')} {verb} blind: {shown(names)}.")
    if fleet.unreadable:
        said.append(
            f"What the store has of {count(fleet.unreadable, 'more failover')} cannot be read."
        )
    return " ".join(said)


def _more(number: int) -> list[str]:
    return [f"{number} more"] if number > 0 else []


def _open(fleet: Fleet) -> Iterator[str]:
    if not fleet.open:
        return
    tone: Tone = "down" if any(each.down for each in fleet.open) else "warn"
    items = "".join(f"<li>{_standing(fleet, each)}</li>" for each in fleet.open[:MOST_ROWS])
    if len(fleet.open) > MOST_ROWS:
        items += f"<li>and {len(fleet.open) - MOST_ROWS} more</li>"
    heading = "Open when the logs were last read" if fleet.is_late else "Open now"
    yield card(heading, f'<ul class="open">{items}</ul>', key="open", tone=tone)


def _standing(fleet: Fleet, summary: Summary) -> str:
    since = f"since {second(summary.down_since or summary.first_at, fleet.now)}"
    return (
        f"{_state(summary)} {link(summary.gateway, fleet.page_of(summary.id))} {since}, "
        f'as of {second(summary.seen_until, fleet.now)}<br><span class="muted">'
        f"{shown(summary.verdict)}</span>"
    )


def _state(summary: Summary) -> str:
    tones: Mapping[str, Tone] = {"down": "down", "redundancy lost": "warn", "back": "good"}
    return pill(tones.get(summary.standing, "quiet"), summary.standing)


def _list(fleet: Fleet) -> str:
    rows = fleet.listed[:MOST_ROWS]
    content = _form(fleet) if fleet.has_form else ""
    if rows:
        columns = [
            Column(name="When (UTC)"), Column(name="Gateway"), Column(name="What happened"),
            Column(name="Recorded"), Column(name="Longest out", is_figure=True),
            Column(name="State"),
        ]  # fmt: skip
        content += table("Failovers, newest first", columns, (_row(fleet, each) for each in rows))
    else:
        content += "<p>None.</p>"
    if rest := fleet.listed[MOST_ROWS:]:
        older = {**_query(fleet.choice), "until": timestamp(rest[0].first_at + _TICK)}
        content += f"<p>{count(len(rest), 'older failover')} not shown. "
        content += f"{link('Show older', '?' + urlencode(older))}</p>" if fleet.has_form else "</p>"
    heading = f"{count(len(fleet.listed), 'failover')}{_span(fleet)}"
    return card(heading, content, key="failovers")


_TICK: Final = timedelta(milliseconds=1)


def _span(fleet: Fleet) -> str:
    choice = fleet.choice
    since = f" since {date(choice.since)}" if choice.since else ""
    until = f" until {minute(choice.until, fleet.now)}" if choice.until else ""
    return since + until


def _row(fleet: Fleet, summary: Summary) -> Sequence[str]:
    causes = ", ".join(CAUSES[kind] for kind in summary.causes)
    return (
        minute(summary.first_at, fleet.now),
        link(summary.gateway, fleet.page_of(summary.id)),
        shown(summary.verdict.removeprefix(f"{summary.gateway} "), 400),
        shown(causes),
        shown(_longest(summary)),
        _state(summary),
    )


def _longest(summary: Summary) -> str:
    """The longest that a tunnel was out."""
    if summary.down and summary.down_since is not None:
        return f"not back by {clock(summary.seen_until)}"
    if summary.longest_seconds:
        most = "at most " if summary.bounded else ""
        return f"{most}{lasting(timedelta(seconds=summary.longest_seconds))}"
    return "none seen" if not summary.peers else "not known"


def _form(fleet: Fleet) -> str:
    names = sorted({each.gateway for each in fleet.recent} | {each.name for each in fleet.known})
    options = "".join(f'<option value="{shown(name, 120)}">' for name in names[:500])
    choice = fleet.choice
    until = "" if choice.until is None else f"{choice.until - _TICK:%Y-%m-%d}"
    since = "" if choice.since is None else f"{choice.since:%Y-%m-%d}"
    return (
        '<form method="get" role="search" aria-label="Choose failovers">'
        f'<label>Gateway<input name="gateway" list="gateways" value="{shown(choice.gateway)}" '
        f'autocomplete="off"></label><datalist id="gateways">{options}</datalist>'
        f"<label>Recorded{_select('cause', CAUSES, choice.cause)}</label>"
        f"<label>State{_select('state', STATES, choice.state)}</label>"
        f'<label>Since<input type="date" name="since" value="{since}"></label>'
        f'<label>Until<input type="date" name="until" value="{until}"></label>'
        "<button>Show</button></form>"
    )


def _select(
    name: str, words: Mapping[CauseKind, str] | Mapping[State, str], chosen: str | None
) -> str:
    options = "".join(
        f'<option value="{value}"{" selected" if value == chosen else ""}>{word}</option>'
        for value, word in words.items()
    )
    return f'<select name="{name}"><option value="">all</option>{options}</select>'


def _query(choice: Choice) -> dict[str, str]:
    """The choice as parameters of a query, those that are not set left out."""
    given = {
        "gateway": choice.gateway,
        "cause": choice.cause or "",
        "state": choice.state or "",
        "since": timestamp(choice.since) if choice.since else "",
        "until": timestamp(choice.until) if choice.until else "",
    }
    return {name: value for name, value in given.items() if value}


def _maintenances(fleet: Fleet) -> Iterator[str]:
    by_gateway: dict[str, list[Summary]] = defaultdict(list)
    happened = (each for each in fleet.listed if not each.drill and not each.retracted)
    for each in happened:
        if CauseKind.MAINTENANCE in each.causes:
            by_gateway[each.gateway_id].append(each)
    if not by_gateway:
        return
    rows = [
        (shown(own[0].gateway, 120), f"{len(own)}", _past(fleet, own))
        for own in sorted(by_gateway.values(), key=lambda own: (-len(own), own[0].gateway))
    ]
    columns = [
        Column(name="Gateway"), Column(name="Times", is_figure=True),
        Column(name="When (UTC), and for how long a tunnel was out"),
    ]  # fmt: skip
    note = '<p class="muted small">What was recorded beside the failovers above; no forecast.</p>'
    if len(rows) > MOST_GATEWAYS:
        note += f"<p>and {len(rows) - MOST_GATEWAYS} more gateways</p>"
    made = table("Past maintenances by gateway", columns, rows[:MOST_GATEWAYS])
    yield card("Past maintenances", made + note, key="maintenances")


def _past(fleet: Fleet, failovers: Sequence[Summary]) -> str:
    items = "".join(
        f"<li>{minute(each.first_at, fleet.now)}: {shown(_longest(each))}</li>"
        for each in failovers[:MOST_MAINTENANCES]
    )
    if len(failovers) > MOST_MAINTENANCES:
        items += f"<li>and {len(failovers) - MOST_MAINTENANCES} more</li>"
    return f'<ul class="tight">{items}</ul>'


def to_notice(title: str, text: str) -> str:
    """A page that says why there is no other."""
    above = f'<h1>{shown(title)}</h1><p class="lead">{shown(text)}</p>'
    return frame(title, "", above=above)
