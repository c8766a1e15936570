"""A self-help article: text -> Article; Article and facts -> Markdown.

An article is a header, a title, and Markdown with slots. Reading is tolerant of whatever authors
have written: it never fails, and what is wrong is told as problems. What goes into the slots is
written so that it cannot act as markup where it stands; all other text stays as it is, byte for
byte. Reading and rendering are linear in the article's length, whatever it contains.
"""

from __future__ import annotations

import html
import re
from bisect import bisect_right
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Final

from detector.articles import header
from detector.articles.escape import Spot, written
from detector.articles.header import Properties, Trouble
from detector.articles.inline import LINE
from detector.articles.slots import Body, Mark, Slot, key_of, take_apart
from detector.errors import BrokenArticle, MissingFacts

# The words of cloudEnvironments, and the clouds they mean; blackForest, the German one, is closed.
CLOUDS: Final[Mapping[str, str]] = MappingProxyType(
    {
        "public": "AzureCloud",
        "fairfax": "AzureUSGovernment",
        "mooncake": "AzureChinaCloud",
        "usnat": "AzureUSNat",
        "ussec": "AzureUSSec",
        "blackforest": "AzureGermanCloud",
    }
)

# What is worth a look and yet no mistake.
NOTES: Final = frozenset({"brace-token"})

