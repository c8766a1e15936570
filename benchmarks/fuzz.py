"""What nobody wrote, at every entrance: rows, bodies, histories, notes, articles, settings.

    python -m benchmarks.fuzz [--seconds 60] [--seed 1] [--only rows …]

Each is a real one with some of it changed: values of every kind and length take the place of
others, members are lost or doubled, and texts are cut. Whatever comes, an entrance says what is
wrong in its own words, what it lets in is bounded, and a run over it ends without a defect.
"""

from __future__ import annotations

import argparse
import json
import time
import traceback
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Any, Final

from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis import strategies as st
from hypothesis.strategies import DrawFn, SearchStrategy

from detector.app.settings import Settings
from detector.articles import article
from detector.errors import ArticleError, FactUnknown, JournalUnavailable, SettingsError
from detector.insights.compose import LONGEST_DOCUMENT
from detector.insights.document import to_json
from detector.insights.html import to_html, to_text
from detector.insights.summary import to_markdown
from detector.journal.history import history_from_json
from detector.journal.layout import LAST_COVERAGE, note_from_json
from detector.local.exports import read_export
from detector.model import Signal
from detector.runs.heartbeat import heartbeat_of
from detector.runs.report import LONGEST_LINE, Report, log_line
from detector.runs.run import run_once
from detector.runs.schedule import Schedule
from detector.runs.status import status_lines, status_of
from detector.signals import arm
from detector.signals.metrics import bandwidth
from detector.signals.row import read_rows
from tests.builders import GATEWAY_ID, LYON, at, down, up
from tests.fleet import MemoryArchive
from tests.memory import (
    SCOPE,
    ListReceiver,
    ListSink,
    MemoryAzure,
    MemoryJournal,
    MemoryLogs,
    a_world,
    plenty,
    seen,
)

ROOT: Final = Path(__file__).parent.parent
AFTERNOON: Final = ROOT / "samples" / "afternoon"
HISTORIES: Final = ROOT / "tests" / "golden" / "histories"
ONCE: Final = 200
"""So many examples are tried with one seed."""

SECRET: Final = "s3cret-0123456789"
NO_BANDWIDTH: Final = (
    *(ValueError, LookupError, TypeError, AttributeError),
    *(OverflowError, RecursionError),
)


def _deep(levels: int, *, of: str = "[") -> str:
    return of * levels + {"[": "]", '{"a":': "}"}[of].join([""] * (levels + 1))


@cache
def _nested(levels: int) -> object:
    value: object = None
    for _ in range(levels):
        value = (value,)  # which is JSON as a list is, and is not gone into
    return value


HOSTILE: Final[tuple[object, ...]] = (
    *("", " ", "\x00", "\ud800", "%\ud800", "\u202e", "x" * 5000, "\U0001f600" * 3000, "[" * 3000),
    *("2603::1%\ud800", "::1%", "0.0.0.0", "1" * 400, "/", "//", "/subscriptions//", "\\", "\r\n"),
    *("0001-01-01T00:00:00Z", "9999-12-31T23:59:59Z", "2026-11-22T02:00:00", "2026-13-45", "now"),
    *("0001-01-01T00:00:00+23:59", "9999-12-31T23:59:59-23:59", "2026-11-22", "1e400", "NaN"),
    *(None, True, False, 0, -1, 10**400, -(10**30), 1.5, float("inf"), float("nan"), 2**63),
    *([], {}, [[]], [None], {"": ""}, {"value": None}, {"id": 1}, [{}] * 300),
    *({"value": [{"value": []}]}, {"properties": {"properties": {}}}, {"properties": []}),
    *(datetime(1, 1, 1), datetime(9999, 12, 31, 23, 59, 59, tzinfo=UTC), timedelta(days=10**6)),  # noqa: DTZ001
    *(_nested(300), _nested(900), b"\xff", Ellipsis),
)
"""What takes the place of a value; a row may hold what is typed, JSON holds no more than that."""


