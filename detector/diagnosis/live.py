"""What Azure Resource Manager says live of tunnels that the log does not show back.

The log loses rows; ARM says of each tunnel of a connection whether it is up, and since when. It
speaks by VIP, and which instance of an active-active gateway has which VIP is not documented: what
it says counts where every assignment that agrees with the rows gives the same answer.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import cached_property
from itertools import permutations
from typing import Final

from detector.diagnosis.outage import AGAIN, Walk
from detector.diagnosis.switchover import OUT_FOR, SKEW
from detector.errors import FactUnknown
from detector.model import (
    Connection,
    EndSource,
    Kind,
    LiveAnswer,
    Outage,
    Signal,
    TunnelState,
    TunnelStatus,
)

ASK_AFTER: Final = timedelta(minutes=5)
"""From then on ARM is asked of a tunnel that the log does not show back."""

ASKED_OFTEN: Final = timedelta(hours=1)
ASKED_EVERY: Final = timedelta(hours=1)
ASKED_FOR: Final = timedelta(hours=25)
"""Each run asks for an hour, then once an hour for a day; after that its state is unknown."""

TRIES: Final = 3
"""After so many runs in a row without an answer ARM counts as one that cannot be asked."""

NOT_KNOWN_WHICH: Final = "which tunnel it speaks of is not known"
"""Why ARM's answer tells nothing of one tunnel, while one to the same peer is connected."""

ASIDE: Final = timedelta(seconds=1)
"""ARM's times have no fractions of a second."""


