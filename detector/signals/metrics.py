"""What the metrics API answers of a gateway, as series of its bandwidth.

The same body comes from ARM, and from `az monitor metrics list -o json`
(https://learn.microsoft.com/rest/api/monitor/metrics/list).
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any, Final

from detector.model import Series
from detector.signals.row import instant

METRIC: Final = "AverageBandwidth"
"""The bandwidth of a gateway's site-to-site tunnels, in bytes a second."""

# A gateway's metric has the gateway's id with this behind it.
_PROVIDER: Final = "/providers/microsoft.insights/"


def bandwidth(body: Any) -> Iterator[tuple[str, Series]]:
    """Each series of a body, with the lower-case id of the gateway that it is of.

    Without a split by instance the one series has no instance. Raises ValueError, LookupError,
    TypeError, AttributeError, OverflowError or RecursionError where the body is of another form.
    """
    for metric in body["value"]:
        if metric["name"]["value"].lower() == METRIC.lower():
            gateway_id = metric["id"].lower().partition(_PROVIDER)[0]
            for series in metric["timeseries"]:
                yield gateway_id, _series(series)


def _series(series: Any) -> Series:
    dimensions = {
        pair["name"]["value"].lower(): pair["value"] for pair in series.get("metadatavalues", ())
    }
    averages = ((point["timeStamp"], point.get("average")) for point in series["data"])
    return Series(
        instance=str(dimensions.get("instance", "")),
        points=tuple(
            (instant(at), float(average))
            for at, average in averages
            if average is not None and math.isfinite(average)
        ),
    )
