"""Tables of every format, written by hand, and what is wrong with them."""

import gzip
import io
import sys
import zipfile
from collections import Counter
from datetime import datetime
from decimal import Decimal
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import pyarrow as pa
import pyarrow.parquet
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from alpha.core.errors import InputError
from alpha.core.params import model, validate
from alpha.ingest.events import BOOK, BREAK, BUY, CLEAR, LEVEL, SELL, TRADE, Events
from alpha.ingest.formats import FORMATS
from alpha.ingest.params import Ingest
from alpha.ingest.progress import hash_ids
from alpha.ingest.sources import open_streams

NAN = float("nan")
L2 = "exchange,symbol,timestamp,local_timestamp,is_snapshot,side,price,amount\n"
L2_ROWS = (
    "bitmex,XBTUSD,1585699200000000,1585699200100000,true,bid,6420.5,10\n"
    "bitmex,XBTUSD,1585699200000000,1585699200100000,true,ask,6421,20\n"
    "bitmex,XBTUSD,1585699201000000,1585699201100000,false,ask,6421,0\n"
    "bitmex,XBTUSD,1585699201000000,1585699201100000,false,ask,6421.5,7\n"
    "bitmex,XBTUSD,1585699202000000,1585699202100000,false,bid,6420.5,11\n"
)
T0 = 1585699200 * 10**9
TRADES = {"format": "trades", "time": "t", "unit": "s", "price": "p", "size": "q"}


def ingest(folder, files, *, clock="exchange", symbol=None):
    content = {
        "sources": [{"dir": str(folder), "files": files}],
        "symbol": symbol, "clock": clock, "grid_seconds": 1, "levels": 5, "max_stale_seconds": 60,
    }  # fmt: skip
    sections = model({"ingest": Ingest})
    return validate({"ingest": content}, sections, ["ingest"], source="params.yaml").ingest


def read(folder, files, *, counts=None, rows=1 << 17, **params):
    """All events of a folder's only pattern, or of its first."""
    section = ingest(folder, files, **params)
    streams = open_streams(
        section.sources[0], section, Counter() if counts is None else counts, rows=rows
    )
    return joined(list(streams[0]))


def joined(batches):
    books = [batch.books for batch in batches if len(batch.books)]
    columns = [np.concatenate(column) for column in list(zip(*batches, strict=True))[:-1]]
    return Events(*columns, np.concatenate(books) if books else np.empty((0, 1, 4)))


def written(folder, name, content):
    data = content if isinstance(content, bytes) else content.encode()
    (folder / name).write_bytes(data)


def zipped(data):
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("a.csv", data)
    return file.getvalue()


def equal(one, other):
    for a, b in zip(one, other, strict=True):
        np.testing.assert_array_equal(a, b)
        assert a.dtype == b.dtype


def rows_of(events):
    """Kind, side, price, size, first and last of each event."""
    columns = (events.kind, events.side, events.price, events.size, events.first, events.last)
    rows = zip(*columns, strict=True)
    return [tuple(None if value != value else value for value in row) for row in rows]


def test_a_tardis_snapshot_clears_the_book_and_rows_that_came_at_once_are_one_message(tmp_path):
    written(tmp_path, "a.csv", L2 + L2_ROWS)
    events = read(tmp_path, {"a.csv": "tardis_incremental_book_L2"})
    assert rows_of(events) == [
        (CLEAR, 0, None, 0, 0, 0),
        (LEVEL, BUY, 6420.5, 10, 0, 0),
        (LEVEL, SELL, 6421, 20, 0, 0),
        (LEVEL, SELL, 6421, 0, 0, 0),
        (LEVEL, SELL, 6421.5, 7, 0, 0),
        (LEVEL, BUY, 6420.5, 11, 0, 0),
    ]
    assert events.message.tolist() == [1, 1, 1, 2, 2, 3]
    assert (events.time_ns - T0).tolist() == [0, 0, 0, 10**9, 10**9, 2 * 10**9]


def test_the_local_clock_is_the_recorders(tmp_path):
    written(tmp_path, "a.csv", L2 + L2_ROWS)
    events = read(tmp_path, {"a.csv": "tardis_incremental_book_L2"}, clock="local")
    assert events.time_ns[0] == T0 + 10**8


@pytest.mark.parametrize("levels", [5, 25])
def test_a_tardis_book_is_whole_in_each_row_and_lacks_levels_that_are_empty(tmp_path, levels):
    names, cells = [], []
    for level in range(levels):
        for side, price in (("asks", 101 + level), ("bids", 100 - level)):
            names += [f"{side}[{level}].price", f"{side}[{level}].amount"]
            there = level < 2
            cells += [f"{price}", f"{level + 1}"] if there else ["", ""]
    text = "exchange,symbol,timestamp,local_timestamp," + ",".join(names) + "\n"
    text += "x,A,1585699200000000,1585699200000001," + ",".join(cells) + "\n"
    written(tmp_path, "a.csv", text)
    events = read(tmp_path, {"a.csv": f"tardis_book_snapshot_{levels}"})
    assert rows_of(events) == [(BOOK, 0, None, 0, 0, 0)]
    assert events.books.shape == (1, levels, 4)
    np.testing.assert_array_equal(
        events.books[0, :3], [[100, 1, 101, 1], [99, 2, 102, 2], [NAN, 0, NAN, 0]]
    )


