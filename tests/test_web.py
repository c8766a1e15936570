"""The HTTP and queue functions as the host calls them, with the store in a real Azurite."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from threading import Event
from typing import ClassVar
from uuid import uuid4

import azure.functions as func
import pytest
from azure.core.exceptions import ResourceNotFoundError
from azure.storage.blob import ContainerClient
from azure.storage.queue import QueueClient, TextBase64DecodePolicy

import function_app
from detector.app import web
from detector.azure.blobs import BlobArchive, BlobInsights
from detector.errors import JournalConflict, RunFailed
from detector.insights.document import Insight, to_json
from detector.journal.layout import LAST_REQUEST, LAST_RUN
from tests import alerts
from tests.azure_stand_in import AzureStandIn
from tests.azurite import KEY, Azurite
from tests.builders import at
from tests.cloud import GATEWAY, WORKSPACE, gateway_body, hand_over_rows
from tests.hosted import triggers
from tests.loopback import Reply
from tests.sink_stand_in import NOW, an_insight

ROOT = Path(__file__).parent.parent
ID = "20261122T021407123Z-1a2b3c4d5e6f"
BROWSER = "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"
UNREACHABLE = f"AccountName=a;AccountKey={KEY};BlobEndpoint=http://127.0.0.1:9/a;"
BODIES = {
    "log search": json.dumps(alerts.LOG_SEARCH).encode(),
    "activity log": json.dumps(alerts.ACTIVITY_LOG).encode(),
    "no JSON": b"{",
    "not text": b"\xff\xfe",
    "a gateway": json.dumps({"gateway": GATEWAY, "run": "DROP"}).encode(),
}


def told(failover_id: str, **changes: object) -> Insight:
    """An insight with what every run fills in."""
    facts = {"gatewayVip": "203.0.113.10", "virtualNetworkName": "vnet-hub"}
    return an_insight(id=failover_id, facts=facts, **changes)


@dataclass(frozen=True, slots=True, kw_only=True)
class Store:
    """The app's container and its queue of wishes, and what a test puts there."""

    container: ContainerClient
    wishes: QueueClient

    def tell(self, *ids: str) -> None:
        """Put an insight of each id there, as a run does."""
        sink = BlobInsights(lambda: self.container, {}, now=lambda: NOW)
        for each in ids:
            sink.deliver(told(each))

    def note(self, path: str, **note: object) -> None:
        """Put a note there."""
        archive = BlobArchive(lambda: self.container)
        archive.keep(path, note, archive.note(path)[1])

    def read_in_full(self, ago: timedelta) -> None:
        """Note that a run read the only scope in full so long ago."""
        end = datetime.now(UTC) - ago
        self.note(LAST_RUN, completeUntil={WORKSPACE: end.isoformat()})

    def waiting(self) -> list[str]:
        """The wishes that can be seen."""
        return [each.content for each in self.wishes.receive_messages(visibility_timeout=1)]


@pytest.fixture(name="azure")
def an_azure() -> Iterator[AzureStandIn]:
    with AzureStandIn() as azure:
        azure.arm[GATEWAY] = gateway_body()
        azure.arm[f"{GATEWAY}/connections"] = {"value": []}
        yield azure


@pytest.fixture(name="store")
def a_store(
    azure: AzureStandIn, azurite: Azurite, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Store]:
    """The app's settings, all from the environment; its queue is made by who needs it."""
    name = f"insights-{uuid4().hex[:8]}"
    environment = {
        **azure.environment(),
        "DETECTOR_SCOPES": WORKSPACE,
        "DETECTOR_STORE": f"blob:{name}",
        "DETECTOR_QUEUE": "",
        "AzureWebJobsStorage": azurite.connection_string,
    }
    for variable, value in environment.items():
        monkeypatch.setenv(variable, value)
    wishes = QueueClient.from_connection_string(
        azurite.connection_string,
        "detector-requests",
        message_decode_policy=TextBase64DecodePolicy(),
    )
    container = ContainerClient.from_connection_string(azurite.connection_string, name)
    web._health_within.cache_clear()  # noqa: SLF001 -- another app than that of the test before
    with container, wishes:
        yield Store(container=container, wishes=wishes)
        with suppress(ResourceNotFoundError):
            wishes.delete_queue()