def _is_json(value: object) -> bool:
    return not isinstance(value, datetime | timedelta | bytes) and value is not Ellipsis


values: Final[SearchStrategy[Any]] = st.one_of(
    st.sampled_from(HOSTILE),
    st.text(max_size=40),
    st.integers(),
    st.floats(),
    st.datetimes().map(lambda time: time.replace(tzinfo=UTC).isoformat()),
    st.recursive(
        st.none() | st.booleans() | st.text(max_size=8) | st.integers(-9, 9),
        lambda inner: (
            st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4)
        ),
        max_leaves=12,
    ),
)
json_values: Final = values.filter(_is_json)


@st.composite
def changed(draw: DrawFn, template: Any, others: SearchStrategy[Any] = json_values) -> Any:
    """A JSON value with a few of its parts lost, doubled or in another form."""
    whole = {"whole": _copy(template)}
    for _ in range(draw(st.integers(0, 5))):
        places = list(_places(whole))
        holder, key = places[draw(st.integers(0, len(places) - 1))]
        what = draw(st.sampled_from(["other", "other", "other", "lost", "doubled", "elsewhere"]))
        if what == "other":
            holder[key] = _copy(draw(others))
        elif what == "lost" and holder is not whole:
            del holder[key]
        elif what == "doubled" and isinstance(holder, list) and len(holder) < 1000:
            holder.insert(key, holder[key])
        elif what == "elsewhere":
            from_holder, from_key = places[draw(st.integers(0, len(places) - 1))]
            holder[key] = _copy(from_holder[from_key]) if holder is not whole else holder[key]
    return whole["whole"]


def _copy(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _copy(each) for name, each in value.items()}
    return [_copy(each) for each in value] if isinstance(value, list) else value


def _places(value: Any) -> Iterable[tuple[Any, Any]]:
    """Every place in a JSON value, as the object or the list that holds it and the key in it."""
    waiting = [value]
    found = 0
    while waiting and found < 3000:
        holder = waiting.pop()
        inner = holder.items() if isinstance(holder, dict) else enumerate(holder)
        for key, each in inner:
            found += 1
            yield holder, key
            if isinstance(each, dict | list):
                waiting.append(each)


@st.composite
def texts(draw: DrawFn, template: Any) -> str:
    """The JSON text of a changed value, sometimes cut or with something in it that is no JSON."""
    text = json.dumps(draw(changed(template)))
    match draw(st.integers(0, 9)):
        case 0:
            return text[: draw(st.integers(0, len(text)))]
        case 1:
            place = draw(st.integers(0, len(text)))
            return text[:place] + draw(st.text(max_size=9)) + text[place:]
        case 2:
            return text.replace("null", _deep(draw(st.sampled_from([9, 3000, 100_000]))), 1)
        case 3:
            return text.replace('"', _deep(900, of='{"a":'), 1)
    return text


# The entrances, each with what it is given and what must hold


def ran(
    *,
    signals: Sequence[Signal] = (),
    journal: MemoryJournal | None = None,
    now: datetime,
) -> Report:
    """The report of a run, which is never stopped by what nobody thought of."""
    rows = seen(*signals) or seen(down(at()), up(at(12)), down(at(2), remote_ip=LYON))
    world = a_world(
        MemoryLogs(rows),
        journal=journal,
        sinks=[sink := ListSink(), ListReceiver()],
        azure=MemoryAzure(),
        lookback=timedelta(days=2),
    )
    report, insights = run_once(world, now=now, left=plenty)
    assert report.traces == (), "\n".join(report.traces)
    assert len(log_line(report)) <= LONGEST_LINE
    for insight in (*insights, *sink.taken):
        assert len(to_json(insight).encode()) <= 2 * LONGEST_DOCUMENT
        to_html(to_markdown(insight))
        to_text(to_markdown(insight))
    return report


