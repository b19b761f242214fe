"""Books and trades become rows on a grid; the compiled replay beside a slow and plain one."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from alpha.core.errors import InputError
from alpha.ingest.book import FLOWS
from alpha.ingest.events import BOOK, BREAK, BUY, CLEAR, LEVEL, SELL, TRADE, Events, merge
from alpha.ingest.replay import Replay

S = 10**9
NAN = float("nan")
LEVELS = 2


def events(*rows, books=()):
    """From (seconds, message, kind[, side, price, size[, first, last]]), and the books of BOOKs."""
    full = [(*row, *(0, NAN, NAN, 0, 0)[len(row) - 3 :]) for row in rows]
    seconds, message, kind, side, price, size, first, last = zip(*full, strict=True)
    whole = np.array(books, dtype=float).reshape(len(books), len(books[0]) if books else 1, 4)
    return Events(
        np.round(np.array(seconds) * S).astype(np.int64),
        np.array(message, dtype=np.int64),
        np.array(kind, dtype=np.int8),
        np.array(side, dtype=np.int8),
        np.array(price, dtype=float),
        np.array(size, dtype=float),
        np.array(first, dtype=np.int64),
        np.array(last, dtype=np.int64),
        whole,
    )


def part(batch, start, stop):
    books = [np.count_nonzero(batch.kind[:at] == BOOK) for at in (start, stop)]
    return Events(*(column[start:stop] for column in batch[:-1]), batch.books[slice(*books)])


def replay(*batches, until=None, levels=LEVELS, max_stale=30):
    """Seconds, ages and values of all rows, and the counts that are not zero."""
    found = Replay(grid_ns=S, levels=levels, max_stale_ns=max_stale * S)
    made = [found.feed(batch) for batch in batches]
    if until is not None:
        made.append(found.advance(until * S))
    rows = [np.concatenate(column) for column in zip(*made, strict=True)]
    return rows[0] // S, rows[1], rows[2], {k: n for k, n in found.counts.items() if n}


def quotes(values, levels=LEVELS):
    """(bid, bid size, ask, ask size) of each row."""
    return values[:, [0, levels, 2 * levels, 3 * levels]].tolist()


def flow(values, name, levels=LEVELS):
    return values[:, 4 * levels + FLOWS.index(name)].tolist()


START = [
    (0.5, 1, CLEAR),
    (0.5, 1, LEVEL, BUY, 99, 5),
    (0.5, 1, LEVEL, BUY, 98, 4),
    (0.5, 1, LEVEL, SELL, 101, 7),
    (0.5, 1, LEVEL, SELL, 102, 8),
]


def test_a_row_holds_what_came_up_to_its_time_and_nothing_later():
    seconds, age, values, _ = replay(
        events(*START, (2.0, 2, LEVEL, BUY, 99, 6), (2.1, 3, LEVEL, BUY, 99, 9)), until=3
    )
    assert seconds.tolist() == [1, 2, 3]
    assert age.tolist() == [0, 1, 2]
    assert quotes(values) == [[99, 5, 101, 7], [99, 6, 101, 7], [99, 9, 101, 7]]


def test_the_row_of_a_time_waits_until_nothing_of_that_time_can_come():
    made = Replay(grid_ns=S, levels=1, max_stale_ns=30 * S)
    assert len(made.feed(events(*START, (1.0, 2, LEVEL, BUY, 99, 6))).time_ns) == 0
    assert made.advance(S).values[:, 1].tolist() == [6]


def test_levels_go_and_come_and_the_deeper_ones_take_their_place():
    _, _, values, _ = replay(
        events(*START, (1.5, 2, LEVEL, BUY, 99, 0), (1.5, 2, LEVEL, SELL, 100, 1)), until=2
    )
    assert values[1, :8].tolist() == pytest.approx([98, NAN, 4, NAN, 100, 101, 1, 7], nan_ok=True)


def test_liquidity_is_what_shown_levels_gain_and_lose_by_side():
    _, _, values, _ = replay(
        events(
            *START,
            (1.5, 2, LEVEL, BUY, 99, 8),
            (1.6, 3, LEVEL, BUY, 97, 50),  # the third level is not shown
            (1.7, 4, LEVEL, SELL, 101, 0),
            (1.8, 5, LEVEL, SELL, 103, 6),  # now the second
        ),
        until=2,
    )
    assert flow(values, "bid_added_liquidity") == [0, 3]
    assert flow(values, "bid_removed_liquidity") == [0, 0]
    assert flow(values, "ask_removed_liquidity") == [0, 7]
    assert flow(values, "ask_added_liquidity") == [0, 6]


def test_order_flow_imbalance_is_demand_gained_less_supply_gained():
    """By hand: +3 for the bid's size, then a better ask adds its size to supply."""
    _, _, values, _ = replay(
        events(*START, (1.5, 2, LEVEL, BUY, 99, 8), (1.7, 3, LEVEL, SELL, 100, 2)), until=2
    )
    assert flow(values, "order_flow_imbalance") == [0, 3 - 2]


