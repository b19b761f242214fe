"""What leaks are worth: the splits that are compared are what they say, and so is the page."""

from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
from conftest import PARAMS_TEXT
from hypothesis import given
from hypothesis import strategies as st

from alpha.check import parse
from alpha.core.errors import InputError
from benchmarks import price_list, published
from benchmarks.fits import Judge, Rows
from benchmarks.leak_prices import replaced
from benchmarks.price_list import Market
from benchmarks.published import Draw, at_random, by_time, longest_window, nearest

SECOND = 10**9


PARAMS = parse(PARAMS_TEXT, source="params.yaml")


def ascending(draw, *, least=2, most=80, step=40):
    steps = draw(st.lists(st.integers(0, step), min_size=least, max_size=most))
    return np.cumsum(steps).astype(np.int64)


@given(rows=st.integers(4, 400), seed=st.integers(0, 9))
def test_a_random_draw_shares_out_every_row_once_and_cuts_no_stretch_of_time(rows, seed):
    drawn = at_random(rows, seed=seed)
    assert sorted(np.concatenate(drawn)) == list(range(rows))
    assert len(drawn.train) == round(rows / 2)
    assert all((np.diff(part) > 0).all() for part in drawn)
    if rows >= 100:  # each has rows in each half of the time
        assert all((part < rows / 2).any() and (part >= rows / 2).any() for part in drawn)


@given(st.data())
def test_split_by_time_no_window_reaches_the_next_range_or_its_embargo(data):
    time_ns = np.append(0, 1 + ascending(data.draw, least=20, step=60)) * SECOND
    longest_ns = data.draw(st.integers(1, 100)) * SECOND
    cut = by_time(time_ns, longest_ns, PARAMS)
    span = time_ns[-1] + 1 - time_ns[0]
    ends = time_ns[0] + np.array([round(span * share) for share in (0.5, 0.75)])
    # By the definition, row by row.
    expected = Draw([], [], [])
    for row, time in enumerate(time_ns):
        at = int(np.sum(time >= ends))
        if at and time < ends[at - 1] + 60 * SECOND:
            continue
        if time + longest_ns >= [*ends, time_ns[-1] + 1][at]:
            continue
        expected[at].append(row)
    assert [part.tolist() for part in cut] == list(expected)
    for before, after in ((cut.train, cut.valid), (cut.valid, cut.test), (cut.train, cut.test)):
        if len(before) and len(after):
            assert time_ns[before].max() + longest_ns < time_ns[after].min() - 60 * SECOND


