"""Recorded websocket lines, live and from files, and what is wrong with them."""

import gzip
import json
from collections import Counter

import numpy as np
import pyarrow as pa
import pytest
from test_ingest_formats import equal, fnv, ingest, joined, rows_of, zipped

from alpha.core.errors import InputError
from alpha.ingest.events import BOOK, BREAK, BUY, CLEAR, LEVEL, SELL, TRADE
from alpha.ingest.messages import Recording
from alpha.ingest.progress import Progress
from alpha.ingest.rawfiles import read_lines
from alpha.ingest.sources import open_streams

MS = 1723161255000
NS = MS * 10**6


def line(message, *, late_ms=5, ms=0):
    """A recorded line whose local time is `late_ms` after the exchange's."""
    return f"{NS + (ms + late_ms) * 10**6} {json.dumps(message)}\n".encode()


def spot(event, ms=0, **fields):
    data = {"e": event, "E": MS + ms, "s": "BTCUSDT", **fields}
    return line({"stream": "btcusdt@x", "data": data}, ms=ms)


def depth(first, last, bids=(), asks=(), ms=0, **fields):
    return spot("depthUpdate", ms, U=first, u=last, b=list(bids), a=list(asks), **fields)


SNAPSHOT = line(
    {"lastUpdateId": 10, "bids": [["100.5", "1"], ["100", "2"]], "asks": [["101", "3"]]}, ms=1
)
BINANCE = [
    depth(8, 9, [["100.5", "0.5"]]),
    SNAPSHOT,
    depth(10, 12, [["100.5", "0"]], [["101.5", "4"]], ms=2),
    spot("trade", 3, T=MS + 2, t=77, p="100.5", q="0.25", m=True),
    depth(13, 13, [], [["101", "0"]], ms=4),
]
BITMEX = [
    line({"info": "Welcome"}),
    line(
        {
            "table": "orderBookL2_25",
            "action": "partial",
            "data": [
                {"symbol": "XBTUSD", "id": 1, "side": "Buy", "size": 5, "price": 100.5},
                {
                    "symbol": "XBTUSD",
                    "id": 2,
                    "side": "Sell",
                    "size": 6,
                    "price": 101,
                    "timestamp": "2024-08-08T23:54:15.001Z",
                },
            ],
        },
        ms=1,
    ),
    line(
        {
            "table": "orderBookL2_25",
            "action": "update",
            "data": [{"symbol": "XBTUSD", "id": 2, "side": "Sell", "size": 7}],
        },
        ms=2,
    ),
    line(
        {
            "table": "orderBookL2_25",
            "action": "delete",
            "data": [{"symbol": "XBTUSD", "id": 1, "side": "Buy"}],
        },
        ms=3,
    ),
    line(
        {
            "table": "trade",
            "action": "insert",
            "data": [
                {
                    "symbol": "XBTUSD",
                    "side": "Buy",
                    "size": 3,
                    "price": 101,
                    "trdMatchID": "a-b",
                    "timestamp": "2024-08-08T23:54:15.004Z",
                },
            ],
        },
        ms=4,
    ),
]
RECORDED = {"binance_messages": BINANCE, "bitmex_messages": BITMEX}


def live(lines, name="binance_messages", clock="exchange", symbol=None, counts=None):
    progress = Progress(Counter() if counts is None else counts, symbol)
    recording = Recording(name, clock, progress)
    return joined([recording.feed(one) for one in lines])


def recorded(folder, content, name="binance_messages", *, counts=None, rows=1 << 17, **params):
    (folder / "a").write_bytes(content)
    section = ingest(folder, {"a": name}, **params)
    counts = Counter() if counts is None else counts
    return joined(list(open_streams(section.sources[0], section, counts, rows=rows)[0]))


def test_a_snapshot_of_binance_clears_the_book_and_updates_carry_their_numbers():
    events = live(BINANCE)
    assert rows_of(events) == [
        (LEVEL, BUY, 100.5, 0.5, 8, 9),
        (CLEAR, 0, None, 0, 0, 10),
        (LEVEL, BUY, 100.5, 1, 0, 0),
        (LEVEL, BUY, 100, 2, 0, 0),
        (LEVEL, SELL, 101, 3, 0, 0),
        (LEVEL, BUY, 100.5, 0, 10, 12),
        (LEVEL, SELL, 101.5, 4, 10, 12),
        (TRADE, SELL, 100.5, 0.25, 0, 77),
        (LEVEL, SELL, 101, 0, 13, 13),
    ]
    assert events.message.tolist() == [1, 2, 2, 2, 2, 3, 3, 4, 5]


