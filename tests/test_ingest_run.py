"""The step, from raw files to feature files; and the same live, line by line."""

import json

import numpy as np
import pandas as pd
import pytest
from conftest import PARAMS_TEXT

import alpha
from alpha.check import parse
from alpha.core.errors import InputError
from alpha.ingest.params import Ingest, Limit
from alpha.ingest.run import run
from alpha.ingest.stream import LiveFeatures
from alpha.label import run as labels
from alpha.normalize import run as normalize
from alpha.score import run as score
from alpha.split import run as splits
from alpha.train import run as train

START = pd.Timestamp("2024-03-01T23:50:00Z").value
MS = 10**6
LIMIT = Limit(max_file_mb=4096)


def recording(seconds=1500, gap=(700, 760), seed=0):
    """Lines of Binance's futures over midnight: a snapshot, updates with sequence numbers, trades;
    in the gap, messages are missing, and a new snapshot comes five seconds after it."""
    rng = np.random.default_rng(seed)
    mid, number, lines, known = 5000, 100, [], False

    def line(ms, data):
        lines.append(f"{START + (ms + 7) * MS} ".encode() + json.dumps(data).encode())

    for ms in range(0, seconds * 1000, 250):
        stamp = START // MS + ms
        if rng.random() < 0.1:
            mid += int(rng.choice([-1, 1]))
        if gap[0] * 1000 <= ms < gap[1] * 1000:
            number += 1
            continue
        known = known and ms != (gap[1] + 5) * 1000
        if not known:
            sides = {
                side: [[f"{(mid + way * at) / 10:.1f}", f"{at}.5"] for at in range(1, 15)]
                for side, way in (("bids", -1), ("asks", 1))
            }
            line(ms, {"lastUpdateId": number, "E": stamp, "T": stamp, **sides})
            known = True
            continue
        number += 1
        levels = {
            side: [
                [f"{(mid + way * int(rng.integers(1, 12))) / 10:.1f}", f"{rng.integers(1, 90) / 8}"]
                for _ in range(2)
            ]
            + [[f"{(mid - way * at) / 10:.1f}", "0"] for at in range(3)]
            for side, way in (("b", -1), ("a", 1))
        }
        ids = {"U": number, "u": number, "pu": number - 1}
        event = {"e": "depthUpdate", "E": stamp, "T": stamp, "s": "BTCUSDT", **ids, **levels}
        line(ms, {"stream": "btcusdt@depth", "data": event})
        if rng.random() < 0.3:
            trade = {"e": "trade", "E": stamp + 1, "T": stamp + 1, "s": "BTCUSDT", "t": ms + 1}
            trade |= {"p": f"{(mid + 1) / 10:.1f}", "q": "0.25", "m": bool(rng.random() < 0.5)}
            line(ms + 1, {"stream": "btcusdt@trade", "data": trade})
    return lines


LINES = recording()


PARAMS = {
    "symbol": "BTCUSDT", "clock": "exchange", "grid_seconds": 1.0, "levels": 10,
    "max_stale_seconds": 30.0,
}  # fmt: skip


def params(folder, files, **changes):
    return Ingest(sources=[{"dir": str(folder), "files": files}], **PARAMS | changes)


def frames(out):
    """The feature files by name, each as a frame."""
    return {path.name: pd.read_hdf(path, "df") for path in sorted(out.glob("*.h5"))}


@pytest.fixture(scope="module")
def raw(tmp_path_factory):
    folder = tmp_path_factory.mktemp("raw")
    (folder / "btcusdt.txt").write_bytes(b"\n".join(LINES) + b"\n")
    return folder


@pytest.fixture(scope="module")
def made(raw, tmp_path_factory):
    out = tmp_path_factory.mktemp("ingest") / "out"
    run(params(raw, {"*.txt": "binance_messages"}), LIMIT, out=out)
    return out


