"""The audit as a step: what it writes, when it stops, and what its correlograms measure."""

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from conftest import day_frame
from scipy.signal import lfilter

from alpha.audit import leads, peers, run, sample
from alpha.audit.findings import NAME, SEVERITIES, Finding, Findings, read
from alpha.core.artifacts import read_json
from alpha.core.errors import InputError
from alpha.data.columns import LABEL_COLUMNS
from alpha.label import run as label
from alpha.normalize import run as normalize
from alpha.split import run as split

ROWS = 6000


def prepared(folder: Path, params, frame: pd.DataFrame, *, file_rows: int = 0) -> dict[str, Path]:
    """What the steps before the audit write of a frame, in files of so many rows or in one."""
    features, contracts = folder / "features", folder / "normalize"
    features.mkdir(parents=True)
    for number, first in enumerate(range(0, len(frame), file_rows or len(frame))):
        rows = slice(first, first + (file_rows or len(frame)))
        frame.iloc[rows].to_hdf(features / f"{number}.h5", key="df", mode="w")
    label.run(params.data, params.label, features=features, out=folder / "labels")
    paths = {"features": features, "labels": folder / "labels" / "labels"}
    split.run(params.data, params.label, params.split, **paths, out=folder / "splits")
    splits = folder / "splits"
    normalize.run(params.features, params.normalize, splits=splits, out=contracts)
    return {**paths, "splits": splits, "normalization": contracts}


def audit(folder: Path, params, frame: pd.DataFrame, *, file_rows: int = 0, **changes: object):
    paths = prepared(folder, params, frame, file_rows=file_rows)
    given = params.audit.model_copy(update=changes)
    out = folder / "audit"
    run.run(params.data, params.label, params.split, given, **paths, out=out)
    return read(out), out


def leaking(rows: int = ROWS) -> pd.DataFrame:
    """Honest noise, and the mid ten rows later."""
    frame = day_frame(rows)
    mid = (frame["best_bid"] + frame["best_ask"]) / 2
    return frame.assign(tomorrow=mid.shift(-10).ffill())


def test_a_column_that_knows_the_mid_ahead_is_named_with_its_lead_and_noise_is_not(
    tmp_path, params
):
    found, _ = audit(tmp_path, params, leaking())
    named = {name: one for one in found.leaks for name in one.columns}
    assert list(named) == ["tomorrow"]
    assert named["tomorrow"].lead_seconds == pytest.approx(10, abs=1)
    assert "tomorrow" in named["tomorrow"].sentence


def test_an_audit_of_honest_features_finds_no_leak_and_has_figures_of_each(tmp_path, params):
    found, out = audit(tmp_path, params, day_frame(ROWS))
    assert not found.leaks
    figures = pd.read_csv(out / "features.csv", index_col="feature")
    features = [name for name in day_frame(10).columns if not name.startswith("best")]
    assert list(figures.index) == features
    assert figures[["ahead", "edge", "early", "psi_valid", "psi_test"]].notna().all(axis=None)


def test_what_a_leak_tells_late_ends_at_its_reach_and_chance_is_far_below(tmp_path, params):
    """How far the mid goes within 30 rows is worth nothing 30 rows later."""
    frame = day_frame(ROWS)
    mid = (frame["best_bid"] + frame["best_ask"]) / 2
    moved = np.max([abs(mid.shift(-rows) / mid - 1) for rows in range(1, 31)], axis=0)
    _, out = audit(tmp_path, params, frame.assign(moved=moved))
    figures = pd.read_csv(out / "features.csv", index_col="feature").loc["moved"]
    assert figures["ic_0_late"] > figures["ic_5_late"] > figures["ic_by_chance"]
    assert abs(figures["ic_30_late"]) < figures["ic_by_chance"]


@pytest.mark.parametrize("figure", ["max", "min", "mean", "last"])
@pytest.mark.parametrize("log", [False, True])
def test_what_is_0_at_its_days_high_low_mean_or_close_is_a_leak_and_so_far_is_not(
    tmp_path, params, figure, log
):
    frame = day_frame(ROWS, start="2024-01-01T23:10:00")
    price = (frame["best_bid"] + frame["best_ask"]) / 2
    days = (np.log(price) if log else price).groupby(price.index.floor("D"))
    so_far = days.transform(
        lambda of: of.expanding().agg(figure) if figure != "last" else of.iloc[0]
    )
    price = days.transform(np.array)
    named = frame.assign(day=price - days.transform(figure), so_far=price - so_far)
    found, _ = audit(tmp_path, params, named)
    assert {name for one in found.leaks for name in one.columns} == {"day"}


