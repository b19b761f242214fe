"""The flags: what should be known of a model beside its verdict. docs/verdicts.md explains them."""

from collections.abc import Mapping, Sequence

from alpha.core.text import number, percent
from alpha.data.columns import SplitName
from alpha.evaluate.details import Figure, Flag, Oracle, Shift, VerdictName
from alpha.evaluate.figures import Selection
from alpha.evaluate.params import Verdict as Limits

# A skill of one in a hundred. Below it, ratios of skills compare noise with noise.
_SOME_SKILL = 0.01
_LATER: tuple[SplitName, ...] = ("valid", "test")
_Raised = tuple[list[Flag], dict[str, Figure]]


def raise_all(
    splits: Mapping[SplitName, Selection],
    *,
    verdict: VerdictName,
    limits: Limits,
    shift: Sequence[Shift],
    oracle: Oracle,
) -> _Raised:
    """The flags that are raised, and the figures that raised them."""
    found = (
        _overfit(splits, limits),
        _unstable(splits["test"], verdict, limits),
        _label_shift(shift, limits),
        _leak(splits, limits, oracle),
    )
    figures: dict[str, Figure] = {}
    for _, of_flag in found:
        figures |= of_flag
    return [flag for flags, _ in found for flag in flags], figures


def _overfit(splits: Mapping[SplitName, Selection], limits: Limits) -> _Raised:
    train = splits["train"]["skill"].value
    if train is None or train <= _SOME_SKILL:
        return [], {}
    kept = {
        split: skill
        for split in _LATER
        if (skill := splits[split]["skill"].value) is not None
        and splits[split]["skill"].low is not None  # without an interval it says nothing
        and skill < limits.overfit_share * train
    }
    if not kept:
        return [], {}
    later = " and ".join(f"{number(skill)} on {split}" for split, skill in kept.items())
    sentence = (
        f"Of a skill of {number(train)} on train it keeps {later}: less than "
        f"{percent(limits.overfit_share)} of it."
    )
    # The skills themselves are among the verdict's own figures.
    return [Flag(name="overfit", sentence=sentence)], {}


def _unstable(test: Selection, verdict: VerdictName, limits: Limits) -> _Raised:
    mean, spread = test["skill"].value, test["skill_spread"].value
    seeds = test["skill_seeds"].value or 0
    if mean is None or spread is None or verdict == "collapsed":
        return [], {}
    # Without skill the mean is near 0, and any spread is large beside it.
    least = limits.unstable_share * abs(mean)
    if spread <= (max(least, _SOME_SKILL) if verdict == "no_skill" else least):
        return [], {}
    sentence = (
        f"Its skill on test depends on the seed: {number(mean)} with a spread of "
        f"{number(spread)} over {seeds:.0f} seeds."
    )
    flag = Flag(name="unstable_over_seeds", sentence=sentence)
    return [flag], {"test_skill_spread": spread}


def _label_shift(shift: Sequence[Shift], limits: Limits) -> _Raised:
    shifted = []
    figures: dict[str, Figure] = {}
    for one in shift:
        if one.psi is None or one.p_value is None:
            continue
        if one.psi > limits.shift_psi and one.p_value < limits.shift_p_value:
            chance = "<0.001" if one.p_value < 0.001 else number(one.p_value)
            shifted.append(f"{one.split} (PSI {number(one.psi, 2)}, p-value {chance})")
            figures[f"{one.split}_psi"] = one.psi
            figures[f"{one.split}_shift_p_value"] = one.p_value
    if not shifted:
        return [], {}
    sentence = f"The label is distributed otherwise than on train: on {' and on '.join(shifted)}."
    return [Flag(name="label_shift", sentence=sentence)], figures


def _leak(splits: Mapping[SplitName, Selection], limits: Limits, oracle: Oracle) -> _Raised:
    signs = []
    figures: dict[str, Figure] = {}
    for split in _LATER:
        skill = splits[split]["skill"]
        best = oracle.skill[split].high if split in oracle.skill else None
        if skill.low is None or skill.low <= 0:
            continue  # nothing that could be too good
        if skill.value is not None and skill.value > limits.leak_skill:
            signs.append(
                f"a skill of {number(skill.value)} on {split} is above {number(limits.leak_skill)}"
            )
        if best is not None and skill.low > best:
            signs.append(
                f"on {split} its skill of at least {number(skill.low)} is above all that could "
                f"be known, {number(best)} at most"
            )
            figures[f"{split}_oracle_skill_high"] = best
            figures[f"{split}_skill_low"] = skill.low
    if not signs:
        return [], {}
    sentence = f"Too good to be true: {'; '.join(signs)}. Look for a feature that knows the future."
    return [Flag(name="leak_suspected", sentence=sentence)], figures
