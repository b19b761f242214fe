"""Folds: what of a fold may touch what, how tests join into paths, and what is written of them."""

import json
from itertools import combinations, pairwise
from math import comb
from typing import NamedTuple

import numpy as np
import pandas as pd
import pytest
from conftest import PARAMS_TEXT, day_frame, random_quotes, split_params
from hypothesis import assume, given
from hypothesis import strategies as st
from purgedcv import CombinatorialPurgedCV, WalkForwardSplit

from alpha.__main__ import main
from alpha.check import parse
from alpha.core.artifacts import read_json
from alpha.core.errors import InputError
from alpha.data.columns import SPLITS
from alpha.data.features import open_folder
from alpha.data.params import Label
from alpha.data.splits import split_pieces
from alpha.label import run as labels
from alpha.label.targets import compute
from alpha.normalize import run as normalize
from alpha.split import run as splits
from alpha.split.ranges import KEPT, row_status
from alpha.split.schemes import chosen, scheme

NS = 1_000_000_000
TARGETS = Label.model_fields["target"].annotation.__args__


def walk(window="rolling", *, of="seconds", **spans):
    """Params of a walk, in days or in seconds."""
    given = {"days": None, "seconds": None, of: spans}
    return {"scheme": "walk_forward", "walk_forward": {"window": window, **given}}


def groups(count, tests):
    """Params of combinatorial splits."""
    given = {"groups": count, "test_groups": tests}
    return {"scheme": "combinatorial", "combinatorial": given}


def folds_of(params, time_ns, max_gap_ns=10**15):
    return scheme(params, lambda: [time_ns], max_gap_ns=max_gap_ns)


def rows_of(fold, time_ns, horizon_ns):
    """The rows, all of them labelled, that each split of a fold keeps."""
    sound = np.zeros(len(time_ns), dtype=np.int8)
    which, status = row_status(time_ns, sound, fold, horizon_ns=horizon_ns)
    name = np.array([*(span.name for span in fold), "none"])[which]
    return {split: np.flatnonzero((name == split) & (status == KEPT)) for split in SPLITS}


class Drawn(NamedTuple):
    """Irregular rows, and params under which boundaries lie on rows and beside them."""

    params: object
    time_ns: np.ndarray
    horizon_ns: int

    @property
    def folds(self):
        return folds_of(self.params, self.time_ns).folds


@st.composite
def drawn(draw):
    kind = draw(st.sampled_from(["holdout", "seconds", "days", "combinatorial"]))
    # Days begin at midnight, and rows a quarter of a day apart lie there, too.
    unit = 21_600 if kind == "days" else 1
    steps = draw(st.lists(st.integers(1, 6), min_size=12, max_size=80))
    time_ns = (draw(st.integers(0, 3)) + np.cumsum(steps)) * unit * NS
    changes = {}
    if kind in ("seconds", "days"):
        lengths = {name: draw(st.integers(1, 3 if kind == "days" else 20)) for name in SPLITS}
        step = lengths["test"] + draw(st.integers(0, 3))
        window = draw(st.sampled_from(["rolling", "expanding"]))
        changes = walk(window, of=kind, **lengths, step=step)
    elif kind == "combinatorial":
        count = draw(st.integers(3, 6))
        changes = groups(count, draw(st.integers(1, count - 2)))
    embargo = draw(st.integers(0, 9)) * unit / 2
    found = Drawn(
        split_params(**changes, embargo_seconds=embargo),
        time_ns,
        draw(st.integers(1, 12)) * unit * NS // 2,
    )
    try:
        _ = found.folds
    except InputError:  # fewer rows than one fold needs
        assume(False)
    return found


@given(drawn())
def test_no_window_of_a_row_touches_one_of_another_split(of):
    for fold in of.folds:
        rows = rows_of(fold, of.time_ns, of.horizon_ns)
        for one, other in combinations(SPLITS, 2):
            a, b = of.time_ns[rows[one], None], of.time_ns[rows[other]]
            assert not ((a <= b + of.horizon_ns) & (b <= a + of.horizon_ns)).any()


