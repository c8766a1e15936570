"""The fields of a JSON object that Azure wrote, in whichever form, without any trust in it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from detector.text import encodable

Fields = Mapping[str, object]
"""The fields of an object by their lower-case names."""


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
    """`value` where it is text and not empty."""
    return encodable(value) if isinstance(value, str) and value else None


def objects_in(value: object) -> Iterator[Fields]:
    """The fields of each object in a list; nothing where it is no list."""
    if isinstance(value, list | tuple):
        yield from (fields for fields in map(fields_of, value) if fields)