@pytest.mark.parametrize("figure", ["max", "mean", "last"])
def test_a_day_may_be_in_several_files(tmp_path, params, figure):
    frame = day_frame(ROWS)
    price = (frame["best_bid"] + frame["best_ask"]) / 2
    named = frame.assign(
        day=price - price.agg(figure) if figure != "last" else price - price.iloc[-1]
    )
    found, _ = audit(tmp_path, params, named, file_rows=1700)
    assert [one.kind for one in found.leaks] == ["day_figure"]


def test_a_high_that_is_the_open_was_known_all_day(tmp_path, params):
    frame = day_frame(ROWS)
    frame.iloc[0, :2] += 500.0
    price = (frame["best_bid"] + frame["best_ask"]) / 2
    found, _ = audit(tmp_path, params, frame.assign(below=price - price.max()))
    assert price.argmax() == 0
    assert not found.leaks


def test_the_same_data_give_the_same_bytes(tmp_path, params):
    one, other = (audit(tmp_path / name, params, leaking())[1] for name in ("one", "other"))
    for file in sorted(one.rglob("*.*")):
        assert file.read_bytes() == (other / file.relative_to(one)).read_bytes()


def test_what_training_waits_for_says_nothing_of_findings(tmp_path, params):
    """Else a new finding would train every model again."""
    _, out = audit(tmp_path, params, leaking())
    content = read_json(out / "passed" / "0.json")
    contract = json.loads((tmp_path / "normalize" / "0.json").read_text())
    assert content == {"contract": contract["hash"]}


def test_a_leak_stops_the_run_if_it_is_to_and_nothing_is_written(tmp_path, params, capsys):
    with pytest.raises(InputError, match=r"audit.fail_on.*found 1: knows_future|early"):
        audit(tmp_path, params, leaking(), fail_on="leak")
    assert not (tmp_path / "audit" / NAME).exists()
    assert "tomorrow" in capsys.readouterr().err


def test_of_findings_only_leaks_are_leaks():
    about = {"kind": "any", "columns": [], "where": "", "sentence": "", "what_to_do": ""}
    every = [Finding(**about, severity=severity) for severity in SEVERITIES]
    assert [one.severity for one in Findings(findings=every, splits="").leaks] == ["leak"]


def test_a_sample_of_stretches_has_at_most_the_rows_asked_for_and_all_of_a_short_day(
    tmp_path, params
):
    from alpha.data.features import open_folder

    paths = prepared(tmp_path, params, day_frame(60_000))
    folder = open_folder(paths["features"], params.data)

    def of(rows: int) -> sample.Sample:
        return sample.read(folder, params.label, labels=paths["labels"], rows=rows)

    whole, some = of(100_000), of(52_000)
    assert np.isfinite(whole.mid).sum() == len(whole.mid) == 60_000
    assert np.isfinite(some.mid).sum() == 52_000
    assert len(some.mid) == 52_000 + some.reach  # so many rows keep its two stretches apart
    assert some.step_seconds == pytest.approx(1.0)
    # Stretches are rows of the whole, as they are.
    np.testing.assert_array_equal(some.features[:, :26_000], whole.features[:, :26_000])
    np.testing.assert_array_equal(some.features[:, -26_000:], whole.features[:, -26_000:])


def sample_of(params, bid, spread, *breaks: int) -> sample.Sample:
    """Of a row a second, without labels or features."""
    rows = len(bid)
    nothing = np.full((rows, len(LABEL_COLUMNS)), np.nan), np.zeros((rows, 0))
    return sample.make(
        np.arange(rows) * 10**9, np.column_stack((bid, bid + spread)), *nothing, (), params.label,
        np.array(breaks, dtype=int),
    )  # fmt: skip


def test_no_move_is_from_one_stretch_to_the_next(params):
    """Of ten rows in two stretches eight have one before them."""
    made = sample_of(params, 100.0 + np.arange(10.0), 1.0, 5)
    assert np.isfinite(made.mid).sum() == 10
    assert np.isfinite(made.moves).sum() == 8