_INLINE_MARKS = re.compile(
    r"\\([!-/:-@\[-`{-~])|!?\[([^\[\]]*+)\]\([^()]*+\)|<[^<>]*+>"
    r"|(?<!\s)\*++|\*++(?!\s)|`++|(?<!\w)_++|_++(?!\w)"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Problem:
    """Something wrong in an article: its line (from 1), what it is and what to do about it."""

    line: int
    code: str
    message: str
    path: Path | str | None = None

    @property
    def is_note(self) -> bool:
        """Whether this is worth a look and yet no mistake."""
        return self.code in NOTES

    def __str__(self) -> str:
        return f"{self.path or 'article'}:{self.line}: {self.code} {self.message}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Article:
    """An article as read.

    `slots` are the names of the slots that need a fact, in order of first appearance; `segments`
    is the body in order, text and slots; `headline` is the H1 in the same form;
    `property_lines` has the line of each attribute, by its name in lower case.
    """

    path: Path | str | None
    properties: Properties
    description: str
    slots: tuple[str, ...]
    problems: tuple[Problem, ...]
    segments: tuple[str | Slot, ...]
    headline: tuple[str | Slot, ...]
    property_lines: Mapping[str, int]

    @property
    def title(self) -> str:
        """The text of the H1, without its marks, slots as their defaults; empty without an H1."""
        return _plain("".join(_defaults(self.headline)))

    @property
    def scenarios(self) -> tuple[str, ...]:
        """The scenarios of diagnosticScenario, a comma-separated list."""
        return _listed(self.properties.get("diagnosticScenario", ""))

    @property
    def article_id(self) -> str:
        """The articleId; without one the first scenario; without either nothing."""
        own = self.properties.get("articleId", "").strip()
        return own or next(iter(self.scenarios), "")

    @property
    def clouds(self) -> frozenset[str]:
        """The clouds that cloudEnvironments names, in Azure's own spelling of them."""
        words = map(str.casefold, self._cloud_words)
        return frozenset(CLOUDS[word] for word in words if word in CLOUDS)

    @property
    def unknown_clouds(self) -> tuple[str, ...]:
        """The words of cloudEnvironments that name no cloud, as spelled."""
        return tuple(word for word in self._cloud_words if word.casefold() not in CLOUDS)

    @property
    def _cloud_words(self) -> tuple[str, ...]:
        return _listed(self.properties.get("cloudEnvironments", ""))

    def line_of(self, name: str) -> int:
        """The line of the header's attribute `name`, in any case; 1 without that attribute."""
        return self.property_lines.get(name.casefold(), 1)

    def render(self, facts: Mapping[str, str]) -> str:
        """The body as Markdown with the facts in its slots; all else as the author wrote it.

        Facts are found by name in any case. Raises MissingFacts, naming every slot without one,
        and BrokenArticle where a slot is closed that was never opened.
        """
        return self.fill(facts, written)

    def title_with(self, facts: Mapping[str, str]) -> str:
        """The text of the H1 with the facts in its slots; raises as `render` does."""
        return _plain(self._fill(self.headline, facts, written))

    def fill(self, facts: Mapping[str, str], write: Callable[[str, Spot], str]) -> str:
        """The body with each fact as `write` spells it for its spot; raises as `render` does."""
        return self._fill(self.segments, facts, write)

    def _fill(
        self,
        segments: Iterable[str | Slot],
        facts: Mapping[str, str],
        write: Callable[[str, Spot], str],
    ) -> str:
        broken = [problem for problem in self.problems if problem.code == "slot-unopened"]
        if broken:
            raise BrokenArticle("; ".join(map(str, broken)), problems=broken)
        known = {key_of(name): fact for name, fact in facts.items()}
        missing = [name for name in self.slots if key_of(name) not in known]
        if missing:
            raise MissingFacts(missing, article=str(self.path or self.article_id or "article"))
        return "".join(
            segment
            if isinstance(segment, str)
            else write(known[key_of(segment.name)], segment.spot)
            if key_of(segment.name) in known
            else segment.default
            for segment in segments
        )


def parse(text: str, *, path: Path | str | None = None) -> Article:
    """The article in `text`; `path` is where its problems say it stands. Never fails."""
    text = text.removeprefix("\ufeff")
    head = header.read(text)
    body = take_apart(text, head.end)
    description, unbalanced = _description(body)
    troubles = [*head.troubles, *body.troubles, *unbalanced]
    titles = (heading for heading in body.survey.headings if heading.level == 1)
    h1 = next((heading for heading in titles if heading.text_start < heading.text_end), None)
    if h1 is None:
        troubles.append((head.end, "title-missing", "give the article a title, a line `# Title`"))
    lines = [line.start() for line in LINE.finditer(text)]
    return Article(
        path=path,
        properties=head.properties,
        description=description,
        slots=body.names,
        problems=tuple(
            Problem(line=bisect_right(lines, at), code=code, message=message, path=path)
            for at, code, message in sorted(troubles)
        ),
        segments=tuple(body.segments(0, len(body.text))),
        headline=tuple(body.segments(h1.text_start, h1.text_end)) if h1 else (),
        property_lines={name: bisect_right(lines, at) for name, at in head.positions.items()},
    )


def _description(body: Body) -> tuple[str, list[Trouble]]:
    """The text between the marks of issueDescription, and what is wrong with the marks.

    Where they are not one pair, it runs from the first mark to the next mark or heading.
    """
    if not body.descriptions:
        return "", []
    kinds = [mark for mark, _, _ in body.descriptions]
    _, start, position = body.descriptions[0]
    ends = [at for _, at, _ in body.descriptions[1:2]]
    troubles = []
    if kinds != [Mark.DESCRIPTION, Mark.DESCRIPTION_END]:
        message = (
            "write one <!--issueDescription--> before the description and one "
            "<!--/issueDescription--> after it"
        )
        troubles.append((position, "description-unbalanced", message))
        ends += [heading.start for heading in body.survey.headings if heading.start >= start][:1]
    end = min(ends, default=len(body.text))
    return "".join(_defaults(body.segments(start, end))).strip(), troubles


def _defaults(segments: Iterable[str | Slot]) -> Iterator[str]:
    for segment in segments:
        yield segment if isinstance(segment, str) else segment.default


def _plain(markdown: str) -> str:
    """The text of one line of Markdown, as a title shows it."""
    text = _INLINE_MARKS.sub(lambda mark: mark[1] or mark[2] or "", markdown)
    return " ".join(html.unescape(text).split())


def _listed(value: str) -> tuple[str, ...]:
    return tuple(word for part in value.split(",") if (word := part.strip()))
