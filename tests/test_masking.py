"""Masks: nothing of an identity is left, and a replay tells the same."""

from __future__ import annotations

import html
import json
import re
from collections.abc import Callable, Mapping
from datetime import timedelta
from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory
from typing import Final
from urllib.parse import unquote

import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from detector.app import bootstrap
from detector.local.capture import LOGS
from detector.local.exports import read_export
from detector.local.masking import LEFT, NEEDED, NOT_NEEDED, Parts, masked, needed
from detector.local.new_recording import NewRecording
from detector.local.recording import Recording
from detector.runs.run import run_once
from detector.signals.row import COLUMNS
from tests.command_line import AFTERNOON, ROOT
from tests.estates import SPELLINGS, Estate, estates

GATEWAY: Final = (
    "/subscriptions/6d1f9c2a-0000-4000-8000-3f0c5e7a1b20/resourceGroups/rg-hub/providers"
    "/Microsoft.Network/virtualNetworkGateways/vpn-hub-weu"
)
CORRELATION: Final = "0b6d5a52-6c1e-4f3a-9d53-7f1f3a2e9c11"


def row(**columns: object) -> dict[str, object]:
    """A row of the gateway."""
    return {"TimeGenerated": "2026-11-19T14:14:07.123Z", "ResourceId": GATEWAY, **columns}


def hidden(*rows: Mapping[str, object], seed: int = 1) -> tuple[list[dict[str, str]], Table]:
    """These rows with masks, and the masks by what they hide."""
    parts, table = masked({LOGS: list(rows)}, Random(seed))
    return parts[LOGS], {key: mask for masks in table.values() for key, mask in masks.items()}  # type: ignore[return-value]


Table = Mapping[str, str]


def said(text: str) -> tuple[str, Table]:
    """A message of the gateway with masks, and these."""
    [found], table = hidden(row(Message=text))
    return found["Message"], table


def plain(text: str) -> str:
    """A text in lower case without anything that encodes or escapes."""
    for _ in range(9):
        text = re.sub(r"\\u([0-9a-fA-F]{4})", lambda found: chr(int(found[1], 16)), text)
        text = html.unescape(unquote(text)).replace("\\", "").lower()
    return text.replace("\u200b", "")  # by which Markdown keeps addresses from being links


def told(folder: Path, unmask: Callable[[str], str]) -> str:
    """What a replay of a recording tells, in plain text, without ids made of others."""
    recording = Recording.read(folder)
    now = recording.newest + timedelta(milliseconds=1)
    with TemporaryDirectory() as store:
        world = bootstrap.of_recording(recording, Path(store), now=now, articles=ROOT / "articles")
        report, insights = run_once(world, now=now, left=lambda: timedelta(minutes=4))
    assert () == report.problems
    documents = json.dumps([each.model_dump(mode="json") for each in insights], ensure_ascii=False)
    for each in insights:
        documents = documents.replace(each.id, "<id>")
    return unmask(plain(documents))


def unmasking(table: Mapping[str, Mapping[str, str]]) -> Callable[[str], str]:
    """What puts identities where their masks stand."""
    originals = {mask: key for masks in table.values() for key, mask in masks.items()}
    pattern = re.compile("|".join(map(re.escape, sorted(originals, key=len, reverse=True))))
    return lambda text: pattern.sub(lambda found: originals[found[0]], text)


def left_of(identities: set[str], folder: Path) -> set[str]:
    """The identities that stand anywhere in the files of a folder, in any case or encoding."""
    written = b"\n".join(path.read_bytes() for path in folder.rglob("*") if path.is_file())
    text = plain(written.decode())
    return {each for each in identities if each.lower() in text}


SKELETON: Final = plain(
    " ".join(
        (
            *LEFT,
            *(path.read_text("utf-8") for path in sorted((AFTERNOON / "gateways").iterdir())),
            *(path.read_text("utf-8") for path in sorted((AFTERNOON / "connections").iterdir())),
            "tunneldisconnected tunnelconnected hostmaintenanceevent unavailable: ask or see ",
            "platform initiated occuredtime gatewaydiagnosticlog tunneldiagnosticlog",
        )
    )
)


@settings(
    max_examples=40,
    phases=(Phase.explicit, Phase.reuse, Phase.generate),  # it is readable as it is
)
@given(estates(), st.integers(0, 2**32))
def test_of_no_estate_anything_is_left_and_a_replay_tells_the_same(
    estate: Estate, seed: int
) -> None:
    with TemporaryDirectory() as place:
        clear, dark, kept = Path(place, "clear"), Path(place, "dark"), Path(place, "table.json")
        NewRecording(clear).write(estate.parts)
        NewRecording(dark, kept).write_masked(estate.parts, Random(seed))
        identities = {each for each in estate.identities if each.lower() not in SKELETON}

        assert len(identities) / 2 < len(left_of(identities, clear))
        assert set() == left_of(identities, dark)
        assert told(clear, plain) == told(dark, unmasking(json.loads(kept.read_text("utf-8"))))