def asked(
    function: Callable[[func.HttpRequest], func.HttpResponse],
    *,
    method: str = "GET",
    body: bytes = b"",
    route: dict[str, str] | None = None,
    headers: dict[str, str] | None = None,
    query: dict[str, str] | None = None,
) -> func.HttpResponse:
    """What the function answers to the host."""
    return function(
        func.HttpRequest(
            method=method,
            url="https://app.example/api",
            headers=headers or {},
            params=query or {},
            route_params=route or {},
            body=body,
        )
    )


def page(accept: str = BROWSER, **query: str) -> func.HttpResponse:
    return asked(function_app.failovers, headers={"Accept": accept}, query=query)


def one(failover_id: str, accept: str = BROWSER, **query: str) -> func.HttpResponse:
    headers, route = {"Accept": accept}, {"id": failover_id}
    return asked(function_app.failover, headers=headers, route=route, query=query)


def text(response: func.HttpResponse) -> str:
    return response.get_body().decode()


def soon(minutes_ago: float) -> str:
    """The id of a failover so long ago."""
    when = datetime.now(UTC) - timedelta(minutes=minutes_ago)
    return f"{when:%Y%m%dT%H%M%S}000Z-1a2b3c4d5e6f"


class TestFailovers:
    """The list, for people and for programs."""

    def test_a_browser_gets_a_page_and_a_program_json(self, store: Store) -> None:
        store.tell(ID)

        html, program = page(), page("*/*", since="2026-11-01")

        assert ("text/html", 200) == (html.mimetype, html.status_code)
        assert text(html).startswith("<!doctype html>")
        assert ("application/json", 200) == (program.mimetype, program.status_code)
        assert ["asOf", "lastComplete", "failovers"] == list(json.loads(text(program)))

    def test_json_lists_the_summaries_that_are_asked_for(self, store: Store) -> None:
        store.tell(ID)
        wanted = {"since": "2026-11-22", "until": "2026-11-22", "format": "json"}

        found = json.loads(text(page(**wanted)))["failovers"]

        assert [ID] == [each["id"] for each in found]
        for other in ({"gateway": "vpn-other"}, {"cause": "reset"}, {"state": "ongoing"}):
            assert [] == json.loads(text(page(**wanted, **other)))["failovers"]

    def test_before_the_first_run_there_is_a_page_that_says_so(self, store: Store) -> None:
        store.container.create_container()

        assert "never read every scope in full" in text(page())

    @pytest.mark.parametrize(
        ("query", "why"),
        [
            ({"since": "yesterday"}, "`since` is a date"),
            ({"since": "2026-11-22T03:10:00"}, "`since` is a date"),
            ({"until": "9999-12-31"}, "`until` is a date"),
            ({"since": "2026-11-22", "until": "2026-11-01"}, "turn them round"),
            ({"since": "2020-01-01"}, "at most 12 months"),
            ({"cause": "<b>"}, "`cause` is one of reset, "),
            ({"state": "fine"}, "`state` is one of ongoing, "),
            ({"format": "md"}, "`format` is one of html, json"),
        ],
    )
    def test_what_cannot_be_asked_for_is_a_page_that_says_what_can(
        self, store: Store, monkeypatch: pytest.MonkeyPatch, query: dict[str, str], why: str
    ) -> None:
        monkeypatch.setenv("AzureWebJobsStorage", UNREACHABLE)

        html, program = page(**query), page("*/*", **query)

        assert (400, 400) == (html.status_code, program.status_code)
        assert why in text(html)
        assert why in json.loads(text(program))["error"]
        assert "<b>" not in text(html)


