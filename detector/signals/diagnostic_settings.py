"""Where a gateway, or a subscription's Activity Log, sends its logs, by ARM's body.

https://learn.microsoft.com/rest/api/monitor/diagnostic-settings/list has the one body, and
https://learn.microsoft.com/rest/api/monitor/subscription-diagnostic-settings/list the other.
"""

from __future__ import annotations

from collections.abc import Iterator

from detector.errors import FactUnknown
from detector.model import ALL_LOGS, DiagnosticSetting
from detector.signals.arm import UNREADABLE
from detector.signals.fields import Fields, fields_of, objects_in, text_of


def settings_of(body: object) -> tuple[DiagnosticSetting, ...]:
    """The settings of a list; none where it is empty. Raises FactUnknown for what is no list."""
    listed = fields_of(body).get("value")
    if not isinstance(listed, list):
        raise FactUnknown(UNREADABLE)
    return tuple(
        DiagnosticSetting(
            name=text_of(fields.get("name")) or "",
            workspace_id=_lower(fields.get("workspaceid")),
            categories=frozenset(_switched_on(fields)),
        )
        for fields in objects_in(listed)
    )


def _switched_on(fields: Fields) -> Iterator[str]:
    for log in objects_in(fields.get("logs")):
        if log.get("enabled") is not True:
            continue
        if (category := _lower(log.get("category"))) is not None:
            yield category
        if _lower(log.get("categorygroup")) == ALL_LOGS:
            yield ALL_LOGS


def _lower(value: object) -> str | None:
    text = text_of(value)
    return None if text is None else text.lower()
