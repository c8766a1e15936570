"""What a run asks Azure: once, only what it needs, and never so that an insight is held back."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import replace

import pytest

from detector.errors import FactUnknown
from detector.insights.document import Reason
from detector.journal.history import History, Record
from detector.model import (
    PLATFORM_INITIATED,
    AlreadyDown,
    Answer,
    Cause,
    CauseKind,
    Connection,
    Evidence,
    Gateway,
    HealthEvent,
    Importance,
    Kind,
    LiveAnswer,
    Phase,
    Signal,
    State,
    TunnelState,
    TunnelStatus,
    Window,
)
from detector.runs.facts import (
    BANDWIDTH,
    CHANGED_SINCE,
    CONNECTIONS,
    Facts,
    around,
    asks_coverage,
    asks_health,
    asks_names,
    lacking,
    lacks_facts,
    logs_of,
    look_up,
)
from detector.runs.observation import Loaded, observe
from detector.runs.reconcile import Reconciled
from detector.signals.arm import NOT_SET
from tests.builders import (
    GATEWAY_ID,
    GATEWAYS,
    LYON,
    PARIS,
    SUBSCRIPTION,
    ZERO,
    a_diagnosis,
    a_failover,
    a_gateway,
    a_switch_over,
    an_outage,
    at,
    down,
    of_activity,
    of_gateway,
    up,
)
from tests.memory import SCOPE, MemoryAzure, a_history, a_record, hours, reconciles

NOW = at(minutes=30)
HAND_OVER = (down(at()), up(at(12)))
CAUSED = (*HAND_OVER, of_gateway(Kind.MAINTENANCE, at(-60)))
OPEN = (of_gateway(Kind.MAINTENANCE, at(-60)), of_gateway(Kind.PRIMARY_CHANGED, at()), down(at(1)))
LOST = (down(at()), down(at(1), remote_ip=LYON))
UNKNOWN = {"vips": "Azure did not answer"}


def all_loaded(*rows: Signal, history: History | None = None) -> list[Loaded]:
    """The gateways that these rows tell of, with this history or none."""
    window = Window(start=at(hours=-5), end=NOW)
    seen = observe([Answer(scope=SCOPE, window=window, signals=rows)], asked=1, now=NOW)
    return [
        Loaded(observation=observation, history=history or History(gateway_id=gateway_id))
        for gateway_id, observation in seen.by_gateway.items()
    ]


def a_loaded(*rows: Signal, history: History | None = None) -> Loaded:
    [loaded] = all_loaded(*rows, history=history)
    return loaded


def looked_up(azure: MemoryAzure, *loaded: Loaded) -> tuple[Facts, list[Reconciled]]:
    """The facts, and all failovers."""
    facts, failovers = look_up(azure.sources, loaded, now=NOW)
    return facts, [each for own in failovers for each in own]


def by_rows(loaded: Loaded) -> list[Reconciled]:
    """The failovers of a gateway before anything is asked."""
    return Facts(now=NOW).reconcile(loaded.observation, loaded.history)


def a_reconciled(recorded: Record | None = None, **changes: object) -> Reconciled:
    known = Reconciled(
        failover=a_failover(), diagnosis=a_diagnosis(), recorded=recorded, active_active=False
    )
    return replace(known, **changes)  # type: ignore[arg-type]


# What is asked


def test_a_gateways_facts_are_asked_for_news_and_not_for_what_was_told() -> None:
    rows = (down(at()), up(at(12)))
    told = a_history(a_record())

    assert lacks_facts(a_loaded(*rows), now=NOW)
    assert not lacks_facts(a_loaded(*rows, history=told), now=NOW)


def test_a_loss_of_tunnels_is_no_news_of_a_gateway_that_is_known_to_have_one_active() -> None:
    quiet = a_record(failover=a_failover(a_switch_over(at(hours=-4))))
    unknown = replace(quiet, gateway=a_gateway(active_active=None))

    assert not lacks_facts(a_loaded(*LOST, history=a_history(quiet)), now=NOW)
    assert lacks_facts(a_loaded(*LOST, history=a_history(unknown)), now=NOW)


@pytest.mark.parametrize(("age", "asked"), [(hours(1), True), (hours(25), False)])
def test_a_fact_that_is_unknown_is_asked_for_again_for_a_day(age: object, asked: object) -> None:
    old = a_failover(a_switch_over(NOW - age))  # type: ignore[operator]
    record = a_record(failover=old, gateway=a_gateway(unknown=UNKNOWN))

    assert asked is lacks_facts(a_loaded(down(at()), history=a_history(record)), now=NOW)


def test_a_fact_that_azure_has_not_set_is_not_asked_for_again() -> None:
    record = a_record(gateway=a_gateway(unknown={"generation": NOT_SET}))

    assert not lacks_facts(a_loaded(down(at()), history=a_history(record)), now=NOW)


def test_connections_are_asked_for_the_names_of_what_is_told() -> None:
    over = a_diagnosis(outages=(an_outage(),))
    before = a_diagnosis(already_down=(AlreadyDown(remote_ip=LYON, instance="", since=at()),))
    recorded = a_record(diagnosis=over)

    assert asks_names(a_reconciled(diagnosis=over), now=NOW)
    assert asks_names(a_reconciled(diagnosis=before), now=NOW)
    assert not asks_names(a_reconciled(recorded, diagnosis=over), now=NOW)
    assert not asks_names(a_reconciled(), now=NOW)


def test_connections_that_could_not_be_had_are_asked_again_for_a_day() -> None:
    recorded = a_record(gateway=a_gateway(unknown={CONNECTIONS: "Azure did not answer"}))

    assert asks_names(a_reconciled(recorded), now=NOW)
    assert not asks_names(a_reconciled(recorded), now=at(hours=25))


@pytest.mark.parametrize(
    ("minutes", "asked_before", "asks"),
    [
        (19, None, False),
        (20, None, True),
        (40, 20, False),
        (60, 20, True),
        (6 * 60 - 1, 60, False),
        (6 * 60, 60, True),
        (24 * 60, 6 * 60, True),
        (25 * 60, None, True),
        (25 * 60 + 1, None, False),
    ],
)
def test_resource_health_is_asked_four_times_while_nothing_is_recorded(
    *, minutes: float, asked_before: float | None, asks: bool
) -> None:
    """20 minutes, 1 hour, 6 hours and 24 hours after a failover."""
    before = None if asked_before is None else at(minutes=asked_before)
    silent = a_diagnosis(health_asked=before)
    caused = replace(silent, cause=Cause(kind=CauseKind.MAINTENANCE, statement=""))

    assert asks is asks_health(a_reconciled(diagnosis=silent), now=at(minutes=minutes))
    assert not asks_health(a_reconciled(diagnosis=caused), now=at(minutes=minutes))


def test_which_logs_there_are_matters_for_news_without_a_cause() -> None:
    caused = a_diagnosis(cause=Cause(kind=CauseKind.MAINTENANCE, statement="Maintenance."))

    assert asks_coverage(a_reconciled())
    assert not asks_coverage(a_reconciled(diagnosis=caused))
    assert not asks_coverage(a_reconciled(a_record()))


def test_the_logs_of_a_gateway_are_its_own_and_its_subscriptions_activity() -> None:
    found = logs_of(
        GATEWAY_ID,
        frozenset(
            {
                ("GatewayDiagnosticLog", GATEWAY_ID),
                ("TunnelDiagnosticLog", f"{GATEWAYS}vpn-other"),
                ("AzureActivity", SUBSCRIPTION),
                ("AzureActivity", "/subscriptions/another"),
            }
        ),
    )

    assert {"GatewayDiagnosticLog", "AzureActivity"} == found


def test_for_news_the_gateway_its_connections_and_its_bandwidth_are_asked_once_each() -> None:
    azure = MemoryAzure()
    twice = (*HAND_OVER, down(at(hours=-3)), up(at(12, hours=-3)))

    looked_up(azure, a_loaded(*twice))

    assert ["gateways", "health", "connections", "bandwidth"] == [port for port, _ in azure.asked]


def test_rows_that_tell_of_no_switch_over_ask_for_nothing() -> None:
    azure = MemoryAzure()
    others = (up(at(hours=-4), ZERO, LYON), of_gateway(Kind.MAINTENANCE, at(minutes=-20)))

    looked_up(azure, a_loaded(*others, down(at()), up(at(4), ZERO)))

    assert [] == azure.asked


def test_a_recorded_failover_without_news_asks_for_nothing() -> None:
    diagnosis = a_diagnosis(
        outages=(an_outage(),), state=State.RECOVERED, health_asked=at(minutes=20)
    )
    history = a_history(a_record(diagnosis=diagnosis))
    azure = MemoryAzure()

    looked_up(azure, a_loaded(*HAND_OVER, history=history))

    assert [] == azure.asked


def test_gateways_of_one_burst_are_asked_together() -> None:
    names = [f"{GATEWAYS}vpn-{number}" for number in range(3)]
    batches: list[Sequence[str]] = []

    def gateways(ids: Sequence[str], written: Collection[str] = ()) -> dict[str, Gateway]:
        batches.append(ids)
        return {gateway_id: a_gateway(id=gateway_id) for gateway_id in ids}

    rows = [replace(row, gateway_id=name) for name in names for row in HAND_OVER]
    sources = replace(MemoryAzure().sources, gateways=gateways)
    look_up(sources, all_loaded(*rows), now=NOW)

    assert [names] == batches


def test_a_body_that_is_recorded_is_not_asked_for_as_another_fact_is_lacking() -> None:
    unknown = a_gateway(unknown=dict.fromkeys((CONNECTIONS, BANDWIDTH), "Azure did not answer"))
    [told] = by_rows(a_loaded(*HAND_OVER))
    record = a_record(failover=told.failover, diagnosis=told.diagnosis, gateway=unknown)
    loaded = a_loaded(*HAND_OVER, history=a_history(record))
    azure = MemoryAzure()

    facts, [completed] = looked_up(azure, loaded)

    assert {"connections", "health", "bandwidth"} == {port for port, _ in azure.asked}
    assert a_gateway() == facts.gateway(completed)


@pytest.mark.parametrize("kind", [Kind.WRITE, Kind.MIGRATION, Kind.CONFIGURATION])
def test_a_gateway_that_was_written_to_is_not_taken_from_an_inventory(kind: Kind) -> None:
    azure = MemoryAzure()
    looked_up(azure, a_loaded(*HAND_OVER, of_gateway(kind, at(-60))))

    assert {GATEWAY_ID} == azure.written
    looked_up(quiet := MemoryAzure(), a_loaded(*CAUSED))
    assert set() == quiet.written


TO_OTHERS = [
    Connection(id=f"/to-{name}", name=f"conn-{name}", remote_ip=remote_ip, status=None)
    for name, remote_ip in (("paris", PARIS), ("lyon", LYON))
]


def test_names_come_from_an_inventory_which_does_not_say_how_many_there_are() -> None:
    azure = MemoryAzure(inventory={GATEWAY_ID: TO_OTHERS})

    facts, [failover] = looked_up(azure, a_loaded(*CAUSED))
    gateway = facts.gateway(failover)

    assert [("gateways", GATEWAY_ID), ("inventory", GATEWAY_ID), ("bandwidth", GATEWAY_ID)] == (
        azure.asked
    )
    assert ["conn-paris"] == [each.connection for each in failover.diagnosis.outages]
    assert gateway is not None
    assert gateway.peers is None


def test_a_gateway_lists_its_connections_where_an_inventory_lacks_a_peer() -> None:
    own = Connection(id="/to-paris", name="conn-own", remote_ip=PARIS, status=None)
    azure = MemoryAzure(inventory={GATEWAY_ID: TO_OTHERS[1:]}, connections={GATEWAY_ID: [own]})

    facts, [failover] = looked_up(azure, a_loaded(*CAUSED))
    gateway = facts.gateway(failover)

    assert ["conn-own"] == [each.connection for each in failover.diagnosis.outages]
    assert gateway is not None
    assert 1 == gateway.peers


def test_a_tunnel_that_is_down_is_never_judged_by_an_inventory() -> None:
    azure = MemoryAzure(inventory={GATEWAY_ID: TO_OTHERS})
    looked_up(azure, a_loaded(*OPEN))

    assert ("connections", GATEWAY_ID) in azure.asked
    assert ("inventory", GATEWAY_ID) not in azure.asked


def test_bandwidth_is_looked_at_from_half_an_hour_before_to_half_an_hour_after_or_now() -> None:
    found = by_rows(a_loaded(*HAND_OVER))

    assert Window(start=at(minutes=-30), end=at(minutes=30)) == around(found, now=at(hours=2))
    assert Window(start=at(minutes=-30), end=at(minutes=9)) == around(found, now=at(minutes=9))


@pytest.mark.parametrize("rows", [(), HAND_OVER])
def test_between_the_hours_arm_is_asked_again_where_critical_is_said_beside_news(
    rows: tuple[Signal, ...],
) -> None:
    """Lyon has been down for two hours, and ARM said so ten minutes ago."""
    answer = LiveAnswer(at=at(minutes=20), status=TunnelStatus.NOT_CONNECTED)
    diagnosis = a_diagnosis(
        outages=(replace(an_outage(LYON, -7200, None), live=answer),),
        state=State.ONGOING,
        importance=Importance.CRITICAL,
        health_asked=at(minutes=20),
    )
    moved = a_failover(a_switch_over(at(hours=-2)))
    history = a_history(a_record(failover=moved, diagnosis=diagnosis))
    connection = Connection(name="conn-lyon", remote_ip=LYON, status=None, id="/lyon")
    azure = MemoryAzure(connections={GATEWAY_ID: [connection]}, tunnels={"/lyon": connection})

    looked_up(azure, a_loaded(down(at(hours=-2), ZERO, LYON), *rows, history=history))

    assert bool(rows) is (("tunnels", "/lyon") in azure.asked)


# What a gateway's mode decides


@pytest.mark.parametrize(
    ("mode", "evidence"), [(True, [Evidence.INSTANCE_LOST]), (False, []), (None, [])]
)
def test_a_loss_of_tunnels_is_told_of_a_gateway_that_is_known_to_be_active_active(
    mode: object, evidence: list[Evidence]
) -> None:
    azure = MemoryAzure(gateways={GATEWAY_ID: a_gateway(active_active=mode)})

    _, failovers = looked_up(azure, a_loaded(*LOST))

    assert evidence == [s.evidence for each in failovers for s in each.failover.switch_overs]


def test_the_mode_that_was_told_last_counts_where_azure_does_not_say() -> None:
    record = a_record(
        failover=a_failover(a_switch_over(at(hours=-4))), gateway=a_gateway(active_active=True)
    )
    history = a_history(record)
    silent = Facts(now=NOW, gateways={GATEWAY_ID: a_gateway(active_active=None)})

    examined = silent.examine(a_loaded(*LOST).observation, history)

    assert examined.known.active_active is True
    assert [at()] == [
        each.failover.first_at
        for each in by_rows(a_loaded(*LOST, history=history))
        if not each.recorded
    ]


@pytest.mark.parametrize(("rows", "times"), [(CAUSED, 1), (HAND_OVER, 2), (OPEN, 2)])
def test_a_gateway_is_reconciled_again_only_for_what_changes_the_result(
    rows: Sequence[Signal], times: int
) -> None:
    """What Resource Health and ARM say does; the names of tunnels and the logs there are do not."""
    azure = MemoryAzure(
        connections={GATEWAY_ID: [Connection(name="a", remote_ip=PARIS, status="Connected")]},
        coverage=frozenset({("GatewayDiagnosticLog", GATEWAY_ID)}),
    )

    with reconciles() as counted:
        looked_up(azure, a_loaded(*rows))

    assert times == counted()


def test_a_gateway_that_turns_out_to_be_of_another_mode_is_reconciled_again() -> None:
    """Its facts are asked for to tell a cause, and meanwhile somebody made it active-active."""
    azure = MemoryAzure(gateways={GATEWAY_ID: a_gateway(active_active=True)})
    reset = [of_activity(Kind.RESET, phase, at(-60)) for phase in (Phase.STARTED, Phase.SUCCEEDED)]
    lost = [
        row
        for peer in (PARIS, LYON)
        for row in (down(at(minutes=20), ZERO, peer), up(at(minutes=22), ZERO, peer))
    ]
    loaded = a_loaded(*HAND_OVER, *reset, *lost, history=a_history(a_record()))

    with reconciles() as counted:
        _, [failover] = looked_up(azure, loaded)

    assert 2 == counted()
    assert [at(), at(minutes=20)] == [known.at for known in failover.failover.switch_overs]


# What the answers say


def test_connections_that_cannot_be_had_are_an_unknown_fact_of_the_gateway() -> None:
    facts, [failover] = looked_up(MemoryAzure(unknown={"connections"}), a_loaded(*HAND_OVER))
    gateway = facts.gateway(failover)

    assert gateway is not None
    assert {CONNECTIONS: "Azure did not answer"} == gateway.unknown


def test_bandwidth_that_could_not_be_had_is_asked_for_again_and_completes_the_gateway() -> None:
    lacking = a_gateway(unknown={BANDWIDTH: "Azure did not answer"})
    loaded = a_loaded(*HAND_OVER, history=a_history(a_record(gateway=lacking)))

    asked_in_vain, [unchanged] = looked_up(MemoryAzure(unknown={"bandwidth"}), loaded)
    asked_again, [completed] = looked_up(MemoryAzure(), loaded)

    assert lacking == asked_in_vain.gateway(unchanged)
    assert a_gateway() == asked_again.gateway(completed)


def test_a_fact_that_is_unknown_now_is_as_it_was_recorded() -> None:
    again = (down(at(minutes=9)), up(at(9, minutes=9)))
    loaded = a_loaded(*HAND_OVER, *again, history=a_history(a_record()))

    facts, [failover] = looked_up(MemoryAzure(unknown={"gateways"}), loaded)

    assert a_gateway() == facts.gateway(failover)


def test_of_a_gateway_that_nobody_asked_for_nothing_is_known() -> None:
    [failover] = by_rows(a_loaded(*HAND_OVER))

    assert Facts(now=NOW).gateway(failover) is None


def test_names_that_were_unknown_stay_so_until_the_connections_answer() -> None:
    lacking = a_gateway(unknown={CONNECTIONS: "no right to read them"})
    loaded = a_loaded(*HAND_OVER, history=a_history(a_record(gateway=lacking)))
    [before] = by_rows(loaded)

    facts, [after] = looked_up(MemoryAzure(), loaded)

    assert (lacking, a_gateway()) == (Facts(now=NOW).gateway(before), facts.gateway(after))


def test_a_tunnel_that_its_connection_calls_connected_is_told_so() -> None:
    """The log lost its Connected row; ten minutes later the connection is asked."""
    connection = Connection(name="to-paris", remote_ip=PARIS, status="Connected")
    azure = MemoryAzure(connections={GATEWAY_ID: [connection]})
    rows = (of_gateway(Kind.PRIMARY_CHANGED, at()), down(at(1)))

    _, [failover] = looked_up(azure, a_loaded(*rows))
    [outage] = failover.diagnosis.outages

    assert (NOW, "to-paris", State.RECOVERED) == (
        outage.end,
        outage.connection,
        failover.diagnosis.state,
    )


def test_what_a_connection_says_of_an_open_outage_may_be_the_news() -> None:
    """Only then the gateway itself and its bandwidth are asked for."""
    connection = Connection(name="to-paris", remote_ip=PARIS, status="Connected")
    azure = MemoryAzure(connections={GATEWAY_ID: [connection]})
    rows = (of_gateway(Kind.PRIMARY_CHANGED, at()), down(at(1)))
    [first] = by_rows(a_loaded(*rows))
    record = a_record(failover=first.failover, diagnosis=first.diagnosis)

    _, [failover] = looked_up(azure, a_loaded(*rows, history=a_history(record)))

    assert (Reason.RECOVERED,) == failover.reasons
    assert ["connections", "health", "gateways", "bandwidth"] == [port for port, _ in azure.asked]


def test_what_the_logs_cover_is_asked_where_no_cause_was_recorded() -> None:
    azure = MemoryAzure(
        coverage=frozenset({("GatewayDiagnosticLog", GATEWAY_ID), ("AzureActivity", SUBSCRIPTION)})
    )

    _, [failover] = looked_up(azure, a_loaded(*HAND_OVER))
    cause = failover.diagnosis.cause

    assert CauseKind.NOT_RECORDED is cause.kind
    assert cause.statement.startswith("No cause was recorded by 02:10:00Z. Searched: the gateway's")
    assert "the Activity Log (resets" in cause.statement
    assert cause.statement.endswith(" and Resource Health.")


def test_bandwidth_that_was_not_asked_for_says_so() -> None:
    [failover] = by_rows(a_loaded(*HAND_OVER))

    compared = Facts(now=NOW).compared(failover, a_gateway())

    assert "it was not asked for" in compared.statement


# What is asked live of tunnels


TO_PARIS = Connection(name="to-paris", remote_ip=PARIS, status="Connected", id="/to-paris")
TO_LYON = Connection(name="to-lyon", remote_ip=LYON, status="Connected", id="/to-lyon")
AWAY = TunnelState(vip="203.0.113.10", status=TunnelStatus.NOT_CONNECTED, connected_since=None)


def an_azure(**changes: object) -> MemoryAzure:
    """Azure with two connections, that to Paris without its tunnel."""
    azure = MemoryAzure(
        connections={GATEWAY_ID: [TO_PARIS, TO_LYON]},
        tunnels={"/to-paris": replace(TO_PARIS, tunnels=(AWAY,)), "/to-lyon": TO_LYON},
    )
    return replace(azure, **changes)  # type: ignore[arg-type]


def live_asked(azure: MemoryAzure) -> list[str]:
    """The connections that were asked of their tunnels."""
    return [connection for port, connection in azure.asked if port == "tunnels"]


def test_only_the_connection_of_a_tunnel_that_is_not_seen_back_is_asked_live() -> None:
    back = (down(at(2), remote_ip=LYON), up(at(14), remote_ip=LYON))
    azure = an_azure()

    _, [failover] = looked_up(azure, a_loaded(*OPEN, *back))
    paris = failover.diagnosis.outages[0]

    assert ["/to-paris"] == live_asked(azure)
    assert (True, "to-paris") == (paris.is_down_by_arm, paris.connection)
    assert Importance.CRITICAL is failover.diagnosis.importance


def test_both_tunnels_of_a_lost_instance_are_asked_live_once() -> None:
    rows = (*LOST, up(at(60), ZERO), up(at(61), ZERO, LYON))
    azure = an_azure(gateways={GATEWAY_ID: a_gateway(active_active=True)})

    facts, [failover] = looked_up(azure, a_loaded(*rows))
    gateway = facts.gateway(failover)
    assert gateway is not None
    told = a_record(failover=failover.failover, diagnosis=failover.diagnosis, gateway=gateway)
    again = an_azure(tunnels=azure.tunnels)
    looked_up(again, a_loaded(*rows, history=a_history(told)))

    assert ["/to-paris", "/to-lyon"] == live_asked(azure)
    assert ["/to-paris"] == live_asked(again)  # which ARM called down and the log shows back


def test_where_the_connections_may_not_be_read_arm_cannot_be_asked() -> None:
    refused = FactUnknown("no permission to read it", kind="refused")

    sources = replace(an_azure().sources, connections=lambda ids: dict.fromkeys(ids, refused))
    _, [[failover]] = look_up(sources, [a_loaded(*OPEN)], now=NOW)
    [outage] = failover.diagnosis.outages

    assert outage.live is not None
    assert (True, "no permission to read it") == (outage.live.refused, outage.live.problem)
    assert Importance.CRITICAL is failover.diagnosis.importance


def test_a_peer_that_no_connection_leads_to_cannot_be_asked_of() -> None:
    _, [failover] = looked_up(an_azure(connections={GATEWAY_ID: [TO_LYON]}), a_loaded(*OPEN))
    [outage] = failover.diagnosis.outages

    assert outage.live is not None
    assert "no connection of the gateway is known to lead there" == outage.live.problem
    assert outage.is_open


def test_a_connection_that_is_deleted_while_its_tunnel_is_down_is_followed_no_more() -> None:
    """It is in no list any more, or it answers 404."""
    _, [first] = looked_up(an_azure(), a_loaded(*OPEN))
    history = a_history(a_record(failover=first.failover, diagnosis=first.diagnosis))
    unlisted = an_azure(connections={GATEWAY_ID: [TO_LYON]})
    gone = an_azure(tunnels={})

    for azure in (unlisted, gone):
        _, [failover] = looked_up(azure, a_loaded(*OPEN, history=history))
        [outage] = failover.diagnosis.outages
        assert (True, State.UNKNOWN) == (outage.is_given_up, failover.diagnosis.state)
        assert failover.reasons


def test_changes_of_the_gateways_own_connections_are_causes_and_others_are_not() -> None:
    """Whose connection it is the row does not say, so the gateway's connections are asked."""

    def change(connection: str) -> list[Signal]:
        return [
            of_activity(
                *(Kind.CONNECTION_CHANGE, phase, at(-60)),
                gateway_id="",
                connection=f"{SUBSCRIPTION}/connections/{connection}",
                correlation_id=connection,
            )
            for phase in (Phase.STARTED, Phase.SUCCEEDED)
        ]

    own = replace(TO_PARIS, id=f"{SUBSCRIPTION}/connections/to-paris")
    azure = an_azure(connections={GATEWAY_ID: [own]})

    _, [failover] = looked_up(azure, a_loaded(*HAND_OVER, *change("to-paris"), *change("other")))

    assert CauseKind.CONFIGURATION is failover.diagnosis.cause.kind
    assert "the connection to-paris by kim" in failover.diagnosis.cause.statement
    assert "other" not in failover.diagnosis.cause.statement


