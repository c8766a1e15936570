"""The pages and their JSON: what was told, for people and for programs, from the store.

Whichever server asks, the Functions host or `serve`, gives a Request and sends the Response. Nobody
is asked but the store, and no key and no secret is in what comes back.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial
from itertools import chain
from typing import Any, Final, Literal
from urllib.parse import quote

from detector.app.lookup import BadQuestion, Lookup, choice_of, list_of
from detector.boundary import contained
from detector.errors import DetectorError, JournalUnavailable
from detector.insights import Fleet, Insight, to_markdown
from detector.journal import is_failover_id
from detector.pages import to_fleet_page, to_notice, to_page
from detector.version import VERSION

Form = Literal["html", "json", "md"]

SAFE: Final[Mapping[str, str]] = {
    "Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'; img-src data:; "
    "form-action 'self'; base-uri 'none'; frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "private, no-cache",
    "Vary": "Accept",
}
"""What every answer says to a browser: no script, no guessing, no frame, and ask again."""

_TYPES: Final[Mapping[Form, str]] = {
    "html": "text/html",
    "json": "application/json",
    "md": "text/markdown",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """What somebody asks: the query's parameters, and the two headers that count."""

    query: Mapping[str, str] = field(default_factory=dict)
    accept: str = ""
    if_none_match: str = ""

    @classmethod
    def of(cls, query: Mapping[str, str], headers: Mapping[str, str]) -> Request:
        """What these parameters and headers ask, the names of the headers in whatever case."""
        lowered = {name.lower(): value for name, value in headers.items()}
        return cls(
            query=query,
            accept=lowered.get("accept", ""),
            if_none_match=lowered.get("if-none-match", ""),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Response:
    """What they get; a body of 304 is empty."""

    status: int
    body: str = ""
    form: Form = "json"
    headers: Mapping[str, str] = field(default_factory=lambda: SAFE)

    def arguments(self) -> dict[str, Any]:
        """What the Functions host's own response is made of."""
        return {
            "body": self.body,
            "status_code": self.status,
            "headers": dict(self.headers),
            "mimetype": _TYPES[self.form],
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Site:
    """Every page of one store."""

    lookup: Lookup

    def failovers(self, request: Request, *, now: datetime) -> Response:
        """The fleet, as a page or as `{asOf, lastComplete, failovers}`."""

        def answer(form: Form) -> Response:
            choice = choice_of(request.query, now=now)
            fleet = self.lookup.fleet(
                choice, now=now, page_of=lambda each: f"./failovers/{quote(each)}"
            )
            # What is late looks otherwise though nothing changed in the store.
            content = [f"{each.id}:{each.revision}" for each in (*fleet.listed, *fleet.recent)]
            facts = (fleet.last_complete, fleet.is_late, fleet.checked_at, now.date(), choice)
            gateways = (fleet.unreadable, fleet.gateways, fleet.known)
            named = [each.id for each in fleet.known], [each.gateway_id for each in fleet.recent]
            watched = [fleet.watched(each) for each in dict.fromkeys([None, *chain(*named)])]
            content += map(repr, (facts, gateways, watched))
            return _tagged(request, form, content, lambda: _listed(fleet, form))

        return _answered(request, answer, forms=("html", "json"))

    def failover(self, failover_id: str, request: Request) -> Response:
        """One insight: its page, its document or its Markdown."""

        def answer(form: Form) -> Response:
            if not is_failover_id(failover_id):
                raise BadQuestion("a failover's id is like 20261122T021407123Z-1a2b3c4d5e6f")
            document = self.lookup.archive.document(failover_id)
            if document is None:
                return told(404, form, f"There is no failover {failover_id} in the store.")
            text = text_of(document)
            return _tagged(request, form, [text], lambda: rendered(text, form))

        return _answered(request, answer, forms=("html", "json", "md"))


def _answered(
    request: Request, answer: Callable[[Form], Response], *, forms: Sequence[Form]
) -> Response:
    """The answer in the form that was asked for; what is wrong is a page of its own, too."""
    form = _negotiated(request.accept, forms)
    asked = request.query.get("format", "")
    try:
        if asked:
            form = _named(asked, forms)
        return answer(form)
    except BadQuestion as error:
        return told(400, form, f"This cannot be asked for: {error}.")
    except JournalUnavailable as error:
        return told(503, form, f"The store did not answer: {error}.")


def _named(text: str, forms: Sequence[Form]) -> Form:
    for form in forms:
        if form == text:
            return form
    raise BadQuestion(f"`format` is one of {', '.join(forms)}")


def _negotiated(accept: str, forms: Sequence[Form]) -> Form:
    """The form that an Accept header names with the greatest weight; JSON where it names none.

    Browsers name HTML; programs that take anything get JSON.
    """
    weights: dict[str, float] = {}
    for entry in accept.lower().split(","):
        kind, *parameters = (part.strip() for part in entry.split(";"))
        weight = next((each[2:] for each in parameters if each.startswith("q=")), "1")
        with suppress(ValueError):
            weights[kind] = float(weight)
    named = [form for form in forms if weights.get(_TYPES[form], 0) > 0]
    return max(named, key=lambda form: weights[_TYPES[form]], default="json")


def answered(request: Request, status: int, text: str) -> Response:
    """What went wrong, in the form that was asked for."""
    return told(status, _negotiated(request.accept, ("html", "json")), text)


def told(status: int, form: Form, text: str) -> Response:
    """What went wrong, as a page or as `{error}`."""
    if form == "html":
        titles = {400: "Not understood", 403: "Not signed in", 404: "Not found"}
        return Response(
            status=status, body=to_notice(titles.get(status, "Not available"), text), form="html"
        )
    return Response(status=status, body=json.dumps({"error": text}), form="json")


def _tagged(
    request: Request, form: Form, content: Sequence[str], render: Callable[[], str]
) -> Response:
    """The rendering of this content, or 304 to whoever has it."""
    digest = hashlib.sha256("\0".join([VERSION, form, *content]).encode()).hexdigest()[:32]
    headers = {**SAFE, "ETag": f'"{digest}"'}
    known = {each.strip().removeprefix("W/") for each in request.if_none_match.split(",")}
    if known & {"*", f'"{digest}"'}:
        return Response(status=304, form=form, headers=headers)
    return Response(status=200, body=render(), form=form, headers=headers)


def _listed(fleet: Fleet, form: Form) -> str:
    if form == "html":
        return to_fleet_page(fleet)
    return json.dumps(list_of(fleet.now, fleet.last_complete, fleet.listed))


def text_of(document: bytes) -> str:
    """The text of a file that is to be a document; raises JournalUnavailable where it is none."""
    try:
        return document.decode()
    except UnicodeDecodeError as error:
        raise JournalUnavailable("the document is no text; restore it or delete it") from error


def rendered(document: str, form: Form) -> str:
    """The document of an insight in that form; raises JournalUnavailable where it is none."""
    if form == "json":
        return document
    made = contained("the document", partial(_rendered, document, form))
    if isinstance(made, DetectorError):
        raise JournalUnavailable(
            "the document cannot be read; ask for it with format=json"
        ) from made
    return made


def _rendered(document: str, form: Form) -> str:
    insight = Insight.model_validate_json(document, extra="ignore")
    return to_page(insight, fleet="../failovers") if form == "html" else to_markdown(insight)
