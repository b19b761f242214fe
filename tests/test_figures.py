"""The table of figures: means over seeds, what is looked up in it, and its file."""

import math
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from alpha.core.errors import InputError
from alpha.evaluate.figures import Figures, Interval, Row, over_seeds, read, table, write


def seeds(*values: float | None, figure: str = "skill", reason: str | None = None) -> pd.DataFrame:
    """A figure of a model's runs on test."""
    return table(
        Row(model="m", seed=seed, split="test", figure=figure, value=value, reason=reason)
        for seed, value in enumerate(values)
    )


def test_over_seeds_is_mean_and_sample_deviation_of_what_is_defined():
    """1 and 3 have mean 2 and deviation sqrt 2; one without a value does not count."""
    found = Figures(over_seeds(seeds(1.0, None, 3.0))).of("m")
    assert found["skill"] == Interval(2.0)
    assert found["skill_spread"].value == pytest.approx(math.sqrt(2))
    assert found["skill_seeds"].value == 2
    assert Figures(over_seeds(seeds(0.1))).of("m")["skill_spread"].value is None


def test_seeds_that_change_nothing_differ_by_nothing():
    """Not even by rounding: the mean of 0.1 three times is 0.1."""
    found = Figures(over_seeds(seeds(0.1, 0.1, 0.1))).of("m")
    assert (found["skill"].value, found["skill_spread"].value) == (0.1, 0.0)


def test_without_a_value_of_any_seed_the_reason_stays():
    """And only then: what one seed knows, the model knows."""
    why = "the outcome is constant"
    assert Figures(over_seeds(seeds(None, None, reason=why))).of("m").undefined == {"skill": why}
    assert Figures(over_seeds(seeds(None, 0.5, reason=why))).of("m").undefined == {}


def test_predictions_that_are_not_finite_are_summed():
    found = Figures(over_seeds(seeds(2.0, 3.0, figure="non_finite"))).of("m")
    assert found["non_finite"].value == 5.0


def test_a_mean_too_large_for_a_number_is_none():
    found = Figures(over_seeds(seeds(1.7e308, 1.6e308))).of("m")
    assert found["skill"].value is None


def test_each_slice_and_event_has_its_own_mean():
    rows = [
        Row(
            model="m",
            seed=seed,
            split="test",
            slice=place,
            figure="skill",
            event=event,
            value=value,
        )
        for seed, place, event, value in (
            (0, "day 2024-01-01", "", 1.0),
            (1, "day 2024-01-01", "", 3.0),
            (0, "", "outcome > 2 bps", 5.0),
            (1, "", "outcome > 2 bps", 6.0),
        )
    ]
    found = Figures(over_seeds(table(rows))).of("m")
    [day], [event] = found.slices("day"), found.events("skill")
    assert (day.name, day["skill"].value) == ("2024-01-01", 2.0)
    assert (event.name, event["skill"].value) == ("outcome > 2 bps", 5.5)
    assert found["skill"] == Interval()


def test_shares_are_of_all_that_is_counted():
    def counted(*counts: float) -> list[float]:
        rows = (
            Row(model="m", split="test", figure="count", event=str(at), value=value)
            for at, value in enumerate(counts)
        )
        return Figures(table(rows)).of("m").shares("count")

    assert counted(1.0, 3.0) == [0.25, 0.75]
    assert counted(0.0, 0.0) == [0.0, 0.0]


names = st.text(st.characters(codec="utf-8", exclude_characters="\r\0"), max_size=8)
number = st.none() | st.floats(allow_nan=False, allow_infinity=False)
row = st.builds(
    Row,
    model=names,
    seed=st.none() | st.integers(0, 2**31),
    fold=st.just(0),
    split=names,
    slice=names,
    figure=names | st.sampled_from(["NA", "null", "nan", "None", ""]),
    event=names | st.sampled_from(["NA", "1.0", 'a"b,c', "a\nb", " x "]),
    value=number,
    low=number,
    high=number,
    reason=st.none() | names.filter(bool),
)


@given(st.lists(row, max_size=5))
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
def test_a_table_reads_back_as_it_was_written(tmp_path: Path, rows: list[Row]):
    """Every bit of each number, and names that look like something else; the same bytes again."""
    path = tmp_path / "figures.csv"
    write(path, made := table(rows))
    found = read(path).table
    pd.testing.assert_frame_equal(found, made, check_exact=True)
    first = path.read_bytes()
    write(path, found)
    assert path.read_bytes() == first


def test_random_bits_survive_the_file(tmp_path: Path):
    """A hundred thousand floats of any size."""
    bits = np.random.default_rng(0).integers(0, 2**63, 100_000, dtype=np.int64).view(np.float64)
    values = np.where(np.isfinite(bits), bits, 0.5)
    made = table(Row(model="m", figure=str(at), value=v) for at, v in enumerate(values.tolist()))
    write(tmp_path / "figures.csv", made)
    assert np.array_equal(read(tmp_path / "figures.csv").table["value"].to_numpy(), values)


@pytest.mark.parametrize(
    ("text", "match"),
    [
        ("a,b\n1,2\n", "must have a column 'model', found a, b"),
        ("", "is not such a table"),
        (",".join(Row._fields) + "\nm,0,0,test,,skill,,much,,,\n", "is not such a table"),
    ],
)
def test_a_file_of_another_format_is_refused_by_name(tmp_path: Path, text: str, match: str):
    path = tmp_path / "figures.csv"
    path.write_text(text)
    with pytest.raises(InputError, match=match) as caught:
        read(path)
    assert str(path) in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_missing_file_is_refused(tmp_path: Path):
    with pytest.raises(InputError, match="cannot be read"):
        read(tmp_path / "figures.csv")
