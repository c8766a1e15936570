"""What Azure answered becomes the files of a recording."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from detector.local.capture import LOGS, Capture
from detector.model import Window
from tests.builders import at
from tests.cloud import GATEWAY, NETWORK, gateway_body

CONNECTION = f"{NETWORK}/connections/conn-lyon"
STATUS = f"{GATEWAY}/providers/Microsoft.ResourceHealth/availabilityStatuses/current"
HOUR = Window(start=at(), end=at(hours=1))
METRIC = f"{GATEWAY}/providers/Microsoft.Insights/metrics/AverageBandwidth"


def heard(*answers: object) -> dict[str, list[object]]:
    """The files of answers that came a minute apart, without any rows."""
    times = iter(at(minutes=minute) for minute in range(99))
    kept = Capture(lambda: next(times))
    for answer in answers:
        kept.hear(answer)
    return {path: part for path, part in kept.parts([], [], HOUR).items() if part}


def as_of(body: dict[str, object], minutes: float) -> dict[str, object]:
    return {**body, "_AsOf": at(minutes=minutes).isoformat()}


def test_each_body_stands_in_the_folder_of_its_kind_with_its_time() -> None:
    bodies: list[dict[str, object]] = [
        gateway_body(),
        {"id": CONNECTION},
        {"id": f"{NETWORK}/localNetworkGateways/lng-lyon"},
        {"id": f"{NETWORK}/publicIPAddresses/pip-hub"},
    ]

    assert {
        "gateways/gateways.json": [as_of(bodies[0], 0)],
        "connections/connections.json": [as_of(bodies[1], 1)],
        "localNetworkGateways/localNetworkGateways.json": [as_of(bodies[2], 2)],
        "publicIPAddresses/publicIPAddresses.json": [as_of(bodies[3], 3)],
    } == heard(*bodies)


def test_a_body_asked_for_by_its_name_counts_before_one_out_of_a_list() -> None:
    itself: dict[str, object] = {"id": CONNECTION, "name": "itself"}
    listed = {"value": [{"id": CONNECTION.upper(), "name": "listed"}]}

    assert [as_of(itself, 0)] == heard(itself, listed)["connections/connections.json"]
    assert [as_of(itself, 1)] == heard(listed, itself)["connections/connections.json"]


def test_of_two_bodies_asked_for_alike_the_later_counts() -> None:
    first: dict[str, object] = {"id": CONNECTION, "name": "first"}
    second: dict[str, object] = {"id": CONNECTION, "name": "second"}

    assert [as_of(second, 1)] == heard(first, second)["connections/connections.json"]


def test_metrics_and_health_are_kept_as_they_came_since_they_have_times_of_their_own() -> None:
    answer = {"interval": "PT5M", "value": [{"id": METRIC}]}
    health: dict[str, object] = {"id": STATUS}

    assert {
        "health/health.json": [health],
        "metrics/metrics.json": [answer],
    } == heard({"value": [health]}, answer)


def test_what_is_no_body_of_a_gateways_world_is_left_out() -> None:
    others: list[object] = [
        None,
        "text",
        [],
        {"value": "x"},
        {"value": [None, {"id": 7}]},
        {"id": "/other/x"},
    ]

    assert {} == heard(*others)


def test_rows_stand_once_each_with_their_times_as_text() -> None:
    time = datetime(2026, 11, 22, 3, 14, 15, 123456, tzinfo=UTC)
    row = {"TimeGenerated": time, "Message": None}
    later = {"TimeGenerated": time + timedelta(seconds=1), "Message": None}
    parts = Capture(at).parts([row, dict(row), later], [], HOUR)

    assert [
        {"TimeGenerated": "2026-11-22T03:14:15.123456+00:00", "Message": None},
        {"TimeGenerated": "2026-11-22T03:14:16.123456+00:00", "Message": None},
    ] == parts[LOGS]


def test_the_logs_that_there_were_stand_with_the_window_that_was_asked() -> None:
    pairs = [("TunnelDiagnosticLog", GATEWAY), ("AzureActivity", "/subscriptions/x")]
    parts = Capture(at).parts([], pairs, HOUR)
    span = {"From": "2026-11-22T02:00:00.000Z", "To": "2026-11-22T03:00:00.000Z"}

    assert [
        {"Source": "AzureActivity", "Resource": "/subscriptions/x", **span},
        {"Source": "TunnelDiagnosticLog", "Resource": GATEWAY, **span},
    ] == parts["coverage/coverage.json"]


def test_keys_tags_and_etags_are_left_out() -> None:
    body = {"id": CONNECTION, "etag": "e", "properties": {"sharedKey": "s3cret", "tags": {}}}

    assert [as_of({"id": CONNECTION, "properties": {}}, 0)] == heard(body)[
        "connections/connections.json"
    ]