def test_what_the_sample_tells_is_told_of_its_masks(tmp_path: Path) -> None:
    parts = parts_of(AFTERNOON)
    table_file = tmp_path / "table.json"
    NewRecording(tmp_path / "clear").write(parts)
    NewRecording(tmp_path / "dark", table_file).write_masked(parts, Random(7))
    table = json.loads(table_file.read_text("utf-8"))

    assert told(tmp_path / "clear", plain) == told(tmp_path / "dark", unmasking(table))
    assert {"gateway", "connection", "subscription", "e-mail-address", "ipv4-address"} < set(table)
    assert set() == left_of({each for masks in table.values() for each in masks}, tmp_path / "dark")


def parts_of(folder: Path) -> Parts:
    """The files of a recording that somebody made by hand, as `record` would write them."""
    logs = sorted((folder / "logs").iterdir())
    rows = [row for path in logs for _, row in read_export(path.read_bytes())]
    parts: Parts = {LOGS: [{"ResourceId": "", **row} for row in rows if isinstance(row, dict)]}
    for path in sorted(folder.rglob("*.json")):
        if path.parent.name != "logs":
            read = json.loads(path.read_text("utf-8"))
            parts[path.relative_to(folder).as_posix()] = read if isinstance(read, list) else [read]
    return parts


def test_a_mask_is_drawn_anew_for_every_recording() -> None:
    one, _ = hidden(row(Caller="kim@example.net"), seed=1)
    other, _ = hidden(row(Caller="kim@example.net"), seed=2)

    assert one != other


def test_the_same_name_stays_the_same_in_any_case_and_place() -> None:
    [found], table = hidden(
        row(ResourceId=GATEWAY.upper(), Message=f"VPN-Hub-WEU of {GATEWAY}, not vpn-hub")
    )
    gateway = table["vpn-hub-weu"]

    assert found["ResourceId"].endswith(f"/{gateway}")
    assert found["Message"].startswith(f"{gateway} of /subscriptions/")
    assert found["Message"].endswith(f"/{gateway}, not vpn-hub")


@pytest.mark.parametrize(
    ("identity", "pattern"),
    [
        ("203.0.113.77", r"(?:192\.0\.2|198\.51\.100|203\.0\.113)\.\d+"),
        ("10.1.2.3", r"(?:192\.0\.2|198\.51\.100|203\.0\.113)\.\d+"),
        ("2a01:cb00::7", r"2001:db8::[0-9a-f:]+"),
        ("::ffff:10.1.2.3", r"2001:db8::[0-9a-f:]+"),
        ("00:1a:2b:3c:4d:5e", r"2001:db8::[0-9a-f:]+"),
        ("3f2504e0-4f89-41d3-9a0c-0305e82c3301", r"[0-9a-f-]{36}"),
        ("3F2504E04F8941D39A0C0305E82C3301", r"[0-9a-f]{32}"),
        ("kim.doe@contoso.example", r"person-\w+@example\.net"),
        ("kim_corp.example#EXT#@contoso.example", r"person-\w+@example\.net"),
        ("fw01.corp.contoso.example", r"host-\w+\.example\.net"),
    ],
)
@pytest.mark.parametrize("around", ["{}", "see {}.", "({}) down", "peer={}:", "on [{}]:500, x"])
def test_what_nobody_knew_before_is_masked_in_free_text(
    identity: str, pattern: str, around: str
) -> None:
    before, after = around.split("{}")
    message, _ = said(around.format(identity))

    assert re.fullmatch(re.escape(before) + pattern + re.escape(after), message)


@pytest.mark.parametrize(
    "text",
    [
        "Upgrade gateway started at 03:14:15.123, 2026-11-22T03:14:15Z, for 1.5 min: 100%",
        "Microsoft.Network/connections/write: see learn.microsoft.com",
        "std::move",
        "&nbsp; \\u12 %zz",
    ],
)
def test_what_identifies_nobody_stays_as_it_is(text: str) -> None:
    message, table = said(text)

    assert text.replace("std", "") in message or "std" in text
    assert not {"upgrade", "started", "write"} & set(table)


@pytest.mark.parametrize("spell", SPELLINGS)
def test_an_identity_is_found_however_it_is_written(spell: Callable[[str], str]) -> None:
    [found], table = hidden(row(Message=f"<{spell('vpn-hub-weu')}> and {spell(GATEWAY)}!"))

    assert f"<{table['vpn-hub-weu']}> and " == found["Message"][: len(table["vpn-hub-weu"]) + 7]
    assert "!" == found["Message"][-1]
    assert "hub" not in plain(found["Message"])


def test_what_is_encoded_too_often_to_be_searched_is_left_out() -> None:
    text = "vpn%2Dhub%2Dweu"
    for _ in range(9):
        text = text.replace("%", "%25")

    assert "masked" == said(f"about {text}")[0]


@pytest.mark.parametrize("text", ["Upgrade of vpn started", "upgrade STARTED"])
def test_a_gateway_that_is_named_like_a_word_of_azure_takes_no_meaning_away(text: str) -> None:
    [found], table = hidden(
        row(
            ResourceId=GATEWAY.replace("vpn-hub-weu", "Upgrade"),
            Message=text,
            Source="GatewayDiagnosticLog",
            Status="Connected",
        )
    )

    assert found["ResourceId"].endswith(f"/{table['upgrade']}")
    assert (text, "GatewayDiagnosticLog", "Connected") == (
        found["Message"],
        found["Source"],
        found["Status"],
    )


