"""Which adapters the settings choose; nothing is asked of anybody yet."""

from __future__ import annotations

import logging
import re
from datetime import timedelta
from pathlib import Path

import pytest

from detector.app import bootstrap
from detector.app.settings import Settings
from detector.azure.blobs import BlobArchive, BlobJournal
from detector.errors import CatalogError, SettingsError
from detector.local.folder import FolderArchive, FolderJournal
from detector.local.recording import Recording
from detector.sinks.people import People
from tests.builders import NIGHT
from tests.command_line import AFTERNOON
from tests.memory import ARTICLES, ListSink, MemoryLogs, a_world, plenty
from tests.test_settings import an_environment

EVERYONE = {
    "DETECTOR_EVENT_GRID_ENDPOINT": "https://topic.example.com/api/events",
    "DETECTOR_INGESTION_ENDPOINT": "https://dce.westeurope-1.ingest.monitor.azure.com",
    "DETECTOR_INGESTION_RULE": "dcr-00000000000000000000000000000001",
    "DETECTOR_WEBHOOK_URLS": "https://example.com/a https://example.com/b",
    "DETECTOR_NOTIFY_URLS": "json://example.com/a xml://example.com/b",
}


def settings(**changes: str) -> Settings:
    return Settings.read(an_environment(**changes))


@pytest.mark.parametrize(
    ("changes", "kinds"),
    [
        ({}, ["insight-files", "storage-queue"]),
        ({"DETECTOR_QUEUE": ""}, ["insight-files"]),
        ({"DETECTOR_STORE": "file:store"}, ["insight-files"]),
        (
            EVERYONE,
            [
                *("insight-files", "storage-queue", "event-grid", "logs-ingestion"),
                *("webhook", "webhook", "json", "xml"),
            ],
        ),
    ],
)
def test_each_sink_of_the_settings_is_told(changes: dict[str, str], kinds: list[str]) -> None:
    sinks = bootstrap.sinks_of(settings(**changes), clock=lambda: NIGHT)

    assert kinds == [re.sub("-[0-9a-f]{6,}$", "", sink.name) for sink in sinks]
    assert len(sinks) == len({sink.name for sink in sinks})


def test_a_notification_url_knows_its_place_in_the_settings() -> None:
    sinks = bootstrap.sinks_of(settings(**EVERYONE), clock=lambda: NIGHT)

    assert [1, 2] == [sink.position for sink in sinks if isinstance(sink, People)]


@pytest.mark.parametrize(
    ("store", "journal", "archive"),
    [("blob:insights", BlobJournal, BlobArchive), ("file:store", FolderJournal, FolderArchive)],
)
def test_the_journal_and_what_was_told_stand_where_the_store_is(
    store: str, journal: type, archive: type
) -> None:
    chosen = settings(DETECTOR_STORE=store)

    assert isinstance(bootstrap.journal_of(chosen), journal)
    assert isinstance(bootstrap.archive_of(chosen), archive)


def test_a_world_of_azure_is_made_without_asking_it_anything() -> None:
    world = bootstrap.of_azure(
        settings(DETECTOR_LOOKBACK="PT12H"), clock=lambda: NIGHT, left=plenty
    )

    assert timedelta(hours=12) == world.lookback
    assert settings().scopes == world.scopes


def test_azures_clients_are_quiet_and_the_hosts_worker_is_not() -> None:
    bootstrap.of_azure(settings(), clock=lambda: NIGHT, left=plenty)

    assert logging.WARNING == logging.getLogger("azure.core.pipeline").getEffectiveLevel()
    assert logging.ERROR == logging.getLogger("azure.identity").getEffectiveLevel()
    assert logging.NOTSET == logging.getLogger("azure").level
    assert logging.NOTSET == logging.getLogger("azure.functions").level


def test_articles_with_problems_are_told_before_anything_is_asked(tmp_path: Path) -> None:
    (tmp_path / "broken.md").write_text("# no header", encoding="utf-8")

    with pytest.raises(CatalogError, match=r"broken\.md"):
        bootstrap.library_of(settings(DETECTOR_ARTICLES=str(tmp_path)))


def test_of_a_recording_every_row_is_looked_at(tmp_path: Path) -> None:
    recording = Recording.read(AFTERNOON)

    world = bootstrap.of_recording(
        recording, tmp_path, now=recording.newest + timedelta(days=30), articles=ARTICLES
    )

    assert timedelta(days=30) < world.lookback
    assert ["insight-files"] == [sink.name for sink in world.sinks]


def test_a_world_is_checked_for_notification_urls_that_nobody_can_use() -> None:
    good = a_world(MemoryLogs(), sinks=[ListSink()])
    bad = a_world(MemoryLogs(), sinks=[People(url="bogus://x", position=2)])

    assert good == bootstrap.checked(good)
    with pytest.raises(SettingsError, match="number 2 is no URL"):
        bootstrap.checked(bad)