class TestFailover:
    """One failover."""

    def test_it_is_a_page_a_document_or_markdown(self, store: Store) -> None:
        store.tell(ID)

        assert "text/html" == one(ID).mimetype
        assert to_json(told(ID)) == text(one(ID, "application/json"))
        assert text(one(ID, format="md")).startswith("# ")
        assert "text/markdown" == one(ID, "text/html;q=0.5, text/markdown").mimetype

    @pytest.mark.parametrize(
        "failover_id", ["", "..", "../runs/last", "%2e%2e", f"{ID}/x", ID.upper(), f"{ID}\n"]
    )
    def test_an_id_that_is_none_touches_no_storage(
        self, store: Store, monkeypatch: pytest.MonkeyPatch, failover_id: str
    ) -> None:
        monkeypatch.setenv("AzureWebJobsStorage", UNREACHABLE)

        for accept in (BROWSER, "*/*"):
            assert 400 == one(failover_id, accept).status_code

    def test_one_that_is_not_there_is_a_page_too(self, store: Store) -> None:
        store.container.create_container()

        assert (404, "text/html") == (one(ID).status_code, one(ID).mimetype)
        assert {"error": f"There is no failover {ID} in the store."} == json.loads(
            text(one(ID, "*/*"))
        )

    def test_a_document_that_cannot_be_read_is_said(self, store: Store) -> None:
        store.container.create_container()
        store.container.upload_blob(f"insights/2026/11/22/{ID}.json", b"{}")

        assert 503 == one(ID).status_code
        assert "format=json" in text(one(ID))

    def test_a_document_that_is_no_text_is_said(self, store: Store) -> None:
        store.container.create_container()
        store.container.upload_blob(f"insights/2026/11/22/{ID}.json", b"\xff{}")

        assert (503, 503) == (one(ID).status_code, one(ID, "*/*").status_code)
        assert "restore it or delete it" in text(one(ID))


class TestHeaders:
    """What every answer says, and what saves sending it again."""

    def test_no_answer_lets_a_script_run_or_a_type_be_guessed(self, store: Store) -> None:
        store.tell(ID)

        for answer in (page(), page("*/*"), page(state="x"), one(ID), one("x"), one(soon(1))):
            policy = answer.headers["Content-Security-Policy"]

            assert "default-src 'none'" in policy
            assert "script" not in policy
            assert "frame-ancestors 'none'" in policy
            assert "nosniff" == answer.headers["X-Content-Type-Options"]
            assert "no-referrer" == answer.headers["Referrer-Policy"]

    def test_who_has_it_already_is_told_so(self, store: Store) -> None:
        store.tell(ID)
        tag = one(ID).headers["ETag"]

        def again(*tags: str) -> func.HttpResponse:
            headers = {"Accept": BROWSER, "If-None-Match": ", ".join(tags)}
            return asked(function_app.failover, headers=headers, route={"id": ID})

        assert (304, b"") == (again(tag).status_code, again(tag).get_body())
        assert 304 == again('"other"', f"W/{tag}").status_code
        assert 200 == again('"other"').status_code
        assert tag != one(ID, "*/*").headers["ETag"]

        sink = BlobInsights(lambda: store.container, {}, now=lambda: NOW)
        sink.deliver(told(ID, revision=2))

        assert 200 == again(tag).status_code

    def test_a_list_that_is_late_by_now_is_another(self, store: Store) -> None:
        """Else a browser would go on showing the one on which all is well."""
        store.tell(ID)
        store.read_in_full(timedelta(minutes=1))
        tag = page().headers["ETag"]

        def again() -> int:
            headers = {"Accept": BROWSER, "If-None-Match": tag}
            return int(asked(function_app.failovers, headers=headers).status_code)

        assert 304 == again()
        store.read_in_full(timedelta(hours=1))
        assert 200 == again()

    def test_a_list_of_which_one_cannot_be_read_by_now_is_another(self, store: Store) -> None:
        store.tell(ID)
        tag = page().headers["ETag"]
        odd = ID.replace("1a2b", "ffff")
        store.container.upload_blob(
            f"fleet/{ID[:4]}/{ID[4:6]}/{odd}", b"", metadata={"summary": "{"}
        )
        headers = {"Accept": BROWSER, "If-None-Match": tag}

        assert 200 == asked(function_app.failovers, headers=headers).status_code