def test_trades_count_by_the_side_that_took_and_without_one_by_the_nearer_quote():
    _, _, values, counts = replay(
        events(
            *START,
            (1.1, 2, TRADE, BUY, 101, 3),
            (1.2, 3, TRADE, SELL, 99, 2),
            (1.3, 4, TRADE, 0, 100.5, 1),
            (1.4, 5, TRADE, 0, 99.5, 4),
        ),
        until=2,
    )
    assert flow(values, "buy_volume") == [0, 4]
    assert flow(values, "sell_volume") == [0, 6]
    assert (flow(values, "buy_count"), flow(values, "sell_count")) == ([0, 2], [0, 2])
    assert counts["trades"] == 4


def test_a_trade_far_from_the_book_and_a_repeated_one_do_not_count():
    _, _, values, counts = replay(
        events(
            *START,
            (1.1, 2, TRADE, BUY, 101, 3, 0, 77),
            (1.2, 3, TRADE, BUY, 101, 3, 0, 77),
            (1.3, 4, TRADE, BUY, 105, 1),
        ),
        until=2,
    )
    assert flow(values, "buy_volume") == [0, 3]
    assert (counts["repeated"], counts["trades_outside_book"]) == (1, 1)


def numbered(first, last, *row):
    return (*row, first, last)


SNAPSHOT = [numbered(0, 10, *row, *(0, NAN, NAN)[len(row) - 3 :]) for row in START]


def test_a_gap_in_sequence_numbers_leaves_the_book_unknown_until_a_snapshot_and_one_row_without():
    later = [(4.5, 5, *row[2:]) for row in START]
    later = [numbered(0, 20, *row, *(0, NAN, NAN)[len(row) - 3 :]) for row in later]
    seconds, age, values, counts = replay(
        events(
            *SNAPSHOT,
            numbered(11, 12, 1.5, 2, LEVEL, BUY, 99, 6),
            numbered(15, 15, 2.5, 3, LEVEL, BUY, 99, 7),
            *later,
        ),
        until=6,
    )
    assert seconds.tolist() == [1, 2, 5, 6]
    assert age.tolist() == [0, 1, -1, 0]
    assert quotes(values)[1] == [99, 6, 101, 7]
    assert np.isnan(quotes(values)[2]).all()
    assert quotes(values)[3] == [99, 5, 101, 7]
    assert counts["sequence_gaps"] == 1


def test_updates_that_waited_for_the_snapshot_count_if_they_are_newer():
    _, _, values, counts = replay(
        events(
            numbered(8, 9, 0.2, 7, LEVEL, BUY, 99, 1),
            numbered(10, 12, 0.3, 8, LEVEL, BUY, 99, 2),
            *SNAPSHOT,
            numbered(13, 13, 1.5, 9, LEVEL, SELL, 101, 3),
        ),
        until=2,
    )
    assert quotes(values) == [[99, 2, 101, 7], [99, 2, 101, 3]]
    assert counts["before_snapshot"] == 2
    assert "sequence_gaps" not in counts


