"""Whether the audit names the leaks of the catalogue, and nothing else."""

from pathlib import Path

import pytest
from auditing import Bench, Tally, judge
from catalogue import catalogue, held_out
from markets import real, simulated

from alpha.check import load

pytest.importorskip("alpha.audit.run")
PARAMS = load(Path(__file__).resolve().parents[2] / "params.yaml")


def bench_of(name: str, request: pytest.FixtureRequest, folder: Path) -> Bench:
    if name == "real":
        market = real(request.getfixturevalue("realdata"), PARAMS.label)
    else:
        market = simulated(PARAMS.simulate, PARAMS.label)
    return Bench(PARAMS, market, folder)


@pytest.fixture(scope="module", params=["simulated", "real"])
def tally(request, tmp_path_factory) -> Tally:
    bench = bench_of(request.param, request, tmp_path_factory.mktemp(request.param))
    return judge(bench, catalogue())


def test_the_audit_finds_at_least_95_of_100_leaks(tally):
    assert tally.recall >= 0.95, tally.missed


def test_the_audit_calls_no_honest_column_a_leak(tally):
    assert not tally.suspected
    assert len(tally.honest) > 100


@pytest.mark.slow
@pytest.mark.parametrize("name", ["simulated", "real"])
@pytest.mark.parametrize("seed", range(3))
def test_leaks_of_other_forms_are_found_as_well(name, seed, request, tmp_path):
    tally = judge(bench_of(name, request, tmp_path), held_out(seed))
    assert tally.recall >= 0.9, tally.missed
    assert not tally.suspected
