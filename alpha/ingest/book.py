"""A book and its trades, replayed event by event into rows on a grid: compiled, and the same
however events are cut into batches.

A row at T holds all that came up to T. No row bridges what is missing: the first row after a break
has no quotes, so that every window over it is known not to be whole. docs/how-to/ingest.md says
what is a break, and what becomes of each kind of broken message.
"""

from typing import NamedTuple

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
_BUYS, _VOLUME, _ADDED, _REMOVED, _OFI = 0, 2, 4, 6, 8
# What was found in a feed, as the summary counts it.
COUNTS = (
    "messages", "trades", "breaks", "sequence_gaps", "snapshots_that_differ", "before_snapshot",
    "repeated", "crossed_rows", "one_sided_rows", "stale_rows", "trades_outside_book",
)  # fmt: skip
(
    _MESSAGES, _TRADES, _BREAKS, _GAPS, _DIFFER, _BEFORE, _REPEATED, _CROSSED, _ONE_SIDED, _STALE,
    _OUTSIDE,
) = range(len(COUNTS))  # fmt: skip
# A trade this far beyond the touch is not of this book.
_OUTSIDE_SHARE = 0.01
_TRADE_IDS = 1 << 16
# Room for updates that wait for a snapshot; and for price levels of a side until more is needed,
# which all of those may be.
_WAITING_ROOM = 1 << 15
_CAPACITY = 1 << 16
_ROWS = 1 << 13
# The stamp of levels that came with a whole book; others have that of their message, from 1 on.
_WHOLE = 0

# Where the numbers of a state are.
(
    _MESSAGE,  # the number of the message that is being read
    _SEEN,  # the last sequence number
    _KNOWN,  # whether the book is known
    _SNAPSHOT,  # whether the message is a snapshot
    _ADMITTED,  # whether its levels count
    _TOUCHED,  # whether it changed the book
    _BROKE,  # whether something is missing since the last row
    _NEXT_NS,  # the time of the next row
    _BOOK_NS,  # when the book was last heard of
    _AGE,
    _WAITING,  # how many updates wait for a snapshot
    _COMPARED,  # whether the snapshot replaces a book that was known
) = range(12)


class State(NamedTuple):
    """What was heard so far. Keys are prices of bids, and −prices of asks: the last is the best."""

    key: np.ndarray  # (2, capacity) float64, ascending
    size: np.ndarray  # (2, capacity) float64
    stamp: np.ndarray  # (2, capacity) int64: the number of the message that last set the level
    levels: np.ndarray  # (2,) int64: how many there are
    before: np.ndarray  # (2, 2, shown levels) keys and sizes that a snapshot replaces
    touch: np.ndarray  # (4,) bid, its size, ask, its size at the end of the last message, or NaN
    flow: np.ndarray  # (FLOWS,)
    of: np.ndarray  # int64 numbers
    counts: np.ndarray  # (COUNTS,) int64
    trade_ids: np.ndarray  # int64
    waiting: np.ndarray  # (_WAITING_ROOM, 4) int64: message, side, first and last of updates
    waiting_levels: np.ndarray  # (_WAITING_ROOM, 2) float64: their price and size


class Rows(NamedTuple):
    """Rows on the grid, each (rows,): int64 `time_ns`, and `age`, how many rows before it follow
    each other without a break: −1 for a row without quotes. `values` (rows, 4 levels + FLOWS)
    float64 are bid prices, bid sizes, ask prices, ask sizes, best first, NaN where there are none,
    and flows."""

    time_ns: np.ndarray
    age: np.ndarray
    values: np.ndarray


