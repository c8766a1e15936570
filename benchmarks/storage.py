"""A thin stand-in for Azure Storage: blobs with metadata and ETags, and a queue that only counts.

Azurite spends several milliseconds of a core on each request, which at thousands of gateways is
what one would measure. This one keeps what the detector needs and checks the conditions of writes.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from itertools import count
from typing import Final
from urllib.parse import parse_qs
from xml.sax.saxutils import escape

from tests.loopback import Reply, Request

_MODIFIED: Final = "Wed, 25 Nov 2026 00:00:00 GMT"
_META: Final = "x-ms-meta-"


@dataclass(frozen=True, slots=True)
class _Blob:
    content: bytes
    metadata: Mapping[str, str]
    tag: str


class ThinStorage:
    """Containers that are all there; `delivered` holds when each message came to the queue."""

    def __init__(self, counted: Callable[[str], None], *, latency_seconds: float) -> None:
        self._counted = counted
        self._latency = latency_seconds
        self._blobs: dict[str, _Blob] = {}
        self._numbers = count(1)
        self._lock = threading.Lock()
        self.delivered: list[float] = []

    def reply_to(self, request: Request) -> Reply:
        """Answer one request; the path is `/<account>/<container or queue>/<blob or messages>`."""
        time.sleep(self._latency)
        _, _, container, *rest = request.path.split("/")
        path = "/".join(rest)
        headers = {name.lower(): value for name, value in request.headers.items()}
        if request.method == "POST" and path == "messages":
            self.delivered.append(time.time())
            self._counted("queue")
            return Reply(status=201, body=_MESSAGE, headers=_XML)
        self._counted("blobs")
        if not path:
            asked = parse_qs(request.query)
            if request.method == "GET" and "list" in asked.get("comp", ()):
                return self._list(asked)
            return Reply(status=201)
        match request.method:
            case "PUT":
                return self._put(f"{container}/{path}", headers, request.body or b"")
            case "DELETE":
                return Reply(status=202 if self._blobs.pop(f"{container}/{path}", None) else 404)
            case method:
                return self._get(f"{container}/{path}", only_head=method == "HEAD")

    def _put(self, name: str, headers: Mapping[str, str], content: bytes) -> Reply:
        with self._lock:
            there = self._blobs.get(name)
            if headers.get("if-none-match") == "*" and there is not None:
                return _error(409, "BlobAlreadyExists")
            wanted = headers.get("if-match")
            if wanted is not None and (there is None or there.tag != wanted):
                return _error(412, "ConditionNotMet")
            tag = f'"0x{next(self._numbers):X}"'
            metadata = {k[len(_META) :]: v for k, v in headers.items() if k.startswith(_META)}
            self._blobs[name] = _Blob(content, metadata, tag)
        written = {"ETag": tag, "Last-Modified": _MODIFIED, "x-ms-request-server-encrypted": "true"}
        return Reply(status=201, headers=written)

    def _get(self, name: str, *, only_head: bool) -> Reply:
        blob = self._blobs.get(name)
        if blob is None:
            return _error(404, "BlobNotFound")
        size = len(blob.content)
        headers = {
            "ETag": blob.tag,
            "Last-Modified": _MODIFIED,
            "x-ms-blob-type": "BlockBlob",
            "Content-Type": "application/octet-stream",
            **{f"{_META}{key}": value for key, value in blob.metadata.items()},
        }
        if only_head:
            return Reply(headers=headers)
        return Reply(
            status=206,
            body=blob.content,
            headers={**headers, "Content-Range": f"bytes 0-{size - 1}/{size}"},
        )

    def _list(self, asked: Mapping[str, list[str]]) -> Reply:
        prefix = asked.get("prefix", [""])[0]
        start = int(asked.get("marker", ["0"])[0])
        size = int(asked.get("maxresults", ["5000"])[0])
        with self._lock:
            names = sorted(
                name for name in self._blobs if name.partition("/")[2].startswith(prefix)
            )
            page = [(name, self._blobs[name]) for name in names[start : start + size]]
        marker = str(start + size) if start + size < len(names) else ""
        blobs = "".join(_listed(name.partition("/")[2], blob) for name, blob in page)
        body = (
            '<?xml version="1.0" encoding="utf-8"?><EnumerationResults ContainerName="insights">'
            f"<Blobs>{blobs}</Blobs><NextMarker>{marker}</NextMarker></EnumerationResults>"
        )
        return Reply(body=body.encode(), headers=_XML)


_XML: Final = {"Content-Type": "application/xml"}
_MESSAGE: Final = (
    b'<?xml version="1.0" encoding="utf-8"?><QueueMessagesList><QueueMessage>'
    b"<MessageId>5974b586-0df3-4e2d-ad0c-18e3892bfca2</MessageId>"
    b"<InsertionTime>Wed, 25 Nov 2026 00:00:00 GMT</InsertionTime>"
    b"<ExpirationTime>Wed, 02 Dec 2026 00:00:00 GMT</ExpirationTime>"
    b"<PopReceipt>none</PopReceipt>"
    b"<TimeNextVisible>Wed, 25 Nov 2026 00:00:00 GMT</TimeNextVisible>"
    b"</QueueMessage></QueueMessagesList>"
)


def _listed(name: str, blob: _Blob) -> str:
    metadata = "".join(f"<{key}>{escape(value)}</{key}>" for key, value in blob.metadata.items())
    return (
        f"<Blob><Name>{escape(name)}</Name><Properties><Last-Modified>{_MODIFIED}</Last-Modified>"
        f"<Etag>{blob.tag.strip(chr(34))}</Etag><Content-Length>{len(blob.content)}"
        "</Content-Length><Content-Type>application/json</Content-Type>"
        "<BlobType>BlockBlob</BlobType></Properties>"
        f"<Metadata>{metadata}</Metadata></Blob>"
    )


def _error(status: int, code: str) -> Reply:
    body = f"<?xml version='1.0'?><Error><Code>{code}</Code><Message>{code}</Message></Error>"
    return Reply(status=status, body=body.encode(), headers={**_XML, "x-ms-error-code": code})
