"""The receiver that shows what people would be sent."""

from __future__ import annotations

from datetime import timedelta

from detector.insights.document import Reason
from detector.insights.standing import Severity
from detector.journal.ports import Receiver
from detector.local.listener import Listener
from tests.sink_stand_in import NOW, an_insight


def test_it_hears_everything_and_nothing_waits() -> None:
    listener: Receiver = Listener()

    assert (Severity.INFO, timedelta()) == (listener.hears.least, listener.hears.digest)
    assert isinstance(listener, Receiver)


def test_a_message_has_its_title_and_its_body_in_markdown() -> None:
    listener = Listener()

    listener.deliver(an_insight(revision=2, reason=Reason.RECOVERED))
    [sent] = listener.sent

    assert (("f-1",), 2, "recovered", "success") == (
        sent.ids,
        sent.revision,
        sent.reason,
        sent.severity,
    )
    assert "BACK after 1 min 23 s: vpn_hub_1, to-branch, 02:14 UTC" == sent.title
    assert "- **Update 2:** recovered, f-1" == sent.body.splitlines()[-1]


def test_what_is_told_at_once_of_many_is_one_message_without_a_revision() -> None:
    listener = Listener()

    listener.hear([an_insight(id=f"f-{number}") for number in range(4)], now=NOW)
    [sent] = listener.sent

    assert (("f-0", "f-1", "f-2", "f-3"), None) == (sent.ids, sent.revision)


def test_what_only_machines_are_told_is_no_message() -> None:
    listener = Listener()

    listener.hear([an_insight(reason=Reason.COMPLETED)], now=NOW)

    assert [] == listener.sent
