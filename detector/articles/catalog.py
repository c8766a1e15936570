"""The articles that are shipped: articles/ -> Catalog, or every problem at once.

Reading an article is tolerant; what is shipped must be right. A scenario has one article, an
article names its scenarios, its title and its clouds, and its marks are balanced.
An article without cloudEnvironments applies nowhere, so that is a problem, too.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from detector.articles.article import Article, Problem, parse
from detector.errors import CatalogError
from detector.files import content_of


@dataclass(frozen=True, slots=True, kw_only=True)
class Catalog:
    """Articles by the scenario that each is for, compared in any case."""

    _articles: Mapping[str, Article]

    def find(self, scenario: str, *, cloud: str) -> Article | None:
        """The article for a scenario, if it applies to `cloud` (as Azure spells it: AzureCloud)."""
        article = self._articles.get(scenario.strip().casefold())
        return article if article and _applies(article, cloud) else None

    @property
    def scenarios(self) -> tuple[str, ...]:
        """Every scenario that an article is for, as the articles spell them, in alphabetical order.

        An article for it need not apply to every cloud.
        """
        spelled = (scenario for article in self for scenario in article.scenarios)
        return tuple(sorted(spelled, key=str.casefold))

    def __iter__(self) -> Iterator[Article]:
        """Every article once, in the order of their files."""
        return iter({id(article): article for article in self._articles.values()}.values())

    def __len__(self) -> int:
        return sum(1 for _ in self)


def load(folder: Path) -> Catalog:
    """The articles of a folder and the folders in it; CatalogError holds all that is wrong."""
    articles, mistakes = _read([folder], lambda article: article.mistakes)
    if mistakes:
        raise CatalogError(mistakes, folder=str(folder))
    by_scenario = {name.casefold(): article for article in articles for name in article.scenarios}
    return Catalog(_articles=by_scenario)


def read(file: Path) -> Article:
    """One article, whatever is wrong in it; CatalogError where the file itself cannot be read.

    It may come through a pipe.
    """
    try:
        return _article(file.read_bytes(), file)
    except (OSError, UnicodeDecodeError) as error:
        raise CatalogError([_unreadable(file, error)], folder=str(file)) from error


def check(paths: Iterable[Path]) -> list[Problem]:
    """What is wrong in articles, given as files and folders, in the order of files and lines.

    Some are only notes (`Problem.is_note`): worth a look, and no reason not to ship the article.
    """
    return _read(paths, lambda article: article.problems)[1]


def _read(
    paths: Iterable[Path], problems_of: Callable[[Article], Iterable[Problem]]
) -> tuple[list[Article], list[Problem]]:
    articles: list[Article] = []
    problems: list[Problem] = []
    taken: dict[str, Path] = {}
    for path in paths:
        files = _within(path) if path.is_dir() else [path]
        if not files:
            message = "no article (*.md) in this folder: add one, or name another folder"
            problems.append(Problem(line=0, code="articles-missing", message=message, path=path))
        for file in files:
            try:
                article = _article(content_of(file), file)
            except (OSError, UnicodeDecodeError) as error:
                problems.append(_unreadable(file, error))
                continue
            articles.append(article)
            own = [*problems_of(article), *_mistakes(article), *_repeated(article, file, taken)]
            problems += sorted(own, key=lambda problem: problem.line)
    return articles, problems


def _within(folder: Path) -> list[Path]:
    return sorted(file for file in folder.rglob("*") if file.suffix.lower() == ".md")


def _article(content: bytes, file: Path) -> Article:
    return parse(content.decode("utf-8-sig"), path=file)  # line ends stay as they are


def _unreadable(file: Path, error: OSError | UnicodeDecodeError) -> Problem:
    if isinstance(error, OSError):
        message = f"{error.strerror}: name a file or a folder that is there and can be read"
        return Problem(line=0, code="file-unreadable", message=message, path=file)
    line = error.object[: error.start].count(b"\n") + 1
    message = f"byte {error.start} is not UTF-8: save the file as UTF-8"
    return Problem(line=line, code="file-encoding", message=message, path=file)


def _mistakes(article: Article) -> Iterator[Problem]:
    """What makes an article useless that can be read very well."""
    if not article.scenarios:
        message = 'name the scenario that the article is for: diagnosticScenario="…"'
        yield _at(article, "diagnosticScenario", "scenario-missing", message)
    for word in article.unknown_clouds:
        message = f"{word} is no cloud: write Public, Fairfax, Mooncake, usnat or ussec"
        yield _at(article, "cloudEnvironments", "cloud-unknown", message)
    if not article.clouds and not article.unknown_clouds:
        message = 'the article applies to no cloud: name them, as in cloudEnvironments="Public"'
        yield _at(article, "cloudEnvironments", "cloud-missing", message)


def _repeated(article: Article, file: Path, taken: dict[str, Path]) -> Iterator[Problem]:
    for scenario in article.scenarios:
        other = taken.setdefault(scenario.casefold(), file)
        if other != file:
            message = f"{scenario} has an article already, {other}: keep one"
            yield _at(article, "diagnosticScenario", "scenario-duplicate", message)


def _at(article: Article, name: str, code: str, message: str) -> Problem:
    """A problem on the line of the attribute `name`, or on the first line without it."""
    return Problem(line=article.line_of(name), code=code, message=message, path=article.path)


def _applies(article: Article, cloud: str) -> bool:
    return cloud.casefold() in {name.casefold() for name in article.clouds}
