"""The ladder: a rung is only worth its complexity if it beats those below it out of sample."""

from collections.abc import Callable, Mapping, Sequence

from alpha.core.text import number
from alpha.data.columns import SplitName
from alpha.evaluate.details import Rung
from alpha.evaluate.figures import Interval

_NOTHING_BELOW = "no model below it has a skill on valid"
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
    against, by = _best(skills["valid"], below), Interval(reason=_NOTHING_BELOW)
    if against is not None:
        by = difference(model, against)
    failing = _failing(model, below, skills["test"], against, by)
    sentence = f"Not worth its complexity: {failing}."
    if failing is None:
        sentence = f"Worth its complexity: on test it {_beats(against, by)}."
    return Rung(model=model, against=against, improves=failing is None, sentence=sentence), by


def _failing(
    model: str,
    below: Sequence[str],
    on_test: Mapping[str, Interval],
    against: str | None,
    by: Interval,
) -> str | None:
    """Why a model is not worth its complexity, or None if it is."""
    if by.value is None or by.low is None or by.high is None:
        return f"it cannot be compared, as {by.reason or 'the difference has no interval'}"
    if by.low <= 0:
        if by.value > 0:
            return f"on test it {_beats(against, by, ', but perhaps by luck')}"
        if by.value < 0:
            return f"on test it is behind {against} by {number(-by.value)} of skill {_ends(by)}"
        return f"on test it has the same skill as {against} {_ends(by)}"
    beats = f"on test it {_beats(against, by)}, but"
    own = on_test[model]
    if own.low is None or own.low <= 0:
        return f"{beats} not the best constant for sure"
    best = _best(on_test, below)
    more = None if best is None else on_test[best].value
    if own.value is not None and more is not None and more > own.value:
        return f"{beats} {best} has more there, {number(more)}"
    return None


def _beats(against: str | None, by: Interval, luck: str = "") -> str:
    return f"beats {against} by {number(by.value or 0.0)} of skill{luck} {_ends(by)}"


def _ends(by: Interval) -> str:
    return f"({number(by.low or 0.0)} to {number(by.high or 0.0)})"


def _best(skills: Mapping[str, Interval], models: Sequence[str]) -> str | None:
    """The one with the largest skill, the first of equals: the simplest; None if none has one."""
    known = {model: value for model in models if (value := skills[model].value) is not None}
    return max(known, key=known.__getitem__, default=None)
