"""The settings of the app, read once from its environment into a frozen value.

`Settings.read` names everything that is missing, malformed or unknown in one SettingsError. A value
that may hold a secret (the storage connection, URLs of webhooks and notifications) is a SecretStr:
it shows in no repr, and no error quotes it.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Mapping, Sequence
from typing import Final

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from detector.app import forms
from detector.azure import StorageConnection
from detector.errors import SettingsError

DEFAULTS: Final = {
    "DETECTOR_SCHEDULE": "0 */5 * * * *",
    "DETECTOR_LOOKBACK": "PT6H",
    "DETECTOR_CATCH_UP": "P2D",
    "DETECTOR_ARTICLES": "articles",
    "DETECTOR_CLOUD": "AzureCloud",
    "DETECTOR_STORE": "blob:insights",
    "DETECTOR_QUEUE": "insights",
    "DETECTOR_WEBHOOK_URLS": "",
    "DETECTOR_NOTIFY_URLS": "",
    "DETECTOR_DIGEST": "PT15M",
}
_INGESTION: Final = {"DETECTOR_INGESTION_ENDPOINT", "DETECTOR_INGESTION_RULE"}
# https://learn.microsoft.com/azure/app-service/app-service-key-vault-references, and its twin.
_REFERENCE: Final = re.compile(r"@Microsoft\.(?:KeyVault|AppConfiguration)\(", re.IGNORECASE)
_STORAGE_SUFFIXES: Final = {
    "AzureCloud": "core.windows.net",
    "AzureUSGovernment": "core.usgovcloudapi.net",
    "AzureChinaCloud": "core.chinacloudapi.cn",
}


class Settings(BaseModel):
    """What the operator chose; each field's alias is the name of its environment variable."""

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)

    scopes: forms.Scopes = Field(alias="DETECTOR_SCOPES")
    schedule: forms.TimerSchedule = Field(alias="DETECTOR_SCHEDULE")
    lookback: forms.Lookback = Field(alias="DETECTOR_LOOKBACK")
    catch_up: forms.CatchUp = Field(alias="DETECTOR_CATCH_UP")
    articles: forms.Articles = Field(alias="DETECTOR_ARTICLES")
    cloud: forms.CloudName = Field(alias="DETECTOR_CLOUD")
    logs_endpoint: forms.Url | None = Field(None, alias="DETECTOR_LOGS_ENDPOINT")
    arm_endpoint: forms.Url | None = Field(None, alias="DETECTOR_ARM_ENDPOINT")
    metrics_endpoint: forms.RegionalEndpoint | None = Field(None, alias="DETECTOR_METRICS_ENDPOINT")
    store: forms.Store = Field(alias="DETECTOR_STORE")
    queue: forms.Queue = Field(alias="DETECTOR_QUEUE")
    event_grid_endpoint: forms.Url | None = Field(None, alias="DETECTOR_EVENT_GRID_ENDPOINT")
    ingestion_endpoint: forms.Url | None = Field(None, alias="DETECTOR_INGESTION_ENDPOINT")
    ingestion_rule: forms.IngestionRule | None = Field(None, alias="DETECTOR_INGESTION_RULE")
    webhook_urls: forms.WebhookUrls = Field(alias="DETECTOR_WEBHOOK_URLS")
    webhook_secret: forms.WebhookSecret | None = Field(None, alias="DETECTOR_WEBHOOK_SECRET")
    notify_urls: forms.NotifyUrls = Field(alias="DETECTOR_NOTIFY_URLS")
    digest: forms.Digest = Field(alias="DETECTOR_DIGEST")
    time_zone: forms.TimeZone = Field(None, alias="DETECTOR_TIME_ZONE")
    web_url: forms.WebUrl | None = Field(None, alias="DETECTOR_WEB_URL")
    login: forms.Switch = Field(False, alias="DETECTOR_LOGIN")  # noqa: FBT003 -- a field's default
    connection_string: forms.ConnectionString | None = Field(None, alias="AzureWebJobsStorage")
    account_name: forms.AccountName | None = Field(None, alias="AzureWebJobsStorage__accountName")
    blob_uri: forms.Url | None = Field(None, alias="AzureWebJobsStorage__blobServiceUri")
    queue_uri: forms.Url | None = Field(None, alias="AzureWebJobsStorage__queueServiceUri")
    storage_credential: forms.StorageCredential | None = Field(
        None, alias="AzureWebJobsStorage__credential"
    )
    storage_client_id: str | None = Field(None, alias="AzureWebJobsStorage__clientId")

    @classmethod
    def read(cls, environ: Mapping[str, str]) -> Settings:
        """The settings in `environ`, whatever the case of its names; blank is as good as not set.

        Raises SettingsError with every problem.
        """
        given = with_defaults(environ)
        names = [str(field.alias) for field in cls.model_fields.values()]
        problems = _unknown(given, names) | _missing(given) | _unresolved(given, names)
        try:
            settings = cls.model_validate(
                {name: given[name.upper()] for name in names if name.upper() in given}
            )
        except ValidationError as error:
            malformed = {
                str(detail["loc"][0]): str(detail.get("ctx", {}).get("error", detail["msg"]))
                for detail in error.errors()
            }
            raise SettingsError(malformed | problems) from None  # its cause holds the values
        if problems:
            raise SettingsError(problems)
        return settings

    @property
    def storage(self) -> StorageConnection:
        """The storage account, of which as much is known as the store and the queue need."""
        if self.connection_string is not None:
            return StorageConnection(connection_string=self.connection_string)
        suffix = _STORAGE_SUFFIXES.get(self.cloud) if self.account_name else None
        return StorageConnection(
            blob_uri=self.blob_uri or (suffix and f"https://{self.account_name}.blob.{suffix}"),
            queue_uri=self.queue_uri or (suffix and f"https://{self.account_name}.queue.{suffix}"),
            managed_identity=self.storage_credential is not None,
            client_id=self.storage_client_id,
        )


