"""What joins everything: settings, the choice of adapters, the invocation, the command line."""

from __future__ import annotations

from typing import TYPE_CHECKING

from detector.face import lazily

if TYPE_CHECKING:
    from detector.app import web
    from detector.app.cli import main
    from detector.app.invocation import invoke, look_round

__all__ = ["invoke", "look_round", "main", "web"]

__getattr__ = lazily(__name__, cli=("main",), invocation=("invoke", "look_round"), web=("web",))
