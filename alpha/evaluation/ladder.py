"""The ladder: a rung is only worth its complexity if it beats those below it out of sample."""

from collections.abc import Callable, Mapping, Sequence

from alpha.evaluation.details import Interval, Rung
from alpha.evaluation.words import number


def climb(
    models: Sequence[str],
    valid_skill: Mapping[str, float | None],
    difference: Callable[[str, str], Interval],
) -> list[Rung]:
    """Each model, lowest first, against the best of those below it.

    The best is the one with the largest mean skill on valid (the lowest of several), so that
    test chooses nothing. `difference(model, against)` gives the skill of `model` less that of
    `against` on test, with its paired interval: a model is worth its complexity if the
    interval is above 0. A model without a difference or an interval is not worth it, and the
    sentence gives the reason.
    """
    return [_rung(model, models[:at], valid_skill, difference) for at, model in enumerate(models)]


def _rung(
    model: str,
    below: Sequence[str],
    valid_skill: Mapping[str, float | None],
    difference: Callable[[str, str], Interval],
) -> Rung:
    if not below:
        return Rung(
            model=model,
            against=None,
            skill_difference=Interval(reason="the lowest rung"),
            worth=None,
            sentence="The lowest rung: there is nothing below to beat.",
        )
    skills = {name: skill for name in below if (skill := valid_skill.get(name)) is not None}
    if not skills:
        against, on_test = None, Interval(reason="no model below it has a skill on valid")
    else:
        # The first of equals: the simplest.
        against = max(skills, key=skills.__getitem__)
        on_test = difference(model, against)
    worth = on_test.low is not None and on_test.low > 0
    return Rung(
        model=model,
        against=against,
        skill_difference=on_test,
        worth=worth,
        sentence=_sentence(against, on_test, worth),
    )


def _sentence(against: str | None, on_test: Interval, worth: bool) -> str:
    if on_test.value is None or on_test.low is None or on_test.high is None:
        reason = on_test.reason or "the difference has no interval"
        return f"Not worth its complexity: it cannot be compared, as {reason}."
    size = number(abs(on_test.value))
    ends = f"{number(on_test.low)} to {number(on_test.high)}"
    if worth:
        return f"Worth its complexity: on test it beats {against} by {size} of skill ({ends})."
    if on_test.value > 0:
        found = f"beats {against} by {size} of skill, but perhaps by luck ({ends})"
    elif on_test.value < 0:
        found = f"is behind {against} by {size} of skill ({ends})"
    else:
        found = f"has the same skill as {against} ({ends})"
    return f"Not worth its complexity: on test it {found}."