def with_defaults(environ: Mapping[str, str]) -> dict[str, str]:
    """What is set, by upper-case name, with the defaults for the rest.

    A blank queue is a choice: none. A store in a folder has no queue unless one is named.
    """
    given = {name.upper(): value.strip() for name, value in environ.items()}
    given = {name: value for name, value in given.items() if value or name == "DETECTOR_QUEUE"}
    in_folder = given.get("DETECTOR_STORE", "").startswith("file:")
    return DEFAULTS | ({"DETECTOR_QUEUE": ""} if in_folder else {}) | given


def _unknown(given: Mapping[str, str], known: Sequence[str]) -> dict[str, str]:
    problems = {}
    for name in sorted(given):
        if name.startswith("DETECTOR_") and name not in known:
            near = difflib.get_close_matches(name, known, n=1)
            problems[name] = f"no such setting{f'; do you mean {near[0]}?' if near else ''}"
    return problems


def _unresolved(given: Mapping[str, str], names: Sequence[str]) -> dict[str, str]:
    """The settings that are references as they were written: the platform could not follow them."""
    return {
        name: "this reference did not resolve; see that what it names is there, and give the app's "
        "identity the role Key Vault Secrets User on the vault (App Configuration Data Reader)"
        for name in names
        if _REFERENCE.match(given.get(name.upper(), ""))
    }


def _missing(given: Mapping[str, str]) -> dict[str, str]:
    """What the other settings make necessary; by raw values, to be told beside malformed ones."""
    problems = {}
    if "DETECTOR_SCOPES" not in given:
        problems["DETECTOR_SCOPES"] = f"required: {forms.SCOPES_RULE}"
    cloud = given["DETECTOR_CLOUD"]
    if cloud in ("AzureUSNat", "AzureUSSec"):
        for name in (f"DETECTOR_{kind}_ENDPOINT" for kind in ("LOGS", "ARM", "METRICS")):
            if name not in given:
                problems[name] = f"required for {cloud}, whose endpoints are not published"
        for name in _INGESTION & given.keys():
            problems[name] = f"leave it out: for whom a token of {cloud} must be is not published"
    elif len(_INGESTION & given.keys()) == 1:
        [name] = _INGESTION - given.keys()
        problems[name] = "required: an endpoint for rows and its rule go together"
    return problems | _missing_storage(given)


def _missing_storage(given: Mapping[str, str]) -> dict[str, str]:
    if "AZUREWEBJOBSSTORAGE" in given:
        return {}
    if "AZUREWEBJOBSSTORAGE__ACCOUNTNAME" in given and given["DETECTOR_CLOUD"] in _STORAGE_SUFFIXES:
        return {}
    needs = {}
    if given["DETECTOR_STORE"].startswith("blob:"):
        needs["AzureWebJobsStorage__blobServiceUri"] = "DETECTOR_STORE is a container"
    if given["DETECTOR_QUEUE"]:
        needs["AzureWebJobsStorage__queueServiceUri"] = "DETECTOR_QUEUE is a queue"
    missing = {name: why for name, why in needs.items() if name.upper() not in given}
    if len(missing) < len(needs):
        return {name: f"required, because {why}" for name, why in missing.items()}
    if not missing:
        return {}
    return {
        "AzureWebJobsStorage": f"required, because {' and '.join(missing.values())}: give a "
        "connection string, or for an identity AzureWebJobsStorage__accountName or "
        f"{' with '.join(missing)}"
    }