def test_a_message_without_a_time_of_the_exchange_counts_from_the_newest_one():
    # The snapshot comes after the first update, and says no time.
    assert ((live(BINANCE).time_ns - NS) / 1e6).tolist() == [0, 0, 0, 0, 0, 2, 2, 2, 4]
    local = live(BINANCE, clock="local").time_ns
    assert ((local - NS) / 1e6).tolist() == [5, 6, 6, 6, 6, 7, 7, 8, 9]


def test_updates_of_futures_follow_the_number_before_them():
    events = live([depth(20, 25, [["1", "2"]], pu=17)])
    assert (events.first[0], events.last[0]) == (18, 25)


def test_an_update_without_levels_leaves_no_gap_in_the_numbers():
    events = live([depth(1, 3, [["1", "2"]]), depth(4, 6), depth(7, 8, [["1", "3"]])])
    assert events.first.tolist() == [1, 4]
    assert events.last.tolist() == [3, 8]


def test_the_whole_book_counts_rather_than_best_quotes():
    quote = {"s": "BTCUSDT", "u": 1, "b": "100", "B": "1", "a": "101", "A": "2"}
    counts = Counter()
    events = live(
        [
            spot("bookTicker", T=MS, **quote),
            depth(1, 2, [["100", "1"]]),
            spot("bookTicker", T=MS, **quote),
        ],
        counts=counts,
    )
    assert events.kind.tolist() == [BOOK, BREAK, LEVEL]
    np.testing.assert_array_equal(events.books, [[[100, 1, 101, 2]]])
    assert counts["quotes_beside_book"] == 1


def test_trades_and_their_aggregates_do_not_count_twice():
    trade = {"T": MS, "p": "100", "q": "1", "m": False}
    events = live([spot("aggTrade", a=5, **trade), spot("trade", t=9, **trade)])
    assert rows_of(events) == [(TRADE, BUY, 100, 1, 0, 5)]


def test_trades_outside_the_market_do_not_count():
    fund = spot("trade", T=MS, t=9, p="100", q="1", m=False, X="INSURANCE_FUND")
    assert len(live([fund]).kind) == 0


def test_levels_of_bitmex_have_the_price_that_their_id_came_with():
    events = live(BITMEX, "bitmex_messages")
    assert rows_of(events) == [
        (CLEAR, 0, None, 0, 0, 0),
        (LEVEL, BUY, 100.5, 5, 0, 0),
        (LEVEL, SELL, 101, 6, 0, 0),
        (LEVEL, SELL, 101, 7, 0, 0),
        (LEVEL, BUY, 100.5, 0, 0, 0),
        (TRADE, BUY, 101, 3, 0, fnv(b"a-b")),
    ]
    assert ((events.time_ns - NS) / 1e6).tolist() == [1, 1, 1, 1, 1, 4]


def test_a_level_of_bitmex_that_was_never_named_breaks_the_book():
    counts = Counter()
    unknown = BITMEX[2].replace(b'"id": 2', b'"id": 9')
    events = live([BITMEX[1], unknown], "bitmex_messages", counts=counts)
    assert events.kind[-1] == BREAK
    assert counts["unknown_levels"] == 1


def test_updates_of_bitmex_before_their_book_are_skipped_and_counted():
    counts = Counter()
    assert len(live([BITMEX[2]], "bitmex_messages", counts=counts).kind) == 0
    assert counts["before_partial"] == 1


def test_quotes_of_bitmex_are_books():
    row = {"symbol": "XBTUSD", "timestamp": "2024-08-08T23:54:15Z", "bidPrice": 100, "bidSize": 5}
    message = line({"table": "quote", "action": "insert", "data": [row]})
    np.testing.assert_array_equal(
        live([message], "bitmex_messages").books[0, 0], [100, 5, np.nan, 0]
    )