A_ROW: Final = {
    "TimeGenerated": "2026-11-22T02:00:00.1234567Z",
    "ResourceId": GATEWAY_ID,
    "Source": "TunnelDiagnosticLog",
    "Operation": "TunnelDisconnected",
    "Status": "Disconnected",
    "Instance": "GatewayTenantWorker_IN_0",
    "RemoteIp": "198.51.100.11",
    "Reason": "dead peer",
    "Message": "Upgrade of the gateway started",
    "Caller": "kim@example.com",
    "CorrelationId": "c-1",
    "Additional": {"instance": "x", "remoteIP": "y", "stateChangeReason": "z"},
    "Properties": {"properties": {"title": "t", "currentHealthStatus": "Unavailable"}},
}
OPERATIONS: Final = (
    *("TunnelDisconnected", "TunnelConnected", "GatewayTenantPrimaryChanged"),
    *("HostMaintenanceEvent", "SetGatewayConfiguration", "MigrateCustomerSubscription"),
    "Microsoft.Network/virtualNetworkGateways/reset/action",
    "Microsoft.Network/connections/write",
)


@st.composite
def rows(draw: DrawFn) -> list[Any]:
    """Some rows of one gateway, changed."""
    made = []
    for number in range(draw(st.integers(1, 6))):
        row = A_ROW | {
            "TimeGenerated": (at() + timedelta(seconds=9 * number)).isoformat(),
            "Operation": draw(st.sampled_from(OPERATIONS)),
            "Instance": f"GatewayTenantWorker_IN_{number % 2}",
        }
        if draw(st.booleans()):
            row |= {"Source": "AzureActivity/ResourceHealth", "Properties": A_ROW["Properties"]}
        made.append(row)
    found = draw(changed(made, values))
    return [row for row in found if isinstance(row, Mapping)] if isinstance(found, list) else []


def check_rows(found: list[Any]) -> None:
    """A row is a signal of bounded length, or named; and a run goes over them all."""
    signals, unusable = read_rows(found, origin="the workspace")
    assert unusable.failures == [], unusable.failures[0].trace
    for line in unusable.lines:
        assert len(line) < 1000
    for signal in signals:
        named = [signal.instance, signal.remote_ip, signal.gateway_id, signal.caller, signal.text]
        assert all(len(each) <= 2000 for each in named)
    ran(signals=signals, now=at(minutes=20))


@cache
def _sample(name: str) -> Any:
    return json.loads((AFTERNOON / name).read_text("utf-8"))


def check_export(text: str) -> None:
    """A file of any form gives rows or says what it is not."""
    for _, row in read_export(text.encode("utf-8", "replace")):
        if isinstance(row, dict):
            read_rows([row], origin="the file")


def check_body(body: Any) -> None:
    """A body gives facts, and what it does not is unknown."""
    known = arm.gateway(GATEWAY_ID, body, {})
    assert all(len(vip) < 100 for vip in known.vips)
    for part in (body, *(body if isinstance(body, list) else ())):
        for public_ip in arm.public_ips_needed(part):
            assert len(public_ip) <= 2000
        assert isinstance(arm.address(part), str | FactUnknown)
        arm.peer_needed(part)
        arm.own_id(part)
        arm.gateways_of(part)
        linked = arm.connection(part, {})
        assert linked.remote_ip is None or len(linked.remote_ip) < 100
        arm.health_events([part])


def check_metrics(body: Any) -> None:
    """An answer of the metrics is series, or raises what every edge knows."""
    with suppress(*NO_BANDWIDTH):
        list(bandwidth(body))


def _golden() -> list[Any]:
    return [json.loads(path.read_text("utf-8")) for path in sorted(HISTORIES.rglob("*.json"))]


def check_history(text: str) -> None:
    """A history is read or is none; and what is read, a run goes on from."""
    try:
        history = history_from_json(text)
    except ValueError:
        return
    journal = MemoryJournal(entries={history.key: (text, 1)})
    signals = [replace(row, gateway_id=history.gateway_id) for row in (down(at()), up(at(12)))]
    times = [record.failover.last_at for record in history.records] or [at()]
    for now in (max(times) + timedelta(minutes=5), at(minutes=20)):
        if abs(now - at()) < timedelta(days=365 * 50):
            try:
                ran(signals=signals, journal=journal, now=now)
            except JournalUnavailable:
                return