def fnv(text):
    hashed = 0xCBF29CE484222325
    for byte in text:
        hashed = (hashed ^ byte) * 0x100000001B3 % 2**64
    return hashed >> 1


# By format: a file, its events as rows_of has them, its books, and its times after the first.
SAMPLES = {
    "tardis_quotes": (
        "exchange,symbol,timestamp,local_timestamp,ask_amount,ask_price,bid_price,bid_amount\n"
        "x,A,1585699200000000,1585699200000010,3,101.5,100.5,2\n"
        "x,A,1585699200000007,1585699200000011,,,100.5,1\n",
        [(BOOK, 0, None, 0, 0, 0)] * 2,
        [[100.5, 2, 101.5, 3], [100.5, 1, NAN, 0]],
        [0, 7000],
    ),
    "tardis_book_ticker": (
        "exchange,symbol,timestamp,local_timestamp,ask_amount,ask_price,bid_price,bid_amount\n"
        "x,A,1585699200000000,1585699200000010,3,101.5,100.5,2\n",
        [(BOOK, 0, None, 0, 0, 0)],
        [[100.5, 2, 101.5, 3]],
        [0],
    ),
    "tardis_trades": (
        "exchange,symbol,timestamp,local_timestamp,id,side,price,amount\n"
        "x,A,1585699200000000,1585699200000010,17,buy,6425.5,12\n"
        "x,A,1585699200000001,1585699200000011,,unknown,6425,1\n",
        [(TRADE, BUY, 6425.5, 12, 0, 17), (TRADE, 0, 6425, 1, 0, 0)],
        [],
        [0, 1000],
    ),
    "bitmex_quote": (
        "timestamp,symbol,bidSize,bidPrice,askPrice,askSize\n"
        "2020-04-01D00:00:00.000000000,XBTUSD,159977,6424,6424.5,185957\n"
        "2020-04-01D00:00:05.759343001,XBTUSD,,,6424.5,1\n",
        [(BOOK, 0, None, 0, 0, 0)] * 2,
        [[6424, 159977, 6424.5, 185957], [NAN, 0, 6424.5, 1]],
        [0, 5759343001],
    ),
    "bitmex_trade": (
        "timestamp,symbol,side,size,price,tickDirection,trdMatchID,grossValue\n"
        "2020-04-01D00:00:00.000000000,XBTUSD,Buy,5,6424.5,PlusTick,a-b,1\n"
        "2020-04-01D00:00:00.500000000,XBTUSD,Sell,6,6424,MinusTick,,1\n",
        [(TRADE, BUY, 6424.5, 5, 0, fnv(b"a-b")), (TRADE, SELL, 6424, 6, 0, 0)],
        [],
        [0, 5 * 10**8],
    ),
    "binance_book_ticker": (
        "update_id,best_bid_price,best_bid_qty,best_ask_price,best_ask_qty,"
        "transaction_time,event_time\n"
        "7,100.0,5.0,100.5,3.0,1585699200000,1585699200001\n",
        [(BOOK, 0, None, 0, 7, 7)],
        [[100, 5, 100.5, 3]],
        [0],
    ),
    "binance_agg_trades": (
        "1,64.5,0.5,11,12,1585699200000,true,true\n2,64.6,0.25,13,13,1585699200003,False,True\n",
        [(TRADE, SELL, 64.5, 0.5, 0, 1), (TRADE, BUY, 64.6, 0.25, 0, 2)],
        [],
        [0, 3 * 10**6],
    ),
    "binance_trades": (
        "id,price,qty,quote_qty,time,is_buyer_maker\n9,64.5,2,129,1585699200000000,false\n",
        [(TRADE, BUY, 64.5, 2, 0, 9)],
        [],
        [0],
    ),
    "binance_depth": (
        "symbol,timestamp,first_update_id,last_update_id,side,update_type,price,qty,pu\n"
        "B,1585699200000,10,10,b,snap,100,1,-1\n"
        "B,1585699200000,10,10,a,snap,101,2,-1\n"
        "B,1585699200100,12,15,b,set,100,0,10\n",
        [
            (CLEAR, 0, None, 0, 0, 10),
            (LEVEL, BUY, 100, 1, 0, 0),
            (LEVEL, SELL, 101, 2, 0, 0),
            (LEVEL, BUY, 100, 0, 11, 15),
        ],
        [],
        [0, 0, 0, 10**8],
    ),
    "databento_mbp_1": (
        "ts_recv,ts_event,instrument_id,action,side,price,size,sequence,"
        "bid_px_00,ask_px_00,bid_sz_00,ask_sz_00\n"
        "1585699200000000009,1585699200000000000,5,A,A,3720500000000,1,1,"
        "3720250000000,3720500000000,24,11\n"
        "1585699200000000010,1585699200000000003,5,T,A,3720250000000,4,2,"
        "3720250000000,9223372036854775807,20,0\n"
        "1585699200000000010,1585699200000000003,5,F,B,3720250000000,4,2,"
        "3720250000000,3720500000000,20,11\n",
        [
            (BOOK, 0, None, 0, 0, 0),
            (TRADE, SELL, 3720.25, 4, 0, 0),
            (BOOK, 0, None, 0, 0, 0),
            (BOOK, 0, None, 0, 0, 0),
        ],
        [[3720.25, 24, 3720.5, 11], [3720.25, 20, NAN, 0], [3720.25, 20, 3720.5, 11]],
        [0, 3, 3, 3],
    ),
}


