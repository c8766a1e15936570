"""The insight document, version 1: what is emitted, stored and published as a JSON Schema.

Names are camelCase in JSON, times ISO 8601 in UTC with milliseconds and `Z`, lengths of time
seconds. `python -m detector.insights.document` prints the schema, `docs/insight.schema.json`.
"""

from __future__ import annotations

import json
import sys
from datetime import UTC, datetime
from enum import StrEnum
from typing import Annotated, Final, Literal, Self

from pydantic import (
    AfterValidator,
    AwareDatetime,
    BaseModel,
    ConfigDict,
    Field,
    PlainSerializer,
    WithJsonSchema,
    model_validator,
)
from pydantic.alias_generators import to_camel

from detector.model import CauseKind, EndSource, Evidence, Importance, State


def timestamp(instant: datetime) -> str:
    """The instant as documents and slots write it: `2026-11-22T02:14:07.123Z`."""
    return instant.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%f")[:-3] + "Z"


def _in_any_zone(instant: datetime) -> datetime:
    """The instant, if it has a date in every zone; raises ValueError."""
    if not 1 < instant.year < 9999:
        raise ValueError("no date in every zone")
    return instant


Instant = Annotated[
    AwareDatetime,
    AfterValidator(_in_any_zone),
    PlainSerializer(timestamp, return_type=str, when_used="json"),
    WithJsonSchema(
        {
            "type": "string",
            "format": "date-time",
            "pattern": r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$",
        }
    ),
]
Seconds = Annotated[float, Field(ge=0, description="seconds, to the millisecond")]


MOST_LISTED: Final = 200
"""As many items stand in each list of the document; of more, their number stands beside it."""

LeftOut = Annotated[int, Field(ge=0, description="how many there are beyond those listed")]


class Reason(StrEnum):
    """Why a revision of an insight is emitted; of several that hold, the first here names it."""

    DETECTED = "detected"
    RETRACTED = "retracted"
    RECOVERED = "recovered"
    WORSENED = "worsened"
    SWITCHED_AGAIN = "switched-again"
    CAUSE_CHANGED = "cause-changed"
    COMPLETED = "completed"
    REVISED = "revised"

    @classmethod
    def _missing_(cls, value: object) -> Reason | None:
        # So stored documents call a cause that was found, which were written before it had a name
        # for one that changed.
        return cls.CAUSE_CHANGED if value == "cause-found" else None


class Part(BaseModel):
    """A part of the document: frozen, camelCase in JSON, closed to unknown members.

    One that has a noun's fields is read from the noun itself.
    """

    model_config = ConfigDict(
        frozen=True,
        extra="forbid",
        alias_generator=to_camel,
        populate_by_name=True,
        serialize_by_alias=True,
        from_attributes=True,
        defer_build=True,  # an idle run needs few of them
    )


class RenderedArticle(Part):
    """The rendered article, in the shape of Microsoft.Help's Insight."""

    id: str = Field(description="the article's id")
    title: str = Field(description="the article's H1, or the verdict where no article applies")
    results: str = Field(description="the rendered article, Markdown")
    importance_level: Importance


class VirtualNetwork(Part):
    """The network that the gateway stands in; None where it could not be had."""

    id: str | None
    name: str | None


class GatewayFacts(Part):
    """The gateway, as Azure Resource Manager knew it; what could not be had is in `unknown`."""

    id: str
    name: str
    resource_group: str
    subscription_id: str
    location: str | None
    sku: str | None
    generation: str | None
    active_active: bool | None
    vips: tuple[str, ...]
    virtual_network: VirtualNetwork
    peers: int | None = Field(
        None, ge=0, description="how many peers its connections have; null where that is not known"
    )
    unknown: dict[str, str] = Field(description="fact: why it could not be had")


class CauseFacts(Part):
    """What the logs recorded beside the failover, or beside one of its switch-overs."""

    kind: CauseKind
    at: Instant | None
    caller: str | None
    statement: str
    records: int = Field(0, ge=0, description="how many records the statement rests on")


class SwitchOverFacts(Part):
    """One switch-over; an instance is None where the rows do not tell it."""

    at: Instant
    not_before: Instant | None = Field(
        None, description="where the evidence leaves more than 3 minutes open: it was not earlier"
    )
    evidence: Evidence
    from_instance: str | None
    to_instance: str | None
    cause: CauseFacts | None = Field(None, description="null: that of the failover")


class OutageFacts(Part):
    """One remote IP's time without a connected tunnel, by the logs.

    It is not over where both `to` and `at_most` are None.
    """

    remote_ip: str
    connection: str | None
    instance: str
    from_: Instant = Field(alias="from")
    to: Instant | None
    seconds: Seconds | None
    at_most: Seconds | None = Field(
        None, description="seconds that it cannot have exceeded, where only that is known"
    )
    end_source: EndSource | None
    followed: bool = Field(default=True, description="false where its connection was deleted")

    @property
    def is_open(self) -> bool:
        """Whether it was not seen to end, and is still followed."""
        return self.to is None and self.at_most is None and self.followed


class AlreadyDownFacts(Part):
    """A tunnel that had been down before the failover began, and counts in nothing."""

    remote_ip: str
    connection: str | None
    since: Instant


class TunnelLossFacts(Part):
    """One tunnel's time down on an instance that lost its tunnels; `to` None: not seen to end."""

    remote_ip: str
    connection: str | None
    from_: Instant = Field(alias="from")
    to: Instant | None


