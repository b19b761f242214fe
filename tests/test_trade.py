"""The step, from predictions and quotes to what they earn, in folds and paths."""

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from conftest import PARAMS_TEXT, ROOT
from sealing import seal_predictions, seal_splits
from test_trade_simulation import changed

from alpha.__main__ import main
from alpha.check import parse
from alpha.core.errors import InputError
from alpha.core.frames import Block, write_frame
from alpha.data.features import open_folder
from alpha.evaluate import figures
from alpha.trade.run import choose, read_market

SECOND = 10**9
ROWS = 24_000
DATA = parse(PARAMS_TEXT, source="params.yaml").data
TARGETS = ("signed_max", "direction", "end_return", "triple_barrier")


class World:
    """Two days of quotes whose moves over the next 10 s are known, and predictions of two folds:
    `oracle` knows them, `noise` does not, `zero` says nothing. Valid is the first fifth."""

    def __init__(self, folder: Path, target: str = "end_return", **trade: object) -> None:
        self.folder, self.target = folder, target
        rng = np.random.default_rng(0)
        self.time_ns = np.arange(ROWS) * SECOND + 1_704_100_000 * SECOND
        self.mid = 10_000 + np.cumsum(rng.normal(0, 6, ROWS))
        self.move = np.append(self.mid[10:], np.full(10, self.mid[-1])) - self.mid
        self.signals = {"ridge": self.move, "har": rng.normal(size=ROWS), "mean": np.ones(ROWS)}
        for day, part in enumerate(np.array_split(np.arange(ROWS), 2)):
            quotes = np.stack([self.mid[part] - 0.5, self.mid[part] + 0.5, rng.random(len(part))]).T
            names = ("best_bid", "best_ask", "size")
            path = folder / "features" / f"X-data-0{day + 1}-01-2024.h5"
            path.parent.mkdir(parents=True, exist_ok=True)
            write_frame(path, self.time_ns[part], [Block(names, quotes)], tz_aware=True)
        self.valid, self.groups = slice(0, 4000), (slice(4000, 14_000), slice(14_000, ROWS))
        self.paths([[(0, 0), (1, 1)]])
        for fold in (0, 1):
            self.predict(fold)
        text = PARAMS_TEXT.replace("target: abs_max", f"target: {target}")
        text = text.replace("horizon_seconds: 60", "horizon_seconds: 10")
        text = text.replace("taker_bps: 7.5", "taker_bps: 1.0").replace(
            "  latency_ms: 100", "  latency_ms: 0"
        )
        for key, value in trade.items():
            text = text.replace(*(f"  {key}: {of}" for of in (OF[key], value)))
        for kind, models in {"networks": "mlp, silos", "trees": "lightgbm"}.items():
            text = text.replace(f"{kind}: [{models}]", f"{kind}: []")
        text = text.replace("[zero, mean, median, persistence, har, ridge]", "[mean, har, ridge]")
        (folder / "params.yaml").write_text(text)
        seal_splits(folder / "split", (0, 1), parse(text, source="params.yaml").label)

    def paths(self, given) -> None:
        """Paths of a fold and a group of the test time for each block."""
        ends = [
            (int(self.time_ns[of.start]), int(self.time_ns[of.stop - 1]) + 1) for of in self.groups
        ]
        blocks = [
            [{"fold": fold, "start_ns": ends[at][0], "end_ns": ends[at][1]} for fold, at in path]
            for path in given
        ]
        (self.folder / "split").mkdir(exist_ok=True)
        of = open_folder(self.folder / "features", DATA)
        quotes = {file.name: of.quotes(file)[1] for file in of.files}
        content = {"paths": blocks, "features": quotes}
        (self.folder / "split" / "paths.json").write_text(json.dumps(content))

    def predict(self, fold: int, groups=None, **signals: np.ndarray) -> None:
        """Write the predictions of a fold: on test those of its groups, the one of its number."""
        test = [np.arange(ROWS)[self.groups[at]] for at in groups or [fold]]
        for model, signal in (self.signals | signals).items():
            folder = self.folder / "predict" / str(fold) / "baselines" / model
            folder.mkdir(parents=True, exist_ok=True)
            for split, rows in {"valid": np.arange(4000), "test": np.concatenate(test)}.items():
                names: tuple[str, ...] = ("alpha_outcome", "prediction", "past_volatility")
                columns = [self.move[rows] * 0, signal[rows], self.move[rows] * 0]
                if self.target in ("direction", "triple_barrier"):
                    up = 1 / (1 + np.exp(-signal[rows]))
                    names += tuple(f"probability_{at}" for at in range(3))
                    columns += [1 - up, 0 * up, up]
                block = Block(names, np.stack(columns).T)
                path = folder / f"{split}.h5"
                write_frame(path, self.time_ns[rows], [block], tz_aware=True)

    def run(self, code: int = 0) -> figures.Figures:
        if code == 0:
            seal_predictions(self.folder / "predict", self.folder / "split")
        given = {"params": "params.yaml", "features": "features", "splits": "split"}
        given |= {"predictions": "predict", "out": "trade"}
        words = [
            word for name, of in given.items() for word in (f"--{name}", str(self.folder / of))
        ]
        assert main(["trade", *words]) == code
        return figures.read(self.folder / "trade" / "figures.csv")


