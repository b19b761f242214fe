"""The verdict: what a trained model is, by name, with the figures that say so.

docs/verdicts.md explains the rules and the limits.
"""

from collections.abc import Sequence
from typing import Any

from alpha.audit.findings import Finding
from alpha.core.text import bps, number, percent
from alpha.data.columns import SPLITS
from alpha.evaluate.details import Answer, Details, Verdict, VerdictName
from alpha.evaluate.figures import Interval, Selection
from alpha.evaluate.flags import SOME_SKILL, Figures, raise_flags
from alpha.evaluate.params import Verdict as Limits


def judge(
    details: Details, model: str, *, seeds: int, limits: Limits, leaks: Sequence[Finding]
) -> Verdict:
    """Name what a model of `seeds` runs is, from its figures and the audit's `leaks`. The first
    rule that holds gives the name: collapsed, no_skill, then whether acting pays on a threshold
    that was chosen on valid; never where a leak is suspected."""
    test = details.on(model)
    skill, hindsight = test["skill"], test["hindsight"]
    figures: Figures = {
        **{f"{split}_skill": details.on(model, split)["skill"].value for split in SPLITS},
        "test_skill_low": skill.low,
        "test_skill_high": skill.high,
        "test_hindsight": hindsight.value,
        "test_hindsight_low": hindsight.low,
        "test_std_ratio": test["std_ratio"].value,
        "test_near_mean_share": test["near_mean_share"].value,
    }
    name: VerdictName
    learnable, actionable = Answer(), Answer(why="there is nothing proven to act on.")
    gain, proven = takes_off(details, skill, details.tries), test.proven
    if signs := _collapse(test, limits, spare=proven and bool(details.classes)):
        name, sentence = "collapsed", f"On test {signs}."
        if proven:
            sentence += f" {gain} all the same."
        learnable = Answer(answer="no", why=sentence)
    elif not proven:
        name, sentence = "no_skill", _no_skill(test, gain) + _seen(details, test, figures)
        worse = skill.high is not None and skill.high <= 0
        learnable = Answer(answer="no" if worse else "not proven", why=sentence)
    else:
        sided, reason = test["trades"].value is not None, details.on("all")["trading"].reason
        pays, why = (_trading if sided else _acting)(details, model, limits, figures)
        name = "actionable_on_paper" if pays else "skill_not_actionable"
        sentence = f"{gain}. {why}" if pays else f"{gain}, but {why}."
        learnable = Answer(answer="yes", why=f"{gain}.")
        valid = details.on(model, "valid")
        acts = [one for one in valid.thresholds if one["prediction_above"].value]
        after = [valid["net_bps"]] if sided else [one["after_fees_bps"] for one in acts]
        loses = bool(after) and all((one.high or 0.0) < 0 for one in after)
        answer: Any = "yes" if pays else "no" if loses else "not proven"
        actionable = Answer(answer=answer, why=why if pays else f"{why}.")
        sentence += f" The target {reason}." if reason else ""
    known = test["skill_seeds"].value or 0
    non_finite = {of: details.on(model, of)["non_finite"].value for of in SPLITS}
    bad = [f"{of} {count:,.0f}" for of, count in non_finite.items() if count]
    flags = raise_flags(details, model, name, limits, figures, leaks)
    if any(flag.name == "leak_suspected" for flag in flags):
        why = "a leak is suspected: until it is ruled out, that acting pays on paper means nothing"
        if name == "actionable_on_paper":
            name, sentence = "skill_not_actionable", f"{gain}, but {why}."
            actionable = Answer(why=f"{why}.")
        if learnable.answer == "yes":
            learnable = Answer(why=f"{gain}, but a leak is suspected: it must be ruled out first.")
    if known < seeds * details.paths:
        runs = f"{seeds * details.paths} {'seeds' if details.paths == 1 else 'runs'}"
        sentence += f" Only {known:.0f} of {runs} have a skill on test."
    if test.folds:
        counts = {name: test[name].value for name in ("folds", "folds_positive", "folds_proven")}
        of, positive, proven_in = (f"{count or 0:.0f}" for count in counts.values())
        what = "folds" if details.paths == 1 else "blocks of test"
        sentence += f" Its skill is above 0 in {positive} of {of} {what}, for sure in {proven_in}."
        figures |= counts
    if bad:
        count = "they count as the best constant, and are left out of what ranks"
        sentence += f" On {' and on '.join(bad)} predictions are not finite: {count}."
    if diverged := details.on(model, "train")["diverged_epochs"].value:
        epochs = f"{diverged:,.0f} epochs have a loss that is not finite"
        sentence += f" Its training diverged: {epochs}."
    return Verdict(
        name=name, learnable=learnable, actionable=actionable, sentence=sentence, figures=figures,
        flags=flags,
    )  # fmt: skip


