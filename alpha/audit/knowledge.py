"""Findings of features that know the future, or that come late, from their figures."""

from collections.abc import Iterator

import pandas as pd

from alpha.audit.findings import Finding
from alpha.audit.sample import Sample
from alpha.core.text import number, percent

# The R² of a feature by surprises that come after it. State that no quote shows (the simulated
# market's own regime) reaches 0.08.
_AHEAD = 0.1
# Standard deviations of the null. Honest features reach 6 in the largest of some 90 tries each.
_EDGE = 8.0
_KINK, _OUTCOME_IC = 6.0, 0.08
_CHECK = "Compute it from rows up to and including its own alone, or leave it out (data.exclude)."
_SHIFT = "Shift it so that each row has what was known then, or leave it out (data.exclude)."
_SERIES = {"signed": "moves of the mid", "activity": "sizes of moves", "spread": "spreads"}


def findings_of(figures: pd.DataFrame, sample: Sample) -> Iterator[Finding]:
    """One finding a feature at most, the clearest: `figures` is alpha.audit.leads' and .peers'."""
    step = sample.step_seconds
    for name, one in figures.iterrows():
        series, _, view = one["ahead_of"].partition(" ")
        edge_series, _, edge_view = one["edge_of"].partition(" ")
        if one["early"] > 0:
            seconds = one["early"] * step
            sentence = (
                f"{name} is {one['early']} row{'s' * (one['early'] > 1)} early, about "
                f"{number(seconds)} s: what happens in the quotes and in other features shows in "
                f"it before (relation {number(one['link'])} at that lead)."
            )
            yield _leak("early", name, one["link"], seconds, sentence, _SHIFT)
        elif one["ahead"] > _AHEAD:
            sentence = (
                f"{name} knows what comes: the {_SERIES[series]} of the next "
                f"{number(one['ahead_seconds'])} s explain {percent(min(one['ahead'], 1.0))} of "
                f"its {view}, those before it {percent(min(one['behind'], 1.0))}."
            )
            yield _leak("knows_future", name, one["ahead"], one["ahead_seconds"], sentence, _CHECK)
        elif one["edge"] > _EDGE:
            sentence = (
                f"{name} knows what comes, and stops {number(one['edge_seconds'])} s ahead: the "
                f"relation of its {edge_view} with later {_SERIES[edge_series]} ends there at once "
                f"({number(one['edge'])} standard deviations); an honest one fades."
            )
            yield _leak("ends_at_once", name, one["edge"], one["edge_seconds"], sentence, _CHECK)
        elif one["outcome_kink"] > _KINK and abs(one["outcome_ic"]) > _OUTCOME_IC:
            what = {"outcome": "alpha_outcome", "side": "up less down"}.get(
                one["outcome_of"], one["outcome_of"]
            )
            sentence = (
                f"{name} is made of {what}: given all that completed outcomes and quotes tell, its "
                f"rank IC with it is {number(one['outcome_ic'])}, and less with that of any other "
                f"row ({number(one['outcome_kink'])} standard deviations)."
            )
            seconds = sample.horizon_seconds
            yield _leak("outcome_copy", name, one["outcome_ic"], seconds, sentence, _CHECK)
        elif one["early"] < 0:
            seconds = one["early"] * step
            sentence = (
                f"{name} is {-one['early']} row{'s' * (one['early'] < -1)} late, about "
                f"{number(-seconds)} s: what happens in the quotes and in other features shows in "
                f"it after."
            )
            yield Finding(
                kind="late",
                columns=[str(name)],
                severity="warning",
                where="features",
                strength=float(one["link"]),
                lead_seconds=float(seconds),
                sentence=sentence,
                what_to_do="Nothing is known too early; with it in time, models would see more.",
            )


def _leak(
    kind: str, name: object, strength: float, seconds: float, sentence: str, what_to_do: str
) -> Finding:
    return Finding(
        kind=kind,
        columns=[str(name)],
        severity="leak",
        where="features",
        strength=float(strength),
        lead_seconds=float(seconds),
        sentence=sentence,
        what_to_do=what_to_do,
    )
