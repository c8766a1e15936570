"""How a fact is written so that a reader sees it as it is and it acts as nothing else.

A fact comes from outside: the name of a network, a caller, an address. In prose it is escaped with
backslashes, as little as CommonMark and GitHub's extensions need, so that names, lists of IPs and
instants stay as they are. Where backslashes mean nothing, character references (HTML), percent
signs (addresses) or a look-alike (the backtick in code) do the same, and so does a space without
width behind an `@`: GitHub's renderer makes links of mail addresses after it took backslashes away.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum
from typing import Final
from urllib.parse import quote


class Place(Enum):
    """What surrounds a piece of text, and so decides how a fact is written there."""

    PROSE = "prose"
    CODE = "code"  # a code span or a code block
    CELL_CODE = "code in a table"
    URL = "url"  # the address of a link or an image, in Markdown or HTML
    VALUE = "value"  # the value of an attribute, or the title of a link
    TAG = "tag"  # the rest of an HTML tag: its name and the names of its attributes
    HTML = "html"  # text that stands in a block of HTML, or a comment


@dataclass(frozen=True, slots=True, kw_only=True)
class Spot:
    """The surroundings of a fact: its place, and the article's text just before and after it."""

    place: Place = Place.PROSE
    before: str = ""  # up to 40 characters
    after: str = ""  # one character, empty at the end
    leads_line: bool = False  # nothing but marks of blocks stands before it on its line
    leads_value: bool = False  # the address or attribute begins with it


# Line ends and tabs become a space, so that a fact stays on its line.
_BREAKS = re.compile("\r\n|[\t\n\x0b\x0c\r\x1c-\x1e\x85\u2028\u2029]")
# What is not seen, or turns the direction of what is: it is shown that something stood there.
_UNSEEN = re.compile(
    "[\x00-\x1f\x7f-\x9f\u061c\u200b\u200e\u200f\u202a-\u202e\u2060-\u206f\ufeff\ud800-\udfff]"
)

_MARKS = re.compile(
    r"[`*\[\]<>|~]"
    r"|\\(?=[!-/:-@\[-`{-~]|\s?\Z)"  # a backslash before a letter is just a backslash
    r"|&(?=[#0-9A-Za-z]|\Z)"
    r"|!\Z"  # before the article's own `[`
    r"|(?:\A|(?<= ))\#(?=\#*+ *+\Z)"  # what would close a heading
    r"|_++"
)
_WORD = re.compile(r"[^ ]++")
_LINKED = re.compile(r"://|\bwww\.", re.IGNORECASE)
_LINKING = re.compile(r"[.:]|(?<=/)/")
_NUMBERED = re.compile(r"(\d{0,9})([.)])(?= |\Z)")
_REFERENCE_OR_TAG = re.compile(r"(?:<[/!?]?|&#?\w*)\Z")
_BACKSLASHES = re.compile(r"\\*\Z")
_PUNCTUATION = re.compile(r"[!-/:-@\[-`{-~]")
_URL_MARKS = re.compile(r"~|(?<![A-Za-z0-9])_|_(?![A-Za-z0-9])")  # in an address without brackets
_FENCE = re.compile("~{3,}")
_AT_ROOT = re.compile(r"[(<\"'=]/\Z")  # of an address, where another slash would begin a host
_NOT_PLAIN = re.compile(r"[^\w .,:;/@()-]|_")
_NO_WIDTH = "\u200b"
_NEVER_EMPTY = "&#8203;"  # keeps the marks around an empty fact from meeting


def escaped(fact: str, spot: Spot) -> str:
    """The fact as Markdown has to spell it at this spot."""
    return _ESCAPES[spot.place](visible(fact), spot)


def visible(fact: str) -> str:
    """The fact on one line, with everything in it that would not be seen made visible."""
    if fact.isprintable():
        return fact
    return _UNSEEN.sub(_picture, _BREAKS.sub(" ", fact))


def _picture(unseen: re.Match[str]) -> str:
    code = ord(unseen[0])
    return chr(0x2400 + code) if code < 0x20 else "\u2421" if code == 0x7F else "\ufffd"


