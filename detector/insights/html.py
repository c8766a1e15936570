"""Markdown as HTML and as plain text, with nothing in it that acts.

Articles carry raw HTML (`<br>`, tables, links), so it is let through the renderer and then cleaned
against a list of what is harmless. Images, scripts, styles and links to anything but the web,
mail and the page itself do not get through. Text is what a reader sees of that HTML.
"""

from __future__ import annotations

import html
import re
from functools import cache
from typing import TYPE_CHECKING, Final

from detector.insights.plain import to_plain

if TYPE_CHECKING:
    from markdown_it import MarkdownIt

_BLADE: Final = "data-blade"
"""The scheme of links to the portal's blades, which mean nothing outside the portal."""

_SCHEMES: Final = frozenset({"http", "https", "mailto", _BLADE})
_LEFT_OUT: Final = frozenset({"img", "map", "area"})
# Cleaned HTML has its attributes in double quotes, and no link within a link.
_BLADE_LINK: Final = re.compile(
    rf'<a (?:[^">]|"[^"]*")*?href="{_BLADE}:[^"]*"(?:[^">]|"[^"]*")*>(.*?)</a>',
    re.DOTALL | re.IGNORECASE,
)


def to_html(markdown: str, *, resource_page: str | None = None) -> str:
    """The Markdown as an HTML fragment, clean of all that could act.

    A link to a blade of the portal becomes plain text, with a link to `resource_page` behind it
    where that is known.
    """
    import nh3

    rendered = _renderer().render(markdown)
    clean = nh3.clean(rendered, tags=nh3.ALLOWED_TAGS - _LEFT_OUT, url_schemes=set(_SCHEMES))
    page = html.escape(resource_page or "")
    instead = f' (<a href="{page}" rel="noopener noreferrer">in the portal</a>)' if page else ""
    return _BLADE_LINK.sub(lambda link: link[1] + instead, clean)


def to_text(markdown: str, *, resource_page: str | None = None) -> str:
    """The Markdown as text: lists with their marks, tables by rows, a link with its address."""
    return to_plain(to_html(markdown, resource_page=resource_page))


@cache
def _renderer() -> MarkdownIt:
    from markdown_it import MarkdownIt

    return MarkdownIt("js-default", {"html": True})