@given(drawn())
def test_around_a_row_from_the_embargo_before_it_to_its_window_s_end_all_is_of_its_split(of):
    for fold in of.folds:
        role = np.full(len(of.time_ns), "none", dtype="U5")
        for span in fold:
            role[(of.time_ns >= span.start_ns) & (of.time_ns < span.end_ns)] = span.name
        for name, rows in rows_of(fold, of.time_ns, of.horizon_ns).items():
            for now in of.time_ns[rows]:
                first, last = now - of.params.embargo_ns, now + of.horizon_ns
                near = role[(of.time_ns >= first) & (of.time_ns <= last)]
                assert set(near) <= {name, "none"}
                assert last < next(span.end_ns for span in fold if now < span.end_ns)


@given(drawn())
def test_no_two_ranges_of_a_fold_share_a_moment(of):
    for fold in of.folds:
        assert all(span.start_ns < span.end_ns for span in fold)
        assert all(one.end_ns <= other.start_ns for one, other in pairwise(fold))
        assert {span.name for span in fold} == set(SPLITS)


@given(drawn())
def test_folds_are_the_same_however_files_are_cut(of):
    files = np.array_split(of.time_ns, 4)
    assert scheme(of.params, lambda: files, max_gap_ns=10**15).folds == of.folds


@given(drawn())
def test_tests_of_a_walk_ascend_without_overlap_and_are_the_one_path(of):
    assume(of.params.scheme == "walk_forward")
    found = folds_of(of.params, of.time_ns)
    tests = [fold[-1] for fold in found.folds]
    assert [span.name for fold in found.folds for span in fold] == [*SPLITS] * len(tests)
    assert all(one.end_ns <= other.start_ns for one, other in pairwise(tests))
    [path] = found.paths
    assert [(block.start_ns, block.end_ns) for block in path] == [
        (test.start_ns, test.end_ns) for test in tests
    ]
    assert [block.fold for block in path] == [*range(len(tests))]


def test_a_walk_of_days_begins_at_midnight_and_ends_with_the_last_day():
    """Rows from the noon of the second to that of the seventh: six days."""
    time_ns = np.arange(36, 156, 2) * 3600 * NS
    days = {"train": 2, "valid": 1, "test": 1, "step": 1}
    for window, starts in (("rolling", [1, 2, 3]), ("expanding", [1, 1, 1])):
        found = folds_of(split_params(**walk(window, of="days", **days)), time_ns).folds
        bounds = [
            [fold[0].start_ns, *(span.end_ns for span in fold)] for fold in found
        ]  # fmt: skip
        in_days = (np.array(bounds) / (86_400 * NS)).tolist()
        assert in_days == [[first, 3 + at, 4 + at, 5 + at] for at, first in enumerate(starts)]


def test_a_walk_of_seconds_counts_observed_time():
    """Two sessions of 100 s, a day apart, of which 10 s are a gap's share."""
    first = np.arange(101) * NS
    time_ns = np.concatenate([first, 86_400 * NS + first])
    params = split_params(**walk(train=60, valid=20, test=20, step=30))
    found = folds_of(params, time_ns, max_gap_ns=10 * NS).folds
    assert len(found) == 4
    # 110 s are observed up to the first row of the second session.
    assert [found[1][0].start_ns, found[1][-1].end_ns] == [30 * NS, (86_400 + 20) * NS]


@pytest.mark.parametrize(("count", "tests"), [(3, 1), (4, 2), (6, 2), (6, 3), (7, 4)])
def test_every_choice_of_groups_is_tested_and_paths_have_each_group_once(count, tests):
    time_ns = np.cumsum(np.random.default_rng(count).integers(1, 9, 500)) * NS
    found = folds_of(split_params(**groups(count, tests)), time_ns)
    assert len(found.folds) == comb(count, tests)
    assert len(found.paths) == comb(count, tests) * tests // count == comb(count - 1, tests - 1)
    for path in found.paths:
        assert len(path) == count
        assert all(one.end_ns == other.start_ns for one, other in pairwise(path))
        assert (path[0].start_ns, path[-1].end_ns) == (time_ns[0], time_ns[-1] + 1)
        for block in path:
            test = [span for span in found.folds[block.fold] if span.name == "test"]
            assert any(one.start_ns <= block.start_ns < block.end_ns <= one.end_ns for one in test)
    each = [(block.fold, block.start_ns) for path in found.paths for block in path]
    assert len(set(each)) == len(each) == tests * len(found.folds)


