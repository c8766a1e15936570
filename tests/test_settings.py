"""Settings: read once from an environment, or one error that names all that is wrong."""

from __future__ import annotations

import base64
import json
from datetime import timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from detector.app.forms import APP, BlobStore, FolderStore
from detector.app.settings import Settings
from detector.azure.storage import StorageConnection
from detector.errors import SettingsError
from detector.insights.standing import Severity
from detector.model import Scope
from detector.runs.schedule import Schedule

ROOT = Path(__file__).parent.parent
WORKSPACE = "6f3c1f6e-0b1e-4b7a-9c37-51c2f3c0a001"
SUBSCRIPTION = "/subscriptions/6f3c1f6e-0b1e-4b7a-9c37-51c2f3c0a002"
GROUP = f"{SUBSCRIPTION}/resourceGroups/rg-Hub_(weu).1"
GATEWAY = f"{GROUP}/providers/Microsoft.Network/virtualNetworkGateways/vpn-hub-weu"
SECRET = "whsec_" + base64.b64encode(b"k" * 32).decode()


def an_environment(**changes: str | None) -> dict[str, str]:
    """The least that the app needs, with changes; None takes a setting away."""
    given = {"DETECTOR_SCOPES": WORKSPACE, "AzureWebJobsStorage": "UseDevelopmentStorage=true"}
    return {name: value for name, value in (given | changes).items() if value is not None}


def problems_of(**changes: str | None) -> dict[str, str]:
    """What the error says of an environment with these changes."""
    with pytest.raises(SettingsError) as caught:
        Settings.read(an_environment(**changes))
    return caught.value.problems


def test_scopes_and_storage_are_enough() -> None:
    settings = Settings.read(an_environment())

    assert (Scope(id=WORKSPACE),) == settings.scopes
    assert Schedule.read("0 */5 * * * *") == settings.schedule
    assert (timedelta(hours=6), timedelta(days=2)) == (settings.lookback, settings.catch_up)
    assert ROOT / "articles" == settings.articles
    assert "AzureCloud" == settings.cloud
    assert BlobStore(container="insights") == settings.store
    assert "insights" == settings.queue
    assert () == settings.webhook_urls + settings.notify_urls
    assert settings.logs_endpoint is None
    assert settings.event_grid_endpoint is None
    assert settings.webhook_secret is None


def test_scopes_are_workspaces_subscriptions_groups_and_gateways_in_lower_case_each_once() -> None:
    scopes = f"{WORKSPACE.upper()}, {SUBSCRIPTION}/,\n{GROUP},{GATEWAY},{WORKSPACE},"

    settings = Settings.read(an_environment(DETECTOR_SCOPES=scopes))

    expected = (WORKSPACE, SUBSCRIPTION, GROUP.lower(), GATEWAY.lower())
    assert tuple(Scope(id=each) for each in expected) == settings.scopes


def test_each_malformed_scope_is_named_and_no_other() -> None:
    bad = (f"{GATEWAY}/connections/x", "my-workspace", f"{SUBSCRIPTION}/resourceGroups/../x")

    problem = problems_of(DETECTOR_SCOPES=",".join([WORKSPACE, *bad]))["DETECTOR_SCOPES"]

    assert [True] * 3 == [repr(entry.lower()) in problem for entry in bad]
    assert WORKSPACE not in problem


def test_the_arm_id_of_a_workspace_is_answered_with_where_its_guid_is() -> None:
    arm_id = f"{GROUP}/providers/Microsoft.OperationalInsights/workspaces/logs-weu"

    assert "--query customerId" in problems_of(DETECTOR_SCOPES=arm_id)["DETECTOR_SCOPES"]


@pytest.mark.parametrize("blank", [None, "", " ", ","])
def test_no_scope_at_all_is_a_problem(blank: str | None) -> None:
    assert ["DETECTOR_SCOPES"] == list(problems_of(DETECTOR_SCOPES=blank))


def test_the_placeholder_of_the_sample_is_no_workspace() -> None:
    sample = json.loads((ROOT / "local.settings.sample.json").read_text(encoding="utf-8"))
    placeholder = sample["Values"]["DETECTOR_SCOPES"]

    problem = problems_of(DETECTOR_SCOPES=placeholder)["DETECTOR_SCOPES"]

    assert f"{placeholder!r} is a placeholder, give the GUID of your own" == problem


