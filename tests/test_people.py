"""Notifications: what services get on the wire, and every way in which they fail."""

from __future__ import annotations

import json
import logging
import socket
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from detector.errors import SettingsError
from detector.insights.document import Insight, Reason
from detector.insights.standing import Severity, news_of
from detector.journal.delivery import attempt, probed
from detector.model import State
from detector.sinks.people import People
from tests.fleet import a_coverage
from tests.sink_contract import AnnouncerContract
from tests.sink_stand_in import (
    LONG,
    NOW,
    Answer,
    Received,
    SinkStandIn,
    an_insight,
    ca_file,
    closed_port,
    everything_told_of,
    replying,
    resetting,
)

HOSTILE = (
    "x**b** <!channel> <@&2> @everyone [click](https://evil.example) <i>\u202e\n# h" + "a" * 10**5
)

TITLE = "BACK after 1 min 23 s: vpn_hub_1, to-branch, 02:14 UTC"
ADVICE = "Nothing to do. What went down is back."
FAILOVER = "20261122T021407123Z-1a2b3c4d5e6f"

SERVICES = {
    "slack": "slack://T1JJ3T3L2/A1BRTD4JD/TIiajkdnlazkcOXrIdevi7FQ/",
    "slack blocks": "slack://T1JJ3T3L2/A1BRTD4JD/TIiajkdnlazkcOXrIdevi7FQ/?blocks=yes",
    "teams": "workflows://prod-1.westeurope.logic.azure.com:443/wf643ae4d/s3cret",
    "discord": "discord://123456789012345678/abcdefghijklmnop",
    "pagerduty": f"pagerduty://{'a' * 32}@{'b' * 20}",
    "telegram": "tgram://123456789:abcdefg_hijklmnop/12315544/",
}


@pytest.fixture
def service() -> Iterator[SinkStandIn]:
    """A service whose address stands in the URL."""
    with SinkStandIn() as service:
        yield service


@pytest.fixture
def world(monkeypatch: pytest.MonkeyPatch) -> Iterator[SinkStandIn]:
    """Every service of the world: a proxy that is whatever host it is asked for."""
    with ca_file() as path, SinkStandIn() as world:
        world.answer = replying(200, body=b"ok")
        monkeypatch.setenv("REQUESTS_CA_BUNDLE", path)
        monkeypatch.setenv("HTTPS_PROXY", f"http://{world.at}")
        yield world


def people(url: str, *, timeout: timedelta = LONG, position: int = 1) -> People:
    return People(url=url, timeout=timeout, position=position)


def still_down(**changes: object) -> Insight:
    """The insight, but that its tunnel is down."""
    whole = an_insight(**changes)
    outage = whole.failover.outages[0].model_copy(update={"to": None, "seconds": None})
    failover = {"outages": (outage,), "state": State.ONGOING}
    return whole.model_copy(update={"failover": whole.failover.model_copy(update=failover)})


def sent(world: SinkStandIn, url: str, insight: Insight) -> Any:
    """What the service at `url` gets for `insight`: one message."""
    people(url).deliver(insight)
    [request] = world.received
    return json.loads(request.body)


def texts(value: object) -> Iterator[str]:
    """Every string in a JSON value."""
    if isinstance(value, str):
        yield value
    for member in (
        value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    ):
        yield from texts(member)


def test_slack_gets_its_own_markup(world: SinkStandIn) -> None:
    insight = an_insight()

    [attachment] = sent(world, SERVICES["slack"], insight)["attachments"]

    assert TITLE == attachment["title"]
    assert f"- *What happened:* {insight.verdict}\n" in attachment["text"]
    assert f"- <{insight.links.portal}|The gateway in the portal>\n" in attachment["text"]


def test_teams_gets_an_adaptive_card_in_markdown(world: SinkStandIn) -> None:
    insight = an_insight()

    [attachment] = sent(world, SERVICES["teams"], insight)["attachments"]
    heading, text = attachment["content"]["body"]

    assert TITLE == heading["text"]
    assert f"- **What happened:** {insight.verdict}\n" in text["text"]
    assert f"- [The gateway in the portal]({insight.links.portal})\n" in text["text"]


def test_discord_and_pagerduty_get_plain_text_under_the_title(world: SinkStandIn) -> None:
    insight = an_insight()
    beginning = f"{TITLE}\r\n{ADVICE}\nWhat happened: {insight.verdict}\n"
    is_down = "DOWN 1 tunnel: vpn_hub_1, to-branch since 02:14 UTC\r\n"

    content = sent(world, SERVICES["discord"], insight)["content"]
    world.received.clear()
    incident = sent(world, SERVICES["pagerduty"], still_down())["payload"]

    assert content.startswith(beginning)
    assert incident["summary"].startswith(is_down)


