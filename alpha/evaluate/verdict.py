"""The verdict: what a trained model is, by name, with the figures that say so; and its flags.

docs/verdicts.md explains the rules and the limits.
"""

from alpha.core.text import bps, number, percent
from alpha.data.columns import SPLITS
from alpha.evaluate.details import Details, Figure, Flag, Verdict, VerdictName
from alpha.evaluate.figures import Selection
from alpha.evaluate.params import Verdict as Limits

# A skill of one in a hundred. Below it, ratios of skills compare noise with noise.
_SOME_SKILL = 0.01
_NOT_FINITE = "they count as the best constant, and are left out of what ranks"
_LATER = SPLITS[1:]
Figures = dict[str, Figure]


def judge(details: Details, model: str, *, seeds: int, limits: Limits) -> Verdict:
    """Name what a model of `seeds` runs is, from its figures on every split, whose intervals are
    widened already.

    The first rule that holds gives the name: collapsed, no_skill, then whether acting pays on a
    threshold that was chosen on valid.
    """
    test = details.on(model)
    skill = test["skill"]
    figures: Figures = {
        **{f"{split}_skill": details.on(model, split)["skill"].value for split in SPLITS},
        "test_skill_low": skill.low,
        "test_skill_high": skill.high,
        "test_std_ratio": test["std_ratio"].value,
        "test_near_mean_share": test["near_mean_share"].value,
    }
    name: VerdictName
    gain = _gain(details, model)
    proven = skill.low is not None and skill.low > 0
    if signs := _collapse(test, limits, spare=proven and bool(details.classes)):
        name, sentence = "collapsed", f"On test {signs}."
        if proven:
            sentence += f" {gain} all the same."
    elif skill.value is None or not proven:
        name, sentence = "no_skill", _no_skill(test, gain)
    else:
        name = "skill_not_actionable"
        against, of_trade = _why_not(details, model, limits)
        figures |= of_trade
        sentence = f"{gain}, but {against}."
        if not against:
            name = "actionable_on_paper"
            sentence = (
                f"{gain}. {_pays(of_trade, details.round_trip_bps)} "
                f"On paper only; the realised outcome is {details.threshold_meaning}."
            )
    known, non_finite = test["skill_seeds"].value or 0, test["non_finite"].value
    if known < seeds:
        sentence += f" Only {known:.0f} of {seeds} seeds have a skill on test."
    if non_finite:
        sentence += f" On test {non_finite:,.0f} predictions are not finite: {_NOT_FINITE}."
    flags, of_flags = raise_flags(details, model, verdict=name, limits=limits)
    return Verdict(name=name, sentence=sentence, figures=figures | of_flags, flags=flags)