def test_paths_are_joined_as_the_book_joins_them():
    """Advances in Financial Machine Learning, figure 12.1: six groups, two of them tested."""
    found = folds_of(split_params(**groups(6, 2)), np.arange(601) * NS)
    assert [[block.fold for block in path] for path in found.paths] == [
        [0, 0, 1, 2, 3, 4], [1, 5, 5, 6, 7, 8], [2, 6, 9, 9, 10, 11],
        [3, 7, 10, 12, 12, 13], [4, 8, 11, 13, 14, 14],
    ]  # fmt: skip


def test_valid_is_the_last_group_to_train_on_before_the_first_test_else_the_last_of_all():
    found = folds_of(split_params(**groups(4, 2)), np.arange(401) * NS)
    named = [
        " ".join(
            f"{span.name}:{round((span.end_ns - span.start_ns) / (100 * NS))}" for span in fold
        )
        for fold in found.folds
    ]
    assert named == [
        "test:2 train:1 valid:1", "test:1 train:1 test:1 valid:1", "test:1 train:1 valid:1 test:1",
        "valid:1 test:2 train:1", "valid:1 test:1 train:1 test:1", "train:1 valid:1 test:2",
    ]  # fmt: skip


@pytest.mark.parametrize("target", TARGETS)
@pytest.mark.parametrize(
    "changes",
    [groups(5, 2), walk(train=300, valid=150, test=120, step=120)],
    ids=["combinatorial", "walk"],
)
def test_whatever_quotes_do_in_a_test_no_label_that_is_trained_or_watched_changes(
    params, target, changes
):
    """Purging, by the labels themselves: the quotes of whole test blocks are drawn anew. Those of
    rows that are purged do change."""
    rng = np.random.default_rng(0)
    time_ns = np.cumsum(rng.integers(1, 4, 600)) * NS
    label = params.label.model_copy(
        update={"target": target, "horizon_seconds": 40.0, "threshold_bps": 50.0}
    )
    split = split_params(**changes, embargo_seconds=0)
    before = random_quotes(rng, len(time_ns))
    known = compute(time_ns, *before, label)
    moved = 0
    for fold in folds_of(split, time_ns).folds:
        bid, ask = (column.copy() for column in before)
        for span in fold:
            tested = (time_ns >= span.start_ns) & (time_ns < span.end_ns)
            if span.name == "test":
                bid[tested] = 1.0 + rng.uniform(size=tested.sum())
                ask[tested] = 3.0
        now = compute(time_ns, bid, ask, label)
        rows = rows_of(fold, time_ns, label.horizon_ns)
        fitted = np.concatenate([rows["train"], rows["valid"]])
        assert len(rows["train"]) > 50
        for one, other in zip(known, now, strict=True):
            assert one[fitted].tobytes() == other[fitted].tobytes()
        left = ~np.isin(np.arange(len(time_ns)), np.concatenate([fitted, rows["test"]]))
        moved += (known.alpha_outcome[left] != now.alpha_outcome[left]).sum()
    assert moved > 0


@pytest.mark.parametrize(("horizon", "embargo"), [(1, 0), (7, 0), (7, 5), (3, 12)])
@pytest.mark.parametrize(("count", "tests"), [(5, 2), (6, 1), (6, 3)])
def test_combinatorial_rows_are_those_of_purgedcv(count, tests, horizon, embargo):
    """A row a second. Its embargo begins as the test's last window ends, ours with the group, and
    it holds out no valid: where that is among its test groups, its train is ours. Beyond it, ours
    drops what of test is of both sides of a boundary: rows whose window leaves their run of groups,
    and the embargo at its start."""
    rows = 60 * count
    time_ns = np.arange(rows) * NS
    split = split_params(**groups(count, tests), embargo_seconds=horizon + embargo)
    known = rows - horizon  # the last have no label
    times = pd.Series(pd.to_datetime(time_ns))
    # Their windows are open at the end, ours closed.
    until = times + pd.Timedelta(horizon * NS + 1, "ns")

    def theirs(held_out):
        cv = CombinatorialPurgedCV(
            n_splits=count, n_test_groups=held_out, prediction_times=times, evaluation_times=until,
            embargo=pd.Timedelta(embargo, "s"),
        )  # fmt: skip
        found = cv.split(np.empty((rows, 1)))
        return dict(zip(combinations(range(count), held_out), found, strict=True))

    with_valid, without = theirs(tests + 1), theirs(tests)
    for of, fold in zip(
        combinations(range(count), tests), folds_of(split, time_ns).folds, strict=True
    ):
        ours = rows_of(fold, time_ns, horizon * NS)
        [valid] = set(np.digitize(ours["valid"], np.arange(1, count) * 60))
        train, _ = with_valid[tuple(sorted([*of, valid]))]
        assert ours["train"].tolist() == [row for row in train if row < known]
        _, test = without[of]
        within = [
            row
            for row in test
            if row + horizon in test
            and row < known
            and (not (first := run_start(test, row)) or row >= first + horizon + embargo)
        ]
        assert ours["test"].tolist() == within


