"""Whether the audit names the leaks of the catalogue, and nothing else."""

from pathlib import Path

import pytest
from auditing import Bench, Tally, judge
from catalogue import Catalogue, catalogue, held_out, one_frame
from markets import real, simulated

from alpha.check import load

PARAMS = load(Path(__file__).resolve().parents[1] / "params.yaml")
MARKETS = ["simulated", "real"]
# Of leaks, at least: of the catalogue, and of a part of it or of what is drawn anew. Books and
# flows of the simulated market have less to do with its quotes than real ones.
WHOLE, FOUND = 0.95, {"simulated": 0.85, "real": 0.9}
# CI takes a part of the simulated day: seconds for half a minute.
PART_ROWS = 36_000


def audited(name: str, cases: Catalogue | None, request, folder: Path) -> Tally:
    """Of the cases, or of as many of the catalogue's kinds as fit into a frame."""
    if name == "real":
        market = real(request.getfixturevalue("realdata"), PARAMS.label)
    else:
        market = simulated(PARAMS.simulate, PARAMS.label)
        market = market if cases else market.part(0, PART_ROWS)
    if cases is None:
        every = catalogue()
        cases = Catalogue(one_frame(every.leaks, market), one_frame(every.honest, market))
    return judge(Bench(PARAMS, market, folder), cases)


@pytest.mark.parametrize("name", MARKETS)
def test_leaks_of_every_kind_are_named_and_no_honest_column_is(name, request, tmp_path):
    tally = audited(name, None, request, tmp_path)
    assert tally.recall >= FOUND[name], tally.missed
    assert not tally.suspected


@pytest.mark.slow
@pytest.mark.parametrize("name", MARKETS)
@pytest.mark.parametrize("seed", ["catalogue", 0, 1])
def test_whole_catalogues_are_too(name, seed, request, tmp_path):
    cases = catalogue() if seed == "catalogue" else held_out(seed)
    tally = audited(name, cases, request, tmp_path)
    assert tally.recall >= (WHOLE if seed == "catalogue" else FOUND[name]), tally.missed
    assert not tally.suspected
