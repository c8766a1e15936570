"""What every sink that sends to a server promises; the tests of each sink inherit it."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from datetime import timedelta
from typing import ClassVar

import pytest

from detector.insights.document import Reason
from detector.journal.delivery import announced, attempt, probed
from detector.journal.outbox import Attempt
from detector.journal.ports import Announcer, Reachable, Sink
from tests.fleet import a_coverage
from tests.sink_stand_in import (
    FAULTS,
    LONG,
    SHORT,
    SinkStandIn,
    an_insight,
    closed_port,
    dripping,
    replying,
)

COVERAGE = a_coverage("vpn-blind")
INSIGHT = an_insight(id="20261122T021407123Z-1a2b3c4d5e6f")


class SinkContract:
    """A subclass says how its sink is made, and where it differs."""

    is_over_tls: ClassVar = False
    takes: ClassVar = frozenset(Reason)
    hears_retry_after: ClassVar = True
    secrets: ClassVar[tuple[str, ...]]
    """What must not stand in any text, nor in a log."""

    may_pass: ClassVar[frozenset[str]] = frozenset()
    """The faults that are no refusal for this sink, though they are for others."""

    def a_sink(self, address: str, timeout: timedelta) -> Sink:
        """The sink of a server at `address`."""
        raise NotImplementedError

    @pytest.fixture
    def server(self, request: pytest.FixtureRequest) -> Iterator[SinkStandIn]:
        """A server, over TLS where the sink asks for that."""
        if self.is_over_tls:
            yield request.getfixturevalue("receiver")
        else:
            with SinkStandIn() as server:
                yield server

    @pytest.mark.parametrize("name", FAULTS)
    def test_each_fault_is_a_refusal_or_a_failure_that_keeps_the_secrets(
        self, server: SinkStandIn, name: str, caplog: pytest.LogCaptureFixture
    ) -> None:
        fault = FAULTS[name]
        server.answer = fault.answer
        sink = self.a_sink(server.at, SHORT if fault.is_endless else LONG)

        with caplog.at_level(logging.DEBUG):
            outcome = attempt(sink, INSIGHT)

        assert outcome.problem
        assert (fault.refuses and name not in self.may_pass) == outcome.final
        assert (fault.retry_after if self.hears_retry_after else None) == outcome.retry_after
        self.assert_secret(outcome, caplog)

    def test_a_server_that_fails_is_asked_once(self, server: SinkStandIn) -> None:
        server.answer = replying(503)

        attempt(self.a_sink(server.at, LONG), INSIGHT)

        assert 1 == len(server.received)

    def test_a_drip_is_given_up_although_no_read_of_it_takes_long(
        self, server: SinkStandIn
    ) -> None:
        server.answer = dripping
        sink = self.a_sink(server.at, SHORT)

        said = f"{sink.name} did not take it (no answer within 0.3 s); a later run tries again"
        assert said == attempt(sink, INSIGHT).problem

    def test_a_refused_connection_is_a_failure_that_keeps_the_secrets(
        self, caplog: pytest.LogCaptureFixture
    ) -> None:
        sink = self.a_sink(f"127.0.0.1:{closed_port()}", LONG)

        with caplog.at_level(logging.DEBUG):
            outcome = attempt(sink, INSIGHT)

        assert (True, False) == (outcome.problem is not None, outcome.final)
        self.assert_secret(outcome, caplog)

    def test_it_is_told_for_these_reasons(self) -> None:
        assert self.takes == self.a_sink("127.0.0.1:1", LONG).takes

    def assert_secret(self, outcome: Attempt, caplog: pytest.LogCaptureFixture) -> None:
        """The secrets are nowhere where somebody could read them."""
        assert [] == [each for each in self.secrets if each in f"{outcome}{caplog.text}"]


class IdentityContract(SinkContract):
    """What a sink promises besides that sends with the identity of the app, over TLS."""

    is_over_tls = True

    def a_sink_without_token(self, address: str) -> Sink:
        """The sink of a server at `address`, with an identity that gets no token."""
        raise NotImplementedError

    def test_an_identity_without_a_token_is_a_failure_that_may_pass(
        self, server: SinkStandIn
    ) -> None:
        outcome = attempt(self.a_sink_without_token(server.at), INSIGHT)

        assert "ClientAuthenticationError" in str(outcome.problem)
        assert (False, []) == (outcome.final, server.received)

    def test_a_redirect_is_not_followed(self, server: SinkStandIn) -> None:
        server.answer = replying(307, f"Location: https://{server.at}/elsewhere")

        outcome = attempt(self.a_sink(server.at, LONG), INSIGHT)

        assert (1, True) == (len(server.received), outcome.final)
        assert "final URL" in str(outcome.problem)


class AnnouncerContract(SinkContract):
    """What a sink promises besides that is told of coverage and may be probed."""

    @pytest.mark.parametrize("name", FAULTS)
    def test_an_announcement_that_fails_keeps_the_secrets(
        self, server: SinkStandIn, name: str, caplog: pytest.LogCaptureFixture
    ) -> None:
        fault = FAULTS[name]
        server.answer = fault.answer
        sink = self.a_sink(server.at, SHORT if fault.is_endless else LONG)

        with caplog.at_level(logging.DEBUG):
            assert isinstance(sink, Announcer)
            problem = announced(sink, COVERAGE)

        assert problem
        assert [] == [each for each in self.secrets if each in f"{problem}{caplog.text}"]

    def test_a_probe_of_a_server_that_is_not_there_fails_and_keeps_the_secrets(
        self, caplog: pytest.LogCaptureFixture
    ) -> None:
        sink = self.a_sink(f"127.0.0.1:{closed_port()}", LONG)

        with caplog.at_level(logging.DEBUG):
            assert isinstance(sink, Reachable)
            evidence, problem = probed(sink)

        assert evidence is None
        assert problem
        assert [] == [each for each in self.secrets if each in f"{problem}{caplog.text}"]