def test_what_resource_health_says_is_asked_and_told_as_the_cause() -> None:
    entry = HealthEvent(
        at=at(-30),
        resolved_at=at(minutes=2),
        state="Unavailable",
        title="restarted",
        summary="",
        reason_type="Unplanned",
        context=PLATFORM_INITIATED,
        category="",
    )

    _, [failover] = looked_up(an_azure(health={GATEWAY_ID: [entry]}), a_loaded(*HAND_OVER))

    assert CauseKind.RESOURCE_HEALTH is failover.diagnosis.cause.kind
    assert NOW == failover.diagnosis.health_asked


def test_resource_health_that_does_not_answer_was_not_asked() -> None:
    _, [failover] = looked_up(an_azure(unknown={"health"}), a_loaded(*HAND_OVER))

    assert failover.diagnosis.health_asked is None


# By which mode a failover is told


def test_a_gateway_that_was_changed_since_is_told_by_the_mode_that_it_was_told_by() -> None:
    azure = MemoryAzure(gateways={GATEWAY_ID: a_gateway(active_active=True)})
    again = (down(at(minutes=9)), up(at(9, minutes=9)))
    loaded = a_loaded(*HAND_OVER, *again, history=a_history(a_record()))

    facts, failovers = looked_up(azure, loaded)
    gateways = [facts.gateway(failover) for failover in failovers]

    assert [False] == [gateway.active_active for gateway in gateways if gateway]


def test_a_failover_before_a_write_is_of_unknown_mode_which_nobody_asks_for_again() -> None:
    write = [
        of_activity(Kind.WRITE, phase, at(minutes=9)) for phase in (Phase.STARTED, Phase.SUCCEEDED)
    ]

    facts, [failover] = looked_up(MemoryAzure(), a_loaded(*HAND_OVER, *write))
    gateway = facts.gateway(failover)

    assert gateway is not None
    assert (None, {"active_active": CHANGED_SINCE}) == (gateway.active_active, gateway.unknown)
    assert set() == lacking(gateway)


@pytest.mark.parametrize(
    ("kind", "number"), [("Vpn", 1), (None, 1), ("ExpressRoute", 0), ("LocalGateway", 0)]
)
def test_only_failovers_of_vpn_gateways_are_told_where_the_facts_say(
    kind: str | None, number: int
) -> None:
    azure = MemoryAzure(gateways={GATEWAY_ID: a_gateway(gateway_type=kind)})

    _, failovers = looked_up(azure, a_loaded(*HAND_OVER))

    assert number == len(failovers)