def test_an_update_or_snapshot_that_is_older_than_the_book_is_left_out():
    old = [numbered(0, 9, 1.7, 4, CLEAR, 0, NAN, NAN), numbered(0, 9, 1.7, 4, LEVEL, BUY, 90, 1)]
    _, _, values, counts = replay(
        events(*SNAPSHOT, numbered(8, 9, 1.5, 2, LEVEL, BUY, 99, 1), *old), until=2
    )
    assert quotes(values)[1] == [99, 5, 101, 7]
    assert counts["repeated"] == 2


def test_a_snapshot_that_differs_from_the_book_shows_that_messages_are_missing():
    same = [(1.5, 2, *row[2:]) for row in START]
    other = [(2.5, 3, *row[2:]) for row in START[:-1]]
    _, age, _, counts = replay(events(*START, *same, *other), until=4)
    assert age.tolist() == [0, 1, -1, 0]
    assert counts["snapshots_that_differ"] == 1


def test_a_book_that_is_crossed_at_a_row_loses_the_older_level_and_the_row_its_quotes():
    _, age, values, counts = replay(events(*START, (1.5, 2, LEVEL, BUY, 101.5, 1)), until=3)
    assert age.tolist() == [0, -1, 0]
    assert quotes(values)[2] == [101.5, 1, 102, 8]
    assert counts["crossed_rows"] == 1


def test_a_whole_book_that_is_crossed_is_unknown_until_the_next():
    books = [[[99, 5, 101, 7]], [[102, 5, 101, 7]], [[99, 5, 100, 7]]]
    seconds, age, values, _ = replay(
        events((0.5, 1, BOOK), (1.5, 2, BOOK), (4.5, 3, BOOK), books=books), until=5, levels=1
    )
    assert seconds.tolist() == [1, 2, 5]
    assert age.tolist() == [0, -1, 0]
    assert quotes(values, 1)[2] == [99, 5, 100, 7]


def test_no_rows_are_made_of_a_book_that_was_not_heard_of_for_too_long():
    seconds, age, _, counts = replay(
        events(*START, (9.5, 2, TRADE, BUY, 101, 1), (9.6, 3, LEVEL, BUY, 99, 6)),
        until=11,
        max_stale=3,
    )
    assert seconds.tolist() == [1, 2, 3, 10, 11]
    assert age.tolist() == [0, 1, 2, -1, 0]
    assert counts["stale_rows"] == 6


def test_a_side_without_levels_has_no_quotes():
    _, age, values, counts = replay(
        events(*START, (1.5, 2, LEVEL, BUY, 99, 0), (1.5, 2, LEVEL, BUY, 98, 0)), until=2
    )
    assert age.tolist() == [0, -1]
    assert np.isnan(values[1]).all()
    assert counts["one_sided_rows"] == 1


def test_whole_books_count_what_changed_in_the_prices_that_both_show():
    """99 went from 5 to 8; 98 left the view of two levels, so nothing is known of it."""
    books = [[[99, 5, 101, 7], [98, 4, 102, 8]], [[99.5, 1, 101, 7], [99, 8, 102, 6]]]
    _, _, values, _ = replay(events((0.5, 1, BOOK), (1.5, 2, BOOK), books=books), until=2)
    assert flow(values, "bid_added_liquidity") == [0, 1 + 3]
    assert flow(values, "bid_removed_liquidity") == [0, 0]
    assert flow(values, "ask_removed_liquidity") == [0, 2]


def test_streams_merge_by_time_and_the_first_named_comes_first():
    book = [
        events(*START),
        events((2.0, 2, LEVEL, BUY, 99, 6)),
        events((2.0, 3, LEVEL, BUY, 99, 7)),
    ]
    trades = [events((1.5, 1, TRADE, BUY, 101, 1), (2.0, 2, TRADE, BUY, 101, 2))]
    merged = list(merge([iter(trades), iter(book)]))
    times = np.concatenate([batch.time_ns for batch in merged])
    kinds = np.concatenate([batch.kind for batch in merged])
    assert (np.diff(times) >= 0).all()
    assert kinds.tolist() == [CLEAR, *[LEVEL] * 4, TRADE, TRADE, LEVEL, LEVEL]


