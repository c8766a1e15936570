"""What charts are drawn with: every instant has its place, and no two texts have the same."""

from __future__ import annotations

from datetime import timedelta
from itertools import combinations, pairwise

from hypothesis import example, given
from hypothesis import strategies as st

from detector.pages.drawing import Flag, axis_of, fitted, placed, svg, width_of, words
from tests.builders import at

SECONDS = st.lists(st.floats(0, 300_000), min_size=1, max_size=40)
WIDTHS = st.sampled_from([(0.0, 316.0, 3), (190.0, 700.0, 4)])


@given(SECONDS, WIDTHS)
@example([0], (0.0, 316.0, 3))
def test_every_instant_has_its_place_and_a_later_one_none_further_left(
    seconds: list[float], width: tuple[float, float, int]
) -> None:
    left, right, breaks = width
    instants = [at(each) for each in seconds]

    axis = axis_of(instants, left, right, breaks=breaks)
    places = [axis.x(each) for each in sorted(instants)]

    assert all(left <= each <= right for each in places)
    assert all(one <= other for one, other in pairwise(places))
    assert len(axis.stretches) <= breaks + 1
    assert (left, round(right)) == (axis.stretches[0].left, round(axis.stretches[-1].right))


@given(SECONDS, WIDTHS)
def test_within_a_stretch_the_axis_is_true_to_scale(
    seconds: list[float], width: tuple[float, float, int]
) -> None:
    left, right, breaks = width
    axis = axis_of([at(each) for each in seconds], left, right, breaks=breaks)
    for each in axis.stretches:
        half = each.start + (each.end - each.start) / 2

        middle = (axis.x(each.start) + axis.x(each.end)) / 2
        assert abs(middle - axis.x(half)) < 0.1


@given(SECONDS, WIDTHS)
@example([0, 3 * 86_400], (190.0, 700.0, 0))
def test_no_two_times_of_the_axis_touch(
    seconds: list[float], width: tuple[float, float, int]
) -> None:
    left, right, breaks = width
    ticks = list(axis_of([at(each) for each in seconds], left, right, breaks=breaks).ticks())
    spans = [
        (tick.x - width_of(text) / 2, tick.x + width_of(text) / 2)
        for tick in ticks
        for text in (max(tick.label, tick.date, key=width_of),)
    ]

    assert ticks
    assert all(one[1] < other[0] for one, other in pairwise(spans))
    assert left - 1 <= spans[0][0]
    assert spans[-1][1] <= right + 1


def test_the_axis_is_broken_where_nothing_happened_for_long() -> None:
    axis = axis_of(map(at, (0, 2, 14, 1500)), 0, 600, breaks=3)

    assert [(at(0), at(14)), (at(1500), at(1500))] == [
        (each.start, each.end) for each in axis.stretches
    ]


def test_the_axis_is_not_broken_within_a_time_down_unless_it_would_hide_another() -> None:
    instants = [at(each) for each in (0, 370, 1500)]
    six_minutes = (at(0), at(370))

    alone = axis_of(instants, 0, 600, breaks=3, whole=[six_minutes])
    beside = axis_of([*instants, at(5)], 0, 600, breaks=3, whole=[six_minutes, (at(0), at(5))])

    assert [at(0), at(1500)] == [each.start for each in alone.stretches]
    assert [at(0), at(370), at(1500)] == [each.start for each in beside.stretches]


def test_the_date_stands_once_where_the_axis_spans_days() -> None:
    days = [tick.date for tick in axis_of([at(), at(hours=50)], 0, 600).ticks()]
    hour = [tick.date for tick in axis_of([at(), at(hours=1)], 0, 600).ticks()]

    assert ["22 Nov", "23 Nov", "24 Nov"] == [each for each in days if each]
    assert {""} == set(hour)


def test_what_spans_a_break_is_drawn_on_both_sides_of_it() -> None:
    axis = axis_of(map(at, (0, 10, 2000)), 0, 600, breaks=1)
    first, second = axis.stretches

    assert [(first.x(at(5)), first.right), (second.left, second.x(at(2000)))] == list(
        axis.spans(at(5), at(2000))
    )


@given(
    st.lists(
        st.builds(
            Flag,
            x=st.floats(0, 326),
            text=st.sampled_from(["02:00:00 IN_0 → IN_1", "maintenance", "W" * 20]),
            kind=st.just("moved"),
        ),
        max_size=16,
    ),
    st.integers(1, 6),
)
def test_no_flag_stands_on_another_and_each_at_its_own_pole(flags: list[Flag], rows: int) -> None:
    flying = placed(flags, 0, 326, rows=rows)
    for one, other in combinations(flying, 2):
        apart = one.row != other.row or one.right <= other.left or other.right <= one.left

        assert apart
    for each in flying:
        assert each.left - 10 <= each.flag.x <= each.right + 10


def test_a_flag_stands_above_the_poles_that_it_reaches_over() -> None:
    flags = [Flag(x=x, text="maintenance", kind="cause") for x in (10.0, 60.0, 300.0)]

    rows = {each.flag.x: each.row for each in placed(flags, 0, 326, rows=4)}

    assert rows[10] < rows[60]


def test_a_flag_that_finds_no_place_beside_poles_stands_on_one() -> None:
    flags = [Flag(x=float(x), text="maintenance recorded", kind="cause") for x in (110, 150, 190)]

    assert 3 == len(placed(flags, 0, 326, rows=6))


def test_a_flag_alone_always_finds_its_place() -> None:
    for x in (0.0, 163.0, 326.0):
        [flag] = placed([Flag(x=x, text="maintenance", kind="cause")], 0, 326, rows=1)

        assert flag.left >= 0
        assert flag.right <= 326


@given(st.text(), st.floats(20, 300))
def test_a_text_is_cut_visibly_to_the_room_it_has(text: str, room: float) -> None:
    cut = fitted(text, room)

    assert width_of(cut) <= room
    assert cut.endswith("…") or cut == " ".join(cut.split())


def test_hostile_text_stays_text_in_a_drawing() -> None:
    drawn = svg(words(0, 0, "</text><script>"), width=1, height=1, kind="wide", label='"><script>')

    assert "<script>" not in drawn
    assert "&lt;/text&gt;&lt;script&gt;" in drawn


def test_a_drawing_is_as_wide_as_its_place() -> None:
    drawn = svg("", width=326, height=10.25, kind="narrow", label="Two tunnels")

    assert drawn.startswith('<svg class="chart narrow" role="img" aria-label="Two tunnels" ')
    assert drawn.endswith('viewBox="0 0 326 10.2"></svg>')


def test_an_instant_outside_the_axis_stands_at_its_edge() -> None:
    axis = axis_of([at(), at(60)], 0, 600)

    assert axis.x(at()) == axis.x(at() - timedelta(hours=1))
    assert axis.x(at(60)) == axis.x(at(hours=1))


def test_no_text_of_a_drawing_turns_the_text_around_it_or_acts() -> None:
    hostile = "IN_0\u202e\u2066evil\x1b[31m<b>"

    for drawn in (words(1, 2, hostile), svg("", width=1, height=1, kind="lanes", label=hostile)):
        assert {"\u202e", "\u2066", "\x1b"}.isdisjoint(drawn)
        assert "<b>" not in drawn