@pytest.mark.parametrize(
    "secret",
    [
        "AccountName=st;AccountKey=aGVsbG8=",
        "https://hooks.example.com/services/T0/B0/c0ffee",
        "sv=2026-01-01&sig=abc",
        "Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq",
        "8a6f1c0d2b4e4f6a9c1d3e5f7a9b1c3d",
        "x" * 5000,
    ],
)
def test_what_may_be_a_secret_is_named_by_its_place_among_the_scopes(secret: str) -> None:
    problem = problems_of(DETECTOR_SCOPES=f"{WORKSPACE},{secret}")["DETECTOR_SCOPES"]

    assert problem.startswith("number 2 of 2 (it may hold a secret) is neither the GUID of a Log")
    assert secret.lower() not in problem


def test_of_many_malformed_scopes_twenty_are_shown_with_a_count() -> None:
    many = ",".join(f"workspace-{number}" for number in range(500))

    problem = problems_of(DETECTOR_SCOPES=many)["DETECTOR_SCOPES"]

    assert 20 == problem.count(" is neither ")
    assert "'workspace-19'" in problem
    assert problem.endswith("; and 480 more")


@pytest.mark.parametrize("kind", ["KeyVault(SecretUri=https://v.example.com/s)", "keyvault("])
@pytest.mark.parametrize(
    "name",
    [
        *("DETECTOR_SCOPES", "DETECTOR_WEBHOOK_SECRET", "DETECTOR_NOTIFY_URLS", "DETECTOR_CLOUD"),
        *("AzureWebJobsStorage", "AzureWebJobsStorage__clientId"),
    ],
)
def test_a_reference_that_did_not_resolve_is_told_as_such(name: str, kind: str) -> None:
    [(named, problem)] = problems_of(**{name: f"@Microsoft.{kind}"}).items()

    assert name == named
    assert problem.startswith("this reference did not resolve; see that what it names is there")


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("DETECTOR_SCHEDULE", "*/5 * * * *"),
        ("DETECTOR_SCHEDULE", "00:05:00"),
        ("DETECTOR_SCHEDULE", "0 0 9 L * *"),
        ("DETECTOR_LOOKBACK", "6h"),
        ("DETECTOR_LOOKBACK", "21600"),
        ("DETECTOR_LOOKBACK", "-PT6H"),
        ("DETECTOR_LOOKBACK", "PT59M"),
        ("DETECTOR_CATCH_UP", "PT5H"),
        ("DETECTOR_CATCH_UP", "P91D"),
        ("DETECTOR_CLOUD", "AzureGermanCloud"),
        ("DETECTOR_LOGS_ENDPOINT", "http://logs.example.com"),
        ("DETECTOR_ARM_ENDPOINT", "arm.example.com"),
        ("DETECTOR_ARM_ENDPOINT", "https://{region}.example.com"),
        ("DETECTOR_METRICS_ENDPOINT", "https://{zone}.example.com"),
        ("DETECTOR_METRICS_ENDPOINT", "https://[::1"),
        ("DETECTOR_STORE", "insights"),
        ("DETECTOR_STORE", "blob:Insights"),
        ("DETECTOR_STORE", "blob:in--sights"),
        ("DETECTOR_STORE", "blob:ab"),
        ("DETECTOR_STORE", "blob:" + "a" * 64),
        ("DETECTOR_STORE", "file:"),
        ("DETECTOR_QUEUE", "insights-"),
        ("DETECTOR_QUEUE", "in_sights"),
        ("DETECTOR_EVENT_GRID_ENDPOINT", "http://topic.example.com/api/events"),
        ("DETECTOR_EVENT_GRID_ENDPOINT", "https://topic.example.com/api/events?key=1"),
        ("DETECTOR_WEBHOOK_URLS", "https://example.com/a http://example.com/b"),
        ("DETECTOR_WEBHOOK_URLS", "https://example.com:port/"),
        ("DETECTOR_WEBHOOK_SECRET", "whsec_c2hvcnQ="),
        ("DETECTOR_WEBHOOK_SECRET", SECRET.removeprefix("whsec_")),
        ("DETECTOR_WEBHOOK_SECRET", "whsec_not base64"),
        ("DETECTOR_NOTIFY_URLS", "hooks.example.com/1"),
        ("AzureWebJobsStorage", "AccountName=st"),
        ("AzureWebJobsStorage", "SharedAccessSignature=s"),
        ("AzureWebJobsStorage", "BlobEndpoint=ftp://x;SharedAccessSignature=s"),
        ("AzureWebJobsStorage", "BlobEndpoint=http://[;SharedAccessSignature=s"),
        ("DETECTOR_NOTIFY_URLS", "loud=slack://a/b/c"),
        ("DETECTOR_DIGEST", "15"),
        ("DETECTOR_DIGEST", "-PT1M"),
        ("DETECTOR_DIGEST", "P2D"),
        ("DETECTOR_TIME_ZONE", "Mars/Olympus"),
        ("DETECTOR_TIME_ZONE", "../etc/passwd"),
        ("DETECTOR_LOGIN", "yes"),
        ("DETECTOR_LOGIN", "1"),
        ("DETECTOR_WEB_URL", "http://failovers.example"),
        ("DETECTOR_WEB_URL", "https://failovers.example/?code=key"),
        ("AzureWebJobsStorage__accountName", "https://account.blob.core.windows.net"),
        ("AzureWebJobsStorage__blobServiceUri", "http://account.blob.core.windows.net"),
        ("AzureWebJobsStorage__credential", "clientsecret"),
    ],
)
def test_what_is_malformed_is_named(name: str, value: str) -> None:
    assert [name] == list(problems_of(**{name: value}))


