"""What Azure answered becomes the files of a recording.

What no recording keeps (keys, certificates, tags, etags) is left out here, before anything is
written. No name stands in the name of a file.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping
from datetime import datetime
from typing import Final, NamedTuple

from detector.insights import timestamp
from detector.local.bodies import AS_OF
from detector.local.masking import Parts, needed
from detector.model import Window
from detector.signals import arm

LOGS: Final = "logs/rows.ndjson"

_FOLDERS: Final = {
    "virtualnetworkgateways": "gateways",
    "publicipaddresses": "publicIPAddresses",
    "connections": "connections",
    "localnetworkgateways": "localNetworkGateways",
}
_HEALTH_FOLDER: Final = "health"
_HEALTH: Final = "/providers/microsoft.resourcehealth/availabilitystatuses"
_METRICS: Final = "/providers/microsoft.insights/metrics"


class _Body(NamedTuple):
    body: Mapping[str, object]
    of_list: bool


class Capture:
    """What Azure Resource Manager answered; `hear` takes an answer, at the time that `now` reads.

    Of several bodies of one resource the newest is kept, and one that was asked for by its name
    before one out of a list, which lacks the state of tunnels.
    """

    def __init__(self, now: Callable[[], datetime]) -> None:
        self._now = now
        self._bodies: dict[str, dict[str, _Body]] = {}
        self._metrics: list[object] = []

    def hear(self, answer: object) -> None:
        """Keep the bodies of an answer; one of another form holds none."""
        fields = answer if isinstance(answer, Mapping) else {}
        listed = fields.get("value")
        if arm.own_id(fields):
            self._keep(fields, of_list=False)
        elif isinstance(listed, list):
            if any(_METRICS in (arm.own_id(each) or "").lower() for each in listed):
                self._metrics.append(answer)
                return
            for each in listed:
                self._keep(each, of_list=True)

    def _keep(self, body: object, *, of_list: bool) -> None:
        own_id = (arm.own_id(body) or "").lower()
        folder = _folder(own_id)
        if folder and isinstance(body, Mapping):
            kept = self._bodies.setdefault(folder, {})
            if not of_list or kept.get(own_id, _Body(body, of_list=True)).of_list:
                # What Resource Health tells of has times of its own, and was so from then on.
                stamp = {} if folder == _HEALTH_FOLDER else {AS_OF: self._now().isoformat()}
                kept[own_id] = _Body({**body, **stamp}, of_list)

    def parts(
        self,
        rows: Iterable[Mapping[str, object]],
        coverage: Iterable[tuple[str, str]],
        window: Window,
    ) -> Parts:
        """The files of a recording: these rows of `window`, each once, and what was heard.

        `coverage` are the logs that held any row in it, as the port Coverage pairs them.
        """
        lines = dict.fromkeys(json.dumps(row, default=_iso) for row in rows)
        found: Parts = {LOGS: [json.loads(line) for line in lines]}
        for folder, bodies in self._bodies.items():
            found[f"{folder}/{folder}.json"] = [each.body for each in bodies.values()]
        if self._metrics:
            found["metrics/metrics.json"] = self._metrics
        span = {"From": timestamp(window.start), "To": timestamp(window.end)}
        found["coverage/coverage.json"] = [
            {"Source": source, "Resource": resource, **span}
            for source, resource in sorted(coverage)
        ]
        return {path: [needed(each) for each in part] for path, part in found.items()}


def _iso(time: object) -> str:
    """A time of a row; anything else that JSON does not know as text."""
    return time.isoformat() if isinstance(time, datetime) else str(time)


def _folder(own_id: str) -> str | None:
    """The folder of the resource with this lower-case id; None for one that is not recorded."""
    if _HEALTH in own_id:
        return _HEALTH_FOLDER
    return _FOLDERS.get(own_id.rpartition("/")[0].rpartition("/")[2])
