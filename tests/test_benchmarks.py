"""Benchmarks: every topic runs and finds both sides alike, and figures are reckoned rightly.

How fast anything is, is not asked here.
"""

import importlib
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from alpha.data.features import families
from benchmarks import data, report
from benchmarks.harness import (
    QUICK,
    Bench,
    Measurement,
    absolute,
    copier,
    faster,
    in_turn,
    more_memory,
    same,
    within,
)
from benchmarks.steps import Job, flow, process
from benchmarks.topics import TOPICS, Measured

# Networks are compared in the topic training: the whole chain does without.
SIZES = replace(QUICK, networks=(), series=(1,))
# They start TensorFlow on both sides, and every step in a process; or take long, and tests of the
# step itself hold it to slow references.
SLOW = ("training", "whole", "ingest", "labels", "scoring", "scale")


@pytest.fixture(scope="module")
def cache(tmp_path_factory):
    return tmp_path_factory.mktemp("cache")


# Whole runs of the engines are for tests/workflow.
@pytest.mark.parametrize(
    "topic",
    [
        pytest.param(topic, marks=pytest.mark.slow if topic in SLOW else ())
        for topic in TOPICS
        if topic != "engines"
    ],
)
def test_every_topic_measures_what_gives_the_same_answer_on_both_sides(topic, cache, tmp_path):
    """A topic stops at the first answer that its peer does not give."""
    found = list(
        importlib.import_module(f"benchmarks.{topic}").measure(Bench(SIZES, cache, tmp_path))
    )
    assert found
    assert all(np.isfinite(one.figures).all() for one in found)


def test_peers_that_give_another_answer_stop_the_benchmark():
    """And the message says what, how much of it, and where."""
    same("it", [1.0, np.nan], [1.0, np.nan])
    same("it", 1.0, 1.0 + 1e-9, within=1e-6)
    with pytest.raises(AssertionError, match=r"it: 1 of 2 values .* at \(1,\)"):
        same("it", [1.0, np.nan], [1.0, 2.0])
    with pytest.raises(AssertionError, match="it: 1 of 1"):
        same("it", 1.0, 1.0 + 1e-3, within=1e-6)
    with pytest.raises(AssertionError, match="shape"):
        same("it", [1.0], [1.0, 1.0])


def test_a_ratio_is_the_median_of_rounds_and_is_held_against_its_goal():
    """Faster: peer over ours, at least. Within: ours over peer, at most."""
    fast = faster("a", "b", "c", [1.0, 2.0, 1.0], [3.0, 4.0, 9.0], goal=3)
    assert fast.figures == (3.0, 2.0, 9.0)
    assert (fast.figure, fast.ours, fast.peer, fast.met) == (3.0, 1.0, 4.0, True)
    assert not replace(fast, goal=3.1).met
    slow = within("a", "b", "c", [2.0, 2.0], [1.0, 2.0], goal=1.5)
    assert (slow.figure, slow.met) == (1.5, True)
    assert not replace(slow, goal=1.4).met
    assert absolute("a", "b", "c", [2.0], goal=3).met
    assert absolute("a", "b", "c", [2.0], goal=None).met is None


def test_calls_take_turns():
    """Once each to warm up, then round by round."""
    said: list[str] = []
    seconds = in_turn({"a": lambda: said.append("a"), "b": lambda: said.append("b")}, 2)
    assert "".join(said) == "ababab"
    assert [len(of) for of in seconds.values()] == [2, 2]


def test_a_copy_moves_all_bytes():
    source = np.arange(5.0)
    copy = copier(source)
    [targets] = [
        cell.cell_contents for cell in copy.__closure__ if isinstance(cell.cell_contents, list)
    ]
    source += 1
    copy()
    np.testing.assert_array_equal(targets[0], source)


def test_more_memory_is_what_a_call_holds_at_its_peak():
    """100 MB, of which nothing is left in the result."""
    found = more_memory(lambda: float(np.ones(12_500_000).sum()))
    assert 95e6 < found < 120e6


