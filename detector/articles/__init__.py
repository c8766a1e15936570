"""The self-help format: an article is read, checked, and rendered with facts in its slots."""

from __future__ import annotations

from typing import TYPE_CHECKING

from detector.face import lazily

if TYPE_CHECKING:
    from detector.articles import catalog
    from detector.articles.catalog import Catalog
    from detector.articles.escape import Spot, escaped, visible
    from detector.articles.slots import key_of

__all__ = ["Catalog", "Spot", "catalog", "escaped", "key_of", "visible"]

__getattr__ = lazily(
    __name__,
    catalog=("Catalog", "catalog"),
    escape=("Spot", "escaped", "visible"),
    slots=("key_of",),
)
