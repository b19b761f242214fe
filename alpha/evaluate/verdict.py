"""The verdict: what a trained model is, by name, with the figures that say so.

The rules and the limits are explained in docs/verdicts.md.
"""

from collections.abc import Mapping, Sequence

from alpha.core.text import bps, number, percent
from alpha.data.columns import SplitName
from alpha.evaluate import flags
from alpha.evaluate.details import Figure, Oracle, Shift, Verdict, VerdictName
from alpha.evaluate.figures import Interval, Selection
from alpha.evaluate.params import Verdict as Limits

Figures = dict[str, Figure]


def judge(
    splits: Mapping[SplitName, Selection],
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
    skill = test["skill"]
    figures: Figures = {
        "train_skill": splits["train"]["skill"].value,
        "valid_skill": splits["valid"]["skill"].value,
        "test_skill": skill.value,
        "test_skill_low": skill.low,
        "test_skill_high": skill.high,
        "test_std_ratio": test["std_ratio"].value,
        "test_near_mean_share": test["near_mean_share"].value,
    }
    name: VerdictName
    proven = skill.low is not None and skill.low > 0
    if signs := _collapse(test, limits, spare=proven and classes):
        name, sentence = "collapsed", f"On test {signs}."
        if proven:
            sentence += f" {_gain(skill, loss, level, tries)} all the same."
    elif skill.value is None or not proven:
        name, sentence = "no_skill", _no_skill(test, loss, level, tries)
    else:
        against, of_trade = _why_not(splits["valid"], test, limits, round_trip_bps)
        figures |= of_trade
        gain = _gain(skill, loss, level, tries)
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


def _collapse(test: Selection, limits: Limits, *, spare: bool) -> str | None:
    """The signs of a collapse; None if there is none, or where neither figure is defined.

    `spare` spares what is not a plain constant: probabilities of a rare class vary little, and
    may be worth much in cross-entropy, so of classes a proven skill is no collapse.
    """
    quantiles = test.values("prediction_quantile")
    if quantiles and quantiles[0] is not None and quantiles[0] == quantiles[-1]:
        return "it predicts the same for every row"
    if spare:
        return None
    signs = []
    ratio, near = test["std_ratio"].value, test["near_mean_share"].value
    if ratio is not None and ratio < limits.collapsed_std_ratio:
        signs.append(
            # With more digits than the limit, of which it may fall short by little.
            "the standard deviation of its predictions is "
            f"{number(100 * ratio, 2)} % of the label's "
            f"(the limit is {percent(limits.collapsed_std_ratio)})"
        )
    if near is not None and near > limits.collapsed_near_mean:
        signs.append(
            f"{percent(near)} of its predictions are within a tolerance of the train mean "
            f"(the limit is {percent(limits.collapsed_near_mean)})"
        )
    return f"{' and '.join(signs)}: hardly more than a constant" if signs else None


def _missing(test: Selection, seeds: int) -> str:
    """What the figures leave out, as a sentence of its own; empty if nothing."""
    text = ""
    known, non_finite = test["skill_seeds"].value or 0, test["non_finite"].value
    if known < seeds:
        text += f" Only {known:.0f} of {seeds} seeds have a skill on test."
    if non_finite:
        text += (
            f" On test {non_finite:,.0f} predictions are not finite: they count as the best "
            "constant, and are left out of what ranks."
        )
    return text


def _no_skill(test: Selection, loss: str, level: float, tries: int) -> str:
    skill, undefined = test["skill"], test.undefined
    if skill.value is None:
        return f"Its skill on test is not available: {undefined.get('skill', 'not defined')}."
    gain = _gain(skill, loss, level, tries)
    if skill.low is None or skill.high is None:
        reason = undefined.get("intervals", "it has no interval")
        return f"{gain}, but nothing says if this is luck: {reason}."
    if skill.high < 0:
        return f"{gain}: worse than that constant."
    return f"{gain}: this may be luck." if skill.value > 0 else f"{gain}: no better than it."


def _gain(skill: Interval, loss: str, level: float, tries: int) -> str:
    """What the skill on test, which is defined, means, and its interval if there is one."""
    mean = skill.value or 0.0
    change = f"takes {percent(mean)} off" if mean >= 0 else f"adds {percent(-mean)} to"
    text = f"On test it {change} the {loss} of the best constant fitted on train"
    if skill.low is None or skill.high is None:
        return text
    best = "" if tries == 1 else f" for the best of {tries:,} tries"
    ends = f"{percent(skill.low)} to {percent(skill.high)}"
    return f"{text} (the skill's {100 * level:g} % interval{best} is {ends})"


def _why_not(
    valid: Selection, test: Selection, limits: Limits, round_trip_bps: float
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
    most = max(_count(check) for check in valid.thresholds)
    if most < needed:
        return (
            f"on valid it predicts more than a threshold in {_windows(most)} at most, "
            f"where {needed:,} are needed to say whether acting pays"
        ), {"valid_windows": most}
    chosen = max(
        (check for check in valid.thresholds if _count(check) >= needed), key=_least_after_fees
    )
    threshold_bps = float(chosen.event)
    at = bps(threshold_bps)
    [judged] = [one for one in test.thresholds if one.event == chosen.event]
    lift = judged["lift"].value
    figures: Figures = {
        "threshold_bps": threshold_bps,
        "valid_windows": _count(chosen),
        "valid_after_fees_bps": chosen["after_fees_bps"].value,
        "valid_after_fees_low_bps": chosen["after_fees_bps"].low,
        "test_windows": _count(judged),
        "test_after_fees_bps": judged["after_fees_bps"].value,
        "test_after_fees_low_bps": judged["after_fees_bps"].low,
        "test_lift": lift,
    }
    if _least_after_fees(chosen) <= 0:
        why = f"on valid no threshold is sure to pay {fees}: the best, {at}, leaves {_left(chosen)}"
    elif _count(judged) < needed:
        why = (
            f"on test it predicts more than {at}, the threshold chosen on valid, in "
            f"{_windows(_count(judged))}, where {needed:,} are needed to say whether acting pays"
        )
    elif _least_after_fees(judged) <= 0:
        why = (
            f"on test acting where it predicts more than {at}, the threshold chosen on valid, "
            f"is not sure to pay {fees}: it leaves {_left(judged)}"
        )
    elif lift is None or lift <= 1:
        its_lift = "not defined" if lift is None else number(lift, 2)
        why = (
            f"on test acting where it predicts more than {at}, the threshold chosen on valid, "
            f"is no better than acting always: the lift is {its_lift}"
        )
    else:
        return None, figures
    return why, figures


def _windows(count: int) -> str:
    return f"{count:,} window{'s' * (count != 1)}"


def _count(check: Selection) -> int:
    """Windows apart from each other in which it acts."""
    return int(check["windows"].value or 0)


def _least_after_fees(check: Selection) -> float:
    low = check["after_fees_bps"].low
    return float("-inf") if low is None else low


def _left(check: Selection) -> str:
    after = check["after_fees_bps"]
    if after.value is None:
        return "nothing that can be counted"
    ends = (
        "with no interval, as it acts in too few blocks of time"
        if after.low is None or after.high is None
        else f"{bps(after.low).removesuffix(' bps')} to {bps(after.high)}"
    )
    return f"{bps(after.value)} ({ends})"


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