def _prose(fact: str, spot: Spot) -> str:
    if not fact:
        is_inside = spot.before[-1:].isalnum() or spot.before[-1:].isspace()
        return "" if is_inside and not spot.leads_line else _NEVER_EMPTY
    body = _MARKS.sub(_escape, fact)
    if _LINKED.search(fact):
        body = _WORD.sub(_unlink, body)
    body = body.replace("@", f"@{_NO_WIDTH}")
    return _first(fact, body, spot) + (_reference(fact[-1]) if _ends_blank(fact) else "")


def _escape(mark: re.Match[str]) -> str:
    if mark[0] in "|`" or (mark[0] == "\\" and not mark.string[mark.end() :].strip()):
        # Some readers see a table in an escaped one, and a backslash ends no span of code; one at
        # the end would escape the bar of a table for others.
        return _reference(mark[0])
    if mark[0][0] != "_":
        return "\\" + mark[0]
    before = mark.string[max(0, mark.start() - 1) : mark.start()]
    after = mark.string[mark.end() : mark.end() + 1]
    is_inside_word = before.isalnum() and after.isalnum()
    return mark[0] if is_inside_word else "\\_" * len(mark[0])


def _unlink(word: re.Match[str]) -> str:
    """A word without what GitHub would make a link to the web of."""
    return _LINKING.sub(r"\\\g<0>", word[0]) if _LINKED.search(word[0]) else word[0]


def _ends_blank(fact: str) -> bool:
    return len(fact) > 1 and fact[-1].isspace()


def _first(fact: str, body: str, spot: Spot) -> str:
    """The escaped fact, less a blank at its end, with its start fit for what stands before it."""
    if _ends_blank(fact):
        body = body[:-1]
    start = fact[0]
    reference = _reference(start)
    length = len(reference) if body.startswith(reference) else 1 + (body[:2] == f"\\{start}")
    after_backslash = len(_BACKSLASHES.search(spot.before)[0]) % 2  # type: ignore[index]
    if after_backslash:
        return start + body[length:]  # the article's own backslash escapes it
    is_numeral = fact.isdecimal() and spot.after in (".", ")") and spot.leads_line
    if start.isspace() or is_numeral or _REFERENCE_OR_TAG.search(spot.before):
        return reference + body[length:]
    if (spot.leads_line and start in "-+=#:") or (spot.before.endswith("]") and start in "(:"):
        return "\\" + body[length - 1 :]
    if spot.leads_line and (number := _NUMBERED.match(fact)):
        return f"{number[1]}\\{body[number.end(1) :]}"
    return body


def _code(fact: str, _: Spot) -> str:
    if not fact.strip():
        return "\xa0"  # keeps the marks of a code span apart, and an indented line from being blank
    # Nothing can be escaped inside code.
    return _FENCE.sub(lambda tildes: "\u02dc" * len(tildes[0]), fact.replace("`", "\u02cb"))


def _cell_code(fact: str, spot: Spot) -> str:
    return _code(fact, spot).replace("|", "\\|")  # the one escape that tables know in code


def _url(fact: str, spot: Spot) -> str:
    """The fact as a part of an address; as a whole one only with http or https."""
    if spot.leads_value and fact.lower().startswith(("https://", "http://")):
        part = quote(fact, safe="/:?#=%+,;@&").replace("&", "&amp;")
    else:
        at_root = _AT_ROOT.search(spot.before) is not None
        names_host = fact.startswith("/" if at_root else "//") and (at_root or spot.leads_value)
        part = quote(fact, safe="" if names_host else "/")
    return _URL_MARKS.sub(lambda mark: f"%{ord(mark[0]):X}", part)


def _html(fact: str, spot: Spot) -> str:
    if spot.leads_line and not fact.strip():
        return _tag(fact, spot) or _NEVER_EMPTY
    return _NOT_PLAIN.sub(lambda mark: _reference(mark[0]), fact)


def _value(fact: str, _: Spot) -> str:
    return _NOT_PLAIN.sub(lambda mark: _reference(mark[0]), fact).replace(" ", "&#32;")


def _tag(fact: str, _: Spot) -> str:
    return "".join(map(_reference, fact))


def _reference(character: str) -> str:
    return f"&#{ord(character)};"


_ESCAPES: Final[dict[Place, Callable[[str, Spot], str]]] = {
    Place.PROSE: _prose,
    Place.CODE: _code,
    Place.CELL_CODE: _cell_code,
    Place.URL: _url,
    Place.VALUE: _value,
    Place.TAG: _tag,
    Place.HTML: _html,
}
