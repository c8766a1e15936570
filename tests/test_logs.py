"""The edge to Log Analytics, over the SDK's own client and HTTPS, with every fault it may meet."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, closing
from datetime import UTC, datetime, timedelta
from socket import socket
from typing import TYPE_CHECKING, Any

import pytest
from azure.core.credentials import AccessToken
from azure.identity import DefaultAzureCredential

from detector.azure.clouds import CLOUDS
from detector.azure.logs import Logs
from detector.azure.logs_client import LogsClient
from detector.azure.query import Query, Rows
from detector.errors import DetectorError, FactUnknown, LogsRefused, LogsUnavailable
from detector.model import Answer, Kind, Phase, Scope, Signal, Window
from tests.azure_stand_in import AzureStandIn, Fault, closed, truncated
from tests.log_tables import LogTables
from tests.loopback import Reply

if TYPE_CHECKING:
    from azure.core.credentials import TokenCredential

NOON = datetime(2026, 11, 22, 12, tzinfo=UTC)
SIX_HOURS = Window(start=NOON - timedelta(hours=6), end=NOON)
WORKSPACE = Scope(id="3f3f3f3f-0000-4000-8000-000000000001")
SUBSCRIPTION = Scope(id="/subscriptions/0f0f0f0f-0000-4000-8000-00000000000a")
GATEWAY = (
    f"{SUBSCRIPTION}/resourcegroups/rg-network/providers/microsoft.network"
    "/virtualnetworkgateways/vpn-hub"
)
GRANT_ON_SUBSCRIPTION = (
    f"grant it Monitoring Reader on {SUBSCRIPTION}, and on the workspaces that its logs go to"
)
NO_LOGS = "it has no AzureDiagnostics yet: no gateway has sent its logs there"

Outcome = Answer | DetectorError
MakeLogs = Callable[..., Logs]


class Pauses(list[float]):
    """The pauses that were asked for; none is waited for."""

    def __call__(self, seconds: float) -> None:
        self.append(seconds)


class AnyToken:
    """A credential that always has a token."""

    def get_token(self, *scopes: str, **_: object) -> AccessToken:
        return AccessToken("token", int(NOON.timestamp()) + 10**9)


@pytest.fixture
def azure(monkeypatch: pytest.MonkeyPatch) -> Iterator[AzureStandIn]:
    with AzureStandIn() as azure:
        for name, value in azure.environment().items():
            monkeypatch.setenv(name, value)
        yield azure


@pytest.fixture
def pauses() -> Pauses:
    return Pauses()


def a_client(
    url: str,
    sleep: Pauses,
    *,
    credential: TokenCredential | None = None,
    row_limit: int = 500_000,
) -> LogsClient:
    """A client for the logs at `url`."""
    endpoint = CLOUDS["AzureCloud"].pointed(logs=url).logs
    assert endpoint is not None
    return LogsClient(credential or AnyToken(), endpoint, row_limit=row_limit, sleep=sleep)


@pytest.fixture
def logs(azure: AzureStandIn, pauses: Pauses) -> Iterator[MakeLogs]:
    """Makes the logs of scopes that the stand-in answers for."""
    with ExitStack() as until_then:

        def make(
            *scopes: Scope, left: timedelta = timedelta(minutes=4), row_limit: int = 500_000
        ) -> Logs:
            client = a_client(azure.url, pauses, row_limit=row_limit)
            until_then.callback(client.close)
            return Logs(lambda: client, scopes, left=lambda: left)

        yield make


def a_tunnel_row(at: datetime = NOON - timedelta(hours=1), **changes: object) -> dict[str, object]:
    return {
        "TimeGenerated": at.isoformat(),
        "ResourceId": GATEWAY.upper(),
        "_ResourceId": GATEWAY,
        "Category": "TunnelDiagnosticLog",
        "OperationName": "TunnelDisconnected",
        "instance_s": "GatewayTenantWorker_IN_0",
        "remoteIP_s": "203.0.113.7",
        "status_s": "Disconnected",
        **changes,
    }


def rows_each_minute(count: int) -> list[Mapping[str, object]]:
    return [a_tunnel_row(NOON - timedelta(minutes=minute)) for minute in range(1, count + 1)]


def workspaces(count: int) -> list[Scope]:
    return [Scope(id=f"3f3f3f3f-0000-4000-8000-{number:012}") for number in range(count)]


def only(outcomes: Sequence[Outcome]) -> Outcome:
    (outcome,) = outcomes
    return outcome


def answer(outcome: Outcome) -> Answer:
    assert isinstance(outcome, Answer), outcome
    return outcome


def signals(logs: Logs, scope: Scope = WORKSPACE, window: Window = SIX_HOURS) -> tuple[Signal, ...]:
    return answer(only(logs.signals({scope: window}))).signals


def an_error(code: str, message: str) -> dict[str, Any]:
    return {"error": {"code": code, "message": message}}


@pytest.mark.parametrize("scope", [WORKSPACE, SUBSCRIPTION, Scope(id=GATEWAY)])
def test_a_row_of_the_logs_becomes_a_signal(
    azure: AzureStandIn, logs: MakeLogs, scope: Scope
) -> None:
    azure.tables["AzureDiagnostics"] = [a_tunnel_row()]
    expected = Signal(
        at=NOON - timedelta(hours=1),
        gateway_id=GATEWAY,
        kind=Kind.DISCONNECTED,
        source="TunnelDiagnosticLog",
        instance="GatewayTenantWorker_IN_0",
        remote_ip="203.0.113.7",
    )

    assert (expected,) == signals(logs(), scope)


def test_an_operation_of_the_activity_log_becomes_a_signal(
    azure: AzureStandIn, logs: MakeLogs
) -> None:
    azure.tables["AzureActivity"] = [
        {
            "TimeGenerated": "2026-11-22T11:00:00.1234567Z",
            "_ResourceId": GATEWAY,
            "OperationNameValue": "MICROSOFT.NETWORK/VIRTUALNETWORKGATEWAYS/RESET/ACTION",
            "ActivityStatusValue": "Start",
            "Caller": "ada@contoso.example",
            "CorrelationId": "C0FFEE",
        }
    ]

    expected = Signal(
        at=datetime(2026, 11, 22, 11, 0, 0, 123456, tzinfo=UTC),
        gateway_id=GATEWAY,
        kind=Kind.RESET,
        source="AzureActivity",
        phase=Phase.STARTED,
        caller="ada@contoso.example",
        correlation_id="c0ffee",
    )

    assert (expected,) == signals(logs())


def test_an_idle_run_costs_one_request(azure: AzureStandIn, logs: MakeLogs) -> None:
    outcome = only(logs().signals({WORKSPACE: SIX_HOURS}))

    assert Answer(scope=WORKSPACE, window=SIX_HOURS) == outcome
    assert [f"/v1/workspaces/{WORKSPACE}/query"] == [each.path for each in azure.requests]


def test_the_window_is_the_requests_timespan_and_not_in_its_text(
    azure: AzureStandIn, logs: MakeLogs
) -> None:
    logs().signals({WORKSPACE: SIX_HOURS})
    (request,) = azure.requests

    assert "2026-11-22T06:00:00.000Z/2026-11-22T12:00:00.000Z" == request.body["timespan"]
    assert "2026" not in request.body["query"]


def test_the_windows_start_belongs_to_it_and_its_end_does_not(
    azure: AzureStandIn, logs: MakeLogs
) -> None:
    azure.tables["AzureDiagnostics"] = [a_tunnel_row(SIX_HOURS.start), a_tunnel_row(SIX_HOURS.end)]

    assert [SIX_HOURS.start] == [signal.at for signal in signals(logs())]


def test_scopes_are_answered_in_the_order_asked_and_each_in_its_own_window(
    azure: AzureStandIn, logs: MakeLogs
) -> None:
    azure.tables["AzureDiagnostics"] = rows_each_minute(60)
    asked = {
        scope: Window(start=NOON - timedelta(minutes=number), end=NOON)
        for number, scope in enumerate([SUBSCRIPTION, *workspaces(7), Scope(id=GATEWAY)], start=1)
    }
    outcomes = logs().signals(asked)

    assert [(scope, number) for number, scope in enumerate(asked, start=1)] == [
        (answer(outcome).scope, len(answer(outcome).signals)) for outcome in outcomes
    ]


def test_five_workspaces_travel_in_one_request(azure: AzureStandIn, logs: MakeLogs) -> None:
    logs().signals(dict.fromkeys(workspaces(5), SIX_HOURS))

    assert ["/v1/$batch"] == [request.path for request in azure.requests]


def test_five_queries_at_a_time_are_asked_and_never_more(
    azure: AzureStandIn, logs: MakeLogs
) -> None:
    five = threading.Barrier(5, timeout=60)

    def waits_for_four_others(truth: Callable[[], Reply]) -> Reply:
        five.wait()
        return truth()

    azure.always("/resourcegroups/", waits_for_four_others)
    groups = [Scope(id=f"{SUBSCRIPTION}/resourcegroups/rg-{number}") for number in range(10)]
    outcomes = logs().signals(dict.fromkeys([*groups, *workspaces(10)], SIX_HOURS))

    assert [Answer] * 20 == [type(outcome) for outcome in outcomes]
    assert 5 == azure.most_in_flight


def test_a_workspace_that_fails_in_a_batch_is_asked_again_alone(
    azure: AzureStandIn, logs: MakeLogs
) -> None:
    first, second, third = workspaces(3)
    azure.tables["AzureDiagnostics"] = [a_tunnel_row()]
    azure.once(f"/$batch/workspaces/{first}/", Reply(status=500, body={}))
    azure.once(f"/$batch/workspaces/{second}/", Reply(status=429, body=an_error("Busy", "Later.")))
    outcomes = logs().signals(dict.fromkeys([first, second, third], SIX_HOURS))

    assert [1, 1, 1] == [len(answer(outcome).signals) for outcome in outcomes]
    assert [
        "/v1/$batch",
        f"/v1/workspaces/{first}/query",
        f"/v1/workspaces/{second}/query",
    ] == [request.path for request in azure.requests]


def test_a_workspace_that_is_refused_is_the_trouble_of_no_other(
    azure: AzureStandIn, logs: MakeLogs
) -> None:
    ours, theirs = workspaces(2)
    azure.tables["AzureDiagnostics"] = [a_tunnel_row()]
    azure.always(
        f"/workspaces/{theirs}/",
        Reply(status=403, body=an_error("InsufficientAccessError", "No access.")),
    )
    told, refused = logs().signals({ours: SIX_HOURS, theirs: SIX_HOURS})

    assert 1 == len(answer(told).signals)
    assert isinstance(refused, LogsRefused)
    assert theirs.id == refused.scope


def test_a_member_that_spoils_its_batch_is_asked_like_the_others_alone(
    azure: AzureStandIn, logs: MakeLogs
) -> None:
    """The client cannot read a batch at all in which one body is no JSON."""
    first, second = workspaces(2)
    azure.once(f"/$batch/workspaces/{first}/", Reply(status=500))
    outcomes = logs().signals({first: SIX_HOURS, second: SIX_HOURS})

    assert [Answer, Answer] == [type(outcome) for outcome in outcomes]


def test_a_batch_that_is_refused_is_asked_one_by_one(azure: AzureStandIn, logs: MakeLogs) -> None:
    azure.once("/$batch", Reply(status=400, body=an_error("BadArgumentError", "Which?")))
    outcomes = logs().signals(dict.fromkeys(workspaces(2), SIX_HOURS))

    assert [Answer, Answer] == [type(outcome) for outcome in outcomes]


def test_a_batch_that_nobody_answers_is_not_asked_one_by_one(
    azure: AzureStandIn, logs: MakeLogs
) -> None:
    azure.always("/", Reply(status=503))
    outcomes = logs().signals(dict.fromkeys(workspaces(2), SIX_HOURS))

    assert [LogsUnavailable, LogsUnavailable] == [type(outcome) for outcome in outcomes]
    assert ["/v1/$batch"] * 4 == [request.path for request in azure.requests]


@pytest.mark.parametrize("scope", [WORKSPACE, SUBSCRIPTION])
def test_a_partial_answer_is_asked_again_in_halves_and_nothing_is_lost(
    azure: AzureStandIn, logs: MakeLogs, scope: Scope
) -> None:
    azure.tables["AzureDiagnostics"] = rows_each_minute(100)
    azure.partial_limit = 30
    times = sorted(signal.at for signal in signals(logs(), scope))

    assert [NOON - timedelta(minutes=minute) for minute in range(100, 0, -1)] == times
    assert 3 < len(azure.requests)


def test_an_answer_at_the_row_limit_is_asked_again_in_halves(
    azure: AzureStandIn, logs: MakeLogs
) -> None:
    azure.tables["AzureDiagnostics"] = rows_each_minute(100)
    azure.row_limit = 30

    assert 100 == len(signals(logs(row_limit=30)))


def test_incomplete_members_of_a_batch_are_asked_again_in_halves(
    azure: AzureStandIn, logs: MakeLogs
) -> None:
    azure.tables["AzureDiagnostics"] = rows_each_minute(100)
    azure.partial_limit = 60
    outcomes = logs().signals(dict.fromkeys(workspaces(2), SIX_HOURS))

    assert [100, 100] == [len(answer(outcome).signals) for outcome in outcomes]


def test_a_row_on_the_seam_of_two_halves_is_one_signal(azure: AzureStandIn, logs: MakeLogs) -> None:
    seam = SIX_HOURS.halves()[0].end
    azure.tables["AzureDiagnostics"] = [
        a_tunnel_row(seam + timedelta(hours=hours)) for hours in (-1, 0, 1)
    ]
    azure.partial_limit = 2

    assert 3 == len(signals(logs()))


def test_a_second_that_is_never_answered_in_full_is_not_believed(
    azure: AzureStandIn, logs: MakeLogs
) -> None:
    azure.tables["AzureDiagnostics"] = [
        a_tunnel_row(remoteIP_s=f"203.0.113.{number}") for number in range(3)
    ]
    azure.partial_limit = 2
    outcome = only(logs().signals({WORKSPACE: SIX_HOURS}))

    assert isinstance(outcome, LogsUnavailable)
    assert (
        f"{WORKSPACE}: even one second of its logs is not answered in full (There were some errors "
        "when processing your query.); the next run tries again"
    ) == str(outcome)


@pytest.mark.parametrize("scopes", [[WORKSPACE], [SUBSCRIPTION], workspaces(2)])
def test_absent_tables_mean_that_there_are_no_logs_yet(
    azure: AzureStandIn, logs: MakeLogs, scopes: list[Scope]
) -> None:
    azure.tables.clear()
    outcomes = logs().signals(dict.fromkeys(scopes, SIX_HOURS))

    assert [NO_LOGS] * len(scopes) == [answer(outcome).no_logs for outcome in outcomes]
    assert 1 == len(azure.requests)


def test_absent_columns_mean_that_there_are_no_logs_yet(
    azure: AzureStandIn, logs: MakeLogs
) -> None:
    message = "'project' operator: Failed to resolve scalar expression named 'instance_s'"
    error = an_error("BadArgumentError", "Bad.")
    error["error"]["innererror"] = {"code": "SEM0100", "message": message}
    azure.once("/query", Reply(status=400, body=error))
    outcome = answer(only(logs().signals({WORKSPACE: SIX_HOURS})))

    assert "it has no instance_s yet: no gateway has sent its logs there" == outcome.no_logs


@pytest.mark.parametrize("absent", ["AzureDiagnostics", "AzureActivity"])
def test_one_table_is_enough(azure: AzureStandIn, logs: MakeLogs, absent: str) -> None:
    del azure.tables[absent]
    outcome = answer(only(logs().signals({WORKSPACE: SIX_HOURS})))

    assert outcome.no_logs is None


def test_a_row_that_cannot_be_read_is_named_and_the_others_go_on(
    azure: AzureStandIn, logs: MakeLogs
) -> None:
    azure.tables["AzureDiagnostics"] = [a_tunnel_row(remoteIP_s=None), a_tunnel_row()]
    outcome = answer(only(logs().signals({WORKSPACE: SIX_HOURS})))

    assert (f"scope {WORKSPACE}, row 1: it tells of a tunnel and has no remoteIP_s",) == (
        outcome.unreadable
    )
    assert 1 == len(outcome.signals)


PASSING_FAULTS: dict[str, Fault] = {
    "throttled": Reply(status=429, body=an_error("ThrottledError", "Slow down.")),
    "throttled, with a page instead of JSON": Reply(status=429, body=b"<h1>Busy</h1>"),
    "an answer after the server's timeout": Reply(status=408),
    "a failing server": Reply(status=500, body=an_error("InternalServerError", "Oops.")),
    "a failing proxy": Reply(status=502, body=b"<h1>Bad gateway</h1>"),
    "a server in maintenance": Reply(status=503),
    "a slow server": Reply(status=504),
    "a lost connection": closed,
    "a truncated answer": truncated,
}


@pytest.mark.parametrize("fault", PASSING_FAULTS.values(), ids=PASSING_FAULTS)
def test_what_passes_is_asked_again_and_nothing_is_lost(
    azure: AzureStandIn, logs: MakeLogs, pauses: Pauses, fault: Fault
) -> None:
    azure.tables["AzureDiagnostics"] = [a_tunnel_row()]
    azure.once("/query", fault, fault, fault)

    assert 1 == len(signals(logs()))
    assert [0.8, 1.6, 3.2] == pauses


@pytest.mark.parametrize(
    ("fault", "what"),
    [
        ("throttled", "Log Analytics throttles"),
        ("a failing proxy", "Log Analytics fails with status 502"),
        ("a lost connection", "Log Analytics broke off, or did not answer in time"),
        ("a truncated answer", "Log Analytics broke off, or did not answer in time"),
    ],
)
def test_what_does_not_pass_in_four_attempts_is_left_to_the_next_run(
    azure: AzureStandIn, logs: MakeLogs, fault: str, what: str
) -> None:
    azure.always("/query", PASSING_FAULTS[fault])
    outcome = only(logs().signals({WORKSPACE: SIX_HOURS}))

    assert isinstance(outcome, LogsUnavailable)
    assert f"{WORKSPACE}: {what}; the next run tries again" == str(outcome)
    assert WORKSPACE.id == outcome.scope
    assert 4 == len(azure.requests)


def test_a_server_that_nobody_runs_is_asked_four_times(azure: AzureStandIn, pauses: Pauses) -> None:
    with socket() as unheard:
        unheard.bind(("127.0.0.1", 0))
        port = unheard.getsockname()[1]
        with closing(a_client(f"https://127.0.0.1:{port}", pauses)) as client:
            logs = Logs(lambda: client, [], left=lambda: timedelta(minutes=4))
            outcome = only(logs.signals({WORKSPACE: SIX_HOURS}))

    assert isinstance(outcome, LogsUnavailable)
    assert f"{WORKSPACE}: Log Analytics cannot be reached; the next run tries again" == (
        str(outcome)
    )
    assert [0.8, 1.6, 3.2] == pauses


def test_a_certificate_authority_that_is_not_there_reaches_nothing(
    azure: AzureStandIn, logs: MakeLogs, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", "/nowhere/authority.pem")
    outcome = only(logs().signals({WORKSPACE: SIX_HOURS}))

    assert f"{WORKSPACE}: Log Analytics cannot be reached; the next run tries again" == (
        str(outcome)
    )


def test_retry_after_is_respected(azure: AzureStandIn, logs: MakeLogs, pauses: Pauses) -> None:
    azure.once("/query", Reply(status=429, headers={"Retry-After": "17"}))
    logs().signals({WORKSPACE: SIX_HOURS})

    assert [17.0] == pauses


def test_a_retry_after_that_nobody_can_read_is_none(
    azure: AzureStandIn, logs: MakeLogs, pauses: Pauses
) -> None:
    azure.once("/query", Reply(status=429, headers={"Retry-After": "soon"}))
    logs().signals({WORKSPACE: SIX_HOURS})

    assert [0.8] == pauses


def test_a_retry_after_beyond_the_runs_end_ends_the_asking_at_once(
    azure: AzureStandIn, logs: MakeLogs, pauses: Pauses
) -> None:
    azure.always("/query", Reply(status=429, headers={"Retry-After": "600"}))
    outcome = only(logs().signals({WORKSPACE: SIX_HOURS}))

    assert isinstance(outcome, LogsUnavailable)
    assert (
        f"{WORKSPACE}: Log Analytics asks to wait 600 s, longer than this run may; "
        "the next run tries again"
    ) == str(outcome)
    assert ([], 1) == (pauses, len(azure.requests))


def test_a_retry_after_may_be_a_date(azure: AzureStandIn, logs: MakeLogs, pauses: Pauses) -> None:
    far = Reply(status=503, headers={"Retry-After": "Fri, 01 Jan 2100 00:00:00 GMT"})
    azure.always("/query", far)
    outcome = only(logs().signals({WORKSPACE: SIX_HOURS}))

    assert isinstance(outcome, LogsUnavailable)
    assert "Log Analytics asks to wait" in str(outcome)
    assert ([], 1) == (pauses, len(azure.requests))


def test_a_query_that_is_sent_elsewhere_goes_there(azure: AzureStandIn, logs: MakeLogs) -> None:
    azure.tables["AzureDiagnostics"] = [a_tunnel_row()]
    there = f"{azure.url}/v1/workspaces/{WORKSPACE}/query?elsewhere"
    azure.once("/query", Reply(status=307, headers={"Location": there}))

    assert 1 == len(signals(logs()))
    assert ["", "elsewhere"] == [request.query for request in azure.requests]


def test_a_run_without_time_asks_nothing(azure: AzureStandIn, logs: MakeLogs) -> None:
    outcome = only(logs(left=timedelta()).signals({WORKSPACE: SIX_HOURS}))

    assert isinstance(outcome, LogsUnavailable)
    assert (
        f"{WORKSPACE}: this run has no time left to ask for its logs; the next run tries again"
    ) == str(outcome)
    assert [] == azure.requests


def test_no_pause_outlasts_the_run(azure: AzureStandIn, logs: MakeLogs, pauses: Pauses) -> None:
    azure.always("/query", Reply(status=503))
    outcome = only(logs(left=timedelta(seconds=1)).signals({WORKSPACE: SIX_HOURS}))

    assert isinstance(outcome, LogsUnavailable)
    assert ([0.8], 2) == (pauses, len(azure.requests))


def test_a_server_that_never_answers_does_not_outlast_the_run(
    azure: AzureStandIn, logs: MakeLogs
) -> None:
    azure.always("/query", azure.hangs)
    outcome = only(logs(left=timedelta(milliseconds=100)).signals({WORKSPACE: SIX_HOURS}))

    assert isinstance(outcome, LogsUnavailable)
    assert (
        f"{WORKSPACE}: Log Analytics broke off, or did not answer in time; the next run tries again"
    ) == str(outcome)


class HangingClient(LogsClient):
    """Answers for every scope but the first, for which it waits as long as it may."""

    def __init__(self, hangs: Scope) -> None:
        self.hangs = hangs
        self.time = timedelta(seconds=120)

    def ask(
        self, query: Query, scope: Scope, window: Window, *, left: Callable[[], timedelta]
    ) -> Rows:
        if scope == self.hangs:
            self.time -= left()
        if left() <= timedelta():
            raise LogsUnavailable(f"{scope}: no time", scope=scope.id)
        return Rows((), ())

    def ask_together(self, *_: object, **__: object) -> dict[Scope, Any]:
        return {}


@pytest.mark.parametrize(
    "scopes", [[Scope(id=f"/subscriptions/{number}") for number in range(12)], workspaces(12)]
)
def test_a_scope_that_hangs_leaves_the_scopes_after_it_their_time(scopes: list[Scope]) -> None:
    """It is waited for only as long as its share lasts of the time that there is."""
    client = HangingClient(scopes[0])
    logs = Logs(lambda: client, scopes, left=lambda: client.time)

    outcomes = logs.signals(dict.fromkeys(scopes, SIX_HOURS))

    assert isinstance(outcomes[0], LogsUnavailable)
    assert scopes[5:] == [answer(outcome).scope for outcome in outcomes[5:]]


def test_the_server_is_told_how_long_the_run_may_wait(azure: AzureStandIn, logs: MakeLogs) -> None:
    logs(left=timedelta(seconds=42)).signals({WORKSPACE: SIX_HOURS})

    assert "wait=42" == azure.requests[0].headers["Prefer"]


@pytest.mark.parametrize(
    "fault",
    [
        Reply(body=b"<html>Sign in to the guest network</html>"),
        Reply(body=b'"a text"'),
        Reply(body=b"[]"),
        Reply(body={}),
        Reply(body={"tables": []}),
        Reply(body={"tables": [{"name": "PrimaryResult", "columns": [], "rows": []}]}),
        Reply(body={"tables": [{"name": "PrimaryResult", "rows": [[1]]}]}),
        Reply(body=b"[" * 200_000),
        Reply(status=204),
    ],
    ids=lambda reply: f"{reply.status} {reply.content().decode()[:99]}",
)
def test_what_is_no_answer_is_not_taken_for_one(
    azure: AzureStandIn, logs: MakeLogs, fault: Fault
) -> None:
    azure.always("/query", fault)
    outcome = only(logs().signals({WORKSPACE: SIX_HOURS}))

    assert isinstance(outcome, LogsUnavailable)
    assert (
        f"{WORKSPACE}: what answered is not what Log Analytics answers "
        "(is DETECTOR_LOGS_ENDPOINT right?); the next run tries again"
    ) == str(outcome)


REFUSALS = {
    400: "the query is refused; check this scope in DETECTOR_SCOPES",
    401: "the identity's token is not accepted; check that DETECTOR_CLOUD, or "
    "DETECTOR_LOGS_ENDPOINT, is the cloud that the identity belongs to",
    403: "the identity may not read its logs; grant it Monitoring Reader on the workspace",
    404: "there is no such workspace in this cloud; DETECTOR_SCOPES takes the workspace id that "
    "its overview page shows (a GUID, not the resource id), and DETECTOR_CLOUD its cloud",
    413: "the query is refused; check this scope in DETECTOR_SCOPES",
}


@pytest.mark.parametrize("status", REFUSALS)
def test_a_refusal_says_what_to_do_and_is_not_asked_again(
    azure: AzureStandIn, logs: MakeLogs, status: int
) -> None:
    azure.always("/query", Reply(status=status, body=an_error("Some", "Azure's\n own words.")))
    outcome = only(logs().signals({WORKSPACE: SIX_HOURS}))

    assert isinstance(outcome, LogsRefused)
    assert f"{WORKSPACE}: {REFUSALS[status]} (status {status}: Azure's own words.)" == str(outcome)
    assert WORKSPACE.id == outcome.scope
    assert 1 == len(azure.requests)


def test_a_refusal_without_json_is_a_refusal_all_the_same(
    azure: AzureStandIn, logs: MakeLogs
) -> None:
    azure.always("/query", Reply(status=403, body=b"<h1>Forbidden</h1>"))
    outcome = only(logs().signals({WORKSPACE: SIX_HOURS}))

    assert isinstance(outcome, LogsRefused)
    assert f"{WORKSPACE}: {REFUSALS[403]} (status 403)" == str(outcome)


@pytest.mark.parametrize(
    ("status", "what"),
    [
        (
            403,
            f"the identity may not read its logs; {GRANT_ON_SUBSCRIPTION}",
        ),
        (404, "there is no such resource; correct it in DETECTOR_SCOPES, or take it out"),
    ],
)
def test_a_resource_is_refused_in_its_own_words(
    azure: AzureStandIn, logs: MakeLogs, status: int, what: str
) -> None:
    azure.always("/query", Reply(status=status))
    outcome = only(logs().signals({SUBSCRIPTION: SIX_HOURS}))

    assert f"{SUBSCRIPTION}: {what} (status {status})" == str(outcome)


def test_a_query_of_a_resource_asks_to_be_told_what_is_left_out(
    azure: AzureStandIn, logs: MakeLogs
) -> None:
    logs().signals({SUBSCRIPTION: SIX_HOURS})

    assert "wait=180,include-permissions=true" == azure.requests[0].headers["Prefer"]


def test_tables_that_are_left_out_make_no_complete_answer(
    azure: AzureStandIn, logs: MakeLogs
) -> None:
    azure.permissions = {
        "dataSources": [
            {"resourceId": "/subscriptions/x", "denyTables": ["SecurityEvent"]},
            {"resourceId": "/subscriptions/y", "denyTables": ["AzureDiagnostics", "Heartbeat"]},
        ]
    }
    outcome = only(logs().signals({SUBSCRIPTION: SIX_HOURS}))

    assert isinstance(outcome, LogsRefused)
    assert (
        f"{SUBSCRIPTION}: its logs are answered without AzureDiagnostics, which the identity may "
        f"not read; {GRANT_ON_SUBSCRIPTION}"
    ) == str(outcome)


def test_tables_that_are_left_out_but_not_asked_for_do_not_matter(
    azure: AzureStandIn, logs: MakeLogs
) -> None:
    azure.permissions = {"dataSources": [{"resourceId": "/x", "denyTables": ["SecurityEvent"]}]}

    assert isinstance(only(logs().signals({SUBSCRIPTION: SIX_HOURS})), Answer)


def test_the_identity_of_the_function_app_is_enough(azure: AzureStandIn, pauses: Pauses) -> None:
    with (
        DefaultAzureCredential() as it,
        closing(a_client(azure.url, pauses, credential=it)) as client,
    ):
        logs = Logs(lambda: client, [], left=lambda: timedelta(minutes=4))

        assert isinstance(only(logs.signals({WORKSPACE: SIX_HOURS})), Answer)

    assert [f"resource={azure.url}"] == [
        part
        for request in azure.asked("/msi/token")
        for part in request.query.replace("%3A", ":").replace("%2F", "/").split("&")
        if part.startswith("resource=")
    ]


def test_no_identity_at_all_is_for_the_operator_to_mend(
    azure: AzureStandIn, pauses: Pauses
) -> None:
    azure.always("/msi/token", Reply(status=400, body={"message": "No identity. secret-7"}))
    with (
        DefaultAzureCredential() as it,
        closing(a_client(azure.url, pauses, credential=it)) as client,
    ):
        logs = Logs(lambda: client, [], left=lambda: timedelta(minutes=4))
        outcomes = logs.signals(dict.fromkeys(workspaces(2), SIX_HOURS))

    assert [
        f"{scope}: there is no credential to query its logs with; run `az login`, or give the "
        "function app a managed identity (and AZURE_CLIENT_ID for a user-assigned one)"
        for scope in workspaces(2)
    ] == [str(outcome) for outcome in outcomes]
    assert [LogsRefused, LogsRefused] == [type(outcome) for outcome in outcomes]
    assert [] == azure.asked("/v1/")


def test_nothing_is_made_when_nothing_is_asked() -> None:
    def no_client() -> Any:
        raise AssertionError("there is nothing to ask")

    assert [] == Logs(no_client, [], left=timedelta).signals({})


def test_coverage_tells_each_log_that_holds_anything(azure: AzureStandIn, logs: MakeLogs) -> None:
    azure.tables["AzureDiagnostics"] = [
        a_tunnel_row(),
        a_tunnel_row(NOON - timedelta(hours=2), OperationName="TunnelConnected"),
        a_tunnel_row(Category="IKEDiagnosticLog", OperationName="Anything"),
        a_tunnel_row(_ResourceId=f"{SUBSCRIPTION}/resourcegroups/x/providers/microsoft.web/sites/y")
        | {"ResourceId": ""},
    ]
    group = f"{SUBSCRIPTION}/resourcegroups/rg-network"
    azure.tables["AzureActivity"] = [
        {
            "TimeGenerated": NOON.isoformat(),
            "_ResourceId": group,
            "OperationNameValue": "any",
            "CategoryValue": "Administrative",
        },
    ]
    expected = {
        ("TunnelDiagnosticLog", GATEWAY),
        ("IKEDiagnosticLog", GATEWAY),
        ("AzureActivity", SUBSCRIPTION.id),
    }

    assert expected == logs(WORKSPACE, SUBSCRIPTION).coverage(SIX_HOURS)


def test_a_workspace_without_tables_covers_nothing(azure: AzureStandIn, logs: MakeLogs) -> None:
    azure.scopes[WORKSPACE.id] = LogTables()

    assert frozenset() == logs(WORKSPACE, SUBSCRIPTION).coverage(SIX_HOURS)


def test_coverage_is_unknown_where_a_scope_does_not_answer(
    azure: AzureStandIn, logs: MakeLogs
) -> None:
    azure.always(f"{SUBSCRIPTION}/query", Reply(status=503))

    with pytest.raises(FactUnknown, match="Log Analytics fails with status 503") as caught:
        logs(WORKSPACE, SUBSCRIPTION).coverage(SIX_HOURS)

    assert SUBSCRIPTION.id in caught.value.why
