"""The bodies of resources and metrics that a recording keeps as JSON files.

Azure's command line prints one body, or a list of them; ARM's own lists stand under `value`.
Whoever records adds `_AsOf` to a body, or to a list's object, where it matters when it was so.
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import datetime
from functools import partial
from typing import TYPE_CHECKING, Any, Final, TypeVar

from detector.boundary import contained
from detector.errors import DetectorError
from detector.files import content_of
from detector.local.exports import decoded
from detector.local.masking import NOT_NEEDED
from detector.model import Series, Window
from detector.signals import UnreadableRow, Unusable, bandwidth, instant
from detector.text import one_line

if TYPE_CHECKING:
    from pathlib import Path

T = TypeVar("T")
_Points = dict[datetime, float]

AS_OF: Final = "_AsOf"

Coverage = dict[tuple[str, str], list[Window]]
"""The windows in which a log held rows, by its source and its resource."""

Bodies = dict[str, list[tuple[datetime | None, object]]]
"""The bodies of each resource, by its lower-case id, each with the time when it was so."""

# Five minutes, as the API and as Azure's command line write them.
_FIVE_MINUTES: Final = frozenset({"PT5M", "0:05:00", "00:05:00"})


def read_resources(files: Iterable[tuple[Path, str]]) -> tuple[Bodies, Unusable]:
    """The bodies of resources, in the order of the files, and what of them is unusable.

    A file comes with the name that it has in a line about it.
    """
    bodies: Bodies = defaultdict(list)
    unusable = Unusable()
    for told, read in _each(files, _bodies, unusable):
        for body, as_of in read:
            known = contained(told, partial(_stamp, body, as_of))
            if isinstance(known, DetectorError):
                unusable.add(told, known)
            else:
                own_id, since = known
                bodies[own_id].append((since, body))
    return bodies, unusable


def read_metrics(files: Iterable[tuple[Path, str]]) -> tuple[dict[str, list[Series]], Unusable]:
    """The bandwidth of gateways by lower-case id, and what cannot be used.

    As `az monitor metrics list --metric AverageBandwidth --interval PT5M` prints it, with
    `--filter "Instance eq '*'"`; without, the one series has no instance. Each instance has one
    series, from however many files.
    """
    found: dict[str, dict[str, _Points]] = defaultdict(lambda: defaultdict(dict))
    unusable = Unusable()
    for _, read in _each(files, _averages, unusable):
        for gateway_id, series in read:
            found[gateway_id][series.instance] |= dict(series.points)
    merged = {
        gateway_id: [
            Series(instance=instance, points=tuple(sorted(points.items())))
            for instance, points in instances.items()
        ]
        for gateway_id, instances in found.items()
    }
    return merged, unusable


def read_coverage(files: Iterable[tuple[Path, str]]) -> tuple[Coverage, Unusable]:
    """Which logs held rows, and when, and what cannot be used.

    An entry has a `Source` and a `Resource`, as the port Coverage pairs them, and the window from
    `From` to `To` in which it was asked whether there are any.
    """
    found: Coverage = defaultdict(list)
    unusable = Unusable()
    for _, read in _each(files, _coverage, unusable):
        for pair, window in read:
            found[pair].append(window)
    return found, unusable


def _each(
    files: Iterable[tuple[Path, str]], read: Callable[[Path], T], unusable: Unusable
) -> Iterator[tuple[str, T]]:
    """What `read` makes of each file, behind its name; `unusable` gets those of which it cannot."""
    for path, told in files:
        made = contained(told, partial(read, path))
        if isinstance(made, DetectorError):
            unusable.add(told, made)
        else:
            yield told, made


# What reading an answer of another form raises: one with an average of 10^400, or as deep as a
# well, too.
_NO_METRICS: Final = (
    *(ValueError, LookupError, TypeError, AttributeError),
    *(OverflowError, RecursionError),
)


class _Unusable(DetectorError):
    """A file that cannot be used; the text says why."""


def _bodies(path: Path) -> list[tuple[object, object]]:
    return list(_stamped(_json(path)))


def _averages(path: Path) -> list[tuple[str, Series]]:
    return [each for body in _listed(_json(path)) for each in _bandwidth(body)]


def _json(path: Path) -> object:
    try:
        read: object = json.loads(decoded(content_of(path)), object_hook=_without_keys)
    except OSError as error:
        raise _Unusable(f"it cannot be opened: {error.strerror}") from error
    except (ValueError, RecursionError) as error:
        raise _Unusable(f"it is not JSON: {error}") from error
    return read


def _without_keys(fields: dict[str, object]) -> dict[str, object]:
    """The fields of an object but for its keys, which are dropped as they are read."""
    return {name: value for name, value in fields.items() if name.lower() not in NOT_NEEDED["keys"]}


def _listed(read: object) -> list[object]:
    return read if isinstance(read, list) else [read]


def _stamped(read: object) -> Iterator[tuple[object, object]]:
    """Each body that was read, with its own `_AsOf` or that of the list it stands in."""
    for item in _listed(read):
        wrapped = item.get("value") if isinstance(item, Mapping) else None
        of_list = item.get(AS_OF) if isinstance(item, Mapping) else None
        for body in wrapped if isinstance(wrapped, list) else [item]:
            own = body.get(AS_OF) if isinstance(body, Mapping) else None
            yield body, own or of_list


def _coverage(path: Path) -> list[tuple[tuple[str, str], Window]]:
    return [_covered(entry) for entry in _listed(_json(path))]


def _stamp(body: object, as_of: object) -> tuple[str, datetime | None]:
    return _own_id(body), _as_of(as_of)


def _own_id(body: object) -> str:
    own_id = body.get("id") if isinstance(body, Mapping) else None
    if not isinstance(own_id, str):
        raise _Unusable("it holds a body without an id")
    return own_id.lower()


def _as_of(value: object) -> datetime | None:
    try:
        return instant(value) if value else None
    except UnreadableRow as error:
        shown = f": {value[:40]!r}" if isinstance(value, str) else ""
        raise _Unusable(f"its {AS_OF} is not a time{shown}") from error


def _covered(entry: object) -> tuple[tuple[str, str], Window]:
    """A log, by its source and its resource, and the window of an entry; raises what it lacks."""
    fields = entry if isinstance(entry, Mapping) else {}
    source, resource = fields.get("Source"), fields.get("Resource")
    if not (isinstance(source, str) and isinstance(resource, str)):
        raise _Unusable("it holds an entry without a Source or a Resource")
    window = Window(start=instant(fields.get("From")), end=instant(fields.get("To")))
    return (source, resource.lower()), window


def _bandwidth(body: Any) -> list[tuple[str, Series]]:
    """The averages in one answer of the metrics API, each series with its gateway's id."""
    try:
        interval = body.get("interval", "PT5M")
        if interval not in _FIVE_MINUTES:
            raise _Unusable(f"its averages are not of five minutes but of {str(interval)[:40]!r}")
        return list(bandwidth(body))
    except _NO_METRICS as error:
        raise _Unusable(
            f"it is no answer of the metrics API: {one_line(repr(error), 200)}"
        ) from error