def test_jobs_wait_for_what_they_need(tmp_path):
    """The second reads what the first writes; the failure of one is raised."""
    file = tmp_path / "file"
    write = ["-c", f"open({str(file)!r}, 'w').write('x')"]
    read = ["-c", f"assert open({str(file)!r}).read() == 'x'"]
    seconds, costs = flow({"second": Job(read, ["first"]), "first": Job(write)})
    assert list(costs) == ["first", "second"]
    assert seconds >= max(cost.seconds for cost in costs.values())
    assert all(cost.peak_mb > 1 for cost in costs.values())
    with pytest.raises(RuntimeError, match="gone"):
        process(["-c", "raise ValueError('gone')"])


def test_peak_memory_is_of_the_process_alone():
    """Not of the one that started it."""
    held = np.ones(50_000_000)
    assert process(["-c", "pass"]).peak_mb < held.nbytes / 1e6 / 4


def test_made_up_days_are_feature_files_of_the_families_and_follow_each_other(params, tmp_path):
    """Ten features in each of twelve families, a row about every second."""
    assert list(pd.Series(families(data.names(), params.features)).value_counts()) == [10] * 12
    days = [data.frame(3000, day=day) for day in range(2)]
    assert days[0].shape == (3000, 122)
    assert list(days[0].dtypes.astype(str).value_counts().items()) == [
        ("float32", 120),
        ("float64", 2),
    ]
    steps = np.diff(np.concatenate([day.index.asi8 for day in days])) / 1e9
    assert steps.min() > 0
    assert np.median(steps) == pytest.approx(1, abs=0.1)
    again = data.frame(3000, day=1)
    pd.testing.assert_frame_equal(days[1], again)


def test_the_table_says_figure_goal_and_whether_the_cores_were_free():
    found = [
        Measured(
            "one", 1.9, (faster("kernel", "polars", "1 M", [0.01] * 2, [0.05, 0.07], goal=6),)
        ),
        Measured("two", 1.2, (absolute("evaluation", "seconds", "1 M", [4.0], goal=3),)),
    ]
    lines = report.table(found).splitlines()
    assert lines[1].split("  ")[0] == "kernel"
    assert "10 ms" in lines[1]
    assert "6 [5, 7]" in lines[1]
    assert lines[1].split("≥ 6")[1].strip() == "yes"
    assert lines[2].startswith("evaluation ~")
    assert "≤ 3 s" in lines[2]
    assert lines[-1] == "1 of 2 goals reached."


def test_results_have_every_figure_the_scale_series_and_a_plot(tmp_path):
    series = ((1000.0, 1.0, 50.0), (2000.0, 2.0, 51.0))
    grown = Measurement("scale", "labels: time", "x", "s", 2.0, 1.0, (2.0,), 3, False, None, series)
    found = [Measured("scale", 1.2, (grown,))]
    text = report.markdown(found, plot="results.svg")
    assert "| scale ~ | labels: time | x | 2 s | 1 s | 2 | ≤ 3 | yes |  |" in text
    assert "| step | 1,000 rows | 2,000 rows |" in text
    assert "| labels | 1.00 s, 50 MB | 2.00 s, 51 MB |" in text
    assert "![how far from the goals](results.svg)" in text
    for name in ("a.svg", "b.svg"):
        report.plot(found, tmp_path / name)
    assert (tmp_path / "a.svg").read_bytes() == (tmp_path / "b.svg").read_bytes()
    assert "times better than the goal" in (tmp_path / "a.svg").read_text()


def test_what_a_topic_wrote_is_what_is_read(tmp_path):
    import json
    from dataclasses import asdict

    series = ((1000.0, 1.0, 50.0),)
    one = Measurement("scale", "labels: time", "x", "s", 2.0, 1.0, (2.0,), 3, False, None, series)
    measured = Measured("scale", 1.2, (one,))
    read = Measured.of(json.loads(json.dumps(asdict(measured))))
    assert report.table([read]) == report.table([measured])
    assert report.markdown([read], plot="p") == report.markdown([measured], plot="p")