@pytest.mark.parametrize("name", SAMPLES)
def test_rows_of_a_format_become_what_they_mean(tmp_path, name):
    text, events, books, after = SAMPLES[name]
    written(tmp_path, "a.csv", text)
    found = read(tmp_path, {"a.csv": name})
    assert rows_of(found) == events
    np.testing.assert_array_equal(found.books[:, 0], np.reshape(books, (-1, 4)))
    assert (found.time_ns - T0).tolist() == after


def test_databento_prices_and_times_may_be_pretty(tmp_path):
    text = (
        "ts_recv,ts_event,action,side,price,size,sequence,bid_px_00,ask_px_00,bid_sz_00,ask_sz_00,"
        "symbol\n"
        "2020-04-01T00:00:00.000000009Z,2020-04-01T00:00:00.000000001Z,T,B,3720.500000000,2,1,"
        "3720.250000000,,24,,ESM0\n"
    )
    written(tmp_path, "a.csv", text)
    events = read(tmp_path, {"a.csv": "databento_mbp_1"}, clock="local")
    assert rows_of(events) == [(TRADE, BUY, 3720.5, 2, 0, 0), (BOOK, 0, None, 0, 0, 0)]
    np.testing.assert_array_equal(events.books[0], [[3720.25, 24, NAN, 0]])
    assert events.time_ns[0] == T0 + 9


def dbn(records, levels=1):
    """Records of market by price, by Databento's own encoder."""
    made = pytest.importorskip("databento_dbn")
    kind, schema = {
        1: (made.MBP1Msg, made.Schema.MBP_1),
        10: (made.MBP10Msg, made.Schema.MBP_10),
    }[levels]
    ids = made.SType.RAW_SYMBOL, made.SType.INSTRUMENT_ID
    content = made.Metadata("X", T0, *ids, schema, symbols=[], version=2).encode()
    pairs = [made.BidAskPair(bid_px=(99 - at) * 10**9, bid_sz=3) for at in range(levels)]
    for event, recv, price, size, action, side in records:
        content += bytes(
            kind(
                1, 5, event, price, size, made.Action.from_str(action), made.Side.from_str(side), 0,
                recv, levels=pairs[0] if levels == 1 else pairs,
            )
        )  # fmt: skip
    return content


@pytest.mark.parametrize("levels", [1, 10])
def test_dbn_is_read_as_the_csv_is(tmp_path, levels):
    records = [(T0, T0 + 5, 99 * 10**9, 4, "T", "A"), (T0 + 1, T0 + 6, 2**63 - 1, 0, "R", "N")]
    written(tmp_path, "a.dbn.zst", pa.compress(dbn(records, levels), "zstd", asbytes=True))
    events = read(tmp_path, {"a.dbn.zst": f"databento_mbp_{levels}"})
    assert rows_of(events) == [
        (TRADE, SELL, 99, 4, 0, 0),
        (BOOK, 0, None, 0, 0, 0),
        (BOOK, 0, None, 0, 0, 0),
    ]
    book = [[99 - at, 3, NAN, 0] for at in range(levels)]
    np.testing.assert_array_equal(events.books, [book, book])


def test_a_cut_dbn_file_is_refused(tmp_path):
    written(tmp_path, "a.dbn", dbn([(T0, T0, 1, 1, "A", "A")] * 2)[:-3])
    with pytest.raises(InputError, match="a.dbn: is cut short"):
        read(tmp_path, {"a.dbn": "databento_mbp_1"})


def test_what_is_no_dbn_inside_is_refused(tmp_path):
    pytest.importorskip("databento_dbn")
    written(tmp_path, "a.dbn", b"DBN\x02" + bytes(300))
    with pytest.raises(InputError, match="a.dbn: cannot be read: "):
        read(tmp_path, {"a.dbn": "databento_mbp_1"})


def test_dbn_without_its_library_says_what_to_install(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "databento_dbn", None)
    written(tmp_path, "a.dbn", b"DBN\x02" + bytes(300))
    with pytest.raises(InputError, match="a.dbn: is DBN, which needs: pip install databento-dbn"):
        read(tmp_path, {"a.dbn": "databento_mbp_1"})