def run_start(rows, row):
    """The first of the consecutive rows that a row is one of."""
    before = rows[rows <= row]
    return before[np.flatnonzero(np.diff(before, prepend=-2) > 1)[-1]]


@pytest.mark.parametrize("horizon", [1, 7])
@pytest.mark.parametrize("window", ["rolling", "expanding"])
def test_walk_forward_rows_are_those_of_purgedcv(window, horizon):
    """Blocks of 40 rows a second, without an embargo. Our valid is its test, and our test its next
    one, without the rows whose window leaves it. It counts the rows that train keeps, and so takes
    as many more from before."""
    size, train = 40, 120
    rows = train + 6 * size + 1
    time_ns = np.arange(rows) * NS
    spans = {"train": train, "valid": size, "test": size, "step": size}
    split = split_params(**walk(window, **spans), embargo_seconds=0)
    times = pd.Series(pd.to_datetime(time_ns[:-1]))
    cv = WalkForwardSplit(
        n_splits=6, test_size=size, prediction_times=times,
        evaluation_times=times + pd.Timedelta(horizon * NS + 1, "ns"),
        **({"window": "sliding", "train_size": train - horizon} if window == "rolling" else {}),
    )  # fmt: skip
    theirs = list(cv.split(np.empty((rows - 1, 1))))
    found = folds_of(split, time_ns).folds
    assert len(found) == len(theirs) - 1
    for fold, (its_train, its_valid), (_, its_test) in zip(found, theirs, theirs[1:], strict=False):
        ours = rows_of(fold, time_ns, horizon * NS)
        assert ours["train"].tolist() == its_train.tolist()
        assert ours["valid"].tolist() == its_valid[:-horizon].tolist()
        assert ours["test"].tolist() == its_test[:-horizon].tolist()


DAYS = 6
WALK = walk(of="days", train=2, valid=1, test=1, step=1)
SCHEMES = {"walk": WALK, "expanding": walk("expanding", of="days", **WALK["walk_forward"]["days"]),
           "combinatorial": groups(4, 2)}  # fmt: skip


class Market:
    """Days of ten minutes at noon, with some unsound quotes, and their labels."""

    def __init__(self, folder, params, *, days=DAYS):
        self.folder, self.params = folder, params
        self.features = folder / "features"
        self.features.mkdir(parents=True)
        for day in range(1, days + 1):
            self.append(day)

    def append(self, day, change=None):
        frame = day_frame(600, start=f"2024-01-0{day}T12:00:00", seed=day)
        frame.iloc[200 + day, 0] = np.nan
        if change is not None:
            change(frame)
        frame.to_hdf(self.features / f"XBT-data-0{day}-01-2024.h5", key="df", mode="w")

    def split(self, changes, out="split"):
        """What `alpha split` writes of all folds."""
        params, out = self.params, self.folder / out
        labels.run(params.data, params.label, features=self.features, out=self.folder / "label")
        section = split_params(**changes, embargo_seconds=20)
        folder = open_folder(self.features, params.data)
        found = scheme(section, folder.each_time, max_gap_ns=params.label.max_gap_ns)
        section = section.model_copy(update={"folds": tuple(range(len(found.folds)))})
        splits.run(
            params.data, params.label, section,
            features=self.features, labels=self.folder / "label" / "labels", out=out,
        )  # fmt: skip
        return out, found

    def every_row(self):
        """Features and labels of all rows, by their times."""
        paths = (self.features, self.folder / "label" / "labels")
        features, known = (
            pd.concat([pd.read_hdf(path, "df") for path in sorted(folder.glob("*.h5"))])
            for folder in paths
        )
        whole = features.drop(columns=["best_bid", "best_ask"]).join(known)
        return whole.set_index(whole.index.as_unit("ns"))


