"""The forms in which settings are written: each a type, read from text by its own rule.

A ValueError says what to write instead. It quotes nothing that may hold a secret.
"""

from __future__ import annotations

import base64
import binascii
import re
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Annotated, Final, Literal
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import PlainValidator, SecretStr, TypeAdapter, ValidationError, ValidationInfo

from detector.insights import Severity
from detector.model import Scope
from detector.runs import Schedule

APP: Final = Path(__file__).parents[2]
"""The app's folder, which holds function_app.py and articles/."""

IS_INSTALLED: Final = not (APP / "function_app.py").is_file()
"""Whether this is the installed package, which has its articles in itself and no app around it."""

_ARTICLES: Final = "articles"

SCOPES_RULE: Final = (
    "name what to query, separated by commas: GUIDs of Log Analytics workspaces, or ARM ids "
    "of subscriptions, resource groups or gateways"
)
_GUID: Final = r"[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}"
_SCOPE: Final = re.compile(
    rf"{_GUID}"
    rf"|/subscriptions/{_GUID}"
    r"(?:/resourcegroups/[\w().-]+(?:/providers/microsoft\.network/virtualnetworkgateways/[\w.-]+)?)?"
)
_WORKSPACE: Final = re.compile(r"/.*/microsoft\.operationalinsights/workspaces/[^/]+")
# Naming and Referencing Containers; Naming Queues and Metadata: the same rule for both.
_STORE_NAME: Final = re.compile(r"(?=.{3,63}$)[a-z0-9]+(?:-[a-z0-9]+)*")
_STORE_NAME_RULE: Final = (
    "3 to 63 lower-case letters, digits and single hyphens, a letter or digit at either end"
)
_MOST_SCOPES_TOLD: Final = 20
# What a scope could have been meant to be: no sign of a URL, a connection string or a signature,
# and no long run of letters and digits as keys and tokens have it.
_QUOTABLE: Final = re.compile(r"(?!.*(?=[a-z]*\d)(?=\d*[a-z])[a-z\d]{20})[\w.() /-]{1,400}")
_NO_GUID: Final = "00000000-0000-0000-0000-000000000000"
# A comma may stand inside an Apprise URL: only one before white space or a scheme separates.
_SEVERITIES: Final = "|".join(Severity)
_BETWEEN_NOTIFY_URLS: Final = re.compile(
    rf",?\s+|,(?=(?:(?:{_SEVERITIES})=)?[A-Za-z][A-Za-z0-9+.-]*://)"
)
_NOTIFY_URL: Final = re.compile(
    rf"(?:(?P<least>{_SEVERITIES})=)?(?P<url>[A-Za-z][A-Za-z0-9+.-]*://.+)"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class BlobStore:
    """The journal and the insights in a container of the storage account."""

    container: str


@dataclass(frozen=True, slots=True, kw_only=True)
class FolderStore:
    """The journal and the insights in a folder of this machine."""

    folder: Path


@dataclass(frozen=True, slots=True, kw_only=True)
class NotifyUrl:
    """An Apprise URL, and the least severity that is sent to it."""

    url: SecretStr
    least: Severity = Severity.INFO


def _scopes(text: str) -> tuple[Scope, ...]:
    entries = [entry.strip().rstrip("/").lower() for entry in text.split(",") if entry.strip()]
    problems = [
        problem
        for number, entry in enumerate(entries, start=1)
        if (problem := _not_a_scope(entry, f"number {number} of {len(entries)}"))
    ]
    if len(problems) > _MOST_SCOPES_TOLD:
        problems[_MOST_SCOPES_TOLD:] = [f"and {len(problems) - _MOST_SCOPES_TOLD} more"]
    if problems or not entries:
        raise ValueError("; ".join(problems) or SCOPES_RULE)
    return tuple(Scope(id=entry) for entry in dict.fromkeys(entries))


def _not_a_scope(entry: str, place: str) -> str | None:
    """Why an entry is no scope, None where it is one; one that may hold a secret is not quoted."""
    name = repr(entry) if _QUOTABLE.fullmatch(entry) else f"{place} (it may hold a secret)"
    if _NO_GUID in entry:
        return f"{name} is a placeholder, give the GUID of your own"
    if _SCOPE.fullmatch(entry):
        return None
    if _WORKSPACE.fullmatch(entry):
        return (
            f"{name} is a workspace's ARM id, give its workspace id, a GUID "
            "(`az monitor log-analytics workspace show --query customerId`)"
        )
    return (
        f"{name} is neither the GUID of a Log Analytics workspace nor the ARM id "
        "of a subscription, a resource group or a virtual network gateway"
    )


def duration(text: str) -> timedelta:
    """The length that is written as ISO 8601 has it. Raises ValueError."""
    try:
        length = TypeAdapter(timedelta).validate_strings(text) if text.startswith("P") else None
    except ValidationError:
        length = None
    if length is None:
        raise ValueError("give an ISO 8601 duration, such as PT6H or P2D")
    return length


def _lookback(text: str) -> timedelta:
    length = duration(text)
    if length < timedelta(hours=1):
        raise ValueError(
            "give PT1H or more: switch-overs up to an hour apart are one failover, "
            "and a run must see them together"
        )
    return length


def _catch_up(text: str, info: ValidationInfo) -> timedelta:
    length = duration(text)
    if length > timedelta(days=90):
        raise ValueError("give P90D or less: the Activity Log is kept no longer")
    if length < info.data.get("lookback", length):
        raise ValueError("give DETECTOR_LOOKBACK or more: every run reads that far back")
    return length


def folder(text: str) -> Path:
    """The folder that `text` names.

    A relative one counts from the app's, wherever it is run; without an app, from where it is run.
    """
    return (Path.cwd() if IS_INSTALLED else APP) / text


def articles(text: str) -> Path:
    """The folder of articles; `articles` is that of those which are shipped."""
    if IS_INSTALLED and text == _ARTICLES:
        return Path(__file__).parents[1] / "articles" / "shipped"
    return folder(text)


def digest(text: str) -> timedelta:
    """How long messages wait to be gathered. Raises ValueError."""
    length = duration(text)
    if not timedelta() <= length <= timedelta(days=1):
        raise ValueError("give PT0S (at once) to P1D")
    return length


def _store(text: str) -> BlobStore | FolderStore:
    kind, _, place = text.partition(":")
    if kind == "file" and place.strip():
        return FolderStore(folder=folder(place.strip()))
    if kind != "blob":
        raise ValueError("give blob:<container> or file:<folder>")
    if not _STORE_NAME.fullmatch(place):
        raise ValueError(f"a container's name is {_STORE_NAME_RULE}")
    return BlobStore(container=place)


def _queue(text: str) -> str | None:
    if text and not _STORE_NAME.fullmatch(text):
        raise ValueError(f"a queue's name is {_STORE_NAME_RULE}; empty for no queue")
    return text or None


def _is_https(url: str) -> bool:
    try:
        parts = urlsplit(url)
        return parts.scheme == "https" and bool(parts.hostname) and parts.port != 0
    except ValueError:  # a bracket without its partner, a port that is no number
        return False


def _endpoint(text: str) -> str:
    if not _is_https(text) or re.search(r"[\s{}@?#]", text):
        raise ValueError("give an https URL without user, query or fragment")
    return text.rstrip("/")


def _regional_endpoint(text: str) -> str:
    _endpoint(text.replace("{region}", "region"))
    return text.rstrip("/")


def _webhook_urls(text: str) -> tuple[SecretStr, ...]:
    urls = [url for url in re.split(r"[,\s]+", text) if url]
    for number, url in enumerate(urls, start=1):
        if not _is_https(url):
            raise ValueError(f"number {number} of {len(urls)} is not an https URL")
    return tuple(SecretStr(url) for url in dict.fromkeys(urls))


def _notify_urls(text: str) -> tuple[NotifyUrl, ...]:
    entries = [each.rstrip(",") for each in _BETWEEN_NOTIFY_URLS.split(text) if each.strip(",")]
    read: dict[str, NotifyUrl] = {}
    for number, entry in enumerate(entries, start=1):
        found = _NOTIFY_URL.fullmatch(entry)
        if found is None:
            raise ValueError(
                f"number {number} of {len(entries)} is not an Apprise URL, which begins with its "
                "scheme, such as workflows:// or mailto://, or with the least severity that it "
                f"is sent ({', '.join(Severity)}) and =; write white space inside a URL as %20"
            )
        known = NotifyUrl(
            url=SecretStr(found["url"]), least=Severity(found["least"] or Severity.INFO)
        )
        if read.setdefault(found["url"], known) != known:
            raise ValueError(
                f"number {number} of {len(entries)} is there before with another severity"
            )
    return tuple(read.values())


def zone(text: str) -> ZoneInfo | None:
    """The time zone of that name, None for none."""
    try:
        return ZoneInfo(text) if text else None
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise ValueError("give a name of the IANA database, such as Europe/Paris") from None


def _switch(text: str) -> bool:
    if text.lower() not in ("true", "false"):
        raise ValueError("give true or false")
    return text.lower() == "true"


def _web_url(text: str) -> str:
    if not _is_https(text) or re.search(r"[\s{}@?#]", text):
        raise ValueError("give the app's https URL without user, query (no key) or fragment")
    return text.rstrip("/")


def _webhook_secret(text: str) -> SecretStr:
    try:
        size = len(base64.b64decode(text.removeprefix("whsec_"), validate=True))
    except (binascii.Error, ValueError):
        size = 0
    if not text.startswith("whsec_") or not 24 <= size <= 64:
        raise ValueError("give whsec_ followed by 24 to 64 random bytes in base64")
    return SecretStr(text)


def _ingestion_rule(text: str) -> str:
    if not re.fullmatch(r"dcr-[0-9a-f]{32}", text):
        raise ValueError("give the rule's immutable id (dcr- and 32 hexadecimal digits)")
    return text


def _connection_string(text: str) -> SecretStr:
    parts = {
        name.lower(): value
        for name, _, value in (part.partition("=") for part in text.strip(";").split(";"))
    }
    is_local = parts.get("usedevelopmentstorage") == "true"
    has_key = bool(parts.get("accountname") and parts.get("accountkey"))
    has_signature = "sharedaccesssignature" in parts and bool(
        parts.keys() & {"accountname", "blobendpoint", "queueendpoint"}
    )
    endpoints = [value for name, value in parts.items() if name.endswith("endpoint")]
    if not (
        all(parts.values())
        and (is_local or has_key or has_signature)
        and all(map(_is_of_the_web, endpoints))
    ):
        raise ValueError("this is no storage connection string (AccountName=…;AccountKey=…)")
    return SecretStr(text)


def _is_of_the_web(url: str) -> bool:
    try:
        parts = urlsplit(url)
        return parts.scheme in {"http", "https"} and bool(parts.hostname)
    except ValueError:
        return False


def _account_name(text: str) -> str:
    if not re.fullmatch(r"[a-z0-9]{3,24}", text):
        raise ValueError("a storage account's name is 3 to 24 lower-case letters and digits")
    return text


def _storage_credential(text: str) -> str:
    if text.lower() != "managedidentity":
        raise ValueError("give managedidentity, or leave it out")
    return text.lower()


Scopes = Annotated[tuple[Scope, ...], PlainValidator(_scopes)]
TimerSchedule = Annotated[Schedule, PlainValidator(Schedule.read)]
Lookback = Annotated[timedelta, PlainValidator(_lookback)]
CatchUp = Annotated[timedelta, PlainValidator(_catch_up)]
CloudName = Literal[
    "AzureCloud", "AzureUSGovernment", "AzureChinaCloud", "AzureUSNat", "AzureUSSec"
]
Articles = Annotated[Path, PlainValidator(articles)]
Store = Annotated[BlobStore | FolderStore, PlainValidator(_store)]
Queue = Annotated[str | None, PlainValidator(_queue)]
Url = Annotated[str, PlainValidator(_endpoint)]
RegionalEndpoint = Annotated[str, PlainValidator(_regional_endpoint)]
WebhookUrls = Annotated[tuple[SecretStr, ...], PlainValidator(_webhook_urls)]
WebhookSecret = Annotated[SecretStr, PlainValidator(_webhook_secret)]
NotifyUrls = Annotated[tuple[NotifyUrl, ...], PlainValidator(_notify_urls)]
Digest = Annotated[timedelta, PlainValidator(digest)]
TimeZone = Annotated[ZoneInfo | None, PlainValidator(zone)]
Switch = Annotated[bool, PlainValidator(_switch)]
WebUrl = Annotated[str, PlainValidator(_web_url)]
IngestionRule = Annotated[str, PlainValidator(_ingestion_rule)]
ConnectionString = Annotated[SecretStr, PlainValidator(_connection_string)]
AccountName = Annotated[str, PlainValidator(_account_name)]
StorageCredential = Annotated[Literal["managedidentity"], PlainValidator(_storage_credential)]
