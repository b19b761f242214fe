"""The benchmark of honesty: its pieces, what the oracle earns, and its rates."""

from argparse import Namespace

import numpy as np
from sealing import seal_predictions

from alpha.core.frames import open_writer
from alpha.evaluate import figures, oracle
from alpha.evaluate.inputs import read_predictions
from alpha.learn.params import runs
from alpha.trade import run as trade
from benchmarks import chain, honesty, honesty_report


def test_groups_of_a_turn_go_on_side_by_side():
    """Each market once; the first turn's before the second's."""
    given = Namespace(markets=4, signal=2, networks=1, rows_per_day=9)
    pieces = honesty.pieces(given)
    assert len(set(pieces)) == len(pieces) == 3 * 4 + 2 * 2 + 1
    assert pieces[:3] == ["nothing/9/0", "nothing/9/1", "signal 1/9/0"]
    assert pieces[3] == "signal 2/9/0"
    turns = [honesty.GROUPS[piece.split("/")[0]].turn for piece in pieces]
    assert turns == sorted(turns)


def test_the_oracle_earns_what_a_model_that_says_the_same_does(tmp_path, monkeypatch):
    """Two folds, in which the predictions of a baseline are replaced by the oracle's."""
    monkeypatch.setattr(honesty, "FOLDS", 2)
    params = honesty.charge(honesty.of_market(honesty.GROUPS["signal 2"], 2880, 0), 1.0)
    params = params.model_copy(update={"baselines": ("zero", "mean"), "trees": ()})
    features = chain.fit(params, tmp_path)
    known = oracle.read(features, params.label, params.loss)
    for fold in "01":
        for split in ("valid", "test"):
            path = tmp_path / "predict" / fold / "baselines" / "mean" / f"{split}.h5"
            found = read_predictions(path, ())
            said = oracle.values_at(known, found.time_ns)
            columns = np.column_stack((found.outcome, said, found.volatility))
            names = ("alpha_outcome", "prediction", "past_volatility")
            blocks = [(names, np.dtype(np.float64))]
            with open_writer(path, blocks, rows=len(columns), tz_aware=False) as writer:
                writer.append(found.time_ns, [columns])
    seal_predictions(tmp_path / "predict", tmp_path / "splits")
    folders = {"features": features, "splits": tmp_path / "splits"}
    given = Namespace(**folders, predictions=tmp_path / "predict", out=tmp_path / "trade")
    trade.run(params, runs(params), given)
    of_mean = figures.read(tmp_path / "trade" / figures.NAME).of("mean")
    earned = honesty.Oracle(params, tmp_path, features).earns(params)
    assert earned["trades"] > 30
    assert earned == {
        **{name: of_mean[name].value for name in honesty._FIGURES},
        "net_bps_low": of_mean["net_bps"].low,
    }


def _market(verdict, net_bps, trades, *, low=None):
    """One model's market, of whose skill half as much is the oracle's, which makes 10 trades of 4
    bps."""
    model = {"verdict": verdict, "proven": verdict in honesty_report._VERDICTS[2:], "skill": 0.01}
    model |= {"net_bps": net_bps, "trades": trades}
    best = {"net_bps": 4.0, "trades": 10.0, "net_bps_low": low}
    fees = {"best": "har", "models": {"har": model}, "oracle": best}
    return {
        "fees": {"1": fees, "0": fees},
        "oracle_skill": 0.02,
        "seconds": 60.0,
        "processor": 30.0,
    }


def test_rates_are_over_markets_and_what_is_captured_is_over_all_of_them():
    """By hand: of two markets one is found; 10 · 3 of 2 · 10 · 4 bps are captured."""
    found = [
        _market("actionable_on_paper", 3.0, 10.0, low=1.0),
        _market("no_skill", None, 0.0, low=-1.0),
    ]
    text = honesty_report.markdown(
        {"nothing": found, "signal 1": found}, honesty.GROUPS,
        fees=1.0, folds=20, rows=9, trees=1, days=23, epochs=1,
    )  # fmt: skip
    half = "50.0 % [9.5, 90.5]"
    assert f"| 1 | 2 | 2.0 % | 10 | 4.00 bps | {half} | {half} | {half} | 38 % |" in text
    assert f"| 1 | `har` | 1.0 % | {half} | 0.0 % [0.0, 65.8] | {half} | 3.00 bps | 38 % |" in text
    assert "| `har` | 0 | 1 | 0 | 1 | 1 | 1 |" in text
    assert "The oracle makes at these fees 20 trades that leave 4.00 bps each and" in text
    assert "| nothing | 2 | 60 s | 30 s | 0.0 h |" in text