OF = {"latency_ms": "100", "entry": "taker", "sizes": "null", "least_trades": "30"}


@pytest.fixture(scope="module")
def world(tmp_path_factory):
    made = World(tmp_path_factory.mktemp("world"))
    return made, made.run()


@pytest.mark.parametrize("target", TARGETS)
def test_who_knows_the_future_earns_and_who_does_not_stays_away(tmp_path, target):
    found = World(tmp_path, target).run()
    known = found.of("ridge")
    assert known["net_bps"].least > 0
    assert known["trades"].value > 500
    assert known["sharpe"].least > 0
    assert found.of("ridge", "valid")["net_bps"].least > 0
    # A constant is never beyond its own quantile.
    assert found.of("mean")["trades"].value == 0
    assert "no threshold earns" in found.of("mean")["net_bps"].reason
    assert found.of("all").undefined == {
        "overfit_probability": "fewer than 4 models trade, or than 32 periods"
    }


@pytest.mark.parametrize("target", ["abs_max", "large_move", "up", "down"])
def test_a_target_without_a_side_says_so_and_reads_nothing(tmp_path, target):
    text = PARAMS_TEXT.replace("target: abs_max", f"target: {target}")
    (tmp_path / "params.yaml").write_text(text)
    paths = [
        word
        for name in ("params", "features", "splits", "predictions", "out")
        for word in (f"--{name}", str(tmp_path / ("params.yaml" if name == "params" else name)))
    ]
    assert main(["trade", *paths]) == 0
    made = sorted(path.name for path in (tmp_path / "out").iterdir())
    assert made == ["equity", "figures.csv", "made_from.json"]
    # An empty curve for each model is what `dvc plots` can draw.
    assert (tmp_path / "out" / "equity" / "silos.csv").read_text() == "time,equity_bps\n"
    reason = figures.read(tmp_path / "out" / "figures.csv").of("all")["trading"].reason
    side = "one side only" if target in ("up", "down") else "no side"
    assert reason.startswith(f"{target} has {side}: ")


def test_the_threshold_is_chosen_on_valid_and_what_test_holds_does_not_move_it(world, tmp_path):
    _, before = world
    other = World(tmp_path)
    turned = np.where(np.arange(ROWS) < 4000, other.move, -other.move)
    for fold in (0, 1):
        other.predict(fold, ridge=turned)
    after = other.run()
    chosen = [of.of("ridge", "valid", 0).values("trade_threshold") for of in (before, after)]
    assert chosen[0] == chosen[1] != [None, None]
    assert after.of("ridge")["net_bps"].high < 0 < before.of("ridge")["net_bps"].low


def test_where_no_threshold_earns_on_valid_nothing_is_traded_on_test(world, tmp_path):
    _, before = world
    made = World(tmp_path)
    lost = np.where(np.arange(ROWS) < 4000, -made.move, made.move)
    made.predict(1, ridge=lost)
    found = made.run()
    test = found.of("ridge").folds
    assert [fold["trades"].value > 0 for fold in test] == [True, False]
    assert found.of("ridge")["trades"].value == test[0]["trades"].value
    # What its best threshold loses there counts all the same.
    gained, lost = before.of("ridge", "valid")["net_bps"], found.of("ridge", "valid")["net_bps"]
    assert lost.value < gained.value - 5


def test_too_few_trades_on_valid_choose_no_threshold(tmp_path):
    found = World(tmp_path, least_trades=1000).run()
    assert found.of("ridge", "valid")["trades"].value == found.of("ridge")["trades"].value == 0


