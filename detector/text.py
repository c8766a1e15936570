"""Times, lengths of time and counts, as a person says them."""

from __future__ import annotations

import hashlib
import json
import math
import re
import unicodedata
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Final

_NOT_ASCII: Final = re.compile("[^\n -~]")


def clock(instant: datetime) -> str:
    """The time of day in UTC, cut to the second: `02:14:07Z`."""
    return instant.astimezone(UTC).strftime("%H:%M:%SZ")


def day(instant: datetime) -> str:
    """The date and the time of day in UTC: `2026-11-22 02:14:07Z`."""
    return instant.astimezone(UTC).strftime("%Y-%m-%d %H:%M:%SZ")


_MONTHS: Final = (
    *("Jan", "Feb", "Mar", "Apr", "May", "Jun"),
    *("Jul", "Aug", "Sep", "Oct", "Nov", "Dec"),
)


def day_and_month(instant: datetime) -> str:
    """The date without its year, in the zone of the instant: `22 Nov`."""
    return f"{instant.day} {_MONTHS[instant.month - 1]}"


def lasting(length: timedelta) -> str:
    """A length of time in at most two units, rounded up: `14 s`, `2 min 5 s`, `1 h 3 min`."""
    seconds = math.ceil(length / timedelta(seconds=1))
    if seconds < 1:
        return "less than 1 s"
    if seconds < 60:
        return f"{seconds} s"
    if seconds < 3600:
        return _two(seconds // 60, "min", seconds % 60, "s")
    minutes = math.ceil(seconds / 60)
    if minutes < 24 * 60:
        return _two(minutes // 60, "h", minutes % 60, "min")
    hours = math.ceil(minutes / 60)
    return _two(hours // 24, "d", hours % 24, "h")


def _two(large: int, large_unit: str, small: int, small_unit: str) -> str:
    return f"{large} {large_unit}" + (f" {small} {small_unit}" if small else "")


def instance_of(name: str) -> str:
    """A gateway's instance as people say it: `IN_0`, in the logs `GatewayTenantWorker_IN_0`."""
    return name.removeprefix("GatewayTenantWorker_")


def count(number: int, noun: str) -> str:
    """A number with its noun: `1 tunnel`, `3 tunnels`."""
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


def listed(items: Sequence[str]) -> str:
    """Items as one says them: `a`, `a and b`, `a, b and c`."""
    if len(items) < 2:
        return "".join(items)
    return ", ".join(items[:-1]) + " and " + items[-1]


def fingerprint(secret: str) -> str:
    """Eight hexadecimal digits that tell secrets apart and give none away."""
    return hashlib.sha256(secret.encode()).hexdigest()[:8]


def encodable(text: str) -> str:
    """`text` with `?` for half a surrogate pair, which JSON can escape and nothing can encode."""
    return text if text.isascii() else text.encode("utf-8", "replace").decode()


def visible_json(text: str) -> str:
    """JSON text with all of it escaped that would not be seen, or would act where it is shown."""
    return _NOT_ASCII.sub(_escaped_unless_seen, text)


def _escaped_unless_seen(character: re.Match[str]) -> str:
    return character[0] if character[0].isprintable() else json.dumps(character[0])[1:-1]


def cut(text: str, most: int) -> str:
    """`text`, at most `most` characters of it: `…` stands for what does not fit."""
    return text if len(text) <= most else text[: most - 1] + "…"


def one_line(text: str, most: int) -> str:
    """`text` on one line without control or direction marks, at most `most` characters long.

    What does not fit is replaced by `…`. For text from logs and names from Azure, which may hold
    anything; the result still has to be escaped for the format that it goes into.
    """
    if len(text) <= most and text.isascii() and text.isprintable():
        return " ".join(text.split())
    # No more of a hostile text is read than could be shown.
    shown = "".join(_visible(character) for character in text[: 4 * most])
    line = " ".join(shown.split())
    return line if len(line) <= most and len(text) <= 4 * most else line[: most - 1] + "…"


def _visible(character: str) -> str:
    category = unicodedata.category(character)
    if category in ("Cf", "Cs", "Co", "Cn"):  # format marks, among them those of direction
        return ""
    return " " if category in ("Cc", "Zl", "Zp") else character