@pytest.mark.parametrize("clock", ["exchange", "local"])
@pytest.mark.parametrize("rows", [1, 2, 7, 1000])
@pytest.mark.parametrize("name", RECORDED)
def test_a_recording_gives_what_the_live_feed_gave(tmp_path, name, rows, clock):
    lines = RECORDED[name]
    fed, read = Counter(), Counter()
    lines = [*lines[:2], b"noise\n", *lines[2:]]
    expected = live(lines, name, clock, counts=fed)
    for content in (b"".join(lines), gzip.compress(b"".join(lines))):
        read.clear()
        equal(recorded(tmp_path, content, name, rows=rows, clock=clock, counts=read), expected)
        assert read == fed


NOW = b"1723161255000000000 "


@pytest.mark.parametrize(
    "noise",
    [
        b"noise",
        b"[1, 2",
        NOW,
        NOW + b"[1]",
        NOW + b'{"data":[]}',
        b"x {}",
        NOW + b'{"e":"depthUpdate","s":"BTCUSDT","E":1723161255000,"U":1,"u":2,"b":[["1"]],"a":[]}',
        NOW + b'{"e":"trade","s":"BTCUSDT","T":1723161255000,"t":1,"p":"x","q":"1","m":true}',
    ],
)
def test_a_broken_line_is_counted_and_breaks_the_book(noise):
    counts = Counter()
    events = live([BINANCE[0], noise + b"\n", BINANCE[2]], counts=counts)
    assert events.kind.tolist() == [LEVEL, BREAK, LEVEL, LEVEL]
    assert counts["bad_lines"] == 1


def test_what_is_whole_of_a_cut_recording_counts(tmp_path):
    whole, counts = b"".join(BINANCE), Counter()
    events = recorded(tmp_path, whole[:-8], counts=counts)
    assert events.kind.tolist() == [*live(BINANCE[:-1]).kind, BREAK]
    assert counts["cut_lines"] == 1


def test_a_recording_cut_anywhere_gives_what_came_before_and_a_break(tmp_path):
    content = b"".join(BINANCE)
    for end in range(1, len(content), 5):
        cut = content[:end]
        # A line is whole with its last brace.
        lines = BINANCE[: cut.count(b"\n") + (content[end : end + 1] == b"\n")]
        expected = [*live(lines).kind] if lines else []
        broken = not cut.endswith(b"\n") and content[end : end + 1] != b"\n" and lines
        found = list(recorded(tmp_path, cut).kind) if lines else expected
        assert found == expected + [BREAK] * bool(broken), cut[-40:]


