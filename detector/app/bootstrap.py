"""The one place that chooses the real adapters: settings in, a World out."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from functools import cache, cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Final

from detector.app.forms import BlobStore, FolderStore
from detector.app.settings import Settings
from detector.articles import catalog
from detector.azure import CLOUDS, Cloud, Endpoint, Logs
from detector.coverage import Probes
from detector.errors import SettingsError
from detector.insights import Insight, Library, to_markdown
from detector.journal import Archive, Journal, Sink
from detector.runs import Sources, World
from detector.sinks import People, Webhook

if TYPE_CHECKING:
    from azure.core.credentials import TokenCredential
    from azure.mgmt.resourcegraph import ResourceGraphClient
    from azure.monitor.querymetrics import MetricsClient
    from azure.storage.blob import ContainerClient
    from azure.storage.queue import QueueClient

    from detector.azure import (
        LogsClient,
        Metrics,
        Network,
        Query,
        ResourceHealth,
        ResourceManager,
    )
    from detector.errors import FactUnknown
    from detector.local import Recording
    from detector.model import Gateway, Series, Window

FORMATS: Final[Mapping[str, Callable[[Insight], str]]] = {".md": to_markdown}
"""The forms in which an insight is written beside its JSON, by the ending of the file."""

FOLDER_FORMATS: Final[Mapping[str, Callable[[Insight], str]]] = {
    **FORMATS,
    ".html": lambda insight: page_of(insight, fleet="../../../../index.html"),
}
"""The forms that a folder has, where nobody renders a page on demand."""

LOG_LEVELS: Final[Mapping[str, int]] = {
    "azure.core": logging.WARNING,  # below it, each request is a line in the user's logs
    "azure.storage": logging.WARNING,
    "azure.monitor": logging.WARNING,
    "azure.identity": logging.ERROR,  # a missing credential is told by the error, in fewer words
}
"""From which level on Azure's clients log; the host's own worker logs as `azure.functions`."""

AFTER_LOGS: Final = timedelta(seconds=100)
"""So much of a run is left when the logs are waited for no longer: what has answered is told."""

AFTER_FACTS: Final = timedelta(seconds=60)
"""So much of a run is left when facts are waited for no longer: they are unknown, and told so."""


def page_of(insight: Insight, *, fleet: str) -> str:
    """The insight as a page with the address of the page of all; what draws it is loaded then."""
    from detector.pages import to_page

    return to_page(insight, fleet=fleet)


LOCAL_CLOUD: Final = "AzureCloud"

REQUESTS: Final = "detector-requests"
"""The queue of wishes to run; function_app.py names it, too."""


def of_azure(
    settings: Settings, *, clock: Callable[[], datetime], left: Callable[[], timedelta]
) -> World:
    """The world of a deployed app or of a person with `az login`.

    `clock` reads the time and `left` says how much of the run is left. Raises CatalogError for
    articles with problems. Nothing is asked of Azure yet.
    """
    _quieten()
    clients = _clients(settings)
    logs = Logs(lambda: clients.logs, settings.scopes, left=lambda: left() - AFTER_LOGS)
    return World(
        scopes=settings.scopes,
        lookback=settings.lookback,
        catch_up=settings.catch_up,
        signals=logs.signals,
        sources=_sources(clients, lambda: left() - AFTER_FACTS, logs),
        journal=journal_of(settings),
        sinks=sinks_of(settings, clock=clock),
        library=library_of(settings),
    )


def recorder_of(
    settings: Settings, *, left: Callable[[], timedelta], hear: Callable[[object], None]
) -> tuple[Logs, Sources]:
    """The logs and the facts' ports of Azure, to be recorded.

    `hear` is given the body of each answer of Azure Resource Manager, metrics included.
    """
    _quieten()
    clients = _Clients(settings, hear)

    def bandwidth(
        gateways: Sequence[Gateway], window: Window
    ) -> Mapping[str, Sequence[Series] | FactUnknown]:
        from detector.azure import Metrics

        metrics = Metrics(clients.of_region, lambda: clients.arm, left=left)
        return metrics.one_by_one([gateway.id for gateway in gateways], window)

    logs = Logs(lambda: clients.logs, settings.scopes, left=left)
    # Nothing comes from Resource Graph, whose bodies are not what ARM wrote.
    asked = _sources(clients, left, logs, query=lambda *_: ())
    return logs, replace(asked, bandwidth=bandwidth)


def _quieten() -> None:
    for name, level in LOG_LEVELS.items():
        logging.getLogger(name).setLevel(level)


def of_recording(
    recording: Recording, folder: Path, *, now: datetime, articles: Path, cloud: str = LOCAL_CLOUD
) -> World:
    """The world of a replay: rows from `recording`, journal and insights in `folder`.

    Its window reaches back beyond the oldest row: of a recording all is looked at.
    """
    from detector.local import SCOPE, FolderInsights, FolderJournal

    recording = recording.seen_by(now)
    return World(
        scopes=(SCOPE,),
        lookback=now - recording.oldest + timedelta(days=1),
        catch_up=timedelta(days=2),
        signals=recording.signals,
        sources=Sources(
            gateways=lambda ids, written=(): recording.gateways(ids),  # noqa: ARG005 -- they are dated
            connections=lambda ids: {each: recording.connections(each) for each in ids},
            inventory=lambda ids: {},  # noqa: ARG005 -- a recording has none
            tunnels=recording.tunnels,
            health=recording.health,
            bandwidth=recording.bandwidth,
            coverage=recording.coverage,
            notes=tuple,
        ),
        journal=FolderJournal(folder),
        sinks=(FolderInsights(folder, FOLDER_FORMATS),),
        library=Library(catalog=catalog.load(articles), cloud=cloud, portal=CLOUDS[cloud].portal),
    )


class _Clients:
    """Azure's clients for one set of settings, each made once, when it is first used."""

    def __init__(self, settings: Settings, hear: Callable[[object], None] | None = None) -> None:
        self._settings = settings
        self._hear = hear
        self.of_region = cache(self._of_region)

    @cached_property
    def cloud(self) -> Cloud:
        return CLOUDS[self._settings.cloud].pointed(
            logs=self._settings.logs_endpoint,
            arm=self._settings.arm_endpoint,
            metrics=self._settings.metrics_endpoint,
        )

    @cached_property
    def credential(self) -> TokenCredential:
        from azure.identity import DefaultAzureCredential

        authority = {"authority": self.cloud.authority} if self.cloud.authority else {}
        return DefaultAzureCredential(**authority)

    @cached_property
    def logs(self) -> LogsClient:
        from detector.azure import LogsClient

        return LogsClient(self.credential, _given(self.cloud.logs))

    def _of_region(self, region: str) -> MetricsClient:
        from detector.azure import metrics_client

        return metrics_client(self.credential, region, _given(self.cloud.metrics))

    @cached_property
    def arm(self) -> ResourceManager:
        from detector.azure import ResourceManager

        return ResourceManager(self.credential, _given(self.cloud.arm), hear=self._hear)

    @cached_property
    def graph(self) -> ResourceGraphClient:
        from detector.azure import resource_graph_client

        return resource_graph_client(self.credential, _given(self.cloud.arm))

    @cached_property
    def container(self) -> ContainerClient:
        from detector.azure import container_client

        store = self._settings.store
        name = store.container if isinstance(store, BlobStore) else ""
        return container_client(self._settings.storage, name, lambda: self.credential)

    @cached_property
    def queue(self) -> QueueClient:
        return self._queue(self._settings.queue or "")

    @cached_property
    def requests(self) -> QueueClient:
        return self._queue(REQUESTS)

    def _queue(self, name: str) -> QueueClient:
        from detector.azure import queue_client

        return queue_client(self._settings.storage, name, lambda: self.credential)


