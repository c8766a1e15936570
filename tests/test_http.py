"""Silence about secrets."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from detector.journal.delivery import within
from detector.sinks.http import unlogged
from tests.sink_stand_in import LONG

if TYPE_CHECKING:
    import pytest


def test_a_library_is_silenced_while_it_delivers_and_no_longer(
    caplog: pytest.LogCaptureFixture,
) -> None:
    library = logging.getLogger("urllib3.connectionpool")

    with caplog.at_level(logging.DEBUG):
        with unlogged() as withheld:
            library.warning("within")
        library.warning("after")

    assert ["after"] == caplog.messages
    assert ["within"] == [record.getMessage() for record in withheld]


def test_a_delivery_silences_no_other_thread(caplog: pytest.LogCaptureFixture) -> None:
    library = logging.getLogger("apprise")

    with caplog.at_level(logging.DEBUG), unlogged():
        within(LONG, lambda: library.warning("another thread"))

    assert ["another thread"] == caplog.messages