def _collapse(test: Selection, limits: Limits, *, spare: bool) -> str | None:
    """The signs of a collapse, if there are any. `spare` spares what is not a plain constant:
    probabilities of a rare class vary little, and may be worth much in cross-entropy."""
    quantiles = test.values("prediction_quantile")
    if quantiles and quantiles[0] is not None and quantiles[0] == quantiles[-1]:
        return "it predicts the same for every row"
    if spare:
        return None
    signs = []
    ratio, near = test["std_ratio"].value, test["near_mean_share"].value
    if ratio is not None and ratio < limits.collapsed_std_ratio:
        # With more digits than the limit, of which it may fall short by little.
        signs.append(
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


def _no_skill(test: Selection, gain: str) -> str:
    skill, undefined = test["skill"], test.undefined
    if skill.value is None:
        return f"Its skill on test is not available: {undefined.get('skill', 'not defined')}."
    if skill.low is None or skill.high is None:
        reason = undefined.get("intervals", "it has no interval")
        return f"{gain}, but nothing says if this is luck: {reason}."
    if skill.high < 0:
        return f"{gain}: worse than that constant."
    return f"{gain}: this may be luck." if skill.value > 0 else f"{gain}: no better than it."


def _gain(details: Details, model: str) -> str:
    """What the skill on test, which is defined, means, and its interval if there is one."""
    value, low, high, _ = details.on(model)["skill"]
    mean = value or 0.0
    change = f"takes {percent(mean)} off" if mean >= 0 else f"adds {percent(-mean)} to"
    text = f"On test it {change} the {details.loss} of the best constant fitted on train"
    if low is None or high is None:
        return text
    best = "" if details.tries == 1 else f" for the best of {details.tries:,} tries"
    ends = f"{percent(low)} to {percent(high)}"
    return f"{text} (the skill's {100 * details.level:g} % interval{best} is {ends})"


def _why_not(details: Details, model: str, limits: Limits) -> tuple[str | None, Figures]:
    """Why acting does not pay, or None if it does; and the figures that say so. The threshold is
    chosen on valid, as choosing the best on test would flatter it."""
    valid, test = details.on(model, "valid"), details.on(model)
    if not valid.thresholds:
        return (
            "whether acting on it would pay cannot be known: its outcomes are classes, not returns"
        ), {}
    needed, fees = (
        limits.actionable_windows,
        f"a taker's round trip of {bps(details.round_trip_bps)}",
    )
    where = f"where {needed:,} are needed to say whether acting pays"
    most = max(map(_windows, valid.thresholds))
    if most < needed:
        few = f"on valid it predicts more than a threshold in {_of_windows(most)} at most, {where}"
        return few, {"valid_windows": most}
    enough = (check for check in valid.thresholds if _windows(check) >= needed)
    chosen = max(enough, key=_least_after_fees)
    [judged] = [one for one in test.thresholds if one.event == chosen.event]
    lift = judged["lift"].value
    figures: Figures = {"threshold_bps": float(chosen.event)}
    for split, check in (("valid", chosen), ("test", judged)):
        figures[f"{split}_windows"] = _windows(check)
        figures[f"{split}_after_fees_bps"] = check["after_fees_bps"].value
        figures[f"{split}_after_fees_low_bps"] = check["after_fees_bps"].low
    figures["test_lift"] = lift
    at = bps(float(chosen.event))
    acting = f"on test acting where it predicts more than {at}, the threshold chosen on valid,"
    why: str | None = None
    if _least_after_fees(chosen) <= 0:
        why = f"on valid no threshold is sure to pay {fees}: the best, {at}, leaves {_left(chosen)}"
    elif _windows(judged) < needed:
        why = (
            f"on test it predicts more than {at}, the threshold chosen on valid, in "
            f"{_of_windows(_windows(judged))}, {where}"
        )
    elif _least_after_fees(judged) <= 0:
        why = f"{acting} is not sure to pay {fees}: it leaves {_left(judged)}"
    elif lift is None or lift <= 1:
        its_lift = "not defined" if lift is None else number(lift, 2)
        why = f"{acting} is no better than acting always: the lift is {its_lift}"
    return why, figures


def _windows(check: Selection) -> int:
    """Windows apart from each other in which it acts."""
    return int(check["windows"].value or 0)


def _of_windows(count: int) -> str:
    return f"{count:,} window{'s' * (count != 1)}"


def _least_after_fees(check: Selection) -> float:
    low = check["after_fees_bps"].low
    return float("-inf") if low is None else low


def _left(check: Selection) -> str:
    value, low, high, _ = check["after_fees_bps"]
    if value is None:
        return "nothing that can be counted"
    if low is None or high is None:
        return f"{bps(value)} (with no interval, as it acts in too few blocks of time)"
    return f"{bps(value)} ({bps(low).removesuffix(' bps')} to {bps(high)})"


def _pays(figures: Figures, round_trip_bps: float) -> str:
    threshold, left, least = (
        bps(figures[name] or 0.0)
        for name in ("threshold_bps", "test_after_fees_bps", "test_after_fees_low_bps")
    )
    return (
        f"Acting where it predicts more than {threshold}, the threshold chosen on valid, leaves "
        f"{left} on test after a taker's round trip of {bps(round_trip_bps)} (at least {least}), "
        f"in {figures['test_windows']:,.0f} windows apart from each other."
    )


def raise_flags(
    details: Details, model: str, *, verdict: VerdictName, limits: Limits
) -> tuple[list[Flag], Figures]:
    """The flags that are raised, and the figures that raised them."""
    figures: Figures = {}
    sentences = {
        "overfit": _overfit(details, model, limits),
        "unstable_over_seeds": _unstable(details.on(model), verdict, limits, figures),
        "label_shift": _label_shift(details, limits, figures),
        "leak_suspected": _leak(details, model, limits, figures),
    }
    raised = {name: sentence for name, sentence in sentences.items() if sentence}
    return [Flag.model_validate({"name": n, "sentence": s}) for n, s in raised.items()], figures


def _overfit(details: Details, model: str, limits: Limits) -> str | None:
    train = details.on(model, "train")["skill"].value
    if train is None or train <= _SOME_SKILL:
        return None
    kept = [
        f"{number(skill.value)} on {split}"
        for split in _LATER
        if (skill := details.on(model, split)["skill"]).value is not None
        and skill.low is not None  # without an interval it says nothing
        and skill.value < limits.overfit_share * train
    ]
    if not kept:
        return None
    return (
        f"Of a skill of {number(train)} on train it keeps {' and '.join(kept)}: less than "
        f"{percent(limits.overfit_share)} of it."
    )


def _unstable(
    test: Selection, verdict: VerdictName, limits: Limits, figures: Figures
) -> str | None:
    mean, spread = test["skill"].value, test["skill_spread"].value
    if mean is None or spread is None or verdict == "collapsed":
        return None
    # Without skill the mean is near 0, and any spread is large beside it.
    least = limits.unstable_share * abs(mean)
    if spread <= (max(least, _SOME_SKILL) if verdict == "no_skill" else least):
        return None
    figures["test_skill_spread"] = spread
    return (
        f"Its skill on test depends on the seed: {number(mean)} with a spread of "
        f"{number(spread)} over {test['skill_seeds'].value or 0:.0f} seeds."
    )


def _label_shift(details: Details, limits: Limits, figures: Figures) -> str | None:
    shifted = []
    for split in _LATER:
        psi, chance = (details.on("label", split)[name].value for name in ("psi", "p_value"))
        if psi is None or chance is None:
            continue
        if psi > limits.shift_psi and chance < limits.shift_p_value:
            shown = "<0.001" if chance < 0.001 else number(chance)
            shifted.append(f"on {split} (PSI {number(psi, 2)}, p-value {shown})")
            figures |= {f"{split}_psi": psi, f"{split}_shift_p_value": chance}
    if not shifted:
        return None
    return f"The label is distributed otherwise than on train: {' and '.join(shifted)}."


def _leak(details: Details, model: str, limits: Limits, figures: Figures) -> str | None:
    signs = []
    for split in _LATER:
        skill, low, *_ = details.on(model, split)["skill"]
        best = details.on("oracle", split)["skill"].high
        if skill is None or low is None or low <= 0:
            continue  # nothing that could be too good
        if skill > limits.leak_skill:
            limit = number(limits.leak_skill)
            signs.append(f"a skill of {number(skill)} on {split} is above {limit}")
        if best is not None and low > best:
            signs.append(
                f"on {split} its skill of at least {number(low)} is above all that could "
                f"be known, {number(best)} at most"
            )
            figures |= {f"{split}_oracle_skill_high": best, f"{split}_skill_low": low}
    if not signs:
        return None
    return f"Too good to be true: {'; '.join(signs)}. Look for a feature that knows the future."