@dataclass(frozen=True, kw_only=True)  # without slots, for its cached properties
class Live:
    """What ARM said of a gateway's connections at one time, beside what the rows show.

    `answers` holds, for each remote IP that was asked for, its connections or why they could not
    be had. `active_active` is the gateway's mode.
    """

    at: datetime
    answers: Mapping[str, Sequence[Connection | FactUnknown]]
    walk: Walk
    active_active: bool | None

    def of(self, outage: Outage) -> LiveAnswer | None:
        """What ARM says of the tunnel that went down; None where it was not asked."""
        return self._answer(outage, self._states(outage.remote_ip, outage.instance))

    def of_peer(self, outage: Outage) -> LiveAnswer | None:
        """What ARM says of the peer that is out: it is not while one of its tunnels is connected.

        Of an active-standby gateway a peer has one tunnel at a time.
        """
        listed = self._listed(outage.remote_ip)
        if self.active_active is False or not listed:
            return self.of(outage)
        up = [state for state in listed if state.status is TunnelStatus.CONNECTED]
        answers = [self._of_state(state, outage.start) for state in up]
        back = [answer for answer in answers if not answer.contradicts]
        if back:
            return min(back, key=lambda answer: answer.since or answer.at)
        return self._answer(outage, up or listed)

    def number_of(self, remote_ip: str) -> int:
        """How many tunnels to a remote IP ARM lists; 0 where it does not tell of each."""
        return len(self._listed(remote_ip))

    def newest(self, outage: Outage) -> Signal | None:
        """The newest row of the tunnel that went down."""
        return self.walk.last_before(outage.remote_ip, outage.instance, self.at)

    def newest_of_peer(self, outage: Outage) -> Signal:
        """The newest row of the peer that was out, whichever instance logged it."""
        rows = [own[-1] for own in self.walk.tunnels[outage.remote_ip].values()]
        return max(rows, key=lambda row: row.at)

    def was_out(self, row: Signal) -> bool | None:
        """Whether the tunnel of a Disconnected row was out for five seconds, where ARM knows."""
        answer = self.of(Outage(remote_ip=row.remote_ip, instance=row.instance, start=row.at))
        if answer is None or answer.status is None or answer.contradicts:
            return None
        if answer.is_down:
            return True
        return None if answer.since is None else answer.since - row.at >= OUT_FOR

    def serves(self, remote_ip: str, instance: str, at: datetime) -> bool | None:
        """Whether another tunnel served a remote IP when `instance` lost its own at `at`.

        It did where it has been connected since before; a tunnel without any time of ARM's was
        never up, and a connection that lists no other tunnel has none.
        """
        listed = self._listed(remote_ip)
        if len(listed) == 1:
            return False  # its only tunnel is the one that was lost
        answers = {
            _any(_served(state, at) for state in listed if instance_of.get(state.vip) != instance)
            for instance_of in self._assignments
        }
        return answers.pop() if listed and len(answers) == 1 else None

    def _connections(self, remote_ip: str) -> list[Connection]:
        """The connections to a remote IP that ARM told of."""
        return [each for each in self.answers.get(remote_ip, ()) if isinstance(each, Connection)]

    def _unknown(self, remote_ip: str) -> list[FactUnknown]:
        """Why it did not tell of others."""
        return [each for each in self.answers.get(remote_ip, ()) if isinstance(each, FactUnknown)]

    def _listed(self, remote_ip: str) -> list[TunnelState]:
        """All tunnels to a remote IP; none where ARM does not tell of each."""
        if any(unknown.kind != "gone" for unknown in self._unknown(remote_ip)):
            return []
        return [state for each in self._connections(remote_ip) for state in each.tunnels]

    def _states(self, remote_ip: str, instance: str) -> list[TunnelState]:
        """The states that the tunnel of an instance may have: one, where it is known which it is.

        Where no assignment agrees with the rows it may be any.
        """
        listed = self._listed(remote_ip)
        own = [
            state
            for instance_of in self._assignments
            for state in listed
            if instance_of.get(state.vip) == instance
        ]
        if self.active_active is False or not own:
            return listed
        return own

    @cached_property
    def _assignments(self) -> Sequence[Mapping[str | None, str]]:
        """Which instance each VIP may be of: every way that agrees with the rows.

        Where a tunnel last connected when a row says so of the one instance and none of the other,
        it is that instance's. If there are others, one in which a tunnel was lost that was never up
        is none; as far as is known ARM keeps the times of tunnels that are down.
        """
        every = [state for remote_ip in self.answers for state in self._listed(remote_ip)]
        vips = list(dict.fromkeys(state.vip for state in every if state.vip))
        instances = sorted({instance for own in self.walk.tunnels.values() for instance in own})
        if len(instances) == 1:
            instances.append("")  # the other one, of which no row tells
        if len(instances) != 2 or len(vips) > 2:
            return ()
        ways: Iterable[Mapping[str | None, str]] = (
            dict(zip(vips, order, strict=True)) for order in permutations(instances, len(vips))
        )
        agreeing = [
            way
            for way in ways
            if self._has_all(way) and all(_fits(state, last) for state, last in self._logged(way))
        ]
        agreeing = [way for way in agreeing if self._says_a_row(way)] or agreeing
        if not any(_keeps_its_time(state) for state in every):
            return agreeing
        told = [
            way for way in agreeing if not any(_was_never_up(each) for each, _ in self._logged(way))
        ]
        return told or agreeing

    def _says_a_row(self, instance_of: Mapping[str | None, str]) -> bool:
        """Whether ARM's time of some tunnel is that of a Connected row, were it assigned so."""
        return any(
            [instance_of.get(state.vip)] == self._connected_at(remote_ip, state.connected_since)
            for remote_ip in self.answers
            for state in self._listed(remote_ip)
            if state.connected_since is not None
        )

    def _connected_at(self, remote_ip: str, instant: datetime) -> list[str]:
        """The instances whose newest Connected row of a tunnel is of that time."""
        ups = {
            instance: [row.at for row in rows if row.kind is Kind.CONNECTED][-1:]
            for instance, rows in self.walk.tunnels.get(remote_ip, {}).items()
        }
        return [i for i, own in ups.items() if any(abs(at - instant) <= ASIDE + SKEW for at in own)]

    def _has_all(self, instance_of: Mapping[str | None, str]) -> bool:
        """Whether each instance that logged of a peer has a tunnel to it in ARM's lists."""
        return all(
            self.walk.tunnels.get(remote_ip, {}).keys()
            <= {instance_of.get(state.vip) for state in self._listed(remote_ip)}
            for remote_ip in self.answers
            if self._listed(remote_ip)
        )

    def _logged(
        self, instance_of: Mapping[str | None, str]
    ) -> Iterator[tuple[TunnelState, Signal]]:
        """Each tunnel of ARM's that the rows tell of, were the VIPs assigned so; its newest row."""
        for remote_ip in self.answers:
            for state in self._listed(remote_ip):
                instance = instance_of.get(state.vip, "")
                last = self.walk.last_before(remote_ip, instance, self.at)
                if last is not None:
                    yield state, last

    def _answer(self, outage: Outage, states: Sequence[TunnelState]) -> LiveAnswer | None:
        """What these states mean for a tunnel that went down, one of which is its own."""
        if outage.remote_ip not in self.answers:
            return None
        connections, unknown = self._connections(outage.remote_ip), self._unknown(outage.remote_ip)
        silent = [each for each in unknown if each.kind != "gone"]
        if silent:
            return self._not_asked(silent[0])
        if unknown and not connections:
            return LiveAnswer(at=self.at, gone=True, problem=unknown[0].why)
        if not states:
            own = (_own_status(each, active_active=self.active_active) for each in connections)
            states = [state for state in own if state is not None]
        answers = [self._of_state(state, outage.start) for state in states]
        return _agreed(answers, self.at)

    def _not_asked(self, unknown: FactUnknown) -> LiveAnswer:
        return LiveAnswer(
            at=self.at,
            problem=unknown.why,
            refused=unknown.kind == "refused",
            failures=1 if unknown.kind == "no answer" else TRIES,
        )

    def _of_state(self, state: TunnelState, lost_at: datetime) -> LiveAnswer:
        """What a tunnel's state means for one that the log lost at `lost_at`."""
        since = state.connected_since
        contradicts = state.status is TunnelStatus.CONNECTED and (
            state.since_unreadable
            or (since is not None and not lost_at - ASIDE <= since <= self.at + ASIDE)
        )
        return LiveAnswer(
            at=self.at,
            status=state.status,
            since=since,
            contradicts=contradicts,
            vip=state.vip,
        )