def _collapse(test: Selection, limits: Limits, *, spare: bool) -> str | None:
    """The signs of a collapse, if there are any. `spare` spares what is not a plain constant:
    probabilities of a rare class vary little, and may be worth much in cross-entropy."""
    if test.constant:
        return f"it predicts the same for every row{' of a fold' * bool(test.folds)}"
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
    skill, hindsight, undefined = test["skill"], test["hindsight"], test.undefined
    if skill.value is None:
        return f"Its skill on test is not available: {undefined.get('skill', 'not defined')}."
    if skill.low is None or skill.high is None:
        reason = undefined.get("intervals", "it has no interval")
        return f"{gain}, but nothing says if this is luck: {reason}."
    if skill.high < 0:
        return f"{gain}: worse than that constant."
    if skill.low <= 0:
        return f"{gain}: this may be luck." if skill.value > 0 else f"{gain}: no better than it."
    # Proven, but not in hindsight.
    left, explained = max(hindsight.value or 0.0, 0.0), test["explained_variance"].value or 0.0
    ends = "" if hindsight.high is None else f" ({between(hindsight)})"
    much, luck = (f"{percent(left)} ", f"{ends}, which may be luck") if left else ("nothing ", "")
    why = "" if left else ": the level of the outcome moved, it does not tell rows apart"
    if explained - left > SOME_SKILL:
        why = f": it explains {percent(explained)} of how rows differ, but is off their level"
    return f"{gain}, but {much}off that of the constant that fits test{luck}{why}."


def _seen(details: Details, test: Selection, figures: Figures) -> str:
    """What skill test could have proven, if that is known; adds the figures."""
    least, needed = test["detectable"].value, test["days_needed"].value
    value, seen = test["hindsight"].value, details.on("label")["observed_days"].value
    if least is None or seen is None:
        return ""
    figures |= {"test_detectable": least, "test_days": seen, "days_needed": needed}
    if least >= 1:
        return f" With this spread, {_days(seen)} of test could prove no skill at all."
    text = f" A skill of {percent(least)} would be proven by {_days(seen)} of test"
    text += " four times in five"
    if value is None or needed is None:
        return f"{text}."
    return f"{text}; the {percent(value)} that it has in hindsight by about {_days(needed)}."


def _days(count: float) -> str:
    return f"{number(count, 0 if count >= 10 else 1 if count >= 1 else 2)} days"


def takes_off(details: Details, skill: Interval, tries: int) -> str:
    """What the skill on test means, and its interval, widened for `tries`, if there is one."""
    value, low, high, _ = skill
    mean = value or 0.0
    change = f"takes {percent(mean)} off" if mean >= 0 else f"adds {percent(-mean)} to"
    text = f"On test it {change} the {details.loss} of the best constant fitted on train"
    if low is None or high is None:
        return text
    best = "" if tries == 1 else f" for the best of {tries:,} tries"
    return f"{text} (the skill's {100 * details.level:g} % interval{best} is {between(skill)})"


def between(found: Interval) -> str:
    return f"{percent(found.low or 0.0)} to {percent(found.high or 0.0)}"


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
        best = f"the best, {at}, leaves {_left(chosen['after_fees_bps'])}"
        return False, f"on valid no threshold is sure to pay {trip}: {best}"
    if windows < needed:
        return False, f"on test it predicts {more} in {_of_windows(windows)}, {where}"
    acting = f"on test acting where it predicts {more} is"
    if left.value is None or left.low is None or left.low <= 0:
        return False, f"{acting} not sure to pay {trip}: it leaves {_left(left)}"
    if lift is None or lift <= 1:
        its_lift = "not defined" if lift is None else number(lift, 2)
        return False, f"{acting} no better than acting always: the lift is {its_lift}"
    return True, (
        f"Acting where it predicts {more} leaves {bps(left.value)} on test after {trip} "
        f"(at least {bps(left.low)}), in {windows:,} windows apart from each other. "
        f"On paper only; the realised outcome is {details.threshold_meaning}."
    )


def _trading(details: Details, model: str, limits: Limits, figures: Figures) -> tuple[bool, str]:
    """Whether the positions of `alpha trade` pay, and why; adds the figures that say so."""
    overfit, net = details.on("all")["overfit_probability"].value, details.on(model)["net_bps"]
    for split in ("valid", "test"):
        of, needed = details.on(model, split), limits.actionable_windows
        for name in ("trades", "net_bps", "drawdown_bps", "sharpe", "deflated_sharpe"):
            figures[f"{split}_{name}"] = of[name].value
        if (made := of["trades"].value or 0) < needed:
            where = f"where {needed:,} are needed to say whether acting pays"
            return False, f"on {split} it makes {made:,.0f} trades, {where}"
        if (of["net_bps"].value or 0) <= 0 and split == "valid":
            return False, f"on valid the best threshold leaves {_left(of['net_bps'])} a trade"
    said = f"{_left(net)} a trade on test after latency, spread and fees, in {made:,.0f} trades, "
    said += f"with a drawdown of {bps(of['drawdown_bps'].value or 0)}"
    if (sharpe := of["sharpe"].value) is not None:
        said += f" and a Sharpe ratio of {number(sharpe, 1)} a year"
    if (luck := of["deflated_sharpe"].value) is not None:
        said += f", not the luck of so many tries with a probability of {percent(luck)}"
    if overfit is not None:
        said += f"; the choice of the best model is overfit with one of {percent(overfit)}"
    if net.least <= 0:
        return False, f"trading is not sure to pay: it leaves {said}"
    return True, f"Trading beyond the threshold chosen on valid leaves {said}. On paper only."


def _windows(check: Selection) -> int:
    """Windows apart from each other in which it acts."""
    return int(check["windows"].value or 0)


def _of_windows(count: int) -> str:
    return f"{count:,} window{'s' * (count != 1)}"


def _left(found: Interval) -> str:
    value, low, high, _ = found
    if value is None:
        return "nothing that can be counted"
    if low is None or high is None:
        return f"{bps(value)} (with no interval, as it acts in too few blocks of time)"
    return f"{bps(value)} ({bps(low).removesuffix(' bps')} to {bps(high)})"
