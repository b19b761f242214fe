"""The verdict: what a trained model is, by name, with the figures that say so; and its flags.

docs/verdicts.md explains the rules and the limits.
"""

from alpha.core.text import bps, number, percent
from alpha.data.columns import SPLITS
from alpha.evaluate.details import Details, Figure, Flag, Verdict, VerdictName
from alpha.evaluate.figures import Interval, Selection
from alpha.evaluate.params import Verdict as Limits

# A skill of one in a hundred. Below it, ratios of skills compare noise with noise.
_SOME_SKILL = 0.01
Figures = dict[str, Figure]


def judge(details: Details, model: str, *, seeds: int, limits: Limits) -> Verdict:
    """Name what a model of `seeds` runs is, from its figures. The first rule that holds gives the
    name: collapsed, no_skill, then whether acting pays on a threshold that was chosen on valid."""
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
    gain = _gain(details, skill)
    proven = skill.least > 0
    if signs := _collapse(test, limits, spare=proven and bool(details.classes)):
        name, sentence = "collapsed", f"On test {signs}."
        if proven:
            sentence += f" {gain} all the same."
    elif not proven:
        name, sentence = "no_skill", _no_skill(test, gain)
    else:
        pays, why = _acting(details, model, limits, figures)
        name = "actionable_on_paper" if pays else "skill_not_actionable"
        sentence = f"{gain}. {why}" if pays else f"{gain}, but {why}."
    known, non_finite = test["skill_seeds"].value or 0, test["non_finite"].value
    if known < seeds:
        sentence += f" Only {known:.0f} of {seeds} seeds have a skill on test."
    if non_finite:
        count = "they count as the best constant, and are left out of what ranks"
        sentence += f" On test {non_finite:,.0f} predictions are not finite: {count}."
    flags = raise_flags(details, model, name, limits, figures)
    return Verdict(name=name, sentence=sentence, figures=figures, flags=flags)


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
    if ratio is not None and ratio < (limit := limits.collapsed_std_ratio):
        # With more digits than the limit, of which it may fall short by little.
        of_label = f"{number(100 * ratio, 2)} % of the label's (the limit is {percent(limit)})"
        signs.append(f"the standard deviation of its predictions is {of_label}")
    if near is not None and near > (limit := limits.collapsed_near_mean):
        where = f"within a tolerance of the train mean (the limit is {percent(limit)})"
        signs.append(f"{percent(near)} of its predictions are {where}")
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


def _gain(details: Details, skill: Interval) -> str:
    """What the skill on test means, and its interval if there is one."""
    value, low, high, _ = skill
    mean = value or 0.0
    change = f"takes {percent(mean)} off" if mean >= 0 else f"adds {percent(-mean)} to"
    text = f"On test it {change} the {details.loss} of the best constant fitted on train"
    if low is None or high is None:
        return text
    best = "" if details.tries == 1 else f" for the best of {details.tries:,} tries"
    ends = f"{percent(low)} to {percent(high)}"
    return f"{text} (the skill's {100 * details.level:g} % interval{best} is {ends})"


def _acting(details: Details, model: str, limits: Limits, figures: Figures) -> tuple[bool, str]:
    """Whether acting pays, and why; adds the figures that say so. The threshold is chosen on valid,
    as choosing the best on test would flatter it."""
    checks = details.on(model, "valid").thresholds
    if not checks:
        classes = "its outcomes are classes, not returns"
        return False, f"whether acting on it would pay cannot be known: {classes}"
    trip = f"a taker's round trip of {bps(details.round_trip_bps)}"
    needed = limits.actionable_windows
    where = f"where {needed:,} are needed to say whether acting pays"
    most = max(map(_windows, checks))
    if most < needed:
        figures["valid_windows"] = most
        few = f"{_of_windows(most)} at most, {where}"
        return False, f"on valid it predicts more than a threshold in {few}"
    enough = (check for check in checks if _windows(check) >= needed)
    chosen = max(enough, key=lambda check: check["after_fees_bps"].least)
    [judged] = [one for one in details.on(model).thresholds if one.event == chosen.event]
    left, lift, windows = judged["after_fees_bps"], judged["lift"].value, _windows(judged)
    figures |= {"threshold_bps": float(chosen.event), "test_lift": lift}
    for split, check in (("valid", chosen), ("test", judged)):
        figures[f"{split}_windows"] = _windows(check)
        figures[f"{split}_after_fees_bps"] = check["after_fees_bps"].value
        figures[f"{split}_after_fees_low_bps"] = check["after_fees_bps"].low
    at = bps(float(chosen.event))
    more = f"more than {at}, the threshold chosen on valid,"
    if chosen["after_fees_bps"].least <= 0:
        best = f"the best, {at}, leaves {_left(chosen)}"
        return False, f"on valid no threshold is sure to pay {trip}: {best}"
    if windows < needed:
        return False, f"on test it predicts {more} in {_of_windows(windows)}, {where}"
    acting = f"on test acting where it predicts {more} is"
    if left.value is None or left.low is None or left.low <= 0:
        return False, f"{acting} not sure to pay {trip}: it leaves {_left(judged)}"
    if lift is None or lift <= 1:
        its_lift = "not defined" if lift is None else number(lift, 2)
        return False, f"{acting} no better than acting always: the lift is {its_lift}"
    return True, (
        f"Acting where it predicts {more} leaves {bps(left.value)} on test after {trip} "
        f"(at least {bps(left.low)}), in {windows:,} windows apart from each other. "
        f"On paper only; the realised outcome is {details.threshold_meaning}."
    )