class RedundancyFacts(Part):
    """The time in which one instance of an active-active gateway was without tunnels it had."""

    instance: str
    from_: Instant = Field(alias="from")
    to: Instant | None
    tunnels: tuple[TunnelLossFacts, ...]
    tunnels_left_out: LeftOut = 0


class MaybeOutFacts(TunnelLossFacts):
    """A tunnel's time down of which it is not known whether the other instance served its peer."""

    instance: str


class FailoverFacts(Part):
    """The failover: its switch-overs, its cause, and what was seen of its tunnels."""

    first_at: Instant
    last_at: Instant
    switch_overs: tuple[SwitchOverFacts, ...]
    switch_overs_left_out: int = Field(
        default=0,
        ge=0,
        exclude_if=lambda number: number == 0,
        description="how many there are right after the first beyond those that are listed",
    )
    flapping: bool
    cause: CauseFacts
    outages: tuple[OutageFacts, ...]
    outages_left_out: LeftOut = 0
    already_down: tuple[AlreadyDownFacts, ...] = ()
    already_down_left_out: LeftOut = 0
    redundancy_lost: tuple[RedundancyFacts, ...] = ()
    redundancy_lost_left_out: LeftOut = 0
    maybe_out: tuple[MaybeOutFacts, ...] = ()
    maybe_out_left_out: LeftOut = 0
    seen_until: Instant = Field(description="a tunnel without an end was not seen to end by then")
    redundancy_lost_seconds: Seconds | None
    state: State


class AverageFacts(Part):
    """A five-minute average of one instance's bandwidth; `at` is when its five minutes began."""

    at: Instant
    mbps: float


class SeriesFacts(Part):
    """The averages of one instance in time order; `instance` is empty where they are of all."""

    instance: str
    points: tuple[AverageFacts, ...]
    points_left_out: LeftOut = 0


class BandwidthFacts(Part):
    """The peak bandwidth around the failover against the benchmark of the gateway's SKU."""

    peak_mbps: float | None
    instance: str | None
    at: Instant | None
    benchmark_mbps: int | None
    ratio: float | None
    statement: str
    series: tuple[SeriesFacts, ...] = ()
    series_left_out: LeftOut = 0


class EvidenceFacts(Part):
    """One row that the diagnosis rests on."""

    at: Instant
    source: str
    text: str


class TunnelFacts(Part):
    """What Azure Resource Manager answered of one tunnel, at `as_of`."""

    remote_ip: str
    connection: str | None
    vip: str | None
    status: str = Field(description="Connected, Connecting, NotConnected or Unknown")
    connected_since: Instant | None
    as_of: Instant


class RevisionFacts(Part):
    """One telling of the failover: every reason for it, when, and the verdict as it was then."""

    revision: int = Field(ge=1)
    reasons: tuple[Reason, ...] = Field(min_length=1)
    at: Instant | None = Field(description="null: told by a release that did not note it")
    verdict: str


class Links(Part):
    """Pages for the reader, as they stand today; one that there is not is empty."""

    portal: str
    page: str = ""
    reset_guide: str
    sku_benchmarks: str


class Generator(Part):
    """What wrote the document."""

    name: Literal["gateway-failover-detector"] = "gateway-failover-detector"
    version: str


class Insight(Part):
    """What happened to one gateway, told once for each revision under one id."""

    schema_version: Literal["1"] = "1"
    id: str = Field(description="the failover's id, for life")
    revision: int = Field(ge=1)
    reason: Reason = Field(description="the first of `reasons`")
    reasons: tuple[Reason, ...] = Field(
        default_factory=lambda before: (before["reason"],),
        min_length=1,
        description="every reason that holds",
    )
    told_at: Instant | None = Field(
        None, description="when the revision was made; null: by a release that did not note it"
    )
    drill: bool = False
    generator: Generator | None = Field(
        None, description="what wrote it; null where an earlier release did"
    )
    diagnostic_scenario: str
    article_id: str
    insight: RenderedArticle
    facts: dict[str, str] = Field(
        description="what filled the article's slots, or could have; `resetAdvice` completes its "
        "advice to reset with what is true for this gateway"
    )
    gateway: GatewayFacts
    failover: FailoverFacts
    bandwidth: BandwidthFacts
    tunnels: tuple[TunnelFacts, ...] = ()
    tunnels_left_out: LeftOut = 0
    revisions: tuple[RevisionFacts, ...] = Field(
        (), description="what was told so far in order, this revision last"
    )
    revisions_left_out: LeftOut = 0
    evidence: tuple[EvidenceFacts, ...]
    evidence_left_out: LeftOut = 0
    verdict: str = Field(description="one sentence for a person: what, why, how long, over or not")
    advice: str = Field("", description="what to do now, in a sentence or two")
    links: Links

    @model_validator(mode="after")
    def _is_named_by_its_first_reason(self) -> Self:
        if self.reason is not self.reasons[0]:
            raise ValueError("a revision is named by the first of its reasons")
        return self


def schema() -> str:
    """The JSON Schema of the document, as `docs/insight.schema.json` holds it."""
    drawn = Insight.model_json_schema(by_alias=True, mode="serialization")
    return json.dumps(drawn, indent=2, ensure_ascii=False) + "\n"


def to_json(insight: Insight) -> str:
    """The document as JSON text, indented for people."""
    return insight.model_dump_json(indent=2, by_alias=True)


if __name__ == "__main__":
    sys.stdout.write(schema())