def test_telegram_gets_html(world: SinkStandIn) -> None:
    insight = an_insight()

    text = sent(world, SERVICES["telegram"], insight)["text"]

    assert f"<b>{TITLE}</b>" == text.splitlines()[0]
    assert f'<a href="{insight.links.portal}">The gateway in the portal</a>' in text


def test_the_operator_may_choose_the_format(service: SinkStandIn) -> None:
    message = sent(service, f"json://{service.at}/?format=html", an_insight())["message"]

    assert f"<b>What happened:</b> {an_insight().verdict}<br/>" in message.splitlines()


LIMITS = {
    "slack": 3000,
    "slack blocks": 3000,
    "teams": 1000,
    "discord": 2000,
    "pagerduty": 1024,
    "telegram": 4096,
}


@pytest.mark.parametrize("name", SERVICES)
def test_100_kb_of_hostile_text_is_one_message_that_fits_and_does_nothing(
    world: SinkStandIn, name: str
) -> None:
    whole = still_down(verdict=HOSTILE, advice=HOSTILE)
    gateway = whole.gateway.model_copy(update={"name": HOSTILE, "resource_group": HOSTILE})
    insight = whole.model_copy(update={"gateway": gateway})

    said = list(texts(sent(world, SERVICES[name], insight)))

    assert LIMITS[name] >= max(map(len, said))
    assert any("…" in text for text in said)
    for acting in (
        "@everyone",
        "<!channel",
        "<@",
        "](https://evil",
        "://evil",
        "<i>",
        "**b**",
        "\u202e",
        "\n# h",
    ):
        assert [] == [text for text in said if acting in text]


def test_an_sms_says_the_title_and_that_there_is_more(world: SinkStandIn) -> None:
    url = f"twilio://AC{'a' * 32}:{'b' * 32}@15551231234/15551231235"

    people(url).deliver(an_insight())
    [request] = world.received

    assert b"Body=BACK+after+1+min+23+s%3A+vpn_hub_1%2C" in request.body
    assert b"%E2%80%A6" in request.body


@pytest.mark.parametrize("severity", Severity)
def test_the_severity_is_the_service_s(service: SinkStandIn, severity: Severity) -> None:
    news = replace(news_of(an_insight()), severity=severity)

    people(f"json://{service.at}").send([news], now=NOW)
    [request] = service.received

    assert severity.value == json.loads(request.body)["type"]


def test_what_is_gathered_is_one_message(service: SinkStandIn) -> None:
    news = [news_of(an_insight(id=f"f-{number}")) for number in range(4)]

    people(f"json://{service.at}").send(news, now=NOW)
    [request] = service.received

    assert "4 failovers: 4 BACK; worst vpn_hub_1" == json.loads(request.body)["title"]


def test_local_time_stands_beside_utc_in_the_zone_of_the_settings(service: SinkStandIn) -> None:
    sink = replace(people(f"json://{service.at}"), zone=ZoneInfo("Europe/Paris"))

    sink.deliver(an_insight())
    [request] = service.received

    assert json.loads(request.body)["title"].endswith("02:14 UTC (03:14 CET)")


INCIDENTS = {
    "pagerduty": f"pagerduty://{'a' * 32}@{'b' * 20}",
    "opsgenie": "opsgenie://8b799edf-6f98-4d3a-9be7-2862fb4e5752/",
    "ilert": "ilert://il1api0123456789abcdef",
    "incidentio": "incidentio://01GW2G3V0S59R238FAHPDS1R66/" + "c" * 40,
    "firehydrant": "firehydrant://" + "d" * 36 + "@" + "e" * 40,
    "squadcast": "squadcast://" + "f" * 40,
    "signl4": "signl4://abc123def4",
    "pagertree": "pagertree://int_0123456789ABCD",
    "splunk": "splunk://route@" + "0a1b2c3d-0000-4000-8000-00000000000a",
}
OPENS = {
    "pagerduty": ("event_action", "trigger", "resolve"),
    "ilert": ("eventType", "ALERT", "RESOLVE"),
    "incidentio": ("status", "firing", "resolved"),
    "firehydrant": ("status", "OPEN", "CLOSED"),
    "squadcast": ("status", "trigger", "resolve"),
    "signl4": ("X-S4-Status", None, "resolved"),
    "pagertree": ("event_type", "create", "resolve"),
    "splunk": ("message_type", "CRITICAL", "RECOVERY"),
}