@pytest.fixture
def market(tmp_path, params):
    return Market(tmp_path, params)


def read_back(split):
    """The rows of a split, as the steps read them."""
    parts = []
    for piece in split_pieces(split):
        with piece.open() as frame:
            names = list(frame.columns)
            values = [frame.column(name) for name in names]
            index = pd.to_datetime(frame.time_ns(), utc=True)
            parts.append(pd.DataFrame(dict(zip(names, values, strict=True)), index=index))
    return pd.concat(parts)


def contents(out):
    """Of each split of each fold, its rows and its rows.json."""
    return {
        path.parent.relative_to(out): (read_back(path.parent).to_numpy().tobytes(),
                                       path.read_bytes())
        for path in sorted(out.glob("*/*/rows.json"))
    }  # fmt: skip


@pytest.mark.parametrize("changes", SCHEMES.values(), ids=SCHEMES)
def test_pieces_are_the_rows_that_are_kept_with_features_and_labels_as_they_are(market, changes):
    out, found = market.split(changes)
    whole = market.every_row()
    time_ns = whole.index.asi8
    assert json.loads((out / "paths.json").read_text())["paths"] == [
        [block._asdict() for block in path] for path in found.paths
    ]
    for number, fold in enumerate(found.folds):
        which, status = row_status(
            time_ns, whole.status.to_numpy(), fold, horizon_ns=market.params.label.horizon_ns
        )
        name = np.array([*(span.name for span in fold), "none"])[which]
        summary = json.loads((out / str(number) / "summary.json").read_text())
        assert sum(summary["counts"].values()) == summary["input_rows"] == DAYS * 600
        for split in SPLITS:
            kept = whole[(name == split) & (status == KEPT)]
            read = read_back(out / str(number) / split)
            assert (read.index == kept.index).all()
            for column in kept:
                np.testing.assert_array_equal(read[column], kept[column])
            assert summary["splits"][split]["kept"] == len(kept)


@pytest.mark.parametrize("name", ["walk", "combinatorial"])
def test_rows_are_stored_once_and_only_those_with_a_label(market, name):
    out, _ = market.split(SCHEMES[name])
    whole = market.every_row()
    stored = pd.concat([pd.read_hdf(path, "df") for path in sorted(out.glob("rows/*.h5"))])
    pd.testing.assert_frame_equal(
        stored, whole[whole.status == 0], check_freq=False, check_names=False
    )
    assert sorted(out.rglob("*.h5")) == sorted(out.glob("rows/*.h5"))


def test_holdout_has_its_three_folders_of_files_and_nothing_else(market):
    out, _ = market.split({"fractions": {"train": 0.6, "valid": 0.2, "test": 0.2}})
    assert {str(path.relative_to(out)) for path in out.glob("*")} == {"0", "paths.json"}
    assert {path.name for path in (out / "0").glob("*")} == {*SPLITS, "summary.json"}
    for split in SPLITS:
        files = [path.name for path in (out / "0" / split).iterdir() if path.suffix != ".h5"]
        assert files == ["rows.json"]


@pytest.mark.parametrize("name", ["walk", "combinatorial"])
def test_a_split_s_digest_changes_if_and_only_if_its_rows_do(market, name):
    """So a fold is trained again for its own rows alone. Of the third day a feature changes, or
    an outcome by a quote, or a feature of a row without a label."""
    before = contents(market.split(SCHEMES[name])[0])
    for row, column, moves in ((100, "spread", True), (100, "best_ask", True), (203, "spread", 0)):

        def change(frame, row=row, column=column):
            frame.iloc[row, frame.columns.get_loc(column)] += 5

        market.append(3, change)
        after = contents(market.split(SCHEMES[name])[0])
        moved = [split for split in before if before[split][0] != after[split][0]]
        assert moved == [split for split in before if before[split][1] != after[split][1]]
        assert bool(moved) == moves
        assert len(moved) < len(before)


