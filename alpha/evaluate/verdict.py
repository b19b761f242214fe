"""The verdict: what a trained model is, by name, with the figures that say so.

The rules and the limits are explained in docs/verdicts.md.
"""

from collections.abc import Mapping, Sequence

from alpha.data.columns import SplitName
from alpha.evaluate import flags
from alpha.evaluate.details import (
    Figure,
    ModelSplit,
    Oracle,
    OverSeeds,
    Shift,
    Threshold,
    Verdict,
    VerdictName,
)
from alpha.evaluate.params import Verdict as Limits
from alpha.evaluate.words import bps, number, percent

Figures = dict[str, Figure]


def judge(
    splits: Mapping[SplitName, ModelSplit],
    *,
    limits: Limits,
    shift: Sequence[Shift],
    oracle: Oracle,
    loss: str,
    threshold_meaning: str,
    round_trip_bps: float,
    level: float,
    tries: int,
    seeds: int,
    classes: bool,
) -> Verdict:
    """Name what a model of `seeds` runs is, from its figures on every split.

    Every interval is at `level` and already widened for `tries`. `loss` names what skill
    compares, such as "squared error"; `threshold_meaning` is Details.threshold_meaning;
    `classes` says whether the target is one of classes. The first rule that holds gives the
    name: collapsed, no_skill, then whether acting pays on a threshold that was chosen on valid.
    Figures that are not defined are None.
    """
    test = splits["test"]
    figures: Figures = {
        "train_skill": splits["train"].skill.mean,
        "valid_skill": splits["valid"].skill.mean,
        "test_skill": test.skill.mean,
        "test_skill_low": test.skill.low,
        "test_skill_high": test.skill.high,
        "test_std_ratio": test.std_ratio.mean,
        "test_near_mean_share": test.near_mean_share.mean,
    }
    name: VerdictName
    proven = test.skill.low is not None and test.skill.low > 0
    if signs := _collapse(test, limits, spare=proven and classes):
        name, sentence = "collapsed", f"On test {signs}."
        if proven:
            sentence += f" {_gain(test.skill, loss, level, tries)} all the same."
    elif test.skill.mean is None or test.skill.low is None or test.skill.low <= 0:
        name, sentence = "no_skill", _no_skill(test, loss, level, tries)
    else:
        against, of_trade = _why_not(splits["valid"], test, limits, round_trip_bps)
        figures |= of_trade
        gain = _gain(test.skill, loss, level, tries)
        if against:
            name, sentence = "skill_not_actionable", f"{gain}, but {against}."
        else:
            name = "actionable_on_paper"
            sentence = f"{gain}. {_pays(of_trade, round_trip_bps)} {_meaning(threshold_meaning)}"
    sentence += _missing(test, seeds)
    raised, of_flags = flags.raise_all(
        splits, verdict=name, limits=limits, shift=shift, oracle=oracle
    )
    return Verdict(name=name, sentence=sentence, figures=figures | of_flags, flags=raised)


def _collapse(test: ModelSplit, limits: Limits, *, spare: bool) -> str | None:
    """The signs of a collapse; None if there is none, or where neither figure is defined.

    `spare` spares what is not a plain constant: probabilities of a rare class vary little, and
    may be worth much in cross-entropy, so of classes a proven skill is no collapse.
    """
    lowest, highest = test.prediction_quantiles[0], test.prediction_quantiles[-1]
    if lowest is not None and lowest == highest:
        return "it predicts the same for every row"
    if spare:
        return None
    signs = []
    ratio, near = test.std_ratio.mean, test.near_mean_share.mean
    if ratio is not None and ratio < limits.collapsed_std_ratio:
        signs.append(
            # With more digits than the limit, of which it may fall short by little.
            "the standard deviation of its predictions is "
            f"{number(100 * ratio, 2)} % of the label's "
            f"(the limit is {percent(limits.collapsed_std_ratio)})"
        )
    if near is not None and near > limits.collapsed_near_mean:
        signs.append(
            f"{percent(near)} of its predictions are within a hair of the train mean "
            f"(the limit is {percent(limits.collapsed_near_mean)})"
        )
    return f"{' and '.join(signs)}: hardly more than a constant" if signs else None


def _missing(test: ModelSplit, seeds: int) -> str:
    """What the figures leave out, as a sentence of its own; empty if nothing."""
    text = ""
    if test.skill.seeds < seeds:
        text += f" Only {test.skill.seeds} of {seeds} seeds have a skill on test."
    if test.non_finite:
        text += (
            f" On test {test.non_finite:,} predictions are not finite: they count as the best "
            "constant, and are left out of what ranks."
        )
    return text