# A slow and plain replay: dictionaries, and every rule once.


def slow_replay(batch, until, levels, max_stale_ns):
    book = {BUY: {}, SELL: {}}
    rows, known, broke, age = [], False, False, -1
    flows, touch, book_ns, next_ns = dict.fromkeys(FLOWS, 0.0), None, None, None
    marks = [*range(len(batch.time_ns)), None]
    at, numbers = 0, {}

    def best(side):
        return max(book[side]) if side == BUY else min(book[side])

    def shown(side):
        return sorted(book[side], reverse=side == BUY)[:levels]

    def touched():
        nonlocal touch
        if not (known and book[BUY] and book[SELL]):
            touch = None
            return
        b, a = best(BUY), best(SELL)
        if b > a:
            return
        now = (b, book[BUY][b], a, book[SELL][a])
        if touch is not None:
            demand = now[1] * (b >= touch[0]) - touch[1] * (b <= touch[0])
            supply = now[3] * (a <= touch[2]) - touch[3] * (a >= touch[2])
            flows["order_flow_imbalance"] += demand - supply
        touch = now

    while at < len(marks):
        now = int(batch.time_ns[at]) if marks[at] is not None else until + 1
        while next_ns is not None and next_ns < now:
            if known and next_ns - book_ns <= max_stale_ns:
                while book[BUY] and book[SELL] and best(BUY) > best(SELL):
                    broke, touch = True, None
                    newer = numbers[SELL, best(SELL)] - numbers[BUY, best(BUY)]
                    gone = [BUY] * int(newer >= 0) + [SELL] * int(newer <= 0)
                    for side, price in [(side, best(side)) for side in gone]:
                        del book[side][price]
                    touched()
                if not (book[BUY] and book[SELL]):
                    broke = True
                age = -1 if broke else age + 1
                values = [NAN] * (4 * levels + len(FLOWS))
                if not broke:
                    for offset, side in ((0, BUY), (2 * levels, SELL)):
                        for level, price in enumerate(shown(side)):
                            values[offset + level] = price
                            values[offset + levels + level] = book[side][price]
                    values[4 * levels :] = flows.values()
                rows.append((next_ns, age, values))
                broke, flows = False, dict.fromkeys(FLOWS, 0.0)
            elif known:
                broke = broke or age >= 0
            next_ns += S
        if marks[at] is None:
            break
        message, end, changed = batch.message[at], at, False
        while end < len(batch.time_ns) and batch.message[end] == message:
            end += 1
        snapshot = batch.kind[at] == CLEAR
        heard = batch.kind[at] in (LEVEL, CLEAR) and (known or snapshot)
        if heard:
            if known and now - book_ns > max_stale_ns:
                broke, touch = broke or age >= 0, None
            book_ns = now
        before = {side: {p: book[side][p] for p in shown(side)} for side in book}
        if snapshot:
            book = {BUY: {}, SELL: {}}
        for one in range(at, end):
            kind, side = batch.kind[one], BUY if batch.side[one] > 0 else SELL
            price, size = float(batch.price[one]), float(batch.size[one])
            if kind == LEVEL and (known or snapshot):
                old = book[side].pop(price, 0.0)
                rank = sum(p > price if side == BUY else p < price for p in book[side]) + 1
                if size > 0:
                    book[side][price], numbers[side, price] = size, message
                if rank <= levels and not snapshot:
                    way, name = size - old, "bid" if side == BUY else "ask"
                    flows[f"{name}_{'added' if way > 0 else 'removed'}_liquidity"] += abs(way)
                changed = True
            elif kind == TRADE and known and book[BUY] and book[SELL]:
                if best(BUY) * 0.99 <= price <= best(SELL) * 1.01:
                    buys = batch.side[one] > 0 or (
                        batch.side[one] == 0 and price >= (best(BUY) + best(SELL)) / 2
                    )
                    flows["buy_count" if buys else "sell_count"] += 1
                    flows["buy_volume" if buys else "sell_volume"] += size
            elif kind == BREAK:
                known, book, touch = False, {BUY: {}, SELL: {}}, None
                broke = broke or age >= 0
        if snapshot:
            after = {side: {p: book[side][p] for p in shown(side)} for side in book}
            if known and after != before:
                broke, touch = broke or age >= 0, None
            known = True
        if changed or snapshot:
            touched()
        next_ns = -(-now // S) * S if next_ns is None else next_ns
        at = end
    return rows


@st.composite
def feeds(draw):
    """Messages of a few levels near each other, so that books cross and empty."""
    rows, seconds = list(START), 0.5
    for message in range(2, draw(st.integers(3, 25))):
        seconds += draw(st.sampled_from([0.0, 0.3, 0.7, 1.0, 2.5, 7.0]))
        kind = draw(st.sampled_from([LEVEL] * 5 + [TRADE] * 2 + [CLEAR, BREAK]))
        if kind == CLEAR:
            rows.append((seconds, message, CLEAR))
        if kind == BREAK:
            rows.append((seconds, message, BREAK))
            continue
        for _ in range(draw(st.integers(1, 3))):
            side = draw(st.sampled_from([BUY, SELL]))
            price = draw(st.integers(97, 103))
            size = float(draw(st.integers(0 if kind != TRADE else 1, 3)))
            rows.append((seconds, message, LEVEL if kind == CLEAR else kind, side, price, size))
    return events(*rows)


@settings(max_examples=150, deadline=None)
@given(feeds(), st.integers(1, 7))
def test_the_replay_is_as_a_slow_and_plain_one_however_events_are_cut(feed, size):
    until = int(feed.time_ns[-1]) // S + 6
    slow = slow_replay(feed, until * S, LEVELS, 5 * S)
    cuts = range(0, len(feed.time_ns), size)
    batches = [part(feed, start, min(start + size, len(feed.time_ns))) for start in cuts]
    for parts in ([feed], batches):
        seconds, age, values, _ = replay(*parts, until=until, max_stale=5)
        assert seconds.tolist() == [row[0] // S for row in slow]
        assert age.tolist() == [row[1] for row in slow]
        np.testing.assert_array_equal(
            values, np.array([row[2] for row in slow]).reshape(values.shape)
        )


def test_a_book_that_was_silent_for_too_long_between_two_rows_is_a_break():
    """However far apart rows are."""
    feed = events(*START, (2.2, 2, LEVEL, BUY, 99, 6), (9.7, 3, LEVEL, BUY, 99, 7))
    found = Replay(grid_ns=10 * S, levels=1, max_stale_ns=5 * S)
    found.feed(feed)
    later = events((12.0, 4, LEVEL, BUY, 99, 8), (19.0, 5, LEVEL, BUY, 99, 9), (31.0, 6, TRADE))
    assert found.feed(later).age.tolist() == [0, -1]


def test_numbers_that_begin_again_are_those_of_another_book():
    """Without that, updates of the new one would be put into the old."""
    again = [
        numbered(number, number, 2 + number / 20, 2 + number, LEVEL, BUY, 98, number)
        for number in range(1, 10)
    ]
    again += [(*row[:1], 40 + at, *row[2:]) for at, row in enumerate(again * 2)]
    _, _, _, counts = replay(events(*SNAPSHOT, *sorted(again)), until=3)
    assert counts["sequence_gaps"] == 1


def test_a_feed_of_one_time_is_not_kept_in_memory_without_an_end(monkeypatch):
    monkeypatch.setattr("alpha.ingest.events._AT_ONCE", 3)
    batch = events((1, 1, BREAK), (1, 2, BREAK))
    assert len(next(merge([iter([batch])])).time_ns) == 0
    with pytest.raises(InputError, match="must have fewer than 3 events of one time"):
        list(merge([iter([batch, batch, batch])]))
