"""Raw market data to features, as one would write it with pandas and plain Python.

python -m benchmarks.peers.ingest BOOK.csv TRADES.csv OUT.h5    # a day of Tardis's files
python -m benchmarks.peers.ingest parse BOOK.csv TRADES.csv     # by polars, building nothing
PYTHON -m benchmarks.peers.ingest convert BOOK.csv TRADES.csv   # by hftbacktest, where it is
"""

import sys
import time
from pathlib import Path

import numpy as np
import pandas as pd

WINDOWS = (10, 30, 60, 300)
LEVELS = 10
FLOWS = (
    *("buy_count", "sell_count", "buy_volume", "sell_volume"),
    *("bid_added_liquidity", "ask_added_liquidity"),
    *("bid_removed_liquidity", "ask_removed_liquidity", "order_flow_imbalance"),
)


def parse(*paths: str) -> None:
    import polars as pl

    for path in paths:
        assert pl.read_csv(path).height


def convert(book: str, trades: str) -> None:
    """Prints the seconds that it took, once compiled."""
    from hftbacktest.data.utils import tardis

    for _ in range(2):
        start = time.perf_counter()
        tardis.convert([trades, book], buffer_size=20_000_000)
    print(time.perf_counter() - start)


def build(book: str, trades: str, out: str) -> None:
    updates, traded = pd.read_csv(book), pd.read_csv(trades)
    updates["is_trade"], traded["is_trade"] = False, True
    events = pd.concat([updates, traded]).sort_values("timestamp", kind="stable")
    books: dict[str, dict[float, float]] = {"bid": {}, "ask": {}}
    flow = dict.fromkeys(FLOWS, 0.0)
    rows, times, second, touch = [], [], None, None
    names = ("timestamp", "is_trade", "is_snapshot", "side", "price", "amount")
    for stamp, is_trade, is_snapshot, side, price, amount in zip(
        *(events[name].tolist() for name in names), strict=True
    ):
        while second is not None and stamp > second * 1_000_000:
            row: list[float] = []
            for of, best_first in (("bid", True), ("ask", False)):
                shown = sorted(books[of].items(), reverse=best_first)[:LEVELS]
                row += [number for level in shown for number in level]
                row += [np.nan] * 2 * (LEVELS - len(shown))
            rows.append([*row, *flow.values()])
            times.append(second)
            flow = dict.fromkeys(FLOWS, 0.0)
            second += 1
        second = second or -(-stamp // 1_000_000)
        if is_trade:
            flow[f"{side}_volume"] += amount
            flow[f"{side}_count"] += 1
            continue
        own = books[side]
        before = own.pop(price, 0.0)
        if amount:
            own[price] = amount
        if is_snapshot in ("true", True):
            continue
        if sum(other > price if side == "bid" else other < price for other in own) < LEVELS:
            way = "added" if amount > before else "removed"
            flow[f"{side}_{way}_liquidity"] += abs(amount - before)
        bid, ask = max(books["bid"]), min(books["ask"])
        now = bid, books["bid"][bid], ask, books["ask"][ask]
        if touch:
            demand = now[1] * (bid >= touch[0]) - touch[1] * (bid <= touch[0])
            supply = now[3] * (ask <= touch[2]) - touch[3] * (ask >= touch[2])
            flow["order_flow_imbalance"] += demand - supply
        touch = now
    names = [
        f"{s}_{p}_{k}" for s in ("bid", "ask") for k in range(LEVELS) for p in ("price", "size")
    ]
    index = pd.to_datetime(times, unit="s")
    frame = pd.DataFrame(rows, columns=[*names, *FLOWS], index=index)
    bid, ask = frame.bid_price_0, frame.ask_price_0
    mid = (bid + ask) / 2
    found = {"best_bid": bid, "best_ask": ask, "spread": (ask - bid) / mid}
    found["spread_mean_60s"] = (ask - bid).rolling(60).mean() / mid
    b, a = frame.bid_size_0, frame.ask_size_0
    found["microprice"] = (bid * a + ask * b) / (a + b) / mid - 1
    for name, count in (("level0", 1), ("levels0_4", 5), ("levels0_9", 10)):
        b, a = (sum(frame[f"{s}_size_{k}"].fillna(0) for k in range(count)) for s in ("bid", "ask"))
        found[f"imbalance_{name}"] = (b - a) / (b + a)
    for side in ("bid", "ask"):
        for level in range(LEVELS):
            found[f"{side}_price_level{level}"] = frame[f"{side}_price_{level}"] / mid - 1
            found[f"{side}_volume_level{level}"] = frame[f"{side}_size_{level}"]
    for window in WINDOWS:
        found[f"return_{window}s"] = mid / mid.shift(window) - 1
        found[f"volatility_{window}s"] = np.sqrt((mid.diff() ** 2).rolling(window).sum()) / mid
        for name in FLOWS:
            found[f"{name}_{window}s"] = frame[name].rolling(window).sum()
    pd.DataFrame(found).to_hdf(Path(out), key="df", mode="w")


if __name__ == "__main__":
    run = {"parse": parse, "convert": convert}.get(sys.argv[1])
    run(*sys.argv[2:]) if run else build(*sys.argv[1:])