MESSAGES = (
    "34200.017459617,5,0,1,2238200,-1\n"
    "34200.18960767,1,11885113,21,2238100,1\n"
    "34201,4,11885113,21,2238100,1\n"
    "34202,7,0,0,-1,-1\n"
    "34203,3,1,1,2238100,1\n"
)
ORDERBOOK = (
    "2239500,100,2231800,100,2239900,100,-9999999999,0\n"
    "2239500,100,2238100,21,9999999999,0,2231800,100\n"
    + "2239500,100,2231800,100,2239900,100,2230700,200\n"
    * 3
)


def lobster(folder, *, messages=MESSAGES, orderbook=ORDERBOOK):
    written(folder, "AMZN_2012-06-21_34200000_57600000_message_2.csv", messages)
    written(folder, "AMZN_2012-06-21_34200000_57600000_orderbook_2.csv", orderbook)
    return {"AMZN*": "lobster"}


def test_lobster_pairs_messages_with_books_and_halts_break_the_book(tmp_path):
    events = read(tmp_path, lobster(tmp_path))
    book = (BOOK, 0, None, 0, 0, 0)
    assert rows_of(events) == [
        # Who rested sold, so the taker bought.
        (TRADE, BUY, 223.82, 1, 0, 0), book,
        book,
        (TRADE, SELL, 223.81, 21, 0, 0), book,
        (BREAK, 0, None, 0, 0, 0),
        book,
    ]  # fmt: skip
    assert events.message.tolist() == [1, 1, 2, 3, 3, 4, 5]
    # 9:30 in New York is 13:30 UTC in June.
    start = 1340285400 * 10**9
    assert (events.time_ns[:3] - start).tolist() == [17459617, 17459617, 189607670]
    np.testing.assert_array_equal(
        events.books[:2],
        [
            [[223.18, 100, 223.95, 100], [NAN, 0, 223.99, 100]],
            [[223.81, 21, 223.95, 100], [223.18, 100, NAN, 0]],
        ],
    )


@pytest.mark.parametrize("change", [{"time_zone": "Mars/Base"}, {"time_zone": "../x"}])
def test_a_time_zone_that_does_not_exist_is_refused(tmp_path, change):
    lobster(tmp_path)
    with pytest.raises(InputError, match="message_2.csv: .* be a time zone"):
        read(tmp_path, {"AMZN*": {"format": "lobster", **change}})


def test_lobster_files_of_different_length_are_refused(tmp_path):
    files = lobster(tmp_path, orderbook=ORDERBOOK + ORDERBOOK)
    with pytest.raises(InputError, match="orderbook_2.csv: must have as many rows as .*message_2"):
        read(tmp_path, files)


def test_a_mapping_joins_and_splits_columns_and_scales_them(tmp_path):
    text = "time;bid;ask\n1585699200;99.5_2;\n1585699201.25;99_3;100_4\n"
    written(tmp_path, "a.csv", text)
    mapping = {
        "format": "snapshots", "time": "time", "unit": "s", "delimiter": ";", "separator": "_",
        "bid_price": "bid", "ask_price": "ask", "price_multiplier": 0.01, "size_multiplier": 10.0,
    }  # fmt: skip
    events = read(tmp_path, {"a.csv": mapping})
    np.testing.assert_array_equal(events.books[:, 0], [[0.995, 20, NAN, 0], [0.99, 30, 1, 40]])
    assert (events.time_ns - T0).tolist() == [0, 1250 * 10**6]


def test_a_mapping_names_sides_flags_and_numbers_of_updates_without_a_header(tmp_path):
    text = (
        "1585699200000,bids,10,1,1,5,5\n"
        "1585699200000,asks,11,2,1,5,5\n"
        "1585699200001,asks,11,0,0,6,8\n"
    )
    written(tmp_path, "a.csv", text)
    mapping = {
        "format": "updates", "columns": ["t", "s", "p", "q", "full", "u0", "u1"], "time": "t",
        "unit": "ms", "side": "s", "sides": {"buy": ["bids"], "sell": ["asks"]}, "price": "p",
        "size": "q", "snapshot": "full", "first": "u0", "last": "u1", "message": "u1",
    }  # fmt: skip
    events = read(tmp_path, {"a.csv": mapping})
    assert rows_of(events) == [
        (CLEAR, 0, None, 0, 0, 5),
        (LEVEL, BUY, 10, 1, 0, 0),
        (LEVEL, SELL, 11, 2, 0, 0),
        (LEVEL, SELL, 11, 0, 6, 8),
    ]
    assert events.message.tolist() == [1, 1, 1, 2]


row = st.tuples(
    st.integers(0, 3), st.booleans(), st.booleans(), st.integers(1, 9), st.integers(0, 9)
)


