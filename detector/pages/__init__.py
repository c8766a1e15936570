"""What people look at: an insight as a page of its own, with its charts."""

from __future__ import annotations

from typing import TYPE_CHECKING

from detector.face import lazily

if TYPE_CHECKING:
    from detector.pages.page import to_page

__all__ = ["to_page"]

__getattr__ = lazily(__name__, page=("to_page",))