def test_each_utc_day_has_a_file_of_rows_on_the_grid(made):
    found = frames(made)
    assert list(found) == ["BTCUSDT-data-01-03-2024.h5", "BTCUSDT-data-02-03-2024.h5"]
    first, second = found.values()
    assert first.index[-1] == pd.Timestamp("2024-03-01T23:59:59Z")
    assert second.index[0] == pd.Timestamp("2024-03-02T00:00:00Z")
    assert second.index[-1] == pd.Timestamp("2024-03-02T00:14:59Z")
    assert (np.diff(first.index.asi8) == 10**9).all()
    assert first.dtypes["best_bid"] == np.float64
    assert first.dtypes["return_300s"] == np.float32


def test_windows_run_across_midnight_and_not_across_a_gap(made):
    _, second = frames(made).values()
    assert np.isfinite(second.return_300s.iloc[:90]).all()
    [broken] = second.index[second.best_bid.isna()]
    assert broken == pd.Timestamp("2024-03-02T00:02:45Z")
    assert second.index[second.index.get_loc(broken) - 1] < pd.Timestamp("2024-03-02T00:02:15Z")
    after = second.loc[broken:]
    assert after.return_300s.isna().sum() == 301


def test_the_summary_counts_what_was_found(made):
    summary = json.loads((made / "summary.json").read_text())
    counts = summary["counts"]
    assert counts["sequence_gaps"] == 1
    assert counts["trades"] > 200
    assert summary["days"]["BTCUSDT-data-02-03-2024.h5"]["without_quotes"] == 1


def test_line_by_line_rows_have_the_same_bits_as_from_files(raw, made):
    live = LiveFeatures(params(raw, {"*.txt": "binance_messages"}), "binance")
    rows = pd.DataFrame([row for line in LINES for row in live.feed(line)])
    files = pd.concat(frames(made).values())
    # The last row waits for what may still come.
    assert rows.time_ns.tolist() == files.index.asi8.tolist()[: len(rows)]
    assert len(files) - len(rows) <= 1
    columns = files.columns
    ours = rows[columns].to_numpy(np.float64)
    assert ours.tobytes() == files.iloc[: len(rows)].to_numpy(np.float64).tobytes()
    assert list(live.names) == list(columns[2:])


@pytest.fixture(scope="module")
def trained(made, tmp_path_factory):
    """The folder of results of models that were trained on those features."""
    params = parse(PARAMS_TEXT, source="params.yaml")
    out = tmp_path_factory.mktemp("trained") / "results"
    labels.run(params.data, params.label, features=made, out=out / "label")
    split = params.split.model_copy(update={"embargo_seconds": 10.0})
    of = {"features": made, "labels": out / "label" / "labels", "out": out / "split"}
    splits.run(params.data, params.label, split, **of)
    of = {"splits": out / "split", "out": out / "normalize"}
    normalize.run(params.features, params.normalize, **of)
    contract = out / "normalize" / "0.json"
    given = {name: out / "split" / "0" / name for name in ("train", "valid")}
    for kind, models in (("baselines", ("persistence", "har", "ridge")), ("trees", ("lightgbm",))):
        chosen = {name: getattr(params, name) for name in models}
        train.run(
            params.label, params.loss, params.train, chosen, seed=0, normalization=contract,
            in_folders=kind == "baselines", out=out / "train" / "0" / kind, **given,
        )  # fmt: skip
    return out


