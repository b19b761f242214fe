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
) = range(14, 14 + len(COUNTS))  # fmt: skip
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

# Where the numbers of a state are: first how many bids and asks there are.
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
) = range(2, 14)
_COUNTED = 14  # here COUNTS begin
# Where the figures are: after FLOWS, the best bid, its size, the best ask and its size at the end of
# the last message, NaN where they were not known.
_TOUCH = len(FLOWS)


class State(NamedTuple):
    """What was heard so far. Keys are prices of bids, and −prices of asks: the last is the best."""

    key: np.ndarray  # (2, capacity) float64, ascending
    size: np.ndarray  # (2, capacity) float64
    stamp: np.ndarray  # (2, capacity) int64: the number of the message that last set the level
    of: np.ndarray  # int64 numbers
    figures: np.ndarray  # float64
    before: np.ndarray  # (2, 2, shown levels) keys and sizes that a snapshot replaces
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
        of = np.zeros(_COUNTED + len(COUNTS), dtype=np.int64)
        of[[_MESSAGE, _NEXT_NS, _BOOK_NS]], of[_AGE] = np.iinfo(np.int64).min, -1
        self._state = State(
            key=np.empty((2, _CAPACITY)),
            size=np.empty((2, _CAPACITY)),
            stamp=np.empty((2, _CAPACITY), dtype=np.int64),
            of=of,
            figures=np.repeat((0.0, np.nan), (_TOUCH, 4)),
            before=np.empty((2, 2, levels)),
            trade_ids=np.zeros(_TRADE_IDS, dtype=np.int64),
            waiting=np.empty((_WAITING_ROOM, 4), dtype=np.int64),
            waiting_levels=np.empty((_WAITING_ROOM, 2)),
        )

    @property
    def counts(self) -> dict[str, int]:
        return dict(zip(COUNTS, self._state.of[_COUNTED:].tolist(), strict=True))

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
            if _is_full(self._state.key, self._state.of):
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
    # Arrays by their own names: each look into a tuple counts references.
    key, size, stamp, of, figures = state.key, state.size, state.stamp, state.of, state.figures
    times, messages, kinds, sides = events.time_ns, events.message, events.kind, events.side
    prices, sizes, firsts, lasts = events.price, events.size, events.first, events.last
    levels, rows = limits[1], 0
    for event in range(at, len(times)):
        now_ns, kind, message = times[event], kinds[event], messages[event]
        if message != of[_MESSAGE]:
            if of[_SNAPSHOT]:
                _end_snapshot(state)
            if of[_TOUCHED]:
                _follow_touch(key, size, of, figures)
        while of[_NEXT_NS] < now_ns:
            ready, next_ns = _row_due(of, now_ns, limits)
            if ready:
                if rows == len(out.time_ns):
                    return event, book, rows
                _write_row(state, levels, out, rows)
                rows += 1
            of[_NEXT_NS] = next_ns
        if _is_full(key, of):
            return event, book, rows
        if message != of[_MESSAGE]:
            of[_MESSAGE] = message
            of[_MESSAGES] += kind != TICK
            _begin(of, figures, kind, firsts[event], lasts[event])
            if kind == CLEAR and of[_ADMITTED]:
                _begin_snapshot(state, lasts[event])
        side = 0 if sides[event] > 0 else 1
        if kind == LEVEL:
            if of[_ADMITTED]:
                change, rank = _put_level(
                    key[side], size[side], stamp[side], of, side, prices[event], sizes[event]
                )
                if rank <= levels and not of[_SNAPSHOT]:
                    figures[(_ADDED if change > 0 else _REMOVED) + side] += abs(change)
                of[_BOOK_NS] = now_ns
            elif not of[_KNOWN]:
                _wait(state, message, side, event, events)
        elif kind == TRADE:
            _trade(
                key,
                of,
                figures,
                state.trade_ids,
                sides[event],
                prices[event],
                sizes[event],
                lasts[event],
            )
        elif kind == BOOK:
            if of[_ADMITTED]:
                _set_book(state, events.books[book], levels)
                of[_BOOK_NS] = now_ns
            book += 1
        elif kind == BREAK:
            of[_BREAKS] += 1
            _lose(of, figures)
    return len(times), book, rows


@_compiled
def _is_full(key: np.ndarray, of: np.ndarray) -> bool:
    most = key.shape[1] - _WAITING_ROOM
    return of[0] > most or of[1] > most


