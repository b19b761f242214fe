"""A book and its trades, event by event into rows on a grid, compiled.

A row at T holds all that came up to T. No row bridges what is missing: the first row after a break
has no quotes, so that every window over it is known not to be whole. docs/how-to/ingest.md says
what is a break, and what becomes of each kind of broken message.

It is one file because Numba's cache would not see an edit of a compiled function in another.
"""

from typing import Any, NamedTuple

import numpy as np
from numba import njit

from alpha.ingest.events import BOOK, BREAK, CLEAR, LEVEL, TRADE, Events

TICK = -1  # the kind of an event that brings nothing but its time
# What a row sums since the row before it, after its levels: counts, volumes, liquidity, and the
# order-flow imbalance of Cont, Kukanov and Stoikov (2014).
FLOWS = (
    *("buy_count", "sell_count", "buy_volume", "sell_volume"),
    *("bid_added_liquidity", "ask_added_liquidity"),
    *("bid_removed_liquidity", "ask_removed_liquidity", "order_flow_imbalance"),
)
_COUNT, _VOLUME, _ADDED, _REMOVED, _OFI = 0, 2, 4, 6, 8
# What was found in a feed, as the summary counts it.
COUNTS = (
    "messages", "trades", "breaks", "sequence_gaps", "snapshots_that_differ", "before_snapshot",
    "repeated", "crossed_rows", "one_sided_rows", "stale_rows", "trades_outside_book",
)  # fmt: skip
_BEHIND = 20  # messages in a row that are repeated: more begin anew
# A trade this far beyond the best quotes is not of this book.
_OUTSIDE = 0.01
TRADE_IDS = 1 << 16
# Price levels of a side; and updates that wait for a snapshot, which all may be levels of it.
CAPACITY, WAITING = 1 << 18, 1 << 15
# The stamp of levels that came with a whole book; others have that of their message, from 1 on.
_WHOLE = 0
NOW = np.dtype(
    [
        ("depth", "i8", 2),  # how many bids and asks there are
        ("message", "i8"),  # the number of the message that is being read
        ("seen", "i8"),  # the last sequence number
        ("behind", "i8"),  # how many messages in a row were not above it
        ("known", "?"),  # whether the book is known
        ("snapshot", "?"),  # whether the message is a snapshot
        ("replaces", "?"),  # whether that replaces a book that was known
        ("admitted", "?"),  # whether the message counts
        ("touched", "?"),  # whether it changed the best quotes
        ("broke", "?"),  # whether something is missing since the last row
        ("next_ns", "i8"),  # the time of the next row
        ("book_ns", "i8"),  # when the book was last heard of
        ("age", "i8"),
        ("waiting", "i8"),  # how many updates wait for a snapshot
        ("flow", "f8", len(FLOWS)),
        # Best bid, its size, best ask, its size as the last message left them, NaN if unknown.
        ("touch", "f8", 4),
        *((name, "i8") for name in COUNTS),
    ]
)


class State(NamedTuple):
    """What was heard so far. Keys are prices of bids, and −prices of asks: the last is the best."""

    now: Any  # a record of NOW
    key: np.ndarray  # (2, CAPACITY) float64, ascending
    size: np.ndarray  # (2, CAPACITY) float64
    stamp: np.ndarray  # (2, CAPACITY) int64: the number of the message that last set the level
    shown: np.ndarray  # (2, 2, shown levels, 2) keys and sizes before and after a snapshot
    trade_ids: np.ndarray  # int64
    waiting: np.ndarray  # (WAITING, 4) int64: message, side, first and last of updates
    waiting_levels: np.ndarray  # (WAITING, 2) float64: their price and size


class Rows(NamedTuple):
    """Rows on the grid, each (rows,): int64 `time_ns`, and `age`, how many rows before it follow
    each other without a break: −1 for a row without quotes. `values` (rows, 4 levels + FLOWS)
    float64 are bid prices, bid sizes, ask prices, ask sizes, best first, NaN where there are none,
    and flows."""

    time_ns: np.ndarray
    age: np.ndarray
    values: np.ndarray


_compiled = njit(cache=True, nogil=True)


