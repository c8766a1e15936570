"""When each scope was looked at, so that silence is never taken for health.

A run that reads a scope in full knows all of its window. As long as the windows of such runs touch,
the scope was watched; where they do not, since the app was down for longer than a run looks back or
the table of its logs was not there, a gap is noted. The notes stay small: a hundred days, and
`MOST_GAPS` of them for each scope; what lies before that counts as not looked at.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import timedelta
from itertools import pairwise
from typing import Final

from pydantic import TypeAdapter

from detector.insights import Instant, Part
from detector.journal import is_plausible
from detector.model import Answer, Scope, Window

MOST_GAPS: Final = 30
KEPT: Final = timedelta(days=100)


class Watch(Part):
    """A scope was looked at from `since` to `until`, but for the gaps between, in time order."""

    since: Instant
    until: Instant
    gaps: tuple[tuple[Instant, Instant], ...] = ()

    def pieces(self) -> Sequence[Window]:
        """The times in which it was looked at."""
        edges = [self.since, *(edge for gap in self.gaps for edge in gap), self.until]
        return [Window(start=a, end=b) for a, b in list(pairwise(edges))[::2]]


_WATCHES: Final = TypeAdapter(dict[str, Watch])


def watches(noted: Mapping[str, object] | None) -> dict[str, Watch]:
    """When each scope was looked at, by the last run's note; empty where that says nothing."""
    try:
        read = _WATCHES.validate_python((noted or {}).get("watched"))
    except ValueError:
        return {}
    return {scope: watch for scope, watch in read.items() if _is_in_order(watch)}


def watches_after(
    noted: Mapping[str, object] | None, answers: Iterable[Answer], *, scopes: Iterable[str]
) -> dict[str, object]:
    """What the next note says of `scopes`, once these answers were dealt with in full.

    An answer without a table to look in shows nothing.
    """
    known = watches(noted)
    read = {each.scope.id: each.window for each in answers if each.no_logs is None}
    kept = {scope: watch for scope, watch in known.items() if scope in set(scopes)}
    new = {scope: _after(known.get(scope), window) for scope, window in read.items()}
    return {"watched": _WATCHES.dump_python({**kept, **new}, mode="json")}


def _after(before: Watch | None, window: Window) -> Watch:
    if before is None or before.since >= window.end:
        return Watch(since=window.start, until=window.end)
    gaps = [*before.gaps]
    if before.until < window.start:
        gaps.append((before.until, window.start))
    # What the window reaches back over is looked at now, whenever it was not.
    still = [(start, min(end, window.start)) for start, end in gaps if start < window.start]
    kept = [gap for gap in still if gap[1] > window.end - KEPT][-MOST_GAPS:]
    since = min(before.since, window.start)
    if len(kept) < len(still):
        since = still[-len(kept) - 1][1]
    return Watch(since=since, until=window.end, gaps=tuple(kept))


def _is_in_order(watch: Watch) -> bool:
    edges = [watch.since, *(edge for gap in watch.gaps for edge in gap), watch.until]
    return all(map(is_plausible, edges)) and edges == sorted(edges)


def watched(
    known: Mapping[str, Watch], scopes: Iterable[Scope], gateway_id: str | None
) -> Sequence[Window]:
    """The times in which everything was looked at that may tell of the gateway; None: of any.

    A workspace may hold the logs of any gateway, so where one was not looked at, no gateway was.
    """
    pieces: Sequence[Window] | None = None
    for scope in scopes:
        if scope.is_workspace or gateway_id is None or _holds(scope.id, gateway_id):
            own = known[scope.id].pieces() if scope.id in known else []
            pieces = own if pieces is None else list(_common(pieces, own))
    return pieces or []


def _holds(scope: str, gateway_id: str) -> bool:
    return f"{gateway_id}/".startswith(f"{scope}/")


def _common(some: Iterable[Window], others: Sequence[Window]) -> Iterator[Window]:
    for one in some:
        for other in others:
            start, end = max(one.start, other.start), min(one.end, other.end)
            if start < end:
                yield Window(start=start, end=end)