class Replay:
    """Follows events in the order of their times, and makes rows of them."""

    def __init__(self, *, grid_ns: int, levels: int, max_stale_ns: int) -> None:
        self._limits = grid_ns, levels, max_stale_ns
        self._width = 4 * levels + len(FLOWS)
        none = np.int64(np.iinfo(np.int64).min)
        of = np.zeros(12, dtype=np.int64)
        of[[_MESSAGE, _NEXT_NS, _BOOK_NS, _AGE]] = none, none, none, -1
        self._state = State(
            key=np.empty((2, _CAPACITY)),
            size=np.empty((2, _CAPACITY)),
            stamp=np.empty((2, _CAPACITY), dtype=np.int64),
            levels=np.zeros(2, dtype=np.int64),
            before=np.empty((2, 2, levels)),
            touch=np.full(4, np.nan),
            flow=np.zeros(len(FLOWS)),
            of=of,
            counts=np.zeros(len(COUNTS), dtype=np.int64),
            trade_ids=np.zeros(_TRADE_IDS, dtype=np.int64),
            waiting=np.empty((_WAITING_ROOM, 4), dtype=np.int64),
            waiting_levels=np.empty((_WAITING_ROOM, 2)),
        )

    @property
    def counts(self) -> dict[str, int]:
        return dict(zip(COUNTS, self._state.counts.tolist(), strict=True))

    def feed(self, events: Events) -> Rows:
        """The rows before the time of the last event: that of its own time waits for what else may
        come then."""
        made, at, book = [], 0, 0
        while at < len(events.time_ns):
            time_ns, age = np.empty((2, _ROWS), dtype=np.int64)
            values = np.empty((_ROWS, self._width))
            out = Rows(time_ns, age, values)
            at, book, rows = _replay(events, at, book, self._state, self._limits, out)
            if rows:
                made.append(Rows(time_ns[:rows], age[:rows], values[:rows]))
            if _is_full(self._state):
                self._grow()
        return _joined(made, self._width)

    def advance(self, now_ns: int) -> Rows:
        """The rows up to a moment before which all events were given."""
        time_ns, none = np.array([now_ns + 1]), np.zeros(1, dtype=np.int64)
        kind, nan = np.array([TICK], dtype=np.int8), np.full(1, np.nan)
        books = np.empty((0, 1, 4))
        return self.feed(Events(time_ns, none - 1, kind, kind, nan, nan, none, none, books))

    def _grow(self) -> None:
        """Twice the room for price levels."""
        key, size, stamp = (np.concatenate((of, of), axis=1) for of in self._state[:3])
        self._state = self._state._replace(key=key, size=size, stamp=stamp)


def _joined(made: list[Rows], width: int) -> Rows:
    if not made:
        none = np.empty(0, dtype=np.int64)
        return Rows(none, none, np.empty((0, width)))
    return Rows(*map(np.concatenate, zip(*made, strict=True)))


_compiled = njit(cache=True, nogil=True)


@_compiled
def _replay(
    events: Events, at: int, book: int, state: State, limits: tuple[int, int, int], out: Rows
) -> tuple[int, int, int]:
    """Follow events from `at` on, and BOOK rows from `book` on, until all are read, `out` is full
    or there is no room for a level: how far it came in both, and how many rows it made."""
    of, counts, rows = state.of, state.counts, 0
    levels = limits[1]
    for event in range(at, len(events.time_ns)):
        now_ns, kind, message = events.time_ns[event], events.kind[event], events.message[event]
        if message != of[_MESSAGE]:
            _finish(state)
        while of[_NEXT_NS] < now_ns:
            ready, next_ns = _row_due(state, now_ns, limits)
            if ready:
                if rows == len(out.time_ns):
                    return event, book, rows
                _write_row(state, levels, out, rows)
                rows += 1
            of[_NEXT_NS] = next_ns
        if _is_full(state):
            return event, book, rows
        if message != of[_MESSAGE]:
            of[_MESSAGE] = message
            counts[_MESSAGES] += kind != TICK
            _begin(state, kind, events.first[event], events.last[event], levels)
        side = 0 if events.side[event] > 0 else 1
        price, size = events.price[event], events.size[event]
        if kind == LEVEL:
            if not (of[_KNOWN] or of[_SNAPSHOT]):
                _wait(state, message, side, price, size, events.first[event], events.last[event])
            elif of[_ADMITTED]:
                _set_level(state, side, price, size, levels)
        elif kind == TRADE:
            _trade(state, events.side[event], price, size, events.last[event])
        elif kind == BOOK:
            if of[_ADMITTED]:
                _set_book(state, events.books[book], levels)
            book += 1
        elif kind == BREAK:
            counts[_BREAKS] += 1
            _lose(state)
        if kind in (LEVEL, BOOK, CLEAR) and of[_ADMITTED]:
            of[_BOOK_NS] = now_ns
    return len(events.time_ns), book, rows