def _no_skill(test: ModelSplit, loss: str, level: float, tries: int) -> str:
    skill, undefined = test.skill, test.undefined
    if skill.mean is None:
        return f"Its skill on test is not available: {undefined.get('skill', 'not defined')}."
    gain = _gain(skill, loss, level, tries)
    if skill.low is None or skill.high is None:
        reason = undefined.get("intervals", "it has no interval")
        return f"{gain}, but nothing says if this is luck: {reason}."
    if skill.high < 0:
        return f"{gain}: worse than that constant."
    return f"{gain}: this may be luck." if skill.mean > 0 else f"{gain}: no better than it."


def _gain(skill: OverSeeds, loss: str, level: float, tries: int) -> str:
    """What the skill on test, which is defined, means, and its interval if there is one."""
    mean = skill.mean or 0.0
    change = f"takes {percent(mean)} off" if mean >= 0 else f"adds {percent(-mean)} to"
    text = f"On test it {change} the {loss} of the best constant fitted on train"
    if skill.low is None or skill.high is None:
        return text
    best = "" if tries == 1 else f" for the best of {tries:,} tries"
    ends = f"{percent(skill.low)} to {percent(skill.high)}"
    return f"{text} (the skill's {100 * level:g} % interval{best} is {ends})"


def _why_not(
    valid: ModelSplit, test: ModelSplit, limits: Limits, round_trip_bps: float
) -> tuple[str | None, Figures]:
    """Why acting does not pay, or None if it does; and the figures that say so.

    The threshold is chosen on valid, as choosing the best on test would flatter it.
    """
    needed = limits.actionable_windows
    fees = f"a taker's round trip of {bps(round_trip_bps)}"
    if not valid.thresholds:
        return (
            "whether acting on it would pay cannot be known: its outcomes are classes, not returns"
        ), {}
    most = max(check.windows for check in valid.thresholds)
    if most < needed:
        return (
            f"on valid it predicts more than a threshold in {_windows(most)} at most, "
            f"where {needed:,} are needed to say whether acting pays"
        ), {"valid_windows": most}
    chosen = max(
        (check for check in valid.thresholds if check.windows >= needed), key=_least_after_fees
    )
    at = bps(chosen.threshold_bps)
    [judged] = [one for one in test.thresholds if one.threshold_bps == chosen.threshold_bps]
    figures: Figures = {
        "threshold_bps": chosen.threshold_bps,
        "valid_windows": chosen.windows,
        "valid_after_fees_bps": chosen.after_fees_bps,
        "valid_after_fees_low_bps": chosen.after_fees_low_bps,
        "test_windows": judged.windows,
        "test_after_fees_bps": judged.after_fees_bps,
        "test_after_fees_low_bps": judged.after_fees_low_bps,
        "test_lift": judged.lift,
    }
    if _least_after_fees(chosen) <= 0:
        why = f"on valid no threshold is sure to pay {fees}: the best, {at}, leaves {_left(chosen)}"
    elif judged.windows < needed:
        why = (
            f"on test it predicts more than {at}, the threshold chosen on valid, in "
            f"{_windows(judged.windows)}, where {needed:,} are needed to say whether acting pays"
        )
    elif _least_after_fees(judged) <= 0:
        why = (
            f"on test acting where it predicts more than {at}, the threshold chosen on valid, "
            f"is not sure to pay {fees}: it leaves {_left(judged)}"
        )
    elif judged.lift is None or judged.lift <= 1:
        lift = "not defined" if judged.lift is None else number(judged.lift, 2)
        why = (
            f"on test acting where it predicts more than {at}, the threshold chosen on valid, "
            f"is no better than acting always: the lift is {lift}"
        )
    else:
        return None, figures
    return why, figures


def _windows(count: int) -> str:
    return f"{count:,} window{'s' * (count != 1)}"


def _least_after_fees(check: Threshold) -> float:
    low = check.after_fees_low_bps
    return float("-inf") if low is None else low


def _left(check: Threshold) -> str:
    if check.after_fees_bps is None:
        return "nothing that can be counted"
    low, high = check.after_fees_low_bps, check.after_fees_high_bps
    ends = (
        "with no interval, as it acts in too few blocks of time"
        if low is None or high is None
        else f"{bps(low).removesuffix(' bps')} to {bps(high)}"
    )
    return f"{bps(check.after_fees_bps)} ({ends})"


def _pays(figures: Figures, round_trip_bps: float) -> str:
    def text(name: str) -> str:
        return bps(figures[name] or 0.0)

    return (
        f"Acting where it predicts more than {text('threshold_bps')}, the threshold chosen on "
        f"valid, leaves {text('test_after_fees_bps')} on test after a taker's round trip of "
        f"{bps(round_trip_bps)} (at least {text('test_after_fees_low_bps')}), in "
        f"{figures['test_windows']:,.0f} windows apart from each other."
    )


def _meaning(threshold_meaning: str) -> str:
    return f"On paper only; the realised outcome is {threshold_meaning}."
