"""The timeline draws each time down as far as it is known, and nothing beyond."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest

from detector.insights.document import Insight
from detector.model import EndSource, LiveAnswer, TunnelStatus
from detector.pages.lanes import lanes_of
from detector.pages.timeline import MOST_LANES, legend, timeline
from tests.builders import PARIS, a_diagnosis, an_outage, at
from tests.pages import CASES, active_active, an_insight_to_look_at, three_days, tunnels


def drawn(insight: Insight) -> tuple[str, str]:
    """The wide drawing, and the phone's."""
    both = timeline(insight, lanes_of(insight), "In words")
    wide, narrow = re.findall("<svg.*?</svg>", both)
    return wide, narrow


def signs(drawing: str) -> set[str]:
    """The classes of all shapes."""
    return set(re.findall(r'<(?:path|circle) class="([\w-]+)', drawing))


def of(*outages: object, **found: object) -> Insight:
    return an_insight_to_look_at(
        diagnosis=a_diagnosis(outages=outages, seen_until=at(minutes=20), **found)
    )


def test_an_outage_that_was_seen_to_end_is_drawn_whole_and_with_no_other_sign() -> None:
    for drawing in drawn(of(an_outage())):
        assert {"track", "down", "pole-moved", "pole-seen", "axis"} == signs(drawing)


def test_an_open_end_goes_on_beyond_what_was_seen() -> None:
    for drawing in drawn(of(an_outage(end=None))):
        assert {"down-open", "down"} <= signs(drawing)
        assert 'class="down tip"' in drawing


def test_an_end_that_is_only_a_bound_is_drawn_as_one() -> None:
    by_arm = replace(an_outage(end=301), end_source=EndSource.ARM)
    for drawing in drawn(of(by_arm)):
        assert {"down-bound", "bound"} <= signs(drawing)
        assert "at most 5 min 1 s" in drawing


@pytest.mark.parametrize(
    ("status", "sign"), [(TunnelStatus.CONNECTED, "up"), (TunnelStatus.NOT_CONNECTED, "not-up")]
)
def test_what_arm_said_stands_at_the_time_it_was_asked(status: TunnelStatus, sign: str) -> None:
    answer = LiveAnswer(at=at(minutes=15), status=status)
    for drawing in drawn(of(replace(an_outage(end=None), live=answer))):
        assert 1 == drawing.count(f'<circle class="{sign}"')


def test_redundancy_doubt_and_what_was_down_before_look_different_each() -> None:
    for drawing in drawn(active_active()):
        assert {"warn-open", "warn", "warn-bound", "quiet-open", "between"} <= signs(drawing)


def test_the_switch_over_its_cause_and_the_end_of_the_logs_are_named_where_they_stand() -> None:
    for drawing in drawn(tunnels(3)):
        texts = re.findall(r"<text[^>]*>(.*?)</text>", drawing)

        assert "01:59:59 IN_0 → IN_1" in texts
        assert "01:58:52 maintenance recorded" in texts
        assert "seen until 02:25:01" in texts


def test_of_many_switch_overs_the_first_and_the_last_are_named_and_each_is_drawn() -> None:
    for drawing in drawn(three_days()):
        [poles] = re.findall(r'<path class="pole-moved" d="(.*?)"', drawing)
        places = {place.partition(" ")[0] for place in poles.split("M")[1:]}

        assert 2 == drawing.count("IN_0 → IN_1")
        assert 87 == len(places)


def test_no_more_tunnels_are_drawn_than_can_be_read() -> None:
    for drawing in drawn(tunnels(MOST_LANES + 7)):
        assert MOST_LANES == drawing.count("198.51.100.") or MOST_LANES == drawing.count("conn-")


def test_where_no_tunnel_was_down_the_drawing_says_so() -> None:
    for drawing in drawn(tunnels(0)):
        assert "no tunnel logged as down" in drawing


def test_the_legend_names_the_signs_that_are_drawn_and_no_others() -> None:
    plain = legend("".join(drawn(of(an_outage()))))

    assert ["down, by the logs", "switch-over"] == re.findall(r"</svg>(.*?)</li>", plain)
    assert "within this time" in legend("".join(drawn(active_active())))


@pytest.mark.parametrize("case", CASES)
def test_a_screen_reader_is_told_in_words_what_is_drawn(case: str) -> None:
    for drawing in drawn(CASES[case]()):
        assert drawing.startswith("<svg class=")
        assert 'role="img" aria-label="In words"' in drawing


def test_a_tunnel_without_a_connection_is_named_by_its_address() -> None:
    wide, narrow = drawn(of(an_outage()))

    assert 1 == wide.count(f">{PARIS}<")
    assert 1 == narrow.count(f">{PARIS}<")