@_compiled
def _row_due(of: np.ndarray, now_ns: int, limits: tuple[int, int, int]) -> tuple[bool, int]:
    """Whether the next row is to be written, and when the one after it is due: now, if there are
    none to write until then."""
    grid_ns, _, max_stale_ns = limits
    next_ns = of[_NEXT_NS]
    until_now = -(-now_ns // grid_ns) * grid_ns
    if not of[_KNOWN]:
        return False, until_now
    if next_ns - of[_BOOK_NS] > max_stale_ns:
        of[_STALE] += (until_now - next_ns) // grid_ns
        of[_BROKE] = of[_AGE] >= 0 or of[_BROKE]
        return False, until_now
    return True, next_ns + grid_ns


@_compiled
def _write_row(state: State, levels: int, out: Rows, row: int) -> None:
    of, key, figures, stamp = state.of, state.key, state.figures, state.stamp
    if _is_crossed(key, of):
        of[_CROSSED] += 1
        of[_BROKE] = 1
        figures[_TOUCH:] = np.nan
        if stamp[0, of[0] - 1] == _WHOLE:
            _lose(of, figures)
        # The level that was set longer ago is one whose end was missed.
        while _is_crossed(key, of):
            newer = stamp[1, of[1] - 1] - stamp[0, of[0] - 1]
            of[0] -= newer >= 0
            of[1] -= newer <= 0
    elif not (of[0] and of[1]):
        of[_ONE_SIDED] += 1
        of[_BROKE] = 1
    values = out.values[row]
    values[:] = np.nan
    of[_AGE] = -1 if of[_BROKE] else of[_AGE] + 1
    if not of[_BROKE]:
        for side in range(2):
            for level in range(min(levels, of[side])):
                at = of[side] - 1 - level
                values[2 * side * levels + level] = (1 - 2 * side) * key[side, at]
                values[(2 * side + 1) * levels + level] = state.size[side, at]
        values[4 * levels :] = figures[:_TOUCH]
    out.time_ns[row], out.age[row] = of[_NEXT_NS], of[_AGE]
    of[_BROKE] = 0
    figures[:_TOUCH] = 0.0


@_compiled
def _is_crossed(key: np.ndarray, of: np.ndarray) -> bool:
    return of[0] > 0 and of[1] > 0 and key[0, of[0] - 1] + key[1, of[1] - 1] > 0


@_compiled
def _begin(of: np.ndarray, figures: np.ndarray, kind: int, first: int, last: int) -> None:
    """Take up a message: whether it counts, and whether messages before it are missing."""
    numbered = last > 0 and kind != TRADE
    repeated = numbered and of[_KNOWN] and 0 < of[_SEEN] and last <= of[_SEEN]
    of[_REPEATED] += repeated
    of[_ADMITTED] = not repeated
    if kind == LEVEL and not repeated:
        if numbered and of[_KNOWN] and 0 < of[_SEEN] < first - 1:
            of[_GAPS] += 1
            _lose(of, figures)
        of[_ADMITTED] = of[_KNOWN]
        if numbered and of[_KNOWN]:
            of[_SEEN] = last


@_compiled
def _begin_snapshot(state: State, last: int) -> None:
    of = state.of
    of[_COMPARED] = of[_KNOWN]
    _show(state, state.before)
    of[0] = of[1] = of[_KNOWN] = 0
    of[_SNAPSHOT], of[_SEEN] = 1, last


@_compiled
def _show(state: State, shown: np.ndarray) -> None:
    """The keys and sizes of the best levels, 0 where there are none."""
    for side in range(2):
        for level in range(shown.shape[2]):
            at = state.of[side] - 1 - level
            shown[side, 0, level] = state.key[side, at] if at >= 0 else 0.0
            shown[side, 1, level] = state.size[side, at] if at >= 0 else 0.0


@_compiled
def _end_snapshot(state: State) -> None:
    """A book that is not as the messages since the last snapshot left it shows that some of them
    are missing."""
    of = state.of
    of[_SNAPSHOT], of[_KNOWN] = 0, 1
    if of[_COMPARED]:
        now = np.empty_like(state.before)
        _show(state, now)
        if np.any(now != state.before):
            of[_DIFFER] += 1
            _miss(of, state.figures)
    # What waited for the snapshot and is newer.
    waited = of[_WAITING]
    for at in range(waited):
        side, first, last = state.waiting[at, 1], state.waiting[at, 2], state.waiting[at, 3]
        if at == 0 or state.waiting[at, 0] != state.waiting[at - 1, 0]:
            of[_REPEATED] -= 0 < last <= of[_SEEN]
            _begin(of, state.figures, LEVEL, first, last)
        if not of[_KNOWN]:
            break
        if of[_ADMITTED]:
            price, size = state.waiting_levels[at, 0], state.waiting_levels[at, 1]
            _put_level(state.key[side], state.size[side], state.stamp[side], of, side, price, size)
    of[_WAITING] = 0


@_compiled
def _wait(state: State, message: int, side: int, event: int, events: Events) -> None:
    """Keep an update for the snapshot to come, if it can be told which of both is newer."""
    of = state.of
    of[_BEFORE] += 1
    if events.last[event] > 0:
        if of[_WAITING] == len(state.waiting):
            of[_WAITING] = 0
        at = of[_WAITING]
        state.waiting[at, 0], state.waiting[at, 1] = message, side
        state.waiting[at, 2], state.waiting[at, 3] = events.first[event], events.last[event]
        state.waiting_levels[at, 0] = events.price[event]
        state.waiting_levels[at, 1] = events.size[event]
        of[_WAITING] += 1


@_compiled
def _miss(of: np.ndarray, figures: np.ndarray) -> None:
    """Something is missing between the row before and the next, if there is one before."""
    of[_BROKE] = of[_AGE] >= 0 or of[_BROKE]
    figures[_TOUCH:] = np.nan


@_compiled
def _lose(of: np.ndarray, figures: np.ndarray) -> None:
    """The book is unknown from now on."""
    _miss(of, figures)
    of[0] = of[1] = of[_KNOWN] = of[_SEEN] = of[_WAITING] = 0


@_compiled
def _put_level(
    keys: np.ndarray,
    sizes: np.ndarray,
    stamps: np.ndarray,
    of: np.ndarray,
    side: int,
    price: float,
    size: float,
) -> tuple[float, int]:
    """By how much the size at a price changed, and the level's place, 1 for the best."""
    count = of[side]
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
    of[_TOUCHED] = 1
    if size > 0:
        if not there:
            for later in range(count, at, -1):
                keys[later], sizes[later] = keys[later - 1], sizes[later - 1]
                stamps[later] = stamps[later - 1]
            keys[at] = key
            of[side] += 1
        sizes[at], stamps[at] = size, of[_MESSAGES]
    elif there:
        for later in range(at, count - 1):
            keys[later], sizes[later] = keys[later + 1], sizes[later + 1]
            stamps[later] = stamps[later + 1]
        of[side] -= 1
    return size - before, rank


@_compiled
def _set_book(state: State, book: np.ndarray, levels: int) -> None:
    """Replace the whole book, and count what it added and removed in the prices that both show."""
    of, figures = state.of, state.figures
    for side in range(2):
        keys, sizes = state.key[side], state.size[side]
        new, sign = 0, 1.0 - 2.0 * side
        while new < len(book) and not np.isnan(book[new, 2 * side]):
            new += 1
        old = of[side]
        # Beyond the last level that a book of this depth shows, nothing is known.
        bound = -np.inf
        if old >= len(book):
            bound = max(bound, keys[0])
        if new == len(book):
            bound = max(bound, sign * book[new - 1, 2 * side])
        mine, level = old - 1, 0
        while of[_KNOWN] and (old - 1 - mine < levels or level < levels):
            before = keys[mine] if mine >= 0 else -np.inf
            after = sign * book[level, 2 * side] if level < new else -np.inf
            if max(before, after) < bound or max(before, after) == -np.inf:
                break
            change = (book[level, 2 * side + 1] if after >= before else 0.0) - (
                sizes[mine] if before >= after else 0.0
            )
            figures[(_ADDED if change > 0 else _REMOVED) + side] += abs(change)
            mine -= before >= after
            level += after >= before
        for level in range(new):
            keys[new - 1 - level] = sign * book[level, 2 * side]
            sizes[new - 1 - level] = book[level, 2 * side + 1]
        state.stamp[side, :new] = _WHOLE
        of[side] = new
    of[_KNOWN] = of[_TOUCHED] = 1


@_compiled
def _follow_touch(key: np.ndarray, size: np.ndarray, of: np.ndarray, figures: np.ndarray) -> None:
    """Order-flow imbalance: what the best quotes gained in demand less what they gained in supply
    (Cont, Kukanov and Stoikov 2014, equation 4)."""
    of[_TOUCHED] = 0
    touch = figures[_TOUCH:]
    if not (of[_KNOWN] and of[0] and of[1]):
        touch[:] = np.nan
        return
    bid, bid_size = key[0, of[0] - 1], size[0, of[0] - 1]
    ask, ask_size = -key[1, of[1] - 1], size[1, of[1] - 1]
    if bid > ask:
        return
    if not np.isnan(touch[0]):
        demand = (bid_size if bid >= touch[0] else 0.0) - (touch[1] if bid <= touch[0] else 0.0)
        supply = (ask_size if ask <= touch[2] else 0.0) - (touch[3] if ask >= touch[2] else 0.0)
        figures[_OFI] += demand - supply
    touch[0], touch[1], touch[2], touch[3] = bid, bid_size, ask, ask_size


@_compiled
def _trade(
    key: np.ndarray,
    of: np.ndarray,
    figures: np.ndarray,
    ids: np.ndarray,
    side: int,
    price: float,
    size: float,
    number: int,
) -> None:
    """Count a trade by the side that took; without one, by the nearer side of the mid (Lee and
    Ready 1991)."""
    if number != 0:
        at = number & (len(ids) - 1)
        if ids[at] == number:
            of[_REPEATED] += 1
            return
        ids[at] = number
    if not (of[_KNOWN] and of[0] and of[1]):
        return
    bid, ask = key[0, of[0] - 1], -key[1, of[1] - 1]
    if price < bid * (1 - _OUTSIDE_SHARE) or price > ask * (1 + _OUTSIDE_SHARE):
        of[_OUTSIDE] += 1
        return
    of[_TRADES] += 1
    if side == 0:
        side = 1 if price >= (bid + ask) / 2 else -1
    figures[_BUYS + (side < 0)] += 1.0
    figures[_VOLUME + (side < 0)] += size
