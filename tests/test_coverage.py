"""The coverage document: its published schema, and the forms in which it goes out."""

from __future__ import annotations

import json
from pathlib import Path

import jsonschema
import pytest

from detector.insights import message
from detector.insights.coverage import (
    blind_body,
    blind_title,
    bounded,
    schema,
    to_coverage_event,
)
from tests.builders import GATEWAY_ID
from tests.fleet import (
    Fleet,
    ListAnnouncer,
    MemoryArchive,
    a_coverage,
)

SCHEMA = Path(__file__).parent.parent / "docs/coverage.schema.json"


@pytest.fixture(name="sink")
def an_announcer() -> ListAnnouncer:
    return ListAnnouncer()


class TestDocument:
    """The document, and the forms in which it goes out."""

    def test_the_published_schema_is_the_documents(self) -> None:
        """If not: python -m detector.insights.coverage > docs/coverage.schema.json."""
        assert schema() == SCHEMA.read_text(encoding="utf-8")

    def test_what_is_sent_keeps_to_the_schema(self, sink: ListAnnouncer) -> None:
        Fleet(settings={GATEWAY_ID: []}).check(MemoryArchive(), sink)
        event = json.loads(json.dumps(to_coverage_event(sink.announced[0])))

        jsonschema.validate(event["data"], json.loads(SCHEMA.read_text(encoding="utf-8")))
        assert {
            "specversion": "1.0",
            "id": sink.announced[0].id,
            "source": "gateway-failover-detector/coverage",
            "type": "GatewayFailover.Coverage.Changed",
            "subject": "coverage",
            "time": "2026-11-22T02:00:00.000Z",
            "datacontenttype": "application/json",
        } == {name: value for name, value in event.items() if name != "data"}

    def test_lists_are_bounded_and_say_how_many_are_left_out(self) -> None:
        document = bounded(bounded(a_coverage(*map(str, range(250)))), 150)

        assert (150, 100) == (len(document.blind), document.blind_left_out)
        assert (150, 100) == (len(document.newly_blind), document.newly_blind_left_out)
        assert (0, 0) == (len(document.changes), document.changes_left_out)

    @pytest.mark.parametrize(
        ("blind", "title"),
        [
            (["vpn-a"], "BLIND 1 gateway: vpn-a"),
            (["vpn-a", "vpn-b"], "BLIND 2 gateways: vpn-a, vpn-b"),
            (["vpn-a", "vpn-b", "vpn-c"], "BLIND 3 gateways: vpn-a, vpn-b and 1 more"),
            (["@everyone <b>"], "BLIND 1 gateway: @\u200beveryone ＜b＞"),  # noqa: RUF001
        ],
    )
    def test_a_lock_screen_shows_which_are_blind(self, blind: list[str], title: str) -> None:
        assert title == blind_title(a_coverage(*blind), 100)

    def test_a_long_title_is_cut_visibly(self) -> None:
        title = blind_title(a_coverage("v" * 90, "w" * 90), 100)

        assert 100 == len(title)
        assert title.endswith("…")

    def test_a_message_says_what_to_do_and_names_nine_at_most(self) -> None:
        document = a_coverage(*(f"vpn-{number}" for number in range(12)))
        lines = blind_body(document, message.MARKUPS["text"], lambda text: True).splitlines()

        assert (
            "Their failovers would not be seen. To mend it: python -m detector doctor" == lines[0]
        )
        assert "vpn-0: it logs nothing" == lines[1]
        assert (11, "and 3 more") == (len(lines), lines[-1])

    def test_a_message_has_as_many_lines_as_fit(self) -> None:
        document = a_coverage(*(f"vpn-{number}" for number in range(12)))
        text = blind_body(document, message.MARKUPS["markdown"], lambda text: len(text) < 160)

        assert len(text) < 160
        assert text.endswith("and 10 more")