def _fits(state: TunnelState, last: Signal) -> bool:
    """Whether a tunnel can be in this state whose newest row is `last`.

    It has not last connected before a row says that it was up or lost, unless it is down since; the
    clocks of instances differ by two seconds beside. Of one without a time that is down, the row
    of its loss may be late or lost.
    """
    since = state.connected_since
    if since is None:
        return True
    if since >= last.at - ASIDE - SKEW:
        return True
    return last.kind is Kind.DISCONNECTED and state.status is not TunnelStatus.CONNECTED


def _keeps_its_time(state: TunnelState) -> bool:
    """Whether the tunnel is down and ARM still has the time at which it last connected."""
    return state.connected_since is not None and state.status is not TunnelStatus.CONNECTED


def _was_never_up(state: TunnelState) -> bool:
    """Whether ARM has no time at which the tunnel connected, and it is not connected."""
    is_up = state.status is TunnelStatus.CONNECTED
    return state.connected_since is None and not state.since_unreadable and not is_up


def _own_status(connection: Connection, *, active_active: bool | None) -> TunnelState | None:
    """The connection's own status for its tunnels, where it tells of each of them."""
    status = {each.value.lower(): each for each in TunnelStatus}.get(
        (connection.status or "").lower(), TunnelStatus.UNKNOWN
    )
    if status is not TunnelStatus.NOT_CONNECTED and active_active is not False:
        return None
    return TunnelState(vip=None, status=status, connected_since=None)