@pytest.mark.parametrize(
    "odd",
    [
        GATEWAY.replace("Microsoft.Network", "Contoso"),
        f"{GATEWAY}/contoso.example/x",
        f"{GATEWAY}/sharedKey",
    ],
)
def test_an_id_that_is_none_of_azures_keeps_its_parts_and_no_word_of_anybody(odd: str) -> None:
    [found], _ = hidden(row(ResourceId=odd))

    assert "contoso" not in found["ResourceId"].lower()
    assert odd.count("/") == found["ResourceId"].count("/")
    assert odd.endswith("/sharedKey") == found["ResourceId"].endswith("/sharedKey")


def test_a_name_of_two_letters_is_masked_where_it_stands_alone() -> None:
    [found], table = hidden(
        row(ResourceId=GATEWAY.replace("vpn-hub-weu", "gw"), Message="gw, gwen and GW")
    )

    assert f"{table['gw']}, gwen and {table['gw']}" == found["Message"]


def test_a_name_is_found_in_what_looks_like_a_time_or_an_address() -> None:
    [found], table = hidden(
        row(ResourceId=GATEWAY.replace("vpn-hub-weu", "dad"), Message="at 03:14:dad:")
    )

    assert f"at 03:14:{table['dad']}:" == found["Message"]


@pytest.mark.parametrize(
    "text", [":" * 30_000, "a." * 15_000, "%25" * 10_000, "a" * 30_000, "a@" * 15_000]
)
def test_a_hostile_text_takes_no_longer_than_its_length(text: str) -> None:
    """Were it quadratic, these would take minutes."""
    message, _ = said(text)

    assert message


def test_what_is_json_in_a_column_is_masked_as_json() -> None:
    additional = json.dumps({"message": 'of "vpn-hub-weu"', "secret": "s3cret"})
    [found], table = hidden(row(Additional=additional, Properties="{no json: vpn-hub-weu"))

    assert {"message": f'of "{table["vpn-hub-weu"]}"'} == json.loads(found["Additional"])
    assert f"{{no json: {table['vpn-hub-weu']}" == found["Properties"]


def test_a_body_as_deep_as_a_well_is_cut() -> None:
    deep = '{"message": ' * 400 + '"vpn-hub-weu"' + "}" * 400
    [found], _ = hidden(row(Additional=deep))

    assert "vpn-hub-weu" not in found["Additional"]


BODY: Final[dict[str, object]] = {
    "id": GATEWAY,
    "etag": "e",
    "tags": {"owner": "kim"},
    "properties": {
        "sharedKey": "k",
        "authorizationKey": "k",
        "radiusServerSecret": "k",
        "radiusServers": [{"radiusServerSecret": "k"}],
        "vpnClientConfiguration": {"vpnClientRootCertificates": ["c"], "aadTenant": "t"},
        "sku": {"name": "VpnGw1AZ"},
        "note": "anything",
        "bgpSettings": {
            "bgpPeeringAddresses": [{"tunnelIpAddresses": ["84.16.0.1", "10.0.0.4", 7]}],
        },
        "ipConfigurations": [{"own": {"ip": "84.16.0.1"}, "privateIPAddress": "10.0.0.4"}],
    },
}


def test_no_recording_keeps_what_is_secret_or_not_needed() -> None:
    text = json.dumps(needed([BODY]))

    assert not {f'"{name}"' for names in NOT_NEEDED.values() for name in names} & {
        each.lower() for each in re.findall(r'"\w+"', text)
    }
    assert "anything" in text


def test_a_masked_one_keeps_only_what_the_detector_reads() -> None:
    parts, table = masked({"gateways/gateways.json": [BODY]}, Random(1))
    [body] = parts["gateways/gateways.json"]
    vip = table["ipv4-address"]["84.16.0.1"]

    assert isinstance(body, dict)
    assert {
        "vpnClientConfiguration": {},
        "sku": {"name": "VpnGw1AZ"},
        "bgpSettings": {"bgpPeeringAddresses": [{"tunnelIpAddresses": [vip]}]},
        "ipConfigurations": [{"addresses": [vip]}],
    } == body["properties"]
    assert {"id", "properties"} == body.keys()


def test_every_field_that_the_readers_name_is_kept() -> None:
    """A rule that comes to read another field has to have it in recordings, too."""
    folder = ROOT / "detector" / "signals"
    read = [path for path in folder.glob("*.py") if path.stem != "diagnostic_settings"]
    source = "".join(path.read_text("utf-8") for path in read)  # no recording has those
    asked = set(re.findall(r'fields?\)?\.get\("(\w+)"|_text\("(\w+)"\)', source))
    names = {name.lower() for pair in asked for name in pair if name}

    assert 20 < len(names)
    assert set() == names - NEEDED
    assert {column.lower() for column in COLUMNS} <= NEEDED
