"""The benchmark of how often verdicts and intervals are wrong: its rates, and that it goes on."""

import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from benchmarks import calibration, coverage
from benchmarks.calibration_report import wilson


@given(st.integers(1, 1000).flatmap(lambda of: st.tuples(st.integers(0, of), st.just(of))))
def test_the_ends_of_a_rate_are_where_it_is_just_not_rejected(counts):
    """At each end p the rate is 1.96 standard errors away, √(p (1 − p) / n), unless p is 0 or 1."""
    count, of = counts
    for end in wilson(count, of):
        assert 0 <= end + 1e-12 <= 1 + 2e-12
        distance = abs(count / of - end)
        assert distance == pytest.approx(1.959964 * np.sqrt(abs(end * (1 - end)) / of), abs=1e-6)


def test_a_run_goes_on_where_a_killed_one_stopped(tmp_path, capsys):
    """A piece that is done is not done again, a line that was cut off is, and one that fails is
    said and left out."""
    path = tmp_path / "done.jsonl"
    path.write_text(json.dumps(["coverage/eth/5/1/0", "kept"]) + '\n["coverage/eth/5/1/1", {"fi')
    wanted = [f"coverage/eth/5/1/{at}" for at in (0, 1)] + ["coverage/unknown/5/1/0"]
    found = calibration.work_off(wanted, path, calibration.work, jobs=1)
    assert list(found) == wanted[:2]
    assert found[wanted[0]] == "kept"
    assert [json.loads(line)[0] for line in path.read_text().splitlines()] == wanted[:2]
    assert "coverage/unknown/5/1/0 failed: " in capsys.readouterr().out


@pytest.mark.parametrize("kind", coverage.KINDS)
def test_coverage_counts_the_draws_whose_interval_holds_the_skill_of_all(kind):
    """By hand, from the draws of two batches."""
    batches = [coverage.draws(kind, 5, batch, 3) for batch in (0, 1)]
    assert batches == [coverage.draws(kind, 5, batch, 3) for batch in (0, 1)]
    constant, har = (sum(batch["losses"][at] for batch in batches) for at in (0, 1))
    truth = 1 - har / constant
    ends = [draw[0] for batch in batches for draw in batch["ends"]["as cut"]]
    name, held, draws, width = coverage.summary(batches)["as cut"][0]
    assert (name, draws) == ("skill of har", 6)
    assert held == sum(low <= truth <= high for low, high in ends)
    assert width == pytest.approx(np.mean([high - low for low, high in ends]))