class TestLogin:
    """Who may look, where the platform's login stands before the pages."""

    FORGED: ClassVar = {"X-MS-CLIENT-PRINCIPAL": "eyJhdXRoX3R5cCI6ICJhYWQifQ==", "Accept": BROWSER}

    @pytest.fixture(autouse=True)
    def told(self, store: Store) -> None:
        store.tell(ID)

    def test_without_it_a_forged_header_changes_nothing(self) -> None:
        plain = one(ID)
        forged = asked(function_app.failover, headers=self.FORGED, route={"id": ID})

        assert (200, plain.get_body()) == (forged.status_code, forged.get_body())

    @pytest.mark.parametrize("platform", [None, "", "False", "0"])
    def test_a_forged_header_opens_nothing_while_the_platforms_login_is_off(
        self, monkeypatch: pytest.MonkeyPatch, platform: str | None
    ) -> None:
        monkeypatch.setenv("DETECTOR_LOGIN", "true")
        if platform is not None:
            monkeypatch.setenv("WEBSITE_AUTH_ENABLED", platform)

        for function, route in ((function_app.failovers, {}), (function_app.failover, {"id": ID})):
            answer = asked(function, headers=self.FORGED, route=route)

            assert (403, "text/html") == (answer.status_code, answer.mimetype)
            assert "vpn_hub_1" not in text(answer)

    def test_whom_the_login_knows_may_look_and_nobody_else(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("DETECTOR_LOGIN", "true")
        monkeypatch.setenv("WEBSITE_AUTH_ENABLED", "True")

        assert 200 == asked(function_app.failovers, headers=self.FORGED).status_code
        assert 403 == page().status_code
        assert 403 == page("*/*").status_code
        blank = {**self.FORGED, "X-MS-CLIENT-PRINCIPAL": " "}
        assert 403 == asked(function_app.failovers, headers=blank).status_code

    @pytest.mark.parametrize(
        ("setting", "level"),
        [(None, "FUNCTION"), ("false", "FUNCTION"), ("1", "FUNCTION"), ("True", "ANONYMOUS")],
    )
    def test_the_host_asks_for_the_functions_key_unless_the_login_is_asked_for(
        self, setting: str | None, level: str
    ) -> None:
        program = (
            "import json, function_app;"
            "found = {f.get_function_name(): json.loads(str(f))['bindings'][0]"
            " for f in function_app.app.get_functions()};"
            "print(json.dumps({name: b.get('authLevel') for name, b in found.items()}))"
        )
        environment = {} if setting is None else {"DETECTOR_LOGIN": setting}
        done = subprocess.run(
            [sys.executable, "-c", program], cwd=ROOT, env=environment, capture_output=True
        )
        levels = json.loads(done.stdout)

        assert {"failovers": level, "failover": level} == {
            name: levels[name] for name in ("failovers", "failover")
        }
        assert ("FUNCTION", "ANONYMOUS") == (levels["detect_now"], levels["health"])


class TestHealth:
    """Whether the detector does its work, for everybody."""

    def answer(self) -> tuple[int, dict[str, object]]:
        response = asked(function_app.health)
        return response.status_code, json.loads(text(response))

    def test_it_is_healthy_while_runs_are_complete(self, store: Store) -> None:
        store.read_in_full(timedelta(minutes=1))

        assert (200, {"status": "healthy", "reasons": []}) == self.answer()

    def test_it_is_not_when_the_last_complete_run_is_too_old_and_names_nobody(
        self, store: Store
    ) -> None:
        store.read_in_full(timedelta(hours=2))
        status, told = self.answer()

        assert (503, "unhealthy") == (status, told["status"])
        assert WORKSPACE not in json.dumps(told)

    def test_it_says_when_the_settings_or_the_store_are_to_be_mended_and_no_more(
        self, store: Store, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        store.note(LAST_RUN)
        store.container.upload_blob(LAST_RUN, b"{", overwrite=True)
        unreadable = self.answer()
        web._health_within.cache_clear()  # noqa: SLF001
        monkeypatch.setenv("DETECTOR_SCOPES", "secret-workspace")

        for status, told in (unreadable, self.answer()):
            assert 503 == status
            assert "log" in str(told["reasons"])
            assert "secret" not in str(told)
            assert "runs/last" not in str(told)

    def test_many_who_ask_within_15_seconds_cost_one_look(self, store: Store) -> None:
        store.read_in_full(timedelta(minutes=1))

        first = web._health_within(7)  # noqa: SLF001
        store.read_in_full(timedelta(hours=2))
        again = web._health_within(7)  # noqa: SLF001
        later = web._health_within(8)  # noqa: SLF001

        assert (200, 200, 503) == (first.status, again.status, later.status)
        assert "public, max-age=15" == first.headers["Cache-Control"]


class TestDetectNow:
    """A wish to run, by an alert or by a person."""

    @pytest.mark.parametrize("body", BODIES.values(), ids=BODIES)
    def test_an_alert_is_answered_at_once_and_a_wish_is_on_the_queue(
        self, store: Store, azure: AzureStandIn, body: bytes
    ) -> None:
        answer = asked(function_app.detect_now, method="POST", body=body)

        assert 202 == answer.status_code
        assert ["run"] == store.waiting(), "nothing of the body goes on"
        assert [] == azure.requests

    def test_a_storm_of_alerts_is_one_wish_now_and_one_for_later(
        self, store: Store, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(web, "utc_now", lambda: NOW)

        for _ in range(12):
            answer = asked(function_app.detect_now, method="POST", body=BODIES["log search"])
            assert 202 == answer.status_code

        assert 2 == store.wishes.get_queue_properties().approximate_message_count

    def test_an_empty_body_runs_at_once_and_gets_the_report(
        self, store: Store, azure: AzureStandIn
    ) -> None:
        azure.tables["AzureDiagnostics"] += hand_over_rows()

        answer = asked(function_app.detect_now, method="POST")
        report = json.loads(text(answer))

        assert 200 == answer.status_code
        assert ["detected"] == [each["reason"] for each in report["told"]]
        assert 1 == len(list(store.container.list_blob_names(name_starts_with="insights/"))) // 2

    def test_a_run_of_which_a_part_failed_is_answered_with_its_report(
        self, store: Store, azure: AzureStandIn
    ) -> None:
        azure.always("/v1/workspaces", Reply(status=403, body={"error": {"code": "Forbidden"}}))

        answer = asked(function_app.detect_now, method="POST")

        assert 200 == answer.status_code
        assert json.loads(text(answer))["problems"]

    def test_a_run_that_takes_long_is_not_waited_for(
        self, store: Store, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        ends = Event()
        monkeypatch.setattr(web, "LONGEST_WAIT", timedelta())
        monkeypatch.setattr(web, "invoke_with", lambda _: ends.wait())

        answer = asked(function_app.detect_now, method="POST")
        ends.set()

        assert 202 == answer.status_code

    @pytest.mark.parametrize("broken", ["settings", "store", "queue"])
    def test_whatever_fails_the_action_group_goes_on_calling(
        self, store: Store, monkeypatch: pytest.MonkeyPatch, broken: str, tmp_path: Path
    ) -> None:
        """408, 429, 503 and 504 would make it call nobody for a quarter of an hour."""
        if broken == "settings":
            monkeypatch.delenv("DETECTOR_SCOPES")
        elif broken == "store":
            store.container.create_container()
            store.container.upload_blob(LAST_REQUEST, b"{")
        else:
            monkeypatch.setenv("DETECTOR_STORE", f"file:{tmp_path}")
            monkeypatch.delenv("AzureWebJobsStorage")
        answer = asked(function_app.detect_now, method="POST", body=BODIES["log search"])

        assert 500 == answer.status_code
        assert {"error": "No run could be begun; the app's log says why."} == json.loads(
            text(answer)
        )

    def test_the_wish_runs_what_the_timer_runs(self, store: Store, azure: AzureStandIn) -> None:
        azure.tables["AzureDiagnostics"] += hand_over_rows()
        wish = func.QueueMessage(id="1", body=b"run")

        function_app.detect_requested(wish)
        function_app.detect_requested(wish)

        assert 1 == len(list(store.container.list_blob_names(name_starts_with="fleet/")))

    def test_a_wished_run_of_which_a_part_failed_is_red(
        self, store: Store, azure: AzureStandIn
    ) -> None:
        azure.always("/v1/workspaces", Reply(status=403, body={"error": {"code": "Forbidden"}}))

        with pytest.raises(RunFailed):
            function_app.detect_requested(func.QueueMessage(id="1", body=b"run"))


class TestAskForRun:
    """When a run starts that somebody asks for, by a note that many may write."""

    def starts(self, archive: BlobArchive, *seconds: float) -> list[tuple[float, list[float]]]:
        """For wishes at these seconds: when their run starts, and what the queue was given."""
        found = []
        for each in seconds:
            given: list[timedelta] = []
            start = web.ask_for_run(archive, given.append, now=at(each))
            found.append(((start - at()).total_seconds(), [wait.total_seconds() for wait in given]))
        return found

    def test_the_first_starts_at_once_and_the_next_30_seconds_after_it(self, store: Store) -> None:
        archive = BlobArchive(lambda: store.container)

        assert [(0, [0]), (30, [28]), (30, []), (60, [29]), (200, [0])] == self.starts(
            archive, 0, 2, 29, 31, 200
        )

    def test_a_note_that_makes_no_sense_or_is_of_a_time_to_come_holds_nothing_up(
        self, store: Store
    ) -> None:
        archive = BlobArchive(lambda: store.container)
        for number, noted in enumerate((7, "soon", "2026-11-23T00:00:00+00:00")):
            store.note(LAST_REQUEST, startsAt=noted)

            assert [(number, [0])] == self.starts(archive, number)

    def test_of_two_that_ask_at_the_same_time_one_puts_a_wish(self, store: Store) -> None:
        archive = BlobArchive(lambda: store.container)
        given: list[timedelta] = []

        class Racing:
            """The store, into which another asks just before this one writes."""

            def note(self, path: str) -> object:
                return archive.note(path)

            def keep(self, path: str, note: object, tag: str | None) -> None:
                if not given:
                    web.ask_for_run(archive, given.append, now=at())
                archive.keep(path, note, tag)  # type: ignore[arg-type]

        start = web.ask_for_run(Racing(), given.append, now=at(1))  # type: ignore[arg-type]

        assert (at(30), [timedelta(), timedelta(seconds=29)]) == (start, given)

    def test_who_never_comes_first_gives_up(self, store: Store) -> None:
        class Losing:
            def note(self, path: str) -> object:
                return None, None

            def keep(self, path: str, note: object, tag: str | None) -> None:
                raise JournalConflict("another was first")

        with pytest.raises(JournalConflict, match="all the time"):
            web.ask_for_run(Losing(), print, now=at())  # type: ignore[arg-type]


def test_the_host_finds_each_function_with_its_route_and_its_trigger() -> None:
    bindings = triggers()
    routes = {name: each.get("route") for name, each in bindings.items() if "route" in each}

    assert {
        "detect_now": "detect",
        "failovers": "failovers",
        "failover": "failovers/{id}",
        "health": "health",
    } == routes
    assert ("detector-requests", "AzureWebJobsStorage") == (
        bindings["detect_requested"]["queueName"],
        bindings["detect_requested"]["connection"],
    )
    assert ["POST"] == bindings["detect_now"]["methods"]