@cache
def _clients(settings: Settings) -> _Clients:
    """The clients of a process: they keep tokens and connections from run to run."""
    return _Clients(settings)


def _given(endpoint: Endpoint | None) -> Endpoint:
    if endpoint is None:  # the settings ask for it where the cloud's is not public
        raise SettingsError({"DETECTOR_CLOUD": "this cloud's endpoints have to be given"})
    return endpoint


def _sources(
    clients: _Clients, left: Callable[[], timedelta], logs: Logs, *, query: Query | None = None
) -> Sources:
    """The facts' ports; their modules are imported when something is asked.

    `query` asks Resource Graph instead of its client.
    """

    def network() -> Network:
        from detector.azure import Network, ResourceGraph

        graph = ResourceGraph(lambda: clients.graph, left=left)
        return Network(lambda: clients.arm, query or graph.pages, left=left)

    def health() -> ResourceHealth:
        from detector.azure import ResourceHealth

        return ResourceHealth(lambda: clients.arm, left=left)

    def metrics() -> Metrics:
        from detector.azure import Metrics

        return Metrics(clients.of_region, lambda: clients.arm, left=left)

    one_network = cache(network)
    return Sources(
        gateways=lambda ids, written=(): one_network().gateways(ids, written),
        connections=lambda ids: one_network().connections(ids),
        inventory=lambda ids: one_network().inventory(ids),
        tunnels=lambda connection_ids: one_network().tunnels(connection_ids),
        health=lambda gateway_ids: health().events(gateway_ids),
        bandwidth=lambda gateways, window: metrics().bandwidth(gateways, window),
        coverage=logs.coverage,
        notes=lambda: one_network().notes if one_network.cache_info().currsize else (),
    )


