"""The coverage document, version 1: which gateways could fail over unseen, and what changed in it.

It is emitted when a check of the gateways' logs comes out otherwise than the one before.
`python -m detector.insights.coverage` prints its schema, `docs/coverage.schema.json`.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from typing import TYPE_CHECKING, Final, Literal

from pydantic import Field

from detector.insights.document import MOST_LISTED, Instant, LeftOut, Part, timestamp
from detector.insights.message import CUT, NAME_LENGTH, VALUE_LENGTH, tame
from detector.text import count

if TYPE_CHECKING:
    from detector.insights.message import Markup

CheckStatus = Literal["pass", "warn", "fail", "skip"]

EVENT_TYPE: Final = "GatewayFailover.Coverage.Changed"
EVENT_SOURCE: Final = "gateway-failover-detector/coverage"

NAMED: Final = 2
SHOWN: Final = 9


class Check(Part):
    """What one question came to; `hint` is the command that mends what it found.

    Where it could not be asked, or does not apply, its status is `skip` and its evidence says why.
    """

    id: str
    status: CheckStatus
    subject: str = Field(description="what was looked at: an ARM id, a scope, a setting, a sink")
    evidence: str
    hint: str | None = None

    @classmethod
    def passed(cls, name: str, subject: str, evidence: str) -> Check:
        """A check that found nothing to mend."""
        return cls(id=name, status="pass", subject=subject, evidence=evidence)

    @classmethod
    def warned(cls, name: str, subject: str, evidence: str, hint: str | None) -> Check:
        """A check that found something which limits what can be told."""
        return cls(id=name, status="warn", subject=subject, evidence=evidence, hint=hint)

    @classmethod
    def failed(cls, name: str, subject: str, evidence: str, hint: str) -> Check:
        """A check that found something to mend."""
        return cls(id=name, status="fail", subject=subject, evidence=evidence, hint=hint)

    @classmethod
    def skipped(cls, name: str, subject: str, why: str, hint: str | None = None) -> Check:
        """A question that was not answered, and why; `hint` would let it be."""
        return cls(id=name, status="skip", subject=subject, evidence=why, hint=hint)


class BlindGateway(Part):
    """A gateway of which a failover, or a part of one, would not be seen."""

    id: str
    why: str


class CheckChange(Part):
    """A check that came out otherwise than before; `before` is null for one that is new.

    `now` is null where it is not made any more. That a new one passes is no change.
    """

    check: str
    subject: str
    before: CheckStatus | None
    now: CheckStatus | None
    evidence: str
    hint: str | None


class Coverage(Part):
    """What is watched, as of `at`, and what changed since the document before.

    A subject that could not be asked counts as it did before.
    """

    schema_version: Literal["1"] = "1"
    id: str = Field(description="the same for every delivery of this document")
    at: Instant
    gateways: int = Field(ge=0, description="how many VPN gateways there are")
    blind: tuple[BlindGateway, ...] = Field(description="all that are blind now")
    blind_left_out: LeftOut = 0
    newly_blind: tuple[BlindGateway, ...]
    newly_blind_left_out: LeftOut = 0
    seeing_again: tuple[str, ...] = Field(description="ids of gateways that are blind no more")
    seeing_again_left_out: LeftOut = 0
    added: tuple[str, ...] = Field(description="ids of gateways that are new")
    added_left_out: LeftOut = 0
    removed: tuple[str, ...] = Field(description="ids of gateways that are gone")
    removed_left_out: LeftOut = 0
    changes: tuple[CheckChange, ...]
    changes_left_out: LeftOut = 0


def bounded(document: Coverage, most: int = MOST_LISTED) -> Coverage:
    """The document with at most `most` items in each list, and the number of the others."""
    changed: dict[str, object] = {}
    for name in ("blind", "newly_blind", "seeing_again", "added", "removed", "changes"):
        items, left_out = getattr(document, name), getattr(document, f"{name}_left_out")
        changed[name] = items[:most]
        changed[f"{name}_left_out"] = left_out + max(len(items) - most, 0)
    return document.model_copy(update=changed)


def to_coverage_event(document: Coverage) -> dict[str, object]:
    """The document as a structured CloudEvent 1.0, ready for JSON."""
    return {
        "specversion": "1.0",
        "id": document.id,
        "source": EVENT_SOURCE,
        "type": EVENT_TYPE,
        "subject": "coverage",
        "time": timestamp(document.at),
        "datacontenttype": "application/json",
        "data": document.model_dump(mode="json", by_alias=True),
    }


def blind_title(document: Coverage, most: int) -> str:
    """Which gateways became blind, in at most `most` characters: `BLIND 2 gateways: a, b`."""
    names = [tame(_name(each.id), NAME_LENGTH) for each in document.newly_blind]
    number = _newly_blind(document)
    rest = f" and {number - NAMED} more" if number > NAMED else ""
    title = f"BLIND {count(number, 'gateway')}: {', '.join(names[:NAMED])}{rest}"
    return title if len(title) <= most else title[: most - 1] + CUT


def blind_body(document: Coverage, markup: Markup, fits: Callable[[str], bool]) -> str:
    """What to do, and a line for each gateway that became blind, as many as there is room for."""
    lines = [
        markup.plain("Their failovers would not be seen. To mend it: python -m detector doctor")
    ]
    number = _newly_blind(document)
    for told, each in enumerate(document.newly_blind[:SHOWN], start=1):
        line = markup.labelled(tame(_name(each.id), NAME_LENGTH), tame(each.why, VALUE_LENGTH))
        more = [markup.plain(f"and {number - told} more")] if number > told else []
        if not fits(markup.line_end.join([*lines, line, *more])):
            break
        lines.append(line)
    left = number - (len(lines) - 1)
    return markup.line_end.join([*lines, *([markup.plain(f"and {left} more")] if left else [])])


def _newly_blind(document: Coverage) -> int:
    return len(document.newly_blind) + document.newly_blind_left_out


def _name(gateway_id: str) -> str:
    return gateway_id.rpartition("/")[2]


def schema() -> str:
    """The JSON Schema of the document, as `docs/coverage.schema.json` holds it."""
    drawn = Coverage.model_json_schema(by_alias=True, mode="serialization")
    return json.dumps(drawn, indent=2, ensure_ascii=False) + "\n"


if __name__ == "__main__":
    sys.stdout.write(schema())
