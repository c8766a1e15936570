"""What a user gives the command line, in arguments and in the environment, as values.

Each raises what says how to give it: a usage error for an argument, OperatorError for a file.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Final, TypeVar, get_args
from urllib.parse import quote
from zoneinfo import ZoneInfo

import typer

from detector.articles import key_of
from detector.errors import OperatorError, SettingsError

if TYPE_CHECKING:
    from detector.app.settings import Settings
    from detector.model import Scope, Window

T = TypeVar("T")

PORTAL: Final = "https://portal.azure.com/#resource"
"""The portal's page of a resource, before its id; of the public cloud."""


def environment() -> dict[str, str]:
    """The environment, over what `local.settings.json` gives, as the Functions tools do it."""
    path = Path("local.settings.json")
    if not path.exists():
        return dict(os.environ)
    try:
        given = json.loads(path.read_text(encoding="utf-8-sig"))
        values = given["Values"].items()
        encrypted = given.get("IsEncrypted", False)
    except OSError as error:
        raise OperatorError(f"{path}: {error.strerror}; make it readable, or move it") from error
    except (ValueError, KeyError, AttributeError, TypeError, RecursionError) as error:
        raise OperatorError(f"{path} is no JSON object with `Values` in it; mend it") from error
    if encrypted:
        raise OperatorError(f"{path} is encrypted; run `func settings decrypt`")
    return {str(name): str(value) for name, value in values if value is not None} | dict(os.environ)


_ANY_SCOPE: Final = "11111111-1111-4111-8111-111111111111"


def settings(app: str | None, group: str | None) -> Settings:
    """The settings of the environment, or of the deployed app `app` in its resource group."""
    from detector.app.settings import Settings

    return Settings.read(environment_of(app, group))


def store_settings(app: str | None, group: str | None) -> tuple[Settings, Sequence[Scope]]:
    """The same for what only reads the store, with the scopes, of which none has to be set."""
    from detector.app.settings import Settings

    given = environment_of(app, group)
    if any(value.strip() for name, value in given.items() if name.upper() == "DETECTOR_SCOPES"):
        read = Settings.read(given)
        return read, read.scopes
    return Settings.read({**given, "DETECTOR_SCOPES": _ANY_SCOPE}), ()


def environment_of(app: str | None, group: str | None) -> dict[str, str]:
    """The environment, or that of the deployed app `app` in its resource group."""
    if app is None:
        if group is not None:
            raise typer.BadParameter("--group needs --app")
        return environment()
    if group is None:
        raise typer.BadParameter("--app needs --group, its resource group")
    from detector.app.console import say, waiting
    from detector.app.deployed import settings_of_app

    with waiting("Asking for the app's settings"):
        taken, references = settings_of_app(app, group)
    for name in references:
        say(f"note: {name} of {app} is a reference, which only the app can read; it is left out")
    return taken


def to_run(scopes: Sequence[str], last: str | None) -> dict[str, str]:
    """The environment, with the scopes and the length that a run is given instead of its own."""
    instead = {"DETECTOR_SCOPES": ",".join(scopes)} if scopes else {}
    if last is not None:
        instead |= {"DETECTOR_LOOKBACK": last, "DETECTOR_CATCH_UP": last}
    kept = {name: value for name, value in environment().items() if name.upper() not in instead}
    return kept | instead


def rehearsal(given: dict[str, str], folder: Path) -> Settings:
    """The settings for a dry run, which needs no storage: without one, `folder` is the store."""
    from detector.app.settings import Settings, with_defaults

    known = with_defaults(given)
    has_storage = any(name.startswith("AZUREWEBJOBSSTORAGE") for name in known)
    if not has_storage and known["DETECTOR_STORE"].startswith("blob:"):
        given |= {"DETECTOR_STORE": f"file:{folder}", "DETECTOR_QUEUE": ""}
    return Settings.read(given)


def articles() -> Path:
    """The folder of articles where no setting is needed: `DETECTOR_ARTICLES`, or those shipped."""
    from detector.app import forms
    from detector.app.settings import with_defaults

    return forms.articles(with_defaults(environment())["DETECTOR_ARTICLES"])


def cloud() -> str:
    """The cloud where no setting is needed: `DETECTOR_CLOUD`, or the public one."""
    from detector.app.forms import CloudName
    from detector.app.settings import with_defaults

    known = get_args(CloudName)
    name = with_defaults(environment())["DETECTOR_CLOUD"]
    if name not in known:
        raise SettingsError({"DETECTOR_CLOUD": f"give one of {', '.join(known)}"})
    return name


def digest(text: str | None) -> timedelta:
    """The length that `--digest` gives, else `DETECTOR_DIGEST` or its default."""
    from detector.app import forms
    from detector.app.settings import DEFAULTS

    if text is not None:
        try:
            return forms.digest(text)
        except ValueError as error:
            raise typer.BadParameter(f"{text!r}: {error}") from error
    name = "DETECTOR_DIGEST"
    return _setting(name, environment().get(name) or DEFAULTS[name], forms.digest)


def time_zone() -> ZoneInfo | None:
    """The zone where no setting is needed: `DETECTOR_TIME_ZONE`, or none."""
    from detector.app import forms

    name = "DETECTOR_TIME_ZONE"
    return _setting(name, environment().get(name) or "", forms.zone)


def _setting(name: str, text: str, read: Callable[[str], T]) -> T:
    try:
        return read(text)
    except ValueError as error:
        raise SettingsError({name: str(error)}) from error


def time(text: str) -> datetime:
    """The instant that an option gives."""
    from detector.signals import UnreadableRow, instant

    try:
        return instant(text)
    except UnreadableRow as error:
        raise typer.BadParameter(
            f"{text!r} is no ISO 8601 time, as 2026-11-22T03:10:00Z"
        ) from error


def window(start: str, end: str) -> Window:
    """The window that `--from` and `--to` give."""
    from detector.model import Window

    given = Window(start=time(start), end=time(end))
    if given.end <= given.start:
        raise typer.BadParameter("--to must be later than --from")
    return given


def since(text: str | None, *, now: datetime) -> str:
    """The beginning that `--since` gives, where it is a duration as a time; empty for none."""
    if text is None or not text.startswith("P"):
        return text or ""
    from detector.app import forms

    try:
        return (now - forms.duration(text)).isoformat()
    except (ValueError, OverflowError) as error:
        raise typer.BadParameter(f"{text!r}: {error}") from error


def gateway_id(text: str) -> str:
    """The id of a gateway, in lower case."""
    from detector.signals import is_gateway_id

    lowered = text.strip().lower().rstrip("/")
    if not is_gateway_id(lowered):
        raise typer.BadParameter(
            f"{text!r} is no gateway's id; give /subscriptions/…/virtualNetworkGateways/<name>"
        )
    return lowered


def facts(given: Sequence[str]) -> dict[str, str]:
    """The facts of `--fact name=value`, each name once, in whatever case."""
    read: dict[str, str] = {}
    for fact in given:
        name, separator, value = fact.partition("=")
        if not separator or not name.strip():
            raise typer.BadParameter(f"--fact {fact!r} is not of the form name=value")
        if key_of(name) in map(key_of, read):
            raise typer.BadParameter(f"--fact {name.strip()} is given twice; give it once")
        read[name.strip()] = value
    return read


def portal_page(facts: Mapping[str, str]) -> str | None:
    """The portal's page of the resource that the facts name, if they name one."""
    ids = {key_of(name): value for name, value in facts.items()}
    resource_id = ids.get(key_of("resourceIdDecoded"), "")
    if not resource_id.startswith("/"):
        return None
    return PORTAL + quote(resource_id)
