"""The skill on test, with an interval that counts how many configurations were tried."""

from dataclasses import dataclass

from alpha.evaluate.details import Details
from alpha.evaluate.tries import widen
from alpha.history.tries import Tried


@dataclass(frozen=True)
class Headline:
    """A model's skill on test, and its interval widened for `tries`."""

    skill: float | None
    low: float | None
    high: float | None
    tries: int
    reaches_zero: bool  # only because of tries that evaluate.tries does not count


def headline(details: Details, model: str, tried: Tried) -> Headline:
    """The interval is widened for the larger of evaluate.tries and what was counted: tries
    may have been made elsewhere, but those that are known of are never left out."""
    skill = details.by_model[model].splits["test"].skill
    tries = max(details.tries, tried.configurations.get(model, 1))
    low, high = widen(
        skill.mean,
        skill.low,
        skill.high,
        tries=tries,
        level=details.level,
        already=details.tries,
    )
    reaches_zero = skill.low is not None and low is not None and low <= 0 < skill.low
    return Headline(skill.mean, low, high, tries, reaches_zero)


def notes(details: Details, models: list[str], tried: Tried) -> list[str]:
    """What should be known of the tries behind the headlines of `models`."""
    headlines = {model: headline(details, model, tried) for model in models}
    more = {model: one.tries for model, one in headlines.items() if one.tries > details.tries}
    lines = []
    if more:
        each = ", ".join(f"{model} {tries:,}" for model, tries in more.items())
        lines.append(
            f"Configurations evaluated on this test split: {each}. evaluate.tries is smaller, "
            f"{details.tries:,}: here the intervals of skill on test are widened for all of "
            f"them, but in the report and for the verdicts only for {details.tries:,}."
        )
    luck = [model for model, one in headlines.items() if one.reaches_zero]
    if luck:
        which = ", ".join(luck)
        lines.append(f"Widened so, the interval includes 0: the skill of {which} may be luck.")
    if tried.unread:
        lines.append(
            f"Not counted: {tried.unread:,} earlier evaluation{'s' * (tried.unread > 1)} of an "
            f"older format, or not in DVC's cache."
        )
    return lines