@pytest.mark.parametrize("name", ["walk", "expanding"])
def test_a_day_more_adds_a_fold_and_changes_nothing_that_others_read(market, name):
    """Of a walk, nor their contracts; summaries count the new rows as outside."""
    old, found = market.split(SCHEMES[name], "old")
    market.append(DAYS + 1)
    new, more = market.split(SCHEMES[name], "new")
    assert more.folds[:-1] == found.folds
    before, after = contents(old), contents(new)
    assert {split: after[split] for split in before} == before
    assert {str(split.parent) for split in after.keys() - before.keys()} == {str(len(found.folds))}
    sections = market.params.features, market.params.normalize
    for out in (old, new):
        normalize.run(*sections, splits=out, out=out.with_suffix(".contracts"))
    for path in old.with_suffix(".contracts").iterdir():
        assert path.read_bytes() == (new.with_suffix(".contracts") / path.name).read_bytes()


def test_a_walk_may_be_a_part_of_its_folds_and_other_schemes_may_not():
    time_ns = np.arange(601) * NS
    spans = {"train": 100, "valid": 100, "test": 100, "step": 100}
    params = split_params(**walk(**spans), folds=[1, 3])
    whole = folds_of(params, time_ns)
    part = chosen(params, whole)
    assert part.folds == [whole.folds[1], whole.folds[3]]
    assert [[block.fold for block in path] for path in part.paths] == [[1, 3]]
    for changes, folds in ((walk(**spans), [4]), (groups(3, 1), [0, 1]), ({}, [1])):
        params = split_params(**changes, folds=folds)
        with pytest.raises(InputError, match=r"split.folds: must be .*`alpha folds --write`"):
            chosen(params, folds_of(params, time_ns))


@pytest.mark.parametrize("scheme_name", ["walk", "combinatorial"])
def test_a_list_of_rows_that_is_damaged_is_refused_in_one_line(market, scheme_name):
    split = market.split(SCHEMES[scheme_name])[0] / "0" / "train"
    good = read_json(split / "rows.json")
    name, start, _, digest = good["rows"][0]
    for rows, message in (
        ([], "rows.json: rows: list should have at least 1 item"),
        ([[name, start]], "rows.json: rows.0.2: field required"),
        ([[name, start, 10**6, digest]], "must have 1000000 rows, found "),
        ([["none.h5", 0, 1, digest]], "none.h5"),
        ([["../../none.h5", 0, 1, digest]], "rows.json: rows.0.0: string should match pattern"),
    ):
        (split / "rows.json").write_text(json.dumps(good | {"rows": rows}))
        with pytest.raises(InputError, match=message):
            read_back(split)


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("scheme: holdout", "scheme: kfold", "split.scheme: .*found .kfold."),
        ("folds: [0]", "folds: []", "split.folds: .*found"),
        ("folds: [0]", "folds: [1, 0]", r"split: folds must ascend, found \[1, 0\]"),
        ("folds: [0]", "folds: [0, 0]", r"split: folds must ascend, found \[0, 0\]"),
        ("folds: [0]", "folds: [-1]", r"split.folds.*: .*found -1"),
        ("folds: [0]", "folds: [1.5]", r"split.folds.*: .*found 1.5"),
        ("window: rolling", "window: growing", "split.walk_forward.window: .*found .growing."),
        ("    seconds: null", "    seconds: {train: 1, valid: 1, test: 1, step: 1}",
         "split.walk_forward: give either days or seconds"),
        ("days: {train: 2, valid: 1, test: 1, step: 1}", "days: null",
         "split.walk_forward: give either days or seconds"),
        ("test: 1, step: 1}", "test: 1}",
         "split.walk_forward: must name exactly train, valid, test and step"),
        ("test: 1, step: 1}", "test: 1, step: 1, more: 1}",
         "split.walk_forward: must name exactly train, valid, test and step"),
        ("test: 1, step: 1}", "test: 2, step: 1}",
         r"split.walk_forward: step must be at least test \(2\)"),
        ("days: {train: 2", "days: {train: 0", r"split.walk_forward.days.train: .*found 0"),
        ("groups: 6\n", "groups: 0\n", "split.combinatorial.groups: .*found 0"),
        ("test_groups: 2", "test_groups: 0", "split.combinatorial.test_groups: .*found 0"),
        ("test_groups: 2", "test_groups: 5",
         "split.combinatorial: test_groups must leave .*at most 4 of 6, found 5"),
    ],
)  # fmt: skip
def test_a_bad_param_of_a_scheme_is_refused_in_one_line(old, new, message):
    assert old in PARAMS_TEXT
    with pytest.raises(InputError, match=f"p: {message}") as caught:
        parse(PARAMS_TEXT.replace(old, new), source="p")
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        (walk(train=400, valid=100, test=102, step=102), "must give 1 to 1000 folds, found 0"),
        (walk(train=1, valid=1, test=0.1, step=0.1), "must give 1 to 1000 folds, found 5"),
    ],
)
def test_too_few_or_too_many_folds_are_refused(changes, message):
    with pytest.raises(InputError, match=f"split.walk_forward: {message}"):
        folds_of(split_params(**changes), np.arange(601) * NS)


