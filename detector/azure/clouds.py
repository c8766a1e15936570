"""The clouds of Azure: which hosts answer in each, and the audiences that their tokens are for.

As Microsoft documents them on learn.microsoft.com, in "Azure Government and global Azure", "Azure
China developer guide", and the references of Azure Monitor. The hosts of the air-gapped clouds are
not public, so the settings must give them.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Mapping


@dataclass(frozen=True, slots=True, kw_only=True)
class Endpoint:
    """A service's URL, and the audience that its tokens are for; neither ends in a slash.

    The URL for metrics may hold `{region}`.
    """

    url: str
    audience: str

    @property
    def token_scope(self) -> str:
        """What a credential is asked for."""
        return f"{self.audience}/.default"


@dataclass(frozen=True, slots=True, kw_only=True)
class Cloud:
    """One cloud under the name that `az cloud list` has for it; None is what is not public."""

    name: str
    logs: Endpoint | None = None
    arm: Endpoint | None = None
    metrics: Endpoint | None = None
    ingestion_audience: str | None = None
    authority: str | None = None
    portal: str | None = None

    def pointed(
        self, *, logs: str | None = None, arm: str | None = None, metrics: str | None = None
    ) -> Cloud:
        """This cloud with other URLs where they are given, and for those their own audiences."""
        return replace(
            self,
            logs=_pointed(self.logs, logs),
            arm=_pointed(self.arm, arm),
            metrics=_pointed(self.metrics, metrics),
        )


def _for_itself(url: str) -> Endpoint:
    """The endpoint at `url` whose tokens are for that same host, in all regions alike."""
    url = url.rstrip("/")
    return Endpoint(url=url, audience=url.replace("{region}.", ""))


def _pointed(own: Endpoint | None, url: str | None) -> Endpoint | None:
    if not url:
        return own
    pointed = _for_itself(url)
    if own is not None and pointed.url == own.url:
        return own
    return _NEWER_NAMES.get(pointed.url, pointed)


# Newer documents call the public logs host .azure.com; its tokens are for .io all the same.
_NEWER_NAMES: Final = {
    "https://api.loganalytics.azure.com": Endpoint(
        url="https://api.loganalytics.azure.com", audience="https://api.loganalytics.io"
    ),
}

CLOUDS: Final[Mapping[str, Cloud]] = MappingProxyType(
    {
        cloud.name: cloud
        for cloud in (
            Cloud(
                name="AzureCloud",
                logs=_for_itself("https://api.loganalytics.io"),
                arm=_for_itself("https://management.azure.com"),
                metrics=_for_itself("https://{region}.metrics.monitor.azure.com"),
                ingestion_audience="https://monitor.azure.com",
                authority="login.microsoftonline.com",
                portal="portal.azure.com",
            ),
            Cloud(
                name="AzureUSGovernment",
                logs=_for_itself("https://api.loganalytics.us"),
                arm=Endpoint(
                    url="https://management.usgovcloudapi.net",
                    audience="https://management.core.usgovcloudapi.net",
                ),
                metrics=_for_itself("https://{region}.metrics.monitor.azure.us"),
                ingestion_audience="https://monitor.azure.us",
                authority="login.microsoftonline.us",
                portal="portal.azure.us",
            ),
            Cloud(
                name="AzureChinaCloud",
                logs=_for_itself("https://api.loganalytics.azure.cn"),
                arm=_for_itself("https://management.chinacloudapi.cn"),
                metrics=_for_itself("https://{region}.metrics.monitor.azure.cn"),
                ingestion_audience="https://monitor.azure.cn",
                authority="login.chinacloudapi.cn",
                portal="portal.azure.cn",
            ),
            Cloud(name="AzureUSNat"),
            Cloud(name="AzureUSSec"),
        )
    }
)
"""Every cloud by its name, which is what DETECTOR_CLOUD takes."""