def test_every_problem_is_told_at_once_and_by_name() -> None:
    problems = problems_of(
        DETECTOR_SCOPES=None,
        DETECTOR_LOOKBACK="six hours",
        DETECTOR_QUEUE="-",
        DETECTOR_SCOPE=WORKSPACE,
        DETECTOR_CLOUD="AzureUSSec",
        DETECTOR_ARM_ENDPOINT="http://arm.example.com",
        AzureWebJobsStorage=None,
    )

    assert {
        "DETECTOR_SCOPES",
        "DETECTOR_LOOKBACK",
        "DETECTOR_QUEUE",
        "DETECTOR_SCOPE",
        "DETECTOR_LOGS_ENDPOINT",
        "DETECTOR_ARM_ENDPOINT",
        "DETECTOR_METRICS_ENDPOINT",
        "AzureWebJobsStorage",
    } == set(problems)


def test_a_mistyped_name_is_told_with_the_name_that_was_meant() -> None:
    problems = problems_of(DETECTOR_WEBHOOK_URL="https://example.com/")

    assert {"DETECTOR_WEBHOOK_URL": "no such setting; do you mean DETECTOR_WEBHOOK_URLS?"} == (
        problems
    )


def test_names_are_read_in_any_case_for_windows_has_them_in_upper_case() -> None:
    environ = {name.upper(): value for name, value in an_environment().items()}

    assert Settings.read(an_environment()) == Settings.read(environ)


def test_a_blank_setting_is_as_good_as_none() -> None:
    blank = dict.fromkeys(("DETECTOR_LOOKBACK", "DETECTOR_STORE", "DETECTOR_WEBHOOK_URLS"), " ")

    assert Settings.read(an_environment()) == Settings.read(an_environment(**blank))


