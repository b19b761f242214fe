"""What files of raw messages look like: each format is a mapping of columns and units, and the
words that columns use. docs/reference/formats.md has them in sentences, with sources.
"""

from typing import Any

_BUY, _SELL = 1, -1  # as in events, which params need not load numpy for

# What is read besides a kind's prices: the generic formats are these, without a mapping.
UPDATES, TRADES, SNAPSHOTS, MESSAGES = "updates", "trades", "snapshots", "messages"
GENERIC = (UPDATES, TRADES, SNAPSHOTS)
# By kind, the params of a mapping that it cannot do without.
NEEDED = {
    UPDATES: ("price", "size", "side"),
    TRADES: ("price", "size"),
    SNAPSHOTS: ("bid_price", "ask_price"),
    MESSAGES: (),
}
LEVEL = ("ask_price", "ask_size", "bid_price", "bid_size")
MOST_LEVELS = 1000
# Columns that a vendor's older files, or a user's own extracts, may lack, and what stands for them.
OPTIONAL = {"symbol": "instrument_id", "previous": None, "id": None, "message": None}
# Which rows of a snapshot are trades too, as Databento and LOBSTER have them, or halts.
IS_TRADE, IS_HALT = 1, 2
ACTIONS = {"t": IS_TRADE, "4": IS_TRADE, "5": IS_TRADE, "7": IS_HALT}

# Words, whatever their capitals.
SIDES = {
    **dict.fromkeys(("buy", "bid", "b"), _BUY), **dict.fromkeys(("sell", "ask", "a", "s"), _SELL),
    **dict.fromkeys(("", "unknown", "none", "n"), 0),
}  # fmt: skip
# Of is_buyer_maker: where the buyer's order rested, the seller took.
MAKERS = {"false": _BUY, "0": _BUY, "true": _SELL, "1": _SELL}
FLAGS = {
    **dict.fromkeys(("true", "1", "snap", "snapshot"), 1),
    **dict.fromkeys(("false", "0", "", "set", "update", "delta"), 0),
}


def _book(*columns: str) -> dict[str, Any]:
    """A level's price and size of a bid, and of an ask."""
    return dict(zip(("bid_price", "bid_size", "ask_price", "ask_size"), columns, strict=True))


_TARDIS = {"symbol": "symbol", "time": "timestamp", "local_time": "local_timestamp", "unit": "us"}
_TARDIS_BOOK = _TARDIS | _book(
    "bids[{level}].price", "bids[{level}].amount", "asks[{level}].price", "asks[{level}].amount"
)
_TARDIS_QUOTES = _TARDIS | _book("bid_price", "bid_amount", "ask_price", "ask_amount")
_BITMEX = {"symbol": "symbol", "time": "timestamp", "unit": "iso"}
_DATABENTO = {
    "symbol": "symbol", "time": "ts_event", "local_time": "ts_recv", "message": "sequence",
    "action": "action", "price": "price", "size": "size", "side": "side",
    **_book("bid_px_{level:02}", "bid_sz_{level:02}", "ask_px_{level:02}", "ask_sz_{level:02}"),
    "no_level": (float(2**63 - 1),), "integer_price": 1e-9,
}  # fmt: skip

# The kind of each format, and its mapping. Binance's older files have no header, spot's never.
FORMATS: dict[str, tuple[str, dict[str, Any]]] = {
    **{kind: (kind, {}) for kind in GENERIC},
    "tardis_incremental_book_L2": (UPDATES, {
        **_TARDIS, "message": "local_timestamp", "snapshot": "is_snapshot", "side": "side",
        "price": "price", "size": "amount",
    }),
    **dict.fromkeys(
        ("tardis_book_snapshot_5", "tardis_book_snapshot_25"), (SNAPSHOTS, _TARDIS_BOOK)
    ),
    **dict.fromkeys(("tardis_quotes", "tardis_book_ticker"), (SNAPSHOTS, _TARDIS_QUOTES)),
    "tardis_trades": (TRADES, {
        **_TARDIS, "id": "id", "side": "side", "price": "price", "size": "amount",
    }),
    "bitmex_quote": (SNAPSHOTS, {
        **_BITMEX, **_book("bidPrice", "bidSize", "askPrice", "askSize"),
    }),
    "bitmex_trade": (TRADES, {
        **_BITMEX, "id": "trdMatchID", "side": "side", "price": "price", "size": "size",
    }),
    "binance_book_ticker": (SNAPSHOTS, {
        "columns": ("update_id", "best_bid_price", "best_bid_qty", "best_ask_price",
                    "best_ask_qty", "transaction_time", "event_time"),
        "time": "transaction_time", "last": "update_id",
        **_book("best_bid_price", "best_bid_qty", "best_ask_price", "best_ask_qty"),
    }),
    "binance_agg_trades": (TRADES, {
        "columns": ("agg_trade_id", "price", "quantity", "first_trade_id", "last_trade_id",
                    "transact_time", "is_buyer_maker", "is_best_match"),
        "time": "transact_time", "id": "agg_trade_id", "price": "price", "size": "quantity",
        "is_buyer_maker": "is_buyer_maker",
    }),
    "binance_trades": (TRADES, {
        "columns": ("id", "price", "qty", "quote_qty", "time", "is_buyer_maker", "is_best_match"),
        "time": "time", "id": "id", "price": "price", "size": "qty",
        "is_buyer_maker": "is_buyer_maker",
    }),
    "binance_depth": (UPDATES, {
        "symbol": "symbol", "time": "timestamp", "message": "last_update_id",
        "snapshot": "update_type", "first": "first_update_id", "last": "last_update_id",
        "previous": "pu", "side": "side", "price": "price", "size": "qty",
    }),
    "lobster": (SNAPSHOTS, {
        # Those of the messages, then those of the file of books beside it.
        "columns": ("time", "type", "order_id", "size", "price", "direction",
                    *(f"{part}_{level}" for level in range(MOST_LEVELS) for part in LEVEL)),
        "time": "time", "unit": "s", "time_zone": "America/New_York",
        "action": "type", "price": "price", "size": "size", "price_multiplier": 1e-4,
        # The direction is that of the order that rested.
        "side": "direction", "sides": {"buy": ("-1",), "sell": ("1",)},
        **_book("bid_price_{level}", "bid_size_{level}", "ask_price_{level}", "ask_size_{level}"),
        "no_level": (9999999999.0, -9999999999.0),
    }),
    "databento_mbp_1": (SNAPSHOTS, _DATABENTO),
    "databento_mbp_10": (SNAPSHOTS, _DATABENTO),
    "binance_messages": (MESSAGES, {}),
    "bitmex_messages": (MESSAGES, {}),
}  # fmt: skip