def test_live_predictions_have_the_bits_of_those_in_batch(raw, made, trained, tmp_path):
    """From raw lines to a prediction for each row as it comes, over midnight and over a gap."""
    folders = [
        trained / "train" / "0" / "baselines" / name for name in ("persistence", "har", "ridge")
    ]
    folders.append(trained / "train" / "0" / "trees")
    scorers = [alpha.Scorer.load(folder) for folder in folders]
    live = LiveFeatures(params(raw, {"*.txt": "binance_messages"}), "binance")
    times, predictions = [], []
    for line in LINES:
        for row in live.feed(line):
            times.append(row["time_ns"])
            for scorer in scorers:
                scorer.update(row)
                predictions.append(scorer.predict_row(row))
    data = parse(PARAMS_TEXT, source="params.yaml").data
    for at, folder in enumerate(folders):
        score.run(data, model=folder, features=made, out=tmp_path / "scores.h5")
        batch = pd.read_hdf(tmp_path / "scores.h5", "df").prediction.iloc[: len(times)]
        assert batch.index.asi8.tolist() == times
        ours = np.array(predictions[at :: len(folders)])
        assert ours.tobytes() == batch.to_numpy().tobytes(), folder.name
        assert len(set(ours)) > 3


def test_twice_makes_the_same_bytes(raw, made, tmp_path):
    run(params(raw, {"*.txt": "binance_messages"}), LIMIT, out=tmp_path / "again")
    for path in made.iterdir():
        assert (tmp_path / "again" / path.name).read_bytes() == path.read_bytes(), path.name


def test_raw_files_that_cannot_be_used_leave_what_was_made_before(raw, made, tmp_path):
    broken = tmp_path / "raw"
    broken.mkdir()
    (broken / "bad.csv").write_text("symbol,timestamp\nXBTUSD,2024-01-01D00:00:00.000\n")
    before = {path.name: path.read_bytes() for path in made.iterdir()}
    with pytest.raises(InputError, match=r"bad.csv: must have columns .*bidPrice"):
        run(params(broken, {"*.csv": "bitmex_quote"}), LIMIT, out=made)
    assert {path.name: path.read_bytes() for path in made.iterdir()} == before
    assert not list(made.parent.glob("*.part"))


def test_a_market_without_a_row_is_refused(tmp_path):
    lines = [line for line in LINES if b"trade" in line]
    (tmp_path / "only-trades.txt").write_bytes(b"\n".join(lines))
    with pytest.raises(InputError, match="found 0, 0 of them without: 1,679 messages"):
        run(params(tmp_path, {"*.txt": "binance_messages"}), LIMIT, out=tmp_path / "out")


def test_real_quotes_and_trades_give_the_features_that_were_made_of_them(realdata, tmp_path):
    """The feature file of that day was made from the same two tables by other code."""
    formats = {
        "gemini*market-depth*": {
            "format": "snapshots", "time": "time_seconds", "unit": "s", "separator": "_",
            "bid_price": "bid_price_bid_size", "ask_price": "ask_price_ask_size",
        },
        "gemini*trade*": {
            "format": "trades", "time": "time_seconds", "unit": "s", "price": "price",
            "size": "size", "is_buyer_maker": "is_buyer_maker",
        },
    }  # fmt: skip
    run(params(realdata / "raw", formats), LIMIT, out=tmp_path / "out")
    [ours] = frames(tmp_path / "out").values()
    theirs = pd.read_hdf(realdata / "ETHUSD-data-01-07-2021.h5", "df")
    theirs.index = theirs.index.tz_localize("UTC") if theirs.index.tz is None else theirs.index
    # But for the first rows after more than 30 seconds without a message: they have no quotes here.
    broken = ours.index[ours.best_bid.isna()]
    assert len(broken) <= 3
    theirs = theirs.drop(broken, errors="ignore")
    ours = ours.loc[theirs.index]
    for name in ("best_bid", "best_ask", "spread", "imbalance_level0", "ask_price_level0"):
        np.testing.assert_allclose(ours[name], theirs[name], rtol=1e-5, atol=1e-9)
    whole = ours.buy_volume_300s.notna() & theirs.buy_volume_300s.notna()
    assert whole.mean() > 0.99
    for name in ("buy_volume_10s", "sell_volume_60s", "buy_volume_300s"):
        np.testing.assert_allclose(ours[name][whole], theirs[name][whole], rtol=1e-4, atol=1e-3)


