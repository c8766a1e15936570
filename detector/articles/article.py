"""A self-help article: text -> Article; Article and facts -> Markdown.

An article is a header, a title, and Markdown with slots. Reading is tolerant of whatever authors
have written: it never fails, and what is wrong is told as problems. What goes into the slots is
written so that it cannot act as markup where it stands; all other text stays as it is, byte for
byte. Reading and rendering are linear in the article's length, whatever it contains.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from types import MappingProxyType
from typing import Final

from detector.articles import header
from detector.articles.escape import Spot, escaped, visible
from detector.articles.header import Header, Properties, Trouble, line_starts
from detector.articles.slots import Body, Slot, key_of, take_apart
from detector.errors import BrokenArticle, MissingFacts

# The words of cloudEnvironments, and the clouds they mean; blackForest, the German one, is closed.
CLOUD_WORDS: Final[Mapping[str, str]] = MappingProxyType(
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


@dataclass(frozen=True, slots=True, kw_only=True)
class Problem:
    """Something wrong in an article: its line (from 1), what it is and what to do about it.

    What is wrong with a file or a folder as a whole has line 0.
    """

    line: int
    code: str
    message: str
    path: Path | str | None = None

    @property
    def is_note(self) -> bool:
        """Whether this is worth a look and yet no mistake."""
        return self.code in NOTES

    def __str__(self) -> str:
        place = f"{self.path or 'article'}" + (f":{self.line}" if self.line else "")
        return f"{place}: {self.code} {self.message}"


@dataclass(frozen=True, kw_only=True)  # no slots: its troubles are found once, when first asked for
class Article:
    """An article as read: its whole text, the header, and the body taken apart.

    What needs the body's Markdown to be read (rendering, the title, notes) waits until it is asked
    for, so an article that is only looked at costs little.
    """

    path: Path | str | None
    text: str
    header: Header
    body: Body

    @property
    def properties(self) -> Properties:
        """The attributes of the header."""
        return self.header.properties

    @property
    def slots(self) -> tuple[str, ...]:
        """The names of the slots that need a fact, in order of first appearance."""
        return self.body.names

    @property
    def title(self) -> str:
        """The text of the H1, without its marks, slots as their defaults; empty without an H1."""
        return _title(self.body.title, {})

    @property
    def description(self) -> str:
        """The description of the issue, slots as their defaults; empty without one."""
        return self.body.description

    @property
    def mistakes(self) -> tuple[Problem, ...]:
        """What must be mended before the article is shipped, in order."""
        return self._problems(self._troubles)

    @property
    def problems(self) -> tuple[Problem, ...]:
        """The mistakes, and the notes on what is only worth a look, in order."""
        return self._problems([*self._troubles, *self.body.notes])

    @cached_property
    def _troubles(self) -> list[Trouble]:
        troubles = [*self.header.troubles, *self.body.troubles]
        if not self.body.has_title:
            message = "give the article a title, a line `# Title`"
            troubles.append((self.header.end, "title-missing", message))
        return troubles

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
        return frozenset(CLOUD_WORDS[word] for word in words if word in CLOUD_WORDS)

    @property
    def unknown_clouds(self) -> tuple[str, ...]:
        """The words of cloudEnvironments that name no cloud, as spelled."""
        return tuple(word for word in self._cloud_words if word.casefold() not in CLOUD_WORDS)

    @property
    def _cloud_words(self) -> tuple[str, ...]:
        return _listed(self.properties.get("cloudEnvironments", ""))

    def line_of(self, name: str) -> int:
        """The line of the header's attribute `name`, in any case; 1 without that attribute."""
        return self._line(self.header.positions.get(name.casefold(), 0))

    def render(self, facts: Mapping[str, str]) -> str:
        """The body as Markdown with the facts in its slots; all else as the author wrote it.

        Facts are found by name in any case. Raises MissingFacts, naming every slot without one,
        and BrokenArticle where a slot is closed that was never opened.
        """
        return _filled(self.body.segments, self._known(facts), escaped)

    def title_with(self, facts: Mapping[str, str]) -> str:
        """The text of the H1 with the facts in its slots; raises as `render` does."""
        return _title(self.body.title, self._known(facts))

    def _known(self, facts: Mapping[str, str]) -> dict[str, str]:
        """The facts by `key_of` their names, if there is one for each slot."""
        broken = [problem for problem in self.mistakes if problem.code == "slot-unopened"]
        if broken:
            raise BrokenArticle("; ".join(map(str, broken)), problems=broken)
        known = {key_of(name): fact for name, fact in facts.items()}
        missing = [name for name in self.slots if key_of(name) not in known]
        if missing:
            raise MissingFacts(missing, article=str(self.path or self.article_id or "article"))
        return known

    def _problems(self, troubles: Iterable[Trouble]) -> tuple[Problem, ...]:
        return tuple(
            Problem(line=self._line(at), code=code, message=message, path=self.path)
            for at, code, message in sorted(troubles)
        )

    def _line(self, position: int) -> int:
        return bisect_right(self._line_starts, position)

    @cached_property
    def _line_starts(self) -> tuple[int, ...]:
        return line_starts(self.text)


def parse(text: str, *, path: Path | str | None = None) -> Article:
    """The article in `text`; `path` is where its problems say it stands. Never fails."""
    text = text.removeprefix("\ufeff")
    head = header.read(text)
    return Article(path=path, text=text, header=head, body=take_apart(text, head.end))


def _filled(
    segments: Iterable[str | Slot],
    known: Mapping[str, str],
    spell: Callable[[str, Spot], str],
) -> str:
    """The segments with each fact as `spell` puts it in its spot; without one, the default."""
    return "".join(
        segment
        if isinstance(segment, str)
        else spell(known[key_of(segment.name)], segment.spot)
        if key_of(segment.name) in known
        else segment.default
        for segment in segments
    )


def _title(segments: Iterable[str | Slot], known: Mapping[str, str]) -> str:
    """A title is text, so the facts in it stand as they are, on one line."""
    return " ".join(_filled(segments, known, lambda fact, _: visible(fact)).split())


def _listed(value: str) -> tuple[str, ...]:
    return tuple(word for part in value.split(",") if (word := part.strip()))
