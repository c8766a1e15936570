"""What people look at: an insight as a page of its own, with its charts, and the fleet's."""

from __future__ import annotations

from typing import TYPE_CHECKING

from detector.face import lazily

if TYPE_CHECKING:
    from detector.pages.fleet_page import to_fleet_page, to_notice
    from detector.pages.page import to_page

__all__ = ["to_fleet_page", "to_notice", "to_page"]

__getattr__ = lazily(__name__, fleet_page=("to_fleet_page", "to_notice"), page=("to_page",))
