"""Findings of features that know the future, or that come late, from their figures."""

from collections.abc import Iterator
from typing import Any

import numpy as np
import pandas as pd

from alpha.audit.findings import Finding, Severity
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
_AHEAD_OF = {"knows_future": "ahead", "ends_at_once": "edge"}  # kinds, and their figure
_OUTCOMES = {"outcome": "alpha_outcome", "up": "up", "down": "down", "side": "up less down"}


def knowing(figures: pd.DataFrame) -> pd.Series:
    """The kind of finding of each feature that knows the future by the figures of alpha.audit.leads
    alone, the clearest, "" of others."""
    alone = figures["ahead"] > np.maximum(_ONLY_AHEAD, _TIMES_BEHIND * figures["behind"])
    least = np.where(figures["outcome_of"] == "outcome", _OUTCOME_IC, _PART_IC)
    kinds = {
        "knows_future": (figures["ahead"] > _AHEAD) | alone,
        "ends_at_once": figures["edge"] > _EDGE,
        "outcome_copy": (figures["outcome_kink"] > _KINK) & (figures["outcome_ic"].abs() > least),
    }
    return pd.Series(np.select(list(kinds.values()), list(kinds), ""), figures.index)


def findings_of(figures: pd.DataFrame, sample: Sample) -> Iterator[Finding]:
    """One finding a feature at most, the clearest: `figures` is alpha.audit.leads' and .peers'."""
    for name, one in figures.assign(kind=knowing(figures)).to_dict("index").items():
        shift = one["early"] * sample.step_seconds
        side, order = ("early", "before") if shift > 0 else ("late", "after")
        shifted = (
            f"{name} is {_rows(abs(one['early']))} {side}, about {number(abs(shift))} s: what "
            f"happens in quotes and other features shows in it {order} (relation "
            f"{number(one['link'])})."
        )
        if shift > 0:
            yield _finding("early", [name], one["link"], shift, shifted)
        elif figure := _AHEAD_OF.get(one["kind"]):
            series, _, view = one[f"{figure}_of"].partition(" ")
            series, reach = _SERIES[series], one[f"{figure}_seconds"]
            if figure == "ahead":
                explained, before = (percent(min(one[side], 1.0)) for side in ("ahead", "behind"))
                text = (
                    f"{name} knows what comes: {series} of the next {number(reach)} s explain "
                    f"{explained} of its {view}, those before it {before}."
                )
            else:
                text = (
                    f"{name} knows what comes, as far as {number(reach)} s ahead: there the "
                    f"relation of its {view} with {series} ends at once ({number(one['edge'], 1)} "
                    f"standard deviations), where an honest one fades."
                )
            yield _finding(one["kind"], [name], one[figure], reach, text)
        elif one["kind"] == "outcome_copy":
            text = (
                f"{name} is made of {_OUTCOMES[one['outcome_of']]}: given what quotes and "
                f"completed outcomes tell, its rank IC with it is {number(one['outcome_ic'])}, and "
                f"falls with that of rows before and after ({number(one['outcome_kink'], 1)} "
                f"standard deviations)."
            )
            yield _finding(one["kind"], [name], one["outcome_ic"], sample.horizon_seconds, text)
        elif shift < 0:
            yield _finding("late", [name], one["link"], shift, shifted)
    # That all features are early, if those that can be compared with quotes are.
    early = figures.loc[figures["early"] > 0, "early"]
    if len(early) >= _SHIFTED and early.nunique() == 1 and not (figures["in_step"] > 0).any():
        text = (
            f"All {len(early)} features that can be compared with quotes are "
            f"{_rows(early.iloc[0])} early, and none is in step: features stand beside the quotes "
            f"of earlier rows."
        )
        shift = early.iloc[0] * sample.step_seconds
        yield _finding("all_early", list(figures.index), len(early), shift, text)


def _rows(count: int) -> str:
    return f"{count:.0f} row{'s' * (count != 1)}"


def _finding(kind: str, names: list[Any], strength: float, seconds: float, text: str) -> Finding:
    severity: Severity = "warning" if kind == "late" else "leak"
    cure = _CURES.get(kind, _CHECK)
    return Finding(kind, severity, "features", text, cure, names, float(strength), float(seconds))
