"""What a run asks Azure: once, only what it needs, and never so that an insight is held back."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from detector.diagnosis.bandwidth import Comparison
from detector.insights.document import Reason
from detector.journal.history import History
from detector.model import Answer, CauseKind, Connection, Gateway, Kind, Signal, State, Window
from detector.runs.facts import Facts, around, look_up
from detector.runs.observation import BANDWIDTH, CONNECTIONS, Case, reason, sightings
from tests.builders import (
    GATEWAY_ID,
    GATEWAYS,
    PARIS,
    SUBSCRIPTION,
    a_diagnosis,
    a_gateway,
    an_outage,
    at,
    down,
    of_gateway,
    up,
)
from tests.memory import SCOPE, MemoryAzure, a_history, a_record

NOW = at(minutes=30)
HAND_OVER = (down(at()), up(at(12)))


def cases(*rows: Signal, history: History | None = None) -> list[Case]:
    """The cases of the gateways that these rows tell of, with this history or none."""
    window = Window(start=at(hours=-5), end=NOW)
    seen = sightings([Answer(scope=SCOPE, window=window, signals=rows)], asked=1, now=NOW)
    return [
        Case(sighting=sighting, history=history or History(gateway_id=gateway_id), tag=None)
        for gateway_id, sighting in seen.of.items()
    ]


def asked(azure: MemoryAzure, opened: Sequence[Case]) -> Facts:
    return look_up(azure.sources, opened, now=NOW)


def test_for_news_the_gateway_its_connections_and_its_bandwidth_are_asked_once_each() -> None:
    azure = MemoryAzure()
    twice = (*HAND_OVER, down(at(hours=-3)), up(at(12, hours=-3)))

    asked(azure, cases(*twice))

    assert [
        ("gateways", GATEWAY_ID),
        ("connections", GATEWAY_ID),
        ("bandwidth", GATEWAY_ID),
    ] == azure.asked


def test_rows_that_tell_of_no_switch_over_ask_for_nothing() -> None:
    azure = MemoryAzure()

    asked(
        azure, cases(of_gateway(Kind.MAINTENANCE, at()), down(at()), up(at(9), down(at()).instance))
    )

    assert [] == azure.asked


def test_connections_that_cannot_be_had_are_an_unknown_fact_of_the_gateway() -> None:
    [case] = opened = cases(*HAND_OVER)
    facts = asked(MemoryAzure(unknown={"connections"}), opened)
    [seen] = facts.seen(case)
    gateway = facts.gateway(seen)

    assert gateway is not None
    assert {CONNECTIONS: "Azure did not answer"} == gateway.unknown


def test_bandwidth_that_could_not_be_had_is_asked_for_again_and_completes_the_gateway() -> None:
    lacking = a_gateway(unknown={BANDWIDTH: "Azure did not answer"})
    [case] = opened = cases(*HAND_OVER, history=a_history(a_record(gateway=lacking)))
    [seen] = case.seen(None)

    still = asked(MemoryAzure(unknown={"bandwidth"}), opened).gateway(seen)
    answered = asked(MemoryAzure(), opened).gateway(seen)

    assert answered is not None
    assert (lacking, a_gateway()) == (still, answered)
    assert Reason.COMPLETED is reason(seen, answered)


def test_a_fact_that_is_unknown_now_is_as_it_was_recorded() -> None:
    history = a_history(a_record())
    [case] = opened = cases(*HAND_OVER, down(at(minutes=9)), up(at(9, minutes=9)), history=history)
    facts = asked(MemoryAzure(unknown={"gateways"}), opened)
    [seen] = facts.seen(case)

    assert a_gateway() == facts.gateway(seen)


def test_of_a_gateway_that_nobody_asked_for_nothing_is_known() -> None:
    [case] = cases(*HAND_OVER)
    [seen] = case.seen(None)

    assert Facts(now=NOW).gateway(seen) is None


def test_names_that_were_unknown_stay_so_until_the_connections_answer() -> None:
    lacking = a_gateway(unknown={CONNECTIONS: "no right to read them"})
    history = a_history(a_record(gateway=lacking))
    [case] = opened = cases(*HAND_OVER, history=history)
    [seen] = case.seen(None)

    unasked = Facts(now=NOW).gateway(seen)
    answered = asked(MemoryAzure(), opened).gateway(seen)

    assert (lacking, a_gateway()) == (unasked, answered)


def test_a_tunnel_that_its_connection_calls_connected_is_told_so() -> None:
    """The log lost its Connected row; ten minutes later the connection is asked."""
    connection = Connection(name="to-paris", remote_ip=PARIS, status="Connected")
    azure = MemoryAzure(connections={GATEWAY_ID: [connection]})
    rows = (of_gateway(Kind.PRIMARY_CHANGED, at()), down(at(1)))
    [case] = opened = cases(*rows)

    [seen] = asked(azure, opened).seen(case)
    [outage] = seen.diagnosis.outages

    assert (NOW, "to-paris", State.RECOVERED) == (
        outage.end,
        outage.connection,
        seen.diagnosis.state,
    )


def test_what_the_logs_cover_is_asked_where_no_cause_was_recorded() -> None:
    azure = MemoryAzure(
        coverage=frozenset({("GatewayDiagnosticLog", GATEWAY_ID), ("AzureActivity", SUBSCRIPTION)})
    )
    [case] = opened = cases(*HAND_OVER)

    [seen] = asked(azure, opened).seen(case)

    assert CauseKind.NOT_RECORDED is seen.diagnosis.cause.kind
    assert "the gateway's diagnostic log and the Activity Log" in seen.diagnosis.cause.statement


def test_gateways_of_one_burst_are_asked_together() -> None:
    names = [f"{GATEWAYS}vpn-{number}" for number in range(3)]
    batches: list[Sequence[str]] = []

    def gateways(ids: Sequence[str]) -> dict[str, Gateway]:
        batches.append(ids)
        return {gateway_id: a_gateway(id=gateway_id) for gateway_id in ids}

    rows = [replace(row, gateway_id=name) for name in names for row in HAND_OVER]
    sources = replace(MemoryAzure().sources, gateways=gateways)
    look_up(sources, cases(*rows), now=NOW)

    assert [names] == batches


def test_bandwidth_is_looked_at_from_half_an_hour_before_to_half_an_hour_after_or_now() -> None:
    [case] = cases(*HAND_OVER)
    seen = case.seen(None)

    assert Window(start=at(minutes=-30), end=at(minutes=30)) == around(seen, now=at(hours=2))
    assert Window(start=at(minutes=-30), end=at(minutes=9)) == around(seen, now=at(minutes=9))


def test_bandwidth_that_was_not_asked_for_says_so() -> None:
    [case] = cases(*HAND_OVER)
    [seen] = case.seen(None)

    compared: Comparison = Facts(now=NOW).compared(seen, a_gateway())

    assert "it was not asked for" in compared.statement


def test_a_recorded_failover_without_news_asks_for_nothing() -> None:
    diagnosis = a_diagnosis(outages=(an_outage(),), state=State.RECOVERED)
    history = a_history(a_record(diagnosis=diagnosis))
    azure = MemoryAzure()

    asked(azure, cases(*HAND_OVER, history=history))

    assert [] == azure.asked
