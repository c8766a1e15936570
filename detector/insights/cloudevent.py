"""An insight as a CloudEvent 1.0, the form in which event sinks get it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final
from urllib.parse import quote

from detector.insights.document import Reason, timestamp

if TYPE_CHECKING:
    from collections.abc import Mapping

    from detector.insights.document import Insight

TYPES: Final[Mapping[Reason, str]] = {
    Reason.DETECTED: "GatewayFailover.Insight.Detected",
    Reason.RETRACTED: "GatewayFailover.Insight.Retracted",
    Reason.RECOVERED: "GatewayFailover.Insight.Recovered",
    Reason.WORSENED: "GatewayFailover.Insight.Updated",
    Reason.SWITCHED_AGAIN: "GatewayFailover.Insight.Updated",
    Reason.CAUSE_CHANGED: "GatewayFailover.Insight.Updated",
    Reason.COMPLETED: "GatewayFailover.Insight.Updated",
    Reason.REVISED: "GatewayFailover.Insight.Updated",
}


_PATH: Final = "/!$&'()*+,;=:@"
"""What stands in a path as it is, beside letters, digits and `-._~` (RFC 3986, 3.3)."""


def event_id(insight: Insight) -> str:
    """The id of this revision, `<failover id>:<revision>`: a consumer drops what it has seen."""
    return f"{insight.id}:{insight.revision}"


def to_cloudevent(insight: Insight) -> dict[str, object]:
    """The structured CloudEvent of this revision, ready for JSON, with the document as its data.

    `source` is the gateway's id as a URI-reference, `time` the latest switch-over. Only a drill has
    the extension attribute `drill`.
    """
    return {
        "specversion": "1.0",
        "id": event_id(insight),
        "source": quote(insight.gateway.id, safe=_PATH),
        "type": TYPES[insight.reason],
        "subject": insight.diagnostic_scenario,
        "time": timestamp(insight.failover.last_at),
        "datacontenttype": "application/json",
        **({"drill": True} if insight.drill else {}),
        "data": insight.model_dump(mode="json", by_alias=True),
    }