def probes_of(settings: Settings, *, left: Callable[[], timedelta]) -> Probes:
    """The ports by which Azure is asked what is watched; nothing is asked yet."""
    from detector.azure import Bodies, ResourceGraph

    _quieten()
    clients = _clients(settings)
    logs = logs_of(settings, left=left)
    sources = _sources(clients, left, logs)
    return Probes(
        listing=ResourceGraph(lambda: clients.graph, left=left).gateways,
        bodies=Bodies(lambda: clients.arm, left=left),
        contents=logs.contents,
        health=sources.health,
        metrics=sources.bandwidth,
    )


def logs_of(settings: Settings, *, left: Callable[[], timedelta]) -> Logs:
    """The logs of the scopes; nothing is asked yet."""
    clients = _clients(settings)
    return Logs(lambda: clients.logs, settings.scopes, left=left)


def journal_of(settings: Settings) -> Journal:
    """The journal that the settings name."""
    if isinstance(settings.store, FolderStore):
        from detector.local import FolderJournal

        return FolderJournal(settings.store.folder)
    from detector.azure import BlobJournal

    return BlobJournal(lambda: _clients(settings).container)


def store_name(settings: Settings) -> str:
    """The store of the settings, as a person knows it: a folder, or a container of an account."""
    if isinstance(settings.store, FolderStore):
        return f"folder {settings.store.folder}"
    host = _clients(settings).container.primary_hostname
    return f"container {settings.store.container} at {host}"


def archive_of(settings: Settings) -> Archive:
    """Where what was told is looked up: in the store of the settings."""
    if isinstance(settings.store, FolderStore):
        from detector.local import FolderArchive

        return FolderArchive(settings.store.folder)
    from detector.azure import BlobArchive

    return BlobArchive(lambda: _clients(settings).container)


def requests_of(settings: Settings, *, now: datetime) -> Callable[[timedelta], None]:
    """What puts a wish to run on the queue, to be seen after that time.

    Raises DeliveryFailed or DeliveryRefused, and SettingsError where there is no queue.
    """
    if settings.storage.connection_string is None and settings.storage.queue_uri is None:
        raise SettingsError(
            {"AzureWebJobsStorage__queueServiceUri": "required, to ask for a run by an alert"}
        )
    from detector.azure import send_wish

    return lambda wait: send_wish(_clients(settings).requests, wait=wait, now=now)


def sinks_of(settings: Settings, *, clock: Callable[[], datetime]) -> tuple[Sink, ...]:
    """Every sink that the settings name."""
    clients = _clients(settings)
    sinks: list[Sink] = []
    if isinstance(settings.store, FolderStore):
        from detector.local import FolderInsights

        sinks.append(FolderInsights(settings.store.folder, FOLDER_FORMATS))
    else:
        from detector.azure import BlobInsights

        sinks.append(BlobInsights(lambda: clients.container, FORMATS, now=clock))
    if settings.queue:
        from detector.azure import QueueSink

        sinks.append(QueueSink(lambda: clients.queue, now=clock))
    if settings.event_grid_endpoint:
        from detector.azure import EventGrid

        endpoint = settings.event_grid_endpoint
        sinks.append(EventGrid(endpoint, lambda: clients.credential, now=clock))
    if settings.ingestion_endpoint and settings.ingestion_rule:
        from detector.azure import LogsIngestion

        rows = Endpoint(
            url=settings.ingestion_endpoint, audience=clients.cloud.ingestion_audience or ""
        )
        rule = settings.ingestion_rule
        sinks.append(LogsIngestion(rows, rule, lambda: clients.credential, now=clock))
    secret = settings.webhook_secret.get_secret_value() if settings.webhook_secret else None
    sinks += [
        Webhook(url=url.get_secret_value(), secret=secret, now=clock)
        for url in settings.webhook_urls
    ]
    sinks += [
        People(
            url=known.url.get_secret_value(),
            position=position,
            least=known.least,
            digest=settings.digest,
            zone=settings.time_zone,
        )
        for position, known in enumerate(settings.notify_urls, start=1)
    ]
    return tuple(sinks)


def checked(world: World) -> World:
    """`world`, of which every notification URL can be used. Raises SettingsError.

    It imports Apprise, so a run of the function does not ask for it; a person's command does.
    """
    for sink in world.sinks:
        if isinstance(sink, People):
            sink.check()
    return world


def library_of(settings: Settings) -> Library:
    """The articles that the settings name. Raises CatalogError with every problem of theirs."""
    return Library(
        catalog=catalog.load(settings.articles),
        cloud=settings.cloud,
        portal=CLOUDS[settings.cloud].portal,
        web_url=settings.web_url,
    )