@settings(max_examples=40)
@given(st.lists(row, min_size=1, max_size=30), st.integers(1, 8))
def test_updates_are_those_of_a_slow_reading_row_by_row(rows, size):
    text, expected, us, message, before = L2, [], T0 // 1000, 0, None
    in_snapshot = False
    for step, snapshot, buys, price, amount in rows:
        us += step
        side = "bid" if buys else "ask"
        text += f"x,A,{us},{us},{str(snapshot).lower()},{side},{price}.5,{amount}\n"
        # All rows of a snapshot are one message.
        message += not in_snapshot if snapshot else in_snapshot or before != us
        before = us
        if snapshot and not in_snapshot:
            expected.append((us * 1000, message, CLEAR, 0, None, 0))
        in_snapshot = snapshot
        side = BUY if buys else SELL
        expected.append((us * 1000, message, LEVEL, side, price + 0.5, amount))
    with TemporaryDirectory() as folder:
        written(Path(folder), "a.csv", text)
        events = read(folder, {"a.csv": "tardis_incremental_book_L2"}, rows=size)
    found = zip(events.time_ns, events.message, rows_of(events), strict=True)
    assert [(time, number, *of[:4]) for time, number, of in found] == expected


def test_parquet_is_read_as_csv_is(tmp_path):
    text = "t,p,q,maker,id\n1585699200,1.5,2,true,7\n1585699201,1.25,3,false,8\n"
    mapping = {**TRADES, "is_buyer_maker": "maker", "id": "id"}
    written(tmp_path, "a.csv", text)
    when = pa.array([T0, T0 + 10**9], pa.timestamp("ns", "UTC"))
    columns = {"t": when, "p": [1.5, 1.25], "q": [2, 3], "maker": [True, False], "id": [7, 8]}
    pa.parquet.write_table(pa.table(columns), tmp_path / "a.parquet")
    equal(read(tmp_path, {"a.csv": mapping}), read(tmp_path, {"a.parquet": mapping}))


@pytest.mark.parametrize(
    ("column", "values", "message"),
    [
        ("p", [[1.0], [2.0]], r"p must be a number, found \[1.0\]"),
        ("p", ["1", "x"], "line 2: p must be a number, found x"),
        ("t", [None, 1585699200], "line 1: t must be a time of 2000 to 2100 in s, found nothing"),
        ("t", [float("inf"), 1.0], "line 1: t must be a time .* found inf"),
        ("t", [2**63 - 1, 1], "line 1: t must be a time .* found 9223372036854775807"),
        ("t", [b"a", b"b"], "line 1: t must be a whole number, found b'a'"),
        ("t", [{"s": 1}, {"s": 2}], "line 1: t must be a whole number, found {'s': 1}"),
    ],
)
def test_columns_of_parquet_that_are_something_else_are_refused(tmp_path, column, values, message):
    columns = {"t": [1585699200] * 2, "p": [1.0, 2.0], "q": [1.0, 1.0], column: values}
    pa.parquet.write_table(pa.table(columns), tmp_path / "a")
    with pytest.raises(InputError, match=message):
        read(tmp_path, {"a": TRADES})


