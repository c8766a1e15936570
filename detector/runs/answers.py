"""What Azure answers in one run: each question is put once, and none can stop a run.

A port that fails in a way that nobody thought of has no answer to what was asked: the fact is
unknown, and what went wrong is a problem of the run.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Any, Final, TypeVar

from detector.boundary import Failures, contained
from detector.errors import DetectorError, FactUnknown, Unforeseen
from detector.model import Connection, Gateway, HealthEvent, Series, Window
from detector.runs.facts import Sources
from detector.signals import arm

T = TypeVar("T")

MOST_FAILURES: Final = 20
"""So often a port may fail; then those that are still asked of together are not told apart."""


class Answers:
    """The sources of a run as it may ask them: they answer what was asked before as they did then.

    What fails stands in `failures`.
    """

    def __init__(self, sources: Sources, failures: Failures) -> None:
        self._sources = sources
        self._failures = failures
        self._failed: Counter[str] = Counter()
        self._known: dict[str, dict[str, Any]] = defaultdict(dict)

    @property
    def sources(self) -> Sources:
        """The ports."""
        return Sources(
            gateways=self._gateways,
            connections=self._connections,
            inventory=self._inventory,
            tunnels=self._tunnels,
            health=self._health,
            bandwidth=self._bandwidth,
            coverage=self._coverage,
            notes=self._sources.notes,
        )

    def _gateways(self, ids: Sequence[str], written: Collection[str] = ()) -> Mapping[str, Gateway]:
        def ask(own: Sequence[str]) -> Mapping[str, Gateway]:
            return self._sources.gateways(own, written)

        return self._each("facts", ids, ask, arm.missing)

    def _connections(
        self, gateway_ids: Sequence[str]
    ) -> Mapping[str, Sequence[Connection] | FactUnknown]:
        return self._each("connections", gateway_ids, self._sources.connections, _unknown)

    def _inventory(self, gateway_ids: Sequence[str]) -> Mapping[str, Sequence[Connection]]:
        def ask(ids: Sequence[str]) -> Mapping[str, Sequence[Connection] | None]:
            known = self._sources.inventory(ids)
            return {each: known.get(each) for each in ids}

        found = self._each("inventory", gateway_ids, ask, lambda *_: None)
        return {gateway_id: each for gateway_id, each in found.items() if each is not None}

    def _tunnels(self, connection_ids: Sequence[str]) -> Mapping[str, Connection | FactUnknown]:
        return self._each("tunnels", connection_ids, self._sources.tunnels, _unknown)

    def _health(
        self, gateway_ids: Sequence[str]
    ) -> Mapping[str, Sequence[HealthEvent] | FactUnknown]:
        return self._each("health", gateway_ids, self._sources.health, _unknown)

    def _bandwidth(
        self, gateways: Sequence[Gateway], window: Window
    ) -> Mapping[str, Sequence[Series] | FactUnknown]:
        known = {gateway.id: gateway for gateway in gateways}

        def ask(ids: Sequence[str]) -> Mapping[str, Sequence[Series] | FactUnknown]:
            return self._sources.bandwidth([known[gateway_id] for gateway_id in ids], window)

        return self._each("bandwidth", list(known), ask, _unknown)

    def _coverage(self, window: Window) -> frozenset[tuple[str, str]]:
        def ask(ids: Sequence[str]) -> Mapping[str, frozenset[tuple[str, str]] | FactUnknown]:
            try:
                return dict.fromkeys(ids, self._sources.coverage(window))
            except FactUnknown as unknown:
                return dict.fromkeys(ids, unknown)

        answer = self._each("coverage", ["the logs"], ask, _unknown)["the logs"]
        if isinstance(answer, FactUnknown):
            raise answer
        return answer

    def _each(
        self,
        port: str,
        ids: Sequence[str],
        ask: Callable[[Sequence[str]], Mapping[str, T]],
        unknown: Callable[[str, str], T],
    ) -> dict[str, T]:
        """The answer for each id, as it was given before or is given now."""
        known = self._known[port]
        new = [each for each in dict.fromkeys(ids) if each not in known]
        known |= self._asked(port, new, ask, unknown)
        return {each: known[each] for each in ids}

    def _asked(
        self,
        port: str,
        ids: Sequence[str],
        ask: Callable[[Sequence[str]], Mapping[str, T]],
        unknown: Callable[[str, str], T],
    ) -> dict[str, T]:
        """The answer for each id; where that fails, half of them by half, to find whose it is."""
        if not ids:
            return {}
        first, *others = ids
        place = f"the {port} of {first}" + (" and others" if others else "")
        answer = contained(place, lambda: _of(ids, ask(ids)))
        if not isinstance(answer, DetectorError):
            return answer
        self._failed[port] += 1
        if others and self._failed[port] <= MOST_FAILURES:
            half, before = len(ids) // 2, len(self._failures.problems)
            found = self._asked(port, ids[:half], ask, unknown)
            found |= self._asked(port, ids[half:], ask, unknown)
            if before == len(self._failures.problems):  # it failed for all together alone
                self._failures.add(answer)
            return found
        self._failures.add(answer)
        why = answer.why if isinstance(answer, Unforeseen) else str(answer)
        return {each: unknown(each, why) for each in ids}


def _of(ids: Sequence[str], answers: Mapping[str, T]) -> dict[str, T]:
    return {each: answers[each] for each in ids}


def _unknown(_: str, why: str) -> FactUnknown:
    return FactUnknown(why, kind="no answer")