def _windows(check: Selection) -> int:
    """Windows apart from each other in which it acts."""
    return int(check["windows"].value or 0)


def _of_windows(count: int) -> str:
    return f"{count:,} window{'s' * (count != 1)}"


def _left(check: Selection) -> str:
    value, low, high, _ = check["after_fees_bps"]
    if value is None:
        return "nothing that can be counted"
    if low is None or high is None:
        return f"{bps(value)} (with no interval, as it acts in too few blocks of time)"
    return f"{bps(value)} ({bps(low).removesuffix(' bps')} to {bps(high)})"


def raise_flags(
    details: Details, model: str, verdict: VerdictName, limits: Limits, figures: Figures
) -> list[Flag]:
    """The flags that are raised; adds the figures that raised them."""
    train = details.on(model, "train")["skill"].value or 0.0
    kept, shifted, leaks = [], [], []
    for split in SPLITS[1:]:
        skill, low, *_ = details.on(model, split)["skill"]
        label, best = details.on("label", split), details.on("oracle", split)["skill"].high
        psi, chance = label["psi"].value or 0.0, label["p_value"].value
        if psi > limits.shift_psi and chance is not None and chance < limits.shift_p_value:
            shown = "<0.001" if chance < 0.001 else number(chance)
            shifted.append(f"on {split} (PSI {number(psi, 2)}, p-value {shown})")
            figures |= {f"{split}_psi": psi, f"{split}_shift_p_value": chance}
        if skill is None or low is None:
            continue  # without an interval it says nothing
        if train > _SOME_SKILL and skill < limits.overfit_share * train:
            kept.append(f"{number(skill)} on {split}")
        if low > 0 and skill > limits.leak_skill:
            limit = number(limits.leak_skill)
            leaks.append(f"a skill of {number(skill)} on {split} is above {limit}")
        if low > 0 and best is not None and low > best:
            above = f"above all that could be known, {number(best)} at most"
            leaks.append(f"on {split} its skill of at least {number(low)} is {above}")
            figures |= {f"{split}_oracle_skill_high": best, f"{split}_skill_low": low}
    flags = []
    if kept:
        keeps = f"Of a skill of {number(train)} on train it keeps {' and '.join(kept)}"
        share = f"less than {percent(limits.overfit_share)} of it."
        flags.append(Flag(name="overfit", sentence=f"{keeps}: {share}"))
    test = details.on(model)
    mean, spread = test["skill"].value, test["skill_spread"].value
    if mean is not None and spread is not None and verdict != "collapsed":
        # Without skill the mean is near 0, and any spread is large beside it.
        least = _SOME_SKILL if verdict == "no_skill" else 0.0
        if spread > max(least, limits.unstable_share * abs(mean)):
            figures["test_skill_spread"] = spread
            depends = f"Its skill on test depends on the seed: {number(mean)} with a spread of "
            seeds = f"{number(spread)} over {test['skill_seeds'].value or 0:.0f} seeds."
            flags.append(Flag(name="unstable_over_seeds", sentence=depends + seeds))
    if shifted:
        moved = f"The label is distributed otherwise than on train: {' and '.join(shifted)}."
        flags.append(Flag(name="label_shift", sentence=moved))
    if leaks:
        look = "Look for a feature that knows the future."
        sentence = f"Too good to be true: {'; '.join(leaks)}. {look}"
        flags.append(Flag(name="leak_suspected", sentence=sentence))
    return flags