@pytest.mark.parametrize(
    "pack", [gzip.compress, lambda data: pa.compress(data, "zstd", asbytes=True)]
)
def test_what_is_whole_of_a_cut_archive_counts(tmp_path, pack):
    rng = np.random.default_rng(0)
    lines = [
        depth(i, i, [[f"{p:.9f}", "1"]]) for i, p in enumerate(rng.uniform(90, 110, 20_000), 1)
    ]
    counts = Counter()
    packed = pack(b"".join(lines))
    events = recorded(tmp_path, packed[: len(packed) // 2], counts=counts)
    assert counts["cut_lines"] == 1
    assert events.kind[-1] == BREAK
    found = len(events.kind) - 1
    assert 4_000 < found < 16_000
    np.testing.assert_array_equal(events.last[:-1], np.arange(1, found + 1))


def test_the_last_line_may_lack_its_end(tmp_path):
    counts = Counter()
    equal(recorded(tmp_path, b"".join(BINANCE)[:-1], counts=counts), live(BINANCE))
    assert counts["cut_lines"] == 0


def test_messages_of_other_symbols_are_counted_or_refused():
    other = BINANCE[0].replace(b"BTCUSDT", b"ETHUSDT")
    counts = Counter()
    assert len(live([other, BINANCE[0]], symbol="BTCUSDT", counts=counts).kind) == 1
    assert counts["other_symbols"] == 1
    with pytest.raises(InputError, match="live: must hold one symbol.*BTCUSDT, ETHUSDT"):
        live([BINANCE[0], other])


@pytest.mark.parametrize(
    ("bad", "message"),
    [
        (depth(1, 2, [["-1", "2"]]), "prices must be positive and sizes 0 or more, found -1 and 2"),
        (depth(1, 2, [["1", "nan"]]), "found 1 and nan"),
        (spot("trade", T=17, t=1, p="1", q="1", m=True), "times must be of 2000 to 2100, found 17"),
        (depth(1, 2, [["1", "2"]], ms=-61_000), "times must not go back by more than 60 s"),
    ],
)
def test_what_a_message_cannot_hold_is_refused_with_its_line(tmp_path, bad, message):
    with pytest.raises(InputError) as refused:
        recorded(tmp_path, BINANCE[0] + bad)
    assert f"{tmp_path}/a: line 2: " in str(refused.value)
    assert message in str(refused.value)


def test_best_quotes_of_spot_have_no_time_of_the_exchange(tmp_path):
    quote = line(
        {"stream": "x", "data": {"s": "B", "u": 1, "b": "1", "B": "1", "a": "2", "A": "1"}}
    )
    assert recorded(tmp_path, quote, clock="local").kind.tolist() == [BOOK]
    with pytest.raises(InputError, match="must have times of the exchange, or ingest.clock be"):
        recorded(tmp_path, quote)


@pytest.mark.parametrize("name", RECORDED)
def test_a_recording_goes_on_in_its_next_file(tmp_path, name):
    lines = RECORDED[name]
    (tmp_path / "b").write_bytes(b"".join(lines[:2]))
    (tmp_path / "a").write_bytes(b"".join(lines[2:]))
    (tmp_path / "c").write_bytes(b"")
    section, counts = ingest(tmp_path, {"*": name}), Counter()
    equal(joined(list(open_streams(section.sources[0], section, counts)[0])), live(lines, name))
    assert counts["empty_files"] == 1


def test_an_archive_that_is_damaged_is_refused(tmp_path):
    data = bytearray(zipped(b"".join(BINANCE)))
    data[100:110] = bytes(10)
    with pytest.raises(InputError, match="a: cannot be read: "):
        recorded(tmp_path, bytes(data))


def test_a_file_that_is_no_recording_is_refused(tmp_path):
    with pytest.raises(InputError, match="a: must have lines of a local time in ns and JSON"):
        recorded(tmp_path, b"time,price\n1,2\n")


def test_blank_lines_are_passed_over():
    with_blanks = [part for one in BINANCE for part in (one, b"", b" \n")]
    counts = Counter()
    found = live(with_blanks, counts=counts)
    assert found.kind.tolist() == live(BINANCE).kind.tolist()
    assert not counts["bad_lines"]


def test_a_snapshot_without_a_symbol_is_of_none_where_there_are_several():
    """And one that counted before there were is refused then."""
    other = spot("trade", s="ETHUSDT", t=1, p="1", q="1", m=True)
    own = spot("trade", s="BTCUSDT", t=1, p="1", q="1", m=True)
    counts = Counter()
    found = live([own, other, SNAPSHOT], symbol="BTCUSDT", counts=counts)
    assert counts["without_symbol"] == 1
    assert found.kind.tolist() == [TRADE]
    with pytest.raises(InputError, match="line 3: must hold one symbol, as snapshots do not say"):
        live([own, SNAPSHOT, other], symbol="BTCUSDT")


def test_whoever_goes_on_after_a_price_that_cannot_be_has_no_book():
    recording = Recording("binance_messages", "exchange", Progress(Counter(), None))
    for one in BINANCE:
        recording.feed(one)
    with pytest.raises(InputError, match="prices must be positive"):
        recording.feed(depth(1, 2, [["-1", "2"]]))
    assert recording.take().kind.tolist() == [BREAK]


def test_lines_that_are_too_long_and_files_of_empty_ones_are_refused(tmp_path, monkeypatch):
    path = tmp_path / "a.txt"
    monkeypatch.setattr("alpha.ingest.rawfiles._EMPTY", 2)
    for content, found in ((b"x" * 9, "a longer one"), (b"x\n\n\r\n \ny", "2 empty lines")):
        path.write_bytes(content)
        with pytest.raises(InputError, match=f"lines of less than 9 bytes, found {found}"):
            list(read_lines(path, 9))
    path.write_bytes(b"x\n\n\nx")
    assert list(read_lines(path, 9)) == [b"x\n", b"\n", b"\n", b"x"]
