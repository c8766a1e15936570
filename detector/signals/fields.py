"""The fields of a JSON object that Azure wrote, in whichever form, without any trust in it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Final

from detector.text import encodable

Fields = Mapping[str, object]
"""The fields of an object by their lower-case names."""

LONGEST_TEXT: Final = 2000
"""So many characters of a text are kept: more than any id or message that Azure writes has."""


def fields_of(body: object) -> Fields:
    """The fields of a body, those under `properties` beside its own; none where it is malformed.

    Where both have a field, its own counts.
    """
    if not isinstance(body, Mapping):
        return {}
    own: dict[str, object] = {str(name).lower(): value for name, value in body.items()}
    properties = own.get("properties", {})
    if not isinstance(properties, Mapping):
        return {}
    return {str(name).lower(): value for name, value in properties.items()} | own


def text_of(value: object) -> str | None:
    """`value` where it is text and not empty, cut where it is too long to be Azure's."""
    return encodable(value[:LONGEST_TEXT]) if isinstance(value, str) and value else None


def written(value: object) -> str:
    """A single value as text, as `str` writes it; empty for none, and for an object or a list."""
    if value is None or isinstance(value, Mapping | list | tuple):
        return ""  # to write one that is nested deeply would raise RecursionError
    return encodable(str(value)[:LONGEST_TEXT])


def objects_in(value: object) -> Iterator[Fields]:
    """The fields of each object in a list; nothing where it is no list."""
    if isinstance(value, list | tuple):
        yield from (fields for fields in map(fields_of, value) if fields)
