"""The edge to Resource Health, over the SDK's own client and HTTPS, with every fault it meets."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest

from detector.azure.clouds import CLOUDS
from detector.azure.network import ResourceHealth
from detector.azure.resource_manager import ResourceManager
from detector.errors import FactUnknown
from detector.model import PLATFORM_INITIATED, HealthEvent
from tests.azure_stand_in import AzureStandIn, Fault, closed, truncated
from tests.builders import GATEWAY_ID
from tests.loopback import Reply
from tests.test_network import AnyToken, NoToken, Pauses, an_error

if TYPE_CHECKING:
    from azure.core.credentials import TokenCredential

LISTED = f"{GATEWAY_ID}/providers/Microsoft.ResourceHealth/availabilityStatuses"

MakeHealth = Callable[..., ResourceHealth]


def a_status(name: str = "current", **changes: object) -> dict[str, Any]:
    """A status as ARM lists it: with some of its fields left out, and `occuredTime` so spelled."""
    properties = {
        "availabilityState": "Available",
        "title": "Available",
        "summary": "The gateway is running.",
        "reasonType": "",
        "occuredTime": "2026-11-22T03:00:00Z",
        "reportedTime": "2026-11-22T04:00:00Z",
    }
    return {"id": f"{LISTED}/{name}", "name": name, "properties": properties | changes}


SERVICED = a_status(
    "2026-11-22+02:14:00Z",
    availabilityState="Unavailable",
    title="Unavailable",
    reasonType="Planned",
    context="Platform Initiated",
    category="Planned",
    occuredTime="2026-11-22T02:14:00.1234567Z",
)


@pytest.fixture
def azure(monkeypatch: pytest.MonkeyPatch) -> Iterator[AzureStandIn]:
    with AzureStandIn() as azure:
        for name, value in azure.environment().items():
            monkeypatch.setenv(name, value)
        azure.arm[LISTED] = {"value": [a_status(), SERVICED]}
        yield azure


@pytest.fixture
def pauses() -> Pauses:
    return Pauses()


@pytest.fixture
def health(azure: AzureStandIn, pauses: Pauses) -> Iterator[MakeHealth]:
    """Makes what a run asks Resource Health with, of the stand-in."""
    with ExitStack() as until_then:

        def make(
            left: timedelta = timedelta(minutes=4), credential: TokenCredential | None = None
        ) -> ResourceHealth:
            endpoint = CLOUDS["AzureCloud"].pointed(arm=azure.url).arm
            assert endpoint is not None
            client = ResourceManager(credential or AnyToken(), endpoint, sleep=pauses)
            until_then.callback(client.close)
            return ResourceHealth(lambda: client, left=lambda: left)

        yield make


def of_the_gateway(health: ResourceHealth) -> Sequence[HealthEvent] | FactUnknown:
    return health.events([GATEWAY_ID])[GATEWAY_ID]


def events(health: ResourceHealth) -> Sequence[HealthEvent]:
    found = of_the_gateway(health)
    assert not isinstance(found, FactUnknown), found.why
    return found


def test_a_gateways_health_of_now_and_before_takes_one_request(
    azure: AzureStandIn, health: MakeHealth
) -> None:
    now, serviced = events(health())

    assert ("Available", "", "") == (now.state, now.reason_type, now.context)
    assert ("Unavailable", "Planned", PLATFORM_INITIATED, "Planned") == (
        serviced.state,
        serviced.reason_type,
        serviced.context,
        serviced.category,
    )
    assert [("GET", LISTED.lower())] == [
        (request.method, request.path.lower()) for request in azure.requests
    ]


def test_the_events_of_every_page_count(azure: AzureStandIn, health: MakeHealth) -> None:
    azure.arm["/more"] = {"value": [SERVICED]}
    azure.arm[LISTED] = {"value": [a_status()], "nextLink": f"{azure.url}/more"}

    assert ["Available", "Unavailable"] == [event.state for event in events(health())]


def test_of_many_events_the_newest_are_told(azure: AzureStandIn, health: MakeHealth) -> None:
    azure.arm[LISTED] = {
        "value": [
            a_status(str(day), occuredTime=f"2026-{month:02}-{day:02}T00:00:00Z")
            for month in (8, 9, 10)
            for day in range(1, 29)
        ]
    }

    found = events(health())

    assert (50, (10, 28), (9, 7)) == (
        len(found),
        (found[0].at.month, found[0].at.day),
        (found[-1].at.month, found[-1].at.day),
    )


def test_an_entry_that_is_malformed_costs_no_other(azure: AzureStandIn, health: MakeHealth) -> None:
    odd = [3, None, {}, {"properties": "x"}, a_status(occuredTime="soon"), a_status(title=7)]
    azure.arm[LISTED] = {"value": [*odd, SERVICED]}

    assert ["", "Unavailable"] == [event.title for event in events(health())]


@pytest.mark.parametrize("listed", [{"value": []}, {}])
def test_a_gateway_of_which_nothing_is_said_has_no_events(
    listed: object, azure: AzureStandIn, health: MakeHealth
) -> None:
    azure.arm[LISTED] = listed

    assert [] == list(events(health()))


FORBIDDEN = (
    "no permission to read it;"
    " give the app's identity Monitoring Reader on the resource group rg-network"
)
FAULTS: dict[str, tuple[Fault, str, str]] = {
    "404": (
        Reply(status=404, body=an_error("ResourceNotFound")),
        "the gateway no longer exists",
        "gone",
    ),
    "403": (Reply(status=403, body=an_error("AuthorizationFailed")), FORBIDDEN, "refused"),
    "401": (Reply(status=401, body=an_error("InvalidToken")), FORBIDDEN, "refused"),
    "429 without Retry-After": (
        Reply(status=429, body=an_error("TooMany")),
        "Azure is throttling",
        "no answer",
    ),
    "429 that asks for an hour": (
        Reply(status=429, body=an_error("TooMany"), headers={"Retry-After": "3600"}),
        "Azure is throttling",
        "no answer",
    ),
    "500": (Reply(status=500, body=an_error("Odd")), "Azure did not answer", "no answer"),
    "502": (Reply(status=502, body=b"<html>"), "Azure did not answer", "no answer"),
    "503": (Reply(status=503), "Azure did not answer", "no answer"),
    "504": (Reply(status=504), "Azure did not answer", "no answer"),
    "connection closed": (closed, "Azure did not answer", "no answer"),
    "truncated": (truncated, "Azure did not answer", "no answer"),
    "not registered": (
        Reply(status=409, body=an_error("MissingSubscriptionRegistration")),
        "Azure refused to answer, with status 409",
        "other",
    ),
    "an error that is no JSON": (
        Reply(status=418, body=b"<html>"),
        "Azure refused to answer, with status 418",
        "other",
    ),
    "no content": (Reply(status=204), "the answer could not be read", "other"),
    "text": (
        Reply(body=b"<html>", headers={"Content-Type": "text/html"}),
        "the answer could not be read",
        "other",
    ),
    "broken JSON": (
        Reply(body=b'{"value": ', headers={"Content-Type": "application/json"}),
        "the answer could not be read",
        "other",
    ),
    "a list": (Reply(body=[]), "the answer could not be read", "other"),
    "null": (Reply(body=None), "the answer could not be read", "other"),
    "a value of another form": (Reply(body={"value": 3}), "the answer could not be read", "other"),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_every_fault_leaves_the_health_unknown_with_why(
    fault: str, azure: AzureStandIn, health: MakeHealth, pauses: Pauses
) -> None:
    """And none makes the client register its provider, which would be a write."""
    reply, why, kind = FAULTS[fault]
    azure.always("/availabilityStatuses", reply)

    found = of_the_gateway(health())

    assert isinstance(found, FactUnknown)
    assert (why, kind) == (found.why, found.kind)
    assert {"GET"} == {request.method for request in azure.requests}
    assert max(pauses, default=0) < 30


@pytest.mark.parametrize("fault", ["429 without Retry-After", "503", "connection closed"])
def test_what_passes_is_asked_again(
    fault: str, azure: AzureStandIn, health: MakeHealth, pauses: Pauses
) -> None:
    azure.once("/availabilityStatuses", FAULTS[fault][0])

    assert 2 == len(events(health()))
    assert 1 == len(pauses)


def test_a_gateway_that_hangs_costs_no_more_than_the_time_left(
    azure: AzureStandIn, health: MakeHealth
) -> None:
    azure.always("/availabilityStatuses", azure.hangs)

    found = of_the_gateway(health(left=timedelta(milliseconds=200)))

    assert isinstance(found, FactUnknown)
    assert "no answer" == found.kind


@pytest.mark.parametrize("lacking", [{"left": timedelta()}, {"credential": NoToken()}])
def test_without_time_or_credential_nothing_is_asked(
    lacking: dict[str, Any], azure: AzureStandIn, health: MakeHealth
) -> None:
    found = of_the_gateway(health(**lacking))

    assert isinstance(found, FactUnknown)
    assert "no answer" == found.kind
    assert [] == azure.requests


def test_one_gateways_trouble_is_no_others(azure: AzureStandIn, health: MakeHealth) -> None:
    gone = f"{GATEWAY_ID}-gone"

    found = health().events([gone, GATEWAY_ID])

    assert [gone, GATEWAY_ID] == list(found)
    assert isinstance(found[gone], FactUnknown)
    assert not isinstance(found[GATEWAY_ID], FactUnknown)


def test_an_id_that_is_no_path_asks_for_nothing_else(
    azure: AzureStandIn, health: MakeHealth
) -> None:
    """An id comes from the logs, where anybody may have written."""
    health().events([f"{GATEWAY_ID}?x=/"])

    assert [""] == [request.query.partition("api-version")[0] for request in azure.requests]


def test_the_sdk_is_not_imported_before_health_is_asked_for() -> None:
    heavy = "[name for name in sys.modules if name.startswith('azure.')]"
    code = f"import sys, detector.azure.network; print({heavy})"
    shown = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    assert "[]\n" == shown.stdout