@pytest.fixture
def workplace(market, monkeypatch):
    """A folder with such data, and a function that writes params.yaml with a walk of days."""
    monkeypatch.chdir(market.folder)
    text = PARAMS_TEXT.replace("dir: results/simulate", "dir: features")
    text = text.replace("scheme: holdout", "scheme: walk_forward  # again and again")

    def write(folds):
        content = text.replace("folds: [0]", folds)
        (market.folder / "params.yaml").write_bytes(content.encode())
        return content

    return write


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("folds: [0]", "folds: [0, 1, 2]"),
        ("folds: [0]   # those – “all” of them\r", "folds: [0, 1, 2]   # those – “all” of them\r"),
        ("folds: [0,\n      7]  # some", "folds: [0, 1, 2]  # some"),
        ("folds:\n    - 0\n    - 1  # the last\n\n  # Shares.",
         "folds: [0, 1, 2]  # the last\n\n  # Shares."),
        # As `dvc exp run -S` writes a list.
        ("folds:\n  - 0\n  - 1\n", "folds: [0, 1, 2]\n"),
    ],
)  # fmt: skip
def test_folds_are_written_into_the_params_and_all_else_of_them_stays(
    workplace, market, capsys, before, after
):
    text = workplace(before)
    assert main(["folds"]) == 0
    assert (market.folder / "params.yaml").read_bytes() == text.encode()
    assert main(["folds", "--write"]) == 0
    written = (market.folder / "params.yaml").read_bytes()
    assert written == text.replace(before, after).encode()
    assert capsys.readouterr().out == "split.folds: [0, 1, 2]\n" * 2
    assert parse(written.decode(), source="p").split.folds == (0, 1, 2)
    assert main(["folds", "--write"]) == 0
    assert (market.folder / "params.yaml").read_bytes() == written


def test_without_rows_there_are_no_folds_to_write(workplace, market, capsys):
    """Raw data that were not read yet."""
    text = workplace("folds: [0]").replace("dir: features", "dir: results/ingest")
    sources = "sources: [{dir: features, files: {'*.h5': bitmex_quote}}]"
    text = text.replace("sources: []", sources)
    (market.folder / "params.yaml").write_text(text, encoding="utf-8")
    assert main(["folds", "--write"]) == 2
    said = "results/ingest: must be made first, as folds are of its rows: `make run`\n"
    assert capsys.readouterr().err == f"alpha folds: error: {said}"
    assert (market.folder / "params.yaml").read_text(encoding="utf-8") == text


def test_check_says_the_folds_that_are_chosen_and_how_many_the_data_give(workplace, market, capsys):
    workplace("folds: [0, 2]")
    assert main(["check"]) == 0
    shown = capsys.readouterr().out.splitlines()
    assert [line for line in shown if line.startswith("fold")] == ["fold 0", "fold 2"]
    assert shown[-1] == "The data give 3 folds, 0 to 2: `alpha folds --write` sets them all."
    out, _ = market.split(WALK)
    kept = json.loads((out / "2" / "summary.json").read_text())["splits"]["test"]["kept"]
    assert shown[-3].endswith(f": {kept:,} rows kept")
    workplace("folds: [0, 1, 2]")
    assert main(["check"]) == 0
    assert "The data give" not in capsys.readouterr().out
    workplace("folds: [3]")
    assert main(["check"]) == 2
    assert capsys.readouterr().err == (
        "alpha check: error: split.folds: must be among 0 to 2 with these data and params, "
        "found 3; `alpha folds --write` sets all\n"
    )
