"""What `alpha.audit.splits` finds in splits, contracts and features that know later rows, each
planted, and that it finds nothing in honest ones."""

import datetime as dt
import shutil
from itertools import pairwise

import numpy as np
import pandas as pd
import pytest
from sealing import seal_split

from alpha.audit import scales
from alpha.audit.splits import check
from alpha.core.artifacts import read_manifest, write_manifest
from alpha.core.errors import InputError
from alpha.data.columns import SPLITS
from alpha.data.contract import read_contract
from alpha.label import run as labels
from alpha.normalize import run as normalize
from alpha.split import run as splits

DAYS, ROWS = 4, 4320  # a row each 20 s


@pytest.fixture(scope="module")
def market() -> pd.DataFrame:
    """Four days of quotes and honest features of every kind that could look scaled."""
    rng = np.random.default_rng(5)
    rows = DAYS * ROWS
    row = np.arange(rows)
    index = pd.date_range("2024-01-01", periods=rows, freq="20s", tz="UTC")
    bid = 100.0 + 0.5 * np.cumsum(rng.integers(-1, 2, rows))
    frame = pd.DataFrame({"best_bid": bid + 1e3, "best_ask": bid + 1e3 + 0.5}, index=index)
    day = (row % ROWS) / ROWS
    late = row > 0.9 * rows
    level = pd.Series(rng.normal(size=rows)).ewm(halflife=500).mean().to_numpy() + day
    frame["price"] = bid
    frame["depth"] = np.exp(3 * level)
    frame["depth_again"] = frame["depth"]
    frame["depth_before"] = frame["depth"].shift(9)
    frame["noise"] = rng.normal(size=rows)
    frame["noise_float32"] = rng.normal(size=rows).astype(np.float32)
    frame["uniform"] = rng.uniform(size=rows)
    frame["constant"] = 0.1
    frame["side"] = rng.choice([-1.0, 0.0, 1.0], rows)
    frame["balanced_side"] = rng.permutation(np.arange(rows) % 3 - 1.0)  # mean 0, 1 without zeros
    frame["time_of_day"] = day
    frame["sine"] = np.sin(2 * np.pi * day)
    frame["sine_share"] = (1 + np.sin(2 * np.pi * row / rows)) / 2
    frame["progress"] = row / (rows - 1)
    frame["epoch"] = (row + 1e9) * 20
    frame["traded_today"] = np.concatenate([np.cumsum(rng.exponential(size=ROWS))] * DAYS)
    usual = rng.normal(size=ROWS)  # a profile of the day, less its mean
    frame["usual_volume"] = np.tile(usual - usual.mean(), DAYS)
    spread = np.round(np.abs(level) * 4)
    spread[:: ROWS // 2] = 1.0
    frame["spread_change"] = np.diff(spread, prepend=1.0)
    frame["depth_change"] = frame["depth"].diff()
    past = frame["depth"].rolling(500)
    frame["past_zscore"] = (frame["depth"] - past.mean()) / past.std()
    frame["halted"] = np.where(late & (rng.uniform(size=rows) < 0.01), 1.0, 0.0)
    share = rng.beta(5, 5, rows)
    share[5], share[-5] = 0.0, 1.0
    frame["buy_share"] = share
    trades = rng.poisson(1.0, (2, rows))
    frame["buy_count_share"] = trades[0] / np.maximum(trades.sum(axis=0), 1)
    return frame


class Chain:
    """Features, labels, splits and contract in a folder, as the steps write them."""

    def __init__(self, folder, params, frame, *, files=DAYS, label=None, split=None):
        self.folder, self.params = folder, params
        (folder / "features").mkdir()
        for number, part in enumerate(np.array_split(np.arange(len(frame)), files)):
            part_of = frame.iloc[part]
            part_of.to_hdf(folder / "features" / f"day{number}.h5", key="df", mode="w")
        features = folder / "features"
        labels.run(params.data, params.label, features=features, out=folder / "label")
        made = folder / "label" / "labels" / "made_from.json"
        if label:  # as by a split that does not look
            write_manifest(made, read_manifest(made) | {"label": label.model_dump(mode="json")})
        splits.run(
            params.data, label or params.label, split or params.split, features=features,
            labels=folder / "label" / "labels", out=folder / "split",
        )  # fmt: skip
        self._normalize(folder / "split")

    def normalize(self, *names):
        """Write the contract, by the rows of these splits."""
        source = self.folder / "normalized_by"
        shutil.rmtree(source, ignore_errors=True)
        (source / "0" / "train").mkdir(parents=True)
        (source / "0" / "summary.json").write_text("{}")
        for name in names:
            for path in (self.folder / "split" / "0" / name).glob("*.h5"):
                shutil.copy(path, source / "0" / "train" / f"{name}-{path.name}")
        seal_split(source / "0" / "train")
        self._normalize(source)

    def _normalize(self, splits):
        out = self.folder / "normalize"
        normalize.run(self.params.features, self.params.normalize, splits=splits, out=out)

    def check(self, **more):
        given = {
            "features": self.folder / "features", "labels": self.folder / "label" / "labels",
            "splits": self.folder / "split" / "0",
            "contract": read_contract(self.folder / "normalize" / "0.json"),
        }  # fmt: skip
        params = self.params
        return check(params.data, params.label, params.split, **(given | more))

    def rewrite(self, frames):
        """Write splits anew, one file each, of these rows."""
        for name, frame in frames.items():
            shutil.rmtree(self.folder / "split" / "0" / name)
            (self.folder / "split" / "0" / name).mkdir()
            frame.to_hdf(self.folder / "split" / "0" / name / "day0.h5", key="df", mode="w")
            seal_split(self.folder / "split" / "0" / name)

    def read(self):
        folder = self.folder / "split" / "0"
        paths = {name: sorted((folder / name).glob("*.h5")) for name in SPLITS}
        return {name: pd.concat(map(pd.read_hdf, paths[name])) for name in SPLITS}


def kinds(found) -> dict[str, str]:
    return {one.kind: one.severity for one in found}


def columns(found, way) -> set[str]:
    scaled = [one for one in found if one.kind == "standardized_on_all_rows"]
    return {name for one in scaled if way in one.sentence for name in one.columns}


@pytest.mark.parametrize("files", [DAYS, 1])
def test_honest_features_splits_and_contracts_give_no_finding(tmp_path, params, market, files):
    assert Chain(tmp_path, params, market, files=files).check() == []


@pytest.fixture(scope="module")
def simple(market):
    return market[["best_bid", "best_ask", "price", "depth", "noise"]]


@pytest.mark.parametrize("files", [DAYS, 3, 1])
def test_columns_scaled_by_all_rows_or_by_whole_days_are_named(tmp_path, params, market, files):
    planted = market.copy()
    day = np.arange(len(market)) // ROWS
    depth, price = market["depth"], market["price"]
    planted["z_price"] = (price - price.mean()) / price.std()
    planted["z_noise"] = (market["noise"] - market["noise"].mean()) / market["noise"].std(ddof=0)
    late = market["depth_before"]
    planted["z_filled"] = ((late - late.mean()) / late.std()).fillna(0.0)
    planted["z_float32"] = ((depth - depth.mean()) / depth.std()).astype(np.float32)
    planted["unit_price"] = (price - price.min()) / (price.max() - price.min())
    planted["rank_depth"] = depth.rank(pct=True)
    planted["day_depth"] = depth - depth.groupby(day).transform("mean")
    by_day = price.groupby(day)
    planted["day_z_price"] = (price - by_day.transform("mean")) / by_day.transform("std")
    planted["z_of_train"] = (price - price[: 2 * ROWS].mean()) / price[: 2 * ROWS].std()
    found = Chain(tmp_path, params, planted, files=files).check()
    assert kinds(found) == {"standardized_on_all_rows": "leak"}
    z = {"z_price", "z_noise", "z_filled", "z_float32"}
    assert columns(found, "mean 0 and sigma 1") == z
    assert columns(found, "extremes") == {"unit_price"}
    assert columns(found, "ranks") == {"rank_depth"}
    assert columns(found, "each day") == {"day_depth", "day_z_price"}


def test_standard_normal_noise_is_not_taken_for_standardized_features(tmp_path, params, simple):
    """Means of noise are about 1/√N: of 300 columns none is exact by chance."""
    rng = np.random.default_rng(1)
    noise = pd.DataFrame(rng.normal(size=(len(simple), 150)), index=simple.index)
    walk = noise.ewm(halflife=50).mean()
    walk = walk / walk.std() * rng.uniform(0.999, 1.001, 150)
    names = [f"noise{at}" for at in range(150)], [f"walk{at}" for at in range(150)]
    frame = pd.concat(
        [simple, noise.set_axis(names[0], axis=1), walk.set_axis(names[1], axis=1)], axis=1
    )
    assert Chain(tmp_path, params, frame).check() == []


def test_a_copied_hour_with_other_timestamps_is_found_where_it_lies(tmp_path, params, simple):
    frame = simple.copy()
    frame["epoch"] = np.arange(len(frame)) * 20.0  # it goes on while the rest is copied
    source, copy = slice(1000, 1180), slice(-1180, -1000)
    frame.iloc[copy, :-1] = frame.iloc[source, :-1].to_numpy()
    (found,) = Chain(tmp_path, params, frame).check()
    assert (found.kind, found.severity, found.where) == ("equal_rows", "leak", "test")
    assert found.sentence.startswith(
        "180 rows of test from 2024-01-04T17:26:40 to 2024-01-04T18:26"
    )
    assert "from 2024-01-01T05:33:20 on" in found.sentence


def test_a_copy_is_found_though_features_stand_still_between_changes(tmp_path, params, simple):
    frame = simple.copy()
    held = np.arange(len(frame)) // 5 * 5
    frame[["price", "depth", "noise"]] = simple[["price", "depth", "noise"]].to_numpy()[held]
    frame.iloc[-1180:-880, 2:] = frame.iloc[1000:1300, 2:].to_numpy()
    (found,) = Chain(tmp_path, params, frame).check()
    assert (found.kind, found.where) == ("equal_rows", "test")
    assert found.sentence.startswith("60 rows of test")  # each counts once


def test_frozen_flickering_and_coarse_features_are_no_copies(tmp_path, params, market):
    """A book that stands still, or goes to and fro, on several days, while a clock ticks."""
    frame = market[["best_bid", "best_ask", "time_of_day"]].copy()
    row = np.arange(len(frame))
    open_at = (row % ROWS) < 3000
    frame["price"] = np.where(open_at, np.round(market["price"] / 50), 2.0)
    frame["side"] = np.where(open_at, np.sign(market["side"]), row % 2)
    assert Chain(tmp_path, params, frame).check() == []


def test_windows_that_reach_the_next_split_are_leaks_and_say_how_far(tmp_path, params, simple):
    label = params.label.model_copy(update={"horizon_seconds": 1.0})
    split = params.split.model_copy(update={"embargo_seconds": 0.0})
    chain = Chain(tmp_path, params, simple, label=label, split=split)
    found = chain.check()
    assert kinds(found) == {"window_across_boundary": "leak"}
    assert [one.where for one in found] == ["train, valid", "valid, test"]
    # Rows are 20 s apart: windows of the last 60 s reach the boundary, none by a whole minute.
    assert all(0 <= one.lead_seconds < 60 for one in found)
    assert found[0].strength * len(chain.read()["train"]) == pytest.approx(3)


def test_a_window_that_ends_as_the_next_split_begins_reaches_it(tmp_path, params, simple):
    """The row a minute before midnight, purged by a horizon that is a second too short."""
    days = [dt.date(2024, 1, day) for day in (1, 3, 4, 5)]
    times = dict(zip(SPLITS, pairwise(days), strict=True))
    split = params.split.model_copy(
        update={"fractions": None, "times": times, "embargo_seconds": 0.0}
    )
    label = params.label.model_copy(update={"horizon_seconds": 59.0})
    found = Chain(tmp_path, params, simple, label=label, split=split).check()
    assert kinds(found) == {"window_across_boundary": "leak"}
    across = [one for one in found if one.kind == "window_across_boundary"]
    assert [(one.where, one.lead_seconds) for one in across] == [
        ("train, valid", 0.0),
        ("valid, test", 0.0),
    ]
    assert across[0].sentence.startswith("Windows of train (0.012 %) end up to 0 s after")


def test_an_embargo_that_is_missing_warns_where_no_window_overlaps(tmp_path, params, simple):
    split = params.split.model_copy(update={"embargo_seconds": 0.0})
    found = Chain(tmp_path, params, simple, split=split).check()
    assert kinds(found) == {"embargo_missing": "warning"}
    assert len(found) == 2
    assert all(0 < one.strength <= 20 for one in found)


def test_rows_drawn_at_random_have_windows_that_reach_every_later_split(tmp_path, params, simple):
    chain = Chain(tmp_path, params, simple)
    every = pd.concat(chain.read().values())
    which = np.random.default_rng(0).choice(SPLITS, len(every), p=[0.6, 0.2, 0.2])
    chain.rewrite({name: every[which == name] for name in SPLITS})
    found = chain.check(labels=one_label_file(chain))
    out = [one.where for one in found if one.kind == "window_across_boundary"]
    assert out == ["train, valid", "train, test", "valid, test"]
    assert all(one.strength > 0.99 and one.lead_seconds > 86400 for one in found[:3])


def test_a_timestamp_in_two_splits_is_found(tmp_path, params, simple):
    chain = Chain(tmp_path, params, simple)
    frames = chain.read()
    frames["valid"] = pd.concat([frames["train"].tail(2), frames["valid"]])
    chain.rewrite(frames)
    found = chain.check(labels=one_label_file(chain))
    (across,) = [one for one in found if one.kind == "window_across_boundary"]
    assert (across.where, across.severity) == ("train, valid", "leak")
    assert across.lead_seconds == 80  # of the two rows, 20 s apart, and a window


def test_outcomes_that_are_not_of_their_rows_are_found(tmp_path, params, simple):
    chain = Chain(tmp_path, params, simple)
    frames = chain.read()
    frames["test"]["alpha_outcome"] = frames["test"]["alpha_outcome"].shift(-1).fillna(0.0)
    chain.rewrite(frames)
    (found,) = chain.check(labels=one_label_file(chain))
    assert (found.kind, found.where, found.severity) == ("labels_of_other_rows", "test", "warning")


def one_label_file(chain):
    """Labels of all days in one file, for splits that were written as one."""
    folder = chain.folder / "label" / "one"
    folder.mkdir()
    paths = sorted((chain.folder / "label" / "labels").glob("*.h5"))
    pd.concat(map(pd.read_hdf, paths)).to_hdf(folder / "day0.h5", key="df", mode="w")
    return folder


@pytest.mark.parametrize(
    ("names", "said"),
    [
        (("train", "valid"), "but of train and valid"),
        (SPLITS, "but of train, valid and test"),
    ],
)
def test_a_contract_of_more_than_train_is_told_by_its_figures(
    tmp_path, params, simple, names, said
):
    chain = Chain(tmp_path, params, simple)
    chain.normalize(*names)
    (found,) = chain.check()
    assert (found.kind, found.severity) == ("statistics_of_more_than_train", "leak")
    assert found.columns == ["price", "depth", "noise"]
    assert said in found.sentence


def test_a_contract_that_is_neither_trains_nor_that_of_more_rows_warns(tmp_path, params, simple):
    chain = Chain(tmp_path, params, simple)
    contract = read_contract(chain.folder / "normalize" / "0.json")
    contract.mean[1] += 1e-3 * contract.sigma[1]
    (found,) = chain.check(contract=contract)
    assert (found.severity, found.columns) == ("warning", ["depth"])
    assert found.strength == pytest.approx(1e-3)


def test_features_of_all_rows_give_their_contract_away(tmp_path, params, simple):
    chain = Chain(tmp_path, params, simple)
    contract = read_contract(chain.folder / "normalize" / "0.json")
    for at, name in enumerate(contract.names):
        contract.mean[at], contract.sigma[at] = simple[name].mean(), simple[name].std(ddof=0)
    (found,) = chain.check(contract=contract)
    assert "of all rows of the feature files" in found.sentence


def test_what_does_not_belong_together_is_refused_in_one_line(tmp_path, params, simple):
    chain = Chain(tmp_path, params, simple)
    for path in (tmp_path / "features").glob("*.h5"):
        pd.read_hdf(path).drop(columns="depth").to_hdf(path, key="df", mode="w")
    with pytest.raises(InputError, match="no column 'depth'"):
        chain.check()


def test_figures_of_a_piece_are_those_of_its_finite_values():
    up, turning = [0.0, np.nan, 0.5, 0.5, 2.0], [np.inf, 1.0, 0.0, 3.0, -np.inf]
    found = scales.figures(np.column_stack((up, turning)), np.array([0.5, 1.0]))
    # Finite, NaN, zeros, sum less the shift, squares, lowest, highest, one way.
    assert found[:, 0].tolist() == [4, 1, 1, 1.0, 2.5, 0.0, 2.0, 1]
    assert found[:, 1].tolist() == [3, 0, 1, 1.0, 5.0, 0.0, 3.0, 0]


def test_real_days_have_no_finding(tmp_path, params, realdata):
    for path in sorted(realdata.glob("*.h5")):
        folder = tmp_path / path.name
        folder.mkdir()
        frame = pd.read_hdf(path)
        assert Chain(folder, params, frame, files=1).check() == []
