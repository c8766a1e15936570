"""The errors of the detector, drawn by who must act.

    DetectorError
    ├── ArticleError            the author of an article
    │   ├── BrokenArticle           it cannot be rendered at all (a closer without its opener)
    │   ├── MissingFacts            slots that no fact fills
    │   └── CatalogError            every problem of a folder of articles
    ├── OperatorError           the operator: settings, permissions, files
    │   ├── SettingsError           every setting that is missing or malformed
    │   ├── RecordingError          a recording that cannot be read
    │   ├── LogsRefused             a scope that Log Analytics refuses to answer for
    │   └── DeliveryRefused         a sink that will never take this insight
    ├── Unforeseen              whoever keeps the detector: a defect, by its kind and place
    ├── RunFailed               whoever watches: parts of a run failed, each named
    └── PassingError            nobody: the next run may succeed
        ├── LogsUnavailable         a scope that did not answer in full
        ├── FactUnknown             a fact that could not be had
        ├── JournalUnavailable      the store did not answer
        ├── JournalConflict         another run wrote this history first
        └── DeliveryFailed          a sink that did not take an insight now

Each message says what is wrong, where, and what to do; the evidence stands in attributes.
No message holds a secret: URLs of sinks are named by kind and fingerprint.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from typing import Literal


class DetectorError(Exception):
    """The root of every error that the detector raises on purpose."""


class ArticleError(DetectorError):
    """The author of an article must act."""


class BrokenArticle(ArticleError):
    """An article that cannot be rendered; `problems` say where and what to do."""

    def __init__(self, message: str, *, problems: Sequence[object] = ()) -> None:
        super().__init__(message)
        self.problems = tuple(problems)


class MissingFacts(ArticleError):
    """Slots without a fact; `names` holds every one, as the article spells it, in order."""

    def __init__(self, names: Sequence[str], *, article: str) -> None:
        self.names = tuple(names)
        self.article = article
        listed = ", ".join(self.names)
        super().__init__(f"{article}: no fact for {listed}; give a value for each of these slots")


class CatalogError(ArticleError):
    """A folder of articles with problems; `problems` holds all of them, one text line each."""

    def __init__(self, problems: Sequence[object], *, folder: str) -> None:
        self.problems = tuple(problems)
        lines = "\n".join(f"  {problem}" for problem in self.problems)
        super().__init__(f"{len(self.problems)} problem(s) in the articles of {folder}:\n{lines}")


class OperatorError(DetectorError):
    """The operator must act: a setting, a permission, a file."""


class SettingsError(OperatorError):
    """Settings that are missing or malformed; `problems` maps each one's name to what to do."""

    def __init__(self, problems: dict[str, str]) -> None:
        self.problems = dict(problems)
        lines = "\n".join(f"  {name}: {what}" for name, what in self.problems.items())
        super().__init__(f"{len(self.problems)} setting(s) to mend:\n{lines}")


class RecordingError(OperatorError):
    """A recording that is not there or holds nothing that can be read."""


class Unforeseen(DetectorError):
    """A defect stopped one part of a run, at `place`; `why` names its kind and where in the code.

    `trace` has the calls that led to it, for the log at DEBUG. None of these holds a value: the
    text of an exception that is not the detector's own is not known to be free of secrets.
    """

    def __init__(self, place: str, kind: str, *, trace: str = "") -> None:
        self.place = place
        self.why = f"failed unexpectedly ({kind})"
        self.trace = trace
        super().__init__(
            f"{place}: {self.why}, and is left to the next run; the others went on. "
            "Please report it"
        )


class RunFailed(DetectorError):
    """Parts of a run failed, after everything else was done; `problems` names all but `more`."""

    def __init__(self, problems: Sequence[str], *, more: int = 0) -> None:
        self.problems = tuple(problems)
        lines = "".join(f"\n  {problem}" for problem in self.problems)
        rest = f"\n  and {more} more" if more else ""
        super().__init__(f"{len(self.problems) + more} part(s) of the run failed:{lines}{rest}")


class PassingError(DetectorError):
    """Nobody must act: the next run may succeed."""


class LogsRefused(OperatorError):
    """Log Analytics will not answer for `scope` until somebody changes something."""

    def __init__(self, message: str, *, scope: str) -> None:
        super().__init__(message)
        self.scope = scope


class LogsUnavailable(PassingError):
    """Log Analytics did not answer for `scope` in full; the next run asks again."""

    def __init__(self, message: str, *, scope: str) -> None:
        super().__init__(message)
        self.scope = scope


UnknownKind = Literal["gone", "refused", "no answer", "other"]
"""Why a fact could not be had: its resource is gone (404), the permission is missing (401, 403), or
nobody answered (429, 5xx, no connection, no time), which another run may mend."""


class FactUnknown(PassingError):
    """A fact that could not be had; `why` completes the slot's `unknown (why)`.

    `kind` is the same for a rule to decide by.
    """

    def __init__(self, why: str, *, kind: UnknownKind = "other") -> None:
        super().__init__(why)
        self.why = why
        self.kind = kind


class JournalUnavailable(PassingError):
    """The store of the journal did not answer; nothing was written."""


class JournalConflict(PassingError):
    """Another run wrote this history since it was loaded; load it again and reconcile again."""


class DeliveryFailed(PassingError):
    """A sink did not take an insight now; not before `retry_after` has passed, where it said so."""

    def __init__(self, message: str, *, retry_after: timedelta | None = None) -> None:
        super().__init__(message)
        self.retry_after = retry_after


class DeliveryRefused(OperatorError):
    """A sink will never take this insight as it stands (400, 401, 403, 404, 410, 413)."""