def test_blocks_of_a_path_are_pooled_and_paths_averaged(tmp_path):
    made = World(tmp_path)
    # Each fold predicts all of test: fold 1 nothing but noise in the first group.
    for fold in (0, 1):
        noise = np.where(np.arange(ROWS) < 4000, made.move, 30 * made.signals["har"])
        made.predict(fold, groups=[0, 1], ridge=made.move if fold == 0 else noise)
    made.paths([[(0, 0), (0, 1)], [(1, 0), (1, 1)]])
    both = made.run()
    alone = []
    for fold in (0, 1):
        made.paths([[(fold, 0), (fold, 1)]])
        alone.append(made.run().of("ridge", seed=0))
    for name in ("trades", "bps_per_day", "sharpe", "drawdown_bps", "turnover"):
        values = [of[name].value for of in alone]
        assert both.of("ridge")[name].value == pytest.approx(np.mean(values))
    counts = [of["trades"].value for of in alone]
    weighted = np.average([of["net_bps"].value for of in alone], weights=counts)
    assert both.of("ridge")["net_bps"].value == pytest.approx(weighted)
    groups = [of["trades"].value for of in both.of("ridge").slices("block")]
    assert len(groups) == 2
    assert sum(groups) == both.of("ridge")["trades"].value


def test_trades_and_equity_add_up_to_the_figures(world):
    made, found = world
    trades = pd.read_csv(made.folder / "trade" / "trades" / "ridge-0.csv", parse_dates=[0, 1, 2])
    equity = pd.read_csv(made.folder / "trade" / "equity" / "ridge.csv", parse_dates=["time"])
    known = found.of("ridge")
    assert known["trades"].value == trades["net_bps"].count()
    assert known["net_bps"].value == pytest.approx(trades["net_bps"].mean())
    assert equity["equity_bps"].iloc[-1] == pytest.approx(trades["net_bps"].sum())
    assert equity["time"].is_monotonic_increasing
    assert len(equity) == 34  # ten minutes each
    np.testing.assert_allclose(trades["gross_bps"] - trades["fees_bps"], trades["net_bps"])
    assert set(trades["fold"]) == {0, 1}
    page = (ROOT / "docs" / "reference" / "artifacts.md").read_text(encoding="utf-8")
    assert {name for name in (*trades, *equity) if f"`{name}`" not in page} == set()
    page = (ROOT / "docs" / "reference" / "figures.md").read_text(encoding="utf-8")
    assert {name for name in found.table["figure"] if f"`{name}`" not in page} == set()


def test_the_same_inputs_give_the_same_bytes(world, tmp_path):
    made, _ = world
    World(tmp_path).run()
    files = sorted(path.relative_to(tmp_path) for path in (tmp_path / "trade").rglob("*.csv"))
    assert len(files) == 7
    for file in files:
        assert (tmp_path / file).read_bytes() == (made.folder / file).read_bytes()


def test_sizes_that_are_named_give_a_capacity(tmp_path):
    found = World(tmp_path, sizes="[size, size]").run()
    assert 0.3 < found.of("ridge")["capacity"].value < 0.7


def test_what_is_missing_is_said_in_a_line(tmp_path, capsys):
    made = World(tmp_path)
    seal_predictions(tmp_path / "predict", tmp_path / "split")
    (tmp_path / "predict" / "1" / "baselines" / "har" / "test.h5").unlink()
    with pytest.raises(InputError):
        made.run(2)
    said = capsys.readouterr().err
    assert "har/test.h5" in said
    assert said.count("\n") == 1
    (tmp_path / "split" / "paths.json").write_text('{"paths": []}')
    with pytest.raises(InputError):
        made.run(2)
    assert "paths.json: paths: " in capsys.readouterr().err


def test_the_threshold_is_the_quantile_that_earns_most_in_all(tmp_path, params):
    """Of all candidates by themselves."""
    made = World(tmp_path)
    given = changed(params)
    market = read_market(open_folder(tmp_path / "features", given.data), given)
    from alpha.trade.simulation import trade

    time_ns, signal = made.time_ns[:4000], made.move[:4000] + made.signals["har"][:4000] * 20
    earned = {}
    for level in given.trade.quantiles:
        threshold = float(np.quantile(np.abs(signal), level))
        found = trade(time_ns, signal, threshold, market, given)["net_bps"]
        if found.count() >= given.trade.least_trades:
            earned[threshold] = found.sum()
    chosen, trades = choose(time_ns, signal, market, given)
    assert chosen == max(earned, key=earned.__getitem__)
    assert trades["net_bps"].sum() == max(earned.values())


def test_the_params_of_the_checkout_are_documented():
    page = (ROOT / "docs" / "how-to" / "trade.md").read_text(encoding="utf-8")
    for name in ("latency_ms", "entry", "quantiles", "least_trades", "period_seconds", "sizes"):
        assert f"trade.{name}" in page
