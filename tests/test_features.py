import os
import re
import socket
from hashlib import sha256

import numpy as np
import pandas as pd
import pytest
from conftest import day_frame
from hypothesis import given
from hypothesis import strategies as st

from alpha.core.errors import InputError
from alpha.data.features import families, last_of_each, moment, open_folder, open_symbols


def write(folder, name, frame):
    folder.mkdir(exist_ok=True)
    frame.to_hdf(folder / name, key="df", mode="w")


def test_order_comes_from_the_timestamps_not_from_the_file_names(tmp_path, params):
    write(tmp_path / "f", "A-data-01-02-2024.h5", day_frame(30, start="2024-02-01"))
    write(tmp_path / "f", "A-data-31-01-2024.h5", day_frame(30, start="2024-01-31"))
    folder = open_folder(tmp_path / "f", params.data)
    assert [file.path.name for file in folder.files] == [
        "A-data-31-01-2024.h5",
        "A-data-01-02-2024.h5",
    ]
    assert moment(folder.first_ns) == "2024-01-31T00:00:00"


def test_of_rows_with_the_same_timestamp_the_last_stands_across_files_too(tmp_path, params):
    frame = day_frame(10)
    twice = pd.concat([frame[:4], frame[3:6]])
    twice.iloc[4, 0] = 77.0  # the later copy of row 3
    following = day_frame(10, start="2024-01-01T00:00:05")  # repeats the last row
    write(tmp_path / "f", "a.h5", twice)
    write(tmp_path / "f", "b.h5", following)
    folder = open_folder(tmp_path / "f", params.data)
    first, second = folder.files
    found = []
    for file in folder.files:
        with folder.open(file) as frame:
            found.append(folder.times(file, frame))
    (times, kept), (later_times, later_kept) = found
    assert kept.tolist() == [0, 1, 2, 4, 5]
    assert later_kept.tolist() == list(range(10))
    assert (first.duplicates, second.duplicates) == (2, 0)
    assert folder.quotes(first)[0].bid[3] == 77.0
    assert np.diff(np.concatenate([times, later_times])).min() > 0
    assert (first.first_ns, first.last_ns) == (times[0], times[-1])


def test_the_digest_of_quotes_is_of_values_however_they_are_stored(tmp_path, params):
    frame = day_frame(10)
    frame = frame.assign(best_bid=frame["best_bid"].round(), best_ask=frame["best_ask"].round())
    frame = pd.concat([frame[:4], frame[3:]])

    def digest(frame, **how):
        frame.to_hdf(tmp_path / "a.h5", key="df", mode="w", **how)
        folder = open_folder(tmp_path, params.data)
        return folder.quotes(folder.files[0])[1]

    values = frame.index.as_unit("ns").asi8, frame["best_bid"], frame["best_ask"]
    expected = sha256(b"".join(np.asarray(part).tobytes() for part in values)).hexdigest()
    assert digest(frame) == expected
    assert digest(frame, format="table") == expected
    assert digest(frame.astype({"best_bid": "int32", "best_ask": "float32"})) == expected
    assert digest(frame.set_axis(frame.index.as_unit("ms"))) == expected
    assert digest(frame[3:]) != expected


@given(st.lists(st.integers(0, 5), min_size=1, max_size=30), st.sampled_from([None, 0, 5]))
def test_last_of_each_agrees_with_pandas(steps, after):
    times = np.sort(np.array(steps, dtype=np.int64))
    joined = times if after is None else np.append(times, max(after, times[-1]))
    expected = np.flatnonzero(~pd.Series(joined).duplicated(keep="last"))
    follower = None if after is None else int(joined[-1])
    assert last_of_each(times, follower).tolist() == expected[expected < len(times)].tolist()