def of_incident(world: SinkStandIn, url: str, severity: Severity) -> Received:
    """What the service gets for news of this severity."""
    world.received.clear()
    people(url).send([replace(news_of(an_insight(id=FAILOVER)), severity=severity)], now=NOW)
    [request] = world.received
    return request


@pytest.mark.parametrize("name", OPENS)
def test_an_incident_opens_and_closes_by_the_failover_s_id(world: SinkStandIn, name: str) -> None:
    field, opens, closes = OPENS[name]
    opened = json.loads(of_incident(world, INCIDENTS[name], Severity.FAILURE).body)
    closed = json.loads(of_incident(world, INCIDENTS[name], Severity.SUCCESS).body)

    assert (opens, closes) == (opened.get(field), closed.get(field))
    [key] = {key for key, value in closed.items() if value == FAILOVER}
    assert FAILOVER == opened[key]


def test_an_alert_of_opsgenie_opens_and_closes_by_the_failover_s_id(world: SinkStandIn) -> None:
    world.answer = replying(202, body=b'{"requestId": "r-1"}')
    opened = of_incident(world, INCIDENTS["opsgenie"], Severity.WARNING)
    closed = of_incident(world, INCIDENTS["opsgenie"], Severity.SUCCESS)

    assert FAILOVER == json.loads(opened.body)["alias"]
    assert ("POST", f"/v2/alerts/{FAILOVER}/close?identifierType=alias") == (
        closed.method,
        closed.path,
    )
    assert opened.headers["authorization"] == closed.headers["authorization"]


def test_an_alert_that_opsgenie_does_not_close_is_no_success(world: SinkStandIn) -> None:
    sink = people(INCIDENTS["opsgenie"])

    world.answer = replying(403)
    refused = attempt(sink, an_insight(reason=Reason.RECOVERED))
    world.answer = replying(503)
    failed = attempt(sink, an_insight(reason=Reason.RECOVERED))

    assert f"{sink.name} refused it with 403: " in str(refused.problem)
    assert (True, False) == (refused.final, failed.final)
    assert f"{sink.name} answered 503; a later run tries again" == failed.problem


def test_a_drill_opens_an_incident_though_it_is_over(world: SinkStandIn) -> None:
    opened = sent(world, INCIDENTS["pagerduty"], an_insight(drill=True))

    assert "trigger" == opened["event_action"]
    assert opened["payload"]["summary"].startswith("DRILL BACK after ")


@pytest.mark.parametrize("name", INCIDENTS)
def test_a_service_that_keeps_incidents_is_known_by_its_scheme(name: str) -> None:
    sink = people(INCIDENTS[name])
    sink.check()

    assert sink.hears.keeps_incidents
    assert not people(SERVICES["slack"]).hears.keeps_incidents


class TestFaults(AnnouncerContract):
    takes = frozenset(Reason) - {Reason.COMPLETED, Reason.REVISED}
    hears_retry_after = False
    secrets = ("s3cret", "127.0.0.1")

    def a_sink(self, address: str, timeout: timedelta) -> People:
        return people(f"json://user:s3cret@{address}/s3cret?+X-Key=s3cret", timeout=timeout)


@pytest.mark.parametrize("name", SERVICES)
def test_each_service_s_refusal_is_one_and_each_service_s_failure_may_pass(
    world: SinkStandIn, name: str
) -> None:
    sink = people(SERVICES[name])

    world.answer = replying(404)
    refused = attempt(sink, an_insight())
    world.answer = replying(500)
    failed = attempt(sink, an_insight())

    assert (True, False) == (refused.final, failed.final)
    assert f"{sink.name} refused it with 404: " in str(refused.problem)
    assert f"{sink.name} answered 500; a later run tries again" == failed.problem


def test_a_service_that_gives_no_answer_is_tried_again() -> None:
    sink = people(f"json://127.0.0.1:{closed_port()}/s3cret")

    outcome = attempt(sink, an_insight())

    assert not outcome.final
    assert "did not take it (Apprise does not tell why)" in str(outcome.problem)


@pytest.mark.parametrize("other", [replying(429), resetting], ids=["429", "reset"])
def test_a_message_that_one_of_three_targets_may_yet_take_is_no_refusal(
    world: SinkStandIn, other: Answer
) -> None:
    answers = iter([replying(404), other, replying(404)])
    world.answer = lambda line: next(answers)(line)  # noqa: PLW0108 -- a new one for each request
    url = f"twilio://AC{'a' * 32}:{'b' * 32}@15551231234/15551231235/15551231236/15551231237"

    outcome = attempt(people(url), an_insight())

    assert (3, False) == (len(world.received), outcome.final)