@_compiled
def replay(
    events: Events, at: int, book: int, state: State, limits: tuple[int, int, int], out: Rows
) -> tuple[int, int, int]:
    """Follow events from `at` on, and BOOK rows from `book` on, until all are read or `out` is
    full: how far it came in both (−1: no room for a level), and how many rows it made."""
    # Arrays by names of their own: each look into a tuple counts references.
    now, key, size, stamp = state.now, state.key, state.size, state.stamp
    times, messages, kinds, sides = events.time_ns, events.message, events.kind, events.side
    prices, sizes, firsts, lasts = events.price, events.size, events.first, events.last
    levels, rows = limits[1], 0
    for event in range(at, len(times)):
        now_ns, kind, message = times[event], kinds[event], messages[event]
        starts = message != now.message
        if starts and now.snapshot:
            _end_snapshot(state)
        if starts and now.touched:
            _follow_touch(now, key, size)
        while now.next_ns < now_ns:
            ready, next_ns = _row_due(now, now_ns, limits)
            if ready:
                if rows == len(out.time_ns):
                    return event, book, rows
                _write_row(state, levels, out, rows)
                rows += 1
            now.next_ns = next_ns
        if starts:
            now.message = message
            now.messages += kind != TICK
            _begin(now, kind, firsts[event], lasts[event])
            if now.admitted and kind in (LEVEL, CLEAR, BOOK):
                # Rows may be further apart than a book may be silent.
                if now.known and now_ns - now.book_ns > limits[2]:
                    _miss(now)
                now.book_ns = now_ns
            if kind == CLEAR and now.admitted:
                now.snapshot, now.replaces, now.seen = True, now.known, lasts[event]
                _show(state, state.shown[0])
                now.depth[:] = 0
                now.known = False
        side = 0 if sides[event] > 0 else 1
        if kind == LEVEL:
            if now.admitted:
                if now.depth[side] >= CAPACITY - WAITING:
                    return -1, book, rows
                change, rank = _put_level(now, key, size, stamp, side, prices[event], sizes[event])
                if rank <= levels and not now.snapshot:
                    now.flow[(_ADDED if change > 0 else _REMOVED) + side] += abs(change)
            elif not now.known:
                _wait(state, message, side, event, events)
        elif kind == TRADE:
            _trade(
                now, key, state.trade_ids, sides[event], prices[event], sizes[event], lasts[event]
            )
        elif kind == BOOK:
            if now.admitted:
                _put_book(state, events.books[book], levels)
            book += 1
        elif kind == BREAK:
            now.breaks += 1
            _lose(now)
    return len(times), book, rows