def breakages():
    def unsorted(frame):
        return frame.iloc[[0, 1, 5, 3, 6]]

    def no_bid(frame):
        return frame.drop(columns="best_bid")

    def empty(frame):
        return frame[:0]

    def label_name(frame):
        return frame.assign(alpha_outcome=1.0)

    def quotes_only(frame):
        return frame[["best_bid", "best_ask"]]

    def times_as_quote(frame):
        return frame.assign(best_bid=frame.index.tz_localize(None))

    def microseconds(frame):
        return frame.set_axis(pd.to_datetime(frame.index.as_unit("us").asi8, unit="ns"))

    def two_units(frame):
        micro = pd.to_datetime(frame.index[10:].as_unit("us").asi8, unit="ns", utc=True)
        return frame.set_axis(frame.index[:10].append(micro))

    def local(frame):
        back = frame.index[10:] - pd.Timedelta("1h")
        return frame.set_axis(frame.index[:10].append(back))

    return [
        (
            unsorted,
            r"a\.h5: row 3: timestamps must not go back, found 2024-01-01T00:00:03 after",
        ),
        (
            no_bid,
            r"a\.h5: must have the column 'best_bid' \(data\.best_bid\), found best_ask",
        ),
        (empty, r"a\.h5"),
        (label_name, r"a\.h5: column 'alpha_outcome' has the name of a label"),
        (quotes_only, r"a\.h5: must have at least one feature"),
        (
            times_as_quote,
            r"a\.h5: must have the column 'best_bid' \(data\.best_bid\), found best_a",
        ),
        (
            microseconds,
            r"a\.h5: row 0: timestamps must be after 1970, found 1970-01-20.*; are they of",
        ),
        (two_units, r"a\.h5: row 10: .* found 1970-01-20.*; does their unit change\?"),
        (local, r"a\.h5: row 10: .*; an hour that comes twice\? Times must be UTC"),
    ]


@pytest.mark.parametrize(("breakage", "message"), breakages())
def test_a_file_that_breaks_the_contract_is_refused_in_one_line(
    tmp_path, params, breakage, message
):
    write(tmp_path / "f", "a.h5", breakage(day_frame(20)))
    with pytest.raises(InputError, match=message) as caught:
        open_folder(tmp_path / "f", params.data)
    assert "\n" not in str(caught.value)


def test_columns_that_differ_between_days_are_named(tmp_path, params):
    write(tmp_path / "f", "a.h5", day_frame(20))
    changed = day_frame(20, start="2024-01-02").rename(columns={"spread": "gap"})
    write(tmp_path / "f", "b.h5", changed)
    message = r"b\.h5: must have the features of a\.h5, found spread missing and gap added"
    with pytest.raises(InputError, match=message):
        open_folder(tmp_path / "f", params.data)


def test_another_order_of_columns_is_no_difference(tmp_path, params):
    write(tmp_path / "f", "a.h5", day_frame(20))
    write(tmp_path / "f", "b.h5", day_frame(20, start="2024-01-02").iloc[:, ::-1])
    assert open_folder(tmp_path / "f", params.data).features[0] == "ask_volume_level0"


def test_files_that_overlap_in_time_are_refused(tmp_path, params):
    write(tmp_path / "f", "a.h5", day_frame(20))
    write(tmp_path / "f", "b.h5", day_frame(20, start="2024-01-01T00:00:10"))
    wanted = r"b\.h5: row 0: files must not overlap .* several symbols in one folder\?"
    with pytest.raises(InputError, match=wanted):
        open_folder(tmp_path / "f", params.data)


def test_a_folder_that_is_missing_or_holds_nothing_is_named(tmp_path, params):
    with pytest.raises(InputError, match="must be a folder of feature files"):
        open_folder(tmp_path / "none", params.data)
    with pytest.raises(InputError, match="holds no feature file that matches"):
        open_folder(tmp_path, params.data)


def test_excluded_columns_are_not_features(tmp_path, params):
    write(tmp_path / "f", "a.h5", day_frame(20))
    data = params.data.model_copy(update={"exclude": ("level0$", "^my")})
    assert open_folder(tmp_path / "f", data).features == ("return_10s", "spread")


def test_a_feature_in_no_family_or_in_two_is_an_error_that_names_it(params):
    features = params.features.model_copy(update={"families": {"a": "^a", "b": "b$"}})
    assert families(["ax", "xb"], features) == {"ax": "a", "xb": "b"}
    with pytest.raises(InputError, match=re.escape("'ab' must be in exactly one family (fea")):
        families(["ab"], features)
    with pytest.raises(InputError, match="found a and b"):
        families(["ab"], features)
    with pytest.raises(InputError, match="'z' .* found none"):
        families(["z"], features)


@given(st.text(min_size=1, max_size=30))
def test_the_default_families_take_any_name_exactly_once(name):
    from conftest import PARAMS_TEXT

    from alpha.check import parse

    assert len(families([name], parse(PARAMS_TEXT, source="p").features)) == 1


@pytest.mark.parametrize(
    ("name", "family"),
    [
        ("ask_price_level19", "book_price"),
        ("bid_volume_level0", "bid_volume"),
        ("ask_added_liquidity_10s", "liquidity_added"),
        ("sell_volume_300s", "traded_volume"),
        ("imbalance_level0", "imbalance"),
        ("volatility_60s", "volatility"),
        ("funding_rate", "other"),
    ],
)
def test_names_of_recorded_features_fall_into_the_family_of_their_physics(params, name, family):
    assert families([name], params.features) == {name: family}