SNAPSHOTS = {
    "format": "snapshots", "time": "time", "bid_price": "bid_{level}", "bid_size": "bq_{level}",
    "ask_price": "ask_{level}", "ask_size": "aq_{level}",
}  # fmt: skip


def quotes(folder, name, rows):
    """A table of best quotes: seconds, bid and ask."""
    lines = [f"{1_709_251_200 + second},{bid},1,{ask},1" for second, bid, ask in rows]
    (folder / name).write_text("\n".join(["time,bid_0,bq_0,ask_0,aq_0", *lines]) + "\n")


def test_a_file_of_one_row_is_a_market_of_one_row(tmp_path):
    quotes(tmp_path, "one.csv", [(0, 100, 101)])
    run(params(tmp_path, {"one.csv": SNAPSHOTS}), LIMIT, out=tmp_path / "out")
    [frame] = frames(tmp_path / "out").values()
    assert frame.best_bid.tolist() == [100]


def test_quotes_that_are_swapped_are_refused(tmp_path):
    quotes(tmp_path, "swapped.csv", [(second, 101, 100) for second in range(9)])
    with pytest.raises(InputError, match="most of them with quotes, found 9, 9 of them without"):
        run(params(tmp_path, {"*.csv": SNAPSHOTS}), LIMIT, out=tmp_path / "out")


def test_trades_of_another_unit_are_refused(tmp_path):
    quotes(tmp_path, "quotes.csv", [(second, 100, 101) for second in range(60)])
    trades = [f"{1_709_251_200 + second},1000000,1" for second in range(1, 60)]
    (tmp_path / "trades.csv").write_text("\n".join(["time,price,size", *trades]) + "\n")
    mapping = {"format": "trades", "time": "time", "price": "price", "size": "size"}
    with pytest.raises(InputError, match="near the book's best quotes, found .* 59 trades outside"):
        run(params(tmp_path, {"q*": SNAPSHOTS, "t*": mapping}), LIMIT, out=tmp_path / "out")


def test_days_of_different_depth_are_one_market(tmp_path):
    rows = "t,b0,c0,a0,d0{}\n{},100,1,101,1{}\n{},100,1,101,1{}\n"
    second = 1_709_251_200
    (tmp_path / "1.csv").write_text(rows.format("", second, "", second + 1, ""))
    deeper = ",99,2,102,2"
    text = rows.format(",b1,c1,a1,d1", second + 2, deeper, second + 3, deeper)
    (tmp_path / "2.csv").write_text(text)
    mapping = {"format": "snapshots", "time": "t", "unit": "s", "bid_price": "b{level}"}
    mapping |= {"bid_size": "c{level}", "ask_price": "a{level}", "ask_size": "d{level}"}
    run(params(tmp_path, {"*.csv": mapping}), LIMIT, out=tmp_path / "out")
    [frame] = frames(tmp_path / "out").values()
    assert frame.best_bid.tolist() == [100] * 4


def test_a_symbol_may_be_any_word(tmp_path):
    quotes(tmp_path, "one.csv", [(0, 100, 101)])
    run(params(tmp_path, {"one.csv": SNAPSHOTS}, symbol="BTC/USD"), LIMIT, out=tmp_path / "out")
    assert list(frames(tmp_path / "out")) == ["BTC-USD-data-01-03-2024.h5"]


def test_two_quotes_fifty_years_apart_make_no_more_rows_than_a_day_may_have(tmp_path):
    """At a row a millisecond, each of the last quotes, they would be ten to the twelve."""
    quotes(tmp_path, "a.csv", [(0, 100, 101), (50 * 31_536_000, 100, 101)])
    often = {"grid_seconds": 0.001, "max_stale_seconds": 3e8}
    with pytest.raises(InputError, match="must make days of at most 30,769 rows .* found more"):
        run(
            params(tmp_path, {"*.csv": SNAPSHOTS}, **often),
            Limit(max_file_mb=20),
            out=tmp_path / "o",
        )
    assert not (tmp_path / "o").exists()