def _served(state: TunnelState, at: datetime) -> bool | None:
    """Whether a tunnel in this state was up at `at`."""
    if _was_never_up(state):
        return False
    since = state.connected_since
    is_up = state.status is TunnelStatus.CONNECTED
    return True if is_up and since is not None and since <= at + ASIDE else None


def _any(served: Iterable[bool | None]) -> bool | None:
    known = set(served)
    if True in known:
        return True
    return None if None in known else False


def _agreed(answers: Sequence[LiveAnswer], at: datetime) -> LiveAnswer:
    """The one answer that all of them are; that none is known, where they differ.

    Of tunnels that are connected alike the latest time of a last connection counts.
    """
    if not answers:
        return _no_answer(at, "it does not tell of each tunnel")
    first = answers[0]
    if all(answer.is_down for answer in answers):
        return first
    if len({(answer.status, answer.contradicts) for answer in answers}) > 1:
        return _no_answer(at, NOT_KNOWN_WHICH)
    if first.status is TunnelStatus.UNKNOWN:
        return _no_answer(at, "it does not know the tunnel's state")
    times = [answer.since for answer in answers if answer.since is not None]
    return replace(first, since=max(times) if len(times) == len(answers) else None)


def _no_answer(at: datetime, why: str) -> LiveAnswer:
    """ARM was asked, and what it said tells nothing of the tunnel."""
    return LiveAnswer(at=at, status=TunnelStatus.UNKNOWN, problem=why, failures=1)


def with_answers(
    outages: Sequence[Outage],
    ask: Callable[[Outage], LiveAnswer | None],
    newest: Callable[[Outage], Signal | None],
) -> tuple[Outage, ...]:
    """The outages, in time order, with what ARM said of each; `ask` says what that is.

    A tunnel that the log shows back and ARM down is down again when it is asked, at the latest.
    Where the `newest` row of it is not the one that showed it back, the log tells that itself.
    """
    told = [_with_answer(outage, ask(outage)) for outage in outages]
    again = [
        replace(outage, start=outage.live.at, end=None, end_source=None)
        for outage in told
        if outage.live is not None
        and is_down_again(outage)
        and _has_ended_with(outage, newest(outage))
    ]
    return (*told, *again)


def is_down_again(outage: Outage) -> bool:
    """Whether ARM said that the tunnel was down within an hour of when the log shows it back."""
    live = outage.live
    if live is None or not live.is_down or outage.end is None:
        return False
    return outage.end < live.at <= outage.end + AGAIN


def _has_ended_with(outage: Outage, row: Signal | None) -> bool:
    """Whether no row is newer than the end of the outage."""
    return outage.end is not None and (row is None or row.at <= outage.end + SKEW)


def _with_answer(outage: Outage, answer: LiveAnswer | None) -> Outage:
    """The outage with what ARM said of it; it has ended where ARM shows the tunnel connected.

    Then it ended at the latest when ARM says that it last connected, or else when it was asked. A
    Connected row that is later than that did not end it: the one that did was lost.
    """
    if answer is None:
        return outage
    told = replace(outage, live=answer)
    if answer.status is not TunnelStatus.CONNECTED or answer.contradicts:
        return told
    end = max(answer.since or answer.at, outage.start)
    if outage.is_open or (outage.end is not None and end < outage.end - SKEW):
        return replace(told, end=end, end_source=EndSource.ARM)
    return told


def to_ask(outage: Outage, *, now: datetime) -> bool:
    """Whether ARM is to be asked of this tunnel in a run at `now`."""
    age = now - outage.start
    if not outage.is_open or age < ASK_AFTER:
        return False
    if outage.live is None or age <= ASKED_OFTEN:
        return True
    return age <= ASKED_FOR and now - outage.live.at >= ASKED_EVERY


def is_asked_no_more(outage: Outage, *, now: datetime) -> bool:
    """Whether the tunnel was asked of for a day, and its state is unknown from now on."""
    return outage.is_open and now - outage.start > ASKED_FOR