def test_a_surprise_is_hardly_related_to_the_one_before_it(params):
    """Of a spread that keeps nine tenths of itself from row to row."""
    rng = np.random.default_rng(0)
    spread = np.exp(lfilter([1.0], [1.0, -0.9], rng.normal(size=20_000)))
    made = sample_of(params, 1000.0 + np.cumsum(rng.normal(size=20_000)), spread)
    found = sample.surprises(made)["spread"].astype(float)
    assert abs(np.sum(found[1:] * found[:-1])) < 0.05
    ranks = sample.ranks(made.spread)
    assert np.sum(ranks[1:] * ranks[:-1]) > 0.8
    # It is what the row itself brings: √(1 − 0.9²) of it.
    assert np.sum(found * ranks) > 0.3


@pytest.fixture
def surprise() -> np.ndarray:
    return sample.unit(np.random.default_rng(0).normal(size=20_000))


def test_a_correlogram_is_the_sum_of_products_at_each_lead(surprise):
    x = sample.unit(np.random.default_rng(1).normal(size=len(surprise)))
    found = leads.Correlograms({"e": surprise}, reach=100).of(x)["e"]
    for lead in (-7, 0, 3, 100):
        shifted = np.roll(surprise, -lead)
        if lead:
            shifted[-lead:] = 0 if lead > 0 else shifted[-lead:]
            shifted[:-lead] = 0 if lead < 0 else shifted[:-lead]
        assert found[lead] == pytest.approx(float(np.sum(x * shifted)), abs=1e-5)


@pytest.mark.parametrize("share", [1.0, 0.3])
def test_the_share_that_comes_later_explains_is_measured_as_planted(surprise, share):
    """Of a sum of the next 20 surprises in noise, the R² is the sum's share of the variance."""
    known = pd.Series(surprise)[::-1].rolling(20).sum().shift(1)[::-1].fillna(0).to_numpy()
    noise = np.random.default_rng(2).normal(size=len(known))
    x = sample.unit(np.sqrt(share) * known / known.std() + np.sqrt(1 - share) * noise)
    correlograms = leads.Correlograms({"e": surprise}, reach=100)
    c = correlograms.of(x)["e"]
    ahead, null, lead = correlograms.ahead(c)
    assert ahead == pytest.approx(share, abs=0.06)
    assert ahead > 10 * null
    assert 18 <= lead <= 20
    edge, lead = correlograms.edge(c)
    assert edge > 8
    assert lead == pytest.approx(20, abs=4)


def test_what_fades_has_no_edge(surprise):
    """An exponential decay ahead: convex, as of honest features that foresee something."""
    ahead = np.exp(-np.arange(200) / 30)
    x = sample.unit(np.convolve(surprise[::-1], ahead)[: len(surprise)][::-1])
    correlograms = leads.Correlograms({"e": surprise}, reach=300)
    assert correlograms.edge(correlograms.of(x)["e"])[0] < 8


def test_columns_that_show_events_later_or_earlier_than_quotes_are_placed_by_rows():
    rng = np.random.default_rng(3)
    events = np.abs(rng.standard_t(3, size=30_000))
    columns = [events, events, np.roll(events, -2), np.roll(events, 5), events]
    noisy = [sample.unit(one + 0.5 * rng.normal(size=len(one))) for one in columns]
    found = peers.links(np.stack(noisy), reach=50)
    position, strength = peers.positions(found, np.zeros(5, dtype=bool))
    assert position.tolist() == [0, 0, 2, -5, 0]
    assert (strength[2:] > 0.5).all()


def test_a_suspect_column_places_no_other():
    """It alone links two others to the quotes, and they would be as early as it is."""
    linked = [(0.9, 2, 0, 3), (0.9, 0, 2, -3), (0.8, 4, 3, 0), (0.8, 3, 4, 0), (0.8, 3, 2, 0)]
    found = pd.DataFrame(linked, columns=["strength", "one", "other", "lead"])
    position, _ = peers.positions(found, np.array([False, False, True, False, False]))
    assert position.tolist() == [0, 0, 3, 0, 0]


def test_samples_at_regular_times_are_seen_and_events_are_not():
    rng = np.random.default_rng(4)
    seconds = np.arange(20_000.0)
    sampled = np.repeat(rng.normal(size=1000), 20)
    assert sample.regular_rows(sampled, seconds).tolist() == list(range(20, 20_000, 20))
    at_events = np.cumsum(rng.random(20_000) < 0.05).astype(float)
    assert sample.regular_rows(at_events, seconds) is None