def test_the_real_environment_does_not_shine_through(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DETECTOR_LOOKBACK", "PT12H")

    assert timedelta(hours=6) == Settings.read(an_environment()).lookback


def test_catch_up_reaches_back_at_least_as_far_as_every_run_does() -> None:
    assert ["DETECTOR_CATCH_UP"] == list(problems_of(DETECTOR_LOOKBACK="P3D"))


@pytest.mark.parametrize("cloud", ["AzureUSNat", "AzureUSSec"])
def test_an_air_gapped_cloud_needs_its_endpoints_and_storage_uris(cloud: str) -> None:
    problems = problems_of(
        DETECTOR_CLOUD=cloud,
        AzureWebJobsStorage=None,
        AzureWebJobsStorage__accountName="stvpnwatch",
    )

    assert {
        "DETECTOR_LOGS_ENDPOINT",
        "DETECTOR_ARM_ENDPOINT",
        "DETECTOR_METRICS_ENDPOINT",
        "AzureWebJobsStorage",
    } == set(problems)


def test_only_the_metrics_endpoint_has_a_place_for_the_region() -> None:
    endpoint = "https://{region}.metrics.example.com/"

    settings = Settings.read(an_environment(DETECTOR_METRICS_ENDPOINT=endpoint))

    assert "https://{region}.metrics.example.com" == settings.metrics_endpoint


def test_a_store_in_a_folder_needs_no_storage_account_and_has_no_queue_unless_named() -> None:
    folder = {"DETECTOR_STORE": "file:/var/lib/detector", "AzureWebJobsStorage": None}

    settings = Settings.read(an_environment(**folder))

    assert (FolderStore(folder=Path("/var/lib/detector")), None) == (settings.store, settings.queue)
    assert ["AzureWebJobsStorage"] == list(problems_of(**folder, DETECTOR_QUEUE="insights"))


@pytest.mark.parametrize(
    ("text", "folder"),
    [
        ("own/articles", ROOT / "own" / "articles"),
        ("../beside", ROOT / ".." / "beside"),
        ("/var/lib/detector", Path("/var/lib/detector")),
    ],
)
def test_a_relative_folder_counts_from_the_app_wherever_it_is_run(
    text: str, folder: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.chdir(tmp_path)

    settings = Settings.read(an_environment(DETECTOR_ARTICLES=text, DETECTOR_STORE=f"file:{text}"))

    assert (folder, FolderStore(folder=folder)) == (settings.articles, settings.store)
    assert (APP / "function_app.py").is_file()


def test_an_empty_queue_setting_means_no_queue() -> None:
    assert Settings.read(an_environment(DETECTOR_QUEUE="")).queue is None


@pytest.mark.parametrize(
    ("cloud", "suffix"),
    [
        ("AzureCloud", "core.windows.net"),
        ("AzureUSGovernment", "core.usgovcloudapi.net"),
        ("AzureChinaCloud", "core.chinacloudapi.cn"),
    ],
)
def test_the_name_of_the_account_tells_its_uris_in_its_cloud(cloud: str, suffix: str) -> None:
    settings = Settings.read(
        an_environment(
            DETECTOR_CLOUD=cloud,
            AzureWebJobsStorage=None,
            AzureWebJobsStorage__accountName="stvpnwatch",
            AzureWebJobsStorage__credential="managedIdentity",
            AzureWebJobsStorage__clientId=WORKSPACE,
        )
    )

    assert (
        StorageConnection(
            blob_uri=f"https://stvpnwatch.blob.{suffix}",
            queue_uri=f"https://stvpnwatch.queue.{suffix}",
            managed_identity=True,
            client_id=WORKSPACE,
        )
        == settings.storage
    )


def test_a_storage_account_known_by_its_uris_needs_both_when_there_is_a_queue() -> None:
    blobs = {
        "AzureWebJobsStorage": None,
        "AzureWebJobsStorage__blobServiceUri": "https://st.blob.example.com/",
    }

    assert ["AzureWebJobsStorage__queueServiceUri"] == list(problems_of(**blobs))
    storage = Settings.read(an_environment(**blobs, DETECTOR_QUEUE="")).storage
    assert StorageConnection(blob_uri="https://st.blob.example.com") == storage


def test_webhook_urls_are_separated_by_commas_or_white_space() -> None:
    urls = "https://example.com/a?x=1,https://example.com/b\nhttps://example.com/c"

    settings = Settings.read(an_environment(DETECTOR_WEBHOOK_URLS=urls))

    told = [url.get_secret_value() for url in settings.webhook_urls]
    assert [f"https://example.com/{path}" for path in ("a?x=1", "b", "c")] == told


def test_a_comma_inside_a_notify_url_belongs_to_it() -> None:
    mail = "mailtos://ops:pw@example.com?to=a@example.com,b@example.com"
    urls = ["workflows://example.com:443/w/s", mail, "json://example.com/1", "xml://example.com"]

    settings = Settings.read(
        an_environment(DETECTOR_NOTIFY_URLS=f"{urls[0]}, {urls[1]},{urls[2]}\n{urls[3]},")
    )

    assert urls == [known.url.get_secret_value() for known in settings.notify_urls]


def test_a_notify_url_may_name_the_least_severity_that_it_is_sent() -> None:
    urls = "slack://a/b/c, warning=pagerduty://k@i,failure=json://example.com/1"

    settings = Settings.read(an_environment(DETECTOR_NOTIFY_URLS=urls))

    assert [
        ("slack://a/b/c", Severity.INFO),
        ("pagerduty://k@i", Severity.WARNING),
        ("json://example.com/1", Severity.FAILURE),
    ] == [(known.url.get_secret_value(), known.least) for known in settings.notify_urls]


def test_a_notify_url_counts_once_and_has_one_severity() -> None:
    once = Settings.read(an_environment(DETECTOR_NOTIFY_URLS="slack://a/b/c slack://a/b/c"))
    twice = problems_of(DETECTOR_NOTIFY_URLS="slack://a/b/c warning=slack://a/b/c")

    assert 1 == len(once.notify_urls)
    assert {"DETECTOR_NOTIFY_URLS": "number 2 of 2 is there before with another severity"} == twice


def test_messages_wait_for_15_minutes_and_are_in_utc_unless_told_otherwise() -> None:
    usual = Settings.read(an_environment())
    chosen = Settings.read(
        an_environment(
            DETECTOR_DIGEST="PT0S",
            DETECTOR_TIME_ZONE="Europe/Paris",
            DETECTOR_WEB_URL="https://failovers.example/",
        )
    )

    assert (timedelta(minutes=15), None, None) == (usual.digest, usual.time_zone, usual.web_url)
    assert (timedelta(), ZoneInfo("Europe/Paris")) == (chosen.digest, chosen.time_zone)
    assert "https://failovers.example" == chosen.web_url


@given(secret=st.text(st.characters(codec="ascii", categories=["L", "N"]), min_size=8))
def test_no_error_and_no_repr_shows_a_secret(secret: str) -> None:
    secret = f"s3cr3t{secret}"
    good = an_environment(
        DETECTOR_WEBHOOK_URLS=f"https://example.com/{secret}",
        DETECTOR_NOTIFY_URLS=f"slack://{secret}",
        DETECTOR_WEBHOOK_SECRET="whsec_"
        + base64.b64encode(secret.encode().zfill(24)[:64]).decode(),
        AzureWebJobsStorage=f"AccountName=st;AccountKey={secret}",
    )
    settings = Settings.read(good)
    bad = problems_of(
        DETECTOR_WEBHOOK_URLS=f"http://example.com/{secret}",
        DETECTOR_NOTIFY_URLS=secret,
        DETECTOR_WEBHOOK_SECRET=secret,
        DETECTOR_EVENT_GRID_ENDPOINT=f"https://example.com/?{secret}",
        AzureWebJobsStorage=f"Key={secret}",
    )

    assert secret not in f"{settings!r} {settings} {settings.storage!r}"
    assert 5 == len(bad)
    assert secret not in str(SettingsError(bad))


INGESTION = {
    "DETECTOR_INGESTION_ENDPOINT": "https://dce.westeurope-1.ingest.monitor.azure.com",
    "DETECTOR_INGESTION_RULE": "dcr-00000000000000000000000000000001",
}


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("DETECTOR_INGESTION_ENDPOINT", "http://dce.ingest.monitor.azure.com"),
        ("DETECTOR_INGESTION_RULE", "/subscriptions/x/dataCollectionRules/y"),
        ("DETECTOR_INGESTION_RULE", "dcr-0"),
    ],
)
def test_an_endpoint_or_a_rule_that_is_none_is_named(name: str, text: str) -> None:
    with pytest.raises(SettingsError) as raised:
        Settings.read(an_environment(**(INGESTION | {name: text})))

    assert {name} == raised.value.problems.keys()


@pytest.mark.parametrize("name", INGESTION)
def test_an_endpoint_for_rows_and_its_rule_go_together(name: str) -> None:
    with pytest.raises(SettingsError) as raised:
        Settings.read(an_environment(**{name: INGESTION[name]}))

    assert INGESTION.keys() - {name} == raised.value.problems.keys()


@pytest.mark.parametrize("cloud", ["AzureUSNat", "AzureUSSec"])
def test_no_rows_are_sent_in_a_cloud_whose_audience_nobody_has_published(cloud: str) -> None:
    endpoints = {
        f"DETECTOR_{kind}_ENDPOINT": "https://example.com" for kind in ("LOGS", "ARM", "METRICS")
    }
    with pytest.raises(SettingsError) as raised:
        Settings.read(an_environment(DETECTOR_CLOUD=cloud, **endpoints, **INGESTION))

    assert INGESTION.keys() == raised.value.problems.keys()
    assert all("leave it out" in problem for problem in raised.value.problems.values())
