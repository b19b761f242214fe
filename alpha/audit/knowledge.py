"""Findings of features that know the future, or that come late, from their figures."""

from collections.abc import Iterator
from typing import Any

import numpy as np
import pandas as pd

from alpha.audit.findings import Finding
from alpha.audit.sample import Sample
from alpha.core.text import number, percent

# The R² of a feature by surprises that come after it. State that no quote shows (the simulated
# market's own regime) reaches 0.08, and as much by those before.
_AHEAD = 0.1
_ONLY_AHEAD, _TIMES_BEHIND = 0.02, 5.0
# Standard deviations of the null. Honest features reach 6 in the largest of some 90 tries each.
_EDGE, _KINK = 8.0, 6.0
_OUTCOME_IC, _PART_IC = 0.08, 0.1
# So many features that are as early as each other, and none in step: all of them are.
_SHIFTED = 3
_CHECK = "Compute it from rows up to and including its own alone, or leave it out (data.exclude)."
_SHIFT = "Shift it so that each row has what was known then, or leave it out (data.exclude)."
_CURES = {
    "early": _SHIFT,
    "all_early": _SHIFT,
    "late": "It is honest; in time, it would tell models more.",
}
_SERIES = {"signed": "moves of the mid", "activity": "sizes of moves", "spread": "spreads"}
_OUTCOMES = {"outcome": "alpha_outcome", "up": "up", "down": "down", "side": "up less down"}


def knowing(figures: pd.DataFrame) -> pd.Series:
    """Which features know the future, by the figures of alpha.audit.leads alone."""
    return _ahead(figures) | (figures["edge"] > _EDGE) | _copies(figures)


def _ahead(figures: pd.DataFrame) -> pd.Series:
    alone = figures["ahead"] > np.maximum(_ONLY_AHEAD, _TIMES_BEHIND * figures["behind"])
    return (figures["ahead"] > _AHEAD) | alone


def _copies(figures: pd.DataFrame) -> pd.Series:
    least = np.where(figures["outcome_of"] == "outcome", _OUTCOME_IC, _PART_IC)
    return (figures["outcome_kink"] > _KINK) & (figures["outcome_ic"].abs() > least)


def findings_of(figures: pd.DataFrame, sample: Sample) -> Iterator[Finding]:
    """One finding a feature at most, the clearest: `figures` is alpha.audit.leads' and .peers'."""
    rows = figures.assign(is_ahead=_ahead(figures), copies=_copies(figures)).to_dict("index")
    for name, one in rows.items():
        seconds = one["early"] * sample.step_seconds
        if one["early"] > 0:
            sentence = (
                f"{name} is {_rows(one['early'])} early, about {number(seconds)} s: what happens "
                f"in quotes and other features shows in it before (relation {number(one['link'])})."
            )
            yield _finding("early", [name], one["link"], seconds, sentence)
        elif one["is_ahead"]:
            series, _, view = one["ahead_of"].partition(" ")
            explained, before = (percent(min(one[side], 1.0)) for side in ("ahead", "behind"))
            seconds = one["ahead_seconds"]
            sentence = (
                f"{name} knows what comes: {_SERIES[series]} of the next {number(seconds)} s "
                f"explain {explained} of its {view}, those before it {before}."
            )
            yield _finding("knows_future", [name], one["ahead"], seconds, sentence)
        elif one["edge"] > _EDGE:
            series, _, view = one["edge_of"].partition(" ")
            seconds = one["edge_seconds"]
            sentence = (
                f"{name} knows what comes, as far as {number(seconds)} s ahead: there the relation "
                f"of its {view} with {_SERIES[series]} ends at once ({number(one['edge'], 1)} "
                f"standard deviations), where an honest one fades."
            )
            yield _finding("ends_at_once", [name], one["edge"], seconds, sentence)
        elif one["copies"]:
            sentence = (
                f"{name} is made of {_OUTCOMES[one['outcome_of']]}: given what quotes and "
                f"completed outcomes tell, its rank IC with it is {number(one['outcome_ic'])}, and "
                f"falls with that of rows before and after ({number(one['outcome_kink'], 1)} "
                f"standard deviations)."
            )
            reach = sample.horizon_seconds
            yield _finding("outcome_copy", [name], one["outcome_ic"], reach, sentence)
        elif one["early"] < 0:
            sentence = (
                f"{name} is {_rows(-one['early'])} late, about {number(-seconds)} s: what happens "
                f"in quotes and other features shows in it after."
            )
            yield _finding("late", [name], one["link"], seconds, sentence)
    yield from _all_early(figures, sample.step_seconds)


def _all_early(figures: pd.DataFrame, step: float) -> Iterator[Finding]:
    """That all features are early, if those that can be compared with quotes are."""
    early = figures.loc[figures["early"] > 0, "early"]
    if len(early) >= _SHIFTED and early.nunique() == 1 and not (figures["in_step"] > 0).any():
        rows = early.iloc[0]
        sentence = (
            f"All {len(early)} features that can be compared with quotes are {_rows(rows)} early, "
            f"and none is in step: features stand beside the quotes of earlier rows."
        )
        names = list(figures.index)
        yield _finding("all_early", names, len(early), rows * step, sentence)


def _rows(count: int) -> str:
    return f"{count:.0f} row{'s' * (count != 1)}"


def _finding(
    kind: str, names: list[Any], strength: float, seconds: float, sentence: str
) -> Finding:
    return Finding(
        kind=kind,
        columns=[str(name) for name in names],
        severity="warning" if kind == "late" else "leak",
        where="features",
        strength=float(strength),
        lead_seconds=float(seconds),
        sentence=sentence,
        what_to_do=_CURES.get(kind, _CHECK),
    )