A_NOTE: Final = {
    "report": {"at": "2026-11-22T02:00:00Z", "scopes": [], "givenUp": [], "problems": ["x"]},
    "completeUntil": {SCOPE.id: "2026-11-22T01:55:00Z"},
    "askedSince": {SCOPE.id: "2026-11-21T20:00:00Z"},
    "watched": {
        SCOPE.id: {
            "since": "2026-11-01T00:00:00Z",
            "until": "2026-11-22T01:55:00Z",
            "gaps": [["2026-11-02T00:00:00Z", "2026-11-02T01:00:00Z"]],
        }
    },
    "lastGivenUp": "2026-11-21T00:00:00Z",
}


def check_note(text: str) -> None:
    """A note is read or is none; a run, the status and the heartbeat make do with what it says."""
    try:
        note = note_from_json(text)
    except ValueError:
        return
    journal, schedule = MemoryJournal(note=note), Schedule.read("0 */5 * * * *")
    archive = MemoryArchive(notes={LAST_COVERAGE: note})
    for line in status_lines(status_of(journal, archive, [SCOPE], schedule, now=at())):
        assert len(line) < 3000
    heartbeat_of(note, [SCOPE], schedule, now=at())
    ran(journal=journal, now=at(minutes=20))


PIECES: Final = (
    *("{{", "}}", "<!--", "-->", "`", "```", "\n\n", "# ", "- ", "1. ", "|", "[x](y)", "<b>"),
    *("<script>", "$(", "&#0;", "\x00", "\u202e", "---\n", "diagnosticScenario: ", "\ufeff", "\t"),
)


@st.composite
def articles(draw: DrawFn) -> str:
    """A shipped article with pieces of it lost and others in it."""
    text = draw(st.sampled_from(_articles()))
    for _ in range(draw(st.integers(0, 6))):
        place = draw(st.integers(0, len(text)))
        gone = draw(st.integers(0, 60))
        piece = draw(st.sampled_from(PIECES) | st.text(max_size=12)) * draw(st.integers(1, 30))
        text = text[:place] + piece + text[place + gone :]
    return text


@cache
def _articles() -> list[str]:
    return [path.read_text("utf-8") for path in sorted((ROOT / "articles").glob("*.md"))]


def check_article(text: str) -> None:
    """An article is rendered, or says what is wrong in it, and where."""
    read = article.parse(text)
    assert all(problem.line >= 1 for problem in read.problems)
    facts = dict.fromkeys(
        (
            *("virtualNetworkName", "gatewayVip", "preciseTimestamp", "gatewayName", "TunnelName"),
            *("caller", "resetAdvice", "caseText", "resourceIdDecoded", "domain"),
        ),
        "<b>x</b> [y](z)\n`",
    )
    with suppress(ArticleError):
        read.render(facts)
        read.title_with(facts)


SETTINGS: Final = {
    "DETECTOR_SCOPES": "6f3c1f6e-0b1e-4b7a-9c37-51c2f3c0a001",
    "AzureWebJobsStorage": "UseDevelopmentStorage=true",
    "DETECTOR_SCHEDULE": "0 */5 * * * *",
    "DETECTOR_LOOKBACK": "PT6H",
    "DETECTOR_CATCH_UP": "P2D",
    "DETECTOR_STORE": "blob:insights",
    "DETECTOR_QUEUE": "insights",
    "DETECTOR_WEBHOOK_URLS": f"https://hooks.example.com/{SECRET}",
    "DETECTOR_NOTIFY_URLS": f"json://user:{SECRET}@example.com/",
    "DETECTOR_CLOUD": "AzureCloud",
    "DETECTOR_DIGEST": "PT15M",
    "DETECTOR_TIME_ZONE": "Europe/Paris",
    "DETECTOR_EVENT_GRID_ENDPOINT": "https://x.westeurope-1.eventgrid.azure.net/api/events",
}