@pytest.mark.parametrize("url", ["nonsense://s3cret", "slack://s3cret", "json://", "tgram://a/b"])
def test_a_url_that_apprise_cannot_use_is_the_operator_s_to_mend(
    url: str, caplog: pytest.LogCaptureFixture
) -> None:
    sink = people(url, position=3)

    with caplog.at_level(logging.DEBUG), pytest.raises(SettingsError) as unusable:
        sink.check()
    outcome = attempt(sink, an_insight())

    assert "number 3 " in unusable.value.problems["DETECTOR_NOTIFY_URLS"]
    assert "DETECTOR_NOTIFY_URLS: number 3 " in str(outcome.problem)
    assert outcome.final
    assert "s3cret" not in f"{everything_told_of(unusable.value)}{outcome}{caplog.text}"


def test_a_url_that_apprise_can_use_passes_the_check() -> None:
    for url in SERVICES.values():
        people(url).check()

    assert "slack" == people(SERVICES["slack"]).name[:-9]


def test_a_name_tells_services_apart_and_gives_no_secret_away() -> None:
    sink = people("JSON://example.com/s3cret")

    assert "json-" == sink.name[:-8]
    assert sink.name != people("json://example.com/other").name
    assert "s3cret" not in f"{sink.name} {sink}"


def test_apprise_is_imported_only_to_deliver() -> None:
    script = (
        "import sys; from detector.sinks.people import People; "
        "People(url='json://example.com').name; "
        "print('apprise' in sys.modules)"
    )

    run = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True)

    assert ("False\n", "") == (run.stdout, run.stderr)


def test_people_hear_which_gateways_became_blind(service: SinkStandIn) -> None:
    people(f"json://{service.at}").announce(a_coverage("vpn-a", "vpn-b"))
    [request] = service.received
    sent = json.loads(request.body)

    assert "BLIND 2 gateways: vpn-a, vpn-b" == sent["title"]
    assert sent["message"].startswith("Their failovers would not be seen.")
    assert "vpn-b" in sent["message"].splitlines()[2]
    assert "warning" == sent["type"]


@pytest.mark.parametrize("least", list(Severity))
def test_who_hears_of_failures_alone_is_not_woken_by_a_blind_gateway(
    service: SinkStandIn, least: Severity
) -> None:
    replace(people(f"json://{service.at}"), least=least).announce(a_coverage("vpn-a"))

    assert (0 if least is Severity.FAILURE else 1) == len(service.received)


def test_people_hear_nothing_of_other_changes_in_coverage(service: SinkStandIn) -> None:
    people(f"json://{service.at}").announce(a_coverage("vpn-a", newly_blind=()))

    assert [] == service.received


def test_a_service_with_incidents_opens_one_under_the_id_of_the_document(
    world: SinkStandIn,
) -> None:
    people(SERVICES["pagerduty"]).announce(a_coverage("vpn-a"))
    sent = json.loads(world.received[-1].body)

    assert (a_coverage().id, "trigger") == (sent["dedup_key"], sent["event_action"])


@pytest.mark.parametrize("name", SERVICES)
def test_each_service_is_told_of_blind_gateways(world: SinkStandIn, name: str) -> None:
    people(SERVICES[name]).announce(a_coverage(HOSTILE, "vpn-b"))

    assert world.received
    assert "<!channel>" not in world.received[-1].body.decode()


@pytest.mark.parametrize("name", ["slack", "discord", "telegram", "teams"])
def test_a_probe_asks_the_service_s_host_and_tells_it_no_secret(
    world: SinkStandIn, name: str
) -> None:
    evidence, problem = probed(people(SERVICES[name]))
    requests = [request for request in world.received if request.method != "CONNECT"]

    assert (True, None) == (evidence is not None, problem)
    assert [("HEAD", "/", b"")] == [(each.method, each.path, each.body) for each in requests]


def test_a_service_of_which_apprise_names_no_host_is_not_probed(world: SinkStandIn) -> None:
    assert (None, None) == probed(people(SERVICES["pagerduty"]))
    assert [] == world.received


def test_a_probe_of_a_mail_server_connects_and_says_nothing() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        evidence, problem = probed(people(f"mailto://u:p@example.com:{port}?smtp=127.0.0.1"))

    assert ("its mail server takes connections", None) == (evidence, problem)


def test_a_probe_of_a_url_that_apprise_cannot_use_is_a_problem() -> None:
    _, problem = probed(people("nosuch://s3cret", position=2))

    assert str(problem).startswith("DETECTOR_NOTIFY_URLS: number 2 is no URL that Apprise can use")