@pytest.mark.parametrize(
    "times",
    [
        [T0 // 10**9 + 0.25],
        [Decimal("1585699200.25")],
        [datetime(2020, 4, 1, 0, 0, 0, 250_000)],
        ["2020-04-01T00:00:00.25"],
        ["2020-04-01T02:00:00.250+02:00"],
    ],
    ids=["float", "decimal", "timestamp", "text", "text with a zone"],
)
def test_times_of_parquet_are_of_any_type(tmp_path, times):
    pa.parquet.write_table(pa.table({"t": times, "p": [1.0], "q": [1.0]}), tmp_path / "a")
    assert read(tmp_path, {"a": TRADES}).time_ns.tolist() == [T0 + 250 * 10**6]


@pytest.mark.parametrize("rows", [1, 2, 7])
@pytest.mark.parametrize("name", [*SAMPLES, "tardis_incremental_book_L2", "lobster"])
def test_events_do_not_depend_on_how_rows_are_cut(tmp_path, name, rows):
    if name == "lobster":
        files = lobster(tmp_path)
    else:
        text = SAMPLES[name][0] if name in SAMPLES else L2 + L2_ROWS
        written(tmp_path, "a.csv", text)
        files = {"a.csv": name}
    whole, parts = Counter(), Counter()
    equal(read(tmp_path, files, counts=whole), read(tmp_path, files, counts=parts, rows=rows))
    assert whole == parts


@pytest.mark.parametrize(
    "packed",
    [gzip.compress, lambda data: pa.compress(data, "zstd", asbytes=True),
     lambda data: gzip.compress(data[:200]) + gzip.compress(data[200:]), zipped],
    ids=["gzip", "zstd", "two members", "zip"],
)  # fmt: skip
def test_compression_is_told_by_content(tmp_path, packed):
    written(tmp_path, "plain", L2 + L2_ROWS)
    written(tmp_path, "packed", packed((L2 + L2_ROWS).encode()))
    name = "tardis_incremental_book_L2"
    equal(read(tmp_path, {"plain": name}), read(tmp_path, {"packed": name}))


def test_files_are_read_in_order_of_their_first_times_and_messages_go_on_counting(tmp_path):
    first, second = L2_ROWS.splitlines(keepends=True)[:2], L2_ROWS.splitlines(keepends=True)[2:]
    written(tmp_path, "z.csv", L2 + "".join(first))
    written(tmp_path, "a.csv", L2 + "".join(second))
    written(tmp_path, "whole.csv", L2 + L2_ROWS)
    written(tmp_path, "empty.csv", L2)
    name, counts = "tardis_incremental_book_L2", Counter()
    equal(read(tmp_path, {"[aez]*.csv": name}, counts=counts), read(tmp_path, {"whole.csv": name}))
    assert counts["empty_files"] == 1


def test_a_late_row_counts_from_the_newest_time_before_it(tmp_path):
    written(tmp_path, "a.csv", "t,p,q\n1585699210,1,1\n1585699205,1,1\n1585699211,1,1\n")
    counts = Counter()
    events = read(tmp_path, {"a.csv": TRADES}, counts=counts)
    assert (events.time_ns - T0).tolist() == [10 * 10**9, 10 * 10**9, 11 * 10**9]
    assert counts["out_of_order"] == 1


def test_integer_times_are_taken_for_what_their_size_says(tmp_path):
    mapping = {key: value for key, value in TRADES.items() if key != "unit"}
    for digits in (0, 3, 6, 9):
        written(tmp_path, "a.csv", f"t,p,q\n{1585699200 * 10**digits},1,1\n")
        assert read(tmp_path, {"a.csv": mapping}).time_ns[0] == T0


def test_one_symbol_of_several_is_chosen_and_rows_of_others_are_counted(tmp_path):
    other = L2_ROWS.replace("XBTUSD", "ETHUSD")
    pairs = zip(L2_ROWS.splitlines(), other.splitlines(), strict=True)
    mixed = "".join(f"{line}\n" for pair in pairs for line in pair)
    written(tmp_path, "mixed.csv", L2 + mixed)
    written(tmp_path, "one.csv", L2 + L2_ROWS)
    name, counts = "tardis_incremental_book_L2", Counter()
    equal(
        read(tmp_path, {"mixed.csv": name}, symbol="XBTUSD", counts=counts),
        read(tmp_path, {"one.csv": name}),
    )
    assert counts["other_symbols"] == 5
    with pytest.raises(InputError, match="mixed.csv: must hold one symbol.* ETHUSD, XBTUSD"):
        read(tmp_path, {"mixed.csv": name})
    with pytest.raises(InputError, match="must hold messages of LTC.*found ETHUSD, XBTUSD"):
        read(tmp_path, {"mixed.csv": name}, symbol="LTC")


def test_ids_are_numbers_or_63_bits_of_fnv_1a():
    text = [b"123456789012345678", b"1234567890123456789", b"", b"ab"]
    ends = np.cumsum([0, *map(len, text)])
    found = hash_ids(np.frombuffer(b"".join(text), np.uint8), ends)
    assert found.tolist() == [123456789012345678, fnv(text[1]), 0, fnv(text[3])]


BAD_ROWS = [
    ("1585699200,x,1", "a.csv: line 3: p must be a number, found x"),
    ("1585699200,-1,1", "a.csv: line 3: p must be positive, found -1"),
    ("1585699200,1,-2", "a.csv: line 3: q must be 0 or more, found -2"),
    ("1585699200,,2", "a.csv: line 3: p must be positive, found nothing"),
    ("1585699200,nan,2", "a.csv: line 3: p must be positive, found nothing"),
    ("1585699200,inf,2", "a.csv: line 3: p must be positive, found inf"),
    ("soon,1,2", "a.csv: line 3: t must be a number, found soon"),
    ("1585699200000,1,2", "a.csv: line 3: t must be a time of 2000 to 2100 in s, found 15856992"),
    (",1,2", "a.csv: line 3: t must be a time of 2000 to 2100 in s, found nothing"),
    ("1585699000,1,2", "a.csv: line 3: times must not go back by more than 60 s, found 2020-03-31"),
    ("1585699200,1", "a.csv: line 3: must have 3 columns, found 2"),
]


@pytest.mark.parametrize(("row", "message"), BAD_ROWS)
@pytest.mark.parametrize("rows", [1, 100])
def test_a_bad_row_is_named(tmp_path, row, message, rows):
    written(tmp_path, "a.csv", f"t,p,q\n1585699200,1,1\n{row}\n1585699200,1,1\n")
    with pytest.raises(InputError) as refused:
        read(tmp_path, {"a.csv": TRADES}, rows=rows)
    assert message in str(refused.value)
    assert "\n" not in str(refused.value)


@pytest.mark.parametrize("row", ["1585699200,x,1", "1585699200,-1,1", "1585699200,1"])
def test_lines_are_counted_with_those_that_are_blank(tmp_path, row):
    written(tmp_path, "a.csv", f"t,p,q\n\n1585699200,1,1\n\n\n{row}\n")
    with pytest.raises(InputError, match="a.csv: line 6: "):
        read(tmp_path, {"a.csv": TRADES})


@pytest.mark.parametrize(
    ("name", "old", "new", "message"),
    [
        ("tardis_incremental_book_L2", ",bid,", ",middle,", "line 2: side must be one of"),
        ("tardis_incremental_book_L2", ",true,", ",perhaps,", "line 2: is_snapshot must be one of"),
        ("tardis_incremental_book_L2", "price", "prize", "must have columns price, found exchange"),
        ("bitmex_quote", "6424.5,1\n", "-1,1\n", "line 3: askPrice must"),
        (
            "bitmex_quote",
            "6424.5,1\n",
            "6424.5,\n",
            "line 3: askSize must be 0 or more, found nothing",
        ),
        ("bitmex_quote", "2020-04-01D00:00:05", "yesterday", "line 3: timestamp must be an ISO"),
        ("tardis_trades", "1585699200000001", "1e3", "line 3: timestamp must be a whole number"),
        ("binance_agg_trades", "true,true", "true,true,1", "must have at most 8 columns, found 9"),
    ],
)
def test_what_a_format_cannot_hold_is_refused(tmp_path, name, old, new, message):
    text = SAMPLES[name][0] if name in SAMPLES else L2 + L2_ROWS
    assert old in text
    written(
        tmp_path, "a.csv", text.replace(old, new, 1 if name == "tardis_incremental_book_L2" else -1)
    )
    with pytest.raises(InputError, match=message):
        read(tmp_path, {"a.csv": name})


def _parquet(folder):
    pa.parquet.write_table(pa.table({"t": [1585699200] * 100}), folder / "x")
    return (folder / "x").read_bytes()


@pytest.mark.parametrize(
    "cut",
    [
        lambda data, folder: gzip.compress(data)[:-20],
        lambda data, folder: pa.compress(data, "zstd", asbytes=True)[:-10],
        lambda data, folder: data[:-9],
        lambda data, folder: _parquet(folder)[:-20],
    ],
    ids=["gzip", "zstd", "csv", "parquet"],
)
def test_a_file_that_is_cut_is_refused(tmp_path, cut):
    written(tmp_path, "a", cut((L2 + L2_ROWS).encode(), tmp_path))
    with pytest.raises(InputError, match="a: .*is cut short"):
        read(tmp_path, {"a": "tardis_incremental_book_L2"})


def test_a_line_without_an_end_is_refused_and_does_not_fill_memory(tmp_path):
    written(tmp_path, "a.csv", b"t,p,q\n1585699200,1," + b"1" * (1 << 22))
    with pytest.raises(InputError, match="a.csv: cannot be read: "):
        read(tmp_path, {"a.csv": TRADES})


def test_names_of_columns_that_are_no_text_are_refused(tmp_path):
    written(tmp_path, "a.csv", b"t,p\xff,q\n1585699200,1,1\n")
    with pytest.raises(InputError, match="a.csv: must have columns p, found t, p"):
        read(tmp_path, {"a.csv": TRADES})


def test_a_header_alone_is_an_empty_file(tmp_path):
    written(tmp_path, "a.csv", "t,p,q\n")
    section, counts = ingest(tmp_path, {"*": TRADES}), Counter()
    assert list(open_streams(section.sources[0], section, counts)[0]) == []
    assert counts["empty_files"] == 1


def test_files_that_overlap_are_refused(tmp_path):
    for symbol in ("A", "B"):
        rows = "".join(f"{1585699200 + 100 * i},1,1\n" for i in range(3))
        written(tmp_path, f"{symbol}.csv", "t,p,q\n" + rows)
    with pytest.raises(InputError, match="B.csv: must start where .*A.csv ends.*several symbols?"):
        read(tmp_path, {"*.csv": TRADES})


@pytest.mark.parametrize(("price", "size", "what"), [(100, 1, "prices"), (1, 2000, "sizes")])
def test_another_unit_in_the_next_file_is_refused(tmp_path, price, size, what):
    written(tmp_path, "a.csv", "t,p,q\n1585699200,1,1\n")
    written(tmp_path, "b.csv", f"t,p,q\n1585699201,{price},{size}\n")
    with pytest.raises(InputError, match=f"b.csv: {what} must .*a.csv; units changed?"):
        read(tmp_path, {"*.csv": TRADES})


def test_a_clock_that_a_format_lacks_is_refused(tmp_path):
    written(tmp_path, "a.csv", SAMPLES["bitmex_quote"][0])
    with pytest.raises(InputError, match="bitmex_quote has no local time; .* must be exchange"):
        read(tmp_path, {"a.csv": "bitmex_quote"}, clock="local")


def test_a_pattern_without_a_file_is_refused(tmp_path):
    with pytest.raises(InputError, match="holds no file that matches"):
        read(tmp_path, {"*.csv": TRADES})


@pytest.mark.parametrize(
    ("files", "message"),
    [
        (
            {"format": "tardis_quote"},
            "no such format as 'tardis_quote'; did you mean tardis_quotes?",
        ),
        ({"format": "trades", "time": "t"}, "trades needs price, size: names of columns"),
        ({"format": "updates", "price": "p", "size": "q"}, "updates needs time, side"),
        ({**TRADES, "unit": "minutes"}, "unit: must be 's', 'ms', 'us', 'ns' or 'iso'"),
        ({**TRADES, "colour": "red"}, "colour: no such key"),
    ],
)
def test_a_mapping_that_lacks_something_is_refused(tmp_path, files, message):
    with pytest.raises(InputError) as refused:
        ingest(tmp_path, {"a.csv": files})
    assert message in str(refused.value)


def test_every_mapping_is_valid_params(tmp_path):
    generic = {"updates", "trades", "snapshots"}
    assert ingest(tmp_path, {name: name for name in set(FORMATS) - generic})


DEPTH = "symbol,timestamp,first_update_id,last_update_id,side,update_type,price,qty,pu\n"


def test_snapshots_that_follow_each_other_are_each_a_new_book(tmp_path):
    """Of one file of Binance's snapshots, by their numbers."""
    text = DEPTH
    for number, bid in ((7, 100), (9, 98)):
        for side, price in (("b", bid), ("a", bid + 1)):
            text += f"A,{T0 // 10**6 + number},{number},{number},{side},snap,{price},1,-1\n"
    written(tmp_path, "a.csv", text)
    events = read(tmp_path, {"a.csv": "binance_depth"})
    assert events.kind.tolist() == [CLEAR, LEVEL, LEVEL] * 2
    assert events.last[events.kind == CLEAR].tolist() == [7, 9]
    assert np.diff(events.message).tolist() == [0, 0, 1, 0, 0]


def test_a_snapshot_with_the_number_of_the_update_before_it_is_a_message_of_its_own(tmp_path):
    update, snapshot = "A,{0},7,7,b,set,100,1,6\n", "A,{0},7,7,b,snap,101,1,-1\n"
    written(tmp_path, "a.csv", DEPTH + (update + snapshot).format(T0 // 10**6))
    events = read(tmp_path, {"a.csv": "binance_depth"})
    assert events.kind.tolist() == [LEVEL, CLEAR, LEVEL]
    assert np.diff(events.message).tolist() == [1, 0]


@pytest.mark.parametrize("message", [{}, {"message": "n"}])
def test_snapshots_of_an_own_table_are_told_apart_by_time_or_message(tmp_path, message):
    text = "t,n,snap,side,p,q\n"
    for second in range(3):
        text += "".join(
            f"{T0 // 10**9 + second},{second},1,{side},{p},1\n" for side, p in ("b1", "a2")
        )
    mapping = {
        "format": "updates", "time": "t", "unit": "s", "snapshot": "snap", "side": "side",
        "price": "p", "size": "q", **message,
    }  # fmt: skip
    written(tmp_path, "a.csv", text)
    events = read(tmp_path, {"a.csv": mapping}, rows=2)
    assert events.kind.tolist() == [CLEAR, LEVEL, LEVEL] * 3
    assert np.diff(events.message).tolist() == [0, 0, 1, 0, 0, 1, 0, 0]


def test_a_file_of_two_patterns_is_refused(tmp_path):
    written(tmp_path, "t.csv", "t,p,q\n1585699200,1,1\n")
    with pytest.raises(InputError, match=r"t.csv: must match one pattern, not t\* and \*.csv"):
        read(tmp_path, {"t*": TRADES, "*.csv": TRADES})


@pytest.mark.parametrize("pattern", ["/etc/pass*", "a**b"])
def test_a_pattern_that_leads_out_or_is_none_is_refused(tmp_path, pattern):
    with pytest.raises(InputError, match="must be a pattern inside it"):
        read(tmp_path, {pattern: TRADES})


def test_a_link_that_leads_nowhere_is_refused(tmp_path):
    written(tmp_path, "a.csv", "t,p,q\n1585699200,1,1\n")
    (tmp_path / "b.csv").symlink_to(tmp_path / "gone.csv")
    with pytest.raises(InputError, match=r"b.csv: must be a file, found a broken link"):
        read(tmp_path, {"*.csv": TRADES})


def test_a_file_of_no_bytes_is_empty(tmp_path):
    written(tmp_path, "a.csv", "t,p,q\n1585699200,1,1\n")
    written(tmp_path, "b.csv", "")
    counts = Counter()
    assert len(read(tmp_path, {"*.csv": TRADES}, counts=counts).time_ns) == 1
    assert counts["empty_files"] == 1


@pytest.mark.parametrize(
    ("row", "column"), [("100,1,100,1,101,1,102,1", "b1"), ("100,1,99,1,102,1,101,1", "a1")]
)
def test_a_book_that_is_not_best_first_is_refused(tmp_path, row, column):
    mapping = {"format": "snapshots", "time": "t", "unit": "s"}
    mapping |= {"bid_price": "b{level}", "bid_size": "c{level}"}
    mapping |= {"ask_price": "a{level}", "ask_size": "d{level}"}
    written(tmp_path, "a.csv", f"t,b0,c0,b1,c1,a0,d0,a1,d1\n{T0 // 10**9},{row}\n")
    with pytest.raises(InputError, match=f"line 2: {column} must be a worse price than the level"):
        read(tmp_path, {"a.csv": mapping})