@_compiled
def _is_full(state: State) -> bool:
    return max(state.levels) > state.key.shape[1] - _WAITING_ROOM


@_compiled
def _row_due(state: State, now_ns: int, limits: tuple[int, int, int]) -> tuple[bool, int]:
    """Whether the next row is to be written, and when the one after it is due: now, if there are
    none to write until then."""
    of = state.of
    grid_ns, _, max_stale_ns = limits
    next_ns = of[_NEXT_NS]
    until_now = -(-now_ns // grid_ns) * grid_ns
    if not of[_KNOWN]:
        return False, until_now
    if next_ns - of[_BOOK_NS] > max_stale_ns:
        state.counts[_STALE] += (until_now - next_ns) // grid_ns
        of[_BROKE] = of[_AGE] >= 0 or of[_BROKE]
        return False, until_now
    return True, next_ns + grid_ns


@_compiled
def _write_row(state: State, levels: int, out: Rows, row: int) -> None:
    of, counts, key = state.of, state.counts, state.key
    bids, asks = state.levels[0], state.levels[1]
    if bids and asks and key[0, bids - 1] + key[1, asks - 1] > 0:
        counts[_CROSSED] += 1
        of[_BROKE] = 1
        state.touch[:] = np.nan
        if state.stamp[0, bids - 1] == _WHOLE:
            _lose(state)
        # The level that was set longer ago is one whose end was missed.
        while bids and asks and key[0, bids - 1] + key[1, asks - 1] > 0:
            newer = state.stamp[1, asks - 1] - state.stamp[0, bids - 1]
            bids -= newer >= 0
            asks -= newer <= 0
        state.levels[0], state.levels[1] = bids, asks
    elif not (bids and asks):
        counts[_ONE_SIDED] += 1
        of[_BROKE] = 1
    values = out.values[row]
    values[:] = np.nan
    of[_AGE] = -1 if of[_BROKE] else of[_AGE] + 1
    if not of[_BROKE]:
        for side in range(2):
            for level in range(min(levels, state.levels[side])):
                at = state.levels[side] - 1 - level
                values[2 * side * levels + level] = (1 - 2 * side) * key[side, at]
                values[(2 * side + 1) * levels + level] = state.size[side, at]
        values[4 * levels :] = state.flow
    out.time_ns[row], out.age[row] = of[_NEXT_NS], of[_AGE]
    of[_BROKE] = 0
    state.flow[:] = 0.0


@_compiled
def _begin(state: State, kind: int, first: int, last: int, levels: int) -> None:
    """Take up a message: whether it counts, and whether messages before it are missing."""
    of, counts = state.of, state.counts
    numbered = last > 0 and kind != TRADE
    repeated = numbered and of[_SEEN] > 0 and last <= of[_SEEN] and of[_KNOWN]
    counts[_REPEATED] += repeated
    of[_ADMITTED] = not repeated
    if kind == CLEAR and not repeated:
        of[_COMPARED] = of[_KNOWN]
        for side in range(2):
            for level in range(levels):
                at = state.levels[side] - 1 - level
                state.before[side, 0, level] = state.key[side, at] if at >= 0 else 0.0
                state.before[side, 1, level] = state.size[side, at] if at >= 0 else 0.0
        state.levels[:] = 0
        of[_SNAPSHOT], of[_KNOWN], of[_SEEN] = 1, 0, last
    elif kind == LEVEL:
        if of[_KNOWN] and numbered and of[_SEEN] > 0 and first > of[_SEEN] + 1:
            counts[_GAPS] += 1
            _lose(state)
        if not of[_KNOWN]:
            of[_ADMITTED] = 0
        elif numbered and not repeated:
            of[_SEEN] = last


@_compiled
def _finish(state: State) -> None:
    """What a message brings when it is whole: a snapshot, and a change of the touch."""
    of = state.of
    if of[_SNAPSHOT]:
        of[_SNAPSHOT], of[_KNOWN] = 0, 1
        same = True
        if of[_COMPARED]:
            for side in range(2):
                for level in range(state.before.shape[2]):
                    at = state.levels[side] - 1 - level
                    key = state.key[side, at] if at >= 0 else 0.0
                    size = state.size[side, at] if at >= 0 else 0.0
                    same &= key == state.before[side, 0, level]
                    same &= size == state.before[side, 1, level]
            if not same:
                state.counts[_DIFFER] += 1
                _miss(state)
        _catch_up(state)
    if of[_TOUCHED]:
        of[_TOUCHED] = 0
        _follow_touch(state)


@_compiled
def _catch_up(state: State) -> None:
    """Apply what waited for the snapshot and is newer than it."""
    of, message = state.of, np.int64(0)
    for at in range(of[_WAITING]):
        own, side = state.waiting[at, 0], state.waiting[at, 1]
        first, last = state.waiting[at, 2], state.waiting[at, 3]
        if at == 0 or own != message:
            message = own
            of[_ADMITTED] = last > of[_SEEN] and last > 0
            if of[_ADMITTED] and of[_SEEN] > 0 and first > of[_SEEN] + 1:
                state.counts[_GAPS] += 1
                _lose(state)
                return
            if of[_ADMITTED]:
                of[_SEEN] = last
        if of[_ADMITTED]:
            _put_level(state, side, state.waiting_levels[at, 0], state.waiting_levels[at, 1])
    of[_WAITING] = 0


@_compiled
def _wait(
    state: State, message: int, side: int, price: float, size: float, first: int, last: int
) -> None:
    """Keep an update for the snapshot to come, if it can be told which of both is newer."""
    of = state.of
    state.counts[_BEFORE] += 1
    if last > 0:
        if of[_WAITING] == len(state.waiting):
            of[_WAITING] = 0
        at = of[_WAITING]
        state.waiting[at, 0], state.waiting[at, 1] = message, side
        state.waiting[at, 2], state.waiting[at, 3] = first, last
        state.waiting_levels[at, 0], state.waiting_levels[at, 1] = price, size
        of[_WAITING] += 1


@_compiled
def _miss(state: State) -> None:
    """Something is missing between the row before and the next, if there is one before."""
    state.of[_BROKE] = state.of[_AGE] >= 0 or state.of[_BROKE]
    state.touch[:] = np.nan


@_compiled
def _lose(state: State) -> None:
    """The book is unknown from now on."""
    _miss(state)
    state.of[_KNOWN] = state.of[_SEEN] = state.of[_WAITING] = 0
    state.levels[:] = 0


@_compiled
def _set_level(state: State, side: int, price: float, size: float, levels: int) -> None:
    """Set a level, and count what it adds or removes near the touch."""
    change, rank = _put_level(state, side, price, size)
    if rank <= levels and not state.of[_SNAPSHOT]:
        state.flow[(_ADDED if change > 0 else _REMOVED) + side] += abs(change)


@_compiled
def _put_level(state: State, side: int, price: float, size: float) -> tuple[float, int]:
    """By how much the size at a price changed, and the level's place, 1 for the best."""
    keys, sizes, count = state.key[side], state.size[side], state.levels[side]
    key = price if side == 0 else -price
    at = count
    # Most changes are near the best, at the end.
    while at > 0 and count - at < 16 and keys[at - 1] >= key:
        at -= 1
    if at > 0 and keys[at - 1] >= key:
        at = np.searchsorted(keys[:at], key)
    there = at < count and keys[at] == key
    before = sizes[at] if there else 0.0
    rank = count - at + (not there)
    state.of[_TOUCHED] = 1
    if size > 0:
        if not there:
            for later in range(count, at, -1):
                keys[later], sizes[later] = keys[later - 1], sizes[later - 1]
                state.stamp[side, later] = state.stamp[side, later - 1]
            keys[at] = key
            state.levels[side] += 1
        sizes[at], state.stamp[side, at] = size, state.counts[_MESSAGES]
    elif there:
        for later in range(at, count - 1):
            keys[later], sizes[later] = keys[later + 1], sizes[later + 1]
            state.stamp[side, later] = state.stamp[side, later + 1]
        state.levels[side] -= 1
    return size - before, rank


@_compiled
def _set_book(state: State, book: np.ndarray, levels: int) -> None:
    """Replace the whole book, and count what it added and removed in the prices that both show."""
    known = state.of[_KNOWN]
    for side in range(2):
        keys, sizes = state.key[side], state.size[side]
        new, sign = 0, 1.0 - 2.0 * side
        while new < len(book) and not np.isnan(book[new, 2 * side]):
            new += 1
        old = state.levels[side]
        # Beyond the last level that a book of this depth shows, nothing is known.
        bound = -np.inf
        if old >= len(book):
            bound = max(bound, keys[0])
        if new == len(book):
            bound = max(bound, sign * book[new - 1, 2 * side])
        mine, level = old - 1, 0
        while known and (old - 1 - mine < levels or level < levels):
            before = keys[mine] if mine >= 0 else -np.inf
            after = sign * book[level, 2 * side] if level < new else -np.inf
            if max(before, after) < bound or max(before, after) == -np.inf:
                break
            change = (book[level, 2 * side + 1] if after >= before else 0.0) - (
                sizes[mine] if before >= after else 0.0
            )
            state.flow[(_ADDED if change > 0 else _REMOVED) + side] += abs(change)
            mine -= before >= after
            level += after >= before
        for level in range(new):
            keys[new - 1 - level] = sign * book[level, 2 * side]
            sizes[new - 1 - level] = book[level, 2 * side + 1]
        state.stamp[side, :new] = _WHOLE
        state.levels[side] = new
    state.of[_KNOWN] = state.of[_TOUCHED] = 1


@_compiled
def _follow_touch(state: State) -> None:
    """Order-flow imbalance: what the best quotes gained in demand less what they gained in supply
    (Cont, Kukanov and Stoikov 2014, equation 4)."""
    bids, asks, touch = state.levels[0], state.levels[1], state.touch
    if not (state.of[_KNOWN] and bids and asks):
        touch[:] = np.nan
        return
    bid, ask = state.key[0, bids - 1], -state.key[1, asks - 1]
    bid_size, ask_size = state.size[0, bids - 1], state.size[1, asks - 1]
    if bid > ask:
        return
    if not np.isnan(touch[0]):
        demand = (bid_size if bid >= touch[0] else 0.0) - (touch[1] if bid <= touch[0] else 0.0)
        supply = (ask_size if ask <= touch[2] else 0.0) - (touch[3] if ask >= touch[2] else 0.0)
        state.flow[_OFI] += demand - supply
    touch[0], touch[1], touch[2], touch[3] = bid, bid_size, ask, ask_size


@_compiled
def _trade(state: State, side: int, price: float, size: float, number: int) -> None:
    """Count a trade by the side that took; without one, by the nearer side of the mid (Lee and
    Ready 1991)."""
    counts = state.counts
    if number != 0:
        at = number & (len(state.trade_ids) - 1)
        if state.trade_ids[at] == number:
            counts[_REPEATED] += 1
            return
        state.trade_ids[at] = number
    bids, asks = state.levels[0], state.levels[1]
    if not (state.of[_KNOWN] and bids and asks):
        return
    bid, ask = state.key[0, bids - 1], -state.key[1, asks - 1]
    if price < bid * (1 - _OUTSIDE_SHARE) or price > ask * (1 + _OUTSIDE_SHARE):
        counts[_OUTSIDE] += 1
        return
    counts[_TRADES] += 1
    if side == 0:
        side = 1 if price >= (bid + ask) / 2 else -1
    state.flow[_BUYS + (side < 0)] += 1.0
    state.flow[_VOLUME + (side < 0)] += size