@given(st.data())
def test_no_window_of_events_is_longer_than_the_longest_that_some_of_the_events_show(data):
    """The true windows end by events of which some are not among the rows."""
    time_ns = ascending(data.draw, least=12)
    kept = np.sort(data.draw(st.permutations(range(len(time_ns))))[: len(time_ns) * 2 // 3])
    events = data.draw(st.integers(1, 3))
    if kept[0] + events > kept[-1]:
        return
    found = longest_window(kept, time_ns[kept], events)
    true = [time_ns[row + events] - time_ns[row] for row in kept if row + events <= kept[-1]]
    assert found >= max(true)


@given(st.data())
def test_the_nearest_row_in_time_is_the_first_of_the_nearest_by_a_slow_search(data):
    time_ns = ascending(data.draw)
    of = np.array(data.draw(st.lists(st.integers(-5, 900), min_size=1, max_size=20)))
    slow = [int(np.argmin(np.abs(time_ns - one))) for one in of]
    assert nearest(time_ns, of).tolist() == slow


def test_accuracies_are_shares_of_rows_and_the_mean_of_those_of_classes(params):
    y = np.repeat([-1.0, 0.0, 1.0], [600, 300, 100])
    rows = Rows(
        np.arange(1000) * SECOND, np.empty((1000, 0)), np.random.default_rng(0).permutation(y)
    )
    label = params.label.model_copy(update={"target": "direction", "horizon_seconds": 2.0})
    judge = Judge(rows.y, rows, params.model_copy(update={"label": label}))
    constant = judge.hits(np.full(1000, -1.0))
    assert constant["accuracy"].value == pytest.approx(0.6)
    assert constant["accuracy"].low < 0.6 < constant["accuracy"].high
    assert constant["balanced"] == pytest.approx((1 / 3, 1 / 3, 1 / 3))
    assert judge.hits(rows.y)["balanced"] == pytest.approx((1, 1, 1))
    uniform = judge.figures([judge.assessed(np.full((1000, 3), [0.6, 0.3, 0.1]))])
    assert uniform["skill"].value == pytest.approx(0, abs=1e-12)


def test_published_rows_split_by_time_share_no_event_of_any_window(realdata, params):
    """By the numbers of the events themselves, which the split does not see."""
    event = pd.read_csv(realdata / published.PUBLISHED)["index"].to_numpy()
    found = {case.label: case for case in published.cases(realdata, params)}
    for label, events in published.EVENTS.items():
        case = found[label]
        random, cut = ([event[part] for part in draw] for draw in (case.random, case.by_time))
        assert random[0].max() + events > random[2].min()  # as published: they do
        assert random[0].max() > random[2].min()
        assert cut[0].max() + events < cut[1].min()
        assert cut[1].max() + events < cut[2].min()
        assert random[0].max() + events < event[case.later].min()
        assert set(np.concatenate(case.by_time)) <= set(np.concatenate(case.random))
    case = found["direction"]
    end = case.rows.time_ns + case.longest_ns
    assert end[case.by_time.train].max() < case.rows.time_ns[case.by_time.valid].min()
    assert end[case.random.train].max() < case.rows.time_ns[case.later].min()


def test_what_was_made_before_is_replaced_between_its_marks_and_nothing_else():
    page = "a\n<!-- made: it -->\nold\n<!-- end of it -->\nb\n"
    new = replaced(page, "it", ["| new |"])
    assert new == "a\n<!-- made: it -->\n\n| new |\n\n<!-- end of it -->\nb\n"
    assert replaced(new, "it", ["| new |"]) == new
    with pytest.raises(InputError, match=r"<!-- made: other --> and then <!-- end of other -->"):
        replaced(page, "other", [])
    with pytest.raises(InputError, match="once each"):
        replaced(page * 2, "it", [])


def test_a_price_is_the_skill_that_a_column_adds_in_the_same_resamples(params):
    """The outcome itself is worth all that is missing, a copy of a feature nothing."""
    time_ns = np.arange(8000) * SECOND
    y, known = np.random.default_rng(1).normal(size=(2, 8000))
    y = pd.Series(y + 0.5 * known)
    frame = pd.DataFrame({"best_bid": y, "best_ask": y, "a": known})
    bootstrap = params.evaluate.bootstrap.model_copy(update={"block_horizons": 2.0})
    evaluate = params.evaluate.model_copy(update={"bootstrap": bootstrap})
    given = SimpleNamespace(frame=frame, outcome=y, time_ns=time_ns, label=params.label)
    market = Market(given, params.model_copy(update={"evaluate": evaluate}))
    assert market.features.columns.tolist() == ["a"]
    base = market.assessed(None, "ridge")
    clean = market.judge.figures(base)["skill"]
    assert clean.low < 0.2 < clean.high  # 0.25 of 1.25
    for planted, worth in ((y, 1 - clean.value), (frame["a"], 0.0)):
        case = SimpleNamespace(planted=lambda market, planted=planted: pd.DataFrame({"b": planted}))
        more = market.judge.figures(market.assessed(case, "ridge"), base)["skill"]
        assert more.value == pytest.approx(worth, abs=0.01)
        assert more.low - 1e-9 <= more.value <= more.high + 1e-9
    # A split at random shares the rows out in the same numbers, and is worth nothing here.
    assert market.at_random("ridge")["skill"].value == pytest.approx(0.2, abs=0.06)


def test_every_leak_of_the_price_list_is_in_the_catalogue():
    assert price_list.LEAKS.keys() <= price_list.catalogue().keys()
