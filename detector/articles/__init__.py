"""The self-help format: an article is read, checked, and rendered with facts in its slots."""

from __future__ import annotations

from typing import TYPE_CHECKING

from detector.face import lazily

if TYPE_CHECKING:
    from detector.articles import catalog
    from detector.articles.catalog import Catalog
    from detector.articles.escape import Spot, visible, written
    from detector.articles.slots import key_of

__all__ = ["Catalog", "Spot", "catalog", "key_of", "visible", "written"]

__getattr__ = lazily(
    __name__,
    catalog=("Catalog", "catalog"),
    escape=("Spot", "visible", "written"),
    slots=("key_of",),
)
