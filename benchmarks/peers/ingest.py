"""Raw market data to features, as one would write it with pandas and plain Python.

python -m benchmarks.peers.ingest BOOK.csv TRADES.csv OUT.h5    # a day of Tardis's files
python -m benchmarks.peers.ingest parse BOOK.csv TRADES.csv     # by polars, building nothing
PYTHON -m benchmarks.peers.ingest convert BOOK.csv TRADES.csv   # by hftbacktest, where it is
"""

import sys
import time
from pathlib import Path

WINDOWS = (10, 30, 60, 300)
LEVELS = 10


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
    import numpy as np
    import pandas as pd

    updates = pd.read_csv(book)
    updates["order"] = 0
    traded = pd.read_csv(trades)
    traded["order"] = 1
    events = pd.concat([updates, traded]).sort_values(["timestamp", "order"], kind="stable")
    books: dict[str, dict[float, float]] = {"bid": {}, "ask": {}}
    rows, times = [], []
    flow = dict.fromkeys(("buy_volume", "sell_volume", "buy_count", "sell_count"), 0.0)
    second = None
    columns = [events[name].tolist() for name in ("timestamp", "order", "side", "price", "amount")]
    for stamp, is_trade, side, price, amount in zip(*columns, strict=True):
        while second is not None and stamp > second * 1_000_000:
            times.append(second)
            bids = sorted(books["bid"].items(), reverse=True)[:LEVELS]
            asks = sorted(books["ask"].items())[:LEVELS]
            rows.append([*sum(bids, ()), *sum(asks, ()), *flow.values()])
            flow = dict.fromkeys(flow, 0.0)
            second += 1
        if second is None:
            second = -(-stamp // 1_000_000)
        if is_trade:
            flow[f"{side}_volume"] += amount
            flow[f"{side}_count"] += 1
        elif amount == 0:
            books[side].pop(price, None)
        else:
            books[side][price] = amount
    names = [
        f"{s}_{p}_{k}" for s in ("bid", "ask") for k in range(LEVELS) for p in ("price", "size")
    ]
    frame = pd.DataFrame(rows, columns=[*names, *flow], index=pd.to_datetime(times, unit="s"))
    mid = (frame.bid_price_0 + frame.ask_price_0) / 2
    found = {"best_bid": frame.bid_price_0, "best_ask": frame.ask_price_0}
    for side in ("bid", "ask"):
        for level in range(LEVELS):
            found[f"{side}_price_level{level}"] = frame[f"{side}_price_{level}"] / mid - 1
            found[f"{side}_volume_level{level}"] = frame[f"{side}_size_{level}"]
    for window in WINDOWS:
        found[f"return_{window}s"] = mid / mid.shift(window) - 1
        found[f"volatility_{window}s"] = np.sqrt((mid.diff() ** 2).rolling(window).sum()) / mid
        for name in flow:
            found[f"{name}_{window}s"] = frame[name].rolling(window).sum()
    pd.DataFrame(found).to_hdf(Path(out), key="df", mode="w")


if __name__ == "__main__":
    run = {"parse": parse, "convert": convert}.get(sys.argv[1])
    run(*sys.argv[2:]) if run else build(*sys.argv[1:])
