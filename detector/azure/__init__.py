"""EDGE: the only importer of Azure's packages beside `function_app.py`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from detector.face import lazily

if TYPE_CHECKING:
    from detector.azure.blobs import BlobArchive, BlobInsights, BlobJournal
    from detector.azure.clouds import CLOUDS, Cloud, Endpoint
    from detector.azure.eventgrid import EventGrid
    from detector.azure.ingestion import LogsIngestion
    from detector.azure.logs import Logs
    from detector.azure.logs_client import LogsClient
    from detector.azure.metrics import Metrics, metrics_client
    from detector.azure.network import Network, Query, ResourceHealth
    from detector.azure.query import Rows
    from detector.azure.queue import QueueSink, send_wish
    from detector.azure.resource_graph import ResourceGraph, resource_graph_client
    from detector.azure.resource_manager import Bodies, ResourceManager
    from detector.azure.storage import StorageConnection, container_client, queue_client

__all__ = [
    "CLOUDS",
    "BlobArchive",
    "BlobInsights",
    "BlobJournal",
    "Bodies",
    "Cloud",
    "Endpoint",
    "EventGrid",
    "Logs",
    "LogsClient",
    "LogsIngestion",
    "Metrics",
    "Network",
    "Query",
    "QueueSink",
    "ResourceGraph",
    "ResourceHealth",
    "ResourceManager",
    "Rows",
    "StorageConnection",
    "container_client",
    "metrics_client",
    "queue_client",
    "resource_graph_client",
    "send_wish",
]

__getattr__ = lazily(
    __name__,
    blobs=("BlobArchive", "BlobInsights", "BlobJournal"),
    clouds=("CLOUDS", "Cloud", "Endpoint"),
    eventgrid=("EventGrid",),
    ingestion=("LogsIngestion",),
    logs=("Logs",),
    logs_client=("LogsClient",),
    metrics=("Metrics", "metrics_client"),
    network=("Network", "Query", "ResourceHealth"),
    query=("Rows",),
    queue=("QueueSink", "send_wish"),
    resource_graph=("ResourceGraph", "resource_graph_client"),
    resource_manager=("Bodies", "ResourceManager"),
    storage=("StorageConnection", "container_client", "queue_client"),
)
