"""The ladder: a rung is only worth its complexity if it beats those below it out of sample."""

from collections.abc import Callable, Mapping, Sequence

from alpha.core.text import number
from alpha.data.columns import SplitName
from alpha.evaluate.details import Rung
from alpha.evaluate.figures import Interval

Skills = Mapping[SplitName, Mapping[str, Interval]]


def compare_to_baselines(
    models: Sequence[str], skills: Skills, difference: Callable[[str, str], Interval]
) -> list[tuple[Rung, Interval]]:
    """Each model, lowest first, against the best of those below it; and by how much it is better.

    The best is the one with the largest mean skill on valid (the lowest of several), so that
    test chooses nothing. `difference(model, against)` gives the skill of `model` less that of
    `against` on test, with its paired interval. A model is worth its complexity if on test
    that interval is above 0, no other rung below has a larger skill, and its own skill is
    proven; else its sentence says which of these fails.
    """
    return [_rung(model, models[:at], skills, difference) for at, model in enumerate(models)]


def _rung(
    model: str,
    below: Sequence[str],
    skills: Skills,
    difference: Callable[[str, str], Interval],
) -> tuple[Rung, Interval]:
    if not below:
        sentence = "The lowest rung: there is nothing below to beat."
        rung = Rung(model=model, against=None, improves=None, sentence=sentence)
        return rung, Interval(reason="the lowest rung")
    on_valid = _means(skills["valid"], below)
    if not on_valid:
        against, on_test = None, Interval(reason="no model below it has a skill on valid")
    else:
        # The first of equals: the simplest.
        against = max(on_valid, key=on_valid.__getitem__)
        on_test = difference(model, against)
    failing = _failing(model, below, skills["test"], against, on_test)
    if failing is None:
        sentence = f"Worth its complexity: on test it {_beats(against, on_test)}."
    else:
        sentence = f"Not worth its complexity: {failing}."
    rung = Rung(model=model, against=against, improves=failing is None, sentence=sentence)
    return rung, on_test


def _failing(
    model: str,
    below: Sequence[str],
    on_test: Mapping[str, Interval],
    against: str | None,
    difference: Interval,
) -> str | None:
    """Why a model is not worth its complexity, or None if it is."""
    value, low, high = difference.value, difference.low, difference.high
    if value is None or low is None or high is None:
        reason = difference.reason or "the difference has no interval"
        return f"it cannot be compared, as {reason}"
    size, ends = number(abs(value)), f"{number(low)} to {number(high)}"
    if low <= 0:
        if value > 0:
            return f"on test it {_beats(against, difference, 'but perhaps by luck ')}"
        if value < 0:
            return f"on test it is behind {against} by {size} of skill ({ends})"
        return f"on test it has the same skill as {against} ({ends})"
    beats = f"on test it {_beats(against, difference)}, but"
    own = on_test[model]
    if own.low is None or own.low <= 0:
        return f"{beats} not the best constant for sure"
    others = _means(on_test, below)
    best = max(others, key=others.__getitem__)
    if own.value is not None and others[best] > own.value:
        return f"{beats} {best} has more there, {number(others[best])}"
    return None


def _beats(against: str | None, difference: Interval, luck: str = "") -> str:
    assert difference.value is not None
    assert difference.low is not None
    assert difference.high is not None
    ends = f"({number(difference.low)} to {number(difference.high)})"
    comma = ", " if luck else " "
    return f"beats {against} by {number(difference.value)} of skill{comma}{luck}{ends}"


def _means(skills: Mapping[str, Interval], models: Sequence[str]) -> dict[str, float]:
    return {model: value for model in models if (value := skills[model].value) is not None}
