"""When a history is to be looked at, and its way to the store and back."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from detector.insights.standing import Standing, SwitchOverStanding
from detector.journal.history import (
    VERSION,
    Heard,
    History,
    gateway_key,
    history_from_json,
    history_to_json,
)
from detector.model import (
    AlreadyDown,
    Cause,
    CauseKind,
    EndSource,
    EvidenceRow,
    LiveAnswer,
    Outage,
    Redundancy,
    State,
    TunnelStatus,
)
from tests.builders import (
    GATEWAY_ID,
    LYON,
    PARIS,
    ZERO,
    a_diagnosis,
    a_failover,
    a_gateway,
    a_switch_over,
    at,
)
from tests.command_line import AFTERNOON, Command
from tests.goldens import golden
from tests.histories import HISTORIES, in_words
from tests.memory import a_delivery, a_history, a_record, hours
from tests.sink_stand_in import an_insight

EMPTY = History(gateway_id=GATEWAY_ID)


def test_a_history_without_anything_to_do_is_not_due() -> None:
    assert EMPTY.due is None
    assert a_history(a_record()).due is None


def test_a_history_is_due_when_its_first_delivery_is() -> None:
    later, sooner = a_delivery(due=at(hours=2)), a_delivery(sink="other", due=at(hours=1))

    assert at(hours=1) == a_history(a_record(later, sooner)).due


def test_a_history_is_due_as_long_as_a_failover_is_followed_or_a_delivery_given_up() -> None:
    followed = a_record(following=True)
    given_up = a_record(a_delivery(since=at(minutes=5), due=at(hours=9), given_up="refused"))

    assert at() == a_history(followed).due
    assert at(minutes=5) == a_history(given_up).due


def test_a_key_is_the_gateways_name_made_safe_with_a_digest_of_its_id() -> None:
    names = ("vpn-hub", "VPN (hub)/../x", "v" * 300, "über", "网关")
    keys = [gateway_key(f"/subscriptions/s/virtualnetworkgateways/{name}") for name in names]

    assert keys[0].startswith("vpn-hub-")
    assert len(set(keys)) == len(keys)
    assert all(len(each) < 60 and each.replace("-", "").isalnum() for each in keys)
    assert all(each.isascii() for each in keys)


def everything() -> History:
    """A history in which each field of each value is set."""
    outage = Outage(
        remote_ip=PARIS,
        instance=ZERO,
        start=at(0.123456),
        end=at(14),
        end_source=EndSource.ARM,
        connection="to-paris",
        back_before=at(20),
    )
    live = LiveAnswer(
        at=at(400),
        status=TunnelStatus.NOT_CONNECTED,
        since=at(-900),
        contradicts=True,
        gone=True,
        refused=True,
        problem="no permission",
        failures=2,
    )
    away = replace(outage, end=None, end_source=None, back_before=None, live=live)
    cause = Cause(
        kind=CauseKind.RESET,
        statement="A reset was recorded.",
        at=at(-5),
        caller="kim@example.net",
        clause="with a reset",
        others=(CauseKind.MAINTENANCE,),
        started=True,
    )
    diagnosis = a_diagnosis(
        cause=cause,
        causes=(cause, cause),
        tunnels_seen_until=at(minutes=29),
        health_asked=at(minutes=20),
        borne_out=False,
        outages=(outage,),
        redundancy=(Redundancy(instance=ZERO, start=at(), end=at(90), tunnels=(outage, away)),),
        unclear=(outage,),
        already_down=(AlreadyDown(remote_ip=LYON, instance=ZERO, since=at(-99), connection="c"),),
        state=State.ONGOING,
        flapping=True,
        evidence=(EvidenceRow(at=at(), source="TunnelDiagnosticLog", text='𝄞 \u202e \x00 \\ "'),),
    )
    first = {"revision": 1, "reasons": ("detected",), "at": at(), "verdict": "It failed over."}
    insight = an_insight(revision=2, told_at=at(minutes=5), revisions=(first,))
    unknown = {"vips": "Azure did not answer", "connections": "no right to read them"}
    return a_history(
        a_record(
            a_delivery(attempts=3, given_up="refused with 403"),
            a_delivery(2),
            a_delivery(2, sink="people", held_until=at(minutes=15)),
            insights=[an_insight(), insight],
            diagnosis=diagnosis,
            gateway=a_gateway(unknown=unknown),
            failover=a_failover(
                a_switch_over(not_before=at(-9), first=at(-20), last=at(200)),
                a_switch_over(at() + hours(0.5)),
            ),
            following=True,
            heard=(
                Heard(receiver="pager"),
                Heard(
                    receiver="people",
                    standing=STANDING,
                    revision=1,
                    at=at(minutes=5),
                    changes=((PARIS, at(minutes=5)), (LYON, at(minutes=5))),
                    unsteady=(LYON,),
                ),
            ),
        )
    )


STANDING = Standing(
    state=State.ONGOING,
    critical=True,
    down=((LYON, ZERO), (PARIS, ZERO)),
    down_since=at(),
    without_redundancy=(ZERO,),
    was_down=True,
    switch_overs=(
        SwitchOverStanding(at=at(), cause=CauseKind.RESET, recorded_at=at(-5), records=2),
    ),
    flapping=True,
)


def test_a_history_comes_back_from_the_store_as_it_was() -> None:
    assert everything() == history_from_json(history_to_json(everything()))


def test_a_history_is_stored_with_its_version_first() -> None:
    assert ("version", VERSION) == next(iter(json.loads(history_to_json(everything())).items()))


def test_a_history_of_a_newer_release_is_read_without_what_this_one_does_not_know() -> None:
    """So that no gateway is lost to an app that was rolled back."""

    def grown(value: object, name: str = "") -> object:
        if isinstance(value, list):
            return [grown(each) for each in value]
        if isinstance(value, dict) and name not in ("facts", "unknown"):  # whose names are free
            return {**{key: grown(own, key) for key, own in value.items()}, "news": [{"of": 1}]}
        return value

    newer = grown(json.loads(history_to_json(everything())) | {"version": VERSION + 1})

    assert everything() == history_from_json(json.dumps(newer))


Stored = dict[str, Any]


def first(stored: Stored) -> Stored:
    """The first record of a stored history."""
    record: Stored = stored["records"][0]
    return record


def at_year(stored: Stored, year: str) -> None:
    text = json.dumps(first(stored)["failover"]).replace('"2026-', f'"{year}-')
    first(stored)["failover"] = json.loads(text)


def with_delivery(stored: Stored, *, revision: int = 1, due: str = "2026-11-22T02:14:07Z") -> None:
    since = "2026-11-22T02:14:07Z"
    delivery = {"sink": "queue", "revision": revision, "since": since, "due": due}
    first(stored)["deliveries"] = [delivery]


UNSOUND: dict[str, Callable[[Stored], object]] = {
    "a time without its zone": lambda stored: with_delivery(stored, due="2026-11-22T02:14:07"),
    "a delivery of another revision": lambda stored: with_delivery(stored, revision=7),
    "no switch-over": lambda stored: first(stored)["failover"].update(switch_overs=[]),
    "no insight": lambda stored: first(stored).update(insights=[], deliveries=[]),
    "year 1": lambda stored: at_year(stored, "0001"),
    "year 9999": lambda stored: at_year(stored, "9999"),
    "a time that is a number": lambda stored: first(stored)["diagnosis"].update(seen_until=7),
    "a time beyond all numbers": lambda stored: first(stored)["diagnosis"].update(
        seen_until=10**400
    ),
    "a revision from year 1": lambda stored: first(stored)["insights"][0]["failover"].update(
        seenUntil="0001-01-01T00:00:00Z"
    ),
    "a failover of another gateway": lambda stored: first(stored)["failover"].update(
        gateway_id=f"{GATEWAY_ID}-2"
    ),
}
"""What no run can have written, by name: each changes a history that one has."""


@pytest.mark.parametrize("name", UNSOUND)
def test_a_history_that_no_run_can_have_written_is_an_error(name: str) -> None:
    stored = json.loads(history_to_json(a_history(a_record(insights=[an_insight()]))))
    UNSOUND[name](stored)

    with pytest.raises(ValueError, match=r"it holds|validation error"):
        history_from_json(json.dumps(stored))


def test_the_history_of_another_gateway_is_an_error_under_a_key() -> None:
    text = history_to_json(everything())

    assert everything() == history_from_json(text, key=everything().key)
    with pytest.raises(ValueError, match="it is the history of another gateway"):
        history_from_json(text, key=f"{everything().key}0")


@pytest.mark.parametrize("name", [*UNSOUND, "another gateway's", "nested deeply", "no text"])
def test_an_unreadable_history_stops_its_gateway_alone_and_says_how_to_mend_it(
    name: str, detector: Command, tmp_path: Path
) -> None:
    """Every other gateway of the recording is told of all the same, and the run is noted."""
    before = detector("replay", AFTERNOON, "--out", tmp_path, "--now", "2026-11-19T14:30:00Z")
    [path] = tmp_path.glob("history/*.json")
    stored = json.loads(path.read_text(encoding="utf-8"))
    content = {"nested deeply": b"[" * 200_000, "no text": b"\xff\x00"}.get(name)
    if name in UNSOUND:
        UNSOUND[name](stored)
    elif content is None:
        stored = json.loads(json.dumps(stored).replace("vpn-hub-weu", "vpn-hub-neu"))
    path.write_bytes(content or json.dumps(stored).encode())

    said = detector("replay", AFTERNOON, "--out", tmp_path)

    assert (0, 1) == (before.code, said.code)
    assert (
        f"error: {path}: cannot be read; restore an earlier version of it or delete it" in said.err
    )
    assert "# vpn-hub-neu " in said.out
    assert 3 == len(list(tmp_path.glob("history/*.json")))
    assert str(path) in (tmp_path / "runs/last.json").read_text(encoding="utf-8")


def test_a_history_of_a_release_without_a_memory_is_read_all_the_same() -> None:
    stored = json.loads(history_to_json(a_history(a_record(a_delivery()))))
    [record] = stored["records"]
    del record["heard"], record["deliveries"][0]["held_until"]

    assert a_history(a_record(a_delivery())) == history_from_json(json.dumps(stored))


@pytest.mark.parametrize(
    "text",
    [
        *("", "{", "[]", "null", '{"gateway_id": 1}', '{"records": []}'),
        *('{"missing": [}', '{"missing": [1]}', "[" * 9999 + '"missing"'),
    ],
)
def test_text_that_is_no_history_is_an_error(text: str) -> None:
    with pytest.raises(ValueError, match="validation error"):
        history_from_json(text)


@pytest.mark.parametrize(
    "path", sorted(HISTORIES.glob("v*/*.json")), ids=lambda path: f"{path.parent.name}-{path.stem}"
)
def test_a_history_of_every_version_is_read_as_it_was_written(path: Path) -> None:
    """Its text stands beside it in words, and is what it comes to when it is written anew, too."""
    history = history_from_json(path.read_text(encoding="utf-8"))

    assert golden(f"{path.stem}.txt", in_words(history), path.parent) == in_words(history)
    assert history == history_from_json(history_to_json(history))


def test_the_version_that_is_written_now_has_its_histories_in_the_tests() -> None:
    assert {f"v{version}" for version in range(VERSION + 1)} == {
        path.parent.name for path in HISTORIES.glob("v*/*.json")
    }


def test_of_an_earlier_version_the_tunnels_that_an_instance_lacked_are_still_followed() -> None:
    path = HISTORIES / "v1" / "out-on-both-instances.json"
    stored = json.loads(path.read_text(encoding="utf-8"))
    [lost] = stored["records"][0]["diagnosis"]["redundancy"]
    lost |= {"end": None, "missing": [PARIS, LYON]}

    [record] = history_from_json(json.dumps(stored)).records
    [read] = record.diagnosis.redundancy

    assert [(PARIS, lost["instance"], read.start), (LYON, lost["instance"], read.start)] == [
        (tunnel.remote_ip, tunnel.instance, tunnel.start) for tunnel in read.missing
    ]
