"""What should be known of a model beside its verdict; docs/verdicts.md explains the rules."""

import math
from collections.abc import Sequence

from alpha.audit.findings import Finding
from alpha.core.text import number, percent, some
from alpha.data.columns import SPLITS, SplitName
from alpha.evaluate.details import Details, Figure, Flag, VerdictName
from alpha.evaluate.params import Verdict as Limits
from alpha.learn.kinds import FEATURELESS

# A skill of one in a hundred. Below it, ratios of skills compare noise with noise.
SOME_SKILL = 0.01
_COLUMNS_NAMED = 3  # of those that leak
Figures = dict[str, Figure]


def raise_flags(
    details: Details,
    model: str,
    verdict: VerdictName,
    limits: Limits,
    figures: Figures,
    leaks: Sequence[Finding],
) -> list[Flag]:
    """The flags that are raised; adds the figures that raised them."""
    said = {"overfit": _overfit(details, model, limits, figures)}
    test, runs = details.on(model), "seeds" if details.paths == 1 else "runs"
    mean, spread = test["skill"].value, test["skill_spread"].value or 0.0
    # Without skill the mean is near 0, and any spread is large beside it.
    least = {"collapsed": math.inf, "no_skill": SOME_SKILL}.get(verdict, 0.0)
    if mean is not None and spread > max(least, limits.unstable_share * abs(mean)):
        figures["test_skill_spread"] = spread
        said["unstable_over_seeds"] = (
            f"Its skill on test depends on the seed: {number(mean)} with a spread of "
            f"{number(spread)} over {test['skill_seeds'].value or 0:.0f} {runs}."
        )
    shifted, good = [], []
    for split in SPLITS[1:]:
        label, skill = details.on("label", split), details.on(model, split)["skill"]
        psi, chance = label["psi"].value or 0.0, label["p_value"].value
        if psi > limits.shift_psi and chance is not None and chance < limits.shift_p_value:
            shown = "<0.001" if chance < 0.001 else number(chance)
            shifted.append(f"on {split} (PSI {number(psi, 2)}, p-value {shown})")
            figures |= {f"{split}_psi": psi, f"{split}_shift_p_value": chance}
        if skill.value is None or skill.least <= 0:
            continue  # without an interval it says nothing
        if skill.value > limits.leak_skill:
            limit = number(limits.leak_skill)
            good.append(f"a skill of {number(skill.value)} on {split} is above {limit}")
        best = details.on("oracle", split)["skill"].high
        if best is not None and skill.least > best:
            above = f"above all that could be known, {number(best)} at most"
            good.append(f"on {split} its skill of at least {number(skill.least)} is {above}")
            figures |= {f"{split}_oracle_skill_high": best, f"{split}_skill_low": skill.least}
    if shifted:
        moved = f"The label is distributed otherwise than on train: {' and '.join(shifted)}."
        said["label_shift"] = moved
    known = _leaks(model, leaks, figures)
    if good:
        look = "Look for a feature that knows the future."
        known.append(f"Too good to be true: {'; '.join(good)}. {look}")
    said["leak_suspected"] = " ".join(known)
    given = [{"name": name, "sentence": sentence} for name, sentence in said.items()]
    return [Flag.model_validate(one) for one in given if one["sentence"]]


def _leaks(model: str, leaks: Sequence[Finding], figures: Figures) -> list[str]:
    """What the audit found of what the model looks at, as sentences. A leak in columns concerns
    models that look at features, one without columns every model."""
    said = [f"The audit found a leak: {one.sentence}" for one in leaks if not one.columns]
    columns = list(dict.fromkeys(name for one in leaks for name in one.columns))
    if columns and model not in FEATURELESS:
        figures["leaking_columns"] = len(columns)
        named = some(columns, most=_COLUMNS_NAMED)
        said.append(f"It looks at what the audit says knows the future: {named}.")
    return said


def _overfit(details: Details, model: str, limits: Limits, figures: Figures) -> str:
    """What a model has left of its skill on train, if it lost more than the period explains, which
    is measured by the best on train of the models that look at no features, which have a number
    or four to fit and can learn nothing by heart."""
    of_train = {name: _without_bias(details, name, "train") or 0.0 for name in details.models}
    able = {name: skill for name, skill in of_train.items() if skill > SOME_SKILL}
    if model in FEATURELESS or model not in able:
        return ""
    train, kept = able[model], []
    simple = [name for name in able if name in FEATURELESS]
    measure = max(simple, key=able.__getitem__, default="")
    for split in SPLITS[1:]:
        found = _without_bias(details, model, split)
        value, _, high, _ = details.on(model, split)["hindsight"]
        if found is None or value is None or high is None:
            continue  # without an interval it says nothing
        left = _without_bias(details, measure, split)
        share = 1.0 if left is None else min(1.0, max(0.0, left / able[measure]))
        clear = max(SOME_SKILL, high - value)
        if found < limits.overfit_share * share * train and found + clear < share * train:
            beside = f", where {measure} kept {percent(share)} of its own" if measure else ""
            kept.append(f"{number(found)} on {split}{beside}")
            figures |= {"train_skill_without_bias": train, f"{split}_skill_without_bias": found}
    limit, keeps = percent(limits.overfit_share), " and ".join(kept)
    less = f"a share less than {limit} as large" if measure else f"less than {limit} of it"
    return f"Of a skill of {number(train)} on train it keeps {keeps}: {less}." if kept else ""


def _without_bias(details: Details, model: str, split: SplitName) -> float | None:
    """How well a model tells rows apart, were its level right: the explained variance, or for
    another loss than mse the skill in hindsight."""
    found = details.on(model, split)
    explained = found["explained_variance"].value
    return found["hindsight"].value if explained is None else explained
