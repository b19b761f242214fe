"""What `alpha.audit.drift` says of features that are not later what they were in train."""

from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
from sealing import seal_split

from alpha.audit.drift import _stability_index, check
from alpha.core.errors import InputError
from alpha.core.frames import Block, write_frame
from alpha.data.columns import LABEL_COLUMNS, SPLITS
from alpha.data.contract import Contract, read_contract
from alpha.label import run as labels
from alpha.normalize import run as normalize
from alpha.split import run as splits

ROWS = {"train": 30_000, "valid": 10_000, "test": 10_000}


def features(seed: int = 0) -> dict[str, dict[str, np.ndarray]]:
    """Split -> feature -> values, a row a second, of the same distribution throughout."""
    rng = np.random.default_rng(seed)
    every = sum(ROWS.values())
    regime = pd.Series(rng.normal(size=every)).ewm(halflife=300).mean().to_numpy()
    made = {
        "noise": rng.normal(size=every),
        "volume": rng.exponential(size=every) * np.exp(5 * regime),
        "heavy": rng.standard_t(3, size=every),
        "rare": (rng.uniform(size=every) < 5e-4) * rng.exponential(size=every),
        "ticks": np.round(3 * regime / regime.std()) / (1000 + np.arange(every) / every),
    }
    cuts = np.split(np.arange(every), np.cumsum(list(ROWS.values()))[:-1])
    return {
        name: {key: values[cut] for key, values in made.items()}
        for name, cut in zip(SPLITS, cuts, strict=True)
    }


def write(folder, made) -> tuple:
    """Splits of these features in two files each, and the contract of train."""
    start = 0
    names = tuple(made["train"])
    for split in SPLITS:
        (folder / split).mkdir(parents=True)
        values = np.column_stack([made[split][name] for name in names])
        label = np.zeros((len(values), len(LABEL_COLUMNS)))
        for number, rows in enumerate(np.array_split(np.arange(len(values)), 2)):
            blocks = [Block(names, values[rows]), Block(LABEL_COLUMNS, label[rows])]
            time_ns = (start + rows) * 10**9
            write_frame(folder / split / f"{number}.h5", time_ns, blocks, tz_aware=True)
        seal_split(folder / split)
        start += len(values)
        if split == "train":
            known = np.where(np.isfinite(values), values, np.nan)
            mean, sigma = np.nanmean(known, axis=0), np.nanstd(known, axis=0)
    counts = np.zeros(len(names), dtype=np.int64)
    sigma = np.where(np.ptp(known, axis=0) > 0, sigma, 0.0)
    families = ("other",) * len(names)
    rows = ROWS["train"]
    return folder, Contract(names, families, mean, sigma, counts, counts, counts, 10.0, rows)


def audit(folder, made, params):
    found, table = check(*write(folder, made), params.label)
    assert all(one.severity != "leak" for one in found)
    named = {f"{one.kind} {one.severity}".removesuffix(" warning"): one for one in found}
    return named, table.set_index("feature")


def test_features_that_stay_what_they_were_have_no_finding(tmp_path, params):
    for seed in range(3):
        found, table = audit(tmp_path / str(seed), features(seed), params)
        assert found == {}
        assert (table["kind"] == "").all()


def test_a_feature_that_moves_by_a_sigma_drifts_and_both_figures_say_so(tmp_path, params):
    made = features()
    made["test"]["noise"] += 1.0
    found, table = audit(tmp_path, made, params)
    assert {kind: one.columns for kind, one in found.items()} == {"drift": ["noise"]}
    assert found["drift"].severity == "warning"
    row = table.loc["noise"]
    # Of two normal distributions a sigma apart it is 1; deciles and their spread see less of it.
    assert 0.7 < row["psi_test"] < 1.0
    assert row["psi_test"] == found["drift"].strength
    assert row["p_value_test"] < 1e-3
    assert row["psi_valid"] < 0.01
    assert row["p_value_valid"] > 0.01


def test_a_shift_within_a_few_blocks_alone_is_no_drift(tmp_path, params):
    """A stability index counts rows as if they were independent; blocks do not."""
    made = features()
    made["test"]["noise"][:2400] += 9.0
    found, table = audit(tmp_path, made, params)
    assert table.loc["noise", "psi_test"] > 0.25
    assert "drift" not in found


def test_features_that_are_constant_in_train_are_a_note(tmp_path, params):
    """Models see zeros, whatever comes later."""
    made = features()
    for split in SPLITS:
        made[split]["dead"] = np.full(ROWS[split], 0.1)
        made[split]["missing"] = np.full(ROWS[split], np.nan)
        made[split]["wakes"] = np.full(ROWS[split], 0.1)
    made["train"]["missing"][0] = 1.0
    made["valid"]["wakes"][17] = 0.2  # a single row of ten thousand
    found, table = audit(tmp_path, made, params)
    assert list(found) == ["constant_in_train note"]
    assert found["constant_in_train note"].columns == ["dead", "missing", "wakes"]
    assert found["constant_in_train note"].strength == pytest.approx(1e-4)
    assert table.loc["wakes", "constant_in_train"]
    assert np.isnan(table.loc["dead", "psi_valid"])


