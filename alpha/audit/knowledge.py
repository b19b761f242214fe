"""Findings of features that know the future, or that come late, from their figures."""

from collections.abc import Iterator

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
    ahead, copies, step = _ahead(figures), _copies(figures), sample.step_seconds
    for name, one in figures.iterrows():
        if one["early"] > 0:
            seconds = one["early"] * step
            sentence = (
                f"{name} is {_rows(one['early'])} early, about {number(seconds)} s: what happens in "
                f"quotes and other features shows in it before (relation {number(one['link'])})."
            )
            yield _leak("early", [name], one["link"], seconds, sentence, _SHIFT)
        elif ahead[name]:
            series, _, view = one["ahead_of"].partition(" ")
            seconds = one["ahead_seconds"]
            sentence = (
                f"{name} knows what comes: {_SERIES[series]} of the next {number(seconds)} s explain "
                f"{percent(min(one['ahead'], 1.0))} of its {view}, those before it "
                f"{percent(min(one['behind'], 1.0))}."
            )
            yield _leak("knows_future", [name], one["ahead"], seconds, sentence, _CHECK)
        elif one["edge"] > _EDGE:
            series, _, view = one["edge_of"].partition(" ")
            seconds = one["edge_seconds"]
            sentence = (
                f"{name} knows what comes, as far as {number(seconds)} s ahead: there the relation "
                f"of its {view} with {_SERIES[series]} ends at once ({number(one['edge'], 1)} "
                f"standard deviations), where an honest one fades."
            )
            yield _leak("ends_at_once", [name], one["edge"], seconds, sentence, _CHECK)
        elif copies[name]:
            what = _OUTCOMES[one["outcome_of"]]
            sentence = (
                f"{name} is made of {what}: given what quotes and completed outcomes tell, its rank "
                f"IC with it is {number(one['outcome_ic'])}, and falls with that of rows before and "
                f"after ({number(one['outcome_kink'], 1)} standard deviations)."
            )
            seconds = sample.horizon_seconds
            yield _leak("outcome_copy", [name], one["outcome_ic"], seconds, sentence, _CHECK)
        elif one["early"] < 0:
            sentence = (
                f"{name} is {_rows(-one['early'])} late, about {number(-one['early'] * step)} s: "
                f"what happens in quotes and other features shows in it after."
            )
            what_to_do = "It is honest; in time, it would tell models more."
            seconds = float(one["early"] * step)
            yield _finding("late", [name], "warning", one["link"], seconds, sentence, what_to_do)
    yield from _all_early(figures, step)


def _all_early(figures: pd.DataFrame, step: float) -> Iterator[Finding]:
    """That all features are early, if those that can be compared with quotes are."""
    early = figures.loc[figures["early"] > 0, "early"]
    if len(early) >= _SHIFTED and early.nunique() == 1 and not (figures["in_step"] > 0).any():
        rows = early.iloc[0]
        sentence = (
            f"All {len(early)} features that can be compared with quotes or each other are "
            f"{_rows(rows)} early, and none is in step: the file's features are those of later rows."
        )
        names = list(figures.index)
        yield _leak("all_early", names, len(early), rows * step, sentence, _SHIFT)


def _rows(count: int) -> str:
    return f"{count:.0f} row{'s' * (count != 1)}"


def _leak(
    kind: str, names: list, strength: float, seconds: float | None, sentence: str, what_to_do: str
) -> Finding:
    return _finding(kind, names, "leak", strength, seconds, sentence, what_to_do)


def _finding(
    kind: str,
    names: list,
    severity: str,
    strength: float,
    seconds: float | None,
    sentence: str,
    what_to_do: str,
) -> Finding:
    return Finding(
        kind=kind,
        columns=[str(name) for name in names],
        severity=severity,
        where="features",
        strength=float(strength),
        lead_seconds=None if seconds is None else float(seconds),
        sentence=sentence,
        what_to_do=what_to_do,
    )