@st.composite
def environments(draw: DrawFn) -> dict[str, str]:
    """Settings of which some are lost or say something else."""
    known = dict(SETTINGS)
    for _ in range(draw(st.integers(0, 4))):
        name = draw(st.sampled_from(sorted(known)))
        value, other = known[name], draw(values.map(str) | st.sampled_from(list(known.values())))
        place = draw(st.integers(0, len(value)))
        known[name] = draw(
            st.sampled_from([other, value[:place] + other + value[place:], value[:place], ""])
        )
    return known


def check_settings(environment: dict[str, str]) -> None:
    """Settings are read, or each that is wrong is named, and no secret with it."""
    said = ""
    try:
        Settings.read(environment)
    except SettingsError as error:
        said = str(error)
    assert SECRET not in said
    assert len(said) < 100_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Entrance:
    """Where something comes in: what is tried, and what must hold of it."""

    given: SearchStrategy[Any]
    check: Callable[[Any], None]


ENTRANCES: Final[Mapping[str, Entrance]] = {
    "rows": Entrance(given=rows(), check=check_rows),
    "exports": Entrance(
        given=st.deferred(lambda: texts(_sample("logs/AzureActivity.json")[:3]))
        | st.deferred(lambda: texts(_sample("logs/AzureDiagnostics.json")[:3])),
        check=check_export,
    ),
    "bodies": Entrance(
        given=st.deferred(
            lambda: st.sampled_from(
                [
                    _sample("gateways/vpn-hub-weu.json"),
                    _sample("gateways/vpn-branch-frc.json"),
                    _sample("connections/connections.json")["value"][0],
                ]
            )
        ).flatmap(changed),
        check=check_body,
    ),
    "metrics": Entrance(
        given=st.deferred(lambda: changed(_sample("metrics/vpn-hub-weu.json"))),
        check=check_metrics,
    ),
    "histories": Entrance(
        given=st.deferred(lambda: st.sampled_from(_golden())).flatmap(texts), check=check_history
    ),
    "notes": Entrance(given=texts(A_NOTE), check=check_note),
    "articles": Entrance(given=articles(), check=check_article),
    "settings": Entrance(given=environments(), check=check_settings),
}


def tried(name: str, *, number: int, examples: int, phases: Sequence[Phase] = tuple(Phase)) -> None:
    """Try an entrance with so many examples of a seed; raises what an example led to."""
    entrance = ENTRANCES[name]

    @seed(number)
    @settings(
        max_examples=examples,
        deadline=None,
        database=None,
        phases=phases,
        suppress_health_check=list(HealthCheck),
    )
    @given(entrance.given)
    def one(example: Any) -> None:
        entrance.check(example)

    one()


def main() -> None:
    """Try the entrances one after the other for so long; ends with 1 if something was found."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=60)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--only", nargs="+", choices=list(ENTRANCES), default=list(ENTRANCES))
    asked = parser.parse_args()
    until, number = time.monotonic() + asked.seconds, asked.seed
    examples: Counter[str] = Counter()
    found: set[str] = set()
    while time.monotonic() < until:
        for name in asked.only:
            try:
                tried(name, number=number, examples=ONCE)
            except Exception as error:  # noqa: BLE001 -- what a fuzzer is for
                kind = f"{name}: {type(error).__name__}: {str(error)[:300]}"
                if kind not in found:
                    found.add(kind)
                    print(f"seed {number}\n{traceback.format_exc()}", flush=True)
            examples[name] += ONCE
        number += 1
    print(f"{dict(examples)} examples, seeds {asked.seed} to {number - 1}")
    print(f"{len(found)} defects found", *sorted(found), sep="\n")
    raise SystemExit(bool(found))


if __name__ == "__main__":
    main()
