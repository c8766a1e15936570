"""Names for secrets, and silence about them."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from detector.journal.reply import within
from detector.sinks.http import unlogged
from detector.text import fingerprint
from tests.sink_stand_in import LONG

if TYPE_CHECKING:
    import pytest


def test_a_fingerprint_is_eight_digits_of_the_sha_256() -> None:
    assert "ba7816bf" == fingerprint("abc")


def test_a_library_is_silenced_while_it_delivers_and_no_longer(
    caplog: pytest.LogCaptureFixture,
) -> None:
    library = logging.getLogger("urllib3.connectionpool")

    with caplog.at_level(logging.DEBUG):
        with unlogged():
            library.warning("within")
        library.warning("after")

    assert ["after"] == caplog.messages


def test_a_delivery_silences_no_other_thread(caplog: pytest.LogCaptureFixture) -> None:
    library = logging.getLogger("apprise")

    with caplog.at_level(logging.DEBUG), unlogged():
        within(LONG, lambda: library.warning("another thread"))

    assert ["another thread"] == caplog.messages