@_compiled
def _row_due(now: Any, now_ns: int, limits: tuple[int, int, int]) -> tuple[bool, int]:
    """Whether the next row is to be written, and when the one after it is due: at `now_ns`, if
    there are none to write until then."""
    grid_ns, _, max_stale_ns = limits
    until = -(-now_ns // grid_ns) * grid_ns
    if not now.known:
        return False, until
    if now.next_ns - now.book_ns > max_stale_ns:
        now.stale_rows += (until - now.next_ns) // grid_ns
        now.broke |= now.age >= 0
        return False, until
    return True, now.next_ns + grid_ns


@_compiled
def _write_row(state: State, levels: int, out: Rows, row: int) -> None:
    now, key, stamp, values = state.now, state.key, state.stamp, out.values[row]
    if _is_crossed(now, key):
        now.crossed_rows += 1
        if stamp[0, now.depth[0] - 1] == _WHOLE:
            _lose(now)
        # The level that was set longer ago is one whose end was missed.
        while _is_crossed(now, key):
            newer = stamp[1, now.depth[1] - 1] - stamp[0, now.depth[0] - 1]
            now.depth[0] -= newer >= 0
            now.depth[1] -= newer <= 0
        now.broke = True
        now.touch[:] = np.nan
        _follow_touch(now, key, state.size)
    elif not (now.depth[0] and now.depth[1]):
        now.one_sided_rows += 1
        now.broke = True
    values[:] = np.nan
    now.age = -1 if now.broke else now.age + 1
    if not now.broke:
        for side in range(2):
            for level in range(min(levels, now.depth[side])):
                at = now.depth[side] - 1 - level
                values[2 * side * levels + level] = (1 - 2 * side) * key[side, at]
                values[(2 * side + 1) * levels + level] = state.size[side, at]
        values[4 * levels :] = now.flow
    out.time_ns[row], out.age[row] = now.next_ns, now.age
    now.broke = False
    now.flow[:] = 0.0


@_compiled
def _is_crossed(now: Any, key: np.ndarray) -> bool:
    bids, asks = now.depth[0], now.depth[1]
    return bids > 0 and asks > 0 and key[0, bids - 1] + key[1, asks - 1] > 0


@_compiled
def _begin(now: Any, kind: int, first: int, last: int) -> None:
    """Take up a message: whether it counts, and whether messages before it are missing."""
    numbered = last > 0 and kind != TRADE
    repeated = numbered and now.known and now.seen > 0 and last <= now.seen
    now.repeated += repeated
    now.admitted = not repeated
    now.behind = now.behind + 1 if repeated else 0
    if now.behind > _BEHIND:
        # Numbers that begin again are those of another book.
        now.sequence_gaps += 1
        now.behind = 0
        _lose(now)
    if kind == BOOK and numbered and not repeated:
        now.seen = last
    elif kind == LEVEL and not repeated:
        if numbered and now.known and 0 < now.seen < first - 1:
            now.sequence_gaps += 1
            _lose(now)
        now.admitted = now.known
        if numbered and now.known:
            now.seen = last


@_compiled
def _show(state: State, shown: np.ndarray) -> None:
    """The keys and sizes of the best levels, (2, levels, 2), 0 where there are none."""
    for side in range(2):
        for level in range(shown.shape[1]):
            at = state.now.depth[side] - 1 - level
            shown[side, level, 0] = state.key[side, at] if at >= 0 else 0.0
            shown[side, level, 1] = state.size[side, at] if at >= 0 else 0.0


@_compiled
def _end_snapshot(state: State) -> None:
    """A book that is not as the messages before the snapshot left it shows that some of them are
    missing."""
    now, waiting, levels = state.now, state.waiting, state.waiting_levels
    now.snapshot, now.known = False, True
    if now.replaces:
        _show(state, state.shown[1])
        if np.any(state.shown[0] != state.shown[1]):
            now.snapshots_that_differ += 1
            _miss(now)
    for at in range(now.waiting):
        side, first, last = waiting[at, 1], waiting[at, 2], waiting[at, 3]
        if at == 0 or waiting[at, 0] != waiting[at - 1, 0]:
            # One that is older than the snapshot repeats nothing.
            now.repeated -= last <= now.seen
            _begin(now, LEVEL, first, last)
        if now.known and now.admitted:
            _put_level(now, state.key, state.size, state.stamp, side, levels[at, 0], levels[at, 1])
    now.waiting = 0


@_compiled
def _wait(state: State, message: int, side: int, event: int, events: Events) -> None:
    """Keep an update for the snapshot to come, if it can be told which of both is newer."""
    now = state.now
    now.before_snapshot += 1
    if events.last[event] > 0:
        at = now.waiting if now.waiting < WAITING else 0
        state.waiting[at, 0], state.waiting[at, 1] = message, side
        state.waiting[at, 2], state.waiting[at, 3] = events.first[event], events.last[event]
        state.waiting_levels[at, 0] = events.price[event]
        state.waiting_levels[at, 1] = events.size[event]
        now.waiting = at + 1


@_compiled
def _miss(now: Any) -> None:
    """Something is missing between the row before and the next, if there is one before."""
    now.broke |= now.age >= 0
    now.touch[:] = np.nan
    now.touched = True  # so that they are known again with the next message


@_compiled
def _lose(now: Any) -> None:
    """The book is unknown from now on."""
    _miss(now)
    now.known = False
    now.seen = now.waiting = 0
    now.depth[:] = 0


@_compiled
def _put_level(
    now: Any, key: Any, size: Any, stamp: Any, side: int, price: float, new: float
) -> tuple[float, int]:
    """By how much the size at a price changed, and the level's place, 1 for the best."""
    keys, sizes, stamps, count = key[side], size[side], stamp[side], now.depth[side]
    own = price if side == 0 else -price
    at = count
    # Most changes are near the best, at the end.
    while at > 0 and count - at < 16 and keys[at - 1] >= own:
        at -= 1
    if at > 0 and keys[at - 1] >= own:
        at = np.searchsorted(keys[:at], own)
    there = at < count and keys[at] == own
    before = sizes[at] if there else 0.0
    rank = count - at + (not there)
    now.touched |= rank == 1
    if new > 0 and not there:
        for later in range(count, at, -1):
            keys[later], sizes[later] = keys[later - 1], sizes[later - 1]
            stamps[later] = stamps[later - 1]
        now.depth[side] += 1
    elif new == 0 and there:
        for later in range(at, count - 1):
            keys[later], sizes[later] = keys[later + 1], sizes[later + 1]
            stamps[later] = stamps[later + 1]
        now.depth[side] -= 1
    if new > 0:
        keys[at], sizes[at], stamps[at] = own, new, now.messages
    return new - before, rank


@_compiled
def _put_book(state: State, book: np.ndarray, levels: int) -> None:
    """Replace the whole book, and count what it added and removed in the prices that both show."""
    now, deepest = state.now, len(book)
    for side in range(2):
        keys, sizes, old, sign = state.key[side], state.size[side], now.depth[side], 1 - 2 * side
        new = 0
        while new < deepest and not np.isnan(book[new, 2 * side]):
            new += 1
        # Beyond the last level that a book of this depth shows, nothing is known.
        bound = keys[0] if old >= deepest else -np.inf
        if new == deepest:
            bound = max(bound, sign * book[new - 1, 2 * side])
        mine, level = old - 1, 0
        while now.known and (old - 1 - mine < levels or level < levels):
            before = keys[mine] if mine >= 0 else -np.inf
            after = sign * book[level, 2 * side] if level < new else -np.inf
            if max(before, after) < bound or max(before, after) == -np.inf:
                break
            change = (book[level, 2 * side + 1] if after >= before else 0.0) - (
                sizes[mine] if before >= after else 0.0
            )
            now.flow[(_ADDED if change > 0 else _REMOVED) + side] += abs(change)
            mine -= before >= after
            level += after >= before
        for level in range(new):
            keys[new - 1 - level] = sign * book[level, 2 * side]
            sizes[new - 1 - level] = book[level, 2 * side + 1]
        state.stamp[side, :new] = _WHOLE
        now.depth[side] = new
    now.known = now.touched = True


@_compiled
def _follow_touch(now: Any, key: np.ndarray, size: np.ndarray) -> None:
    """Order-flow imbalance: what the best quotes gained in demand less what they gained in supply
    (Cont, Kukanov and Stoikov 2014, equation 4)."""
    now.touched = False
    touch, bids, asks = now.touch, now.depth[0], now.depth[1]
    if not (now.known and bids and asks):
        touch[:] = np.nan
        return
    bid, bid_size = key[0, bids - 1], size[0, bids - 1]
    ask, ask_size = -key[1, asks - 1], size[1, asks - 1]
    if bid > ask:
        return
    if not np.isnan(touch[0]):
        demand = (bid_size if bid >= touch[0] else 0.0) - (touch[1] if bid <= touch[0] else 0.0)
        supply = (ask_size if ask <= touch[2] else 0.0) - (touch[3] if ask >= touch[2] else 0.0)
        now.flow[_OFI] += demand - supply
    touch[0], touch[1], touch[2], touch[3] = bid, bid_size, ask, ask_size


@_compiled
def _trade(
    now: Any, key: np.ndarray, ids: np.ndarray, side: int, price: float, size: float, number: int
) -> None:
    """Count a trade by the side that took; without one, by the nearer side of the mid (Lee and
    Ready 1991)."""
    at = number & (len(ids) - 1)
    if number != 0 and ids[at] == number:
        now.repeated += 1
        return
    ids[at] = number
    bids, asks = now.depth[0], now.depth[1]
    if not (now.known and bids and asks):
        return
    bid, ask = key[0, bids - 1], -key[1, asks - 1]
    if price < bid * (1 - _OUTSIDE) or price > ask * (1 + _OUTSIDE):
        now.trades_outside_book += 1
        return
    now.trades += 1
    if side == 0:
        side = 1 if price >= (bid + ask) / 2 else -1
    now.flow[_COUNT + (side < 0)] += 1.0
    now.flow[_VOLUME + (side < 0)] += size
