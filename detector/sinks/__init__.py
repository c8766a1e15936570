"""EDGE: people, by Apprise, and webhooks."""

from __future__ import annotations

from typing import TYPE_CHECKING

from detector.face import lazily

if TYPE_CHECKING:
    from detector.sinks.people import People
    from detector.sinks.webhook import Webhook

__all__ = ["People", "Webhook"]

__getattr__ = lazily(__name__, people=("People",), webhook=("Webhook",))