def test_what_was_steady_and_explodes_is_named(tmp_path, params):
    made = features()
    for split in SPLITS:
        made[split]["burst"] = np.zeros(ROWS[split])
        made[split]["jitter"] = 1e-9 * np.random.default_rng(1).normal(size=ROWS[split])
    made["train"]["burst"][7] = 1.0
    made["test"]["burst"][3] = 50.0
    made["test"]["jitter"][3] = 1.0
    found, table = audit(tmp_path, made, params)
    assert found["explodes_later"].columns == ["burst", "jitter"]
    assert table.loc["burst", "largest_z_test"] == pytest.approx(50 * np.sqrt(30_000), rel=1e-3)
    assert found["explodes_later"].strength == table["largest_z_test"].max()


def test_of_many_features_one_that_may_have_moved_by_chance_is_no_drift(
    tmp_path, params, monkeypatch
):
    """Of five, each p-value must be a fifth of 0.01 (Bonferroni)."""
    made = features()
    made["test"]["noise"] += 1.0
    for p_value, kinds in ((0.003, []), (0.001, ["drift"])):
        monkeypatch.setattr("scipy.stats.ks_2samp", lambda *_, p=p_value: SimpleNamespace(pvalue=p))
        assert list(audit(tmp_path / str(p_value), made, params)[0]) == kinds


@pytest.mark.parametrize("sign", [1, -1])
def test_a_price_that_leaves_trains_range_is_told_from_drift(tmp_path, params, sign):
    """Above it, or below."""
    made = features()
    price = 100 + sign * np.arange(sum(ROWS.values())) / 1000
    for split, start in zip(SPLITS, (0, 30_000, 40_000), strict=True):
        made[split]["price"] = price[start : start + ROWS[split]]
    found, table = audit(tmp_path, made, params)
    assert list(found) == ["leaves_train_range"]
    assert found["leaves_train_range"].columns == ["price"]
    assert table.loc["price", ["outside_valid", "outside_test"]].tolist() == [1.0, 1.0]


def test_a_feature_whose_values_go_missing_drifts_by_its_share_of_them(tmp_path, params):
    made = features()
    made["test"]["noise"][::2] = np.nan
    _, table = audit(tmp_path, made, params)
    # log(1/2 ÷ least share) on half of the rows, and log(1/2) on each decile that lost half.
    assert table.loc["noise", "psi_test"] == pytest.approx(
        (0.5 - 1e-4) * np.log(0.5 / 1e-4) - 0.5 * np.log(0.5), rel=0.02
    )


def test_values_without_a_number_count_nowhere_else(tmp_path, params):
    made = features()
    made["valid"]["noise"][:3] = [np.inf, -np.inf, np.nan]
    _, table = audit(tmp_path, made, params)
    plain = audit(tmp_path / "plain", features(), params)[1]
    assert table.loc["noise", "largest_z_valid"] <= plain.loc["noise", "largest_z_valid"]
    assert table.loc["noise", "outside_valid"] <= plain.loc["noise", "outside_valid"] + 1e-6


def test_the_stability_index_of_normals_apart_is_near_its_closed_form():
    """Σ (q − p) log(q / p) of N(0, 1) and N(δ, 1) is δ² in the limit of fine bins."""
    rng = np.random.default_rng(2)
    train, later = rng.normal(size=(2, 1 << 15))
    assert _stability_index(train, later) < 2e-3
    indices = [_stability_index(train, later + shift) for shift in (0.25, 0.5, 1.0)]
    assert indices == sorted(indices)
    assert indices[1] == pytest.approx(0.25, rel=0.2)


def test_features_that_are_not_the_contracts_are_refused(tmp_path, params):
    folder, contract = write(tmp_path, features())
    names = ("other", *contract.names[1:])
    other = Contract(**{**vars(contract), "names": names})
    with pytest.raises(InputError, match="no column 'other'"):
        check(folder, other, params.label)


def test_prices_of_a_real_illiquid_day_leave_the_range_of_its_morning(tmp_path, params, realdata):
    name = "BRLBTC-data-21-06-2020.h5"
    params = params.model_copy(update={"data": params.data.model_copy(update={"pattern": name})})
    labels.run(params.data, params.label, features=realdata, out=tmp_path / "label")
    splits.run(
        params.data, params.label, params.split, features=realdata,
        labels=tmp_path / "label" / "labels", out=tmp_path / "split",
    )  # fmt: skip
    out = tmp_path / "normalize"
    normalize.run(params.features, params.normalize, splits=tmp_path / "split", out=out)
    found, table = check(tmp_path / "split" / "0", read_contract(out / "0.json"), params.label)
    assert {one.kind for one in found} == {"leaves_train_range", "drift"}
    assert len(table) == 100
    assert (
        table.loc[table["kind"] == "leaves_train_range", "feature"].str.contains("price").sum() > 10
    )