def test_both_real_files_satisfy_the_contract(realdata, params, tmp_path):
    for path in sorted(realdata.glob("*-20*.h5")):
        data = params.data.model_copy(update={"dir": str(realdata), "pattern": path.name})
        folder = open_folder(realdata, data)
        # At events, several rows may share a time.
        assert folder.files[0].duplicates == (7960 if path.name.startswith("AAPL") else 0)
        # The shares' levels have names of their own.
        found = set(families(folder.features, params.features).values())
        assert ("other" in found) == path.name.startswith("AAPL")


def entries():
    def dead_link(path):
        path.symlink_to("nowhere")

    def loop(path):
        path.symlink_to(path.name)

    def pipe(path):
        os.mkfifo(path)

    def link_to_a_device(path):
        path.symlink_to("/dev/zero")

    def open_socket(path):
        here = os.getcwd()
        os.chdir(path.parent)  # whose name may be too long for a socket
        socket.socket(socket.AF_UNIX).bind(path.name)
        os.chdir(here)

    return [dead_link, loop, pipe, link_to_a_device, open_socket, os.mkdir]


@pytest.mark.parametrize("make", entries())
@pytest.mark.parametrize("inside", ["", "XBT"])
def test_an_entry_that_is_no_file_is_refused_by_name_and_not_opened(tmp_path, params, make, inside):
    (tmp_path / inside).mkdir(exist_ok=True)
    write(tmp_path / inside, "a.h5", day_frame(20))
    make(tmp_path / inside / "b.h5")
    with pytest.raises(InputError, match=r"b\.h5': must be a file of printable name, not a folder"):
        open_symbols(tmp_path, params.data)


def test_a_name_of_a_file_that_is_not_printable_is_refused_as_escaped(tmp_path, params):
    write(tmp_path, "a\x1b[31m\n.h5", day_frame(20))
    with pytest.raises(
        InputError, match=r"a\\x1b\[31m\\n\.h5': must be a file of printable"
    ) as caught:
        open_folder(tmp_path, params.data)
    assert str(caught.value).isprintable()


def test_a_link_to_a_file_is_a_feature_file(tmp_path, params):
    write(tmp_path / "there", "a.h5", day_frame(20))
    (tmp_path / "here").mkdir()
    (tmp_path / "here" / "a.h5").symlink_to(tmp_path / "there" / "a.h5")
    assert len(open_folder(tmp_path / "here", params.data).files) == 1


@pytest.mark.parametrize(
    "how", [{}, {"format": "table"}, {"format": "table", "data_columns": True}]
)
def test_columns_of_text_may_be_excluded(tmp_path, params, how):
    frame = day_frame(20).assign(venue="a", note="b")
    frame.to_hdf(tmp_path / "a.h5", key="df", mode="w", **how)
    with pytest.raises(InputError, match=r"(venue|note).* or name it in data\.exclude"):
        open_folder(tmp_path, params.data)
    data = params.data.model_copy(update={"exclude": ("^venue$", "^note$", "^best", "^my")})
    folder = open_folder(tmp_path, data)
    assert set(folder.features) == set(day_frame(1)) - {"best_bid", "best_ask", "my_own"}
    assert (folder.quotes(folder.files[0])[0].ask == frame["best_ask"]).all()


@pytest.mark.parametrize(("crossed", "refused"), [(98, True), (50, False)])
def test_quotes_that_are_swapped_are_said_to_be(tmp_path, params, crossed, refused):
    frame = day_frame(100)
    quotes = ["best_bid", "best_ask"]
    frame.iloc[:crossed, :2] = frame.loc[frame.index[:crossed], quotes[::-1]].to_numpy()
    write(tmp_path, "a.h5", frame)
    folder = open_folder(tmp_path, params.data)
    if not refused:
        folder.quotes(folder.files[0])
        return
    message = r"a\.h5: the bid is above the ask in 98% of rows: .* swapped\?"
    with pytest.raises(InputError, match=message):
        folder.quotes(folder.files[0])


def test_rows_need_memory_however_few_columns_there_are(tmp_path, params):
    write(tmp_path, "a.h5", day_frame(5000))
    data = params.data.model_copy(update={"max_file_mb": 1.0})
    with pytest.raises(InputError, match="5,000 rows would need 3 MB; data.max_file_mb allows 1"):
        open_folder(tmp_path, data)
