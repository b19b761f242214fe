"""Whether the catalogue's leaks know the future, and its honest columns do not."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from catalogue import Catalogue, catalogue, held_out
from forms import WHOLE_DATA, Case
from markets import Market, real, simulated

from alpha.check import load
from alpha.data.features import families

PARAMS = load(Path(__file__).resolve().parents[1] / "params.yaml")
FIRST, ROWS = 40_000, 9000
# Where bars, samples and moves are cut in their midst, here or there.
CUTS = tuple(range(573, 8900, 467))
# Values further apart than this share of a column's deviation are another value.
SAME = 1e-5
# A smoothing window's weights fade: what is beyond its reach may still change so little.
FADED = 0.05


@pytest.fixture(scope="module", params=["simulated", "real"])
def market(request) -> Market:
    if request.param == "real":
        return real(request.getfixturevalue("realdata"), PARAMS.label).part(FIRST, ROWS)
    return simulated(PARAMS.simulate, PARAMS.label).part(FIRST, ROWS)


@pytest.fixture(scope="module", params=["catalogue", 0, 1])
def cases(request) -> Catalogue:
    return catalogue() if request.param == "catalogue" else held_out(request.param)


def those_of(market: Market, cases: tuple[Case, ...]) -> list[Case]:
    return [case for case in cases if not (case.needs_hidden and market.hidden.empty)]


def changed_rows(
    case: Case, whole: pd.DataFrame, known: Market, rows: int, by: float
) -> np.ndarray:
    """Which of the first rows have another value in a market with another future."""
    found = (whole.to_numpy(np.float64), case.planted(known).to_numpy(np.float64))
    every, then = (np.where(np.isfinite(one), one, np.nan) for one in found)
    now, then = every[:rows], then[:rows]
    apart = np.abs(now - then) > by * (np.nanstd(every, axis=0) + 1e-12)
    return np.flatnonzero((apart | (np.isnan(now) != np.isnan(then))).any(axis=1))


def test_no_value_of_an_honest_column_changes_when_the_rows_after_it_do(market, cases):
    looks_ahead = []
    for case in those_of(market, cases.honest):
        whole = case.planted(market)
        for other in (market.cut(CUTS[-1]), market.changed_after(CUTS[-1])):
            if len(changed_rows(case, whole, other, CUTS[-1], SAME)):
                looks_ahead.append(case.name)
    assert not looks_ahead


def test_every_leak_changes_with_the_rows_after_it_and_reaches_no_further_than_it_says(
    market, cases
):
    blind, too_far = [], []
    for case in cases.leaks:
        whole = case.planted(market)
        seen = False
        for cut in CUTS:
            other = market.cut(cut)
            seen = seen or len(changed_rows(case, whole, other, cut, SAME)) > 0
            far = changed_rows(case, whole, other, cut, FADED)
            # Rows are a second apart, or more.
            if case.ahead_seconds != WHOLE_DATA and len(far):
                reach = cut - 1 - far[0]
                if reach > case.ahead_seconds:
                    too_far.append((case.name, reach, case.ahead_seconds))
                    break
            if seen and cut > CUTS[2]:
                break
        if not seen:
            blind.append(case.name)
    assert not blind
    assert not too_far


def test_the_catalogue_is_large_and_no_name_is_used_twice():
    found = catalogue()
    assert len(found.leaks) >= 30
    assert len(found.honest) >= 25
    names = [case.name for case in (*found.leaks, *found.honest)]
    assert len(set(names)) == len(names)


def test_held_out_cases_are_others_for_each_seed_and_the_same_for_one():
    def names(found: Catalogue) -> list[str]:
        return [case.name for case in (*found.leaks, *found.honest)]

    assert names(held_out(3)) == names(held_out(3))
    assert names(held_out(3)) != names(held_out(4))
    assert len(set(names(held_out(3))) & set(names(catalogue()))) < 0.25 * len(names(held_out(3)))


def test_every_planted_column_is_in_one_family_and_has_values(market, cases):
    for case in those_of(market, (*cases.leaks, *cases.honest)):
        planted = case.planted(market)
        families(list(planted.columns), PARAMS.features)
        assert planted.notna().mean().min() > 0.02, case.name
