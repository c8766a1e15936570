"""EDGE: the journal and the insight files in one container, without a request too many.

An idle run costs three: the note of the last run, one list of the histories with their metadata,
and the new note. The container is made when a write finds that there is none.
"""

from __future__ import annotations

from contextlib import suppress
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, Any, Final, TypeVar

from detector.azure.storage import delivery_error, unavailable
from detector.errors import DeliveryFailed, JournalConflict, JournalUnavailable
from detector.insights import Reason, summary_from_text, summary_of, summary_to_text, to_json
from detector.journal import (
    DEADLINE,
    HISTORIES,
    LAST_RUN,
    NO_EARLIER,
    Mark,
    fleet_month,
    fleet_path,
    history_from_json,
    history_key,
    history_path,
    history_to_json,
    insight_path,
    note_from_json,
    note_to_json,
    within,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from datetime import date

    from azure.storage.blob import BlobProperties, ContainerClient

    from detector.insights import Insight, Summary
    from detector.journal import History

T = TypeVar("T")

_ROLE: Final = "Storage Blob Data Owner"
_CONTENT_TYPES: Final = {
    ".json": "application/json",
    ".md": "text/markdown; charset=utf-8",
    "": "text/plain",  # the empty blob of a summary
}
_RACES: Final = 5


class _Blobs:
    """The blobs of one container. An operation takes no longer than `timeout`."""

    def __init__(
        self,
        container: Callable[[], ContainerClient],
        *,
        per_page: int = 5000,
        timeout: timedelta = timedelta(seconds=30),
    ) -> None:
        self._container = cache(container)
        self._per_page = per_page
        self._timeout = timeout

    def _read(self, path: str) -> tuple[bytes | None, str | None]:
        from azure.core.exceptions import ResourceNotFoundError

        def downloaded() -> tuple[bytes | None, str | None]:
            try:
                blob = self._container().download_blob(path)
                return blob.readall(), blob.properties.etag
            except ResourceNotFoundError:  # no blob, or no container yet
                return None, None

        return self._done(path, downloaded)

    def _note(self, path: str) -> tuple[Mapping[str, object] | None, str | None]:
        content, tag = self._read(path)
        try:
            return None if content is None else note_from_json(content.decode()), tag
        except ValueError as error:
            raise self._unreadable(path) from error

    def _listed(self, prefix: str) -> Sequence[BlobProperties]:
        """The blobs whose names begin with `prefix`, with their metadata."""
        from azure.core.exceptions import ResourceNotFoundError

        def listed() -> Sequence[BlobProperties]:
            try:
                return list(
                    self._container().list_blobs(
                        prefix, include=["metadata"], results_per_page=self._per_page
                    )
                )
            except ResourceNotFoundError:  # no container yet
                return []

        return self._done(prefix, listed)

    def _done(self, path: str, operation: Callable[[], T]) -> T:
        """What the operation returns; raises JournalConflict or JournalUnavailable.

        For an answer that makes no sense the client raises a ValueError.
        """
        from azure.core.exceptions import AzureError

        try:
            return within(self._timeout, operation)
        except (AzureError, ValueError, TimeoutError) as error:
            if _is_race(error):
                raise JournalConflict(f"{self._place(path)}: another run wrote it first") from error
            host = self._container().primary_hostname
            raise unavailable(error, self._place(path), role=_ROLE, host=host) from error

    def _unreadable(self, path: str) -> JournalUnavailable:
        return JournalUnavailable(
            f"{self._place(path)}: cannot be read; restore an earlier version of it or delete it"
        )

    def _place(self, path: str) -> str:
        return _place(self._container(), path)


class BlobJournal(_Blobs):
    """Histories as blobs, each saved only over the ETag that it was loaded with.

    A history's mark stands in its blob's metadata, so one list request tells which to look at.
    """

    def load(self, key: str) -> tuple[History | None, str | None]:
        """The history under `key` with its ETag."""
        path = history_path(key)
        content, tag = self._read(path)
        if content is None:
            return None, None
        try:
            return history_from_json(content.decode(), key=key), tag
        except ValueError as error:
            raise self._unreadable(path) from error

    def save(self, history: History, tag: str | None) -> str:
        """Write `history`, if it is still as `tag` says; its new ETag. Raises JournalConflict."""
        path, text = history_path(history.key), history_to_json(history)
        said = _said(history.mark)
        return self._done(
            path, lambda: _write(self._container(), path, text, said, over=_only(tag))
        )

    def marks(self) -> Mapping[str, Mark]:
        """What each history says of itself: one list request for 5,000 of them."""
        return {history_key(blob.name): _mark(blob) for blob in self._listed(HISTORIES)}

    def last_run(self) -> Mapping[str, object] | None:
        """What the last run noted, or None."""
        return self._note(LAST_RUN)[0]

    def note_run(self, note: Mapping[str, object]) -> None:
        """Keep `note` as the last run's."""
        text = note_to_json(note)
        self._done(
            LAST_RUN,
            lambda: _write(self._container(), LAST_RUN, text, {}, over={"overwrite": True}),
        )


class BlobArchive(_Blobs):
    """The insights in a container, and the notes beside them."""

    def summaries(self, month: date) -> tuple[Sequence[Summary], int]:
        """The summaries of a month, which stand in metadata: one list request for 5,000 of them."""
        read: list[Summary] = []
        blobs = self._listed(fleet_month(month))
        for blob in blobs:
            with suppress(ValueError):
                read.append(summary_from_text((blob.metadata or {}).get("summary", "")))
        return read, len(blobs) - len(read)

    def document(self, failover_id: str) -> bytes | None:
        """The JSON of that failover's latest insight, or None."""
        return self._read(insight_path(failover_id, ".json"))[0]

    def note(self, path: str) -> tuple[Mapping[str, object] | None, str | None]:
        """The JSON object at `path`, None where there is none, with its ETag."""
        return self._note(path)

    def keep(self, path: str, note: Mapping[str, object], tag: str | None) -> None:
        """Write `note` to `path`, if it is still as `tag` says. Raises JournalConflict."""
        text = note_to_json(note)
        self._done(path, lambda: _write(self._container(), path, text, {}, over=_only(tag)))


class BlobInsights:
    """The sink that keeps each insight as a JSON blob and one more for each of `formats`.

    `formats` maps a suffix (`.md`) to the rendering that stands under it. An empty blob has the
    summary in its metadata, for whoever lists a month. A later revision replaces an earlier one and
    never the other way round: each blob's metadata has its revision.
    """

    name: Final = "insight-files"
    takes: Final = frozenset(Reason)

    def __init__(
        self,
        container: Callable[[], ContainerClient],
        formats: Mapping[str, Callable[[Insight], str]],
        *,
        now: Callable[[], datetime],
        timeout: timedelta = DEADLINE,
    ) -> None:
        self._container = cache(container)
        self._formats = {".json": to_json, **formats}
        self._now = now
        self.timeout = timeout

    def deliver(self, insight: Insight) -> None:
        """Return when every form stands there."""
        from azure.core.exceptions import AzureError

        try:
            for suffix, rendering in self._formats.items():
                path, text = insight_path(insight.id, suffix), rendering(insight)
                _replace_earlier(self._container(), path, text, insight.revision)
            listed = {"summary": summary_to_text(summary_of(insight))}
            _replace_earlier(
                self._container(), fleet_path(insight.id), "", insight.revision, **listed
            )
        except AzureError as error:
            place = _place(self._container(), insight_path(insight.id, ""))
            host = self._container().primary_hostname
            raise delivery_error(error, place, role=_ROLE, host=host, now=self._now()) from error


def _replace_earlier(
    container: ContainerClient, path: str, text: str, revision: int, **metadata: str
) -> None:
    """Write `text` unless this revision or a later one is there; a first one takes one request."""
    from azure.core.exceptions import AzureError

    tag = None
    for attempt in range(_RACES):
        if revision > 1 or attempt:
            there, tag = _revision(container, path)
            if there >= revision:
                return
        try:
            own = {"revision": f"{revision}", **metadata}
            _write(container, path, text, own, over=_only(tag))
        except AzureError as error:
            if not _is_race(error):
                raise
        else:
            return
    raise DeliveryFailed(f"{_place(container, path)}: other runs write it all the time")


def _revision(container: ContainerClient, path: str) -> tuple[int, str | None]:
    """The revision that stands at `path`, 0 where none does, with its ETag."""
    from azure.core.exceptions import ResourceNotFoundError

    try:
        blob = container.get_blob_client(path).get_blob_properties()
    except ResourceNotFoundError:
        return 0, None
    revision = (blob.metadata or {}).get("revision", "")
    return int(revision) if revision.isdecimal() else 0, blob.etag


def _write(
    container: ContainerClient,
    path: str,
    text: str,
    metadata: dict[str, str],
    *,
    over: dict[str, Any],
) -> str:
    """Write a blob over what `over` admits and return its ETag; make the container if need be."""
    from azure.core.exceptions import ResourceExistsError, ResourceNotFoundError
    from azure.storage.blob import ContentSettings

    content_type = _CONTENT_TYPES[PurePosixPath(path).suffix]

    def upload() -> str:
        answer = container.get_blob_client(path).upload_blob(
            text.encode(),
            metadata=metadata,
            content_settings=ContentSettings(content_type=content_type),
            **over,
        )
        return str(answer["etag"])

    try:
        return upload()
    except ResourceNotFoundError:
        with suppress(ResourceExistsError):  # another run made it just now
            container.create_container()
        return upload()


def _only(tag: str | None) -> dict[str, Any]:
    """The condition that the blob is as `tag` says: that version, or for None not there."""
    from azure.core import MatchConditions

    if tag is None:
        return {"overwrite": False}
    return {"overwrite": True, "etag": tag, "match_condition": MatchConditions.IfNotModified}


def _is_race(error: Exception) -> bool:
    """Whether the blob was not as the condition of a write wanted it."""
    return getattr(error, "error_code", None) in ("BlobAlreadyExists", "ConditionNotMet")


def _said(mark: Mark) -> dict[str, str]:
    """The metadata that says what a mark does."""
    due = None if mark.due is None else mark.due.astimezone(UTC).isoformat()
    said = {"due": due, "seen": mark.seen, "followed": "true" if mark.followed else ""}
    return {name: text for name, text in said.items() if text}


def _mark(blob: BlobProperties) -> Mark:
    """What the blob's metadata says; what cannot be read is due, and `load` tells why."""
    said = blob.metadata or {}
    try:
        due = datetime.fromisoformat(said["due"]) if "due" in said else None
    except (ValueError, TypeError):
        due = NO_EARLIER
    if due is not None and due.tzinfo is None:
        due = NO_EARLIER
    return Mark(due=due, followed="followed" in said, seen=said.get("seen") or "")


def _place(container: ContainerClient, path: str) -> str:
    return f"{path} in container {container.container_name}"
