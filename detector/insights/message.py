"""What people are sent: a title for a lock screen, and a body of a few lines that says what to do.

A message is of one failover, or of several, the worst first. A service may act on markup wherever
it stands, in a title or in plain text, and in a dialect of its own in which nothing can be escaped.
So in text from outside the marks give way to look-alikes.
"""

from __future__ import annotations

import html
import re
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, tzinfo
from typing import TYPE_CHECKING, Final
from urllib.parse import quote

from detector.insights.document import Reason
from detector.insights.standing import News
from detector.model import CauseKind, EndSource, Evidence, State, TunnelStatus
from detector.text import count, day_and_month, instance_of, lasting, listed, one_line

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from detector.insights.document import (
        FailoverFacts,
        Insight,
        MaybeOutFacts,
        OutageFacts,
        RedundancyFacts,
        TunnelFacts,
    )

TITLE_LENGTH: Final = 100
"""As many characters of a title a lock screen shows."""

BODY_LENGTH: Final = 3000
"""A message has no more characters, also where a service takes more and then shows less: a section
of Slack's has so many.
"""

GATEWAY_BEGINS: Final = 40
"""The name of the gateway begins within as many characters of a title."""

NAME_LENGTH: Final = 60
VALUE_LENGTH: Final = 300
TEXT_LENGTH: Final = 600
LINES_WHEN_OVER: Final = 8
LINES: Final = 15
TUNNELS_SHOWN: Final = 5
TUNNELS_WHEN_OVER: Final = 2
NAMED: Final = 2
FAILOVERS_SHOWN: Final = 9
WORDS_SHOWN: Final = 2
NEAR_ITS_BENCHMARK: Final = 0.8
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
class Times:
    """How a message that is sent `now` writes instants: in UTC, and beside it in `zone`.

    The date stands with them where it is not today's.
    """

    now: datetime
    zone: tzinfo | None = None

    def utc(self, instant: datetime) -> str:
        """The instant to the minute: `14:14 UTC`, `19 Nov 14:14 UTC`."""
        today = self.now.astimezone(UTC)
        known = instant.astimezone(UTC)
        date = "" if known.date() == today.date() else f"{day_and_month(known)} "
        if known.year != today.year:
            date = f"{day_and_month(known)} {known.year} "
        return f"{date}{known:%H:%M} UTC"

    def both(self, instant: datetime) -> str:
        """The instant in UTC and in the zone: `14:14 UTC (15:14 CET)`."""
        if self.zone is None:
            return self.utc(instant)
        local = instant.astimezone(self.zone)
        date = "" if local.date() == instant.astimezone(UTC).date() else f"{day_and_month(local)} "
        name = local.tzname() or ""
        return (
            f"{self.utc(instant)} ({date}{local:%H:%M} {'UTC' if name[:1] in '+-' else ''}{name})"
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Markup:
    """How a format writes tamed text as an item, with a label, as a link, and ends a line."""

    plain: Callable[[str], str]
    item: Callable[[str], str]
    labelled: Callable[[str, str], str]
    link: Callable[[str, str], str]
    line_end: str


MARKUPS: Final[Mapping[str, Markup]] = {
    "text": Markup(
        plain=str,
        item=str,
        labelled="{}: {}".format,
        link="{}: {}".format,
        line_end="\n",
    ),
    "html": Markup(
        plain=html.escape,
        item=html.escape,
        labelled=lambda label, text: f"<b>{label}:</b> {html.escape(text)}",
        link=lambda label, url: f'<a href="{html.escape(url)}">{label}</a>',
        line_end="<br/>\n",
    ),
    "markdown": Markup(
        plain=str,
        item="- {}".format,
        labelled="- **{}:** {}".format,
        link="- [{}]({})".format,
        line_end="\n",
    ),
}


def title(message: Sequence[News], most: int, times: Times) -> str:
    """The state, the gateway, what, and since when, in at most `most` characters, cut visibly."""
    if len(message) == 1:
        return _title(message[0], most, times)
    words = Counter(_shown(news, times).word for news in message)
    states = ", ".join(f"{number} {word}" for word, number in words.items())
    number, worst = count(len(message), "failover"), _gateway(message[0].insight)
    usual = f"{number}: {states}; worst {worst}"
    if len(usual) - len(worst) >= GATEWAY_BEGINS:
        usual = f"{number}, worst {worst}: {states}"
    return _cut(usual, most)


def headline(news: News, times: Times) -> str:
    """The state alone, as titles begin with it, and no name: `DOWN 1 of 3 tunnels`."""
    shown = _shown(news, times)
    return (*shown.heads, shown.word)[0]


def body(message: Sequence[News], markup: Markup, fits: Callable[[str], bool], times: Times) -> str:
    """What to do, what happened, cause, tunnels and links, and which update of what this is.

    It has 8 lines where all is over, else 15. Of what does not fit the less important lines are
    left out whole, since markup must not be cut, and a line `…` then says that there was more.
    """
    if len(message) == 1:
        lines = _of_one(message[0], markup, times)
        room = LINES_WHEN_OVER if _is_over(message[0]) else LINES
    else:
        lines, room = _of_several(message, markup, times), LINES
    chosen = sorted(sorted(lines, key=lambda line: line.rank)[:room], key=lines.index)
    kept: list[_Line] = []
    for line in sorted(chosen, key=lambda line: line.rank):
        together = sorted([*kept, line], key=lines.index)
        if fits(_joined(together, markup, is_whole=len(together) == len(chosen))):
            kept = together
    return _joined(kept, markup, is_whole=len(kept) == len(chosen))


@dataclass(frozen=True, slots=True, kw_only=True)
class _Line:
    """A line of a body; of a smaller rank is what matters more."""

    rank: int
    text: str
    is_last: bool = False


def _joined(lines: Sequence[_Line], markup: Markup, *, is_whole: bool) -> str:
    texts = [line.text for line in lines]
    if not is_whole:
        texts.insert(len(texts) - (1 if lines and lines[-1].is_last else 0), CUT)
    return markup.line_end.join(texts)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Shown:
    """A state in a title: its `word`, and forms of its head and of the rest, the fullest first."""

    word: str
    heads: Sequence[str]
    rests: Sequence[str]


def _title(news: News, most: int, times: Times) -> str:
    shown, gateway = _shown(news, times), _gateway(news.insight)
    drill = "DRILL " if news.insight.drill else ""
    heads = [f"{drill}{head}: " for head in (*shown.heads, shown.word)]
    head = next((each for each in heads if len(each) < GATEWAY_BEGINS), heads[-1])
    whole = [f"{head}{gateway}, {rest}" for rest in shown.rests]
    return next((each for each in whole if len(each) <= most), _cut(whole[-1], most))


def _shown(news: News, times: Times) -> _Shown:
    """How the state is said; what is worst about it decides."""
    standing, failover = news.standing, news.insight.failover
    if Reason.RETRACTED in news.reasons and not standing.fails:
        return _retracted(news, times)
    if news.reasons == (Reason.CAUSE_CHANGED,) and not standing.is_amiss:
        return _cause_changed(failover, times)
    if standing.down:
        return _down(news, times)
    if standing.without_redundancy:
        return _without_redundancy(news, times)
    if standing.flapping and Reason.RECOVERED not in news.reasons:
        return _Shown(
            word="KEEPS SWITCHING OVER", heads=(), rests=(_how_often(failover, times.now),)
        )
    if _is_steady(news):
        instants = _at(failover.last_at, times)
        rests = [f"no more switch-overs for an hour from {instant}" for instant in instants]
        return _Shown(word="STEADY", heads=(), rests=rests)
    if standing.was_down and standing.state is State.RECOVERED:
        return _back(news, times)
    gone = [each for each in failover.outages if not each.followed]
    if Reason.RECOVERED in news.reasons and gone:
        number = len({each.remote_ip for each in gone})
        followed = f"{_named(gone, number)} {'is' if number == 1 else 'are'} followed no more"
        return _Shown(word="CONNECTION GONE", heads=(), rests=[followed])
    number = len(failover.switch_overs) + failover.switch_overs_left_out
    seen = "" if failover.already_down else "no tunnel seen down, "
    return _Shown(
        word="SWITCHED OVER",
        heads=(f"SWITCHED OVER {number} times",) if number > 1 else (),
        rests=[f"{seen}{instant}" for instant in _at(failover.last_at, times)],
    )


def _is_steady(news: News) -> bool:
    """Whether what is over is only that it kept switching over, and nothing was taken back."""
    before = news.before
    return (
        before is not None
        and before.flapping
        and before.times <= news.standing.times
        and not before.is_amiss
        and Reason.RECOVERED in news.reasons
    )


def _retracted(news: News, times: Times) -> _Shown:
    failover, standing = news.insight.failover, news.standing
    if standing.down_since is not None:
        what = _named(_open(news), len(standing.peers_down))
        rests = [f"but {what} is down {since}" for since in _since(standing.down_since, times)]
        if len(standing.peers_down) > 1:
            rests = [rest.replace(" is down ", " are down ") for rest in rests]
    else:
        rests = [f"{instant}, later rows show none" for instant in _at(failover.first_at, times)]
    return _Shown(word="NO FAILOVER", heads=(), rests=rests)


CAUSES: Final[Mapping[CauseKind, str]] = {
    CauseKind.RESET: "a reset",
    CauseKind.MIGRATION: "a migration",
    CauseKind.MAINTENANCE: "maintenance",
    CauseKind.CONFIGURATION: "a configuration change",
    CauseKind.RESOURCE_HEALTH: "Resource Health",
}
"""Each cause that may be recorded, as a person says it."""


def _cause_changed(failover: FailoverFacts, times: Times) -> _Shown:
    known = [each.cause for each in failover.switch_overs if each.cause is not None]
    recorded = [each for each in (failover.cause, *known) if each.kind in CAUSES]
    if not recorded:
        instants = _at(failover.first_at, times)
        rests = [f"{instant}, what was recorded does not hold" for instant in instants]
        return _Shown(word="NO CAUSE", heads=(), rests=rests)
    what, at = CAUSES[recorded[0].kind], recorded[0].at
    instants = _at(at, times) if at else []
    rests = [f"{what} recorded at {instant}" for instant in instants] or [f"{what} recorded"]
    return _Shown(word="CAUSE FOUND", heads=(), rests=rests)


def _down(news: News, times: Times) -> _Shown:
    insight, standing = news.insight, news.standing
    failover, number = insight.failover, len(standing.peers_down)
    since = _since(standing.down_since or failover.first_at, times)
    missing = _open(news)
    what = _named(missing, number) or _named(failover.outages, number)
    if standing.peers_down <= set(news.unsteady) and not standing.critical:
        keeps = "keeps" if number == 1 else "keep"
        return _Shown(word="UP AND DOWN", heads=(), rests=[f"{what} {keeps} going up and down"])
    if missing and all(_contradicts(each, insight.tunnels) for each in missing):
        many = count(number, "tunnel")
        rests = [
            f"{each} down {instant} by the log, up by Azure"
            for each in (what, many)
            for instant in since
        ]
        return _Shown(word="LOG AND AZURE DISAGREE", heads=(), rests=rests)
    if number > 1 and all(
        each.evidence is Evidence.BOTH_INSTANCES_LOST for each in failover.switch_overs
    ):
        rests = [f"both instances {each}" for each in since]
    else:
        rests = [*(f"{what} {each}" for each in since), since[-1]]
    return _Shown(word="DOWN", heads=(f"DOWN {_of_all(insight, number)}",), rests=rests)


def _of_all(insight: Insight, number: int) -> str:
    peers = insight.gateway.peers
    if peers is None or peers < number:
        return count(number, "tunnel")
    return f"{number} of {count(peers, 'tunnel')}"


def _without_redundancy(news: News, times: Times) -> _Shown:
    failover, instances = news.insight.failover, news.standing.without_redundancy
    where = listed([_instance(each) for each in instances])
    lost = [each for each in failover.redundancy_lost if each.to is None]
    perhaps = [each for each in failover.maybe_out if each.to is None]
    if not lost and perhaps:
        since = _since(min(each.from_ for each in perhaps), times)
        what = count(len({each.remote_ip for each in perhaps}), "tunnel")
        return _Shown(
            word="MAYBE DOWN", heads=(), rests=[f"{what} of {where} {each}" for each in since]
        )
    since = _since(min((each.from_ for each in lost), default=failover.first_at), times)
    rests = [*(f"{where} without tunnels {each}" for each in since), since[-1]]
    return _Shown(word="REDUNDANCY LOST", heads=(), rests=rests)


def _back(news: News, times: Times) -> _Shown:
    failover = news.insight.failover
    again = Reason.SWITCHED_AGAIN in news.reasons
    at = _at(failover.last_at if again else failover.first_at, times)
    if not (failover.outages or failover.maybe_out):
        seconds = failover.redundancy_lost_seconds
        after = f" after {lasting(timedelta(seconds=seconds))}" if seconds else ""
        return _Shown(word="REDUNDANCY BACK", heads=(f"REDUNDANCY BACK{after}",), rests=at)
    if failover.outages:
        number = len({each.remote_ip for each in failover.outages})
        what = _named(failover.outages, number) if number == 1 else count(number, "tunnel")
        if failover.outages_left_out:
            what = f"{count(number, 'tunnel')} or more"
        if all(each.evidence is Evidence.BOTH_INSTANCES_LOST for each in failover.switch_overs):
            what += " on both instances"
    else:
        what = count(len({each.remote_ip for each in failover.maybe_out}), "tunnel")
    heads = (f"BACK{_after(failover)}",)
    rests = [f"{what}, {each}" for each in at]
    if seconds := failover.redundancy_lost_seconds:
        whole = f"redundancy after {lasting(timedelta(seconds=seconds))}"
        rests = [*(f"{what}, {whole}, {each}" for each in at), *rests]
    return _Shown(word="BACK", heads=heads, rests=rests)


def _after(failover: FailoverFacts) -> str:
    """How long the longest outage was, as far as all their lengths are known."""
    lengths: list[tuple[float, bool]] = []
    for outage in failover.outages:
        if outage.to is None:
            return ""
        is_bound = outage.seconds is None or outage.end_source is EndSource.ARM
        lengths.append(
            (outage.at_most if is_bound and outage.at_most else outage.seconds or 0, is_bound)
        )
    lengths += [
        ((each.to - each.from_) / timedelta(seconds=1), True)
        for each in failover.maybe_out
        if each.to is not None
    ]
    if not lengths:
        return ""
    longest, is_bound = max(lengths)
    return f" after {'at most ' if is_bound else ''}{lasting(timedelta(seconds=longest))}"


def _how_often(failover: FailoverFacts, now: datetime) -> str:
    lately = [each for each in failover.switch_overs if now - each.at < timedelta(hours=1)]
    if len(lately) > 2:
        return f"{len(lately)} times in the last hour"
    return "3 times or more within 24 hours"


def _at(instant: datetime, times: Times) -> list[str]:
    return list(dict.fromkeys((times.both(instant), times.utc(instant))))


def _since(instant: datetime, times: Times) -> list[str]:
    return [f"since {each}" for each in _at(instant, times)]


def _open(news: News) -> list[OutageFacts]:
    return [each for each in news.insight.failover.outages if _is_down(each, news)]


def _is_down(outage: OutageFacts, news: News) -> bool:
    return outage.is_open and outage.remote_ip in news.standing.peers_down


def _named(outages: Iterable[OutageFacts], number: int) -> str:
    """The tunnels by the names that people know them by, and how many more of `number`."""
    names = [_peer(each.remote_ip, each.connection) for each in outages]
    shown = list(dict.fromkeys(names))[: NAMED if number > NAMED + 1 else NAMED + 1]
    if number > len(shown) and shown:
        return f"{', '.join(shown)} and {number - len(shown)} more"
    return listed(shown)


def _peer(remote_ip: str, connection: str | None) -> str:
    return tame(connection or remote_ip, NAME_LENGTH)


def _gateway(insight: Insight) -> str:
    return tame(insight.gateway.name, NAME_LENGTH)


def _instance(name: str) -> str:
    return tame(instance_of(name), NAME_LENGTH)


_DOWN: Final = frozenset({TunnelStatus.NOT_CONNECTED.value, TunnelStatus.CONNECTING.value})


def _contradicts(outage: OutageFacts, tunnels: Iterable[TunnelFacts]) -> bool:
    """Whether Azure says connected of what the log says is down."""
    return any(
        each.remote_ip == outage.remote_ip and each.status == "Connected" for each in tunnels
    )


def _is_over(news: News) -> bool:
    return not news.standing.is_amiss and not news.standing.flapping


def _of_one(news: News, markup: Markup, times: Times) -> list[_Line]:
    insight = news.insight
    failover = insight.failover

    def told(rank: int, label: str, text: str) -> _Line:
        return _Line(rank=rank, text=markup.labelled(label, tame(text, VALUE_LENGTH)))

    lines = [
        _Line(rank=0, text=markup.plain(tame(advice_on(news), TEXT_LENGTH))),
        _Line(
            rank=1,
            text=markup.labelled("What happened", tame(insight.verdict, TEXT_LENGTH)),
        ),
    ]
    if not news.standing.retracted:
        lines.append(told(2, "Cause", failover.cause.statement))
    lines += [told(2, "Tunnel", text) for text in _tunnels(news, times)]
    lines += [told(2, "Redundancy", text) for text in _redundancy(failover, times)]
    lines += [told(3, "Perhaps out", text) for text in _perhaps_out(failover.maybe_out, times)]
    if failover.already_down:
        names = [
            f"{_peer(each.remote_ip, each.connection)} since {times.both(each.since)}"
            for each in failover.already_down
        ]
        lines.append(told(4, "Already down before", _some(names)))
    lines.append(told(5, "Gateway", _place(insight)))
    if (insight.bandwidth.ratio or 0) >= NEAR_ITS_BENCHMARK:
        lines.append(told(5, "Bandwidth", insight.bandwidth.statement))
    if insight.gateway.unknown and not _is_over(news):
        unknown = [f"{fact} ({why})" for fact, why in insight.gateway.unknown.items()]
        lines.append(told(7, "Unknown", _some(unknown)))
    lines += [
        _Line(rank=rank, text=markup.link(label, quote(url, safe="%/:?#@!$&*+,;=~")))
        for rank, label, url in _links(news)
        if url
    ]
    reasons = listed([_REASONS[reason] for reason in news.reasons])
    update = markup.labelled(f"Update {insight.revision}", f"{reasons}, {tame(insight.id, 60)}")
    return [*lines, _Line(rank=0, text=update, is_last=True)]


_REASONS: Final[Mapping[Reason, str]] = {
    Reason.DETECTED: "detected",
    Reason.RETRACTED: "retracted",
    Reason.RECOVERED: "recovered",
    Reason.WORSENED: "worse than told before",
    Reason.SWITCHED_AGAIN: "switched over again",
    Reason.CAUSE_CHANGED: "its cause changed",
    Reason.COMPLETED: "a fact came in",
    Reason.REVISED: "revised",
}


def _of_several(message: Sequence[News], markup: Markup, times: Times) -> list[_Line]:
    worst = message[0]
    advice = advice_on(worst)
    if not _is_over(worst):
        advice = f"First {worst.insight.gateway.name}: {advice}"
    lines = [_Line(rank=0, text=markup.plain(tame(advice, TEXT_LENGTH)))]
    by_line, others = message[:FAILOVERS_SHOWN], message[FAILOVERS_SHOWN:]
    lines += [
        _Line(rank=rank, text=markup.item(_title(news, VALUE_LENGTH, times)))
        for rank, news in enumerate(by_line, start=1)
    ]
    names: dict[str, list[str]] = {}
    for news in others:
        word = f"{_shown(news, times).word}, too"
        label = word if word in names or len(names) < WORDS_SHOWN else "Others"
        names.setdefault(label, []).append(_gateway(news.insight))
    lines += [
        _Line(rank=50 + rank, text=markup.labelled(word, ", ".join(own)))
        for rank, (word, own) in enumerate(names.items())
    ]
    if page := worst.insight.links.page or worst.insight.links.portal:
        url = quote(page, safe="%/:?#@!$&*+,;=~")
        lines.append(_Line(rank=90, text=markup.link("The worst of them", url)))
    reasons = Counter(_REASONS[news.reasons[0]] for news in message)
    summary = ", ".join(f"{number} {reason}" for reason, number in reasons.items())
    update = markup.labelled(f"Updates of {len(message)} failovers", summary)
    return [*lines, _Line(rank=0, text=update, is_last=True)]


def advice_on(news: News) -> str:
    """What the reader is to do now, in every case."""
    insight, standing = news.insight, news.standing
    if insight.drill:
        return "Nothing to do. This is a drill: no failover happened; it tests the way to you."
    if insight.advice:
        return insight.advice
    if standing.retracted and standing.down:
        return "No failover happened. Look at the peer of what is down all the same."
    if standing.is_amiss:
        return insight.facts.get("resetAdvice") or "Look at the peers of what is down."
    if standing.flapping:
        return "Nothing is down now. Open a support case if it goes on."
    if Reason.RETRACTED in news.reasons:
        return "Nothing to do. No failover happened."
    if standing.was_down and standing.state is State.RECOVERED:
        return "Nothing to do. What went down is back."
    return "Nothing to do, as far as the logs tell."


def _tunnels(news: News, times: Times) -> Iterator[str]:
    """A line for each peer by the worst of its outages; those that are down first."""
    failover = news.insight.failover

    def order(outage: OutageFacts) -> tuple[bool, float]:
        return not _is_down(outage, news), -(outage.seconds or outage.at_most or 0)

    often = Counter(each.remote_ip for each in failover.outages)
    worst = {each.remote_ip: each for each in sorted(failover.outages, key=order, reverse=True)}
    peers = sorted(worst.values(), key=order)
    shown = peers[: TUNNELS_WHEN_OVER if _is_over(news) else TUNNELS_SHOWN]
    for outage in shown:
        number, is_down = often[outage.remote_ip], _is_down(outage, news)
        again = f" (the longest of {number} times)" if number > 1 and not is_down else ""
        yield _tunnel(outage, news, times) + again
    if more := len(peers) - len(shown):
        none = "none for longer" if _is_over(news) else "none worse"
        yield f"and {count(more, 'tunnel')} more, {none}"
    if failover.outages_left_out:
        yield f"and {count(failover.outages_left_out, 'outage')} more"


def _tunnel(outage: OutageFacts, news: News, times: Times) -> str:
    name = f"{outage.connection} ({outage.remote_ip})" if outage.connection else outage.remote_ip
    is_down = _is_down(outage, news)
    down = f"{name} down {'since' if is_down else 'at'} {times.both(outage.from_)}"
    if is_down:
        seen_until = news.insight.failover.seen_until
        answers = [each for each in news.insight.tunnels if each.remote_ip == outage.remote_ip]
        end = f"not seen to reconnect by {times.utc(seen_until)}"
        if _contradicts(outage, answers):
            end = "but Azure says that it is connected"
        elif answers and all(each.status in _DOWN for each in answers):
            asked = max(each.as_of for each in answers)
            end = f"still down by Azure at {times.utc(asked)}"
    elif outage.seconds is not None and outage.end_source is not EndSource.ARM:
        end = f"back after {lasting(timedelta(seconds=outage.seconds))}"
    elif outage.at_most is not None:
        end = f"back after at most {lasting(timedelta(seconds=outage.at_most))}"
    elif outage.to is not None:
        end = f"connected by {times.utc(outage.to)}"
    else:
        end = "back at a time that was not logged"
    keeps = ", keeps going up and down" if outage.remote_ip in news.unsteady else ""
    return f"{down}, {end}{keeps}"


def _redundancy(failover: FailoverFacts, times: Times) -> Iterator[str]:
    for lost in failover.redundancy_lost[:TUNNELS_WHEN_OVER]:
        names = _some([_peer(each.remote_ip, each.connection) for each in lost.tunnels])
        which = f" ({names})" if names else ""
        yield f"{_instance(lost.instance)} without tunnels{which} {_lost_for(lost, times)}"
    if not failover.redundancy_lost and failover.redundancy_lost_seconds:
        yield f"lost for {lasting(timedelta(seconds=failover.redundancy_lost_seconds))}"


def _lost_for(lost: RedundancyFacts, times: Times) -> str:
    if lost.to is None:
        return f"since {times.both(lost.from_)}"
    return f"at {times.both(lost.from_)}, back after {lasting(lost.to - lost.from_)}"


def _perhaps_out(maybe_out: Sequence[MaybeOutFacts], times: Times) -> Iterator[str]:
    for each in maybe_out[:TUNNELS_WHEN_OVER]:
        lasted = f"since {times.both(each.from_)}"
        if each.to is not None:
            lasted = f"at {times.both(each.from_)} for {lasting(each.to - each.from_)}"
        yield (
            f"{_peer(each.remote_ip, each.connection)} on {_instance(each.instance)} {lasted}; "
            "not known whether the other instance served it"
        )


def _place(insight: Insight) -> str:
    gateway = insight.gateway
    parts = [gateway.name, f"resource group {gateway.resource_group}"]
    parts += [f"VIP {listed(gateway.vips)}"] if gateway.vips else []
    network = gateway.virtual_network.name
    return ", ".join([*parts, *([f"network {network}"] if network else [])])


def _links(news: News) -> Iterator[tuple[int, str, str]]:
    links = news.insight.links
    yield 3, "All about it", links.page
    yield 4, "The gateway in the portal", links.portal
    if not _is_over(news):
        yield 6, "How to reset a gateway", links.reset_guide
    if (news.insight.bandwidth.ratio or 0) >= NEAR_ITS_BENCHMARK:
        yield 6, "Benchmarks of the SKUs", links.sku_benchmarks


def _some(texts: Sequence[str]) -> str:
    """The first few, and how many more."""
    shown = texts[:TUNNELS_SHOWN]
    more = len(texts) - len(shown)
    return ", ".join(shown) + (f" and {more} more" if more else "")


def tame(text: str, most: int) -> str:
    """Text from outside on one line, cut visibly, in which nothing calls, links or formats."""
    harmless = _MARKS.sub(lambda mark: chr(ord(mark[0]) + _FULL_WIDTH), one_line(text, most))
    return _cut(_CALLS.sub(rf"\g<0>{_NO_SPACE}", harmless), most)


def _cut(text: str, most: int) -> str:
    return text if len(text) <= most else text[: most - 1] + CUT
